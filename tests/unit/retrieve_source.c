/* retrieve_source.c - what paths and globs name; links in circles, pipes and what is not there are one sentence each. */
#include "test.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "retrieve/source.h"

static char folder[] = "/tmp/rung-source-XXXXXX";

static const char *const made[] = { "a.md", "b.txt", "image.png", "sub/c.md", "sub/deep/d.md", "sub/deep/e.c", "sub/.hidden.md",
				    ".git/f.md", "we[i]rd.md", "table.tsv" };

static void write_at(const char *name)
{
	char path[512], parent[512];
	FILE *out;
	struct error err;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(path, '/') - path), path);
	assert_true(file_make_folder(parent, &err));
	assert_non_null(out = fopen(path, "wb"));
	fputs("text\n", out);
	fclose(out);
}

static void at(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", folder, name);
}

static int make_tree(void **state)
{
	char path[512];

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		write_at(made[i]);
	at(path, sizeof(path), "sub/loop");
	if (symlink("..", path) != 0)
		return -1;
	at(path, sizeof(path), "sub/nowhere.md");
	if (symlink("gone", path) != 0)
		return -1;
	at(path, sizeof(path), "sub/self.md");
	if (symlink("self.md", path) != 0)
		return -1;
	at(path, sizeof(path), "sub/pipe.md");
	return mkfifo(path, 0600);
}

static int remove_tree(void **state)
{
	static const char *const rest[] = { "sub/loop", "sub/nowhere.md", "sub/self.md", "sub/pipe.md", "sub/deep", "sub", ".git", "" };
	char path[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		at(path, sizeof(path), made[i]);
		unlink(path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rest); i++) {
		at(path, sizeof(path), rest[i]);
		if (unlink(path) != 0)
			rmdir(path);
	}
	return 0;
}

static void take_sentence(void *context, const char *sentence)
{
	buf_addf(context, "%s\n", sentence);
}

#define FROM_SUB "sub/loop: leads to a folder that was read already; passed over\nsub/nowhere.md: is a link to nothing\n" \
	"sub/pipe.md: is a pipe, not a file; passed over\nsub/self.md: is a link that leads back to itself\n"

/* Rows: paths, the names they give, the sentences. */
static const struct {
	const char *paths[3];
	size_t n;
	bool rows;
	const char *names, *sentences;
} walks[] = {
	{ { "." }, 1, false, "a.md b.txt sub/c.md sub/deep/d.md sub/deep/e.c we[i]rd.md ", FROM_SUB },
	{ { "./sub//deep/../deep" }, 1, false, "sub/deep/d.md sub/deep/e.c ", "" },
	{ { "*.md" }, 1, false, "a.md we[i]rd.md ", "" },
	{ { "we[i]rd.md" }, 1, false, "we[i]rd.md ", "" },
	{ { "**/*.md" }, 1, false, "a.md sub/c.md sub/deep/d.md we[i]rd.md ", FROM_SUB },
	{ { "sub/**" }, 1, false, "sub/c.md sub/deep/d.md sub/deep/e.c ", FROM_SUB },
	{ { "sub/*/*.md" }, 1, false, "sub/deep/d.md ", FROM_SUB },
	{ { "sub/deep/[de].*" }, 1, false, "sub/deep/d.md sub/deep/e.c ", "" },
	{ { "sub/.hidden.md" }, 1, false, "sub/.hidden.md ", "" },
	{ { ".git" }, 1, false, ".git/f.md ", "" },
	{ { "a.md", "*.md", "b.txt" }, 3, false, "a.md b.txt we[i]rd.md ", "" },
	{ { "table.tsv" }, 1, true, "table.tsv ", "" },
	{ { "*.tsv" }, 1, true, "table.tsv ", "" },
	{ { "image.png" }, 1, false, "", "image.png: not a kind of file that is read; text, Markdown, HTML, PDF and code are, by "
	  "their endings; rows of a table with {file, text, id}\n" },
	{ { "*.png" }, 1, false, "", "*.png: none of the files that match is of a kind that is read\n" },
	{ { "*.rs" }, 1, false, "", "*.rs: matches no file\n" },
	{ { "gone.md" }, 1, false, "", "gone.md: there is no such file or folder\n" },
	{ { "gone/*.md" }, 1, false, "", "gone/*.md: there is no such folder\n" },
};

static void walks_find_what_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(walks); i++) {
		struct source s = { .paths = walks[i].paths, .n_paths = walks[i].n, .folder = folder, .n_text = walks[i].rows };
		struct buf names = { 0 }, sentences = { 0 };
		struct arena arena = { 0 };
		struct source_walk w = source_walk(&s, &arena, take_sentence, &sentences);

		for (size_t f = 0; f < w.n_files; f++) {
			char path[512];

			buf_addf(&names, "%s ", w.files[f].name);
			at(path, sizeof(path), w.files[f].name);
			assert_string_equal(w.files[f].path, path);
			assert_true(source_covers(&s, w.files[f].name));
		}
		if (strcmp(buf_text(&names), walks[i].names) != 0 || strcmp(buf_text(&sentences), walks[i].sentences) != 0)
			fail_msg("%s: \"%s\", \"%s\"", walks[i].paths[0], buf_text(&names), buf_text(&sentences));
		buf_release(&names);
		buf_release(&sentences);
		arena_release(&arena);
	}
}

static void absolute_paths_keep_their_names(void **state)
{
	char path[512];
	const char *paths[] = { path };
	struct source s = { .paths = paths, .n_paths = 1, .folder = "/somewhere" };
	struct arena arena = { 0 };

	(void)state;
	at(path, sizeof(path), "sub/deep");
	struct source_walk w = source_walk(&s, &arena, NULL, NULL);

	assert_int_equal(w.n_files, 2);
	at(path, sizeof(path), "sub/deep/d.md");
	assert_string_equal(w.files[0].name, path);
	assert_string_equal(w.files[0].path, path);
	arena_release(&arena);
}

/* Rows: what `rm` is given or a task names, a document's name, whether it is meant. */
static const struct {
	const char *pattern, *name;
	bool matches;
} patterns[] = {
	{ "docs/a.md", "docs/a.md", true },	 { "docs", "docs/a.md", true },	       { "docs/", "docs/sub/a.md", true },
	{ "doc", "docs/a.md", false },		 { "./docs/x/../a.md", "docs/a.md", true }, { "docs/*", "docs/a.md", true },
	{ "docs/*", "docs/sub/a.md", false },	 { "docs/**", "docs/sub/a.md", true }, { "**/a.md", "a.md", true },
	{ "codes.tsv", "codes.tsv#E11.9", true }, { "codes.tsv#E11.9", "codes.tsv#E11.9", true },
	{ "codes.tsv#E11", "codes.tsv#E11.9", false }, { "*.tsv", "codes.tsv#a/b", true }, { ".", "docs/a.md", true },
	{ ".", "/elsewhere/a.md", false },	 { ".", "../a.md", false },	       { "../x/*.md", "../x/a.md", true },
	{ "codes.tsv#E11*", "codes.tsv#E11.9", true }, { "[", "[", true },	       { "a[", "a", false },
};

static void patterns_mean_what_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (source_matches(patterns[i].pattern, patterns[i].name) != patterns[i].matches)
			fail_msg("%s against %s", patterns[i].pattern, patterns[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walks_find_what_is_named),
		cmocka_unit_test(absolute_paths_keep_their_names),
		cmocka_unit_test(patterns_mean_what_they_say),
	};

	return cmocka_run_group_tests_name("retrieve_source", tests, make_tree, remove_tree);
}
