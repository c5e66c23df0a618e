/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/dialect_pairs: lists in all their shapes, the edits that wait for their keys; and that every dialect takes a long list as it comes
 * by: what one piece of it costs is bounded, and nothing is left for the end. */
#include "client/dialect_pairs.h"
#include "tests/unit/transcript.h"

/* ---- shapes ---- */

struct seen {
	struct pairs pairs;
	char text[256];
};

static void on_pair(void *arg, const char *key, size_t len, const struct json_item *v)
{
	struct seen *s = arg;
	size_t at = strlen(s->text);

	if (!key)
		s->text[0] = '\0';
	else
		snprintf(s->text + at, sizeof(s->text) - at, "%.*s=%.*s;", (int)len, key,
			v->type == JSON_ITEM_STRING || v->type == JSON_ITEM_NUMBER ? (int)v->len : 4,
			v->type == JSON_ITEM_STRING || v->type == JSON_ITEM_NUMBER ? v->s : v->type == JSON_ITEM_NULL ? "null" : v->b ? "true" : "fals");
}

static void on_item(void *arg, const struct json_path *path, const struct json_item *item)
{
	struct seen *s = arg;

	pairs_item(&s->pairs, path, item, on_pair, s);
}

static bool walk(struct seen *s, const char *text, struct err *err)
{
	struct response res = { .status = 200, .body = text, .len = strlen(text) };
	struct jsonwalk *w = jsonwalk_new(on_item, s);

	*s = (struct seen){ 0 };
	pairs_begin(&s->pairs);
	res.stream_ok = jsonwalk_feed(w, text, strlen(text), NULL) && jsonwalk_finish(w, NULL);
	jsonwalk_free(w);
	return pairs_check(&s->pairs, &res, err);
}

