/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to dialect_config*.c: `/admin/config` of 0.5.3 - 0.6. */
#ifndef CLIENT_DIALECT_CONFIG_H
#define CLIENT_DIALECT_CONFIG_H

#include <jansson.h>

#include "client/dialect_pairs.h"

#define CONFIG_BASE "/admin/config/"
#define CONFIG_BLOCKED "server.security.blocked-networks."
#define CONFIG_PAIRS_MAX 2000 /* in one request */

struct dance;

/* What a cursor keeps: while an answer comes by, or through a dance. */
struct config_memo {
	struct pairs pairs;
	struct targets *targets;
	bool has_rate;
	char rate[80];
	struct dance *dance;
};

struct config_memo *config_memo(struct cursor *cur); /* makes it, or makes it ready for one more answer */
/* The pairs of a whole answer: borrowed of *doc, which is the caller's in any case. NULL: *err says why. */
json_t *config_pairs(const struct response *res, json_t **doc, struct err *err);
void config_post(struct request *req, json_t *pairs);
enum decode config_refuse(struct batch *b, enum err_code why, const char *text); /* every edit of the batch; DECODE_DONE */

/* dialect_config_dance.c: taking away an entry that no DELETE can name. */
bool config_dance_encode(struct batch *b, struct request *req);
enum decode config_dance_decode(struct batch *b, const struct response *res, struct err *err);
void config_dance_free(struct dance *d);
bool config_dance_next(const struct server *srv, struct batch *b, const struct entrylist *blocked);

#endif
