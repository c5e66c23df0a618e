# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of the 0.16 persona: limits, references, pages, patches, outcomes, the log, permissions."""

import base64
import json
import time

import pytest

from fake import attack, jmap_replay
from fake.jmap_bench import CLIENT, NOW, Bench
from fake.jmap_fields import Ids, parse_ip
from fake.jmap_registry import decode_id, encode_id, iso, parse_date


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


# ---- ids, addresses, dates ----------------------------------------------------------------------------

def test_ids_are_the_recorded_numbers():
    assert decode_id("far") == 5137 and encode_id(5137) == "far"
    assert encode_id(2 ** 32 - 1) == "d333333" and encode_id(2 ** 64 - 1) == "p333333333333"
    assert decode_id("jpp1i11gaiaa") == 341708730806575104
    assert encode_id(0) == "a" and encode_id(1) == "b"
    assert [decode_id(t) for t in ("", "A", "a-b", "a" * 14, "4", None)] == [None] * 6
    ids, last = Ids(), 0
    for _ in range(10000):
        number = ids.next(NOW)
        assert number > last
        last = number


@pytest.mark.parametrize("text,shown", [
    ("203.0.113.42", "203.0.113.42"), (" 203.0.113.42 ", "203.0.113.42"), ("198.51.100.7/24", "198.51.100.7/24"),
    ("10.0.0.0/8", "10.0.0.0/8"), ("10.0.0.0/7", None), ("203.0.113.0/99", None), ("1.2.3.4/32", "1.2.3.4"),
    ("2001:DB8::0005", "2001:db8::5"), ("::1/128", "::1"), ("2000::/7", None), ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
    ("not-an-ip", None), ("fe80::1%eth0", None), ("1.2.3.4/x", None), ("", None), (None, None), (7, None)])
def test_addresses_as_the_server_writes_them(text, shown):
    assert (parse_ip(text) or (None,))[0] == shown


def test_dates():
    assert iso(parse_date("2030-01-01T02:30:00.5+02:30")) == "2030-01-01T00:00:00Z"
    assert [parse_date(t) for t in ("2030-13-01T00:00:00Z", "2030-01-01", "soon", None, 5)] == [None] * 5


# ---- requests -----------------------------------------------------------------------------------------

def test_paths_and_methods(bench):
    assert bench.send("POST", "/jmap/", b'{"using":[],"methodCalls":[]}')[0] == 200
    for method, path in (("POST", "/api"), ("GET", "/jmap"), ("GET", "/api/settings/list"), ("GET", "/x/y"),
                         ("GET", "/api/reload"), ("GET", "/admin/config/x")):
        assert bench.send(method, path)[0] == 404, path
    for who in (None, ("admin", "wrong"), "Bearer nope"):
        status, headers, _ = bench.send("GET", "/jmap/session", who=who)
        assert (status, headers["www-authenticate"]) == (401, 'Basic realm="Stalwart Server"')
    assert bench.send("GET", "/jmap/session", who=("ADMIN", "secret"))[0] == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"using":7}', b'{"methodCalls":[["x"]]}', b"\xff",
                                  b'{"methodCalls":[[1,{},"a"]]}', b'{"using":["urn:nope"],"methodCalls":[]}'])
def test_what_is_no_request(bench, body):
    status, headers, data = bench.send("POST", "/jmap", body)
    assert (status, headers["content-type"]) == (400, "application/problem+json")
    assert json.loads(data)["type"] == "urn:ietf:params:jmap:error:notRequest"


def test_the_content_type_must_be_json(bench):
    status, _, data = bench.send("POST", "/jmap", b"{}", content_type="application/x-www-form-urlencoded")
    assert status == 400 and json.loads(data)["type"] == "urn:ietf:params:jmap:error:notJSON"
    assert bench.send("POST", "/jmap", b"{}", content_type="application/json; charset=utf-8")[0] == 200


def test_limits_of_a_request(bench):
    get = ["x:Security/get", {"ids": ["singleton"]}, "c"]
    assert bench.post([get] * 16)[0] == 200
    status, _, data = bench.post([get] * 17)
    assert status == 400 and json.loads(data)["limit"] == "maxCallsInRequest"
    status, _, data = bench.send("POST", "/jmap", b" " * 9_999_990 + b'{"using":[]}')
    assert status == 400 and json.loads(data)["limit"] == "maxSizeRequest"
    assert bench.send("POST", "/jmap", b" " * 9_999_988 + b'{"using":[]}')[0] == 200


