/* serve_relay_body.c - what a request may take at most, as a gateway reserves it, and whose name is changed in it. */
#include <string.h>

#include "serve/relay_body.h"
#include "test.h"

static const struct {
	const char *members;
	double most, choices; /* most NAN: it does not say */
} rows[] = {
	{ "", NAN, 1 },
	{ ", \"max_tokens\": 16", 16, 1 },
	{ ", \"max_completion_tokens\": 16, \"n\": 3", 16, 3 },
	{ ", \"max_completion_tokens\": 1, \"max_tokens\": 663", 663, 1 }, /* an upstream may know the one, or the other */
	{ ", \"max_completion_tokens\": 663, \"max_tokens\": 1", 663, 1 },
	{ ", \"max_completion_tokens\": null, \"max_tokens\": 7", 7, 1 },
	{ ", \"max_tokens\": \"16\"", NAN, 1 },
	{ ", \"max_tokens\": -16, \"n\": -2", 0, 1 }, /* nothing is given back */
	{ ", \"max_tokens\": 0, \"n\": 0", 0, 1 },
	{ ", \"max_tokens\": 1e300, \"n\": 1e300", 1e9, 1e9 }, /* and no limit has to count to infinity */
	{ ", \"n\": \"9\"", NAN, 1 },
	{ ", \"n\": 9", NAN, 9 },
	{ ", \"options\": {\"max_tokens\": 5, \"n\": 5}", NAN, 1 },
};

static void what_may_be_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct arena arena = { 0 };
		struct relay_body b;
		struct chat_fault fault;
		const char *body = arena_printf(&arena, "{\"model\": \"m\"%s}", rows[i].members);

		assert_true(relay_body_find(body, strlen(body), &arena, &b));
		assert_true(relay_body_check(&b, &arena, &fault));
		if (b.choices != rows[i].choices || !(b.most_output == rows[i].most || (isnan(b.most_output) && isnan(rows[i].most))))
			fail_msg("%s: %g of %g", body, b.choices, b.most_output);
		arena_release(&arena);
	}
}

static void the_name_alone_is_changed(void **state)
{
	static const char body[] = "{ \"a\": {\"model\": 1}, \"model\" :\"m\\u0065\" , \"n\":1e2}";
	static const char want[] = "{ \"a\": {\"model\": 1}, \"model\" :\"x\\\"y\" , \"n\":1e2}";
	struct arena arena = { 0 };
	struct relay_body b;
	struct buf out = { 0 };

	(void)state;
	assert_true(relay_body_find(body, sizeof(body) - 1, &arena, &b));
	assert_string_equal(b.model, "me");
	relay_body_write(&b, "x\"y", &out);
	assert_string_equal(buf_text(&out), want);
	buf_release(&out);
	arena_release(&arena);
}

static const struct {
	const char *reply;
	bool known;
	size_t input, output;
} replies[] = {
	{ "{\"usage\": {\"prompt_tokens\": 3, \"completion_tokens\": 4}}", true, 3, 4 },
	{ "{\"usage\": {\"prompt_tokens\": 3}}", true, 3, 0 },
	{ "{\"usage\": {\"prompt_tokens\": 3, \"completion_tokens\": -2}}", false, 0, 0 }, /* 1 in all, or 18446744073709551617 */
	{ "{\"usage\": {\"prompt_tokens\": -3, \"completion_tokens\": 4}}", false, 0, 0 },
	{ "{\"usage\": {\"prompt_tokens\": 3, \"completion_tokens\": 9223372036854775807}}", false, 0, 0 },
	{ "{\"usage\": {\"prompt_tokens\": 1e3, \"completion_tokens\": \"4\"}}", false, 0, 0 },
	{ "{\"usage\": null}", false, 0, 0 },
	{ "{}", false, 0, 0 },
	{ "", false, 0, 0 },
};

static void what_was_counted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
		for (int events = 0; events < 2; events++) {
			size_t input, output;
			bool known = relay_usage(replies[i].reply, strlen(replies[i].reply), events, &input, &output);

			if (known != replies[i].known || input != replies[i].input || output != replies[i].output)
				fail_msg("%s: %zu and %zu", replies[i].reply, input, output);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_may_be_taken), cmocka_unit_test(the_name_alone_is_changed), cmocka_unit_test(what_was_counted) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
