#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The practice server: one persona behind a real socket, with faults and a control plane under /_practice/."""

import argparse
import collections
import ipaddress
import json
import os
import signal
import socket
import ssl
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from fake import attack, faults, wire                                       # noqa: E402
from fake.persona import Clock, json_response, not_found                    # noqa: E402
from fake.personas import PERSONAS, persona_class                           # noqa: E402

CONTROL = "/_practice/"
MASK = "(masked)"
BODY_SHOWN = 1 << 16


class Server:
    """Listeners, connections, planned faults and the record of requests around one persona."""

    def __init__(self, persona, forwarded=False):
        self.persona = persona
        self.forwarded = forwarded
        self.stop = threading.Event()
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.faults = []
        self.seen = collections.deque(maxlen=20000)
        self.connections = 0
        self.listeners = []
        self.make = None                        # make(spec): a persona as new, for the control plane

    # ---- sockets --------------------------------------------------------------------------------

    def listen(self, address, context=None):
        """Binds loopback only; returns (host, port)."""
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        ip = ipaddress.ip_address(host)
        if not ip.is_loopback:
            raise ValueError("only loopback addresses can be bound, not " + host)
        sock = socket.socket(socket.AF_INET6 if ip.version == 6 else socket.AF_INET)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, int(port)))
        sock.listen(256)
        self.listeners.append(sock)
        threading.Thread(target=self.accept, args=(sock, context), daemon=True).start()
        return host, sock.getsockname()[1]

    def accept(self, sock, context):
        while not self.stop.is_set():
            try:
                conn, peer = sock.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(conn, peer[0], context), daemon=True).start()

    def serve(self, conn, client, context):
        listener = "https" if context else "http"
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        operator = client in ("127.0.0.1", "::1")       # keeps the control plane reachable
        link = wire.Wire(conn, self.persona, self.stop, self.released)
        try:
            if not operator and self.proxied(client):
                client = link.read_proxy()
            if not operator and not self.persona.connect(client, listener):
                link.drop()
                return
            if context:
                link.sock = conn = context.wrap_socket(conn, server_side=True)
            while link.open:
                self.one(link, link.read(client, listener))
        except (wire.Broken, OSError, ValueError):
            link.finish()

    def proxied(self, client):
        ip = ipaddress.ip_address(client)
        nets = [ipaddress.ip_network(n, strict=False) for n in self.persona.proxy_networks]
        return any(ip.version == n.version and ip in n for n in nets)

    def one(self, link, req):
        if req.path.startswith(CONTROL):
            link.answer(self.control(req))
            return
        if (self.forwarded or self.persona.use_forwarded) and req.headers.get("x-forwarded-for"):
            req.client, req.forwarded = req.headers["x-forwarded-for"].split(",")[0].strip(), True
        record = self.record(req)

        def apply():
            answer = self.persona.handle(req)
            record["status"] = answer.status
            return answer

        fault = self.fault_for(req)
        if fault is None:
            link.answer(apply())
            return
        record["fault"] = fault.spec["kind"]
        answer = faults.FAULTS[fault.spec["kind"]](link, fault.spec, apply)
        if answer is not None:
            record["status"] = answer.status
            link.answer(answer)

    def fault_for(self, req):
        with self.lock:
            for fault in self.faults:
                if fault.meets(req):
                    return fault
        return None

    def record(self, req):
        headers = dict(req.headers)
        if "authorization" in headers:
            headers["authorization"] = headers["authorization"].split(" ")[0] + " " + MASK
        row = {"method": req.method, "path": req.path + ("?" + req.query if req.query else ""), "headers": headers,
               "body": req.body[:BODY_SHOWN].decode("utf-8", "replace"), "body_bytes": len(req.body),
               "client": req.client, "time": self.persona.clock.now(), "status": None}
        with self.lock:
            self.seen.append(row)
        return row

    # ---- control plane --------------------------------------------------------------------------

    def control(self, req):
        handler = CONTROLS.get((req.method, req.path[len(CONTROL):]))
        if handler is None:
            return not_found()
        try:
            return json_response(handler(self, req.json() if req.body else req.params()))
        except (ValueError, KeyError, TypeError) as error:
            return json_response({"error": "%s: %s" % (type(error).__name__, error)}, 400)

    def state(self, _):
        state = self.persona.state()
        state["connections"] = self.connections
        state["faults"] = self.planned({})["faults"]
        return state

    def planned(self, _):
        with self.lock:
            return {"faults": [dict(f.spec, left=f.times) for f in self.faults]}

    def event(self, spec):
        spec = dict(spec)
        if "domain_hex" in spec:
            spec["domain"] = bytes.fromhex(spec.pop("domain_hex")).decode("utf-8", "surrogateescape")
        count = int(spec.pop("count", 1))
        results = [self.persona.event(**spec) for _ in range(count)]
        return {"result": results[-1], "results": results}

    def events(self, specs):
        return {"results": [self.event(spec)["result"] for spec in specs]}

    def plan(self, spec):
        with self.lock:
            if spec.get("clear"):
                self.faults = []
                return {"ok": True}
            if spec["kind"] == "stall":
                self.released.clear()
            self.faults.append(faults.Fault(spec))
        return {"ok": True}

    def release(self, _):
        self.released.set()
        return {"ok": True}

    def clock(self, spec):
        clock = self.persona.clock
        with self.persona.lock:
            if "set" in spec:
                clock.set(float(spec["set"]))
            clock.advance(float(spec.get("advance_s", 0)))
            self.persona.tick()
        return {"now": clock.now()}

    def restart(self, _):
        self.persona.restart()
        return {"ok": True}

    def reset(self, spec):
        """As if just started with these options: nothing stored, counted, logged or planned is left."""
        old = self.persona
        with old.lock, self.lock:
            for name in os.listdir(old.log.dir):
                os.unlink(os.path.join(old.log.dir, name))
            old.log.close()
            self.faults = []
            self.seen.clear()
            self.released.set()
            self.persona = self.make(spec)
        return {"ok": True}

    def become(self, spec):
        """An upgrade or a way back under whoever is connected: another generation with the same lists."""
        old = self.persona
        with old.lock, self.lock:
            lists = old.stored()
            old.log.close()
            new = self.make({"entries": 0, **spec, "clock": old.clock})
            new.preload([(a, "") for a in lists["blocked"]])
            new.edit({"allow": lists["allowed"]})
            new.load_live()
            self.persona = new
        return {"ok": True}

    def edit(self, change):
        with self.persona.lock:
            return self.persona.edit(change) or {"ok": True}

    def permissions(self, spec):
        return {"ok": self.persona.set_permissions(spec["name"], spec["permissions"])}

    def readonly(self, flag):
        self.persona.file_unwritable = flag is True or (isinstance(flag, dict) and bool(flag.get("unwritable", True)))
        return {"unwritable": self.persona.file_unwritable}

    def requests(self, spec):
        with self.lock:
            seen = list(self.seen)
            if not spec.get("keep"):
                self.seen.clear()
        return {"requests": seen}

    def rotate(self, spec):
        persona = self.persona
        with persona.lock:
            now = persona.clock.now()
            if spec.get("how") == "daily":
                persona.clock.advance(86400 - now % 86400 + 1)
                return {"file": persona.log.path(persona.clock.now())}
            how = {"rename": persona.log.rotate, "copytruncate": persona.log.copytruncate, "gzip": persona.log.gzip}
            return {"file": how[spec["how"]](now)}

    def line(self, spec):
        """A raw line into the log, as text or as hex."""
        text = bytes.fromhex(spec["hex"]) if "hex" in spec else spec["line"]
        with self.persona.lock:
            self.persona.log.write(text, self.persona.clock.now())
        return {"ok": True}

    def settle(self, _):
        """Work that the server would do a moment later is done now."""
        with self.persona.lock:
            getattr(self.persona, "settle", self.persona.tick)()
        return {"ok": True}


