/* tune_finetune.c - what encoders and decoders have in common when they are fine-tuned: what is held out, what passes take, weights of
 * classes, sets; on the tiny models of tests/reference. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/rng.h"
#include "llm/adapter.h"
#include "tune/finetune_inner.h"

static const char encoder[] = "tests/reference/golden/tiny-bert", decoder[] = "tests/reference/golden/tiny-llama.gguf";

enum { EXAMPLES = 640, CLASSES = 3 };

struct bench {
	char folder[64];
	struct pool *pool;
	struct arena arena;
	const char *texts[EXAMPLES], *answers[EXAMPLES];
	size_t classes[EXAMPLES], groups[EXAMPLES];
	uint8_t sets[EXAMPLES * CLASSES];
	bool by_model[EXAMPLES];
	struct validator *validator;
	struct tagging *tagging;
	struct finetune_texts lesson;
	struct finetune_settings settings;
	struct finetune_outcome outcome;
	struct error err;
};

static struct bench b;

static int set_up(void **state)
{
	(void)state;
	b = (struct bench){ .folder = "/tmp/rung-finetune-XXXXXX", .pool = pool_open(1), .settings = finetune_encoder_defaults };
	arena_init(&b.arena);
	for (size_t i = 0; i < EXAMPLES; i++)
		b.groups[i] = i;
	return mkdtemp(b.folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	file_remove_folder(b.folder);
	json_decref(b.outcome.curve);
	tagging_free(b.tagging);
	validator_free(b.validator);
	arena_release(&b.arena);
	pool_free(b.pool);
	return 0;
}

static void train(void)
{
	json_decref(b.outcome.curve);
	b.outcome.curve = NULL;
	if (!finetune_encoder(encoder, b.pool, &b.lesson, &b.settings, 1, b.folder, NULL, &b.outcome, &b.err))
		fail_msg("%s", b.err.text);
}

/* --- what is held out ---------------------------------------------------------------------------------------------- */

static struct held_out split(const bool *by_model, size_t n)
{
	struct held_out h;
	bool met[EXAMPLES] = { false };

	held_out_init(&h, b.groups, by_model, n, &b.settings);
	assert_int_equal(h.n_train + h.n_held, n);
	for (size_t i = 0; i < n; i++) {
		size_t item = i < h.n_train ? h.train[i] : h.held[i - h.n_train];

		assert_true(item < n && !met[item]);
		met[item] = true;
	}
	return h;
}

/* A tenth of what people labelled; what a model did is learnt from, and so is whoever is of its group. */
static void what_a_model_labelled_is_not_held_out(void **state)
{
	struct held_out h;

	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		b.by_model[i] = i >= 200;
		b.groups[i] = i < 190 ? i / 2 : i < 200 ? i + 400 : i; /* 190 .. 199 are of groups of the model's 590 .. 599 */
	}
	for (b.settings.seed = 1; b.settings.seed <= 20; b.settings.seed++) {
		h = split(b.by_model, EXAMPLES);
		assert_int_equal(h.n_held, 20);
		for (size_t i = 0; i < h.n_held; i++)
			assert_true(h.held[i] < 190);
		held_out_release(&h);
	}
	for (size_t i = 99; i < 200; i++)
		b.by_model[i] = true;
	h = split(b.by_model, EXAMPLES); /* 99 are too few, however many the model adds */
	assert_int_equal(h.n_held, 0);
	held_out_release(&h);
}

static void no_more_are_held_out_than_are_scored(void **state)
{
	struct held_out h;

	(void)state;
	b.settings.held_out = 0.5;
	h = split(NULL, EXAMPLES);
	assert_int_equal(h.n_held, 320);
	held_out_release(&h);
	b.settings = finetune_lora_defaults;
	b.settings.held_out = 0.5;
	h = split(NULL, EXAMPLES);
	assert_int_equal(h.n_held, 100);
	held_out_release(&h);
	b.settings.held_most = 10;
	h = split(NULL, EXAMPLES);
	assert_int_equal(h.n_held, 10);
	assert_true(h.held[9] > 100); /* drawn from all of them, not the first ones */
	held_out_release(&h);
}

/* --- passes -------------------------------------------------------------------------------------------------------- */

