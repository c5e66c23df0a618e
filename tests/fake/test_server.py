# SPDX-License-Identifier: GPL-3.0-or-later
"""What the practice server promises beyond the transcripts: bans, counters, reloads, logs, faults, its control plane."""

import base64
import gzip
import json
import os
import re
import select
import socket
import subprocess
import time

import pytest

from fake.client import Practice, SERVER, bearer
from fake.faults import FAULTS
from fake.personas import PERSONAS

BASIC = "Basic " + base64.b64encode(b"admin:secret").decode()
DEADLINE_S = 20                                 # a hang guard
DAY = 86400


def until(condition, what):
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if condition():
            return
        select.select([], [], [], 0.005)
    raise AssertionError("never: " + what)


def insert(*pairs, name="insert", prefix=None, assert_empty=False):
    return [{"type": name, "prefix": prefix, "values": [list(p) for p in pairs], "assert_empty": assert_empty}]


def put(server, *pairs, **more):
    return server.json("POST", "/api/settings", insert(*pairs, **more))


def reload(server, what=""):
    status, answer = server.json("GET", "/api/reload" + what)
    assert status == 200
    return answer["data"]


def let_in(server, address):
    """Whether a connection from address gets any answer."""
    try:
        server.request("GET", "/", auth=None, source=address)
        return True
    except OSError:
        return False


def log_text(server):
    names = sorted(n for n in os.listdir(server.log_dir) if not n.endswith(".gz"))
    return b"".join(open(os.path.join(server.log_dir, n), "rb").read() for n in names)


def talk(server, data, source=None):
    """(bytes received, 'fin' or 'rst') of one connection that sends data and reads to the end."""
    got, sock = b"", None
    try:
        bind = (source, 0) if source else None
        sock = socket.create_connection((server.host, server.port), DEADLINE_S, bind)
        sock.sendall(data)
        while True:
            more = sock.recv(65536)
            if not more:
                return got, "fin"
            got += more
    except (ConnectionResetError, BrokenPipeError):         # the reset may come as early as in connect
        return got, "rst"
    finally:
        if sock:
            sock.close()


def raw(method, path, body=b"", *headers):
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: x", "Authorization: " + BASIC, "Connection: close",
             "Content-Length: %d" % len(body), *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.fixture
def server():
    with Practice("0.15") as practice:
        yield practice


# ---- bans and counters -----------------------------------------------------------------------------

def test_one_failure_too_many_bans_and_the_next_connection_is_refused(server):
    results = server.control("event", {"kind": "auth_fail", "client": "203.0.113.7", "account": "zed", "count": 102})
    assert results["results"] == ["ok"] * 100 + ["banned", "refused"]
    assert server.state()["stored"]["blocked"] == ["203.0.113.7"]
    assert server.event("auth_ok", "203.0.113.7") == "refused"


def test_counters_outlive_an_un_ban_until_they_are_purged(server):
    server.event("auth_fail", "127.0.0.7", account="zed", count=101)
    server.json("DELETE", "/api/settings/server.blocked-ip.127.0.0.7")
    assert not let_in(server, "127.0.0.7")              # stored, not live
    reload(server, "/server.blocked-ip")
    assert let_in(server, "127.0.0.7")
    assert server.event("auth_fail", "127.0.0.7") == "banned"
    server.edit(unblock=["127.0.0.7"])
    reload(server, "/server.blocked-ip")
    assert server.json("GET", "/api/store/purge/in-memory/default/rate-auth") == (200, {"data": None})
    assert server.event("auth_fail", "127.0.0.7") == "ok"


def test_purging_one_class_leaves_the_others(server):
    server.event("auth_fail", "203.0.113.7")
    server.event("rcpt_fail", "203.0.113.7", to="a@example.org")
    server.json("GET", "/api/store/purge/in-memory/default/rate-rcpt")
    assert {c["class"] for c in server.state()["counters"]} == {"auth"}
    assert server.json("GET", "/api/store/purge/in-memory/default/rate-nosuch")[0] == 404


def test_a_login_under_attack_bans_its_owner_on_the_first_failure(server):
    for n in range(100):
        assert server.event("auth_fail", "203.0.113.%d" % n, account="anna@example.org") == "ok"
    assert server.event("auth_fail", "198.51.100.9", account="anna@example.org") == "banned"
    assert b'remoteIp = 198.51.100.9, accountName = "anna@example.org"' in log_text(server)


def test_windows_are_aligned_to_the_epoch_not_sliding():
    with Practice("0.15", clock=20000 * DAY + DAY - 10) as server:
        server.event("auth_fail", "203.0.113.7", count=100)
        server.advance(20)
        assert server.event("auth_fail", "203.0.113.7") == "ok"


@pytest.mark.parametrize("kind,more,event", [
    ("rcpt_fail", {"to": "x@example.org", "count": 36}, "security.abuse-ban"),
    ("loiter", {"listener": "smtp", "count": 151}, "security.loiter-ban"),
    ("scan", {"path": "/wp-login.php"}, "security.scan-ban"),
    ("scan", {"count": 31}, "security.scan-ban"),
])
def test_each_class_bans_with_its_own_event(server, kind, more, event):
    assert server.event(kind, "203.0.113.7", **more) == "banned"
    assert ("(%s)" % event).encode() in log_text(server)


def test_a_scanned_path_bans_a_real_client_at_the_first_request(server):
    assert talk(server, b"GET /wp-login.php HTTP/1.1\r\nHost: x\r\n\r\n", "127.0.0.6") == (b"", "rst")
    assert server.state()["stored"]["blocked"] == ["127.0.0.6"]
    assert server.event("scan", "203.0.113.1", path="/harmless") == "ok"


