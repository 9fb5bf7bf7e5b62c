/* Text under a grammar: whole at every length, the likeliest or drawn as the model would, and not asked for where there is
 * no choice. The tiny model writes single bytes and a few pieces: "th", "the", " t", " th", " the", "in", "er", "an", " a",
 * "re". */
#include "schema_random.h"
#include "tiny_engine.h"
#include "tokenizer_models.h"

#include "llm/constrain.h"
#include "llm/decoder_inner.h"
#include "schema/schema.h"

enum { END = 2 }; /* <|im_end|>, the model's own end too */

static struct engine engine;
static struct token_bytes *token_bytes;

static int set_up(void **state)
{
	(void)state;
	engine_open(&engine, 2);
	token_bytes = token_bytes_of(decoder_tokenizer(engine.decoder));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	token_bytes_free(token_bytes);
	engine_close(&engine);
	return 0;
}

static struct grammar *compiled(const char *schema)
{
	struct error err = { .text = "" };
	struct grammar *g = schema_compile(schema, strlen(schema), &token_bytes->alphabet, &err);

	if (!g)
		fail_msg("%s: %s", schema, err.text);
	return g;
}

static struct constraint constraint_of(const struct grammar *g)
{
	struct constraint c;

	constraint_init(&c, g, token_bytes, decoder_tokenizer(engine.decoder), END);
	return c;
}

enum { DRAWS = 4000 }; /* prompts of one call, at most */

static struct generate_options options_of(const struct grammar *g, size_t max_tokens, double temperature)
{
	static const struct grammar *all[DRAWS]; /* until the next call */

	for (size_t i = 0; i < DRAWS; i++)
		all[i] = g;
	return (struct generate_options){ .max_tokens = max_tokens, .end = END, .grammars = all, .token_bytes = token_bytes,
					  .sampling = { .temperature = temperature } };
}

static size_t shortest_of(const struct grammar *g)
{
	struct grammar_matcher *m = grammar_matcher_new(g);
	size_t shortest = grammar_shortest(m, grammar_begin(m));

	grammar_matcher_free(m);
	return shortest;
}

/* --- what must come next --- */

static const struct {
	const char *name, *schema, *tokens; /* with | between */
} forced[] = {
	{ "the whole text", "{\"const\": \"then the\"}", "\"|the|n| |the|\"" },
	{ "a last token that none goes on from", "{\"enum\": [\"x rethaq\", \"x rethaw\"]}", "\"|x| |re|th|a" },
	{ "a last token that a longer one begins with", "{\"enum\": [\"x than\", \"x thaw\"]}", "\"|x| |th" },
	{ "a last token of two bytes", "{\"enum\": [\"x the\", \"x thaw\", \"x t\"]}", "\"|x" },
	{ "a longer one that the grammar does not allow", "{\"enum\": [\"x thq\", \"x thz\"]}", "\"|x| |th" },
	{ "a space, and words behind it", "{\"enum\": [\"x the\", \"x work\"]}", "\"|x" },
	{ "where the text may end", "{\"enum\": [1, 10, 100]}", "1" },
	{ "nothing", "{\"enum\": [true, false]}", "" },
	{ "a name and what follows it", "{\"type\": \"object\", \"properties\": {\"an\": {\"type\": \"boolean\"}}, \"required\": [\"an\"]}",
	  "{|\"|an|\"|:" }, /* behind the space come "t" and "f", and " t" is a token */
};

static void what_must_come_is_cut_as_the_tokenizer_cuts_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forced); i++) {
		struct grammar *g = compiled(forced[i].schema);
		struct constraint c = constraint_of(g);
		struct token_list list = { 0 };
		struct buf got = { 0 };

		constraint_force(&c, grammar_begin(c.matcher), &list);
		for (size_t k = 0; k < list.n; k++) {
			size_t n;
			const char *bytes = token_bytes_get(token_bytes, list.ids[k], &n);

			buf_adds(&got, k ? "|" : "");
			buf_add(&got, bytes, n);
		}
		if (strcmp(buf_text(&got), forced[i].tokens) != 0)
			fail_msg("%s: %s", forced[i].name, buf_text(&got));
		buf_release(&got);
		token_list_release(&list);
		constraint_release(&c);
		grammar_free(g);
	}
}

/* A whole text is forced in tokens that spell it. Where a tokenizer would write it differently (Qwen's composes
 * characters), only what is in front of that. */
