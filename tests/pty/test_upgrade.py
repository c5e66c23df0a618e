# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that is upgraded, or taken back, under a running console: noticed by what it answers, said, and gone on with."""

import pytest

import console_world
from fake.client import Practice
from program import configure

WORDS = {"0.6": "0.5 – 0.6", "0.8": "0.7 – 0.9.3", "0.15": "0.11 – 0.15", "0.16": "0.16", "rest": "REST gateway"}


def console(p, home, log=None):
    """log: a folder of its own, so that nothing but the answers tells of an upgrade. It looks by itself every second: a key typed after
    the message would take it away."""
    configure(home, "ui {\n\trefresh = 1s\n}\n")
    return console_world.console(p, home, log_source=log, cols=140)


def silent(tmp_path):
    folder = tmp_path / "silent"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("before,after", [("0.15", "0.16"), ("0.6", "0.15"), ("0.16", "0.15"), ("rest", "0.16"), ("0.15", "rest"), ("0.16", "0.6")])
def test_the_next_look_finds_another_generation(tmp_path, before, after):
    with Practice(before) as p, console(p, tmp_path, silent(tmp_path)) as t:
        p.edit(block=["203.0.113.77"])
        t.wait_text(WORDS[before])
        t.send("3r")
        t.wait_text("203.0.113.77")
        p.become(after)
        p.edit(block=["45.9.148.11"])
        t.wait_text("45.9.148.11")
        t.wait_text("203.0.113.77")
        t.wait_text("was %s, is %s now" % (WORDS[before], WORDS[after]))


def test_a_change_goes_on_in_the_new_dialect(tmp_path):
    """Planned on what the former server said, written in the words of the new one."""
    with Practice("0.15") as p, console(p, tmp_path, silent(tmp_path)) as t:
        p.edit(block=["203.0.113.77"])
        t.wait_text(WORDS["0.15"])
        t.send("3r")
        t.wait_text("203.0.113.77")
        t.send("d")
        t.wait_text("outlive")
        p.become("0.16")
        t.send("y")
        t.wait_text("in force")
        assert p.state()["stored"]["blocked"] == [] and p.state()["live"]["blocked"] == []


def test_an_upgrade_that_keeps_the_paths_is_told_by_the_log(tmp_path):
    """0.8 and 0.15 have the same calls: only what may be stored is another."""
    with Practice("0.8") as p, console(p, tmp_path) as t:
        t.wait_text(WORDS["0.8"])
        t.send("2")
        t.wait_text("ban after 100 failures")
        assert "loiter" not in t.text
        p.advance(2)
        p.become("0.15")
        t.wait_text("was %s, is %s now" % (WORDS["0.8"], WORDS["0.15"]))
        t.wait_text("loiter")


def test_what_credentials_may_not_do_is_not_offered(tmp_path):
    with Practice("0.16", options={"accounts": [{"name": "viewer", "password": "v", "permissions": [
            "sysSecurityGet", "sysBlockedIpGet", "sysBlockedIpQuery", "sysAllowedIpGet", "sysAllowedIpQuery", "sysLogGet", "sysLogQuery"]}]}) as p:
        p.edit(block=["203.0.113.77"])
        p.user, p.password = "viewer", "v"
        with console(p, tmp_path) as t:
            t.wait_text("LOOK ONLY")
            t.send("3")
            t.wait_text("203.0.113.77")
            t.wait_text("r refresh")
            assert "un-block" not in t.text
            t.send("d")
            t.wait_text("can't block and un-block: these credentials may not do that")
            t.send("2a")
            t.wait_text("can't change thresholds: these credentials may not do that")
            asked = [r for r in p.requests() if "x:BlockedIp/set" in r.get("body", "")]
            assert p.state()["stored"]["blocked"] == ["203.0.113.77"] and len(asked) <= 1


def test_a_server_is_asked_once_what_credentials_may_do(tmp_path):
    with Practice("0.16") as p, console(p, tmp_path) as t:
        t.wait_text(WORDS["0.16"])
        t.send("3rr")
        t.wait_text("Blocked")
        t.wait_text("live")
        assert "LOOK ONLY" not in t.text
