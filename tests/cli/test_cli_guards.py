# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not be done in a hurry: refused with a reason, exit 3, nothing sent that writes; --force overrides and is remembered."""

import json
import os
import subprocess

import pytest

from cli_world import DONE, HANG_S, REFUSED
from program import BIN

SSH = {"SSH_CONNECTION": "198.51.100.23 50000 203.0.113.1 22"}


def writes(p):
    return [r for r in p.requests() if r["method"] != "GET" and r["path"] != "/jmap" and '"values":[]' not in r["body"]]


@pytest.mark.parametrize("target, word, env", [
    ("198.51.100.23", "SSH client", SSH), ("198.51.100.0/24", "SSH client", SSH), ("127.0.0.1", "loopback", {}), ("127.0.0.5", "loopback", {}),
    ("::1", "loopback", {}), ("10.1.2.3", "private", {}), ("192.168.0.0/16", "private", {}), ("172.17.0.1", "Docker", {}),
    ("100.64.0.1", "", {}), ("fd00::1", "private", {}), ("8.0.0.0/7", "wider", {}), ("0.0.0.0/0", "", {}), ("2001:db8::/15", "", {}),
    ("::/0", "", {}), ("fe80::1", "", {})])
def test_refused(world, p15, target, word, env):
    result = world.run("block", target, env=env)
    if result.rc == 2:                                        # /15 of an IPv6 prefix with host bits set
        result = world.run("block", "2000::/15", env=env)
    assert result.rc == REFUSED and word in result.err and "--force" in result.err, result
    assert writes(p15) == []
    assert p15.state()["stored"]["blocked"] == []


def test_without_ssh_the_same_address_may_be_blocked(world, p15):
    assert world.run("block", "198.51.100.23").rc == DONE


def test_ssh_client_as_mapped_ipv6(world, p15):
    result = world.run("block", "198.51.100.23", env={"SSH_CONNECTION": "::ffff:198.51.100.23 50000 ::ffff:203.0.113.1 22"})
    assert result.rc == REFUSED and "SSH" in result.err


def test_an_allowed_entry_is_protected(world, p15):
    p15.edit(allow=["203.0.113.9"])
    p15.request("GET", "/api/reload")
    for target in ("203.0.113.9", "203.0.113.0/24"):
        result = world.run("block", target)
        assert result.rc == REFUSED and "allow" in result.err and "203.0.113.9" in result.err


def test_near_networks_of_the_profile(world, p15):
    world.configure('profile "p" { near_networks = { "203.0.113.0/28" } }\n')
    result = world.run("block", "203.0.113.5")
    assert result.rc == REFUSED and "near" in result.err
    assert world.run("block", "203.0.113.77").rc == DONE


PROXIES = "proxy.trusted-networks"


@pytest.mark.parametrize("settings", [
    {"server." + PROXIES: "203.0.113.64/28"}, {"server." + PROXIES: "10.0.0.0/8, 203.0.113.64/28"}, {"server." + PROXIES + ".0000": "203.0.113.64/28"},
    {"server." + PROXIES + ".203.0.113.64/28": ""}, {"server.listener.smtp." + PROXIES: "203.0.113.64/28"},
    {"server.listener.smtp." + PROXIES + ".203.0.113.64/28": "true"}], ids=["one", "several", "array", "set", "listener", "listener-set"])
@pytest.mark.parametrize("persona", ["0.15", "0.10", "0.8", "0.6"])
def test_the_servers_trusted_proxies(world, practice, persona, settings):
    p = practice(persona, options={"settings": settings})
    world.use(p)
    for target in ("203.0.113.70", "203.0.113.0/24"):
        result = world.run("block", target)
        assert result.rc == REFUSED and "203.0.113.64/28, a proxy the server trusts" in result.err, result
    assert world.run("block", "203.0.113.80", "--dry-run").rc == DONE


