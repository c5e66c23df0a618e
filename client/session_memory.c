/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a server was found to be, as a line of text that is kept between two runs, and back. Holds no secret. A session that starts from it
 * is unproven: it may read lists, which shows at once when the server speaks another dialect, and detects before it does anything else. */
#include <string.h>

#include "client/json.h"
#include "client/session_private.h"

#define FORMAT 1 /* of the text; another one is not read */

static const char *url_of(const struct session *s)
{
	return s->profile.url ? s->profile.url : "";
}

/* What these credentials may not do is not kept: they may have been given more since. */
static enum cap_state kept(enum cap_state c)
{
	return c == CAP_NO_PERMISSION || c == CAP_NO_READ_ONLY ? CAP_UNTESTED : c;
}

bool session_remember(const struct session *s, struct buf *out)
{
	const struct server *srv = &s->server;
	json_t *caps, *doc;

	if (s->state != SESSION_READY || s->is_unproven || !s->dialect)
		return false;
	caps = json_object();
	for (int i = 0; i < CAP_BIT_COUNT; i++)
		json_object_set_new(caps, cap_name((enum cap_bit)i), json_integer(kept(srv->info.caps[i])));
	doc = json_pack("{s:i, s:s, s:s, s:i, s:s, s:s, s:s, s:b, s:i, s:i, s:o}", "format", FORMAT, "url", url_of(s),
		"dialect", s->dialect->name, "generation", (int)srv->info.generation, "versions", srv->info.versions,
		"mode", srv->info.mode, "api_path", srv->api_path, "capital_ops", srv->capital_ops, "threshold_family",
		srv->threshold_family, "shape", srv->shape, "caps", caps);
	if (!doc)
		return false; /* a text of the server that is not UTF-8 */
	json_put(out, doc);
	json_decref(doc);
	return true;
}

static bool is_wanted(const struct session *s, const struct dialect_ops *d)
{
	const char *wanted = s->profile.dialect;

	return d && (!wanted || !*wanted || !strcmp(wanted, "auto") || !strcmp(wanted, d->name));
}

static bool take_text(const json_t *doc, const char *key, char *out, size_t size)
{
	size_t len;
	const char *text = json_get_str(doc, key, &len);

	if (!text || len >= size || strlen(text) != len)
		return false;
	memcpy(out, text, len + 1);
	return true;
}

static bool take_number(const json_t *doc, const char *key, int max, int *out)
{
	int64_t n;

	if (!json_get_int(doc, key, &n) || n < 0 || n > max)
		return false;
	*out = (int)n;
	return true;
}

static bool take_caps(const json_t *doc, struct server *srv)
{
	const json_t *caps = json_object_get(doc, "caps");
	int state;

	for (int i = 0; i < CAP_BIT_COUNT; i++) {
		if (!take_number(caps, cap_name((enum cap_bit)i), CAP_NO_READ_ONLY, &state))
			return false;
		srv->info.caps[i] = kept((enum cap_state)state);
	}
	return true;
}

static bool take_server(const json_t *doc, struct server *srv)
{
	int generation;

	if (!take_number(doc, "generation", GEN_REST, &generation) ||
		!take_text(doc, "versions", srv->info.versions, sizeof(srv->info.versions)) ||
		!take_text(doc, "mode", srv->info.mode, sizeof(srv->info.mode)) ||
		!take_text(doc, "api_path", srv->api_path, sizeof(srv->api_path)) ||
		!json_get_bool(doc, "capital_ops", &srv->capital_ops) ||
		!take_number(doc, "threshold_family", 100, &srv->threshold_family) ||
		!take_number(doc, "shape", 100, &srv->shape) || !take_caps(doc, srv))
		return false;
	srv->info.generation = (enum generation)generation;
	return true;
}

bool session_recall(struct session *s, const char *text)
{
	json_t *doc = json_read(text, strlen(text), NULL);
	const char *url = json_get_str(doc, "url", NULL), *dialect = json_get_str(doc, "dialect", NULL);
	const struct dialect_ops *d = dialect ? dialect_by_name(dialect) : NULL;
	struct server srv = { .read_only = s->profile.read_only };
	int format = 0;
	bool fits;

	if (d)
		s->hint = d;
	fits = is_wanted(s, d) && url && !strcmp(url, url_of(s)) && take_number(doc, "format", FORMAT, &format) &&
		format == FORMAT && take_server(doc, &srv);
	json_decref(doc);
	if (!fits)
		return false;
	srv.info.dialect = d->name;
	s->recalled = srv;
	s->recalled_dialect = d;
	return true;
}

bool session_connect_recalled(struct session *s)
{
	if (!s->recalled_dialect || s->state != SESSION_IDLE || !s->http || !cred_is_set(&s->cred))
		return false;
	s->dialect = s->recalled_dialect;
	s->server = s->recalled;
	s->is_unproven = true;
	session_apply_caps(s);
	session_enter(s, SESSION_READY, NULL);
	exchange_pump(s);
	return true;
}

bool session_prove(struct session *s)
{
	if (!s->is_unproven || s->state != SESSION_READY)
		return false;
	detect_start(s);
	return true;
}
