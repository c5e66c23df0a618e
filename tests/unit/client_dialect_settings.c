/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/dialect_settings against what servers 0.8.1, 0.10.3 and 0.15.5 were recorded to answer. */
#include "client/dialect_settings.h"
#include "tests/unit/transcript.h"

struct era {
	json_t *tape;
	struct server srv;
};

/* A server of the tape's generation, as detection leaves it. */
static struct era era_open(const char *name)
{
	static const struct {
		const char *name;
		enum settings_family family;
		enum generation generation;
		bool capital;
	} eras[] = {
		{ "settings-0.8.1", FAMILY_AUTHENTICATION, GEN_SETTINGS_0_7, true },
		{ "settings-0.10.3", FAMILY_FAIL2BAN, GEN_SETTINGS_0_9, true },
		{ "settings-0.15.5", FAMILY_AUTO_BAN, GEN_SETTINGS_0_11, false },
	};
	struct era e = { .tape = tape_open(name) };

	for (size_t i = 0; i < ARRAY_LEN(eras); i++) {
		if (strcmp(eras[i].name, name) != 0)
			continue;
		e.srv.threshold_family = eras[i].family;
		e.srv.info.generation = eras[i].generation;
		e.srv.capital_ops = eras[i].capital;
	}
	return e;
}

static void era_close(struct era *e)
{
	json_decref(e->tape);
}

/* ---- detection ---- */

static struct played answer_of(json_t *tape, const char *call, const char *words)
{
	return played_answer(tape_find(tape, call, words));
}

static void probe_knows_its_own(void **state)
{
	static const char *const own[] = { "settings-0.8.1", "settings-0.10.3", "settings-0.15.5" };
	struct played p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		json_t *tape = tape_open(own[i]);
		struct server srv = { 0 };
		struct request req;

		request_init(&req);
		assert_true(dialect_settings.probe_encode(&req));
		assert_int_equal(req.method, HTTP_GET);
		assert_true(strstr(buf_str(&req.path), "/api/settings/list?prefix=server.auto-ban") != NULL);
		p = answer_of(tape, "GET /api/settings/list?prefix=server.auto-ban", NULL);
		assert_int_equal(dialect_settings.probe_decode(&p.res, &srv), 10);
		assert_int_equal(srv.info.caps[CAP_BIT_READ_BLOCKED], CAP_YES);
		assert_int_equal(srv.info.caps[CAP_BIT_LIVE_AT_ONCE], CAP_NO_GENERATION);
		played_free(&p);
		request_release(&req);
		json_decref(tape);
	}
}

