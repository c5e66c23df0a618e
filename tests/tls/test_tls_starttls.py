# SPDX-License-Identifier: GPL-3.0-or-later
"""STARTTLS of four protocols, and servers that refuse it, forge it or never come to an end."""

import pytest

import tls_certs as certs
import tls_servers as servers

NAME = "mail.example.org"


@pytest.fixture
def leaf(authority, tmp_path):
    leaf = authority.leaf(NAME)
    leaf.context = servers.context(*leaf.write(tmp_path, "leaf"))
    return leaf


def url(server, proto):
    return f"{proto}://127.0.0.1:{server.port}?name={NAME}"


@pytest.mark.parametrize("proto, said", [
    ("smtp", ["EHLO stalwarden.invalid", "STARTTLS"]), ("imap", ["a1 STARTTLS"]), ("pop3", ["STLS"]),
    ("sieve", ["STARTTLS"])])
@pytest.mark.parametrize("slow", [False, True])
def test_each_protocol(run, ca, stack, leaf, proto, said, slow):
    server = stack.enter_context(servers.Server(servers.starttls(proto, leaf.context, slow=slow)))
    got = run(url(server, proto), *ca).served[0]
    assert got["sha256"] == leaf.sha256 and got["verify"] == "trusted" and got["status"] == "ok"
    assert got["endpoint"] == f"{proto}://127.0.0.1:{server.port}"
    assert server.seen == said


def test_our_name_in_ehlo(run, ca, stack, leaf):
    server = stack.enter_context(servers.Server(servers.starttls("smtp", leaf.context)))
    run(url(server, "smtp"), *ca, "--ehlo", "probe.example.org")
    assert server.seen[0] == "EHLO probe.example.org"


def test_sieve_with_implicit_tls(run, ca, stack, leaf):
    server = stack.enter_context(servers.Server(servers.tls(leaf.context)))
    got = run(url(server, "sieve"), *ca).served[0]
    assert got["sha256"] == leaf.sha256


@pytest.mark.parametrize("proto, change, word", [
    ("smtp", dict(greeting=b"554 5.7.1 \x1b[31mgo away\r\n"), "refused by the server: 554 5.7.1 \\x1b[31mgo away"),
    ("smtp", dict(capabilities=b"502 no\r\n"), "EHLO refused: 502 no"),
    ("smtp", dict(capabilities=b"250-mail\r\n250 SIZE 1\r\n"), "offers no STARTTLS"),
    ("smtp", dict(capabilities=b"250-mail\r\n250 XSTARTTLS\r\n"), "offers no STARTTLS"),
    ("smtp", dict(agreed=b"454 TLS not available\r\n"), "STARTTLS refused: 454 TLS not available"),
    ("imap", dict(greeting=b"* BYE too many\r\n"), "refused by the server: * BYE too many"),
    ("imap", dict(greeting=b"* PREAUTH hello\r\n"), "already authenticated"),
    ("imap", dict(agreed=b"a1 NO not now\r\n"), "STARTTLS refused: a1 NO not now"),
    ("imap", dict(agreed=b"* BYE gone\r\n"), "closed by the server: * BYE gone"),
    ("pop3", dict(greeting=b"-ERR busy\r\n"), "refused by the server: -ERR busy"),
    ("pop3", dict(agreed=b"-ERR no\r\n"), "STLS refused: -ERR no"),
    ("sieve", dict(greeting=b'"SASL" ""\r\nOK\r\n'), "offers no STARTTLS"),
    ("sieve", dict(greeting=b'BYE "no"\r\n'), "refused by the server"),
    ("sieve", dict(agreed=b'NO "not now"\r\n'), "STARTTLS refused"),
    ("smtp", dict(agreed=b"220 go\r\n250 injected\r\n"), "more in clear text after it agreed to TLS"),
    ("imap", dict(agreed=b"a1 OK go\r\n* CAPABILITY injected\r\n"), "more in clear text after it agreed to TLS"),
    ("smtp", dict(greeting=b"220-" + b"x" * 10000 + b"\r\n"), "too long"),
    ("pop3", dict(greeting=b""), "says nothing within"),
    ("smtp", dict(capabilities=b"250-mail\r\n"), "did not come to an end within"),
])
def test_answers_that_end_it(run, ca, stack, leaf, proto, change, word):
    server = stack.enter_context(servers.Server(servers.starttls(proto, leaf.context, **change)))
    got = run(url(server, proto), *ca, "--timeout", 1500).served[0]
    assert word in got["error"] and got["sha256"] == "" and not got["refused"]


def test_a_server_that_talks_for_ever(run, ca, stack):
    server = stack.enter_context(servers.Server(servers.endless(b"220-still talking\r\n")))
    got = run(url(server, "smtp"), *ca, "--timeout", 20000)
    assert "too long" in got.served[0]["error"] and got.done["ms"] < 15000


def test_self_signed_behind_starttls(run, ca, stack, tmp_path):
    leaf = certs.self_signed("rcgen self signed cert")
    server = stack.enter_context(servers.Server(
        servers.starttls("imap", servers.context(*leaf.write(tmp_path, "rcgen")))))
    got = run(url(server, "imap"), *ca)
    assert got.served[0]["self_signed"] and got.row(NAME)["status"] == "self_signed"
