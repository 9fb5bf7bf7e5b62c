/* retrieve_library.c - the living library: only what changed is embedded, what is gone is never found, every passage is the
 * stored text's own bytes, and another process's commits, another embedding model and an interruption do no harm. With the tiny
 * encoders of tests/reference, and once with the real one. */
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "retrieve/library.h"

struct fixture {
	char folder[64], path[128];
	struct models *models; /* tiny-bert */
	struct library *l;
	struct arena arena;
	struct error err;
	struct buf refused;
	size_t steps, stop_after; /* 0: never */
	void (*on_step)(struct fixture *f);
};

#define MUST(f, call) do { if (!(call)) fail_msg("%s: %s", #call, (f)->err.text); } while (0)

static void folder_path(const struct fixture *f, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", f->folder, name);
}

static void write_text(struct fixture *f, const char *name, const char *text)
{
	char path[512], parent[512];

	folder_path(f, name, path, sizeof(path));
	snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(path, '/') - path), path);
	MUST(f, file_make_folder(parent, &f->err));
	MUST(f, file_replace(path, text, strlen(text), &f->err));
}

static void delete(struct fixture *f, const char *name)
{
	char path[512];

	folder_path(f, name, path, sizeof(path));
	assert_int_equal(unlink(path), 0);
}

/* A folder of models in which the embedding model is the named one. */
static struct models *models_with(struct fixture *f, const char *encoder)
{
	char folder[512], link[600], target[4096];
	struct model_settings settings = { .threads = 1 };

	snprintf(folder, sizeof(folder), "%s/.models-%s", f->folder, encoder);
	snprintf(link, sizeof(link), "%s/all-MiniLM-L6-v2", folder);
	MUST(f, file_make_folder(folder, &f->err));
	assert_non_null(realpath("tests/reference/golden", target));
	snprintf(target + strlen(target), sizeof(target) - strlen(target), "/%s", encoder);
	(void)!symlink(target, link);
	return models_open(folder, &settings);
}

static struct library *opened(struct fixture *f, struct models *models)
{
	struct library *l = library_open(f->path, true, models, &f->err);

	if (!l)
		fail_msg("%s", f->err.text);
	return l;
}

static int begin(void **state)
{
	struct fixture *f = mem_zero(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/rung-library-XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/.rung/docs.db", f->folder);
	arena_init(&f->arena);
	f->models = models_with(f, "tiny-bert");
	f->l = opened(f, f->models);
	*state = f;
	return 0;
}

static int finish(void **state)
{
	struct fixture *f = *state;
	char command[128];

	library_close(f->l);
	models_free(f->models);
	arena_release(&f->arena);
	buf_release(&f->refused);
	snprintf(command, sizeof(command), "rm -rf %s", f->folder);
	int status = system(command);

	free(f);
	return status;
}

static void on_refused(void *context, const char *sentence)
{
	buf_addf(&((struct fixture *)context)->refused, "%s\n", sentence);
}

static void on_step(void *context, const char *what, size_t done, size_t total)
{
	struct fixture *f = context;

	(void)what;
	assert_true(done <= total);
	f->steps++;
	if (f->on_step)
		f->on_step(f);
}

static bool is_stopped(void *context)
{
	struct fixture *f = context;

	return f->stop_after > 0 && f->steps >= f->stop_after;
}

static struct library_progress progress_of(struct fixture *f)
{
	buf_clear(&f->refused);
	f->steps = 0;
	return (struct library_progress){ on_step, is_stopped, on_refused, f };
}

static struct library_counts add_source(struct fixture *f, struct library *l, const struct source *s)
{
	struct library_progress progress = progress_of(f);
	struct library_counts counts = { 0 };

	MUST(f, library_add(l, s, true, &progress, &counts, &f->err));
	return counts;
}

static struct library_counts add(struct fixture *f, const char *pattern)
{
	const char *paths[] = { pattern };
	struct source s = { .paths = paths, .n_paths = 1, .folder = f->folder };

	return add_source(f, f->l, &s);
}

static const char *counted(struct fixture *f, struct library_counts c)
{
	return arena_printf(&f->arena, "+%zu ~%zu =%zu -%zu !%zu", c.added, c.changed, c.unchanged, c.removed, c.refused);
}

static struct search searching(enum search_mode mode, size_t k)
{
	return (struct search){ .mode = mode, .cutting = cutting_default, .k = k };
}

/* Passages joined by "|"; each is checked against the document's stored text. */
static const char *found(struct fixture *f, struct library *l, const char *query, const struct search *s)
{
	struct passage *p;
	struct buf out = { 0 };
	size_t n;

	MUST(f, library_search(l, query, s, &f->arena, &p, &n, &f->err));
	assert_true(n <= s->k);
	for (size_t i = 0; i < n; i++) {
		struct passage whole;
		bool there;

		MUST(f, library_document(l, p[i].document, &f->arena, &whole, &there, &f->err));
		assert_true(there && p[i].revision == whole.revision && p[i].end <= whole.end && strlen(p[i].text) == p[i].end - p[i].start);
		assert_memory_equal(p[i].text, whole.text + p[i].start, p[i].end - p[i].start);
		assert_true(i == 0 || s->diversity > 0 || p[i].score <= p[i - 1].score);
		buf_addf(&out, "%s%s", i ? "|" : "", p[i].text);
	}
	const char *all = arena_string(&f->arena, buf_text(&out));

	buf_release(&out);
	return all;
}

static const char *found_by(struct fixture *f, const char *query, enum search_mode mode)
{
	struct search s = searching(mode, 20);

	return found(f, f->l, query, &s);
}

static void assert_clean(struct fixture *f, struct library *l)
{
	const char *const *problems;
	size_t n;

	MUST(f, documents_verify(library_documents(l), &f->arena, &problems, &n, &f->err));
	if (n)
		fail_msg("%zu problems, the first: %s", n, problems[0]);
}

/* n sections of a hundred words each, so that each is a chunk; section i says word(i). */
static const char *sections(struct fixture *f, size_t n, size_t changed, const char *word)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < n; i++) {
		buf_addf(&text, "# Section %zu\n\n", i);
		for (int j = 0; j < 100; j++)
			buf_adds(&text, "the cat sat on a mat and ");
		buf_addf(&text, "%s%zu.\n\n", i == changed ? word : "plain", i);
	}
	const char *all = arena_string(&f->arena, buf_text(&text));

	buf_release(&text);
	return all;
}

