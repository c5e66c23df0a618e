# SPDX-License-Identifier: GPL-3.0-or-later
"""The console's day: refused and let in, resized, suspended, killed, left alone. What it asks of the server meanwhile is counted."""

import random
import re
import signal

import pytest

from console_world import console, environment, run
from fake.client import Practice
from program import BIN, at_home, configure
from terminal import Terminal

REFRESH = "ui {\n\trefresh = 1s\n}\n"
INTERVALS_2 = 2.2  # seconds: nothing may come in two refresh intervals


@pytest.fixture
def practice():
    with Practice("0.15", entries=40) as p:
        yield p


def without_age(text):
    return re.sub(r"as of \d+ s ago", "as of N s ago", text)


def lists_asked(requests):
    return [r["path"] for r in requests if "blocked-ip" in r["path"]]


def begin_a_change(t, practice):
    """The first row is un-blocked, and the server holds the reload."""
    t.wait_text("● live")
    t.send("3")
    t.wait_text("Blocked   40")
    practice.fault("stall", path="/api/reload", times=1)
    practice.requests()
    t.send("d")
    t.wait_text("y yes")
    t.send("y")
    t.wait(lambda: any("/api/reload" in r["path"] for r in practice.requests()), "it never came to the reload")


def test_one_refused_login_and_then_the_right_one(practice, tmp_path):
    with console(practice, tmp_path, password="wrong") as t:
        t.wait_text("User:")
        assert len(practice.requests()) == 1
        t.send("\r")
        t.wait_text("Password:")
        t.send("secret\r")
        t.wait_text("● live")
        assert "secret" not in t.text and b"secret" not in t.raw
        t.send("3")
        t.wait_text("Blocked   40")


def test_no_request_while_nobody_answers_the_login(practice, tmp_path):
    configure(tmp_path, REFRESH)
    with console(practice, tmp_path, password="wrong") as t:
        t.wait_text("User:")
        practice.requests()
        t.send("x")
        t.wait_text("adminx")
        t.settle(INTERVALS_2)
        assert practice.requests() == []


def test_a_hidden_panel_does_not_poll(practice, tmp_path):
    configure(tmp_path, REFRESH)
    with console(practice, tmp_path) as t:
        t.wait_text("● live")
        t.send("3")
        t.wait_text("Blocked   40")
        practice.requests()
        seen = []
        t.wait(lambda: seen.extend(practice.requests()) or len(lists_asked(seen)) >= 2, "the shown list is fetched again")
        t.send("8")  # servers: nothing of it comes from the server
        t.wait_text("SPEAKS")
        t.settle()
        practice.requests()
        t.settle(INTERVALS_2)
        assert lists_asked(practice.requests()) == []
        t.send("3")
        t.wait(lambda: lists_asked(practice.requests()), "shown again, fetched again")


def test_p_stops_asking(practice, tmp_path):
    configure(tmp_path, REFRESH)
    with console(practice, tmp_path) as t:
        t.wait_text("● live")
        t.send("3")
        t.wait_text("Blocked   40")
        t.send("p")
        t.wait_text("paused")
        t.settle()
        practice.requests()
        t.settle(INTERVALS_2)
        assert lists_asked(practice.requests()) == []


def test_a_storm_of_sizes_ends_as_a_fresh_paint(practice, tmp_path):
    sizes = random.Random(7)
    with console(practice, tmp_path) as t:
        t.wait_text("● live")
        for panel in "123456789":
            t.send(panel)
            for _ in range(12):
                t.resize(sizes.randint(40, 200), sizes.randint(10, 60))
                t.pump(0)
        t.send("3p")  # a list that stands still
        t.resize(91, 27)
        t.wait_text("paused")
        t.settle()
        t.screen.resize(27, 91)
        t.send("\x0c")
        t.settle()
        painted = without_age(t.text)
        t.new_emulator()
        t.send("\x0c")
        t.wait_text("paused")
        t.settle()
        assert without_age(t.text) == painted


def test_suspended_and_resumed_it_shows_what_is_so_now(practice, tmp_path):
    configure(tmp_path, REFRESH)
    env = {**environment(practice, tmp_path), "PS1": "READY> ", "SW": BIN, "LOGS": practice.log_dir}
    with Terminal(["bash", "--norc", "--noprofile", "-i"], cols=100, rows=30, env=env) as t:
        t.wait_text("READY>")
        t.send("$SW --log-source $LOGS\r")
        t.wait_text("● live")
        t.send("3")
        t.wait_text("Blocked   40")
        t.send("\x1a")
        t.wait_text("Stopped")
        practice.edit(block=["203.0.113.77"])
        t.send("clear; fg\r")
        t.wait_text("Blocked   41")
        t.send("q")
        t.wait_text("READY>")
        t.send("clear; echo status $?\r")
        t.wait_text("status 0")


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGQUIT])
def test_killed_at_a_question_it_gives_the_terminal_back(practice, tmp_path, number):
    with console(practice, tmp_path) as t:
        t.wait_text("● live")
        t.send("3")
        t.wait_text("Blocked   40")
        t.send("d")
        t.wait_text("Un-block")
        t.process.send_signal(number)
        assert t.exit_status() == -number
        assert t.modes() == t.modes_before
        assert b"\x1b[?1049l" in t.raw
        assert len(practice.state()["stored"]["blocked"]) == 40


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_ended_in_the_middle_of_a_change_the_journal_has_it(practice, tmp_path, number):
    with console(practice, tmp_path) as t:
        begin_a_change(t, practice)
        t.process.send_signal(number)
        t.exit_status()
        assert t.modes() == t.modes_before
        practice.release()
    with run(practice, tmp_path, "journal", "-o", "json", cols=200) as out:
        out.exit_status()
        assert '"in_force"' not in out.text and '"unblock"' in out.text


def test_another_server_not_in_the_middle_of_a_change(practice, tmp_path):
    with Practice("0.15", entries=3) as other:
        configure(tmp_path, "".join('profile "%s" {\n\turl = "%s"\n\tuser = %s\n\tpassword = %s\n}\n' % (name, p.url, p.user, p.password)
                                    for name, p in (("first", practice), ("second", other))))
        with Terminal([BIN, "--profile", "first", "--log-source", practice.log_dir], cols=100, rows=30, env=at_home(tmp_path)) as t:
            begin_a_change(t, practice)
            for way in (":server second\r", "8j\r"):
                t.send(way)
                t.wait_text("a change is running: wait for its verdict")
                t.send("3")
                t.wait_gone("a change is running")
            practice.release()
            t.wait_text("in force")
            t.send(":server second\r")
            t.wait_text("second · ")
            t.wait_text("Blocked   3 ")
            t.send("d")
            t.wait_text("y yes")
            t.send("y")
            t.wait_text("Blocked   2 ")
            assert len(other.state()["stored"]["blocked"]) == 2 and len(practice.state()["stored"]["blocked"]) == 39
