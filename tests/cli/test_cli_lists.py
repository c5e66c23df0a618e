# SPDX-License-Identifier: GPL-3.0-or-later
"""blocked, allowed, probe, status, paths: what they print, in each format, with the keys of the contract."""

import json
import os

import pytest

from cli_world import CREDENTIALS, DONE, NOTHING, SERVER, USAGE
from fake.client import Practice

LIST_KEYS = ["address", "family", "kind", "reason", "note", "created_at", "expires_at", "state", "covered_by", "origin"]
VALUE = '{"by":"alice","at":"2026-11-01T10:00:00Z","until":"%s","reason":"case 118","class":"scan"}'


@pytest.fixture
def seeded(p15):
    """One of each: plain, with a value, expired, network, covered, IPv6, somebody's own note, malformed."""
    p15.edit(set={"server.blocked-ip." + k: v for k, v in {
        "198.51.100.7": "", "203.0.113.7": VALUE % "2099-01-01T00:00:00Z", "203.0.113.8": VALUE % "2026-11-02T00:00:00Z",
        "203.0.113.0/24": "", "2001:db8:5::1": "", "192.0.2.55": "spammer, \"case\"", "10.0.0.300": ""}.items()},
        allow=["198.51.100.9"])
    return p15


def by_address(result):
    return {row["address"]: row for row in result.rows()}


def test_json_has_the_keys_of_the_contract(world, seeded):
    result = world.run("blocked", "-o", "json")
    rows = by_address(result)
    assert result.rc == DONE
    assert all(list(row) == LIST_KEYS for row in rows.values())
    assert len(rows) == 7
    assert rows["198.51.100.7"] == {"address": "198.51.100.7", "family": 4, "kind": "address", "reason": "", "note": "",
                                    "created_at": None, "expires_at": None, "state": "active", "covered_by": None,
                                    "origin": "unknown"} or rows["198.51.100.7"]["origin"] == "server"
    assert rows["203.0.113.7"]["created_at"] == "2026-11-01T10:00:00Z"
    assert rows["203.0.113.7"]["expires_at"] == "2099-01-01T00:00:00Z"
    assert rows["203.0.113.7"]["reason"] == "scan"
    assert "case 118" in rows["203.0.113.7"]["note"]
    assert rows["203.0.113.7"]["origin"] == "operator"
    assert rows["203.0.113.7"]["covered_by"] == "203.0.113.0/24"
    assert rows["203.0.113.8"]["state"] == "expired"
    assert rows["203.0.113.0/24"]["kind"] == "network"
    assert rows["2001:db8:5::1"]["family"] == 6
    assert rows["192.0.2.55"]["note"] == 'spammer, "case"'
    assert rows["10.0.0.300"]["state"] == "malformed"
    assert rows["10.0.0.300"]["family"] is None and rows["10.0.0.300"]["kind"] is None


def test_every_format_tells_the_same(world, seeded):
    whole = world.run("blocked", "-o", "json").rows()
    lines = world.run("blocked", "-o", "ndjson")
    assert lines.ndjson() == whole
    table = world.run("blocked", "-o", "csv")
    assert list(table.csv()[0]) == LIST_KEYS
    assert b"\r\n" in table.raw_out
    assert [row["address"] for row in table.csv()] == [row["address"] for row in whole]
    assert {row["note"] for row in table.csv()} == {row["note"] for row in whole}
    plain = world.run("blocked", "-o", "plain").out.splitlines()
    assert [line.split("\t")[0] for line in plain] == [row["address"] for row in whole]
    assert {len(line.split("\t")) for line in plain} == {len(LIST_KEYS)}
    shown = world.run("blocked").out.splitlines()
    assert shown[0].split()[0] == "ADDRESS"
    assert len(shown) == len(whole) + 1


def test_allowed(world, seeded):
    rows = by_address(world.run("allowed", "-o", "json"))
    assert list(rows) == ["198.51.100.9"]
    assert list(rows["198.51.100.9"]) == LIST_KEYS


def test_nothing_to_list(world, p15):
    result = world.run("blocked", "-o", "json")
    assert (result.rc, result.rows()) == (NOTHING, [])
    assert world.run("blocked", "-o", "ndjson").out == ""
    table = world.run("allowed")
    assert (table.rc, table.out) == (NOTHING, "")
    assert "nothing is allowed" in table.err


@pytest.mark.parametrize("words, addresses", [
    (["reason:scan"], {"203.0.113.7", "203.0.113.8"}),
    (["state:expired"], {"203.0.113.8"}),
    (["kind:network"], {"203.0.113.0/24"}),
    (["net:203.0.113.0/24"], {"203.0.113.0/24", "203.0.113.7", "203.0.113.8"}),
    (["in:203.0.113.77"], {"203.0.113.0/24"}),
    (["covered"], {"203.0.113.7", "203.0.113.8"}),
    (["reason:scan", "!state:expired"], {"203.0.113.7"}),
    (["reason:scan !state:expired"], {"203.0.113.7"}),
    (["SPAMMER"], {"192.0.2.55"}),
    (["note:spam"], {"192.0.2.55"}),
    (["family:6"], {"2001:db8:5::1"}),
    (["state:malformed"], {"10.0.0.300"}),
    (["/^203.*7$/"], {"203.0.113.7"}),
])
def test_filters(world, seeded, words, addresses):
    assert set(by_address(world.run("blocked", *words, "-o", "json"))) == addresses


