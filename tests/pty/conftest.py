# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the toolkit's demo program."""

import fcntl
import os
import pathlib
import subprocess

import pytest

import program

ROOT = pathlib.Path(program.ROOT)


@pytest.fixture(scope="session")
def demo_path():
    build = os.environ.get("B", "build")
    out = ROOT / build
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "demo.lock", "w") as lock:  # several test workers, one compiler
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", f"B={build}", f"{build}/pty/tui_demo"], cwd=ROOT, check=True)
    return str(out / "pty" / "tui_demo")
