/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Allocation that dies on exhaustion, after the terminal has been given back. */
#ifndef CORE_MEM_H
#define CORE_MEM_H

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
void *xreallocarray(void *p, size_t n, size_t size); /* dies on overflow of n * size */
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n); /* stops at NUL; always terminated */
void *xmemdup(const void *p, size_t n);  /* n bytes plus a terminating NUL */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Grows *items (element size `size`) so that `need` fit; *cap is updated. Doubles, starting at 16. */
void xgrow(void *items, size_t *cap, size_t need, size_t size);

/* For libraries that secrets pass through: malloc's family, and whatever is given back is wiped first. NULL on exhaustion, as they expect. */
void *wiping_malloc(size_t size);
void *wiping_calloc(size_t n, size_t size);
void *wiping_realloc(void *p, size_t size);
char *wiping_strdup(const char *s);
void wiping_free(void *p);

/* Called once before die() prints: gives the terminal back. NULL to unset. */
void mem_set_die_hook(void (*fn)(void));
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

#endif
