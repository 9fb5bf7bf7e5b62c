/* The cost equation. Expected values are worked out by hand (the arithmetic stands beside them), and break-even and tipping points
 * are held against a simulation day by day and against bisections of the total, which share no code with them. */
#include <float.h>

#include "base/rng.h"
#include "cost/break_even.h"
#include "test.h"

static struct cost_rung priced(double input, double output, double in, double out)
{
	struct cost_rung r = cost_rung_default;

	r.call.input_tokens = input;
	r.call.output_tokens = output;
	r.call.usd_per_mtok = (struct cost_prices){ in, out, NAN, NAN };
	r.passes = true;
	return r;
}

static struct cost_traffic traffic(double calls, double days)
{
	return (struct cost_traffic){ .calls_per_day = calls, .calls_low = calls, .calls_high = calls, .horizon_days = days };
}

/* --- figures known from elsewhere ------------------------------------------------------------------------------------ */

/* 500,000 calls a day, 1,000 tokens in and 100 out, from $3/15 to a small model: 500,000 (.0045 - .000375) = 2,062.50 a day;
 * at $1/5 with a factor of 1.1: 500,000 (.0045 - 1.1 .0015) = 1,425. */
static void a_small_model_pays_itself_back(void **state)
{
	static const struct { double in, out, factor, a_day, once, days; } rows[] = {
		{ .25, 1.25, 1, 2062.5, 2000, 2000 / 2062.5 }, { 1, 5, 1.1, 1425, 2000, 2000 / 1425.0 },
		{ .25, 1.25, 1, 2062.5, 20000, 20000 / 2062.5 }, { 1, 5, 1.1, 1425, 20000, 20000 / 1425.0 },
	};
	struct cost_rung large = priced(1000, 100, 3, 15);
	struct cost_traffic t = traffic(500000, 90);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cost_rung small = priced(1000, 100, rows[i].in, rows[i].out);

		small.call.region_factor = rows[i].factor;
		small.setup.other_usd = rows[i].once;
		assert_close("a day", cost_running_usd(&large, 5e5) - cost_running_usd(&small, 5e5), rows[i].a_day, 1e-12);
		assert_close("days", cost_break_even_days(&small, &large, &t), rows[i].days, 1e-12);
		/* $2k: 1.0 to 1.4 days; $20k: 10 to 14. */
		assert_in_range(llround(10 * cost_break_even_days(&small, &large, &t)), rows[i].once < 1e4 ? 10 : 97,
				rows[i].once < 1e4 ? 14 : 140);
	}
}

/* 2,000 once at .003 less a call: 666,667 calls, whatever a day has of them. At 100 a day more, 500,000 calls save 1,400: 714,286. */
static void so_many_calls_pay_it_back(void **state)
{
	struct cost_rung large = priced(1000, 100, 3, 15), small = priced(1000, 100, 1, 5);
	struct cost_traffic none = traffic(0, 0), some = traffic(500000, 90), many = traffic(5e6, 90);

	(void)state;
	assert_true(isnan(cost_break_even_volume(&small, &large, &some))); /* nothing to pay back */
	small.setup.other_usd = 2000;
	assert_close("none", cost_break_even_volume(&small, &large, &none), 2000 / .003, 1e-12);
	assert_close("some", cost_break_even_volume(&small, &large, &some), 2000 / .003, 1e-12);
	assert_close("many", cost_break_even_volume(&small, &large, &many), 2000 / .003, 1e-12);
	assert_true(isinf(cost_break_even_volume(&large, &small, &some)) || isnan(cost_break_even_volume(&large, &small, &some)));
	small.daily.hosting_usd = 100;
	assert_close("a day costs, too", cost_break_even_volume(&small, &large, &some), 5e5 * 2000 / 1400, 1e-12);
	assert_true(isnan(cost_break_even_volume(&small, &large, &none)));
	large.setup.other_usd = 1500;
	assert_close("the difference", cost_break_even_volume(&small, &large, &some), 5e5 * 500 / 1400, 1e-12);
}

