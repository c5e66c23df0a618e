/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Search, masking, numbers: what needs no Unicode tables. What may be shown is decided in
 * text_safe.c, how wide it is in text_width.c. */
#include "core/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FIND_BLOCK 32

/* 0x20 where the letter case is to be ignored, else 0. c is already lower case. */
static unsigned char fold_mask(unsigned char c)
{
	return c >= 'a' && c <= 'z' ? 0x20 : 0;
}

static unsigned char fold(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool fold_equal(const unsigned char *a, const unsigned char *b, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (fold(a[i]) != fold(b[i]))
			return false;
	return true;
}

/* Candidates are found by the first and the last byte of the needle, a block at a time: a loop with
 * a constant count and no branch, which compilers turn into vector code. */
const char *text_find_fold(const char *hay, size_t hay_len, const char *needle, size_t needle_len)
{
	const unsigned char *h = (const unsigned char *)hay, *n = (const unsigned char *)needle;
	unsigned char first, last, mask_first, mask_last;
	size_t i = 0, j, end;

	if (needle_len == 0)
		return hay;
	if (needle_len > hay_len)
		return NULL;
	first = fold(n[0]);
	last = fold(n[needle_len - 1]);
	mask_first = fold_mask(first);
	mask_last = fold_mask(last);
	end = hay_len - needle_len + 1;
	while (i < end) {
		const unsigned char *p = h + i, *q = p + needle_len - 1;
		size_t block = end - i < FIND_BLOCK ? end - i : FIND_BLOCK;
		unsigned char hit = 0;

		if (block == FIND_BLOCK) {
			for (j = 0; j < FIND_BLOCK; j++)
				hit |= ((p[j] | mask_first) == first) &
				       ((q[j] | mask_last) == last);
			if (!hit) {
				i += FIND_BLOCK;
				continue;
			}
		}
		for (j = 0; j < block; j++)
			if ((p[j] | mask_first) == first && (q[j] | mask_last) == last &&
				fold_equal(p + j, n, needle_len))
				return hay + i + j;
		i += block;
	}
	return NULL;
}

static bool is_token_char(unsigned char c)
{
	return isalnum(c) || strchr("+/=._~-", c) != NULL;
}

static size_t mask_token(char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len && s[i] && is_token_char((unsigned char)s[i]); i++)
		s[i] = '*';
	return i;
}

/* Words that announce a credential. Case is ignored; `gap` means blanks come before the credential.
 */
static const struct {
	const char *word;
	bool gap;
} mask_words[] = {
	{"basic", true},
	{"bearer", true},
	{"auth plain", true},         /* SMTP */
	{"authenticate plain", true}, /* IMAP */
	{"xoauth2", true},
	{"oauthbearer", true},
	{"api_", false},
};

/* Length of the announcing word at s with its blanks, 0 when there is none. */
static size_t mask_word(const char *s, size_t len)
{
	size_t i, n;

	for (i = 0; i < sizeof(mask_words) / sizeof(mask_words[0]); i++) {
		n = strlen(mask_words[i].word);
		if (n >= len || strncasecmp(s, mask_words[i].word, n) != 0)
			continue;
		if (!mask_words[i].gap)
			return n;
		if (s[n] != ' ' && s[n] != '\t')
			continue;
		while (n < len && (s[n] == ' ' || s[n] == '\t'))
			n++;
		return n;
	}
	return 0;
}

/* s points behind "//". Masks what stands between the first ':' and the last '@' of the authority.
 */
static void mask_userinfo(char *s, size_t len)
{
	size_t i, colon = 0, at = 0;

	for (i = 0; i < len && s[i] && !strchr(" \t\r\n\"'<>/?#\\", s[i]); i++) {
		if (s[i] == ':' && !colon)
			colon = i + 1;
		if (s[i] == '@')
			at = i;
	}
	if (colon && at > colon)
		memset(s + colon, '*', at - colon);
}

void text_mask_secrets(char *s, size_t len)
{
	bool word_start = true;
	size_t i = 0, n;

	while (i < len) {
		if (s[i] == '/' && i + 1 < len && s[i + 1] == '/')
			mask_userinfo(s + i + 2, len - i - 2);
		n = word_start ? mask_word(s + i, len - i) : 0;
		if (n) {
			i += n;
			i += mask_token(s + i, len - i);
			word_start = false;
			continue;
		}
		word_start = !isalnum((unsigned char)s[i]) && s[i] != '_';
		i++;
	}
}

bool text_int(const char *s, int64_t min, int64_t max, int64_t *out)
{
	bool negative = *s == '-';
	uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
	uint64_t n = 0;
	int64_t v;

	if (*s == '-' || *s == '+')
		s++;
	if (!*s)
		return false;
	for (; *s; s++) {
		unsigned digit = (unsigned char)*s - (unsigned)'0';

		if (digit > 9 || n > (limit - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (negative)
		v = n == limit ? INT64_MIN : -(int64_t)n;
	else
		v = (int64_t)n;
	if (v < min || v > max)
		return false;
	*out = v;
	return true;
}

char *text_grouped(uint64_t n, char *out, size_t size)
{
	char digits[24], grouped[32];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	int i, o = 0;

	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			grouped[o++] = ',';
		grouped[o++] = digits[i];
	}
	grouped[o] = '\0';
	snprintf(out, size, "%s", grouped);
	return out;
}
