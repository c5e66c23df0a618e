# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody's own server: read and put back without stalwarden, so that it is left as it was found whatever stalwarden did.

Only documentation addresses are written (RFC 5737, RFC 3849), only while none of them is on the server, and thresholds are only
raised. What is live can't be seen from here: a verdict is held against the store, and against the reload's answer."""

import base64
import ipaddress
import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request

from personas import CLASSES, GENERATIONS, PROBED
from trial import Trial

NOBODYS = [ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]
RATES = ("authentication.fail2ban", "server.fail2ban.authentication", "server.fail2ban.invalid-rcpt", "server.fail2ban.loitering",
         "server.auto-ban.auth.rate", "server.auto-ban.abuse.rate", "server.auto-ban.loiter.rate", "server.auto-ban.scan.rate")
RAISED = 100000                                 # added to every count that an operation sets


def is_nobodys(entry):
    try:
        net = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
    return any(net.version == n.version and net.subnet_of(n) for n in NOBODYS)


class Access:
    """Where the server is, and its password, which no report of a failure shows."""

    def __init__(self, environ):
        self.url, self.user, self.password = (environ["STALWARDEN_TEST_" + n] for n in ("URL", "USER", "PASSWORD"))
        self.cacert = environ.get("STALWARDEN_TEST_CACERT")

    def __repr__(self):
        return "Access(%s, %s)" % (self.url, self.user)


class Raw:
    """Requests with the administrator's credentials; no redirects are followed."""

    def __init__(self, access):
        self.url = access.url.rstrip("/")
        self.headers = {"Authorization": "Basic " + base64.b64encode(("%s:%s" % (access.user, access.password)).encode()).decode(),
                        "Content-Type": "application/json"}
        context = ssl.create_default_context(cafile=access.cacert)

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None

        self.opener = urllib.request.build_opener(Stay, urllib.request.HTTPSHandler(context=context))

    def ask(self, method, path, body=None):
        """(status, decoded answer)"""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, self.headers, method=method)
        try:
            with self.opener.open(request, timeout=60) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        return status, json.loads(text) if text.strip().startswith((b"{", b"[")) else None

    def must(self, method, path, body=None):
        status, answer = self.ask(method, path, body)
        if status >= 300 or isinstance(answer, dict) and "error" in answer:
            raise RuntimeError("%s %s: %s %s" % (method, path, status, answer))
        return answer


# Each dialect: read() gives {"blocked": {entry: value}, "allowed": {…}, "settings": {…}}; restore(before, after) puts back the difference.

class Settings(Raw):
    LISTS = {"blocked": "server.blocked-ip", "allowed": "server.allowed-ip"}

    def read(self):
        out = {k: self.must("GET", "/api/settings/list?prefix=" + p)["data"]["items"] for k, p in self.LISTS.items()}
        out["settings"] = self.must("GET", "/api/settings/keys?keys=%s&prefixes=server.auto-ban.scan.paths" % ",".join(RATES))["data"]
        return out

    def write(self, put, drop):
        ops = [{"type": "delete", "keys": drop}] * bool(drop)
        ops += [{"type": "insert", "prefix": None, "values": put, "assert_empty": False}] * bool(put)
        if ops and self.ask("POST", "/api/settings", ops)[0] == 400:        # up to 0.10.7
            self.must("POST", "/api/settings", [dict(op, type=op["type"].capitalize()) for op in ops])

    def restore(self, before, after):
        put, drop = [], []
        for kind, prefix in list(self.LISTS.items()) + [("settings", "")]:
            key = lambda k: prefix + "." + k if prefix else k
            drop += [key(k) for k in after[kind] if k not in before[kind]]
            put += [[key(k), v] for k, v in before[kind].items() if after[kind].get(k) != v]
        self.write(put, drop)
        self.must("GET", "/api/reload/server.blocked-ip")
        self.must("GET", "/api/reload")


class Config(Raw):
    BLOCKED = "server.security.blocked-networks."

    def read(self):
        pairs = dict(map(tuple, self.must("GET", "/admin/config/server.security")["data"]))
        return {"blocked": {k[len(self.BLOCKED):]: v for k, v in pairs.items() if k.startswith(self.BLOCKED)}, "allowed": {},
                "settings": {k: v for k, v in pairs.items() if not k.startswith(self.BLOCKED)}}

    def restore(self, before, after):
        for entry in [e for e in after["blocked"] if e not in before["blocked"]]:
            cut, dot, _ = entry.partition("/")[0].rpartition(".") if "/" in entry else (entry, "", "")
            self.must("DELETE", "/admin/config/" + self.BLOCKED + cut + dot)    # a network goes with its prefix
        for key in [k for k in after["settings"] if k not in before["settings"]]:
            self.must("DELETE", "/admin/config/" + key)
        now = self.read()
        put = [[self.BLOCKED + k, v] for k, v in before["blocked"].items() if now["blocked"].get(k) != v]
        put += [[k, v] for k, v in before["settings"].items() if now["settings"].get(k) != v]
        if put:
            self.must("POST", "/admin/config", put)
        self.must("GET", "/admin/reload/config")


