/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stalwarden.conf by libconfuse: profiles, ui, keys. Checks values where they stand, so that an error names file and line. */
#include "client/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <confuse.h>

#include "client/dialect.h"
#include "client/profile_private.h"
#include "client/secret.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/text.h"
#include "model/net.h"

#define FILE_MAX ((size_t)1 << 20)
#define SYSTEM_FILE "/etc/stalwarden.conf"

enum value_type { TEXT, LIST, FLAG, DURATION, DIALECT, NETS };

struct field {
	const char *name;
	enum value_type type;
	size_t offset;
};

#define FIELD(name, type, member) { name, type, offsetof(struct profile, member) }
static const struct field profile_fields[] = {
	FIELD("url", TEXT, url),
	FIELD("user", TEXT, user),
	FIELD("password_command", LIST, password_command),
	FIELD("password_file", TEXT, password_file),
	FIELD("password", TEXT, password),
	FIELD("use_netrc", FLAG, use_netrc),
	FIELD("ca_file", TEXT, ca_file),
	FIELD("pin", TEXT, pin),
	FIELD("connect_to", TEXT, connect_to),
	FIELD("dialect", DIALECT, dialect),
	FIELD("log_source", TEXT, log_source),
	FIELD("read_only", FLAG, read_only),
	FIELD("colour", TEXT, colour),
	FIELD("near_networks", NETS, near_networks),
	FIELD("allowed", NETS, allowed),
	FIELD("endpoints", LIST, endpoints),
	FIELD("cert_files", LIST, cert_files),
	FIELD("names", LIST, names),
	FIELD("geo_database", TEXT, geo_database),
	FIELD("timeout", DURATION, timeout_ms),
	FIELD("refresh", DURATION, refresh_ms),
	FIELD("retention", DURATION, retention_ms),
};
#undef FIELD
#define FIELD(name, type, member) { name, type, offsetof(struct config, member) }
static const struct field ui_fields[] = {
	FIELD("theme", TEXT, theme),
	FIELD("refresh", DURATION, refresh_ms),
	FIELD("mouse", FLAG, mouse),
	FIELD("ascii", FLAG, ascii),
	FIELD("clipboard", FLAG, clipboard),
};
#undef FIELD

/* libconfuse's callbacks have no argument of ours. Set only while a file is being parsed. */
static struct {
	struct err *err;
	const char *file;
	bool is_private; /* nobody else can read it */
} parsing;

/* ---- values ---- */

/* "5" = seconds, "90s", "7d"; "forever" = 0. */
static bool parse_duration(const char *s, int64_t *ms)
{
	int64_t seconds;

	if (!strcmp(s, "forever")) {
		*ms = 0;
		return true;
	}
	if (text_int(s, 1, 100 * 366 * INT64_C(86400), &seconds)) {
		*ms = seconds * 1000;
		return true;
	}
	return duration_parse(s, ms);
}

static bool is_dialect(const char *s)
{
	return !strcmp(s, "auto") || dialect_by_name(s);
}

static bool check_value(const struct field *f, const char *s, struct err *err)
{
	struct err why = ERR_INIT;
	struct net net;
	int64_t ms;

	if (f->type == DURATION && !parse_duration(s, &ms))
		return err_set(err, ERR_USAGE,
			"%s = \"%s\" is no duration: write 90s, 15m, 12h, 7d or a number of seconds", f->name, s);
	if (f->type == DIALECT && !is_dialect(s))
		return err_set(err, ERR_USAGE, "%s = \"%s\" must be auto, jmap, settings, config or rest", f->name, s);
	if (f->type == NETS && !net_parse_input(s, &net, &why))
		return err_set(err, ERR_USAGE, "%s: %s", f->name, why.msg);
	if (!strcmp(f->name, "url") && strchr(s, '@'))
		return err_set(err, ERR_USAGE,
			"url must not hold credentials: use user and password_command or password_file");
	if (!strcmp(f->name, "password") && !parsing.is_private)
		return err_set(err, ERR_USAGE,
			"a password in a file others can read: chmod 600 %s, or use password_command", parsing.file);
	return true;
}

