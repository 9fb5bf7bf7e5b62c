/* cascade.c - whether thresholds of cascades hold the risk that was asked for, on real outcomes: `make bench-cascade`; lines as
 * docs/benchmarks.md says.
 *
 *   cascade [-n RESAMPLES] [TABLE]...
 *
 * TABLE: outcomes from elsewhere in place of the sets; its first line is their name, every further one the cheap answer's confidence (nan:
 * none) and loss, and the strong one's loss (bench/serve.py writes one).
 *
 * The outcomes of a set are taken for the population, so that the risk at a threshold is known exactly: RESAMPLES times (default 1000) so
 * many items are drawn from it with replacement to choose the threshold on, and as many others for the grid. Beside it stands what a rule
 * without a test does (the loosest threshold whose risk on the same items does not exceed the level). Splits say how often the level is kept
 * in one half of the outcomes when the other one sets the threshold, and a fifth of that the grid: this share has the chance of the second half in
 * it as well, so that less is promised of it than is measured. Settings: RUNG_DATA, RUNG_MODELS. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "cost/break_even.h"
#include "decide.h"
#include "decide/cascade.h"
#include "decide/recorded.h"
#include "model/model.h"
#include "stats/special.h"
#include "task/template.h"
#include "tune/classifier.h"

static size_t resamples = 1000;
static struct error err;

/* What a cheap variant and a strong one did on each item. */
struct outcomes {
	const char *name;
	struct cascade_item *cheap; /* (n) */
	const double *strong;       /* (n) losses */
	size_t n;
	double cheap_cost, strong_cost; /* of an answer, in one unit; NAN: unknown */
};

/* What a threshold comes to over all of the population. */
struct outcome {
	double risk, escalated, score; /* score: of cheap and strong together */
};

static struct outcome outcome_at(const struct outcomes *o, enum cascade_of of, double at)
{
	double accepted = 0, lost = 0, lost_strong = 0;

	for (size_t i = 0; i < o->n; i++) {
		bool stands = o->cheap[i].confidence >= at;

		accepted += stands;
		lost += stands ? o->cheap[i].loss : 0;
		lost_strong += stands ? 0 : o->strong[i];
	}
	double n = (double)o->n, over = of == CASCADE_OF_ALL ? n : accepted;

	return (struct outcome){ over > 0 ? lost / over : 0, 1 - accepted / n, 1 - (lost + lost_strong) / n };
}

static void draw(struct rng *r, const struct outcomes *o, struct cascade_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		items[i] = o->cheap[rng_below(r, o->n)];
		items[i].cluster = i;
	}
}

static double untested(const struct cascade_rule *rule, const double *grid, size_t n_grid, const struct cascade_item *items, size_t n)
{
	double at = INFINITY;

	for (size_t i = 0; i < n_grid; i++) {
		struct cascade_cut cut = cascade_test(rule, items, n, grid[i]);

		if (cut.lost <= rule->level * (double)(rule->of == CASCADE_OF_ALL ? n : cut.accepted))
			at = grid[i];
	}
	return at;
}

static double mean_loss(const struct outcomes *o, bool strong)
{
	double sum = 0;

	for (size_t i = 0; i < o->n; i++)
		sum += strong ? o->strong[i] : o->cheap[i].loss;
	return sum / (double)o->n;
}

static void resample(const struct outcomes *o, const struct cascade_rule *rule, size_t n)
{
	struct cascade_item *items = mem_alloc(n * sizeof(*items)), *others = mem_alloc(n * sizeof(*others));
	double grid[CASCADE_GRID], escalated = 0, score = 0;
	size_t broken = 0, untested_broken = 0, none = 0;
	char name[300];
	struct rng r;

	rng_init(&r, n, "bench cascade");
	for (size_t t = 0; t < resamples; t++) {
		draw(&r, o, others, n);
		size_t n_grid = cascade_grid(rule, others, n, n, grid);

		draw(&r, o, items, n);
		struct cascade_cut cut = cascade_choose(rule, grid, n_grid, items, n);
		struct outcome at = outcome_at(o, rule->of, cut.at);

		broken += at.risk > rule->level;
		untested_broken += outcome_at(o, rule->of, untested(rule, grid, n_grid, items, n)).risk > rule->level;
		none += isinf(cut.at) != 0;
		escalated += at.escalated / (double)resamples;
		score += at.score / (double)resamples;
	}
	snprintf(name, sizeof(name), "%s: wrong of %s, level %.2f, %zu items: risk within the level, share of %zu resamples (without a test %.3f)",
		 o->name, cascade_of_name(rule->of), rule->level, n, resamples, 1 - (double)untested_broken / (double)resamples);
	row(name, 1 - (double)broken / (double)resamples, ">= 0.95",
	    broken == 0 || binomial_upper(broken, resamples, rule->alpha) >= 0.001);
	printf("# %s: no threshold %.3f; escalated %.3f; right %.3f (cheap alone %.3f, strong alone %.3f)", o->name, (double)none / (double)resamples,
	       escalated, score, 1 - mean_loss(o, false), 1 - mean_loss(o, true));
	if (!isnan(o->cheap_cost))
		printf("; pays below %.3f escalated; saves %.3f of the strong one's cost", cost_cascade_limit(o->cheap_cost, 0, o->strong_cost),
		       1 - o->cheap_cost / o->strong_cost - escalated);
	putchar('\n');
	fflush(stdout);
	free(items);
	free(others);
}

