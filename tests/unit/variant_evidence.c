/* variant_evidence.c - what an answer stands on: quotes become places of the stored revision or nothing at all; what is known
 * to hold the answer is marked; and all of it comes back as it was stored. */
#include "test.h"

#include <string.h>

#include "store/store.h"
#include "task_folder.h"
#include "variant/evidence.h"

/* Two documents, and the passages of them that were shown: B's two, which overlap, and A's only one. */
static const char text_a[] = "# Protocol\n\nThe Ring of Silence was shown at Lake Ypsilon in 2046. Nobody believed it.\n";
static const char text_b[] = "Costs are \xE2\x80\x9Chigh\xE2\x80\x9D: $1,200 a year. The dampers last nine years, as far as "
			     "anybody knows. The Ring of Silence was shown at Lake Ypsilon again.\n";
enum { B_FIRST = 91, B_SECOND = 37 }; /* end of B's first passage, start of its second */

static struct arena arena;
static struct passage shown[3];

static struct passage passage_of(const char *document, const char *text, size_t start, size_t end)
{
	return (struct passage){ .chunk = 4, .revision = 7, .key = 1ull << 63, .document = document, .title = "T", .heading = "",
				 .text = arena_copy(&arena, text + start, end - start), .start = start, .end = end,
				 .score = 0.5, .similarity = 0.25 };
}

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena);
	shown[0] = passage_of("docs/b.md", text_b, 0, B_FIRST);
	shown[1] = passage_of("docs/a.md", text_a, 0, strlen(text_a));
	shown[2] = passage_of("docs/b.md", text_b, B_SECOND, strlen(text_b));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static struct evidence three_shown(void)
{
	return (struct evidence){ .passages = shown, .n_passages = 3, .similarity = NAN };
}

/* Every citation is its revision's own bytes, inside the passage that it names. */
static void assert_true_to_the_byte(const struct evidence *e)
{
	for (size_t i = 0; i < e->n_citations; i++) {
		const struct citation *c = &e->citations[i];

		assert_true(c->passage < e->n_passages && c->match != QUOTE_FAILED && c->start < c->end);
		const struct passage *p = &e->passages[c->passage];
		const char *whole = strcmp(p->document, "docs/a.md") == 0 ? text_a : text_b;

		assert_true(c->start >= p->start && c->end <= p->end);
		assert_int_equal(strlen(c->text), c->end - c->start);
		assert_memory_equal(c->text, whole + c->start, c->end - c->start);
	}
}

/* --- quotes --- */

static const struct {
	const char *name;
	size_t passage; /* that the reply names */
	const char *quote;
	enum quote_match match;
	size_t found; /* passage that is cited */
	const char *span;
} quotes[] = {
	{ "exact", 1, "shown at Lake Ypsilon in 2046", QUOTE_EXACT, 1, "shown at Lake Ypsilon in 2046" },
	{ "normalised", 0, "are \"HIGH\": $1,200", QUOTE_NORMALISED, 0, "are \xE2\x80\x9Chigh\xE2\x80\x9D: $1,200" },
	{ "fuzzy", 2, "as far as anybody knoss", QUOTE_FUZZY, 2, "as far as anybody knows" },
	{ "in the named one, though it stands in an earlier one too", 2, "The dampers last nine years", QUOTE_EXACT, 2,
	  "The dampers last nine years" },
	{ "in another than the named one", 0, "Nobody believed it.", QUOTE_EXACT, 1, "Nobody believed it." },
	{ "of the others the first", 1, "The dampers last nine years", QUOTE_EXACT, 0, "The dampers last nine years" },
	{ "begins before its passage", 2, "a year. The dampers last nine years", QUOTE_EXACT, 0, "a year. The dampers last nine years" },
	{ "invented", 1, "The council of Geneva forbade the ring", QUOTE_FAILED, 0, NULL },
	{ "half of it invented", 1, "shown at Lake Ypsilon in 2046, and banned by law the year after", QUOTE_FAILED, 0, NULL },
	{ "from the part of a document that was not shown", 1, "Protocol The Ring of Silence Costs are high", QUOTE_FAILED, 0, NULL },
};

