/* Adapters by their models' names: many over one base in memory, none with a trace in another's answers; and names that
 * lead nowhere. Over tiny-llama.gguf and tiny-lora.gguf (tests/reference/adapter.py) and a second adapter, which is the
 * first with another alpha. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "llm/adapter.h"
#include "llm/chat.h"
#include "llm/generate.h"
#include "model/model.h"
#include "model/reader.h"
#include "model/registry.h"
#include "task_folder.h"

#define GOLDEN "tests/reference/golden/"

enum { PROMPTS = 12, NAMES = 3 };
static const char *const names[NAMES] = { "local:tiny", "local:tiny+one", "local:tiny+two" };
static const char *const choices[] = { "cat", "dog", "camel" };
static struct folder folder;
static struct arena arena;
static char texts[PROMPTS][64]; /* all begin alike, some are equal */
static struct message turns[PROMPTS];

static void put_file(const char *name, const char *from, const char *replace, const void *with, size_t n_with)
{
	struct error err = { .text = "" };
	size_t n;
	char *bytes = file_read(from, 1 << 20, &n, &err);

	if (!bytes)
		fail_msg("%s", err.text);
	if (replace) {
		char *at = memmem(bytes, n, replace, strlen(replace));

		assert_non_null(at);
		memcpy(at + strlen(replace) + 4, with, n_with); /* behind the value's type */
	}
	folder_write(&folder, name, bytes, n);
	free(bytes);
}

static int set_up(void **state)
{
	const float alpha = -1e-3f, other = 3;

	(void)state;
	folder = folder_make();
	arena_init(&arena);
	put_file("tiny.gguf", GOLDEN "tiny-llama.gguf", NULL, NULL, 0);
	put_file("one.gguf", GOLDEN "tiny-lora.gguf", NULL, NULL, 0);
	put_file("two.gguf", GOLDEN "tiny-lora.gguf", "adapter.lora.alpha", &other, sizeof(other));
	put_file("wrong.gguf", GOLDEN "tiny-lora.gguf", "adapter.lora.alpha", &alpha, sizeof(alpha));
	put_file("qwen.gguf", GOLDEN "tiny-qwen2.gguf", NULL, NULL, 0);
	put_file("a+b.gguf", GOLDEN "tiny-llama.gguf", NULL, NULL, 0);
	for (size_t i = 0; i < PROMPTS; i++) {
		snprintf(texts[i], sizeof(texts[i]), "What is meant here, and is it an animal? %.*s%zu", (int)(i % 5), "words",
			 i / 2);
		turns[i] = (struct message){ MESSAGE_USER, texts[i] };
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	folder_remove(&folder);
	return 0;
}

static struct models *open_models(size_t memory_mb)
{
	return models_open(folder.path, &(struct model_settings){ .threads = 2, .memory_mb = memory_mb });
}

static struct model *open_model(struct models *m, const char *name)
{
	struct error err = { .text = "" };
	struct model *model = model_open(m, name, &err);

	if (!model)
		fail_msg("%s: %s", name, err.text);
	return model;
}

/* Appends what the model answers to prompts first .. first+n-1, asked together: scores as bytes, or text. */
static void ask_some(struct models *m, const char *name, enum model_want want, size_t first, size_t n, struct buf *out)
{
	struct model_request requests[PROMPTS];
	struct model_reply replies[PROMPTS];
	struct error err = { .text = "" };

	for (size_t i = 0; i < n; i++)
		requests[i] = (struct model_request){ .messages = &turns[first + i], .n_messages = 1, .want = want,
			.choices = choices, .n_choices = ARRAY_SIZE(choices), .schema = "{\"enum\": [\"cat\", \"dog\", \"camel\"]}", .max_tokens = 12,
			.sampling = { .temperature = 1, .seed = first + i } };
	if (!model_ask(open_model(m, name), &arena, requests, n, replies, NULL, &err))
		fail_msg("%s: %s", name, err.text);
	for (size_t i = 0; i < n; i++) {
		if (want == WANT_SCORES)
			buf_add(out, replies[i].scores, ARRAY_SIZE(choices) * sizeof(double));
		else
			buf_adds(out, replies[i].text);
		buf_addc(out, '\n');
	}
}

/* The same in one model alone in memory, all prompts together. */
static struct buf answers_alone(const char *name, enum model_want want)
{
	struct models *m = open_models(0);
	struct buf out = { 0 };

	ask_some(m, name, want, 0, PROMPTS, &out);
	models_free(m);
	return out;
}

static void assert_same(const char *what, const struct buf *got, const struct buf *want)
{
	if (got->n != want->n || memcmp(got->data, want->data, got->n) != 0)
		fail_msg("%s: other answers than those of the model alone", what);
}

static void alone_of_all(struct buf alone[NAMES], enum model_want want)
{
	for (size_t i = 0; i < NAMES; i++) {
		alone[i] = answers_alone(names[i], want);
		for (size_t j = 0; j < i && want != WANT_JSON; j++) /* the test can fail; of few texts two may agree */
			assert_true(alone[i].n != alone[j].n || memcmp(alone[i].data, alone[j].data, alone[i].n) != 0);
	}
}

static void release_all(struct buf bufs[NAMES])
{
	for (size_t i = 0; i < NAMES; i++)
		buf_release(&bufs[i]);
}

/* Base, adapter, base, other adapter, ... with the same prompts, in several groups and with little memory: what one
 * left in the cache of prefixes is not what another reads. */
static void models_of_one_base_leave_no_trace_in_each_other(void **state)
{
	static const size_t turn[] = { 0, 1, 0, 2, 1, 1, 2, 0 }, group[] = { PROMPTS, 1, 1, 3, PROMPTS, 2, 1, 5 };
	static const enum model_want wants[] = { WANT_SCORES, WANT_TEXT, WANT_JSON };

	(void)state;
	for (size_t w = 0; w < ARRAY_SIZE(wants); w++)
		for (size_t memory_mb = 0; memory_mb < 2; memory_mb++) {
			struct models *m = open_models(memory_mb);
			struct buf alone[NAMES];

			alone_of_all(alone, wants[w]);
			for (size_t t = 0; t < ARRAY_SIZE(turn); t++) {
				struct buf got = { 0 };

				for (size_t at = 0; at < PROMPTS; at += group[t])
					ask_some(m, names[turn[t]], wants[w], at,
						 PROMPTS - at < group[t] ? PROMPTS - at : group[t], &got);
				assert_same(names[turn[t]], &got, &alone[turn[t]]);
				buf_release(&got);
			}
			release_all(alone);
			models_free(m);
		}
}

static size_t times_mapped(const char *file)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[1024];
	size_t n = 0;

	while (maps && fgets(line, sizeof(line), maps))
		n += strstr(line, file) != NULL;
	if (maps)
		fclose(maps);
	return n;
}

