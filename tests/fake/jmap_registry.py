# SPDX-License-Identifier: GPL-3.0-or-later
"""The object types of the 0.16 registry, their defaults as recorded, and the tables that hold the rows.
It must not know requests, permissions, nor what is in force."""

import bisect

from .jmap_fields import (NO_ID, PROPERTIES, Any, Bool, Date, Enum, Ids, Ip, Number, PatchError, Ref, Set, Struct, Text,
                          Variant, decode_id, encode_id, ip_member, iso, parse_date, parse_ip, patch_object,
                          patch_property, pointer, validate)

__all__ = ["INTERNAL_TASKS", "NO_ID", "PROPERTIES", "SINGLETONS", "TASKS", "TASK_STATUS", "TYPES", "Ids", "PatchError",
           "Table", "decode_id", "encode_id", "iso", "parse_date", "parse_ip", "patch_object", "patch_property",
           "pointer", "validate"]


def rate(count=None, period=None):
    default = None if count is None else {"count": count, "period": period}
    # a period of 0 would divide by it; that the server refuses it is an assumption, a count of 0 was seen refused
    return Struct({"count": Number(minimum=1), "period": Number(minimum=1)}, default, null=True)


DAY_MS = 86_400_000
SCAN_PATHS = ("*.php*", "*.cgi*", "*.asp*", "*/wp-*", "*/php*", "*/cgi-bin*", "*xmlrpc*", "*../*", "*/..*",
              "*joomla*", "*wordpress*", "*drupal*")
REASONS = ("rcptToFailure", "authFailure", "loitering", "portScanning", "manual", "other")

SINGLETONS = {
    "Security": {
        "abuseBanRate": rate(35, DAY_MS), "abuseBanPeriod": Number(None, null=True),
        "authBanRate": rate(100, DAY_MS), "authBanPeriod": Number(None, null=True),
        "loiterBanRate": rate(150, DAY_MS), "loiterBanPeriod": Number(None, null=True),
        "scanBanPaths": Set(SCAN_PATHS),
        "scanBanRate": rate(30, DAY_MS), "scanBanPeriod": Number(None, null=True),
    },
    "SystemSettings": {
        "defaultHostname": Text(""), "defaultDomainId": Ref(NO_ID), "defaultCertificateId": Ref(None, null=True),
        "threadPoolSize": Number(None, minimum=1, null=True), "maxConnections": Number(8192, minimum=1),
        "proxyTrustedNetworks": Set(parse=ip_member),
        "mailExchangers": Any({"0": {"hostname": None, "priority": 10}}),
        "services": Any({name: {"hostname": None, "cleartext": False} for name in
                         ("caldav", "carddav", "imap", "jmap", "managesieve", "pop3", "smtp", "webdav")}),
        "providerInfo": Any({}),
    },
    "Http": {
        "rateLimitAuthenticated": rate(1000, 60000), "rateLimitAnonymous": rate(100, 60000),
        "allowedEndpoints": Any({"match": {}, "else": "200"}), "enableHsts": Bool(False),
        "usePermissiveCors": Bool(False), "responseHeaders": Any({}), "useXForwarded": Bool(False),
        "redirectRoot": Text("/account", null=True),
    },
}

PUBLIC_TEXT = {"Text": {"value": Text("")}, "File": {"filePath": Text("")},
               "EnvironmentVariable": {"variableName": Text("")}}
SECRET_TEXT = {"Text": {"secret": Text("")}, "File": {"filePath": Text("")},
               "EnvironmentVariable": {"variableName": Text("")}}
ALGORITHMS = ("Dkim1Ed25519Sha256", "Dkim1RsaSha256")
DKIM_AUTOMATIC = {"algorithms": Set(ALGORITHMS), "selectorTemplate": Text("v{version}-{algorithm}-{date-%Y%m%d}"),
                  "rotateAfter": Number(90 * DAY_MS), "retireAfter": Number(7 * DAY_MS),
                  "deleteAfter": Number(30 * DAY_MS)}


