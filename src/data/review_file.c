/* review_file.c - proposals and decisions in a file for people, and as text and JSON. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "data/inputs.h"
#include "data/review.h"
#include "data/sheet.h"
#include "task/collected.h"
#include "task/csv.h"
#include "task/mention.h"

enum { SHOWN_CHARACTERS = 500, LINE_CHARACTERS = 100, LISTED = 20 };

enum { CALL, SERVED, INPUT, ANSWERED, RIGHT, SAID, NEAR, WHY, DECISION, FIX, COLUMNS };
static const char *const columns[COLUMNS] = { "call", "served", "input", "answered", "right", "said", "near", "why", "decision", "fix" };

/* The first characters of a text, on one line. */
static const char *shortened(const char *text, size_t characters, bool line, struct arena *arena)
{
	char *copy = arena_string(arena, text);
	size_t n = strlen(copy), kept = text_first(copy, n, characters);

	copy[kept] = '\0';
	for (char *c = copy; line && *c; c++)
		*c = (unsigned char)*c < ' ' ? ' ' : *c;
	return kept < n ? arena_printf(arena, "%s...", copy) : copy;
}

static const char *near_text(const struct proposal *p, struct arena *arena)
{
	return p->near.of == COPY_NONE ? "" : arena_printf(arena, "%s %s (%.3f)", copy_of_name(p->near.of), p->near.item->id, p->near.cosine);
}

static void add_row(const struct proposal *p, struct arena *arena, struct buf *out)
{
	const char *values[COLUMNS] = {
		[CALL] = p->call, [SERVED] = inputs_moment(p->served_ms, arena), [INPUT] = shortened(p->input, SHOWN_CHARACTERS, false, arena),
		[ANSWERED] = p->answered, [RIGHT] = p->right, [SAID] = arena_printf(arena, "%s (%s)", p->said, p->name), [NEAR] = near_text(p, arena),
		[WHY] = p->why ? p->why : "", [DECISION] = review_decision_name(p->decision), [FIX] = p->fix ? p->fix : "",
	};

	for (size_t c = 0; c < COLUMNS; c++) {
		if (c)
			buf_addc(out, ',');
		(c == FIX ? csv_add : inputs_field)(out, values[c]); /* what a person wrote is theirs */
	}
	buf_addc(out, '\n');
}

bool review_write(const struct review *r, const char *path, struct error *err)
{
	struct buf out = { 0 };
	struct arena arena;

	if (r->n == 0) {
		unlink(path);
		return true;
	}
	arena_init(&arena);
	for (size_t c = 0; c < COLUMNS; c++)
		buf_addf(&out, "%s%s", columns[c], c + 1 < COLUMNS ? "," : "\n");
	for (size_t i = 0; i < r->n; i++)
		add_row(&r->list[i], &arena, &out);
	bool written = sheet_write(path, &out, err);

	buf_release(&out);
	arena_release(&arena);
	return written;
}

/* ---- reading ---- */

static bool unknown_decision(const struct sheet *s, size_t row, const char *text, struct error *err)
{
	static const char *const names[] = { "accept", "fix", "reject" };
	struct buf sentence = { 0 };

	buf_adds(&sentence, "decision ");
	mention_value(&sentence, text);
	buf_adds(&sentence, " is not one of ");
	mention_names(&sentence, text, names, sizeof(names) / sizeof(names[0]));
	table_fail(&s->table, s->table.rows[row].line, err, "%s, or nothing yet", buf_text(&sentence));
	buf_release(&sentence);
	return false;
}

/* One row's decision on its proposal, as review_decide() would take it. */
static bool merge_row(const struct task *task, const struct sheet *s, size_t row, struct review *r, struct proposal *p, struct arena *arena,
		      struct error *err)
{
	const char *text = sheet_cell(s, row, DECISION), *fix = sheet_cell(s, row, FIX);
	size_t line = s->table.rows[row].line;
	enum review_decision d = REVIEW_OPEN;
	struct error why;

	while (d < REVIEW_DECISIONS && strcmp(text, review_decision_name(d)) != 0)
		d++;
	if (d == REVIEW_DECISIONS)
		return unknown_decision(s, row, text, err);
	if (d == REVIEW_REFUSED || d == REVIEW_OPEN)
		return !fix[0] || table_fail(&s->table, line, err, "there is a fix and the decision is not fix; write it, or take the fix out");
	if (d == REVIEW_FIX && !fix[0])
		return table_fail(&s->table, line, err, "the decision is fix, and the column fix, for the right answer, is empty");
	if (d != REVIEW_FIX && fix[0])
		return table_fail(&s->table, line, err, "the decision is %s and there is a fix; write fix, or take it out", text);
	return review_decide(task, r, p->call, d, d == REVIEW_FIX ? fix : NULL, arena, &why) || table_fail(&s->table, line, err, "%s", why.text);
}

