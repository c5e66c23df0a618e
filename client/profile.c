/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A profile's defaults and ownership. */
#include "client/profile.h"

#include <stdlib.h>
#include <string.h>

#include "client/profile_private.h"
#include "core/mem.h"

/* NULL gives an empty list. */
static char **strings_copy(char *const *list)
{
	size_t n = 0;
	char **copy;

	while (list && list[n])
		n++;
	copy = xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(list[i]);
	return copy;
}

void strings_free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

void profile_init(struct profile *p)
{
	*p = (struct profile){
		.name = xstrdup("default"),
		.dialect = xstrdup("auto"),
		.log_source = xstrdup("auto"),
		.password_command = NULL,
		.near_networks = strings_copy(NULL),
		.allowed = strings_copy(NULL),
		.endpoints = strings_copy(NULL),
		.cert_files = strings_copy(NULL),
		.names = strings_copy(NULL),
		.timeout_ms = 10000,
		.refresh_ms = 5000,
	};
}

static void wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void profile_release(struct profile *p)
{
	char *const texts[] = { p->name, p->url, p->user, p->password_file, p->ca_file, p->pin, p->connect_to,
		p->dialect, p->log_source, p->colour, p->geo_database };
	char **const lists[] = { p->password_command, p->near_networks, p->allowed, p->endpoints, p->cert_files,
		p->names };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strings_free(lists[i]);
	wipe(p->password);
	*p = (struct profile){ 0 };
}

static char *text_copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

void profile_copy(struct profile *to, const struct profile *from)
{
	profile_release(to);
	*to = *from;
	to->name = text_copy(from->name);
	to->url = text_copy(from->url);
	to->user = text_copy(from->user);
	to->password_command = from->password_command ? strings_copy(from->password_command) : NULL;
	to->password_file = text_copy(from->password_file);
	to->password = text_copy(from->password);
	to->ca_file = text_copy(from->ca_file);
	to->pin = text_copy(from->pin);
	to->connect_to = text_copy(from->connect_to);
	to->dialect = text_copy(from->dialect);
	to->log_source = text_copy(from->log_source);
	to->colour = text_copy(from->colour);
	to->near_networks = strings_copy(from->near_networks);
	to->allowed = strings_copy(from->allowed);
	to->endpoints = strings_copy(from->endpoints);
	to->cert_files = strings_copy(from->cert_files);
	to->names = strings_copy(from->names);
	to->geo_database = text_copy(from->geo_database);
}