static void probe_refuses_strangers(void **state)
{
	static const struct { const char *tape, *call, *words; } strangers[] = {
		{ "config-0.6.0", "GET /api/settings/list?prefix=server", NULL },
		{ "jmap-0.16.18", "GET /api/settings/list?prefix=server", NULL },
		{ "settings-0.15.5", "GET /api/settings?prefix=server.blocked-ip", NULL },
		{ "settings-0.15.5", "GET /api/nosuch", NULL },
		{ "jmap-0.16.18", "GET /jmap/session", NULL },
		{ "config-0.6.0", "GET /admin/config/server.security", "nothing stored" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
		json_t *tape = tape_open(strangers[i].tape);
		struct played p = answer_of(tape, strangers[i].call, strangers[i].words);
		struct server srv = { 0 };

		assert_int_equal(dialect_settings.probe_decode(&p.res, &srv), 0);
		played_free(&p);
		json_decref(tape);
	}
}

static struct server probed(json_t *tape)
{
	struct played p = answer_of(tape, "GET /api/settings/list?prefix=server.auto-ban", NULL);
	struct server srv = { 0 };

	assert_true(dialect_settings.probe_decode(&p.res, &srv) > 0);
	played_free(&p);
	return srv;
}

/* What a server answers to the refinement: the first row that the request begins with; anything else is not found. */
struct reply_row { const char *asks; const char *call, *words; const char *body; };

static struct played refine_answer(json_t *tape, const struct reply_row *rows, const char *asked)
{
	for (; rows->asks; rows++) {
		if (strncmp(rows->asks, asked, strlen(rows->asks)) != 0)
			continue;
		return rows->body ? played_text(200, "application/json", rows->body) : answer_of(tape, rows->call, rows->words);
	}
	return answer_of(tape, "GET /api/nosuch", NULL);
}

/* Detection to its end, as a session runs it, at most a dozen requests. */
static struct server refined(json_t *tape, const struct reply_row *rows, bool permissions)
{
	struct server srv = probed(tape);
	struct cursor cur = { 0 };
	enum decode got = DECODE_MORE;

	while (got == DECODE_MORE) {
		struct err err = ERR_INIT;
		struct request req;
		struct played p;
		char *asked;

		request_init(&req);
		if (!dialect_settings.refine_encode(&srv, &cur, permissions, &req)) {
			request_release(&req);
			break;
		}
		asked = xasprintf("%s %s %s", http_method_text(req.method), buf_str(&req.path), buf_str(&req.body));
		p = refine_answer(tape, rows, asked);
		got = dialect_settings.refine_decode(&srv, &cur, permissions, &p.res, &err);
		assert_true(++cur.round < 12);
		assert_int_not_equal(got, DECODE_FAIL);
		request_release(&req);
		played_free(&p);
		free(asked);
	}
	return srv;
}

#define NOTHING_STORED "{\"data\":{}}"

static void generations_are_told_apart(void **state)
{
	static const struct reply_row
		stored_0_8[] = { { "GET /api/settings/keys?", "GET /api/settings/keys?keys=authentication.fail2ban", NULL, NULL },
			{ "POST /api/settings", "POST /api/settings", "\"insert\"", NULL }, { 0 } },
		bare_0_8[] = { { "GET /api/settings/keys?", NULL, NULL, NOTHING_STORED },
			{ "POST /api/settings", "POST /api/settings", "\"insert\"", NULL },
			{ "GET /api/logs?", "GET /api/logs?page=1&limit=20", NULL, NULL }, { 0 } },
		stored_0_10[] = { { "GET /api/settings/keys?", "GET /api/settings/keys?keys=server.fail2ban.authentication", NULL, NULL },
			{ "POST /api/settings", "POST /api/settings", "\"insert\"", NULL },
			{ "GET /api/logs?", "GET /api/logs?page=1&limit=20", NULL, NULL }, { 0 } },
		bare_0_10[] = { { "GET /api/settings/keys?", NULL, NULL, NOTHING_STORED },
			{ "POST /api/settings", "POST /api/settings", "\"insert\"", NULL }, { 0 } },
		stored_0_15[] = { { "GET /api/settings/keys?", "GET /api/settings/keys?keys=server.auto-ban.auth.rate*", "re-fetch", NULL },
			{ "POST /api/settings", NULL, NULL, "{\"data\":null}" }, { 0 } };
	json_t *old = tape_open("settings-0.8.1"), *mid = tape_open("settings-0.10.3"), *new = tape_open("settings-0.15.5");
	struct server srv;

	(void)state;
	srv = refined(old, stored_0_8, false);
	assert_int_equal(srv.info.generation, GEN_SETTINGS_0_7);
	assert_int_equal(srv.threshold_family, FAMILY_AUTHENTICATION);
	assert_true(srv.capital_ops);
	assert_int_equal(srv.info.caps[CAP_BIT_SCAN_PATHS], CAP_NO_GENERATION);
	srv = refined(old, bare_0_8, false);
	assert_int_equal(srv.info.generation, GEN_SETTINGS_0_7);
	srv = refined(mid, stored_0_10, false);
	assert_int_equal(srv.info.generation, GEN_SETTINGS_0_9);
	assert_int_equal(srv.threshold_family, FAMILY_FAIL2BAN);
	assert_true(srv.capital_ops);
	srv = refined(mid, bare_0_10, false);
	assert_int_equal(srv.info.generation, GEN_SETTINGS_0_9);
	assert_int_equal(srv.threshold_family, FAMILY_EITHER);
	srv = refined(new, stored_0_15, false);
	assert_int_equal(srv.info.generation, GEN_SETTINGS_0_11);
	assert_false(srv.capital_ops);
	assert_int_equal(srv.info.caps[CAP_BIT_SCAN_PATHS], CAP_YES);
	json_decref(old);
	json_decref(mid);
	json_decref(new);
}

static void permissions_of_a_reading_key(void **state)
{
	static const struct reply_row reader[] = {
		{ "GET /api/settings/keys?", "GET /api/settings/keys?keys=server.auto-ban.auth.rate*", "re-fetch", NULL },
		{ "POST /api/settings", "POST /api/settings", "may not write", NULL },
		{ "GET /api/logs?", "GET /api/logs?limit=1&page=1", "may read logs", NULL }, { 0 } };
	json_t *tape = tape_open("settings-0.15.5");
	struct server srv = refined(tape, reader, true);

	(void)state;
	assert_int_equal(srv.info.caps[CAP_BIT_WRITE_BLOCKED], CAP_NO_PERMISSION);
	assert_int_equal(srv.info.caps[CAP_BIT_WRITE_ALLOWED], CAP_NO_PERMISSION);
	assert_int_equal(srv.info.caps[CAP_BIT_WRITE_THRESHOLDS], CAP_NO_PERMISSION);
	assert_int_equal(srv.info.caps[CAP_BIT_READ_LOG], CAP_YES);
	assert_int_equal(srv.info.generation, GEN_SETTINGS_0_11);
	json_decref(tape);
}

/* ---- fetches ---- */

static void lists(void **state)
{
	struct era e = era_open("settings-0.15.5");
	struct fetching f;

	(void)state;
	fetching_init(&f, &dialect_settings, &e.srv, (struct fetch){ .kind = FETCH_LIST, .list = LIST_BLOCKED });
	assert_int_equal(fetching_play(&f, tape_find(e.tape, "GET /api/settings/list?prefix=server.blocked-ip", "whole namespace")), DECODE_DONE);
	assert_int_equal(f.reply.list->count, 5);
	assert_row(f.reply.list, "198.51.100.0/24", "", REASON_NONE);
	assert_row(f.reply.list, "2001:db8::5", "true", REASON_NONE);
	assert_row(f.reply.list, "2001:db8:bad::/48", "", REASON_NONE);
	fetching_release(&f);
	fetching_init(&f, &dialect_settings, &e.srv, (struct fetch){ .kind = FETCH_LIST, .list = LIST_ALLOWED });
	assert_int_equal(fetching_play(&f, tape_find(e.tape, "GET /api/settings/list?prefix=server.allowed-ip", NULL)), DECODE_DONE);
	assert_int_equal(f.reply.list->count, 1);
	assert_row(f.reply.list, "172.17.0.1", "", REASON_NONE);
	fetching_release(&f);
	era_close(&e);
}

static void a_list_that_is_none(void **state)
{
	struct era e = era_open("settings-0.15.5");
	struct fetching f;
	static const struct { int status; const char *type, *body; enum err_code code; } bad[] = {
		{ 200, "application/json", "{\"data\":{\"total\":3,\"items\":{\"10.0.0.1\":\"\"", ERR_PROTOCOL },
		{ 200, "application/json", "{\"data\":{\"total\":3,\"items\":{\"10.0.0.1\":\"\"}}}", ERR_PROTOCOL },
		{ 200, "application/json", "{\"error\":\"other\",\"details\":\"x\"}", ERR_SERVER },
		{ 200, "application/json", "{}", ERR_PROTOCOL },
		{ 200, "application/json", "{\"data\":{\"server.blocked-ip.203.0.113.7\":true}}", ERR_PROTOCOL },
		{ 200, "text/html", "<html>hello</html>", ERR_PROTOCOL },
		{ 500, "application/problem+json", "{\"title\":\"Internal Server Error\"}", ERR_SERVER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		fetching_init(&f, &dialect_settings, &e.srv, (struct fetch){ .kind = FETCH_LIST });
		assert_true(fetching_encode(&f));
		assert_int_equal(fetching_decode(&f, played_text(bad[i].status, bad[i].type, bad[i].body)), DECODE_FAIL);
		assert_int_equal(f.err.code, bad[i].code);
		fetching_release(&f);
	}
	fetching_init(&f, &dialect_settings, &e.srv, (struct fetch){ .kind = FETCH_LIST });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, answer_of(e.tape, "GET /api/settings/list?prefix=server", "no credentials")), DECODE_FAIL);
	assert_int_equal(f.err.code, ERR_AUTH);
	assert_non_null(strstr(f.err.msg, "You have to authenticate first."));
	fetching_release(&f);
	era_close(&e);
}

