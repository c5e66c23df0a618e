/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which generation of the settings API answers, and what the credentials may do there. Nothing here changes the server:
 * an insert without values is refused or accepted without effect (seen on 0.8.1, 0.10.3, 0.15.5). */
#include <stdlib.h>
#include <string.h>

#include "client/dialect_settings.h"

enum { ROUND_KEYS, ROUND_LOG, ROUND_OPS, ROUND_VERSION, ROUND_DELETE, ROUND_LOG_PERMISSION, ROUND_END };

#define EMPTY_INSERT "[{\"type\":\"insert\",\"prefix\":null,\"values\":[],\"assert_empty\":false}]"
#define EMPTY_DELETE(name) "[{\"type\":\"" name "\",\"keys\":[]}]"

static const struct {
	enum settings_family family;
	enum generation generation;
	bool capital;
	const char *versions;
} generations[] = {
	[GEN_SETTINGS_0_7] = { FAMILY_AUTHENTICATION, GEN_SETTINGS_0_7, true, "0.7 – 0.9.3" },
	[GEN_SETTINGS_0_9] = { FAMILY_FAIL2BAN, GEN_SETTINGS_0_9, true, "0.9.4 – 0.10.3" },
	[GEN_SETTINGS_0_10] = { FAMILY_AUTO_BAN, GEN_SETTINGS_0_10, true, "0.10.5 – 0.10.7" },
	[GEN_SETTINGS_0_11] = { FAMILY_AUTO_BAN, GEN_SETTINGS_0_11, false, "0.11 – 0.15" },
};

static void set_generation(struct server *srv, enum generation g)
{
	struct server_info *i = &srv->info;

	i->generation = generations[g].generation;
	srv->threshold_family = generations[g].family;
	srv->capital_ops = generations[g].capital;
	snprintf(i->versions, sizeof(i->versions), "%s", generations[g].versions);
	i->caps[CAP_BIT_SCAN_PATHS] = g >= GEN_SETTINGS_0_10 ? CAP_YES : CAP_NO_GENERATION;
	/* a call that clears counters is not known before 0.11 */
	if (i->caps[CAP_BIT_RESET_COUNTERS] != CAP_NO_PERMISSION)
		i->caps[CAP_BIT_RESET_COUNTERS] = g >= GEN_SETTINGS_0_11 ? CAP_UNTESTED : CAP_NO_GENERATION;
	/* 0.7.0 - 0.8.0 have no allow list but answer an empty one: only the version tells them from 0.8.1 */
	srv->shape = g == GEN_SETTINGS_0_7 ? srv->shape | SHAPE_ALLOW_UNSURE : srv->shape & ~SHAPE_ALLOW_UNSURE;
	if (i->caps[CAP_BIT_READ_ALLOWED] != CAP_NO_PERMISSION)
		i->caps[CAP_BIT_READ_ALLOWED] = CAP_YES;
	if (i->caps[CAP_BIT_WRITE_ALLOWED] == CAP_NO_GENERATION)
		i->caps[CAP_BIT_WRITE_ALLOWED] = CAP_UNTESTED;
}

/* 0.9.4 - 0.10.7 with nothing that tells its two spellings apart. */
static void set_either(struct server *srv)
{
	set_generation(srv, GEN_SETTINGS_0_9);
	srv->threshold_family = FAMILY_EITHER;
	snprintf(srv->info.versions, sizeof(srv->info.versions), "0.9.4 – 0.10.7");
}

