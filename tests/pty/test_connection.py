# SPDX-License-Identifier: GPL-3.0-or-later
"""No server, the wrong one, no answer, refused: what stands between the console and its server is named on every panel, with the key
that tries again, and nothing unknown is shown as a figure."""

import os
import socket
import sys

import pytest
from terminal import Terminal

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from fake.client import Practice  # noqa: E402

BIN = os.path.abspath(os.environ.get("STALWARDEN_BIN", os.path.join(ROOT, "stalwarden")))


def console(home, url, password="secret"):
    env = {"STALWARDEN_URL": url, "STALWARDEN_USER": "admin", "STALWARDEN_PASSWORD": password, "HOME": str(home), "XDG_STATE_HOME": str(home),
           "XDG_CONFIG_HOME": str(home)}
    return Terminal([BIN], cols=80, rows=24, env=env)


@pytest.fixture
def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        yield s.getsockname()[1]


@pytest.fixture
def practice():
    with Practice("0.15", entries=40) as p:
        yield p


def test_no_answer_is_named_on_every_panel_and_nothing_unknown_is_a_figure(closed_port, tmp_path):
    with console(tmp_path, "http://127.0.0.1:%d" % closed_port) as t:
        t.wait_text("✖ 127.0.0.1:%d: no connection: Connection refused" % closed_port)
        assert "! try now" in t.text and "○ no answer, again in" in t.text
        bars = [line for line in t.text.split("\n") if line.startswith(("auth ", "abuse ", "loiter ", "scan "))]
        assert len(bars) == 4 and all(b.split()[1] == "–" for b in bars), bars
        t.send("3")
        t.wait_text("Blocked   –")
        assert "blocked addresses: 127.0.0.1:%d: no connection" % closed_port in t.text and "loading" not in t.text


def test_an_address_that_can_not_be_stays_on_top_after_the_next_key(tmp_path):
    with console(tmp_path, "foo://mail") as t:
        t.wait_text("must begin with https://")
        t.send("3")
        t.wait_text("Blocked   –")
        assert '✖ url "foo://mail" must begin with https://' in t.text


def test_a_refused_login_says_why_above_the_question_and_is_asked_again_by_its_alarm(practice, tmp_path):
    with console(tmp_path, practice.url, password="wrong") as t:
        t.wait_text("User: admin")
        assert "HTTP 401" in t.text and "Every further try counts towards a ban." in t.text and ".." not in t.text
        t.send("\x1b")
        t.wait_text("✖ not logged in: nothing is asked")
        assert "! log in" in t.text
        t.send("!")
        t.wait_text("User: admin")
        t.send("\r")
        t.wait_text("Password:")
        t.send("secret\r")
        t.wait_text("● live")
        t.wait(lambda: "not logged in" not in t.text, "the alarm outlived the login")


def test_a_lost_server_is_an_alarm_once_it_stays_away_and_none_when_it_is_back(practice, tmp_path):
    with console(tmp_path, practice.url) as t:
        t.wait_text("● live")
        t.send("3")
        t.wait_text("Blocked   40")
        practice.fault("close", times=100)
        t.send("r")
        t.wait_text("the connection was closed without an answer")
        assert "! try now" in t.text
        assert "Blocked   40" in t.text and "○ stale" in t.text
        practice.no_faults()
        t.send("!")
        t.wait_text("● live")
        t.wait(lambda: "without an answer" not in t.text, "the alarm outlived the loss")


def test_a_long_message_is_read_to_its_end(tmp_path):
    """Its end says what to do."""
    env = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    with Terminal([BIN], cols=60, rows=24, env=env) as t:
        t.wait(lambda: "look again" in t.text or "User:" in t.text, "neither found a server nor none")
        if "User:" in t.text:
            pytest.skip("a server listens on this host's loopback")
        words = " ".join(t.text.split())
        assert "start with --url https://HOST, or write stalwarden.conf" in words and "! look again" in words


def test_no_other_alarm_stands_before_the_one_that_keeps_all_from_being_cured(practice, tmp_path):
    practice.edit(block=["172.17.0.1"])
    with console(tmp_path, practice.url) as t:
        t.wait_text("172.17.0.1 is banned")
        practice.fault("status", status=401, times=1)
        t.send("r")
        t.wait_text("User: admin")
        t.send("\x1b")
        t.wait_text("✖ not logged in: nothing is asked")
        lines = t.text.split("\n")
        first = [i for i, line in enumerate(lines) if "not logged in: nothing is asked" in line][0]
        assert "172.17.0.1 is banned" in lines[first + 1], t.text
        t.send("!")
        t.wait_text("User: admin")
        t.send("\r")
        t.wait_text("Password:")
        t.send("secret\r")
        t.wait_text("● live")


def test_another_server_begins_without_the_figures_of_the_one_before(practice, closed_port, tmp_path):
    folder = tmp_path / "stalwarden"
    folder.mkdir()
    conf = folder / "stalwarden.conf"
    conf.write_text('profile "one" { url = "%s" user = "admin" }\nprofile "two" { url = "http://127.0.0.1:%d" user = "admin" }\n' %
                    (practice.url, closed_port))
    conf.chmod(0o600)
    env = {"STALWARDEN_PASSWORD": "secret", "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    with Terminal([BIN, "--profile", "one"], cols=80, rows=24, env=env) as t:
        t.wait_text("3 Blocked 40")
        t.send(":server two\r")
        t.wait(lambda: "two" in t.text.split("\n")[0], "the title is the other's")
        t.settle()
        assert "3 Blocked 40" not in t.text and "4 Allowed 0" not in t.text, t.text
