# SPDX-License-Identifier: GPL-3.0-or-later
"""What every generation of the practice server has in common: requests and answers, the way in, failures and
bans. It must not know any dialect, nor sockets. What it is made of is in parts.py, what it writes in lines.py."""

import base64
import binascii
import collections
import json
import threading
import urllib.parse
from dataclasses import dataclass, field

from .lines import BAN_EVENTS, PORTS, EventLines, quote
from .parts import (DEFAULT_RATES, DEFAULT_SCAN_PATHS, Clock, Counters, Live, LogWriter, Store, canonical,
                    parse_address)

__all__ = ["BAN_EVENTS", "CLASSES", "DEFAULT_RATES", "DEFAULT_SCAN_PATHS", "KIND_CLASS", "PORTS", "Clock", "Counters",
           "Live", "LogWriter", "Persona", "Principal", "Request", "Response", "Store", "canonical", "encode",
           "forbidden", "json_response", "not_found", "parse_address", "problem", "quote", "reset", "unauthorized"]

CLASSES = ("auth", "abuse", "loiter", "scan")
KIND_CLASS = {"auth_fail": "auth", "rcpt_fail": "abuse", "loiter": "loiter", "scan": "scan"}
NOT_FOUND = "The requested resource does not exist on this server."
FORBIDDEN = "You do not have enough permissions to access this resource."


@dataclass
class Request:
    method: str
    path: str                                   # raw: not percent-decoded, without the query
    query: str = ""
    headers: dict = field(default_factory=dict)  # lower-case names
    body: bytes = b""
    client: str = "127.0.0.1"
    forwarded: bool = False                     # client was taken from X-Forwarded-For
    listener: str = "http"

    def params(self):
        out = {}
        for name, value in urllib.parse.parse_qsl(self.query, keep_blank_values=True):
            out.setdefault(name, value)
        return out

    def json(self):
        return json.loads(self.body.decode("utf-8"))


@dataclass
class Response:
    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    action: str = None                          # 'reset' = RST without an answer


