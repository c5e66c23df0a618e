/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/dialect_jmap against what a server 0.16.18 was recorded to answer. Recorded calls carry ids and creation keys of their own: those
 * are put in place of ours (or ours in theirs) before anything is compared or decoded. */
#include "client/dialect_jmap.h"
#include "tests/unit/transcript.h"

static struct server jmap_server(void)
{
	return (struct server){ .info.generation = GEN_JMAP_0_16 };
}

static struct played answer_of(json_t *tape, const char *words, size_t n)
{
	return played_answer(tape_nth(tape, "POST /jmap", words, n));
}

static json_t *calls_of(json_t *doc)
{
	return json_object_get(doc, "methodCalls");
}

/* The calls of the request, by method and arguments, are the first `n` recorded ones; call ids may differ. */
static void assert_calls(const struct request *req, json_t *ex, size_t n)
{
	json_t *got = request_doc(req), *want = json_object_get(json_object_get(ex, "request"), "body");

	assert_string_equal(http_method_text(req->method), "POST");
	assert_string_equal(buf_str(&req->path), "/jmap");
	assert_json_equal(json_object_get(got, "using"), json_object_get(want, "using"));
	assert_int_equal(json_array_size(calls_of(got)), n);
	for (size_t i = 0; i < n; i++) {
		json_t *a = json_array_get(calls_of(got), i), *b = json_array_get(calls_of(want), i);

		assert_json_equal(json_array_get(a, 0), json_array_get(b, 0));
		assert_json_equal(json_array_get(a, 1), json_array_get(b, 1));
	}
	json_decref(got);
}

/* The recorded answer with the text `from` taken for `to`, as pairs up to NULL. */
static struct played answer_with(json_t *ex, ...)
{
	struct played p = played_answer(ex);
	const char *from, *to;
	va_list ap;

	va_start(ap, ex);
	while ((from = va_arg(ap, const char *)) != NULL) {
		struct buf out = BUF_INIT;
		char *s = p.body, *hit;

		to = va_arg(ap, const char *);
		for (; (hit = strstr(s, from)); s = hit + strlen(from)) {
			buf_add(&out, s, (size_t)(hit - s));
			buf_adds(&out, to);
		}
		buf_adds(&out, s);
		free(p.body);
		p.body = buf_take(&out, &p.res.len);
		p.res.body = p.body;
	}
	va_end(ap);
	return p;
}

/* ---- detection ---- */

static int probe(const struct response *res, struct server *srv)
{
	*srv = (struct server){ 0 };
	return dialect_jmap.probe_decode(res, srv);
}

static void probe_knows_its_own(void **state)
{
	json_t *tape = tape_open("jmap-0.16.18"), *rights = tape_open("jmap-permissions-0.16.18");
	struct request req;
	struct server srv;
	struct played p;

	(void)state;
	request_init(&req);
	assert_true(dialect_jmap.probe_encode(&req));
	assert_request(&req, tape_nth(tape, "POST /jmap", "thresholds", 0));
	request_release(&req);
	p = answer_of(tape, "thresholds", 0);
	assert_int_equal(probe(&p.res, &srv), 20);
	assert_int_equal(srv.info.generation, GEN_JMAP_0_16);
	assert_int_equal(srv.info.caps[CAP_BIT_READ_THRESHOLDS], CAP_YES);
	assert_int_equal(srv.info.caps[CAP_BIT_CHECK_CONFIG], CAP_NO_GENERATION);
	played_free(&p);
	/* forbidden proves the dialect, too */
	p = answer_of(rights, "may not see thresholds", 0);
	assert_int_equal(probe(&p.res, &srv), 20);
	assert_int_equal(srv.info.caps[CAP_BIT_READ_THRESHOLDS], CAP_NO_PERMISSION);
	played_free(&p);
	json_decref(tape);
	json_decref(rights);
}

