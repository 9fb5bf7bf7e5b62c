/* objects.c - what an answer under a schema has to be, said with file and line. */
#include "task/objects.h"

#include <string.h>

#include "schema/validator.h"

bool objects_compile(struct task_file *f, struct error *err)
{
	struct task *t = &f->task;
	struct error why;

	t->validator = validator_new(t->schema, strlen(t->schema), &why);
	if (!t->validator)
		return error_set(err, "%s: %s", t->schema_file, why.text);
	const char *type = json_string_value(json_object_get(validator_schema(t->validator), "type"));

	if (!type || strcmp(type, "object") != 0)
		return error_set(err, "%s: #: a task's schema needs \"type\": \"object\" here, whose properties are the fields", t->schema_file);
	return true;
}

bool objects_fit(const struct task_file *f, struct error *err)
{
	const struct yaml *kind = yaml_get(f->root, "kind"), *schema = yaml_get(f->root, "schema");
	const struct yaml *labels = yaml_get(f->root, "labels"), *scorer = yaml_get(f->root, "scorer");

	if (f->task.kind == TASK_EXTRACT && !schema)
		return task_file_fail(f, kind, err, "kind extract needs schema: the path of the JSON Schema of its answers");
	if (f->task.kind == TASK_EXTRACT && labels)
		return task_file_fail(f, labels, err, "labels belong to kind: classify; a field with few values is an enum of the schema");
	if (f->task.kind != TASK_EXTRACT && f->task.kind != TASK_GENERATE && schema)
		return task_file_fail(f, schema, err, "schema belongs to kind: extract or generate, not %s; a variant may have one of "
				      "its own", task_kind_name(f->task.kind));
	if (!schema && scorer && strcmp(f->task.scorer, "json") == 0)
		return task_file_fail(f, scorer, err, "scorer json compares objects under a schema, which this task does not have; kinds "
				      "extract and generate may");
	return true;
}

bool object_fill(struct examples *x, struct example *e)
{
	struct task *t = &x->f->task;
	json_t *object = json_loads(e->answer, JSON_REJECT_DUPLICATES, NULL);
	struct buf text = { 0 };
	bool ok = validator_accepts(t->validator, object, &text);

	if (!json_is_object(object)) {
		table_fail(&x->table, e->line, x->err, "the answer (column \"%s\") is not a JSON object", x->f->answer);
	} else if (!ok) {
		table_fail(&x->table, e->line, x->err, "the answer (column \"%s\") does not satisfy %s: %s", x->f->answer,
			   t->schema_file, buf_text(&text));
	} else {
		validator_write(t->validator, object, &text);
		e->answer = arena_copy(&t->arena, text.data, text.n);
	}
	json_decref(object);
	buf_release(&text);
	return ok;
}
