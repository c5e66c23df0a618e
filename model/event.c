/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of a log, and the parts of one: time, level, description, id, details. Knows how lines
 * are laid out, not what they mean. */
#include "model/event.h"

#include <strings.h>

#include "model/event_impl.h"

static const char *const level_texts[LEVEL_COUNT] = {
#define LEVEL_TEXT(id, text) [LEVEL_##id] = text,
	LEVEL_INFO(LEVEL_TEXT)
#undef LEVEL_TEXT
};

const char *event_level_text(enum event_level l)
{
	return (unsigned)l < LEVEL_COUNT ? level_texts[l] : "";
}

/* Any case. */
static bool parse_level(const char *s, size_t len, enum event_level *out)
{
	int i;

	for (i = LEVEL_TRACE; i < LEVEL_COUNT; i++) {
		if (strlen(level_texts[i]) == len && strncasecmp(s, level_texts[i], len) == 0) {
			*out = (enum event_level)i;
			return true;
		}
	}
	return false;
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_id_char(char c)
{
	return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '.';
}

/* Is there an event id at s: "auth.failed" and the like? Its length, 0 if not. */
static size_t scan_id(const char *s, size_t len)
{
	size_t i = 0, dots = 0;

	if (len == 0 || !(s[0] >= 'a' && s[0] <= 'z'))
		return 0;
	for (; i < len && i < 80 && is_id_char(s[i]); i++)
		dots += s[i] == '.';
	return dots > 0 && s[i - 1] != '.' ? i : 0;
}

/* ---- colour codes ---- */

/* Length of a CSI sequence at s, 0 if there is none. */
static size_t csi_length(const char *s, size_t len)
{
	size_t i = 2;

	if (len < 3 || s[0] != '\033' || s[1] != '[')
		return 0;
	while (i < len && s[i] >= 0x20 && s[i] <= 0x3f)
		i++;
	return i < len && s[i] >= 0x40 && s[i] <= 0x7e ? i + 1 : 0;
}

/* A tracer with `ansi` on begins every line with a code (0.6 to 0.16), or has one between time and
 * level. */
static bool is_coloured(const char *s, size_t len)
{
	int64_t t;
	size_t n;

	if (csi_length(s, len) > 0)
		return true;
	n = time_scan(s, len, &t);
	if (n == 0)
		return false;
	while (n < len && s[n] == ' ')
		n++;
	return csi_length(s + n, len - n) > 0;
}

size_t event_strip_ansi(char *s, size_t len)
{
	size_t from = 0, to = 0, run, n;
	const char *esc;

	if (memchr(s, '\033', len) == NULL || !is_coloured(s, len))
		return len;
	while (from < len) {
		esc = memchr(s + from, '\033', len - from);
		run = esc ? (size_t)(esc - s) - from : len - from;
		memmove(s + to, s + from, run);
		to += run;
		from += run;
		if (from == len)
			break;
		n = csi_length(s + from, len - from);
		if (n == 0)
			s[to++] = s[from++];
		from += n;
	}
	return to;
}

/* ---- records ---- */

/* Does a new record begin at s? "2026-11-21T" is enough. -1: too few bytes to tell. */
static int begins_record(const char *s, size_t len)
{
	static const char shape[] = "dddd-dd-ddTdd:";
	size_t n, i;

	while (len > 0 && s[0] == '\033') {
		n = csi_length(s, len);
		if (n == 0)
			return len < 12 ? -1 : 0;
		s += n;
		len -= n;
	}
	for (i = 0; i < sizeof(shape) - 1; i++) {
		if (i == len)
			return -1;
		if (shape[i] == 'd' ? !is_digit(s[i]) : s[i] != shape[i])
			return 0;
	}
	return 1;
}

bool event_begins(const char *s, size_t len)
{
	return begins_record(s, len) == 1;
}

/* Would the record rec (without its last line end) go on in the next line? Either it ends inside a
 * quoted value, or it is a multi-line tracer's: "Description (event.id)" with no blank behind it,
 * then lines that begin with a tab (0.10 to 0.16 source). */
static bool is_unfinished(struct slice rec)
{
	bool is_odd = false, is_open = false;
	struct slice key, value;
	struct event ev;
	size_t pos = 0, i;

	if (begins_record(rec.p, rec.len) != 1)
		return false;
	if (rec.p[rec.len - 1] == ')' && memchr(rec.p, '=', rec.len) == NULL)
		return true;
	if (rec.p[0] == '\033') {
		for (i = 0; i < rec.len; i++) {
			if (rec.p[i] == '\\')
				i++;
			else
				is_odd ^= rec.p[i] == '"';
		}
		return is_odd;
	}
	event_parse(rec.p, rec.len, &ev);
	if (ev.format == EVENT_MODERN) {
		while (event_walk_modern(ev.details, &pos, &key, &value, &is_open))
			;
	} else if (ev.format == EVENT_TRACING) {
		while (event_walk_old(ev.details, &pos, &key, &value, &is_open))
			;
	}
	return is_open;
}

size_t event_record(const char *s, size_t len, bool is_final)
{
	const char *nl = memchr(s, '\n', len < EVENT_MAX ? len : EVENT_MAX);
	size_t end, line_end;
	int begins;

	if (len == 0)
		return 0;
	if (nl == NULL)
		return len >= EVENT_MAX ? EVENT_MAX : is_final ? len : 0;
	for (;;) {
		end = (size_t)(nl - s) + 1;
		if (end == len)
			return is_final || !(memchr(s, '\t', end) ||
						   is_unfinished((struct slice){ s, end - 1 }))
				       ? end
				       : 0;
		if (s[end] != '\t') {
			begins = begins_record(s + end, len - end);
			if (begins == 1 || !is_unfinished((struct slice){ s, end - 1 }))
				return end;
			if (begins < 0 && !is_final && memchr(s + end, '\n', len - end) == NULL)
				return 0;
		}
		nl = memchr(s + end, '\n', len - end);
		line_end = nl ? (size_t)(nl - s) + 1 : len;
		if (line_end > EVENT_MAX)
			return end;
		if (nl == NULL)
			return is_final ? len : 0;
	}
}

/* ---- parts ---- */

static struct slice trim_end(struct slice s)
{
	while (s.len > 0 && s.p[s.len - 1] && strchr(" \t\r\n", s.p[s.len - 1]))
		s.len--;
	return s;
}

static struct slice trim(struct slice s)
{
	s = trim_end(s);
	while (s.len > 0 && s.p[0] && strchr(" \t\r\n", s.p[0]))
		s.p++, s.len--;
	return s.len > 0 ? s : SLICE_NONE;
}

static struct slice slice_from(struct slice s, size_t at)
{
	return (struct slice){ s.p + at, s.len - at };
}

const char *event_find_id(const char *s, size_t len, size_t *id_len)
{
	const char *end = s + len, *p = s, *paren;
	size_t n;

	while ((paren = memchr(p, '(', (size_t)(end - p))) != NULL) {
		p = paren + 1;
		n = scan_id(p, (size_t)(end - p));
		if (n == 0 || p + n >= end || p[n] != ')' || (paren > s && paren[-1] != ' '))
			continue;
		if (p + n + 1 < end && p[n + 1] != ' ' && p[n + 1] != '\t' && p[n + 1] != '\n' &&
			p[n + 1] != '\r')
			continue;
		*id_len = n;
		return p;
	}
	return NULL;
}

/* "Description (event.id) key = value, …" */
static bool parse_modern(struct slice s, struct event *out)
{
	size_t n, behind;
	const char *id;

	id = s.len > 0 ? event_find_id(s.p, s.len, &n) : NULL;
	if (id == NULL)
		return false;
	behind = (size_t)(id - s.p) + n + 1;
	out->format = EVENT_MODERN;
	out->description = trim((struct slice){ s.p, (size_t)(id - s.p) - 1 });
	out->id = (struct slice){ id, n };
	out->details = trim(slice_from(s, behind));
	return true;
}

/* Time and level in front; what follows goes to *rest. `docker logs -t` puts a time of its own in
 * front of the server's. */
static bool parse_head(struct slice s, struct event *out, struct slice *rest)
{
	size_t n = time_scan(s.p, s.len, &out->time), again, word;
	int64_t t;

	if (n == 0)
		return false;
	again = n + 1 < s.len && s.p[n] == ' ' ? time_scan(s.p + n + 1, s.len - n - 1, &t) : 0;
	if (again > 0) {
		out->time = t;
		n += 1 + again;
	}
	while (n < s.len && s.p[n] == ' ')
		n++;
	for (word = n; word < s.len && word < n + 6 &&
		       ((s.p[word] | 0x20) >= 'a' && (s.p[word] | 0x20) <= 'z');)
		word++;
	if (!parse_level(s.p + n, word - n, &out->level) ||
		(word < s.len && s.p[word] != ' '))
		return false;
	*rest = slice_from(s, word < s.len ? word + 1 : word);
	return true;
}

void event_parse(const char *s, size_t len, struct event *out)
{
	struct slice rest;

	memset(out, 0, sizeof(*out));
	while (len > 0 && (s[len - 1] == '\n' || s[len - 1] == '\r'))
		len--;
	out->line = (struct slice){ s, len };
	out->time = TIME_NONE;
	if (!parse_head(out->line, out, &rest)) {
		out->time = TIME_NONE;
		out->level = LEVEL_NONE;
		return;
	}
	rest = trim_end(rest);
	if (event_is_old(rest) || !parse_modern(rest, out))
		event_parse_old(rest, out);
}

void event_print(struct buf *out, const struct event *ev)
{
	char stamp[TIME_BUF];
	bool is_old = ev->format == EVENT_TRACING;

	if (ev->format == EVENT_TEXT) {
		buf_add(out, ev->line.p, ev->line.len);
		return;
	}
	buf_adds(out, time_format(ev->time, stamp, sizeof(stamp)));
	buf_addf(out, is_old ? " %5s " : " %s ", event_level_text(ev->level));
	if (is_old && ev->span.len > 0) {
		buf_add(out, ev->span.p, ev->span.len);
		buf_adds(out, ": ");
	}
	if (is_old && ev->module.len > 0) {
		buf_add(out, ev->module.p, ev->module.len);
		buf_adds(out, ": ");
	}
	buf_add(out, ev->description.p, ev->description.len);
	if (!is_old) {
		if (ev->description.len > 0)
			buf_addc(out, ' ');
		buf_addc(out, '(');
		buf_add(out, ev->id.p, ev->id.len);
		buf_adds(out, ") ");
	} else if (ev->description.len > 0 && ev->details.len > 0) {
		buf_addc(out, ' ');
	}
	buf_add(out, ev->details.p, ev->details.len);
}

/* ---- from a log API ---- */

void event_from_item(struct buf *store, struct slice timestamp, struct slice level,
	struct slice description, struct slice id, struct slice details, struct event *out)
{
	enum event_level known = LEVEL_NONE;
	size_t at_description, at_id, at_details;

	parse_level(level.p, level.len, &known);
	buf_reset(store);
	buf_add(store, timestamp.p, timestamp.len);
	buf_addf(store, " %s ", event_level_text(known));
	at_description = store->len;
	buf_add(store, description.p, description.len);
	if (description.len > 0)
		buf_addc(store, ' ');
	buf_addc(store, '(');
	at_id = store->len;
	buf_add(store, id.p, id.len);
	buf_adds(store, ") ");
	at_details = store->len;
	buf_add(store, details.p, details.len);

	memset(out, 0, sizeof(*out));
	out->line = (struct slice){ buf_str(store), store->len };
	if (store->overflow || timestamp.len == 0 ||
		time_scan(timestamp.p, timestamp.len, &out->time) != timestamp.len) {
		out->time = TIME_NONE;
		return;
	}
	out->level = known;
	out->format = EVENT_MODERN;
	out->description = (struct slice){ store->data + at_description, description.len };
	out->id = (struct slice){ store->data + at_id, id.len };
	out->details = trim((struct slice){ store->data + at_details, details.len });
}

/* FNV-1a, 64 bit, with a separator so that parts can't slide into each other. */
static uint64_t hash_add(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	return (h ^ 0x1ff) * UINT64_C(1099511628211);
}

uint64_t event_hash(const struct event *ev)
{
	uint64_t h = UINT64_C(14695981039346656037);
	int64_t second =
		ev->time / 1000; /* API rows are cut to the second, lines of 0.6 and 0.8 are not */

	if (ev->format == EVENT_TEXT)
		return hash_add(h, ev->line.p, ev->line.len);
	h = hash_add(h, &second, sizeof(second));
	h = hash_add(h, event_level_text(ev->level), strlen(event_level_text(ev->level)));
	if (ev->format == EVENT_MODERN)
		h = hash_add(h, ev->id.p, ev->id.len);
	else
		h = hash_add(h, ev->description.p, ev->description.len);
	return hash_add(h, ev->details.p, ev->details.len);
}
