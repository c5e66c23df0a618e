# SPDX-License-Identifier: GPL-3.0-or-later
"""The console's export (x): the rows shown, into a file by the name's ending, as `export` would write them; and what is said when it can't."""

import json
import os
import resource
import signal

import pytest

from cli_world import DONE
from program import headless

ENTRIES = {"203.0.113.7": json.dumps({"reason": "$(touch PWNED)", "until": "2099-05-06T07:08:09Z"}), "198.51.100.0/24": "", "198.51.100.9": "in it"}


@pytest.fixture
def filled(world, p15):
    p15.edit(set={"server.blocked-ip." + k: v for k, v in ENTRIES.items()})
    p15.request("GET", "/api/reload")
    return world


def keys(path, dump, words, *before):
    return "".join(line + "\n" for line in ("3", ":wait 203.0.113.7", *before, "x", path + "<Enter>", ":wait " + words, ":dump " + dump))


def export(world, path, words, *before):
    """What the console said."""
    dump = world.path("work", "dump")
    result = world.console(keys(path, dump, words, *before), columns=200)
    assert result.rc == DONE, result
    with open(dump, encoding="utf-8") as f:
        return f.read()


@pytest.mark.parametrize("ending", ["csv", "JSON", "ndjson", "nft", "ipset", "iptables", "cscli", "values", "txt"])
def test_as_the_verb_writes_it(filled, ending):
    path = filled.path("work", "list." + ending)
    form = "values" if ending == "txt" else ending.lower()
    said = export(filled, path, "written to")
    assert "as " + form in said
    if form in ("nft", "ipset"):
        assert "left out: 1 covered by another entry" in said, said
    with open(path, encoding="utf-8") as f:
        text = f.read()
    assert os.stat(path).st_mode & 0o777 == 0o600
    verb = filled.run("export", "--format", form).out

    def steady(body):       # seconds that are left of an end differ by the time between the two; sorted, as the panel has an order of its own
        return sorted(word for word in body.replace(",\n", "\n").split("\n") if "203.0.113.7" not in word)

    assert steady(text) == steady(verb) and "203.0.113.7" in text


def test_only_what_is_shown_and_hidden_rows_cover_nothing(filled):
    path = filled.path("work", "one.nft")
    export(filled, path, "written to", "/198.51.100.9<Enter>")
    with open(path, encoding="utf-8") as f:
        lines = [line for line in f if line.startswith("add element")]
    assert lines == ['add element inet stalwarden blocked4 { 198.51.100.9 comment "in it" }\n']


def test_home_is_understood(filled):
    export(filled, "~/list.json", "written to")
    with open(filled.path("home", "list.json"), encoding="utf-8") as f:
        assert len(json.load(f)) == len(ENTRIES)


def test_nothing_is_overwritten_and_why_it_failed_is_said(filled):
    kept = filled.write("kept.csv", "mine")
    assert "exists: choose another name" in export(filled, kept, "choose another")
    with open(kept, encoding="utf-8") as f:
        assert f.read() == "mine"
    assert "No such file or directory" in export(filled, "/nowhere/x.csv", "can't be made")


def test_half_a_list_does_not_stay(world, practice):
    """No room for all of it: the file the export began is taken away again, and why is said."""
    world.use(practice("0.15", entries=30000))
    path, dump = world.path("work", "half.json"), world.path("work", "dump")
    script = world.write("script", "3\n:wait 30,000\nx\n%s<Enter>\n:wait could not be written\n:dump %s\n" % (path, dump))

    def small():            # in the child: writing past 4 MiB fails, as on a full disk, and is no signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))

    result = world.finish(world.start(env=headless(script, columns=200), preexec_fn=small))
    assert result.rc == DONE, result
    with open(dump, encoding="utf-8") as f:
        assert "half.json could not be written: File too large" in f.read()
    assert not os.path.exists(path)
