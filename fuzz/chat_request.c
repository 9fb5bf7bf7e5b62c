/* Any bytes as a request for a completion, for embeddings, and as feedback: read, or refused with a sentence that is JSON when it is sent. */
#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "serve/feedback.h"
#include "serve/texts.h"

static void is_text(const char *text)
{
	size_t bad;

	assert(text && text_valid(text, strlen(text), &bad));
}

static void is_refusal(const struct chat_fault *f)
{
	struct buf out = { 0 };

	assert(f->status >= 400 && f->status <= 599 && f->message && *f->message);
	chat_write_fault(f, &out);
	json_t *said = json_loadb(out.data, out.n, 0, NULL);

	assert(json_is_object(json_object_get(said, "error")));
	json_decref(said);
	buf_release(&out);
}

static void read_chat(const char *body, size_t n, struct arena *arena)
{
	struct chat_request r;
	struct chat_fault fault = { 0 };
	struct model_request asked;

	if (!chat_read(body, n, arena, &r, &fault)) {
		is_refusal(&fault);
		return;
	}
	is_text(r.model);
	is_text(r.input);
	if (r.subject)
		is_text(r.subject);
	if (!chat_read_prompt(body, n, arena, &asked, &fault)) {
		is_refusal(&fault);
		return;
	}
	assert(asked.n_messages > 0 && asked.max_tokens > 0);
	for (size_t i = 0; i < asked.n_messages; i++)
		is_text(asked.messages[i].text);
	const struct chat_reply reply = { .id = "chatcmpl-x", .model = r.model, .text = r.input, .finish = "stop", .task = r.model, .variant = "v", .verdict = "w",
					  .status = "answered", .probability = NAN, .usd = NAN };
	struct buf out = { 0 };

	chat_write(&reply, &out);
	json_t *said = json_loadb(out.data, out.n, 0, NULL);

	assert(strcmp(json_string_value(json_object_get(said, "model")), r.model) == 0);
	json_decref(said);
	buf_release(&out);
}

static void read_texts(const char *body, size_t n, struct arena *arena)
{
	struct texts_request r;
	struct chat_fault fault = { 0 };

	if (!texts_read(body, n, arena, &r, &fault)) {
		is_refusal(&fault);
		return;
	}
	assert(r.n >= 1 && r.n <= TEXTS_MOST);
	is_text(r.model);
	for (size_t i = 0; i < r.n; i++)
		is_text(r.texts[i]);
}

static void read_feedback(const char *body, size_t n, struct arena *arena)
{
	struct served_feedback f = { 0 };
	struct chat_fault fault = { 0 };

	if (!feedback_read(body, n, arena, &f, &fault)) {
		is_refusal(&fault);
		return;
	}
	is_text(f.call);
	is_text(f.name);
	assert(isnan(f.value) == (f.text != NULL) && (isnan(f.value) || (f.value >= 0 && f.value <= 1)));
	if (f.text)
		is_text(f.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *body = malloc(size + 1);
	struct arena arena;

	memcpy(body, data, size);
	body[size] = '\0'; /* as exchange_body() has it */
	arena_init(&arena);
	read_chat(body, size, &arena);
	read_texts(body, size, &arena);
	read_feedback(body, size, &arena);
	arena_release(&arena);
	free(body);
	return 0;
}
