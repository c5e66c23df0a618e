# SPDX-License-Identifier: GPL-3.0-or-later
"""x:Log of the 0.16 persona: lines by file number and byte offset, newest first. It must not write a line."""

import re

from .jmap_calls import MethodError
from .jmap_read import MAX_OBJECTS, MAX_QUERY
from .jmap_registry import decode_id, encode_id, iso, parse_date
from .logread import lines_back

LOG_TOTAL = 5000
UNAVAILABLE = "This server is temporarily unavailable. Attempting this same operation later may succeed."
COLOUR = re.compile(r"\x1b(\[[^@-~]*[@-~]|\][^\x07\x1b]*(\x07|\x1b.)|.)")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
EVENT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+")


def log_entry(line):
    """One line as x:Log/get shows it, or None."""
    try:
        text = COLOUR.sub("", line.decode("utf-8"))
    except UnicodeDecodeError:
        raise MethodError("serverUnavailable", UNAVAILABLE) from None
    stamp, _, rest = text.partition(" ")
    level, _, rest = rest.strip().partition(" ")
    _, opened, rest = rest.strip().partition(" (")
    event, closed, details = rest.partition(")")
    if not (STAMP.match(stamp) and opened and closed and EVENT.fullmatch(event)):
        return None
    level = level.lower()
    return {"timestamp": iso(parse_date(stamp)), "event": event, "details": details.strip(),
            "level": level if level in ("error", "warn", "info", "debug", "trace") else "info"}


class LogCalls:
    """Mixed into the persona."""

    def log_files(self):
        if not self.log.dir or not self.options.get("tracer", True):
            raise MethodError("invalidArguments", "No log tracers configured on the server")
        return self.log.files()

    def query_log(self, kind, args, ctx):
        files, text = self.log_files(), None
        for name, op, value in self.conditions(args):
            if name != "text" or not isinstance(value, str):
                raise self.bad_filter(name)
            text = value
        prop, _ = self.sorting(args)
        if prop != "id":
            raise MethodError("unsupportedSort", "Only sorting by 'id' is supported for logs")
        position, limit = self.number(args, "position"), self.number(args, "limit")
        plain = not args.get("calculateTotal") and not self.number(args, "anchorOffset") and \
            (position is None or position > 0)
        if position and not plain:              # a plain query ignores it (seen)
            raise MethodError("invalidArguments", "Pagination is only possible using anchors for logs")
        limit = MAX_QUERY if limit is None else min(limit, MAX_QUERY)
        anchor = decode_id(args["anchor"]) if args.get("anchor") is not None else 0
        ids = [encode_id(n) for n in self.log_offsets(files, text, anchor or 0, limit)]
        more = {"total": LOG_TOTAL} if args.get("calculateTotal") else {}
        if not plain and limit < LOG_TOTAL:
            more["limit"] = limit
        return self.answer_query(ids, 0, **more)

    @staticmethod
    def log_offsets(files, text, anchor, limit):
        """File number << 48 | byte offset of each line that is the head of an entry, newest first. What lies behind
        the anchor is found by meeting exactly that number: after a rotation it is met no more, and nothing comes.
        The first line of the newest file has number 0, which is also no anchor: behind it all begins again (src)."""
        out, found, needle = [], anchor == 0, text and text.encode("utf-8", "surrogateescape")
        for number, path in enumerate(files):
            if not found and anchor >> 48 != number:
                continue
            for offset, line in lines_back(path):
                try:
                    head = COLOUR.sub("", line.decode("utf-8")) if b"\x1b" in line else line.decode("utf-8")
                except UnicodeDecodeError:
                    raise MethodError("serverUnavailable", UNAVAILABLE) from None
                if not STAMP.match(head.partition(" ")[0]):
                    continue
                if not found:
                    found = number << 48 | offset == anchor
                    continue
                if needle is None or needle in line:
                    out.append(number << 48 | offset)
                    if len(out) >= limit:
                        return out
        return out

    def get_log(self, kind, args, ctx):
        files = self.log_files()
        ids, properties = self.wanted(args)
        if ids is None:
            numbers, invalid = self.log_offsets(files, None, 0, MAX_OBJECTS), []
        else:
            numbers = [n for n in map(decode_id, ids) if n is not None]
            invalid = [i for i in ids if decode_id(i) is None]
        found = []
        for number, path in enumerate(files):
            mine = [n for n in numbers if n >> 48 == number]
            if not mine:
                continue
            with open(path, "rb") as file:
                for n in mine:
                    file.seek(n & (1 << 48) - 1)
                    entry = log_entry(file.readline())
                    if entry:                   # what can't be parsed is neither listed nor not found (seen)
                        found.append(self.cut(dict(entry, id=encode_id(n)), properties))
        return {"list": found, "notFound": invalid}
