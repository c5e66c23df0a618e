/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session with one server: its state, its credentials, what is known of the server. Requests are in session_io.c, detection in
 * session_detect.c, reading in session_fetch.c, changing in exec.c. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "client/json.h"
#include "client/session_private.h"
#include "client/x509_memory.h"
#include "core/clock.h"
#include "core/mem.h"

#define RETRY_FIRST_MS 1000
#define RETRY_MAX_MS 60000

#define WRITE_CAPS                                                                                                       \
	(CAP(WRITE_BLOCKED) | CAP(WRITE_ALLOWED) | CAP(WRITE_THRESHOLDS) | CAP(UPLOAD_CERT) | CAP(RENEW_CERT) | CAP(RELOAD) |  \
		CAP(RELOAD_CERTS) | CAP(RESET_COUNTERS))

static void open_http(struct session *s)
{
	struct profile *p = &s->profile;
	struct http_options options = {
		.url = p->url,
		.connect_to = p->connect_to,
		.ca_file = p->ca_file,
		.pin = p->pin,
		.insecure = p->insecure,
		.timeout_ms = p->timeout_ms,
	};

	s->http = http_new(s->loop, &options, &s->cred, &s->http_err);
}

struct session *session_new(struct loop *loop, const struct profile *profile, const struct session_hooks *hooks)
{
	struct session *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	profile_copy(&s->profile, profile);
	if (s->profile.password) /* the secret comes by session_set_secret() alone */
		explicit_bzero(s->profile.password, strlen(s->profile.password));
	if (hooks)
		s->hooks = *hooks;
	s->server.info.dialect = "";
	TAILQ_INIT(&s->waiting);
	TAILQ_INIT(&s->failing);
	LIST_INIT(&s->fetches);
	LIST_INIT(&s->execs);
	cred_init(&s->cred);
	x509_memory_init();
	json_memory_init();
	open_http(s);
	return s;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	timer_stop(&s->retry);
	detect_stop(s);
	fetch_free_all(s);
	exec_free_all(s);
	http_free(s->http); /* before the loop goes: libcurl takes its sockets off it */
	timer_stop(&s->changed);
	timer_stop(&s->failing_timer);
	timer_stop(&s->hold);
	cred_release(&s->cred);
	profile_release(&s->profile);
	free(s);
}

/* ---- state ---- */

static void on_changed(struct loop *loop, void *arg)
{
	struct session *s = arg;

	(void)loop;
	if (s->hooks.changed)
		s->hooks.changed(s->hooks.arg);
}

/* From the loop, once for all that changed on this turn. */
static void tell_changed(struct session *s)
{
	if (!timer_is_armed(&s->changed))
		timer_start(s->loop, &s->changed, 0, NULL, on_changed, s);
}

void session_enter(struct session *s, enum session_state state, const struct err *err)
{
	s->state = state;
	s->err = err ? *err : (struct err)ERR_INIT;
	if (state != SESSION_LOST)
		timer_stop(&s->retry);
	if (state == SESSION_LOST || state == SESSION_REFUSED || state == SESSION_FOREIGN)
		exchange_fail_waiting(s, &s->err);
	tell_changed(s);
}

static void on_retry(struct loop *loop, void *arg)
{
	(void)loop;
	detect_start(arg);
}

/* Doubled with every failure; a quarter more or less, so that many consoles do not come back all at once. */
static int64_t retry_delay(unsigned failures)
{
	int64_t ms = RETRY_FIRST_MS << (failures < 7 ? failures : 7);
	uint16_t r = 0;

	if (ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != (ssize_t)sizeof(r))
		r = (uint16_t)clock_mono();
	ms = ms * 3 / 4 + ms / 2 * r / 65536;
	return ms > RETRY_MAX_MS ? RETRY_MAX_MS : ms;
}

void session_lose(struct session *s, const struct err *err, int64_t at_least_ms)
{
	int64_t ms = retry_delay(s->failures);
	struct err why = *err; /* may lie in what detect_stop() clears */

	s->failures++;
	detect_stop(s);
	session_enter(s, SESSION_LOST, &why);
	timer_start(s->loop, &s->retry, ms > at_least_ms ? ms : at_least_ms, NULL, on_retry, s);
}

