/* serve_governor.c - verdicts taken up, tried, promoted, ended, demoted and paid for, without a gateway around: the loop is this thread. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/uuid.h"
#include "serve/governor.h"
#include "store/served.h"
#include "test.h"

/* A task whose climbs are letters: verdict "v-x" of climb "x". */
struct world {
	char folder[40], path[60];
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	const char *newest;
	char broken;           /* that climb cannot be loaded */
	double break_even;
	size_t loaded, released, notices;
	bool woken, wish;
	char last[1200];
	struct gateway_task task;
	struct governor *governor;
	struct seat seat;
	struct governor_settings settings;
	struct served *served;
	size_t calls;
};

struct loaded {
	struct world *world;
	char id[8], run[8];
};

static void answer(void *context, struct question *const *questions, size_t n)
{
	const struct loaded *l = context;

	for (size_t i = 0; i < n; i++)
		questions[i]->text = arena_string(&questions[i]->arena, l->id);
}

static double score(void *context, const char *output, const char *right)
{
	(void)context;
	return strcmp(output, right) == 0;
}

static void add(struct world *w, size_t *counter)
{
	pthread_mutex_lock(&w->mutex);
	(*counter)++;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->mutex);
}

static void release(void *context)
{
	struct loaded *l = context;

	add(l->world, &l->world->released);
	free(l);
}

static bool load(void *context, const char *run, const char *variant, struct served_verdict *out, struct error *err)
{
	struct world *w = context;

	(void)variant;
	pthread_mutex_lock(&w->mutex);
	bool broken = w->broken == run[0];

	pthread_mutex_unlock(&w->mutex);
	if (broken)
		return error_set(err, "climb %s is broken", run);
	struct loaded *l = calloc(1, sizeof(*l));

	l->world = w;
	snprintf(l->run, sizeof(l->run), "%s", run);
	snprintf(l->id, sizeof(l->id), "v-%s", run);
	*out = (struct served_verdict){ .id = l->id, .variant = "0/x", .run = l->run, .answer = answer, .score = score, .alpha = 0.05, .margin = 0.05,
					.break_even_calls = w->break_even, .release = release, .context = l };
	add(w, &w->loaded);
	return true;
}

static bool newest(void *context, struct arena *arena, const char **run, struct error *err)
{
	struct world *w = context;

	(void)err;
	pthread_mutex_lock(&w->mutex);
	*run = arena_string(arena, w->newest);
	pthread_mutex_unlock(&w->mutex);
	return true;
}

static void hear(void *context, const char *sentence)
{
	struct world *w = context;

	pthread_mutex_lock(&w->mutex);
	snprintf(w->last, sizeof(w->last), "%s", sentence);
	pthread_mutex_unlock(&w->mutex);
	add(w, &w->notices);
}

static bool again(void *context)
{
	struct world *w = context;

	pthread_mutex_lock(&w->mutex);
	bool wish = w->wish;

	w->wish = false;
	pthread_mutex_unlock(&w->mutex);
	return wish;
}

static void wake(void *context)
{
	struct world *w = context;

	pthread_mutex_lock(&w->mutex);
	w->woken = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->mutex);
}

static void open_gateway(struct world *w, const char *climb)
{
	struct error err;

	w->newest = climb;
	w->seat = (struct seat){ 0 };
	w->task = (struct gateway_task){ "t", .source = { newest, load, w } };
	assert_true(load(w, climb, NULL, &w->task.first, &err));
	w->governor = governor_open(&w->settings, &w->task, 1, &w->seat, &err);
	assert_non_null(w->governor);
	assert_true(governor_start(w->governor, &err));
}

static void nothing_left(struct question *list)
{
	assert_null(list);
}

static void close_gateway(struct world *w)
{
	governor_close(w->governor);
	seat_stop(&w->seat, nothing_left);
	assert_int_equal(w->loaded, w->released); /* none is lost, none goes twice */
}

static void begin(struct world *w)
{
	struct error err;

	*w = (struct world){ .folder = "/tmp/rung-governor-XXXXXX", .break_even = NAN };
	assert_non_null(mkdtemp(w->folder));
	snprintf(w->path, sizeof(w->path), "%s/served.db", w->folder);
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->changed, NULL);
	w->served = served_open(w->path, true, &err);
	assert_non_null(w->served);
	w->settings = (struct governor_settings){ .journal = w->path, .share = 0.5, .notice = hear, .again = again, .context = w,
						    .wake = wake, .wake_context = w };
}

