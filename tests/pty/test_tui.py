# SPDX-License-Identifier: GPL-3.0-or-later
"""The toolkit on a real pseudo-terminal: sizes, signals, crashes, pastes, bytes sent, latency."""

import os
import random
import re
import select
import signal
import subprocess
import time

import pytest

from program import ROOT
from terminal import Terminal, foreign_sequences

FULL_PAINT_MAX = 8192  # bytes, 120x40
LINE_MAX = 500
PAGE_MAX = 6144


def report(what, value):
    print(f"\n    {what}: {value}")


@pytest.fixture
def start(demo_path, tmp_path):
    opened = []

    def make(cols=80, rows=24, term="xterm-256color", **env):
        env = {"DEMO_LOG": str(tmp_path / "log"), "DEMO_STATE": str(tmp_path), **{k: str(v) for k, v in env.items()}}
        t = Terminal([demo_path], cols, rows, term, env, cwd=ROOT)
        opened.append(t)
        t.log = lambda: (tmp_path / "log").read_text() if (tmp_path / "log").exists() else ""
        return t

    yield make
    for t in opened:
        t.__exit__()


def ready(t):
    t.wait_text("0.0.0.0")
    t.settle()
    return t


def test_paints_and_quits(start):
    t = start(120, 40)
    t.wait(lambda: len(t.raw) > 0)
    first = time.monotonic() - t.started
    t.wait_text("0.0.0.0")
    report("exec to first byte / to rows, ms", f"{first * 1000:.1f} / {(time.monotonic() - t.started) * 1000:.1f}")
    t.settle()
    report("bytes of the first frame, 120x40", len(t.raw))
    assert len(t.raw) <= FULL_PAINT_MAX
    t.send("q")
    assert t.exit_status() == 0
    assert t.modes() == t.modes_before
    assert t.log() == "quit\n"


def test_bytes_of_moves(start):
    t = ready(start(120, 40, DEMO_ROWS=1000000))

    def cost(keys, quiet=0.15):
        before = len(t.raw)
        t.send(keys)
        t.settle(quiet)
        return len(t.raw) - before

    line = [cost("j", 0.03) for _ in range(60)]
    report("bytes a line: median / worst", f"{sorted(line)[30]} / {max(line)}")
    assert 0 < min(line) and max(line) <= LINE_MAX
    page = [cost(keys) for keys in ("\x06", "\x06", "\x02", "G", "g")]
    report("bytes a page", page)
    assert max(page) <= PAGE_MAX
    full = cost("\x0c")
    report("bytes of a full repaint", full)
    assert 500 < full <= FULL_PAINT_MAX


def test_key_to_paint_on_a_million_rows(start):
    t = ready(start(120, 40, DEMO_ROWS=1000000))

    def latency(key):
        before, begin = len(t.raw), time.monotonic()
        t.send(key)
        t.wait(lambda: len(t.raw) > before)
        return (time.monotonic() - begin) * 1000

    moves = sorted(latency("j") for _ in range(200))
    report("line move, ms p50 / p99", f"{moves[100]:.2f} / {moves[197]:.2f}")
    t.settle()
    t.send("/")
    t.settle()
    typed = [latency(c) for c in "22.1"]
    report("filter key to first paint, ms", " ".join(f"{x:.1f}" for x in typed))
    t.wait_text("showing")
    t.wait_text("filter 22.1")
    t.send("\x1b")
    t.settle()
    begin = time.monotonic()
    t.send("s4")
    t.send("j")  # answered while it sorts
    t.wait_text("sorted by hits")
    t.wait_gone("sorting")
    report("sort of a million, ms", f"{(time.monotonic() - begin) * 1000:.0f}")
    t.send("q")
    assert t.exit_status() == 0


def test_lone_escape_is_quick(start):
    t = ready(start())
    t.send("/abc")
    t.wait_text("Filter: abc")
    begin = time.monotonic()
    t.send("\x1b")
    t.wait_gone("Filter: abc")
    took = time.monotonic() - begin
    report("escape to paint, ms", f"{took * 1000:.0f}")
    assert took < 0.8  # the default of curses is a second


def test_idle_sends_nothing(start):
    t = ready(start())
    cpu = t.cpu_seconds()
    assert not select.select([t.master], [], [], 1.5)[0]
    assert t.cpu_seconds() - cpu < 0.05


