# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings API of 0.7 to 0.15: key/value store, ops, reloads, log call. It must not know sockets or faults."""

import fnmatch
import json
import os
import re
import urllib.parse

from . import logread
from .lines import BAN_EVENTS, LegacyLines, quote
from .persona import (CLASSES, DEFAULT_RATES, DEFAULT_SCAN_PATHS, Persona, Response, Store, encode, json_response,
                      not_found, parse_address, problem, unauthorized)
from .settings_ops import BadBody, read_ops

BODY_LIMIT = 1 << 20                            # cut before it is parsed (seen on 0.15.5)
LOG_LIMIT = 10 ** 11                            # a larger one aborts the process (seen on 0.15.5)
LOCAL_KEYS = ["store.*", "directory.*", "tracer.*", "!server.blocked-ip.*", "!server.allowed-ip.*", "server.*",
              "authentication.fallback-admin.*", "cluster.*", "config.local-keys.*", "storage.data", "storage.blob",
              "storage.lookup", "storage.fts", "storage.directory", "enterprise.license-key"]
PURGE = {"rate-auth": "auth", "rate-rcpt": "abuse", "rate-loiter": "loiter", "rate-scan": "scan"}
UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
SESSION = os.path.join(os.path.dirname(__file__), "session-0.15.json")
INTERNAL = ("There was a problem while processing your request. "
            "Please contact the system administrator if this problem persists.")

AUTO_BAN = {"auth": "server.auto-ban.auth.rate", "abuse": "server.auto-ban.abuse.rate",
            "loiter": "server.auto-ban.loiter.rate", "scan": "server.auto-ban.scan.rate"}
FAIL2BAN = {"auth": "server.fail2ban.authentication", "abuse": "server.fail2ban.invalid-rcpt",
            "loiter": "server.fail2ban.loitering"}
AUTHENTICATION = {"auth": "authentication.fail2ban"}
PROXY_KEYS = ("server.proxy.trusted-networks", "server.listener.http.proxy.trusted-networks")


def ok(data=None):
    return json_response({"data": data})


def parse_rate(text):
    """(count, seconds); None for off; 'panic' for what kills the server later; ValueError."""
    if text == "false":
        return None
    if text in ("none", "unlimited"):
        return "panic"
    hit = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*(d|h|m|s|ms)\s*", text)
    if not hit or not int(hit[2]):
        raise ValueError('Invalid rate value "%s".' % text)
    return int(hit[1]), int(hit[2]) * UNITS[hit[3]]


def is_local(key):
    """First pattern that matches decides; those starting with ! keep a key out of the file."""
    for pattern in LOCAL_KEYS:
        keep = pattern.startswith("!")
        if fnmatch.fnmatchcase(key, pattern.lstrip("!")):
            return not keep
    return False


