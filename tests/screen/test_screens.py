# SPDX-License-Identifier: GPL-3.0-or-later
"""Screens: a script of keys and what is on the screen then, in one file a case. The console runs headless; the next key is read
only when it is idle, so nothing here waits by the clock. BLESS=1 rewrites what differs.

A case file: `persona:`, `options:`, `setup:` (one practice call a line, Python literals; a text "@FILE" is what tests/data/FILE holds),
`arguments:` ({host}, {home}), `config:` (lines of a configuration file; {url}, {host}, {home}), `files:` (PATH FILE: below the sandboxed
root), `serve:` (PORT CERT KEY: a TLS server at {host}), then `keys` with `:dump` where the screen is taken, then one golden a size and dump, each under `==== COLSxROWS N`."""

import ast
import contextlib
import glob
import os
import random
import re
import subprocess
import tempfile

import pytest

import tls_servers
from fake.client import Practice
from program import BIN, ROOT, at_home, bare, headless, login

HERE = os.path.dirname(os.path.abspath(__file__))
NOW = "2026-11-21T09:44:10Z"
EPOCH = 1795254250
SIZES = ("80x24", "120x40")


class Case:
    def __init__(self, path):
        self.path = path
        self.fields, self.setup, self.keys, self.golden = {}, [], [], {}
        self.config, self.files, self.serve = [], [], []
        self.sizes = SIZES
        section, name = "head", None
        for line in open(path, encoding="utf-8").read().split("\n"):
            if line.startswith("==== "):
                section, name = "golden", line[5:]
                self.golden[name] = []
            elif section == "golden":
                self.golden[name].append(line)
            elif line == "keys:":
                section = "keys"
            elif line in ("setup:", "config:", "files:", "serve:"):
                section = line[:-1]
            elif section == "keys":
                if line:
                    self.keys.append(line)
            elif section in ("setup", "config", "files", "serve") and line and not line.startswith("#"):
                getattr(self, section).append(line)
            elif section == "head" and ":" in line and not line.startswith("#"):
                key, value = line.split(":", 1)
                self.fields[key.strip()] = value.strip()
        for lines in self.golden.values():
            while lines and lines[-1] == "":
                lines.pop()
        if self.fields.get("sizes"):
            self.sizes = tuple(self.fields["sizes"].split())

    def bless(self, screens):
        head = open(self.path, encoding="utf-8").read().split("==== ")[0].rstrip("\n")
        with open(self.path, "w", encoding="utf-8") as f:
            f.write(head + "\n\n")
            for name, lines in screens.items():
                f.write("==== %s\n%s\n" % (name, "\n".join(lines)))


def cases():
    return sorted(glob.glob(os.path.join(HERE, "cases", "*.screen")))


def steady(text):
    """What differs from run to run: ports, milliseconds, bytes of the store."""
    text = re.sub(r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:PORT", text)
    text = re.sub(r" +\d+ ms\b", " N ms", text)
    text = re.sub(r" +\d+ ?m?…", " N…", text)  # the same, cut by the edge
    text = re.sub(r" N ms +", " N ms  ", text)    # what is flush right after it moves with its digits
    text = re.sub(r"store \d+\.\d MB", "store N MB", text)
    text = re.sub(r"(live, |as of )\d+ s ago", r"\1N s ago", text)
    return [line.rstrip() for line in text.split("\n")]


def data_of(name):
    with open(os.path.join(ROOT, "tests", "data", name), "rb") as f:
        return f.read()


def filled(value):
    """Texts "@FILE" anywhere in a literal become what the file holds."""
    if isinstance(value, str) and value.startswith("@"):
        return data_of(value[1:]).decode()
    if isinstance(value, dict):
        return {k: filled(v) for k, v in value.items()}
    return [filled(v) for v in value] if isinstance(value, list) else value


def arguments(text):
    call = ast.parse(text.strip(), mode="eval").body
    return (call.func.id, [filled(ast.literal_eval(a)) for a in call.args],
            {k.arg: filled(ast.literal_eval(k.value)) for k in call.keywords})


def place(case, home):
    """The sandboxed disk."""
    for line in case.files:
        path, source = line.split()
        full = os.path.join(home, "root", path.lstrip("/"))
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as f:
            f.write(data_of(source))


def serve(case, stack):
    """The case's TLS servers, at an address of the loopback net that is this run's own: ports are shown and must stay."""
    host = "127.%d.%d.%d" % tuple(random.randrange(100, 250) for _ in range(3))  # as wide each time
    for line in case.serve:
        port, cert, key = line.split()
        context = tls_servers.context(*(os.path.join(ROOT, "tests", "data", name) for name in (cert, key)))
        stack.enter_context(tls_servers.Server(tls_servers.tls(context), host, int(port)))
    return host


def configure(case, home, p, host):
    """Arguments that make the console read the case's configuration."""
    if not case.config:
        return []
    path = os.path.join(home, "case.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(case.config).replace("{url}", p.url).replace("{host}", host).replace("{home}", home) + "\n")
    os.chmod(path, 0o600)
    return ["--config", path]


def write_script(case, directory):
    """Numbers the dumps; returns the script's path and the files it will leave."""
    dumps, lines = [], []
    for line in case.keys:
        if line.startswith(":dump"):
            dumps.append(os.path.join(directory, "dump%d" % (len(dumps) + 1)))
            lines.append(":wait")
            line = ":dump %s%s" % (dumps[-1], line[5:])
        lines.append(line)
    path = os.path.join(directory, "script")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    return path, dumps


def screens_of(case, size):
    columns, rows = size.split("x")
    options = filled(ast.literal_eval(case.fields.get("options", "{}")))
    with tempfile.TemporaryDirectory() as d, contextlib.ExitStack() as stack, \
            Practice(case.fields.get("persona", "0.15"), clock=EPOCH, **options) as p:
        for line in case.setup:
            name, args, kw = arguments(line)
            getattr(p, name)(*args, **kw)
        script, dumps = write_script(case, d)
        source = case.fields.get("log", "dir")
        place(case, d)
        host = serve(case, stack)
        more = configure(case, d, p, host)
        env = {**bare(), **at_home(d), **login(p), **headless(script, columns, rows), "STALWARDEN_NOW": NOW,
               "STALWARDEN_ROOT": os.path.join(d, "root")}
        argv = [BIN, "--log-source", p.log_dir if source == "dir" else source] + more + case.fields.get("arguments", "").replace("{host}", host).replace("{home}", d).split()
        done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        assert done.returncode == int(case.fields.get("status", "0")), done.stderr.decode()
        return [steady(open(f, encoding="utf-8").read().replace(p.log_dir, "LOGDIR").replace(d, "HOME").replace(host, "127.NNN.NNN.NNN").rstrip("\n")) for f in dumps]


@pytest.mark.parametrize("path", cases(), ids=lambda p: os.path.basename(p)[:-7])
def test_screen(path):
    case = Case(path)
    got = {}
    for size in case.sizes:
        for n, screen in enumerate(screens_of(case, size), 1):
            got["%s %d" % (size, n)] = screen
    assert got, "the case takes no screen"
    if os.environ.get("BLESS"):
        case.bless(got)
        return
    for name, screen in got.items():
        assert name in case.golden, "no golden for %s: run with BLESS=1 and look at it" % name
        assert screen == case.golden[name], "%s, %s differs" % (os.path.basename(path), name)
    assert set(case.golden) == set(got)


def test_there_are_cases():
    assert len(cases()) >= 10
