# SPDX-License-Identifier: GPL-3.0-or-later
"""import and export: every format read and written, out of one server and into another, held against what the other then stores."""

import ipaddress
import json

import pytest

from cli_world import DONE, NOTHING, PARTLY, REFUSED, USAGE

HELD = {"at": "2026-01-02T03:04:05Z", "until": "2099-05-06T07:08:09Z", "reason": 'say "hi", <b>; # x', "class": "auth"}
ENTRIES = {"203.0.113.7": json.dumps(HELD), "203.0.113.9": json.dumps({"at": "2026-02-03T04:05:06Z", "class": "scan"}), "198.51.100.0/24": "",
           "2001:db8::7": json.dumps(dict(HELD, reason="six")), "2001:db8:7::/48": ""}
FORMATS = ["csv", "json", "ndjson", "values", "cscli", "nft", "ipset", "iptables"]


def fill(p):
    p.edit(set={"server.blocked-ip." + address: value for address, value in ENTRIES.items()})
    p.request("GET", "/api/reload")


def listed(world):
    return {row["address"]: row for row in world.run("blocked", "-o", "json").rows()}


def import_text(world, text, *args):
    return world.run("import", "-", "--yes", "-o", "json", *args, stdin=text)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("persona", ["0.15", "0.16", "0.10", "0.8", "0.6"])
def test_out_of_one_server_and_into_another(world, practice, form, persona):
    """What a format can hold arrives: addresses in all, time and reason in csv and json, the end where there is one."""
    one, other = practice("0.15"), practice(persona)
    world.use(one)
    fill(one)
    was = listed(world)
    text = world.run("export", "--format", form).out
    world.use(other)
    result = import_text(world, text)                       # the format is guessed
    assert result.rc == DONE, result
    other.control("settle", {})
    assert set(other.state()["stored"]["blocked"]) == set(ENTRIES)
    live = other.state()["live"]
    assert set(live["blocked"]) | set(live["networks"]) == set(ENTRIES)
    now = listed(world)
    for address, row in was.items():
        if form in ("csv", "json", "ndjson"):
            assert now[address]["reason"] == (row["reason"] or "manual")
            assert now[address]["expires_at"] == row["expires_at"]
            if persona != "0.16":                           # which dates entries itself and keeps no words with them
                assert now[address]["note"] == row["note"]
                assert not row["created_at"] or now[address]["created_at"] == row["created_at"]
        if form in ("nft", "cscli") and row["expires_at"]:  # as a span of time: to the second or so
            assert now[address]["expires_at"][:15] == row["expires_at"][:15]
        if form in ("values", "iptables"):
            assert now[address]["expires_at"] is None
    again = import_text(world, text)
    assert again.rc == NOTHING and "%d already there" % len(ENTRIES) in again.err, again


def test_0_15_into_0_16_with_reason_time_and_end(world, practice):
    """Where the server dates entries itself, the time an entry had is said to stay behind; class and end arrive."""
    one, other = practice("0.15"), practice("0.16")
    world.use(one)
    fill(one)
    text = world.run("export", "all", "--format", "ndjson").out
    world.use(other)
    result = import_text(world, text)
    assert result.rc == DONE
    assert "(createdAt): when 3 of them were made is left behind" in result.err, result.err
    assert "what was noted for 2 of them is left behind" in result.err
    rows = {row["address"]: row for row in other.state()["stored"]["blocked_rows"]}
    assert rows["203.0.113.7"]["reason"] == "authFailure" and rows["203.0.113.7"]["expiresAt"] == "2099-05-06T07:08:09Z"
    assert rows["203.0.113.9"]["reason"] == "portScanning" and rows["203.0.113.9"]["expiresAt"] is None
    kept = world.run("journal", "-o", "ndjson").ndjson()
    assert {row["target"] for row in kept} == set(ENTRIES)


# What a generation keeps of an entry, and what it says of the rest. Ends are honoured by all but rest, which refuses to forget one.
KEEPS = {"0.15": ({"reason", "note", "created_at", "expires_at"}, None), "0.10": ({"reason", "note", "created_at", "expires_at"}, None),
         "0.8": ({"reason", "note", "created_at", "expires_at"}, None), "0.6": ({"reason", "note", "created_at", "expires_at"}, None),
         "0.16": ({"reason", "expires_at"}, "what was noted for 1 of them is left behind"),
         "rest": (set(), "why and when 1 of them were entered is left behind")}


