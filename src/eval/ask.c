/* ask.c - ask_items(), ask_scores() */
#include "eval/ask.h"

#include "task/scorer.h"

enum { TOGETHER = 16 };

bool ask_items(struct workshop *w, const struct variant *v, struct item_list items, const char *what, const struct progress *progress,
	       struct arena *arena, struct answer *answers, struct error *err)
{
	for (size_t from = 0; from < items.n; from += TOGETHER) {
		size_t n = items.n - from < TOGETHER ? items.n - from : TOGETHER;

		if (progress->stopped && progress->stopped(progress->context))
			return error_set(err, "interrupted; run the same command again");
		if (!variant_answer(w, v, items.items + from, n, arena, answers + from, err))
			return false;
		if (progress->step)
			progress->step(progress->context, what, from + n, items.n);
	}
	return true;
}

bool ask_scores(struct workshop *w, const struct task *task, const struct variant *v, struct item_list items, const char *what,
		const struct progress *progress, double *scores, struct error *err)
{
	struct arena arena;

	arena_init(&arena);
	struct answer *answers = arena_array(&arena, items.n, sizeof(*answers));
	const char **texts = arena_array(&arena, items.n, sizeof(*texts));
	bool asked = ask_items(w, v, items, what, progress, &arena, answers, err);

	for (size_t i = 0; asked && i < items.n; i++)
		texts[i] = answers[i].text;
	asked = asked && workshop_grade(w, items.items, texts, items.n, err);
	for (size_t i = 0; asked && i < items.n; i++)
		scores[i] = scorer_grade(task, items.items[i], answers[i].text);
	arena_release(&arena);
	return asked;
}
