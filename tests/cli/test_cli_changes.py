# SPDX-License-Identifier: GPL-3.0-or-later
"""block, unblock, allow, disallow, reset-counters, reload: what they say against what the server stores and what it acts on."""

import json
import re
import signal
import subprocess
import time

import pytest

from cli_world import DONE, NOTHING, STORED, USAGE

CHANGE_KEYS = ["op", "target", "verdict", "before", "after", "detail", "steps"]
STEP_KEYS = ["step", "ok", "ms", "detail"]


def change(world, *args, **more):
    return world.run(*args, "-o", "json", **more)


def verdicts(result):
    return [(row["op"], row["target"], row["verdict"]) for row in result.rows()]


def live(p):
    return p.state()["live"]


def stored(p):
    return p.state()["stored"]


def test_a_change_in_json(world, p15):
    row = change(world, "block", "203.0.113.7", "--reason", "case 118", "--for", "7d").one()
    assert list(row) == CHANGE_KEYS
    assert (row["op"], row["target"], row["verdict"], row["before"]) == ("block", "203.0.113.7", "in_force", None)
    assert [step["step"] for step in row["steps"]] == ["write", "read_back", "reload"]
    assert all(list(step) == STEP_KEYS and step["ok"] for step in row["steps"])
    value = json.loads(row["after"])
    assert value["reason"] == "case 118" and value["until"] > value["at"]
    listed = world.run("blocked", "-o", "json").one()
    assert (listed["note"], listed["state"], listed["origin"]) == ("case 118", "active", "operator")


@pytest.mark.parametrize("form", ["csv", "ndjson", "plain", "table"])
def test_a_change_in_other_formats(world, p15, form):
    result = world.run("block", "203.0.113.7", "-o", form)
    assert result.rc == DONE
    if form == "csv":
        assert result.csv()[0]["verdict"] == "in_force" and list(result.csv()[0]) == CHANGE_KEYS
    elif form == "ndjson":
        assert result.ndjson()[0]["verdict"] == "in_force"
    elif form == "plain":
        assert result.out.split("\t")[:3] == ["block", "203.0.113.7", "in_force"]
    else:
        assert "in force" in result.out and "203.0.113.7" in result.out


@pytest.mark.parametrize("target, reload", [("203.0.113.7", "/api/reload/server.blocked-ip"), ("2001:db8::7", "/api/reload/server.blocked-ip"),
                                            ("203.0.113.0/24", "/api/reload"), ("2001:db8:7::/48", "/api/reload")])
def test_block_and_unblock_reach_what_is_in_force(world, p15, target, reload):
    kind = "networks" if "/" in target else "blocked"
    result = change(world, "block", target)
    assert (result.rc, result.one()["verdict"]) == (DONE, "in_force")
    assert stored(p15)["blocked"] == [target] and live(p15)[kind] == [target]
    paths = [r["path"] for r in p15.requests() if "reload" in r["path"]]
    assert paths == [reload]
    result = change(world, "unblock", target)
    assert (result.rc, result.one()["verdict"]) == (DONE, "in_force")
    assert stored(p15)["blocked"] == [] and live(p15)[kind] == []


def test_a_blocked_client_is_refused_and_then_let_in(world, p15):
    assert p15.event("auth_ok", "203.0.113.7", listener="imap", account="anna@example.org") == "ok"
    world.run("block", "203.0.113.7")
    assert p15.event("auth_ok", "203.0.113.7", listener="imap", account="anna@example.org") == "refused"
    world.run("unblock", "203.0.113.7")
    assert p15.event("auth_ok", "203.0.113.7", listener="imap", account="anna@example.org") == "ok"


def test_spelling_does_not_matter(world, p15):
    assert change(world, "block", "2001:DB8:0::7").one()["target"] == "2001:db8::7"
    assert change(world, "unblock", "2001:0db8:0000:0000::0007").rc == DONE
    assert stored(p15)["blocked"] == []
    assert change(world, "block", "::ffff:203.0.113.9").one()["target"] == "203.0.113.9"


