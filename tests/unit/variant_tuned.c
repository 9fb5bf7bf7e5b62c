/* variant_tuned.c - what rung 3 trains for kinds extract and generate, and what of a teacher's examples is held out; on the tiny models of
 * tests/reference. */
#include "extract_task.h"
#include "generate_task.h"

#include <jansson.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "model/model.h"
#include "model/tuned.h"
#include "variant/workshop.h"

struct bench {
	struct folder folder;
	char models_folder[32], tuned[64];
	struct task *task;
	struct models *models;
	struct workshop *workshop;
	struct arena arena;
	struct error err;
};

static struct bench b;

static void link_model(const char *golden, const char *name)
{
	char from[128], target[4096], link[128];

	snprintf(from, sizeof(from), "tests/reference/golden/%s", golden);
	assert_non_null(realpath(from, target));
	snprintf(link, sizeof(link), "%s/%s", b.models_folder, name);
	assert_int_equal(symlink(target, link), 0);
}

static int set_up(void **state)
{
	(void)state;
	b = (struct bench){ .folder = folder_make(), .models_folder = "/tmp/rung-tuned-XXXXXX" };
	arena_init(&b.arena);
	if (!mkdtemp(b.models_folder))
		return -1;
	link_model("tiny-llama.gguf", "tiny-llama.gguf");
	link_model("tiny-bert", "all-MiniLM-L6-v2");
	snprintf(b.tuned, sizeof(b.tuned), "%s/tuned", b.models_folder);
	b.models = models_open(b.models_folder, &(struct model_settings){ .threads = 1, .tuned = b.tuned });
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	workshop_free(b.workshop);
	models_free(b.models);
	task_free(b.task);
	arena_release(&b.arena);
	folder_remove(&b.folder);
	file_remove_folder(b.models_folder);
	return 0;
}

/* Trains what is of that id; the card is the caller's. */
static struct tuned train(const char *id, const struct training_watch *watch)
{
	static const char *const decoder[] = { "local:tiny-llama" };
	struct tuned t = { 0 };
	const char *name = NULL;
	size_t n;

	if (!b.task)
		fail_msg("%s", b.err.text);
	workshop_free(b.workshop);
	b.workshop = workshop_open(b.task, b.task->dev, b.models, NULL, NULL, 0, 1);
	workshop_watch(b.workshop, watch);
	const struct variant *all = variants_list(b.task, &b.arena, decoder, 1, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].id, id) == 0)
			name = workshop_train(b.workshop, &all[i], &b.err);
	if (!name || !tuned_find(b.tuned, name, &t, &b.err))
		fail_msg("%s: %s", id, b.err.text);
	return t;
}

static json_int_t counted(const struct tuned *t, const char *what)
{
	return json_integer_value(json_object_get(json_object_get(t->card, "data"), what));
}

/* --- LoRA ---------------------------------------------------------------------------------------------------------- */

/* 40 of the pool, whose prompts have the schema in them and are still read by the tiny decoder, which has room for 256 bytes. */
static struct task *short_orders(void)
{
	static const char yaml[] = "kind: extract\ninstruction: What?\ninput: \"{{text}}\"\nschema: s.json\n"
				   "examples: {file: e.jsonl, answer: order, split: split}\n";
	static const char schema[] = "{\"type\": \"object\", \"properties\": {\"d\": {\"type\": \"string\"}}}";
	static const char *const splits[] = { "train", "train", "dev", "test" };
	struct buf rows = { 0 };

	for (size_t i = 0; i < 80; i++)
		buf_addf(&rows, "{\"text\": \"%zu %s\", \"order\": {\"d\": \"%s\"}, \"split\": \"%s\"}\n", i, drinks[i % 3], drinks[i % 3],
			 splits[i % 4]);
	folder_write(&b.folder, "task.yaml", yaml, strlen(yaml));
	folder_write(&b.folder, "s.json", schema, strlen(schema));
	folder_write(&b.folder, "e.jsonl", rows.data, rows.n);
	buf_release(&rows);
	return task_open(b.folder.path, &(struct task_options){ .seed = 1 }, &b.err);
}

