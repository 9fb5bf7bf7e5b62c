/* wire_texts.c - embeddings in OpenAI's form, and rerank as Cohere and Jina have it: what is the same for all who serve them. */
#include <math.h>
#include <stdlib.h>

#include "base/text.h"
#include "model/vectors.h"
#include "model/wire_inner.h"

static json_t *repaired(const char *text)
{
	struct buf whole = { 0 };

	text_repair(&whole, text, strlen(text));
	json_t *made = json_stringn(buf_text(&whole), whole.n);

	buf_release(&whole);
	return made;
}

/* No dimensions, no encoding: not every server takes them. */
void wire_texts_request(const struct model_request *r, const char *model, struct buf *body)
{
	bool order = r->want == WANT_ORDER;
	json_t *root = json_pack("{s:s}", "model", model), *texts = json_array();

	for (size_t i = order; i < r->n_messages; i++)
		json_array_append_new(texts, repaired(r->messages[i].text));
	if (order)
		json_object_set_new(root, "query", repaired(r->messages[0].text));
	json_object_set_new(root, order ? "documents" : "input", texts);
	wire_dump(root, body);
}

/* Jina counts tokens in `usage` alone as total_tokens; Cohere counts searches, which are no tokens. */
static void read_usage(const json_t *root, struct wire_usage *u)
{
	const json_t *usage = json_object_get(root, "usage");
	size_t input = wire_count(usage, "prompt_tokens"), total = wire_count(usage, "total_tokens");

	*u = (struct wire_usage){ .input = input ? input : total, .known = json_is_object(usage) };
}

static size_t index_of(const json_t *row, size_t n)
{
	const json_t *index = json_object_get(row, "index");

	return json_is_integer(index) && json_integer_value(index) >= 0 && (size_t)json_integer_value(index) < n ?
		       (size_t)json_integer_value(index) : n;
}

/* One vector into its place; false: it is none, or not as wide as the others. */
static bool take_vector(const json_t *row, size_t n, size_t width, float *rows)
{
	const json_t *numbers = json_object_get(row, "embedding"), *number;
	size_t at = index_of(row, n), i;

	if (at == n || json_array_size(numbers) != width)
		return false;
	json_array_foreach(numbers, i, number) {
		if (!json_is_number(number) || !isfinite((float)json_number_value(number)))
			return false;
		rows[at * width + i] = (float)json_number_value(number);
	}
	return true;
}

static bool read_vectors(const struct model_request *r, const json_t *root, struct buf *out)
{
	const json_t *data = json_object_get(root, "data"), *row;
	size_t n = r->n_messages, width = json_array_size(json_object_get(json_array_get(data, 0), "embedding")), taken = 0, i;

	if (width == 0 || json_array_size(data) != n)
		return false;
	float *rows = mem_zero(n * width, sizeof(*rows));
	bool *seen = mem_zero(n, sizeof(*seen));

	json_array_foreach(data, i, row)
		if (take_vector(row, n, width, rows)) {
			taken += !seen[index_of(row, n)];
			seen[index_of(row, n)] = true;
		}
	if (taken == n)
		vectors_write(rows, n, width, out);
	free(rows);
	free(seen);
	return taken == n;
}

/* Those that a server leaves out, since it returns the best alone, have nothing to do with the query. */
static bool read_order(const struct model_request *r, const json_t *root, struct buf *out)
{
	const json_t *results = json_object_get(root, "results"), *row;
	size_t n = r->n_messages - 1, taken = 0, i;
	double *scores = mem_zero(n + 1, sizeof(*scores)), least = 0;
	bool *seen = mem_zero(n + 1, sizeof(*seen));

	json_array_foreach(results, i, row) {
		const json_t *score = json_object_get(row, "relevance_score");
		size_t at = index_of(row, n);

		if (at == n || !json_is_number(score) || seen[at])
			continue;
		scores[at] = json_number_value(score);
		least = fmin(least, scores[at]);
		seen[at] = true;
		taken++;
	}
	for (i = 0; i < n; i++)
		buf_addf(out, "%c%.9g", i ? ',' : '[', seen[i] ? scores[i] : least - 1);
	buf_adds(out, n ? "]" : "[]");
	free(scores);
	free(seen);
	return taken > 0 && taken == json_array_size(results);
}

void wire_texts_reply(const struct model_request *r, const char *body, size_t n, struct arena *arena, struct wire_reply *out)
{
	json_t *root = wire_json(body, n);
	struct buf text = { 0 };
	bool order = r->want == WANT_ORDER, good;

	*out = (struct wire_reply){ .status = WIRE_BROKEN };
	read_usage(root, &out->usage);
	good = order ? read_order(r, root, &text) : read_vectors(r, root, &text);
	if (good) {
		out->status = WIRE_OK;
		out->text = arena_copy(arena, buf_text(&text), text.n);
	} else {
		out->why = order ? "the reply is not a score for each passage" : "the reply is not an embedding of each text";
	}
	buf_release(&text);
	json_decref(root);
}
