# SPDX-License-Identifier: GPL-3.0-or-later
"""`certs` and `check certs` over every source: what endpoints serve, what each generation stores, what lies on the disk and who renews it."""

import contextlib
import signal

import pytest
from cryptography import x509

from certs_world import (DAY, NAME, acme_value, at, authority, certs, finding_of, now, old, sandbox, serve, servers, store,  # noqa: F401
                         trusted)
from cli_world import DONE, NOTHING
from tls_sandbox import LIVE, TIMER, Sandbox, children, fake_systemctl, start_nginx, wait_for

OK, WARNING, CRITICAL, UNKNOWN = range(4)        # of check


@pytest.fixture
def stack():
    with contextlib.ExitStack() as s:
        yield s


@pytest.fixture
def disk(sandbox):  # noqa: F811
    return Sandbox(sandbox)


def served(world, port, trusted, *args, name=NAME):  # noqa: F811
    rows = world.run("certs", *at(port, name), *trusted, *args, "-o", "json").rows()
    found = [r for r in rows if r["source"] == "served"]
    assert len(found) == 1, rows
    return found[0]


# ---- what an endpoint serves ------------------------------------------------------------------------

@pytest.mark.parametrize("kind, key_type", [("rsa2048", "RSA"), ("ec", "EC P-256"), ("ed25519", "Ed25519")])
def test_key_types(world, p15, sandbox, authority, trusted, serve, kind, key_type):
    leaf = authority.leaf(NAME, "imap.example.org", kind=kind)
    row = served(world, serve(lambda: leaf), trusted)
    assert (row["key_type"], row["status"], row["verify"], row["finding"]) == (key_type, "ok", "trusted", "")
    assert (row["sha256"], row["sans"], row["issuer"]) == (leaf.sha256, [NAME, "imap.example.org"], "CN=Test Intermediate")
    assert row["days_left"] == 89 and row["tls_version"] == "TLSv1.3"
    assert row["not_after"] == leaf.cert.not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ")


def faulty(authority):  # noqa: F811
    alone = authority.leaf(NAME)
    alone.chain = []
    return {
        "expired": (authority.leaf(NAME, start=now() - 90 * DAY, end=now() - 2 * DAY), "expired", "expired 2 d"),
        "not yet": (authority.leaf(NAME, start=now() + 2 * DAY), "critical", "not valid before"),
        "wrong name": (authority.leaf("other.example.org"), "mismatch", "served for other.example.org, not for this name"),
        "self-signed": (certs.self_signed(NAME), "self_signed", "a self-signed certificate is served"),
        "missing intermediate": (alone, "ok", "the chain is incomplete: CN=Test Intermediate is not sent"),
        "soon": (authority.leaf(NAME, start=now() - 80 * DAY, end=now() + 3 * DAY), "critical", "expires in 2 d"),
    }


@pytest.mark.parametrize("kind", ["expired", "not yet", "wrong name", "self-signed", "missing intermediate", "soon"])
def test_what_no_client_would_take_is_shown_not_skipped(world, p15, sandbox, authority, trusted, serve, kind):
    leaf, status, words = faulty(authority)[kind]
    port = serve(lambda: leaf)
    row = served(world, port, trusted)
    assert row["status"] == status and row["finding"].startswith(words), row
    assert row["cure"] and row["sha256"] == leaf.sha256
    check = world.run("check", "certs", *at(port), *trusted)
    assert check.rc in (WARNING, CRITICAL) and words in check.out, check


def test_a_hundred_names(world, p15, sandbox, authority, trusted, serve):
    names = ["h%d.example.org" % i for i in range(100)]
    leaf = authority.leaf(NAME, *names)
    row = served(world, serve(lambda: leaf), trusted)
    assert row["sans"] == [NAME, *names]
    table = world.run("certs", *at(serve(lambda: leaf)), *trusted)
    assert table.rc == DONE and NAME in table.out


