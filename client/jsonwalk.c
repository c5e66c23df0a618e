/* SPDX-License-Identifier: GPL-3.0-or-later */
/* yajl with a path, a depth cap, and a cutter in front of it. The cutter is there because yajl reads a token anew from its start with
 * every piece fed: a string of 64 MB in pieces of 16 KiB would take minutes. It also takes the pairs of a long object of simple strings past
 * yajl, which is nearly all there is in a list. Knows no dialect. */
#include "client/jsonwalk.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#include "core/buf.h"
#include "core/mem.h"

#define LEVELS (sizeof(((struct json_path *)NULL)->level) / sizeof(((struct json_path *)NULL)->level[0]))
#define PIECE_MAX ((size_t)16 << 10) /* fed to yajl at once */
#define ESCAPE_LETTER 100
#define ONES UINT64_C(0x0101010101010101)
#define HIGH (ONES * 0x80)

struct jsonwalk {
	yajl_handle yajl;
	jsonwalk_fn fn;
	void *arg;
	struct json_path path;
	struct buf key[LEVELS];  /* path.level[].key points here */
	int depth;               /* of containers open now, also beyond LEVELS */
	bool failed, too_deep;
	/* the cutter */
	bool in_string, dropping, drop_escaped;
	int escape;              /* bytes left of an escape sequence; ESCAPE_LETTER right after the backslash */
	size_t token;            /* bytes of the string or word so far */
	struct buf value;        /* of a pair that has passed the parser by, without its escapes */
};

/* ---- path ---- */

/* Before a value: in an array it is the next element. */
static bool enter_value(struct jsonwalk *w)
{
	if (w->depth + 1 > JSONWALK_DEPTH_MAX) {
		w->too_deep = true;
		return false;
	}
	return true;
}

/* After a value: the next element of an array has the next index. */
static void leave_value(struct jsonwalk *w)
{
	int d = w->depth - 1;

	if (d >= 0 && d < (int)LEVELS)
		w->path.level[d].index++;
}

static void deliver(struct jsonwalk *w, const struct json_item *item)
{
	w->path.depth = w->depth;
	w->fn(w->arg, &w->path, item);
}

static int scalar(struct jsonwalk *w, const struct json_item *item)
{
	if (!enter_value(w))
		return 0;
	deliver(w, item);
	leave_value(w);
	return 1;
}

static int open_container(struct jsonwalk *w)
{
	int d = w->depth;

	if (!enter_value(w))
		return 0;
	w->depth++;
	if (d >= (int)LEVELS)
		return 1;
	w->path.level[d].key = NULL;
	w->path.level[d].key_len = 0;
	w->path.level[d].index = 0;
	return 1;
}

static int close_container(struct jsonwalk *w, enum json_type type)
{
	struct json_item item = { .type = type };

	w->depth--;
	deliver(w, &item);
	leave_value(w);
	return 1;
}

/* ---- what yajl calls ---- */

static int on_null(void *arg)
{
	struct json_item item = { .type = JSON_ITEM_NULL };

	return scalar(arg, &item);
}

static int on_boolean(void *arg, int b)
{
	struct json_item item = { .type = JSON_ITEM_BOOL, .b = b != 0 };

	return scalar(arg, &item);
}

static int on_number(void *arg, const char *s, size_t len)
{
	struct json_item item = { .type = JSON_ITEM_NUMBER, .s = s, .len = len };

	return scalar(arg, &item);
}

static int on_string(void *arg, const unsigned char *s, size_t len)
{
	struct json_item item = { .type = JSON_ITEM_STRING, .s = (const char *)s, .len = len };

	return scalar(arg, &item);
}

static int on_start_map(void *arg)
{
	return open_container(arg);
}

static int on_map_key(void *arg, const unsigned char *s, size_t len)
{
	struct jsonwalk *w = arg;
	int d = w->depth - 1;

	if (d < 0 || d >= (int)LEVELS)
		return 1;
	buf_reset(&w->key[d]);
	buf_add(&w->key[d], s, len);
	w->path.level[d].key = buf_str(&w->key[d]);
	w->path.level[d].key_len = w->key[d].len;
	return 1;
}

static int on_end_map(void *arg)
{
	return close_container(arg, JSON_ITEM_OBJECT_END);
}

static int on_start_array(void *arg)
{
	return open_container(arg);
}

static int on_end_array(void *arg)
{
	return close_container(arg, JSON_ITEM_ARRAY_END);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_map_key,
	.yajl_end_map = on_end_map,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end_array,
};

struct jsonwalk *jsonwalk_new(jsonwalk_fn fn, void *arg)
{
	struct jsonwalk *w = xcalloc(1, sizeof(*w));

	w->value.secret = true; /* a list of settings may hold keys */
	w->fn = fn;
	w->arg = arg;
	w->yajl = yajl_alloc(&callbacks, NULL, w);
	if (!w->yajl)
		die("out of memory");
	yajl_config(w->yajl, yajl_dont_validate_strings, 1);
	return w;
}

