/* retrieve_sentence_rank.c - sentences by words, by vectors (of the tiny encoder, whose meaning is its own), and by both. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "retrieve/sentence_rank.h"

static const char *const sentences[] = {
	"Bread is baked at night.", "The harbour of Halamar was opened in 1449.", "Nobody counts the geese.",
	"A harbour needs deep water.", "The geese of Halamar are white.",
};
enum { N = ARRAY_SIZE(sentences) };
static const char question[] = "When was the harbour of Halamar opened?";

static struct {
	char folder[64];
	struct models *models;
	struct arena arena;
	struct error err;
} f;

static int set_up(void **state)
{
	char target[4096], link[4200];

	(void)state;
	arena_init(&f.arena);
	snprintf(f.folder, sizeof(f.folder), "/tmp/rung-sentences-XXXXXX");
	if (!mkdtemp(f.folder) || !realpath("tests/reference/golden/tiny-bert", target))
		return -1;
	snprintf(link, sizeof(link), "%s/all-MiniLM-L6-v2", f.folder);
	f.models = models_open(f.folder, &(struct model_settings){ .threads = 1 });
	return symlink(target, link);
}

static int tear_down(void **state)
{
	char link[128];

	(void)state;
	models_free(f.models);
	arena_release(&f.arena);
	snprintf(link, sizeof(link), "%s/all-MiniLM-L6-v2", f.folder);
	return unlink(link) || rmdir(f.folder);
}

static struct ranked *ranked(enum search_mode mode, const char *query)
{
	struct ranked *r = arena_array(&f.arena, 2 * N, sizeof(*r)), none = { -77, -77 };
	bool seen[N] = { false };

	for (size_t i = N; i < 2 * N; i++)
		r[i] = none;

	if (!sentence_rank(mode == SEARCH_WORDS ? NULL : f.models, mode, query, sentences, N, &f.arena, r, &f.err))
		fail_msg("%s", f.err.text);
	for (size_t i = 0; i < N; i++) {
		assert_true(r[i].id >= 0 && r[i].id < N && !seen[r[i].id]); /* every one once, best first */
		assert_true(i == 0 || r[i].score <= r[i - 1].score);
		seen[r[i].id] = true;
	}
	for (size_t i = N; i < 2 * N; i++)
		assert_true(r[i].id == none.id && r[i].score == none.score); /* nothing behind the last */
	return r;
}

static void shared_words_come_first(void **state)
{
	struct ranked *r = ranked(SEARCH_WORDS, question);

	(void)state;
	assert_int_equal(r[0].id, 1);
	assert_true(r[N - 1].score == 0 && (r[N - 1].id == 0 || r[N - 1].id == 2)); /* "of" and "the" apart they share nothing */
}

static void a_sentence_is_nearest_to_itself(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++) {
		struct ranked *r = ranked(SEARCH_VECTORS, sentences[i]);

		assert_int_equal(r[0].id, i);
		assert_close("cosine", r[0].score, 1, 1e-5);
	}
}

/* Against reciprocal ranks added up here. */
static void both_are_fused(void **state)
{
	struct ranked *words = ranked(SEARCH_WORDS, question), *near = ranked(SEARCH_VECTORS, question);
	struct ranked *both = ranked(SEARCH_FUSED, question);
	double want[N] = { 0 };

	(void)state;
	for (size_t i = 0; i < N; i++) {
		want[words[i].id] += 1.0 / (double)(RRF_K + i + 1);
		want[near[i].id] += 1.0 / (double)(RRF_K + i + 1);
	}
	for (size_t i = 0; i < N; i++)
		assert_close("fused", both[i].score, want[both[i].id], 1e-12);
}

/* --- sentences --- */

static const struct {
	const char *name, *text;
	const char *spans[8];
} passages[] = {
	{ "prose", "One is here. Two\nis wrapped.  Three!\n", { "One is here.", "Two\nis wrapped.", "Three!" } },
	{ "a table", "| key | value |\n|---|---|\n| `a` | the first. And more |\n| `b` | the second |\n",
	  { "| key | value |", "| `a` | the first.", "And more |", "| `b` | the second |" } },
	{ "a list", "Intro:\n* one thing\n  that is wrapped\n* another\n\n1. first\n12) second",
	  { "Intro:", "* one thing\n  that is wrapped", "* another", "1. first", "12) second" } },
	{ "headings", "# Title\nText below.\n## Next\nMore", { "# Title", "Text below.", "## Next", "More" } },
	{ "a dash in the text", "so - as we\n-said- it is 3\n4.5 metres", { "so - as we\n-said- it is 3\n4.5 metres" } },
	{ "nothing said", "---\n\n| | |\n***\n", { NULL } },
	{ "empty", "", { NULL } },
};

static void what_a_reader_sees_as_one_is_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(passages); i++) {
		const char *text = passages[i].text;
		size_t n, k = 0;
		const struct span *spans = passage_sentences(text, strlen(text), &f.arena, &n);

		for (; passages[i].spans[k]; k++) {
			const char *want = passages[i].spans[k];

			if (k >= n || spans[k].end - spans[k].start != strlen(want) || memcmp(text + spans[k].start, want, strlen(want)) != 0)
				fail_msg("%s: span %zu of %zu is \"%.*s\"", passages[i].name, k, n,
					 k < n ? (int)(spans[k].end - spans[k].start) : 0, k < n ? text + spans[k].start : "");
		}
		if (k != n)
			fail_msg("%s: %zu spans", passages[i].name, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared_words_come_first),
		cmocka_unit_test(a_sentence_is_nearest_to_itself),
		cmocka_unit_test(both_are_fused),
		cmocka_unit_test(what_a_reader_sees_as_one_is_one),
	};

	return cmocka_run_group_tests_name("retrieve_sentence_rank", tests, set_up, tear_down);
}