@pytest.mark.parametrize("form", ["table", "json", "ndjson", "csv", "plain"])
def test_names_that_attack_the_reader(world, p15, sandbox, authority, trusted, serve, form):
    """Control bytes, quotes and direction marks in names: world.run() looks at every byte that comes out."""
    odd = [x509.DNSName(n) for n in ("e\x1b[31mvil", 'q"uote', "n\x00ul.example.org")] + [x509.UniformResourceIdentifier("http://u/\x07")]
    leaf = certs.build('n"a\x1b]0;x\x07,\\\x9b\u202e', certs.new_key(), authority.intermediate, [NAME], extra_names=odd)
    result = world.run("certs", *at(serve(lambda: leaf)), *trusted, "-o", form)
    assert result.rc == DONE and NAME in result.out, result
    if form == "json":
        row = [r for r in result.rows() if r["source"] == "served"][0]
        assert 'q"uote' in row["sans"] and "\\x1b[31m" in row["sans"][1], row
        assert row["status"] == "ok"


@pytest.mark.parametrize("proto", ["smtp", "imap", "pop3", "sieve"])
def test_starttls(world, p15, sandbox, authority, trusted, stack, tmp_path, proto):
    leaf = authority.leaf(NAME)
    server = stack.enter_context(servers.Server(servers.starttls(proto, servers.context(*leaf.write(tmp_path, "leaf")))))
    endpoint = "%s://127.0.0.1:%d" % (proto, server.port)
    row = world.run("certs", "--endpoint", "%s?name=%s" % (endpoint, NAME), *trusted, "-o", "json").rows()[0]
    assert (row["sha256"], row["status"], row["endpoint"]) == (leaf.sha256, "ok", endpoint), row


def test_eight_endpoints_of_which_one_says_nothing(world, p15, sandbox, authority, trusted, serve, stack):
    """The table is complete when the silent one's time is over; tests/tls measures the others."""
    leaf = authority.leaf(NAME)
    ports = [serve(lambda: leaf) for _ in range(7)]
    silent = stack.enter_context(servers.Server(servers.silent)).port
    args = [a for port in [*ports[:3], silent, *ports[3:]] for a in at(port)]
    rows = [r for r in world.run("certs", *args, *trusted, "--timeout", "5", "-o", "json").rows() if r["source"] == "served"]
    by_port = {int(r["endpoint"].rpartition(":")[2]): r for r in rows}
    assert set(by_port) == {*ports, silent}
    assert {by_port[p]["status"] for p in ports} == {"ok"}, [by_port[p] for p in ports]
    assert by_port[silent]["status"] == "unreachable" and by_port[silent]["finding"], by_port[silent]


def test_endpoints_of_the_profile(world, p15, sandbox, authority, trusted, serve):
    first, second = authority.leaf(NAME), authority.leaf("imap.example.org")
    ports = [serve(lambda: first), serve(lambda: second)]
    world.configure('profile "default" { url = "%s" user = "%s" names = {"%s"} endpoints = {"tls://127.0.0.1:%d?name=%s", '
                    '"tls://127.0.0.1:%d?name=imap.example.org"} }\n' % (p15.url, p15.user, NAME, ports[0], NAME, ports[1]))
    rows = world.run("certs", "--probe", *trusted, "--timeout", "2", "-o", "json", env={"STALWARDEN_URL": None}).rows()
    found = {r["name"]: r["sha256"] for r in rows if r["sha256"]}
    assert found == {NAME: first.sha256, "imap.example.org": second.sha256}


def test_no_server_is_needed_to_look_at_an_endpoint(world, sandbox, authority, trusted, serve):
    leaf = authority.leaf(NAME)
    result = world.run("certs", *at(serve(lambda: leaf)), *trusted, "-o", "json",
                       env={"STALWARDEN_URL": "http://127.0.0.1:9", "STALWARDEN_USER": "a", "STALWARDEN_PASSWORD": "b"})
    assert result.rc == DONE and result.rows()[0]["sha256"] == leaf.sha256
    assert "without the server's stored certificates" in result.err


# ---- what is stored ----------------------------------------------------------------------------------

