/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filters: any text parses or is refused with words; the sweep over a list says what asking row by
 * row says. */
#include "core/mem.h"
#include "core/text.h"
#include "model/filter.h"
#include "tests/fuzz/fuzz.h"

#define NOW INT64_C(1795168800000)

static struct entrylist *sample(void)
{
	static const char *const keys[] = {"203.0.113.7", "10.0.0.0/8", "10.1.2.3", "2001:db8::/32",
		"junk", "198.51.100.0/24"};
	static const char *const notes[] = {
		"", "Bob's office", "scan of /wp-login.php", "caf\xc3\xa9 \xff"};
	struct entrylist *l = entrylist_new();

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *note = notes[i % ARRAY_LEN(notes)];

		entrylist_add(l, keys[i], strlen(keys[i]), note, strlen(note), "id",
			(enum reason)(i % REASON_COUNT), (enum origin)(i % 3),
			i % 2 ? NOW - (int64_t)i * 3600000 : TIME_NONE,
			i % 3 ? TIME_NONE : NOW + 3600000);
	}
	entrylist_finish(l);
	return l;
}

static void try_list(const char *text)
{
	struct err err = ERR_INIT;
	struct filter *f = filter_parse(FILTER_LIST, text, NOW, &err);
	struct filter_hits hits = {NULL, 0, 0};
	size_t n = 0;

	if (!f) {
		MUST(err.code == ERR_USAGE && *err.msg && text_is_safe(err.msg, strlen(err.msg)));
		return;
	}
	struct entrylist *l = sample();
	filter_list(f, l, NOW, &hits);
	for (size_t row = 0; row < l->count; row++) {
		bool in = n < hits.count && hits.rows[n] == row;

		MUST(filter_match_entry(f, l, row, NOW) == in);
		n += in;
	}
	MUST(n == hits.count && filter_is_narrower(f, f));
	filter_hits_release(&hits);
	entrylist_free(l);
	filter_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	struct err err = ERR_INIT;
	struct filter *f = filter_parse(FILTER_LOG, text, NOW, &err);

	if (f) {
		/* The input is the line as well: expressions meet what they were made of. */
		struct filter_log row = {.line = {text, strlen(text)},
			.event = SLICE("security.scan-ban"),
			.kind = "ban",
			.account = SLICE("bob"),
			.class = CLASS_SCAN,
			.level = LEVEL_WARN,
			.time = NOW - 5000};

		filter_match_log(f, &row, NOW);
		filter_free(f);
	}
	try_list(text);
	free(text);
	return 0;
}
