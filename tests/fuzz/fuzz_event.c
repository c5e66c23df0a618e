/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a log: records cover the input exactly, slices stay inside it, facts and fields end,
 * printing parses back. */
#include "core/mem.h"
#include "model/event.h"
#include "model/logmark.h"
#include "tests/fuzz/fuzz.h"

static bool is_inside(struct slice s, struct slice outer)
{
	return s.len == 0 || (s.p >= outer.p && s.p + s.len <= outer.p + outer.len);
}

static void check_fields(const struct event *ev)
{
	struct slice key, value;
	size_t pos = 0, before = 0, n = 0;

	while (event_field_next(ev, &pos, &key, &value)) {
		MUST(is_inside(key, ev->line) && is_inside(value, ev->line));
		MUST(key.len > 0 && pos > before && ++n <= ev->line.len);
		before = pos;
	}
}

/* Descriptions are the server's constants. What could be taken for a span, or moves lines, is none. */
static bool is_plain(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] < ' ' || s.p[i] > '~' || s.p[i] == '{')
			return false;
	}
	return true;
}

static void check_event(const struct event *ev)
{
	struct buf out = BUF_INIT, again = BUF_INIT;
	struct event_facts facts;
	struct event back;
	struct net net;
	size_t pos = 0;

	check_fields(ev);
	event_facts(ev, &facts);
	MUST(!facts.is_doubtful || facts.address.family == 0);
	while (event_expired(ev, &pos, &net))
		;
	if (facts.kind == EVENT_BAN || facts.kind == EVENT_REFUSED || facts.kind == EVENT_EXPIRED)
		MUST(event_matters(ev->line.p, ev->line.len));
	event_print(&out, ev);
	event_parse(buf_str(&out), out.len, &back);
	event_print(&again, &back);
	MUST(back.time == ev->time && back.level == ev->level);
	if (is_plain(ev->description)) {
		MUST(back.format == ev->format);
		MUST(again.len == out.len && memcmp(buf_str(&again), buf_str(&out), out.len) == 0);
	}
	buf_release(&out);
	buf_release(&again);
}

static void check_mark(const char *s, size_t len)
{
	struct buf text = BUF_INIT;
	char *copy = xstrndup(s, len);
	struct logmark m;

	logmark_init(&m);
	if (logmark_parse(&m, copy)) {
		logmark_format(&m, &text);
		MUST(logmark_parse(&m, buf_str(&text)));
	}
	logmark_release(&m);
	buf_release(&text);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = xmemdup(data, size);
	size_t used = 0, n;
	struct event ev;

	while ((n = event_record(s + used, size - used, true)) > 0) {
		MUST(used + n <= size && n <= EVENT_MAX);
		event_parse(s + used, event_strip_ansi(s + used, n), &ev);
		check_event(&ev);
		used += n;
	}
	MUST(used == size);
	check_mark(s, size);
	free(s);
	return 0;
}
