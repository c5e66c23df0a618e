/* SPDX-License-Identifier: GPL-3.0-or-later */
/* certbot: which lineages it renews and how its last run ended, in the formats of certbot 2.1.
 * Nothing here needs root: what is not readable stays unknown. It must not know timers
 * (certfiles_timer.c). */
#include <ctype.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/certfiles_private.h"
#include "core/mem.h"
#include "core/text.h"

#define CONF_DIR     "/etc/letsencrypt/renewal/"
#define LOG_PATH     "/var/log/letsencrypt/letsencrypt.log"
#define CONF_MAX     (64 * 1024)
#define LOG_MAX      (2 * 1024 * 1024) /* certbot keeps one to 1 MiB */
#define LOGS_BACK    5 /* each run of certbot, whatever it was for, begins a new log */
#define RENEW_BEFORE (30 * CERT_DAY_MS) /* certbot's default */

static const char *find(struct text t, const char *word)
{
	return memmem(t.s, t.len, word, strlen(word));
}

/* "30 days" */
static int64_t before_expiry(struct text v)
{
	char number[16];
	size_t n = 0;
	int64_t days;

	while (n < v.len && n < sizeof(number) - 1 && isdigit((unsigned char)v.s[n])) {
		number[n] = v.s[n];
		n++;
	}
	number[n] = '\0';
	return find(v, "day") && text_int(number, 1, 3650, &days) ? days * CERT_DAY_MS
								  : RENEW_BEFORE;
}

void certbot_conf_scan(struct renewal *r, const char *text, size_t len)
{
	struct text rest = {text, len}, line, key, value;

	r->renew_before = RENEW_BEFORE;
	while (text_next_line(&rest, &line)) {
		line = text_trim(line);
		if (!line.len || line.s[0] == '#' || !text_split(line, &key, &value))
			continue;
		if (text_is(key, "fullchain"))
			cert_set_text(&r->path, value.s, value.len);
		else if (text_is(key, "authenticator"))
			cert_set_text(&r->challenge, value.s, value.len);
		else if (text_is(key, "server"))
			cert_set_text(&r->directory, value.s, value.len);
		else if (text_is(key, "renew_before_expiry"))
			r->renew_before = before_expiry(value);
	}
}

/* "2026-11-20 03:17:05,123:LEVEL:…": local time of this host, as certbot writes it. */
static int64_t stamp_of(struct text line)
{
	struct tm tm = {.tm_isdst = -1};
	char s[20];
	const char *end;

	if (line.len < 24 || line.s[19] != ',')
		return TIME_NONE;
	memcpy(s, line.s, 19);
	s[19] = '\0';
	end = strptime(s, "%Y-%m-%d %H:%M:%S", &tm);
	return end && !*end ? (int64_t)mktime(&tm) * 1000 : TIME_NONE;
}

static struct renewal *find_lineage(struct certlist *l, struct text id)
{
	for (size_t i = 0; i < l->renewal_count; i++)
		if (l->renewals[i]->by == RENEWER_CERTBOT && text_is(id, l->renewals[i]->id))
			return l->renewals[i];
	return NULL;
}

struct log_scan {
	struct certlist *list;
	int64_t at;
	struct text detail; /* what the CA said last */
	bool found, dry_run;
};

static void set_result(struct log_scan *s, struct renewal *r, enum renewal_state state)
{
	if (!r)
		return;
	s->found = true;
	r->state = state;
	r->last = s->at;
}

static void scan_failure(struct log_scan *s, struct text line)
{
	static const char head[] = "Failed to renew certificate ", mid[] = " with error: ";
	const char *name = find(line, head), *error;
	struct renewal *r;
	char *reason;

	if (!name)
		return;
	name += sizeof(head) - 1;
	line.len -= (size_t)(name - line.s);
	line.s = name;
	error = find(line, mid);
	if (!error)
		return;
	r = find_lineage(s->list, (struct text){name, (size_t)(error - name)});
	if (!r)
		return;
	error += sizeof(mid) - 1;
	reason = xasprintf("%.*s%s%.*s", (int)(line.s + line.len - error), error,
		s->detail.len ? " " : "", (int)s->detail.len, s->detail.s ? s->detail.s : "");
	cert_set_text(&r->reason, reason, SIZE_MAX);
	free(reason);
	set_result(s, r, RENEWAL_FAILED);
}

