/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filters: from typed words to terms, and rows against them. What each key takes and matches is in
 * filter_keys.c. */
#include "model/filter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/filter_private.h"

#define TEXT_MAX  4096 /* bytes of a whole filter */
#define TERMS_MAX 64

/* One word as typed. */
struct word {
	bool negated;
	bool is_quoted;  /* began with a quote: plain text whatever it looks like */
	bool is_regex;   /* /between slashes/, which are not in text */
	struct buf text; /* quotes removed */
	size_t raw_len;  /* bytes of the source it took, "!" included */
};

/* Bytes of "/…/" at s, blanks inside allowed; 0 if it is not that. A path alone, or two of them, is
 * no expression. */
static size_t regex_length(const char *s)
{
	if (*s != '/')
		return 0;
	for (size_t i = 1; s[i]; i++) {
		if (s[i] != '/')
			continue;
		if (isspace((unsigned char)s[i - 1]))
			return 0;
		if (i > 1 && (!s[i + 1] || isspace((unsigned char)s[i + 1])))
			return i + 1;
	}
	return 0;
}

static void scan_word(const char *s, struct word *w)
{
	const char *p = s;
	bool in_quotes = false;

	w->negated = *p == '!';
	p += w->negated;
	w->raw_len = regex_length(p);
	if (w->raw_len) {
		w->is_regex = true;
		buf_add(&w->text, p + 1, w->raw_len - 2);
		w->raw_len += w->negated;
		return;
	}
	w->is_quoted = *p == '"';
	for (; *p && (in_quotes || !isspace((unsigned char)*p)); p++) {
		if (*p == '"')
			in_quotes = !in_quotes;
		else if (in_quotes && *p == '\\' && p[1] == '"')
			buf_addc(&w->text, *++p);
		else
			buf_addc(&w->text, *p);
	}
	w->raw_len = (size_t)(p - s);
}

static void term_release(struct filter_term *t)
{
	free(t->word);
	free(t->value);
	filter_regex_free(t->regex);
}

/* Adds a term whose key and operator are known. */
static bool add_term(struct filter *f, struct filter_term *t, const char *word, const char *value,
	int64_t now, struct err *err)
{
	if (f->count >= TERMS_MAX)
		return err_set(err, ERR_USAGE, "a filter has at most %d words", TERMS_MAX);
	t->word = xstrdup(word);
	t->value = xstrdup(value);
	if (t->key->parse && !t->key->parse(t, now, err)) {
		term_release(t);
		return false;
	}
	xgrow(&f->terms, &f->cap, f->count + 1, sizeof(*f->terms));
	size_t at = f->count++;
	for (; at && f->terms[at - 1].key->cost > t->key->cost; at--)
		f->terms[at] = f->terms[at - 1];
	f->terms[at] = *t;
	return true;
}

static size_t key_length(const char *s)
{
	size_t n = 0;

	while (isalpha((unsigned char)s[n]))
		n++;
	return n;
}

/* "<", ">", "<=", ">=" or ":" at s; returns its length, 0 if there is none. */
static size_t scan_op(const char *s, struct filter_term *t)
{
	t->op = *s == '<' ? FILTER_LESS : *s == '>' ? FILTER_MORE : FILTER_IS;
	t->or_equal = t->op != FILTER_IS && s[1] == '=';
	if (t->op == FILTER_IS && *s != ':')
		return 0;
	return t->or_equal ? 2 : 1;
}

/* All hexadecimal digits before the first colon: an IPv6 address, not a key nobody knows. */
static bool looks_like_address(const char *s, size_t len)
{
	return strspn(s, "0123456789abcdefABCDEF") >= len;
}

