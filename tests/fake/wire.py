# SPDX-License-Identifier: GPL-3.0-or-later
"""The least HTTP/1.1 a server needs, on a plain socket, so that every fault is possible. Knows no persona."""

import email.utils
import http as _http
import socket
import struct

from .persona import Request

HEAD_LIMIT = 64 << 10


class Broken(Exception):
    """The client is gone, or does not speak HTTP."""


class Wire:
    """One connection: reads requests, writes answers, ends it nicely or not."""

    def __init__(self, sock, persona, stop, released):
        self.sock, self.persona, self.stop, self.released = sock, persona, stop, released
        self.buffer = b""
        self.open = True
        self.keep = True

    # ---- reading --------------------------------------------------------------------------------

    def _more(self):
        try:
            data = self.sock.recv(1 << 16)
        except (OSError, ValueError) as error:
            raise Broken(str(error)) from error
        if not data:
            raise Broken("closed by the client")
        self.buffer += data

    def _take(self, count):
        if count > len(self.buffer):
            parts, have = [self.buffer], len(self.buffer)
            while have < count:
                self.buffer = b""
                self._more()
                parts.append(self.buffer)
                have += len(self.buffer)
            self.buffer = b"".join(parts)
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def _line(self):
        while b"\r\n" not in self.buffer:
            if len(self.buffer) > HEAD_LIMIT:
                raise Broken("line too long")
            self._more()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def read_proxy(self):
        """The client's address from a PROXY line (version 1); Broken when the connection begins otherwise."""
        words = self._line().decode("latin-1").split(" ")
        if len(words) != 6 or words[0] != "PROXY" or words[1] not in ("TCP4", "TCP6"):
            raise Broken("no PROXY line")
        return words[2]

    def read(self, client, listener):
        """The next Request; Broken when there is none."""
        words = self._line().decode("latin-1").split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise Broken("not a request line")
        headers = {}
        while True:
            line = self._line().decode("latin-1")
            if not line:
                break
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        self.keep = "close" not in headers.get("connection", "").lower() and words[2] != "HTTP/1.0"
        path, _, query = words[1].partition("?")
        return Request(words[0], path, query, headers, self._body(headers), client, False, listener)

    def _body(self, headers):
        chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        size = int(headers.get("content-length") or 0)
        if (chunked or size) and headers.get("expect", "").lower() == "100-continue" and not self.buffer:
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not chunked:
            return self._take(size)
        parts = []
        while True:
            count = int(self._line().split(b";")[0], 16)
            if not count:
                break
            parts.append(self._take(count))
            self._line()
        while self._line():
            pass
        return b"".join(parts)

    # ---- writing --------------------------------------------------------------------------------

    def encode(self, answer):
        try:
            phrase = _http.HTTPStatus(answer.status).phrase
        except ValueError:
            phrase = "Status"
        headers = {"date": email.utils.formatdate(self.persona.clock.now(), usegmt=True)}
        headers.update(answer.headers)
        headers.setdefault("content-length", str(len(answer.body)))
        if not self.keep:
            headers["connection"] = "close"
        head = "HTTP/1.1 %d %s\r\n%s\r\n" % (answer.status, phrase,
                                             "".join("%s: %s\r\n" % pair for pair in headers.items()))
        return head.encode("latin-1", "replace") + answer.body

    def send(self, data):
        """False when the client is gone."""
        try:
            self.sock.sendall(data)
        except (OSError, ValueError):
            self.open = False
        return self.open

    def answer(self, answer):
        if answer.action == "reset":
            return self.drop()
        self.send(self.encode(answer))
        return None if self.keep else self.finish()

    def finish(self):
        """FIN: what was sent arrives."""
        self.open = False
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except (OSError, ValueError):
            pass
        self.sock.close()

    def drop(self):
        """RST."""
        self.open = False
        drop(self.sock)

    # ---- for faults -------------------------------------------------------------------------

    def wait(self, seconds):
        """True when the server is being stopped."""
        return self.stop.wait(seconds)

    def hold(self):
        self.released.wait()


def drop(sock):
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    sock.close()
