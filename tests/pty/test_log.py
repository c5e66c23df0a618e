# SPDX-License-Identifier: GPL-3.0-or-later
"""The log panel as it lives: followed, paused, scrolled back to the oldest line; our own logins hidden, another's with our name not."""

import os
import re
import sys

import pytest

from terminal import Terminal

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from fake.client import Practice  # noqa: E402

BIN = os.path.abspath(os.environ.get("STALWARDEN_BIN", os.path.join(ROOT, "stalwarden")))


def environment(p, home):
    return {"STALWARDEN_URL": p.url, "STALWARDEN_USER": p.user, "STALWARDEN_PASSWORD": p.password, "HOME": str(home),
            "XDG_STATE_HOME": str(home), "XDG_CONFIG_HOME": str(home)}


def console(p, home, source):
    return Terminal([BIN, "--log-source", p.log_dir if source == "file" else "api"], cols=120, rows=30, env=environment(p, home))


def seen(n):
    return "198.51.%d.%d" % (n // 200, n % 200 + 1)


@pytest.mark.parametrize("source", ["file", "api"])
def test_follow_pause_and_go_on(source, tmp_path):
    with Practice("0.15") as p:
        p.event("ehlo", seen(1), domain="x")
        with console(p, tmp_path, source) as t:
            t.wait_text("● live")
            t.send("5")
            t.wait_text(seen(1))
            p.event("ehlo", seen(2), domain="x")
            t.send("r")
            t.wait_text(seen(2))
            t.send("p")
            t.wait_text("paused")
            p.event("ehlo", seen(3), domain="x")
            t.settle(0.5)
            assert seen(3) not in t.text
            t.send("p")
            t.wait_text(seen(3))
            order = [t.text.index(seen(n)) for n in (3, 2, 1)]
            assert order == sorted(order), "newest first"


@pytest.mark.parametrize("source", ["file", "api"])
def test_scrolled_back_to_the_oldest_line(source, tmp_path):
    with Practice("0.15") as p:
        name = os.path.join(p.log_dir, sorted(os.listdir(p.log_dir))[-1])
        with open(name, "a", encoding="utf-8") as f:
            f.writelines("2026-11-20T10:%02d:%02dZ INFO SMTP EHLO command (smtp.ehlo) remoteIp = %s\n" % (n // 60, n % 60, seen(n)) for n in range(1900))
        with console(p, tmp_path, source) as t:
            t.wait_text("● live")
            t.send("5")
            t.wait_text(seen(1899))
            found = set()
            for _ in range(120):
                t.settle(0.05)
                text = t.text
                found.update(re.findall(r"198\.51\.\d+\.\d+", text))
                if "server.startup" in text:
                    break
                t.send("\x1b[6~")
            assert "server.startup" in t.text, t.text
            assert found == {seen(n) for n in range(1900)}


def test_our_own_logins_are_hidden_and_anothers_are_not(tmp_path):
    with Practice("0.15") as p:
        p.event("auth_ok", "198.51.100.77", account=p.user, listener="http")
        p.event("auth_ok", "127.0.0.1", account="bob@example.org", listener="imap")
        with console(p, tmp_path, "api") as t:
            t.wait_text("● live")
            t.send("5")
            t.wait_text("198.51.100.77")
            t.wait_text("bob@example.org")
            own = lambda: [line for line in t.text.split("\n") if "auth.success" in line and "127.0.0.1" in line and "bob" not in line]  # noqa: E731
            assert not own(), t.text
            t.send("H")
            t.wait(lambda: own(), "our own logins")
            t.send("H")
            t.wait(lambda: not own(), "our own logins gone")