static void set_caps(struct server *srv)
{
	static const enum cap_bit yes[] = { CAP_BIT_READ_BLOCKED, CAP_BIT_READ_ALLOWED, CAP_BIT_READ_THRESHOLDS,
		CAP_BIT_READ_CERTS, CAP_BIT_THRESHOLD_OFF, CAP_BIT_EXPIRY, CAP_BIT_NOTES };
	static const enum cap_bit untested[] = { CAP_BIT_WRITE_BLOCKED, CAP_BIT_WRITE_ALLOWED, CAP_BIT_WRITE_THRESHOLDS,
		CAP_BIT_READ_LOG, CAP_BIT_RELOAD, CAP_BIT_RELOAD_CERTS, CAP_BIT_RESET_COUNTERS, CAP_BIT_CHECK_CONFIG,
		CAP_BIT_UPLOAD_CERT, CAP_BIT_READ_TRUST };
	static const enum cap_bit no[] = { CAP_BIT_RENEW_CERT, CAP_BIT_BAN_PERIOD, CAP_BIT_NATIVE_EXPIRY,
		CAP_BIT_ALLOW_WINS, CAP_BIT_LIVE_AT_ONCE };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		srv->info.caps[yes[i]] = CAP_YES;
	for (size_t i = 0; i < sizeof(untested) / sizeof(untested[0]); i++)
		srv->info.caps[untested[i]] = CAP_UNTESTED;
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		srv->info.caps[no[i]] = CAP_NO_GENERATION;
}

bool settings_probe_encode(struct request *req)
{
	return buf_adds(&req->path, "/api/settings/list?prefix=server.auto-ban&limit=1");
}

int settings_probe_decode(const struct response *res, struct server *srv)
{
	json_t *doc, *data;
	bool fits;

	if (res->status == 403 && !strcmp(res->type, "application/problem+json")) {
		/* The path is known, the credentials may not list: only this dialect checks settings-list. */
		set_caps(srv);
		set_generation(srv, GEN_SETTINGS_0_11);
		srv->info.caps[CAP_BIT_READ_BLOCKED] = srv->info.caps[CAP_BIT_READ_ALLOWED] = CAP_NO_PERMISSION;
		srv->info.caps[CAP_BIT_READ_THRESHOLDS] = srv->info.caps[CAP_BIT_READ_CERTS] = CAP_NO_PERMISSION;
		return 5;
	}
	if (res->status != 200)
		return 0;
	doc = json_loadb(res->body, res->len, JSON_ALLOW_NUL, NULL);
	data = json_object_get(doc, "data");
	fits = json_is_integer(json_object_get(data, "total")) && json_is_object(json_object_get(data, "items"));
	json_decref(doc);
	if (!fits)
		return 0;
	set_caps(srv);
	set_generation(srv, GEN_SETTINGS_0_11);
	return 10;
}

static void write_permission(struct server *srv, enum cap_state state)
{
	srv->info.caps[CAP_BIT_WRITE_BLOCKED] = state;
	srv->info.caps[CAP_BIT_WRITE_THRESHOLDS] = state;
	srv->info.caps[CAP_BIT_UPLOAD_CERT] = state;
	if (srv->info.caps[CAP_BIT_WRITE_ALLOWED] != CAP_NO_GENERATION)
		srv->info.caps[CAP_BIT_WRITE_ALLOWED] = state;
}

bool settings_refine_encode(const struct server *srv, struct cursor *cur, bool permissions, struct request *req)
{
	(void)permissions;
	switch (cur->phase) {
	case ROUND_KEYS:
		if (srv->info.caps[CAP_BIT_READ_THRESHOLDS] == CAP_NO_PERMISSION)
			return false;
		return buf_adds(&req->path,
			"/api/settings/keys?keys=authentication.fail2ban,server.fail2ban.authentication,"
			"server.fail2ban.invalid-rcpt,server.fail2ban.loitering,server.auto-ban.auth.rate,"
			"server.auto-ban.abuse.rate,server.auto-ban.loiter.rate,server.auto-ban.scan.rate");
	case ROUND_LOG:
	case ROUND_LOG_PERMISSION:
		return buf_adds(&req->path, "/api/logs?page=1&limit=1");
	case ROUND_OPS:
		req->method = HTTP_POST;
		buf_adds(&req->path, "/api/settings");
		return buf_adds(&req->body, EMPTY_INSERT);
	case ROUND_VERSION:
		return buf_adds(&req->path, "/api/logs?filter=Starting%20Stalwart&page=1&limit=20");
	case ROUND_DELETE:
		req->method = HTTP_POST;
		buf_adds(&req->path, "/api/settings");
		return buf_adds(&req->body, srv->capital_ops ? EMPTY_DELETE("Delete") : EMPTY_DELETE("delete"));
	default:
		return false;
	}
}

