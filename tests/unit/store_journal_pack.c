/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A change of many edits is kept packed: everything reads as if each had a row of its own. */
#include "model/change.h"
#include "store/journal_records.h"
#include "store/journal.h"
#include "tests/unit/random.h"
#include "tests/unit/store_world.h"

#define MANY (3 * JOURNAL_PACK_EDITS - 100) /* the last pack is not full */

static const enum edit_kind kinds[] = { EDIT_BLOCK, EDIT_UNBLOCK, EDIT_ALLOW, EDIT_THRESHOLD,
	EDIT_PATH_ADD, EDIT_EXPIRY };

static char *maybe(const char *text)
{
	return random_below(3) ? NULL : xasprintf("%s %u", text, random_below(3));
}

static void add_random(struct change *c, size_t i)
{
	enum edit_kind kind = kinds[random_below(ARRAY_LEN(kinds))];
	struct edit *e;
	char target[64];

	if (kind == EDIT_THRESHOLD)
		snprintf(target, sizeof(target), "auth");
	else if (kind == EDIT_PATH_ADD)
		snprintf(target, sizeof(target), "/wp-%zu*", i);
	else
		snprintf(target, sizeof(target), "45.%zu.%zu.%zu", i >> 16 & 255, i >> 8 & 255,
			i & 255);
	e = change_add(c, kind, target);
	e->note = maybe("note");
	e->by = maybe("root");
	e->reason = (enum reason)random_below(REASON_COUNT);
	e->created = random_below(2) ? TIME_NONE : T0 + random_below(1000) * SECOND;
	e->expires = random_below(2) ? TIME_NONE : T0 + random_below(1000) * DAY;
	if (edit_has_address(kind))
		e->raw = maybe("{\"as\":\"it was\"}");
	if (kind == EDIT_THRESHOLD)
		*e->value = (struct threshold){ .supported = true,
			.enabled = true,
			.count = 1 + random_below(100),
			.period_ms = HOUR,
			.ban_period_ms = DAY };
}

static void random_outcome(struct outcome *o, enum edit_kind kind)
{
	o->verdict = (enum verdict)random_below(VERDICT_COUNT);
	o->why = (enum err_code)random_below(ERR_COUNT);
	o->no_op = random_below(4) == 0;
	o->before = maybe("before \xff");
	o->after = maybe("after");
	o->detail = maybe("detail");
	o->place = edit_is_path(kind) ? maybe("0007") : NULL;
}

static struct change *make(size_t n, bool is_random)
{
	struct change *c = change_new();
	char target[64];
	size_t i;

	for (i = 0; i < n; i++) {
		if (is_random) {
			add_random(c, i);
			continue;
		}
		snprintf(target, sizeof(target), "45.0.%zu.%zu", i >> 8, i & 255);
		change_add(c, EDIT_UNBLOCK, target);
	}
	c->started = T0;
	return c;
}

static int64_t keep(struct world *w, struct change *c, int64_t undoes, bool is_done)
{
	struct err err = ERR_INIT;
	int64_t id;

	assert_true(journal_begin(w->store, "mail1", "root", c, undoes, &id, &err));
	assert_true(journal_update(w->store, id, c, is_done, &err));
	return id;
}

static void take_all(struct change *c, enum verdict v)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		c->outcomes[i].verdict = v;
}

static void assert_text(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a)
		assert_string_equal(a, b);
}

