/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Certificates and renewals as values: names, text, days, status by themselves, identity. It must
 * not know how they were read nor what the others say (cert_join.c). */
#include "model/cert.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/net.h"

#define TEXT_MAX 1024 /* bytes of a name or a reason from outside; real ones are far shorter */
#define SANS_MAX 4096

static const char *const source_names[] = {
#define ROW(id, name) name,
	CERT_SOURCE_INFO(ROW)
#undef ROW
};

static const struct {
	const char *name;
	enum cert_level level;
} status_rows[] = {
#define ROW(id, name, level) {name, CERT_LEVEL_##level},
	CERT_STATUS_INFO(ROW)
#undef ROW
};

static const char *const chain_texts[] = {
#define ROW(id, words) words,
	CHAIN_INFO(ROW)
#undef ROW
};

static const char *const ocsp_texts[] = {
#define ROW(id, words) words,
	OCSP_INFO(ROW)
#undef ROW
};

static const char *const renewer_names[] = {
#define ROW(id, name) name,
	RENEWER_INFO(ROW)
#undef ROW
};

static const char *const renewal_texts[] = {
#define ROW(id, words) words,
	RENEWAL_INFO(ROW)
#undef ROW
};

const char *cert_source_name(enum cert_source s)
{
	return s < CERT_SOURCE_COUNT ? source_names[s] : "";
}

const char *cert_status_name(enum cert_status s)
{
	return s < CERT_STATUS_COUNT ? status_rows[s].name : "";
}

enum cert_level cert_status_level(enum cert_status s)
{
	return s < CERT_STATUS_COUNT ? status_rows[s].level : CERT_LEVEL_CRITICAL;
}

const char *chain_words(enum chain_state s)
{
	return s < CHAIN_COUNT ? chain_texts[s] : "";
}

const char *ocsp_words(enum ocsp_state s)
{
	return s < OCSP_COUNT ? ocsp_texts[s] : "";
}

const char *renewer_name(enum renewer r)
{
	return r < RENEWER_COUNT ? renewer_names[r] : "";
}

const char *renewal_words(enum renewal_state s)
{
	return s < RENEWAL_COUNT ? renewal_texts[s] : "";
}

struct cert *cert_new(enum cert_source source)
{
	struct cert *c = xcalloc(1, sizeof(*c));

	c->source = source;
	c->not_before = c->not_after = TIME_NONE;
	c->ocsp_this = c->ocsp_next = TIME_NONE;
	c->seen = TIME_NONE;
	return c;
}

static void free_strings(char **s, size_t count)
{
	for (size_t i = 0; s && i < count; i++)
		free(s[i]);
	free(s);
}

void cert_free(struct cert *c)
{
	if (!c)
		return;
	free(c->name);
	free(c->endpoint);
	free(c->id);
	free(c->path);
	free(c->used_by);
	free(c->subject);
	free(c->issuer);
	free(c->serial);
	free(c->verify);
	free(c->error);
	free_strings(c->sans, c->san_count);
	free_strings(c->chain_subjects, c->chain_len);
	free(c);
}

