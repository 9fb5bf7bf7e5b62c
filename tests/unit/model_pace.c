/* Requests in simulated time: a server that answers after a while, and counts what it gets in every minute. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "model/pace.h"

enum { MOST = 20000 };

struct world {
	struct pace pace;
	double now;
	double sent[MOST], ends[MOST], tokens[MOST];
	bool over[MOST];
	size_t n;
};

static struct world w;

static void begin(struct pace_settings s)
{
	memset(&w, 0, sizeof(w));
	w.now = 123456;
	pace_init(&w.pace, &s, w.now);
}

static void send_one(double tokens, double takes)
{
	pace_sent(&w.pace, tokens, w.now);
	w.sent[w.n] = w.now;
	w.tokens[w.n] = tokens;
	w.ends[w.n++] = w.now + takes;
}

/* The next of those in flight ends. */
static bool end_next(enum pace_end end)
{
	size_t next = w.n;

	for (size_t i = 0; i < w.n; i++)
		if (!w.over[i] && (next == w.n || w.ends[i] < w.ends[next]))
			next = i;
	if (next == w.n)
		return false;
	w.now = fmax(w.now, w.ends[next]);
	w.over[next] = true;
	pace_ended(&w.pace, end, w.sent[next], w.tokens[next], NAN, w.now);
	return true;
}

/* Sends as fast as it may until so many were sent. */
static void run(size_t n, double tokens, double takes)
{
	while (w.n < n) {
		double wait = pace_wait(&w.pace, tokens, w.now);

		if (wait == 0)
			send_one(tokens, takes);
		else if (isinf(wait))
			assert_true(end_next(PACE_WELL));
		else
			w.now += wait;
	}
}

/* The most, of requests or (tokens) of tokens, that one minute had. */
static double fullest_minute(bool tokens)
{
	double most = 0;

	for (size_t i = 0; i < w.n; i++) {
		double sum = 0;

		for (size_t j = i; j < w.n && w.sent[j] < w.sent[i] + 60e3; j++)
			sum += tokens ? w.tokens[j] : 1;
		most = fmax(most, sum);
	}
	return most;
}

