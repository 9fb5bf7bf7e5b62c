/* The training loop on a small convex model: a linear one with an embedding, whose items are numbers. What a run ends with must not
 * depend on where it was interrupted, on passes, or on how its parameters keep their gradients. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/rng.h"
#include "train/checkpoint.h"

enum { ITEMS = 50, WIDTH = 5, WORDS = 40, BATCH = 8, STEPS = 7 /* an epoch */, EPOCHS = 6 };

/* prediction = w x + e[word] x; the loss is half its squared error. */
struct toy {
	struct pool *pool;
	struct parameters ps;
	struct parameter *w, *e;
	double x[ITEMS][WIDTH], y[ITEMS];
	size_t word[ITEMS], tokens[ITEMS], n_passes, largest; /* tokens of the largest pass */
	size_t nan_at;                                        /* pass whose loss is no number; 0: none */
	struct fit_model model;
	/* What score() gives: minus the loss, or (script) these in turn; it keeps the weights it saw. */
	const double *script;
	size_t n_scores;
	float seen[EPOCHS + 1][(1 + WORDS) * WIDTH];
	/* Ends at this step, by stopped() or (killed) as kill -9 does. */
	size_t stop_at, steps;
	bool killed;
	double rates[ITEMS * EPOCHS];
};

static double error_of(const struct toy *t, size_t i)
{
	double sum = -t->y[i];

	for (size_t c = 0; c < WIDTH; c++)
		sum += ((double)t->w->value[c] + (double)t->e->value[t->word[i] * WIDTH + c]) * t->x[i][c];
	return sum;
}

static size_t tokens_of(void *self, size_t item)
{
	return ((struct toy *)self)->tokens[item];
}

static double pass(void *self, const size_t *items, size_t n, bool first, double *weight)
{
	struct toy *t = self;
	uint32_t rows[ITEMS];
	size_t tokens = 0, n_rows = 0;
	double loss = 0;
	bool met[WORDS] = { false };

	for (size_t i = 0; i < n; i++) {
		size_t word = t->word[items[i]];

		if (!met[word])
			rows[n_rows++] = (uint32_t)word;
		met[word] = true;
		tokens += t->tokens[items[i]];
	}
	if (t->e->by_rows)
		parameter_catch_up(&t->ps, t->e, rows, n_rows);
	if (first) {
		memset(t->w->gradient, 0, WIDTH * sizeof(float));
		if (!t->e->by_rows)
			memset(t->e->gradient, 0, WORDS * WIDTH * sizeof(float));
	}
	for (size_t i = 0; i < n; i++) {
		double error = error_of(t, items[i]);
		size_t word = t->word[items[i]];
		float *row = t->e->by_rows ? parameter_row_gradient(t->e, word) : t->e->gradient + word * WIDTH;

		loss += error * error / 2;
		for (size_t c = 0; c < WIDTH; c++) {
			float g = (float)(error * t->x[items[i]][c]);

			t->w->gradient[c] += g;
			row[c] += g;
		}
	}
	t->largest = n > 1 && tokens > t->largest ? tokens : t->largest;
	*weight = (double)n;
	return ++t->n_passes == t->nan_at ? NAN : loss;
}

static double whole_loss(const struct toy *t)
{
	double loss = 0;

	for (size_t i = 0; i < ITEMS; i++)
		loss += error_of(t, i) * error_of(t, i) / 2 / ITEMS;
	return loss;
}

static void keep_values(const struct toy *t, float *values)
{
	memcpy(values, t->w->value, WIDTH * sizeof(float));
	memcpy(values + WIDTH, t->e->value, WORDS * WIDTH * sizeof(float));
}

static double score(void *self)
{
	struct toy *t = self;

	keep_values(t, t->seen[t->n_scores]);
	t->n_scores++;
	return t->script ? t->script[t->n_scores - 1] : -whole_loss(t);
}

static void count_step(void *context, const struct fit_step *s)
{
	struct toy *t = context;

	t->rates[s->step - 1] = s->rate;
	t->steps = s->step;
	if (t->killed && s->step == t->stop_at)
		_exit(9);
}

static bool stopped(void *context)
{
	struct toy *t = context;

	return t->stop_at && !t->killed && t->steps >= t->stop_at;
}

