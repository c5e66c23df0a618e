# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends of entries: another one for what is listed already, and what one that is over still does, by generation."""

import json
import time

import pytest

from cli_world import DONE, MISMATCH, NOTHING, REFUSED, STORED, USAGE

ENDING = ["0.6", "0.8", "0.10", "0.15", "0.16"]      # where an entry can hold an end
ALLOWING = ["0.8", "0.10", "0.15", "0.16"]           # … an allowed one
LONG = "2099-05-06T07:08:09Z"


def use(world, practice, persona):
    p = practice(persona)
    world.use(p)
    return p


def live(p, what="blocked"):
    p.control("settle", {})
    state = p.state()["live"]
    return sorted(state[what] + state[{"blocked": "networks", "allowed": "allowed_networks"}[what]])


def stored_of(p):
    state = p.state()["stored"]
    return {k: sorted(json.dumps(row, sort_keys=True) for row in v) if isinstance(v, list) else v for k, v in state.items()}


def wait_until_over(world, verb):
    deadline = time.monotonic() + 30
    while world.run(verb, "-o", "json").rows()[0]["state"] != "expired":
        assert time.monotonic() < deadline


@pytest.mark.parametrize("persona", ENDING)
@pytest.mark.parametrize("end, begins", [(["--until", LONG], LONG), (["--for", "12h"], None)])
def test_a_block_gets_another_end(world, practice, persona, end, begins):
    p = use(world, practice, persona)
    assert world.run("block", "203.0.113.7", "--reason", "first", "--for", "7d").rc == DONE
    was, before = world.run("blocked", "-o", "json").one(), stored_of(p)
    dry = world.run("block", "203.0.113.7", *end, "--dry-run")
    assert dry.rc == DONE and "203.0.113.7" in dry.out and "until" in dry.err and stored_of(p) == before, dry
    result = world.run("block", "203.0.113.7", *end, "--reason", "second", "-o", "json")
    assert result.rc == DONE and "blocked already, until %s: it gets another end" % was["expires_at"] in result.err, result
    assert ("keeps the reason that it has" if persona != "0.16" else "this server keeps no words") in result.err
    row = result.one()
    assert (row["op"], row["target"], row["verdict"]) == ("expiry", "203.0.113.7", "in_force")
    assert {"write", "read_back", "reload"} <= {step["step"] for step in row["steps"]}, "told as in force only with the reload"
    now = world.run("blocked", "-o", "json").one()
    assert now["expires_at"] != was["expires_at"] and (begins is None or now["expires_at"] == begins)
    assert {k: now[k] for k in ("address", "reason", "note", "state")} == {k: was[k] for k in ("address", "reason", "note", "state")}
    assert live(p) == ["203.0.113.7"]
    entry = world.run("journal", "--limit", "1", "-o", "json").one()
    assert (entry["op"], entry["reason"]) == ("expiry", "second")
    again = world.run("block", "203.0.113.7", "--until", now["expires_at"], "-o", "json")
    assert again.rc == NOTHING and again.one()["op"] == "block", again
    assert world.run("undo", "-o", "json").one()["verdict"] == "in_force"
    assert world.run("blocked", "-o", "json").one()["expires_at"] == was["expires_at"]
    assert stored_of(p) == before and live(p) == ["203.0.113.7"]


