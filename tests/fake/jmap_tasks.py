# SPDX-License-Identifier: GPL-3.0-or-later
"""The 0.16 server's task queue: x:Task, what each task does when its time has come, and how it ends.
It must not know HTTP. The persona gives it the clock, the tables, the counters and the log."""

import copy

from .jmap_registry import (INTERNAL_TASKS, NO_ID, TASK_STATUS, TASKS, PatchError, decode_id, encode_id, iso,
                            parse_date, patch_object, validate)
from .persona import quote

# how long a task waits for a worker: a renewal without ACME failed within its second, the DKIM keys came after it,
# the reset of the counters "takes a second or so" (seen)
WAIT = {"AcmeRenewal": 0.3, "DkimManagement": 0.6, "StoreMaintenance": 1.0}
DKIM_SECOND_KEY = 2.0
MAX_ATTEMPTS = 3
FOREVER = 2 ** 64 - 1
RENEW_AFTER = {"R12": (1, 2), "R23": (2, 3), "R34": (3, 4), "R45": (4, 5)}
RULES_URL = "https://github.com/stalwartlabs/spam-filter/releases/latest/download/spam-filter-rules.json.gz"
RULES_FAILED = "Failed to fetch %s: error sending request for url (%s)" % (RULES_URL, RULES_URL)
NO_ACME = "Invalid request: ACME not configured for domain"


class Task:
    def __init__(self, number, kind, fields, created, due):
        self.number, self.id = number, encode_id(number)
        self.kind, self.fields = kind, fields
        self.created, self.due = created, due
        self.status = "Pending"
        self.attempt = 0
        self.reason = None
        self.failed_at = None
        self.run_at = max(created + WAIT.get(kind, 0.5), due)
        self.stage = 0

    def sort_key(self):
        return (FOREVER if self.status == "Failed" else int(self.due)), self.number

    def view(self):
        status = {"createdAt": iso(self.created)}
        if self.status == "Failed":
            status.update(failedAt=iso(self.failed_at), failedAttemptNumber=self.attempt, failureReason=self.reason)
        else:
            status["due"] = iso(self.due)
            if self.status == "Retry":
                status.update(attemptNumber=self.attempt, failureReason=self.reason)
        status["@type"] = self.status
        out = dict(self.fields, **{"status": status, "@type": self.kind})
        if self.status != "Failed":
            out["due"] = iso(self.due)
        out["id"] = self.id
        return out

    def fail(self, reason, now):
        self.status, self.reason, self.failed_at = "Failed", reason, now

    def retry(self, reason, now, wait):
        self.attempt += 1
        if self.attempt > MAX_ATTEMPTS:
            self.attempt -= 1
            self.fail(reason, now)
            return
        self.status, self.reason = "Retry", reason
        self.due = self.run_at = now + wait


