/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client/secret and client/cred: files, commands, netrc and what is fit to be sent. */
#include "client/secret.h"

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

#include "client/cred.h"
#include "core/clock.h"
#include "core/mem.h"

#define HANG_MS 30000

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/secret-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char *command = xasprintf("rm -rf %s", dir);
	int status = system(command);

	(void)state;
	free(command);
	return status;
}

static char *put_file(const char *name, const void *data, size_t len, mode_t mode)
{
	char *path = xasprintf("%s/%s", dir, name);
	FILE *f;

	unlink(path);
	f = fopen(path, "w");
	if (!f || fwrite(data, 1, len, f) != len || fclose(f) != 0 || chmod(path, mode) != 0)
		fail_msg("can't write %s", path);
	return path;
}

/* ---- files ---- */

static const struct {
	mode_t mode;
	bool ok;
} modes[] = { { 0600, true }, { 0400, true }, { 0700, true }, { 0640, false }, { 0644, false }, { 0604, false }, { 0660, false }, { 0602, false },
	{ 0601, false }, { 0777, false } };

static void only_private_files_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		char *path = put_file("pw", "s3cret\n", 7, modes[i].mode), *advice = xasprintf("chmod 600 %s", path);
		struct buf out = BUF_INIT;
		struct err err = ERR_INIT;

		assert_int_equal(secret_file_read(path, &out, &err), modes[i].ok);
		if (modes[i].ok)
			assert_string_equal(buf_str(&out), "s3cret");
		else
			assert_non_null(strstr(err.msg, advice));
		assert_null(strstr(err.msg, "s3cret"));
		buf_wipe(&out);
		free(advice);
		free(path);
	}
}

static const struct {
	const char *name, *data;
	size_t len;
	bool ok;
	const char *secret;
} contents[] = {
	{ "plain", "abc", 3, true, "abc" },
	{ "one newline", "abc\n", 4, true, "abc" },
	{ "blanks belong to it", " a b \n", 6, true, " a b " },
	{ "two newlines", "abc\n\n", 5, false, NULL },
	{ "two lines", "abc\ndef\n", 8, false, NULL },
	{ "CR LF", "abc\r\n", 5, false, NULL },
	{ "NUL", "a\0c\n", 4, false, NULL },
	{ "empty", "", 0, false, NULL },
	{ "only a newline", "\n", 1, false, NULL },
	{ "not UTF-8", "a\xff\n", 3, false, NULL },
	{ "UTF-8", "p\xc3\xa4ss\n", 6, true, "p\xc3\xa4ss" },
};

static void contents_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		char *path = put_file("pw", contents[i].data, contents[i].len, 0600);
		struct buf out = BUF_INIT;
		struct err err = ERR_INIT;

		if (secret_file_read(path, &out, &err) != contents[i].ok)
			fail_msg("%s: %s", contents[i].name, err.msg);
		assert_string_equal(buf_str(&out), contents[i].ok ? contents[i].secret : "");
		assert_int_equal(err.code != ERR_NONE, !contents[i].ok);
		buf_wipe(&out);
		free(path);
	}
}

static void odd_files_are_refused(void **state)
{
	char *big = xmalloc(6000), *path, *link, *fifo;
	struct buf out = BUF_INIT;
	struct err err = ERR_INIT;

	(void)state;
	memset(big, 'x', 6000);
	path = put_file("big", big, 6000, 0600);
	assert_false(secret_file_read(path, &out, &err));
	assert_int_equal(err.code, ERR_LIMIT);
	free(path);
	path = put_file("max", big, SECRET_MAX, 0600);
	assert_true(secret_file_read(path, &out, NULL));
	assert_int_equal(out.len, SECRET_MAX);
	buf_wipe(&out);
	link = xasprintf("%s/link", dir);
	assert_int_equal(symlink(path, link), 0);
	err_clear(&err);
	assert_false(secret_file_read(link, &out, &err));
	assert_non_null(strstr(err.msg, "symbolic link"));
	err_clear(&err);
	assert_false(secret_file_read(dir, &out, &err));
	assert_int_not_equal(err.code, ERR_NONE);
	fifo = xasprintf("%s/fifo", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	err_clear(&err);
	assert_false(secret_file_read(fifo, &out, &err)); /* and it does not wait for a writer */
	assert_non_null(strstr(err.msg, "regular"));
	err_clear(&err);
	assert_false(secret_file_read("/nonexistent/pw", &out, &err));
	assert_int_equal(err.code, ERR_IO);
	if (geteuid() == 0) { /* somebody else's */
		assert_int_equal(chown(path, 12345, 0), 0);
		err_clear(&err);
		assert_false(secret_file_read(path, &out, &err));
		assert_non_null(strstr(err.msg, "chown"));
	}
	unlink(link);
	free(link);
	free(fifo);
	free(path);
	free(big);
}

/* ---- what may be sent ---- */

static const struct {
	const char *text;
	bool ok;
} tokens[] = {
	{ "api_bmFtZTpzZWNyZXQ=", true }, { "api_bmFtZTpzZWNyZXQ", true }, { "api_YWI=", true }, { "api_YWJj", true }, { "eyJhbGciOi.J9.x-_~+/==", true },
	{ "api_", false }, { "api_=", false }, { "api_YWJ!", false }, { "api_YWJjZ", false }, { "api_YW==Jj", false }, { "api_YWI==", false },
	{ "with blank", false }, { "quote\"", false }, { "p\xc3\xa4ss", false },
};

static void tokens_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		struct err err = ERR_INIT;

		if (secret_check(tokens[i].text, strlen(tokens[i].text), true, &err) != tokens[i].ok)
			fail_msg("token %s: %s", tokens[i].text, err.msg);
		assert_true(strlen(tokens[i].text) < 6 || !strstr(err.msg, tokens[i].text));
	}
}