static void begin(struct toy *t, bool by_rows, double clip)
{
	static const char *const w[] = { "w" }, *const e[] = { "embedding" };
	struct adamw_options options = adamw_defaults;
	struct rng rng;

	*t = (struct toy){ .pool = pool_open(1) };
	options.clip = clip;
	parameters_init(&t->ps, kernels_choose(true, NULL), t->pool, &options);
	t->w = parameters_add(&t->ps, w, 1, 1, WIDTH, false);
	t->e = parameters_add(&t->ps, e, 1, WORDS, WIDTH, by_rows);
	t->e->rate_scale = 0.5f;
	rng_init(&rng, 5, "toy");
	for (size_t i = 0; i < ITEMS; i++) {
		t->word[i] = rng_below(&rng, WORDS / 2) * 2; /* half of the words are never seen */
		t->tokens[i] = 1 + rng_below(&rng, 30);
		for (size_t c = 0; c < WIDTH; c++)
			t->x[i][c] = 2 * rng_double(&rng) - 1;
		t->y[i] = t->x[i][0] - 2 * t->x[i][1] + 0.1 * rng_double(&rng);
	}
	for (size_t i = 0; i < WORDS * WIDTH; i++)
		t->e->value[i] = (float)(0.1 * (2 * rng_double(&rng) - 1));
	t->model = (struct fit_model){ t, &t->ps, tokens_of, NULL, pass, score, 0 };
}

static void end(struct toy *t)
{
	parameters_release(&t->ps);
	pool_free(t->pool);
}

static struct fit_options options_of(struct toy *t, const char *checkpoint)
{
	return (struct fit_options){ .items = ITEMS, .epochs = EPOCHS, .batch = BATCH, .pass_tokens = 1000, .rate = 0.05, .warm_up = 0.1,
				     .seed = 3, .fingerprint = 77, .checkpoint = checkpoint,
				     .progress = { .step = count_step, .stopped = stopped, .context = t } };
}

static char *scratch_path(char *path, size_t n)
{
	char folder[] = "/tmp/rung-fit-XXXXXX";

	assert_non_null(mkdtemp(folder));
	snprintf(path, n, "%s/checkpoint", folder);
	return path;
}

static void remove_scratch(char *path)
{
	char kept[4200];

	snprintf(kept, sizeof(kept), "%s.kept", path);
	unlink(path);
	unlink(kept);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0); /* nothing else was left */
}

static void assert_sentence(const struct error *err, const char *fragment)
{
	if (!strstr(err->text, fragment))
		fail_msg("\"%s\" is not in: %s", fragment, err->text);
}

/* --- one run ------------------------------------------------------------------------------------------------------- */

static void losses_fall_and_results_add_up(void **state)
{
	struct toy t;
	struct fit_result r;
	struct error err = { .text = "" };

	(void)state;
	begin(&t, true, 1);
	double before = whole_loss(&t);
	struct fit_options o = options_of(&t, NULL);

	assert_int_equal(fit(&t.model, &o, &r, &err), FIT_DONE);
	assert_int_equal(r.n, EPOCHS);
	assert_int_equal(r.steps, EPOCHS * STEPS);
	assert_false(r.early);
	assert_true(whole_loss(&t) < before / 10);
	size_t tokens = 0;

	for (size_t i = 0; i < ITEMS; i++)
		tokens += t.tokens[i];
	assert_int_equal(r.tokens, EPOCHS * tokens);
	for (size_t i = 0; i < r.n; i++) {
		assert_int_equal(r.curve[i].step, (i + 1) * STEPS);
		assert_true(i == 0 || (r.curve[i].loss < r.curve[i - 1].loss && r.curve[i].score > r.curve[i - 1].score));
	}
	assert_int_equal(r.kept, EPOCHS - 1);
	free(r.curve);
	end(&t);
}

