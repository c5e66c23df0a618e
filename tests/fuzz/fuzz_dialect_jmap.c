/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arbitrary bytes as answers to JMAP of 0.16, and as targets of what it is asked. */
#include "tests/fuzz/dialect_drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct server srv = { .info.generation = GEN_JMAP_0_16 };

	return drive(&dialect_jmap, &srv, data, size);
}