static void only_what_changed_is_embedded(void **state)
{
	struct fixture *f = *state;
	struct library_counts counts;
	size_t all;

	write_text(f, "a.md", sections(f, 8, 3, "ostrich"));
	write_text(f, "b.md", "# Other\n\nNothing of note.\n");
	counts = add(f, "*.md");
	assert_string_equal(counted(f, counts), "+2 ~0 =0 -0 !0");
	all = counts.embedded;
	assert_true(all > 16);
	counts = add(f, "*.md");
	assert_string_equal(counted(f, counts), "+0 ~0 =2 -0 !0");
	assert_int_equal(counts.embedded, 0);
	assert_non_null(strstr(found_by(f, "ostrich3", SEARCH_WORDS), "ostrich3"));

	write_text(f, "a.md", sections(f, 8, 3, "whale"));
	counts = add(f, "*.md");
	assert_string_equal(counted(f, counts), "+0 ~1 =1 -0 !0");
	assert_int_equal(counts.embedded, 1);
	assert_string_equal(found_by(f, "ostrich3", SEARCH_WORDS), "");
	for (enum search_mode mode = SEARCH_WORDS; mode <= SEARCH_FUSED; mode++) {
		struct search s = searching(mode, 1000);

		assert_null(strstr(found(f, f->l, "ostrich3 cat mat", &s), "ostrich"));
		assert_non_null(strstr(found(f, f->l, "whale3 cat mat", &s), "whale3"));
	}
	/* A section in front moves every chunk, and changes none. */
	char moved[65536];

	snprintf(moved, sizeof(moved), "# New\n\nRead me first.\n\n%s", sections(f, 8, 3, "whale"));
	write_text(f, "a.md", moved);
	counts = add(f, "*.md");
	assert_true(counts.changed == 1 && counts.embedded >= 1);
	assert_clean(f, f->l);
}

static void keys_stay_while_the_text_does(void **state)
{
	struct fixture *f = *state;
	struct search s = searching(SEARCH_WORDS, 1);
	struct passage *before, *after;
	size_t n;

	write_text(f, "a.md", "# A\n\nThe ostrich runs.\n\n# B\n\nThe ostrich runs.\n");
	add(f, "a.md");
	MUST(f, library_search(f->l, "ostrich", &s, &f->arena, &before, &n, &f->err));
	write_text(f, "a.md", "# A\n\nThe ostrich runs.\n\n# B\n\nThe ostrich runs.\n\n# C\n\nMore.\n");
	add(f, "a.md");
	MUST(f, library_search(f->l, "ostrich", &s, &f->arena, &after, &n, &f->err));
	assert_true(before->key == after->key && before->revision != after->revision && before->chunk != after->chunk);
	s.k = 9;
	MUST(f, library_search(f->l, "ostrich", &s, &f->arena, &after, &n, &f->err));
	assert_true(n == 2 && after[0].key != after[1].key);
}

