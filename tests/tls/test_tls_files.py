# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates on disk and who renews them: a sandboxed /etc/letsencrypt, a systemctl of our own, a real nginx, and pairs
before an upload."""

import base64
import datetime
import json
import os
import shutil
import signal
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization

import tls_certs as certs
import tls_servers as servers
from tls_certs import DAY, now
from tls_sandbox import LIVE, TIMER, Sandbox, children, fake_systemctl, start_nginx, wait_for

NAME = "mail.example.org"


@pytest.fixture
def sandbox(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    return Sandbox(root)


@pytest.fixture
def systemctl(tmp_path):
    return lambda answer, status=0: fake_systemctl(tmp_path / "bin", answer, status)


NOW = {"STALWARDEN_NOW": "2026-11-21T00:00:00Z"}
AT = datetime.datetime(2026, 11, 21)


def old(authority, *names, left=19):
    return authority.leaf(*names, start=AT - 60 * DAY, end=AT + left * DAY)


def test_lineages_are_read_with_their_names(run, authority, sandbox):
    cert = old(authority, "admin.example.org", "www.example.org")
    sandbox.lineage("admin.example.org", cert, "renew_before_expiry = 20 days")
    got = run("--files", "--root", sandbox.root, env=NOW)
    assert [(c["source"], c["path"], c["sha256"]) for c in got.certs] == [
        ("file", f"/{LIVE}/admin.example.org/fullchain.pem", cert.sha256)]
    r = got.of("renewal")[0]
    assert (r["by"], r["id"], r["names"]["0"], r["names"]["1"]) == (
        "certbot", "admin.example.org", "admin.example.org", "www.example.org")
    assert (r["challenge"], r["directory"]) == ("nginx", "https://acme-v02.api.letsencrypt.org/directory")
    assert r["renew_before_d"] == 20 and r["state"] == "unknown"
    row = got.row("admin.example.org")
    assert row["renewed_by"] == "certbot" and row["status"] == "warning"


@pytest.mark.parametrize("active, when, result, words, finding", [
    ("active", "Sat 2026-11-21 07:00:00 UTC", "success", "timer active, next run in 7 h", None),
    ("inactive", "", "success", "timer not active", "timer_inactive"),
    ("active", "Sat 2026-11-21 07:00:00 UTC", "exit-code",
     "timer active, next run in 7 h, last attempt failed: certbot.service: exit-code", "renewal_failed"),
    ("active", "n/a", "success", "timer active", None),
])
def test_the_timer(run, authority, sandbox, systemctl, active, when, result, words, finding):
    sandbox.lineage("admin.example.org", old(authority, "admin.example.org"))
    env = systemctl(TIMER.format(active=active, next=when, result=result))
    got = run("--files", "--timer", "--root", sandbox.root, env={**NOW, **env})
    r = got.of("renewal")[0]
    assert r["words"].startswith(words) and r["timer_known"] and r["timer_active"] == (active == "active")
    found = got.findings("admin.example.org")
    assert set(found) == {"expires"} | ({finding} if finding else set())
    if not finding:
        assert found["expires"]["cure"].startswith(words)


@pytest.mark.parametrize("answer, status", [
    ("", 1), ("System has not been booted with systemd as init system (PID 1). Can't operate.\n", 1), ("", 127),
    ("Id=certbot.timer\nLoadState=not-found\nActiveState=inactive\n", 0), ("===\n=\nId\n\x00\n", 0)])
def test_without_systemd_nothing_is_known_and_nothing_wrong(run, authority, sandbox, systemctl, answer, status):
    sandbox.lineage("admin.example.org", old(authority, "admin.example.org"))
    got = run("--files", "--timer", "--root", sandbox.root, env={**NOW, **systemctl(answer, status)})
    assert not got.of("renewal")[0]["timer_known"]
    assert set(got.findings("admin.example.org")) == {"expires"}


def test_a_systemctl_that_hangs(run, authority, sandbox, tmp_path):
    d = tmp_path / "bin"
    d.mkdir()
    (d / "systemctl").write_text("#!/bin/sh\nexec sleep 60\n")
    (d / "systemctl").chmod(0o755)
    sandbox.lineage("a.example.org", old(authority, "a.example.org"))
    got = run("--files", "--timer", "--root", sandbox.root, env={"PATH": f"{d}:{os.environ['PATH']}"})
    assert not got.of("renewal")[0]["timer_known"] and got.done["ms"] < 20000


HEAD = "2026-11-20 15:17:05,100:DEBUG:certbot._internal.main:certbot version: 2.1.0\n" \
       "2026-11-20 15:17:05,101:DEBUG:certbot._internal.main:Arguments: ['-q', '--no-random-sleep-on-renew']\n"
FAILED = HEAD + """2026-11-20 15:17:06,000:DEBUG:certbot._internal.display.obj:Notifying user:\x20
Certbot failed to authenticate some domains (authenticator: nginx). The Certificate Authority reported these problems:
  Domain: mail.example.org
  Type:   connection
  Detail: 203.0.113.5: Fetching http://mail.example.org/.well-known/acme-challenge/x\x1b[31m: Timeout during connect

