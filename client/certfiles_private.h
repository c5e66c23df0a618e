/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between certfiles.c, certfiles_nginx.c and certfiles_renewal.c. */
#ifndef CLIENT_CERTFILES_PRIVATE_H
#define CLIENT_CERTFILES_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"
#include "model/cert.h"

/* Whole regular file below root (NULL = none) into *out, which the caller releases (wipes, where a
 * key may be in it). False: *error is an errno, EINVAL = no regular file, EFBIG = over max bytes;
 * *out needs no release. */
bool certfiles_load(const char *root, const char *path, size_t max, struct buf *out, int *error);
/* Each ssl_certificate of nginx's configuration. */
void certfiles_find_nginx(
	const char *root, void (*found)(void *arg, const char *path), void *arg);
void certfiles_read_certbot(struct certlist *l, const char *root); /* renewal configurations */
/* certbot's log, 0 the newest. False when there is no need to look further back. */
bool certfiles_read_log(struct certlist *l, const char *root, int number);

/* A piece of a text file. */
struct text {
	const char *s;
	size_t len;
};
bool text_next_line(
	struct text *rest, struct text *line); /* without its end; false when there is none */
struct text text_trim(struct text t);
bool text_split(
	struct text line, struct text *key, struct text *value); /* "key = value", "KEY=value" */
bool text_is(struct text t, const char *word);

/* Pure parts. */
/* Paths of ssl_certificate and include directives of one configuration text; fn is called with
 * each. */
void nginx_scan(const char *text, size_t len,
	void (*fn)(void *arg, bool is_include, const char *path), void *arg);
/* How certbot's last run ended for each lineage: fills state, reason and last of l's certbot
 * renewals. */
bool certbot_log_scan(
	struct certlist *l, const char *text, size_t len); /* false: nothing of a renewal in it */
/* One renewal/NAME.conf. */
void certbot_conf_scan(struct renewal *r, const char *text, size_t len);
/* `systemctl show -p …` output: KEY=VALUE lines. */
void certbot_timer_scan(struct certlist *l, const char *text, size_t len);

#endif
