/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/exec_judge: one row per way a change can go, and the verdict it must end in. */
#include "client/exec_judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK { FATE_OK, ERR_NONE, NULL }
#define NO(code, words) { FATE_REFUSED, ERR_##code, words }
#define UNSENT { FATE_UNSENT, ERR_NETWORK, "no connection" }
#define LOST { FATE_LOST, ERR_TIMEOUT, "no answer within 10 s" }
#define NOT_TRIED { FATE_NONE, ERR_NONE, NULL }
#define BLOCKED (1u << RELOAD_BLOCKED)
#define SETTINGS (1u << RELOAD_SETTINGS)

static struct check_problem other_key[] = { { "server.listener.smtp.bind", "invalid socket address" } };
static struct check_problem this_key[] = { { "server.blocked-ip.203.0.113.9", "invalid IP address" } };
static struct check_problem longer_key[] = { { "server.blocked-ip.9.203.0.113.9", "invalid IP address" } };

struct row {
	const char *name;
	enum edit_kind kind;
	struct facts f;
	enum verdict verdict;
	enum err_code why;
	const char *words; /* must be in the detail; NULL = there must be none */
};

#define WENT_WELL                                                                                                        \
	.before = OK, .write = OK, .after = OK, .matches = true, .wants_value = true, .reloads = BLOCKED,                \
	.reload[RELOAD_BLOCKED] = { .step = OK }

