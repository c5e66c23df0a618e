/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 0.16 and later: detection, what every part shares, and the row of the table. Pure; knows no connection and no clock. */
#include "client/dialect_jmap.h"

#include <stdio.h>
#include <string.h>

#include "client/json.h"
#include "core/mem.h"
#include "core/text.h"

const char *const jmap_rate_names[CLASS_COUNT] = { [CLASS_AUTH] = "authBanRate",
	[CLASS_ABUSE] = "abuseBanRate",
	[CLASS_LOITER] = "loiterBanRate",
	[CLASS_SCAN] = "scanBanRate" };
const char *const jmap_period_names[CLASS_COUNT] = { [CLASS_AUTH] = "authBanPeriod",
	[CLASS_ABUSE] = "abuseBanPeriod",
	[CLASS_LOITER] = "loiterBanPeriod",
	[CLASS_SCAN] = "scanBanPeriod" };

/* The built-in scan globs, seen on 0.16.18. */
static const char *const builtin_paths[] = { "*.php*", "*.cgi*", "*.asp*", "*/wp-*", "*/php*", "*/cgi-bin*", "*xmlrpc*", "*../*", "*/..*", "*joomla*",
	"*wordpress*", "*drupal*" };

/* ---- requests and answers ---- */

void jmap_begin(const struct server *srv, struct request *req)
{
	req->method = HTTP_POST;
	req->body.max = 10u << 20;
	/* apiUrl names the public host; only its path counts (seen on 0.16.18) */
	buf_adds(&req->path, srv->api_path[0] ? srv->api_path : "/jmap");
	buf_adds(&req->body, "{\"using\":[\"urn:ietf:params:jmap:core\",\"urn:stalwart:jmap\"],\"methodCalls\":[");
}

void jmap_call(struct request *req, const char *method, const char *arguments, const char *id)
{
	if (req->body.len && req->body.data[req->body.len - 1] == ']')
		buf_addc(&req->body, ',');
	buf_addf(&req->body, "[\"%s\",%s,\"%s\"]", method, arguments, id);
}

void jmap_end(struct request *req)
{
	buf_adds(&req->body, "]}");
}

json_t *jmap_document(const struct response *res, struct err *err)
{
	json_t *doc;

	if (!response_check(res, err))
		return NULL;
	doc = json_read(res->body, res->len, err);
	if (doc && !json_is_array(json_object_get(doc, "methodResponses"))) {
		json_decref(doc);
		err_set(err, ERR_PROTOCOL, "the answer has no methodResponses");
		return NULL;
	}
	return doc;
}

static bool method_error(json_t *arguments, struct err *err)
{
	char type[60], words[200];

	json_get_text(arguments, "type", type, sizeof(type));
	json_get_text(arguments, "description", words, sizeof(words));
	return err_set(err, !strcmp(type, "forbidden") ? ERR_PERMISSION : !strcmp(type, "unknownMethod") ? ERR_UNSUPPORTED : ERR_SERVER, "%s%s%s", type,
		words[0] ? ": " : "", words);
}

json_t *jmap_answer(json_t *doc, const char *id, struct err *err)
{
	json_t *answer;
	size_t i;

	json_array_foreach (json_object_get(doc, "methodResponses"), i, answer) {
		const char *name = json_string_value(json_array_get(answer, 0)),
			   *got = json_string_value(json_array_get(answer, 2));

		if (!name || !got || strcmp(got, id) != 0)
			continue;
		if (strcmp(name, "error") != 0)
			return json_array_get(answer, 1);
		method_error(json_array_get(answer, 1), err);
		return NULL;
	}
	err_set(err, ERR_PROTOCOL, "the answer to call %s is missing", id);
	return NULL;
}

char *jmap_outcome_words(json_t *outcome, enum err_code *code)
{
	char type[60], words[240], property[80] = "";
	json_t *first = json_array_get(json_object_get(outcome, "validationErrors"), 0);

	json_get_text(outcome, "type", type, sizeof(type));
	json_get_text(outcome, "description", words, sizeof(words));
	if (first) {
		json_get_text(first, "property", property, sizeof(property));
		json_get_text(first, "type", words, sizeof(words));
	}
	if (code)
		*code = !strcmp(type, "forbidden") ? ERR_PERMISSION : !strcmp(type, "notFound") ? ERR_NOT_FOUND : ERR_SERVER;
	return xasprintf("%s%s%s%s%s", type, words[0] ? ": " : "", property, property[0] ? " " : "", words);
}

/* ---- values ---- */

static const char *const reason_names[REASON_COUNT] = { [REASON_NONE] = "other",
	[REASON_AUTH] = "authFailure",
	[REASON_ABUSE] = "rcptToFailure",
	[REASON_LOITER] = "loitering",
	[REASON_SCAN] = "portScanning",
	[REASON_MANUAL] = "manual",
	[REASON_OTHER] = "other" };

