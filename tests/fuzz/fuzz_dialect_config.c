/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arbitrary bytes as answers to `/admin/config` of 0.5 - 0.6, and as targets of what it is asked. */
#include "tests/fuzz/dialect_drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct server srv = { .info.generation = GEN_CONFIG_0_5 };

	return drive(&dialect_config, &srv, data, size);
}
