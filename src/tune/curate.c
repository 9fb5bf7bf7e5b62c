/* curate.c - one reason after another over the pool in the order of its file, so that the first of several copies stays. */
#include "tune/curate.h"

#include "base/hash.h"
#include "base/text.h"
#include "model/reader.h"
#include "task/template.h"
#include "tune/curate_inner.h"
#include "tune/finetune.h"

static const struct {
	const char *name;
	enum curate_decision usual;
} reasons[CURATE_REASONS] = {
	[CURATE_EMPTY] = { "empty", CURATE_DROP },         [CURATE_LEAK] = { "leak", CURATE_DROP },
	[CURATE_CONFLICT] = { "conflict", CURATE_DROP },   [CURATE_DUPLICATE] = { "duplicate", CURATE_DROP },
	[CURATE_SUSPECT] = { "suspect", CURATE_KEEP },     [CURATE_LONG] = { "long", CURATE_KEEP },
};
static const char *const decisions[CURATE_DECISIONS] = { "keep", "drop", "relabel" };

const char *curate_reason_name(enum curate_reason r)
{
	return reasons[r].name;
}

const char *curate_decision_name(enum curate_decision d)
{
	return decisions[d];
}

enum curate_decision curate_usual(enum curate_reason r)
{
	return reasons[r].usual;
}

/* Items are numbered: the pool by line, then dev, those set aside of it too, then test. */
struct work {
	const struct task *task;
	struct arena *arena;
	struct curation *out;
	size_t n, pool;
	const struct example **items; /* (n) */
	const char **texts, **normal; /* (n) what classifiers see; the form in which duplicates are compared */
	struct near_space space;      /* (n) */
	struct curate_finding *found; /* (pool); item NULL: nothing yet */
};

static int by_line(const void *a, const void *b)
{
	size_t x = (*(const struct example *const *)a)->line, y = (*(const struct example *const *)b)->line;

	return (x > y) - (x < y);
}

const struct template *curate_template(const struct task *task, struct arena *arena)
{
	struct error impossible; /* task_open() compiled the same template */

	return template_compile(arena, task, task->input, "input", &impossible);
}

const char *curate_item_text(const struct template *input, const struct example *e, struct arena *arena)
{
	struct buf text = { 0 };

	template_values(input, e, &text);
	const char *copy = arena_copy(arena, buf_text(&text), text.n);

	buf_release(&text);
	return copy;
}

static void work_init(struct work *w, const struct task *task, struct arena *arena, struct curation *out)
{
	const struct item_list lists[] = { task->pool.list, task->dev.list, task->aside.list, task->test.list };
	struct buf normal = { 0 };
	const struct template *input = curate_template(task, arena);
	size_t at = 0;

	*w = (struct work){ .task = task, .arena = arena, .out = out, .pool = lists[0].n };
	for (size_t l = 0; l < 4; l++)
		w->n += lists[l].n;
	w->items = arena_array(arena, w->n, sizeof(*w->items));
	w->texts = arena_array(arena, w->n, sizeof(*w->texts));
	w->normal = arena_array(arena, w->n, sizeof(*w->normal));
	w->found = arena_array(arena, w->pool, sizeof(*w->found));
	for (size_t l = 0; l < 4; l++)
		for (size_t i = 0; i < lists[l].n; i++)
			w->items[at++] = lists[l].items[i];
	qsort(w->items, w->pool, sizeof(*w->items), by_line);
	for (size_t i = 0; i < w->n; i++) {
		w->texts[i] = curate_item_text(input, w->items[i], arena);
		buf_clear(&normal);
		text_normalise(&normal, w->texts[i], strlen(w->texts[i]));
		w->normal[i] = arena_copy(arena, buf_text(&normal), normal.n);
	}
	buf_release(&normal);
	*out = (struct curation){ .pool = w->pool };
}

/* The first reason stays. other: an item's number, or SIZE_MAX. */
static void note(struct work *w, size_t i, enum curate_reason reason, double score, size_t other, size_t suggested)
{
	if (w->found[i].item)
		return;
	w->found[i] = (struct curate_finding){ .item = w->items[i], .reason = reason, .score = score, .suggested = suggested,
					       .near = other < w->n ? w->items[other]->id : NULL,
					       .decision = reasons[reason].usual };
}

/* --- empty, leaking, repeated, contradicting ------------------------------------------------------------------------ */

static void find_empty(struct work *w)
{
	for (size_t i = 0; i < w->pool; i++)
		if (!w->normal[i][0])
			note(w, i, CURATE_EMPTY, 0, SIZE_MAX, SIZE_MAX);
}

/* The text that is the same or nearest among those in `known` and `near`; SIZE_MAX: none is near. */
static size_t twin_of(const struct work *w, const struct hash_map *known, struct near *near, size_t i, double *cosine)
{
	size_t which = hash_map_get(known, w->normal[i], strlen(w->normal[i]), SIZE_MAX);

	*cosine = 1;
	return which != SIZE_MAX || near_find(near, i, &which, cosine) ? which : SIZE_MAX;
}

