/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Certificates from everywhere, as one table: what the server stores, what endpoints serve, what lies on this host's disk, who renews. */
#ifndef APP_CERTS_H
#define APP_CERTS_H

#include "app/app.h"
#include "app/plan.h"
#include "model/cert_join.h"

struct certs_options {
	bool probe;                       /* ask the endpoints */
	bool stored;                      /* ask the server */
	bool files;                       /* look at the disk */
	bool log;                         /* ask the server's log how its renewals went, where no task tells */
	const struct certs_result *served; /* without probe: what endpoints served then is taken from here; NULL. Looked at by certs_gather() alone */
	int64_t warn_ms, crit_ms;         /* 0 = defaults */
	const char *root;                 /* put before every path; NULL = "" (or STALWARDEN_ROOT, for tests) */
};
struct certs_result {
	struct certlist *all;             /* owned by the result */
	struct certtable *table;          /* borrows from all */
	struct err stored_err;            /* why the stored ones are missing */
	bool probed;
	int64_t probed_at;                /* wall ms */
	char server[256];                 /* the URL of whose certificates they are */
};
typedef void (*certs_fn)(void *arg, struct certs_result *r); /* r borrowed; pointers set to NULL are taken */

struct certs_job;
/* Endpoints and files are the profile's and those of the app's options. done is called from the loop, once, unless cancelled. NULL and err for an endpoint that is none. */
struct certs_job *certs_gather(struct app *a, const struct certs_options *o, certs_fn done, void *arg, struct err *err);
void certs_cancel(struct certs_job *j);
void certs_result_release(struct certs_result *r);

/* Plans. domain: a name the server renews. cert, key: file paths; what is wrong with the pair is said in err, fatal faults refuse. */
struct plan *plan_cert_renew(struct app *a, const char *domain, struct err *err);
struct plan *plan_cert_upload(struct app *a, const char *name, const char *cert_path, const char *key_path, struct err *err);

#endif
