/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a change of certificates really did: what endpoints serve before it and after it. The verdict is what clients get,
 * not what the server answered. */
#ifndef APP_CERTS_PROOF_H
#define APP_CERTS_PROOF_H

#include "app/app.h"
#include "model/change.h"

struct certs_proof;
typedef void (*certs_proof_fn)(void *arg);

/* Only changes of certificates want one. */
bool certs_proof_is_wanted(const struct change *c);
/* Looks at everything as it is; then ready, from the loop, and the change may be sent. Lives in the app's scope: no callback
 * runs once that is cancelled, and the proof is gone. */
struct certs_proof *certs_proof_begin(struct app *a, certs_proof_fn ready, void *arg);
/* Looks again and judges: outcomes that the server's answer made IN_FORCE stay so only if what is served says no other. c is
 * borrowed until done, which is called from the loop, once; the proof is freed before that. */
void certs_proof_judge(struct certs_proof *p, struct change *c, certs_proof_fn done, void *arg);
/* No more waiting: what is known by now is the verdict, and the callback that is due comes with the next turn. */
void certs_proof_hurry(struct certs_proof *p);

#endif
