/* task_input.h - tasks for tests: a task file, and examples made of good rows with something before or behind them. */
#ifndef RUNG_TEST_TASK_INPUT_H
#define RUNG_TEST_TASK_INPUT_H

#include <stdbool.h>

#include "task_folder.h"

#include "base/buf.h"
#include "task/task.h"

#define HEAD "kind: classify\ninstruction: Pick {{labels}}.\ninput: \"{{text}}\"\n"
#define EXAMPLES "examples: {file: e.csv, answer: label}\n"
#define CSV HEAD EXAMPLES
#define JSONL HEAD "examples: {file: e.jsonl, answer: label}\n"
#define ARRAY HEAD "examples: {file: e.json, answer: label}\n"
#define WITH(keys) HEAD "examples: {file: e.csv, answer: label, " keys "}\n"

/* n good rows in the format that the name of the file says: text, label (spam or work), id, thread. */
static inline void rows_add(struct buf *out, const char *file, size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++) {
		const char *label = i % 2 ? "spam" : "work";

		if (strstr(file, ".csv"))
			buf_addf(out, "text %zu,%s,k%zu,t%zu\n", i, label, i, i / 3);
		else
			buf_addf(out, "{\"text\": \"text %zu\", \"label\": \"%s\", \"id\": %zu}%s\n", i, label, i,
				 strstr(file, ".jsonl") ? "" : ",");
	}
}

static const char csv_header[] = "text,label,id,thread\n";

/* The examples file is head, n good rows, tail. */
struct input {
	const char *yaml, *file, *head;
	size_t n;
	const char *tail;
	size_t tail_bytes; /* 0: strlen(tail) */
};

#define ONLY(yaml_) { .yaml = yaml_ }
#define ROWS(yaml_, file_, head_, n_) { .yaml = yaml_, .file = file_, .head = head_, .n = n_ }
#define TAIL(yaml_, file_, head_, n_, tail_) { .yaml = yaml_, .file = file_, .head = head_, .n = n_, .tail = tail_ }

/* Good rows under this task file; good rows and then this one. */
#define GOOD(yaml_) ROWS(yaml_, "e.csv", csv_header, 60)
#define LAST_ROW(row) TAIL(CSV, "e.csv", csv_header, 60, row)
#define LAST_LINE(line) TAIL(JSONL, "e.jsonl", "", 60, line)
#define LAST_ITEM(item) TAIL(ARRAY, "e.json", "[", 60, item)

/* The task, opened in a folder that is gone afterwards; fails the test when the library left a file there. */
static inline struct task *open_input(const struct input *in, uint64_t seed, struct error *err)
{
	struct folder f = folder_make();
	struct buf text = { 0 };
	size_t files = 1, left;

	folder_write(&f, "task.yaml", in->yaml, strlen(in->yaml));
	if (in->file) {
		buf_adds(&text, in->head);
		rows_add(&text, in->file, 1, in->n);
		if (in->tail)
			buf_add(&text, in->tail, in->tail_bytes ? in->tail_bytes : strlen(in->tail));
		folder_write(&f, in->file, buf_text(&text), text.n);
		files++;
	}
	struct task_options options = { .seed = seed };
	struct task *t = task_open(f.path, &options, err);

	left = folder_remove(&f);
	if (left != files)
		fail_msg("%zu files where there were %zu: something was written", left, files);
	buf_release(&text);
	return t;
}

#endif
