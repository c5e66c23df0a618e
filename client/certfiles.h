/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Certificates on this host's disk and who renews them: /etc/letsencrypt, configured globs, nginx's
 * configuration, certbot's timer and its last log. Only reads what is readable; never needs root,
 * never opens a private key on purpose. */
#ifndef CLIENT_CERTFILES_H
#define CLIENT_CERTFILES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/loop.h"
#include "core/scope.h"
#include "model/cert.h"

struct certfiles_options {
	const char *root; /* put before every path, globs included; NULL or "" = the real one */
	const char *const *globs; /* configured: PEM or DER files */
	size_t glob_count;
	const struct certlist *stored; /* files that its macros name are read too; may be NULL */
};

/* Reads what is on disk (files, renewal configurations, nginx, certbot's log) piece by piece, for a
 * log may be long and a glob wide: rows of source CERT_FILE, and renewals. Options need not stay. */
struct certfiles_reader;
struct certfiles_reader *certfiles_begin(const struct certfiles_options *o);
bool certfiles_step(struct certfiles_reader *r); /* one file; false when all is read */
struct certlist *certfiles_end(struct certfiles_reader *r); /* what was read, the caller's; frees r */
void certfiles_read(struct certlist *out, const struct certfiles_options *o); /* all at once */
/* A stored row whose value is a file macro: fills it from that file where it can be read, else
 * row->error says why not. */
void certfiles_fill_macro(struct cert *stored, const char *root);

typedef void (*certfiles_timer_fn)(struct certlist *list, void *arg);
/* Asks `systemctl show certbot.timer` (a child, at most 3 s; absent is fine) and fills the certbot
 * renewals of list, which must outlive the question; then fn. fn is always called once, from the
 * loop, unless the scope is cancelled first. */
void certfiles_ask_timer(struct loop *loop, struct certlist *list, struct scope *owner,
	certfiles_timer_fn fn, void *arg);

#endif