/* Rises in a straight line over a tenth of 42 steps, then falls in one that would reach zero one step after the last. */
static void rate_warms_up_and_falls(void **state)
{
	const size_t steps = EPOCHS * STEPS, warm = 5; /* a tenth, rounded up */
	struct toy t;
	struct fit_result r;
	struct error err = { .text = "" };

	(void)state;
	begin(&t, true, 1);
	struct fit_options o = options_of(&t, NULL);

	assert_int_equal(fit(&t.model, &o, &r, &err), FIT_DONE);
	free(r.curve);
	for (size_t i = 0; i < steps; i++) {
		double want = i < warm ? 0.05 * (double)(i + 1) / (double)warm : 0.05 * (double)(steps - i) / (double)(steps - warm);

		assert_close("rate", t.rates[i], want, 1e-12);
	}
	end(&t);
	begin(&t, true, 1);
	o.warm_up = 0;
	assert_int_equal(fit(&t.model, &o, &r, &err), FIT_DONE);
	free(r.curve);
	assert_close("rate without warming up", t.rates[0], 0.05, 1e-12);
	end(&t);
}

static void orders_are_whole_and_of_like_length(void **state)
{
	size_t order[2][ITEMS];
	struct toy t;

	(void)state;
	begin(&t, true, 1);
	struct fit_options o = options_of(&t, NULL);

	for (size_t epoch = 0; epoch < 4; epoch++) {
		bool met[ITEMS] = { false };
		size_t spread = 0;

		fit_order(&t.model, &o, epoch, order[epoch % 2]);
		for (size_t i = 0; i < ITEMS; i++) {
			assert_true(order[epoch % 2][i] < ITEMS && !met[order[epoch % 2][i]]);
			met[order[epoch % 2][i]] = true;
		}
		for (size_t i = 0; i < ITEMS; i += BATCH) {
			size_t least = SIZE_MAX, most = 0;

			for (size_t j = i; j < i + BATCH && j < ITEMS; j++) {
				size_t n = t.tokens[order[epoch % 2][j]];

				least = n < least ? n : least;
				most = n > most ? n : most;
			}
			spread += most - least;
		}
		assert_true(spread <= 30); /* sorted in one megabatch, the batches share the range */
		if (epoch > 0)
			assert_memory_not_equal(order[0], order[1], sizeof(order[0]));
	}
	end(&t);
}

static void caps_on_passes_leave_the_weights(void **state)
{
	float values[3][(1 + WORDS) * WIDTH];
	const size_t caps[] = { 1000, 40, 1 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct toy t;
		struct fit_result r;
		struct error err = { .text = "" };

		begin(&t, true, 1);
		struct fit_options o = options_of(&t, NULL);

		o.pass_tokens = caps[i];
		assert_int_equal(fit(&t.model, &o, &r, &err), FIT_DONE);
		free(r.curve);
		assert_true(t.largest <= caps[i]);
		assert_true(i == 0 ? t.n_passes == EPOCHS * STEPS : i == 2 ? t.n_passes == EPOCHS * ITEMS : t.n_passes > EPOCHS * STEPS);
		keep_values(&t, values[i]);
		for (size_t j = 0; j < (1 + WORDS) * WIDTH; j++)
			assert_close("a weight", (double)values[i][j], (double)values[0][j], 1e-5);
		end(&t);
	}
}

static size_t one_each(void *self, size_t const *items, size_t n)
{
	(void)self;
	(void)items;
	return n;
}

/* Tokens that items share are computed once, and a pass is as large as what it computes. */
static void passes_count_what_they_compute(void **state)
{
	static const size_t caps[] = { 1000, 4, 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct toy t;
		struct fit_result r;
		struct error err = { .text = "" };
		size_t passes = 0;

		begin(&t, true, 1);
		struct fit_options o = options_of(&t, NULL);

		t.model.computed = one_each;
		o.pass_tokens = caps[i];
		assert_int_equal(fit(&t.model, &o, &r, &err), FIT_DONE);
		free(r.curve);
		for (size_t at = 0; at < ITEMS; at += BATCH) {
			size_t n = ITEMS - at < BATCH ? ITEMS - at : BATCH;

			passes += (n + caps[i] - 1) / caps[i];
		}
		assert_int_equal(t.n_passes, EPOCHS * passes);
		assert_int_equal(r.tokens, EPOCHS * ITEMS);
		end(&t);
	}
}

