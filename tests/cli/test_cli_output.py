# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that is full, a reader that has gone, standard files that are closed, words that nothing is called: what is said then, and what the
exit code is."""

import os
import subprocess

import pytest

from cli_world import DONE, HANG_S, SERVER, USAGE
from program import BIN

PRINTING = ("--help", "--version", "status", "blocked", "blocked -o json", "blocked -o csv", "export", "metrics", "thresholds", "probe", "paths", "log",
            "completion bash", "report", "--dry-run block 203.0.113.9")


def run(world, line, stdout):
    with open(os.devnull) as nothing:
        return subprocess.run([BIN, *line.split()], env=world.environment(None), cwd=world.path("work"), stdin=nothing, stdout=stdout,
                              stderr=subprocess.PIPE, text=True, timeout=HANG_S)


@pytest.mark.parametrize("line", PRINTING)
def test_a_full_disk_is_said_and_is_no_success(p15, world, line):
    p15.edit(block=["198.51.100.1"])
    with open("/dev/full", "wb") as full:
        result = run(world, line, full)
    assert result.returncode == SERVER and "standard output can't be written: No space left on device" in result.stderr, result


def test_a_check_nobody_could_read_is_unknown(p15, world):
    with open("/dev/full", "wb") as full:
        result = run(world, "check reach", full)
    assert result.returncode == 3 and "standard output can't be written" in result.stderr, result


def test_what_a_change_came_to_is_its_exit_code_all_the_same(p15, world):
    with open("/dev/full", "wb") as full:
        result = run(world, "block 203.0.113.9 --yes", full)
    assert result.returncode == DONE and "standard output can't be written" in result.stderr and "stalwarden journal" in result.stderr, result
    assert "203.0.113.9" in p15.state()["stored"]["blocked"]


@pytest.mark.parametrize("line", ["blocked", "export", "blocked -o ndjson", "--help"])
def test_a_reader_that_has_seen_enough_is_told_nothing(practice, world, line):
    world.use(practice("0.15", entries=20000))
    read, write = os.pipe()
    os.close(read)
    try:
        result = run(world, line, write)
    finally:
        os.close(write)
    assert (result.returncode, result.stderr) == (SERVER, "")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_standard_files_are_not_what_a_connection_is_written_to(p15, world, closed):
    """Their numbers would go to the next file or socket: the store, or the connection, with text for people in it."""
    done = subprocess.run(["sh", "-c", '"$0" block 203.0.113.9 --yes ' + closed, BIN], env=world.environment(None), cwd=world.path("work"),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=HANG_S)
    assert done.returncode == DONE
    assert "203.0.113.9" in p15.state()["stored"]["blocked"]
    rows = world.run("journal", "-o", "json").rows()
    assert [(r["target"], r["verdict"]) for r in rows] == [("203.0.113.9", "in_force")]
    asked = subprocess.run(["sh", "-c", '"$0" blocked ' + closed, BIN], env=world.environment(None), stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=HANG_S)
    assert asked.returncode == (SERVER if ">&-" in closed.replace("2>&-", "") else DONE), asked


@pytest.mark.parametrize("words, meant", [("blokced", "did you mean blocked?"), ("un-block 203.0.113.9", "did you mean unblock?"),
                                          ("ban 203.0.113.9", "did you mean block?"), ("blocked --limt 3", "did you mean --limit?"),
                                          ("--dryrun status", "did you mean --dry-run?"), ("xylophone", None)])
def test_a_slip_of_the_hand_is_told_what_was_meant(world, words, meant):
    result = world.run(*words.split())
    assert result.rc == USAGE and result.out == ""
    assert (meant or "did you mean") in result.err if meant else "did you mean" not in result.err
    assert result.err.count("\n") == 2, result


def test_an_option_cut_short_too_far_is_told_what_it_could_be(world):
    result = world.run("--re", "status")
    assert result.rc == USAGE and "--re could be" in result.err and "--read-only" in result.err and "--reason" in result.err