/* Halves of the outcomes: a fifth of the first for the grid, the rest of it for the threshold, the second to look at. */
static void split(const struct outcomes *o, const struct cascade_rule *rule)
{
	size_t *order = mem_alloc(o->n * sizeof(*order)), half = o->n / 2, n_grid_items = half / 5, kept = 0;
	struct cascade_item *items = mem_alloc(o->n * sizeof(*items));
	double *strong = mem_alloc(o->n * sizeof(*strong)), grid[CASCADE_GRID], escalated = 0;
	char name[300];
	struct rng r;

	rng_init(&r, 7, "bench cascade");
	for (size_t i = 0; i < o->n; i++)
		order[i] = i;
	for (size_t t = 0; t < resamples; t++) {
		rng_shuffle(&r, order, o->n);
		for (size_t i = 0; i < o->n; i++) {
			items[i] = o->cheap[order[i]];
			items[i].cluster = i;
			strong[i] = o->strong[order[i]];
		}
		size_t n_grid = cascade_grid(rule, items, n_grid_items, half - n_grid_items, grid);
		struct cascade_cut cut = cascade_choose(rule, grid, n_grid, items + n_grid_items, half - n_grid_items);
		struct outcomes second = { .cheap = items + half, .strong = strong + half, .n = o->n - half };
		struct outcome at = outcome_at(&second, rule->of, cut.at);

		kept += at.risk <= rule->level;
		escalated += at.escalated / (double)resamples;
	}
	snprintf(name, sizeof(name), "%s: wrong of %s, level %.2f: risk in the other half within it, share of %zu splits", o->name,
		 cascade_of_name(rule->of), rule->level, resamples);
	row(name, (double)kept / (double)resamples, ">= 0.95",
	    kept == resamples || binomial_upper(resamples - kept, resamples, rule->alpha) >= 0.001);
	printf("# %s: escalated %.3f\n", o->name, escalated);
	free(order);
	free(items);
	free(strong);
}

static const char *data_folder(void)
{
	const char *data = getenv("RUNG_DATA");

	return data ? data : "../shared/data";
}

static bool there(const char *path, const char *name)
{
	if (file_exists(path))
		return true;
	printf("%s\t-\t-\t-\t-\tabsent\n", name);
	return false;
}

/* --- classifiers over texts ------------------------------------------------------------------------------------------ */

/* Texts of the items, as the input template writes them. */
static const char **texts_of(const struct task *t, struct item_list items, struct arena *arena)
{
	struct template *input = template_compile(arena, t, t->input, "input", &err);
	const char **texts = arena_array(arena, items.n, sizeof(*texts));
	struct buf text = { 0 };

	must(input != NULL, &err);
	for (size_t i = 0; i < items.n; i++) {
		buf_clear(&text);
		template_values(input, items.items[i], &text);
		texts[i] = arena_string(arena, buf_text(&text));
	}
	buf_release(&text);
	return texts;
}

static double likeliest(const double *p, size_t n, size_t *label)
{
	*label = 0;
	for (size_t k = 1; k < n; k++)
		*label = p[k] > p[*label] ? k : *label;
	return p[*label];
}

static float *embedded(struct models *models, const char *const *texts, size_t n, struct arena *arena)
{
	size_t width = models_embedding_width(models, &err);
	float *vectors = arena_array(arena, n * width, sizeof(*vectors));

	must(width > 0 && models_embed(models, texts, n, vectors, &err), &err);
	return vectors;
}

