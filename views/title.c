/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The title line: which server, what these credentials may do, how fresh what is shown is. */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "views/views.h"

static int64_t freshest(const struct app *a)
{
	int64_t newest = TIME_NONE;

	for (int i = 0; i < SNAP_COUNT; i++)
		if (a->snap.fetched[i] != TIME_NONE && a->snap.fetched[i] > newest)
			newest = a->snap.fetched[i];
	return newest;
}

static void state_words(const struct app *a, struct ui_title *out)
{
	int64_t newest = freshest(a), retry = session_retry_at(a->session) - clock_mono();
	char age[64] = "", wait[64] = "";

	if (newest != TIME_NONE)
		duration_words(clock_now() - newest < 1000 ? 1000 : clock_now() - newest, age, sizeof(age));
	switch (session_state(a->session)) {
	case SESSION_READY:
		out->role = ROLE_GOOD;
		/* the age is said once it is more than two refreshes old: a live screen needs no clock of its own */
		if (newest != TIME_NONE && clock_now() - newest > 2 * a->profile.refresh_ms)
			snprintf(out->state, sizeof(out->state), "live, %.40s ago", age);
		else
			snprintf(out->state, sizeof(out->state), newest == TIME_NONE ? "connected" : "live");
		snprintf(out->state_short, sizeof(out->state_short), "live");
		break;
	case SESSION_LOST:
		out->role = ROLE_STALE;
		duration_words(retry > 1000 ? retry : 1000, wait, sizeof(wait));
		snprintf(out->state, sizeof(out->state), "%s%.30s%sno answer, again in %.20s",
			newest == TIME_NONE ? "" : "stale ", age, newest == TIME_NONE ? "" : "; ", wait);
		snprintf(out->state_short, sizeof(out->state_short), "stale");
		break;
	case SESSION_REFUSED:
		out->role = ROLE_BAD;
		snprintf(out->state, sizeof(out->state), "credentials refused; nothing is sent");
		snprintf(out->state_short, sizeof(out->state_short), "refused");
		break;
	case SESSION_FOREIGN:
		out->role = ROLE_BAD;
		snprintf(out->state, sizeof(out->state), "no Stalwart answers there");
		snprintf(out->state_short, sizeof(out->state_short), "no server");
		break;
	case SESSION_IDLE:
	case SESSION_DETECTING:
		out->role = ROLE_DIM;
		if (!a->profile.url || !session_has_secret(a->session))
			snprintf(out->state, sizeof(out->state), a->profile.url ? "not logged in" : "no server");
		else
			snprintf(out->state, sizeof(out->state), "connecting");
		snprintf(out->state_short, sizeof(out->state_short), "%.20s", out->state);
		break;
	}
	out->next_ms = session_state(a->session) == SESSION_LOST ? 1000 : 0;
}

/* The server's words hold dashes and dots beyond ASCII. */
static void make_plain(char *s)
{
	static const char *const from[] = { "·", "–" };

	for (size_t i = 0; i < ARRAY_LEN(from); i++)
		for (char *at; (at = strstr(s, from[i])) != NULL;) {
			at[0] = '-';
			memmove(at + 1, at + strlen(from[i]), strlen(at + strlen(from[i])) + 1);
		}
}

void console_title(void *arg, struct ui_title *out)
{
	struct console *c = arg;
	struct app *a = c->app;
	const struct server_info *s = session_server(a->session);
	char host[128];

	url_host(a->profile.url ? a->profile.url : "", host, sizeof(host));
	snprintf(out->name, sizeof(out->name), "%.47s", a->profile.name);
	snprintf(out->server, sizeof(out->server), "%.80s%s%.40s%s%.20s", host, s->versions[0] ? " · " : "",
		s->versions, s->mode[0] ? " · " : "", s->mode);
	if (ui_glyphs(c->ui)->ascii)
		make_plain(out->server);
	if (a->profile.read_only)
		snprintf(out->badges, sizeof(out->badges), "READ-ONLY");
	else if (server_looks_only(c))
		snprintf(out->badges, sizeof(out->badges), "LOOK ONLY");
	if (a->profile.insecure)
		snprintf(out->badges + strlen(out->badges), sizeof(out->badges) - strlen(out->badges), "%sINSECURE",
			out->badges[0] ? " " : "");
	out->colour = COLOUR_DEFAULT;
	if (a->profile.colour)
		colour_parse(a->profile.colour, &out->colour);
	state_words(a, out);
}
