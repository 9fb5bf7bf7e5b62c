/* Label scores against logits taken one by one, stop strings, and text that stays whole. The tiny model of
 * tests/reference/tiny_models.py has random weights, so that its output is arbitrary but fixed for a kernel set. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tiny_engine.h"

/* --- scores --- */

/* Sequences end with 0, which is no label token here. */
static const int32_t labels[][5] = {
	{ 40, 50, 60 }, { 40, 50 }, { 40, 70 }, { 90 }, { 41, 50, 60, 61 }, { 40, 50, 60 }, { 40, 50, 60, 200 },
};

enum { LABELS = ARRAY_SIZE(labels) };

static struct token_tree *label_tree(void)
{
	struct token_list lists[LABELS];

	for (size_t i = 0; i < LABELS; i++) {
		lists[i] = (struct token_list){ (int32_t *)labels[i], 0, 5 };
		while (labels[i][lists[i].n] != 0)
			lists[i].n++;
	}
	return token_tree_new(lists, LABELS);
}

/* The contract, spelled out: one context that grows, one row of logits for each token. */
static double score_slowly(struct engine *e, const struct token_list *prompt, const int32_t *label)
{
	size_t vocabulary = decoder_vocabulary(e->decoder);
	float *logits = mem_zero(vocabulary, sizeof(*logits));
	struct context *c = context_new(e->decoder, e->shared, prompt->ids, prompt->n);
	double score = 0;

	for (; *label; label++) {
		decoder_compute(e->decoder, &c, 1);
		decoder_logits(e->decoder, &c, 1, logits);
		score += log_probability(logits, vocabulary, *label);
		context_append(c, *label);
	}
	context_free(c);
	free(logits);
	return score;
}

static void scores_are_sums_of_log_probabilities(void **state)
{
	struct engine e;
	struct token_tree *tree = label_tree();
	double out[PROMPTS][LABELS];

	(void)state;
	engine_open(&e, 2);
	score_sequences(e.decoder, e.shared, e.prompts, PROMPTS, tree, 0, &out[0][0]);
	for (size_t i = 0; i < PROMPTS; i++)
		for (size_t j = 0; j < LABELS; j++)
			assert_close("score", out[i][j], score_slowly(&e, &e.prompts[i], labels[j]), 1e-9);
	for (size_t i = 0; i < PROMPTS; i++) {
		assert_true(out[i][0] == out[i][5]);
		assert_true(out[i][0] < out[i][1] && out[i][6] < out[i][0]);
	}
	token_tree_free(tree);
	engine_close(&e);
}

static void scores_do_not_depend_on_company_sharing_or_threads(void **state)
{
	struct token_tree *tree = label_tree();
	double batch[PROMPTS][LABELS], other[LABELS];
	struct engine one, two;

	(void)state;
	engine_open(&one, 1);
	engine_open(&two, 2);
	score_sequences(two.decoder, two.shared, two.prompts, PROMPTS, tree, 0, &batch[0][0]);
	for (size_t i = 0; i < PROMPTS; i++) {
		struct token_list whole = { 0 };

		score_sequences(one.decoder, one.shared, &one.prompts[i], 1, tree, 0, other);
		assert_memory_equal(batch[i], other, sizeof(other));
		for (size_t j = 0; j < 50; j++)
			token_list_add(&whole, (int32_t)(3 + j * 29 % 250));
		for (size_t j = 0; j < one.prompts[i].n; j++)
			token_list_add(&whole, one.prompts[i].ids[j]);
		score_sequences(one.decoder, NULL, &whole, 1, tree, 0, other);
		assert_memory_equal(batch[i], other, sizeof(other));
		token_list_release(&whole);
	}
	token_tree_free(tree);
	engine_close(&one);
	engine_close(&two);
}

