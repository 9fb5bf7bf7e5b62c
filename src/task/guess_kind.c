/* guess_kind.c - what an answer is, from all answers: a label, labels, an object, or a text; and the schema of objects. */
#include <jansson.h>
#include <stdlib.h>

#include "base/hash.h"
#include "task/import.h"

enum { LABELS_MOST = 300, LABEL_BYTES = 80, ENUM_MOST = 12, ENUM_EACH = 5, SHORT_ANSWER = 80 };

static const char *value_of(const struct import *x, size_t row)
{
	return x->table.rows[row].values[x->answer];
}

static json_t *parsed(const char *text)
{
	return text[0] == '{' || text[0] == '[' ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

/* Answers that are objects, lists of texts, or names with ';' between them. */
struct shapes {
	size_t objects, lists, separated, filled;
	double bytes;
};

static struct shapes shapes_of(const struct import *x)
{
	struct shapes s = { 0 };

	for (size_t i = 0; i < x->table.n_rows; i++) {
		const char *text = value_of(x, i);
		json_t *value = parsed(text);

		s.filled += text[0] != '\0';
		s.bytes += (double)strlen(text);
		s.objects += json_is_object(value);
		s.lists += json_is_array(value);
		s.separated += !value && strchr(text, ';') != NULL;
		json_decref(value);
	}
	s.bytes /= s.filled ? (double)s.filled : 1;
	return s;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The answers that occur, sorted, and how often each does. */
static void collect_labels(struct import *x)
{
	size_t n = x->table.n_rows;
	const char **all = arena_array(x->arena, n, sizeof(*all));

	x->labels = arena_array(x->arena, n, sizeof(*x->labels));
	x->label_counts = arena_array(x->arena, n, sizeof(*x->label_counts));
	for (size_t i = 0; i < n; i++)
		all[i] = value_of(x, i);
	qsort(all, n, sizeof(*all), by_text);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(all[i], all[i - 1]) != 0)
			x->labels[x->n_labels++] = all[i];
		x->label_counts[x->n_labels - 1]++;
	}
}

static bool are_labels(const struct import *x)
{
	size_t repeated = 0;

	if (x->n_labels < 2 || x->n_labels > LABELS_MOST)
		return false;
	for (size_t l = 0; l < x->n_labels; l++) {
		if (strlen(x->labels[l]) > LABEL_BYTES || strchr(x->labels[l], '\n'))
			return false;
		repeated += x->label_counts[l] > 1 ? x->label_counts[l] : 0;
	}
	return 2 * repeated > x->table.n_rows && 2 * x->n_labels <= x->table.n_rows;
}

static bool asks(const struct import *x)
{
	static const char *const names[] = { "question", "query", "q" };
	size_t marks = 0;

	for (size_t v = 0; v < x->n_variants; v++)
		if (strchr(x->variants[v].input, '?'))
			return true;
	for (size_t i = 0; i < x->n_inputs; i++) {
		for (size_t j = 0; j < 3; j++)
			if (strcmp(x->table.columns[x->inputs[i]], names[j]) == 0)
				return true;
		for (size_t r = 0; r < x->table.n_rows; r++)
			marks += strchr(x->table.rows[r].values[x->inputs[i]], '?') != NULL;
	}
	return 2 * marks > x->table.n_rows;
}

static void guess_texts(struct import *x, const struct shapes *s)
{
	x->kind = s->bytes <= SHORT_ANSWER && asks(x) ? TASK_ANSWER : TASK_GENERATE;
	import_note(x, "kind", task_kind_name(x->kind), "%zu different answers of %.0f bytes on average in %zu examples%s", x->n_labels, s->bytes,
		    x->table.n_rows, x->kind == TASK_ANSWER ? ", to questions" : "");
}

static bool kind_given(struct import *x, const char *name, struct error *err)
{
	for (int k = TASK_CLASSIFY; k <= TASK_GENERATE; k++)
		if (strcmp(task_kind_name((enum task_kind)k), name) == 0) {
			x->kind = (enum task_kind)k;
			x->kind_given = true;
			return true;
		}
	return error_set(err, "--kind \"%.80s\" is not one of classify, extract, answer, generate", name);
}

static bool extract_possible(const struct import *x, const struct shapes *s, struct error *err)
{
	size_t i = 0;
	json_t *value;

	if (s->objects == x->table.n_rows)
		return true;
	for (; i < x->table.n_rows; i++) {
		bool object;

		value = parsed(value_of(x, i));
		object = json_is_object(value);
		json_decref(value);
		if (!object)
			break;
	}
	return table_fail(&x->table, x->table.rows[i].line, err,
			  "the answer \"%.60s\" (column \"%s\") is no JSON object, which kind extract needs; "
			  "name another column with --answer, or another --kind", value_of(x, i), x->table.columns[x->answer]);
}