static void probe_refuses_strangers(void **state)
{
	static const struct { const char *tape, *call, *words; } strangers[] = {
		{ "jmap-0.16.18", "POST /jmap", "unknown capability" },
		{ "jmap-0.16.18", "POST /jmap", "malformed" },
		{ "jmap-0.16.18", "POST /jmap", "unknown method" },
		{ "jmap-0.16.18", "POST /api", NULL },
		{ "jmap-0.16.18", "GET /jmap/session", NULL },
		{ "settings-0.15.5", "GET /jmap/session", NULL },
		{ "settings-0.15.5", "GET /api/nosuch", NULL },
		{ "config-0.6.0", "GET /api/settings/list?prefix=server", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
		json_t *tape = tape_open(strangers[i].tape);
		struct played p = played_answer(tape_find(tape, strangers[i].call, strangers[i].words));
		struct server srv;

		assert_int_equal(probe(&p.res, &srv), 0);
		played_free(&p);
		json_decref(tape);
	}
}

/* Of a recorded method-level refusal, one per call of the request; `granted`: methods that are answered instead. */
static struct server rights_of(bool read_only, const char *const *granted, size_t calls)
{
	json_t *tape = tape_open("jmap-permissions-0.16.18"), *refusal, *doc, *call, *answers = json_array(), *all;
	struct server srv = jmap_server();
	struct cursor cur = { 0 };
	struct err err = ERR_INIT;
	struct request req;
	struct played p;
	char *body;
	size_t i;

	refusal = json_array_get(json_object_get(json_object_get(json_object_get(tape_find(tape, "POST /jmap", "may not write"), "response"), "json"),
		"methodResponses"), 0);
	for (i = 0; i < CAP_BIT_COUNT; i++)
		srv.info.caps[i] = CAP_UNTESTED;
	srv.info.caps[CAP_BIT_CHECK_CONFIG] = CAP_NO_GENERATION;
	srv.read_only = read_only;
	request_init(&req);
	assert_true(dialect_jmap.refine_encode(&srv, &cur, true, &req));
	doc = request_doc(&req);
	assert_int_equal(json_array_size(calls_of(doc)), calls);
	json_array_foreach (calls_of(doc), i, call) {
		const char *method = json_string_value(json_array_get(call, 0)), *id = json_string_value(json_array_get(call, 2));
		bool is_granted = false;

		if (strstr(method, "/set")) /* changes nothing */
			assert_int_equal(json_object_size(json_array_get(call, 1)), 0);
		for (size_t k = 0; granted[k]; k++)
			is_granted = is_granted || !strcmp(granted[k], method);
		json_array_append_new(answers, is_granted ? json_pack("[s,{s:s},s]", method, "accountId", "d", id)
							  : json_pack("[s,O,s]", "error", json_array_get(refusal, 1), id));
	}
	all = json_pack("{s:o}", "methodResponses", answers);
	body = json_dumps(all, JSON_COMPACT);
	p = played_text(200, "application/json", body);
	assert_int_equal(dialect_jmap.refine_decode(&srv, &cur, true, &p.res, &err), DECODE_DONE);
	played_free(&p);
	free(body);
	json_decref(all);
	json_decref(doc);
	request_release(&req);
	json_decref(tape);
	return srv;
}

static void rights_are_known_without_a_change(void **state)
{
	static const char *const nobody[] = { NULL }, *const viewer[] = { "x:BlockedIp/query", "x:AllowedIp/query", "x:Certificate/query", "x:Log/query", NULL },
		*const blocker[] = { "x:BlockedIp/query", "x:BlockedIp/set", NULL }, *const tuner[] = { "x:Security/set", "x:Action/set", "x:Task/set", NULL };
	struct server srv;

	(void)state;
	srv = rights_of(false, nobody, 15);
	for (int i = 0; i < CAP_BIT_COUNT; i++)
		if (srv.info.caps[i] == CAP_YES)
			fail_msg("%s is granted to nobody", cap_name((enum cap_bit)i));
	assert_int_equal(srv.info.caps[CAP_BIT_WRITE_BLOCKED], CAP_NO_PERMISSION);
	assert_int_equal(srv.info.caps[CAP_BIT_RESET_COUNTERS], CAP_NO_PERMISSION);
	assert_int_equal(srv.info.caps[CAP_BIT_CHECK_CONFIG], CAP_NO_GENERATION);
	srv = rights_of(false, viewer, 15);
	assert_int_equal(srv.info.caps[CAP_BIT_READ_BLOCKED], CAP_YES);
	assert_int_equal(srv.info.caps[CAP_BIT_READ_LOG], CAP_YES);
	assert_int_equal(srv.info.caps[CAP_BIT_READ_TRUST], CAP_NO_PERMISSION);
	assert_int_equal(srv.info.caps[CAP_BIT_WRITE_BLOCKED], CAP_NO_PERMISSION);
	assert_int_equal(srv.info.caps[CAP_BIT_WRITE_THRESHOLDS], CAP_NO_PERMISSION);
	assert_int_equal(srv.info.caps[CAP_BIT_RELOAD], CAP_NO_PERMISSION);
	/* may store a block, but not make it live; whether create, update or destroy is granted is not told */
	srv = rights_of(false, blocker, 15);
	assert_int_equal(srv.info.caps[CAP_BIT_WRITE_BLOCKED], CAP_UNTESTED);
	assert_int_equal(srv.info.caps[CAP_BIT_WRITE_ALLOWED], CAP_NO_PERMISSION);
	assert_int_equal(srv.info.caps[CAP_BIT_RELOAD], CAP_NO_PERMISSION);
	srv = rights_of(false, tuner, 15);
	assert_int_equal(srv.info.caps[CAP_BIT_WRITE_THRESHOLDS], CAP_YES);
	assert_int_equal(srv.info.caps[CAP_BIT_RELOAD_CERTS], CAP_UNTESTED);
	assert_int_equal(srv.info.caps[CAP_BIT_RENEW_CERT], CAP_UNTESTED);
	/* read-only: not even an empty one */
	srv = rights_of(true, viewer, 9);
	assert_int_equal(srv.info.caps[CAP_BIT_WRITE_BLOCKED], CAP_UNTESTED);
}

/* ---- fetches ---- */

/* A page of the list request, as the recorded query and get answer it. */
static struct played list_answer(json_t *ex)
{
	return answer_with(ex, "\"c0\"", "\"q0\"", "\"c1\"", "\"g0\"", NULL);
}

static void the_list_asks_in_pages(void **state)
{
	struct server srv = jmap_server();
	struct fetching f;
	json_t *doc, *call;
	size_t i;

	(void)state;
	fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_LIST, .list = LIST_ALLOWED });
	assert_true(fetching_encode(&f));
	doc = request_doc(&f.req);
	assert_int_equal(json_array_size(calls_of(doc)), 16); /* the most that a request may hold (seen on 0.16.18) */
	json_array_foreach (calls_of(doc), i, call) {
		json_t *arguments = json_array_get(call, 1);

		assert_string_equal(json_string_value(json_array_get(call, 0)), i % 2 ? "x:AllowedIp/get" : "x:AllowedIp/query");
		if (i % 2 == 0) {
			assert_int_equal(json_integer_value(json_object_get(arguments, "position")), i / 2 * 500);
			assert_int_equal(json_integer_value(json_object_get(arguments, "limit")), 500);
			assert_true(json_is_true(json_object_get(arguments, "calculateTotal")));
		}
	}
	json_decref(doc);
	fetching_release(&f);
}

