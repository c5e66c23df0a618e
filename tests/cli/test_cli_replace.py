# SPDX-License-Identifier: GPL-3.0-or-later
"""A network in the place of the entries inside it, where something goes wrong on the way: no entry goes before the network is there."""

import json

import pytest

from cli_world import DONE, PARTLY, SERVER, STORED, USAGE

PERSONAS = ["0.6", "0.8", "0.10", "0.15", "rest", "0.16"]
SINGLES = ["203.0.113.1", "203.0.113.2", "203.0.113.9"]
# What stores a block, and what takes one away.
WRITES = {"0.6": ("POST", "/admin/config", ""), "rest": ("PATCH", "/api/settings/", ""), "0.16": ("POST", "/jmap", "create....e[0-9]")}
REMOVES = {"0.6": ("DELETE", "/admin/config", ""), "rest": ("DELETE", "/api/settings/", ""), "0.16": ("POST", "/jmap", "destroy")}


def use(world, practice, persona):
    p = practice(persona)
    world.use(p)
    p.edit(block=SINGLES)
    p.restart()
    return p


def fault(p, table, kind, **more):
    method, path, body = table.get(p.persona, ("POST", "/api/settings", "(?i)insert.*blocked"))
    p.fault(kind, method=method, path=path, body=body, **more)


def blocked(p, part="stored"):
    p.control("settle", {})
    state = p.state()[part]
    return sorted(state["blocked"] + (state["networks"] if part == "live" else []))


def replace(world, *more):
    return world.run("block", "203.0.113.0/28", "--replace", "-o", "json", *more)


def test_an_entry_inside_two_networks_goes_once(world, practice):
    p = use(world, practice, "0.15")
    result = world.run("block", "203.0.113.0/28", "203.0.113.0/29", "--replace", "-o", "json")
    assert sorted(row["target"] for row in result.rows() if row["op"] == "unblock") == SINGLES, result
    assert result.rc == DONE and blocked(p) == ["203.0.113.0/28", "203.0.113.0/29"]


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("kind", [{"kind": "status", "status": 500, "times": -1}, {"kind": "not_applied", "times": -1},
                                  {"kind": "reset", "times": -1}], ids=["refused", "not applied", "cut off"])
def test_a_network_that_is_not_stored_takes_no_place(world, practice, persona, kind):
    p = use(world, practice, persona)
    fault(p, WRITES, **kind)
    result = replace(world, "--timeout", "2")
    p.no_faults()
    assert result.rc not in (DONE, STORED), result
    assert blocked(p) == blocked(p, "live") == SINGLES, result
    rows = {row["target"]: row for row in result.rows()}
    assert rows["203.0.113.0/28"]["verdict"] in ("not_stored", "mismatch", "unknown"), result
    if kind["kind"] != "reset":
        for single in SINGLES:
            assert rows[single]["verdict"] == "not_stored", result
            assert "left as it is: 203.0.113.0/28 is to take its place, and is not stored" in rows[single]["detail"], result
    assert replace(world).rc == DONE and blocked(p) == blocked(p, "live") == ["203.0.113.0/28"]
    assert world.run("undo").rc == DONE and blocked(p) == blocked(p, "live") == SINGLES


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_connection_lost_after_the_network_was_stored(world, practice, persona):
    """More is refused than was asked for, never less; again does what was left."""
    p = use(world, practice, persona)
    fault(p, WRITES, "reset_after")
    result = replace(world)
    stored = blocked(p)
    assert result.rc != DONE and stored == sorted(SINGLES + ["203.0.113.0/28"]), result
    assert {row["verdict"] for row in result.rows() if row["op"] == "unblock"} <= {"not_stored", "unknown"}
    again = replace(world)
    assert again.rc == DONE and blocked(p) == blocked(p, "live") == ["203.0.113.0/28"], again


@pytest.mark.parametrize("persona", PERSONAS)
def test_what_cannot_be_read_back_takes_no_place(world, practice, persona):
    p = use(world, practice, persona)
    p.requests()
    assert replace(world).rc == DONE
    seen = p.requests()
    assert world.run("undo").rc == DONE
    method, path, body = WRITES.get(persona, ("POST", "/api/settings", ""))
    removals = [n for n, r in enumerate(seen) if is_removal(persona, r)]
    writes = [n for n, r in enumerate(seen) if r["method"] == method and path in r["path"] and n not in removals and
              "203.0.113.0/28" in r["body"] + r["path"].replace("%2F", "/").replace("%2f", "/") and '"create"' in r["body"] + '"create"' * (persona != "0.16")]
    assert writes and removals and writes[0] + 1 < removals[0], "read between the two: %r" % seen