static const struct field *field_named(const struct field *fields, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(fields[i].name, name))
			return &fields[i];
	return NULL;
}

/* ---- what libconfuse calls ---- */

static void on_error(cfg_t *cfg, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* In a section of free keys libconfuse 3.3 complains of each new key before it makes it. */
static bool has_free_keys(const cfg_t *cfg)
{
	return cfg->name && (!strcmp(cfg->name, "keys") || !strcmp(cfg->name, "panel"));
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	struct buf text = BUF_INIT;

	if (has_free_keys(cfg) && !strncmp(fmt, "no such option", strlen("no such option")))
		return;
	buf_vaddf(&text, fmt, ap);
	err_set(parsing.err, ERR_USAGE, "%s:%d: %s", parsing.file, cfg->line, buf_str(&text));
	buf_release(&text);
}

static int validate(cfg_t *cfg, cfg_opt_t *opt, const struct field *fields, size_t n)
{
	const struct field *f = field_named(fields, n, cfg_opt_name(opt));
	struct err why = ERR_INIT;

	for (unsigned i = 0; f && f->type != FLAG && i < cfg_opt_size(opt); i++) {
		const char *s = cfg_opt_getnstr(opt, i);

		if (!check_value(f, s ? s : "", &why)) {
			cfg_error(cfg, "%s", why.msg);
			return -1;
		}
	}
	return 0;
}

static int validate_profile(cfg_t *cfg, cfg_opt_t *opt)
{
	return validate(cfg, opt, profile_fields, ARRAY_LEN(profile_fields));
}

static int validate_ui(cfg_t *cfg, cfg_opt_t *opt)
{
	return validate(cfg, opt, ui_fields, ARRAY_LEN(ui_fields));
}

/* ---- options for libconfuse, made of the tables ---- */

static void make_options(cfg_opt_t *out, const struct field *fields, size_t n, cfg_validate_callback_t check)
{
	cfg_opt_t end = CFG_END();

	for (size_t i = 0; i < n; i++) {
		cfg_opt_t text = CFG_STR(fields[i].name, 0, CFGF_NODEFAULT);
		cfg_opt_t list = CFG_STR_LIST(fields[i].name, 0, CFGF_NODEFAULT);
		cfg_opt_t flag = CFG_BOOL(fields[i].name, cfg_false, CFGF_NODEFAULT);

		out[i] = fields[i].type == FLAG ? flag : fields[i].type == LIST || fields[i].type == NETS ? list : text;
		out[i].validcb = check;
	}
	out[n] = end;
}

/* ---- taking what was set over what was there ---- */

static char *copy_string(cfg_opt_t *opt, unsigned i)
{
	const char *s = cfg_opt_getnstr(opt, i);

	return xstrdup(s ? s : "");
}

static void take_list(char ***slot, cfg_opt_t *opt)
{
	unsigned n = cfg_opt_size(opt);
	char **list = xcalloc((size_t)n + 1, sizeof(*list));

	for (unsigned i = 0; i < n; i++)
		list[i] = copy_string(opt, i);
	strings_free(*slot);
	*slot = list;
}

static void take_text(char **slot, cfg_opt_t *opt)
{
	free(*slot);
	*slot = copy_string(opt, 0);
}

static void take_field(void *base, const struct field *f, cfg_t *section)
{
	void *slot = (char *)base + f->offset;
	cfg_opt_t *opt = cfg_getopt(section, f->name);

	if (!opt || cfg_opt_size(opt) == 0)
		return;
	switch (f->type) {
	case TEXT:
	case DIALECT:
		take_text(slot, opt);
		break;
	case LIST:
	case NETS:
		take_list(slot, opt);
		break;
	case FLAG:
		*(bool *)slot = cfg_opt_getnbool(opt, 0) == cfg_true;
		break;
	case DURATION:
		if (cfg_opt_getnstr(opt, 0))
			parse_duration(cfg_opt_getnstr(opt, 0), slot);
		break;
	}
}

static void take_fields(void *base, const struct field *fields, size_t n, cfg_t *section)
{
	for (size_t i = 0; i < n; i++)
		take_field(base, &fields[i], section);
}

static struct profile *profile_of(struct config *c, const char *name)
{
	struct profile *p;

	for (size_t i = 0; i < c->profile_count; i++)
		if (!strcmp(c->profiles[i].name, name))
			return &c->profiles[i];
	c->profiles = xreallocarray(c->profiles, c->profile_count + 1, sizeof(*c->profiles));
	p = &c->profiles[c->profile_count++];
	profile_init(p);
	free(p->name);
	p->name = xstrdup(name);
	p->refresh_ms = c->refresh_ms;
	return p;
}

static void take_keys(struct config *c, const char *panel, cfg_t *section)
{
	for (unsigned i = 0; i < cfg_num(section); i++) {
		cfg_opt_t *opt = cfg_getnopt(section, i);
		struct keybind *k;

		if (opt->type != CFGT_STR || cfg_opt_size(opt) == 0)
			continue;
		c->keys = xreallocarray(c->keys, c->key_count + 1, sizeof(*c->keys));
		k = &c->keys[c->key_count++];
		k->panel = xstrdup(panel);
		k->keys = xstrdup(cfg_opt_name(opt));
		k->action = copy_string(opt, 0);
	}
}

static void take_file(struct config *c, cfg_t *cfg)
{
	for (unsigned i = 0; i < cfg_size(cfg, "ui"); i++)
		take_fields(c, ui_fields, ARRAY_LEN(ui_fields), cfg_getnsec(cfg, "ui", i));
	for (unsigned i = 0; i < cfg_size(cfg, "profile"); i++) {
		cfg_t *section = cfg_getnsec(cfg, "profile", i);

		take_fields(profile_of(c, cfg_title(section)), profile_fields, ARRAY_LEN(profile_fields), section);
	}
	for (unsigned i = 0; i < cfg_size(cfg, "keys"); i++) {
		cfg_t *keys = cfg_getnsec(cfg, "keys", i);

		take_keys(c, "generic", keys);
		for (unsigned k = 0; k < cfg_size(keys, "panel"); k++)
			take_keys(c, cfg_title(cfg_getnsec(keys, "panel", k)), cfg_getnsec(keys, "panel", k));
	}
}

/* ---- files ---- */

static bool parse_text(struct config *c, const char *path, char *text, bool is_private, struct err *err)
{
	cfg_opt_t profile_options[ARRAY_LEN(profile_fields) + 1], ui_options[ARRAY_LEN(ui_fields) + 1];
	cfg_opt_t panel_options[] = { CFG_END() };
	cfg_opt_t key_options[] = { CFG_SEC("panel", panel_options, CFGF_MULTI | CFGF_TITLE | CFGF_KEYSTRVAL),
		CFG_END() };
	cfg_opt_t options[] = { CFG_SEC("profile", profile_options, CFGF_MULTI | CFGF_TITLE),
		CFG_SEC("ui", ui_options, CFGF_MULTI), CFG_SEC("keys", key_options, CFGF_MULTI | CFGF_KEYSTRVAL),
		CFG_END() };
	struct err why = ERR_INIT;
	cfg_t *cfg;
	int result;

	make_options(profile_options, profile_fields, ARRAY_LEN(profile_fields), validate_profile);
	make_options(ui_options, ui_fields, ARRAY_LEN(ui_fields), validate_ui);
	cfg = cfg_init(options, CFGF_NONE);
	if (!cfg)
		die("out of memory");
	cfg_set_error_function(cfg, on_error);
	parsing.err = &why;
	parsing.file = path;
	parsing.is_private = is_private;
	result = cfg_parse_buf(cfg, text);
	parsing.err = NULL;
	parsing.file = NULL;
	if (result == CFG_SUCCESS)
		take_file(c, cfg);
	else if (!why.code)
		err_set(&why, ERR_USAGE, "%s: not understood", path);
	cfg_free(cfg);
	return result == CFG_SUCCESS ? true : err_set(err, why.code, "%s", why.msg);
}

/* Whoever may write the file may run commands as us. */
static bool owner_is_fine(int fd, const char *path, bool *is_private, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "%s is not a regular file", path);
	if ((st.st_uid != geteuid() && st.st_uid != 0) || st.st_mode & 02)
		return err_set(err, ERR_USAGE,
			"%s can be changed by others, and it can name commands to run: chmod 600 %s", path, path);
	*is_private = !(st.st_mode & 077);
	return true;
}

