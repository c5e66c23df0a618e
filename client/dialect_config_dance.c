/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `/admin/config` of 0.5.3 - 0.6: taking away an entry that no DELETE can name, for its key is cut at the '/' (seen on 0.6.0). It goes with the
 * narrowest prefix that ends with a dot; what else has that prefix is kept safe first, put back, and read back key by key with its value. Pure
 * but for the rescue hook that its caller gives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/dialect_config.h"
#include "client/dialect_hold.h"
#include "core/mem.h"

enum { DANCE_READ, DANCE_DELETE, DANCE_PUT_BACK, DANCE_CHECK };

struct dance {
	json_t *others;  /* [[key,value],…] that the prefix takes along */
	char prefix[256];
};

void config_dance_free(struct dance *d)
{
	if (d)
		json_decref(d->others);
	free(d);
}

static void set_prefix(const char *target, char *out, size_t size)
{
	size_t slash = strcspn(target, "/"), dot = slash;

	while (dot > 0 && target[dot - 1] != '.')
		dot--;
	snprintf(out, size, CONFIG_BLOCKED "%.*s", (int)(dot < 100 ? dot : 0), target);
	if (strlen(out) > strlen(CONFIG_BLOCKED) &&
		strspn(out + strlen(CONFIG_BLOCKED), "0123456789abcdefABCDEF.:") !=
			strlen(out) - strlen(CONFIG_BLOCKED))
		snprintf(out, size, CONFIG_BLOCKED);
}

/* As many as a body may hold, from cur.pos on. */
static void put_back(struct batch *b, const struct dance *d, struct request *req)
{
	json_t *part = json_array();

	for (size_t i = b->cur.pos; i < json_array_size(d->others) && json_array_size(part) < CONFIG_PAIRS_MAX; i++)
		json_array_append(part, json_array_get(d->others, i));
	config_post(req, part);
	json_decref(part);
}

bool config_dance_encode(struct batch *b, struct request *req)
{
	struct config_memo *m = config_memo(&b->cur);
	struct dance *d = m->dance;

	if (!d) {
		d = m->dance = xcalloc(1, sizeof(*d));
		set_prefix(b->change->edits[b->first].target, d->prefix, sizeof(d->prefix));
	}
	if (b->cur.phase == DANCE_PUT_BACK) {
		put_back(b, d, req);
		return true;
	}
	req->method = b->cur.phase == DANCE_DELETE ? HTTP_DELETE : HTTP_GET;
	req->max_body = 256u << 20;
	return buf_addf(&req->path, CONFIG_BASE "%s", d->prefix);
}

/* Everything under the prefix but the target, kept safe before anything is deleted. */
static enum decode take_others(struct batch *b, struct dance *d, json_t *pairs)
{
	char *key = xasprintf(CONFIG_BLOCKED "%s", b->change->edits[b->first].target), *text;
	struct err why = ERR_INIT;
	bool kept = true;
	json_t *pair;
	size_t i;

	json_decref(d->others);
	d->others = json_array();
	json_array_foreach (pairs, i, pair)
		if (json_is_string(json_array_get(pair, 0)) &&
			strcmp(json_string_value(json_array_get(pair, 0)), key) != 0)
			json_array_append(d->others, pair);
	free(key);
	if (json_array_size(d->others) > 0) {
		text = json_dumps(d->others, JSON_COMPACT);
		kept = text && b->hooks && b->hooks->rescue_save && b->hooks->rescue_save(b->hooks->arg, text, &why);
		free(text);
	}
	if (!kept)
		return config_refuse(b, ERR_IO, why.msg[0] ? why.msg : "other entries would be deleted along, and there is nowhere to keep them");
	b->cur.phase = DANCE_DELETE;
	return DECODE_MORE;
}

