# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the 0.16 persona stand on: the persona called directly, under a clock that stands still.
It must not know what is tested."""

import base64
import json
import os

from .jmap_replay import DAY
from .persona import Clock, Request
from .persona_jmap import PersonaJmap

NOW = DAY + 43200                               # noon
USING = ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"]
CLIENT = "127.0.0.9"


class Bench:
    """A persona without a socket, with a clock that stands still."""

    def __init__(self, logdir, options=None, epoch=NOW):
        self.persona = PersonaJmap(Clock(epoch), str(logdir), options)

    def send(self, method, path, body=None, who=("admin", "secret"), client="127.0.0.1", **headers):
        path, _, query = path.partition("?")
        sent = {k.replace("_", "-"): v for k, v in headers.items()}
        if isinstance(who, tuple):
            who = "Basic " + base64.b64encode(":".join(who).encode()).decode()
        if who:
            sent["authorization"] = who
        if body is not None:
            sent.setdefault("content-type", "application/json")
        answer = self.persona.handle(Request(method, path, query, sent, body or b"", client))
        return ("reset" if answer.action == "reset" else answer.status), answer.headers, answer.body

    def post(self, calls, **more):
        return self.send("POST", "/jmap", json.dumps({"using": USING, "methodCalls": calls}).encode(), **more)

    def calls(self, *calls, **more):
        """The arguments of each answer; a method error as ('error', type, description)."""
        status, _, body = self.post([[name, args, "c%d" % n] for n, (name, args) in enumerate(calls)], **more)
        assert status == 200
        out = []
        for name, args, _ in json.loads(body)["methodResponses"]:
            out.append(("error", args["type"], args["description"]) if name == "error" else args)
        return out

    def call(self, name, args, **more):
        return self.calls((name, args), **more)[0]

    def rows(self, kind="BlockedIp", **more):
        return self.call("x:%s/get" % kind, {"ids": None}, **more)["list"]

    def block(self, address, **more):
        return self.call("x:BlockedIp/set", {"create": {"a": dict(more, address=address)}})["created"]["a"]["id"]

    def reload(self, *actions):
        answer = self.call("x:Action/set", {"create": {a: {"@type": "Reload" + a} for a in actions}})
        assert set(answer["created"]) == set(actions)

    def lets_in(self, client=CLIENT):
        return self.persona.connect(client)

    def fail(self, client=CLIENT, login="zed"):
        return self.send("GET", "/jmap/session", who=(login, "wrong"), client=client)[0]

    def clock(self, epoch):
        self.persona.clock.set(epoch)
        self.persona.tick()

    def advance(self, seconds):
        self.clock(self.persona.clock.now() + seconds)

    def edit(self, change):
        self.persona.edit(change)

    def path(self):
        return self.persona.log.path(self.persona.clock.now())

    def log(self, data):
        self.persona.log.close()
        with open(self.path(), "wb") as file:
            file.write(data)

    def lines(self):
        if not os.path.exists(self.path()):
            return []
        with open(self.path(), encoding="utf-8") as file:
            return file.read().splitlines()
