# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports of any size: bad lines among good ones, killed on the way and run again; held against what the server stores and acts on."""

import contextlib
import json
import random
import re
import sqlite3
import subprocess
import time

import pytest

from cli_world import PARTLY
from program import BIN

GONE_S = 120                                    # a guard: an import of 100,000 takes a few seconds

# How a line can be bad, and what is said about it. Nothing of these may reach a server.
BAD = [
    ("octet", lambda r: "45.%d.3.%d,auth,," % (r.randrange(256), r.randrange(256, 999)), "the highest is 255"),
    ("length", lambda r: "45.%d.0.0/%d,auth,," % (r.randrange(256), r.randrange(33, 99)), "is no network length"),
    ("garbage", lambda r: "45.1.%d.3 x,auth,," % r.randrange(256), "is no address"),
    ("range", lambda r: "45.1.2.250-45.1.2.%d,auth,," % r.randrange(250), "the range ends before it begins"),
    ("leading zero", lambda r: "45.1.%d.07,auth,," % r.randrange(256), "has a leading zero"),
    ("colons", lambda r: "2001:db8:::%x,auth,," % r.randrange(65536), "three colons"),
    ("zone", lambda r: "fe80::%x%%eth0,auth,," % r.randrange(65536), "the zone %eth0"),
    ("name", lambda r: "mail%d.example.org,auth,," % r.randrange(999), "is no address"),
    ("control", lambda r: "45.1\x00.%d.\x1b[2J4,auth,," % r.randrange(256), "is no address"),
    ("empty", lambda r: "\"\",auth,%d," % r.randrange(999), "the address is missing"),
    ("quote", lambda r: "\"45.1.3.%d,auth,," % r.randrange(256), "a quote is opened and never closed"),
    ("end", lambda r: "45.1.4.%d,auth,,soon" % r.randrange(256), "is no time"),
]


class Lines:
    """A CSV of `count` lines, one in a hundred bad, in an order that a seed fixes."""

    def __init__(self, count, seed):
        rng = random.Random(seed)
        self.bad = {}                           # line number -> what is said
        self.good = set()
        lines = ["address,reason,note,expires_at"]
        wrong = set(rng.sample(range(count), count // 100))
        for i in range(count):
            if i in wrong:
                kind = BAD[len(self.bad) % len(BAD)]
                lines.append(kind[1](rng))
                self.bad[len(lines)] = kind[2]
            else:
                lines.append(self.draw(rng))
        self.text = "\n".join(lines) + "\n"

    def draw(self, rng):
        while True:
            address = "%d.%d.%d.%d" % (rng.choice((46, 62, 91, 185)), rng.randrange(256), rng.randrange(256), rng.randrange(1, 255))
            if address not in self.good:
                self.good.add(address)
                return "%s,%s,%s," % (address, rng.choice(("auth", "scan", "abuse")), rng.choice(("", "case 118")))


def stored(p):
    return p.state()["stored"]["blocked"]


def tally(result):
    """(to add, already there, bad lines)"""
    found = re.search(r"(\d+) to add; skipped: (\d+) already there.* (\d+) bad lines of", result.err)
    assert found, result
    return tuple(map(int, found.groups()))


def kill_stalled(world, p, file, **where):
    """Starts the import and kills it while the request that fits is under way: not done yet, or (after=True) just done. False: it ended
    before that."""
    p.fault("stall", **where)
    process = subprocess.Popen([BIN, "import", file, "--yes", "-o", "ndjson"], env=world.environment(None), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + GONE_S
    while process.poll() is None and p.control("faults")["faults"][0]["left"]:
        assert time.monotonic() < deadline
    alive = process.poll() is None
    process.kill()
    process.wait()
    p.release()
    p.no_faults()
    return alive


def check_exact(world, p, lines):
    """Stored, live and journalled is every good address, once, and nothing else."""
    state = p.state()
    assert len(state["stored"]["blocked"]) == len(set(state["stored"]["blocked"]))
    assert set(state["stored"]["blocked"]) == lines.good
    assert set(state["live"]["blocked"]) == lines.good
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % world.path("state", "stalwarden", "history.db"), uri=True)) as db:
        open_changes = db.execute("SELECT count(*) FROM change WHERE ended IS NULL").fetchone()[0]
    rows = map(json.loads, world.run("journal", "-o", "ndjson").out.splitlines())
    in_force = [row["target"] for row in rows if row["verdict"] == "in_force"]
    assert open_changes == 0
    assert len(in_force) == len(set(in_force)) and set(in_force) == lines.good


def test_a_hundred_thousand_killed_ten_times(world, p15):
    """Points that a seed chooses: while it looks, while it writes, while it looks again at what was cut off; and at the reload."""
    lines = Lines(100000, 118)
    path = world.write("offenders.csv", lines.text)
    rng = random.Random(6)
    points = [dict(method="POST", path="/api/settings", skip=rng.randrange(1, 8), after=bool(n % 2)) for n in range(5)]
    points += [dict(path="list.prefix=server.blocked-ip", skip=rng.randrange(2), after=bool(n % 2)) for n in range(4)]
    rng.shuffle(points)
    for where in points + [dict(path="/api/reload", after=True)]:
        assert kill_stalled(world, p15, path, **where), where
        assert set(stored(p15)) <= lines.good, "something else was sent"
    there = len(stored(p15))
    result = world.run("import", path, "--yes", "-o", "ndjson")
    assert result.rc == PARTLY
    assert "was interrupted" in result.err
    assert tally(result) == (len(lines.good) - there, there, len(lines.bad))
    told = dict(re.findall(r"line (\d+): (.*)", result.err))
    assert sorted(map(int, told)) == sorted(lines.bad)
    assert all(words in told[str(number)] for number, words in lines.bad.items())
    check_exact(world, p15, lines)
    again = world.run("import", path, "--yes", "-o", "ndjson")
    assert again.rc == PARTLY and tally(again) == (0, len(lines.good), len(lines.bad))
    assert "interrupted" not in again.err


@pytest.mark.parametrize("persona", ["0.16", "0.15", "0.10", "0.8", "0.6", "rest"])
def test_killed_at_every_request_on_every_generation(world, practice, persona):
    p = practice(persona)
    world.use(p)
    lines = Lines(100 if persona in ("rest", "0.6") else 300, 7)
    path = world.write("offenders.csv", lines.text)
    killed = 0
    while kill_stalled(world, p, path, path="/(api|admin|jmap)", skip=killed, after=killed % 2 == 1):
        killed += 1
        assert set(stored(p)) <= lines.good
    assert killed >= 5
    result = world.run("import", path, "--yes", "-o", "ndjson")
    assert result.rc == PARTLY, result
    p.control("settle", {})
    check_exact(world, p, lines)
