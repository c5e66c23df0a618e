# SPDX-License-Identifier: GPL-3.0-or-later
"""The promise: a verdict says no more than what is so. Every way a change can go wrong, against the server's stored and live state."""

import signal
import subprocess

import pytest

from cli_world import CREDENTIALS, DONE, MISMATCH, NOTHING, PARTLY, SERVER, STORED

ADDRESS = "203.0.113.7"
NETWORK = "203.0.113.0/24"


def change(world, *args, **more):
    return world.run(*args, "-o", "json", **more)


def is_stored(p, target):
    return target in p.state()["stored"]["blocked"]


def is_live(p, target):
    live = p.state()["live"]
    return target in live["blocked"] + live["networks"]


# ---- a reload that does not take it ----------------------------------------------------------------

def test_a_malformed_entry_elsewhere_refuses_a_network(world, p15):
    """A network needs the full reload, which one bad key anywhere refuses: stored, not live, and the key is named."""
    p15.edit(block=["10.0.0.300"])
    result = change(world, "block", NETWORK)
    row = result.one()
    assert (result.rc, row["verdict"]) == (STORED, "stored")
    assert "10.0.0.300" in row["detail"]
    assert [s["ok"] for s in row["steps"]] == [True, True, False]
    assert is_stored(p15, NETWORK) and not is_live(p15, NETWORK)


def test_a_malformed_entry_elsewhere_does_not_stop_an_address(world, p15):
    """The small reload lists the bad key as an error and still makes the good ones live: that is in force."""
    p15.edit(block=["10.0.0.300"])
    result = change(world, "block", ADDRESS)
    assert (result.rc, result.one()["verdict"]) == (DONE, "in_force")
    assert is_live(p15, ADDRESS)


def test_an_error_in_another_section_refuses(world, p15):
    p15.fault("answer", path="^/api/reload$", json={"data": {"errors": {"lookup.default.hostname": {
        "type": "Build", "error": "no such host \u001b]52;c;x\u0007"}}, "warnings": {}}})
    result = change(world, "block", NETWORK)
    assert (result.rc, result.one()["verdict"]) == (STORED, "stored")
    assert "lookup.default.hostname" in result.one()["detail"]


def test_the_reload_is_forbidden(world, practice):
    p = practice("0.15", options={"keys": [{"name": "k", "secret": "s", "permissions":
                                            ["settings-list", "settings-update", "settings-delete", "logs-view"]}]})
    world.use_key(p, "k", "s")
    result = change(world, "block", ADDRESS)
    assert (result.rc, result.one()["verdict"]) == (STORED, "stored")
    assert is_stored(p, ADDRESS) and not is_live(p, ADDRESS)


def test_writing_is_forbidden(world, practice):
    p = practice("0.15", options={"keys": [{"name": "k", "secret": "s", "permissions": ["settings-list", "settings-reload", "logs-view"]}]})
    world.use_key(p, "k", "s")
    result = world.run("block", ADDRESS, "-o", "json")
    assert result.rc == CREDENTIALS, result
    assert not is_stored(p, ADDRESS)


# ---- a store that lies -----------------------------------------------------------------------------

def test_a_file_that_cannot_be_written(world, p15):
    """0.15 answers 500, yet the value reads back and goes live until the next restart: not in force."""
    p15.control("readonly-file", True)
    result = change(world, "thresholds", "set", "auth", "200/1h")
    row = result.one()
    assert row["verdict"] != "in_force" and result.rc in (SERVER, STORED)
    p15.restart()
    assert p15.state()["live"]["thresholds"]["auth"] == [100, 86400]


def test_a_write_that_is_taken_and_not_applied(world, p15):
    p15.fault("not_applied", method="POST", path="^/api/settings", body="blocked-ip")
    result = change(world, "block", ADDRESS)
    assert (result.rc, result.one()["verdict"]) == (MISMATCH, "mismatch")
    assert result.one()["after"] is None
    assert not is_stored(p15, ADDRESS)
    assert world.run("journal", "-o", "json").one()["verdict"] == "mismatch"


def test_a_delete_that_is_taken_and_not_applied(world, p15):
    world.run("block", ADDRESS)
    p15.fault("not_applied", method="POST", path="^/api/settings", body="delete")
    result = change(world, "unblock", ADDRESS)
    assert (result.rc, result.one()["verdict"]) == (MISMATCH, "mismatch")
    assert is_stored(p15, ADDRESS)


def test_another_admin_wrote_something_else(world, p15):
    """Between the write and the read back somebody changes the rate: both values are shown, and it is a mismatch."""
    p15.fault("answer", method="GET", path="auto-ban.auth.rate", skip=3, times=-1, json={"data": {"server.auto-ban.auth.rate": "7/1d"}})
    result = change(world, "thresholds", "set", "auth", "200/1h")
    row = result.one()
    assert (result.rc, row["verdict"]) == (MISMATCH, "mismatch"), result
    assert row["after"] == "7/1d"
    assert "7/1d" in world.run("journal", "-o", "json").rows()[0]["after"]


