# SPDX-License-Identifier: GPL-3.0-or-later
"""sync, and the history it keeps: once and for all, however often it runs, is killed or runs beside others; from a directory with packed old
files, from standard input, from the API; what has no line is "seen first"; what is too old goes."""

import datetime
import gzip
import os
import random
import signal
import sqlite3
import subprocess
import time

import pytest

from cli_world import DONE, HANG_S

LINES = 20000
BANS = ("authentication-ban", "abuse-ban", "loiter-ban", "scan-ban")
BEGIN = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)


def made_lines(count=LINES, seed=5):
    """Bans, refusals and attempts among others; every third ban is written twice."""
    rng = random.Random(seed)
    for n in range(count):
        stamp = (BEGIN + datetime.timedelta(seconds=17 * n)).strftime("%Y-%m-%dT%H:%M:%SZ")
        ip = "198.51.%d.%d" % (rng.randrange(8), rng.randrange(1, 250))
        kind = rng.randrange(10)
        if kind == 0:
            line = '%s INFO Banned (security.%s) listenerId = "imap", remoteIp = %s, accountName = "user%d@example.org"' % (
                stamp, rng.choice(BANS), ip, rng.randrange(40))
            yield line
            if n % 3 == 0:
                yield line
        elif kind < 4:
            yield '%s INFO Blocked IP address (security.ip-blocked) listenerId = "smtp", remoteIp = %s, remotePort = %d' % (stamp, ip, n % 60000)
        elif kind < 7:
            yield '%s DEBUG Authentication failed (auth.failed) listenerId = "imap", remoteIp = %s, accountName = "user%d@example.org"' % (
                stamp, ip, rng.randrange(40))
        else:
            yield '%s INFO Message queued (queue.queued) id = %d' % (stamp, n)


ALL = list(made_lines())


def write(path, lines):
    with open(path, "w", encoding="utf-8") as f:
        f.write("".join(line + "\n" for line in lines))


@pytest.fixture
def logs(tmp_path):
    """A directory as the server leaves it: older days packed, today's open."""
    folder = tmp_path / "logs"
    folder.mkdir()
    third = len(ALL) // 3
    for day, part in enumerate((ALL[:third], ALL[third:2 * third])):
        with gzip.open(folder / ("stalwart.2026-11-0%d.gz" % (day + 1)), "wt", encoding="utf-8") as f:
            f.write("".join(line + "\n" for line in part))
    write(folder / "stalwart.2026-11-03", ALL[2 * third:])
    return str(folder)


def database(world):
    return world.path("state", "stalwarden", "history.db")


def totals(world):
    """What the store holds, read past the program."""
    with sqlite3.connect(database(world)) as db:
        return (db.execute("SELECT count(*), sum(lines), count(DISTINCT addr) FROM ban").fetchone(),
                db.execute("SELECT sum(count), count(DISTINCT addr) FROM refused").fetchone(),
                db.execute("SELECT sum(count), count(DISTINCT addr) FROM attempt").fetchone(),
                db.execute("SELECT sum(bans), sum(refused) FROM addr").fetchone())


def expected():
    count = lambda word: sum(word in line for line in ALL)  # noqa: E731
    bans = len({line for line in ALL if "-ban)" in line})
    return bans, count("-ban)"), count("ip-blocked"), count("auth.failed")


def check_all_in(world):
    bans, refused, attempts, sums = totals(world)
    n, lines, refusals, failures = expected()
    assert (bans[0], bans[1], refused[0], attempts[0]) == (n, lines, refusals, failures)
    assert sums == (n, refusals)


def test_a_directory_with_packed_old_files_once_and_again(world, logs):
    first = world.run("sync", "--log-source", logs, "-o", "json")
    assert first.rc == DONE
    assert first.json()["lines"] == len(ALL) and first.json()["bans"] == expected()[0]
    check_all_in(world)
    for _ in range(2):
        again = world.run("sync", "--log-source", logs, "-o", "json").json()
        assert (again["lines"], again["bans"], again["refused"], again["attempts"]) == (0, 0, 0, 0)
        assert again["store_bytes"] > 100000
    check_all_in(world)


def test_auto_takes_the_usual_directory(world, logs, tmp_path):
    root = tmp_path / "root" / "opt" / "stalwart"
    root.mkdir(parents=True)
    os.rename(logs, root / "logs")
    result = world.run("sync", "-o", "json", env={"STALWARDEN_ROOT": str(tmp_path / "root")})
    assert result.json()["source"].endswith("/opt/stalwart/logs")
    assert result.json()["lines"] == len(ALL)


