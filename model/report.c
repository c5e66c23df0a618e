/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The monthly review as text and Markdown: the same sections in both, a table being drawn or piped.
 * JSON is in report_json.c. */
#include "model/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/report_private.h"

void report_init(struct report *r)
{
	int c;

	memset(r, 0, sizeof(*r));
	r->busiest_day = r->covered_since = r->covered_until = TIME_NONE;
	for (c = 0; c < CLASS_COUNT; c++) {
		r->rates[c].class = (enum ban_class)c;
		r->rates[c].suggestion = -1;
	}
}

void report_release(struct report *r)
{
	size_t i;

	for (i = 0; i < r->offender_count; i++)
		free(r->offenders[i].account);
	for (i = 0; i < r->target_count; i++)
		free(r->targets[i].account);
	for (i = 0; i < CLASS_COUNT; i++)
		free(r->rates[i].advice);
	free(r->offenders);
	free(r->ranges);
	free(r->gateways);
	free(r->targets);
	free(r->server);
	report_init(r);
}

/* ---- a page being written ---- */

#define MAX_COLUMNS 8

struct page {
	struct buf *out;
	bool is_markdown;
	unsigned flags; /* for text_safe() */
	int columns;
	/* The table being collected: cells row by row, already safe. */
	int width; /* columns of it; 0 = no table */
	const char *const *heads;
	unsigned right; /* bit per column: figures */
	char **cells;
	size_t cell_count, cell_cap;
};

static void begin_table(struct page *p, const char *const *heads, int width, unsigned right)
{
	p->heads = heads;
	p->width = width;
	p->right = right;
	p->cell_count = 0;
}

static void cell(struct page *p, const char *text)
{
	struct buf safe = BUF_INIT;
	const char *s;

	if (p->is_markdown) {
		struct buf raw = BUF_INIT;

		text_safe(&raw, text, strlen(text), p->flags);
		for (s = buf_str(&raw); *s; s++) {
			if (strchr("|\\`*_<>[]", *s))
				buf_addc(&safe, '\\');
			buf_addc(&safe, *s);
		}
		buf_release(&raw);
	} else {
		text_safe(&safe, text, strlen(text), p->flags);
	}
	xgrow(&p->cells, &p->cell_cap, p->cell_count + 1, sizeof(*p->cells));
	p->cells[p->cell_count++] = buf_take(&safe, NULL);
}

static void cell_number(struct page *p, uint64_t n)
{
	char text[32];

	cell(p, text_grouped(n, text, sizeof(text)));
}

static void cell_day(struct page *p, int64_t t)
{
	char text[TIME_BUF];

	time_format(t, text, sizeof(text));
	if (strlen(text) > 10)
		text[10] = '\0';
	cell(p, text);
}

static void cell_net(struct page *p, const struct net *n)
{
	char text[NET_BUF];

	cell(p, net_format(n, text, sizeof(text)));
}

static void pad(struct buf *out, int n)
{
	while (n-- > 0)
		buf_addc(out, ' ');
}

/* Free text gives way until the table fits: the widest column of it, not below 12. */
static void fit_widths(const struct page *p, int *widths)
{
	int c, total = 0, widest = 0;

	for (c = 0; c < p->width; c++) {
		total += widths[c] + (c + 1 < p->width ? 2 : 0);
		if (!(p->right & 1u << c) && widths[c] > widths[widest])
			widest = c;
	}
	if (total > p->columns && widths[widest] > 12)
		widths[widest] = widths[widest] - (total - p->columns) > 12
					 ? widths[widest] - (total - p->columns)
					 : 12;
}

static void put_text_row(struct page *p, const char *const *row, const int *widths)
{
	int c, used;

	for (c = 0; c < p->width; c++) {
		if (p->right & 1u << c)
			pad(p->out, widths[c] - text_width(row[c]));
		used = text_fit(p->out, row[c],
			widths[c] > text_width(row[c]) ? text_width(row[c]) : widths[c],
			p->flags & TEXT_ASCII);
		if (c + 1 < p->width && !(p->right & 1u << c))
			pad(p->out, widths[c] - used);
		buf_adds(p->out, c + 1 < p->width ? "  " : "\n");
	}
}

