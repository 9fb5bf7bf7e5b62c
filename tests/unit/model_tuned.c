/* The registry of fine-tuned models: names, versions, keys, cards that are damaged, notes, lists and removal. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "model/tuned.h"

static char root[64];

static int set_up(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/rung-tuned-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	tuned_abandon(root);
	return file_exists(root) ? -1 : 0;
}

static char *path_of(const char *name) /* inside root; the caller frees it */
{
	struct buf path = { 0 };

	buf_addf(&path, "%s/%s", root, name);
	return path.data;
}

static void write_file(const char *name, const char *text)
{
	char *path = path_of(name);
	struct error err = { .text = "" };

	if (!file_replace(path, text, strlen(text), &err))
		fail_msg("%s", err.text);
	free(path);
}

static bool there(const char *name)
{
	char *path = path_of(name);
	bool exists = file_exists(path);

	free(path);
	return exists;
}

static void assert_sentence(const struct error *err, const char *fragment)
{
	if (!strstr(err->text, fragment))
		fail_msg("\"%s\" is not in: %s", fragment, err->text);
}

/* Trains a version of NAME: the file it makes holds the key. */
static void add_version(const char *name, const char *key, const char *kind, struct tuned *out)
{
	struct buf folder = { 0 }, file = { 0 };
	struct error err = { .text = "" };
	json_t *card = json_pack("{s:s, s:{s:s}, s:s, s:{s:i}}", "kind", kind, "base", "name", "local", "key", key, "data", "items", 42);

	if (!tuned_workplace(root, name, key, &folder, &err))
		fail_msg("%s", err.text);
	buf_addf(&file, "%s/adapter.gguf", folder.data);
	assert_true(file_replace(file.data, key, strlen(key), &err));
	if (!tuned_commit(root, name, folder.data, card, out, &err))
		fail_msg("%s", err.text);
	assert_false(file_exists(folder.data)); /* it became the version */
	json_decref(card);
	buf_release(&folder);
	buf_release(&file);
}

static void add(const char *name, const char *key)
{
	struct tuned t;

	add_version(name, key, "lora", &t);
	tuned_release(&t);
}

/* --- names --------------------------------------------------------------------------------------------------------- */

static void names_are_checked(void **state)
{
	static const char *const good[] = { "a", "email", "medical-coder", "v2.1_b", "0" };
	static const char *const bad[] = { "", "-a", ".hidden", "_a", "a/b", "a b", "a:b", "..", "a+b", "naïve" };
	char longest[102];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (!tuned_name_valid(good[i]))
			fail_msg("\"%s\" is refused", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (tuned_name_valid(bad[i]))
			fail_msg("\"%s\" is taken", bad[i]);
	memset(longest, 'x', 101);
	longest[101] = '\0';
	assert_false(tuned_name_valid(longest));
	longest[100] = '\0';
	assert_true(tuned_name_valid(longest));
	assert_true(tuned_is("tuned:a:v1") && tuned_is("tuned:") && !tuned_is("local:tuned") && !tuned_is("tuned"));
}

static void wrong_names_are_a_sentence(void **state)
{
	static const char *const wrong[] = { "email:v1", "tuned:email", "tuned:email:", "tuned:email:v", "tuned:email:1", "tuned::v1", "tuned:v1",
					     "tuned:email:v1x", "tuned:email:v-1", "tuned:email:v 1", "tuned:../x:v1", "tuned:a/b:v1",
					     "tuned:a:b:v1", "", "tuned:" };

	(void)state;
	add("email", "k");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct error err = { .text = "" };
		struct tuned t;

		if (tuned_find(root, wrong[i], &t, &err))
			fail_msg("\"%s\" is found", wrong[i]);
		assert_sentence(&err, "a fine-tuned model is named tuned:NAME:vN");
	}
}