static double loss_at(const struct tuned *t, size_t epoch)
{
	return json_real_value(json_object_get(json_array_get(json_object_get(t->card, "curve"), epoch), "loss"));
}

static void check_lora(void)
{
	struct finetune_settings settings = finetune_lora_defaults;
	struct training_watch watch = { .lora = &settings };

	settings.epochs = 3;
	settings.rate = 5e-3;
	struct tuned t = train("3/lora@local:tiny-llama", &watch);

	assert_int_equal(counted(&t, "trained"), 40);
	assert_int_equal(counted(&t, "too_long"), 0);
	assert_int_equal(json_array_size(json_object_get(t.card, "curve")), 3);
	if (!(loss_at(&t, 1) < loss_at(&t, 0) && loss_at(&t, 2) < loss_at(&t, 1) && loss_at(&t, 2) < 0.8 * loss_at(&t, 0)))
		fail_msg("losses %g, %g, %g", loss_at(&t, 0), loss_at(&t, 1), loss_at(&t, 2));
	if (!model_open(b.models, t.name, &b.err))
		fail_msg("%s", b.err.text);
	tuned_release(&t);
}

static void lora_learns_to_extract(void **state)
{
	(void)state;
	b.task = short_orders();
	check_lora();
}

static void lora_learns_to_write(void **state)
{
	(void)state;
	b.task = generate_open(&b.folder, PATTERN, "", &b.err);
	check_lora();
}

/* --- a teacher's examples ------------------------------------------------------------------------------------------ */

/* The pool's 40 and 80 more that people labelled, and as many that a model did: a tenth of the former is held out. */
static void what_a_teacher_labelled_is_not_held_out(void **state)
{
	enum { MORE = 80, TAUGHT = 120 };
	struct finetune_settings settings = finetune_encoder_defaults;
	struct training_watch watch = { .encoder = &settings, .n_taught = TAUGHT, .teacher = "1/somebody" };
	struct buf rows = { 0 };

	(void)state;
	settings.epochs = 1;
	for (size_t i = 0; i < MORE; i++)
		buf_addf(&rows, "{\"id\": \"m%zu\", \"text\": \"More %zu: a small tea.\", \"order\": {\"drink\": \"tea\", \"size\": \"small\"}, "
			 "\"split\": \"train\"}\n", i, i);
	b.task = extract_open(&b.folder, "", ORDER_SCHEMA, buf_text(&rows), &b.err);
	buf_release(&rows);
	if (!b.task)
		fail_msg("%s", b.err.text);
	struct example *examples = arena_array(&b.arena, TAUGHT, sizeof(*examples));
	const struct example **taught = arena_array(&b.arena, TAUGHT, sizeof(*taught));

	for (size_t i = 0; i < TAUGHT; i++) {
		examples[i] = *b.task->pool.list.items[i];
		examples[i].group = SIZE_MAX - i;
		taught[i] = &examples[i];
	}
	watch.taught = taught;
	struct tuned people = train("3/encoder", &watch); /* none of them a label of the model's own */

	watch.n_labelled = TAUGHT;
	struct tuned model = train("3/encoder", &watch);

	assert_int_equal(counted(&people, "items"), 240);
	assert_int_equal(counted(&people, "held_out"), 24);
	assert_int_equal(counted(&model, "items"), 240);
	assert_int_equal(counted(&model, "model_labelled"), 120);
	assert_int_equal(counted(&model, "held_out"), 12);
	assert_int_equal(counted(&model, "trained"), 228);
	assert_string_not_equal(people.name, model.name); /* the same rows, another split: another key */
	tuned_release(&people);
	tuned_release(&model);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(lora_learns_to_extract),
		TEST(lora_learns_to_write),
		TEST(what_a_teacher_labelled_is_not_held_out),
	};

	return cmocka_run_group_tests_name("variant_tuned", tests, NULL, NULL);
}
