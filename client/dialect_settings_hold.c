/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings API of 0.7 - 0.15: before entries go whose place another takes, that one is read back; and because a network lives by a full
 * reload alone, which one bad key anywhere refuses as a whole (seen on 0.15.5), it is asked whether that would be taken. */
#include <stdio.h>
#include <string.h>

#include "client/dialect_hold.h"
#include "client/dialect_settings.h"
#include "core/mem.h"

#define KEYS_MAX 200 /* looked up by name; more of them in the list as a whole */

enum { HOLD_READ, HOLD_ASK };

bool settings_hold_encode(const struct batch *b, struct request *req)
{
	const char *sep = "keys?keys=";
	size_t n = 0;

	req->max_body = 256u << 20;
	if (b->cur.pos == HOLD_ASK)
		return buf_adds(&req->path, "/api/reload?dry-run=true");
	for (size_t k = hold_next(b, 0); k != SIZE_MAX; k = hold_next(b, k + 1))
		n++;
	if (n > KEYS_MAX)
		return buf_adds(&req->path, "/api/settings/list?prefix=server.blocked-ip");
	buf_adds(&req->path, "/api/settings/");
	for (size_t k = hold_next(b, 0); k != SIZE_MAX; k = hold_next(b, k + 1), sep = ",") {
		const char *target = b->change->edits[k].target;

		buf_addf(&req->path, "%s" SETTINGS_BLOCKED, sep);
		path_escape(&req->path, target, strlen(target));
	}
	return true;
}

static bool needs_full_reload(const struct batch *b)
{
	for (size_t k = hold_next(b, 0); k != SIZE_MAX; k = hold_next(b, k + 1))
		if (!net_is_address(&b->change->edits[k].net))
			return true;
	return false;
}

static enum decode judge_check(struct batch *b, const struct response *res)
{
	struct config_check *check = xcalloc(1, sizeof(*check));
	struct err err = ERR_INIT;
	char words[320];
	enum decode got;

	if (!settings_check_decode(res, check, &err)) {
		snprintf(words, sizeof(words),
			"whether the reload would be taken that puts a network in its place can't be told (%.120s)",
			err.msg);
		got = hold_refuse_words(b, err.code, words);
	} else if (check->error_count > 0) {
		snprintf(words, sizeof(words),
			"the reload would be refused that puts a network in its place: %.100s: %.120s",
			check->errors[0].key, check->errors[0].text);
		got = hold_refuse_words(b, ERR_SERVER, words);
	} else {
		got = hold_let_go(b);
	}
	config_check_free(check);
	return got;
}

bool settings_write_next(const struct server *srv, struct batch *b, const struct entrylist *blocked)
{
	if (hold_is_open(b) && b->cur.pos == HOLD_READ && needs_full_reload(b)) {
		b->cur.pos = HOLD_ASK;
		return true;
	}
	return hold_write_next(srv, b, blocked);
}

enum decode settings_hold_decode(struct batch *b, const struct response *res)
{
	enum decode got;

	if (b->cur.pos == HOLD_ASK)
		return judge_check(b, res);
	got = hold_check_pairs(b, res, SETTINGS_BLOCKED);
	if (got != DECODE_MORE || !needs_full_reload(b))
		return got;
	b->cur.total = 0; /* not yet */
	b->cur.pos = HOLD_ASK;
	return DECODE_MORE;
}
