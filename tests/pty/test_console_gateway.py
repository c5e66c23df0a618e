# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway story in the console: the alarm at the next refresh, one key, the proof, the lasting cure."""

import pytest

from console_world import run
from fake.client import Practice
from program import configure

GATEWAY = "172.17.0.1"
CURE = {"0.6": "jmap.rate-limit.use-forwarded", "0.8": "server.http.use-x-forwarded", "0.10": "server.http.use-x-forwarded",
        "0.15": "http.use-x-forwarded", "0.16": "x:Http.useXForwarded", "rest": "No setting is known"}


def knock(p, count):
    return [p.event("auth_fail", GATEWAY, listener="imap", account="user%d@example.org" % (n % 14)) for n in range(count)]


@pytest.mark.parametrize("persona", ["0.6", "0.8", "0.10", "0.15", "0.16", "rest"])
def test_alarm_one_key_and_proof(tmp_path, persona):
    configure(tmp_path, "ui { refresh = 3600 }\n")          # refreshed when it is asked to, not before
    with Practice(persona) as p:
        with run(p, tmp_path, rows=50) as t:
            t.wait_text("live")
            t.send("3")
            t.wait_text("nothing is blocked")
            assert "banned" in knock(p, 101)
            p.control("settle", {})
            t.send("r")
            t.wait_text(GATEWAY + " is banned")             # above every panel
            t.send("!")
            t.wait_text("Let " + GATEWAY + " in again")
            t.send("y")
            t.wait_text("in force")
            t.wait_text("For good")
            t.wait_text(CURE[persona])
            t.wait_gone(GATEWAY + " is banned:")
            p.control("settle", {})
            state = p.state()
            assert GATEWAY not in state["live"]["blocked"]
            if persona != "0.6":                            # which has no list of allowed addresses
                assert GATEWAY in state["live"]["allowed"]
                p.advance(60)
                assert set(knock(p, 250)) == {"ok"}
            if persona in ("0.15", "0.16"):
                assert "counters reset" in t.text
