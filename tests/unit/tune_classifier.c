/* Classifiers learnt from a pool: against scikit-learn (tests/reference/classifiers.py), on pools that are hard to
 * learn from, and on real e-mails. */
#include "tune/classifier.h"

#include "base/text.h"
#include "classifiers_golden.h"
#include "tune/folds.h"

enum { WIDTH = 6, MOST_LABELS = 5, MOST_ITEMS = 512 };

/* A pool built by hand: task_open() has tests of its own. */
struct pool_fixture {
	struct task task;
	struct label labels[MOST_LABELS];
	struct example examples[MOST_ITEMS];
	const struct example *items[MOST_ITEMS];
	const char *texts[MOST_ITEMS];
	float vectors[MOST_ITEMS * WIDTH];
	size_t n;
};

static void fixture_init(struct pool_fixture *f, size_t n_labels)
{
	static const char *const names[MOST_LABELS] = { "spam", "marketing", "personal", "work", "automated" };

	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < n_labels; i++)
		f->labels[i].name = names[i];
	f->task.file = "mail/task.yaml";
	f->task.examples_file = "mail/examples.csv";
	f->task.labels = f->labels;
	f->task.n_labels = n_labels;
}

/* Borrows text. */
static void fixture_add(struct pool_fixture *f, const char *text, size_t label)
{
	assert_true(f->n < MOST_ITEMS);
	f->examples[f->n] = (struct example){ .label = label, .group = f->n };
	f->items[f->n] = &f->examples[f->n];
	f->texts[f->n] = text;
	f->vectors[f->n * WIDTH + label] = 1.0f;
	f->vectors[f->n * WIDTH + WIDTH - 1] = 0.1f * (float)(f->n % 7);
	f->n++;
}

static struct classifier *train(const struct pool_fixture *f, const char *method, uint64_t seed, struct error *err)
{
	struct classifier_lessons lessons = { { { f->items, f->n } }, f->texts, f->vectors, WIDTH, NULL };

	return classifier_train(classifier_method_find(method), &f->task, &lessons, seed, err);
}

static struct classifier *must_train(const struct pool_fixture *f, const char *method)
{
	struct error err;
	struct classifier *c = train(f, method, 1, &err);

	if (!c)
		fail_msg("%s: %s", method, err.text);
	return c;
}

static double sum(const double *p, size_t n)
{
	double total = 0;

	for (size_t i = 0; i < n; i++) {
		assert_true(p[i] >= 0 && p[i] <= 1);
		total += p[i];
	}
	return total;
}

static void table_is_complete(void **state)
{
	size_t n;
	const struct classifier_method *methods = classifier_methods(&n);

	(void)state;
	assert_int_equal(n, 7);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(classifier_method_find(methods[i].id), &methods[i]);
		assert_int_equal(methods[i].rung, methods[i].embeds ? 3 : 0);
	}
	assert_null(classifier_method_find("naive-baies"));
}

/* Iterates to 1e-5 of the gradient's length, so four digits of a probability are owed, no more. */
static void probabilities_match_reference(void **state)
{
	json_t *golden = golden_open(), *want_all = json_object_get(golden, "methods");
	json_t *dense = json_array_get(json_object_get(golden, "dense"), 1);
	const char *texts[GOLDEN_MOST], *queries[GOLDEN_MOST];
	size_t labels[GOLDEN_MOST], n = golden_texts(json_object_get(golden, "texts"), texts), n_methods;
	size_t n_queries = golden_texts(json_object_get(golden, "queries"), queries);
	const struct classifier_method *methods = classifier_methods(&n_methods);
	static struct pool_fixture f;

	(void)state;
	golden_numbers(json_object_get(golden, "labels"), labels);
	fixture_init(&f, 3);
	for (size_t i = 0; i < n; i++) {
		fixture_add(&f, texts[i], labels[i]);
		for (size_t j = 0; j < WIDTH; j++)
			f.vectors[i * WIDTH + j] = (float)golden_cell(json_object_get(dense, "rows"), i, j);
	}
	for (size_t m = 0; m < n_methods; m++) {
		struct classifier *c = must_train(&f, methods[m].id);
		json_t *want = json_object_get(want_all, methods[m].id);

		for (size_t q = 0; q < n_queries; q++) {
			double got[3];
			float vector[WIDTH];

			for (size_t j = 0; j < WIDTH; j++)
				vector[j] = (float)golden_cell(json_object_get(dense, "queries"), q, j);
			classifier_predict(c, queries[q], vector, got);
			assert_close(methods[m].id, sum(got, 3), 1, 1e-12);
			for (size_t k = 0; k < 3; k++)
				assert_close(methods[m].id, got[k], golden_cell(want, q, k), 1e-4);
		}
		classifier_free(c);
	}
	json_decref(golden);
}

