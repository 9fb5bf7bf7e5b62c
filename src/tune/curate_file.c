/* curate_file.c - the review file: written for a person's eyes, read with a person's mistakes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "task/csv.h"
#include "task/mention.h"
#include "task/table.h"
#include "tune/curate_inner.h"

enum { SHOWN_CHARACTERS = 500 }; /* of an item's text: enough to judge a label by */

enum column { ID, LINE, REASON, SCORE, NEAR, LABEL, SUGGESTED, DECISION, TEXT, COLUMNS };
static const char *const columns[COLUMNS] = {
	"id", "line", "reason", "score", "near", "label", "suggested", "decision", "text",
};

/* --- writing ------------------------------------------------------------------------------------------------------- */

static const char *shown_text(const struct template *input, const struct example *e, struct arena *arena)
{
	char *text = arena_string(arena, curate_item_text(input, e, arena));

	text[text_first(text, strlen(text), SHOWN_CHARACTERS)] = '\0';
	return text;
}

static void add_field(struct buf *out, enum column c, const char *value)
{
	if (c != ID)
		buf_addc(out, ',');
	csv_add(out, value);
}

static void add_row(const struct task *task, const struct curate_finding *f, const char *text, struct arena *arena, struct buf *out)
{
	const char *values[COLUMNS] = {
		[ID] = f->item->id, [LINE] = arena_printf(arena, "%zu", f->item->line), [REASON] = curate_reason_name(f->reason),
		[SCORE] = f->reason == CURATE_EMPTY ? "" : arena_printf(arena, f->reason == CURATE_LONG ? "%.0f" : "%.3f", f->score),
		[NEAR] = f->near ? f->near : "", [LABEL] = f->item->answer,
		[SUGGESTED] = f->suggested < task->n_labels ? task->labels[f->suggested].name : "",
		[DECISION] = curate_decision_name(f->decision), [TEXT] = text,
	};

	for (enum column c = 0; c < COLUMNS; c++)
		add_field(out, c, values[c]);
	buf_addc(out, '\n');
}

