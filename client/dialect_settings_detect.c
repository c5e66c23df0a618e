/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which generation of the settings API answers, and what the credentials may do there. Nothing here changes the server:
 * an insert without values is refused or accepted without effect (seen on 0.8.1, 0.10.3, 0.15.5). */
#include <string.h>

#include "client/dialect_settings.h"

enum { ROUND_KEYS, ROUND_LOG, ROUND_OPS, ROUND_DELETE, ROUND_LOG_PERMISSION, ROUND_END };

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
	enum cap_state scan, lists;

	srv->info.generation = generations[g].generation;
	srv->threshold_family = generations[g].family;
	srv->capital_ops = generations[g].capital;
	snprintf(srv->info.versions, sizeof(srv->info.versions), "%s", generations[g].versions);
	scan = g >= GEN_SETTINGS_0_10 ? CAP_YES : CAP_NO_GENERATION;
	srv->info.caps[CAP_BIT_SCAN_PATHS] = scan;
	/* 0.7.0 - 0.8.0 have no allow list but answer an empty one; nothing tells them from 0.8.1. */
	lists = g == GEN_SETTINGS_0_7 ? CAP_UNTESTED : CAP_YES;
	srv->info.caps[CAP_BIT_WRITE_ALLOWED] = lists;
}

static void set_caps(struct server *srv)
{
	static const enum cap_bit yes[] = { CAP_BIT_READ_BLOCKED, CAP_BIT_READ_ALLOWED, CAP_BIT_READ_THRESHOLDS, CAP_BIT_READ_CERTS };
	static const enum cap_bit untested[] = { CAP_BIT_WRITE_BLOCKED, CAP_BIT_WRITE_ALLOWED, CAP_BIT_WRITE_THRESHOLDS,
		CAP_BIT_READ_LOG, CAP_BIT_RELOAD, CAP_BIT_RELOAD_CERTS, CAP_BIT_RESET_COUNTERS, CAP_BIT_CHECK_CONFIG,
		CAP_BIT_UPLOAD_CERT, CAP_BIT_READ_TRUST };
	static const enum cap_bit no[] = { CAP_BIT_RENEW_CERT, CAP_BIT_BAN_PERIOD, CAP_BIT_NATIVE_EXPIRY, CAP_BIT_ALLOW_WINS,
		CAP_BIT_LIVE_AT_ONCE };

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
		return buf_adds(&req->path, "/api/settings/keys?keys=authentication.fail2ban,server.fail2ban.authentication,"
					    "server.fail2ban.invalid-rcpt,server.fail2ban.loitering,server.auto-ban.auth.rate,"
					    "server.auto-ban.abuse.rate,server.auto-ban.loiter.rate,server.auto-ban.scan.rate");
	case ROUND_LOG:
	case ROUND_LOG_PERMISSION:
		return buf_adds(&req->path, "/api/logs?page=1&limit=1");
	case ROUND_OPS:
		req->method = HTTP_POST;
		buf_adds(&req->path, "/api/settings");
		return buf_adds(&req->body, EMPTY_INSERT);
	case ROUND_DELETE:
		req->method = HTTP_POST;
		buf_adds(&req->path, "/api/settings");
		return buf_adds(&req->body, srv->capital_ops ? EMPTY_DELETE("Delete") : EMPTY_DELETE("delete"));
	default:
		return false;
	}
}

/* Which families have stored keys: bit per family. */
static unsigned families_stored(const struct response *res)
{
	json_t *doc = json_loadb(res->body, res->len, JSON_ALLOW_NUL, NULL), *value;
	const char *key;
	unsigned found = 0;

	json_object_foreach (json_object_get(doc, "data"), key, value) {
		if (!strncmp(key, "server.auto-ban.", 16))
			found |= 1u << FAMILY_AUTO_BAN;
		else if (!strncmp(key, "server.fail2ban.", 16))
			found |= 1u << FAMILY_FAIL2BAN;
		else if (!strcmp(key, "authentication.fail2ban"))
			found |= 1u << FAMILY_AUTHENTICATION;
	}
	json_decref(doc);
	return found;
}

static int next_after_family(const struct server *srv, bool permissions)
{
	return permissions && !srv->read_only ? ROUND_OPS : permissions ? ROUND_LOG_PERMISSION : ROUND_END;
}

