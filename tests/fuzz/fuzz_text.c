/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core/text and core/clock on arbitrary bytes: what must hold for every input, checked. */
#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "tests/fuzz/fuzz.h"

static bool is_harmless_byte(unsigned char c, unsigned flags)
{
	if (c == '\n' || c == '\t')
		return (flags & TEXT_MULTI) != 0;
	return c >= 0x20 && c != 0x7f && (c < 0x80 || !(flags & TEXT_ASCII));
}

static void check_safe(const char *s, size_t len, unsigned flags)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	size_t i;

	text_safe(&once, s, len, flags);
	MUST(text_utf8_valid(buf_str(&once), once.len));
	for (i = 0; i < once.len; i++)
		MUST(is_harmless_byte((unsigned char)once.data[i], flags));
	text_safe(&twice, buf_str(&once), once.len, flags);
	MUST(once.len == twice.len && memcmp(buf_str(&once), buf_str(&twice), once.len) == 0);
	if (!(flags & TEXT_MULTI))
		MUST(text_is_safe(buf_str(&once), once.len));
	if (flags == TEXT_LINE)
		MUST(text_is_safe(s, len) ==
			(once.len == len && memcmp(buf_str(&once), s, len) == 0));
	buf_release(&once);
	buf_release(&twice);
}

static void check_cut(const char *s, size_t len, int cols)
{
	struct buf clean = BUF_INIT, cut = BUF_INIT;
	char fixed[48];
	int used;

	text_safe(&clean, s, len, TEXT_LINE);
	used = text_fit(&cut, buf_str(&clean), cols, TEXT_LINE);
	MUST(used <= cols);
	MUST(text_width(buf_str(&cut)) == used);
	MUST(text_is_safe(buf_str(&cut), cut.len));
	text_safe_str(fixed, sizeof(fixed), s, len);
	MUST(strlen(fixed) < sizeof(fixed));
	MUST(strncmp(buf_str(&clean), fixed, strlen(fixed)) == 0);
	buf_release(&clean);
	buf_release(&cut);
}

static void check_mask(const char *s, size_t len)
{
	char *once = xmemdup(s, len), *twice;
	size_t i;

	text_mask_secrets(once, len);
	for (i = 0; i < len; i++)
		MUST(once[i] == s[i] || once[i] == '*');
	twice = xmemdup(once, len);
	text_mask_secrets(twice, len);
	free(once);
	free(twice);
}

static void check_find(const char *s, size_t len)
{
	size_t needle = len ? (unsigned char)s[0] % 9 : 0, at = len > 1 ? (unsigned char)s[1] : 0;
	const char *hit;

	if (at + needle > len)
		return;
	hit = text_find_fold(s, len, s + at, needle);
	MUST(hit && hit <= s + at); /* it is there, so it is found there or before */
}

static void check_times(const char *s, size_t len)
{
	char out[TIME_BUF];
	int64_t t, back;

	if (time_scan(s, len, &t)) {
		time_format(t, out, sizeof(out));
		if (out[0] != '-' && strlen(out) <= 24)
			MUST(time_parse(out, 0, &back) && back == t);
	}
	if (memchr(s, '\0', len))
		return;
	if (duration_parse(s, &t)) {
		MUST(t >= 1000);
		MUST(duration_parse(duration_format(t, out, sizeof(out)), &back) && back == t);
	}
	time_parse(s, 1795254012000, &t);
	text_int(s, INT64_MIN, INT64_MAX, &t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = xmemdup(data, size), *exact = malloc(size ? size : 1);

	if (!exact)
		abort();
	memcpy(exact, s, size); /* without a terminator, so that reading past the length is seen */
	check_safe(exact, size, TEXT_LINE);
	check_safe(exact, size, TEXT_MULTI);
	check_safe(exact, size, TEXT_ASCII);
	check_safe(exact, size, TEXT_ASCII | TEXT_MULTI);
	check_cut(exact, size, size ? (unsigned char)exact[0] % 64 : 10);
	check_mask(exact, size);
	check_find(exact, size);
	check_times(s, size);
	free(exact);
	free(s);
	return 0;
}
