# SPDX-License-Identifier: GPL-3.0-or-later
"""The 0.16 persona: every recorded exchange, what is stored and what is in force, bans, tasks, modes."""

import copy
import json

import pytest

from fake import attack, jmap_replay
from fake.client import Practice
from fake.jmap_bench import CLIENT, NOW, USING, Bench
from fake.jmap_registry import decode_id, iso, parse_date
from fake.persona import Request

EXPECTED = {"jmap-0.16.18": 49, "jmap-logs-0.16.18": 11, "jmap-permissions-0.16.18": 5}


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


# ---- the recordings -----------------------------------------------------------------------------------

@pytest.mark.parametrize("name", EXPECTED)
def test_every_recorded_exchange_directly(name, tmp_path):
    ids = jmap_replay.Ids()
    bench = Bench(tmp_path, jmap_replay.options(name), jmap_replay.DAY)
    assert jmap_replay.replay(name, bench, True, ids) == len(jmap_replay.load(name)) == EXPECTED[name]
    log_ids = [i for i in ids.forth if len(i) == 3]
    assert bool(log_ids) == (name != "jmap-permissions-0.16.18")
    assert all(ids.forth[i] == i for i in log_ids)          # byte offsets of the same lines: the very same ids


def other(value):
    if isinstance(value, bool) or value is None:
        return 7
    return value + 1 if isinstance(value, int) else value + "x"


def test_the_comparison_sees_every_change():
    """Each leaf of some recorded answers, altered, is refused: the replay can fail."""
    altered = 0
    for index in (3, 11, 14, 19, 31, 38):
        recorded = jmap_replay.load("jmap-0.16.18")[index]["response"]["json"]

        def leaves(value, path=()):
            if isinstance(value, (dict, list)):
                for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                    yield from leaves(item, path + (key,))
            else:
                yield path

        for path in leaves(recorded):
            if path[-1] == "id" or path[-2:-1] == ("ids",):
                continue                        # ids are learned: their own test is below
            twin = copy.deepcopy(recorded)
            spot = twin
            for key in path[:-1]:
                spot = spot[key]
            spot[path[-1]] = other(spot[path[-1]])
            with pytest.raises(AssertionError):
                jmap_replay.compare(jmap_replay.Ids(), recorded, twin, True, "altered")
            altered += 1
    assert altered == 94


def test_an_id_stands_for_one_thing():
    ids = jmap_replay.Ids()
    jmap_replay.compare(ids, {"ids": ["jpa", "jpb"]}, {"ids": ["xa", "xb"]}, True, "")
    jmap_replay.compare(ids, {"destroyed": ["jpb"]}, {"destroyed": ["xb"]}, True, "")
    for twin in ({"ids": ["xb", "xa"]}, {"ids": ["xa"]}, {"ids": ["xa", "xc"]}):
        with pytest.raises(AssertionError):
            jmap_replay.compare(ids, {"ids": ["jpa", "jpb"]}, twin, True, "")
    with pytest.raises(AssertionError):
        jmap_replay.compare(ids, {"id": "jpc"}, {"id": "xa"}, True, "")


# ---- stored is not in force ---------------------------------------------------------------------------

@pytest.mark.parametrize("address,client", [(CLIENT, CLIENT), ("127.0.0.0/24", CLIENT),
                                            ("2001:db8::/32", "2001:db8::9")])
def test_a_block_is_in_force_after_its_reload_only(bench, address, client):
    row = bench.block(address)
    assert bench.lets_in(client) and [r["address"] for r in bench.rows()] == [address]
    bench.reload("Settings", "TlsCertificates")
    assert bench.lets_in(client)
    bench.reload("BlockedIps")
    assert not bench.lets_in(client)
    assert bench.lines()[-1].startswith("2026-11-21T12:00:00Z INFO Blocked IP address (security.ip-blocked) "
                                        'listenerId = "http", localPort = ')
    assert bench.call("x:BlockedIp/set", {"destroy": [row]})["destroyed"] == [row]
    assert not bench.lets_in(client) and bench.rows() == []
    bench.reload("BlockedIps")
    assert bench.lets_in(client)


def test_allowed_wins_after_its_reload_and_the_block_stays_listed(bench):
    bench.block(CLIENT)
    bench.reload("BlockedIps")
    bench.call("x:AllowedIp/set", {"create": {"g": {"address": CLIENT, "reason": "gateway"}}})
    bench.reload("BlockedIps")
    assert not bench.lets_in()
    bench.reload("Settings")
    assert bench.lets_in() and len(bench.rows()) == 1


