# SPDX-License-Identifier: GPL-3.0-or-later
"""`certs upload`: what a server or its clients would refuse is refused before anything is sent; what was sent is proven by what is served."""

import os

import pytest
from cryptography.hazmat.primitives import serialization

from certs_world import (DAY, NAME, at, authority, certs, loaded, loads, now, old, sandbox, serve, trusted)  # noqa: F401
from cli_world import CREDENTIALS, DONE, NOTHING, REFUSED, STORED, USAGE

GENERATIONS = ["0.8", "0.10", "0.15", "0.16"]


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "pair"
    path.mkdir()
    return path


def upload(world, folder, leaf, *args, key=None, cert=None):
    """The pair as files; no run may quote the key."""
    (folder / "cert.pem").write_bytes(leaf.fullchain if cert is None else cert)
    (folder / "key.pem").write_bytes(leaf.key_pem if key is None else key)
    world.secrets |= {line.decode() for line in leaf.key_pem.splitlines()[1:-1] if len(line) > 20}
    return world.run("certs", "upload", str(folder / "cert.pem"), str(folder / "key.pem"), *args)


@pytest.mark.parametrize("persona", GENERATIONS)
def test_a_pair_is_stored_and_served(world, practice, sandbox, authority, trusted, serve, folder, persona):
    p = practice(persona)
    world.use(p)
    before, after = old(authority), authority.leaf(NAME)
    port = serve(loaded(p, before, after))
    result = upload(world, folder, after, *at(port), *trusted, "-o", "json")
    row = result.one()
    assert (result.rc, row["op"], row["target"], row["verdict"]) == (DONE, "cert_upload", NAME, "in_force"), result
    assert [s["step"] for s in row["steps"]] == ["write", "read_back", "reload", "watch"] and all(s["ok"] for s in row["steps"])
    assert "1 of 1 endpoints serve another certificate now" in row["detail"]
    rows = world.run("certs", *at(port), *trusted, "-o", "json").rows()
    assert {r["sha256"] for r in rows if r["name"] == NAME and r["sha256"]} == {after.sha256}
    assert rows[0]["status"] == "ok"
    assert all(secret.encode() not in world.files() for secret in world.secrets), "the journal holds the key"


@pytest.mark.parametrize("persona", ["0.15", "0.16"])
def test_a_pair_that_is_stored_and_not_served(world, practice, sandbox, authority, trusted, serve, folder, persona):
    p = practice(persona)
    world.use(p)
    before = old(authority)
    result = upload(world, folder, authority.leaf(NAME), *at(serve(lambda: before)), *trusted, "-o", "json")
    assert (result.rc, result.one()["verdict"]) == (STORED, "stored"), result
    assert "do not serve the stored certificate" in result.one()["detail"]


def test_the_same_pair_again(world, p15, sandbox, authority, folder):
    leaf = authority.leaf(NAME)
    assert upload(world, folder, leaf, *at(9)).rc == DONE
    result = upload(world, folder, leaf, *at(9))
    assert result.rc in (DONE, NOTHING), result
    newer = authority.leaf(NAME)
    assert upload(world, folder, newer, *at(9)).rc == DONE
    stored = [r for r in world.run("certs", "-o", "json").rows() if r["id"] == NAME]
    assert [r["sha256"] for r in stored] == [newer.sha256], "a second row beside the first"


def test_a_wildcard(world, p15, sandbox, authority, folder):
    leaf = authority.leaf("*.example.org")
    result = upload(world, folder, leaf, *at(9), "-o", "json")
    assert (result.rc, result.one()["target"]) == (DONE, "wildcard.example.org"), result
    assert "wildcard.example.org" in [r["id"] for r in world.run("certs", "-o", "json").rows()]


def locked(leaf):
    return leaf.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                  serialization.BestAvailableEncryption(b"a passphrase"))


def useless(authority):  # noqa: F811
    leaf, other = authority.leaf(NAME), authority.leaf(NAME)
    expired = authority.leaf(NAME, start=now() - 9 * DAY, end=now() - DAY)
    return {
        "another's key": (leaf, dict(key=other.key_pem), "the key does not belong to the certificate"),
        "no key": (leaf, dict(key=b"nothing"), "holds no private key"),
        "locked key": (leaf, dict(key=locked(leaf)), "has a passphrase"),
        "no certificate": (leaf, dict(cert=b"nothing"), "holds no certificate"),
        "cut certificate": (leaf, dict(cert=leaf.pem[:300]), "holds no certificate"),
        "expired": (expired, {}, "the certificate expired on"),
    }


