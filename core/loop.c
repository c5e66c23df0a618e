/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one wait. Knows fds, timers and signals, not what they are for. Children are in loop_child.c.
 */
#include "core/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop_private.h"
#include "core/mem.h"

/* Interest in one fd; indexed by the fd. */
struct watch {
	unsigned events; /* 0: none */
	uint64_t serial; /* changes when another owner takes the fd, so that an old answer of poll()
			    is not his */
	loop_fd_fn fn;
	void *arg;
};

/* What poll() is asked, and for whom. */
struct asked {
	int fd;
	uint64_t serial;
};

struct signal_row {
	loop_signal_fn fn;
	void *arg;
	bool installed;
};

struct loop {
	struct watch *watch;
	size_t watch_cap;
	size_t watch_end; /* one past the highest fd ever watched */
	struct pollfd *poll;
	size_t poll_cap;
	struct asked *asked; /* parallel to poll */
	size_t asked_cap;
	struct timer **heap; /* by due, then by order of arming */
	size_t heap_len, heap_cap;
	uint64_t serial;
	struct signal_row signals[NSIG];
	bool watch_children;
	struct loop_child *children;
	loop_fn before_wait;
	void *before_wait_arg;
	bool stopped, in_turn;
	uint64_t wakeups;
	int64_t longest_ms, handler_since;
};

/* Signal handlers have no argument: these are all they touch. One loop per process. */
static int signal_pipe[2] = {-1, -1};
static volatile sig_atomic_t signal_pending[NSIG];

static void on_signal(int signo)
{
	int saved = errno;
	ssize_t n;

	signal_pending[signo] = 1;
	n = write(signal_pipe[1], "", 1); /* full: a wake-up is on its way already */
	(void)n;
	errno = saved;
}

struct loop *loop_new(void)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	if (signal_pipe[0] < 0 && pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
		die("cannot make a pipe: %s", strerror(errno));
	return loop;
}

void loop_free(struct loop *loop)
{
	int signo;

	if (!loop)
		return;
	while (loop->heap_len)
		timer_stop(loop->heap[0]);
	loop_free_children(loop);
	loop->watch_children = false;
	for (signo = 1; signo < NSIG; signo++) {
		if (loop->signals[signo].installed)
			loop_on_signal(loop, signo, NULL, NULL);
		signal_pending[signo] = 0;
	}
	close(signal_pipe[0]);
	close(signal_pipe[1]);
	signal_pipe[0] = signal_pipe[1] = -1;
	free(loop->watch);
	free(loop->poll);
	free(loop->asked);
	free(loop->heap);
	free(loop);
}

void loop_handler_begins(struct loop *loop)
{
	loop->handler_since = clock_mono();
}

void loop_handler_ends(struct loop *loop)
{
	int64_t took = clock_mono() - loop->handler_since;

	if (took > loop->longest_ms)
		loop->longest_ms = took;
}

/* --- fds --- */

void loop_fd_set(struct loop *loop, int fd, unsigned events, loop_fd_fn fn, void *arg)
{
	struct watch *w;
	size_t old_cap = loop->watch_cap;

	events &= LOOP_READ | LOOP_WRITE | LOOP_ERROR;
	if (fd < 0)
		return;
	if (!events || !fn) {
		loop_fd_remove(loop, fd);
		return;
	}
	xgrow(&loop->watch, &loop->watch_cap, (size_t)fd + 1, sizeof(*loop->watch));
	if (loop->watch_cap > old_cap)
		memset(loop->watch + old_cap, 0,
			(loop->watch_cap - old_cap) * sizeof(*loop->watch));
	if ((size_t)fd >= loop->watch_end)
		loop->watch_end = (size_t)fd + 1;
	w = &loop->watch[fd];
	if (!w->events || w->fn != fn || w->arg != arg)
		w->serial = ++loop->serial;
	w->events = events;
	w->fn = fn;
	w->arg = arg;
}

void loop_fd_remove(struct loop *loop, int fd)
{
	if (fd >= 0 && (size_t)fd < loop->watch_end)
		loop->watch[fd] = (struct watch){0};
}

static void poll_ask(struct loop *loop, size_t at, int fd, short events, uint64_t serial)
{
	xgrow(&loop->poll, &loop->poll_cap, at + 1, sizeof(*loop->poll));
	xgrow(&loop->asked, &loop->asked_cap, at + 1, sizeof(*loop->asked));
	loop->poll[at] = (struct pollfd){.fd = fd, .events = events};
	loop->asked[at] = (struct asked){fd, serial};
}

