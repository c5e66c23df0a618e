/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the servers did and forgot: bans, refused connections, attempts, ends of bans, and when a
 * block was first seen. `server` is a profile's name everywhere; NULL in a query = every server.
 * Times are ms UTC, ranges are [since, until), TIME_NONE = open. Texts are as the log had them:
 * sanitise at the sink. All reading functions fill arrays that the caller frees with the matching
 * _free(). */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include "model/entry.h"
#include "model/event.h"
#include "model/net.h"
#include "model/rate.h"
#include "model/report.h"
#include "store/store.h"

/* ---- taking in ---- */

#define HISTORY_SAME_BAN 10000 /* ms: lines of one address and class this close are one ban */

struct history_ingested {
	uint64_t lines, bans, repeats, refused, attempts,
		ended;    /* repeats: further lines of a known ban */
	uint64_t ignored; /* lines that say nothing about an address */
	uint64_t unparsed;
	int64_t oldest, newest; /* of the lines, or TIME_NONE */
};

enum ingest_result {
	INGEST_OK,
	INGEST_STALE, /* the store's cursor is not `from`: someone else was faster. Nothing was
			 taken; read again from history_cursor() */
	INGEST_ERROR,
};

/* One transaction: the lines and the new cursor, or neither. source: logsource_key(). from/to: the
 * batch's cursors; both NULL = no cursor is kept (then only bans are protected against being
 * counted twice). *sum is added to. */
enum ingest_result history_ingest(struct store *s, const char *server, const char *source,
	const char *from, const char *to, const struct event *events, size_t count,
	struct history_ingested *sum, struct err *err);
/* Where the source was read up to; "" when never. time (may be NULL): when that was. */
bool history_cursor(struct store *s, const char *server, const char *source, struct buf *out,
	int64_t *time, struct err *err);

/* Is it another source than this one that the server's log has been read from? Attempts read from both would count
 * twice. */
bool history_is_read_elsewhere(struct store *s, const char *server, const char *source);

/* Compares the blocked list with what was there last time, in steps of at most `budget_ms` each: a
 * block without a log line becomes "seen first at", one that is gone gets an end. Start with
 * history_seen_begin (list is borrowed until the end), call step until done. */
struct history_seen;
struct history_seen *history_seen_begin(struct store *s, const char *server,
	const struct entrylist *list, int64_t now, struct err *err);
bool history_seen_step(struct history_seen *job, int64_t budget_ms, bool *is_done, struct err *err);
void history_seen_end(struct history_seen *job); /* frees; harmless when not done: nothing half is
						    kept wrong, the next one goes on */

/* ---- who logs in from where ---- */

#define HISTORY_LOGIN_DAYS 30 /* logins older than that are no evidence any more */
#define HISTORY_SHARED     3  /* so many accounts: an address may be shared */

struct history_shared {
	struct net address;
	uint32_t logins, listeners; /* accounts that log in from it, on so many listeners */
	uint32_t regulars;          /* of those, who came back another day */
	uint32_t strangers;         /* accounts that were tried from it and never log in there; stops at 500 */
	bool is_capped;             /* it has more logins than are kept */
};
/* What of logins is still in memory is written: after a long log, before asking. In a transaction, or one of its own;
 * some 5 ms. */
bool history_logins_write(struct store *s, struct err *err);
/* Addresses from which HISTORY_SHARED accounts or more logged in lately, whoever else was tried there: few, sorted by
 * net_cmp. The caller frees. active: only those with failures or refused connections since then, give or take an hour;
 * TIME_NONE = all. */
bool history_shared(
	struct store *s, const char *server, int64_t active, struct net **nets, size_t *count, struct err *err);
/* All zero if nothing is known. own: logins of that account by HTTP don't count (NULL = none such). */
bool history_shared_of(struct store *s, const char *server, const struct net *address, const char *own, int64_t now,
	struct history_shared *out, struct err *err);

/* Deletes what is older than `keep_ms` (0 = keep for ever) in steps; *more = call again. */
bool history_retain(struct store *s, int64_t keep_ms, int64_t now, bool *more, struct err *err);

/* ---- asking ---- */

#define HISTORY_BY_INFO(_)                                                                         \
	_(DAY, "day")                                                                              \
	_(ADDRESS, "address")                                                                      \
	_(RANGE, "range")                                                                          \
	_(REASON, "reason")                                                                        \
	_(ACCOUNT, "account")
