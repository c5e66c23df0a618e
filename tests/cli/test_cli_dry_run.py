# SPDX-License-Identifier: GPL-3.0-or-later
"""--dry-run prints the exact requests that would be sent: those printed are compared with those then really sent, on every generation."""

import re

import pytest

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
