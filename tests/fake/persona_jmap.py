# SPDX-License-Identifier: GPL-3.0-or-later
"""The 0.16 generation: JMAP. Rows and singletons are one thing, what is in force another; only the right x:Action
moves it there. It must not know sockets nor the other generations.

What was recorded or measured on 0.16.18 is followed first; where that is silent the server's source is (src).
Options: user, password, accounts, keys, public_host, blocked, allowed (addresses or objects), security, system, http
(patches of the singletons), certificates (PEM), domains, listeners, spam_task (the task every server without internet
carries), tracer (False: no log), rate_limits (False: none), acme ('auto', 'success', 'retry[: reason]',
'failed[: reason]'), acme_pem, mode ('normal', 'recovery', 'bootstrap')."""


import base64
import copy
import hashlib
import re

from . import jmap_certs
from .jmap_calls import SESSION_HOST, Requests, too_many
from .jmap_log import LogCalls
from .jmap_read import Reads
from .jmap_registry import (SINGLETONS, TYPES, Ids, Table, decode_id, iso, parse_date, parse_ip, patch_object,
                            patch_property, pointer)
from .jmap_tasks import NO_ACME, Tasks, missing_domain
from .jmap_write import Writes
from .persona import (BAN_EVENTS, PORTS, Persona, canonical, parse_address, quote, unauthorized)

CACHED_LOGIN = 3600                             # a login is checked, and logged, again after that long
BAN_REASONS = {"auth": "authFailure", "abuse": "rcptToFailure", "loiter": "loitering", "scan": "portScanning"}
LISTENERS = (("http", "http", False), ("https", "http", True), ("imap", "imap", False), ("imaptls", "imap", True),
             ("smtp", "smtp", False), ("submission", "smtp", False))


class PersonaJmap(Requests, Reads, Writes, LogCalls, Persona):
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
        self.live_settings, self.live_proxies = {}, []
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
            error = "HTTP error: error sending request for url (%s)" % url
            return {"type": "invalidProperties", "properties": ["directory"],
                    "description": "Failed to create ACME account: " + error}
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
        http = self.tables["NetworkListener"].find("http")
        own = http.obj["overrideProxyTrustedNetworks"] if http else {}
        self.live_proxies = list(own or self.live_settings["SystemSettings"]["proxyTrustedNetworks"])

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
        """Connections from here must begin with a PROXY header; the listener's own list replaces the system's."""
        return self.live_proxies

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

    # ---- for the control plane --------------------------------------------------------------------

    def settle(self):
        """What waits for a worker is done now."""
        self.tasks.run_all()

    def edit(self, change):
        """Another administrator: {'calls': [[method, arguments], …]}, or in short {'block': [address or object],
        'unblock': [address], 'allow': […], 'disallow': […], 'security' | 'system' | 'http': patch}; and what the
        server is to do next: {'acme': outcome, 'reload_error': {action: set error}, 'run_tasks': true,
        'tasks': [as x:Task/get shows them]}."""
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