static void quotes_become_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(quotes); i++) {
		struct evidence e = three_shown();
		struct cited cited = { quotes[i].passage, quotes[i].quote };
		struct cited_answer reply = { .answer = "x", .citations = &cited, .n_citations = 1, .parsed = true };

		evidence_cite(&e, &reply, &arena);
		assert_true_to_the_byte(&e);
		if (quotes[i].match == QUOTE_FAILED) {
			if (e.n_citations != 0 || e.failed != 1)
				fail_msg("%s: %zu citations, %zu failed", quotes[i].name, e.n_citations, e.failed);
			continue;
		}
		if (e.n_citations != 1 || e.failed != 0)
			fail_msg("%s: %zu citations, %zu failed", quotes[i].name, e.n_citations, e.failed);
		if (e.citations[0].match != quotes[i].match || e.citations[0].passage != quotes[i].found ||
		    strcmp(e.citations[0].text, quotes[i].span) != 0)
			fail_msg("%s: %s in passage %zu: \"%s\"", quotes[i].name, quote_match_name(e.citations[0].match),
				 e.citations[0].passage, e.citations[0].text);
	}
}

static void good_and_bad_quotes_are_counted_apart(void **state)
{
	const struct cited cited[] = { { 1, "Nobody believed it." }, { 0, "an invention of some length" }, { 2, "nine years" } };
	struct cited_answer reply = { .answer = "x", .citations = cited, .n_citations = 3, .parsed = true };
	struct evidence e = three_shown();

	(void)state;
	evidence_cite(&e, &reply, &arena);
	assert_int_equal(e.n_citations, 2);
	assert_int_equal(e.failed, 1);
	assert_string_equal(e.citations[0].text, "Nobody believed it.");
	assert_string_equal(e.citations[1].text, "nine years");
	assert_true_to_the_byte(&e);
}

static void only_running_text_cites_a_whole_passage(void **state)
{
	const struct cited cited = { 1, "" };
	struct cited_answer reply = { .answer = "x", .citations = &cited, .n_citations = 1, .parsed = false };
	struct evidence whole = three_shown(), none = three_shown();

	(void)state;
	evidence_cite(&whole, &reply, &arena);
	assert_int_equal(whole.n_citations, 1);
	assert_true(whole.citations[0].passage == 1 && whole.citations[0].start == 0 && whole.citations[0].end == strlen(text_a));
	assert_true_to_the_byte(&whole);
	reply.parsed = true; /* there was a place for a quote, and it was left empty */
	evidence_cite(&none, &reply, &arena);
	assert_int_equal(none.n_citations, 0);
}

static void without_passages_nothing_is_cited(void **state)
{
	static const char *const replies[] = { "{\"answer\": \"x\", \"citations\": [{\"passage\": 1, \"quote\": \"Nobody\"}]}", "x [1]" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
		struct cited_answer reply = passages_read(replies[i], 0, &arena);
		struct evidence e = { .similarity = NAN };

		evidence_cite(&e, &reply, &arena);
		assert_int_equal(e.n_citations, 0);
		evidence_support(&e, "2046", &arena);
		assert_int_equal(e.n_citations, 0);
	}
}

/* --- replies that were not asked to cite --- */

static const struct {
	const char *name, *answer;
	size_t passage;
	const char *sentence; /* NULL: none */
} supports[] = {
	{ "the sentence that has it", "2046", 1, "The Ring of Silence was shown at Lake Ypsilon in 2046." },
	{ "as a reader sees it", "NINE  years", 0, "The dampers last nine years, as far as anybody knows." },
	{ "nowhere", "Geneva", 0, NULL },
	{ "inside a number", "204", 0, NULL },
	{ "inside a word", "amper", 0, NULL },
	{ "nothing", "", 0, NULL },
};

static void answers_are_supported_by_their_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(supports); i++) {
		struct evidence e = three_shown();

		evidence_support(&e, supports[i].answer, &arena);
		assert_true_to_the_byte(&e);
		assert_int_equal(e.failed, 0); /* it quoted nothing */
		if (!supports[i].sentence) {
			if (e.n_citations != 0)
				fail_msg("%s: cites \"%s\"", supports[i].name, e.citations[0].text);
			continue;
		}
		if (e.n_citations < 1)
			fail_msg("%s: cites nothing", supports[i].name);
		if (e.citations[0].passage != supports[i].passage || !strstr(e.citations[0].text, supports[i].sentence))
			fail_msg("%s: passage %zu, \"%s\"", supports[i].name, e.citations[0].passage, e.citations[0].text);
	}
}

/* --- what holds the answer --- */

static const struct {
	const char *document, *id;
	bool named;
} names[] = {
	{ "docs/a.md", "docs/a.md", true },
	{ "docs/a.md", "a.md", true },
	{ "codes.tsv#B2", "B2", true },
	{ "tables/codes.tsv#B2", "codes.tsv#B2", true },
	{ "codes.tsv#a#b", "b", true },
	{ "codes.tsv#a/b", "a/b", true },
	{ "docs/a.md", "md", false },
	{ "docs/aa.md", "a.md", false },
	{ "docs/a.md", "docs/", false },
	{ "codes.tsv#B2", "codes.tsv", false },
	{ "docs/a.md", "", false },
	{ "docs/a.md", "DOCS/a.md", false },
};