/* Within a week while F <= 7 V delta: $14,437.50 and $9,975. */
static void within_a_week(void **state)
{
	struct cost_rung large = priced(1000, 100, 3, 15), cheap = priced(1000, 100, .25, 1.25), dear = priced(1000, 100, 1, 5);
	struct cost_traffic t = traffic(500000, 90);

	(void)state;
	dear.call.region_factor = 1.1;
	cheap.setup.other_usd = 14437.5;
	dear.setup.other_usd = 9975;
	assert_close("cheap", cost_break_even_days(&cheap, &large, &t), 7, 1e-12);
	assert_close("dear", cost_break_even_days(&dear, &large, &t), 7, 1e-12);
}

/* 1,500 cached and 400 fresh tokens at $.40 and $.10, 10 out at $1.60: 400 .40 + 1,500 .10 + 10 1.60 = $326 a million calls; the
 * fine-tune at $.80/$3.20 without the prefix: 400 .80 + 10 3.20 = $352. */
static struct cost_rung with_prefix(void)
{
	struct cost_rung r = priced(1900, 10, .40, 1.60);

	r.call.prefix_tokens = 1500;
	r.call.hit_share = 1;
	r.call.usd_per_mtok.cache_read = .10;
	return r;
}

static void a_cached_prompt_beats_its_own_fine_tune(void **state)
{
	struct cost_rung prompted = with_prefix(), tuned = priced(400, 10, .80, 3.20);

	(void)state;
	assert_close("prompted", 1e6 * cost_call_usd(&prompted.call), 326, 1e-12);
	assert_close("tuned", 1e6 * cost_call_usd(&tuned.call), 352, 1e-12);
	tuned.setup.other_usd = 200;
	for (double calls = 1e3; calls < 1e9; calls *= 10) {
		struct cost_traffic t = traffic(calls, 3650);

		assert_true(isinf(cost_break_even_days(&tuned, &prompted, &t)));
		assert_int_equal(cost_tip_calls(&tuned, &prompted, &t).side, COST_NEVER);
	}
}

/* 1,100 tokens at $.20 a million are $.22 per 1,000 calls; 1,000 at $.10 and 100 at $.50 are $.15. */
static void a_hosted_small_model_undercuts_a_tuned_one(void **state)
{
	struct cost_rung tuned = priced(1000, 100, .20, .20), hosted = priced(1000, 100, .10, .50);

	(void)state;
	assert_close("tuned", 1e3 * cost_call_usd(&tuned.call), .22, 1e-12);
	assert_close("hosted", 1e3 * cost_call_usd(&hosted.call), .15, 1e-12);
}

