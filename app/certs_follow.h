/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A renewal that was started, followed to its end: the server works on it by itself, and only the task tells what became of it. */
#ifndef APP_CERTS_FOLLOW_H
#define APP_CERTS_FOLLOW_H

#include "app/app.h"
#include "model/cert.h"

struct follow;
/* state: RENEWAL_OK done, FAILED, RETRY, NOT_DUE; PENDING when the time is over and the server still works on it; UNKNOWN with err when the
 * server could not be asked. r is borrowed, NULL when nothing is known. */
typedef void (*follow_fn)(void *arg, const struct renewal *r, const struct err *err);
/* Asks every half second for at most limit_ms. fn comes from the loop, once; never after follow_stop(). */
struct follow *follow_task(struct app *a, const char *task, int64_t limit_ms, follow_fn fn, void *arg);
void follow_hurry(struct follow *f); /* the next answer is the last */
void follow_stop(struct follow *f);  /* NULL is fine */

#endif
