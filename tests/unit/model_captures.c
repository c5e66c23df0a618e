/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import of what other programs really print (tests/data/formats): format guessed, every row and every bad line, whole and in pieces. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/mem.h"
#include "tests/unit/import_dump.h"

#define FOLDER "tests/data/formats/"
#define NOW    INT64_C(1795260000000) /* 2026-11-21T11:20:00Z, a moment after they were captured */

static char *slurp(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	struct buf b = BUF_INIT;
	char chunk[4096];
	size_t n;

	if (!f)
		return NULL;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&b, chunk, n);
	fclose(f);
	return buf_take(&b, len);
}

static char *dump_of(const char *text, size_t len, size_t piece)
{
	struct import *im = read_text(FORMAT_AUTO, text, len, piece, NOW);
	char *rows = dump(im), *out = xasprintf("%s\n%s", format_name(im->format), rows);

	free(rows);
	import_free(im);
	return out;
}

static bool is_sample(const struct dirent *d)
{
	return d->d_name[0] != '.' && !strstr(d->d_name, ".want") && !strstr(d->d_name, ".md");
}

static void check(const char *name)
{
	char *path = xasprintf(FOLDER "%s", name), *want_path = xasprintf(FOLDER "%s.want", name);
	size_t len;
	char *text = slurp(path, &len), *got = dump_of(text, len, len + 1), *bytewise = dump_of(text, len, 1);

	assert_string_equal(got, bytewise);
	if (getenv("BLESS")) {
		FILE *f = fopen(want_path, "w");

		assert_non_null(f);
		fputs(got, f);
		fclose(f);
	}
	char *want = slurp(want_path, &len);
	if (!want || strcmp(got, want) != 0)
		fail_msg("%s gives\n%s\nnot\n%s", name, got, want ? want : "");
	free(want);
	free(bytewise);
	free(got);
	free(text);
	free(want_path);
	free(path);
}

static void test_captures(void **state)
{
	DIR *d = opendir(FOLDER);
	struct dirent *entry;
	size_t seen = 0;

	(void)state;
	assert_non_null(d);
	while ((entry = readdir(d)))
		if (is_sample(entry)) {
			check(entry->d_name);
			seen++;
		}
	closedir(d);
	assert_true(seen > 30);
}

/* One ruleset, told by the same program in words and in JSON: the same networks of it, until the same hour. */
static void test_nft_words_and_json(void **state)
{
	size_t len;
	char *words = slurp(FOLDER "nft-ruleset", &len);
	struct import *a = read_text(FORMAT_AUTO, words, len, len, NOW);
	char *json = slurp(FOLDER "nft-ruleset.json", &len);
	struct import *b = read_text(FORMAT_AUTO, json, len, len, NOW);

	(void)state;
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->bad_total, b->bad_total);
	for (size_t i = 0; i < a->count; i++) {
		assert_true(net_equal(&a->rows[i].net, &b->rows[i].net));
		assert_true(llabs(a->rows[i].expires / 1000 - b->rows[i].expires / 1000) <= 1);
		assert_string_equal(import_note(a, &a->rows[i]), import_note(b, &b->rows[i]));
	}
	import_free(a);
	import_free(b);
	free(words);
	free(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captures),
		cmocka_unit_test(test_nft_words_and_json),
	};

	setenv("TZ", "UTC", 1); /* fail2ban prints the time of its host */
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
