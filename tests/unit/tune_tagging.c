/* tune_tagging.c - answers to tags and classes and back, on words as BERT's tokenizer tells them apart. */
#include "test.h"

#include <string.h>

#include "base/arena.h"
#include "tokenizer_models.h"
#include "tune/tagging.h"

#define SCHEMA \
	"{\"type\": \"object\", \"required\": [\"intent\", \"who\"], \"properties\": {" \
	"\"intent\": {\"enum\": [\"play\", \"book\"]}, \"who\": {\"type\": \"string\"}, \"loud\": {\"type\": \"boolean\"}, " \
	"\"fixed\": {\"const\": 3}, \"count\": {\"type\": \"integer\"}, " \
	"\"slots\": {\"type\": \"object\", \"required\": [\"when\", \"kind\"], \"properties\": {\"when\": {\"type\": [\"string\", \"null\"]}, " \
	"\"kind\": {\"enum\": [1, null]}, \"where\": {\"type\": \"string\", \"maxLength\": 12}}}, " \
	"\"names\": {\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/name\"}, \"maxItems\": 3}, " \
	"\"rest\": {\"type\": \"array\", \"items\": {\"type\": \"integer\"}}}, " \
	"\"$defs\": {\"name\": {\"type\": \"string\"}}}"

/* Fields in the order of the schema. */
enum { WHO, WHEN, WHERE, NAMES, STRINGS };
enum { INTENT, LOUD, FIXED, KIND, CHOICES };

struct fixture {
	struct validator *validator;
	struct tagging *tagging;
	struct tokenizer *tokenizer;
	struct token_list ids;
	struct token_words words;
	int32_t tags[64];
	struct tagging_count count;
};

static void begin(struct fixture *f)
{
	struct error err = { .text = "" };

	*f = (struct fixture){ .validator = validator_new(SCHEMA, strlen(SCHEMA), &err) };
	if (!f->validator)
		fail_msg("%s", err.text);
	f->tagging = tagging_new(f->validator);
	f->tokenizer = tokenizer_for_test(TINY_BERT);
	assert_non_null(f->tokenizer);
}

static void end(struct fixture *f)
{
	tagging_free(f->tagging);
	validator_free(f->validator);
	tokenizer_free(f->tokenizer);
	token_list_release(&f->ids);
	token_words_release(&f->words);
}

static void cut(struct fixture *f, const char *text)
{
	f->ids.n = f->words.n = 0;
	assert_true(tokenizer_encode_words(f->tokenizer, text, strlen(text), &f->ids, &f->words));
	assert_true(f->words.n <= ARRAY_SIZE(f->tags));
}

static json_t *json(const char *text)
{
	json_error_t why;
	json_t *value = json_loads(text, JSON_DECODE_ANY, &why);

	if (!value)
		fail_msg("%s: %s", text, why.text);
	return value;
}

static void leaves_are_tags_and_choices(void **state)
{
	static const char *const strings[STRINGS] = { "/who", "/slots/when", "/slots/where", "/names" };
	static const char *const choices[CHOICES] = { "/intent", "/loud", "/fixed", "/slots/kind" };
	static const size_t classes[CHOICES] = { 2, 3, 2, 3 };
	struct fixture f;

	(void)state;
	begin(&f);
	assert_int_equal(f.tagging->n_strings, STRINGS);
	assert_int_equal(f.tagging->n_choices, CHOICES);
	assert_int_equal(f.tagging->untagged, 2);
	assert_int_equal(f.tagging->n_tags, 1 + 2 * STRINGS);
	assert_int_equal(f.tagging->n_classes, 10);
	for (size_t i = 0; i < STRINGS; i++) {
		assert_string_equal(f.tagging->strings[i].field, strings[i]);
		assert_int_equal(f.tagging->strings[i].list, i == NAMES);
	}
	for (size_t i = 0; i < CHOICES; i++) {
		assert_string_equal(f.tagging->choices[i].field, choices[i]);
		assert_int_equal(f.tagging->heads[i], classes[i]);
	}
	json_t *said = tagging_json(f.tagging);
	const json_t *tags = json_object_get(said, "tags"), *kinds = json_object_get(json_object_get(said, "choices"), "/slots/kind");

	assert_int_equal(json_array_size(tags), 1 + 2 * STRINGS);
	assert_string_equal(json_string_value(json_array_get(tags, 0)), "O");
	assert_string_equal(json_string_value(json_array_get(tags, 1 + 2 * WHEN)), "B-/slots/when");
	assert_string_equal(json_string_value(json_array_get(tags, 2 + 2 * WHEN)), "I-/slots/when");
	assert_int_equal(json_array_size(kinds), 3);
	json_decref(said);
	end(&f);
}

