# SPDX-License-Identifier: GPL-3.0-or-later
"""The best-known failure from end to end on each generation: everybody behind one gateway, the gateway banned, and the cure."""

import json
import os
import subprocess
import sys

import program
import pytest

from cli_world import DONE, NOTHING

PERSONAS = ["0.6", "0.8", "0.10", "0.15", "rest", "0.16"]
GATEWAY = "172.17.0.1"

# The setting that lets each generation see who it really is.
CURE = {
    "0.6": ["server.proxy.trusted-networks = 172.17.0.1", "jmap.rate-limit.use-forwarded = true", "restart"],
    "0.8": ["server.proxy.trusted-networks = 172.17.0.1", "server.http.use-x-forwarded = true", "restart"],
    "0.10": ["server.proxy.trusted-networks = 172.17.0.1", "server.http.use-x-forwarded = true", "restart"],
    "0.15": ["server.proxy.trusted-networks = 172.17.0.1", "for header: http.use-x-forwarded = true", "up to 0.11 it is called:  server.http.use-x-forwarded = true", "restart"],
    "0.16": ["x:SystemSettings.proxyTrustedNetworks = 172.17.0.1", "x:Http.useXForwarded = true"],
    "rest": ["No setting is known"],
}


def knock(p, count, first=0):
    """Users behind the gateway with wrong passwords, one account after the other: what became of each."""
    return [p.event("auth_fail", GATEWAY, listener="imap", account="user%d@example.org" % (n % 14)) for n in range(first, first + count)]


def banned(p):
    """Internal traffic, until the server has enough of it."""
    for n in range(400):
        if knock(p, 1, n) != ["ok"]:
            break
    p.control("settle", {})
    assert GATEWAY in p.state()["live"]["blocked"]
    assert knock(p, 1) == ["refused"]


@pytest.mark.parametrize("persona", PERSONAS)
def test_the_gateway_story(world, practice, persona):
    p = practice(persona)
    world.use(p)
    assert world.run("gateway").rc == NOTHING
    assert world.run("check", "gateway").rc == 0
    banned(p)
    alarm = world.run("check", "gateway")
    assert alarm.rc == 2 and GATEWAY in alarm.out, alarm
    assert GATEWAY + " is banned" in world.run("status").out
    shown = world.run("gateway", "-o", "json")
    assert shown.one()["address"] == GATEWAY and shown.one()["state"] == "banned"
    assert all(words in shown.err for words in CURE[persona]), shown.err
    p.requests()
    fixed = world.run("gateway", "fix", "-o", "json")
    p.control("settle", {})
    verdicts = {row["op"]: row["verdict"] for row in fixed.rows()}
    assert all(words in fixed.err for words in CURE[persona]), fixed.err
    live = p.state()["live"]
    assert GATEWAY not in live["blocked"]
    if persona in ("0.15", "0.16"):
        assert not p.state()["counters"]
    elif persona != "0.6":
        assert "counters stay" in fixed.err, fixed
    if persona == "0.6":                        # no allow list: that protection can't be given
        assert verdicts == {"unblock": "in_force"} and fixed.rc == DONE, fixed
        assert "it can't be allowed as well" in fixed.err and "by the next failure" in fixed.err, fixed
    else:
        assert verdicts == {"allow": "in_force", "unblock": "in_force"} and fixed.rc == DONE, fixed
        assert GATEWAY in live["allowed"]
    p.advance(86400 if persona == "0.6" else 60)            # the next minute; on 0.6 the day over which it counts
    assert set(knock(p, 50)) == {"ok"}
    if persona != "0.6":
        assert set(knock(p, 200)) == {"ok"}
    p.control("settle", {})
    assert GATEWAY not in p.state()["live"]["blocked"]
    assert world.run("check", "gateway").rc in (0, 1)       # 1: close to the next ban
    assert world.run("gateway", "fix").rc == NOTHING


