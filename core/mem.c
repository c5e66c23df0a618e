/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Allocation that dies, and dying itself. Knows the terminal only as a hook. */
#include "core/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/text.h"

#define DIE_STATUS                                                                                 \
	70 /* EX_SOFTWARE: outside the documented codes, so that no script takes it for an answer  \
	    */

static void (*die_hook)(void);

void mem_set_die_hook(void (*fn)(void))
{
	die_hook = fn;
}

/* No allocation from here on: memory may be what ran out. */
void die(const char *fmt, ...)
{
	void (*hook)(void) = die_hook;
	char raw[1024], safe[1024];
	va_list ap;

	die_hook = NULL; /* a hook that dies must not come back here */
	if (hook)
		hook();
	va_start(ap, fmt);
	if (vsnprintf(raw, sizeof(raw), fmt, ap) < 0)
		raw[0] = '\0';
	va_end(ap);
	dprintf(STDERR_FILENO, "stalwarden: %s\n",
		text_safe_str(safe, sizeof(safe), raw, strlen(raw)));
	_exit(DIE_STATUS);
}

static void *must(void *p, size_t size)
{
	if (!p)
		die("out of memory (%zu bytes wanted)", size);
	return p;
}

/* One byte is asked for where none was: NULL then always means exhaustion. */
static size_t at_least_one(size_t size)
{
	return size ? size : 1;
}

void *xmalloc(size_t size)
{
	return must(malloc(at_least_one(size)), size);
}

void *xcalloc(size_t n, size_t size)
{
	if (!n || !size)
		n = size = 1;
	return must(calloc(n, size), n > SIZE_MAX / size ? SIZE_MAX : n * size);
}

void *xrealloc(void *p, size_t size)
{
	return must(realloc(p, at_least_one(size)), size);
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	if (size && n > SIZE_MAX / size)
		die("out of memory (%zu items of %zu bytes wanted)", n, size);
	return xrealloc(p, n * size);
}

char *xstrdup(const char *s)
{
	return xmemdup(s, strlen(s));
}

char *xstrndup(const char *s, size_t n)
{
	return xmemdup(s, strnlen(s, n));
}

void *xmemdup(const void *p, size_t n)
{
	char *copy;

	if (n == SIZE_MAX)
		die("out of memory");
	copy = xmalloc(n + 1);
	if (n)
		memcpy(copy, p, n);
	copy[n] = '\0';
	return copy;
}

char *xasprintf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		die("out of memory (formatting)");
	return s;
}

void xgrow(void *items, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap ? *cap : 16;
	void *p;

	if (need <= *cap)
		return;
	while (want < need)
		want = want > SIZE_MAX / 2 ? need : want * 2;
	memcpy(&p, items, sizeof(p)); /* items is a T **; read as bytes, so that no T matters */
	p = xreallocarray(p, want, size);
	memcpy(items, &p, sizeof(p));
	*cap = want;
}

void *wiping_malloc(size_t size)
{
	return malloc(size);
}

void *wiping_calloc(size_t n, size_t size)
{
	return calloc(n, size);
}

void wiping_free(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

/* realloc() may move and leave a copy behind. */
void *wiping_realloc(void *p, size_t size)
{
	size_t had = p ? malloc_usable_size(p) : 0;
	void *q;

	if (p && size && size <= had && size > had / 2)
		return p;
	q = malloc(size ? size : 1);
	if (!q)
		return NULL;
	if (p)
		memcpy(q, p, had < size ? had : size);
	wiping_free(p);
	return q;
}

char *wiping_strdup(const char *s)
{
	return strdup(s);
}