static void unknown_versions_are_a_sentence(void **state)
{
	static const char *const unknown[] = { "tuned:email:v2", "tuned:email:v0", "tuned:other:v1", "tuned:email:v99999999999999999999999" };
	struct error err = { .text = "" };
	struct tuned t;

	(void)state;
	add("email", "k");
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		assert_false(tuned_find(root, unknown[i], &t, &err));
		assert_sentence(&err, unknown[i]);
		assert_sentence(&err, "no such fine-tuned model here; `rung tune ls TASK` lists them");
	}
	assert_false(tuned_find(NULL, "tuned:email:v1", &t, &err));
	assert_sentence(&err, "no such fine-tuned model");
}

/* --- versions ------------------------------------------------------------------------------------------------------ */

static void versions_count_up_and_are_found(void **state)
{
	struct error err = { .text = "" };
	struct tuned t;

	(void)state;
	for (size_t i = 1; i <= 11; i++) { /* v10 comes after v9 */
		char key[16], want[32];

		snprintf(key, sizeof(key), "key%zu", i);
		snprintf(want, sizeof(want), "tuned:email:v%zu", i);
		add_version("email", key, i % 2 ? "encoder" : "lora", &t);
		assert_string_equal(t.name, want);
		assert_int_equal(t.kind, i % 2 ? TUNED_ENCODER : TUNED_ADAPTER);
		assert_string_equal(t.base, "local");
		assert_string_equal(json_string_value(json_object_get(t.card, "name")), "email");
		assert_int_equal(json_integer_value(json_object_get(t.card, "version")), i);
		tuned_release(&t);
		assert_true(tuned_find(root, want, &t, &err));
		assert_string_equal(t.name, want);
		assert_string_equal(json_string_value(json_object_get(t.card, "key")), key);
		assert_true(strncmp(t.folder, root, strlen(root)) == 0);
		tuned_release(&t);
	}
	add_version("other", "key1", "lora", &t);
	assert_string_equal(t.name, "tuned:other:v1");
	tuned_release(&t);
}

static void keys_find_the_newest_version(void **state)
{
	struct error err = { .text = "" };
	struct tuned t;
	bool found = true;

	(void)state;
	assert_true(tuned_find_key(root, "email", "a", &t, &found, &err));
	assert_false(found); /* there is no such folder yet */
	add("email", "a");
	add("email", "b");
	add("email", "a");
	add("email", "c");
	add("other", "d");
	assert_true(tuned_find_key(root, "email", "a", &t, &found, &err) && found);
	assert_string_equal(t.name, "tuned:email:v3");
	tuned_release(&t);
	assert_true(tuned_find_key(root, "email", "b", &t, &found, &err) && found);
	assert_string_equal(t.name, "tuned:email:v2");
	tuned_release(&t);
	assert_true(tuned_find_key(root, "email", "d", &t, &found, &err));
	assert_false(found);
}

/* Also what older cards say, "", is nothing stated. */
static void lists_state_the_licence(void **state)
{
	static const char *const cards[] = {
		"{\"kind\": \"encoder\", \"base\": {\"name\": \"small\", \"licence\": \"apache-2.0\"}}",
		"{\"kind\": \"encoder\", \"base\": {\"name\": \"small\", \"licence\": \"\"}}",
		"{\"kind\": \"encoder\", \"base\": {\"name\": \"small\", \"licence\": null}}",
		"{\"kind\": \"encoder\", \"base\": {\"name\": \"small\"}}",
	};

	(void)state;
	add("email", "k");
	for (size_t i = 0; i < ARRAY_SIZE(cards); i++) {
		struct error err = { .text = "" };
		struct buf list = { 0 };

		write_file("email/v1/card.json", cards[i]);
		assert_true(tuned_list(root, false, &list, &err));
		if (!strstr(list.data, i == 0 ? "  licence apache-2.0\n" : "  licence not stated\n"))
			fail_msg("%s: %s", cards[i], list.data);
		buf_release(&list);
	}
}

