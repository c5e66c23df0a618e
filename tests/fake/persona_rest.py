# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway that keeps one resource per key: GET by prefix, PATCH and DELETE by key, in force at once."""

import urllib.parse

from .persona import (Counters, Persona, Response, Store, json_response, not_found, parse_address, problem,
                      unauthorized)

BLOCKED, ALLOWED = "server.blocked-ip.", "server.allowed-ip."
THRESHOLDS = {"auth": "auth.banned-threshold", "scan": "scan.banned-threshold", "abuse": "abuse.banned-threshold"}
DEFAULT_COUNT, HOUR = 100, 3600

# how gateways have been seen or said to shape a list of (key, value)
SHAPES = {
    "object": lambda pairs: {"data": dict(pairs)},
    "flat": lambda pairs: dict(pairs),
    "pairs": lambda pairs: {"data": [list(p) for p in pairs]},
    "records": lambda pairs: {"data": [{"key": k, "value": v} for k, v in pairs]},
}
# what a write answers
ANSWERS = {
    "empty": lambda key, value: Response(200, {}, b""),
    "none": lambda key, value: Response(204, {}, b""),
    "data": lambda key, value: json_response({"data": {"key": key, "value": value}}),
    "null": lambda key, value: json_response({"data": None}),
}


class Rolling(Counters):
    """Failures of the last hour, whenever it began."""

    def hit(self, cls, key, rate, now):
        count, period = rate
        times = [t for t in self.counts.get((cls, key), []) if t > now - period] + [now]
        self.counts[cls, key] = times
        return len(times) > count

    def over(self, cls, key, rate, now):
        count, period = rate
        return len([t for t in self.counts.get((cls, key), []) if t > now - period]) >= count

    def dump(self):
        return [{"class": c, "key": k, "period_s": HOUR, "count": len(t)} for (c, k), t in sorted(self.counts.items())]


class PersonaRest(Persona):
    """Options: shape (object flat pairs records), answer (empty none data null), settings."""

    name, version = "rest", "gateway"
    classes = ("auth", "abuse", "scan")

    def setup(self):
        self.counters = Rolling()
        self.store = Store(self.options.get("settings", {}))
        self.shape = SHAPES[self.options.get("shape", "object")]
        self.say = ANSWERS[self.options.get("answer", "empty")]

    # ---- store and live are one -----------------------------------------------------------------

    def load_live(self):
        live = self.live
        live.blocked, live.networks = self.entries(BLOCKED)
        live.allowed, live.allowed_networks = self.entries(ALLOWED)
        live.thresholds = {"loiter": None}
        for cls, key in THRESHOLDS.items():
            live.thresholds[cls] = (int(self.store.get(key, DEFAULT_COUNT)), HOUR)

    def entries(self, prefix):
        good = [parse_address(k[len(prefix):]) for k, v in self.store.prefix(prefix) if v not in (False, "false")]
        return ({p[1] for p in good if p and p[0] == "address"}, {p[1] for p in good if p and p[0] == "network"})

    def store_ban(self, address, cls):
        self.store.set(BLOCKED + address, True)
        self.live.add(address)

    def preload(self, addresses):
        self.store.update({BLOCKED + a: True for a, _ in addresses})
        self.load_live()

    def edit(self, change):
        self.store.update(change.get("set", {}))
        for word, prefix in (("block", BLOCKED), ("allow", ALLOWED)):
            self.store.update({prefix + a: True for a in change.get(word, ())})
        gone = [BLOCKED + a for a in change.get("unblock", ())] + [ALLOWED + a for a in change.get("disallow", ())]
        for key in list(change.get("delete", ())) + gone:
            self.store.delete(key)
        self.load_live()
        return {"data": None}

    def stored(self):
        strip = lambda prefix: [k[len(prefix):] for k, _ in self.store.prefix(prefix)]
        return {"blocked": strip(BLOCKED), "allowed": strip(ALLOWED),
                "settings": {k: v for k, v in self.store.dump().items() if not k.startswith(BLOCKED)}}

    # ---- routes -----------------------------------------------------------------------------

    def route(self, req, who):
        if not (req.path == "/api/settings" or req.path.startswith("/api/settings/")):
            return not_found()
        if who is None:
            return unauthorized()
        key = urllib.parse.unquote(req.path[len("/api/settings/"):])
        handler, right = ROUTES.get((req.method, bool(key)), (None, None))
        if not handler:
            return not_found()
        return self.permission(who, right, req) or handler(self, req, key)

    def list(self, req, key):
        return json_response(self.shape(self.store.prefix(req.params().get("prefix", ""))))

    def patch(self, req, key):
        try:
            value = req.json()["value"]
            if key in THRESHOLDS.values() and int(value) < 0:
                raise ValueError
        except (ValueError, KeyError, TypeError):
            return problem(400, "Bad Request", "The value is not valid for this key.")
        self.store.set(key, value)
        self.load_live()
        return self.say(key, value)

    def delete(self, req, key):
        if self.store.delete(key):
            self.load_live()
        return self.say(key, None)


ROUTES = {("GET", False): (PersonaRest.list, "settings-list"), ("PATCH", True): (PersonaRest.patch, "settings-update"),
          ("DELETE", True): (PersonaRest.delete, "settings-delete")}