static int keys_round(struct server *srv, bool permissions, const struct response *res)
{
	unsigned found = res->status == 200 ? families_stored(res) : 0;

	if (found == 1u << FAMILY_FAIL2BAN)
		set_generation(srv, GEN_SETTINGS_0_9);
	else if (found == 1u << FAMILY_AUTHENTICATION)
		set_generation(srv, GEN_SETTINGS_0_7);
	else if (found & 1u << FAMILY_FAIL2BAN)
		set_generation(srv, GEN_SETTINGS_0_9), srv->threshold_family = FAMILY_EITHER;
	if (found == 0)
		return ROUND_LOG;
	if (found == 1u << FAMILY_AUTO_BAN && !srv->read_only)
		return ROUND_OPS; /* tells 0.10.5 - 0.10.7, which want capitals, from the rest */
	return next_after_family(srv, permissions);
}

/* Up to 0.9.3 a log item has a `message` (seen on 0.8.1). */
static void log_round(struct server *srv, const struct response *res)
{
	json_t *doc = json_loadb(res->body, res->len, JSON_ALLOW_NUL, NULL);
	json_t *item = json_array_get(json_object_get(json_object_get(doc, "data"), "items"), 0);

	if (json_object_get(item, "message"))
		set_generation(srv, GEN_SETTINGS_0_7);
	if (res->status == 200)
		srv->info.caps[CAP_BIT_READ_LOG] = CAP_YES;
	else if (res->status == 403)
		srv->info.caps[CAP_BIT_READ_LOG] = CAP_NO_PERMISSION;
	json_decref(doc);
}

static void ops_round(struct server *srv, const struct response *res)
{
	enum settings_family known = (enum settings_family)srv->threshold_family;

	if (res->status == 403) {
		write_permission(srv, CAP_NO_PERMISSION);
		return;
	}
	if (res->status == 200) {
		set_generation(srv, GEN_SETTINGS_0_11);
		write_permission(srv, CAP_YES);
		return;
	}
	if (res->status != 400)
		return;
	write_permission(srv, CAP_YES);
	if (srv->info.generation == GEN_SETTINGS_0_7 || srv->info.generation == GEN_SETTINGS_0_9)
		return; /* the stored family says more than the refusal */
	if (strstr(res->body, "unknown variant")) {
		set_generation(srv, GEN_SETTINGS_0_7); /* words of 0.8.1; 0.10.3 says less */
	} else if (known == FAMILY_AUTO_BAN && srv->shape) {
		set_generation(srv, GEN_SETTINGS_0_10);
	} else {
		set_generation(srv, GEN_SETTINGS_0_9);
		srv->threshold_family = FAMILY_EITHER;
		snprintf(srv->info.versions, sizeof(srv->info.versions), "0.9.4 – 0.10.7");
	}
}

enum decode settings_refine_decode(struct server *srv, struct cursor *cur, bool permissions, const struct response *res, struct err *err)
{
	(void)err; /* what can't be found out stays UNTESTED */
	switch (cur->phase) {
	case ROUND_KEYS:
		/* kept for ops_round(): were keys of the newer family stored? */
		srv->shape = res->status == 200 && families_stored(res) & 1u << FAMILY_AUTO_BAN;
		cur->phase = keys_round(srv, permissions, res);
		break;
	case ROUND_LOG:
		log_round(srv, res);
		if (srv->read_only || srv->info.generation == GEN_SETTINGS_0_7)
			cur->phase = next_after_family(srv, permissions);
		else
			cur->phase = ROUND_OPS;
		break;
	case ROUND_OPS:
		ops_round(srv, res);
		cur->phase = permissions ? ROUND_DELETE : ROUND_END;
		break;
	case ROUND_DELETE:
		if (res->status == 403)
			srv->info.caps[CAP_BIT_WRITE_BLOCKED] = CAP_NO_PERMISSION;
		cur->phase = ROUND_LOG_PERMISSION;
		break;
	case ROUND_LOG_PERMISSION:
		log_round(srv, res);
		cur->phase = ROUND_END;
		break;
	}
	return cur->phase == ROUND_END ? DECODE_DONE : DECODE_MORE;
}
