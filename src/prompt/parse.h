/* parse.h - from what a model wrote to a label, or to the reason why there is none. Pure. */
#ifndef RUNG_PROMPT_PARSE_H
#define RUNG_PROMPT_PARSE_H

#include "task/task.h"

enum parse_result { PARSE_LABEL, PARSE_NONE, PARSE_REFUSED };

/* Reads the reply to a classification. A whole reply that is a label (any case, quotes and full stop aside) or JSON
 * with a "label" member wins; else the only label that the text mentions as a word. `reasoned`: only what follows the
 * last "answer:" counts, and without one the last label mentioned does. */
enum parse_result parse_label(const struct task *task, const char *reply, bool reasoned, size_t *label);

#endif
