/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A dialect and its server for the tests of sessions and changes: keys with values, a live copy that only a reload moves, faults at chosen
 * requests. It stands in for the real table of dialects. Two dialects speak it under different paths, so that a server can be upgraded. */
#ifndef TESTS_FAKE_DIALECT_H
#define TESTS_FAKE_DIALECT_H

#include <jansson.h>

#include "client/client.h"
#include "client/dialect.h"
#include "tests/unit/tiny_server.h"

#define HANG_MS 30000

/* ---- the server ---- */

enum fault_kind {
	FAULT_NONE,
	FAULT_CUT_BEFORE, /* closed before it did anything */
	FAULT_CUT_AFTER,  /* done, but no answer */
	FAULT_STATUS,     /* refused with `status` */
	FAULT_STATUS_DONE, /* refused with `status`, yet done */
	FAULT_STALL,
};

struct fake_server {
	struct tiny tiny;
	const char *root;         /* "/a" or "/b": which dialect it speaks */
	json_t *store, *live;
	json_t *reload_errors[RELOAD_KIND_COUNT]; /* listed by a reload of that kind */
	bool full_reload_refused;
	unsigned resets;
	struct fault {
		enum fault_kind kind;
		const char *path; /* part of it */
		unsigned skip;    /* requests that pass first */
		int status;
		const char *body;
		unsigned more;    /* times it strikes again */
	} fault;
	char log[64][64];         /* "POST /a/write" */
	unsigned log_len;
	const char *list_text;    /* instead of the list */
	json_t *lines;            /* the log, oldest first; NULL = nothing is logged */
	unsigned lines_per_page;  /* lines written before every answer with lines: pages shift */
	unsigned lines_written;
	char *(*on_log)(struct fake_server *s, const char *path); /* the answer, instead of what `lines` would give; malloc'd */
	void (*on_write)(struct fake_server *s); /* somebody else is at work */
};

static struct fake_server *fake_of(struct tiny *t)
{
	return container_of(t, struct fake_server, tiny);
}

static void fake_write(struct fake_server *s, json_t *doc)
{
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach (json_object_get(doc, "set"), key, value)
		json_object_set(s->store, key, value);
	json_array_foreach (json_object_get(doc, "del"), i, value)
		json_object_del(s->store, json_string_value(value));
}

static void fake_reload(struct fake_server *s, int kind)
{
	if (kind == RELOAD_SETTINGS && s->full_reload_refused)
		return;
	json_decref(s->live);
	s->live = json_deep_copy(s->store);
}

static json_t *fake_read(struct fake_server *s, json_t *keys)
{
	json_t *out = json_object(), *key;
	size_t i;

	json_array_foreach (keys, i, key)
		if (json_object_get(s->store, json_string_value(key)))
			json_object_set(out, json_string_value(key), json_object_get(s->store, json_string_value(key)));
	return out;
}

/* Ten lines a second, each of its own; every seventh is written twice, as a server does with bans. */
static inline void fake_log(struct fake_server *s, unsigned n)
{
	char line[160];

	for (; n > 0; n--) {
		unsigned at = s->lines_written++, second = at / 10, unique = at % 7 || !at ? at : at - 1;

		snprintf(line, sizeof(line), "2026-11-%02uT%02u:%02u:%02uZ INFO Client connected (network.connect-start) listenerId = \"smtp\", n = %u",
			1 + second / 86400, second / 3600 % 24, second / 60 % 60, (unique == at ? second : unique / 10) % 60, unique);
		json_array_append_new(s->lines, json_string(line));
	}
}

static json_t *fake_log_page(struct fake_server *s, const char *path)
{
	size_t page = 1, limit = 1, n, i;
	json_t *items = json_array();

	if (!s->lines)
		return json_pack("{s:o,s:s}", "items", items, "notice", "no log is written");
	fake_log(s, s->lines_per_page);
	sscanf(path, "/log?page=%zu&limit=%zu", &page, &limit);
	n = json_array_size(s->lines);
	for (i = (page - 1) * limit; i < n && i < page * limit; i++)
		json_array_append(items, json_array_get(s->lines, n - 1 - i));
	return json_pack("{s:o}", "items", items);
}

