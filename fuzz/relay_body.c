/* Any bytes as a body that is passed on: what is taken is JSON with one model in it, and what goes out differs from it by that name alone, as
 * another parser sees it. And any bytes as a reply whose tokens are counted. */
#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "serve/relay_body.h"

static const char other[] = "the \"other\"\\ model";

static void pass_on(struct relay_body *b)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
	json_t *before = json_loadb(b->bytes, b->n, flags, NULL), *after;
	struct buf out = { 0 };

	assert(strcmp(json_string_value(json_object_get(before, "model")), b->model) == 0);
	assert(b->choices >= 1 && b->choices <= 1e9 && (isnan(b->most_output) || (b->most_output >= 0 && b->most_output <= 1e9)));
	relay_body_write(b, other, &out);
	after = json_loadb(out.data, out.n, flags, NULL);
	assert(strcmp(json_string_value(json_object_get(after, "model")), other) == 0);
	json_object_del(before, "model");
	json_object_del(after, "model");
	assert(json_equal(before, after));
	json_decref(before);
	json_decref(after);
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *body = malloc(size + 1);
	struct chat_fault fault = { 0 };
	struct relay_body b;
	struct arena arena;
	size_t input, output;

	memcpy(body, data, size);
	body[size] = '\0';
	arena_init(&arena);
	if (relay_body_find(body, size, &arena, &b)) {
		assert(b.from < b.to && b.to <= size);
		if (relay_body_check(&b, &arena, &fault))
			pass_on(&b);
		else
			assert(fault.status == 400 && fault.message);
	}
	for (int events = 0; events < 2; events++) {
		bool known = relay_usage(body, size, events, &input, &output);

		assert(known || (input == 0 && output == 0));
		assert(input <= 1e9 && output <= 1e9); /* a count below nothing would be given back to a key */
	}
	arena_release(&arena);
	free(body);
	return 0;
}