class PersonaSettings(Persona):
    rates = AUTO_BAN
    op_names = ("delete", "clear", "insert")
    error_types = {"parse": "parse", "build": "build"}
    scan_prefix = "server.auto-ban.scan.paths."
    forwarded_key = "server.http.use-x-forwarded"           # to 0.11
    has_allowed = True
    has_purge = True
    warnings = {}

    def setup(self):
        self.store = Store()
        self.file = Store(self.options.get("file", {
            "certificate.default.cert": "%{file:/opt/stalwart/etc/cert.pem}%",
            "certificate.default.default": "true",
            "certificate.default.private-key": "%{file:/opt/stalwart/etc/key.pem}%"}))
        self.saved = dict(self.file.data)
        self.store.update(self.options.get("settings", {}))
        self.bodies = {}

    # ---- the two places a key can live ----------------------------------------------------------

    def value(self, key):
        return self.file.get(key, self.store.get(key))

    def under(self, prefix):
        """[(key, value)] in text order; the configuration file wins over the store."""
        pairs = self.store.prefix(prefix)
        local = self.file.prefix(prefix)
        if not local:
            return pairs
        merged = dict(pairs)
        merged.update(local)
        return sorted(merged.items())

    def write(self, put, drop=()):
        """False when the configuration file could not be written: the new values are in memory all the same."""
        self.store.update({k: v for k, v in put if not is_local(k)})
        local = [(k, v) for k, v in put if is_local(k)]
        for key in drop:
            if key in self.file:
                self.file.delete(key)
                local.append((key, None))
            self.store.delete(key)
        if not local:
            return True
        self.file.update({k: v for k, v in local if v is not None})
        if self.file_unwritable:
            self.log_event("ERROR", "Configuration write error", "config.write-error",
                           'reason = "Read-only file system (os error 30)"')
            return False
        self.saved = dict(self.file.data)
        return True

    def edit(self, change):
        put = list(change.get("set", {}).items())
        put += [("server.blocked-ip." + a, "") for a in change.get("block", ())]
        put += [("server.allowed-ip." + a, "") for a in change.get("allow", ())]
        drop = list(change.get("delete", ()))
        drop += ["server.blocked-ip." + a for a in change.get("unblock", ())]
        drop += ["server.allowed-ip." + a for a in change.get("disallow", ())]
        self.write(put, drop)
        return {"data": None}

    def preload(self, addresses):
        self.store.update({"server.blocked-ip." + a: note for a, note in addresses})
        self.load_live()

    def stored(self):
        strip = lambda prefix: [k[len(prefix):] for k, _ in self.under(prefix)]
        settings = dict(self.store.data)
        settings.update(self.file.data)
        return {"blocked": strip("server.blocked-ip."), "allowed": strip("server.allowed-ip."),
                "settings": {k: v for k, v in sorted(settings.items()) if not k.startswith("server.blocked-ip.")},
                "file": dict(self.file.data), "saved_file": dict(self.saved)}

    # ---- what becomes live ----------------------------------------------------------------------

    def restart(self):
        with self.lock:
            self.file = Store(self.saved)
            super().restart()

    def load_live(self):
        """A start takes what is good and logs what is not; listeners are read by nothing else."""
        self.proxy_networks = [v for name in PROXY_KEYS for k, v in self.under(name)
                               if k == name or k.startswith(name + ".")]
        for key, error in self.load_all().items():
            kind = "Parse" if error["type"].lower() == "parse" else "Build"
            words = ('Failed to parse setting "%s": %s' if kind == "Parse" else 'Build error for key "%s": %s')
            self.log_event("ERROR", "Configuration %s error" % kind.lower(), "config.%s-error" % kind.lower(),
                           'details = "' + words % (key, error["error"]) + '"')

    def load_all(self):
        errors = self.load_blocked(networks=True)
        errors.update(self.load_allowed())
        errors.update(self.load_thresholds())
        errors.update(self.load_certificates())
        errors.update(self.other_errors())
        self.use_forwarded = self.value(self.forwarded_key) == "true"
        return errors

    def error(self, kind, text):
        return {"type": self.error_types[kind], "error": text}

    def addresses(self, prefix):
        """([(kind, value)], errors) of the entries under prefix"""
        good, errors = [], {}
        for key, _ in self.under(prefix):
            parsed = parse_address(key[len(prefix):])
            if parsed:
                good.append(parsed)
            else:
                errors[prefix[:-1]] = self.error("parse", 'Invalid IP address value "%s".' % key[len(prefix):])
        return good, errors

    def load_blocked(self, networks):
        good, errors = self.addresses("server.blocked-ip.")
        self.live.blocked = {v for kind, v in good if kind == "address"}
        if networks:
            self.live.networks = {v for kind, v in good if kind == "network"}
        return errors

    def load_allowed(self):
        if not self.has_allowed:
            return {}
        good, errors = self.addresses("server.allowed-ip.")
        self.live.allowed = {v for kind, v in good if kind == "address"}
        self.live.allowed_networks = {v for kind, v in good if kind == "network"}
        return errors

    def rates_now(self):
        """({class: rate}, errors)"""
        found, errors = {}, {}
        for cls in CLASSES:
            key = self.rates.get(cls)
            found[cls] = DEFAULT_RATES[cls] if key else None
            text = self.value(key) if key else None
            if text is None:
                continue
            try:
                found[cls] = parse_rate(text)
            except ValueError as error:
                errors[key] = self.error("parse", str(error))
        return found, errors

    def load_thresholds(self):
        self.live.thresholds, errors = self.rates_now()
        if "scan" in self.rates:
            own = [v for _, v in self.under(self.scan_prefix)]
            self.live.scan_paths = own or list(DEFAULT_SCAN_PATHS)
        return errors

    def certificate_errors(self):
        errors = {}
        for key, value in self.under("certificate."):
            name, _, fieldname = key[len("certificate."):].rpartition(".")
            if fieldname == "cert" and not value.startswith("%{"):
                secret = self.value("certificate.%s.private-key" % name) or ""
                if "BEGIN CERTIFICATE" not in value:
                    errors["certificate." + name] = self.error("build", "No certificates found.")
                elif "PRIVATE KEY-----" not in secret and not secret.startswith("%{"):
                    errors["certificate." + name] = self.error("build", "No private keys found.")
        return errors

    def load_certificates(self):
        self.live.certs += 1
        return self.certificate_errors()

    def other_errors(self):
        """Sections that have nothing to do with security stop a full reload just as well."""
        host = self.value("spam-filter.pyzor.host") or ""
        if host.split(":")[0].endswith(".invalid"):
            return {"spam-filter.pyzor.host": self.error(
                "build", "Invalid address: failed to lookup address information: Name or service not known")}
        return {}

    def all_errors(self):
        errors = self.addresses("server.blocked-ip.")[1]
        if self.has_allowed:
            errors.update(self.addresses("server.allowed-ip.")[1])
        errors.update(self.rates_now()[1])
        errors.update(self.certificate_errors())
        errors.update(self.other_errors())
        return errors

    def reload(self, what, dry_run):
        if what == "server.blocked-ip":
            return {"warnings": {}, "errors": self.load_blocked(networks=False)}
        if what == "certificate":
            return {"warnings": {}, "errors": self.load_certificates()}
        errors = self.all_errors()
        if not errors and dry_run:              # refreshed all the same (src)
            self.load_blocked(networks=False)
            self.load_certificates()
        elif not errors:
            self.load_all()
        return {"warnings": dict(self.options.get("warnings", self.warnings)), "errors": errors}

    def store_ban(self, address, cls):
        self.store.set("server.blocked-ip." + address, "")
        self.live.add(address)

    # ---- routes -----------------------------------------------------------------------------

    def route(self, req, who):
        parts = req.path.split("/")[1:]
        if parts[0] == "api" and len(parts) > 1:
            if who is None:
                return unauthorized()
            handler = API.get(parts[1])
            return handler(self, req, who, [urllib.parse.unquote(p) for p in parts[2:]]) if handler else not_found()
        if req.path == "/.well-known/jmap" and req.method == "GET":
            return Response(307, {"cache-control": "no-cache", "location": "/jmap/session"}, b"")
        if parts[0] == "jmap":
            return self.jmap(req, who)
        return not_found()

    def jmap(self, req, who):
        if who is None:
            return unauthorized()
        if req.method == "GET" and req.path.rstrip("/") == "/jmap/session":
            with open(SESSION, encoding="utf-8") as file:
                return json_response(json.load(file))
        if req.method == "POST" and req.path.rstrip("/") == "/jmap":
            return self.jmap_call(req)
        return not_found()

    @staticmethod
    def jmap_call(req):
        """Enough to turn a probe of another generation away."""
        bad = lambda detail: Response(400, {"content-type": "application/problem+json"}, encode(
            {"type": "urn:ietf:params:jmap:error:notRequest", "status": 400, "detail": detail}))
        try:
            using = req.json()["using"]
        except (ValueError, KeyError, TypeError):
            return bad(req.body[:200].decode("utf-8", "replace"))
        foreign = [c for c in using if not c.startswith("urn:ietf:params:jmap:")]
        if foreign:
            return bad("Unknown capability: " + foreign[0])
        return json_response({"methodResponses": [], "sessionState": "3e25b2a0"})

    def settings(self, req, who, path):
        if req.method == "DELETE" and path and path[0]:
            denied = self.permission(who, "settings-delete", req)
            # only the first segment is looked at: an unescaped slash deletes nothing (seen on 0.15.5)
            return denied or (ok() if self.write([], [path[0]]) else problem(500, "Internal Server Error", INTERNAL))
        if req.method == "POST" and not path:
            return self.permission(who, "settings-update", req) or self.update(req)
        reader = READS.get(path[0]) if req.method == "GET" and len(path) == 1 else None
        if not reader:
            return not_found()
        return self.permission(who, "settings-list", req) or reader(self, req.params())

    @staticmethod
    def paging(params):
        try:
            page, limit = int(params.get("page", 0) or 0), int(params.get("limit", 0) or 0)
        except ValueError:
            page, limit = 0, 0
        return (max(page, 1) - 1) * limit, limit

    def list(self, params):
        prefix = params.get("prefix", "")
        prefix += "." if prefix and not prefix.endswith(".") else ""
        text, (offset, limit) = params.get("filter", ""), self.paging(params)
        cached = (prefix, text, offset, limit)
        stamp = (self.store.generation, id(self.file), self.file.generation)
        if self.bodies.get(cached, (None,))[0] == stamp:
            return Response(200, {"content-type": "application/json; charset=utf-8"}, self.bodies[cached][1])
        pairs = [(k[len(prefix):], v) for k, v in self.under(prefix)]
        if text:
            pairs = [(k, v) for k, v in pairs if text in k or text in v]
        chosen = pairs[offset:offset + limit] if limit else pairs
        answer = ok({"total": len(pairs), "items": dict(chosen)})
        if len(self.bodies) > 8:
            self.bodies.clear()
        self.bodies[cached] = (stamp, answer.body)
        return answer

    def keys(self, params):
        found = {}
        for key in filter(None, params.get("keys", "").split(",")):
            value = self.value(key)
            if value is not None:
                found[key] = value
        for prefix in filter(None, params.get("prefixes", "").split(",")):
            found.update(self.under(prefix.rstrip(".") + "."))
        return ok(found)

    def group(self, params):
        prefix = params.get("prefix", "")
        prefix += "." if prefix and not prefix.endswith(".") else ""
        suffix, only, text = params.get("suffix", ""), params.get("field"), params.get("filter", "")
        pairs = [(k[len(prefix):], v) for k, v in self.under(prefix)]
        if suffix:
            records = self.records(pairs, "." + suffix, only)
        else:
            records = [{"_id": k, "_value": v} for k, v in pairs]
        if text:
            records = [r for r in records if any(text in v for v in r.values())]
        offset, limit = self.paging(params)
        return ok({"total": len(records), "items": records[offset:offset + limit] if limit else records})

    @staticmethod
    def records(pairs, suffix, only):
        ids = [k[:-len(suffix)] for k, _ in pairs if k.endswith(suffix)]
        records = {i: {"_id": i} for i in ids}
        for key, value in pairs:
            for cut in [m.start() for m in re.finditer(r"\.", key)]:
                name, fieldname = key[:cut], key[cut + 1:]
                if name in records and only in (None, fieldname):
                    records[name][fieldname] = value
        return list(records.values())

    # ---- writes -----------------------------------------------------------------------------

    def update(self, req):
        body = req.body[:BODY_LIMIT]
        try:
            ops = read_ops(body, self.op_names)
        except BadBody as error:
            return self.bad_body(req, str(error))
        for op in ops:
            answer = getattr(self, "op_" + op["type"].lower())(op)
            if answer:
                return answer
        return ok()

    def bad_body(self, req, reason):
        details = "JSON deserialization failed"
        self.log_event("ERROR", "Bad resource parameters", "resource.bad-parameters",
                       "%s, reason = %s, details = %s" % (self.span(req.client, req.listener), quote(reason),
                                                          self.literal(details)))
        return problem(400, "Invalid parameters", details)

    literal = staticmethod(quote)

    def op_insert(self, op):
        prefix = op["prefix"] or ""
        under = prefix if not prefix or prefix.endswith(".") else prefix + "."
        pairs = [(under + k, v) for k, v in op["values"]]
        if op["assert_empty"]:
            full = bool(self.under(under)) if under else bool(pairs) and self.value(pairs[0][0]) is not None
            if full:
                return json_response({"error": "assertFailed"})
        return self.written(pairs)

    def op_delete(self, op):
        return self.written([], op["keys"])

    def op_clear(self, op):
        text = op.get("filter") or ""
        # the filter is held against the whole key, prefix included (seen on 0.15.5)
        doomed = [k for k, v in self.under(op["prefix"]) if text in k or text in v]
        return self.written([], doomed)

    def written(self, put, drop=()):
        return None if self.write(put, drop) else problem(500, "Internal Server Error", INTERNAL)

    # ---- the rest of the API ------------------------------------------------------------------

    def api_reload(self, req, who, path):
        if req.method != "GET":
            return not_found()
        denied = self.permission(who, "settings-reload", req)
        return denied or ok(self.reload(path[0] if path else "", "dry-run" in req.params()))

    def api_store(self, req, who, path):
        if req.method != "GET" or path[:3] != ["purge", "in-memory", "default"] or not self.has_purge:
            return not_found()
        denied = self.permission(who, "purge-in-memory-store", req)
        if denied:
            return denied
        if len(path) > 3 and path[3] not in PURGE:
            return not_found()
        if len(path) > 3:
            self.counters.purge(PURGE[path[3]])
        return ok()

    def api_logs(self, req, who, path):
        if req.method != "GET" or path:
            return not_found()
        denied = self.permission(who, "logs-view", req)
        if denied:
            return denied
        if not self.options.get("tracer", True):
            return json_response({"error": "unsupported", "details": "No log file tracer is configured."})
        params = req.params()
        offset, limit = self.paging(params)
        if limit > LOG_LIMIT:
            self.crashed = True
            return not_found()
        try:
            total, items = logread.page(self.log.files(), params.get("filter", ""), offset, limit or 100,
                                        logread.legacy_entry if self.legacy_log else logread.entry)
        except logread.BadUtf8 as error:
            return json_response({"error": "other", "details": "Failed to read log files", "reason": str(error)})
        return ok({"items": items, "total": total})


