# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes small MaxMind databases: a binary tree of networks, IPv4 below ::/96, and a map for each."""

import ipaddress
import struct


def encode(value):
    """One value of the format: text, integers, maps and lists."""
    if isinstance(value, str):
        raw = value.encode()
        assert len(raw) < 285
        return (bytes([0x40 | len(raw)]) if len(raw) < 29 else bytes([0x5d, len(raw) - 29])) + raw
    if isinstance(value, dict):
        assert len(value) < 29
        return bytes([0xe0 | len(value)]) + b"".join(encode(k) + encode(v) for k, v in value.items())
    if isinstance(value, list):
        return bytes([len(value), 11 - 7]) + b"".join(encode(v) for v in value)
    kind, number = value                        # ("uint16", 24)
    size = {"uint16": 2, "uint32": 4, "uint64": 8}[kind]
    raw = number.to_bytes(size, "big")
    return (bytes([size, 9 - 7]) if kind == "uint64" else bytes([{"uint16": 5, "uint32": 6}[kind] << 5 | size])) + raw


def country(code):
    return {"country": {"iso_code": code}}


def operator(number, name):
    return {"autonomous_system_number": ("uint32", number), "autonomous_system_organization": name}


def write(path, kind, networks):
    """kind: the database_type, such as GeoLite2-Country; networks: {"203.0.113.0/24": country("NL")}, none inside another."""
    data, offsets, nodes = b"", {}, [[None, None]]
    for text, value in networks.items():
        net = ipaddress.ip_network(text)
        bits = ("0" * 96 if net.version == 4 else "") + "".join("{:08b}".format(b) for b in net.network_address.packed)
        depth = net.prefixlen + (96 if net.version == 4 else 0)
        offsets[text] = len(data)
        data += encode(value)
        node = 0
        for bit in map(int, bits[:depth - 1]):
            if nodes[node][bit] is None:
                nodes.append([None, None])
                nodes[node][bit] = len(nodes) - 1
            node = nodes[node][bit]
        nodes[node][int(bits[depth - 1])] = ("data", offsets[text])

    def record(r):
        number = len(nodes) if r is None else r if isinstance(r, int) else len(nodes) + 16 + r[1]
        return struct.pack(">I", number)[1:]

    meta = {"node_count": ("uint32", len(nodes)), "record_size": ("uint16", 24), "ip_version": ("uint16", 6), "database_type": kind,
            "languages": [], "binary_format_major_version": ("uint16", 2), "binary_format_minor_version": ("uint16", 0),
            "build_epoch": ("uint64", 1795132800), "description": {}}
    with open(path, "wb") as f:
        f.write(b"".join(record(r) for node in nodes for r in node) + b"\0" * 16 + data + b"\xab\xcd\xefMaxMind.com" + encode(meta))
    return str(path)
