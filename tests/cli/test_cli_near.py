# SPDX-License-Identifier: GPL-3.0-or-later
"""Near the limit: failures of this window against the threshold, per address and per login, as far as the log tells."""

import pytest

from cli_world import DONE, NOTHING

KEYS = ["class", "address", "account", "failures", "limit", "resets_at", "last", "over"]
MORNING = 1795254250                            # 2026-11-21T09:44:10Z


@pytest.fixture
def practised(world, practice):
    """A server at noon of a UTC day, so that no window ends while the test runs; its log tells failures when level says debug."""
    def start(level):
        p = practice("0.15", options={"level": level}, clock=MORNING)
        world.use(p)
        world.env["STALWARDEN_NOW"] = "2026-11-21T09:44:10Z"
        world.source = ["--log-source", p.log_dir]
        return p
    return start


def fail(p, client, account, count):
    p.event("auth_fail", client, listener="imap", account=account, count=count)


def test_rows_per_address_and_per_login(world, practised):
    p = practised("debug")
    fail(p, "203.0.113.77", "user3@example.org", 83)
    fail(p, "198.51.100.4", "info@example.org", 60)
    fail(p, "198.51.100.5", "info@example.org", 30)
    fail(p, "198.51.100.9", "anna@example.org", 49)                             # not half of it
    result = world.run("thresholds", "near", *world.source, "-o", "json")
    assert result.rc == DONE and all(list(r) == KEYS for r in result.rows()), result
    assert [(r["address"], r["account"], r["failures"]) for r in result.rows()] == [
        (None, "info@example.org", 90), ("203.0.113.77", None, 83), (None, "user3@example.org", 83), ("198.51.100.4", None, 60)]
    assert {(r["class"], r["limit"], r["resets_at"], r["over"]) for r in result.rows()} == {("auth", 100, "2026-11-22T00:00:00Z", False)}
    assert len(world.run("thresholds", "near", *world.source, "--limit", "2", "-o", "json").rows()) == 2
    auth = [r for r in world.run("thresholds", "-o", "json").rows() if r["class"] == "auth"][0]
    assert [n["failures"] for n in auth["near"]] == [90, 83, 83, 60]


def test_why_says_it_for_the_address_and_its_logins(world, practised):
    p = practised("debug")
    fail(p, "203.0.113.77", "user3@example.org", 3)
    fail(p, "198.51.100.4", "user3@example.org", 80)
    near = world.run("why", "203.0.113.77", *world.source, "-o", "json").json()["near"]
    assert [(n["address"], n["account"], n["failures"]) for n in near] == [(None, "user3@example.org", 83), ("203.0.113.77", None, 3)]
    out = world.run("why", "203.0.113.77", *world.source).out
    assert "auth  203.0.113.77: 3 of 100, resets 00:00Z" in out and "login user3@example.org: 83 of 100, resets 00:00Z" in out


def test_a_login_over_its_limit_bans_whoever_fails_next(world, practised):
    p = practised("debug")
    for n in range(4):
        fail(p, "198.51.100.%d" % (n + 1), "info@example.org", 25)
    rows = world.run("thresholds", "near", *world.source, "-o", "json").rows()
    assert (rows[0]["account"], rows[0]["failures"], rows[0]["over"]) == ("info@example.org", 100, True)
    fail(p, "203.0.113.5", "info@example.org", 2)
    assert "its next failure bans any address" in world.run("why", "203.0.113.5", *world.source).out


def test_who_is_banned_already_is_not_near(world, practised):
    p = practised("debug")
    fail(p, "203.0.113.77", "user3@example.org", 120)
    assert p.state()["live"]["blocked"] == ["203.0.113.77"]
    assert [r["address"] for r in world.run("thresholds", "near", *world.source, "-o", "json").rows()] == [None]


def test_yesterdays_failures_are_gone(world, practised):
    p = practised("debug")
    fail(p, "203.0.113.77", "user3@example.org", 83)
    world.run("sync", *world.source)
    world.env["STALWARDEN_NOW"] = "2026-11-22T00:00:01Z"
    result = world.run("thresholds", "near", *world.source)
    assert result.rc == NOTHING and "half of a threshold" in result.err, result


def test_where_attempts_are_not_logged_that_is_said(world, practised):
    p = practised("info")
    fail(p, "203.0.113.77", "user3@example.org", 80)
    result = world.run("thresholds", "near", *world.source, "-o", "json")
    assert result.rc == NOTHING and result.rows() == [] and "auth.failed is DEBUG" in result.err
    why = world.run("why", "203.0.113.77", *world.source)
    assert "near a ban" in why.out and "auth.failed is DEBUG" in why.out
    assert world.run("why", "203.0.113.77", *world.source, "-o", "json").json()["near"] == []


def test_recipients_count_where_they_are_logged(world, practised):
    p = practised("info")
    for n in range(20):
        p.event("rcpt_fail", "203.0.113.50", listener="smtp", to="n%d@example.org" % n)
    rows = world.run("thresholds", "near", *world.source, "-o", "json").rows()
    assert [(r["class"], r["address"], r["failures"], r["limit"]) for r in rows] == [("abuse", "203.0.113.50", 20, 35)]
