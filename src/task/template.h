/* template.h - the {{...}} language of instruction, input and prompts.
 *
 * {{column}}, {{labels}} (names, comma-separated), {{definitions}} (one "name: definition" a line), with filters in a
 * row: first N (grapheme clusters), trim, lower, json. Everything else is literal text. An unknown column or filter is
 * an error with its position, never an empty string. */
#ifndef RUNG_TASK_TEMPLATE_H
#define RUNG_TASK_TEMPLATE_H

#include "base/buf.h"
#include "task/task.h"

struct template;

/* Compiles text for the task's columns and labels. where ("task.yaml:7: input") opens the error sentence. The result
 * lives in arena, borrows task and text. */
struct template *template_compile(struct arena *arena, const struct task *task, const char *text, const char *where,
				  struct error *err);
/* Appends the rendered text; e may be NULL when the template names no column (template_needs_example). */
void template_render(const struct template *t, const struct example *e, struct buf *out);
/* Appends only what the placeholders give, one a line, without the literal text: what a classifier should see. */
void template_values(const struct template *t, const struct example *e, struct buf *out);
bool template_needs_example(const struct template *t);

#endif
