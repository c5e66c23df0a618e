# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the binary as a script would, each time in a world of its own. Knows no verb."""

import base64
import csv
import io
import json
import os
import signal
import subprocess
import unicodedata

import program
from program import BIN, bare, headless, login

HANG_S = 60                                     # a guard: nothing here takes more than a second or two
PASSWORD = "secret"

# Exit codes of the contract.
DONE, NOTHING, USAGE, REFUSED, CREDENTIALS, SERVER, STORED, MISMATCH, PARTLY = range(9)


def foreign(text):
    """What must not reach a terminal: C0 but newline and tab, DEL, C1, and format characters such as bidi overrides."""
    return [c for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]


class Result:
    def __init__(self, rc, out, err):
        self.rc, self.raw_out, self.raw_err = rc, out, err
        self.out, self.err = out.decode("utf-8"), err.decode("utf-8")   # invalid UTF-8 fails the test

    def __repr__(self):
        return "exit %d\n-- stdout\n%s\n-- stderr\n%s" % (self.rc, self.out, self.err)

    def json(self):
        return json.loads(self.out)

    def rows(self):
        rows = self.json()
        assert isinstance(rows, list), self
        return rows

    def ndjson(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def csv(self):
        return list(csv.DictReader(io.StringIO(self.raw_out.decode(), newline="")))

    def one(self):
        rows = self.rows()
        assert len(rows) == 1, self
        return rows[0]


class World:
    """HOME and XDG folders of a fresh user; run() gives a Result and looks at every byte that came out."""

    def __init__(self, folder):
        self.folder = str(folder)
        for name in ("home", "config", "state", "work"):
            os.makedirs(os.path.join(self.folder, name), mode=0o700, exist_ok=True)
        self.server = {}
        self.secrets = {PASSWORD + "-canary"}
        self.env = {**bare(), "HOME": self.path("home"), "XDG_CONFIG_HOME": self.path("config"), "XDG_STATE_HOME": self.path("state")}

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text, mode=0o600):
        path = self.path("work", name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def configure(self, text, mode=0o600):
        path = program.configure(self.path("config"), text)
        os.chmod(path, mode)
        return path

    def use(self, practice, user=None, password=None):
        """Credentials for a practice server by the environment, as a script would give them."""
        self.server = login(practice, user, password)
        return self

    def use_key(self, practice, name, secret):
        """An API key instead of user and password."""
        token = "api_" + base64.b64encode(("%s:%s" % (name, secret)).encode()).decode()
        self.server = {"STALWARDEN_URL": practice.url, "STALWARDEN_TOKEN": token}
        self.secrets.add(token)
        return token

    def environment(self, env):
        merged = {**self.env, **self.server, **(env or {})}
        return {k: v for k, v in merged.items() if v is not None}

    def start(self, *args, env=None, **more):
        return subprocess.Popen([BIN, *args], env=self.environment(env), cwd=self.path("work"), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **more)

    def run(self, *args, stdin=b"", env=None):
        if isinstance(stdin, str):
            stdin = stdin.encode()
        process = self.start(*args, env=env, stdin=subprocess.PIPE)
        return self.finish(process, stdin)

    def console(self, keys, *args, env=None, **size):
        """The same by the console's keys: lines of a script, no terminal."""
        script = self.write("script", keys)
        return self.run(*args, env={**headless(script, **size), **(env or {})})

    def finish(self, process, stdin=None):
        try:
            out, err = process.communicate(stdin, timeout=HANG_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            raise
        assert process.returncode >= 0, "killed by signal %d: %s" % (-process.returncode, err)
        result = Result(process.returncode, out, err)
        self.inspect(result)
        return result

    def inspect(self, result):
        for text in (result.out.replace("\r\n", "\n"), result.err):
            assert not foreign(text), (foreign(text), result)
            for secret in self.secrets:
                assert secret not in text, "a secret in the output: %r" % result

    def files(self):
        """Every byte kept on disk by runs in this world."""
        found = b""
        for folder in ("home", "config", "state"):
            for where, _, names in os.walk(self.path(folder)):
                for name in names:
                    with open(os.path.join(where, name), "rb") as f:
                        found += f.read()
        return found