@pytest.mark.parametrize("persona", PERSONAS)
def test_the_cure_is_shown_before_it_is_made(world, practice, persona):
    """--dry-run prints every request of it, and sends none."""
    p = practice(persona)
    world.use(p)
    banned(p)
    before = p.state()["stored"]
    dry = world.run("gateway", "fix", "--dry-run")
    assert dry.rc == DONE and GATEWAY in dry.out, dry
    assert p.state()["stored"] == before and GATEWAY in p.state()["live"]["blocked"]


# ---- addresses that people share ------------------------------------------------------------------

OFFICE, HOME, SPRAYER = "198.51.100.7", "198.51.100.9", "203.0.113.66"
LISTENERS = ["imaptls", "submission", "https"]


def log_in(p, client, accounts, first=0):
    p.control("events", [{"kind": "auth_ok", "client": client, "listener": LISTENERS[n % 3], "account": "staff%d@example.org" % (first + n)}
                                   for n in range(accounts)])


def fail(p, client, accounts, name="staff"):
    p.control("events", [{"kind": "auth_fail", "client": client, "listener": "imap", "account": "%s%d@example.org" % (name, n)}
                                   for n in range(accounts)])


def block(p, *clients):
    p.edit(block=list(clients))


@pytest.mark.parametrize("source", ["file", "api"])
@pytest.mark.parametrize("persona", ["0.10", "0.15", "0.16"])     # those up to 0.9 don't write who logs in
def test_an_office_is_told_from_a_sprayer(world, practice, persona, source):
    p = practice(persona)
    world.use(p)
    log = ["--log-source", p.log_dir if source == "file" else "api"]
    log_in(p, OFFICE, 14)
    fail(p, OFFICE, 2)
    log_in(p, HOME, 2)
    log_in(p, SPRAYER, 1)                       # of 60 it tried one was right
    fail(p, SPRAYER, 60, name="name")
    assert world.run("check", "gateway", *log).rc == 0
    block(p, SPRAYER, HOME)
    calm = world.run("check", "gateway", *log)
    assert calm.rc == 0 and "GATEWAY OK" in calm.out, calm
    assert world.run("gateway", *log).rc == NOTHING
    block(p, OFFICE)
    words = OFFICE + " is banned: 14 accounts log in from it on 3 listeners"
    alarm = world.run("check", "gateway", *log)
    assert alarm.rc == 2 and words in alarm.out, alarm
    shown = world.run("gateway", "-o", "json", *log)
    assert shown.one()["words"] == words and shown.one()["score"] >= 50, shown
    assert "several accounts log in from it" in shown.one()["why"]
    assert "If it is an office's or a provider's" in shown.err and "stalwarden why " + OFFICE in shown.err, shown
    assert words in world.run("status", *log).out
    fixed = world.run("gateway", "fix", "--yes", *log)
    live = p.state()["live"]
    assert fixed.rc == DONE and OFFICE not in live["blocked"] and OFFICE in live["allowed"], fixed
    assert SPRAYER in p.state()["stored"]["blocked"] and HOME in p.state()["stored"]["blocked"]


@pytest.mark.parametrize("persona", ["0.10", "0.15", "0.16"])
def test_a_sprayer_with_stolen_passwords_is_a_hint_at_most(world, practice, persona):
    p = practice(persona, options={"level": "debug"})
    world.use(p)
    log = ["--log-source", p.log_dir]
    fail(p, SPRAYER, 80, name="name")
    log_in(p, SPRAYER, 6)                       # six passwords found: none of them is at home there
    block(p, SPRAYER)
    assert world.run("check", "gateway", *log).rc == 0
    hint = world.run("gateway", "-o", "json", *log)
    assert hint.one()["score"] < 50 and "6 accounts log in from it on 3 listeners, and it tries 80 that don't" in hint.one()["words"], hint
    assert world.run("gateway", "fix", *log).rc == NOTHING and SPRAYER in p.state()["stored"]["blocked"]
    assert SPRAYER + " is banned: " not in world.run("status", *log).out