#define B(field) (1 + 2 * (field))
#define I(field) (2 + 2 * (field))

static const struct {
	const char *name, *text, *answer;
	size_t absent;
	int tags[12]; /* of the words; -1 ends them */
} alignments[] = {
	{ "words of a value", "play The Who tonight", "{\"who\": \"The Who\", \"slots\": {\"when\": \"tonight\"}}", 0,
	  { 0, B(WHO), I(WHO), B(WHEN), -1 } },
	{ "the first of two places", "bob and bob", "{\"who\": \"bob\"}", 0, { B(WHO), 0, 0, -1 } },
	{ "two values that are the same take both", "bob and bob", "{\"names\": [\"bob\", \"bob\"]}", 0, { B(NAMES), 0, B(NAMES), -1 } },
	{ "three do not", "bob and bob", "{\"names\": [\"bob\", \"bob\", \"bob\"]}", 1, { B(NAMES), 0, B(NAMES), -1 } },
	{ "neighbours are two values", "ann bob", "{\"names\": [\"ann\", \"bob\"]}", 0, { B(NAMES), B(NAMES), -1 } },
	{ "the longest first", "new york new", "{\"who\": \"new\", \"slots\": {\"where\": \"new york\"}}", 0,
	  { B(WHERE), I(WHERE), B(WHO), -1 } },
	{ "as written before in another case", "BOB bob", "{\"who\": \"bob\"}", 0, { 0, B(WHO), -1 } },
	{ "in another case", "play BOB  Dylan", "{\"who\": \"Bob Dylan\"}", 0, { 0, B(WHO), I(WHO), -1 } },
	{ "letters beyond ASCII", "h\xC3\xB6r \xC3\x84RZTE", "{\"who\": \"\xC3\xA4rzte\"}", 0, { 0, B(WHO), -1 } },
	{ "no parts of words", "know no", "{\"who\": \"no\"}", 0, { 0, B(WHO), -1 } },
	{ "not the end of one either", "piano no-one", "{\"who\": \"no\"}", 0, { 0, B(WHO), 0, 0, -1 } },
	{ "punctuation is a word", "by \"U2\"!", "{\"who\": \"\\\"U2\\\"\"}", 0, { 0, B(WHO), I(WHO), I(WHO), 0, -1 } },
	{ "not in the text", "play it", "{\"who\": \"bob\"}", 1, { 0, 0, -1 } },
	{ "white space at its ends", "for ann now", "{\"who\": \" ann\\n\"}", 0, { 0, B(WHO), 0, -1 } },
	{ "nothing to find", "for ann", "{\"who\": \"\", \"slots\": {\"when\": null}, \"count\": 2}", 0, { 0, 0, -1 } },
};

static void values_take_their_words(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	for (size_t i = 0; i < ARRAY_SIZE(alignments); i++) {
		json_t *answer = json(alignments[i].answer);
		size_t n = 0;

		cut(&f, alignments[i].text);
		f.count = (struct tagging_count){ 0 };
		tagging_align(f.tagging, alignments[i].text, f.words.at, f.words.n, answer, f.tags, &f.count);
		if (f.count.absent != alignments[i].absent)
			fail_msg("%s: %zu absent", alignments[i].name, f.count.absent);
		for (; alignments[i].tags[n] >= 0; n++)
			if (n >= f.words.n || f.tags[n] != alignments[i].tags[n])
				fail_msg("%s: word %zu has tag %d", alignments[i].name, n, n < f.words.n ? f.tags[n] : -1);
		assert_int_equal(n, f.words.n);
		json_decref(answer);
	}
	end(&f);
}