class Rest(Raw):
    LISTS = {"blocked": "server.blocked-ip.", "allowed": "server.allowed-ip."}

    def pairs(self, prefix):
        data = self.must("GET", "/api/settings?prefix=" + prefix)
        data = data.get("data", data) if isinstance(data, dict) else data
        rows = data.items() if isinstance(data, dict) else [(r["key"], r["value"]) if isinstance(r, dict) else r for r in data]
        return {k: v for k, v in rows if k.startswith(prefix)}

    def read(self):
        out = {k: {key[len(p):]: v for key, v in self.pairs(p).items()} for k, p in self.LISTS.items()}
        out["settings"] = {k: v for cls in ("auth", "scan", "abuse") for k, v in self.pairs(cls).items()}
        return out

    def restore(self, before, after):
        for kind, prefix in list(self.LISTS.items()) + [("settings", "")]:
            for key in [k for k in after[kind] if k not in before[kind]]:
                self.must("DELETE", "/api/settings/" + urllib.parse.quote(prefix + key, safe=""))
            for key, value in before[kind].items():
                if after[kind].get(key) != value:
                    self.must("PATCH", "/api/settings/" + urllib.parse.quote(prefix + key, safe=""), {"value": value})


class Jmap(Raw):
    def call(self, name, arguments):
        answer = self.must("POST", "/jmap", {"using": ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"], "methodCalls": [[name, arguments, "c"]]})
        method, result, _ = answer["methodResponses"][0]
        refused = {k: v for k, v in result.items() if k.startswith("not") and v and k != "notFound"}
        if method == "error" or refused:
            raise RuntimeError("%s: %s" % (name, refused or result))
        return result

    def rows(self, kind):
        found, at = {}, 0
        while True:
            ids = self.call("x:%s/query" % kind, {"position": at, "limit": 500})["ids"]
            if not ids:
                return found
            found.update({row["address"]: row for row in self.call("x:%s/get" % kind, {"ids": ids})["list"]})
            at += len(ids)

    def read(self):
        security = self.call("x:Security/get", {"ids": ["singleton"]})["list"][0]
        return {"blocked": self.rows("BlockedIp"), "allowed": self.rows("AllowedIp"), "settings": security}

    def restore(self, before, after):
        for kind, name in (("blocked", "BlockedIp"), ("allowed", "AllowedIp")):
            gone = [row["id"] for address, row in after[kind].items() if address not in before[kind]]
            if gone:
                self.call("x:%s/set" % name, {"destroy": gone})
        patch = {k: v for k, v in before["settings"].items() if after["settings"].get(k) != v}
        if patch:
            self.call("x:Security/set", {"update": {"singleton": patch}})
        for action in ("ReloadBlockedIps", "ReloadSettings"):
            self.call("x:Action/set", {"create": {"a": {"@type": action}}})


DIALECTS = {"settings": Settings, "config": Config, "rest": Rest, "jmap": Jmap}


class NoPractice:
    """Nothing happens on a real server at the suite's word."""

    def __getattr__(self, name):
        raise AttributeError("an operation marked safe asked for %s, which only a practice server has" % name)


class RealTrial(Trial):
    is_real = True

    def __init__(self, world, access):
        super().__init__(None, NoPractice(), world)
        self.more = ["--cacert", access.cacert] if access.cacert else []
        world.server = {"STALWARDEN_URL": access.url, "STALWARDEN_USER": access.user, "STALWARDEN_PASSWORD": access.password}
        world.secrets.add(access.password)
        said = super().run("probe", "-o", "json", *self.more).json()
        self.gen = self.generation(said)
        self.raw = DIALECTS[said["dialect"]](access)
        self.before = None
        self.before = self.seen()
        there = [e for kind in ("blocked", "allowed") for e in self.before[kind] if is_nobodys(e)]
        if there:
            raise RuntimeError("this server has entries for documentation addresses, which the suite uses: " + " ".join(there[:5]))

    @staticmethod
    def generation(said):
        """The row of the table, and of the capabilities what this server's probe says."""
        row = next(g for g in GENERATIONS if (g.dialect, g.generation) == (said["dialect"], said["generation"]))
        lacks = {c for c, s in said["capabilities"].items() if not s.startswith(("yes", "untested"))}
        return type(row)(**{**vars(row), "lacks": frozenset((row.lacks - PROBED) | lacks)})

    def seen(self):
        """What is stored; bans that the server made meanwhile are its own business."""
        now = self.raw.read()
        for kind in ("blocked", "allowed") if self.before else ():
            now[kind] = {e: v for e, v in now[kind].items() if e in self.before[kind] or is_nobodys(e)}
        return now

    def run(self, *args, **more):
        return super().run(*args, *self.more, **more)

    def state(self):
        raw = self.raw.read()
        lists = {kind: [e for e in raw[kind] if is_nobodys(e)] for kind in ("blocked", "allowed")}
        shown = self.run("thresholds", "-o", "json").rows()
        rates = dict.fromkeys(CLASSES)
        rates.update({r["class"]: [r["count"], r["period_s"]] for r in shown if r["enabled"]})
        paths = [p for r in shown for p in r.get("paths") or []]
        return {"stored": {**lists, "settings": raw["settings"]},
                "live": {"blocked": lists["blocked"], "networks": [], "allowed": lists["allowed"], "allowed_networks": [],
                         "thresholds": rates, "scan_paths": paths}}

    def count(self, n):
        return n + RAISED

    def restore(self):
        """As it was found; anything else is an error that names the difference."""
        after = self.seen()
        if after != self.before:
            self.raw.restore(self.before, after)
            after = self.seen()
        assert after == self.before, ("not as it was found", {k: (self.before[k], after[k]) for k in after if after[k] != self.before[k]})


def access():
    """Of the server that is meant, or None."""
    return Access(os.environ) if os.environ.get("STALWARDEN_TEST_URL") else None
