# SPDX-License-Identifier: GPL-3.0-or-later
"""The log panel as it lives: followed, paused, scrolled back to the oldest line; our own logins hidden, another's with our name not; from a
pipe, with the keyboard from the terminal."""

import os
import re
import sqlite3
import subprocess

import pytest

from console_world import console, environment, newest_log
from fake.client import Practice
from program import BIN
from terminal import Terminal



def source_of(p, source):
    return p.log_dir if source == "file" else source


def seen(n):
    return "198.51.%d.%d" % (n // 200, n % 200 + 1)


@pytest.mark.parametrize("source", ["file", "api"])
def test_follow_pause_and_go_on(source, tmp_path):
    with Practice("0.15") as p:
        p.event("ehlo", seen(1), domain="x")
        with console(p, tmp_path, log_source=source_of(p, source)) as t:
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
        name = newest_log(p)
        with open(name, "a", encoding="utf-8") as f:
            f.writelines("2026-11-20T10:%02d:%02dZ INFO SMTP EHLO command (smtp.ehlo) remoteIp = %s\n" % (n // 60, n % 60, seen(n)) for n in range(1900))
        with console(p, tmp_path, log_source=source_of(p, source)) as t:
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
        p.event("auth_ok", "127.0.0.1", account="carol@example.org", listener="http")
        with console(p, tmp_path, log_source="api") as t:
            t.wait_text("● live")
            t.send("5")
            t.wait_text("198.51.100.77")
            t.wait_text("bob@example.org")
            t.wait_text("carol@example.org")
            own = lambda: [line for line in t.text.split("\n") if "auth.success" in line and "127.0.0.1" in line and "@example.org" not in line]  # noqa: E731
            assert not own(), t.text
            t.send("H")
            t.wait(lambda: own(), "our own logins")
            t.send("H")
            t.wait(lambda: not own(), "our own logins gone")


LINE = '2026-11-21T09:%02d:00Z INFO Banned due to scan (security.scan-ban) listenerId = "http", remoteIp = %s, path = "/x"\n'


def bans(home):
    with sqlite3.connect(home / "stalwarden" / "history.db") as db:
        return db.execute("SELECT count(*), sum(lines) FROM ban").fetchone()


def test_from_a_pipe_with_the_keyboard_from_the_terminal(tmp_path):
    """Read once, for the panel and for the history; what `docker logs` gives again with the next start is known."""
    fifo = str(tmp_path / "pipe")
    os.mkfifo(fifo)
    with Practice("0.15") as p:
        env = dict(environment(p, tmp_path), FIFO=fifo, SW=BIN)
        for last in (40, 50):
            end = os.open(fifo, os.O_RDWR)  # as `docker logs -f` holds it open
            os.write(end, "".join(LINE % (n, "198.51.100.%d" % n) for n in range(10, last)).encode())
            with Terminal(["sh", "-c", 'exec "$SW" --log-source - < "$FIFO"'], cols=120, rows=60, env=env) as t:
                t.wait_text("● live")
                t.send("5")
                t.wait_text("198.51.100.10")
                t.wait_text("198.51.100.%d" % (last - 1))
                os.write(end, (LINE % (last, "198.51.100.%d" % last)).encode())
                t.wait_text("198.51.100.%d" % last)
                t.send("/100.11\r")
                t.wait_gone("198.51.100.12")
                assert "198.51.100.11" in t.text
                t.send("3")
                t.wait_text("nothing is blocked")
                t.send("q")
                assert t.exit_status() == 0
            os.close(end)
            assert bans(tmp_path) == (last - 9, last - 9)


def test_a_pipe_that_ends(tmp_path):
    (tmp_path / "log").write_text("".join(LINE % (n, "198.51.100.%d" % n) for n in range(10, 40)))
    with Practice("0.15") as p:
        env = dict(environment(p, tmp_path), LOG=str(tmp_path / "log"), SW=BIN)
        with Terminal(["sh", "-c", 'cat "$LOG" | "$SW" --log-source -'], cols=120, rows=60, env=env) as t:
            t.wait_text("● live")
            t.send("5")
            t.wait_text("198.51.100.39")
            t.wait_text("standard input has ended")
            t.send("6")
            t.wait_text("30 bans")
            t.send("q")
            assert t.exit_status() == 0


def test_the_console_and_sync_at_once(tmp_path):
    """Both read the same log into the same store, while it is written: every ban once."""
    with Practice("0.15") as p:
        name = newest_log(p)
        env = {**os.environ, **environment(p, tmp_path)}
        total = 0
        with console(p, tmp_path) as t:
            t.wait_text("● live")
            for n in range(12):
                t.send("16"[n % 2])  # overview and history read the log when they come to the front
                with open(name, "a", encoding="utf-8") as f:
                    f.writelines("2026-11-%02dT%02d:%02d:00Z INFO Banned due to scan (security.scan-ban) listenerId = \"http\", remoteIp = 198.51.%d.%d, "
                                 "path = \"/x\"\n" % (1 + n, i // 60, i % 60, n, i % 200 + 1) for i in range(600))
                total += 600
                t.send("r")
                verbs = [subprocess.Popen([BIN, "sync", "--log-source", p.log_dir], env=env, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
                for verb in verbs:
                    t.pump(0.05)
                    _, said = verb.communicate(timeout=60)
                    assert verb.returncode == 0, said
            t.send("6")
            t.wait_text("by day")
            t.send("q")
            assert t.exit_status() == 0
        subprocess.run([BIN, "sync", "--log-source", p.log_dir], env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True)
        assert bans(tmp_path) == (total, total)