const char *jmap_reason_name(enum reason r)
{
	return reason_names[r];
}

enum reason jmap_reason(const char *name)
{
	for (int r = REASON_AUTH; name && r < REASON_COUNT; r++)
		if (!strcmp(reason_names[r], name))
			return (enum reason)r;
	return REASON_OTHER;
}

int64_t jmap_time(json_t *v)
{
	int64_t t;

	return json_is_string(v) && time_parse(json_string_value(v), 0, &t) ? t : TIME_NONE;
}

void jmap_entry_text(enum reason reason, const char *note, int64_t until, struct buf *out)
{
	struct entry_value v = { .reason = reason, .at = TIME_NONE, .until = until };
	char text[ENTRY_VALUE_BUF];

	snprintf(v.note, sizeof(v.note), "%s", note ? note : "");
	buf_adds(out, entry_value_format(&v, text, sizeof(text)));
}

static const uint64_t default_counts[CLASS_COUNT] = {
#define CLASS_DEFAULT(id, name, words, count) [CLASS_##id] = count,
	CLASS_INFO(CLASS_DEFAULT)
#undef CLASS_DEFAULT
};

bool jmap_rate_text(const struct threshold *t, enum ban_class c, struct buf *out)
{
	char rate[64], span[40];

	if (t->enabled && t->count == default_counts[c] && t->period_ms == 86400000 && t->ban_period_ms == 0)
		return false;
	buf_adds(out, rate_format(t, rate, sizeof(rate)));
	if (t->ban_period_ms > 0)
		buf_addf(out, " for %s", duration_format(t->ban_period_ms, span, sizeof(span)));
	return true;
}

static bool is_builtin(const char *glob)
{
	for (size_t i = 0; i < ARRAY_LEN(builtin_paths); i++)
		if (!strcmp(builtin_paths[i], glob))
			return true;
	return false;
}

void jmap_thresholds(json_t *security, struct thresholds *out)
{
	struct buf text = BUF_INIT;
	size_t own = 0;
	const char *glob;
	json_t *value;

	for (int c = 0; c < CLASS_COUNT; c++) {
		struct threshold *t = &out->of[c];
		json_t *rate = json_object_get(security, jmap_rate_names[c]);
		int64_t count = 0;

		t->supported = true;
		t->enabled = json_is_object(rate);
		if (json_get_int(rate, "count", &count))
			t->count = (uint64_t)count;
		json_get_int(rate, "period", &t->period_ms);
		t->ban_period_ms = 0;
		json_get_int(security, jmap_period_names[c], &t->ban_period_ms);
		buf_reset(&text);
		t->stored = jmap_rate_text(t, (enum ban_class)c, &text);
	}
	json_object_foreach (json_object_get(security, "scanBanPaths"), glob, value) {
		thresholds_add_path(out, glob, strlen(glob));
		own += !is_builtin(glob);
	}
	out->paths_stored = own > 0 || out->path_count != ARRAY_LEN(builtin_paths);
	buf_release(&text);
}

/* ---- detection ---- */

static bool probe_encode(struct request *req)
{
	static const struct server nothing;

	jmap_begin(&nothing, req);
	jmap_call(req, "x:Security/get", "{\"ids\":[\"singleton\"]}", "c0");
	jmap_end(req);
	return true;
}

static void set_caps(struct server *srv)
{
	for (int i = 0; i < CAP_BIT_COUNT; i++)
		srv->info.caps[i] = CAP_UNTESTED;
	srv->info.caps[CAP_BIT_CHECK_CONFIG] = CAP_NO_GENERATION; /* 0.16 has no dry run */
	srv->info.caps[CAP_BIT_LIVE_AT_ONCE] = CAP_NO_GENERATION;
	srv->info.caps[CAP_BIT_NOTES] = CAP_NO_GENERATION; /* a block has a reason out of a list, only an allowance has words */
	srv->info.caps[CAP_BIT_EXPIRY] = srv->info.caps[CAP_BIT_THRESHOLD_OFF] = CAP_YES;
	srv->info.caps[CAP_BIT_NATIVE_EXPIRY] = srv->info.caps[CAP_BIT_ALLOW_WINS] = CAP_YES;
	srv->info.caps[CAP_BIT_BAN_PERIOD] = srv->info.caps[CAP_BIT_SCAN_PATHS] = CAP_YES;
	srv->info.generation = GEN_JMAP_0_16;
	snprintf(srv->info.versions, sizeof(srv->info.versions), "0.16");
}