static void documents_are_named_by_their_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (evidence_names(names[i].document, names[i].id) != names[i].named)
			fail_msg("\"%s\" for %s: %d", names[i].id, names[i].document, !names[i].named);
}

static const struct {
	const char *name;
	struct example item;
	bool told, gold[3];
	size_t n_gold;
} marks[] = {
	{ "says nothing", { .answer = "x" }, false, { false }, 0 },
	{ "an empty passage", { .answer = "x", .gold = "" }, false, { false }, 0 },
	{ "a passage in one", { .gold = "shown at Lake Ypsilon in 2046" }, true, { false, true, false }, 1 },
	{ "a passage in two", { .gold = "The dampers last nine years" }, true, { true, false, true }, 1 },
	{ "a passage as a reader sees it", { .gold = "costs are \"high\":\n$1,200 a year." }, true, { true, false, false }, 1 },
	{ "a passage that was not shown", { .gold = "It stands in a third document, far from here." }, true,
	  { false, false, false }, 1 },
	{ "a document", { .gold_ids = (const char *const[]){ "b.md" }, .n_gold_ids = 1 }, true, { true, false, true }, 1 },
	{ "three documents, one of them shown",
	  { .gold_ids = (const char *const[]){ "c.md", "docs/a.md", "d.md" }, .n_gold_ids = 3 }, true, { false, true, false }, 3 },
};

static void what_holds_the_answer_is_marked(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		struct evidence e = three_shown();

		evidence_mark_gold(&e, &marks[i].item, &arena);
		if ((e.gold != NULL) != marks[i].told)
			fail_msg("%s: %s", marks[i].name, e.gold ? "marked" : "not marked");
		if (e.n_gold != marks[i].n_gold)
			fail_msg("%s: n_gold %zu", marks[i].name, e.n_gold);
		for (size_t p = 0; p < 3 && e.gold; p++)
			if (e.gold[p] != marks[i].gold[p])
				fail_msg("%s: passage %zu is %s", marks[i].name, p, e.gold[p] ? "gold" : "none");
	}
}

/* Of several passages of a document the first counts: the others find nothing new. */
static void a_document_is_relevant_once(void **state)
{
	static const struct {
		bool gold[3], relevant[3]; /* passages of b, a, b */
	} shown_gold[] = {
		{ { true, false, true }, { true, false, false } },
		{ { false, false, true }, { false, false, true } },
		{ { true, true, true }, { true, true, false } },
		{ { false, false, false }, { false, false, false } },
	};
	struct evidence untold = three_shown();
	bool relevant[3];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shown_gold); i++) {
		struct evidence e = three_shown();

		e.gold = shown_gold[i].gold;
		evidence_relevant(&e, relevant);
		assert_memory_equal(relevant, shown_gold[i].relevant, sizeof(relevant));
	}
	evidence_relevant(&untold, relevant);
	assert_false(relevant[0] || relevant[1] || relevant[2]);
}

/* --- as JSON, and in the store --- */

static struct evidence full(void)
{
	static const struct cited cited[] = { { 1, "Nobody believed it." }, { 2, "as far as anybody knoss" },
					      { 0, "an invention of some length" } };
	static const struct example item = { .gold = "The dampers last nine years" };
	struct cited_answer reply = { .answer = "x", .citations = cited, .n_citations = 3, .parsed = true };
	struct evidence e = three_shown();

	e.similarity = 1.0 / 3;
	evidence_mark_gold(&e, &item, &arena);
	evidence_cite(&e, &reply, &arena);
	return e;
}

static void assert_same(const struct evidence *a, const struct evidence *b)
{
	assert_int_equal(a->n_passages, b->n_passages);
	for (size_t i = 0; i < a->n_passages; i++) {
		const struct passage *p = &a->passages[i], *q = &b->passages[i];

		assert_string_equal(p->document, q->document);
		assert_string_equal(p->title, q->title);
		assert_string_equal(p->heading, q->heading);
		assert_string_equal(p->text, q->text);
		assert_true(p->revision == q->revision && p->start == q->start && p->end == q->end);
	}
	assert_int_equal(a->gold != NULL, b->gold != NULL);
	assert_true(a->n_gold == b->n_gold && a->failed == b->failed);
	for (size_t i = 0; i < a->n_passages && a->gold; i++)
		assert_int_equal(a->gold[i], b->gold[i]);
	assert_int_equal(a->n_citations, b->n_citations);
	for (size_t i = 0; i < a->n_citations; i++) {
		const struct citation *c = &a->citations[i], *d = &b->citations[i];

		assert_true(c->passage == d->passage && c->match == d->match && c->start == d->start && c->end == d->end);
		assert_string_equal(c->text, d->text);
	}
	assert_true(isnan(a->similarity) ? isnan(b->similarity) : a->similarity == b->similarity);
}

