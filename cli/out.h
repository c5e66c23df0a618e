/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Results on stdout: one set of rows, five formats. Every text passes text_safe() here, so no verb can forget it. */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

#define OUT_FORMAT_INFO(_) _(TABLE, "table") _(JSON, "json") _(NDJSON, "ndjson") _(CSV, "csv") _(PLAIN, "plain")
enum out_format {
#define OUT_ENUM(id, name) OUT_##id,
	OUT_FORMAT_INFO(OUT_ENUM)
#undef OUT_ENUM
	OUT_FORMAT_COUNT
};
bool out_format_parse(const char *s, enum out_format *out);

enum out_field_flags {
	OUT_RIGHT = 1,   /* right-aligned in a table */
	OUT_HIDDEN = 2,  /* not in a table: JSON, CSV and plain only */
	OUT_ONLY_TABLE = 4, /* only in a table */
};
struct out_field {
	const char *key;    /* stable, a contract; NULL ends the list */
	const char *title;  /* table heading */
	unsigned flags;
};

/* A field's key as JSON, made once: `,"key":`. */
struct json_lead {
	const char *key;
	size_t len;    /* of text; 0: the key is too long for it */
	char text[32];
};

struct out {
	enum out_format format;
	const struct out_field *fields;
	size_t field_count, field;  /* next field to be filled */
	size_t rows;
	bool row_open, headed;      /* a row waits for its end; a table's titles are written */
	bool row_begun;             /* a field of this row was written: a separator is due */
	bool single;                /* JSON: one object instead of an array */
	bool ascii;
	struct buf buf;             /* what is not written yet */
	struct buf cells;           /* table: every cell, NUL-terminated, row by row */
	int width[32];
	struct json_lead lead[32];
	int fd;                     /* 1, or -1: kept in buf (tests, --textfile) */
	bool failed;                /* the reader went away */
};

/* fields[n].key NULL. single: the document is one object (why, status, probe). */
void out_begin(struct out *o, enum out_format format, const struct out_field *fields, bool single, bool ascii);
void out_row(struct out *o);             /* starts a row; fields follow in order */
void out_text(struct out *o, const char *s, size_t len);
void out_str(struct out *o, const char *s); /* NULL = null */
void out_strf(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void out_int(struct out *o, int64_t v);
void out_bool(struct out *o, bool v);
void out_null(struct out *o);
void out_time(struct out *o, int64_t ms);  /* TIME_NONE = null */
void out_list(struct out *o, const char *const *items, size_t n);
/* json: a ready document for JSON formats; text: what the others show */
void out_raw(struct out *o, const char *json, const char *text);
void out_flush(struct out *o);           /* what there is goes out now, a table without its titles again */
int out_end(struct out *o);              /* writes what is left; 0, or 5 when stdout failed */
int out_lost(void);                      /* writes what stdio holds for stdout; errno of the first write that failed, by whatever way, or 0 */

/* For nested documents given to out_raw(). */
void json_text(struct buf *b, const char *s); /* quoted, text_safe()d; NULL = null */
void json_time(struct buf *b, int64_t ms);
void json_quote(struct buf *b, const char *s, size_t len);
void json_key(struct buf *b, const char *key); /* ,"key": with the comma when needed */
void json_lead_init(struct json_lead *l, const char *key);
/* Key and value; is_text: quoted and text_safe()d, else ready JSON. json_member_slow() finds out by itself whether a comma is due. */
void json_member(struct buf *b, const struct json_lead *l, bool is_first, const char *s, size_t len, bool is_text);
void json_member_slow(struct buf *b, const char *key, const char *s, size_t len, bool is_text);

#endif