bool review_merge(const struct task *task, const char *path, struct arena *arena, struct review *r, struct error *err)
{
	struct hash_map places = { 0 };
	struct sheet s;
	bool merged = sheet_read(&s, path, columns, COLUMNS, "remove the file and run `rung data review`", arena, err);

	for (size_t i = 0; merged && i < r->n; i++)
		hash_map_put(&places, r->list[i].call, strlen(r->list[i].call), i);
	for (size_t i = 0; merged && i < s.table.n_rows; i++) {
		const char *call = sheet_cell(&s, i, CALL);
		size_t place = hash_map_get(&places, call, strlen(call), SIZE_MAX);

		merged = place == SIZE_MAX || merge_row(task, &s, i, r, &r->list[place], arena, err);
	}
	hash_map_release(&places);
	return merged;
}

/* ---- telling ---- */

void proposal_text(const struct proposal *p, struct buf *out)
{
	struct arena arena;

	arena_init(&arena);
	buf_addf(out, "%s  %s\n", p->call, inputs_moment(p->served_ms, &arena));
	buf_addf(out, "    %s\n", shortened(p->input, LINE_CHARACTERS, true, &arena));
	buf_addf(out, "    answered %s", p->answered[0] ? shortened(p->answered, LINE_CHARACTERS, true, &arena) : "nothing");
	buf_addf(out, ", said to be %s (%s)\n", strcmp(p->said, "right") == 0 ? "right" : shortened(p->right, LINE_CHARACTERS, true, &arena), p->name);
	if (p->why)
		buf_addf(out, "    %s: %s\n", p->decision == REVIEW_REFUSED ? "refused" : "not as it stands", p->why);
	arena_release(&arena);
}

static size_t count_of(const struct review *r, enum review_decision d)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->list[i].decision == d;
	return n;
}

static void say(struct buf *out, size_t n, const char *words)
{
	if (n)
		buf_addf(out, "  %zu %s\n", n, words);
}

void review_text(const struct task *task, const struct review *r, const char *path, struct buf *out)
{
	size_t open = count_of(r, REVIEW_OPEN), listed = 0;

	buf_addf(out, "%s: %zu taken into %s", task->name, r->taken, task->collected_file);
	buf_addf(out, " (%zu fixed), %zu to decide, %zu rejected, %zu refused (compared by %s)\n", r->fixed, open, count_of(r, REVIEW_REJECT),
		 count_of(r, REVIEW_REFUSED), r->by);
	say(out, r->known, "are collected already, or the pool says the same");
	say(out, r->repeated, "repeat what another call says");
	say(out, r->drawn, "were drawn to be tested");
	say(out, r->unreadable, "have inputs that are none of the task's");
	say(out, r->textless, "have no texts any more");
	for (size_t i = 0; i < r->n && listed < LISTED; i++)
		if (r->list[i].decision == REVIEW_OPEN || r->list[i].decision == REVIEW_REFUSED) {
			proposal_text(&r->list[i], out);
			listed++;
		}
	if (open > 0)
		buf_addf(out, "decide in %s (column decision: accept, fix with the right answer in column fix, reject) and run this again; or use "
			 "--accept all|ID, --fix ID=ANSWER, --reject all|ID\n", path);
}

static json_t *proposal_json(const struct proposal *p)
{
	json_t *row = json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s}", "call", p->call, "served_ms", (json_int_t)p->served_ms, "input", p->input,
				"answered", p->answered, "right", p->right, "said", p->said, "name", p->name);

	json_object_set_new(row, "decision", p->decision == REVIEW_OPEN ? json_null() : json_string(review_decision_name(p->decision)));
	json_object_set_new(row, "why", p->why ? json_string(p->why) : json_null());
	json_object_set_new(row, "near", p->near.of == COPY_NONE ? json_null() :
			    json_pack("{s:s, s:s, s:f}", "split", copy_of_name(p->near.of), "id", p->near.item->id, "cosine", p->near.cosine));
	return row;
}

json_t *review_json(const struct task *task, const struct review *r, const char *path)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(rows, proposal_json(&r->list[i]));
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o}", "task", task->name, "collected", task->collected_file,
				 "file", path, "taken", (json_int_t)r->taken, "fixed", (json_int_t)r->fixed, "known", (json_int_t)r->known, "repeated",
				 (json_int_t)r->repeated, "drawn", (json_int_t)r->drawn, "unreadable", (json_int_t)r->unreadable, "textless",
				 (json_int_t)r->textless, "compared_by", r->by, "proposals", rows);
}
