/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Certificates without a file: what a test of the joined table says about them, nothing else. */
#ifndef TESTS_CERT_WORLD_H
#define TESTS_CERT_WORLD_H

#include <stdio.h>

#include "core/mem.h"
#include "model/cert_join.h"

#define NOW  INT64_C(1795168800000) /* 2026-11-20T10:00:00Z */
#define NAME "mail.example.org"

/* One for NAME that nothing is wrong with; print tells it from others, days are relative to NOW. */
static inline struct cert *good_cert(enum cert_source source, unsigned char print, int from, int to)
{
	struct cert *c = cert_new(source);

	c->has_sha256 = true;
	c->sha256[0] = print;
	c->not_before = NOW + from * CERT_DAY_MS;
	c->not_after = NOW + to * CERT_DAY_MS;
	cert_set_text(&c->name, NAME, SIZE_MAX);
	cert_set_text(&c->issuer, "CN=CA", SIZE_MAX);
	cert_add_san(c, NAME, SIZE_MAX);
	c->chain = CHAIN_COMPLETE;
	c->verify_flags = source == CERT_SERVED ? VERIFY_DONE : 0;
	snprintf(c->key_type, sizeof(c->key_type), "EC P-256");
	c->key_bits = 256;
	return c;
}

#endif
