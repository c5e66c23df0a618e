# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is tried: one row per server generation, and what each can't do. It must not know any operation.

A capability is named as `stalwarden probe` names it; those that probe has no word for are in EXTRA."""

from dataclasses import dataclass, field

from cli_world import NOTHING, USAGE, DONE

CLASSES = ("auth", "abuse", "loiter", "scan")


@dataclass(frozen=True)
class Generation:
    id: str                                     # in the test's name
    persona: str                                # of the practice server
    dialect: str
    generation: str                             # as probe says it
    lacks: frozenset                            # capabilities
    options: dict = field(default_factory=dict)
    wins: str = "block"                         # what holds where an address is blocked and allowed
    keeps: str = "value"                        # where reason, operator and end of a block are: value, native, nowhere
    default: tuple = (100, 86400)               # the rate that holds for auth when nothing is stored

    def can(self, capability):
        return capability not in self.lacks


def lacking(words):
    unknown = set(words.split()) - KNOWN
    assert not unknown, unknown
    return frozenset(words.split())


# As probe names them: what no_generation may stand next to.
PROBED = set("""read_blocked write_blocked read_allowed write_allowed read_thresholds write_thresholds scan_paths read_log
    read_certs upload_cert renew_cert reload reload_certs reset_counters check_config read_trust ban_period native_expiry
    allow_wins live_at_once""".split())
# What probe doesn't list: one class's threshold, switching one off, a rate that needs no restart, an end and a reason that
# are kept, credentials with some rights only, settings in a file beside the store.
EXTRA = set("abuse loiter scan off rate_live expiry note rights file".split())
KNOWN = PROBED | EXTRA

OLD = "ban_period native_expiry allow_wins live_at_once renew_cert "     # everything up to 0.15
REST = """scan_paths read_log read_certs upload_cert renew_cert reload reload_certs reset_counters check_config read_trust ban_period
    native_expiry allow_wins loiter off expiry note file"""

GENERATIONS = [
    Generation("0.16", "0.16", "jmap", "0.16", lacking("check_config live_at_once file note"), wins="allow", keeps="native"),
    Generation("0.15", "0.15", "settings", "0.11-0.15", lacking(OLD)),
    Generation("0.11", "0.15", "settings", "0.11-0.15", lacking(OLD), {"version": "0.11.0"}),
    Generation("0.15-upgraded", "0.15", "settings", "0.11-0.15", lacking(OLD),       # it ignores what 0.8 and 0.10 stored
               {"settings": {"server.fail2ban.authentication": "50/1d", "authentication.fail2ban": "40/1d"}}),
    Generation("0.10.7", "0.10", "settings", "0.10.5-0.10.7", lacking(OLD + "reset_counters"), {"version": "0.10.7"}),
    Generation("0.10.7-upgraded", "0.10", "settings", "0.10.5-0.10.7", lacking(OLD + "reset_counters"),
               {"version": "0.10.7", "settings": {"server.fail2ban.authentication": "50/1d"}}),
    Generation("0.10.3", "0.10", "settings", "0.9.4-0.10.3", lacking(OLD + "reset_counters scan_paths scan")),
    Generation("0.8.1", "0.8", "settings", "0.7-0.9.3", lacking(OLD + "reset_counters scan_paths abuse loiter scan")),
    Generation("0.7.3", "0.8", "settings", "0.7-0.9.3",
               lacking(OLD + "reset_counters scan_paths abuse loiter scan read_allowed write_allowed"), {"version": "0.7.3"}),
    Generation("0.6", "0.6", "config", "0.5-0.6", lacking(OLD + """read_allowed write_allowed scan_paths read_log read_certs upload_cert
        reload_certs reset_counters check_config read_trust abuse loiter scan off rate_live rights file""")),
] + [Generation("rest-" + shape, "rest", "rest", "rest", lacking(REST), {"shape": shape, "answer": answer}, keeps="nowhere",
                default=(100, 3600))
     for shape, answer in (("object", "empty"), ("flat", "none"), ("pairs", "data"), ("records", "null"))]

BY_ID = {g.id: g for g in GENERATIONS}

# What is answered where a generation lacks it: exit code, and words that must be in the answer.
REFUSALS = {
    "read_allowed": (USAGE, "this server's generation can't do that"),
    "write_allowed": (USAGE, "this server's generation can't do that"),
    "scan_paths": (USAGE, "no scan paths"),
    "abuse": (USAGE, "no abuse threshold"),
    "loiter": (USAGE, "no loiter threshold"),
    "scan": (USAGE, "no scan threshold"),
    "off": (USAGE, "can't be switched off"),
    "ban_period": (USAGE, "no ban period"),
    "expiry": (USAGE, "no end"),
    "read_log": (USAGE, "this server's generation can't do that"),
    "read_certs": (NOTHING, "this server's generation can't do that"),
    "upload_cert": (USAGE, "this server's generation can't do that"),
    "renew_cert": (USAGE, "no call that forces a renewal"),
    "reload_certs": (USAGE, "this server's generation can't do that"),
    "reset_counters": (USAGE, "this server's generation can't do that"),
    "check_config": (3, "this server's generation can't do that"),      # UNKNOWN, as a monitor understands it
    "note": (DONE, "journal"),                                          # done, and said where the words are
}