@pytest.mark.parametrize("persona", ENDING)
def test_a_block_for_good_and_one_with_an_end(world, practice, persona):
    """The server's own ban gets an end, and may lose it again."""
    p = use(world, practice, persona)
    p.edit(block=["203.0.113.7", "198.51.100.0/24"])
    result = world.run("block", "203.0.113.7", "198.51.100.0/24", "--for", "2h", "-o", "json")
    assert result.rc == DONE and result.err.count("blocked already, for good: it gets another end") == 2, result
    assert [row["op"] for row in result.rows()] == ["expiry", "expiry"]
    assert live(p) == ["198.51.100.0/24", "203.0.113.7"], "stored by somebody and never reloaded: told as in force, it is"
    assert None not in [row["expires_at"] for row in world.run("blocked", "-o", "json").rows()]
    result = world.run("block", "203.0.113.7", "--until", "never", "-o", "json")
    assert result.rc == DONE and result.one()["op"] == "expiry", result
    ends = {row["address"]: row["expires_at"] for row in world.run("blocked", "-o", "json").rows()}
    assert ends["203.0.113.7"] is None and ends["198.51.100.0/24"]
    assert world.run("block", "203.0.113.9", "--until", "never").rc == DONE
    assert world.run("block", "203.0.113.9", "--until", "nevermore").rc == USAGE


def test_an_end_is_refused_where_there_is_no_place_for_it(world, practice):
    p = use(world, practice, "rest")
    assert world.run("block", "203.0.113.7").rc == DONE
    before = stored_of(p)
    result = world.run("block", "203.0.113.7", "--for", "2h", "-o", "json")
    assert result.rc == USAGE and result.one()["verdict"] == "not_stored" and stored_of(p) == before, result
    assert "end" in result.one()["detail"] or "expir" in result.one()["detail"], result


@pytest.mark.parametrize("persona", ALLOWING)
def test_an_allow_gets_another_end(world, practice, persona):
    p = use(world, practice, persona)
    assert world.run("allow", "203.0.113.7", "--reason", "branch").rc == DONE
    before = stored_of(p)
    dry = world.run("allow", "203.0.113.7", "--until", LONG, "--dry-run")
    assert dry.rc == DONE and "2099-05-06" in dry.out and stored_of(p) == before, dry
    assert '"assert_empty":true' not in dry.out and '"create":{"e' not in dry.out, "it is there"
    result = world.run("allow", "203.0.113.7", "--until", LONG, "-o", "json")
    assert result.rc == DONE and "allowed already, for good: it gets another end" in result.err, result
    assert (result.one()["op"], result.one()["verdict"]) == ("allow_expiry", "in_force")
    row = world.run("allowed", "-o", "json").one()
    assert (row["expires_at"], row["note"]) == (LONG, "branch")
    assert live(p, "allowed") == ["203.0.113.7"]
    result = world.run("undo", "-o", "json")
    assert result.rc == DONE and stored_of(p) == before, result
    assert world.run("allow", "203.0.113.7").rc == NOTHING


@pytest.mark.parametrize("persona", ALLOWING)
def test_an_allow_that_somebody_took_away_gets_no_end(world, practice, persona):
    p = use(world, practice, persona)
    assert world.run("allow", "203.0.113.7").rc == DONE
    assert world.run("allow", "203.0.113.7", "--until", LONG).rc == DONE
    p.edit(disallow=["203.0.113.7"])
    result = world.run("undo", "-o", "json")
    assert (result.rc, result.one()["verdict"]) == (MISMATCH, "not_stored"), result
    assert "(absent)" in result.one()["detail"] and "2099-05-06" in result.one()["detail"]
    assert p.state()["stored"]["allowed"] == []


@pytest.mark.parametrize("persona", ALLOWING)
def test_an_allow_whose_time_is_over_allows_nothing(world, practice, persona):
    """No guard stands before it, no import skips for it, and to allow again is to give it another end."""
    p = use(world, practice, persona)
    assert world.run("allow", "203.0.113.7", "--for", "1s").rc == DONE
    wait_until_over(world, "allowed")
    result = world.run("block", "203.0.113.7", "-o", "json")
    assert result.rc == DONE and result.one()["verdict"] == "in_force" and "allowed" not in result.err, result
    assert live(p) == ["203.0.113.7"]
    result = world.run("import", "-", "-o", "json", stdin="203.0.113.0/24\n")
    assert result.rc == DONE and "0 allowed" in result.err, result
    assert world.run("unblock", "203.0.113.7", "203.0.113.0/24").rc == DONE
    result = world.run("allow", "203.0.113.7", "-o", "json")
    assert result.rc == DONE and "its time is over: it gets another end" in result.err, result
    assert (result.one()["op"], result.one()["verdict"]) == ("allow_expiry", "in_force")
    row = world.run("allowed", "-o", "json").one()
    assert (row["state"], row["expires_at"]) == ("active", None) and live(p, "allowed") == ["203.0.113.7"]
    assert world.run("block", "203.0.113.7").rc == REFUSED


