# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the log files back, newest line first, as the servers' log calls do. It must not know who asks."""

import mmap
import os
import re

COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z +([A-Z]+) (.*?) \(([^)]*)\) ?(.*)", re.S)
LEGACY = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z +([A-Z]+) [\w:]+: (.*)", re.S)


class BadUtf8(Exception):
    """A line that was reached holds a byte that is not UTF-8."""


def lines_back(path):
    """(offset, line) of the file's lines as bytes, last first, without reading more than is asked for."""
    if not os.path.getsize(path):
        return
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        end = len(data)
        if data[end - 1] == 10:
            end -= 1
        while end >= 0:
            start = data.rfind(b"\n", 0, end) + 1
            yield start, data[start:end]
            end = start - 1


def matching(files, text):
    """Lines that hold text, newest first, over all files (newest file first)."""
    needle = text.encode("utf-8", "surrogateescape")
    for path in files:
        for _, line in lines_back(path):
            if needle and needle not in line:
                continue
            yield line


def decode(line):
    try:
        return COLOUR.sub(b"", line).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadUtf8("invalid utf-8 sequence of 1 bytes from index %d" % error.start) from error


def entry(line):
    """One item of 0.9.4 and later, or None when the line can't be read."""
    hit = LINE.fullmatch(decode(line))
    if not hit:
        return None
    stamp, level, description, event, details = hit.groups()
    return {"timestamp": stamp + "Z", "level": level, "event": description, "event_id": event, "details": details}


def legacy_entry(line):
    """One item up to 0.9.3."""
    hit = LEGACY.fullmatch(decode(line))
    if not hit:
        return None
    return {"timestamp": hit[1] + "Z", "level": hit[2], "message": hit[3]}


def page(files, text, offset, limit, parse):
    """(total, items). The total is what was seen, plus one more page when the limit stopped the reading."""
    total, items = 0, []
    for line in matching(files, text):
        item = parse(line)
        if item is None:
            continue
        total += 1
        if total <= offset:
            continue
        items.append(item)
        if limit and len(items) == limit:
            return total + limit, items
    return total, items
