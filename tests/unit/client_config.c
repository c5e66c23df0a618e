/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/config: what is read, what is refused, and that the error names file and line. */
#include "client/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/mem.h"

static char dir[64], *path;

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/config-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	path = xasprintf("%s/stalwarden.conf", dir);
	return 0;
}

static int tear_down(void **state)
{
	char *command = xasprintf("rm -rf %s", dir);
	int status = system(command);

	(void)state;
	free(command);
	free(path);
	return status;
}

static void put(const char *at, const char *text, size_t len, mode_t mode)
{
	FILE *f = fopen(at, "w");

	if (!f || fwrite(text, 1, len, f) != len || fclose(f) != 0 || chmod(at, mode) != 0)
		fail_msg("can't write %s", at);
}

static bool load(const char *text, mode_t mode, struct config *c, struct err *err)
{
	put(path, text, strlen(text), mode);
	return config_load(c, path, err);
}

static void everything_is_read(void **state)
{
	static const char text[] = "# comment\n"
				   "profile \"mail1\" {\n"
				   "  url = \"https://mail.example.org:8443\" user = admin\n"
				   "  password_command = {\"pass\", \"show\", \"mail1\"}\n"
				   "  password_file = \"/etc/pw\" use_netrc = yes\n"
				   "  ca_file = /etc/ca.pem pin = \"sha256//x\" connect_to = \"127.0.0.1:1443\"\n"
				   "  dialect = jmap log_source = \"/var/log/stalwart\"\n"
				   "  read_only = true colour = red\n"
				   "  near_networks = {10.0.0.0/8, \"2001:db8::/32\"}\n"
				   "  allowed = 192.0.2.1\n"
				   "  endpoints = {\"tls://mail.example.org:443\"} cert_files = \"/etc/*.pem\" names = {a, b, c}\n"
				   "  geo_database = \"/x.mmdb\" timeout = 20 refresh = 90s retention = 365d\n"
				   "}\n"
				   "profile second { url = http://127.0.0.1:8080 }\n"
				   "ui { theme = dark refresh = 15s mouse = false ascii = on clipboard = no }\n"
				   "keys {\n  u = unblock\n  \"<C-r>\" = reload\n  panel \"blocked\" { gg = top }\n}\n";
	struct config c;
	const struct profile *p;

	(void)state;
	assert_true(load(text, 0644, &c, NULL));
	assert_int_equal(c.profile_count, 2);
	p = config_profile(&c, NULL);
	assert_string_equal(p->name, "mail1");
	assert_string_equal(p->url, "https://mail.example.org:8443");
	assert_string_equal(p->user, "admin");
	assert_string_equal(p->password_command[0], "pass");
	assert_string_equal(p->password_command[2], "mail1");
	assert_null(p->password_command[3]);
	assert_string_equal(p->password_file, "/etc/pw");
	assert_true(p->use_netrc);
	assert_string_equal(p->connect_to, "127.0.0.1:1443");
	assert_string_equal(p->dialect, "jmap");
	assert_true(p->read_only);
	assert_false(p->insecure);
	assert_string_equal(p->near_networks[1], "2001:db8::/32");
	assert_null(p->near_networks[2]);
	assert_string_equal(p->allowed[0], "192.0.2.1");
	assert_string_equal(p->names[2], "c");
	assert_string_equal(p->cert_files[0], "/etc/*.pem");
	assert_int_equal(p->timeout_ms, 20000);
	assert_int_equal(p->refresh_ms, 90000);
	assert_int_equal(p->retention_ms, INT64_C(365) * 86400000);
	p = config_profile(&c, "second");
	assert_string_equal(p->dialect, "auto");
	assert_int_equal(p->timeout_ms, 10000);
	assert_int_equal(p->refresh_ms, 15000);
	assert_null(p->allowed[0]);
	assert_null(p->password_command);
	assert_null(config_profile(&c, "third"));
	assert_string_equal(c.theme, "dark");
	assert_int_equal(c.refresh_ms, 15000);
	assert_false(c.mouse);
	assert_true(c.ascii);
	assert_false(c.clipboard);
	assert_int_equal(c.key_count, 3);
	assert_string_equal(c.keys[1].panel, "generic");
	assert_string_equal(c.keys[1].keys, "<C-r>");
	assert_string_equal(c.keys[1].action, "reload");
	assert_string_equal(c.keys[2].panel, "blocked");
	assert_string_equal(c.files_read[0], path);
	assert_null(c.files_read[1]);
	config_release(&c);
}

