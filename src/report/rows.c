/* rows.c - answers of a run, variant by variant; the table of forms, and CSV. */
#include "report/rows.h"

#include <stdlib.h>
#include <string.h>

#include "eval/answers.h"
#include "task/csv.h"
#include "task/scorer.h"

static const struct rows_format formats[] = {
	{ "csv", "csv", rows_write_csv },
	{ "junit", "xml", rows_write_junit },
};

const struct rows_format *rows_format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

void rows_flush(const struct rows_out *out, struct buf *b)
{
	if (b->n)
		out->put(out->context, b->data, b->n);
	buf_clear(b);
}

static int by_line(const void *a, const void *b)
{
	size_t x = (*(const struct example *const *)a)->line, y = (*(const struct example *const *)b)->line;

	return (x > y) - (x < y);
}

static struct item_list in_file_order(struct item_list list, struct arena *arena)
{
	const struct example **items = arena_array(arena, list.n, sizeof(*items));

	if (list.n) {
		memcpy(items, list.items, list.n * sizeof(*items));
		qsort(items, list.n, sizeof(*items), by_line);
	}
	return (struct item_list){ items, list.n };
}

static bool variant_rows(const struct rows_from *from, const struct variant_row *v, const char *split, struct item_list items,
			 const struct row_sink *sink, struct error *err)
{
	const struct answer_row **answers;
	struct arena arena;
	size_t n = 0;
	bool ok;

	arena_init(&arena);
	ok = answers_of(from->store, from->run, v->id, split, items, &arena, &answers, err);
	for (size_t i = 0; ok && i < items.n; i++)
		n += answers[i] != NULL;
	if (n && sink->variant)
		sink->variant(sink->context, v, n);
	for (size_t i = 0; ok && i < items.n; i++) {
		if (!answers[i])
			continue;
		struct report_row row = { v, items.items[i], answers[i], scorer_grade(from->task, items.items[i], answers[i]->answer) };

		sink->row(sink->context, &row);
	}
	arena_release(&arena);
	return ok;
}

bool rows_each(const struct rows_from *from, const char *split, const struct row_sink *sink, struct error *err)
{
	struct variant_row *variants;
	struct arena arena;
	size_t n;
	bool ok;

	arena_init(&arena);
	struct item_list items = in_file_order(strcmp(split, "dev") == 0 ? from->task->dev.list : from->task->test.list, &arena);

	ok = store_variants(from->store, from->run, &arena, &variants, &n, err);
	for (size_t i = 0; ok && i < n; i++)
		ok = variant_rows(from, &variants[i], split, items, sink, err);
	arena_release(&arena);
	return ok;
}

/* --- CSV ------------------------------------------------------------------------------------------------------------ */

struct csv_rows {
	const struct rows_out *out;
	struct buf line;
	const char *split;
};

static void add_field(struct buf *out, const char *text)
{
	if (out->n)
		buf_addc(out, ',');
	csv_add(out, text);
}

static void csv_row(void *context, const struct report_row *row)
{
	struct csv_rows *c = context;
	const struct answer_row *a = row->answer;

	add_field(&c->line, row->variant->id);
	buf_addf(&c->line, ",%d", row->variant->rung);
	add_field(&c->line, row->variant->model ? row->variant->model : "");
	add_field(&c->line, c->split);
	add_field(&c->line, row->item->id);
	add_field(&c->line, row->item->answer);
	add_field(&c->line, a->answer ? a->answer : "");
	add_field(&c->line, a->status);
	buf_addf(&c->line, ",%.6g,%zu,%zu,%zu,%.3f\r\n", row->score, a->calls, a->input_tokens, a->output_tokens, a->ms);
	rows_flush(c->out, &c->line);
}

bool rows_write_csv(const struct rows_from *from, const struct rows_out *out, struct error *err)
{
	static const char head[] = "variant,rung,model,split,item,expected,answer,status,score,calls,input_tokens,output_tokens,ms\r\n";
	struct csv_rows c = { .out = out, .split = "dev" };
	const struct row_sink sink = { .row = csv_row, .context = &c };
	bool ok;

	out->put(out->context, head, sizeof(head) - 1);
	ok = rows_each(from, "dev", &sink, err);
	c.split = "test";
	ok = ok && rows_each(from, "test", &sink, err);
	buf_release(&c.line);
	return ok;
}
