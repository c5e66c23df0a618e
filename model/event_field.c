/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key = value lists of log lines. Quotes inside values are not escaped (0.10 to 0.16.18), so
 * where a value ends is a matter of what follows: the first quote that a separator and a key, or
 * the end, comes after. An attacker can forge fields behind his value that way, never in front of
 * it: event_facts.c only believes what the server wrote first. */
#include "model/event_impl.h"

#define KEY_MAX 64

static inline bool is_key_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static inline bool is_key_char(char c)
{
	return is_key_start(c) || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

static size_t scan_key(const char *p, const char *end)
{
	size_t n = 0;

	if (p >= end || !is_key_start(*p))
		return 0;
	while (p + n < end && n < KEY_MAX && is_key_char(p[n]))
		n++;
	return n;
}

/* "key = " at p? Length of the key. */
static size_t scan_modern_key(const char *p, const char *end)
{
	size_t n = scan_key(p, end);

	return n > 0 && end - p >= (ptrdiff_t)n + 3 && memcmp(p + n, " = ", 3) == 0 ? n : 0;
}

/* Bytes of a separator in front of another field at p: ", ", or a line end and tabs where the
 * tracer writes one field a line. */
static size_t scan_separator(const char *p, const char *end)
{
	const char *q = p;

	if (end - p >= 2 && p[0] == ',' && p[1] == ' ')
		return scan_modern_key(p + 2, end) > 0 ? 2 : 0;
	while (q < end && (*q == '\n' || *q == '\r'))
		q++;
	if (q == p)
		return 0;
	while (q < end && *q == '\t')
		q++;
	return q < end && q[-1] == '\t' && scan_modern_key(q, end) > 0 ? (size_t)(q - p) : 0;
}

/* Does a value end here? depth: inside how many " { ". In an array a comma or the bracket ends a
 * string, too. */
static bool is_value_end(const char *p, const char *end, unsigned depth, bool in_array)
{
	if (p == end || scan_separator(p, end) > 0)
		return true;
	if (depth > 0 && end - p >= 2 && p[0] == ' ' && p[1] == '}')
		return true;
	return in_array && (*p == ']' || (end - p >= 2 && p[0] == ',' && p[1] == ' '));
}

/* p is behind the opening quote; returns the closing one, NULL if there is none. */
static const char *find_quote(const char *p, const char *end, unsigned depth, bool in_array)
{
	for (; p < end; p++) {
		if (*p == '\\')
			p++;
		else if (*p == '"' && is_value_end(p + 1, end, depth, in_array))
			return p;
	}
	return NULL;
}

/* End of an unquoted value: a number, an address, an array, text with a nested event in braces, and
 * before 0.15 plain text. */
static const char *find_plain_end(const char *p, const char *end, bool *is_open)
{
	bool in_array = *p == '[';
	unsigned depth = 0;
	const char *q;

	for (; p < end; p++) {
		switch (*p) {
		case ',':
		case '\n':
			if (depth == 0 && scan_separator(p, end) > 0)
				return p;
			break;
		case '{':
			depth += p[-1] == ' ' && p + 1 < end && p[1] == ' ';
			break;
		case '}':
			depth -= depth > 0 && p[-1] == ' ';
			break;
		case '"':
			if (p[-1] != ' ' && p[-1] != '[')
				break;
			q = find_quote(p + 1, end, depth, in_array);
			if (q == NULL)
				*is_open = true;
			p = q ? q : end - 1;
			break;
		default:
			break;
		}
	}
	return end;
}

bool event_walk_modern(
	struct slice s, size_t *pos, struct slice *key, struct slice *value, bool *is_open)
{
	const char *p, *end, *stop;
	bool open = false;
	size_t n;

	if (*pos >= s.len)
		return false;
	p = s.p + *pos;
	end = s.p + s.len;
	n = scan_modern_key(p, end);
	if (n == 0)
		return false;
	*key = (struct slice){ p, n };
	p += n + 3;
	if (p < end && *p == '"') {
		stop = find_quote(p + 1, end, 0, false);
		open = stop == NULL;
		*value = (struct slice){ p + 1, (size_t)((stop ? stop : end) - p - 1) };
		stop = stop ? stop + 1 : end;
	} else {
		stop = p < end ? find_plain_end(p, end, &open) : end;
		*value = (struct slice){ p, (size_t)(stop - p) };
	}
	*pos = (size_t)(stop - s.p) + scan_separator(stop, end);
	if (is_open)
		*is_open = open;
	return true;
}

/* "key=" at p? */
static size_t scan_old_key(const char *p, const char *end)
{
	size_t n = scan_key(p, end);

	return n > 0 && p + n < end && p[n] == '=' ? n : 0;
}

/* Strings are written as Rust's Debug: quotes inside are escaped. Other values may hold blanks
 * inside brackets. */
static const char *find_old_end(const char *p, const char *end, bool *is_open)
{
	bool in_quotes = false;
	unsigned depth = 0;

	for (; p < end; p++) {
		if (*p == '\\' && in_quotes)
			p++;
		else if (*p == '"')
			in_quotes = !in_quotes;
		else if (in_quotes)
			continue;
		else if (*p == '(' || *p == '[' || *p == '{')
			depth++;
		else if ((*p == ')' || *p == ']' || *p == '}') && depth > 0)
			depth--;
		else if (*p == ' ' && depth == 0)
			break;
	}
	*is_open = in_quotes;
	return p < end ? p : end;
}

bool event_walk_old(
	struct slice s, size_t *pos, struct slice *key, struct slice *value, bool *is_open)
{
	const char *p, *end, *stop;
	bool open = false;
	size_t n = 0;

	if (*pos >= s.len)
		return false;
	end = s.p + s.len;
	for (p = s.p + *pos; p < end; p++) {
		if ((p == s.p || p[-1] == ' ') && (n = scan_old_key(p, end)) > 0)
			break;
	}
	if (n == 0)
		return false;
	*key = (struct slice){ p, n };
	p += n + 1;
	stop = find_old_end(p, end, &open);
	*value = (struct slice){ p, (size_t)(stop - p) };
	*pos = (size_t)(stop - s.p);
	if (value->len >= 2 && p[0] == '"' && stop[-1] == '"')
		*value = (struct slice){ p + 1, value->len - 2 };
	if (is_open)
		*is_open = open;
	return true;
}

/* Inside of the braces of "session{instance=\"imap\" …}". */
static struct slice span_fields(const struct event *ev)
{
	const char *open = ev->span.len ? memchr(ev->span.p, '{', ev->span.len) : NULL;

	if (open == NULL || ev->span.p[ev->span.len - 1] != '}')
		return SLICE_NONE;
	return (struct slice){ open + 1, (size_t)(ev->span.p + ev->span.len - open - 2) };
}

bool event_field_next(const struct event *ev, size_t *pos, struct slice *key, struct slice *value)
{
	struct slice span;
	size_t at;

	if (ev->format == EVENT_MODERN)
		return event_walk_modern(ev->details, pos, key, value, NULL);
	if (ev->format != EVENT_TRACING)
		return false;
	span = span_fields(ev);
	if (*pos <= span.len && span.len > 0) {
		if (event_walk_old(span, pos, key, value, NULL))
			return true;
		*pos = span.len + 1;
	}
	at = span.len > 0 ? *pos - span.len - 1 : *pos;
	if (!event_walk_old(ev->details, &at, key, value, NULL))
		return false;
	*pos = span.len > 0 ? at + span.len + 1 : at;
	return true;
}

bool event_field(const struct event *ev, const char *key, unsigned nth, struct slice *value)
{
	struct slice k;
	size_t pos = 0;

	while (event_field_next(ev, &pos, &k, value)) {
		if (slice_is(k, key) && nth-- == 0)
			return true;
	}
	*value = SLICE_NONE;
	return false;
}
