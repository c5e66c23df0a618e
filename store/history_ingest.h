/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A batch being taken in: summed up in memory (history_ingest.c), then written in the order of the
 * tables (history_flush.c). */
#ifndef STORE_HISTORY_INGEST_H
#define STORE_HISTORY_INGEST_H

#include "store/aggmap.h"
#include "store/history_scan.h"

#define INGEST_HOUR_MS   INT64_C(3600000)
#define INGEST_MINUTE_MS INT64_C(60000)

struct word_slot {
	struct slice text;
	int64_t id; /* 0 = free */
};

enum {
	BAN_CLASS,
	HAS_BANS,
	FIRST_HOUR,
	LAST_HOUR
};                             /* in by_class of an address' row; hours 0 = none */
#define NOT_STORED UINT32_C(2) /* bit of HAS_BANS: the address is not in the store yet */

struct ingest {
	struct store *s;
	struct err *err;
	int64_t server;
	struct history_ingested sum;
	int64_t next_ban, next_addr;
	bool has_seen; /* blocks of this server are on record: a ban's line may explain one */
	int64_t newest_attempt;
	struct aggmap addrs; /* id; first = newest ban or TIME_NONE, last = newest refusal; count =
				bans, other = refused; by_class: enum slots below */
	struct aggmap refused;  /* key: hour, addr, listener */
	struct aggmap attempts; /* key: minute, addr and class, account and listener */
	int64_t login_day; /* up to this one they say nothing any more */
	struct word_slot *words;
	size_t word_count, word_slots;
};

/* Id of a text; it must stay where it is until the batch is done. -1 on failure. */
int64_t ingest_word(struct ingest *in, struct slice text);
/* A successful login (history_logins.c): remembered, and written with the rest. */
bool ingest_login(struct ingest *in, const struct event *ev, const struct event_facts *f);
bool ingest_flush_logins(struct ingest *in);
/* Writes what was summed up; the tables are not looked up in any more. */
bool ingest_flush(struct ingest *in);

#endif