static void files_come_and_go(void **state)
{
	struct fixture *f = *state;
	struct library_counts counts = { 0 };
	uint64_t first, second, third;

	write_text(f, "docs/a.md", "alpha ostrich\n");
	write_text(f, "docs/sub/b.txt", "beta ostrich\n");
	write_text(f, "other.md", "gamma ostrich\n");
	assert_string_equal(counted(f, add(f, "docs")), "+2 ~0 =0 -0 !0");
	assert_string_equal(counted(f, add(f, "other.md")), "+1 ~0 =0 -0 !0");
	MUST(f, library_fingerprint(f->l, &first, &f->err));
	delete(f, "docs/a.md");
	assert_string_equal(counted(f, add(f, "docs")), "+0 ~0 =1 -1 !0"); /* other.md is none of this source's */
	MUST(f, library_fingerprint(f->l, &second, &f->err));
	assert_true(first != second);
	assert_null(strstr(found_by(f, "ostrich", SEARCH_FUSED), "alpha"));
	write_text(f, "docs/a.md", "alpha ostrich\n");
	assert_string_equal(counted(f, add(f, "docs")), "+1 ~0 =1 -0 !0");
	MUST(f, library_fingerprint(f->l, &third, &f->err));
	assert_true(first == third);
	MUST(f, library_remove(f->l, "docs", &counts, &f->err));
	assert_int_equal(counts.removed, 2);
	MUST(f, library_remove(f->l, "*.md", &counts, &f->err));
	assert_int_equal(counts.removed, 3);
	assert_string_equal(found_by(f, "ostrich", SEARCH_FUSED), "");
	/* A folder that is not there takes nothing with it. */
	assert_string_equal(counted(f, add(f, "docs")), "+2 ~0 =0 -0 !0");
	char path[512], aside[512];

	folder_path(f, "docs", path, sizeof(path));
	folder_path(f, "aside", aside, sizeof(aside));
	assert_int_equal(rename(path, aside), 0);
	assert_string_equal(counted(f, add(f, "docs")), "+0 ~0 =0 -0 !1");
	assert_non_null(strstr(found_by(f, "ostrich", SEARCH_WORDS), "alpha"));
	assert_clean(f, f->l);
}

static void rows_are_documents(void **state)
{
	static const char table[] = "code\tgroup\tdescription\nA00\tgut\tCholera\nA01\tgut\tTyphoid fever\nE11.9\tsugar\tDiabetes\n"
				    "A00\tgut\tCholera again\n\tgut\tNameless\n";
	static const char *const paths[] = { "codes.tsv" }, *const text[] = { "code", "description" }, *const missing[] = { "name" };
	struct fixture *f = *state;
	struct source s = { .paths = paths, .n_paths = 1, .folder = f->folder, .text = text, .n_text = 2, .id = "code" };
	struct meta_filter sugar = { "group", "sugar" };
	struct search filtered = searching(SEARCH_FUSED, 5);
	struct library_counts counts;

	write_text(f, "codes.tsv", table);
	assert_string_equal(counted(f, add_source(f, f->l, &s)), "+3 ~0 =0 -0 !2");
	assert_non_null(strstr(buf_text(&f->refused), "codes.tsv:5: a row before is named \"A00\" too"));
	assert_non_null(strstr(buf_text(&f->refused), "codes.tsv:6: the column code, which names the row, is empty"));
	assert_string_equal(found_by(f, "diabetes", SEARCH_WORDS), "E11.9: Diabetes");
	filtered.filters = &sugar;
	filtered.n_filters = 1;
	assert_string_equal(found(f, f->l, "cholera typhoid", &filtered), "E11.9: Diabetes");

	write_text(f, "codes.tsv", "code\tgroup\tdescription\nA00\tgut\tCholera\nA01\tgut\tParatyphoid\n");
	counts = add_source(f, f->l, &s);
	assert_string_equal(counted(f, counts), "+0 ~1 =1 -1 !0");
	assert_int_equal(counts.embedded, 1);
	assert_string_equal(found_by(f, "typhoid diabetes", SEARCH_WORDS), "");
	s.text = missing;
	s.n_text = 1;
	assert_string_equal(counted(f, add_source(f, f->l, &s)), "+0 ~0 =0 -0 !1"); /* and the rows stay */
	assert_non_null(strstr(buf_text(&f->refused), "there is no column \"name\"; there are code, group, description"));
	assert_string_equal(found_by(f, "cholera", SEARCH_WORDS), "A00: Cholera");
	s.text = text;
	s.id = NULL;
	assert_string_equal(counted(f, add_source(f, f->l, &s)), "+2 ~0 =0 -2 !0"); /* by number now */
	assert_clean(f, f->l);
}