/* Which families have stored keys: bit per family. */
static int families_stored(const struct response *res)
{
	json_t *doc = json_loadb(res->body, res->len, JSON_ALLOW_NUL, NULL), *value;
	const char *key;
	int found = 0;

	json_object_foreach (json_object_get(doc, "data"), key, value) {
		if (!strncmp(key, "server.auto-ban.", 16))
			found |= SHAPE_STORED(FAMILY_AUTO_BAN);
		else if (!strncmp(key, "server.fail2ban.", 16))
			found |= SHAPE_STORED(FAMILY_FAIL2BAN);
		else if (!strcmp(key, "authentication.fail2ban"))
			found |= SHAPE_STORED(FAMILY_AUTHENTICATION);
	}
	json_decref(doc);
	return found;
}

static int after_version(const struct server *srv, bool permissions)
{
	return !permissions ? ROUND_END : srv->read_only ? ROUND_LOG_PERMISSION : ROUND_DELETE;
}

/* The version is looked for where nothing else tells: not where the op names say 0.11 or later, nor where the log can't be read. */
static int after_family(const struct server *srv, bool permissions, bool sure)
{
	return sure || srv->info.caps[CAP_BIT_READ_LOG] == CAP_NO_PERMISSION ? after_version(srv, permissions) : ROUND_VERSION;
}

/* What is stored is a guess: an upgraded server keeps the keys of the generation it was, and ignores them. */
static int keys_round(struct server *srv, const struct response *res)
{
	int found = res->status == 200 ? families_stored(res) : 0;

	if (found == SHAPE_STORED(FAMILY_FAIL2BAN))
		set_generation(srv, GEN_SETTINGS_0_9);
	else if (found == SHAPE_STORED(FAMILY_AUTHENTICATION))
		set_generation(srv, GEN_SETTINGS_0_7);
	else if (found & SHAPE_STORED(FAMILY_FAIL2BAN))
		set_either(srv);
	srv->shape = (srv->shape & SHAPE_ALLOW_UNSURE) | found; /* ops_round() asks again what was stored */
	return found && !srv->read_only ? ROUND_OPS : ROUND_LOG;
}

static void log_permission_round(struct server *srv, const struct response *res)
{
	if (res->status == 200)
		srv->info.caps[CAP_BIT_READ_LOG] = CAP_YES;
	else if (res->status == 403)
		srv->info.caps[CAP_BIT_READ_LOG] = CAP_NO_PERMISSION;
}

/* Up to 0.9.3 a log item has a `message` (seen on 0.8.1). */
static void log_round(struct server *srv, const struct response *res)
{
	json_t *doc = json_loadb(res->body, res->len, JSON_ALLOW_NUL, NULL);
	json_t *item = json_array_get(json_object_get(json_object_get(doc, "data"), "items"), 0);

	if (json_object_get(item, "message"))
		set_generation(srv, GEN_SETTINGS_0_7);
	json_decref(doc);
	log_permission_round(srv, res);
}

/* True when it proves 0.11 or later. */
static bool ops_round(struct server *srv, const struct response *res)
{
	int stored = srv->shape & ~SHAPE_ALLOW_UNSURE;

	if (res->status == 403) {
		write_permission(srv, CAP_NO_PERMISSION);
		return false;
	}
	if (res->status == 200) {
		set_generation(srv, GEN_SETTINGS_0_11);
		write_permission(srv, CAP_YES);
		return true;
	}
	if (res->status != 400)
		return false;
	if (strstr(res->body, "unknown variant"))
		set_generation(srv, GEN_SETTINGS_0_7); /* words of 0.8.1; 0.10.3 says less */
	else if (stored == SHAPE_STORED(FAMILY_AUTO_BAN) ||
		stored == (SHAPE_STORED(FAMILY_AUTO_BAN) | SHAPE_STORED(FAMILY_AUTHENTICATION)))
		set_generation(srv, GEN_SETTINGS_0_10);
	else if (srv->info.generation != GEN_SETTINGS_0_7 || stored)
		set_either(srv);
	write_permission(srv, CAP_YES);
	return false;
}