/* Scores that rise, then fall: training ends after `patience` evaluations that are not kept, with the weights of the last that was. */
static void check_early(const char *checkpoint, size_t patience, size_t scored, const double *script, size_t evaluations, size_t kept)
{
	float values[(1 + WORDS) * WIDTH];
	struct toy t;
	struct fit_result r;
	struct error err = { .text = "" };

	begin(&t, true, 1);
	struct fit_options o = options_of(&t, checkpoint);

	t.script = script;
	t.model.scored = scored;
	o.patience = patience;
	assert_int_equal(fit(&t.model, &o, &r, &err), FIT_DONE);
	assert_int_equal(r.n, evaluations);
	assert_int_equal(r.kept, kept);
	assert_true(r.early == (evaluations < EPOCHS));
	keep_values(&t, values);
	assert_memory_equal(values, t.seen[kept], sizeof(values));
	free(r.curve);
	end(&t);
}

static void early_stopping_ends_with_the_weights_kept(void **state)
{
	static const double peak[EPOCHS] = { 0.1, 0.5, 0.4, 0.3, 0.2, 0.1 }, late[EPOCHS] = { 0.1, 0.5, 0.4, 0.6, 0.6, 0.5 };
	static const double falls[EPOCHS] = { 0.9, 0.8, 0.7, 0.6, 0.5, 0.4 };
	char path[64];

	(void)state;
	scratch_path(path, sizeof(path));
	check_early(path, 2, 0, peak, 4, 1);
	check_early(path, 1, 0, peak, 3, 1);
	check_early(path, 2, 0, late, 6, 4); /* of equal ones the later */
	check_early(path, 0, 0, falls, EPOCHS, 0);
	check_early(path, 3, 0, falls, 4, 0);
	assert_false(file_exists(path));
	remove_scratch(path);
}

/* The best, .5 of 25 items, has a standard error of .1: what scores .4 and above may be as good, and the later is kept. */
static void of_scores_within_a_standard_error_the_last_is_kept(void **state)
{
	static const double level[EPOCHS] = { 0.1, 0.5, 0.45, 0.41, 0.39, 0.39 }, drifts[EPOCHS] = { 0.5, 0.42, 0.35, 0.41, 0.3, 0.2 };
	static const double all_right[EPOCHS] = { 0.9, 1, 0.96, 1, 0.96, 0.92 };
	char path[64];

	(void)state;
	scratch_path(path, sizeof(path));
	check_early(path, 2, 25, level, 6, 3);
	check_early(path, 1, 25, level, 5, 3);
	check_early(path, 2, 10000, level, 4, 1);   /* many items tell them apart */
	check_early(path, 3, 25, drifts, 6, 3);     /* from the best of all, not from the one before; patience begins anew */
	check_early(path, 1, 25, drifts, 3, 1);
	check_early(path, 2, 25, all_right, 6, 4);  /* where all are right, an item less may be chance, and two are not */
	remove_scratch(path);
}

/* --- interrupted runs ---------------------------------------------------------------------------------------------- */

static const double dips[EPOCHS] = { 0.1, 0.2, 0.5, 0.4, 0.3, 0.45 }; /* the best is not the last */

/* The score as a function of the weights alone: what it hangs on is there in any run that goes on. */
static double bending_score(void *self)
{
	struct toy *t = self;

	return dips[t->ps.n_steps / STEPS - 1];
}

struct ending {
	float values[(1 + WORDS) * WIDTH];
	struct fit_point curve[EPOCHS];
	size_t n, kept;
};

/* One call of fit(); stop_at 0: to the end. */
static enum fit_end run(const char *checkpoint, size_t stop_at, uint64_t fingerprint, struct ending *e, struct error *err)
{
	struct toy t;
	struct fit_result r;

	begin(&t, true, 1);
	struct fit_options o = options_of(&t, checkpoint);

	t.model.score = bending_score;
	t.stop_at = stop_at;
	o.fingerprint = fingerprint;
	enum fit_end how = fit(&t.model, &o, &r, err);

	*e = (struct ending){ .n = r.n, .kept = r.kept };
	if (how != FIT_FAILED && r.n > 0)
		memcpy(e->curve, r.curve, r.n * sizeof(*r.curve));
	keep_values(&t, e->values);
	free(r.curve);
	end(&t);
	return how;
}

static void assert_same_ending(const char *name, const struct ending *a, const struct ending *b)
{
	if (a->n != b->n || a->kept != b->kept || memcmp(a->curve, b->curve, sizeof(a->curve)) != 0)
		fail_msg("%s: another curve", name);
	if (memcmp(a->values, b->values, sizeof(a->values)) != 0)
		fail_msg("%s: other weights", name);
}

