/* many_task.h - tasks with several labels an item in a temporary folder: pizzas and what lies on them. */
#ifndef RUNG_TEST_MANY_TASK_H
#define RUNG_TEST_MANY_TASK_H

#include "task_folder.h"

#include "base/buf.h"
#include "task/task.h"

#define MANY \
	"many: true\ninstruction: What lies on it?\ninput: \"{{text}}\"\nexamples: {file: e.jsonl, answer: on, id: id, split: split}\n"
#define TABLE MANY "labels: {file: codes.tsv, name: code, definition: what}\n"

static const char codes[] = "code\twhat\nT1\ttomatoes\nC1\tcheese\nM1\tmushrooms\nO1\tolives\nO1.5\tblack olives\nX1\t\n";

enum { TOPPINGS = 4, PIZZAS = 96 };
static const char *const topping_codes[TOPPINGS] = { "T1", "C1", "M1", "O1" };
static const char *const topping_words[TOPPINGS] = { "tomatoes", "cheese", "mushrooms", "olives" };

/* Pizza i has the toppings of its number's bits, written from the last to the first. */
static inline void pizza_add(struct buf *out, size_t i)
{
	static const char *const splits[] = { "train", "train", "dev", "test" };
	size_t bits = i * 7 % 16;

	buf_addf(out, "{\"id\": \"p%zu\", \"text\": \"Pizza %zu", i, i);
	for (size_t k = 0; k < TOPPINGS; k++)
		if (bits >> k & 1)
			buf_addf(out, ". With %s", topping_words[k]);
	buf_adds(out, ".\", \"on\": [");
	for (size_t k = TOPPINGS, n = 0; k-- > 0;)
		if (bits >> k & 1)
			buf_addf(out, "%s\"%s\"", n++ ? ", " : "", topping_codes[k]);
	buf_addf(out, "], \"split\": \"%s\"}\n", splits[i / 16 % 4]);
}

/* rows: behind the pizzas. The folder is the caller's to remove. */
static inline struct task *many_open(const struct folder *f, const char *yaml, const char *table, const char *rows, struct error *err)
{
	struct buf examples = { 0 };
	const struct task_options options = { .seed = 1 };

	for (size_t i = 0; i < PIZZAS; i++)
		pizza_add(&examples, i);
	buf_adds(&examples, rows);
	folder_write(f, "task.yaml", yaml, strlen(yaml));
	folder_write(f, "codes.tsv", table, strlen(table));
	folder_write(f, "e.jsonl", examples.data, examples.n);
	buf_release(&examples);
	return task_open(f->path, &options, err);
}

#endif