def test_loopback_is_let_in_whatever_is_blocked(bench):
    bench.block("127.0.0.0/8")
    bench.block("::1")
    bench.reload("BlockedIps")
    assert bench.lets_in("127.0.0.1") and bench.lets_in("::1") and not bench.lets_in("127.0.0.2")


def test_expiry_to_the_second_and_the_row_until_the_reload(bench):
    bench.block(CLIENT, expiresAt=iso(NOW + 10))
    bench.block("127.0.7.0/24", expiresAt=iso(NOW + 10))
    bench.reload("BlockedIps")
    bench.advance(9)
    assert not bench.lets_in() and not bench.lets_in("127.0.7.7")
    bench.advance(1)
    assert bench.lets_in() and bench.lets_in("127.0.7.7") and len(bench.rows()) == 2
    bench.reload("BlockedIps")
    assert bench.rows() == []
    assert bench.lines()[-1] == ("2026-11-21T12:00:10Z INFO IP block expired (security.ip-block-expired) "
                                 "details = [127.0.0.9, 127.0.7.0]")


def test_an_expired_allow(bench):
    bench.block(CLIENT)
    bench.call("x:AllowedIp/set", {"create": {"g": {"address": CLIENT, "expiresAt": iso(NOW + 5)}}})
    bench.reload("BlockedIps", "Settings")
    assert bench.lets_in()
    bench.advance(5)
    assert not bench.lets_in() and len(bench.rows("AllowedIp")) == 1
    bench.reload("Settings")
    assert bench.rows("AllowedIp") == []
    assert "(security.ip-allow-expired) details = [127.0.0.9]" in "\n".join(bench.lines())


def test_thresholds_and_scan_paths_after_the_settings_reload(bench):
    bench.call("x:Security/set", {"update": {"singleton": {
        "authBanRate": {"count": 2, "period": 3600000}, "scanBanPaths/*.env*": True, "loiterBanRate": None}}})
    assert [bench.fail() for _ in range(5)] == [401] * 5
    assert bench.persona.event("scan", CLIENT, "https", path="/.env") == "ok"
    bench.reload("BlockedIps")
    assert bench.fail() == 401
    bench.reload("Settings")
    assert bench.fail() == 401                  # another period is another window: counted from one again
    assert bench.fail() == 401 and bench.fail() == 429
    assert bench.persona.event("scan", "127.0.0.30", "https", path="/x.env") == "banned"
    assert [bench.persona.event("loiter", "127.0.0.31", "smtp") for _ in range(400)] == ["ok"] * 400


def test_a_reload_that_is_refused_changes_nothing(bench):
    error = {"type": "validationFailed", "description": "bad", "objectId": {"object": "MtaRoute", "id": "c"}}
    bench.edit({"reload_error": {"ReloadSettings": error}})
    bench.call("x:AllowedIp/set", {"create": {"g": {"address": CLIENT}}})
    create = {"s": {"@type": "ReloadSettings"}, "b": {"@type": "ReloadBlockedIps"}}
    answer = bench.call("x:Action/set", {"create": create})
    assert answer["notCreated"] == {"s": error} and list(answer["created"]) == ["b"]
    assert not bench.persona.live.is_allowed(CLIENT)


def test_a_restart_makes_everything_live_and_keeps_the_counters(bench):
    bench.block(CLIENT)
    bench.call("x:Security/set", {"update": {"singleton": {"authBanRate": {"count": 3, "period": 86400000}}}})
    assert bench.fail("127.0.0.10") == 401
    bench.persona.restart()
    assert not bench.lets_in() and bench.persona.live.thresholds["auth"] == (3, 86400)
    assert [bench.fail("127.0.0.10") for _ in range(3)] == [401, 401, 429]


# ---- the server's own bans ----------------------------------------------------------------------------

def strict(bench, **more):
    bench.call("x:Security/set", {"update": {"singleton": dict(more, authBanRate={"count": 3, "period": 86400000})}})
    bench.reload("Settings")