/* Rung 0 is the cheap one, a head on embeddings the strong one; both learn from the pool and answer everything else. Costs are seconds. */
static void answer(struct outcomes *o, const struct task *t, struct models *models, struct arena *arena)
{
	struct item_list pool = t->pool.list, dev = t->dev.list, test = t->test.list;
	const struct example **rest = arena_array(arena, dev.n + test.n, sizeof(*rest));

	memcpy(rest, dev.items, dev.n * sizeof(*rest));
	memcpy(rest + dev.n, test.items, test.n * sizeof(*rest));
	o->n = dev.n + test.n;
	const char **known = texts_of(t, pool, arena), **asked = texts_of(t, (struct item_list){ rest, o->n }, arena);
	size_t width = models_embedding_width(models, &err), label;
	float *pool_vectors = embedded(models, known, pool.n, arena);
	struct classifier_lessons lessons = { t->pool, known, pool_vectors, width, models_pool(models) };
	struct classifier *cheap = classifier_train(classifier_method_find("tfidf-words"), t, &lessons, 1, &err);
	struct classifier *strong = cheap ? classifier_train(classifier_method_find("embedding-head"), t, &lessons, 1, &err) : NULL;
	double *p = arena_array(arena, t->n_labels, sizeof(*p)), *losses = arena_array(arena, o->n, sizeof(*losses)), began = clock_ms();

	must(strong != NULL, &err);
	o->cheap = arena_array(arena, o->n, sizeof(*o->cheap));
	for (size_t i = 0; i < o->n; i++) {
		classifier_predict(cheap, asked[i], NULL, p);
		o->cheap[i].confidence = likeliest(p, t->n_labels, &label);
		o->cheap[i].loss = label != rest[i]->label;
	}
	o->cheap_cost = clock_ms() - began;
	began = clock_ms();
	float *vectors = embedded(models, asked, o->n, arena);

	for (size_t i = 0; i < o->n; i++) {
		classifier_predict(strong, NULL, vectors + i * width, p);
		likeliest(p, t->n_labels, &label);
		losses[i] = label != rest[i]->label;
	}
	o->strong_cost = clock_ms() - began;
	o->strong = losses;
	classifier_free(cheap);
	classifier_free(strong);
}

static void classifiers(const char *name, const char *file, const char *yaml, struct models *models)
{
	static const char folder[] = "build/bench-cascade";
	struct outcomes o = { .name = name };
	struct task_options options = { 0 };
	struct arena arena;

	arena_init(&arena);
	if (!there(file, name) || !models)
		goto out;
	const char *text = arena_printf(&arena, "name: cascade\nkind: classify\ninstruction: x\n%s", yaml);

	must(file_make_folder(folder, &err) && file_replace("build/bench-cascade/task.yaml", text, strlen(text), &err), &err);
	struct task *t = task_open(folder, &options, &err);

	must(t != NULL, &err);
	answer(&o, t, models, &arena);
	const struct cascade_rule all = { 0.05, alpha, CASCADE_OF_ALL }, tight = { 0.02, alpha, CASCADE_OF_ALL },
				  accepted = { 0.05, alpha, CASCADE_OF_ACCEPTED };

	for (size_t n = 100; n <= 900; n *= 3) {
		resample(&o, &all, n);
		resample(&o, &accepted, n);
	}
	resample(&o, &tight, 300);
	split(&o, &all);
	split(&o, &accepted);
	task_free(t);
out:
	arena_release(&arena);
}

static void banking(struct models *models)
{
	struct buf yaml = { 0 }, file = { 0 };
	size_t n;

	buf_addf(&file, "%s/banking77/categories.json", data_folder());
	char *labels = file_exists(buf_text(&file)) ? file_read(buf_text(&file), 1 << 20, &n, &err) : NULL;

	for (char *at = labels; at && (at = strchr(at, '\n'));)
		*at = ' '; /* a list that goes on at the beginning of a line is none to YAML */
	buf_addf(&yaml, "input: \"{{text}}\"\nlabels: %s\nexamples: {file: \"%s%s/banking77/test.csv\", answer: category}\n", labels ? labels : "",
		 data_folder()[0] == '/' ? "" : "../../", data_folder());
	classifiers("banking77, TF-IDF, then a head on MiniLM", buf_text(&file), buf_text(&yaml), models);
	free(labels);
	buf_release(&yaml);
	buf_release(&file);
}

static void emails(struct models *models)
{
	struct buf yaml = { 0 }, file = { 0 };

	buf_addf(&file, "%s/email_five/email_five.jsonl", data_folder());
	buf_addf(&yaml, "input: \"{{subject}} {{text | first 500}}\"\nlabels: [spam, marketing, personal, work, automated]\n"
		 "examples: {file: \"%s%s\", answer: label, id: id, split: split}\n", data_folder()[0] == '/' ? "" : "../../", buf_text(&file));
	classifiers("email_five, TF-IDF, then a head on MiniLM", buf_text(&file), buf_text(&yaml), models);
	buf_release(&yaml);
	buf_release(&file);
}

/* --- recorded outcomes ----------------------------------------------------------------------------------------------- */

