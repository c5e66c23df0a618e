/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/config on arbitrary text: an error names the file, a profile that is read can be copied, nothing leaks. The file itself is kept in
 * memory. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/profile.h"
#include "core/mem.h"
#include "core/text.h"
#include "tests/fuzz/fuzz.h"

static void check_profile(const struct profile *p)
{
	struct profile copy;

	MUST(p->name && p->dialect && p->log_source && p->near_networks && p->allowed && p->endpoints && p->cert_files && p->names);
	MUST(p->timeout_ms > 0 && p->refresh_ms >= 0 && p->retention_ms >= 0);
	MUST(!p->url || !strchr(p->url, '@'));
	profile_init(&copy);
	profile_copy(&copy, p);
	MUST(!strcmp(copy.name, p->name));
	profile_release(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("config", MFD_CLOEXEC);
	struct err err = ERR_INIT;
	struct config c;
	char path[64];
	bool ok;

	if (fd < 0 || fchmod(fd, 0600) != 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ok = config_load(&c, path, &err);
	MUST(ok == (err.code == ERR_NONE));
	MUST(ok || !strncmp(err.msg, path, strlen(path)));
	MUST(text_is_safe(err.msg, strlen(err.msg)));
	for (size_t i = 0; ok && i < c.profile_count; i++)
		check_profile(&c.profiles[i]);
	for (size_t i = 0; ok && i < c.key_count; i++)
		MUST(c.keys[i].panel && c.keys[i].keys && c.keys[i].action);
	config_release(&c);
	close(fd);
	return 0;
}
