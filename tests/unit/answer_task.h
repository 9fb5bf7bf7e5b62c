/* answer_task.h - a task of questions over documents in a temporary folder: one document a town, one question about its
 * harbour, and for every fourth town one that no document answers. The tiny encoder embeds, the tiny decoder is asked; what it
 * says means nothing (the prompts are longer than its context), so tests put replies into the store, where answers read them. */
#ifndef RUNG_TEST_ANSWER_TASK_H
#define RUNG_TEST_ANSWER_TASK_H

#include <jansson.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "test.h"
#include "variant/variant.h"
#include "variant/workshop.h"

enum { TOWNS = 96 };
/* Which split a town's questions are in: 0 the pool, 1 dev, 2 test. */
#ifndef TOWN_SPLIT
#define TOWN_SPLIT(i) ((i) % 3)
#endif

static const char *const tiny[] = { "local:tiny-llama" };

struct towns {
	char folder[64], store_path[128];
	struct task *task;
	struct models *models;
	struct library *library;
	struct store *store;
	struct workshop *workshop; /* of no run */
	struct arena arena;
	struct error err;
};

#define MUST(t, call) do { if (!(call)) fail_msg("%s: %s", #call, (t)->err.text); } while (0)

/* "Abel", "Acel", ...: every name once. */
static inline const char *town_name(struct arena *arena, size_t i)
{
	static const char *const first[] = { "Ab", "Bro", "Cal", "Dun", "El", "Fer", "Gor", "Hal" };
	static const char *const middle[] = { "a", "e", "i", "o" }, *const last[] = { "mar", "wick", "stone" };

	return arena_printf(arena, "%s%s%s", first[i % 8], middle[i / 8 % 4], last[i / 32 % 3]);
}

static inline unsigned town_year(size_t i)
{
	return (unsigned)(1400 + i * 7 % 500);
}

/* The sentence that answers the question about a town. */
static inline const char *town_gold(struct arena *arena, size_t i)
{
	return arena_printf(arena, "The harbour of %s was opened in %u.", town_name(arena, i), town_year(i));
}

/* What a question says beside: words that the tiny encoder knows, so that some questions are nearer to the documents. */
static inline const char *town_aside(struct arena *arena, size_t i)
{
	static const char *const words[] = { "cat", "dog", "sat", "mat", "red", "blue", "house", "walk", "run", "the", "a" };

	return arena_printf(arena, "%s %s %s", words[i % 11], words[i * 7 % 11], words[i / 11 % 11]);
}

static inline const char *town_document(struct arena *arena, size_t i)
{
	const char *name = town_name(arena, i);

	return arena_printf(arena, "# %s\n\nA town on the river, known for its bells. %s\n\n## Trade\n\nThe merchants of %s sold salt, "
			    "wool and amber number %zu; their ships went north in spring and came back before the ice. Nobody counted "
			    "them, since the books were lost in the fire.\n\n## People\n\nPeople of %s eat rye bread. They sing on the "
			    "bridge at night, and keep %zu geese on the meadow behind the church, which has no tower.\n", name,
			    town_gold(arena, i), name, i, name, i + 3);
}