def test_a_filter_that_matches_nothing_or_is_wrong(world, seeded):
    assert world.run("blocked", "nowhere-to-be-found").rc == NOTHING
    wrong = world.run("blocked", "reason:bogus")
    assert wrong.rc == USAGE and "bogus" in wrong.err and "auth" in wrong.err
    assert world.run("blocked", "/[/").rc == USAGE


def test_sort_and_limit(world, practice):
    world.use(practice("0.15", entries=412))
    result = world.run("blocked", "--limit", "100", "-o", "ndjson")
    assert len(result.ndjson()) == 100
    assert "showing 100 of 412" in result.err
    up = [r["address"] for r in world.run("blocked", "--sort", "address", "-o", "json").rows()]
    down = [r["address"] for r in world.run("blocked", "--sort", "-address", "-o", "json").rows()]
    assert len(up) == 412 and down == up[::-1]
    assert "showing" not in world.run("blocked", "-o", "plain").err
    for wrong in (["--sort", "bogus"], ["--limit", "0"], ["--limit", "many"]):
        refused = world.run("blocked", *wrong)
        assert refused.rc == USAGE and wrong[1] in refused.err


@pytest.mark.parametrize("column", ["address", "kind", "reason", "note", "created_at", "expires_at", "state", "since", "until"])
def test_every_sort_column(world, seeded, column):
    up = world.run("blocked", "--sort", column, "-o", "json").rows()
    down = world.run("blocked", "--sort=-" + column, "-o", "json").rows()
    assert len(up) == len(down) == 7
    key = {"since": "created_at", "until": "expires_at"}.get(column, column)
    if key in ("created_at", "expires_at"):
        known = [row[key] for row in up if row[key]]
        assert known == sorted(known)
        assert [row[key] for row in down if row[key]] == known[::-1]


def test_probe(world, p15):
    result = world.run("probe", "-o", "json")
    answer = result.json()
    assert result.rc == DONE
    assert (answer["url"], answer["dialect"], answer["generation"]) == (p15.url, "settings", "0.11-0.15")
    assert answer["capabilities"]["read_blocked"] == "yes"
    assert p15.state()["stored"]["blocked"] == []
    assert "list blocked addresses" in world.run("probe").out


def test_probe_names_what_is_missing(world, practice):
    p = practice("0.15", options={"keys": [{"name": "reader", "secret": "narrow", "permissions": ["settings-list"]}]})
    token = world.use_key(p, "reader", "narrow")
    result = world.run("probe", "-o", "json")
    assert result.rc == DONE
    assert result.json()["capabilities"]["read_log"] == "no_permission"
    assert any(line.startswith("read the log") and "may not" in line for line in result.json()["missing"])
    assert token not in result.out + result.err


def test_status(world, seeded):
    result = world.run("status", "-o", "json")
    answer = result.json()
    assert result.rc == DONE
    assert (answer["blocked"], answer["allowed"], answer["malformed"]) == (7, 1, 1)
    assert sum(answer["by_reason"].values()) == 7
    assert answer["thresholds"]["auth"] == "100/1d"
    assert any("10.0.0.300" in alarm["text"] for alarm in answer["alarms"])
    text = world.run("status").out
    assert "10.0.0.300" in text and "ban after 100 failures within one UTC day" in text


def test_status_knows_from_the_history_why(world, p15):
    """Up to 0.15 a ban is stored without its reason: the log had it."""
    assert p15.event("scan", "203.0.113.9", path="/wp-login.php") == "banned"
    assert world.run("status", "-o", "json").json()["by_reason"]["scan"] == 0
    world.run("sync", "--log-source", p15.log_dir)
    assert world.run("status", "-o", "json").json()["by_reason"]["scan"] == 1
    assert "1 scan" in world.run("status").out


def test_rows_learn_reason_and_time_from_the_history(world, p15):
    """What is shown can be filtered, sorted and exported, whoever knew it."""
    assert p15.event("scan", "203.0.113.9", path="/wp-login.php") == "banned"
    p15.edit(block=["203.0.113.10"])
    assert world.run("blocked", "reason:scan").rc == NOTHING
    world.run("sync", "--log-source", p15.log_dir)
    row, = world.run("blocked", "reason:scan", "-o", "json").rows()
    assert (row["address"], row["origin"]) == ("203.0.113.9", "server") and row["created_at"]
    assert [r["address"] for r in world.run("blocked", "age<1d", "-o", "json").rows()] == ["203.0.113.9"]
    exported = {r["address"]: r for r in world.run("export", "--format", "json").rows()}
    assert exported["203.0.113.9"]["reason"] == "scan" and not exported["203.0.113.10"]["created_at"]
    assert 'stalwarden_blocked{reason="scan"} 1\n' in world.run("metrics").out


