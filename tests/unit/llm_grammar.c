/* llm_grammar.c - small languages drafted by hand, and what their matchers accept, force, count and refuse. */
#include "test.h"

#include <string.h>

#include "llm/grammar_match.h"

/* "(" balanced ")" : a language that no finite automaton knows. */
static struct grammar *parentheses(struct error *err)
{
	struct grammar_draft *d = grammar_draft_new();
	uint32_t rule = grammar_rule(d, "pair"), inside = grammar_node(d);

	grammar_literal(d, grammar_start(d, rule), "(", 1, inside);
	grammar_call(d, inside, rule, inside);
	grammar_literal(d, inside, ")", 1, grammar_end(d, rule));
	struct grammar *g = grammar_new(d, rule, NULL, err);

	grammar_draft_free(d);
	return g;
}

/* A rule of one literal, min..max times. */
static struct grammar *repeated(const char *text, uint32_t min, uint32_t max, const struct byte_set *alphabet,
				struct error *err)
{
	struct grammar_draft *d = grammar_draft_new();
	uint32_t root = grammar_rule(d, "root"), word = grammar_rule(d, "word");

	grammar_literal(d, grammar_start(d, word), text, strlen(text), grammar_end(d, word));
	grammar_repeat(d, grammar_start(d, root), word, min, max, grammar_end(d, root));
	struct grammar *g = grammar_new(d, root, alphabet, err);

	grammar_draft_free(d);
	return g;
}

/* Two readings of the same bytes: (a|aa) repeated, and a literal inside. */
static struct grammar *ambiguous(struct error *err)
{
	struct grammar_draft *d = grammar_draft_new();
	uint32_t root = grammar_rule(d, "root"), word = grammar_rule(d, "word");

	grammar_literal(d, grammar_start(d, word), "a", 1, grammar_end(d, word));
	grammar_literal(d, grammar_start(d, word), "aa", 2, grammar_end(d, word));
	grammar_repeat(d, grammar_start(d, root), word, 3, 4, grammar_end(d, root));
	grammar_literal(d, grammar_start(d, root), "aab", 3, grammar_end(d, root));
	struct grammar *g = grammar_new(d, root, NULL, err);

	grammar_draft_free(d);
	return g;
}

/* 'y' accepted whole, 'p' a beginning only, 'n' rejected. */
static char verdict(const struct grammar *g, const char *text)
{
	struct grammar_matcher *m = grammar_matcher_new(g);
	struct grammar_state s = grammar_begin(m), before = s;
	char result = !grammar_advance(m, &s, text, strlen(text)) ? 'n' : grammar_may_end(m, s) ? 'y' : 'p';

	if (result == 'n')
		assert_int_equal(s.number, before.number);
	grammar_matcher_free(m);
	return result;
}

static void check_rows(struct grammar *g, const char *const rows[][2], size_t n)
{
	assert_non_null(g);
	for (size_t i = 0; i < n; i++)
		if (verdict(g, rows[i][0]) != rows[i][1][0])
			fail_msg("\"%s\": got %c, want %s", rows[i][0], verdict(g, rows[i][0]), rows[i][1]);
	grammar_free(g);
}

static void languages_are_followed(void **state)
{
	static const char *const pairs[][2] = { { "()", "y" }, { "(()())", "y" }, { "((", "p" }, { ")", "n" },
						{ "())", "n" }, { "", "p" }, { "()()", "n" } };
	static const char *const three[][2] = { { "ab", "p" }, { "abab", "y" }, { "ababab", "y" }, { "abababa", "n" },
						{ "aba", "p" }, { "", "p" } };
	static const char *const many[][2] = { { "", "y" }, { "xxxxxxxxxxxxxxxxxxxxxxxx", "y" }, { "y", "n" } };
	static const char *const two_ways[][2] = { { "aa", "p" }, { "aaa", "y" }, { "aaaaaaaa", "y" },
						   { "aaaaaaaaa", "n" }, { "aab", "y" }, { "aaab", "n" } };
	struct error err;

	(void)state;
	check_rows(parentheses(&err), pairs, ARRAY_SIZE(pairs));
	check_rows(repeated("ab", 2, 3, NULL, &err), three, ARRAY_SIZE(three));
	check_rows(repeated("x", 0, GRAMMAR_UNBOUNDED, NULL, &err), many, ARRAY_SIZE(many));
	check_rows(ambiguous(&err), two_ways, ARRAY_SIZE(two_ways));
}

static void shortest_and_forced_bytes(void **state)
{
	struct error err;
	struct grammar *g = repeated("abc", 2, 1000000, NULL, &err);
	struct grammar_matcher *m = grammar_matcher_new(g);
	struct grammar_state s = grammar_begin(m);
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(grammar_shortest(m, s), 6);
	assert_int_equal(grammar_forced(m, &s, 4, &out), 4);
	assert_string_equal(buf_text(&out), "abca");
	assert_int_equal(grammar_shortest(m, s), 2);
	assert_int_equal(grammar_forced(m, &s, 100, &out), 2);
	assert_true(grammar_may_end(m, s));
	assert_false(grammar_at_end(m, s));
	assert_int_equal(grammar_forced(m, &s, 100, &out), 0); /* ending is a choice */
	assert_true(grammar_advance(m, &s, "a", 1));
	assert_int_equal(grammar_shortest(m, s), 2);
	buf_release(&out);
	grammar_matcher_free(m);
	grammar_free(g);
}

