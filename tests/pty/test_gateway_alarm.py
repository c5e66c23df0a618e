# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway story on the console: a refused connection in the log is an alarm at once, whatever the lists say; one key cures it; on every
panel the alarm is on top; an allow that the profile expects is put back on one key."""

import datetime

import pytest

from console_world import console
from fake.client import Practice
from program import configure

GATEWAY = "172.17.0.1"
OLD = '%s.000000Z DEBUG common: Connection rejected: IP is blocked context="session" remote_ip=172.17.0.1'


def fail(p, count, client=GATEWAY):
    return p.event("auth_fail", client, listener="imap", account="backup@example.org", count=count)


@pytest.mark.parametrize("persona", ["0.15", "0.10", "0.8", "0.6", "0.16"])
def test_a_refused_connection_is_an_alarm_though_no_list_can_be_read(persona, tmp_path):
    with Practice(persona) as p:
        with console(p, tmp_path) as t:
            t.wait_text("● live")
            t.send("2")
            t.wait_text("Thresholds   ")
            p.fault("stall", times=-1)  # from here on no list comes: the console sits behind that gateway
            fail(p, 100)
            fail(p, 41)
            if persona in ("0.8", "0.6"):  # at INFO these write bans only
                t.wait_text("172.17.0.1 was banned just now")
                p.control("line", {"line": OLD % datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")})
            t.wait_text("172.17.0.1 is refused, so it is banned")
            t.wait_text("1 connection refused in 10 min" if persona in ("0.8", "0.6") else "40 connections refused in 10 min")
            p.no_faults()
            p.release()


@pytest.mark.parametrize("persona", ["0.15", "0.10", "0.8", "0.16"])
def test_one_key_cures_it_and_it_stays_cured(persona, tmp_path):
    with Practice(persona) as p:
        fail(p, 101)
        assert fail(p, 1) == "refused"
        with console(p, tmp_path) as t:
            t.wait_text("172.17.0.1 is banned")
            for key in "23456789":  # on top of every panel
                t.send(key)
                t.wait(lambda: "172.17.0.1 is banned" in t.screen.display[3], "no alarm on top of panel " + key)
                t.settle()
                assert "172.17.0.1 is banned" in t.screen.display[3], t.text
            t.send("!")
            t.wait_text("y yes")
            t.send("y")
            t.wait_text("in force")
            t.wait_gone("172.17.0.1 is banned")
            assert fail(p, 50) == "ok"
            p.advance(60)
            assert fail(p, 49) == "ok"
            t.settle()
            assert "172.17.0.1 is" not in t.text and "172.17.0.1 was" not in t.text, t.text


def test_a_stranger_refused_is_no_alarm(tmp_path):
    with Practice("0.15") as p, console(p, tmp_path) as t:
        t.wait_text("● live")
        t.send("5")
        fail(p, 101, "203.0.113.7")
        fail(p, 5, "203.0.113.7")
        t.wait_text("security.ip-blocked")
        assert "is refused" not in t.text, t.text


def test_an_expected_allow_is_put_back_on_one_key(tmp_path):
    configure(tmp_path, 'profile "mail1" { near_networks = { "172.17.0.0/16" } }\n')
    with Practice("0.15") as p, console(p, tmp_path) as t:
        t.wait_text("172.17.0.0/16 should be allowed and is not: the profile expects it (near_networks, allowed)")
        assert "! allow" in t.screen.display[3], t.text
        t.send("!")
        t.wait_text("Allow 172.17.0.0/16?")
        assert "counters" not in t.text, t.text  # nobody is banned
        t.send("y")
        t.wait_text("in force")
        t.wait_gone("should be allowed")
        assert p.state()["live"]["allowed_networks"] == ["172.17.0.0/16"]


def logs_read(p):
    """How often the server was asked for its log."""
    return sum("logs" in str(r) or "Log/query" in str(r) for r in p.requests())


def api_console(p, home, *more):
    return console(p, home, "--log-source", "api", *more)


# The panels ask for nothing at all, for something else, or for the list itself.
@pytest.mark.parametrize("panel", ["9", "2", "1"])
@pytest.mark.parametrize("persona", ["0.15", "0.10", "0.8", "0.16"])
def test_the_servers_own_log_is_enough(persona, panel, tmp_path):
    """No log of this host can be read: a page of the API's log with each refresh tells of a refused connection."""
    config = tmp_path / "stalwarden" / "stalwarden.conf"
    config.parent.mkdir(mode=0o700)
    config.write_text("ui { refresh = 1s }\n")
    config.chmod(0o600)
    with Practice(persona, options={"level": "debug"}) as p:
        with api_console(p, tmp_path) as t:
            t.wait_text("● live")
            t.send(panel)
            t.settle()
            p.requests()
            t.wait(lambda: logs_read(p), "the log was never asked for")
            if panel != "1":  # the list can't be had: only the log tells
                p.fault("status", status=503, path="blocked", times=-1)
                p.fault("status", status=503, body="BlockedIp", times=-1)
            fail(p, 101)
            fail(p, 12)
            t.wait_text("connections refused in 10 min" if panel == "1" else "172.17.0.1 is refused, so it is banned")
            if panel != "1":
                t.wait_text("12 connections refused in 10 min")
            p.no_faults()
            t.wait_text("172.17.0.1 is banned")


def log_in(p, client, accounts):
    p.control("events", [{"kind": "auth_ok", "client": client, "listener": ["imaptls", "submission", "https"][n % 3],
                          "account": "staff%d@example.org" % n} for n in range(accounts)])


def test_an_office_is_an_alarm_when_the_log_has_been_read(tmp_path):
    """The list is there at once, who logs in from where only when the overview has read the log: near its limit, then banned, then cured."""
    office = "198.51.100.7"
    with Practice("0.15", options={"level": "debug"}) as p:
        log_in(p, office, 14)
        fail(p, 85, office)
        with console(p, tmp_path) as t:
            t.wait_text("198.51.100.7 is about to be banned (85 of 100 in auth): 14 accounts log in from it on 3 listeners")
            t.send("!")  # it can be kept from it, too
            t.wait_text("Keep 198.51.100.7 in: allow, reset counters?")
            t.send("\x1b")
            t.wait_gone("Keep 198.51.100.7 in")
            fail(p, 40, office)
            t.wait_text("198.51.100.7 is banned: 14 accounts log in from it on 3 listeners. 24 connections refused in 10 min")
            t.send("!")
            t.wait_text("y yes")
            t.send("y")
            t.wait_text("in force")
            t.wait_gone("198.51.100.7 is banned")
            assert fail(p, 50, office) == "ok"
