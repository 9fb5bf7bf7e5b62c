/* schema_random.c - schemas drawn at random, each followed by a model drawn at random at temperature 1.5.
 *
 * Every output must parse (jansson), satisfy the schema in the eyes of a validator that shares nothing with the compiler
 * (schema_random.h), and be complete within its budget of tokens; the mask must be what asking token by token gives. The
 * project's own validator must agree with that one, on outputs and on what is made of them.
 *
 *   schema_random dump N     N pairs {"schema": ..., "output": ...}, one a line; tests/reference/schemas.py
 *                                   checks them with the Python package jsonschema */
#include "schema_random.h"

#include "base/arena.h"
#include "base/hash.h"
#include "llm/grammar_match.h"
#include "schema/validator.h"
#include "schema/schema.h"

enum { SCHEMAS = 1200, OUTPUTS = 3, PIECES = 600 };

static void the_validator_itself_can_say_no(void **state)
{
	static const struct {
		const char *schema, *value;
		bool ok;
	} cases[] = {
		{ "{\"type\":\"string\",\"pattern\":\"^a$\"}", "\"b\"", false },
		{ "{\"type\":\"string\",\"maxLength\":1}", "\"\xC3\xA9\"", true },
		{ "{\"type\":\"string\",\"maxLength\":1}", "\"ab\"", false },
		{ "{\"type\":\"number\",\"exclusiveMaximum\":2}", "2", false },
		{ "{\"type\":\"integer\"}", "2.5", false },
		{ "{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1}},\"required\":[\"a\"]}", "{}", false },
		{ "{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1}}}", "{\"a\":2}", false },
		{ "{\"type\":\"object\"}", "{\"a\":2}", false },
		{ "{\"type\":\"array\",\"items\":{\"type\":\"null\"},\"maxItems\":1}", "[null,null]", false },
		{ "{\"type\":\"array\",\"items\":{\"type\":\"null\"}}", "[1]", false },
		{ "{\"oneOf\":[{\"const\":1},{\"type\":\"integer\"}]}", "1", false },
		{ "{\"anyOf\":[{\"const\":1},{\"type\":\"integer\"}]}", "1", true },
		{ "{\"enum\":[1,\"a\"]}", "\"b\"", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *schema = json_loads(cases[i].schema, 0, NULL), *value = json_loads(cases[i].value, JSON_DECODE_ANY, NULL);

		if (valid(schema, schema, value) != cases[i].ok)
			fail_msg("%s and %s", cases[i].schema, cases[i].value);
		json_decref(schema);
		json_decref(value);
	}
}

/* ---- a model: a vocabulary, and a distribution over it that depends on what was written ---- */

/* Every byte, and pieces such as tokenizers have: across quotes and commas, and parts of characters. */
static struct token_bytes *random_vocabulary(struct rng *r)
{
	static const char *const parts[] = { "\"", ": ", ", ", "{", "}", "[", "]", "\\", "u00", "e9", "true", "null", "fal",
					     "1", "0", "-", ".", "42", "name", "a", "x", "\xC3", "\xA9", "\xF0\x9F", "\x98\x80",
					     "\n", " ", "kids", "next", "v", "z", "AB" };
	const char *pieces[PIECES];
	size_t lengths[PIECES];
	struct arena arena;

	arena_init(&arena);
	for (size_t i = 0; i < PIECES; i++) {
		struct buf text = { 0 };

		if (i < 256)
			buf_addc(&text, (char)i);
		for (uint64_t n = 1 + rng_below(r, 4); i >= 256 && n; n--)
			buf_adds(&text, parts[rng_below(r, ARRAY_SIZE(parts))]);
		pieces[i] = arena_copy(&arena, text.data, text.n);
		lengths[i] = text.n;
		buf_release(&text);
	}
	struct token_bytes *t = token_bytes_new(pieces, lengths, PIECES);

	arena_release(&arena);
	return t;
}

/* Logits with heavy tails, divided by the temperature. */
static void random_weights(struct rng *r, double weights[PIECES + 1])
{
	for (size_t i = 0; i <= PIECES; i++)
		weights[i] = pow(-log(1 - rng_double(r)), 2 / 1.5);
}

static size_t draw(struct rng *r, const double *weights, size_t n)
{
	double sum = 0, at;

	for (size_t i = 0; i < n; i++)
		sum += weights[i];
	at = rng_double(r) * sum;
	for (size_t i = 0; i < n; i++)
		if ((at -= weights[i]) < 0)
			return i;
	return n - 1;
}

struct sampling {
	struct grammar_matcher *m;
	const struct token_bytes *t;
	struct rng *r;
	uint64_t mask[PIECES / 64 + 1];
	size_t masks, fallbacks, refused;
};

static bool token_allowed(struct sampling *s, struct grammar_state state, size_t id, size_t budget)
{
	size_t n;
	const char *bytes = token_bytes_get(s->t, (int32_t)id, &n);

	return grammar_allows(s->m, state, bytes, n, budget);
}

static void check_mask(struct sampling *s, struct grammar_state state, size_t budget)
{
	size_t n = grammar_mask(s->m, state, s->t, budget, s->mask), set = 0;

	for (size_t i = 0; i < PIECES; i++) {
		bool in = s->mask[i / 64] >> i % 64 & 1;

		set += in;
		if (in != token_allowed(s, state, i, budget))
			fail_msg("token %zu: the mask says %d", i, in);
	}
	assert_int_equal(n, set);
	s->masks++;
}

/* The next token; PIECES is the end. What is drawn counts if it is allowed; else the draw is among what is. */
static size_t next_token(struct sampling *s, struct grammar_state state, size_t budget)
{
	double weights[PIECES + 1];
	bool end = grammar_may_end(s->m, state);

	random_weights(s->r, weights);
	if (rng_below(s->r, 16) == 0)
		check_mask(s, state, budget);
	size_t id = draw(s->r, weights, PIECES + 1);

	if (id < PIECES ? token_allowed(s, state, id, budget) : end)
		return id;
	size_t allowed = grammar_mask(s->m, state, s->t, budget, s->mask);

	s->fallbacks++;
	if (!allowed && !end)
		fail_msg("a dead end with %zu tokens left, shortest %zu", budget, grammar_shortest(s->m, state));
	for (size_t i = 0; i < PIECES; i++)
		if (!(s->mask[i / 64] >> i % 64 & 1))
			weights[i] = 0;
	if (!end)
		weights[PIECES] = 0;
	return draw(s->r, weights, PIECES + 1);
}

static void sample(struct sampling *s, struct buf *out)
{
	struct grammar_state state = grammar_begin(s->m);
	size_t left = grammar_shortest(s->m, state) + rng_below(s->r, 80), id;

	while (left && (id = next_token(s, state, left - 1)) < PIECES) {
		size_t n;
		const char *bytes = token_bytes_get(s->t, (int32_t)id, &n);

		assert_true(grammar_advance(s->m, &state, bytes, n));
		buf_add(out, bytes, n);
		left--;
	}
	assert_true(grammar_may_end(s->m, state));
}

/* Something else than the value, near it: without a member, with another, or all of it another. Given up: the value. */
static json_t *changed(struct rng *r, json_t *value)
{
	const char *key = json_object_iter_key(json_object_iter(value));

	if (json_object_size(value) > 0 && chance(r, 0.7)) {
		if (chance(r, 0.5))
			json_object_set_new(value, key, random_value(r, 0));
		else
			json_object_del(value, key);
		return value;
	}
	if (json_array_size(value) > 0 && chance(r, 0.7)) {
		json_array_append_new(value, random_value(r, 0));
		return value;
	}
	json_decref(value);
	return random_value(r, 0);
}

/* Returns how many values were refused. */
static size_t check_validator(struct validator *v, const json_t *schema, const struct buf *out, struct rng *r)
{
	json_t *value = json_loadb(buf_text(out), out->n, JSON_DECODE_ANY, NULL);
	struct buf text = { 0 };
	size_t refused = 0;

	validator_write(v, value, &text);
	json_t *again = json_loadb(buf_text(&text), text.n, JSON_DECODE_ANY, NULL);

	assert_true(json_equal(value, again)); /* order apart, which a grammar has right already */
	json_decref(again);
	for (size_t i = 0; i < 4; i++) {
		struct buf why = { 0 };
		bool accepted = validator_accepts(v, value, &why);

		if (accepted != valid(schema, schema, value) || (accepted != (why.n == 0)))
			fail_msg("accepted %d (%s): %s", accepted, buf_text(&why), buf_text(out));
		refused += !accepted;
		buf_release(&why);
		value = changed(r, value);
	}
	json_decref(value);
	buf_release(&text);
	return refused;
}

/* Runs n schemas; prints pairs where asked to. Returns how many outputs were checked. */
static size_t run_schemas(size_t n, size_t outputs, bool print, struct sampling *s)
{
	size_t done = 0;

	for (size_t i = 0; i < n; i++) {
		struct error err;
		json_t *schema = random_document(s->r);
		char *text = json_dumps(schema, 0);
		struct grammar *g = schema_compile(text, strlen(text), &s->t->alphabet, &err);

		if (!g)
			fail_msg("%s: %s", text, err.text);
		s->m = grammar_matcher_new(g);
		struct validator *v = validator_new(text, strlen(text), &err);

		assert_non_null(v);
		for (size_t k = 0; k < outputs; k++, done++) {
			struct buf out = { 0 };

			sample(s, &out);
			check_output(schema, text, &out);
			s->refused += check_validator(v, schema, &out, s->r);
			if (print)
				print_pair(schema, &out);
			buf_release(&out);
		}
		validator_free(v);
		grammar_matcher_free(s->m);
		grammar_free(g);
		free(text);
		json_decref(schema);
	}
	return done;
}

static size_t run(size_t n, size_t outputs, bool print, size_t *masks)
{
	struct rng r;
	struct sampling s = { .r = &r };

	rng_init(&r, 20, "schemas");
	struct token_bytes *t = random_vocabulary(&r);

	s.t = t;
	size_t done = run_schemas(n, outputs, print, &s);

	assert_true(s.refused > n); /* of the 9 values that are made of 3 outputs, a third and more */
	*masks = s.masks;
	token_bytes_free(t);
	return done;
}

static void every_output_of_every_schema_is_valid(void **state)
{
	size_t masks;

	(void)state;
	assert_int_equal(run(SCHEMAS, OUTPUTS, false, &masks), SCHEMAS * OUTPUTS);
	assert_true(masks > 1000);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_validator_itself_can_say_no),
		cmocka_unit_test(every_output_of_every_schema_is_valid),
	};
	size_t masks;

	if (argc == 3 && strcmp(argv[1], "dump") == 0)
		return run(strtoul(argv[2], NULL, 10), 1, true, &masks) == 0;
	return cmocka_run_group_tests_name("schema_random", tests, NULL, NULL);
}