static struct thresholds *play_thresholds(struct fetching *f, struct era *e, json_t *ex, bool exact)
{
	fetching_init(f, &dialect_settings, &e->srv, (struct fetch){ .kind = FETCH_THRESHOLDS });
	if (exact) {
		assert_int_equal(fetching_play(f, ex), DECODE_DONE);
	} else {
		assert_true(fetching_encode(f));
		assert_int_equal(fetching_decode(f, played_answer(ex)), DECODE_DONE);
	}
	return f->reply.thresholds;
}

static void thresholds(void **state)
{
	struct era e = era_open("settings-0.15.5");
	struct fetching f;
	struct thresholds *t;

	(void)state;
	t = play_thresholds(&f, &e, tape_find(e.tape, "GET /api/settings/keys?keys=server.auto-ban*", "never null"), true);
	assert_rate(&t->of[CLASS_AUTH], "100/1d", false);
	assert_rate(&t->of[CLASS_ABUSE], "35/1d", false);
	assert_rate(&t->of[CLASS_LOITER], "150/1d", false);
	assert_rate(&t->of[CLASS_SCAN], "30/1d", false);
	assert_false(t->paths_stored);
	assert_int_equal(t->path_count, 12);
	fetching_release(&f);

	t = play_thresholds(&f, &e, tape_find(e.tape, "GET /api/settings/keys?keys=server.auto-ban*", "re-fetch"), false);
	assert_rate(&t->of[CLASS_AUTH], "200/1h", true);
	assert_rate(&t->of[CLASS_ABUSE], "35/1d", true);
	assert_rate(&t->of[CLASS_SCAN], "30/1d", false);
	fetching_release(&f);
	era_close(&e);
}

static void thresholds_of_older_families(void **state)
{
	struct era e = era_open("settings-0.10.3");
	struct fetching f;
	struct thresholds *t;

	(void)state;
	t = play_thresholds(&f, &e, tape_find(e.tape, "GET /api/settings/keys?keys=server.fail2ban.authentication", NULL), false);
	assert_rate(&t->of[CLASS_AUTH], "3/1d", true);
	assert_rate(&t->of[CLASS_ABUSE], "35/1d", false);
	assert_false(t->of[CLASS_SCAN].supported);
	fetching_release(&f);
	era_close(&e);

	e = era_open("settings-0.8.1");
	t = play_thresholds(&f, &e, tape_find(e.tape, "GET /api/settings/keys?keys=authentication.fail2ban", NULL), true);
	assert_rate(&t->of[CLASS_AUTH], "3/1d", true);
	assert_false(t->of[CLASS_ABUSE].supported);
	fetching_release(&f);
	era_close(&e);
}

