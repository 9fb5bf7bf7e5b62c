/* Folds inside the pool: stratified, whole groups, the same for the same seed. */
#include "tune/folds.h"

#include "base/arena.h"
#include "test.h"

/* n items of n_classes classes in turn, groups of group_size neighbours. */
static const struct {
	const char *name;
	size_t n, n_classes, group_size;
	size_t folds, taking_part;
} cases[] = {
	{ "too few to choose from", 19, 2, 1, 0, 0 },
	{ "just enough", 20, 2, 1, 5, 20 },
	{ "classes do not divide", 47, 3, 1, 5, 47 },
	{ "more classes than a fold has items", 30, 20, 1, 5, 30 },
	{ "groups stay whole", 60, 3, 3, 5, 60 },
	{ "too few groups", 40, 2, 10, 0, 0 },
	{ "a sample of many", 2500, 5, 1, 5, 2000 },
};

static void items_of(size_t i, size_t *classes, size_t *groups)
{
	for (size_t j = 0; j < cases[i].n; j++) {
		groups[j] = 1000 - j / cases[i].group_size; /* numbers without meaning */
		classes[j] = (cases[i].group_size > 1 ? groups[j] : j) % cases[i].n_classes;
	}
}

static void check_balance(size_t c, const struct folds *f, const size_t *classes)
{
	for (size_t class = 0; class < cases[c].n_classes; class++) {
		size_t counts[FOLDS + 1] = { 0 }, least = SIZE_MAX, most = 0;

		for (size_t i = 0; i < f->n_items; i++)
			counts[f->fold[i]] += classes[i] == class;
		for (size_t k = 0; k < f->n; k++) {
			least = counts[k] < least ? counts[k] : least;
			most = counts[k] > most ? counts[k] : most;
		}
		if (f->n > 0 && most - least > cases[c].group_size)
			fail_msg("%s: class %zu has %zu to %zu items a fold", cases[c].name, class, least, most);
	}
}

static void check_splits(size_t c, const struct folds *f)
{
	size_t *train = mem_zero(f->n_items, sizeof(*train)), *held = mem_zero(f->n_items, sizeof(*held));
	size_t total = 0;

	for (size_t k = 0; k < f->n; k++) {
		size_t n_train, n_held;

		folds_split(f, k, train, &n_train, held, &n_held);
		assert_int_equal(n_train + n_held, cases[c].taking_part);
		assert_true(n_held > 0);
		for (size_t i = 0; i < n_train; i++)
			assert_int_not_equal(f->fold[train[i]], k);
		total += n_held;
	}
	assert_int_equal(total, f->n > 0 ? cases[c].taking_part : 0);
	free(train);
	free(held);
}

static void folds_are_balanced_and_whole(void **state)
{
	static size_t classes[2500], groups[2500];

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		struct folds f;

		items_of(c, classes, groups);
		folds_init(&f, classes, groups, cases[c].n, cases[c].n_classes, 1);
		if (f.n != cases[c].folds)
			fail_msg("%s: %zu folds", cases[c].name, f.n);
		for (size_t i = 1; i < f.n_items; i++)
			if (groups[i] == groups[i - 1])
				assert_int_equal(f.fold[i], f.fold[i - 1]);
		check_balance(c, &f, classes);
		check_splits(c, &f);
		folds_release(&f);
	}
}

static void the_seed_decides(void **state)
{
	static size_t classes[47], groups[47];
	struct folds a, b, other;

	(void)state;
	items_of(2, classes, groups);
	folds_init(&a, classes, groups, 47, 3, 7);
	folds_init(&b, classes, groups, 47, 3, 7);
	folds_init(&other, classes, groups, 47, 3, 8);
	assert_memory_equal(a.fold, b.fold, 47 * sizeof(*a.fold));
	assert_memory_not_equal(a.fold, other.fold, 47 * sizeof(*a.fold));
	folds_release(&a);
	folds_release(&b);
	folds_release(&other);
}

static const struct {
	const char *name;
	struct fold_score scores[3];
	size_t best;
} choices[] = {
	{ "most right", { { 5, 10, 9.0 }, { 7, 10, 9.0 }, { 6, 10, 1.0 } }, 1 },
	{ "then least loss", { { 7, 10, 3.0 }, { 7, 10, 4.0 }, { 7, 10, 2.0 } }, 2 },
	{ "then the first", { { 7, 10, 3.0 }, { 7, 10, 3.0 }, { 1, 10, 3.0 } }, 0 },
};

static void the_best_setting_wins(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++)
		if (fold_score_best(choices[i].scores, 3) != choices[i].best)
			fail_msg("%s: %zu", choices[i].name, fold_score_best(choices[i].scores, 3));
}

static void scores_add_up(void **state)
{
	struct fold_score s = { 0 };
	struct buf note = { 0 };

	(void)state;
	fold_score_add(&s, (double[]){ 0.5, 0.25, 0.25 }, 3, 0);
	fold_score_add(&s, (double[]){ 0.5, 0.5, 0.0 }, 3, 1); /* a tie goes to the first */
	fold_score_add(&s, (double[]){ 0.5, 0.5, 0.0 }, 3, 2); /* an impossible answer costs 20, not infinity */
	assert_int_equal(s.right, 1);
	assert_int_equal(s.n, 3);
	assert_close("log loss", s.log_loss, 2 * M_LN2 + 20, 1e-12);
	fold_score_note(&s, 5, &note);
	assert_string_equal(buf_text(&note), " by 5-fold cross-validation in the pool (accuracy 0.333)");
	buf_release(&note);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folds_are_balanced_and_whole), cmocka_unit_test(the_seed_decides),
		cmocka_unit_test(the_best_setting_wins), cmocka_unit_test(scores_add_up),
	};

	return cmocka_run_group_tests_name("tune_folds", tests, NULL, NULL);
}
