# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS servers on loopback, each connection in a thread: by SNI, by STARTTLS of four protocols, and in every way broken.
Certificates come from outside."""

import socket
import ssl
import struct
import threading


class Server:
    """Context manager. `handler(connection)` runs per connection; `seen` collects what clients said in clear."""

    def __init__(self, handler, host="127.0.0.1", port=0):
        self.handler = handler
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, port), family=family, backlog=64)
        self.port = self.socket.getsockname()[1]
        self.closing = threading.Event()
        self.threads = []
        self.seen = []
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        self.thread.join(10)
        for t in self.threads:
            t.join(10)

    def _run(self):
        while not self.closing.is_set():
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            t = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self.threads.append(t)
            t.start()

    def _serve(self, connection):
        connection.settimeout(20)
        try:
            self.handler(self, connection)
        except OSError:
            pass
        finally:
            connection.close()


def context(cert, key, minimum=None, maximum=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if maximum:
        c.set_ciphers("ALL:@SECLEVEL=0")
        c.minimum_version = minimum or maximum
        c.maximum_version = maximum
    else:
        c.set_ciphers("DEFAULT:@SECLEVEL=0")  # 1024-bit keys are served too
    c.load_cert_chain(cert, key)
    return c


def by_name(default, names):
    """names: SNI -> context."""
    def choose(sock, name, _):
        if name in names:
            sock.context = names[name]
    default.sni_callback = choose
    return default


def handshake(connection, ctx):
    try:
        with ctx.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1)  # until the client leaves
    except (ssl.SSLError, OSError):
        pass


def tls(ctx):
    def handle(_, connection):
        handshake(connection, ctx)
    return handle


def line_reader(connection):
    """Byte by byte, so that nothing of the TLS handshake is read ahead."""
    data = b""
    while not data.endswith(b"\n"):
        got = connection.recv(1)
        if not got:
            return None
        data += got
    return data.strip().decode("latin-1")


GREETING = {
    "smtp": b"220-mail.example.org\r\n220 ESMTP ready\r\n",
    "imap": b"* OK [CAPABILITY IMAP4rev2 STARTTLS] ready\r\n",
    "pop3": b"+OK ready\r\n",
    "sieve": b'"IMPLEMENTATION" "test"\r\n"STARTTLS"\r\n"SASL" ""\r\nOK "ready"\r\n',
}
CAPABILITIES = b"250-mail.example.org\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 8BITMIME\r\n"
AGREED = {
    "smtp": b"220 go ahead\r\n",
    "imap": b"* NOTE untagged\r\na1 OK begin TLS\r\n",
    "pop3": b"+OK begin TLS\r\n",
    "sieve": b'OK "begin TLS"\r\n',
}


def starttls(proto, ctx, greeting=None, capabilities=CAPABILITIES, agreed=None, slow=False):
    """A server of that protocol as far as TLS; every answer can be replaced."""
    greeting = GREETING[proto] if greeting is None else greeting
    agreed = AGREED[proto] if agreed is None else agreed

    def say(connection, data):
        for i in range(0, len(data), 1 if slow else max(len(data), 1)):
            connection.sendall(data[i:i + 1] if slow else data)

    def handle(server, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        say(connection, greeting)
        if proto == "smtp":
            line = line_reader(connection)
            if line is None:
                return
            server.seen.append(line)
            say(connection, capabilities)
        line = line_reader(connection)
        if line is None:
            return
        server.seen.append(line)
        say(connection, agreed)
        handshake(connection, ctx)
    return handle


def silent(server, connection):
    """Accepts, then says nothing."""
    server.closing.wait(30)


def says(data, then="wait"):
    def handle(server, connection):
        connection.sendall(data)
        if then == "wait":
            server.closing.wait(30)
        elif then == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return handle


def hang_up(_, connection):
    """Hears the client out, then leaves."""
    connection.recv(65536)


def endless(data):
    """Talks without end, until the client has had enough."""
    def handle(server, connection):
        while not server.closing.is_set():
            connection.sendall(data)
    return handle