static void lists(void **state)
{
	json_t *tape = tape_open("jmap-0.16.18"), *logs = tape_open("jmap-logs-0.16.18");
	struct server srv = jmap_server();
	struct fetching f;
	const struct entrylist *l;
	int64_t t;

	(void)state;
	fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_LIST });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, list_answer(tape_find(tape, "POST /jmap", "query, then get by result reference"))), DECODE_DONE);
	l = f.reply.list;
	assert_int_equal(l->count, 4);
	assert_row(l, "203.0.113.43", "", REASON_AUTH);
	assert_row(l, "198.51.100.0/24", "", REASON_MANUAL);
	assert_row(l, "2001:db8::5", "", REASON_MANUAL); /* made without a reason */
	assert_string_equal(entry_key(l, 0), "203.0.113.43");
	assert_string_equal(entry_id(l, 0), "jpp1i1toafqa");
	assert_int_equal(l->rows[0].origin, ORIGIN_SERVER);
	assert_true(time_parse("2026-11-21T00:03:39Z", 0, &t));
	assert_int_equal(entry_created(&l->rows[0]), t);
	assert_true(time_parse("2020-01-01T00:00:00Z", 0, &t));
	assert_int_equal(entry_expires(&l->rows[0]), t);
	fetching_release(&f);

	/* a ban as the server writes it */
	fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_LIST });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, answer_with(tape_find(logs, "POST /jmap", "a ban as the server writes it"), "\"c0\"", "\"q0\"", "\"c1\"", "\"g0\"",
		"\"ids\":", "\"total\":1,\"ids\":", NULL)), DECODE_DONE);
	assert_row(f.reply.list, "127.0.0.25", "", REASON_AUTH);
	assert_int_equal(f.reply.list->rows[0].origin, ORIGIN_SERVER);
	fetching_release(&f);
	json_decref(tape);
	json_decref(logs);
}

static void a_list_that_changes_is_read_again(void **state)
{
	static const char one[] = "{\"methodResponses\":[[\"x:BlockedIp/query\",{\"total\":2,\"ids\":[\"a\"]},\"q0\"],"
				  "[\"x:BlockedIp/get\",{\"list\":[{\"address\":\"192.0.2.1\",\"id\":\"a\"}]},\"g0\"]]}";
	struct server srv = jmap_server();
	struct fetching f;
	unsigned rounds = 0;
	enum decode got;

	(void)state;
	fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_LIST });
	do {
		assert_true(fetching_encode(&f));
		got = fetching_decode(&f, played_text(200, "application/json", one)); /* one of two, again and again */
		assert_true(++rounds < 20);
	} while (got == DECODE_MORE);
	assert_int_equal(got, DECODE_FAIL);
	assert_int_equal(f.err.code, ERR_CONFLICT);
	fetching_release(&f);
}

static void a_list_that_is_none(void **state)
{
	static const struct { const char *body; enum err_code code; } bad[] = {
		{ "{\"methodResponses\":[[\"error\",{\"type\":\"forbidden\",\"description\":\"no\"},\"q0\"]]}", ERR_PERMISSION },
		{ "{\"methodResponses\":[[\"error\",{\"type\":\"serverFail\"},\"q0\"]]}", ERR_SERVER },
		{ "{\"methodResponses\":[[\"x:BlockedIp/query\",{\"total\":1", ERR_PROTOCOL },
		{ "<html></html>", ERR_PROTOCOL },
	};
	struct server srv = jmap_server();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct fetching f;

		fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_LIST });
		assert_true(fetching_encode(&f));
		assert_int_equal(fetching_decode(&f, played_text(200, "application/json", bad[i].body)), DECODE_FAIL);
		assert_int_equal(f.err.code, bad[i].code);
		fetching_release(&f);
	}
}

static void thresholds(void **state)
{
	json_t *tape = tape_open("jmap-0.16.18");
	struct server srv = jmap_server();
	struct thresholds *t;
	struct fetching f;

	(void)state;
	fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_THRESHOLDS });
	assert_int_equal(fetching_play(&f, tape_find(tape, "POST /jmap", "thresholds")), DECODE_DONE);
	t = f.reply.thresholds;
	assert_rate(&t->of[CLASS_AUTH], "100/1d", false);
	assert_rate(&t->of[CLASS_ABUSE], "35/1d", false);
	assert_rate(&t->of[CLASS_SCAN], "30/1d", false);
	assert_int_equal(t->path_count, 12);
	assert_false(t->paths_stored);
	fetching_release(&f);

	/* after the rate was set: its ban ends by itself */
	fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_THRESHOLDS });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, answer_with(tape_find(tape, "POST /jmap", "set one and re-fetch"), "\"c0\"", "\"s\"", "\"c1\"", "\"c0\"", NULL)),
		DECODE_DONE);
	t = f.reply.thresholds;
	assert_rate(&t->of[CLASS_AUTH], "200/1h", true);
	assert_int_equal(t->of[CLASS_AUTH].ban_period_ms, 86400000);
	assert_rate(&t->of[CLASS_LOITER], "150/1d", false);
	fetching_release(&f);

	/* switched off, and a path of one's own */
	fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_THRESHOLDS });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, answer_with(tape_find(tape, "POST /jmap", "switch one off"), "\"c0\"", "\"s\"", "\"c1\"", "\"c0\"", NULL)), DECODE_DONE);
	assert_false(f.reply.thresholds->of[CLASS_SCAN].enabled);
	fetching_release(&f);
	fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_THRESHOLDS });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, answer_with(tape_find(tape, "POST /jmap", "a patch of one scan path"), "\"c0\"", "\"s\"", "\"c1\"", "\"c0\"", NULL)),
		DECODE_DONE);
	assert_int_equal(f.reply.thresholds->path_count, 13);
	assert_true(f.reply.thresholds->paths_stored);
	fetching_release(&f);
	json_decref(tape);
}

