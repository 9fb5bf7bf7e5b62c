/* schema.c - arbitrary bytes as a JSON Schema: it becomes a grammar or one sentence.
 *
 * The text before the first NUL is the schema. Under the grammar an output is written: the bytes behind the NUL choose
 * while they last, then the shortest way is taken. Every state must lead on, the bytes still needed must come down by
 * one on some way, and the whole must be JSON. What the validator of the same schema accepts and writes, it accepts again. */
#include <assert.h>
#include <jansson.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"
#include "llm/grammar_match.h"
#include "schema/schema.h"
#include "schema/validator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Moves on by the first allowed byte at or after `want`, or by one that shortens the way; returns it. */
static int move(struct grammar_matcher *m, struct grammar_state *state, int want)
{
	size_t shortest = grammar_shortest(m, *state);

	for (int i = 0; i < 256; i++) {
		uint8_t byte = (uint8_t)(want >= 0 ? want + i : i);
		struct grammar_state next = *state;

		if (!grammar_advance(m, &next, &byte, 1))
			continue;
		if (want < 0 && grammar_shortest(m, next) + 1 != shortest)
			continue;
		*state = next;
		return byte;
	}
	return -1;
}

/* Hostile schemas take too many steps, and are refused; so nothing says that every output is accepted. */
static void validate(struct validator *v, const json_t *value)
{
	struct buf why = { 0 }, text = { 0 };

	if (validator_accepts(v, value, &why)) {
		validator_write(v, value, &text);
		json_t *again = json_loadb(text.data, text.n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

		assert(again && validator_accepts(v, again, NULL));
		json_decref(again);
	}
	buf_release(&why);
	buf_release(&text);
}

static void write_output(struct grammar_matcher *m, struct validator *v, const uint8_t *choices, size_t n, struct buf *out)
{
	struct grammar_state state = grammar_begin(m);

	for (size_t i = 0; i < n && !grammar_at_end(m, state); i++) {
		int byte = move(m, &state, choices[i]);

		assert(byte >= 0);
		buf_addc(out, (char)byte);
	}
	for (size_t left = grammar_shortest(m, state); left && left < 20000; left--) {
		int byte = move(m, &state, -1);

		assert(byte >= 0 && grammar_shortest(m, state) == left - 1);
		buf_addc(out, (char)byte);
	}
	if (!grammar_may_end(m, state))
		return; /* a long way: a large minLength, say */
	json_t *value = json_loadb(buf_text(out), out->n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

	assert(value);
	validate(v, value);
	json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t n = nul ? (size_t)(nul - data) : size, bad;
	struct error err = { "" };
	char *text = mem_alloc(n); /* a copy of its own, so that a read past the end is seen */

	memcpy(text, data, n);
	struct grammar *g = schema_compile(text, n, NULL, &err);

	assert(!g == !!err.text[0] && !strchr(err.text, '\n') && text_valid(err.text, strlen(err.text), &bad));
	if (g) {
		struct grammar_matcher *m = grammar_matcher_new(g);
		struct validator *v = validator_new(text, n, &err);
		struct buf out = { 0 };

		assert(v);
		write_output(m, v, nul ? nul + 1 : data, nul ? size - n - 1 : 0, &out);
		buf_release(&out);
		validator_free(v);
		grammar_matcher_free(m);
		grammar_free(g);
	}
	free(text);
	return 0;
}
