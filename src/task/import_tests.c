/* import_tests.c - promptfoo's tests (promptfoo.dev/docs/configuration/test-cases): inline, or from CSV, JSON, JSON Lines, YAML. A row
 * a test: its variables, and the answer that an assertion names. */
#include <stdlib.h>

#include "task/import_promptfoo.h"

struct wanted {
	const char *answer;
	bool contains, similar;
};

static size_t var_of(struct promptfoo *p, const char *name)
{
	size_t i = 0;

	while (i < p->n_vars && strcmp(p->vars[i], name) != 0)
		i++;
	if (i == p->n_vars && p->n_vars < TABLE_COLUMNS - 1)
		p->vars[p->n_vars++] = arena_string(p->x->arena, name);
	return i;
}

/* A pattern that matches one text and no other, such as ^Paris$, as that text. */
static const char *literal_of(struct promptfoo *p, const char *pattern)
{
	size_t n;

	pattern += pattern[0] == '^';
	n = strlen(pattern);
	n -= n && pattern[n - 1] == '$';
	for (size_t i = 0; i < n; i++)
		if (strchr("\\.[]{}()*+?|^$", pattern[i]))
			return NULL;
	return n ? arena_copy(p->x->arena, pattern, n) : NULL;
}

/* Takes what an assertion says of the answer; a value may name a variable. False for a type that is left out. */
static bool assert_take(struct promptfoo *p, const char *type, const char *value, const char **values, struct wanted *w)
{
	bool equals = strcmp(type, "equals") == 0, regex = strcmp(type, "regex") == 0, similar = strcmp(type, "similar") == 0;
	bool contains = strcmp(type, "contains") == 0 || strcmp(type, "icontains") == 0 || regex;

	if (!equals && !contains && !similar) {
		import_leave_out(p->x, "assertions of type %.60s", type);
		return false;
	}
	if (value && strncmp(value, "{{", 2) == 0 && strlen(value) > 4 && strcmp(value + strlen(value) - 2, "}}") == 0) {
		const char *name = value + 2 + strspn(value + 2, " ");
		size_t n = strcspn(name, " }");

		value = NULL;
		for (size_t i = 0; i < p->n_vars; i++)
			if (strlen(p->vars[i]) == n && strncmp(p->vars[i], name, n) == 0)
				value = values[i];
	} else if (regex && value) {
		const char *literal = literal_of(p, value);

		if (!literal)
			import_leave_out(p->x, "assertions of type regex whose pattern matches more than one text, such as %.80s", value);
		value = literal;
	}
	if (!value || !value[0])
		return true;
	if (!w->answer)
		*w = (struct wanted){ value, contains, similar };
	else if (strcmp(w->answer, value) != 0)
		import_leave_out(p->x, "further answers of tests that name several: the first counts");
	return true;
}

/* Names what a map says beside what is read. */
static void others_left_out(struct promptfoo *p, const char *of, const struct yaml *map, const char *const known[4])
{
	for (const struct yaml *c = map->first; c; c = c->next) {
		bool is = !c->key;

		for (size_t i = 0; i < 4 && known[i]; i++)
			is |= c->key && strcmp(c->key, known[i]) == 0;
		if (!is)
			import_leave_out(p->x, "%s: %.60s", of, c->key);
	}
}

static void asserts_read(struct promptfoo *p, const struct yaml *list, const char **values, struct wanted *w)
{
	for (const struct yaml *c = list && list->type == YAML_LIST ? list->first : NULL; c; c = c->next) {
		const struct yaml *type = yaml_get(c, "type"), *value = yaml_get(c, "value");

		if (type && type->type == YAML_TEXT &&
		    assert_take(p, type->text, value && value->type == YAML_TEXT ? value->text : NULL, values, w))
			others_left_out(p, "assertions", c, (const char *const[4]){ "type", "value" });
	}
}

