/* variant_lookup.c - questions answered without a language model: by the answer of a similar one, and by a sentence of the
 * documents, which cites itself. */
#include "answer_task.h"

#include "task/scorer.h"
#include "variant/lookup.h"

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

static struct answer answered(const char *variant, const struct example *item)
{
	const char *unfit;

	MUST(&t, variant_ready(t.workshop, towns_variant(&t, variant), &unfit, &t.err));
	struct answer a = towns_answer(&t, variant, item);

	assert_true(a.call == 0 && a.n_samples == 0 && a.input_tokens == 0 && a.output_tokens == 0);
	return a;
}

/* An item that asks something else; it has no answer of its own. */
static struct example asking(const char *question)
{
	struct example item = *towns_item(&t, "harbour-1");
	const char **values = arena_array(&t.arena, t.task->n_columns, sizeof(*values));

	for (size_t i = 0; i < t.task->n_columns; i++)
		values[i] = item.values[i];
	values[task_column(t.task, "question", 8)] = question;
	item.values = values;
	item.answer = "";
	item.n_answers = 0;
	item.gold = NULL;
	return item;
}

static void they_ask_no_model(void **state)
{
	size_t n, calls = 0;
	const struct lookup *all = lookup_all(&n);

	(void)state;
	assert_true(n >= 2);
	for (size_t i = 0; i < n; i++) {
		if (all[i].kind != TASK_ANSWER)
			continue;
		const struct variant *v = towns_variant(&t, arena_printf(&t.arena, "%d/%s", all[i].rung, all[i].id));

		/* what looks at vectors is above rung 0 */
		assert_true(v->rung == (all[i].search && all[i].search->mode != SEARCH_WORDS ? 2 : 0) && v->lookup == &all[i] && !v->model && !v->skipped && all[i].summary[0]);
		calls += variant_calls(v);
	}
	assert_int_equal(calls, 0);
}

static void abstaining_is_right_where_nothing_is_known(void **state)
{
	const struct example *unknown = towns_item(&t, "anthem-8"), *known = towns_item(&t, "harbour-8");
	struct answer a = answered("0/abstain", unknown);

	(void)state;
	assert_string_equal(a.text, "");
	assert_string_equal(a.status, "abstained");
	assert_null(a.evidence);
	assert_true(scorer_grade(t.task, unknown, a.text) == 1 && scorer_grade(t.task, known, a.text) == 0);
}

static void a_known_question_gets_its_answer(void **state)
{
	const struct item_list pool = t.task->pool.list;

	(void)state;
	for (size_t i = 0; i < pool.n; i += 3) {
		struct example item = asking(pool.items[i]->values[task_column(t.task, "question", 8)]);
		struct answer a = answered("0/nearest-answer", &item);

		assert_string_equal(a.text, pool.items[i]->answer);
		assert_string_equal(a.status, pool.items[i]->answer[0] ? "answered" : "abstained");
		assert_null(a.evidence);
	}
}

/* Learnt from the pool alone: of dev and test it knows the words and not the answers. */
static void it_knows_the_pool_alone(void **state)
{
	const struct item_list lists[] = { t.task->dev.list, t.task->test.list };
	size_t right = 0, harbours = 0;

	(void)state;
	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; i < lists[l].n; i++) {
			struct answer a = answered("0/nearest-answer", lists[l].items[i]);

			if (!lists[l].items[i]->answer[0]) {
				assert_string_equal(a.status, "abstained"); /* the nearest is another anthem */
				continue;
			}
			harbours++;
			right += scorer_grade(t.task, lists[l].items[i], a.text) == 1;
		}
	assert_int_equal(harbours, 64);
	assert_int_equal(right, 0);
}

static void the_nearest_sentence_answers_and_cites_itself(void **state)
{
	(void)state;
	for (size_t i = 0; i < TOWNS; i += 7) {
		const struct example *item = towns_item(&t, arena_printf(&t.arena, "harbour-%zu", i));
		struct answer a = answered("0/best-sentence", item);

		assert_string_equal(a.status, "answered");
		assert_string_equal(a.text, town_gold(&t.arena, i));
		assert_int_equal(a.evidence->n_citations, 1);
		assert_int_equal(a.evidence->failed, 0);
		const struct citation *c = &a.evidence->citations[0];
		const struct passage *p = &a.evidence->passages[c->passage];
		struct passage whole;
		bool there;

		MUST(&t, library_document(t.library, p->document, &t.arena, &whole, &there, &t.err));
		assert_true(there && c->match == QUOTE_EXACT && c->end <= whole.end);
		assert_int_equal(c->end - c->start, strlen(a.text));
		assert_memory_equal(whole.text + c->start, a.text, strlen(a.text));
		assert_true(a.evidence->gold[c->passage]);
		assert_true(scorer_grade(t.task, item, a.text) == 1);
	}
}

static void without_a_word_in_common_there_is_no_sentence(void **state)
{
	struct example item = asking("Zyzzyva qwertz?"), stem = asking("harbours");
	struct answer a;

	(void)state;
	a = answered("0/best-sentence", &stem); /* a word that only the index's stems share */
	assert_true(a.text && a.evidence);
	struct library_counts counts = { 0 };

	for (size_t i = 0; i < TOWNS; i++)
		MUST(&t, library_remove(t.library, arena_printf(&t.arena, "docs/%s.md", town_name(&t.arena, i)), &counts, &t.err));
	a = answered("0/best-sentence", &item);
	assert_string_equal(a.text, "");
	assert_string_equal(a.status, "abstained");
	assert_int_equal(a.evidence->n_citations, 0);
}

/* No model of any kind is there: rung 0 is what remains. */
static void they_need_no_models(void **state)
{
	struct models *none = models_open("/nonexistent", &(struct model_settings){ .threads = 1 });
	const char *path = arena_printf(&t.arena, "%s/.rung/words.db", t.folder);
	struct library *words = library_open(path, true, NULL, &t.err);
	const struct source source = { .paths = t.task->documents.paths, .n_paths = 1, .folder = t.folder };
	struct library_counts counts = { 0 };
	const struct example *item = towns_item(&t, "harbour-8");
	struct answer a;
	const char *unfit;

	(void)state;
	assert_non_null(words);
	MUST(&t, library_add(words, &source, true, NULL, &counts, &t.err));
	struct workshop *w = workshop_open(t.task, t.task->dev, none, words, NULL, 0, 1);
	const struct variant *v = towns_variant(&t, "0/best-sentence");

	MUST(&t, variant_ready(w, v, &unfit, &t.err));
	MUST(&t, variant_answer(w, v, &item, 1, &t.arena, &a, &t.err));
	assert_string_equal(a.text, town_gold(&t.arena, 8));
	v = towns_variant(&t, "0/nearest-answer");
	MUST(&t, variant_ready(w, v, &unfit, &t.err));
	MUST(&t, variant_answer(w, v, &item, 1, &t.arena, &a, &t.err));
	workshop_free(w);
	library_close(words);
	models_free(none);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(they_ask_no_model),
		TEST(abstaining_is_right_where_nothing_is_known),
		TEST(a_known_question_gets_its_answer),
		TEST(it_knows_the_pool_alone),
		TEST(the_nearest_sentence_answers_and_cites_itself),
		TEST(without_a_word_in_common_there_is_no_sentence),
		TEST(they_need_no_models),
	};

	return cmocka_run_group_tests_name("variant_lookup", tests, NULL, NULL);
}
