/* parse.h - from what a model wrote to a label, or to the reason why there is none. Pure. */
#ifndef RUNG_PROMPT_PARSE_H
#define RUNG_PROMPT_PARSE_H

#include "task/task.h"

enum parse_result { PARSE_LABEL, PARSE_NONE, PARSE_REFUSED };

/* Reads the reply to a classification. A whole reply that is a label (any case, quotes and full stop aside) or JSON
 * with a "label" member wins; else the only label that the text mentions as a word. `reasoned`: only what follows the
 * last "answer:" counts, and without one the last label mentioned does. */
enum parse_result parse_label(const struct task *task, const char *reply, bool reasoned, size_t *label);

/* What follows the last "answer:", in any case, of a reply that reasons first; the whole reply when it has none. *reasons: bytes
 * before that word. */
const char *parse_behind_reasons(const char *reply, size_t *reasons);

/* Reads the reply to a classification with many labels: the array of a JSON object's member "labels" (or a JSON array), else
 * the labels that the text mentions as words; a dot or dash inside a code is part of its word. found (task->n_labels) is
 * set for those of the task. PARSE_LABEL also when the reply says that none applies ("none", "[]"). other: names that are no
 * labels of the task, of a JSON array or between commas; NULL: not wanted. They live in arena. */
struct parse_others {
	const char **names;
	size_t n;
};
enum parse_result parse_labels(const struct task *task, const char *reply, struct arena *arena, bool *found,
			       struct parse_others *other);

/* Whether a text in lower case opens as refusals do. */
bool parse_refuses(const char *text);

#endif
