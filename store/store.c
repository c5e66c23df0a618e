/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opens the store, brings it to this program's version, and answers for its file. Knows the tables
 * only as steps of schema.sql. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "store/history.h"
#include "store/journal_records.h"

#define CHECK_EVERY (INT64_C(24) * 3600 * 1000) /* ms */
#define WAL_MANY 8000  /* pages, 32 MB: with fewer between two checkpoints, reading in a log takes thrice as long */
#define WAL_MOST 64000 /* 256 MB */
#define STEP_MARK   "-- version "

static const char schema[] = {
#include "gen/store/schema.sql.h"
	0
};

/* ---- the file ---- */

/* mkdir -p, what is made being ours alone. */
static bool make_dirs(const char *dir, struct err *err)
{
	char *path = xstrdup(dir), *p;
	bool ok = true;

	for (p = path + 1; ok; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST && errno != EROFS)
			ok = err_set(err, ERR_IO, "can't make %s: %s", path, strerror(errno));
		*p = c;
		if (c == '\0')
			break;
	}
	free(path);
	return ok;
}

/* The file must exist with its mode before SQLite opens it: the WAL inherits it. It is not opened
 * when it is there, because closing it again would drop the locks another connection of this
 * process holds. */
static void make_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	else if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
		 (st.st_mode & 077))
		chmod(path, 0600);
}

static int on_progress(void *arg)
{
	const struct store *s = arg;

	return s->deadline && clock_mono() > s->deadline;
}

static int try_open(struct store *s, const char *name, int flags)
{
	int code;

	sqlite3_close(s->db);
	s->db = NULL;
	code = sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE, NULL);
	sqlite3_busy_timeout(s->db, (int)s->busy_ms);
	if (code == SQLITE_OK) /* is it a database, and may it be read? */
		code = sqlite3_exec(s->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	return code;
}

/* A WAL database in a directory that can't be written is readable only when nobody can be writing
 * it. */
static int open_for_reading(struct store *s)
{
	char *uri = sqlite3_mprintf("file:%s?immutable=1", s->path);
	int code = try_open(s, s->path, SQLITE_OPEN_READONLY);

	s->read_only = true;
	if (code != SQLITE_OK && (code & 0xff) != SQLITE_NOTADB && (code & 0xff) != SQLITE_CORRUPT)
		code = try_open(s, uri, SQLITE_OPEN_READONLY);
	sqlite3_free(uri);
	return code;
}

static bool open_file(struct store *s, const struct store_options *o, struct err *err)
{
	int code = SQLITE_READONLY;

	if (!o->read_only && make_dirs(o->dir, err)) {
		make_file(s->path);
		code = try_open(s, s->path, SQLITE_OPEN_READWRITE);
		if (code == SQLITE_OK && sqlite3_db_readonly(s->db, "main") == 1)
			s->read_only = true;
	}
	if (code != SQLITE_OK && (code & 0xff) != SQLITE_NOTADB &&
		(code & 0xff) != SQLITE_CORRUPT && access(s->path, R_OK) == 0) {
		err_clear(err);
		code = open_for_reading(s);
	}
	if (code == SQLITE_OK)
		return true;
	return (err == NULL || err->code == ERR_NONE) ? db_fail(s, code, err) : false;
}

/* ---- versions ---- */

/* Text of step n of schema.sql, copied; NULL when there is none. */
static char *step_text(int n)
{
	char mark[32];
	const char *p, *end;

	snprintf(mark, sizeof(mark), STEP_MARK "%d\n", n);
	p = strstr(schema, mark);
	if (p == NULL)
		return NULL;
	end = strstr(p + 1, STEP_MARK);
	return xstrndup(p, end ? (size_t)(end - p) : strlen(p));
}

static int latest_version(void)
{
	int n = 0;
	char *step;

	while ((step = step_text(n + 1)) != NULL) {
		free(step);
		n++;
	}
	return n;
}

int store_version(const struct store *s)
{
	sqlite3_stmt *q = NULL;
	int version = -1;

	if (s == NULL)
		return -1;
	if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &q, NULL) == SQLITE_OK &&
		sqlite3_step(q) == SQLITE_ROW)
		version = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return version;
}

/* One step and its number in one transaction; another process may have made it meanwhile. */
static bool make_step(struct store *s, int n, struct err *err)
{
	char *text = step_text(n), pragma[48];
	bool ok = db_begin(s, err);

	if (ok && store_version(s) < n) {
		snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", n);
		ok = db_exec(s, text, err) && db_exec(s, pragma, err);
	}
	if (ok)
		ok = db_commit(s, err);
	else
		db_rollback(s);
	free(text);
	return ok;
}

static bool migrate(struct store *s, struct err *err)
{
	int version = store_version(s), latest = latest_version();

	if (version < 0)
		return db_fail(s, sqlite3_errcode(s->db), err);
	if (version > latest)
		return err_set(err, ERR_UNSUPPORTED,
			"%s was written by a newer stalwarden (version %d, this one knows %d)",
			s->path, version, latest);
	if (s->read_only && version < latest)
		return err_set(err, ERR_IO, "%s can only be read, and is %s", s->path,
			version ? "of an older version" : "empty");
	while (version < latest) {
		if (!make_step(s, ++version, err))
			return false;
	}
	return true;
}

