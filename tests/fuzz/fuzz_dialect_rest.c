/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arbitrary bytes as answers to the gateway with a resource per key, and as targets of what it is asked. */
#include "tests/fuzz/dialect_drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct server srv = { .info.generation = GEN_REST };

	return drive(&dialect_rest, &srv, data, size);
}