static void it_reads_back_as_it_was_written(void **state)
{
	struct evidence e = full(), bare = three_shown(), back = { 0 };

	(void)state;
	assert_int_equal(e.n_citations, 2);
	assert_true(evidence_read(evidence_json(&e, &arena), &back, &arena));
	assert_same(&e, &back);
	assert_true(evidence_read(evidence_json(&bare, &arena), &back, &arena));
	assert_same(&bare, &back);
	bare.n_passages = 0;
	assert_true(evidence_read(evidence_json(&bare, &arena), &back, &arena));
	assert_int_equal(back.n_passages, 0);
}

static void it_survives_in_an_answers_row(void **state)
{
	struct folder f = folder_make();
	struct evidence e = full(), back = { 0 };
	struct error err = { .text = "" };
	char path[128];
	struct run_row run = { .key = "k", .examples = "", .settings = "{}" };
	struct answer_row *rows;
	size_t n;

	(void)state;
	snprintf(path, sizeof(path), "%s/store.db", f.path);
	struct store *store = store_open(path, true, &err);
	struct answer_row told = { .variant = "v", .item = "i", .split = "test", .answer = "", .status = "abstained",
				   .evidence = evidence_json(&e, &arena) };
	struct answer_row plain = { .variant = "v", .item = "j", .split = "test", .answer = "x", .status = "answered" };

	if (!store || !store_run_begin(store, &arena, &run, &err) || !store_answer_put(store, run.id, &told, &err) ||
	    !store_answer_put(store, run.id, &plain, &err) || !store_answers(store, run.id, "v", "test", &arena, &rows, &n, &err)) {
		fail_msg("%s", err.text);
		abort(); /* never reached, which clang-tidy does not know */
	}
	assert_int_equal(n, 2);
	size_t i = strcmp(rows[0].item, "i") == 0 ? 0 : 1;

	assert_string_equal(rows[i].answer, ""); /* an abstention is not the lack of an answer */
	assert_string_equal(rows[i].status, "abstained");
	assert_true(evidence_read(rows[i].evidence, &back, &arena));
	assert_same(&e, &back);
	assert_null(rows[1 - i].evidence);
	store_close(store);
	folder_remove(&f);
}

/* Rows of a damaged store: refused, or read without a place outside of what was shown. */
static void broken_json_is_none(void **state)
{
	static const char *const broken[] = { "", "{", "[]", "null", "5", "\"x\"", "{\"passages\": 5}" };
	struct evidence e = full(), back;
	const char *json = evidence_json(&e, &arena);
	size_t n = strlen(json);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		if (evidence_read(broken[i], &back, &arena))
			fail_msg("\"%s\" is taken for evidence", broken[i]);
	for (size_t cut = 0; cut < n; cut++)
		assert_false(evidence_read(arena_copy(&arena, json, cut), &back, &arena));
	for (size_t at = 0; at < n; at++) { /* a digit changed: counts, offsets and indices that no longer fit */
		char *changed = arena_copy(&arena, json, n);

		if (changed[at] < '0' || changed[at] > '9')
			continue;
		changed[at] = '9';
		if (!evidence_read(changed, &back, &arena))
			continue;
		for (size_t i = 0; i < back.n_citations; i++)
			assert_true(back.citations[i].passage < back.n_passages && back.citations[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_become_places),
		cmocka_unit_test(good_and_bad_quotes_are_counted_apart),
		cmocka_unit_test(only_running_text_cites_a_whole_passage),
		cmocka_unit_test(without_passages_nothing_is_cited),
		cmocka_unit_test(answers_are_supported_by_their_sentence),
		cmocka_unit_test(documents_are_named_by_their_ends),
		cmocka_unit_test(what_holds_the_answer_is_marked),
		cmocka_unit_test(a_document_is_relevant_once),
		cmocka_unit_test(it_reads_back_as_it_was_written),
		cmocka_unit_test(it_survives_in_an_answers_row),
		cmocka_unit_test(broken_json_is_none),
	};

	return cmocka_run_group_tests_name("variant_evidence", tests, set_up, tear_down);
}
