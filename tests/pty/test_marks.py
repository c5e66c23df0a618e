# SPDX-License-Identifier: GPL-3.0-or-later
"""Marking by filter, by predicate and by range among 100,000 rows, what the question says of it, and what is gone afterwards: those and no others."""

import ipaddress
import re

import pytest

from console_world import console
from fake.client import Practice

NET = ipaddress.ip_network("64.0.0.0/3")
WIDE = "70.0.0.0/8"


def inside(addresses, net=NET):
    found = [(a, ipaddress.ip_network(a)) for a in addresses]
    return [a for a, n in found if n.version == net.version and n.subnet_of(net)]


def stored(p):
    return p.state()["stored"]["blocked"]


def shown(t):
    """What the title of the list says."""
    return next((" ".join(line.split()) for line in t.text.split("\n") if line.startswith(" Blocked ")), "")


def said(t, words):
    t.wait(lambda: words in shown(t), "%r in the title" % words)


def grouped(n):
    return "{:,}".format(n)


def opened(p, t):
    t.wait_text("live")
    t.send("3")
    said(t, grouped(len(stored(p))))


def yes(t, count):
    t.send("y")
    t.wait_text("Type %d" % count)
    t.send("%d\r" % count)


@pytest.mark.parametrize("persona, entries", [("0.15", 100000), ("0.16", 30000)])
def test_all_that_a_filter_shows(persona, entries, tmp_path):
    with Practice(persona, entries=entries) as p:
        p.edit(block=[WIDE])
        p.restart()
        with console(p, tmp_path) as t:
            opened(p, t)
            before = stored(p)
            wanted = inside([a for a in before if a != WIDE])
            covered = inside(wanted, ipaddress.ip_network(WIDE))
            t.send("/net:%s\r" % NET)
            said(t, "showing %s" % grouped(len(wanted) + 1))
            t.send("*")
            said(t, "%s marked" % grouped(len(wanted) + 1))
            t.send("d")
            t.wait_text("Un-block %s entries?" % grouped(len(wanted) + 1))
            assert "stay refused" not in t.text                  # the network goes as well
            t.send("n")
            t.wait_text("nothing was sent")
            # without the network itself: what it goes on refusing is said in a sentence, however long the list is
            t.send("/\x15in:70.1.2.3\r")
            said(t, "showing 1")
            t.send(" ")                     # that one is not meant
            said(t, "%s marked" % grouped(len(wanted)))
            t.send("d")
            t.wait_text("Un-block %s entries?" % grouped(len(wanted)))
            t.wait_text("%s of them stay refused: covered by %s (%s)" % (grouped(len(covered)), WIDE, grouped(len(covered))))
            p.requests()
            yes(t, len(wanted))
            t.wait_text("stored, not in force")
            assert "%s in force, %s stored, not in force" % (grouped(len(wanted) - len(covered)), grouped(len(covered))) in t.text, t.text
            assert sorted(stored(p)) == sorted(set(before) - set(wanted))
            requests = p.requests()
            assert not any('"clear"' in r["body"].lower() for r in requests), "explicit keys only"
            reloads = [r for r in requests if "/reload/" in r["path"] or "ReloadBlockedIps" in r["body"]]
            assert len(reloads) == 1, reloads


def test_a_network_that_goes_too_keeps_nothing_refused(tmp_path):
    """Of thousands, too: what is under it is in force when both are gone."""
    with Practice("0.15", entries=3000) as p:
        covers = ["%d.0.0.0/8" % n for n in range(1, 224) if n != 127]
        p.edit(block=covers)
        p.restart()
        with console(p, tmp_path) as t:
            opened(p, t)
            count = len(stored(p))
            t.send("*d")
            t.wait_text("%s entries?" % grouped(count))
            yes(t, count)
            t.wait_text("%s in force" % grouped(count))
            assert "not in force" not in t.text and stored(p) == []


def test_a_range_of_rows_and_single_ones(tmp_path):
    with Practice("0.15", entries=100000) as p, console(p, tmp_path) as t:
        opened(p, t)
        t.send("g" + "v" + "j" * 9 + "v")
        said(t, "10 marked")
        t.send("j ")
        said(t, "11 marked")
        t.send("k ")
        said(t, "10 marked")
        t.send("U")
        t.wait(lambda: "marked" not in shown(t), "no marks")
        t.send("gvGv")
        said(t, "100,000 marked")
        t.send("*")
        t.wait(lambda: "marked" not in shown(t), "again takes them away")


def test_keys_are_answered_while_thousands_go(tmp_path):
    """Esc between two batches, what was done told and the rest done by the same keys again."""
    with Practice("0.15", entries=30000) as p, console(p, tmp_path) as t:
        opened(p, t)
        t.send("*d")
        t.wait_text("30,000 entries?")
        p.fault("stall", method="POST", path="/api/settings", skip=2)
        yes(t, 30000)
        t.wait_text("Esc stops")
        t.wait(lambda: not p.control("faults")["faults"][0]["left"], "the third batch on its way")
        t.send("9")
        t.wait_text("TARGET")
        t.send("3")
        t.wait(lambda: shown(t), "the list again")
        t.send("\x1b")
        t.wait_text("stopping")
        p.release()
        t.wait_text("not begun")
        told = {words: int(n.replace(",", "")) for n, words in re.findall(r"([0-9,]+) (in force|not begun)", t.text)}
        left = len(stored(p))
        assert told["not begun"] == left > 0 and told["in force"] == 30000 - left
        said(t, grouped(left))
        t.wait(lambda: "%s marked" % grouped(left) in shown(t) or "marked" not in shown(t), "marks of rows that are gone are gone")
        if "marked" not in shown(t):
            t.send("*")
            said(t, "%s marked" % grouped(left))
        t.send("d")
        t.wait_text("%s entries?" % grouped(left))
        yes(t, left)
        t.wait_text("%s in force" % grouped(left))
        assert stored(p) == []
