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

struct grader *grader_open(const struct task *task, struct models *models, struct store *store, struct error *err)
{
	struct grader *g = mem_zero(1, sizeof(*g));

	*g = (struct grader){ .task = task, .models = models, .store = store, .fingerprint = grading_fingerprint(task) };
	if (!store || grading_load(task, store, g->fingerprint, err))
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

bool grader_keep(struct grader *g, const struct grading *what, double score, int64_t call, const char *why, struct error *err)
{
	struct grade_row row = { .scorer = g->fingerprint, .item = what->item->id, .answer = what->key, .score = score, .call = call,
				 .why = why };

	if (g->store && !store_grade_put(g->store, &row, err))
		return false;
	grades_put(g->task->grades, what->key, score);
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

bool grader_grade(struct grader *g, const struct example *const *items, const char *const *answers, size_t n,
		  const struct grading_stop *stop, struct error *err)
{
	struct grading *list = mem_zero(n + 1, sizeof(*list));
	size_t open = list_open(g->task, items, answers, n, list);
	bool graded = open == 0 || grade_by_command(g, list, open, stop, err);

	free(list);
	return graded;
}