static void credentials_are_checked_and_kept(void **state)
{
	struct cred c;
	struct err err = ERR_INIT;
	char *long_secret = xmalloc(CRED_MAX + 1);

	(void)state;
	memset(long_secret, 'x', CRED_MAX);
	long_secret[CRED_MAX] = '\0';
	cred_init(&c);
	assert_false(cred_is_set(&c));
	assert_string_equal(cred_secret(&c), "");
	assert_true(cred_set(&c, "admin", "pw", false, NULL));
	assert_string_equal(cred_user(&c), "admin");
	assert_string_equal(cred_secret(&c), "pw");
	assert_false(cred_set(&c, NULL, "pw2", false, &err)); /* a refused one leaves the former */
	assert_false(cred_set(&c, "a:b", "pw2", false, NULL));
	assert_false(cred_set(&c, "a\nb", "pw2", false, NULL));
	assert_false(cred_set(&c, "a\xff", "pw2", false, NULL));
	assert_false(cred_set(&c, "admin", "", false, NULL));
	assert_false(cred_set(&c, "admin", "p\xff", false, NULL));
	assert_false(cred_set(&c, "admin", long_secret, false, NULL));
	assert_false(cred_set(&c, NULL, "api_!!", true, NULL));
	assert_string_equal(cred_secret(&c), "pw");
	assert_true(cred_set(&c, NULL, "api_YWJj", true, NULL));
	assert_true(c.is_token);
	cred_release(&c);
	assert_false(cred_is_set(&c));
	free(long_secret);
}

/* ---- commands ---- */

struct heard {
	bool done;
	char secret[SECRET_MAX + 1];
	bool has_secret;
	struct err err;
};

static void on_secret(void *arg, const char *secret, const struct err *err)
{
	struct heard *h = arg;

	assert_false(h->done);
	h->done = true;
	h->has_secret = secret != NULL;
	snprintf(h->secret, sizeof(h->secret), "%s", secret ? secret : "");
	h->err = *err;
	assert_int_equal(secret == NULL, err->code != ERR_NONE);
}

static void run_command(struct loop *loop, const char *script, struct heard *h)
{
	char *argv[] = { "/bin/sh", "-c", (char *)(uintptr_t)script, NULL };
	int64_t end = clock_mono() + HANG_MS;

	*h = (struct heard){ 0 };
	secret_command_run(loop, argv, NULL, on_secret, h);
	assert_false(h->done);
	while (!h->done && clock_mono() < end)
		loop_turn(loop, 100);
	assert_true(h->done);
}

static const struct {
	const char *script, *secret, *words;
	enum err_code code;
} commands[] = {
	{ "echo hunter2", "hunter2", NULL, ERR_NONE },
	{ "printf hunter2", "hunter2", NULL, ERR_NONE },
	{ "printf 'p w '", "p w ", NULL, ERR_NONE },
	{ "printf 'slow'; exec 2>/dev/null; printf 'er'", "slower", NULL, ERR_NONE },
	{ "exit 3", NULL, "exit code 3", ERR_IO },
	{ "echo hunter2; exit 1", NULL, "exit code 1", ERR_IO },
	{ "kill -9 $$", NULL, "signal 9", ERR_IO },
	{ "true", NULL, "empty", ERR_USAGE },
	{ "echo", NULL, "empty", ERR_USAGE },
	{ "printf 'a\\nb\\n'", NULL, "line break", ERR_USAGE },
	{ "printf 'a\\r\\n'", NULL, "line break", ERR_USAGE },
	{ "printf 'a\\000b'", NULL, "NUL", ERR_USAGE },
	{ "head -c 1000000 /dev/zero | tr '\\0' x", NULL, "4 KiB", ERR_LIMIT },
	{ "yes", NULL, "4 KiB", ERR_LIMIT },
	{ "read x </dev/tty && echo $x", NULL, "exit code", ERR_IO },
	{ "test -z \"$STALWARDEN_PASSWORD$STALWARDEN_TOKEN\" && echo clean", "clean", NULL, ERR_NONE },
};

