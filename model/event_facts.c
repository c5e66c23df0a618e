/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an event says about an address, and how far that can be believed. The one table of event ids
 * that matter. */
#include "core/mem.h"
#include "model/event_impl.h"

/* A slice as a constant initialiser. */
#define TEXT(lit)                                                                                  \
	{                                                                                          \
		lit, sizeof(lit) - 1                                                               \
	}

static const struct meaning {
	struct slice id;
	enum event_kind kind;
	enum ban_class class;
	bool is_redundant;
} meanings[] = {
	{ TEXT("security.authentication-ban"), EVENT_BAN, CLASS_AUTH, false },
	{ TEXT("security.abuse-ban"), EVENT_BAN, CLASS_ABUSE, false },
	{ TEXT("security.loiter-ban"), EVENT_BAN, CLASS_LOITER, false },
	{ TEXT("security.scan-ban"), EVENT_BAN, CLASS_SCAN, false },
	{ TEXT("security.brute-force-ban"), EVENT_BAN, CLASS_ABUSE,
		false }, /* 0.9.4 to 0.10.3: of fail2ban.invalid-rcpt */
	{ TEXT("security.ip-blocked"), EVENT_REFUSED, CLASS_NONE, false },
	{ TEXT("security.ip-block-expired"), EVENT_EXPIRED, CLASS_NONE, false },
	{ TEXT("security.ip-allow-expired"), EVENT_ALLOW_EXPIRED, CLASS_NONE, false },
	{ TEXT("security.unauthorized"), EVENT_UNAUTHORIZED, CLASS_NONE, false },
	{ TEXT("security.ip-unauthorized"), EVENT_ATTEMPT, CLASS_AUTH,
		false }, /* counts like a wrong password (0.15 source) */
	{ TEXT("auth.success"), EVENT_SUCCESS, CLASS_NONE, false },
	{ TEXT("auth.failed"), EVENT_ATTEMPT, CLASS_AUTH, false },
	{ TEXT("auth.too-many-attempts"), EVENT_ATTEMPT, CLASS_AUTH, true },
	{ TEXT("smtp.mailbox-does-not-exist"), EVENT_ATTEMPT, CLASS_ABUSE, false },
	{ TEXT("smtp.relay-not-allowed"), EVENT_ATTEMPT, CLASS_ABUSE, false },
	{ TEXT("smtp.too-many-invalid-rcpt"), EVENT_ATTEMPT, CLASS_ABUSE, true },
	{ TEXT("smtp.time-limit-exceeded"), EVENT_ATTEMPT, CLASS_LOITER, false },
	{ TEXT("http.error"), EVENT_ATTEMPT, CLASS_SCAN, false },
};

static const char *const kind_texts[] = {
	[EVENT_OTHER] = "",
	[EVENT_BAN] = "ban",
	[EVENT_REFUSED] = "refused",
	[EVENT_ATTEMPT] = "attempt",
	[EVENT_EXPIRED] = "expired",
	[EVENT_ALLOW_EXPIRED] = "allow-expired",
	[EVENT_SUCCESS] = "success",
	[EVENT_UNAUTHORIZED] = "unauthorized",
};

const char *event_kind_text(enum event_kind k)
{
	return (size_t)k < ARRAY_LEN(kind_texts) ? kind_texts[k] : "";
}

static const struct meaning *find_meaning(struct slice id)
{
	size_t i;

	if (id.len < 10 || (id.p[0] != 's' && id.p[0] != 'a' && id.p[0] != 'h'))
		return NULL;
	for (i = 0; i < ARRAY_LEN(meanings); i++) {
		if (slice_equal(id, meanings[i].id))
			return &meanings[i];
	}
	return NULL;
}

/* Is that id surely the event's own? Not where a colon, a quote or an equals sign stands between
 * the time and it: that is a line up to 0.9.3, and "(a.b)" a text in it, perhaps a login someone
 * chose to be overlooked by. */
static bool is_plain_description(const char *s, const char *id)
{
	const char *p = s + (*s == '\033' ? 24 : 20);
	size_t n = p < id ? (size_t)(id - p) : 0;

	return !memchr(p, ':', n) && !memchr(p, '"', n) && !memchr(p, '=', n);
}

bool event_matters(const char *s, size_t len)
{
	const struct meaning *m;
	const char *id;
	size_t n;

	id = len > 0 ? event_find_id(s, len, &n) : NULL;
	if (id == NULL)
		return event_old_matters(s, len);
	m = find_meaning((struct slice){ id, n });
	if (m && m->kind != EVENT_SUCCESS && m->kind != EVENT_UNAUTHORIZED)
		return true;
	return !is_plain_description(s, id) && event_old_matters(s, len);
}

