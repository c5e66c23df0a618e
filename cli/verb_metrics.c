/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `metrics`: Prometheus text, on stdout or into a file atomically. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/gateways.h"
#include "cli/cli.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "store/history.h"

static void metric(struct buf *b, const char *name, const char *help, const char *type)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void label_value(struct buf *b, const char *s)
{
	struct buf safe = BUF_INIT;

	text_safe(&safe, s, strlen(s), TEXT_ASCII);
	for (size_t i = 0; i < safe.len; i++) {
		if (safe.data[i] == '"' || safe.data[i] == '\\')
			buf_addc(b, '\\');
		buf_addc(b, safe.data[i]);
	}
	buf_release(&safe);
}

static void lists_metrics(struct cli *c, struct buf *b)
{
	const struct entrylist *l = c->app.snap.list[LIST_BLOCKED];
	size_t by[REASON_COUNT] = { 0 };

	for (size_t i = 0; l && i < l->count; i++)
		by[l->rows[i].reason]++;
	metric(b, "stalwarden_blocked", "Blocked entries by reason.", "gauge");
	for (int r = 0; r < REASON_COUNT; r++)
		buf_addf(b, "stalwarden_blocked{reason=\"%s\"} %zu\n", r == REASON_NONE ? "unknown" : reason_text((enum reason)r), by[r]);
	metric(b, "stalwarden_blocked_malformed", "Stored entries that are no address.", "gauge");
	buf_addf(b, "stalwarden_blocked_malformed %zu\n", l ? l->malformed : 0);
	if (c->app.snap.list[LIST_ALLOWED]) {
		metric(b, "stalwarden_allowed", "Allowed entries.", "gauge");
		buf_addf(b, "stalwarden_allowed %zu\n", c->app.snap.list[LIST_ALLOWED]->count);
	}
}

static void certs_metrics(struct cli *c, struct buf *b)
{
	const struct certlist *l = c->app.snap.certs;

	if (!l)
		return;
	metric(b, "stalwarden_certificate_not_after_seconds", "End of validity of stored certificates.", "gauge");
	for (size_t i = 0; i < l->count; i++) {
		const struct cert *k = l->rows[i];

		if (!cert_has_data(k))
			continue;
		buf_adds(b, "stalwarden_certificate_not_after_seconds{name=\"");
		label_value(b, k->name ? k->name : "");
		buf_adds(b, "\",id=\"");
		label_value(b, k->id ? k->id : "");
		buf_addf(b, "\"} %lld\n", (long long)(k->not_after / 1000));
	}
}

static void bans_metrics(struct cli *c, struct buf *b)
{
	struct history_query q;
	struct history_row *rows;
	size_t n;

	history_query_init(&q);
	q.server = c->app.profile.name;
	if (!c->app.store || !history_group(c->app.store, HISTORY_BY_REASON, &q, &rows, &n, NULL, NULL))
		return;
	metric(b, "stalwarden_bans_total", "Bans in the local history by class.", "counter");
	for (size_t i = 0; i < n; i++)
		buf_addf(b, "stalwarden_bans_total{class=\"%s\"} %llu\n", class_name(rows[i].class), (unsigned long long)rows[i].bans);
	history_rows_free(rows, n);
}

/* Written beside and renamed, so that a collector never reads half a file. */
static bool write_atomically(const char *path, const struct buf *b, struct err *err)
{
	char *temporary = xasprintf("%s.%ld.tmp", path, (long)getpid());
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	bool ok = fd >= 0 && write(fd, buf_str(b), b->len) == (ssize_t)b->len && fsync(fd) == 0;

	if (fd >= 0)
		ok = close(fd) == 0 && ok;
	ok = ok && rename(temporary, path) == 0;
	if (!ok) {
		err_set(err, ERR_IO, "%s can't be written: %s", path, strerror(errno));
		unlink(temporary);
	}
	free(temporary);
	return ok;
}

static int run_metrics(struct cli *c)
{
	struct gateway_findings found = { 0 };
	struct buf b = BUF_INIT;
	size_t banned = 0;
	bool up;
	int status = EXIT_DONE;

	if (!cli_max_words(c, 0))
		return EXIT_USAGE;
	up = cli_connect(c) && cli_need(c, SNAP(BLOCKED), SNAP(ALLOWED) | SNAP(THRESHOLDS) | SNAP(TRUST) | SNAP(CERTS));
	if (!c->has_app || c->err.code == ERR_USAGE)
		return cli_exit_of_err(&c->err);
	metric(&b, "stalwarden_up", "The server's API answers and the credentials are taken.", "gauge");
	buf_addf(&b, "stalwarden_up %d\n", up);
	if (up) {
		lists_metrics(c, &b);
		gateways_find(&c->app, &found);
		for (size_t i = 0; i < found.count; i++)
			banned += found.items[i].state == GATEWAY_BANNED && found.items[i].score >= GATEWAY_ALARM;
		metric(&b, "stalwarden_gateways_banned", "Gateways or proxies that are banned.", "gauge");
		buf_addf(&b, "stalwarden_gateways_banned %zu\n", banned);
		gateway_findings_release(&found);
		certs_metrics(c, &b);
		metric(&b, "stalwarden_last_success_seconds", "When the server last answered.", "gauge");
		buf_addf(&b, "stalwarden_last_success_seconds %lld\n", (long long)(clock_now() / 1000));
	} else {
		status = cli_exit_of_err(&c->err);
	}
	bans_metrics(c, &b);
	if (cli_has(c, OPT_TEXTFILE)) {
		if (!write_atomically(cli_option(c, OPT_TEXTFILE), &b, &c->err))
			status = EXIT_SERVER;
	} else {
		fwrite(buf_str(&b), 1, b.len, stdout);
	}
	buf_release(&b);
	return status;
}

const struct verb verb_metrics = {
	.name = "metrics",
	.synopsis = "metrics [--textfile PATH]",
	.summary = "Prometheus text on stdout, or written to a file atomically.",
	.options = "textfile",
	.words = "",
	.examples = "stalwarden metrics",
	.learns = true,
	.run = run_metrics,
};