static void every_shape_of_a_list(void **state)
{
	static const struct { const char *text, *pairs; } shapes[] = {
		{ "{\"data\":{\"a\":true,\"b\":\"x\"}}", "a=true;b=x;" },
		{ "{\"a\":1,\"b\":null}", "a=1;b=null;" },
		{ "[[\"a\",false],[\"b\",\"y\"]]", "a=fals;b=y;" },
		{ "{\"data\":[[\"a\",true]]}", "a=true;" },
		{ "[{\"key\":\"a\",\"value\":true},{\"value\":\"v\",\"key\":\"b\"}]", "a=true;b=v;" },
		{ "{\"data\":[{\"key\":\"a\",\"value\":3,\"note\":\"n\"}]}", "a=3;" },
		{ "{\"data\":{\"total\":2,\"items\":{\"a\":\"\"}}}", "a=;" },
		{ "{\"data\":{\"items\":{\"a\":\"\"},\"total\":2}}", "a=;" },
		{ "{\"status\":\"ok\",\"data\":{\"a\":\"1\"},\"more\":false}", "a=1;" },
		{ "{\"total\":0,\"data\":{}}", "" },
		{ "{\"items\":[[\"a\"]]}", "a=null;" },
		{ "{\"data\":null}", "" },
		{ "{}", "" },
		{ "[]", "" },
		{ "{\"a\":{\"b\":\"deeper\"},\"c\":\"d\"}", "c=d;" },
		{ "[[\"a\",[\"deeper\",{\"x\":1}]]]", "a=null;" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct err err = ERR_INIT;
		struct seen s;

		if (!walk(&s, shapes[i].text, &err))
			fail_msg("%s: %s", shapes[i].text, err.msg);
		if (strcmp(s.text, shapes[i].pairs) != 0)
			fail_msg("%s: %s", shapes[i].text, s.text);
		pairs_release(&s.pairs);
	}
}

static void what_is_no_list_is_refused(void **state)
{
	static const struct { const char *text; enum err_code code; } bad[] = {
		{ "", ERR_PROTOCOL }, { "7", ERR_PROTOCOL }, { "\"x\"", ERR_PROTOCOL }, { "null", ERR_PROTOCOL },
		{ "{\"data\":\"x\"}", ERR_PROTOCOL }, { "{\"data\":true}", ERR_PROTOCOL }, { "[\"1.2.3.4\"]", ERR_PROTOCOL },
		{ "[{\"value\":1}]", ERR_PROTOCOL }, { "[[7,8]]", ERR_PROTOCOL },
		{ "{\"data\":{\"a\":true}", ERR_PROTOCOL }, { "{\"data\":{\"a\":true}} x", ERR_PROTOCOL },
		{ "{\"error\":\"notFound\"}", ERR_SERVER }, { "{\"data\":{},\"error\":{\"code\":5}}", ERR_SERVER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = ERR_INIT;
		struct seen s;

		if (walk(&s, bad[i].text, &err))
			fail_msg("%s passes: %s", bad[i].text, s.text);
		assert_int_equal(err.code, bad[i].code);
		pairs_release(&s.pairs);
	}
}

/* ---- edits ---- */

static void every_edit_of_a_key_is_told(void **state)
{
	struct edit_result result[4] = { { 0 } };
	struct batch b = { .change = change_new(), .first = 1, .count = 4, .result = result };
	struct change *c = (struct change *)(uintptr_t)b.change;
	struct targets *t;

	(void)state;
	change_add(c, EDIT_BLOCK, "203.0.113.9"); /* before the batch */
	change_add(c, EDIT_BLOCK, "203.0.113.1");
	change_add(c, EDIT_UNBLOCK, "203.0.113.2");
	change_add(c, EDIT_EXPIRY, "203.0.113.1");
	change_add(c, EDIT_BLOCK, "");
	t = targets_new(&b);
	targets_take(t, "203.0.113.1", 11, "x\"", 1, "id1");
	targets_take(t, "203.0.113.1", 11, "later", 5, NULL); /* the first word stands */
	targets_take(t, "203.0.113.12", 12, "", 0, NULL);
	targets_take(t, "203.0.113.2\0", 12, "", 0, NULL);
	targets_take(t, "203.0.113.9", 11, "", 0, NULL);
	assert_string_equal(result[0].value, "x");
	assert_string_equal(result[0].id, "id1");
	assert_string_equal(result[2].value, "x");
	assert_null(result[1].value);
	assert_null(result[3].value);
	assert_false(result[1].ok);
	targets_known(t);
	assert_true(result[0].ok && result[1].ok && result[3].ok);
	targets_forget(t);
	assert_null(result[0].value);
	assert_null(result[2].id);
	targets_free(t);
	change_free(c);
}

/* ---- a hundred thousand entries ---- */

#define MANY ((size_t)100000)
#define CHUNK ((size_t)16384) /* what one turn of the loop is given at the least (curl's buffer) */
#define KEPT ((size_t)65536)  /* what a session keeps of a streamed body */

static void name_of(size_t i, char *out, size_t size)
{
	snprintf(out, size, "10.%zu.%zu.%zu", i >> 16 & 255, i >> 8 & 255, i & 255);
}

typedef void (*row_fn)(struct buf *out, const char *address, size_t i);

static void row_map(struct buf *out, const char *address, size_t i)
{
	buf_addf(out, "%s\"%s\":true", i ? "," : "", address);
}

static void row_full_pair(struct buf *out, const char *address, size_t i)
{
	buf_addf(out, "%s[\"server.blocked-ip.%s\",true]", i ? "," : "", address);
}

static void row_record(struct buf *out, const char *address, size_t i)
{
	buf_addf(out, "%s{\"key\":\"server.blocked-ip.%s\",\"value\":true}", i ? "," : "", address);
}

static void row_config(struct buf *out, const char *address, size_t i)
{
	buf_addf(out, "%s[\"server.security.blocked-networks.%s\",\"\"]", i ? "," : "", address);
}

static void row_text(struct buf *out, const char *address, size_t i)
{
	buf_addf(out, "%s\"%s\":\"\"", i ? "," : "", address);
}

struct shape { const struct dialect_ops *ops; const char *begin, *end; row_fn row; };
static const struct shape shapes[] = {
	{ &dialect_rest, "{\"data\":{", "}}", row_map },
	{ &dialect_rest, "{", "}", row_map },
	{ &dialect_rest, "[", "]", row_full_pair },
	{ &dialect_rest, "{\"data\":[", "]}", row_record },
	{ &dialect_config, "{\"data\":[", "]}", row_config },
	{ &dialect_settings, "{\"data\":{\"total\":100000,\"items\":{", "}}}", row_text },
};

static void long_list(const struct shape *s, struct buf *out)
{
	char name[40];

	buf_init(out, 256u << 20);
	buf_adds(out, s->begin);
	for (size_t i = 0; i < MANY; i++) {
		name_of(i, name, sizeof(name));
		s->row(out, name, i);
	}
	buf_adds(out, s->end);
}

/* What a piece adds is bounded by its bytes; the last answer to decode adds nothing, and sees no more than the first bytes. */
static void a_long_list_is_taken_piece_by_piece(void **state)
{
	struct server srv = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct response res = { .status = 200 };
		struct jsonwalk *w;
		struct fetching f;
		struct buf body;
		size_t before, most = 0;

		long_list(&shapes[i], &body);
		fetching_init(&f, shapes[i].ops, &srv, (struct fetch){ .kind = FETCH_LIST });
		assert_true(fetching_encode(&f));
		assert_true(f.req.stream);
		w = jsonwalk_new(fetching_item, &f);
		for (size_t at = 0; at < body.len; at += CHUNK) {
			before = f.reply.list->count;
			assert_true(jsonwalk_feed(w, body.data + at, body.len - at < CHUNK ? body.len - at : CHUNK, NULL));
			most = f.reply.list->count - before > most ? f.reply.list->count - before : most;
		}
		assert_true(most <= CHUNK / strlen("\"10.0.0.0\":\"\",") + 1);
		assert_int_equal(f.reply.list->count, MANY);
		res.stream_ok = jsonwalk_finish(w, NULL);
		res.body = body.data;
		res.len = KEPT;
		body.data[KEPT] = '\0';
		assert_int_equal(f.ops->fetch_decode(&srv, &f.job, &res, &f.err), DECODE_DONE);
		assert_int_equal(f.reply.list->count, MANY);
		jsonwalk_free(w);
		fetching_release(&f);
		buf_release(&body);
	}
}

/* Reading a few entries for a change goes through the same lists. */
static void a_change_reads_a_long_list_the_same_way(void **state)
{
	struct server srv = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct response res = { .status = 200 };
		struct jsonwalk *w;
		struct editing x;
		struct buf body;

		if (shapes[i].ops == &dialect_settings)
			continue; /* asks for single keys */
		long_list(&shapes[i], &body);
		editing_init(&x, shapes[i].ops, &srv);
		editing_add(&x, EDIT_BLOCK, "10.1.134.159"); /* the last one */
		editing_add(&x, EDIT_UNBLOCK, "10.0.0.0");
		editing_add(&x, EDIT_BLOCK, "10.200.0.0");
		assert_true(editing_encode(&x, false, 0));
		assert_int_equal(x.batch.count, 3);
		assert_true(x.req.stream);
		w = jsonwalk_new(editing_item, &x);
		for (size_t at = 0; at < body.len; at += CHUNK)
			assert_true(jsonwalk_feed(w, body.data + at, body.len - at < CHUNK ? body.len - at : CHUNK, NULL));
		assert_non_null(x.result[0].value); /* known before the end */
		assert_non_null(x.result[1].value);
		assert_null(x.result[2].value);
		res.stream_ok = jsonwalk_finish(w, NULL);
		res.body = body.data;
		res.len = KEPT;
		body.data[KEPT] = '\0';
		assert_int_equal(x.ops->read_decode(&srv, &x.batch, &res, &x.err), DECODE_DONE);
		assert_true(x.result[0].ok && x.result[1].ok && x.result[2].ok);
		assert_null(x.result[2].value);
		jsonwalk_free(w);
		editing_release(&x);
		buf_release(&body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape_of_a_list),
		cmocka_unit_test(what_is_no_list_is_refused),
		cmocka_unit_test(every_edit_of_a_key_is_told),
		cmocka_unit_test(a_long_list_is_taken_piece_by_piece),
		cmocka_unit_test(a_change_reads_a_long_list_the_same_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