@pytest.mark.parametrize("where", ["list", "prompt", "confirm", "page"])
def test_resize_storm_ends_as_a_fresh_paint(start, where):
    keys = {"list": "jjj", "prompt": "jjj/0", "confirm": "jjjd", "page": "2jj"}[where]
    seed = random.Random(where)
    t = ready(start())
    t.send(keys)
    t.settle()
    for i in range(300):
        t.resize(seed.choice([1, 2, 5, 10, 24, 40, 79, 80, 200]), seed.choice([1, 2, 5, 9, 10, 24, 40, 120]))
        t.signal(signal.SIGWINCH)
        if i % 50 == 0:
            t.pump(0.01)
    t.resize(97, 31)
    t.settle(0.3)
    after_storm = t.text
    assert {"prompt": "Filter: 0", "confirm": "Remove 1 rows?"}.get(where, "demo") in after_storm
    t.resize(97, 30)
    t.settle(0.3)
    t.resize(97, 31)
    t.new_emulator()
    t.settle(0.3)
    assert t.text == after_storm
    if where in ("list", "page"):  # the others depend on the way there: widths seen, place scrolled to
        fresh = ready(start(97, 31))
        fresh.send(keys)
        fresh.settle(0.3)
        assert fresh.text == after_storm
    t.send("\x1b")
    t.settle()
    t.send("Q")
    assert t.exit_status() == 0


def test_a_burst_of_sizes_is_one_frame(start):
    t = ready(start(120, 40))
    before = len(t.raw)
    for cols in range(60, 120):
        t._set_size(cols, 40)
        t.signal(signal.SIGWINCH)
    t.resize(120, 39)
    t.settle(0.3)
    report("bytes for a burst of 61 sizes", len(t.raw) - before)
    assert len(t.raw) - before <= 4 * FULL_PAINT_MAX


def test_tiny_terminal_says_so(start):
    t = start(30, 8)
    t.wait_text("need 40x10")
    t.resize(40, 10)
    t.wait_text("0.0.0.0")
    t.resize(1, 1)
    t.settle()
    t.resize(80, 24)
    t.wait_text("ADDRESS")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1])
def test_tidy_end_on_signals(start, number):
    t = ready(start())
    t.send("/xy")
    t.settle()
    begin = time.monotonic()
    t.signal(number)
    assert t.exit_status() == 0
    report(f"{number.name} to exit, ms", f"{(time.monotonic() - begin) * 1000:.0f}")
    assert t.modes() == t.modes_before
    assert b"\x1b[?1049l" in t.raw and b"\x1b[?2004l" in t.raw
    assert t.log() == "forced\n"


@pytest.mark.parametrize("key,number", [("W", signal.SIGSEGV), ("x", signal.SIGABRT)])
def test_terminal_is_given_back_after_a_crash(start, key, number):
    t = ready(start(DEMO_MOUSE=1))
    tail = len(t.raw)
    t.send(key)
    assert t.exit_status() in (-number, 1)  # a sanitizer reports and exits by itself
    assert t.modes() == t.modes_before
    after = bytes(t.raw[tail:])
    for sequence in (b"\x1b[?1049l", b"\x1b[?2004l", b"\x1b[?1000l", b"\x1b[?25h" if b"\x1b[?25l" in t.raw else b"\x1b["):
        assert sequence in after


def test_terminal_is_given_back_after_a_kill_of_the_foreground(start):
    t = ready(start())
    t.signal(signal.SIGQUIT)
    assert t.exit_status() == -signal.SIGQUIT
    assert t.modes() == t.modes_before


def test_hangup_ends_it(start):
    t = ready(start())
    os.close(t.slave)
    t.slave = None
    os.close(t.master)
    t.master = None
    t.process.wait(timeout=20)
    assert t.log() == "forced\n"


def test_suspend_and_resume_under_a_shell(demo_path, tmp_path):
    env = {"PS1": "READY> ", "DEMO_LOG": str(tmp_path / "log"), "DEMO": demo_path}
    with Terminal(["bash", "--norc", "--noprofile", "-i"], env=env, cwd=ROOT) as t:
        t.wait_text("READY>")
        t.send("stty -a > $DEMO_LOG.before\r")
        t.send("$DEMO\r")
        t.wait_text("0.0.0.0")
        for _ in range(5):
            t.send("j")
            t.settle()
            t.send("\x1a")
            t.wait_text("Stopped")
            t.send("clear; stty -a > $DEMO_LOG.after; echo same=$(cmp $DEMO_LOG.before $DEMO_LOG.after && echo yes)\r")
            t.wait_text("same=yes")
            t.send("fg\r")
            t.wait_text("ADDRESS")
            t.wait_gone("same=")
        t.send("q")
        t.wait_text("READY>")
        t.send("clear; echo status $?\r")
        t.wait_text("status 0")