def is_removal(persona, request):
    method, path, _ = REMOVES.get(persona, ("POST", "/api/settings", ""))
    word = '"destroy"' if persona == "0.16" else '"delete"' if persona in ("0.8", "0.10", "0.15") else ""
    return request["method"] == method and path in request["path"] and word in request["body"].lower()


@pytest.mark.parametrize("persona", PERSONAS)
def test_undone_only_when_the_entries_are_back(world, practice, persona):
    p = use(world, practice, persona)
    assert replace(world).rc == DONE
    fault(p, WRITES, "not_applied", times=-1)
    result = world.run("undo", "-o", "json")
    p.no_faults()
    assert result.rc not in (DONE, STORED) and "203.0.113.0/28" in blocked(p), result
    assert "203.0.113.0/28" in blocked(p, "live")
    row = [row for row in result.rows() if row["target"] == "203.0.113.0/28"][0]
    assert row["verdict"] == "not_stored" and "left as it is" in row["detail"], result
    assert world.run("undo").rc == DONE and blocked(p) == blocked(p, "live") == SINGLES


@pytest.mark.parametrize("persona", ["0.8", "0.10", "0.15"])
def test_a_network_that_no_reload_would_make_live_takes_no_place(world, practice, persona):
    """A network lives by a full reload, which one bad key refuses; the small reload would have let the single ones in."""
    p = use(world, practice, persona)
    p.edit(set={"server.blocked-ip.not-an-ip": ""})
    result = replace(world)
    rows = {row["target"]: row for row in result.rows()}
    assert result.rc == PARTLY or result.rc == STORED, result
    assert rows["203.0.113.0/28"]["verdict"] == "stored", result
    assert all(rows[single]["verdict"] == "not_stored" and "not-an-ip" in rows[single]["detail"] for single in SINGLES), result
    assert set(SINGLES) <= set(blocked(p, "live"))
    p.edit(delete=["server.blocked-ip.not-an-ip"])
    assert replace(world).rc == DONE and blocked(p) == blocked(p, "live") == ["203.0.113.0/28"]


def test_an_end_that_cannot_be_kept_replaces_nothing(world, practice):
    p = use(world, practice, "rest")
    result = replace(world, "--for", "2h")
    assert result.rc == USAGE and blocked(p) == SINGLES, result


@pytest.mark.parametrize("persona", PERSONAS)
def test_two_networks_and_one_of_them_refused(world, practice, persona):
    """Each takes the place of its own entries only."""
    p = use(world, practice, persona)
    p.edit(block=["198.51.100.1", "198.51.100.2"])
    fault(p, WRITES, "not_applied", times=1 if persona == "rest" else -1)
    result = world.run("block", "203.0.113.0/28", "198.51.100.0/28", "--replace", "-o", "json")
    p.no_faults()
    kept = blocked(p)
    assert result.rc not in (DONE, STORED) and set(SINGLES) <= set(kept), result
    if persona == "rest":                   # one request a key: the second was stored
        assert kept == sorted(SINGLES + ["198.51.100.0/28"]), result
    else:
        assert kept == sorted(SINGLES + ["198.51.100.1", "198.51.100.2"]), result


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_dry_run_shows_what_goes(world, practice, persona):
    p = use(world, practice, persona)
    result = world.run("block", "203.0.113.0/28", "--replace", "--dry-run")
    assert result.rc == DONE and blocked(p) == SINGLES
    written = result.out.split("# write")[1].split("# read back")[0]
    for target in SINGLES + ["203.0.113.0"]:
        assert target in written, (target, result)
    p.requests()
    assert world.run("block", "203.0.113.0/28", "--replace").rc == DONE
    shown = [line.split()[:2] for line in written.splitlines() if line.startswith(("GET ", "POST ", "PATCH ", "DELETE "))]
    sent = [[r["method"], r["path"]] for r in p.requests()]
    assert any(sent[n:n + len(shown)] == shown for n in range(len(sent))), (shown, sent)
