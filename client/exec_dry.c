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

/* NULL = there is none. */
static char *masked(struct buf *text)
{
	struct buf out = BUF_INIT;

	if (!text->len)
		return NULL;
	mask_keys(text->data);
	text_mask_secrets(text->data, text->len);
	text_safe(&out, text->data, text->len, TEXT_MULTI);
	return buf_take(&out, NULL);
}

static struct dry_request *add(struct dry_run *out, const char *step)
{
	xgrow(&out->requests, &out->cap, out->count + 1, sizeof(*out->requests));
	out->requests[out->count] = (struct dry_request){ .step = step };
	return &out->requests[out->count++];
}

static const char *step_of(enum exec_phase phase)
{
	return phase == EXEC_BEFORE ? "read" : phase == EXEC_WRITE ? "write" : phase == EXEC_READ_BACK ? "read_back" : phase == EXEC_RELOAD ? "reload" : "reset";
}

static void put_request(struct dry_run *out, enum exec_phase phase, struct request *req)
{
	struct dry_request *r = add(out, step_of(phase));

	r->method = http_method_text(req->method);
	r->path = masked(&req->path);
	r->body = masked(&req->body);
}

typedef bool (*encode_fn)(struct exec *x, struct request *req, struct err *err);

static bool put_encoded(struct exec *x, encode_fn encode, struct dry_run *out, struct err *err)
{
	struct request req;
	bool ok;

	request_init(&req);
	ok = encode(x, &req, err);
	if (ok)
		put_request(out, x->phase, &req);
	request_release(&req);
	return ok;
}

static bool goes_on(struct exec *x, const struct entrylist *blocked)
{
	return x->phase == EXEC_WRITE && x->dialect->write_next && x->dialect->write_next(&x->server, &x->batch, blocked);
}

/* All batches of a phase; edits that the phase leaves out were marked to be skipped. */
static bool put_batches(
	struct exec *x, enum exec_phase phase, encode_fn encode, const struct dry_known *known, struct dry_run *out, struct err *err)
{
	bool ok = true;

	x->phase = phase;
	for (x->next = 0; ok && x->next < x->work.count;) {
		do
			ok = put_encoded(x, encode, out, err);
		while (ok && goes_on(x, known->blocked));
		exec_batch_end(x);
	}
	return ok;
}

static bool put_one(struct exec *x, enum exec_phase phase, encode_fn encode, struct dry_run *out, struct err *err)
{
	bool ok;

	x->phase = phase;
	ok = put_encoded(x, encode, out, err);
	exec_cursor_release(x, &x->cur);
	return ok;
}

static bool is_same(const struct dry_request *a, const struct dry_request *b)
{
	return a->method == b->method && !strcmp(a->step, b->step) && !strcmp(a->path, b->path) && !strcmp(a->body ? a->body : "", b->body ? b->body : "");
}

static void drop(struct dry_request *r)
{
	free(r->path);
	free(r->body);
	free(r->detail);
}

/* Some servers want one request per class, others one for all: what comes out the same is said once. */
static bool put_resets(struct exec *x, struct dry_run *out, struct err *err)
{
	unsigned classes = x->reset_classes;
	size_t first = out->count;
	bool ok = true;

	for (int c = 0; ok && c < CLASS_COUNT; c++) {
		x->reset_classes = classes & 1u << c;
		if (!x->reset_classes)
			continue;
		ok = put_one(x, EXEC_RESET, exec_reset_encode, out, err);
		if (ok && out->count > first + 1 && is_same(&out->requests[out->count - 1], &out->requests[out->count - 2]))
			drop(&out->requests[--out->count]);
	}
	x->reset_classes = classes;
	return ok;
}

static bool removes(enum edit_kind k)
{
	return k == EDIT_UNBLOCK || k == EDIT_DISALLOW || edit_is_expiry(k) || k == EDIT_PATH_REMOVE;
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

unsigned edit_needs(enum edit_kind k)
{
	return exec_edit_caps(k);
}

static void put_impossible(struct exec *x, struct dry_run *out)
{
	for (size_t i = 0; i < x->change->count; i++) {
		struct err why = ERR_INIT;
		const struct edit *e = &x->change->edits[i];
		struct buf text = BUF_INIT;

		if (x->map[i] != MAP_IMPOSSIBLE)
			continue;
		exec_edit_is_possible(x, e, &why);
		buf_addf(&text, "%s ", edit_name(e->kind));
		text_safe(&text, e->target, strlen(e->target), TEXT_LINE);
		buf_addf(&text, ": %s", why.msg);
		add(out, "not_sent")->detail = buf_take(&text, NULL);
		if (out->left_out++ == 0)
			out->why = why;
	}
}

static bool put_all(struct exec *x, const struct dry_known *known, struct dry_run *out, struct err *err)
{
	bool ok = true;

	put_impossible(x, out);
	if (x->work.count)
		ok = put_batches(x, EXEC_BEFORE, exec_read_encode, known, out, err) && put_batches(x, EXEC_WRITE, exec_write_encode, known, out, err) &&
			put_batches(x, EXEC_READ_BACK, exec_read_encode, known, out, err);
	for (x->reload_kind = 0; ok && x->reload_kind < RELOAD_KIND_COUNT; x->reload_kind++)
		if (x->reload_bits & 1u << x->reload_kind)
			ok = put_one(x, EXEC_RELOAD, exec_reload_encode, out, err);
	return ok && (!x->reset_classes || put_resets(x, out, err));
}

static const char *heading(const char *step)
{
	static const char *const of[][2] = {
		{ "read", "# read what is stored now\n" },
		{ "write", "# write, unless it is so already or somebody else changed it (what stands in <> comes from the answers above)\n" },
		{ "read_back", "# read back\n" },
		{ "reload", "# make it live\n" },
		{ "reset", "# reset failure counters\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(of); i++)
		if (!strcmp(of[i][0], step))
			return of[i][1];
	return "";
}

void dry_run_text(const struct dry_run *d, struct buf *out)
{
	const char *last = "";

	for (size_t i = 0; i < d->count; i++) {
		const struct dry_request *r = &d->requests[i];

		if (strcmp(last, r->step) != 0)
			buf_adds(out, heading(r->step));
		last = r->step;
		if (r->detail)
			buf_addf(out, "# not sent: %s\n", r->detail);
		if (r->method)
			buf_addf(out, "%s %s\n", r->method, r->path);
		if (r->body)
			buf_addf(out, "%s\n", r->body);
	}
}

void dry_run_release(struct dry_run *d)
{
	for (size_t i = 0; i < d->count; i++)
		drop(&d->requests[i]);
	free(d->requests);
	*d = (struct dry_run){ .requests = NULL };
}

bool session_dry_run(struct session *s, const struct change *c, const struct dry_known *known, struct dry_run *out, struct err *err)
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
	assume(&x, known->thresholds);
	ok = put_all(&x, known, out, err);
	exec_work_release(&x);
	for (size_t i = 0; i < x.word_count; i++)
		free(x.words[i]);
	free(x.words);
	free(copy.edits);
	return ok;
}
