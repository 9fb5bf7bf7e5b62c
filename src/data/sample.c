/* sample.c - drawn, shown without an answer, taken whole */
#include "data/sample.h"

#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/text.h"
#include "data/inputs.h"
#include "data/sheet.h"
#include "task/collected.h"
#include "task/mention.h"

enum { CALL, INPUT, LABEL, DECISION, COLUMNS };
static const char *const columns[COLUMNS] = { "call", "input", "label", "decision" };
static const char remedy[] = "remove the file and draw anew with `rung data sample`";

/* ---- drawing ---- */

struct drawing {
	const struct inputs *inputs;
	struct arena *arena;
	struct hash_map before;  /* calls that were taken already */
	struct hash_map chosen;  /* calls to places in the list; of the second pass */
	const char **calls;      /* those that could be drawn */
	struct sample *out;
};

static bool list_call(void *context, const struct served_call *c, const struct served_feedback *said, size_t n_said, struct error *err)
{
	struct drawing *d = context;
	struct arena scratch; /* a log may hold more than fits */

	(void)said, (void)n_said, (void)err;
	arena_init(&scratch);
	bool fits = hash_map_get(&d->before, c->id, strlen(c->id), SIZE_MAX) == SIZE_MAX && inputs_values(d->inputs, c->input, &scratch);

	arena_release(&scratch);
	if (!fits)
		return true;
	d->calls = rows_room(d->arena, d->calls, d->out->frame, sizeof(*d->calls));
	d->calls[d->out->frame++] = arena_string(d->arena, c->id);
	return true;
}

static bool fill_call(void *context, const struct served_call *c, const struct served_feedback *said, size_t n_said, struct error *err)
{
	struct drawing *d = context;
	size_t place = hash_map_get(&d->chosen, c->id, strlen(c->id), SIZE_MAX);
	const char *const *values = place == SIZE_MAX ? NULL : inputs_values(d->inputs, c->input, d->arena);

	(void)said, (void)n_said, (void)err;
	if (!values)
		return true;
	d->out->list[place].served_ms = c->began_ms;
	d->out->list[place].values = values;
	d->out->list[place].input = inputs_text(d->inputs, values, d->arena);
	return true;
}

/* Fills the listed calls from the log. */
static bool fill(struct drawing *d, const struct task *task, struct served *served, struct error *err)
{
	const struct served_query kept = { .task = task->name, .kept = true };

	for (size_t i = 0; i < d->out->n; i++)
		hash_map_put(&d->chosen, d->out->list[i].call, strlen(d->out->list[i].call), i);
	bool filled = served_each(served, &kept, fill_call, d, err);

	hash_map_release(&d->chosen);
	return filled;
}

bool sample_draw(const struct task *task, struct served *served, uint64_t since_ms, size_t n, uint64_t seed, struct arena *arena,
		 struct sample *out, struct error *err)
{
	struct inputs inputs = inputs_of(task, arena);
	struct drawing d = { .inputs = &inputs, .arena = arena, .out = out };
	const struct served_query frame = { .task = task->name, .since_ms = since_ms, .kept = true, .answered = true };
	struct rng rng;

	*out = (struct sample){ 0 };
	if (!collected_drawn(task, arena, &d.before, err) || !served_each(served, &frame, list_call, &d, err)) {
		hash_map_release(&d.before);
		return false;
	}
	hash_map_release(&d.before);
	size_t *order = arena_array(arena, out->frame, sizeof(*order));

	for (size_t i = 0; i < out->frame; i++)
		order[i] = i;
	rng_init(&rng, seed, "sample");
	rng_shuffle(&rng, order, out->frame);
	out->n = n < out->frame ? n : out->frame;
	out->list = arena_array(arena, out->n, sizeof(*out->list));
	for (size_t i = 0; i < out->n; i++)
		out->list[i] = (struct drawn){ .call = d.calls[order[i]], .label = "" };
	return fill(&d, task, served, err);
}

/* ---- the file ---- */