static void certificates(void **state)
{
	json_t *tape = tape_open("jmap-0.16.18"), *doc;
	struct server srv = jmap_server();
	struct certlist *l;
	struct fetching f;
	char *asked;

	(void)state;
	for (int with_pem = 0; with_pem < 2; with_pem++) {
		fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_CERTS });
		assert_true(fetching_encode(&f));
		doc = request_doc(&f.req);
		asked = json_dumps(doc, JSON_COMPACT);
		assert_null(strstr(asked, "privateKey"));
		assert_non_null(strstr(asked, "\"properties\""));
		free(asked);
		json_decref(doc);
		assert_int_equal(fetching_decode(&f, answer_of(tape, with_pem ? "x:Certificate/get\",{\"ids\":null}" : "without the key material", 0)), DECODE_DONE);
		l = f.reply.certs;
		assert_int_equal(l->count, 1);
		assert_string_equal(l->rows[0]->id, "jpp1i10aahqa");
		assert_int_equal(l->rows[0]->san_count, 2);
		assert_int_equal(l->renewal_count, 0);
		fetching_release(&f);
	}
	/* a domain that is managed by hand has no renewal */
	fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_CERTS });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, played_text(200, "application/json",
		"{\"methodResponses\":[[\"x:Certificate/get\",{\"list\":[]},\"c0\"],[\"x:AcmeProvider/get\",{\"list\":[{\"id\":\"x\",\"directory\":\"https://other/\"},"
		"{\"id\":\"y\",\"directory\":\"https://ca/\",\"challengeType\":\"Dns01\",\"contact\":{\"mailto:a@b.example\":true},\"renewBefore\":\"R34\"}]},\"c1\"],"
		"[\"x:Domain/get\",{\"list\":[{\"name\":\"a.example\",\"id\":\"b\",\"certificateManagement\":{\"@type\":\"Manual\"}},"
		"{\"name\":\"b.example\",\"id\":\"c\",\"certificateManagement\":{\"@type\":\"Automatic\",\"acmeProviderId\":\"y\"}}]},\"c2\"],"
		"[\"x:Task/query\",{\"ids\":[\"t\"]},\"c3\"],[\"x:Task/get\",{\"list\":["
		"{\"@type\":\"AcmeRenewal\",\"domainId\":\"c\",\"due\":\"2026-12-01T00:00:00Z\",\"status\":{\"@type\":\"Pending\",\"createdAt\":\"2026-11-01T00:00:00Z\"}},"
		"{\"@type\":\"AcmeRenewal\",\"domainId\":\"c\",\"status\":{\"@type\":\"Failed\",\"createdAt\":\"2026-11-20T00:00:00Z\",\"failedAt\":\"2026-11-20T00:00:07Z\","
		"\"failureReason\":\"renewal is not due until tomorrow\"}},"
		"{\"@type\":\"AcmeRenewal\",\"domainId\":\"c\",\"status\":{\"@type\":\"Failed\",\"createdAt\":\"2026-10-20T00:00:00Z\",\"failureReason\":\"long ago\"}},"
		"{\"@type\":\"AcmeRenewal\",\"domainId\":\"z\",\"status\":{\"@type\":\"Failed\",\"createdAt\":\"2026-11-21T00:00:00Z\",\"failureReason\":\"another's\"}}"
		"]},\"c4\"]]}")), DECODE_DONE);
	l = f.reply.certs;
	assert_int_equal(l->renewal_count, 1);
	assert_string_equal(l->renewals[0]->id, "b.example");
	assert_string_equal(l->renewals[0]->directory, "https://ca/");
	assert_string_equal(l->renewals[0]->challenge, "Dns01");
	assert_string_equal(l->renewals[0]->contact, "mailto:a@b.example");
	assert_string_equal(l->renewals[0]->rule, "after 3/4 of its time");
	assert_int_equal(l->renewals[0]->state, RENEWAL_NOT_DUE);
	assert_string_equal(l->renewals[0]->reason, "renewal is not due until tomorrow");
	assert_int_equal(l->renewals[0]->last, 1795132807000);
	assert_int_equal(l->renewals[0]->next, 1796083200000);
	fetching_release(&f);
	json_decref(tape);
}

static const char *line_of(const struct log_page *page, size_t i)
{
	return page->text.data + page->line[i];
}

static void logs(void **state)
{
	json_t *tape = tape_open("jmap-0.16.18"), *more = tape_open("jmap-logs-0.16.18");
	struct server srv = jmap_server();
	struct fetching f;

	(void)state;
	fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_LOG, .limit = 5 });
	assert_int_equal(fetching_play(&f, tape_find(tape, "POST /jmap", "newest ids, then entries")), DECODE_DONE);
	assert_int_equal(f.reply.log->count, 5);
	assert_string_equal(f.reply.log->next, "epf");
	assert_int_equal(strncmp(line_of(f.reply.log, 0), "2026-11-21T00:03:40Z WARN", 25), 0);
	assert_non_null(strstr(line_of(f.reply.log, 0), "(task-manager.task-failed) id = 341708730806575104"));
	fetching_release(&f);

	fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_LOG, .limit = 3, .cursor = "e9g" });
	assert_int_equal(fetching_play(&f, tape_find(tape, "POST /jmap", "older than an anchor")), DECODE_DONE);
	assert_int_equal(f.reply.log->count, 3);
	assert_string_equal(f.reply.log->next, "epf");
	fetching_release(&f);

	fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_LOG, .limit = 50, .contains = "-ban)" });
	assert_int_equal(fetching_play(&f, tape_find(more, "POST /jmap", "bans only")), DECODE_DONE);
	assert_int_equal(f.reply.log->count, 4);
	assert_string_equal(f.reply.log->next, "");
	assert_non_null(strstr(line_of(f.reply.log, 0), "(security.authentication-ban) listenerId = \"http\", localPort = 28080, remoteIp = 127.0.0.41"));
	fetching_release(&f);

	/* ids that /get drops are counted, not lost track of */
	fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_LOG, .limit = 2 });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, played_text(200, "application/json",
		"{\"methodResponses\":[[\"x:Log/query\",{\"ids\":[\"x\",\"y\"]},\"c0\"],[\"x:Log/get\",{\"list\":[{\"id\":\"y\",\"timestamp\":\"2026-11-21T00:03:40Z\","
		"\"level\":\"info\",\"event\":\"smtp.ehlo\",\"details\":\"domain = \\\"n\\u0000ul\\\"\"}]},\"c1\"]]}")), DECODE_DONE);
	assert_int_equal(f.reply.log->count, 1);
	assert_int_equal(f.reply.log->skipped, 1);
	assert_string_equal(f.reply.log->next, "y");
	assert_non_null(strstr(line_of(f.reply.log, 0), "n\\x00ul"));
	fetching_release(&f);
	json_decref(tape);
	json_decref(more);
}