/* Others that are not there, or not as they were. */
static size_t count_lost(const struct dance *d, json_t *pairs)
{
	json_t *now = json_object(), *pair;
	size_t lost = 0, i;

	json_array_foreach (pairs, i, pair)
		if (json_is_string(json_array_get(pair, 0)))
			json_object_set(now, json_string_value(json_array_get(pair, 0)), json_array_get(pair, 1));
	json_array_foreach (d->others, i, pair) {
		json_t *value = json_object_get(now, json_string_value(json_array_get(pair, 0)));

		lost += !value || !json_equal(value, json_array_get(pair, 1));
	}
	json_decref(now);
	return lost;
}

/* The others were deleted along and are not back. */
static enum decode refuse_lost(struct batch *b, enum err_code why, size_t lost, const char *cause)
{
	char text[400];

	snprintf(text, sizeof(text), "%zu other %s not put back%s%.200s; they are kept and put back at the next start",
		lost, lost == 1 ? "entry was" : "entries were", cause[0] ? ": " : "", cause);
	return config_refuse(b, why, text);
}

static enum decode check(struct batch *b, struct dance *d, json_t *pairs)
{
	size_t lost = count_lost(d, pairs);

	if (lost)
		return refuse_lost(b, ERR_SERVER, lost, "");
	if (json_array_size(d->others) > 0 && b->hooks && b->hooks->rescue_clear)
		b->hooks->rescue_clear(b->hooks->arg);
	b->result[0].ok = true;
	return DECODE_DONE;
}

/* What comes after a step that went well. */
static enum decode follow(struct batch *b, struct dance *d, json_t *pairs)
{
	if (b->cur.phase == DANCE_READ)
		return take_others(b, d, pairs);
	if (b->cur.phase == DANCE_CHECK)
		return check(b, d, pairs);
	if (b->cur.phase == DANCE_PUT_BACK)
		b->cur.pos += CONFIG_PAIRS_MAX;
	b->cur.phase = b->cur.pos < json_array_size(d->others) ? DANCE_PUT_BACK : DANCE_CHECK;
	return DECODE_MORE;
}

enum decode config_dance_decode(struct batch *b, const struct response *res, struct err *err)
{
	struct dance *d = ((struct config_memo *)b->cur.memo)->dance;
	struct err why = ERR_INIT;
	json_t *doc, *pairs = config_pairs(res, &doc, &why);
	enum decode next;

	if (pairs)
		next = follow(b, d, pairs);
	else if (b->cur.phase > DANCE_DELETE && json_array_size(d->others) > 0)
		next = refuse_lost(b, why.code, json_array_size(d->others), why.msg);
	else
		next = (err_set(err, why.code, "%s", why.msg), DECODE_FAIL);
	json_decref(doc);
	return next;
}

/* What the list says the prefix takes along; values are read when it is done. */
static void assume_others(struct dance *d, const char *target, const struct entrylist *blocked)
{
	const char *prefix = d->prefix + strlen(CONFIG_BLOCKED);

	d->others = json_array();
	for (size_t i = 0; blocked && i < blocked->count; i++) {
		const char *key = entry_key(blocked, i);
		char *name;

		if (strncmp(key, prefix, strlen(prefix)) != 0 || !strcmp(key, target))
			continue;
		name = xasprintf(CONFIG_BLOCKED "%s", key);
		json_array_append_new(d->others, json_pack("[s,s]", name, "<as it was>"));
		free(name);
	}
}

bool config_dance_next(const struct server *srv, struct batch *b, const struct entrylist *blocked)
{
	struct config_memo *m = b->cur.memo;
	struct dance *d = m ? m->dance : NULL;

	if (hold_is_open(b))
		return hold_write_next(srv, b, blocked);
	if (!d || b->cur.phase == DANCE_CHECK)
		return false;
	if (b->cur.phase == DANCE_READ) {
		assume_others(d, b->change->edits[b->first].target, blocked);
		b->cur.phase = DANCE_DELETE;
	} else {
		follow(b, d, NULL);
	}
	return true;
}
