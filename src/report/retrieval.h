/* retrieval.h - what the documents did for an answer, from its stored evidence. Private to src/report. */
#ifndef RUNG_REPORT_RETRIEVAL_H
#define RUNG_REPORT_RETRIEVAL_H

#include "eval/eval.h"
#include "report/report.h"

/* Over a variant's stored answers in one split; zero when none of them shows passages, or when
 * they are labels and no example names what holds its answer. */
struct report_retrieval retrieval_of(const struct task *task, struct item_list items, const struct answer_row *rows, size_t n,
				     struct arena *arena);
/* Wrong answers among them, by cause, then right ones that cite; at most ANSWERS_SHOWN each. Lives in arena. */
const struct report_answer *retrieval_answers(const struct task *task, struct item_list items,
						const struct answer_row *rows, size_t n, struct arena *arena, size_t *n_answers);

#endif
