/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/http while a name does not resolve: the loop, cancelling and freeing must not wait for the resolver. libcurl's resolver thread calls
 * the getaddrinfo() below, which answers when the test says so. */
#include "client/http.h"

#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/mem.h"

#define HANG_MS 20000
#define PROMPT_MS 100 /* far above a prompt answer, far below what the resolver takes */

static int gate[2];            /* a byte lets one resolver go on, closing it lets all */
static volatile unsigned asked; /* counted by the resolver threads */

/* Takes the place of libc's for the whole program, libcurl included. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res);
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
	char byte;
	ssize_t n;

	(void)node, (void)service, (void)hints, (void)res;
	__atomic_fetch_add(&asked, 1, __ATOMIC_SEQ_CST);
	n = read(gate[0], &byte, 1);
	return n < 0 ? EAI_SYSTEM : EAI_NONAME;
}

/* A thread that outlives its transfer is what CURLOPT_QUICK_EXIT costs. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libcurl\nleak:libpthread\nleak:getaddrinfo_thread\n";
}

static unsigned asked_so_far(void)
{
	return __atomic_load_n(&asked, __ATOMIC_SEQ_CST);
}

struct result {
	bool done;
	struct err err;
	bool sent;
};

static void on_done(void *arg, const struct http_answer *a)
{
	struct result *r = arg;

	r->done = true;
	r->err = a->response.err;
	r->sent = a->response.sent;
}

static struct http *open_http(struct loop *loop, const struct cred *cred, int64_t timeout_ms)
{
	struct http_options o = { .url = "https://slow.invalid", .timeout_ms = timeout_ms };

	return http_new(loop, &o, cred, NULL);
}

static struct http_call *send_request(struct http *h, struct result *r)
{
	struct http_sink sink = { NULL, on_done, r };
	struct request req;

	request_init(&req);
	buf_adds(&req.path, "/");
	return http_send(h, &req, 0, &sink);
}

/* Turns the loop until the resolver is at work. */
static void until_asked(struct loop *loop, unsigned before)
{
	int64_t end = clock_mono() + HANG_MS;

	while (asked_so_far() == before && clock_mono() < end)
		loop_turn(loop, 20);
	assert_int_not_equal(asked_so_far(), before);
	loop_turn(loop, 0);
}

static void cancelling_does_not_wait(void **state)
{
	struct loop *loop = loop_new();
	struct cred cred = { 0 };
	struct http *h = open_http(loop, &cred, 30000);
	struct result r = { 0 };
	struct http_call *call;
	int64_t began;

	(void)state;
	for (int i = 0; i < 3; i++) {
		unsigned before = asked_so_far();

		call = send_request(h, &r);
		until_asked(loop, before);
		began = clock_mono();
		http_cancel(call);
		assert_true(clock_mono() - began <= PROMPT_MS);
	}
	assert_false(r.done);
	began = clock_mono();
	http_free(h);
	assert_true(clock_mono() - began <= PROMPT_MS);
	assert_true(loop_longest_ms(loop) <= PROMPT_MS);
	loop_free(loop);
}

static void freeing_does_not_wait(void **state)
{
	struct loop *loop = loop_new();
	struct cred cred = { 0 };
	struct http *h = open_http(loop, &cred, 30000);
	struct result r = { 0 };
	unsigned before = asked_so_far();
	int64_t began;

	(void)state;
	send_request(h, &r);
	until_asked(loop, before);
	began = clock_mono();
	http_free(h);
	assert_true(clock_mono() - began <= PROMPT_MS);
	assert_false(r.done);
	loop_free(loop);
}

static void the_timeout_ends_it_and_leaves_the_loop_free(void **state)
{
	struct loop *loop = loop_new();
	struct cred cred = { 0 };
	struct http *h = open_http(loop, &cred, 400);
	struct result r = { 0 };
	int64_t end = clock_mono() + HANG_MS;

	(void)state;
	send_request(h, &r);
	while (!r.done && clock_mono() < end)
		loop_turn(loop, 20);
	assert_true(r.done);
	assert_int_equal(r.err.code, ERR_TIMEOUT);
	assert_non_null(strstr(r.err.msg, "no connection"));
	assert_false(r.sent);
	assert_true(loop_longest_ms(loop) <= PROMPT_MS);
	http_free(h);
	loop_free(loop);
}

static void a_name_that_does_not_resolve_says_so(void **state)
{
	struct loop *loop = loop_new();
	struct cred cred = { 0 };
	struct http *h = open_http(loop, &cred, 30000);
	struct result r = { 0 };
	int64_t end = clock_mono() + HANG_MS;

	(void)state;
	close(gate[1]); /* from here on names fail at once */
	send_request(h, &r);
	while (!r.done && clock_mono() < end)
		loop_turn(loop, 20);
	assert_int_equal(r.err.code, ERR_NETWORK);
	assert_string_equal(r.err.msg, "slow.invalid:443: the name does not resolve");
	http_free(h);
	loop_free(loop);
}

static int open_gate(void **state)
{
	(void)state;
	return pipe(gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cancelling_does_not_wait),
		cmocka_unit_test(freeing_does_not_wait),
		cmocka_unit_test(the_timeout_ends_it_and_leaves_the_loop_free),
		cmocka_unit_test(a_name_that_does_not_resolve_says_so),
	};

	return cmocka_run_group_tests(tests, open_gate, NULL);
}
