# SPDX-License-Identifier: GPL-3.0-or-later
"""JMAP requests to the 0.16 persona: the session, what is no request, the limits, back references, permissions, and
which method answers a call. It must not know what the methods do."""

import json
import os
import re

from .jmap_registry import SINGLETONS, TYPES, decode_id, encode_id
from .persona import Response, json_response, not_found, problem

STALWART = "urn:stalwart:jmap"
MAX_CALLS, MAX_SIZE = 16, 10_000_000
SESSION_STATE = "f2cd3edf"
SESSION_HOST, SESSION_ACCOUNT = "mail.example.org", "d333333"
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "session-0.16.json"), encoding="utf-8") as _file:
    SESSION = _file.read()
CAPABILITIES = frozenset(json.loads(SESSION)["capabilities"]) | {STALWART}
OTHER_TYPES = ("Task", "Action", "Log", "Bootstrap")
BOOTSTRAP = ("The server is in bootstrap mode. Only the 'Bootstrap' object type can be %s until the bootstrap "
             "process is complete.")
NO_SUCH_ACCOUNT = "The accountId does not correspond to a valid account"
MAY_NOT_SET = "You are not authorized to %s objects of this type"


class MethodError(Exception):
    def __init__(self, kind, description):
        super().__init__(description)
        self.kind, self.description = kind, description


def limit_problem(limit, detail):
    answer = problem(400, "", detail, {"type": "urn:ietf:params:jmap:error:limit", "limit": limit})
    body = json.loads(answer.body)
    del body["title"]
    answer.body = json.dumps(body).encode()
    return answer


def not_request(body):
    answer = json_response({"type": "urn:ietf:params:jmap:error:notRequest", "status": 400,
                            "detail": body.decode("utf-8", "replace")}, 400)
    answer.headers["content-type"] = "application/problem+json"
    return answer


def too_many(title, detail):
    return problem(429, title, "Your request has been rate limited. Please try again in " + detail)


def follow(value, segments):
    """A JSON pointer with '*' for every item of a list; None when it leads nowhere."""
    for n, segment in enumerate(segments):
        if segment == "*" and isinstance(value, list):
            out = []
            for item in value:
                hit = follow(item, segments[n + 1:])
                if hit is not None:
                    out += hit if isinstance(hit, list) else [hit]
            return out
        if not isinstance(value, dict) or segment not in value:
            return None
        value = value[segment]
    return value