/* $20k once, $50 a day, 90 days: (20,000/90 + 50) / .004125 = 65,993 and / .00168 = 162,037 calls a day. */
static void volume_from_which_it_pays(void **state)
{
	static const struct { double saving, calls; } rows[] = { { .004125, 65993.27 }, { .00168, 162037.04 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cost_rung from = priced(1000, 0, 1000 * rows[i].saving + 1, NAN), to = priced(1000, 0, 1, NAN);
		struct cost_traffic t = traffic(1, 90);

		to.setup.other_usd = 20000;
		to.daily.upkeep_usd = 50;
		struct cost_tip tip = cost_tip_calls(&to, &from, &t);

		assert_int_equal(tip.side, COST_ABOVE);
		assert_close("V*", tip.at, rows[i].calls, 1e-6);
	}
}

/* --- each term -------------------------------------------------------------------------------------------------------- */

static void every_term_of_a_call(void **state)
{
	struct cost_call c = cost_rung_default.call;

	(void)state;
	c.input_tokens = 2000;
	c.prefix_tokens = 1500;
	c.output_tokens = 100;
	c.reasoning_tokens = 50;
	c.hit_share = .8;
	c.usd_per_mtok = (struct cost_prices){ 2, 8, .5, 2.5 };
	/* 500 2 + 1,500 (.8 .5 + .2 2.5) + 150 8 = 1,000 + 1,350 + 1,200 = 3,550 */
	assert_close("tokens", cost_call_usd(&c), 3550e-6, 1e-12);
	c.batch_share = .5;
	c.region_factor = 1.1;
	c.retry_share = .02;
	assert_close("factors", cost_call_usd(&c), 3550e-6 * .75 * 1.1 * 1.02, 1e-12);
	c.escalated_share = .1;
	c.escalation_usd = .03;
	c.local_usd = .001;
	c.retrieval_usd = .0002;
	c.guard_usd = .0001;
	assert_close("all", cost_call_usd(&c), 3550e-6 * .75 * 1.1 * 1.02 + .003 + .00102 + .0003, 1e-12);
}

static void every_term_once_and_a_day(void **state)
{
	struct cost_setup s = { .hours = 10, .usd_per_hour = 80, .labels = 1000, .usd_per_label = .1, .failed_runs = 2, .epochs = 3,
				.epoch_tokens = 2e6, .training_usd_per_mtok = 5, .gpu_hours = 4, .usd_per_gpu_hour = 2.5,
				.local_usd = 1, .evaluation_usd = 7, .other_usd = 11 };
	struct cost_daily d = { .hosting_usd = 3, .storage_usd = 1, .upkeep_usd = 20, .gpus = 2, .usd_per_gpu_hour = 1.5 };

	(void)state;
	/* 800 + 100 + 3 (30 + 10 + 1) + 7 + 11 */
	assert_close("once", cost_once_usd(&s), 1041, 1e-12);
	assert_close("a day", cost_day_usd(&d), 24 + 72, 1e-12);
}

static void every_term_of_the_total(void **state)
{
	struct cost_rung r = priced(1000, 0, 1, NAN);
	struct cost_traffic t = traffic(1000, 90);

	(void)state;
	r.quality = .9;
	t.usd_per_error = .01;
	r.setup.other_usd = 100;
	r.daily.hosting_usd = 5;
	r.daily.retraining_usd = 40;
	r.daily.retrain_every_days = 30;
	r.daily.retired_after_days = 60;
	r.daily.rebuild_usd = 70;
	/* 100 + floor(89/30) 40 + 70 + 90 (5 + 1,000 (.001 + .1 .01)) */
	assert_close("90 days", cost_total_usd(&r, &t, 90), 100 + 80 + 70 + 90 * 7, 1e-12);
	assert_close("31 days", cost_total_usd(&r, &t, 31), 100 + 40 + 31 * 7, 1e-12);
	assert_close("60 days", cost_total_usd(&r, &t, 60), 100 + 40 + 60 * 7, 1e-12);
	assert_close("1 day", cost_total_usd(&r, &t, 1), 107, 1e-12);
	assert_close("running", cost_running_usd(&r, 1000), 1 + 5 + 40 / 30.0, 1e-12);
	assert_close("with errors", cost_with_errors_usd(&r, .01), .002, 1e-12);
	assert_close("right", cost_right_usd(&r), .001 / .9, 1e-12);
}

static void a_short_prefix_is_not_kept(void **state)
{
	(void)state;
	assert_true(cost_cacheable(1023, 1024) == 0 && cost_cacheable(1024, 1024) == 1024 && cost_cacheable(10, 0) == 10);
}

/* --- what is not known ------------------------------------------------------------------------------------------------ */

static void unknown_prices_stay_unknown(void **state)
{
	struct cost_rung known = priced(1000, 100, 1, 5), unknown = priced(1000, 100, 1, NAN), reads = with_prefix();
	struct cost_traffic t = traffic(1000, 90);
	const char *names[COST_MISSING];

	(void)state;
	assert_true(isnan(cost_call_usd(&unknown.call)) && isnan(cost_total_usd(&unknown, &t, 90)));
	assert_true(isnan(cost_break_even_days(&unknown, &known, &t)));
	assert_int_equal(cost_tip_calls(&unknown, &known, &t).side, COST_UNKNOWN);
	assert_int_equal(cost_tip_price(&known, &unknown, &t).side, COST_UNKNOWN);
	assert_int_equal(cost_missing(&known, &t, names), 0);
	assert_int_equal(cost_missing(&unknown, &t, names), 1);
	assert_string_equal(names[0], "output price");
	reads.call.usd_per_mtok.cache_read = NAN;
	reads.call.hit_share = .5;
	t.usd_per_error = 1;
	assert_int_equal(cost_missing(&reads, &t, names), 3);
	assert_string_equal(names[0], "price of cached input");
	assert_string_equal(names[1], "price of writing to the cache");
	assert_string_equal(names[2], "quality");
	/* No output is asked for, so its price does not matter; the same of quality where errors are free. */
	unknown.call.output_tokens = 0;
	assert_close("no output", cost_call_usd(&unknown.call), .001, 1e-12);
}

static void a_rival_is_the_cheapest_lower_rung_that_passes(void **state)
{
	struct cost_rung rungs[5] = { priced(1000, 0, .01, NAN), priced(1000, 0, 3, NAN), priced(1000, 0, 1, NAN),
				      priced(1000, 0, NAN, NAN), priced(1000, 0, .1, NAN) };
	struct cost_traffic t = traffic(1000, 90);

	(void)state;
	for (int i = 0; i < 5; i++)
		rungs[i].rung = i < 1 ? 0 : i < 3 ? 1 : i < 4 ? 2 : 3;
	rungs[0].passes = false;
	assert_ptr_equal(cost_rival(rungs, 5, &rungs[4], &t), &rungs[2]);
	rungs[2].setup.other_usd = 1000; /* 90 (3 - 1) is less */
	assert_ptr_equal(cost_rival(rungs, 5, &rungs[4], &t), &rungs[1]);
	rungs[0].passes = true;
	assert_ptr_equal(cost_rival(rungs, 5, &rungs[4], &t), &rungs[0]);
	assert_null(cost_rival(rungs, 5, &rungs[0], &t));
}

/* --- against simulations ---------------------------------------------------------------------------------------------- */

static struct rng rng_of(uint64_t seed, const char *stream)
{
	struct rng rng;

	rng_init(&rng, seed, stream);
	return rng;
}

static double between(struct rng *rng, double low, double high)
{
	return low + (high - low) * rng_double(rng);
}

static struct cost_rung drawn(struct rng *rng, bool steps)
{
	struct cost_rung r = priced(between(rng, 100, 3000), between(rng, 1, 500), between(rng, .05, 5), between(rng, .2, 20));

	r.quality = between(rng, .6, 1);
	r.setup.other_usd = between(rng, 0, 20000);
	r.daily.upkeep_usd = between(rng, 0, 60);
	r.call.local_usd = between(rng, 0, .0005);
	if (steps) {
		r.daily.retraining_usd = between(rng, 0, 300);
		r.daily.retrain_every_days = floor(between(rng, 7, 90));
	}
	return r;
}

/* One day after another; retraining is put aside for each day. 0: not within the limit. */
static int first_day_paid(const struct cost_rung *to, const struct cost_rung *from, const struct cost_traffic *t, int limit)
{
	const struct cost_rung *rungs[] = { to, from };
	double spent[2];

	for (int i = 0; i < 2; i++)
		spent[i] = rungs[i]->setup.other_usd;
	for (int day = 1; day <= limit; day++) {
		double price = pow(1 - t->price_decline, (day - 1) / 365.0);

		for (int i = 0; i < 2; i++) {
			const struct cost_rung *r = rungs[i];
			double tokens = (r->call.input_tokens * r->call.usd_per_mtok.input +
					 r->call.output_tokens * r->call.usd_per_mtok.output) / 1e6;

			spent[i] += t->calls_per_day * (price * tokens + r->call.local_usd + (1 - r->quality) * t->usd_per_error) +
				    r->daily.upkeep_usd;
			if (r->daily.retraining_usd > 0)
				spent[i] += r->daily.retraining_usd / r->daily.retrain_every_days;
		}
		if (spent[0] <= spent[1])
			return day;
	}
	return 0;
}

static void break_even_is_the_day_the_lines_cross(void **state)
{
	enum { LIMIT = 4000 };
	struct rng rng = rng_of(7, "break even");
	int paid = 0, never = 0;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct cost_rung to = drawn(&rng, i % 2), from = drawn(&rng, i % 3 == 0);
		struct cost_traffic t = traffic(between(&rng, 100, 200000), 90);

		t.usd_per_error = i % 5 ? 0 : between(&rng, 0, .01);
		t.price_decline = i % 4 == 3 ? between(&rng, .05, .7) : 0;
		double days = cost_break_even_days(&to, &from, &t);
		int first = first_day_paid(&to, &from, &t, LIMIT);

		if (days == 0 || (isinf(days) && to.setup.other_usd <= from.setup.other_usd))
			continue; /* nothing to pay back */
		if (days > LIMIT - 1) {
			assert_int_equal(first, 0);
			never++;
		} else if (fabs(days - round(days)) > 1e-6) {
			if (first != (int)ceil(days))
				fail_msg("case %d: t* = %.6f, simulated %d", i, days, first);
			paid++;
		}
	}
	assert_true(paid > 300 && never > 100);
}

