# SPDX-License-Identifier: GPL-3.0-or-later
"""Where secrets come from, and where they never go."""

import os
import re
import socket
import threading
import time

import pytest

from cli_world import CREDENTIALS, DONE, HANG_S, NOTHING, SERVER, USAGE
from fake.client import bearer

CANARY = "cänary-7f3a9e-pässword"


@pytest.fixture
def locked(practice, world):
    """A server whose password is a canary; the world knows the URL and no secret."""
    p = practice("0.15", password=CANARY)
    world.server = {"STALWARDEN_URL": p.url, "STALWARDEN_USER": "admin"}
    world.secrets.add(CANARY)
    return p


def configure(world, p, more):
    world.server = {}
    world.configure('profile "p" {\n\turl = "%s"\n\tuser = admin\n\t%s\n}\n' % (p.url, more))


def test_environment(world, locked):
    assert world.run("blocked", env={"STALWARDEN_PASSWORD": CANARY}).rc == NOTHING


def test_token(world, practice):
    p = practice("0.15", options={"keys": [{"name": "k", "secret": "s3cret-token"}]})
    world.use_key(p, "k", "s3cret-token")
    assert world.run("blocked").rc == NOTHING
    assert {r["headers"]["authorization"] for r in p.requests() if "authorization" in r["headers"]} == {"Bearer (masked)"}


def test_no_credentials_at_all(world, locked):
    result = world.run("blocked")
    assert result.rc == CREDENTIALS
    assert "STALWARDEN_TOKEN" in result.err and "password_command" in result.err
    assert locked.requests() == []


def test_password_command(world, locked):
    configure(world, locked, 'password_command = { "/bin/echo", "%s" }' % CANARY)
    assert world.run("blocked").rc == NOTHING


def test_password_command_is_no_shell(world, locked):
    configure(world, locked, "password_command = { '/bin/echo', '$(touch pwned); %s' }" % CANARY)
    assert world.run("blocked").rc == CREDENTIALS
    assert not os.path.exists(world.path("work", "pwned"))


@pytest.mark.parametrize("script, words", [
    ("exit 3", "3"), ("exit 0", "empty"), ("printf 'a\\nb\\n'", "line"), ("head -c 100000 /dev/zero | tr '\\0' x", "4 KiB"),
    ("printf 'a\\000b'", "NUL"), ("kill -9 $$", "signal"), ("printf '\\377\\376'", "UTF-8")])
def test_password_command_goes_wrong(world, locked, script, words):
    configure(world, locked, "password_command = { '/bin/sh', '-c', \"%s\" }" % script.replace("\\", "\\\\").replace("$", "\\$"))
    result = world.run("blocked")
    assert result.rc == CREDENTIALS and "password command" in result.err, result
    assert words.lower() in result.err.lower(), result
    assert locked.requests() == []


def test_password_command_that_is_not_there(world, locked):
    configure(world, locked, 'password_command = { "/nowhere/pass" }')
    result = world.run("blocked")
    assert result.rc != DONE and "/nowhere/pass" in result.err


def test_children_know_no_secret(world, locked):
    """The command sees neither variable, whatever the caller had set."""
    seen = world.path("work", "seen")
    script = "cat /proc/$$/environ > %s; tr '\\\\0' ' ' < /proc/$PPID/cmdline >> %s; exit 1" % (seen, seen)
    configure(world, locked, "password_command = { '/bin/sh', '-c', \"%s\" }" % script.replace("$", "\\$"))
    world.run("blocked", env={"STALWARDEN_PASSWORD": None, "STALWARDEN_TOKEN": "", "OTHER": "kept"})
    with open(seen, "rb") as f:
        text = f.read()
    assert b"OTHER=kept" in text
    assert CANARY.encode() not in text and b"STALWARDEN_PASSWORD" not in text


def test_password_file(world, locked):
    path = world.write("pw", CANARY + "\n", 0o600)
    configure(world, locked, 'password_file = "%s"' % path)
    assert world.run("blocked").rc == NOTHING
    os.chmod(path, 0o400)
    assert world.run("blocked").rc == NOTHING


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o666, 0o620])
def test_password_file_that_others_can_use(world, locked, mode):
    path = world.write("pw", CANARY + "\n", mode)
    configure(world, locked, 'password_file = "%s"' % path)
    result = world.run("blocked")
    assert result.rc == CREDENTIALS and "chmod 600 " + path in result.err, result
    assert locked.requests() == []