/* Row 0 is the signal pipe. */
static size_t poll_build(struct loop *loop)
{
	size_t n = 0, fd;

	poll_ask(loop, n++, signal_pipe[0], POLLIN, 0);
	for (fd = 0; fd < loop->watch_end; fd++) {
		const struct watch *w = &loop->watch[fd];
		short events = 0;

		if (!w->events)
			continue;
		if (w->events & LOOP_READ)
			events |= POLLIN;
		if (w->events & LOOP_WRITE)
			events |= POLLOUT;
		poll_ask(loop, n++, (int)fd, events, w->serial);
	}
	return n;
}

/* A hang-up or an error also counts as readable and writable: reading or writing is how the owner
 * learns of it. */
static unsigned ready_events(short revents, unsigned interest)
{
	unsigned ready = 0;

	if (revents & (POLLHUP | POLLERR | POLLNVAL))
		ready |= LOOP_ERROR | (interest & (LOOP_READ | LOOP_WRITE));
	if (revents & POLLIN)
		ready |= LOOP_READ;
	if (revents & POLLOUT)
		ready |= LOOP_WRITE;
	return ready & (interest | LOOP_ERROR);
}

static void dispatch_fd(struct loop *loop, const struct asked *asked, short revents)
{
	struct watch w = {0};
	unsigned ready;

	if ((size_t)asked->fd < loop->watch_end)
		w = loop->watch[asked->fd];
	if (!w.events || w.serial != asked->serial)
		return;
	ready = ready_events(revents, w.events);
	if (!ready)
		return;
	if (revents & POLLNVAL) /* closed behind our back: asking again would spin */
		loop_fd_remove(loop, asked->fd);
	loop_handler_begins(loop);
	w.fn(loop, asked->fd, ready, w.arg);
	loop_handler_ends(loop);
}

/* --- timers: a binary heap --- */

static bool timer_before(const struct timer *a, const struct timer *b)
{
	return a->due != b->due ? a->due < b->due : a->serial < b->serial;
}

static void heap_put(struct loop *loop, size_t slot, struct timer *t)
{
	loop->heap[slot] = t;
	t->slot = slot;
}

static void heap_up(struct loop *loop, size_t slot, struct timer *t)
{
	while (slot > 0 && timer_before(t, loop->heap[(slot - 1) / 2])) {
		heap_put(loop, slot, loop->heap[(slot - 1) / 2]);
		slot = (slot - 1) / 2;
	}
	heap_put(loop, slot, t);
}

static void heap_down(struct loop *loop, size_t slot, struct timer *t)
{
	for (;;) {
		size_t child = slot * 2 + 1;

		if (child >= loop->heap_len)
			break;
		if (child + 1 < loop->heap_len &&
			timer_before(loop->heap[child + 1], loop->heap[child]))
			child++;
		if (!timer_before(loop->heap[child], t))
			break;
		heap_put(loop, slot, loop->heap[child]);
		slot = child;
	}
	heap_put(loop, slot, t);
}

static void timer_cancelled(struct scope_item *item)
{
	timer_stop(container_of(item, struct timer, item));
}

void timer_start(
	struct loop *loop, struct timer *t, int64_t ms, struct scope *scope, loop_fn fn, void *arg)
{
	int64_t now = clock_mono();

	timer_stop(t);
	if (ms < 0)
		ms = 0;
	t->loop = loop;
	t->due = ms > INT64_MAX - now ? INT64_MAX : now + ms;
	t->serial = ++loop->serial;
	t->scope = scope;
	t->fn = fn;
	t->arg = arg;
	xgrow(&loop->heap, &loop->heap_cap, loop->heap_len + 1, sizeof(*loop->heap));
	loop->heap_len++;
	heap_up(loop, loop->heap_len - 1, t);
	scope_add(scope, &t->item, timer_cancelled);
}

void timer_stop(struct timer *t)
{
	struct loop *loop = t->loop;
	struct timer *moved;

	scope_remove(&t->item);
	if (!loop)
		return;
	t->loop = NULL;
	moved = loop->heap[--loop->heap_len];
	if (moved == t)
		return;
	if (t->slot > 0 && timer_before(moved, loop->heap[(t->slot - 1) / 2]))
		heap_up(loop, t->slot, moved);
	else
		heap_down(loop, t->slot, moved);
}

bool timer_is_armed(const struct timer *t)
{
	return t->loop != NULL;
}