/* A run that was killed finds its workplace as it left it; another one's is another; one that failed leaves none without a checkpoint. */
static void workplaces_stay_until_they_are_versions(void **state)
{
	struct buf one = { 0 }, again = { 0 }, other = { 0 };
	struct error err = { .text = "" };

	(void)state;
	assert_true(tuned_workplace(root, "email", "k1", &one, &err));
	write_file("email/training-k1/checkpoint", "state");
	assert_true(tuned_workplace(root, "email", "k1", &again, &err));
	assert_true(tuned_workplace(root, "email", "k2", &other, &err));
	assert_string_equal(one.data, again.data);
	assert_string_not_equal(one.data, other.data);
	assert_true(there("email/training-k1/checkpoint"));
	add("email", "k3");
	struct buf list = { 0 };

	assert_true(tuned_list(root, false, &list, &err));
	assert_null(strstr(list.data, "training"));
	tuned_failed(one.data);
	tuned_failed(other.data);
	assert_true(there("email/training-k1/checkpoint"));
	assert_false(there("email/training-k2"));
	tuned_abandon(one.data);
	assert_false(there("email/training-k1"));
	assert_true(there("email/v1"));
	buf_release(&one);
	buf_release(&again);
	buf_release(&other);
	buf_release(&list);
}

/* Of an older recipe, and of none as the first ones were; not those of this one or of a newer rung, nor what is no training of ours. */
static void outdated_workplaces_are_swept_after_a_day(void **state)
{
	static const struct {
		const char *key;
		bool goes;
	} rows[] = {
		{ "3-0123456789abcdef", true },   { "12-0123456789abcdef", false }, { "0123456789abcdef", true },  { "1234567890123456", true },
		{ "4-0123456789abcdef", false },  { "import", false },              { "3-0123", false },	   { "3-0123456789abcdefx", false },
	};
	enum { RECIPE = 4, DAY = 24 * 60 * 60 };
	char key[TUNED_KEY], name[64];
	struct buf folder = { 0 };
	struct error err;
	struct stat status;

	(void)state;
	tuned_key(RECIPE, "0123456789abcdef", key);
	assert_string_equal(key, "4-0123456789abcdef");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		folder.n = 0;
		assert_true(tuned_workplace(root, "email", rows[i].key, &folder, &err));
		snprintf(name, sizeof(name), "email/training-%s/checkpoint", rows[i].key);
		write_file(name, "state");
	}
	add("email", "k");
	assert_int_equal(stat(folder.data, &status), 0);
	tuned_sweep(root, "email", RECIPE, status.st_mtime + DAY - 10); /* somebody may be training */
	for (int later = 0; later < 2; later++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			snprintf(name, sizeof(name), "email/training-%s", rows[i].key);
			if (there(name) != !(later && rows[i].goes))
				fail_msg("%s is %s", name, there(name) ? "there" : "gone");
		}
		tuned_sweep(root, "email", RECIPE, status.st_mtime + DAY + 10);
	}
	assert_true(there("email/v1"));
	tuned_sweep(root, "nobody", RECIPE, status.st_mtime + DAY + 10);
	buf_release(&folder);
}

static void impossible_workplace_is_a_sentence(void **state)
{
	struct error err = { .text = "" };
	struct buf folder = { 0 };
	struct tuned t;

	(void)state;
	write_file("email", "a file where a folder should be");
	assert_false(tuned_workplace(root, "email", "k", &folder, &err));
	assert_sentence(&err, "cannot make the folder");
	json_t *card = json_object();

	assert_false(tuned_commit(root, "email", "/nonexistent/workplace", card, &t, &err));
	assert_sentence(&err, "/nonexistent/workplace");
	json_decref(card);
	buf_release(&folder);
}

/* A climb's version is known by the variant and the score that the climb wrote on its card; one that only `rung tune` trained and scored
 * is none, however it scores. */