API = {"settings": PersonaSettings.settings, "reload": PersonaSettings.api_reload,
       "logs": PersonaSettings.api_logs, "store": PersonaSettings.api_store}
READS = {"list": PersonaSettings.list, "keys": PersonaSettings.keys, "group": PersonaSettings.group}

class Persona015(PersonaSettings):
    name, version = "0.15", "0.15.5"
    forwarded_key = "http.use-x-forwarded"


class Persona010(PersonaSettings):
    """0.9.4 to 0.10.7. Options: version; from 0.10.5 the keys are those of later generations."""

    name, version = "0.10", "0.10.3"
    op_names = ("Delete", "Clear", "Insert")
    error_types = {"parse": "Parse", "build": "Build"}
    has_purge = False
    log_every_login = False
    literal = staticmethod(lambda text: text)

    def setup(self):
        super().setup()
        late = tuple(int(n) for n in self.version.split(".")[:3]) >= (0, 10, 5)
        self.rates = AUTO_BAN if late else FAIL2BAN
        self.classes = tuple(self.rates)
        self.ban_events = dict(BAN_EVENTS)
        if not late:
            self.ban_events["abuse"] = ("Banned due to brute force attack", "security.brute-force-ban")

    def log_startup(self):
        self.log_event("INFO", "Starting Stalwart Mail Server v%s" % self.version, "server.startup",
                       "version = " + self.version)


