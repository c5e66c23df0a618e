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


def cut_off(world, p):
    """An un-block of a network that was killed between taking the entries along and putting them back."""
    p.fault("reset", method="POST", path="/admin/config", body="203.0.113.9")
    assert world.run("unblock", "203.0.113.0/24").rc == SERVER
    assert p.state()["stored"]["blocked"] == []


def test_cut_off_again_it_is_mended_by_the_one_after(world, p):
    p.edit(block=["203.0.113.9", "203.0.113.11", "203.0.113.0/24"])
    cut_off(world, p)
    p.fault("status", status=500, method="POST", path="/admin/config", body="203.0.113.9")
    assert "0 of 2" in world.run("blocked").err
    assert p.state()["stored"]["blocked"] == []
    assert "2 of 2" in world.run("blocked").err
    assert sorted(p.state()["stored"]["blocked"]) == ["203.0.113.11", "203.0.113.9"]


def test_only_what_is_missing_is_put_back(world, p):
    p.edit(block=["203.0.113.9", "203.0.113.11", "203.0.113.0/24"])
    cut_off(world, p)
    p.edit(block=["203.0.113.9"])
    p.requests()
    assert "1 of 1" in world.run("blocked").err
    assert sorted(p.state()["stored"]["blocked"]) == ["203.0.113.11", "203.0.113.9"]
    assert not [r for r in p.requests() if r["method"] == "POST" and "203.0.113.9" in r["body"]]


def test_reason_and_end_are_put_back_with_it(world, p):
    assert world.run("block", "203.0.113.9", "--reason", "case 118", "--until", "2099-05-06T07:08:09Z").rc == DONE
    p.edit(block=["203.0.113.0/24"])
    before = [row for row in world.run("blocked", "-o", "json").rows() if row["address"] == "203.0.113.9"]
    cut_off(world, p)
    assert "1 of 1" in world.run("blocked").err
    assert world.run("blocked", "-o", "json").rows() == [{**before[0], "covered_by": None}]