/* ---- capabilities ---- */

void session_apply_caps(struct session *s)
{
	for (int i = 0; i < CAP_BIT_COUNT; i++) {
		enum cap_state *c = &s->server.info.caps[i];

		if (*c == CAP_NO_GENERATION)
			continue;
		if (s->profile.read_only && WRITE_CAPS & 1u << i)
			*c = CAP_NO_READ_ONLY;
		else if (s->learned[i])
			*c = CAP_NO_PERMISSION;
	}
}

bool session_can(const struct session *s, unsigned caps, struct err *err)
{
	static const enum err_code codes[] = { [CAP_NO_GENERATION] = ERR_UNSUPPORTED,
		[CAP_NO_PERMISSION] = ERR_PERMISSION,
		[CAP_NO_READ_ONLY] = ERR_GUARD };

	for (int i = 0; i < CAP_BIT_COUNT; i++)
		if (caps & 1u << i && s->server.info.caps[i] > CAP_UNTESTED)
			return err_set(err, codes[s->server.info.caps[i]], "can't %s: %s", cap_words((enum cap_bit)i),
				server_lacks(&s->server.info, 1u << i));
	return true;
}

void session_learn(struct session *s, unsigned caps, bool is_permitted)
{
	bool news = false;

	for (int i = 0; i < CAP_BIT_COUNT; i++) {
		enum cap_state *c = &s->server.info.caps[i], want = is_permitted ? CAP_YES : CAP_NO_PERMISSION;

		if (!(caps & 1u << i) || *c == want || *c == CAP_NO_GENERATION || *c == CAP_NO_READ_ONLY)
			continue;
		s->learned[i] = !is_permitted;
		*c = want;
		news = true;
	}
	if (news)
		tell_changed(s);
}

/* ---- the public face ---- */

bool session_set_secret(struct session *s, const char *user, const char *secret, bool is_token, struct err *err)
{
	if (!cred_set(&s->cred, user && *user ? user : s->profile.user, secret, is_token, err))
		return false;
	memset(s->learned, 0, sizeof(s->learned));
	if (s->state == SESSION_REFUSED)
		session_enter(s, SESSION_IDLE, NULL);
	return true;
}

bool session_has_secret(const struct session *s)
{
	return cred_is_set(&s->cred);
}

void session_connect(struct session *s)
{
	struct err err = ERR_INIT;

	memset(s->learned, 0, sizeof(s->learned));
	s->failures = 0;
	timer_stop(&s->hold);
	if (!s->http) {
		session_enter(s, SESSION_FOREIGN, &s->http_err);
	} else if (!cred_is_set(&s->cred) && s->state != SESSION_REFUSED) {
		err_set(&err, ERR_AUTH, "no credentials yet");
		detect_stop(s);
		session_enter(s, SESSION_REFUSED, &err);
	} else if (s->state != SESSION_REFUSED) { /* refused: only a new secret opens it again */
		detect_start(s);
	}
}

enum session_state session_state(const struct session *s)
{
	return s->state;
}

const struct server_info *session_server(const struct session *s)
{
	return &s->server.info;
}

const struct profile *session_profile(const struct session *s)
{
	return &s->profile;
}

const struct err *session_error(const struct session *s)
{
	return &s->err;
}

int64_t session_retry_at(const struct session *s)
{
	return timer_is_armed(&s->retry) ? s->retry.due : -1;
}

int64_t session_skew(const struct session *s)
{
	return s->skew;
}

const char *session_peer(const struct session *s)
{
	return s->peer;
}

size_t session_in_flight(const struct session *s)
{
	bool alive = s->state == SESSION_DETECTING || s->state == SESSION_READY;
	const struct exchange *ex;
	size_t n = s->slicing;

	for (int i = 0; i < LANE_COUNT; i++)
		n += s->running[i] != NULL;
	TAILQ_FOREACH (ex, &s->failing, link)
		n++;
	TAILQ_FOREACH (ex, &s->waiting, link)
		n += alive;
	return n;
}

void session_cancel_all(struct session *s)
{
	struct err err = ERR_INIT;

	err_set(&err, ERR_CANCELLED, "cancelled");
	exchange_fail_waiting(s, &err);
	exchange_fail_running(s, &err);
}