@pytest.mark.parametrize("kind, field", [("SystemSettings", "proxyTrustedNetworks"), ("NetworkListener", "overrideProxyTrustedNetworks")])
def test_the_proxies_that_0_16_trusts(world, p16, kind, field):
    def call(method, arguments):
        body = {"using": ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"], "methodCalls": [["x:%s/%s" % (kind, method), arguments, "c"]]}
        return json.loads(p16.request("POST", "/jmap", body)[2])["methodResponses"][0][1]

    which = "singleton" if kind == "SystemSettings" else call("get", {"ids": None})["list"][0]["id"]
    assert "updated" in call("set", {"update": {which: {field: {"203.0.113.64/28": True}}}})
    result = world.run("block", "203.0.113.70")
    assert result.rc == REFUSED and "203.0.113.70 is inside 203.0.113.64/28, a proxy the server trusts" in result.err, result


def test_one_bad_target_refuses_all(world, p15):
    result = world.run("block", "203.0.113.7", "127.0.0.1")
    assert result.rc == REFUSED
    assert p15.state()["stored"]["blocked"] == []


def test_force_overrides_and_is_in_the_journal(world, p15):
    result = world.run("block", "10.1.2.3", "--force", "--reason", "sure")
    assert result.rc == DONE and "private" in result.err
    assert p15.state()["live"]["blocked"] == ["10.1.2.3"]
    row = world.run("journal", "-o", "json").one()
    assert "private" in row["forced"] and row["reason"] == "sure"


def test_a_dry_run_is_guarded_too(world, p15):
    assert world.run("block", "127.0.0.1", "--dry-run").rc == REFUSED


def test_removals_are_not_guarded(world, p15):
    """Lifting a wrong block is the cure, not the disease."""
    p15.edit(block=["127.0.0.5", "10.0.0.0/8"])
    p15.request("GET", "/api/reload")
    assert world.run("unblock", "127.0.0.5", "10.0.0.0/8").rc == DONE


def test_read_only(world, p15):
    for args in (["block", "203.0.113.7"], ["unblock", "203.0.113.7"], ["allow", "203.0.113.7"], ["thresholds", "set", "auth", "5/1h"],
                 ["reset-counters"], ["reload"]):
        result = world.run(*args, "--read-only")
        assert result.rc == REFUSED and "read-only" in result.err + result.out, (args, result)
    assert writes(p15) == []
    assert world.run("blocked", "--read-only").rc == 1
    world.configure('profile "p" { read_only = true }\n')
    assert "read-only" in str(world.run("block", "203.0.113.7"))
    assert writes(p15) == []


def test_switching_off_asks_whether_more_would_do(world, p15):
    result = world.run("thresholds", "off", "auth", "--yes")
    assert result.rc == DONE and "higher rate" in result.err
    assert p15.state()["live"]["thresholds"]["auth"] in (None, False)


def test_dry_run_prints_the_requests_and_sends_none_of_them(world, p15):
    result = world.run("block", "203.0.113.7", "198.51.100.0/24", "--reason", "case 118", "--dry-run")
    assert result.rc == DONE
    assert "POST /api/settings" in result.out and "server.blocked-ip.203.0.113.7" in result.out and "GET /api/reload" in result.out
    assert "secret" not in result.out
    assert writes(p15) == []
    assert p15.state()["stored"]["blocked"] == []
    assert world.run("journal").rc == 1


@pytest.mark.parametrize("persona", ["0.16", "0.10", "0.8", "0.6", "rest"])
def test_dry_run_on_every_generation(world, practice, persona):
    p = practice(persona)
    world.use(p)
    result = world.run("block", "203.0.113.7", "--dry-run")
    assert result.rc == DONE and "203.0.113.7" in result.out
    assert p.state()["stored"]["blocked"] == []


def test_an_ipv6_network_that_holds_every_ipv4_client(world, p15):
    result = world.run("block", "::/64", env=SSH)
    assert result.rc == REFUSED and "::/64 contains 198.51.100.23, your own SSH client" in result.err
    result = world.run("block", "::fffe:0:0/95")
    assert result.rc == REFUSED and "every IPv4 address" in result.err


def test_near_networks_of_ipv6_and_mapped(world, p15):
    world.configure('profile "p" { near_networks = { "2001:db8:5::/48", "::ffff:203.0.113.9" } }\n')
    for target in ("2001:db8:5:1::7", "2001:db8::/32", "203.0.113.9", "203.0.113.0/24"):
        result = world.run("block", target)
        assert result.rc == REFUSED and "near_networks" in result.err, (target, result)


def test_the_last_allow_of_a_trusted_proxy(world, practice):
    p = practice("0.15", options={"settings": {"server.proxy.trusted-networks.0000": "203.0.113.64/32"}})
    world.use(p)
    p.edit(allow=["203.0.113.64", "203.0.113.0/24"])
    p.request("GET", "/api/reload")
    assert world.run("disallow", "203.0.113.64", "203.0.113.0/24").rc == REFUSED
    assert world.run("disallow", "203.0.113.64").rc == DONE
    result = world.run("disallow", "203.0.113.0/24")
    assert result.rc == REFUSED and "the last allow that keeps 203.0.113.64 from being banned, a proxy the server trusts" in result.err
    assert world.run("disallow", "203.0.113.0/24", "--force").rc == DONE
    forced = [row["forced"] for row in world.run("journal", "-o", "json").rows() if row["target"] == "203.0.113.0/24"]
    assert forced == ["last_allow"]


def test_many_at_once_want_to_be_meant(world, p15):
    many = "".join("198.18.%d.%d\n" % (i // 250, i % 250 + 1) for i in range(1001))
    result = world.run("block", "-", stdin=many)
    assert result.rc == REFUSED and "1001 entries, more than 1000 at once" in result.err, result
    assert writes(p15) == []
    assert world.run("block", "-", "--yes", stdin=many).rc == DONE
    assert len(p15.state()["stored"]["blocked"]) == 1001


@pytest.mark.parametrize("own", [{"SSH_CONNECTION": "UNKNOWN 65535 UNKNOWN 65535"}, {"SSH_CONNECTION": ""}, {"SSH_CONNECTION": "garbage"}, {}])
def test_ssh_client_of_what_is_left(world, p15, own):
    """$SSH_CONNECTION says nothing: $SSH_CLIENT may, or the shell that it was called from."""
    result = world.run("block", "198.51.100.23", env={**own, "SSH_CLIENT": "198.51.100.23 50000 22"})
    assert result.rc == REFUSED and "198.51.100.23 is your own SSH client" in result.err, result
    script = "export SSH_CONNECTION='%s'; %s block 198.51.100.23; exit $?" % (own.get("SSH_CONNECTION", ""), BIN)
    done = subprocess.run(["sh", "-c", script], env={**world.environment(None), **SSH}, capture_output=True, timeout=HANG_S)
    assert done.returncode == REFUSED and b"198.51.100.23 is your own SSH client" in done.stderr, done
    assert world.run("block", "198.51.100.24", env=own).rc == DONE


def test_addresses_that_carry_ours(world, p15):
    for target in ("64:ff9b::c633:6417", "64:ff9b::/64", "2002:c633:6417::/48", "2001:0:5ef5:79fb:0:59d:39cc:9be8", "::198.51.100.23"):
        result = world.run("block", target, env=SSH)
        assert result.rc == REFUSED and "198.51.100.23" in result.err and "your own SSH client" in result.err, (target, result)
    assert writes(p15) == []


def test_all_that_is_overridden_is_named(world, p15):
    """However many there are of the first kind."""
    many = "".join("10.0.0.%d\n" % (i + 1) for i in range(100)) + "198.51.100.23\n"
    assert world.run("block", "-", "--force", stdin=many, env=SSH).rc == DONE
    assert {row["forced"] for row in world.run("journal", "-o", "json").rows()} == {"ssh_client, private"}


@pytest.mark.parametrize("persona, path, body, what", [
    ("0.15", "server.allowed-ip", "", "allowed entries"), ("0.15", "trusted-networks", "", "trusted proxies"),
    ("0.16", "/jmap", "x:AllowedIp/query", "allowed entries"), ("0.16", "/jmap", "x:SystemSettings/get", "trusted proxies")])
def test_a_guard_that_sees_nothing_says_so(world, practice, persona, path, body, what):
    p = practice(persona)
    world.use(p)
    assert world.run("probe").rc == DONE
    p.fault("status", path=path, times=-1, status=500, **({"body": body} if body else {}))
    result = world.run("block", "203.0.113.7", "--dry-run")
    assert result.rc == DONE and "no guard looks at the server's %s, they can't be read: " % what in result.err, result


def test_every_address_of_the_servers_name(world, p15):
    """A tunnel leads to the server; its name has addresses of its own, and a block of any would be felt."""
    resolver = world.path("work", "getent")
    with open(resolver, "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\n[ \"$2\" = mail.example.org ] || exit 2\n"
                "printf '%s STREAM mail.example.org\\n' 203.0.113.25 203.0.113.26 2001:db8:25::1 fe80::1%eth0\n")
    os.chmod(resolver, 0o755)
    at = p15.url.split("//")[1]
    world.configure('profile "p" { url = "http://mail.example.org:8080" connect_to = "%s" }\n' % at)
    env = {"STALWARDEN_URL": None, "PATH": "%s:%s" % (world.path("work"), world.env["PATH"])}
    for target in ("203.0.113.26", "203.0.113.0/24", "2001:db8:25::/48", "64:ff9b::203.0.113.25"):
        result = world.run("block", target, env=env)
        assert result.rc == REFUSED and "the address the server's API is reached at" in result.err, (target, result)
    assert world.run("block", "203.0.114.7", env=env).rc == DONE
    env["PATH"] = world.env["PATH"]  # nobody knows the name: what was dialled is known
    result = world.run("block", "127.0.0.1", env=env)
    assert result.rc == REFUSED and "the address the server's API is reached at" in result.err, result


@pytest.mark.parametrize("args", [["undo"], ["undo", "1"], ["undo", "--last", "2"]])
def test_undo_is_guarded_by_what_the_server_trusts_now(world, p15, args):
    p15.edit(block=["203.0.113.70", "203.0.113.71"])
    assert world.run("unblock", "203.0.113.70").rc == DONE
    if "--last" in args:
        assert world.run("unblock", "203.0.113.71").rc == DONE
    p15.edit(set={"server.proxy.trusted-networks.0000": "203.0.113.64/29"})
    result = world.run(*args)
    assert result.rc == REFUSED and "203.0.113.64/29, a proxy the server trusts" in result.err, result
    assert not {"203.0.113.70"} & set(p15.state()["stored"]["blocked"])


def test_undo_of_the_allow_that_keeps_a_proxy_alive(world, practice):
    p = practice("0.15", options={"settings": {"server.proxy.trusted-networks.0000": "203.0.113.64/32"}})
    world.use(p)
    assert world.run("allow", "203.0.113.64").rc == DONE
    result = world.run("undo")
    assert result.rc == REFUSED and "the last allow that keeps 203.0.113.64 from being banned" in result.err, result


def test_a_later_end_is_a_block_and_an_earlier_one_is_none(world, p15):
    p15.edit(set={"server.blocked-ip.198.51.100.23": '{"by":"ops","until":"2030-01-01T00:00:00Z","class":"manual"}'})
    result = world.run("block", "198.51.100.23", "--for", "3650d", env=SSH)
    assert result.rc == REFUSED and "198.51.100.23 is your own SSH client" in result.err, result
    assert world.run("block", "198.51.100.23", "--for", "1h", env=SSH).rc == DONE


def test_an_end_for_the_last_allow_of_a_proxy(world, practice):
    p = practice("0.15", options={"settings": {"server.proxy.trusted-networks.0000": "203.0.113.64/32"}})
    world.use(p)
    p.edit(allow=["203.0.113.64", "203.0.113.80"])
    result = world.run("allow", "203.0.113.64", "--until", "2030-01-01")
    assert result.rc == REFUSED and "the last allow that keeps 203.0.113.64 from being banned" in result.err, result
    assert world.run("allow", "203.0.113.80", "--until", "2030-01-01").rc == DONE
    assert world.run("allow", "203.0.113.64", "--until", "2030-01-01", "--force").rc == DONE
    assert world.run("allow", "203.0.113.64", "--until", "2031-01-01").rc == DONE


def test_ssh_client_behind_sudo(world, p15):
    """sudo takes SSH_CONNECTION away; the shell that it was called from has it."""
    script = "unset SSH_CONNECTION; %s block 198.51.100.23; exit $?" % BIN
    done = subprocess.run(["sh", "-c", script], env={**world.environment(None), **SSH}, capture_output=True, timeout=HANG_S)
    assert done.returncode == REFUSED and b"198.51.100.23 is your own SSH client" in done.stderr, done


@pytest.mark.parametrize("banned", ["198.51.100.23", "198.51.100.0/24"])
def test_your_own_address_among_the_blocked_is_an_alarm(world, p15, banned):
    p15.edit(block=[banned])
    result = world.run("status", env=SSH)
    assert "your own address 198.51.100.23 is banned by %s" % banned in result.out, result
    assert "stalwarden unblock 198.51.100.23 --allow --reset-counters" in result.out
    alarms = world.run("status", "-o", "json", env=SSH).json()["alarms"]
    assert [a["level"] for a in alarms if "your own address" in a["text"]] == ["critical"], alarms
    assert "your own address" not in world.run("status", env={"SSH_CONNECTION": "198.51.101.23 1 203.0.113.1 22"}).out
