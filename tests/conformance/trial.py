# SPDX-License-Identifier: GPL-3.0-or-later
"""One operation on one server: runs the binary and holds every verdict against what is stored and what is live there."""

import ipaddress
import json
import time

from cli_world import DONE, HANG_S
from personas import refusal

LISTS = {"block": ("blocked", True), "unblock": ("blocked", False), "allow": ("allowed", True), "disallow": ("allowed", False)}
LIVE = {"blocked": ("blocked", "networks"), "allowed": ("allowed", "allowed_networks")}
LISTED = [name + verb for name in ("sysBlockedIp", "sysAllowedIp") for verb in ("Get", "Query")]
RIGHTS = {
    "jmap": {"read": ["authenticate", "sysSecurityGet", "sysLogGet", "sysLogQuery"] + LISTED,
             "write": ["sysSecurityUpdate"] + [n + v for n in ("sysBlockedIp", "sysAllowedIp") for v in ("Create", "Update", "Destroy")],
             "reload": ["sysActionCreate", "actionReloadBlockedIps", "actionReloadSettings"]},
    "settings": {"read": ["settings-list", "logs-view"], "write": ["settings-update", "settings-delete"], "reload": ["settings-reload"]},
    "rest": {"read": ["settings-list"], "write": ["settings-update", "settings-delete"]},
}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

# The requests that write, and those that make live.
WRITE = {"jmap": dict(body="x:(BlockedIp|AllowedIp|Security)/set"), "settings": dict(method="POST", path="^/api/settings$", body="(blocked-ip|fail2ban|auto-ban)"),
         "config": dict(method="POST", path="^/admin/config"), "rest": dict(method="PATCH")}
RELOAD = {"jmap": dict(body="x:Action/set"), "settings": dict(path="^/api/reload"), "config": dict(path="^/admin/reload")}
REMOVAL = {**WRITE, "config": dict(method="DELETE"), "rest": dict(method="DELETE")}


def canonical(text):
    try:
        return str(ipaddress.ip_network(text, strict=False)) if "/" in text else str(ipaddress.ip_address(text))
    except ValueError:
        return text


def seconds(rate):
    """[count, seconds] of 20/1h; None when it is off."""
    if rate in (None, "false", "off"):
        return None
    count, _, period = rate.partition("/")
    return [int(count), int(period[:-1] or 1) * UNITS[period[-1]]]


