# SPDX-License-Identifier: GPL-3.0-or-later
"""thresholds: shown, set, switched off, put back; scan paths. Each against what the server then does."""

import pytest

from cli_world import DONE, NOTHING, STORED, USAGE

KEYS = ["class", "rate", "count", "period_s", "enabled", "source", "ban_period_s", "resets_at", "paths", "near"]


def shown(world, cls):
    return {row["class"]: row for row in world.run("thresholds", "-o", "json").rows()}[cls]


def test_defaults(world, p15):
    rows = world.run("thresholds", "show", "-o", "json").rows()
    assert [row["class"] for row in rows] == ["auth", "abuse", "loiter", "scan"]
    assert all(list(row) == KEYS for row in rows)
    assert [(row["rate"], row["count"], row["period_s"], row["enabled"], row["source"]) for row in rows] == [
        ("100/1d", 100, 86400, True, "default"), ("35/1d", 35, 86400, True, "default"), ("150/1d", 150, 86400, True, "default"),
        ("30/1d", 30, 86400, True, "default")]
    assert rows[0]["resets_at"].endswith("T00:00:00Z") and rows[0]["ban_period_s"] is None
    assert len(rows[3]["paths"]) == 12
    assert "ban after 100 failures within one UTC day; lasts for ever" in world.run("thresholds").out


def test_set_and_back(world, p15):
    result = world.run("thresholds", "set", "auth", "3/1h", "-o", "json")
    assert (result.rc, result.one()["verdict"]) == (DONE, "in_force")
    assert p15.state()["live"]["thresholds"]["auth"] == [3, 3600]
    assert (shown(world, "auth")["rate"], shown(world, "auth")["source"]) == ("3/1h", "stored")
    assert p15.event("auth_fail", "203.0.113.7", listener="imap", account="a@example.org", count=4) in ("banned", "refused")
    result = world.run("thresholds", "default", "auth", "-o", "json")
    assert (result.rc, result.one()["verdict"]) == (DONE, "in_force")
    assert p15.state()["live"]["thresholds"]["auth"] == [100, 86400]
    assert shown(world, "auth")["source"] == "default"
    assert "server.auto-ban.auth.rate" not in p15.state()["stored"]["settings"]


def test_off(world, p15):
    assert world.run("thresholds", "off", "scan").rc == DONE
    assert p15.state()["stored"]["settings"]["server.auto-ban.scan.rate"] == "false"
    row = shown(world, "scan")
    assert (row["enabled"], row["rate"], row["count"]) == (False, "off", None) or row["rate"] == "false"
    assert p15.event("scan", "203.0.113.7", listener="https", path="/nothing", count=300) == "ok"


def test_off_says_what_it_would_have_let_through_and_whether_a_higher_rate_would_do(world, practice):
    p = practice("0.15", options={"level": "debug"})
    world.use(p)
    for client, count in (("203.0.113.7", 101), ("203.0.113.8", 120), ("198.51.100.9", 110)):
        p.event("auth_fail", client, listener="imap", account="user1@example.org", count=count)
    assert world.run("sync", "--log-source", p.log_dir).rc == DONE
    assert len(p.state()["stored"]["blocked"]) == 3
    result = world.run("thresholds", "set", "auth", "off", "-o", "json")
    assert result.rc == DONE
    assert result.one()["would_have"] == {"days": 7, "addresses": 3, "refused": 228, "failures": 103, "tried": [
        {"rate": "200/1d", "banned": 0}, {"rate": "500/1d", "banned": 0}, {"rate": "1000/1d", "banned": 0}]}
    assert "nobody is banned for failed logins any more" in result.err
    assert "in the last 7 days that would have let through 3 addresses that were banned" in result.err
    assert "would a higher rate do? Addresses still banned: 0 at 200/1d, 0 at 500/1d, 0 at 1000/1d" in result.err


@pytest.mark.parametrize("persona", ["0.6", "rest"])
def test_off_where_the_server_can_not(world, practice, persona):
    p = practice(persona)
    world.use(p)
    result = world.run("thresholds", "off", "auth", "--yes")
    assert result.rc == USAGE and "can't switch a threshold off" in result.err and result.out == ""
    assert all(r["method"] == "GET" or r["path"] == "/jmap" for r in p.requests())


def test_off_without_a_history_says_so(world, p15):
    result = world.run("thresholds", "off", "auth")
    assert result.rc == DONE
    assert "nobody was banned by it" in result.err and "e.g. 500/1d; the log holds no failed attempts" in result.err
    again = world.run("thresholds", "off", "auth")
    assert again.rc == NOTHING and "higher rate" not in again.err