static bool unknown_key(const struct filter *f, const char *word, size_t len, struct err *err)
{
	enum filter_kind other = f->kind == FILTER_LIST ? FILTER_LOG : FILTER_LIST;

	if (filter_key_find(other, word, len))
		return err_set(err, ERR_USAGE,
			"%s: %.*s: works in %s only; to look for it as text, put it in double "
			"quotes",
			word, (int)len, word, other == FILTER_LOG ? "logs" : "lists");
	struct buf known = BUF_INIT;
	for (size_t i = 0; filter_word(f->kind, i); i++)
		buf_addf(&known, "%s%s", i ? " " : "", filter_word(f->kind, i));
	err_set(err, ERR_USAGE,
		"%s: no such filter; known are %s; to look for it as text, put it in double quotes",
		word, buf_str(&known));
	buf_release(&known);
	return false;
}

static bool wrong_op(const struct filter_key *key, const char *word, struct err *err)
{
	if (*key->ops == ':')
		return err_set(err, ERR_USAGE, "%s: write %s:…", word, key->name);
	if (*key->ops)
		return err_set(
			err, ERR_USAGE, "%s: write %s<… or %s>…", word, key->name, key->name);
	return err_set(err, ERR_USAGE, "%s: %s stands alone", word, key->name);
}

/* A word of the form key:value, key<value, or one that stands alone; anything else is plain text.
 */
static bool add_keyed(
	struct filter *f, struct filter_term *t, const char *word, int64_t now, struct err *err)
{
	size_t len = key_length(word), op_len = scan_op(word + len, t);

	t->key = len ? filter_key_find(f->kind, word, len) : NULL;
	if (t->key &&
		(op_len ? strchr(t->key->ops, word[len]) != NULL : !*t->key->ops && !word[len]))
		return add_term(f, t, word, word + len + op_len, now, err);
	if (t->key && op_len)
		return wrong_op(t->key, word, err);
	if (len && word[len] == ':' && !t->key && !looks_like_address(word, len))
		return unknown_key(f, word, len, err);
	t->key = filter_key_text();
	return add_term(f, t, word, word, now, err);
}

static bool add_word(struct filter *f, const struct word *w, int64_t now, struct err *err)
{
	struct filter_term t = {.negated = w->negated, .op = FILTER_IS};
	const char *text = buf_str(&w->text);

	if (!w->text.len)
		return err_set(err, ERR_USAGE,
			w->negated ? "! needs a word after it" : "\"\" is no word to look for");
	if (w->is_quoted) {
		t.key = filter_key_text();
		return add_term(f, &t, text, text, now, err);
	}
	if (w->is_regex) {
		t.key = filter_key_regex();
		return add_term(f, &t, text, text, now, err);
	}
	return add_keyed(f, &t, text, now, err);
}

/* "in 203.0.113.7" is "in:203.0.113.7": returns the bytes of the second word, 0 if it is not that.
 */
static size_t join_in(const struct filter *f, struct word *w, const char *rest)
{
	struct net n;
	size_t blanks = strspn(rest, " \t"), len = strcspn(rest + blanks, " \t\r\n");

	if (f->kind != FILTER_LIST || w->is_quoted || strcmp(buf_str(&w->text), "in") != 0 ||
		!net_parse(rest + blanks, len, &n, NULL))
		return 0;
	buf_addc(&w->text, ':');
	buf_add(&w->text, rest + blanks, len);
	return blanks + len;
}

struct filter *filter_parse(enum filter_kind kind, const char *text, int64_t now, struct err *err)
{
	struct filter *f = xcalloc(1, sizeof(*f));
	bool ok = true;

	f->kind = kind;
	if (strlen(text) > TEXT_MAX)
		ok = err_set(err, ERR_USAGE, "the filter has %zu bytes; the longest is %d",
			strlen(text), TEXT_MAX);
	while (ok) {
		struct word w = {.text = BUF_INIT};

		while (isspace((unsigned char)*text))
			text++;
		if (!*text)
			break;
		scan_word(text, &w);
		text += w.raw_len;
		text += join_in(f, &w, text);
		ok = add_word(f, &w, now, err);
		buf_release(&w.text);
	}
	if (ok)
		return f;
	filter_free(f);
	return NULL;
}