static void forced_tokens_spell_the_text_in_every_tokenizer(void **state)
{
	static const char text[] = "\"Two words,  \xC3\xA9t\xC3\xA9 \xF0\x9F\x98\x80 and e\xCC\x81 42\"", schema[] =
		"{\"const\": \"Two words,  \xC3\xA9t\xC3\xA9 \xF0\x9F\x98\x80 and e\xCC\x81 42\"}";
	static const int kinds[] = { TINY_BPE, TINY_PIECES, SMOLLM2, GEMMA, QWEN };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct tokenizer *t = tokenizer_for_test(kinds[i]);
		struct token_bytes *bytes = t ? token_bytes_of(t) : NULL;
		struct token_list list = { 0 };
		struct buf got = { 0 };
		struct error err = { .text = "" };
		struct constraint c;

		if (!t)
			continue;
		struct grammar *g = schema_compile(schema, strlen(schema), &bytes->alphabet, &err);

		if (!g)
			fail_msg("%s: %s", tokenizer_names[kinds[i]], err.text);
		constraint_init(&c, g, bytes, t, -1);
		constraint_force(&c, grammar_begin(c.matcher), &list);
		for (size_t k = 0; k < list.n; k++) {
			size_t n;
			const char *piece = token_bytes_get(bytes, list.ids[k], &n);

			buf_add(&got, piece, n);
		}
		assert_true(kinds[i] == QWEN ? got.n > 20 : got.n == strlen(text));
		assert_memory_equal(buf_text(&got), text, got.n);
		buf_release(&got);
		token_list_release(&list);
		constraint_release(&c);
		grammar_free(g);
		token_bytes_free(bytes);
		tokenizer_free(t);
	}
}

/* Neither the shared context nor the prompts are computed when there is nothing to ask. */
static void one_possible_text_costs_no_pass_over_the_weights(void **state)
{
	struct grammar *g = compiled("{\"const\": {\"a\": [1, \"then\"]}}");
	struct generate_options options = options_of(g, 30, 1.5);
	struct generation out[PROMPTS];
	struct engine e;

	(void)state;
	engine_open(&e, 1);
	generate(e.decoder, e.shared, e.prompts, PROMPTS, &options, out);
	for (size_t i = 0; i < PROMPTS; i++) {
		assert_string_equal(buf_text(&out[i].text), "{\"a\": [1, \"then\"]}");
		assert_false(out[i].truncated);
		assert_int_equal(out[i].tokens, strlen("{\"a\": [1, \"then\"]}") - 2); /* "the" is one */
		generation_release(&out[i]);
	}
	assert_int_equal(e.shared->done, 0);
	engine_close(&e);
	grammar_free(g);
}

/* --- what may come next --- */

static const char *const schemas[] = {
	"{\"enum\": [\"the\", \"then\", \"there\", \"in\", \"an\"]}",
	"{\"type\": \"integer\"}",
	"{\"type\": \"string\", \"maxLength\": 9}",
	"{\"type\": \"array\", \"items\": {\"type\": \"number\", \"minimum\": -2, \"maximum\": 70}, \"minItems\": 1}",
	"{\"type\": \"object\", \"properties\": {\"reason\": {\"type\": \"string\"}, \"label\": {\"enum\": [\"work\", \"spam\"]}}, "
	"\"required\": [\"reason\", \"label\"]}",
	"{\"type\": [\"null\", \"string\", \"boolean\"]}",
	"{\"const\": \"red\"}",
	"{\"type\": \"string\", \"pattern\": \"^(th|in)+[0-9]$\"}",
};

static void a_mask_says_what_asking_token_by_token_says(void **state)
{
	size_t words = (decoder_vocabulary(engine.decoder) + 63) / 64, ends = 0;
	uint64_t *mask = mem_zero(words, sizeof(*mask));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(schemas); i++) {
		struct grammar *g = compiled(schemas[i]);
		struct constraint c = constraint_of(g);
		struct grammar_state at = grammar_begin(c.matcher);
		struct rng r;

		rng_init(&r, i, "walk");
		assert_int_equal(constraint_words(&c), words);
		for (size_t step = 0; step < 30 && !grammar_at_end(c.matcher, at); step++) {
			size_t left = grammar_shortest(c.matcher, at) + 1 + rng_below(&r, 3), n = 0, pick, length;
			size_t count = constraint_mask(&c, at, left, mask);

			for (size_t id = 0; id < decoder_vocabulary(engine.decoder); id++) {
				bool allowed = constraint_allows(&c, at, (int32_t)id, left);

				assert_true(allowed == (mask[id / 64] >> id % 64 & 1));
				n += allowed;
			}
			assert_int_equal(n, count);
			ends += constraint_allows(&c, at, END, left);
			do
				pick = (size_t)rng_below(&r, token_bytes->vocabulary);
			while (!constraint_allows(&c, at, (int32_t)pick, left));
			const char *bytes = token_bytes_get(token_bytes, (int32_t)pick, &length);

			grammar_advance(c.matcher, &at, bytes, length);
		}
		constraint_release(&c);
		grammar_free(g);
	}
	assert_true(ends > 5);
	free(mask);
}