/* Version `round` of a table: rows that go, come back, change, and some that take several chunks. */
static void write_rows(struct fixture *f, int round)
{
	struct buf text = { 0 };

	buf_adds(&text, "code,group,description\n");
	for (int i = 0; i < 60; i++) {
		int kind = (i * 7 + round * 5) % 11;

		if (round && kind == 0)
			continue;
		buf_addf(&text, "c%d,%s,the red dog sat number%d%s", i, i % 3 ? "odd" : "even", i, kind == 1 ? " and ran" : "");
		for (int k = 0; kind == 2 && k < 120; k++)
			buf_addf(&text, " the cat walked in round%d", round);
		buf_adds(&text, "\n");
	}
	write_text(f, "codes.csv", buf_text(&text));
	buf_release(&text);
}

/* A handle that follows the changes of a table finds what one finds that reads all of it, with a filter and without. */
static void rows_that_change_are_followed(void **state)
{
	static const char *const paths[] = { "codes.csv" }, *const columns[] = { "description" };
	struct fixture *f = *state;
	struct source s = { .paths = paths, .n_paths = 1, .folder = f->folder, .text = columns, .n_text = 1, .id = "code" };
	struct meta_filter even = { "group", "even" };

	for (int round = 0; round < 8; round++) {
		struct search all = searching(SEARCH_VECTORS, 100), filtered = all;

		write_rows(f, round);
		add_source(f, f->l, &s);
		filtered.filters = &even;
		filtered.n_filters = 1;
		struct library *fresh = opened(f, f->models);
		const char *want = found(f, fresh, "the red dog ran", &all), *some = found(f, fresh, "the red dog ran", &filtered);

		assert_string_equal(found(f, f->l, "the red dog ran", &all), want);
		assert_string_equal(found(f, f->l, "the red dog ran", &filtered), some);
		assert_true(strlen(some) > 0 && strlen(some) < strlen(want) / 2);
		library_close(fresh);
	}
	assert_clean(f, f->l);
}

/* Rows: a file that cannot be read, and its sentence; the file beside it is read. */
static const struct {
	const char *name, *bytes;
	size_t n;
	const char *sentence;
} faults[] = {
	{ "x.txt", "text\0with NUL", 13, "x.txt: holds a NUL byte" },
	{ "x.md", "caf\xE9", 4, "x.md:1: byte 3 of the file (0xE9) is not UTF-8" },
	{ "x.pdf", "no PDF", 6, "x.pdf: " },
	{ "x.c", "\1\2\3\4\5\6\7\1\2\3\4\5\6\7", 14, "x.c: more than one byte in a hundred is a control character" },
};

static void one_bad_file_is_one_sentence(void **state)
{
	struct fixture *f = *state;

	write_text(f, "docs/good.md", "The ostrich runs.\n");
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		char name[64], path[512];

		snprintf(name, sizeof(name), "docs/%s", faults[i].name);
		folder_path(f, name, path, sizeof(path));
		MUST(f, file_replace(path, faults[i].bytes, faults[i].n, &f->err));
		struct library_counts counts = add(f, "docs");

		if (counts.refused != 1 || counts.added + counts.unchanged != 1 || !strstr(buf_text(&f->refused), faults[i].sentence))
			fail_msg("%s: %s", faults[i].name, buf_text(&f->refused));
		delete(f, name);
	}
	char giant[512];
	FILE *out;

	folder_path(f, "docs/giant.txt", giant, sizeof(giant));
	assert_non_null(out = fopen(giant, "wb"));
	assert_int_equal(ftruncate(fileno(out), 1 << 30), 0);
	fclose(out);
	assert_string_equal(counted(f, add(f, "docs")), "+0 ~0 =1 -0 !1");
	assert_non_null(strstr(buf_text(&f->refused), "1073741824 bytes, more than"));
	if (geteuid() != 0) {
		assert_int_equal(chmod(giant, 0), 0);
		add(f, "docs");
		assert_non_null(strstr(buf_text(&f->refused), "Permission denied"));
	}
}

static void append_to_a(struct fixture *f)
{
	char path[512];
	FILE *out;

	folder_path(f, "a.md", path, sizeof(path));
	assert_non_null(out = fopen(path, "ab"));
	fputs("More.\n", out);
	fclose(out);
}

static void append_once(struct fixture *f)
{
	if (f->steps == 1)
		append_to_a(f);
}

static void a_file_that_changes_is_read_again(void **state)
{
	struct fixture *f = *state;

	write_text(f, "a.md", "The ostrich runs.\n");
	write_text(f, "b.md", "The whale swims.\n");
	f->on_step = append_once;
	assert_string_equal(counted(f, add(f, "a.md")), "+1 ~0 =0 -0 !0");
	assert_string_equal(found_by(f, "more", SEARCH_WORDS), "The ostrich runs.\nMore.");
	f->on_step = append_to_a; /* at every step */
	assert_string_equal(counted(f, add(f, "*.md")), "+1 ~0 =0 -0 !1");
	assert_string_equal(buf_text(&f->refused), "a.md: changed while it was read; add it again when it is finished\n");
	f->on_step = NULL;
	assert_string_equal(counted(f, add(f, "*.md")), "+0 ~1 =1 -0 !0");
}