static bool read_file(int fd, const char *path, struct buf *out, struct err *err)
{
	char piece[4096];
	ssize_t n;
	bool ok = true;

	while (ok && (n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			ok = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
		else if (memchr(piece, '\0', (size_t)n))
			ok = err_set(err, ERR_USAGE, "%s holds a NUL byte: it is no text", path);
		else if (!buf_add(out, piece, (size_t)n))
			ok = err_set(err, ERR_LIMIT, "%s is larger than 1 MiB", path);
	}
	explicit_bzero(piece, sizeof(piece));
	return ok;
}

static void remember_file(struct config *c, const char *path)
{
	size_t n = 0;

	while (c->files_read && c->files_read[n])
		n++;
	c->files_read = xreallocarray(c->files_read, n + 2, sizeof(*c->files_read));
	c->files_read[n] = xstrdup(path);
	c->files_read[n + 1] = NULL;
}

static bool load_file(struct config *c, const char *path, bool may_miss, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct buf text = BUF_INIT;
	bool is_private = false, ok;

	if (fd < 0 && may_miss && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
		return true;
	if (fd < 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	buf_init(&text, FILE_MAX);
	ok = owner_is_fine(fd, path, &is_private, err) && read_file(fd, path, &text, err) &&
		parse_text(c, path, text.data ? text.data : (char[1]){ 0 }, is_private, err);
	if (ok)
		remember_file(c, path);
	close(fd);
	buf_wipe(&text);
	return ok;
}

bool config_load(struct config *c, const char *path, struct err *err)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *own;
	bool ok;

	*c = (struct config){ .refresh_ms = 5000, .mouse = true, .clipboard = true };
	c->files_read = xcalloc(1, sizeof(*c->files_read));
	if (path)
		return load_file(c, path, false, err);
	own = xdg && *xdg == '/' ? xasprintf("%s/stalwarden/stalwarden.conf", xdg)
				 : xasprintf("%s/.config/stalwarden/stalwarden.conf", home ? home : "");
	ok = load_file(c, SYSTEM_FILE, true, err) && load_file(c, own, true, err);
	free(own);
	return ok;
}

void config_release(struct config *c)
{
	for (size_t i = 0; i < c->profile_count; i++)
		profile_release(&c->profiles[i]);
	for (size_t i = 0; i < c->key_count; i++) {
		free(c->keys[i].panel);
		free(c->keys[i].keys);
		free(c->keys[i].action);
	}
	free(c->profiles);
	free(c->keys);
	free(c->theme);
	strings_free(c->files_read);
	*c = (struct config){ 0 };
}

const struct profile *config_profile(const struct config *c, const char *name)
{
	if (!name || !*name)
		return c->profile_count ? &c->profiles[0] : NULL;
	for (size_t i = 0; i < c->profile_count; i++)
		if (!strcmp(c->profiles[i].name, name))
			return &c->profiles[i];
	return NULL;
}
