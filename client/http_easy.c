/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libcurl is told about one transfer: whom to trust, where to dial, how long to wait, who asks, what is sent. It starts none and
 * knows nothing of the loop. */
#include "client/http_easy.h"

#include <limits.h>
#include <sys/socket.h>

#include "client/x509_memory.h"

#define RECEIVE_BUFFER 131072L
#define CONNECTION_LIFE_S 600L
#define STREAM_TIME_FACTOR 60 /* upper bound of a streamed answer, in timeouts */
#define SLOW_BYTES 30L        /* per second, over the whole timeout: slower is dead */

static CURLcode on_tls_context(CURL *easy, void *ssl_ctx, void *arg)
{
	(void)easy, (void)arg;
	x509_memory_harden(ssl_ctx);
	return CURLE_OK;
}

static void set_trust(CURL *easy, const struct http_setup *o)
{
	bool verify = !o->insecure && !(o->pin && !o->ca_file);

	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls_context);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	if (o->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, o->ca_file);
	if (o->pin)
		curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, o->pin);
}

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	const struct http_setup *o = arg;

	(void)purpose;
	if (o->must_be_local && !sockaddr_is_local(&a->addr))
		return CURL_SOCKET_BAD; /* "localhost" that resolves elsewhere, or a proxy: plain text would leave this host */
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static void set_route(CURL *easy, const struct http_every *every)
{
	const struct http_setup *o = &every->setup;

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	if (o->unix_path)
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, o->unix_path);
	if (every->route)
		curl_easy_setopt(easy, CURLOPT_CONNECT_TO, every->route);
	if (o->is_local)
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, (void *)o);
}

static void set_limits(CURL *easy, const struct request *req, int64_t timeout_ms, size_t max)
{
	long s = (long)((timeout_ms + 999) / 1000);
	int64_t total = req->stream ? timeout_ms * STREAM_TIME_FACTOR : timeout_ms;

	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* else a slow resolver holds whoever cancels (seen on libcurl 7.88.1) */
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(total > LONG_MAX ? LONG_MAX : total));
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, s > 0 ? s : 1L);
	curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, CONNECTION_LIFE_S);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
	curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)max);
}

static void set_secret(CURL *easy, const struct cred *cred)
{
	if (!cred_is_set(cred))
		return;
	if (cred->is_token) {
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, cred_secret(cred));
		return;
	}
	curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
	curl_easy_setopt(easy, CURLOPT_USERNAME, cred_user(cred));
	curl_easy_setopt(easy, CURLOPT_PASSWORD, cred_secret(cred));
}

static void set_body(CURL *easy, const struct request *req, struct curl_slist *headers)
{
	bool has_body = req->method == HTTP_POST || req->method == HTTP_PATCH || req->method == HTTP_PUT;

	if (has_body) {
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body.len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buf_str(&req->body));
	}
	if (req->method != HTTP_GET && req->method != HTTP_POST)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, http_method_text(req->method));
}

bool http_every_init(struct http_every *every, const struct http_options *options, const struct cred *cred, struct err *err)
{
	if (!http_setup_init(&every->setup, options, err))
		return false;
	every->cred = cred;
	if (every->setup.connect_to)
		every->route = curl_slist_append(NULL, every->setup.connect_to);
	every->body_headers = curl_slist_append(NULL, "Content-Type: application/json");
	/* no second of waiting for a 100 that never comes */
	every->body_headers = curl_slist_append(every->body_headers, "Expect:");
	return true;
}

void http_every_release(struct http_every *every)
{
	curl_slist_free_all(every->body_headers);
	curl_slist_free_all(every->route);
	http_setup_release(&every->setup);
}

void http_easy_set(CURL *easy, const struct http_every *every, const struct request *req, size_t max)
{
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "stalwarden/" VERSION);
	set_trust(easy, &every->setup);
	set_route(easy, every);
	set_limits(easy, req, every->setup.timeout_ms, max);
	set_secret(easy, every->cred);
	set_body(easy, req, every->body_headers);
}
