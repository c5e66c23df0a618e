# SPDX-License-Identifier: GPL-3.0-or-later
"""How each generation writes what happened: one class for 0.9.4 and later, one for what was before. They are
mixed into a persona, whose clock, log, options and version they use; they must not know why a line is written."""

import re

from .parts import canonical

PORTS = {"http": 18080, "https": 18443, "imap": 10143, "imaptls": 10993, "smtp": 10025,
         "submission": 10587, "pop3": 10110, "sieve": 10190}
LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")
COLOURS = {"ERROR": 31, "WARN": 33, "INFO": 32, "DEBUG": 34, "TRACE": 35}


def quote(text):
    """A value as the server writes it: only CR, LF, TAB and backslash are escaped (seen on 0.15.5)."""
    for raw, shown in (("\\", "\\\\"), ("\r", "\\r"), ("\n", "\\n"), ("\t", "\\t")):
        text = text.replace(raw, shown)
    return '"' + text + '"'


def written(persona, level):
    return LEVELS.index(level) >= LEVELS.index(persona.options.get("level", "info").upper())


BAN_EVENTS = {
    "auth": ("Banned due to authentication errors", "security.authentication-ban"),
    "abuse": ("Banned due to abuse", "security.abuse-ban"),
    "loiter": ("Banned due to loitering", "security.loiter-ban"),
    "scan": ("Banned due to scan", "security.scan-ban"),
}


class EventLines:
    """0.9.4 and later: TIMESTAMP LEVEL Description (event.id) key = value, …"""

    ban_events = BAN_EVENTS

    def next_port(self):
        self.port_seed = (self.port_seed + 7919) % 28000
        return 32768 + self.port_seed

    def span(self, client, listener):
        ip = canonical(client)
        return 'listenerId = "%s", localPort = %d, remoteIp = %s, remotePort = %d' % (
            listener, PORTS.get(listener, 18080), ip, self.next_port())

    def log_event(self, level, description, event, details=""):
        """One line; details is 'key = value, …' as it is to be written."""
        if not written(self, level):
            return
        now = self.clock.now()
        stamp = self.clock.iso(now)
        if self.log.ansi:
            details = re.sub(r"(^|, )(\w+) = ", "\\1\x1b[3m\\2\x1b[0m = ", details)
            line = "\x1b[2m%s\x1b[0m \x1b[%dm%s\x1b[0m \x1b[1m%s\x1b[0m (\x1b[2m%s\x1b[0m) %s" % (
                stamp, COLOURS[level], level, description, event, details)
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

    def log_exchange(self, req, answer):
        """At trace level every request's headers, credentials and all, and every body go into the log."""
        if not written(self, "TRACE"):
            return
        span = self.span(req.client, req.listener)
        headers = ", ".join("%s: %s" % pair for pair in req.headers.items())
        contents = lambda data: ", contents = %s, size = %d" % (quote(data.decode("utf-8", "replace")), len(data))
        self.log_event("TRACE", "HTTP request headers", "http.request-headers", span + ", contents = " + quote(headers))
        if req.body:
            self.log_event("TRACE", "HTTP request body", "http.request-body", span + contents(req.body))
        self.log_event("TRACE", "HTTP response body", "http.response-body", span + contents(answer.body))

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


class LegacyLines:
    """Log lines up to 0.9.3, for a Persona."""

    legacy_log = True
    ban_module = "common"

    def log_legacy(self, level, module, text, pairs=()):
        if not written(self, level):
            return
        now = self.clock.now()
        stamp = self.clock.iso(now, micro=True)
        if self.log.ansi:
            tail = "".join(" \x1b[3m%s\x1b[0m\x1b[2m=\x1b[0m%s" % pair for pair in pairs)
            line = "\x1b[2m%s\x1b[0m \x1b[%dm%5s\x1b[0m \x1b[2m%s\x1b[0m\x1b[2m:\x1b[0m %s%s" % (
                stamp, COLOURS[level], level, module, text, tail)
        else:
            line = "%s %5s %s: %s%s" % (stamp, level, module, text, "".join(" %s=%s" % p for p in pairs))
        self.log.write(line, now)

    def log_exchange(self, req, answer):
        """Not written by these generations."""

    def log_event(self, level, description, event, details=""):
        """Nothing: the events of later generations are not written here."""

    def log_startup(self):
        self.log_legacy("INFO", "common::manager::boot", "Starting Stalwart Mail Server v%s..." % self.version)

    def log_success(self, client, listener, who):
        """Not written by these generations."""

    def log_attempt(self, client, listener, account):
        """Not written at the levels the practice server has."""

    log_rcpt = log_ehlo = lambda self, *args, **kwargs: None

    def log_refused(self, client, listener):
        self.log_legacy("DEBUG", "utils::listener::listen", "Dropping connection from blocked IP.",
                        [("context", '"listener"'), ("event", '"blocked"'), ("instance", '"%s"' % listener),
                         ("remote.ip", canonical(client)), ("remote.port", self.next_port())])

    def log_ban(self, cls, client, listener, account, to, path):
        self.log_legacy("INFO", self.ban_module, "IP address blocked after too many failed login attempts",
                        [("context", '"directory"'), ("event", '"fail2ban"'), ("remote_ip", canonical(client)),
                         ("login", '"%s"' % (account or ""))])
