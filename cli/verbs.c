/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of verbs: adding one is its file and a line here. --help, completion and the man page follow. */
#include <string.h>

#include "cli/cli.h"
#include "cli/suggest.h"
#include "core/mem.h"

#define VERB_INFO(_)                                                                               \
	_(probe)                                                                                   \
	_(status)                                                                                  \
	_(thresholds)                                                                              \
	_(blocked)                                                                                 \
	_(allowed)                                                                                 \
	_(block)                                                                                   \
	_(unblock)                                                                                 \
	_(allow)                                                                                   \
	_(disallow)                                                                                \
	_(gateway)                                                                                 \
	_(reset_counters)                                                                          \
	_(reload)                                                                                  \
	_(import)                                                                                  \
	_(export)                                                                                  \
	_(certs)                                                                                   \
	_(log)                                                                                     \
	_(history)                                                                                 \
	_(ranges)                                                                                  \
	_(report)                                                                                  \
	_(why)                                                                                     \
	_(sync)                                                                                    \
	_(check)                                                                                   \
	_(metrics)                                                                                 \
	_(journal)                                                                                 \
	_(undo)                                                                                    \
	_(completion)                                                                              \
	_(paths)

#define VERB_EXTERN(id) extern const struct verb verb_##id;
VERB_INFO(VERB_EXTERN)
#undef VERB_EXTERN

const struct verb *const verbs[] = {
#define VERB_ROW(id) &verb_##id,
	VERB_INFO(VERB_ROW)
#undef VERB_ROW
		NULL
};

const struct verb *verb_find(const char *name)
{
	for (const struct verb *const *p = verbs; *p; p++)
		if (!strcmp((*p)->name, name))
			return *p;
	return NULL;
}

/* What other programs call it. */
static const struct {
	const char *word, *verb;
} elsewhere[] = { { "ban", "block" }, { "unban", "unblock" }, { "list", "blocked" }, { "bans", "blocked" }, { "whitelist", "allow" },
	{ "allowlist", "allowed" }, { "blocklist", "blocked" }, { "delete", "unblock" }, { "remove", "unblock" }, { "add", "block" },
	{ "rollback", "undo" }, { "revert", "undo" }, { "version", "--version" }, { "stats", "status" }, { "events", "log" } };

const char *verb_suggest(const char *name)
{
	struct suggestion s;

	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
		if (!strcmp(elsewhere[i].word, name))
			return elsewhere[i].verb;
	suggest_begin(&s, name);
	for (const struct verb *const *p = verbs; *p; p++)
		suggest_offer(&s, (*p)->name);
	return s.name;
}
