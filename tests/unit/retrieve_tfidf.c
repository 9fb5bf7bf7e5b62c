/* TF-IDF rows against scikit-learn (tests/reference/classifiers.py), and the search over them. */
#include "retrieve/tfidf.h"

#include "classifiers_golden.h"

static const struct {
	const char *golden;
	struct tfidf_options options;
} vectorizers[] = {
	{ "words", { .unit = TFIDF_WORDS, .shortest = 1, .longest = 2 } },
	{ "words sublinear", { .unit = TFIDF_WORDS, .shortest = 1, .longest = 2, .sublinear = true } },
	{ "words in two", { .unit = TFIDF_WORDS, .shortest = 1, .longest = 2, .min_documents = 2 } },
	{ "words counted", { .unit = TFIDF_WORDS, .shortest = 1, .longest = 2, .counts = true } },
	{ "characters", { .unit = TFIDF_CHARACTERS, .shortest = 2, .longest = 5 } },
	{ "characters sublinear", { .unit = TFIDF_CHARACTERS, .shortest = 2, .longest = 5, .sublinear = true } },
	{ "characters long", { .unit = TFIDF_CHARACTERS, .shortest = 4, .longest = 6 } },
};

static double weight_of(struct sparse_row row, size_t term)
{
	for (size_t i = 0; i < row.n; i++)
		if (row.entries[i].term == term)
			return (double)row.entries[i].weight;
	return 0;
}

static void check_row(const struct tfidf *t, const char *query, json_t *want)
{
	struct sparse_row row = tfidf_vector(t, query);
	const char *gram;
	json_t *weight;

	assert_int_equal(row.n, json_object_size(want));
	json_object_foreach(want, gram, weight)
		assert_close(gram, weight_of(row, tfidf_term(t, gram)), json_number_value(weight), 1e-6);
	for (size_t i = 1; i < row.n; i++)
		assert_true(row.entries[i - 1].term < row.entries[i].term);
	free(row.entries);
}

static void vectors_match_reference(void **state)
{
	json_t *golden = golden_open();
	const char *texts[GOLDEN_MOST], *queries[GOLDEN_MOST];
	size_t n = golden_texts(json_object_get(golden, "texts"), texts);
	size_t n_queries = golden_texts(json_object_get(golden, "queries"), queries);

	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(vectorizers); v++) {
		json_t *want = json_object_get(json_object_get(golden, "vectors"), vectorizers[v].golden);
		struct tfidf *t = tfidf_fit(&vectorizers[v].options, texts, n);

		assert_int_equal(tfidf_terms(t), json_integer_value(json_object_get(want, "terms")));
		for (size_t q = 0; q < n_queries; q++)
			check_row(t, queries[q], json_array_get(json_object_get(want, "rows"), q));
		tfidf_free(t);
	}
	json_decref(golden);
}

/* Which n-grams a text has; "|" stands between them. */
static const struct {
	const char *name;
	struct tfidf_options options;
	const char *text, *grams;
} tokens[] = {
	{ "one letter is no word", { .longest = 1 }, "a bc I de", "bc|de" },
	{ "pairs skip what is no word", { .shortest = 2, .longest = 2 }, "red - blue, a green", "red blue|blue green" },
	{ "digits and _ belong to words", { .longest = 1 }, "x_1 42% v2.10", "x_1|42|v2|10" },
	{ "capitals of any script fall", { .longest = 1 }, "ÉCOLE Ελλάς МИР", "école|ελλάς|мир" },
	{ "decomposed accents stay", { .longest = 1 }, "de\xCC\x81ja\xCC\x80 vu", "de\xCC\x81ja\xCC\x80|vu" },
	{ "vowel signs stay", { .longest = 1 }, "हिन्दी", "हिन्दी" },
	{ "a run of ideographs is a word", { .longest = 1 }, "東京。大阪", "東京|大阪" },
	{ "wide spaces part words", { .longest = 1 }, "one\u3000two\u00A0three", "one|two|three" },
	{ "symbols are no words", { .longest = 1 }, "📦📦 $$$ ++ --", "" },
	{ "nothing", { .longest = 2 }, "", "" },
	{ "longest defaults to shortest", { .shortest = 2 }, "one two three", "one two|two three" },
	{ "short words once", { .unit = TFIDF_CHARACTERS, .shortest = 3, .longest = 5 }, "a", " a " },
	{ "shorter than the shortest", { .unit = TFIDF_CHARACTERS, .shortest = 5, .longest = 9 }, "ab", " ab " },
	{ "characters, not bytes", { .unit = TFIDF_CHARACTERS, .shortest = 3 }, "Üßé", " üß|üßé|ßé " },
	{ "spaces of any length", { .unit = TFIDF_CHARACTERS, .shortest = 3 }, " \n\ta \t b ", " a | b " },
};

static void tokens_are_as_described(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		struct tfidf *t = tfidf_fit(&tokens[i].options, &tokens[i].text, 1);
		size_t n = 0;

		for (const char *p = tokens[i].grams; *p; n++) {
			char gram[64];
			size_t length = strcspn(p, "|");

			snprintf(gram, sizeof(gram), "%.*s", (int)length, p);
			if (tfidf_term(t, gram) == SIZE_MAX)
				fail_msg("%s: no term \"%s\"", tokens[i].name, gram);
			p += length + (p[length] == '|');
		}
		if (tfidf_terms(t) != n)
			fail_msg("%s: %zu terms, want %zu", tokens[i].name, tfidf_terms(t), n);
		tfidf_free(t);
	}
}