static void check_text(const char *schema, const struct buf *text)
{
	json_t *parsed = json_loads(schema, 0, NULL);

	check_output(parsed, schema, text);
	json_decref(parsed);
}

static void text_is_whole_or_absent_at_every_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(schemas); i++) {
		struct grammar *g = compiled(schemas[i]);
		size_t shortest = shortest_of(g);

		for (size_t max = 1; max <= shortest + 20; max++) {
			struct generate_options options = options_of(g, max, (double)(max % 3));
			struct generation out[PROMPTS];

			generate(engine.decoder, engine.shared, engine.prompts, PROMPTS, &options, out);
			for (size_t p = 0; p < PROMPTS; p++) {
				assert_true(out[p].truncated == (max < shortest));
				assert_true(out[p].tokens <= max);
				if (out[p].truncated)
					assert_int_equal(out[p].text.n + out[p].tokens, 0);
				else
					check_text(schemas[i], &out[p].text);
				generation_release(&out[p]);
			}
		}
		grammar_free(g);
	}
}

/* The context's limit bounds a text as max_tokens does; its last token needs no place. */
static void the_limit_of_the_context_bounds_the_text(void **state)
{
	struct grammar *g = compiled(schemas[2]);

	(void)state;
	for (size_t room = 0; room < 12; room++) {
		struct generate_options options = options_of(g, 100, 2);

		options.limit = 50 + engine.prompts[5].n + room;
		struct generation out = generate_one(&engine, 5, &options);

		assert_true(out.truncated == (room + 1 < strlen("\"\"")));
		assert_true(out.tokens <= room + 1);
		if (!out.truncated)
			check_text(schemas[2], &out.text);
		generation_release(&out);
	}
	grammar_free(g);
}

/* Prompts of one group under grammars of their own, one of them twice. */
static void each_prompt_keeps_to_its_own_grammar(void **state)
{
	const struct grammar *own[PROMPTS];
	struct generation out[PROMPTS];

	(void)state;
	for (size_t p = 0; p < PROMPTS; p++)
		own[p] = p == PROMPTS - 1 ? own[0] : compiled(schemas[p % ARRAY_SIZE(schemas)]);
	struct generate_options options = options_of(NULL, 60, 0);

	options.grammars = own;
	generate(engine.decoder, engine.shared, engine.prompts, PROMPTS, &options, out);
	for (size_t p = 0; p < PROMPTS; p++) {
		struct generate_options alone = options_of(own[p], 60, 0);
		struct generation one = generate_one(&engine, p, &alone);

		assert_string_equal(buf_text(&out[p].text), buf_text(&one.text));
		check_text(schemas[p == PROMPTS - 1 ? 0 : p % ARRAY_SIZE(schemas)], &out[p].text);
		generation_release(&one);
		generation_release(&out[p]);
	}
	for (size_t p = 0; p + 1 < PROMPTS; p++)
		grammar_free((struct grammar *)own[p]);
}

static void a_group_writes_what_each_would_alone(void **state)
{
	uint64_t seeds[PROMPTS];
	struct engine one;

	(void)state;
	engine_open(&one, 1);
	for (size_t i = 0; i < PROMPTS; i++)
		seeds[i] = 7 * i;
	for (size_t i = 0; i < ARRAY_SIZE(schemas); i++) {
		struct grammar *g = compiled(schemas[i]);
		struct generate_options options = options_of(g, 60, i % 2 ? 1.2 : 0);
		struct generation out[PROMPTS];

		options.seeds = seeds;
		generate(engine.decoder, engine.shared, engine.prompts, PROMPTS, &options, out);
		for (size_t p = 0; p < PROMPTS; p++) {
			options.seeds = &seeds[p];
			struct generation alone = generate_one(&one, p, &options);

			assert_string_equal(buf_text(&out[p].text), buf_text(&alone.text));
			assert_int_equal(out[p].tokens, alone.tokens);
			generation_release(&alone);
			generation_release(&out[p]);
		}
		grammar_free(g);
	}
	engine_close(&one);
}