static bool vars_read(struct promptfoo *p, const struct yaml *map, const char **values)
{
	for (const struct yaml *c = map ? map->first : NULL; c; c = c->next) {
		size_t at = c->key ? var_of(p, c->key) : TABLE_COLUMNS;

		if (at >= TABLE_COLUMNS - 1)
			continue;
		if (c->type != YAML_TEXT || promptfoo_path(p, c->text)) {
			import_leave_out(p->x, "tests whose variable %.60s is a list, an object or a file", c->key);
			return false;
		}
		values[at] = c->text;
	}
	return true;
}

static bool row_put(struct promptfoo *p, size_t line, const char **values, const struct wanted *w)
{
	struct table_row *row;

	if (!w->answer) {
		p->dropped++;
		return true;
	}
	p->contains |= w->contains;
	p->similar |= w->similar;
	row = table_row_add(&p->x->table, line, p->n_vars + 1, p->err);
	if (!row)
		return false;
	row->values[0] = w->answer;
	for (size_t i = 0; i < p->n_vars; i++)
		row->values[i + 1] = values[i] ? values[i] : "";
	return true;
}

/* Its own variables and assertions, those of defaultTest behind them. */
static bool test_read(struct promptfoo *p, const struct yaml *vars, const struct yaml *asserts, size_t line)
{
	const struct yaml *all = yaml_get(p->root, "defaultTest");
	const char **values = arena_array(p->x->arena, TABLE_COLUMNS, sizeof(*values));
	struct wanted w = { 0 };

	if (all && all->type == YAML_MAP && !vars_read(p, yaml_get(all, "vars"), values))
		return true;
	if (!vars_read(p, vars, values)) {
		p->dropped++;
		return true;
	}
	asserts_read(p, asserts, values, &w);
	if (all && all->type == YAML_MAP)
		asserts_read(p, yaml_get(all, "assert"), values, &w);
	return row_put(p, line, values, &w);
}

/* "contains: Paris", "equals: ..." or the text alone, which means equals. */
static void expected_take(struct promptfoo *p, const char *text, const char **values, struct wanted *w)
{
	static const char *const types[] = { "equals", "contains", "icontains", "regex", "similar", "llm-rubric", "javascript", "python",
					     "is-json",
					     "grade", "fn", "factuality", "contains-any", "contains-all", "starts-with" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t n = strlen(types[i]);

		if (strncmp(text, types[i], n) == 0 && text[n] == ':') {
			assert_take(p, types[i], text + n + 1 + strspn(text + n + 1, " "), values, w);
			return;
		}
	}
	assert_take(p, "equals", text, values, w);
}

static bool csv_tests(struct promptfoo *p, const struct table *t)
{
	for (size_t i = 0; i < t->n_rows; i++) {
		const char **values = arena_array(p->x->arena, TABLE_COLUMNS, sizeof(*values));
		struct wanted w = { 0 };

		for (size_t c = 0; c < t->n_columns; c++)
			if (strncmp(t->columns[c], "__", 2) != 0)
				values[var_of(p, t->columns[c])] = t->rows[i].values[c];
		for (size_t c = 0; c < t->n_columns; c++)
			if (strncmp(t->columns[c], "__expected", 10) == 0 && t->rows[i].values[c][0])
				expected_take(p, t->rows[i].values[c], values, &w);
		if (!row_put(p, t->rows[i].line, values, &w))
			return false;
	}
	return true;
}

/* JSON Lines: a test a line; its members as they stand in JSON, which YAML reads. */
static bool line_tests(struct promptfoo *p, const struct table *t)
{
	for (size_t i = 0; i < t->n_rows; i++) {
		const struct yaml *part[2] = { NULL, NULL };

		for (size_t c = 0; c < t->n_columns; c++) {
			const char *text = t->rows[i].values[c];
			size_t which = strcmp(t->columns[c], "vars") == 0 ? 0 : strcmp(t->columns[c], "assert") == 0 ? 1 : 2;

			if (which == 2 || !text[0])
				continue;
			part[which] = yaml_parse(p->x->arena, text, strlen(text), arena_printf(p->x->arena, "%s:%zu", t->path, t->rows[i].line), p->err);
			if (!part[which])
				return false;
		}
		if (!test_read(p, part[0], part[1], t->rows[i].line))
			return false;
	}
	return true;
}

static bool tests_of(struct promptfoo *p, const struct yaml *node);