static const struct {
	const char *text;
	int line; /* 0: no line */
	const char *words;
} errors[] = {
	{ "profile a {\n\n  timeout = abc\n}\n", 3, "no duration" },
	{ "profile a {\n  bogus = 1\n}\n", 2, "bogus" },
	{ "bogus = 1\n", 1, "bogus" },
	{ "\n\n\nbogus { }\n", 4, "bogus" },
	{ "profile a {\n  read_only = maybe\n}\n", 2, "" },
	{ "profile a {\n  dialect = \"imap\"\n}\n", 2, "must be auto" },
	{ "profile a {\n  allowed = {192.0.2.1,\n 10.0.0.1/8}\n}\n", 3, "10.0.0.0/8" },
	{ "profile a {\n  near_networks = \"localhost\"\n}\n", 2, "near_networks" },
	{ "profile a {\n  url = \"https://u:p@h\"\n}\n", 2, "credentials" },
	{ "profile a {\n  password = \"hunter2\"\n}\n", 2, "chmod 600" },
	{ "profile a {\n  timeout = 0\n}\n", 2, "no duration" },
	{ "profile a {\n  timeout = -5\n}\n", 2, "no duration" },
	{ "profile a {\n  timeout = 99999999999999999999\n}\n", 2, "no duration" },
	{ "profile a {\n  url = \"x\n}\n", 0, "" },
	{ "profile {\n}\n", 1, "title" },
	{ "ui {\n refresh = never\n}\n", 2, "no duration" },
	{ "}\n", 1, "" },
	{ "= =\n", 1, "" },
};

static void errors_name_file_and_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		char *place = xasprintf(errors[i].line ? "%s:%d: " : "%s:", path, errors[i].line);
		struct err err = ERR_INIT;
		struct config c;

		if (load(errors[i].text, 0644, &c, &err))
			fail_msg("text %zu was read", i);
		assert_int_equal(err.code, ERR_USAGE);
		if (strncmp(err.msg, place, strlen(place)) != 0 || !strstr(err.msg, errors[i].words))
			fail_msg("text %zu: %s", i, err.msg);
		assert_null(strstr(err.msg, "hunter2"));
		config_release(&c);
		free(place);
	}
}

static const struct {
	mode_t mode;
	bool with_password, without;
} modes[] = { { 0600, true, true }, { 0400, true, true }, { 0644, false, true }, { 0640, false, true }, { 0664, false, true }, { 0666, false, false },
	{ 0602, false, false } };

static void modes_decide_about_passwords(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct config c;

		unlink(path);
		assert_int_equal(load("profile a { password = hunter2 }", modes[i].mode, &c, NULL), modes[i].with_password);
		if (modes[i].with_password)
			assert_string_equal(c.profiles[0].password, "hunter2");
		config_release(&c);
		unlink(path);
		assert_int_equal(load("profile a { user = x }", modes[i].mode, &c, NULL), modes[i].without);
		config_release(&c);
	}
}

static void odd_files_are_refused(void **state)
{
	struct err err = ERR_INIT;
	struct config c;
	char *big;

	(void)state;
	assert_false(config_load(&c, "/nonexistent/x.conf", &err));
	assert_int_equal(err.code, ERR_IO);
	config_release(&c);
	err_clear(&err);
	assert_false(config_load(&c, dir, &err));
	config_release(&c);
	put(path, "ui {\0}", 6, 0600);
	err_clear(&err);
	assert_false(config_load(&c, path, &err));
	assert_non_null(strstr(err.msg, "NUL"));
	config_release(&c);
	big = xmalloc(2 << 20);
	memset(big, '#', 2 << 20);
	put(path, big, 2 << 20, 0600);
	err_clear(&err);
	assert_false(config_load(&c, path, &err));
	assert_int_equal(err.code, ERR_LIMIT);
	config_release(&c);
	put(path, "", 0, 0600);
	assert_true(config_load(&c, path, NULL));
	assert_int_equal(c.profile_count, 0);
	assert_null(config_profile(&c, NULL));
	config_release(&c);
	free(big);
}

static void the_own_file_is_found(void **state)
{
	char *folder = xasprintf("%s/stalwarden", dir), *own = xasprintf("%s/stalwarden.conf", folder);
	struct config c;

	(void)state;
	setenv("XDG_CONFIG_HOME", dir, 1);
	assert_true(config_load(&c, NULL, NULL)); /* a fresh machine has none */
	config_release(&c);
	assert_int_equal(mkdir(folder, 0700), 0);
	put(own, "profile x { user = a }\nprofile x { url = \"https://h\" }\nprofile y { user = b }\n", 75, 0600);
	assert_true(config_load(&c, NULL, NULL));
	assert_string_equal(config_profile(&c, "x")->url, "https://h");
	assert_string_equal(config_profile(&c, "y")->user, "b");
	config_release(&c);
	unsetenv("XDG_CONFIG_HOME");
	free(own);
	free(folder);
}

static void profiles_are_copied_whole(void **state)
{
	struct profile a, b;

	(void)state;
	profile_init(&a);
	profile_init(&b);
	a.url = xstrdup("https://h");
	a.password = xstrdup("pw");
	a.password_command = xcalloc(3, sizeof(char *));
	a.password_command[0] = xstrdup("pass");
	a.password_command[1] = xstrdup("x");
	a.read_only = true;
	profile_copy(&b, &a);
	profile_release(&a);
	assert_string_equal(b.url, "https://h");
	assert_string_equal(b.password, "pw");
	assert_string_equal(b.password_command[1], "x");
	assert_null(b.password_command[2]);
	assert_true(b.read_only);
	assert_string_equal(b.dialect, "auto");
	assert_null(b.allowed[0]);
	profile_release(&b);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(everything_is_read),
		TEST(errors_name_file_and_line),
		TEST(modes_decide_about_passwords),
		TEST(odd_files_are_refused),
		TEST(the_own_file_is_found),
		TEST(profiles_are_copied_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