static void end(struct world *w)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };

	served_close(w->served);
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		char path[80];

		snprintf(path, sizeof(path), "%s%s", w->path, suffixes[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(w->folder), 0);
	pthread_mutex_destroy(&w->mutex);
	pthread_cond_destroy(&w->changed);
}

/* The loop: until so many sentences have been said, and what was decided is done. */
static void turn_until(struct world *w, size_t notices)
{
	pthread_mutex_lock(&w->mutex);
	while (w->notices < notices)
		pthread_cond_wait(&w->changed, &w->mutex);
	pthread_mutex_unlock(&w->mutex);
}

/* ... and the seat is as it should be. */
static void await_seat(struct world *w, const char *serving, const char *challenger)
{
	for (;;) {
		governor_turn(w->governor);
		const struct arm *s = w->seat.serving, *c = w->seat.challenger;

		if (s && strcmp(s->verdict.id, serving) == 0 && (c ? challenger && strcmp(c->verdict.id, challenger) == 0 : !challenger))
			return;
		pthread_mutex_lock(&w->mutex);
		while (!w->woken)
			pthread_cond_wait(&w->changed, &w->mutex);
		w->woken = false;
		pthread_mutex_unlock(&w->mutex);
	}
}

static void climb(struct world *w, const char *run)
{
	pthread_mutex_lock(&w->mutex);
	w->newest = run;
	pthread_mutex_unlock(&w->mutex);
}

/* So many calls of a verdict, all of that value (NAN: nothing was said), in one transaction. */
static void served(struct world *w, const char *verdict, size_t n, int http, double value)
{
	struct error err;

	assert_true(served_begin(w->served, &err));
	for (size_t i = 0; i < n; i++) {
		char id[UUID_TEXT];
		uint64_t now = uuid_now_ms();

		uuid_make(now, id);
		const struct served_call call = { .id = id, .began_ms = now, .tenant = "", .task = "t", .variant = "0/x", .verdict = verdict,
						  .http = http, .status = "answered", .ms = 1, .first_ms = NAN, .probability = NAN, .propensity = 0.5 };
		const struct served_feedback f = { .call = id, .name = "boolean", .at_ms = now, .kind = "boolean", .value = value };

		assert_true(served_call_put(w->served, &call, &err) && (isnan(value) || served_feedback_put(w->served, &f, &err)));
	}
	assert_true(served_commit(w->served, &err));
}

static void told(struct world *w, const char *verdict, size_t n, double value)
{
	served(w, verdict, n, 200, value);
}

static void said_last(struct world *w, const char *words)
{
	pthread_mutex_lock(&w->mutex);
	if (!strstr(w->last, words))
		fail_msg("\"%s\" says nothing of \"%s\"", w->last, words);
	pthread_mutex_unlock(&w->mutex);
}

static void history_is(struct world *w, const char *want)
{
	struct served_turn *turns;
	struct buf got = { 0 };
	struct arena arena;
	struct error err;
	size_t n;

	arena_init(&arena);
	assert_true(served_turns(w->served, "t", &arena, &turns, &n, &err));
	for (size_t i = 0; i < n; i++)
		buf_addf(&got, "%s%s %s", i ? ", " : "", turns[i].event, turns[i].verdict);
	assert_string_equal(buf_text(&got), want);
	buf_release(&got);
	arena_release(&arena);
}