/* A decoder keeps its file mapped, so that each one that was loaded shows. */
static void a_base_is_loaded_once(void **state)
{
	char path[128];

	(void)state;
	if (!file_exists("/proc/self/maps")) {
		print_message("skipped: no /proc/self/maps here\n");
		skip();
	}
	snprintf(path, sizeof(path), "%s/tiny.gguf", folder.path);
	struct models *m = open_models(0), *others = open_models(0);

	assert_int_equal(times_mapped(path), 0);
	open_model(m, names[1]);
	size_t once = times_mapped(path);

	assert_true(once > 0);
	open_model(m, names[0]);
	open_model(m, names[2]);
	assert_ptr_equal(open_model(m, names[1]), open_model(m, names[1]));
	assert_ptr_not_equal(open_model(m, names[0]), open_model(m, names[1]));
	assert_int_equal(times_mapped(path), once);
	open_model(others, names[0]); /* the test can fail */
	assert_int_equal(times_mapped(path), 2 * once);
	models_free(m);
	models_free(others);
}

static struct token_list choice_ids(const struct decoder *d, const char *choice)
{
	struct token_list ids = { 0 };

	tokenizer_encode(decoder_tokenizer(d), choice, strlen(choice), false, &ids);
	return ids;
}

/* The decoder with the adapter, which llm_adapter.c holds against the merged weights, one prompt at a time. */
static void score_by_hand(struct decoder *d, const struct adapter *a, const char *text, double *out)
{
	struct chat_message message = { CHAT_USER, text };
	struct context *root = context_new(d, NULL, NULL, 0);
	struct token_list prompt = { 0 }, sequences[ARRAY_SIZE(choices)];
	struct token_tree *tree;

	context_adapt(root, a);
	chat_encode(chat_format_detect(decoder_tokenizer(d)), decoder_tokenizer(d), &message, 1, &prompt);
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++)
		sequences[i] = choice_ids(d, choices[i]);
	tree = token_tree_new(sequences, ARRAY_SIZE(choices));
	score_sequences(d, root, &prompt, 1, tree, 0, out);
	token_tree_free(tree);
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++)
		token_list_release(&sequences[i]);
	token_list_release(&prompt);
	context_free(root);
}

