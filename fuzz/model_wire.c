/* Any bytes as a reply, as an event of a stream and as an error, in both forms, and as embeddings and orders: read, refused or left out, and
 * never beyond their end. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/vectors.h"
#include "model/wire.h"

static const char *const labels[] = { "spam", "work", "personal" };

static const struct message texts[] = { { MESSAGE_USER, "x" }, { MESSAGE_USER, "y" }, { MESSAGE_USER, "z" } };

/* Embeddings of three texts, and an order of two: a reply that is taken reads back as that. */
static void read_texts(const char *body, size_t n, struct arena *arena)
{
	struct model_request r = { .messages = texts, .n_messages = 3, .want = WANT_VECTORS };
	struct wire_reply reply;
	size_t width;
	float *rows;

	wire_openai.reply(&r, body, n, arena, &reply);
	assert((reply.status == WIRE_OK) == (reply.text != NULL));
	if (reply.text) {
		assert(vectors_read(reply.text, 3, arena, &rows, &width) && width > 0);
		assert(!vectors_read(reply.text, 2, arena, &rows, &width) && !vectors_read(reply.text, 4, arena, &rows, &width));
	}
	r.want = WANT_ORDER;
	wire_openai.reply(&r, body, n, arena, &reply);
	assert((reply.status == WIRE_OK) == (reply.text != NULL));
	assert(!reply.text || (reply.text[0] == '[' && strchr(reply.text, ',') && reply.text[strlen(reply.text) - 1] == ']'));
	if (vectors_read(body, 2, arena, &rows, &width)) {
		struct buf again = { 0 };

		assert(strlen(body) >= 2 * width * sizeof(*rows));
		vectors_write(rows, 2, width, &again);
		buf_release(&again);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct message turn = { MESSAGE_USER, "x" };
	const struct wire *w;
	struct model_request r = { .messages = &turn, .n_messages = 1, .choices = labels, .n_choices = 3, .schema = "{}" };
	struct wire_stream s = { 0 };
	struct wire_reply reply;
	struct wire_error error;
	const char *const *names;
	struct arena arena;
	char *body;

	if (size == 0)
		return 0;
	w = data[0] & 1 ? &wire_anthropic : &wire_openai;
	r.want = (enum model_want)(data[0] / 2 % 3);
	body = malloc(size);
	memcpy(body, data + 1, size - 1);
	body[size - 1] = '\0';
	arena_init(&arena);
	w->reply(&r, body, size - 1, &arena, &reply);
	assert(reply.status != WIRE_OK || reply.text);
	assert(!reply.text || !reply.why || reply.status != WIRE_OK);
	read_texts(body, size - 1, &arena);
	w->event(&s, "message", body, size - 1);
	assert(s.n_before <= s.text.n);
	wire_stream_end(&s, &r, &arena, &reply);
	wire_stream_release(&s);
	w->error(400 + data[0], body, size - 1, &arena, &error);
	assert(error.message);
	for (size_t i = w->models(body, size - 1, &arena, &names); i > 0; i--)
		assert(names[i - 1]);
	struct wire_batch_state state;
	struct wire_batch_result result;

	if (w->batch->state(body, size - 1, &arena, &state))
		assert(!state.results[0] || !strstr(state.results[0], ".."));
	if (w->batch->result(body, size - 1, &arena, &result))
		assert(result.id && strlen(result.body) == result.n);
	arena_release(&arena);
	free(body);
	return 0;
}