CONTROLS = {
    ("GET", "state"): Server.state, ("POST", "event"): Server.event, ("POST", "events"): Server.events,
    ("POST", "fault"): Server.plan, ("GET", "faults"): Server.planned, ("POST", "release"): Server.release, ("POST", "clock"): Server.clock,
    ("POST", "restart"): Server.restart, ("POST", "set"): Server.edit, ("POST", "permissions"): Server.permissions,
    ("POST", "readonly-file"): Server.readonly, ("GET", "requests"): Server.requests,
    ("POST", "reset"): Server.reset, ("POST", "become"): Server.become, ("POST", "rotate"): Server.rotate,
    ("POST", "line"): Server.line, ("POST", "settle"): Server.settle,
}


# ---- start ----------------------------------------------------------------------------------------

def arguments(argv):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--persona", default="0.15", choices=sorted(PERSONAS))
    p.add_argument("--listen", default="127.0.0.1:0", metavar="ADDR:PORT")
    p.add_argument("--also-listen", action="append", default=[], metavar="ADDR:PORT")
    p.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    p.add_argument("--log-dir")
    p.add_argument("--seed", metavar="FILE", help="addresses, one a line with an optional note; or a JSON object")
    p.add_argument("--entries", type=int, default=0, metavar="N", help="preload N blocked entries")
    p.add_argument("--user")
    p.add_argument("--password", help="or FAKE_PASSWORD in the environment")
    p.add_argument("--options", default="{}", metavar="JSON", help="options of the persona: keys, accounts, version …")
    p.add_argument("--forwarded", action="store_true", help="believe X-Forwarded-For")
    p.add_argument("--attack", type=float, default=0, metavar="RATE", help="simulated attack events per second")
    p.add_argument("--history-days", type=int, default=0, metavar="N", help="write N days of past logs first")
    p.add_argument("--clock", type=float, metavar="EPOCH", help="a fixed clock")
    p.add_argument("--parent-pid", type=int, metavar="PID", help="exit when this process is gone")
    p.add_argument("--quiet", action="store_true")
    return p.parse_args(argv)


