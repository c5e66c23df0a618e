# SPDX-License-Identifier: GPL-3.0-or-later
"""The program under test and the environment it is started in. Knows no verb, no panel and no test."""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.abspath(os.environ.get("STALWARDEN_BIN", os.path.join(ROOT, "stalwarden")))


def login(p, user=None, password=None):
    """Where a practice server is and who asks, as a script would give them."""
    return {"STALWARDEN_URL": p.url, "STALWARDEN_USER": user or p.user, "STALWARDEN_PASSWORD": password or p.password}


def at_home(folder):
    """A user whose home, configuration and state lie in one folder."""
    return dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"), str(folder))


def bare():
    """What a program needs of the environment wherever it runs; nothing of the tester's own settings but what a sanitizer reads."""
    kept = {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS") if name in os.environ}
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC", **kept}


def headless(script, columns=100, lines=30):
    """The console without a terminal: it takes its keys from a script."""
    return {"STALWARDEN_SCRIPT": str(script), "STALWARDEN_HEADLESS": "1", "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": str(lines)}


def configure(folder, text):
    """Its configuration file below XDG_CONFIG_HOME, readable by its owner alone."""
    path = os.path.join(str(folder), "stalwarden", "stalwarden.conf")
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, 0o600)
    return path