class Requests:
    """Mixed into the persona: from an HTTP request to the answers of its calls."""

    def route(self, req, who):
        path = req.path.rstrip("/") or "/"
        if req.method == "OPTIONS" and path.startswith(("/jmap", "/api")):
            return Response(204)
        if path == "/.well-known/jmap" and req.method == "GET":
            return Response(307, {"cache-control": "no-cache", "location": "/jmap/session"})
        if path == "/healthz/live":
            return problem(200, "OK", "OK")
        if path == "/jmap/session" and req.method == "GET":
            return self.session(who) if who else self.challenge()
        if path == "/jmap" and req.method == "POST":
            return self.jmap(req, who)
        return not_found()

    def account_id(self, who):
        """The recovery administrator has the id of nobody, 2^32-1 (seen)."""
        return SESSION_ACCOUNT if who.id is None else encode_id(who.id)

    def session(self, who):
        body = json.loads(SESSION.replace(SESSION_HOST, self.hostname()))
        account, own = body["accounts"].pop(SESSION_ACCOUNT), self.account_id(who)
        if who.permissions is not None:         # what needs a permission is not offered (src)
            keep = (STALWART, "urn:ietf:params:jmap:websocket", "urn:ietf:params:jmap:principals")
            account["accountCapabilities"] = {k: v for k, v in account["accountCapabilities"].items() if k in keep}
        account["name"] = body["username"] = who.name
        if "urn:ietf:params:jmap:principals" in account["accountCapabilities"]:
            account["accountCapabilities"]["urn:ietf:params:jmap:principals"] = {"currentUserPrincipalId": own}
        body["accounts"][own] = account
        body["primaryAccounts"] = {k: own for k in body["primaryAccounts"] if k in account["accountCapabilities"]}
        return json_response(body)

    def jmap(self, req, who):
        if who is None:
            return self.challenge()
        if who.permissions is not None and not who.may("unlimitedRequests") and \
                self.over_rate("rateLimitAuthenticated", req, who.name):
            return too_many("Too Many Requests", "a few seconds.")
        kind = req.headers.get("content-type")
        if kind is not None and kind.partition(";")[0].strip().lower() != "application/json":
            answer = not_request(b"Failed to parse JSON: The Content-Type header must be application/json.")
            answer.body = answer.body.replace(b"notRequest", b"notJSON")
            return answer
        if len(req.body) > MAX_SIZE:
            return limit_problem("maxSizeRequest", "The request is larger than the server is willing to process.")
        calls = self.parse(req.body)
        if calls is None:
            return not_request(req.body)
        if len(calls) > MAX_CALLS:
            return limit_problem("maxCallsInRequest",
                                 "The request exceeds the maximum number of calls in a single request.")
        answers, created = [], {}
        for name, args, call in calls:
            answers.append(self.call(name, args, call, who, answers, created))
        return json_response({"methodResponses": answers, "sessionState": SESSION_STATE})

    @staticmethod
    def parse(body):
        """[(name, arguments, call id)], or None when it is no request."""
        try:
            request = json.loads(body.decode("utf-8"))
            calls = request.get("methodCalls", [])
            if not CAPABILITIES.issuperset(request.get("using", [])):
                return None
            if not all(isinstance(c, list) and len(c) == 3 and isinstance(c[0], str) and isinstance(c[2], str)
                       for c in calls):
                return None
        except (ValueError, AttributeError, TypeError):
            return None
        return calls

    def call(self, name, args, call, who, answers, created):
        try:
            hit = re.fullmatch(r"x:(\w+)/(get|set|query)", name)
            kind, verb = hit.groups() if hit else (None, None)
            if kind not in TYPES and kind not in SINGLETONS and kind not in OTHER_TYPES:
                raise MethodError("unknownMethod", name)
            if verb == "query" and (kind in SINGLETONS or kind == "Bootstrap"):
                raise MethodError("unknownMethod", name)
            if not isinstance(args, dict):
                raise MethodError("invalidArguments", "invalid type: expected an object")
            args = self.resolve(args, answers, created)
            self.check(kind, verb, args, who)
            if args.get("accountId") is not None and args["accountId"] != self.account_id(who) and \
                    decode_id(args["accountId"]) is not None:
                raise MethodError("accountNotFound", NO_SUCH_ACCOUNT)
            handler = getattr(self, "%s_%s" % (verb, kind.lower()), None) or getattr(self, verb + "_rows")
            answer = handler(kind, args, {"who": who, "created": created})
            return [name, dict({"accountId": self.account_id(who)}, **answer), call]
        except MethodError as error:
            return ["error", {"type": error.kind, "description": error.description}, call]

    @staticmethod
    def resolve(args, answers, created):
        """Back references: '#ids' and its like, and ids that name what was created before."""
        out = {}
        for key, value in args.items():
            if not key.startswith("#"):
                out[key] = value
                continue
            of, name, path = (value.get(k) for k in ("resultOf", "name", "path")) \
                if isinstance(value, dict) else (None, None, None)
            found = None
            for answered, result, call in answers:
                if call == of and answered == name and found is None and not name.endswith("/set"):
                    found = follow(result, [s for s in str(path).split("/") if s])
            if found is None:
                raise MethodError("invalidResultReference", "Result reference to %s#%s not found." % (of, name))
            out[key[1:]] = found
        if isinstance(out.get("ids"), list):
            for n, value in enumerate(out["ids"]):
                if isinstance(value, str) and value.startswith("#"):
                    if value[1:] not in created:
                        raise MethodError("invalidResultReference",
                                          'Id reference "%s" does not exist or is invalid.' % value[1:])
                    out["ids"] = out["ids"][:n] + [created[value[1:]]] + out["ids"][n + 1:]
        return out

    def check(self, kind, verb, args, who):
        """Permissions, method by method; then whether the server is ready for more than its first set-up."""
        if verb != "set":
            if not who.may("sys%s%s" % (kind, verb.capitalize())):
                raise MethodError("forbidden", "You are not authorized to perform this action")
        else:
            single = kind in SINGLETONS or kind == "Bootstrap"
            may = {v: who.may("sys%s%s" % (kind, "Update" if single else v.capitalize()))
                   for v in ("create", "update", "destroy")}
            if not any(may.values()):
                raise MethodError("forbidden", MAY_NOT_SET % "create, update or destroy")
            for what, granted in may.items():
                if not granted and args.get(what):
                    raise MethodError("forbidden", MAY_NOT_SET % what)
        if self.mode == "bootstrap" and kind != "Bootstrap":
            raise MethodError("forbidden", BOOTSTRAP % ("modified" if verb == "set" else "accessed"))