static void values_that_are_no_rates(void **state)
{
	struct era e = era_open("settings-0.15.5");
	struct fetching f;
	struct thresholds *t;

	(void)state;
	fetching_init(&f, &dialect_settings, &e.srv, (struct fetch){ .kind = FETCH_THRESHOLDS });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, played_text(200, "application/json",
		"{\"data\":{\"server.auto-ban.auth.rate\":\"banana\",\"server.auto-ban.scan.rate\":\"false\","
		"\"server.auto-ban.scan.paths.0000\":\"*.env\",\"server.auto-ban.loiter.rate\":7}}")), DECODE_DONE);
	t = f.reply.thresholds;
	assert_true(t->of[CLASS_AUTH].malformed);
	assert_string_equal(t->of[CLASS_AUTH].raw, "banana");
	assert_false(t->of[CLASS_SCAN].enabled);
	assert_true(t->paths_stored);
	assert_int_equal(t->path_count, 1);
	fetching_release(&f);
	era_close(&e);
}

static void certificates(void **state)
{
	struct era e = era_open("settings-0.15.5");
	struct fetching f;
	struct certlist *l;

	(void)state;
	fetching_init(&f, &dialect_settings, &e.srv, (struct fetch){ .kind = FETCH_CERTS });
	assert_int_equal(fetching_play(&f, tape_find(e.tape, "GET /api/settings/group?prefix=certificate&suffix=cert&field=cert", NULL)), DECODE_MORE);
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, answer_of(e.tape, "GET /api/settings/group?prefix=acme&suffix=directory", NULL)), DECODE_MORE);
	l = f.reply.certs;
	assert_int_equal(l->count, 2);
	assert_int_equal(l->renewal_count, 1);
	assert_string_equal(l->renewals[0]->id, "letsencrypt");
	assert_string_equal(l->renewals[0]->directory, "https://acme-staging-v02.api.letsencrypt.org/directory");
	for (size_t i = 0; i < l->count; i++) {
		if (!strcmp(l->rows[i]->id, "default"))
			assert_string_equal(l->rows[i]->path, "/opt/stalwart/etc/cert.pem");
		else
			assert_string_equal(l->rows[i]->id, "auto");
	}
	assert_true(fetching_encode(&f));
	assert_non_null(strstr(buf_str(&f.req.path), "acme.letsencrypt.contact"));
	assert_int_equal(fetching_decode(&f, played_text(200, "application/json",
		"{\"data\":{\"acme.letsencrypt.contact\":\"postmaster@example.org\",\"acme.letsencrypt.domains\":\"mail.example.org\","
		"\"acme.letsencrypt.renew-before\":\"30d\",\"acme.letsencrypt.challenge\":\"http-01\"}}")), DECODE_MORE);
	assert_string_equal(l->renewals[0]->contact, "postmaster@example.org");
	assert_int_equal(l->renewals[0]->renew_before, 30 * CERT_DAY_MS);
	assert_true(fetching_encode(&f));
	assert_true(f.req.secret);
	assert_int_equal(fetching_decode(&f, played_text(200, "application/json", "{\"data\":{}}")), DECODE_DONE);
	fetching_release(&f);
	era_close(&e);
}

/* Records without a name can't be asked about any further. */
static void certificates_without_names(void **state)
{
	struct server srv = { .threshold_family = FAMILY_AUTO_BAN };
	struct fetching f;

	(void)state;
	fetching_init(&f, &dialect_settings, &srv, (struct fetch){ .kind = FETCH_CERTS });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, played_text(200, "application/json", "{\"data\":{\"total\":2,\"items\":[{\"cert\":\"%{file:/a}%\"},"
		"{\"_id\":7,\"cert\":\"%{file:/b}%\"},{\"_id\":\"c\",\"cert\":\"%{file:/c}%\"},null]}}")), DECODE_MORE);
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, played_text(200, "application/json", "{\"data\":{\"total\":2,\"items\":[{\"directory\":\"https://ca/\"},"
		"{\"_id\":null},7]}}")), DECODE_DONE);
	assert_int_equal(f.reply.certs->count, 1);
	assert_int_equal(f.reply.certs->renewal_count, 0);
	fetching_release(&f);
}

/* ---- the log ---- */

static const char *line_of(const struct log_page *page, size_t i)
{
	return page->text.data + page->line[i];
}

