# SPDX-License-Identifier: GPL-3.0-or-later
"""Lively traffic for the demo and for load: the same seed gives the same attack. Knows personas only by event()."""

import gzip
import ipaddress
import os
import random

SEED = 20260315
RANGES = ["45.9.148.%d", "185.234.216.%d", "193.32.162.%d", "80.94.95.%d", "141.98.10.%d", "2001:db8:bad::%x"]
ACCOUNTS = ["info", "admin", "test", "sales", "office", "backup", "postmaster", "root", "scan", "support"]
STAFF = ["anna", "boris", "carla", "david", "emma", "farid", "grete", "hugo"]
SCANS = ["/wp-login.php", "/.env", "/phpmyadmin/", "/cgi-bin/luci", "/xmlrpc.php", "/../../etc/passwd",
         "/wordpress/wp-admin/setup.php", "/api/.git/config", "/joomla/administrator/"]
HOSTILE = ["a\x1b]52;c;ZWNobyBwd25lZA==\x07", "n\x00ul", "evil\u202egnp.exe", "x\"quote", "\x1b[2J\x1b[H",
           "\x9b31mred", 'z", remoteIp = 9.9.9.9, x = "', "\u200b\u200d\ufeffzero", "e\u0301" + "\u0301" * 40,
           "tab\tcr\rlf\n", "xn--pypal-4ve.example", "%s%n%x"]
GATEWAY = "172.17.0.1"
SILENT = 40                                     # failures that may pass between two lines


def addresses(count):
    """[(entry, note)]: count different public entries, mostly IPv4, some IPv6, some networks."""
    rows, taken, n = [], set(), 0
    while len(rows) < count:
        n += 1
        value = (n * 2654435761) & 0xFFFFFFFF
        top = value >> 24
        if top in (0, 10, 100, 127, 169, 172, 192, 198, 203) or top >= 224:
            continue
        if n % 50 == 0:
            text = "2001:db8:%x:%x::%x" % (value >> 16, value & 0xFFFF, n & 0xFFFF)
        elif n % 200 == 7:
            text = "%d.%d.%d.0/24" % (top, value >> 16 & 255, value >> 8 & 255)
        else:
            text = "%d.%d.%d.%d" % (top, value >> 16 & 255, value >> 8 & 255, value & 255)
        text = str(ipaddress.ip_network(text)) if "/" in text else str(ipaddress.ip_address(text))
        if text not in taken:
            taken.add(text)
            rows.append((text, ""))
    return rows