/* What a field is to us. Aliases: 0.15's name first, then those of 0.6 and 0.8. */
enum field_use {
	USE_FREE,
	USE_SERVER,
	USE_ADDRESS,
	USE_PORT,
	USE_LISTENER,
	USE_ACCOUNT,
	USE_TO,
	USE_PATH
};
static const struct {
	struct slice key;
	enum field_use use;
} fields[] = {
	{ TEXT("remoteIp"), USE_ADDRESS },
	{ TEXT("remote_ip"), USE_ADDRESS },
	{ TEXT("remote.ip"), USE_ADDRESS },
	{ TEXT("listenerId"), USE_LISTENER },
	{ TEXT("instance"), USE_LISTENER },
	{ TEXT("localPort"), USE_PORT },
	{ TEXT("accountName"), USE_ACCOUNT },
	{ TEXT("login"), USE_ACCOUNT },
	{ TEXT("username"), USE_ACCOUNT },
	{ TEXT("to"), USE_TO },
	{ TEXT("address"), USE_TO }, /* 0.6 and 0.8: the recipient */
	{ TEXT("path"), USE_PATH },
	/* What the server fills in by itself; no attacker's text can stand in them. */
	{ TEXT("localIp"), USE_SERVER },
	{ TEXT("remotePort"), USE_SERVER },
	{ TEXT("remote.port"), USE_SERVER },
	{ TEXT("tls"), USE_SERVER },
	{ TEXT("protocol"), USE_SERVER },
	{ TEXT("context"), USE_SERVER },
	{ TEXT("event"), USE_SERVER },
	{ TEXT("spanId"), USE_SERVER },
	{ TEXT("accountId"), USE_SERVER },
	{ TEXT("queueId"), USE_SERVER },
	{ TEXT("elapsed"), USE_SERVER },
	{ TEXT("code"), USE_SERVER },
	{ TEXT("limit"), USE_SERVER },
};

static enum field_use field_use(struct slice key)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(fields); i++) {
		if (slice_equal(key, fields[i].key))
			return fields[i].use;
	}
	return USE_FREE;
}

static bool parse_address(struct slice s, struct net *out)
{
	unsigned flags;

	if (!net_parse(s.p, s.len, out, &flags) || (flags & NET_HAD_PREFIX)) {
		memset(out, 0, sizeof(*out));
		return false;
	}
	return true;
}

static unsigned parse_port(struct slice s)
{
	unsigned port = 0;
	size_t i;

	for (i = 0; i < s.len && i < 5 && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		port = port * 10 + (unsigned)(s.p[i] - '0');
	return i == s.len && port < 65536 ? port : 0;
}

static void take_first(struct slice *to, struct slice value)
{
	if (to->p == NULL)
		*to = value;
}

/* The server writes the connection's own fields first, so the first address is its own unless
 * something an attacker may have typed stands before it: then it is believed only if no second one
 * contradicts it. */
static void read_fields(const struct event *ev, struct event_facts *out)
{
	bool is_after_text = false, is_first_after_text = false, has_port = false;
	struct slice key, value;
	struct net address;
	size_t pos = 0;

	while (event_field_next(ev, &pos, &key, &value)) {
		enum field_use use = field_use(key);

		switch (use) {
		case USE_ADDRESS:
			if (!parse_address(value, &address))
				break;
			if (out->address.family == 0) {
				out->address = address;
				is_first_after_text = is_after_text;
			} else if (is_first_after_text && !net_equal(&out->address, &address)) {
				out->is_doubtful = true;
			}
			break;
		case USE_PORT:
			if (!has_port)
				out->local_port = parse_port(value);
			has_port = true;
			break;
		case USE_LISTENER:
			take_first(&out->listener, value);
			break;
		case USE_ACCOUNT:
			take_first(&out->account, value);
			break;
		case USE_TO:
			take_first(&out->to, value);
			break;
		case USE_PATH:
			take_first(&out->path, value);
			break;
		case USE_FREE:
		case USE_SERVER:
			break;
		}
		is_after_text |= use == USE_FREE || use >= USE_ACCOUNT;
	}
	if (out->is_doubtful)
		memset(&out->address, 0, sizeof(out->address));
}

void event_facts(const struct event *ev, struct event_facts *out)
{
	const struct meaning *m = find_meaning(ev->id);

	memset(out, 0, sizeof(*out));
	out->class = CLASS_NONE;
	if (m) {
		out->kind = m->kind;
		out->class = m->class;
		out->is_redundant = m->is_redundant;
	}
	read_fields(ev, out);
}

/* details = [127.0.0.23, 10.0.0.0/8], seen on 0.16.18. */
bool event_expired(const struct event *ev, size_t *pos, struct net *out)
{
	struct slice list;
	unsigned flags;
	size_t n;

	if (!event_field(ev, "details", 0, &list))
		return false;
	while (*pos < list.len) {
		while (*pos < list.len && strchr("[], \"", list.p[*pos]))
			(*pos)++;
		for (n = 0; *pos + n < list.len && !strchr("[], \"", list.p[*pos + n]);)
			n++;
		*pos += n;
		if (n > 0 && net_parse(list.p + *pos - n, n, out, &flags))
			return true;
	}
	return false;
}
