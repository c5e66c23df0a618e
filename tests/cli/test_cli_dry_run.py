# SPDX-License-Identifier: GPL-3.0-or-later
"""--dry-run prints the exact requests that would be sent: those printed are compared with those then really sent, on every generation."""

import re

import pytest

from certs_world import authority, sandbox  # noqa: F401
from cli_world import DONE, PARTLY, STORED

NOW = {"STALWARDEN_NOW": "2026-11-21T09:44:10Z"}
PERSONAS = ["0.15", "0.10", "0.8", "0.6", "rest", "0.16"]
# verb, and where it is not to be had
CHANGES = [
    (["block", "203.0.113.7", "198.51.100.0/24", "--reason", "case 118"], ()),
    (["block", "2001:db8::/48", "--for", "7d"], ("rest",)),
    (["unblock", "192.0.2.1", "192.0.2.2"], ()),
    (["unblock", "192.0.2.1", "--reset-counters"], ("0.6", "rest", "0.8", "0.10")),
    (["allow", "192.0.2.3"], ("0.6",)),
    (["disallow", "192.0.2.99"], ("0.6",)),
    (["thresholds", "set", "auth", "50/1h"], ()),
    (["thresholds", "default", "auth"], ()),
    (["thresholds", "off", "auth"], ("0.6", "rest")),
    (["thresholds", "paths", "add", "*/.env"], ("0.10", "0.8", "0.6", "rest")),
    (["thresholds", "paths", "remove", "*xmlrpc*"], ("0.10", "0.8", "0.6", "rest")),
    (["reset-counters", "auth"], ("0.6", "rest", "0.8", "0.10")),
    (["reload"], ("rest",)),
]


def printed(text):
    """[(method, path, body)]"""
    requests = []
    for line in text.splitlines():
        found = re.match(r"(GET|POST|PUT|PATCH|DELETE) (\S+)$", line)
        if found:
            requests.append([found.group(1), found.group(2), ""])
        elif not line.startswith("#") and line:
            assert requests and requests[-1][2] == "", "two bodies of one request: %r" % text
            requests[-1][2] = line
    return requests


def pattern(text):
    """<…> stands for what only an answer can tell."""
    return ".*".join(re.escape(part) for part in re.split(r"<[^<>]*>", text))


def is_same(dry, sent):
    return dry[0] == sent[0] and re.fullmatch(pattern(dry[1]), sent[1]) and re.fullmatch(pattern(dry[2]), sent[2], re.S)


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("args, absent", CHANGES, ids=["-".join(a[:2]) + "-%d" % i for i, (a, _) in enumerate(CHANGES)])
def test_what_is_printed_is_what_is_sent(world, practice, persona, args, absent):
    if persona in absent:
        pytest.skip("not on this generation")
    p = practice(persona)
    world.use(p)
    p.edit(block=["192.0.2.1", "192.0.2.2", "192.0.2.3"])
    if persona != "0.6":
        p.edit(allow=["192.0.2.99"])
    if args[:2] == ["thresholds", "default"]:
        assert world.run("thresholds", "set", "auth", "50/1h").rc in (DONE, STORED)
    before = p.state()["stored"]
    result = world.run(*args, "--dry-run", "--yes", env=NOW)
    assert result.rc == DONE, result
    dry = printed(result.out)
    assert dry and p.password not in result.out and "Authorization" not in result.out
    assert p.state()["stored"] == before
    p.requests()
    result = world.run(*args, "--yes", env=NOW)
    assert result.rc in (DONE, STORED, PARTLY), result
    sent = [[r["method"], r["path"], r.get("body") or ""] for r in p.requests()]
    tail = sent[-len(dry):]
    assert len(tail) == len(dry) and all(is_same(d, s) for d, s in zip(dry, tail)), "printed:\n%s\nsent:\n%s" % (
        "\n".join(map(str, dry)), "\n".join(map(str, sent)))


# ---- what takes more than a word

def entry(p, w):
    p.edit(block=["192.0.2.50"])


def blocked_by_us(p, w):
    assert w.run("block", "203.0.113.200", env=NOW).rc == DONE


def unblocked_by_us(p, w):
    p.edit(block=["192.0.2.50"])
    assert w.run("unblock", "192.0.2.50", env=NOW).rc == DONE


def rate_by_us(p, w):
    assert w.run("thresholds", "set", "auth", "50/1h", "--yes", env=NOW).rc in (DONE, STORED)


def gateway(p, w):
    p.edit(block=["172.17.0.1"])


def network(p, w):
    p.edit(block=["203.0.113.0/24", "203.0.113.5", "203.0.113.6"])


def alone(p, w):
    p.edit(block=["203.0.113.0/24"])