static void trust(void **state)
{
	json_t *tape = tape_open("jmap-logs-0.16.18");
	struct server srv = jmap_server();
	struct fetching f;

	(void)state;
	fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_TRUST });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, answer_of(tape, "proxy settings", 0)), DECODE_DONE);
	assert_null(f.reply.trust->networks[0]);
	assert_false(f.reply.trust->forwarded);
	fetching_release(&f);
	fetching_init(&f, &dialect_jmap, &srv, (struct fetch){ .kind = FETCH_TRUST });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, answer_with(tape_find(tape, "POST /jmap", "proxy settings"), "\"proxyTrustedNetworks\":{}",
		"\"proxyTrustedNetworks\":{\"10.0.0.0/8\":true}", "\"useXForwarded\":false", "\"useXForwarded\":true", NULL)), DECODE_DONE);
	assert_string_equal(f.reply.trust->networks[0], "10.0.0.0/8");
	assert_true(f.reply.trust->forwarded);
	fetching_release(&f);
	json_decref(tape);
}

/* ---- changes ---- */

/* Ours with its creation keys e0, e1 … named as in the recording. */
static void assert_sets(struct editing *x, json_t *ex, size_t calls, ...)
{
	char *text = xstrdup(buf_str(&x->req.body));
	const char *from;
	struct request req;
	va_list ap;

	va_start(ap, calls);
	while ((from = va_arg(ap, const char *)) != NULL) {
		const char *to = va_arg(ap, const char *);
		char *hit = strstr(text, from), *next;

		assert_non_null(hit);
		next = xasprintf("%.*s%s%s", (int)(hit - text), text, to, hit + strlen(from));
		free(text);
		text = next;
	}
	va_end(ap);
	request_init(&req);
	req.method = x->req.method;
	buf_adds(&req.path, buf_str(&x->req.path));
	buf_adds(&req.body, text);
	assert_calls(&req, ex, calls);
	request_release(&req);
	free(text);
}

static void assert_accepted(struct editing *x, struct played p)
{
	assert_int_equal(editing_decode(x, true, p), DECODE_DONE);
	for (size_t i = 0; i < x->batch.count; i++)
		if (!x->result[i].ok)
			fail_msg("edit %zu: %s", i, x->result[i].text ? x->result[i].text : "");
}

static void assert_refused(struct editing *x, size_t i, enum err_code why, const char *words)
{
	assert_false(x->result[i].ok);
	assert_int_equal(x->result[i].why, why);
	if (!x->result[i].text || !strstr(x->result[i].text, words))
		fail_msg("edit %zu: %s", i, x->result[i].text ? x->result[i].text : "(nothing)");
}

static void thresholds_are_patched(void **state)
{
	json_t *tape = tape_open("jmap-0.16.18"), *ex = tape_find(tape, "POST /jmap", "set one and re-fetch");
	struct server srv = jmap_server();
	struct editing x;
	struct edit *e;

	(void)state;
	editing_init(&x, &dialect_jmap, &srv);
	e = editing_add(&x, EDIT_THRESHOLD, "auth");
	assert_true(threshold_parse("200/1h for 1d", e->value, NULL));
	assert_true(editing_encode(&x, true, 0));
	assert_sets(&x, ex, 1, NULL);
	assert_accepted(&x, played_answer(ex));
	/* and read back */
	assert_true(editing_encode(&x, false, 0));
	assert_calls(&x.req, tape_find(tape, "POST /jmap", "thresholds"), 1);
	assert_int_equal(editing_decode(&x, false, answer_with(ex, "\"c0\"", "\"s\"", "\"c1\"", "\"c0\"", NULL)), DECODE_DONE);
	assert_string_equal(x.result[0].value, "200/1h for 1d");
	/* the default reads as nothing stored */
	assert_true(editing_encode(&x, false, 0));
	assert_int_equal(editing_decode(&x, false, answer_of(tape, "thresholds", 0)), DECODE_DONE);
	assert_null(x.result[0].value);
	editing_release(&x);

	editing_init(&x, &dialect_jmap, &srv);
	editing_add(&x, EDIT_THRESHOLD_OFF, "scan");
	ex = tape_find(tape, "POST /jmap", "switch one off");
	assert_true(editing_encode(&x, true, 0));
	assert_sets(&x, ex, 1, NULL);
	assert_accepted(&x, played_answer(ex));
	editing_release(&x);

	/* both defaults in one patch; ours names scan's ban period, too: null, as it was */
	editing_init(&x, &dialect_jmap, &srv);
	editing_add(&x, EDIT_THRESHOLD_DEFAULT, "scan");
	editing_add(&x, EDIT_THRESHOLD_DEFAULT, "auth");
	ex = tape_find(tape, "POST /jmap", "back");
	assert_true(editing_encode(&x, true, 0));
	assert_sets(&x, ex, 1, "\"scanBanPeriod\":null,", "", NULL);
	assert_accepted(&x, played_answer(ex));
	editing_release(&x);
	json_decref(tape);
}

static void scan_paths_are_patched(void **state)
{
	json_t *tape = tape_open("jmap-0.16.18"), *ex;
	struct server srv = jmap_server();
	struct editing x;

	(void)state;
	editing_init(&x, &dialect_jmap, &srv);
	editing_add(&x, EDIT_PATH_ADD, "*.env*");
	ex = tape_find(tape, "POST /jmap", "a patch of one scan path");
	assert_true(editing_encode(&x, true, 0));
	assert_sets(&x, ex, 1, NULL);
	assert_accepted(&x, played_answer(ex));
	assert_true(editing_encode(&x, false, 0));
	assert_int_equal(editing_decode(&x, false, answer_with(ex, "\"c0\"", "\"s\"", "\"c1\"", "\"c0\"", NULL)), DECODE_DONE);
	assert_string_equal(x.result[0].value, "*.env*");
	editing_release(&x);
	editing_init(&x, &dialect_jmap, &srv);
	editing_add(&x, EDIT_PATH_REMOVE, "*.env*");
	ex = tape_find(tape, "POST /jmap", "and removed");
	assert_true(editing_encode(&x, true, 0));
	assert_sets(&x, ex, 1, NULL);
	assert_accepted(&x, played_answer(ex));
	editing_release(&x);
	/* '/' and '~' in a pointer */
	editing_init(&x, &dialect_jmap, &srv);
	editing_add(&x, EDIT_PATH_ADD, "*/~a*");
	assert_true(editing_encode(&x, true, 0));
	assert_non_null(strstr(buf_str(&x.req.body), "\"scanBanPaths/*~1~0a*\":true"));
	editing_release(&x);
	json_decref(tape);
}