static bool find_leaks(struct work *w, struct error *err)
{
	struct hash_map known = { 0 };
	struct near *near = near_new(&w->space, err);

	if (!near)
		return false;
	for (size_t i = w->pool; i < w->n; i++) {
		hash_map_put(&known, w->normal[i], strlen(w->normal[i]), i);
		near_add(near, i);
	}
	for (size_t i = 0; i < w->pool; i++) {
		double cosine;
		size_t twin = w->found[i].item ? SIZE_MAX : twin_of(w, &known, near, i, &cosine);

		if (twin != SIZE_MAX)
			note(w, i, CURATE_LEAK, cosine, twin, SIZE_MAX);
	}
	hash_map_release(&known);
	near_free(near);
	return true;
}

static bool same_answer(const struct work *w, size_t a, size_t b)
{
	return strcmp(w->items[a]->answer, w->items[b]->answer) == 0;
}

/* Items in clusters: each near the first of its cluster, which is near the first of no other. */
struct clusters {
	size_t *first;  /* (pool) the cluster's first item; SIZE_MAX: the item takes no part */
	size_t *next;   /* (pool) the next of the cluster; SIZE_MAX: the last */
	size_t *last;   /* (pool) of a first item: the last of its cluster */
	double *cosine; /* (pool) with the first */
};

static void cluster_join(struct clusters *c, size_t i, size_t first, double cosine)
{
	c->first[i] = first;
	c->next[i] = SIZE_MAX;
	c->cosine[i] = cosine;
	if (first != i)
		c->next[c->last[first]] = i;
	c->last[first] = i;
}

static bool clusters_init(struct clusters *c, const struct work *w, struct error *err)
{
	struct hash_map known = { 0 };
	struct near *near = near_new(&w->space, err);

	if (!near)
		return false;
	*c = (struct clusters){ arena_array(w->arena, w->pool, sizeof(size_t)), arena_array(w->arena, w->pool, sizeof(size_t)),
				arena_array(w->arena, w->pool, sizeof(size_t)), arena_array(w->arena, w->pool, sizeof(double)) };
	for (size_t i = 0; i < w->pool; i++) {
		double cosine;

		c->first[i] = SIZE_MAX;
		if (w->found[i].item)
			continue;
		size_t first = twin_of(w, &known, near, i, &cosine);

		/* What reads almost alike may be asked and extracted differently ("in 1990", "in 1991"); a label is of the whole. */
		if (first != SIZE_MAX && !curate_labels(w->task) && !same_answer(w, i, first) &&
		    strcmp(w->normal[i], w->normal[first]) != 0)
			first = SIZE_MAX;
		cluster_join(c, i, first == SIZE_MAX ? i : first, cosine);
		if (first == SIZE_MAX)
			near_add(near, i);
		hash_map_put(&known, w->normal[i], strlen(w->normal[i]), c->first[i]);
	}
	hash_map_release(&known);
	near_free(near);
	return true;
}

/* The first item with the answer that more than half of the cluster have; SIZE_MAX: there is none (Boyer, Moore 1981). */
static size_t majority_of(const struct work *w, const struct clusters *c, size_t first)
{
	size_t held = first, lead = 0, n = 0, have = 0, with = SIZE_MAX;

	for (size_t i = first; i != SIZE_MAX; i = c->next[i], n++) {
		if (lead == 0)
			held = i;
		if (same_answer(w, i, held))
			lead++;
		else
			lead--;
	}
	for (size_t i = first; i != SIZE_MAX; i = c->next[i])
		if (same_answer(w, i, held)) {
			with = with == SIZE_MAX ? i : with;
			have++;
		}
	return have > n / 2 ? with : SIZE_MAX;
}

/* What the majority says stays, once; without one nothing does, as nobody knows which is right. */
static void cluster_settle(struct work *w, const struct clusters *c, size_t first)
{
	size_t kept = majority_of(w, c, first), other = first;

	while (other != SIZE_MAX && same_answer(w, other, first))
		other = c->next[other];
	for (size_t i = first; i != SIZE_MAX; i = c->next[i]) {
		if (kept != SIZE_MAX && same_answer(w, i, kept)) {
			if (i != kept)
				note(w, i, CURATE_DUPLICATE, c->cosine[i], kept, SIZE_MAX);
			continue;
		}
		size_t against = kept != SIZE_MAX ? kept : same_answer(w, i, first) ? other : first;
		size_t suggested = kept != SIZE_MAX && curate_labels(w->task) ? w->items[kept]->label : SIZE_MAX;

		note(w, i, CURATE_CONFLICT, c->cosine[i == first ? against : i], against, suggested);
	}
}

static bool find_copies(struct work *w, struct error *err)
{
	struct clusters c;

	if (!clusters_init(&c, w, err))
		return false;
	for (size_t i = 0; i < w->pool; i++)
		if (c.first[i] == i)
			cluster_settle(w, &c, i);
	return true;
}

/* --- suspected labels, lengths ------------------------------------------------------------------------------------- */

/* What would be trained on so far: its positions, and its labels numbered without gaps. */
struct remaining {
	size_t n, n_classes;
	size_t *at, *classes, *groups; /* (n) */
	size_t *labels;                /* (n_classes) */
};