bool filter_add(struct filter *f, const char *key, const char *value, int64_t now, struct err *err)
{
	struct filter_term t = {.op = FILTER_IS};
	size_t len = key_length(key);
	char *word = xasprintf("%s%s%s", key, !*key || key[len] ? "" : ":", value);
	bool ok;

	if (key[len])
		scan_op(key + len, &t);
	t.key = filter_key_find(f->kind, key, len);
	if (!t.key)
		ok = unknown_key(f, word, len, err);
	else if (*key && !strchr(t.key->ops, key[len] ? key[len] : ':'))
		ok = wrong_op(t.key, word, err);
	else
		ok = add_term(f, &t, word, value, now, err);
	free(word);
	return ok;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->count; i++)
		term_release(&f->terms[i]);
	free(f->terms);
	free(f);
}

bool filter_is_empty(const struct filter *f)
{
	return !f || !f->count;
}

bool filter_needs_cover(const struct filter *f)
{
	for (size_t i = 0; f && i < f->count; i++)
		if (!strcmp(f->terms[i].key->name, "covered"))
			return true;
	return false;
}

/* The i-th key of this kind that has a name. */
static const struct filter_key *key_of(enum filter_kind kind, size_t i)
{
	const struct filter_key *k;

	for (size_t at = 0; (k = filter_key_at(at)); at++)
		if (k->kinds & kind && *k->name && i-- == 0)
			return k;
	return NULL;
}

const char *filter_word(enum filter_kind kind, size_t i)
{
	const struct filter_key *k = key_of(kind, i);

	return k ? k->form : NULL;
}

const char *filter_word_help(enum filter_kind kind, size_t i)
{
	const struct filter_key *k = key_of(kind, i);

	return k ? k->help : NULL;
}

bool filter_match_terms(const struct filter *f, const struct filter_subject *s, size_t skip_text)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct filter_term *t = &f->terms[i];

		if (skip_text && t->key == filter_key_text()) {
			skip_text--;
			continue;
		}
		if (t->key->match(t, s) == t->negated)
			return false;
	}
	return true;
}

bool filter_match(const struct filter *f, const struct filter_row *row, int64_t now)
{
	struct filter_subject s = {row, NULL, now};

	return filter_is_empty(f) || filter_match_terms(f, &s, 0);
}

bool filter_match_log(const struct filter *f, const struct filter_log *row, int64_t now)
{
	struct filter_subject s = {NULL, row, now};

	return filter_is_empty(f) || filter_match_terms(f, &s, 0);
}

/* Everything that passes `narrow` passes `wide`: the same term, or plain text with more (or,
 * negated, less) of it. */
static bool term_implies(const struct filter_term *narrow, const struct filter_term *wide)
{
	if (narrow->key != wide->key || narrow->negated != wide->negated)
		return false;
	if (!strcmp(narrow->word, wide->word))
		return true;
	if (!narrow->needle.len || narrow->needle.len == sizeof(narrow->needle.text) - 1 ||
		strpbrk(narrow->value, "*?"))
		return false;
	const struct needle *longer = narrow->negated ? &wide->needle : &narrow->needle;
	const struct needle *shorter = narrow->negated ? &narrow->needle : &wide->needle;
	return needle_find(shorter, longer->text, longer->len) != NULL;
}

bool filter_is_narrower(const struct filter *narrow, const struct filter *wide)
{
	if (filter_is_empty(wide))
		return true;
	if (!narrow || narrow->kind != wide->kind)
		return false;
	for (size_t w = 0; w < wide->count; w++) {
		bool implied = false;

		for (size_t n = 0; n < narrow->count && !implied; n++)
			implied = term_implies(&narrow->terms[n], &wide->terms[w]);
		if (!implied)
			return false;
	}
	return true;
}
