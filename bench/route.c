/* route.c - where "rung/auto" sends what: `make bench-route`; lines as docs/benchmarks.md says.
 *
 *   route [-v]
 *
 * -v: a remark for every text that goes wrong.
 *
 * Three tasks: e-mails (email_five), questions about rung's documentation (examples/docs-qa) and clinical notes (examples/medical-coder). The
 * router learns from their pools and dev items; their test items should go to them, and texts from elsewhere to nobody. Settings: RUNG_DATA,
 * RUNG_MODELS. */
#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "decide.h"
#include "serve/router.h"
#include "task/csv.h"

static struct error err;
static bool verbose;

enum { TASKS = 3, MOST = 700 };

static const char *data_folder(void)
{
	const char *data = getenv("RUNG_DATA");

	return data ? data : "../shared/data";
}

static struct task *emails(void)
{
	static const char folder[] = "build/bench-route";
	struct buf yaml = { 0 };
	struct task_options options = { .seed = 1 };

	buf_addf(&yaml, "name: email\nkind: classify\ninstruction: x\ninput: |\n  {{subject}}\n  {{text | first 500}}\n"
		 "labels: [spam, marketing, personal, work, automated]\n"
		 "examples: {file: \"%s%s/email_five/email_five.jsonl\", answer: label, id: id, split: split}\n",
		 data_folder()[0] == '/' ? "" : "../../", data_folder());
	must(file_make_folder(folder, &err) && file_replace("build/bench-route/task.yaml", yaml.data, yaml.n, &err), &err);
	buf_release(&yaml);
	return task_open(folder, &options, &err);
}

/* An example as somebody would send it: its columns as an object; plain: the text of the only one. */
static const char *as_input(const struct task *t, const struct example *e, const char *plain, struct arena *arena)
{
	json_t *o = json_object();

	for (size_t c = 0; c < t->n_columns; c++) {
		char open[100];

		snprintf(open, sizeof(open), "{{%s", t->columns[c]);
		if (plain && strcmp(plain, t->columns[c]) == 0) {
			json_decref(o);
			return e->values[c];
		}
		if (strstr(t->input, open))
			json_object_set_new(o, t->columns[c], json_string(e->values[c]));
	}
	char *text = json_dumps(o, JSON_COMPACT);
	const char *copy = arena_string(arena, text);

	free(text);
	json_decref(o);
	return copy;
}

struct inputs {
	const char *text[MOST];
	size_t n;
};

static size_t count_routed(struct router *r, const struct inputs *in, size_t to, bool unlike, double *similarity)
{
	struct route *routes = mem_alloc((in->n + 1) * sizeof(*routes));
	size_t n = 0;

	must(router_find(r, in->text, in->n, routes, &err), &err);
	*similarity = 0;
	for (size_t i = 0; i < in->n; i++) {
		n += unlike ? routes[i].unlike : !routes[i].unlike && routes[i].kind == to;
		if (verbose && (unlike ? !routes[i].unlike : routes[i].unlike || routes[i].kind != to))
			printf("# kind %zu, probability %.2f, similarity %.2f: %.100s\n", routes[i].kind, routes[i].probability, routes[i].similarity, in->text[i]);
		*similarity += routes[i].similarity / (double)in->n;
	}
	free(routes);
	return n;
}

static void at_home(struct router *r, const struct task *const *tasks, size_t k, const char *plain)
{
	struct inputs in = { 0 };
	struct arena arena;
	double similarity;
	char name[120];

	arena_init(&arena);
	for (size_t i = 0; i < tasks[k]->test.list.n && in.n < MOST; i++)
		in.text[in.n++] = as_input(tasks[k], tasks[k]->test.list.items[i], plain, &arena);
	size_t right = count_routed(r, &in, k, false, &similarity);

	snprintf(name, sizeof(name), "routing: %zu test items of %s%s that go to it, share", in.n, tasks[k]->name, plain ? ", as plain text" : "");
	row(name, (double)right / (double)in.n, ">= 0.95", (double)right >= 0.95 * (double)in.n);
	printf("# mean similarity %.3f\n", similarity);
	arena_release(&arena);
}

