/* changed.c - passages with another fact in them, and what models make of these */
#include "eval/changed.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "decide/knowledge.h"
#include "eval/ask.h"

/* ---- what is asked ---- */

struct shape {
	size_t words;
	bool digits;
};

static struct shape shape_of(const char *answer)
{
	struct shape s = { 0 };

	for (const char *c = answer; *c; c++) {
		s.words += *c != ' ' && (c == answer || c[-1] == ' ');
		s.digits |= isdigit((unsigned char)*c) != 0;
	}
	return s;
}

static const char *normalised(const char *text, struct arena *arena)
{
	return text_normal(arena, text, strlen(text));
}

static bool inside_word(const char *passage, const char *at, size_t n)
{
	return (at > passage && isalnum((unsigned char)at[-1])) || isalnum((unsigned char)at[n]);
}

/* The passage with `new` wherever `old` stood as whole words; NULL when it stood nowhere. */
static const char *replaced(const char *passage, const char *old, const char *new, struct arena *arena)
{
	struct buf out = { 0 };
	size_t n = strlen(old), found = 0;
	const char *from = passage, *copy = NULL;

	for (const char *at = passage; n > 0 && (at = strstr(at, old)); at += n)
		if (!inside_word(passage, at, n)) {
			buf_addf(&out, "%.*s%s", (int)(at - from), from, new);
			from = at + n;
			found++;
		}
	if (found > 0) {
		buf_adds(&out, from);
		copy = arena_copy(arena, out.data, out.n);
	}
	buf_release(&out);
	return copy;
}

static bool is_in(const char *text, const char *words)
{
	return text_find_words(text, words) != NULL;
}

/* The next answer down the pool that could stand where `old` does; NULL: none. */
static const char *other_answer(struct item_list pool, size_t after, const char *old, const char *passage, struct arena *arena)
{
	struct shape wanted = shape_of(old);
	const char *normal_old = normalised(old, arena), *normal_passage = normalised(passage, arena);

	for (size_t i = 1; i < pool.n; i++) {
		const char *other = pool.items[(after + i) % pool.n]->answer, *normal;
		struct shape s = shape_of(other);

		if (s.words != wanted.words || s.digits != wanted.digits || !*(normal = normalised(other, arena)))
			continue;
		if (!is_in(normal_passage, normal) && !is_in(normal, normal_old) && !is_in(normal_old, normal))
			return other;
	}
	return NULL;
}

static bool change(struct item_list pool, size_t at, const char *old, struct arena *arena, struct changed_item *out)
{
	const struct example *item = pool.items[at];
	const char *new = *normalised(old, arena) ? other_answer(pool, at, old, item->gold, arena) : NULL;
	const char *passage = new ? replaced(item->gold, old, new, arena) : NULL;

	if (!passage)
		return false;
	*out = (struct changed_item){ .example = *item, .old = normalised(old, arena), .new = normalised(new, arena) };
	out->example.gold = passage;
	out->example.gold_ids = NULL;
	out->example.n_gold_ids = 0;
	out->example.answer = new;
	out->example.answers = NULL;
	out->example.n_answers = 0;
	return true;
}

size_t changed_items(struct pool_items pool, struct arena *arena, struct changed_item *out)
{
	size_t n = 0;

	for (size_t i = 0; i < pool.list.n && n < CHANGED_ITEMS; i++) {
		const struct example *item = pool.list.items[i];
		bool changed = false;

		if (!item->gold || !item->gold[0])
			continue;
		for (size_t a = 0; !changed && a < (item->n_answers ? item->n_answers : 1); a++)
			changed = change(pool.list, i, item->n_answers ? item->answers[a] : item->answer, arena, &out[n]);
		n += changed;
	}
	return n;
}

/* ---- what is answered ---- */

void changed_count(const struct changed_item *items, const char *const *replies, size_t n, double *follows, double *recites)
{
	struct arena arena;

	arena_init(&arena);
	*follows = *recites = 0;
	for (size_t i = 0; i < n; i++) {
		const char *reply = normalised(replies[i] ? replies[i] : "", &arena);
		bool new = is_in(reply, items[i].new), old = is_in(reply, items[i].old);

		*follows += (double)(new && !old) / (double)n;
		*recites += (double)(old && !new) / (double)n;
	}
	arena_release(&arena);
}

static bool ask(struct workshop *w, const char *model, struct item_list list, const struct changed_item *items,
		const struct progress *progress, struct arena *arena, double *follows, double *recites, struct error *err)
{
	size_t n;
	const struct technique *oracle = &technique_probes(TASK_ANSWER, &n)[KNOWLEDGE_ORACLE];
	struct variant v = { .id = arena_printf(arena, "changed facts, %s", model), .name = oracle->name, .model = model, .rung = 1,
			     .technique = oracle };
	struct answer *answers = arena_array(arena, list.n, sizeof(*answers));
	const char *replies[CHANGED_ITEMS];

	if (!ask_items(w, &v, list, v.id, progress, arena, answers, err))
		return false;
	for (size_t i = 0; i < list.n; i++)
		replies[i] = answers[i].text;
	changed_count(items, replies, list.n, follows, recites);
	return true;
}

bool changed_ask(const struct task *task, const char *base, const char *tuned, struct models *models, const struct progress *progress,
		 struct changed *out, struct error *err)
{
	struct changed_item items[CHANGED_ITEMS];
	const struct example *list[CHANGED_ITEMS];
	struct arena arena;
	bool asked = true;

	*out = (struct changed){ 0 };
	arena_init(&arena);
	size_t n = task->kind == TASK_ANSWER ? changed_items(task->pool, &arena, items) : 0;

	for (size_t i = 0; i < n; i++)
		list[i] = &items[i].example;
	if (n >= CHANGED_FEWEST) {
		struct item_list all = { list, n };
		struct workshop *w = workshop_open(task, (struct dev_items){ 0 }, models, NULL, NULL, 0, 1);

		out->n = n;
		asked = ask(w, base, all, items, progress, &arena, &out->follows_before, &out->recites_before, err) &&
			ask(w, tuned, all, items, progress, &arena, &out->follows_after, &out->recites_after, err);
		workshop_free(w);
	}
	arena_release(&arena);
	return asked;
}