@pytest.mark.parametrize("verb", ["block", "allow"])
@pytest.mark.parametrize("bad, words", [
    ("203.0.113.7/24", "203.0.113.0/24"), ("2001:db8::7/48", "2001:db8::/48"), ("10.0.0.300", "10.0.0.300"), ("1.2.3", "1.2.3"),
    ("2001:db8:::1", "2001:db8:::1"), ("203.0.113.0/33", "33"), ("2001:db8::/129", "129"), ("example.org", "example.org"),
    ("203.0.113.07", "203.0.113.07"), ("", ""), ("203.0.113.7 extra", "203.0.113.7 extra"), ("203.0.113.1-203.0.113.9", "203.0.113.1-203.0.113.9")])
def test_input_is_checked_before_anything_is_sent(world, p15, verb, bad, words):
    result = world.run(verb, bad)
    assert result.rc == USAGE and words in result.err, result
    assert p15.requests() == []


def test_other_grammar(world, p15):
    for args, words in ((["block"], "address"), (["block", "203.0.113.7", "--for", "soon"], "soon"),
                        (["block", "203.0.113.7", "--until", "2001-01-01"], "past"),
                        (["block", "203.0.113.7", "--for", "1h", "--until", "2099-01-01"], "--until"),
                        (["block", "203.0.113.7", "--sort", "x"], "--sort"), (["blocks"], "blocks"), (["block", "203.0.113.7", "--bogus"], "--bogus"),
                        (["reset-counters", "bogus"], "bogus"), (["reload", "bogus"], "bogus"), (["undo", "last"], "last"),
                        (["block", "203.0.113.7", "--timeout", "0"], "--timeout"), (["block", "203.0.113.7", "-o", "xml"], "xml")):
        result = world.run(*args)
        assert result.rc == USAGE and words in result.err, result
    assert p15.requests() == []


def test_options_may_stand_anywhere(world, p15):
    assert world.run("-o", "json", "--reason", "x", "block", "203.0.113.7").one()["verdict"] == "in_force"
    assert world.run("--url", p15.url, "blocked", "-ojson", env={"STALWARDEN_URL": "http://127.0.0.1:1"}).one()["note"] == "x"


def test_targets_from_standard_input(world, p15):
    text = "203.0.113.7 # first\n\n# nothing\n203.0.113.8, 203.0.113.9\r\n2001:db8::7"
    result = change(world, "block", "-", stdin=text)
    assert result.rc == DONE and len(result.rows()) == 4
    assert sorted(stored(p15)["blocked"]) == ["2001:db8::7", "203.0.113.7", "203.0.113.8", "203.0.113.9"]
    result = change(world, "unblock", "203.0.113.7", "-", stdin="203.0.113.8\n")
    assert [row["target"] for row in result.rows()] == ["203.0.113.7", "203.0.113.8"]
    assert world.run("block", "-", stdin="").rc == USAGE
    assert "10.0.0.300" in world.run("block", "-", stdin="203.0.113.1\n10.0.0.300\n").err


def test_what_is_so_already(world, p15):
    world.run("block", "203.0.113.7", "--reason", "first")
    again = change(world, "block", "203.0.113.7", "--reason", "second")
    assert (again.rc, again.one()["verdict"]) == (NOTHING, "in_force")
    assert "already" in again.err
    assert world.run("blocked", "-o", "json").one()["note"] == "first"
    gone = change(world, "unblock", "203.0.113.99")
    assert (gone.rc, gone.one()["verdict"]) == (NOTHING, "in_force")


def test_expiry_is_kept(world, p15):
    world.run("block", "203.0.113.7", "--until", "2099-05-06T07:08:09Z")
    assert world.run("blocked", "-o", "json").one()["expires_at"] == "2099-05-06T07:08:09Z"