/* What a request does and what it is answered. */
static char *fake_handle(struct fake_server *s, const char *path, json_t *doc)
{
	json_t *answer = json_object();
	char *text;
	int kind = 0;

	if (!strcmp(path, "/probe")) {
		json_object_set_new(answer, "fake", json_string(s->root));
	} else if (!strcmp(path, "/read")) {
		json_decref(answer);
		answer = fake_read(s, doc);
	} else if (!strcmp(path, "/list")) {
		json_object_set(answer, "items", s->store);
	} else if (!strncmp(path, "/log?", 5)) {
		json_decref(answer);
		if (s->on_log)
			return s->on_log(s, path);
		answer = fake_log_page(s, path);
	} else if (!strcmp(path, "/write")) {
		if (s->on_write)
			s->on_write(s);
		fake_write(s, doc);
	} else if (sscanf(path, "/reload/%d", &kind) == 1) {
		fake_reload(s, kind);
		if (s->reload_errors[kind])
			json_object_set(answer, "errors", s->reload_errors[kind]);
	} else if (!strncmp(path, "/reset/", 7)) {
		s->resets++;
	}
	text = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	return text;
}

static bool fake_fault_meets(struct fake_server *s, const char *path)
{
	if (s->fault.kind == FAULT_NONE || !strstr(path, s->fault.path))
		return false;
	return s->fault.skip == 0 || s->fault.skip-- == 0;
}

static void fake_on_request(struct tiny *t, struct tiny_conn *c, const char *method, const char *path, const char *head, const char *body, size_t len)
{
	struct fake_server *s = fake_of(t);
	size_t root = strlen(s->root);
	struct fault f = { FAULT_NONE, "", 0, 0, NULL, 0 };
	json_t *doc;
	char *answer;

	(void)head;
	snprintf(s->log[s->log_len++ % 64], sizeof(s->log[0]), "%s %.50s", method, path);
	if (strncmp(path, s->root, root) != 0) {
		tiny_answer(c, 404, "application/problem+json", "", "{\"title\":\"Not Found\",\"status\":404}");
		return;
	}
	if (fake_fault_meets(s, path)) {
		f = s->fault;
		if (s->fault.more-- == 0)
			s->fault = (struct fault){ 0 };
	}
	if (f.kind == FAULT_CUT_BEFORE) {
		tiny_close(c);
		return;
	}
	if (f.kind == FAULT_STATUS) {
		tiny_answer(c, f.status, "application/problem+json", "", f.body ? f.body : "{\"title\":\"Refused\"}");
		return;
	}
	if (f.kind == FAULT_STALL)
		return;
	if (!strcmp(path + root, "/list") && s->list_text) {
		tiny_json(c, 200, s->list_text);
		return;
	}
	doc = len ? json_loadb(body, len, 0, NULL) : NULL;
	answer = fake_handle(s, path + root, doc);
	if (f.kind == FAULT_CUT_AFTER)
		tiny_close(c);
	else if (f.kind == FAULT_STATUS_DONE)
		tiny_answer(c, f.status, "application/problem+json", "", f.body ? f.body : "{\"title\":\"Refused\"}");
	else
		tiny_json(c, 200, answer);
	json_decref(doc);
	free(answer);
}

static inline void fake_start(struct fake_server *s, struct loop *loop)
{
	s->root = "/a";
	s->store = json_object();
	s->live = json_object();
	s->tiny.on_request = fake_on_request;
	tiny_start(&s->tiny, loop);
}

static inline void fake_stop(struct fake_server *s)
{
	tiny_stop(&s->tiny);
	json_decref(s->store);
	json_decref(s->live);
	json_decref(s->lines);
	for (int k = 0; k < RELOAD_KIND_COUNT; k++)
		json_decref(s->reload_errors[k]);
}

static inline const char *fake_stored(const struct fake_server *s, const char *key)
{
	return json_string_value(json_object_get(s->store, key));
}

static inline const char *fake_live(const struct fake_server *s, const char *key)
{
	return json_string_value(json_object_get(s->live, key));
}

