# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/demo.sh leaves neither process nor file, whatever ends it. A stand-in takes the console's place: this is about the script."""

import os
import pty
import select
import signal
import subprocess
import time

import pytest

from program import ROOT

HANG_S = 60

# A console as far as the script can tell: says where it was sent, catches what a console catches, reads the terminal.
CONSOLE = """#!/usr/bin/python3
import os, signal, sys
for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(n, lambda n, f: (os.write(1, b"console: signal %d\\n" % n), os._exit(9)))
print("console:", sys.argv[1:], os.environ["STALWARDEN_URL"], os.environ["STALWARDEN_USER"], flush=True)
line = sys.stdin.readline()
sys.exit(7 if line else 8)
"""


class Demo:
    def __init__(self, tmp_path, persona):
        self.tmp = tmp_path / "tmp"
        self.tmp.mkdir()
        console = tmp_path / "console"
        console.write_text(CONSOLE)
        console.chmod(0o755)
        self.out = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TMPDIR=str(self.tmp), STALWARDEN_BIN=str(console), PERSONA=persona, DAYS="1")
            os.chdir(ROOT)
            os.execv("/bin/sh", ["sh", "tools/demo.sh"])

    def until(self, text):
        deadline = time.monotonic() + HANG_S
        while text not in self.out:
            assert time.monotonic() < deadline, self.out
            if select.select([self.fd], [], [], 0.2)[0]:
                self.out += os.read(self.fd, 65536)

    def drain(self):
        """What is still in the terminal when all have left it."""
        while select.select([self.fd], [], [], 0)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return
            if not data:
                return
            self.out += data

    def processes(self):
        """Those that know this demo's folder, whoever their parent is now."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/cmdline" % pid, "rb") as f:
                    line = f.read()
                with open("/proc/%s/environ" % pid, "rb") as f:
                    environ = f.read()
            except OSError:
                continue
            if line and str(self.tmp).encode() in environ and int(pid) != os.getpid():
                found.append((int(pid), line.replace(b"\0", b" ").decode("utf-8", "replace")))
        return found

    def gone(self):
        """Waits until nothing is left; the script itself is reaped on the way."""
        deadline = time.monotonic() + HANG_S
        status = None
        while True:
            if status is None:
                pid, s = os.waitpid(self.pid, os.WNOHANG)
                status = s if pid else None
            left = self.processes() + os.listdir(self.tmp)
            if status is not None and not left:
                return status
            assert time.monotonic() < deadline, left
            time.sleep(0.02)


@pytest.fixture
def demo(tmp_path, request):
    d = Demo(tmp_path, getattr(request, "param", "0.15"))
    yield d
    for pid, _ in d.processes():
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("demo", ["0.15", "0.16"], indirect=True)
def test_the_console_ends_by_itself(demo):
    demo.until(b"console: ")
    demo.until(b"admin\r\n")
    assert b"http://127.0.0.1:" in demo.out and b"--log-source" in demo.out
    os.write(demo.fd, b"bye\n")
    assert os.waitstatus_to_exitcode(demo.gone()) == 7


def test_interrupt_while_the_console_runs(demo):
    demo.until(b"admin\r\n")
    os.write(demo.fd, b"\x03")
    demo.gone()
    demo.drain()
    assert b"console: signal 2" in demo.out


def test_interrupt_while_the_server_starts(demo):
    demo.until(b"starting")
    os.write(demo.fd, b"\x03")
    assert os.waitstatus_to_exitcode(demo.gone()) != 0


def test_terminate_reaches_the_console_first(demo):
    demo.until(b"admin\r\n")
    os.kill(demo.pid, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(demo.gone()) == 143
    demo.drain()
    assert b"console: signal 15" in demo.out


def test_the_terminal_is_closed(demo):
    demo.until(b"admin\r\n")
    os.close(demo.fd)
    demo.gone()


def test_the_script_is_killed(demo):
    demo.until(b"admin\r\n")
    os.kill(demo.pid, signal.SIGKILL)
    demo.gone()


def test_without_a_terminal():
    done = subprocess.run(["sh", "tools/demo.sh"], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=HANG_S)
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr


def test_an_unknown_generation_says_so(tmp_path):
    d = Demo(tmp_path, "9.9")
    d.until(b"invalid choice")
    assert os.waitstatus_to_exitcode(d.gone()) == 1
    os.close(d.fd)
