/* Any bytes as a task file over fixed examples: a task whose numbers add up, or one sentence. */
#include <assert.h>
#include <stdint.h>
#include <unistd.h>

#include "base/file.h"
#include "task/task.h"
#include "task/template.h"

static char folder[] = "/tmp/rung-fuzz-XXXXXX";
static char yaml[64], examples[64];

static void clean_up(void)
{
	unlink(yaml);
	unlink(examples);
	rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct buf rows = { 0 };
	struct error err;

	(void)argc, (void)argv;
	if (!mkdtemp(folder))
		abort();
	snprintf(yaml, sizeof(yaml), "%s/task.yaml", folder);
	snprintf(examples, sizeof(examples), "%s/e.csv", folder);
	buf_adds(&rows, "id,label,text,split\n");
	for (int i = 0; i < 40; i++)
		buf_addf(&rows, "%d,%s,text %d,%s\n", i, i % 3 ? "a" : "b", i, i % 2 ? "train" : "test");
	if (!file_replace(examples, rows.data, rows.n, &err))
		abort();
	buf_release(&rows);
	atexit(clean_up);
	return 0;
}

static void use(struct task *t)
{
	struct error err;
	struct buf out = { 0 };

	assert(t->n_rows == 40);
	assert(t->n_duplicates + t->n_straddling + t->pool.list.n + t->dev.list.n + t->test.list.n == t->n_rows);
	assert(t->alpha > 0 && t->alpha < 1 && t->n_instructions && t->n_models && t->scorer);
	struct template *input = template_compile(&t->arena, t, t->input, "input", &err);

	assert(input);
	template_render(input, t->test.list.items[0], &out);
	template_values(input, t->test.list.items[0], &out);
	buf_release(&out);
}

/* libfyaml 0.7 forgets the 2 KB of a long quoted scalar when the document breaks off behind it. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { "" };
	FILE *out = fopen(yaml, "wb");

	if (!out || fwrite(data, 1, size, out) != size || fclose(out) != 0)
		abort();
	struct task *t = task_open(yaml, &(struct task_options){ .examples = examples, .seed = size }, &err);

	assert(t ? !err.text[0] : err.text[0] && !strchr(err.text, '\n'));
	if (t)
		use(t);
	task_free(t);
	return 0;
}
