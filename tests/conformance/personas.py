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
# beside the store, entries that are no address, rates as text.
EXTRA = set("abuse loiter scan rate_live rights file malformed raw_rate".split())
KNOWN = PROBED | EXTRA

OLD = "ban_period native_expiry allow_wins live_at_once renew_cert "     # everything up to 0.15
REST = """scan_paths read_log read_certs upload_cert renew_cert reload reload_certs reset_counters check_config read_trust ban_period
    native_expiry allow_wins loiter threshold_off expiry notes file raw_rate"""

GENERATIONS = [
    Generation("0.16", "0.16", "jmap", "0.16", lacking("check_config live_at_once file notes malformed raw_rate"), wins="allow", keeps="native"),
    Generation("0.15", "0.15", "settings", "0.11-0.15", lacking(OLD)),
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
        reload_certs reset_counters check_config abuse loiter scan threshold_off rate_live rights file""")),
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

# Operations that a generation refuses. This table says what the two others come to: what can no longer be done, or has become
# possible, must be said here as well.
NEVER_UP_TO_15 = "certificate_renewed threshold_with_an_end "
NO_SCAN = "scan_path_added scan_path_removed scan_path_twice scan_paths_as_they_are "
NO_ALLOW = """allow_again_with_another_end allow_a_network_and_ipv6 allow_an_address allow_and_keep_the_block allow_twice allow_what_is_blocked disallow
    disallow_what_is_not_allowed list_what_is_allowed sweep_an_allowance_that_has_expired unblock_and_allow undo_an_allow_that_lifted_a_block """
NO_LOG_NO_CERTS = "certificate_uploaded certificates_reloaded certificates_without_keys configuration_checked log_of_one_address log_shows_a_ban "
NO_RESET = "counters_reset "
REST_CANNOT = NEVER_UP_TO_15 + NO_SCAN + NO_LOG_NO_CERTS + NO_RESET + """allow_until allow_again_with_another_end block_again_with_another_end block_for_an_hour block_with_a_reason
    sweep_an_allowance_that_has_expired sweep_what_has_expired threshold_loiter threshold_off"""
CANNOT = {
    "0.16": "block_with_a_reason configuration_checked",
    "0.15": NEVER_UP_TO_15,
    "0.15-upgraded": NEVER_UP_TO_15,
    "0.10.7": NEVER_UP_TO_15 + NO_RESET,
    "0.10.7-upgraded": NEVER_UP_TO_15 + NO_RESET,
    "0.10.3": NEVER_UP_TO_15 + NO_RESET + NO_SCAN + "threshold_scan",
    "0.8.1": NEVER_UP_TO_15 + NO_RESET + NO_SCAN + "threshold_scan threshold_abuse threshold_loiter",
    "0.7.3": NEVER_UP_TO_15 + NO_RESET + NO_SCAN + NO_ALLOW + "threshold_scan threshold_abuse threshold_loiter",
    "0.6": NEVER_UP_TO_15 + NO_RESET + NO_SCAN + NO_ALLOW + NO_LOG_NO_CERTS + "threshold_scan threshold_abuse threshold_loiter threshold_off",
    "rest-object": REST_CANNOT, "rest-flat": REST_CANNOT, "rest-pairs": REST_CANNOT, "rest-records": REST_CANNOT,
}
# Operations that mean nothing there, and are not run.
UNTRIED = {
    "a_malformed_entry_is_listed_and_removed": "0.16",
    "unblock_what_is_spelt_otherwise": "0.16",
    "threshold_in_other_words": "0.16 rest-object rest-flat rest-pairs rest-records",
    "reload_lost": "rest-object rest-flat rest-pairs rest-records",
    "reload_refuses_a_rate": "0.16 0.6 rest-object rest-flat rest-pairs rest-records",
    "file_that_cant_be_written": "0.16 0.8.1 0.7.3 0.6 rest-object rest-flat rest-pairs rest-records",
    "credentials_that_may_not_reload": "0.6 rest-object rest-flat rest-pairs rest-records",
    "credentials_that_may_do_this": "0.6",
}