static void put_text_table(struct page *p)
{
	int widths[MAX_COLUMNS], c, w;
	size_t i;

	for (c = 0; c < p->width; c++)
		widths[c] = text_width(p->heads[c]);
	for (i = 0; i < p->cell_count; i++) {
		w = text_width(p->cells[i]);
		c = (int)(i % (size_t)p->width);
		widths[c] = w > widths[c] ? w : widths[c];
	}
	fit_widths(p, widths);
	put_text_row(p, p->heads, widths);
	for (i = 0; i + (size_t)p->width <= p->cell_count; i += (size_t)p->width)
		put_text_row(p, (const char *const *)&p->cells[i], widths);
}

static void put_markdown_row(struct page *p, const char *const *row)
{
	int c;

	for (c = 0; c < p->width; c++)
		buf_addf(p->out, "| %s ", row[c]);
	buf_adds(p->out, "|\n");
}

static void put_markdown_table(struct page *p)
{
	size_t i;
	int c;

	put_markdown_row(p, p->heads);
	for (c = 0; c < p->width; c++)
		buf_adds(p->out, p->right & 1u << c ? "|--:" : "|---");
	buf_adds(p->out, "|\n");
	for (i = 0; i + (size_t)p->width <= p->cell_count; i += (size_t)p->width)
		put_markdown_row(p, (const char *const *)&p->cells[i]);
}

static void end_table(struct page *p)
{
	size_t i;

	if (p->is_markdown)
		put_markdown_table(p);
	else
		put_text_table(p);
	for (i = 0; i < p->cell_count; i++)
		free(p->cells[i]);
	p->cell_count = 0;
	buf_addc(p->out, '\n');
}

static void heading(struct page *p, int level, const char *text)
{
	const char *s;

	if (p->is_markdown) {
		buf_addf(p->out, "%.*s %s\n\n", level, "####", text);
		return;
	}
	buf_addf(p->out, "%s\n", text);
	for (s = text; level == 1 && *s; s++)
		buf_addc(p->out, '=');
	buf_adds(p->out, level == 1 ? "\n\n" : "");
}

/* A sentence; texts from outside must have been made safe. */
static void sentence(struct page *p, const char *text)
{
	size_t room = (size_t)p->columns, cut;

	while (!p->is_markdown && strlen(text) > room) { /* bytes for columns: rather early */
		for (cut = room; cut > 0 && text[cut] != ' '; cut--)
			;
		if (cut == 0)
			break;
		buf_addf(p->out, "%.*s\n", (int)cut, text);
		text += cut + 1;
	}
	buf_addf(p->out, "%s\n\n", text);
}

/* ---- sections ---- */

static void put_title(struct page *p, const struct report *r)
{
	char *month = report_month(r), *title;
	char server[128];

	text_safe_str(server, sizeof(server), r->server ? r->server : "",
		r->server ? strlen(r->server) : 0);
	title = xasprintf("Security review %s%s%s", month, *server ? ", " : "", server);
	heading(p, 1, title);
	free(month);
	free(title);
}

static void put_covered(struct page *p, const struct report *r)
{
	char from[TIME_BUF], to[TIME_BUF], *text;

	if (r->covered_since == TIME_NONE) {
		sentence(p, "The store holds no log lines of this time: run `stalwarden sync` from "
			    "a timer.");
		return;
	}
	if (r->covered_since - r->since < INT64_C(86400000) &&
		r->until - r->covered_until < INT64_C(86400000))
		return;
	text = xasprintf("Only %s to %s is covered by log lines.",
		time_format(r->covered_since, from, sizeof(from)),
		time_format(r->covered_until, to, sizeof(to)));
	sentence(p, text);
	free(text);
}