def test_an_office_near_its_limit_is_a_warning(world, practice):
    p15 = practice("0.15", options={"level": "debug"})
    world.use(p15)
    log = ["--log-source", p15.log_dir]
    log_in(p15, OFFICE, 14)
    for _ in range(17):
        fail(p15, OFFICE, 5)
    near = world.run("check", "gateway", *log)
    assert near.rc == 1 and OFFICE + " is about to be banned (85 of 100 in auth): 14 accounts log in from it on 3 listeners" in near.out, near


def test_own_logins_are_nobody(world, p15):
    """Every request of ours is a login in the log: it makes no office of the address that it comes from, whatever else does."""
    log_in(p15, OFFICE, 2)
    p15.control("events", [{"kind": "auth_ok", "client": OFFICE, "listener": "http", "account": "admin"}] * 9)
    block(p15, OFFICE)
    assert world.run("gateway", "--log-source", p15.log_dir).rc == NOTHING
    log_in(p15, OFFICE, 1, first=2)
    assert "3 accounts log in from it on 2 listeners" in world.run("gateway", "--log-source", p15.log_dir).out


@pytest.mark.parametrize("persona", PERSONAS)
def test_the_reason_is_kept(world, practice, persona):
    """In the journal, and with the allowed entry where the server has words for one; without one it says what the change was."""
    p = practice(persona)
    world.use(p)
    for given, kept in [(["--reason", "the Müller branch; case 118"], "the Müller branch; case 118"), ([], "gateway")]:
        banned(p)
        fixed = world.run("gateway", "fix", GATEWAY, "--yes", *given)
        assert fixed.rc == DONE, fixed
        done = world.run("journal", "-o", "json", "--limit", "1").one()     # newest first
        assert done["target"] == GATEWAY and done["reason"] == kept, done
        if persona in ("0.8", "0.10", "0.15", "0.16"):
            notes = [row["note"] for row in world.run("allowed", "-o", "json").rows() if row["address"] == GATEWAY]
            assert notes == [kept], notes
        p.edit(disallow=[GATEWAY])
        p.restart()


TRUST = {"0.6": "server.proxy.trusted-networks", "0.8": "server.proxy.trusted-networks", "0.10": "server.listener.imap.proxy.trusted-networks.0001",
         "0.15": "server.proxy.trusted-networks.0000"}


@pytest.mark.parametrize("persona", TRUST)
def test_a_trusted_proxy_and_missing_allows(world, practice, persona):
    """The proxy is one of a trusted network; what the profile expects to be allowed is not. All is put right in one go, and each said what it needs."""
    p = practice(persona)
    world.use(p)
    world.configure('profile "m" { near_networks = { "198.18.7.0/24" } allowed = { "203.0.115.9" } }\n')
    expects = persona != "0.6"                  # which has no allow list
    p.edit(set={TRUST[persona]: "203.0.114.0/24"})
    before = world.run("check", "gateway")
    assert before.rc == (1 if expects else 0) and ("198.18.7.0/24 should be allowed and is not" in before.out) == expects, before
    missing = world.run("gateway")
    assert missing.rc == (DONE if expects else NOTHING) and "for good" not in missing.err, missing
    p.edit(block=["203.0.114.9", "203.0.113.7"])
    assert "203.0.114.9 is banned: a proxy the server trusts" in world.run("check", "gateway").out
    fixed = world.run("gateway", "fix", "--yes")
    assert fixed.rc == DONE and "203.0.114.9 is trusted already" in fixed.err, fixed
    live = p.state()["live"]
    assert "203.0.114.9" not in live["blocked"] and "203.0.113.7" in p.state()["stored"]["blocked"]
    if expects:
        assert {"203.0.114.9", "203.0.115.9"} <= set(live["allowed"]) and live["allowed_networks"] == ["198.18.7.0/24"]
    assert world.run("check", "gateway").rc == 0
    if expects:
        p.edit(disallow=["203.0.115.9"])        # deployed anew
        again = world.run("gateway", "fix", "--yes")
        assert again.rc == DONE and "for good" not in again.err and "203.0.115.9" in p.state()["live"]["allowed"], again


