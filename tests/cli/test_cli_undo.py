# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo of every kind of change on every generation: what is stored and what is in force is as it was."""

import json
import urllib.parse

import pytest

from cli_world import DONE, MISMATCH, NOTHING, REFUSED, STORED

PERSONAS = ["0.6", "0.8", "0.10", "0.15", "rest", "0.16"]
PREFIX = {"0.6": "server.security.blocked-networks.", "0.16": None}
NOTED = json.dumps({"by": "alice", "at": "2026-01-02T03:04:05Z", "until": "2099-01-01T00:00:00Z", "reason": "case 118", "class": "auth"},
                   separators=(",", ":"))


def values(p):
    """Key and value of everything stored, as another program would read it."""
    if p.persona == "0.16":
        return None
    if p.persona == "0.6":
        status, answer = p.json("GET", "/admin/config/server.security")
        return sorted(map(tuple, answer["data"]))
    if p.persona == "rest":
        return [p.json("GET", "/api/settings?prefix=" + prefix)[1] for prefix in ("server", "auth", "scan", "abuse")]
    return p.json("GET", "/api/settings/list?prefix=" + urllib.parse.quote("server") + "&limit=10000")[1]


def world_of(p):
    """All that undo has to bring back. 0.16 dates every entry itself, and gives it another id."""
    p.control("settle", {})
    state = p.state()
    for name in ("blocked_rows", "allowed_rows"):
        for row in state["stored"].get(name, []):
            del row["createdAt"], row["id"]
        state["stored"].get(name, []).sort(key=lambda row: row["address"])
    state["live"].pop("certs", None)            # counts reloads
    for part in ("stored", "live"):
        for value in state[part].values():
            if isinstance(value, list) and all(isinstance(one, str) for one in value):
                value.sort()
    return {"stored": state["stored"], "live": state["live"], "values": values(p)}


def block(p, address, noted=False):
    """Another administrator's entry, in force."""
    key = PREFIX.get(p.persona, "server.blocked-ip.")
    if noted and key and p.persona != "rest":
        p.edit(set={key + address: NOTED})
    else:
        p.edit(block=[address])
    reload(p)


def reload(p):
    if p.persona == "0.16":
        p.restart()
    elif p.persona == "0.6":
        p.request("GET", "/admin/reload/config")
    elif p.persona != "rest":
        p.request("GET", "/api/reload")
    p.control("settle", {})


def run(*args):
    return lambda world, p: world.run(*args, "-o", "json")


def console(keys):
    """The same road by the console's keys, headless."""
    def go(world, p):
        return world.console("".join(key + "\n" for key in keys) + ":quit!\n")
    return go


NEW = ["0.8", "0.10", "0.15", "rest", "0.16"]                 # with an allow list
PATHS = ["0.15", "0.16"]
OFF = ["0.8", "0.10", "0.15", "0.16"]
AUTH = {"0.6": "server.security.fail2ban", "0.8": "authentication.fail2ban", "0.10": "server.fail2ban.authentication",
        "0.15": "server.auto-ban.auth.rate", "rest": "auth.banned-threshold"}
RATE = {"rest": "250/1h"}


def threshold_stored(p):
    """A threshold that somebody stored."""
    if p.persona == "0.16":
        assert p.json("POST", "/jmap", {"using": ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"], "methodCalls": [
            ["x:Security/set", {"update": {"singleton": {"authBanRate": {"count": 77, "period": 3600000}, "authBanPeriod": 86400000}}}, "a"]]})
    else:
        p.edit(set={AUTH[p.persona]: 77 if p.persona == "rest" else "77/1h"})
    reload(p)


def paths_stored(p):
    p.edit(set={"server.auto-ban.scan.paths.%04d" % n: glob for n, glob in ((2, "*/a"), (5, "*/b"), (9, "*/c"))})
    reload(p)