/* ---- the dialect ---- */

static size_t fake_batch = 3;      /* edits in one request */
static unsigned fake_written;      /* batches of writes that were made */
static unsigned fake_refines = 1;  /* further requests of the detection */
static const char *fake_caveat;

static const char *fake_root(const struct server *srv)
{
	return srv->shape == 'b' ? "/b" : "/a";
}

static bool probe_a(struct request *req)
{
	return buf_adds(&req->path, "/a/probe");
}

static bool probe_b(struct request *req)
{
	return buf_adds(&req->path, "/b/probe");
}

static int probe_as(const struct response *res, struct server *srv, char shape)
{
	json_t *doc = res->status == 200 ? json_loadb(res->body, res->len, 0, NULL) : NULL;
	const char *fake = json_string_value(json_object_get(doc, "fake"));
	int score = fake && fake[1] == shape ? 10 : 0;

	if (score) {
		srv->shape = shape;
		for (int i = 0; i < CAP_BIT_COUNT; i++)
			srv->info.caps[i] = CAP_UNTESTED;
		srv->info.caps[CAP_BIT_RENEW_CERT] = CAP_NO_GENERATION;
		snprintf(srv->info.versions, sizeof(srv->info.versions), "%c", shape);
		srv->info.generation = GEN_REST;
	}
	json_decref(doc);
	return score;
}

static int probe_decode_a(const struct response *res, struct server *srv)
{
	return probe_as(res, srv, 'a');
}

static int probe_decode_b(const struct response *res, struct server *srv)
{
	return probe_as(res, srv, 'b');
}

static bool fake_refine_encode(const struct server *srv, struct cursor *cur, bool permissions, struct request *req)
{
	(void)permissions;
	if (cur->round >= fake_refines)
		return false;
	return buf_addf(&req->path, "%s/refine", fake_root(srv));
}

static enum decode fake_refine_decode(struct server *srv, struct cursor *cur, bool permissions, const struct response *res, struct err *err)
{
	if (res->status >= 500)
		return response_check(res, err) ? DECODE_DONE : DECODE_FAIL;
	if (permissions)
		srv->info.caps[CAP_BIT_READ_LOG] = CAP_YES;
	return cur->round + 1 < fake_refines ? DECODE_MORE : DECODE_DONE;
}

static bool fake_fetch_encode(const struct server *srv, struct fetch_job *job, struct request *req, struct err *err)
{
	(void)err;
	req->stream = job->fetch->kind == FETCH_LIST;
	if (job->fetch->kind == FETCH_LOG)
		return buf_addf(&req->path, "%s/log?page=%s&limit=%zu", fake_root(srv), *job->fetch->cursor ? job->fetch->cursor : "1",
			job->fetch->limit);
	return buf_addf(&req->path, "%s/list", fake_root(srv));
}

static void fake_fetch_item(const struct server *srv, struct fetch_job *job, const struct json_path *path, const struct json_item *item)
{
	(void)srv;
	if (path->depth == 2 && item->type == JSON_ITEM_STRING)
		entrylist_add(job->reply->list, path->level[1].key, path->level[1].key_len, item->s, item->len, NULL, REASON_NONE, ORIGIN_UNKNOWN,
			TIME_NONE, TIME_NONE);
}

static void fake_fetch_log(struct fetch_job *job, const struct response *res)
{
	json_t *doc = json_loadb(res->body, res->len, 0, NULL), *items = json_object_get(doc, "items"), *item, *notice = json_object_get(doc, "notice");
	struct log_page *page = job->reply->log = xcalloc(1, sizeof(*page));
	size_t i;

	page->line = xcalloc(json_array_size(items) + 1, sizeof(*page->line));
	json_array_foreach (items, i, item) {
		page->line[page->count++] = page->text.len;
		buf_add(&page->text, json_string_value(item), json_string_length(item) + 1);
	}
	if (json_object_get(doc, "next")) {
		snprintf(page->next, sizeof(page->next), "%s", json_string_value(json_object_get(doc, "next")));
		page->overlap = (size_t)json_integer_value(json_object_get(doc, "overlap"));
	} else if (page->count == job->fetch->limit) {
		snprintf(page->next, sizeof(page->next), "%d", atoi(*job->fetch->cursor ? job->fetch->cursor : "1") + 1);
	}
	if (notice)
		snprintf(page->notice, sizeof(page->notice), "%s", json_string_value(notice));
	json_decref(doc);
}