def test_wrong_passwords_end_in_429_and_then_silence_even_for_the_right_one(server):
    put(server, ("server.auto-ban.auth.rate", "3/1d"))
    reload(server)
    tries = [server.request("GET", "/api/settings/list", auth=("admin", "no"), source="127.0.0.5")[0] for _ in range(4)]
    assert tries == [401, 401, 401, 429]
    assert not let_in(server, "127.0.0.5")
    assert talk(server, raw("GET", "/api/settings/list"), "127.0.0.5") == (b"", "rst")
    assert server.request("GET", "/api/settings/list")[0] == 200


def test_loopback_is_never_counted(server):
    for _ in range(130):
        assert server.request("GET", "/api/settings/list", auth=("admin", "no"))[0] == 401
    assert server.state()["stored"]["blocked"] == []
    assert server.state()["counters"] == []


def test_an_allowed_address_is_not_counted_but_a_blocked_one_stays_blocked(server):
    server.edit(allow=["127.0.0.9"], block=["127.0.0.9"])
    reload(server)
    assert not let_in(server, "127.0.0.9")
    server.edit(unblock=["127.0.0.9"])
    reload(server)
    assert server.event("auth_fail", "127.0.0.9", count=300) == "ok"


@pytest.mark.parametrize("word", ["none", "unlimited"])
def test_a_rate_of_none_kills_the_server_at_the_next_failure(server, word):
    put(server, ("server.auto-ban.auth.rate", word))
    assert reload(server)["errors"] == {}
    server.event("auth_fail", "203.0.113.7")
    assert talk(server, raw("GET", "/api/reload")) == (b"", "rst")
    assert server.state()["crashed"]
    put_back = {"set": {"server.auto-ban.auth.rate": "100/1d"}}
    server.control("set", put_back)
    server.restart()
    assert server.request("GET", "/api/settings/list")[0] == 200


def test_false_switches_a_class_off_and_no_key_is_the_default(server):
    put(server, ("server.auto-ban.auth.rate", "false"))
    reload(server)
    assert server.event("auth_fail", "203.0.113.7", count=500) == "ok"
    server.json("DELETE", "/api/settings/server.auto-ban.auth.rate")
    reload(server)
    assert server.state()["live"]["thresholds"]["auth"] == [100, DAY]


# ---- storing is not taking effect ----------------------------------------------------------------

def test_which_reload_makes_what_live(server):
    server.edit(block=["127.0.0.8", "127.0.7.0/24"], allow=["198.51.100.1"], set={"server.auto-ban.scan.rate": "5/1h"})
    live = lambda: server.state()["live"]
    assert let_in(server, "127.0.0.8")
    reload(server, "/server.blocked-ip")
    assert not let_in(server, "127.0.0.8")
    assert let_in(server, "127.0.7.7") and live()["networks"] == [] and live()["allowed"] == []
    assert live()["thresholds"]["scan"] == [30, DAY]
    reload(server)
    assert not let_in(server, "127.0.7.7")
    assert live()["networks"] == ["127.0.7.0/24"] and live()["allowed"] == ["198.51.100.1"]
    assert live()["thresholds"]["scan"] == [5, 3600]


@pytest.mark.parametrize("key,kind", [
    ("server.auto-ban.loiter.rate", "parse"), ("server.allowed-ip.nonsense", "parse"),
    ("spam-filter.pyzor.host", "build"), ("certificate.x.cert", "build"),
])
def test_any_error_anywhere_stops_the_full_reload(server, key, kind):
    server.edit(block=["127.0.0.8"], set={key: "broken.invalid:1"})
    certs = server.state()["live"]["certs"]
    for dry in ("?dry-run=true", ""):
        errors = reload(server, dry)["errors"]
        assert [e["type"] for e in errors.values()] == [kind]
    assert server.state()["live"]["blocked"] == []
    assert server.state()["live"]["certs"] == certs
    assert reload(server, "/server.blocked-ip")["errors"] == {}
    assert server.state()["live"]["blocked"] == ["127.0.0.8"]


def test_a_clean_dry_run_refreshes_addresses_and_certificates_only(server):
    server.edit(block=["127.0.0.8", "127.0.7.0/24"], set={"server.auto-ban.auth.rate": "5/1h"})
    certs = server.state()["live"]["certs"]
    reload(server, "?dry-run=true")
    live = server.state()["live"]
    assert live["blocked"] == ["127.0.0.8"] and live["networks"] == []
    assert live["thresholds"]["auth"] == [100, DAY] and live["certs"] == certs + 1


def test_a_restart_makes_everything_good_live_and_logs_what_is_not(server):
    server.edit(block=["127.0.0.8", "not-an-ip"], set={"server.auto-ban.auth.rate": "7/1d"})
    server.restart()
    live = server.state()["live"]
    assert live["blocked"] == ["127.0.0.8"] and live["thresholds"]["auth"] == [7, DAY]
    assert b'"Failed to parse setting "server.blocked-ip": Invalid IP address value "not-an-ip"."' in log_text(server)