enum history_by {
#define HISTORY_BY_ENUM(id, text) HISTORY_BY_##id,
	HISTORY_BY_INFO(HISTORY_BY_ENUM)
#undef HISTORY_BY_ENUM
		HISTORY_BY_COUNT
};
const char *history_by_text(enum history_by by);
bool history_by_parse(const char *s, enum history_by *out);

enum history_sort { HISTORY_NEWEST, HISTORY_MOST, HISTORY_KEY /* by the grouping's own order */ };

struct history_query {
	const char *server;       /* NULL = all */
	int64_t since, until;     /* TIME_NONE = open */
	struct net within;        /* only addresses in it; family 0 = all */
	enum ban_class class;     /* CLASS_NONE = all */
	const char *account;      /* exactly this account or recipient; NULL = all */
	uint8_t prefix4, prefix6; /* by range; 0 = 24 and 48 */
	uint64_t at_least;        /* groups with fewer bans are left out */
	enum history_sort sort;
	size_t limit; /* 0 = all */
};
void history_query_init(struct history_query *q); /* everything open */

/* One row of any grouping; only the field named after the grouping is set, beside the figures. */
struct history_row {
	int64_t day;          /* 00:00 UTC */
	struct net net;       /* address or range */
	enum ban_class class; /* reason */
	char *account;        /* owned; "" = the line named none */
	uint64_t bans, addresses;
	uint64_t by_class[CLASS_COUNT];
	int64_t first, last; /* ms */
};
/* *total (may be NULL): how many groups there are without the limit. */
bool history_group(struct store *s, enum history_by by, const struct history_query *q,
	struct history_row **rows, size_t *count, size_t *total, struct err *err);
void history_rows_free(struct history_row *rows, size_t count);

/* The same in steps, for a console: each looks at no more than `segs` times 4096 bans, or does one of
 * the few things after that. Bans that come meanwhile may be counted or not. take when is_done. */
#define HISTORY_ALL_SEGS 0
struct history_grouping;
struct history_grouping *history_grouping_begin(
	struct store *s, enum history_by by, const struct history_query *q, struct err *err);
bool history_grouping_step(
	struct history_grouping *job, unsigned segs, bool *is_done, struct err *err);
void history_grouping_take(
	struct history_grouping *job, struct history_row **rows, size_t *count, size_t *total);
void history_grouping_end(struct history_grouping *job); /* harmless when not done, or NULL */

enum ban_end {
	END_NONE,
	END_EXPIRED,
	END_GONE /* vanished from the list */,
	END_OPERATOR /* un-blocked by us: see the journal */
};
struct history_ban {
	int64_t id, time;
	char *server;
	enum ban_class class;
	struct net address;
	char *account, *to, *path, *listener; /* owned; "" = not said */
	uint32_t lines;                       /* log lines that were this one ban */
	uint32_t nth;                         /* 1 = this address' first */
	int64_t ended;                        /* ms or TIME_NONE */
	enum ban_end end;
};
/* Single bans, newest first. */
bool history_bans(struct store *s, const struct history_query *q, struct history_ban **rows,
	size_t *count, struct err *err);
void history_bans_free(struct history_ban *rows, size_t count);
/* The same in steps, for a console: as history_grouping_step(). */
struct history_bans_job;
struct history_bans_job *history_bans_begin(struct store *s, const struct history_query *q, struct err *err);
bool history_bans_step(struct history_bans_job *job, unsigned segs, bool *is_done, struct err *err);
void history_bans_take(struct history_bans_job *job, struct history_ban **rows, size_t *count);
void history_bans_end(struct history_bans_job *job); /* harmless when not done, or NULL */

/* Refused connections or failed attempts, summed up by address, listener, account and class (those
 * that apply), most first. */
struct history_sum {
	struct net address;
	char *listener, *account; /* owned; "" = not said */
	enum ban_class class;     /* attempts */
	uint64_t count;
	int64_t first, last; /* ms; refused connections are kept by the hour, but first and last are
				exact */
};
bool history_refused(struct store *s, const struct history_query *q, struct history_sum **rows,
	size_t *count, struct err *err);
bool history_attempts(struct store *s, const struct history_query *q, struct history_sum **rows,
	size_t *count, struct err *err);
