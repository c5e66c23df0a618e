#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes tests/data/certs and the corpus of fuzz_x509: certificates with fixed dates, so that unit tests can name them. Run by hand
when a kind is missing; what is committed is what the tests read."""

import base64
import datetime
import pathlib
import sys

from cryptography import x509

import tls_certs as certs

ROOT = pathlib.Path(__file__).resolve().parents[1]
DATA, CORPUS = ROOT / "data/certs", ROOT / "fuzz/corpus/fuzz_x509"
START, END = datetime.datetime(2026, 11, 1), datetime.datetime(2027, 1, 30, 12)


def main():
    DATA.mkdir(parents=True, exist_ok=True)
    CORPUS.mkdir(parents=True, exist_ok=True)
    a = certs.Authority()
    dates = dict(start=START, end=END)
    leaf = a.leaf("mail.example.org", "imap.example.org", "*.wild.example.org", **dates)
    rsa = a.leaf("rsa.example.org", kind="rsa2048", **dates)
    odd = [x509.DNSName(n) for n in ("e\x1b[31mvil", 'q"uote', "n\x00ul.example.org", "192.0.2.1", "::1")]
    odd += [x509.UniformResourceIdentifier("http://u/\x07"), x509.RFC822Name("e@example.org")]
    nasty = certs.build('n"a\x1b]0;x\x07,\\\x9b\u202e', certs.new_key(), a.intermediate, ["nasty.example.org"],
                        extra_names=odd, organization="Ö AG", **dates)
    hundred = a.leaf(*[f"h{i}.example.org" for i in range(100)], **dates)
    files = {
        "full.pem": leaf.fullchain, "leaf.pem": leaf.pem, "leaf.key": leaf.key_pem, "leaf.der": leaf.der,
        "both.pem": leaf.key_pem + leaf.fullchain,
        "acme.txt": base64.urlsafe_b64encode(leaf.key_pem + b"\n" + leaf.fullchain).rstrip(b"="),
        "swapped.pem": a.intermediate.pem + leaf.pem,
        "foreign.pem": leaf.fullchain + rsa.pem,
        "rsa.pem": rsa.fullchain, "rsa.key": rsa.key_pem,
        "ed25519.pem": a.leaf("ed.example.org", kind="ed25519", **dates).fullchain,
        "nasty.pem": nasty.fullchain,
        "hundred.pem": hundred.fullchain,
        "self.pem": certs.self_signed("self.example.org", **dates).pem,
        "staple.pem": a.leaf("staple.example.org", must_staple=True, **dates).pem,
        "1950.pem": a.leaf("old.example.org", start=datetime.datetime(1950, 1, 1),
                           end=datetime.datetime(1951, 1, 1)).pem,
        "9999.pem": a.leaf("far.example.org", start=START, end=datetime.datetime(9999, 12, 31, 23, 59, 59)).pem,
        "nosan.pem": certs.build("cn.example.org", certs.new_key(), a.intermediate, **dates).pem,
        "address.pem": a.leaf("192.0.2.7", "2001:db8::7", **dates).pem,
    }
    for name, data in files.items():
        (DATA / name).write_bytes(data)
    for name in ("leaf.pem", "leaf.der", "both.pem", "acme.txt", "nasty.pem", "staple.pem", "self.pem", "leaf.key"):
        (CORPUS / name).write_bytes(files[name])
    (CORPUS / "cut").write_bytes(leaf.pem[:200])
    (CORPUS / "macro").write_bytes(b"%{file:/etc/ssl/cert.pem}%")
    (CORPUS / "ocsp").write_bytes(a.staple(leaf, this=START, next_update=END))
    for name, cert in (("leaf", leaf), ("intermediate", a.intermediate), ("nasty", nasty)):
        (CORPUS / f"{name}.small.der").write_bytes(cert.der)


def panel():
    """What the certificates panel's screens show: with fingerprints and dates that stay."""
    folder = DATA / "panel"
    folder.mkdir(exist_ok=True)
    a = certs.Authority("Panel")
    far = dict(start=datetime.datetime(2026, 11, 20), end=datetime.datetime(2027, 2, 18))
    soon = dict(start=datetime.datetime(2026, 8, 29), end=datetime.datetime(2026, 11, 27, 12))
    late = dict(start=datetime.datetime(2026, 9, 12), end=datetime.datetime(2026, 12, 11))
    made = {"new": a.leaf("mail.example.org", "imap.example.org", **far), "old": a.leaf("mail.example.org", **soon),
            "admin": a.leaf("admin.example.org", **late), "self": certs.self_signed("imap.example.org", **far)}
    for name, cert in made.items():
        (folder / f"{name}.pem").write_bytes(cert.fullchain)
        (folder / f"{name}.key").write_bytes(cert.key_pem)
    (folder / "root.pem").write_bytes(a.root.pem)


if __name__ == "__main__":
    {"main": main, "panel": panel}[sys.argv[1] if len(sys.argv) > 1 else "main"]()