/* Texts of 27 to 31 tokens, with classes, sets or answers. */
static void long_texts(int kind)
{
	static const char schema[] = "{\"type\": \"object\", \"required\": [\"who\"], \"properties\": {\"who\": {\"type\": \"string\"}, "
				     "\"verb\": {\"enum\": [\"sit\", \"run\", \"walk\"]}}}";
	static const char *const nouns[] = { "cat", "dog", "mat" }, *const verbs[] = { "sit", "run", "walk" };
	struct rng rng;

	rng_init(&rng, 3, "texts");
	for (size_t i = 0; i < EXAMPLES; i++) {
		size_t who = rng_below(&rng, 3), verb = rng_below(&rng, 3);

		b.texts[i] = arena_printf(&b.arena, "the %s %s on the red house, and the blue house, and the red house, and the house, and on the%.*s",
					  nouns[who], verbs[verb], (int)rng_below(&rng, 5) * 2, " ! ! ! !");
		b.answers[i] = arena_printf(&b.arena, "{\"who\": \"%s\", \"verb\": \"%s\"}", nouns[who], verbs[verb]);
		b.classes[i] = who;
		b.sets[i * CLASSES + who] = b.sets[i * CLASSES + verb] = 1;
	}
	b.lesson = (struct finetune_texts){ .n = EXAMPLES, .classes = CLASSES, .texts = b.texts, .groups = b.groups };
	b.lesson.classes_of = kind == 0 ? b.classes : NULL;
	b.lesson.sets = kind == 1 ? b.sets : NULL;
	if (kind < 2)
		return;
	b.validator = validator_new(schema, strlen(schema), &b.err);
	b.lesson.tagging = b.tagging = tagging_new(b.validator);
	b.lesson.answers = b.answers;
	b.lesson.classes = b.tagging->n_classes;
}

/* A cap decides passes, those of scores as well, and nothing else: here batches fit in one, so all is the same to the bit. */
static void check_cap(int kind)
{
	enum { BATCH = 4, LONGEST = 32, ROW_BYTES = 3000 /* at least */ };

	long_texts(kind);
	b.settings.batch = BATCH;
	b.settings.epochs = 1;
	train();
	assert_int_equal(b.outcome.held, 64);
	assert_true(b.outcome.largest_pass > 64 * 27);
	struct finetune_outcome whole = b.outcome;

	b.outcome.curve = NULL;
	b.settings.memory_mb = 1;
	train();
	if (b.outcome.largest_pass < BATCH * 27 || b.outcome.largest_pass * ROW_BYTES > 1000000)
		fail_msg("a pass of %zu tokens", b.outcome.largest_pass);
	assert_true(b.outcome.score == whole.score && b.outcome.threshold == whole.threshold);
	assert_true(json_equal(b.outcome.curve, whole.curve));
	json_decref(whole.curve);
}

static void scores_of_classes_stay_below_the_cap(void **state)
{
	(void)state;
	check_cap(0);
}

static void scores_of_sets_stay_below_the_cap(void **state)
{
	(void)state;
	check_cap(1);
}

static void scores_of_answers_stay_below_the_cap(void **state)
{
	(void)state;
	check_cap(2);
}

/* --- classes of different sizes ------------------------------------------------------------------------------------ */

static void balanced_classes_weigh_alike(void **state)
{
	static const size_t classes[] = { 0, 0, 0, 0, 0, 0, 1, 1, 3, 3 }; /* nobody is of the third */
	const struct finetune_texts t = { .n = ARRAY_SIZE(classes), .classes = 4, .classes_of = classes };
	float *weights = finetune_balanced_weights(&t);
	double mean = 0;

	(void)state;
	assert_close("common", (double)weights[0], 10.0 / (4 * 6), 1e-6);
	assert_close("rare", (double)weights[1], 10.0 / (4 * 2), 1e-6);
	assert_close("absent", (double)weights[2], 0, 0);
	for (size_t i = 0; i < t.n; i++)
		mean += (double)weights[classes[i]] / (double)t.n;
	assert_close("mean over items, an absent class aside", mean, 0.75, 1e-6);
	free(weights);
}

/* One text in ten says the same as the others and is of another class: its probability is a tenth, and balanced a half. */
static void balancing_raises_what_is_rare(void **state)
{
	const char *text = "the cat sat";
	double p[2][2];

	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		b.texts[i] = text;
		b.classes[i] = i % 10 == 0;
	}
	b.lesson = (struct finetune_texts){ .n = EXAMPLES, .classes = 2, .texts = b.texts, .classes_of = b.classes, .groups = b.groups };
	b.settings.rate = 1e-3;
	b.settings.epochs = 3;
	for (int balanced = 0; balanced < 2; balanced++) {
		b.settings.balanced = balanced;
		train();
		struct tuned_encoder *t = tuned_encoder_open(b.folder, 2, false, b.pool, &b.err);

		if (!t)
			fail_msg("%s", b.err.text);
		tuned_encoder_predict(t, &text, 1, p[balanced]);
		tuned_encoder_free(t);
	}
	assert_close("as it is", p[0][1], 0.1, 0.05);
	assert_close("balanced", p[1][1], 0.5, 0.1);
}

/* --- several labels an item ---------------------------------------------------------------------------------------- */