static void wrong_bytes_are_harmless(void **state)
{
	const char *texts[] = { "caf\xE9 \xF0\x9F", "\xFF\xFF", "ok\xC3 words\xE2\x82" };
	struct tfidf_options both[] = {
		{ .unit = TFIDF_WORDS, .longest = 2 },
		{ .unit = TFIDF_CHARACTERS, .longest = 4 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		struct tfidf *t = tfidf_fit(&both[i], texts, ARRAY_SIZE(texts));

		assert_int_not_equal(tfidf_term(t, "ok"), SIZE_MAX);
		tfidf_free(t);
	}
}

static void dot_counts_common_terms(void **state)
{
	struct sparse_entry a[] = { { 1, 2.0f }, { 4, 3.0f }, { 9, 1.0f } };
	struct sparse_entry b[] = { { 0, 5.0f }, { 4, 0.5f }, { 9, 4.0f }, { 12, 1.0f } };
	struct sparse_row x = { a, 3 }, y = { b, 4 }, none = { 0 };

	(void)state;
	assert_close("both", sparse_dot(x, y), 5.5, 0);
	assert_close("either way", sparse_dot(y, x), 5.5, 0);
	assert_close("none", sparse_dot(x, none), 0, 0);
}

static const char *const shelf[] = {
	"apples and pears", "pears and plums", "a train to Paris", "the night train", "apples and pears", "",
};

static const struct {
	const char *name, *query;
	size_t k, skip, n;
	size_t first[3];
} searches[] = {
	{ "the text itself, the lower twin first", "apples and pears", 2, SIZE_MAX, 2, { 0, 4 } },
	{ "an item is not its own neighbour", "apples and pears", 1, 0, 1, { 4 } },
	{ "best first", "pears and plums", 3, SIZE_MAX, 3, { 1, 0, 4 } },
	{ "no more than there are", "train", 10, SIZE_MAX, 6, { 2, 3, 0 } },
	{ "without the one left out", "train", 10, 3, 5, { 2, 0, 1 } },
	{ "nothing known: by position", "zebra", 3, SIZE_MAX, 3, { 0, 1, 2 } },
	{ "nothing asked", "", 2, SIZE_MAX, 2, { 0, 1 } },
	{ "none wanted", "train", 0, SIZE_MAX, 0, { 0 } },
};

static void nearest_finds(void **state)
{
	struct tfidf_options options = { .unit = TFIDF_WORDS, .shortest = 1, .longest = 1 };
	struct tfidf_index *x = tfidf_index_new(&options, shelf, ARRAY_SIZE(shelf));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(searches); i++) {
		size_t positions[10], n;
		double similarities[10];

		n = tfidf_nearest(x, searches[i].query, searches[i].k, searches[i].skip, positions, similarities);
		if (n != searches[i].n)
			fail_msg("%s: %zu found, want %zu", searches[i].name, n, searches[i].n);
		for (size_t j = 0; j < n && j < 3; j++)
			if (positions[j] != searches[i].first[j])
				fail_msg("%s: %zu. is %zu", searches[i].name, j + 1, positions[j]);
		for (size_t j = 1; j < n; j++)
			assert_true(similarities[j - 1] >= similarities[j]);
	}
	tfidf_index_free(x);
}

/* The inverted lists give what comparing row by row gives. */
static void similarities_are_cosines(void **state)
{
	struct tfidf_options options = { .unit = TFIDF_CHARACTERS, .shortest = 2, .longest = 4 };
	struct tfidf_index *x = tfidf_index_new(&options, shelf, ARRAY_SIZE(shelf));
	struct tfidf *t = tfidf_fit(&options, shelf, ARRAY_SIZE(shelf));
	const char *query = "pears on a train";
	struct sparse_row q = tfidf_vector(t, query);
	size_t positions[6];
	double similarities[6];

	(void)state;
	assert_int_equal(tfidf_nearest(x, query, 6, SIZE_MAX, positions, similarities), 6);
	for (size_t i = 0; i < 6; i++) {
		struct sparse_row row = tfidf_vector(t, shelf[positions[i]]);

		assert_close(shelf[positions[i]], similarities[i], sparse_dot(q, row), 1e-12);
		free(row.entries);
	}
	assert_true(similarities[0] > 0.1 && similarities[0] < 1);
	free(q.entries);
	tfidf_free(t);
	tfidf_index_free(x);
}

static void nothing_to_learn_from(void **state)
{
	struct tfidf_options options = { .unit = TFIDF_WORDS, .longest = 2 };
	struct tfidf_index *x = tfidf_index_new(&options, NULL, 0);
	const char *empty = "";
	struct tfidf *t = tfidf_fit(&options, &empty, 1);
	struct sparse_row row = tfidf_vector(t, "some words");
	size_t position;
	double similarity;

	(void)state;
	assert_int_equal(tfidf_nearest(x, "some words", 1, SIZE_MAX, &position, &similarity), 0);
	assert_int_equal(tfidf_terms(t), 0);
	assert_int_equal(row.n, 0);
	tfidf_free(t);
	tfidf_index_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_match_reference), cmocka_unit_test(tokens_are_as_described),
		cmocka_unit_test(wrong_bytes_are_harmless), cmocka_unit_test(dot_counts_common_terms),
		cmocka_unit_test(nearest_finds), cmocka_unit_test(similarities_are_cosines),
		cmocka_unit_test(nothing_to_learn_from),
	};

	return cmocka_run_group_tests_name("retrieve_tfidf", tests, NULL, NULL);
}