/* Readers that were open before see what others commit, and their mirrors agree with fresh ones. */
static void other_handles_are_followed(void **state)
{
	struct fixture *f = *state;
	struct models *models = models_with(f, "tiny-bert");
	struct library *writer;
	const char *paths[] = { "docs" };
	struct source s = { .paths = paths, .n_paths = 1, .folder = f->folder };
	char name[32];

	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "docs/%d.md", i);
		write_text(f, name, arena_printf(&f->arena, "# Red %d\n\na dog sat on the mat%s\n", i, i % 3 ? " and ran" : ""));
	}
	add(f, "docs");
	writer = opened(f, models);
	for (int round = 0; round < 8; round++) {
		struct library_counts counts = { 0 };
		struct search search = searching(round % 2 ? SEARCH_FUSED : SEARCH_VECTORS, 30);
		struct library *fresh = opened(f, f->models);

		assert_string_equal(found(f, f->l, "the red dog ran", &search), found(f, fresh, "the red dog ran", &search));
		library_close(fresh);
		if (round % 3 == 2) {
			snprintf(name, sizeof(name), "docs/%d.md", round);
			MUST(f, library_remove(writer, name, &counts, &f->err));
			assert_int_equal(counts.removed, 1);
			delete(f, name);
		} else {
			snprintf(name, sizeof(name), "docs/%d.md", round + (round % 2 ? 100 : 0));
			write_text(f, name, arena_printf(&f->arena, "# Blue\n\na cat walked in round%d\n", round));
		}
		MUST(f, library_add(writer, &s, true, NULL, &counts, &f->err));
		if (round % 3 != 2)
			assert_non_null(strstr(found(f, f->l, arena_printf(&f->arena, "round%d", round), &search),
					       arena_printf(&f->arena, "round%d", round)));
	}
	library_close(writer);
	models_free(models);
	assert_clean(f, f->l);
}

static void filters_still_give_k(void **state)
{
	struct fixture *f = *state;
	struct meta_filter code = { "media", "code" };
	char name[32];

	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), i % 10 ? "%d.md" : "%d.c", i);
		write_text(f, name, arena_printf(&f->arena, i % 10 ? "the cat sat on the mat %d\n" : "dog %d\n", i));
	}
	add(f, ".");
	for (enum search_mode mode = SEARCH_VECTORS; mode <= SEARCH_FUSED; mode++) {
		struct search s = searching(mode, 4);

		s.filters = &code;
		s.n_filters = 1;
		const char *texts = found(f, f->l, "the cat sat on the mat", &s);
		size_t dogs = 0;

		for (const char *p = texts; (p = strstr(p, "dog")); p++)
			dogs++;
		assert_int_equal(dogs, 4);
		assert_null(strstr(texts, "cat"));
	}
}