/* Dies at that step as kill -9 would have it: nothing is written any more. */
static void run_killed(const char *checkpoint, size_t step)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct toy t;
		struct fit_result r;
		struct error err;

		begin(&t, true, 1);
		struct fit_options o = options_of(&t, checkpoint);

		t.model.score = bending_score;
		t.stop_at = step;
		t.killed = true;
		fit(&t.model, &o, &r, &err);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 9);
}

static void stopped_runs_go_on_to_the_same_bytes(void **state)
{
	static const size_t stops[] = { 1, 3, STEPS, STEPS + 1, 2 * STEPS + 4, 3 * STEPS - 1, 3 * STEPS, 4 * STEPS + 2, 6 * STEPS - 1 };
	struct ending whole, one;
	struct error err = { .text = "" };
	char path[64];

	(void)state;
	scratch_path(path, sizeof(path));
	assert_int_equal(run(path, 0, 77, &whole, &err), FIT_DONE);
	assert_int_equal(whole.kept, 2);
	for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
		char name[64], sentence[64];

		snprintf(name, sizeof(name), "stopped at step %zu", stops[i]);
		snprintf(sentence, sizeof(sentence), "interrupted at step %zu of %d; run the same command again", stops[i], EPOCHS * STEPS);
		assert_int_equal(run(path, stops[i], 77, &one, &err), FIT_STOPPED);
		assert_sentence(&err, sentence);
		assert_true(file_exists(path));
		assert_int_equal(run(path, 0, 77, &one, &err), FIT_DONE);
		assert_same_ending(name, &one, &whole);
		assert_false(file_exists(path));
	}
	for (size_t step = 2; step < EPOCHS * STEPS; step += 5) /* again and again */
		assert_int_equal(run(path, step, 77, &one, &err), FIT_STOPPED);
	assert_int_equal(run(path, 0, 77, &one, &err), FIT_DONE);
	assert_same_ending("stopped every fifth step", &one, &whole);
	remove_scratch(path);
}

static void killed_runs_go_on_to_the_same_bytes(void **state)
{
	static const size_t kills[] = { 1, STEPS, STEPS + 1, 3 * STEPS + 5, 4 * STEPS, 6 * STEPS };
	struct ending whole, one;
	struct error err = { .text = "" };
	char path[64];

	(void)state;
	scratch_path(path, sizeof(path));
	assert_int_equal(run(path, 0, 77, &whole, &err), FIT_DONE);
	for (size_t i = 0; i < ARRAY_SIZE(kills); i++) {
		char name[64];

		snprintf(name, sizeof(name), "killed at step %zu", kills[i]);
		run_killed(path, kills[i]);
		assert_int_equal(run(path, 0, 77, &one, &err), FIT_DONE);
		assert_same_ending(name, &one, &whole);
	}
	run_killed(path, 2 * STEPS + 2); /* then one that is stopped, and killed once more */
	assert_int_equal(run(path, 3 * STEPS + 1, 77, &one, &err), FIT_STOPPED);
	run_killed(path, 5 * STEPS + 1);
	assert_int_equal(run(path, 0, 77, &one, &err), FIT_DONE);
	assert_same_ending("killed and stopped", &one, &whole);
	remove_scratch(path);
}

/* A stop does not cost the weights kept: they are what the model has then, whether the stop comes in the epoch behind them or later. */
static void stopped_run_has_the_weights_kept_so_far(void **state)
{
	struct ending third, one;
	struct error err = { .text = "" };
	char path[64];

	(void)state;
	scratch_path(path, sizeof(path));
	assert_int_equal(run(path, 3 * STEPS, 77, &third, &err), FIT_STOPPED);
	for (size_t stop = 3 * STEPS + 2; stop <= 4 * STEPS + 2; stop += STEPS) {
		assert_int_equal(run(path, stop, 77, &one, &err), FIT_STOPPED);
		assert_int_equal(one.kept, 2);
		assert_memory_equal(one.values, third.values, sizeof(one.values));
	}
	remove_scratch(path);
}

