/* prompt_parse.c - replies as models write them, and the label read from each. */
#include "test.h"

#include <string.h>

#include "base/buf.h"
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

/* Codes with dots, one inside another, and a word. */
static const struct label code_labels[] = { { "E11", NULL }, { "E11.9", NULL }, { "I10", NULL }, { "asthma", NULL } };
static const struct task codes = { .labels = code_labels, .n_labels = 4, .many = true };

static const struct {
	const char *reply;
	enum parse_result result;
	const char *labels; /* as 0 and 1 */
	const char *others;
} lists[] = {
	{ "E11.9, I10", PARSE_LABEL, "0110", "" },
	{ "i10; e11.9.", PARSE_LABEL, "0110", "" },
	{ "- E11\n- Asthma", PARSE_LABEL, "1001", "" },
	{ "The codes are E11.9 (diabetes) and I10.", PARSE_LABEL, "0110", "" },
	{ "E11.90, I10, I10-2, XI10", PARSE_LABEL, "0010", "E11.90|I10-2|XI10|" },
	{ "I10, Z99.9, none of these", PARSE_LABEL, "0010", "Z99.9|none of these|" },
	{ "{\"labels\": [\"I10\", \"Q1\", \"I10\"]}", PARSE_LABEL, "0010", "Q1|" },
	{ "Sure: [\"e11\"]", PARSE_LABEL, "1000", "" },
	{ "{\"labels\": []}", PARSE_LABEL, "0000", "" },
	{ "[]", PARSE_LABEL, "0000", "" },
	{ "None.", PARSE_LABEL, "0000", "" },
	{ "E11.91", PARSE_NONE, "0000", "E11.91|" },
	{ "", PARSE_NONE, "0000", "" },
	{ "I'm sorry, I can't code that.", PARSE_REFUSED, "0000", "I'm sorry|I can't code that|" },
};

static void lists_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct parse_others others = { 0 };
		bool found[4] = { false };
		char got[5] = "0000";
		struct buf names = { 0 };
		struct arena arena;

		arena_init(&arena);
		enum parse_result result = parse_labels(&codes, lists[i].reply, &arena, found, &others);

		for (size_t k = 0; k < 4; k++)
			got[k] = found[k] ? '1' : '0';
		for (size_t k = 0; k < others.n; k++)
			buf_addf(&names, "%s|", others.names[k]);
		if (result != lists[i].result || strcmp(got, lists[i].labels) != 0 || strcmp(buf_text(&names), lists[i].others) != 0)
			fail_msg("\"%s\": got %d, %s, %s", lists[i].reply, (int)result, got, buf_text(&names));
		buf_release(&names);
		arena_release(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(replies_are_read), cmocka_unit_test(lists_are_read) };

	return cmocka_run_group_tests_name("prompt_parse", tests, NULL, NULL);
}
