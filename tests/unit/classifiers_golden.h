/* classifiers_golden.h - reads tests/reference/golden/classifiers.json, what scikit-learn found on a corpus of ours. */
#ifndef RUNG_TEST_CLASSIFIERS_GOLDEN_H
#define RUNG_TEST_CLASSIFIERS_GOLDEN_H

#include <jansson.h>

#include "test.h"

enum { GOLDEN_MOST = 32 };

static inline json_t *golden_open(void)
{
	json_error_t why;
	json_t *golden = json_load_file("tests/reference/golden/classifiers.json", 0, &why);

	if (!golden)
		fail_msg("golden/classifiers.json: %s (run the tests in the project's folder)", why.text);
	return golden;
}

/* An array of at most GOLDEN_MOST strings, which live in the golden file; returns how many. */
static inline size_t golden_texts(const json_t *array, const char **out)
{
	size_t n = json_array_size(array);

	assert_in_range(n, 1, GOLDEN_MOST);
	for (size_t i = 0; i < n; i++)
		out[i] = json_string_value(json_array_get(array, i));
	return n;
}

static inline size_t golden_numbers(const json_t *array, size_t *out)
{
	size_t n = json_array_size(array);

	assert_in_range(n, 1, GOLDEN_MOST);
	for (size_t i = 0; i < n; i++)
		out[i] = (size_t)json_integer_value(json_array_get(array, i));
	return n;
}

/* The number in row i, column j of an array of arrays. */
static inline double golden_cell(const json_t *matrix, size_t i, size_t j)
{
	return json_number_value(json_array_get(json_array_get(matrix, i), j));
}

#endif
