/* answers.h - a variant's stored answers, by the items that they answer. */
#ifndef RUNG_EVAL_ANSWERS_H
#define RUNG_EVAL_ANSWERS_H

#include "store/store.h"
#include "task/task.h"

/* Those under a split, by the items' positions, NULL where there is none; *rows (items.n) lives in arena. False when the store fails. */
bool answers_of(struct store *store, int64_t run, const char *variant, const char *split, struct item_list items, struct arena *arena,
		const struct answer_row ***rows, struct error *err);

#endif