def read_seed(path):
    """([(address, note)], change) from a seed file."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if text.lstrip().startswith("{"):
        seed = json.loads(text)
        rows = [(r, "") if isinstance(r, str) else tuple(r) for r in seed.pop("blocked", [])]
        return rows, seed
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(words[0], words[1].strip() if len(words) > 1 else "") for words in lines], {}


def make_persona(args, spec=None):
    """spec: persona, options and entries instead of those of the command line; the log stays where it was."""
    options = json.loads(args.options)
    entries = args.entries
    if spec:
        options.update(spec.get("options", {}))
        entries = int(spec.get("entries", entries))
    options["user"] = args.user or options.get("user")
    options["password"] = args.password or os.environ.get("FAKE_PASSWORD") or options.get("password")
    args.log_dir = log_dir = args.log_dir or tempfile.mkdtemp(prefix="practice-log-")
    spec = spec or {}
    persona = persona_class(spec.get("persona", args.persona))(spec.get("clock") or Clock(args.clock), log_dir, options)
    if args.history_days:
        attack.history(persona, args.history_days)
    rows = attack.addresses(entries)
    if args.seed:
        seeded, change = read_seed(args.seed)
        rows += seeded
        if change:
            persona.edit(change)
    if rows:
        persona.preload(rows)
    elif args.seed:
        persona.load_live()
    return persona


def watch_parent(pid, stop):
    while not stop.wait(0.5):
        try:
            os.kill(pid, 0)
        except OSError:
            os._exit(0)


def main(argv=None):
    args = arguments(argv)
    persona = make_persona(args)
    server = Server(persona, args.forwarded)
    server.make = lambda spec: make_persona(args, spec)
    context = None
    if args.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*args.tls)
    try:
        host, port = server.listen(args.listen, context)
        for address in args.also_listen:
            server.listen(address, context)
    except (OSError, ValueError) as error:
        sys.exit("practice server: %s" % error)
    if args.parent_pid:
        threading.Thread(target=watch_parent, args=(args.parent_pid, server.stop), daemon=True).start()
    if args.attack:
        threading.Thread(target=attack.run, args=(persona, args.attack, server.stop), daemon=True).start()
    # Written by the C handler, in whichever thread: a handler in Python can come too late for a wait that just began, and one
    # that sets the event its own thread waits for finds the event's lock taken when a second signal comes.
    ended, end = os.pipe()
    os.set_blocking(end, False)
    signal.set_wakeup_fd(end, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    shown = "[%s]" % host if ":" in host else host
    print("listening %s://%s:%d" % ("https" if context else "http", shown, port), flush=True)
    if not args.quiet:
        print("persona %s %s, logs in %s" % (persona.name, persona.version, persona.log.dir), file=sys.stderr)
    os.read(ended, 1)
    server.stop.set()
    server.released.set()


if __name__ == "__main__":
    main()