/* The x in [low, high] where the sign of f changes, by bisection. */
static double bisect(double (*f)(double x, const struct cost_case *c), const struct cost_case *c, double low, double high)
{
	double sign = f(low, c);

	if (sign * f(high, c) > 0)
		return NAN;
	for (int i = 0; i < 300; i++) {
		double middle = (low + high) / 2;

		*(sign * f(middle, c) > 0 ? &low : &high) = middle;
	}
	return low;
}

static double totals_apart(const struct cost_case *c)
{
	double days = c->traffic.horizon_days;

	return cost_total_usd(&c->to, &c->traffic, days) - cost_total_usd(&c->from, &c->traffic, days);
}

static double at_calls(double x, const struct cost_case *c)
{
	struct cost_case other = *c;

	other.traffic.calls_per_day = x;
	return totals_apart(&other);
}

static double at_price(double x, const struct cost_case *c)
{
	struct cost_case other = *c;

	other.from.call.usd_per_mtok.input *= x;
	other.from.call.usd_per_mtok.output *= x;
	return totals_apart(&other);
}

static double at_quality(double x, const struct cost_case *c)
{
	struct cost_case other = *c;

	other.to.quality = x;
	return totals_apart(&other);
}

static void tipping_points_are_where_the_totals_meet(void **state)
{
	static const struct {
		const char *name;
		struct cost_tip (*tip)(const struct cost_rung *, const struct cost_rung *, const struct cost_traffic *);
		double (*at)(double x, const struct cost_case *c);
		double high;
	} rows[] = {
		{ "volume", cost_tip_calls, at_calls, 1e9 }, { "price", cost_tip_price, at_price, 1e6 },
		{ "quality", cost_tip_quality, at_quality, 1 },
	};
	struct rng rng = rng_of(11, "tipping points");
	int found[3] = { 0 };

	(void)state;
	for (int i = 0; i < 1500; i++) {
		struct cost_rung to = drawn(&rng, i % 2), from = drawn(&rng, i % 3 == 0);
		struct cost_case c = { to, from, traffic(between(&rng, 100, 200000), floor(between(&rng, 2, 400))) };

		c.to.daily.retired_after_days = i % 4 ? INFINITY : 45;
		c.to.daily.rebuild_usd = 500;
		c.traffic.usd_per_error = between(&rng, .001, .05);
		c.traffic.price_decline = i % 3 ? 0 : between(&rng, 0, .6);
		for (int k = 0; k < 3; k++) {
			struct cost_tip tip = rows[k].tip(&c.to, &c.from, &c.traffic);
			double met = bisect(rows[k].at, &c, 0, rows[k].high);

			if (tip.side == COST_ALWAYS || tip.side == COST_NEVER) {
				assert_true(isnan(met));
				assert_int_equal(tip.side == COST_ALWAYS, rows[k].at(rows[k].high / 2, &c) < 0);
			} else if (tip.at < rows[k].high) {
				assert_close(rows[k].name, tip.at, met, 1e-6);
				assert_int_equal(tip.side == COST_ABOVE, rows[k].at(fmin(rows[k].high, tip.at * 1.01), &c) < 0);
				found[k]++;
			}
		}
	}
	assert_true(found[0] > 300 && found[1] > 300 && found[2] > 100);
}

