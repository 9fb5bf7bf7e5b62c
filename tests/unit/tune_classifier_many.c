/* tune_classifier_many.c - classifiers of several labels an item: what they learn, what they leave out, and hard pools. */
#include "test.h"

#include <string.h>

#include "base/arena.h"
#include "tune/classifier.h"

enum { LABELS = 5, ITEMS = 64, WIDTH = 4 };

static const char *const words[] = { "tomato", "cheese", "mushroom" };
static const struct label labels[LABELS] = { { "T", NULL }, { "unused", NULL }, { "C", NULL }, { "M", NULL }, { "rest", NULL } };
static const size_t label_of[] = { 0, 2, 3 };

/* Item i has the words of its number's bits, and their labels; `rest` where it has none of the three. */
struct pool_fixture {
	struct task task;
	struct example examples[ITEMS];
	const struct example *items[ITEMS];
	const char *texts[ITEMS];
	float vectors[ITEMS * WIDTH];
	struct arena arena;
};

static struct pool_fixture f;

static int set_up(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	arena_init(&f.arena);
	f.task = (struct task){ .file = "task.yaml", .examples_file = "e.csv", .labels = labels, .n_labels = LABELS, .many = true };
	for (size_t i = 0; i < ITEMS; i++) {
		size_t *has = arena_array(&f.arena, LABELS, sizeof(*has)), n = 0;
		const char *text = arena_printf(&f.arena, "pizza%zu with", i);

		for (size_t k = 0; k < 3; k++)
			if (i >> k & 1) {
				has[n++] = label_of[k];
				text = arena_printf(&f.arena, "%s %s", text, words[k]);
				f.vectors[i * WIDTH + k] = 1;
			}
		f.vectors[i * WIDTH + 3] = 0.5f;
		if (n == 0)
			has[n++] = 4;
		f.examples[i] = (struct example){ .labels = has, .n_labels = n, .label = has[0], .group = i };
		f.items[i] = &f.examples[i];
		f.texts[i] = text;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&f.arena);
	return 0;
}

static struct classifier *train(const char *id, size_t n, struct error *err)
{
	size_t n_methods;
	const struct classifier_method *methods = classifier_set_methods(&n_methods);

	for (size_t i = 0; i < n_methods; i++)
		if (strcmp(methods[i].id, id) == 0) {
			bool embeds = methods[i].embeds;
			struct classifier_lessons lessons = { { { f.items, n } }, f.texts, embeds ? f.vectors : NULL, embeds ? WIDTH : 0, NULL };

			return classifier_train(&methods[i], &f.task, &lessons, 1, err);
		}
	fail_msg("no method %s", id);
	return NULL;
}

static struct classifier *must_train(const char *id, size_t n)
{
	struct error err;
	struct classifier *c = train(id, n, &err);

	if (!c)
		fail_msg("%s: %s", id, err.text);
	return c;
}

/* The labels that reach the threshold, as letters. */
static const char *set_of(const struct classifier *c, const char *text, const float *vector)
{
	static char set[LABELS + 1];
	double p[LABELS];
	size_t n = 0;

	classifier_predict(c, text, vector, p);
	for (size_t i = 0; i < LABELS; i++) {
		assert_true(p[i] >= 0 && p[i] <= 1 + 1e-12);
		if (p[i] >= classifier_threshold(c))
			set[n++] = labels[i].name[0];
	}
	set[n] = '\0';
	return set;
}

static void combinations_are_learnt(void **state)
{
	static const char *const ids[] = { "tfidf-words", "tfidf-nearest", "embedding-head", "embedding-nearest" };
	static const struct { const char *text; float vector[WIDTH]; const char *set; } cases[] = {
		{ "with cheese", { 0, 1, 0, 0.5f }, "C" },
		{ "mushroom tomato with", { 1, 0, 1, 0.5f }, "TM" },
		{ "tomato cheese mushroom", { 1, 1, 1, 0.5f }, "TCM" },
		{ "pizza with", { 0, 0, 0, 0.5f }, "r" },
	};

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(ids); m++) {
		struct classifier *c = must_train(ids[m], ITEMS);

		for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
			if (strcmp(set_of(c, cases[i].text, cases[i].vector), cases[i].set) != 0)
				fail_msg("%s, \"%s\": %s, %s", ids[m], cases[i].text, set_of(c, cases[i].text, cases[i].vector), classifier_note(c));
		assert_non_null(strstr(classifier_note(c), "mean F1"));
		classifier_free(c);
	}
}

/* T, C and M are on half of the pool each, the rest on an eighth: the three together do best. */
static void frequency_knows_no_input(void **state)
{
	struct classifier *c = must_train("frequency", ITEMS);
	double p[LABELS];

	(void)state;
	assert_string_equal(set_of(c, "tomato", NULL), "TCM");
	assert_string_equal(set_of(c, "", NULL), "TCM");
	assert_non_null(strstr(classifier_note(c), "the 3 most frequent"));
	classifier_predict(c, "tomato", NULL, p);
	assert_close("its share", p[0], 0.5, 1e-9);
	assert_close("unused", p[1], 0, 0);
	assert_close("rest", p[4], 0.125, 1e-9);
	classifier_free(c);
}

/* Probabilities are of each label by itself: they need not sum to 1, and a label that the pool lacks has none. */
static void each_label_stands_alone(void **state)
{
	struct classifier *c = must_train("tfidf-words", ITEMS);
	double p[LABELS], sum = 0;

	(void)state;
	classifier_predict(c, "tomato cheese mushroom", NULL, p);
	for (size_t i = 0; i < LABELS; i++)
		sum += p[i];
	assert_true(sum > 2);
	assert_close("unused", p[1], 0, 0);
	classifier_free(c);
}

static void hard_pools(void **state)
{
	static const size_t all[] = { 2 };
	size_t n_methods;
	const struct classifier_method *methods = classifier_set_methods(&n_methods);
	struct error err;

	(void)state;
	tear_down(NULL);
	for (size_t m = 0; m < n_methods; m++) {
		struct classifier *c;

		/* few items: nothing can be chosen */
		set_up(NULL);
		c = must_train(methods[m].id, 3);
		set_of(c, "cheese", f.vectors);
		classifier_free(c);
		/* a label on every item, and alone */
		for (size_t i = 0; i < ITEMS; i++) {
			f.examples[i].labels = all;
			f.examples[i].n_labels = 1;
		}
		c = must_train(methods[m].id, ITEMS);
		assert_string_equal(set_of(c, "cheese", f.vectors), "C");
		classifier_free(c);
		/* none at all */
		for (size_t i = 0; i < ITEMS; i++)
			f.examples[i].n_labels = 0;
		assert_null(train(methods[m].id, ITEMS, &err));
		assert_non_null(strstr(err.text, "no example of the pool (64) has a label"));
		tear_down(NULL);
	}
	set_up(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(combinations_are_learnt), cmocka_unit_test(frequency_knows_no_input),
		cmocka_unit_test(each_label_stands_alone), cmocka_unit_test(hard_pools),
	};

	return cmocka_run_group_tests_name("tune_classifier_many", tests, set_up, tear_down);
}
