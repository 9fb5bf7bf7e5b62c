/* tokenizer_cases.h - golden files with a text a line (in hex) and numbers that it must give. */
#ifndef RUNG_TEST_TOKENIZER_CASES_H
#define RUNG_TEST_TOKENIZER_CASES_H

#include "test.h"

#include <jansson.h>
#include <string.h>

#include "base/arena.h"

static inline int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline size_t from_hex(const char *hex, char *out)
{
	size_t n = 0;

	for (; digit(hex[2 * n]) >= 0 && digit(hex[2 * n + 1]) >= 0; n++)
		out[n] = (char)(digit(hex[2 * n]) * 16 + digit(hex[2 * n + 1]));
	out[n] = '\0';
	return n;
}

/* Each line of a golden file, parsed, with its bytes; calls check for every one. */
static inline void each_case(const char *file_name,
		      void (*check)(const json_t *row, const char *text, size_t n, const void *context),
		      const void *context)
{
	char *line = NULL, path[256];
	size_t capacity = 0;

	snprintf(path, sizeof(path), "tests/reference/golden/%s", file_name);
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	while (getline(&line, &capacity, file) > 0) {
		json_t *row = json_loads(line, JSON_ALLOW_NUL, NULL);
		const char *hex = json_string_value(json_object_get(row, "bytes"));

		assert_non_null(hex);
		char *text = mem_alloc(strlen(hex) / 2 + 1);

		check(row, text, from_hex(hex, text), context);
		free(text);
		json_decref(row);
	}
	free(line);
	fclose(file);
}

static inline void assert_numbers(const char *what, const json_t *row, const char *key, const int32_t *got, size_t n)
{
	const json_t *want = json_object_get(row, key);
	const char *bytes = json_string_value(json_object_get(row, "bytes"));

	assert_true(json_is_array(want));
	if (json_array_size(want) != n)
		fail_msg("%s of %.200s: %zu numbers, want %zu", what, bytes, n, json_array_size(want));
	for (size_t i = 0; i < n; i++)
		if (json_integer_value(json_array_get(want, i)) != got[i])
			fail_msg("%s of %.200s: number %zu is %d, want %lld", what, bytes, i, got[i],
				 (long long)json_integer_value(json_array_get(want, i)));
}

#endif