class Tasks:
    def __init__(self, persona):
        self.persona = persona
        self.rows = {}                          # number -> Task

    def add(self, kind, fields, due=None):
        now = self.persona.clock.now()
        task = Task(self.persona.ids.next(now), kind, fields, now, now if due is None else due)
        self.rows[task.number] = task
        return task

    def __deepcopy__(self, memo):
        """A snapshot is of the rows: the persona they belong to stays the same."""
        twin = Tasks(self.persona)
        twin.rows = copy.deepcopy(self.rows, memo)
        return twin

    def place(self, view):
        """A task as x:Task/get shows it, with its past."""
        kind, status = view["@type"], view["status"]
        task = self.add(kind, {name: view.get(name, field.default()) for name, field in TASKS[kind].items()})
        task.status, task.created = status["@type"], parse_date(status["createdAt"])
        task.attempt = status.get("attemptNumber", status.get("failedAttemptNumber", 0))
        task.reason = status.get("failureReason")
        if task.status == "Failed":
            task.failed_at = parse_date(status["failedAt"])
        else:
            task.due = parse_date(status["due"])
            task.run_at = max(task.due, task.run_at if task.status == "Pending" else 0)
        return task

    # ---- x:Task -----------------------------------------------------------------------------------

    def create(self, value, ctx, may):
        """The new task, or a set error."""
        kind = value.get("@type") if isinstance(value, dict) else None
        if kind in INTERNAL_TASKS:
            return self.forbidden("%s is an internal task type that cannot be created by clients" % kind)
        if kind not in TASKS:
            return {"type": "invalidPatch", "description": "Missing or invalid '@type' property in object",
                    "properties": [""]}
        fields = {name: field.default() for name, field in TASKS[kind].items()}
        value, due = dict(value), None
        try:
            due = self.due_of(value.pop("status", None))
            patch_object(TASKS[kind], fields, value, ctx)
        except PatchError as error:
            return {"type": "invalidPatch", "description": error.message, "properties": [error.path]}
        errors = validate(TASKS[kind], fields)
        if errors:
            return {"type": "validationFailed", "validationErrors": errors}
        if not may("task" + kind):
            return self.forbidden("Insufficient permissions to create task of type %s" % kind)
        domain = fields.get("domainId")
        if domain is not None and decode_id(domain) not in self.persona.tables["Domain"].rows:
            return {"type": "invalidForeignKey", "objectId": {"object": "Domain", "id": domain}}
        return self.add(kind, fields, due)

    @staticmethod
    def forbidden(description):
        return {"type": "forbidden", "description": description}

    @staticmethod
    def due_of(status, path="status"):
        if status is None:
            return None
        if not isinstance(status, dict) or status.get("@type") not in TASK_STATUS:
            raise PatchError(path, "Missing or invalid '@type' property in object")
        if "due" not in status:
            return None
        due = parse_date(status["due"])
        if due is None:
            raise PatchError(path + "/due", "Failed to parse UTCDateTime from string")
        return due

    def update(self, task, patch, may):
        """None, or a set error. Only the status can change: that schedules it again."""
        if not may("task" + task.kind):
            return self.forbidden("Insufficient permissions to update task of type %s" % task.kind)
        for key, value in patch.items():
            if key == "@type":
                continue
            if key != "status":
                words = "Cannot modify read-only property" if key in TASKS[task.kind] else "Invalid property"
                return {"type": "invalidPatch", "description": words, "properties": [key]}
            try:
                due = self.due_of(value)
            except PatchError as error:
                return {"type": "invalidPatch", "description": error.message, "properties": [error.path]}
            task.status, task.reason = "Pending", None
            task.due = self.persona.clock.now() if due is None else due
            task.run_at = max(task.due, self.persona.clock.now())
        return None

    def query(self, conditions, ascending):
        """Numbers in the order of their due time; failed ones come last in it. conditions: [(name, op, value)]"""
        low, high, kind = 1, FOREVER, None
        for name, op, value in conditions:
            if name == "status" and value == "Failed":
                low = high = FOREVER
            elif name == "@type":
                kind = value
            elif name == "due":
                due = parse_date(value)
                low = max(low, {"=": due, ">=": due, ">": due + 1}.get(op, low))
                high = min(high, {"=": due, "<=": due, "<": due - 1}.get(op, high))
        found = [t for t in self.rows.values() if low <= t.sort_key()[0] <= high and kind in (None, t.kind)]
        return [t.number for t in sorted(found, key=Task.sort_key, reverse=not ascending)]

    # ---- the worker -------------------------------------------------------------------------------

    def tick(self):
        now = self.persona.clock.now()
        while True:
            ready = [t for t in self.rows.values() if t.status != "Failed" and t.run_at <= now]
            if not ready:
                return
            self.run(min(ready, key=lambda t: (t.run_at, t.number)))

    def run_all(self):
        """For the control plane: everything that waits, now."""
        for task in [t for t in self.rows.values() if t.status != "Failed"]:
            task.run_at = 0
        self.tick()

    def run(self, task):
        getattr(self, "run_" + task.kind.lower(), self.done)(task)

    def done(self, task):
        self.rows.pop(task.number, None)

    def run_storemaintenance(self, task):
        if task.fields["maintenanceType"] == "resetRateLimiters":
            self.persona.counters.purge()
        self.done(task)

    def run_spamfiltermaintenance(self, task):
        if task.fields["maintenanceType"] != "updateRules":
            return self.done(task)
        now = self.persona.clock.now()
        return task.retry(RULES_FAILED, now, 60 * 2 ** task.attempt)

    def run_dkimmanagement(self, task):
        row = self.persona.tables["Domain"].rows.get(decode_id(task.fields["domainId"]))
        if row is None:
            return self.done(task)
        algorithm = ("ed25519", "rsa")[task.stage]
        day = iso(self.persona.clock.now())[:10].replace("-", "")
        self.persona.log_event("INFO", "DKIM signature created", "dkim.signature-created",
                               'id = "v1-%s-%s", details = %s' % (algorithm, day, quote(row.obj["name"])))
        if task.stage:
            return self.done(task)
        task.stage = 1
        task.run_at = max(task.run_at, self.persona.clock.now()) + DKIM_SECOND_KEY
        return None

    def run_acmerenewal(self, task):
        now = self.persona.clock.now()
        outcome, reason = self.persona.acme_outcome(task.fields["domainId"])
        if outcome == "retry":
            task.retry(reason, now, 60 * 2 ** task.attempt)
            if task.status == "Retry":
                return
        elif outcome == "failed":
            task.fail(reason, now)
        else:
            self.done(task)
            self.add("AcmeRenewal", dict(task.fields), due=self.renew_at(self.persona.acme_issue(
                task.fields["domainId"])))
            return
        self.persona.log_event("WARN", "Task failed during processing", "task-manager.task-failed",
                               'id = %d, details = "AcmeRenewal", reason = %s' % (task.number, quote(reason)))

    def renew_at(self, certificate):
        before, after = (parse_date(certificate[k]) for k in ("notValidBefore", "notValidAfter"))
        part, whole = RENEW_AFTER[self.persona.renew_before(certificate)]
        return before + (after - before) * part // whole


def missing_domain(domain):
    return "Invalid request: Domain with ID %s not found" % (domain or NO_ID)