static void logs(void **state)
{
	json_t *tape = tape_open("logs-0.15.5");
	struct server srv = { .threshold_family = FAMILY_AUTO_BAN };
	struct fetching f;

	(void)state;
	fetching_init(&f, &dialect_settings, &srv, (struct fetch){ .kind = FETCH_LOG, .limit = 5, .contains = "security.", .cursor = "2" });
	assert_true(fetching_encode(&f));
	assert_string_equal(buf_str(&f.req.path), "/api/logs?page=2&limit=5&filter=security.");
	assert_int_equal(fetching_decode(&f, answer_of(tape, "GET /api/logs?filter=security.&page=2&limit=5", NULL)), DECODE_DONE);
	assert_int_equal(f.reply.log->count, 5);
	assert_string_equal(f.reply.log->next, "3");
	assert_int_equal(f.reply.log->skipped, 0);
	assert_int_equal(strncmp(line_of(f.reply.log, 0),
		"2026-11-20T23:57:22Z INFO Banned due to authentication errors (security.authentication-ban) remoteIp = 203.0.113.77, accountName = \"user3@example.org\"",
		140), 0);
	fetching_release(&f);
	fetching_init(&f, &dialect_settings, &srv, (struct fetch){ .kind = FETCH_LOG, .limit = 50, .contains = "no-such-thing-anywhere" });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, answer_of(tape, "GET /api/logs?filter=no-such-thing-anywhere*", NULL)), DECODE_DONE);
	assert_int_equal(f.reply.log->count, 0);
	assert_string_equal(f.reply.log->next, "");
	fetching_release(&f);
	json_decref(tape);

	tape = tape_open("settings-0.8.1");
	fetching_init(&f, &dialect_settings, &srv, (struct fetch){ .kind = FETCH_LOG, .limit = 20 });
	assert_int_equal(fetching_play(&f, tape_find(tape, "GET /api/logs?page=1&limit=20", NULL)), DECODE_DONE);
	assert_string_equal(line_of(f.reply.log, 0), "2026-11-21T00:15:47Z  INFO IP address blocked after too many failed login attempts "
						     "context=\"directory\" event=\"fail2ban\" remote_ip=127.0.0.5 login=\"zed\"");
	fetching_release(&f);
	json_decref(tape);
}

static void log_of_hostile_items(void **state)
{
	struct server srv = { .threshold_family = FAMILY_AUTO_BAN };
	struct fetching f;

	(void)state;
	fetching_init(&f, &dialect_settings, &srv, (struct fetch){ .kind = FETCH_LOG, .limit = 3 });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, played_text(200, "application/json",
		"{\"data\":{\"items\":[7,{\"level\":\"INFO\"},{\"timestamp\":\"T\",\"level\":\"INFO\",\"event\":\"E\",\"event_id\":\"smtp.ehlo\","
		"\"details\":\"domain = \\\"n\\u0000ul\\\"\"}],\"total\":9}}")), DECODE_DONE);
	assert_int_equal(f.reply.log->count, 1);
	assert_int_equal(f.reply.log->skipped, 2);
	assert_string_equal(line_of(f.reply.log, 0), "T INFO E (smtp.ehlo) domain = \"n\\x00ul\"");
	assert_string_equal(f.reply.log->next, "2");
	fetching_release(&f);
	fetching_init(&f, &dialect_settings, &srv, (struct fetch){ .kind = FETCH_LOG, .limit = 3 });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, played_text(200, "application/json", "{\"error\":\"unsupported\",\"details\":\"No log tracer\"}")), DECODE_DONE);
	assert_non_null(strstr(f.reply.log->notice, "tracer.log"));
	fetching_release(&f);
	fetching_init(&f, &dialect_settings, &srv, (struct fetch){ .kind = FETCH_LOG, .limit = 3 });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, played_text(200, "application/json", "{\"error\":\"other\",\"details\":\"invalid utf-8\"}")), DECODE_FAIL);
	assert_int_equal(f.err.code, ERR_IO);
	fetching_release(&f);
}

/* A sync asks for up to 100,000 lines at once: each is rendered when it came by, none at the end. */
static void a_long_page_is_taken_piece_by_piece(void **state)
{
	static const size_t many = 100000, chunk = 16384;
	struct server srv = { .threshold_family = FAMILY_AUTO_BAN };
	struct response res = { .status = 200 };
	size_t most = 0, before;
	struct fetching f;
	struct jsonwalk *w;
	struct buf body;

	(void)state;
	buf_init(&body, 64u << 20);
	buf_adds(&body, "{\"data\":{\"items\":[");
	for (size_t i = 0; i < many; i++)
		buf_addf(&body, "%s{\"timestamp\":\"T\",\"level\":\"INFO\",\"event\":\"E\",\"event_id\":\"x.y\",\"details\":\"n = %zu\"}", i ? "," : "", i);
	buf_adds(&body, "],\"total\":5}}");
	fetching_init(&f, &dialect_settings, &srv, (struct fetch){ .kind = FETCH_LOG, .limit = many });
	assert_true(fetching_encode(&f));
	assert_true(f.req.stream);
	w = jsonwalk_new(fetching_item, &f);
	for (size_t at = 0; at < body.len; at += chunk) {
		before = f.reply.log->count;
		assert_true(jsonwalk_feed(w, body.data + at, body.len - at < chunk ? body.len - at : chunk, NULL));
		most = f.reply.log->count - before > most ? f.reply.log->count - before : most;
	}
	assert_int_equal(f.reply.log->count, many);
	assert_true(most <= chunk / 70 + 1);
	res.stream_ok = jsonwalk_finish(w, NULL);
	jsonwalk_free(w);
	body.data[65536] = '\0'; /* what a session keeps of it */
	res.body = body.data;
	res.len = 65536;
	assert_int_equal(f.ops->fetch_decode(&srv, &f.job, &res, &f.err), DECODE_DONE);
	assert_string_equal(f.reply.log->next, "2");
	assert_string_equal(line_of(f.reply.log, many - 1), "T INFO E (x.y) n = 99999");
	fetching_release(&f);
	buf_release(&body);
}

