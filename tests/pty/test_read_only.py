# SPDX-License-Identifier: GPL-3.0-or-later
"""Read-only: every key of every panel and every command that writes, pressed on three generations; no question is reached, nothing that
writes is sent, and it says so. Headless: a script types, and what it dumps after each key is looked at."""

import json
import os
import re
import string
import subprocess

import pytest

from fake.client import Practice
from program import BIN, at_home, bare, headless, login

SAYS = "read-only: started with --read-only"
# What is on the screen once the road to a change is entered.
QUESTIONS = ("y yes", "Block:", "Allow:", "Ends:", "Scan path:", "auth:", "Type override", "Reason:", "Certificate:")
LEAVES = "qQ:1234567890"
NAMED = {"<": "<lt>", " ": "<Space>"}
KEYS = [NAMED.get(c, c) for c in string.ascii_letters + string.punctuation + " " if c not in LEAVES] + ["<Enter>"]
COMMANDS = ["block 198.51.100.1", "unblock 203.0.113.77", "allow 203.0.113.77", "disallow 192.0.2.9", "threshold auth 5/1h", "threshold auth off",
            "undo", "undo 1"]
WRITING_KEYS = ["3d", "3a", "3e", "3A", "3b", "3R", "3c", "3F", "3u", "2<Enter>", "2e", "2O", "2D", "2a", "4a", "9u", "1!"]


class Script:
    """Lines for the console, and what was on the screen at each mark."""

    def __init__(self, folder):
        self.folder, self.lines, self.marks = str(folder), [], []

    def type(self, *lines):
        self.lines += lines

    def mark(self, name):
        self.lines.append(":dump %s" % os.path.join(self.folder, "d%d" % len(self.marks)))
        self.marks.append(name)

    def run(self, p, *arguments):
        path = os.path.join(self.folder, "script")
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(self.lines) + "\n")
        env = {**bare(), **at_home(self.folder), **login(p), **headless(path, 120, 40)}
        done = subprocess.run([BIN, "--log-source", p.log_dir, *arguments], env=env, cwd=self.folder, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=300)
        assert done.returncode == 0, done.stderr.decode()
        for n, name in enumerate(self.marks):
            with open(os.path.join(self.folder, "d%d" % n), encoding="utf-8") as f:
                yield name, f.read()


def writing(request):
    """Would it change the server, or make it reload?"""
    method, path, body = request["method"], request["path"], request.get("body") or ""
    if path == "/jmap":
        return any("/set" in call[0] and call[1] for call in json.loads(body)["methodCalls"])  # an empty one asks what is allowed
    if method == "POST" and path == "/api/settings" and ('"values":[]' in body or '"keys":[]' in body):
        return False  # how the spelling of the operations, and what is allowed, is found
    return method != "GET" or (re.search(r"/reload|/purge", path) is not None and "dry-run=true" not in path)


LOOK_OLD = ["settings-list", "logs-view"]
LOOK_16 = ["sysSecurityGet", "sysBlockedIpGet", "sysBlockedIpQuery", "sysAllowedIpGet", "sysAllowedIpQuery", "sysCertificateGet",
           "sysCertificateQuery", "sysLogGet", "sysLogQuery", "sysSystemSettingsGet"]


@pytest.mark.parametrize("persona, rights", [("0.15", None), ("0.6", None), ("0.16", None), ("rest", None),
                                             ("0.15", LOOK_OLD), ("0.10", LOOK_OLD), ("0.8", LOOK_OLD), ("0.16", LOOK_16)])
def test_no_key_and_no_command_reaches_a_change(persona, rights, tmp_path):
    """Neither where the operator said so, nor where the server's rights do."""
    options = {"accounts": [{"name": "viewer", "password": "pw", "permissions": rights}]} if rights else {}
    with Practice(persona, options=options) as p:
        p.edit(block=["203.0.113.77", "172.17.0.1"])
        before = p.state()["stored"]
        if rights:
            p.user, p.password = "viewer", "pw"
        s = Script(tmp_path)
        s.type(":wait 172.17.0.1")
        for tab in "123456789":
            for key in KEYS:
                s.type("<Esc><Esc>" + tab, key)
                s.mark("%s on panel %s" % (key, tab))
        for key in KEYS:
            s.type("<Esc><Esc>1", ":why 203.0.113.77", key)
            s.mark(key + " on why")
        for command in COMMANDS:
            s.type("<Esc><Esc>3", "<Esc>:" + command + "<Enter>")
            s.mark(":" + command)
        for name, screen in s.run(p, *(() if rights else ("--read-only",))):
            assert ("LOOK ONLY" if rights else "READ-ONLY") in screen, name
            assert not [q for q in QUESTIONS if q in screen], "%s\n%s" % (name, screen)
            if name.startswith(":"):
                assert SAYS in screen or "can't" in screen or "there is no" in screen, "%s\n%s" % (name, screen)
        assert [r for r in p.requests() if writing(r)] == []
        assert p.state()["stored"] == before


def test_it_says_so_at_the_key(tmp_path):
    with Practice("0.15") as p:
        p.edit(block=["203.0.113.77", "172.17.0.1"])
        s = Script(tmp_path)
        s.type(":wait 172.17.0.1")
        for keys in WRITING_KEYS:
            s.type("<Esc><Esc>" + keys[0])
            s.mark(None)
            s.type(keys[1:])
            s.mark(keys)
        for keys, screen in s.run(p, "--read-only"):
            assert (SAYS in screen) == (keys is not None), "%s\n%s" % (keys, screen)


def test_the_help_says_so(tmp_path):
    with Practice("0.15") as p:
        for arguments in (["--read-only"], []):
            s = Script(tmp_path)
            s.type(":wait live", "3", "?")
            s.mark("help")
            for _, screen in s.run(p, *arguments):
                assert ("Nothing can be changed now: " + SAYS in screen) == bool(arguments) and "Changing" in screen, screen
    with Practice("0.16", options={"accounts": [{"name": "viewer", "password": "pw", "permissions": LOOK_16}]}) as p:
        p.user, p.password = "viewer", "pw"
        s = Script(tmp_path)
        s.type(":wait LOOK ONLY", "3", "?")
        s.mark("help")
        for _, screen in s.run(p):
            assert "Nothing can be changed now: look only" in screen, screen


def test_the_same_keys_do_reach_it_otherwise(tmp_path):
    """So that what is looked for above is what there is."""
    with Practice("0.15") as p:
        p.edit(block=["203.0.113.77", "172.17.0.1"])
        s = Script(tmp_path)
        s.type(":wait 172.17.0.1")
        for keys in ("3d", "3a", "3e", "2<Enter>", "2O", "2a", "4a", "1!"):
            s.type("<Esc><Esc>" + keys[0], keys[1:])
            s.mark(keys)
        for keys, screen in s.run(p):
            assert [q for q in QUESTIONS if q in screen], "%s\n%s" % (keys, screen)
