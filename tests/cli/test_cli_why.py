# SPDX-License-Identifier: GPL-3.0-or-later
"""why: the stories an address can have, told by the verb; what un-blocks it and keeps it un-blocked."""

import re

import pytest

from cli_world import DONE, NOTHING, USAGE

WHO = "203.0.113.77"
KEYS = ["address", "who", "refused", "blocked", "allowed", "verdict", "trigger", "bans", "near", "changes", "advice"]


@pytest.fixture
def told(world, practice):
    """why as text and as JSON, the log read from its files."""
    class Told:
        def server(self, persona="0.15", level="info"):
            self.p = practice(persona, options={"level": level})
            world.use(self.p)
            return self.p

        def why(self, address=WHO):
            text = world.run("why", address, "--log-source", self.p.log_dir)
            self.rc, self.text, self.err = text.rc, text.out, text.err
            self.json = world.run("why", address, "--log-source", self.p.log_dir, "-o", "json").json()
            assert list(self.json) == KEYS
            return self

        def says(self, *patterns):
            for pattern in patterns:
                assert re.search(pattern, self.text), (pattern, self.text)
            return self

        def advice(self):
            return "\n".join(self.json["advice"])
    return Told()


def scan(p, client=WHO, path="/wp-login.php"):
    p.event("scan", client, path=path, listener="http")


def test_banned_for_failed_logins(told):
    p = told.server(level="debug")
    p.event("auth_fail", WHO, listener="imap", account="backup@example.org", count=81)
    p.event("auth_fail", WHO, listener="smtp", account="anna@example.org", count=30)
    story = told.why()
    story.says(r"REFUSED: blocked by 203\.0\.113\.77", r"banned at \S+ \(auth\) after 10\d failures in that window, the last for anna@example.org",
               r"attempts +81 × auth backup@example.org imap", r"refused +\d+ connections", r"blocked by +203\.0\.113\.77  auth since \d{4}-")
    assert story.rc == DONE and story.json["refused"] and story.json["trigger"]["class"] == "auth" and not story.json["trigger"]["login_keyed"]
    assert "unblock 203.0.113.77 --reset-counters" in story.advice()


def test_banned_at_its_first_failure_because_the_login_was_over_its_limit(told):
    p = told.server(level="debug")
    for n in range(4):
        p.event("auth_fail", "198.51.100.%d" % n, listener="imap", account="info@example.org", count=25)
    p.event("auth_fail", WHO, listener="imap", account="info@example.org", count=3)
    story = told.why().says("at its (first|next) failure because login info@example.org was already over its limit: 10. failures from 5 addresses")
    assert story.json["trigger"]["login_keyed"] and story.json["trigger"]["failures"] <= 3
    assert "Change that password" in story.advice() and "allow the owner's address" in story.advice()


def test_banned_for_a_scanned_path_needs_no_counter(told):
    scan(told.server())
    story = told.why().says(r"for one request of the scanned path /wp-login\.php")
    assert story.json["trigger"]["path"] == "/wp-login.php" and "--reset-counters" not in story.advice()
    assert "scanned path bans it again" in story.advice()


def test_covered_by_a_network(told):
    p = told.server()
    scan(p)
    p.edit(block=["203.0.113.0/24"])
    story = told.why().says(r"REFUSED: blocked by 203\.0\.113\.0/24")
    assert [e["address"] for e in story.json["blocked"]] == ["203.0.113.0/24", WHO]
    assert "alone changes nothing while 203.0.113.0/24 covers it" in story.advice()
    assert "stalwarden unblock 203.0.113.0/24 203.0.113.77; everything else in that network is free then, too" in story.advice()


def test_covered_by_a_network_where_the_allow_wins(told):
    p = told.server("0.16")
    p.edit(block=["203.0.113.0/24"])
    assert "or stalwarden allow 203.0.113.77: on this server the allow wins" in told.why().advice()


def test_allowed_and_listed(told):
    p = told.server()
    scan(p)
    p.edit(allow=[WHO])
    story = told.why().says("REFUSED: .* it is allowed by 203.0.113.77 too, but on this server the block wins", r"allowed by +203\.0\.113\.77")
    assert story.json["refused"] is True
    p = told.server("0.16")
    p.edit(block=[WHO], allow=[WHO])
    assert told.why().says("not refused: blocked by 203.0.113.77, but allowed by 203.0.113.77, and the allow wins").json["refused"] is False


def test_blocked_by_hand_with_reason_and_end(told, world):
    told.server()
    assert world.run("block", WHO, "--reason", "spray, case 118", "--for", "7d").rc == DONE
    story = told.why().says(r"blocked by +203\.0\.113\.77  manual since \S+ until \S+  spray, case 118", r"own changes +\S+  #1 block 203\.0\.113\.77 by ")
    assert story.json["trigger"] is None and story.json["changes"][0]["reason"] == "spray, case 118"
    assert story.advice() == "stalwarden unblock 203.0.113.77", "who was blocked by hand has no counter to reset"


def test_lifted_and_banned_again(told, world):
    p = told.server()
    scan(p)
    told.why()
    assert world.run("unblock", WHO).rc == DONE
    assert told.why().says("not blocked, not allowed").json["refused"] is False
    p.advance(3600)
    scan(p, path="/xmlrpc.php")
    story = told.why().says("REFUSED", r"own changes +\S+  #1 unblock 203\.0\.113\.77")
    assert [b["path"] for b in story.json["bans"]] == ["/xmlrpc.php", "/wp-login.php"]


def test_listed_but_no_line_says_why(told, world):
    p = told.server()
    p.edit(block=[WHO])
    world.run("sync", "--log-source", p.log_dir)
    told.why().says("REFUSED", r"seen first +\S+ \(no log line says why\)")


def test_never_seen(told):
    told.server()
    story = told.why("198.51.100.250")
    assert story.rc == NOTHING and "nothing is known of 198.51.100.250" in story.err
    assert story.json["verdict"] == "not blocked, not allowed" and story.json["bans"] == story.json["changes"] == []


def test_without_the_server_the_store_answers(told, world):
    p = told.server()
    scan(p)
    told.why()
    p.stop()
    result = world.run("why", WHO, "-o", "json")
    assert result.rc == DONE and "local store" in result.err
    assert result.json()["refused"] is None and result.json()["trigger"]["path"] == "/wp-login.php"


def test_log_files_alone_are_enough(told, world):
    scan(told.server())
    world.server = {}
    result = world.run("why", WHO, "--log-source", told.p.log_dir, "-o", "json")
    assert result.rc == DONE and result.json()["trigger"]["class"] == "scan"


@pytest.mark.parametrize("words", [[], ["nowhere"], [WHO, WHO]])
def test_usage(world, words):
    assert world.run("why", *words).rc == USAGE