static void choices_have_a_class_each(void **state)
{
	static const struct {
		const char *answer;
		size_t classes[CHOICES];
	} rows[] = {
		{ "{\"intent\": \"book\", \"who\": \"x\"}", { 1, 2, 1, 2 } },
		{ "{\"intent\": \"play\", \"loud\": false, \"fixed\": 3, \"slots\": {\"when\": \"x\", \"kind\": null}}", { 0, 1, 0, 1 } },
		{ "{\"intent\": \"play\", \"loud\": true, \"slots\": {\"when\": \"x\", \"kind\": 1}}", { 0, 0, 1, 0 } },
	};
	struct fixture f;

	(void)state;
	begin(&f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *answer = json(rows[i].answer);
		size_t classes[CHOICES];

		tagging_classes(f.tagging, answer, classes);
		for (size_t c = 0; c < CHOICES; c++)
			assert_int_equal(classes[c], rows[i].classes[c]);
		json_decref(answer);
	}
	end(&f);
}

static const char known[] = "{\"intent\": \"play\", \"who\": \"nobody\", \"count\": 7, \"rest\": [1]}";

static const struct {
	const char *name, *text;
	int tags[8];
	size_t classes[CHOICES];
	const char *want;
} sayings[] = {
	{ "everything", "Play The Who at Dawn", { 0, B(WHO), I(WHO), 0, B(WHEN) }, { 0, 0, 0, 0 },
	  "{\"intent\": \"play\", \"who\": \"The Who\", \"loud\": true, \"fixed\": 3, \"count\": 7, \"slots\": {\"when\": \"Dawn\", "
	  "\"kind\": 1}, \"rest\": [1]}" },
	{ "an I- begins a value", "a b c d", { I(WHO), I(WHO), I(NAMES), B(NAMES) }, { 1, 2, 1, 2 },
	  "{\"intent\": \"book\", \"who\": \"a b\", \"count\": 7, \"names\": [\"c\", \"d\"], \"rest\": [1]}" },
	{ "an I- of another field ends one", "a b c", { B(WHO), I(NAMES), I(WHO) }, { 1, 2, 1, 2 },
	  "{\"intent\": \"book\", \"who\": \"a\", \"count\": 7, \"names\": [\"b\"], \"rest\": [1]}" },
	{ "the first of several", "a b c", { B(WHO), 0, B(WHO) }, { 1, 2, 1, 2 },
	  "{\"intent\": \"book\", \"who\": \"a\", \"count\": 7, \"rest\": [1]}" },
	{ "what must be there is the known one's", "a b", { 0, 0 }, { 1, 2, 1, 2 },
	  "{\"intent\": \"book\", \"who\": \"nobody\", \"count\": 7, \"rest\": [1]}" },
	{ "null is a value", "a b", { B(WHO), B(WHERE) }, { 1, 2, 1, 1 },
	  "{\"intent\": \"book\", \"who\": \"a\", \"count\": 7, \"slots\": {\"when\": null, \"kind\": null, \"where\": \"b\"}, \"rest\": [1]}" },
	{ "what the schema does not accept", "a bcdefghijklmnopqrst", { B(WHO), B(WHERE) }, { 1, 2, 1, 1 },
	  "{\"intent\": \"play\", \"who\": \"nobody\", \"count\": 7, \"rest\": [1]}" },
};

static void tags_become_objects(void **state)
{
	json_t *whole = json(known);
	struct fixture f;

	(void)state;
	begin(&f);
	for (size_t i = 0; i < ARRAY_SIZE(sayings); i++) {
		struct buf out = { 0 };

		cut(&f, sayings[i].text);
		for (size_t w = 0; w < f.words.n; w++)
			f.tags[w] = sayings[i].tags[w];
		struct tagged t = { f.tagging, sayings[i].text, f.words.at, f.tags, f.words.n, sayings[i].classes };
		struct filling filling = tagged_filling(&t);

		filling_write(&filling, whole, &out);
		if (strcmp(buf_text(&out), sayings[i].want) != 0)
			fail_msg("%s: %s", sayings[i].name, buf_text(&out));
		buf_release(&out);
	}
	json_decref(whole);
	end(&f);
}

