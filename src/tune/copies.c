/* copies.c - outside texts and the examples in one space, words first. */
#include "tune/copies.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "tune/curate_inner.h"

const char *copy_of_name(enum copy_of of)
{
	static const char *const names[] = { "", "pool", "dev", "test" };

	return names[of];
}

/* Dev items, those set aside of them too, and test items, then the pool's, then the texts from outside. */
struct search {
	const struct task *task;
	size_t n_guarded, n_items, n;
	const struct example **items; /* (n_items) */
	const char **texts;           /* (n) */
};

static void search_init(struct search *s, const struct task *task, const char *const *texts, size_t n, struct arena *arena)
{
	const struct item_list lists[] = { task->dev.list, task->aside.list, task->test.list, task->pool.list };
	const struct template *input = curate_template(task, arena);
	size_t at = 0;

	*s = (struct search){ .task = task, .n_guarded = lists[0].n + lists[1].n + lists[2].n };
	s->n_items = s->n_guarded + lists[3].n;
	s->n = s->n_items + n;
	s->items = arena_array(arena, s->n_items, sizeof(*s->items));
	s->texts = arena_array(arena, s->n, sizeof(*s->texts));
	for (size_t l = 0; l < 4; l++)
		for (size_t i = 0; i < lists[l].n; i++, at++) {
			s->items[at] = lists[l].items[i];
			s->texts[at] = curate_item_text(input, s->items[at], arena);
		}
	for (size_t i = 0; i < n; i++)
		s->texts[at++] = texts[i];
}

static struct copy copy_at(const struct search *s, size_t which, double cosine)
{
	size_t n_dev = s->task->dev.list.n + s->task->aside.list.n;
	enum copy_of of = which >= s->n_guarded ? COPY_POOL : which >= n_dev ? COPY_TEST : COPY_DEV;

	return (struct copy){ of, s->items[which], cosine };
}

/* In normal form; what is guarded was put first, so that it is found first. */
static void find_same(const struct search *s, struct arena *arena, struct copy *out)
{
	struct hash_map known = { 0 };

	for (size_t i = 0; i < s->n; i++) {
		const char *normal = text_normal(arena, s->texts[i], strlen(s->texts[i]));
		size_t which = i < s->n_items ? hash_map_put(&known, normal, strlen(normal), i) :
						hash_map_get(&known, normal, strlen(normal), SIZE_MAX);

		if (i >= s->n_items && which != SIZE_MAX)
			out[i - s->n_items] = copy_at(s, which, 1);
	}
	hash_map_release(&known);
}

/* Those that nothing was found for, in the space of words (models NULL) or embeddings. The pool takes no part in it. */
static bool find_near(const struct search *s, struct models *models, struct arena *arena, struct copy *out, const char **by, struct error *err)
{
	size_t outside = s->n - s->n_items, n = s->n_guarded + outside;
	const char **texts = arena_array(arena, n, sizeof(*texts));
	struct near_space space = { 0 };
	struct curation how = { 0 };
	struct near *near = NULL;

	for (size_t i = 0; i < n; i++)
		texts[i] = s->texts[i < s->n_guarded ? i : i - s->n_guarded + s->n_items];
	bool done = near_space_init(&space, texts, n, models, arena, &how, err) && (near = near_new(&space, err)) != NULL;

	for (size_t i = 0; done && i < s->n_guarded; i++)
		near_add(near, i);
	for (size_t i = 0; done && i < outside; i++) {
		size_t which;
		double cosine;

		if (out[i].of != COPY_DEV && out[i].of != COPY_TEST && near_find(near, s->n_guarded + i, &which, &cosine))
			out[i] = copy_at(s, which, cosine);
	}
	near_free(near);
	near_space_release(&space);
	if (by)
		*by = how.by;
	return done;
}

bool copies_find(const struct task *task, struct models *models, const char *const *texts, size_t n, struct arena *arena, struct copy *out,
		 const char **by, struct error *err)
{
	struct search s;

	search_init(&s, task, texts, n, arena);
	memset(out, 0, n * sizeof(*out));
	find_same(&s, arena, out);
	return find_near(&s, NULL, arena, out, by, err) && (!models || find_near(&s, models, arena, out, by, err));
}

/* ---- the guard ---- */

static void warn(struct task *task, size_t n, const struct example *first, const struct copy *of)
{
	const char **warnings = arena_array(&task->arena, task->n_warnings + 1, sizeof(*warnings));

	if (task->n_warnings)
		memcpy(warnings, task->warnings, task->n_warnings * sizeof(*warnings));
	warnings[task->n_warnings++] =
		arena_printf(&task->arena, "%zu example%s of %s %s left out, being nearly what is tested or chosen by (first: line %zu, %.0f %% the %s item "
			     "%s)", n, n == 1 ? "" : "s", task->collected_file, n == 1 ? "is" : "are", first->line, 100 * of->cosine,
			     copy_of_name(of->of), of->item->id);
	task->warnings = warnings;
}

void copies_guard(struct task *task)
{
	struct item_list pool = task->pool.list;
	const struct example **left = arena_array(&task->arena, pool.n, sizeof(*left)), *first = NULL;
	struct arena arena;
	struct error impossible; /* no model is asked */
	size_t n = 0, dropped = 0, at = 0;

	if (task->n_collected == task->n_uncollected)
		return;
	arena_init(&arena);
	const struct template *input = curate_template(task, &arena);
	const char **texts = arena_array(&arena, pool.n, sizeof(*texts));
	struct copy *copies = arena_array(&arena, pool.n, sizeof(*copies)), nearest = { 0 };

	for (size_t i = 0; i < pool.n; i++)
		if (pool.items[i]->collected)
			texts[n++] = curate_item_text(input, pool.items[i], &arena);
	copies_find(task, NULL, texts, n, &arena, copies, NULL, &impossible);
	n = 0;
	for (size_t i = 0; i < pool.n; i++) {
		const struct copy *c = pool.items[i]->collected ? &copies[at++] : NULL;

		if (!c || (c->of != COPY_DEV && c->of != COPY_TEST)) {
			left[n++] = pool.items[i];
			continue;
		}
		if (!first || pool.items[i]->line < first->line) {
			first = pool.items[i];
			nearest = *c;
		}
		dropped++;
	}
	task->pool.list = (struct item_list){ left, n };
	task->n_uncollected += dropped;
	if (dropped)
		warn(task, dropped, first, &nearest);
	arena_release(&arena);
}
