# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of certificates need: an authority, mail servers that serve what they are told to, a host's disk. Knows no verb but `certs`."""

import base64
import contextlib
import threading

import pytest

import tls_certs as certs
import tls_servers as servers
from tls_certs import DAY, now

NAME = "mail.example.org"


@pytest.fixture(scope="session")
def authority():
    return certs.Authority()


@pytest.fixture
def trusted(authority, tmp_path):
    """The option that makes the test's root a trusted one."""
    return ["--cacert", str(authority.write_root(tmp_path))]


@pytest.fixture
def serve(tmp_path):
    """serve(choose) -> port; choose() says which certificate the next client gets."""
    with contextlib.ExitStack() as stack:
        made, lock = {}, threading.Lock()       # each connection has its thread

        def context(cert):
            with lock:
                return context_of(cert)

        def context_of(cert):
            if cert.sha256 not in made:
                made[cert.sha256] = servers.context(*cert.write(tmp_path, cert.sha256))
            return made[cert.sha256]

        def start(choose):
            def handle(_, connection):
                servers.handshake(connection, context(choose()))
            return stack.enter_context(servers.Server(handle)).port
        yield start


@pytest.fixture
def sandbox(tmp_path, world):
    """Every path of the file system that certificates come from, under a folder of its own."""
    root = tmp_path / "root"
    root.mkdir()
    world.env["STALWARDEN_ROOT"] = str(root)
    return root


def at(port, name=NAME):
    return ["--endpoint", "tls://127.0.0.1:%d?name=%s" % (port, name)]


def old(authority, name=NAME, left=10, **more):
    return authority.leaf(name, start=now() - 80 * DAY, end=now() + left * DAY, **more)


def store(p, cert, name="main"):
    """The certificate of a settings server, as its administrator would have put it there."""
    p.edit(set={"certificate.%s.cert" % name: cert.fullchain.decode(), "certificate.%s.private-key" % name: cert.key_pem.decode()})


def loads(p):
    return p.state()["live"]["certs"]


def loaded(p, before, after):
    """What a mail server serves that reads its certificates anew when it is told to."""
    start = loads(p)
    return lambda: after if loads(p) > start else before


def finding_of(world, name, *args):
    """The row of that name, with its first finding."""
    rows = [r for r in world.run("certs", *args, "-o", "json").rows() if r["name"] == name]
    assert rows, "no row of %s" % name
    return rows[0]


def acme_value(leaf):
    """As 0.15 stores what ACME issued: the key and the chain in one PEM text, base64 without padding."""
    return base64.urlsafe_b64encode(leaf.key_pem + b"\n" + leaf.fullchain).rstrip(b"=").decode()
