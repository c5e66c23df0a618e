# SPDX-License-Identifier: GPL-3.0-or-later
"""The open console ends what has expired where the server doesn't: at once when a list shows it, and when the time comes; journalled and said.
Never in read-only mode, and not again and again when the server refuses."""

import datetime
import json
import os
import subprocess

import pytest

from console_world import console, environment
from fake.client import Practice
from program import BIN


def rows(p, home, *verb):
    done = subprocess.run([BIN, *verb, "-o", "json"], env={**os.environ, **environment(p, home)}, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60)
    return json.loads(done.stdout or b"[]")


def addresses(p, home, verb="blocked"):
    return {row["address"] for row in rows(p, home, verb)}


def until(seconds):
    """A value as the console stores it, ending so many seconds from now."""
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp = "%Y-%m-%dT%H:%M:%SZ"
    return json.dumps({"by": "alice", "at": (now - datetime.timedelta(days=9)).strftime(stamp),
                       "until": (now + datetime.timedelta(seconds=seconds)).strftime(stamp), "reason": "case 118", "class": "manual"})


def block(p, **ends):
    p.edit(set={"server.blocked-ip." + k.replace("_", "."): until(s) for k, s in ends.items()})


@pytest.mark.parametrize("persona", ["0.15", "0.10", "0.8"])
def test_what_has_expired_is_swept(persona, tmp_path):
    with Practice(persona) as p:
        block(p, **{"203_0_113_7": -60, "203_0_113_8": 86400})
        with console(p, tmp_path) as t:
            t.wait_text("1 expired block removed: 203.0.113.7")
            t.settle()
        assert addresses(p, tmp_path) == {"203.0.113.8"}
        entries = rows(p, tmp_path, "journal")
        assert [(e["op"], e["target"], e["verdict"], e["reason"]) for e in entries] == [("unblock", "203.0.113.7", "in_force", "expired")]


def test_it_is_swept_when_its_time_comes(tmp_path):
    with Practice("0.15") as p:
        block(p, **{"203_0_113_7": 4})
        with console(p, tmp_path) as t:
            t.send("3")
            t.wait_text("case 118")
            t.wait_text("1 expired block removed")
            t.wait_text("nothing is blocked")
        assert addresses(p, tmp_path) == set()


def test_both_lists_and_several(tmp_path):
    with Practice("0.15") as p:
        block(p, **{"203_0_113_%d" % n: -60 for n in range(1, 30)})
        p.edit(set={"server.allowed-ip.198.51.100.9": until(-60)})
        with console(p, tmp_path) as t:
            t.wait_text("29 expired blocks removed; 1 expired allowed entry removed: 198.51.100.9")
        assert addresses(p, tmp_path) == set() and addresses(p, tmp_path, "allowed") == set()


def test_read_only_leaves_it(tmp_path):
    with Practice("0.15") as p:
        block(p, **{"203_0_113_7": -60})
        with console(p, tmp_path, "--read-only") as t:
            t.send("3")
            t.wait_text("expired")
            t.settle()
            assert "removed" not in t.text
        assert addresses(p, tmp_path) == {"203.0.113.7"}


def test_a_server_that_refuses_is_not_pestered(tmp_path):
    with Practice("0.15") as p:
        block(p, **{"203_0_113_7": -60})
        p.fault("answer", method="POST", path="^/api/settings", json={"error": "other", "details": "no"}, times=-1)
        p.requests()
        with console(p, tmp_path) as t:
            t.wait_text("0 of 1 expired block removed; the journal says why")
            t.send("3R")
            t.wait_text("expired")
            t.settle()
        writes = [r for r in p.requests() if "delete" in r.get("body", "")]
        assert len(writes) == 1