static void checkpoint_of_another_run_is_ignored(void **state)
{
	struct ending whole, one;
	struct error err = { .text = "" };
	char path[64];

	(void)state;
	scratch_path(path, sizeof(path));
	assert_int_equal(run(path, 0, 77, &whole, &err), FIT_DONE);
	assert_int_equal(run(path, 2 * STEPS + 3, 78, &one, &err), FIT_STOPPED);
	assert_int_equal(run(path, 0, 77, &one, &err), FIT_DONE);
	assert_same_ending("beside another run's checkpoint", &one, &whole);
	remove_scratch(path);
}

static void write_bytes(const char *path, const char *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* Cut anywhere, with a byte too many, or with counts that the file cannot hold: one sentence, and the file stays. */
static void damaged_checkpoint_is_a_sentence(void **state)
{
	struct ending one;
	struct error err = { .text = "" };
	char path[64];
	size_t n;

	(void)state;
	scratch_path(path, sizeof(path));
	assert_int_equal(run(path, 2 * STEPS + 3, 77, &one, &err), FIT_STOPPED);
	char *bytes = file_read(path, (size_t)1 << 24, &n, &err);

	assert_non_null(bytes);
	for (size_t cut = 0; cut < n; cut += cut < 160 ? 1 : 37) {
		write_bytes(path, bytes, cut);
		err.text[0] = '\0';
		assert_int_equal(run(path, 0, 77, &one, &err), FIT_FAILED);
		assert_sentence(&err, "the checkpoint is damaged; remove it to train from the beginning");
		assert_sentence(&err, path);
		assert_int_equal(one.n, 0);
	}
	bytes = mem_resize(bytes, n + 1, 1);
	bytes[n] = 0;
	write_bytes(path, bytes, n + 1);
	assert_int_equal(run(path, 0, 77, &one, &err), FIT_FAILED);
	for (size_t at = 8 + sizeof(uint64_t); at < 120; at += 8) { /* numbers of the header behind magic and fingerprint */
		char keep = bytes[at + 4];

		bytes[at + 4] = 127; /* beyond 2^32 */
		write_bytes(path, bytes, n);
		enum fit_end how = run(path, 0, 77, &one, &err);

		assert_true(how == FIT_FAILED || how == FIT_DONE); /* never a crash */
		bytes[at + 4] = keep;
	}
	unlink(path);
	assert_int_equal(run(path, 0, 77, &one, &err), FIT_DONE);
	free(bytes);
	remove_scratch(path);
}

static void unwritable_checkpoint_is_a_sentence(void **state)
{
	struct ending one;
	struct error err = { .text = "" };

	(void)state;
	assert_int_equal(run("/nonexistent/folder/checkpoint", 0, 77, &one, &err), FIT_FAILED);
	assert_sentence(&err, "/nonexistent/folder/checkpoint");
	assert_sentence(&err, "cannot write");
}

/* --- runs that fail ------------------------------------------------------------------------------------------------ */

static void loss_that_is_no_number_is_a_sentence(void **state)
{
	struct toy t;
	struct fit_result r;
	struct error err = { .text = "" };

	(void)state;
	char path[64];

	begin(&t, true, 1);
	struct fit_options o = options_of(&t, scratch_path(path, sizeof(path)));

	t.nan_at = 10;
	assert_int_equal(fit(&t.model, &o, &r, &err), FIT_FAILED);
	assert_sentence(&err, "the loss is not a number at step 10 of 42 (learning rate 0.05); train with a lower one, such as 0.005");
	assert_int_equal(r.n, 1);
	free(r.curve);
	end(&t);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0); /* the epoch's checkpoint would lead here again */
}

static void check_rising(size_t batch)
{
	struct toy t;
	struct fit_result r;
	struct error err = { .text = "" };

	begin(&t, true, 1);
	struct fit_options o = options_of(&t, NULL);

	o.rate = 20;
	o.batch = batch;
	assert_int_equal(fit(&t.model, &o, &r, &err), FIT_FAILED);
	assert_sentence(&err, "the loss rose from ");
	assert_sentence(&err, ": the learning rate 20 is too high; train with a lower one, such as 2");
	free(r.curve);
	end(&t);
}

static void rising_loss_is_a_sentence(void **state)
{
	(void)state;
	check_rising(1);
	check_rising(BATCH);
	check_rising(ITEMS); /* an epoch is one step, the whole training six */
}