/* --- which of those --- */

static void behind(const struct engine *e, size_t prompt, const struct buf *ids, float *logits)
{
	struct context *c = context_new(e->decoder, e->shared, e->prompts[prompt].ids, e->prompts[prompt].n);

	for (size_t i = 0; i < ids->n / sizeof(int32_t); i++) {
		int32_t id;

		memcpy(&id, ids->data + i * sizeof(id), sizeof(id));
		context_append(c, id);
	}
	decoder_compute(e->decoder, &c, 1);
	decoder_logits(e->decoder, &c, 1, logits);
	context_free(c);
}

static int32_t likeliest_allowed(struct constraint *c, struct grammar_state at, const float *logits, size_t left)
{
	int32_t best = -1;

	for (int32_t id = 0; id < (int32_t)decoder_vocabulary(engine.decoder); id++)
		if (constraint_allows(c, at, id, left) && (best < 0 || logits[id] > logits[best]))
			best = id;
	return best;
}

/* Appends the token to what was written; ids are kept as bytes of a buffer. */
static void write_one(struct constraint *c, struct grammar_state *at, int32_t id, struct buf *ids, struct buf *text)
{
	size_t n;
	const char *bytes = token_bytes_get(token_bytes, id, &n);

	assert_true(grammar_advance(c->matcher, at, bytes, n));
	buf_add(ids, &id, sizeof(id));
	buf_add(text, bytes, n);
}

/* Greedy decoding under a grammar, spelled out. */
static void write_slowly(const struct grammar *g, size_t prompt, size_t max, struct buf *text)
{
	struct constraint c = constraint_of(g);
	struct grammar_state at = grammar_begin(c.matcher);
	float *logits = mem_zero(decoder_vocabulary(engine.decoder), sizeof(*logits));
	struct buf ids = { 0 };

	for (;;) {
		struct token_list list = { 0 };

		constraint_force(&c, at, &list);
		for (size_t i = 0; i < list.n; i++)
			write_one(&c, &at, list.ids[i], &ids, text);
		token_list_release(&list);
		size_t left = max - ids.n / sizeof(int32_t);

		if (!left || grammar_at_end(c.matcher, at))
			break;
		behind(&engine, prompt, &ids, logits);
		int32_t id = likeliest_allowed(&c, at, logits, left);

		if (id == END)
			break;
		write_one(&c, &at, id, &ids, text);
	}
	free(logits);
	buf_release(&ids);
	constraint_release(&c);
}

static void greedy_is_the_likeliest_allowed_token(void **state)
{
	size_t texts = 0, alike = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(schemas); i++) {
		struct grammar *g = compiled(schemas[i]);
		struct generate_options options = options_of(g, 50, 0);
		struct buf first = { 0 };

		for (size_t p = 0; p < PROMPTS; p++) {
			struct generation out = generate_one(&engine, p, &options);
			struct buf slow = { 0 };

			write_slowly(g, p, options.max_tokens, &slow);
			assert_string_equal(buf_text(&out.text), buf_text(&slow));
			if (p == 0)
				buf_adds(&first, buf_text(&slow));
			alike += strcmp(buf_text(&first), buf_text(&slow)) == 0;
			texts++;
			buf_release(&slow);
			generation_release(&out);
		}
		buf_release(&first);
		grammar_free(g);
	}
	assert_true(alike < texts / 2); /* prompts matter */
}

/* Shares of the tokens that may follow the quote, given that one of them does. */
static void masked_shares(const struct grammar *g, size_t prompt, double temperature, double share[256])
{
	struct constraint c = constraint_of(g);
	struct grammar_state at = grammar_begin(c.matcher);
	float *logits = mem_zero(decoder_vocabulary(engine.decoder), sizeof(*logits));
	struct token_list quote = byte_ids("\"");
	struct buf ids = { 0 }, text = { 0 };
	double sum = 0;

	write_one(&c, &at, quote.ids[0], &ids, &text);
	behind(&engine, prompt, &ids, logits);
	for (int32_t id = 0; id < (int32_t)decoder_vocabulary(engine.decoder); id++) {
		size_t n;
		const char *bytes = token_bytes_get(token_bytes, id, &n);

		if (!constraint_allows(&c, at, id, 20))
			continue;
		assert_int_equal(n, 1);
		share[(uint8_t)bytes[0]] = exp((double)logits[id] / temperature);
		sum += share[(uint8_t)bytes[0]];
	}
	for (size_t i = 0; i < 256; i++)
		share[i] /= sum;
	token_list_release(&quote);
	buf_release(&ids);
	buf_release(&text);
	free(logits);
	constraint_release(&c);
}

