# SPDX-License-Identifier: GPL-3.0-or-later
"""Country and operator of an address: columns where geo_database names a database, no trace of them without."""

import re

import pytest

from cli_world import DONE
from fake import mmdb

PLACE = ["country", "as_number", "as_name"]


@pytest.fixture
def placed(world, p15):
    p15.event("scan", "203.0.113.7", path="/wp-login.php", listener="http")
    p15.event("scan", "2001:db8:bad::1", path="/wp-login.php", listener="http")
    p15.edit(block=["198.51.100.9", "not-an-ip"], allow=["203.0.113.200"])
    world.source = ["--log-source", p15.log_dir]
    world.countries = mmdb.write(world.path("work", "country.mmdb"), "GeoLite2-Country",
                                 {"203.0.113.0/24": mmdb.country("NL"), "2001:db8:bad::/48": mmdb.country("DE")})
    world.operators = mmdb.write(world.path("work", "as.mmdb"), "GeoLite2-ASN",
                                 {"203.0.113.0/24": mmdb.operator(64500, "Example \x1b[31mHosting\u202e")})
    return p15


def configure(world, databases):
    world.configure('profile "default" {\n  url = "%s"\n  user = "admin"\n  geo_database = "%s"\n}\n'
                    % (world.server["STALWARDEN_URL"], databases))


def test_without_a_database_there_is_no_column(world, placed):
    for verb in (["blocked"], ["allowed"], ["history", "--by", "address", *world.source], ["why", "203.0.113.7", *world.source]):
        assert not set(PLACE) & set(world.run(*verb, "-o", "json").out.replace('"', " ").split())
        assert "COUNTRY" not in world.run(*verb).out and "where" not in world.run(*verb).out


def test_lists(world, placed):
    configure(world, "%s, %s" % (world.countries, world.operators))
    rows = {r["address"]: [r[k] for k in PLACE] for r in world.run("blocked", "-o", "json").rows()}
    assert rows["203.0.113.7"][:2] == ["NL", 64500] and "Hosting" in rows["203.0.113.7"][2]
    assert rows["2001:db8:bad::1"] == ["DE", None, None]
    assert rows["198.51.100.9"] == rows["not-an-ip"] == [None, None, None]
    assert world.run("allowed", "-o", "json").one()["country"] == "NL"
    assert re.search(r"203\.0\.113\.7 .* NL +64500", world.run("blocked").out)


def test_history_and_why(world, placed):
    configure(world, world.countries + "," + world.operators)
    rows = {r["address"]: r["country"] for r in world.run("history", "--by", "address", *world.source, "-o", "json").rows()}
    assert rows == {"203.0.113.7": "NL", "2001:db8:bad::1": "DE"}
    ranges = {r["range"]: r["country"] for r in world.run("history", "--by", "range", *world.source, "-o", "json").rows()}
    assert ranges == {"203.0.113.0/24": "NL", "2001:db8:bad::/48": "DE"}
    assert "country" not in world.run("history", "--by", "reason", *world.source, "-o", "json").one()
    why = world.run("why", "203.0.113.7", *world.source, "-o", "json").json()
    assert (why["country"], why["as_number"]) == ("NL", 64500)
    assert re.search(r"where +NL  AS64500 Example", world.run("why", "203.0.113.7", *world.source).out)


def test_one_database_gives_its_own_column_only(world, placed):
    configure(world, world.countries)
    row = world.run("blocked", "203.0.113.7", "-o", "json").one()
    assert row["country"] == "NL" and "as_number" not in row


def test_a_database_that_cannot_be_read_is_told_and_stops_nothing(world, placed):
    configure(world, world.path("work", "missing.mmdb"))
    result = world.run("blocked", "-o", "json")
    assert result.rc == DONE and "missing.mmdb" in result.err and "country" not in result.rows()[0]


@pytest.mark.parametrize("keys, what", [
    ("3\n:wait 203.0.113.7\n", "blocked"), ("6\n:wait Twelve\ng\n:wait 203.0.113.7\n", "by address"),
    (":why 203.0.113.7\n:wait REFUSED\n", "why"), ("6\n:wait Twelve\n<Enter>\n:wait 203.0.113.7\n", "bans")])
def test_the_console_has_the_columns(world, placed, keys, what):
    configure(world, world.countries + "," + world.operators)
    dump = world.path("work", "dump")
    result = world.console(keys + ":wait\n:dump %s\n" % dump, *world.source, columns=160, env={"STALWARDEN_URL": None})
    assert result.rc == DONE, result
    line = [text for text in open(dump, encoding="utf-8").read().split("\n") if "NL" in text and "AS64500 Example" in text]
    assert line, open(dump, encoding="utf-8").read()
