/* serve_limits.c - limits against the exact sliding window, kept as a list of all that was taken. Times are given, none is waited for. */
#include "test.h"

#include "serve/limits.h"

static const double minute = 60e3, day = 86400e3;
static const double slack = 1e-9; /* of the limit: sums are rounded */

static uint64_t seed;

static double uniform(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (double)(seed >> 11) * 0x1p-53;
}

/* What was taken, and when. */
struct taken {
	double at, amount;
};

enum { TAKES = 4000 };

struct book {
	struct taken rows[TAKES];
	size_t n;
};

static struct taken *note(struct book *b, double at, double amount)
{
	assert_true(b->n < TAKES);
	b->rows[b->n] = (struct taken){ at, amount };
	return &b->rows[b->n++];
}

/* The most that any half-open span holds, whenever it begins: the largest begins with a take. */
static double most_in_a_span(const struct book *b, double span)
{
	double most = 0, sum = 0;

	for (size_t from = 0, to = 0; from < b->n; from++) {
		for (; to < b->n && b->rows[to].at < b->rows[from].at + span; to++)
			sum += b->rows[to].amount;
		most = fmax(most, sum);
		sum -= b->rows[from].amount;
	}
	return most;
}

static double all_of(const struct book *b)
{
	double sum = 0;

	for (size_t i = 0; i < b->n; i++)
		sum += b->rows[i].amount;
	return sum;
}

static const struct stream {
	const char *name;
	double most, span, begin, gap, amount; /* gap and amount: the largest, uniform from 0 */
} streams[] = {
	{ "a request now and then", 10, 60e3, 5e9, 9000, 1 },
	{ "far more than fits", 100, 60e3, 0, 150, 7 },
	{ "from the clock's first millisecond", 60, 60e3, 0, 2000, 3 },
	{ "amounts near the limit", 100, 60e3, 12345.678, 40e3, 99 },
	{ "a day", 5, 86400e3, 1e6, 400e3, .05 },
	{ "gaps of several windows", 10, 60e3, 1e12, 400e3, 9 },
	{ "a fast clock after a long time", 1000, 60e3, 3e12, 40, 20 },
	{ "a span that no part divides", 17, 59999.9, 77.7, 3000, 4 },
};

static void no_span_holds_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
		const struct stream *s = &streams[i];
		struct limit l = { .most = s->most, .span_ms = s->span };
		static struct book b;
		double now = s->begin;

		seed = i + 1;
		b.n = 0;
		for (size_t k = 0; k < TAKES; k++, now += uniform() * s->gap) {
			double amount = uniform() * s->amount;

			if (!limit_fits(&l, amount, now))
				continue;
			limit_take(&l, amount, now);
			note(&b, now, amount);
		}
		assert_true(b.n > 0);
		if (most_in_a_span(&b, s->span) > s->most * (1 + slack))
			fail_msg("%s: %.17g in a span", s->name, most_in_a_span(&b, s->span));
	}
}

/* Reserved, and settled up to two windows later with less: what is left is counted where it was taken. */
static void settled_with_less(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
		const struct stream *s = &streams[i];
		struct limit l = { .most = s->most, .span_ms = s->span };
		static struct book b;
		size_t settled = 0;
		double now = s->begin;

		seed = i + 100;
		b.n = 0;
		for (size_t k = 0; k < TAKES; k++, now += uniform() * s->gap) {
			double amount = uniform() * s->amount;

			if (limit_fits(&l, amount, now)) {
				limit_take(&l, amount, now);
				note(&b, now, amount);
			}
			for (; settled < b.n && (uniform() < .7 || b.rows[settled].at < now - 2 * s->span); settled++) {
				double change = -uniform() * b.rows[settled].amount;

				limit_change(&l, change, b.rows[settled].at, now);
				b.rows[settled].amount += change;
			}
			assert_true(limit_taken(&l, now) >= -slack && limit_taken(&l, now) <= s->most * (1 + slack));
		}
		if (most_in_a_span(&b, s->span) > s->most * (1 + slack))
			fail_msg("%s: %.17g in a span", s->name, most_in_a_span(&b, s->span));
	}
}

/* A taker who asks again and again gets nearly all, over any number of windows. */
static void a_taker_who_waits_gets_nearly_all(void **state)
{
	static const double amounts[] = { 1, 3, .25, 10 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(amounts); i++)
		for (size_t j = 0; j < 2; j++) {
			double most = 240, span = j ? day : minute, windows = 3, now = 1e7 + 77, end = now + windows * span;
			struct limit l = { .most = most, .span_ms = span };
			static struct book b;

			b.n = 0;
			while (now < end) {
				double wait = limit_wait_ms(&l, amounts[i], now);

				now += wait;
				if (wait > 0)
					continue;
				limit_take(&l, amounts[i], now);
				note(&b, now, amounts[i]);
			}
			assert_true(most_in_a_span(&b, span) <= most * (1 + slack));
			assert_true(all_of(&b) >= .95 * most * windows);
		}
}

/* The same beside reservations far above what is used: given back, it is taken by others within the window. */
static void what_is_given_back_is_used(void **state)
{
	double most = 1000, now;
	struct limit l = { .most = most, .span_ms = minute };
	static struct book b;

	(void)state;
	b.n = 0;
	for (size_t i = 0; i < 3 * 1200; i++) {
		now = 50.0 * (double)i;
		if (!limit_fits(&l, 200, now))
			continue;
		limit_take(&l, 200, now);
		limit_change(&l, -190, now, now + 20);
		note(&b, now, 10);
	}
	assert_true(most_in_a_span(&b, minute) <= most);
	assert_true(all_of(&b) >= 3 * (most - 200)); /* a reservation has to fit beside what is there */
}

