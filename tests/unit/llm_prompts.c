/* What prompts share, and what is kept between batches, changes what is computed but not one byte of what comes out.
 * Random prompt sets on the tiny model of tests/reference/tiny_models.py; each result against the prompt alone. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "llm/generate.h"
#include "llm/prefix_cache.h"
#include "llm/prompt_tree.h"

static const char tiny[] = "tests/reference/golden/tiny-llama.gguf";

enum { MOST = 24, LONGEST = 120 };

static struct pool *pool;
static struct decoder *decoder;

static int set_up(void **state)
{
	struct error err = { .text = "" };
	const struct kernels *kernels = kernels_choose(true, &err);

	(void)state;
	pool = pool_open(2);
	decoder = kernels ? decoder_open(tiny, kernels, pool, &err) : NULL;
	if (!decoder)
		fprintf(stderr, "%s\n", err.text);
	return decoder ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	decoder_free(decoder);
	pool_free(pool);
	return 0;
}

struct set {
	int32_t ids[MOST][LONGEST];
	struct token_list prompts[MOST];
	size_t n;
};

/* Each prompt begins like an earlier one, for a random number of tokens; some are equal, some a beginning of another,
 * one may be empty. */
static void random_set(struct rng *rng, struct set *s)
{
	s->n = 2 + rng_below(rng, MOST - 1);
	for (size_t i = 0; i < s->n; i++) {
		const struct token_list *like = i > 0 ? &s->prompts[rng_below(rng, i)] : NULL;
		size_t n = rng_below(rng, 8) == 0 && like ? like->n : rng_below(rng, LONGEST + 1);
		size_t kept = like ? rng_below(rng, 3) == 0 ? rng_below(rng, like->n + 1) : like->n : 0;

		for (size_t j = 0; j < n; j++)
			s->ids[i][j] = j < kept && j < like->n ? like->ids[j] : (int32_t)(3 + rng_below(rng, 250));
		s->prompts[i] = (struct token_list){ s->ids[i], n, LONGEST };
	}
}

/* What the tree promises: the context of a prompt holds the prompt's tokens, and the open ones are counted. */
static void the_tree_opens_each_prompt_whole_and_closes_all(void **state)
{
	struct rng rng;
	size_t saved = 0;

	(void)state;
	rng_init(&rng, 3, "sets");
	for (int round = 0; round < 300; round++) {
		static struct set s;
		struct prompt_tree *t;
		const size_t *order;
		size_t total = 0;

		random_set(&rng, &s);
		t = prompt_tree_new(decoder, NULL, s.prompts, s.n);
		order = prompt_tree_order(t);
		for (size_t i = 0; i < s.n; i++) {
			size_t before = prompt_tree_tokens(t), cost = prompt_tree_cost(t, order[i]);
			struct context *c = prompt_tree_open(t, order[i]);

			assert_int_equal(context_length(c), s.prompts[order[i]].n);
			assert_int_equal(prompt_tree_tokens(t), before + cost);
			assert_int_equal(prompt_tree_cost(t, order[i]), 0);
			assert_ptr_equal(prompt_tree_open(t, order[i]), c);
			total += s.prompts[i].n;
		}
		assert_true(prompt_tree_tokens(t) <= total);
		saved += total - prompt_tree_tokens(t);
		for (size_t i = 0; i < s.n; i++)
			prompt_tree_close(t, order[i]);
		assert_int_equal(prompt_tree_tokens(t), 0);
		prompt_tree_free(t);
	}
	assert_true(saved > 0);
}

static int32_t id_at(const struct token_list *prompts, size_t i, size_t j)
{
	return prompts[i].ids[j];
}

/* Opened one after the other, closed at once: only what later prompts need stays. */
static void depth_first_order_holds_one_path(void **state)
{
	static struct set s;
	struct rng rng;

	(void)state;
	rng_init(&rng, 4, "sets");
	for (int round = 0; round < 100; round++) {
		random_set(&rng, &s);
		struct prompt_tree *t = prompt_tree_new(decoder, NULL, s.prompts, s.n);
		const size_t *order = prompt_tree_order(t);

		for (size_t i = 0; i < s.n; i++) {
			prompt_tree_open(t, order[i]);
			assert_true(prompt_tree_tokens(t) <= LONGEST);
			prompt_tree_close(t, order[i]);
			if (i > 0 && s.prompts[order[i]].n > 0 && s.prompts[order[i - 1]].n > 0)
				assert_true(id_at(s.prompts, order[i - 1], 0) <= id_at(s.prompts, order[i], 0));
		}
		prompt_tree_free(t);
	}
}