class Type:
    def __init__(self, fields, unique=None, filters=(), sorts=(), numbered=False):
        self.fields = fields
        self.unique = unique                    # the property no two rows may share
        self.filters, self.sorts = filters, sorts
        self.numbered = numbered                # small ids: 'b', 'c', …


TYPES = {
    "BlockedIp": Type({
        "address": Ip("0.0.0.0", "ro"), "reason": Enum(REASONS, "manual"),
        "createdAt": Date(None, "server"), "expiresAt": Date(None, null=True),
    }, "address", ("address",), ("address",)),
    "AllowedIp": Type({
        "address": Ip("0.0.0.0", "ro"), "reason": Text(None, null=True),
        "createdAt": Date(None, "server"), "expiresAt": Date(None, null=True),
    }, "address", ("address",), ("address",)),
    "Certificate": Type({
        "certificate": Variant(PUBLIC_TEXT, "Text"), "privateKey": Variant(SECRET_TEXT, "Text"),
        "subjectAlternativeNames": Set(access="server"), "notValidAfter": Date(None, "server"),
        "notValidBefore": Date(None, "server"), "issuer": Text("", "server"),
    }),
    "AcmeProvider": Type({
        "challengeType": Enum(("TlsAlpn01", "Dns01", "DnsPersist01", "DnsAccount01", "Http01"), "TlsAlpn01"),
        "contact": Set(), "directory": Text("https://acme-v02.api.letsencrypt.org/directory", "ro"),
        "eabHmacKey": Text(None, "ro", null=True), "eabKeyId": Text(None, "ro", null=True),
        "accountKey": Text("", "server"), "accountUri": Text("", "server"),
        "renewBefore": Enum(("R12", "R23", "R34", "R45"), "R23"), "maxRetries": Number(10),
        "reuseKey": Bool(False), "memberTenantId": Ref(None, null=True),
    }),
    "Domain": Type({
        "name": Text(""), "aliases": Set(), "isEnabled": Bool(True), "createdAt": Date(None, "server"),
        "description": Text(None, null=True), "logo": Text(None, null=True),
        "certificateManagement": Variant({"Manual": {}, "Automatic": {
            "acmeProviderId": Ref(NO_ID), "subjectAlternativeNames": Set()}}, "Manual"),
        "dkimManagement": Variant({"Automatic": DKIM_AUTOMATIC, "Manual": {}}, "Automatic"),
        "dnsManagement": Variant({"Manual": {}, "Automatic": {
            "dnsServerId": Ref(NO_ID), "origin": Text(None, null=True), "publishRecords": Set()}}, "Manual"),
        "memberTenantId": Ref(None, null=True), "directoryId": Ref(None, null=True),
        "catchAllAddress": Text(None, null=True),
        "subAddressing": Variant({"Enabled": {}, "Disabled": {}, "Custom": {"customRule": Any({})}}, "Enabled"),
        "allowRelaying": Bool(False), "reportAddressUri": Text("mailto:postmaster", null=True),
        "allowScimProvisioning": Bool(False), "dnsZoneFile": Text("", "server"),
    }, "name", ("name",), ("name",), numbered=True),
    "NetworkListener": Type({
        "name": Text("", "ro"), "bind": Set(),
        "protocol": Enum(("smtp", "lmtp", "http", "imap", "pop3", "manageSieve"), "smtp"),
        "overrideProxyTrustedNetworks": Set(parse=ip_member), "maxConnections": Number(None, minimum=1, null=True),
        "socketBacklog": Number(1024, minimum=1, null=True), "socketNoDelay": Bool(True),
        "socketReceiveBufferSize": Number(None, minimum=1, null=True), "socketReuseAddress": Bool(True),
        "socketReusePort": Bool(True), "socketSendBufferSize": Number(None, minimum=1, null=True),
        "socketTosV4": Number(None, minimum=1, null=True), "socketTtl": Number(None, minimum=1, null=True),
        "useTls": Bool(True), "tlsImplicit": Bool(False), "tlsDisableCipherSuites": Set(),
        "tlsDisableProtocols": Set(), "tlsIgnoreClientOrder": Bool(True),
        "tlsTimeout": Number(60000, minimum=1, null=True),
    }, "name", ("name",), ("name",)),
}
STORES = ("purgeAccounts", "purgeData", "purgeBlob", "reindexAccounts", "reindexTelemetry", "resetRateLimiters",
          "resetUserQuotas", "resetTenantQuotas", "resetBlobQuotas", "removeAuthTokens", "removeLockQueueMessage",
          "removeLockTask", "removeLockDav", "removeSieveId", "removeGreylist")
