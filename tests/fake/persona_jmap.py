# SPDX-License-Identifier: GPL-3.0-or-later
"""The 0.16 generation: JMAP. Rows and singletons are one thing, what is in force another; only the right x:Action
moves it there. It must not know sockets nor the other generations.

What was recorded or measured on 0.16.18 is followed first; where that is silent the server's source is (src).
Options: user, password, accounts, keys, public_host, blocked, allowed (addresses or objects), security, system, http
(patches of the singletons), certificates (PEM), domains, listeners, spam_task (the task every server without internet
carries), tracer (False: no log), rate_limits (False: none), acme ('auto', 'success', 'retry[: reason]',
'failed[: reason]'), acme_pem, mode ('normal', 'recovery', 'bootstrap')."""

import base64
import bisect
import copy
import hashlib
import json
import mmap
import os
import re

from . import jmap_certs
from .jmap_registry import (PROPERTIES, SINGLETONS, TYPES, Ids, PatchError, Table, decode_id, encode_id, iso,
                            parse_date, parse_ip, patch_object, patch_property, pointer, validate)
from .jmap_tasks import NO_ACME, Tasks, missing_domain
from .persona import (BAN_EVENTS, PORTS, Persona, Response, canonical, json_response, not_found, parse_address,
                      problem, quote, unauthorized)

STALWART = "urn:stalwart:jmap"
MAX_CALLS, MAX_SIZE, MAX_OBJECTS, MAX_QUERY = 16, 10_000_000, 500, 5000
LOG_TOTAL = 5000
SESSION_STATE = "f2cd3edf"
SESSION_HOST, SESSION_ACCOUNT = "mail.example.org", "d333333"
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "session-0.16.json"), encoding="utf-8") as _file:
    SESSION = _file.read()
CAPABILITIES = frozenset(json.loads(SESSION)["capabilities"]) | {STALWART}
CACHED_LOGIN = 3600                             # a login is checked, and logged, again after that long
ACTIONS = ("ReloadSettings", "ReloadTlsCertificates", "ReloadLookupStores", "ReloadBlockedIps", "UpdateApps",
           "InvalidateCaches", "InvalidateNegativeCaches", "PauseMtaQueue", "ResumeMtaQueue")
BAN_REASONS = {"auth": "authFailure", "abuse": "rcptToFailure", "loiter": "loitering", "scan": "portScanning"}
BOOTSTRAP = ("The server is in bootstrap mode. Only the 'Bootstrap' object type can be %s until the bootstrap "
             "process is complete.")
TOO_LARGE = ("The number of ids requested by the client exceeds the maximum number the server is willing to process "
             "in a single method call.")
NO_ANCHOR = "An anchor argument was supplied, but it cannot be found in the results of the query."
UNAVAILABLE = "This server is temporarily unavailable. Attempting this same operation later may succeed."
NO_SUCH_ACCOUNT = "The accountId does not correspond to a valid account"
MAY_NOT_SET = "You are not authorized to %s objects of this type"
LISTENERS = (("http", "http", False), ("https", "http", True), ("imap", "imap", False), ("imaptls", "imap", True),
             ("smtp", "smtp", False), ("submission", "smtp", False))
SUFFIXES = (("IsGreaterThanOrEqual", ">="), ("IsGreaterThan", ">"), ("IsLessThanOrEqual", "<="), ("IsLessThan", "<"))
COLOUR = re.compile(r"\x1b(\[[^@-~]*[@-~]|\][^\x07\x1b]*(\x07|\x1b.)|.)")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
EVENT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+")


class MethodError(Exception):
    def __init__(self, kind, description):
        super().__init__(description)
        self.kind, self.description = kind, description


def limit_problem(limit, detail):
    answer = problem(400, "", detail, {"type": "urn:ietf:params:jmap:error:limit", "limit": limit})
    body = json.loads(answer.body)
    del body["title"]
    answer.body = json.dumps(body).encode()
    return answer


def not_request(body):
    answer = json_response({"type": "urn:ietf:params:jmap:error:notRequest", "status": 400,
                            "detail": body.decode("utf-8", "replace")}, 400)
    answer.headers["content-type"] = "application/problem+json"
    return answer


def too_many(title, detail):
    return problem(429, title, "Your request has been rate limited. Please try again in " + detail)