static const int32_t label_ids[][3] = { { 40, 50, 60 }, { 40, 70, 71 }, { 90, 91, 92 } };

static struct token_tree *label_tree(void)
{
	struct token_list lists[3];

	for (size_t i = 0; i < 3; i++)
		lists[i] = (struct token_list){ (int32_t *)label_ids[i], 3, 3 };
	return token_tree_new(lists, 3);
}

static void scores_are_the_same_with_and_without_sharing(void **state)
{
	static const size_t budgets[] = { 0, 1, 150, 700 };
	static struct set s;
	struct token_tree *tree = label_tree();
	struct rng rng;

	(void)state;
	rng_init(&rng, 5, "sets");
	for (size_t round = 0; round < 24; round++) {
		double batch[MOST][3], alone[3];

		random_set(&rng, &s);
		score_sequences(decoder, NULL, s.prompts, s.n, tree, budgets[round % 4], &batch[0][0]);
		for (size_t i = 0; i < s.n; i++) {
			score_sequences(decoder, NULL, &s.prompts[i], 1, tree, 0, alone);
			assert_memory_equal(batch[i], alone, sizeof(alone));
		}
	}
	token_tree_free(tree);
}

static void assert_same(const struct generation *a, const struct generation *b)
{
	assert_int_equal(a->tokens, b->tokens);
	assert_int_equal(a->text.n, b->text.n);
	assert_memory_equal(buf_text(&a->text), buf_text(&b->text), a->text.n);
	assert_true(a->truncated == b->truncated);
	assert_memory_equal(a->log_p, b->log_p, a->tokens * sizeof(*a->log_p));
}

static void text_depends_on_prompt_and_seed_alone(void **state)
{
	static const size_t budgets[] = { 0, 1, 200, 900 };
	static struct set s;
	struct rng rng;

	(void)state;
	rng_init(&rng, 6, "sets");
	for (size_t round = 0; round < 24; round++) {
		struct generation batch[MOST], alone;
		uint64_t seeds[MOST];
		struct generate_options options = {
			.max_tokens = 1 + rng_below(&rng, 12), .end = (int32_t)(3 + rng_below(&rng, 250)), .log_p = true,
			.sampling = { .temperature = round % 3 ? 1.5 : 0, .top_k = round % 2 ? 50 : 0 }, .seeds = seeds,
			.budget = budgets[round % 4],
		};

		random_set(&rng, &s);
		for (size_t i = 0; i < s.n; i++)
			seeds[i] = rng_below(&rng, 3);
		generate(decoder, NULL, s.prompts, s.n, &options, batch);
		for (size_t i = 0; i < s.n; i++) {
			options.seeds = &seeds[i];
			options.budget = 0;
			generate(decoder, NULL, &s.prompts[i], 1, &options, &alone);
			assert_same(&batch[i], &alone);
			generation_release(&alone);
			generation_release(&batch[i]);
		}
	}
}

/* Batches that begin alike, single prompts, and others in between: with the cache and without. */
static void kept_prefixes_change_nothing(void **state)
{
	static int32_t ids[8][LONGEST];
	struct prefix_cache *cache = prefix_cache_new(decoder, 200);
	struct token_tree *tree = label_tree();
	size_t hits = 0, misses = 0;
	struct rng rng;

	(void)state;
	rng_init(&rng, 7, "batches");
	for (size_t round = 0; round < 60; round++) {
		size_t n = 1 + rng_below(&rng, 4), family = rng_below(&rng, 3), tokens, own = 20 + rng_below(&rng, 30);
		struct token_list prompts[8], rest[8];
		double kept[8][3], fresh[8][3];

		for (size_t i = 0; i < n; i++) {
			for (size_t j = 0; j < LONGEST; j++)
				ids[i][j] = j < 60 + family ? (int32_t)(3 + (j * 7 + family * 13) % 250)
							    : (int32_t)(3 + rng_below(&rng, 250));
			prompts[i] = (struct token_list){ ids[i], 60 + own, LONGEST };
		}
		struct context *shared = prefix_cache_find(cache, NULL, prompts, n, &tokens);

		assert_true((shared == NULL) == (tokens == 0));
		assert_int_equal(shared ? context_length(shared) : 0, tokens);
		hits += tokens > 0;
		misses += tokens == 0;
		for (size_t i = 0; i < n; i++)
			rest[i] = (struct token_list){ prompts[i].ids + tokens, prompts[i].n - tokens, LONGEST };
		score_sequences(decoder, shared, rest, n, tree, 0, &kept[0][0]);
		score_sequences(decoder, NULL, prompts, n, tree, 0, &fresh[0][0]);
		assert_memory_equal(kept, fresh, n * sizeof(kept[0]));
	}
	assert_true(hits > 40 && misses > 0);
	prefix_cache_free(cache);
	token_tree_free(tree);
}