static void abroad(struct router *r, const char *what, const struct inputs *in)
{
	double similarity;
	char name[120];

	if (in->n == 0) {
		printf("routing: %s\t-\t-\t-\t-\tabsent\n", what);
		return;
	}
	size_t right = count_routed(r, in, 0, true, &similarity);

	snprintf(name, sizeof(name), "routing: %zu %s that go to nobody, share", in->n, what);
	row(name, (double)right / (double)in->n, ">= 0.90", (double)right >= 0.9 * (double)in->n);
	printf("# mean similarity %.3f\n", similarity);
}

/* One text of each line; as: the column that it is sent under, NULL: as plain text. */
static void read_lines(struct inputs *in, const char *file, const char *member, const char *as, struct arena *arena)
{
	const char *path = arena_printf(arena, "%s/%s", data_folder(), file);
	size_t n;

	*in = (struct inputs){ 0 };
	if (!file_exists(path))
		return;
	char *bytes = file_read(path, (size_t)1 << 28, &n, &err), *rest = bytes, *line;

	must(bytes != NULL, &err);
	while (in->n < MOST && (line = strsep(&rest, "\n")) && line[0]) {
		json_t *o = json_loads(line, 0, NULL), *sent = as ? json_pack("{s:s}", as, json_string_value(json_object_get(o, member))) : NULL;
		char *text = sent ? json_dumps(sent, JSON_COMPACT) : NULL;

		in->text[in->n++] = arena_string(arena, text ? text : json_string_value(json_object_get(o, member)));
		free(text);
		json_decref(sent);
		json_decref(o);
	}
	free(bytes);
}

static void read_banking(struct inputs *in, struct arena *arena)
{
	const char *path = arena_printf(arena, "%s/banking77/test.csv", data_folder());
	struct csv_row csv_row = { 0 };
	size_t n, number = 0;

	*in = (struct inputs){ 0 };
	if (!file_exists(path))
		return;
	char *bytes = file_read(path, (size_t)1 << 24, &n, &err);
	struct csv csv = csv_open(bytes, n, ',');

	while (in->n < MOST && csv_next(&csv, &csv_row) == CSV_ROW)
		if (number++ % 5 == 1) /* the file goes by class */
			in->text[in->n++] = arena_string(arena, csv_field(&csv_row, 0));
	buf_release(&csv_row.text);
	free(bytes);
}

int main(int argc, char **argv)
{
	const char *folder = getenv("RUNG_MODELS");
	struct model_settings settings = { 0 };
	struct task_options options = { .seed = 1 };
	struct arena arena;
	struct inputs in;

	verbose = argc == 2 && strcmp(argv[1], "-v") == 0;
	arena_init(&arena);
	const char *needed = arena_printf(&arena, "%s/email_five/email_five.jsonl", data_folder());

	if (!file_exists(needed)) {
		printf("routing\t-\t-\t-\t-\tabsent\n");
		return 0;
	}
	struct models *models = models_open(folder ? folder : "models", &settings);
	const struct task *tasks[TASKS] = { emails(), task_open("examples/docs-qa", &options, &err), task_open("examples/medical-coder", &options, &err) };

	must(tasks[0] && tasks[1] && tasks[2], &err);
	double began = clock_ms();
	struct router *r = router_open(tasks, TASKS, models, &err);

	must(r != NULL, &err);
	printf("# learnt in %.1f s\n", (clock_ms() - began) / 1000);
	at_home(r, tasks, 0, NULL);
	at_home(r, tasks, 1, NULL);
	at_home(r, tasks, 1, "question");
	at_home(r, tasks, 2, NULL);
	read_banking(&in, &arena);
	abroad(r, "questions to a bank (banking77)", &in);
	read_lines(&in, "gsm8k/test.jsonl", "question", NULL, &arena);
	abroad(r, "problems of arithmetic (gsm8k)", &in);
	read_lines(&in, "scifact/claims.jsonl", "claim", NULL, &arena);
	abroad(r, "claims of science (scifact)", &in);
	read_lines(&in, "snips/snips_validate.jsonl", "text", NULL, &arena);
	abroad(r, "spoken commands (snips)", &in);
	read_lines(&in, "gsm8k/test.jsonl", "question", "text", &arena);
	abroad(r, "problems of arithmetic as the text of an e-mail", &in);
	read_lines(&in, "gsm8k/test.jsonl", "question", "note", &arena);
	abroad(r, "problems of arithmetic as a clinical note", &in);
	router_free(r);
	models_free(models);
	for (size_t k = 0; k < TASKS; k++)
		task_free((struct task *)tasks[k]);
	arena_release(&arena);
	return 0;
}