static void a_verdict_goes_its_way(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	open_gateway(&w, "a");
	await_seat(&w, "v-a", NULL);
	climb(&w, "b");
	await_seat(&w, "v-a", "v-b");
	told(&w, "v-a", 40, 0);
	told(&w, "v-b", 40, 1);
	await_seat(&w, "v-b", NULL);
	assert_string_equal(w.seat.previous->verdict.id, "v-a");
	close_gateway(&w);
	open_gateway(&w, "b"); /* a restart: who served before is not at hand any more */
	assert_null(w.seat.previous);
	told(&w, "v-b", 150, 1);
	told(&w, "v-b", 20, 0);
	await_seat(&w, "v-a", NULL);
	close_gateway(&w);
	open_gateway(&w, "b"); /* what the store has was demoted */
	await_seat(&w, "v-a", NULL);
	climb(&w, "c");
	await_seat(&w, "v-a", "v-c");
	told(&w, "v-a", 40, 1);
	told(&w, "v-c", 40, 0);
	await_seat(&w, "v-a", NULL);
	size_t loaded = w.loaded;

	climb(&w, "b"); /* that climb once more: it is looked at, and left */
	pthread_mutex_lock(&w.mutex);
	while (w.loaded == loaded)
		pthread_cond_wait(&w.changed, &w.mutex);
	pthread_mutex_unlock(&w.mutex);
	climb(&w, "d");
	await_seat(&w, "v-a", "v-d");
	close_gateway(&w);
	history_is(&w, "first v-a, trial v-b, promoted v-b, demoted v-b, restored v-a, trial v-c, ended v-c, trial v-d");
	end(&w);
}

/* The floor: a promoted one has to have what its forerunner had, less the margin, and is held to that from its first call on. */
static void a_lucky_one_is_found_out(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	open_gateway(&w, "a");
	told(&w, "v-a", 200, 1);
	climb(&w, "b");
	await_seat(&w, "v-a", "v-b");
	told(&w, "v-a", 300, 1);
	told(&w, "v-b", 300, 1);
	await_seat(&w, "v-b", NULL);
	told(&w, "v-b", 20, 0);
	await_seat(&w, "v-a", NULL);
	close_gateway(&w);
	history_is(&w, "first v-a, trial v-b, promoted v-b, demoted v-b, restored v-a");
	end(&w);
}

static void nothing_to_go_back_to(void **state)
{
	struct world w;
	struct buf text = { 0 };

	(void)state;
	begin(&w);
	open_gateway(&w, "a");
	told(&w, "v-a", 150, 1);
	governor_say_fallen(w.governor, &text);
	assert_string_equal(buf_text(&text), "");
	told(&w, "v-a", 20, 0);
	turn_until(&w, 1);
	said_last(&w, "nothing served before");
	close_gateway(&w);
	open_gateway(&w, "a");
	governor_say_fallen(w.governor, &text);
	assert_non_null(strstr(buf_text(&text), "\"t\" has fallen"));
	buf_release(&text);
	close_gateway(&w);
	history_is(&w, "first v-a, fallen v-a");
	end(&w);
}

static void what_cannot_be_loaded_is_said_once_and_tried_again_when_asked(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	open_gateway(&w, "a");
	pthread_mutex_lock(&w.mutex);
	w.broken = 'b';
	pthread_mutex_unlock(&w.mutex);
	climb(&w, "b");
	turn_until(&w, 1);
	said_last(&w, "climb b is broken");
	await_seat(&w, "v-a", NULL);
	pthread_mutex_lock(&w.mutex);
	w.broken = 0;
	w.wish = true;
	pthread_mutex_unlock(&w.mutex);
	await_seat(&w, "v-a", "v-b");
	assert_int_equal(w.notices, 2); /* the trial is the second */
	close_gateway(&w);
	pthread_mutex_lock(&w.mutex);
	w.broken = 'a';
	pthread_mutex_unlock(&w.mutex);
	open_gateway(&w, "b"); /* who served cannot be had any more */
	await_seat(&w, "v-b", NULL);
	close_gateway(&w);
	history_is(&w, "first v-a, trial v-b, replaced v-b");
	end(&w);
}

static void one_that_fails_is_ended(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	open_gateway(&w, "a");
	climb(&w, "b");
	await_seat(&w, "v-a", "v-b");
	served(&w, "v-a", 1, 502, NAN);
	served(&w, "v-b", 12, 502, NAN);
	await_seat(&w, "v-a", NULL);
	said_last(&w, "of its calls failed, beside 1 of what served");
	close_gateway(&w);
	history_is(&w, "first v-a, trial v-b, ended v-b");
	end(&w);
}

static void a_newer_climb_ends_a_trial(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	open_gateway(&w, "a");
	climb(&w, "b");
	await_seat(&w, "v-a", "v-b");
	climb(&w, "c");
	await_seat(&w, "v-a", "v-c");
	close_gateway(&w);
	open_gateway(&w, "c"); /* the trial goes on */
	await_seat(&w, "v-a", "v-c");
	close_gateway(&w);
	history_is(&w, "first v-a, trial v-b, ended v-b, trial v-c");
	end(&w);
}

