/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is remembered of stored certificates: names with what they were, per server, for a while. */
#include "store/certs.h"

#include "tests/unit/store_world.h"

#define URL "https://mail.example.org"

static struct cert *add(struct certlist *l, const char *id, const char *name, int64_t not_after)
{
	struct cert *c = cert_new(CERT_STORED);

	cert_set_text(&c->id, id, SIZE_MAX);
	cert_set_text(&c->issuer, "CN=R10", SIZE_MAX);
	cert_add_san(c, name, strlen(name));
	c->not_after = not_after;
	c->not_before = T0 - 60 * DAY;
	certlist_take(l, c);
	return c;
}

static size_t recall(struct world *w, const char *server, struct cert_seen **rows)
{
	struct err err = ERR_INIT;
	size_t n = 0;

	if (!certs_recall(w->store, server, rows, &n, &err))
		fail_msg("%s", err.msg);
	return n;
}

static void remember(struct world *w, const struct certlist *l, int64_t now)
{
	struct err err = ERR_INIT;

	if (!certs_remember(w->store, URL, l, now, &err))
		fail_msg("%s", err.msg);
}

static void test_names_stay_with_what_they_were(void **state)
{
	struct world *w = *state;
	struct certlist *l = certlist_new();
	struct cert *c = add(l, "a", "b.example.org", T0 + 10 * DAY);
	struct cert_seen *rows;

	cert_add_san(c, "a.example.org", 13);
	certlist_take(l, cert_new(CERT_STORED)); /* one that can't be read names nothing */
	cert_add_san(add(l, "f", "x", T0 + DAY), "y", 1);
	l->rows[2]->source = CERT_FILE;
	remember(w, l, T0);
	certlist_free(l);

	l = certlist_new(); /* the next run: one name has another certificate, the other is gone */
	add(l, "n", "a.example.org", T0 + 90 * DAY);
	remember(w, l, T0 + HOUR);
	assert_int_equal(recall(w, URL, &rows), 2);
	assert_string_equal(rows[0].name, "a.example.org");
	assert_string_equal(rows[0].id, "n");
	assert_int_equal(rows[0].not_after, T0 + 90 * DAY);
	assert_int_equal(rows[0].seen, T0 + HOUR);
	assert_string_equal(rows[1].name, "b.example.org");
	assert_string_equal(rows[1].id, "a");
	assert_string_equal(rows[1].issuer, "CN=R10");
	assert_int_equal(rows[1].seen, T0);
	certs_seen_free(rows, 2);
	assert_int_equal(recall(w, "https://other.example.org", &rows), 0);
	certs_seen_free(rows, 0);

	remember(w, l, T0 + 1 + CERTS_KEPT_MS); /* long ago: not missed any more */
	assert_int_equal(recall(w, URL, &rows), 1);
	assert_string_equal(rows[0].name, "a.example.org");
	certs_seen_free(rows, 1);
	certlist_free(l);
}

static void test_of_two_the_one_that_lasts_longer(void **state)
{
	struct world *w = *state;
	struct certlist *l = certlist_new();
	struct cert_seen *rows;

	add(l, "short", "a.example.org", T0 + DAY);
	add(l, "long", "a.example.org", T0 + 9 * DAY);
	add(l, "middle", "a.example.org", T0 + 2 * DAY);
	remember(w, l, T0);
	assert_int_equal(recall(w, URL, &rows), 1);
	assert_string_equal(rows[0].id, "long");
	certs_seen_free(rows, 1);
	certlist_free(l);
}

static void test_without_a_store(void **state)
{
	struct certlist *l = certlist_new();
	struct cert_seen *rows = (void *)1;
	struct err err = ERR_INIT;
	size_t n = 9;

	(void)state;
	assert_false(certs_remember(NULL, URL, l, T0, &err));
	assert_int_equal(err.code, ERR_IO);
	assert_false(certs_recall(NULL, URL, &rows, &n, NULL));
	assert_null(rows);
	assert_int_equal(n, 0);
	certlist_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names_stay_with_what_they_were, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_of_two_the_one_that_lasts_longer, world_setup, world_teardown),
		cmocka_unit_test(test_without_a_store),
	};

	return cmocka_run_group_tests_name("store_certs", tests, NULL, NULL);
}