class PersonaJmap(Persona):
    name = "0.16"
    version = "0.16.18"
    allowed_wins = True

    # ---- the store --------------------------------------------------------------------------------

    def setup(self):
        opt = self.options
        self.mode = opt.get("mode", "normal")
        self.ids = Ids()
        self.tables = {name: Table(kind) for name, kind in TYPES.items()}
        self.singletons = {name: {n: f.default() for n, f in fields.items()} for name, fields in SINGLETONS.items()}
        self.tasks = Tasks(self)
        self.logins = {}                        # name -> until when its login is not checked again
        self.reload_errors = {}                 # action -> set error: a reload that is refused
        self.acme = opt.get("acme", "auto")
        self.live_settings = {}
        self.live_certificates = []
        self.allow_expires = {}
        self.bootstrap = {"serverHostname": "", "defaultDomain": "", "requestTlsCertificate": True,
                          "generateDkimKeys": True, "id": "singleton"}
        for name in ("security", "system", "http"):
            self.patch_singleton({"security": "Security", "system": "SystemSettings", "http": "Http"}[name],
                                 opt.get(name, {}))
        for name, protocol, tls in opt.get("listeners", LISTENERS):
            self.insert("NetworkListener", {"name": name, "protocol": protocol, "tlsImplicit": tls,
                                            "bind": {"[::]:%d" % PORTS.get(name, 18080): True}})
        for key, table in (("blocked", "BlockedIp"), ("allowed", "AllowedIp")):
            for row in opt.get(key, ()):
                self.insert(table, {"address": row} if isinstance(row, str) else row)
        for pem in opt.get("certificates", ()):
            self.insert("Certificate", {"certificate": {"@type": "Text", "value": pem},
                                        "privateKey": {"@type": "Text", "secret": "(withheld)"}})
        for row in opt.get("domains", ()):
            self.insert("Domain", {"name": row} if isinstance(row, str) else row)
        if opt.get("spam_task"):
            self.tasks.add("SpamFilterMaintenance", {"maintenanceType": "updateRules"})

    def blank(self, table):
        return {n: f.default() for n, f in TYPES[table].fields.items()}

    def insert(self, table, values):
        """A row without asking whether it may be: options and the control plane. Returns the Row."""
        obj = self.blank(table)
        created = values.get("createdAt")
        server = {k: v for k, v in values.items() if TYPES[table].fields[k].access == "server"}
        patch_object(TYPES[table].fields, obj, {k: v for k, v in values.items() if k not in server},
                     {"create": True, "created": {}})
        obj.update(server)
        self.complete(table, obj)
        if created:
            obj["createdAt"] = created
        old = TYPES[table].unique and self.tables[table].find(obj[TYPES[table].unique])
        return old or self.tables[table].add(obj, self.ids, self.clock.now())

    def complete(self, table, obj):
        """What the server sets itself in a new object; a set error when it can't."""
        if "createdAt" in obj:
            obj["createdAt"] = iso(self.clock.now())
        if table == "Certificate":
            return self.read_certificate(obj)
        if table == "AcmeProvider":
            return self.register_account(obj)
        if table == "Domain":
            obj["dnsZoneFile"] = "; %s\n@ IN MX 10 %s.\n" % (obj["name"], self.hostname())
        return None

    def hostname(self):
        return self.options.get("public_host", SESSION_HOST)

    @staticmethod
    def read_certificate(obj):
        text = obj["certificate"].get("value", "")
        try:
            if obj["certificate"]["@type"] == "File":
                with open(obj["certificate"]["filePath"], encoding="utf-8") as file:
                    text = file.read()
            parsed = jmap_certs.parse_pem(text)
        except (jmap_certs.BadCertificate, OSError) as error:
            return {"type": "invalidProperties", "description": "Failed to read certificate: %s" % error,
                    "properties": ["certificate"]}
        obj["subjectAlternativeNames"] = dict.fromkeys(sorted(parsed["names"]), True)
        obj["notValidBefore"], obj["notValidAfter"] = iso(parsed["before"]), iso(parsed["after"])
        obj["issuer"] = parsed["issuer"]
        return None

    @staticmethod
    def register_account(obj):
        """No network here: a directory on loopback refuses the connection, any other has opened the account."""
        url = obj["directory"]
        if re.match(r"https?://(127\.|\[::1\]|localhost)", url):
            return {"type": "invalidProperties", "properties": ["directory"],
                    "description": "Failed to create ACME account: HTTP error: error sending request for url (%s)" % url}
        obj["accountKey"], obj["accountUri"] = "****", re.sub(r"/directory$", "", url) + "/acme/acct/1"
        return None

    def patch_singleton(self, name, patch):
        obj = copy.deepcopy(self.singletons[name])
        for key, value in patch.items():
            patch_property(SINGLETONS[name], obj, pointer(key), value, {"create": False, "created": {}})
        self.singletons[name] = obj

    # ---- what becomes live ------------------------------------------------------------------------

    def load_live(self):
        if self.mode == "bootstrap":
            self.live.thresholds = dict.fromkeys(self.live.thresholds)
            return
        self.load_blocked()
        self.load_settings()
        self.load_certificates()

    def drop_expired(self, table, words, event):
        """Expired rows vanish at the load, with one line that names them (seen)."""
        now = self.clock.now()
        gone = [row for row in self.tables[table].values() if row.obj["expiresAt"]
                and parse_date(row.obj["expiresAt"]) <= now]
        for row in gone:
            self.tables[table].remove(row.number)
        if gone:
            addresses = ", ".join(row.obj["address"].partition("/")[0] for row in gone)
            self.log_event("INFO", words, event, "details = [%s]" % addresses)

    def load_blocked(self):
        self.drop_expired("BlockedIp", "IP block expired", "security.ip-block-expired")
        blocked, networks, expires = set(), set(), {}
        for row in self.tables["BlockedIp"].rows.values():
            kind, value = parse_address(row.obj["address"])
            (blocked if kind == "address" else networks).add(value)
            if row.obj["expiresAt"]:
                expires[value] = parse_date(row.obj["expiresAt"])
        self.live.blocked, self.live.networks, self.live.expires = blocked, networks, expires

    def load_settings(self):
        self.drop_expired("AllowedIp", "IP allow expired", "security.ip-allow-expired")
        live, security = self.live, self.singletons["Security"]
        live.allowed, live.allowed_networks, self.allow_expires = set(), set(), {}
        for row in self.tables["AllowedIp"].rows.values():
            live.add(row.obj["address"], allowed=True)
            if row.obj["expiresAt"]:
                self.allow_expires[parse_address(row.obj["address"])[1]] = parse_date(row.obj["expiresAt"])
        live.scan_paths = list(security["scanBanPaths"])
        for cls in live.thresholds:
            rate = security[cls + "BanRate"]
            live.thresholds[cls] = rate and (rate["count"], rate["period"] / 1000)
        self.live_settings = copy.deepcopy(self.singletons)

    def load_certificates(self):
        """An expired row is deleted at the load: a failed renewal shows as a missing certificate (src)."""
        now = self.clock.now()
        for row in self.tables["Certificate"].values():
            if parse_date(row.obj["notValidAfter"]) <= now:
                self.tables["Certificate"].remove(row.number)
        self.live_certificates = [row.id for row in self.tables["Certificate"].values()]
        self.live.certs += 1

    def store_ban(self, address, cls):
        now = self.clock.now()
        period = self.live_settings["Security"][cls + "BanPeriod"]
        until = None if period is None else int(now) + period // 1000
        self.live.remove(address)
        self.live.add(address, expires=until)
        # an address that has a row already, expired or not reloaded, keeps that row as it is (src)
        self.insert("BlockedIp", {"address": address, "reason": BAN_REASONS[cls],
                                  "expiresAt": None if until is None else iso(until)})

    @property
    def use_forwarded(self):
        """Whether the client's address is taken from a forwarding header now."""
        return bool(self.live_settings) and self.live_settings["Http"]["useXForwarded"]

    @property
    def proxy_networks(self):
        """Connections from here must begin with a PROXY header."""
        return list(self.live_settings["SystemSettings"]["proxyTrustedNetworks"]) if self.live_settings else []

    def tick(self):
        now = self.clock.now()
        for entry, until in list(self.allow_expires.items()):
            if until <= now:                    # honoured to the second; the row stays until the next load
                self.live.allowed.discard(entry)
                self.live.allowed_networks.discard(entry)
                del self.allow_expires[entry]
        if self.mode == "normal":
            self.tasks.tick()

    def event(self, kind, client, listener="imap", **more):
        if self.mode != "normal" and listener not in ("http", "https"):
            return "refused"                    # only the management port is open
        return super().event(kind, client, listener, **more)

    def restart(self):
        with self.lock:
            self.logins.clear()
            if self.mode == "bootstrap" and self.bootstrap["serverHostname"]:
                self.mode = "normal"
            super().restart()

    # ---- the renewal of certificates --------------------------------------------------------------

    def acme_outcome(self, domain):
        """('success' | 'retry' | 'failed', reason)"""
        outcome, _, reason = self.acme.partition(":")
        if outcome in ("retry", "failed"):
            return outcome, reason.strip() or "HTTP error: error sending request"
        row = self.tables["Domain"].rows.get(decode_id(domain))
        if row is None:
            return "failed", missing_domain(domain)
        if outcome == "success":
            return "success", None
        if row.obj["certificateManagement"]["@type"] == "Manual":
            return "failed", NO_ACME
        for certificate in self.tables["Certificate"].values():
            if set(certificate.obj["subjectAlternativeNames"]) == set(self.certificate_names(row.obj)):
                due = self.tasks.renew_at(certificate.obj)
                if self.clock.now() < min(due, parse_date(certificate.obj["notValidAfter"])):
                    return "failed", "Certificate for domain %s is still valid; renewal is not due until %s" % (
                        row.obj["name"], iso(due))
        return "success", None

    @staticmethod
    def certificate_names(domain):
        names = domain["certificateManagement"].get("subjectAlternativeNames") or {"mail": True}
        return [n if n.endswith(domain["name"]) else "%s.%s" % (n, domain["name"]) for n in names]

    def renew_before(self, certificate):
        for domain in self.tables["Domain"].values():
            provider = domain.obj["certificateManagement"].get("acmeProviderId")
            row = self.tables["AcmeProvider"].rows.get(decode_id(provider)) if provider else None
            if row and set(self.certificate_names(domain.obj)) == set(certificate["subjectAlternativeNames"]):
                return row.obj["renewBefore"]
        return "R23"

    def acme_issue(self, domain):
        """A new row, live at once; its PEM is the option's, since nothing here can sign."""
        now = int(self.clock.now())
        names = self.certificate_names(self.tables["Domain"].rows[decode_id(domain)].obj)
        obj = self.blank("Certificate")
        obj["certificate"] = {"@type": "Text", "value": self.options.get("acme_pem", "")}
        obj["privateKey"] = {"@type": "Text", "secret": "(withheld)"}
        obj.update(subjectAlternativeNames=dict.fromkeys(sorted(names), True), notValidBefore=iso(now),
                   notValidAfter=iso(now + 90 * 86400), issuer="C=US, O=Practice CA, CN=P1")
        self.tables["Certificate"].add(obj, self.ids, now)
        self.load_certificates()
        return obj

    # ---- the way in -------------------------------------------------------------------------------

    def authenticate(self, req):
        if req.path.startswith("/.well-known/"):
            return None, None
        if self.limited(req):
            return None, too_many("Too Many Requests", "a few seconds.")
        who, answer = super().authenticate(req)
        if answer is not None and answer.status == 429:
            answer = too_many("Too Many Authentication Attempts", "a few minutes.")
        if answer is not None and answer.status == 401:
            answer = self.challenge()
        return who, answer

    def limited(self, req):
        """JMAP requests without a login, or with a bearer token not checked lately, count per address (src)."""
        header = req.headers.get("authorization", "")
        if not req.path.startswith("/jmap") or header.lower().startswith("basic "):
            return False
        if header and self.logins.get(self.read_credentials(header)[0], 0) > self.clock.now():
            return False
        return self.over_rate("rateLimitAnonymous", req, str(canonical(req.client)))

    def over_rate(self, name, req, key):
        rate = self.live_settings and self.live_settings["Http"][name]
        if not rate or not self.options.get("rate_limits", True) or self.live.is_allowed(req.client):
            return False
        return self.counters.hit(name, key, (rate["count"], rate["period"] / 1000), self.clock.now())

    @staticmethod
    def challenge():
        answer = unauthorized()
        answer.headers["www-authenticate"] = 'Basic realm="Stalwart Server"'
        return answer

    def read_credentials(self, header):
        scheme, _, rest = header.partition(" ")
        if scheme.lower() == "bearer":
            for who in self.principals:
                if who.key and rest.strip() in (self.api_token(who), who.secret):
                    return who.name, who.secret, True
            name, secret, key = Persona.read_credentials(header)
            return (name, secret, key) if secret else ("", "", True)
        name, secret, key = Persona.read_credentials(header)
        for who in self.principals:             # logins have no case here (src)
            if name is not None and who.name.lower() == name.strip().lower():
                return who.name, secret, key
        return name, secret, key

    def api_token(self, who):
        """API_ and base64 of account, credential and a secret (src); who is a Principal or its name."""
        if isinstance(who, str):
            who = next(p for p in self.principals if p.key and p.name == who)
        raw = (who.id or 1).to_bytes(4, "big") + b"\0\0\0\1" + hashlib.sha256(who.secret.encode()).digest()[:20]
        return "API_" + base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def is_scan(self, req, who):
        return not req.path.startswith("/api") and super().is_scan(req, who)

    # ---- log lines --------------------------------------------------------------------------------

    def log_success(self, client, listener, who):
        """A login is cached for an hour: only its first use is a line (one line in the whole recording)."""
        if who in self.principals:
            now = self.clock.now()
            if self.logins.get(who.name, 0) > now:
                return
            self.logins[who.name] = now + CACHED_LOGIN
        super().log_success(client, listener, who)

    def log_ban(self, cls, client, listener, account, to, path):
        words, event = BAN_EVENTS[cls]
        details = [self.span(client, listener), "remoteIp = %s" % canonical(client)]
        details += ["%s = %s" % (key, quote(value)) for key, value in
                    (("accountName", account), ("to", to), ("path", path)) if value is not None]
        self.log_event("INFO", words, event, ", ".join(details))

    def log_startup(self):
        host, version = quote(self.hostname()), quote(self.version)
        if self.mode == "normal":
            self.log_event("INFO", "Starting Stalwart Server", "server.startup",
                           "hostname = %s, version = %s" % (host, version))
            listeners = [(row.obj["name"], row.obj["tlsImplicit"]) for row in self.tables["NetworkListener"].values()]
        else:
            why = {"recovery": "Port 8080 is open for troubleshooting and recovery.",
                   "bootstrap": "No configuration file was found. Port 8080 is open for initial setup."}[self.mode]
            self.log_event("WARN", "Server started in %s mode" % self.mode, "server.%s-mode" % self.mode,
                           "details = %s, hostname = %s, version = %s" % (quote(why), host, version))
            listeners = [("http-recovery", False)]
        for name, tls in listeners:
            self.log_event("INFO", "Network listener started", "network.listen-start",
                           'listenerId = "%s", localIp = 127.0.0.1, localPort = %d, tls = %s' % (
                               name, PORTS.get(name, 8080), "true" if tls else "false"))

    # ---- requests ---------------------------------------------------------------------------------

    def route(self, req, who):
        path = req.path.rstrip("/") or "/"
        if req.method == "OPTIONS" and path.startswith(("/jmap", "/api")):
            return Response(204)
        if path == "/.well-known/jmap" and req.method == "GET":
            return Response(307, {"cache-control": "no-cache", "location": "/jmap/session"})
        if path == "/healthz/live":
            return problem(200, "OK", "OK")
        if path == "/jmap/session" and req.method == "GET":
            return self.session(who) if who else self.challenge()
        if path == "/jmap" and req.method == "POST":
            return self.jmap(req, who)
        return not_found()

    def account_id(self, who):
        """The recovery administrator has the id of nobody, 2^32-1 (seen)."""
        return SESSION_ACCOUNT if who.id is None else encode_id(who.id)

    def session(self, who):
        body = json.loads(SESSION.replace(SESSION_HOST, self.hostname()))
        account, own = body["accounts"].pop(SESSION_ACCOUNT), self.account_id(who)
        if who.permissions is not None:         # what needs a permission is not offered (src)
            keep = (STALWART, "urn:ietf:params:jmap:websocket", "urn:ietf:params:jmap:principals")
            account["accountCapabilities"] = {k: v for k, v in account["accountCapabilities"].items() if k in keep}
        account["name"] = body["username"] = who.name
        if "urn:ietf:params:jmap:principals" in account["accountCapabilities"]:
            account["accountCapabilities"]["urn:ietf:params:jmap:principals"] = {"currentUserPrincipalId": own}
        body["accounts"][own] = account
        body["primaryAccounts"] = {k: own for k in body["primaryAccounts"] if k in account["accountCapabilities"]}
        return json_response(body)

    def jmap(self, req, who):
        if who is None:
            return self.challenge()
        if who.permissions is not None and not who.may("unlimitedRequests") and \
                self.over_rate("rateLimitAuthenticated", req, who.name):
            return too_many("Too Many Requests", "a few seconds.")
        kind = req.headers.get("content-type")
        if kind is not None and kind.partition(";")[0].strip().lower() != "application/json":
            answer = not_request(b"Failed to parse JSON: The Content-Type header must be application/json.")
            answer.body = answer.body.replace(b"notRequest", b"notJSON")
            return answer
        if len(req.body) > MAX_SIZE:
            return limit_problem("maxSizeRequest", "The request is larger than the server is willing to process.")
        calls = self.parse(req.body)
        if calls is None:
            return not_request(req.body)
        if len(calls) > MAX_CALLS:
            return limit_problem("maxCallsInRequest",
                                 "The request exceeds the maximum number of calls in a single request.")
        answers, created = [], {}
        for name, args, call in calls:
            answers.append(self.call(name, args, call, who, answers, created))
        return json_response({"methodResponses": answers, "sessionState": SESSION_STATE})

    @staticmethod
    def parse(body):
        """[(name, arguments, call id)], or None when it is no request."""
        try:
            request = json.loads(body.decode("utf-8"))
            calls = request.get("methodCalls", [])
            if not CAPABILITIES.issuperset(request.get("using", [])):
                return None
            if not all(isinstance(c, list) and len(c) == 3 and isinstance(c[0], str) and isinstance(c[2], str)
                       for c in calls):
                return None
        except (ValueError, AttributeError, TypeError):
            return None
        return calls

    def call(self, name, args, call, who, answers, created):
        try:
            hit = re.fullmatch(r"x:(\w+)/(get|set|query)", name)
            kind, verb = hit.groups() if hit else (None, None)
            if kind not in TYPES and kind not in SINGLETONS and kind not in ("Task", "Action", "Log", "Bootstrap"):
                raise MethodError("unknownMethod", name)
            if verb == "query" and (kind in SINGLETONS or kind == "Bootstrap"):
                raise MethodError("unknownMethod", name)
            if not isinstance(args, dict):
                raise MethodError("invalidArguments", "invalid type: expected an object")
            args = self.resolve(args, answers, created)
            self.check(kind, verb, args, who)
            if args.get("accountId") is not None and args["accountId"] != self.account_id(who) and \
                    decode_id(args["accountId"]) is not None:
                raise MethodError("accountNotFound", NO_SUCH_ACCOUNT)
            handler = getattr(self, "%s_%s" % (verb, kind.lower()), None) or getattr(self, verb + "_rows")
            answer = handler(kind, args, {"who": who, "created": created})
            return [name, dict({"accountId": self.account_id(who)}, **answer), call]
        except MethodError as error:
            return ["error", {"type": error.kind, "description": error.description}, call]

    @staticmethod
    def resolve(args, answers, created):
        """Back references: '#ids' and its like, and ids that name what was created before."""
        out = {}
        for key, value in args.items():
            if not key.startswith("#"):
                out[key] = value
                continue
            of, name, path = (value.get(k) for k in ("resultOf", "name", "path")) \
                if isinstance(value, dict) else (None, None, None)
            found = None
            for answered, result, call in answers:
                if call == of and answered == name and found is None and not name.endswith("/set"):
                    found = follow(result, [s for s in str(path).split("/") if s])
            if found is None:
                raise MethodError("invalidResultReference", "Result reference to %s#%s not found." % (of, name))
            out[key[1:]] = found
        if isinstance(out.get("ids"), list):
            for n, value in enumerate(out["ids"]):
                if isinstance(value, str) and value.startswith("#"):
                    if value[1:] not in created:
                        raise MethodError("invalidResultReference",
                                          'Id reference "%s" does not exist or is invalid.' % value[1:])
                    out["ids"] = out["ids"][:n] + [created[value[1:]]] + out["ids"][n + 1:]
        return out

    def check(self, kind, verb, args, who):
        """Permissions, method by method; then whether the server is ready for more than its first set-up."""
        if verb != "set":
            if not who.may("sys%s%s" % (kind, verb.capitalize())):
                raise MethodError("forbidden", "You are not authorized to perform this action")
        else:
            single = kind in SINGLETONS or kind == "Bootstrap"
            may = {v: who.may("sys%s%s" % (kind, "Update" if single else v.capitalize()))
                   for v in ("create", "update", "destroy")}
            if not any(may.values()):
                raise MethodError("forbidden", MAY_NOT_SET % "create, update or destroy")
            for what, granted in may.items():
                if not granted and args.get(what):
                    raise MethodError("forbidden", MAY_NOT_SET % what)
        if self.mode == "bootstrap" and kind != "Bootstrap":
            raise MethodError("forbidden", BOOTSTRAP % ("modified" if verb == "set" else "accessed"))

    # ---- get --------------------------------------------------------------------------------------

    @staticmethod
    def wanted(args):
        """(ids as given or None, properties or None)"""
        ids, properties = args.get("ids"), args.get("properties")
        for name, value in (("ids", ids), ("properties", properties)):
            if value is not None and not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
                raise MethodError("invalidArguments", "invalid type: expected a sequence for %s" % name)
        if ids is not None and len(ids) > MAX_OBJECTS:
            raise MethodError("requestTooLarge", TOO_LARGE)
        known = [p for p in properties or () if p in PROPERTIES]
        return ids, known + ["id"] if known else None

    @staticmethod
    def cut(obj, properties):
        return obj if properties is None else {k: v for k, v in obj.items() if k in properties}

    def get_rows(self, kind, args, ctx):
        ids, properties = self.wanted(args)
        if kind in SINGLETONS:
            obj = dict(self.singletons[kind], id="singleton")
            missing = [i for i in ids or () if i != "singleton"]
            found = [self.cut(obj, properties)] * (1 if ids is None else len(ids) - len(missing))
            return {"list": found, "notFound": missing}
        table = self.tables[kind]
        if ids is None:                         # cut without a word (seen)
            found, missing = [table.rows[n].obj for n in table.order[:MAX_OBJECTS]], []
        else:
            found, missing = [], []
            for text in ids:
                row = table.rows.get(decode_id(text))
                found.append(row.obj) if row else missing.append(text)
        if kind == "Certificate":
            found = [dict(obj, privateKey=masked(obj["privateKey"])) for obj in found]
        if properties is not None:
            found = [self.cut(obj, properties) for obj in found]
        return {"list": found, "notFound": missing}

    def get_task(self, kind, args, ctx):
        ids, properties = self.wanted(args)
        if ids is None:
            ids = [encode_id(n) for n in self.tasks.query([], True)[:MAX_OBJECTS]]
        found = [self.tasks.rows.get(decode_id(i)) for i in ids]
        return {"list": [self.cut(t.view(), properties and properties + ["@type"]) for t in found if t],
                "notFound": [i for i, t in zip(ids, found) if t is None]}

    def get_action(self, kind, args, ctx):
        return {"list": [], "notFound": self.wanted(args)[0] or []}

    def get_bootstrap(self, kind, args, ctx):
        if self.mode != "bootstrap":
            return {"list": [], "notFound": ["singleton"]}
        return {"list": [self.cut(self.bootstrap, self.wanted(args)[1])], "notFound": []}

    # ---- query ------------------------------------------------------------------------------------

    @staticmethod
    def conditions(args):
        """[(property, operator, value)]"""
        out, todo = [], [args.get("filter")]
        while todo:
            item = todo.pop(0)
            if item is None:
                continue
            if not isinstance(item, dict):
                raise MethodError("invalidArguments", "invalid type: expected an object for filter")
            if "operator" in item:
                if item["operator"] != "AND":
                    raise MethodError("unsupportedFilter", "Only AND is supported in filters")
                todo = list(item.get("conditions") or ()) + todo
                continue
            for key, value in item.items():
                name, op = key, "="
                for suffix, sign in SUFFIXES:
                    if key.endswith(suffix):
                        name, op = key[:-len(suffix)], sign
                        break
                if name not in PROPERTIES:
                    raise MethodError("unsupportedFilter", key)
                out.append((name, op, value))
        return out

    @staticmethod
    def bad_filter(name):
        return MethodError("unsupportedFilter", "Filter on property %s is not supported or invalid" % name)

    @staticmethod
    def sorting(args):
        """(property, ascending): only the first comparator counts; by default the newest id comes first."""
        first = next(iter(args.get("sort") or ()), None)
        if first is None:
            return "id", False
        return first.get("property"), first.get("isAscending", True) is not False

    @staticmethod
    def number(args, name):
        value = args.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise MethodError("invalidArguments", "invalid type: expected an integer for %s" % name)
        return value

    def matches(self, kind, conditions):
        """Numbers that match, growing; None when everything does."""
        table, found = self.tables[kind], None
        for name, op, value in conditions:
            if name not in TYPES[kind].filters or op != "=" or not isinstance(value, str):
                raise self.bad_filter(name)
            if name == "address":
                parsed = parse_ip(value)
                if parsed is None:
                    raise self.bad_filter(name)
                value = parsed[0]
            row = table.find(value)
            hits = [row.number] if row else []
            found = hits if found is None else [n for n in found if n in hits]
        return found

    def query_rows(self, kind, args, ctx):
        table = self.tables[kind]
        found = self.matches(kind, self.conditions(args))
        prop, ascending = self.sorting(args)
        if prop != "id" and prop not in TYPES[kind].sorts:
            raise MethodError("unsupportedSort", "Property %s is not supported for sorting" % prop)
        position, offset = self.number(args, "position"), self.number(args, "anchorOffset")
        if prop == "id" and not args.get("calculateTotal") and not offset and (position is None or position > 0):
            return self.query_store(table, found, args, position, ascending)
        if found == []:
            return self.page([], dict(args, anchor=None))
        if prop == "id":
            numbers = table.order if found is None else found
            return self.page(numbers if ascending else numbers[::-1], args)
        numbers = [n for n in table.by_key() if found is None or n in found]
        return self.page(numbers if ascending else numbers[::-1], args)

    def query_store(self, table, found, args, position, ascending):
        """Without a total the store itself cuts the page, always from the lowest id up, and only what it cut is then
        put newest first; the answer's position stays 0 and it names no limit. So pages by position are complete when
        every one of them is asked this way, and not when the first is asked with position 0 or a total (src; the
        recorded permissions show it: a limit of 1 gave the oldest row)."""
        numbers = table.order if found is None else found
        limit = self.number(args, "limit")
        limit = MAX_QUERY if limit is None else max(1, min(limit, MAX_QUERY))
        anchor = args.get("anchor")
        if anchor is not None:
            position = bisect.bisect_right(numbers, decode_id(anchor) or 0)
        numbers = numbers[position or 0:(position or 0) + limit]
        return self.answer_query([table.rows[n].id for n in (numbers if ascending else numbers[::-1])], 0)

    @staticmethod
    def answer_query(ids, position, **more):
        return dict({"queryState": "n", "canCalculateChanges": True, "position": position, "ids": ids}, **more)

    def page(self, numbers, args):
        """A page of the whole result by position, or around an anchor."""
        limit = self.number(args, "limit")
        limit = MAX_QUERY if limit is None else max(0, min(limit, MAX_QUERY))
        start = self.number(args, "position") or 0
        if args.get("anchor") is not None:
            try:
                start = numbers.index(decode_id(args["anchor"]))
            except ValueError:
                raise MethodError("anchorNotFound", NO_ANCHOR) from None
            start = max(0, start + (self.number(args, "anchorOffset") or 0))
        elif start < 0:
            start = max(0, len(numbers) + start)
        more = {}
        if args.get("calculateTotal"):
            more["total"] = len(numbers)
        if len(numbers) > limit:
            more["limit"] = limit
        ids = [encode_id(n) for n in numbers[start:start + limit]]
        return self.answer_query(ids, start if ids or start <= len(numbers) else 0, **more)

    def query_task(self, kind, args, ctx):
        conditions = self.conditions(args)
        for name, op, value in conditions:
            good = {"status": op == "=" and value in ("Pending", "Retry", "Failed"), "due": parse_date(value),
                    "@type": op == "=" and isinstance(value, str)}.get(name)
            if not good:
                raise self.bad_filter(name)
        prop, ascending = self.sorting(args)
        if args.get("sort") and prop != "due":
            raise MethodError("unsupportedSort", "Only sorting by 'due' is supported for tasks")
        return self.page(self.tasks.query(conditions, ascending), args)

    def query_action(self, kind, args, ctx):
        raise MethodError("invalidArguments", "Actions cannot be queried")

    # ---- the log ----------------------------------------------------------------------------------

    def log_files(self):
        if not self.log.dir or not self.options.get("tracer", True):
            raise MethodError("invalidArguments", "No log tracers configured on the server")
        return self.log.files()

    def query_log(self, kind, args, ctx):
        files, text = self.log_files(), None
        for name, op, value in self.conditions(args):
            if name != "text" or not isinstance(value, str):
                raise self.bad_filter(name)
            text = value
        prop, _ = self.sorting(args)
        if prop != "id":
            raise MethodError("unsupportedSort", "Only sorting by 'id' is supported for logs")
        position, limit = self.number(args, "position"), self.number(args, "limit")
        plain = not args.get("calculateTotal") and not self.number(args, "anchorOffset") and \
            (position is None or position > 0)
        if position and not plain:              # a plain query ignores it (seen)
            raise MethodError("invalidArguments", "Pagination is only possible using anchors for logs")
        limit = MAX_QUERY if limit is None else min(limit, MAX_QUERY)
        anchor = decode_id(args["anchor"]) if args.get("anchor") is not None else 0
        ids = [encode_id(n) for n in self.log_offsets(files, text, anchor or 0, limit)]
        more = {"total": LOG_TOTAL} if args.get("calculateTotal") else {}
        if not plain and limit < LOG_TOTAL:
            more["limit"] = limit
        return self.answer_query(ids, 0, **more)

    @staticmethod
    def log_offsets(files, text, anchor, limit):
        """File number << 48 | byte offset of each line that is the head of an entry, newest first. What lies behind
        the anchor is found by meeting exactly that number: after a rotation it is met no more, and nothing comes."""
        out, found, needle = [], anchor == 0, text and text.encode("utf-8", "surrogateescape")
        for number, path in enumerate(files):
            if not found and anchor >> 48 != number:
                continue
            for offset, line in lines_back(path):
                try:
                    head = COLOUR.sub("", line.decode("utf-8")) if b"\x1b" in line else line.decode("utf-8")
                except UnicodeDecodeError:
                    raise MethodError("serverUnavailable", UNAVAILABLE) from None
                if not STAMP.match(head.partition(" ")[0]):
                    continue
                if not found:
                    found = number << 48 | offset == anchor
                    continue
                if needle is None or needle in line:
                    out.append(number << 48 | offset)
                    if len(out) >= limit:
                        return out
        return out

    def get_log(self, kind, args, ctx):
        files = self.log_files()
        ids, properties = self.wanted(args)
        if ids is None:
            numbers, invalid = self.log_offsets(files, None, 0, MAX_OBJECTS), []
        else:
            numbers = [n for n in map(decode_id, ids) if n is not None]
            invalid = [i for i in ids if decode_id(i) is None]
        found = []
        for number, path in enumerate(files):
            mine = [n for n in numbers if n >> 48 == number]
            if not mine:
                continue
            with open(path, "rb") as file:
                for n in mine:
                    file.seek(n & (1 << 48) - 1)
                    entry = log_entry(file.readline())
                    if entry:                   # what can't be parsed is neither listed nor not found (seen)
                        found.append(self.cut(dict(entry, id=encode_id(n)), properties))
        return {"list": found, "notFound": invalid}

    # ---- set --------------------------------------------------------------------------------------

    def split_set(self, args):
        """(create, update, destroy): ids that are none are left out without a word (src)."""
        parts = []
        for name, kind in (("create", dict), ("update", dict), ("destroy", list)):
            value = args.get(name)
            if value is not None and not isinstance(value, kind):
                raise MethodError("invalidArguments", "invalid type for %s" % name)
            parts.append(value or kind())
        if sum(map(len, parts)) > MAX_OBJECTS:
            raise MethodError("requestTooLarge", TOO_LARGE)
        create, update, destroy = parts
        return create, {i: v for i, v in update.items() if decode_id(i) is not None}, \
            [i for i in destroy if decode_id(i) is not None]

    @staticmethod
    def outcome():
        return {k: {} for k in ("created", "updated", "notCreated", "notUpdated", "notDestroyed")} | {"destroyed": []}

    @staticmethod
    def told(out):
        return {k: v for k, v in out.items() if v}

    def set_rows(self, kind, args, ctx):
        create, update, destroy = self.split_set(args)
        out = self.outcome()
        for key, value in create.items():
            self.create_one(kind, key, value, ctx, out)
        for key, value in update.items():
            if key in destroy:
                out["notUpdated"][key] = {"type": "willDestroy", "description": "ID will be destroyed."}
                continue
            error = self.update_one(kind, key, value, ctx)
            out["notUpdated" if error else "updated"][key] = error
        for key in destroy:
            error = self.destroy_one(kind, key)
            if error:
                out["notDestroyed"][key] = error
            else:
                out["destroyed"].append(key)
        return self.told(out)

    def create_one(self, kind, key, value, ctx, out):
        if kind in SINGLETONS:
            error = self.update_one(kind, "singleton", value, ctx)
            out["notCreated" if error else "created"][key] = error or {"id": "singleton"}
            return
        obj, type_ = self.blank(kind), TYPES[kind]
        try:
            patch_object(type_.fields, obj, value, dict(ctx, create=True))
        except PatchError as error:
            out["notCreated"][key] = {"type": "invalidPatch", "description": error.message,
                                      "properties": [error.path]}
            return
        error = self.complete(kind, obj) or self.refuse(kind, obj, None)
        if error:
            out["notCreated"][key] = error
            return
        row = self.tables[kind].add(obj, self.ids, self.clock.now())
        ctx["created"][key] = row.id
        out["created"][key] = {"id": row.id}
        if kind == "Domain":
            self.domain_tasks(row, None)

    def refuse(self, kind, obj, row):
        """A set error when the object may not be written: not valid, points nowhere, or there is one already."""
        errors = validate(TYPES[kind].fields, obj)
        unique = TYPES[kind].unique
        if unique == "name" and not obj["name"]:
            errors.append({"type": "Required", "property": "name"})
        if kind == "AcmeProvider" and not obj["contact"]:
            errors.append({"type": "MinLength", "property": "contact", "required": 1})
        if errors:
            return {"type": "validationFailed", "validationErrors": errors}
        provider = kind == "Domain" and obj["certificateManagement"].get("acmeProviderId")
        if provider and decode_id(provider) not in self.tables["AcmeProvider"].rows:
            return {"type": "invalidForeignKey", "objectId": {"object": "AcmeProvider", "id": provider}}
        other = unique and self.tables[kind].find(obj[unique])
        if other and other is not row:
            return {"type": "primaryKeyViolation", "properties": [unique],
                    "objectId": {"object": kind, "id": other.id}}
        return None

    def update_one(self, kind, key, value, ctx):
        """None, or a set error."""
        row = None if kind in SINGLETONS else self.tables[kind].rows.get(decode_id(key))
        if row is None and not (kind in SINGLETONS and key == "singleton"):
            return {"type": "notFound"}
        old = row.obj if row else self.singletons[kind]
        fields = TYPES[kind].fields if row else SINGLETONS[kind]
        obj = dict(old)
        try:
            if not isinstance(value, dict):
                raise PatchError("", "Invalid value type for object")
            for name, item in value.items():
                if name != "@type":
                    patch_property(fields, obj, pointer(name), item, dict(ctx, create=False))
        except PatchError as error:
            return {"type": "invalidPatch", "description": error.message, "properties": [error.path]}
        if row is None:
            errors = validate(fields, obj)
            if errors:
                return {"type": "validationFailed", "validationErrors": errors}
            self.singletons[kind] = obj
            return None
        error = self.refuse(kind, obj, row)
        if not error and kind == "Certificate" and obj["certificate"] != old["certificate"]:
            error = self.read_certificate(obj)
        if error:
            return error
        self.tables[kind].replace(row, obj)
        if kind == "Domain":
            self.domain_tasks(row, old)
        return None

    def destroy_one(self, kind, key):
        if kind in SINGLETONS:
            return {"type": "singleton", "description": "Singletons cannot be created or destroyed."}
        number = decode_id(key)
        if number not in self.tables[kind].rows:
            return {"type": "notFound"}
        if kind == "AcmeProvider":
            linked = [{"object": "Domain", "id": row.id} for row in self.tables["Domain"].values()
                      if row.obj["certificateManagement"].get("acmeProviderId") == key]
            if linked:
                return {"type": "objectIsLinked", "objectId": {"object": kind, "id": key}, "linkedObjects": linked}
        self.tables[kind].remove(number)
        return None

    def domain_tasks(self, row, old):
        """What becomes automatic is done at once (src; the DKIM task of a new domain was seen)."""
        for prop, task in (("dkimManagement", "DkimManagement"), ("certificateManagement", "AcmeRenewal")):
            if row.obj[prop]["@type"] == "Automatic" and (old is None or old[prop]["@type"] != "Automatic"):
                self.tasks.add(task, {"domainId": row.id})

    def set_task(self, kind, args, ctx):
        create, update, destroy = self.split_set(args)
        out, may = self.outcome(), ctx["who"].may
        for key, value in create.items():
            made = self.tasks.create(value, dict(ctx, create=True), may)
            if isinstance(made, dict):
                out["notCreated"][key] = made
            else:
                out["created"][key] = {"id": made.id}
                ctx["created"][key] = made.id
        for key, value in update.items():
            task = self.tasks.rows.get(decode_id(key))
            error = self.tasks.update(task, value, may) if task else {"type": "notFound"}
            out["notUpdated" if error else "updated"][key] = error
        for key in destroy:
            if self.tasks.rows.pop(decode_id(key), None):
                out["destroyed"].append(key)
            else:
                out["notDestroyed"][key] = {"type": "notFound"}
        return self.told(out)

    def set_log(self, kind, args, ctx):
        return self.refuse_all(args, "Telemetry objects cannot be created", "Telemetry objects cannot be modified",
                               "Telemetry objects cannot be deleted")

    def refuse_all(self, args, create, update, destroy):
        out, parts = self.outcome(), self.split_set(args)
        for name, keys, words in zip(("notCreated", "notUpdated", "notDestroyed"), parts, (create, update, destroy)):
            out[name] = {key: {"type": "forbidden", "description": words} for key in keys}
        return self.told(out)

    def set_bootstrap(self, kind, args, ctx):
        if self.mode != "bootstrap":
            words = "This operation is only allowed bootstrap mode"
            return self.refuse_all(args, words, words, words)
        out = self.refuse_all({k: v for k, v in args.items() if k != "update"}, "Bootstrap objects can only be updated",
                              "", "Bootstrap objects cannot be deleted")
        for key, value in (args.get("update") or {}).items():
            self.bootstrap.update({k: v for k, v in value.items() if k in self.bootstrap and k != "id"})
            out.setdefault("updated", {})[key] = None
        return out

    def set_action(self, kind, args, ctx):
        create, update, destroy = self.split_set(args)
        out = self.refuse_all({"update": update, "destroy": destroy}, "", "Actions cannot be updated",
                              "Actions cannot be destroyed")
        for key, value in create.items():
            action = value.get("@type") if isinstance(value, dict) else None
            if action not in ACTIONS:
                error = {"type": "invalidPatch", "description": "Missing or invalid '@type' property in object",
                         "properties": [""]}
            elif not ctx["who"].may("action" + action):
                error = {"type": "forbidden", "description":
                         "Insufficient permissions to perform action of type %s" % action}
            else:
                error = self.reload_errors.get(action)
            if error:
                out.setdefault("notCreated", {})[key] = error
                continue
            {"ReloadBlockedIps": self.load_blocked, "ReloadSettings": self.load_settings,
             "ReloadTlsCertificates": self.load_certificates}.get(action, lambda: None)()
            out.setdefault("created", {})[key] = {"id": encode_id(int(self.clock.now()))}
        return out

    # ---- for the control plane --------------------------------------------------------------------

    def settle(self):
        """What waits for a worker is done now."""
        self.tasks.run_all()

    def edit(self, change):
        """Another administrator: {'calls': [[method, arguments], …]}, or in short {'block': [address or object],
        'unblock': [address], 'allow': […], 'disallow': […], 'security' | 'system' | 'http': patch}; and what the
        server is to do next: {'acme': outcome, 'reload_error': {action: set error}, 'tasks': [as x:Task/get shows them],
        'run_tasks': true}."""
        with self.lock:
            for add, drop, table in (("block", "unblock", "BlockedIp"), ("allow", "disallow", "AllowedIp")):
                for row in change.get(add, ()):
                    self.insert(table, {"address": row} if isinstance(row, str) else row)
                for address in change.get(drop, ()):
                    row = self.tables[table].find(parse_ip(address)[0])
                    if row:
                        self.tables[table].remove(row.number)
            for key, name in (("security", "Security"), ("system", "SystemSettings"), ("http", "Http")):
                self.patch_singleton(name, change.get(key, {}))
            self.acme = change.get("acme", self.acme)
            self.reload_errors = change.get("reload_error", self.reload_errors)
            answers = []
            for name, args in change.get("calls", ()):
                answers.append(self.call(name, args, "c%d" % len(answers), self.principals[0], answers, {}))
            for row in change.get("tasks", ()):
                self.tasks.place(dict(row))
            if change.get("run_tasks"):
                self.settle()
            return {"methodResponses": answers}

    def preload(self, addresses):
        """[(address, note)]: blocked before the server was started. A note has no place here: it is left out."""
        now = iso(self.clock.now())
        table = self.tables["BlockedIp"]
        for address, _ in addresses:
            shown, _ = parse_ip(address)
            if not table.find(shown):
                table.add({"address": shown, "reason": "manual", "createdAt": now, "expiresAt": None}, self.ids,
                          self.clock.now())
        self.load_live()

    def stored(self):
        rows = lambda name: [dict(row.obj) for row in self.tables[name].values()[:1000]]
        return {"blocked": [row.obj["address"] for row in self.tables["BlockedIp"].values()],
                "allowed": [row.obj["address"] for row in self.tables["AllowedIp"].values()],
                "blocked_rows": rows("BlockedIp"), "allowed_rows": rows("AllowedIp"),
                "security": self.singletons["Security"], "system": self.singletons["SystemSettings"],
                "http": self.singletons["Http"], "domains": rows("Domain"),
                "certificates": [{k: v for k, v in obj.items() if k != "privateKey"} for obj in rows("Certificate")],
                "tasks": [task.view() for task in self.tasks.rows.values()]}

    def state(self):
        with self.lock:
            out = super().state()
            out["mode"] = self.mode
            out["live"]["certificates"] = list(self.live_certificates)
            out["live"]["use_forwarded"] = self.use_forwarded
            out["live"]["proxy_networks"] = self.proxy_networks
            return out