def test_three_failures_the_fourth_is_the_ban(bench):
    strict(bench, authBanPeriod=3600000)
    assert [bench.fail() for _ in range(6)] == [401, 401, 401, 429, "reset", "reset"]
    assert bench.send("GET", "/jmap/session", client=CLIENT)[0] == "reset"        # with good credentials too
    assert bench.rows() == [{"address": CLIENT, "reason": "authFailure", "createdAt": "2026-11-21T12:00:00Z",
                             "expiresAt": "2026-11-21T13:00:00Z", "id": bench.rows()[0]["id"]}]
    ban = [line for line in bench.lines() if "-ban)" in line]
    assert len(ban) == 1
    assert ban[0].startswith("2026-11-21T12:00:00Z INFO Banned due to authentication errors "
                             '(security.authentication-ban) listenerId = "http", localPort = ')
    assert ban[0].endswith(', remoteIp = 127.0.0.9, accountName = "zed"') and ban[0].count("remoteIp = 127.0.0.9") == 2
    bench.advance(3600)
    assert bench.lets_in() and len(bench.rows()) == 1


def test_the_default_is_a_hundred_and_loopback_is_never_banned(bench):
    assert [bench.fail() for _ in range(102)] == [401] * 100 + [429, "reset"]
    assert [bench.fail("127.0.0.1", "yan") for _ in range(130)] == [401] * 130


def test_the_answer_to_the_ban(bench):
    strict(bench)
    for _ in range(3):
        bench.fail()
    status, headers, body = bench.send("GET", "/jmap/session", who=("zed", "wrong"), client=CLIENT)
    assert (status, headers["content-type"]) == (429, "application/problem+json")
    assert json.loads(body)["title"] == "Too Many Authentication Attempts"


@pytest.mark.parametrize("kind,count,reason,event,more", [
    ("rcpt_fail", 35, "rcptToFailure", "security.abuse-ban", {"to": "a@example.org"}),
    ("loiter", 150, "loitering", "security.loiter-ban", {}),
    ("scan", 0, "portScanning", "security.scan-ban", {"path": "/phpmyadmin/"})])
def test_bans_of_the_other_classes(bench, kind, count, reason, event, more):
    results = [bench.persona.event(kind, CLIENT, "smtp", **more) for _ in range(count + 2)]
    assert results == ["ok"] * count + ["banned", "refused"]
    assert [(r["address"], r["reason"], r["expiresAt"]) for r in bench.rows()] == [(CLIENT, reason, None)]
    assert sum("(%s)" % event in line for line in bench.lines()) == 1


def test_a_login_counts_wherever_it_comes_from(bench):
    strict(bench)
    assert [bench.fail("127.0.1.%d" % n, "owner") for n in range(1, 5)] == [401, 401, 401, 429]
    assert bench.lets_in("127.0.1.1") and not bench.lets_in("127.0.1.4")


def test_counters_outlive_the_un_ban_until_they_are_reset(bench):
    strict(bench)
    for _ in range(4):
        bench.fail()
    bench.call("x:BlockedIp/set", {"destroy": [bench.rows()[0]["id"]]})
    bench.reload("BlockedIps")
    assert bench.fail() == 429                  # one failure bans again
    bench.call("x:BlockedIp/set", {"destroy": [bench.rows()[0]["id"]]})
    bench.reload("BlockedIps")
    made = bench.call("x:Task/set", {"create": {"t": {"@type": "StoreMaintenance",
                                                      "maintenanceType": "resetRateLimiters"}}})
    assert bench.call("x:Task/get", {"ids": [made["created"]["t"]["id"]]})["list"][0]["status"]["@type"] == "Pending"
    bench.advance(1)
    assert bench.call("x:Task/query", {})["ids"] == [] and bench.persona.counters.dump() == []
    assert bench.fail() == 401


def test_a_window_ends_at_midnight(bench):
    strict(bench)
    for _ in range(3):
        bench.fail()
    bench.clock(jmap_replay.DAY + 86400)
    assert [bench.fail() for _ in range(4)] == [401, 401, 401, 429]


def test_a_ban_of_an_address_that_has_a_row_keeps_the_row(bench):
    row = bench.block(CLIENT)
    strict(bench)
    for _ in range(4):
        bench.fail()
    assert not bench.lets_in() and [(r["id"], r["reason"]) for r in bench.rows()] == [(row, "manual")]


def test_a_login_is_logged_once_an_hour(bench):
    count = lambda: sum("(auth.success)" in line for line in bench.lines())
    for _ in range(3):
        bench.rows()
    assert count() == 1
    bench.advance(3601)
    bench.rows()
    assert count() == 2


def test_behind_a_forwarding_proxy_the_refusal_is_an_answer(bench):
    bench.call("x:Http/set", {"update": {"singleton": {"useXForwarded": True}}})
    assert not bench.persona.use_forwarded
    bench.reload("Settings")
    assert bench.persona.use_forwarded
    bench.block("198.51.100.9")
    bench.reload("BlockedIps")
    req = Request("GET", "/jmap/session", client="198.51.100.9", forwarded=True)
    assert bench.persona.handle(req).status == 403


