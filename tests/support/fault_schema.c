/* fault_schema.c - a JSON text that keeps to a simple JSON Schema. */
#include "fault.h"

enum { DEPTH = 16 };

static json_t *make(const json_t *root, const json_t *schema, const char *answer, int depth);

static const json_t *resolve(const json_t *root, const char *reference)
{
	const json_t *at = root;

	while (at && *reference == '#')
		reference++;
	while (at && *reference == '/') {
		char key[128];
		size_t n = strcspn(++reference, "/");

		snprintf(key, sizeof(key), "%.*s", (int)n, reference);
		at = json_object_get(at, key);
		reference += n;
	}
	return at;
}

static json_t *pick(const json_t *values, const char *answer)
{
	const json_t *value;
	size_t i;

	json_array_foreach(values, i, value)
		if (json_is_string(value) && strcmp(json_string_value(value), answer) == 0)
			return json_incref((json_t *)value);
	return json_incref(json_array_get(values, 0));
}

static json_t *make_object(const json_t *root, const json_t *schema, const char *answer, int depth)
{
	json_t *out = json_object(), *part;
	const char *key;

	json_object_foreach(json_object_get(schema, "properties"), key, part)
		json_object_set_new(out, key, make(root, part, answer, depth + 1));
	return out;
}

static json_t *make_array(const json_t *root, const json_t *schema, const char *answer, int depth)
{
	json_t *out = json_array();
	json_int_t least = json_integer_value(json_object_get(schema, "minItems"));

	for (json_int_t i = 0; i < (least > 1 ? least : 1); i++)
		json_array_append_new(out, make(root, json_object_get(schema, "items"), answer, depth + 1));
	return out;
}

static json_t *make_number(const json_t *schema, const char *answer, bool whole)
{
	const json_t *least = json_object_get(schema, "minimum"), *most = json_object_get(schema, "maximum");
	double value = strtod(answer, NULL);

	value = least && value < json_number_value(least) ? json_number_value(least) : value;
	value = most && value > json_number_value(most) ? json_number_value(most) : value;
	return whole ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *make(const json_t *root, const json_t *schema, const char *answer, int depth)
{
	const json_t *any = json_object_get(schema, "anyOf"), *types = json_object_get(schema, "type");
	const char *type = json_is_array(types) ? json_string_value(json_array_get(types, 0)) : json_string_value(types);

	if (depth > DEPTH)
		return json_null();
	if (json_object_get(schema, "$ref"))
		return make(root, resolve(root, text_of(schema, "$ref")), answer, depth + 1);
	if (any)
		return make(root, json_array_get(any, 0), answer, depth + 1);
	if (json_object_get(schema, "const"))
		return json_incref(json_object_get(schema, "const"));
	if (json_object_get(schema, "enum"))
		return pick(json_object_get(schema, "enum"), answer);
	if (!type || strcmp(type, "string") == 0)
		return json_string(answer);
	if (strcmp(type, "object") == 0)
		return make_object(root, schema, answer, depth);
	if (strcmp(type, "array") == 0)
		return make_array(root, schema, answer, depth);
	if (strcmp(type, "boolean") == 0)
		return json_boolean(strcmp(answer, "true") == 0 || strcmp(answer, "yes") == 0 || strcmp(answer, "ok") == 0);
	return strcmp(type, "null") == 0 ? json_null() : make_number(schema, answer, strcmp(type, "integer") == 0);
}

/* An answer that is JSON itself is taken at its word. */
void schema_answer(const json_t *schema, const char *answer, struct buf *out)
{
	json_t *whole = *answer == '{' || *answer == '[' ? json_loads(answer, 0, NULL) : NULL;

	if (whole)
		buf_adds(out, answer);
	else
		add_json(out, make(schema, schema, answer, 0));
	json_decref(whole);
}
