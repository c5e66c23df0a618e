/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When certbot runs next and how its service ended: `systemctl show` in a child, in the format of
 * systemd 252. Where there is no systemd nothing is known, and nothing is wrong. It must not know
 * files. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/certfiles.h"
#include "client/certfiles_private.h"
#include "core/mem.h"

#define TIMER_LIMIT_MS 3000
#define ANSWER_MAX     (64 * 1024)

bool text_next_line(struct text *rest, struct text *line)
{
	const char *nl;

	if (!rest->len)
		return false;
	nl = memchr(rest->s, '\n', rest->len);
	line->s = rest->s;
	line->len = nl ? (size_t)(nl - rest->s) : rest->len;
	rest->s += line->len + (nl ? 1 : 0);
	rest->len -= line->len + (nl ? 1 : 0);
	return true;
}

struct text text_trim(struct text t)
{
	while (t.len && isspace((unsigned char)t.s[0]))
		t.s++, t.len--;
	while (t.len && isspace((unsigned char)t.s[t.len - 1]))
		t.len--;
	return t;
}

bool text_split(struct text line, struct text *key, struct text *value)
{
	const char *eq = memchr(line.s, '=', line.len);

	if (!eq)
		return false;
	*key = text_trim((struct text){line.s, (size_t)(eq - line.s)});
	*value = text_trim((struct text){eq + 1, (size_t)(line.s + line.len - eq - 1)});
	return true;
}

bool text_is(struct text t, const char *word)
{
	return t.len == strlen(word) && !memcmp(t.s, word, t.len);
}

/* "Sat 2026-11-21 03:17:00 UTC" (TZ=UTC is set for the child); "" and "n/a" are none. */
static int64_t stamp_of(struct text v)
{
	struct tm tm = {0};
	char s[64];
	const char *end;

	if (v.len >= sizeof(s))
		return TIME_NONE;
	memcpy(s, v.s, v.len);
	s[v.len] = '\0';
	end = strptime(s, "%a %Y-%m-%d %H:%M:%S", &tm);
	return end && !strcmp(end, " UTC") ? (int64_t)timegm(&tm) * 1000 : TIME_NONE;
}

struct unit {
	bool is_timer, loaded, active, failed;
	char result[64];
	int64_t next, last, ended;
};

struct answer {
	bool timer_known, timer_active;
	struct unit service; /* certbot.service, or the snap's */
	int64_t next, last;
};

static void unit_reset(struct unit *u)
{
	*u = (struct unit){.next = TIME_NONE, .last = TIME_NONE, .ended = TIME_NONE};
}

static void unit_set(struct unit *u, struct text key, struct text value)
{
	if (text_is(key, "Id"))
		u->is_timer = value.len > 6 && !memcmp(value.s + value.len - 6, ".timer", 6);
	else if (text_is(key, "LoadState"))
		u->loaded = text_is(value, "loaded");
	else if (text_is(key, "ActiveState"))
		u->active = text_is(value, "active");
	else if (text_is(key, "NextElapseUSecRealtime"))
		u->next = stamp_of(value);
	else if (text_is(key, "LastTriggerUSec"))
		u->last = stamp_of(value);
	else if (text_is(key, "ExecMainExitTimestamp"))
		u->ended = stamp_of(value);
	else if (text_is(key, "Result"))
		snprintf(u->result, sizeof(u->result), "%.*s",
			(int)(value.len > 60 ? 60 : value.len), value.s);
}

static void answer_add(struct answer *a, const struct unit *u)
{
	if (!u->loaded)
		return;
	if (!u->is_timer) {
		if (u->ended != TIME_NONE)
			a->service = *u;
		return;
	}
	a->timer_known = true;
	a->timer_active |= u->active;
	if (u->active && u->next != TIME_NONE && (a->next == TIME_NONE || u->next < a->next))
		a->next = u->next;
	if (u->last != TIME_NONE && u->last > a->last) /* TIME_NONE is the least */
		a->last = u->last;
}

/* The log knows more, but often only root may read it. */
static void apply_service(struct renewal *r, const struct unit *service)
{
	char *reason;

	if (r->state != RENEWAL_UNKNOWN || service->ended == TIME_NONE)
		return;
	r->last = service->ended;
	r->state = strcmp(service->result, "success") ? RENEWAL_FAILED : RENEWAL_OK;
	if (r->state == RENEWAL_OK)
		return;
	reason = xasprintf("certbot.service: %s (its log is not readable here)", service->result);
	cert_set_text(&r->reason, reason, SIZE_MAX);
	free(reason);
}