# ---- tasks and certificates ---------------------------------------------------------------------------

def domain(bench, **more):
    return bench.call("x:Domain/set", {"create": {"d": dict(more, name="example.org")}})["created"]["d"]["id"]


def renew(bench, domain_id):
    """The task, once its time has come; None when it is gone."""
    made = bench.call("x:Task/set", {"create": {"t": {"@type": "AcmeRenewal", "domainId": domain_id}}})
    bench.advance(1)
    return (bench.call("x:Task/get", {"ids": [made["created"]["t"]["id"]]})["list"] or [None])[0]


def automatic(bench):
    provider = bench.call("x:AcmeProvider/set", {"create": {"p": {"contact": {"a@example.org": True}}}})["created"]["p"]
    names = {"mail": True, "imap": True}
    return domain(bench, dkimManagement={"@type": "Manual"}, certificateManagement={
        "@type": "Automatic", "acmeProviderId": provider["id"], "subjectAlternativeNames": names})


def test_a_renewal_without_acme_fails_for_good(bench):
    task = renew(bench, domain(bench))
    assert task["status"] == {"@type": "Failed", "createdAt": iso(NOW), "failedAt": iso(NOW + 1),
                              "failedAttemptNumber": 0,
                              "failureReason": "Invalid request: ACME not configured for domain"}
    assert "due" not in task
    assert ('WARN Task failed during processing (task-manager.task-failed) id = %d, details = "AcmeRenewal", '
            'reason = "Invalid request' % decode_id(task["id"])) in "\n".join(bench.lines())
    assert bench.call("x:Task/query", {"filter": {"status": "Failed"}})["ids"] == [task["id"]]
    assert bench.call("x:Task/set", {"destroy": [task["id"]]})["destroyed"] == [task["id"]]


def test_a_renewal_that_succeeds_and_the_next_that_is_not_due(bench):
    row = automatic(bench)
    bench.advance(1)                            # an automatic domain asks for its certificate by itself
    certificate, = bench.rows("Certificate")
    assert certificate["subjectAlternativeNames"] == {"imap.example.org": True, "mail.example.org": True}
    assert bench.persona.live_certificates == [certificate["id"]]
    due = iso(parse_date(certificate["notValidBefore"]) + 60 * 86400)
    assert [t["due"] for t in bench.rows("Task")] == [due]
    task = renew(bench, row)
    assert task["status"]["@type"] == "Failed" and task["status"]["failureReason"].endswith(
        "renewal is not due until " + due)
    bench.clock(parse_date(due))
    assert len(bench.rows("Certificate")) == 2


def test_a_renewal_that_is_tried_again(bench):
    bench.edit({"acme": "retry: HTTP error: connection refused"})
    task = renew(bench, domain(bench, dkimManagement={"@type": "Manual"}))
    assert task["status"]["@type"] == "Retry" and task["status"]["attemptNumber"] == 1
    assert task["due"] == task["status"]["due"] == iso(NOW + 1 + 60)
    for attempt in (2, 3):
        bench.clock(parse_date(task["due"]))
        task, = bench.rows("Task")
        assert (task["status"]["@type"], task["status"]["attemptNumber"]) == ("Retry", attempt)
    bench.clock(parse_date(task["due"]))
    task, = bench.rows("Task")
    assert task["status"]["@type"] == "Failed" and task["status"]["failureReason"] == "HTTP error: connection refused"
    bench.edit({"acme": "success"})
    patch = {"status": {"@type": "Pending", "due": iso(NOW)}}
    assert bench.call("x:Task/set", {"update": {task["id"]: patch}})["updated"] == {task["id"]: None}
    bench.advance(1)
    assert len(bench.rows("Certificate")) == 1


@pytest.mark.parametrize("value,kind", [
    ({"@type": "Nope"}, "invalidPatch"), ({}, "invalidPatch"), ({"@type": "DestroyAccount"}, "forbidden"),
    ({"@type": "AcmeRenewal", "domainId": "zz"}, "invalidForeignKey"), ({"@type": "AcmeRenewal"}, "invalidForeignKey"),
    ({"@type": "StoreMaintenance", "maintenanceType": "x"}, "invalidPatch")])
def test_tasks_that_are_refused(bench, value, kind):
    assert bench.call("x:Task/set", {"create": {"t": value}})["notCreated"]["t"]["type"] == kind
    assert bench.rows("Task") == []


