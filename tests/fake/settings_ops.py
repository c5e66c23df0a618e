# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the body of POST /api/settings as the servers' JSON reader does, with its words for what is wrong."""

import json
import re


class BadBody(Exception):
    """The words of the JSON reader."""


_text = lambda v: isinstance(v, str)
_texts = lambda v: isinstance(v, list) and all(map(_text, v))
_maybe = lambda v: v is None or isinstance(v, str)
_pairs = lambda v: isinstance(v, list) and all(_texts(p) and len(p) == 2 for p in v)
OP_FIELDS = {
    "insert": {"prefix": _maybe, "values": _pairs, "assert_empty": lambda v: isinstance(v, bool)},
    "delete": {"keys": _texts},
    "clear": {"prefix": _text, "filter": _maybe},
}


def read_ops(body, names):
    """The list of ops, or BadBody in the words of the server's JSON reader."""
    try:
        ops = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadBody("invalid unicode code point at line 1 column %d" % error.start) from error
    except json.JSONDecodeError as error:
        at = " at line %d column %d" % (error.lineno, error.colno)
        if error.pos >= len(body.decode("utf-8").rstrip()):
            raise BadBody("EOF while parsing a value at line 1 column 0" if not body
                          else "EOF while parsing a string" + at) from error
        raise BadBody("expected ident at line 1 column 2" if error.pos == 0
                      else "expected value" + at) from error
    if not isinstance(ops, list):
        shape = "map" if isinstance(ops, dict) else type(ops).__name__
        raise BadBody("invalid type: %s, expected a sequence at line 1 column 0" % shape)
    for op in ops:
        check_op(op, body, names)
    return ops


def check_op(op, body, names):
    end = " at line 1 column %d" % len(body)
    if not isinstance(op, dict):
        raise BadBody("invalid type: expected internally tagged enum UpdateSettings" + end)
    kind = op.get("type")
    if kind not in names:
        if kind is None:
            raise BadBody("missing field `type`" + end)
        hit = re.search(rb'"type"\s*:\s*' + re.escape(json.dumps(kind).encode()), body)
        known = ", ".join("`%s`" % n for n in names)
        raise BadBody("unknown variant `%s`, expected one of %s at line 1 column %d" % (
            kind, known, hit.end() if hit else 0))
    for name, check in OP_FIELDS[kind.lower()].items():
        if name not in op and name != "filter":
            raise BadBody("missing field `%s`%s" % (name, end))
        if not check(op.get(name)):
            raise BadBody("invalid type in field `%s`%s" % (name, end))