LIST = "203.0.113.0/24\n198.51.100.0/25\n203.0.113.7\n# a comment\n2001:db8::/48\n"
STORIES = [
    (["import", "-"], LIST, None, ()),
    (["import", "-", "--to", "allowed"], LIST, None, ("0.6",)),
    (["gateway", "fix"], "", gateway, ("0.6",)),
    (["undo"], "", blocked_by_us, ()),
    (["undo"], "", unblocked_by_us, ()),
    (["undo"], "", rate_by_us, ()),
    (["unblock", "192.0.2.50", "--allow", "--reset-counters"], "", entry, ("0.6",)),
    (["allow", "192.0.2.50"], "", entry, ("0.6",)),
    (["unblock", "203.0.113.0/24"], "", network, ()),
    (["unblock", "203.0.113.0/24"], "", alone, ()),
    (["block", "203.0.113.0/24", "--replace"], "", lambda p, w: p.edit(block=["203.0.113.5", "203.0.113.6"]), ()),
    (["thresholds", "set", "auth", "50/1h", "--ban-for", "1d"], "", None, ("0.15", "0.10", "0.8", "0.6", "rest")),
]


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("args, stdin, before, absent", STORIES, ids=["-".join(s[0][:2]) + "-%d" % i for i, s in enumerate(STORIES)])
def test_stories(world, practice, persona, args, stdin, before, absent):
    if persona in absent:
        pytest.skip("not on this generation")
    p = practice(persona)
    world.use(p)
    if before:
        before(p, world)
    stored = p.state()["stored"]
    result = world.run(*args, "--dry-run", "--yes", stdin=stdin, env=NOW)
    assert result.rc == DONE, result
    dry = printed(result.out)
    rows = [r for r in world.run(*args, "--dry-run", "--yes", "-o", "json", stdin=stdin, env=NOW).rows() if r["method"]]
    assert [[r["method"], r["path"], r["body"] or ""] for r in rows] == dry and {r["step"] for r in rows} <= {"read", "write", "read_back", "reload", "reset"}
    assert p.state()["stored"] == stored
    p.requests()
    assert world.run(*args, "--yes", stdin=stdin, env=NOW).rc in (DONE, STORED, PARTLY)
    sent = [[r["method"], r["path"], r.get("body") or ""] for r in p.requests()]
    tail = sent[-len(dry):]
    assert dry and len(tail) == len(dry) and all(is_same(d, s) for d, s in zip(dry, tail)), "printed:\n%s\nsent:\n%s" % (
        "\n".join(map(str, dry)), "\n".join(map(str, sent)))


def test_a_prefix_delete_is_shown_with_all_it_takes_along(world, practice):
    p = practice("0.6")
    world.use(p)
    network(p, world)
    out = world.run("unblock", "203.0.113.0/24", "--dry-run").out
    assert "DELETE /admin/config/server.security.blocked-networks.203.0.113.\n" in out
    assert '[["server.security.blocked-networks.203.0.113.5","<as it was>"],["server.security.blocked-networks.203.0.113.6","<as it was>"]]' in out


@pytest.mark.parametrize("persona, args, rc, why", [
    ("0.6", ["import", "-", "--to", "allowed"], 2, "can't allow and disallow"), ("0.15", ["block", "203.0.113.7", "--read-only"], 3, "read-only"),
    ("rest", ["block", "203.0.113.7", "--until", "2030-01-01"], 2, "")])
def test_what_could_not_be_sent_ends_as_it_would_end(world, practice, persona, args, rc, why):
    p = practice(persona)
    world.use(p)
    result = world.run(*args, "--dry-run", stdin="203.0.113.7\n")
    assert result.rc == rc and why in result.err and printed(result.out) == [], result


def test_not_even_what_an_earlier_change_left_undone(world, practice):
    """The entries that an interrupted un-block took along are put back by the next call, but not by one that promises to change nothing."""
    p = practice("0.6")
    world.use(p)
    network(p, world)
    p.fault("close", method="POST", path="/admin/config", times=-1)
    assert world.run("unblock", "203.0.113.0/24").rc != DONE
    p.control("fault", {"clear": True})
    gone = p.state()["stored"]
    assert "203.0.113.5" not in gone["blocked"]
    for args in (["block", "198.51.100.7", "--dry-run"], ["probe"], ["check", "reach"]):
        world.run(*args)
        assert p.state()["stored"] == gone, args
    result = world.run("check", "bans")
    assert result.rc == 1 and "not put back yet" in result.out, result
    assert world.run("status").rc == DONE
    assert "203.0.113.5" in p.state()["stored"]["blocked"]


@pytest.mark.parametrize("persona", ["0.15", "0.16"])
def test_a_private_key_is_not_printed(world, practice, authority, sandbox, persona):
    world.use(practice(persona))
    leaf = authority.leaf("mail.example.org")
    cert, key = world.write("c.pem", leaf.fullchain.decode()), world.write("k.pem", leaf.key_pem.decode())
    for form in ("table", "json"):
        result = world.run("certs", "upload", cert, key, "--dry-run", "-o", form)
        assert result.rc == DONE and "PRIVATE KEY-----" in result.out, result
        for line in leaf.key_pem.decode().splitlines()[1:-1]:
            assert line not in result.out


def test_a_sync_sweeps_nothing(world, p15):
    over = {"server.blocked-ip.192.0.2.200": '{"by":"ops","until":"2024-01-01T00:00:00Z","class":"manual"}',
            "server.allowed-ip.192.0.2.201": '{"by":"ops","until":"2024-01-01T00:00:00Z","class":"manual"}'}
    p15.edit(set=over)
    stored = p15.state()["stored"]
    result = world.run("sync", "--dry-run")
    assert result.rc == DONE and p15.state()["stored"] == stored, result
    deleted = [body for method, _, body in printed(result.out) if method == "POST"]
    assert "192.0.2.200" in deleted[0] and "192.0.2.201" in deleted[1] and '"type":"delete"' in deleted[0], result
    assert {r["step"] for r in world.run("sync", "--dry-run", "-o", "json").rows()} == {"read", "write", "read_back", "reload"}
    assert world.run("sync").rc == DONE
    assert "192.0.2.200" not in p15.state()["stored"]["blocked"]


@pytest.mark.parametrize("option", ["--dry-run", "--yes", "--force"])
def test_the_console_takes_no_consent_in_advance(world, p15, option):
    """A console that was started so would send what --dry-run was to show, and override what it should ask about."""
    result = world.run(option)
    assert result.rc == 2 and "%s is for verbs" % option in result.err and p15.requests() == [], result


def test_colour_is_a_word(world):
    assert world.run("paths", "--color", "nope").rc == 2 and world.run("paths", "--color", "never").rc == DONE