static bool file_tests(struct promptfoo *p, const char *path)
{
	enum { FILES_MOST = 100 };
	const struct yaml *list;
	struct table t;

	if (p->files++ == FILES_MOST)
		return error_set(p->err, "%s: more than %d files of tests; does one name itself?", path, FILES_MOST);
	if (import_extension_is(path, ".csv") || import_extension_is(path, ".tsv"))
		return table_read(&t, p->x->arena, path, p->err) && csv_tests(p, &t);
	if (import_extension_is(path, ".jsonl"))
		return table_read(&t, p->x->arena, path, p->err) && line_tests(p, &t);
	if (!import_extension_is(path, ".json") && !import_extension_is(path, ".yaml") && !import_extension_is(path, ".yml")) {
		import_leave_out(p->x, "tests of %s: a program or a form that rung does not read", path);
		return true;
	}
	list = promptfoo_yaml(p, path);
	return list && (list->type != YAML_LIST || tests_of(p, list));
}

static bool tests_of(struct promptfoo *p, const struct yaml *node)
{
	bool ok = true;

	if (node->type == YAML_TEXT) {
		const char *path = promptfoo_path(p, node->text);

		return file_tests(p, path ? path : arena_printf(p->x->arena, "%s/%s", p->folder, node->text));
	}
	for (const struct yaml *c = node->first; ok && c; c = c->next) {
		if (c->type == YAML_MAP)
			others_left_out(p, "tests", c, (const char *const[4]){ "vars", "assert", "description", "metadata" });
		ok = c->type == YAML_MAP ? test_read(p, yaml_get(c, "vars"), yaml_get(c, "assert"), c->line) :
		     c->type == YAML_TEXT ? tests_of(p, c) : true;
	}
	return ok;
}

/* The answer's column stands first, so that a variable that only later tests have can be added behind. */
static void table_complete(struct promptfoo *p)
{
	struct table *t = &p->x->table;

	t->n_columns = p->n_vars + 1;
	t->columns = arena_array(p->x->arena, t->n_columns, sizeof(*t->columns));
	t->columns[0] = p->x->answer_named = var_of(p, "answer") < t->n_columns - 1 ? "expected_answer" : "answer";
	memcpy(t->columns + 1, p->vars, (t->n_columns - 1) * sizeof(*t->columns));
	p->n_vars = t->n_columns - 1;
	struct table_row *rows = arena_array(p->x->arena, t->n_rows, sizeof(*rows));

	for (size_t i = 0; i < t->n_rows; i++) {
		const char **values = arena_array(p->x->arena, t->n_columns, sizeof(*values));

		for (size_t c = 0; c < t->n_columns; c++)
			values[c] = c < t->rows[i].n ? t->rows[i].values[c] : "";
		rows[i] = (struct table_row){ t->rows[i].line, values, t->n_columns };
	}
	free(t->rows);
	t->rows = rows;
}

bool promptfoo_tests(struct promptfoo *p)
{
	const struct yaml *node = yaml_get(p->root, "tests"), *all = yaml_get(p->root, "defaultTest");
	struct import *x = p->x;
	bool ok;

	x->table = (struct table){ .arena = x->arena, .path = x->path };
	if (all && all->type == YAML_MAP)
		others_left_out(p, "defaultTest", all, (const char *const[4]){ "vars", "assert", "description", "metadata" });
	else if (all)
		import_leave_out(x, "defaultTest: %.80s, a file", all->type == YAML_TEXT ? all->text : "");
	ok = node ? tests_of(p, node) : error_set(p->err, "%s: has no tests, and so no examples to measure on", x->path);
	table_complete(p);
	if (!ok)
		return false;
	if (x->table.n_rows == 0)
		return error_set(p->err, "%s: no test names an answer (assertions of type equals, contains, icontains, regex or similar), so there is "
				 "nothing to measure on", x->path);
	if (p->dropped)
		import_leave_out(x, "tests that name no answer that can be compared: %zu", p->dropped);
	x->scorer = p->similar ? "f1" : p->contains ? "contains" : "exact";
	return true;
}
