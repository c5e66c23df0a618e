# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids, addresses and properties of the 0.16 registry: how a value or a patch is taken or refused, what is valid.
It must not know which objects there are."""

import copy
import datetime
import ipaddress
import re

ALPHABET = "abcdefghijklmnopqrstuvwxyz792013"
DIGIT = {c: n for n, c in enumerate(ALPHABET)}
U64_MAX = 2 ** 64 - 1
ID_EPOCH_MS = 1_632_280_000_000                 # the recorded ids are milliseconds since then, << 21
NO_ID = "p333333333333"                         # an id that was never set reads as 2^64-1


def encode_id(number):
    """Ids are base 32 without leading zeros; 0 is 'a'."""
    out = ""
    while True:
        out = ALPHABET[number & 31] + out
        number >>= 5
        if not number:
            return out


def decode_id(text):
    """The number, or None when it is no id."""
    if not isinstance(text, str) or not 0 < len(text) <= 13:
        return None
    number = 0
    for char in text:
        digit = DIGIT.get(char)
        if digit is None:
            return None
        number = number << 5 | digit
    return number if number <= U64_MAX else None


class Ids:
    """Row ids as the server hands them out: milliseconds, a sequence, the node. They only grow."""

    def __init__(self):
        self.ms = 0
        self.sequence = 0

    def next(self, now):
        self.ms = max(self.ms, int(now * 1000) - ID_EPOCH_MS)
        self.sequence += 1
        if self.sequence == 4096:               # the sequence begins again: the next millisecond, to stay in order
            self.sequence = 0
            self.ms += 1
        return self.ms << 21 | self.sequence << 9


def iso(epoch):
    stamp = datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc)
    return stamp.strftime("%Y-%m-%dT%H:%M:%SZ")


DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def parse_date(text):
    """Epoch seconds, or None."""
    if not isinstance(text, str) or not DATE.fullmatch(text):
        return None
    text = re.sub(r"\.\d+", "", text).replace("t", "T").replace("z", "Z").replace("Z", "+00:00")
    try:
        return int(datetime.datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        return None


def parse_ip(text):
    """(as the server shows it, key to sort by), or None. Prefixes below /8 are refused, host bits are kept,
    a full-length prefix is not shown (src)."""
    if not isinstance(text, str) or "%" in text:
        return None
    address, slash, mask = text.rpartition("/")
    try:
        ip = ipaddress.ip_address((address if slash else text).strip())
        prefix = int(mask) if slash else ip.max_prefixlen
    except ValueError:
        return None
    if not 8 <= prefix <= ip.max_prefixlen:
        return None
    mapped = getattr(ip, "ipv4_mapped", None)
    shown = "::ffff:%s" % mapped if mapped else str(ip)
    if prefix < ip.max_prefixlen:
        shown += "/%d" % prefix
    return shown, ip.packed + bytes([prefix])


# names the server knows as properties of one object or another; filled by the module that lists the objects
PROPERTIES = {"id", "text", "status", "due", "level", "event", "timestamp", "details", "@type", "accountId"}


class PatchError(Exception):
    def __init__(self, path, message):
        super().__init__(message)
        self.path, self.message = path, message


def escape(segment):
    return segment.replace("~", "~0").replace("/", "~1")


def pointer(text):
    """The segments of a key of an update: a JSON pointer without its first slash."""
    return [s.replace("~1", "/").replace("~0", "~") for s in text.lstrip("/").split("/")]


class Field:
    """One property: takes a whole value (rest empty) or a patch of something inside it."""

    null = False

    def __init__(self, default=None, access="rw", null=None):
        self.initial = default
        self.access = access                    # rw | ro: set on create only | server: never set by a client
        if null is not None:
            self.null = null

    def default(self):
        return copy.deepcopy(self.initial)

    def patch(self, current, rest, value, ctx, path):
        if value is None and self.null:
            self.end(rest, path)
            return None
        return self.take(current, rest, value, ctx, path)

    def take(self, current, rest, value, ctx, path):
        self.end(rest, path)
        return self.parse(value, path)

    def parse(self, value, path):
        raise NotImplementedError

    @staticmethod
    def end(rest, path):
        if rest:
            raise PatchError(path, "Invalid JSON Pointer path")

    def errors(self, name, value):
        return []


class Text(Field):
    def parse(self, value, path):
        if not isinstance(value, str) or not value:
            raise PatchError(path, "Invalid value for property.")
        return value


class Bool(Field):
    def parse(self, value, path):
        if not isinstance(value, bool):
            raise PatchError(path, "Invalid value for boolean property (expected true or false)")
        return value


class Number(Field):
    """An unsigned integer; durations are milliseconds."""

    def __init__(self, default=0, minimum=None, **more):
        super().__init__(default, **more)
        self.minimum = minimum

    def parse(self, value, path):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= U64_MAX:
            raise PatchError(path, "Invalid value for unsigned integer property (expected non-negative integer)")
        return value

    def errors(self, name, value):
        if self.minimum is not None and value is not None and value < self.minimum:
            return [{"type": "MinValue", "property": name, "required": self.minimum}]
        return []


class Enum(Field):
    def __init__(self, values, default, **more):
        super().__init__(default, **more)
        self.values = values

    def parse(self, value, path):
        if value not in self.values:
            raise PatchError(path, "Invalid value %r for enum type %r." % (value, self.values[0]))
        return value


class Ip(Field):
    def parse(self, value, path):
        parsed = parse_ip(value)
        if parsed is None:
            raise PatchError(path, "Failed to parse IpAddrOrMask from string")
        return parsed[0]

    def errors(self, name, value):
        if value.partition("/")[0] == "0.0.0.0":
            return [{"type": "Invalid", "property": name, "value": value}]
        return []


class Date(Field):
    def parse(self, value, path):
        epoch = parse_date(value)
        if epoch is None:
            raise PatchError(path, "Failed to parse UTCDateTime from string")
        return iso(epoch)


class Ref(Field):
    """The id of a row of another table; a '#name' created earlier in the request is that row."""

    def parse(self, value, path):
        if decode_id(value) is None:
            raise PatchError(path, "Failed to parse Id from string")
        return value

    def take(self, current, rest, value, ctx, path):
        if isinstance(value, str) and value.startswith("#"):
            value = ctx["created"].get(value[1:], value)
        return super().take(current, rest, value, ctx, path)


class Any(Field):
    """A part of the configuration that nobody here acts on: kept as it comes."""

    def take(self, current, rest, value, ctx, path):
        if not rest:
            return value
        if not isinstance(current, dict):
            raise PatchError(path, "Invalid value for object property")
        if len(rest) == 1:
            out = dict(current)
            out[rest[0]] = value
            if value is None:
                del out[rest[0]]
            return out
        return dict(current, **{rest[0]: self.take(current.get(rest[0]), rest[1:], value, ctx, path)})


class Set(Field):
    """On the wire an object of member: true; a pointer adds or removes one member."""

    def __init__(self, default=(), parse=None, **more):
        super().__init__(dict.fromkeys(default, True), **more)
        self.member = parse or (lambda text: text.strip() or None)

    def take(self, current, rest, value, ctx, path):
        if len(rest) > 1 or (rest and not (value is None or isinstance(value, bool))):
            raise PatchError(path, "Invalid value for object property")
        if rest:
            name = self.member(rest[0])
            if name is None:
                raise PatchError(path, "Invalid value for object property")
            out = dict(current)
            out.pop(name, None) if not value else out.setdefault(name, True)
            return out
        if not isinstance(value, dict):
            raise PatchError(path, "Invalid value for object property")
        out = {}
        for key, wanted in value.items():
            name = self.member(key)
            if name is None or not isinstance(wanted, bool):
                raise PatchError(path, "Invalid key for object property")
            if wanted:
                out[name] = True
        return out


def ip_member(text):
    parsed = parse_ip(text)
    return parsed and parsed[0]


class Struct(Field):
    def __init__(self, fields, default=None, **more):
        super().__init__(default, **more)
        self.fields = fields

    def take(self, current, rest, value, ctx, path):
        out = dict(current) if current else {n: f.default() for n, f in self.fields.items()}
        if rest:
            patch_property(self.fields, out, rest, value, ctx, path=path)
        else:
            patch_object(self.fields, out, value, ctx, path)
        return out

    def errors(self, name, value):
        return validate(self.fields, value) if value else []


class Variant(Field):
    """An object that says what it is in '@type'."""

    def __init__(self, variants, default, **more):
        super().__init__(dict(self.blank(variants[default]), **{"@type": default}), **more)
        self.variants = variants

    @staticmethod
    def blank(fields):
        return {n: f.default() for n, f in fields.items()}

    def take(self, current, rest, value, ctx, path):
        if rest:
            out = dict(current)
            patch_property(self.variants[current["@type"]], out, rest, value, ctx, path=path)
            return out
        kind = value.get("@type") if isinstance(value, dict) else None
        if kind not in self.variants:
            raise PatchError(path, "Missing or invalid '@type' property in object")
        out = dict(current) if current and current["@type"] == kind else self.blank(self.variants[kind])
        before = dict(out)
        patch_object(self.variants[kind], out, value, ctx, path)
        if out.get("secret") == "****":         # what a get showed, sent back, keeps what is stored
            out["secret"] = before.get("secret", "")
        out["@type"] = kind
        return out

    def errors(self, name, value):
        return validate(self.variants[value["@type"]], value)


def patch_property(fields, obj, segments, value, ctx, base="", path=None):
    """path: the whole pointer, where the segments are only the end of it."""
    path = path or "/".join(([base] if base else []) + [escape(s) for s in segments])
    field = fields.get(segments[0])
    if field is None:
        raise PatchError(path, "Invalid property")
    if field.access == "server":
        raise PatchError(path, "Cannot modify server set property")
    if field.access == "ro" and not ctx["create"]:
        raise PatchError(path, "Cannot modify read-only property")
    obj[segments[0]] = field.patch(obj.get(segments[0]), segments[1:], value, ctx, path)


def patch_object(fields, obj, value, ctx, base=""):
    if not isinstance(value, dict):
        raise PatchError(base, "Invalid value type for object")
    for key, item in value.items():
        if key == "@type":
            continue
        if key not in PROPERTIES and key not in fields:
            raise PatchError(base, "Invalid key for object")
        patch_property(fields, obj, [key], item, ctx, base)


def validate(fields, obj):
    return [error for name, field in fields.items() for error in field.errors(name, obj.get(name))]
