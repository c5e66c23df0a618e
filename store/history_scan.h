/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bans as packed rows, which is how a million of them are looked through while someone waits.
 * Private to store/. */
#ifndef STORE_HISTORY_SCAN_H
#define STORE_HISTORY_SCAN_H

#include "store/db.h"
#include "store/history.h"

/* As it is in seg.data, in this machine's byte order: the file is not meant to travel between
 * architectures. */
struct packed_ban {
	uint8_t addr[16]; /* as in struct net */
	uint32_t addr_id; /* small and dense: an index */
	uint32_t id;      /* of the ban */
	uint32_t time;    /* s since the epoch */
	uint32_t account; /* word id of the account, else of the recipient */
	uint16_t server;
	uint8_t class, family;
};

#define SEG_ROWS 4096

/* What of a query can be told from a packed row. */
struct scan_filter {
	int64_t server;        /* 0 = all, -1 = none */
	uint32_t since, until; /* s, until exclusive; until 0 = open */
	struct net within;
	uint8_t class;
	bool by_account;
	uint32_t account;
};
bool scan_filter_make(
	struct store *s, const struct history_query *q, struct scan_filter *f, struct err *err);

static inline bool scan_fits(const struct scan_filter *f, const struct packed_ban *b)
{
	struct net n;

	if ((f->server && b->server != f->server) || b->time < f->since ||
		(f->until && b->time >= f->until))
		return false;
	if ((f->class != CLASS_NONE && b->class != f->class) ||
		(f->by_account && b->account != f->account))
		return false;
	if (f->within.family == 0)
		return true;
	memcpy(n.addr, b->addr, 16);
	n.family = b->family;
	n.prefix = b->family == 4 ? 32 : 128;
	return net_contains(&f->within, &n);
}

/* Calls fn with runs of rows that may fit. */
bool scan_bans(struct store *s, const struct scan_filter *f,
	void (*fn)(const struct packed_ban *rows, size_t count, void *arg), void *arg,
	struct err *err);

/* The same in parts: at most `segs` segments a call (0 = all), then what is in no segment yet, SCAN_TAIL bans a call.
 * *is_last: there are no more. What is sealed between two calls is neither lost nor seen twice. */
#define SCAN_TAIL 250
struct scan_at {
	int64_t after; /* id of the last ban looked at; -1 at first */
	bool in_tail;
	int64_t end; /* id of the last ban there was then: who comes faster than is read is not waited for */
};
bool scan_some(struct store *s, const struct scan_filter *f, struct scan_at *at, unsigned segs,
	bool *is_last, void (*fn)(const struct packed_ban *rows, size_t count, void *arg), void *arg,
	struct err *err);

/* Inside a transaction: packs what has piled up, at most `segs` of them. */
bool scan_seal(struct store *s, unsigned segs, struct err *err);
/* Inside a transaction: packs the bans of that seg anew, or removes it when none is left. */
bool scan_reseal(struct store *s, int64_t first, int64_t last, struct err *err);

/* Id of a word; 0 = empty or, when is_new is false, not known; -1 failed. */
int64_t scan_word(struct store *s, struct slice text, bool is_new, struct err *err);
/* Text of a word, copied; "" for 0. */
char *scan_word_text(struct store *s, int64_t id);

static inline uint32_t scan_seconds(int64_t ms)
{
	return ms <= 0 ? 0 : ms / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ms / 1000);
}

static inline uint64_t scan_mix(uint64_t h)
{
	h ^= h >> 32;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 29;
	h *= UINT64_C(0xbf58476d1ce4e5b9);
	return h ^ (h >> 32);
}

#endif