static enum decode fake_fetch_decode(const struct server *srv, struct fetch_job *job, const struct response *res, struct err *err)
{
	(void)srv;
	if (!response_check(res, err))
		return DECODE_FAIL;
	if (job->fetch->kind == FETCH_LOG) {
		if (memmem(res->body, res->len, "\"error\":", 8))
			return err_set(err, ERR_IO, "a line is no UTF-8"), DECODE_FAIL;
		fake_fetch_log(job, res);
		return DECODE_DONE;
	}
	if (!res->stream_ok)
		return err_set(err, ERR_PROTOCOL, "cut short"), DECODE_FAIL;
	return DECODE_DONE;
}

static bool fake_wanted(const struct server *srv, const struct edit *e, const char *before, struct buf *out)
{
	char rate[64];

	(void)srv;
	if (e->kind == EDIT_BLOCK || e->kind == EDIT_ALLOW)
		return buf_adds(out, before ? before : e->note ? e->note : "x"), true;
	if (e->kind == EDIT_THRESHOLD)
		return buf_adds(out, rate_format(e->value, rate, sizeof(rate))), true;
	if (e->kind == EDIT_EXPIRY)
		return buf_adds(out, "expires"), true;
	return false;
}

static size_t fake_count(const struct batch *b)
{
	size_t left = b->change->count - b->first;

	return left < fake_batch ? left : fake_batch;
}

static bool fake_put_json(struct request *req, json_t *doc)
{
	char *text = json_dumps(doc, JSON_COMPACT);

	req->method = HTTP_POST;
	buf_adds(&req->body, text);
	free(text);
	json_decref(doc);
	return true;
}

static bool fake_read_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err)
{
	json_t *keys = json_array();

	(void)err;
	b->count = fake_count(b);
	for (size_t i = 0; i < b->count; i++)
		json_array_append_new(keys, json_string(b->change->edits[b->first + i].target));
	buf_addf(&req->path, "%s/read", fake_root(srv));
	return fake_put_json(req, keys);
}

static enum decode fake_read_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err)
{
	json_t *doc;

	(void)srv;
	if (!response_check(res, err))
		return DECODE_FAIL;
	doc = json_loadb(res->body, res->len, 0, NULL);
	for (size_t i = 0; i < b->count; i++) {
		const char *target = b->change->edits[b->first + i].target, *v = json_string_value(json_object_get(doc, target));

		b->result[i].ok = true;
		b->result[i].value = v ? xstrdup(v) : NULL;
		b->result[i].id = xasprintf("id-%s", target);
	}
	json_decref(doc);
	return DECODE_DONE;
}

static bool fake_write_encode(const struct server *srv, struct batch *b, struct request *req, struct err *err)
{
	json_t *set = json_object(), *del = json_array();
	struct buf value = BUF_INIT;

	(void)err;
	fake_written++;
	b->count = fake_count(b);
	for (size_t i = b->first; i < b->first + b->count; i++) {
		const struct edit *e = &b->change->edits[i];

		if (b->skip[i])
			continue;
		buf_reset(&value);
		if (fake_wanted(srv, e, b->before[i], &value))
			json_object_set_new(set, e->target, json_string(buf_str(&value)));
		else
			json_array_append_new(del, json_string(e->target));
		req->secret = req->secret || e->kind == EDIT_CERT_UPLOAD;
		if (e->key_pem)
			json_object_set_new(set, "key", json_string(e->key_pem));
	}
	buf_release(&value);
	buf_addf(&req->path, "%s/write", fake_root(srv));
	return fake_put_json(req, json_pack("{s:o,s:o}", "set", set, "del", del));
}