def test_task_queries(bench):
    for due in ("2027-01-01T00:00:00Z", "2027-01-03T00:00:00Z", "2027-01-02T00:00:00Z"):
        bench.call("x:Task/set", {"create": {"t": {"@type": "StoreMaintenance", "maintenanceType": "purgeData",
                                                  "status": {"@type": "Pending", "due": due}}}})
    ids = [t["id"] for t in bench.rows("Task")]         # by due time
    query = lambda **args: bench.call("x:Task/query", args)
    assert query()["ids"] == ids[::-1] and "limit" not in query()
    assert query(sort=[{"property": "due"}], limit=2)["ids"] == ids[:2]
    assert query(filter={"dueIsGreaterThan": "2027-01-01T00:00:00Z", "@type": "StoreMaintenance"})["ids"] == ids[:0:-1]
    assert query(filter={"status": "failed"})[1] == "unsupportedFilter"
    assert query(sort=[{"property": "id"}])[2] == "Only sorting by 'due' is supported for tasks"
    bench.persona.settle()
    assert query()["ids"] == []


def test_certificates(bench):
    pem = jmap_replay.certificate()
    create = {"k": {"certificate": {"@type": "Text", "value": pem},
                    "privateKey": {"@type": "Text", "secret": "s3cr3t"}}}
    row = bench.call("x:Certificate/set", {"create": create})["created"]["k"]["id"]
    assert bench.persona.live_certificates == []
    bench.reload("TlsCertificates")
    assert bench.persona.live_certificates == [row] and bench.persona.live.certs == 2
    assert b"s3cr3t" not in bench.post([["x:Certificate/get", {"ids": None}, "c"]])[2]
    assert "s3cr3t" not in json.dumps(bench.persona.state(), default=str)
    cut = {"privateKey": {"@type": "Text", "secret": "****"}}           # sent back as it was shown: kept
    assert "updated" in bench.call("x:Certificate/set", {"update": {row: cut}})
    assert bench.persona.tables["Certificate"].rows[decode_id(row)].obj["privateKey"]["secret"] == "s3cr3t"
    bench.clock(parse_date("2026-12-11T00:03:41Z"))
    assert len(bench.rows("Certificate")) == 1
    bench.reload("TlsCertificates")             # an expired one vanishes
    assert bench.rows("Certificate") == [] and bench.persona.live_certificates == []


