/* serve_worker.c - questions to a task's thread: none is lost, none comes twice, and who asks never waits. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "serve/worker.h"
#include "test.h"

/* The asker's side: woken, it takes what came back. While `shut` the worker's thread stays inside its answer. */
struct asker {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool shut, inside;
	size_t wakes, batches, largest, answered;
};

static void answer(void *context, struct question *const *questions, size_t n)
{
	struct asker *a = context;

	pthread_mutex_lock(&a->mutex);
	a->inside = true;
	pthread_cond_broadcast(&a->changed);
	while (a->shut)
		pthread_cond_wait(&a->changed, &a->mutex);
	a->inside = false;
	a->batches++;
	a->answered += n;
	a->largest = n > a->largest ? n : a->largest;
	pthread_mutex_unlock(&a->mutex);
	for (size_t i = 0; i < n; i++)
		questions[i]->text = arena_printf(&questions[i]->arena, "to %s", questions[i]->input);
}

static void wake(void *context)
{
	struct asker *a = context;

	pthread_mutex_lock(&a->mutex);
	a->wakes++;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->mutex);
}

static void begin(struct asker *a)
{
	*a = (struct asker){ 0 };
	pthread_mutex_init(&a->mutex, NULL);
	pthread_cond_init(&a->changed, NULL);
}

static void end(struct asker *a)
{
	pthread_mutex_destroy(&a->mutex);
	pthread_cond_destroy(&a->changed);
}

static void set_shut(struct asker *a, bool shut)
{
	pthread_mutex_lock(&a->mutex);
	a->shut = shut;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->mutex);
}

static void await_inside(struct asker *a)
{
	pthread_mutex_lock(&a->mutex);
	while (!a->inside)
		pthread_cond_wait(&a->changed, &a->mutex);
	pthread_mutex_unlock(&a->mutex);
}

static void await_wake(struct asker *a, size_t seen)
{
	pthread_mutex_lock(&a->mutex);
	while (a->wakes <= seen)
		pthread_cond_wait(&a->changed, &a->mutex);
	pthread_mutex_unlock(&a->mutex);
}

static size_t wakes(struct asker *a)
{
	pthread_mutex_lock(&a->mutex);
	size_t n = a->wakes;

	pthread_mutex_unlock(&a->mutex);
	return n;
}

static struct question *questions_new(size_t n)
{
	struct question *all = mem_zero(n, sizeof(*all));

	for (size_t i = 0; i < n; i++) {
		arena_init(&all[i].arena);
		all[i].input = arena_printf(&all[i].arena, "%zu", i);
		all[i].context = &all[i];
	}
	return all;
}

static void questions_free(struct question *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		arena_release(&all[i].arena);
	free(all);
}

/* Counts a list; each has to be the next of those asked, with its own answer. */
static size_t take(struct question *q, struct question *all, size_t at)
{
	for (; q; q = q->next, at++) {
		char want[40];

		snprintf(want, sizeof(want), "to %zu", at);
		assert_ptr_equal(q, &all[at]);
		assert_ptr_equal(q->context, q);
		assert_null(q->failed);
		assert_string_equal(q->text, want);
	}
	return at;
}

static void every_question_comes_back_once_and_in_order(void **state)
{
	(void)state;
	enum { N = 20000 };
	struct asker a;
	struct question *all = questions_new(N);
	size_t back = 0, asked = 0;

	begin(&a);
	struct worker *w = worker_start(answer, &a, wake, &a);

	while (back < N) {
		size_t seen = wakes(&a);

		while (asked < N && worker_ask(w, &all[asked]))
			asked++;
		size_t had = back;

		back = take(worker_taken(w), all, back);
		if (back == had)
			await_wake(&a, seen);
	}
	assert_null(worker_taken(w));
	assert_null(worker_stop(w));
	assert_int_equal(a.answered, N);
	assert_in_range(a.largest, 1, WORKER_TOGETHER);
	questions_free(all, N);
	end(&a);
}

static void what_waits_is_taken_together(void **state)
{
	(void)state;
	enum { N = 1 + 2 * WORKER_TOGETHER + 3 };
	struct asker a;
	struct question *all = questions_new(N);

	begin(&a);
	a.shut = true;
	struct worker *w = worker_start(answer, &a, wake, &a);

	assert_true(worker_ask(w, &all[0]));
	await_inside(&a); /* the first waits for no other */
	for (size_t i = 1; i < N; i++)
		assert_true(worker_ask(w, &all[i]));
	assert_int_equal(worker_waiting(w), N - 1);
	set_shut(&a, false);
	size_t back = 0;

	for (size_t seen = 0; back < N; seen++) {
		await_wake(&a, seen);
		back = take(worker_taken(w), all, back);
	}
	assert_int_equal(a.batches, 4);
	assert_int_equal(a.largest, WORKER_TOGETHER);
	assert_null(worker_stop(w));
	questions_free(all, N);
	end(&a);
}

/* Stopped in the middle: what is being answered is answered, what waits fails, and all of it comes back. */
static void a_full_queue_refuses_and_a_stop_returns_everything(void **state)
{
	(void)state;
	enum { N = 1 + WORKER_WAITING };
	struct asker a;
	struct question *all = questions_new(N + 1);

	begin(&a);
	a.shut = true;
	struct worker *w = worker_start(answer, &a, wake, &a);

	assert_true(worker_ask(w, &all[0]));
	await_inside(&a);
	for (size_t i = 1; i < N; i++)
		assert_true(worker_ask(w, &all[i]));
	assert_false(worker_ask(w, &all[N]));
	assert_int_equal(worker_waiting(w), WORKER_WAITING);
	set_shut(&a, false);
	struct question *left = worker_stop(w);
	size_t n = 0, failed = 0;

	for (struct question *q = left; q; q = q->next, n++) {
		assert_ptr_equal(q, &all[n]);
		assert_int_equal(q->text != NULL, q->failed == NULL);
		failed += q->failed != NULL;
		if (failed)
			assert_non_null(q->failed); /* after the first that waited in vain there is none that was answered */
	}
	assert_int_equal(n, N);
	assert_int_equal(a.answered, N - failed);
	assert_null(all[0].failed);
	questions_free(all, N + 1);
	end(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_question_comes_back_once_and_in_order), cmocka_unit_test(what_waits_is_taken_together),
		cmocka_unit_test(a_full_queue_refuses_and_a_stop_returns_everything),
	};

	return cmocka_run_group_tests_name("serve_worker", tests, NULL, NULL);
}