static void depth_is_bounded_without_a_dead_end(void **state)
{
	struct error err;
	struct grammar *g = parentheses(&err);
	struct grammar_matcher *m = grammar_matcher_new(g);
	struct grammar_state s = grammar_begin(m);
	size_t open = 0;

	(void)state;
	while (grammar_advance(m, &s, "(", 1))
		assert_int_equal(grammar_shortest(m, s), ++open);
	assert_int_equal(open, GRAMMAR_DEPTH + 1); /* the root is no call */
	for (; open; open--)
		assert_true(grammar_advance(m, &s, ")", 1));
	assert_true(grammar_at_end(m, s));
	grammar_matcher_free(m);
	grammar_free(g);
}

static void masks_hold_the_allowed_tokens(void **state)
{
	static const char *const pieces[] = { "(", ")", "()", "(()", "))", "", "x", "()", "()(" };
	size_t lengths[ARRAY_SIZE(pieces)];
	struct error err;
	struct grammar *g = parentheses(&err);
	struct grammar_matcher *m = grammar_matcher_new(g);
	struct grammar_state s = grammar_begin(m);
	uint64_t mask[1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		lengths[i] = strlen(pieces[i]);
	struct token_bytes *t = token_bytes_new(pieces, lengths, ARRAY_SIZE(pieces));

	assert_int_equal(grammar_mask_words(t), 1);
	assert_true(byte_set_has(&t->alphabet, '(') && byte_set_has(&t->alphabet, 'x'));
	assert_false(byte_set_has(&t->alphabet, 'y'));
	assert_int_equal(grammar_mask(m, s, t, SIZE_MAX, mask), 4); /* "(", "()" twice, "(()" */
	assert_int_equal(mask[0], 1 << 0 | 1 << 2 | 1 << 3 | 1 << 7);
	assert_int_equal(grammar_mask(m, s, t, 0, mask), 2); /* nothing may be left to write */
	assert_int_equal(mask[0], 1 << 2 | 1 << 7);
	assert_true(grammar_advance(m, &s, "((", 2));
	assert_int_equal(grammar_mask(m, s, t, SIZE_MAX, mask), 7);
	assert_int_equal(mask[0], 0x1FF & ~(1 << 5 | 1 << 6));
	assert_true(grammar_allows(m, s, "))", 2, 0));
	assert_false(grammar_allows(m, s, ")))", 3, 0));
	assert_false(grammar_allows(m, s, ")", 1, 0));
	token_bytes_free(t);
	grammar_matcher_free(m);
	grammar_free(g);
}

static struct grammar *left_recursive(struct error *err)
{
	struct grammar_draft *d = grammar_draft_new();
	uint32_t a = grammar_rule(d, "a"), b = grammar_rule(d, "b");

	grammar_call(d, grammar_start(d, a), b, grammar_end(d, a));
	grammar_call(d, grammar_start(d, b), a, grammar_end(d, b));
	grammar_literal(d, grammar_start(d, b), "x", 1, grammar_end(d, b));
	struct grammar *g = grammar_new(d, a, NULL, err);

	grammar_draft_free(d);
	return g;
}

static struct grammar *endless(struct error *err)
{
	struct grammar_draft *d = grammar_draft_new();
	uint32_t a = grammar_rule(d, "circle"), node = grammar_node(d);

	grammar_literal(d, grammar_start(d, a), "x", 1, node);
	grammar_call(d, node, a, grammar_end(d, a));
	struct grammar *g = grammar_new(d, a, NULL, err);

	grammar_draft_free(d);
	return g;
}

static struct grammar *huge(struct error *err)
{
	struct grammar_draft *d = grammar_draft_new();
	uint32_t a = grammar_rule(d, "a");

	for (uint32_t i = 0; i < GRAMMAR_NODES / 4; i++)
		grammar_literal(d, grammar_start(d, a), "12345678", 8, grammar_end(d, a));
	assert_true(grammar_draft_full(d));
	struct grammar *g = grammar_new(d, a, NULL, err);

	grammar_draft_free(d);
	return g;
}

static void wrong_drafts_are_errors(void **state)
{
	struct byte_set only_a = { { 0 } };
	struct error err = { .text = "" };

	(void)state;
	byte_set_add(&only_a, 'a');
	assert_null(left_recursive(&err));
	assert_non_null(strstr(err.text, "refers to itself"));
	assert_null(endless(&err));
	assert_non_null(strstr(err.text, "circle can never end"));
	assert_null(huge(&err));
	assert_non_null(strstr(err.text, "too large"));
	assert_null(repeated("", 1, 2, NULL, &err));
	assert_non_null(strstr(err.text, "word is called but may be empty"));
	assert_null(repeated("ab", 1, 2, &only_a, &err)); /* b is no token */
	assert_non_null(strstr(err.text, "word can never end"));
	assert_null(repeated("ab", 4000000000u, GRAMMAR_UNBOUNDED, NULL, &err));
	assert_non_null(strstr(err.text, "root can never end"));
	struct grammar *g = repeated("a", 1, 2, &only_a, &err);

	assert_int_equal(verdict(g, "aa"), 'y');
	grammar_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(languages_are_followed),
		cmocka_unit_test(shortest_and_forced_bytes),
		cmocka_unit_test(depth_is_bounded_without_a_dead_end),
		cmocka_unit_test(masks_hold_the_allowed_tokens),
		cmocka_unit_test(wrong_drafts_are_errors),
	};

	return cmocka_run_group_tests_name("llm_grammar", tests, NULL, NULL);
}