class Persona008(LegacyLines, PersonaSettings):
    """0.7.0 to 0.9.3. Options: version; there is no allow list before 0.8.1."""

    name, version = "0.8", "0.8.1"
    op_names = ("Delete", "Clear", "Insert")
    error_types = {"parse": "Parse", "build": "Build"}
    rates = AUTHENTICATION
    classes = ("auth",)
    has_purge = False
    # what a machine without a way out answers to every full reload (seen on 0.8.1): all is live nevertheless
    warnings = {
        "https://publicsuffix.org/list/public_suffix_list.dat.0": {
            "error": 'Failed to fetch public suffixes from "https://publicsuffix.org/list/public_suffix_list.dat": '
                     "error sending request for url (https://publicsuffix.org/list/public_suffix_list.dat)",
            "type": "Build"},
        "https://raw.githubusercontent.com/publicsuffix/list/master/public_suffix_list.dat.1": {
            "error": "Failed to fetch public suffixes from "
                     '"https://raw.githubusercontent.com/publicsuffix/list/master/public_suffix_list.dat": '
                     "error sending request for url "
                     "(https://raw.githubusercontent.com/publicsuffix/list/master/public_suffix_list.dat)",
            "type": "Build"},
        "resolver.public-suffix": {"error": "Failed to parse public suffixes from any source.", "type": "Build"}}

    def setup(self):
        super().setup()
        self.has_allowed = tuple(int(n) for n in (self.version + ".0").split(".")[:3]) >= (0, 8, 1)

    def bad_body(self, req, reason):
        return problem(400, "Invalid parameters", "Failed to deserialize JSON: " + reason)
