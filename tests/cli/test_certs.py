# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb `certs`: stored, served and on-disk certificates as a script sees them. The verdict of a change is what clients get afterwards,
so mail servers here really load their certificates when the practice server is told to."""

import pytest

from certs_world import (DAY, NAME, acme_value, at, authority, finding_of, loaded, loads, now, old, sandbox, serve,  # noqa: F401
                         store, trusted)
from cli_world import CREDENTIALS, DONE, NOTHING, REFUSED, SERVER, STORED, USAGE


# ---- reload: the verdict is what clients get -------------------------------------------------------

def test_a_reload_that_changes_what_is_served(world, p15, sandbox, authority, trusted, serve):
    before, after = old(authority), authority.leaf(NAME)
    store(p15, after)
    port = serve(loaded(p15, before, after))
    served = world.run("certs", *at(port), *trusted, "-o", "json").rows()[0]
    assert (served["status"], served["finding"]) == ("mismatch", "served is not the one that is stored"), served
    result = world.run("certs", "reload", *at(port), *trusted, "-o", "json")
    row = result.one()
    assert (result.rc, row["op"], row["verdict"]) == (DONE, "cert_reload", "in_force"), result
    assert "1 of 1 endpoints serve another certificate now" in row["detail"]
    assert [(s["step"], s["ok"]) for s in row["steps"]] == [("reload", True), ("watch", True)]
    assert world.run("certs", *at(port), *trusted, "-o", "json").rows()[0]["status"] == "ok"


def test_a_reload_that_the_server_takes_and_that_changes_nothing(world, p15, sandbox, authority, trusted, serve):
    """The answer to the reload is fine, and clients still get the old one: stored, not in force."""
    before, after = old(authority), authority.leaf(NAME)
    store(p15, after)
    port = serve(lambda: before)
    result = world.run("certs", "reload", *at(port), *trusted, "-o", "json")
    row = result.one()
    assert (result.rc, row["verdict"]) == (STORED, "stored"), result
    assert "1 of the 1 endpoints that the reload should change do not serve the stored certificate" in row["detail"]
    assert [(s["step"], s["ok"]) for s in row["steps"]] == [("reload", True), ("watch", False)]
    journal = world.run("journal", "-o", "json").rows()[0]
    assert (journal["verdict"], journal["detail"]) == ("stored", row["detail"])


def test_a_reload_with_nothing_to_change(world, p15, sandbox, authority, trusted, serve):
    cert = authority.leaf(NAME)
    store(p15, cert)
    result = world.run("certs", "reload", *at(serve(lambda: cert)), *trusted, "-o", "json")
    assert (result.rc, result.one()["verdict"]) == (DONE, "in_force"), result
    assert "all 1 endpoints serve what they served before; none was to change" in result.one()["detail"]


def test_a_reload_seen_by_nobody(world, p15, sandbox):
    """No endpoint listens: the server's answer is all there is, and the words say so."""
    result = world.run("certs", "reload", *at(9), "--timeout", "2", "-o", "json")
    assert (result.rc, result.one()["verdict"]) == (DONE, "in_force"), result
    assert "no endpoint could be compared" in result.one()["detail"]


def test_a_reload_on_the_newest_generation(world, practice, sandbox, authority, trusted, serve):
    before, after = old(authority), authority.leaf(NAME)
    p = practice("0.16", options={"certificates": [after.fullchain.decode()]})
    world.use(p)
    port = serve(loaded(p, before, after))
    result = world.run("certs", "reload", *at(port), *trusted, "-o", "json")
    assert (result.rc, result.one()["verdict"]) == (DONE, "in_force"), result
    assert "1 of 1 endpoints serve another certificate now" in result.one()["detail"]


def test_a_reload_that_is_forbidden(world, practice, sandbox, authority, trusted, serve):
    p = practice("0.15", options={"keys": [{"name": "k", "secret": "s", "permissions": ["settings-list", "settings-update"]}]})
    world.use_key(p, "k", "s")
    start = loads(p)
    result = world.run("certs", "reload", *at(9), "-o", "json")
    assert (result.rc, result.one()["verdict"]) == (STORED, "stored"), result
    assert loads(p) == start