void jsonwalk_free(struct jsonwalk *w)
{
	if (!w)
		return;
	yajl_free(w->yajl);
	for (size_t i = 0; i < LEVELS; i++)
		buf_wipe(&w->key[i]);
	buf_wipe(&w->value);
	free(w);
}

static bool give_up(struct jsonwalk *w, struct err *err, const char *why)
{
	w->failed = true;
	return err_set(err, ERR_PROTOCOL, "the answer is not JSON: %s", why);
}

/* yajl's words without the excerpt it can add: that would quote the server's text. */
static bool yajl_refused(struct jsonwalk *w, struct err *err)
{
	unsigned char *text;

	if (w->too_deep)
		return give_up(w, err, "nested too deeply");
	text = yajl_get_error(w->yajl, 0, NULL, 0);
	give_up(w, err, text ? (const char *)text : "parse error");
	yajl_free_error(w->yajl, text);
	return false;
}

static bool parse(struct jsonwalk *w, const char *s, size_t len, struct err *err)
{
	while (len > 0) {
		size_t n = len < PIECE_MAX ? len : PIECE_MAX;

		if (yajl_parse(w->yajl, (const unsigned char *)s, n) != yajl_status_ok)
			return yajl_refused(w, err);
		s += n;
		len -= n;
	}
	return true;
}

/* ---- the cutter ---- */

/* Plain bytes of a string up to its quote or a backslash. */
static size_t plain_run(const char *s, size_t len)
{
	const char *quote = memchr(s, '"', len);
	size_t n = quote ? (size_t)(quote - s) : len;
	const char *back = memchr(s, '\\', n);

	return back ? (size_t)(back - s) : n;
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '-' ||
		c == '.';
}

/* One byte of an escape sequence: a backslash, its letter, four digits after a u. */
static void string_escape(struct jsonwalk *w, char c)
{
	if (w->escape == 0)
		w->escape = ESCAPE_LETTER;
	else if (w->escape == ESCAPE_LETTER)
		w->escape = c == 'u' ? 4 : 0;
	else
		w->escape--;
	w->token++;
}

/* Bytes at s that are in the string and go on to yajl; 0 = what follows is over the limit. */
static size_t string_run(struct jsonwalk *w, const char *s, size_t len)
{
	size_t n;

	if (w->escape == 0 && *s == '"') {
		w->in_string = false;
		w->token = 0;
		return 1;
	}
	if (w->escape == 0 && w->token >= JSONWALK_STRING_MAX)
		return 0;
	if (w->escape || *s == '\\') {
		string_escape(w, *s);
		return 1;
	}
	n = plain_run(s, len);
	if (n > JSONWALK_STRING_MAX - w->token)
		n = JSONWALK_STRING_MAX - w->token;
	w->token += n;
	return n;
}

/* Bytes at s up to the string's closing quote, which is left. */
static size_t string_drop(struct jsonwalk *w, const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		if (w->drop_escaped) {
			w->drop_escaped = false;
			i++;
			continue;
		}
		i += plain_run(s + i, len - i);
		if (i == len)
			break;
		if (s[i] == '"') {
			w->dropping = false;
			break;
		}
		w->drop_escaped = true;
		i++;
	}
	return i;
}

/* One byte outside strings. */
static bool plain_byte(struct jsonwalk *w, char c)
{
	if (c == '"') {
		w->in_string = true;
		w->token = 0;
		return true;
	}
	w->token = is_word(c) ? w->token + 1 : 0;
	return w->token <= JSONWALK_TOKEN_MAX;
}

/* ---- past yajl: `"plain":"simple",` after a comma in an object leaves yajl where it stands ---- */

static uint64_t zero_bytes(uint64_t w)
{
	return (w - ONES) & ~w & HIGH;
}

/* Bytes of a string up to a quote, a backslash or a control character; all of it, or some less, when there is none. */
static size_t run_of_plain(const char *s, const char *end)
{
	const char *p = s;
	uint64_t w, stop;

	for (; (size_t)(end - p) >= sizeof(w); p += sizeof(w)) {
		memcpy(&w, p, sizeof(w));
		w = le64toh(w);
		stop = zero_bytes(w ^ ONES * '"') | zero_bytes(w ^ ONES * '\\') | ((w - ONES * 0x20) & ~w & HIGH);
		if (stop) /* the lowest bit set is exact, only those above it may be false */
			return (size_t)(p - s) + (size_t)__builtin_ctzll(stop) / 8;
	}
	return (size_t)(p - s);
}