bool guess_kind(struct import *x, const struct import_options *o, struct error *err)
{
	struct shapes s = shapes_of(x);
	size_t n = x->table.n_rows;

	if (o->kind && !kind_given(x, o->kind, err))
		return false;
	x->many = (!x->kind_given || x->kind == TASK_CLASSIFY) && (2 * s.lists > s.filled || (s.separated * 5 > n && !x->scorer));
	collect_labels(x);
	if (x->kind_given && x->kind == TASK_EXTRACT && !extract_possible(x, &s, err))
		return false;
	if (x->kind_given)
		import_note(x, "kind", task_kind_name(x->kind), "as --kind says");
	else if (x->many)
		import_note(x, "kind", "classify, many: true",
			    s.lists ? "%zu of %zu answers are lists" : "%zu of %zu answers are names with ; between them",
			    s.lists ? s.lists : s.separated, n);
	else if (s.objects == n) {
		x->kind = TASK_EXTRACT;
		import_note(x, "kind", "extract", "every answer is a JSON object; the schema is guessed from all of them");
	} else if (are_labels(x))
		import_note(x, "kind", "classify", "%zu different short answers in %zu examples", x->n_labels, n);
	else
		guess_texts(x, &s);
	if (x->kind == TASK_EXTRACT)
		x->schema = guess_schema(x);
	if (x->kind != TASK_CLASSIFY || x->many)
		x->n_labels = 0;
	return true;
}

/* --- the schema --------------------------------------------------------------------------------------------------- */

static const char *type_name(const json_t *value)
{
	static const char *const names[] = { [JSON_OBJECT] = "object", [JSON_ARRAY] = "array", [JSON_STRING] = "string",
					     [JSON_INTEGER] = "integer", [JSON_REAL] = "number", [JSON_TRUE] = "boolean",
					     [JSON_FALSE] = "boolean", [JSON_NULL] = "null" };

	return names[json_typeof(value)];
}

static json_t *schema_of(json_t *values); /* an array of them */

static json_t *schema_of_objects(json_t *values)
{
	json_t *gathered = json_object(), *properties = json_object(), *required = json_array(), *schema = json_object(), *object, *value;
	size_t i, n = 0;
	const char *key;

	json_array_foreach(values, i, object) {
		n += json_is_object(object);
		json_object_foreach(object, key, value) {
			if (!json_object_get(gathered, key))
				json_object_set_new(gathered, key, json_array());
			json_array_append(json_object_get(gathered, key), value);
		}
	}
	json_object_foreach(gathered, key, value) {
		json_object_set_new(properties, key, schema_of(value));
		if (json_array_size(value) == n)
			json_array_append_new(required, json_string(key));
	}
	json_object_set_new(schema, "type", json_string("object"));
	json_object_set_new(schema, "properties", properties);
	json_object_set_new(schema, "required", required);
	json_decref(gathered);
	return schema;
}

/* Few texts, each of them often: a choice. NULL where they are not. */
static json_t *choice_of(json_t *values)
{
	json_t *seen = json_object(), *list = NULL, *value;
	size_t i;
	const char *key;

	json_array_foreach(values, i, value)
		json_object_set_new(seen, json_string_value(value), json_true());
	if (json_object_size(seen) <= ENUM_MOST && json_array_size(values) >= ENUM_EACH * json_object_size(seen)) {
		list = json_array();
		json_object_foreach(seen, key, value)
			json_array_append_new(list, json_string(key));
	}
	json_decref(seen);
	return list;
}

static json_t *items_of(json_t *values)
{
	json_t *all = json_array(), *list, *schema;
	size_t i;

	json_array_foreach(values, i, list)
		if (json_is_array(list))
			json_array_extend(all, list);
	schema = json_array_size(all) ? schema_of(all) : json_pack("{ss}", "type", "string");
	json_decref(all);
	return schema;
}

/* The types that occur; an integer among numbers is a number. */
static json_t *types_of(json_t *values)
{
	json_t *types = json_object(), *list = json_array(), *value;
	size_t i;
	const char *key;

	json_array_foreach(values, i, value)
		json_object_set_new(types, type_name(value), json_true());
	if (json_object_get(types, "number"))
		json_object_del(types, "integer");
	json_object_foreach(types, key, value)
		json_array_append_new(list, json_string(key));
	json_decref(types);
	return list;
}

static json_t *schema_of(json_t *values)
{
	json_t *types = types_of(values), *schema, *choice;
	const char *only = json_array_size(types) == 1 ? json_string_value(json_array_get(types, 0)) : "";

	if (strcmp(only, "object") == 0) {
		json_decref(types);
		return schema_of_objects(values);
	}
	schema = json_object();
	choice = strcmp(only, "string") == 0 ? choice_of(values) : NULL;
	if (choice) {
		json_object_set_new(schema, "enum", choice);
		json_decref(types);
		return schema;
	}
	if (strcmp(only, "array") == 0)
		json_object_set_new(schema, "items", items_of(values));
	if (only[0])
		json_object_set_new(schema, "type", json_string(only));
	else
		json_object_set(schema, "type", types);
	json_decref(types);
	return schema;
}

const char *guess_schema(struct import *x)
{
	json_t *values = json_array(), *schema;
	const char *text;
	char *dumped;

	for (size_t i = 0; i < x->table.n_rows; i++)
		json_array_append_new(values, json_loads(value_of(x, i), 0, NULL));
	schema = schema_of(values);
	dumped = json_dumps(schema, JSON_INDENT(2));
	text = arena_printf(x->arena, "%s\n", dumped);
	free(dumped);
	json_decref(schema);
	json_decref(values);
	return text;
}