def test_keys_of_an_unwritable_file_answer_500_yet_are_live_until_the_restart():
    with Practice("0.15", options={"unwritable": True}) as server:
        assert put(server, ("server.auto-ban.auth.rate", "9/1h"))[0] == 500
        _, read = server.json("GET", "/api/settings/keys?keys=server.auto-ban.auth.rate")
        assert read == {"data": {"server.auto-ban.auth.rate": "9/1h"}}
        assert reload(server)["errors"] == {}
        assert server.state()["live"]["thresholds"]["auth"] == [9, 3600]
        assert put(server, ("server.blocked-ip.203.0.113.1", ""))[0] == 200
        server.restart()
        assert server.json("GET", "/api/settings/keys?keys=server.auto-ban.auth.rate")[1] == {"data": {}}
        assert server.state()["live"]["thresholds"]["auth"] == [100, DAY]
        assert server.state()["stored"]["blocked"] == ["203.0.113.1"]
        server.control("readonly-file", False)
        assert put(server, ("server.auto-ban.auth.rate", "9/1h"))[0] == 200
        server.restart()
        assert server.state()["live"]["thresholds"]["auth"] == [9, 3600]


# ---- the settings API --------------------------------------------------------------------------------

def test_a_body_of_exactly_one_mebibyte_is_taken_and_one_byte_more_is_not(server):
    for size, status in ((1 << 20, 200), ((1 << 20) + 1, 400)):
        body = json.dumps(insert(("server.blocked-ip.10.0.0.1", "")))
        body = body.replace('""', '"%s"' % ("x" * (size - len(body))))
        assert len(body) == size
        assert server.json("POST", "/api/settings", body.encode())[0] == status


def test_clear_with_a_filter_reaches_the_whole_key(server):
    server.edit(block=["203.0.113.1", "198.51.100.1"])
    _, listed = server.json("GET", "/api/settings/list?prefix=server.blocked-ip&filter=server")
    assert listed["data"]["total"] == 0
    server.json("POST", "/api/settings", [{"type": "clear", "prefix": "server.blocked-ip.", "filter": "server"}])
    assert server.state()["stored"]["blocked"] == []


@pytest.mark.parametrize("persona,options,right,wrong", [
    ("0.15", {}, "insert", "Insert"), ("0.10", {}, "Insert", "insert"),
    ("0.10", {"version": "0.10.7"}, "Insert", "insert"), ("0.8", {}, "Insert", "insert"),
])
def test_op_names_have_the_case_of_their_generation(persona, options, right, wrong):
    with Practice(persona, options=options) as server:
        assert put(server, ("a.b", "c"), name=wrong)[0] == 400
        assert server.json("GET", "/api/settings/keys?keys=a.b")[1] == {"data": {}}
        assert put(server, ("a.b", "c"), name=right) == (200, {"data": None})
        assert server.json("GET", "/api/settings/keys?keys=a.b")[1] == {"data": {"a.b": "c"}}


@pytest.mark.parametrize("missing", ["prefix", "values", "assert_empty"])
def test_every_field_of_an_insert_is_required(server, missing):
    op = insert(("a", "b"))
    del op[0][missing]
    assert server.json("POST", "/api/settings", op)[0] == 400


@pytest.mark.parametrize("persona,options,key,cls", [
    ("0.10", {}, "server.fail2ban.invalid-rcpt", "abuse"), ("0.10", {}, "server.fail2ban.loitering", "loiter"),
    ("0.10", {"version": "0.10.5"}, "server.auto-ban.auth.rate", "auth"),
    ("0.8", {}, "authentication.fail2ban", "auth"), ("0.15", {}, "server.auto-ban.scan.rate", "scan"),
])
def test_each_generation_has_its_threshold_keys(persona, options, key, cls):
    with Practice(persona, options=options) as server:
        server.edit(set={key: "2/30m"})
        reload(server)
        assert server.state()["live"]["thresholds"][cls] == [2, 1800]


def test_0_7_has_no_allow_list():
    with Practice("0.8", options={"version": "0.7"}) as server:
        server.edit(allow=["203.0.113.7"])
        reload(server)
        assert server.state()["live"]["allowed"] == []
        assert server.event("auth_fail", "203.0.113.7", count=101) == "banned"


@pytest.mark.parametrize("method,path,right", [
    ("GET", "/api/settings/list", "settings-list"), ("GET", "/api/settings/keys?keys=a", "settings-list"),
    ("POST", "/api/settings", "settings-update"), ("DELETE", "/api/settings/a", "settings-delete"),
    ("GET", "/api/reload", "settings-reload"), ("GET", "/api/logs", "logs-view"),
    ("GET", "/api/store/purge/in-memory/default/rate-auth", "purge-in-memory-store"),
])
def test_an_api_key_may_do_only_what_it_was_given(method, path, right):
    body = insert(("a", "b")) if method == "POST" else None
    key = {"name": "k", "secret": "s", "permissions": [right]}
    with Practice("0.15", options={"keys": [key]}) as server:
        assert server.request(method, path, body, auth=bearer("k", "s"))[0] == 200
        server.control("permissions", {"name": "k", "permissions": []})
        assert server.request(method, path, body, auth=bearer("k", "s"))[0] == 403
        assert ('(security.unauthorized)' in log_text(server).decode()
                and 'details = "%s"' % right in log_text(server).decode())


def test_0_15_turns_a_jmap_probe_away(server):
    probe = {"using": ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"],
             "methodCalls": [["x:Security/get", {"ids": ["singleton"]}, "c0"]]}
    status, answer = server.json("POST", "/jmap", probe)
    assert status == 400 and answer["type"].endswith(":notRequest") and "Unknown capability" in answer["detail"]


# ---- logs --------------------------------------------------------------------------------------------

