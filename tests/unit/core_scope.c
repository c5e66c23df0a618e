/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core/scope: no member is cancelled twice, none is left. */
#include "core/scope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/mem.h"

struct job {
	struct scope_item item;
	struct job *victim, *born; /* removed resp. added while this one is cancelled */
	struct scope *scope;
	int cancelled;
	int order;
};

static int order;

static void job_cancel(struct scope_item *item)
{
	struct job *j = container_of(item, struct job, item);

	assert_null(item->next); /* has left already */
	j->cancelled++;
	j->order = ++order;
	if (j->victim)
		scope_remove(&j->victim->item);
	if (j->born)
		scope_add(j->scope, &j->born->item, job_cancel);
}

static void free_cancel(struct scope_item *item)
{
	free(container_of(item, struct job, item));
}

static void every_member_is_cancelled_once(void **state)
{
	struct scope s;
	struct job j[3] = {0};
	int i;

	(void)state;
	scope_init(&s);
	assert_true(scope_is_empty(&s));
	for (i = 0; i < 3; i++)
		scope_add(&s, &j[i].item, job_cancel);
	assert_false(scope_is_empty(&s));
	order = 0;
	scope_cancel(&s);
	for (i = 0; i < 3; i++) {
		assert_int_equal(j[i].cancelled, 1);
		assert_int_equal(j[i].order, i + 1);
	}
	assert_true(scope_is_empty(&s));
	scope_cancel(&s);
	assert_int_equal(j[0].cancelled, 1);
	scope_add(&s, &j[0].item, job_cancel); /* usable again */
	scope_cancel(&s);
	assert_int_equal(j[0].cancelled, 2);
}

static void removed_members_are_left_alone(void **state)
{
	struct scope s;
	struct job j[3] = {0};

	(void)state;
	scope_init(&s);
	scope_add(&s, &j[0].item, job_cancel);
	scope_add(&s, &j[1].item, job_cancel);
	scope_add(&s, &j[2].item, job_cancel);
	scope_remove(&j[1].item);
	scope_remove(&j[1].item); /* harmless */
	scope_cancel(&s);
	assert_int_equal(j[0].cancelled, 1);
	assert_int_equal(j[1].cancelled, 0);
	assert_int_equal(j[2].cancelled, 1);
}

static void cancel_may_remove_and_add(void **state)
{
	struct scope s;
	struct job j[3] = {0}, child = {0};

	(void)state;
	scope_init(&s);
	j[0].victim = &j[1];
	j[2].born = &child;
	j[2].scope = &s;
	scope_add(&s, &j[0].item, job_cancel);
	scope_add(&s, &j[1].item, job_cancel);
	scope_add(&s, &j[2].item, job_cancel);
	scope_cancel(&s);
	assert_int_equal(j[0].cancelled, 1);
	assert_int_equal(j[1].cancelled, 0);
	assert_int_equal(j[2].cancelled, 1);
	assert_int_equal(child.cancelled, 1); /* nothing outlives the owner */
	assert_true(scope_is_empty(&s));
}

static void cancel_may_free(void **state)
{
	struct scope s;
	int i;

	(void)state;
	scope_init(&s);
	for (i = 0; i < 10; i++) {
		struct job *j = xcalloc(1, sizeof(*j));

		scope_add(&s, &j->item, free_cancel);
	}
	scope_cancel(&s);
	assert_true(scope_is_empty(&s));
}

static void adding_moves_between_scopes(void **state)
{
	struct scope a, b;
	struct job j = {0};

	(void)state;
	scope_init(&a);
	scope_init(&b);
	scope_add(&a, &j.item, job_cancel);
	scope_add(&b, &j.item, job_cancel);
	assert_true(scope_is_empty(&a));
	scope_cancel(&a);
	assert_int_equal(j.cancelled, 0);
	scope_add(NULL, &j.item, job_cancel); /* not owned */
	assert_true(scope_is_empty(&b));
	assert_null(j.item.next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_is_cancelled_once),
		cmocka_unit_test(removed_members_are_left_alone),
		cmocka_unit_test(cancel_may_remove_and_add),
		cmocka_unit_test(cancel_may_free),
		cmocka_unit_test(adding_moves_between_scopes),
	};

	return cmocka_run_group_tests_name("core_scope", tests, NULL, NULL);
}