def test_password_file_missing_or_no_file(world, locked):
    for path in (world.path("work", "nowhere"), world.path("work")):
        configure(world, locked, 'password_file = "%s"' % path)
        result = world.run("blocked")
        assert result.rc != DONE and path in result.err


def test_password_in_the_configuration_only_when_private(world, locked):
    configure(world, locked, 'password = "%s"' % CANARY)
    assert world.run("blocked").rc == NOTHING
    os.chmod(world.path("config", "stalwarden", "stalwarden.conf"), 0o644)
    result = world.run("blocked")
    assert result.rc == USAGE and "chmod 600" in result.err


def test_netrc(world, locked):
    with open(world.path("home", ".netrc"), "w", encoding="utf-8") as f:
        f.write("machine 127.0.0.1 login admin password %s\n" % CANARY)
    os.chmod(world.path("home", ".netrc"), 0o600)
    assert world.run("blocked").rc == CREDENTIALS              # never unasked
    configure(world, locked, "use_netrc = true")
    assert world.run("blocked").rc == NOTHING
    os.chmod(world.path("home", ".netrc"), 0o644)
    result = world.run("blocked")
    assert result.rc != DONE and "chmod" in result.err


def test_an_api_key_from_a_file_is_a_bearer(world, practice):
    p = practice("0.15", options={"keys": [{"name": "k", "secret": "s3cret-token"}]})
    token = bearer("k", "s3cret-token").split(" ")[1]
    world.secrets.add(token)
    world.configure('profile "p" { url = "%s" password_file = "%s" }\n' % (p.url, world.write("key", token + "\n")))
    assert world.run("blocked").rc == NOTHING
    world.configure('profile "p" { url = "%s" password_command = { "/bin/echo", "%s" } }\n' % (p.url, token))
    assert world.run("blocked").rc == NOTHING
    assert {r["headers"]["authorization"] for r in p.requests() if "authorization" in r["headers"]} == {"Bearer (masked)"}


@pytest.mark.parametrize("env", [{"STALWARDEN_PASSWORD": "a\nb"}, {"STALWARDEN_PASSWORD": "a\rb"}, {"STALWARDEN_TOKEN": "api_%%%"},
                                 {"STALWARDEN_USER": "ad:min", "STALWARDEN_PASSWORD": "x"}, {"STALWARDEN_PASSWORD": b"\xff\xfe"}])
def test_what_the_server_would_quote_in_its_log_is_not_sent(world, locked, env):
    result = world.run("blocked", env=env)
    assert result.rc in (USAGE, CREDENTIALS) and result.err
    assert locked.requests() == []


# ---- refused --------------------------------------------------------------------------------------

def test_one_401_and_no_second_request(world, locked):
    result = world.run("blocked", env={"STALWARDEN_PASSWORD": "wrong"})
    assert result.rc == CREDENTIALS and result.err
    assert len(locked.requests()) == 1
    assert world.run("block", "203.0.113.7", env={"STALWARDEN_PASSWORD": "wrong"}).rc == CREDENTIALS
    assert len(locked.requests()) == 1


def test_401_in_the_middle_of_a_change(world, locked):
    locked.fault("status", status=401, path="/api/reload", times=-1)
    result = world.run("block", "203.0.113.7", "-o", "json", env={"STALWARDEN_PASSWORD": CANARY})
    assert result.one()["verdict"] in ("stored", "unknown"), result
    assert [r["status"] for r in locked.requests()].count(401) == 1


def test_429_is_named(world, locked):
    locked.fault("status", status=429, times=-1, title="Too Many Authentication Attempts", headers={"retry-after": "30"})
    result = world.run("blocked", env={"STALWARDEN_PASSWORD": CANARY})
    assert result.rc in (CREDENTIALS, SERVER) and "Too Many" in result.err
    assert len(locked.requests()) == 1


# ---- where they never go --------------------------------------------------------------------------

def test_no_secret_in_any_file_or_output(world, locked):
    env = {"STALWARDEN_PASSWORD": CANARY}
    for args in (["block", "203.0.113.7", "-v", "--reason", "x"], ["blocked", "-v", "-o", "json"], ["unblock", "203.0.113.7", "--dry-run"],
                 ["journal"], ["probe", "-v"], ["why", "203.0.113.7", "-v"]):
        world.run(*args, env=env)                              # run() looks for the canary in both streams
    kept = world.files()
    assert kept and CANARY.encode() not in kept


