/* texts.c - JSON in, JSON out */
#include "serve/texts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"

static bool read_texts(const json_t *input, struct arena *arena, struct texts_request *out, struct chat_fault *fault)
{
	size_t n = json_is_string(input) ? 1 : json_array_size(input);
	const char **texts = arena_array(arena, n + 1, sizeof(*texts));

	if (n == 0 || n > TEXTS_MOST)
		return chat_wrong(fault, "input", "input has to be a text, or a list of 1 to 2,048 texts");
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_is_string(input) ? input : json_array_get(input, i));

		if (!text)
			return chat_wrong(fault, "input", "input has to be a text, or a list of 1 to 2,048 texts");
		texts[i] = arena_string(arena, text);
	}
	out->texts = texts;
	out->n = n;
	return true;
}

static bool read_root(const json_t *root, struct arena *arena, struct texts_request *out, struct chat_fault *fault)
{
	const char *model = json_string_value(json_object_get(root, "model"));
	const json_t *format = json_object_get(root, "encoding_format"), *dimensions = json_object_get(root, "dimensions");
	const char *form = json_is_string(format) ? json_string_value(format) : "float";

	if (!json_is_object(root))
		return chat_wrong(fault, NULL, "the body has to be a JSON object");
	if (!model)
		return chat_wrong(fault, "model", "model has to be a text; GET /v1/models lists them");
	if ((format && !json_is_string(format) && !json_is_null(format)) || (strcmp(form, "float") != 0 && strcmp(form, "base64") != 0))
		return chat_wrong(fault, "encoding_format", "encoding_format has to be float or base64");
	if (dimensions && !json_is_null(dimensions) && !(json_is_integer(dimensions) && json_integer_value(dimensions) > 0))
		return chat_wrong(fault, "dimensions", "dimensions has to be a number above 0");
	out->model = arena_string(arena, model);
	out->base64 = strcmp(form, "base64") == 0;
	out->dimensions = (size_t)json_integer_value(dimensions);
	return read_texts(json_object_get(root, "input"), arena, out, fault);
}

bool texts_read(const char *body, size_t n, struct arena *arena, struct texts_request *out, struct chat_fault *fault)
{
	json_error_t at;
	json_t *root = json_loadb(body, n, JSON_REJECT_DUPLICATES, &at);

	*out = (struct texts_request){ 0 };
	bool good = root ? read_root(root, arena, out, fault) :
			   chat_wrong(fault, NULL, arena_printf(arena, "the body is no JSON: %s (line %d, column %d)", at.text, at.line, at.column));

	json_decref(root);
	return good;
}

static void add_vector(struct buf *out, const float *v, size_t width, bool base64)
{
	if (base64) {
		buf_addc(out, '"');
		base64_add(out, (const uint8_t *)v, width * sizeof(*v)); /* the machines that this runs on are little-endian */
		buf_addc(out, '"');
		return;
	}
	for (size_t i = 0; i < width; i++)
		buf_addf(out, "%s%.9g", i == 0 ? "[" : ",", (double)v[i]);
	buf_addc(out, ']');
}

void texts_write(const struct texts_request *r, const float *vectors, size_t width, size_t tokens, struct buf *out)
{
	json_t *name = json_string(r->model);
	char *model = json_dumps(name, JSON_ENCODE_ANY);

	buf_adds(out, "{\"object\":\"list\",\"data\":[");
	for (size_t i = 0; i < r->n; i++) {
		buf_addf(out, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", i == 0 ? "" : ",", i);
		add_vector(out, vectors + i * width, width, r->base64);
		buf_addc(out, '}');
	}
	buf_addf(out, "],\"model\":%s,\"usage\":{\"prompt_tokens\":%zu,\"total_tokens\":%zu}}", model, tokens, tokens);
	free(model);
	json_decref(name);
}
