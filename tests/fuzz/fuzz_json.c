/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/jsonwalk on arbitrary bytes: the same items however they are cut, no document that jansson takes is refused, and what is refused by
 * both stays refused. The first byte chooses where to cut. client/json and response_check() read the rest as an answer's body. */
#include <jansson.h>

#include "client/json.h"
#include "client/jsonwalk.h"
#include "core/buf.h"
#include "core/mem.h"
#include "core/text.h"
#include "tests/fuzz/fuzz.h"

struct walk {
	uint64_t sum;
	size_t items, strings;
	int last_depth;
};

static void mix(struct walk *w, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		w->sum = (w->sum ^ p[i]) * 1099511628211u;
}

static void on_item(void *arg, const struct json_path *path, const struct json_item *item)
{
	struct walk *w = arg;

	MUST(path->depth >= 0 && path->depth <= JSONWALK_DEPTH_MAX);
	for (int i = 0; i < path->depth && i < 16; i++) {
		mix(w, &path->level[i].index, sizeof(path->level[i].index));
		if (path->level[i].key) {
			MUST(path->level[i].key[path->level[i].key_len] == '\0');
			mix(w, path->level[i].key, path->level[i].key_len);
		}
	}
	mix(w, &item->type, sizeof(item->type));
	if (item->type == JSON_ITEM_STRING || item->type == JSON_ITEM_NUMBER) {
		MUST(item->len == 0 || item->s);
		MUST(item->len <= JSONWALK_STRING_MAX + 16);
		mix(w, item->s, item->len);
	}
	w->items++;
	w->strings += item->type == JSON_ITEM_STRING;
	w->last_depth = path->depth;
}

static bool run(const char *s, size_t len, size_t piece, struct walk *w)
{
	struct jsonwalk *j = jsonwalk_new(on_item, w);
	struct err err = ERR_INIT;
	bool ok = true;

	*w = (struct walk){ .sum = 14695981039346656037u };
	for (size_t i = 0; i < len && ok; i += piece) {
		size_t n = len - i < piece ? len - i : piece;
		char *copy = xmemdup(s + i, n); /* its own memory: a look past it is found */

		ok = jsonwalk_feed(j, copy, n, &err);
		free(copy);
	}
	ok = ok && jsonwalk_finish(j, &err);
	MUST(ok == (err.code == ERR_NONE));
	MUST(!ok || w->last_depth == 0);
	jsonwalk_free(j);
	return ok;
}

static void read_as_answer(const char *s, size_t len)
{
	struct response res = { .status = 200 + (int)(len % 400), .body = s, .len = len, .retry_after_ms = -1 };
	struct err err = ERR_INIT;
	json_t *doc = json_read(s, len, NULL);
	struct buf out = BUF_INIT;
	char text[64];
	int64_t n;
	bool b;

	snprintf(res.type, sizeof(res.type), "%s", len % 3 ? "application/problem+json" : "text/plain");
	response_check(&res, &err);
	MUST(text_is_safe(err.msg, strlen(err.msg)));
	json_get_text(doc, "title", text, sizeof(text));
	MUST(text_is_safe(text, strlen(text)));
	json_get_int(doc, "n", &n);
	json_get_bool(json_object_get(doc, "data"), "b", &b);
	json_put_str(&out, s, len);
	json_decref(doc);
	doc = json_loadb(out.data, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL); /* whatever the bytes, a JSON string */
	MUST(json_is_string(doc));
	json_decref(doc);
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct walk whole, cut, bytes;
	json_t *doc;
	char *s;
	bool ok;

	if (size < 1)
		return 0;
	s = xmemdup(data + 1, size - 1);
	ok = run(s, size - 1, size, &whole);
	MUST(run(s, size - 1, 1 + data[0] % 61, &cut) == ok);
	MUST(run(s, size - 1, 1, &bytes) == ok);
	if (ok)
		MUST(whole.sum == cut.sum && whole.sum == bytes.sum && whole.items == bytes.items);
	doc = json_loadb(s, size - 1, JSON_ALLOW_NUL, NULL);
	MUST(!doc || ok || size > JSONWALK_TOKEN_MAX || memchr(s, '\0', size - 1)); /* jansson takes a NUL between values for a blank */
	json_decref(doc);
	read_as_answer(s, size - 1);
	free(s);
	return 0;
}