@pytest.mark.parametrize("persona", ["0.8", "0.10", "0.15"])
def test_stored_by_the_settings_api(world, practice, disk, authority, persona):
    """Inline, issued by ACME with the key in it, and a macro for a file that can be read here or can't."""
    p = practice(persona)
    world.use(p)
    inline, issued, macro = authority.leaf("a.example.org"), authority.leaf("b.example.org"), authority.leaf("c.example.org")
    store(p, inline)
    disk.write("srv/c.pem", macro.fullchain)
    p.edit(set={"acme.le.directory": "https://acme-v02.api.letsencrypt.org/directory", "acme.le.domains": "b.example.org",
                "acme.le.cert": acme_value(issued), "certificate.file.cert": "%{file:/srv/c.pem}%",
                "certificate.file.private-key": "%{file:/srv/c.key}%"})
    result = world.run("certs", "-o", "json")
    rows = {r["id"]: r for r in result.rows() if r["source"] == "stored"}
    assert {i: rows[i]["sha256"] for i in ("main", "acme.le", "file")} == {
        "main": inline.sha256, "acme.le": issued.sha256, "file": macro.sha256}
    assert rows["file"]["path"] == "/srv/c.pem" and rows["acme.le"]["renewed_by"] == "server ACME"
    assert "can't be read" in rows["default"]["error"], "the practice server's own"
    for leaf in (inline, issued):
        assert leaf.key_pem.splitlines()[1].decode() not in result.out + result.err
    assert not any("certificate" in r["path"] and "group" not in r["path"] and r["method"] == "GET" and "list" in r["path"]
                   for r in p.requests()), "a list would have brought the private keys along"


def test_stored_by_the_newest(world, practice, sandbox, authority):
    leaf = authority.leaf(NAME)
    p = practice("0.16", options={"certificates": [leaf.fullchain.decode()]})
    world.use(p)
    row = finding_of(world, NAME)
    assert (row["source"], row["sha256"], row["status"]) == ("stored", leaf.sha256, "ok")


@pytest.mark.parametrize("persona", ["0.6", "rest"])
def test_generations_that_tell_nothing(world, practice, sandbox, persona):
    world.use(practice(persona))
    result = world.run("certs")
    assert result.rc == NOTHING and "this server's generation can't do that" in result.err, result
    assert world.run("check", "certs").rc == UNKNOWN


def test_a_key_that_may_not_look(world, practice, sandbox, authority, trusted, serve):
    p = practice("0.16", options={"keys": [{"name": "k", "secret": "s", "permissions": ["sysBlockedIpGet", "sysBlockedIpQuery"]}]})
    world.use_key(p, "k", "s")
    leaf = authority.leaf(NAME)
    result = world.run("certs", *at(serve(lambda: leaf)), *trusted, "-o", "json")
    assert result.rows()[0]["sha256"] == leaf.sha256
    assert "the stored certificates could not be read" in result.err, result


def test_two_for_one_name(world, p15, sandbox, authority):
    store(p15, authority.leaf(NAME), "one")
    store(p15, old(authority, left=30), "two")
    row = finding_of(world, NAME)
    assert row["finding"].startswith("two stored certificates for this name"), row
    assert "two ends first" in row["cure"]


def test_a_name_in_use_that_no_certificate_has(world, p15, sandbox, authority):
    store(p15, authority.leaf(NAME))
    world.configure('profile "default" { url = "%s" user = "%s" names = {"%s", "autoconfig.example.org"} }\n' % (p15.url, p15.user, NAME))
    row = [r for r in world.run("certs", "-o", "json", env={"STALWARDEN_URL": None}).rows() if r["name"] == "autoconfig.example.org"][0]
    assert (row["status"], row["finding"]) == ("missing", "name in use, in no certificate"), row
    assert row["cure"] == "request a certificate that includes autoconfig.example.org"


# ---- the disk, nginx and certbot ----------------------------------------------------------------------

