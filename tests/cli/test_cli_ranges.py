# SPDX-License-Identifier: GPL-3.0-or-later
"""ranges and block --replace: networks worth one rule, what each replaces and hits, and the files a firewall reads."""

import os
import re

import pytest

from cli_world import DONE, NOTHING, REFUSED, USAGE

KEYS = ["range", "bans", "addresses", "first", "last", "replaces", "allowed", "blocked", "refusal"]
OFFENDERS = ["203.0.113.1", "203.0.113.2", "203.0.113.9", "198.51.100.3", "198.51.100.14", "2001:db8:bad::1", "2001:db8:bad::7"]


@pytest.fixture
def attacked(world, p15):
    """Seven scanners in three networks, two allowed addresses in the second, one network listed by hand in the first."""
    for client in OFFENDERS:
        p15.event("scan", client, path="/wp-login.php", listener="http")
    p15.edit(block=["203.0.113.4/31"], allow=["198.51.100.9", "198.51.100.10"])
    world.source = ["--log-source", p15.log_dir]
    return p15


def ranges(world, *args):
    return world.run("ranges", *world.source, *args)


def test_rows(world, attacked):
    rows = {r["range"]: r for r in ranges(world, "--at-least", "2", "-o", "json").rows()}
    assert list(rows) == ["203.0.113.0/28", "198.51.100.0/28", "2001:db8:bad::/125"], rows
    assert all(list(r) == KEYS for r in rows.values())
    one, hit = rows["203.0.113.0/28"], rows["198.51.100.0/28"]
    assert (one["bans"], one["addresses"], one["blocked"]) == (4, 4, False)     # the network listed by hand counts once
    assert one["replaces"] == ["203.0.113.1", "203.0.113.2", "203.0.113.4/31", "203.0.113.9"]
    assert one["allowed"] == [] and one["refusal"] is None and one["first"] and one["last"]
    assert hit["allowed"] == ["198.51.100.9", "198.51.100.10"] and "198.51.100.9" in hit["refusal"]


def test_at_least_prefix_and_limit(world, attacked):
    result = ranges(world)
    assert result.rc == NOTHING and "--at-least" in result.err                  # nothing reaches the five of the default
    assert ranges(world, "--at-least", "4", "-o", "json").one()["range"] == "203.0.113.0/28"
    narrow = [r["range"] for r in ranges(world, "--at-least", "2", "--prefix", "30", "-o", "json").rows()]
    assert narrow == ["203.0.113.0/30", "2001:db8:bad::/125"], narrow           # no /30 holds two of 198.51.100
    cut = ranges(world, "--at-least", "2", "--limit", "1", "-o", "json")
    assert len(cut.rows()) == 1 and "showing 1 of 3" in cut.err
    assert ranges(world, "--since", "2099-01-01").rc == NOTHING
    for bad in (["--at-least", "1"], ["--prefix", "0"], ["--format", "fail2ban"], ["--format", "tape"], ["word"]):
        assert ranges(world, *bad).rc == USAGE, bad


def test_table_names_what_is_replaced_and_hit(world, attacked):
    out = ranges(world, "--at-least", "2").out
    assert re.search(r"203\.0\.113\.0/28 .* 4: 203\.0\.113\.1, 203\.0\.113\.2, 203\.0\.113\.4/31 and 1 more", out), out
    assert re.search(r"198\.51\.100\.0/28 .* 2: 198\.51\.100\.9, 198\.51\.100\.10", out), out


@pytest.mark.parametrize("name, pattern", [
    ("nft", r"add element inet \S+ blocked4 \{ 203\.0\.113\.0/28 "), ("ipset", r"add stalwarden-blocked4 203\.0\.113\.0/28 "),
    ("iptables", r"(?m)^iptables -I INPUT -s 203\.0\.113\.0/28 -j DROP$"), ("values", r"(?m)^203\.0\.113\.0/28$")])
def test_firewall_formats_leave_out_what_hits_an_allowed_entry(world, attacked, name, pattern):
    result = ranges(world, "--at-least", "2", "--format", name)
    assert result.rc == DONE and re.search(pattern, result.out), result
    assert "2001:db8:bad::/125" in result.out
    assert "198.51.100.0/28" not in result.out and "left out: 198.51.100.0/28 contains 198.51.100.9" in result.err
    forced = ranges(world, "--at-least", "2", "--format", name, "--force")
    assert "198.51.100.0/28" in forced.out and "written all the same" in forced.err