def masked(secret):
    return dict(secret, secret="****") if "secret" in secret else secret


def follow(value, segments):
    """A JSON pointer with '*' for every item of a list; None when it leads nowhere."""
    for n, segment in enumerate(segments):
        if segment == "*" and isinstance(value, list):
            out = []
            for item in value:
                hit = follow(item, segments[n + 1:])
                if hit is not None:
                    out += hit if isinstance(hit, list) else [hit]
            return out
        if not isinstance(value, dict) or segment not in value:
            return None
        value = value[segment]
    return value


def lines_back(path):
    """(offset, line) from the end of the file, as much as is asked for."""
    if not os.path.getsize(path):
        return
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        end = len(data)
        if data[end - 1] == 10:
            end -= 1
        while end >= 0:
            start = data.rfind(b"\n", 0, end) + 1
            yield start, data[start:end]
            end = start - 1


def log_entry(line):
    """One line as x:Log/get shows it, or None."""
    try:
        text = COLOUR.sub("", line.decode("utf-8"))
    except UnicodeDecodeError:
        raise MethodError("serverUnavailable", UNAVAILABLE) from None
    stamp, _, rest = text.partition(" ")
    level, _, rest = rest.strip().partition(" ")
    _, opened, rest = rest.strip().partition(" (")
    event, closed, details = rest.partition(")")
    if not (STAMP.match(stamp) and opened and closed and EVENT.fullmatch(event)):
        return None
    level = level.lower()
    return {"timestamp": iso(parse_date(stamp)), "event": event, "details": details.strip(),
            "level": level if level in ("error", "warn", "info", "debug", "trace") else "info"}
