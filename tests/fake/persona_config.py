# SPDX-License-Identifier: GPL-3.0-or-later
"""The `/admin/config` dialect of 0.5.3 to 0.6: pairs, prefixes, a reload that works later. No sockets, no faults."""

import time

from .lines import LegacyLines
from .persona import DEFAULT_RATES, Persona, Store, json_response, not_found, parse_address, problem, unauthorized
from .persona_settings import PROXY_KEYS, parse_rate

BLOCKED = "server.security.blocked-networks."
RATE = "server.security.fail2ban"
RELOAD_S = 0.05                                 # how long the reload takes, in real time


def data(pairs=()):
    return json_response({"data": [list(p) for p in pairs]})


class Persona006(LegacyLines, Persona):
    """Options: file (what the configuration file says; it wins over the store), settings, ansi (on by default), reload_s."""

    name, version = "0.6", "0.6.0"
    classes = ("auth",)
    ban_module = "directory::core::dispatch"

    def __init__(self, clock=None, logdir=None, options=None):
        super().__init__(clock, logdir, {"ansi": True, **(options or {})})

    def setup(self):
        self.store = Store(self.options.get("settings", {}))
        self.file = dict(self.options.get("file", {}))
        self.due = None

    # ---- store and live ---------------------------------------------------------------------------

    def load_live(self):
        """Only a start reads the rate (seen on 0.6.0), and the listeners."""
        self.load_blocked()
        text = self.file.get(RATE, self.store.get(RATE))
        self.live.thresholds = {cls: None for cls in DEFAULT_RATES}
        self.live.scan_paths = []
        self.use_forwarded = self.store.get("jmap.rate-limit.use-forwarded") == "true"
        self.proxy_networks = [v for name in PROXY_KEYS for k, v in self.store.prefix(name)
                               if k == name or k.startswith(name + ".")]
        try:
            self.live.thresholds["auth"] = parse_rate(text) if text is not None else DEFAULT_RATES["auth"]
        except ValueError as error:
            self.live.thresholds["auth"] = DEFAULT_RATES["auth"]
            self.log_legacy("ERROR", "utils::config", 'Failed to parse setting "%s": %s' % (RATE, error))

    def load_blocked(self):
        good = [parse_address(k[len(BLOCKED):]) for k, _ in self.store.prefix(BLOCKED)]
        self.live.blocked = {p[1] for p in good if p and p[0] == "address"}
        self.live.networks = {p[1] for p in good if p and p[0] == "network"}

    def tick(self):
        if self.due is not None and time.monotonic() >= self.due:
            self.settle()

    def settle(self):
        """The reload that was asked for is done now."""
        if self.due is not None:
            self.due = None
            self.load_blocked()

    def store_ban(self, address, cls):
        self.store.set(BLOCKED + address, "")
        self.live.add(address)

    def preload(self, addresses):
        self.store.update({BLOCKED + a: note for a, note in addresses})
        self.load_blocked()

    def edit(self, change):
        self.store.update(change.get("set", {}))
        self.store.update({BLOCKED + a: "" for a in change.get("block", ())})
        for key in list(change.get("delete", ())) + [BLOCKED + a for a in change.get("unblock", ())]:
            self.store.delete(key)
        return {"data": []}

    def stored(self):
        return {"blocked": [k[len(BLOCKED):] for k, _ in self.store.prefix(BLOCKED)], "allowed": [],
                "settings": {k: v for k, v in self.store.dump().items() if not k.startswith(BLOCKED)},
                "file": dict(self.file)}

    def restart(self):
        with self.lock:
            self.due = None
            self.log_legacy("INFO", "utils", "Shutting down Stalwart Mail Server v%s..." % self.version)
            super().restart()

    def log_startup(self):
        self.log_legacy("INFO", "utils", "Starting Stalwart Mail Server v%s..." % self.version)

    # ---- routes -----------------------------------------------------------------------------

    def route(self, req, who):
        parts = req.path.split("/")[1:]
        if parts[0] != "admin" or len(parts) < 2:
            return not_found()
        if who is None or who.permissions is not None:      # administrators only
            return unauthorized()
        # a segment is taken as it came, neither joined with the next nor decoded: so no key that holds
        # a slash can be named (seen on 0.6.0)
        name = parts[2] if len(parts) > 2 else ""
        handler = ROUTES.get((req.method, parts[1], name if parts[1] == "reload" else ""))
        return handler(self, req, name) if handler else not_found()

    def read(self, req, prefix):
        return data(self.store.prefix(prefix))

    def write(self, req, name):
        try:
            pairs = req.json()
            if name or not all(isinstance(k, str) and isinstance(v, str) for k, v in pairs):
                raise ValueError
        except (ValueError, TypeError):
            return problem(400, "Invalid parameters", "Failed to deserialize config update request")
        self.store.update(dict(map(tuple, pairs)))
        return data()

    def delete(self, req, name):
        if name.endswith("."):
            self.store.clear(name)
        elif name:
            self.store.delete(name)
        return data()

    def reload(self, req, name):
        self.due = time.monotonic() + self.options.get("reload_s", RELOAD_S)
        return data()


ROUTES = {("GET", "config", ""): Persona006.read, ("POST", "config", ""): Persona006.write,
          ("DELETE", "config", ""): Persona006.delete, ("GET", "reload", "config"): Persona006.reload}