LINES = {
    "0.15": [rb'\S+Z INFO Banned due to authentication errors \(security\.authentication-ban\) '
             rb'remoteIp = 203\.0\.113\.7, accountName = "zed", id = "a"',
             rb'\S+Z INFO Blocked IP address \(security\.ip-blocked\) listenerId = "imap", localPort = 10143, '
             rb'remoteIp = 203\.0\.113\.7, remotePort = \d+'],
    "0.8": [rb'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z  INFO common: IP address blocked after too many failed login '
            rb'attempts context="directory" event="fail2ban" remote_ip=203\.0\.113\.7 login="zed"'],
    "0.6": [rb'\x1b\[2m\S+Z\x1b\[0m \x1b\[32m INFO\x1b\[0m \x1b\[2mdirectory::core::dispatch\x1b\[0m\x1b\[2m:\x1b\[0m '
            rb'IP address blocked after too many failed login attempts \x1b\[3mcontext\x1b\[0m\x1b\[2m=\x1b\[0m'
            rb'"directory" .*remote_ip\x1b\[0m\x1b\[2m=\x1b\[0m203\.0\.113\.7 .*"zed"'],
}
LINES["0.10"] = LINES["rest"] = LINES["0.15"]
LINES["0.16"] = [rb'\S+Z INFO Banned due to authentication errors \(security\.authentication-ban\) listenerId = "imap", '
                 rb'localPort = 10143, remoteIp = 203\.0\.113\.7, remotePort = \d+, remoteIp = 203\.0\.113\.7, '
                 rb'accountName = "zed"', LINES["0.15"][1]]


@pytest.mark.parametrize("persona", sorted(LINES))
def test_each_generation_writes_its_own_lines(persona):
    with Practice(persona) as server:
        server.event("auth_fail", "203.0.113.7", account="zed", count=102)
        for pattern in LINES[persona]:
            assert re.search(rb"^" + pattern + rb"$", log_text(server), re.M)


def test_lines_of_a_ban_match_the_recorded_ones(server):
    """Fed with what happened on the recording server, the persona writes the recorded lines."""
    told = re.compile(rb'^\S+ INFO (Banned due to (?:abuse|scan|auth)|Mailbox does not|SMTP EHLO|Blocked IP).*remoteIp = '
                      rb'(?:203\.0\.113\.96|127\.0\.0\.6|203\.0\.113\.77),.*$', re.M)
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "logs", "stalwart-0.15.5.log")
    with open(path, "rb") as file:
        recorded = [m.group() for m in told.finditer(file.read())]
    server.edit(set={"server.auto-ban.abuse.rate": "3/1d", "server.auto-ban.auth.rate": "3/1d"})
    reload(server)
    server.event("scan", "127.0.0.6", listener="http", path="/wp-login.php")
    server.event("scan", "127.0.0.6", listener="http", path="/wp-login.php", count=3)
    server.event("auth_fail", "203.0.113.77", account="user3@example.org", count=5)
    server.event("ehlo", "203.0.113.96", listener="smtp", domain="probe.example")
    for n in range(4):
        server.event("rcpt_fail", "203.0.113.96", listener="smtp", to="nobody%d@example.org" % n)
    server.event("auth_fail", "203.0.113.96", listener="smtp")
    written = [m.group() for m in told.finditer(log_text(server))]
    plain = lambda lines: [re.sub(rb"^\S+|remotePort = \d+", b"", line) for line in lines]
    repeats = [line for line in recorded if b"nobody4" in line or b"nobody5" in line]   # sent before the cut
    assert len(repeats) == 4
    assert plain(written) == plain([line for line in recorded if line not in repeats])
    assert len(written) == 13


def test_what_an_attacker_types_comes_back_as_it_was(server):
    hostile = "a\x1b]52;c;Zg==\x07\x9b\u202e n\x00ul x\"quote, remoteIp = 9.9.9.9"
    server.event("ehlo", "203.0.113.9", domain=hostile)
    status, page = server.json("GET", "/api/logs?filter=smtp.ehlo&limit=5")
    assert status == 200 and page["data"]["items"][0]["details"].endswith('domain = "%s"' % hostile)
    assert b"\\u0000" in server.request("GET", "/api/logs?filter=smtp.ehlo&limit=5")[2]
    assert hostile.encode() in log_text(server)
    server.event("ehlo", "203.0.113.9", domain="a\r\n\t\\b")
    assert b'domain = "a\\r\\n\\t\\\\b"' in log_text(server)


def test_a_byte_that_is_not_utf_8_spoils_every_page_that_reaches_it(server):
    server.event("ehlo", "203.0.113.9", domain="before.example")
    server.control("event", {"kind": "ehlo", "client": "203.0.113.9", "domain_hex": "ff41"})
    server.event("ehlo", "203.0.113.9", domain="after.example")
    assert "data" in server.json("GET", "/api/logs?limit=2")[1]
    status, answer = server.json("GET", "/api/logs?limit=50")
    assert status == 200 and answer["error"] == "other" and "invalid utf-8" in answer["reason"]


def test_pages_are_newest_first_and_the_total_is_a_lower_bound(server):
    for n in range(12):
        server.event("ehlo", "203.0.113.9", domain="host%02d.example" % n)
    page = lambda n, limit: server.json("GET", "/api/logs?filter=smtp.ehlo&page=%d&limit=%d" % (n, limit))[1]["data"]
    domains = lambda data: [re.search(r"host\d\d", i["details"]).group() for i in data["items"]]
    assert domains(page(1, 5)) == ["host11", "host10", "host09", "host08", "host07"]
    assert domains(page(3, 5)) == ["host01", "host00"]
    assert [page(n, 5)["total"] for n in (1, 2, 3, 9)] == [10, 15, 12, 12]
    assert server.json("GET", "/api/logs?filter=SMTP.EHLO")[1]["data"]["items"] == []


