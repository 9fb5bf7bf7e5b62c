/* serve_cache.c - the cache against a naive one: a list, the least recently asked for at its end. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "serve/cache.h"
#include "test.h"

static uint64_t seed;

static size_t below(size_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(seed >> 33) % n;
}

static void key_of(size_t i, uint8_t key[SHA256_BYTES])
{
	char name[24];
	const char *const texts[] = { name };

	snprintf(name, sizeof(name), "%zu", i);
	cache_key(texts, 1, key);
}

/* The bytes of an entry are told by its key and its turn. */
static void fill(uint8_t *bytes, size_t n, size_t key, size_t turn)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(key * 31 + turn * 7 + i * (i + 3));
}

enum { KEYS = 200, LARGEST = 700, MOST = 20000 };

/* What was put under each key last, and when it was last put or found; 0: it never was. */
struct model {
	size_t n[KEYS], turn[KEYS], asked[KEYS];
};

/* Does cache hold it as the model says? */
static bool holds(struct cache *c, const struct model *m, size_t i)
{
	uint8_t key[SHA256_BYTES], want[LARGEST];
	size_t n = 0;

	key_of(i, key);
	const void *bytes = cache_get(c, key, &n);

	if (!bytes)
		return false;
	assert_true(m->asked[i] > 0);
	assert_int_equal(n, m->n[i]);
	fill(want, n, i, m->turn[i]);
	assert_memory_equal(bytes, want, n);
	return true;
}

/* Whatever is asked, in whatever order: right bytes or none, never more than the bound, and what is gone was asked for before all that is there. */
static void against_a_naive_one(void **state)
{
	struct cache *c = cache_open(MOST);
	static struct model m;
	uint8_t bytes[LARGEST], key[SHA256_BYTES];
	size_t hits = 0;

	(void)state;
	seed = 5;
	for (size_t turn = 1; turn <= 60000; turn++) {
		size_t i = below(KEYS) * below(KEYS) / KEYS; /* some more often */

		if (below(3) == 0) {
			m.n[i] = below(LARGEST);
			m.turn[i] = turn;
			m.asked[i] = turn;
			fill(bytes, m.n[i], i, turn);
			key_of(i, key);
			cache_put(c, key, bytes, m.n[i]);
			assert_true(holds(c, &m, i));
		} else if (holds(c, &m, i)) {
			m.asked[i] = turn;
			hits++;
		}
		assert_true(cache_bytes(c) <= MOST);
	}
	size_t youngest_gone = 0, oldest_there = SIZE_MAX;

	for (size_t i = 0; i < KEYS; i++) {
		bool there = m.asked[i] > 0 && holds(c, &m, i); /* asking changes the order, but nothing goes */

		if (there && m.asked[i] < oldest_there)
			oldest_there = m.asked[i];
		if (!there && m.asked[i] > youngest_gone)
			youngest_gone = m.asked[i];
	}
	assert_true(youngest_gone > 0 && youngest_gone < oldest_there);
	assert_true(hits > 1000);
	cache_free(c);
}

/* Entries of one size: the bound holds so many, and never goes on growing. */
static void bounded_and_well_used(void **state)
{
	struct cache *c = cache_open(1 << 20);
	uint8_t key[SHA256_BYTES], bytes[1000] = { 0 };
	size_t there = 0, n;

	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		key_of(i, key);
		cache_put(c, key, bytes, sizeof(bytes));
		assert_true(cache_bytes(c) <= 1 << 20);
	}
	for (size_t i = 0; i < 20000; i++) {
		key_of(i, key);
		there += cache_get(c, key, &n) != NULL;
	}
	assert_true(there * sizeof(bytes) > (1 << 20) / 2); /* most of it is for what is kept */
	key_of(19999, key);
	assert_non_null(cache_get(c, key, &n));
	key_of(0, key);
	assert_null(cache_get(c, key, &n));
	cache_free(c);
}