def test_limits_of_a_call(bench):
    too_large = lambda answer: answer[:2] == ("error", "requestTooLarge")
    ids = [encode_id(n) for n in range(1, 502)]
    assert bench.call("x:BlockedIp/get", {"ids": ids[:500]})["notFound"] == ids[:500]
    assert too_large(bench.call("x:BlockedIp/get", {"ids": ids}))
    create = {"k%d" % n: {"address": "10.0.%d.%d" % divmod(n, 256)} for n in range(500)}
    assert too_large(bench.call("x:BlockedIp/set", {"create": create, "destroy": ["b"]}))
    assert len(bench.call("x:BlockedIp/set", {"create": create})["created"]) == 500
    assert too_large(bench.call("x:BlockedIp/set", {"destroy": ids}))


def test_back_references(bench):
    first, second = bench.block("203.0.113.1"), bench.block("203.0.113.2")
    ref = lambda path, of="c0", name="x:BlockedIp/query": {"resultOf": of, "name": name, "path": path}
    answers = bench.calls(
        ("x:BlockedIp/query", {}),
        ("x:BlockedIp/get", {"#ids": ref("/ids"), "properties": ["address"]}),
        ("x:BlockedIp/get", {"#ids": ref("/list/*/id", "c1", "x:BlockedIp/get")}),
        ("x:BlockedIp/get", {"#ids": ref("/ids", "c9")}),
        ("x:BlockedIp/get", {"#ids": ref("/nothing")}),
        ("x:BlockedIp/set", {"create": {"n": {"address": "203.0.113.3"}}}),
        ("x:BlockedIp/get", {"ids": ["#n"], "properties": ["address"]}),
        ("x:BlockedIp/get", {"ids": ["#m"]}),
        ("x:BlockedIp/set", {"#destroy": ref("/ids")}))
    assert answers[1]["list"] == [{"address": "203.0.113.2", "id": second}, {"address": "203.0.113.1", "id": first}]
    assert [r["id"] for r in answers[2]["list"]] == [second, first]
    assert answers[3] == ("error", "invalidResultReference", "Result reference to c9#x:BlockedIp/query not found.")
    assert answers[4][1] == "invalidResultReference" and answers[7][1] == "invalidResultReference"
    assert answers[6]["list"][0]["address"] == "203.0.113.3"
    assert answers[8]["destroyed"] == [second, first]


def test_unknown_methods(bench):
    for name in ("x:BlockedIp/changes", "x:Nope/get", "x:Security/query", "Email/get", "x:Http/query"):
        assert bench.call(name, {}) == ("error", "unknownMethod", name)
    assert bench.call("x:BlockedIp/get", {"accountId": "b", "ids": []})[1] == "accountNotFound"
    assert bench.call("x:BlockedIp/get", {"accountId": "d333333", "ids": []}) == {
        "accountId": "d333333", "list": [], "notFound": []}


# ---- pages --------------------------------------------------------------------------------------------

def page(position, total=True, limit=500):
    query = {"position": position, "limit": limit}
    if total:
        query["calculateTotal"] = True
    return query


def load_all(bench, total, first=0):
    """(requests, rows): eight (query + get) pairs of 500 in each request."""
    seen, requests, position, more = [], 0, first, True
    while more:
        calls = []
        for n in range(8):
            calls += [("x:BlockedIp/query", page(position + 500 * n, total)), ("x:BlockedIp/get", {
                "#ids": {"resultOf": "c%d" % (2 * n), "name": "x:BlockedIp/query", "path": "/ids"},
                "properties": ["address"]})]
        answers = bench.calls(*calls)
        seen += [row["address"] for answer in answers[1::2] for row in answer["list"]]
        more = len(answers[-1]["list"]) == 500
        position, requests = position + 4000, requests + 1
    return requests, seen


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    bench = Bench(tmp_path_factory.mktemp("crowded"))
    bench.persona.preload(attack.addresses(100_000))
    return bench


