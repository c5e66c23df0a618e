/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What OpenSSL and jansson leave behind: nothing, once this was called. */
#ifndef CLIENT_X509_MEMORY_H
#define CLIENT_X509_MEMORY_H

/* Memory that OpenSSL gives back is wiped first: its PEM and DER readers pass private keys through buffers that they just free (seen
 * on 3.0). Before any other use of OpenSSL; later it changes nothing. */
void x509_memory_init(void);
/* ssl_ctx: an SSL_CTX. What its connections have read is not kept in their buffers. */
void x509_memory_harden(void *ssl_ctx);

#endif