/* What a method may not have: text where it embeds, vectors where it does not. */
static void methods_touch_only_their_input(void **state)
{
	static struct pool_fixture f;
	size_t n;
	const struct classifier_method *methods = classifier_methods(&n);
	struct error err;

	(void)state;
	fixture_init(&f, 2);
	for (size_t i = 0; i < 24; i++)
		fixture_add(&f, i % 2 ? "blue sky" : "red earth", i % 2);
	for (size_t m = 0; m < n; m++) {
		bool embeds = methods[m].embeds;
		double p[2];
		struct classifier_lessons lessons = { { { f.items, f.n } }, embeds ? NULL : f.texts, embeds ? f.vectors : NULL,
						      embeds ? WIDTH : 0, NULL };
		struct classifier *c = classifier_train(&methods[m], &f.task, &lessons, 1, &err);

		assert_non_null(c);
		classifier_predict(c, embeds ? NULL : "blue", embeds ? &f.vectors[WIDTH] : NULL, p);
		assert_close(methods[m].id, sum(p, 2), 1, 1e-12);
		if (strcmp(methods[m].id, "majority") != 0)
			assert_true(p[1] > 0.5);
		classifier_free(c);
	}
}

/* Pools that are hard to learn from: labels of the items in a row. */
static const struct {
	const char *name;
	size_t n_labels, n;
	size_t labels[8];
	const char *error; /* part of the sentence; NULL: it learns */
} pools[] = {
	{ "empty", 3, 0, { 0 }, "mail/task.yaml: the pool is empty" },
	{ "one item", 3, 1, { 1 }, "every example of the pool (1) has the label \"marketing\"" },
	{ "one label", 2, 4, { 1, 1, 1, 1 }, "add examples of other labels to mail/examples.csv" },
	{ "two items", 2, 2, { 0, 1 }, NULL },
	{ "first label missing", 3, 4, { 1, 2, 1, 2 }, NULL },
	{ "middle labels missing", 5, 5, { 4, 0, 4, 0, 0 }, NULL },
	{ "last label missing", 4, 6, { 0, 1, 2, 0, 1, 2 }, NULL },
};

static void hard_pool(size_t i, const char *method)
{
	static struct pool_fixture f;
	struct error err;
	bool occurs[MOST_LABELS] = { 0 };
	double p[MOST_LABELS];
	float odd[WIDTH] = { 0 };

	fixture_init(&f, pools[i].n_labels);
	for (size_t j = 0; j < pools[i].n; j++) {
		fixture_add(&f, j % 3 ? "some words" : "", pools[i].labels[j]);
		occurs[pools[i].labels[j]] = true;
	}
	struct classifier *c = train(&f, method, 1, &err);

	if (pools[i].error) {
		assert_null(c);
		if (!strstr(err.text, pools[i].error) || !strstr(err.text, method))
			fail_msg("%s: %s", pools[i].name, err.text);
		return;
	}
	assert_non_null(c);
	for (size_t q = 0; q < 3; q++) {
		classifier_predict(c, q == 0 ? "" : q == 1 ? "some words" : "\xF0\x9F new", odd, p);
		assert_close(pools[i].name, sum(p, pools[i].n_labels), 1, 1e-12);
		for (size_t k = 0; k < pools[i].n_labels; k++)
			if (!occurs[k])
				assert_close(pools[i].name, p[k], 0, 0);
		odd[q] = 1.0f;
	}
	classifier_free(c);
}

static void hard_pools(void **state)
{
	size_t n;
	const struct classifier_method *methods = classifier_methods(&n);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pools); i++)
		for (size_t m = 0; m < n; m++)
			hard_pool(i, methods[m].id);
}

static const char *const vocabulary[3][6] = {
	{ "prize", "winner", "claim", "urgent", "lottery", "the" },
	{ "sale", "discount", "weekend", "shop", "offer", "the" },
	{ "dinner", "mother", "garden", "holiday", "see", "the" },
};

/* Sentences of four words, mostly of their label's. */
static void fixture_sentences(struct pool_fixture *f, struct buf *sentences, size_t n)
{
	fixture_init(f, 3);
	for (size_t i = 0; i < n; i++) {
		struct buf *b = &sentences[i];

		for (size_t w = 0; w < 4; w++) {
			size_t label = (i * 7 + w * 5) % 11 < 3 ? (i + w) % 3 : i % 3;

			buf_addf(b, "%s ", vocabulary[label][(i * 3 + w * w) % 6]);
		}
		fixture_add(f, buf_text(b), i % 3);
	}
}

/* Large enough to choose settings in the pool. */
static void same_seed_same_model(void **state)
{
	static struct pool_fixture f;
	static struct buf sentences[60];
	size_t n;
	const struct classifier_method *methods = classifier_methods(&n);
	struct error err;

	(void)state;
	fixture_sentences(&f, sentences, 60);
	for (size_t m = 0; m < n; m++) {
		struct classifier *a = train(&f, methods[m].id, 3, &err), *b = train(&f, methods[m].id, 3, &err);
		double p[3], q[3];

		assert_string_equal(classifier_note(a), classifier_note(b));
		assert_non_null(strstr(classifier_note(a), methods[m].summary));
		for (size_t i = 0; i < 60; i++) {
			classifier_predict(a, f.texts[i], f.vectors + i * WIDTH, p);
			classifier_predict(b, f.texts[i], f.vectors + i * WIDTH, q);
			assert_memory_equal(p, q, sizeof(p));
		}
		classifier_free(a);
		classifier_free(b);
	}
	for (size_t i = 0; i < 60; i++)
		buf_release(&sentences[i]);
}

