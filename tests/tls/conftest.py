# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the probe driver (under sanitizers) and runs it."""

import contextlib
import fcntl
import glob
import json
import os
import pathlib
import subprocess

import pytest

import tls_certs

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent

SOURCES = ("client/x509*.c", "client/endpoint*.c", "client/certfiles*.c", "model/cert*.c", "model/event*.c", "model/net*.c", "model/rate*.c",
           "core/*.c")
FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-I.", "-O1", "-g", "-fno-omit-frame-pointer",
         "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]


@pytest.fixture(scope="session")
def driver_path():
    out = ROOT / os.environ.get("B", "build") / "tls"
    out.mkdir(parents=True, exist_ok=True)
    binary = out / "probe_driver"
    sources = sorted(f for pattern in SOURCES for f in glob.glob(str(ROOT / pattern)))
    sources.append(str(HERE / "probe_driver.c"))
    headers = [f for d in ("client", "model", "core") for f in glob.glob(str(ROOT / d / "*.h"))]
    with open(out / "lock", "w") as lock:  # several test workers, one compiler
        fcntl.flock(lock, fcntl.LOCK_EX)
        newest = max(os.path.getmtime(f) for f in sources + headers)
        if not binary.exists() or binary.stat().st_mtime < newest:
            fresh = binary.with_suffix(".new")
            subprocess.run([os.environ.get("CC", "gcc"), *FLAGS, *sources, "-lssl", "-lcrypto", "-lutf8proc",
                            "-o", str(fresh)], cwd=ROOT, check=True)
            fresh.rename(binary)
    return binary


class Result:
    def __init__(self, lines, stderr):
        self.lines = lines
        self.stderr = stderr

    def of(self, kind):
        return [line for line in self.lines if line["kind"] == kind]

    @property
    def certs(self):
        return self.of("cert")

    @property
    def served(self):
        return [c for c in self.certs if c["source"] == "served"]

    @property
    def done(self):
        return self.of("done")[0]

    @property
    def check(self):
        return self.of("check")[0]

    def row(self, name, port=None):
        found = [r for r in self.of("row") if r["name"] == name and port in (None, r["port"])]
        assert len(found) == 1, found
        return found[0]

    def findings(self, name, port=None):
        return {f["kind"]: f for f in self.row(name, port)["findings"]}


@pytest.fixture
def run(driver_path):
    """run(*arguments) -> Result; the driver must end cleanly: no sanitizer report, no leak."""
    def call(*arguments, env=None, timeout=60):
        environment = {**os.environ, "TZ": "UTC", "ASAN_OPTIONS": "exitcode=99", **(env or {})}
        p = subprocess.run([str(driver_path), *map(str, arguments)], capture_output=True, timeout=timeout,
                           env=environment)
        assert p.returncode == 0, p.stderr.decode(errors="replace")
        return Result([json.loads(line) for line in p.stdout.decode().splitlines()], p.stderr.decode())
    return call


@pytest.fixture
def stack():
    with contextlib.ExitStack() as s:
        yield s


@pytest.fixture(scope="session")
def authority():
    return tls_certs.Authority()


@pytest.fixture
def ca(authority, tmp_path):
    """Arguments that make the driver trust the test's root and nothing else."""
    empty = tmp_path / "no-cas"
    empty.mkdir()
    return ["--ca", authority.write_root(tmp_path), "--ca-dir", empty]


@pytest.fixture
def untrusted(tmp_path):
    empty = tmp_path / "nobody"
    empty.mkdir()
    return ["--ca-dir", empty]
