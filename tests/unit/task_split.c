/* Splits: the rules for duplicates, groups and the user's own column as rows; shares and wholeness over many seeds. */
#include "test.h"

#include "base/rng.h"
#include "task/split.h"

enum { SEEDS = 200, MOST = 2000 };

/* One letter an item: p, d, t kept; = a duplicate; ~ a group that stands in a later split. */
static char letter(enum split s)
{
	return "pdt=~"[s];
}

/* Items are written as text, group and the user's split: "a1p" is text a, group 1, pool. */
static const struct {
	const char *name, *items, *want;
} given[] = {
	{ "nothing to drop", "a1p b2d c3t", "pdt" },
	{ "pool loses to test", "a1p a2t b3d", "=td" },
	{ "pool loses to dev", "a1p a2d b3t", "=dt" },
	{ "dev loses to test", "a1d a2t b3p c4d", "=tpd" },
	{ "all three: test stays", "a1p a2d a3t b4p c5d", "==tpd" },
	{ "order does not matter", "a3t a2d a1p b4p c5d", "t==pd" },
	{ "repeats inside test stay", "a1t a2t b3p c4d", "ttpd" },
	{ "repeats inside pool stay when dev is given", "a1p a2p b3t c4d", "pptd" },
	{ "repeats inside dev stay", "a1d a2d b3t c4p", "ddtp" },
	{ "a group in pool and test leaves pool", "a1p b1t c2p d3d", "~tpd" },
	{ "a group in dev and test leaves dev", "a1d b1t c2p d3d", "~tpd" },
	{ "a group in all three stays in test", "a1p b1d c1t d2p e3d", "~~tpd" },
	{ "a dropped duplicate no longer holds its group", "a1p a1d b2t c3d d1p", "=dtd~" },
	{ "a duplicate in another group goes first", "a1d a2t b1p c3d", "=tpd" },
};

static size_t items_parse(const char *text, struct split_item *items)
{
	size_t n = 0;

	for (; text[0]; text += text[3] ? 4 : 3)
		items[n++] = (struct split_item){
			.text = (size_t)(text[0] - 'a'),
			.group = (size_t)(text[1] - '1'),
			.given = text[2] == 'p' ? SPLIT_POOL : text[2] == 'd' ? SPLIT_DEV : SPLIT_TEST,
		};
	return n;
}

static void the_users_splits_are_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
		struct split_item items[16];
		enum split out[16];
		char got[17] = "";
		size_t n = items_parse(given[i].items, items);

		/* numbers have to lie below n: pad with items that change nothing */
		for (; n < 10; n++)
			items[n] = (struct split_item){ .text = n, .group = n, .given = SPLIT_DEV };
		split_assign(items, n, 1, true, i, out);
		for (size_t k = 0; k < strlen(given[i].want); k++)
			got[k] = letter(out[k]);
		if (strcmp(got, given[i].want) != 0)
			fail_msg("%s: %s gave %s, want %s", given[i].name, given[i].items, got, given[i].want);
	}
}

/* Random data: n items, some texts repeated, groups of up to `group` items, labels of falling frequency. */
static void items_random(struct rng *r, struct split_item *items, size_t n, size_t n_labels, size_t group, bool repeats)
{
	size_t g = 0, left = 0;

	for (size_t i = 0; i < n; i++) {
		if (left == 0) {
			left = 1 + rng_below(r, group);
			g = i;
		}
		left--;
		size_t a = rng_below(r, n_labels), b = rng_below(r, n_labels);

		items[i] = (struct split_item){
			.text = repeats && i > 0 && rng_below(r, 10) == 0 ? items[rng_below(r, i)].text : i,
			.group = g,
			.label = a < b ? a : b,
		};
	}
}

struct counts {
	double label[3][20], all[3], label_all[20], total;
};

static struct counts count(const struct split_item *items, const enum split *out, size_t n)
{
	struct counts c = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (out[i] > SPLIT_TEST)
			continue;
		c.label[out[i]][items[i].label]++;
		c.label_all[items[i].label]++;
		c.all[out[i]]++;
		c.total++;
	}
	return c;
}

static const double shares[3] = { 0.5, 0.2, 0.3 };

