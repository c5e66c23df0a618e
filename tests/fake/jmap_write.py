# SPDX-License-Identifier: GPL-3.0-or-later
"""/set of the 0.16 persona: rows, singletons, tasks and actions, each outcome by itself. What a reload does is the
persona's; that nothing is in force before it is the point of it all."""

from .jmap_calls import MethodError
from .jmap_read import MAX_OBJECTS, TOO_LARGE
from .jmap_registry import (SINGLETONS, TYPES, PatchError, decode_id, encode_id, patch_object, patch_property, pointer,
                            validate)

ACTIONS = ("ReloadSettings", "ReloadTlsCertificates", "ReloadLookupStores", "ReloadBlockedIps", "UpdateApps",
           "InvalidateCaches", "InvalidateNegativeCaches", "PauseMtaQueue", "ResumeMtaQueue")


class Writes:
    """Mixed into the persona: set_KIND; set_rows where a kind has none."""

    def split_set(self, args):
        """(create, update, destroy): ids that are none are left out without a word (src)."""
        parts = []
        for name, kind in (("create", dict), ("update", dict), ("destroy", list)):
            value = args.get(name)
            if value is not None and not isinstance(value, kind):
                raise MethodError("invalidArguments", "invalid type for %s" % name)
            parts.append(value or kind())
        if sum(map(len, parts)) > MAX_OBJECTS:
            raise MethodError("requestTooLarge", TOO_LARGE)
        create, update, destroy = parts
        return create, {i: v for i, v in update.items() if decode_id(i) is not None}, \
            [i for i in destroy if decode_id(i) is not None]

    @staticmethod
    def outcome():
        return {k: {} for k in ("created", "updated", "notCreated", "notUpdated", "notDestroyed")} | {"destroyed": []}

    @staticmethod
    def told(out):
        return {k: v for k, v in out.items() if v}

    def set_rows(self, kind, args, ctx):
        create, update, destroy = self.split_set(args)
        out = self.outcome()
        for key, value in create.items():
            self.create_one(kind, key, value, ctx, out)
        for key, value in update.items():
            if key in destroy:
                out["notUpdated"][key] = {"type": "willDestroy", "description": "ID will be destroyed."}
                continue
            error = self.update_one(kind, key, value, ctx)
            out["notUpdated" if error else "updated"][key] = error
        for key in destroy:
            error = self.destroy_one(kind, key)
            if error:
                out["notDestroyed"][key] = error
            else:
                out["destroyed"].append(key)
        return self.told(out)

    def create_one(self, kind, key, value, ctx, out):
        if kind in SINGLETONS:
            error = self.update_one(kind, "singleton", value, ctx)
            out["notCreated" if error else "created"][key] = error or {"id": "singleton"}
            return
        obj, type_ = self.blank(kind), TYPES[kind]
        try:
            patch_object(type_.fields, obj, value, dict(ctx, create=True))
        except PatchError as error:
            out["notCreated"][key] = {"type": "invalidPatch", "description": error.message,
                                      "properties": [error.path]}
            return
        error = self.complete(kind, obj) or self.refuse(kind, obj, None)
        if error:
            out["notCreated"][key] = error
            return
        row = self.tables[kind].add(obj, self.ids, self.clock.now())
        ctx["created"][key] = row.id
        out["created"][key] = {"id": row.id}
        if kind == "Domain":
            self.domain_tasks(row, None)

    def refuse(self, kind, obj, row):
        """A set error when the object may not be written: not valid, points nowhere, or there is one already."""
        errors = validate(TYPES[kind].fields, obj)
        unique = TYPES[kind].unique
        if unique == "name" and not obj["name"]:
            errors.append({"type": "Required", "property": "name"})
        if kind == "AcmeProvider" and not obj["contact"]:
            errors.append({"type": "MinLength", "property": "contact", "required": 1})
        if errors:
            return {"type": "validationFailed", "validationErrors": errors}
        provider = kind == "Domain" and obj["certificateManagement"].get("acmeProviderId")
        if provider and decode_id(provider) not in self.tables["AcmeProvider"].rows:
            return {"type": "invalidForeignKey", "objectId": {"object": "AcmeProvider", "id": provider}}
        other = unique and self.tables[kind].find(obj[unique])
        if other and other is not row:
            return {"type": "primaryKeyViolation", "properties": [unique],
                    "objectId": {"object": kind, "id": other.id}}
        return None

    def update_one(self, kind, key, value, ctx):
        """None, or a set error."""
        row = None if kind in SINGLETONS else self.tables[kind].rows.get(decode_id(key))
        if row is None and not (kind in SINGLETONS and key == "singleton"):
            return {"type": "notFound"}
        old = row.obj if row else self.singletons[kind]
        fields = TYPES[kind].fields if row else SINGLETONS[kind]
        obj = dict(old)
        try:
            if not isinstance(value, dict):
                raise PatchError("", "Invalid value type for object")
            for name, item in value.items():
                if name != "@type":
                    patch_property(fields, obj, pointer(name), item, dict(ctx, create=False))
        except PatchError as error:
            return {"type": "invalidPatch", "description": error.message, "properties": [error.path]}
        if row is None:
            errors = validate(fields, obj)
            if errors:
                return {"type": "validationFailed", "validationErrors": errors}
            self.singletons[kind] = obj
            return None
        error = self.refuse(kind, obj, row)
        if not error and kind == "Certificate" and obj["certificate"] != old["certificate"]:
            error = self.read_certificate(obj)
        if error:
            return error
        self.tables[kind].replace(row, obj)
        if kind == "Domain":
            self.domain_tasks(row, old)
        return None

    def destroy_one(self, kind, key):
        if kind in SINGLETONS:
            return {"type": "singleton", "description": "Singletons cannot be created or destroyed."}
        number = decode_id(key)
        if number not in self.tables[kind].rows:
            return {"type": "notFound"}
        if kind == "AcmeProvider":
            linked = [{"object": "Domain", "id": row.id} for row in self.tables["Domain"].values()
                      if row.obj["certificateManagement"].get("acmeProviderId") == key]
            if linked:
                return {"type": "objectIsLinked", "objectId": {"object": kind, "id": key}, "linkedObjects": linked}
        self.tables[kind].remove(number)
        return None

    def domain_tasks(self, row, old):
        """What becomes automatic is done at once (src; the DKIM task of a new domain was seen)."""
        for prop, task in (("dkimManagement", "DkimManagement"), ("certificateManagement", "AcmeRenewal")):
            if row.obj[prop]["@type"] == "Automatic" and (old is None or old[prop]["@type"] != "Automatic"):
                self.tasks.add(task, {"domainId": row.id})

    def set_task(self, kind, args, ctx):
        create, update, destroy = self.split_set(args)
        out, may = self.outcome(), ctx["who"].may
        for key, value in create.items():
            made = self.tasks.create(value, dict(ctx, create=True), may)
            if isinstance(made, dict):
                out["notCreated"][key] = made
            else:
                out["created"][key] = {"id": made.id}
                ctx["created"][key] = made.id
        for key, value in update.items():
            task = self.tasks.rows.get(decode_id(key))
            error = self.tasks.update(task, value, may) if task else {"type": "notFound"}
            out["notUpdated" if error else "updated"][key] = error
        for key in destroy:
            if self.tasks.rows.pop(decode_id(key), None):
                out["destroyed"].append(key)
            else:
                out["notDestroyed"][key] = {"type": "notFound"}
        return self.told(out)

    def set_log(self, kind, args, ctx):
        return self.refuse_all(args, "Telemetry objects cannot be created", "Telemetry objects cannot be modified",
                               "Telemetry objects cannot be deleted")

    def refuse_all(self, args, create, update, destroy):
        out, parts = self.outcome(), self.split_set(args)
        for name, keys, words in zip(("notCreated", "notUpdated", "notDestroyed"), parts, (create, update, destroy)):
            out[name] = {key: {"type": "forbidden", "description": words} for key in keys}
        return self.told(out)

    def set_bootstrap(self, kind, args, ctx):
        if self.mode != "bootstrap":
            words = "This operation is only allowed bootstrap mode"
            return self.refuse_all(args, words, words, words)
        out = self.refuse_all({k: v for k, v in args.items() if k != "update"}, "Bootstrap objects can only be updated",
                              "", "Bootstrap objects cannot be deleted")
        for key, value in (args.get("update") or {}).items():
            self.bootstrap.update({k: v for k, v in value.items() if k in self.bootstrap and k != "id"})
            out.setdefault("updated", {})[key] = None
        return out

    def set_action(self, kind, args, ctx):
        create, update, destroy = self.split_set(args)
        out = self.refuse_all({"update": update, "destroy": destroy}, "", "Actions cannot be updated",
                              "Actions cannot be destroyed")
        for key, value in create.items():
            action = value.get("@type") if isinstance(value, dict) else None
            if action not in ACTIONS:
                error = {"type": "invalidPatch", "description": "Missing or invalid '@type' property in object",
                         "properties": [""]}
            elif not ctx["who"].may("action" + action):
                error = {"type": "forbidden", "description":
                         "Insufficient permissions to perform action of type %s" % action}
            else:
                error = self.reload_errors.get(action)
            if error:
                out.setdefault("notCreated", {})[key] = error
                continue
            {"ReloadBlockedIps": self.load_blocked, "ReloadSettings": self.load_settings,
             "ReloadTlsCertificates": self.load_certificates}.get(action, lambda: None)()
            out.setdefault("created", {})[key] = {"id": encode_id(int(self.clock.now()))}
        return out
