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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared_words_come_first),
		cmocka_unit_test(a_sentence_is_nearest_to_itself),
		cmocka_unit_test(both_are_fused),
	};

	return cmocka_run_group_tests_name("retrieve_sentence_rank", tests, set_up, tear_down);
}
