/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acme.* events -> how the last renewal went and when the next is due. It must not know where lines come from. */
#include "model/cert_acme.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "model/event.h"

/* Only what ends an attempt. acme.tls-alpn-error and acme.token-not-found are no end of one, and anybody who connects can cause them. */
static const struct {
	const char *id;
	enum renewal_state state;
} ends[] = {
	{ "acme.order-completed", RENEWAL_OK },
	{ "acme.order-invalid", RENEWAL_RETRY },
	{ "acme.auth-error", RENEWAL_RETRY },
	{ "acme.auth-too-many-attempts", RENEWAL_RETRY },
	{ "acme.dns-record-creation-failed", RENEWAL_RETRY },
	{ "acme.dns-record-propagation-timeout", RENEWAL_RETRY },
	{ "acme.error", RENEWAL_FAILED },
};

/* Of one renewal, while lines are read. */
struct told {
	bool ends, due;
	int64_t loaded; /* when the server last loaded its certificate */
};

/* By the provider's id; events of the order itself have only its names. */
static bool is_about(const struct event *ev, const struct renewal *r)
{
	struct slice value;

	if (event_field(ev, "id", 0, &value))
		return slice_is(value, r->id);
	if (!event_field(ev, "hostname", 0, &value))
		return false;
	for (size_t i = 0; i < r->name_count; i++)
		if (memmem(value.p, value.len, r->names[i], strlen(r->names[i])))
			return true;
	return false;
}

static void take_reason(struct renewal *r, const struct event *ev)
{
	static const char *const keys[] = { "reason", "details", "causedBy" };
	struct buf words = BUF_INIT;
	struct slice value;

	buf_add(&words, ev->description.p, ev->description.len);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (event_field(ev, keys[i], 0, &value) && value.len) {
			buf_addf(&words, "%s%.*s", words.len ? ": " : "", (int)value.len, value.p);
			if (i == 0)
				break; /* the server's own reason says all */
		}
	cert_set_text(&r->reason, buf_str(&words), words.len);
	buf_release(&words);
}

static void take_end(struct renewal *r, const struct event *ev)
{
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		if (!slice_is(ev->id, ends[i].id))
			continue;
		r->state = ends[i].state;
		r->last = ev->time;
		if (r->state != RENEWAL_OK)
			take_reason(r, ev);
	}
}

/* Logged at each load, also for a certificate that was there already: it tells when the next renewal is due, not that there was one. */
static void take_load(struct renewal *r, struct told *told, const struct event *ev)
{
	struct slice value;
	char text[40];

	if (told->loaded == TIME_NONE)
		told->loaded = ev->time;
	if (told->due || !event_field(ev, "due", 0, &value) || value.len >= sizeof(text))
		return;
	memcpy(text, value.p, value.len);
	text[value.len] = '\0';
	told->due = time_parse(text, TIME_NONE, &r->next);
}

static void take_event(struct renewal *r, struct told *told, const struct event *ev)
{
	if (!is_about(ev, r))
		return;
	if (slice_is(ev->id, "acme.process-cert"))
		take_load(r, told, ev);
	else if (!told->ends)
		take_end(r, ev);
	told->ends = r->state != RENEWAL_UNKNOWN;
}

void cert_acme_scan(struct certlist *l, const char *text, const size_t *line, size_t count)
{
	struct told *told = xcalloc(l->renewal_count + 1, sizeof(*told));
	struct event ev;

	for (size_t i = 0; i < l->renewal_count; i++) {
		told[i].ends = l->renewals[i]->by != RENEWER_ACME || l->renewals[i]->state != RENEWAL_UNKNOWN;
		told[i].loaded = told[i].ends ? 0 : TIME_NONE;
		told[i].due = told[i].ends;
	}
	for (size_t n = 0; n < count; n++) {
		event_parse(text + line[n], strlen(text + line[n]), &ev);
		if (!slice_starts(ev.id, "acme."))
			continue;
		for (size_t i = 0; i < l->renewal_count; i++)
			if (!told[i].ends || !told[i].due)
				take_event(l->renewals[i], &told[i], &ev);
	}
	for (size_t i = 0; i < l->renewal_count; i++)
		if (!told[i].ends && told[i].loaded != TIME_NONE) {
			l->renewals[i]->state = RENEWAL_OK;
			l->renewals[i]->last = told[i].loaded;
		}
	free(told);
}