static void commands_give_a_secret_or_say_why(void **state)
{
	struct loop *loop = loop_new();
	struct heard h;

	(void)state;
	setenv("STALWARDEN_PASSWORD", "canary", 1);
	setenv("STALWARDEN_TOKEN", "canary", 1);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		run_command(loop, commands[i].script, &h);
		if (h.err.code != commands[i].code)
			fail_msg("%s: %d %s", commands[i].script, h.err.code, h.err.msg);
		assert_string_equal(h.secret, commands[i].secret ? commands[i].secret : "");
		if (commands[i].words)
			assert_non_null(strstr(h.err.msg, commands[i].words));
		assert_null(strstr(h.err.msg, "hunter2"));
	}
	unsetenv("STALWARDEN_PASSWORD");
	unsetenv("STALWARDEN_TOKEN");
	loop_free(loop);
}

static void a_missing_command_is_told_later(void **state)
{
	struct loop *loop = loop_new();
	char *none[] = { NULL }, *missing[] = { "/nonexistent/pass", NULL };
	struct heard h = { 0 }, h2 = { 0 };
	int64_t end = clock_mono() + HANG_MS;

	(void)state;
	secret_command_run(loop, missing, NULL, on_secret, &h);
	secret_command_run(loop, none, NULL, on_secret, &h2);
	assert_false(h.done);
	while ((!h.done || !h2.done) && clock_mono() < end)
		loop_turn(loop, 100);
	assert_int_equal(h.err.code, ERR_IO);
	assert_int_equal(h2.err.code, ERR_USAGE);
	loop_free(loop);
}

/* The time limit itself is 10 s: it is run into once, by a command that hangs with its output open. */
static void a_hanging_command_is_ended(void **state)
{
	struct loop *loop = loop_new();
	struct heard h;
	int64_t began = clock_mono();

	(void)state;
	run_command(loop, "printf half; exec tail -f /dev/null", &h);
	assert_int_equal(h.err.code, ERR_TIMEOUT);
	assert_true(clock_mono() - began >= SECRET_COMMAND_MS - 100);
	loop_free(loop);
}

static void a_cancelled_command_is_ended_at_once(void **state)
{
	struct loop *loop = loop_new();
	char *argv[] = { "/bin/sh", "-c", "exec tail -f /dev/null", NULL };
	struct scope scope;
	struct heard h = { 0 };

	(void)state;
	scope_init(&scope);
	secret_command_run(loop, argv, &scope, on_secret, &h);
	loop_turn(loop, 20);
	scope_cancel(&scope);
	loop_turn(loop, 20);
	assert_false(h.done);
	assert_int_equal(loop_timer_count(loop), 0);
	loop_free(loop);
}

/* ---- netrc ---- */

static const char netrc[] = "# a comment of odd length\nmachine other login admin password no\n"
			    "machine mail.example.org\n\tlogin alice password \"with \\\"quotes\\\" and blank\"\n"
			    "machine mail.example.org login bob\n\taccount x password b\\ ob\n"
			    "macdef init\nmachine mail.example.org login mallory password macro\n\n"
			    "machine MAIL2.example.org password nouser\n"
			    "default login anonymous password guest\n";

static const struct {
	const char *host, *user, *password;
} lookups[] = {
	{ "mail.example.org", "alice", "with \"quotes\" and blank" },
	{ "mail.example.org", "bob", "b ob" },
	{ "mail.example.org", NULL, "with \"quotes\" and blank" },
	{ "mail.example.org", "mallory", NULL },
	{ "other", "admin", "no" },
	{ "mail2.example.org", "", "nouser" },
	{ "unknown.example.org", "anonymous", "guest" },
	{ "unknown.example.org", "alice", NULL },
};

static void netrc_is_looked_up(void **state)
{
	char *path = put_file("netrc", netrc, strlen(netrc), 0600);
	struct buf out = BUF_INIT;
	struct err err = ERR_INIT;

	(void)state;
	setenv("NETRC", path, 1);
	for (size_t i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++) {
		buf_reset(&out);
		err_clear(&err);
		if (secret_netrc(lookups[i].host, lookups[i].user, &out, &err) != (lookups[i].password != NULL))
			fail_msg("%s@%s: %s", lookups[i].user, lookups[i].host, err.msg);
		assert_string_equal(buf_str(&out), lookups[i].password ? lookups[i].password : "");
		assert_int_equal(err.code, lookups[i].password ? ERR_NONE : ERR_NOT_FOUND);
	}
	chmod(path, 0644);
	err_clear(&err);
	assert_false(secret_netrc("other", "admin", &out, &err));
	assert_non_null(strstr(err.msg, "chmod 600"));
	unlink(path);
	err_clear(&err);
	assert_false(secret_netrc("other", "admin", &out, &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	unsetenv("NETRC");
	buf_wipe(&out);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_private_files_are_read),
		cmocka_unit_test(contents_are_checked),
		cmocka_unit_test(odd_files_are_refused),
		cmocka_unit_test(tokens_are_checked),
		cmocka_unit_test(credentials_are_checked_and_kept),
		cmocka_unit_test(commands_give_a_secret_or_say_why),
		cmocka_unit_test(a_missing_command_is_told_later),
		cmocka_unit_test(a_hanging_command_is_ended),
		cmocka_unit_test(a_cancelled_command_is_ended_at_once),
		cmocka_unit_test(netrc_is_looked_up),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
