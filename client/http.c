/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libcurl's multi interface on the loop: its sockets are loop fds, its timeout is a loop timer. libcurl is never called from its own
 * callbacks; finished transfers are queued and told after curl_multi_socket_action() has returned. What a transfer is told to do is
 * http_easy.c's. */
#include "client/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <curl/curl.h>

#include "client/http_easy.h"
#include "client/http_failures.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"

#define BODY_MAX ((size_t)8 << 20)
#define STREAM_MAX ((size_t)256 << 20)
#define STREAM_HEAD ((size_t)64 << 10) /* kept of a streamed body, for error texts */
#define SLICE_MS 4              /* a streamed answer is paused when it has held the loop for so long */

struct http_call {
	TAILQ_ENTRY(http_call) link; /* running or finished */
	struct http *http;
	CURL *easy;
	struct request req;
	struct http_sink sink;
	struct buf body;
	struct err err;          /* our own reason to end it */
	size_t bytes, max;
	int64_t started;
	bool paused, finished;
	bool head_is_whole;      /* the empty line after the headers was seen */
	bool learns_key;         /* of a server that was not trusted: the error is known, only its key is missing */
	char key[64];
	char errbuf[CURL_ERROR_SIZE];
	struct http_answer answer;
};

TAILQ_HEAD(call_list, http_call);

struct http {
	struct loop *loop;
	CURLM *multi;
	struct http_every every;
	struct timer timer, resume;
	struct call_list running, finished;
	bool *gone;              /* set when done() freed us */
	int64_t slice_start;
};

static void call_free(struct http_call *c)
{
	buf_release(&c->body); /* wiped where the request is a secret one */
	request_release(&c->req);
	free(c);
}

/* ---- called by libcurl: nothing of libcurl's multi interface may be called in here ---- */

static void on_resume(struct loop *loop, void *arg);

static size_t on_write(char *data, size_t one, size_t len, void *arg)
{
	struct http_call *c = arg;
	long status = 0;

	(void)one;
	if (c->req.stream && clock_mono() - c->http->slice_start >= SLICE_MS) {
		c->paused = true;
		timer_start(c->http->loop, &c->http->resume, 0, NULL, on_resume, c->http);
		return CURL_WRITEFUNC_PAUSE;
	}
	if (len > c->max - c->bytes) {
		err_set(&c->err, ERR_LIMIT, "the answer is larger than %zu KiB", c->max >> 10);
		return 0;
	}
	c->bytes += len;
	if (!c->req.stream)
		return buf_add(&c->body, data, len) ? len : 0;
	buf_add(&c->body, data, len < STREAM_HEAD - c->body.len ? len : STREAM_HEAD - c->body.len);
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (!c->sink.data(c->sink.arg, (int)status, data, len, &c->err))
		return 0;
	return len;
}

/* A connection that ends within the headers passes for an empty answer with libcurl (seen on 7.88.1). */
static size_t on_header(char *data, size_t one, size_t len, void *arg)
{
	struct http_call *c = arg;

	(void)one;
	if (len <= 2)
		c->head_is_whole = true;
	else if (!strncmp(data, "HTTP/", len < 5 ? len : 5)) /* after an interim answer it begins anew */
		c->head_is_whole = false;
	return len;
}

static void pump(struct http *h, curl_socket_t fd, int mask);

static void on_fd(struct loop *loop, int fd, unsigned events, void *arg)
{
	(void)loop;
	pump(arg, fd, (events & LOOP_READ ? CURL_CSELECT_IN : 0) | (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0) |
			(events & LOOP_ERROR ? CURL_CSELECT_ERR : 0));
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct http *h = arg;

	(void)easy, (void)socket_arg;
	if (what == CURL_POLL_REMOVE || what == CURL_POLL_NONE)
		loop_fd_remove(h->loop, fd);
	else
		loop_fd_set(h->loop, fd,
			(what & CURL_POLL_IN ? LOOP_READ : 0u) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0u), on_fd, h);
	return 0;
}

