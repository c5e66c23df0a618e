/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialects, in the order they are asked: one row each. */
#include "client/dialect.h"

#include <string.h>

const struct dialect_ops *const dialects[] = {
	&dialect_jmap,
	&dialect_settings,
	&dialect_rest,
	&dialect_config,
	NULL,
};

const struct dialect_ops *dialect_by_name(const char *name)
{
	for (size_t i = 0; dialects[i]; i++)
		if (!strcmp(dialects[i]->name, name))
			return dialects[i];
	return NULL;
}