def test_a_hundred_thousand_rows_in_twenty_six_requests(crowded):
    started = time.monotonic()
    requests, seen = load_all(crowded, True)
    assert time.monotonic() - started < 20      # a hang guard: 26 requests take half a second
    assert requests == 26 and len(seen) == len(set(seen)) == 100_000    # the last finds an empty page
    assert crowded.call("x:BlockedIp/query", page(0, limit=1))["total"] == 100_000


def test_without_a_total_the_store_cuts_from_the_oldest(crowded):
    oldest = [r["id"] for r in crowded.rows()]
    assert len(oldest) == 500                   # ids: null is cut there without a word
    query = lambda **args: crowded.call("x:BlockedIp/query", args)
    assert query(limit=500)["ids"] == oldest[::-1]
    assert query(limit=2) == {"accountId": "d333333", "queryState": "n", "canCalculateChanges": True, "position": 0,
                              "ids": [oldest[1], oldest[0]]}
    assert query(limit=2, position=3)["ids"] == [oldest[4], oldest[3]]
    assert query(limit=2, anchor=oldest[3])["ids"] == [oldest[5], oldest[4]]
    assert query(limit=2, sort=[{"property": "id", "isAscending": True}])["ids"] == oldest[:2]
    newest = query(limit=2, position=0)         # position 0 is not the same as no position
    assert newest["limit"] == 2 and newest["ids"] == query(limit=2, calculateTotal=True)["ids"] != query(limit=2)["ids"]
    assert len(query()["ids"]) == len(query(limit=9999, calculateTotal=True)["ids"]) == 5000


def test_mixing_both_kinds_of_page_loses_rows(crowded):
    """What a client falls into that asks its first page with position 0 and no total."""
    _, seen = load_all(crowded, False)
    assert len(set(seen)) == 99_500


def test_pages_by_anchor(bench):
    ids = [bench.block("203.0.113.%d" % n) for n in range(10)][::-1]
    query = lambda **args: bench.call("x:BlockedIp/query", dict(args, calculateTotal=True))
    assert query(anchor=ids[3], limit=2)["ids"] == ids[3:5]
    answer = query(anchor=ids[3], anchorOffset=2, limit=3)
    assert (answer["ids"], answer["position"], answer["total"], answer["limit"]) == (ids[5:8], 5, 10, 3)
    assert query(anchor=ids[3], anchorOffset=-2, limit=3)["ids"] == ids[1:4]
    assert query(anchor=ids[1], anchorOffset=-5, limit=3)["ids"] == ids[:3]
    assert query(anchor="zzz")[:2] == ("error", "anchorNotFound")
    assert query(position=-3, limit=2)["ids"] == ids[7:9]
    assert query(position=50)["ids"] == [] and "limit" not in query(limit=10)


def test_sort_and_filter(bench):
    for address in ("203.0.113.9", "10.0.0.0/8", "2001:db8::1", "9.9.9.9"):
        bench.block(address)
    def query(**args):
        answer = bench.calls(("x:BlockedIp/query", args), ("x:BlockedIp/get", {
            "#ids": {"resultOf": "c0", "name": "x:BlockedIp/query", "path": "/ids"}}))
        return answer[0] if isinstance(answer[0], tuple) else [r["address"] for r in answer[1]["list"]]
    order = ["9.9.9.9", "10.0.0.0/8", "2001:db8::1", "203.0.113.9"]
    assert query(sort=[{"property": "address"}]) == order
    assert query(sort=[{"property": "address", "isAscending": False}], limit=2) == order[:1:-1]
    assert query(filter={"address": "2001:DB8:0::1"}) == ["2001:db8::1"]
    assert query(filter={"operator": "AND", "conditions": [{"address": "9.9.9.9"}]}) == ["9.9.9.9"]
    assert query(filter={"address": "10.1.2.3"}) == []          # exact: not what a network covers
    assert query(filter={"operator": "OR", "conditions": []})[2] == "Only AND is supported in filters"
    assert query(filter={"address": "example"})[2] == "Filter on property address is not supported or invalid"
    assert query(filter={"reason": "manual"})[1] == "unsupportedFilter"
    assert query(filter={"foo": 1})[2] == "foo"
    assert query(sort=[{"property": "createdAt"}])[1] == "unsupportedSort"


# ---- set ----------------------------------------------------------------------------------------------