bool curate_write(const struct task *task, const struct curation *c, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	struct buf out = { 0 };
	struct arena arena;

	arena_init(&arena);
	const struct template *input = curate_template(task, &arena);

	for (enum column i = 0; i < COLUMNS; i++)
		add_field(&out, i, columns[i]);
	buf_addc(&out, '\n');
	for (size_t i = 0; i < c->n; i++)
		add_row(task, &c->findings[i], shown_text(input, c->findings[i].item, &arena), &arena, &out);
	bool written = (!slash || file_make_folder(arena_copy(&arena, path, (size_t)(slash - path)), err)) &&
		       file_replace(path, buf_text(&out), out.n, err);

	buf_release(&out);
	arena_release(&arena);
	return written;
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

struct row {
	size_t line;                /* in the review file */
	const struct example *item; /* of the pool; NULL: not there */
	size_t position;            /* in the pool */
	bool same;                  /* the item's text is what it was */
	enum curate_reason reason;
	enum curate_decision decision;
	size_t suggested;           /* label; SIZE_MAX: none */
	const char *id, *near;
	double score;
};

struct review {
	const struct task *task;
	struct table table;
	size_t at[COLUMNS]; /* where each column stands; n_columns: nowhere */
	struct row *rows;   /* (n) */
	size_t n;
};

static const char *field(const struct review *r, size_t row, enum column c)
{
	return r->at[c] < r->table.n_columns ? r->table.rows[row].values[r->at[c]] : "";
}

static bool find_columns(struct review *r, struct error *err)
{
	for (enum column c = 0; c < COLUMNS; c++) {
		r->at[c] = 0;
		while (r->at[c] < r->table.n_columns && strcmp(r->table.columns[r->at[c]], columns[c]) != 0)
			r->at[c]++;
		if (r->at[c] == r->table.n_columns && (c == ID || c == REASON || c == SUGGESTED || c == DECISION || c == TEXT))
			return error_set(err, "%s: there is no column \"%s\"; id, reason, suggested, decision and text are needed: "
					 "put it back, or remove the file and run `rung tune curate`", r->table.path, columns[c]);
	}
	return true;
}

/* "curation.csv:12: decision "dorp" is not one of keep, drop, relabel (did you mean "drop"?)" */
static bool refuse(const struct review *r, size_t row, enum column c, const char *const *names, size_t n, struct error *err)
{
	struct buf sentence = { 0 };

	buf_addf(&sentence, "%s ", columns[c]);
	mention_value(&sentence, field(r, row, c));
	buf_adds(&sentence, " is not one of ");
	mention_names(&sentence, field(r, row, c), names, n);
	table_fail(&r->table, r->table.rows[row].line, err, "%s", buf_text(&sentence));
	buf_release(&sentence);
	return false;
}

/* Index of the field's value among the names, or n. */
static size_t find_name(const struct review *r, size_t row, enum column c, const char *const *names, size_t n)
{
	size_t i = 0;

	while (i < n && strcmp(field(r, row, c), names[i]) != 0)
		i++;
	return i;
}

/* Labels and the names of the tables above, as mention_names() takes them. */
struct words {
	const char *reasons[CURATE_REASONS], *decisions[CURATE_DECISIONS];
	const char **labels; /* (n_labels) */
	size_t n_decisions;
};

static void words_init(struct words *w, const struct task *task, struct arena *arena)
{
	w->labels = arena_array(arena, task->n_labels, sizeof(*w->labels));
	for (size_t i = 0; i < task->n_labels; i++)
		w->labels[i] = task->labels[i].name;
	for (size_t i = 0; i < CURATE_REASONS; i++)
		w->reasons[i] = curate_reason_name((enum curate_reason)i);
	for (size_t i = 0; i < CURATE_DECISIONS; i++)
		w->decisions[i] = curate_decision_name((enum curate_decision)i);
	w->n_decisions = curate_labels(task) ? CURATE_DECISIONS : CURATE_RELABEL; /* keep and drop, where there are no labels */
}

static bool read_row(struct review *r, size_t i, const struct words *w, struct error *err)
{
	size_t reason = find_name(r, i, REASON, w->reasons, CURATE_REASONS);
	size_t decision = find_name(r, i, DECISION, w->decisions, w->n_decisions);
	size_t label = find_name(r, i, SUGGESTED, w->labels, r->task->n_labels);

	if (reason == CURATE_REASONS)
		return refuse(r, i, REASON, w->reasons, CURATE_REASONS, err);
	if (decision == w->n_decisions)
		return refuse(r, i, DECISION, w->decisions, w->n_decisions, err);
	if (decision == CURATE_RELABEL && label == r->task->n_labels)
		return refuse(r, i, SUGGESTED, w->labels, r->task->n_labels, err);
	r->rows[i] = (struct row){ .line = r->table.rows[i].line, .reason = (enum curate_reason)reason,
				   .decision = (enum curate_decision)decision, .id = field(r, i, ID), .near = field(r, i, NEAR),
				   .suggested = label < r->task->n_labels ? label : SIZE_MAX, .score = strtod(field(r, i, SCORE), NULL) };
	return true;
}

/* Spreadsheets change line ends and spaces: what is compared is the normal form. */
static bool same_text(const char *a, const char *b)
{
	struct buf x = { 0 }, y = { 0 };

	text_normalise(&x, a, strlen(a));
	text_normalise(&y, b, strlen(b));
	bool same = strcmp(buf_text(&x), buf_text(&y)) == 0;

	buf_release(&x);
	buf_release(&y);
	return same;
}

/* Finds the rows' items in the pool, and nowhere else. */
static void find_items(struct review *r, struct arena *arena)
{
	const struct template *input = curate_template(r->task, arena);
	struct item_list pool = r->task->pool.list;
	struct hash_map ids = { 0 };

	for (size_t i = 0; i < pool.n; i++)
		hash_map_put(&ids, pool.items[i]->id, strlen(pool.items[i]->id), i);
	for (size_t i = 0; i < r->n; i++) {
		struct row *row = &r->rows[i];
		size_t position = hash_map_get(&ids, row->id, strlen(row->id), SIZE_MAX);

		if (position == SIZE_MAX)
			continue;
		row->item = pool.items[position];
		row->position = position;
		row->same = same_text(field(r, i, TEXT), shown_text(input, row->item, arena));
	}
	hash_map_release(&ids);
}

static bool ids_differ(const struct review *r, struct error *err)
{
	struct hash_map ids = { 0 };
	bool differ = true;

	for (size_t i = 0; i < r->n && differ; i++) {
		size_t first = hash_map_put(&ids, r->rows[i].id, strlen(r->rows[i].id), i);

		if (first != i)
			differ = table_fail(&r->table, r->rows[i].line, err, "id \"%.80s\" stands twice, first in line %zu; leave one of them",
					    r->rows[i].id, r->rows[first].line);
	}
	hash_map_release(&ids);
	return differ;
}

/* All of the file at path, which may be absent; lives in arena. */
static bool review_read(struct review *r, const struct task *task, const char *path, struct arena *arena, struct error *err)
{
	struct words w;

	*r = (struct review){ .task = task };
	if (!file_exists(path))
		return true;
	if (!table_read_sheet(&r->table, path, arena, err) || !find_columns(r, err))
		return false;
	words_init(&w, task, arena);
	r->rows = arena_array(arena, r->table.n_rows, sizeof(*r->rows));
	for (; r->n < r->table.n_rows; r->n++)
		if (!read_row(r, r->n, &w, err))
			return false;
	find_items(r, arena);
	return ids_differ(r, err);
}

/* --- what was decided ---------------------------------------------------------------------------------------------- */

bool curate_merge(const struct task *task, const char *path, struct arena *arena, struct curation *c, struct error *err)
{
	struct hash_map places = { 0 };
	struct review r;

	if (!review_read(&r, task, path, arena, err))
		return false;
	struct curate_finding *all = arena_array(arena, c->n + r.n, sizeof(*all));

	if (c->n)
		memcpy(all, c->findings, c->n * sizeof(*all));
	for (size_t i = 0; i < c->n; i++)
		hash_map_put(&places, all[i].item->id, strlen(all[i].item->id), i);
	for (size_t i = 0; i < r.n; i++) {
		const struct row *row = &r.rows[i];

		if (!row->item || !row->same || row->decision == curate_usual(row->reason))
			continue;
		size_t place = hash_map_put(&places, row->item->id, strlen(row->item->id), c->n);

		if (place == c->n) /* no longer found, and still decided */
			all[c->n++] = (struct curate_finding){ .item = row->item, .reason = row->reason, .score = row->score,
							       .near = row->near[0] ? row->near : NULL, .suggested = row->suggested };
		all[place].decision = row->decision;
		if (row->decision == CURATE_RELABEL)
			all[place].suggested = row->suggested;
	}
	c->findings = all;
	hash_map_release(&places);
	return true;
}

static const struct example *relabelled(const struct task *task, const struct example *item, size_t label, struct arena *arena)
{
	struct example *e = arena_alloc(arena, sizeof(*e));

	*e = *item;
	e->label = label;
	e->answer = task->labels[label].name;
	e->answers = NULL;
	e->n_answers = 0;
	return e;
}

/* Puts the rows' decisions on a copy of the pool, where NULL is what was dropped. */
static bool decide(const struct review *r, const struct example **items, struct curated *out, struct arena *arena, struct error *err)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct row *row = &r->rows[i];

		if (!row->item || row->decision == CURATE_KEEP)
			continue;
		if (!row->same)
			return table_fail(&r->table, row->line, err, "the text of \"%.80s\" is not what the pool has now; run "
					  "`rung tune curate` again, which keeps the decisions on texts that did not change", row->id);
		if (row->decision == CURATE_RELABEL) {
			items[row->position] = relabelled(r->task, row->item, row->suggested, arena);
			out->relabelled++;
		} else {
			items[row->position] = NULL;
			out->dropped[row->reason]++;
		}
	}
	return true;
}