/* Changing to WAL needs the file alone, and SQLite does not wait for that by itself: when several
 * processes make the store at once, all but one try again. */
static bool set_wal(struct store *s, struct err *err)
{
	int64_t until = clock_mono() + s->busy_ms;
	int code;

	for (;;) {
		code = sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
		if ((code & 0xff) != SQLITE_BUSY || clock_mono() >= until)
			return code == SQLITE_OK || db_fail(s, code, err);
		sqlite3_sleep(2);
	}
}

/* In place of SQLite's own checkpoints, which come in the middle of anything and wait for the disk
 * 40 ms and more: store_tidy() says when. Only a WAL that nobody tidies up is cut short here. */
static int on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct store *s = arg;

	s->wal_pages = pages;
	if (pages >= WAL_MOST)
		sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return SQLITE_OK;
}

void store_tidy(struct store *s)
{
	if (s == NULL || s->wal_pages < WAL_MANY)
		return;
	s->wal_pages = 0;
	sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

void store_patience(struct store *s, unsigned busy_ms)
{
	if (s == NULL)
		return;
	s->busy_ms = busy_ms;
	sqlite3_busy_timeout(s->db, (int)busy_ms);
}

static bool set_pragmas(struct store *s, struct err *err)
{
	if (!s->read_only && !set_wal(s, err))
		return false;
	sqlite3_wal_hook(s->db, on_wal, s);
	return db_exec(s,
		"PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = "
		"-32000; PRAGMA trusted_schema = OFF; "
		"PRAGMA journal_size_limit = 33554432",
		err);
}

/* ---- checking ---- */

static bool run_check(struct store *s, const char *pragma, struct err *err)
{
	sqlite3_stmt *q = db_prepare(s, pragma, err);
	const char *words;
	bool ok;

	if (q == NULL)
		return false;
	if (db_step(s, q, err) <= 0)
		return false;
	words = (const char *)sqlite3_column_text(q, 0);
	ok = words && strcmp(words, "ok") == 0;
	if (!ok)
		db_damaged(s, words ? words : "?", err);
	sqlite3_reset(q);
	return ok;
}

static bool check_now_and_then(struct store *s, struct err *err)
{
	struct buf last = BUF_INIT;
	char stamp[TIME_BUF];
	int64_t t = TIME_NONE, now = clock_now();
	bool ok = true;

	if (store_recall(s, "", "checked", &last, NULL))
		time_parse(buf_str(&last), now, &t);
	buf_release(&last);
	if (t != TIME_NONE && now - t < CHECK_EVERY && now >= t)
		return true;
	s->deadline = 0;
	ok = run_check(s, "PRAGMA quick_check(1)", err);
	if (ok && !s->read_only)
		store_remember(s, "", "checked", time_format(now, stamp, sizeof(stamp)), NULL);
	return ok;
}

bool store_check(struct store *s, struct err *err)
{
	if (!db_may_read(s, err))
		return false;
	s->deadline = 0;
	return run_check(s, "PRAGMA integrity_check(1)", err);
}

/* ---- public ---- */

struct store *store_open(const struct store_options *o, struct err *err)
{
	struct store *s = xcalloc(1, sizeof(*s));
	struct err local = ERR_INIT;

	if (err == NULL)
		err = &local;
	s->path = xasprintf("%s/history.db", o->dir);
	s->busy_ms = o->busy_ms ? o->busy_ms : 50;
	s->query_ms = o->query_ms ? o->query_ms : 5000;
	if (!open_file(s, o, err))
		goto out;
	if (!set_pragmas(s, err) || !journal_define_functions(s, err) || !migrate(s, err))
		goto out;
	if (!o->skip_check && !check_now_and_then(s, err))
		goto out;
	sqlite3_progress_handler(s->db, 2000, on_progress, s);
	return s;
out:
	store_close(s);
	return NULL;
}

void store_close(struct store *s)
{
	size_t i;

	if (s == NULL)
		return;
	history_logins_write(s, NULL);
	logins_forget(s);
	for (i = 0; i < s->count; i++)
		sqlite3_finalize(s->statements[i].stmt);
	sqlite3_close(s->db);
	free(s->statements);
	free(s->server_name);
	free(s->journal_prints);
	free(s->path);
	free(s);
}

bool store_is_readonly(const struct store *s)
{
	return s && s->read_only;
}

const char *store_path(const struct store *s)
{
	return s ? s->path : "";
}

int64_t store_size(const struct store *s)
{
	static const char *const parts[] = { "", "-wal" };
	int64_t size = 0;
	struct stat st;
	size_t i;

	for (i = 0; s && i < ARRAY_LEN(parts); i++) {
		char *path = xasprintf("%s%s", s->path, parts[i]);

		if (stat(path, &st) == 0)
			size += st.st_size;
		free(path);
	}
	return size;
}