/* What stands in the text comes back from its tags and classes. */
static void answers_come_back(void **state)
{
	static const char text[] = "book Caf\xC3\xA9 de Flore for Ann, Bob at 5 p.m.";
	json_t *answer = json("{\"intent\": \"book\", \"who\": \"Caf\xC3\xA9 de Flore\", \"loud\": false, \"slots\": {\"when\": \"5 p.m.\", "
			      "\"kind\": 1}, \"names\": [\"Ann\", \"Bob\"]}");
	size_t classes[CHOICES];
	struct fixture f;

	(void)state;
	begin(&f);
	cut(&f, text);
	tagging_align(f.tagging, text, f.words.at, f.words.n, answer, f.tags, &f.count);
	tagging_classes(f.tagging, answer, classes);
	struct tagged t = { f.tagging, text, f.words.at, f.tags, f.words.n, classes };
	json_t *want = tagging_parts(f.tagging, answer), *got = tagged_parts(&t);

	assert_int_equal(f.count.found, 4);
	assert_int_equal(f.count.absent, 0);
	assert_int_equal(json_object_size(want), 6);
	assert_true(json_equal(want, got));
	json_decref(want);
	json_decref(got);
	json_decref(answer);
	end(&f);
}

/* The best sequence, not the best tag of each word: an I- that nothing begins is worth nothing. */
static void tags_follow_each_other(void **state)
{
	enum { TAGS = 1 + 2 * STRINGS };
	static const struct {
		const char *name;
		int likely[3], second[3], want[3]; /* a likely tag has 2, the second 1, the others 0 */
	} rows[] = {
		{ "as they are", { B(WHO), I(WHO), 0 }, { 0, 0, B(WHO) }, { B(WHO), I(WHO), 0 } },
		{ "no I- at the beginning", { I(WHO), 0, 0 }, { B(WHO), B(WHO), B(WHO) }, { B(WHO), 0, 0 } },
		{ "no I- of another field", { B(WHO), I(WHEN), I(WHEN) }, { B(WHEN), 0, 0 }, { B(WHEN), I(WHEN), I(WHEN) } },
		{ "what two words say", { 0, I(WHERE), I(WHERE) }, { B(WHERE), 0, B(WHO) }, { B(WHERE), I(WHERE), I(WHERE) } },
	};
	struct fixture f;

	(void)state;
	begin(&f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		float scores[3][TAGS] = { { 0 } };

		for (size_t w = 0; w < 3; w++) {
			scores[w][rows[i].second[w]] = 1;
			scores[w][rows[i].likely[w]] = 2;
		}
		tagging_best(f.tagging, scores[0], 3, f.tags);
		for (size_t w = 0; w < 3; w++)
			if (f.tags[w] != rows[i].want[w])
				fail_msg("%s: word %zu has tag %d", rows[i].name, w, f.tags[w]);
	}
	tagging_best(f.tagging, NULL, 0, f.tags);
	end(&f);
}

/* Objects that refer to each other twice over are a tree without end. */
static void recursive_schemas_end(void **state)
{
	static const char schema[] = "{\"$ref\": \"#/$defs/a\", \"$defs\": {\"a\": {\"type\": \"object\", \"properties\": {\"x\": {\"$ref\": "
				     "\"#/$defs/a\"}, \"y\": {\"$ref\": \"#/$defs/a\"}, \"s\": {\"type\": \"string\"}}}}}";
	struct error err = { .text = "" };
	struct validator *v = validator_new(schema, strlen(schema), &err);

	(void)state;
	if (!v)
		fail_msg("%s", err.text);
	struct tagging *g = tagging_new(v);

	assert_in_range(g->n_strings, 100, 1000);
	tagging_free(g);
	validator_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_are_tags_and_choices),
		cmocka_unit_test(values_take_their_words),
		cmocka_unit_test(choices_have_a_class_each),
		cmocka_unit_test(tags_become_objects),
		cmocka_unit_test(answers_come_back),
		cmocka_unit_test(tags_follow_each_other),
		cmocka_unit_test(recursive_schemas_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