def test_a_value_that_changed_since_it_was_shown_is_not_overwritten(world, p15):
    """What a person saw is what may be replaced: here the list still shows the default while the store says otherwise."""
    p15.edit(set={"server.auto-ban.auth.rate": "55/1h"})
    p15.fault("answer", method="GET", path="prefixes=server.auto-ban.scan", json={"data": {}})
    result = change(world, "thresholds", "set", "auth", "200/1h")
    if result.one()["verdict"] == "in_force":                  # the fault met another request: then nothing was stale
        pytest.fail("the stale answer was never used: %r" % p15.requests())
    assert result.rc == MISMATCH
    assert p15.state()["stored"]["settings"]["server.auto-ban.auth.rate"] == "55/1h"
    assert "55/1h" in result.out


# ---- what the server refuses -----------------------------------------------------------------------

@pytest.mark.parametrize("fault, rc", [
    (dict(kind="status", status=403), CREDENTIALS), (dict(kind="status", status=500), SERVER), (dict(kind="status", status=502, **{"as": "html"}), SERVER),
    (dict(kind="status", status=413), SERVER), (dict(kind="html"), SERVER), (dict(kind="garbage"), SERVER),
    (dict(kind="answer", json={"error": "other", "details": "disk full"}), SERVER), (dict(kind="redirect", to="http://127.0.0.1:1/login"), SERVER)])
def test_a_refused_write_is_not_stored_and_told_in_the_servers_words(world, p15, fault, rc):
    p15.fault(method="POST", path="^/api/settings", body="blocked-ip", **fault)
    result = change(world, "block", ADDRESS)
    row = result.one()
    assert row["verdict"] in ("not_stored", "unknown", "mismatch"), result
    assert not is_stored(p15, ADDRESS)
    if row["verdict"] == "not_stored":
        assert result.rc == rc, result
    if "json" in fault:
        assert "disk full" in row["detail"]


def test_many_and_one_of_them_refused(world, p15):
    p15.edit(block=["203.0.113.9"])
    result = change(world, "unblock", "203.0.113.9", "203.0.113.10")
    assert result.rc == DONE                                   # absent already is in force, too
    p15.edit(block=["10.0.0.300"])
    result = change(world, "block", "203.0.113.30", "198.51.100.0/25")
    rows = {row["target"]: row["verdict"] for row in result.rows()}
    assert rows == {"203.0.113.30": "in_force", "198.51.100.0/25": "stored"}
    assert result.rc == PARTLY
    assert is_live(p15, "203.0.113.30") and not is_live(p15, "198.51.100.0/25")


# ---- the connection is lost on the way -------------------------------------------------------------

def sequence(world, p, *args):
    """Requests of a change, in order, so that each can be cut."""
    p.requests()
    change(world, *args)
    return p.requests()


def truth(p, row, adding):
    """Whether a verdict is true; 'unknown' claims nothing."""
    stored, live = is_stored(p, row["target"]), is_live(p, row["target"])
    if not adding:
        stored, live = not stored, not live
    return {"in_force": stored and live, "stored": stored and not live, "not_stored": not stored,
            "mismatch": not stored, "unknown": True}[row["verdict"]]


KINDS = [dict(kind="close"), dict(kind="close_after"), dict(kind="reset"), dict(kind="reset_after"), dict(kind="half", bytes=10),
         dict(kind="half", bytes=120)]


@pytest.mark.parametrize("fault", KINDS, ids=lambda f: "-".join(str(v) for v in f.values()))
@pytest.mark.parametrize("verb, target, times", [("block", ADDRESS, 1), ("block", NETWORK, 1), ("unblock", ADDRESS, 1), ("unblock", NETWORK, 1),
                                                 ("block", ADDRESS, -1), ("unblock", NETWORK, -1)],
                         ids=lambda v: {1: "once", -1: "for-good"}.get(v, v))
def test_cut_between_each_pair_of_steps(world, p15, verb, target, times, fault):
    """Cut every request of a change in turn, before and after the server worked on it: no verdict ever claims what is not so."""
    adding = verb == "block"

    def reset():
        p15.no_faults()
        p15.edit(**({"unblock": [target]} if adding else {"block": [target]}))
        p15.request("GET", "/api/reload")
        p15.requests()

    reset()
    steps = sequence(world, p15, verb, target)
    first_write = next(n for n, r in enumerate(steps) if r["method"] == "POST" and "blocked-ip" in r["body"])
    assert len(steps) - first_write == 3
    for n in range(len(steps)):
        reset()
        p15.fault(skip=n, times=times, **fault)
        result = change(world, verb, target, "--timeout", "1" if times < 0 else "3")
        seen = p15.requests()
        p15.no_faults()
        if n < first_write:
            # Nothing was sent that changes anything, or the read was tried again; either way it is told.
            assert result.rc in (SERVER, DONE, NOTHING), (n, result, seen)
            if not result.out or not result.rows():
                assert is_stored(p15, target) != adding, (n, result)
                continue
        row = result.one()
        assert truth(p15, row, adding), (n, result, p15.state()["stored"]["blocked"], p15.state()["live"], seen)
        if row["verdict"] == "unknown":
            assert result.rc == SERVER
            assert world.run("journal", "--limit", "1", "-o", "json").one()["verdict"] == "unknown"