static void remaining_init(struct remaining *r, const struct work *w)
{
	size_t *class_of = arena_array(w->arena, w->task->n_labels, sizeof(*class_of)); /* plus one */

	*r = (struct remaining){ .at = arena_array(w->arena, w->pool, sizeof(size_t)),
				 .classes = arena_array(w->arena, w->pool, sizeof(size_t)),
				 .groups = arena_array(w->arena, w->pool, sizeof(size_t)),
				 .labels = arena_array(w->arena, w->task->n_labels, sizeof(size_t)) };
	for (size_t i = 0; i < w->pool; i++) {
		size_t *class = &class_of[w->items[i]->label];

		if (w->found[i].item)
			continue;
		if (*class == 0) {
			r->labels[r->n_classes++] = w->items[i]->label;
			*class = r->n_classes;
		}
		r->at[r->n] = i;
		r->classes[r->n] = *class - 1;
		r->groups[r->n++] = w->items[i]->group;
	}
}

static void find_suspects(struct work *w, struct models *models, uint64_t seed)
{
	struct remaining r;
	struct pool *own = models ? NULL : pool_open(1);

	remaining_init(&r, w);
	double *p = mem_zero(r.n * r.n_classes + 1, sizeof(*p)), *margins = mem_zero(r.n + 1, sizeof(*margins));
	size_t *suggested = mem_zero(r.n + 1, sizeof(*suggested));

	if (r.n_classes > 1 && suspects_cross(&w->space, r.at, r.classes, r.groups, r.n, r.n_classes, seed,
					      own ? own : models_pool(models), p)) {
		suspects_find(p, r.classes, r.n, r.n_classes, suggested, margins);
		for (size_t i = 0; i < r.n; i++)
			if (suggested[i] != SIZE_MAX)
				note(w, r.at[i], CURATE_SUSPECT, margins[i], SIZE_MAX, r.labels[suggested[i]]);
	}
	pool_free(own);
	free(p);
	free(margins);
	free(suggested);
}

/* Tokens of what a decoder would be trained on, without passages. */
static size_t prompt_tokens(const struct reader *reader, const struct template *opening, const struct template *input,
			    const struct example *e)
{
	struct buf text = { 0 };

	template_render(opening, e, &text);
	buf_adds(&text, "\n\n");
	template_render(input, e, &text);
	struct message messages[] = { { MESSAGE_USER, buf_text(&text) }, { MESSAGE_ASSISTANT, e->answer } };
	size_t tokens = reader_tokens(reader, messages, 2);

	buf_release(&text);
	return tokens;
}

static void find_long(struct work *w, const struct curate_models *m)
{
	struct error err;
	struct reader *reader = m->models ? reader_open(m->folder, m->decoder, &err) : NULL;
	const struct template *opening = template_compile(w->arena, w->task, w->task->instructions[0], "instruction", &err);
	const struct template *input = curate_template(w->task, w->arena);

	if (m->models && !reader && !w->out->note)
		w->out->note = arena_string(w->arena, err.text);
	w->out->limit = w->space.vectors ? models_embedding_limit(m->models) : 0;
	for (size_t i = 0; i < w->pool; i++) {
		size_t read = w->out->limit ? models_embedding_tokens(m->models, w->texts[i], strlen(w->texts[i])) : 0;
		size_t asked = reader ? prompt_tokens(reader, opening, input, w->items[i]) : 0;
		bool cut = read > w->out->limit, too_long = asked > TRAINED_TOKENS;

		w->out->cut += cut;
		w->out->too_long += too_long;
		if (cut || too_long)
			note(w, i, CURATE_LONG, (double)(read > asked ? read : asked), SIZE_MAX, SIZE_MAX);
	}
	reader_free(reader);
}

/* --- all of it ------------------------------------------------------------------------------------------------------ */

static int by_reason(const void *a, const void *b)
{
	const struct curate_finding *x = a, *y = b;

	if (x->reason != y->reason)
		return x->reason < y->reason ? -1 : 1;
	if (x->score < y->score || x->score > y->score)
		return x->score > y->score ? -1 : 1;
	return (x->item->line > y->item->line) - (x->item->line < y->item->line);
}

static void gather(struct work *w)
{
	w->out->findings = w->found;
	for (size_t i = 0; i < w->pool; i++)
		if (w->found[i].item)
			w->found[w->out->n++] = w->found[i];
	qsort(w->found, w->out->n, sizeof(*w->found), by_reason);
}

bool curate_find(const struct task *task, const struct curate_models *m, uint64_t seed, struct arena *arena, struct curation *out,
		 struct error *err)
{
	struct work w;

	work_init(&w, task, arena, out);
	bool done = near_space_init(&w.space, w.texts, w.n, m->models, arena, out, err);

	find_empty(&w);
	done = done && find_leaks(&w, err) && find_copies(&w, err);
	if (done && curate_labels(task))
		find_suspects(&w, m->models, seed);
	if (done)
		find_long(&w, m);
	near_space_release(&w.space);
	gather(&w);
	return done;
}
