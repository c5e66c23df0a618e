# SPDX-License-Identifier: GPL-3.0-or-later
"""Every recorded exchange, in order, against the practice server: same status, same JSON."""

import json
import os
import re

import pytest

from fake import jmap_replay
from fake.client import Practice, bearer

DATA = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "transcripts")
READER = {"name": "reader", "secret": "k3y", "permissions": ["settings-list", "logs-view"], "id": 2}


def load(name):
    with open(os.path.join(DATA, name + ".json"), encoding="utf-8") as file:
        return json.load(file)["exchanges"]


# ---- what differs from run to run -----------------------------------------------------------------

NUMBERS = [(re.compile(r"(remotePort|localPort) = \d+"), r"\1 = N"),
           (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME")]


def blur(value):
    """Timestamps and ports out of every string."""
    if isinstance(value, str):
        for pattern, shown in NUMBERS:
            value = pattern.sub(shown, value)
        return value
    if isinstance(value, list):
        return [blur(v) for v in value]
    if isinstance(value, dict):
        return {k: blur(v) for k, v in value.items()}
    return value


def same(recorded, answered):
    return blur(recorded) == blur(answered)


STARTUP = ("housekeeper.", "network.", "config.", "resource.error", "server.startup")
STARTUP_WORDS = ("Starting ", "Build error ", "Failed to unpack ")


def since_start(page):
    """A page of the log without the lines of the start, which tell of the recording machine's listeners."""
    return [i for i in page["data"]["items"] if not i.get("event_id", "").startswith(STARTUP)
            and not i.get("message", "").startswith(STARTUP_WORDS)]


def same_log(recorded, answered):
    return since_start(recorded) and same(since_start(recorded), since_start(answered))


# ---- bodies that were too long to keep --------------------------------------------------------------

def pairs_300():
    return [["server.security.blocked-networks.10.0.%d.%d" % divmod(n, 256), ""] for n in range(300)]


def bulk(size):
    """An insert of exactly `size` bytes."""
    op = [{"type": "insert", "prefix": "server.blocked-ip", "values": [], "assert_empty": False}]
    values = op[0]["values"]
    room = size - len(json.dumps(op)) - 24
    while room > 0:
        values.append(["10.%d.%d.%d" % (len(values) >> 16, len(values) >> 8 & 255, len(values) & 255), ""])
        room -= len(json.dumps(values[-1])) + 2
    values.append(["pad", ""])
    values[-1][1] = "x" * (size - len(json.dumps(op)))
    return json.dumps(op).encode()


def body_of(request):
    body = request.get("body")
    if "body_bytes" in request:
        body = bulk(request["body_bytes"])
        assert len(body) == request["body_bytes"]
    elif body == "300 pairs":
        body = pairs_300()
    elif isinstance(body, str):
        body = body.encode()
    return body


def credentials(name):
    if name is None:
        return None
    return bearer(READER["name"], READER["secret"]) if name.startswith("reader") else True


# ---- what happened between the exchanges and was not recorded: index -> (practice server) -------------

def failed_logins(server):
    """Four wrong passwords from 127.0.0.5; from then on it is cut off."""
    for _ in range(4):
        server.request("GET", "/api/settings/list", auth=("zed", "wrong"), source="127.0.0.5")
    for _ in range(3):
        with pytest.raises(OSError):
            server.request("GET", "/api/settings/list", source="127.0.0.5")


def probe(*addresses):
    def run(server):
        for address in addresses:
            with pytest.raises(OSError):
                server.request("GET", "/", source=address)
    return run


def failed_logins_06(server):
    for _ in range(6):
        status, _, _ = server.request("GET", "/admin/config/x", auth=("zed", "wrong"), source="127.0.0.5")
        assert status == 401


def writes(name, first, last):
    """The log as it stood on the recording server, up to the moment asked for."""
    def run(server):
        path = os.path.join(os.path.dirname(DATA), "logs", name)
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        for line in lines:
            if first <= line[:20] <= last:
                server.control("line", {"line": line})
        server.request("GET", "/api/settings/list?prefix=server.blocked-ip")
    return run


BEFORE = {
    "settings-0.10.3": {5: failed_logins, 11: probe("127.0.0.9"), 12: probe("127.0.7.7"), 14: probe("127.0.0.9")},
    "settings-0.8.1": {5: failed_logins, 11: probe("127.0.0.9"), 12: probe("127.0.7.7"), 14: probe("127.0.0.9")},
    "config-0.6.0": {4: failed_logins_06},
    "logs-0.15.5": {0: writes("stalwart-0.15.5.log", "2026-11-20T23:50:41Z", "2026-11-20T23:57:28Z")},
}
# these log calls reach back to the start of the server
TO_START = {("settings-0.10.3", 18), ("settings-0.8.1", 18)}



def replay(name, server):
    """Every exchange of a transcript in its order; returns how many were compared."""
    compared = 0
    for index, exchange in enumerate(load(name)):
        BEFORE.get(name, {}).get(index, lambda _: None)(server)
        request, recorded = exchange["request"], exchange["response"]
        status, headers, data = server.request(request["method"], request["path"], body_of(request),
                                               auth=credentials(request["as"]))
        where = "%s #%d %s" % (name, index, exchange["note"])
        assert status == recorded["status"], where
        for field, value in recorded.get("headers", {}).items():
            assert headers.get(field) == value, where
        if "json" not in recorded:
            assert data.decode() == recorded["text"], where
        elif (name, index) in TO_START:
            assert same_log(recorded["json"], json.loads(data)), where
        else:
            assert same(recorded["json"], json.loads(data)), where + "\n" + data.decode()[:2000]
        compared += 1
    return compared


class Bench:
    """What jmap_replay needs of a server: ids differ there from run to run, so it compares in its own way."""

    def __init__(self, server):
        self.server = server

    def send(self, method, path, body, who):
        return self.server.request(method, path, body, auth=who)

    def clock(self, epoch):
        self.server.control("clock", {"set": epoch})

    def edit(self, change):
        self.server.edit(**change)

    def log(self, data):
        self.server.control("line", {"hex": data.rstrip(b"\n").hex()})


def replay_jmap(name, server):
    return jmap_replay.replay(name, Bench(server), exact=False)


# (transcript, persona, options of the persona, how it is replayed, exchanges compared)
ROWS = [
    ("settings-0.15.5", "0.15", {"keys": [READER]}, replay, 70),
    ("logs-0.15.5", "0.15", {}, replay, 7),
    ("settings-0.10.3", "0.10", {}, replay, 22),
    ("settings-0.8.1", "0.8", {}, replay, 22),
    ("config-0.6.0", "0.6", {}, replay, 23),
    ("jmap-0.16.18", "0.16", jmap_replay.options("jmap-0.16.18"), replay_jmap, 49),
    ("jmap-logs-0.16.18", "0.16", jmap_replay.options("jmap-logs-0.16.18"), replay_jmap, 11),
    ("jmap-permissions-0.16.18", "0.16", jmap_replay.options("jmap-permissions-0.16.18"), replay_jmap, 5),
]


@pytest.mark.parametrize("name,persona,options,how,expected", ROWS, ids=[r[0] for r in ROWS])
def test_every_recorded_exchange_is_answered_alike(name, persona, options, how, expected):
    with Practice(persona, options=options, clock=jmap_replay.DAY) as server:
        assert how(name, server) == expected


def test_no_transcript_is_left_out():
    assert {r[0] + ".json" for r in ROWS} == set(os.listdir(DATA))
    assert sum(r[4] for r in ROWS) == sum(len(load(r[0])) for r in ROWS) == 209