def encode(obj):
    return json.dumps(obj, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def json_response(obj, status=200):
    return Response(status, {"content-type": "application/json; charset=utf-8"}, encode(obj))


def problem(status, title, detail, extra=None):
    body = {"type": "about:blank", "status": status, "title": title, "detail": detail}
    body.update(extra or {})
    return Response(status, {"content-type": "application/problem+json"}, encode(body))


def reset():
    return Response(0, {}, b"", "reset")


def unauthorized():
    answer = problem(401, "Unauthorized", "You have to authenticate first.")
    answer.headers["www-authenticate"] = 'Basic realm="Stalwart Server", Bearer realm="Stalwart Server"'
    return answer


def not_found():
    return problem(404, "Not Found", NOT_FOUND)


def forbidden():
    return problem(403, "Forbidden", FORBIDDEN)


@dataclass
class Principal:
    name: str
    secret: str
    permissions: object = None                  # None: everything; else a set of names
    key: bool = False                           # API key
    id: int = None

    def may(self, permission):
        return self.permissions is None or permission in self.permissions


class Persona(EventLines):
    """A server of one generation. Subclasses give route(), load_live(), store_ban(), stored() and edit()."""

    name = "base"
    version = "0"
    allowed_wins = False                        # 0.16: an allowed address is let in though blocked
    legacy_log = False                          # up to 0.9.3
    classes = CLASSES                           # the classes this generation counts
    use_forwarded = False                       # X-Forwarded-For is believed
    proxy_networks = ()                         # from here a connection must begin with a PROXY line
    log_every_login = True                      # 0.10 remembers credentials and logs them once (seen on 0.10.3)
    default_user = "admin"
    default_password = "secret"

    def __init__(self, clock=None, logdir=None, options=None):
        self.clock = clock or Clock()
        self.options = dict(options or {})
        self.version = self.options.get("version") or self.version
        ansi = self.options.get("ansi", False)
        self.log = LogWriter(logdir, ansi=ansi)
        self.lock = threading.RLock()
        self.live = Live()
        self.counters = Counters()
        self.requests = collections.deque(maxlen=20000)
        self.crashed = False
        self.file_unwritable = bool(self.options.get("unwritable"))
        self.port_seed = 0
        self.principals = self._principals()
        self.known_logins = set()
        self.setup()
        self.load_live()
        self.log_startup()

    def _principals(self):
        opt = self.options
        out = [Principal(opt.get("user") or self.default_user, opt.get("password") or self.default_password)]
        for n, row in enumerate(list(opt.get("accounts", ())) + list(opt.get("keys", ()))):
            rights = row.get("permissions")
            out.append(Principal(row["name"], row.get("secret", row.get("password", "")),
                                 None if rights is None else set(rights),
                                 row in opt.get("keys", ()), row.get("id", n + 2)))
        return out

    # ---- what a generation has to say -------------------------------------------------------

    def setup(self):
        """Before the first load: make the store."""

    def load_live(self):
        """As a server start does: everything stored becomes what is in force."""

    def route(self, req, who):
        """The answer to a request that got in; who is a Principal, or None without credentials."""
        return not_found()

    def store_ban(self, address, cls):
        """The server's own ban: stored and, being its own, live at once."""
        self.live.add(address)

    def stored(self):
        """{'blocked': [...], 'allowed': [...], ...}: what a reader of the store sees."""
        return {}

    def edit(self, change):
        """Another administrator writes to the store; nothing becomes live by it. change: {"block": [address],
        "unblock": [...], "allow": [...], "disallow": [...]}, and what the generation itself knows ("set", "delete")."""
        raise ValueError("this persona has no edit")

    def lift(self, address):
        """A ban is lifted, and at once."""
        with self.lock:
            self.edit({"unblock": [address]})
            self.live.remove(address)

    def preload(self, addresses):
        """Blocked before the server was started: stored and live. addresses: [(address, note)]"""
        for address, _ in addresses:
            self.live.add(address)

    def tick(self):
        """Called before every request and event: work the server does by itself."""

    # ---- the way in -------------------------------------------------------------------------

    def refused(self, client):
        if self.allowed_wins and self.live.is_allowed(client):
            return False
        if str(canonical(client)) in ("127.0.0.1", "::1"):
            return False
        return self.live.is_blocked(client, self.clock.now())

    def connect(self, client, listener="http"):
        """False when the server drops the connection before reading a byte."""
        with self.lock:
            self.tick()
            if self.crashed:
                return False
            if not self.refused(client):
                return True
            self.log_refused(client, listener)
            return False

    def handle(self, req):
        with self.lock:
            self.requests.append(self._seen(req))
            if self.crashed:
                return reset()
            self.tick()
            if self.refused(req.client):
                self.log_refused(req.client, req.listener)
                return forbidden() if req.forwarded else reset()
            who, answer = self.authenticate(req)
            if answer is None:
                answer = self.route(req, who)
            if answer.status == 404 and self.is_scan(req, who):
                return reset()
            self.log_exchange(req, answer)
            return reset() if self.crashed else answer

    def _seen(self, req):
        return req.method + " " + req.path + ("?" + req.query if req.query else "")

    def is_scan(self, req, who):
        """A path nobody serves and the globs know: banned by the first request, no counter (seen)."""
        if who is not None or self.live.thresholds.get("scan") is None or self.live.is_allowed(req.client):
            return False
        path = urllib.parse.unquote(req.path)
        if "scan" not in self.classes or not self.live.scan_match(path):
            return False
        self.ban("scan", req.client, req.listener, path=path)
        return True

    def authenticate(self, req):
        """(Principal or None, an answer that ends the request or None)"""
        header = req.headers.get("authorization")
        if header is None:
            return None, None
        name, secret, key = self.read_credentials(header)
        if name is None:
            self.log_event("ERROR", "Authentication error", "auth.error",
                           self.span(req.client, req.listener) + ", details = " + quote(header))
            return None, unauthorized()
        for who in self.principals:
            if who.name == name and who.secret == secret and who.key == key:
                if self.log_every_login or header not in self.known_logins:
                    self.log_success(req.client, req.listener, who)
                self.known_logins.add(header)
                return who, None
        verdict = self.fail("auth", req.client, req.listener, account=name)
        if verdict == "ok":
            return None, unauthorized()
        if self.crashed:
            return None, reset()
        return None, problem(429, "Too Many Authentication Attempts",
                             "Your request has been rate limited. Please try again later.")

    @staticmethod
    def read_credentials(header):
        """(name, secret, is an API key), or (None, None, False) when it can't be read."""
        scheme, _, rest = header.partition(" ")
        key = scheme.lower() == "bearer"
        try:
            if key:
                if not rest.startswith("api_"):
                    return rest, "", True
                rest = rest[4:]
            elif scheme.lower() != "basic":
                return None, None, False
            name, colon, secret = base64.b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None, None, False
        return (name, secret, key) if colon else (None, None, False)

    def permission(self, who, name, req):
        """None when granted; else the answer, and the log line the server writes."""
        if who is None:
            return unauthorized()
        if who.may(name):
            return None
        self.log_event("INFO", "Unauthorized access", "security.unauthorized",
                       self.span(req.client, req.listener) + ", details = " + quote(name))
        return forbidden()

    def set_permissions(self, name, permissions):
        for who in self.principals:
            if who.name == name:
                who.permissions = None if permissions is None else set(permissions)
                return True
        return False

    # ---- failures and bans ------------------------------------------------------------------

    def event(self, kind, client, listener="imap", account=None, to=None, path=None, domain=None):
        """Something happens on the mail side. 'ok', 'banned' or 'refused'."""
        with self.lock:
            self.tick()
            if self.crashed:
                return "refused"
            if self.refused(client):
                self.log_refused(client, listener)
                return "refused"
            if kind == "ehlo":
                self.log_ehlo(client, domain if domain is not None else "", listener)
                return "ok"
            if kind == "auth_ok":
                self.log_success(client, listener, Principal(account or "user@example.org", "", id=7))
                return "ok"
            if kind == "rcpt_fail":
                self.log_rcpt(client, listener, to or "nobody@example.org")
            if kind == "scan" and path is not None and not self.live.scan_match(path):
                return "ok"
            return self.fail(KIND_CLASS[kind], client, listener, account=account, to=to, path=path)

    def fail(self, cls, client, listener, account=None, to=None, path=None):
        """Counts one failure against what is in force. Allowed addresses are never counted."""
        if cls == "auth":
            self.log_attempt(client, listener, account)
        rate = self.live.thresholds.get(cls)
        if rate is None or cls not in self.classes or self.live.is_allowed(client):
            return "ok"
        if rate == "panic":
            self.crashed = True
            return "refused"
        if cls == "scan" and path is not None:
            return self.ban(cls, client, listener, path=path)
        now = self.clock.now()
        keys = [str(canonical(client))]
        if cls == "auth" and account:
            keys.append("login:" + account)
        if cls == "abuse" and to:
            keys.append("rcpt:" + to)
        # the second key is only counted while the first is within its rate (src)
        if not any(self.counters.hit(cls, key, rate, now) for key in keys):
            return "ok"
        return self.ban(cls, client, listener, account, to, path)

    def ban(self, cls, client, listener, account=None, to=None, path=None):
        self.store_ban(str(canonical(client)), cls)
        self.log_ban(cls, client, listener, account, to, path)
        return "banned"

    # ---- for the control plane ----------------------------------------------------------------

    def state(self):
        with self.lock:
            return {"name": self.name, "version": self.version, "crashed": self.crashed, "now": self.clock.now(),
                    "stored": self.stored(), "live": self.live.dump(), "counters": self.counters.dump(),
                    "requests": list(self.requests)}

    def restart(self):
        with self.lock:
            self.crashed = False
            self.known_logins = set()
            self.live = Live()
            self.load_live()
            self.log_startup()