/* Twins share a group, and each pair has a random label: only who looks at the twin can be right. */
static void groups_do_not_leak(void **state)
{
	static struct pool_fixture f;
	static struct buf sentences[80];
	static const char *const methods[] = { "naive-bayes", "tfidf-words", "tfidf-nearest" };

	(void)state;
	fixture_init(&f, 2);
	for (size_t i = 0; i < 80; i++) {
		size_t pair = i / 2;

		buf_addf(&sentences[i], "word%zu thing%zu", pair, pair);
		fixture_add(&f, buf_text(&sentences[i]), (pair * pair + pair / 3) % 2);
		f.examples[i].group = pair;
	}
	for (size_t m = 0; m < ARRAY_SIZE(methods); m++) {
		struct classifier *c = must_train(&f, methods[m]);
		const char *accuracy = strstr(classifier_note(c), "(accuracy ");

		assert_non_null(accuracy);
		if (strtod(accuracy + strlen("(accuracy "), NULL) > 0.8)
			fail_msg("%s saw the twin: %s", methods[m], classifier_note(c));
		classifier_free(c);
	}
	for (size_t i = 0; i < 80; i++)
		buf_release(&sentences[i]);
}

static size_t label_number(const struct pool_fixture *f, const char *name)
{
	for (size_t i = 0; i < f->task.n_labels; i++)
		if (strcmp(f->labels[i].name, name) == 0)
			return i;
	fail_msg("unknown label %s", name);
	return 0;
}

/* Subject and the first 500 characters of the text; the caller frees it. */
static char *mail_text(json_t *mail)
{
	const char *text = json_string_value(json_object_get(mail, "text"));
	struct buf b = { 0 };

	buf_addf(&b, "%s\n", json_string_value(json_object_get(mail, "subject")));
	buf_add(&b, text, text_first(text, strlen(text), 500));
	return b.data;
}

/* Reads the e-mails of one split. */
static void read_mails(struct pool_fixture *f, const char *folder, const char *split)
{
	char path[4096];
	json_t *mail;

	snprintf(path, sizeof(path), "%s/email_five/email_five.jsonl", folder);
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	fixture_init(f, 5);
	while ((mail = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL))) {
		const char *label = json_string_value(json_object_get(mail, "label"));

		if (strcmp(json_string_value(json_object_get(mail, "split")), split) == 0)
			fixture_add(f, mail_text(mail), label_number(f, label));
		json_decref(mail);
	}
	fclose(file);
}

static const struct {
	const char *method;
	double accuracy; /* of scikit-learn on the same texts; features and settings differ a little: within .03 */
} mail_figures[] = {
	{ "majority", 0.223 }, { "naive-bayes", 0.82 }, { "tfidf-words", 0.81 },
	{ "tfidf-characters", 0.80 }, { "tfidf-nearest", 0.79 },
};

static void mails_are_sorted_as_well_as_by_the_reference(void **state)
{
	static struct pool_fixture pool, test;
	const char *folder = test_data_folder();

	(void)state;
	if (!folder) {
		print_message("no email_five data: skipped\n");
		skip();
	}
	read_mails(&pool, folder, "train");
	read_mails(&test, folder, "test");
	assert_int_equal(pool.n, 453);
	assert_int_equal(test.n, 296);
	for (size_t i = 0; i < ARRAY_SIZE(mail_figures); i++) {
#ifdef __SANITIZE_ADDRESS__ /* a minute with the sanitizers; the small corpus covers its code */
		if (strcmp(mail_figures[i].method, "tfidf-characters") == 0)
			continue;
#endif
		struct classifier *c = must_train(&pool, mail_figures[i].method);
		double right = 0, p[5];

		for (size_t j = 0; j < test.n; j++) {
			classifier_predict(c, test.texts[j], NULL, p);
			right += argmax(p, 5) == test.examples[j].label;
		}
		assert_close(mail_figures[i].method, right / 296, mail_figures[i].accuracy, 0.03);
		classifier_free(c);
	}
	for (size_t i = 0; i < MOST_ITEMS; i++) {
		free((void *)pool.texts[i]);
		free((void *)test.texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_complete), cmocka_unit_test(probabilities_match_reference),
		cmocka_unit_test(methods_touch_only_their_input), cmocka_unit_test(hard_pools),
		cmocka_unit_test(same_seed_same_model), cmocka_unit_test(groups_do_not_leak),
		cmocka_unit_test(mails_are_sorted_as_well_as_by_the_reference),
	};

	return cmocka_run_group_tests_name("tune_classifier", tests, NULL, NULL);
}