/* Fires what is due, except what was armed after `limit`: a timer of 0 ms that re-arms itself must
 * not keep the fds waiting. */
static void dispatch_timers(struct loop *loop, uint64_t limit)
{
	int64_t now = clock_mono();

	while (loop->heap_len && !loop->stopped) {
		struct timer *t = loop->heap[0];

		if (t->due > now || t->serial > limit)
			break;
		timer_stop(t);
		loop_handler_begins(loop);
		t->fn(loop, t->arg);
		loop_handler_ends(loop);
	}
}

/* --- signals --- */

void loop_on_signal(struct loop *loop, int signo, loop_signal_fn fn, void *arg)
{
	struct signal_row *row;
	struct sigaction action = {.sa_flags = SA_RESTART};

	if (signo <= 0 || signo >= NSIG)
		return;
	row = &loop->signals[signo];
	row->fn = fn;
	row->arg = arg;
	row->installed = fn || (signo == SIGCHLD && loop->watch_children);
	action.sa_handler = row->installed ? on_signal : SIG_DFL;
	sigfillset(&action.sa_mask);
	sigaction(signo, &action, NULL);
}

void loop_watch_children(struct loop *loop)
{
	if (loop->watch_children)
		return;
	loop->watch_children = true;
	loop_on_signal(loop, SIGCHLD, loop->signals[SIGCHLD].fn, loop->signals[SIGCHLD].arg);
}

static void dispatch_signals(struct loop *loop)
{
	char drain[256];
	int signo;

	while (read(signal_pipe[0], drain, sizeof(drain)) > 0)
		;
	for (signo = 1; signo < NSIG && !loop->stopped; signo++) {
		struct signal_row row = loop->signals[signo];

		if (!signal_pending[signo])
			continue;
		signal_pending[signo] = 0;
		if (signo == SIGCHLD)
			loop_reap_children(loop);
		if (!row.fn)
			continue;
		loop_handler_begins(loop);
		row.fn(loop, signo, row.arg);
		loop_handler_ends(loop);
	}
}

/* --- turns --- */

struct loop_child **loop_children(struct loop *loop)
{
	return &loop->children;
}

void loop_before_wait(struct loop *loop, loop_fn fn, void *arg)
{
	loop->before_wait = fn;
	loop->before_wait_arg = arg;
}

static int wait_ms(const struct loop *loop, int64_t max_wait_ms)
{
	int64_t ms = max_wait_ms < 0 ? INT64_MAX : max_wait_ms;

	if (loop->heap_len) {
		int64_t left = loop->heap[0]->due - clock_mono();

		if (left < 0)
			left = 0;
		if (left < ms)
			ms = left;
	}
	if (ms == INT64_MAX)
		return -1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

static void turn(struct loop *loop, int64_t max_wait_ms)
{
	uint64_t limit;
	size_t n, i;
	int ready;

	if (loop->before_wait) {
		loop_handler_begins(loop);
		loop->before_wait(loop, loop->before_wait_arg);
		loop_handler_ends(loop);
	}
	if (loop->stopped)
		return;
	n = poll_build(loop);
	limit = loop->serial;
	ready = poll(loop->poll, (nfds_t)n, wait_ms(loop, max_wait_ms));
	loop->wakeups++;
	if (ready < 0 && errno != EINTR && errno != EAGAIN)
		die("poll: %s", strerror(errno));
	if (ready < 0 || loop->poll[0].revents)
		dispatch_signals(loop);
	for (i = 1; ready > 0 && i < n && !loop->stopped; i++)
		if (loop->poll[i].revents)
			dispatch_fd(loop, &loop->asked[i], loop->poll[i].revents);
	dispatch_timers(loop, limit);
}

bool loop_turn(struct loop *loop, int64_t max_wait_ms)
{
	if (loop->in_turn)
		die("the loop was entered from one of its own handlers");
	if (loop->stopped)
		return false;
	loop->in_turn = true;
	turn(loop, max_wait_ms);
	loop->in_turn = false;
	return !loop->stopped;
}

void loop_run(struct loop *loop)
{
	while (loop_turn(loop, -1))
		;
	loop->stopped = false;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

bool loop_is_stopped(const struct loop *loop)
{
	return loop->stopped;
}

uint64_t loop_wakeups(const struct loop *loop)
{
	return loop->wakeups;
}

int64_t loop_longest_ms(const struct loop *loop)
{
	return loop->longest_ms;
}

size_t loop_timer_count(const struct loop *loop)
{
	return loop->heap_len;
}
