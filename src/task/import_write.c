/* import_write.c - task.yaml and examples out of what was settled. Texts are plain where YAML reads them back as they are, else
 * quoted, or blocks where they have lines (YAML 1.2, 7.3 and 8.1). */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <strings.h>

#include "task/import.h"
#include "task/scorer.h"

static bool is_plain(const char *s)
{
	static const char *const reserved[] = { "true", "false", "yes", "no", "on", "off", "null", "y", "n" };
	size_t n = strlen(s);

	if (n == 0 || !isalpha((unsigned char)s[0]) || s[n - 1] == ' ')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("_-./ ", s[i]))
			return false;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcasecmp(s, reserved[i]) == 0)
			return false;
	return true;
}

static void add_quoted(struct buf *out, const char *s)
{
	buf_addc(out, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", c);
		else if (c == '\n')
			buf_adds(out, "\\n");
		else if (c < 0x20 || c == 0x7f)
			buf_addf(out, "\\x%02X", c);
		else
			buf_addc(out, (char)c);
	}
	buf_addc(out, '"');
}

static void add_text(struct buf *out, const char *s)
{
	if (is_plain(s))
		buf_adds(out, s);
	else
		add_quoted(out, s);
}

/* A literal block keeps every byte of such texts. */
static bool is_block(const char *s)
{
	size_t n = strlen(s);

	if (!strchr(s, '\n') || s[0] == ' ' || s[0] == '\n' || s[0] == '\t' || s[n - 1] == '\n')
		return false;
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\n') || s[i] == 0x7f || (s[i] == ' ' && s[i + 1] == '\n') ||
		    (s[i] == '\n' && s[i + 1] == '\n'))
			return false;
	return s[n - 1] != ' ';
}