static void bad_values_are_told(void **state)
{
	static const struct { const char *note; enum err_code why; const char *words; } bad[] = {
		{ "bad value\"", ERR_SERVER, "invalidPatch: Invalid value type for object" },
		{ "\"count\":0", ERR_SERVER, "validationFailed: count MinValue" },
		{ "unknown property", ERR_SERVER, "invalidPatch: Invalid property" },
	};
	json_t *tape = tape_open("jmap-0.16.18"), *rights = tape_open("jmap-permissions-0.16.18");
	struct server srv = jmap_server();
	struct editing x;

	(void)state;
	editing_init(&x, &dialect_jmap, &srv);
	editing_add(&x, EDIT_THRESHOLD_OFF, "auth");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_true(editing_encode(&x, true, 0));
		assert_int_equal(editing_decode(&x, true, answer_of(tape, i ? bad[i].note : "banana", 0)), DECODE_DONE);
		assert_refused(&x, 0, bad[i].why, bad[i].words);
	}
	assert_true(editing_encode(&x, true, 0));
	assert_int_equal(editing_decode(&x, true, answer_of(rights, "may not write", 0)), DECODE_DONE);
	assert_refused(&x, 0, ERR_PERMISSION, "forbidden: You are not authorized");
	assert_true(editing_encode(&x, true, 0));
	assert_int_equal(editing_decode(&x, true, answer_of(tape, "no credentials", 0)), DECODE_DONE);
	assert_refused(&x, 0, ERR_AUTH, "You have to authenticate first.");
	editing_release(&x);
	json_decref(tape);
	json_decref(rights);
}

static void blocks_are_created_one_outcome_each(void **state)
{
	json_t *tape = tape_open("jmap-0.16.18"), *ex = tape_find(tape, "POST /jmap", "block one address, one network");
	struct server srv = jmap_server();
	struct editing x;
	struct edit *e;

	(void)state;
	editing_init(&x, &dialect_jmap, &srv);
	editing_add(&x, EDIT_BLOCK, "203.0.113.42")->reason = REASON_OTHER;
	editing_add(&x, EDIT_BLOCK, "198.51.100.0/24")->reason = REASON_MANUAL;
	e = editing_add(&x, EDIT_BLOCK, "2001:db8::5");
	e->reason = REASON_OTHER;
	assert_true(time_parse("2030-01-01T00:00:00Z", 0, &e->expires));
	e = editing_add(&x, EDIT_BLOCK, "203.0.113.43");
	e->reason = REASON_AUTH;
	assert_true(time_parse("2020-01-01T00:00:00Z", 0, &e->expires));
	assert_true(editing_encode(&x, true, 0));
	/* a reason is always named */
	assert_sets(&x, ex, 1, "\"e0\"", "\"a\"", "\"e1\"", "\"b\"", "\"e2\"", "\"c\"", "\"e3\"", "\"d\"", ",\"reason\":\"other\"", "", ",\"reason\":\"other\"", "", NULL);
	assert_accepted(&x, answer_with(ex, "\"a\"", "\"e0\"", "\"b\"", "\"e1\"", "\"c\"", "\"e2\"", "\"d\"", "\"e3\"", NULL));

	/* malformed ones are refused one by one */
	assert_true(editing_encode(&x, true, 0));
	assert_int_equal(editing_decode(&x, true, answer_with(tape_find(tape, "POST /jmap", "malformed address"), "\"a\"", "\"e0\"", "\"b\"", "\"e1\"", "\"c\"", "\"e2\"",
		NULL)), DECODE_DONE);
	assert_refused(&x, 0, ERR_SERVER, "Failed to parse IpAddrOrMask from string");
	assert_refused(&x, 1, ERR_SERVER, "Failed to parse IpAddrOrMask from string");
	assert_refused(&x, 2, ERR_SERVER, "validationFailed: address Invalid");
	assert_true(x.result[3].ok);
	/* somebody else was faster: what is read back decides */
	assert_true(editing_encode(&x, true, 0));
	assert_int_equal(editing_decode(&x, true, answer_with(tape_find(tape, "POST /jmap", "duplicate address"), "\"a\"", "\"e0\"", NULL)), DECODE_DONE);
	assert_refused(&x, 0, ERR_CONFLICT, "somebody else stored this entry meanwhile; nothing was overwritten");
	editing_release(&x);
	json_decref(tape);
}

static void allow_with_its_reason(void **state)
{
	json_t *tape = tape_open("jmap-0.16.18"), *ex = tape_find(tape, "POST /jmap", "allow");
	struct server srv = jmap_server();
	struct editing x;

	(void)state;
	editing_init(&x, &dialect_jmap, &srv);
	editing_add(&x, EDIT_ALLOW, "172.17.0.1")->note = xstrdup("Docker gateway");
	assert_true(editing_encode(&x, true, 0));
	assert_sets(&x, ex, 1, "\"e0\"", "\"g\"", NULL);
	assert_accepted(&x, answer_with(ex, "\"g\"", "\"e0\"", NULL));
	editing_release(&x);
	json_decref(tape);
}

