/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one wait: poll(2), monotonic timers, signals by self-pipe, children, a before-wait hook for rendering.
 * Handlers may add, change or remove any fd or timer, also their own. Handlers must return within 10 ms; a turn
 * that takes longer is counted (loop_longest_ms). */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"
#include "core/scope.h"

enum loop_events { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_ERROR = 4 /* HUP or ERR; always reported */ };

struct loop;
typedef void (*loop_fd_fn)(struct loop *loop, int fd, unsigned events, void *arg);
typedef void (*loop_fn)(struct loop *loop, void *arg);
typedef void (*loop_signal_fn)(struct loop *loop, int signo, void *arg);
/* status is wait(2)'s */
typedef void (*loop_child_fn)(struct loop *loop, pid_t pid, int status, void *arg);

/* Embedded in its owner; zero-initialised means idle. */
struct timer {
	struct scope_item item; /* scope membership while armed */
	struct loop *loop;      /* NULL when idle */
	int64_t due;            /* clock_mono() ms */
	struct scope *scope;
	loop_fn fn;
	void *arg;
	uint64_t serial;        /* order of arming */
	size_t slot;            /* heap index */
};

struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* Sets the interest of fd; events 0 removes it. fn/arg replace what was there. A hang-up or an error comes as
 * LOOP_ERROR together with the interest, so that reading or writing finds out. An fd closed without having been removed
 * is reported once with LOOP_ERROR and dropped. */
void loop_fd_set(struct loop *loop, int fd, unsigned events, loop_fd_fn fn, void *arg);
void loop_fd_remove(struct loop *loop, int fd);

/* (Re)arms: fires once after ms (0 = next turn). scope may be NULL. The timer is idle when fn runs. */
void timer_start(struct loop *loop, struct timer *t, int64_t ms, struct scope *scope, loop_fn fn, void *arg);
void timer_stop(struct timer *t); /* harmless when idle */
bool timer_is_armed(const struct timer *t);

/* One handler per signal; fn NULL restores the default. Runs on the loop, not in signal context. */
void loop_on_signal(struct loop *loop, int signo, loop_signal_fn fn, void *arg);
/* Runs fn(arg) just before each wait. One hook. */
void loop_before_wait(struct loop *loop, loop_fn fn, void *arg);

/* Runs argv[0] (found in PATH, no shell) with stdin /dev/null, stdout to a pipe whose non-blocking read end is *out_fd
 * (caller registers and closes it), stderr inherited or /dev/null (quiet). env_drop: NULL-terminated names removed from
 * the child's environment. fn runs when the child has been reaped, which may be before its output has been read to the
 * end. -1 on failure, also when exec failed. Children that still run at loop_free() get SIGTERM. */
pid_t loop_spawn(struct loop *loop, char *const argv[], const char *const env_drop[], bool quiet, int *out_fd,
	loop_child_fn fn, void *arg, struct err *err);
void loop_forget_child(struct loop *loop, pid_t pid); /* still reaped, fn not called */

/* One turn: hook, wait at most max_wait_ms (-1 = until something is due), dispatch. False once stopped. */
bool loop_turn(struct loop *loop, int64_t max_wait_ms);
void loop_run(struct loop *loop); /* until loop_stop(), which it takes back: it may be called again */
void loop_stop(struct loop *loop);
bool loop_is_stopped(const struct loop *loop);

uint64_t loop_wakeups(const struct loop *loop);   /* returns from poll so far */
int64_t loop_longest_ms(const struct loop *loop); /* longest dispatch of one handler so far */
size_t loop_timer_count(const struct loop *loop); /* armed timers: a test waits for idle */

#endif