@pytest.mark.parametrize("persona", ALLOWING)
def test_an_import_allows_again_what_is_over(world, practice, persona):
    p = use(world, practice, persona)
    assert world.run("allow", "203.0.113.7", "--for", "1s").rc == DONE
    wait_until_over(world, "allowed")
    result = world.run("import", "-", "--to", "allowed", "-o", "json", stdin="203.0.113.7\n")
    assert result.rc == DONE and result.one()["verdict"] == "in_force", result
    assert world.run("allowed", "-o", "json").one()["state"] == "active" and live(p, "allowed") == ["203.0.113.7"]


@pytest.mark.parametrize("persona", ENDING)
def test_a_network_whose_time_is_over_refuses_until_it_is_gone(world, practice, persona):
    """0.16 ends entries itself; elsewhere one that nobody swept yet goes on refusing, and no un-block is told as in force under it."""
    p = use(world, practice, persona)
    assert world.run("block", "203.0.113.7").rc == DONE
    assert world.run("block", "203.0.113.0/24", "--for", "1s").rc == DONE
    deadline = time.monotonic() + 30
    while {row["state"] for row in world.run("blocked", "-o", "json").rows()} != {"active", "expired"}:
        assert time.monotonic() < deadline
    why = world.run("why", "203.0.113.8")
    assert ("not refused: listed as 203.0.113.0/24, but expired" if persona == "0.16" else
            "REFUSED: blocked by 203.0.113.0/24; its time is over, but this server ends nothing by itself") in why.out, why
    result = world.run("unblock", "203.0.113.7", "-o", "json")
    if persona == "0.16":
        assert result.rc == DONE and "stays refused" not in result.err, result
        assert live(p) == []
    else:
        assert "203.0.113.7 stays refused: covered by 203.0.113.0/24" in result.err, result
        assert (result.rc, result.one()["verdict"]) == (STORED, "stored")
        assert live(p) == ["203.0.113.0/24"]


@pytest.mark.parametrize("persona", ENDING)
def test_a_sync_ends_what_is_over_where_the_server_does_not(world, practice, persona):
    p = use(world, practice, persona)
    assert world.run("block", "203.0.113.7", "--for", "1s").rc == DONE
    assert world.run("block", "203.0.113.8", "--for", "7d").rc == DONE
    deadline = time.monotonic() + 30
    while ("203.0.113.7", "active") in [(row["address"], row["state"]) for row in world.run("blocked", "-o", "json").rows()]:
        assert time.monotonic() < deadline
    swept = world.run("sync", "--log-source", p.log_dir, "-o", "json").json()["swept"]
    entry = world.run("journal", "--limit", "1", "-o", "json").one()
    if persona == "0.16":
        assert swept == 0 and (entry["op"], entry["target"]) == ("block", "203.0.113.8")
    else:
        assert swept == 1 and (entry["op"], entry["target"], entry["verdict"]) == ("unblock", "203.0.113.7", "in_force")
        assert live(p) == ["203.0.113.8"]


def test_what_was_swept_and_is_not_live_is_not_counted(world, p15):
    assert world.run("block", "203.0.113.7", "--for", "1s").rc == DONE
    wait_until_over(world, "blocked")
    p15.fault("status", status=500, path="^/api/reload", times=-1)
    result = world.run("sync", "--log-source", p15.log_dir, "-o", "json")
    assert result.json()["swept"] == 0, result
    assert world.run("journal", "--limit", "1", "-o", "json").one()["verdict"] == "stored"
