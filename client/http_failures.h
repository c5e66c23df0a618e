/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a transfer can fail, in words for people: one line that says which hop. Private to http*.c. */
#ifndef CLIENT_HTTP_FAILURES_H
#define CLIENT_HTTP_FAILURES_H

#include "client/http_private.h"

enum http_say { SAY_NOTHING, SAY_ERRNO, SAY_CURL };

/* libcurl's name, ERR_…, whose words are added, ours */
#define HTTP_FAILURE_INFO(_) \
	_(COULDNT_RESOLVE_HOST, NETWORK, NOTHING, "the name does not resolve") \
	_(COULDNT_RESOLVE_PROXY, NETWORK, CURL, "the proxy's name does not resolve") \
	_(PROXY, NETWORK, CURL, "the proxy failed") \
	_(COULDNT_CONNECT, NETWORK, ERRNO, "no connection") \
	_(GOT_NOTHING, NETWORK, NOTHING, "the connection was closed without an answer (a blocked address is cut off like this)") \
	_(RECV_ERROR, NETWORK, ERRNO, "the connection broke (a blocked address is cut off like this)") \
	_(SEND_ERROR, NETWORK, ERRNO, "the connection broke (a blocked address is cut off like this)") \
	_(PARTIAL_FILE, NETWORK, NOTHING, "the answer was cut short") \
	_(FILESIZE_EXCEEDED, LIMIT, NOTHING, "the answer is too large") \
	_(PEER_FAILED_VERIFICATION, NETWORK, CURL, "the server's certificate is not trusted") \
	_(SSL_PINNEDPUBKEYNOTMATCH, NETWORK, NOTHING, "the server's key is not the pinned one") \
	_(SSL_CACERT_BADFILE, NETWORK, NOTHING, "the file with the CA certificates can't be read") \
	_(SSL_CONNECT_ERROR, NETWORK, CURL, "TLS failed") \
	_(UNSUPPORTED_PROTOCOL, PROTOCOL, NOTHING, "the answer is not HTTP") \
	_(WEIRD_SERVER_REPLY, PROTOCOL, NOTHING, "the answer is not HTTP") \
	_(BAD_CONTENT_ENCODING, PROTOCOL, NOTHING, "the answer is garbled") \
	_(OPERATION_TIMEDOUT, TIMEOUT, NOTHING, "no answer")

enum http_failure {
#define HTTP_FAILURE_ENUM(id, code, say, words) HTTP_FAILURE_##id,
	HTTP_FAILURE_INFO(HTTP_FAILURE_ENUM)
#undef HTTP_FAILURE_ENUM
	HTTP_FAILURE_OTHER
};

struct http_failed {
	enum http_failure what;
	const char *curl;  /* libcurl's words */
	long os_error;     /* errno or 0 */
	long proxy_status; /* of CONNECT, or 0 */
	bool connected;    /* all of connecting and TLS was through */
	bool cut;          /* ended within the head of the answer */
	size_t bytes;      /* of the body so far */
};

#define HTTP_NO_KEY "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" /* a pin that fits no key */

/* libcurl tells the key it met in its verbose words only: "public key hash: sha256//…". */
void http_find_key(const char *text, size_t len, char *out, size_t size);
void http_add_key(struct err *err, const char *key);
void http_explain(const struct http_setup *s, const struct http_failed *f, struct err *err);

#endif