bool sample_write(const struct sample *s, const char *path, struct error *err)
{
	struct buf out = { 0 };

	for (size_t c = 0; c < COLUMNS; c++)
		buf_addf(&out, "%s%s", columns[c], c + 1 < COLUMNS ? "," : "\n");
	for (size_t i = 0; i < s->n; i++) {
		buf_addf(&out, "%s,", s->list[i].call);
		inputs_field(&out, s->list[i].input);
		buf_adds(&out, ",,\n");
	}
	bool written = sheet_write(path, &out, err);

	buf_release(&out);
	return written;
}

bool sample_calls(const char *path, struct arena *arena, struct hash_map *calls, struct error *err)
{
	struct sheet sheet;

	if (!sheet_read(&sheet, path, columns, COLUMNS, remedy, arena, err))
		return false;
	for (size_t i = 0; i < sheet.table.n_rows; i++) {
		const char *call = sheet_cell(&sheet, i, CALL);

		hash_map_put(calls, call, strlen(call), i);
	}
	return true;
}

static bool read_label(const struct task *task, const struct sheet *sheet, size_t row, struct arena *arena, struct drawn *d, struct error *err)
{
	const char *decision = sheet_cell(sheet, row, DECISION);
	size_t line = sheet->table.rows[row].line;
	struct buf why = { 0 };
	bool good = true;

	*d = (struct drawn){ .call = sheet_cell(sheet, row, CALL), .label = sheet_cell(sheet, row, LABEL), .skipped = strcmp(decision, "skip") == 0 };
	if (decision[0] && !d->skipped) {
		mention_value(&why, decision);
		good = table_fail(&sheet->table, line, err, "decision %s is neither nothing nor skip (no answer is right)", buf_text(&why));
	} else if (d->skipped && d->label[0]) {
		good = table_fail(&sheet->table, line, err, "the row is skipped and has a label; take one of them out");
	} else if (d->label[0] && !collected_answer(task, d->label, arena, &d->written, &why)) {
		good = table_fail(&sheet->table, line, err, "%s", buf_text(&why));
	}
	buf_release(&why);
	return good;
}

bool sample_read(const struct task *task, struct served *served, const char *path, struct arena *arena, struct sample *out, struct error *err)
{
	struct inputs inputs = inputs_of(task, arena);
	struct drawing d = { .inputs = &inputs, .arena = arena, .out = out };
	struct sheet sheet;
	size_t left = 0;

	*out = (struct sample){ 0 };
	if (!sheet_read(&sheet, path, columns, COLUMNS, remedy, arena, err))
		return false;
	out->list = arena_array(arena, sheet.table.n_rows, sizeof(*out->list));
	for (; out->n < sheet.table.n_rows; out->n++)
		if (!read_label(task, &sheet, out->n, arena, &out->list[out->n], err))
			return false;
	if (!fill(&d, task, served, err))
		return false;
	for (size_t i = 0; i < out->n; i++) {
		if (!out->list[i].values) {
			out->gone++;
			continue;
		}
		out->labelled += out->list[i].label[0] != '\0';
		out->skipped += out->list[i].skipped;
		out->list[left++] = out->list[i];
	}
	out->n = left;
	return true;
}

bool sample_take(const struct task *task, const char *log, uint64_t now_ms, const struct sample *s, struct arena *arena, struct error *err)
{
	struct collected_row *rows = arena_array(arena, s->n, sizeof(*rows));
	size_t n = 0;

	if (s->labelled + s->skipped < s->n)
		return error_set(err, "%zu of the %zu calls that were drawn have no label yet; of a sample of which only some are labelled nobody knows "
				 "what it is one of", s->n - s->labelled - s->skipped, s->n);
	for (size_t i = 0; i < s->n; i++)
		if (!s->list[i].skipped)
			rows[n++] = (struct collected_row){ .values = s->list[i].values, .written = s->list[i].written, .drawn = true, .log = log,
							    .call = s->list[i].call, .served_ms = s->list[i].served_ms, .taken_ms = now_ms, .said = "drawn",
							    .decision = "label" };
	return collected_add(task, rows, n, err);
}
