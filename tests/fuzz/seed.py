#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the corpora of the dialects' fuzzers from the recorded exchanges: every answer in the slot that its request belongs to, in the form
that dialect_drive.h reads. Files are named by their content; the output is committed, this is run again when a transcript is added."""

import hashlib
import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))
TAPES = os.path.join(HERE, "..", "data", "transcripts")
PROBE, REFINE, FETCH, READ, WRITE, RELOAD, RESET = range(7)
LIST, THRESHOLDS, CERTS, LOG, TRUST, CHECK = range(6)       # enum fetch_kind; + 8 = the allowed list
BLOCK, UNBLOCK, ALLOW, DISALLOW, EXPIRY, THRESHOLD, OFF, DEFAULT, PATH_ADD, PATH_REMOVE = range(10)     # enum edit_kind
STATUS = {200: 0, 400: 3, 403: 4, 404: 5, 500: 6, 204: 7, 401: 4}
TYPES = {"application/json": 0, "application/problem+json": 1, "text/html": 2}
BIGGEST = 4000


def seed(target, slot, variant, body, status=200, kind="application/json", name="203.0.113.42", note="", piece=60):
    head = bytes([slot, variant, STATUS.get(status, 0) + 8 * TYPES.get(kind, 3), piece])
    data = head + name.encode() + b"\n" + note.encode() + b"\n" + (body if isinstance(body, bytes) else body.encode())
    folder = os.path.join(HERE, "corpus", "fuzz_dialect_" + target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, hashlib.sha1(data).hexdigest()[:16]), "wb") as f:
        f.write(data)


def settings_slots(method, path, body):
    if path.startswith("/api/settings/list?prefix=server.auto-ban"):
        yield PROBE, 0
    if path.startswith("/api/settings/list?prefix=server."):
        yield FETCH, LIST + 8 * ("allowed" in path)
    if path.startswith("/api/settings/keys"):
        yield from ((REFINE, 128), (FETCH, THRESHOLDS), (FETCH, TRUST), (READ, BLOCK), (READ, THRESHOLD), (READ, PATH_REMOVE))
    if path.startswith("/api/settings/group"):
        yield FETCH, CERTS
    if path.startswith("/api/logs"):
        yield from ((FETCH, LOG), (REFINE, 64))
    if path.startswith("/api/reload"):
        yield from ((RELOAD, 0), (RELOAD, 1), (FETCH, CHECK))
    if path.startswith("/api/settings") and method in ("POST", "DELETE"):
        yield from ((WRITE, BLOCK), (WRITE, UNBLOCK), (REFINE, 128), (RESET, 3), (WRITE, THRESHOLD), (WRITE, PATH_ADD))


def jmap_slots(method, path, body):
    if path == "/jmap/session":
        yield PROBE, 0
        return
    for name, arguments, _ in body["methodCalls"] if isinstance(body, dict) else [["", {}, ""]]:
        verb = name.rpartition("/")[2]
        if name == "x:Security/get":
            yield from ((PROBE, 0), (FETCH, THRESHOLDS), (READ, THRESHOLD), (READ, PATH_ADD))
        elif name.startswith("x:Log"):
            yield FETCH, LOG
        elif name.startswith(("x:SystemSettings", "x:Http")):
            yield FETCH, TRUST
        elif name == "x:Action/set":
            yield RELOAD, 0
        elif name == "x:Task/set":
            yield RESET, 1
        elif name.startswith(("x:Certificate", "x:Acme", "x:Domain", "x:Task")):
            yield from ((FETCH, CERTS), (READ, 15), (READ, 31), (WRITE, 31))
        elif verb == "set":
            yield from ((WRITE, BLOCK), (WRITE, 32 + UNBLOCK), (WRITE, 32 + EXPIRY), (WRITE, ALLOW), (WRITE, THRESHOLD))
        else:
            yield from ((FETCH, LIST), (FETCH, LIST + 8), (READ, BLOCK), (READ, UNBLOCK), (REFINE, 128))


def config_slots(method, path, body):
    yield PROBE, 0
    if method == "GET":
        yield from ((FETCH, LIST), (FETCH, THRESHOLDS), (READ, BLOCK), (READ, UNBLOCK), (READ, THRESHOLD), (RELOAD, 1))
    yield from ((WRITE, BLOCK), (WRITE, UNBLOCK), (WRITE, DEFAULT))


def rename(dialect, slot, variant, text):
    """Our calls have ids and creation keys of their own."""
    if dialect != "jmap" or slot == PROBE:
        return text
    if (slot, variant % 8) == (FETCH, LIST):
        return text.replace('"c0"', '"q0"').replace('"c1"', '"g0"')
    if slot == READ:
        return text.replace('"c0"', '"q0"').replace('"c1"', '"g0"') if variant <= EXPIRY else text.replace('"c0"', '"s"').replace('"c1"', '"c0"')
    if slot in (WRITE, RELOAD, RESET):
        for key in "agkt":
            text = text.replace('"%s"' % key, '"e0"' if slot == WRITE else '"r"' if slot == RELOAD else '"t"')
    return text


def recorded(dialect, slots, *tapes):
    for tape in tapes:
        with open(os.path.join(TAPES, tape + ".json"), encoding="utf-8") as f:
            exchanges = json.load(f)["exchanges"]
        for ex in exchanges:
            req, res = ex["request"], ex["response"]
            if "json" not in res:
                continue
            kind = res.get("headers", {}).get("content-type", "").partition(";")[0]
            for slot, variant in dict.fromkeys(slots(req["method"], req["path"], req.get("body"))):
                text = rename(dialect, slot, variant, json.dumps(res["json"], ensure_ascii=False, separators=(",", ":")))
                if len(text) <= BIGGEST:
                    seed(dialect, slot, variant, text, res["status"], kind)


def gateway():
    pairs = [("server.blocked-ip.203.0.113.42", True), ("server.blocked-ip.198.51.100.0/24", "true"), ("server.blocked-ip.203.0.113.9", False)]
    counts = [("auth.banned-threshold", 20), ("banned-threshold", "7")]
    shapes = [lambda p: {"data": dict(p)}, dict, lambda p: {"data": [list(x) for x in p]}, lambda p: [list(x) for x in p],
              lambda p: [{"key": k, "value": v} for k, v in p], lambda p: {"data": {"total": 3, "items": dict(p)}},
              lambda p: {"data": [{"value": v, "key": k} for k, v in p]}]
    for shape in shapes:
        for rows in (pairs, counts, []):
            text = json.dumps(shape(rows))
            for slot, variant in ((PROBE, 0), (FETCH, LIST), (FETCH, LIST + 8), (FETCH, THRESHOLDS), (READ, BLOCK), (READ, UNBLOCK),
                                  (READ, THRESHOLD), (WRITE, BLOCK), (WRITE, DEFAULT)):
                seed("rest", slot, variant, text)
    for text in ('{"error":"notFound"}', "", '{"data":null}', '["203.0.113.42"]', '{"data":{"a":'):
        for slot, variant in ((PROBE, 0), (FETCH, LIST), (READ, BLOCK), (WRITE, UNBLOCK)):
            seed("rest", slot, variant, text)
    seed("rest", WRITE, UNBLOCK, "", 204, "", name="198.51.100.0/24")


def odd_ones():
    """Targets that no path can name as they are, and what servers answered to nothing recorded."""
    for name in ("198.51.100.0/24", "2001:db8::/32", "a,b", "\u001b[2J", "..", "x" * 300):
        for dialect in ("settings", "jmap", "config", "rest"):
            seed(dialect, READ, UNBLOCK, '{"data":{}}', name=name, note="note")
            for variant in (UNBLOCK, PATH_ADD, 31):
                seed(dialect, WRITE, variant, '{"data":[]}', name=name, note='{"by":"root"}', piece=4)
    seed("settings", FETCH, CERTS, '{"data":{"total":2,"items":[{"cert":"x"},{"_id":null}]}}')      # no name: crashed once
    seed("rest", WRITE, 68 + DEFAULT, '{"data":{}}', name="loiter")                                 # a class it does not have: likewise
    seed("settings", FETCH, LOG, '{"error":"unsupported","details":"No log tracer"}')
    seed("settings", FETCH, LOG, '{"error":"other","details":"invalid utf-8"}')
    seed("settings", FETCH, LOG, '{"data":{"items":[7,{"level":"INFO"},{"timestamp":"T","details":"n\\u0000ul"}],"total":9}}')
    rows = ",".join('["server.security.blocked-networks.10.0.0.%d","%d"]' % (i, i) for i in range(5))
    seed("config", WRITE, UNBLOCK, '{"data":[%s]}' % rows, name="10.0.0.0/8", piece=4)
    seed("jmap", REFINE, 128, '{"methodResponses":[["error",{"type":"forbidden"},"r0"],["x:AllowedIp/query",{"ids":[]},"r1"]]}')


recorded("settings", settings_slots, "settings-0.8.1", "settings-0.10.3", "settings-0.15.5", "logs-0.15.5")
recorded("jmap", jmap_slots, "jmap-0.16.18", "jmap-logs-0.16.18", "jmap-permissions-0.16.18")
recorded("config", config_slots, "config-0.6.0")
gateway()
odd_ones()