TASK_STATUS = {"Pending": {"createdAt": Date(None, "server"), "due": Date(None)}}
TASKS = {
    "AcmeRenewal": {"domainId": Ref(NO_ID, "ro")},
    "DkimManagement": {"domainId": Ref(NO_ID, "ro")},
    "DnsManagement": {"domainId": Ref(NO_ID, "ro"), "updateRecords": Set(access="ro"),
                      "onSuccessRenewCertificate": Bool(False, "ro")},
    "StoreMaintenance": {"maintenanceType": Enum(STORES, "reindexAccounts", access="ro"),
                         "shardIndex": Number(None, access="ro", null=True)},
    "SpamFilterMaintenance": {"maintenanceType": Enum(("train", "retrain", "abort", "reset", "updateRules"),
                                                      "train", access="ro")},
}
INTERNAL_TASKS = ("CalendarAlarmEmail", "CalendarAlarmNotification", "CalendarItipMessage", "MergeThreads",
                  "DmarcReport", "TlsReport", "DestroyAccount", "RestoreArchivedItem")
# only these can be asked for or filtered on
PROPERTIES.update(*(fields for fields in SINGLETONS.values()), *(t.fields for t in TYPES.values()),
                  *(fields for fields in TASKS.values()))


class Row:
    __slots__ = ("number", "id", "obj")

    def __init__(self, number, obj):
        self.number, self.id, self.obj = number, encode_id(number), obj
        obj["id"] = self.id


class Table:
    """Rows in the order of their ids. Pages of a hundred thousand are slices of one list."""

    def __init__(self, kind):
        self.kind = kind
        self.rows = {}                          # number -> Row
        self.order = []                         # numbers, growing
        self.index = {}                         # value of the unique property -> Row
        self.sorted = None                      # numbers by the unique property, made when asked for
        self.serial = 0

    def __len__(self):
        return len(self.order)

    def add(self, obj, ids, now):
        if self.kind.numbered:
            self.serial += 1
            number = self.serial
        else:
            number = ids.next(now)
        value = obj.get(self.kind.unique) if self.kind.unique else None
        row = Row(number, obj)
        if self.order and number < self.order[-1]:
            bisect.insort(self.order, number)
        else:
            self.order.append(number)
        self.rows[number] = row
        if value is not None:
            self.index[value] = row
        self.sorted = None
        return row

    def replace(self, row, obj):
        if self.kind.unique:
            self.index.pop(row.obj[self.kind.unique], None)
            self.index[obj[self.kind.unique]] = row
        row.obj = obj
        self.sorted = None

    def remove(self, number):
        row = self.rows.pop(number)
        del self.order[bisect.bisect_left(self.order, number)]
        if self.kind.unique:
            self.index.pop(row.obj[self.kind.unique], None)
        self.sorted = None
        return row

    def by_key(self):
        if self.sorted is None:
            name = self.kind.unique
            key = (lambda n: parse_ip(self.rows[n].obj[name])[1]) if name == "address" else \
                (lambda n: self.rows[n].obj[name])
            self.sorted = sorted(self.order, key=key)
        return self.sorted

    def find(self, value):
        return self.index.get(value)

    def values(self):
        return [self.rows[n] for n in self.order]
