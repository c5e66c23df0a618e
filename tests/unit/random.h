/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The same numbers in every run (xorshift64): what fails once fails again. */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdint.h>

static uint64_t random_state = 0x2545f4914f6cdd1du;

static inline uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static inline uint32_t random_below(uint32_t n)
{
	return (uint32_t)(next_random() >> 32) % n;
}

#endif
