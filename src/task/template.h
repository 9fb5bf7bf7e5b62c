/* template.h - the {{...}} language of instruction, input and prompts.
 *
 * {{column}}, {{labels}} (names, comma-separated), {{definitions}} (one "name: definition" a line), with filters in a
 * row: {{text | trim | first 500}}. first N counts grapheme clusters; trim takes white space off both ends; lower is
 * lower case; json a JSON string in its quotes. Everything else is literal text. An unknown column or filter is an
 * error with its position, never an empty string. */
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
/* Appends only what the columns give, one a line, filters applied, without literal text, labels and definitions: what a
 * classifier should see. */
void template_values(const struct template *t, const struct example *e, struct buf *out);
bool template_needs_example(const struct template *t);
/* The first placeholder of `from` that `to`, of the same task, does not have: "labels", "definitions" or a column; NULL: it has all. */
const char *template_lost(const struct template *from, const struct template *to);
bool template_uses(const struct template *t, size_t column); /* index into task->columns */

#endif