void history_sums_free(struct history_sum *rows, size_t count);
/* The same in steps, for a console: each looks at no more than `rows` rows (0 = all), or does one of the few things
 * after that. What comes meanwhile may be counted or not. take when is_done. */
struct history_sums_job;
struct history_sums_job *history_refused_begin(struct store *s, const struct history_query *q, struct err *err);
struct history_sums_job *history_attempts_begin(struct store *s, const struct history_query *q, struct err *err);
bool history_sums_step(struct history_sums_job *job, size_t rows, bool *is_done, struct err *err);
void history_sums_take(struct history_sums_job *job, struct history_sum **rows, size_t *count);
void history_sums_end(struct history_sums_job *job); /* harmless when not done, or NULL */

/* What is known per address, for the columns of the blocked list: sorted by net_cmp. */
struct history_tally {
	struct net net; /* an address, or a network that was seen blocked */
	uint32_t bans;
	uint64_t refused;
	int64_t last_ban, last_refused; /* ms or TIME_NONE */
	int64_t seen_first; /* ms: when the block was first seen without a line; TIME_NONE = not so
			     */
	enum ban_class last_class;
};
bool history_tallies(struct store *s, const char *server, struct history_tally **rows,
	size_t *count, struct err *err);
/* The same in steps of at most `max` rows, for a loop that must not wait. begin() is NULL on an error; after a step
 * that fails, or instead of end(), abandon() it. The store may be written between steps: what comes then may be in or
 * not. */
struct tally_reader;
struct tally_reader *history_tallies_begin(struct store *s, const char *server, struct err *err);
bool history_tallies_step(struct tally_reader *r, size_t max, bool *done, struct err *err);
void history_tallies_end(struct tally_reader *r, struct history_tally **rows, size_t *count);
void history_tallies_abandon(struct tally_reader *r);
/* NULL if nothing is known of exactly n. */
const struct history_tally *history_tally_find(
	const struct history_tally *rows, size_t count, const struct net *n);
/* Rows of a finished list without reason or time take those of the address's last ban, and were
 * then added by the server. True if any did. One pass over both. */
bool history_tallies_teach(
	const struct history_tally *rows, size_t count, struct entrylist *l);
/* Refused connections and bans of everything inside n (also n itself). */
void history_tally_inside(const struct history_tally *rows, size_t count, const struct net *n,
	uint64_t *refused, uint64_t *bans);

/* Bans in each of the `hours` hours that end with the current one; out[hours - 1] is now's. */
bool history_hours(struct store *s, const char *server, int64_t now, uint32_t *out, size_t hours,
	struct err *err);
/* Heat map: `days` days up to today, out[days - 1] is today. */
struct history_day {
	int64_t day; /* 00:00 UTC */
	uint32_t bans, addresses;
	uint32_t by_class[CLASS_COUNT];
};
bool history_days(struct store *s, const char *server, int64_t now, struct history_day *out,
	size_t days, struct err *err);

/* Both in steps, for a console: as history_grouping_step(). */
struct history_buckets_job;
struct history_buckets_job *history_hours_begin(
	struct store *s, const char *server, int64_t now, size_t hours, struct err *err);
struct history_buckets_job *history_days_begin(
	struct store *s, const char *server, int64_t now, size_t days, struct err *err);
bool history_buckets_step(struct history_buckets_job *job, unsigned segs, bool *is_done, struct err *err);
void history_hours_take(struct history_buckets_job *job, uint32_t *out); /* as many as were asked for */
void history_days_take(struct history_buckets_job *job, struct history_day *out);
void history_buckets_end(struct history_buckets_job *job); /* harmless when not done, or NULL */

/* Close to a ban: failures in the window that `now` is in. */
struct history_near {
	enum ban_class class;
	struct net address; /* family 0: counted per login or recipient */
	char *account;      /* owned; "" when counted per address */
	uint64_t failures, limit;
	int64_t window_end;           /* ms: the counter starts again */
	int64_t last;                 /* ms: newest failure */
	uint32_t addresses, accounts; /* how many took part */
	bool is_over; /* at or over the limit: for an account, the next failure of any address is
			 banned at once */
	int64_t id;   /* of the address or the login in the store */
};
/* Rows at `percent` of the limit or more, closest first. Only what is logged can be counted: see
 * logsource_diagnose(). */
bool history_near(struct store *s, const char *server, const struct thresholds *t, int64_t now,
	unsigned percent, size_t limit, struct history_near **rows, size_t *count, struct err *err);
