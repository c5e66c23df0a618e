# SPDX-License-Identifier: GPL-3.0-or-later
"""Every operation on every generation, each verdict held against the server's stored and live state."""

import pytest

import operations_seen                                                      # noqa: F401
import operations_settings                                                  # noqa: F401
import operations_trouble                                                   # noqa: F401
from operations import OPERATIONS
from personas import GENERATIONS, PROBED

PAIRS = [pytest.param(g, op, id="%s-%s" % (op.name, g.id)) for op in OPERATIONS.values() for g in GENERATIONS]


def missing(generation, operation):
    """The first capability that the operation needs and the generation lacks."""
    return next((c for c in operation.needs if not generation.can(c)), None)


@pytest.mark.parametrize("generation, operation", PAIRS)
def test_operation(trial, generation, operation):
    t = trial(generation, operation.entries)
    lacks = missing(generation, operation)
    if lacks is None:
        operation.run(t)
        return
    t.refused(lacks, *operation.asks)


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda g: g.id)
def test_probe_says_what_the_table_says(trial, generation):
    said = trial(generation).run("probe", "-o", "json").json()
    assert (said["dialect"], said["generation"]) == (generation.dialect, generation.generation)
    assert set(said["capabilities"]) == PROBED
    assert {c for c, s in said["capabilities"].items() if s == "no_generation"} == set(generation.lacks) & PROBED