def test_a_dry_run_of_a_reload_asks_nobody(world, p15, sandbox, serve, authority):
    start = loads(p15)
    result = world.run("certs", "reload", *at(serve(lambda: pytest.fail("probed"))), "--dry-run")
    assert result.rc == DONE and "/api/reload/certificate" in result.out, result
    assert loads(p15) == start


def test_a_read_only_console_reloads_nothing(world, p15, sandbox):
    start = loads(p15)
    assert world.run("certs", "reload", "--read-only").rc == REFUSED
    assert loads(p15) == start


# ---- renew: the task is followed to its end ---------------------------------------------------------

PROVIDER = {"challengeType": "Http01", "contact": {"mailto:admin@example.org": True}, "renewBefore": "R34"}


def renewing(practice, world, acme, certificate=None, **more):
    """A 0.16 server that renews example.org by ACME, each time with that outcome."""
    options = {"acme": acme, "acme_pem": certificate.fullchain.decode() if certificate else ""}
    p = practice("0.16", options={**options, **more})
    world.use(p)

    def call(method, arguments):
        body = {"using": ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"], "methodCalls": [[method, arguments, "c0"]]}
        return p.json("POST", "/jmap", body)[1]["methodResponses"][0][1]
    provider = call("x:AcmeProvider/set", {"create": {"a": PROVIDER}})["created"]["a"]["id"]
    made = call("x:Domain/set", {"create": {"d": {"name": "example.org", "certificateManagement": {
        "@type": "Automatic", "acmeProviderId": provider, "subjectAlternativeNames": {"mail": True}}}}})
    assert "d" in (made.get("created") or {}), made
    p.control("settle", {})
    p.requests()
    return p


def renew(world, *args):
    result = world.run("certs", "renew", "example.org", *at(9), "-o", "json", *args)
    return result, result.one()


def test_a_renewal_that_succeeds(world, practice, sandbox, authority, trusted, serve):
    before = old(authority)
    renewing(practice, world, "success")
    port = serve(lambda: before)
    result = world.run("certs", "renew", "example.org", *at(port), *trusted, "-o", "json")
    row = result.one()
    assert row["op"] == "cert_renew" and row["after"], row
    assert "a new certificate is stored, valid until" in row["detail"]
    assert [s["step"] for s in row["steps"]] == ["write", "read_back", "follow", "watch"]
    assert row["steps"][2]["ok"] and row["steps"][2]["detail"] == "the renewal's task is done"
    assert (result.rc, row["verdict"]) == (STORED, "stored"), "the endpoint serves the former one"
    result, row = renew(world)
    assert (result.rc, row["verdict"]) == (DONE, "in_force"), result


def test_a_renewal_that_fails(world, practice, sandbox):
    renewing(practice, world, "failed: DNS problem: NXDOMAIN looking up A for \x1b]0;x\x07mail.example.org")
    result, row = renew(world)
    assert (result.rc, row["verdict"]) == (SERVER, "not_stored"), result
    assert row["detail"].startswith("the renewal failed: DNS problem: NXDOMAIN")
    assert [(s["step"], s["ok"]) for s in row["steps"]] == [("write", True), ("read_back", True), ("follow", False)]


def test_a_renewal_that_is_tried_again(world, practice, sandbox):
    renewing(practice, world, "retry: 429 Too Many Requests")
    result, row = renew(world)
    assert (result.rc, row["verdict"]) == (STORED, "stored"), result
    assert row["detail"] == "the renewal failed and will be tried again: 429 Too Many Requests"


def test_a_renewal_that_is_not_due(world, practice, sandbox, authority):
    fresh = authority.leaf(NAME)
    renewing(practice, world, "auto", certificates=[fresh.fullchain.decode()])
    result, row = renew(world)
    assert (result.rc, row["verdict"]) == (NOTHING, "in_force"), result
    assert "renewal is not due until" in row["detail"]


def test_a_renewal_of_a_domain_that_is_managed_by_hand(world, practice, sandbox):
    p = practice("0.16", options={"domains": ["example.org"]})
    world.use(p)
    result, row = renew(world)
    assert (result.rc, row["verdict"]) == (SERVER, "not_stored"), result
    assert "ACME not configured for domain" in row["detail"]


def test_a_renewal_that_takes_longer_than_anybody_waits(world, practice, sandbox):
    p = renewing(practice, world, "success")
    p.fault("answer", body="x:Task/get", times=-1, json={"sessionState": "s", "methodResponses": [["x:Task/get", {"list": [
        {"id": "jpp1", "@type": "AcmeRenewal", "domainId": "b", "due": "2026-11-21T00:00:00Z",
         "status": {"@type": "Pending", "createdAt": "2026-11-21T00:00:00Z", "due": "2026-11-21T00:00:00Z"}}], "notFound": []}, "c0"]]})
    result, row = renew(world, "--timeout", "1")
    assert (result.rc, row["verdict"]) == (STORED, "stored"), result
    assert "the server still works on it" in row["detail"] and "--timeout" in row["detail"]


def test_a_renewal_whose_end_nobody_tells(world, practice, sandbox):
    p = renewing(practice, world, "success")
    p.fault("close", body='x:Task/get", ?{"ids"', times=-1)
    result, row = renew(world, "--timeout", "2")
    assert (result.rc, row["verdict"]) == (STORED, "stored"), result
    assert "how it ended could not be asked" in row["detail"], row


def test_a_renewal_of_nobodys_domain(world, practice, sandbox):
    renewing(practice, world, "success")
    result = world.run("certs", "renew", "example.net", *at(9), "-o", "json")
    assert result.rc == NOTHING and result.one()["detail"] == "nothing was written: the server has no such domain", result


def test_a_renewal_that_is_forbidden(world, practice, sandbox):
    key = {"name": "k", "secret": "s", "permissions": ["sysCertificateGet", "sysCertificateQuery", "sysDomainGet", "sysDomainQuery"]}
    p = practice("0.16", options={"domains": ["example.org"], "keys": [key]})
    world.use_key(p, "k", "s")
    result = world.run("certs", "renew", "example.org", *at(9), "-o", "json")
    assert result.rc == CREDENTIALS, result


def test_a_renewal_where_none_can_be_forced(world, p15, sandbox):
    """Up to 0.15 a full reload re-reads the providers and re-schedules: that much is done, and no more is said."""
    p15.edit(set={"acme.letsencrypt.directory": "https://acme-v02.api.letsencrypt.org/directory", "acme.letsencrypt.domains": "example.org"})
    p15.requests()
    result, row = renew(world)
    assert (result.rc, row["verdict"]) == (STORED, "stored"), result
    assert "no call that forces a renewal" in row["detail"] and row["detail"].endswith("re-scheduled")
    assert "no call that forces a renewal" in result.err
    assert "/api/reload" in [r["path"] for r in p15.requests()]


def test_a_renewal_that_nobody_would_make(world, p15, sandbox):
    result, row = renew(world)
    assert (result.rc, row["verdict"]) == (STORED, "stored"), result
    assert "no ACME provider of this server has that name" in row["detail"]


# ---- who renews ------------------------------------------------------------------------------------

ISSUED = 'ACME order completed (acme.order-completed) hostname = ["mail.example.org"]'
FAILED = ('ACME order invalid (acme.order-invalid) hostname = ["mail.example.org"], reason = "DNS problem: NXDOMAIN \x1b]0;x\x07"')
LOADED = ('Processing ACME certificate (acme.process-cert) id = "letsencrypt", hostname = ["mail.example.org"], due = %s')


def stamp(when):
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def issued(p, leaf):
    """A provider and what it issued, as 0.15 keeps both."""
    p.edit(set={"acme.letsencrypt.directory": "https://acme-v02.api.letsencrypt.org/directory", "acme.letsencrypt.domains": NAME,
                "acme.letsencrypt.contact": "admin@example.org", "acme.letsencrypt.challenge": "tls-alpn-01",
                "acme.letsencrypt.renew-before": "30d", "acme.letsencrypt.cert": acme_value(leaf)})


def test_the_log_tells_how_a_renewal_went(world, p15, sandbox, authority):
    issued(p15, authority.leaf(NAME, end=now() + 60 * DAY))
    row = finding_of(world, NAME)
    assert (row["renewed_by"], row["id"], row["status"], row["finding"]) == ("server ACME", "acme.letsencrypt", "ok", "")
    assert row["renewal"] is None
    p15.control("line", {"line": "%s INFO %s" % (stamp(now() - DAY), LOADED % stamp(now() + 30 * DAY))})
    p15.control("line", {"line": "%s INFO %s" % (stamp(now() - DAY), ISSUED)})
    row = finding_of(world, NAME)
    assert row["finding"] == "" and row["renewal"].startswith("next run in 29 d") and row["renewal"].endswith("ago: ok"), row
    p15.control("line", {"line": "%s WARN %s" % (stamp(now()), FAILED)})
    row = finding_of(world, NAME)
    assert "the last renewal by server ACME failed: ACME order invalid: DNS problem: NXDOMAIN" in row["finding"], row
    assert row["cure"] == "mend that; the server tries again by itself"
    assert "PRIVATE" not in world.run("certs", "-o", "json").out


def test_a_server_without_a_log_is_no_fault(world, practice, sandbox, authority):
    p = practice("0.15", options={"tracer": False})
    world.use(p)
    issued(p, authority.leaf(NAME))
    result = world.run("certs", "-o", "json")
    assert result.rc == DONE and not result.err, result


def test_the_task_tells_how_a_renewal_went(world, practice, sandbox, authority):
    leaf = authority.leaf(NAME, end=now() + 40 * DAY)
    renewing(practice, world, "retry: 429 Too Many Requests", certificates=[leaf.fullchain.decode()])
    row = finding_of(world, NAME)
    assert row["renewed_by"] == "server ACME"
    assert row["finding"] == "the last renewal by server ACME failed: 429 Too Many Requests", row
    assert row["cure"] == "mend that, then certs renew mail.example.org"
    assert row["renewal"].startswith("next run in "), row


# ---- what was there earlier -------------------------------------------------------------------------

def test_a_certificate_that_vanished(world, practice, sandbox, authority):
    """A renewal that failed for long enough shows as a missing row: the next run knows what it was."""
    leaf = authority.leaf(NAME, end=now() + 3 * DAY)
    p = practice("0.16", options={"certificates": [leaf.fullchain.decode()]})
    world.use(p)
    assert finding_of(world, NAME)["status"] == "critical"
    p.advance(4 * 86400)
    assert world.run("certs", "reload", *at(9)).rc == DONE
    row = finding_of(world, NAME)
    assert row["status"] == "missing" and "no stored certificate names it" in row["finding"], row
    assert "last seen" in row["finding"] and "CN=Test Intermediate" in row["finding"]
    assert leaf.cert.not_valid_after.strftime("valid until %Y-%m-%dT") in row["finding"]
    assert row["cure"].startswith("a renewal that failed looks like this")
    check = world.run("check", "certs", *at(9))
    assert check.rc == 2 and "was stored earlier" in check.out, check


def test_a_certificate_that_was_replaced_has_not_vanished(world, p15, sandbox, authority):
    store(p15, authority.leaf(NAME))
    assert finding_of(world, NAME)["status"] == "ok"
    p15.edit(delete=["certificate.main.cert", "certificate.main.private-key"])
    store(p15, authority.leaf("*.example.org"), "wild")
    assert not [r for r in world.run("certs", "-o", "json").rows() if r["name"] == NAME]
    p15.edit(delete=["certificate.wild.cert", "certificate.wild.private-key"])
    assert finding_of(world, NAME)["status"] == "missing"


def test_another_server_has_other_certificates(world, practice, sandbox, authority):
    first, second = practice("0.15"), practice("0.15")
    store(first, authority.leaf(NAME))
    world.use(first)
    assert finding_of(world, NAME)["status"] == "ok"
    world.use(second)
    assert not [r for r in world.run("certs", "-o", "json").rows() if r["name"] == NAME]


# ---- what can't be meant ---------------------------------------------------------------------------

@pytest.mark.parametrize("words", [["reloaad"], ["reload", "now"], ["renew"], ["upload", "one"], ["upload", "1", "2", "3"]])
def test_wrong_words(world, p15, words):
    result = world.run("certs", *words)
    assert result.rc == USAGE and "certs knows" in result.err, result


def test_an_endpoint_that_is_none(world, p15):
    result = world.run("certs", "--endpoint", "gopher://x:1")
    assert result.rc == USAGE and "gopher" in result.err, result
