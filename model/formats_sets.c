/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the head of a firewall's set says of its members: which list they belong to, how long they
 * stay, and whether they can be addresses. Knows neither nft nor ipset. */
#include <ctype.h>
#include <string.h>

#include "core/mem.h"
#include "model/formats_private.h"

struct slice import_command(struct slice line)
{
	struct slice rest = line, word = slice_word(&rest);

	if (slice_is(word, "sudo")) {
		line = slice_trim(rest);
		rest = line;
		word = slice_word(&rest);
	}
	const char *slash = word.len && word.p[0] == '/' ? memrchr(word.p, '/', word.len) : NULL;

	return slash ? (struct slice){slash + 1, (size_t)(line.p + line.len - slash - 1)} : line;
}

static bool has_word(struct slice s, const char *const *words, size_t n)
{
	char low[128];
	size_t len = s.len < sizeof(low) ? s.len : sizeof(low);

	for (size_t i = 0; i < len; i++)
		low[i] = (char)tolower((unsigned char)s.p[i]);
	for (size_t i = 0; i < n; i++)
		if (len && memmem(low, len, words[i], strlen(words[i])))
			return true;
	return false;
}

/* The names our own export gives come first. */
enum list_kind import_list_of_set(struct slice name)
{
	static const char *const bad[] = {
		"block", "ban", "black", "deny", "drop", "reject", "disallow", "bad"};
	static const char *const good[] = {
		"allow", "white", "trust", "permit", "accept", "ignore", "exempt"};

	if (slice_is(name, "blocked4") || slice_is(name, "blocked6") ||
		slice_starts(name, "stalwarden-blocked"))
		return LIST_BLOCKED;
	if (has_word(name, bad, ARRAY_LEN(bad)))
		return LIST_COUNT;
	return has_word(name, good, ARRAY_LEN(good)) ? LIST_ALLOWED : LIST_COUNT;
}

void import_set_begin(struct importer *st, struct slice name)
{
	size_t n = name.len < sizeof(st->set_name) ? name.len : sizeof(st->set_name) - 1;

	if (n)
		memcpy(st->set_name, name.p, n);
	st->set_name[n] = '\0';
	st->set_list = import_list_of_set(name);
	st->is_other_set = false;
	st->set_timeout[0] = '\0';
}

void import_set_enter(struct importer *st, struct slice name)
{
	if (!slice_is(name, st->set_name))
		import_set_begin(st, name);
}

void import_set_timeout(struct importer *st, struct slice timeout)
{
	size_t n = timeout.len;

	while (n && (timeout.p[n - 1] == ';' || timeout.p[n - 1] == '}'))
		n--;
	if (n >= sizeof(st->set_timeout) || (n == 1 && timeout.p[0] == '0'))
		n = 0;
	if (n)
		memcpy(st->set_timeout, timeout.p, n);
	st->set_timeout[n] = '\0';
}

void import_set_fields(const struct importer *st, struct fields *f)
{
	if (st->set_list != LIST_COUNT)
		f->of[FIELD_LIST] =
			st->set_list == LIST_ALLOWED ? SLICE("allowed") : SLICE("blocked");
}
