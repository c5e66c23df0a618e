# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's disk under a folder: certbot's tree, its log, a systemctl in PATH, a real nginx. Makes no certificates."""

import os
import signal
import socket
import subprocess
import time

LIVE = "etc/letsencrypt/live"


class Sandbox:
    def __init__(self, root):
        self.root = root

    def write(self, path, data):
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(data if isinstance(data, bytes) else data.encode())
        return full

    def lineage(self, name, cert, extra=""):
        self.write(f"{LIVE}/{name}/fullchain.pem", cert.fullchain)
        self.write(f"{LIVE}/{name}/privkey.pem", cert.key_pem)
        self.write(f"etc/letsencrypt/renewal/{name}.conf", f"""# renew_before_expiry = 30 days
version = 2.1.0
archive_dir = /etc/letsencrypt/archive/{name}
cert = /etc/letsencrypt/live/{name}/cert.pem
privkey = /etc/letsencrypt/live/{name}/privkey.pem
chain = /etc/letsencrypt/live/{name}/chain.pem
fullchain = /etc/letsencrypt/live/{name}/fullchain.pem
{extra}
# Options used in the renewal process
[renewalparams]
account = 0123456789abcdef0123456789abcdef
authenticator = nginx
server = https://acme-v02.api.letsencrypt.org/directory
""")

    def log(self, text, number=""):
        self.write(f"var/log/letsencrypt/letsencrypt.log{number}", text)


def fake_systemctl(folder, answer, status=0):
    """A systemctl in PATH that answers with this text (and checks that it is asked in UTC)."""
    folder.mkdir(exist_ok=True)
    (folder / "answer").write_text(answer)
    (folder / "systemctl").write_text(
        f'#!/bin/sh\n[ "$TZ" = UTC ] && [ "$1" = show ] || exit 9\ncat "{folder}/answer"\nexit {status}\n')
    (folder / "systemctl").chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


TIMER = """Id=certbot.timer
LoadState=loaded
ActiveState={active}
NextElapseUSecRealtime={next}
LastTriggerUSec=Fri 2026-11-20 15:17:05 UTC
Result=success

Id=snap.certbot.renew.timer
LoadState=not-found
ActiveState=inactive
NextElapseUSecRealtime=
LastTriggerUSec=

Id=certbot.service
LoadState=loaded
ActiveState=inactive
Result={result}
ExecMainExitTimestamp=Fri 2026-11-20 15:17:09 UTC
"""

NGINX = """daemon off;
user root;
worker_processes 1;
pid {root}/nginx.pid;
error_log {root}/error.log;
events {{}}
http {{
	access_log off;
	client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3;
	uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
	include "sites-enabled/*.conf"; # ssl_certificate /etc/commented.pem;
}}
"""
SITE = """server {{
	listen 127.0.0.1:{port} ssl;
	server_name {name};
	ssl_certificate '../letsencrypt/live/{name}/fullchain.pem';
	ssl_certificate_key ../letsencrypt/live/{name}/privkey.pem;
	location / {{ return 204; }}
}}
"""


def start_nginx(sandbox, stack, name):
    """(port, process)"""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    conf = sandbox.write("etc/nginx/nginx.conf", NGINX.format(root=sandbox.root))
    sandbox.write("etc/nginx/sites-enabled/one.conf", SITE.format(port=port, name=name))
    p = subprocess.Popen(["nginx", "-p", str(sandbox.root), "-c", str(conf)], stderr=subprocess.PIPE)

    def stop():
        p.send_signal(signal.SIGTERM)
        p.wait(20)
        p.stderr.close()
    stack.callback(stop)
    wait_for(lambda: connects(port) or p.poll() is not None)
    assert p.poll() is None, p.stderr.read()
    return port, p


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return set(f.read().split())


def connects(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition, limit=30):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)
