# SPDX-License-Identifier: GPL-3.0-or-later
"""The console itself on a pseudo-terminal: what is typed is drawn while the server holds every request, and the terminal comes back."""

import re
import time

from console_world import console
from fake.client import Practice


def test_keys_are_drawn_while_every_request_is_held(tmp_path):
    with Practice("0.15") as p:
        p.edit(block=["203.0.113.77", "45.9.148.11"])
        with console(p, tmp_path) as t:
            t.wait_text("live")
            t.send("3")
            t.wait_text("203.0.113.77")
            p.fault("stall", times=-1)
            t.send("r/")
            slowest = 0.0
            for typed in ("z", "zq", "zqj", "zqjx", "zqjxk"):
                begin = time.monotonic()
                t.send(typed[-1])
                t.wait_text(typed)  # its own guard is a hang guard
                slowest = max(slowest, time.monotonic() - begin)
            print("slowest key: %.1f ms" % (slowest * 1000))
            assert slowest < 2, "a key waited for the network"
            p.release()


def test_the_whole_screen_scrolls(tmp_path):
    """A scroll region of other lines than the terminal has leaves parts behind when a line is deleted."""
    with Practice("0.15") as p, console(p, tmp_path) as t:
        t.wait_text("live")
        assert re.findall(rb"\x1b\[[0-9]+;[0-9]+r", bytes(t.raw))[:1] == [b"\x1b[1;30r"]


def test_a_termination_gives_the_terminal_back(tmp_path):
    with Practice("0.15") as p, console(p, tmp_path) as t:
        t.wait_text("live")
        before = t.modes_before
        t.process.terminate()
        t.exit_status()
        assert t.modes() == before


def test_a_termination_while_the_log_is_being_read(tmp_path):
    with Practice("0.15") as p:
        page = "/api/logs.*limit=[0-9]{2}"  # not the one line that detection asks for
        p.fault("stall", path=page, times=-1)
        with console(p, tmp_path, log_source="api") as t:
            t.wait_text("live")
            t.wait(lambda: any(re.search(page, r["path"]) for r in p.requests()), "the log is asked for")
            t.process.terminate()
            t.exit_status()
            assert t.modes() == t.modes_before


def test_an_unknown_verdict_is_settled_when_the_server_is_back(tmp_path):
    """The write arrives, its answer and the connection do not: unknown. Once the server answers again the verdict and the journal say what is so,
    whichever panel is shown; a console that was told so asks no more."""
    with Practice("0.15") as p:
        p.edit(block=["203.0.113.77"])
        with console(p, tmp_path) as t:
            t.wait_text("live")
            t.send("3")
            t.wait_text("203.0.113.77")
            p.fault("close_after", method="POST", path="/api/settings", body="server.blocked-ip")
            p.fault("close", path="prefix=server.auto-ban", times=-1)  # by which it is found again
            t.send("d")
            t.wait_text("outlive")
            t.send("y")
            t.wait_text("unknown")
            t.send("9")                            # a panel that asks the server nothing
            t.wait(lambda: "connection lost" in t.text and "Journal" in t.text, "the journal is shown")
            p.no_faults()
            t.wait(lambda: re.search(r"203\.0\.113\.77 +in force", t.text), "the verdict is put right")
            t.wait_text("read again: in force")
            assert p.state()["live"]["blocked"] == []
            t.send("r")
            t.wait(lambda: "unknown" not in t.text, "the journal has the verdict")


def test_w_watches_the_log_for_the_last_change(tmp_path):
    with Practice("0.15") as p:
        with console(p, tmp_path) as t:
            t.wait_text("live")
            t.send("W")
            t.wait_text("nothing was changed from here yet")
            t.send("3b")
            t.wait_text("ADDR")
            t.send("203.0.113.5\r")
            t.wait_text("Block 203.0.113.5?")
            t.send("y")
            t.wait(lambda: re.search(r"203\.0\.113\.5 +in force", t.text), "it is in force")
            t.send("W")
            t.wait_text("watching the log for 203.0.113.5")
            t.wait(lambda: p.event("auth_fail", "203.0.113.5", listener="imap", account="a@example.org") == "refused" and "refused again" in t.text,
                   "it ends by itself with what it saw")
            t.send("W")
            t.wait_text("watching the log for 203.0.113.5")
            t.send("W")
            t.wait_text("watched so far: 203.0.113.5")
