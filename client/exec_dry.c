/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A change as the requests it would make, nothing sent: the dialect encodes into the air. What only an answer can tell (an object's id)
 * stands as <…>. */
#include <stdlib.h>
#include <string.h>

#include "client/exec_private.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"

#define KEY_BEGIN "PRIVATE KEY-----"
#define KEY_END "-----END"

/* The base64 between the first and the last line of a PEM key. */
static void mask_keys(char *s)
{
	char *end;

	while ((s = strstr(s, KEY_BEGIN))) {
		s += strlen(KEY_BEGIN);
		end = strstr(s, KEY_END);
		for (; *s && s != end; s++) {
			if (*s == '\\' && s[1])
				s++; /* a line end in JSON */
			else if (*s != '\n')
				*s = '*';
		}
		if (end)
			s = end + strcspn(end + strlen(KEY_END), "-") + strlen(KEY_END); /* past the words of the last line */
	}
}

static void put_masked(struct buf *out, struct buf *text)
{
	if (!text->len)
		return;
	mask_keys(text->data);
	text_mask_secrets(text->data, text->len);
	text_safe(out, text->data, text->len, TEXT_MULTI);
}

static void put_request(struct buf *out, struct request *req)
{
	buf_addf(out, "%s ", http_method_text(req->method));
	put_masked(out, &req->path);
	buf_addc(out, '\n');
	if (req->body.len) {
		put_masked(out, &req->body);
		buf_addc(out, '\n');
	}
}

typedef bool (*encode_fn)(struct exec *x, struct request *req, struct err *err);

/* All batches of a phase; edits that the phase leaves out were marked to be skipped. */
static bool put_batches(struct exec *x, enum exec_phase phase, encode_fn encode, struct buf *out, struct err *err)
{
	bool ok = true;

	x->phase = phase;
	for (x->next = 0; ok && x->next < x->work.count;) {
		struct request req;

		request_init(&req);
		ok = encode(x, &req, err);
		if (ok)
			put_request(out, &req);
		request_release(&req);
		exec_batch_end(x);
	}
	return ok;
}

static bool put_one(struct exec *x, enum exec_phase phase, encode_fn encode, struct buf *out, struct err *err)
{
	struct request req;
	bool ok;

	x->phase = phase;
	request_init(&req);
	ok = encode(x, &req, err);
	if (ok)
		put_request(out, &req);
	request_release(&req);
	exec_cursor_release(x, &x->cur);
	return ok;
}

/* Some servers want one request per class, others one for all: what comes out the same is said once. */
static bool put_resets(struct exec *x, struct buf *out, struct err *err)
{
	unsigned classes = x->reset_classes;
	struct buf last = BUF_INIT, one = BUF_INIT;
	bool ok = true;

	for (int c = 0; ok && c < CLASS_COUNT; c++) {
		x->reset_classes = classes & 1u << c;
		if (!x->reset_classes)
			continue;
		buf_reset(&one);
		ok = put_one(x, EXEC_RESET, exec_reset_encode, &one, err);
		if (ok && strcmp(buf_str(&one), buf_str(&last)) != 0)
			buf_add(out, buf_str(&one), one.len);
		buf_reset(&last);
		buf_add(&last, buf_str(&one), one.len);
	}
	x->reset_classes = classes;
	buf_release(&last);
	buf_release(&one);
	return ok;
}

static bool removes(enum edit_kind k)
{
	return k == EDIT_UNBLOCK || k == EDIT_DISALLOW || k == EDIT_EXPIRY || k == EDIT_PATH_REMOVE;
}

/* Scan paths are stored under numbers. With nothing stored the built-in ones rule and all are written; "=" is the settings dialect's word
 * for that, "+NNNN" for the next free number. */
static char *assume_path(const struct edit *e, const struct thresholds *now)
{
	if (now && !now->paths_stored)
		return xstrdup("=");
	return e->kind == EDIT_PATH_REMOVE ? xasprintf("<id of %s>", e->target) : xasprintf("+%04zu", now ? now->path_count : 0);
}

/* As if every read had found what makes the edit necessary. */
static void assume(struct exec *x, const struct thresholds *now)
{
	for (size_t i = 0; i < x->work.count; i++) {
		const struct edit *e = &x->work.edits[i];

		x->skip[i] = false;
		x->ids[i] = edit_is_path(e->kind) ? assume_path(e, now) : removes(e->kind) ? xasprintf("<id of %s>", e->target) : NULL;
		x->before[i] = removes(e->kind) ? "" : NULL;
		x->reload_bits |= exec_reloads(x, e);
	}
	if (x->work.count)
		x->reset_classes |= x->change->reset_classes;
}

static void put_impossible(struct exec *x, struct buf *out)
{
	for (size_t i = 0; i < x->change->count; i++) {
		struct err why = ERR_INIT;
		const struct edit *e = &x->change->edits[i];

		if (x->map[i] != MAP_IMPOSSIBLE)
			continue;
		exec_edit_is_possible(x, e, &why);
		buf_addf(out, "# not sent: %s ", edit_name(e->kind));
		text_safe(out, e->target, strlen(e->target), TEXT_LINE);
		buf_addf(out, ": %s\n", why.msg);
	}
}

static bool put_all(struct exec *x, struct buf *out, struct err *err)
{
	bool ok = true;

	put_impossible(x, out);
	if (x->work.count) {
		buf_adds(out, "# read what is stored now\n");
		ok = put_batches(x, EXEC_BEFORE, exec_read_encode, out, err);
		buf_adds(out, "# write, unless it is so already or somebody else changed it (<…> comes from the answers above)\n");
		ok = ok && put_batches(x, EXEC_WRITE, exec_write_encode, out, err);
		buf_adds(out, "# read back\n");
		ok = ok && put_batches(x, EXEC_READ_BACK, exec_read_encode, out, err);
	}
	if (x->reload_bits)
		buf_adds(out, "# make it live\n");
	for (x->reload_kind = 0; ok && x->reload_kind < RELOAD_KIND_COUNT; x->reload_kind++)
		if (x->reload_bits & 1u << x->reload_kind)
			ok = put_one(x, EXEC_RELOAD, exec_reload_encode, out, err);
	if (!ok || !x->reset_classes)
		return ok;
	buf_adds(out, "# reset failure counters\n");
	return put_resets(x, out, err);
}

bool session_dry_run(struct session *s, const struct change *c, const struct thresholds *now, struct buf *out, struct err *err)
{
	struct exec x = { .session = s, .change = NULL };
	struct change copy = *c;
	bool ok;

	if (!s->dialect)
		return err_set(err, ERR_NETWORK, "the server's dialect is not known yet");
	copy.edits = xcalloc(c->count ? c->count : 1, sizeof(*copy.edits));
	if (c->count)
		memcpy(copy.edits, c->edits, c->count * sizeof(*copy.edits));
	for (size_t i = 0; i < copy.count; i++)
		if (copy.edits[i].created == TIME_NONE)
			copy.edits[i].created = clock_now();
	x.change = &copy;
	exec_begin(&x);
	assume(&x, now);
	ok = put_all(&x, out, err);
	exec_work_release(&x);
	for (size_t i = 0; i < x.word_count; i++)
		free(x.words[i]);
	free(x.words);
	free(copy.edits);
	return ok;
}