def test_a_cover_is_told_and_keeps_it_from_being_in_force(world, p15):
    world.run("block", "203.0.113.7", "203.0.113.0/24")
    result = change(world, "unblock", "203.0.113.7")
    assert (result.rc, result.one()["verdict"]) == (STORED, "stored")
    assert "203.0.113.0/24" in result.one()["detail"] and "203.0.113.0/24" in result.err
    assert p15.event("auth_ok", "203.0.113.7", listener="imap", account="a@example.org") == "refused"
    both = change(world, "unblock", "203.0.113.0/24", "203.0.113.7")
    assert both.rc == DONE and [row["verdict"] for row in both.rows()] == ["in_force", "in_force"]


def test_counters_outlive_an_unblock_unless_reset(world, p15):
    fail = dict(kind="auth_fail", client="203.0.113.7", listener="imap", account="anna@example.org")
    assert p15.event(**fail, count=101) in ("banned", "refused")
    assert live(p15)["blocked"] == ["203.0.113.7"]
    result = change(world, "unblock", "203.0.113.7")
    assert result.rc == DONE and "counters" in result.err
    assert p15.event(**fail) == "banned"                       # what the warning was about
    result = change(world, "unblock", "203.0.113.7", "--reset-counters")
    assert result.rc == DONE
    assert [s["step"] for s in result.one()["steps"]] == ["write", "read_back", "reload", "reset_counters"]
    assert all(step["ok"] for step in result.one()["steps"])
    assert p15.event(**fail) == "ok"
    assert live(p15)["blocked"] == []


def test_reset_counters_alone(world, p15):
    p15.event("auth_fail", "203.0.113.7", listener="imap", account="a@example.org", count=90)
    p15.event("rcpt_fail", "203.0.113.7", listener="smtp", to="nobody@example.org", count=30)
    result = change(world, "reset-counters", "auth")
    assert result.rc == DONE and result.one()["verdict"] == "in_force"
    assert {row["class"] for row in p15.state()["counters"]} == {"abuse"}
    assert world.run("reset-counters").rc == DONE
    assert p15.state()["counters"] == []


def test_allow_lifts_the_block(world, p15):
    """Up to 0.15 a block wins over an allow, so allowing alone would lift nothing."""
    world.run("block", "203.0.113.7")
    result = change(world, "allow", "203.0.113.7", "--reason", "branch office")
    assert result.rc == DONE
    assert verdicts(result) == [("allow", "203.0.113.7", "in_force"), ("unblock", "203.0.113.7", "in_force")]
    assert live(p15)["blocked"] == [] and live(p15)["allowed"] == ["203.0.113.7"]
    assert p15.event("auth_ok", "203.0.113.7", listener="imap", account="a@example.org") == "ok"
    assert world.run("allowed", "-o", "json").one()["note"] == "branch office"


def test_allow_keep_blocked(world, p15):
    world.run("block", "203.0.113.7")
    result = change(world, "allow", "203.0.113.7", "--keep-blocked")
    assert (result.rc, result.one()["verdict"]) == (STORED, "stored")
    assert live(p15)["blocked"] == ["203.0.113.7"]
    assert p15.event("auth_ok", "203.0.113.7", listener="imap", account="a@example.org") == "refused"


def test_disallow(world, p15):
    world.run("allow", "203.0.113.0/24")
    assert live(p15)["allowed_networks"] == ["203.0.113.0/24"]
    result = change(world, "disallow", "203.0.113.0/24")
    assert (result.rc, result.one()["verdict"]) == (DONE, "in_force")
    assert stored(p15)["allowed"] == [] and live(p15)["allowed_networks"] == []


def test_unblock_and_allow(world, p15):
    p15.event("auth_fail", "203.0.113.7", listener="imap", account="a@example.org", count=101)
    result = change(world, "unblock", "203.0.113.7", "--allow", "--reset-counters")
    assert result.rc == DONE
    assert live(p15)["allowed"] == ["203.0.113.7"] and live(p15)["blocked"] == []
    assert p15.event("auth_fail", "203.0.113.7", listener="imap", account="a@example.org", count=300) == "ok"