def test_a_giant_limit_kills_the_server(server):
    assert server.request("GET", "/api/logs?limit=100000")[0] == 200
    assert talk(server, raw("GET", "/api/logs?limit=1000000000000")) == (b"", "rst")
    assert server.state()["crashed"]


def test_without_a_tracer_the_log_call_is_unsupported():
    with Practice("0.15", options={"tracer": False}) as server:
        assert server.json("GET", "/api/logs")[1]["error"] == "unsupported"


def test_every_call_with_basic_credentials_is_logged_but_0_10_remembers_them():
    for persona, count in (("0.15", 3), ("0.10", 1), ("0.8", 0)):
        with Practice(persona) as server:
            for _ in range(3):
                server.request("GET", "/api/settings/list?prefix=a")
            assert log_text(server).count(b"(auth.success)") == count


def test_attempts_are_written_only_at_debug_level():
    for level, count in (("info", 0), ("debug", 2)):
        with Practice("0.15", options={"level": level}) as server:
            server.event("auth_fail", "203.0.113.7", count=2)
            assert log_text(server).count(b"(auth.failed)") == count


def test_at_trace_level_secrets_and_bodies_go_into_the_log_and_reading_makes_it_grow():
    with Practice("0.15", options={"level": "trace"}) as server:
        server.request("GET", "/api/logs?limit=10")
        first = log_text(server)
        assert BASIC.encode() in first and b"(http.response-body)" in first
        server.request("GET", "/api/logs?limit=10")
        assert len(log_text(server)) > 2 * len(first)


@pytest.mark.parametrize("how", ["rename", "copytruncate", "gzip", "daily"])
def test_rotation_loses_no_line(server, how):
    server.event("ehlo", "203.0.113.9", domain="old.example")
    server.rotate(how)
    server.event("ehlo", "203.0.113.9", domain="new.example")
    files = sorted(os.listdir(server.log_dir))
    assert len(files) == 2
    text = {}
    for name in files:
        opener = gzip.open if name.endswith(".gz") else open
        with opener(os.path.join(server.log_dir, name), "rb") as file:
            text[name] = file.read()
    newest = files[1] if how == "daily" else files[0]
    assert b"new.example" in text[newest] and b"old.example" not in text[newest]
    assert b"old.example" in text[files[1 - files.index(newest)]]


def test_colour_codes_are_written_on_request_and_the_api_shows_none():
    with Practice("0.15", options={"ansi": True}) as server:
        server.event("ehlo", "203.0.113.9", domain="a.example")
        assert b"\x1b[3mdomain\x1b[0m" in log_text(server)
        item = server.json("GET", "/api/logs?filter=smtp.ehlo")[1]["data"]["items"][0]
        assert item["event_id"] == "smtp.ehlo" and "\x1b" not in item["details"]


# ---- 0.6 ---------------------------------------------------------------------------------------------

def test_0_6_reloads_a_moment_later_and_reads_the_rate_only_at_its_start():
    with Practice("0.6") as server:
        pairs = [["server.security.fail2ban", "3/1d"], ["server.security.blocked-networks.127.0.7.0/24", ""]]
        server.json("POST", "/admin/config", pairs)
        assert let_in(server, "127.0.7.7")
        assert server.json("GET", "/admin/reload/config") == (200, {"data": []})
        until(lambda: not let_in(server, "127.0.7.7"), "the network is blocked")
        assert server.state()["live"]["thresholds"]["auth"] == [100, DAY]
        server.restart()
        assert server.state()["live"]["thresholds"]["auth"] == [3, DAY]
        assert server.state()["live"]["networks"] == ["127.0.7.0/24"]


def test_0_6_can_be_told_to_have_finished_its_reload():
    with Practice("0.6", options={"reload_s": 3600}) as server:
        server.edit(block=["127.0.0.8"])
        server.json("GET", "/admin/reload/config")
        assert let_in(server, "127.0.0.8") and server.state()["live"]["blocked"] == []
        server.control("settle", {})
        assert server.state()["live"]["blocked"] == ["127.0.0.8"]


def test_0_6_lets_its_file_win_and_cuts_a_prefix_at_the_dot():
    with Practice("0.6", options={"file": {"server.security.fail2ban": "5/1h"}}) as server:
        server.edit(set={"server.security.fail2ban": "9/1h"}, block=["127.0.7.0/24", "127.0.7.01", "127.0.70.1"])
        server.restart()
        assert server.state()["live"]["thresholds"]["auth"] == [5, 3600]
        server.json("DELETE", "/admin/config/server.security.blocked-networks.127.0.7.")
        assert server.state()["stored"]["blocked"] == ["127.0.70.1"]


# ---- another generation under whoever is connected -----------------------------------------------------

def test_becoming_another_generation_keeps_the_lists():
    with Practice("0.8", entries=3) as server:
        server.edit(allow=["203.0.113.8"])
        blocked = sorted(server.state()["stored"]["blocked"])
        assert len(blocked) == 3
        for persona, path in (("0.16", "/jmap"), ("rest", "/api/settings?prefix=auth"), ("0.15", "/api/settings/keys?keys=a")):
            server.become(persona)
            stored = server.state()["stored"]
            assert sorted(stored["blocked"]) == blocked and stored["allowed"] == ["203.0.113.8"]
            assert server.request("GET" if persona != "0.16" else "POST", path, None if persona != "0.16" else {})[0] != 404
        assert server.request("POST", "/jmap", {})[0] == 400


# ---- the gateway -------------------------------------------------------------------------------------