static const struct row rows[] = {
	{ "all went well", EDIT_BLOCK, { WENT_WELL }, VERDICT_IN_FORCE, ERR_NONE, NULL },
	{ "live at once", EDIT_BLOCK, { .before = OK, .write = OK, .after = OK, .matches = true, .wants_value = true }, VERDICT_IN_FORCE, ERR_NONE, NULL },
	{ "live in a moment", EDIT_BLOCK, { .before = OK, .write = OK, .after = OK, .matches = true, .wants_value = true, .reloads = BLOCKED, .reload[RELOAD_BLOCKED] = { .step = OK, .asynchronous = true } }, VERDICT_IN_FORCE, ERR_NONE, "in a moment" },
	{ "already so", EDIT_BLOCK, { .no_op = true, .before = OK, .before_value = "", .after = OK, .after_value = "", .matches = true, .wants_value = true, .reloads = BLOCKED, .reload[RELOAD_BLOCKED] = { .step = OK } }, VERDICT_IN_FORCE, ERR_NONE, "already blocked; nothing was written" },
	{ "was not there", EDIT_UNBLOCK, { .no_op = true, .before = OK, .after = OK, .matches = true, .reloads = BLOCKED, .reload[RELOAD_BLOCKED] = { .step = OK } }, VERDICT_IN_FORCE, ERR_NONE, "was not blocked" },
	{ "no permission known before", EDIT_BLOCK, { .can = NO(PERMISSION, "these credentials may not do that") }, VERDICT_NOT_STORED, ERR_PERMISSION, "may not" },
	{ "generation", EDIT_ALLOW, { .can = NO(UNSUPPORTED, "no allow list") }, VERDICT_NOT_STORED, ERR_UNSUPPORTED, "no allow list" },
	{ "read-only", EDIT_ALLOW, { .can = NO(GUARD, "read-only mode") }, VERDICT_NOT_STORED, ERR_GUARD, "read-only" },
	{ "unreadable before", EDIT_BLOCK, { .before = NO(PERMISSION, "HTTP 403: Forbidden") }, VERDICT_NOT_STORED, ERR_PERMISSION, "nothing was written" },
	{ "lost before", EDIT_BLOCK, { .before = LOST }, VERDICT_NOT_STORED, ERR_TIMEOUT, "nothing was written" },
	{ "unreachable", EDIT_BLOCK, { .before = UNSENT }, VERDICT_NOT_STORED, ERR_NETWORK, "no connection" },
	{ "changed by another", EDIT_THRESHOLD, { .before = OK, .before_value = "5/1h", .expected = "100/1d", .conflict = true }, VERDICT_NOT_STORED, ERR_CONFLICT, "on the server \"5/1h\", expected \"100/1d\"" },
	{ "taken away by another", EDIT_UNBLOCK, { .before = OK, .expected = "x", .conflict = true }, VERDICT_NOT_STORED, ERR_CONFLICT, "on the server (absent), expected \"x\"" },
	{ "added by another", EDIT_THRESHOLD, { .before = OK, .before_value = "x", .expected = "", .conflict = true }, VERDICT_NOT_STORED, ERR_CONFLICT, "expected (absent)" },
	{ "expiry of nothing", EDIT_EXPIRY, { .before = OK }, VERDICT_NOT_STORED, ERR_NOT_FOUND, "no such entry" },
	{ "stopped", EDIT_BLOCK, { .before = OK, .stopped = true }, VERDICT_PENDING, ERR_CANCELLED, "stopped" },
	{ "stopped before the first read", EDIT_BLOCK, { .stopped = true }, VERDICT_PENDING, ERR_CANCELLED, "stopped" },
	{ "write not sent", EDIT_BLOCK, { .before = OK, .write = UNSENT }, VERDICT_NOT_STORED, ERR_NETWORK, "not sent" },
	{ "write never tried", EDIT_BLOCK, { .before = OK, .after = OK, .matches = true, .wants_value = true }, VERDICT_NOT_STORED, ERR_NETWORK, "not sent" },
	{ "write lost", EDIT_BLOCK, { .before = OK, .write = LOST, .after = UNSENT }, VERDICT_UNKNOWN, ERR_TIMEOUT, "may or may not" },
	{ "write refused", EDIT_THRESHOLD, { .before = OK, .write = NO(PROTOCOL, "HTTP 400: Invalid parameters"), .after = OK }, VERDICT_NOT_STORED, ERR_PROTOCOL, "Invalid parameters" },
	{ "write forbidden", EDIT_BLOCK, { .before = OK, .write = NO(PERMISSION, "HTTP 403: Forbidden"), .after = OK }, VERDICT_NOT_STORED, ERR_PERMISSION, "Forbidden" },
	{ "500, and nothing there", EDIT_THRESHOLD, { .before = OK, .write = NO(SERVER, "HTTP 500"), .after = OK, .wants_value = true }, VERDICT_NOT_STORED, ERR_SERVER, "HTTP 500" },
	{ "500, yet it reads back", EDIT_THRESHOLD, { .before = OK, .write = NO(SERVER, "HTTP 500: Failed to write local configuration"), .after = OK, .matches = true, .wants_value = true, .reloads = SETTINGS, .reload[RELOAD_SETTINGS] = { .step = OK } }, VERDICT_STORED, ERR_SERVER, "lost at the next restart" },
	{ "500, then lost", EDIT_THRESHOLD, { .before = OK, .write = NO(SERVER, "HTTP 500"), .after = LOST }, VERDICT_UNKNOWN, ERR_TIMEOUT, "HTTP 500" },
	{ "500, then unreadable", EDIT_THRESHOLD, { .before = OK, .write = NO(SERVER, "HTTP 500"), .after = NO(SERVER, "HTTP 500") }, VERDICT_NOT_STORED, ERR_SERVER, "HTTP 500" },
	{ "another was faster, other value", EDIT_BLOCK, { .before = OK, .write = NO(CONFLICT, "somebody else stored this entry"), .after = OK, .after_value = "theirs", .wants_value = true }, VERDICT_NOT_STORED, ERR_CONFLICT, "\"theirs\"" },
	{ "another was faster, same value", EDIT_BLOCK, { .before = OK, .write = NO(CONFLICT, "x"), .after = OK, .after_value = "v", .matches = true, .wants_value = true, .reloads = BLOCKED, .reload[RELOAD_BLOCKED] = { .step = OK } }, VERDICT_IN_FORCE, ERR_NONE, "somebody else" },
	{ "another was faster, removed", EDIT_UNBLOCK, { .before = OK, .before_value = "", .write = NO(CONFLICT, "x"), .after = OK, .matches = true, .reloads = BLOCKED, .reload[RELOAD_BLOCKED] = { .step = OK } }, VERDICT_IN_FORCE, ERR_NONE, "removed it meanwhile" },
	{ "read back lost", EDIT_BLOCK, { .before = OK, .write = OK, .after = LOST }, VERDICT_UNKNOWN, ERR_TIMEOUT, "before it could be read back" },
	{ "read back not sent", EDIT_BLOCK, { .before = OK, .write = OK, .after = UNSENT }, VERDICT_UNKNOWN, ERR_NETWORK, "before it could be read back" },
	{ "read back never tried", EDIT_BLOCK, { .before = OK, .write = OK }, VERDICT_UNKNOWN, ERR_NETWORK, "before it could be read back" },
	{ "read back refused", EDIT_BLOCK, { .before = OK, .write = OK, .after = NO(SERVER, "HTTP 500") }, VERDICT_STORED, ERR_SERVER, "not proven" },
	{ "read back differs", EDIT_THRESHOLD, { .before = OK, .write = OK, .after = OK, .after_value = "7/1h", .wants_value = true, .reloads = SETTINGS }, VERDICT_MISMATCH, ERR_CONFLICT, "read back \"7/1h\"" },
	{ "removed, and still there", EDIT_UNBLOCK, { .before = OK, .write = OK, .after = OK, .after_value = "", .reloads = BLOCKED }, VERDICT_MISMATCH, ERR_CONFLICT, "although it was removed" },
	{ "stored, and gone again", EDIT_BLOCK, { .before = OK, .write = OK, .after = OK, .wants_value = true, .reloads = BLOCKED }, VERDICT_MISMATCH, ERR_CONFLICT, "(absent)" },
	{ "reload refused", EDIT_THRESHOLD, { .before = OK, .write = OK, .after = OK, .matches = true, .wants_value = true, .reloads = SETTINGS, .reload[RELOAD_SETTINGS] = { .step = NO(SERVER, "server.listener.smtp.bind: invalid socket address"), .errors = other_key, .error_count = 1 } }, VERDICT_STORED, ERR_SERVER, "server.listener.smtp.bind" },
	{ "reload forbidden", EDIT_BLOCK, { .before = OK, .write = OK, .after = OK, .matches = true, .wants_value = true, .reloads = BLOCKED, .reload[RELOAD_BLOCKED] = { .step = NO(PERMISSION, "HTTP 403") } }, VERDICT_STORED, ERR_PERMISSION, "not permitted" },
	{ "reload lost", EDIT_BLOCK, { .before = OK, .write = OK, .after = OK, .matches = true, .wants_value = true, .reloads = BLOCKED, .reload[RELOAD_BLOCKED] = { .step = LOST } }, VERDICT_UNKNOWN, ERR_TIMEOUT, "around the reload" },
	{ "reload not sent", EDIT_BLOCK, { .before = OK, .write = OK, .after = OK, .matches = true, .wants_value = true, .reloads = BLOCKED, .reload[RELOAD_BLOCKED] = { .step = UNSENT } }, VERDICT_UNKNOWN, ERR_NETWORK, "around the reload" },
	{ "second reload refused", EDIT_BLOCK, { .before = OK, .write = OK, .after = OK, .matches = true, .wants_value = true, .reloads = BLOCKED | SETTINGS, .reload[RELOAD_BLOCKED] = { .step = OK }, .reload[RELOAD_SETTINGS] = { .step = NO(SERVER, "k: bad") } }, VERDICT_STORED, ERR_SERVER, "k: bad" },
	{ "the other kind of reload is not our business", EDIT_BLOCK, { WENT_WELL, .reload[RELOAD_SETTINGS] = { .step = NO(SERVER, "k: bad") } }, VERDICT_IN_FORCE, ERR_NONE, NULL },
	{ "good ones live, another is bad", EDIT_BLOCK, { .before = OK, .write = OK, .after = OK, .matches = true, .wants_value = true, .reloads = BLOCKED, .reload[RELOAD_BLOCKED] = { .step = OK, .good_ones_live = true, .errors = other_key, .error_count = 1 } }, VERDICT_IN_FORCE, ERR_NONE, NULL },
	{ "good ones live, this one is bad", EDIT_BLOCK, { .before = OK, .write = OK, .after = OK, .matches = true, .wants_value = true, .reloads = BLOCKED, .reload[RELOAD_BLOCKED] = { .step = OK, .good_ones_live = true, .errors = this_key, .error_count = 1 } }, VERDICT_STORED, ERR_SERVER, "invalid IP address" },
	{ "a key with a longer name is another one", EDIT_BLOCK, { .before = OK, .write = OK, .after = OK, .matches = true, .wants_value = true, .reloads = BLOCKED, .reload[RELOAD_BLOCKED] = { .step = OK, .good_ones_live = true, .errors = longer_key, .error_count = 1 } }, VERDICT_IN_FORCE, ERR_NONE, NULL },
	{ "works after a restart only", EDIT_THRESHOLD, { .before = OK, .write = OK, .after = OK, .matches = true, .wants_value = true, .reloads = SETTINGS, .reload[RELOAD_SETTINGS] = { .step = OK, .asynchronous = true }, .caveat = "a new rate works only after a restart" }, VERDICT_STORED, ERR_UNSUPPORTED, "restart" },
	{ "stored before, works after a restart only", EDIT_THRESHOLD, { .no_op = true, .before = OK, .after = OK, .matches = true, .wants_value = true, .reloads = SETTINGS, .reload[RELOAD_SETTINGS] = { .step = OK, .asynchronous = true }, .caveat = "a new rate works only after a restart" }, VERDICT_STORED, ERR_UNSUPPORTED, "already so; nothing was written: a new rate works only after a restart" },
	{ "counters reset", EDIT_RESET_COUNTERS, { .is_action = true, .reset = OK }, VERDICT_IN_FORCE, ERR_NONE, NULL },
	{ "counters not reset", EDIT_RESET_COUNTERS, { .is_action = true, .reset = NO(PERMISSION, "HTTP 403") }, VERDICT_NOT_STORED, ERR_PERMISSION, "not reset" },
	{ "counters never asked", EDIT_RESET_COUNTERS, { .is_action = true, .reset = UNSENT }, VERDICT_NOT_STORED, ERR_NETWORK, "not reset" },
	{ "counters lost", EDIT_RESET_COUNTERS, { .is_action = true, .reset = LOST }, VERDICT_UNKNOWN, ERR_TIMEOUT, "no answer" },
	{ "un-blocked, counters stay", EDIT_UNBLOCK, { .before = OK, .before_value = "", .write = OK, .after = OK, .matches = true, .reloads = BLOCKED, .reload[RELOAD_BLOCKED] = { .step = OK }, .reset = NO(PERMISSION, "HTTP 403") }, VERDICT_IN_FORCE, ERR_NONE, "next failure bans again" },
	{ "reloaded", EDIT_RELOAD, { .is_action = true, .reloads = SETTINGS, .reload[RELOAD_SETTINGS] = { .step = OK } }, VERDICT_IN_FORCE, ERR_NONE, NULL },
	{ "bare reload refused", EDIT_RELOAD, { .is_action = true, .reloads = SETTINGS, .reload[RELOAD_SETTINGS] = { .step = NO(SERVER, "k: bad") } }, VERDICT_STORED, ERR_SERVER, "k: bad" },
	{ "bare reload not sent", EDIT_RELOAD, { .is_action = true, .reloads = SETTINGS, .reload[RELOAD_SETTINGS] = { .step = UNSENT } }, VERDICT_NOT_STORED, ERR_NETWORK, "not sent" },
	{ "bare reload lost", EDIT_CERT_RELOAD, { .is_action = true, .reloads = SETTINGS, .reload[RELOAD_SETTINGS] = { .step = LOST } }, VERDICT_UNKNOWN, ERR_TIMEOUT, "around the reload" },
	{ "read again: it is there", EDIT_BLOCK, { .is_recheck = true, .before = OK, .write = OK, .after = OK, .after_value = "v", .matches = true, .wants_value = true, .reloads = BLOCKED }, VERDICT_STORED, ERR_NETWORK, "reload to make sure" },
	{ "read again: live at once", EDIT_BLOCK, { .is_recheck = true, .before = OK, .write = OK, .after = OK, .after_value = "v", .matches = true, .wants_value = true }, VERDICT_IN_FORCE, ERR_NONE, NULL },
	{ "read again: as before, absent", EDIT_BLOCK, { .is_recheck = true, .before = OK, .write = OK, .after = OK, .wants_value = true, .reloads = BLOCKED }, VERDICT_NOT_STORED, ERR_NETWORK, "what it had before" },
	{ "read again: as before, a value", EDIT_THRESHOLD, { .is_recheck = true, .before = OK, .write = OK, .after = OK, .before_value = "5/1h", .after_value = "5/1h", .wants_value = true, .reloads = SETTINGS }, VERDICT_NOT_STORED, ERR_NETWORK, "what it had before" },
	{ "read again: something else", EDIT_THRESHOLD, { .is_recheck = true, .before = OK, .write = OK, .after = OK, .before_value = "5/1h", .after_value = "6/1h", .wants_value = true, .reloads = SETTINGS }, VERDICT_MISMATCH, ERR_CONFLICT, "\"6/1h\"" },
	{ "read again: still unreachable", EDIT_BLOCK, { .is_recheck = true, .before = OK, .write = OK, .after = UNSENT }, VERDICT_UNKNOWN, ERR_NETWORK, "still unknown" },
	{ "read again: the server refuses", EDIT_BLOCK, { .is_recheck = true, .before = OK, .write = OK, .after = NO(SERVER, "HTTP 503") }, VERDICT_UNKNOWN, ERR_SERVER, "still unknown" },
};

