# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of many entries in the console: marked, counted out, on its way with a bar, stopped by Esc between two batches."""

import re
import time

import pytest

from console_world import console
from fake.client import Practice

GUARD_S = 20


def numbers(text):
    """{words: count} of "stopped: 1,200 in force, 800 not begun"."""
    return {words: int(n.replace(",", "")) for n, words in re.findall(r"([0-9,]+) (in force|not begun)", text)}


@pytest.mark.parametrize("persona, body", [("0.15", "delete"), ("0.16", "BlockedIp/set")])
def test_esc_stops_between_batches_and_counts_what_was_done(tmp_path, persona, body):
    with Practice(persona, entries=30000) as p, console(p, tmp_path) as t:
        t.wait_text("live")
        t.send("3")
        t.wait_text("30,000")
        t.send("*d")
        t.wait_text("30,000 entries?")
        p.fault("stall", method="POST", body=body, skip=1)
        t.send("y")
        t.wait_text("Type 30000")
        t.send("30000\r")
        deadline = time.monotonic() + GUARD_S
        while p.control("faults")["faults"][0]["left"]:
            t.pump(0.05)
            assert time.monotonic() < deadline, t.text
        t.wait_text("Esc stops")
        t.send("\x1b")
        t.wait_text("stopping")
        p.requests()
        p.release()
        t.wait_text("not begun")
        told = numbers(t.text)
        left = p.state()["stored"]["blocked"]
        assert 0 < told["in force"] == 30000 - len(left)
        assert told["not begun"] == len(left) > 0
        live = p.state()["live"]
        assert len(live["blocked"]) + len(live["networks"]) == len(left)
        reloads = [r for r in p.requests() if "/reload/" in r["path"] or "ReloadBlockedIps" in r["body"]]
        assert len(reloads) == 1
        t.send("o")
        t.wait_text("stopped before this was written")


def test_every_outcome_can_be_read_and_searched(tmp_path):
    with Practice("0.15", entries=40) as p, console(p, tmp_path) as t:
        t.wait_text("live")
        t.send("3")
        t.wait_text("Blocked   40")
        addresses = [a for a, *_ in (line.split()[1:] for line in t.text.split("\n") if " for ever " in line)]
        t.send("*d")
        t.wait_text("40 entries?")
        t.send("y")
        t.wait_text("40 in force")
        assert "o details" in t.text or "o shows the rest" in t.text
        t.send("o")
        t.wait_text("Outcome")
        assert "o details" not in t.text and t.text.count("40 in force") == 1
        t.send("/%s\r" % addresses[-1])
        t.wait_text(addresses[-1] + "  ")
        t.send("o")
        t.wait_text("Blocked   0")
        t.wait_text("o details")