def test_outcomes_are_one_by_one(bench):
    row = bench.block("203.0.113.1")
    answer = bench.call("x:BlockedIp/set", {
        "create": {"good": {"address": "203.0.113.2"}, "twin": {"address": "203.0.113.1"},
                   "same": {"address": "203.0.113.2"}},
        "update": {row: {"reason": "other"}, "zzz": {"reason": "other"}, "!!": {"reason": "other"}},
        "destroy": ["zzy", "?"]})
    assert list(answer["created"]) == ["good"] and answer["updated"] == {row: None}
    assert answer["notCreated"]["twin"] == {"type": "primaryKeyViolation", "properties": ["address"],
                                            "objectId": {"object": "BlockedIp", "id": row}}
    assert answer["notCreated"]["same"]["objectId"]["id"] == answer["created"]["good"]["id"]
    assert answer["notUpdated"] == {"zzz": {"type": "notFound"}}            # what is no id is not even mentioned
    assert answer["notDestroyed"] == {"zzy": {"type": "notFound"}} and "destroyed" not in answer
    both = bench.call("x:BlockedIp/set", {"update": {row: {"reason": "other"}}, "destroy": [row]})
    assert both["notUpdated"][row]["type"] == "willDestroy" and both["destroyed"] == [row]


@pytest.mark.parametrize("value,kind,property,description", [
    ({"address": "x"}, "invalidPatch", "address", "Failed to parse IpAddrOrMask from string"),
    ({"address": "1.2.3.4", "reason": "spite"}, "invalidPatch", "reason", None),
    ({"address": "1.2.3.4", "expiresAt": "soon"}, "invalidPatch", "expiresAt", None),
    ({"address": "1.2.3.4", "createdAt": "2020-01-01T00:00:00Z"}, "invalidPatch", "createdAt",
     "Cannot modify server set property"),
    ({"address": "1.2.3.4", "nosuch": 1}, "invalidPatch", "", "Invalid key for object"),
    ({"address": "1.2.3.4", "authBanRate": 1}, "invalidPatch", "authBanRate", "Invalid property"),
    ("text", "invalidPatch", "", "Invalid value type for object")])
def test_blocks_that_are_refused(bench, value, kind, property, description):
    error = bench.call("x:BlockedIp/set", {"create": {"a": value}})["notCreated"]["a"]
    assert (error["type"], error["properties"]) == (kind, [property]) and bench.rows() == []
    assert description is None or error["description"] == description


def test_an_unset_address_is_not_valid(bench):
    error = bench.call("x:AllowedIp/set", {"create": {"a": {"reason": "x"}}})["notCreated"]["a"]
    assert error == {"type": "validationFailed",
                     "validationErrors": [{"type": "Invalid", "property": "address", "value": "0.0.0.0"}]}


def security(bench, patch):
    answer = bench.call("x:Security/set", {"update": {"singleton": patch}})
    return answer.get("notUpdated", {}).get("singleton")


def test_patches_of_the_thresholds(bench):
    assert security(bench, {"authBanRate": {"count": 5}}) is None               # merged into what is there
    assert security(bench, {"scanBanRate/period": 60000}) is None
    assert security(bench, {"scanBanPaths": {"*/wp-*": True, "*.php*": False, " *.x ": True}}) is None
    stored = bench.call("x:Security/get", {"ids": ["singleton"]})["list"][0]
    assert stored["authBanRate"] == {"count": 5, "period": 86400000}
    assert stored["scanBanRate"] == {"count": 30, "period": 60000}
    assert stored["scanBanPaths"] == {"*/wp-*": True, "*.x": True}
    assert security(bench, {"scanBanPaths/*~1wp-*": None}) is None              # a slash is escaped in a pointer
    assert bench.call("x:Security/get", {"ids": None})["list"][0]["scanBanPaths"] == {"*.x": True}


@pytest.mark.parametrize("patch,property", [
    ({"authBanRate": "banana"}, "authBanRate"), ({"authBanRate/count": -1}, "authBanRate/count"),
    ({"authBanRate": {"count": 1.5, "period": 1}}, "authBanRate/count"), ({"authBanPeriod": "1h"}, "authBanPeriod"),
    ({"scanBanPaths/*/wp-*": True}, "scanBanPaths/*/wp-*"), ({"scanBanPaths": ["*.x"]}, "scanBanPaths"),
    ({"scanBanPaths/*.x": 1}, "scanBanPaths/*.x"), ({"nosuch": 1}, "nosuch"),
    ({"authBanPeriod/x": 1}, "authBanPeriod/x")])
