/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gateways and proxies of this host, profile and server, and what is wrong with them: feeds model/gateway.h. */
#ifndef APP_GATEWAYS_H
#define APP_GATEWAYS_H

#include "app/app.h"
#include "app/plan.h"
#include "model/gateway.h"

/* facts borrow from app; release with gateway_facts_release(). */
void gateways_facts(struct app *a, struct gateway_facts *out);
void gateways_find(struct app *a, struct gateway_findings *out);
/* Who logs in from there, as far as the log told: false when that is nobody in particular. */
bool gateways_activity(struct app *a, const struct net *n, struct gateway_activity *out);
/* The lasting cure for this server and this address, for people, a few lines; *score may be NULL. */
void gateways_cure(struct app *a, const struct net *n, int *score, struct buf *out);
enum gateway_generation gateways_generation(const struct server_info *s);
/* One plan: un-block, allow, reset counters. n NULL = every finding that is an alarm. reason: for the journal, and with the entry; NULL =
 * "gateway". NULL and err (NOT_FOUND) when there is nothing to fix. */
struct plan *plan_gateway_fix(struct app *a, const struct net *n, const char *reason, struct err *err);
/* Names networks of a docker daemon, when `docker network inspect` answers, into host facts. done may be NULL. */
void gateways_ask_docker(struct app *a, void (*done)(void *arg), void *arg);

#endif
