/* tune_tagger.c - a tiny encoder learns a toy language of fields, the same one each time, and says from its folder what it said in
 * training. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/rng.h"
#include "task/fields.h"
#include "tune/finetune.h"

static const char base[] = "tests/reference/golden/tiny-bert";
static const char schema[] =
	"{\"type\": \"object\", \"required\": [\"verb\", \"who\"], \"properties\": {\"verb\": {\"enum\": [\"sit\", \"run\", \"walk\"]}, "
	"\"who\": {\"type\": \"string\"}, \"where\": {\"type\": \"string\"}, \"loud\": {\"type\": \"boolean\"}, "
	"\"colours\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}}}";

enum { EXAMPLES = 300 };

struct toy {
	char folder[64];
	struct pool *pool;
	struct arena arena;
	struct validator *validator;
	struct tagging *tagging;
	const char *texts[EXAMPLES], *answers[EXAMPLES];
	size_t groups[EXAMPLES];
	struct finetune_texts lesson;
	struct finetune_settings settings;
	struct finetune_outcome outcome;
	struct error err;
};

/* The same nouns act and are acted upon, so that only their places tell them apart. */
static void add_example(struct toy *t, size_t i, struct rng *rng)
{
	static const char *const nouns[] = { "cat", "dog", "mat", "house" }, *const verbs[] = { "sit", "run", "walk" };
	const char *who = nouns[rng_below(rng, 4)], *where = nouns[rng_below(rng, 4)], *verb = verbs[rng_below(rng, 3)];
	bool placed = rng_below(rng, 3) > 0, loud = rng_below(rng, 2);
	size_t colours = rng_below(rng, 3);

	t->texts[i] = arena_printf(&t->arena, "The %s%s%s %s%s%s%s", colours > 0 ? "red " : "", colours > 1 ? "Blue " : "", who, verb,
				   placed ? " on the " : "", placed ? where : "", loud ? "!" : ".");
	t->answers[i] = arena_printf(&t->arena, "{\"verb\": \"%s\", \"who\": \"%s\"%s%s%s%s%s}", verb, who, placed ? ", \"where\": \"" : "",
				     placed ? where : "", placed ? "\"" : "", loud ? ", \"loud\": true" : "",
				     colours == 0 ? "" : colours == 1 ? ", \"colours\": [\"red\"]" : ", \"colours\": [\"red\", \"Blue\"]");
	t->groups[i] = i;
}

static void begin(struct toy *t)
{
	struct rng rng;

	*t = (struct toy){ .folder = "/tmp/rung-tagger-XXXXXX", .pool = pool_open(2), .settings = finetune_encoder_defaults };
	assert_non_null(mkdtemp(t->folder));
	arena_init(&t->arena);
	t->validator = validator_new(schema, strlen(schema), &t->err);
	if (!t->validator)
		fail_msg("%s", t->err.text);
	t->tagging = tagging_new(t->validator);
	rng_init(&rng, 3, "toys");
	for (size_t i = 0; i < EXAMPLES; i++)
		add_example(t, i, &rng);
	t->lesson = (struct finetune_texts){ .n = EXAMPLES, .classes = t->tagging->n_classes, .texts = t->texts, .answers = t->answers,
					      .tagging = t->tagging, .groups = t->groups };
	t->settings.rate = 3e-3;
	t->settings.epochs = 15;
}

static void end(struct toy *t)
{
	file_remove_folder(t->folder);
	json_decref(t->outcome.curve);
	tagging_free(t->tagging);
	validator_free(t->validator);
	arena_release(&t->arena);
	pool_free(t->pool);
}

static void train(struct toy *t)
{
	if (!finetune_encoder(base, t->pool, &t->lesson, &t->settings, 1, t->folder, NULL, &t->outcome, &t->err))
		fail_msg("%s", t->err.text);
}

static struct tuned_tagger *open_it(struct toy *t)
{
	struct tuned_tagger *tagger = tuned_tagger_open(t->folder, t->tagging, t->pool, &t->err);

	if (!tagger)
		fail_msg("%s", t->err.text);
	return tagger;
}

/* The mean F1 of what is said of these examples. */
static double mean_f1(const struct toy *t, struct tuned_tagger *tagger, const size_t *items, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		json_t *answer = json_loads(t->answers[items[i]], 0, NULL), *want = tagging_parts(t->tagging, answer);
		json_t *got = tagged_parts(tuned_tagger_read(tagger, t->texts[items[i]]));

		sum += fields_f1(want, got);
		json_decref(answer);
		json_decref(want);
		json_decref(got);
	}
	return sum / (double)n;
}