def test_a_malformed_entry_is_listed_and_removed(world, p15):
    p15.edit(block=["not-an-ip"])
    assert change(world, "block", "203.0.113.0/24").rc == STORED
    result = change(world, "unblock", "not-an-ip")
    assert (result.rc, result.one()["verdict"]) == (DONE, "in_force"), result
    assert stored(p15)["blocked"] == ["203.0.113.0/24"]
    assert world.run("reload").rc == DONE
    assert live(p15)["networks"] == ["203.0.113.0/24"]
    assert world.run("unblock", "still-no-address").rc == USAGE


def test_a_thousand_at_once_need_yes(world, p15):
    many = "\n".join("198.51.%d.%d" % (n >> 8, n & 255) for n in range(1001))
    asked = change(world, "block", "-", stdin=many)
    assert asked.rc == 3 and "1001" in asked.err and "--yes" in asked.err
    assert stored(p15)["blocked"] == []
    done = change(world, "block", "-", "--yes", stdin=many)
    assert done.rc == DONE and len(done.rows()) == 1001
    assert len(live(p15)["blocked"]) == 1001
    assert len([r for r in p15.requests() if "reload" in r["path"]]) == 1


def test_bulk_in_parts_that_the_server_takes(world, p15):
    """A body over 1 MiB is cut and refused: 15,000 entries with a long reason go in parts, with one reload at the end."""
    many = "\n".join("%d.%d.%d.9" % (20 + (n >> 16), n >> 8 & 255, n & 255) for n in range(15000))
    done = world.run("block", "-", "--yes", "--reason", "x" * 100, "-o", "ndjson", stdin=many)
    assert done.rc == DONE
    assert {row["verdict"] for row in done.ndjson()} == {"in_force"}
    assert len(live(p15)["blocked"]) == 15000
    seen = p15.requests()
    assert len([r for r in seen if "reload" in r["path"]]) == 1
    assert max(r["body_bytes"] for r in seen) <= 1 << 20


def test_reload_tells_what_refuses(world, p15):
    assert world.run("reload", "-o", "json").one()["verdict"] == "in_force"
    p15.edit(block=["not-an-ip"])
    result = world.run("reload", "-o", "json")
    assert result.rc == STORED
    assert "not-an-ip" in result.one()["detail"]


@pytest.mark.parametrize("persona", ["0.16", "0.10", "0.8", "0.6", "rest"])
def test_every_generation_blocks_and_lifts(world, practice, persona):
    p = practice(persona)
    world.use(p)
    assert change(world, "block", "203.0.113.7", "--reason", "case 118").rc == DONE
    p.control("settle", {})
    assert live(p)["blocked"] == ["203.0.113.7"]
    assert change(world, "unblock", "203.0.113.7").rc == DONE
    p.control("settle", {})
    assert live(p)["blocked"] == []


def while_watched(world, p, event, *args):
    """Events keep coming until the verb ends by itself: it must not watch on once it has seen what there was to see."""
    begin = time.monotonic()
    process = world.start(*args, "--watch", "600", stdin=subprocess.DEVNULL)
    while process.poll() is None and time.monotonic() - begin < 60:
        p.event(*event, listener="imap", account="a@example.org")
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            pass
    return world.finish(process)


def test_watch_ends_when_it_has_seen_who_connects(world, p15):
    """The change is done and proven before it is watched; the evidence comes by the log."""
    p15.edit(block=["203.0.113.7"])
    p15.request("GET", "/api/reload/server.blocked-ip")
    result = while_watched(world, p15, ("auth_ok", "203.0.113.7"), "unblock", "203.0.113.7")
    assert result.rc == DONE and "203.0.113.7" in result.out, result
    assert re.search(r"watched: 203\.0\.113\.7 seen connecting: \d+ log lines?, none refused", result.err), result


def test_watch_of_a_block_ends_when_it_is_refused(world, p15):
    result = while_watched(world, p15, ("auth_fail", "203.0.113.7"), "block", "203.0.113.7", "-o", "json")
    steps = result.one()["steps"]
    assert (steps[-1]["step"], steps[-1]["ok"]) == ("watch", True) and "refused again" in steps[-1]["detail"], result
    assert "watched" not in result.err                          # a document says it itself
    assert result.rc == DONE