# name: (personas, what there was before, the change)
KINDS = {
    "block an address": (PERSONAS, None, run("block", "203.0.113.7", "--reason", "case 1")),
    "block for a while": (["0.8", "0.10", "0.15", "0.16"], None, run("block", "203.0.113.7", "--for", "7d")),
    "block a network": (PERSONAS, None, run("block", "203.0.113.0/24")),
    "block over IPv6": (PERSONAS, None, run("block", "2001:db8::7", "2001:db8:7::/48")),
    "unblock an address": (PERSONAS, lambda p: block(p, "203.0.113.7", noted=True), run("unblock", "203.0.113.7")),
    "unblock a network": (PERSONAS, lambda p: block(p, "203.0.113.0/24", noted=True), run("unblock", "203.0.113.0/24")),
    "unblock and allow": (NEW, lambda p: block(p, "203.0.113.7", noted=True), run("unblock", "203.0.113.7", "--allow")),
    "allow": (NEW, None, run("allow", "203.0.113.7", "--reason", "branch")),
    "allow what is blocked": (NEW, lambda p: block(p, "203.0.113.7", noted=True), run("allow", "203.0.113.7")),
    "disallow": (NEW, lambda p: (p.edit(allow=["203.0.113.7"]), reload(p)), run("disallow", "203.0.113.7")),
    "a threshold from the default": (PERSONAS, None, None),
    "a threshold from a stored one": (PERSONAS, threshold_stored, None),
    "a threshold off": (OFF, None, run("thresholds", "off", "auth", "--yes")),
    "a stored threshold off": (OFF, threshold_stored, run("thresholds", "off", "auth", "--yes")),
    "a threshold back to the default": (PERSONAS, threshold_stored, run("thresholds", "default", "auth")),
    "a path added": (PATHS, None, run("thresholds", "paths", "add", "*/.env")),
    "a built-in path removed": (PATHS, None, run("thresholds", "paths", "remove", "*/wp-*")),
    "a stored path removed": (["0.15"], paths_stored, run("thresholds", "paths", "remove", "*/b")),
    "a path added to stored ones": (["0.15"], paths_stored, run("thresholds", "paths", "add", "*/d")),
    "an import": (PERSONAS, lambda p: block(p, "203.0.113.7", noted=True), None),
    "another end": (["0.6", "0.8", "0.10", "0.15", "0.16"], lambda p: block(p, "203.0.113.7", noted=True),
                    console(["3", ":wait 203.0.113", "e", "9d<CR>", ":wait Change", "y", ":wait in force"])),
    "a gateway": (NEW, lambda p: (block(p, "172.17.0.1")), run("gateway", "fix", "172.17.0.1")),
}


def do(world, p, name):
    if name in ("a threshold from the default", "a threshold from a stored one"):
        return world.run("thresholds", "set", "auth", RATE.get(p.persona, "7/1h"), "-o", "json")
    if name == "an import":
        path = world.write("list", "".join("45.9.%d.1\n" % n for n in range(40)) + "45.10.0.0/24\n203.0.113.7\n")
        return world.run("import", path, "-o", "json")
    return KINDS[name][2](world, p)


@pytest.mark.parametrize("persona, name", [(persona, name) for name, kind in KINDS.items() for persona in kind[0]])
def test_undo_of_every_kind_on_every_generation(world, practice, persona, name):
    p = practice(persona)
    world.use(p)
    if KINDS[name][1]:
        KINDS[name][1](p)
    reload(p)
    before = world_of(p)
    done = do(world, p, name)
    changed = world_of(p)
    assert changed != before, done
    if name == "a gateway":                     # to block it again is what guards are there for
        assert world.run("undo").rc == REFUSED and world_of(p) == changed
    result = world.run("undo", "--yes", *(["--force"] if name == "a gateway" else []), "-o", "json")
    after = world_of(p)
    assert after == before, (done, result)
    assert result.rc == (STORED if "threshold" in name and persona == "0.6" else DONE), result     # only a restart applies it
    assert world.run("undo").rc == NOTHING


@pytest.mark.parametrize("persona", ["0.6", "0.8", "0.10", "0.15", "0.16"])
def test_undo_refuses_what_someone_else_changed_since_and_shows_both(world, practice, persona):
    p = practice(persona)
    world.use(p)
    assert world.run("block", "203.0.113.7", "--for", "7d").rc == DONE
    mine = world.run("journal", "-o", "json").one()["after"]
    if persona == "0.16":
        row = p.state()["stored"]["blocked_rows"][0]
        p.json("POST", "/jmap", {"using": ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"], "methodCalls": [
            ["x:BlockedIp/set", {"update": {row["id"]: {"expiresAt": "2099-01-01T00:00:00Z"}}}, "a"]]})
    else:
        p.edit(set={PREFIX.get(persona, "server.blocked-ip.") + "203.0.113.7": NOTED})
    theirs = world_of(p)
    result = world.run("undo", "-o", "json")
    assert result.rc not in (DONE, NOTHING) and world_of(p) == theirs, result
    detail = result.one()["detail"]
    assert "2099-01-01" in detail and json.loads(mine)["until"][:10] in detail, detail


def test_undo_says_that_0_16_dates_entries_itself(world, p16):
    block(p16, "203.0.113.7")
    assert world.run("unblock", "203.0.113.7").rc == DONE
    result = world.run("undo")
    assert result.rc == DONE and "createdAt" in result.err
    assert world.run("unblock", "203.0.113.7").rc == DONE


ENDING = ["0.6", "0.8", "0.10", "0.15", "0.16"]