static void every_row(void **state)
{
	bool seen[VERDICT_COUNT] = { false };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct edit e = { .kind = rows[i].kind, .target = (char[]){ "203.0.113.9" } };
		struct facts f = rows[i].f;
		struct outcome out = { .verdict = VERDICT_COUNT };

		f.edit = &e;
		exec_judge(&f, &out);
		if (out.verdict != rows[i].verdict || out.why != rows[i].why)
			fail_msg("%s: %s/%d, not %s/%d (%s)", rows[i].name, verdict_name(out.verdict), out.why,
				verdict_name(rows[i].verdict), rows[i].why, out.detail ? out.detail : "");
		if (rows[i].words ? !out.detail || !strstr(out.detail, rows[i].words) : out.detail != NULL)
			fail_msg("%s: detail \"%s\"", rows[i].name, out.detail ? out.detail : "(none)");
		/* what somebody else stored is not ours to take back */
		assert_int_equal(out.no_op, f.no_op || (out.verdict == VERDICT_IN_FORCE && f.write.fate == FATE_REFUSED));
		seen[out.verdict] = true;
		free(out.detail);
	}
	for (int v = 0; v < VERDICT_COUNT; v++)
		assert_true(seen[v]);
}

/* Whatever the facts: never in force without a matching read-back and every needed reload taken. */
static void no_facts_make_a_false_in_force(void **state)
{
	static const struct facts_step steps[] = { NOT_TRIED, OK, NO(SERVER, "x"), NO(CONFLICT, "x"), NO(PERMISSION, "x"), UNSENT, LOST };
	struct edit e = { .kind = EDIT_BLOCK, .target = (char[]){ "203.0.113.9" } };
	size_t n = sizeof(steps) / sizeof(steps[0]), cases = 0;

	(void)state;
	for (size_t i = 0; i < n * n * n * n * 4; i++) {
		struct facts f = { .edit = &e, .wants_value = true, .before = steps[i % n], .write = steps[i / n % n],
			.after = steps[i / n / n % n], .reloads = BLOCKED, .reload[RELOAD_BLOCKED] = { .step = steps[i / n / n / n % n] } };
		struct outcome out = { 0 };

		f.matches = i / n / n / n / n & 1;
		f.no_op = i / n / n / n / n & 2;
		exec_judge(&f, &out);
		if (out.verdict == VERDICT_IN_FORCE) {
			assert_true(f.matches);
			assert_int_equal(f.before.fate, FATE_OK);
			assert_int_equal(f.after.fate, FATE_OK);
			assert_int_equal(f.reload[RELOAD_BLOCKED].step.fate, FATE_OK);
			assert_true(f.write.fate == FATE_OK || f.no_op || f.write.why == ERR_CONFLICT);
			cases++;
		}
		free(out.detail);
	}
	assert_true(cases > 0);
}

static void hostile_words_are_made_safe(void **state)
{
	struct edit e = { .kind = EDIT_THRESHOLD, .target = (char[]){ "auth" } };
	struct facts f = { .edit = &e, .before = OK, .write = NO(PROTOCOL, "\x1b]52;c;x\x07\xe2\x80\xae no"), .after = OK };
	struct outcome out = { 0 };

	(void)state;
	exec_judge(&f, &out);
	assert_null(strpbrk(out.detail, "\x1b\x07"));
	assert_null(strstr(out.detail, "\xe2\x80\xae"));
	free(out.detail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(no_facts_make_a_false_in_force),
		cmocka_unit_test(hostile_words_are_made_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
