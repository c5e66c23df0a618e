/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A fresh machine with no configuration: does a server listen on this host's loopback? https on 443 first, then http on 8080; a connect is
 * all that is done. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/app.h"
#include "core/mem.h"

#define DISCOVER_MS 1000

static const struct {
	uint16_t port;
	const char *url;
} candidates[] = { { 443, "https://127.0.0.1" }, { 8080, "http://127.0.0.1:8080" } };

struct discovery {
	struct app *app;
	size_t at;
	int fd;
	struct timer timer;
	void (*done)(void *arg, bool ok);
	void *arg;
};

static void next(struct discovery *d);

static void end(struct discovery *d, const char *url)
{
	struct discovery copy = *d;

	timer_stop(&d->timer);
	free(d);
	if (url) {
		free(copy.app->profile.url);
		copy.app->profile.url = xstrdup(url);
	}
	copy.done(copy.arg, url != NULL);
}

static void drop(struct discovery *d)
{
	loop_fd_remove(d->app->loop, d->fd);
	close(d->fd);
	d->fd = -1;
}

static void answered(struct loop *loop, int fd, unsigned events, void *arg)
{
	struct discovery *d = arg;
	socklen_t size = sizeof(int);
	int error = 0;

	(void)loop, (void)events;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	drop(d);
	if (error == 0)
		end(d, candidates[d->at].url);
	else
		d->at++, next(d);
}

static void expired(struct loop *loop, void *arg)
{
	struct discovery *d = arg;

	(void)loop;
	if (d->fd >= 0)
		drop(d);
	d->at++;
	next(d);
}

static void next(struct discovery *d)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };

	if (d->at >= ARRAY_LEN(candidates)) {
		end(d, NULL);
		return;
	}
	sa.sin_port = htons(candidates[d->at].port);
	d->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	timer_start(d->app->loop, &d->timer, DISCOVER_MS, &d->app->scope, expired, d);
	if (d->fd < 0)
		return;
	if (connect(d->fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 && errno != EINPROGRESS) {
		close(d->fd);
		d->fd = -1;
		timer_start(d->app->loop, &d->timer, 0, &d->app->scope, expired, d);
		return;
	}
	loop_fd_set(d->app->loop, d->fd, LOOP_WRITE, answered, d);
}

void app_discover(struct app *a, void (*done)(void *arg, bool ok), void *arg)
{
	struct discovery *d = xcalloc(1, sizeof(*d));

	*d = (struct discovery){ .app = a, .fd = -1, .done = done, .arg = arg };
	timer_start(a->loop, &d->timer, 0, &a->scope, expired, d);
	d->at = (size_t)-1; /* expired() steps to the first */
}
