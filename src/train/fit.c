/* fit.c - one loop for every model that training moves. */
#include "train/fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/rng.h"
#include "train/checkpoint.h"

enum {
	MEGABATCH = 50,   /* batches whose items are sorted by length together */
	FIRST_ITEMS = 16, /* whose mean loss later ones are compared with: few, since a high rate spoils the next step already */
};
static const double checkpoint_ms = 120e3; /* between two in the middle of an epoch */
static const double diverged = 3;          /* times the first loss; a batch alone may be easy, not three times as easy */

struct fitting {
	struct fit_model *m;
	const struct fit_options *o;
	struct fit_result *result;
	struct fit_state state;
	size_t *order;
	size_t epoch_steps, steps, first_steps;
	struct buf kept;            /* path of the values kept */
	double began_ms, saved_ms;
	size_t began_step;
	double recent;              /* loss, averaged over the last steps */
	struct error *err;
};

struct length {
	size_t item, tokens;
};

static int longer_first(const void *a, const void *b)
{
	const struct length *x = a, *y = b;

	if (x->tokens != y->tokens)
		return x->tokens < y->tokens ? 1 : -1;
	return x->item < y->item ? -1 : x->item > y->item;
}

void fit_order(struct fit_model *m, const struct fit_options *o, size_t epoch, size_t *order)
{
	size_t batches = (o->items + o->batch - 1) / o->batch, whole = o->items / o->batch;
	size_t *batch = mem_alloc((batches + 1) * sizeof(*batch)), *grouped = mem_alloc(o->items * sizeof(*grouped));
	struct length *lengths = mem_alloc(o->items * sizeof(*lengths));
	struct rng rng;

	rng_init(&rng, o->seed + epoch, "batches");
	for (size_t i = 0; i < o->items; i++)
		order[i] = i;
	rng_shuffle(&rng, order, o->items);
	for (size_t i = 0; i < o->items; i++)
		lengths[i] = (struct length){ order[i], m->tokens(m->self, order[i]) };
	for (size_t from = 0; from < o->items; from += MEGABATCH * o->batch) {
		size_t n = o->items - from < MEGABATCH * o->batch ? o->items - from : MEGABATCH * o->batch;

		qsort(lengths + from, n, sizeof(*lengths), longer_first);
	}
	for (size_t i = 0; i < o->items; i++)
		grouped[i] = lengths[i].item;
	for (size_t i = 0; i < batches; i++)
		batch[i] = i;
	rng_shuffle(&rng, batch, whole); /* a smaller one stays the last */
	for (size_t i = 0; i < batches; i++) {
		size_t from = batch[i] * o->batch, n = o->items - from < o->batch ? o->items - from : o->batch;

		memcpy(order + i * o->batch, grouped + from, n * sizeof(*order));
	}
	free(batch);
	free(grouped);
	free(lengths);
}

/* Rises to the highest rate in a straight line, then falls in one to zero. */
static double rate_of(const struct fitting *f, size_t step)
{
	double warm = ceil(f->o->warm_up * (double)f->steps), at = (double)step;

	if (at < warm)
		return f->o->rate * (at + 1) / warm;
	return f->o->rate * ((double)f->steps - at) / fmax((double)f->steps - warm, 1);
}

static size_t computed(const struct fit_model *m, const size_t *items, size_t n)
{
	size_t tokens = 0;

	if (m->computed)
		return m->computed(m->self, items, n);
	for (size_t i = 0; i < n; i++)
		tokens += m->tokens(m->self, items[i]);
	return tokens;
}

/* The gradients of one batch, in passes of as many items as the memory cap allows; returns the sum of losses. */
static double run_batch(struct fitting *f, const size_t *items, size_t n, double *weight)
{
	double loss = 0;

	*weight = 0;
	for (size_t from = 0, to; from < n; from = to) {
		double own;

		for (to = from + 1; to < n && computed(f->m, items + from, to + 1 - from) <= f->o->pass_tokens;)
			to++;
		loss += f->m->pass(f->m->self, items + from, to - from, from == 0, &own);
		*weight += own;
		f->result->tokens += computed(f->m, items + from, to - from);
	}
	return loss;
}