2026-11-20 15:17:08,000:ERROR:certbot._internal.renewal:Failed to renew certificate mail.example.org with error: Some challenges have failed.
2026-11-20 15:17:08,010:DEBUG:certbot._internal.display.obj:Notifying user: The following certificates are not due for renewal yet:
2026-11-20 15:17:08,011:DEBUG:certbot._internal.display.obj:Notifying user:   /etc/letsencrypt/live/admin.example.org/fullchain.pem expires on 2027-01-19 (skipped)
2026-11-20 15:17:08,020:ERROR:certbot._internal.renewal:All renewals failed. The following certificates could not be renewed:
2026-11-20 15:17:08,021:ERROR:certbot._internal.renewal:  /etc/letsencrypt/live/mail.example.org/fullchain.pem (failure)
"""
RENEWED = HEAD + """2026-11-20 15:17:08,020:DEBUG:certbot._internal.display.obj:Notifying user: Congratulations, all renewals succeeded:\x20
2026-11-20 15:17:08,021:DEBUG:certbot._internal.display.obj:Notifying user:   /etc/letsencrypt/live/mail.example.org/fullchain.pem (success)
"""
REHEARSED = RENEWED.replace("['-q'", "['--dry-run'").replace("all renewals", "all simulated renewals")
LISTED = HEAD.replace("'-q'", "'certificates'")


def read_log(run, authority, sandbox, *logs):
    sandbox.lineage(NAME, old(authority, NAME))
    sandbox.lineage("admin.example.org", old(authority, "admin.example.org", left=60))
    for i, log in enumerate(logs):
        sandbox.log(log, f".{i}" if i else "")
    got = run("--files", "--root", sandbox.root, env=NOW)
    return got, {r["id"]: r for r in got.of("renewal")}


def test_the_last_run_failed(run, authority, sandbox):
    got, r = read_log(run, authority, sandbox, FAILED)
    assert r[NAME]["state"] == "failed" and r[NAME]["last"] == "2026-11-20T15:17:08Z"
    assert r[NAME]["reason"].startswith("Some challenges have failed. 203.0.113.5: Fetching http://")
    assert "\\x1b[31m" in r[NAME]["reason"]
    assert r["admin.example.org"]["state"] == "not due" and r["admin.example.org"]["reason"] is None
    found = got.findings(NAME)["renewal_failed"]
    assert "Timeout during connect" in found["text"] and f"--cert-name {NAME}" in found["cure"]


@pytest.mark.parametrize("logs, state", [
    ([RENEWED], "ok"), ([LISTED, RENEWED], "ok"), ([REHEARSED, FAILED], "failed"), ([LISTED], "unknown"),
    ([LISTED] * 5 + [RENEWED], "ok"), (["\x00\xff garbage (success)\n" * 100], "unknown"), ([""], "unknown")])
def test_the_last_run_that_was_a_renewal_counts(run, authority, sandbox, logs, state):
    assert read_log(run, authority, sandbox, *logs)[1][NAME]["state"] == state


def test_a_lineage_whose_files_are_roots_alone(run, sandbox, authority):
    """live/ is 0700 on a real host: the renewal configuration still tells the name."""
    sandbox.lineage("mail.example.org-0001", old(authority, NAME))
    shutil.rmtree(sandbox.root / LIVE)
    r = run("--files", "--root", sandbox.root).of("renewal")[0]
    assert r["id"] == "mail.example.org-0001" and r["names"] == {"0": NAME, "n": 1}


def test_globs(run, authority, sandbox, tmp_path):
    good, far = authority.leaf(NAME), authority.leaf("der.example.org")
    sandbox.write("srv/a.pem", good.fullchain)
    sandbox.write("srv/b.pem", far.der)
    sandbox.write("srv/key.pem", good.key_pem)
    sandbox.write("srv/both.pem", good.key_pem + good.fullchain)
    sandbox.write("srv/junk.pem", b"\x00\x01 not a certificate")
    sandbox.write("srv/cut.pem", good.pem[:300])
    sandbox.write("srv/big.pem", b"A" * (1 << 20) + b"A")
    (sandbox.root / "srv/dir.pem").mkdir()
    os.mkfifo(sandbox.root / "srv/fifo.pem")
    got = {c["path"]: c for c in run("--files", "--root", sandbox.root, "--file", "/srv/*.pem",
                                     "--file", "/srv/a.pem", "--file", "/none/*").certs}
    assert set(got) == {f"/srv/{n}.pem" for n in ("a", "b", "both", "junk", "cut", "big", "dir", "fifo")}
    assert got["/srv/a.pem"]["sha256"] == good.sha256 and got["/srv/a.pem"]["has_key"] == 0
    assert got["/srv/b.pem"]["sha256"] == far.sha256
    assert got["/srv/both.pem"]["sha256"] == good.sha256 and got["/srv/both.pem"]["has_key"] == 1
    assert got["/srv/junk.pem"]["error"] == "holds no certificate"
    assert got["/srv/cut.pem"]["error"] == "the certificate is malformed"
    assert got["/srv/big.pem"]["error"] == "can't be read: larger than 1 MiB"
    assert got["/srv/dir.pem"]["error"] == got["/srv/fifo.pem"]["error"] == "can't be read: no regular file"


def test_stored_values(run, authority, sandbox, tmp_path):
    """Inline PEM, an ACME value (base64 with the key in it), a file macro that can be read and one that can't."""
    inline, acme, macro = authority.leaf("a.example.org"), authority.leaf("b.example.org"), authority.leaf(NAME)
    (tmp_path / "inline").write_bytes(inline.fullchain)
    (tmp_path / "acme").write_bytes(base64.urlsafe_b64encode(acme.key_pem + b"\n" + acme.fullchain).rstrip(b"="))
    sandbox.write("opt/cert.pem", macro.fullchain)
    got = {c["id"]: c for c in run(
        "--root", sandbox.root, "--stored", f"auto={tmp_path}/inline", "--stored", f"acme.le={tmp_path}/acme",
        "--stored", "default=%{file:/opt/cert.pem}%", "--stored", "gone=%{file:/opt/none.pem}%").certs}
    assert got["auto"]["sha256"] == inline.sha256 and got["auto"]["source"] == "stored"
    assert got["acme.le"]["sha256"] == acme.sha256 and got["acme.le"]["has_key"] == 1
    assert (got["default"]["sha256"], got["default"]["path"]) == (macro.sha256, "/opt/cert.pem")
    assert got["gone"]["error"] == "the file /opt/none.pem can't be read: No such file or directory"