static void assert_same_edit(const struct change *a, const struct change *b, size_t i)
{
	const struct edit *x = &a->edits[i], *y = &b->edits[i];
	const struct outcome *o = &a->outcomes[i], *p = &b->outcomes[i];
	char before[128], after[128];

	assert_int_equal(x->kind, y->kind);
	assert_string_equal(x->target, y->target);
	assert_true(net_equal(&x->net, &y->net));
	assert_text(x->note, y->note);
	assert_text(x->by, y->by);
	assert_text(x->raw, y->raw);
	assert_int_equal(x->reason, y->reason);
	assert_true(x->created == y->created && x->expires == y->expires);
	assert_int_equal(x->class, y->class);
	if (x->value)
		assert_string_equal(threshold_format(x->value, before, sizeof(before)),
			threshold_format(y->value, after, sizeof(after)));
	assert_int_equal(o->verdict, p->verdict);
	assert_int_equal(o->why, p->why);
	assert_int_equal(o->no_op, p->no_op);
	assert_text(o->before, p->before);
	assert_text(o->after, p->after);
	assert_text(o->detail, p->detail);
	assert_text(o->place, p->place);
}

static bool took(const struct outcome *o)
{
	return (o->verdict == VERDICT_IN_FORCE || o->verdict == VERDICT_STORED ||
		       o->verdict == VERDICT_MISMATCH) &&
	       !o->no_op;
}

static void test_loaded_as_it_was(void **state)
{
	struct world *w = *state;
	struct change *c = make(MANY, true), *back;
	int64_t id;
	size_t i;

	id = keep(w, c, 0, false);
	assert_true(journal_is_packed(w->store, id));
	back = journal_load(w->store, id, 0, NULL, NULL);
	assert_int_equal(back->count, MANY);
	for (i = 0; i < MANY; i++)
		assert_same_edit(c, back, i);
	change_free(back);
	for (i = 0; i < MANY; i++)
		random_outcome(&c->outcomes[i], c->edits[i].kind);
	for (i = 0; i < MANY; i++) /* what has not begun is only told by what it replaces */
		if (c->outcomes[i].verdict == VERDICT_PENDING)
			c->outcomes[i].why = ERR_NONE;
	assert_true(journal_update(w->store, id, c, true, NULL));
	back = journal_load(w->store, id, 0, NULL, NULL);
	assert_int_equal(back->count, MANY);
	for (i = 0; i < MANY; i++)
		assert_same_edit(c, back, i);
	change_free(back);
	change_free(c);
}

static void test_rows_and_single_edits(void **state)
{
	struct world *w = *state;
	struct change *c = make(MANY, true), *one, *small = make(3, false);
	struct journal_query q;
	struct journal_row *rows;
	int64_t id, change, edit, small_id, newest;
	size_t count, i, undoable = 0;

	for (i = 0; i < MANY; i++)
		random_outcome(&c->outcomes[i], c->edits[i].kind);
	small_id = keep(w, small, 0, true);
	id = keep(w, c, 0, true);
	journal_query_init(&q);
	q.change = id;
	assert_true(journal_list(w->store, &q, &rows, &count, NULL));
	assert_int_equal(count, MANY);
	assert_true(journal_find(w->store, "mail1", 3, &change, &edit, NULL));
	assert_int_equal(change, small_id);
	for (i = 0; i < MANY; i++) {
		assert_string_equal(rows[i].target, c->edits[i].target);
		assert_int_equal(rows[i].id, 4 + (int64_t)i); /* one sequence with the others */
		undoable += took(&c->outcomes[i]);
	}
	for (i = 0; i < MANY; i += 499) {
		assert_true(journal_find(w->store, "mail1", rows[i].id, &change, &edit, NULL));
		assert_int_equal(change, id);
		one = journal_load(w->store, change, edit, NULL, NULL);
		assert_int_equal(one->count, 1);
		assert_string_equal(one->edits[0].target, c->edits[i].target);
		change_free(one);
	}
	newest = rows[MANY - 1].id;
	journal_rows_free(rows, count);
	assert_false(journal_find(w->store, "mail1", newest + 1, &change, &edit, NULL));
	q.only_undoable = true;
	assert_true(journal_list(w->store, &q, &rows, &count, NULL));
	assert_int_equal(count, undoable);
	journal_rows_free(rows, count);
	assert_true(journal_find(w->store, "mail1", 0, &change, &edit, NULL));
	assert_int_equal(change, id);
	assert_int_equal(keep(w, small, 0, true), id + 1);
	assert_true(journal_find(w->store, "mail1", newest + 3, &change, &edit, NULL));
	assert_int_equal(change, id + 1);
	change_free(small);
	change_free(c);
}