static void all_first_tokens_together_have_probability_one(void **state)
{
	struct engine e;

	(void)state;
	engine_open(&e, 1);
	size_t n = decoder_vocabulary(e.decoder);
	struct token_list *lists = mem_zero(n, sizeof(*lists));
	double *out = mem_zero(PROMPTS * n, sizeof(*out));

	for (size_t i = 0; i < n; i++)
		token_list_add(&lists[i], (int32_t)i);
	struct token_tree *tree = token_tree_new(lists, n);

	score_sequences(e.decoder, e.shared, e.prompts, PROMPTS, tree, 0, out);
	for (size_t i = 0; i < PROMPTS; i++) {
		double sum = 0;

		for (size_t j = 0; j < n; j++)
			sum += exp(out[i * n + j]);
		assert_close("sum of first tokens", sum, 1.0, 1e-12);
	}
	for (size_t i = 0; i < n; i++)
		token_list_release(&lists[i]);
	token_tree_free(tree);
	free(lists);
	free(out);
	engine_close(&e);
}

/* 1,600 sequences of three tokens have more inner nodes than are computed at once; each scores as it does alone. */
static void a_large_tree_scores_like_its_parts(void **state)
{
	enum { N = 1600 };
	static int32_t ids[N][3];
	static struct token_list lists[N];
	static double out[2 * N];
	struct engine e;

	(void)state;
	engine_open(&e, 1);
	for (int i = 0; i < N; i++) {
		ids[i][0] = 3 + i % 11;
		ids[i][1] = 3 + i % 199;
		ids[i][2] = 3 + i * 7 % 250;
		lists[i] = (struct token_list){ ids[i], 3, 3 };
	}
	struct token_tree *tree = token_tree_new(lists, N);

	score_sequences(e.decoder, e.shared, &e.prompts[3], 2, tree, 0, out);
	token_tree_free(tree);
	for (int i = 0; i < N; i += 97) {
		double alone[2];

		tree = token_tree_new(&lists[i], 1);
		score_sequences(e.decoder, e.shared, &e.prompts[3], 2, tree, 0, alone);
		assert_true(alone[0] == out[i] && alone[1] == out[N + i]);
		token_tree_free(tree);
	}
	engine_close(&e);
}

/* --- generation --- */

/* Greedy decoding spelled out; stops at the model's end token. */
static void generate_slowly(struct engine *e, const struct token_list *prompt, size_t max, struct buf *text)
{
	size_t vocabulary = decoder_vocabulary(e->decoder);
	float *logits = mem_zero(vocabulary, sizeof(*logits));
	struct context *c = context_new(e->decoder, e->shared, prompt->ids, prompt->n);

	for (size_t n = 0; n < max; n++) {
		int32_t best = 0;

		decoder_compute(e->decoder, &c, 1);
		decoder_logits(e->decoder, &c, 1, logits);
		for (size_t i = 1; i < vocabulary; i++)
			best = logits[i] > logits[best] ? (int32_t)i : best;
		if (best == tokenizer_end(decoder_tokenizer(e->decoder)))
			break;
		tokenizer_decode(decoder_tokenizer(e->decoder), &best, 1, text);
		context_append(c, best);
	}
	context_free(c);
	free(logits);
}

/* Bytes as the generator gives them out: wrong ones replaced, a character cut at the end left out. */
static bool same_but_repaired(const struct buf *raw, const struct buf *got)
{
	struct buf repaired = { 0 };
	bool same;

	text_repair(&repaired, raw->data, raw->n);
	same = got->n <= repaired.n && got->n + 9 >= repaired.n &&
	       memcmp(buf_text(got), buf_text(&repaired), got->n) == 0;
	buf_release(&repaired);
	return same;
}

static void a_group_generates_what_each_would_alone(void **state)
{
	struct generate_options options = { .max_tokens = 24, .end = -1 };
	struct generation out[PROMPTS];
	struct engine e;
	size_t longest = 0;

	(void)state;
	engine_open(&e, 2);
	generate(e.decoder, e.shared, e.prompts, PROMPTS, &options, out);
	for (size_t i = 0; i < PROMPTS; i++) {
		struct generation alone = generate_one(&e, i, &options);
		struct buf slow = { 0 };

		generate_slowly(&e, &e.prompts[i], options.max_tokens, &slow);
		assert_string_equal(buf_text(&out[i].text), buf_text(&alone.text));
		assert_int_equal(out[i].tokens, alone.tokens);
		assert_true(out[i].truncated == (out[i].tokens == options.max_tokens));
		assert_true(same_but_repaired(&slow, &out[i].text));
		longest = out[i].tokens > longest ? out[i].tokens : longest;
		buf_release(&slow);
		buf_release(&alone.text);
		buf_release(&out[i].text);
	}
	assert_true(longest > 4);
	engine_close(&e);
}

