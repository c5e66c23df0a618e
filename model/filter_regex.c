/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Regular expressions of filters: PCRE2, compiled once, with JIT where the machine has it. The text
 * is an attacker's and the pattern a tired admin's: matching is limited, and what exceeds the limit
 * does not match. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "model/filter_private.h"

#define MATCH_LIMIT 20000 /* backtracks per text; a line needs tens */
#define PATTERN_MAX 1000  /* bytes */

struct filter_regex {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
};

struct filter_regex *filter_regex_new(const char *pattern, struct err *err)
{
	const uint32_t options =
		PCRE2_CASELESS | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
	int code;
	PCRE2_SIZE offset;
	size_t len = strlen(pattern);

	if (len > PATTERN_MAX) {
		err_set(err, ERR_USAGE, "the regular expression has %zu bytes; the longest is %d",
			len, PATTERN_MAX);
		return NULL;
	}
	pcre2_code *re = pcre2_compile((PCRE2_SPTR)pattern, len, options, &code, &offset, NULL);
	if (!re) {
		PCRE2_UCHAR text[160];

		pcre2_get_error_message(code, text, sizeof(text));
		err_set(err, ERR_USAGE, "/%s/: %s (after %zu characters)", pattern,
			(const char *)text, (size_t)offset);
		return NULL;
	}
	struct filter_regex *r = xcalloc(1, sizeof(*r));
	pcre2_jit_compile(re, PCRE2_JIT_COMPLETE); /* without JIT it is slower, not wrong */
	r->code = re;
	r->data = pcre2_match_data_create(1, NULL);
	r->context = pcre2_match_context_create(NULL);
	if (!r->data || !r->context)
		die("out of memory");
	pcre2_set_match_limit(r->context, MATCH_LIMIT);
	return r;
}

void filter_regex_free(struct filter_regex *r)
{
	if (!r)
		return;
	pcre2_match_context_free(r->context);
	pcre2_match_data_free(r->data);
	pcre2_code_free(r->code);
	free(r);
}

bool filter_regex_match(const struct filter_regex *r, const char *s, size_t len)
{
	return pcre2_match(r->code, (PCRE2_SPTR)(s ? s : ""), len, 0, 0, r->data, r->context) >= 0;
}