/* --- AdamW over rows ----------------------------------------------------------------------------------------------- */

/* Rows that few steps touch end where moving everything in every step has them, to the bit. Without clipping: the length of the
 * gradient is summed in another order. */
static void rows_are_caught_up_to_the_bit(void **state)
{
	float values[2][(1 + WORDS) * WIDTH], moments[2][2 * WORDS * WIDTH];

	(void)state;
	for (int by_rows = 0; by_rows < 2; by_rows++) {
		struct toy t;
		struct fit_result r;
		struct error err = { .text = "" };

		begin(&t, by_rows, 0);
		struct fit_options o = options_of(&t, NULL);

		t.e->decays = true;
		assert_int_equal(fit(&t.model, &o, &r, &err), FIT_DONE);
		free(r.curve);
		keep_values(&t, values[by_rows]);
		memcpy(moments[by_rows], t.e->m, WORDS * WIDTH * sizeof(float));
		memcpy(moments[by_rows] + WORDS * WIDTH, t.e->v, WORDS * WIDTH * sizeof(float));
		assert_true(!by_rows || t.e->moved[1] == EPOCHS * STEPS); /* a word that is never seen */
		end(&t);
	}
	assert_memory_equal(values[0], values[1], sizeof(values[0]));
	assert_memory_equal(moments[0], moments[1], sizeof(moments[0]));
}

/* The same with many rows, touched by chance, some caught up early; and a row that crosses a tile of work. */
static void rows_of_a_large_matrix_are_caught_up(void **state)
{
	enum { ROWS = 700, COLUMNS = 97, ROUNDS = 25, TOUCHED = 300 };
	static const char *const name[] = { "embedding" };
	struct adamw_options options = adamw_defaults;
	struct parameters sparse, dense;
	struct pool *pools[] = { pool_open(3), pool_open(1) };
	struct rng rng;

	(void)state;
	options.clip = 0;
	parameters_init(&sparse, kernels_choose(true, NULL), pools[0], &options);
	parameters_init(&dense, kernels_choose(true, NULL), pools[1], &options);
	struct parameter *s = parameters_add(&sparse, name, 1, ROWS, COLUMNS, true);
	struct parameter *d = parameters_add(&dense, name, 1, ROWS, COLUMNS, false);

	rng_init(&rng, 1, "rows");
	for (size_t i = 0; i < ROWS * COLUMNS; i++)
		s->value[i] = d->value[i] = (float)rng_double(&rng);
	for (size_t round = 0; round < ROUNDS; round++) {
		uint32_t early[2] = { (uint32_t)rng_below(&rng, ROWS / 2), ROWS / 2 + (uint32_t)rng_below(&rng, ROWS / 2) };

		memset(d->gradient, 0, ROWS * COLUMNS * sizeof(float));
		parameter_catch_up(&sparse, s, early, 2);
		for (size_t i = 0; i < TOUCHED; i++) {
			size_t row = rng_below(&rng, ROWS);
			float *g = parameter_row_gradient(s, row);

			for (size_t c = 0; c < COLUMNS; c++) {
				float more = (float)(rng_double(&rng) - 0.5);

				g[c] += more;
				d->gradient[row * COLUMNS + c] += more;
			}
		}
		double length = parameters_norm(&dense);

		assert_close("length", parameters_norm(&sparse), length, 1e-6);
		assert_close("length, scaled", parameters_step(&sparse, 0.01 / (double)(round + 1), 0.25), 0.25 * length, 1e-6);
		parameters_step(&dense, 0.01 / (double)(round + 1), 0.25);
		assert_int_equal(s->n_touched, 0);
	}
	parameters_catch_up(&sparse);
	assert_memory_equal(s->value, d->value, ROWS * COLUMNS * sizeof(float));
	assert_memory_equal(s->m, d->m, ROWS * COLUMNS * sizeof(float));
	assert_memory_equal(s->v, d->v, ROWS * COLUMNS * sizeof(float));
	parameters_release(&sparse);
	parameters_release(&dense);
	pool_free(pools[0]);
	pool_free(pools[1]);
}

