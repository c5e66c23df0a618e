# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between client and server: one row per fault. It must not know any dialect."""

import copy
import re

from .persona import Response, json_response, problem

HTML = (b"<!DOCTYPE html><html><head><title>Sign in</title></head>"
        b"<body><h1>Sign in</h1><form method=post><input name=user></form></body></html>\n")
GARBAGE = bytes((i * 73 + 41) % 256 for i in range(512))
NOT_STATE = ("lock", "log", "clock", "requests")     # what a snapshot leaves alone


class Fault:
    """One planned fault: which requests it meets, how many it lets pass first, how often it strikes."""

    def __init__(self, spec):
        if spec.get("kind") not in FAULTS:
            raise ValueError("fault kind must be one of: " + " ".join(sorted(FAULTS)))
        self.spec = spec
        self.method = spec.get("method")
        self.path = re.compile(spec.get("path", ""))
        self.body = re.compile(spec.get("body", "").encode())
        self.skip, self.times = int(spec.get("skip", 0)), int(spec.get("times", 1))

    def meets(self, req):
        """True when it strikes now; counts. times < 0 is for ever."""
        target = req.path + ("?" + req.query if req.query else "")
        if not self.times or self.method not in (None, req.method):
            return False
        if not self.path.search(target) or not self.body.search(req.body):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= self.times > 0
        return True


def with_body(spec):
    """An answer of a given status with one of the bodies servers and proxies send."""
    status = int(spec.get("status", 500))
    kind = spec.get("as", "problem")
    if kind == "problem":
        answer = problem(status, spec.get("title", "Error"), spec.get("detail", "A fault that was asked for."))
    elif kind == "html":
        answer = Response(status, {"content-type": "text/html; charset=utf-8"}, HTML)
    elif kind == "text":
        answer = Response(status, {"content-type": "text/plain"}, spec.get("detail", "upstream says no").encode())
    else:
        answer = Response(status, {}, b"")
    answer.headers.update(spec.get("headers", {}))
    return answer


def snapshot(persona):
    """A copy of what it holds, which may point back at the persona itself."""
    kept = [persona] + [vars(persona)[name] for name in NOT_STATE]
    return copy.deepcopy({k: v for k, v in vars(persona).items() if k not in NOT_STATE}, {id(o): o for o in kept})


# Each fault gets the wire (send, finish, drop, wait), the spec, and apply(), which lets the persona do its
# work. It returns the answer to send normally, or None when it has dealt with the connection itself.

def delay(wire, spec, apply):
    wire.wait(float(spec.get("seconds", 1)))
    return apply()


def stall(wire, spec, apply):
    if spec.get("after"):
        answer = apply()
        wire.hold()
        return answer
    wire.hold()
    return apply()


def close(wire, spec, apply):
    wire.finish()


def close_after(wire, spec, apply):
    apply()
    wire.finish()


def half(wire, spec, apply):
    wire.send(wire.encode(apply())[:int(spec.get("bytes", 20))])
    wire.drop() if spec.get("rst") else wire.finish()


def reset(wire, spec, apply):
    wire.drop()


def reset_after(wire, spec, apply):
    apply()
    wire.drop()


def status(wire, spec, apply):
    if spec.get("apply"):
        apply()
    return with_body(spec)


def html(wire, spec, apply):
    return Response(200, {"content-type": "text/html; charset=utf-8"}, HTML)


def answer(wire, spec, apply):
    return json_response(spec.get("json"), int(spec.get("status", 200)))


def raw(wire, spec, apply):
    """Bytes as they are, given as text or as hex."""
    wire.send(bytes.fromhex(spec["hex"]) if "hex" in spec else spec.get("text", "").encode())
    wire.finish()


def garbage(wire, spec, apply):
    wire.send(GARBAGE)
    wire.finish()


def huge(wire, spec, apply):
    size = int(spec.get("bytes", 64 << 20))
    wire.send(wire.encode(Response(200, {"content-type": "application/json; charset=utf-8",
                                         "content-length": str(size)}, b'{"data":"')))
    left, block = size - 9, b"x" * (1 << 16)
    while left > 0 and wire.send(block[:left]):
        left -= len(block)
    wire.finish()


def redirect(wire, spec, apply):
    return Response(int(spec.get("status", 302)), {"location": spec.get("to", "/")}, b"")


def not_applied(wire, spec, apply):
    persona = wire.persona
    with persona.lock:
        before = snapshot(persona)
        said = apply()
        vars(persona).update(before)
    return said


def meanwhile(wire, spec, apply):
    """Another administrator was faster, by as little as there is: `change` as for edit()."""
    with wire.persona.lock:
        wire.persona.edit(spec["change"])
        return apply()


def drip(wire, spec, apply):
    data, step = wire.encode(apply()), int(spec.get("bytes", 1))
    for start in range(0, len(data), step):
        if not wire.send(data[start:start + step]) or wire.wait(float(spec.get("seconds", 0.05))):
            break
    wire.finish()


def length(wire, spec, apply):
    """Content-Length says more or less than is sent."""
    said = apply()
    said.headers["content-length"] = str(len(said.body) + int(spec.get("delta", 1)))
    wire.send(wire.encode(said))
    wire.finish()


FAULTS = {f.__name__: f for f in (delay, stall, close, close_after, half, reset, reset_after, status, html, answer,
                                  raw, garbage, huge, redirect, not_applied, meanwhile, drip, length)}
