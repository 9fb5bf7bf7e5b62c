/* variant_search.c - ways of searching that look at the documents, the pool or the model first: trigrams for code, the fusion
 * chosen on known passages, what the model guesses, and quotes to choose from. */
#include "answer_task.h"

#include "schema/schema.h"
#include "stats/ranking.h"

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

static const struct technique *technique(const char *id)
{
	size_t n;
	const struct technique *all = technique_all(TASK_ANSWER, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].id, id) == 0)
			return &all[i];
	fail_msg("no technique %s", id);
	return NULL;
}

static void ready(const struct variant *v)
{
	const char *unfit;

	MUST(&t, variant_ready(t.workshop, v, &unfit, &t.err));
	assert_null(unfit);
}

/* The variant as a search by words, since the tiny encoder's vectors mean nothing. */
static const struct variant *by_words(const char *id)
{
	struct variant *v = arena_alloc(&t.arena, sizeof(*v));
	struct technique *how = arena_alloc(&t.arena, sizeof(*how));
	struct search *search = arena_alloc(&t.arena, sizeof(*search));

	*v = *towns_variant(&t, id);
	*how = *v->technique;
	*search = *how->search;
	search->mode = SEARCH_WORDS;
	how->search = search;
	v->technique = how;
	ready(v);
	return v;
}

static void trigrams_are_for_code(void **state)
{
	const struct technique *how = technique("rag-code");
	const char *unfit;
	struct passage *found;
	size_t n;

	(void)state;
	MUST(&t, workshop_documents(t.workshop, how, &unfit, &t.err));
	assert_string_equal(unfit, "no code among the documents");
	towns_write(&t, "docs/tool.py", "def count_geese(meadow):\n\treturn len(meadow.geese)\n");
	towns_add(&t);
	MUST(&t, workshop_documents(t.workshop, how, &unfit, &t.err));
	assert_null(unfit);
	how = by_words("2/rag-code@local:tiny-llama")->technique;
	MUST(&t, library_search(t.library, "untgees", how->search, &t.arena, &found, &n, &t.err)); /* inside of names */
	assert_true(n > 0 && strstr(found[0].text, "count_geese"));
}

/* Recall of the pool's known passages. */
static double pool_recall(const struct search *s)
{
	struct item_list pool = t.task->pool.list;
	double sum = 0;

	for (size_t i = 0; i < pool.n; i++) {
		const struct example *item = pool.items[i];
		struct passage *passages;
		bool relevant[16];
		struct evidence e = { 0 };

		if (!item->gold || !item->gold[0])
			continue;
		MUST(&t, library_search(t.library, workshop_text(t.workshop, &t.arena, item), s, &t.arena, &passages, &e.n_passages, &t.err));
		e.passages = passages;
		evidence_mark_gold(&e, item, &t.arena);
		evidence_relevant(&e, relevant);
		sum += ranking_recall(relevant, e.n_passages, e.n_gold, s->k);
	}
	return sum;
}

/* The tiny encoder's vectors mean nothing, so that words have to weigh more than ranks by both would let them. */
static void fusion_is_weighed_on_known_passages(void **state)
{
	const struct technique *how = technique("rag-weighed"), *plain = technique("rag-fused");

	(void)state;
	ready(towns_variant(&t, "2/rag-weighed@local:tiny-llama"));
	const struct search *s = workshop_search(t.workshop, how, &t.err);

	assert_non_null(s);
	assert_ptr_equal(workshop_search(t.workshop, how, &t.err), s); /* chosen once */
	assert_ptr_equal(workshop_search(t.workshop, plain, &t.err), plain->search);
	assert_int_equal(s->fusion.kind, FUSION_WEIGHTED);
	assert_true(pool_recall(s) > pool_recall(plain->search));
	for (double weight = 0; weight <= 1; weight += 0.1) {
		struct search other = *s;

		other.fusion.weight = weight;
		if (weight == 0 || weight == 0.5 || weight == 1)
			assert_true(pool_recall(s) >= pool_recall(&other));
	}
}

static void without_known_passages_nothing_is_weighed(void **state)
{
	(void)state;
	towns_write(&t, "task.yaml", "name: towns\nkind: answer\ninstruction: Answer.\ninput: \"{{question}}\"\ndocuments: docs\n"
		    "examples: {file: questions.jsonl, answer: answer, id: id, split: split}\n");
	task_free(t.task);
	MUST(&t, (t.task = task_open(t.folder, &(struct task_options){ .seed = 1 }, &t.err)) != NULL);
	towns_reopen(&t, 1);
	assert_non_null(towns_variant(&t, "2/rag-weighed@local:tiny-llama")->skipped);
	assert_null(towns_variant(&t, "2/rag-fused@local:tiny-llama")->skipped);
}

/* --- what the model guesses --- */

/* Guesses what town 20's document says, whatever is asked. */
static const char *guesses_wrongly(struct arena *arena, const char *prompt)
{
	return strstr(prompt, "could hold the answer") ? town_gold(arena, 20) : "1407";
}