/* One change of many leaves room for the others. */
static void test_a_few_of_each(void **state)
{
	struct world *w = *state;
	struct change *c = make(MANY, false), *small = make(3, false);
	struct journal_query q;
	struct journal_row *rows;
	size_t count;

	keep(w, small, 0, true);
	keep(w, c, 0, true);
	keep(w, small, 0, true);
	journal_query_init(&q);
	q.each = 3;
	assert_true(journal_list(w->store, &q, &rows, &count, NULL));
	assert_int_equal(count, 9);
	assert_int_equal(rows[5].more + rows[2].more + rows[8].more, MANY - 3);
	journal_rows_free(rows, count);
	q.each = 2;
	assert_true(journal_list(w->store, &q, &rows, &count, NULL));
	assert_int_equal(count, 6);
	assert_int_equal(rows[0].more, 0);
	assert_int_equal(rows[1].more + rows[5].more, 2);
	assert_int_equal(rows[3].more + rows[1].more + rows[5].more, MANY);
	journal_rows_free(rows, count);
	change_free(small);
	change_free(c);
}

static size_t listed(struct world *w, const char *target, const char *within)
{
	struct journal_query q;
	struct journal_row *rows;
	size_t count;

	journal_query_init(&q);
	q.target = target;
	if (within)
		assert_true(net_parse(within, strlen(within), &q.within, NULL));
	assert_true(journal_list(w->store, &q, &rows, &count, NULL));
	journal_rows_free(rows, count);
	return count;
}

static void test_by_target(void **state)
{
	struct world *w = *state;
	struct change *c = make(MANY, false);
	int64_t id;

	take_all(c, VERDICT_IN_FORCE);
	id = keep(w, c, 0, true);
	assert_int_equal(listed(w, "45.0.1.7", NULL), 1);
	assert_int_equal(listed(w, "45.0.1.777", NULL), 0);
	assert_int_equal(listed(w, NULL, "45.0.1.0/24"), 256);
	assert_int_equal(listed(w, NULL, "45.0.1.7"), 1);
	assert_int_equal(journal_touched_since(w->store, "mail1", id - 1, "45.0.1.7", NULL), id);
	assert_int_equal(journal_touched_since(w->store, NULL, id - 1, "45.0.1.7", NULL), id);
	assert_int_equal(journal_touched_since(w->store, "mail1", id, "45.0.1.7", NULL), 0);
	assert_int_equal(journal_touched_since(w->store, "mail2", id - 1, "45.0.1.7", NULL), 0);
	assert_int_equal(journal_touched_since(w->store, "mail1", id - 1, "45.1.1.7", NULL), 0);
	change_free(c);
	c = make(MANY, false);
	take_all(c, VERDICT_NOT_STORED);
	keep(w, c, 0, true);
	assert_int_equal(journal_touched_since(w->store, "mail1", id, "45.0.1.7", NULL), 0);
	assert_int_equal(listed(w, "45.0.1.7", NULL), 2);
	change_free(c);
}

static size_t undone_in(struct world *w, int64_t change, int64_t by)
{
	struct journal_query q;
	struct journal_row *rows;
	size_t count, i, n = 0;

	journal_query_init(&q);
	q.change = change;
	assert_true(journal_list(w->store, &q, &rows, &count, NULL));
	for (i = 0; i < count; i++)
		n += rows[i].undone_by == by;
	journal_rows_free(rows, count);
	return n;
}

