# SPDX-License-Identifier: GPL-3.0-or-later
"""One practice server per generation and worker, as new before each operation."""

import os

import pytest

from cli_world import World
from fake.client import Practice
from real import RealTrial, access
from trial import Trial


class Servers:
    """Started when first asked for."""

    def __init__(self):
        self.running = {}

    def get(self, generation, entries=0, **options):
        if generation.id not in self.running:
            self.running[generation.id] = p = Practice(generation.persona)
            p.start()
        p = self.running[generation.id]
        p.control("reset", {"options": {**generation.options, **options}, "entries": entries})
        return p

    def stop(self):
        for p in self.running.values():
            p.stop()


@pytest.fixture(scope="session")
def servers():
    pool = Servers()
    yield pool
    pool.stop()


@pytest.fixture
def trial(servers, tmp_path):
    """trial(generation, entries=N, options of the persona): a Trial on a server as new."""
    def make(generation, entries=0, **options):
        practice = servers.get(generation, entries, **options)
        return Trial(generation, practice, World(tmp_path).use(practice))
    return make


@pytest.fixture
def somebodys(tmp_path):
    """A RealTrial; whatever happens in the test, the server is left as it was found, or the test fails."""
    is_alone = "PYTEST_XDIST_WORKER" not in os.environ
    assert is_alone, "one after another: without -n"
    own = RealTrial(World(tmp_path), access())
    yield own
    own.restore()
