/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of many probes: who owns them, one look-up per host, when all is done. It must not know
 * sockets nor TLS. */
#include <stdlib.h>
#include <strings.h>

#include "client/endpoint_private.h"
#include "core/mem.h"

static void run_free(struct run *r)
{
	struct run **at = &r->prober->runs;

	while (*at && *at != r)
		at = &(*at)->next;
	if (*at)
		*at = r->next;
	scope_remove(&r->item);
	timer_stop(&r->kick);
	timer_stop(&r->finish);
	for (size_t i = 0; i < r->count; i++)
		probe_release(&r->probes[i]);
	for (size_t i = 0; i < r->lookup_count; i++)
		lookup_stop(&r->lookups[i]);
	free(r->lookups);
	free(r->probes);
	free(r);
}

static void run_cancel(struct scope_item *item)
{
	run_free(container_of(item, struct run, item));
}

void run_finish(struct loop *loop, void *arg)
{
	struct run *r = arg;
	prober_done_fn done = r->done;
	void *done_arg = r->arg;

	(void)loop;
	run_free(r);
	if (done)
		done(done_arg);
}

/* A probe's callback may end the run: so one lookup's probes go on by timers, each on its own. */
static void on_ready(struct loop *loop, void *arg)
{
	(void)loop;
	probe_resolved(arg);
}

static void on_lookup(struct lookup *l, void *arg)
{
	struct run *r = arg;

	for (size_t i = 0; i < r->count; i++)
		if (r->probes[i].lookup == l && r->probes[i].state == PROBE_LOOKUP)
			timer_start(r->prober->loop, &r->probes[i].attempt, 0, NULL, on_ready,
				&r->probes[i]);
}

static struct lookup *lookup_of(struct run *r, const char *host)
{
	struct lookup *l;

	for (size_t i = 0; i < r->lookup_count; i++)
		if (!strcasecmp(r->lookups[i].host, host))
			return &r->lookups[i];
	l = &r->lookups[r->lookup_count++];
	lookup_start(l, r->prober->loop, host, on_lookup, r);
	return l;
}

static void run_kick(struct loop *loop, void *arg)
{
	struct run *r = arg;

	for (size_t i = 0; i < r->count; i++) {
		struct probe *p = &r->probes[i];

		p->started = clock_mono();
		if (i >= ENDPOINT_MAX) {
			err_set(&p->err, ERR_LIMIT, "not tried: more than %d probes at once",
				ENDPOINT_MAX);
			timer_start(loop, &p->attempt, 0, NULL, on_ready, p);
			continue;
		}
		p->due = p->started + r->prober->timeout_ms;
		timer_start(loop, &p->deadline, r->prober->timeout_ms, NULL, probe_on_deadline, p);
		p->lookup = lookup_of(r, p->ep.host);
		if (p->lookup->done)
			timer_start(loop, &p->attempt, 0, NULL, on_ready, p);
	}
	if (!r->count)
		timer_start(loop, &r->finish, 0, NULL, run_finish, r);
}

void prober_run(struct prober *p, const struct endpoints *list, struct scope *owner,
	prober_result_fn result, prober_done_fn done, void *arg)
{
	struct run *r = xcalloc(1, sizeof(*r));

	r->prober = p;
	r->next = p->runs;
	p->runs = r;
	r->result = result;
	r->done = done;
	r->arg = arg;
	r->count = r->pending = list->count;
	r->probes = xcalloc(r->count + 1, sizeof(*r->probes));
	r->lookups = xcalloc(r->count + 1, sizeof(*r->lookups));
	for (size_t i = 0; i < r->count; i++)
		probe_init(&r->probes[i], r, &list->items[i]);
	scope_add(owner, &r->item, run_cancel);
	timer_start(p->loop, &r->kick, 0, NULL, run_kick, r);
}

struct prober *prober_new(struct loop *loop, const struct prober_options *options, struct err *err)
{
	struct endpoint_tls_context *tls = endpoint_tls_context_new(
		options ? options->ca_file : NULL, options ? options->ca_dir : NULL, err);
	struct prober *p;

	if (!tls)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->loop = loop;
	p->tls = tls;
	p->timeout_ms =
		options && options->timeout_ms > 0 ? options->timeout_ms : ENDPOINT_TIMEOUT_MS;
	p->ehlo = xstrdup(options && options->ehlo ? options->ehlo : "stalwarden.invalid");
	return p;
}

void prober_free(struct prober *p)
{
	if (!p)
		return;
	while (p->runs)
		run_free(p->runs);
	endpoint_tls_context_free(p->tls);
	free(p->ehlo);
	free(p);
}