def lose_the_answer(p, times):
    """The write reaches the server, nothing comes back, and for so many requests after it the server does not answer."""
    p.fault("close_after", method="POST", path="^/api/settings", body="blocked-ip", times=1)
    p.fault("close", path="blocked-ip", skip=2, times=times)


def test_a_lost_answer_to_the_write_is_unknown_not_refused(world, p15):
    lose_the_answer(p15, -1)
    result = change(world, "block", ADDRESS, "--timeout", "2")
    assert (result.rc, result.one()["verdict"]) == (SERVER, "unknown"), result
    assert "as soon as the server answers" in result.err
    assert is_stored(p15, ADDRESS)
    p15.no_faults()
    row = world.run("journal", "-o", "json").one()
    assert row["verdict"] == "unknown" and row["target"] == ADDRESS


@pytest.mark.parametrize("verb", ["block", "unblock"])
def test_what_became_of_it_is_read_before_the_verb_ends(world, p15, verb):
    """The server comes back within the time-out: the verdict is what is so, the reload that was not come to is made up for."""
    if verb == "unblock":
        world.run("block", ADDRESS)
        p15.requests()
    lose_the_answer(p15, 1)
    result = change(world, verb, ADDRESS)
    assert (result.rc, result.one()["verdict"]) == (DONE, "in_force"), result
    assert is_stored(p15, ADDRESS) == is_live(p15, ADDRESS) == (verb == "block")
    row = world.run("journal", "--limit", "1", "-o", "json").one()
    assert (row["op"], row["verdict"]) == (verb, "in_force")


def test_a_write_that_never_arrived_is_not_stored(world, p15):
    p15.fault("close", method="POST", path="^/api/settings", body="blocked-ip", times=2)
    result = change(world, "block", ADDRESS)
    assert result.one()["verdict"] != "unknown" and truth(p15, result.one(), True), result


def test_waiting_for_the_server_ends_on_ctrl_c(world, p15):
    lose_the_answer(p15, -1)
    process = world.start("block", ADDRESS, "-o", "json", "--timeout", "3600", stdin=subprocess.DEVNULL)
    line = process.stderr.readline()                            # it says that it waits
    assert b"as soon as the server answers" in line, line
    process.send_signal(signal.SIGINT)
    result = world.finish(process)
    assert (result.rc, result.one()["verdict"]) == (SERVER, "unknown"), result


def test_the_reloads_answer_is_lost(world, p15):
    p15.fault("close_after", path="/api/reload", times=-1)
    result = change(world, "block", ADDRESS, "--timeout", "2")
    assert result.one()["verdict"] in ("unknown", "stored") and result.rc in (SERVER, STORED)
    failed = [s["step"] for s in result.one()["steps"] if not s["ok"]]
    assert set(failed) == {"reload"} and len(failed) <= 4, result  # tried again when the server was back


def test_a_half_answered_list_is_not_shown_as_whole(world, practice):
    p = practice("0.15", entries=2000)
    world.use(p)
    p.fault("half", path="prefix=server.blocked-ip", bytes=9000, times=-1)
    result = world.run("blocked", "-o", "json")
    assert result.rc == SERVER and result.out == ""
    p.no_faults()
    p.fault("length", path="prefix=server.blocked-ip", delta=-40, times=-1)
    result = world.run("blocked", "-o", "json")
    assert result.rc == SERVER and result.out == ""


@pytest.mark.parametrize("fault", [dict(kind="huge", bytes=16 << 20), dict(kind="raw", text="HTTP/1.1 200 OK\r\n\r\n" + '{"data":' * 3000),
                                   dict(kind="html"), dict(kind="garbage"), dict(kind="answer", json=None), dict(kind="answer", json=[]),
                                   dict(kind="answer", json={"data": 7}), dict(kind="answer", json={"error": "other", "details": "x\u001b[2J"})],
                         ids=lambda f: f["kind"])
def test_unusable_answers_are_errors(world, p15, fault):
    p15.fault(path="api/reload", times=-1, **fault)
    result = change(world, "block", ADDRESS)
    assert result.one()["verdict"] in ("stored", "unknown") and result.rc in (STORED, SERVER), result


def test_a_stalled_server_times_out(world, p15):
    p15.fault("stall", path="prefix=server.blocked-ip")
    result = world.run("blocked", "--timeout", "1")
    p15.release()
    assert result.rc == SERVER and "no answer within 1 s" in result.err, result


def test_what_only_a_network_refuses_was_not_deleted(world, p15):
    p15.edit(block=["203.0.113.0/24", "203.0.113.9"])
    p15.request("GET", "/api/reload")
    for address, words in (("203.0.113.250", "not listed itself, but still refused: covered by 203.0.113.0/24"),
                           ("203.0.113.9", "deleted, but still refused: covered by 203.0.113.0/24")):
        result = world.run("unblock", address)
        assert result.rc == STORED and words in result.out, result
