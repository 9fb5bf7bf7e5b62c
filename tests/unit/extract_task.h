/* extract_task.h - tasks of kind extract in a temporary folder: orders for drinks, with the schema and the rows a test names. */
#ifndef RUNG_TEST_EXTRACT_TASK_H
#define RUNG_TEST_EXTRACT_TASK_H

#include "task_folder.h"

#include "base/buf.h"
#include "task/task.h"

#define EXTRACT \
	"kind: extract\ninstruction: What is ordered?\ninput: \"{{text}}\"\nschema: order.json\n" \
	"examples: {file: e.jsonl, answer: order, id: id, split: split}\n"

/* The order in which the file has the properties is not that of the alphabet. */
#define ORDER_SCHEMA \
	"{\"type\": \"object\", \"required\": [\"size\", \"drink\"], \"properties\": {\"size\": {\"enum\": [\"small\", \"large\"]}, " \
	"\"drink\": {\"type\": \"string\"}, \"place\": {\"type\": \"string\", \"maxLength\": 20}, " \
	"\"extras\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}, \"maxItems\": 2}}}"

static const char *const drinks[] = { "tea", "green tea", "coffee", "Cr\u00e8me de Menthe", "apple juice" };

/* Row i of a good file; its answer's keys are in no particular order. */
static inline void order_add(struct buf *out, size_t i)
{
	static const char *const splits[] = { "train", "train", "dev", "test" };
	const char *size = i % 2 ? "large" : "small", *drink = drinks[i % 5];

	buf_addf(out, "{\"id\": \"o%zu\", \"text\": \"Order %zu: a %s %s%s\", \"order\": {\"drink\": \"%s\", %s\"size\": \"%s\"}, "
		 "\"split\": \"%s\"}\n", i, i, size, drink, i % 3 ? "." : " for the garden, with milk.", drink,
		 i % 3 ? "" : "\"place\": \"garden\", \"extras\": [\"milk\"], ", size, splits[i % 4]);
}

/* yaml: behind EXTRACT. rows: behind 80 good ones. The folder is the caller's to remove. */
static inline struct task *extract_open(const struct folder *f, const char *yaml, const char *schema, const char *rows,
					struct error *err)
{
	struct buf task = { 0 }, examples = { 0 };
	const struct task_options options = { .seed = 1 };

	buf_addf(&task, EXTRACT "%s", yaml);
	for (size_t i = 0; i < 80; i++)
		order_add(&examples, i);
	buf_adds(&examples, rows);
	folder_write(f, "task.yaml", task.data, task.n);
	folder_write(f, "order.json", schema, strlen(schema));
	folder_write(f, "e.jsonl", examples.data, examples.n);
	buf_release(&task);
	buf_release(&examples);
	return task_open(f->path, &options, err);
}

#endif