static void on_timer(struct loop *loop, void *arg)
{
	(void)loop;
	pump(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout(CURLM *multi, long ms, void *arg)
{
	struct http *h = arg;

	(void)multi;
	if (ms < 0)
		timer_stop(&h->timer);
	else
		timer_start(h->loop, &h->timer, ms, NULL, on_timer, h);
	return 0;
}

/* ---- answers ---- */

static void read_header(struct http_call *c, const char *name, char *out, size_t size)
{
	struct curl_header *h;

	out[0] = '\0';
	if (curl_easy_header(c->easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK)
		text_safe_str(out, size, h->value, strlen(h->value));
}

static void explain(struct http_call *c, CURLcode code, struct err *err)
{
	static const CURLcode codes[] = {
#define HTTP_FAILURE_CURL(id, code, say, words) [HTTP_FAILURE_##id] = CURLE_##id,
		HTTP_FAILURE_INFO(HTTP_FAILURE_CURL)
#undef HTTP_FAILURE_CURL
	};
	struct http_failed f = { .cut = code == CURLE_OK, .bytes = c->bytes };
	double connected = 0;

	while (f.what < HTTP_FAILURE_OTHER && codes[f.what] != code)
		f.what++;
	curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &f.os_error);
	curl_easy_getinfo(c->easy, CURLINFO_HTTP_CONNECTCODE, &f.proxy_status);
	curl_easy_getinfo(c->easy, CURLINFO_PRETRANSFER_TIME, &connected);
	f.connected = connected > 0;
	f.curl = c->errbuf[0] ? c->errbuf : curl_easy_strerror(code);
	http_explain(&c->http->every.setup, &f, err);
}

static void answer_fill(struct http_call *c, CURLcode code)
{
	struct http_answer *a = &c->answer;
	long status = 0, request_size = 0;
	char text[64], *peer = NULL;
	int64_t s;
	time_t t;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &request_size);
	curl_easy_getinfo(c->easy, CURLINFO_PRIMARY_IP, &peer);
	snprintf(a->peer, sizeof(a->peer), "%s", peer ? peer : "");
	a->ms = clock_mono() - c->started;
	a->bytes = c->bytes;
	read_header(c, "Date", text, sizeof(text));
	t = text[0] ? curl_getdate(text, NULL) : -1;
	a->date = t < 0 ? TIME_NONE : (int64_t)t * 1000;
	a->response.sent = request_size > 0;
	a->response.body = buf_str(&c->body);
	a->response.len = c->body.len;
	read_header(c, "Retry-After", text, sizeof(text)); /* seconds; no server of ours sends a date */
	a->response.retry_after_ms = text_int(text, 0, 86400, &s) ? s * 1000 : -1;
	read_header(c, "Content-Type", a->response.type, sizeof(a->response.type));
	media_type_only(a->response.type);
	read_header(c, "Location", a->response.location, sizeof(a->response.location));
	if (code == CURLE_OK && !c->err.code && c->head_is_whole) {
		a->response.status = (int)status;
		return;
	}
	a->response.status = 0;
	a->response.err = c->err;
	if (!c->err.code)
		explain(c, code, &a->response.err);
}

static int on_debug(CURL *easy, curl_infotype type, char *data, size_t len, void *arg)
{
	struct http_call *c = arg;

	(void)easy;
	if (type == CURLINFO_TEXT)
		http_find_key(data, len, c->key, sizeof(c->key));
	return 0;
}

/* The key of a server that is not trusted: once more, with a pin that fits none, so that the handshake is all that happens. */
static void learn_key(struct http_call *c)
{
	c->learns_key = true;
	curl_multi_remove_handle(c->http->multi, c->easy);
	curl_easy_setopt(c->easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(c->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(c->easy, CURLOPT_PINNEDPUBLICKEY, HTTP_NO_KEY);
	curl_easy_setopt(c->easy, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(c->easy, CURLOPT_DEBUGFUNCTION, on_debug);
	curl_easy_setopt(c->easy, CURLOPT_DEBUGDATA, c);
	curl_multi_add_handle(c->http->multi, c->easy);
}

static void collect(struct http *h)
{
	struct CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left))) { /* CURLMSG_DONE is the only kind there is */
		struct http_call *c = NULL;
		CURLcode code = m->data.result;

		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
		if (c->learns_key)
			http_add_key(&c->answer.response.err, c->key);
		else
			answer_fill(c, code);
		if (!c->learns_key &&
			(code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_PINNEDPUBKEYNOTMATCH)) {
			learn_key(c);
			continue;
		}
		curl_multi_remove_handle(h->multi, c->easy);
		curl_easy_cleanup(c->easy);
		c->finished = true;
		TAILQ_REMOVE(&h->running, c, link);
		TAILQ_INSERT_TAIL(&h->finished, c, link);
	}
}

/* done() may send, cancel and even free. False: h is gone. */
static bool tell(struct http *h)
{
	bool gone = false, *outer = h->gone;
	struct http_call *c;

	h->gone = &gone;
	while ((c = TAILQ_FIRST(&h->finished))) {
		TAILQ_REMOVE(&h->finished, c, link);
		c->sink.done(c->sink.arg, &c->answer);
		call_free(c);
		if (gone) {
			if (outer)
				*outer = true;
			return false;
		}
	}
	h->gone = outer;
	return true;
}

static void pump(struct http *h, curl_socket_t fd, int mask)
{
	int running;

	h->slice_start = clock_mono();
	curl_multi_socket_action(h->multi, fd, mask, &running);
	collect(h);
	tell(h);
}

static void on_resume(struct loop *loop, void *arg)
{
	struct http *h = arg;
	struct http_call *c;

	(void)loop;
	h->slice_start = clock_mono();
	TAILQ_FOREACH (c, &h->running, link) {
		if (!c->paused)
			continue;
		c->paused = false;
		curl_easy_pause(c->easy, CURLPAUSE_CONT);
	}
	pump(h, CURL_SOCKET_TIMEOUT, 0);
}

/* ---- requests ---- */

struct http_call *http_send(struct http *h, struct request *req, unsigned flags, const struct http_sink *sink)
{
	struct http_call *c = xcalloc(1, sizeof(*c));
	struct buf url = BUF_INIT;
	CURL *easy = curl_easy_init();

	if (!easy)
		die("out of memory");
	c->http = h;
	c->easy = easy;
	c->req = *req;
	request_init(req);
	c->sink = *sink;
	c->max = c->req.max_body ? c->req.max_body : c->req.stream ? STREAM_MAX : BODY_MAX;
	buf_init(&c->body, c->req.stream ? STREAM_HEAD : c->max);
	c->body.secret = c->req.secret;
	c->started = clock_mono();
	buf_addf(&url, "%s%s", h->every.setup.base, buf_str(&c->req.path));
	curl_easy_setopt(easy, CURLOPT_URL, buf_str(&url));
	buf_release(&url);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, c);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, c->errbuf);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, flags & HTTP_ONCE ? 1L : 0L);
	http_easy_set(easy, &h->every, &c->req, c->max);
	TAILQ_INSERT_TAIL(&h->running, c, link);
	curl_multi_add_handle(h->multi, easy);
	return c;
}