@pytest.mark.parametrize("persona", [name for name in PERSONAS if name != "rest"])     # which has no networks
def test_a_blocked_network_around_a_gateway(world, practice, persona):
    """The gateway is allowed, and not its 255 neighbours; the block goes only where it would win over that."""
    p = practice(persona)
    world.use(p)
    world.configure('profile "m" { allowed = { "203.0.113.40" } }\n')
    p.edit(block=["203.0.113.0/24"])
    if persona != "0.16":
        assert "203.0.113.0/24 is banned: expected to be allowed by this profile" in world.run("check", "gateway").out
    fixed = world.run("gateway", "fix", "--yes")
    stored = p.state()["stored"]
    assert fixed.rc == DONE, fixed
    assert ("203.0.113.0/24" in stored["blocked"]) == (persona == "0.16"), stored
    assert list(stored["allowed"]) == ([] if persona == "0.6" else ["203.0.113.40"]), stored
    if persona not in ("0.6", "0.16"):
        assert "203.0.113.0/24 is blocked around it" in fixed.err, fixed
    assert world.run("check", "gateway").rc == 0 and world.run("gateway", "fix").rc == NOTHING


# ---- what the kernel knows ------------------------------------------------------------------------

@pytest.fixture
def host():
    """A host of its own: bridges as a container engine makes them, and default routes of both kinds."""
    name = "stalwarden-%d" % os.getpid()
    enter = ["ip", "netns", "exec", name]
    setup = """ip link set lo up
        ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up
        ip link add br-mail type bridge; ip addr add 192.0.2.1/24 dev br-mail; ip -6 addr add 2001:db8:7::1/64 dev br-mail nodad; ip link set br-mail up
        ip link add up0 type veth peer name up1; ip addr add 203.0.113.10/24 dev up0; ip -6 addr add 2001:db8:5::10/64 dev up0 nodad
        ip link set up0 up; ip link set up1 up; ip route add default via 203.0.113.1; ip -6 route add default via 2001:db8:5::1 dev up0"""
    try:
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode == 0
    except FileNotFoundError:
        made = False
    if not made:
        pytest.skip("no network namespace can be made here")
    try:
        if subprocess.run([*enter, "sh", "-ec", setup], capture_output=True).returncode:
            pytest.skip("no bridge can be made here")
        yield enter
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


def test_bridges_and_default_routes_are_read_from_the_kernel(world, host):
    script = world.write("host.py", HOST_SCRIPT % {"tests": os.path.dirname(os.path.dirname(os.path.abspath(__file__)))})
    run = subprocess.run([*host, sys.executable, script, program.BIN, world.path("state")], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run
    found = {row["address"]: row["words"] for row in json.loads(run.stdout)}
    assert "the gateway of a bridge of this host (br-mail)" in found["192.0.2.1"] and "(br-mail)" in found["2001:db8:7::1"], found
    assert "(docker0)" in found["172.17.0.1"], found
    assert found["203.0.113.1"].endswith("the default gateway of this host") and found["2001:db8:5::1"].endswith("the default gateway of this host"), found
    assert "203.0.113.66" not in found


HOST_SCRIPT = """
import os, subprocess, sys
sys.path.insert(0, %(tests)r)
from fake.client import Practice
with Practice("0.15") as p:
    p.edit(block=["172.17.0.1", "192.0.2.1", "2001:db8:7::1", "203.0.113.1", "2001:db8:5::1", "203.0.113.66"])
    env = dict(os.environ, STALWARDEN_URL=p.url, STALWARDEN_USER=p.user, STALWARDEN_PASSWORD=p.password, XDG_STATE_HOME=sys.argv[2])
    sys.exit(subprocess.run([sys.argv[1], "gateway", "-o", "json"], env=env).returncode)
"""