static void put_totals(struct page *p, const struct report *r)
{
	static const char *const heads[] = { "WHAT", "COUNT" };
	char day[TIME_BUF], *text;
	int c;

	begin_table(p, heads, 2, 2);
	cell(p, "bans");
	cell_number(p, r->bans);
	for (c = 0; c < CLASS_COUNT; c++) {
		text = xasprintf("  %s", class_name((enum ban_class)c));
		cell(p, text);
		cell_number(p, r->by_class[c]);
		free(text);
	}
	cell(p, "bans in the time before");
	cell_number(p, r->bans_before);
	cell(p, "addresses banned");
	cell_number(p, r->addresses);
	cell(p, "accounts named in bans");
	cell_number(p, r->accounts);
	cell(p, "connections refused");
	cell_number(p, r->refused);
	cell(p, "failed attempts logged");
	cell_number(p, r->attempts);
	cell(p, "bans ended");
	cell_number(p, r->ended);
	cell(p, "own changes");
	cell_number(p, r->own_changes);
	cell(p, "own changes not in force");
	cell_number(p, r->own_not_in_force);
	end_table(p);
	if (r->busiest_day != TIME_NONE) {
		time_format(r->busiest_day, day, sizeof(day));
		day[10] = '\0';
		text = xasprintf("Busiest day: %s with %" PRIu64 " ban%s.", day, r->busiest_bans,
			r->busiest_bans == 1 ? "" : "s");
		sentence(p, text);
		free(text);
	}
}

static void put_offenders(struct page *p, const struct report *r)
{
	static const char *const heads[] = { "ADDRESS", "BANS", "EVER", "REFUSED", "FIRST", "LAST",
		"CLASS", "ACCOUNT" };
	size_t i;

	heading(p, 2, "Who keeps coming back");
	if (r->offender_count == 0) {
		sentence(p, "Nobody was banned twice.");
		return;
	}
	begin_table(p, heads, 8, 0x0e);
	for (i = 0; i < r->offender_count; i++) {
		const struct report_offender *o = &r->offenders[i];

		cell_net(p, &o->address);
		cell_number(p, o->bans);
		cell_number(p, o->bans_ever);
		cell_number(p, o->refused);
		cell_day(p, o->first);
		cell_day(p, o->last);
		cell(p, class_name(o->class));
		cell(p, o->account ? o->account : "");
	}
	end_table(p);
}

static void put_ranges(struct page *p, const struct report *r)
{
	static const char *const heads[] = { "RANGE", "BANS", "ADDR", "REFUSED", "FIRST", "LAST",
		"NOTE" };
	char from[TIME_BUF], to[TIME_BUF], *note;
	size_t i;

	heading(p, 2, "Ranges worth a firewall rule");
	if (r->range_count == 0) {
		sentence(p, "None.");
		return;
	}
	begin_table(p, heads, 7, 0x0e);
	for (i = 0; i < r->range_count; i++) {
		const struct report_range *g = &r->ranges[i];

		cell_net(p, &g->net);
		cell_number(p, g->bans);
		cell_number(p, g->addresses);
		cell_number(p, g->refused);
		cell_day(p, g->first);
		cell_day(p, g->last);
		note = g->allowed_hit ? xasprintf("holds %u allowed", g->allowed_hit) : xstrdup("");
		cell(p, note);
		free(note);
	}
	end_table(p);
	time_format(r->since, from, sizeof(from));
	time_format(r->until, to, sizeof(to));
	buf_addf(p->out, "For the firewall, without what hits an allowed entry:\n%sstalwarden ranges --since "
		"%.10s --until %.10s --format nft\n\n", p->is_markdown ? "\n    " : "  ", from, to);
}

