/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Building and tearing down what console and verbs share. */
#include "app/app.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/gateway_watch.h"
#include "app/near.h"
#include "app/places.h"
#include "app/watch.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"

const char *snap_words(enum snap s)
{
	static const char *const words[SNAP_COUNT] = {
#define SNAP_WORDS(id, text, cap) [SNAP_BIT_##id] = text,
		SNAP_INFO(SNAP_WORDS)
#undef SNAP_WORDS
	};

	return words[s];
}

static void set_string(char **field, const char *value)
{
	if (!value)
		return;
	free(*field);
	*field = xstrdup(value);
}

/* Options over environment over the profile of the configuration. */
static bool choose_profile(struct app *a, struct err *err)
{
	const struct app_options *o = &a->options;
	const char *name = o->profile ? o->profile : getenv("STALWARDEN_PROFILE");
	const struct profile *found = config_profile(&a->config, name);

	if (name && name[0] && !found)
		return err_set(err, ERR_USAGE, "there is no profile \"%s\" in the configuration", name);
	profile_init(&a->profile);
	if (found)
		profile_copy(&a->profile, found);
	else
		set_string(&a->profile.name, "default");
	set_string(&a->profile.url, o->url ? o->url : getenv("STALWARDEN_URL"));
	set_string(&a->profile.user, o->user ? o->user : getenv("STALWARDEN_USER"));
	set_string(&a->profile.dialect, o->dialect);
	set_string(&a->profile.log_source, o->log_source);
	set_string(&a->profile.ca_file, o->cacert);
	a->profile.read_only = a->profile.read_only || o->read_only;
	a->profile.insecure = a->profile.insecure || o->insecure;
	if (o->timeout_ms > 0)
		a->profile.timeout_ms = o->timeout_ms;
	if (a->config.refresh_ms > 0 && (!found || a->profile.refresh_ms <= 0))
		a->profile.refresh_ms = a->config.refresh_ms;
	return true;
}

static void find_state_dir(struct app *a)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (a->options.state_dir)
		snprintf(a->state_dir, sizeof(a->state_dir), "%s", a->options.state_dir);
	else if (xdg && xdg[0] == '/')
		snprintf(a->state_dir, sizeof(a->state_dir), "%s/stalwarden", xdg);
	else
		snprintf(a->state_dir, sizeof(a->state_dir), "%s/.local/state/stalwarden",
			home && home[0] ? home : "/root");
}

/* mkdir -p; what exists keeps its mode. */
static void make_dirs(const char *path)
{
	char part[4096];

	for (const char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)(p - path), path);
		(void)mkdir(part, 0700);
	}
}

static void open_store(struct app *a)
{
	struct store_options so = { .dir = a->state_dir };

	if (a->options.no_store)
		return;
	make_dirs(a->state_dir);
	so.busy_ms = 2000; /* others may be making it, or closing it */
	a->store = store_open(&so, &a->store_err);
	store_patience(a->store, 50);
}

static void name_operator(struct app *a)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *login = pw ? pw->pw_name : "unknown", *sudo = getenv("SUDO_USER");
	struct buf b = BUF_INIT;
	char ssh[NET_BUF];

	buf_adds(&b, login);
	if (sudo && sudo[0]) {
		buf_adds(&b, " (SUDO_USER ");
		text_safe(&b, sudo, strnlen(sudo, 64), TEXT_LINE);
		buf_adds(&b, ")");
	}
	if (a->host.ssh_client.family)
		buf_addf(&b, " from %s", net_format(&a->host.ssh_client, ssh, sizeof(ssh)));
	snprintf(a->operator_name, sizeof(a->operator_name), "%s", buf_str(&b));
	text_safe_str(
		a->login, sizeof(a->login), sudo && sudo[0] ? sudo : login, strlen(sudo && sudo[0] ? sudo : login));
	buf_release(&b);
}

/* ---- hooks of the session ---- */

/* Written only when it is news: most calls find the server as the one before did. */
static void remember_server(struct app *a)
{
	struct buf now = BUF_INIT, before = BUF_INIT;

	if (a->store && session_remember(a->session, &now)) {
		store_recall(a->store, a->profile.name, STORE_KEY_SERVER, &before, NULL);
		if (strcmp(buf_str(&now), buf_str(&before)) != 0)
			store_remember(a->store, a->profile.name, STORE_KEY_SERVER, buf_str(&now), NULL);
	}
	buf_release(&now);
	buf_release(&before);
}

static void on_session_changed(void *arg)
{
	struct app *a = arg;

	remember_server(a);
	app_notify(a, 0);
}

