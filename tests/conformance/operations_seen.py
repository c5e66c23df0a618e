# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations that look: log, why, status, export, journal, undo, monitoring."""

import json

from cli_world import DONE, NOTHING, STORED
from table import ADDRESS, NETWORK, OTHER, SIX, listed, operation


@operation(needs="read_log", asks="log")
def log_shows_a_ban(t):
    assert t.ban(ADDRESS) == "banned"
    rows = [r for r in t.rows("log", "--class", "auth") if r["address"] == ADDRESS]
    assert rows and all(r["class"] == "auth" for r in rows)
    assert any("ban" in (r["event"] or "") for r in rows), rows


@operation(needs="read_log", asks="log --address 192.0.2.7")
def log_of_one_address(t):
    assert t.ban(ADDRESS) == "banned" and t.ban(OTHER) == "banned"
    rows = t.rows("log", "--address", ADDRESS)
    assert rows and {r["address"] for r in rows} == {ADDRESS}


@operation()
def log_files_need_no_api(t):
    """What a server can't tell by its API is in its files."""
    assert t.ban(ADDRESS) == "banned"
    rows = t.rows("log", "--log-source", t.p.log_dir, "--address", ADDRESS)
    assert rows and {r["address"] for r in rows} == {ADDRESS}


@operation()
def why_an_address(t):
    t.p.edit(block=[NETWORK])
    t.p.restart()
    said = t.run("why", "198.51.100.77", "-o", "json").json()
    text = json.dumps(said)
    assert NETWORK in text, text
    assert t.run("why", ADDRESS).rc in (DONE, NOTHING)


@operation()
def status(t):
    t.p.edit(block=[ADDRESS, NETWORK])
    result = t.run("status")
    assert result.rc == DONE and t.gen.dialect in result.out, result


@operation()
def exported_and_imported(t):
    t.p.edit(block=[ADDRESS, NETWORK, SIX])
    out = t.run("export", "blocked", "--format", "values")
    assert sorted(out.out.split()) == sorted([ADDRESS, NETWORK, SIX]), out
    path = t.world.write("list.txt", out.out)
    t.run("unblock", ADDRESS, NETWORK, SIX)
    assert t.stored() == t.live() == []
    result = t.run("import", path, "--format", "values", "--yes", "-o", "json")
    assert result.rc == DONE, result
    assert sorted(t.stored()) == sorted(t.live()) == sorted([ADDRESS, NETWORK, SIX])


@operation(safe=True)
def undo_a_block(t):
    t.change("block", ADDRESS, NETWORK)
    t.change("undo")
    assert t.stored() == t.live() == []


@operation()
def undo_an_unblock(t):
    t.change("block", ADDRESS)
    was = listed(t)[ADDRESS]
    t.change("unblock", ADDRESS)
    t.change("undo")
    now = listed(t)[ADDRESS]
    assert t.live() == [ADDRESS]
    assert {k: v for k, v in now.items() if k != "created_at"} == {k: v for k, v in was.items() if k != "created_at"}


@operation()
def undo_a_threshold(t):
    before = t.state()["stored"]
    live = t.gen.can("rate_live")
    more = {} if live else {"rc": STORED, "verdict": "stored"}
    t.change("thresholds", "set", "auth", "7/1h", **more)
    if not live:
        t.p.restart()
    t.change("undo", **more)
    assert t.state()["stored"] == before
    t.p.restart()
    assert tuple(t.rate()) == t.gen.default


@operation(needs="write_allowed", asks="allow 192.0.2.7")
def undo_an_allow_that_lifted_a_block(t):
    t.change("block", ADDRESS)
    t.change("allow", ADDRESS)
    t.change("undo")
    assert t.stored() == t.live() == [ADDRESS] and t.stored("allowed") == t.live("allowed") == []


@operation(safe=True)
def monitored(t):
    result = t.run("check", "reach")
    assert result.rc == 0 and result.out.startswith("REACH OK"), result
    assert t.run("metrics").rc == DONE


@operation()
def dialect_said_by_hand(t):
    """It is still verified: a wrong one finds no such server."""
    assert t.run("blocked", "--dialect", t.gen.dialect).rc == NOTHING
    wrong = {"jmap": "settings", "settings": "config", "config": "rest", "rest": "jmap"}[t.gen.dialect]
    assert t.run("blocked", "--dialect", wrong).rc == 5