def test_stop_and_continue_from_outside(start):
    t = ready(start())
    for number in (signal.SIGSTOP, signal.SIGTSTP) * 5:
        t.signal(number)
        t.wait(lambda: open(f"/proc/{t.process.pid}/stat").read().rsplit(")", 1)[1].split()[0] == "T")
        t.pump(0)
        t.screen.reset()  # somebody else wrote on the terminal
        t.signal(signal.SIGCONT)
        t.wait_text("ADDRESS")
    t.send("q")
    assert t.exit_status() == 0
    assert t.modes() == t.modes_before


PASTE = "d\ny\nQ\n:quit\n\x1b\x1b[Ay"


@pytest.mark.parametrize("keys", ["", "/", ":", "e", "d", "2", "a"])
def test_nothing_is_carried_out_from_a_paste(start, keys):
    t = ready(start(DEMO_ROWS=100))
    t.send(keys)
    t.settle()
    t.send("\x1b[200~" + PASTE * 50 + "\x1b[201~")
    t.settle()
    assert t.process.poll() is None
    assert t.log() == ""
    t.send("\x1b")
    t.settle()
    t.send("\x1b")
    t.settle()
    t.send("1j")
    t.wait_text("ADDRESS")
    t.send("Q")
    assert t.exit_status() == 0


def test_a_megabyte_pasted(start):
    t = ready(start())
    t.send("/")
    t.settle()
    t.send(b"\x1b[200~" + b"d y\n" * 262144 + b"\x1b[201~")
    t.settle(0.5)
    t.send("\x1b")
    t.wait_gone("Filter:")
    assert t.log() == ""
    t.send("q")
    assert t.exit_status() == 0


def test_a_password_is_not_echoed(start):
    t = ready(start())
    t.send("a")
    t.wait_text("Password:")
    t.send("s3cret\u00e9")
    t.settle()
    assert b"s3cret" not in t.raw
    t.send("\r")
    t.wait(lambda: t.log() != "")
    assert t.log() == "s3cret\u00e9\n"
    assert b"s3cret" not in t.raw


def test_only_our_own_sequences_are_sent(start):
    t = ready(start(100, 30, DEMO_ALARM=1))
    for keys in ("ijjjj", "\x06", "G", "g", "2", "\x06", "G", "\x02", "/\x1b[200~\x9b31m\u202e\x1b[31m\x1b[201~", "\x1b", "1", "e\u202e\u200b", "\r", "\x1b", "?", "q", "d",
                 "n", "!"):
        t.send(keys)
        t.settle(0.06)
    assert foreign_sequences(t.raw) == []
    assert "\\x1b[2J\\x1b[31mred" in t.text or "note" in t.text
    assert len({len(line) for line in t.screen.display}) == 1


def test_copy_is_the_one_osc(start):
    t = ready(start())
    t.send("y")
    t.wait_text("copied")
    assert b"\x1b]52;c;4pePCQ==" not in t.raw  # the sign column is not what one copies
    assert b"\x1b]52;c;MC4wLjAuMA==\x07" in t.raw


@pytest.mark.parametrize("term", ["vt100", "linux", "screen", "screen-256color", "tmux-256color", "xterm", "xterm-16color",
                                  "xterm-direct", "rxvt", "ansi"])
def test_terminal_types(start, term):
    t = start(term=term)
    t.wait_text("ADDRESS")
    t.settle()
    t.send("jj2")
    t.wait_text("A page")
    t.send("q")
    assert t.exit_status() == 0
    assert t.modes() == t.modes_before


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": ""}, {"TERM": "no-such-terminal"}, {"TERM": "unknown"}])
def test_unusable_terminal_is_an_error(start, env):
    t = start(**env)
    assert t.exit_status() == 2
    assert "demo: " in t.text
    assert t.modes() == t.modes_before


