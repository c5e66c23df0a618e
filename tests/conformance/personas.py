# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is tried: one row per server generation, and what each can't do. It must not know any operation.

A capability is named as `stalwarden probe` names it; those that probe has no word for are in EXTRA."""

from dataclasses import dataclass, field

from cli_world import DONE, NOTHING, STORED, USAGE

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
PROBED = set("""read_blocked write_blocked read_allowed write_allowed read_thresholds write_thresholds threshold_off scan_paths read_log
    read_certs upload_cert renew_cert reload reload_certs reset_counters check_config read_trust ban_period expiry notes
    native_expiry allow_wins live_at_once""".split())
# What probe doesn't list: one class's threshold, a rate that needs no restart, credentials with some rights only, thresholds in a file
# beside the store.
EXTRA = set("abuse loiter scan rate_live rights file".split())
KNOWN = PROBED | EXTRA

OLD = "ban_period native_expiry allow_wins live_at_once renew_cert "     # everything up to 0.15
REST = """scan_paths read_log read_certs upload_cert renew_cert reload reload_certs reset_counters check_config read_trust ban_period
    native_expiry allow_wins loiter threshold_off expiry notes file"""

GENERATIONS = [
    Generation("0.16", "0.16", "jmap", "0.16", lacking("check_config live_at_once file notes"), wins="allow", keeps="native"),
    Generation("0.15", "0.15", "settings", "0.11-0.15", lacking(OLD)),
    Generation("0.11", "0.15", "settings", "0.11-0.15", lacking(OLD), {"version": "0.11.0"}),
    Generation("0.15-upgraded", "0.15", "settings", "0.11-0.15", lacking(OLD),       # it ignores what 0.8 and 0.10 stored
               {"settings": {"server.fail2ban.authentication": "50/1d", "authentication.fail2ban": "40/1d"}}),
    Generation("0.10.7", "0.10", "settings", "0.10.5-0.10.7", lacking(OLD + "reset_counters"), {"version": "0.10.7"}),
    Generation("0.10.7-upgraded", "0.10", "settings", "0.10.5-0.10.7", lacking(OLD + "reset_counters"),
               {"version": "0.10.7", "settings": {"server.fail2ban.authentication": "50/1d"}}),
    Generation("0.10.3", "0.10", "settings", "0.9.4-0.10.3", lacking(OLD + "reset_counters scan_paths scan")),
    Generation("0.8.1", "0.8", "settings", "0.7-0.9.3", lacking(OLD + "reset_counters scan_paths abuse loiter scan file")),
    Generation("0.7.3", "0.8", "settings", "0.7-0.9.3",
               lacking(OLD + "reset_counters scan_paths abuse loiter scan file read_allowed write_allowed"), {"version": "0.7.3"}),
    Generation("0.6", "0.6", "config", "0.5-0.6", lacking(OLD + """read_allowed write_allowed scan_paths read_log read_certs upload_cert
        reload_certs reset_counters check_config read_trust abuse loiter scan threshold_off rate_live rights file""")),
] + [Generation("rest-" + shape, "rest", "rest", "rest", lacking(REST), {"shape": shape, "answer": answer}, keeps="nowhere",
                default=(100, 3600))
     for shape, answer in (("object", "empty"), ("flat", "none"), ("pairs", "data"), ("records", "null"))]

BY_ID = {g.id: g for g in GENERATIONS}

GENERATION = "this server's generation can't do that"
# What is answered where a generation lacks it: exit code, and words that must be in the answer. A dialect may have an answer of its own.
REFUSALS = {
    "read_allowed": (USAGE, GENERATION),
    "write_allowed": (USAGE, GENERATION),
    "threshold_off": (USAGE, "can't switch a threshold off"),
    "scan_paths": (USAGE, GENERATION),
    "abuse": (USAGE, "no abuse threshold"),
    "loiter": (USAGE, "no loiter threshold"),
    "scan": (USAGE, "no scan threshold"),
    "ban_period": (USAGE, "no ban period"),
    "expiry": (USAGE, "can't keep when an entry ends"),
    "notes": (DONE, "the reason is in the journal"),                     # blocked, and said where the words are
    "read_log": (USAGE, GENERATION),
    "read_certs": (NOTHING, GENERATION),
    "upload_cert": (USAGE, GENERATION),
    "renew_cert": (USAGE, GENERATION),
    ("renew_cert", "settings"): (STORED, "no call that forces a renewal"),      # a full reload re-schedules
    "reload_certs": (USAGE, GENERATION),
    "reset_counters": (USAGE, GENERATION),
    "check_config": (3, GENERATION),                                     # UNKNOWN, as a monitor understands it
}


def refusal(generation, capability):
    return REFUSALS.get((capability, generation.dialect), REFUSALS.get(capability))
