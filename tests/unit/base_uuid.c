/* base_uuid.c - names as RFC 9562 has version 7, in the order in which a thread makes them, and none of them twice. */
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "test.h"

enum { MANY = 100000 };

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void its_form_is_version_7(void **state)
{
	(void)state;
	char text[UUID_TEXT];

	for (int i = 0; i < 1000; i++) {
		uuid_make(0x0123456789abULL + (uint64_t)i * 7, text);
		assert_int_equal(strlen(text), UUID_TEXT - 1);
		for (size_t k = 0; k < UUID_TEXT - 1; k++)
			if (!strchr(k == 8 || k == 13 || k == 18 || k == 23 ? "-" : "0123456789abcdef", text[k]))
				fail_msg("%s at %zu", text, k);
		assert_int_equal(text[14], '7');
		assert_non_null(strchr("89ab", text[19]));
	}
}

static void it_begins_with_the_moment(void **state)
{
	(void)state;
	char text[UUID_TEXT];

	uuid_make(0x0200456789abULL, text);
	assert_memory_equal(text, "02004567-89ab-7", 15);
}

/* 100,000 in one millisecond are more than its 12 bits count; then the clock is set back. */
static void order_is_kept(void **state)
{
	(void)state;
	char last[UUID_TEXT], text[UUID_TEXT];
	uint64_t now = uuid_now_ms();

	uuid_make(now, last);
	for (int i = 0; i < MANY; i++) {
		uuid_make(i < MANY / 2 ? now : now - 5000, text);
		if (strcmp(last, text) >= 0)
			fail_msg("%s, then %s", last, text);
		memcpy(last, text, sizeof(last));
	}
}

static void none_comes_twice(void **state)
{
	(void)state;
	char(*all)[UUID_TEXT] = calloc(MANY, sizeof(*all));

	for (size_t i = 0; i < MANY; i++)
		uuid_make(uuid_now_ms(), all[i]);
	qsort(all, MANY, sizeof(*all), by_text);
	for (size_t i = 1; i < MANY; i++)
		assert_string_not_equal(all[i - 1], all[i]);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(its_form_is_version_7), cmocka_unit_test(it_begins_with_the_moment),
					    cmocka_unit_test(order_is_kept), cmocka_unit_test(none_comes_twice) };

	return cmocka_run_group_tests_name("base_uuid", tests, NULL, NULL);
}
