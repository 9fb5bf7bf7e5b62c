/* What sampling, streaming, limits and seeds do to generated text. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tiny_engine.h"

static void log_probabilities_are_the_models_own_whatever_the_sampling(void **state)
{
	static const struct sampling samplings[] = { { 0 }, { .temperature = 2, .top_k = 30, .min_p = 0.01 } };
	struct engine e;

	(void)state;
	engine_open(&e, 2);
	size_t vocabulary = decoder_vocabulary(e.decoder);
	float *logits = mem_zero(vocabulary, sizeof(*logits));

	for (size_t s = 0; s < ARRAY_SIZE(samplings); s++)
		for (size_t p = 0; p < PROMPTS; p++) {
			uint64_t seed = 11 * p;
			struct generate_options options = { .max_tokens = 1, .end = -1, .log_p = true, .seeds = &seed,
							    .sampling = samplings[s] };
			struct generation g = generate_one(&e, p, &options), longer;
			struct context *c = context_new(e.decoder, e.shared, e.prompts[p].ids, e.prompts[p].n);
			bool found = g.tokens == 0;

			decoder_compute(e.decoder, &c, 1);
			decoder_logits(e.decoder, &c, 1, logits);
			for (size_t i = 0; i < vocabulary && !found; i++)
				found = fabs(log_probability(logits, vocabulary, (int32_t)i) - g.log_p[0]) < 1e-9;
			assert_true(found);
			options.max_tokens = 20;
			longer = generate_one(&e, p, &options);
			for (size_t i = 0; i < longer.tokens; i++)
				assert_true(longer.log_p[i] < 0 && isfinite(longer.log_p[i]));
			assert_true(g.tokens == 0 || longer.log_p[0] == g.log_p[0]); /* it begins alike */
			generation_release(&g);
			generation_release(&longer);
			context_free(c);
		}
	free(logits);
	engine_close(&e);
}

static void seeds_repeat_and_differ(void **state)
{
	uint64_t seeds[PROMPTS] = { 5, 5, 5, 5, 5, 5, 5, 5, 6 };
	struct generate_options options = { .max_tokens = 16, .end = -1, .seeds = seeds, .sampling = { .temperature = 1 } };
	struct generation first[PROMPTS], again[PROMPTS];
	struct token_list same[PROMPTS];
	struct engine e;

	(void)state;
	engine_open(&e, 2);
	for (size_t i = 0; i < PROMPTS; i++)
		same[i] = e.prompts[3];
	generate(e.decoder, e.shared, same, PROMPTS, &options, first);
	generate(e.decoder, e.shared, same, PROMPTS, &options, again);
	for (size_t i = 0; i < PROMPTS; i++) {
		bool like_zero = strcmp(buf_text(&first[i].text), buf_text(&first[0].text)) == 0;

		assert_string_equal(buf_text(&first[i].text), buf_text(&again[i].text));
		assert_true(like_zero == (seeds[i] == 5));
	}
	for (size_t i = 0; i < PROMPTS; i++) {
		generation_release(&first[i]);
		generation_release(&again[i]);
	}
	engine_close(&e);
}

struct listener {
	struct buf heard[PROMPTS];
	size_t pieces, stop_after; /* pieces of a prompt; 0: hears all */
	size_t count[PROMPTS];
};

static bool hear(void *context, size_t prompt, const char *text, size_t n)
{
	struct listener *l = context;
	size_t bad;

	assert_true(n > 0 && text_valid(text, n, &bad));
	buf_add(&l->heard[prompt], text, n);
	l->pieces++;
	return ++l->count[prompt] != l->stop_after;
}

static void release_listener(struct listener *l)
{
	for (size_t i = 0; i < PROMPTS; i++)
		buf_release(&l->heard[i]);
}

/* Copies the first `length` bytes of ASCII in a row behind the text's beginning; none when there are none. */
static void find_plain(const struct buf *text, size_t length, char *out)
{
	size_t run = 0;

	for (size_t i = 2; i < text->n; i++) {
		run = text->data[i] & 0x80 ? 0 : run + 1;
		if (run == length) {
			memcpy(out, text->data + i + 1 - length, length);
			return;
		}
	}
}

/* Stop strings out of the text itself, so that beginnings of them are held back and some are found. */
static void pieces_together_are_the_text(void **state)
{
	struct engine e;

	(void)state;
	engine_open(&e, 1);
	for (size_t length = 0; length <= 4; length++) {
		struct generation plain[PROMPTS], out[PROMPTS];
		struct generate_options options = { .max_tokens = 30, .end = -1, .sampling = { .temperature = 1 } };
		struct listener l = { .stop_after = 0 };
		char stop[8] = "";

		generate(e.decoder, e.shared, e.prompts, PROMPTS, &options, plain);
		for (size_t i = 0; i < PROMPTS && length > 0 && !*stop; i++)
			find_plain(&plain[i].text, length, stop);
		assert_int_equal(strlen(stop), length);
		const char *stops[] = { stop, "!!!!!!!!" };

		options.stop = stops;
		options.n_stop = 2;
		options.piece = hear;
		options.context = &l;
		generate(e.decoder, e.shared, e.prompts, PROMPTS, &options, out);
		for (size_t i = 0; i < PROMPTS; i++) {
			const char *at = *stop ? strstr(buf_text(&plain[i].text), stop) : NULL;

			assert_string_equal(buf_text(&l.heard[i]), buf_text(&out[i].text));
			assert_int_equal(out[i].text.n, at ? (size_t)(at - buf_text(&plain[i].text)) : plain[i].text.n);
			assert_false(out[i].stopped);
			generation_release(&plain[i]);
			generation_release(&out[i]);
		}
		assert_true(l.pieces > PROMPTS);
		release_listener(&l);
	}
	engine_close(&e);
}

static void a_listener_can_stop_its_prompt(void **state)
{
	struct listener l = { .stop_after = 2 };
	struct generate_options options = { .max_tokens = 24, .end = -1, .piece = hear, .context = &l };
	struct generation out[PROMPTS];
	struct engine e;

	(void)state;
	engine_open(&e, 1);
	generate(e.decoder, e.shared, e.prompts, PROMPTS, &options, out);
	for (size_t i = 0; i < PROMPTS; i++) {
		assert_true(l.count[i] <= 2);
		assert_true(out[i].stopped == (l.count[i] == 2));
		assert_string_equal(buf_text(&l.heard[i]), buf_text(&out[i].text));
		generation_release(&out[i]);
	}
	release_listener(&l);
	engine_close(&e);
}

static void text_ends_at_the_limit_of_the_context(void **state)
{
	struct engine e;

	(void)state;
	engine_open(&e, 1);
	for (size_t room = 0; room < 4; room++) {
		struct generate_options options = { .max_tokens = 100, .end = -1, .limit = 50 + e.prompts[5].n + room };
		struct generation g = generate_one(&e, 5, &options);

		assert_true(g.truncated);
		assert_int_equal(g.tokens, room + 1); /* the last token needs no place of its own */
		generation_release(&g);
	}
	engine_close(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_probabilities_are_the_models_own_whatever_the_sampling),
		cmocka_unit_test(seeds_repeat_and_differ),
		cmocka_unit_test(pieces_together_are_the_text),
		cmocka_unit_test(a_listener_can_stop_its_prompt),
		cmocka_unit_test(text_ends_at_the_limit_of_the_context),
	};

	return cmocka_run_group_tests_name("llm_generate_text", tests, NULL, NULL);
}
