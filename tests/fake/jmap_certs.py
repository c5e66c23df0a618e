# SPDX-License-Identifier: GPL-3.0-or-later
"""What the 0.16 server reads out of an uploaded PEM certificate: names, dates, issuer. Enough DER for that;
no signature, no key and no chain is checked. It must not know who uploads."""

import base64
import binascii
import datetime
import re

PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")
SHORT = {"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU",
         "1.2.840.113549.1.9.1": "emailAddress"}
SAN = "2.5.29.17"


class BadCertificate(Exception):
    pass


def read(data, at):
    """(tag, value, the offset behind it)"""
    if at + 2 > len(data):
        raise BadCertificate("short")
    tag, size, at = data[at], data[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7F
        if not 0 < count <= 4 or at + count > len(data):
            raise BadCertificate("length")
        size, at = int.from_bytes(data[at:at + count], "big"), at + count
    if at + size > len(data):
        raise BadCertificate("short")
    return tag, data[at:at + size], at + size


def children(data):
    out, at = [], 0
    while at < len(data):
        tag, value, at = read(data, at)
        out.append((tag, value))
    return out


def oid(data):
    parts, number = [data[0] // 40, data[0] % 40], 0
    for byte in data[1:]:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            parts.append(number)
            number = 0
    return ".".join(map(str, parts))


def name(data):
    out = []
    for _, rdn in children(data):
        for _, pair in children(rdn):
            (_, kind), (_, value) = children(pair)
            kind = oid(kind)
            out.append("%s=%s" % (SHORT.get(kind, kind), value.decode("utf-8", "replace")))
    return ", ".join(out)


def when(tag, value):
    text = value.decode("ascii")
    if tag == 0x17:                             # UTCTime has two digits for the year
        text = ("19" if text[0] >= "5" else "20") + text
    return int(datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=datetime.timezone.utc).timestamp())


def alternative_names(extensions):
    out = []
    for _, extension in children(children(extensions)[0][1]):
        parts = children(extension)
        if oid(parts[0][1]) == SAN:
            _, names, _ = read(parts[-1][1], 0)
            out += [value.decode("utf-8", "replace") for tag, value in children(names) if tag == 0x82]
    return out


def parse_der(data):
    outer, certificate, _ = read(data, 0)
    inner, tbs, _ = read(certificate, 0)
    if (outer, inner) != (0x30, 0x30):
        raise BadCertificate("no sequence")
    parts = [part for part in children(tbs) if part[0] != 0xA0]
    (before, after), names = children(parts[3][1]), []
    for tag, value in parts:
        if tag == 0xA3:
            names = alternative_names(value)
    subject = re.search(r"CN=([^,]*)", name(parts[4][1]))
    if not names and subject:
        names = [subject[1]]
    return {"names": names, "before": when(*before), "after": when(*after), "issuer": name(parts[2][1])}


def parse_pem(text):
    """{'names': [...], 'before': epoch, 'after': epoch, 'issuer': text} of the first certificate."""
    hit = PEM.search(text)
    if not hit:
        raise BadCertificate("Cryptographic error: No certificates found in PEM")
    try:
        return parse_der(base64.b64decode("".join(hit[1].split()), validate=True))
    except (BadCertificate, binascii.Error, ValueError, IndexError) as error:
        raise BadCertificate("Cryptographic error: Failed to parse certificate") from error