static void passages_are_widened_and_merged(void **state)
{
	struct fixture *f = *state;
	struct search narrow = searching(SEARCH_WORDS, 10), wide = narrow;
	struct passage *p;
	size_t n, n_wide;

	wide.parents = true;
	write_text(f, "a.md", sections(f, 2, 9, ""));
	add(f, "a.md");
	MUST(f, library_search(f->l, "cat", &narrow, &f->arena, &p, &n, &f->err));
	assert_true(n > 4);
	MUST(f, library_search(f->l, "cat", &wide, &f->arena, &p, &n_wide, &f->err));
	assert_true(n_wide < n);
	for (size_t i = 0; i < n_wide; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(p[i].end <= p[j].start || p[j].end <= p[i].start);
	found(f, f->l, "cat", &wide);
}

/* The second best is a copy of the best; with diversity it makes room. */
static void copies_make_room(void **state)
{
	struct fixture *f = *state;
	struct search s = searching(SEARCH_FUSED, 2);

	write_text(f, "a.txt", "the ostrich sat on the red mat and ran");
	write_text(f, "b.txt", "the ostrich sat on the red mat and ran");
	write_text(f, "c.txt", "an ostrich, a dog, a blue house");
	add(f, ".");
	assert_string_equal(found(f, f->l, "ostrich on the red mat", &s),
			    "the ostrich sat on the red mat and ran|the ostrich sat on the red mat and ran");
	s.diversity = 0.01; /* to the tiny encoder all texts are rather alike */
	assert_string_equal(found(f, f->l, "ostrich on the red mat", &s),
			    "the ostrich sat on the red mat and ran|an ostrich, a dog, a blue house");
}

/* A document that is cut for another collection has changed in that one alone. */
static void another_cutting_leaves_the_first_its_vectors(void **state)
{
	struct fixture *f = *state;
	const struct cutting fine = { 40, 8, true, false };
	struct search coarse = searching(SEARCH_VECTORS, 1000), small = coarse;

	small.cutting = fine;
	write_text(f, "a.md", sections(f, 6, 3, "ostrich"));
	write_text(f, "b.md", "# Other\n\nNothing of note.\n");
	add(f, "*.md");
	const char *before = found(f, f->l, "ostrich3", &coarse);

	assert_non_null(strstr(before, "ostrich3"));
	MUST(f, library_prepare(f->l, &fine, NULL, &f->err));
	assert_non_null(strstr(found(f, f->l, "ostrich3", &small), "ostrich3"));
	assert_string_equal(found(f, f->l, "ostrich3", &coarse), before);

	/* What did change goes from both. */
	write_text(f, "a.md", sections(f, 6, 3, "whale"));
	add(f, "*.md");
	assert_null(strstr(found(f, f->l, "ostrich3", &coarse), "ostrich"));
	assert_null(strstr(found(f, f->l, "ostrich3", &small), "ostrich"));
	assert_non_null(strstr(found(f, f->l, "ostrich3", &coarse), "whale3"));
	assert_clean(f, f->l);
}

static void the_model_may_change(void **state)
{
	enum { DOCUMENTS = 1200 };
	struct fixture *f = *state;
	struct models *models = models_with(f, "tiny-bge");
	struct library *newer;
	struct library_counts counts = { 0 };
	struct library_progress progress;
	struct search fused = searching(SEARCH_FUSED, 3);
	const char *paths[] = { "rows.tsv" }, *text[] = { "text" };
	struct source s = { .paths = paths, .n_paths = 1, .folder = f->folder, .text = text, .n_text = 1 };
	struct buf rows = { 0 };

	buf_adds(&rows, "text\n");
	for (int i = 0; i < DOCUMENTS; i++)
		buf_addf(&rows, "the cat%d sat on the mat\n", i);
	write_text(f, "rows.tsv", buf_text(&rows));
	add_source(f, f->l, &s);
	newer = opened(f, models);
	/* Vectors of another model cannot be compared: words alone, and it says so. */
	assert_string_equal(found(f, newer, "cat777", &fused), "the cat777 sat on the mat");
	assert_int_equal(library_served(newer), SEARCH_WORDS);

	progress = progress_of(f);
	f->stop_after = 2;
	assert_false(library_prepare(newer, &cutting_default, &progress, &f->err));
	assert_string_equal(f->err.text, "interrupted; run the same command again to go on");
	f->stop_after = 0;
	assert_clean(f, newer);
	/* Half built, the old one still serves both: its own model by vectors, the new one by words. */
	found(f, newer, "cat777", &fused);
	assert_int_equal(library_served(newer), SEARCH_WORDS);
	found(f, f->l, "cat777", &fused);
	assert_int_equal(library_served(f->l), SEARCH_FUSED);
	buf_adds(&rows, "one late ostrich\n");
	write_text(f, "rows.tsv", buf_text(&rows));
	struct collection_row *collections;
	size_t n;

	counts = (struct library_counts){ 0 };
	progress = progress_of(f);
	MUST(f, library_prepare(newer, &cutting_default, &progress, &f->err));
	assert_true(f->steps <= 5); /* what was built before the interruption was not built again: 1200 are three batches */
	MUST(f, library_add(newer, &s, true, &progress, &counts, &f->err));
	assert_string_equal(counted(f, counts), "+1 ~0 =1200 -0 !0");
	assert_int_equal(counts.embedded, 1);
	MUST(f, documents_begin_read(library_documents(newer), &f->err));
	MUST(f, collections_list(library_documents(newer), &f->arena, &collections, &n, &f->err));
	documents_end(library_documents(newer));
	assert_int_equal(n, 1);
	assert_non_null(strstr(found(f, newer, "ostrich", &fused), "one late ostrich"));
	assert_int_equal(library_served(newer), SEARCH_FUSED);
	/* Now the old model is the other one. */
	found(f, f->l, "ostrich", &fused);
	assert_int_equal(library_served(f->l), SEARCH_WORDS);
	assert_clean(f, newer);
	library_close(newer);
	models_free(models);
	buf_release(&rows);
}

static void an_old_model_adds_while_the_new_one_builds(void **state)
{
	struct fixture *f = *state;
	struct models *models = models_with(f, "tiny-bge");
	struct library *newer = opened(f, models);
	struct library_progress progress;
	struct search fused = searching(SEARCH_FUSED, 3);
	struct buf rows = { 0 };
	const char *paths[] = { "rows.tsv" }, *text[] = { "text" };
	struct source s = { .paths = paths, .n_paths = 1, .folder = f->folder, .text = text, .n_text = 1 };

	buf_adds(&rows, "text\n");
	for (int i = 0; i < 1000; i++)
		buf_addf(&rows, "the dog%d sat on the mat\n", i);
	write_text(f, "rows.tsv", buf_text(&rows));
	add_source(f, f->l, &s);
	progress = progress_of(f);
	f->stop_after = 2;
	assert_false(library_prepare(newer, &cutting_default, &progress, &f->err));
	f->stop_after = 0;
	memcpy(strstr(rows.data, "dog3 "), "owl3", 4); /* a row that the new collection has already */
	write_text(f, "rows.tsv", buf_text(&rows));
	assert_string_equal(counted(f, add_source(f, f->l, &s)), "+0 ~1 =999 -0 !0");
	assert_clean(f, f->l);
	progress = progress_of(f);
	MUST(f, library_prepare(newer, &cutting_default, &progress, &f->err));
	assert_true(f->steps <= 4); /* goes on where it was, and takes the row again */
	assert_non_null(strstr(found(f, newer, "owl3", &fused), "owl3"));
	assert_null(strstr(found(f, newer, "dog3", &fused), "dog3 "));
	assert_int_equal(library_served(newer), SEARCH_FUSED);
	assert_clean(f, newer);
	library_close(newer);
	models_free(models);
	buf_release(&rows);
}

static void words_alone_need_no_model(void **state)
{
	struct fixture *f = *state;
	struct library *words;
	struct library_counts counts = { 0 };
	const char *paths[] = { "a.md" };
	struct source s = { .paths = paths, .n_paths = 1, .folder = f->folder };
	struct search fused = searching(SEARCH_FUSED, 3);

	write_text(f, "a.md", "The ostrich runs.\n");
	words = opened(f, NULL);
	MUST(f, library_add(words, &s, true, NULL, &counts, &f->err));
	assert_string_equal(found(f, words, "ostriches", &fused), "The ostrich runs.");
	assert_int_equal(library_served(words), SEARCH_WORDS);
	/* Vectors come, and a handle without a model must not make them stale. */
	add(f, "a.md");
	assert_string_equal(found(f, f->l, "ostriches", &fused), "The ostrich runs.");
	assert_int_equal(library_served(f->l), SEARCH_FUSED);
	assert_string_equal(found(f, words, "ostriches", &fused), "The ostrich runs.");
	write_text(f, "a.md", "The whale swims.\n");
	assert_false(library_add(words, &s, true, NULL, &counts, &f->err));
	assert_non_null(strstr(f->err.text, "an embedding model is needed"));
	library_close(words);
}

static void an_interruption_loses_nothing(void **state)
{
	struct fixture *f = *state;
	const char *paths[] = { "docs" };
	struct source s = { .paths = paths, .n_paths = 1, .folder = f->folder };
	struct library_counts counts = { 0 };
	char name[32];

	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "docs/%d.md", i);
		write_text(f, name, sections(f, 8, 1, arena_printf(&f->arena, "word%d", i)));
	}
	f->stop_after = 20;
	struct library_progress progress = progress_of(f);

	assert_false(library_add(f->l, &s, true, &progress, &counts, &f->err));
	assert_non_null(strstr(f->err.text, "interrupted"));
	f->stop_after = 0;
	assert_clean(f, f->l);
	size_t before = counts.added;

	assert_true(before > 0 && before < 30);
	counts = add(f, "docs");
	assert_true(counts.added == 30 - before && counts.unchanged == before && counts.removed == 0);
	assert_clean(f, f->l);
}

