# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: ratios measured in one run, side by side with peers in the same terminal size. One JSON line a figure, then a table.
Absolute times belong to the machine; only the ratios are for doc/performance.md."""

import fcntl
import json
import os
import pty
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from fake.client import Practice  # noqa: E402

BIN = os.path.abspath(os.environ.get("STALWARDEN_BIN", os.path.join(ROOT, "stalwarden")))
ROUNDS = 7
IDLE_S = 15
rows = []


def report(name, value, unit, peer=None):
    row = {"name": name, "value": round(value, 3), "unit": unit}
    if peer:
        row.update(peer=peer[0], peer_value=round(peer[1], 3), ratio=round(value / peer[1], 2) if peer[1] else None)
    rows.append(row)
    print(json.dumps(row), flush=True)


def environment(p, home):
    env = {k: v for k, v in os.environ.items() if not k.startswith("STALWARDEN_")}
    env.update(STALWARDEN_URL=p.url, STALWARDEN_USER=p.user, STALWARDEN_PASSWORD=p.password, XDG_STATE_HOME=home, XDG_CONFIG_HOME=home, HOME=home,
               LC_ALL="C.UTF-8", TERM="xterm-256color")
    return env


def seconds(argv, env):
    begin = time.perf_counter()
    subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def bench_list(p, env):
    ours = [BIN, "blocked", "-o", "json"]
    curl = ["curl", "-s", "-u", "%s:%s" % (p.user, p.password), p.url + "/api/settings/list?prefix=server.blocked-ip"]
    seconds(curl, env), seconds(ours, env)
    times = [(seconds(curl, env), seconds(ours, env)) for _ in range(ROUNDS)]
    report("blocked -o json, 100,000 entries", statistics.median(t[1] for t in times), "s", ("curl", statistics.median(t[0] for t in times)))
    usage = subprocess.run(["/usr/bin/time", "-f", "%M", *ours], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, text=True) if os.path.exists("/usr/bin/time") else None
    if usage and usage.stderr.strip().split("\n")[-1].isdigit():
        report("peak RSS of that", int(usage.stderr.strip().split("\n")[-1]) / 1024, "MB")


class Terminal:
    def __init__(self, argv, env, columns=120, rows_=40):
        self.begin = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows_, columns, 0, 0))
        self.bytes = 0

    def drain(self, until_quiet=0.15, at_most=10):
        """(first byte, settled, bytes): settled is the last byte before a quiet stretch."""
        first = last = None
        end = time.perf_counter() + at_most
        while time.perf_counter() < end:
            ready, _, _ = select.select([self.fd], [], [], until_quiet)
            if not ready:
                if first is not None:
                    break
                continue
            try:
                chunk = os.read(self.fd, 65536)
            except OSError:
                break
            last = time.perf_counter()
            first = first or last
            self.bytes += len(chunk)
        return (first or 0) - self.begin, (last or 0) - self.begin, self.bytes

    def status(self, key):
        for line in open("/proc/%d/status" % self.pid):
            if line.startswith(key):
                return int(line.split()[1])
        return 0

    def close(self):
        try:
            os.kill(self.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        try:
            while os.read(self.fd, 65536):
                pass
        except OSError:
            pass
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def first_paint(argv, env):
    t = Terminal(argv, env)
    first, _, _ = t.drain()
    t.close()
    return first


def bench_paint(env, work):
    big = os.path.join(work, "lines")
    with open(big, "w", encoding="utf-8") as f:
        f.writelines("line %d of a file that less is given\n" % i for i in range(200000))
    repo = os.path.join(work, "repo")
    subprocess.run(["git", "init", "-q", repo], check=True)
    for i in range(20):
        subprocess.run(["git", "-C", repo, "-c", "user.name=b", "-c", "user.email=b@example.org", "commit", "-q", "--allow-empty", "-m", "c%d" % i],
                       check=True)
    peers = {"less": ["less", big], "tig": ["sh", "-c", "cd %s && exec tig" % repo], "htop": ["htop"]}
    ours = [first_paint([BIN], env) for _ in range(ROUNDS)]
    for name, argv in peers.items():
        if shutil.which(name):
            report("first paint", statistics.median(ours), "s", (name, statistics.median(first_paint(argv, env) for _ in range(ROUNDS))))


def bench_idle(env):
    t = Terminal([BIN], env)
    t.drain(until_quiet=1, at_most=8)
    report("RSS of the console, 100,000 entries", t.status("VmHWM") / 1024, "MB")
    before, bytes_before = t.status("voluntary_ctxt_switches"), t.bytes
    t.drain(until_quiet=IDLE_S, at_most=IDLE_S)
    report("wake-ups when idle, refresh every 5 s", (t.status("voluntary_ctxt_switches") - before) / IDLE_S, "1/s")
    report("bytes drawn when idle", (t.bytes - bytes_before) / IDLE_S, "B/s")
    t.close()


def main():
    work = tempfile.mkdtemp(prefix="bench-")
    try:
        with Practice("0.15", entries=100000) as p:
            env = environment(p, work)
            bench_list(p, env)
            bench_paint(env, work)
            bench_idle(env)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print("\nload average %.2f %.2f %.2f" % os.getloadavg())
    for r in rows:
        print("%-44s %10.3f %-4s %s" % (r["name"], r["value"], r["unit"], "%.2f x %s" % (r["ratio"], r["peer"]) if r.get("peer") else ""))


if __name__ == "__main__":
    main()