void http_cancel(struct http_call *c)
{
	struct http *h = c->http;

	if (!c->finished) {
		curl_multi_remove_handle(h->multi, c->easy);
		curl_easy_cleanup(c->easy);
	}
	TAILQ_REMOVE(c->finished ? &h->finished : &h->running, c, link);
	call_free(c);
}

struct http *http_new(struct loop *loop, const struct http_options *options, const struct cred *cred, struct err *err)
{
	struct http *h = xcalloc(1, sizeof(*h));

	/* counted by libcurl; a private key may be in what it holds, for as long as it is on its way */
	curl_global_init_mem(
		CURL_GLOBAL_DEFAULT, wiping_malloc, wiping_free, wiping_realloc, wiping_strdup, wiping_calloc);
	if (!http_every_init(&h->every, options, cred, err)) {
		http_every_release(&h->every);
		free(h);
		curl_global_cleanup();
		return NULL;
	}
	h->loop = loop;
	TAILQ_INIT(&h->running);
	TAILQ_INIT(&h->finished);
	h->multi = curl_multi_init();
	if (!h->multi)
		die("out of memory");
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 1L); /* one is kept alive; a second exists only while two requests overlap */
	return h;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	if (h->gone)
		*h->gone = true;
	while (!TAILQ_EMPTY(&h->running))
		http_cancel(TAILQ_FIRST(&h->running));
	while (!TAILQ_EMPTY(&h->finished))
		http_cancel(TAILQ_FIRST(&h->finished));
	curl_multi_cleanup(h->multi);
	timer_stop(&h->timer);
	timer_stop(&h->resume);
	http_every_release(&h->every);
	free(h);
	curl_global_cleanup();
}
