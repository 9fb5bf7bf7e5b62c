/* cmd_docs.c - rung docs add|rm|ls|search|verify TASK ... */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "terminal.h"

static void print_counts(const struct settings *s, const struct rung_docs_counts *c)
{
	printf(s->json ? "{\"added\": %zu, \"changed\": %zu, \"unchanged\": %zu, \"removed\": %zu, \"refused\": %zu, "
			 "\"embedded\": %zu}\n"
		       : "added %zu, changed %zu, unchanged %zu, removed %zu, refused %zu; chunks embedded: %zu\n",
	       c->added, c->changed, c->unchanged, c->removed, c->refused, c->embedded);
	fflush(stdout);
}

static const struct settings *watching; /* what a pass is printed by */

static void print_pass(void *context, const struct rung_docs_counts *c)
{
	(void)context;
	terminal_clear_progress();
	if (c->added + c->changed + c->removed + c->refused > 0 || c->embedded > 0)
		print_counts(watching, c);
}

static int add(struct rung *r, const struct settings *s)
{
	struct rung_docs_source source = {
		.paths = (const char *const *)s->arguments + 2, .n_paths = s->n_arguments - 2, .text = s->text.items,
		.n_text = s->text.n, .id = s->id,
	};
	struct rung_docs_counts counts;
	struct rung_error err;
	enum rung_status status;

	if (s->watch) {
		watching = s;
		status = rung_docs_watch(r, &source, print_pass, &err);
		return status ? terminal_fail(status, &err) : 0;
	}
	status = rung_docs_add(r, &source, &counts, &err);
	terminal_clear_progress();
	if (status)
		return terminal_fail(status, &err);
	print_counts(s, &counts);
	return counts.refused > 0 && counts.added + counts.changed + counts.unchanged == 0 ? RUNG_INPUT : 0;
}

static int rm(struct rung *r, const struct settings *s)
{
	struct rung_error err;

	for (size_t i = 2; i < s->n_arguments; i++) {
		size_t removed;
		enum rung_status status = rung_docs_remove(r, s->arguments[i], &removed, &err);

		if (status)
			return terminal_fail(status, &err);
		printf(s->json ? "{\"removed\": %zu}\n" : "removed %zu\n", removed);
	}
	return 0;
}

static int ls(struct rung *r, const struct settings *s)
{
	struct rung_error err;
	char *text;
	enum rung_status status = rung_docs_list(r, s->n_arguments > 2 ? s->arguments[2] : NULL, s->json, &text, &err);

	return status ? terminal_fail(status, &err) : terminal_output(text, NULL);
}

static int search(struct rung *r, const struct settings *s)
{
	struct rung_docs_query query = { .text = s->arguments[2], .k = s->k > 0 ? (size_t)s->k : 0, .mode = s->mode,
					 .filters = s->filters.items, .n_filters = s->filters.n };
	struct rung_error err;
	char *text;
	enum rung_status status = rung_docs_search(r, &query, s->json, &text, &err);

	return status ? terminal_fail(status, &err) : terminal_output(text, NULL);
}

static int verify(struct rung *r, const struct settings *s)
{
	struct rung_error err;
	size_t problems;
	char *text;
	enum rung_status status = rung_docs_verify(r, s->json, &problems, &text, &err);
	int code = status ? terminal_fail(status, &err) : terminal_output(text, NULL);

	return code ? code : problems > 0;
}

static const struct {
	const char *name, *arguments;
	size_t least, most; /* arguments behind the task */
	int (*run)(struct rung *r, const struct settings *s);
} verbs[] = {
	{ "add", "[PATH ...]", 0, SIZE_MAX, add }, { "rm", "NAME ...", 1, SIZE_MAX, rm }, { "ls", "[NAME]", 0, 1, ls },
	{ "search", "QUERY", 1, 1, search }, { "verify", "", 0, 0, verify },
};

static int run(const struct settings *s)
{
	size_t n = s->n_arguments - 2;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(s->arguments[0], verbs[i].name) != 0)
			continue;
		if (n < verbs[i].least || n > verbs[i].most) {
			fprintf(stderr, "rung docs: use `rung docs %s TASK %s`; see `rung docs --help`\n", verbs[i].name,
				verbs[i].arguments);
			return RUNG_INPUT;
		}
		struct rung *r = terminal_open(s, s->arguments[1]);
		int code = verbs[i].run(r, s);

		rung_close(r);
		return code;
	}
	fprintf(stderr, "rung docs: \"%s\" is not one of add, rm, ls, search, verify; see `rung docs --help`\n", s->arguments[0]);
	return RUNG_INPUT;
}

static const struct option_row *const options_of[] = {
	&option_k, &option_mode, &option_filter, &option_text, &option_id, &option_watch, &option_store, &option_threads,
	&option_models_folder, &option_json, &option_quiet, &option_help, NULL,
};

const struct command command_docs = {
	"docs", "VERB TASK [...]", "documents for retrieval: add, rm, ls, search, verify",
	"add TASK [PATH ...]    brings the documents up to what the files, folders or globs hold now (without: what the\n"
	"                       task's `documents:` names); only what changed is read and embedded again\n"
	"rm TASK NAME ...       removes a document, all below a folder, the rows of a table, or what a glob matches\n"
	"ls TASK [NAME]         lists documents\n"
	"search TASK QUERY      shows the best passages: rank, score, document, headings, offsets, first lines\n"
	"verify TASK            checks everything that is stored; exit 1 when something is wrong",
	options_of, 2, SIZE_MAX, run,
};