@pytest.mark.parametrize("to", sorted(KEEPS))
@pytest.mark.parametrize("source", ["0.15", "0.16", "0.6"])
def test_out_of_one_generation_into_every_other(world, practice, source, to):
    """Two blocked entries, of which one ends: all the other keeps arrives, and what it can't keep is said."""
    world.use(practice(source))
    first = "address,reason,note,created_at,expires_at\n203.0.113.7,auth,spray,2026-01-02T03:04:05Z,\n2001:db8::/48,,,,2099-05-06T07:08:09Z\n"
    assert import_text(world, first).rc == DONE
    text = world.run("export", "--format", "csv").out
    was = listed(world)
    world.use(practice(to))
    result = import_text(world, text)
    assert result.rc == (PARTLY if to == "rest" else DONE), result
    keeps, said = KEEPS[to]
    rows = listed(world)
    assert set(rows) == set(was) - ({"2001:db8::/48"} if to == "rest" else set())
    for field in keeps:
        assert rows["203.0.113.7"][field] == was["203.0.113.7"][field], (field, rows)
    if "expires_at" in keeps:
        assert rows["2001:db8::/48"]["expires_at"] == "2099-05-06T07:08:09Z"
    if source != "0.16" and said:
        assert said in result.err, result.err
    if to == "rest":
        assert "can't keep when an entry ends" in result.out, result
    if not said:
        assert "left behind" not in result.err, result.err


# As the programs print them.
FOREIGN = {
    "fail2ban": ("203.0.113.7 \t2099-11-21 08:00:00 + 600 = 2099-11-21 08:10:00\n198.51.100.9 \t2026-11-20 09:44:10 + -1 = 9999-12-31 23:59:59\n",
                 {"203.0.113.7", "198.51.100.9"}),
    "cscli csv": ("id,source,ip,reason,action,country,as,events_count,expiration,simulated,alert_id\n"
                  "1,crowdsec,Ip:203.0.113.7,crowdsecurity/ssh-bf,ban,FR,AS1 Example,6,3h59m54.5s,false,1\n"
                  "2,cscli,Range:198.51.100.0/24,manual 'ban' from x,ban,,,1,167h59m9.4s,false,2\n", {"203.0.113.7", "198.51.100.0/24"}),
    "cscli json": (json.dumps([{"id": 1, "decisions": [{"duration": "3h59m54s", "id": 7, "origin": "crowdsec", "scenario": "crowdsecurity/ssh-bf",
                                                        "scope": "Ip", "simulated": False, "type": "ban", "value": "203.0.113.7"}]}]),
                   {"203.0.113.7"}),
    "nft list": ("table inet filter {\n\tset bad {\n\t\ttype ipv4_addr\n\t\tflags interval,timeout\n"
                 "\t\telements = { 203.0.113.7 timeout 1d expires 23h59m50s, 198.51.100.0/24,\n\t\t\t     192.0.2.9 comment \"spray\" }\n\t}\n}\n",
                 {"203.0.113.7", "198.51.100.0/24", "192.0.2.9"}),
    "ipset save": ("create bad hash:net family inet hashsize 1024 maxelem 65536 timeout 0\nadd bad 203.0.113.7 timeout 3600\nadd bad 198.51.100.0/24\n",
                   {"203.0.113.7", "198.51.100.0/24"}),
    "ipset list": ("Name: bad\nType: hash:ip\nRevision: 5\nHeader: family inet hashsize 1024 maxelem 65536\nSize in memory: 408\nReferences: 1\n"
                   "Number of entries: 2\nMembers:\n203.0.113.7\n198.51.100.9 timeout 55\n", {"203.0.113.7", "198.51.100.9"}),
    "a person": ("# offenders\n\n203.0.113.7   # first\r\n  198.51.100.0/24\n2001:DB8:0::7\n::ffff:192.0.2.9\n",
                 {"203.0.113.7", "198.51.100.0/24", "2001:db8::7", "192.0.2.9"}),
    "settings list": (json.dumps({"data": {"total": 2, "items": {"203.0.113.7": "", "198.51.100.0/24": "spam"}}}), {"203.0.113.7", "198.51.100.0/24"}),
    "settings lines": ("server.blocked-ip.203.0.113.7 = \"\"\nserver.allowed-ip.192.0.2.1 = \"\"\nserver.blocked-ip.198.51.100.0/24 = \"spam\"\n",
                       {"203.0.113.7", "198.51.100.0/24"}),
    "another header": ("IP Address;Comment;Banned At;Expires\n203.0.113.7;\"a; b\";2026-11-01;never\n198.51.100.9;;;2099-01-01T00:00:00Z\n",
                       {"203.0.113.7", "198.51.100.9"}),
}


@pytest.mark.parametrize("name", sorted(FOREIGN))
def test_what_other_programs_print(world, p15, name):
    text, addresses = FOREIGN[name]
    result = import_text(world, text)
    assert result.rc == DONE, result
    assert set(p15.state()["stored"]["blocked"]) == addresses, result
    assert p15.state()["stored"]["allowed"] == []


def test_another_server_s_answer_of_0_16(world, practice):
    """What x:BlockedIp/get answered."""
    one, other = practice("0.16"), practice("0.15")
    world.use(one)
    world.run("block", "203.0.113.7", "--for", "90d")
    status, answer = one.json("POST", "/jmap", {"using": ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"],
                                                "methodCalls": [["x:BlockedIp/get", {"ids": None}, "a"]]})
    assert status == 200
    world.use(other)
    result = import_text(world, json.dumps(answer["methodResponses"][0][1]["list"]))
    assert result.rc == DONE, result
    assert listed(world)["203.0.113.7"]["expires_at"]


