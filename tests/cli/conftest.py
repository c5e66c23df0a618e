# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the verb tests: a world per test, practice servers by the way."""

import contextlib

import pytest

from cli_world import World
from fake.client import Practice


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def practice():
    """practice("0.15", entries=10, …): a server of its own, gone after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda persona="0.15", **opts: stack.enter_context(Practice(persona, **opts))


@pytest.fixture
def p15(practice, world):
    p = practice("0.15")
    world.use(p)
    return p


@pytest.fixture
def p16(practice, world):
    p = practice("0.16")
    world.use(p)
    return p