@pytest.mark.parametrize("persona", PERSONAS)
def test_undo_of_an_undo(world, practice, persona):
    """It is a change like any other: what was taken back is there again, with its reason and end, and goes again."""
    p = practice(persona)
    world.use(p)
    before = world_of(p)
    more = [] if persona == "rest" else ["--until", "2099-01-01"]
    assert world.run("block", "203.0.113.7", "198.51.100.0/24", "--reason", "case 118", *more).rc == DONE
    blocked = world_of(p)
    assert world.run("undo").rc == DONE and world_of(p) == before
    for target in ("203.0.113.7", "198.51.100.0/24"):
        ids = [row["id"] for row in world.run("journal", "-o", "json").rows() if (row["op"], row["target"]) == ("unblock", target)]
        result = world.run("undo", str(ids[0]), "-o", "json")
        assert result.rc == DONE and result.one()["op"] == "block", result
        assert ("createdAt" in result.err) == (persona == "0.16")
    assert world_of(p) == blocked
    for target in ("203.0.113.7", "198.51.100.0/24"):
        ids = [row["id"] for row in world.run("journal", "-o", "json").rows() if (row["op"], row["target"]) == ("block", target)]
        assert world.run("undo", str(ids[0])).rc == DONE
    assert world_of(p) == before


@pytest.mark.parametrize("persona", ENDING)
def test_undo_brings_back_reason_note_and_end(world, practice, persona):
    p = practice(persona)
    world.use(p)
    assert world.run("block", "203.0.113.7", "203.0.113.128/25", "--reason", "case 118: \"spray\"", "--until", "2099-01-01T00:00:00Z").rc == DONE
    lists = [("block", "unblock", ["203.0.113.7", "203.0.113.128/25"])]
    if persona != "0.6":
        assert world.run("allow", "198.51.100.9", "198.51.100.128/25", "--reason", "branch, büro", "--until", "2099-02-01T00:00:00Z").rc == DONE
        lists.append(("allow", "disallow", ["198.51.100.9", "198.51.100.128/25"]))
    before = world_of(p)
    for there, away, targets in lists:
        assert world.run(away, *targets).rc == DONE
        assert world_of(p) != before
        result = world.run("undo", "-o", "json")
        assert result.rc == DONE and {row["op"] for row in result.rows()} == {there}, result
        assert world_of(p) == before, (there, result)


@pytest.mark.parametrize("persona, count", [("0.15", 5000), ("0.16", 5000), ("0.8", 5000), ("0.6", 300), ("rest", 300)])
def test_undo_of_a_bulk_of_which_some_are_taken_back_already(world, practice, persona, count):
    """What was taken back one by one and stored anew since, by somebody and perhaps with the very same value, stays."""
    p = practice(persona)
    world.use(p)
    addresses = ["45.9.%d.%d" % (n // 250, n % 250 + 1) for n in range(count)]
    assert world.run("import", "-", "--yes", stdin="\n".join(addresses) + "\n").rc == DONE
    rows = world.run("journal", "-o", "json").rows()
    assert len(rows) == count
    singly = [row for row in rows if row["target"] in (addresses[3], addresses[17], addresses[-1])]
    for row in singly:
        assert world.run("undo", str(row["id"])).rc == DONE
    if persona == "0.16":
        assert world.run("block", addresses[17], env={"XDG_STATE_HOME": world.path("work")}).rc == DONE      # somebody else, from elsewhere
    else:
        key = PREFIX.get(persona, "server.blocked-ip.") + addresses[17]
        p.edit(set={key: True if persona == "rest" else singly[1]["after"]})
        reload(p)
    result = world.run("undo", "--yes", "-o", "json")
    assert result.rc == DONE and "3 of them were taken back already" in result.err, result.err
    assert {row["verdict"] for row in result.rows()} == {"in_force"} and len(result.rows()) == count - 3
    p.control("settle", {})
    assert p.state()["stored"]["blocked"] == [addresses[17]]
    assert world.run("undo").rc == NOTHING


@pytest.mark.parametrize("persona", ENDING)
def test_undo_of_another_end_after_someone_else_gave_it_one(world, practice, persona):
    p = practice(persona)
    world.use(p)
    assert world.run("block", "203.0.113.7", "--for", "7d").rc == DONE
    assert world.run("block", "203.0.113.7", "--until", "2098-01-01").rc == DONE
    assert world.run("block", "203.0.113.7", "--until", "2099-01-01", env={"XDG_STATE_HOME": world.path("work")}).rc == DONE
    theirs = world_of(p)
    result = world.run("undo", "-o", "json")
    assert (result.rc, result.one()["verdict"]) == (MISMATCH, "not_stored") and world_of(p) == theirs, result
    assert "2099-01-01" in result.one()["detail"] and "2098-01-01" in result.one()["detail"]