/* `key: ` and a text of one or more lines; indent: spaces before the key's own line. */
static void add_entry(struct buf *out, size_t indent, const char *key, const char *s)
{
	buf_addf(out, "%s: ", key);
	if (!is_block(s)) {
		add_text(out, s);
		buf_addc(out, '\n');
		return;
	}
	buf_adds(out, "|-\n");
	for (const char *line = s; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		buf_addf(out, "%*s%.*s\n", (int)indent + 2, "", (int)strcspn(line, "\n"), line);
}

static const char *default_instruction(const struct import *x)
{
	switch (x->kind) {
	case TASK_CLASSIFY:
		return x->many ? "List every label that applies, out of {{labels}}. Respond with only the labels." :
				 "Classify this as one of {{labels}}. Respond with only the label.";
	case TASK_EXTRACT:
		return "Extract the fields as JSON.";
	case TASK_ANSWER:
		return "Answer the question in as few words as possible.";
	default:
		return arena_printf(x->arena, "Write the %s. Respond with nothing else.", x->table.columns[x->answer]);
	}
}

static const char *input_of(const struct import *x)
{
	struct buf text = { 0 };
	const char *kept;

	if (x->input)
		return x->input;
	if (x->n_inputs == 1)
		return arena_printf(x->arena, "{{%s}}", x->table.columns[x->inputs[0]]);
	for (size_t i = 0; i < x->n_inputs; i++)
		buf_addf(&text, "%s%s: {{%s}}", i ? "\n" : "", x->table.columns[x->inputs[i]], x->table.columns[x->inputs[i]]);
	kept = arena_string(x->arena, buf_text(&text));
	buf_release(&text);
	return kept;
}

static void add_labels(const struct import *x, struct buf *out)
{
	if (x->n_labels == 0 || x->n_labels > IMPORT_LABELS_LISTED)
		return;
	buf_adds(out, "labels: # a definition behind a name is shown to models: `spam: unsolicited bulk mail`\n");
	for (size_t l = 0; l < x->n_labels; l++) {
		buf_adds(out, "  ");
		add_text(out, x->labels[l]);
		buf_addf(out, ": # %zu example%s\n", x->label_counts[l], x->label_counts[l] == 1 ? "" : "s");
	}
}

static void add_column(const struct import *x, struct buf *out, const char *key, size_t column)
{
	if (column == x->table.n_columns)
		return;
	buf_addf(out, ", %s: ", key);
	add_text(out, x->table.columns[column]);
}

static void add_examples(const struct import *x, struct buf *out)
{
	buf_adds(out, "examples: {file: ");
	add_text(out, x->examples);
	add_column(x, out, "answer", x->answer);
	add_column(x, out, "id", x->id);
	add_column(x, out, "split", x->split);
	add_column(x, out, "group", x->group);
	buf_addf(out, "}%s\n", x->split == x->table.n_columns ? " # no split: 50 % pool, 20 % dev, 30 % test, by seed" : "");
}

static void add_variants(const struct import *x, struct buf *out)
{
	if (x->n_variants)
		buf_adds(out, "# `incumbent: true` on the one in use today: only evidence then replaces it.\nvariants:\n");
	for (size_t i = 0; i < x->n_variants; i++) {
		const struct task_variant *v = &x->variants[i];

		buf_adds(out, "  - ");
		add_entry(out, 4, "name", v->name);
		if (v->model) {
			buf_adds(out, "    ");
			add_entry(out, 4, "model", v->model);
		}
		if (v->system) {
			buf_adds(out, "    ");
			add_entry(out, 4, "system", v->system);
		}
		buf_adds(out, "    ");
		add_entry(out, 4, "input", v->input);
		if (v->max_tokens)
			buf_addf(out, "    max_tokens: %zu\n", v->max_tokens);
	}
}

static void add_models(const struct import *x, struct buf *out)
{
	if (x->n_models)
		buf_adds(out, "models:\n");
	for (size_t i = 0; i < x->n_models; i++) {
		buf_adds(out, "  - ");
		add_text(out, x->models[i]);
		buf_addc(out, '\n');
	}
}

static void add_scorer(const struct import *x, struct buf *out)
{
	if (x->scorer && x->scorer_setting) {
		buf_addf(out, "scorer: {%s: ", x->scorer);
		add_quoted(out, x->scorer_setting);
		buf_adds(out, "}\n");
	} else if (x->scorer) {
		buf_addf(out, "scorer: %s\n", x->scorer);
	}
}

static const char *reason(const struct import *x, const char *what)
{
	for (size_t i = 0; i < x->n_notes; i++)
		if (strcmp(x->notes[i].what, what) == 0)
			return x->notes[i].why;
	return "";
}

void import_yaml(const struct import *x, struct buf *out)
{
	buf_adds(out, "# Written by `rung init`. `rung check` says what is in it, docs/task.md what else can be said.\n");
	add_entry(out, 0, "name", x->name);
	buf_addf(out, "kind: %s # %s\n", task_kind_name(x->kind), reason(x, "kind"));
	if (x->many)
		buf_adds(out, "many: true\n");
	add_entry(out, 0, "instruction", x->instruction ? x->instruction : default_instruction(x));
	add_entry(out, 0, "input", input_of(x));
	if (x->schema)
		buf_adds(out, "schema: schema.json\n");
	add_labels(x, out);
	add_examples(x, out);
	add_models(x, out);
	add_variants(x, out);
	add_scorer(x, out);
	buf_adds(out, "# target: 0.90 # the score that is good enough\n"
		      "# traffic: {calls_per_day: 10000, horizon_days: 90, cost_per_error: 0.10} # turns scores into money\n");
}

void import_rows(const struct import *x, struct buf *out)
{
	const struct table *t = &x->table;

	for (size_t i = 0; i < t->n_rows; i++) {
		json_t *row = json_object();
		char *text;

		for (size_t c = 0; c < t->n_columns; c++)
			json_object_set_new(row, t->columns[c], json_string(t->rows[i].values[c]));
		text = json_dumps(row, JSON_COMPACT);
		buf_addf(out, "%s\n", text);
		free(text);
		json_decref(row);
	}
}