static void versions_are_found_by_what_they_scored(void **state)
{
	struct tuned t;
	struct error err;
	bool found = true;

	(void)state;
	for (int i = 1; i <= 4; i++) {
		add_version("email", "key", i == 3 ? "lora" : "encoder", &t);
		json_object_set_new(t.card, "method", json_string(i == 3 ? "lora" : "encoder"));
		if (i < 4)
			json_object_set_new(t.card, "variant", json_string(i == 3 ? "3/lora@local" : "3/encoder"));
		assert_true(tuned_note(&t, "dev", 90, i == 2 ? 0.6 : 2.0 / 3, &err));
		tuned_release(&t);
	}
	assert_true(tuned_find_measured(root, "email", "3/encoder", 2.0 / 3, &t, &found, &err) && found);
	assert_string_equal(t.name, "tuned:email:v1");
	tuned_release(&t);
	assert_true(tuned_find_measured(root, "email", "3/lora@local", 2.0 / 3, &t, &found, &err) && found);
	assert_string_equal(t.name, "tuned:email:v3");
	tuned_release(&t);
	assert_true(tuned_find_measured(root, "email", "3/encoder", 0.65, &t, &found, &err));
	assert_false(found);
	assert_true(tuned_find_measured(root, "nobody", "3/encoder", 0.6, &t, &found, &err));
	assert_false(found);
}

/* --- cards --------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *card, *says;
} damaged[] = {
	{ "", "card.json:" },
	{ "{\"kind\": \"lora\", ", "card.json:1" },
	{ "\n\n{]", "card.json:3" },
	{ "[]", "no card of a fine-tuned model" },
	{ "{}", "no card of a fine-tuned model" },
	{ "{\"kind\": \"lora\"}", "no card of a fine-tuned model" },
	{ "{\"base\": {\"name\": \"local\"}}", "no card of a fine-tuned model" },
	{ "{\"kind\": \"lora\", \"base\": \"local\"}", "no card of a fine-tuned model" },
	{ "{\"kind\": \"lora\", \"base\": {\"name\": 3}}", "no card of a fine-tuned model" },
	{ "{\"kind\": 7, \"base\": {\"name\": \"local\"}}", "no card of a fine-tuned model" },
	{ "{\"kind\": \"quantum\", \"base\": {\"name\": \"local\"}}", "no card of a fine-tuned model" },
};

static void damaged_cards_are_a_sentence(void **state)
{
	(void)state;
	add("email", "k");
	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
		struct error err = { .text = "" };
		struct buf list = { 0 };
		struct tuned t;
		bool found;

		write_file("email/v1/card.json", damaged[i].card);
		if (tuned_find(root, "tuned:email:v1", &t, &err))
			fail_msg("card %s is taken", damaged[i].card);
		assert_sentence(&err, damaged[i].says);
		assert_sentence(&err, "email/v1/card.json");
		assert_false(tuned_find_key(root, "email", "k", &t, &found, &err));
		assert_false(tuned_list(root, false, &list, &err));
		assert_sentence(&err, "email/v1/card.json");
		buf_release(&list);
	}
	struct error err = { .text = "" };
	struct tuned t;
	char *card = path_of("email/v1/card.json");

	unlink(card);
	assert_false(tuned_find(root, "tuned:email:v1", &t, &err));
	assert_sentence(&err, card);
	free(card);
}

static void notes_are_written_on_the_card(void **state)
{
	struct error err = { .text = "" };
	struct tuned t;

	(void)state;
	add_version("email", "k", "encoder", &t);
	assert_true(tuned_note(&t, "dev", 40, 0.25, &err));
	assert_true(tuned_note(&t, "dev", 50, 0.875, &err)); /* in place of the first */
	assert_true(tuned_note(&t, "test", 9, 1, &err));
	tuned_release(&t);
	assert_true(tuned_find(root, "tuned:email:v1", &t, &err));
	const json_t *dev = json_object_get(t.card, "dev"), *test = json_object_get(t.card, "test");

	assert_int_equal(json_integer_value(json_object_get(dev, "n")), 50);
	assert_true(json_real_value(json_object_get(dev, "score")) == 0.875);
	assert_int_equal(json_integer_value(json_object_get(test, "n")), 9);
	assert_string_equal(json_string_value(json_object_get(t.card, "key")), "k");
	tuned_release(&t);
}

