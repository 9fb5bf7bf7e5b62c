/* import_promptfoo.h - what the two files that read promptfoo's configurations share. Private to src/task. */
#ifndef RUNG_TASK_IMPORT_PROMPTFOO_H
#define RUNG_TASK_IMPORT_PROMPTFOO_H

#include "task/import.h"
#include "task/yaml.h"

struct promptfoo {
	struct import *x;
	struct error *err;
	const char *folder; /* of the configuration */
	const struct yaml *root;
	const char *vars[TABLE_COLUMNS]; /* (n_vars) of all tests: the columns */
	size_t n_vars;
	size_t max_tokens[IMPORT_VARIANTS]; /* of each of x->models; 0: not said */
	size_t files;                       /* of tests, read so far: one that names itself would never end */
	size_t dropped;                     /* tests without an answer */
	bool contains, similar;             /* how some answers are compared */
};

const char *promptfoo_path(struct promptfoo *p, const char *text); /* of "file://..."; NULL: it is none */
const struct yaml *promptfoo_yaml(struct promptfoo *p, const char *path); /* NULL with a sentence */
/* Fills the table and vars from the tests. */
bool promptfoo_tests(struct promptfoo *p);

#endif