def test_a_renewed_macro_file_that_the_mail_server_has_not_loaded(run, ca, authority, sandbox, stack, tmp_path):
    before = authority.leaf(NAME, start=now() - 80 * DAY, end=now() + 10 * DAY)
    after = authority.leaf(NAME, start=now() - DAY)
    sandbox.lineage(NAME, after)
    server = stack.enter_context(servers.Server(servers.tls(servers.context(*before.write(tmp_path, "before")))))
    args = [f"tls://127.0.0.1:{server.port}?name={NAME}", *ca, "--root", sandbox.root, "--files", "--stored",
            f"default=%{{file:/{LIVE}/{NAME}/fullchain.pem}}%", "--stored-known"]
    got = run(*args)
    found = got.findings(NAME)["file_not_loaded"]
    assert found["action"] == "reload" and "certs reload" in found["cure"]
    assert got.row(NAME)["status"] == "mismatch" and got.row(NAME)["renewed_by"] == "certbot"
    assert got.check["code"] == 1
    sandbox.lineage(NAME, before)  # as if the server had loaded what is on disk
    assert "file_not_loaded" not in run(*args).findings(NAME)


@pytest.fixture
def nginx(sandbox, stack):
    return lambda name: start_nginx(sandbox, stack, name)


def test_nginx_with_a_replaced_file(run, ca, authority, sandbox, nginx):
    before = authority.leaf(NAME, start=now() - 80 * DAY, end=now() + 10 * DAY)
    sandbox.lineage(NAME, before)
    port, process = nginx(NAME)
    args = [f"tls://127.0.0.1:{port}?name={NAME}", *ca, "--root", sandbox.root, "--files"]
    got = run(*args)
    assert got.row(NAME)["served_is_file"] and set(got.findings(NAME)) == {"expires"}
    assert [c["used_by"] for c in got.certs if c["source"] == "file"] == ["nginx"]

    after = authority.leaf(NAME, start=now() - DAY)
    sandbox.lineage(NAME, after)  # renewed, and nobody told nginx
    got = run(*args)
    assert got.served[0]["sha256"] == before.sha256
    found = got.findings(NAME)
    assert set(found) == {"file_not_loaded"} and found["file_not_loaded"]["action"] == "nginx_reload"
    assert f"/{LIVE}/{NAME}/fullchain.pem" in found["file_not_loaded"]["text"]
    assert got.row(NAME)["status"] == "mismatch" and got.check["code"] == 1

    old = children(process.pid)
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: old.isdisjoint(children(process.pid)))  # until then the old worker may still take a connection
    wait_for(lambda: run(*args).served[0]["sha256"] == after.sha256)
    got = run(*args)
    assert got.row(NAME)["served_is_file"] and not got.findings(NAME) and got.check["code"] == 0