def test_no_terminal_is_an_error(demo_path):
    done = subprocess.run([demo_path], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT,
                          env={**os.environ, "TERM": "xterm"}, timeout=20)
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr


@pytest.mark.parametrize("lang", ["C", "C.UTF-8", "xx_YY.bogus"])
def test_locales(start, lang):
    t = start(LC_ALL=lang)
    t.wait_text("ADDRESS")
    t.settle()
    if lang != "C.UTF-8":
        assert all(b < 0x80 for b in t.raw)
    t.send("q")
    assert t.exit_status() == 0


def test_no_color(start):
    t = ready(start(NO_COLOR="1", DEMO_ALARM=1))
    attributes = {n for m in re.findall(rb"\x1b\[([0-9;]*)m", t.raw) for n in m.split(b";")}
    assert attributes <= {b"", b"0", b"1", b"2", b"4", b"7"}
    assert b"7" in attributes  # what colour said is said by reverse video


def test_terminal_that_reads_nothing(start):
    """The program neither spins nor dies, and is right as soon as it is read again."""
    t = ready(start(120, 40))
    cpu = t.cpu_seconds()
    for _ in range(300):
        os.write(t.master, b"\x06\x02\x0c")
    end = time.monotonic() + 1.5
    while time.monotonic() < end:  # not reading is the point
        select.select([], [], [], 0.1)
    assert t.cpu_seconds() - cpu < 0.5
    t.settle(0.3)
    t.send("gjjj")
    t.settle(0.3)
    fresh = ready(start(120, 40))
    fresh.send("jjj")
    fresh.settle(0.3)
    assert t.text == fresh.text


def test_ends_although_the_terminal_reads_nothing(start):
    t = ready(start(200, 50))
    for _ in range(400):
        os.write(t.master, b"\x0c")
    t.signal(signal.SIGTERM)
    t.process.wait(timeout=20)
    assert t.process.returncode == 0
    assert t.modes() == t.modes_before


def test_a_closed_pipe_is_survived(start):
    t = ready(start())
    t.signal(signal.SIGPIPE)
    t.send("j")
    t.settle()
    t.send("q")
    assert t.exit_status() == 0


def test_mouse(start):
    t = ready(start(DEMO_MOUSE=1))
    assert b"\x1b[?1000h\x1b[?1006h" in t.raw
    t.send("\x1b[<0;6;8M\x1b[<0;6;8m")
    t.settle()
    assert t.screen.cursor.y == 7
    t.send("\x1b[<65;6;8M")
    t.settle()
    t.send(":mouse off\r")
    t.wait(lambda: b"\x1b[?1006l\x1b[?1000l" in t.raw)


def test_cursor_rests_where_one_works(start):
    """Screen readers follow the hardware cursor."""
    t = ready(start())
    row = next(i for i, line in enumerate(t.screen.display) if "0.0.0.0" in line)
    assert t.screen.cursor.y == row
    t.send("jj")
    t.settle()
    assert t.screen.cursor.y == row + 2
    t.send("/ab")
    t.settle()
    assert t.screen.cursor.y == 23 and t.screen.display[23][:t.screen.cursor.x].endswith("ab")
    assert not t.screen.cursor.hidden


def test_work_can_be_stopped_and_keys_go_on(start):
    t = ready(start())
    t.send("P")
    t.wait_text("Working")
    t.send("jj")
    t.wait_text("Esc stops")
    t.send("\x1b")
    t.wait_gone("Working")
    assert t.log() == "stopped\n"


def test_a_script_runs_headless(demo_path, tmp_path):
    script = tmp_path / "script"
    script.write_text(f"# go\njj<Enter>\n:resize 50x12\n:wait ADDRESS\n:dump {tmp_path}/dump roles\n:paste d\\ny\nd\n:wait Remove 1 rows\nn\n")
    env = {**os.environ, "STALWARDEN_SCRIPT": str(script), "LC_ALL": "C.UTF-8", "DEMO_LOG": str(tmp_path / "log")}
    done = subprocess.run([demo_path], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "log").read_text() == "open 2\nforced\n"
    lines = (tmp_path / "dump").read_text().split("\n")
    assert lines[12] == "-- roles --"
    assert max(len(line) for line in lines[:12]) <= 50
    script.write_text("jj<Nonsense>\n")
    done = subprocess.run([demo_path], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 2
    assert ":1: no key sequence" in done.stderr