void certbot_timer_scan(struct certlist *l, const char *text, size_t len)
{
	struct text rest = {text, len}, line, key, value;
	struct answer a = {.next = TIME_NONE, .last = TIME_NONE};
	struct unit u;

	unit_reset(&a.service);
	unit_reset(&u);
	while (text_next_line(&rest, &line)) {
		line = text_trim(line);
		if (!line.len) { /* a blank line between units */
			answer_add(&a, &u);
			unit_reset(&u);
		} else if (text_split(line, &key, &value)) {
			unit_set(&u, key, value);
		}
	}
	answer_add(&a, &u);
	for (size_t i = 0; i < l->renewal_count; i++) {
		struct renewal *r = l->renewals[i];

		if (r->by != RENEWER_CERTBOT)
			continue;
		r->timer_known = a.timer_known;
		r->timer_active = a.timer_active;
		r->next = a.next;
		if (r->last == TIME_NONE)
			r->last = a.last;
		apply_service(r, &a.service);
	}
}

struct ask {
	struct scope_item item;
	struct loop *loop;
	struct certlist *list;
	certfiles_timer_fn fn;
	void *arg;
	pid_t pid;
	int fd;
	struct buf out;
	struct timer limit;
};

static void close_pipe(struct ask *a)
{
	if (a->fd < 0)
		return;
	loop_fd_remove(a->loop, a->fd);
	close(a->fd);
	a->fd = -1;
}

static void ask_free(struct ask *a)
{
	scope_remove(&a->item);
	timer_stop(&a->limit);
	if (a->pid > 0) {
		loop_forget_child(a->loop, a->pid);
		kill(a->pid, SIGKILL);
	}
	close_pipe(a);
	buf_release(&a->out);
	free(a);
}

static void ask_cancel(struct scope_item *item)
{
	ask_free(container_of(item, struct ask, item));
}

static void ask_end(struct loop *loop, void *arg)
{
	struct ask *a = arg;
	certfiles_timer_fn fn = a->fn;
	struct certlist *list = a->list;
	void *fn_arg = a->arg;

	(void)loop;
	ask_free(a);
	fn(list, fn_arg);
}

static bool read_some(struct ask *a)
{
	char chunk[4096];
	ssize_t n;

	do {
		n = read(a->fd, chunk, sizeof(chunk));
		if (n > 0)
			buf_add(&a->out, chunk, (size_t)n);
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 && errno == EAGAIN;
}

static void on_output(struct loop *loop, int fd, unsigned events, void *arg)
{
	struct ask *a = arg;

	(void)loop;
	(void)fd;
	(void)events;
	if (!read_some(a))
		close_pipe(a);
}

static void on_exit_of_child(struct loop *loop, pid_t pid, int status, void *arg)
{
	struct ask *a = arg;

	(void)pid;
	a->pid = 0;
	if (a->fd >= 0)
		read_some(a);
	if (!status)
		certbot_timer_scan(a->list, buf_str(&a->out), a->out.len);
	ask_end(loop, a);
}

void certfiles_ask_timer(struct loop *loop, struct certlist *list, struct scope *owner,
	certfiles_timer_fn fn, void *arg)
{
	static const char *const drop[] = {"STALWARDEN_PASSWORD", "STALWARDEN_TOKEN", NULL};
	static char *argv[] = {"env", "TZ=UTC", "LC_ALL=C", "systemctl", "show", "-p", "Id", "-p",
		"LoadState", "-p", "ActiveState", "-p", "NextElapseUSecRealtime", "-p",
		"LastTriggerUSec", "-p", "Result", "-p", "ExecMainExitTimestamp", "certbot.timer",
		"snap.certbot.renew.timer", "certbot.service", "snap.certbot.renew.service", NULL};
	struct ask *a = xcalloc(1, sizeof(*a));

	a->loop = loop;
	a->list = list;
	a->fn = fn;
	a->arg = arg;
	buf_init(&a->out, ANSWER_MAX);
	scope_add(owner, &a->item, ask_cancel);
	a->pid = loop_spawn(loop, argv, drop, true, &a->fd, on_exit_of_child, a, NULL);
	if (a->pid <= 0) {
		a->pid = 0;
		a->fd = -1;
		timer_start(loop, &a->limit, 0, NULL, ask_end, a);
		return;
	}
	loop_fd_set(loop, a->fd, LOOP_READ, on_output, a);
	timer_start(loop, &a->limit, TIMER_LIMIT_MS, NULL, ask_end, a);
}