/* First one by itself, then all that is left; and undoing is itself packed, or not. */
static void test_taken_back(void **state)
{
	struct world *w = *state;
	struct change *c = make(MANY, false), *back, *inverse;
	int64_t id, one, all, change, edit;
	char lost[100];

	take_all(c, VERDICT_IN_FORCE);
	id = keep(w, c, 0, true);
	back = journal_load(w->store, id, 1000, NULL, NULL);
	inverse = change_inverse(back, lost, sizeof(lost));
	take_all(inverse, VERDICT_IN_FORCE);
	one = keep(w, inverse, id, true);
	change_free(inverse);
	change_free(back);
	assert_int_equal(undone_in(w, id, one), 1);
	assert_int_equal(undone_in(w, id, 0), MANY - 1);
	assert_true(journal_find(w->store, "mail1", 0, &change, &edit, NULL));
	assert_int_equal(change, id);
	/* the evidence of a watch comes later: what is taken back stays so */
	assert_true(journal_update(w->store, id, c, true, NULL));
	assert_int_equal(undone_in(w, id, one), 1);
	inverse = change_inverse(c, lost, sizeof(lost));
	take_all(inverse, VERDICT_IN_FORCE);
	inverse->outcomes[17].verdict = VERDICT_NOT_STORED;
	all = keep(w, inverse, id, true);
	change_free(inverse);
	assert_int_equal(undone_in(w, id, all), MANY - 1);
	assert_true(journal_find(w->store, "mail1", 0, &change, &edit, NULL));
	assert_int_equal(change, id); /* one is left */
	inverse = change_new();
	change_add(inverse, EDIT_BLOCK, c->edits[MANY - 18].target);
	take_all(inverse, VERDICT_IN_FORCE);
	keep(w, inverse, id, true);
	change_free(inverse);
	assert_false(journal_find(w->store, "mail1", 0, &change, &edit, NULL));
	change_free(c);
}

/* Many entries that are gone were un-blocked by one change of ours. */
static void test_own_unblocks_end_bans(void **state)
{
	struct world *w = *state;
	struct entrylist *l = entrylist_new(), *empty = entrylist_new();
	struct change *c = make(MANY, false);
	struct history_query q = all_of("mail1");
	struct history_ban *bans;
	struct history_seen *job;
	size_t count, i, ours = 0;

	for (i = 0; i < MANY; i += 50)
		world_ban(w, T0 + (int64_t)i, CLASS_AUTH, c->edits[i].target, "a");
	assert_int_equal(world_take(w, "", "1"), INGEST_OK);
	for (i = 0; i < MANY; i++)
		entrylist_add(l, c->edits[i].target, strlen(c->edits[i].target), NULL, 0, NULL,
			REASON_AUTH, ORIGIN_SERVER, TIME_NONE, TIME_NONE);
	entrylist_finish(l);
	entrylist_finish(empty);
	for (i = 0; i < 2; i++) {
		bool is_done = false;

		job = history_seen_begin(
			w->store, "mail1", i ? empty : l, T0 + (int64_t)(i + 1) * HOUR, NULL);
		while (!is_done)
			assert_true(history_seen_step(job, 10, &is_done, NULL));
		history_seen_end(job);
		take_all(c, VERDICT_IN_FORCE);
		c->outcomes[50].verdict = VERDICT_NOT_STORED;
		c->started = T0 + HOUR + MINUTE;
		if (i == 0)
			keep(w, c, 0, true);
	}
	assert_true(history_bans(w->store, &q, &bans, &count, NULL));
	assert_int_equal(count, (MANY + 49) / 50);
	for (i = 0; i < count; i++)
		ours += bans[i].end == END_OPERATOR;
	assert_int_equal(ours, count - 1); /* all but the one that was not stored */
	history_bans_free(bans, count);
	entrylist_free(l);
	entrylist_free(empty);
	change_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_loaded_as_it_was, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_rows_and_single_edits, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_a_few_of_each, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_by_target, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_taken_back, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_own_unblocks_end_bans, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