/* At V* the one-off sum is back on the last day of the horizon. */
static void volume_and_days_agree(void **state)
{
	struct rng rng = rng_of(3, "agree");
	int met = 0;

	(void)state;
	for (int i = 0; i < 500; i++) {
		struct cost_rung to = drawn(&rng, false), from = drawn(&rng, false);
		struct cost_traffic t = traffic(1, floor(between(&rng, 1, 400)));
		struct cost_tip tip = cost_tip_calls(&to, &from, &t);

		if (tip.side != COST_ABOVE || to.setup.other_usd <= from.setup.other_usd)
			continue;
		t.calls_per_day = tip.at;
		assert_close("days", cost_break_even_days(&to, &from, &t), t.horizon_days, 1e-6);
		met++;
	}
	assert_true(met > 50);
}

/* --- ends and cascades -------------------------------------------------------------------------------------------------- */

static void ends_stand_on_either_side_of_the_middle(void **state)
{
	struct cost_rung to = priced(1000, 100, .25, 1.25), from = priced(1000, 100, 3, 15);
	struct cost_traffic t = { .calls_per_day = 5000, .calls_low = 2000, .calls_high = 9000, .horizon_days = 90, .usd_per_error = .01,
				  .price_decline = .3 };
	double days[COST_ENDS];

	(void)state;
	to.quality = .90, to.quality_low = .85, to.quality_high = .94;
	from.quality = .92, from.quality_low = .88, from.quality_high = .95;
	to.setup.other_usd = 600;
	for (int end = 0; end < COST_ENDS; end++) {
		struct cost_case c = cost_case_at(&to, &from, &t, (enum cost_end)end);

		days[end] = cost_break_even_days(&c.to, &c.from, &c.traffic);
		assert_int_equal(cost_pays(&c), days[end] < 90);
	}
	/* optimistic: 600 / (9,000 (.004125 + .06 .01)) */
	assert_close("optimistic", days[COST_OPTIMISTIC], 600 / (9000 * (.004125 + .0006)), 1e-9);
	assert_true(days[COST_OPTIMISTIC] < days[COST_MIDDLE] && days[COST_MIDDLE] < days[COST_PESSIMISTIC]);
	struct cost_case c = cost_case_at(&to, &from, &t, COST_PESSIMISTIC);

	assert_true(c.to.quality == .85 && c.from.quality == .95 && c.traffic.calls_per_day == 2000 && c.traffic.price_decline == .3);
}

