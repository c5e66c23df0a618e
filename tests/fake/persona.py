# SPDX-License-Identifier: GPL-3.0-or-later
"""What every generation of the practice server has in common: requests, clock, log files, store,
what is in force, failure counters, and the base of a persona. It must not know any dialect, nor sockets."""

import base64
import binascii
import bisect
import collections
import datetime
import fnmatch
import gzip
import ipaddress
import json
import os
import re
import shutil
import threading
import time
import urllib.parse
from dataclasses import dataclass, field

CLASSES = ("auth", "abuse", "loiter", "scan")
KIND_CLASS = {"auth_fail": "auth", "rcpt_fail": "abuse", "loiter": "loiter", "scan": "scan"}
DEFAULT_RATES = {"auth": (100, 86400), "abuse": (35, 86400), "loiter": (150, 86400), "scan": (30, 86400)}
DEFAULT_SCAN_PATHS = ["*.php*", "*.cgi*", "*.asp*", "*/wp-*", "*/php*", "*/cgi-bin*", "*xmlrpc*",
                      "*../*", "*/..*", "*joomla*", "*wordpress*", "*drupal*"]
PORTS = {"http": 18080, "https": 18443, "imap": 10143, "imaptls": 10993, "smtp": 10025,
         "submission": 10587, "pop3": 10110, "sieve": 10190}
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


class Clock:
    """Epoch seconds: real, or fixed; both can be moved forward from the control plane."""

    def __init__(self, fixed=None):
        self.fixed = fixed
        self.offset = 0.0

    def now(self):
        return (time.time() if self.fixed is None else self.fixed) + self.offset

    def advance(self, seconds):
        self.offset += float(seconds)

    def set(self, epoch):
        self.fixed, self.offset = float(epoch), 0.0

    def iso(self, when=None, micro=False):
        when = self.now() if when is None else when
        stamp = datetime.datetime.fromtimestamp(when, datetime.timezone.utc)
        return stamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")


class LogWriter:
    """The server's daily log files. Lines are str (surrogateescape for raw bytes) or bytes."""

    def __init__(self, dir, prefix="stalwart.", ansi=False):
        self.dir, self.prefix, self.ansi = dir, prefix, ansi
        self.file = None
        self.name = None
        if dir:
            os.makedirs(dir, exist_ok=True)

    def path(self, now):
        day = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).strftime("%Y-%m-%d")
        return os.path.join(self.dir, self.prefix + day)

    def write(self, line, now):
        if not self.dir:
            return
        data = line if isinstance(line, bytes) else line.encode("utf-8", "surrogateescape")
        self._open(now).write(data + b"\n")
        self.file.flush()

    def _open(self, now):
        name = self.path(now)
        if name != self.name:
            self.close()
            self.file, self.name = open(name, "ab", buffering=1 << 16), name
        return self.file

    def close(self):
        if self.file:
            self.file.close()
        self.file = self.name = None

    def files(self):
        """Plain log files, newest first, as the server itself reads them."""
        if not self.dir:
            return []
        names = [n for n in os.listdir(self.dir) if n.startswith(self.prefix)
                 and not n.endswith((".gz", ".1"))]
        return [os.path.join(self.dir, n) for n in sorted(names, reverse=True)]

    def rotate(self, now):
        """Renamed by a log rotator, and the server opens a new file."""
        self._open(now)
        name = self.name
        self.close()
        os.replace(name, name + ".1")
        self._open(now)
        return name + ".1"

    def copytruncate(self, now):
        self._open(now)
        shutil.copyfile(self.name, self.name + ".1")
        os.truncate(self.name, 0)
        return self.name + ".1"

    def gzip(self, now):
        old = self.rotate(now)
        with open(old, "rb") as src, gzip.open(old + ".gz", "wb") as dst:
            shutil.copyfileobj(src, dst)
        os.unlink(old)
        return old + ".gz"


