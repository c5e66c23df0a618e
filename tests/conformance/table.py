# SPDX-License-Identifier: GPL-3.0-or-later
"""What a row of the table of operations is, and the addresses that rows use. Rows ask what a generation can, never which one it is.

Where a generation lacks what a row needs, `asks` is run all the same: it must be refused, with the reason, and change nothing. A row without
`asks` has nothing to try there (a reload that fails where there is no reload); both are counted (personas.py, CANNOT and UNTRIED)."""

from dataclasses import dataclass

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
    blocked: tuple = ()                         # likewise, where it is refused: what the command is about


def operation(needs="", asks="", safe=False, entries=0, blocked=()):
    """Makes a function a row; its name is the operation's."""
    def add(function):
        name = function.__name__
        assert name not in OPERATIONS, name
        assert needs or not asks, name
        OPERATIONS[name] = Operation(name, function, tuple(needs.split()), tuple(asks.split()), safe, entries, tuple(blocked))
        return function
    return add


def listed(t, verb="blocked", rc=0):
    return {canonical(row["address"]): row for row in t.rows(verb, rc=rc)}
