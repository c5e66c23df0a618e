# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays the recorded 0.16 exchanges against whatever answers: a persona called directly, or a practice server on
a socket. Ids differ from run to run and come back in later requests: they are learned and translated both ways.
It must not know how the answers are made."""

import json
import os
import re

from .jmap_registry import decode_id, encode_id

DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data")
DAY = 1795219200                                # 2026-11-21T00:00:00Z, when it was recorded
RULES_URL = "https://github.com/stalwartlabs/spam-filter/releases/latest/download/spam-filter-rules.json.gz"
RULES_REASON = "Failed to fetch %s: error sending request for url (%s)" % (RULES_URL, RULES_URL)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
TASK_IN_LOG = re.compile(r"\bid = (\d{15,20})\b")

LOOK = ["sys%s%s" % (kind, verb) for kind in ("BlockedIp", "AllowedIp", "Log", "Certificate") for verb in
        ("Get", "Query")]
ACCOUNTS = [
    {"name": "blocker@example.org", "password": "b", "id": 2, "permissions": ["authenticate"] + [
        "sysBlockedIp" + verb for verb in ("Get", "Query", "Create", "Destroy")]},
    {"name": "viewer@example.org", "password": "v", "id": 3, "permissions": ["authenticate", "sysSecurityGet"] + LOOK},
    {"name": "nobody@example.org", "password": "n", "id": 4, "permissions": ["authenticate"]},
]


def load(name):
    with open(os.path.join(DATA, "transcripts", name + ".json"), encoding="utf-8") as file:
        return json.load(file)["exchanges"]


def log_lines(until=None):
    """The recorded log, whole or its first bytes."""
    with open(os.path.join(DATA, "logs", "stalwart-0.16.18.log"), "rb") as file:
        return file.read()[:until]


def credentials(name):
    """(login, password), or None."""
    if name in (None, "admin"):
        return name and ("admin", "secret")
    for account in ACCOUNTS:
        if name.split()[0] + "@example.org" == account["name"]:
            return account["name"], account["password"]
    return "nobody@example.org", "n"


def body_of(request):
    body = request.get("body")
    if body == "501 ids":
        body = {"using": ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"],
                "methodCalls": [["x:BlockedIp/get", {"ids": [encode_id(n) for n in range(1, 502)]}, "c0"]]}
    if isinstance(body, str):
        return body.encode()
    return None if body is None else json.dumps(body).encode()


class Ids:
    """recorded id <-> answered id"""

    def __init__(self):
        self.forth, self.back = {}, {}

    def learn(self, recorded, answered, shared):
        assert isinstance(answered, str) and decode_id(answered) is not None, "no id: %r" % (answered,)
        assert self.forth.setdefault(recorded, answered) == answered, "%s was %s before" % (
            recorded, self.forth[recorded])
        if not shared:                          # two actions of one second share an id
            assert self.back.setdefault(answered, recorded) == recorded, "%s stands for %s and %s" % (
                answered, self.back[answered], recorded)

    def translate(self, value):
        """recorded -> answered, where it is known"""
        if isinstance(value, dict):
            return {self.forth.get(k, k): self.translate(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.translate(v) for v in value]
        if isinstance(value, str):
            return self.forth.get(value) or TASK_IN_LOG.sub(self.decimal, value)
        return value

    def decimal(self, hit):
        known = self.forth.get(encode_id(int(hit[1])))
        return "id = %d" % decode_id(known) if known else hit[0]


def compare(ids, recorded, answered, exact, where, key="", shared=False):
    """Asserts that answered is recorded, but for ids (learned here) and, unless exact, the digits of times."""
    if isinstance(recorded, str) and key in ("id", "ids") and recorded not in ids.forth and recorded != "singleton":
        ids.learn(recorded, answered, shared)
        return
    recorded = ids.translate(recorded) if isinstance(recorded, str) else recorded
    if isinstance(recorded, dict):
        assert isinstance(answered, dict), where
        known = {ids.forth.get(k, k): v for k, v in recorded.items()}
        assert set(known) == set(answered), "%s: %s" % (where, sorted(set(known) ^ set(answered)))
        for name, value in known.items():
            compare(ids, value, answered[name], exact, "%s/%s" % (where, name), name, shared)
    elif isinstance(recorded, list):
        assert isinstance(answered, list) and len(recorded) == len(answered), "%s: %r" % (where, answered)
        shared = shared or recorded[:1] == ["x:Action/set"]
        for n, (one, other) in enumerate(zip(recorded, answered)):
            compare(ids, one, other, exact, "%s/%d" % (where, n), key, shared)
    elif isinstance(recorded, str) and isinstance(answered, str) and not exact:
        assert TIME.sub("TIME", recorded) == TIME.sub("TIME", answered), where
    else:
        assert recorded == answered and isinstance(answered, type(recorded)), "%s: %r, not %r" % (
            where, answered, recorded)


# ---- what was there before, and what happened between the exchanges ---------------------------------
# A bench has send(method, path, body, who) -> (status, headers, bytes), clock(epoch), edit(change), log(bytes).

def task(kind, status, created, **more):
    fields = more.pop("fields")
    return dict(fields, **{"@type": kind, "status": dict({"@type": status, "createdAt": created}, **more)})


def rules_task(attempt, due):
    return task("SpamFilterMaintenance", "Retry", "2026-11-21T00:02:29Z", due=due, attemptNumber=attempt,
                failureReason=RULES_REASON, fields={"maintenanceType": "updateRules"})


FAILED_RENEWAL = task("AcmeRenewal", "Failed", "2026-11-21T00:03:40Z", failedAt="2026-11-21T00:03:40Z",
                      failedAttemptNumber=0, failureReason="Invalid request: ACME not configured for domain",
                      fields={"domainId": "b"})


def warm(bench):
    """The administrator's login is cached: the requests that follow leave no line."""
    assert bench.send("GET", "/jmap/session", None, credentials("admin"))[0] == 200