class Attack:
    """Makes the next event, one burst after another."""

    def __init__(self, persona, seed=SEED):
        self.persona = persona
        self.random = random.Random(seed)
        self.pending = []
        self.known = []                         # addresses that were banned: they come back

    def step(self):
        """One event; true when it left a line in the log at the usual level."""
        if not self.pending:
            self.pending = list(self.burst())
            self.pending.reverse()
        event = self.pending.pop()
        result = self.persona.event(**event)
        if result == "banned":
            self.known.append(event["client"])
        if result != "ok":                      # who is cut off tries a little longer, no more
            self.pending = [e for e in self.pending if e["client"] != event["client"]] + self.pending[-2:]
        return result != "ok" or event["kind"] in ("ehlo", "rcpt_fail", "auth_ok")

    def address(self):
        pattern = RANGES[min(int(self.random.expovariate(0.7)), len(RANGES) - 1)]
        return pattern % self.random.randrange(2, 250)

    def burst(self):
        pick = self.random.random()
        for limit, make in BURSTS:
            if pick < limit:
                return make(self)
        return self.logins()

    def budget(self, cls, spare):
        """How many failures it takes now, give or take."""
        rate = self.persona.live.thresholds.get(cls)
        count = rate[0] if isinstance(rate, tuple) else 20
        return min(count, 400) + self.random.randrange(1, spare)

    def logins(self):
        client, account = self.address(), self.random.choice(ACCOUNTS) + "@example.org"
        listener = self.random.choice(["imap", "imap", "smtp", "submission", "pop3"])
        one_account = self.random.random() < 0.5
        for _ in range(self.budget("auth", 6)):
            name = account if one_account else self.random.choice(ACCOUNTS) + "@example.org"
            yield {"kind": "auth_fail", "client": client, "listener": listener, "account": name}

    def scans(self):
        client = self.address()
        for _ in range(self.random.randrange(1, 4)):
            yield {"kind": "scan", "client": client, "listener": "https", "path": self.random.choice(SCANS)}

    def recipients(self):
        client, listener = self.address(), "smtp"
        yield {"kind": "ehlo", "client": client, "listener": listener, "domain": "mail.spam.example"}
        for n in range(self.budget("abuse", 4)):
            yield {"kind": "rcpt_fail", "client": client, "listener": listener,
                   "to": "%s%d@example.org" % (self.random.choice(STAFF), n)}

    def loiter(self):
        client = self.address()
        for _ in range(self.budget("loiter", 3)):
            yield {"kind": "loiter", "client": client, "listener": "smtp"}

    def hostile(self):
        yield {"kind": "ehlo", "client": self.address(), "listener": "smtp", "domain": self.random.choice(HOSTILE)}

    def gateway(self):
        """Behind a port map everybody is one address: stale passwords add up until all are out."""
        for n in range(self.budget("auth", 4)):
            yield {"kind": "auth_fail", "client": GATEWAY, "listener": "imap",
                   "account": STAFF[n % len(STAFF)] + "@example.org"}
        for _ in range(self.random.randrange(2, 8)):
            yield {"kind": "auth_ok", "client": GATEWAY, "listener": "imap",
                   "account": self.random.choice(STAFF) + "@example.org"}

    def return_of_the_banned(self):
        client = self.random.choice(self.known[-40:]) if self.known else self.address()
        for _ in range(self.random.randrange(1, 6)):
            yield {"kind": "auth_fail", "client": client, "listener": self.random.choice(["imap", "smtp", "https"]),
                   "account": "info@example.org"}

    def staff(self):
        yield {"kind": "auth_ok", "client": "198.51.100.%d" % self.random.randrange(2, 30), "listener": "imap",
               "account": self.random.choice(STAFF) + "@example.org"}


BURSTS = [(0.12, Attack.logins), (0.20, Attack.scans), (0.25, Attack.recipients), (0.27, Attack.loiter),
          (0.35, Attack.hostile), (0.37, Attack.gateway), (0.72, Attack.return_of_the_banned), (1.0, Attack.staff)]


def run(persona, rate, stop):
    """`rate` visible events a second until stopped; failures that leave no line go by in between."""
    attack = Attack(persona, SEED + 1)
    while not stop.wait(1.0 / max(rate, 0.01)):
        for _ in range(SILENT):
            if attack.step():
                break


def history(persona, days, bursts=60):
    """The past: the clock is put back and walks to today, a day's files after another; old ones are packed."""
    clock, attack = persona.clock, Attack(persona)
    today = clock.now()
    moved = clock.offset
    start = (today // 86400 - days) * 86400
    for day in range(days + 1):
        end = min(start + (day + 1) * 86400, today)
        length = end - (start + day * 86400)
        count = int(bursts * length / 86400 * attack.random.uniform(0.5, 1.6))
        times = sorted(attack.random.uniform(0, length) for _ in range(count))
        for when in times:
            clock.offset = moved + start + day * 86400 + when - today
            attack.pending = list(attack.burst())
            attack.pending.reverse()
            while attack.pending:
                attack.step()
                clock.offset = min(clock.offset + attack.random.uniform(0, 2), moved)
        if day % 3 == 2:                        # an administrator lets the gateway in again, and some others
            for address in [GATEWAY] + attack.random.sample(attack.known, min(4, len(attack.known))):
                persona.lift(address)
    clock.offset = moved
    pack(persona, today - 10 * 86400)


def pack(persona, before):
    limit = os.path.basename(persona.log.path(before))
    for name in persona.log.files():
        if os.path.basename(name) < limit and name != persona.log.name:
            with open(name, "rb") as src, gzip.open(name + ".gz", "wb", 6) as dst:
                dst.write(src.read())
            os.unlink(name)
