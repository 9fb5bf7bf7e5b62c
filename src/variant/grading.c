/* grading.c - which answers are still to be graded, and where grades are kept. */
#include "variant/grading_inner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "task/grades.h"
#include "task/scorer.h"

enum { FORM = 1 }; /* of what is asked; another one makes other grades */

static uint64_t mix(uint64_t h, const char *text)
{
	return text ? hash64(text, strlen(text), h * 31 + strlen(text)) : h * 31 + 7;
}

/* The files of the task's folder that the command line names, by their bytes: "python3 score.py --strict" is another scorer once score.py
 * changed. */
static uint64_t mix_files(uint64_t h, const struct task *task)
{
	struct arena arena;
	char *words, *rest = NULL;

	arena_init(&arena);
	words = arena_string(&arena, task->scorer_setting);
	for (char *word = strtok_r(words, " \t\n'\"", &rest); word; word = strtok_r(NULL, " \t\n'\"", &rest)) {
		const char *path = word[0] == '/' ? word : arena_printf(&arena, "%s/%s", task->folder, word);
		struct file_map map;
		struct error none;

		if (!file_map(&map, path, &none))
			continue;
		h = hash64(map.data ? (const void *)map.data : "", map.n, h * 31 + map.n);
		file_unmap(&map);
	}
	arena_release(&arena);
	return h;
}

uint64_t grading_fingerprint(const struct task *task)
{
	uint64_t h;

	if (!task->grades)
		return 0;
	h = mix(mix(mix(FORM, task->scorer), task->scorer_setting), task->outside.rubric);
	h = h * 31 + task->outside.binary + 2 * task->outside.pairwise;
	return strcmp(task->scorer, "command") == 0 ? mix_files(h, task) : h;
}

bool grading_load(const struct task *task, struct store *store, uint64_t fingerprint, struct error *err)
{
	struct grade_row *rows;
	struct arena arena;
	size_t n = 0;

	if (!task->grades)
		return true;
	arena_init(&arena);
	bool read = store_grades(store, fingerprint, &arena, &rows, &n, err);

	for (size_t i = 0; read && i < n; i++)
		grades_put(task->grades, rows[i].answer, rows[i].score);
	arena_release(&arena);
	return read;
}

bool grading_why(const struct task *task, struct store *store, uint64_t fingerprint, const struct example *item, const char *answer,
		 struct arena *arena, const char **why, struct error *err)
{
	struct grade_row *rows;
	size_t n = 0;

	*why = NULL;
	if (!task->grades || !answer)
		return true;
	uint64_t key = grades_key(task, item, answer);

	if (!store_grades(store, fingerprint, arena, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (rows[i].answer == key)
			*why = rows[i].why;
	return true;
}

static struct grader *grader_open(struct workshop *w, struct error *err)
{
	struct grader *g = mem_zero(1, sizeof(*g));

	*g = (struct grader){ .workshop = w, .fingerprint = grading_fingerprint(w->task) };
	if (!w->store || grading_load(w->task, w->store, g->fingerprint, err))
		return g;
	grader_free(g);
	return NULL;
}

void grader_free(struct grader *g)
{
	if (!g)
		return;
	process_end(g->program);
	free(g);
}

uint64_t grading_part(uint64_t fingerprint, enum grading_part part)
{
	return part == GRADING_WHOLE ? fingerprint : hash64(&part, sizeof(part), fingerprint);
}

bool grader_keep_part(struct grader *g, const struct grading *what, enum grading_part part, double value, int64_t call, const char *why,
		      struct error *err)
{
	struct grade_row row = { .scorer = grading_part(g->fingerprint, part), .item = what->item->id, .answer = what->key, .score = value,
				 .call = call, .why = why };

	return !g->workshop->store || store_grade_put(g->workshop->store, &row, err);
}

bool grader_keep(struct grader *g, const struct grading *what, double score, int64_t call, const char *why, struct error *err)
{
	if (!grader_keep_part(g, what, GRADING_WHOLE, score, call, why, err))
		return false;
	grades_put(g->workshop->task->grades, what->key, score);
	return true;
}

/* Those that somebody has to be asked about, each once; list (n). */
static size_t list_open(const struct task *task, const struct example *const *items, const char *const *answers, size_t n,
			struct grading *list)
{
	struct hash_map seen = { 0 };
	size_t open = 0;

	for (size_t i = 0; i < n; i++) {
		if (!scorer_must_ask(task, items[i], answers[i]))
			continue;
		struct grading *g = &list[open];

		*g = (struct grading){ items[i], answers[i], grades_key(task, items[i], answers[i]) };
		open += hash_map_put(&seen, (const char *)&g->key, sizeof(g->key), open) == open;
	}
	hash_map_release(&seen);
	return open;
}

bool workshop_grade(struct workshop *w, const struct example *const *items, const char *const *answers, size_t n, struct error *err)
{
	if (!w->task->grades)
		return true;
	if (!w->grader && !(w->grader = grader_open(w, err)))
		return false;
	struct grading *list = mem_zero(n + 1, sizeof(*list));
	size_t open = list_open(w->task, items, answers, n, list);
	bool judged = strcmp(w->task->scorer, "judge") == 0;
	bool graded = open == 0 || (judged ? grade_by_judge : grade_by_command)(w->grader, list, open, err);

	free(list);
	return graded;
}

bool grading_sums(struct store *store, uint64_t fingerprint, struct grading_sums *out, struct error *err)
{
	struct grade_row *rows[GRADING_PARTS];
	size_t n[GRADING_PARTS];
	uint64_t parts[GRADING_PARTS];
	struct hash_map first = { 0 };
	struct arena arena;
	bool read = true;

	*out = (struct grading_sums){ 0 };
	arena_init(&arena);
	for (size_t i = 0; i < GRADING_PARTS; i++)
		parts[i] = grading_part(fingerprint, (enum grading_part)i);
	for (size_t i = 0; i < GRADING_PARTS && read; i++)
		read = store_grades(store, parts[i], &arena, &rows[i], &n[i], err);
	read = read && store_grades_spent(store, parts, GRADING_PARTS, &out->calls, &out->input_tokens, &out->output_tokens, &out->ms, err);
	for (size_t i = 0; read && i < n[GRADING_FIRST]; i++)
		hash_map_put(&first, (const char *)&rows[GRADING_FIRST][i].answer, sizeof(uint64_t), i);
	for (size_t i = 0; read && i < n[GRADING_SECOND]; i++) {
		const struct grade_row *row = &rows[GRADING_SECOND][i];
		size_t at = hash_map_get(&first, (const char *)&row->answer, sizeof(uint64_t), SIZE_MAX);

		out->pairs += at != SIZE_MAX;
		out->contradictions += at != SIZE_MAX && fabs(row->score - rows[GRADING_FIRST][at].score) > 0.75; /* 0 and 1 */
	}
	out->grades = read ? n[GRADING_WHOLE] : 0;
	hash_map_release(&first);
	arena_release(&arena);
	return read;
}
