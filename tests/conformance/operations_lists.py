# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations on the lists of blocked and of allowed addresses."""

from cli_world import DONE, NOTHING, STORED, USAGE
from table import ADDRESS, NETWORK, OTHER, SIX, SIX_NETWORK, THIRD, listed, operation
from trial import REMOVAL, WRITE, canonical


# ---- the list of blocked addresses -----------------------------------------------------------------

@operation()
def list_nothing(t):
    assert listed(t, rc=NOTHING) == {}


@operation()
def list_what_is_blocked(t):
    t.p.edit(block=[ADDRESS, NETWORK, SIX])
    rows = listed(t)
    assert set(rows) == {ADDRESS, NETWORK, SIX}
    assert [rows[a]["kind"] for a in (ADDRESS, NETWORK)] == ["address", "network"]
    assert all(row["state"] == "active" for row in rows.values())


@operation(entries=5200)
def list_five_thousand(t):
    t.p.requests()
    rows = t.rows("blocked")
    assert len(t.p.requests()) <= 12
    assert sorted(canonical(row["address"]) for row in rows) == sorted(t.stored())
    assert len(rows) == 5200


@operation(safe=True)
def block_an_address(t):
    t.change("block", ADDRESS)
    assert ADDRESS in t.stored() and ADDRESS in t.live()


@operation(safe=True)
def block_a_network(t):
    t.change("block", NETWORK)
    assert NETWORK in t.stored() and NETWORK in t.live()


@operation(safe=True)
def block_ipv6(t):
    t.change("block", SIX, SIX_NETWORK)
    assert {SIX, SIX_NETWORK} <= set(t.stored()) and {SIX, SIX_NETWORK} <= set(t.live())


@operation(safe=True)
def block_twice(t):
    t.change("block", ADDRESS)
    before = t.facts()
    assert "already blocked" in t.change("block", ADDRESS, rc=NOTHING).one()["detail"]
    assert t.facts() == before


@operation(safe=True)
def unblock_an_address(t):
    t.change("block", ADDRESS, OTHER)
    t.change("unblock", ADDRESS)
    assert t.stored() == t.live() == [OTHER]


@operation(safe=True)
def unblock_a_network(t):
    t.change("block", NETWORK)
    t.change("unblock", NETWORK)
    assert t.stored() == t.live() == []


@operation(safe=True)
def unblock_what_is_not_blocked(t):
    assert "was not blocked" in t.change("unblock", ADDRESS, rc=NOTHING).one()["detail"]


@operation(safe=True)
def unblock_ipv6(t):
    t.change("block", SIX, SIX_NETWORK)
    t.change("unblock", SIX, SIX_NETWORK)
    assert t.stored() == t.live() == []


@operation()
def unblock_a_network_among_others(t):
    """Where a network has no key of its own the others are taken along, and must be there again (0.5 - 0.6)."""
    others = sorted([ADDRESS, OTHER, THIRD, SIX, SIX_NETWORK, "192.0.2.64/26", "192.0.2.128/25"])
    t.p.edit(block=[a for a in others if a != ADDRESS] + [NETWORK, "192.0.2.0/25"])
    t.change("block", ADDRESS, "--reason", "case 118")
    before = listed(t)
    t.change("unblock", NETWORK, "192.0.2.0/25")
    assert sorted(t.stored()) == sorted(t.live()) == others
    after = listed(t)
    assert all(after[a] == {**before[a], "covered_by": after[a]["covered_by"]} for a in others)


@operation(entries=2500)
def unblock_a_network_among_thousands(t):
    """An IPv6 network has no prefix that ends with a dot: on 0.5 - 0.6 all others go with it and are put back."""
    before = sorted(t.stored())
    t.p.edit(block=[SIX_NETWORK])
    t.p.restart()
    t.change("unblock", SIX_NETWORK)
    assert sorted(t.stored()) == sorted(t.live()) == before


@operation(safe=True)
def block_many(t):
    t.change("block", ADDRESS, OTHER, THIRD, SIX, NETWORK, "--yes", "--force")
    assert sorted(t.stored()) == sorted(t.live()) == sorted([ADDRESS, OTHER, THIRD, SIX, NETWORK])