/* --- lists and removal --------------------------------------------------------------------------------------------- */

static void versions_are_listed_in_order(void **state)
{
	struct error err = { .text = "" };
	struct buf list = { 0 };
	struct tuned t;

	(void)state;
	assert_true(tuned_list(root, false, &list, &err));
	assert_int_equal(list.n, 0);
	for (size_t i = 1; i <= 10; i++)
		add("b", "k");
	add_version("a", "k", "encoder", &t);
	assert_true(tuned_note(&t, "dev", 50, 0.875, &err));
	tuned_release(&t);
	write_file("notes.txt", "not a version");
	assert_true(tuned_list(root, false, &list, &err));
	const char *at = list.data, *const order[] = { "tuned:a:v1 ", "tuned:b:v1 ", "tuned:b:v2 ", "tuned:b:v9 ", "tuned:b:v10 " };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		const char *next = strstr(at, order[i]);

		if (!next)
			fail_msg("\"%s\" is not where it should be in:\n%s", order[i], list.data);
		at = next;
	}
	assert_non_null(strstr(list.data, "encoder"));
	assert_non_null(strstr(list.data, "42 items  dev 0.875  licence not stated\n"));
	buf_release(&list);
	assert_true(tuned_list(root, true, &list, &err));
	size_t lines = 0;

	for (const char *line = list.data; *line; line = strchr(line, '\n') + 1, lines++) {
		json_t *card = json_loadb(line, strcspn(line, "\n"), 0, NULL);

		assert_non_null(card);
		assert_string_equal(json_string_value(json_object_get(card, "name")), lines ? "b" : "a");
		assert_int_equal(json_integer_value(json_object_get(card, "version")), lines ? lines : 1);
		json_decref(card);
	}
	assert_int_equal(lines, 11);
	buf_release(&list);
}

static void removed_versions_are_gone(void **state)
{
	struct error err = { .text = "" };
	struct tuned t;
	bool found;

	(void)state;
	add("email", "a");
	add("email", "b");
	add("email", "c");
	char *inner = path_of("email/v2/1_Pooling");

	assert_true(file_make_folder(inner, &err));
	free(inner);
	write_file("email/v2/1_Pooling/config.json", "{}");
	assert_true(tuned_remove(root, "tuned:email:v2", &err));
	assert_false(there("email/v2"));
	assert_false(tuned_find(root, "tuned:email:v2", &t, &err));
	assert_true(tuned_find_key(root, "email", "b", &t, &found, &err));
	assert_false(found);
	assert_true(tuned_find_key(root, "email", "a", &t, &found, &err) && found); /* below the gap */
	tuned_release(&t);
	struct buf list = { 0 };

	assert_true(tuned_list(root, false, &list, &err));
	assert_null(strstr(list.data, ":v2"));
	assert_non_null(strstr(list.data, ":v3"));
	buf_release(&list);
	assert_false(tuned_remove(root, "tuned:email:v2", &err));
	assert_sentence(&err, "no such fine-tuned model here");
	assert_false(tuned_remove(root, "email:v1", &err));
	assert_sentence(&err, "tuned:NAME:vN");
}

/* What answered under a name is stored under it: a number that is free again must not name another model. */
static void numbers_are_given_once(void **state)
{
	struct error err = { .text = "" };
	struct tuned t;

	(void)state;
	add("email", "a");
	add("email", "b");
	assert_true(tuned_remove(root, "tuned:email:v2", &err));
	add_version("email", "c", "lora", &t);
	assert_string_equal(t.name, "tuned:email:v3");
	tuned_release(&t);
	assert_true(tuned_remove(root, "tuned:email:v1", &err));
	assert_true(tuned_remove(root, "tuned:email:v3", &err));
	add_version("email", "a", "lora", &t);
	assert_string_equal(t.name, "tuned:email:v4");
	tuned_release(&t);
}