def test_watch_of_the_last_ones_taken_back_is_in_the_one_document(world, p15):
    """Each change taken back has its own evidence, and the document is still one."""
    world.run("block", "203.0.113.7")
    world.run("block", "203.0.113.8")
    begin = time.monotonic()
    process = world.start("undo", "--last", "2", "-o", "json", "--watch", "600", stdin=subprocess.DEVNULL)
    while process.poll() is None and time.monotonic() - begin < 60:
        for address in ("203.0.113.7", "203.0.113.8"):
            p15.event("auth_ok", address, listener="imap", account="a@example.org")
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            pass
    result = world.finish(process)
    assert [row["target"] for row in result.rows()] == ["203.0.113.8", "203.0.113.7"], result
    for row in result.rows():
        assert row["verdict"] == "in_force" and row["steps"][-1]["step"] == "watch", result
        assert "seen connecting" in row["steps"][-1]["detail"], result
    assert result.rc == DONE and "2 of 2" in result.err and "watched" not in result.err, result
    kept = world.run("journal", "--limit", "2", "-o", "json").rows()
    assert len(kept) == 2 and all("seen connecting" in json.dumps(row["steps"]) for row in kept)


def test_watch_without_traffic_lasts_its_time_and_ctrl_c_ends_it(world, p15):
    result = world.run("block", "203.0.113.7", "203.0.113.8", "--watch", "1")
    assert result.err.count("no traffic") == 2, result
    process = world.start("block", "203.0.113.9", "--watch", "86400", stdin=subprocess.DEVNULL)
    assert b"203.0.113.9" in process.stdout.readline()          # the change itself is told at once
    process.send_signal(signal.SIGINT)
    result = world.finish(process)
    assert (result.rc, "no traffic" in result.err) == (DONE, True), result


def test_watch_has_nothing_to_look_for_without_an_address(world, p15):
    assert world.run("thresholds", "set", "auth", "200/1h", "--watch", "86400").rc == DONE


def test_a_cover_that_is_lifted_too_is_no_cover(world, p15):
    world.run("block", "203.0.113.7", "203.0.113.0/24")
    result = change(world, "unblock", "203.0.113.7", "203.0.113.0/24")
    assert result.rc == DONE and "stays refused" not in result.err, result
    world.run("block", "203.0.113.7", "203.0.113.0/24", "203.0.0.0/16", "--force")
    result = change(world, "unblock", "203.0.113.7", "203.0.113.0/24")
    assert "203.0.113.7 stays refused: covered by 203.0.0.0/16" in result.err, result
    assert {row["verdict"] for row in result.rows()} == {"stored"}


@pytest.mark.parametrize("persona", ["0.16", "0.15", "0.8", "0.6"])
@pytest.mark.parametrize("verb", ["block", "import"])
def test_an_entry_whose_time_is_over_is_blocked_again(world, practice, persona, verb):
    """It is listed and blocks nothing; what is told as in force afterwards is."""
    p = practice(persona)
    world.use(p)
    assert world.run("block", "203.0.113.7", "--for", "1s").rc == DONE
    deadline = time.monotonic() + 30
    while world.run("blocked", "-o", "json").one()["state"] != "expired":
        assert time.monotonic() < deadline
    if verb == "block":
        result = change(world, "block", "203.0.113.7", "--for", "7d")
    else:
        result = change(world, "import", "-", stdin="address,expires_at\n203.0.113.7,2099-01-01T00:00:00Z\n")
    assert result.rc == DONE and result.one()["verdict"] == "in_force", result
    assert "its time is over: it gets another end" in result.err, result
    p.control("settle", {})
    assert world.run("blocked", "-o", "json").one()["state"] == "active"
    assert live(p)["blocked"] == ["203.0.113.7"]
    assert world.run("undo").rc == DONE
    assert world.run("blocked", "-o", "json").rc == NOTHING or world.run("blocked", "-o", "json").one()["state"] == "expired"