static void it_fits_then_and_not_before(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
		const struct stream *s = &streams[i];
		struct limit l = { .most = s->most, .span_ms = s->span };
		double now = s->begin;

		seed = i + 200;
		for (size_t k = 0; k < 2000; k++, now += uniform() * s->gap) {
			double amount = uniform() * s->amount, wait = limit_wait_ms(&l, amount, now);
			struct limit then = l;

			assert_true(wait >= 0 && isfinite(wait));
			assert_int_equal(wait == 0, limit_fits(&l, amount, now));
			if (!limit_fits(&then, amount, now + wait))
				fail_msg("%s: does not fit %.17g ms later", s->name, wait);
			then = l;
			if (wait > 2 && limit_fits(&then, amount, now + wait - 2))
				fail_msg("%s: fits before %.17g ms", s->name, wait);
			if (wait == 0)
				limit_take(&l, amount, now);
		}
	}
}

static void what_never_fits_is_not_waited_for(void **state)
{
	struct limit l = { .most = 100, .span_ms = minute };

	(void)state;
	assert_false(limit_fits(&l, 100.1, 1e6));
	assert_true(isinf(limit_wait_ms(&l, 100.1, 1e6)));
	assert_true(limit_fits(&l, 100, 1e6));
	limit_take(&l, 100, 1e6);
	assert_true(isinf(limit_wait_ms(&l, 101, 1e6)));
	assert_true(isfinite(limit_wait_ms(&l, 100, 1e6)));
	struct limit nothing = { .most = 0, .span_ms = minute };

	assert_true(isinf(limit_wait_ms(&nothing, 1, 5)));
	assert_true(limit_fits(&nothing, 0, 5));
}

static void no_limit_is_no_limit(void **state)
{
	struct limit l = { .most = INFINITY, .span_ms = minute };

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		assert_true(limit_fits(&l, 1e12, (double)i));
		assert_true(limit_wait_ms(&l, 1e12, (double)i) == 0);
		limit_take(&l, 1e12, (double)i);
	}
	assert_close("taken", limit_taken(&l, 1000), 1e15, slack);
	assert_true(limit_taken(&l, 1000 + 2 * minute) == 0);
}

static void settled_with_more(void **state)
{
	struct limit l = { .most = 100, .span_ms = minute };

	(void)state;
	limit_take(&l, 10, 1000);
	limit_change(&l, 80, 1000, 30e3);
	assert_close("counted", limit_taken(&l, 30e3), 90, slack);
	assert_false(limit_fits(&l, 11, 30e3));
	assert_true(limit_taken(&l, 62e3) == 0); /* with what it was taken for */
	limit_take(&l, 10, 62e3);
	limit_change(&l, 300, 62e3, 63e3); /* more than the limit: then it waits longer */
	assert_false(limit_fits(&l, 1, 63e3));
	assert_true(isfinite(limit_wait_ms(&l, 1, 63e3)));
	assert_true(limit_fits(&l, 1, 63e3 + limit_wait_ms(&l, 1, 63e3)));
}

/* What was taken has left the window when it is settled. */
static void settled_too_late(void **state)
{
	struct limit l = { .most = 100, .span_ms = minute };
	double late = 200e3;

	(void)state;
	limit_take(&l, 60, 1000);
	limit_take(&l, 5, late);
	limit_change(&l, -50, 1000, late);
	assert_close("given back to nobody", limit_taken(&l, late), 5, slack);
	limit_change(&l, 30, 1000, late);
	assert_close("more is counted now", limit_taken(&l, late), 35, slack);
	assert_true(limit_fits(&l, 65, late));
	assert_false(limit_fits(&l, 66, late));
}

/* A part's number wraps around the ring: what was settled late must not reach what stands in its place now. */
static void the_ring_is_not_mistaken(void **state)
{
	(void)state;
	for (int parts = 0; parts < 3 * LIMIT_PARTS; parts++) {
		struct limit l = { .most = 100, .span_ms = minute };
		double then = 1e5, now = then + parts * minute / LIMIT_PARTS;

		limit_take(&l, 40, then);
		limit_take(&l, 40, now);
		limit_change(&l, -40, then, now);
		assert_close("the other is there", limit_taken(&l, now), 40, slack);
		assert_close("until its time", limit_taken(&l, now + minute - 1), 40, slack);
	}
}

/* Amounts that have no exact double, taken and given back whole: nothing stays. */
static void nothing_is_left_over(void **state)
{
	struct limit l = { .most = 1, .span_ms = day };

	(void)state;
	seed = 1;
	for (size_t i = 0; i < 10000; i++) {
		double now = 1000.0 * (double)i;

		double a = uniform() / 2, b = uniform() / 2;

		limit_take(&l, a, now);
		limit_take(&l, b, now);
		limit_change(&l, -a, now, now);
		limit_change(&l, -b, now, now);
		assert_true(fabs(limit_taken(&l, now)) < slack);
	}
	assert_true(limit_fits(&l, 1 - 1e-9, 1e7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_span_holds_more), cmocka_unit_test(settled_with_less),
		cmocka_unit_test(a_taker_who_waits_gets_nearly_all), cmocka_unit_test(what_is_given_back_is_used),
		cmocka_unit_test(it_fits_then_and_not_before), cmocka_unit_test(what_never_fits_is_not_waited_for),
		cmocka_unit_test(no_limit_is_no_limit), cmocka_unit_test(settled_with_more), cmocka_unit_test(settled_too_late),
		cmocka_unit_test(the_ring_is_not_mistaken), cmocka_unit_test(nothing_is_left_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
