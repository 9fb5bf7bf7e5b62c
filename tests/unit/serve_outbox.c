/* serve_outbox.c - nobody waits for who does not take what he is told; what is dropped is counted, what was refused once comes again. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "serve/outbox.h"
#include "test.h"

/* Whoever is told: takes nothing until it is let, fails so often first. */
struct other {
	struct outbox *outbox;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct buf taken;
	bool holds, refuses, entered;
	size_t fails, notices, tries;
};

static void lock(struct other *t)
{
	pthread_mutex_lock(&t->mutex);
}

static void unlock(struct other *t)
{
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->mutex);
}

static enum outbox_end put(void *context, struct outbox_batch *b)
{
	struct other *t = context;
	enum outbox_end end = OUTBOX_TAKEN;

	lock(t);
	t->entered = true;
	t->tries++;
	pthread_cond_broadcast(&t->changed);
	while (t->holds)
		pthread_cond_wait(&t->changed, &t->mutex);
	error_set(&b->why, "not now");
	b->wait_ms = .1;
	if (t->fails > 0) {
		t->fails--;
		end = OUTBOX_AGAIN;
	} else if (t->refuses) {
		end = OUTBOX_REFUSED;
	} else {
		buf_add(&t->taken, b->bytes, b->n);
	}
	unlock(t);
	return end;
}

static void notice(void *context, const char *sentence)
{
	struct other *t = context;

	(void)sentence;
	lock(t);
	t->notices++;
	unlock(t);
}

static void begin(struct other *t, size_t most, size_t batch)
{
	const struct outbox_settings s = { .most_bytes = most, .batch_bytes = batch, .gather_ms = 1, .put = put, .put_context = t, .notice = notice, .context = t };
	struct error err;

	pthread_mutex_init(&t->mutex, NULL);
	pthread_cond_init(&t->changed, NULL);
	t->outbox = outbox_open(&s, &err);
	assert_non_null(t->outbox);
}

static void end(struct other *t)
{
	buf_release(&t->taken);
	pthread_mutex_destroy(&t->mutex);
	pthread_cond_destroy(&t->changed);
}

static void add(struct other *t, int from, int to)
{
	char item[16];

	for (int i = from; i < to; i++)
		outbox_add(t->outbox, item, (size_t)snprintf(item, sizeof(item), "%06d\n", i), 1);
}

static void until_entered(struct other *t)
{
	lock(t);
	while (!t->entered)
		pthread_cond_wait(&t->changed, &t->mutex);
	unlock(t);
}

static void expect(const struct other *t, int n)
{
	char item[16];

	assert_int_equal(t->taken.n, n * 7);
	for (int i = 0; i < n; i++) {
		snprintf(item, sizeof(item), "%06d\n", i);
		assert_memory_equal(t->taken.data + (size_t)i * 7, item, 7);
	}
}

static void all_is_taken_in_order(void **state)
{
	(void)state;
	struct other t = { .holds = false };

	begin(&t, 0, 100);
	add(&t, 0, 5000);
	assert_true(outbox_close(t.outbox, 60e3));
	expect(&t, 5000);
	assert_int_equal(t.notices, 0);
	end(&t);
}

static void what_does_not_fit_is_counted(void **state)
{
	(void)state;
	struct other t = { .holds = true };

	begin(&t, 700, 70);
	add(&t, 0, 10);
	until_entered(&t);
	add(&t, 10, 5000); /* returns, though nothing is taken */
	struct outbox_counts c = outbox_counts(t.outbox);

	assert_int_equal(c.waiting, 100);
	assert_int_equal(c.dropped, 4900);
	lock(&t);
	t.holds = false;
	unlock(&t);
	assert_true(outbox_close(t.outbox, 60e3));
	expect(&t, 100); /* the oldest are kept */
	end(&t);
}

static void what_fails_comes_again_once(void **state)
{
	(void)state;
	struct other t = { .fails = 7 };

	begin(&t, 0, 0);
	add(&t, 0, 1);
	until_entered(&t);
	add(&t, 1, 300);
	assert_true(outbox_close(t.outbox, 60e3));
	expect(&t, 300);
	assert_int_equal(t.notices, 2); /* that it fails, that it goes on */
	end(&t);
}

static void what_is_refused_is_dropped(void **state)
{
	(void)state;
	struct other t = { .refuses = true };

	begin(&t, 0, 0);
	add(&t, 0, 50);
	until_entered(&t);
	while (outbox_counts(t.outbox).dropped < 50)
		clock_wait(1);
	lock(&t);
	t.refuses = false;
	unlock(&t);
	add(&t, 0, 3);
	assert_true(outbox_close(t.outbox, 60e3));
	expect(&t, 3);
	end(&t);
}

static void who_never_takes_it_ends_all_the_same(void **state)
{
	(void)state;
	struct other t = { .fails = (size_t)-1 };

	begin(&t, 0, 0);
	add(&t, 0, 10);
	assert_true(outbox_close(t.outbox, 10));
	assert_true(t.tries > 0 && t.taken.n == 0);
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_taken_in_order), cmocka_unit_test(what_does_not_fit_is_counted), cmocka_unit_test(what_fails_comes_again_once),
		cmocka_unit_test(what_is_refused_is_dropped), cmocka_unit_test(who_never_takes_it_ends_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
