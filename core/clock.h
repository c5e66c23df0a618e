/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time. Wall time is int64 ms since the epoch, UTC; durations are int64 ms; timers use the monotonic clock.
 * STALWARDEN_NOW (RFC 3339) fixes the wall clock for tests. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIME_NONE INT64_MIN /* unknown or absent */
#define TIME_BUF 40         /* enough for every formatter here */

int64_t clock_now(void);             /* wall, ms */
int64_t clock_mono(void);            /* monotonic, ms; never fixed */
void clock_fix(int64_t wall_ms);     /* TIME_NONE lets it run again */
bool clock_is_fixed(void);           /* a server's Date says nothing about such a clock */

/* "2026-11-21T09:40:12Z", with ".123" only when the ms part is not 0. TIME_NONE gives "". Returns out. */
char *time_format(int64_t t, char *out, size_t size);
/* RFC 3339 with any offset or 'Z', fraction optional (digits beyond ms are cut); also "YYYY-MM-DD" and
 * "YYYY-MM-DD HH:MM[:SS]" (UTC). `now` resolves "2h ago", "in 2h", "now", "today", "yesterday". */
bool time_parse(const char *s, int64_t now, int64_t *out);
/* Fast path for log lines: exactly YYYY-MM-DDTHH:MM:SS[.frac](Z|±HH:MM) at s; returns bytes used, 0 if none. */
size_t time_scan(const char *s, size_t len, int64_t *out);

/* "90s" "15m" "12h" "7d" "2w", sums like "1d12h"; "forever"/"never" are not durations. ms. Range 1 s .. 100 years. */
bool duration_parse(const char *s, int64_t *ms);
/* Exact and shortest: 5400000 -> "90m", 604800000 -> "7d". Parses back to the same value. */
char *duration_format(int64_t ms, char *out, size_t size);
/* For people, two units at most: "6 d 4 h", "41 s". */
char *duration_words(int64_t ms, char *out, size_t size);
/* For the console, local time: "today 09:40", "20 Nov", "3 Nov 2025". TIME_NONE gives "–". */
char *time_words(int64_t t, int64_t now, char *out, size_t size);
int64_t time_day_start(int64_t t); /* 00:00 UTC of that day */

#endif
