/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots of the blocked and allowed lists. Knows no server: dialects add rows, views and verbs
 * read them. */
#include "model/entry.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "model/entry_sort.h"

#define KEY_MAX     ((size_t)64 << 10) /* bytes kept of a key; longer ones are malformed anyway */
#define NOTE_MAX    ((size_t)64 << 10)
#define ID_MAX      ((size_t)256)
#define ARENA_FIRST ((size_t)4096)
#define INSIDE_FEW 16 /* looked at before memory is taken for all of them */
#define COVER_MAX   256 /* entries around one address worth looking at; 129 lengths exist */

static const char *const reason_texts[] = {
#define REASON_TEXT(id, text) [REASON_##id] = text,
	REASON_INFO(REASON_TEXT)
#undef REASON_TEXT
};

const char *reason_text(enum reason r)
{
	return r < REASON_COUNT ? reason_texts[r] : "";
}

bool reason_parse(const char *s, enum reason *out)
{
	for (int r = 0; r < REASON_COUNT; r++) {
		if (!strcmp(s, reason_texts[r])) {
			*out = (enum reason)r;
			return true;
		}
	}
	return false;
}

enum reason reason_of_class(enum ban_class c)
{
	static const enum reason of[] = {
		[CLASS_AUTH] = REASON_AUTH,
		[CLASS_ABUSE] = REASON_ABUSE,
		[CLASS_LOITER] = REASON_LOITER,
		[CLASS_SCAN] = REASON_SCAN,
	};

	return c < CLASS_COUNT ? of[c] : REASON_NONE;
}

const char *entry_state_text(enum entry_state s)
{
	static const char *const text[] = {"active", "expired", "malformed"};

	return (size_t)s < ARRAY_LEN(text) ? text[s] : "";
}

const char *origin_text(enum origin o)
{
	static const char *const text[] = {"unknown", "server", "operator"};

	return (size_t)o < ARRAY_LEN(text) ? text[o] : "";
}

struct entrylist *entrylist_new(void)
{
	struct entrylist *l = xcalloc(1, sizeof(*l));

	l->fetched = TIME_NONE;
	return l;
}

void entrylist_free(struct entrylist *l)
{
	if (!l)
		return;
	entry_finish_free(l->finish);
	netset_free(l->index);
	free(l->rows);
	free(l->arena);
	free(l);
}

/* Appends s and a NUL. A NUL inside would end the string early, and a key cut short names another
 * address: U+FFFD. */
static void arena_put(struct entrylist *l, const char *s, size_t len)
{
	const char *nul;

	while (len && (nul = memchr(s, '\0', len))) {
		size_t n = (size_t)(nul - s);

		memcpy(l->arena + l->arena_len, s, n);
		memcpy(l->arena + l->arena_len + n, "\xef\xbf\xbd", 3);
		l->arena_len += n + 3;
		s += n + 1;
		len -= n + 1;
	}
	if (len)
		memcpy(l->arena + l->arena_len, s, len);
	l->arena_len += len;
	l->arena[l->arena_len++] = '\0';
}

static bool arena_reserve(struct entrylist *l, size_t need)
{
	if (l->arena_len + need > UINT32_MAX)
		return false;
	if (l->arena_len + need > l->arena_cap) {
		size_t cap = l->arena_cap ? l->arena_cap : ARENA_FIRST;

		while (cap < l->arena_len + need)
			cap *= 2;
		l->arena = xrealloc(l->arena, cap);
		l->arena_cap = cap;
	}
	return true;
}

