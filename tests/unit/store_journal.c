/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Own changes: written before, completed after, listed, loaded whole for undo. */
#include "model/change.h"
#include "store/journal.h"
#include "tests/unit/store_world.h"

static void set_outcome(
	struct change *c, size_t i, enum verdict v, const char *before, const char *after)
{
	struct outcome *o = &c->outcomes[i];

	free(o->before);
	free(o->after);
	o->verdict = v;
	o->before = before ? xstrdup(before) : NULL;
	o->after = after ? xstrdup(after) : NULL;
}

static struct change *make_change(void)
{
	struct change *c = change_new();
	struct edit *e;

	e = change_add(c, EDIT_BLOCK, "203.0.113.0/24");
	e->note = xstrdup("case 118 \"quoted\"");
	e->by = xstrdup("root");
	e->reason = REASON_MANUAL;
	e->expires = T0 + 7 * DAY;
	e = change_add(c, EDIT_THRESHOLD, "auth");
	e->class = CLASS_AUTH;
	*e->value = (struct threshold){ .supported = true,
		.enabled = true,
		.count = 200,
		.period_ms = HOUR,
		.ban_period_ms = 7 * DAY };
	change_add(c, EDIT_UNBLOCK, "not-an-ip");
	c->reset_classes = 1u << CLASS_AUTH;
	c->reason = xstrdup("spray");
	c->forced = true;
	c->forced_what = xstrdup("private range");
	c->started = T0;
	return c;
}

static void test_written_before_completed_after(void **state)
{
	struct world *w = *state;
	struct change *c = make_change();
	struct journal_query q;
	struct journal_row *rows;
	struct err err = ERR_INIT;
	int64_t id;
	size_t count;

	assert_true(journal_begin(w->store, "mail1", "root (ssh 198.51.100.9)", c, 0, &id, &err));
	journal_query_init(&q);
	assert_true(journal_list(w->store, &q, &rows, &count, &err));
	assert_int_equal(count, 3);
	assert_int_equal(rows[0].verdict, VERDICT_PENDING);
	assert_true(rows[0].ended == TIME_NONE);
	assert_string_equal(rows[0].steps, "[]");
	journal_rows_free(rows, count);

	change_step(c, STEP_WRITE, true, 12, 0, 0, NULL);
	change_step(c, STEP_READ_BACK, false, 3, 1, 1, "got \"100/1d\"\033[31m");
	set_outcome(c, 0, VERDICT_IN_FORCE, NULL, "{\"by\":\"root\"}");
	assert_true(journal_update(w->store, id, c, false, &err));
	set_outcome(c, 1, VERDICT_MISMATCH, "100/1d", "100/1d");
	c->outcomes[1].why = ERR_CONFLICT;
	c->outcomes[1].detail = xstrdup("someone else");
	set_outcome(c, 2, VERDICT_IN_FORCE, "", NULL);
	c->ended = T0 + SECOND;
	assert_true(journal_update(w->store, id, c, true, &err));
	assert_true(journal_list(w->store, &q, &rows, &count, &err));
	assert_int_equal(count, 3);
	assert_string_equal(rows[0].operator_name, "root (ssh 198.51.100.9)");
	assert_string_equal(rows[0].server, "mail1");
	assert_string_equal(rows[0].target, "203.0.113.0/24");
	assert_string_equal(rows[0].reason, "spray");
	assert_string_equal(rows[0].forced, "private range");
	assert_false(rows[0].has_before);
	assert_true(rows[0].has_after);
	assert_string_equal(
		rows[0].steps, "[{\"step\":\"write\",\"ok\":true,\"ms\":12,\"detail\":\"\"}]");
	assert_int_equal(rows[1].verdict, VERDICT_MISMATCH);
	assert_int_equal(rows[1].why, ERR_CONFLICT);
	assert_string_equal(rows[1].detail, "someone else");
	assert_non_null(strstr(rows[1].steps, "\\\"100/1d\\\""));
	assert_null(strchr(rows[1].steps, '\033'));
	assert_true(rows[2].has_before && !rows[2].has_after);
	assert_true(rows[2].time == T0 && rows[2].ended == T0 + SECOND);
	journal_rows_free(rows, count);
	change_free(c);
}