static void a_page_that_is_none(void **state)
{
	static const struct { int status; const char *body; enum err_code code; } bad[] = {
		{ 200, "{\"data\":{\"items\":[{\"timestamp\":\"T\"}", ERR_PROTOCOL }, { 200, "{}", ERR_PROTOCOL }, { 200, "", ERR_PROTOCOL },
		{ 200, "{\"data\":{\"items\":{}}}", ERR_PROTOCOL }, { 200, "{\"error\":\"other\"}", ERR_SERVER }, { 403, "{}", ERR_PERMISSION },
		{ 200, "{\"error\":7}", ERR_SERVER },
	};
	struct server srv = { .threshold_family = FAMILY_AUTO_BAN };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct fetching f;

		fetching_init(&f, &dialect_settings, &srv, (struct fetch){ .kind = FETCH_LOG, .limit = 3 });
		assert_true(fetching_encode(&f));
		assert_int_equal(fetching_decode(&f, played_text(bad[i].status, "application/json", bad[i].body)), DECODE_FAIL);
		assert_int_equal(f.err.code, bad[i].code);
		fetching_release(&f);
	}
}

/* ---- changes ---- */

/* These edits in one batch make exactly the recorded request, and its answer accepts them all. */
static void assert_writes(struct era *e, const char *call, const char *words, struct editing *x)
{
	json_t *ex = tape_find(e->tape, call, words);

	assert_true(editing_encode(x, true, 0));
	assert_int_equal(x->batch.count, x->change->count);
	assert_request(&x->req, ex);
	assert_int_equal(editing_decode(x, true, played_answer(ex)), DECODE_DONE);
	for (size_t i = 0; i < x->batch.count; i++)
		assert_true(x->result[i].ok);
	editing_release(x);
}

static struct editing edits_of(const struct era *e)
{
	struct editing x;

	editing_init(&x, &dialect_settings, &e->srv);
	return x;
}

/* As an entry that the server wrote itself is put back: no reason, nobody, no note. */
static void add_bare(struct editing *x, enum edit_kind kind, const char *target)
{
	editing_add(x, kind, target)->reason = REASON_NONE;
}

static void writes_as_recorded(void **state)
{
	struct era e = era_open("settings-0.15.5");
	struct editing x;

	(void)state;
	x = edits_of(&e);
	add_bare(&x, EDIT_BLOCK, "203.0.113.44");
	assert_writes(&e, "POST /api/settings", "\"server.blocked-ip.203.0.113.44\"", &x);
	x = edits_of(&e);
	editing_add(&x, EDIT_UNBLOCK, "2001:db8:bad::/48");
	assert_writes(&e, "POST /api/settings", "takes keys as they are", &x);
	x = edits_of(&e);
	editing_add(&x, EDIT_UNBLOCK, "not-an-ip");
	assert_writes(&e, "POST /api/settings", "\"keys\":[\"server.blocked-ip.not-an-ip\"]", &x);
	x = edits_of(&e);
	editing_add(&x, EDIT_THRESHOLD_OFF, "auth");
	assert_writes(&e, "POST /api/settings", "string false", &x);
	x = edits_of(&e);
	editing_add(&x, EDIT_THRESHOLD_DEFAULT, "auth");
	assert_writes(&e, "POST /api/settings", "back to the default", &x);
	x = edits_of(&e);
	editing_add(&x, EDIT_PATH_ADD, "*.php*");
	editing_add(&x, EDIT_PATH_ADD, "*/wp-*");
	x.ids[0] = x.ids[1] = "+0000";
	assert_writes(&e, "POST /api/settings", "an array of keys", &x);
	era_close(&e);
}

static void writes_of_older_generations(void **state)
{
	static const char *const tapes[] = { "settings-0.8.1", "settings-0.10.3" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tapes); i++) {
		struct era e = era_open(tapes[i]);
		struct editing x = edits_of(&e);
		struct edit *edit = editing_add(&x, EDIT_THRESHOLD, "auth");

		assert_true(rate_parse("3/1d", 4, edit->value, NULL));
		assert_writes(&e, "POST /api/settings", "\"3/1d\"", &x);
		x = edits_of(&e);
		editing_add(&x, EDIT_UNBLOCK, "127.0.0.5");
		assert_writes(&e, "POST /api/settings", "\"Delete\"", &x);
		x = edits_of(&e);
		add_bare(&x, EDIT_BLOCK, "127.0.7.0/24");
		add_bare(&x, EDIT_BLOCK, "127.0.0.9");
		assert_writes(&e, "POST /api/settings", "127.0.7.0/24", &x);
		era_close(&e);
	}
}

