/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of the blocked and allowed lists, compact enough for a million: 32 bytes plus their text. */
#ifndef MODEL_ENTRY_H
#define MODEL_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "model/net.h"
#include "model/rate.h"

enum list_kind { LIST_BLOCKED, LIST_ALLOWED, LIST_COUNT };

#define REASON_INFO(_)                                                                             \
	_(NONE, "")                                                                                \
	_(AUTH, "auth")                                                                            \
	_(ABUSE, "abuse")                                                                          \
	_(LOITER, "loiter")                                                                        \
	_(SCAN, "scan")                                                                            \
	_(MANUAL, "manual")                                                                        \
	_(OTHER, "other")
enum reason {
#define REASON_ENUM(id, text) REASON_##id,
	REASON_INFO(REASON_ENUM)
#undef REASON_ENUM
	REASON_COUNT
};
const char *reason_text(enum reason r);
bool reason_parse(const char *s, enum reason *out);
enum reason reason_of_class(enum ban_class c);

enum entry_state { ENTRY_ACTIVE, ENTRY_EXPIRED, ENTRY_MALFORMED };
enum origin { ORIGIN_UNKNOWN, ORIGIN_SERVER, ORIGIN_OPERATOR };
const char *entry_state_text(enum entry_state s); /* "active" "expired" "malformed" */
const char *origin_text(enum origin o);           /* "unknown" "server" "operator" */

struct entry {
	uint8_t addr[16];
	uint8_t prefix, family;   /* family 0 = malformed */
	uint8_t reason, origin;   /* enum reason, enum origin */
	uint32_t created, expires; /* s since the epoch, 0 = unknown / never (good until 2106) */
	uint32_t text;            /* offset into the list's arena: key NUL note NUL id NUL */
};

/* A snapshot of one list. Rows keep the order they were added in until entrylist_finish(). */
struct entrylist {
	struct entry *rows;
	size_t count, cap;
	char *arena;
	size_t arena_len, arena_cap;
	struct netset *index;     /* values are row numbers; made by entrylist_finish() */
	size_t malformed;
	int64_t fetched;          /* clock_now() when the answer was complete */
	uint64_t body_hash;       /* same hash = same list: a refresh may be skipped */
	struct entry_finish *finish; /* while entrylist_finish_step() is at work */
};

struct entrylist *entrylist_new(void);
void entrylist_free(struct entrylist *l);
/* key: what the server calls it (may be malformed), note: free text or NULL, id: the server's object id or NULL.
 * Everything is copied; a NUL byte inside becomes U+FFFD (cut short, a key would name another entry). Times in ms, TIME_NONE = unknown/never. */
void entrylist_add(struct entrylist *l, const char *key, size_t key_len, const char *note, size_t note_len, const char *id,
	enum reason reason, enum origin origin, int64_t created, int64_t expires);
void entrylist_reset(struct entrylist *l); /* no rows; before finishing only */
void entrylist_finish(struct entrylist *l); /* sorts by net_cmp (malformed last, by text), drops exact double ids, builds the index */
/* The same in steps of about that many rows, for lists too long for one turn. True when finished; until then only freeing is allowed. */
bool entrylist_finish_step(struct entrylist *l, size_t rows);

void entry_net(const struct entry *e, struct net *out);
const char *entry_key(const struct entrylist *l, size_t row); /* as the server has it, raw: sanitise at the sink */
const char *entry_note(const struct entrylist *l, size_t row);
const char *entry_id(const struct entrylist *l, size_t row);
enum entry_state entry_state(const struct entrylist *l, size_t row, int64_t now);
int64_t entry_created(const struct entry *e); /* ms or TIME_NONE */
int64_t entry_expires(const struct entry *e);
/* Row of exactly this net / this key text; -1 if none. */
ptrdiff_t entrylist_find(const struct entrylist *l, const struct net *n);
ptrdiff_t entrylist_find_key(const struct entrylist *l, const char *key);
/* Widest active entry, other than `except` (-1 none), that covers n; -1 if none. Expired and malformed ones never cover. */
ptrdiff_t entrylist_covering(const struct entrylist *l, const struct net *n, ptrdiff_t except, int64_t now);
/* First active entry inside n, n itself included; -1 if none, however many expired ones are there. */
ptrdiff_t entrylist_inside(const struct entrylist *l, const struct net *n, int64_t now);

/* The value stalwarden stores for a block on servers up to 0.15, which ignore it (doc/stored-values.md):
 * {"by":"root","at":"2026-11-21T09:00:00Z","until":"…","reason":"text","class":"manual"} ; other text is taken as a note. */
struct entry_value {
	char by[64];
	char note[512];
	enum reason reason;
	int64_t at, until; /* ms or TIME_NONE */
};
void entry_value_parse(const char *s, size_t len, struct entry_value *out);
#define ENTRY_VALUE_BUF 4096 /* holds every value whole; in a smaller one (>= 1024) the free text may be cut */
/* Compact JSON, always ASCII and always whole. Returns out. */
char *entry_value_format(const struct entry_value *v, char *out, size_t size);

#endif