/* Small entries cost what they cost: a bound that counts their bytes alone would be passed many times over. */
static void small_entries_count_whole(void **state)
{
	struct cache *c = cache_open(100000);
	uint8_t key[SHA256_BYTES];
	size_t there = 0, n;

	(void)state;
	for (size_t i = 0; i < 100000; i++) {
		key_of(i, key);
		cache_put(c, key, "x", 1);
	}
	for (size_t i = 0; i < 100000; i++) {
		key_of(i, key);
		there += cache_get(c, key, &n) != NULL;
	}
	assert_true(there > 0 && there * SHA256_BYTES <= 100000);
	cache_free(c);
}

static void what_is_too_large_is_not_kept(void **state)
{
	struct cache *c = cache_open(4096);
	uint8_t a[SHA256_BYTES], b[SHA256_BYTES], large[5000] = { 0 };
	size_t n;

	(void)state;
	key_of(1, a);
	key_of(2, b);
	cache_put(c, a, "small", 5);
	cache_put(c, b, large, sizeof(large));
	assert_null(cache_get(c, b, &n));
	assert_non_null(cache_get(c, a, &n)); /* nothing had to go for it */
	cache_put(c, a, large, sizeof(large)); /* in its place: what was there is not the answer any more */
	assert_null(cache_get(c, a, &n));
	assert_true(cache_bytes(c) <= 4096);
	cache_free(c);
	c = cache_open(1);
	cache_put(c, a, "", 0);
	assert_null(cache_get(c, a, &n));
	assert_true(cache_bytes(c) <= 1);
	cache_free(c);
	cache_free(NULL);
}

static void nothing_is_an_entry_too(void **state)
{
	struct cache *c = cache_open(4096);
	uint8_t a[SHA256_BYTES];
	size_t n = 9;

	(void)state;
	key_of(1, a);
	cache_put(c, a, "", 0);
	assert_non_null(cache_get(c, a, &n));
	assert_int_equal(n, 0);
	cache_put(c, a, "a\0b", 3);
	assert_memory_equal(cache_get(c, a, &n), "a\0b", 3);
	assert_int_equal(n, 3);
	cache_free(c);
}

/* Lists of texts that must not meet, each against each. */
static const struct {
	size_t n;
	const char *texts[4];
} lists[] = {
	{ 0, { NULL } }, { 1, { NULL } }, { 1, { "" } }, { 2, { NULL, NULL } }, { 2, { "", "" } }, { 2, { NULL, "" } }, { 2, { "", NULL } },
	{ 3, { "", "", "" } }, { 2, { "a", "bc" } }, { 2, { "ab", "c" } }, { 1, { "abc" } }, { 2, { "abc", "" } }, { 2, { "", "abc" } },
	{ 2, { "abc", NULL } }, { 2, { NULL, "abc" } }, { 3, { "a", "b", "c" } }, { 2, { "a,bc", "" } }, { 2, { "a", ",bc" } }, { 1, { "1:a" } },
	{ 2, { "1", "a" } }, { 1, { "3:abc" } }, { 1, { "-1" } }, { 1, { "\xff\xff\xff\xff\xff\xff\xff\xff" } }, { 1, { "\x01" } }, { 2, { "a\n", "b" } },
	{ 2, { "a", "\nb" } }, { 3, { "shop", "m", "{}" } }, { 3, { "shopm", "", "{}" } }, { 3, { "m", "shop", "{}" } },
};

static void keys_of_other_texts_are_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (size_t j = 0; j < ARRAY_SIZE(lists); j++) {
			uint8_t a[SHA256_BYTES], b[SHA256_BYTES];

			cache_key(lists[i].texts, lists[i].n, a);
			cache_key(lists[j].texts, lists[j].n, b);
			if ((memcmp(a, b, SHA256_BYTES) == 0) != (i == j))
				fail_msg("lists %zu and %zu", i, j);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_a_naive_one), cmocka_unit_test(bounded_and_well_used), cmocka_unit_test(small_entries_count_whole),
		cmocka_unit_test(what_is_too_large_is_not_kept), cmocka_unit_test(nothing_is_an_entry_too),
		cmocka_unit_test(keys_of_other_texts_are_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
