# SPDX-License-Identifier: GPL-3.0-or-later
"""An import of 100,000 entries beside bare curl that sends the same batches: the requests of --dry-run, in the same order, on one connection,
to the same server, empty again each time. One JSON line a figure; more than 1.3 times as long is said. Most of what is on top is the journal,
which is on the disk before the first write and again after the last."""

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from fake.client import Practice  # noqa: E402

BIN = os.path.abspath(os.environ.get("STALWARDEN_BIN", os.path.join(ROOT, "stalwarden")))
ENTRIES = int(os.environ.get("ENTRIES", "100000"))
ROUNDS = int(os.environ.get("ROUNDS", "7"))
MOST = 1.3


def write_list(path):
    rng, seen = random.Random(1), set()
    while len(seen) < ENTRIES:
        seen.add("%d.%d.%d.%d" % (rng.choice((45, 46, 62, 91, 185)), rng.randrange(256), rng.randrange(256), rng.randrange(1, 255)))
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join(sorted(seen)) + "\n")


def environment(p, folder):
    home = tempfile.mkdtemp(dir=folder)
    env = {k: v for k, v in os.environ.items() if not k.startswith("STALWARDEN_")}
    env.update(STALWARDEN_URL=p.url, STALWARDEN_USER=p.user, STALWARDEN_PASSWORD=p.password, XDG_STATE_HOME=home, XDG_CONFIG_HOME=home, HOME=home)
    return env


def requests_of(text):
    """(method, path, body) of a dry run."""
    found, lines = [], text.split("\n")
    for i, line in enumerate(lines):
        method, _, path = line.partition(" ")
        if method in ("GET", "POST") and path.startswith("/"):
            body = lines[i + 1] if method == "POST" else None
            found.append((method, path, body))
    return found


def curl_config(p, requests, folder):
    """One curl, one connection, one request after the other."""
    parts = []
    for n, (method, path, body) in enumerate(requests):
        part = ['url = "%s%s"' % (p.url, path), 'user = "%s:%s"' % (p.user, p.password), 'output = "/dev/null"', "silent", "fail"]
        if body is not None:
            name = os.path.join(folder, "body%d" % n)
            with open(name, "w", encoding="utf-8") as f:
                f.write(body)
            part += ['data-binary = "@%s"' % name, 'header = "Content-Type: application/json"']
        parts.append("\n".join(part))
    name = os.path.join(folder, "curl%d" % len(requests))
    with open(name, "w", encoding="utf-8") as f:
        f.write("\nnext\n".join(parts) + "\n")
    return ["curl", "-K", name]


def timed(p, argv, env=None):
    """Seconds on the clock, seconds of CPU; the server is empty before and holds every entry afterwards."""
    p.control("reset", {})
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    took = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert len(p.state()["live"]["blocked"]) == ENTRIES
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    with tempfile.TemporaryDirectory() as folder, Practice("0.15") as p:
        path = os.path.join(folder, "list")
        write_list(path)
        env = environment(p, folder)            # one store for all: it is made by the dry run, not by what is measured
        dry = subprocess.run([BIN, "import", path, "--yes", "--dry-run"], env=env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True).stdout
        same = requests_of(dry)
        bare = [r for r in same if r[0] == "POST" or "/reload" in r[1]]
        assert len(bare) > 2 and len(same) > len(bare)
        runs = {"ours": [], "curl": [], "curl, writes alone": []}
        for _ in range(ROUNDS):                 # side by side, so that what else the machine does is shared
            runs["curl"].append(timed(p, curl_config(p, same, folder)))
            runs["ours"].append(timed(p, [BIN, "import", path, "--yes", "-o", "plain"], env))
            runs["curl, writes alone"].append(timed(p, curl_config(p, bare, folder)))
        took = {name: statistics.median(t for t, _ in times) for name, times in runs.items()}
        cpu = {name: statistics.median(c for _, c in times) for name, times in runs.items()}
        # round by round: what the machine does beside it comes and goes within a run
        ratio = statistics.median(ours[0] / curl[0] for ours, curl in zip(runs["ours"], runs["curl"]))
        print(json.dumps({"name": "import of %d" % ENTRIES, "value": round(took["ours"], 3), "unit": "s", "peer": "curl, the same requests",
                          "peer_value": round(took["curl"], 3), "ratio": round(ratio, 2), "most": MOST}))
        print(json.dumps({"name": "import of %d, writes alone" % ENTRIES, "value": round(took["ours"], 3), "unit": "s",
                          "peer": "curl, the writes and the reload, nothing looked at", "peer_value": round(took["curl, writes alone"], 3),
                          "ratio": round(took["ours"] / took["curl, writes alone"], 2)}))
        print(json.dumps({"name": "import of %d, own CPU" % ENTRIES, "value": round(cpu["ours"], 3), "unit": "s", "peer": "curl",
                          "peer_value": round(cpu["curl"], 3)}), flush=True)
        if ratio > MOST:
            print("an import takes %.2f times what bare curl takes for the same batches: more than %.1f" % (ratio, MOST), file=sys.stderr)


if __name__ == "__main__":
    main()