static void sets_are_learnt_with_their_threshold(void **state)
{
	static const char *const nouns[CLASSES] = { "cat", "dog", "house" };
	double *p = arena_array(&b.arena, EXAMPLES * CLASSES, sizeof(*p));
	struct rng rng;
	size_t wrong = 0;

	(void)state;
	rng_init(&rng, 4, "sets");
	for (size_t i = 0; i < EXAMPLES; i++) {
		size_t which = rng_below(&rng, 8);

		for (size_t c = 0; c < CLASSES; c++)
			b.sets[i * CLASSES + c] = which >> c & 1;
		b.texts[i] = arena_printf(&b.arena, "the %s %s %s mat", which & 1 ? nouns[0] : "mat", which & 2 ? nouns[1] : "blue",
					  which & 4 ? nouns[2] : "run");
	}
	b.lesson = (struct finetune_texts){ .n = EXAMPLES, .classes = CLASSES, .texts = b.texts, .sets = b.sets, .groups = b.groups };
	b.settings.rate = 1e-3;
	b.settings.epochs = 4;
	train();
	assert_true(b.outcome.score > 0.97);
	assert_true(b.outcome.threshold > 0 && b.outcome.threshold < 1);
	struct tuned_encoder *t = tuned_encoder_open(b.folder, CLASSES, true, b.pool, &b.err);

	if (!t)
		fail_msg("%s", b.err.text);
	tuned_encoder_predict(t, b.texts, EXAMPLES, p);
	for (size_t i = 0; i < EXAMPLES * CLASSES; i++)
		wrong += (p[i] >= b.outcome.threshold) != b.sets[i];
	assert_true(wrong * 100 < EXAMPLES * CLASSES);
	tuned_encoder_free(t);
}

/* --- LoRA ---------------------------------------------------------------------------------------------------------- */

/* Whoever is not scored is learnt from. */
static void lora_trains_on_all_that_it_does_not_score(void **state)
{
	enum { PROMPTS = 150 };
	struct message messages[PROMPTS];
	struct model_request prompts[PROMPTS] = { 0 };
	const char *completions[PROMPTS];
	struct finetune_prompts lesson = { .n = PROMPTS, .prompts = prompts, .completions = completions, .groups = b.groups };
	char adapter[128];

	(void)state;
	for (size_t i = 0; i < PROMPTS; i++) {
		messages[i] = (struct message){ .role = MESSAGE_USER, .text = i % 2 ? "yes" : "no" };
		prompts[i].messages = &messages[i];
		prompts[i].n_messages = 1;
		completions[i] = i % 2 ? "ja" : "nein";
	}
	b.settings = finetune_lora_defaults;
	b.settings.epochs = 1;
	b.settings.held_most = 7;
	if (!finetune_lora(decoder, b.pool, &lesson, &b.settings, 1, b.folder, NULL, &b.outcome, &b.err))
		fail_msg("%s", b.err.text);
	assert_int_equal(b.outcome.trained, PROMPTS - 7);
	assert_int_equal(b.outcome.held, 7);
	assert_int_equal(b.outcome.left_out, 0);
	snprintf(adapter, sizeof(adapter), "%s/adapter.gguf", b.folder);
	if (!adapter_fits(adapter, decoder, &b.err))
		fail_msg("%s", b.err.text);
}

static void examples_too_long_for_the_base_are_a_sentence(void **state)
{
	struct message message = { .role = MESSAGE_USER, .text = arena_printf(&b.arena, "%0300d", 0) };
	struct model_request prompt = { .messages = &message, .n_messages = 1 };
	const char *completion = "ja";
	struct finetune_prompts lesson = { .n = 1, .prompts = &prompt, .completions = &completion, .groups = b.groups };

	(void)state;
	b.settings = finetune_lora_defaults;
	assert_false(finetune_lora(decoder, b.pool, &lesson, &b.settings, 1, b.folder, NULL, &b.outcome, &b.err));
	assert_non_null(strstr(b.err.text, "all 1 examples are longer than the 256 tokens that are trained on"));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_a_model_labelled_is_not_held_out),
		TEST(no_more_are_held_out_than_are_scored),
		TEST(scores_of_classes_stay_below_the_cap),
		TEST(scores_of_sets_stay_below_the_cap),
		TEST(scores_of_answers_stay_below_the_cap),
		TEST(balanced_classes_weigh_alike),
		TEST(balancing_raises_what_is_rare),
		TEST(sets_are_learnt_with_their_threshold),
		TEST(lora_trains_on_all_that_it_does_not_score),
		TEST(examples_too_long_for_the_base_are_a_sentence),
	};

	return cmocka_run_group_tests_name("tune_finetune", tests, NULL, NULL);
}
