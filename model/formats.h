/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import and export of address lists in the formats people have them in. Pure: bytes in, rows out, and back. No I/O, no clock.
 * Everything read is untrusted; everything written is safe text. */
#ifndef MODEL_FORMATS_H
#define MODEL_FORMATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "model/entry.h"
#include "model/net.h"

/* id, name, can be read, can be written, words */
#define FORMAT_INFO(_)                                                                             \
	_(AUTO, "auto", true, false, "guessed from the text")                                      \
	_(CSV, "csv", true, true, "comma separated, with a header")                                \
	_(JSON, "json", true, true, "one array of objects")                                        \
	_(NDJSON, "ndjson", true, true, "one object a line")                                       \
	_(VALUES, "values", true, true, "one address or network a line")                           \
	_(CSCLI, "cscli", true, true, "CrowdSec decisions, csv or json")                           \
	_(FAIL2BAN, "fail2ban", true, false, "fail2ban-client get JAIL banip --with-time")         \
	_(NFT, "nft", true, true, "an nftables set")                                               \
	_(IPSET, "ipset", true, true, "ipset save or list")                                        \
	_(IPTABLES, "iptables", true, true, "iptables rules that drop a source")
enum format {
#define FORMAT_ENUM(id, name, in, out, words) FORMAT_##id,
	FORMAT_INFO(FORMAT_ENUM)
#undef FORMAT_ENUM
	FORMAT_COUNT
};
const char *format_name(enum format f);
const char *format_words(enum format f);
bool format_can_read(enum format f);
bool format_can_write(enum format f);
bool format_parse(const char *s, enum format *out);
/* What the beginning of a text looks like; never AUTO. */
enum format format_guess(const char *s, size_t len);

/* ---- import ---- */
enum import_skip {
	IMPORT_TAKE,
	IMPORT_PRESENT,   /* the list has exactly this entry already */
	IMPORT_ALLOWED,   /* an active allowed entry touches it: blocking would be refused */
	IMPORT_MERGED,    /* --merge: a wider row covers it, or it became part of one */
	IMPORT_EXPIRED,   /* its time is over already */
	IMPORT_DOUBLE,    /* the file has it twice, once with the name of the list; counted among the duplicates */
	IMPORT_GUARDED,   /* a guard refuses it; set by whoever asks them */
};

struct import_row {
	struct net net;
	uint8_t reason;       /* enum reason */
	uint8_t list;         /* enum list_kind; LIST_COUNT = the file does not say */
	uint8_t skip;         /* enum import_skip */
	uint32_t line;        /* from 1 */
	uint32_t note;        /* offset into the import's text; 0 = none */
	int64_t created, expires; /* ms or TIME_NONE */
	uint32_t allowed_row; /* IMPORT_ALLOWED: row of the allowed list it touches */
};

struct import_bad {
	uint64_t line;
	uint32_t text, why;   /* offsets into the import's text: what stood there (cut, safe), and what is wrong (one sentence, safe) */
};

#define IMPORT_BAD_MAX 100000 /* bad lines kept with their words; more are counted only */

struct import {
	enum format format;   /* as given or guessed; AUTO until known */
	struct import_row *rows;
	size_t count, cap;
	struct import_bad *bad;
	size_t bad_count, bad_cap; /* kept */
	size_t bad_total;
	uint64_t lines;       /* read; blank ones and comments count */
	size_t duplicates;    /* left out: the same address again; the first stays */
	size_t host_bits;     /* taken as their network */
	size_t mapped;        /* IPv4-mapped IPv6 taken as IPv4 */
	struct buf text;
	struct importer *state; /* private */
};

/* now turns durations into times. */
struct import *import_new(enum format format, int64_t now);
void import_free(struct import *im);
void import_feed(struct import *im, const char *data, size_t len); /* any split of the input */
void import_finish(struct import *im);                             /* once, after the last byte */
const char *import_note(const struct import *im, const struct import_row *r); /* "" = none; raw: sanitise at the sink */
const char *import_text(const struct import *im, uint32_t offset);
/* Marks rows that need not or must not be sent to `to`, and gives those to it that name no list. Lists may be NULL. */
void import_sort_out(struct import *im, enum list_kind to, const struct entrylist *present, const struct entrylist *allowed,
	int64_t now);
size_t import_tally(const struct import *im, enum import_skip s);
/* --merge: rows of the same list and expiry become the fewest networks that cover exactly the same addresses; others stay. Returns how many rows it saved. */
size_t import_merge(struct import *im);

/* ---- export ---- */
typedef bool (*export_fn)(void *arg, const char *data, size_t len); /* false stops */
struct export_list {
	const struct entrylist *list;
	enum list_kind kind;
	const uint32_t *rows; /* NULL = all */
	size_t row_count;
};
/* What a format could not hold. */
struct export_tally {
	size_t written;
	size_t over, malformed; /* left out: their time is over, or they are no address */
	size_t covered;   /* left out: the format's sets hold no overlaps, and another entry blocks as much for as long */
	size_t allowed;   /* left out: the format knows bans only */
	size_t too_wide;  /* left out: everything (a /0) */
	size_t endless;   /* written without the end they have: the format has no place for it */
	size_t shortened; /* written with an end sooner than theirs: the format counts no further */
};
/* Begins, behind any apostrophes, like what a spreadsheet calculates. */
bool csv_is_formula(const char *s, size_t len);
/* "left out: 2 over already, 1 malformed; …"; "" when nothing is to be told. */
const char *export_tally_text(const struct export_tally *t, char *out, size_t size);
/* Writes in pieces of some 64 KiB. Malformed and expired entries go into csv, json and ndjson only. False when fn said so or the format can't be written (err).
 * *tally may be NULL. */
bool export_lists(enum format format, const struct export_list *lists, size_t n, int64_t now, export_fn fn, void *arg,
	struct export_tally *tally, struct err *err);

#endif
