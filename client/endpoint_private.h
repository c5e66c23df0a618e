/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between endpoint_run.c, which owns runs, and endpoint_probe.c, which carries one probe through.
 */
#ifndef CLIENT_ENDPOINT_PRIVATE_H
#define CLIENT_ENDPOINT_PRIVATE_H

#include "client/endpoint.h"
#include "client/endpoint_lookup.h"
#include "client/endpoint_starttls.h"
#include "client/endpoint_tls.h"

struct run;

enum probe_state { PROBE_LOOKUP, PROBE_CONNECT, PROBE_TALK, PROBE_TLS, PROBE_DONE };

struct probe {
	struct run *run;
	struct endpoint ep;
	enum probe_state state;
	struct lookup *lookup; /* shared with probes of the same host */
	size_t next_address;
	int fd;                /* -1 = none */
	int64_t started, due;  /* clock_mono() ms */
	struct timer deadline; /* for all of it */
	struct timer attempt;  /* for one address, or for a greeting that need not come */
	struct starttls talk;
	struct endpoint_tls *tls;
	struct buf out;    /* to be sent */
	bool connected;    /* some address took the connection */
	struct cert *cert; /* what will be reported */
	struct err err;
};

struct run {
	struct scope_item item;
	struct prober *prober;
	struct run *next;
	struct probe *probes;
	size_t count, pending;
	struct lookup *lookups;
	size_t lookup_count;
	struct timer kick, finish;
	prober_result_fn result;
	prober_done_fn done;
	void *arg;
};

struct prober {
	struct loop *loop;
	struct endpoint_tls_context *tls;
	int64_t timeout_ms;
	char *ehlo;
	struct run *runs;
};

void probe_init(struct probe *p, struct run *r, const struct endpoint *ep);
void probe_release(struct probe *p);
void probe_resolved(struct probe *p); /* p->lookup is done: connect, or fail with its error */
void probe_on_deadline(struct loop *loop, void *arg);
void run_finish(struct loop *loop, void *arg); /* ends the run, then tells its owner */

#endif