def test_block_in_place_of_the_entries_inside(world, attacked):
    preview = world.run("block", "203.0.113.0/28", "--replace", "--dry-run")
    assert "replaces 4 entries: 203.0.113.1, 203.0.113.2, 203.0.113.4/31, 203.0.113.9" in preview.err
    assert "203.0.113.1" in attacked.state()["stored"]["blocked"], "a preview changes nothing"
    result = world.run("block", "203.0.113.0/28", "--replace", "--reason", "case 118", "-o", "json")
    assert result.rc == DONE and {(r["op"], r["verdict"]) for r in result.rows()} == {("block", "in_force"), ("unblock", "in_force")}
    left = [n for n in attacked.state()["stored"]["blocked"] if n.startswith("203.0.113.")]
    assert left == ["203.0.113.0/28"]
    row = ranges(world, "--at-least", "3", "-o", "json").one()
    assert row["blocked"] is True and row["replaces"] == []
    assert world.run("undo").rc == DONE
    assert sorted(n for n in attacked.state()["stored"]["blocked"] if n.startswith("203.0.113.")) == \
        ["203.0.113.1", "203.0.113.2", "203.0.113.4/31", "203.0.113.9"]


def test_without_replace_the_entries_are_named_and_stay(world, attacked):
    result = world.run("block", "203.0.113.0/28")
    assert result.rc == DONE and "203.0.113.0/28 covers 4 entries: 203.0.113.1" in result.err
    assert "203.0.113.1" in attacked.state()["stored"]["blocked"]


def test_a_range_over_allowed_entries_is_refused_and_names_them(world, attacked):
    result = world.run("block", "198.51.100.0/28", "--replace")
    assert result.rc == REFUSED and "hits 2 allowed entries: 198.51.100.9, 198.51.100.10" in result.err, result
    assert "198.51.100.3" in attacked.state()["stored"]["blocked"]


def test_without_the_server_the_store_answers(world, attacked):
    ranges(world)
    attacked.stop()
    result = ranges(world, "--at-least", "2", "-o", "json")
    assert [r["range"] for r in result.rows()] == ["203.0.113.0/28", "198.51.100.0/28", "2001:db8:bad::/125"]
    assert all(r["blocked"] is None and r["replaces"] == [] for r in result.rows())
    assert "local store" in result.err and "not known" in result.err


def test_export_of_the_panel_is_a_set_nft_can_read(world, attacked):
    path = world.path("work", "ranges.nft")
    result = world.console("6\n:wait Twelve\n:ranges 2\n:wait 203.0.113\nx%s<Enter>\n:wait written\n" % path, *world.source)
    assert result.rc == DONE, result
    text = open(path, encoding="utf-8").read()
    assert "203.0.113.0/28" in text and "198.51.100" not in text and os.stat(path).st_mode & 0o777 == 0o600


def test_the_overview_says_how_many_are_still_blocked(world, attacked):
    dump = world.path("work", "dump")
    result = world.console(":wait Ranges, 7 days\n:wait 4 blocked\n:dump %s\n" % dump, *world.source, lines=40)
    assert result.rc == DONE, result
    assert re.search(r"203\.0\.113\.0/24 +3 bans +3 addresses +4 blocked", open(dump, encoding="utf-8").read())


@pytest.mark.parametrize("persona", ["0.15", "0.10", "0.8", "0.6", "rest", "0.16"])
def test_replacing_is_one_change_on_every_generation(world, practice, persona):
    p = practice(persona)
    world.use(p)
    p.edit(block=["203.0.113.1", "203.0.113.2", "203.0.113.9"])
    result = world.run("block", "203.0.113.0/28", "--replace", "-o", "json")
    assert result.rc == DONE and {r["verdict"] for r in result.rows()} == {"in_force"} and len(result.rows()) == 4, result
    assert p.state()["stored"]["blocked"] == ["203.0.113.0/28"]
    assert world.run("undo").rc == DONE
    assert sorted(p.state()["stored"]["blocked"]) == ["203.0.113.1", "203.0.113.2", "203.0.113.9"]
