/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes a batch that history_ingest.c summed up: words, addresses, refusals, attempts, each in the
 * order of its table. */
#include <stdlib.h>

#include "core/mem.h"
#include "store/history_ingest.h"

#define SEAL_AT_ONCE 1 /* some 5 ms; a batch brings less than one */

/* ---- dictionary ---- */

static uint64_t hash_text(struct slice t)
{
	uint64_t h = UINT64_C(14695981039346656037);
	size_t i;

	for (i = 0; i < t.len; i++)
		h = (h ^ (unsigned char)t.p[i]) * UINT64_C(1099511628211);
	return scan_mix(h);
}

static struct word_slot *find_word(struct word_slot *slots, size_t count, struct slice text)
{
	size_t at = (size_t)hash_text(text) & (count - 1);

	while (slots[at].id && !slice_equal(slots[at].text, text))
		at = (at + 1) & (count - 1);
	return &slots[at];
}

static void grow_words(struct ingest *in)
{
	size_t count = in->word_slots ? in->word_slots * 4 : 256, i;
	struct word_slot *slots = xcalloc(count, sizeof(*slots));

	for (i = 0; i < in->word_slots; i++) {
		if (in->words[i].id)
			*find_word(slots, count, in->words[i].text) = in->words[i];
	}
	free(in->words);
	in->words = slots;
	in->word_slots = count;
}

int64_t ingest_word(struct ingest *in, struct slice text)
{
	struct word_slot *slot;

	if (text.len == 0)
		return 0;
	if (text.len > 1024)
		text.len = 1024;
	if ((in->word_count + 1) * 2 > in->word_slots)
		grow_words(in);
	slot = find_word(in->words, in->word_slots, text);
	if (slot->id == 0) {
		int64_t id = scan_word(in->s, text, true, in->err);

		if (id < 0)
			return -1;
		*slot = (struct word_slot){ text, id };
		in->word_count++;
	}
	return slot->id;
}

/* ---- rows ---- */

static bool flush_address(struct ingest *in, const struct agg *a)
{
	bool is_new = a->by_class[HAS_BANS] & NOT_STORED;
	uint8_t key[DB_KEY_MAX];
	sqlite3_stmt *q;
	struct net n;

	if (is_new)
		q = db_prepare(in->s,
			"INSERT INTO addr (id, bans, last_ban, last_class, refused, last_refused, "
			"first_hour, last_hour, server, key) "
			"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
			in->err);
	else if (a->count || a->other)
		q = db_prepare(in->s,
			"UPDATE addr SET bans = bans + ?2, "
			"last_class = CASE WHEN ?3 IS NOT NULL AND ?3 >= ifnull(last_ban, 0) THEN "
			"?4 ELSE last_class END, "
			"last_ban = CASE WHEN ?3 IS NOT NULL THEN max(ifnull(last_ban, ?3), ?3) "
			"ELSE last_ban END, "
			"refused = refused + ?5, "
			"last_refused = CASE WHEN ?6 IS NOT NULL THEN max(ifnull(last_refused, "
			"?6), ?6) ELSE last_refused END, "
			"first_hour = min(ifnull(first_hour, ?7), ifnull(?7, first_hour)), "
			"last_hour = max(ifnull(last_hour, ?8), ifnull(?8, last_hour)) WHERE id = "
			"?1",
			in->err);
	else /* attempts only: written once an hour, not once a batch */
		q = db_prepare(in->s,
			"UPDATE addr SET first_hour = min(ifnull(first_hour, ?7), ?7), last_hour = "
			"max(ifnull(last_hour, ?8), ?8) "
			"WHERE id = ?1 AND (first_hour IS NULL OR first_hour > ?7 OR last_hour < "
			"?8)",
			in->err);
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, a->id);
	if (is_new || a->count || a->other) {
		sqlite3_bind_int64(q, 2, (int64_t)a->count);
		db_bind_time(q, 3, a->first);
		if (a->first != TIME_NONE)
			sqlite3_bind_int64(q, 4, a->by_class[BAN_CLASS]);
		sqlite3_bind_int64(q, 5, (int64_t)a->other);
		db_bind_time(q, 6, a->last);
	}
	if (a->by_class[LAST_HOUR]) {
		sqlite3_bind_int64(q, 7, a->by_class[FIRST_HOUR]);
		sqlite3_bind_int64(q, 8, a->by_class[LAST_HOUR]);
	} else if (!is_new && !a->count && !a->other) {
		return true;
	}
	if (is_new) {
		aggmap_key_net(a->key, &n);
		sqlite3_bind_int64(q, 9, in->server);
		sqlite3_bind_blob(q, 10, key, (int)db_key(&n, false, key), SQLITE_STATIC);
	}
	return db_run(in->s, q, in->err);
}

