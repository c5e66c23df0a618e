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

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from fake.client import Practice  # noqa: E402
from program import BIN, at_home, login  # noqa: E402

ENTRIES = 100000
ROUNDS = 7
IDLE_S = 15
LIST_COST_S = 0.55     # what a real 0.15.5 (a debug build) takes for a list of 100,000, on the machine it was measured on
rows = []


def report(name, value, unit, peer=None):
    row = {"name": name, "value": round(value, 3), "unit": unit}
    if peer:
        row.update(peer=peer[0], peer_value=round(peer[1], 3), ratio=round(value / peer[1], 2) if peer[1] else None)
    rows.append(row)
    print(json.dumps(row), flush=True)


def environment(p, home):
    env = {k: v for k, v in os.environ.items() if not k.startswith("STALWARDEN_")}
    env.update(**login(p), **at_home(home), LC_ALL="C.UTF-8", TERM="xterm-256color")
    return env


def seconds(argv, env):
    begin = time.perf_counter()
    subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def peak(argv, env):
    """Peak RSS in MB. By way of a small program: what a child was before it was exec'ed, a copy of this one, counts as well."""
    done = subprocess.run(["/usr/bin/time", "-f", "%M", *argv], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, check=True)
    return int(done.stderr.split()[-1]) / 1024


def beside(name, ours, peer_name, peer, env, before=lambda: None, rounds=ROUNDS):
    """Medians, taken in turns, so that what else the machine does meets both."""
    times = []
    for _ in range(rounds):
        before()
        theirs = seconds(peer, env)
        before()
        times.append((seconds(ours, env), theirs))
    report(name, statistics.median(t[0] for t in times), "s", (peer_name, statistics.median(t[1] for t in times)))


def bench_list(p, env):
    ours = [BIN, "blocked", "-o", "json"]
    url = p.url + "/api/settings/list?prefix=server.blocked-ip"
    curl = ["curl", "-s", "-u", "%s:%s" % (p.user, p.password), url]
    same = [".data.items|to_entries|map({address:.key,family:4,kind:\"address\",reason:\"\",note:.value,created_at:null,expires_at:null,"
            "state:\"active\",covered_by:null,origin:\"unknown\"})"]
    n = iter(range(1, 10**6))
    seconds(curl, env), seconds(ours, env)
    p.requests()
    seconds(ours, env)
    report("requests of one call", len(p.requests()), "")
    beside("blocked -o json, answered from a cache", ours, "curl", curl, env)
    if shutil.which("jq"):
        beside("the same, beside curl | jq", ours, "curl | jq", ["sh", "-c", "curl -s -u '%s:%s' '%s' | jq -c '%s'" % (p.user, p.password, url, same[0])],
               env, rounds=3)
    beside("blocked -o json, answer made anew", ours, "curl", curl, env, before=lambda: p.edit(set={"bench.count": str(next(n))}))
    p.fault("delay", path="prefix=server.blocked-ip", seconds=LIST_COST_S, times=-1)
    beside("blocked -o json, as dear as on a real server", ours, "curl", curl, env, rounds=5)
    p.no_faults()
    report("peak RSS of blocked -o json", peak(ours, env), "MB", ("curl", peak(curl, env)))


class Terminal:
    def __init__(self, argv, env, columns=120, rows_=40):
        self.begin = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows_, columns, 0, 0))
            os.execvpe(argv[0], argv, env)
        self.bytes = 0
        self.seen = b""

    def until(self, text, at_most=20):
        """Seconds from the start to the first byte behind this text."""
        end = self.begin + at_most
        while text not in self.seen and time.perf_counter() < end:
            if select.select([self.fd], [], [], 0.1)[0]:
                self.seen += os.read(self.fd, 65536)
        return time.perf_counter() - self.begin

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


def first_paint(argv, env, text):
    t = Terminal(argv, env)
    took = t.until(text)
    t.close()
    return took


def peers_of(work):
    """name: (arguments, what stands on its first screen)"""
    big = os.path.join(work, "lines")
    with open(big, "w", encoding="utf-8") as f:
        f.writelines("line %d of a file that less is given\n" % i for i in range(200000))
    repo = os.path.join(work, "repo")
    subprocess.run(["git", "init", "-q", repo], check=True)
    for i in range(20):
        subprocess.run(["git", "-C", repo, "-c", "user.name=b", "-c", "user.email=b@example.org", "commit", "-q", "--allow-empty", "-m", "c%d" % i],
                       check=True)
    peers = {"less": (["less", big], b"line 0 of"), "tig": (["sh", "-c", "cd %s && exec tig" % repo], b"c19"), "htop": (["htop"], b"PID")}
    return {name: peer for name, peer in peers.items() if shutil.which(name)}


def bench_paint(env, peers):
    ours, theirs = [], {name: [] for name in peers}
    for _ in range(ROUNDS):
        ours.append(first_paint([BIN], env, b"Overview"))
        for name, (argv, text) in peers.items():
            theirs[name].append(first_paint(argv, env, text))
    for name, times in theirs.items():
        report("first paint", statistics.median(ours), "s", (name, statistics.median(times)))
    report("the list's count on screen", statistics.median(first_paint([BIN], env, b"100,000") for _ in range(ROUNDS)), "s")


def cpu_s(pid):
    with open("/proc/%d/schedstat" % pid, encoding="ascii") as f:
        return int(f.read().split()[0]) / 1e9


def bench_idle(env, peers):
    """All at once, each in a terminal of its own: left alone for a while."""
    programs = {"refresh every 5 s": Terminal([BIN], env), "paused": Terminal([BIN], env)}
    programs.update({name: Terminal(argv, env) for name, (argv, _) in peers.items()})
    for t in programs.values():
        t.drain(until_quiet=1, at_most=8)
    os.write(programs["paused"].fd, b"p")
    for t in programs.values():
        t.drain(until_quiet=0.5, at_most=3)
    before = {name: (t.status("voluntary_ctxt_switches"), t.bytes, cpu_s(t.pid)) for name, t in programs.items()}
    end = time.perf_counter() + IDLE_S
    while (left := end - time.perf_counter()) > 0:
        for fd in select.select([t.fd for t in programs.values()], [], [], left)[0]:
            t = next(t for t in programs.values() if t.fd == fd)
            t.bytes += len(os.read(fd, 65536))
    for name, t in programs.items():
        wakes, drawn, busy = before[name]
        label = name if name in peers else "stalwarden, " + name
        report("idle: wake-ups of " + label, (t.status("voluntary_ctxt_switches") - wakes) / IDLE_S, "1/s")
        report("idle: bytes drawn by " + label, (t.bytes - drawn) / IDLE_S, "B/s")
        report("idle: CPU of " + label, 100 * (cpu_s(t.pid) - busy) / IDLE_S, "%")
        report("RSS at rest of " + label, t.status("VmRSS") / 1024, "MB")
        report("peak RSS of " + label, t.status("VmHWM") / 1024, "MB")
        t.close()


def main():
    work = tempfile.mkdtemp(prefix="bench-")
    try:
        peers = peers_of(work)
        with Practice("0.15", entries=ENTRIES) as p:
            env = environment(p, work)
            bench_list(p, env)
            bench_paint(env, peers)
            bench_idle(env, peers)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print("\nload average %.2f %.2f %.2f" % os.getloadavg())
    for r in rows:
        print("%-50s %10.3f %-4s %s" % (r["name"], r["value"], r["unit"], "%.2f x %s" % (r["ratio"], r["peer"]) if r.get("peer") else ""))


if __name__ == "__main__":
    main()