static enum decode fake_write_decode(const struct server *srv, struct batch *b, const struct response *res, struct err *err)
{
	(void)srv;
	if (!response_check(res, err))
		return DECODE_FAIL;
	for (size_t i = 0; i < b->count; i++)
		b->result[i].ok = true;
	return DECODE_DONE;
}

/* Addresses need the small reload, everything else the full one. */
static unsigned fake_reloads(const struct server *srv, const struct edit *e)
{
	(void)srv;
	if (e->kind == EDIT_EXPIRY || e->kind == EDIT_RESET_COUNTERS)
		return 0;
	if ((e->kind == EDIT_BLOCK || e->kind == EDIT_UNBLOCK) && net_is_address(&e->net))
		return 1u << RELOAD_BLOCKED;
	return 1u << RELOAD_SETTINGS;
}

static const char *fake_caveat_of(const struct server *srv, const struct edit *e)
{
	(void)srv, (void)e;
	return fake_caveat;
}

static bool fake_reload_encode(const struct server *srv, enum reload_kind kind, struct cursor *cur, struct request *req, struct err *err)
{
	(void)cur, (void)err;
	return buf_addf(&req->path, "%s/reload/%d", fake_root(srv), kind);
}

static enum decode fake_reload_decode(const struct server *srv, enum reload_kind kind, struct cursor *cur, const struct response *res,
	struct reload_result *out, struct err *err)
{
	json_t *doc, *errors, *text;
	const char *key;

	(void)srv, (void)cur;
	if (!response_check(res, err))
		return DECODE_FAIL;
	doc = json_loadb(res->body, res->len, 0, NULL);
	errors = json_object_get(doc, "errors");
	out->errors = xcalloc(json_object_size(errors) + 1, sizeof(*out->errors));
	json_object_foreach (errors, key, text)
		out->errors[out->error_count++] = (struct check_problem){ xstrdup(key), xstrdup(json_string_value(text)) };
	out->good_ones_live = kind == RELOAD_BLOCKED && out->error_count > 0;
	out->ok = out->error_count == 0;
	out->why = out->ok ? ERR_NONE : ERR_SERVER;
	json_decref(doc);
	return DECODE_DONE;
}

static bool fake_reset_encode(const struct server *srv, unsigned classes, struct cursor *cur, struct request *req, struct err *err)
{
	(void)cur, (void)err;
	return buf_addf(&req->path, "%s/reset/%u", fake_root(srv), classes);
}

static enum decode fake_reset_decode(const struct server *srv, unsigned classes, struct cursor *cur, const struct response *res, struct err *err)
{
	(void)srv, (void)classes, (void)cur;
	return response_check(res, err) ? DECODE_DONE : DECODE_FAIL;
}

#define FAKE_SLOTS                                                                                                       \
	.refine_encode = fake_refine_encode, .refine_decode = fake_refine_decode, .fetch_encode = fake_fetch_encode,     \
	.fetch_item = fake_fetch_item, .fetch_decode = fake_fetch_decode, .wanted = fake_wanted,                         \
	.read_encode = fake_read_encode, .read_decode = fake_read_decode, .write_encode = fake_write_encode,             \
	.write_decode = fake_write_decode, .reloads = fake_reloads, .caveat = fake_caveat_of,                            \
	.reload_encode = fake_reload_encode, .reload_decode = fake_reload_decode, .reset_encode = fake_reset_encode,     \
	.reset_decode = fake_reset_decode

static const struct dialect_ops fake_a = { .name = "a", .probe_encode = probe_a, .probe_decode = probe_decode_a, FAKE_SLOTS };
static const struct dialect_ops fake_b = { .name = "b", .probe_encode = probe_b, .probe_decode = probe_decode_b, FAKE_SLOTS };

/* In place of client/dialects.c, which is then not linked. */
const struct dialect_ops *const dialects[] = { &fake_a, &fake_b, NULL };

const struct dialect_ops *dialect_by_name(const char *name)
{
	for (size_t i = 0; dialects[i]; i++)
		if (!strcmp(dialects[i]->name, name))
			return dialects[i];
	return NULL;
}

/* ---- a session with it ---- */

