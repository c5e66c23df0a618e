/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looks addresses up in MaxMind databases. The only file that knows libmaxminddb. */
#include "model/geo.h"

#include <maxminddb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"

#define MAX_FILES 2

struct geo {
	MMDB_s files[MAX_FILES];
	size_t count;
	bool has_country, has_as;
};

struct geo *geo_open(const char *const paths[], struct err *err)
{
	struct geo *g = xcalloc(1, sizeof(*g));
	size_t i;

	for (i = 0; paths[i]; i++) {
		const char *type;
		int code;

		if (i == MAX_FILES) {
			err_set(err, ERR_USAGE, "at most %d MaxMind databases can be used",
				MAX_FILES);
			goto out;
		}
		code = MMDB_open(paths[i], MMDB_MODE_MMAP, &g->files[i]);
		if (code != MMDB_SUCCESS) {
			err_set(err, ERR_IO, "can't read the MaxMind database %s: %s", paths[i],
				MMDB_strerror(code));
			goto out;
		}
		g->count++;
		type = g->files[i].metadata.database_type ? g->files[i].metadata.database_type : "";
		g->has_country |= strstr(type, "Country") || strstr(type, "City");
		g->has_as |= strstr(type, "ASN") || strstr(type, "ISP");
	}
	return g;
out:
	geo_close(g);
	return NULL;
}

void geo_close(struct geo *g)
{
	size_t i;

	if (g == NULL)
		return;
	for (i = 0; i < g->count; i++)
		MMDB_close(&g->files[i]);
	free(g);
}

bool geo_has_country(const struct geo *g)
{
	return g && g->has_country;
}

bool geo_has_as(const struct geo *g)
{
	return g && g->has_as;
}

static bool get_text(MMDB_entry_s *entry, const char *const *path, char *out, size_t size)
{
	MMDB_entry_data_s data;

	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
		data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return false;
	text_safe_str(out, size, data.utf8_string, data.data_size);
	return true;
}

static bool read_entry(MMDB_entry_s *entry, struct geo_place *out)
{
	static const char *const country[] = { "country", "iso_code", NULL },
				 *const as_number[] = { "autonomous_system_number", NULL },
				 *const as_name[] = { "autonomous_system_organization", NULL };
	MMDB_entry_data_s data;
	bool found = get_text(entry, country, out->country, sizeof(out->country));

	if (MMDB_aget_value(entry, &data, as_number) == MMDB_SUCCESS && data.has_data &&
		data.type == MMDB_DATA_TYPE_UINT32) {
		out->as_number = data.uint32;
		found = true;
	}
	return get_text(entry, as_name, out->as_name, sizeof(out->as_name)) || found;
}

bool geo_lookup(struct geo *g, const struct net *address, struct geo_place *out)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	const struct sockaddr *sa = (const struct sockaddr *)&v4;
	bool found = false;
	size_t i;

	memset(out, 0, sizeof(*out));
	if (g == NULL || address->family == 0)
		return false;
	if (address->family == 6) {
		memcpy(&v6.sin6_addr, address->addr, 16);
		sa = (const struct sockaddr *)&v6;
	} else {
		memcpy(&v4.sin_addr, address->addr, 4);
	}
	for (i = 0; i < g->count; i++) {
		MMDB_lookup_result_s r;
		int code = MMDB_SUCCESS;

		r = MMDB_lookup_sockaddr(&g->files[i], sa, &code);
		if (code == MMDB_SUCCESS && r.found_entry)
			found |= read_entry(&r.entry, out);
	}
	return found;
}
