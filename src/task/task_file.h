/* task_file.h - task.yaml read and checked on its own, before its examples are opened (docs/task.md lists the keys). */
#ifndef RUNG_TASK_TASK_FILE_H
#define RUNG_TASK_TASK_FILE_H

#include "task/task.h"
#include "task/yaml.h"

struct task_file {
	struct task task;        /* what the file says; examples and splits are still empty */
	const struct yaml *root; /* for the lines of later errors; lives in task.arena */
	/* `examples:` as written; NULL where a key is absent */
	const char *examples, *answer, *id, *split, *group, *gold, *gold_ids, *human, *graded;
};

/* Fills *f from the n bytes of the task file. f->task.arena, .file, .folder and .name (the default) are set by the
 * caller and everything lives in that arena. */
bool task_file_read(struct task_file *f, const char *bytes, size_t n, struct error *err);

/* label_file.c: whether `labels:` names a table of them, and the labels read from it. */
bool label_file_named(const struct yaml *node);
bool label_file_read(struct task_file *f, const struct yaml *node, struct error *err);

/* The path of a file that the task names: from its folder, unless absolute. Lives in the task's arena or is `name`. */
const char *task_file_path(struct task_file *f, const char *name);

/* Sets "task.yaml:line:column: ..." at the node and returns false; a NULL node is the start of the file. */
bool task_file_fail(const struct task_file *f, const struct yaml *node, struct error *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