static void a_second_batch_finds_the_first_ones_prefix(void **state)
{
	int32_t ids[2][80];
	struct token_list pair[2] = { { ids[0], 80, 80 }, { ids[1], 80, 80 } };
	struct prefix_cache *cache = prefix_cache_new(decoder, 100);
	size_t tokens;

	(void)state;
	for (int32_t j = 0; j < 80; j++) {
		ids[0][j] = 3 + j;
		ids[1][j] = j < 50 ? 3 + j : 200;
	}
	struct context *first = prefix_cache_find(cache, NULL, pair, 2, &tokens);

	assert_non_null(first);
	assert_int_equal(tokens, 50);
	ids[0][70] = ids[1][70] = 100;
	assert_ptr_equal(prefix_cache_find(cache, NULL, pair, 2, &tokens), first);
	assert_ptr_equal(prefix_cache_find(cache, NULL, pair, 1, &tokens), first); /* a single prompt, too */
	prefix_cache_free(cache);

	cache = prefix_cache_new(decoder, 40); /* what is longer than the budget is not kept */
	assert_null(prefix_cache_find(cache, NULL, pair, 2, &tokens));
	assert_int_equal(tokens, 0);
	prefix_cache_free(cache);
}

static void contexts_of_two_roots_are_kept_apart(void **state)
{
	struct context *roots[] = { context_new(decoder, NULL, NULL, 0), context_new(decoder, NULL, NULL, 0) };
	struct prefix_cache *cache = prefix_cache_new(decoder, 200);
	int32_t ids[2][60];
	struct token_list pair[2] = { { ids[0], 60, 60 }, { ids[1], 60, 60 } };
	struct context *kept[2];
	size_t tokens;

	(void)state;
	for (int32_t j = 0; j < 60; j++) {
		ids[0][j] = 3 + j;
		ids[1][j] = j < 50 ? 3 + j : 200;
	}
	for (size_t i = 0; i < 2; i++)
		kept[i] = prefix_cache_find(cache, roots[i], pair, 2, &tokens);
	assert_ptr_not_equal(kept[0], kept[1]);
	for (size_t i = 0; i < 2; i++) {
		assert_ptr_equal(prefix_cache_find(cache, roots[i], pair, 1, &tokens), kept[i]);
		assert_int_equal(tokens, 50);
		pair[0].n = 20; /* nothing worth it: all that is shared is the root */
		assert_ptr_equal(prefix_cache_find(cache, roots[i], pair, 1, &tokens), roots[i]);
		assert_int_equal(tokens, 0);
		pair[0].n = 60;
	}
	prefix_cache_free(cache);
	context_free(roots[0]);
	context_free(roots[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tree_opens_each_prompt_whole_and_closes_all),
		cmocka_unit_test(depth_first_order_holds_one_path),
		cmocka_unit_test(scores_are_the_same_with_and_without_sharing),
		cmocka_unit_test(text_depends_on_prompt_and_seed_alone),
		cmocka_unit_test(kept_prefixes_change_nothing),
		cmocka_unit_test(a_second_batch_finds_the_first_ones_prefix),
		cmocka_unit_test(contexts_of_two_roots_are_kept_apart),
	};

	return cmocka_run_group_tests_name("llm_prompts", tests, set_up, tear_down);
}