/* Clipping as torch.nn.utils.clip_grad_norm_ has it, over all parameters; a length that is no number moves nothing. */
static void steps_clip_and_refuse(void **state)
{
	static const char *const names[] = { "a", "b" };
	struct pool *pool = pool_open(1);
	struct parameters ps;
	float before[2];

	(void)state;
	parameters_init(&ps, kernels_choose(true, NULL), pool, &adamw_defaults);
	struct parameter *a = parameters_add(&ps, names, 1, 1, 2, false), *b = parameters_add(&ps, names + 1, 1, 2, 1, true);

	a->gradient[0] = 30;
	*parameter_row_gradient(b, 1) = -40;
	assert_close("length", parameters_step(&ps, 0.1, 0.5), 25, 1e-6);
	assert_close("moment of a", (double)a->m[0], 0.1 * 30 / 50, 1e-5);
	assert_close("moment of b", (double)b->m[1], 0.1 * -40 / 50, 1e-5);
	assert_close("a", (double)a->value[0], -0.1, 1e-5); /* the first step of Adam is the rate */
	assert_close("b", (double)b->value[1], 0.1, 1e-5);
	before[0] = a->value[0];
	before[1] = b->value[1];
	a->gradient[1] = NAN;
	if (isfinite(parameters_step(&ps, 0.1, 1)))
		fail_msg("a step by a gradient that is no number was made");
	assert_int_equal(ps.n_steps, 1);
	assert_true(a->value[0] == before[0] && b->value[1] == before[1]);
	parameters_release(&ps);
	pool_free(pool);
}

/* --- what is shown ------------------------------------------------------------------------------------------------- */

static const struct {
	struct fit_step step;
	const char *text;
} shown[] = {
	{ { .loss = 0.6931, .rate = 1e-4, .tokens_per_second = 2350.4, .seconds_left = 754.9, .score = NAN },
	  "loss 0.693, rate 1e-04, 2350 tok/s, 12:34 left" },
	{ { .loss = 0.6931, .rate = 1e-4, .tokens_per_second = 2350.4, .seconds_left = 59.99, .score = 0.8125 },
	  "loss 0.693, held 0.812, rate 1e-04, 2350 tok/s, 0:59 left" },
	{ { .loss = 1.2345, .rate = 4.96e-4, .tokens_per_second = 12345, .seconds_left = 3599.9, .score = -1.234 },
	  "loss 1.234, held -1.234, rate 5e-04, 12345 tok/s, 59:59 left" },
	{ { .loss = 0.5, .rate = 1e-5, .tokens_per_second = 99, .seconds_left = 36300, .score = 1 },
	  "loss 0.500, held 1.000, rate 1e-05, 99 tok/s, 10 h 05 left" },
};

/* Of 80 columns counts take up to 13, and what is around them 4. */
static void steps_fit_a_terminal(void **state)
{
	char text[80];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		fit_step_text(&shown[i].step, text, sizeof(text));
		assert_string_equal(text, shown[i].text);
		assert_true(strlen(text) <= 80 - 13 - 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(losses_fall_and_results_add_up),
		cmocka_unit_test(rate_warms_up_and_falls),
		cmocka_unit_test(orders_are_whole_and_of_like_length),
		cmocka_unit_test(caps_on_passes_leave_the_weights),
		cmocka_unit_test(passes_count_what_they_compute),
		cmocka_unit_test(early_stopping_ends_with_the_weights_kept),
		cmocka_unit_test(of_scores_within_a_standard_error_the_last_is_kept),
		cmocka_unit_test(stopped_runs_go_on_to_the_same_bytes),
		cmocka_unit_test(killed_runs_go_on_to_the_same_bytes),
		cmocka_unit_test(stopped_run_has_the_weights_kept_so_far),
		cmocka_unit_test(checkpoint_of_another_run_is_ignored),
		cmocka_unit_test(damaged_checkpoint_is_a_sentence),
		cmocka_unit_test(unwritable_checkpoint_is_a_sentence),
		cmocka_unit_test(loss_that_is_no_number_is_a_sentence),
		cmocka_unit_test(rising_loss_is_a_sentence),
		cmocka_unit_test(rows_are_caught_up_to_the_bit),
		cmocka_unit_test(rows_of_a_large_matrix_are_caught_up),
		cmocka_unit_test(steps_clip_and_refuse),
		cmocka_unit_test(steps_fit_a_terminal),
	};

	return cmocka_run_group_tests_name("train_fit", tests, NULL, NULL);
}