static char *copy_text(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static char **copy_strings(char *const *s, size_t count)
{
	char **out;

	if (!s || !count)
		return NULL;
	out = xcalloc(count, sizeof(*out));
	for (size_t i = 0; i < count; i++)
		out[i] = copy_text(s[i]);
	return out;
}

struct cert *cert_copy(const struct cert *c)
{
	struct cert *out = xmalloc(sizeof(*out));

	*out = *c;
	out->name = copy_text(c->name);
	out->endpoint = copy_text(c->endpoint);
	out->id = copy_text(c->id);
	out->path = copy_text(c->path);
	out->used_by = copy_text(c->used_by);
	out->subject = copy_text(c->subject);
	out->issuer = copy_text(c->issuer);
	out->serial = copy_text(c->serial);
	out->verify = copy_text(c->verify);
	out->error = copy_text(c->error);
	out->sans = copy_strings(c->sans, c->san_count);
	out->chain_subjects = copy_strings(c->chain_subjects, c->chain_len);
	return out;
}

/* Sanitised copy, cut where it is absurdly long. */
static char *clean_text(const char *s, size_t len)
{
	struct buf b = BUF_INIT;
	bool cut = len > TEXT_MAX;

	text_safe(&b, s, cut ? TEXT_MAX : len, TEXT_LINE);
	if (cut)
		buf_adds(&b, "…");
	return buf_take(&b, NULL);
}

void cert_set_text(char **field, const char *s, size_t len)
{
	char *text = s ? clean_text(s, len == SIZE_MAX ? strlen(s) : len) : NULL;

	free(*field);
	*field = text;
}

static void add_string(char ***list, size_t *count, const char *s, size_t len)
{
	if (*count >= SANS_MAX)
		return;
	*list = xreallocarray(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = clean_text(s, len == SIZE_MAX ? strlen(s) : len);
}

void cert_add_san(struct cert *c, const char *s, size_t len)
{
	add_string(&c->sans, &c->san_count, s, len);
}

void renewal_add_name(struct renewal *r, const char *s, size_t len)
{
	add_string(&r->names, &r->name_count, s, len);
}

bool cert_has_data(const struct cert *c)
{
	return c->not_after != TIME_NONE;
}

int64_t cert_days_left(const struct cert *c, int64_t now)
{
	int64_t left, days;

	if (!cert_has_data(c))
		return INT64_MIN;
	left = c->not_after - now; /* both within the years 0..9999: no overflow */
	days = left / CERT_DAY_MS;
	return left < 0 && left % CERT_DAY_MS ? days - 1 : days;
}

static bool is_expired(const struct cert *c, int64_t now)
{
	return c->not_after != TIME_NONE && c->not_after < now;
}

static bool is_early(const struct cert *c, int64_t now)
{
	return c->not_before != TIME_NONE && c->not_before > now;
}

enum cert_status cert_status(const struct cert *c, int64_t now, int64_t warn_ms, int64_t crit_ms)
{
	if (!cert_has_data(c))
		return c->source == CERT_SERVED ? CERT_STATUS_UNREACHABLE : CERT_STATUS_MISSING;
	if (is_expired(c, now))
		return CERT_STATUS_EXPIRED;
	if (c->source == CERT_SERVED && c->name && !c->self_signed && !cert_covers(c, c->name))
		return CERT_STATUS_MISMATCH;
	if (is_early(c, now) || c->ocsp == OCSP_REVOKED)
		return CERT_STATUS_CRITICAL;
	if (c->self_signed)
		return CERT_STATUS_SELF_SIGNED;
	if (c->not_after - now < (crit_ms ? crit_ms : CERT_CRIT_MS))
		return CERT_STATUS_CRITICAL;
	if (c->not_after - now < (warn_ms ? warn_ms : CERT_WARN_MS))
		return CERT_STATUS_WARNING;
	return CERT_STATUS_OK;
}

enum cert_level cert_level(const struct cert *c, enum cert_status s)
{
	if (s == CERT_STATUS_UNREACHABLE && c->optional)
		return c->refused ? CERT_LEVEL_OK : CERT_LEVEL_WARNING;
	return cert_status_level(s);
}

bool cert_is_valid(const struct cert *c, int64_t now)
{
	return cert_has_data(c) && !is_expired(c, now) && !is_early(c, now) && !c->self_signed;
}

/* Length without one trailing dot. */
static size_t name_len(const char *s)
{
	size_t len = strlen(s);

	return len > 1 && s[len - 1] == '.' ? len - 1 : len;
}

bool cert_name_matches(const char *pattern, const char *name)
{
	size_t plen = name_len(pattern), nlen = name_len(name);
	struct net a, b;
	const char *dot;

	if (net_parse(name, nlen, &a, NULL))
		return net_parse(pattern, plen, &b, NULL) && net_equal(&a, &b);
	if (plen == nlen && !strncasecmp(pattern, name, plen))
		return true;
	if (plen < 3 || strncmp(pattern, "*.", 2) || !memchr(pattern + 2, '.', plen - 2))
		return false;
	dot = memchr(name, '.', nlen);
	return dot && dot != name && nlen - (size_t)(dot - name) == plen - 1 &&
	       !strncasecmp(pattern + 1, dot, plen - 1);
}

bool cert_covers(const struct cert *c, const char *name)
{
	for (size_t i = 0; i < c->san_count; i++)
		if (cert_name_matches(c->sans[i], name))
			return true;
	return false;
}

static bool has_san(const struct cert *c, const char *san)
{
	for (size_t i = 0; i < c->san_count; i++)
		if (!strcasecmp(c->sans[i], san))
			return true;
	return false;
}

bool cert_same(const struct cert *a, const struct cert *b)
{
	if (a->has_sha256 && b->has_sha256)
		return !memcmp(a->sha256, b->sha256, sizeof(a->sha256));
	if (!cert_has_data(a) || !cert_has_data(b) || a->san_count != b->san_count)
		return false;
	/* to the second: a server may write fractions */
	if (a->not_after / 1000 != b->not_after / 1000 ||
		a->not_before / 1000 != b->not_before / 1000)
		return false;
	for (size_t i = 0; i < a->san_count; i++)
		if (!has_san(b, a->sans[i]))
			return false;
	return true;
}

char *cert_sha256_text(const struct cert *c, char *out, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	if (!size)
		return out;
	for (size_t i = 0; c->has_sha256 && i < sizeof(c->sha256) && n + 2 < size; i++) {
		out[n++] = digits[c->sha256[i] >> 4];
		out[n++] = digits[c->sha256[i] & 15];
	}
	out[n] = '\0';
	return out;
}

char *cert_sha256_short(const struct cert *c, char *out, size_t size)
{
	return cert_sha256_text(c, out, size < 5 ? size : 5);
}

char *renewal_describe(const struct renewal *r, int64_t now, char *out, size_t size)
{
	struct buf b = BUF_INIT;
	char words[TIME_BUF];
	bool failed = r->state == RENEWAL_FAILED || r->state == RENEWAL_RETRY;

	if (r->timer_known)
		buf_adds(&b, r->timer_active ? "timer active" : "timer not active");
	if (r->next != TIME_NONE && r->next > now)
		buf_addf(&b, "%snext run in %s", b.len ? ", " : "",
			duration_words(r->next - now, words, sizeof(words)));
	else if (r->next != TIME_NONE)
		buf_addf(&b, "%snext run due now", b.len ? ", " : "");
	if (failed)
		buf_addf(&b, "%slast attempt failed%s%s", b.len ? ", " : "", r->reason ? ": " : "",
			r->reason ? r->reason : "");
	else if (r->state != RENEWAL_UNKNOWN && r->last != TIME_NONE && r->last <= now)
		buf_addf(&b, "%slast attempt %s ago: %s", b.len ? ", " : "",
			duration_words(now - r->last, words, sizeof(words)),
			renewal_words(r->state));
	text_safe_str(out, size, buf_str(&b), b.len); /* cuts between characters */
	buf_release(&b);
	return out;
}

static void renewal_free(struct renewal *r)
{
	free(r->id);
	free(r->path);
	free(r->directory);
	free(r->challenge);
	free(r->contact);
	free(r->rule);
	free(r->reason);
	free_strings(r->names, r->name_count);
	free(r);
}

struct certlist *certlist_new(void)
{
	struct certlist *l = xcalloc(1, sizeof(*l));

	l->fetched = TIME_NONE;
	return l;
}

void certlist_free(struct certlist *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++)
		cert_free(l->rows[i]);
	for (size_t i = 0; i < l->renewal_count; i++)
		renewal_free(l->renewals[i]);
	free(l->rows);
	free(l->renewals);
	free(l);
}

void certlist_take(struct certlist *l, struct cert *c)
{
	xgrow(&l->rows, &l->cap, l->count + 1, sizeof(struct cert *));
	l->rows[l->count++] = c;
}

static void take_renewal(struct certlist *l, struct renewal *r)
{
	xgrow(&l->renewals, &l->renewal_cap, l->renewal_count + 1, sizeof(struct renewal *));
	l->renewals[l->renewal_count++] = r;
}

struct renewal *certlist_add_renewal(struct certlist *l, enum renewer by, const char *id)
{
	struct renewal *r = xcalloc(1, sizeof(*r));

	r->by = by;
	r->next = r->last = TIME_NONE;
	cert_set_text(&r->id, id, SIZE_MAX);
	take_renewal(l, r);
	return r;
}

void certlist_merge(struct certlist *into, struct certlist *from)
{
	if (!from)
		return;
	for (size_t i = 0; i < from->count; i++)
		certlist_take(into, from->rows[i]);
	for (size_t i = 0; i < from->renewal_count; i++)
		take_renewal(into, from->renewals[i]);
	from->count = from->renewal_count = 0;
	certlist_free(from);
}

void certlist_drop(struct certlist *l, enum cert_source source)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++) {
		if (l->rows[i]->source == source)
			cert_free(l->rows[i]);
		else
			l->rows[kept++] = l->rows[i];
	}
	l->count = kept;
}
