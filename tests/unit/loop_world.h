/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the tests of core/loop: one loop a test. */
#ifndef TESTS_LOOP_WORLD_H
#define TESTS_LOOP_WORLD_H

#include "core/loop.h"

#define HANG_MS 20000 /* a test that waits longer has failed */

static struct loop *loop;

static inline int setup(void **state)
{
	(void)state;
	loop = loop_new();
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	loop = NULL;
	return 0;
}

#endif