static void the_other_case_is_tried_once(void **state)
{
	struct era e = era_open("settings-0.10.3");
	struct editing x = edits_of(&e);
	json_t *doc;

	(void)state;
	e.srv.capital_ops = false; /* wrongly detected */
	add_bare(&x, EDIT_BLOCK, "127.0.0.9");
	assert_true(editing_encode(&x, true, 0));
	assert_int_equal(editing_decode(&x, true, answer_of(e.tape, "POST /api/settings", "\"insert\"")), DECODE_MORE);
	assert_true(editing_again(&x, true));
	doc = request_doc(&x.req);
	assert_string_equal(json_string_value(json_object_get(json_array_get(doc, 0), "type")), "Insert");
	json_decref(doc);
	assert_int_equal(editing_decode(&x, true, answer_of(e.tape, "POST /api/settings", "\"insert\"")), DECODE_DONE);
	assert_false(x.result[0].ok);
	assert_int_equal(x.result[0].why, ERR_PROTOCOL);
	editing_release(&x);
	era_close(&e);
}

static void refused_writes(void **state)
{
	struct era e = era_open("settings-0.15.5");
	struct editing x = edits_of(&e);

	(void)state;
	add_bare(&x, EDIT_BLOCK, "203.0.113.44");
	assert_true(editing_encode(&x, true, 0));
	assert_int_equal(editing_decode(&x, true, played_answer(tape_nth(e.tape, "POST /api/settings", "\"server.blocked-ip.203.0.113.44\"", 1))), DECODE_DONE);
	assert_false(x.result[0].ok);
	assert_int_equal(x.result[0].why, ERR_CONFLICT);
	assert_true(editing_encode(&x, true, 0));
	assert_int_equal(editing_decode(&x, true, answer_of(e.tape, "POST /api/settings", "may not write")), DECODE_DONE);
	assert_int_equal(x.result[0].why, ERR_PERMISSION);
	assert_non_null(strstr(x.result[0].text, "You do not have enough permissions"));
	editing_release(&x);
	era_close(&e);
}

static void reading_back(void **state)
{
	struct era e = era_open("settings-0.15.5");
	struct editing x = edits_of(&e);

	(void)state;
	editing_add(&x, EDIT_BLOCK, "203.0.113.42");
	editing_add(&x, EDIT_BLOCK, "203.0.113.99");
	assert_true(editing_encode(&x, false, 0));
	assert_int_equal(x.batch.count, 2);
	assert_request(&x.req, tape_find(e.tape, "GET /api/settings/keys?keys=server.blocked-ip.203.0.113.42,server.blocked-ip.203.0.113.99", NULL));
	assert_int_equal(editing_decode(&x, false, answer_of(e.tape, "GET /api/settings/keys?keys=server.blocked-ip.203.0.113.42,*", NULL)), DECODE_DONE);
	assert_true(x.result[0].ok && x.result[1].ok);
	assert_string_equal(x.result[0].value, "");
	assert_null(x.result[1].value);
	editing_release(&x);

	/* a comma would be split: such a key is looked for in the whole list */
	x = edits_of(&e);
	editing_add(&x, EDIT_UNBLOCK, "a,b");
	assert_true(editing_encode(&x, false, 0));
	assert_string_equal(buf_str(&x.req.path), "/api/settings/list?prefix=server.blocked-ip");
	assert_int_equal(editing_decode(&x, false, played_text(200, "application/json", "{\"data\":{\"total\":1,\"items\":{\"a,b\":\"x\"}}}")), DECODE_DONE);
	assert_string_equal(x.result[0].value, "x");
	editing_release(&x);
	era_close(&e);
}

static void scan_paths_read_back(void **state)
{
	struct era e = era_open("settings-0.15.5");
	struct editing x = edits_of(&e);

	(void)state;
	editing_add(&x, EDIT_PATH_REMOVE, "*/wp-*");
	editing_add(&x, EDIT_PATH_ADD, "*.env*");
	assert_true(editing_encode(&x, false, 0));
	assert_int_equal(editing_decode(&x, false, played_text(200, "application/json",
		"{\"data\":{\"server.auto-ban.scan.paths.0000\":\"*.php*\",\"server.auto-ban.scan.paths.0001\":\"*/wp-*\"}}")), DECODE_DONE);
	assert_string_equal(x.result[0].value, "*/wp-*");
	assert_string_equal(x.result[0].id, "0001");
	assert_null(x.result[1].value);
	assert_string_equal(x.result[1].id, "+0002");
	/* nothing stored: the built-in globs are in force */
	assert_true(editing_encode(&x, false, 0));
	assert_int_equal(editing_decode(&x, false, played_text(200, "application/json", "{\"data\":{}}")), DECODE_DONE);
	assert_string_equal(x.result[0].value, "*/wp-*");
	assert_string_equal(x.result[1].id, "=");
	editing_release(&x);
	era_close(&e);
}

/* ---- reloads and counters ---- */

static struct reload_result reload(struct era *e, enum reload_kind kind, const char *call, const char *words)
{
	json_t *ex = tape_find(e->tape, call, words);
	struct reload_result out = { 0 };
	struct cursor cur = { 0 };
	struct err err = ERR_INIT;
	struct request req;
	struct played p = played_answer(ex);

