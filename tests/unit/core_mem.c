/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core/mem: sizes at the edges, growth, and dying in a child process. */
#include "core/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void zero_sizes_give_memory(void **state)
{
	void *p = xmalloc(0), *q = xcalloc(0, 8), *r = xrealloc(NULL, 0),
	     *s = xreallocarray(NULL, 3, 0);

	(void)state;
	assert_non_null(p);
	assert_non_null(q);
	assert_non_null(r);
	assert_non_null(s);
	free(p);
	free(q);
	free(r);
	free(s);
}

static void copies(void **state)
{
	char *a = xstrdup("abc"), *b = xstrndup("abcdef", 3), *c = xstrndup("ab", 10);
	char *d = xmemdup("a\0b", 3), *e = xmemdup(NULL, 0), *f = xasprintf("%s-%d", "x", 42);

	(void)state;
	assert_string_equal(a, "abc");
	assert_string_equal(b, "abc");
	assert_string_equal(c, "ab");
	assert_memory_equal(d, "a\0b", 4);
	assert_string_equal(e, "");
	assert_string_equal(f, "x-42");
	free(a);
	free(b);
	free(c);
	free(d);
	free(e);
	free(f);
}

static void xgrow_doubles_from_16(void **state)
{
	uint32_t *items = NULL;
	size_t cap = 0, i;

	(void)state;
	xgrow(&items, &cap, 0, sizeof(*items));
	assert_null(items);
	xgrow(&items, &cap, 1, sizeof(*items));
	assert_int_equal(cap, 16);
	for (i = 0; i < 1000; i++) {
		xgrow(&items, &cap, i + 1, sizeof(*items));
		items[i] = (uint32_t)i;
	}
	assert_int_equal(cap, 1024);
	for (i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
	free(items);
}

static void xcalloc_is_zeroed(void **state)
{
	char *p = xcalloc(100, 7);
	size_t i;

	(void)state;
	for (i = 0; i < 700; i++)
		assert_int_equal(p[i], 0);
	free(p);
}

struct owner {
	int before;
	struct {
		int x;
	} member;
};

static void container_of_finds_the_owner(void **state)
{
	struct owner o;

	(void)state;
	assert_ptr_equal(container_of(&o.member, struct owner, member), &o);
	assert_int_equal(ARRAY_LEN(((int[]){1, 2, 3})), 3);
}

static void hook_says_hello(void)
{
	(void)!write(STDERR_FILENO, "hook\n", 5);
}

static void hook_dies_too(void)
{
	die("in the hook");
}

static void overflow_of_an_array(void)
{
	free(xreallocarray(NULL, SIZE_MAX / 2, 3));
}

static void dies_plainly(void)
{
	mem_set_die_hook(hook_says_hello);
	die("bad %s", "\x1b[31mthing");
}

static void dies_in_hook(void)
{
	mem_set_die_hook(hook_dies_too);
	die("outer");
}

/* What fn prints on stderr in a child; the child must end with status 70. */
static void run_dying(void (*fn)(void), char *out, size_t size)
{
	int fds[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		fn();
		_exit(0);
	}
	close(fds[1]);
	while (len + 1 < size && (n = read(fds[0], out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 70);
}

static void dying_runs_the_hook_first_and_is_safe(void **state)
{
	char out[512];

	(void)state;
	run_dying(dies_plainly, out, sizeof(out));
	assert_string_equal(out, "hook\nstalwarden: bad \\x1b[31mthing\n");
	run_dying(dies_in_hook, out, sizeof(out));
	assert_string_equal(out, "stalwarden: in the hook\n");
	run_dying(overflow_of_an_array, out, sizeof(out));
	assert_non_null(strstr(out, "out of memory"));
}

static void wiping_memory_is_like_other_memory(void **state)
{
	char *p = wiping_malloc(3), *q, *s = wiping_strdup("copy");
	unsigned char *z = wiping_calloc(7, 3);

	(void)state;
	memcpy(p, "ab", 3);
	for (size_t size = 4; size < 100000; size *= 3) {
		p = wiping_realloc(p, size);
		assert_string_equal(p, "ab");
		p[size - 1] = 'z';
	}
	q = wiping_realloc(p, 2);
	assert_memory_equal(q, "ab", 2);
	for (int i = 0; i < 21; i++)
		assert_int_equal(z[i], 0);
	assert_string_equal(s, "copy");
	wiping_free(q);
	wiping_free(s);
	wiping_free(z);
	wiping_free(NULL);
	q = wiping_realloc(NULL, 0);
	assert_non_null(q);
	wiping_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_sizes_give_memory),
		cmocka_unit_test(copies),
		cmocka_unit_test(xgrow_doubles_from_16),
		cmocka_unit_test(xcalloc_is_zeroed),
		cmocka_unit_test(container_of_finds_the_owner),
		cmocka_unit_test(dying_runs_the_hook_first_and_is_safe),
		cmocka_unit_test(wiping_memory_is_like_other_memory),
	};

	return cmocka_run_group_tests_name("core_mem", tests, NULL, NULL);
}
