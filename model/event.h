/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line of the server's log as an event: found, not copied. Reads every format seen: 0.6 and 0.8
 * (key="value" text), 0.10 to 0.16 ("Description (event.id) key = value"). Pure; knows no file, no
 * server, no clock. Everything in a line may be an attacker's: sanitise at the sink (core/text.h),
 * take addresses only from event_facts(). */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/clock.h"
#include "model/net.h"
#include "model/rate.h"
#include "model/slice.h"

#define LEVEL_INFO(_)                                                                              \
	_(NONE, "")                                                                                \
	_(TRACE, "TRACE")                                                                          \
	_(DEBUG, "DEBUG")                                                                          \
	_(INFO, "INFO")                                                                            \
	_(WARN, "WARN")                                                                            \
	_(ERROR, "ERROR")
enum event_level {
#define LEVEL_ENUM(id, text) LEVEL_##id,
	LEVEL_INFO(LEVEL_ENUM)
#undef LEVEL_ENUM
		LEVEL_COUNT
};
const char *event_level_text(enum event_level l); /* "INFO"; "" for NONE */

enum event_format {
	EVENT_TEXT,    /* could not be parsed: only `line` is set */
	EVENT_MODERN,  /* 0.9.4 and later */
	EVENT_TRACING, /* up to 0.9.3 */
};

/* Slices point into the parsed line, except `id` of an EVENT_TRACING line, which may point to a
 * constant. */
struct event {
	struct slice line; /* whole record without its line end; ANSI already stripped; may hold LF,
			      NUL, bad UTF-8 */
	int64_t time;      /* ms; TIME_NONE for EVENT_TEXT */
	enum event_level level;
	enum event_format format;
	struct slice description; /* "Banned due to scan"; up to 0.9.3 the message; empty for 0.16
				     API rows */
	struct slice
		id; /* "security.scan-ban"; "" when a line up to 0.9.3 has no modern equivalent */
	struct slice module; /* up to 0.9.3: "utils::listener::listen"; else empty */
	struct slice
		span; /* up to 0.9.3: inside of "session{…}: " in front of the module; else empty */
	struct slice details; /* the key = value part */
};

/* Length in bytes of the first record of s, its line end included; 0 = incomplete. A line that does
 * not begin with a time and follows one that ends inside a quoted value continues it. is_final:
 * nothing more will come. A record never exceeds EVENT_MAX bytes: what is longer is cut there into
 * text records. */
#define EVENT_MAX (256 * 1024)
size_t event_record(const char *s, size_t len, bool is_final);
bool event_begins(const char *s,
	size_t len); /* does a line begin a record here, with a time? For reading backwards. */

/* Removes colour codes (SGR, and any other CSI) in place when the line was written by a tracer with
 * `ansi` on: that is, one stands at its start or between time, level and text. An escape inside a
 * value only is left for the sanitiser. New length. */
size_t event_strip_ansi(char *s, size_t len);

/* Never fails: what can't be parsed is EVENT_TEXT. s is one record, with or without its line end,
 * colour codes stripped. */
void event_parse(const char *s, size_t len, struct event *out);

/* A log API's row, written into *store (reset first) as the server writes the line to its file,
 * then parsed: out's slices point into *store. level any case; description may be empty (0.16). */
void event_from_item(struct buf *store, struct slice timestamp, struct slice level,
	struct slice description, struct slice id, struct slice details, struct event *out);
/* The canonical line of a parsed event; parses back to an equal event. */
void event_print(struct buf *out, const struct event *ev);

/* May this raw line (colour codes or not) matter to the history: a ban, refusal, attempt or expiry?
 * A cheap look, no false "no". */
bool event_matters(const char *s, size_t len);

/* Value of the nth (from 0) field called key, quotes removed; false if there is none. Old lines:
 * span fields count first. */
bool event_field(const struct event *ev, const char *key, unsigned nth, struct slice *value);
/* Walks all fields in order; start with *pos = 0. */
bool event_field_next(const struct event *ev, size_t *pos, struct slice *key, struct slice *value);

/* What an event says about an address. Rows: event ids and what they mean are one table in
 * event_facts.c. */
enum event_kind {
	EVENT_OTHER,
	EVENT_BAN,     /* security.*-ban */
	EVENT_REFUSED, /* security.ip-blocked: a connection of a blocked address was cut */
	EVENT_ATTEMPT, /* counts towards a ban: auth.failed, smtp.mailbox-does-not-exist, … */
	EVENT_EXPIRED, /* security.ip-block-expired: addresses by event_expired() */
	EVENT_ALLOW_EXPIRED, /* security.ip-allow-expired */
	EVENT_SUCCESS,       /* auth.success */
	EVENT_UNAUTHORIZED,  /* security.unauthorized, security.ip-unauthorized: a permission is
				missing */
};

struct event_facts {
	enum event_kind kind;
	enum ban_class class; /* of a BAN or ATTEMPT; else CLASS_NONE */
	struct net address; /* family 0 = none. The server's own, first remoteIp; see is_doubtful */
	bool is_doubtful;   /* several addresses and free text before the first: none was taken */
	bool is_redundant; /* ATTEMPT logged beside another line of the same failure: don't count it
			    */
	struct slice account;  /* accountName, login, username */
	struct slice to;       /* recipient */
	struct slice path;     /* scan */
	struct slice listener; /* listenerId, instance; empty when the line has none */
	unsigned local_port;   /* 0 = none */
};
void event_facts(const struct event *ev, struct event_facts *out);
/* The addresses of an EXPIRED or ALLOW_EXPIRED event; start with *pos = 0. */
bool event_expired(const struct event *ev, size_t *pos, struct net *out);
const char *event_kind_text(enum event_kind k); /* "ban", "refused", "attempt", … */

uint64_t event_hash(const struct event
		*ev); /* of time, level, id and details: equal for a file's line and an API's row */

#endif
