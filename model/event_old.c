/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of servers up to 0.9.3: "span{…}: module::path: message key=value …" (seen on 0.6.0 and
 * 0.8.1), and which of today's events each one would be. */
#include "model/event_impl.h"

#include "core/mem.h"

/* Which old line is which modern event. All conditions that are set must hold. */
static const struct old_event {
	const char *event;   /* value of the field `event` */
	const char *result;  /* value of the field `result` */
	const char *message; /* the message begins so */
	const char *id;
	const char *needle; /* what the raw line must hold, colour codes or not; NULL: says nothing
			       about an address */
} old_events[] = {
	{ "fail2ban", NULL, NULL, "security.authentication-ban", "fail2ban" },
	{ "blocked", NULL, "Dropping connection", "security.ip-blocked", "blocked IP" },
	{ NULL, NULL, "Connection rejected: IP is blocked", "security.ip-blocked", "IP is blocked" },
	{ "authenticate", "success", NULL, "auth.success", NULL },
	{ "authenticate", "failed", NULL, "auth.failed", "authenticate" },
	{ NULL, NULL, "Authentication failed", "auth.failed", "Authentication failed" },
	{ NULL, NULL, "Mailbox does not exist", "smtp.mailbox-does-not-exist",
		"Mailbox does not exist" },
	{ NULL, NULL, "Relay not allowed", "smtp.relay-not-allowed", "Relay not allowed" },
	{ NULL, NULL, "Starting Stalwart", "server.startup", NULL },
	{ NULL, NULL, "Shutting down Stalwart", "server.shutdown", NULL },
	{ NULL, NULL, "Starting listener", "network.listen-start", NULL },
	{ NULL, NULL, "Stopping listener", "network.listen-stop", NULL },
	{ NULL, NULL, "Build error for key", "config.build-error", NULL },
	{ NULL, NULL, "Parse error for key", "config.parse-error", NULL },
};

bool event_old_matters(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(old_events); i++) {
		const char *needle = old_events[i].needle;

		if (needle && memmem(s, len, needle, strlen(needle)))
			return true;
	}
	return false;
}

/* Length of "utils::listener::listen" when ": " follows, else 0. */
static size_t scan_module(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < 128; i++) {
		char c = s[i];

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')
			continue;
		if (c != ':' || i == 0)
			return 0;
		if (i + 1 < len && s[i + 1] == ':') {
			i++;
			continue;
		}
		return i + 1 == len || s[i + 1] == ' ' ? i : 0;
	}
	return 0;
}

/* Length of "session{instance=\"imap\" …}" when ": " follows; several may be chained by a colon. */
static size_t scan_span(const char *s, size_t len)
{
	bool in_quotes = false;
	size_t i = 0;

	while (i < len && ((s[i] >= 'a' && s[i] <= 'z') || s[i] == '_'))
		i++;
	if (i == 0 || i == len || s[i] != '{')
		return 0;
	for (; i < len; i++) {
		if (s[i] == '\\' && in_quotes)
			i++;
		else if (s[i] == '"')
			in_quotes = !in_quotes;
		else if (s[i] == '}' && !in_quotes && i + 2 < len && s[i + 1] == ':' &&
			 s[i + 2] == ' ')
			return i + 1;
	}
	return 0;
}

bool event_is_old(struct slice s)
{
	return scan_module(s.p, s.len) > 0 || scan_span(s.p, s.len) > 0;
}

/* Modern id of an old line's event; "" if it has none. */
static struct slice modern_id(const struct event *ev)
{
	struct slice event = SLICE_NONE, result = SLICE_NONE;
	size_t i;

	event_field(ev, "event", 0, &event);
	event_field(ev, "result", 0, &result);
	for (i = 0; i < ARRAY_LEN(old_events); i++) {
		const struct old_event *row = &old_events[i];

		if (row->event && !slice_is(event, row->event))
			continue;
		if (row->result && !slice_is(result, row->result))
			continue;
		if (row->message && !slice_starts(ev->description, row->message))
			continue;
		return slice_of(row->id);
	}
	return SLICE_NONE;
}

void event_parse_old(struct slice s, struct event *out)
{
	struct slice key, value;
	size_t n, pos = 0;

	out->format = EVENT_TRACING;
	n = scan_span(s.p, s.len);
	if (n > 0) {
		out->span = (struct slice){ s.p, n };
		s = (struct slice){ s.p + n + 2, s.len - n - 2 };
	}
	n = scan_module(s.p, s.len);
	if (n > 0) {
		out->module = (struct slice){ s.p, n };
		n += n + 1 < s.len ? 2 : 1;
		s = (struct slice){ s.p + n, s.len - n };
	}
	/* The message ends where the first key=value begins. */
	out->description = s;
	if (event_walk_old(s, &pos, &key, &value, NULL)) {
		out->description.len = (size_t)(key.p - s.p);
		out->details = (struct slice){ key.p, s.len - out->description.len };
		while (out->description.len > 0 && s.p[out->description.len - 1] == ' ')
			out->description.len--;
	}
	if (out->description.len == 0)
		out->description = SLICE_NONE;
	out->id = modern_id(out);
}
