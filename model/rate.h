/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ban classes, thresholds and rates such as 100/1d. Counters are fixed windows aligned to the epoch, now / period (0.15, 0.16 source). */
#ifndef MODEL_RATE_H
#define MODEL_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define CLASS_INFO(_)                                                                              \
	_(AUTH, "auth", "failed logins", 100)                                                      \
	_(ABUSE, "abuse", "unknown recipients and relay attempts", 35)                             \
	_(LOITER, "loiter", "connections that do nothing", 150)                                    \
	_(SCAN, "scan", "requests for scanned paths or ports", 30)
enum ban_class {
#define CLASS_ENUM(id, name, words, count) CLASS_##id,
	CLASS_INFO(CLASS_ENUM)
#undef CLASS_ENUM
	CLASS_COUNT
};
#define CLASS_NONE CLASS_COUNT
const char *class_name(enum ban_class c); /* "auth"; "" for CLASS_NONE */
const char *class_words(enum ban_class c);
bool class_parse(const char *s, enum ban_class *out);

struct threshold {
	bool supported;         /* this server has the class */
	bool enabled;           /* false = switched off */
	bool stored;            /* false = the built-in default is in force */
	uint64_t count;         /* failures; >= 1 when enabled */
	int64_t period_ms;      /* window */
	int64_t ban_period_ms;  /* how long a ban lasts; 0 = for ever */
	bool period_is_fixed;   /* the REST gateway: a bare count per rolling hour */
	char raw[64];           /* what the server holds, sanitised; shown when it can't be understood */
	bool malformed;         /* raw is no rate: the server refuses its reload because of it */
};

struct thresholds {
	struct threshold of[CLASS_COUNT];
	char **paths;           /* scan paths, owned; NULL-terminated */
	size_t path_count;
	bool paths_stored;      /* false: the server's built-in globs, which it does not list */
};
void thresholds_init(struct thresholds *t);
void thresholds_release(struct thresholds *t);
void thresholds_add_path(struct thresholds *t, const char *glob, size_t len);

/* "200/1h", "100/1d": count 1..2^31-1, period Ns Nm Nh Nd. `none`, `unlimited` are refused: they make a 0.15 server panic. `false` -> enabled=false. */
/* Only enabled, count, period_ms, raw and malformed change; when it fails only raw and malformed do. */
bool rate_parse(const char *s, size_t len, struct threshold *out, struct err *err);
char *rate_format(const struct threshold *t, char *out, size_t size); /* "200/1h", "false" */
/* With the ban period, where it is not for ever: "200/1h for 7d". The canonical text of a threshold in outcomes and the journal. */
char *threshold_format(const struct threshold *t, char *out, size_t size);
bool threshold_parse(const char *s, struct threshold *out, struct err *err);
/* "ban after 100 failures within one UTC day; lasts for ever" */
char *rate_words(const struct threshold *t, enum ban_class c, char *out, size_t size);
int64_t rate_window_start(int64_t period_ms, int64_t now);
int64_t rate_window_end(int64_t period_ms, int64_t now);
bool rate_equal(const struct threshold *a, const struct threshold *b); /* enabled, count, period, ban period */

/* Scan globs: '*' and '?' only, printable, no blanks at the ends, 1..256 bytes; "*" alone bans every request and is refused. */
bool glob_check(const char *glob, struct err *err);
bool glob_match(const char *glob, const char *path, size_t len);

#endif