enum { READERS = 10, SEARCHES = 40, VERSIONS = 25, PARTS = 5 };

struct crowd {
	struct fixture *f;
	atomic_int committed; /* version that the writer has made visible */
	size_t searches;      /* of each reader at least; RUNG_SEARCHES makes it more */
	atomic_int torn, stale, done, finished;
};

/* Each version of the document has PARTS sections that all name it. */
static void write_version(struct fixture *f, int version)
{
	struct buf text = { 0 };

	for (int i = 0; i < PARTS; i++)
		buf_addf(&text, "# Part %d\n\nostrich the cat sat on the mat, version v%dv\n\n", i, version);
	write_text(f, "a.md", buf_text(&text));
	buf_release(&text);
}

static int version_in(const char *text)
{
	const char *at = strstr(text, " v");

	while (at && (at[2] < '0' || at[2] > '9'))
		at = strstr(at + 1, " v");
	return at ? (int)strtol(at + 2, NULL, 10) : -1;
}

static void *read_versions(void *context)
{
	struct crowd *c = context;
	struct model_settings settings = { .threads = 1 };
	char folder[512];
	struct error err;

	snprintf(folder, sizeof(folder), "%s/.models-tiny-bert", c->f->folder);
	struct models *models = models_open(folder, &settings);
	struct library *l = library_open(c->f->path, false, models, &err);

	for (size_t i = 0; l && (i < c->searches || atomic_load(&c->committed) < VERSIONS); i++) {
		struct search s = searching((enum search_mode)(i % 3), 2 * PARTS);
		struct arena arena = { 0 };
		struct passage *p;
		int floor = atomic_load(&c->committed);
		size_t n = 0;

		if (!library_search(l, "ostrich cat", &s, &arena, &p, &n, &err) || n != PARTS)
			atomic_fetch_add(&c->torn, 1);
		for (size_t j = 0; j < n; j++) {
			if (version_in(p[j].text) != version_in(p[0].text) || p[j].revision != p[0].revision)
				atomic_fetch_add(&c->torn, 1);
			if (version_in(p[j].text) < floor)
				atomic_fetch_add(&c->stale, 1);
		}
		arena_release(&arena);
		atomic_fetch_add(&c->done, 1);
	}
	if (!l)
		atomic_fetch_add(&c->torn, 1);
	library_close(l);
	models_free(models);
	atomic_fetch_add(&c->finished, 1);
	return NULL;
}