/* forbidden inside HTTP 200 proves the dialect, too; 0.15 answers 400 notRequest, "Unknown capability". */
static int probe_decode(const struct response *res, struct server *srv)
{
	struct err err = ERR_INIT;
	json_t *doc = res->status == 200 ? jmap_document(res, &err) : NULL, *answer;
	bool fits;

	if (!doc)
		return 0;
	answer = jmap_answer(doc, "c0", &err);
	fits = json_is_array(json_object_get(answer, "list")) || err.code == ERR_PERMISSION;
	if (fits) {
		set_caps(srv);
		srv->info.caps[CAP_BIT_READ_THRESHOLDS] = err.code == ERR_PERMISSION ? CAP_NO_PERMISSION : CAP_YES;
		if (strstr(err.msg, "bootstrap mode"))
			snprintf(srv->info.mode, sizeof(srv->info.mode), "bootstrap");
	}
	json_decref(doc);
	return fits ? 20 : 0;
}

/* Rights, all in one request. An empty /set changes nothing and is refused as a whole to who may neither create, update nor destroy (permissions
 * transcript; that it is looked at before the objects is from the source). Accepted, it says that one of the three is allowed: enough only
 * where there is but one, a singleton's update. */
static const struct {
	const char *method, *arguments;
	unsigned caps;
	bool is_write, is_sure;
} rights[] = {
	{ "x:BlockedIp/query", "{\"limit\":1}", CAP(READ_BLOCKED), false, true },
	{ "x:AllowedIp/query", "{\"limit\":1}", CAP(READ_ALLOWED), false, true },
	{ "x:Certificate/query", "{\"limit\":1}", CAP(READ_CERTS), false, true },
	{ "x:Log/query", "{\"limit\":1}", CAP(READ_LOG), false, true },
	{ "x:SystemSettings/get", "{\"ids\":[\"singleton\"],\"properties\":[\"proxyTrustedNetworks\"]}", CAP(READ_TRUST), false, true },
	{ "x:Security/set", "{}", CAP(WRITE_THRESHOLDS), true, true },
	{ "x:BlockedIp/set", "{}", CAP(WRITE_BLOCKED), true, false },
	{ "x:AllowedIp/set", "{}", CAP(WRITE_ALLOWED), true, false },
	{ "x:Certificate/set", "{}", CAP(UPLOAD_CERT), true, false },
	{ "x:Action/set", "{}", CAP(RELOAD) | CAP(RELOAD_CERTS), true, false },
	{ "x:Task/set", "{}", CAP(RESET_COUNTERS) | CAP(RENEW_CERT), true, false },
};

/* A start in recovery mode says so in the log and nowhere else. */
static const char *const starts[] = { "server.recovery-mode", "server.startup" };
_Static_assert(ARRAY_LEN(rights) + 2 * ARRAY_LEN(starts) <= 16, "maxCallsInRequest (seen on 0.16.18)");

static void starts_encode(struct request *req)
{
	char arguments[160], id[8];

	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		snprintf(arguments, sizeof(arguments), "{\"filter\":{\"text\":\"%s\"},\"limit\":20}", starts[i]);
		snprintf(id, sizeof(id), "q%zu", i);
		jmap_call(req, "x:Log/query", arguments, id);
		snprintf(arguments, sizeof(arguments),
			"{\"#ids\":{\"resultOf\":\"q%zu\",\"name\":\"x:Log/query\",\"path\":\"/ids\"}}", i);
		snprintf(id, sizeof(id), "s%zu", i);
		jmap_call(req, "x:Log/get", arguments, id);
	}
}

/* When that was last logged, as text that sorts; "" = never. The event counts, not what somebody typed into a line. */
static const char *last_start(json_t *doc, size_t i)
{
	struct err ignored = ERR_INIT;
	const char *last = "";
	json_t *item, *answer;
	char id[8];
	size_t k;

	snprintf(id, sizeof(id), "s%zu", i);
	answer = jmap_answer(doc, id, &ignored);
	json_array_foreach (json_object_get(answer, "list"), k, item) {
		const char *event = json_string_value(json_object_get(item, "event")),
			   *at = json_string_value(json_object_get(item, "timestamp"));

		if (event && at && !strcmp(event, starts[i]) && strcmp(at, last) > 0)
			last = at;
	}
	return last;
}

static bool refine_encode(const struct server *srv, struct cursor *cur, bool permissions, struct request *req)
{
	char id[8];

	(void)cur;
	if (!permissions)
		return false;
	jmap_begin(srv, req);
	for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
		if (rights[i].is_write && srv->read_only)
			continue;
		snprintf(id, sizeof(id), "r%zu", i);
		jmap_call(req, rights[i].method, rights[i].arguments, id);
	}
	starts_encode(req);
	jmap_end(req);
	return true;
}

static void set_rights(struct server *srv, unsigned caps, enum cap_state state)
{
	for (int b = 0; b < CAP_BIT_COUNT; b++)
		if (caps & 1u << b && srv->info.caps[b] != CAP_NO_GENERATION &&
			!(srv->info.caps[b] == CAP_YES && state == CAP_UNTESTED))
			srv->info.caps[b] = state;
}

