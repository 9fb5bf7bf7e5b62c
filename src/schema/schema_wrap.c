/* schema_wrap.c - a schema inside another: its references have to lead to where it now stands. */
#include <stdlib.h>

#include "schema/schema_inner.h"

static void move(json_t *schema);

static void move_all(json_t *schemas)
{
	const char *key;
	json_t *one;
	size_t i;

	json_object_foreach(schemas, key, one)
		move(one);
	json_array_foreach(schemas, i, one)
		move(one);
}

/* Only where schemas stand: what an enum holds may look like one. */
static void move(json_t *schema)
{
	static const char *const maps[] = { "properties", "$defs", "definitions", "anyOf", "oneOf" };
	const char *ref = json_string_value(json_object_get(schema, "$ref"));
	struct buf moved = { 0 };

	if (ref) {
		buf_addf(&moved, "#/properties/answer%s", ref + 1);
		json_object_set_new(schema, "$ref", json_string(buf_text(&moved)));
		buf_release(&moved);
	}
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		move_all(json_object_get(schema, maps[i]));
	if (json_object_get(schema, "items"))
		move(json_object_get(schema, "items"));
}

void schema_wrap_reason(const char *text, unsigned characters, struct buf *out)
{
	json_t *inner = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);

	move(inner);
	json_t *outer = json_pack("{s:s, s:{s:{s:s, s:I}, s:o}, s:[s, s]}", "type", "object", "properties", "reason", "type",
				  "string", "maxLength", (json_int_t)characters, "answer", inner, "required", "reason", "answer");
	char *whole = json_dumps(outer, 0);

	buf_adds(out, whole);
	free(whole);
	json_decref(outer);
}