def test_stored_is_not_served_until_the_reload(run, ca, authority, stack, tmp_path):
    stored, served = authority.leaf(NAME), certs.self_signed(NAME)
    (tmp_path / "stored").write_bytes(stored.fullchain)
    server = stack.enter_context(servers.Server(servers.tls(servers.context(*served.write(tmp_path, "served")))))
    args = [f"tls://127.0.0.1:{server.port}?name={NAME}", *ca, "--stored", f"auto={tmp_path}/stored",
            "--stored-known", "--seen", "old.example.org", "--name", "autoconfig.example.org"]
    got = run(*args)
    found = got.findings(NAME)["served_not_stored"]
    assert found["text"] == "a self-signed certificate is served although a valid one is stored"
    assert found["action"] == "reload" and found["level"] == 2
    assert got.findings("old.example.org")["vanished"]["level"] == 2
    assert got.findings("autoconfig.example.org")["name_uncovered"]
    assert got.check["code"] == 2 and NAME in got.check["line"]


PAIR = dict(no_cert=1, no_key=2, key_mismatch=4, encrypted=8, expired=16, not_yet=32, order=64, incomplete=128,
            self_signed=256, names=512, weak=1024)


@pytest.fixture
def pair(driver_path, tmp_path):
    def call(cert, key, *names):
        (tmp_path / "c").write_bytes(cert)
        (tmp_path / "k").write_bytes(key)
        p = subprocess.run([str(driver_path), "--pair", str(tmp_path / "c"), str(tmp_path / "k"), *names],
                           capture_output=True, timeout=60, env={**os.environ, "ASAN_OPTIONS": "exitcode=99"},
                           stdin=subprocess.DEVNULL)
        assert p.returncode == 0, p.stderr.decode()
        assert not any(line in p.stdout for line in key.splitlines() if len(line) > 20), "the key is quoted"
        return json.loads(p.stdout)
    return call


@pytest.mark.parametrize("kind", ["rsa2048", "ec", "ed25519"])
def test_a_pair_that_fits(pair, authority, kind):
    leaf = authority.leaf(NAME, "*.example.net", kind=kind)
    got = pair(leaf.fullchain, leaf.key_pem, NAME, "a.example.net")
    assert got == {"error": "", "name": NAME, "problems": 0, "ok": 1, "fatal": 0}


def test_pairs_that_do_not(pair, authority):
    leaf, other = authority.leaf(NAME), authority.leaf(NAME)
    locked = leaf.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                    serialization.BestAvailableEncryption(b"secret"))
    swapped = authority.intermediate.pem + leaf.pem
    expired = authority.leaf(NAME, start=now() - 9 * DAY, end=now() - DAY)
    early = authority.leaf(NAME, start=now() + DAY)
    weak, alone = authority.leaf(NAME, kind="rsa1024"), certs.self_signed(NAME)
    cases = [
        (leaf.fullchain, other.key_pem, [], "key_mismatch", 1, "does not belong"),
        (leaf.fullchain, b"nothing", [], "no_key", 1, "no private key"),
        (leaf.fullchain, locked, [], "encrypted", 1, "passphrase"),
        (b"nothing", leaf.key_pem, [], "no_cert", 1, "no certificate"),
        (leaf.key_pem, leaf.key_pem, [], "no_cert", 1, "no certificate"),
        (expired.fullchain, expired.key_pem, [], "expired", 1, "expired on"),
        (early.fullchain, early.key_pem, [], "not_yet", 0, "not valid before"),
        (swapped, leaf.key_pem, [], "order", 0, "wrong order"),
        (leaf.pem, leaf.key_pem, [], "incomplete", 0, "fullchain.pem"),
        (alone.pem, alone.key_pem, [], "self_signed", 0, "self-signed"),
        (weak.fullchain, weak.key_pem, [], "weak", 0, "RSA, 1024 bits"),
        (leaf.fullchain, leaf.key_pem, [NAME, "imap.example.org", "x.example.org"], "names", 0,
         "does not name imap.example.org, x.example.org"),
    ]
    for cert, key, names, what, fatal, word in cases:
        got = pair(cert, key, *names)
        assert (got["problems"], got["ok"], got["fatal"]) == (PAIR[what], 0, fatal), (what, got)
        assert word in got["error"]
