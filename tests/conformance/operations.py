# SPDX-License-Identifier: GPL-3.0-or-later
"""What is tried: one row per operation. Rows ask what a generation can, never which one it is.

Where a generation lacks what a row needs, `asks` is run all the same: it must be refused, with the reason, and change nothing."""

from dataclasses import dataclass

from cli_world import NOTHING
from trial import canonical

OPERATIONS = {}

ADDRESS, OTHER, THIRD = "192.0.2.7", "192.0.2.8", "198.51.100.9"        # RFC 5737, RFC 3849: nobody's
NETWORK, SIX, SIX_NETWORK = "198.51.100.0/24", "2001:db8::7", "2001:db8:1::/48"


@dataclass(frozen=True)
class Operation:
    name: str
    run: object                                 # run(trial)
    needs: tuple = ()                           # capabilities
    asks: tuple = ()                            # the words of the command that a generation without them refuses
    safe: bool = False                          # may be run against somebody's own server
    entries: int = 0                            # blocked before it starts


def operation(needs="", asks="", safe=False, entries=0):
    """Makes a function a row; its name is the operation's."""
    def add(function):
        name = function.__name__
        assert name not in OPERATIONS, name
        assert bool(needs) == bool(asks), name
        OPERATIONS[name] = Operation(name, function, tuple(needs.split()), tuple(asks.split()), safe, entries)
        return function
    return add


def listed(t, verb="blocked", rc=0):
    return {canonical(row["address"]): row for row in t.rows(verb, rc=rc)}


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
    rows = t.rows("blocked")
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


# ---- the list of allowed addresses -----------------------------------------------------------------

@operation(needs="write_allowed", asks="allow 192.0.2.7")
def allow_an_address(t):
    t.change("allow", ADDRESS)
    assert t.stored("allowed") == t.live("allowed") == [ADDRESS]


@operation(needs="write_allowed", asks="allow 192.0.2.7")
def allow_what_is_blocked(t):
    t.change("block", ADDRESS)
    t.change("allow", ADDRESS)
    assert t.p.event("auth_ok", ADDRESS) == "ok"
    assert t.stored() == [] and t.stored("allowed") == [ADDRESS]