@pytest.mark.parametrize("persona", ["0.15", "0.16"])
@pytest.mark.parametrize("kind", ["another's key", "no key", "locked key", "no certificate", "cut certificate", "expired"])
def test_what_no_server_could_use(world, practice, sandbox, authority, folder, persona, kind):
    """--force does not send it either."""
    p = practice(persona)
    world.use(p)
    leaf, files, words = useless(authority)[kind]
    for args in ([], ["--force"], ["--dry-run"]):
        result = upload(world, folder, leaf, *args, **files)
        assert result.rc == USAGE and "not sent: " in result.err and words in result.err, result
    assert loads(p) == p.state()["live"]["certs"] and not [r for r in world.run("certs", "-o", "json").rows() if r["name"] == NAME]


def doubtful(authority):  # noqa: F811
    leaf, early = authority.leaf(NAME), authority.leaf(NAME, start=now() + DAY)
    alone, weak = certs.self_signed(NAME), authority.leaf(NAME, kind="rsa1024")
    return {
        "chain order": (leaf, dict(cert=authority.intermediate.pem + leaf.pem), "the chain is in the wrong order"),
        "no intermediate": (leaf, dict(cert=leaf.pem), "only the certificate is there"),
        "not yet valid": (early, {}, "not valid before"),
        "self-signed": (alone, {}, "it is self-signed"),
        "weak": (weak, {}, "its key is weak: RSA, 1024 bits"),
        "names": (authority.leaf("other.example.org"), {}, "it does not name mail.example.org"),
    }


@pytest.mark.parametrize("kind", ["chain order", "no intermediate", "not yet valid", "self-signed", "weak", "names"])
def test_what_clients_would_refuse_wants_force(world, p15, sandbox, authority, folder, kind):
    world.configure('profile "default" { url = "%s" user = "%s" names = {"%s"} }\n' % (p15.url, p15.user, NAME))
    world.server["STALWARDEN_URL"] = None
    leaf, files, words = doubtful(authority)[kind]
    result = upload(world, folder, leaf, *at(9), **files)
    assert result.rc == REFUSED and words in result.err and "--force overrides" in result.err, result
    assert not [r for r in world.run("certs", "-o", "json").rows() if r["sha256"] == leaf.sha256]
    result = upload(world, folder, leaf, *at(9), "--force", "-o", "json", **files)
    assert (result.rc, result.one()["verdict"]) == (DONE, "in_force") and words in result.err, result
    assert [r for r in world.run("certs", "-o", "json").rows() if r["sha256"] == leaf.sha256]


def test_files_that_cannot_be_read(world, p15, sandbox, authority, folder):
    leaf = authority.leaf(NAME)
    cert, key = leaf.write(folder, "x")
    for pair in ((str(cert), str(folder / "none")), (str(folder / "none"), str(key))):
        result = world.run("certs", "upload", *pair)
        assert result.rc == USAGE and "can't be read" in result.err, result
    (folder / "big").write_bytes(b"A" * (1 << 20) + b"A")
    result = world.run("certs", "upload", str(folder / "big"), str(key))
    assert result.rc == USAGE and "too long" in result.err, result
    os.mkfifo(folder / "fifo")
    for odd in (folder, folder / "fifo"):
        result = world.run("certs", "upload", str(odd), str(key))
        assert result.rc == USAGE and "is no regular file" in result.err, result


def test_a_dry_run_masks_the_key(world, p15, sandbox, authority, folder):
    start = loads(p15)
    result = upload(world, folder, authority.leaf(NAME), "--dry-run")
    assert result.rc == DONE and "certificate.%s.cert" % NAME in result.out and "private-key" in result.out, result
    assert loads(p15) == start


@pytest.mark.parametrize("persona", ["0.6", "rest"])
def test_generations_that_take_none(world, practice, sandbox, authority, folder, persona):
    world.use(practice(persona))
    result = upload(world, folder, authority.leaf(NAME))
    assert result.rc == USAGE and "this server's generation can't do that" in result.err, result


def test_a_key_that_may_not_write(world, practice, sandbox, authority, folder):
    p = practice("0.15", options={"keys": [{"name": "k", "secret": "s", "permissions": ["settings-list", "settings-reload"]}]})
    world.use_key(p, "k", "s")
    result = upload(world, folder, authority.leaf(NAME), *at(9), "-o", "json")
    assert result.rc == CREDENTIALS, result
    assert not [r for r in world.run("certs", "-o", "json").rows() if r["name"] == NAME]


def test_a_server_that_cannot_load_it(world, p15, sandbox, authority, folder):
    """Stored, and the reload complains of it: not in force, and the server's words are told."""
    p15.fault("answer", path="^/api/reload/certificate$", json={"data": {"errors": {"certificate." + NAME: {
        "type": "build", "error": "No private keys found.\u001b]0;x\u0007"}}, "warnings": {}}})
    result = upload(world, folder, authority.leaf(NAME), *at(9), "-o", "json")
    assert (result.rc, result.one()["verdict"]) == (STORED, "stored"), result
    assert "No private keys found." in result.one()["detail"]
