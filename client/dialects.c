/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialects as a table; the rows are in dialects.h. */
#include <string.h>

#include "client/dialect.h"

const struct dialect_ops *const dialects[] = {
#define DIALECT_ADDRESS(name) &dialect_##name,
	DIALECT_INFO(DIALECT_ADDRESS)
#undef DIALECT_ADDRESS
	NULL,
};

const struct dialect_ops *dialect_by_name(const char *name)
{
	for (size_t i = 0; dialects[i]; i++)
		if (!strcmp(dialects[i]->name, name))
			return dialects[i];
	return NULL;
}
