# SPDX-License-Identifier: GPL-3.0-or-later
"""history in every grouping, and the monthly review: text, Markdown, JSON."""

import re

import pytest

from cli_world import DONE, NOTHING, USAGE

GROUPS = ["day", "address", "range", "reason", "account"]
DAY = 86400


@pytest.fixture
def log(world):
    """A log written line by line, read without any server."""
    class Log:
        path = world.path("work", "stalwart.log")
        lines = []

        def line(self, at, text):
            days, second = divmod(int(at), DAY)
            stamp = "2026-%02d-%02dT%02d:%02d:%02dZ" % (10 + days // 31, days % 31 + 1, second // 3600, second // 60 % 60, second % 60)
            self.lines.append((at, "%s INFO %s" % (stamp, text)))

        def ban(self, at, address, account=None, path=None, kind="authentication-ban"):
            more = ', accountName = "%s"' % account if account else ', path = "%s"' % path if path else ""
            self.line(at, "Banned due to %s (security.%s) listenerId = \"imap\", remoteIp = %s%s" % (kind, kind, address, more))

        def fail(self, at, address, account, count=1):
            for n in range(count):
                self.line(at + n, 'Authentication failed (auth.failed) listenerId = "imap", remoteIp = %s, accountName = "%s"' % (address, account))

        def refused(self, at, address, count=1):
            for n in range(count):
                self.line(at + n, "Blocked IP address (security.ip-blocked) listenerId = \"smtp\", remoteIp = %s" % address)

        def source(self):
            with open(self.path, "w", encoding="utf-8") as f:
                f.writelines(text + "\n" for _, text in sorted(self.lines, key=lambda row: row[0]))
            return ["--log-source", self.path]
    world.env["STALWARDEN_NOW"] = "2026-11-21T09:44:10Z"
    return Log()


@pytest.fixture
def october(log):
    """A gateway, a range that keeps coming, single offenders, one of them three times."""
    for n in range(6):
        log.ban(3 * DAY + n * 60, "45.9.148.%d" % (n + 1), account="info@example.org")
        log.refused(3 * DAY + n * 60 + 30, "45.9.148.%d" % (n + 1), count=4)
    for day in (5, 9, 30):
        log.ban(day * DAY, "203.0.113.7", path="/wp-login.php", kind="scan-ban")
    log.ban(10 * DAY, "172.17.0.1", account="anna@example.org")
    log.ban(40 * DAY, "198.51.100.9", account="info@example.org")                # in November
    for n in range(14):                                                         # 30 failures a day, under the limit of 100
        log.fail(12 * DAY + n * 3600, "192.0.2.%d" % (n + 1), "user%d@example.org" % n, count=30)
    return log


@pytest.mark.parametrize("by", GROUPS)
def test_every_grouping_has_a_field_of_its_name(world, october, by):
    rows = world.run("history", "--by", by, *october.source(), "-o", "json").rows()
    assert all(list(r)[0] == by and {"bans", "addresses", "first", "last", "auth", "scan"} < set(r) for r in rows)
    assert sum(r["bans"] for r in rows) == 11
    assert world.run("history", "--by", by, "-o", "csv", *october.source()).csv()[0][by] == str(rows[0][by] or "")


def test_groupings(world, october):
    source = october.source()

    def rows(*args):
        return world.run("history", *source, *args, "-o", "json").rows()
    assert [(r["day"], r["bans"]) for r in rows()] == [("2026-10-04", 6), ("2026-10-06", 1), ("2026-10-10", 1), ("2026-10-11", 1), ("2026-10-31", 1),
                                                       ("2026-11-10", 1)]
    top = rows("--by", "address")[0]
    assert (top["address"], top["bans"], top["first"], top["last"]) == ("203.0.113.7", 3, "2026-10-06T00:00:00Z", "2026-10-31T00:00:00Z")
    top = rows("--by", "range")[0]
    assert (top["range"], top["bans"], top["addresses"]) == ("45.9.148.0/24", 6, 6)
    assert rows("--by", "range", "--prefix", "30")[0]["range"] in ("45.9.148.0/30", "45.9.148.4/30", "203.0.113.4/30")
    assert {r["reason"]: r["bans"] for r in rows("--by", "reason")} == {"auth": 8, "scan": 3}
    assert rows("--by", "account")[0]["account"] == "info@example.org"
    assert sum(r["bans"] for r in rows("--since", "2026-11-01")) == 1
    assert sum(r["bans"] for r in rows("--until", "2026-10-05")) == 6


def test_limit_empty_and_usage(world, october):
    cut = world.run("history", "--by", "address", "--limit", "2", *october.source(), "-o", "json")
    assert len(cut.rows()) == 2 and "showing 2 of 9" in cut.err
    assert world.run("history", "--since", "2099-01-01", *october.source()).rc == NOTHING
    for bad in (["--by", "colour"], ["--prefix", "0"], ["--since", "yesterdayish"], ["word"]):
        assert world.run("history", *bad).rc == USAGE, bad


# ---- the monthly review ----

def review(world, log, *args):
    return world.run("report", "--month", "2026-10", *log.source(), *args)


def test_totals(world, october):
    r = review(world, october, "-o", "json").json()
    assert (r["month"], r["bans"], r["addresses"], r["by_class"]["auth"], r["by_class"]["scan"]) == ("2026-10", 10, 8, 7, 3)
    assert (r["refused"], r["attempts"], r["accounts"], r["busiest_day"], r["busiest_bans"]) == (24, 420, 2, "2026-10-04T00:00:00Z", 6)
    text = review(world, october).out
    assert text.startswith("Security review 2026-10") and re.search(r"^bans +10$", text, re.M) and "Busiest day: 2026-10-04 with 6 bans." in text


def test_repeat_offenders_ranges_and_new_gateways(world, october):
    r = review(world, october, "-o", "json").json()
    assert [(o["address"], o["bans"], o["class"]) for o in r["offenders"]] == [("203.0.113.7", 3, "scan")]
    assert [(g["range"], g["bans"], g["addresses"], g["refused"]) for g in r["ranges"]] == [("45.9.148.0/24", 6, 6, 24)]
    assert [(g["address"], g["first"]) for g in r["gateways"]] == [("172.17.0.1", "2026-10-11T00:00:00Z")]
    text = review(world, october).out
    for words in ("Who keeps coming back", "Ranges worth a firewall rule", "New gateways and proxies", "stalwarden ranges --since 2026-10-01 --until 2026-11-01"):
        assert words in text, words
    later = world.run("report", "--month", "2026-11", *october.source(), "-o", "json").json()
    assert later["gateways"] == [], "it was new in October"


def test_a_threshold_suggestion_is_simulated(world, october):
    r = review(world, october, "-o", "json").json()
    auth = [t for t in r["thresholds"] if t["class"] == "auth"][0]
    assert [(t["count"], t["more"], t["more_allowed"]) for t in auth["tried"]] == [(20, 14, 0), (50, 0, 0), (200, 0, 0)]
    assert auth["advice"].startswith("At 20/1d 14 more addresses would have been banned, none of them allowed.")
    assert auth["tried"][0]["suggested"] and "consider it" in auth["advice"]
    assert "At 20/1d 14 more addresses" in review(world, october).out.replace("\n", " ")


def test_allowed_addresses_speak_against_a_suggestion(world, october, p15):
    """The lists and the thresholds are the server's, also where the log is a local file."""
    p15.edit(allow=["192.0.2.3", "192.0.2.4", "45.9.148.200"])
    world.use(p15)
    r = review(world, october, "-o", "json").json()
    auth = [t for t in r["thresholds"] if t["class"] == "auth"][0]
    assert (auth["tried"][0]["more"], auth["tried"][0]["more_allowed"]) == (14, 2)
    assert "At 20/1d 14 more addresses would have been banned, 2 of them allowed." in auth["advice"] and "Leave it" in auth["advice"]
    assert not any(t["suggested"] for t in auth["tried"])
    assert r["ranges"][0]["allowed_hit"] == 1 and "holds 1 allowed" in review(world, october).out


def test_markdown(world, october):
    text = review(world, october, "--format", "markdown").out
    assert text.startswith("# Security review 2026-10") and "## Ranges worth a firewall rule" in text
    assert "| 203.0.113.7 | 3 |" in text and "- auth: At 20/1d 14 more addresses" in text
    for line in text.split("\n"):
        assert not line.startswith("|") or line.endswith("|")
    assert review(world, october, "--format", "md").out == text


def test_text_fits_eighty_columns(world, october):
    text = review(world, october, "--ascii").out
    assert "203.0.113.7" in text
    assert max(len(line) for line in text.split("\n")) <= 80
    assert all(ord(c) < 128 for c in text)


def test_hostile_names_stay_text(world, october):
    october.ban(15 * DAY, "192.0.2.66", account="x\x1b[31m|evil\u202e`*")
    october.ban(16 * DAY, "192.0.2.66", account="x\x1b[31m|evil\u202e`*")
    for args in ([], ["--format", "markdown"], ["-o", "json"]):
        assert review(world, october, *args).rc == DONE                         # World looks at every byte


def test_a_month_without_lines_says_so(world, october):
    result = world.run("report", "--month", "2025-01", *october.source())
    assert result.rc == NOTHING and "holds no log lines of this time" in result.out
    part = world.run("report", "--month", "2026-11", *october.source())
    assert "is covered by log lines" in part.out


def test_the_default_is_last_month(world, october):
    assert world.run("report", *october.source(), "-o", "json").json()["month"] == "2026-10"
    for bad in (["--month", "2026-13"], ["--month", "october"], ["--format", "pdf"], ["word"]):
        assert world.run("report", *bad).rc == USAGE, bad