/* Single items: every total and every label within two items of its share. */
static void shares_hold_for_every_label(void **state)
{
	static struct split_item items[MOST];
	static enum split out[MOST];
	double worst = 0, worst_total = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct rng r;

		rng_init(&r, seed, "test-shares");
		size_t n = 30 + rng_below(&r, MOST - 30), n_labels = 2 + rng_below(&r, 18);

		items_random(&r, items, n, n_labels, 1, true);
		split_assign(items, n, n_labels, false, seed, out);
		struct counts c = count(items, out, n);

		for (int s = 0; s < 3; s++) {
			worst_total = fmax(worst_total, fabs(c.all[s] - shares[s] * c.total));
			for (size_t l = 0; l < n_labels; l++)
				worst = fmax(worst, fabs(c.label[s][l] - shares[s] * c.label_all[l]));
		}
	}
	print_message("worst label: %.2f items from its share, worst total: %.2f\n", worst, worst_total);
	assert_true(worst < 2 && worst_total < 2);
}

/* Distinct texts once each; repeats dropped; groups whole; totals within one more than the largest group. */
static void groups_stay_whole(void **state)
{
	static struct split_item items[MOST];
	static enum split out[MOST];

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct rng r;
		int of_group[MOST], of_text[MOST];

		rng_init(&r, seed, "test-groups");
		size_t n = 60 + rng_below(&r, MOST - 60), group = 1 + rng_below(&r, 8);

		items_random(&r, items, n, 5, group, true);
		split_assign(items, n, 5, false, seed, out);
		memset(of_group, -1, sizeof(of_group));
		memset(of_text, -1, sizeof(of_text));
		for (size_t i = 0; i < n; i++) {
			size_t t = items[i].text, g = items[i].group;

			assert_int_equal(out[i] == SPLIT_DUPLICATE, of_text[t] >= 0);
			if (out[i] == SPLIT_DUPLICATE)
				continue;
			assert_true(out[i] <= SPLIT_TEST);
			of_text[t] = (int)out[i];
			assert_true(of_group[g] < 0 || of_group[g] == (int)out[i]);
			of_group[g] = (int)out[i];
		}
		struct counts c = count(items, out, n);

		for (int s = 0; s < 3; s++)
			if (fabs(c.all[s] - shares[s] * c.total) > (double)group + 1)
				fail_msg("seed %zu: split %d has %g of %g", (size_t)seed, s, c.all[s], c.total);
	}
}

static void a_seed_is_an_order(void **state)
{
	static struct split_item items[500];
	static enum split a[500], b[500], c[500];
	struct rng r;
	size_t differ = 0;

	(void)state;
	rng_init(&r, 1, "test-seed");
	items_random(&r, items, 500, 3, 1, false);
	split_assign(items, 500, 3, false, 7, a);
	split_assign(items, 500, 3, false, 7, b);
	split_assign(items, 500, 3, false, 8, c);
	assert_memory_equal(a, b, sizeof(a));
	for (size_t i = 0; i < 500; i++)
		differ += a[i] != c[i];
	/* two independent splits agree on .5^2 + .2^2 + .3^2 = 38 % */
	assert_in_range(differ, 250, 370);
}

/* The user gave train and test only: a fifth of train, without repeats and with groups whole, becomes dev. */
static void a_missing_dev_is_a_fifth_of_pool(void **state)
{
	static struct split_item items[MOST];
	static enum split out[MOST];

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct rng r;
		int of_text[MOST], of_group[MOST];

		rng_init(&r, seed, "test-dev");
		size_t n = 100 + rng_below(&r, MOST - 100);

		items_random(&r, items, n, 4, 3, true);
		for (size_t i = 0; i < n; i++)
			items[i].given = i < n / 3 ? SPLIT_TEST : SPLIT_POOL;
		split_assign(items, n, 4, true, seed, out);
		memset(of_text, -1, sizeof(of_text));
		memset(of_group, -1, sizeof(of_group));
		for (size_t i = 0; i < n; i++) {
			if (i < n / 3)
				assert_int_equal(out[i], SPLIT_TEST);
			if (out[i] > SPLIT_TEST)
				continue;
			if (of_text[items[i].text] >= 0)
				assert_true(i < n / 3); /* only test repeats a text */
			assert_true(of_group[items[i].group] < 0 || of_group[items[i].group] == (int)out[i]);
			of_text[items[i].text] = of_group[items[i].group] = (int)out[i];
		}
		struct counts c = count(items, out, n);

		assert_true(fabs(c.all[SPLIT_DEV] - 0.2 * (c.all[SPLIT_DEV] + c.all[SPLIT_POOL])) <= 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_users_splits_are_kept),
		cmocka_unit_test(shares_hold_for_every_label),
		cmocka_unit_test(groups_stay_whole),
		cmocka_unit_test(a_seed_is_an_order),
		cmocka_unit_test(a_missing_dev_is_a_fifth_of_pool),
	};

	return cmocka_run_group_tests_name("task_split", tests, NULL, NULL);
}
