# SPDX-License-Identifier: GPL-3.0-or-later
"""journal and undo: who, when, what; and back again, proven."""

import pytest

from cli_world import DONE, NOTHING, USAGE

KEYS = ["id", "time", "operator", "server", "op", "target", "verdict", "before", "after", "detail", "steps", "reason", "forced", "undoes",
        "undone_by"]


def test_journal(world, p15):
    assert world.run("journal", "-o", "json").rc == NOTHING
    world.run("block", "203.0.113.7", "--reason", "case 118", env={"SUDO_USER": "alice", "SSH_CONNECTION": "198.51.100.23 1 203.0.113.1 22"})
    world.run("unblock", "203.0.113.7")
    rows = world.run("journal", "-o", "json").rows()
    assert [row["op"] for row in rows] == ["unblock", "block"]
    assert all(list(row) == KEYS for row in rows)
    block = rows[1]
    assert "alice" in block["operator"] and "198.51.100.23" in block["operator"]
    assert (block["target"], block["verdict"], block["reason"], block["before"]) == ("203.0.113.7", "in_force", "case 118", None)
    assert [s["step"] for s in block["steps"]] == ["write", "read_back", "reload"]
    assert rows[0]["before"] and rows[0]["after"] is None
    assert world.run("journal", "--limit", "1", "-o", "json").one()["op"] == "unblock"
    assert world.run("journal", "--since", "1h ago", "-o", "json").rc == DONE
    assert world.run("journal", "--since", "2099-01-01").rc == NOTHING


def test_journal_needs_no_server(world, p15):
    world.run("block", "203.0.113.7")
    p15.stop()
    assert world.run("journal", "-o", "json").one()["target"] == "203.0.113.7"


@pytest.mark.parametrize("do, check", [
    (["block", "203.0.113.7", "--reason", "x", "--for", "7d"], lambda s: s["stored"]["blocked"] == []),
    (["allow", "203.0.113.7"], lambda s: s["stored"]["allowed"] == []),
    (["thresholds", "set", "auth", "7/1h"], lambda s: s["live"]["thresholds"]["auth"] == [100, 86400]),
    (["thresholds", "off", "auth"], lambda s: s["live"]["thresholds"]["auth"] == [100, 86400]),
    (["thresholds", "paths", "add", "*/.env"], lambda s: "*/.env" not in s["live"]["scan_paths"])])
def test_undo(world, p15, do, check):
    before = p15.state()
    assert world.run(*do).rc == DONE
    assert p15.state()["stored"] != before["stored"]
    result = world.run("undo", "-o", "json")
    assert result.rc == DONE and {row["verdict"] for row in result.rows()} == {"in_force"}, result
    assert check(p15.state()), p15.state()
    rows = world.run("journal", "-o", "json").rows()
    assert rows[0]["undoes"] and rows[-1]["undone_by"]


def test_undo_of_an_unblock_brings_back_note_and_expiry(world, p15):
    world.run("block", "203.0.113.7", "--reason", "case 118", "--until", "2099-01-01T00:00:00Z")
    was = world.run("blocked", "-o", "json").one()
    world.run("unblock", "203.0.113.7")
    assert world.run("undo").rc == DONE
    assert world.run("blocked", "-o", "json").one() == was
    assert p15.state()["live"]["blocked"] == ["203.0.113.7"]


def test_undo_by_number_and_what_cannot_be_undone(world, p15):
    world.run("block", "203.0.113.7")
    world.run("block", "203.0.113.8")
    first = world.run("journal", "-o", "json").rows()[-1]["id"]
    assert world.run("undo", str(first)).rc == DONE
    assert p15.state()["stored"]["blocked"] == ["203.0.113.8"]
    assert world.run("undo", "999999").rc == NOTHING
    assert world.run("undo", "first").rc == USAGE
    again = world.run("undo", str(first))
    assert again.rc != DONE, "undone twice"


def test_undo_refuses_what_someone_else_changed_since(world, p15):
    world.run("thresholds", "set", "auth", "7/1h")
    p15.edit(set={"server.auto-ban.auth.rate": "55/1h"})
    result = world.run("undo", "-o", "json")
    assert result.rc not in (DONE, NOTHING), result
    assert p15.state()["stored"]["settings"]["server.auto-ban.auth.rate"] == "55/1h"
    assert "55/1h" in result.out + result.err


def test_nothing_to_undo(world, p15):
    result = world.run("undo")
    assert result.rc == NOTHING and result.err


def test_undo_on_0_16_says_what_is_lost(world, p16):
    world.run("block", "203.0.113.7", "--reason", "x")
    world.run("unblock", "203.0.113.7")
    result = world.run("undo")
    assert result.rc == DONE
    assert "created" in result.err or "time" in result.err


def test_a_full_state_folder_is_told_and_does_not_stop_a_cure(world, p15):
    """No journal, no undo: that is said. An un-block at 3 a.m. happens all the same."""
    p15.edit(block=["203.0.113.7"])
    p15.request("GET", "/api/reload")
    result = world.run("unblock", "203.0.113.7", "--state", "/proc/nowhere", "-o", "json")
    assert result.rc == DONE and "journal" in result.err.lower(), result
    assert p15.state()["live"]["blocked"] == []


def test_two_at_once(world, p15):
    """Two processes, one journal: both entries are kept."""
    both = [world.start("block", "203.0.113.%d" % n, "-o", "json") for n in range(8)]
    assert [world.finish(p).rc for p in both] == [DONE] * 8
    assert len(world.run("journal", "-o", "json").rows()) == 8
    assert len(p15.state()["stored"]["blocked"]) == 8


def test_undo_of_the_last_ones(world, p15):
    """Newest first, each proven; one document however many changes."""
    before = p15.state()
    world.run("block", "203.0.113.7")
    world.run("unblock", "203.0.113.7")
    world.run("block", "203.0.113.8", "198.51.100.0/24")
    world.run("thresholds", "set", "auth", "50/1d")
    result = world.run("undo", "--last", "3", "-o", "json")
    assert result.rc == DONE
    assert [r["op"] for r in result.rows()] == ["threshold_default", "unblock", "unblock", "block"]
    assert {r["verdict"] for r in result.rows()} == {"in_force"}
    after = p15.state()
    assert sorted(after["stored"]["blocked"]) == ["203.0.113.7"]
    result = world.run("undo", "--last", "5")           # there is only one left
    assert result.rc == DONE and "1 of 5 changes taken back" in result.err
    for kind in ("stored", "live"):
        assert {k: v for k, v in p15.state()[kind].items() if k != "certs"} == {k: v for k, v in before[kind].items() if k != "certs"}
    assert world.run("undo", "--last", "2").rc == NOTHING


def test_undo_of_the_last_ones_stops_at_one_that_fails(world, p15):
    world.run("block", "203.0.113.7")
    world.run("block", "203.0.113.8")
    world.run("block", "203.0.113.9")
    p15.edit(set={"server.blocked-ip.203.0.113.8": "somebody else's"})
    result = world.run("undo", "--last", "3")
    assert result.rc != DONE and "1 of 3 changes taken back" in result.err
    assert sorted(p15.state()["stored"]["blocked"]) == ["203.0.113.7", "203.0.113.8"]
    for args in (["--last", "0"], ["--last", "x"], ["1", "--last", "2"], ["--last", "2", "--dry-run"]):
        assert world.run("undo", *args).rc == USAGE