def test_killed_at_any_point_and_resumed(world, logs):
    """Each time the store has grown by so much; then once to the end."""
    kills = 0
    for wanted in (20000, 100000, 300000, 500000, 900000):
        process = world.start("sync", "--log-source", logs, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + HANG_S
        while process.poll() is None and time.monotonic() < deadline:
            if sum(os.path.getsize(database(world) + part) for part in ("", "-wal") if os.path.exists(database(world) + part)) >= wanted:
                process.send_signal(signal.SIGKILL)
                kills += process.wait() == -signal.SIGKILL
        process.communicate()
    assert kills >= 3
    assert world.run("sync", "--log-source", logs).rc == DONE
    check_all_in(world)


def test_several_at_once(world, logs):
    """The losers of the race go on from where the winner is."""
    processes = [world.start("sync", "--log-source", logs, stdin=subprocess.DEVNULL) for _ in range(4)]
    for process in processes:
        process.communicate(timeout=HANG_S)
    world.run("sync", "--log-source", logs)
    check_all_in(world)


def test_a_log_that_grows_and_rotates_meanwhile(world, logs):
    day = lambda n: os.path.join(logs, "stalwart.2026-11-%02d" % n)  # noqa: E731
    rest = [line for line in open(day(3), encoding="utf-8").read().split("\n") if line]
    piece = len(rest) // 6
    write(day(3), rest[:piece])
    for n in range(1, 7):
        process = world.start("sync", "--log-source", logs, stdin=subprocess.DEVNULL)
        part = rest[n * piece:(n + 1) * piece if n < 6 else None]
        with open(day(2 + n), "a", encoding="utf-8") as f:  # the end of a day, then the next one
            f.write("".join(line + "\n" for line in part[:piece // 2]))
        write(day(3 + n), part[piece // 2:])
        process.communicate(timeout=HANG_S)
        os.system("gzip -q '%s'" % day(2 + n))
    world.run("sync", "--log-source", logs)
    check_all_in(world)


def test_standard_input_again_and_again(world):
    """`docker logs` gives everything each time."""
    for end in (3000, 3000, len(ALL)):
        text = "".join(line + "\n" for line in ALL[:end])
        assert world.run("sync", "--log-source", "-", stdin=text).rc == DONE
    check_all_in(world)


def test_standard_input_with_colours_and_bytes_that_are_no_text(world):
    text = b"\x1b[2m2026-11-21T09:00:00Z\x1b[0m \x1b[32mINFO\x1b[0m \x1b[1mBanned\x1b[0m (\x1b[2msecurity.scan-ban\x1b[0m) " \
           b"\x1b[3mremoteIp\x1b[0m = 203.0.113.7, \x1b[3mpath\x1b[0m = \"/\xff\xfe\"\nthis is no line of a log \xff\n"
    result = world.run("sync", "--log-source", "-", "-o", "json", stdin=text)
    assert result.json()["bans"] == 1 and result.json()["unparsed"] == 1
    shown = world.run("log", "--log-source", "-", "-o", "json", stdin=text)
    assert len(shown.rows()) == 2 and "1 lines are no event" in shown.err


def ban(p, address):
    old = p.persona == "0.8"
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    p.control("line", {"line": '%s  INFO imap: Blocked remote_ip=%s login="u" context="imap" event="fail2ban"' % (stamp, address) if old else
                       '%s INFO Banned due to scan (security.scan-ban) listenerId = "http", remoteIp = %s, path = "/x"' % (stamp, address)})


def write_other(p, count):
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for n in range(count):
        p.control("line", {"line": "%s INFO Message queued (queue.queued) id = %d" % (stamp, n)})


@pytest.mark.parametrize("persona", ["0.15", "0.10", "0.8", "0.16"])
def test_through_the_api(world, practice, persona):
    p = practice(persona)
    world.use(p)
    for n in range(30):
        ban(p, "198.51.100.%d" % (n + 1))
    for _ in range(3):
        assert world.run("sync", "--log-source", "api").rc == DONE
    assert totals(world)[0][0] == 30
    p.rotate("daily")
    for n in range(5):
        ban(p, "198.51.100.%d" % (n + 101))
    assert world.run("sync", "--log-source", "api", "-o", "json").json()["bans"] == 5
    assert totals(world)[0][0] == 35


@pytest.mark.parametrize("persona", ["0.15", "0.16"])
def test_a_line_that_is_no_utf8_hides_only_what_is_older(world, practice, persona):
    p = practice(persona)
    world.use(p)
    ban(p, "198.51.100.1")
    p.control("line", {"hex": b"2026-11-21T09:00:00Z INFO SMTP EHLO command (smtp.ehlo) domain = \"\xff\"".hex()})
    for n in range(20):
        ban(p, "198.51.100.%d" % (n + 50))
        write_other(p, 3)
    result = world.run("sync", "--log-source", "api", "-o", "json")
    assert 19 <= result.json()["bans"] <= 20  # every question is a line of its own: the edge moves while it is looked for
    assert "no UTF-8" in result.err


def test_what_no_line_explains_is_seen_first(world, p15):
    p15.edit(block=["203.0.113.99"])
    p15.event("scan", "198.51.100.9", path="/wp-login.php", listener="http")
    world.run("sync", "--log-source", p15.log_dir)
    told = world.run("why", "203.0.113.99", "--log-source", p15.log_dir)
    assert "seen first" in told.out
    assert "seen first" not in world.run("why", "198.51.100.9", "--log-source", p15.log_dir).out


def test_what_is_too_old_goes(world, logs):
    """The history of every profile is one: the longest retention counts."""
    world.configure('profile "a" { retention = 3650d }\nprofile "b" { retention = 36500d }\n')
    world.run("sync", "--profile", "a", "--log-source", logs)
    check_all_in(world)
    now = {"STALWARDEN_NOW": "2040-01-01T00:00:00Z"}
    world.run("sync", "--profile", "a", "--log-source", logs, env=now)
    check_all_in(world)
    world.configure('profile "a" { retention = 3650d }\nprofile "b" { retention = 365d }\n')
    world.run("sync", "--profile", "a", "--log-source", logs, env={"STALWARDEN_NOW": "2040-01-03T00:00:00Z"})
    assert totals(world)[0][0] == 0 and totals(world)[1][0] is None