static void test_loaded_as_it_was(void **state)
{
	struct world *w = *state;
	struct change *c = make_change(), *back, *one;
	struct err err = ERR_INIT;
	int64_t id, found, edit;
	char *server, lost[128];
	size_t i;

	change_step(c, STEP_RELOAD, true, 80, 0, 0, "took it");
	set_outcome(c, 0, VERDICT_IN_FORCE, NULL, "value");
	set_outcome(c, 1, VERDICT_IN_FORCE, "100/1d", "200/1h for 7d");
	set_outcome(c, 2, VERDICT_NOT_STORED, "", "");
	assert_true(journal_begin(w->store, "mail1", "root", c, 0, &id, &err));
	assert_true(journal_update(w->store, id, c, true, &err));
	back = journal_load(w->store, id, 0, &server, &err);
	assert_non_null(back);
	assert_string_equal(server, "mail1");
	free(server);
	assert_int_equal(back->count, c->count);
	for (i = 0; i < c->count; i++) {
		assert_int_equal(back->edits[i].kind, c->edits[i].kind);
		assert_string_equal(back->edits[i].target, c->edits[i].target);
		assert_true(net_equal(&back->edits[i].net, &c->edits[i].net));
		assert_int_equal(back->edits[i].class, c->edits[i].class);
		assert_true(back->edits[i].expires == c->edits[i].expires);
		assert_int_equal(back->outcomes[i].verdict, c->outcomes[i].verdict);
		assert_int_equal(!back->outcomes[i].before, !c->outcomes[i].before);
	}
	assert_string_equal(back->edits[0].note, "case 118 \"quoted\"");
	assert_string_equal(back->edits[0].by, "root");
	assert_int_equal(back->edits[0].reason, REASON_MANUAL);
	assert_true(rate_equal(back->edits[1].value, c->edits[1].value));
	assert_int_equal(back->reset_classes, c->reset_classes);
	assert_true(back->forced);
	assert_int_equal(back->step_count, 1);
	assert_string_equal(back->steps[0].detail, "took it");
	/* It can be turned round. */
	one = change_inverse(back, lost, sizeof(lost));
	assert_non_null(one);
	assert_int_equal(one->count, 2);
	change_free(one);
	/* One edit alone. */
	assert_true(journal_find(w->store, NULL, 2, &found, &edit, &err));
	assert_true(found == id && edit == 2);
	one = journal_load(w->store, found, edit, NULL, &err);
	assert_int_equal(one->count, 1);
	assert_string_equal(one->edits[0].target, "auth");
	change_free(one);
	assert_null(journal_load(w->store, 99, 0, &server, &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	change_free(back);
	change_free(c);
}

static int64_t run_change(struct world *w, const char *server, enum edit_kind kind,
	const char *target, enum verdict v, int64_t t, int64_t undoes)
{
	struct change *c = change_new();
	struct err err = ERR_INIT;
	int64_t id;

	change_add(c, kind, target);
	c->started = t;
	assert_true(journal_begin(w->store, server, "root", c, undoes, &id, &err));
	set_outcome(c, 0, v, "x", NULL);
	assert_true(journal_update(w->store, id, c, true, &err));
	change_free(c);
	return id;
}

static void test_undo_marks_what_it_took_back(void **state)
{
	struct world *w = *state;
	struct journal_query q;
	struct journal_row *rows;
	struct err err = ERR_INIT;
	int64_t first = run_change(
			w, "mail1", EDIT_UNBLOCK, "203.0.113.7", VERDICT_IN_FORCE, T0, 0),
		change, edit, undo;
	size_t count;

	run_change(w, "mail2", EDIT_UNBLOCK, "203.0.113.9", VERDICT_IN_FORCE, T0 + MINUTE, 0);
	run_change(w, "mail1", EDIT_UNBLOCK, "203.0.113.8", VERDICT_NOT_STORED, T0 + 2 * MINUTE, 0);
	assert_true(journal_find(w->store, "mail1", 0, &change, &edit, &err));
	assert_true(change == first && edit == 0);
	assert_true(journal_touched_since(w->store, "mail1", first, "203.0.113.7", &err) == 0);
	/* An undo that did not take leaves it undoable. */
	run_change(
		w, "mail1", EDIT_BLOCK, "203.0.113.7", VERDICT_NOT_STORED, T0 + 3 * MINUTE, first);
	assert_true(journal_find(w->store, "mail1", 0, &change, &edit, &err));
	assert_true(change == first);
	undo = run_change(
		w, "mail1", EDIT_BLOCK, "203.0.113.7", VERDICT_IN_FORCE, T0 + 4 * MINUTE, first);
	assert_false(journal_find(w->store, "mail1", 0, &change, &edit, &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_true(journal_touched_since(w->store, "mail1", first, "203.0.113.7", &err) == undo);
	journal_query_init(&q);
	q.target = "203.0.113.7";
	assert_true(journal_list(w->store, &q, &rows, &count, &err));
	assert_int_equal(count, 3);
	assert_true(rows[2].undone_by == undo);
	assert_true(rows[0].undoes == first);
	journal_rows_free(rows, count);
}

static void test_filters(void **state)
{
	struct world *w = *state;
	struct journal_query q;
	struct journal_row *rows;
	struct err err = ERR_INIT;
	size_t count;

	run_change(w, "mail1", EDIT_UNBLOCK, "203.0.113.7", VERDICT_IN_FORCE, T0, 0);
	run_change(w, "mail1", EDIT_BLOCK, "203.0.113.0/24", VERDICT_IN_FORCE, T0 + HOUR, 0);
	run_change(w, "mail1", EDIT_BLOCK, "198.51.100.1", VERDICT_IN_FORCE, T0 + 2 * HOUR, 0);
	run_change(w, "mail2", EDIT_RELOAD, "all", VERDICT_IN_FORCE, T0 + 3 * HOUR, 0);
	journal_query_init(&q);
	q.within = net_of("203.0.113.7");
	assert_true(journal_list(w->store, &q, &rows, &count, &err));
	assert_int_equal(count, 2); /* itself and the network that contains it */
	assert_string_equal(rows[0].target, "203.0.113.0/24");
	journal_rows_free(rows, count);
	journal_query_init(&q);
	q.server = "mail1";
	q.since = T0 + HOUR;
	q.until = T0 + 2 * HOUR;
	assert_true(journal_list(w->store, &q, &rows, &count, &err));
	assert_int_equal(count, 1);
	journal_rows_free(rows, count);
	journal_query_init(&q);
	q.limit = 2;
	assert_true(journal_list(w->store, &q, &rows, &count, &err));
	assert_int_equal(count, 2);
	assert_int_equal(rows[0].kind, EDIT_RELOAD);
	journal_rows_free(rows, count);
}

/* An un-block of ours is the end of a ban, by name. */
static void test_own_unblock_ends_a_ban(void **state)
{
	struct world *w = *state;
	struct entrylist *l = entrylist_new(), *empty = entrylist_new();
	struct history_query q = all_of("mail1");
	struct history_ban *bans;
	struct history_seen *job;
	bool is_done = false;
	size_t count;
	int i;

	world_ban(w, T0, CLASS_AUTH, "203.0.113.7", "a");
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	entrylist_add(l, "203.0.113.7", 11, NULL, 0, NULL, REASON_AUTH, ORIGIN_SERVER, TIME_NONE,
		TIME_NONE);
	entrylist_finish(l);
	entrylist_finish(empty);
	for (i = 0; i < 2; i++) {
		job = history_seen_begin(
			w->store, "mail1", i ? empty : l, T0 + (i + 1) * HOUR, NULL);
		assert_true(history_seen_step(job, 100, &is_done, NULL));
		assert_true(is_done);
		history_seen_end(job);
		if (i == 0)
			run_change(w, "mail1", EDIT_UNBLOCK, "203.0.113.7", VERDICT_IN_FORCE,
				T0 + HOUR + MINUTE, 0);
	}
	assert_true(history_bans(w->store, &q, &bans, &count, NULL));
	assert_int_equal(bans[0].end, END_OPERATOR);
	history_bans_free(bans, count);
	entrylist_free(l);
	entrylist_free(empty);
}

static void test_no_key_is_kept(void **state)
{
	struct world *w = *state;
	struct change *c = change_new();
	struct edit *e = change_add(c, EDIT_CERT_UPLOAD, "mail.example.org");
	struct err err = ERR_INIT;
	char path[128], data[65536];
	int64_t id;
	size_t n;
	FILE *f;

	e->cert_pem = xstrdup("-----BEGIN CERTIFICATE-----");
	e->key_pem = xstrdup("-----BEGIN SECRET CANARY-----");
	assert_true(journal_begin(w->store, "mail1", "root", c, 0, &id, &err));
	set_outcome(c, 0, VERDICT_IN_FORCE, NULL, "sha256");
	assert_true(journal_update(w->store, id, c, true, &err));
	change_free(c);
	store_close(w->store);
	snprintf(path, sizeof(path), "%s/history.db", w->dir);
	f = fopen(path, "rb");
	while ((n = fread(data, 1, sizeof(data), f)) > 0)
		assert_null(memmem(data, n, "CANARY", 6));
	fclose(f);
	world_open(w);
}

static void test_many_edits(void **state)
{
	struct world *w = *state;
	struct change *c = change_new(), *back;
	struct err err = ERR_INIT;
	char address[32];
	int64_t id;
	size_t i, k;

	for (i = 0; i < 20000; i++) {
		snprintf(address, sizeof(address), "10.%zu.%zu.%zu", i / 65536, i / 256 % 256,
			i % 256);
		change_add(c, EDIT_BLOCK, address);
	}
	assert_true(journal_begin(w->store, "mail1", "root", c, 0, &id, &err));
	for (k = 0; k < 20000; k += 1000) {
		for (i = k; i < k + 1000; i++)
			set_outcome(
				c, i, i % 100 ? VERDICT_IN_FORCE : VERDICT_NOT_STORED, NULL, "v");
		assert_true(journal_update(w->store, id, c, false, &err));
	}
	assert_true(journal_update(w->store, id, c, true, &err));
	back = journal_load(w->store, id, 0, NULL, &err);
	assert_int_equal(back->count, 20000);
	assert_int_equal(change_tally(back, VERDICT_IN_FORCE), 19800);
	assert_int_equal(change_tally(back, VERDICT_NOT_STORED), 200);
	change_free(back);
	change_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_written_before_completed_after, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_loaded_as_it_was, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_undo_marks_what_it_took_back, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_filters, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_own_unblock_ends_a_ban, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_no_key_is_kept, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_many_edits, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
