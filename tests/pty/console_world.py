# SPDX-License-Identifier: GPL-3.0-or-later
"""The console on a pseudo-terminal as the user of a practice server starts it; home, configuration and state lie in one folder."""

import os

from program import BIN, at_home, login
from terminal import Terminal


def environment(p, home, password=None):
    return {**login(p, password=password), **at_home(home)}


def run(p, home, *arguments, cols=120, rows=30, password=None, cwd=None):
    """A verb, on a terminal; without one the console, which finds its own log."""
    return Terminal([BIN, *arguments], cols=cols, rows=rows, env=environment(p, home, password), cwd=cwd)


def console(p, home, *arguments, log_source=None, **more):
    """It reads the practice server's log from its files unless told otherwise ("api", another folder)."""
    return run(p, home, "--log-source", str(log_source or p.log_dir), *arguments, **more)


def newest_log(p):
    return os.path.join(p.log_dir, sorted(os.listdir(p.log_dir))[-1])