static const struct recorded_configuration *configuration(const struct recorded *r, const char *config)
{
	for (size_t i = 0; i < r->n_configurations; i++)
		if (strcmp(r->configurations[i].config, config) == 0)
			return &r->configurations[i];
	fprintf(stderr, "%s: there is no configuration %s\n", r->file, config);
	exit(1);
}

/* What was said, without the sentence that a failed test put before it. */
static const char *said(const char *output)
{
	const char *last = strstr(output, "\n---\n");

	return last ? last + 5 : output;
}

/* No record has a confidence, but five samples of one prompt have one between them: the share that says what the first one says. */
static void tickets(void)
{
	static const char *const samples[] = { "simple_classify@T0.0", "simple_classify@T0.2", "simple_classify@T0.4", "simple_classify@T0.6",
					       "simple_classify@T0.8" };
	enum { SAMPLES = sizeof(samples) / sizeof(samples[0]) };
	struct outcomes o = { .name = "insurance_tickets, five samples of a plain prompt, then retrieval with reasoning", .cheap_cost = NAN };
	struct recorded r;
	struct arena arena;
	size_t n;

	arena_init(&arena);
	const char *path = arena_printf(&arena, "%s/recorded_outcomes/insurance_tickets.jsonl", data_folder());

	if (there(path, o.name)) {
		char *bytes = file_read(path, (size_t)1 << 28, &n, &err);

		must(bytes && recorded_read_outputs(&r, path, bytes, n, &arena, &err), &err);
		const struct recorded_configuration *first = configuration(&r, samples[0]), *strong = configuration(&r, "rag_chain_of_thought_classify@T0.0");
		double *losses = arena_array(&arena, r.n_items, sizeof(*losses));

		o.cheap = arena_array(&arena, r.n_items, sizeof(*o.cheap));
		o.n = r.n_items;
		o.strong = losses;
		for (size_t i = 0; i < o.n; i++) {
			double agree = 0;

			for (size_t s = 0; s < SAMPLES; s++)
				agree += strcmp(said(configuration(&r, samples[s])->output[i]), said(first->output[i])) == 0;
			o.cheap[i] = (struct cascade_item){ .confidence = agree / SAMPLES, .loss = 1 - first->score[i] };
			losses[i] = 1 - strong->score[i];
		}
		const struct cascade_rule all = { 0.30, alpha, CASCADE_OF_ALL }, accepted = { 0.30, alpha, CASCADE_OF_ACCEPTED };

		resample(&o, &all, 300);
		resample(&o, &accepted, 300);
		free(bytes);
	}
	arena_release(&arena);
}

/* --- tables ---------------------------------------------------------------------------------------------------------- */

static void table(const char *path)
{
	enum { MOST = 100000, ASIDE = 200 };
	struct outcomes o = { .cheap_cost = NAN };
	double *strong = mem_alloc(MOST * sizeof(*strong)), confidence, cheap;
	const struct cascade_rule all = { 0.05, alpha, CASCADE_OF_ALL }, accepted = { 0.05, alpha, CASCADE_OF_ACCEPTED };
	char name[300];
	FILE *f = fopen(path, "r");

	if (!f || !fgets(name, sizeof(name), f)) {
		fprintf(stderr, "%s cannot be read, or is empty\n", path);
		exit(1);
	}
	name[strcspn(name, "\n")] = '\0';
	o.name = name;
	o.cheap = mem_alloc(MOST * sizeof(*o.cheap));
	o.strong = strong;
	for (; o.n < MOST && fscanf(f, "%lf %lf %lf ", &confidence, &cheap, &strong[o.n]) == 3; o.n++)
		o.cheap[o.n] = (struct cascade_item){ .confidence = confidence, .loss = cheap };
	if (o.n == 0 || fgetc(f) != EOF) {
		fprintf(stderr, "%s: line %zu is no confidence and two losses, or one too many\n", path, o.n + 2);
		exit(1);
	}
	fclose(f);
	resample(&o, &all, ASIDE);
	resample(&o, &accepted, ASIDE);
	split(&o, &all);
	free(o.cheap);
	free(strong);
}

int main(int argc, char **argv)
{
	const char *folder = getenv("RUNG_MODELS");
	struct model_settings settings = { 0 };

	if (argc > 2 && strcmp(argv[1], "-n") == 0) {
		resamples = strtoul(argv[2], NULL, 10);
		argc -= 2;
		argv += 2;
	}
	for (int i = 1; i < argc; i++)
		table(argv[i]);
	if (argc > 1)
		return 0;
	folder = folder ? folder : "models";
	struct models *models = there(folder, "models") ? models_open(folder, &settings) : NULL;

	emails(models);
	banking(models);
	tickets();
	models_free(models);
	return 0;
}
