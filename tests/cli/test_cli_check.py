# SPDX-License-Identifier: GPL-3.0-or-later
"""check: one line "NAME CODE - words" on stdout, nothing else there, and the exit code of monitoring: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."""

import socket

import pytest

OK, WARNING, CRITICAL, UNKNOWN = range(4)
CODES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
GATEWAY = "172.17.0.1"


def check(world, what, code, words="", *args, **more):
    result = world.run("check", what, *args, **more)
    assert result.rc == code, result
    assert result.out.count("\n") == 1 and result.out.startswith("%s %s - " % (what.upper(), CODES[code])), result
    assert words in result.out, result
    return result


@pytest.mark.parametrize("persona", ["0.15", "0.10", "0.8", "0.6", "rest", "0.16"])
def test_a_healthy_server(world, practice, persona):
    p = practice(persona)
    world.use(p)
    check(world, "reach", OK, "answers (")
    check(world, "gateway", OK, "no gateway or proxy is banned")
    check(world, "bans", OK, "0 entries, none that a guard would have refused")


# ---- reach

def test_reach_without_a_server(world, p15):
    with socket.socket() as s:  # a port where nobody listens
        s.bind(("127.0.0.1", 0))
        url = "http://127.0.0.1:%d" % s.getsockname()[1]
    check(world, "reach", CRITICAL, "127.0.0.1", env={"STALWARDEN_URL": url})
    for other in ("gateway", "bans", "config"):  # they can't tell
        check(world, other, UNKNOWN, "127.0.0.1", env={"STALWARDEN_URL": url})


def test_reach_with_refused_credentials(world, p15):
    check(world, "reach", CRITICAL, "", env={"STALWARDEN_PASSWORD": "wrong"})
    check(world, "gateway", UNKNOWN, "", env={"STALWARDEN_PASSWORD": "wrong"})


def test_reach_of_something_else(world, p15):
    p15.fault("html", times=-1)
    check(world, "reach", CRITICAL)
    check(world, "bans", UNKNOWN)


# ---- gateway

@pytest.mark.parametrize("persona", ["0.15", "0.10", "0.8", "0.6", "rest", "0.16"])
def test_gateway_banned(world, practice, persona):
    p = practice(persona)
    world.use(p)
    p.edit(block=[GATEWAY])
    check(world, "gateway", CRITICAL, "172.17.0.1 is banned: in Docker's default range")
    p.edit(block=["10.0.0.1"])
    check(world, "gateway", CRITICAL, "(and more)")


def test_gateway_close_to_a_ban(world, practice):
    p = practice("0.15", options={"level": "debug"})
    world.use(p)
    assert p.event("auth_fail", GATEWAY, listener="imap", account="backup@example.org", count=79) == "ok"
    assert world.run("sync", "--log-source", p.log_dir).rc == 0
    check(world, "gateway", OK)
    assert p.event("auth_fail", GATEWAY, listener="imap", account="backup@example.org", count=6) == "ok"
    assert p.event("auth_fail", "203.0.113.7", listener="imap", account="root@example.org", count=95) == "ok"  # a stranger is none
    assert world.run("sync", "--log-source", p.log_dir).rc == 0
    check(world, "gateway", WARNING, "172.17.0.1 is about to be banned (85 of 100 in auth)")


def test_gateway_without_its_expected_allow(world, practice):
    p = practice("0.15")
    world.use(p)
    world.configure('profile "mail1" { near_networks = { "172.17.0.0/16" } }')
    check(world, "gateway", WARNING, "172.17.0.0/16 should be allowed and is not: the profile expects it (near_networks, allowed)")
    assert world.run("gateway", "fix").rc == 0
    check(world, "gateway", OK)


def test_gateway_when_the_list_can_not_be_read(world, p15):
    p15.fault("status", path="server.blocked-ip", times=-1, status=500)
    check(world, "gateway", UNKNOWN)
    check(world, "bans", UNKNOWN)


# ---- bans

def test_bans_that_a_guard_would_have_refused(world, p15):
    p15.edit(block=["203.0.113.7", "192.168.1.20"])
    check(world, "bans", CRITICAL, "1 blocked entries should not be: 192.168.1.20 touches a special range (private)")
    p15.edit(unblock=["192.168.1.20"])
    check(world, "bans", OK, "1 entries, none")
    check(world, "bans", CRITICAL, "203.0.113.7 is your own SSH client", env={"SSH_CONNECTION": "203.0.113.7 4711 192.0.2.1 22"})
    p15.edit(block=["2000::/12"])
    check(world, "bans", CRITICAL, "2000::/12 is wider than /16")


def test_bans_of_an_expired_entry_do_no_harm(world, p15):
    p15.edit(set={"server.blocked-ip.192.168.1.20": '{"by":"ops","until":"2024-01-01T00:00:00Z","class":"manual"}'})
    check(world, "bans", OK)


def test_bans_with_a_malformed_entry(world, p15):
    p15.edit(set={"server.blocked-ip.not-an-ip": ""})
    check(world, "bans", WARNING, '1 malformed entries refuse every full reload: "not-an-ip"')