static void single_targets_are_queried(void **state)
{
	json_t *tape = tape_open("jmap-0.16.18"), *logs_tape = tape_open("jmap-logs-0.16.18"), *ex;
	struct server srv = jmap_server();
	struct editing x;
	struct buf want = BUF_INIT;

	(void)state;
	editing_init(&x, &dialect_jmap, &srv);
	editing_add(&x, EDIT_UNBLOCK, "127.0.0.25");
	ex = tape_find(logs_tape, "POST /jmap", "a ban as the server writes it");
	assert_true(editing_encode(&x, false, 0));
	assert_sets(&x, ex, 2, "\"q0\"", "\"c0\"", "\"q0\"", "\"c0\"", NULL);
	assert_int_equal(editing_decode(&x, false, list_answer(ex)), DECODE_DONE);
	assert_string_equal(x.result[0].id, "jpp1ndykamaa");
	jmap_entry_text(REASON_AUTH, NULL, 1795223088000, &want);
	assert_string_equal(x.result[0].value, buf_str(&want));
	buf_release(&want);
	editing_release(&x);
	json_decref(tape);
	json_decref(logs_tape);
}

/* More than a few are looked for in the whole list, page by page, and again when it changed meanwhile. */
static void many_targets_are_read_from_the_list(void **state)
{
	static const char one[] = "{\"methodResponses\":[[\"x:BlockedIp/query\",{\"total\":%d,\"ids\":[\"a\"]},\"q0\"],[\"x:BlockedIp/get\",{\"list\":["
				  "{\"address\":\"10.0.0.%d\",\"reason\":\"authFailure\",\"expiresAt\":null,\"id\":\"id%d\"}]},\"g0\"]]}";
	struct edit_result result[100] = { { 0 } };
	struct server srv = jmap_server();
	struct change *c = change_new();
	struct batch b = { .change = c, .result = result };
	struct buf want = BUF_INIT;
	enum decode got;
	char address[20];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(address, sizeof(address), "10.0.0.%d", i);
		change_add(c, i % 2 ? EDIT_UNBLOCK : EDIT_BLOCK, address);
	}
	jmap_entry_text(REASON_AUTH, NULL, TIME_NONE, &want);
	/* one of two rows: it changed; then the other one alone */
	for (int round = 0; round < 2; round++) {
		struct editing x = { .ops = &dialect_jmap, .srv = &srv, .batch = b };
		char *body = xasprintf(one, round ? 1 : 2, round ? 7 : 3, round);

		request_init(&x.req);
		assert_true(dialect_jmap.read_encode(&srv, &x.batch, &x.req, &x.err));
		assert_true(x.req.stream);
		assert_int_equal(x.batch.count, 100);
		got = editing_decode(&x, false, played_text(200, "application/json", body));
		assert_int_equal(got, round ? DECODE_DONE : DECODE_MORE);
		b = x.batch;
		request_release(&x.req);
		free(body);
	}
	for (int i = 0; i < 100; i++) {
		assert_true(result[i].ok);
		if (i == 7) {
			assert_string_equal(result[i].value, buf_str(&want));
			assert_string_equal(result[i].id, "id1");
		} else {
			assert_null(result[i].value);
		}
		free(result[i].value);
		free(result[i].id);
	}
	dialect_jmap.memo_free(b.cur.memo);
	buf_release(&want);
	change_free(c);
}

static void expiry_and_destroy_go_by_id(void **state)
{
	json_t *tape = tape_open("jmap-0.16.18"), *ex = tape_find(tape, "POST /jmap", "update the expiry");
	struct server srv = jmap_server();
	struct editing x;
	struct edit *e;

	(void)state;
	editing_init(&x, &dialect_jmap, &srv);
	e = editing_add(&x, EDIT_EXPIRY, "203.0.113.43");
	assert_true(time_parse("2031-01-01T00:00:00Z", 0, &e->expires));
	x.ids[0] = "jpp1i1toafqa";
	assert_true(editing_encode(&x, true, 0));
	assert_sets(&x, ex, 1, NULL);
	assert_accepted(&x, played_answer(ex));
	/* read-only properties are told as such */
	assert_true(editing_encode(&x, true, 0));
	assert_int_equal(editing_decode(&x, true, answer_of(tape, "changing the address of a block", 0)), DECODE_DONE);
	assert_refused(&x, 0, ERR_SERVER, "Cannot modify read-only property");
	editing_release(&x);

	editing_init(&x, &dialect_jmap, &srv);
	editing_add(&x, EDIT_UNBLOCK, "203.0.113.43");
	editing_add(&x, EDIT_UNBLOCK, "203.0.113.99");
	x.ids[0] = "jpp1i1toafqa";
	x.ids[1] = "zzzzzz";
	ex = tape_find(tape, "POST /jmap", "destroy, one known one unknown");
	assert_true(editing_encode(&x, true, 0));
	assert_sets(&x, ex, 1, NULL);
	assert_int_equal(editing_decode(&x, true, played_answer(ex)), DECODE_DONE);
	assert_true(x.result[0].ok);
	assert_true(x.result[1].ok); /* gone already: somebody else was faster, reading back decides */
	editing_release(&x);

	/* what is changed must be there */
	editing_init(&x, &dialect_jmap, &srv);
	e = editing_add(&x, EDIT_EXPIRY, "203.0.113.99");
	x.ids[0] = "zzzzzz";
	assert_true(editing_encode(&x, true, 0));
	assert_int_equal(editing_decode(&x, true, played_text(200, "application/json",
		"{\"methodResponses\":[[\"x:BlockedIp/set\",{\"notUpdated\":{\"zzzzzz\":{\"type\":\"notFound\"}}},\"c0\"]]}")), DECODE_DONE);
	assert_refused(&x, 0, ERR_NOT_FOUND, "notFound");
	editing_release(&x);
	json_decref(tape);
}

