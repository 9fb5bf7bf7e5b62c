/* llm_constrain_random.c - 1,000 random schemas, followed by a decoder with random weights at temperature 1.5: every
 * output parses, satisfies its schema and is whole within its budget of tokens.
 *
 *   llm_constrain_random dump N [MODEL.gguf]     N pairs {"schema": ..., "output": ...}, one a line, for
 *                                                tests/reference/schemas.py; MODEL instead of the tiny decoder */
#include "schema_random.h"

#include "engine.h"

#include "base/arena.h"
#include "llm/chat.h"
#include "llm/generate.h"
#include "llm/grammar_match.h"
#include "schema/schema.h"

enum { SCHEMAS = 1000, OUTPUTS = 2, MORE = 60 }; /* MORE: tokens beyond the fewest */

static const char tiny[] = "tests/reference/golden/tiny-llama.gguf";

struct run {
	struct engine engine;
	struct token_bytes *token_bytes;
	struct token_list prompt;
	struct rng rng;
	size_t outputs, tokens;
	bool print;
};

static void open_run(struct run *r, const char *model)
{
	struct chat_message ask = { CHAT_USER, "Describe a parcel as JSON." };

	*r = (struct run){ .engine = engine_decoder(model, NULL, 1) };
	r->token_bytes = token_bytes_of(decoder_tokenizer(r->engine.decoder));
	chat_encode(chat_format_detect(decoder_tokenizer(r->engine.decoder)), decoder_tokenizer(r->engine.decoder), &ask, 1,
		    &r->prompt);
	rng_init(&r->rng, 21, "schemas");
}

static void close_run(struct run *r)
{
	token_list_release(&r->prompt);
	token_bytes_free(r->token_bytes);
	engine_close(&r->engine);
}

static size_t shortest_of(const struct grammar *g)
{
	struct grammar_matcher *m = grammar_matcher_new(g);
	size_t shortest = grammar_shortest(m, grammar_begin(m));

	grammar_matcher_free(m);
	return shortest;
}

/* One schema, `n` outputs with budgets of their own. */
static void run_schema(struct run *r, size_t n)
{
	struct error err;
	json_t *schema = random_document(&r->rng);
	char *text = json_dumps(schema, 0);
	struct grammar *g = schema_compile(text, strlen(text), &r->token_bytes->alphabet, &err);

	if (!g)
		fail_msg("%s: %s", text, err.text);
	for (size_t i = 0; i < n; i++) {
		uint64_t seed = rng_below(&r->rng, 1 << 30);
		const struct grammar *only = g;
		struct generate_options options = {
			.max_tokens = shortest_of(g) + (size_t)rng_below(&r->rng, MORE), .grammars = &only, .seeds = &seed,
			.token_bytes = r->token_bytes, .end = -1, .sampling = { .temperature = 1.5 },
		};
		struct generation out;

		if (options.max_tokens + r->prompt.n > decoder_limit(r->engine.decoder))
			options.max_tokens = decoder_limit(r->engine.decoder) - r->prompt.n;
		generate(r->engine.decoder, NULL, &r->prompt, 1, &options, &out);
		if (out.truncated && shortest_of(g) <= options.max_tokens)
			fail_msg("%s: %zu tokens are enough for %zu bytes", text, options.max_tokens, shortest_of(g));
		if (!out.truncated) {
			check_output(schema, text, &out.text);
			r->outputs++;
		}
		if (!out.truncated && r->print)
			print_pair(schema, &out.text);
		r->tokens += out.tokens;
		generation_release(&out);
	}
	grammar_free(g);
	free(text);
	json_decref(schema);
}

static void every_output_of_every_schema_is_valid(void **state)
{
	struct run r;

	(void)state;
	open_run(&r, tiny);
	for (size_t i = 0; i < SCHEMAS; i++)
		run_schema(&r, OUTPUTS);
	assert_true(r.outputs > SCHEMAS * OUTPUTS * 99 / 100); /* the tiny decoder's context is too short for a few */
	assert_true(r.tokens > 20 * r.outputs);
	close_run(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_output_of_every_schema_is_valid),
	};
	struct run r;

	if (argc < 3 || strcmp(argv[1], "dump") != 0)
		return cmocka_run_group_tests_name("llm_constrain_random", tests, NULL, NULL);
	open_run(&r, argc > 3 ? argv[3] : tiny);
	r.print = true;
	for (size_t i = 0; i < strtoul(argv[2], NULL, 10); i++)
		run_schema(&r, 1);
	fprintf(stderr, "%zu outputs, %zu tokens\n", r.outputs, r.tokens);
	close_run(&r);
	return 0;
}