/* What an escape of one letter stands for; '\0' when it is none. */
static char letter_of(char c)
{
	static const char letters[256] = { ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t' };

	return letters[(unsigned char)c];
}

/* Bytes of a string that stands in [s, end) whole, with escapes of one letter at most; -1 when it does not. s is behind its opening quote. */
static ptrdiff_t simple_string(const char *s, const char *end, bool *has_escapes)
{
	const char *p = s;

	for (*has_escapes = false;; *has_escapes = true) {
		p += run_of_plain(p, end);
		if (end - p < 2 || (size_t)(p - s) >= JSONWALK_STRING_MAX)
			return -1;
		if (*p == '"')
			return p - s;
		if (*p != '\\' || !letter_of(p[1]))
			return -1;
		p += 2;
	}
}

struct pair {
	const char *key, *raw, *value, *next; /* raw: the value as it came */
	size_t key_len, raw_len, value_len;
	bool has_escapes;                     /* the value has */
	bool is_same;                         /* value as in the pair before */
};

/* Most entries of a list have the same value: then it is not taken apart again. */
static bool is_same_value(const char *s, const char *end, const struct pair *p)
{
	return p->raw && (size_t)(end - s) > p->raw_len && !memcmp(s, p->raw, p->raw_len + 1);
}

/* s is where a key may begin. */
static bool simple_pair(const char *s, const char *end, struct pair *p)
{
	bool key_escapes;
	ptrdiff_t n;

	if (s == end || *s != '"' || (n = simple_string(s + 1, end, &key_escapes)) < 0 || key_escapes)
		return false;
	p->key = s + 1;
	p->key_len = (size_t)n;
	s = p->key + n + 1;
	if (end - s < 2 || s[0] != ':' || s[1] != '"')
		return false;
	s += 2;
	p->is_same = is_same_value(s, end, p);
	if (!p->is_same && (n = simple_string(s, end, &p->has_escapes)) < 0)
		return false;
	p->raw_len = p->is_same ? p->raw_len : (size_t)n;
	p->raw = s;
	s += p->raw_len + 1;
	p->next = s + 1;
	return s < end && *s == ',';
}

/* The value is in `out` afterwards. Values of a list have an escape every few bytes: byte by byte is fastest. */
static void unescape(struct pair *p, struct buf *out)
{
	const char *s = p->raw, *end = s + p->raw_len;
	char *to, *begin;

	buf_reset(out);
	to = begin = buf_room(out, p->raw_len);
	while (to && s < end) {
		bool is_escape = *s == '\\';

		*to++ = is_escape ? letter_of(s[1]) : *s;
		s += 1 + is_escape;
	}
	if (to)
		buf_used(out, (size_t)(to - begin));
	p->value = buf_str(out);
	p->value_len = out->len;
}

static bool is_in_object(const struct jsonwalk *w)
{
	return w->depth > 0 && w->depth <= (int)LEVELS && w->path.level[w->depth - 1].key;
}

/* Delivers the pairs at s, after yajl has read a comma; returns where yajl is to go on. */
static const char *simple_pairs(struct jsonwalk *w, const char *s, const char *end)
{
	struct pair p = { 0 };

	while (simple_pair(s, end, &p)) {
		on_map_key(w, (const unsigned char *)p.key, p.key_len);
		if (!p.has_escapes) {
			p.value = p.raw;
			p.value_len = p.raw_len;
		} else if (!p.is_same) {
			unescape(&p, &w->value);
		}
		on_string(w, (const unsigned char *)p.value, p.value_len);
		s = p.next;
	}
	return s;
}

/* A comma is at data[i - 1] and everything before data[start] is with yajl. Both are moved on when pairs follow. */
static bool skip_pairs(struct jsonwalk *w, const char *data, size_t len, size_t *start, size_t *i, struct err *err)
{
	struct pair p = { 0 };

	if (!simple_pair(data + *i, data + len, &p))
		return true;
	if (!parse(w, data + *start, *i - *start, err))
		return false;
	*start = *i;
	if (is_in_object(w))
		*start = *i = (size_t)(simple_pairs(w, data + *i, data + len) - data);
	return true;
}

bool jsonwalk_feed(struct jsonwalk *w, const char *data, size_t len, struct err *err)
{
	size_t i = 0, start = 0, n;

	if (w->failed)
		return false;
	while (i < len) {
		if (w->dropping) {
			i += string_drop(w, data + i, len - i);
			start = i;
		} else if (!w->in_string) {
			if (!plain_byte(w, data[i]))
				return give_up(w, err, "a number or word without end");
			if (data[i++] == ',' && !skip_pairs(w, data, len, &start, &i, err))
				return false;
		} else if ((n = string_run(w, data + i, len - i)) > 0) {
			i += n;
		} else {
			if (!parse(w, data + start, i - start, err))
				return false;
			w->dropping = true;
		}
	}
	return parse(w, data + start, i - start, err);
}

bool jsonwalk_finish(struct jsonwalk *w, struct err *err)
{
	if (w->failed)
		return false;
	if (yajl_complete_parse(w->yajl) != yajl_status_ok)
		return yajl_refused(w, err);
	return true;
}
