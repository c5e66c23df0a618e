# SPDX-License-Identifier: GPL-3.0-or-later
"""0.6: un-blocking a network deletes a prefix and puts the rest back. When that is cut off, the next start puts it back."""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from fake.client import Practice  # noqa: E402

BIN = os.path.abspath(os.environ.get("STALWARDEN_BIN", os.path.join(ROOT, "stalwarden")))


def run(practice, home, *args):
    env = {k: v for k, v in os.environ.items() if not k.startswith("STALWARDEN_")}
    env.update(STALWARDEN_URL=practice.url, STALWARDEN_USER=practice.user, STALWARDEN_PASSWORD=practice.password, HOME=str(home),
               XDG_STATE_HOME=str(home), XDG_CONFIG_HOME=str(home), LC_ALL="C.UTF-8")
    return subprocess.run([BIN, *args], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def test_the_others_survive_an_uninterrupted_unblock(tmp_path):
    with Practice("0.6") as p:
        p.edit(block=["203.0.113.9", "203.0.113.11", "203.0.113.0/24", "198.51.100.1"])
        done = run(p, tmp_path, "unblock", "203.0.113.0/24")
        assert done.returncode == 0, done.stderr
        assert sorted(p.state()["stored"]["blocked"]) == ["198.51.100.1", "203.0.113.11", "203.0.113.9"]


def test_a_cut_between_delete_and_put_back_is_mended_at_the_next_start(tmp_path):
    with Practice("0.6") as p:
        p.edit(block=["203.0.113.9", "203.0.113.11", "203.0.113.0/24"])
        p.fault("reset", method="POST", path="/admin/config", body="203.0.113.9")
        cut = run(p, tmp_path, "unblock", "203.0.113.0/24")
        assert cut.returncode == 5
        assert "unknown" in cut.stdout
        assert p.state()["stored"]["blocked"] == []
        after = run(p, tmp_path, "blocked", "-o", "plain")
        assert "2 of 2" in after.stderr
        assert sorted(p.state()["stored"]["blocked"]) == ["203.0.113.11", "203.0.113.9"]
        assert "put back" not in run(p, tmp_path, "blocked").stderr
