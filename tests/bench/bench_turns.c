/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long the steps of the store's jobs are, on a store of a million bans, as many refused connections and half
 * again as many attempts, a third of those today and from ever new addresses. A console takes as many steps in one
 * turn of its loop as fit into 4 ms, so the longest step is what matters. One JSON object per line, as
 * bench_ingest.c's; CPU time, so that whatever else the machine does is not counted, and the time of the wall beside
 * it.
 *
 *   bench_turns DIR [BANS]      DIR: where the store is made (removed before, kept after). Default 1,000,000. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/buf.h"
#include "core/mem.h"
#include "store/history.h"

#define BATCH 4000
#define YEAR  (360 * INT64_C(86400000))
#define SERVER "mail1"

static uint64_t seed = 88172645463325252u;

static unsigned roll(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- a store ---- */

static void put_address(struct buf *b, unsigned n)
{
	buf_addf(b, "%u.%u.%u.%u", 20 + n % 160, n / 160 % 250, n / 40000 % 250, 1 + n % 250);
}

static void add_line(struct buf *b, int64_t t, unsigned kind, size_t nth)
{
	static const char *const bans[] = { "authentication-ban", "abuse-ban", "loiter-ban", "scan-ban" };
	static const char *const listeners[] = { "imap", "imaptls", "smtp", "submission", "http" };
	char stamp[TIME_BUF];

	buf_addf(b, "%s ", time_format(t, stamp, sizeof(stamp)));
	if (kind == 0)
		buf_addf(b, "INFO Banned (security.%s) ", bans[roll(8) % 4]);
	else if (kind == 1)
		buf_adds(b, "INFO Blocked IP address (security.ip-blocked) ");
	else
		buf_adds(b, "DEBUG Authentication failed (auth.failed) ");
	buf_addf(b, "listenerId = \"%s\", remoteIp = ", listeners[roll(5)]);
	if (kind == 3)
		put_address(b, (unsigned)(nth / 3)); /* a rotation: each tries three times */
	else
		put_address(b, roll(roll(300000) + 1));
	if (kind != 1)
		buf_addf(b, ", accountName = \"user%u@example.org\"", roll(roll(20000) + 1));
	buf_addc(b, '\n');
}

static void fill(struct store *s, size_t bans, int64_t now)
{
	struct event *events = xcalloc(BATCH, sizeof(*events));
	size_t old = bans * 3, total = old + bans / 2, done, i, used, n;
	struct buf b = BUF_INIT;
	struct err err = ERR_INIT;

	for (done = 0; done < total; done += BATCH) {
		buf_reset(&b);
		for (i = done; i < done + BATCH; i++)
			add_line(&b,
				i < old ? now - YEAR + (int64_t)((double)i / (double)old * (double)YEAR)
					: now - 1000 -
						  (int64_t)((double)(total + BATCH - i) / (double)(total - old) * 40e6),
				i < old ? (unsigned)(i % 3) : 3, i);
		for (i = 0, used = 0; i < BATCH; i++, used += n) {
			n = event_record(b.data + used, b.len - used, true);
			event_parse(b.data + used, n, &events[i]);
		}
		if (history_ingest(s, SERVER, "x", NULL, NULL, events, BATCH, NULL, &err) != INGEST_OK)
			die("ingest: %s", err.msg);
		store_tidy(s);
	}
	buf_release(&b);
	free(events);
}

/* ---- jobs ---- */

enum { SEGS = 1, ROWS = 500 }; /* of a step, as the console asks for */

static bool step_group(void *job, bool *is_done)
{
	return history_grouping_step(job, SEGS, is_done, NULL);
}

static bool step_buckets(void *job, bool *is_done)
{
	return history_buckets_step(job, SEGS, is_done, NULL);
}

static bool step_bans(void *job, bool *is_done)
{
	return history_bans_step(job, SEGS, is_done, NULL);
}

static bool step_sums(void *job, bool *is_done)
{
	return history_sums_step(job, ROWS, is_done, NULL);
}

static bool step_near(void *job, bool *is_done)
{
	return history_near_step(job, ROWS, is_done, NULL);
}

static bool step_trigger(void *job, bool *is_done)
{
	return history_trigger_step(job, ROWS, is_done, NULL);
}

static void end_group(void *job)
{
	history_grouping_end(job);
}

static void end_buckets(void *job)
{
	history_buckets_end(job);
}

static void end_bans(void *job)
{
	history_bans_end(job);
}

static void end_sums(void *job)
{
	history_sums_end(job);
}

static void end_near(void *job)
{
	history_near_end(job);
}

static void end_trigger(void *job)
{
	history_trigger_end(job);
}

static void run(const char *name, void *job, bool (*step)(void *, bool *), void (*end)(void *))
{
	double began = seconds(CLOCK_MONOTONIC), longest = 0, wall = 0;
	bool is_done = false;
	size_t steps = 0;

	if (job == NULL)
		die("no job of %s", name);
	while (!is_done) {
		double cpu = seconds(CLOCK_THREAD_CPUTIME_ID), t = seconds(CLOCK_MONOTONIC);

		if (!step(job, &is_done))
			die("%s failed", name);
		cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
		t = seconds(CLOCK_MONOTONIC) - t;
		longest = cpu > longest ? cpu : longest;
		wall = t > wall ? t : wall;
		steps++;
	}
	printf("{\"bench\": \"longest step: %s\", \"value\": %.1f, \"unit\": \"ms\", \"target\": \"<= 10\", "
	       "\"wall_ms\": %.1f, \"steps\": %zu, \"all_ms\": %.0f}\n",
		name, longest * 1e3, wall * 1e3, steps, (seconds(CLOCK_MONOTONIC) - began) * 1e3);
	fflush(stdout);
	end(job);
}

static void query(struct history_query *q)
{
	history_query_init(q);
	q->server = SERVER;
	q->sort = HISTORY_MOST;
	q->limit = 10000;
}

static void bench_bans(struct store *s, int64_t now)
{
	struct history_query q;

	query(&q);
	for (int by = 0; by < HISTORY_BY_COUNT; by++) {
		char *name = xasprintf("bans by %s", history_by_text((enum history_by)by));

		run(name, history_grouping_begin(s, (enum history_by)by, &q, NULL), step_group, end_group);
		free(name);
	}
	q.limit = 0;
	q.sort = HISTORY_KEY;
	run("offenders of proposals", history_grouping_begin(s, HISTORY_BY_ADDRESS, &q, NULL), step_group, end_group);
	query(&q);
	q.since = now - 7 * INT64_C(86400000);
	run("ranges of seven days", history_grouping_begin(s, HISTORY_BY_RANGE, &q, NULL), step_group, end_group);
	run("heat map of twelve weeks", history_days_begin(s, SERVER, now, 84, NULL), step_buckets, end_buckets);
	query(&q);
	q.account = "user7@example.org";
	run("bans of a login", history_bans_begin(s, &q, NULL), step_bans, end_bans);
}

static void bench_one(struct store *s, int64_t now)
{
	const char *const logins[] = { "user1@example.org", "user2@example.org" };
	struct thresholds t;
	struct history_query q;
	struct net address, net;

	net_parse("20.0.0.1", 8, &address, NULL);
	net_parse("20.0.0.0/12", 11, &net, NULL);
	thresholds_init(&t);
	for (int c = 0; c < CLASS_COUNT; c++)
		t.of[c] = (struct threshold){ .supported = true, .enabled = true, .count = 100, .period_ms = 86400000 };
	run("who is near a ban",
		history_near_begin(s, SERVER, &t, now, 50, 0, now - 7 * INT64_C(86400000), NULL), step_near, end_near);
	run("near, of an address and its logins",
		history_near_of_begin(s, SERVER, &t, now, &address, logins, 2, TIME_NONE, NULL), step_near, end_near);
	run("what led to a ban", history_trigger_begin(s, SERVER, &address, &t, NULL), step_trigger, end_trigger);
	query(&q);
	q.limit = 50;
	for (int i = 0; i < 2; i++) {
		q.within = i ? net : address;
		run(i ? "refused connections of a network" : "refused connections of an address",
			history_refused_begin(s, &q, NULL), step_sums, end_sums);
		run(i ? "attempts of a network" : "attempts of an address", history_attempts_begin(s, &q, NULL),
			step_sums, end_sums);
	}
	thresholds_release(&t);
}

int main(int argc, char **argv)
{
	size_t bans = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;
	struct store_options options = { .skip_check = true, .query_ms = 60000 };
	struct err err = ERR_INIT;
	struct store *s;
	int64_t now = clock_now();
	char *dir, *command;

	if (argc < 2)
		die("usage: bench_turns DIR [BANS]");
	dir = xasprintf("%s/turns", argv[1]);
	command = xasprintf("rm -rf '%s'", dir);
	if (system(command) != 0)
		die("can't remove %s", dir);
	options.dir = dir;
	s = store_open(&options, &err);
	if (s == NULL)
		die("%s", err.msg);
	fill(s, bans, now);
	bench_bans(s, now);
	bench_one(s, now);
	store_close(s);
	free(dir);
	free(command);
	return 0;
}
