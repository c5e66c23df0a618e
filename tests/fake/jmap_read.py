# SPDX-License-Identifier: GPL-3.0-or-later
"""/get and /query of the 0.16 persona: which rows, in which order, and how a page is cut. It must not change a row."""

import bisect

from .jmap_calls import MethodError
from .jmap_registry import PROPERTIES, SINGLETONS, TYPES, decode_id, encode_id, parse_date, parse_ip

MAX_OBJECTS, MAX_QUERY = 500, 5000
TOO_LARGE = ("The number of ids requested by the client exceeds the maximum number the server is willing to process "
             "in a single method call.")
NO_ANCHOR = "An anchor argument was supplied, but it cannot be found in the results of the query."
SUFFIXES = (("IsGreaterThanOrEqual", ">="), ("IsGreaterThan", ">"), ("IsLessThanOrEqual", "<="), ("IsLessThan", "<"))


def masked(secret):
    return dict(secret, secret="****") if "secret" in secret else secret


class Reads:
    """Mixed into the persona: get_KIND and query_KIND; get_rows and query_rows where a kind has none."""

    @staticmethod
    def wanted(args):
        """(ids as given or None, properties or None)"""
        ids, properties = args.get("ids"), args.get("properties")
        for name, value in (("ids", ids), ("properties", properties)):
            if value is not None and not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
                raise MethodError("invalidArguments", "invalid type: expected a sequence for %s" % name)
        if ids is not None and len(ids) > MAX_OBJECTS:
            raise MethodError("requestTooLarge", TOO_LARGE)
        known = [p for p in properties or () if p in PROPERTIES]
        return ids, known + ["id"] if known else None

    @staticmethod
    def cut(obj, properties):
        return obj if properties is None else {k: v for k, v in obj.items() if k in properties}

    def get_rows(self, kind, args, ctx):
        ids, properties = self.wanted(args)
        if kind in SINGLETONS:
            obj = dict(self.singletons[kind], id="singleton")
            missing = [i for i in ids or () if i != "singleton"]
            found = [self.cut(obj, properties)] * (1 if ids is None else len(ids) - len(missing))
            return {"list": found, "notFound": missing}
        table = self.tables[kind]
        if ids is None:                         # cut without a word (seen)
            found, missing = [table.rows[n].obj for n in table.order[:MAX_OBJECTS]], []
        else:
            found, missing = [], []
            for text in ids:
                row = table.rows.get(decode_id(text))
                found.append(row.obj) if row else missing.append(text)
        if kind == "Certificate":
            found = [dict(obj, privateKey=masked(obj["privateKey"])) for obj in found]
        if properties is not None:
            found = [self.cut(obj, properties) for obj in found]
        return {"list": found, "notFound": missing}

    def get_task(self, kind, args, ctx):
        ids, properties = self.wanted(args)
        if ids is None:
            ids = [encode_id(n) for n in self.tasks.query([], True)[:MAX_OBJECTS]]
        found = [self.tasks.rows.get(decode_id(i)) for i in ids]
        return {"list": [self.cut(t.view(), properties and properties + ["@type"]) for t in found if t],
                "notFound": [i for i, t in zip(ids, found) if t is None]}

    def get_action(self, kind, args, ctx):
        return {"list": [], "notFound": self.wanted(args)[0] or []}

    def get_bootstrap(self, kind, args, ctx):
        if self.mode != "bootstrap":
            return {"list": [], "notFound": ["singleton"]}
        return {"list": [self.cut(self.bootstrap, self.wanted(args)[1])], "notFound": []}

    # ---- query ------------------------------------------------------------------------------------

    @staticmethod
    def conditions(args):
        """[(property, operator, value)]"""
        out, todo = [], [args.get("filter")]
        while todo:
            item = todo.pop(0)
            if item is None:
                continue
            if not isinstance(item, dict):
                raise MethodError("invalidArguments", "invalid type: expected an object for filter")
            if "operator" in item:
                if item["operator"] != "AND":
                    raise MethodError("unsupportedFilter", "Only AND is supported in filters")
                todo = list(item.get("conditions") or ()) + todo
                continue
            for key, value in item.items():
                name, op = key, "="
                for suffix, sign in SUFFIXES:
                    if key.endswith(suffix):
                        name, op = key[:-len(suffix)], sign
                        break
                if name not in PROPERTIES:
                    raise MethodError("unsupportedFilter", key)
                out.append((name, op, value))
        return out

    @staticmethod
    def bad_filter(name):
        return MethodError("unsupportedFilter", "Filter on property %s is not supported or invalid" % name)

    @staticmethod
    def sorting(args):
        """(property, ascending): only the first comparator counts; by default the newest id comes first."""
        first = next(iter(args.get("sort") or ()), None)
        if first is None:
            return "id", False
        return first.get("property"), first.get("isAscending", True) is not False

    @staticmethod
    def number(args, name):
        value = args.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise MethodError("invalidArguments", "invalid type: expected an integer for %s" % name)
        return value

    def matches(self, kind, conditions):
        """Numbers that match, growing; None when everything does."""
        table, found = self.tables[kind], None
        for name, op, value in conditions:
            if name not in TYPES[kind].filters or op != "=" or not isinstance(value, str):
                raise self.bad_filter(name)
            if name == "address":
                parsed = parse_ip(value)
                if parsed is None:
                    raise self.bad_filter(name)
                value = parsed[0]
            row = table.find(value)
            hits = [row.number] if row else []
            found = hits if found is None else [n for n in found if n in hits]
        return found

    def query_rows(self, kind, args, ctx):
        table = self.tables[kind]
        found = self.matches(kind, self.conditions(args))
        prop, ascending = self.sorting(args)
        if prop != "id" and prop not in TYPES[kind].sorts:
            raise MethodError("unsupportedSort", "Property %s is not supported for sorting" % prop)
        position, offset = self.number(args, "position"), self.number(args, "anchorOffset")
        if prop == "id" and not args.get("calculateTotal") and not offset and (position is None or position > 0):
            return self.query_store(table, found, args, position, ascending)
        if found == []:
            return self.page([], dict(args, anchor=None))
        if prop == "id":
            numbers = table.order if found is None else found
            return self.page(numbers if ascending else numbers[::-1], args)
        numbers = [n for n in table.by_key() if found is None or n in found]
        return self.page(numbers if ascending else numbers[::-1], args)

    def query_store(self, table, found, args, position, ascending):
        """Without a total the store itself cuts the page, always from the lowest id up, and only what it cut is then
        put newest first; the answer's position stays 0 and it names no limit. So pages by position are complete when
        every one of them is asked this way, and not when the first is asked with position 0 or a total (src; the
        recorded permissions show it: a limit of 1 gave the oldest row)."""
        numbers = table.order if found is None else found
        limit = self.number(args, "limit")
        limit = MAX_QUERY if limit is None else max(1, min(limit, MAX_QUERY))
        anchor = args.get("anchor")
        if anchor is not None:
            position = bisect.bisect_right(numbers, decode_id(anchor) or 0)
        numbers = numbers[position or 0:(position or 0) + limit]
        return self.answer_query([table.rows[n].id for n in (numbers if ascending else numbers[::-1])], 0)

    @staticmethod
    def answer_query(ids, position, **more):
        return dict({"queryState": "n", "canCalculateChanges": True, "position": position, "ids": ids}, **more)

    def page(self, numbers, args):
        """A page of the whole result by position, or around an anchor."""
        limit = self.number(args, "limit")
        limit = MAX_QUERY if limit is None else max(0, min(limit, MAX_QUERY))
        start = self.number(args, "position") or 0
        if args.get("anchor") is not None:
            try:
                start = numbers.index(decode_id(args["anchor"]))
            except ValueError:
                raise MethodError("anchorNotFound", NO_ANCHOR) from None
            start = max(0, start + (self.number(args, "anchorOffset") or 0))
        elif start < 0:
            start = max(0, len(numbers) + start)
        more = {}
        if args.get("calculateTotal"):
            more["total"] = len(numbers)
        if len(numbers) > limit:
            more["limit"] = limit
        ids = [encode_id(n) for n in numbers[start:start + limit]]
        return self.answer_query(ids, start if ids or start <= len(numbers) else 0, **more)

    def query_task(self, kind, args, ctx):
        conditions = self.conditions(args)
        for name, op, value in conditions:
            good = {"status": op == "=" and value in ("Pending", "Retry", "Failed"), "due": parse_date(value),
                    "@type": op == "=" and isinstance(value, str)}.get(name)
            if not good:
                raise self.bad_filter(name)
        prop, ascending = self.sorting(args)
        if args.get("sort") and prop != "due":
            raise MethodError("unsupportedSort", "Only sorting by 'due' is supported for tasks")
        return self.page(self.tasks.query(conditions, ascending), args)

    def query_action(self, kind, args, ctx):
        raise MethodError("invalidArguments", "Actions cannot be queried")
