# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations that look: log, why, status, export, journal, undo, monitoring."""

import json

from cli_world import DONE, NOTHING, STORED
from personas import PROBED
from table import ADDRESS, NETWORK, OTHER, SIX, listed, operation

GATEWAY = "172.17.0.1"                        # Docker's


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
def monitored_as_a_whole(t):
    """What a generation can't tell is no alarm among the rest: check all would never be OK there."""
    own = ["--endpoint", "tls://127.0.0.1:1"]                   # certificates are not the matter here
    result = t.run("check", "all", *own)
    assert "config UNKNOWN" not in result.out, result
    assert ("no config: this server's generation" in result.out) != t.gen.can("check_config"), result
    t.p.edit(block=[GATEWAY])
    t.p.restart()
    result = t.run("check", "all", *own)
    assert result.rc == 2 and GATEWAY in result.out, result


@operation()
def gateway_banned_and_fixed(t):
    """Lifted, allowed and counters reset, as far as the generation can; what it can't is said with it."""
    t.p.edit(block=[GATEWAY])
    t.p.restart()
    assert t.p.event("auth_ok", GATEWAY) == "refused"
    assert [row["address"] for row in t.rows("gateway")] == [GATEWAY]
    result = t.change("gateway", "fix", "--yes")
    assert t.stored() == t.live() == [] and t.p.event("auth_ok", GATEWAY) == "ok"
    assert t.stored("allowed") == [GATEWAY] * t.gen.can("write_allowed")
    assert ("can't be allowed" in result.err) != t.gen.can("write_allowed")
    assert t.run("gateway").rc == NOTHING


@operation()
def dialect_said_by_hand(t):
    """It is still verified: a wrong one finds no such server."""
    assert t.run("blocked", "--dialect", t.gen.dialect).rc == NOTHING
    wrong = {"jmap": "settings", "settings": "config", "config": "rest", "rest": "jmap"}[t.gen.dialect]
    assert t.run("blocked", "--dialect", wrong).rc == 5


PROBES = {"POST /jmap", "GET /api/settings/list?prefix=server.auto-ban&limit=1", "GET /api/settings?prefix=server.blocked-ip",
          "GET /admin/config/server.security"}


@operation()
def found_out_by_asking(t):
    """At most one question per dialect, the cheapest first, and nothing that writes; the next run remembers."""
    t.p.requests()
    assert t.run("blocked").rc == NOTHING
    asked = ["%(method)s %(path)s" % r for r in t.p.requests()]
    probes = [a for a in asked if a in PROBES]
    assert probes and (t.gen.dialect == "jmap" or len(probes) == len(set(probes))), asked
    assert len(asked) <= 9, asked
    assert t.run("blocked").rc == NOTHING
    again = t.p.requests()
    assert len(again) < len(asked), again


@operation()
def found_out_in_read_only_mode(t):
    """Not even the harmless writes that tell generations apart are sent; the log says what they would have."""
    t.p.requests()
    said = t.run("probe", "--read-only", "-o", "json").json()
    assert (said["dialect"], said["generation"]) == (t.gen.dialect, t.gen.generation)
    assert all(s in ("no_read_only", "no_generation") for c, s in said["capabilities"].items() if c.startswith("write_")), said
    assert all(r["method"] == "GET" or r["path"] == "/jmap" and "/set" not in r["body"] for r in t.p.requests())
    assert set(said["capabilities"]) == PROBED


@operation()
def found_out_without_a_log(t):
    """The version is not there to be read: no verdict says more than what is so."""
    t.reset(tracer=False)
    result = t.run("thresholds", "set", "auth", "7/1h", "-o", "json")
    row = result.one()
    assert row["verdict"] == ("in_force" if t.gen.can("rate_live") else "stored"), result
    assert (t.rate() == [7, 3600]) == t.gen.can("rate_live")
    if t.gen.dialect == "settings":
        row = t.run("allow", ADDRESS, "-o", "json").one()
        assert row["verdict"] == "stored" or t.live("allowed") == [ADDRESS], row


@operation()
def upgraded_between_two_runs(t):
    """What was remembered is not believed: a rate goes where the new version reads it."""
    newer = {"0.10.3": "0.10.7", "0.7.3": "0.8.1"}.get(t.p.state()["version"])
    t.run("blocked")
    t.run("thresholds", "set", "auth", "9/1h")
    if newer:
        t.reset(version=newer)
    result = t.run("thresholds", "set", "auth", "7/1h", "-o", "json")
    assert result.one()["verdict"] == ("in_force" if t.gen.can("rate_live") else "stored"), result
    assert (t.rate() == [7, 3600]) == t.gen.can("rate_live")