static void put_gateways(struct page *p, const struct report *r)
{
	static const char *const heads[] = { "ADDRESS", "BANS", "REFUSED", "ACCOUNTS", "LISTENERS",
		"SINCE", "WHY" };
	size_t i;

	if (r->gateway_count == 0)
		return;
	heading(p, 2, "New gateways and proxies");
	begin_table(p, heads, 7, 0x1e);
	for (i = 0; i < r->gateway_count; i++) {
		const struct report_gateway *g = &r->gateways[i];

		cell_net(p, &g->address);
		cell_number(p, g->bans);
		cell_number(p, g->refused);
		cell_number(p, g->accounts);
		cell_number(p, g->listeners);
		cell_day(p, g->first);
		cell(p, g->why ? g->why : "");
	}
	end_table(p);
	sentence(p, "Everybody behind such an address shares its bans: `stalwarden gateway` shows "
		    "the cure.");
}

static void put_targets(struct page *p, const struct report *r)
{
	static const char *const heads[] = { "ACCOUNT", "FAILURES", "ADDRESSES", "BANS" };
	size_t i;

	if (r->target_count == 0)
		return;
	heading(p, 2, "Accounts tried most");
	begin_table(p, heads, 4, 0x0e);
	for (i = 0; i < r->target_count; i++) {
		cell(p, r->targets[i].account ? r->targets[i].account : "");
		cell_number(p, r->targets[i].failures);
		cell_number(p, r->targets[i].addresses);
		cell_number(p, r->targets[i].bans);
	}
	end_table(p);
}

static void put_simulation(struct page *p, const struct report_simulation *s)
{
	char period[32], *text;

	duration_format(s->period_ms, period, sizeof(period));
	text = xasprintf("at %" PRIu64 "/%s", s->count, period);
	cell(p, class_name(s->class));
	cell(p, text);
	cell_number(p, s->banned);
	cell_number(p, s->more);
	cell_number(p, s->fewer);
	cell_number(p, s->allowed);
	cell_number(p, s->login_keyed);
	free(text);
}

static void put_rates(struct page *p, const struct report *r)
{
	static const char *const heads[] = { "CLASS", "RATE", "ADDRESSES", "MORE", "FEWER",
		"ALLOWED", "BY LOGIN" };
	char rate[64], *text;
	size_t i;
	int c;

	heading(p, 2, "Thresholds, and what others would have done");
	begin_table(p, heads, 7, 0x7c);
	for (c = 0; c < CLASS_COUNT; c++) {
		const struct report_rate *t = &r->rates[c];

		cell(p, class_name(t->class));
		text = xasprintf("%s, in force", rate_format(&t->now, rate, sizeof(rate)));
		cell(p, t->now.enabled ? text : "off");
		free(text);
		cell_number(p, t->addresses);
		for (i = 0; i < 4; i++)
			cell(p, "");
		for (i = 0; i < t->tried_count && t->tried[i].attempts > 0; i++)
			put_simulation(p, &t->tried[i]);
	}
	end_table(p);
	for (c = 0; c < CLASS_COUNT; c++) {
		text = xasprintf("%s%s: %s", p->is_markdown ? "- " : "",
			class_name((enum ban_class)c), r->rates[c].advice ? r->rates[c].advice : "");
		if (r->rates[c].advice)
			sentence(p, text);
		free(text);
	}
}

void report_print(
	const struct report *r, enum report_format format, int columns, bool ascii, struct buf *out)
{
	struct page p = { .out = out,
		.is_markdown = format == REPORT_MARKDOWN,
		.flags = TEXT_LINE | (ascii ? TEXT_ASCII : 0u),
		.columns = columns > 0 ? columns : 80 };

	if (format == REPORT_JSON) {
		report_print_json(r, ascii, out);
		return;
	}
	put_title(&p, r);
	put_covered(&p, r);
	put_totals(&p, r);
	put_offenders(&p, r);
	put_ranges(&p, r);
	put_gateways(&p, r);
	put_targets(&p, r);
	put_rates(&p, r);
	free(p.cells);
}