static void certificates_are_uploaded_and_renewed(void **state)
{
	json_t *tape = tape_open("jmap-0.16.18"), *ex = tape_find(tape, "POST /jmap", "upload a certificate");
	json_t *upload = json_object_get(json_array_get(json_array_get(calls_of(json_object_get(json_object_get(ex, "request"), "body")), 0), 1), "create");
	struct server srv = jmap_server();
	struct editing x;
	struct edit *e;

	(void)state;
	editing_init(&x, &dialect_jmap, &srv);
	e = editing_add(&x, EDIT_CERT_UPLOAD, "mail.example.org");
	e->cert_pem = xstrdup(json_string_value(json_object_get(json_object_get(json_object_get(upload, "k"), "certificate"), "value")));
	e->key_pem = xstrdup("(withheld)");
	assert_true(editing_encode(&x, true, 0));
	assert_true(x.req.secret);
	assert_sets(&x, ex, 1, "\"e0\"", "\"k\"", NULL);
	assert_accepted(&x, answer_with(ex, "\"k\"", "\"e0\"", NULL));
	assert_true(editing_encode(&x, false, 0));
	assert_int_equal(editing_decode(&x, false, answer_of(tape, "x:Certificate/get\",{\"ids\":null}", 0)), DECODE_DONE);
	assert_string_equal(x.result[0].value, "uploaded");
	assert_true(editing_encode(&x, true, 0));
	assert_int_equal(editing_decode(&x, true, answer_with(tape_find(tape, "POST /jmap", "broken certificate"), "\"k\"", "\"e0\"", NULL)), DECODE_DONE);
	assert_refused(&x, 0, ERR_SERVER, "No certificates found in PEM");
	editing_release(&x);

	editing_init(&x, &dialect_jmap, &srv);
	editing_add(&x, EDIT_CERT_RENEW, "mail.example.org");
	assert_true(editing_encode(&x, false, 0));
	assert_int_equal(editing_decode(&x, false, answer_with(tape_find(tape, "POST /jmap", "a domain"), "\"c0\"", "\"s\"", "\"c1\"", "\"c0\"", NULL)), DECODE_DONE);
	assert_string_equal(x.result[0].id, "b");
	x.ids[0] = "b";
	ex = tape_find(tape, "POST /jmap", "trigger the renewal");
	assert_true(editing_encode(&x, true, 0));
	assert_sets(&x, ex, 1, "\"e0\"", "\"t\"", NULL);
	assert_accepted(&x, answer_with(ex, "\"t\"", "\"e0\"", NULL));
	editing_release(&x);
	json_decref(tape);
}

/* ---- reloads and counters ---- */

static struct reload_result reload(json_t *ex, enum reload_kind kind, struct played p, size_t calls)
{
	struct server srv = jmap_server();
	struct reload_result out = { 0 };
	struct cursor cur = { 0 };
	struct err err = ERR_INIT;
	struct request req;

	request_init(&req);
	assert_true(dialect_jmap.reload_encode(&srv, kind, &cur, &req, &err));
	if (calls)
		assert_calls(&req, ex, calls);
	assert_int_equal(dialect_jmap.reload_decode(&srv, kind, &cur, &p.res, &out, &err), DECODE_DONE);
	request_release(&req);
	played_free(&p);
	return out;
}

static void reloads(void **state)
{
	json_t *tape = tape_open("jmap-0.16.18"), *rights = tape_open("jmap-permissions-0.16.18");
	json_t *ex = tape_find(tape, "POST /jmap", "reload actions");
	struct reload_result r;

	(void)state;
	r = reload(ex, RELOAD_BLOCKED, played_answer(ex), 1);
	assert_true(r.ok);
	assert_false(r.asynchronous);
	ex = tape_find(tape, "POST /jmap", "unknown action");
	r = reload(ex, RELOAD_SETTINGS, played_answer(ex), 0);
	assert_false(r.ok);
	assert_non_null(strstr(r.text, "Missing or invalid '@type'"));
	ex = tape_find(rights, "POST /jmap", "not make it live");
	r = reload(ex, RELOAD_BLOCKED, answer_with(ex, "\"c0\"", "\"s\"", "\"c1\"", "\"c0\"", NULL), 0);
	assert_false(r.ok);
	assert_int_equal(r.why, ERR_PERMISSION);
	json_decref(tape);
	json_decref(rights);
}

static void counters(void **state)
{
	json_t *tape = tape_open("jmap-logs-0.16.18"), *ex = tape_find(tape, "POST /jmap", "reset of the failure counters");
	struct server srv = jmap_server();
	struct cursor cur = { 0 };
	struct err err = ERR_INIT;
	struct played p = played_answer(ex);
	struct request req;

	(void)state;
	request_init(&req);
	assert_true(dialect_jmap.reset_encode(&srv, 1u << CLASS_AUTH, &cur, &req, &err));
	assert_request(&req, ex);
	assert_int_equal(dialect_jmap.reset_decode(&srv, 1u << CLASS_AUTH, &cur, &p.res, &err), DECODE_DONE);
	played_free(&p);
	p = played_text(200, "application/json", "{\"methodResponses\":[[\"error\",{\"type\":\"forbidden\",\"description\":\"no\"},\"c0\"]]}");
	assert_int_equal(dialect_jmap.reset_decode(&srv, 1u << CLASS_AUTH, &cur, &p.res, &err), DECODE_FAIL);
	assert_int_equal(err.code, ERR_PERMISSION);
	played_free(&p);
	request_release(&req);
	json_decref(tape);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_knows_its_own),
		cmocka_unit_test(probe_refuses_strangers),
		cmocka_unit_test(rights_are_known_without_a_change),
		cmocka_unit_test(the_list_asks_in_pages),
		cmocka_unit_test(lists),
		cmocka_unit_test(a_list_that_changes_is_read_again),
		cmocka_unit_test(a_list_that_is_none),
		cmocka_unit_test(thresholds),
		cmocka_unit_test(certificates),
		cmocka_unit_test(logs),
		cmocka_unit_test(trust),
		cmocka_unit_test(thresholds_are_patched),
		cmocka_unit_test(scan_paths_are_patched),
		cmocka_unit_test(bad_values_are_told),
		cmocka_unit_test(blocks_are_created_one_outcome_each),
		cmocka_unit_test(allow_with_its_reason),
		cmocka_unit_test(single_targets_are_queried),
		cmocka_unit_test(many_targets_are_read_from_the_list),
		cmocka_unit_test(expiry_and_destroy_go_by_id),
		cmocka_unit_test(certificates_are_uploaded_and_renewed),
		cmocka_unit_test(reloads),
		cmocka_unit_test(counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