static void a_name_leads_to_its_adapter(void **state)
{
	struct error err = { .text = "" };
	char base[128], one[128];
	struct pool *pool = pool_open(1);

	(void)state;
	snprintf(base, sizeof(base), "%s/tiny.gguf", folder.path);
	snprintf(one, sizeof(one), "%s/one.gguf", folder.path);
	struct decoder *d = decoder_open(base, kernels_choose(false, &err), pool, &err);
	struct adapter *a = d ? adapter_open(one, d, &err) : NULL;
	struct buf want = { 0 }, got = answers_alone(names[1], WANT_SCORES);

	if (!a)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < PROMPTS; i++) {
		double scores[ARRAY_SIZE(choices)];

		score_by_hand(d, a, texts[i], scores);
		buf_add(&want, scores, sizeof(scores));
		buf_addc(&want, '\n');
	}
	assert_same(names[1], &got, &want);
	buf_release(&want);
	buf_release(&got);
	adapter_free(a);
	decoder_free(d);
	pool_free(pool);
}

static const struct {
	const char *name, *file, *says;
} refused[] = {
	{ "local:none+one", "/none.gguf", "no such model" },
	{ "local:tiny+none", "/none.gguf", "no such adapter" },
	{ "local+one", "/smollm2-135m-instruct.Q4_1.gguf", "no such model" }, /* the default base is not here */
	{ "local:one", "/one.gguf", "name it behind its base, as in local+one" },
	{ "local:one+two", "/one.gguf", "name it behind its base, as in local+one" },
	{ "local:tiny+qwen", "/qwen.gguf", "not an adapter; name it local:qwen" },
	{ "local:qwen+one", "/one.gguf", "not for a base of architecture qwen2" },
	{ "local:tiny+wrong", "/wrong.gguf", "must be a number above 0" },
	{ "local:tiny+one+two", "", "the name of one adapter" },
	{ "local:tiny+", "", "the name of one adapter" },
	{ "local:", "", "missing behind \"local:\"" },
	{ "local:+one", "", "missing behind \"local:\"" },
	{ "local:a+b", "/a+b.gguf", "parts base and adapter, so this file cannot be named" },
};

static void check_refusal(const char *by, size_t row, bool opened, const char *text)
{
	if (opened || !strstr(text, refused[row].says) || !strstr(text, refused[row].file))
		fail_msg("%s of %s: \"%s\" and \"%s\" are not in: %s", by, refused[row].name, refused[row].file,
			 refused[row].says, opened ? "(it opened)" : text);
}

static void names_that_lead_nowhere_are_refused(void **state)
{
	struct models *m = open_models(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct error err = { .text = "" };
		struct reader *r = reader_open(folder.path, refused[i].name, &err);

		check_refusal("reader_open", i, r != NULL, err.text);
		err.text[0] = 0;
		check_refusal("model_open", i, model_open(m, refused[i].name, &err) != NULL, err.text);
	}
	models_free(m);
}

static void a_reader_counts_as_the_base_does(void **state)
{
	size_t tokens[2];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct error err = { .text = "" };
		struct reader *r = reader_open(folder.path, names[i], &err);

		if (!r)
			fail_msg("%s", err.text);
		tokens[i] = reader_tokens(r, turns, PROMPTS);
		reader_free(r);
	}
	assert_true(tokens[0] > 0);
	assert_int_equal(tokens[0], tokens[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(models_of_one_base_leave_no_trace_in_each_other),
		cmocka_unit_test(a_base_is_loaded_once),
		cmocka_unit_test(a_name_leads_to_its_adapter),
		cmocka_unit_test(names_that_lead_nowhere_are_refused),
		cmocka_unit_test(a_reader_counts_as_the_base_does),
	};

	return cmocka_run_group_tests_name("model_adapter", tests, set_up, tear_down);
}
