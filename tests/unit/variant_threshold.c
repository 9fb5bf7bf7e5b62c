/* variant_threshold.c - when a variant that searches abstains: below the similarity that did best on the first dev items, and
 * what the answer is then. */
#include "answer_task.h"

#include "task/scorer.h"

static const char cited[] = "2/rag-vectors@local:tiny-llama";
static struct towns t;

static int set_up(void **state)
{
	(void)state;
	return towns_begin(&t, "");
}

static int tear_down(void **state)
{
	(void)state;
	return towns_finish(&t);
}

static double threshold_of(const char *variant)
{
	double threshold;

	MUST(&t, abstention_threshold(t.workshop, towns_variant(&t, variant), &threshold, &t.err));
	return threshold;
}

/* Asks all dev items, so that they have calls, gives those the replies, and forgets what was learnt before. */
static void dev_says(const char *variant, const char *(*reply)(struct arena *arena, const char *prompt))
{
	struct item_list dev = t.task->dev.list;
	struct answer *answers = arena_array(&t.arena, dev.n, sizeof(*answers));
	const char *unfit;

	MUST(&t, variant_ready(t.workshop, towns_variant(&t, variant), &unfit, &t.err));
	MUST(&t, variant_answer_anyway(t.workshop, towns_variant(&t, variant), dev.items, dev.n, &t.arena, answers, &t.err));
	towns_script(&t, reply);
	towns_reopen(&t, 1);
}

struct trial {
	double similarity, answered, abstained;
};

static size_t trials_of(const char *variant, struct trial *trials)
{
	struct item_list dev = t.task->dev.list;
	size_t n = dev.n < PRIOR_ITEMS ? dev.n : PRIOR_ITEMS;
	struct answer *answers = arena_array(&t.arena, n, sizeof(*answers));

	MUST(&t, variant_answer_anyway(t.workshop, towns_variant(&t, variant), dev.items, n, &t.arena, answers, &t.err));
	for (size_t i = 0; i < n; i++)
		trials[i] = (struct trial){ answers[i].evidence->similarity, scorer_grade(t.task, dev.items[i], answers[i].text),
					    scorer_grade(t.task, dev.items[i], "") };
	return n;
}

static double score_at(const struct trial *trials, size_t n, double threshold)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += trials[i].similarity < threshold ? trials[i].abstained : trials[i].answered;
	return sum / (double)n;
}

/* --- replies --- */

/* Answers everything, and what has no answer too. */
static const char *never_abstains(struct arena *arena, const char *prompt)
{
	size_t i = town_asked(arena, prompt);

	return arena_printf(arena, "%u", strstr(prompt, "In which year") ? town_year(i) : 1234);
}

static const char *always_wrong(struct arena *arena, const char *prompt)
{
	(void)arena, (void)prompt;
	return "nineteen hundred";
}

static const char *knows_when_not(struct arena *arena, const char *prompt)
{
	return strstr(prompt, "In which year") ? never_abstains(arena, prompt) : "I do not know.";
}

static bool right_about[TOWNS];

/* Is right about some towns, and never abstains. */
static const char *knows_some(struct arena *arena, const char *prompt)
{
	size_t i = town_asked(arena, prompt);

	return right_about[i] && strstr(prompt, "In which year") ? never_abstains(arena, prompt) : "nineteen hundred";
}

static int by_similarity(const void *a, const void *b)
{
	const struct trial *x = a, *y = b;

	return (x->similarity > y->similarity) - (x->similarity < y->similarity);
}

/* --- tests --- */