def test_a_certificate_that_cannot_be_read(bench):
    broken = jmap_replay.certificate().replace("MIIBvD", "MIIBvE")
    for value in ("nope", broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"):
        error = bench.call("x:Certificate/set", {"create": {"k": {"certificate": {"@type": "Text", "value": value}}}})
        assert error["notCreated"]["k"]["properties"] == ["certificate"]


def test_a_provider_in_use_stays(bench):
    automatic(bench)
    provider = bench.rows("AcmeProvider")[0]["id"]
    error = bench.call("x:AcmeProvider/set", {"destroy": [provider]})["notDestroyed"][provider]
    assert error["type"] == "objectIsLinked" and error["linkedObjects"] == [{"object": "Domain", "id": "b"}]
    assert bench.call("x:Domain/set", {"create": {"d": {"name": "example.org"}}})["notCreated"]["d"]["type"] == \
        "primaryKeyViolation"


# ---- modes --------------------------------------------------------------------------------------------

def test_bootstrap_mode(tmp_path):
    bench = Bench(tmp_path, {"mode": "bootstrap"})
    assert bench.send("GET", "/jmap/session")[0] == 200
    for name in ("x:Security/get", "x:BlockedIp/query", "x:Log/query", "x:Action/set"):
        error = bench.call(name, {})
        assert error[1] == "forbidden" and error[2].startswith("The server is in bootstrap mode. Only the 'Bootstrap'")
    assert "WARN Server started in bootstrap mode (server.bootstrap-mode) details = " in bench.lines()[0]
    assert bench.persona.event("auth_fail", CLIENT, "imap", account="x") == "refused"
    assert bench.call("x:Bootstrap/get", {"ids": None})["list"][0]["serverHostname"] == ""
    patch = {"serverHostname": "mail.example.org", "defaultDomain": "example.org"}
    assert bench.call("x:Bootstrap/set", {"update": {"singleton": patch}})["updated"] == {"singleton": None}
    bench.persona.restart()
    assert bench.rows() == [] and bench.call("x:Bootstrap/get", {"ids": None})["notFound"] == ["singleton"]
    assert bench.call("x:Bootstrap/set", {"update": {"singleton": {}}})["notUpdated"] == {
        "singleton": {"type": "forbidden", "description": "This operation is only allowed bootstrap mode"}}


def test_recovery_mode(tmp_path):
    bench = Bench(tmp_path, {"mode": "recovery"})
    line = "WARN Server started in recovery mode (server.recovery-mode) details = "
    assert line in bench.lines()[0] and 'listenerId = "http-recovery"' in bench.lines()[1]
    assert bench.persona.event("auth_fail", CLIENT, "imap", account="x") == "refused"
    bench.block(CLIENT)
    bench.call("x:Task/set", {"create": {"t": {"@type": "StoreMaintenance", "maintenanceType": "resetRateLimiters"}}})
    bench.advance(100)
    assert len(bench.rows()) == 1 and bench.rows("Task")[0]["status"]["@type"] == "Pending"


# ---- the control plane --------------------------------------------------------------------------------

def test_another_administrator(bench):
    bench.edit({"block": [CLIENT, {"address": "127.0.0.10", "reason": "other"}], "allow": ["127.0.0.11"],
                "security": {"scanBanPaths/*.x": True}, "calls": [["x:BlockedIp/set", {"create": {"a": {
                    "address": "127.0.0.12"}}}]]})
    stored = bench.persona.stored()
    assert stored["blocked"] == [CLIENT, "127.0.0.10", "127.0.0.12"] and stored["allowed"] == ["127.0.0.11"]
    assert "*.x" in stored["security"]["scanBanPaths"] and bench.lets_in()
    bench.reload("BlockedIps")
    assert not bench.lets_in()
    bench.edit({"unblock": [CLIENT, "127.0.0.99"], "disallow": ["127.0.0.11"]})
    assert bench.persona.stored()["blocked"] == ["127.0.0.10", "127.0.0.12"] and not bench.lets_in()
    bench.persona.lift("127.0.0.10")
    assert bench.lets_in("127.0.0.10")
    state = bench.persona.state()
    assert state["live"]["blocked"] == ["127.0.0.12", CLIENT] and state["mode"] == "normal"
    assert json.loads(json.dumps(state, default=list))["stored"]["blocked"] == ["127.0.0.12"]


def test_a_write_that_is_answered_and_not_done():
    with Practice("0.16") as practice:
        practice.fault("not_applied", body="x:BlockedIp/set")
        body = {"using": USING, "methodCalls": [["x:BlockedIp/set", {"create": {"a": {"address": CLIENT}}}, "c"]]}
        headers = {"Content-Type": "application/json"}
        for left in ([], [CLIENT]):
            status, answer = practice.json("POST", "/jmap", body, headers=headers)
            assert status == 200 and "a" in answer["methodResponses"][0][1]["created"]
            assert practice.state()["stored"]["blocked"] == left


def test_traffic_and_history_are_the_same_as_elsewhere(tmp_path):
    bench = Bench(tmp_path)
    attack.history(bench.persona, 2, bursts=20)
    run = attack.Attack(bench.persona)
    for _ in range(2000):
        run.step()
    assert bench.persona.clock.now() == NOW
    assert set(bench.persona.stored()["blocked"]) >= set(bench.persona.state()["live"]["blocked"])
    entries = bench.call("x:Log/get", {"ids": bench.call("x:Log/query", {"limit": 500})["ids"]})["list"]
    assert len(entries) > 100 and {"security.ip-blocked", "auth.success"} <= {e["event"] for e in entries}


def test_the_forwarding_header_counts_once_the_setting_is_live():
    with Practice("0.16") as practice:
        body = {"using": USING, "methodCalls": [
            ["x:BlockedIp/set", {"create": {"a": {"address": "198.51.100.9"}}}, "a"],
            ["x:Http/set", {"update": {"singleton": {"useXForwarded": True}}}, "b"],
            ["x:Action/set", {"create": {"r": {"@type": "ReloadBlockedIps"}}}, "c"]]}
        headers = {"Content-Type": "application/json", "X-Forwarded-For": "198.51.100.9, 10.0.0.1"}
        assert practice.request("POST", "/jmap", body, headers=headers)[0] == 200
        assert practice.request("GET", "/jmap/session", headers=headers)[0] == 200
        body["methodCalls"] = [["x:Action/set", {"create": {"r": {"@type": "ReloadSettings"}}}, "c"]]
        assert practice.request("POST", "/jmap", body, headers=headers)[0] == 200
        assert practice.request("GET", "/jmap/session", headers=headers)[0] == 403
