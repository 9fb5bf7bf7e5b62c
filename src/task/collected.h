/* collected.h - examples that came out of production: a file of JSON Lines in the task's folder, one example a line.
 *
 * A line has the task's columns, `rung::split` ("pool", or "test" for what was drawn at random before anybody looked) and `rung::from`, where
 * it came from. task_open() reads it beside the examples file: rows join the pool or test, never dev, and none whose text stands elsewhere.
 * Lines are added at the end, so that a climb remembers how many it saw. */
#ifndef RUNG_TASK_COLLECTED_H
#define RUNG_TASK_COLLECTED_H

#include "base/buf.h"
#include "base/hash.h"
#include "task/task.h"

#define COLLECTED_FILE "collected.jsonl" /* in the task's folder, unless `collected:` says otherwise */

/* Whether the text is an answer that the task's scorer can hold others against: a label, a set of them, an object of the schema, a text of the
 * pattern. False: why is a clause that begins with what is wrong. *written: as JSON, the way it goes into the file; lives in arena. */
bool collected_answer(const struct task *task, const char *text, struct arena *arena, const char **written, struct buf *why);

struct collected_row {
	const char *const *values; /* (n_columns) of the task; the answer's and the id's are not looked at */
	const char *written;       /* as collected_answer() made it */
	bool drawn;                /* it goes to test */
	/* Where it came from. */
	const char *log, *call;
	uint64_t served_ms, taken_ms; /* since 1970 */
	const char *said;          /* "demonstration", "right" or "drawn" */
	const char *name;          /* of the feedback; NULL: it was none */
	const char *decision;      /* "accept", "fix"; "label" */
};
/* Adds lines to the task's file, all of them or none. */
bool collected_add(const struct task *task, const struct collected_row *rows, size_t n, struct error *err);

/* The ids of the calls in the file, as keys of *calls (values: lines); they live in arena. No file: none. */
bool collected_calls(const struct task *task, struct arena *arena, struct hash_map *calls, struct error *err);
bool collected_drawn(const struct task *task, struct arena *arena, struct hash_map *calls, struct error *err); /* of those for test alone */
/* Takes the lines of such calls out. *n: how many there were. */
bool collected_remove(const struct task *task, const struct hash_map *calls, size_t *n, struct error *err);

#endif
