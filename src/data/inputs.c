/* inputs.c - texts of the log to columns and back */
#include "data/inputs.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "task/csv.h"
#include "variant/show.h"

static void show(const struct task *task, const char *text, bool *shown, struct arena *arena)
{
	struct error impossible; /* task_open() compiled it */
	const struct template *t = text ? template_compile(arena, task, text, "template", &impossible) : NULL;

	for (size_t c = 0; t && c < task->n_columns; c++)
		shown[c] |= template_uses(t, c);
}

struct inputs inputs_of(const struct task *task, struct arena *arena)
{
	struct error impossible;
	struct inputs in = { task, template_compile(arena, task, task->input, "input", &impossible), arena_array(arena, task->n_columns, sizeof(bool)) };

	show(task, task->input, in.shown, arena);
	for (size_t i = 0; i < task->n_instructions; i++)
		show(task, task->instructions[i], in.shown, arena);
	for (size_t i = 0; i < task->n_variants; i++) {
		show(task, task->variants[i].system, in.shown, arena);
		show(task, task->variants[i].input, in.shown, arena);
	}
	return in;
}

const char *const *inputs_values(const struct inputs *inputs, const char *text, struct arena *arena)
{
	const char **values = arena_array(arena, inputs->task->n_columns, sizeof(*values));
	struct error ignored;
	struct buf normal = { 0 };
	size_t bad;

	if (!text_valid(text, strlen(text), &bad) || !ask_values(inputs->task, text, arena, values, &ignored))
		return NULL;
	for (size_t c = 0; c < inputs->task->n_columns; c++)
		if (!inputs->shown[c])
			values[c] = "";
	const char *seen = inputs_text(inputs, values, arena);

	text_normalise(&normal, seen, strlen(seen));
	bool empty = normal.n == 0;

	buf_release(&normal);
	return empty ? NULL : values;
}

const char *inputs_text(const struct inputs *inputs, const char *const *values, struct arena *arena)
{
	const struct example e = { .id = "", .values = values, .answer = "" };
	struct buf text = { 0 };

	template_values(inputs->input, &e, &text);
	const char *copy = arena_copy(arena, buf_text(&text), text.n);

	buf_release(&text);
	return copy;
}

const char *inputs_moment(uint64_t ms, struct arena *arena)
{
	char minute[CLOCK_MINUTE];

	clock_minute((int64_t)(ms / 1000), minute);
	return arena_copy(arena, minute, 16);
}

void inputs_field(struct buf *out, const char *text)
{
	struct buf safe = { 0 };

	if (text[0] && strchr("=+-@\t\r", text[0]))
		buf_addc(&safe, '\'');
	buf_adds(&safe, text);
	csv_add(out, buf_text(&safe));
	buf_release(&safe);
}

void *rows_room(struct arena *arena, void *rows, size_t n, size_t size)
{
	if (n < 16 ? n != 0 : (n & (n - 1)) != 0)
		return rows;
	void *bigger = arena_array(arena, n < 16 ? 16 : n * 2, size);

	if (n)
		memcpy(bigger, rows, n * size);
	return bigger;
}
