# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes against real TLS servers on loopback: what is seen of every kind of certificate, and what happens when the
other side misbehaves."""

import datetime
import os
import socket
import ssl
import subprocess

import pytest
from cryptography import x509

import tls_certs as certs
import tls_servers as servers
from tls_certs import DAY, now

EXPIRED, NOT_YET, SELF_SIGNED, UNKNOWN_ISSUER, NAME, OTHER = 2, 4, 8, 16, 32, 64
NAME_A, NAME_B = "mail.example.org", "imap.example.net"


def serve(stack, tmp_path, cert, stem="leaf", fullchain=True, host="127.0.0.1", **limits):
    return stack.enter_context(servers.Server(
        servers.tls(servers.context(*cert.write(tmp_path, stem, fullchain), **limits)), host))


def url(server, name=NAME_A, proto="tls"):
    return f"{proto}://127.0.0.1:{server.port}?name={name}"


@pytest.mark.parametrize("kind, key_type, bits", [
    ("rsa2048", "RSA", 2048), ("ec", "EC P-256", 256), ("ec384", "EC P-384", 384), ("ed25519", "Ed25519", 256)])
def test_a_good_certificate_of_each_key_type(run, ca, authority, stack, tmp_path, kind, key_type, bits):
    leaf = authority.leaf(NAME_A, kind=kind)
    got = run(url(serve(stack, tmp_path, leaf)), *ca).served[0]
    assert got["sha256"] == leaf.sha256
    assert (got["key_type"], got["key_bits"]) == (key_type, bits)
    assert (got["verify"], got["flags"], got["chain"]) == ("trusted", 1, "complete")
    assert got["status"] == "ok" and got["tls"] == "TLSv1.3" and got["error"] is None
    assert got["subject"] == f"CN={NAME_A}" and got["issuer"] == "CN=Test Intermediate"
    assert got["chain_subjects"]["n"] == 2 and got["chain_subjects"]["1"] == "CN=Test Intermediate"
    assert int(got["serial"], 16) == leaf.cert.serial_number
    assert got["not_after"] == leaf.cert.not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("more, flags, status, word", [
    (dict(start=now() - 90 * DAY, end=now() - DAY), EXPIRED, "expired", "expired"),
    (dict(start=now() + 2 * DAY), NOT_YET, "critical", "not yet valid"),
    (dict(end=now() + 3 * DAY), 0, "critical", "trusted"),
    (dict(end=now() + 10 * DAY), 0, "warning", "trusted"),
    (dict(start=datetime.datetime(1950, 1, 1), end=datetime.datetime(1951, 1, 1)), EXPIRED, "expired", "expired"),
    (dict(end=datetime.datetime(9999, 12, 31, 23, 59, 59)), 0, "ok", "trusted"),
])
def test_dates(run, ca, authority, stack, tmp_path, more, flags, status, word):
    leaf = authority.leaf(NAME_A, **more)
    got = run(url(serve(stack, tmp_path, leaf)), *ca).served[0]
    assert got["sha256"] == leaf.sha256
    assert got["flags"] == 1 | flags and got["status"] == status and word in got["verify"]


def test_the_clock_that_counts_is_ours(run, ca, authority, stack, tmp_path):
    server = serve(stack, tmp_path, authority.leaf(NAME_A, end=now() + 90 * DAY))
    later = (now() + 100 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    got = run(url(server), *ca, env={"STALWARDEN_NOW": later}).served[0]
    assert got["flags"] & EXPIRED and got["status"] == "expired"


def test_wrong_name(run, ca, authority, stack, tmp_path):
    got = run(url(serve(stack, tmp_path, authority.leaf(NAME_B))), *ca)
    assert got.served[0]["flags"] == 1 | NAME and f"does not name {NAME_A}" in got.served[0]["verify"]
    assert got.served[0]["status"] == "mismatch"
    assert got.findings(NAME_A)["name_mismatch"]["text"] == f"served for {NAME_B}, not for this name"


def test_a_common_name_alone_is_no_name(run, ca, authority, stack, tmp_path):
    leaf = certs.build(NAME_A, certs.new_key(), authority.intermediate)
    got = run(url(serve(stack, tmp_path, leaf)), *ca)
    assert got.served[0]["flags"] & NAME and got.served[0]["status"] == "mismatch"
    assert "no SAN at all" in got.findings(NAME_A)["name_mismatch"]["cure"]


def test_self_signed(run, ca, stack, tmp_path):
    leaf = certs.self_signed(NAME_A)
    got = run(url(serve(stack, tmp_path, leaf)), *ca)
    assert got.served[0]["flags"] == 1 | SELF_SIGNED and got.served[0]["self_signed"]
    assert got.served[0]["sha256"] == leaf.sha256 and got.served[0]["status"] == "self_signed"
    assert set(got.findings(NAME_A)) == {"self_signed"}


def test_an_unknown_authority_is_shown_not_skipped(run, untrusted, authority, stack, tmp_path):
    leaf = authority.leaf(NAME_A)
    got = run(url(serve(stack, tmp_path, leaf)), *untrusted)
    assert got.served[0]["flags"] == 1 | UNKNOWN_ISSUER and got.served[0]["sha256"] == leaf.sha256
    assert set(got.findings(NAME_A)) == {"untrusted"}


def test_a_missing_intermediate(run, ca, authority, stack, tmp_path):
    got = run(url(serve(stack, tmp_path, authority.leaf(NAME_A), fullchain=False)), *ca)
    assert got.served[0]["flags"] == 1 | UNKNOWN_ISSUER and got.served[0]["chain"].startswith("incomplete")
    assert "CN=Test Intermediate is not sent" in got.findings(NAME_A)["chain_incomplete"]["text"]


def test_a_leaf_of_the_root_itself_needs_no_chain(run, ca, authority, stack, tmp_path):
    got = run(url(serve(stack, tmp_path, authority.leaf(NAME_A, direct=True))), *ca).served[0]
    assert (got["verify"], got["chain"]) == ("trusted", "complete")


def test_a_chain_in_the_wrong_order(run, ca, authority, stack, tmp_path):
    leaf = authority.leaf(NAME_A)
    leaf.chain = [authority.root, authority.intermediate]
    got = run(url(serve(stack, tmp_path, leaf)), *ca)
    assert got.served[0]["chain"] == "in the wrong order" and got.served[0]["verify"] == "trusted"
    assert "chain_order" in got.findings(NAME_A)


def test_a_chain_padded_with_another(run, ca, authority, stack, tmp_path):
    leaf = authority.leaf(NAME_A)
    leaf.chain = [authority.intermediate, certs.Authority("Foreign").root]
    assert run(url(serve(stack, tmp_path, leaf)), *ca).served[0]["chain"].startswith("padded")


def test_several_faults_are_all_told(run, untrusted, authority, stack, tmp_path):
    leaf = authority.leaf(NAME_B, start=now() - 9 * DAY, end=now() - DAY)
    got = run(url(serve(stack, tmp_path, leaf)), *untrusted).served[0]
    assert got["flags"] == 1 | EXPIRED | NAME | UNKNOWN_ISSUER
    assert got["verify"].count(";") == 2


def test_a_hundred_names(run, ca, authority, stack, tmp_path):
    names = [NAME_A] + [f"host{i}.example.org" for i in range(98)] + ["*.wild.example.org"]
    got = run(url(serve(stack, tmp_path, authority.leaf(*names)), "a.wild.example.org"), *ca).served[0]
    assert got["sans"]["n"] == 100 and [got["sans"][str(i)] for i in range(100)] == names
    assert got["status"] == "ok" and got["verify"] == "trusted"


def test_addresses_as_names(run, ca, authority, stack, tmp_path):
    server = serve(stack, tmp_path, authority.leaf("127.0.0.1", "2001:db8::1", cn="an address"))
    good, bad = run(f"tls://127.0.0.1:{server.port}", url(server, "127.0.0.2"), *ca).served
    if good["name"] != "127.0.0.1":
        good, bad = bad, good
    assert good["status"] == "ok" and [good["sans"]["0"], good["sans"]["1"]] == ["127.0.0.1", "2001:db8::1"]
    assert bad["flags"] & NAME


NASTY = "a\x1b]52;c;ZXZpbA==\x07\"quoted\",\\CN=evil\r\n\x00end\x9b\u202eflip"


def test_names_that_attack_the_reader(run, ca, authority, stack, tmp_path):
    odd = [x509.DNSName(n) for n in ("x\x1b[31m.example.org", 'q".example.org', "n\x00ul.example.org", "127.0.0.9")]
    odd += [x509.UniformResourceIdentifier("http://u/\x07"), x509.RFC822Name("e\x08@x")]
    leaf = certs.build(NASTY[:50], certs.new_key(), authority.intermediate, [NAME_A], extra_names=odd,
                       organization=NASTY)
    got = run(url(serve(stack, tmp_path, leaf)), *ca).served[0]  # the driver dies on unsanitised text
    assert got["sans"]["1"] == "x\\x1b[31m.example.org" and got["sans"]["2"] == 'q".example.org'
    assert got["sans"]["3"] == "n\\x00ul.example.org"
    assert got["sans"]["4"] == "DNS:127.0.0.9", "a DNS name must not pass for an address"
    assert got["sans"]["5"] == "URI:http://u/\\x07"
    assert "\u202e" not in got["subject"] and '\\"quoted\\"' in got["subject"]
    assert got["status"] == "ok"


def test_sni_chooses_the_certificate(run, ca, authority, stack, tmp_path):
    a, b, default = authority.leaf(NAME_A), authority.leaf(NAME_B), certs.self_signed("rcgen")
    ctx = servers.by_name(servers.context(*default.write(tmp_path, "default")), {
        NAME_A: servers.context(*a.write(tmp_path, "a")), NAME_B: servers.context(*b.write(tmp_path, "b"))})
    server = stack.enter_context(servers.Server(servers.tls(ctx)))
    got = run(url(server), url(server, NAME_B), url(server, "other.example.com"), *ca).served
    assert {c["name"]: c["sha256"] for c in got} == {
        NAME_A: a.sha256, NAME_B: b.sha256, "other.example.com": default.sha256}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version, text", [(ssl.TLSVersion.TLSv1, "TLSv1"), (ssl.TLSVersion.TLSv1_1, "TLSv1.1"),
                                           (ssl.TLSVersion.TLSv1_2, "TLSv1.2")])
def test_old_tls_is_seen_and_told(run, ca, authority, stack, tmp_path, version, text):
    server = serve(stack, tmp_path, authority.leaf(NAME_A, kind="rsa2048"), maximum=version)
    got = run(url(server), *ca)
    assert got.served[0]["tls"] == text and got.served[0]["error"] is None
    assert ("old_tls" in got.findings(NAME_A)) == (text != "TLSv1.2")


def test_a_short_key_is_seen_and_told(run, ca, authority, stack, tmp_path):
    got = run(url(serve(stack, tmp_path, authority.leaf(NAME_A, kind="rsa1024"))), *ca)
    assert got.served[0]["key_bits"] == 1024 and got.served[0]["flags"] & OTHER
    assert got.findings(NAME_A)["weak_key"]["text"] == "weak key: RSA, 1024 bits"


@pytest.fixture
def openssl_server(stack, tmp_path, authority):
    """`openssl s_server` with options; ends with the test."""
    chain = tmp_path / "chain.pem"
    chain.write_bytes(authority.intermediate.pem)

    def start(cert, key, *options):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        p = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", cert, "-key", key,
                              "-cert_chain", chain, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
        stack.callback(p.wait, 10)
        stack.callback(p.kill)
        for line in p.stdout:
            if line.startswith(b"ACCEPT"):
                return port
        raise AssertionError("openssl s_server did not start")
    return start


@pytest.mark.parametrize("make, state, finding", [
    (dict(), "good", None),
    (dict(status="revoked"), "revoked", "revoked"),
    (dict(this=now() - 9 * DAY, next_update=now() - 2 * DAY), "out of date", "staple_stale"),
])
def test_stapled_ocsp(run, ca, authority, openssl_server, tmp_path, make, state, finding):
    leaf = authority.leaf(NAME_A)
    cert, key = leaf.write(tmp_path, "leaf")
    (tmp_path / "staple").write_bytes(authority.staple(leaf, **make))
    port = openssl_server(cert, key, "-status_file", tmp_path / "staple")
    got = run(f"tls://127.0.0.1:{port}?name={NAME_A}", *ca)
    assert got.served[0]["ocsp"] == state and got.served[0]["ocsp_this"]
    assert set(got.findings(NAME_A)) == ({finding} if finding else set())


@pytest.mark.parametrize("answer", ["other", "forged", "garbage"])
def test_a_staple_that_proves_nothing(run, ca, authority, openssl_server, tmp_path, answer):
    leaf = authority.leaf(NAME_A)
    cert, key = leaf.write(tmp_path, "leaf")
    other = certs.Authority()  # same names, other keys
    staple = {"other": authority.staple(authority.leaf(NAME_B)), "forged": other.staple(leaf),
              "garbage": os.urandom(300)}[answer]
    (tmp_path / "staple").write_bytes(staple)
    port = openssl_server(cert, key, "-status_file", tmp_path / "staple")
    got = run(f"tls://127.0.0.1:{port}?name={NAME_A}", *ca).served[0]
    # openssl does not send what it can't parse
    assert got["ocsp"] == ("no staple" if answer == "garbage" else "not valid")


def test_must_staple_without_a_staple(run, ca, authority, openssl_server, tmp_path):
    cert, key = authority.leaf(NAME_A, must_staple=True).write(tmp_path, "leaf")
    port = openssl_server(cert, key)
    got = run(f"tls://127.0.0.1:{port}?name={NAME_A}", *ca)
    assert got.served[0]["must_staple"] and set(got.findings(NAME_A)) == {"staple_required"}


def test_openssl_server_with_two_names(run, ca, authority, openssl_server, tmp_path):
    a, b = authority.leaf(NAME_A), authority.leaf(NAME_B, kind="rsa2048")
    cert, key = a.write(tmp_path, "a")
    cert2, key2 = b.write(tmp_path, "b")
    port = openssl_server(cert, key, "-servername", NAME_B, "-cert2", cert2, "-key2", key2)
    got = run(f"tls://127.0.0.1:{port}?name={NAME_A}", f"tls://127.0.0.1:{port}?name={NAME_B}", *ca).served
    assert {c["name"]: c["sha256"] for c in got} == {NAME_A: a.sha256, NAME_B: b.sha256}


def test_a_server_that_wants_a_client_certificate_is_seen(run, ca, authority, openssl_server, tmp_path):
    leaf = authority.leaf(NAME_A)
    cert, key = leaf.write(tmp_path, "leaf")
    port = openssl_server(cert, key, "-Verify", "1", "-tls1_2")
    assert run(f"tls://127.0.0.1:{port}?name={NAME_A}", *ca).served[0]["sha256"] == leaf.sha256


def test_ipv6(run, ca, authority, stack, tmp_path):
    try:
        server = serve(stack, tmp_path, authority.leaf("::1", cn="loopback"), host="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    got = run(f"tls://[::1]:{server.port}", *ca).served[0]
    assert got["status"] == "ok" and got["endpoint"] == f"tls://[::1]:{server.port}"


def test_nobody_listens(run, ca):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    got = run(f"tls://127.0.0.1:{port}", *ca)
    assert got.served[0]["refused"] and got.served[0]["error"] == "Connection refused"
    assert got.row("127.0.0.1")["level"] == 2 and got.check["code"] == 2
    quiet = run(f"?tls://127.0.0.1:{port}", *ca)  # a default endpoint
    assert quiet.row("127.0.0.1")["level"] == 0
    assert quiet.check["code"] == 3, "silence everywhere proves nothing"


@pytest.mark.parametrize("handler, word", [
    (servers.says(b"220 mail ESMTP\r\n"), "clear text"),
    (servers.says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "clear text"),
    (servers.says(b"\x15\x03\x03\x00\x02\x02\x28", then="wait"), "handshake failed"),
    (servers.hang_up, "closed the connection during the TLS handshake"),
    (servers.says(b"\x16\x03\x03\xff\xff" + b"A" * 70000, then="wait"), "handshake failed"),
])
def test_servers_that_are_no_tls_servers(run, ca, stack, handler, word):
    server = stack.enter_context(servers.Server(handler))
    got = run(url(server), *ca, "--timeout", 5000).served[0]
    assert word in got["error"] and not got["refused"] and got["status"] == "unreachable"


def test_a_reset_in_the_handshake(run, ca, stack):
    server = stack.enter_context(servers.Server(servers.says(b"\x16", then="reset")))
    assert run(url(server), *ca).served[0]["error"]


def test_eight_endpoints_of_which_one_says_nothing(run, ca, authority, stack, tmp_path):
    leaf = authority.leaf(NAME_A)
    good = [serve(stack, tmp_path, leaf, f"leaf{i}") for i in range(5)]
    cert = leaf.write(tmp_path, "st")
    talk = [stack.enter_context(servers.Server(servers.starttls(p, servers.context(*cert))))
            for p in ("smtp", "imap")]
    mute = stack.enter_context(servers.Server(servers.silent))
    got = run(url(mute), *[url(s) for s in good], *[url(s, proto=p) for s, p in zip(talk, ("smtp", "imap"))],
              *ca, "--timeout", 4000)
    assert len(got.served) == 8
    last = got.served[-1]
    assert "within 4.0 s" in last["error"] and str(mute.port) in last["endpoint"]
    assert all(c["sha256"] == leaf.sha256 for c in got.served[:-1])
    # the promise is 300 ms on an idle host; under sanitizers on a busy one it must at least not wait for the mute one
    assert max(c["took_ms"] for c in got.served[:-1]) < 2000
    assert got.done["ms"] < 6000 and got.done["timers"] == 0


def test_a_hundred_at_once(run, ca, authority, stack, tmp_path):
    server = serve(stack, tmp_path, authority.leaf("*.example.org"))
    got = run(*[url(server, f"h{i}.example.org") for i in range(100)], *ca, "--timeout", 20000)
    assert len(got.served) == 100 and {c["status"] for c in got.served} == {"ok"}


def test_more_than_the_limit_is_told(run, ca, stack):
    server = stack.enter_context(servers.Server(servers.says(b"", then="close")))
    got = run(*[url(server, f"h{i}.example.org") for i in range(260)], *ca, "--timeout", 20000)
    assert len(got.served) == 260
    assert sum("not tried" in c["error"] for c in got.served) == 4


def test_cancelling_from_within_a_result(run, ca, authority, stack, tmp_path):
    good = serve(stack, tmp_path, authority.leaf(NAME_A))
    mute = stack.enter_context(servers.Server(servers.silent))
    got = run(url(good), url(mute), f"tls://no-such-host.invalid:{good.port}", *ca, "--timeout", 20000,
              "--cancel-first")
    assert got.done["results"] == 1 and got.done["timers"] == 0 and got.done["ms"] < 10000


@pytest.fixture
def fake_getent(tmp_path):
    """PATH with a getent of our own before the real tools."""
    def make(script):
        d = tmp_path / "bin"
        d.mkdir()
        (d / "getent").write_text("#!/bin/sh\n" + script)
        (d / "getent").chmod(0o755)
        return {"PATH": f"{d}:{os.environ['PATH']}"}
    return make


def test_localhost_is_loopback(run, ca, authority, stack, tmp_path, fake_getent):
    leaf = authority.leaf("localhost")
    server = serve(stack, tmp_path, leaf)
    got = run(f"tls://localhost:{server.port}", *ca, env=fake_getent("exit 2\n")).served[0]
    assert got["sha256"] == leaf.sha256 and got["status"] == "ok"


def test_a_name_is_resolved(run, ca, authority, stack, tmp_path, fake_getent):
    leaf = authority.leaf(NAME_A)
    server = serve(stack, tmp_path, leaf)
    asked = tmp_path / "asked"
    env = fake_getent(f"echo \"$@\" >{asked}; echo '127.0.0.1       STREAM x'\n")
    got = run(f"tls://{NAME_A}:{server.port}", *ca, env=env).served[0]
    assert got["sha256"] == leaf.sha256 and got["status"] == "ok"
    assert asked.read_text().split() == ["ahosts", NAME_A]


def test_slow_dns_blocks_nobody(run, ca, authority, stack, tmp_path, fake_getent):
    server = serve(stack, tmp_path, authority.leaf(NAME_A))
    env = fake_getent("exec sleep 60\n")
    got = run("tls://slow.example.org:443", "tls://slow.example.org:993", url(server), *ca, "--timeout", 2000,
              env=env)
    assert got.served[0]["status"] == "ok"
    assert [c["error"] for c in got.served[1:]] == ["no address found within 2.0 s"] * 2
    assert got.done["ms"] < 6000


def test_unknown_host(run, ca, fake_getent):
    env = fake_getent("exit 2\n")
    got = run("tls://nowhere.example.org:443", "?tls://nowhere.example.org:993", *ca, env=env)
    assert {c["error"] for c in got.served} == {"no address is known for nowhere.example.org"}
    assert got.row("nowhere.example.org", 993)["level"] == 1, "not being found is no 'not listening'"


def test_a_dead_address_does_not_hide_a_live_one(run, ca, authority, stack, tmp_path, fake_getent):
    leaf = authority.leaf("two.example.org")
    server = serve(stack, tmp_path, leaf)
    env = fake_getent("echo '127.0.0.77 STREAM two.example.org'\necho '127.0.0.1 STREAM'\n")
    got = run(f"tls://two.example.org:{server.port}", *ca, env=env).served[0]
    assert got["sha256"] == leaf.sha256


def test_getent_never_gets_an_option(driver_path, fake_getent):
    env = {**os.environ, **fake_getent("echo called >&2\n")}
    p = subprocess.run([str(driver_path), "tls://-x:443"], capture_output=True, env=env, timeout=60)
    assert p.returncode != 0 and b"no host name" in p.stderr and b"called" not in p.stderr