void fit_step_text(const struct fit_step *s, char *out, size_t n)
{
	char score[32] = "", left[32];
	double minutes = floor(s->seconds_left / 60);

	if (!isnan(s->score))
		snprintf(score, sizeof(score), ", held %.3f", s->score);
	if (minutes < 60)
		snprintf(left, sizeof(left), "%.0f:%02.0f", minutes, floor(fmod(s->seconds_left, 60)));
	else
		snprintf(left, sizeof(left), "%.0f h %02.0f", floor(minutes / 60), fmod(minutes, 60));
	snprintf(out, n, "loss %.3f%s, rate %.0e, %.0f tok/s, %s left", s->loss, score, s->rate, s->tokens_per_second, left);
}

static void show(struct fitting *f, double rate)
{
	double seconds = (clock_ms() - f->began_ms) / 1e3, done = (double)(f->state.step - f->began_step);
	size_t n = f->state.curve_n;
	struct fit_step s = { .step = f->state.step, .steps = f->steps, .loss = f->recent, .rate = rate,
			      .epoch = (double)f->state.step / (double)f->epoch_steps,
			      .tokens_per_second = seconds > 0 ? (double)f->result->tokens / seconds : 0,
			      .seconds_left = done > 0 ? seconds / done * (double)(f->steps - f->state.step) : 0,
			      .score = n > 0 ? f->result->curve[n - 1].score : NAN };

	if (f->o->progress.step)
		f->o->progress.step(f->o->progress.context, &s);
}

/* There is nothing to go on from any more. */
static void forget(const struct fitting *f)
{
	if (!f->kept.data)
		return;
	unlink(f->o->checkpoint);
	unlink(f->kept.data);
}

static bool run_step(struct fitting *f)
{
	size_t at = f->state.step % f->epoch_steps * f->o->batch;
	size_t n = f->o->items - at < f->o->batch ? f->o->items - at : f->o->batch;
	double weight, rate = rate_of(f, f->state.step), loss = run_batch(f, f->order + at, n, &weight) / weight;
	double norm = isfinite(loss) ? parameters_step(f->m->parameters, rate, 1 / weight) : NAN;

	if (!isfinite(norm)) {
		forget(f);
		return error_set(f->err, "the loss is not a number at step %zu of %zu (learning rate %g); train with a lower one, such "
				 "as %g", (size_t)f->state.step + 1, f->steps, f->o->rate, f->o->rate / 10);
	}
	f->state.step++;
	f->state.loss += loss;
	f->state.loss_steps++;
	if (f->state.step <= f->first_steps)
		f->state.first_loss += (loss - f->state.first_loss) / (double)f->state.step;
	f->recent = f->state.step == f->began_step + 1 ? loss : 0.9 * f->recent + 0.1 * loss;
	show(f, rate);
	return true;
}

static bool save(struct fitting *f)
{
	f->saved_ms = clock_ms();
	return !f->o->checkpoint ||
	       checkpoint_write(f->o->checkpoint, f->m->parameters, &f->state, f->result->curve, f->err);
}

/* Whether the last score of the curve cannot be told from the best one: see fit.h. */
static bool good_enough(const struct fitting *f)
{
	const struct fit_point *curve = f->result->curve;
	size_t last = f->state.curve_n - 1;
	double best = curve[last].score, error = 0;

	for (size_t i = 0; i < last; i++)
		best = fmax(best, curve[i].score);
	if (f->m->scored) /* a mean of values from 0 to 1 has no larger one; where all or none are right, an item more or less is none */
		error = fmax(sqrt(fmax(best * (1 - best), 0) / (double)f->m->scored), (1 + 1e-9) / (double)f->m->scored);
	return last == 0 || !f->m->score || curve[last].score >= best - error;
}