/* "Starting Stalwart Mail Server v0.8.1...", "Starting Stalwart Server v0.15.5": 8001, 15005; 0 when it says something else. What others
 * typed can only stand behind other words. */
static unsigned version_in(const char *text)
{
	static const char begin[] = "Starting Stalwart ";
	const char *v = text && !strncmp(text, begin, sizeof(begin) - 1) ? strstr(text, "Server v0.") : NULL;
	unsigned long minor, patch = 0;
	char *end;

	if (!v)
		return 0;
	minor = strtoul(v + 10, &end, 10);
	if (*end == '.')
		patch = strtoul(end + 1, NULL, 10);
	return minor < 1000 && patch < 1000 ? (unsigned)(minor * 1000 + patch) : 0;
}

static unsigned version_logged(const struct response *res)
{
	json_t *doc = res->status == 200 ? json_loadb(res->body, res->len, JSON_ALLOW_NUL, NULL) : NULL, *item;
	unsigned version = 0;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(doc, "data"), "items"), i, item) {
		version = version_in(json_string_value(json_object_get(item, "message")));
		if (!version)
			version = version_in(json_string_value(json_object_get(item, "event")));
		if (version)
			break; /* newest first */
	}
	json_decref(doc);
	return version;
}

/* 0.9.4 - 0.10.3 and 0.10.5 - 0.10.7 read different keys; what 0.10.4 reads was never seen. */
static void version_round(struct server *srv, unsigned version)
{
	enum cap_state *read = &srv->info.caps[CAP_BIT_READ_ALLOWED], *write = &srv->info.caps[CAP_BIT_WRITE_ALLOWED];
	enum cap_state writes = *write;

	if (version >= 7000 && version <= 9003)
		set_generation(srv, GEN_SETTINGS_0_7);
	else if (version >= 9004 && version <= 10003)
		set_generation(srv, GEN_SETTINGS_0_9);
	else if (version >= 10005 && version <= 10007)
		set_generation(srv, GEN_SETTINGS_0_10);
	else if (version >= 11000 && version < 16000 && srv->read_only)
		set_generation(srv, GEN_SETTINGS_0_11);
	else
		return;
	if (version < 8001)
		*read = *write = CAP_NO_GENERATION;
	else
		srv->shape &= ~SHAPE_ALLOW_UNSURE;
	if (version >= 8001 && writes != CAP_NO_GENERATION)
		*write = writes;
}

enum decode settings_refine_decode(struct server *srv, struct cursor *cur, bool permissions, const struct response *res, struct err *err)
{
	(void)err; /* what can't be found out stays UNTESTED */
	switch (cur->phase) {
	case ROUND_KEYS:
		cur->phase = keys_round(srv, res);
		break;
	case ROUND_LOG:
		log_round(srv, res);
		cur->phase = srv->read_only ? after_family(srv, permissions, false) : ROUND_OPS;
		break;
	case ROUND_OPS:
		cur->phase = after_family(srv, permissions, ops_round(srv, res));
		break;
	case ROUND_VERSION:
		version_round(srv, version_logged(res));
		cur->phase = after_version(srv, permissions);
		break;
	case ROUND_DELETE:
		if (res->status == 403)
			srv->info.caps[CAP_BIT_WRITE_BLOCKED] = CAP_NO_PERMISSION;
		cur->phase = ROUND_LOG_PERMISSION;
		break;
	case ROUND_LOG_PERMISSION:
		log_permission_round(srv, res);
		cur->phase = ROUND_END;
		break;
	}
	return cur->phase == ROUND_END ? DECODE_DONE : DECODE_MORE;
}