static uint32_t to_seconds(int64_t ms)
{
	if (ms == TIME_NONE)
		return 0;
	/* Before 1970 is long ago, not never; after 2106 is as late as can be told. */
	int64_t s = ms / 1000;
	return s < 1 ? 1 : s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

static size_t at_most(size_t n, size_t max)
{
	return n < max ? n : max;
}

void entrylist_reset(struct entrylist *l)
{
	l->count = 0;
	l->arena_len = 0;
	l->malformed = 0;
}

void entrylist_add(struct entrylist *l, const char *key, size_t key_len, const char *note,
	size_t note_len, const char *id, enum reason reason, enum origin origin, int64_t created,
	int64_t expires)
{
	struct net n = {.family = 0};
	bool parsed = net_parse(key, key_len, &n, NULL);
	size_t id_len = id ? strnlen(id, ID_MAX) : 0;

	key_len = at_most(key_len, KEY_MAX);
	note_len = note ? at_most(note_len, NOTE_MAX) : 0;
	if (l->count >= UINT32_MAX || !arena_reserve(l, 3 * (key_len + note_len + id_len) + 3))
		return;
	xgrow(&l->rows, &l->cap, l->count + 1, sizeof(*l->rows));
	struct entry *e = &l->rows[l->count++];
	memcpy(e->addr, n.addr, sizeof(e->addr));
	e->prefix = n.prefix;
	e->family = n.family;
	e->reason = (uint8_t)reason;
	e->origin = (uint8_t)origin;
	e->created = to_seconds(created);
	e->expires = to_seconds(expires);
	e->text = (uint32_t)l->arena_len;
	arena_put(l, key, key_len);
	arena_put(l, note, note_len);
	arena_put(l, id, id_len);
	l->malformed += !parsed;
}

void entry_net(const struct entry *e, struct net *out)
{
	memcpy(out->addr, e->addr, sizeof(out->addr));
	out->family = e->family;
	out->prefix = e->prefix;
}

const char *entry_key(const struct entrylist *l, size_t row)
{
	return l->arena + l->rows[row].text;
}

const char *entry_note(const struct entrylist *l, size_t row)
{
	const char *key = entry_key(l, row);

	return key + strlen(key) + 1;
}

const char *entry_id(const struct entrylist *l, size_t row)
{
	const char *note = entry_note(l, row);

	return note + strlen(note) + 1;
}

enum entry_state entry_state(const struct entrylist *l, size_t row, int64_t now)
{
	const struct entry *e = &l->rows[row];

	if (!e->family)
		return ENTRY_MALFORMED;
	return e->expires && entry_expires(e) <= now ? ENTRY_EXPIRED : ENTRY_ACTIVE;
}

int64_t entry_created(const struct entry *e)
{
	return e->created ? (int64_t)e->created * 1000 : TIME_NONE;
}

int64_t entry_expires(const struct entry *e)
{
	return e->expires ? (int64_t)e->expires * 1000 : TIME_NONE;
}

ptrdiff_t entrylist_find(const struct entrylist *l, const struct net *n)
{
	struct entry key = {.family = n->family, .prefix = n->prefix};
	size_t lo = 0, hi = l->count;

	if (!n->family)
		return -1;
	memcpy(key.addr, n->addr, sizeof(key.addr));
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (entry_cmp_net(&l->rows[mid], &key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->count && !entry_cmp_net(&l->rows[lo], &key) ? (ptrdiff_t)lo : -1;
}

/* Malformed rows come last, sorted by their text. */
static ptrdiff_t find_malformed(const struct entrylist *l, const char *key)
{
	size_t lo = l->count - l->malformed, hi = l->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(entry_key(l, mid), key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->count && !strcmp(entry_key(l, lo), key) ? (ptrdiff_t)lo : -1;
}

ptrdiff_t entrylist_find_key(const struct entrylist *l, const char *key)
{
	struct net n;

	if (!net_parse(key, strlen(key), &n, NULL))
		return find_malformed(l, key);
	ptrdiff_t row = entrylist_find(l, &n);
	if (row < 0)
		return -1;
	for (size_t i = (size_t)row; i < l->count && !entry_cmp_net(&l->rows[i], &l->rows[row]);
		i++)
		if (!strcmp(entry_key(l, i), key))
			return (ptrdiff_t)i;
	return -1;
}

/* A row with the same net as row `own`: they stand beside one another. */
static ptrdiff_t active_twin(const struct entrylist *l, size_t own, int64_t now)
{
	const struct entry *e = &l->rows[own];

	for (size_t i = own; i > 0 && !entry_cmp_net(&l->rows[i - 1], e); i--)
		if (entry_state(l, i - 1, now) == ENTRY_ACTIVE)
			return (ptrdiff_t)i - 1;
	for (size_t i = own + 1; i < l->count && !entry_cmp_net(&l->rows[i], e); i++)
		if (entry_state(l, i, now) == ENTRY_ACTIVE)
			return (ptrdiff_t)i;
	return -1;
}

static bool is_address_of_row(const struct entrylist *l, const struct net *n, ptrdiff_t row)
{
	return row >= 0 && net_is_address(n) && l->rows[row].family == n->family && l->rows[row].prefix == n->prefix &&
	       !memcmp(l->rows[row].addr, n->addr, sizeof(n->addr));
}

ptrdiff_t entrylist_covering(
	const struct entrylist *l, const struct net *n, ptrdiff_t except, int64_t now)
{
	uint32_t rows[COVER_MAX];
	bool is_own = is_address_of_row(l, n, except);
	size_t found = is_own ? netset_networks_around(l->index, n, rows, COVER_MAX)
			      : netset_covering(l->index, n, rows, COVER_MAX);

	found = at_most(found, COVER_MAX);
	for (size_t i = 0; i < found; i++)
		if ((ptrdiff_t)rows[i] != except && entry_state(l, rows[i], now) == ENTRY_ACTIVE)
			return rows[i];
	return is_own ? active_twin(l, (size_t)except, now) : -1;
}

static ptrdiff_t first_active(const struct entrylist *l, const uint32_t *rows, size_t n, int64_t now)
{
	for (size_t i = 0; i < n; i++)
		if (entry_state(l, rows[i], now) == ENTRY_ACTIVE)
			return rows[i];
	return -1;
}

ptrdiff_t entrylist_inside(const struct entrylist *l, const struct net *n, int64_t now)
{
	uint32_t few[INSIDE_FEW], *all;
	size_t found = netset_inside(l->index, n, few, INSIDE_FEW);
	ptrdiff_t row = first_active(l, few, at_most(found, INSIDE_FEW), now);

	if (row >= 0 || found <= INSIDE_FEW)
		return row;
	all = xreallocarray(NULL, found, sizeof(*all));
	row = first_active(l, all, at_most(netset_inside(l->index, n, all, found), found), now);
	free(all);
	return row;
}
