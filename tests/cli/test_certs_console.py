# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates panel acts as the verb does: the verdict on the screen is what clients get, and what was probed stays in sight."""

import pytest

from certs_world import DAY, NAME, authority, loaded, now, old, sandbox, serve, store, trusted  # noqa: F401
from program import BIN
from terminal import Terminal


@pytest.fixture
def console(world):
    def start(p, port, *args):
        world.configure('profile "default" { url = "%s" user = "%s" names = {"%s"} endpoints = {"tls://127.0.0.1:%d?name=%s"} }\n' % (
            p.url, p.user, NAME, port, NAME))
        env = {**world.environment(None), "STALWARDEN_PASSWORD": p.password}
        env.pop("STALWARDEN_URL", None)
        return Terminal([BIN, "--log-source", p.log_dir, *args], cols=120, rows=36, env=env)
    return start


def row_of(t, name=NAME):
    return "\n".join(line for line in t.text.splitlines() if name in line)


def probe(t, port):
    t.wait_text("live")
    t.send("7")
    t.wait_text(NAME)
    t.send("p")
    t.wait_text(":%d" % port)


def test_a_reload_that_changes_what_is_served(p15, sandbox, authority, trusted, serve, console):
    before, after = old(authority), authority.leaf(NAME)
    store(p15, after)
    port = serve(loaded(p15, before, after))
    with console(p15, port, *trusted) as t:
        probe(t, port)
        t.wait_text("served is not the one that is stored")
        assert before.sha256[:4] in row_of(t) and after.sha256[:4] in row_of(t)
        t.send("1")
        t.wait_text("! %s:%d: served is not the one that is stored" % (NAME, port))  # an alarm, wherever one is
        t.send("7")
        t.send("R")
        t.wait_text("Reload")
        t.send("y")
        t.wait_text("1 of 1 endpoints serve another certificate now")
        t.wait_gone("served is not the one that is stored")  # neither row nor alarm
        assert "in force" in t.text and before.sha256[:4] not in row_of(t)


def test_a_reload_that_changes_nothing(p15, sandbox, authority, trusted, serve, console):
    before, after = old(authority), authority.leaf(NAME)
    store(p15, after)
    port = serve(lambda: before)
    with console(p15, port, *trusted) as t:
        probe(t, port)
        t.send("R")
        t.wait_text("Reload")
        t.send("y")
        t.wait_text("stored, NOT in force")
        t.wait_text("1 of the 1 endpoints that the reload should change do not serve")


def test_what_was_probed_stays(p15, sandbox, authority, trusted, serve, console):
    cert = authority.leaf(NAME)
    store(p15, cert)
    port = serve(lambda: cert)
    with console(p15, port, *trusted) as t:
        probe(t, port)
        t.wait_text("probed")
        t.send("r")
        t.settle()
        t.send("37")
        t.settle()
        assert ":%d" % port in row_of(t) and "not probed" not in t.text


def test_a_renewal_is_followed(practice, sandbox, authority, trusted, serve, console):
    leaf = authority.leaf(NAME, end=now() + 3 * DAY)
    p = practice("0.16", options={"certificates": [leaf.fullchain.decode()], "domains": ["example.org"]})
    port = serve(lambda: leaf)
    with console(p, port, *trusted) as t:
        probe(t, port)
        t.send("e")
        t.wait_text("Renew the certificate of " + NAME)
        t.send("y")
        t.wait_text("the renewal failed: Invalid request: ACME not configured for domain")
        assert "not stored" in t.text


def test_an_upload_that_wants_the_word(p15, sandbox, authority, trusted, serve, console, tmp_path):
    leaf = authority.leaf("other.example.org")
    cert, key = leaf.write(tmp_path, "new")
    with console(p15, serve(lambda: leaf), *trusted) as t:
        t.wait_text("live")
        t.send("7a")
        t.wait_text("Upload:")
        t.send("%s %s\r" % (cert, key))
        t.wait_text("Type override")
        t.wait_text("it does not name mail.example.org")
        t.send("\x1b")
        t.wait_text("nothing was sent")
        t.send("a")
        t.wait_text("Upload:")
        t.send("%s %s\r" % (cert, key))
        t.wait_text("Type override")
        t.send("override\r")
        t.wait_text("in force")