class Store:
    """Text keys in text order. `generation` changes with every change: bodies are cached on it."""

    def __init__(self, pairs=()):
        self.data = dict(pairs)
        self.keys = None
        self.generation = 0

    def _sorted(self):
        if self.keys is None:
            self.keys = sorted(self.data)
        return self.keys

    def __len__(self):
        return len(self.data)

    def __contains__(self, key):
        return key in self.data

    def get(self, key, default=None):
        return self.data.get(key, default)

    def set(self, key, value):
        if key not in self.data:
            self.keys = None
        self.data[key] = value
        self.generation += 1

    def update(self, pairs):
        self.data.update(pairs)
        self.keys = None
        self.generation += 1

    def delete(self, key):
        if key not in self.data:
            return False
        del self.data[key]
        self.keys = None
        self.generation += 1
        return True

    def prefix(self, prefix):
        """[(key, value)] of every key that begins with prefix, in text order."""
        keys = self._sorted()
        low = bisect.bisect_left(keys, prefix)
        high = bisect.bisect_left(keys, prefix + "\U0010ffff", low) if prefix else len(keys)
        return [(k, self.data[k]) for k in keys[low:high]]

    def any(self, prefix):
        keys = self._sorted()
        low = bisect.bisect_left(keys, prefix)
        return low < len(keys) and keys[low].startswith(prefix)

    def clear(self, prefix, keep=None):
        """Deletes the keys under prefix (but those keep() is true for); returns how many."""
        doomed = [k for k, _ in self.prefix(prefix) if not (keep and keep(k))]
        for key in doomed:
            del self.data[key]
        if doomed:
            self.keys = None
            self.generation += 1
        return len(doomed)

    def dump(self):
        return {k: self.data[k] for k in self._sorted()}


_ADDRESSES = {}


def parse_address(text):
    """('address', ip) or ('network', net), or None: host bits are masked off as the server does."""
    hit = _ADDRESSES.get(text)
    if hit is None and text not in _ADDRESSES:
        hit = _parse_address(text)
        if len(_ADDRESSES) < 2_000_000:
            _ADDRESSES[text] = hit
    return hit


def _parse_address(text):
    try:
        if "/" in text:
            return "network", ipaddress.ip_network(text, strict=False)
        return "address", canonical(text)
    except ValueError:
        return None


def canonical(text):
    ip = ipaddress.ip_address(text)
    return getattr(ip, "ipv4_mapped", None) or ip


class Live:
    """What the running server acts on, whatever is stored."""

    def __init__(self):
        self.blocked = set()                    # addresses
        self.networks = set()
        self.allowed = set()
        self.allowed_networks = set()
        self.thresholds = dict(DEFAULT_RATES)   # class -> (count, period) | None | 'panic'
        self.scan_paths = list(DEFAULT_SCAN_PATHS)
        self.certs = 0                          # how often certificates were loaded
        self.expires = {}                       # address or network -> epoch

    def add(self, text, expires=None, allowed=False):
        parsed = parse_address(text)
        if parsed is None:
            return False
        kind, value = parsed
        if allowed:
            (self.allowed if kind == "address" else self.allowed_networks).add(value)
        else:
            (self.blocked if kind == "address" else self.networks).add(value)
            if expires is not None:
                self.expires[value] = expires
        return True

    def remove(self, text):
        parsed = parse_address(text)
        if parsed:
            self.blocked.discard(parsed[1])
            self.networks.discard(parsed[1])
            self.expires.pop(parsed[1], None)

    def _in_force(self, entry, now):
        until = self.expires.get(entry)
        return until is None or now < until

    def is_blocked(self, client, now):
        ip = canonical(client)
        if ip in self.blocked and self._in_force(ip, now):
            return True
        return any(ip.version == n.version and ip in n and self._in_force(n, now) for n in self.networks)

    def is_allowed(self, client):
        ip = canonical(client)
        if str(ip) in ("127.0.0.1", "::1") or ip in self.allowed:
            return True
        return any(ip.version == n.version and ip in n for n in self.allowed_networks)

    def scan_match(self, path):
        return any(fnmatch.fnmatchcase(path, glob) for glob in self.scan_paths)

    def dump(self):
        text = lambda items: sorted(str(i) for i in items)
        return {"blocked": text(self.blocked), "networks": text(self.networks), "allowed": text(self.allowed),
                "allowed_networks": text(self.allowed_networks), "scan_paths": list(self.scan_paths),
                "thresholds": {c: list(t) if isinstance(t, tuple) else t for c, t in self.thresholds.items()},
                "certs": self.certs, "expires": {str(k): v for k, v in self.expires.items()}}