@pytest.mark.parametrize("shape,expected", [
    ("object", {"data": {"server.blocked-ip.203.0.113.7": True}}), ("flat", {"server.blocked-ip.203.0.113.7": True}),
    ("pairs", {"data": [["server.blocked-ip.203.0.113.7", True]]}),
    ("records", {"data": [{"key": "server.blocked-ip.203.0.113.7", "value": True}]}),
])
def test_the_gateway_lists_in_every_shape(shape, expected):
    with Practice("rest", options={"shape": shape}) as server:
        server.request("PATCH", "/api/settings/server.blocked-ip.203.0.113.7", {"value": True})
        assert server.json("GET", "/api/settings?prefix=server.blocked-ip")[1] == expected


@pytest.mark.parametrize("answer,status,body", [
    ("empty", 200, b""), ("none", 204, b""), ("null", 200, b'{"data":null}'),
    ("data", 200, b'{"data":{"key":"server.blocked-ip.127.0.0.8","value":true}}'),
])
def test_the_gateway_acts_at_once_whatever_it_answers(answer, status, body):
    with Practice("rest", options={"answer": answer}) as server:
        said = server.request("PATCH", "/api/settings/server.blocked-ip.127.0.0.8", {"value": True})
        assert (said[0], said[2]) == (status, body)
        assert not let_in(server, "127.0.0.8")
        server.request("DELETE", "/api/settings/server.blocked-ip.127.0.0.8")
        assert let_in(server, "127.0.0.8")
        assert server.request("GET", "/api/settings/list?prefix=server")[0] == 404


def test_the_gateway_counts_in_a_rolling_hour():
    with Practice("rest", clock=1_800_000_000) as server:
        server.request("PATCH", "/api/settings/auth.banned-threshold", {"value": 3})
        assert server.request("PATCH", "/api/settings/auth.banned-threshold", {"value": "x"})[0] == 400
        server.event("auth_fail", "203.0.113.7", count=3)
        server.advance(3599)
        assert server.event("auth_fail", "203.0.113.8", count=3) == "ok"
        server.advance(1)
        assert server.event("auth_fail", "203.0.113.7") == "ok"
        assert server.event("auth_fail", "203.0.113.8") == "banned"


# ---- HTTP and sockets ----------------------------------------------------------------------------

