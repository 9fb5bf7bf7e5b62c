/* exchange_encoder.c - folders of encoders from elsewhere: what is missing in them, and whose labels they name. */
#include "tune/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "llm/safetensors.h"
#include "tune/exchange_inner.h"

#define TAKEN "`rung tune import` takes an encoder's folder with head.safetensors, PEFT's with adapter_config.json, or a GGUF adapter"

static bool has(const char *folder, const char *name, struct arena *arena)
{
	return file_exists(arena_printf(arena, "%s/%s", folder, name));
}

/* The class of transformers' that the folder was saved by. */
static const char *architecture(const char *folder, struct arena *arena)
{
	struct error ignored;
	json_t *config = exchange_read_json(folder, "config.json", &ignored);
	const char *name = json_string_value(json_array_get(json_object_get(config, "architectures"), 0));
	const char *own = name ? arena_string(arena, name) : "a model";

	json_decref(config);
	return own;
}

/* A classifier by transformers' names; NULL: none. */
static const struct tensor *classifier_in(const struct safetensors *s)
{
	static const char *const names[] = { "classifier.weight", "classifier.out_proj.weight", "score.weight" };
	const struct tensor *t = NULL;

	for (size_t i = 0; !t && i < sizeof(names) / sizeof(names[0]); i++)
		t = safetensors_find(s, names[i]);
	return t;
}

/* The sentence about a model that transformers saved. */
static bool refuse_saved(const char *folder, struct arena *arena, struct error *err)
{
	struct safetensors *s = safetensors_open(arena_printf(arena, "%s/model.safetensors", folder), err);
	const struct tensor *t = s ? classifier_in(s) : NULL;

	if (t)
		error_set(err, "%s: model.safetensors holds %.60s as transformers saves it, its classifier among the rest (\"%s\", %zu rows), and rung "
			  "reads the classifier from head.safetensors; where it is linear over the mean of the tokens' rows, docs/tuning.md has "
			  "the lines that write that file; over [CLS] or a pooler, as in transformers' own classes, it cannot be used here: train "
			  "with `rung tune TASK`", folder, architecture(folder, arena), t->name, tensor_rows(t));
	else if (s)
		error_set(err, "%s: model.safetensors holds %.60s without a classifier; " TAKEN, folder, architecture(folder, arena));
	safetensors_free(s);
	return false;
}

bool import_is_folder(const char *path)
{
	struct arena arena;

	arena_init(&arena);
	bool folder = has(path, ".", &arena);

	arena_release(&arena);
	return folder;
}

bool import_refuse(const char *folder, struct error *err)
{
	struct arena arena;

	arena_init(&arena);
	if (has(folder, "head.safetensors", &arena))
		error_set(err, "%s: is an encoder's folder; import it with --method encoder, into a task of labels or fields", folder);
	else if (has(folder, "adapter_config.json", &arena))
		error_set(err, "%s: is PEFT's folder of a LoRA; import it with --method lora", folder);
	else if (has(folder, "model.safetensors", &arena) && has(folder, "config.json", &arena))
		refuse_saved(folder, &arena, err);
	else
		error_set(err, "%s: there is neither head.safetensors nor adapter_config.json; " TAKEN, folder);
	arena_release(&arena);
	return false;
}

/* "LABEL_3" is what transformers calls a label that nobody named. */
static bool is_named(const char *name)
{
	static const char unnamed[] = "LABEL_";

	if (strncmp(name, unnamed, sizeof(unnamed) - 1) != 0)
		return true;
	const char *number = name + sizeof(unnamed) - 1;

	return !*number || number[strspn(number, "0123456789")];
}

static bool compare_labels(const json_t *names, const struct label *labels, size_t n, const char *folder, struct error *err)
{
	static const char remedy[] = "bring the rows of head.safetensors, and id2label, into the order of `labels:`, or take id2label out where the "
				     "rows are in that order";
	const json_t *value;
	const char *key;
	bool named = false;

	json_object_foreach((json_t *)names, key, value)
		named |= json_is_string(value) && is_named(json_string_value(value));
	if (!named)
		return true;
	if (json_object_size(names) != n)
		return error_set(err, "%s/config.json: id2label names %zu labels, and the task has %zu; %s", folder, json_object_size(names), n, remedy);
	for (size_t i = 0; i < n; i++) {
		char row[24];

		snprintf(row, sizeof(row), "%zu", i);
		const char *name = json_string_value(json_object_get(names, row));

		if (!name || strcmp(name, labels[i].name) != 0)
			return error_set(err, "%s/config.json: id2label calls row %zu \"%.80s\", and label %zu of the task is \"%.80s\"; %s", folder, i,
					 name ? name : "", i + 1, labels[i].name, remedy);
	}
	return true;
}

bool import_encoder_fits(const char *folder, const struct label *labels, size_t n, struct error *err)
{
	struct arena arena;

	arena_init(&arena);
	bool complete = has(folder, "head.safetensors", &arena);

	arena_release(&arena);
	if (!complete)
		return import_refuse(folder, err);
	json_t *config = n > 0 ? exchange_read_json(folder, "config.json", err) : NULL;
	bool fits = n == 0 || (config && compare_labels(json_object_get(config, "id2label"), labels, n, folder, err));

	json_decref(config);
	return fits;
}