/* It has to be back before the base is retired, too. */
static void a_base_that_goes_ends_the_saving(void **state)
{
	struct cost_case c = { priced(1000, 100, .25, 1.25), priced(1000, 100, 3, 15), traffic(1000, 365) };

	(void)state;
	c.to.setup.other_usd = 400; /* 4.125 a day: 97 days */
	assert_true(cost_pays(&c));
	c.to.daily.retired_after_days = 96;
	assert_false(cost_pays(&c));
	c.to.daily.retired_after_days = 98;
	assert_true(cost_pays(&c));
}

/* c_S + check + esc c_L < c_L while esc is below the limit. */
static void a_cascade_pays_below_its_limit(void **state)
{
	double limit = cost_cascade_limit(.0002, .0001, .003);
	struct cost_call cascade = cost_rung_default.call;

	(void)state;
	assert_close("limit", limit, .9, 1e-12);
	cascade.local_usd = .0002;
	cascade.guard_usd = .0001;
	cascade.escalation_usd = .003;
	cascade.escalated_share = .899;
	assert_true(cost_call_usd(&cascade) < .003);
	cascade.escalated_share = .901;
	assert_true(cost_call_usd(&cascade) > .003);
	assert_true(cost_cascade_limit(.002, .002, .003) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_model_pays_itself_back),
		cmocka_unit_test(so_many_calls_pay_it_back),
		cmocka_unit_test(within_a_week),
		cmocka_unit_test(a_cached_prompt_beats_its_own_fine_tune),
		cmocka_unit_test(a_hosted_small_model_undercuts_a_tuned_one),
		cmocka_unit_test(volume_from_which_it_pays),
		cmocka_unit_test(every_term_of_a_call),
		cmocka_unit_test(every_term_once_and_a_day),
		cmocka_unit_test(every_term_of_the_total),
		cmocka_unit_test(a_short_prefix_is_not_kept),
		cmocka_unit_test(unknown_prices_stay_unknown),
		cmocka_unit_test(a_rival_is_the_cheapest_lower_rung_that_passes),
		cmocka_unit_test(break_even_is_the_day_the_lines_cross),
		cmocka_unit_test(tipping_points_are_where_the_totals_meet),
		cmocka_unit_test(volume_and_days_agree),
		cmocka_unit_test(ends_stand_on_either_side_of_the_middle),
		cmocka_unit_test(a_base_that_goes_ends_the_saving),
		cmocka_unit_test(a_cascade_pays_below_its_limit),
	};

	return cmocka_run_group_tests_name("cost_equation", tests, NULL, NULL);
}
