/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenSSL on memory that is wiped when it is given back. It must not know what passes through. */
#include "client/x509_memory.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "core/mem.h"

static void *take(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return wiping_malloc(size);
}

static void *resize(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return wiping_realloc(p, size);
}

static void give(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	wiping_free(p);
}

void x509_memory_init(void)
{
	CRYPTO_set_mem_functions(take, resize, give); /* refused once OpenSSL has allocated anything */
}

void x509_memory_harden(void *ssl_ctx)
{
	SSL_CTX_set_options(ssl_ctx, SSL_OP_CLEANSE_PLAINTEXT);
}