/* A string of one character: about half of the tokens are allowed, so that many draws stand and many are repeated.
 * Pearson's statistic over the bytes seen five times or more by expectation, against its mean and spread. */
static void draws_come_with_the_masked_distribution(void **state)
{
	static struct token_list same[DRAWS];
	static uint64_t seeds[DRAWS];
	static struct generation out[DRAWS];
	struct grammar *g = compiled("{\"type\": \"string\", \"minLength\": 1, \"maxLength\": 1}");
	struct generate_options options = options_of(g, 20, 3);
	double share[256] = { 0 }, statistic = 0, rest = 0;
	size_t count[256] = { 0 }, bins = 0, rest_count = 0;

	(void)state;
	for (size_t i = 0; i < DRAWS; i++) {
		same[i] = engine.prompts[1];
		seeds[i] = i;
	}
	options.seeds = seeds;
	generate(engine.decoder, engine.shared, same, DRAWS, &options, out);
	masked_shares(g, 1, 3, share);
	for (size_t i = 0; i < DRAWS; i++) {
		count[(uint8_t)out[i].text.data[1]]++;
		generation_release(&out[i]);
	}
	for (size_t i = 0; i < 256; i++) {
		double expected = share[i] * DRAWS, off = (double)count[i] - expected;

		assert_true(share[i] > 0 || count[i] == 0);
		if (expected < 5) {
			rest += expected;
			rest_count += count[i];
			continue;
		}
		statistic += off * off / expected;
		bins++;
	}
	statistic += ((double)rest_count - rest) * ((double)rest_count - rest) / fmax(rest, 1);
	assert_true(bins > 20);
	if (fabs(statistic - (double)bins) > 4 * sqrt(2 * (double)bins))
		fail_msg("chi-squared %g with %zu degrees of freedom", statistic, bins);
	grammar_free(g);
}

/* --- heard while it is written --- */

struct listener {
	struct buf heard[PROMPTS];
	size_t stop_after, count[PROMPTS];
};

static bool hear(void *context, size_t prompt, const char *text, size_t n)
{
	struct listener *l = context;

	buf_add(&l->heard[prompt], text, n);
	return ++l->count[prompt] != l->stop_after;
}

static void pieces_together_are_the_text(void **state)
{
	struct grammar *g = compiled(schemas[4]);

	(void)state;
	for (size_t stop_after = 0; stop_after < 20; stop_after += 4) {
		struct generate_options options = options_of(g, 60, 1.5);
		struct listener l = { .stop_after = stop_after };
		struct generation out[PROMPTS];

		options.piece = hear;
		options.context = &l;
		generate(engine.decoder, engine.shared, engine.prompts, PROMPTS, &options, out);
		for (size_t p = 0; p < PROMPTS; p++) {
			assert_string_equal(buf_text(&l.heard[p]), buf_text(&out[p].text));
			assert_true(out[p].stopped == (stop_after && l.count[p] == stop_after));
			if (!out[p].stopped)
				check_text(schemas[4], &out[p].text);
			buf_release(&l.heard[p]);
			generation_release(&out[p]);
		}
	}
	grammar_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_must_come_is_cut_as_the_tokenizer_cuts_it),
		cmocka_unit_test(forced_tokens_spell_the_text_in_every_tokenizer),
		cmocka_unit_test(one_possible_text_costs_no_pass_over_the_weights),
		cmocka_unit_test(a_mask_says_what_asking_token_by_token_says),
		cmocka_unit_test(text_is_whole_or_absent_at_every_length),
		cmocka_unit_test(the_limit_of_the_context_bounds_the_text),
		cmocka_unit_test(each_prompt_keeps_to_its_own_grammar),
		cmocka_unit_test(a_group_writes_what_each_would_alone),
		cmocka_unit_test(greedy_is_the_likeliest_allowed_token),
		cmocka_unit_test(draws_come_with_the_masked_distribution),
		cmocka_unit_test(pieces_together_are_the_text),
	};

	return cmocka_run_group_tests_name("llm_constrain", tests, set_up, tear_down);
}