static void text_is_whole_characters_at_every_length(void **state)
{
	struct engine e;

	(void)state;
	engine_open(&e, 1);
	for (size_t max = 1; max <= 24; max++) {
		struct generate_options options = { .max_tokens = max, .end = -1 };
		struct generation out[PROMPTS];

		generate(e.decoder, e.shared, e.prompts, PROMPTS, &options, out);
		for (size_t i = 0; i < PROMPTS; i++) {
			size_t bad;

			assert_true(text_valid(buf_text(&out[i].text), out[i].text.n, &bad));
			assert_true(out[i].tokens <= max);
			buf_release(&out[i].text);
		}
	}
	engine_close(&e);
}

/* Every pair of neighbouring characters of a free text serves as a stop string: tokens of this model are mostly single
 * bytes, so pairs lie across tokens. */
static void text_ends_before_the_first_stop_string(void **state)
{
	struct generate_options free_text = { .max_tokens = 24, .end = -1 };
	size_t tried = 0;
	struct engine e;

	(void)state;
	engine_open(&e, 1);
	for (size_t i = 0; i < PROMPTS; i++) {
		struct generation whole = generate_one(&e, i, &free_text);
		const char *text = buf_text(&whole.text);

		for (size_t at = 0; at + 2 <= whole.text.n; at++) {
			char pair[3] = { text[at], text[at + 1], 0 };
			const char *stops[] = { "never written", pair };
			struct generate_options options = { .max_tokens = 24, .end = -1, .stop = stops, .n_stop = 2 };

			if (((pair[0] | pair[1]) & 0x80) || !pair[0] || !pair[1])
				continue;
			struct generation cut = generate_one(&e, i, &options);

			assert_int_equal(cut.text.n, strstr(text, pair) - text);
			assert_memory_equal(buf_text(&cut.text), text, cut.text.n);
			assert_false(cut.truncated);
			assert_true(cut.tokens <= whole.tokens);
			buf_release(&cut.text);
			tried++;
		}
		buf_release(&whole.text);
	}
	assert_true(tried > 0);
	engine_close(&e);
}

static void an_end_token_ends_the_text_and_is_not_counted(void **state)
{
	struct generate_options one = { .max_tokens = 1, .end = -1 };
	struct engine e;

	(void)state;
	engine_open(&e, 1);
	struct context *c = context_new(e.decoder, e.shared, e.prompts[2].ids, e.prompts[2].n);
	float *logits = mem_zero(decoder_vocabulary(e.decoder), sizeof(*logits));

	decoder_compute(e.decoder, &c, 1);
	decoder_logits(e.decoder, &c, 1, logits);
	for (size_t i = 0; i < decoder_vocabulary(e.decoder); i++)
		one.end = one.end < 0 || logits[i] > logits[one.end] ? (int32_t)i : one.end;
	struct generation g = generate_one(&e, 2, &one);

	assert_int_equal(g.tokens, 0);
	assert_int_equal(g.text.n, 0);
	assert_false(g.truncated);
	buf_release(&g.text);
	free(logits);
	context_free(c);
	engine_close(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scores_are_sums_of_log_probabilities),
		cmocka_unit_test(scores_do_not_depend_on_company_sharing_or_threads),
		cmocka_unit_test(all_first_tokens_together_have_probability_one),
		cmocka_unit_test(a_large_tree_scores_like_its_parts),
		cmocka_unit_test(a_group_generates_what_each_would_alone),
		cmocka_unit_test(text_is_whole_characters_at_every_length),
		cmocka_unit_test(text_ends_before_the_first_stop_string),
		cmocka_unit_test(an_end_token_ends_the_text_and_is_not_counted),
	};

	return cmocka_run_group_tests_name("llm_generate", tests, NULL, NULL);
}