@pytest.mark.parametrize("rate, words", [
    ("none", "off"), ("unlimited", "off"), ("0/1d", "0"), ("100", "100"), ("100/", "100/"), ("/1d", "/1d"), ("100/1w", "1w"), ("-5/1h", "-5"),
    ("1e3/1d", "1e3"), ("100/0s", "0s"), ("99999999999999999999/1d", "9999"), ("100/1d extra", "100/1d"), ("", "")])
def test_rates_that_would_hurt_are_refused_here(world, p15, rate, words):
    result = world.run("thresholds", "set", "auth", rate)
    assert result.rc == USAGE and words in result.err, result
    assert p15.requests() == []


def test_grammar(world, p15):
    for args in (["set"], ["set", "auth"], ["set", "bogus", "1/1h"], ["off"], ["off", "bogus"], ["default"], ["bogus"], ["paths", "add"],
                 ["paths", "bogus", "x"], ["set", "auth", "1/1h", "more"], ["set", "auth", "1/1h", "--ban-for", "soon"], ["show", "more"]):
        result = world.run("thresholds", *args)
        assert result.rc == USAGE and result.err, args
    assert p15.requests() == []


def test_ban_for_needs_a_generation_that_has_it(world, p15):
    result = world.run("thresholds", "set", "auth", "5/1h", "--ban-for", "1d")
    assert result.rc == USAGE and "no ban period" in result.err


def test_ban_for(world, p16):
    assert world.run("thresholds", "set", "auth", "5/1h", "--ban-for", "1d").rc == DONE
    assert shown(world, "auth")["ban_period_s"] == 86400
    assert world.run("thresholds", "set", "auth", "5/1h", "--ban-for", "forever").rc == DONE
    assert shown(world, "auth")["ban_period_s"] is None


def test_a_malformed_rate_on_the_server_is_named(world, p15):
    p15.edit(set={"server.auto-ban.auth.rate": "bogus"})
    assert shown(world, "auth")["rate"] == "bogus"
    assert "refuses" in world.run("thresholds").out
    assert world.run("thresholds", "set", "auth", "100/1d").rc == DONE


def test_paths(world, p15):
    rows = world.run("thresholds", "paths", "-o", "json").rows()
    assert len(rows) == 12 and {row["source"] for row in rows} == {"default"} and list(rows[0]) == ["path", "source"]
    result = world.run("thresholds", "paths", "add", "*/.env", "-o", "json")
    assert (result.rc, result.one()["verdict"]) == (DONE, "in_force")
    live = p15.state()["live"]["scan_paths"]
    assert "*/.env" in live and len(live) == 13                # the built-in ones stay
    assert p15.event("scan", "203.0.113.7", listener="https", path="/x/.env") == "banned"
    result = world.run("thresholds", "paths", "remove", "*/.env", "-o", "json")
    assert (result.rc, result.one()["verdict"]) == (DONE, "in_force")
    assert "*/.env" not in p15.state()["live"]["scan_paths"]
    assert world.run("thresholds", "paths", "remove", "*/never-there").rc == NOTHING


@pytest.mark.parametrize("glob", ["", "a b\n", "*" * 5000, "\x1b[2J"])
def test_bad_globs(world, p15, glob):
    result = world.run("thresholds", "paths", "add", glob)
    assert result.rc == USAGE and result.err
    assert p15.requests() == []


def test_one_threshold_in_0_8(world, practice):
    p = practice("0.8")
    world.use(p)
    rows = world.run("thresholds", "-o", "json").rows()
    assert [row["class"] for row in rows] == ["auth"]
    assert world.run("thresholds", "set", "auth", "9/1h").rc == DONE
    assert p.state()["live"]["thresholds"]["auth"] == [9, 3600]
    refused = world.run("thresholds", "set", "scan", "9/1h")
    assert refused.rc == USAGE and "no scan threshold" in refused.err


def test_0_10_family(world, practice):
    p = practice("0.10")
    world.use(p)
    assert world.run("thresholds", "set", "abuse", "9/1h").rc == DONE
    assert p.state()["live"]["thresholds"]["abuse"] == [9, 3600]


def test_0_6_needs_a_restart_and_says_so(world, practice):
    p = practice("0.6")
    world.use(p)
    result = world.run("thresholds", "set", "auth", "9/1h", "-o", "json")
    assert (result.rc, result.one()["verdict"]) == (STORED, "stored"), result
    assert "restart" in result.one()["detail"]
    p.control("settle", {})
    assert p.state()["live"]["thresholds"]["auth"] != [9, 3600]
    p.restart()
    assert p.state()["live"]["thresholds"]["auth"] == [9, 3600]


def test_rest_counts_per_hour(world, practice):
    p = practice("rest")
    world.use(p)
    assert world.run("thresholds", "set", "auth", "9/1h").rc == DONE
    refused = world.run("thresholds", "set", "auth", "9/1d")
    assert refused.rc == USAGE and "per hour" in refused.err