static void without_a_trial(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.settings.journal = NULL; /* nothing is kept */
	open_gateway(&w, "a");
	climb(&w, "b");
	await_seat(&w, "v-b", NULL);
	climb(&w, "c");
	await_seat(&w, "v-c", NULL);
	close_gateway(&w);
	w.settings.journal = w.path;
	w.settings.share = 1;
	open_gateway(&w, "c");
	climb(&w, "d");
	await_seat(&w, "v-d", NULL);
	close_gateway(&w);
	history_is(&w, "first v-c, replaced v-d");
	end(&w);
}

static void break_even_is_said_once(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.break_even = 49.5;
	open_gateway(&w, "a");
	told(&w, "v-other", 100, NAN);
	told(&w, "v-a", 49, NAN);
	told(&w, "v-a", 1, NAN);
	turn_until(&w, 1);
	said_last(&w, "you passed break-even");
	close_gateway(&w);
	open_gateway(&w, "a");
	told(&w, "v-a", 150, 1); /* two things to be said in turn: that it was paid is not among them */
	told(&w, "v-a", 20, 0);
	turn_until(&w, 2);
	close_gateway(&w);
	history_is(&w, "first v-a, paid v-a, fallen v-a");
	end(&w);
}

/* An arm that is asked stays until it has answered. */
static void who_owes_an_answer_stays(void **state)
{
	struct question q = { .input = "x" };
	struct world w;

	(void)state;
	begin(&w);
	w.settings.share = 1;
	open_gateway(&w, "a");
	struct arm *a = w.seat.serving;

	a->asked++;
	climb(&w, "b");
	await_seat(&w, "v-b", NULL);
	climb(&w, "c");
	await_seat(&w, "v-c", NULL);
	climb(&w, "d");
	await_seat(&w, "v-d", NULL); /* v-b has gone by now, or is about to; v-a waits */
	arena_init(&q.arena);
	assert_true(worker_ask(a->worker, &q));
	struct question *back = NULL;

	while (!back)
		back = worker_taken(a->worker);
	assert_string_equal(back->text, "v-a");
	arena_release(&q.arena);
	a->asked--;
	governor_turn(w.governor);
	close_gateway(&w);
	end(&w);
}

static void chance_draws_as_it_says(void **state)
{
	struct arm serving = { .verdict.id = "v-a" }, challenger = { .verdict.id = "v-b" };
	struct seat seat = { .serving = &serving, .challenger = &challenger, .share = 0.1 };
	size_t second = 0;
	double p;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char key[20];

		snprintf(key, sizeof(key), "subject-%d", i);
		const struct arm *a = seat_draw(&seat, key, &p);

		second += a == &challenger;
		assert_true(p == (a == &challenger ? 0.1 : 0.9));
		assert_ptr_equal(seat_draw(&seat, key, &p), a); /* the same key, the same arm */
	}
	assert_in_range(second, 2000 - 170, 2000 + 170); /* four standard errors */
	challenger.verdict.id = "v-c"; /* another trial draws anew */
	size_t both = 0;

	for (int i = 0; i < 20000; i++) {
		char key[20];

		snprintf(key, sizeof(key), "subject-%d", i);
		bool now = seat_draw(&seat, key, &p) == &challenger;

		challenger.verdict.id = "v-b";
		both += now && seat_draw(&seat, key, &p) == &challenger;
		challenger.verdict.id = "v-c";
	}
	assert_in_range(both, 200 - 60, 200 + 60);
	seat.share = 0; /* in the shadow */
	assert_ptr_equal(seat_draw(&seat, "x", &p), &serving);
	assert_true(p == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verdict_goes_its_way),
		cmocka_unit_test(a_lucky_one_is_found_out),
		cmocka_unit_test(nothing_to_go_back_to),
		cmocka_unit_test(what_cannot_be_loaded_is_said_once_and_tried_again_when_asked),
		cmocka_unit_test(one_that_fails_is_ended),
		cmocka_unit_test(a_newer_climb_ends_a_trial),
		cmocka_unit_test(without_a_trial),
		cmocka_unit_test(break_even_is_said_once),
		cmocka_unit_test(who_owes_an_answer_stays),
		cmocka_unit_test(chance_draws_as_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
