/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words and ownership of what client.h hands out. No session in here. */
#include "client/client.h"

#include <assert.h>
#include <stdlib.h>

#include "client/profile_private.h"
#include "core/mem.h"

static const struct {
	const char *name, *words;
} caps[] = {
#define CAP_ROW(id, name, words) [CAP_BIT_##id] = { name, words },
	CAP_INFO(CAP_ROW)
#undef CAP_ROW
};

static const char *const generations[] = {
	[GEN_UNKNOWN] = "unknown",
	[GEN_CONFIG_0_5] = "0.5-0.6",
	[GEN_SETTINGS_0_7] = "0.7-0.9.3",
	[GEN_SETTINGS_0_9] = "0.9.4-0.10.3",
	[GEN_SETTINGS_0_10] = "0.10.5-0.10.7",
	[GEN_SETTINGS_0_11] = "0.11-0.15",
	[GEN_JMAP_0_16] = "0.16",
	[GEN_REST] = "rest",
};
static_assert(ARRAY_LEN(generations) == GEN_REST + 1, "a name for every generation");

const char *cap_name(enum cap_bit bit)
{
	return bit < CAP_BIT_COUNT ? caps[bit].name : "";
}

const char *cap_words(enum cap_bit bit)
{
	return bit < CAP_BIT_COUNT ? caps[bit].words : "";
}

const char *server_generation(const struct server_info *s)
{
	if (s->generation == GEN_UNKNOWN && s->dialect && *s->dialect)
		return s->dialect;
	return (size_t)s->generation < ARRAY_LEN(generations) ? generations[s->generation] : "unknown";
}

static bool is_there(enum cap_state s)
{
	return s == CAP_YES || s == CAP_UNTESTED;
}

bool server_has(const struct server_info *s, unsigned wanted)
{
	for (int i = 0; i < CAP_BIT_COUNT; i++)
		if (wanted & 1u << i && !is_there(s->caps[i]))
			return false;
	return true;
}

const char *server_lacks(const struct server_info *s, unsigned wanted)
{
	static const char *const why[] = {
		[CAP_YES] = NULL,
		[CAP_UNTESTED] = NULL,
		[CAP_NO_GENERATION] = "this server's generation can't do that",
		[CAP_NO_PERMISSION] = "these credentials may not do that",
		[CAP_NO_READ_ONLY] = "read-only mode",
	};

	for (int i = 0; i < CAP_BIT_COUNT; i++)
		if (wanted & 1u << i && !is_there(s->caps[i]))
			return why[s->caps[i]];
	return NULL;
}

void log_page_free(struct log_page *p)
{
	if (!p)
		return;
	buf_release(&p->text);
	free(p->line);
	free(p);
}


void trust_free(struct trust *t)
{
	if (!t)
		return;
	strings_free(t->networks);
	strings_free(t->where);
	free(t);
}

static void problems_free(struct check_problem *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(p[i].key);
		free(p[i].text);
	}
	free(p);
}

void config_check_free(struct config_check *c)
{
	if (!c)
		return;
	problems_free(c->errors, c->error_count);
	problems_free(c->warnings, c->warning_count);
	free(c);
}