static void ten_readers_and_a_writer(void **state)
{
	struct fixture *f = *state;
	const char *wanted = getenv("RUNG_SEARCHES");
	struct crowd c = { .f = f, .searches = wanted ? strtoul(wanted, NULL, 10) : SEARCHES };
	pthread_t readers[READERS];

	write_version(f, 0);
	add(f, "a.md");
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_versions, &c), 0);
	for (int version = 1; version <= VERSIONS || atomic_load(&c.finished) < READERS; version++) {
		write_version(f, version);
		assert_int_equal(add(f, "a.md").changed, 1);
		atomic_store(&c.committed, version);
	}
	for (int i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(atomic_load(&c.torn), 0);
	assert_int_equal(atomic_load(&c.stale), 0);
	print_message("%d versions, %d searches\n", atomic_load(&c.committed), atomic_load(&c.done));
	assert_clean(f, f->l);
}

/* With the real encoder: a question finds its passage by meaning, and int8 vectors lose nothing that shows. */
static void meanings_are_found(void **state)
{
	static const char *const facts[][2] = {
		{ "The feline slept on the rug all afternoon.", "Where did the cat take its nap?" },
		{ "Interest on the loan is due every quarter.", "When do I have to pay the bank?" },
		{ "Heat the oven before the dough goes in.", "how to bake bread" },
		{ "The engine lost power above three thousand metres.", "aircraft performance at altitude" },
	};
	struct fixture *f = *state;
	struct model_settings settings = { .threads = 1 };
	struct models *models = models_open(test_models_folder(), &settings);
	struct search s = searching(SEARCH_VECTORS, 1);

	if (!models_embedding_width(models, &f->err)) {
		models_free(models);
		skip();
	}
	library_close(f->l);
	f->l = opened(f, models);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		write_text(f, arena_printf(&f->arena, "%zu.txt", i), facts[i][0]);
	add(f, ".");
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		assert_string_equal(found(f, f->l, facts[i][1], &s), facts[i][0]);
	library_close(f->l);
	f->l = NULL;
	models_free(models);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_what_changed_is_embedded, begin, finish),
		cmocka_unit_test_setup_teardown(keys_stay_while_the_text_does, begin, finish),
		cmocka_unit_test_setup_teardown(files_come_and_go, begin, finish),
		cmocka_unit_test_setup_teardown(rows_are_documents, begin, finish),
		cmocka_unit_test_setup_teardown(rows_that_change_are_followed, begin, finish),
		cmocka_unit_test_setup_teardown(one_bad_file_is_one_sentence, begin, finish),
		cmocka_unit_test_setup_teardown(a_file_that_changes_is_read_again, begin, finish),
		cmocka_unit_test_setup_teardown(other_handles_are_followed, begin, finish),
		cmocka_unit_test_setup_teardown(filters_still_give_k, begin, finish),
		cmocka_unit_test_setup_teardown(passages_are_widened_and_merged, begin, finish),
		cmocka_unit_test_setup_teardown(copies_make_room, begin, finish),
		cmocka_unit_test_setup_teardown(another_cutting_leaves_the_first_its_vectors, begin, finish),
		cmocka_unit_test_setup_teardown(the_model_may_change, begin, finish),
		cmocka_unit_test_setup_teardown(an_old_model_adds_while_the_new_one_builds, begin, finish),
		cmocka_unit_test_setup_teardown(words_alone_need_no_model, begin, finish),
		cmocka_unit_test_setup_teardown(an_interruption_loses_nothing, begin, finish),
		cmocka_unit_test_setup_teardown(ten_readers_and_a_writer, begin, finish),
		cmocka_unit_test_setup_teardown(meanings_are_found, begin, finish),
	};

	return cmocka_run_group_tests_name("retrieve_library", tests, NULL, NULL);
}