/* A link in a version is removed, not what it leads to. */
static void removal_stays_inside(void **state)
{
	struct error err = { .text = "" };
	char *outside = path_of("outside"), *link = path_of("email/v1/link");

	(void)state;
	add("email", "a");
	assert_true(file_make_folder(outside, &err));
	write_file("outside/precious", "data");
	assert_int_equal(symlink(outside, link), 0);
	assert_true(tuned_remove(root, "tuned:email:v1", &err));
	assert_false(there("email/v1"));
	assert_true(there("outside/precious"));
	free(outside);
	free(link);
}

static void file_hashes_see_what_changes(void **state)
{
	enum { N = 300000 };
	char *bytes = mem_zero(N, 1), *path = path_of("model");
	struct error err = { .text = "" };
	uint64_t first, other;

	(void)state;
	for (size_t i = 0; i < N; i++)
		bytes[i] = (char)(i * 7 % 251);
	assert_true(file_replace(path, bytes, N, &err) && tuned_file_hash(path, &first, &err));
	static const size_t changed[] = { 0, 5000, 65535, 65536, 65536 + 4096 + 63, N - N % 4096 };

	for (size_t i = 0; i < ARRAY_SIZE(changed); i++) {
		bytes[changed[i]]++;
		assert_true(file_replace(path, bytes, N, &err) && tuned_file_hash(path, &other, &err));
		if (first == other)
			fail_msg("a change of byte %zu is not seen", changed[i]);
		bytes[changed[i]]--;
	}
	assert_true(file_replace(path, bytes, N - 1, &err) && tuned_file_hash(path, &other, &err));
	assert_true(first != other);
	assert_true(file_replace(path, bytes, N, &err) && tuned_file_hash(path, &other, &err));
	assert_true(first == other);
	assert_true(file_replace(path, "", 0, &err) && tuned_file_hash(path, &other, &err));
	unlink(path);
	assert_false(tuned_file_hash(path, &other, &err));
	assert_sentence(&err, path);
	free(bytes);
	free(path);
}

static void changed_base_is_a_sentence(void **state)
{
	char *base = path_of("base.gguf"), hex[17];
	struct error err = { .text = "" };
	struct tuned t;
	uint64_t hash;

	(void)state;
	add_version("email", "a", "lora", &t);
	write_file("base.gguf", "weights");
	assert_false(tuned_base_same(&t, base, &err)); /* the card does not say what it was */
	assert_true(tuned_file_hash(base, &hash, &err));
	snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)hash);
	json_object_set_new(json_object_get(t.card, "base"), "hash", json_string(hex));
	assert_true(tuned_base_same(&t, base, &err));
	write_file("base.gguf", "weightz");
	assert_false(tuned_base_same(&t, base, &err));
	assert_sentence(&err, "model \"tuned:email:v1\": ");
	assert_sentence(&err, "base.gguf changed since it was trained; put the old file back, or train again");
	unlink(base);
	assert_false(tuned_base_same(&t, base, &err));
	assert_sentence(&err, "base.gguf: cannot open");
	tuned_release(&t);
	free(base);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(names_are_checked),
		TEST(wrong_names_are_a_sentence),
		TEST(unknown_versions_are_a_sentence),
		TEST(versions_count_up_and_are_found),
		TEST(keys_find_the_newest_version),
		TEST(versions_are_found_by_what_they_scored),
		TEST(workplaces_stay_until_they_are_versions),
		TEST(outdated_workplaces_are_swept_after_a_day),
		TEST(lists_state_the_licence),
		TEST(impossible_workplace_is_a_sentence),
		TEST(damaged_cards_are_a_sentence),
		TEST(notes_are_written_on_the_card),
		TEST(versions_are_listed_in_order),
		TEST(removed_versions_are_gone),
		TEST(numbers_are_given_once),
		TEST(removal_stays_inside),
		TEST(file_hashes_see_what_changes),
		TEST(changed_base_is_a_sentence),
	};

	return cmocka_run_group_tests_name("model_tuned", tests, NULL, NULL);
}
