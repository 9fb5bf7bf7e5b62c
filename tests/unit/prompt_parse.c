/* prompt_parse.c - replies as models write them, and the label read from each. */
#include "test.h"

#include "prompt/parse.h"

static const struct label labels[] = { { "spam", NULL }, { "work", NULL }, { "work order", NULL }, { "personal", NULL } };
static const struct task task = { .labels = labels, .n_labels = 4 };

static const struct {
	const char *reply;
	bool reasoned;
	enum parse_result result;
	size_t label;
} cases[] = {
	{ "spam", false, PARSE_LABEL, 0 },
	{ " **Spam**.\n", false, PARSE_LABEL, 0 },
	{ "The category is \"work\".", false, PARSE_LABEL, 1 },
	{ "This is a work order", false, PARSE_LABEL, 2 },
	{ "work order or work? work", false, PARSE_NONE, 0 },
	{ "spam or personal", false, PARSE_NONE, 0 },
	{ "spammer", false, PARSE_NONE, 0 },
	{ "", false, PARSE_NONE, 0 },
	{ "{\"label\": \"personal\"}", false, PARSE_LABEL, 3 },
	{ "Sure: {\"label\":\"Spam\"} hope it helps", false, PARSE_LABEL, 0 },
	{ "I'm sorry, I cannot help with that.", false, PARSE_REFUSED, 0 },
	{ "It is not spam, it is personal.\nAnswer: personal", true, PARSE_LABEL, 3 },
	{ "Spam is likely, but a friend writes, so personal", true, PARSE_LABEL, 3 },
	{ "ANSWER: none of them", true, PARSE_NONE, 0 },
};

static void replies_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t label = 0;
		enum parse_result result = parse_label(&task, cases[i].reply, cases[i].reasoned, &label);

		if (result != cases[i].result || (result == PARSE_LABEL && label != cases[i].label))
			fail_msg("\"%s\": got %d, label %zu", cases[i].reply, (int)result, label);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(replies_are_read) };

	return cmocka_run_group_tests_name("prompt_parse", tests, NULL, NULL);
}