static void no_minute_has_more_than_its_limit(void **state)
{
	static const struct {
		double requests, tokens, each, takes;
	} cases[] = {
		{ 1, 0, 10, 5 }, { 60, 0, 10, 5 }, { 100, 0, 10, 40e3 }, { 0, 100, 60, 5 }, { 0, 663, 7, 5 }, { 500, 10000, 33, 900 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		begin((struct pace_settings){ .requests_per_minute = cases[i].requests, .tokens_per_minute = cases[i].tokens });
		run(cases[i].requests == 1 ? 20 : 1200, cases[i].each, cases[i].takes);
		if (cases[i].requests > 0)
			assert_true(fullest_minute(false) <= cases[i].requests);
		if (cases[i].tokens > 0)
			assert_true(fullest_minute(true) <= cases[i].tokens);
		/* and it does not dawdle: the limit that binds is used to nine tenths */
		double minutes = (w.sent[w.n - 1] - w.sent[0]) / 61e3 + 1, rate = (double)w.n / minutes;
		double most = fmin(cases[i].requests > 0 ? cases[i].requests : INFINITY,
				   cases[i].tokens > 0 ? floor(cases[i].tokens / cases[i].each) : INFINITY);

		if (cases[i].takes < 1000)
			assert_true(rate >= .9 * most);
	}
}

static void a_request_larger_than_a_minute_goes_alone(void **state)
{
	(void)state;
	begin((struct pace_settings){ .tokens_per_minute = 100 });
	assert_true(pace_wait(&w.pace, 5000, w.now) == 0);
	send_one(5000, 10);
	double wait = pace_wait(&w.pace, 1, w.now);

	assert_true(wait > 60e3 - 1000 && wait <= 61e3);
	w.now += wait;
	assert_true(pace_wait(&w.pace, 5000, w.now) == 0);
}

static void what_was_estimated_wrong_is_settled(void **state)
{
	(void)state;
	begin((struct pace_settings){ .tokens_per_minute = 100 });
	pace_sent(&w.pace, 90, w.now);
	assert_true(pace_wait(&w.pace, 50, w.now) > 0);
	pace_ended(&w.pace, PACE_WELL, w.now, 90, 20, w.now + 10);
	assert_true(pace_wait(&w.pace, 80, w.now + 10) == 0);
	pace_sent(&w.pace, 10, w.now + 10);
	pace_ended(&w.pace, PACE_WELL, w.now + 10, 10, 80, w.now + 20);
	assert_true(pace_wait(&w.pace, 1, w.now + 20) > 0);
}

static void the_window_grows_by_one_and_is_halved_once(void **state)
{
	(void)state;
	begin((struct pace_settings){ .most_in_flight = 32 });
	double first = w.pace.window;

	for (size_t i = 0; i < (size_t)first; i++)
		send_one(1, 100);
	assert_true(isinf(pace_wait(&w.pace, 1, w.now)));
	while (end_next(PACE_WELL)) {
	}
	assert_true(w.pace.window > first + .9 && w.pace.window <= first + 1);
	run(3000, 1, 100);
	assert_true(w.pace.window == 32);
	while (end_next(PACE_WELL)) {
	}
	for (size_t i = 0; i < 32; i++)
		send_one(1, 100);
	while (end_next(PACE_CROWDED)) {
	}
	assert_true(w.pace.window == 16);
	w.now += 1;
	send_one(1, 100);
	end_next(PACE_CROWDED);
	assert_true(w.pace.window == 8);
	for (size_t i = 0; i < 10; i++) {
		w.now += 1;
		send_one(1, 100);
		end_next(PACE_CROWDED);
	}
	assert_true(w.pace.window == 1 && pace_wait(&w.pace, 1, w.now) == 0);
}

static void retry_after_holds_everybody(void **state)
{
	struct rng rng;
	double wait;

	(void)state;
	rng_init(&rng, 1, "pace");
	begin((struct pace_settings){ 0 });
	assert_true(pace_retry(&w.pace, 1, 7000, &rng, w.now, &wait));
	assert_true(wait >= 7000);
	assert_true(pace_wait(&w.pace, 1, w.now) == 7000);
	assert_true(pace_wait(&w.pace, 1, w.now + 7000) == 0);
	assert_false(pace_retry(&w.pace, 1, 86400e3, &rng, w.now, &wait));
	assert_true(pace_wait(&w.pace, 1, w.now + 7000) == 0);
}

static void waits_double_and_are_drawn(void **state)
{
	struct rng rng;
	double wait, sum[6] = { 0 };

	(void)state;
	rng_init(&rng, 2, "pace");
	for (size_t round = 0; round < 400; round++) {
		begin((struct pace_settings){ .attempts = 100 });
		for (size_t tries = 1; tries <= 6; tries++) {
			assert_true(pace_retry(&w.pace, tries, 0, &rng, w.now, &wait));
			assert_true(wait >= 0 && wait <= 500 * exp2((double)tries - 1));
			sum[tries - 1] += wait / 400;
		}
	}
	for (size_t i = 0; i < 6; i++) /* the mean of a uniform one; five standard errors */
		assert_true(fabs(sum[i] / (250 * exp2((double)i)) - 1) < 5 * .577 / 20);
	begin((struct pace_settings){ 0 });
	assert_true(pace_retry(&w.pace, 5, 0, &rng, w.now, &wait));
	assert_false(pace_retry(&w.pace, 6, 0, &rng, w.now, &wait));
}

/* Everything fails: what is sent again is bounded by what was sent first, whatever the attempts allow. */
static void an_outage_is_not_multiplied(void **state)
{
	enum { FIRST = 1000 };
	size_t again = 0;
	struct rng rng;
	double wait;

	(void)state;
	rng_init(&rng, 3, "pace");
	begin((struct pace_settings){ 0 });
	for (size_t i = 0; i < FIRST; i++) {
		size_t tries = 0;

		do {
			pace_sent(&w.pace, 1, w.now);
			pace_ended(&w.pace, PACE_FAILED, w.now, 1, NAN, w.now);
			again += tries > 0;
		} while (pace_retry(&w.pace, ++tries, 0, &rng, w.now, &wait));
	}
	assert_true(again >= 10 && again <= FIRST / 4 + 13); /* .2 of all that is sent is .25 of the first */
}

static void retry_after_is_read(void **state)
{
	static const struct {
		const char *value, *date;
		double ms;
	} cases[] = {
		{ "7", NULL, 7000 }, { "0.5", NULL, 500 }, { "0", NULL, 0 }, { "-3", NULL, 0 }, { "", NULL, 0 }, { "soon", NULL, 0 },
		{ "7 minutes", NULL, 0 }, { NULL, NULL, 0 }, { "inf", NULL, 0 }, { "nan", NULL, 0 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:07 GMT", 30000 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:37 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", NULL, 0 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", "yesterday", 0 },
		{ "Thu, 29 Feb 2024 23:59:59 GMT", "Thu, 29 Feb 2024 23:59:49 GMT", 10000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_close(cases[i].value, pace_retry_after(cases[i].value, cases[i].date), cases[i].ms, 1e-9);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_minute_has_more_than_its_limit),
		cmocka_unit_test(a_request_larger_than_a_minute_goes_alone),
		cmocka_unit_test(what_was_estimated_wrong_is_settled),
		cmocka_unit_test(the_window_grows_by_one_and_is_halved_once),
		cmocka_unit_test(retry_after_holds_everybody),
		cmocka_unit_test(waits_double_and_are_drawn),
		cmocka_unit_test(an_outage_is_not_multiplied),
		cmocka_unit_test(retry_after_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
