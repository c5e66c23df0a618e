# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys pass through: in the value of a certificate that ACME issued, in a file beside a certificate, in an upload. Afterwards no byte
of one is left in the memory of the console, which runs on for days."""

import base64
import contextlib
import pathlib
import sys

import pytest
from cryptography.hazmat.primitives import serialization

from certs_world import NAME, acme_value, authority  # noqa: F401
from program import BIN
from terminal import Terminal

WINDOW = 16                                     # bytes of key material in a row that are no accident


def memory(pid):
    """Every byte that the process could read, mappings of files left out."""
    data = []
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            fields = line.split()
            if not fields[1].startswith("rw") or (len(fields) > 5 and fields[5].startswith("/")):
                continue
            first, last = (int(x, 16) for x in fields[0].split("-"))
            if last - first > 1 << 30:          # a sanitizer's shadow
                continue
            with contextlib.suppress(OSError, OverflowError):
                mem.seek(first)
                data.append(mem.read(last - first))
    return data


def windows(data, first=0, last=None):
    """Every piece of WINDOW bytes between two places of a longer text."""
    return {bytes(data[i:i + WINDOW]) for i in range(first, (len(data) if last is None else last) - WINDOW + 1)}


def encoded(text, first, last):
    """Where in the base64 of a text a part of it stands: only whole letters of it."""
    code = base64.b64encode(text)
    assert first < last
    return code, -(-first * 4 // 3), last * 4 // 3


def traces(leaf):
    """What would give the key away: its number, as such, in PEM, and in PEM that is encoded once more as the server stores it."""
    number = leaf.key.private_numbers().private_value.to_bytes(32, "big")
    der = leaf.key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    at = der.index(number)
    code, first, last = encoded(der, at, at + len(number))
    lines = leaf.key_pem.splitlines()
    assert b"".join(lines[1:-1]) == code
    found = windows(number) | windows(number[::-1]) | windows(code, first, last)
    begin = len(lines[0]) + 1                   # letters of the first line, which a newline ends after 64
    first_line = leaf.key_pem[:begin + min(last, 64)]
    again, from_, to = encoded(leaf.key_pem, begin + first, len(first_line))
    return found | windows(again.replace(b"+", b"-").replace(b"/", b"_"), from_, to)


def left_in(t, wanted):
    return sorted(w for data in memory(t.process.pid) for w in wanted if w in data)


def console(world, *args):
    return Terminal([BIN, *args], cols=120, rows=30, env=world.environment(None))


def test_the_search_finds_what_is_there(world, authority):
    """A process that does keep the key: else the other tests would prove nothing."""
    leaf = authority.leaf(NAME)
    path = world.path("work", "key")
    pathlib.Path(path).write_bytes(leaf.key_pem)
    keeper = [sys.executable, "-c", "import sys; k = open(sys.argv[1]).read(); print('ready', flush=True); input()", path]
    with Terminal(keeper, env=world.environment(None)) as t:
        t.wait_text("ready")
        assert left_in(t, traces(leaf))


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_an_issued_certificate(world, practice, authority, tls):
    leaf = authority.leaf(NAME)
    opts = {}
    if tls:
        folder = pathlib.Path(world.path("work"))
        opts["tls"] = list(authority.leaf("127.0.0.1").write(folder, "server"))
    p = practice("0.15", **opts)
    world.use(p)
    p.edit(set={"acme.letsencrypt.directory": "https://acme-v02.api.letsencrypt.org/directory",
                "acme.letsencrypt.cert": acme_value(leaf)})
    args = ["--cacert", str(authority.write_root(pathlib.Path(world.path("work"))))] if tls else []
    with console(world, *args) as t:
        t.wait_text("live")
        t.send("7")
        t.wait_text(NAME)
        t.send("r")
        t.settle()
        assert not left_in(t, traces(leaf))


def test_a_file_that_holds_both(world, p15, authority, tmp_path):
    leaf = authority.leaf(NAME)
    both = tmp_path / "both.pem"
    both.write_bytes(leaf.key_pem + leaf.fullchain)
    world.configure('profile "default" { url = "%s" user = "%s" cert_files = {"%s"} }\n' % (p15.url, p15.user, both))
    with console(world) as t:
        t.wait_text("live")
        t.send("7")
        t.wait_text(NAME)
        t.settle()
        assert not left_in(t, traces(leaf))


@pytest.mark.parametrize("persona", ["0.15", "0.16"])
def test_an_upload(world, practice, authority, tmp_path, persona):
    leaf = authority.leaf(NAME)
    cert, key = leaf.write(tmp_path, "new")
    world.use(practice(persona))
    with console(world) as t:
        t.wait_text("live")
        t.send("7")
        t.wait_text("NAME")
        t.send("a")
        t.wait_text("Upload:")
        t.send("%s %s\r" % (cert, key))
        t.wait_text("Upload the certificate of")
        t.send("y")
        t.wait_text("in force")
        t.settle()
        assert not left_in(t, traces(leaf))