static bool flush_refused(struct ingest *in, const struct agg *r)
{
	sqlite3_stmt *q = db_prepare(in->s,
		"INSERT INTO refused (hour, addr, listener, count, first, last) VALUES (?1, ?2, "
		"?3, ?4, ?5, ?6) "
		"ON CONFLICT DO UPDATE SET count = count + excluded.count, first = min(first, "
		"excluded.first), "
		"last = max(last, excluded.last)",
		in->err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, (int64_t)r->key[0]);
	sqlite3_bind_int64(q, 2, (int64_t)r->key[1]);
	sqlite3_bind_int64(q, 3, (int64_t)r->key[2]);
	sqlite3_bind_int64(q, 4, (int64_t)r->count);
	sqlite3_bind_int64(q, 5, r->first);
	sqlite3_bind_int64(q, 6, r->last);
	return db_run(in->s, q, in->err);
}

static bool flush_attempt(struct ingest *in, const struct agg *r)
{
	sqlite3_stmt *q = db_prepare(in->s,
		"INSERT INTO attempt (hour, addr, class, minute, account, listener, server, count, "
		"first, last) VALUES (?1 / 60, ?2, ?3, ?1, ?4, ?5, ?6, ?7, ?8, ?9) "
		"ON CONFLICT DO UPDATE SET count = count + excluded.count, first = min(first, "
		"excluded.first), last = max(last, excluded.last)",
		in->err);

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, (int64_t)r->key[0]);
	sqlite3_bind_int64(q, 2, (int64_t)(r->key[1] >> 2));
	sqlite3_bind_int64(q, 3, (int64_t)(r->key[1] & 3));
	sqlite3_bind_int64(q, 4, (int64_t)(r->key[2] >> 32));
	sqlite3_bind_int64(q, 5, (int64_t)(r->key[2] & UINT32_MAX));
	sqlite3_bind_int64(q, 6, in->server);
	sqlite3_bind_int64(q, 7, (int64_t)r->count);
	sqlite3_bind_int64(q, 8, r->first);
	sqlite3_bind_int64(q, 9, r->last);
	return db_run(in->s, q, in->err);
}

/* In the order of the table: neighbours share a page. */
static int cmp_keys(const void *pa, const void *pb)
{
	const struct agg *a = pa, *b = pb;
	int i;

	for (i = 0; i < 3; i++) {
		if (a->key[i] != b->key[i])
			return a->key[i] < b->key[i] ? -1 : 1;
	}
	return 0;
}

static int cmp_ids(const void *pa, const void *pb)
{
	int64_t a = ((const struct agg *)pa)->id, b = ((const struct agg *)pb)->id;

	return a < b ? -1 : a > b;
}

static bool flush_rows(struct ingest *in, struct aggmap *m, int (*cmp)(const void *, const void *),
	bool (*fn)(struct ingest *, const struct agg *))
{
	size_t i;

	if (m->count > 1)
		qsort(m->rows, m->count, sizeof(*m->rows), cmp);
	for (i = 0; i < m->count; i++) {
		if (!fn(in, &m->rows[i]))
			return false;
	}
	return true;
}

static bool flush_covered(struct ingest *in)
{
	sqlite3_stmt *q;

	if (in->sum.oldest == TIME_NONE)
		return true;
	q = db_prepare(in->s,
		"INSERT INTO covered (server, oldest, newest, attempt) VALUES (?1, ?2, ?3, ?4) ON "
		"CONFLICT DO UPDATE SET "
		"oldest = min(oldest, excluded.oldest), newest = max(newest, excluded.newest), "
		"attempt = max(ifnull(attempt, excluded.attempt), ifnull(excluded.attempt, "
		"attempt))",
		in->err);
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, in->server);
	sqlite3_bind_int64(q, 2, in->sum.oldest);
	sqlite3_bind_int64(q, 3, in->sum.newest);
	db_bind_time(q, 4, in->newest_attempt);
	return db_run(in->s, q, in->err);
}

bool ingest_flush(struct ingest *in)
{
	return flush_rows(in, &in->addrs, cmp_ids, flush_address) &&
	       flush_rows(in, &in->refused, cmp_keys, flush_refused) &&
	       flush_rows(in, &in->attempts, cmp_keys, flush_attempt) && ingest_flush_logins(in) &&
	       flush_covered(in) && scan_seal(in->s, SEAL_AT_ONCE, in->err);
}