static enum decode refine_decode(struct server *srv, struct cursor *cur, bool permissions, const struct response *res, struct err *err)
{
	struct err ignored = ERR_INIT;
	json_t *doc = jmap_document(res, &ignored);
	char id[8];

	(void)cur, (void)permissions, (void)err;
	for (size_t i = 0; doc && i < ARRAY_LEN(rights); i++) {
		struct err why = ERR_INIT;
		bool is_granted;

		if (rights[i].is_write && srv->read_only)
			continue;
		snprintf(id, sizeof(id), "r%zu", i);
		is_granted = jmap_answer(doc, id, &why) != NULL;
		set_rights(srv, rights[i].caps, is_granted && rights[i].is_sure ? CAP_YES : why.code == ERR_PERMISSION ? CAP_NO_PERMISSION : CAP_UNTESTED);
	}
	if (doc && *last_start(doc, 0) && strcmp(last_start(doc, 0), last_start(doc, 1)) >= 0)
		snprintf(srv->info.mode, sizeof(srv->info.mode), "recovery");
	json_decref(doc);
	return DECODE_DONE;
}

/* ---- fetches ---- */

static bool fetch_encode(const struct server *srv, struct fetch_job *job, struct request *req, struct err *err)
{
	switch (job->fetch->kind) {
	case FETCH_LIST:
		jmap_list_encode(srv, job, req);
		return true;
	case FETCH_THRESHOLDS:
		jmap_begin(srv, req);
		jmap_call(req, "x:Security/get", "{\"ids\":[\"singleton\"]}", "c0");
		jmap_end(req);
		return true;
	case FETCH_CERTS:
		jmap_certs_encode(srv, req);
		return true;
	case FETCH_TASK:
		jmap_task_encode(srv, job, req);
		return true;
	case FETCH_LOG:
		jmap_log_encode(srv, job, req);
		return true;
	case FETCH_TRUST:
		jmap_trust_encode(srv, req);
		return true;
	case FETCH_CHECK:
	case FETCH_PERMISSIONS:
		break;
	}
	return err_set(err, ERR_UNSUPPORTED, "0.16 has no such call");
}

static void fetch_item(const struct server *srv, struct fetch_job *job, const struct json_path *path, const struct json_item *item)
{
	(void)srv;
	if (job->fetch->kind == FETCH_LIST)
		jmap_list_item(job, path, item);
}

static enum decode thresholds_decode(struct fetch_job *job, const struct response *res, struct err *err)
{
	json_t *doc = jmap_document(res, err), *answer = doc ? jmap_answer(doc, "c0", err) : NULL;

	if (answer) {
		job->reply->thresholds = xmalloc(sizeof(*job->reply->thresholds));
		thresholds_init(job->reply->thresholds);
		jmap_thresholds(json_array_get(json_object_get(answer, "list"), 0), job->reply->thresholds);
	}
	json_decref(doc);
	return answer ? DECODE_DONE : DECODE_FAIL;
}

static enum decode fetch_decode(const struct server *srv, struct fetch_job *job, const struct response *res, struct err *err)
{
	(void)srv;
	switch (job->fetch->kind) {
	case FETCH_LIST:
		return jmap_list_decode(job, res, err);
	case FETCH_THRESHOLDS:
		return thresholds_decode(job, res, err);
	case FETCH_CERTS:
		return jmap_certs_decode(job, res, err);
	case FETCH_TASK:
		return jmap_task_decode(job, res, err);
	case FETCH_LOG:
		return jmap_log_decode(job, res, err);
	case FETCH_TRUST:
		return jmap_trust_decode(job, res, err);
	case FETCH_CHECK:
	case FETCH_PERMISSIONS:
		break;
	}
	err_set(err, ERR_UNSUPPORTED, "0.16 has no such call");
	return DECODE_FAIL;
}

const struct dialect_ops dialect_jmap = {
	.name = "jmap",
	.probe_encode = probe_encode,
	.probe_decode = probe_decode,
	.refine_encode = refine_encode,
	.refine_decode = refine_decode,
	.fetch_encode = fetch_encode,
	.fetch_item = fetch_item,
	.fetch_decode = fetch_decode,
	.wanted = jmap_wanted,
	.read_encode = jmap_read_encode,
	.read_item = jmap_read_item,
	.read_decode = jmap_read_decode,
	.write_encode = jmap_write_encode,
	.write_decode = jmap_write_decode,
	.write_next = jmap_write_next,
	.reloads = jmap_reloads,
	.caveat = jmap_caveat,
	.reload_encode = jmap_reload_encode,
	.reload_decode = jmap_reload_decode,
	.reset_encode = jmap_reset_encode,
	.reset_decode = jmap_reset_decode,
	.memo_free = jmap_memo_free,
};
