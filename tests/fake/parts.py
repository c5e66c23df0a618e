# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server is made of, whatever its generation: clock, log files, store, what is in force, failure
counters. It must not know requests, personas, nor what a log line looks like."""

import bisect
import datetime
import fnmatch
import gzip
import ipaddress
import os
import shutil
import time

DEFAULT_RATES = {"auth": (100, 86400), "abuse": (35, 86400), "loiter": (150, 86400), "scan": (30, 86400)}
DEFAULT_SCAN_PATHS = ["*.php*", "*.cgi*", "*.asp*", "*/wp-*", "*/php*", "*/cgi-bin*", "*xmlrpc*",
                      "*../*", "*/..*", "*joomla*", "*wordpress*", "*drupal*"]


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
        if not pairs:
            return
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