/* No other threshold scores more on those dev items, and of those that score as much none is lower. */
static void it_is_the_best_on_dev(void **state)
{
	static const char *(*const replies[])(struct arena *, const char *) = { never_abstains, always_wrong, knows_when_not };
	struct trial trials[PRIOR_ITEMS];

	(void)state;
	for (size_t r = 0; r < ARRAY_SIZE(replies); r++) {
		dev_says(cited, replies[r]);
		double threshold = threshold_of(cited);
		size_t n = trials_of(cited, trials);
		double best = score_at(trials, n, threshold);

		for (size_t i = 0; i <= n; i++) {
			double other = i == n ? -INFINITY : nextafter(trials[i].similarity, 2), score = score_at(trials, n, other);

			if (score > best + 1e-9)
				fail_msg("replies %zu: threshold %g scores %g, %g would %g", r, threshold, best, other, score);
			bool lower = other < threshold && score_at(trials, n, threshold) > score - 1e-9;

			for (size_t k = 0; lower && k < n; k++) /* lower only when it abstains from less */
				if (trials[k].similarity >= other && trials[k].similarity < threshold && score >= best - 1e-9)
					fail_msg("replies %zu: threshold %g, though %g does as well", r, threshold, other);
		}
	}
}

/* Right where the passages are near, wrong where they are far: the threshold lies between, on no item's own similarity. */
static void it_lies_between_far_and_near(void **state)
{
	const struct item_list dev = t.task->dev.list;
	struct trial trials[PRIOR_ITEMS], sorted[PRIOR_ITEMS];
	size_t below = 0, above = 0;

	(void)state;
	dev_says(cited, never_abstains);
	size_t n = trials_of(cited, trials);

	memcpy(sorted, trials, sizeof(sorted));
	qsort(sorted, n, sizeof(*sorted), by_similarity);
	double middle = sorted[n * 2 / 3].similarity;

	for (size_t i = 0; i < n; i++) {
		const char *question = dev.items[i]->values[task_column(t.task, "question", 8)];

		right_about[town_asked(&t.arena, question)] = trials[i].similarity >= middle;
	}
	dev_says(cited, knows_some);
	trials_of(cited, trials);
	double threshold = threshold_of(cited), best = score_at(trials, n, threshold);

	assert_true(isfinite(threshold) && threshold < 1);
	for (size_t i = 0; i < n; i++) {
		assert_true(trials[i].similarity != threshold);
		below += trials[i].similarity < threshold;
		above += trials[i].similarity > threshold;
		assert_true(score_at(trials, n, nextafter(trials[i].similarity, 2)) <= best + 1e-9);
	}
	assert_true(below > 0 && above >= n / 4);
	assert_true(best > score_at(trials, n, -INFINITY));
}

static void one_who_is_never_right_abstains(void **state)
{
	const struct example *none = towns_item(&t, "anthem-4");

	(void)state;
	dev_says(cited, always_wrong);
	towns_answer(&t, cited, none);
	towns_script(&t, always_wrong);
	struct answer a = towns_answer(&t, cited, none);

	assert_true(threshold_of(cited) > a.evidence->similarity);
	assert_string_equal(a.text, "");
	assert_string_equal(a.status, "abstained");
	assert_int_equal(a.evidence->n_citations, 0); /* who abstains cites nothing */
	assert_true(a.evidence->n_passages > 0 && a.call != 0);
}

static const char *quotes_and_is_wrong(struct arena *arena, const char *prompt)
{
	(void)arena, (void)prompt;
	return "{\"answer\": \"nineteen hundred\", \"citations\": [{\"passage\": 1, \"quote\": \"for its bells.\"}, "
	       "{\"passage\": 1, \"quote\": \"an invention of mine\"}]}";
}

static void an_abstention_cites_nothing(void **state)
{
	static const char id[] = "2/rag-cited@local:tiny-llama";
	const struct example *none = towns_item(&t, "anthem-4");
	struct answer anyway, a;

	(void)state;
	dev_says(id, quotes_and_is_wrong);
	towns_answer(&t, id, none);
	towns_script(&t, quotes_and_is_wrong);
	MUST(&t, variant_answer_anyway(t.workshop, towns_variant(&t, id), &none, 1, &t.arena, &anyway, &t.err));
	assert_string_equal(anyway.text, "nineteen hundred");
	assert_true(anyway.evidence->n_citations == 1 && anyway.evidence->failed == 1);
	a = towns_answer(&t, id, none);
	assert_string_equal(a.status, "abstained");
	assert_int_equal(a.evidence->n_citations, 0);
	assert_int_equal(a.evidence->failed, 0);
}

