/* generate_task.h - tasks of kind generate in a temporary folder: notes that become lines of a changelog. */
#ifndef RUNG_TEST_GENERATE_TASK_H
#define RUNG_TEST_GENERATE_TASK_H

#include "task_folder.h"

#include "base/buf.h"
#include "task/task.h"

#define GENERATE \
	"kind: generate\ninstruction: [Write the line., Rewrite it.]\ninput: \"{{part}} {{note}}\"\n" \
	"examples: {file: e.jsonl, answer: line, id: id, split: split}\n"
#define PATTERN "pattern: '- (api|ui): ([A-Z][a-z]+ .+)\\. \\((#[0-9]+)\\)'\n"
#define PATTERN_TEXT "- (api|ui): ([A-Z][a-z]+ .+)\\. \\((#[0-9]+)\\)"

/* yaml: behind GENERATE. rows: behind 80 good ones. The folder is the caller's to remove. */
static inline struct task *generate_open(const struct folder *f, const char *yaml, const char *rows, struct error *err)
{
	static const char *const splits[] = { "train", "train", "dev", "test" };
	static const char *const verbs[][2] = { { "added", "Add" }, { "fixed", "Fix" }, { "dropped", "Drop" } };
	static const char schema[] = "{\"type\": \"object\", \"required\": [\"verb\"], \"properties\": {\"verb\": {\"type\": \"string\"}}}";
	struct buf task = { 0 }, examples = { 0 };
	const struct task_options options = { .seed = 1 };

	buf_addf(&task, GENERATE "%s", yaml);
	for (size_t i = 0; i < 80; i++)
		buf_addf(&examples, "{\"id\": \"n%zu\", \"part\": \"%s\", \"note\": \"%s thing %zu gh%zu\", \"line\": \"- %s: %s thing %zu. (#%zu)\", "
			 "\"verb\": {\"verb\": \"%s\"}, \"split\": \"%s\"}\n", i, i % 2 ? "api" : "ui", verbs[i % 3][0], i, i + 100,
			 i % 2 ? "api" : "ui", verbs[i % 3][1], i, i + 100, verbs[i % 3][1], splits[i % 4]);
	buf_adds(&examples, rows);
	folder_write(f, "task.yaml", task.data, task.n);
	folder_write(f, "s.json", schema, strlen(schema));
	folder_write(f, "e.jsonl", examples.data, examples.n);
	buf_release(&task);
	buf_release(&examples);
	return task_open(f->path, &options, err);
}

#endif
