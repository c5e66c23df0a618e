# SPDX-License-Identifier: GPL-3.0-or-later
"""One operation on one server: runs the binary and holds every verdict against what is stored and what is live there."""

import ipaddress
import json

from cli_world import DONE

LISTS = {"block": ("blocked", True), "unblock": ("blocked", False), "allow": ("allowed", True), "disallow": ("allowed", False)}
LIVE = {"blocked": ("blocked", "networks"), "allowed": ("allowed", "allowed_networks")}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def canonical(text):
    try:
        return str(ipaddress.ip_network(text, strict=False)) if "/" in text else str(ipaddress.ip_address(text))
    except ValueError:
        return text


def seconds(rate):
    """[count, seconds] of 20/1h; None when it is off."""
    if rate in (None, "false", "off"):
        return None
    count, _, period = rate.partition("/")
    return [int(count), int(period[:-1] or 1) * UNITS[period[-1]]]


class Trial:
    def __init__(self, generation, practice, world):
        self.gen, self.p, self.world = generation, practice, world

    # ---- what is so on the server -----------------------------------------------------------------

    def state(self):
        """Work that the server does a moment later is done first."""
        self.p.control("settle", {})
        return self.p.state()

    def stored(self, kind="blocked"):
        return [canonical(a) for a in self.state()["stored"][kind]]

    def live(self, kind="blocked"):
        live = self.state()["live"]
        return [canonical(a) for name in LIVE[kind] for a in live[name]]

    def rate(self, cls="auth"):
        """[count, seconds] in force, or None."""
        return self.state()["live"]["thresholds"][cls]

    def facts(self):
        """What no refused operation may change: everything stored and live, counters and certificates' generation left out."""
        state = self.state()
        live = {k: v for k, v in state["live"].items() if k != "certs"}
        return json.dumps([state["stored"], live], sort_keys=True)

    # ---- running ----------------------------------------------------------------------------------

    def run(self, *args, **more):
        return self.world.run(*args, **more)

    def rows(self, *args, rc=DONE):
        result = self.run(*args, "-o", "json")
        assert result.rc == rc, result
        return result.rows()

    def change(self, *args, rc=DONE, verdict="in_force", **more):
        """Runs a change and returns its Result; each row's verdict must be the one given, and true."""
        before = self.state()
        result = self.run(*args, "-o", "json", **more)
        assert result.rc == rc, result
        rows = result.rows()
        assert rows, result
        for row in rows:
            if verdict:
                assert row["verdict"] == verdict, result
            self.check(row, before, result)
        return result

    def check(self, row, before, result):
        """The verdict of one row against the server: no more than what is so, and no less."""
        after = self.state()
        if row["op"] in LISTS:
            found = self.list_truth(row, before, after)
        elif row["op"].startswith("threshold"):
            found = self.rate_truth(row, before, after)
        elif row["op"].startswith("path"):
            found = self.path_truth(row, before, after)
        else:
            return
        stored, live, unchanged = found
        true = {"in_force": stored and live, "stored": stored, "mismatch": not stored, "not_stored": unchanged or not stored,
                "unknown": True}[row["verdict"]]
        assert true, (row, dict(stored=stored, live=live, unchanged=unchanged), after["stored"], after["live"], result)

    def list_truth(self, row, before, after):
        """(stored as wanted, live as wanted, store as it was)"""
        kind, adding = LISTS[row["op"]]
        target = canonical(row["target"])
        was, now = ([canonical(a) for a in s["stored"][kind]] for s in (before, after))
        live = [canonical(a) for name in LIVE[kind] for a in after["live"][name]]
        return (target in now) == adding, (target in live) == adding, was == now

    def rate_truth(self, row, before, after):
        cls = row["target"]
        wanted = {"threshold_off": None, "threshold_default": list(self.gen.default)}.get(row["op"], 0)
        if wanted == 0:
            wanted = seconds(row["after"].split(" for ")[0]) if row["after"] else before["live"]["thresholds"][cls]
        if row["op"] == "threshold_default" and cls != "auth":
            wanted = after["live"]["thresholds"][cls]       # each class has its own: the operation looks
        shown = {r["class"]: r for r in self.rows("thresholds")}[cls]
        stored = seconds(shown["rate"]) == wanted if shown["enabled"] else wanted is None
        return stored, after["live"]["thresholds"][cls] == wanted, before["stored"] == after["stored"]

    @staticmethod
    def path_truth(row, before, after):
        adding = row["op"] == "path_add"
        text = json.dumps(after["stored"])
        return (json.dumps(row["target"]) in text) == adding, (row["target"] in after["live"]["scan_paths"]) == adding, \
            before["stored"] == after["stored"]