def test_nginx_with_a_file_that_it_has_not_loaded(world, p15, disk, authority, trusted, stack):
    before, after = old(authority), authority.leaf(NAME)
    disk.lineage(NAME, before)
    port, process = start_nginx(disk, stack, NAME)
    assert served(world, port, trusted)["finding"].startswith("expires in ")
    disk.lineage(NAME, after)                    # renewed, and nobody told nginx
    row = served(world, port, trusted)
    assert (row["status"], row["cure"]) == ("mismatch", "reload nginx: systemctl reload nginx"), row
    assert row["finding"] == "served is not the one that is in the file /%s/%s/fullchain.pem" % (LIVE, NAME)
    check = world.run("check", "certs", *at(port), *trusted)
    assert check.rc == WARNING and "fullchain.pem" in check.out, check

    workers = children(process.pid)
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: workers.isdisjoint(children(process.pid)))
    row = served(world, port, trusted)
    assert (row["status"], row["finding"], row["sha256"], row["renewed_by"]) == ("ok", "", after.sha256, "certbot"), row
    assert world.run("check", "certs", *at(port), *trusted).rc == OK


def test_a_macro_file_that_the_mail_server_has_not_loaded(world, p15, disk, authority, trusted, serve):
    before, after = old(authority), authority.leaf(NAME)
    disk.lineage(NAME, after)
    p15.edit(set={"certificate.main.cert": "%%{file:/%s/%s/fullchain.pem}%%" % (LIVE, NAME),
                  "certificate.main.private-key": "%%{file:/%s/%s/privkey.pem}%%" % (LIVE, NAME)})
    row = served(world, serve(lambda: before), trusted)
    assert row["finding"].endswith("in the file /%s/%s/fullchain.pem" % (LIVE, NAME)), row
    assert row["cure"] == "reload the certificates: certs reload"


@pytest.mark.parametrize("active, result, words, finding", [
    ("active", "success", "timer active", "expires in "),
    ("inactive", "success", "timer not active", "expires in "),
    ("active", "exit-code", "timer active", "expires in "),
])
def test_certbot(world, p15, disk, authority, tmp_path, active, result, words, finding):
    disk.lineage(NAME, old(authority, left=19))
    world.env.update(fake_systemctl(tmp_path / "bin", TIMER.format(active=active, next="Sat 2026-11-28 07:00:00 UTC", result=result)))
    row = finding_of(world, NAME)
    assert row["renewed_by"] == "certbot" and row["path"] == "/%s/%s/fullchain.pem" % (LIVE, NAME)
    assert row["renewal"].startswith(words) and row["finding"].startswith(finding), row
    failed = "certbot.service: exit-code" in row["renewal"]
    assert failed == (result == "exit-code")


def test_globs_of_the_command_line(world, p15, disk, authority):
    leaf = authority.leaf(NAME)
    disk.write("srv/a.pem", leaf.key_pem + leaf.fullchain)
    disk.write("srv/b.pem", b"nothing")
    rows = {r["path"]: r for r in world.run("certs", "--file", "/srv/*.pem", "-o", "json").rows() if r["path"]}
    assert rows["/srv/a.pem"]["sha256"] == leaf.sha256
    assert rows["/srv/b.pem"]["error"] == "holds no certificate"


# ---- for monitoring -----------------------------------------------------------------------------------

@pytest.mark.parametrize("args, code", [([], OK), (["--warn", "60d"], WARNING), (["--warn", "90d", "--crit", "50d"], CRITICAL)])
def test_thresholds_of_the_check(world, p15, sandbox, authority, trusted, serve, args, code):
    leaf = old(authority, left=40)
    store(p15, leaf)
    result = world.run("check", "certs", *at(serve(lambda: leaf)), *trusted, *args)
    assert result.rc == code, result
    assert result.out.startswith("CERTS %s - " % ("OK", "WARNING", "CRITICAL")[code]) and result.out.endswith("| min_days=39\n")
    assert result.out.count("\n") == 1


def test_a_check_that_saw_nothing_is_unknown(world, p15, sandbox):
    result = world.run("check", "certs", "--timeout", "2")
    assert result.rc == UNKNOWN and result.out == "CERTS UNKNOWN - no certificate could be looked at\n", result