class Counters:
    """Failures in fixed windows aligned to the epoch. They outlive an un-ban and a restart."""

    def __init__(self):
        self.counts = {}

    def hit(self, cls, key, rate, now):
        """Counts one failure; true when it is one too many."""
        count, period = rate
        slot = (cls, key, period, int(now // period))
        self.counts[slot] = self.counts.get(slot, 0) + 1
        return self.counts[slot] > count

    def over(self, cls, key, rate, now):
        count, period = rate
        return self.counts.get((cls, key, period, int(now // period)), 0) >= count

    def purge(self, cls=None):
        self.counts = {k: v for k, v in self.counts.items() if cls and k[0] != cls}

    def dump(self):
        return [{"class": c, "key": k, "period_s": p, "window": w, "count": n}
                for (c, k, p, w), n in sorted(self.counts.items(), key=str)]


@dataclass
class Principal:
    name: str
    secret: str
    permissions: object = None                  # None: everything; else a set of names
    key: bool = False                           # API key
    id: int = None

    def may(self, permission):
        return self.permissions is None or permission in self.permissions


def quote(text):
    """A value as the server writes it: only CR, LF, TAB and backslash are escaped (seen on 0.15.5)."""
    for raw, shown in (("\\", "\\\\"), ("\r", "\\r"), ("\n", "\\n"), ("\t", "\\t")):
        text = text.replace(raw, shown)
    return '"' + text + '"'


BAN_EVENTS = {
    "auth": ("Banned due to authentication errors", "security.authentication-ban"),
    "abuse": ("Banned due to abuse", "security.abuse-ban"),
    "loiter": ("Banned due to loitering", "security.loiter-ban"),
    "scan": ("Banned due to scan", "security.scan-ban"),
}


class Persona:
    """A server of one generation. Subclasses give route(), load_live(), store_ban(), stored() and edit()."""

    name = "base"
    version = "0"
    allowed_wins = False                        # 0.16: an allowed address is let in though blocked
    legacy_log = False                          # up to 0.9.3
    ban_events = BAN_EVENTS
    classes = CLASSES                           # the classes this generation counts
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

    # ---- log lines of 0.9.4 and later; older personas override them -----------------------------

    def next_port(self):
        self.port_seed = (self.port_seed + 7919) % 28000
        return 32768 + self.port_seed

    def span(self, client, listener):
        ip = canonical(client)
        return 'listenerId = "%s", localPort = %d, remoteIp = %s, remotePort = %d' % (
            listener, PORTS.get(listener, 18080), ip, self.next_port())

    def log_event(self, level, description, event, details=""):
        """One line; details is 'key = value, …' as it is to be written."""
        order = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")
        if order.index(level) < order.index(self.options.get("level", "info").upper()):
            return
        now = self.clock.now()
        if self.legacy_log:
            return
        stamp = self.clock.iso(now)
        if self.log.ansi:
            colour = {"ERROR": 31, "WARN": 33, "INFO": 32, "DEBUG": 34, "TRACE": 35}[level]
            details = re.sub(r"(^|, )(\w+) = ", "\\1\x1b[3m\\2\x1b[0m = ", details)
            line = "\x1b[2m%s\x1b[0m \x1b[%dm%s\x1b[0m \x1b[1m%s\x1b[0m (\x1b[2m%s\x1b[0m) %s" % (
                stamp, colour, level, description, event, details)
        else:
            line = "%s %s %s (%s) %s" % (stamp, level, description, event, details)
        self.log.write(line, now)

    def log_startup(self):
        self.log_event("INFO", "Starting Stalwart Server v%s" % self.version, "server.startup",
                       "version = " + quote(self.version))

    def log_success(self, client, listener, who):
        details = self.span(client, listener) + ", accountName = " + quote(who.name)
        if who.id is not None:
            details += ", accountId = %d" % who.id
        self.log_event("INFO", "Authentication successful", "auth.success", details)

    def log_attempt(self, client, listener, account):
        self.log_event("DEBUG", "Authentication failed", "auth.failed",
                       self.span(client, listener) + ", accountName = " + quote(account or ""))

    def log_rcpt(self, client, listener, to):
        self.log_event("INFO", "Mailbox does not exist", "smtp.mailbox-does-not-exist",
                       self.span(client, listener) + ", to = " + quote(to))

    def log_ehlo(self, client, domain, listener="smtp"):
        listener = listener if listener in ("smtp", "submission") else "smtp"
        self.log_event("INFO", "SMTP EHLO command", "smtp.ehlo",
                       self.span(client, listener) + ", domain = " + quote(domain))

    def log_refused(self, client, listener):
        self.log_event("INFO", "Blocked IP address", "security.ip-blocked", self.span(client, listener))

    def log_ban(self, cls, client, listener, account, to, path):
        description, event = self.ban_events[cls]
        tail = ["remoteIp = %s" % canonical(client)]
        if account is not None:
            tail.append("accountName = " + quote(account))
        if to is not None:
            tail.append("to = " + quote(to))
        if path is not None:
            tail.append("path = " + quote(path))
        if listener == "imap" and cls == "auth":        # no span there, but the command's tag (seen on 0.15.5)
            tail.append('id = "a"')
        else:
            tail.insert(0, self.span(client, listener))
        self.log_event("INFO", description, event, ", ".join(tail))

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
