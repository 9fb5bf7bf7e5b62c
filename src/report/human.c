/* human.c - human.csv: RFC 4180, a header, a key that no spreadsheet takes for a number */
#include "report/human.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "eval/answers.h"
#include "eval/eval.h"
#include "task/csv.h"
#include "task/mention.h"
#include "task/scorer.h"
#include "task/table.h"
#include "task/template.h"

static const char head[] = "key,item,input,expected,answer,human\r\n";
static const char key_format[] = "k%016" PRIx64;

/* --- reading -------------------------------------------------------------------------------------------------------- */

static bool key_read(const char *text, uint64_t *key)
{
	char *end = NULL;

	if (text[0] != 'k' || strlen(text) != 17 || strspn(text + 1, "0123456789abcdef") != 16)
		return false;
	*key = strtoull(text + 1, &end, 16);
	return *end == '\0';
}

static bool row_read(const struct table *t, const struct table_row *row, size_t key_at, size_t human_at, struct grades *into,
		     struct error *err)
{
	struct buf said = { 0 };
	uint64_t key = 0;
	double grade;
	bool ok = grades_read_human(row->values[human_at], &grade);

	if (!ok) {
		mention_value(&said, row->values[human_at]);
		table_fail(t, row->line, err, "human %s is no grade; a number from 0 to 1 is wanted, right or wrong, or nothing", buf_text(&said));
	} else if (!isnan(grade) && !(ok = key_read(row->values[key_at], &key))) {
		mention_value(&said, row->values[key_at]);
		table_fail(t, row->line, err, "key %s is none that `rung export --grades` wrote; take the row out, or put its key back", buf_text(&said));
	} else if (!isnan(grade)) {
		grades_put(into, key, grade);
	}
	buf_release(&said);
	return ok;
}

static size_t column_of(const struct table *t, const char *name)
{
	size_t c = 0;

	while (c < t->n_columns && strcmp(t->columns[c], name) != 0)
		c++;
	return c;
}

bool human_read(const char *path, struct grades *into, struct error *err)
{
	struct arena arena;
	struct table t;
	bool ok;

	if (!file_exists(path))
		return true;
	arena_init(&arena);
	ok = table_read(&t, &arena, path, err);
	size_t key = ok ? column_of(&t, "key") : 0, human = ok ? column_of(&t, "human") : 0;

	if (ok && (key == t.n_columns || human == t.n_columns))
		ok = error_set(err, "%s: the columns key and human are needed; put them back, or remove the file and run `rung export --grades`", path);
	for (size_t i = 0; ok && i < t.n_rows; i++)
		ok = row_read(&t, &t.rows[i], key, human, into, err);
	arena_release(&arena);
	return ok;
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

struct writing {
	const struct task *task;
	const struct template *input;
	struct grades *known;
	struct human_counts *counts;
	struct buf out;
};

static void add_field(struct buf *out, const char *text, char end)
{
	csv_add(out, text);
	buf_addc(out, end);
}

static void add_answer(struct writing *w, const struct example *e, const char *answer, uint64_t key)
{
	double grade = grades_find(w->known, key);
	struct buf input = { 0 };

	template_render(w->input, e, &input);
	buf_addf(&w->out, key_format, key);
	buf_addc(&w->out, ',');
	add_field(&w->out, e->id, ',');
	add_field(&w->out, buf_text(&input), ',');
	add_field(&w->out, e->answer, ',');
	add_field(&w->out, answer, ',');
	if (!isnan(grade))
		buf_addf(&w->out, "%.15g", grade);
	buf_adds(&w->out, "\r\n");
	w->counts->answers++;
	w->counts->graded += isnan(grade) ? 0 : 1;
	buf_release(&input);
}

/* All variants' answers by item: rows (n_variants) of arrays (items.n). */
static bool answers_read(const struct rows_from *from, struct item_list items, struct arena *arena, const struct answer_row ****rows,
			 size_t *n_variants, struct error *err)
{
	struct variant_row *variants;

	if (!store_variants(from->store, from->run, arena, &variants, n_variants, err))
		return false;
	*rows = arena_array(arena, *n_variants + 1, sizeof(**rows));
	for (size_t v = 0; v < *n_variants; v++)
		if (!answers_of(from->store, from->run, variants[v].id, "test", items, arena, &(*rows)[v], err))
			return false;
	return true;
}

static void add_all(struct writing *w, struct item_list items, const struct answer_row ***rows, size_t n_variants, struct arena *arena)
{
	struct hash_map seen = { 0 };

	for (size_t i = 0; i < items.n; i++)
		for (size_t v = 0; v < n_variants; v++) {
			const char *answer = rows[v][i] ? rows[v][i]->answer : NULL;

			if (scorer_settled(w->task, items.items[i], answer))
				continue;
			uint64_t *key = arena_alloc(arena, sizeof(*key));

			*key = grades_key(w->task, items.items[i], answer);
			size_t before = seen.n;

			hash_map_put(&seen, (const char *)key, sizeof(*key), 0);
			if (seen.n > before) /* another variant may have said the same */
				add_answer(w, items.items[i], answer, *key);
		}
	hash_map_release(&seen);
}

bool human_write(const struct rows_from *from, uint64_t seed, const char *path, struct human_counts *counts, struct error *err)
{
	struct writing w = { .task = from->task, .known = grades_new(), .counts = counts };
	const struct answer_row ***rows;
	struct error impossible; /* task_open() compiled the same template */
	struct arena arena;
	size_t n;

	arena_init(&arena);
	*counts = (struct human_counts){ 0 };
	w.input = template_compile(&arena, from->task, from->task->input, "input", &impossible);
	struct item_list items = test_order(from->task, seed, &arena).list;
	bool ok = human_read(path, w.known, err) && answers_read(from, items, &arena, &rows, &n, err);

	if (ok) {
		buf_adds(&w.out, head);
		add_all(&w, items, rows, n, &arena);
		ok = counts->answers > 0 ? file_replace(path, buf_text(&w.out), w.out.n, err)
					 : error_set(err, "%s: no test item has an answer to grade yet; run `rung climb` to its end", from->task->file);
	}
	buf_release(&w.out);
	grades_free(w.known);
	arena_release(&arena);
	return ok;
}
