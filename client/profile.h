/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Profiles: which server, how to reach it, where the secret comes from. Parsed from stalwarden.conf (libconfuse) by config.c. */
#ifndef CLIENT_PROFILE_H
#define CLIENT_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

struct profile {
	char *name;               /* "default" when made from options or loopback discovery */
	char *url;                /* scheme://host[:port][/base], no credentials in it */
	char *user;
	char **password_command;  /* argv, NULL-terminated; run without a shell */
	char *password_file;      /* refused unless 0600 (or 0400) and ours */
	char *password;           /* written in the configuration, which must then be 0600; wiped on release */
	bool use_netrc;
	char *ca_file, *pin, *connect_to; /* connect_to: host:port or unix:/path dialled instead of the URL's */
	char *dialect;            /* "auto" or a dialect's name */
	char *log_source;         /* "auto", "api", a path, "-" */
	bool read_only, insecure;
	char *colour;             /* of the title bar */
	char **near_networks;     /* NULL-terminated lists; never NULL after profile_init() */
	char **allowed;           /* entries expected to be allowed */
	char **endpoints;         /* PROTO://HOST:PORT for certs */
	char **cert_files;        /* globs */
	char **names;             /* host names in use, for SNI and SAN checks */
	char *geo_database;
	int64_t timeout_ms;       /* one request, default 10 000 */
	int64_t refresh_ms;       /* default 5 000 */
	int64_t retention_ms;     /* history; 0 = for ever */
};
void profile_init(struct profile *p);
void profile_copy(struct profile *to, const struct profile *from); /* to: initialised; what it held is released */
void profile_release(struct profile *p);

struct keybind { char *panel, *keys, *action; };
struct config {
	struct profile *profiles;
	size_t profile_count;
	char *theme;              /* ui section */
	int64_t refresh_ms;
	bool mouse, ascii, clipboard;
	struct keybind *keys;
	size_t key_count;
	char **files_read;        /* for `stalwarden paths` */
};
/* Reads /etc/stalwarden.conf (when `path` is NULL) and then $XDG_CONFIG_HOME/stalwarden/stalwarden.conf over it, or just `path`.
 * Missing default files are fine; a missing `path` is an error. Errors name file and line. */
bool config_load(struct config *c, const char *path, struct err *err);
void config_release(struct config *c);
const struct profile *config_profile(const struct config *c, const char *name); /* NULL name: the first */

/* Refuses a file that is not a regular file of ours or that others can read or write (fstat on the opened fd); the message holds the chmod that cures it. */
bool secret_file_read(const char *path, struct buf *out, struct err *err);
/* One trailing newline stripped; NUL, CR or LF inside, over 4 KiB, not UTF-8, or a token whose base64 is broken is an error. */
bool secret_check(const char *secret, size_t len, bool is_token, struct err *err);

#endif
