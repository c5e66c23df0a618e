# SPDX-License-Identifier: GPL-3.0-or-later
"""Every operation on every generation, each verdict held against the server's stored and live state. With STALWARDEN_TEST_URL, _USER and
_PASSWORD set: the operations that are safe, on that server instead."""

import pytest

import real
from cli_world import CREDENTIALS, DONE
from operations import OPERATIONS
from personas import BY_ID, CANNOT, GENERATIONS, PROBED, UNTRIED

IS_REAL = real.access() is not None


def lacking(generation, operation):
    """What it needs and is not there."""
    return next((c for c in operation.needs if not generation.can(c)), None)


def attempt(t, operation):
    """Carried out, or refused with the reason where the generation lacks what it needs."""
    lacks = lacking(t.gen, operation)
    if lacks is None:
        operation.run(t)
    else:
        if operation.blocked:
            t.p.edit(block=list(operation.blocked))
            t.p.restart()
        t.refused(lacks, *operation.asks)


def means_something(generation, operation):
    return bool(operation.asks) or lacking(generation, operation) is None


if IS_REAL:
    @pytest.mark.parametrize("operation", [op for op in OPERATIONS.values() if op.safe], ids=lambda op: op.name)
    def test_operation(somebodys, operation):
        attempt(somebodys, operation)
else:
    @pytest.mark.parametrize("generation, operation", [
        pytest.param(g, op, id="%s-%s" % (op.name, g.id)) for op in OPERATIONS.values() for g in GENERATIONS
        if means_something(g, op)])
    def test_operation(trial, generation, operation):
        attempt(trial(generation, operation.entries), operation)

    def test_what_is_refused_is_no_surprise():
        refused = {g.id: {op.name for op in OPERATIONS.values() if op.asks and lacking(g, op)} for g in GENERATIONS}
        assert refused == {g: set(names.split()) for g, names in CANNOT.items()}
        untried = {op.name: {g.id for g in GENERATIONS if not means_something(g, op)} for op in OPERATIONS.values()}
        assert {name: who for name, who in untried.items() if who} == {name: set(who.split()) for name, who in UNTRIED.items()}
        assert len(OPERATIONS) >= 45

    @pytest.mark.parametrize("generation", GENERATIONS, ids=lambda g: g.id)
    def test_probe_says_what_the_table_says(trial, generation):
        said = trial(generation).run("probe", "-o", "json").json()
        assert (said["dialect"], said["generation"]) == (generation.dialect, generation.generation)
        assert set(said["capabilities"]) == PROBED
        assert {c for c, s in said["capabilities"].items() if s == "no_generation"} == set(generation.lacks) & PROBED

    @pytest.mark.parametrize("mode, words", [("normal", ""), ("recovery", "recovery"), ("bootstrap", "bootstrap")])
    def test_modes_are_named(trial, mode, words):
        t = trial(BY_ID["0.16"], mode=mode)
        t.p.control("line", {"line": "2099-01-01T00:00:00Z INFO EHLO command (smtp.ehlo) domain = \"server.recovery-mode\""})
        assert t.run("probe", "-o", "json").json()["mode"] == words
        result = t.run("block", "192.0.2.7")
        assert result.rc == (CREDENTIALS if mode == "bootstrap" else DONE), result
        assert mode != "bootstrap" or "bootstrap mode" in result.err, result
