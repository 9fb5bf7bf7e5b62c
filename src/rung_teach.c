/* rung_teach.c - the teacher of `rung tune --teacher`: which variant it is, and what it is asked. */
#include <string.h>

#include "rung_inner.h"
#include "tune/curate.h"
#include "variant/teach.h"

enum { REASONS_FEWEST = 10 };

static const struct variant *find_teacher(struct rung *r, const struct rung_tune_options *o, struct error *err)
{
	size_t n;
	const struct variant *variants = variants_list(r->task, &r->arena, NULL, 0, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(variants[i].id, o->teacher) == 0 && !variants[i].skipped) {
			if (!o->reasons || teach_gives_reasons(&variants[i]))
				return &variants[i];
			error_set(err, "%s: variant \"%s\" answers without reasons; --reasons needs one that thinks first, as 1/chain-of-thought",
				  r->task->file, o->teacher);
			return NULL;
		}
	error_set(err, "%s: no variant \"%s\" can teach; `rung report` lists them", r->task->file, o->teacher);
	return NULL;
}

/* What the teacher says of the pool, and of the file. */
static bool ask(struct rung *r, struct workshop *w, const struct variant *teacher, const struct rung_tune_options *o, struct taught *pool,
		struct taught *file, struct buf *out, struct error *err)
{
	struct teach_progress progress = { r->options.progress, r->options.stopped, r->options.context };

	if (o->reasons && !teach_pool(w, r->task, teacher, &progress, &r->arena, pool, err))
		return false;
	if (o->reasons)
		buf_addf(out, "%s reasoned its way to the answer of %zu of %zu examples of the pool, which are learnt with its reasons\n", o->teacher,
			 pool->n, pool->rows);
	if (o->unlabelled && !teach_file(w, r->task, teacher, o->unlabelled, o->reasons, &progress, &r->arena, file, err))
		return false;
	if (o->unlabelled)
		buf_addf(out, "%s labelled %zu of %zu rows (%zu stand in the task already, %zu got no usable answer)\n", o->teacher, file->n,
			 file->rows, file->known, file->unanswered);
	if (o->reasons && pool->n + file->n < REASONS_FEWEST)
		return error_set(err, "%s reasoned its way to the answer of %zu of %zu examples of the pool, and %d are the fewest worth learning from; "
				 "take a stronger teacher, or leave --reasons out", o->teacher, pool->n, pool->rows, REASONS_FEWEST);
	return true;
}

static void hand_over(struct rung *r, const struct taught *pool, const struct taught *file, struct training_watch *watch)
{
	const struct example **items = arena_array(&r->arena, pool->n + file->n + 1, sizeof(*items));

	for (size_t i = 0; i < pool->n; i++)
		items[i] = pool->items[i];
	for (size_t i = 0; i < file->n; i++)
		items[pool->n + i] = file->items[i];
	watch->taught = items;
	watch->n_taught = pool->n + file->n;
	watch->n_labelled = file->n;
}

bool rung_teach(struct rung *r, const struct rung_tune_options *o, struct training_watch *watch, struct buf *out, struct error *err)
{
	const struct variant *teacher = find_teacher(r, o, err);
	struct taught pool = { 0 }, file = { 0 };
	struct curated curated;

	if (teacher && teacher->model && model_leaves(teacher->model) && !o->yes)
		return error_set(err, "%s: the teacher's model %s is asked once for each example and may cost money, and nobody agreed to that; add "
				 "--yes", r->task->file, teacher->model);
	if (!teacher || !curate_apply(r->task, rung_beside_store(r, CURATE_FILE), &r->arena, &curated, err))
		return false;
	if (r->task->documents.n_paths > 0 && !r->library &&
	    !(r->library = library_open(rung_beside_store(r, "docs.db"), false, rung_models(r), err)))
		return false;
	r->store = store_open(rung_store_path(r), true, err);
	if (!r->store)
		return false;
	struct workshop *w = workshop_open(r->task, dev_order(r->task, r->options.seed, &r->arena), rung_models(r), r->library,
					   r->store, 0, r->options.seed);

	workshop_curate(w, &curated);
	bool done = ask(r, w, teacher, o, &pool, &file, out, err);

	workshop_free(w);
	if (done) {
		hand_over(r, &pool, &file, watch);
		watch->teacher = o->teacher;
	}
	return done;
}
