# SPDX-License-Identifier: GPL-3.0-or-later
"""0.6: un-blocking a network deletes a prefix and puts the rest back. When that is cut off, the next start puts it back."""

import pytest

from cli_world import DONE, SERVER


@pytest.fixture
def p(practice, world):
    server = practice("0.6")
    world.use(server)
    return server


def test_the_others_survive_an_uninterrupted_unblock(world, p):
    p.edit(block=["203.0.113.9", "203.0.113.11", "203.0.113.0/24", "198.51.100.1"])
    result = world.run("unblock", "203.0.113.0/24")
    assert result.rc == DONE, result
    assert sorted(p.state()["stored"]["blocked"]) == ["198.51.100.1", "203.0.113.11", "203.0.113.9"]


def test_a_cut_between_delete_and_put_back_is_mended_at_the_next_start(world, p):
    p.edit(block=["203.0.113.9", "203.0.113.11", "203.0.113.0/24"])
    p.fault("reset", method="POST", path="/admin/config", body="203.0.113.9")
    cut = world.run("unblock", "203.0.113.0/24")
    assert cut.rc == SERVER
    assert "unknown" in cut.out
    assert p.state()["stored"]["blocked"] == []
    after = world.run("blocked", "-o", "plain")
    assert "2 of 2" in after.err
    assert sorted(p.state()["stored"]["blocked"]) == ["203.0.113.11", "203.0.113.9"]
    assert "put back" not in world.run("blocked").err
