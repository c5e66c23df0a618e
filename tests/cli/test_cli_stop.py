# SPDX-License-Identifier: GPL-3.0-or-later
"""Stopping a long change between two batches, and the line that shows how far it is."""

import re
import signal
import subprocess
import time

import pytest

from cli_world import DONE, HANG_S, PARTLY, SERVER
from test_cli_terminal import Terminal

WRITES = {"0.15": dict(method="POST", path="/api/settings$", body="insert"), "0.10": dict(method="POST", path="/api/settings$", body="Insert"),
          "0.8": dict(method="POST", path="/api/settings$", body="Insert"), "0.6": dict(method="POST", path="/admin/config"),
          "rest": dict(method="PATCH"), "0.16": dict(method="POST", path="/jmap", body="BlockedIp/set")}
COUNT = {"rest": 40, "0.16": 20000}


def many(count):
    return "".join("45.%d.%d.1\n" % (n >> 8, n & 255) for n in range(count))


def stalled(p, process):
    deadline = time.monotonic() + HANG_S
    while p.control("faults")["faults"][0]["left"]:
        assert process.poll() is None and time.monotonic() < deadline


@pytest.mark.parametrize("persona", ["0.15", "0.10", "0.8", "0.6", "rest", "0.16"])
def test_ctrl_c_stops_between_batches_and_says_what_was_done(world, practice, persona):
    """The count of entries told as in force is what the server has, stored and live; one reload; the journal says the same."""
    p = practice(persona)
    world.use(p)
    count = COUNT.get(persona, 9000)
    path = world.write("list", many(count))
    p.fault("stall", skip=2, **WRITES[persona])
    process = world.start("import", path, "--yes", "-o", "ndjson", stdin=subprocess.DEVNULL)
    stalled(p, process)
    p.requests()
    process.send_signal(signal.SIGINT)
    p.release()
    result = world.finish(process)
    rows = result.ndjson()
    p.control("settle", {})
    state = p.state()
    done = {row["target"] for row in rows if row["verdict"] == "in_force"}
    rest = [row for row in rows if row["verdict"] != "in_force"]
    assert len(rows) == count and result.rc == PARTLY, result.err
    assert 0 < len(done) < count
    assert done == set(state["stored"]["blocked"]) == set(state["live"]["blocked"])
    assert {(row["verdict"], row["detail"]) for row in rest} == {("pending", "stopped before this was written")}
    assert "stopping" in result.err
    reloads = [r for r in p.requests() if "/reload" in r["path"] or "ReloadBlockedIps" in r["body"]]
    assert len(reloads) == (0 if persona == "rest" else 1), reloads
    journal = {row["target"]: row["verdict"] for row in world.run("journal", "-o", "ndjson").ndjson()}
    assert journal == {row["target"]: row["verdict"] for row in rows}
    assert world.run("import", path, "--yes", "-o", "ndjson").rc == DONE
    assert len(p.state()["stored"]["blocked"]) == count
    assert world.run("undo", "--yes", "-o", "ndjson").rc == DONE
    assert set(p.state()["stored"]["blocked"]) == done


def test_a_bar_with_rate_and_time_left(world, p15):
    path = world.write("list", many(30000))
    p15.fault("delay", seconds=0.5, method="POST", path="/api/settings$", body="insert", skip=1, times=1)
    t = Terminal(world, "import", path, "--yes", "-o", "plain")
    assert t.wait() == DONE
    bars = re.findall(rb"\r(\[[#.]{20}\][^\r]*)", t.out)
    assert bars, t.out[:2000]
    assert any(re.search(rb"[0-9,]+ of 30,000, [0-9,]+/s, .+ left, Ctrl-C stops", bar) for bar in bars), bars
    done = [int(re.search(rb"\] ([0-9,]+) of", bar).group(1).replace(b",", b"")) for bar in bars]
    assert done == sorted(done)
    assert p15.state()["live"]["blocked"]


def test_no_bar_where_nobody_looks(world, p15):
    result = world.run("import", world.write("list", many(3000)), "--yes", "-o", "ndjson")
    assert result.rc == DONE and "\r" not in result.err and "[#" not in result.err


def test_ctrl_c_while_an_earlier_change_is_looked_at_again(world, p15):
    """Its answer comes when nobody waits for it any more."""
    p15.fault("stall", path="/api/reload", times=1)
    killed = world.start("block", "203.0.113.1", "--yes", stdin=subprocess.DEVNULL)
    stalled(p15, killed)
    killed.kill()
    killed.communicate()
    p15.release()
    p15.no_faults()
    p15.fault("stall", path="/api/reload", times=1)
    process = world.start("block", "203.0.113.2", "--yes", stdin=subprocess.DEVNULL)
    stalled(p15, process)
    process.send_signal(signal.SIGINT)
    result = world.finish(process)
    assert result.rc == SERVER and "interrupted: nothing was changed" in result.err and "stopping" not in result.err, result
    p15.release()
    assert p15.state()["stored"]["blocked"] == ["203.0.113.1"]
    done = world.run("block", "203.0.113.2", "--yes")
    assert done.rc == DONE and "203.0.113.1 was interrupted; read again: in force" in done.err, done