static inline void towns_write(struct towns *t, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", t->folder, name);
	char *slash = strrchr(path, '/');

	*slash = 0;
	MUST(t, file_make_folder(path, &t->err));
	*slash = '/';
	FILE *out = fopen(path, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
	assert_int_equal(fclose(out), 0);
}

/* keys: what is added to task.yaml. */
static inline void towns_write_task(struct towns *t, const char *keys)
{
	static const char *const splits[] = { "train", "dev", "test" };
	struct buf lines = { 0 };

	for (size_t i = 0; i < TOWNS; i++) {
		const char *name = town_name(&t->arena, i), *split = splits[TOWN_SPLIT(i)], *aside = town_aside(&t->arena, i);

		towns_write(t, arena_printf(&t->arena, "docs/%s.md", name), town_document(&t->arena, i));
		buf_addf(&lines, "{\"id\": \"harbour-%zu\", \"question\": \"In which year was the harbour of %s opened? %s\", \"answer\": "
			 "[\"%u\", \"the year %u\"], \"gold\": \"%s\", \"split\": \"%s\"}\n", i, name, aside, town_year(i), town_year(i),
			 town_gold(&t->arena, i), split);
		if (i % 4 == 0)
			buf_addf(&lines, "{\"id\": \"anthem-%zu\", \"question\": \"Who wrote the anthem of %s, which they sing on the bridge? %s\", \"answer\": null, "
				 "\"gold\": \"\", \"split\": \"%s\"}\n", i, name, aside, split);
	}
	towns_write(t, "questions.jsonl", buf_text(&lines));
	buf_release(&lines);
	towns_write(t, "task.yaml", arena_printf(&t->arena, "name: towns\nkind: answer\ninstruction: Answer in a few words.\n"
		    "input: \"Question: {{question}}\"\nexamples: {file: questions.jsonl, answer: answer, id: id, gold: gold, split: split}\n"
		    "documents: docs\nscorer: contains\n%s", keys));
}

static inline void towns_link(struct towns *t, const char *name, const char *golden)
{
	char target[4096], link[256];

	assert_non_null(realpath("tests/reference/golden", target));
	snprintf(target + strlen(target), sizeof(target) - strlen(target), "/%s", golden);
	snprintf(link, sizeof(link), "%s/.models/%s", t->folder, name);
	assert_int_equal(symlink(target, link), 0);
}

/* Brings the library up to what the folder holds. */
static inline void towns_add(struct towns *t)
{
	const struct source source = { .paths = t->task->documents.paths, .n_paths = t->task->documents.n_paths, .folder = t->folder };
	struct library_counts counts = { 0 };

	MUST(t, library_add(t->library, &source, true, NULL, &counts, &t->err));
	assert_int_equal(counts.refused, 0);
}

static inline void towns_reopen(struct towns *t, uint64_t seed)
{
	workshop_free(t->workshop);
	t->workshop = workshop_open(t->task, t->task->dev, t->models, t->library, t->store, 0, seed);
}

static inline int towns_begin(struct towns *t, const char *keys)
{
	struct task_options options = { .seed = 1 };

	*t = (struct towns){ .folder = "/tmp/rung-towns-XXXXXX" };
	if (!mkdtemp(t->folder))
		return -1;
	arena_init(&t->arena);
	towns_write_task(t, keys);
	towns_write(t, ".models/none", "");
	towns_link(t, "tiny-llama.gguf", "tiny-llama.gguf");
	towns_link(t, "all-MiniLM-L6-v2", "tiny-bert");
	snprintf(t->store_path, sizeof(t->store_path), "%s/.rung/store.db", t->folder);
	t->task = task_open(t->folder, &options, &t->err);
	t->models = models_open(arena_printf(&t->arena, "%s/.models", t->folder), &(struct model_settings){ .threads = 1 });
	t->store = t->task ? store_open(t->store_path, true, &t->err) : NULL;
	t->library = t->store ? library_open(arena_printf(&t->arena, "%s/.rung/docs.db", t->folder), true, t->models, &t->err) : NULL;
	if (!t->library) {
		fprintf(stderr, "%s\n", t->err.text);
		return -1;
	}
	towns_add(t);
	towns_reopen(t, 1);
	return 0;
}

static inline int towns_finish(struct towns *t)
{
	char command[128];

	workshop_free(t->workshop);
	library_close(t->library);
	store_close(t->store);
	models_free(t->models);
	task_free(t->task);
	arena_release(&t->arena);
	snprintf(command, sizeof(command), "rm -rf %s", t->folder);
	return system(command);
}

static inline const struct example *towns_item(const struct towns *t, const char *id)
{
	const struct item_list lists[] = { t->task->pool.list, t->task->dev.list, t->task->test.list };

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
		for (size_t i = 0; i < lists[l].n; i++)
			if (strcmp(lists[l].items[i]->id, id) == 0)
				return lists[l].items[i];
	fail_msg("no item %s", id);
	return NULL;
}

static inline const struct variant *towns_variant(struct towns *t, const char *id)
{
	size_t n;
	const struct variant *variants = variants_list(t->task, &t->arena, tiny, 1, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(variants[i].id, id) == 0)
			return &variants[i];
	fail_msg("no variant %s", id);
	return NULL;
}

static inline struct answer towns_answer(struct towns *t, const char *variant, const struct example *item)
{
	struct answer answer;

	MUST(t, variant_answer(t->workshop, towns_variant(t, variant), &item, 1, &t->arena, &answer, &t->err));
	return answer;
}

static inline void towns_execute(struct towns *t, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(t->store_path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* What a call's prompt asks last. */
static inline const char *asked_last(struct arena *arena, const char *request)
{
	json_t *root = json_loads(request, 0, NULL), *messages = json_object_get(root, "messages");
	const char *text = json_string_value(json_object_get(json_array_get(messages, json_array_size(messages) - 1), "content"));
	const char *copy = arena_string(arena, text ? text : "");

	json_decref(root);
	return copy;
}

/* The town that a prompt's question is about, TOWNS for none: the last that it names. */
static inline size_t town_asked(struct arena *arena, const char *prompt)
{
	size_t found = TOWNS;
	const char *at = prompt, *question = strstr(prompt, "Question: ");

	for (; question; question = strstr(question + 1, "Question: "))
		at = question;
	for (size_t i = 0; i < TOWNS; i++)
		if (strstr(at, arena_printf(arena, " of %s", town_name(arena, i))))
			found = i;
	return found;
}

/* Every stored call is given the reply that `reply` has for its last message; NULL leaves it. */
static inline void towns_script(struct towns *t, const char *(*reply)(struct arena *arena, const char *prompt))
{
	sqlite3 *db;
	sqlite3_stmt *select, *update;

	assert_int_equal(sqlite3_open(t->store_path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT id, request FROM call ORDER BY id", -1, &select, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "UPDATE call SET output = ?2, status = 'ok', why = NULL WHERE id = ?1", -1, &update,
					    NULL), SQLITE_OK);
	while (sqlite3_step(select) == SQLITE_ROW) {
		const char *request = (const char *)sqlite3_column_text(select, 1);
		const char *said = reply(&t->arena, asked_last(&t->arena, request));

		sqlite3_bind_int64(update, 1, sqlite3_column_int64(select, 0));
		sqlite3_bind_text(update, 2, said, -1, SQLITE_TRANSIENT);
		if (said)
			assert_int_equal(sqlite3_step(update), SQLITE_DONE);
		sqlite3_reset(update);
	}
	sqlite3_finalize(select);
	sqlite3_finalize(update);
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* A reader without knowledge: the year when the prompt has the sentence that says it, else that it does not know. */
static inline const char *careful_reader(struct arena *arena, const char *prompt)
{
	size_t i = town_asked(arena, prompt);

	if (i < TOWNS && strstr(prompt, town_gold(arena, i)) && strstr(prompt, "In which year"))
		return arena_printf(arena, "%u", town_year(i));
	return "I don't know.";
}

#endif
