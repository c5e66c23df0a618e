# SPDX-License-Identifier: GPL-3.0-or-later
"""A program on a pseudo-terminal, its screen as a terminal emulator sees it, and the bytes it really sent."""

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time

import pyte

GUARD = 20  # seconds after which a condition is given up: a hang guard, not a measure


class Screen(pyte.Screen):
    """pyte 0.8 knows neither SU, SD nor REP, which xterm's terminfo entry has."""

    last = " "

    def draw(self, data):
        super().draw(data)
        self.last = data[-1]

    def repeat(self, count=1):
        super().draw(self.last * count)

    def _scroll(self, count, at_bottom):
        top, bottom = self.margins or (0, self.lines - 1)
        x, y = self.cursor.x, self.cursor.y
        self.cursor.y = bottom if at_bottom else top
        for _ in range(count or 1):
            (self.index if at_bottom else self.reverse_index)()
        self.cursor.x, self.cursor.y = x, y

    def scroll_up(self, count=1):
        self._scroll(count, True)

    def scroll_down(self, count=1):
        self._scroll(count, False)


class Stream(pyte.ByteStream):
    csi = {**pyte.ByteStream.csi, "S": "scroll_up", "T": "scroll_down", "b": "repeat"}
    events = pyte.ByteStream.events | {"scroll_up", "scroll_down", "repeat"}


class Terminal:
    def __init__(self, argv, cols=80, rows=24, term="xterm-256color", env=None, cwd=None):
        self.master, self.slave = os.openpty()
        self.cols, self.rows = cols, rows
        self._set_size(cols, rows)
        self.modes_before = termios.tcgetattr(self.slave)
        self.screen = Screen(cols, rows)
        self.stream = Stream(self.screen)
        self.raw = bytearray()
        full = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TMUX", "STALWARDEN_SCRIPT", "LINES", "COLUMNS")}
        full.update({"TERM": term, "LC_ALL": "C.UTF-8", "INPUTRC": "/dev/null"})
        full.update(env or {})
        self.started = time.monotonic()
        self.process = subprocess.Popen(argv, stdin=self.slave, stdout=self.slave, stderr=self.slave, env=full, cwd=cwd,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for fd in (self.master, self.slave):
            if fd is not None:
                os.close(fd)

    def _set_size(self, cols, rows):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def resize(self, cols, rows, follow=True):
        """follow=False: the emulator learns the size later, by settle()."""
        self.cols, self.rows = cols, rows
        if follow:
            self.screen.resize(rows, cols)
        self._set_size(cols, rows)

    def new_emulator(self):
        """As if the terminal window had just been opened: nothing is known of what was sent before."""
        self.screen = Screen(self.cols, self.rows)
        self.stream = Stream(self.screen)

    def send(self, keys):
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            data = data[os.write(self.master, data[:1024]):]
            self.pump(0)

    def pump(self, timeout):
        """Reads what there is; the number of bytes."""
        total = 0
        while select.select([self.master], [], [], timeout)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                break
            if not data:
                break
            self.raw += data
            self.stream.feed(data)
            total += len(data)
            timeout = 0
        return total

    @property
    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait(self, condition, what=""):
        end = time.monotonic() + GUARD
        while not condition():
            self.pump(0.005)
            assert time.monotonic() < end, f"{what}\n{self.text}"

    def wait_text(self, part):
        self.wait(lambda: part in self.text, f"{part!r} never came")

    def wait_gone(self, part):
        self.wait(lambda: part not in self.text, f"{part!r} never went")

    def busy(self):
        """There are keys that it has not read yet, or it is computing (a quiet terminal alone says little on a loaded host)."""
        if self.process.poll() is not None:
            return False
        unread = struct.unpack("i", fcntl.ioctl(self.slave, termios.FIONREAD, b"\0\0\0\0"))[0]
        try:
            with open(f"/proc/{self.process.pid}/stat", "rb") as f:
                state = f.read().rpartition(b")")[2].split()[0]
        except OSError:
            return False
        return unread > 0 or state in b"RD"

    def settle(self, quiet=0.15):
        """Until nothing was sent for a while and it waits for more; the number of bytes it took."""
        total, end = 0, time.monotonic() + GUARD
        while True:
            n = self.pump(quiet)
            total += n
            if not n and not self.busy():
                return total
            assert time.monotonic() < end, f"never settled\n{self.text}"

    def exit_status(self):
        end = time.monotonic() + GUARD
        while self.process.poll() is None:
            self.pump(0.01)
            assert time.monotonic() < end, f"does not end\n{self.text}"
        self.pump(0)
        return self.process.returncode

    def modes(self):
        return termios.tcgetattr(self.slave)

    def signal(self, number):
        os.kill(self.process.pid, number)

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# What a full-screen program may send: text, cursor moves, attributes, erasing, scrolling, its modes. Nothing else.
CSI = re.compile(rb"\x1b\[(\??)([0-9;]*)([A-Za-z@`])")
FINALS = set(b"ABCDGHJKLMPSTXZdfhlmr@`bt")
PRIVATE = {b"1", b"7", b"12", b"25", b"1000", b"1006", b"1049", b"2004", b"12;25", b"47"}
ESCAPES = (b"\x1b(B", b"\x1b(0", b"\x1b)0", b"\x1b7", b"\x1b8", b"\x1b=", b"\x1b>", b"\x1bM")
HIDDEN = re.compile("[\x80-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ue000-\uf8ff\U000e0000-\U000e0fff]")


def foreign_sequences(raw):
    """Everything in raw that a program of ours had no reason to send."""
    found, at, text = [], 0, bytearray()
    while at < len(raw):
        byte = raw[at]
        if byte == 0x1b:
            match = CSI.match(raw, at)
            if match:
                private, params, final = match.groups()
                if final[0] not in FINALS or (private and (final not in b"hl" or params not in PRIVATE)):
                    found.append(bytes(match.group(0)))
                at = match.end()
                continue
            escape = next((e for e in ESCAPES if raw.startswith(e, at)), None)
            if escape is None:
                found.append(bytes(raw[at:at + 8]))
            at += len(escape or b"\x1b")
            continue
        if byte < 0x20 and byte not in b"\r\n\b\t\x0e\x0f" or byte == 0x7f:
            found.append(bytes([byte]))
        else:
            text.append(byte)
        at += 1
    decoded = text.decode("utf-8", "surrogateescape")
    found += HIDDEN.findall(decoded)
    found += [c for c in decoded if 0xDC80 <= ord(c) <= 0xDCFF]
    return found