/* The epoch's point of the curve; keeps the values when they are good enough. */
static bool evaluate(struct fitting *f)
{
	struct fit_result *r = f->result;
	struct fit_point point = { .step = f->state.step, .loss = f->state.loss / fmax(f->state.loss_steps, 1), .score = NAN };

	if (point.loss > diverged * f->state.first_loss && f->state.step > f->first_steps) {
		forget(f);
		return error_set(f->err, "the loss rose from %.3g to %.3g: the learning rate %g is too high; train with a lower one, such "
				 "as %g", f->state.first_loss, point.loss, f->o->rate, f->o->rate / 10);
	}
	parameters_catch_up(f->m->parameters);
	if (f->m->score)
		point.score = f->m->score(f->m->self);
	r->curve = mem_resize(r->curve, f->state.curve_n + 1, sizeof(*r->curve));
	r->curve[f->state.curve_n++] = point;
	f->state.loss = f->state.loss_steps = 0;
	bool keep = good_enough(f);

	f->state.flat = keep ? 0 : f->state.flat + 1;
	if (!keep)
		return save(f);
	f->state.kept = f->state.curve_n - 1;
	return (!f->kept.data || values_write(f->kept.data, f->m->parameters, f->err)) && save(f);
}

static bool stopped(const struct fitting *f)
{
	return f->o->progress.stopped && f->o->progress.stopped(f->o->progress.context);
}

static enum fit_end run_epochs(struct fitting *f)
{
	while (f->state.step < f->steps) {
		if (f->o->patience && f->state.flat >= f->o->patience) {
			f->result->early = true;
			break;
		}
		if (f->state.step % f->epoch_steps == 0 || f->state.step == f->began_step)
			fit_order(f->m, f->o, f->state.step / f->epoch_steps, f->order);
		if (!run_step(f))
			return FIT_FAILED;
		if (f->state.step % f->epoch_steps == 0 && !evaluate(f))
			return FIT_FAILED;
		if (stopped(f) && f->state.step < f->steps) {
			error_set(f->err, "interrupted at step %zu of %zu; run the same command again to go on", (size_t)f->state.step,
				  f->steps);
			return save(f) ? FIT_STOPPED : FIT_FAILED;
		}
		if (f->o->checkpoint && clock_ms() - f->saved_ms > checkpoint_ms && !save(f))
			return FIT_FAILED;
	}
	return FIT_DONE;
}

/* Goes on from the checkpoint, if there is one of this run. */
static bool resume(struct fitting *f)
{
	bool found = false;

	if (f->o->checkpoint && !checkpoint_read(f->o->checkpoint, f->m->parameters, &f->state, &f->result->curve, &found, f->err))
		return false;
	if (!found)
		f->state = (struct fit_state){ .fingerprint = f->o->fingerprint };
	f->began_step = f->state.step;
	return true;
}

/* Puts the values kept in place of those of later steps, of which there are some in the middle of an epoch too. */
static bool take_kept(struct fitting *f)
{
	if (f->state.curve_n == 0 || !f->kept.data || f->result->curve[f->state.kept].step == f->state.step)
		return true;
	parameters_catch_up(f->m->parameters); /* what rows are behind by is not added to values that have it */
	return values_read(f->kept.data, f->m->parameters, f->err);
}

enum fit_end fit(struct fit_model *m, const struct fit_options *options, struct fit_result *result, struct error *err)
{
	struct fitting f = { .m = m, .o = options, .result = result, .err = err };
	enum fit_end end = FIT_FAILED;

	*result = (struct fit_result){ 0 };
	f.state.fingerprint = options->fingerprint;
	f.epoch_steps = (options->items + options->batch - 1) / options->batch;
	f.steps = f.epoch_steps * options->epochs;
	f.first_steps = (FIRST_ITEMS + options->batch - 1) / options->batch;
	f.order = mem_zero(options->items + 1, sizeof(*f.order));
	f.began_ms = f.saved_ms = clock_ms();
	if (options->checkpoint)
		buf_addf(&f.kept, "%s.kept", options->checkpoint);
	if (resume(&f))
		end = run_epochs(&f);
	if (end != FIT_FAILED && !take_kept(&f))
		end = FIT_FAILED;
	if (end == FIT_DONE)
		forget(&f);
	result->n = f.state.curve_n;
	result->kept = f.state.kept;
	result->steps = f.state.step;
	result->resumed = f.began_step;
	result->seconds = (clock_ms() - f.began_ms) / 1e3;
	buf_release(&f.kept);
	free(f.order);
	return end;
}