struct rig {
	struct loop *loop;
	struct fake_server server;
	struct profile profile;
	struct session *session;
	unsigned changes;       /* calls of the changed hook */
	/* of the change or fetch under way */
	bool done;
	bool recheck_reloads;
	struct change *result;
	struct err fetch_err;
	size_t fetch_count;
	unsigned progress;
	size_t stop_at;         /* progress call at which to stop; 0 = never */
};

static void rig_changed(void *arg)
{
	((struct rig *)arg)->changes++;
}

static inline void rig_open(struct rig *r)
{
	struct session_hooks hooks = { .arg = r, .changed = rig_changed };

	r->session = session_new(r->loop, &r->profile, &hooks);
	if (!session_set_secret(r->session, NULL, "secret", false, NULL))
		die("secret refused");
}

static inline void rig_init(struct rig *r)
{
	*r = (struct rig){ 0 };
	fake_batch = 3;
	fake_written = 0;
	fake_refines = 1;
	fake_caveat = NULL;
	r->loop = loop_new();
	fake_start(&r->server, r->loop);
	profile_init(&r->profile);
	r->profile.url = xasprintf("http://127.0.0.1:%d", r->server.tiny.port);
	r->profile.user = xstrdup("admin");
	r->profile.timeout_ms = 5000;
	rig_open(r);
}

static inline void rig_release(struct rig *r)
{
	session_free(r->session);
	change_free(r->result);
	fake_stop(&r->server);
	profile_release(&r->profile);
	loop_free(r->loop);
}

/* Turns the loop until the session is in that state. */
static inline bool rig_reach(struct rig *r, enum session_state state)
{
	int64_t end = clock_mono() + HANG_MS;

	while (session_state(r->session) != state && clock_mono() < end)
		loop_turn(r->loop, 50);
	return session_state(r->session) == state;
}

static void rig_progress(void *arg, const struct change *c, const struct change_progress *p)
{
	struct rig *r = arg;

	if (p->done > p->total)
		die("progress beyond the end");
	if (++r->progress == r->stop_at)
		session_change_stop(r->session, (struct change *)(uintptr_t)c);
}

static void rig_change_done(void *arg, struct change *c)
{
	struct rig *r = arg;

	if (r->done)
		die("told twice");
	r->done = true;
	r->result = c;
}

static inline bool rig_wait(struct rig *r)
{
	return tiny_wait(r->loop, &r->done, HANG_MS);
}

static inline bool rig_run(struct rig *r, struct change *c)
{
	change_free(r->result);
	r->result = NULL;
	r->done = false;
	r->progress = 0;
	session_change(r->session, c, NULL, rig_progress, rig_change_done, r);
	return rig_wait(r);
}

static inline bool rig_recheck(struct rig *r)
{
	struct change *c = r->result;

	r->result = NULL;
	r->done = false;
	session_recheck(r->session, c, r->recheck_reloads, NULL, rig_change_done, r);
	return rig_wait(r);
}

static void rig_fetch_done(void *arg, struct fetch_reply *reply)
{
	struct rig *r = arg;

	if (r->done)
		die("told twice");
	r->done = true;
	r->fetch_err = reply->err;
	r->fetch_count = reply->list ? reply->list->count : 0;
}

static inline bool rig_fetch(struct rig *r, enum fetch_kind kind)
{
	struct fetch f = { .kind = kind, .list = LIST_BLOCKED };

	r->done = false;
	session_fetch(r->session, &f, NULL, rig_fetch_done, r);
	return rig_wait(r);
}

/* Requests whose "METHOD path" holds this part. */
static inline unsigned rig_asked(const struct rig *r, const char *part)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->server.log_len && i < 64; i++)
		n += strstr(r->server.log[i], part) != NULL;
	return n;
}

/* A test's own rig, connected. */
static inline int rig_set_up(void **state)
{
	struct rig *r = xmalloc(sizeof(*r));

	rig_init(r);
	session_connect(r->session);
	*state = r;
	return rig_reach(r, SESSION_READY) ? 0 : -1;
}

static inline int rig_tear_down(void **state)
{
	rig_release(*state);
	free(*state);
	return 0;
}

#endif