@operation(safe=True)
def block_from_standard_input(t):
    t.change("block", "-", stdin="%s\n# a remark\n%s %s\n" % (ADDRESS, OTHER, NETWORK))
    assert sorted(t.live()) == sorted([ADDRESS, OTHER, NETWORK])


@operation()
def unblock_many(t):
    t.p.edit(block=[ADDRESS, OTHER, THIRD, SIX])
    t.change("unblock", ADDRESS, THIRD, SIX)
    assert t.stored() == t.live() == [OTHER]


@operation(entries=3000)
def unblock_one_of_thousands(t):
    target = t.stored()[1500]
    before = t.stored()
    t.change("unblock", target)
    before.remove(target)
    assert sorted(t.stored()) == sorted(before) == sorted(t.live())


@operation(entries=3000)
def import_many_among_thousands(t):
    """More than goes into one request; a request each where a server takes no more, so fewer there."""
    count = 150 if t.gen.can("live_at_once") else 1200
    lines = ["198.18.%d.%d" % (n // 250, n % 250 + 1) for n in range(count)]
    path = t.world.write("list.txt", "\n".join(lines) + "\n")
    result = t.run("import", path, "--format", "values", "--yes", "--force", "-o", "json")
    assert result.rc == 0, result
    assert set(lines) <= set(t.live()) and len(t.stored()) == len(t.live()) == 3000 + count


@operation(needs="expiry", asks="block 192.0.2.7 --for 1h", safe=True)
def block_for_an_hour(t):
    t.change("block", ADDRESS, "--for", "1h")
    row = listed(t)[ADDRESS]
    assert row["expires_at"] > row["created_at"] and row["state"] == "active"


@operation(needs="expiry", asks="block 192.0.2.7 --until 2099-01-01T00:00:00Z", safe=True)
def block_again_with_another_end(t):
    """Its entry gets that end, and which it had is said; asked for again there is nothing to do."""
    t.change("block", ADDRESS, "--until", "2098-01-01T00:00:00Z")
    was = listed(t)[ADDRESS]
    result = t.change("block", ADDRESS, "--until", "2099-01-01T00:00:00Z")
    assert result.one()["op"] == "expiry" and "until 2098-01-01T00:00:00Z: it gets another end" in result.err, result
    assert listed(t)[ADDRESS] == {**was, "expires_at": "2099-01-01T00:00:00Z"}
    t.change("block", ADDRESS, "--until", "2099-01-01T00:00:00Z", rc=NOTHING)
    assert ADDRESS in t.live()


@operation(needs="expiry write_allowed", asks="allow 192.0.2.7 --until 2099-01-01T00:00:00Z", safe=True)
def allow_again_with_another_end(t):
    t.change("allow", ADDRESS, "--until", "2098-01-01T00:00:00Z")
    was = listed(t, "allowed")[ADDRESS]
    result = t.change("allow", ADDRESS, "--until", "2099-01-01T00:00:00Z")
    assert result.one()["op"] == "allow_expiry" and "until 2098-01-01T00:00:00Z: it gets another end" in result.err, result
    assert listed(t, "allowed")[ADDRESS] == {**was, "expires_at": "2099-01-01T00:00:00Z"}
    t.change("allow", ADDRESS, "--until", "2099-01-01T00:00:00Z", rc=NOTHING)
    assert ADDRESS in t.live("allowed")


@operation(needs="expiry", asks="allow 192.0.2.7 --until 2099-01-01T00:00:00Z", safe=True)
def allow_until(t):
    if not t.gen.can("write_allowed"):
        t.refused("write_allowed", "allow", ADDRESS, "--until", "2099-01-01T00:00:00Z")
        return
    t.change("allow", ADDRESS, "--until", "2099-01-01T00:00:00Z")
    assert listed(t, "allowed")[ADDRESS]["expires_at"] == "2099-01-01T00:00:00Z"


@operation(needs="expiry", asks="block 192.0.2.8 --for 1h")
def sweep_what_has_expired(t):
    """The server itself, or `sync`; nothing else is touched."""
    t.block_until(ADDRESS, "2020-01-01T00:00:00Z")
    t.p.edit(block=[OTHER])
    t.p.restart()
    t.run("sync")
    assert t.stored() == t.live() == [OTHER]


@operation(needs="expiry write_allowed", asks="allow 192.0.2.8 --until 2099-01-01T00:00:00Z")
def sweep_an_allowance_that_has_expired(t):
    t.block_until(ADDRESS, "2020-01-01T00:00:00Z", "allow")
    t.p.edit(allow=[OTHER])
    t.p.restart()
    t.run("sync")
    assert t.stored("allowed") == t.live("allowed") == [OTHER]


@operation(needs="notes", asks="block 192.0.2.7 --reason noise", safe=True)
def block_with_a_reason(t):
    t.change("block", ADDRESS, "--reason", "noise all night")
    row = listed(t)[ADDRESS]
    assert (row["note"], row["origin"]) == ("noise all night", "operator")


@operation(safe=True)
def a_reason_is_in_the_journal(t):
    t.change("block", ADDRESS, "--reason", "noise all night")
    row = t.rows("journal")[0]
    assert (row["op"], row["target"], row["verdict"], row["reason"]) == ("block", ADDRESS, "in_force", "noise all night")


@operation()
def the_servers_own_ban(t):
    """Banned by the server, listed, lifted: then the address gets in."""
    assert t.ban(ADDRESS) == "banned" and t.p.event("auth_ok", ADDRESS) == "refused"
    assert listed(t)[ADDRESS]["origin"] != "operator"
    t.change("unblock", ADDRESS)
    assert t.p.event("auth_ok", ADDRESS) == "ok"


@operation(needs="malformed")
def a_malformed_entry_is_listed_and_removed(t):
    t.p.edit(block=[OTHER, "10.0.0.300"])
    rows = t.rows("blocked")
    assert [row["state"] for row in rows if row["address"] == "10.0.0.300"] == ["malformed"]
    t.change("unblock", "10.0.0.300")
    assert "10.0.0.300" not in t.stored() and OTHER in t.stored()


@operation()
def block_beside_a_malformed_entry(t):
    """The small reload of 0.7 to 0.15 takes an address all the same; the full one that a network needs is refused, and that is said."""
    t.p.edit(block=[OTHER] + ["10.0.0.300"] * t.gen.can("malformed"))
    t.change("block", ADDRESS)
    if t.gen.can("check_config"):
        row = t.change("block", NETWORK, rc=STORED, verdict="stored").one()
        assert "10.0.0.300" in row["detail"] and NETWORK not in t.live()
    else:
        t.change("block", NETWORK)


@operation(safe=True)
def block_what_is_spelt_otherwise(t):
    """One spelling on the server, whatever was typed; what could mean two things is refused."""
    t.change("block", "::ffff:192.0.2.7", "2001:DB8:0:0::7")
    assert sorted(t.stored()) == sorted(t.live()) == sorted([ADDRESS, SIX])
    for target in ("192.0.2.8/24", "192.0.2.008", "192.0.2", "fe80::1%eth0", "example.org", ""):
        assert t.run("block", target).rc == USAGE, target
    assert sorted(t.stored()) == sorted([ADDRESS, SIX])


@operation(needs="malformed")
def unblock_what_is_spelt_otherwise(t):
    """Whatever another administrator typed: every spelling of it goes."""
    t.p.edit(block=["2001:DB8:0:0::7", SIX, "198.51.100.77/24", OTHER])
    t.p.restart()
    t.change("unblock", SIX)
    assert SIX not in t.stored() + t.live()
    t.change("unblock", NETWORK)
    assert t.stored() == t.live() == [OTHER]


@operation()
def unblock_what_a_network_covers(t):
    """It stays refused, and that is what is said."""
    t.p.edit(block=[NETWORK])
    t.p.restart()
    for _ in range(2):
        row = t.change("unblock", THIRD, rc=STORED, verdict="stored").one()
        assert NETWORK in row["detail"] and t.p.event("auth_ok", THIRD) == "refused"
        t.change("block", THIRD)


@operation()
def another_admin_blocks_it_first(t):
    """While our write is on its way the same address is blocked by somebody else: it is blocked, and whose entry it is isn't made up."""
    def meanwhile():
        t.p.edit(block=[ADDRESS])
    result = t.during(WRITE[t.gen.dialect], meanwhile, "block", ADDRESS)
    assert result.rc in (DONE, NOTHING) and result.one()["verdict"] == "in_force", result
    assert t.stored() == t.live() == [ADDRESS]
    if result.rc == NOTHING:                                    # theirs: it isn't ours to take back
        assert "somebody else" in result.one()["detail"]
        t.run("undo", "--yes")
        assert t.stored() == t.live() == [ADDRESS]


@operation()
def another_admin_lifts_it_first(t):
    t.p.edit(block=[ADDRESS, OTHER])
    t.p.restart()

    def meanwhile():
        t.p.edit(unblock=[ADDRESS])
    result = t.during(REMOVAL[t.gen.dialect], meanwhile, "unblock", ADDRESS)
    assert result.rc in (DONE, NOTHING) and result.one()["verdict"] == "in_force", result
    assert t.stored() == t.live() == [OTHER]


# ---- the list of allowed addresses -----------------------------------------------------------------

@operation(needs="read_allowed", asks="allowed")
def list_what_is_allowed(t):
    t.p.edit(allow=[ADDRESS, NETWORK])
    assert set(listed(t, "allowed")) == {ADDRESS, NETWORK}


@operation(needs="write_allowed", asks="allow 192.0.2.7", safe=True)
def allow_an_address(t):
    t.change("allow", ADDRESS)
    assert t.stored("allowed") == t.live("allowed") == [ADDRESS]


@operation(needs="write_allowed", asks="allow 198.51.100.0/24 2001:db8::7", safe=True)
def allow_a_network_and_ipv6(t):
    t.change("allow", NETWORK, SIX)
    assert sorted(t.stored("allowed")) == sorted(t.live("allowed")) == [NETWORK, SIX]


@operation(needs="write_allowed", asks="allow 192.0.2.7")
def allow_what_is_blocked(t):
    t.change("block", ADDRESS)
    t.change("allow", ADDRESS)
    assert t.p.event("auth_ok", ADDRESS) == "ok"
    assert t.stored() == [] and t.stored("allowed") == [ADDRESS]


@operation(needs="write_allowed", asks="allow 192.0.2.7 --keep-blocked")
def allow_and_keep_the_block(t):
    """Who wins is told in advance, and so it is."""
    t.change("block", ADDRESS)
    wins = t.gen.wins == "allow"
    result = t.change("allow", ADDRESS, "--keep-blocked", **({} if wins else {"rc": STORED, "verdict": "stored"}))
    assert ("the allow wins" in result.err) == wins and ("a block wins" in result.err) != wins
    assert t.stored() == t.stored("allowed") == [ADDRESS]
    assert t.p.event("auth_ok", ADDRESS) == ("ok" if wins else "refused")


@operation(needs="write_allowed", asks="unblock 192.0.2.7 --allow", blocked=[ADDRESS])
def unblock_and_allow(t):
    t.p.edit(block=[ADDRESS])
    t.p.restart()
    t.change("unblock", ADDRESS, "--allow")
    assert t.stored() == t.live() == [] and t.live("allowed") == [ADDRESS]


@operation(needs="write_allowed", asks="allow 192.0.2.7", safe=True)
def allow_twice(t):
    t.change("allow", ADDRESS)
    before = t.facts()
    assert "already allowed" in t.change("allow", ADDRESS, rc=NOTHING).one()["detail"]
    assert t.facts() == before


@operation(needs="write_allowed", asks="disallow 192.0.2.7", safe=True)
def disallow(t):
    t.change("allow", ADDRESS, NETWORK, "--yes")
    t.change("disallow", ADDRESS, NETWORK)
    assert t.stored("allowed") == t.live("allowed") == []


@operation(needs="write_allowed", asks="disallow 192.0.2.7")
def disallow_what_is_not_allowed(t):
    assert "was not allowed" in t.change("disallow", ADDRESS, rc=NOTHING).one()["detail"]