def test_patches_that_are_refused_change_nothing(bench, patch, property):
    before = bench.persona.singletons["Security"]
    error = security(bench, dict(patch, loiterBanRate=None))
    assert (error["type"], error["properties"]) == ("invalidPatch", [property])
    assert bench.persona.singletons["Security"] == before


def test_rates_must_be_positive(bench):
    for patch, name in (({"authBanRate/count": 0}, "count"), ({"abuseBanRate": {"count": 1, "period": 0}}, "period")):
        assert security(bench, patch) == {"type": "validationFailed", "validationErrors": [
            {"type": "MinValue", "property": name, "required": 1}]}


def test_singletons_cannot_be_made_or_destroyed(bench):
    answer = bench.call("x:Security/set", {"destroy": ["singleton"], "update": {"other": {}}})
    assert answer["notDestroyed"]["singleton"]["type"] == "singleton"
    assert answer["notUpdated"]["other"] == {"type": "notFound"}
    assert bench.call("x:Http/get", {"ids": ["singleton", "zzz"], "properties": ["useXForwarded"]}) == {
        "accountId": "d333333", "list": [{"useXForwarded": False, "id": "singleton"}], "notFound": ["zzz"]}


def test_proxy_networks(bench):
    patch = {"proxyTrustedNetworks": {"10.0.0.0/8": True}, "proxyTrustedNetworks/172.17.0.1": True}
    assert "updated" in bench.call("x:SystemSettings/set", {"update": {"singleton": patch}})
    assert bench.persona.proxy_networks == []
    bench.reload("Settings")
    assert bench.persona.proxy_networks == ["10.0.0.0/8", "172.17.0.1"]
    bad = bench.call("x:SystemSettings/set", {"update": {"singleton": {"proxyTrustedNetworks": {"0.0.0.0/0": True}}}})
    assert bad["notUpdated"]["singleton"]["type"] == "invalidPatch"
    listener = bench.rows("NetworkListener")[0]
    assert listener["name"] == "http" and listener["overrideProxyTrustedNetworks"] == {}
    own = {"update": {listener["id"]: {"overrideProxyTrustedNetworks/192.168.0.0~116": True}}}
    assert "updated" in bench.call("x:NetworkListener/set", own)
    bench.reload("Settings")
    assert bench.persona.proxy_networks == ["192.168.0.0/16"]


# ---- the log ------------------------------------------------------------------------------------------

def log_pages(bench, limit, **more):
    """Every id, page after page, by anchor."""
    out, anchor = [], None
    while anchor != "a":                        # behind it the newest page would come again
        args = dict(more, limit=limit, **({"anchor": anchor} if anchor else {}))
        ids = bench.call("x:Log/query", args)["ids"]
        if not ids:
            break
        out, anchor = out + ids, ids[-1]
    return out


def test_the_log_by_anchor_is_complete(bench):
    bench.rows()
    bench.log(jmap_replay.log_lines())
    ids = log_pages(bench, 7)
    assert len(ids) == len(set(ids)) == 48
    entries = bench.call("x:Log/get", {"ids": ids})["list"]
    assert [e["event"] for e in entries][:2] == ["telemetry.metrics-collected", "task-manager.task-scheduled"]
    assert entries[-1] == {"timestamp": "2026-11-21T00:02:29Z", "level": "info", "event": "server.startup",
                           "details": 'hostname = "mail.example.org", version = "0.16.18"', "id": "a"}
    assert log_pages(bench, 3, filter={"text": "(security.ip-blocked)"}) == [
        e["id"] for e in entries if e["event"] == "security.ip-blocked"]
    assert bench.call("x:Log/query", {"filter": {"text": "SECURITY."}})["ids"] == []
    assert len(bench.call("x:Log/get", {"ids": None})["list"]) == 48
    assert bench.call("x:Log/query", {"anchor": "a", "limit": 2})["ids"] == ids[:2]