def test_counts_and_what_is_left_out(world, p15):
    """Each line once: taken, there already, allowed, guarded, merged, double, over, of the other list, bad."""
    p15.edit(allow=["192.0.2.0/28"], block=["203.0.113.1"])
    p15.request("GET", "/api/reload")
    text = "\n".join(["address,expires_at,list", "203.0.113.1,,", "203.0.113.2,,", "203.0.113.2,,", "203.0.113.3,2001-01-01,", "192.0.2.3,,",
                      "10.1.2.3,,", "198.51.100.7/24,,", "::ffff:203.0.113.5,,", "203.0.113.6,,allowed", "nonsense,,", ""])
    result = import_text(world, text, "--format", "csv")
    assert result.rc == PARTLY, result
    assert ("3 to add; skipped: 1 already there, 1 allowed, 1 refused by a guard, 0 merged into wider ones, 1 doubles, 1 over already, "
            "1 of the other list; 1 bad lines of 11") in result.err, result.err
    assert "1 with host bits are taken as their network, 1 IPv4-mapped ones as IPv4" in result.err
    assert "192.0.2.3 touches the allowed entry 192.0.2.0/28" in result.err and "line 11: nonsense" in result.err
    assert set(p15.state()["stored"]["blocked"]) == {"203.0.113.1", "203.0.113.2", "203.0.113.5", "198.51.100.0/24"}


def test_merge_covers_exactly_the_same_addresses(world, p15):
    text = "".join("203.0.113.%d\n" % n for n in range(64, 128)) + "198.51.100.4\n198.51.100.5\n198.51.100.7\n"
    result = import_text(world, text, "--merge")
    assert result.rc == DONE
    assert set(p15.state()["stored"]["blocked"]) == {"203.0.113.64/26", "198.51.100.4/31", "198.51.100.7"}


def test_merge_goes_around_what_must_not_be_blocked(world, p15):
    """The operator's own address and an allowed one among their neighbours: those are left out, the neighbours are not."""
    p15.edit(allow=["203.0.113.9"], block=["198.51.100.0/24"])
    p15.request("GET", "/api/reload")
    text = "".join("203.0.113.%d\n" % n for n in range(256)) + "198.51.100.0/25\n198.51.100.128/25\n"
    result = world.run("import", "-", "--yes", "--merge", stdin=text, env={"SSH_CONNECTION": "203.0.113.77 5000 192.0.2.1 22"})
    assert result.rc == PARTLY, result
    assert "13 to add; skipped: 1 already there, 1 allowed, 1 refused by a guard, 242 merged" in result.err, result.err
    nets = [ipaddress.ip_network(a) for a in p15.state()["stored"]["blocked"] if a.startswith("203.")]
    held = sorted(str(a) for net in nets for a in net)
    assert len(nets) == 13 and set(held) == {"203.0.113.%d" % n for n in range(256)} - {"203.0.113.9", "203.0.113.77"}
    assert len(held) == 254


def test_no_more_names_than_a_screen_takes(world, p15):
    p15.edit(allow=["192.0.2.0/24"])
    p15.request("GET", "/api/reload")
    result = import_text(world, "".join("192.0.2.%d\n10.0.0.%d\n" % (n, n) for n in range(1, 31)))
    assert result.rc == REFUSED, result
    assert result.err.count("touches the allowed entry") == 20 and "and 10 more that touch allowed entries" in result.err
    assert result.err.count("left out: ") == 20 and "and 10 more that guards refuse" in result.err


def test_to_the_allowed_list(world, p15):
    assert import_text(world, "203.0.113.7\n198.51.100.0/24\n", "--to", "allowed").rc == DONE
    assert set(p15.state()["live"]["allowed"]) | set(p15.state()["live"]["allowed_networks"]) == {"203.0.113.7", "198.51.100.0/24"}
    assert p15.state()["stored"]["blocked"] == []


def test_nothing_good_in_it(world, p15):
    assert import_text(world, "").rc == NOTHING
    assert import_text(world, "nonsense\n").rc == PARTLY
    assert import_text(world, "127.0.0.5\n").rc == REFUSED
    assert world.run("import", "/nowhere/at/all").rc == USAGE
    assert world.run("import", "-", "--format", "xls", stdin="").rc == USAGE
    assert world.run("export", "--format", "fail2ban").rc == USAGE
    assert p15.state()["stored"]["blocked"] == []


def test_dry_run_prints_what_would_be_sent_and_sends_nothing(world, p15):
    path = world.write("list", "203.0.113.7\nnonsense\n203.0.113.8\n")
    result = world.run("import", path, "--dry-run")
    assert "POST /api/settings" in result.out and "203.0.113.7" in result.out and "203.0.113.8" in result.out
    assert "line 2: nonsense" in result.err
    assert p15.state()["stored"]["blocked"] == []
    assert not [r for r in p15.requests() if r["method"] == "POST" and "blocked-ip" in r["body"]]