static bool shows(const struct answer *a, const char *sentence)
{
	for (size_t i = 0; i < a->evidence->n_passages; i++)
		if (strstr(a->evidence->passages[i].text, sentence))
			return true;
	return false;
}

static void a_guess_is_searched_for_too(void **state)
{
	const struct example *item = towns_item(&t, "harbour-7");
	const struct variant *v = by_words("2/rag-rewritten@local:tiny-llama");
	struct answer a;

	(void)state;
	assert_int_equal(variant_calls(v), 2);
	assert_int_equal(variant_replies(v), 1);
	MUST(&t, variant_answer_anyway(t.workshop, v, &item, 1, &t.arena, &a, &t.err));
	assert_false(shows(&a, town_gold(&t.arena, 20)));
	towns_script(&t, guesses_wrongly); /* the guess; the prompt around its passages is not stored yet */
	MUST(&t, variant_answer_anyway(t.workshop, v, &item, 1, &t.arena, &a, &t.err));
	assert_true(shows(&a, town_gold(&t.arena, 20)));
	towns_script(&t, guesses_wrongly);
	MUST(&t, variant_answer_anyway(t.workshop, v, &item, 1, &t.arena, &a, &t.err));
	assert_string_equal(a.text, "1407");
	assert_int_equal(a.n_samples, 2); /* both are paid for */
	assert_true(a.call == a.samples[0] && a.samples[0] != a.samples[1]);
}

/* --- quotes to choose from --- */

static json_t *schema_of(const struct variant *v, const struct example *item)
{
	struct buf request = { 0 };

	MUST(&t, variant_request(t.workshop, v, item, &request, &t.err));
	json_t *root = json_loads(buf_text(&request), 0, NULL);
	const char *text = json_string_value(json_object_get(root, "schema"));
	struct grammar *grammar = text ? schema_compile(text, strlen(text), NULL, &t.err) : NULL;

	MUST(&t, grammar != NULL);
	grammar_free(grammar);
	json_t *schema = json_loads(text, 0, NULL);

	json_decref(root);
	buf_release(&request);
	return schema;
}

/* Every quote that may be chosen stands in its passage, as it is; together they are nearly all of it. */
static void quotes_are_the_passages_own(void **state)
{
	const struct example *item = towns_item(&t, "harbour-7");
	const struct variant *v = towns_variant(&t, "2/rag-quotes@local:tiny-llama");
	struct evidence shown;
	size_t i, k;

	(void)state;
	ready(v);
	MUST(&t, workshop_shown(t.workshop, v->technique, item, workshop_text(t.workshop, &t.arena, item), &t.arena, &shown, &t.err));
	json_t *schema = schema_of(v, item), *properties = json_object_get(schema, "properties"), *choice, *quote;

	assert_string_equal(json_object_iter_key(json_object_iter(properties)), "citations"); /* before the answer */
	json_array_foreach(json_object_get(json_object_get(json_object_get(properties, "citations"), "items"), "anyOf"), i, choice) {
		json_t *of = json_object_get(choice, "properties");
		size_t passage = (size_t)json_integer_value(json_array_get(json_object_get(json_object_get(of, "passage"), "enum"), 0));
		size_t bytes = 0;

		assert_int_equal(passage, i + 1);
		json_array_foreach(json_object_get(json_object_get(of, "quote"), "enum"), k, quote) {
			assert_non_null(strstr(shown.passages[i].text, json_string_value(quote)));
			assert_true(json_string_length(quote) <= CHOICE_BYTES);
			bytes += json_string_length(quote);
		}
		assert_true(bytes > strlen(shown.passages[i].text) / 2);
	}
	assert_int_equal(i, shown.n_passages);
	json_decref(schema);
}

static const char *chooses(struct arena *arena, const char *prompt)
{
	size_t i = town_asked(arena, prompt);

	return arena_printf(arena, "{\"citations\": [{\"passage\": 1, \"quote\": \"%s\"}], \"answer\": \"%u\"}", town_gold(arena, i),
			    town_year(i));
}

static void chosen_quotes_are_cited(void **state)
{
	const struct example *item = towns_item(&t, "harbour-7");
	const struct variant *v = by_words("2/rag-quotes@local:tiny-llama");
	struct answer a;

	(void)state;
	MUST(&t, variant_answer_anyway(t.workshop, v, &item, 1, &t.arena, &a, &t.err));
	towns_script(&t, chooses);
	MUST(&t, variant_answer_anyway(t.workshop, v, &item, 1, &t.arena, &a, &t.err));
	assert_string_equal(a.text, arena_printf(&t.arena, "%u", town_year(7)));
	assert_int_equal(a.evidence->n_citations, 1);
	assert_int_equal(a.evidence->citations[0].match, QUOTE_EXACT);
	assert_string_equal(a.evidence->citations[0].text, town_gold(&t.arena, 7));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(trigrams_are_for_code),
		TEST(fusion_is_weighed_on_known_passages),
		TEST(without_known_passages_nothing_is_weighed),
		TEST(a_guess_is_searched_for_too),
		TEST(quotes_are_the_passages_own),
		TEST(chosen_quotes_are_cited),
	};

	return cmocka_run_group_tests_name("variant_search", tests, NULL, NULL);
}