def test_log_ids_shift_when_the_file_is_rotated(bench):
    bench.rows()
    bench.log(jmap_replay.log_lines())
    before = bench.call("x:Log/query", {"limit": 3})["ids"]
    bench.clock(jmap_replay.DAY + 86400)
    bench.block(CLIENT)
    bench.reload("BlockedIps")
    assert not bench.lets_in()                  # the first line of the next day's file
    ids = bench.call("x:Log/query", {"limit": 5})["ids"]
    assert len(ids) == 5 and ids[-3:] == [encode_id(decode_id(i) + (1 << 48)) for i in before]
    assert bench.call("x:Log/query", {"anchor": before[0]})["ids"] == []
    stale = bench.call("x:Log/get", {"ids": [before[0], ids[0]]})
    assert [e["id"] for e in stale["list"]] == ids[:1] and stale["notFound"] == []


def test_what_the_log_calls_refuse(bench):
    query = lambda **args: bench.call("x:Log/query", args)
    assert query(filter={"level": "warn"})[1] == "unsupportedFilter"
    assert query(sort=[{"property": "timestamp"}])[1] == "unsupportedSort"
    assert query(position=3, calculateTotal=True)[1] == "invalidArguments"
    assert query(calculateTotal=True, limit=1)["total"] == 5000
    assert bench.call("x:Log/get", {"ids": ["zzzzzzzz", "4!"]})["notFound"] == ["4!"]
    refused = bench.call("x:Log/set", {"create": {"a": {}}, "update": {"b": {}}, "destroy": ["c"]})
    assert {key: refused[part][key]["type"] for part, key in (
        ("notCreated", "a"), ("notUpdated", "b"), ("notDestroyed", "c"))} == dict.fromkeys("abc", "forbidden")


def test_a_log_with_colours_odd_lines_and_bad_bytes(bench):
    bench.rows()
    good = "2026-11-21T00:00:01Z INFO SMTP EHLO command (smtp.ehlo) listenerId = \"smtp\", domain = \"%s\"\n"
    bench.log(("2026-11-21T00:00:00Z no event here\n" + good % "a" + "continued, without a head\n"
               + "\x1b[2m2026-11-21T00:00:02Z\x1b[0m \x1b[33mWARN\x1b[0m \x1b[1mTask\x1b[0m "
                 "(\x1b[2mtask.failed\x1b[0m) \x1b[3mid\x1b[0m = 1\n" + good % "n\x00ul\x1b]52;c;eA==\x07").encode())
    ids = bench.call("x:Log/query", {})["ids"]
    assert len(ids) == 4                        # the line that goes on is no entry
    entries = bench.call("x:Log/get", {"ids": ids})["list"]
    assert [(e["level"], e["event"]) for e in entries] == [("info", "smtp.ehlo"), ("warn", "task.failed"),
                                                           ("info", "smtp.ehlo")]
    assert "n\x00ul" in entries[0]["details"] and entries[1]["details"] == "id = 1"
    bench.log(good.encode() % b"a" + b"2026-11-21T00:00:03Z INFO x (a.b) \xff\n" + good.encode() % b"z")
    assert len(bench.call("x:Log/query", {"limit": 1})["ids"]) == 1
    assert bench.call("x:Log/query", {"limit": 2})[1] == "serverUnavailable"


def test_without_a_tracer_there_is_no_log(tmp_path):
    bench = Bench(tmp_path, {"tracer": False})
    for verb in ("query", "get"):
        assert bench.call("x:Log/" + verb, {}) == ("error", "invalidArguments",
                                                   "No log tracers configured on the server")


# ---- who may what -------------------------------------------------------------------------------------

BLOCKER = ("blocker", "b")
ALL_BLOCKED = {"sysBlockedIp" + verb for verb in ("Get", "Query", "Create", "Update", "Destroy")}


def limited(tmp_path, *permissions, **options):
    return Bench(tmp_path, dict(options, accounts=[{"name": "blocker", "password": "b", "permissions": permissions}]))


@pytest.mark.parametrize("lacks,args,words", [
    ("Create", {"create": {"a": {"address": CLIENT}}}, "create"), ("Destroy", {"destroy": ["zz"]}, "destroy"),
    ("Update", {"update": {"zz": {}}}, "update")])
