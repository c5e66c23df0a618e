/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of import and export, for model/formats*.c only. */
#ifndef MODEL_FORMATS_PRIVATE_H
#define MODEL_FORMATS_PRIVATE_H

#include "core/buf.h"
#include "model/formats.h"
#include "model/slice.h"

/* What a column or a key can mean. */
enum field {
	FIELD_ADDRESS,
	FIELD_REASON,
	FIELD_NOTE,
	FIELD_CREATED,
	FIELD_EXPIRES,
	FIELD_DURATION,
	FIELD_LIST,
	FIELD_TYPE,   /* cscli: only bans are imported */
	FIELD_SCOPE,  /* cscli: addresses and ranges, no countries */
	FIELD_ALERT,  /* cscli: how many decisions were made of an alert, not which */
	FIELD_COUNT,
	FIELD_IGNORED = FIELD_COUNT,
};
enum field field_of(const char *name, size_t len);

/* One entry as text; empty slices are absent. */
struct fields {
	struct slice of[FIELD_COUNT];
};

/* The row's hash beside its number: hardly ever must the row itself be looked at. */
struct slot {
	uint32_t row; /* + 1; 0 = free */
	uint32_t hash;
};

struct importer {
	int64_t now;
	struct buf pending;      /* what has come of a line or value that is not complete; before that, text to guess from */
	bool is_started;         /* the format is known */
	bool is_skipping;        /* inside a line that was too long */
	char newline;            /* '\r' where there is no other, as old spreadsheets write */
	uint64_t line;           /* number of the line being read, from 1 */
	const struct reader *reader;
	struct slot *slots;      /* of the hash of rows */
	size_t slot_count;
	/* csv */
	struct buf record;       /* lines of a record whose quote is still open */
	uint64_t record_line;
	struct buf scratch;      /* fields without their quotes */
	char separator;          /* 0 = not known yet */
	bool is_refused;         /* nothing of this text is taken */
	bool has_header, is_past_header;
	enum field columns[64];
	/* json */
	uint64_t value_line;     /* where the value in `pending` began */
	unsigned depth, base;    /* of brackets; of the array whose elements are read */
	bool in_comment;         /* above the first value */
	bool in_string, in_escape, in_value, is_array, is_over, is_oversize;
	/* nft, ipset, iptables and fail2ban */
	bool in_elements, in_quotes, in_members;
	bool is_output;          /* rules for what this host sends */
	bool is_other_set;       /* its members are no addresses */
	enum list_kind set_list; /* said by the set's name */
	char set_timeout[32];    /* of members that name none; "" = for ever */
	char set_name[64];       /* whose head was read last */
	struct buf element;
	uint64_t element_line;
};

/* Why a member of a set of pairs ("203.0.113.7,tcp:25") is not taken. */
#define IMPORT_PAIR "this set holds addresses together with something else: only addresses can be taken"

/* How a format is read: line by line, or byte by byte. */
struct reader {
	void (*line)(struct import *im, const char *s, size_t len); /* without its end; number in state->line */
	void (*bytes)(struct import *im, const char *s, size_t len);
	void (*finish)(struct import *im);
};
extern const struct reader reader_csv, reader_json, reader_ndjson, reader_values, reader_fail2ban, reader_nft, reader_ipset,
	reader_iptables;

/* ---- rows (formats_rows.c) ---- */
void import_row_add(struct import *im, uint64_t line, const struct net *n, unsigned flags, const struct fields *f);
/* The address may be a range, "first-last". */
void import_fields_add(struct import *im, uint64_t line, const struct fields *f);
void import_bad_add(struct import *im, uint64_t line, const char *text, size_t len, const char *why);
/* An entry of a server up to 0.15: its address and the value stored for it, which may be ours (doc/stored-values.md). */
void import_settings_add(struct import *im, uint64_t line, struct slice address, struct slice value, enum list_kind list);
/* "server.blocked-ip.1.2.3.4": cuts the key's prefix off and says which list it is of; LIST_COUNT if it is no such key. */
enum list_kind settings_key_cut(struct slice *key);
void import_state_release(struct importer *st);
/* A line of a script without "sudo" and the program's folder. */
struct slice import_command(struct slice line);
/* Sets called allowed4, whitelist, trusted-hosts: blocking what is in them is the last thing their
 * owner wants. LIST_COUNT = the name says nothing. */
enum list_kind import_list_of_set(struct slice name);
void import_set_begin(struct importer *st, struct slice name); /* what is told of it follows */
void import_set_enter(struct importer *st, struct slice name); /* members follow; nothing is known unless it began last */
void import_set_timeout(struct importer *st, struct slice timeout); /* 0 = none */
void import_set_fields(const struct importer *st, struct fields *f); /* what the set says of a member */
/* The entries of one JSON value that began in that line. */
void import_json_take(struct import *im, const char *s, size_t len, uint64_t line);
/* A line of values, for readers that meet one. */
void import_values_line(struct import *im, const char *s, size_t len);

/* ---- values (formats_fields.c) ---- */
struct slice slice_trim(struct slice s);   /* blanks, then one pair of double quotes */
struct slice slice_word(struct slice *s);  /* cuts the first blank-separated word off */
bool slice_is_fold(struct slice a, const char *s);
bool import_time(struct slice s, int64_t now, int64_t *out);     /* "" and "never" give TIME_NONE */
/* "3h59m12.5s", "1d2h", "-5m", "600" (s); sums of w d h m s ms us ns. */
bool import_duration(struct slice s, int64_t *ms);
enum list_kind import_list(struct slice s); /* LIST_COUNT if it names none */

#endif