static uint64_t add_decision(uint64_t hash, const struct example *was, const struct example *is)
{
	hash = hash64(was->id, strlen(was->id) + 1, hash);
	return is ? hash64(is->answer, strlen(is->answer), hash) : hash64("", 1, hash);
}

bool curate_apply(const struct task *task, const char *path, struct arena *arena, struct curated *out, struct error *err)
{
	struct item_list pool = task->pool.list;
	struct review r;

	*out = (struct curated){ .pool = task->pool };
	if (!review_read(&r, task, path, arena, err))
		return false;
	const struct example **items = arena_array(arena, pool.n, sizeof(*items));
	size_t *at = arena_array(arena, pool.n, sizeof(*at)), n = 0;

	if (pool.n)
		memcpy(items, pool.items, pool.n * sizeof(*items));
	if (!decide(&r, items, out, arena, err))
		return false;
	for (size_t i = 0; i < pool.n; i++) {
		if (items[i] != pool.items[i])
			out->hash = add_decision(out->hash, pool.items[i], items[i]);
		if (items[i]) {
			at[n] = i;
			items[n++] = items[i];
		}
	}
	if (pool.n && n == 0)
		return error_set(err, "%s: every example of the pool is dropped, so that nothing is left to train on; keep some", path);
	out->pool.list = (struct item_list){ items, n };
	out->at = at;
	return true;
}

bool curate_suspects(const struct task *task, const char *path, struct arena *arena, size_t *n, struct error *err)
{
	struct review r;

	*n = 0;
	if (!review_read(&r, task, path, arena, err))
		return false;
	for (size_t i = 0; i < r.n; i++)
		*n += r.rows[i].item && r.rows[i].same && r.rows[i].reason == CURATE_SUSPECT;
	return true;
}