static void on_trace(void *arg, const char *method, const char *path, int status, int64_t ms, size_t bytes, const char *error)
{
	struct app *a = arg;
	char *line = a->log[a->log_at++ % ARRAY_LEN(a->log)];

	if (status)
		snprintf(line, sizeof(a->log[0]), "%s %.90s %d %lld ms %zu B", method, path, status, (long long)ms,
			bytes);
	else
		snprintf(line, sizeof(a->log[0]), "%s %.60s no answer after %lld ms: %.60s", method, path,
			(long long)ms, error ? error : "");
	if (a->trace)
		a->trace(a->trace_arg, line);
}

static bool on_rescue_save(void *arg, const char *text, struct err *err)
{
	struct app *a = arg;

	if (!a->store)
		return err_set(err, ERR_IO, "no store to keep the other entries in: %s", a->store_err.msg);
	return store_rescue_put(a->store, a->profile.name, "entries that a prefix delete takes along", text,
		strlen(text), &a->rescue_id, err);
}

static void on_rescue_clear(void *arg)
{
	struct app *a = arg;

	if (a->rescue_id)
		store_rescue_clear(a->store, a->rescue_id, NULL);
	a->rescue_id = 0;
}

static void make_session(struct app *a)
{
	struct session_hooks hooks = { .arg = a,
		.changed = on_session_changed,
		.trace = on_trace,
		.rescue_save = on_rescue_save,
		.rescue_clear = on_rescue_clear };
	struct buf found = BUF_INIT;

	a->session = session_new(a->loop, &a->profile, &hooks);
	if (a->store && store_recall(a->store, a->profile.name, STORE_KEY_SERVER, &found, NULL))
		session_recall(a->session, buf_str(&found));
	buf_release(&found);
}

bool app_init(struct app *a, struct loop *loop, const struct app_options *options, struct err *err)
{
	memset(a, 0, sizeof(*a));
	a->loop = loop;
	a->options = *options;
	scope_init(&a->scope);
	for (int i = 0; i < SNAP_COUNT; i++)
		a->snap.fetched[i] = TIME_NONE, a->snap.asked[i] = INT64_MIN / 2;
	if (!config_load(&a->config, options->config_file, err) || !choose_profile(a, err))
		return false;
	find_state_dir(a);
	host_gather(&a->host, getenv("STALWARDEN_ROOT") ? getenv("STALWARDEN_ROOT") : "");
	name_operator(a);
	open_store(a);
	places_open(a);
	make_session(a);
	return true;
}

void app_release(struct app *a)
{
	watch_end(a);
	scope_cancel(&a->scope);
	gateway_watch_release(a);
	near_watch_release(a);
	timer_stop(&a->poll);
	names_release(a);
	if (a->session)
		session_free(a->session);
	snapshot_release(&a->snap);
	store_close(a->store);
	places_close(a);
	host_release(&a->host);
	profile_release(&a->profile);
	config_release(&a->config);
}

bool app_remake_session(struct app *a, struct err *err)
{
	(void)err;
	session_free(a->session);
	make_session(a);
	return true;
}

void app_connect(struct app *a)
{
	session_connect(a->session);
}

bool app_switch(struct app *a, const char *profile, struct err *err)
{
	if (!config_profile(&a->config, profile))
		return err_set(err, ERR_USAGE, "there is no profile \"%s\"", profile);
	watch_end(a);
	scope_cancel(&a->scope);
	gateway_watch_release(a);
	near_watch_release(a);
	a->runs = 0;
	a->resume_next = 0;
	a->served_count = 0;
	names_release(a);
	session_free(a->session);
	snapshot_release(&a->snap);
	for (int i = 0; i < SNAP_COUNT; i++)
		a->snap.fetched[i] = TIME_NONE, a->snap.asked[i] = INT64_MIN / 2;
	profile_release(&a->profile);
	a->options.profile = profile;
	a->options.url = a->options.user = a->options.dialect = a->options.log_source = a->options.cacert = NULL;
	a->options.endpoint_count = a->options.cert_file_count = 0;
	if (!choose_profile(a, err))
		return false;
	places_open(a);
	make_session(a);
	app_notify(a, 0);
	return true;
}

bool app_can(const struct app *a, unsigned caps, struct err *err)
{
	static const enum err_code codes[] = { [CAP_NO_GENERATION] = ERR_UNSUPPORTED,
		[CAP_NO_PERMISSION] = ERR_PERMISSION,
		[CAP_NO_READ_ONLY] = ERR_GUARD };
	const struct server_info *s = session_server(a->session);

	for (int i = 0; i < CAP_BIT_COUNT; i++)
		if (caps & 1u << i && s->caps[i] > CAP_UNTESTED)
			return err_set(err, codes[s->caps[i]], "can't %s: %s", cap_words((enum cap_bit)i),
				server_lacks(s, 1u << i));
	return true;
}

bool app_is_writable(const struct app *a, const char **why)
{
	if (!a->profile.read_only)
		return true;
	if (why)
		*why = a->options.read_only ? "read-only: started with --read-only" : "read-only: the profile says read_only = true";
	return false;
}
