# SPDX-License-Identifier: GPL-3.0-or-later
"""What an attacker or a broken server writes never reaches a terminal raw, in no format, on no stream. World.run() looks at every byte;
here is the content that would get through if it could, and that what is shown still tells the difference."""

import json
import unicodedata

import pytest

from cli_world import DONE, NOTHING, SERVER

CONTROL = [chr(c) for c in list(range(1, 32)) + list(range(127, 160))]
BIDI = list("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
INVISIBLE = list("\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u2028\u2029\U000e0041\ufffe")
EVIL = "".join(CONTROL) + "".join(BIDI) + "".join(INVISIBLE) + "e" + "\u0301" * 60 + "\u001b]52;c;Zm9v\u0007"
FORMATS = ["table", "json", "ndjson", "csv", "plain"]


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for k, v in value.items():
            yield from strings(k)
            yield from strings(v)
    elif isinstance(value, list):
        for v in value:
            yield from strings(v)


def harmless(text):
    return all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp") for c in text)


@pytest.mark.parametrize("form", FORMATS)
def test_notes_and_keys_of_lists(world, p15, form):
    p15.edit(set={"server.blocked-ip.203.0.113.7": EVIL, "server.blocked-ip.\u001b[2Jx\u202e": "", "server.allowed-ip.203.0.113.8": EVIL,
                  "server.blocked-ip.203.0.113.9": json.dumps({"reason": EVIL, "by": EVIL, "at": EVIL, "class": EVIL})})
    for verb in ("blocked", "allowed"):
        result = world.run(verb, "-o", form)
        assert result.rc == DONE
    if form == "json":
        rows = world.run("blocked", "-o", "json").rows()
        assert len(rows) == 3 and all(harmless(s) for s in strings(rows))
        assert [r for r in rows if r["state"] == "malformed"]


def test_every_single_character(world, p15):
    """Each by itself, so that none hides behind another; and each is visible as something."""
    characters = CONTROL + BIDI + INVISIBLE
    p15.edit(set={"server.blocked-ip.203.0.113.%d" % n: "<%s>" % c for n, c in enumerate(characters[:120])})
    rows = world.run("blocked", "-o", "json").rows()
    assert len(rows) == min(120, len(characters))
    shown = {row["address"]: row["note"] for row in rows}
    for n, c in enumerate(characters[:120]):
        note = shown["203.0.113.%d" % n]
        assert harmless(note) and note.startswith("<") and note.endswith(">"), (hex(ord(c)), note)
        assert note != "<>", hex(ord(c))


def test_rows_stay_rows(world, p15):
    """A line end in a value makes no second line, a tab no second column."""
    p15.edit(set={"server.blocked-ip.203.0.113.7": "a\nb\tc\r\nd", "server.blocked-ip.203.0.113.8": "e"})
    assert len(world.run("blocked").out.splitlines()) == 3
    plain = world.run("blocked", "-o", "plain").out.splitlines()
    assert len(plain) == 2 and {line.count("\t") for line in plain} == {9}
    assert len(world.run("blocked", "-o", "csv").csv()) == 2


def test_a_long_note_is_cut_and_the_entry_stays(world, p15):
    p15.edit(set={"server.blocked-ip.203.0.113.7": "x" * 100000})
    assert set(world.run("blocked", "-o", "json").one()["note"]) == {"x"}
    assert len(world.run("blocked").out) < 2000


def test_ascii(world, p15):
    p15.edit(set={"server.blocked-ip.203.0.113.7": "größe \u65e5\u672c"})
    assert "größe" in world.run("blocked", "-o", "json").one()["note"]
    assert world.run("blocked", "--ascii").raw_out.isascii()
    assert world.run("block", "203.0.113.8", "--ascii").raw_out.isascii()
    assert world.run("blocked", "-o", "plain", env={"LC_ALL": "C"}).raw_out.isascii()


@pytest.mark.parametrize("form", FORMATS)
def test_error_words_of_the_server(world, p15, form):
    p15.fault("status", status=400, path="^/api/settings$", method="POST", body="blocked-ip", title=EVIL, detail=EVIL, times=-1)
    result = world.run("block", "203.0.113.7", "-o", form)
    assert result.rc == SERVER
    p15.no_faults()
    p15.fault("status", status=500, path="prefix=server.blocked-ip", detail=EVIL, title=EVIL, times=-1)
    assert world.run("blocked", "-o", form, "-v").rc == SERVER


def test_reload_errors(world, p15):
    p15.fault("answer", path="^/api/reload", times=-1, json={"data": {"errors": {"key" + EVIL: {"type": "Build", "error": EVIL}}, "warnings": {EVIL: {"type": EVIL}}}})
    result = world.run("block", "198.51.100.0/24", "-o", "json")
    assert result.rc == 6 and all(harmless(s) for s in strings(result.json()))
    assert world.run("reload").rc == 6
    assert "\\x1b" in world.run("check", "config").out
    rows = world.run("journal", "-o", "json").rows()
    assert ["\\x1b" in row["detail"] for row in rows] == [True, True] and all(harmless(s) for s in strings(rows))
    assert "\\x1b" in world.run("journal").out


@pytest.mark.parametrize("fault", [
    dict(kind="raw", text="HTTP/1.1 200 \u001b[31mOK\r\nX: \u001b]0;x\u0007\r\nContent-Type: text/\u001b[2Jhtml\r\n\r\n<html>\u001b[2J"),
    dict(kind="raw", text="\u001b[2J\u001b[H\u001b]52;c;Zm9v\u0007"), dict(kind="garbage"), dict(kind="html"),
    dict(kind="redirect", to="http://x/\u00e9%1b[2J"), dict(kind="answer", json={"error": "other", "details": EVIL, "reason": EVIL, "item": EVIL}),
    dict(kind="answer", json={"data": {"total": EVIL, "items": {EVIL: EVIL, "203.0.113.7": [EVIL], "203.0.113.8": {EVIL: EVIL}}}})],
    ids=range(7))
@pytest.mark.parametrize("path", ["", "prefix=server.blocked-ip", "logs"])
def test_answers(world, p15, fault, path):
    p15.fault(path=path, times=-1, **fault)
    for args in (["blocked", "-v"], ["blocked", "-o", "json"], ["status"], ["probe"], ["log", "--limit", "5"]):
        result = world.run(*args)
        assert result.rc in (DONE, NOTHING) or result.err, (args, result)


@pytest.mark.parametrize("field", ["server.auto-ban.auth.rate", "server.auto-ban.scan.rate", "server.auto-ban.scan.paths.0001",
                                   "server.proxy.trusted-networks.0", "certificate.x.cert", "acme.x.domains.0", "lookup.default.hostname"])
def test_settings(world, p15, field):
    p15.edit(set={field: EVIL})
    for args in (["thresholds"], ["thresholds", "-o", "json"], ["thresholds", "paths"], ["status"], ["status", "-o", "json"], ["certs"],
                 ["certs", "-o", "json"], ["check", "config"], ["metrics"]):
        result = world.run(*args)
        assert result.out or result.err, (args, result)


def test_the_log(world, p15):
    for n, c in enumerate(CONTROL + BIDI + INVISIBLE):
        p15.event("ehlo", "203.0.113.%d" % (n % 250), listener="smtp", domain="a%sb" % c)
    p15.event("ehlo", "203.0.113.7", listener="smtp", domain_hex="6e00756cff41")
    p15.event("scan", "203.0.113.7", listener="https", path="/wp-login.php?" + EVIL)
    p15.event("auth_fail", "203.0.113.9", listener="imap", account='x", remoteIp = 9.9.9.9, y = "\u001b[2J', count=101)
    for form in FORMATS:
        for source in ("api", p15.log_dir):
            world.run("log", "-o", form, "--log-source", source, "--limit", "500")
    rows = world.run("log", "-o", "json", "--log-source", p15.log_dir, "--limit", "500").rows()
    assert rows and all(harmless(s) for s in strings(rows))
    bans = [row for row in rows if row["class"] == "auth"]
    assert bans and bans[0]["address"] == "203.0.113.9"        # the server's own first remoteIp, not the forged one
    world.run("sync", "--log-source", p15.log_dir)
    for args in (["why", "203.0.113.9"], ["why", "203.0.113.9", "-o", "json"], ["history", "--by", "account"], ["report"], ["metrics"]):
        world.run(*args, "--log-source", p15.log_dir)


def test_arguments_come_back_harmless(world, p15):
    for args in (["\u001b[2J"], ["block", "\u001b[2J"], ["why", "\u202e1.2.3.4"], ["blocked", "reason:\u001b[31m"], ["--\u001b[2J"], ["log", "--grep", "[\u001b"],
                 ["thresholds", "set", "\u001b", "1/1h"], ["blocked", "--sort", "\u001b[2J"], ["--profile", "\u001b[2J", "blocked"], ["undo", "\u001b"],
                 ["-o", "\u001b", "blocked"], ["completion", "\u001b"], ["--url", "http://\u001b[2J/", "blocked"], ["help", "\u001b[2J"],
                 ["--config", "/\u001b[2J", "blocked"], ["import", "/\u001b[2J"]):
        result = world.run(*args)
        assert result.rc not in (DONE, NOTHING) and result.err, (args, result)


def test_reasons_come_back_harmless(world, p15):
    assert world.run("block", "203.0.113.7", "--reason", EVIL).rc == DONE
    assert harmless(world.run("blocked", "-o", "json").one()["note"])
    assert harmless(world.run("journal", "-o", "json").one()["reason"])
    assert world.run("unblock", "203.0.113.7").rc == DONE


def test_names_of_profiles_and_files(world, p15):
    world.configure('profile "\u001b[2Jevil" { url = "%s" user = admin colour = "\u001b[31m" }\n' % p15.url)
    assert "nothing is blocked" in world.run("blocked", env={"STALWARDEN_URL": None}).err
    world.configure('profile "p" {\n\t\u001b[2J = 1\n}\n')
    assert "stalwarden.conf:2" in world.run("blocked").err


@pytest.mark.parametrize("persona", ["0.16", "0.8", "0.6", "rest"])
def test_other_generations(world, practice, persona):
    p = practice(persona)
    world.use(p)
    world.run("block", "203.0.113.7", "--reason", EVIL)
    world.run("allow", "203.0.113.8", "--reason", EVIL)
    p.event("ehlo", "203.0.113.7", listener="smtp", domain=EVIL)
    p.event("auth_fail", "203.0.113.9", listener="imap", account=EVIL, count=101)
    for form in FORMATS:
        for args in (["blocked"], ["allowed"], ["log", "--limit", "50"], ["thresholds"], ["status"]):
            assert world.run(*args, "-o", form).rc in (DONE, NOTHING, 2, 4)
    p.fault("status", status=400, title=EVIL, detail=EVIL, times=-1)
    assert world.run("blocked").rc == SERVER