def test_bodies_come_chunked_and_after_100_continue(server):
    op = json.dumps(insert(("a.b", "c"))).encode()
    head = raw("POST", "/api/settings").replace(b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n")
    chunks = b"%x\r\n%s\r\n3;x=y\r\n%s\r\n0\r\n\r\n" % (len(op) - 3, op[:-3], op[-3:])
    assert b"200 OK" in talk(server, head + chunks)[0]
    sock = socket.create_connection((server.host, server.port), DEADLINE_S)
    sock.sendall(raw("POST", "/api/settings", op, "Expect: 100-continue")[:-len(op)])
    assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    sock.sendall(op)
    assert sock.recv(4096).startswith(b"HTTP/1.1 200 OK")
    sock.close()


def test_one_connection_serves_many_requests(server):
    before = server.state()["connections"]
    conn = server.connection()
    for _ in range(5):
        conn.request("GET", "/api/settings/keys?keys=a", headers={"Authorization": BASIC})
        assert conn.getresponse().read() == b'{"data":{}}'
    conn.close()
    assert server.state()["connections"] - before == 2      # that one, and the one that asks now


def test_a_ban_cuts_a_connection_that_is_already_open(server):
    conn = server.connection("127.0.0.8")
    conn.request("GET", "/api/settings/keys?keys=a", headers={"Authorization": BASIC})
    assert conn.getresponse().read() == b'{"data":{}}'
    server.edit(block=["127.0.0.8"])
    reload(server, "/server.blocked-ip")
    with pytest.raises(ConnectionResetError):
        conn.request("GET", "/api/settings/keys?keys=a", headers={"Authorization": BASIC})
        conn.getresponse()


def test_behind_a_forwarded_header_a_blocked_client_gets_403():
    with Practice("0.15", forwarded=True) as server:
        server.edit(block=["203.0.113.7"])
        reload(server, "/server.blocked-ip")
        asked = lambda headers: server.request("GET", "/api/settings/keys?keys=a", headers=headers)[0]
        assert asked({"X-Forwarded-For": "203.0.113.7"}) == 403
        assert asked({"X-Forwarded-For": "203.0.113.8"}) == 200
    with Practice("0.15") as server:
        server.edit(block=["203.0.113.7"])
        reload(server, "/server.blocked-ip")
        assert server.request("GET", "/api/settings/keys?keys=a", headers={"X-Forwarded-For": "203.0.113.7"})[0] == 200


@pytest.mark.parametrize("persona,key", [("0.15", "http.use-x-forwarded"), ("0.10", "server.http.use-x-forwarded")])
def test_the_settings_make_it_believe_a_forwarded_header(persona, key):
    with Practice(persona) as server:
        server.edit(block=["203.0.113.7"], set={key: "true"})
        asked = lambda: server.request("GET", "/api/settings/keys?keys=a", headers={"X-Forwarded-For": "203.0.113.7"})[0]
        assert asked() == 200
        reload(server)
        assert asked() == 403


def test_a_trusted_proxy_must_speak_the_proxy_protocol_after_a_restart():
    with Practice("0.15") as server:
        server.edit(block=["203.0.113.7"], set={"server.proxy.trusted-networks": "127.0.0.50/32"})
        reload(server)
        assert talk(server, raw("GET", LIST), "127.0.0.50")[0].startswith(b"HTTP/1.1 200")
        server.restart()
        assert talk(server, raw("GET", LIST), "127.0.0.50")[0] == b""
        line = b"PROXY TCP4 %s 192.0.2.1 4711 443\r\n"
        assert talk(server, line % b"203.0.113.8" + raw("GET", LIST), "127.0.0.50")[0].startswith(b"HTTP/1.1 200")
        assert talk(server, line % b"203.0.113.7" + raw("GET", LIST), "127.0.0.50") == (b"", "rst")
        assert b"remoteIp = 203.0.113.7" in log_text(server)


def test_it_listens_elsewhere_on_loopback_too_but_nowhere_else():
    with Practice("0.15", also_listen=["[::1]:0", "127.0.0.2:0"]) as server:
        assert server.request("GET", "/api/settings/list")[0] == 200
    for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0"):
        with pytest.raises(RuntimeError):
            Practice("0.15", listen=address).start()


def test_tls(tmp_path):
    cert, key = tmp_path / "c.pem", tmp_path / "k.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    with Practice("0.15", tls=[cert, key]) as server:
        assert server.url.startswith("https://127.0.0.1:")
        assert server.request("GET", "/api/settings/list")[0] == 200


def test_it_ends_when_its_parent_does(tmp_path):
    parent = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    argv = ["/usr/bin/python3", SERVER, "--quiet", "--log-dir", tmp_path, "--parent-pid", str(parent.pid)]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline().startswith(b"listening http://127.0.0.1:")
        parent.stdin.close()
        parent.wait()
        assert child.wait(DEADLINE_S) == 0
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


# ---- the control plane ---------------------------------------------------------------------------

def test_requests_are_recorded_once_and_secrets_are_masked(server):
    server.request("POST", "/api/settings", insert(("a", "b")))
    seen = server.requests()
    assert [(r["method"], r["path"], r["status"]) for r in seen] == [("POST", "/api/settings", 200)]
    assert json.loads(seen[0]["body"]) == insert(("a", "b"))
    assert seen[0]["headers"]["authorization"] == "Basic (masked)"
    assert server.requests() == []
    assert BASIC.split()[1] not in json.dumps(server.state())


def test_a_control_call_it_does_not_know_is_an_error(server):
    with pytest.raises(RuntimeError):
        server.control("nosuch", {})
    with pytest.raises(RuntimeError):
        server.control("event", {"kind": "nosuch", "client": "203.0.113.7"})
    with pytest.raises(RuntimeError):
        server.fault("nosuch")


def test_a_seed_file_is_stored_and_live(tmp_path):
    plain, rich = tmp_path / "plain", tmp_path / "rich.json"
    plain.write_text("# ours\n127.0.0.8 a note\n127.0.7.0/24\n")
    rich.write_text(json.dumps({"blocked": [["127.0.0.9", "n"]], "allow": ["203.0.113.1"], "set": {"a.b": "c"}}))
    with Practice("0.15", seed=plain) as server:
        assert server.json("GET", "/api/settings/list?prefix=server.blocked-ip")[1]["data"]["items"] == {
            "127.0.0.8": "a note", "127.0.7.0/24": ""}
        assert not let_in(server, "127.0.7.1")
    with Practice("0.15", seed=rich) as server:
        state = server.state()
        assert state["stored"]["blocked"] == state["live"]["blocked"] == ["127.0.0.9"]
        assert state["live"]["allowed"] == ["203.0.113.1"] and state["stored"]["settings"]["a.b"] == "c"


def test_a_hundred_thousand_entries_are_listed_quickly():
    with Practice("0.15", entries=100000) as server:
        started = time.monotonic()
        status, _, body = server.request("GET", "/api/settings/list?prefix=server.blocked-ip")
        assert json.loads(body)["data"]["total"] == 100000 and status == 200
        pairs = [("server.blocked-ip.11.1.%d.%d" % divmod(n, 250), "") for n in range(5000)]
        assert put(server, *pairs)[0] == 200
        assert server.json("GET", "/api/settings/list?prefix=server.blocked-ip&limit=1")[1]["data"]["total"] > 100000
        assert time.monotonic() - started < 10          # a hang guard: it takes a third of a second


# ---- faults ------------------------------------------------------------------------------------------

LIST = "/api/settings/keys?keys=a"
WRITE = json.dumps(insert(("a", "b"))).encode()


def stored(server):
    return server.state()["stored"]["settings"].get("a")


# kind, its settings -> what arrives (a part of it, or None for nothing), how it ends, whether the write was done
STRIKES = [
    ("delay", {"seconds": 0.01}, b'{"data":null}', "fin", True),
    ("close", {}, None, "fin", False),
    ("close_after", {}, None, "fin", True),
    ("half", {"bytes": 30}, b"HTTP/1.1 200 OK", "fin", True),
    ("half", {"bytes": 30, "rst": True}, None, "rst", True),
    ("reset", {}, None, "rst", False),
    ("reset_after", {}, None, "rst", True),
    ("status", {"status": 503}, b"application/problem+json", "fin", False),
    ("status", {"status": 502, "as": "html", "apply": True}, b"<!DOCTYPE html>", "fin", True),
    ("status", {"status": 429, "as": "text", "headers": {"retry-after": "7"}}, b"retry-after: 7", "fin", False),
    ("status", {"status": 500, "as": "empty"}, b"content-length: 0", "fin", False),
    ("html", {}, b"<h1>Sign in</h1>", "fin", False),
    ("answer", {"json": {"data": None, "x": 1}}, b'{"data":null,"x":1}', "fin", False),
    ("raw", {"hex": "00ff0a"}, b"\x00\xff\n", "fin", False),
    ("garbage", {}, b"\x29\x72\xbb", "fin", False),
    ("huge", {"bytes": 300000}, b"content-length: 300000", "fin", False),
    ("redirect", {"to": "http://127.0.0.1:1/x", "status": 307}, b"location: http://127.0.0.1:1/x", "fin", False),
    ("not_applied", {}, b'{"data":null}', "fin", False),
    ("meanwhile", {"change": {"set": {"c": "d"}}}, b'{"data":null}', "fin", True),
    ("drip", {"bytes": 40, "seconds": 0.001}, b'{"data":null}', "fin", True),
    ("length", {"delta": 5}, b"content-length: 18", "fin", True),
]


@pytest.mark.parametrize("kind,settings,part,end,done", STRIKES,
                         ids=["%s-%d" % (row[0], n) for n, row in enumerate(STRIKES)])
def test_a_fault_strikes_once_and_leaves_the_store_as_it_says(server, kind, settings, part, end, done):
    server.fault(kind, method="POST", path="^/api/settings$", **settings)
    got, ended = talk(server, raw("POST", "/api/settings", WRITE))
    assert ended == end
    if part is None:
        assert len(got) <= settings.get("bytes", 0)
    else:
        assert part in got
    assert stored(server) == ("b" if done else None)
    assert server.requests()[0]["fault"] == kind
    assert put(server, ("a", "again")) == (200, {"data": None})


def test_every_fault_is_tried_here():
    assert {row[0] for row in STRIKES} | {"stall"} == set(FAULTS)


def test_a_stalled_request_waits_to_be_released_before_or_after_its_work(server):
    for after in (False, True):
        server.fault("stall", method="POST", after=after)
        sock = socket.create_connection((server.host, server.port), DEADLINE_S)
        sock.sendall(raw("POST", "/api/settings", json.dumps(insert(("a", str(after)))).encode()))
        until(lambda: any(r["method"] == "POST" for r in server.control("requests?keep=1")["requests"]), "it came")
        if after:
            until(lambda: stored(server) == "True", "it was stored")
        else:
            assert stored(server) is None
        server.release()
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 OK")
        assert stored(server) == str(after)
        sock.close()
        server.requests()


def test_a_write_over_jmap_can_be_answered_and_not_done():
    with Practice("0.16") as server:
        call = {"using": ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"],
                "methodCalls": [["x:BlockedIp/set", {"create": {"a": {"address": "203.0.113.7"}}}, "c0"]]}
        server.fault("not_applied", body="203.0.113.7", path="^/jmap")
        for blocked in ([], ["203.0.113.7"]):
            status, answer = server.json("POST", "/jmap", call)
            assert status == 200 and "created" in answer["methodResponses"][0][1]
            assert server.state()["stored"]["blocked"] == blocked


def test_faults_are_chosen_by_method_path_body_and_how_many_pass_first(server):
    server.fault("status", method="GET", path="keys=b", status=418, skip=1, times=2)
    server.fault("status", body="poison", status=409, times=-1)
    ask = lambda path: server.request("GET", path)[0]
    assert [ask("/api/settings/keys?keys=" + k) for k in "abbbb"] == [200, 200, 418, 418, 200]
    assert [put(server, ("a", v))[0] for v in ("poison", "fine", "poison")] == [409, 200, 409]
    server.no_faults()
    assert put(server, ("a", "poison"))[0] == 200


# ---- the simulated attack --------------------------------------------------------------------------

def test_the_past_is_the_same_for_the_same_clock():
    def past(persona):
        with Practice(persona, history_days=4, clock=1_800_000_000) as server:
            return {n: open(os.path.join(server.log_dir, n), "rb").read() for n in os.listdir(server.log_dir)}
    first = past("0.15")
    assert first == past("0.15")
    assert sorted(first) == ["stalwart.2027-01-%02d" % day for day in range(11, 16)]
    text = b"".join(first[n] for n in sorted(first))
    for event in (b"security.authentication-ban", b"security.scan-ban", b"security.ip-blocked", b"smtp.ehlo"):
        assert event in text
    assert b"45.9.148." in text


def test_old_days_are_packed():
    with Practice("0.15", history_days=14, clock=1_800_000_000) as server:
        packed = [n for n in os.listdir(server.log_dir) if n.endswith(".gz")]
        assert len(packed) == 4 and len(os.listdir(server.log_dir)) == 15
        with gzip.open(os.path.join(server.log_dir, sorted(packed)[0])) as file:
            assert b" INFO " in file.read()


@pytest.mark.parametrize("persona", sorted(PERSONAS))
def test_a_lively_attack_bans_somebody_on_every_generation(persona):
    with Practice(persona, attack=2000) as server:
        until(lambda: server.state()["stored"]["blocked"], "somebody is banned")
        state = server.state()
        assert set(state["live"]["blocked"]) == set(state["stored"]["blocked"])       # its own bans are live at once


def test_reset_is_as_new():
    with Practice("0.15", entries=3) as p:
        p.edit(allow=["192.0.2.7"], set={"server.auto-ban.auth.rate": "7/1h"})
        p.event("auth_fail", "192.0.2.9", account="a")
        p.fault("stall", times=-1)
        p.control("reset", {"options": {"settings": {"server.auto-ban.auth.rate": "9/1h"}}, "entries": 2})
        state = p.state()
        assert len(state["stored"]["blocked"]) == len(state["live"]["blocked"] + state["live"]["networks"]) == 2
        assert state["stored"]["allowed"] == [] and state["counters"] == [] and state["faults"] == []
        assert state["live"]["thresholds"]["auth"] == [9, 3600]
        status, answer = p.json("GET", "/api/logs?filter=192.0.2.9")
        assert status == 200 and answer["data"]["items"] == []
        p.control("reset", {})
        assert len(p.state()["stored"]["blocked"]) == 3
