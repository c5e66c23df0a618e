/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the secret comes from when nobody has to be asked: environment, command, file, netrc. Never an argument. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "client/secret.h"
#include "core/buf.h"
#include "core/mem.h"

/* "https://mail.example.org:8443/x" -> "mail.example.org" */
void url_host(const char *url, char *out, size_t size)
{
	const char *at = strstr(url, "://"), *end;

	at = at ? at + 3 : url;
	if (*at == '[') {
		end = strchr(++at, ']');
		end = end ? end : at + strlen(at);
	} else {
		end = at + strcspn(at, ":/?#");
	}
	snprintf(out, size, "%.*s", (int)(end - at), at);
}

bool app_secret_give(struct app *a, const char *user, const char *secret, struct err *err)
{
	bool is_key = !strncmp(secret, "api_", 4) && secret_check(secret, strlen(secret), true, NULL);

	return session_set_secret(a->session, user, secret, is_key, err);
}

/* Copied out and removed, so that no child inherits it. */
static bool take_env(const char *name, struct buf *out)
{
	const char *value = getenv(name);

	if (!value || !value[0])
		return false;
	buf_adds(out, value);
	explicit_bzero((char *)(uintptr_t)value, strlen(value));
	unsetenv(name);
	return true;
}

static int from_netrc(struct app *a, struct buf *secret, struct err *err)
{
	struct err why = ERR_INIT;
	char host[256];

	url_host(a->profile.url, host, sizeof(host));
	if (!secret_netrc(host, a->profile.user, secret, &why)) {
		if (why.code == ERR_NOT_FOUND)
			return 0;
		err_set(err, why.code, "%s", why.msg);
		return -1;
	}
	return app_secret_give(a, a->profile.user, buf_str(secret), err) ? 1 : -1;
}

int app_secret_find(struct app *a, struct err *err)
{
	struct buf secret = BUF_INIT, token = BUF_INIT;
	bool has_token = take_env("STALWARDEN_TOKEN", &token), has_password = take_env("STALWARDEN_PASSWORD", &secret);
	int found = 0;

	if (has_token)
		found = session_set_secret(a->session, a->profile.user, buf_str(&token), true, err) ? 1 : -1;
	else if (has_password)
		found = app_secret_give(a, a->profile.user, buf_str(&secret), err) ? 1 : -1;
	else if (a->profile.password_file)
		found = secret_file_read(a->profile.password_file, &secret, err) && app_secret_give(a, a->profile.user, buf_str(&secret), err) ? 1 : -1;
	else if (a->profile.password)
		found = app_secret_give(a, a->profile.user, a->profile.password, err) ? 1 : -1;
	else if (a->profile.use_netrc && a->profile.url)
		found = from_netrc(a, &secret, err);
	buf_wipe(&secret);
	buf_wipe(&token);
	return found;
}

struct command_wait {
	struct app *app;
	void (*done)(void *arg, bool ok, const struct err *err);
	void *arg;
};

static void command_done(void *arg, const char *secret, const struct err *err)
{
	struct command_wait w = *(struct command_wait *)arg;
	struct err why = ERR_INIT;
	bool ok = secret && app_secret_give(w.app, w.app->profile.user, secret, &why);

	if (!secret)
		why = *err;
	free(arg);
	w.done(w.arg, ok, &why);
}

bool app_secret_command(struct app *a, void (*done)(void *arg, bool ok, const struct err *err), void *arg)
{
	struct command_wait *w;

	if (!a->profile.password_command)
		return false;
	w = xmalloc(sizeof(*w));
	*w = (struct command_wait){ a, done, arg };
	secret_command_run(a->loop, a->profile.password_command, &a->scope, command_done, w);
	return true;
}