def test_one_connection_and_no_more_requests_than_needed(world, p15):
    before = p15.state()["connections"]
    world.run("blocked")
    seen = p15.requests()
    assert p15.state()["connections"] - before == 3           # the verb's one, and two of these questions
    assert len([r for r in seen if "blocked-ip" in r["path"]]) <= 2
    assert all(r["method"] == "GET" or r["path"] == "/jmap" or '"values": []' in r["body"] or '"values":[]' in r["body"]
               for r in seen), seen


def test_paths(world):
    rows = {r["what"]: r for r in world.run("paths", "-o", "json").rows()}
    assert rows["history and journal"]["path"] == world.path("state", "stalwarden", "history.db")
    assert rows["history and journal"]["set_by"] == "XDG_STATE_HOME"
    assert rows["configuration"]["path"] == world.path("config", "stalwarden", "stalwarden.conf")
    other = world.run("paths", "--state", world.path("work", "elsewhere"), "-o", "json").rows()
    assert [r["set_by"] for r in other if r["path"].endswith("elsewhere/history.db")] == ["--state"]
    home = {r["what"]: r for r in world.run("paths", "-o", "json", env={"XDG_STATE_HOME": None, "XDG_CONFIG_HOME": None}).rows()}
    assert home["history and journal"]["path"] == world.path("home", ".local", "state", "stalwarden", "history.db")
    assert home["configuration"]["path"] == world.path("home", ".config", "stalwarden", "stalwarden.conf")


def test_files_are_private(world, p15):
    world.run("block", "203.0.113.7")
    for where, folders, names in os.walk(world.path("state")):
        for name in folders:
            assert os.stat(os.path.join(where, name)).st_mode & 0o777 == 0o700, name
        for name in names:
            assert os.stat(os.path.join(where, name)).st_mode & 0o777 == 0o600, name
    assert os.listdir(world.path("state", "stalwarden"))


def test_the_readers_end_of_a_pipe_may_close(world, practice):
    """`stalwarden blocked | head -1` must neither hang nor die of a signal."""
    world.use(practice("0.15", entries=20000))
    process = world.start("blocked", "-o", "ndjson")
    first = process.stdout.readline()
    process.stdout.close()
    assert json.loads(first)["address"]
    process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == SERVER


@pytest.mark.parametrize("persona, generation", [("0.15", "0.11-0.15"), ("0.10", None), ("0.8", None), ("0.6", None), ("rest", None),
                                                 ("0.16", "0.16")])
def test_every_generation_lists(world, practice, persona, generation):
    world.use(practice(persona, entries=30))
    answer = world.run("probe", "-o", "json").json()
    assert generation in (None, answer["generation"])
    assert len(world.run("blocked", "-o", "json").rows()) == 30


def test_a_forced_dialect_that_does_not_fit(world, p15):
    result = world.run("blocked", "--dialect", "jmap")
    assert result.rc == SERVER and result.err
    assert world.run("blocked", "--dialect", "settings").rc == NOTHING
    assert world.run("blocked", "--dialect", "bogus").rc == USAGE


def test_no_permission(world, practice):
    world.use_key(practice("0.15", options={"keys": [{"name": "none", "secret": "nil", "permissions": []}]}), "none", "nil")
    result = world.run("blocked")
    assert result.rc == CREDENTIALS
    assert "may not" in result.err


def asked(p):
    return ["%s %s" % (r["method"], r["path"].split("?")[0]) for r in p.requests()]


def test_a_list_is_one_request_once_the_server_is_known(world, practice):
    p = practice("0.15", entries=1)
    world.use(p)
    first = world.run("blocked", "-o", "json")
    assert len(asked(p)) > 1                      # it was detected
    again = world.run("blocked", "-o", "json")
    assert asked(p) == ["GET /api/settings/list"]
    assert again.rows() == first.rows()
    assert world.run("allowed").rc == NOTHING
    assert asked(p) == ["GET /api/settings/list"]
    world.run("probe")
    assert len(asked(p)) > 3                      # always afresh
    for name in os.listdir(world.path("state", "stalwarden")):
        assert os.stat(world.path("state", "stalwarden", name)).st_mode & 0o077 == 0


def test_what_is_remembered_is_of_one_server(world, practice):
    old, other = practice("0.15", entries=1), practice("0.16")
    world.use(old)
    assert world.run("blocked").rc == DONE
    world.use(other)
    assert world.run("blocked").rc == NOTHING
    assert world.run("--dialect", "settings", "blocked").rc == SERVER


def test_an_upgrade_is_noticed_by_the_answer(world):
    with Practice("0.15", entries=1) as p:
        port = p.port
        world.use(p)
        assert world.run("blocked").rc == DONE
    with Practice("0.16", listen="127.0.0.1:%d" % port) as p:
        listed = world.run("blocked")
        assert listed.rc == NOTHING, listed       # what the new server holds, not an error of the old dialect
        assert "GET /api/settings/list" in asked(p)
        world.run("blocked")
        assert "GET /api/settings/list" not in asked(p)
