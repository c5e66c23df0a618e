/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arbitrary bytes as answers to the settings API of 0.7 - 0.15, and as targets of what it is asked. */
#include "client/dialect_settings.h"
#include "tests/fuzz/dialect_drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct server srv = { .threshold_family = size > 1 ? data[1] % FAMILY_COUNT : 0, .capital_ops = size > 1 && data[1] & 4 };

	return drive(&dialect_settings, &srv, data, size);
}
