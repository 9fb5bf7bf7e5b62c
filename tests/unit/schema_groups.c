/* schema_groups.c - what the groups of a pattern matched; spans as Python's re.fullmatch() gives them, which agrees with ECMA-262
 * on all of these. */
#include "test.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "schema/pattern_groups.h"

/* groups: the texts, each in brackets, "[]" for one that holds nothing; NULL: the whole does not match. */
static const struct {
	const char *pattern, *text, *groups;
} cases[] = {
	{ "abc", "abc", "" },
	{ "abc", "abcd", NULL },
	{ "bc", "abc", NULL },
	{ "", "", "" },
	{ "", "a", NULL },
	{ "(a)(b)?", "a", "[a][]" },
	{ "(a)(b)?", "ab", "[a][b]" },
	{ "(a+)(a*)", "aaa", "[aaa][]" },
	{ "(a*)(a+)", "aaa", "[aa][a]" },
	{ "(a|ab)(c|bcd)", "abcd", "[a][bcd]" },
	{ "(a|ab)(c|bcd)?", "ab", "[ab][]" },
	{ "(?:a(b))+", "abab", "[b]" },
	{ "(a|(b))*", "ab", "[b][b]" },
	{ "((a)b)*", "abab", "[ab][a]" },
	{ "(a){2,3}", "aaa", "[a]" },
	{ "(a){2,3}", "a", NULL },
	{ "(.*)\\.", "a. b.", "[a. b]" },
	{ "(.*)\\.", "a\n.", NULL }, /* . is no line end */
	{ "([^\\n]*)\\n(.*)", "a\nb", "[a][b]" },
	{ "^(a)$", "a", "[a]" },
	{ "(^a|b)(c$|d)", "bd", "[b][d]" },
	{ "(a$)b", "ab", NULL },
	{ "(a*)*", "aa", "[aa]" },
	{ "(\xC3\xA9.)", "\xC3\xA9\xF0\x9F\x98\x80", "[\xC3\xA9\xF0\x9F\x98\x80]" },
	{ "(\\w+) \\((#\\d+(?:, #\\d+)*)?(?:, )?(@[a-z]+)?\\)", "x (#1, #22, @bo)", "[x][#1, #22][@bo]" },
	{ "(\\w+) \\((#\\d+(?:, #\\d+)*)?(?:, )?(@[a-z]+)?\\)", "x (@bo)", "[x][][@bo]" },
};

static void groups_are_found(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = { .text = "" };
		struct pattern_groups *p = pattern_groups_new(cases[i].pattern, strlen(cases[i].pattern), &err);
		struct group_span spans[PATTERN_GROUPS];
		struct buf got = { 0 };

		if (!p)
			fail_msg("%s: %s", cases[i].pattern, err.text);
		bool matched = pattern_groups_match(p, cases[i].text, strlen(cases[i].text), spans);

		for (size_t g = 0; matched && g < pattern_groups_count(p); g++) {
			buf_addc(&got, '[');
			buf_add(&got, cases[i].text + spans[g].start, spans[g].end - spans[g].start);
			buf_addc(&got, ']');
		}
		if (matched != (cases[i].groups != NULL) || (matched && strcmp(buf_text(&got), cases[i].groups) != 0)) {
			print_error("%s on \"%s\": %s\n", cases[i].pattern, cases[i].text, matched ? buf_text(&got) : "no match");
			wrong++;
		}
		assert_int_equal(pattern_groups_match(p, cases[i].text, strlen(cases[i].text), NULL), matched);
		buf_release(&got);
		pattern_groups_free(p);
	}
	assert_int_equal(wrong, 0);
}

static void it_says_how_far_a_text_fits(void **state)
{
	static const struct {
		const char *text;
		size_t reach;
	} texts[] = { { "", 0 }, { "x", 0 }, { "a", 1 }, { "aa", 2 }, { "aax", 2 }, { "aa\xC3\xA9", 4 }, { "aa\xC3\xA9z", 4 }, { "aa\xC3\xA8", 2 } };
	static const char pattern[] = "(a+)\xC3\xA9";
	struct error err = { .text = "" };
	struct pattern_groups *p = pattern_groups_new(pattern, strlen(pattern), &err);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(pattern_groups_reach(p, texts[i].text, strlen(texts[i].text)), texts[i].reach);
	pattern_groups_free(p);
}

/* A backtracking matcher would take 2^1000 steps. */
static void no_pattern_takes_for_ever(void **state)
{
	static const char pattern[] = "((a|a)*)*b";
	struct error err = { .text = "" };
	struct pattern_groups *p = pattern_groups_new(pattern, strlen(pattern), &err);
	char text[1000];

	(void)state;
	assert_non_null(p);
	memset(text, 'a', sizeof(text));
	assert_false(pattern_groups_match(p, text, sizeof(text), NULL));
	pattern_groups_free(p);
}

static void what_cannot_be_followed_is_refused(void **state)
{
	static const struct {
		const char *pattern, *why;
	} refused[] = {
		{ "(a", "has a ( without ) at byte 2" }, { "a)", "without (" },	     { "(?=a)", "(?:" },
		{ "(^)*", "repeats an anchor" },	  { "(a)\\1", "not supported" }, { "(((a{1000}){1000}){1000})", "too large" },
	};
	struct error err = { .text = "" };
	struct buf many = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		assert_null(pattern_groups_new(refused[i].pattern, strlen(refused[i].pattern), &err));
		if (!strstr(err.text, refused[i].why))
			fail_msg("%s: %s", refused[i].pattern, err.text);
	}
	for (size_t i = 0; i <= PATTERN_GROUPS; i++)
		buf_adds(&many, "(a)");
	assert_null(pattern_groups_new(buf_text(&many), many.n, &err));
	assert_non_null(strstr(err.text, "65 groups, more than 64"));
	buf_release(&many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_found),
		cmocka_unit_test(it_says_how_far_a_text_fits),
		cmocka_unit_test(no_pattern_takes_for_ever),
		cmocka_unit_test(what_cannot_be_followed_is_refused),
	};

	return cmocka_run_group_tests_name("schema_groups", tests, NULL, NULL);
}