def test_not_in_environ_nor_memory_map_of_others_while_running(world, locked):
    """While a request hangs: not in /proc/PID/environ, not in cmdline, and no core dump would be written."""
    locked.fault("stall", path="prefix=server.blocked-ip", times=-1)
    process = world.start("blocked", env={"STALWARDEN_PASSWORD": CANARY})
    deadline = time.monotonic() + HANG_S
    while not any("blocked-ip" in r["path"] for r in locked.control("requests?keep=1")["requests"]):
        assert time.monotonic() < deadline and process.poll() is None
    read = lambda name: open("/proc/%d/%s" % (process.pid, name), "rb").read()
    assert CANARY.encode() not in read("environ")
    assert CANARY.encode() not in read("cmdline")
    assert re.search(rb"Max core file size\s+0\s+0", read("limits"))
    locked.release()
    locked.no_faults()
    world.finish(process)


def test_a_password_is_never_an_argument(world):
    assert "--password" not in world.run("--help").out
    assert world.run("blocked", "--password", "x").rc == USAGE


def test_credentials_in_a_url_are_refused(world, locked):
    result = world.run("blocked", "--url", locked.url.replace("http://", "http://admin:hunter2@"), env={"STALWARDEN_PASSWORD": CANARY})
    assert result.rc == USAGE and "hunter2" not in result.err + result.out
    assert locked.requests() == []


class Listener:
    """Notes every byte that reaches it; answers nothing of use."""

    def __init__(self):
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.got = b""
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            self.got += b"CONNECTED"
            conn.settimeout(2)
            try:
                self.got += conn.recv(65536)
            except OSError:
                pass
            conn.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["read", "write", "reload"])
def test_redirects_are_never_followed(world, locked, status, where):
    other = Listener()
    path = {"read": "prefix=server.blocked-ip", "write": "^/api/settings$", "reload": "/api/reload"}[where]
    more = {"method": "POST", "body": "blocked-ip"} if where == "write" else {}
    target = "http://127.0.0.1:%d/elsewhere" % other.port
    locked.fault("redirect", status=status, path=path, to=target, times=-1, **more)
    result = world.run("block", "203.0.113.7", "-o", "json", env={"STALWARDEN_PASSWORD": CANARY})
    assert result.rc not in (DONE, NOTHING), result
    assert target.split("//")[1] in result.out + result.err
    assert other.got == b""
    other.sock.close()


def test_plain_http_only_to_this_host(world):
    result = world.run("blocked", "--url", "http://192.0.2.77:8080", env={"STALWARDEN_USER": "admin", "STALWARDEN_PASSWORD": CANARY})
    assert result.rc == USAGE and "http" in result.err


def test_insecure_only_to_this_host(world):
    result = world.run("blocked", "--insecure", "--url", "https://192.0.2.77", env={"STALWARDEN_USER": "admin", "STALWARDEN_PASSWORD": CANARY})
    assert result.rc == USAGE and "loopback" in result.err


def test_unreachable(world):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    result = world.run("blocked", "--url", "http://127.0.0.1:%d" % port, env={"STALWARDEN_USER": "admin", "STALWARDEN_PASSWORD": CANARY})
    assert result.rc == SERVER and str(port) in result.err


def test_a_proxy_in_the_environment_does_not_see_loopback(world, locked):
    other = Listener()
    env = {"STALWARDEN_PASSWORD": CANARY, "http_proxy": "http://127.0.0.1:%d" % other.port, "HTTP_PROXY": "http://127.0.0.1:%d" % other.port,
           "all_proxy": "http://127.0.0.1:%d" % other.port}
    assert world.run("blocked", env=env).rc == NOTHING
    assert other.got == b""


def test_configuration_errors_name_file_and_line(world, locked):
    path = world.configure('profile "p" {\n\turl = "%s"\n\tbogus = 1\n}\n' % locked.url)
    result = world.run("blocked")
    assert result.rc == USAGE and "%s:3" % path in result.err and "bogus" in result.err
    world.configure('profile "p" { url = "%s" }\n' % locked.url, mode=0o602)
    assert "chmod" in world.run("blocked").err
    assert world.run("blocked", "--config", "/nowhere/x.conf").rc != DONE
    assert world.run("blocked", "--profile", "nobody").rc == USAGE
