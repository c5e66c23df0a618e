# SPDX-License-Identifier: GPL-3.0-or-later
"""The mode for somebody's own server, tried on practice servers that have something to lose: it does its work and leaves them as they were."""

import os
import re
import subprocess

import pytest

import real
from operations import OPERATIONS
from personas import BY_ID

HERE = os.path.dirname(os.path.abspath(__file__))
HANG_S = 300
KEPT = ["45.9.148.7", "45.9.148.8", "80.94.95.0/24", "2a00:1450::7"]
SOME = "network or ipv6 or threshold_set or scan_path or expiry or undo"
FAMILIES = [("0.15", ""), ("0.16", SOME), ("0.10.7", SOME), ("0.6", SOME), ("rest-pairs", SOME)]


def furnish(t):
    """What a server in use has: entries, a rate of its own."""
    t.p.edit(block=KEPT)
    if t.gen.can("write_allowed"):
        t.p.edit(allow=["45.9.148.200"])
    t.run("thresholds", "set", "auth", "300/1h")
    t.p.restart()


def suite(p, *args):
    env = dict(os.environ, STALWARDEN_TEST_URL=p.url, STALWARDEN_TEST_USER=p.user, STALWARDEN_TEST_PASSWORD=p.password,
               STALWARDEN_BIN=os.environ.get("STALWARDEN_BIN", ""))
    if not env["STALWARDEN_BIN"]:
        del env["STALWARDEN_BIN"]
    env.pop("PYTEST_XDIST_WORKER", None)                        # of this test, not of that run
    return subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
                           os.path.join(HERE, "test_conformance.py"), *args], env=env, capture_output=True, text=True, timeout=HANG_S)


def kept(t):
    """Stored and live; ids that the server gives are not of interest, nor how often certificates were read."""
    t.p.control("settle", {})
    state = t.p.state()
    return state["stored"], {k: v for k, v in state["live"].items() if k not in ("certs", "certificates")}


@pytest.mark.parametrize("name, some", FAMILIES, ids=[name for name, _ in FAMILIES])
def test_it_is_left_as_it_was_found(trial, name, some):
    t = trial(BY_ID[name])
    furnish(t)
    before = kept(t)
    run = suite(t.p, *(["-k", some] if some else []))
    safe = [op.name for op in OPERATIONS.values() if op.safe and (not some or any(w in op.name for w in some.split(" or ")))]
    assert len(safe) >= 5
    assert run.returncode == 0 and "%d passed" % len(safe) in run.stdout, run.stdout[-4000:]
    assert kept(t) == before
    assert any(r["method"] in ("POST", "PATCH") for r in t.p.requests())


def test_a_change_that_stays_fails_the_run(trial):
    """Where a server can't be put back that is an error, not a success."""
    t = trial(BY_ID["rest-object"])
    t.p.fault("not_applied", method="DELETE", times=-1)
    run = suite(t.p, "-k", "block_an_address")
    assert run.returncode != 0 and "not as it was found" in run.stdout, run.stdout[-2000:]


def test_a_server_that_uses_such_addresses_is_left_alone(trial):
    t = trial(BY_ID["0.15"])
    t.p.edit(block=["192.0.2.1"])
    before = t.facts()
    run = suite(t.p, "-k", "block_an_address")
    assert run.returncode != 0 and "documentation addresses" in run.stdout, run.stdout[-2000:]
    assert t.facts() == before
    assert not re.search(r"\b%s\b" % t.p.password, run.stdout + run.stderr), run.stdout


def test_what_belongs_to_nobody():
    assert all(real.is_nobodys(a) for a in ("192.0.2.7", "198.51.100.0/24", "2001:db8::7", "2001:db8:1::/48"))
    assert not any(real.is_nobodys(a) for a in ("192.0.3.7", "192.0.0.0/16", "2001:db9::1", "10.0.0.300", "::/0"))