def start_main(bench):
    bench.clock(DAY + 155)
    warm(bench)
    bench.log(log_lines(5137))
    bench.edit({"tasks": [rules_task(2, "2026-11-21T00:05:13Z")]})


def start_logs(bench):
    bench.clock(DAY + 491)
    warm(bench)
    bench.log(log_lines())
    bench.edit({"tasks": [FAILED_RENEWAL, rules_task(3, "2026-11-21T00:11:06Z")]})


def at(seconds):
    return lambda bench: bench.clock(DAY + seconds)


BETWEEN = {
    "jmap-0.16.18": {0: start_main, 13: at(219), 36: at(220), 39: at(220.4), 42: at(220.7)},
    "jmap-logs-0.16.18": {0: start_logs},
    "jmap-permissions-0.16.18": {},
}


def certificate():
    """The PEM that was uploaded in the recording."""
    for exchange in load("jmap-0.16.18"):
        if exchange["note"] == "upload a certificate":
            return exchange["request"]["body"]["methodCalls"][0][1]["create"]["k"]["certificate"]["value"]
    raise LookupError


def options(name):
    """What the persona is started with."""
    if name == "jmap-logs-0.16.18":
        return {"domains": ["example.org"], "blocked": [
            {"address": "127.0.0.25", "reason": "authFailure", "createdAt": "2026-11-21T00:04:48Z",
             "expiresAt": "2026-11-21T01:04:48Z"}]}
    if name == "jmap-permissions-0.16.18":
        return {"accounts": ACCOUNTS, "security": {"authBanRate": {"count": 3, "period": 86400000}},
                "blocked": ["203.0.113.42"], "allowed": ["172.17.0.1", "127.0.0.20"], "certificates": [certificate()]}
    return {}


def replay(name, bench, exact, ids=None):
    """Every exchange of a transcript in its order; returns how many were compared."""
    ids, compared = ids or Ids(), 0
    for index, exchange in enumerate(load(name)):
        BETWEEN[name].get(index, lambda _: None)(bench)
        request, recorded = exchange["request"], exchange["response"]
        where = "%s #%d (%s)" % (name, index, exchange["note"])
        body = body_of(ids.translate(request))
        status, headers, data = bench.send(request["method"], request["path"], body, credentials(request["as"]))
        assert status == recorded["status"], where
        for field, value in recorded["headers"].items():
            assert headers.get(field) == value, where
        if "json" in recorded:
            compare(ids, recorded["json"], json.loads(data), exact, where)
        else:
            assert data.decode() == recorded["text"], where
        compared += 1
    return compared
