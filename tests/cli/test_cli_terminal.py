# SPDX-License-Identifier: GPL-3.0-or-later
"""Verbs on a terminal: the password prompt, the question before a change that deserves one, Ctrl-C."""

import os
import pty
import select
import signal
import termios
import time

import pytest

from cli_world import CREDENTIALS, DONE, HANG_S, NOTHING, REFUSED
from program import BIN


class Terminal:
    def __init__(self, world, *args, env=None):
        self.out = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(world.path("work"))
            os.execve(BIN, [BIN, *args], world.environment(env))

    def read(self):
        if select.select([self.fd], [], [], 0.1)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return False
            self.out += data
            return bool(data)
        return True

    def until(self, text):
        deadline = time.monotonic() + HANG_S
        while text not in self.out:
            assert time.monotonic() < deadline and self.read(), self.out
        return self.out

    def type(self, text):
        os.write(self.fd, text.encode())

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def wait(self):
        """Exit code; a signal is a negative one."""
        deadline = time.monotonic() + HANG_S
        while self.read():
            assert time.monotonic() < deadline, self.out
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


@pytest.fixture
def asking(practice, world):
    p = practice("0.15", password="cänary-3c")
    world.server = {"STALWARDEN_URL": p.url}
    return p


def test_user_and_password_are_asked_and_the_password_not_shown(world, asking):
    t = Terminal(world, "blocked")
    t.until(b"User: ")
    t.type("admin\n")
    t.until(b"Password: ")
    while t.echoes():
        t.read()
    t.type("cänary-3c\n")
    assert t.wait() == NOTHING
    assert "cänary".encode() not in t.out
    assert b"cat: " not in t.out


def test_only_the_password_when_the_user_is_known(world, asking):
    t = Terminal(world, "blocked", "--user", "admin")
    t.until(b"Password: ")
    assert b"User:" not in t.out
    while t.echoes():
        t.read()
    t.type("wrong\n")
    assert t.wait() == CREDENTIALS
    assert len(asking.requests()) == 1


def test_no_answer_no_request(world, asking):
    t = Terminal(world, "blocked", "--user", "admin")
    t.until(b"Password: ")
    t.type("\n")
    assert t.wait() == CREDENTIALS
    assert asking.requests() == []


@pytest.mark.parametrize("end", ["key", signal.SIGTERM, signal.SIGHUP])
def test_an_end_at_the_prompt_leaves_the_terminal_as_it_was(world, asking, end):
    t = Terminal(world, "blocked", "--user", "admin")
    t.until(b"Password: ")
    while t.echoes():
        t.read()
    if end == "key":
        t.type("\x03")
    else:
        os.kill(t.pid, end)
    deadline = time.monotonic() + HANG_S
    while not t.echoes():
        assert time.monotonic() < deadline, "the terminal was left without echo"
    assert t.wait() != DONE
    assert asking.requests() == []


@pytest.mark.parametrize("answer, rc", [("y\n", DONE), ("n\n", REFUSED), ("\n", REFUSED), ("yes\n", DONE)])
def test_giving_up_protection_is_asked(world, p15, answer, rc):
    t = Terminal(world, "thresholds", "off", "auth")
    t.until(b"[y/N]")
    assert b"higher rate" in t.out
    t.type(answer)
    assert t.wait() == rc
    assert (p15.state()["stored"]["settings"].get("server.auto-ban.auth.rate") == "false") == (rc == DONE)


def test_yes_does_not_ask(world, p15):
    t = Terminal(world, "thresholds", "off", "auth", "--yes")
    assert t.wait() == DONE
    assert b"[y/N]" not in t.out


def test_interrupt_while_the_server_is_silent(world, p15):
    p15.fault("stall", path="prefix=server.blocked-ip", times=-1)
    t = Terminal(world, "blocked", "--timeout", "3000")
    deadline = time.monotonic() + HANG_S
    while not any("prefix=server.blocked-ip" in r["path"] for r in p15.control("requests?keep=1")["requests"]):
        assert time.monotonic() < deadline
    t.type("\x03")
    assert t.wait() not in (DONE, NOTHING, -signal.SIGKILL)
    p15.release()
