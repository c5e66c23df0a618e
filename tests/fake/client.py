# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a practice server for a test and talks to it. Needs nothing but the standard library."""

import base64
import http.client
import json
import os
import select
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse

SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "server.py")
READY_S = 30                                    # a hang guard; starting takes a fraction of a second


class Practice:
    """with Practice("0.15", entries=1000) as p: p.url, p.control("event", {...}), p.state() …

    Options are those of server.py with _ for -; lists repeat an option, True is a bare flag;
    `options` (a dict: keys, accounts, unwritable, version …) goes to the persona.
    """

    def __init__(self, persona="0.15", **opts):
        self.persona = persona
        self.user = opts.get("user", "admin")
        self.password = opts.pop("password", "secret")
        self.own_dir = None
        if not opts.get("log_dir"):
            self.own_dir = opts["log_dir"] = tempfile.mkdtemp(prefix="practice-")
        self.log_dir = str(opts["log_dir"])
        self.opts = opts
        self.process = None

    def _argv(self):
        argv = ["/usr/bin/python3", SERVER, "--persona", self.persona, "--quiet", "--parent-pid", str(os.getpid())]
        for name, value in self.opts.items():
            flag = "--" + name.replace("_", "-")
            if name == "options":
                value = json.dumps(value)
            if value is True:
                argv.append(flag)
            elif name == "tls":
                argv += [flag, *map(str, value)]
            elif isinstance(value, (list, tuple)):
                for one in value:
                    argv += [flag, str(one)]
            elif value not in (None, False):
                argv += [flag, str(value)]
        return argv

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        environment = dict(os.environ, FAKE_PASSWORD=self.password)
        self.process = subprocess.Popen(self._argv(), stdout=subprocess.PIPE, env=environment)
        deadline = time.monotonic() + READY_S
        line = b""
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self.process.stdout], [], [], left)[0]
            data = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not data:
                self.stop()
                raise RuntimeError("the practice server did not start: " + " ".join(self._argv()[3:]))
            line += data
        self.url = line.decode().split()[1]
        parts = urllib.parse.urlsplit(self.url)
        self.host, self.port = parts.hostname, parts.port

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()
            self.process = None
        if self.own_dir:
            shutil.rmtree(self.own_dir, ignore_errors=True)

    # ---- talking to it ------------------------------------------------------------------------

    def connection(self, source=None, timeout=30):
        bind = (source, 0) if source else None
        if self.url.startswith("https:"):
            context = ssl._create_unverified_context()
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, source_address=bind,
                                               context=context)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout, source_address=bind)

    def request(self, method, path, body=None, auth=True, source=None, headers=None, timeout=30):
        """(status, headers, bytes). auth: True = the administrator, (user, password), 'Bearer …', or None.
        body: bytes, or anything JSON. source: the local address to come from, such as 127.0.0.5."""
        sent = dict(headers or {})
        if auth is True:
            auth = (self.user, self.password)
        if isinstance(auth, tuple):
            auth = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        if auth:
            sent["Authorization"] = auth
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        conn = self.connection(source, timeout)
        try:
            conn.request(method, path, body, sent)
            answer = conn.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            conn.close()

    def json(self, method, path, body=None, **kw):
        """(status, decoded JSON or None)"""
        status, _, data = self.request(method, path, body, **kw)
        return status, json.loads(data) if data else None

    def control(self, path, obj=None, method=None):
        """The control plane: control('event', {...}), control('state')."""
        verb = method or ("GET" if obj is None else "POST")
        status, answer = self.json(verb, "/_practice/" + path, obj, auth=None)
        if status != 200:
            raise RuntimeError("%s %s: %s" % (verb, path, answer))
        return answer

    def state(self):
        return self.control("state")

    def event(self, kind, client, **more):
        """'ok', 'banned' or 'refused'; count=N repeats it."""
        return self.control("event", dict(more, kind=kind, client=client))["result"]

    def fault(self, kind, **more):
        self.control("fault", dict(more, kind=kind))

    def no_faults(self):
        self.control("fault", {"clear": True})

    def release(self):
        self.control("release", {})

    def advance(self, seconds):
        return self.control("clock", {"advance_s": seconds})["now"]

    def restart(self):
        self.control("restart", {})

    def become(self, persona, **options):
        """Upgraded, or taken back, under whoever is connected; the lists stay."""
        self.control("become", {"persona": persona, "options": options})

    def edit(self, **change):
        """Another administrator: set={key: value}, delete=[key], block= unblock= allow= disallow=[address]"""
        return self.control("set", change)

    def requests(self):
        """What was asked since the last call (control plane left out), Authorization masked."""
        return self.control("requests")["requests"]

    def rotate(self, how):
        return self.control("rotate", {"how": how})["file"]


def bearer(name, secret):
    return "Bearer api_" + base64.b64encode(("%s:%s" % (name, secret)).encode()).decode()


if __name__ == "__main__":
    sys.exit("import me")