	request_init(&req);
	assert_true(dialect_settings.reload_encode(&e->srv, kind, &cur, &req, &err));
	assert_request(&req, ex);
	assert_int_equal(dialect_settings.reload_decode(&e->srv, kind, &cur, &p.res, &out, &err), DECODE_DONE);
	request_release(&req);
	played_free(&p);
	return out;
}

static void reload_free(struct reload_result *r)
{
	struct config_check *c = xcalloc(1, sizeof(*c));

	c->errors = r->errors;
	c->error_count = r->error_count;
	config_check_free(c);
}

static void reloads(void **state)
{
	struct era e = era_open("settings-0.15.5");
	struct reload_result r;

	(void)state;
	r = reload(&e, RELOAD_BLOCKED, "GET /api/reload/server.blocked-ip", "not networks");
	assert_true(r.ok);
	reload_free(&r);
	r = reload(&e, RELOAD_BLOCKED, "GET /api/reload/server.blocked-ip", "good ones");
	assert_true(r.ok && r.good_ones_live);
	assert_int_equal(r.error_count, 1);
	assert_string_equal(r.errors[0].key, "server.blocked-ip");
	reload_free(&r);
	r = reload(&e, RELOAD_SETTINGS, "GET /api/reload", "ANYWHERE");
	assert_false(r.ok);
	assert_string_equal(r.errors[0].key, "server.auto-ban.auth.rate");
	assert_non_null(strstr(r.errors[0].text, "banana"));
	reload_free(&r);
	r = reload(&e, RELOAD_SETTINGS, "GET /api/reload", "FULL reload refuses");
	assert_false(r.ok || r.good_ones_live);
	reload_free(&r);
	r = reload(&e, RELOAD_CERTS, "GET /api/reload/certificate", "broken key");
	assert_false(r.ok);
	assert_string_equal(r.errors[0].key, "certificate.auto");
	reload_free(&r);
	r = reload(&e, RELOAD_SETTINGS, "GET /api/reload", "may not reload");
	assert_false(r.ok);
	assert_int_equal(r.why, ERR_PERMISSION);
	reload_free(&r);
	era_close(&e);
}

static void a_dry_run_is_a_fetch(void **state)
{
	struct era e = era_open("settings-0.15.5");
	struct fetching f;

	(void)state;
	fetching_init(&f, &dialect_settings, &e.srv, (struct fetch){ .kind = FETCH_CHECK });
	assert_int_equal(fetching_play(&f, tape_find(e.tape, "GET /api/reload?dry-run=true", NULL)), DECODE_DONE);
	assert_int_equal(f.reply.check->error_count + f.reply.check->warning_count, 0);
	fetching_release(&f);
	era_close(&e);
	e = era_open("settings-0.8.1");
	fetching_init(&f, &dialect_settings, &e.srv, (struct fetch){ .kind = FETCH_CHECK });
	assert_true(fetching_encode(&f));
	assert_int_equal(fetching_decode(&f, answer_of(e.tape, "GET /api/reload", NULL)), DECODE_DONE);
	assert_int_equal(f.reply.check->error_count, 0);
	assert_true(f.reply.check->warning_count > 0);
	fetching_release(&f);
	era_close(&e);
}

static void counters_are_reset_class_by_class(void **state)
{
	static const char *const paths[] = { "/api/store/purge/in-memory/default/rate-auth", "/api/store/purge/in-memory/default/rate-scan" };
	unsigned classes = 1u << CLASS_AUTH | 1u << CLASS_SCAN;
	struct server srv = { .threshold_family = FAMILY_AUTO_BAN };
	struct cursor cur = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct played p = played_text(200, "application/json", "{\"data\":null}");
		struct request req;

		request_init(&req);
		assert_true(dialect_settings.reset_encode(&srv, classes, &cur, &req, &err));
		assert_string_equal(buf_str(&req.path), paths[i]);
		assert_int_equal(dialect_settings.reset_decode(&srv, classes, &cur, &p.res, &err), i ? DECODE_DONE : DECODE_MORE);
		request_release(&req);
		played_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_knows_its_own),
		cmocka_unit_test(probe_refuses_strangers),
		cmocka_unit_test(generations_are_told_apart),
		cmocka_unit_test(permissions_of_a_reading_key),
		cmocka_unit_test(lists),
		cmocka_unit_test(a_list_that_is_none),
		cmocka_unit_test(thresholds),
		cmocka_unit_test(thresholds_of_older_families),
		cmocka_unit_test(values_that_are_no_rates),
		cmocka_unit_test(certificates),
		cmocka_unit_test(certificates_without_names),
		cmocka_unit_test(logs),
		cmocka_unit_test(log_of_hostile_items),
		cmocka_unit_test(a_long_page_is_taken_piece_by_piece),
		cmocka_unit_test(a_page_that_is_none),
		cmocka_unit_test(writes_as_recorded),
		cmocka_unit_test(writes_of_older_generations),
		cmocka_unit_test(the_other_case_is_tried_once),
		cmocka_unit_test(refused_writes),
		cmocka_unit_test(reading_back),
		cmocka_unit_test(scan_paths_read_back),
		cmocka_unit_test(reloads),
		cmocka_unit_test(a_dry_run_is_a_fetch),
		cmocka_unit_test(counters_are_reset_class_by_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