static void a_toy_language_is_learnt(void **state)
{
	struct held_out h;
	struct toy t;

	(void)state;
	begin(&t);
	train(&t);
	struct tuned_tagger *tagger = open_it(&t);

	assert_int_equal(t.outcome.trained + t.outcome.held, EXAMPLES);
	assert_int_equal(t.outcome.values.absent, 0);
	assert_true(t.outcome.values.found > EXAMPLES);
	held_out_init(&h, t.groups, NULL, EXAMPLES, &t.settings);
	assert_true(h.n_held > 20);
	assert_true(t.outcome.score > 0.97);
	/* the folder says what the weights said when they were trained */
	assert_close("held out", mean_f1(&t, tagger, h.held, h.n_held), t.outcome.score, 1e-12);
	assert_true(mean_f1(&t, tagger, h.train, h.n_train) > 0.97);
	held_out_release(&h);
	tuned_tagger_free(tagger);
	end(&t);
}

static void objects_hold_the_text_s_own_letters(void **state)
{
	json_t *known = json_loads("{\"verb\": \"sit\", \"who\": \"nobody\"}", 0, NULL);
	struct buf out = { 0 };
	struct toy t;

	(void)state;
	begin(&t);
	train(&t);
	struct tuned_tagger *tagger = open_it(&t);
	struct filling filling = tagged_filling(tuned_tagger_read(tagger, "THE Red bluE DOG run on the  Cat!"));

	filling_write(&filling, known, &out);
	assert_string_equal(buf_text(&out), "{\"verb\": \"run\", \"who\": \"DOG\", \"where\": \"Cat\", \"loud\": true, "
					    "\"colours\": [\"Red\", \"bluE\"]}");
	json_decref(known);
	buf_release(&out);
	tuned_tagger_free(tagger);
	end(&t);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
	static const char *const files[] = { "model.safetensors", "head.safetensors", "tags.json" };
	struct toy one, two;

	(void)state;
	begin(&one);
	begin(&two);
	one.settings.epochs = two.settings.epochs = 2;
	pool_free(two.pool);
	two.pool = pool_open(3);
	train(&one);
	train(&two);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		size_t n[2];
		char *bytes[2] = { file_read(arena_printf(&one.arena, "%s/%s", one.folder, files[i]), 1 << 24, &n[0], &one.err),
				   file_read(arena_printf(&one.arena, "%s/%s", two.folder, files[i]), 1 << 24, &n[1], &one.err) };

		assert_true(bytes[0] && bytes[1] && n[0] == n[1]);
		assert_memory_equal(bytes[0], bytes[1], n[0]);
		free(bytes[0]);
		free(bytes[1]);
	}
	end(&one);
	end(&two);
}

static void another_schema_is_refused(void **state)
{
	static const char other[] = "{\"type\": \"object\", \"properties\": {\"verb\": {\"enum\": [\"run\", \"sit\", \"walk\"]}}}";
	struct toy t;

	(void)state;
	begin(&t);
	t.settings.epochs = 1;
	train(&t);
	struct validator *v = validator_new(other, strlen(other), &t.err);
	struct tagging *g = tagging_new(v);

	assert_null(tuned_tagger_open(t.folder, g, t.pool, &t.err));
	assert_non_null(strstr(t.err.text, "tags.json: its fields and values are not those of the task's schema"));
	tagging_free(g);
	validator_free(v);
	end(&t);
}

/* Enums alone need no tags; strings alone no classes, but they have to stand in the texts. */
static void either_head_alone_is_trained(void **state)
{
	static const char *const schemas[] = {
		"{\"type\": \"object\", \"required\": [\"verb\"], \"properties\": {\"verb\": {\"enum\": [\"sit\", \"run\", \"walk\"]}}}",
		"{\"type\": \"object\", \"required\": [\"who\"], \"properties\": {\"who\": {\"type\": \"string\"}}}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(schemas); i++) {
		struct toy t;

		begin(&t);
		tagging_free(t.tagging);
		validator_free(t.validator);
		t.validator = validator_new(schemas[i], strlen(schemas[i]), &t.err);
		t.lesson.tagging = t.tagging = tagging_new(t.validator);
		t.lesson.classes = t.tagging->n_classes;
		train(&t);
		assert_true(t.outcome.score > 0.97);
		tuned_tagger_free(open_it(&t));
		for (size_t k = 0; k < EXAMPLES; k++)
			t.texts[k] = "a red mat and a blue mat";
		for (size_t k = 0; k < EXAMPLES; k++)
			t.answers[k] = "{\"who\": \"dog\"}";
		json_decref(t.outcome.curve);
		if (i == 1) {
			assert_false(finetune_encoder(base, t.pool, &t.lesson, &t.settings, 1, t.folder, NULL, &t.outcome, &t.err));
			assert_non_null(strstr(t.err.text, "none of the 300 strings of the answers stands in its text"));
		} else {
			t.outcome.curve = NULL;
		}
		end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_toy_language_is_learnt),
		cmocka_unit_test(objects_hold_the_text_s_own_letters),
		cmocka_unit_test(the_same_seed_gives_the_same_bytes),
		cmocka_unit_test(another_schema_is_refused),
		cmocka_unit_test(either_head_alone_is_trained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
