/* base.c - arena, buffer, hash map, random numbers, pool, text, files. */
#include "test.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/text.h"

static void error_is_cut_at_a_character(void **state)
{
	struct error err;
	char longest[2000];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memcpy(longest + sizeof(err.text) - 2, "\xC3\xA9", 2); /* the cut falls inside an e acute */
	assert_false(error_set(&err, "%s", longest));
	assert_int_equal(strlen(err.text), sizeof(err.text) - 2);
	error_set(&err, "no such file");
	error_prefix(&err, "%s:%d", "a.csv", 3);
	assert_string_equal(err.text, "a.csv:3: no such file");
}

static void arena_keeps_what_it_gave(void **state)
{
	struct arena a;
	char *texts[1000];

	(void)state;
	arena_init(&a);
	for (int i = 0; i < 1000; i++)
		texts[i] = arena_printf(&a, "%0*d", i % 300 + 1, i);
	char *large = arena_alloc(&a, 1 << 20);

	assert_int_equal(large[(1 << 20) - 1], 0);
	assert_string_equal(texts[7], "00000007");
	assert_int_equal(strlen(texts[999]), 100);
	arena_release(&a);
}

static void hash_map_finds_what_was_put(void **state)
{
	struct hash_map map = { 0 };
	struct arena a;

	(void)state;
	arena_init(&a);
	for (size_t i = 0; i < 5000; i++) {
		char *key = arena_printf(&a, "key %zu", i);

		assert_int_equal(hash_map_put(&map, key, strlen(key), i), i);
	}
	assert_int_equal(hash_map_put(&map, "key 17", 6, 99), 17);
	assert_int_equal(hash_map_get(&map, "key 4999", 8, SIZE_MAX), 4999);
	assert_int_equal(hash_map_get(&map, "key 5000", 8, SIZE_MAX), SIZE_MAX);
	hash_map_release(&map);
	arena_release(&a);
}

static void rng_streams_repeat_and_differ(void **state)
{
	struct rng a, b, c;
	size_t order[100], seen[100] = { 0 };

	(void)state;
	rng_init(&a, 1, "split");
	rng_init(&b, 1, "split");
	rng_init(&c, 1, "shots");
	for (int i = 0; i < 10; i++)
		assert_true(rng_u64(&a) == rng_u64(&b));
	assert_true(rng_u64(&a) != rng_u64(&c));
	for (size_t i = 0; i < 100; i++)
		order[i] = i;
	rng_shuffle(&a, order, 100);
	for (size_t i = 0; i < 100; i++)
		seen[order[i]]++;
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(seen[i], 1);
	for (int i = 0; i < 1000; i++)
		assert_true(rng_below(&a, 7) < 7 && rng_double(&a) < 1);
}

struct counted {
	atomic_size_t times[1000];
	atomic_int in_use[8];
	atomic_bool clash;
};

static void count_tile(void *context, size_t tile, int worker)
{
	struct counted *c = context;

	if (atomic_fetch_add(&c->in_use[worker], 1) != 0)
		c->clash = true;
	c->times[tile]++;
	atomic_fetch_sub(&c->in_use[worker], 1);
}

static void pool_runs_every_tile_once(void **state)
{
	(void)state;
	for (int threads = 1; threads <= 4; threads++) {
		struct pool *p = pool_open(threads);
		static struct counted c;

		memset(&c, 0, sizeof(c));
		for (int round = 0; round < 50; round++)
			pool_run(p, 1000, count_tile, &c);
		for (size_t i = 0; i < 1000; i++)
			assert_int_equal(c.times[i], 50);
		assert_false(c.clash);
		pool_free(p);
	}
}

static const struct {
	const char *text;
	size_t bad; /* SIZE_MAX: valid */
} utf8_cases[] = {
	{ "plain", SIZE_MAX },        { "caf\xC3\xA9", SIZE_MAX },     { "\xF0\x9F\x98\x80", SIZE_MAX },
	{ "\xEF\xBF\xBD", SIZE_MAX }, { "ab\xFF", 2 },                 { "\xC0\x80", 0 },
	{ "a\xED\xA0\x80", 1 },       { "\xE2\x82", 0 },               { "\xF4\x90\x80\x80", 0 },
};

static void text_tells_valid_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(utf8_cases); i++) {
		size_t bad = SIZE_MAX;
		bool valid = text_valid(utf8_cases[i].text, strlen(utf8_cases[i].text), &bad);

		assert_int_equal(valid, utf8_cases[i].bad == SIZE_MAX);
		assert_true(valid || bad == utf8_cases[i].bad);
	}
}

static void text_counts_what_people_call_characters(void **state)
{
	/* e + combining acute; family emoji of three joined; Indian flag of two regional indicators */
	const char *text = "e\xCC\x81" "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7"
			   "\xF0\x9F\x87\xAE\xF0\x9F\x87\xB3" "x";

	(void)state;
	assert_int_equal(text_first(text, strlen(text), 1), 3);
	assert_int_equal(text_first(text, strlen(text), 2), 21);
	assert_int_equal(text_first(text, strlen(text), 3), 29);
	assert_int_equal(text_first(text, strlen(text), 99), 30);
}

static void text_normalises_for_comparison(void **state)
{
	static const char *const pairs[][2] = {
		{ "  Hello,   WORLD! ", "hello world" }, { "\xEF\xAC\x81ne", "fine" }, { "caf\xC3\xA9", "cafe\xCC\x81" },
		{ "a\tb\nc", "A b-c" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct buf a = { 0 }, b = { 0 };

		text_normalise(&a, pairs[i][0], strlen(pairs[i][0]));
		text_normalise(&b, pairs[i][1], strlen(pairs[i][1]));
		assert_string_equal(buf_text(&a), buf_text(&b));
		buf_release(&a);
		buf_release(&b);
	}
	assert_int_equal(text_distance("wrok", "work", 3), 2);
	assert_int_equal(text_distance("spam", "marketing", 3), 4);
}

static void file_is_replaced_whole_or_not_at_all(void **state)
{
	char folder[] = "/tmp/rung-test-XXXXXX", path[64], temporary[80];
	struct error err;
	size_t n;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	snprintf(temporary, sizeof(temporary), "%s.tmp", path);
	assert_true(file_replace(path, "first", 5, &err));
	assert_true(file_replace(path, "second", 6, &err));
	char *text = file_read(path, 100, &n, &err);

	assert_non_null(text);
	assert_string_equal(text, "second");
	free(text);
	assert_null(file_read(path, 3, &n, &err));
	assert_false(file_replace("/nowhere/file", "x", 1, &err));
	assert_false(file_exists(temporary));
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_is_cut_at_a_character),
		cmocka_unit_test(arena_keeps_what_it_gave),
		cmocka_unit_test(hash_map_finds_what_was_put),
		cmocka_unit_test(rng_streams_repeat_and_differ),
		cmocka_unit_test(pool_runs_every_tile_once),
		cmocka_unit_test(text_tells_valid_utf8),
		cmocka_unit_test(text_counts_what_people_call_characters),
		cmocka_unit_test(text_normalises_for_comparison),
		cmocka_unit_test(file_is_replaced_whole_or_not_at_all),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
