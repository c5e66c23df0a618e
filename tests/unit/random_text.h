/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text as an attacker would send it: letters, marks, controls and bytes that are no UTF-8, mixed. */
#ifndef TESTS_RANDOM_TEXT_H
#define TESTS_RANDOM_TEXT_H

#include "core/mem.h"
#include "tests/unit/random.h"
#include "tests/unit/utf8_encode.h"

/* Bytes that look like text more often than chance would have it. */
static inline size_t random_bytes(char *out, size_t max)
{
	static const uint32_t picks[] = {0x301, 0x20d0, 0x202e, 0x200d, 0xfe0f, 0x1f468, 0x65e5,
		0x1100, 0x1161, 0x11a8, 0xfffd, 0xad, '\\', 0x1b, '\n', 0x85, 0xe9, 0xa0, 0x3000,
		0x0903};
	size_t n = 0, want = next_random() % (max - 8);

	while (n < want) {
		switch (next_random() % 6) {
		case 0:
			out[n++] = (char)next_random();
			break;
		case 1:
			n += encode((uint32_t)(next_random() % 0x110000), out + n);
			break;
		case 2:
			n += encode((uint32_t)(next_random() % 0x3000), out + n);
			break;
		case 3:
			out[n++] = (char)('a' + next_random() % 26);
			break;
		default:
			n += encode(picks[next_random() % ARRAY_LEN(picks)], out + n);
		}
	}
	return n;
}

#endif