/* "  /etc/letsencrypt/live/NAME/fullchain.pem expires on 2027-01-04 (skipped)" */
static void scan_report(struct log_scan *s, struct text line)
{
	static const struct {
		const char *end;
		enum renewal_state state;
	} ends[] = {
		{"(success)", RENEWAL_OK},
		{"(failure)", RENEWAL_FAILED},
		{"(skipped)", RENEWAL_NOT_DUE},
	};
	const char *live = find(line, "/live/"), *slash;
	struct text tail = text_trim(line);

	if (!live)
		return;
	live += 6;
	slash = memchr(live, '/', (size_t)(line.s + line.len - live));
	for (size_t i = 0; slash && i < ARRAY_LEN(ends); i++)
		if (tail.len > 9 && !memcmp(tail.s + tail.len - 9, ends[i].end, 9))
			set_result(s,
				find_lineage(s->list, (struct text){live, (size_t)(slash - live)}),
				ends[i].state);
}

bool certbot_log_scan(struct certlist *l, const char *text, size_t len)
{
	struct log_scan s = {.list = l, .at = TIME_NONE};
	struct text rest = {text, len}, line;
	const char *detail;

	while (text_next_line(&rest, &line)) {
		int64_t at = stamp_of(line);

		if (at != TIME_NONE)
			s.at = at;
		if (find(line, ":Arguments: [") && find(line, "'--dry-run'"))
			return false; /* a rehearsal says nothing of the last renewal */
		detail = find(line, "  Detail: ");
		if (detail)
			s.detail = text_trim((struct text){
				detail + 10, (size_t)(line.s + line.len - detail - 10)});
		if (s.detail.len > 400)
			s.detail.len = 400;
		scan_failure(&s, line);
		scan_report(&s, line);
	}
	return s.found;
}

bool certfiles_read_log(struct certlist *l, const char *root, int number)
{
	char *path = number ? xasprintf("%s.%d", LOG_PATH, number) : xstrdup(LOG_PATH);
	struct buf log = BUF_INIT;
	bool found = false;
	int error;

	if (certfiles_load(root, path, LOG_MAX, &log, &error)) {
		found = certbot_log_scan(l, buf_str(&log), log.len);
		buf_wipe(&log); /* certbot's debug log can hold keys */
	}
	free(path);
	return !found && number < LOGS_BACK;
}

/* What it renews are the names of the certificate it wrote; where that can't be read (live/ is
 * root's), its own name. */
static void add_names(struct renewal *r, const struct certlist *l)
{
	size_t len = strlen(r->id);

	for (size_t i = 0; r->path && i < l->count; i++) {
		const struct cert *c = l->rows[i];

		if (!c->path || strcmp(c->path, r->path) || !c->san_count)
			continue;
		for (size_t k = 0; k < c->san_count; k++)
			renewal_add_name(r, c->sans[k], SIZE_MAX);
		return;
	}
	if (len > 5 && r->id[len - 5] == '-' && strspn(r->id + len - 4, "0123456789") == 4)
		len -= 5; /* mail.example.org-0001 */
	renewal_add_name(r, r->id, len);
}

static void read_conf(struct certlist *l, const char *root, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	struct buf text = BUF_INIT;
	struct renewal *r;
	char *id;
	int error;

	if (!certfiles_load(root, path, CONF_MAX, &text, &error))
		return;
	id = xstrndup(name, strlen(name) - strlen(".conf"));
	r = certlist_add_renewal(l, RENEWER_CERTBOT, id);
	certbot_conf_scan(r, buf_str(&text), text.len);
	add_names(r, l);
	buf_release(&text);
	free(id);
}

void certfiles_read_certbot(struct certlist *l, const char *root)
{
	char *pattern = xasprintf("%s" CONF_DIR "*.conf", root ? root : "");
	size_t skip = root ? strlen(root) : 0;
	glob_t found;

	if (!glob(pattern, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			read_conf(l, root, found.gl_pathv[i] + skip);
		globfree(&found);
	}
	free(pattern);
}
