/* What the files of a model's folder say of its licence. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "model/licence.h"

static const struct {
	const char *name, *file, *text;
	const char *licence; /* NULL: not stated */
} rows[] = {
	{ "a model card", "README.md", "---\nlanguage: en\nlicense: apache-2.0\n---\n# Model\n", "apache-2.0" },
	{ "quoted, of Windows, with a comment", "README.md", "---\r\nlicense: \"mit\" # really\r\n---\r\n", "mit" },
	{ "several", "README.md", "---\nlicense:\n- mit\n- apache-2.0\ntags:\n- bert\n---\n", "mit, apache-2.0" },
	{ "several in a line", "README.md", "---\nlicense: [mit, apache-2.0]\n---\n", "mit, apache-2.0" },
	{ "of its own", "README.md", "---\nlicense: other\nlicense_name: tongyi-qianwen\n---\n", "tongyi-qianwen" },
	{ "of another key", "README.md", "---\nlicense_link: LICENSE\ntags:\n- license\n---\n", NULL },
	{ "nothing behind the key", "README.md", "---\nlicense:\ntags:\n- bert\n---\n", NULL },
	{ "below the front matter", "README.md", "---\nlanguage: en\n---\nlicense: mit\n", NULL },
	{ "no front matter", "README.md", "# A model\nlicense: mit\n", NULL },
	{ "an empty card", "README.md", "", NULL },
	{ "a licence's text", "LICENSE", "\n                              Apache License\n                        Version 2.0\n", "Apache License" },
	{ "a licence's text in Markdown", "LICENSE.md", "# MIT License #\n", "MIT License" },
	{ "another file", "NOTICE", "MIT License\n", NULL },
};

static void folders_say_their_licence(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char folder[] = "/tmp/rung-licence-XXXXXX";
		struct error err;
		struct arena arena;

		assert_non_null(mkdtemp(folder));
		arena_init(&arena);
		if (!file_replace(arena_printf(&arena, "%s/%s", folder, rows[i].file), rows[i].text, strlen(rows[i].text), &err))
			fail_msg("%s", err.text);
		const char *found = licence_of_folder(folder, &arena);

		if (found ? !rows[i].licence || strcmp(found, rows[i].licence) != 0 : rows[i].licence != NULL)
			fail_msg("%s: %s", rows[i].name, found ? found : "not stated");
		arena_release(&arena);
		file_remove_folder(folder);
	}
}

static void files_that_state_none(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_null(licence_of_file("tests/reference/golden/tiny-llama.gguf", &arena));
	assert_null(licence_of_file("/nonexistent.gguf", &arena));
	assert_null(licence_of_folder("/nonexistent", &arena));
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_say_their_licence),
		cmocka_unit_test(files_that_state_none),
	};

	return cmocka_run_group_tests_name("model_licence", tests, NULL, NULL);
}