def test_each_part_of_a_set_needs_its_permission(tmp_path, lacks, args, words):
    bench = limited(tmp_path, *(ALL_BLOCKED - {"sysBlockedIp" + lacks}))
    assert bench.call("x:BlockedIp/set", args, who=BLOCKER) == (
        "error", "forbidden", "You are not authorized to %s objects of this type" % words)
    assert bench.call("x:BlockedIp/set", {}, who=BLOCKER) == {"accountId": "c"}
    assert bench.call("x:BlockedIp/query", {}, who=BLOCKER)["accountId"] == "c"
    assert bench.call("x:AllowedIp/query", {}, who=BLOCKER)[2] == "You are not authorized to perform this action"


def test_each_action_needs_its_permission(tmp_path):
    bench = limited(tmp_path, "sysActionCreate", "actionReloadBlockedIps", "sysTaskCreate")
    bench.block(CLIENT)
    create = {"s": {"@type": "ReloadSettings"}, "b": {"@type": "ReloadBlockedIps"}}
    answer = bench.call("x:Action/set", {"create": create}, who=BLOCKER)
    assert list(answer["created"]) == ["b"] and not bench.lets_in()
    assert answer["notCreated"]["s"] == {"type": "forbidden", "description":
                                         "Insufficient permissions to perform action of type ReloadSettings"}
    task = {"create": {"t": {"@type": "StoreMaintenance", "maintenanceType": "resetRateLimiters"}}}
    assert bench.call("x:Task/set", task, who=BLOCKER)["notCreated"]["t"]["type"] == "forbidden"
    bench.persona.set_permissions("blocker", ["sysTaskCreate", "taskStoreMaintenance"])
    assert "created" in bench.call("x:Task/set", task, who=BLOCKER)
    assert bench.call("x:Action/get", {"ids": ["b"]})["notFound"] == ["b"]
    assert bench.call("x:Action/query", {})[2] == "Actions cannot be queried"


def test_singletons_need_one_permission_to_write(tmp_path):
    bench = limited(tmp_path, "sysSecurityUpdate")
    patch = {"update": {"singleton": {"authBanRate": None}}}
    assert "updated" in bench.call("x:Security/set", patch, who=BLOCKER)
    assert bench.call("x:Security/get", {"ids": None}, who=BLOCKER)[1] == "forbidden"


def test_the_session_of_somebody_else(tmp_path):
    bench = Bench(tmp_path, {"public_host": "mx.example.net", "accounts": [
        {"name": "eve@example.org", "password": "e", "permissions": []}]})
    session = json.loads(bench.send("GET", "/jmap/session", who=("eve@example.org", "e"))[2])
    assert session["username"] == "eve@example.org" and list(session["accounts"]) == ["c"]
    assert session["apiUrl"] == "https://mx.example.net/jmap/" and "urn:stalwart:jmap" not in session["capabilities"]
    assert set(session["primaryAccounts"].values()) == {"c"}


def test_api_keys(tmp_path):
    key = {"name": "reader", "secret": "k3y", "permissions": ["sysBlockedIpQuery"], "id": 5}
    bench = Bench(tmp_path, {"keys": [key]})
    token = bench.persona.api_token("reader")
    assert token.startswith("API_")
    for good in ("Bearer " + token, "bearer k3y", "Bearer api_" + base64.b64encode(b"reader:k3y").decode()):
        assert bench.call("x:BlockedIp/query", {}, who=good)["accountId"] == "f"
    assert bench.send("GET", "/jmap/session", who="Bearer " + token[:-1] + "-")[0] == 401
    assert bench.send("GET", "/jmap/session", who=("reader", "k3y"))[0] == 401


def test_request_rates(tmp_path):
    bench = limited(tmp_path, "sysBlockedIpQuery", http={"rateLimitAuthenticated": {"count": 3, "period": 60000},
                                                         "rateLimitAnonymous": {"count": 2, "period": 60000}})
    ask = lambda who, client: bench.post([], who=who, client=client)[0]
    assert [ask(BLOCKER, CLIENT) for _ in range(4)] == [200, 200, 200, 429]
    assert [ask(BLOCKER, "127.0.0.1") for _ in range(4)] == [200] * 4           # never over loopback
    assert [ask(("admin", "secret"), CLIENT) for _ in range(9)] == [200] * 9    # nor who has every permission
    assert [ask(None, CLIENT) for _ in range(3)] == [401, 401, 429]
    bench.advance(60)
    assert ask(BLOCKER, CLIENT) == 200 and ask(None, CLIENT) == 401