# ---- config

def test_config(world, p15):
    check(world, "config", OK, "a reload would be taken")
    p15.edit(set={"server.blocked-ip.not-an-ip": ""})
    check(world, "config", CRITICAL, 'a reload would be refused: server.blocked-ip: Invalid IP address value "not-an-ip"')


@pytest.mark.parametrize("persona", ["0.6", "rest", "0.16"])
def test_config_where_the_server_has_no_dry_run(world, practice, persona):
    p = practice(persona)
    world.use(p)
    check(world, "config", UNKNOWN, "")


# ---- all, and what is no check

def test_all_is_the_worst_of_them(world, p15):
    p15.edit(block=[GATEWAY])
    result = world.run("check", "all")
    assert result.rc == CRITICAL and result.out.startswith("ALL CRITICAL - gateway CRITICAL: 172.17.0.1 is banned"), result
    assert result.out.count("\n") == 1


@pytest.mark.parametrize("args", [[], ["bogus"], ["gateway", "more"]])
def test_what_is_no_check_is_unknown(world, p15, args):
    result = world.run("check", *args)
    assert (result.rc, result.out) == (UNKNOWN, "CHECK UNKNOWN - check wants gateway, bans, certs, reach, config or all\n")
    assert p15.requests() == []


@pytest.mark.parametrize("args, words", [
    (["gateway", "--bogus"], "unknown option --bogus"), (["gateway", "--limit", "5"], "option --limit does not belong to check"),
    (["reach", "-o", "xml"], "-o wants"), (["reach", "--timeout"], "needs a value"), (["bans", "--warn", "5"], "check bans has no thresholds")])
def test_wrong_usage_is_no_alarm(world, p15, args, words):
    """Exit 2, which wrong usage is elsewhere, would be CRITICAL."""
    result = world.run("check", *args)
    assert result.rc == UNKNOWN and result.out.startswith("CHECK UNKNOWN - ") and words in result.out and result.out.count("\n") == 1, result
    assert result.err == "" and p15.requests() == []


@pytest.mark.parametrize("what", ["reach", "all", "bans"])
def test_whoever_was_not_asked_is_not_unreachable(world, p15, what):
    check(world, what, UNKNOWN, "no credentials", env={"STALWARDEN_PASSWORD": None})
    check(world, what, UNKNOWN, "/nonexistent", "--config", "/nonexistent")
    check(world, what, UNKNOWN, "no profile", "--profile", "none")


def test_as_rows(world, p15):
    p15.edit(block=["192.168.1.20"])
    row = {"check": "bans", "state": "CRITICAL", "code": 2}
    result = world.run("check", "bans", "-o", "json")
    assert result.rc == CRITICAL and {k: result.one()[k] for k in row} == row and "192.168.1.20" in result.one()["text"]
    result = world.run("check", "all", "-o", "ndjson")
    assert result.rc == CRITICAL and [r["check"] for r in result.ndjson()] == ["reach", "gateway", "bans", "config", "certs"]
    assert not any(r["text"].startswith(r["check"].upper()) for r in result.ndjson())
    result = world.run("check", "bogus", "-o", "json")
    assert result.rc == UNKNOWN and result.one()["state"] == "UNKNOWN"


def test_reach_within(world, p15):
    check(world, "reach", OK, " within ", "--warn", "1h", "--crit", "2h")
    p15.fault("delay", times=1, seconds=1.2)
    check(world, "reach", CRITICAL, " within ", "--crit", "1s")
    check(world, "reach", UNKNOWN, "--warn wants a duration", "--warn", "soon")


def test_all_asks_a_server_that_stalls_once(world, p15):
    assert world.run("probe").rc == 0
    p15.requests()
    p15.fault("stall", path="server.blocked-ip", times=-1)
    result = world.run("check", "all", "--timeout", "1")
    assert result.rc == UNKNOWN and "gateway UNKNOWN: blocked addresses: " in result.out and "bans UNKNOWN: blocked addresses: " in result.out
    p15.release()
    assert len([r for r in p15.requests() if "server.blocked-ip" in r["path"]]) == 1


def test_bans_tells_what_it_can_not_see(world, p15):
    p15.fault("status", path="server.allowed-ip", times=-1, status=500)
    check(world, "bans", OK, "allowed entries can't be read")


def test_no_performance_data_and_nothing_beyond_ascii_where_it_can_not_be_read(world, p15):
    """Nagios takes what follows a bar for numbers, and runs with LC_ALL=C."""
    p15.edit(set={"server.blocked-ip.a|b\u00e9": ""})
    check(world, "bans", WARNING, '"a/b\u00e9"')
    for what in ("reach", "bans", "config", "all"):
        result = world.run("check", what, env={"LC_ALL": "C"})
        assert result.out.isascii() and "|" not in result.out, result
    check(world, "reach", OK, "(0.11 - 0.15, settings)", env={"LC_ALL": "C"})