static void who_knows_when_not_needs_none(void **state)
{
	(void)state;
	dev_says(cited, knows_when_not);
	assert_true(threshold_of(cited) == -INFINITY);
}

/* A reply that broke off is neither an answer nor an abstention, so that a threshold cannot gain by it. */
static void replies_that_broke_off_teach_nothing(void **state)
{
	const char *unfit;

	(void)state;
	MUST(&t, variant_ready(t.workshop, towns_variant(&t, cited), &unfit, &t.err));
	assert_true(threshold_of(cited) == -INFINITY); /* the prompts are longer than the tiny model's context */
	struct answer a = towns_answer(&t, cited, towns_item(&t, "anthem-8"));

	assert_null(a.text);
	assert_string_equal(a.status, "truncated");
}

static void only_a_search_with_vectors_has_one(void **state)
{
	(void)state;
	dev_says("1/closed-book@local:tiny-llama", never_abstains);
	assert_true(threshold_of("1/closed-book@local:tiny-llama") == -INFINITY);
	dev_says("2/rag-words@local:tiny-llama", never_abstains); /* nothing is known of how near its passages are */
	assert_true(threshold_of("2/rag-words@local:tiny-llama") == -INFINITY);
}

static void it_is_chosen_once(void **state)
{
	double first;

	(void)state;
	dev_says(cited, always_wrong);
	first = threshold_of(cited);
	towns_script(&t, knows_when_not);
	assert_true(threshold_of(cited) == first);
	towns_reopen(&t, 1);
	assert_true(threshold_of(cited) == -INFINITY);
}

static double threshold_in(struct workshop *w)
{
	double threshold;

	MUST(&t, abstention_threshold(w, towns_variant(&t, cited), &threshold, &t.err));
	return threshold;
}

/* Who serves a run keeps to its threshold, though documents and replies have changed since. */
static void what_was_measured_is_served(void **state)
{
	struct run_row run = { .key = "measured", .examples = "", .seed = 1, .settings = "{}" }, other = { .key = "other", .examples = "",
			       .seed = 1, .settings = "{}" };

	(void)state;
	dev_says(cited, always_wrong);
	MUST(&t, store_run_begin(t.store, &t.arena, &run, &t.err) && store_run_begin(t.store, &t.arena, &other, &t.err));
	struct workshop *measuring = workshop_open(t.task, t.task->dev, t.models, t.library, t.store, run.id, 1);
	double measured = threshold_in(measuring);

	workshop_free(measuring);
	assert_true(isfinite(measured));
	towns_write(&t, "docs/Abamar.md", "# Abamar\n\nThe red cat sat on the mat, and the dog ran. The blue house walked.\n");
	towns_add(&t);
	towns_script(&t, knows_when_not);
	struct workshop *serving = workshop_open(t.task, t.task->dev, t.models, t.library, t.store, 0, 1);
	struct workshop *anew = workshop_open(t.task, t.task->dev, t.models, t.library, t.store, 0, 1);

	workshop_serve(serving, run.id);
	assert_true(threshold_in(serving) == measured);
	workshop_serve(anew, other.id); /* a run that has no such variant: chosen anew */
	assert_true(threshold_in(anew) != measured);
	workshop_free(serving);
	workshop_free(anew);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_the_best_on_dev),
		TEST(it_lies_between_far_and_near),
		TEST(one_who_is_never_right_abstains),
		TEST(an_abstention_cites_nothing),
		TEST(who_knows_when_not_needs_none),
		TEST(what_was_measured_is_served),
		TEST(replies_that_broke_off_teach_nothing),
		TEST(only_a_search_with_vectors_has_one),
		TEST(it_is_chosen_once),
	};

	return cmocka_run_group_tests_name("variant_threshold", tests, NULL, NULL);
}
