# SPDX-License-Identifier: GPL-3.0-or-later
"""The API over TLS: whatever certificate the server shows, credentials arrive only where it is trusted, and a refusal says why and
which key was met."""

import base64
import hashlib
import os
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization

import tls_certs
import tls_servers
from program import BIN

CANARY = "canary-77f2"
HANG_S = 60
WRONG_PIN = "sha256//" + base64.b64encode(b"\1" * 32).decode()


def pin_of(cert):
    spki = cert.key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "sha256//" + base64.b64encode(hashlib.sha256(spki).digest()).decode()


def web(ctx):
    """Answers 404 to everything; what came through the handshake is kept."""
    def handle(server, connection):
        with ctx.wrap_socket(connection, server_side=True) as tls:
            data = b""
            while b"\r\n\r\n" not in data:
                got = tls.recv(4096)
                if not got:
                    return
                data += got
            server.seen.append(data)
            tls.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    return handle


@pytest.fixture(scope="module")
def authority():
    return tls_certs.Authority()


def certificate(kind, authority):
    day = tls_certs.DAY
    now = tls_certs.now()
    return {
        "good": lambda: authority.leaf("localhost"),
        "expired": lambda: authority.leaf("localhost", start=now - 90 * day, end=now - day),
        "not yet": lambda: authority.leaf("localhost", start=now + day, end=now + 90 * day),
        "wrong name": lambda: authority.leaf("mail.example.org"),
        "self-signed": lambda: tls_certs.self_signed("localhost"),
        "unknown CA": lambda: tls_certs.Authority("Other").leaf("localhost"),
        "no chain": lambda: authority.leaf("localhost"),
        "short key": lambda: authority.leaf("localhost", kind="rsa1024"),
        "TLS 1.1": lambda: authority.leaf("localhost"),
    }[kind]()


# Who is trusted with what in the profile. "short key" is refused by OpenSSL's security level wherever certificates are verified.
ALL = {"good", "expired", "not yet", "wrong name", "self-signed", "unknown CA", "no chain", "short key"}
TRUSTED = {
    "default": set(),
    "ca": {"good"},
    "pin": ALL,
    "wrong pin": set(),
    "ca and pin": {"good"},
    "ca and wrong pin": set(),
    "insecure": ALL,
}
REASONS = {"expired": "expired", "not yet": "not yet valid", "wrong name": "subject name", "self-signed": "self-signed",
           "no chain": "issuer", "short key": "too weak"}


@pytest.mark.parametrize("trust", sorted(TRUSTED))
@pytest.mark.parametrize("kind", sorted(ALL | {"TLS 1.1"}))
def test_credentials_arrive_only_where_trusted(kind, trust, authority, tmp_path):
    import ssl
    cert = certificate(kind, authority)
    files = cert.write(tmp_path, "server", fullchain=kind != "no chain")
    ctx = tls_servers.context(*files, maximum=ssl.TLSVersion.TLSv1_1 if kind == "TLS 1.1" else None)
    root = authority.write_root(tmp_path)
    with tls_servers.Server(web(ctx)) as server:
        lines = ['url = "https://localhost:%d"' % server.port, "user = admin"]
        if "ca" in trust.split():
            lines.append('ca_file = "%s"' % root)
        if "pin" in trust.split():
            lines.append('pin = "%s"' % (WRONG_PIN if "wrong" in trust else pin_of(cert)))
        config = tmp_path / "c.conf"
        config.write_text("profile t { %s }\n" % " ".join(lines))
        config.chmod(0o600)
        argv = [BIN, "--config", str(config), "--state", str(tmp_path / "state"), "--timeout", "5"]
        if trust == "insecure":
            argv.append("--insecure")
        env = dict(os.environ, STALWARDEN_PASSWORD=CANARY, HOME=str(tmp_path), LC_ALL="C.UTF-8")
        done = subprocess.run(argv + ["probe"], env=env, capture_output=True, timeout=HANG_S)
        seen = b"".join(server.seen)
    trusted = kind in TRUSTED[trust]
    text = done.stderr.decode()
    assert (base64.b64encode(("admin:" + CANARY).encode()) in seen) == trusted, text
    assert CANARY not in text and CANARY not in done.stdout.decode()
    assert done.returncode == 5, text
    if trusted or kind == "TLS 1.1":
        return
    assert not seen
    assert pin_of(cert) in text
    if "pin" not in trust.split():
        assert "not trusted" in text
    if trust == "ca" and kind in REASONS:
        assert REASONS[kind] in text
    if trust == "wrong pin":
        assert "not the pinned one" in text
