/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What certificates a server had when they were seen last: one that vanishes (0.16 deletes an expired row at its load) can then be told
 * with what it was. */
#ifndef STORE_CERTS_H
#define STORE_CERTS_H

#include "model/cert_join.h"
#include "store/store.h"

#define CERTS_KEPT_MS (90 * CERT_DAY_MS) /* since it was seen last: what is gone so long is not missed */

/* Every name of the list's stored certificates, as seen at `now`; those of long ago are forgotten. server: its URL. */
bool certs_remember(struct store *s, const char *server, const struct certlist *list, int64_t now, struct err *err);
/* All names remembered, in their order. *rows and their strings are the caller's: certs_seen_free(). */
bool certs_recall(struct store *s, const char *server, struct cert_seen **rows, size_t *count, struct err *err);
void certs_seen_free(struct cert_seen *rows, size_t count);

#endif