class Trial:
    is_real = False                             # somebody's own server: nothing happens there at the suite's word

    def __init__(self, generation, practice, world):
        self.gen, self.p, self.world = generation, practice, world

    # ---- what is so on the server -----------------------------------------------------------------

    def state(self):
        """Work that the server does a moment later is done first."""
        self.p.control("settle", {})
        return self.p.state()

    def stored(self, kind="blocked"):
        return [canonical(a) for a in self.state()["stored"][kind]]

    def live(self, kind="blocked"):
        live = self.state()["live"]
        return [canonical(a) for name in LIVE[kind] for a in live[name]]

    def rate(self, cls="auth"):
        """[count, seconds] in force, or None."""
        return self.state()["live"]["thresholds"][cls]

    def count(self, n):
        """A count to set: on somebody's own server one that bans nobody."""
        return n

    def facts(self):
        """What no refused operation may change: everything stored and live, counters and certificates' generation left out."""
        state = self.state()
        live = {k: v for k, v in state["live"].items() if k != "certs"}
        return json.dumps([state["stored"], live], sort_keys=True)

    # ---- what happens there -----------------------------------------------------------------------

    def reset(self, **options):
        """The server as new, with options of its own."""
        self.p.control("reset", {"options": {**self.gen.options, **options}})

    def ban(self, client, cls="auth"):
        """Failures until the server bans."""
        kind = {"auth": "auth_fail", "abuse": "rcpt_fail", "loiter": "loiter", "scan": "scan"}[cls]
        count, _ = self.rate(cls)
        for _ in range(count):
            assert self.p.event(kind, client, account=client + "@example.org") == "ok"
        return self.p.event(kind, client, account=client + "@example.org")

    def store_rate(self, text):
        """Another administrator wrote that where the rate of auth is."""
        self.run("thresholds", "set", "auth", "11/1h")
        keys = [k for k, v in self.state()["stored"]["settings"].items() if v == "11/1h"]
        assert keys
        self.p.edit(set=dict.fromkeys(keys, text))

    def block_until(self, address, until, verb="block"):
        """Another run of stalwarden did that, long ago: the server has it as it would be then."""
        if self.gen.keeps == "native":
            self.p.edit(**{verb: [{"address": address, "expiresAt": until}]})
        else:
            prefix = {"config": "server.security.blocked-networks.", "settings": "server.%sed-ip." % verb}[self.gen.dialect]
            self.p.edit(set={prefix + address: json.dumps({"by": "root", "at": "2019-01-01T00:00:00Z", "until": until, "class": "manual"})})

    def login(self, *rights):
        """An account that has these only: read, write, reload."""
        names = [n for r in rights for n in RIGHTS.get(self.gen.dialect, {}).get(r, ())]
        self.reset(keys=[{"name": "k", "secret": "s", "permissions": names}])
        self.world.use_key(self.p, "k", "s")

    # ---- running ----------------------------------------------------------------------------------

    def run(self, *args, **more):
        return self.world.run(*args, **more)

    def rows(self, *args, rc=DONE):
        result = self.run(*args, "-o", "json")
        assert result.rc == rc, result
        return result.rows()

    def during(self, write, meanwhile, *args):
        """Runs a change, and while its write is held up on the way, something else happens."""
        self.p.requests()
        self.p.fault("stall", times=1, **write)
        process = self.world.start(*args, "-o", "json")
        deadline = time.monotonic() + HANG_S
        while not any(r.get("fault") == "stall" for r in self.p.control("requests?keep=1")["requests"]):
            assert time.monotonic() < deadline and process.poll() is None, "the write never came"
        meanwhile()
        self.p.release()
        return self.world.finish(process)

    def refused(self, capability, *args):
        """What it lacks: refused, with the reason, and nothing is changed."""
        rc, words = refusal(self.gen, capability)
        before = self.facts()
        result = self.run(*args, "-o", "json")
        assert result.rc == rc and words in result.out + result.err, result
        assert self.facts() == before or rc == DONE, result

    def change(self, *args, rc=DONE, verdict="in_force", **more):
        """Runs a change and returns its Result; each row's verdict must be the one given, and true."""
        before = self.state()
        result = self.run(*args, "-o", "json", **more)
        assert result.rc == rc, result
        rows = result.rows()
        assert rows, result
        for row in rows:
            if verdict:
                assert row["verdict"] == verdict, result
            self.check(row, before, result)
        return result

    def check(self, row, before, result):
        """The verdict of one row against the server: no more than what is so, and no less."""
        after = self.state()
        if row["op"] in LISTS:
            found = self.list_truth(row, before, after)
        elif row["op"].startswith("threshold"):
            found = self.rate_truth(row, before, after)
        elif row["op"].startswith("path"):
            found = self.path_truth(row, before, after)
        else:
            return
        stored, live, unchanged = found
        true = {"in_force": stored and live, "stored": stored, "mismatch": not stored, "not_stored": unchanged or not stored,
                "unknown": True}[row["verdict"]]
        assert true, (row, dict(stored=stored, live=live, unchanged=unchanged), after["stored"], after["live"], result)

    def list_truth(self, row, before, after):
        """(stored as wanted, live as wanted, store as it was)"""
        kind, adding = LISTS[row["op"]]
        target = canonical(row["target"])
        was, now = ([canonical(a) for a in s["stored"][kind]] for s in (before, after))
        live = [canonical(a) for name in LIVE[kind] for a in after["live"][name]]
        return (target in now) == adding, (target in live) == adding, was == now

    def rate_truth(self, row, before, after):
        cls = row["target"]
        wanted = {"threshold_off": None, "threshold_default": list(self.gen.default)}.get(row["op"], 0)
        if wanted == 0:
            wanted = seconds(row["after"].split(" for ")[0]) if row["after"] else before["live"]["thresholds"][cls]
        if row["op"] == "threshold_default" and cls != "auth":
            wanted = after["live"]["thresholds"][cls]       # each class has its own: the operation looks
        shown = {r["class"]: r for r in self.rows("thresholds")}[cls]
        stored = seconds(shown["rate"]) == wanted if shown["enabled"] else wanted is None
        return stored, after["live"]["thresholds"][cls] == wanted, before["stored"] == after["stored"]

    @staticmethod
    def path_truth(row, before, after):
        adding = row["op"] == "path_add"
        text = json.dumps(after["stored"])
        return (json.dumps(row["target"]) in text) == adding, (row["target"] in after["live"]["scan_paths"]) == adding, \
            before["stored"] == after["stored"]