/* The same without a limit or a percentage, of one address and some logins only. */
#define HISTORY_NEAR_ACCOUNTS 8
bool history_near_of(struct store *s, const char *server, const struct thresholds *t, int64_t now,
	const struct net *address, const char *const *accounts, size_t account_count,
	struct history_near **rows, size_t *count, struct err *err);
/* Both in steps, for a console: each looks at no more than `rows` rows (0 = all), or does one of the few things
 * after that. t NULL: there is nothing to be near to. logged_since: *logged also gets a bit for each class that has
 * rows here, and for failed logins, of which there was an attempt since then; TIME_NONE = nobody asks. What comes
 * meanwhile may be counted or not. take when is_done. */
struct history_near_job;
struct history_near_job *history_near_begin(struct store *s, const char *server, const struct thresholds *t,
	int64_t now, unsigned percent, size_t limit, int64_t logged_since, struct err *err);
struct history_near_job *history_near_of_begin(struct store *s, const char *server, const struct thresholds *t,
	int64_t now, const struct net *address, const char *const *accounts, size_t account_count,
	int64_t logged_since, struct err *err);
bool history_near_step(struct history_near_job *job, size_t rows, bool *is_done, struct err *err);
void history_near_take(struct history_near_job *job, struct history_near **rows, size_t *count, unsigned *logged);
void history_near_end(struct history_near_job *job); /* harmless when not done, or NULL */
/* Are attempts of that class in the log at all, since then? */
bool history_has_attempts(struct store *s, const char *server, enum ban_class class, int64_t since,
	bool *out, struct err *err);
void history_near_free(struct history_near *rows, size_t count);

/* The newest ban of one address with what led to it: for the why page. */
struct history_trigger {
	bool found;
	struct history_ban ban;
	struct history_sum
		*attempts; /* of the address in the ban's window, by account and listener */
	size_t attempt_count;
	uint64_t failures;         /* of the address in that window, the banned one included */
	uint64_t account_failures; /* of the account (or recipient) in that window, from all
				      addresses */
	uint32_t account_addresses;
	int64_t window_start;
	bool is_login_keyed;  /* the account was over its limit, the address was not: banned because
				 of the login */
	bool attempts_logged; /* the log of that time held attempts at all */
};
bool history_trigger(struct store *s, const char *server, const struct net *address,
	const struct thresholds *t, struct history_trigger *out, struct err *err);
void history_trigger_release(struct history_trigger *t);
/* The same in steps, for a console: as history_near_step(). */
struct history_trigger_job;
struct history_trigger_job *history_trigger_begin(struct store *s, const char *server, const struct net *address,
	const struct thresholds *t, struct err *err);
bool history_trigger_step(struct history_trigger_job *job, size_t rows, bool *is_done, struct err *err);
void history_trigger_take(struct history_trigger_job *job, struct history_trigger *out);
void history_trigger_end(struct history_trigger_job *job); /* harmless when not done, or NULL */

/* Entries of the blocked list as they were seen: those inside `within`, and networks that contain
 * it; NULL = all. seen_first is set where no line of the log explains the block. Newest first. */
struct history_span {
	struct net net;
	int64_t seen_first, ended; /* ms or TIME_NONE */
	enum ban_end end;
};
bool history_spans(struct store *s, const char *server, const struct net *within,
	struct history_span **rows, size_t *count, struct err *err);
void history_spans_free(struct history_span *rows, size_t count);

/* ---- the monthly review ---- */

struct history_report_query {
	const char *server;                  /* NULL = all */
	int64_t since, until;                /* the month */
	const struct thresholds *thresholds; /* in force; NULL = built-in defaults */
	const struct netset *allowed;        /* allowed entries, NULL = unknown */
	const struct netset *gateways;       /* known gateways and proxies, NULL */
	uint64_t range_bans; /* a range is worth a rule from so many bans on; 0 = 5 */
};
/* Fills what model/report.h prints. Releases nothing of the caller's. */
bool history_report(
	struct store *s, const struct history_report_query *q, struct report *out, struct err *err);
/* What `count` failures per `period_ms` would have done in [since, until) with the attempts that
 * are stored. */
bool history_simulate(struct store *s, const char *server, enum ban_class class, uint64_t count,
	int64_t period_ms, int64_t since, int64_t until, const struct netset *allowed,
	struct report_simulation *out, struct err *err);

#endif
