/* leakage.c - one TF-IDF index over the pool, asked for the nearest neighbour of every other item. */
#include "tune/leakage.h"

#include <string.h>

#include "base/buf.h"
#include "retrieve/tfidf.h"
#include "task/template.h"

struct search {
	const struct task *task;
	const struct template *input;
	struct tfidf_index *pool;
	struct near_copy *found;
	size_t n;
};

static const char *item_text(const struct template *input, const struct example *e, struct arena *arena)
{
	struct buf text = { 0 };

	template_values(input, e, &text);
	const char *copy = arena_copy(arena, buf_text(&text), text.n);

	buf_release(&text);
	return copy;
}

static bool same_answer(const struct task *task, const struct example *a, const struct example *b)
{
	return task->many ? strcmp(a->answer, b->answer) == 0 : a->label == b->label;
}

static void search_list(struct search *s, struct item_list list, struct arena *arena)
{
	for (size_t i = 0; i < list.n; i++) {
		size_t position;
		double similarity;

		if (tfidf_nearest(s->pool, item_text(s->input, list.items[i], arena), 1, SIZE_MAX, &position, &similarity) == 0 ||
		    similarity < LEAKAGE_SIMILARITY)
			continue;
		const struct example *twin = s->task->pool.list.items[position];

		s->found[s->n++] = (struct near_copy){ list.items[i], twin, similarity, same_answer(s->task, list.items[i], twin) };
	}
}

size_t leakage_find(const struct task *task, struct arena *arena, const struct near_copy **copies)
{
	static const struct tfidf_options words = { .unit = TFIDF_WORDS, .shortest = 1, .longest = 1, .sublinear = true };
	struct item_list pool = task->pool.list;
	struct error impossible; /* task_open() compiled the same template */
	struct search s = { .task = task, .input = template_compile(arena, task, task->input, "input", &impossible) };
	const char **texts = arena_array(arena, pool.n, sizeof(*texts));

	for (size_t i = 0; i < pool.n; i++)
		texts[i] = item_text(s.input, pool.items[i], arena);
	s.pool = tfidf_index_new(&words, texts, pool.n);
	s.found = arena_array(arena, task->dev.list.n + task->test.list.n + task->aside.list.n, sizeof(*s.found));
	search_list(&s, task->test.list, arena);
	search_list(&s, task->dev.list, arena);
	search_list(&s, task->aside.list, arena);
	tfidf_index_free(s.pool);
	*copies = s.found;
	return s.n;
}
