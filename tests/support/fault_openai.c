/* fault_openai.c - OpenAI's chat completions, embeddings and list of models; rerank as Cohere and Jina have it. */
#include <ctype.h>
#include <math.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/sha256.h"
#include "fault.h"
#include "fault_state.h"

enum { PIECES = 1000, DIMENSIONS = 256, DIMENSIONS_MOST = 8192, WORDS = 4096 };

void make_bill(const struct request *q, struct reply *r, size_t input, size_t output)
{
	r->bill = (struct bill){ .due = true, .hash = q->hash, .input = input, .output = output };
	snprintf(r->bill.model, sizeof(r->bill.model), "%s", q->model);
}

/* Bytes of the text that a piece of a stream takes from `at`: a token, or more where there would be too many. */
size_t piece_of(const struct buf *text, size_t at)
{
	size_t n = text->n / PIECES > 4 ? text->n / PIECES : 4;

	if (at + n >= text->n)
		return text->n - at;
	while (at + n < text->n && ((unsigned char)text->data[at + n] & 0xC0) == 0x80)
		n++;
	return n;
}

static void add_usage(const struct request *q, const struct answer *a, struct buf *out)
{
	if (is_faulty(q, FAULT_NO_USAGE))
		return;
	buf_addf(out, ",\"usage\":{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,\"total_tokens\":%zu,"
		 "\"prompt_tokens_details\":{\"cached_tokens\":%zu,\"audio_tokens\":0},"
		 "\"completion_tokens_details\":{\"reasoning_tokens\":%zu,\"audio_tokens\":0,"
		 "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",
		 a->input, a->output, a->input + a->output, a->cache_read, a->reasoning);
}

static void add_message(const struct request *q, const struct prompt *p, const struct answer *a, struct buf *out)
{
	buf_adds(out, "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":");
	if (a->refused || is_faulty(q, FAULT_NULL_CONTENT))
		buf_adds(out, "null");
	else
		add_quoted(out, buf_text(&a->text), a->text.n);
	buf_adds(out, ",\"refusal\":");
	if (a->refused)
		add_quoted(out, buf_text(&a->text), a->text.n);
	else
		buf_adds(out, "null");
	buf_adds(out, ",\"annotations\":[]},\"logprobs\":");
	if (p->log_p) {
		buf_adds(out, "{\"content\":[");
		answer_log_p(q, p, a, out);
		buf_adds(out, "],\"refusal\":null}");
	} else {
		buf_adds(out, "null");
	}
	buf_addf(out, ",\"finish_reason\":\"%s\"}", a->finish);
}

static void add_start(const struct request *q, const char *object, size_t id, struct buf *out)
{
	buf_addf(out, "{\"id\":\"chatcmpl-%016zx\",\"object\":\"%s\",\"created\":%lld,\"model\":", id, object, (long long)time(NULL));
	add_quoted(out, q->model, strlen(q->model));
	buf_adds(out, ",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_test\",\"choices\":[");
}

static void whole(const struct request *q, const struct prompt *p, const struct answer *a, struct buf *out)
{
	add_start(q, "chat.completion", next_id(), out);
	if (!is_faulty(q, FAULT_EMPTY_CHOICES))
		add_message(q, p, a, out);
	buf_addc(out, ']');
	add_usage(q, a, out);
	buf_addc(out, '}');
}

/* One event; name and text: of the delta's member; NULL: none. */
static void add_event(const struct request *q, const struct prompt *p, size_t id, const char *name, const char *text, size_t n,
		      const char *finish, struct buf *out)
{
	buf_adds(out, "data: ");
	add_start(q, "chat.completion.chunk", id, out);
	if (!is_faulty(q, FAULT_EMPTY_CHOICES)) {
		buf_adds(out, "{\"index\":0,\"delta\":{");
		if (name) {
			buf_addf(out, "\"%s\":", name);
			if (text)
				add_quoted(out, text, n);
			else
				buf_adds(out, "null");
		}
		buf_addf(out, "},\"logprobs\":null,\"finish_reason\":%s%s%s}", finish ? "\"" : "", finish ? finish : "null",
			 finish ? "\"" : "");
	}
	buf_addf(out, "]%s}\n\n", p->stream_usage ? ",\"usage\":null" : "");
}

static void stream(const struct request *q, const struct prompt *p, const struct answer *a, struct buf *out)
{
	const char *name = a->refused ? "refusal" : "content";
	size_t id = next_id();

	add_event(q, p, id, "role\":\"assistant\",\"content", is_faulty(q, FAULT_NULL_CONTENT) || a->refused ? NULL : "", 0, NULL, out);
	for (size_t at = 0, n; at < a->text.n; at += n) {
		n = piece_of(&a->text, at);
		add_event(q, p, id, name, a->text.data + at, n, NULL, out);
	}
	add_event(q, p, id, NULL, NULL, 0, a->finish, out);
	if (p->stream_usage && !is_faulty(q, FAULT_NO_USAGE)) {
		buf_adds(out, "data: ");
		add_start(q, "chat.completion.chunk", id, out);
		buf_addc(out, ']');
		add_usage(q, a, out);
		buf_adds(out, "}\n\n");
	}
	buf_adds(out, "data: [DONE]\n\n");
}

void openai_chat(const struct request *q, const char *id, struct reply *r)
{
	struct prompt p;
	struct answer a;

	(void)id;
	if (json_array_size(json_object_get(q->root, "messages")) == 0) {
		error_reply(q, r, 400, "invalid_request_error", "messages", "missing_required_parameter",
			    "Missing required parameter: 'messages'.");
		return;
	}
	prompt_read(q, &p);
	answer_make(q, &p, &a);
	r->events = p.stream;
	(p.stream ? stream : whole)(q, &p, &a, &r->body);
	make_bill(q, r, a.input, a.output);
	buf_release(&p.last);
	buf_release(&a.text);
}

/* --- models ------------------------------------------------------------------------------------------------------------- */

static json_t *model_object(const struct request *q, const char *name)
{
	if (q->form == FORM_ANTHROPIC)
		return json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "model", "id", name, "display_name", name, "created_at",
				 "2025-01-01T00:00:00Z", "lifecycle", "active");
	return json_pack("{s:s, s:s, s:i, s:s}", "id", name, "object", "model", "created", 1735689600, "owned_by", "test");
}

void models_list(const struct request *q, const char *id, struct reply *r)
{
	static const char *const openai[] = { "gpt-test", "gpt-test-mini", "text-embedding-test", "rerank-test" };
	static const char *const anthropic[] = { "claude-test", "claude-test-mini" };
	bool other = q->form == FORM_ANTHROPIC;
	const char *const *names = other ? anthropic : openai;
	json_t *data = json_array(), *root;

	(void)id;
	for (size_t i = 0; i < (other ? 2 : 4); i++)
		json_array_append_new(data, model_object(q, names[i]));
	for (size_t i = 0; !other && tuned_model(i); i++)
		json_array_append_new(data, model_object(q, tuned_model(i)));
	root = other ? json_pack("{s:o, s:b, s:s, s:s}", "data", data, "has_more", 0, "first_id", names[0], "last_id", names[1]) :
		       json_pack("{s:s, s:o}", "object", "list", "data", data);
	add_json(&r->body, root);
}

void models_get(const struct request *q, const char *id, struct reply *r)
{
	add_json(&r->body, model_object(q, id));
}

/* --- embeddings ------------------------------------------------------------------------------------------------------------ */

/* The words of a text, as hashes. */
static size_t hash_words(const char *text, uint64_t *out, size_t most)
{
	size_t n = 0;

	while (*text && n < most) {
		uint64_t h = 0;
		size_t length = 0;

		for (; isalnum((unsigned char)text[length]) || (unsigned char)text[length] >= 0x80; length++) {
			char c = (char)tolower((unsigned char)text[length]);

			h = hash64(&c, 1, h);
		}
		if (length > 0)
			out[n++] = h;
		text += length + (text[length] != '\0');
	}
	return n;
}

/* The sum of a vector for each word, of length 1: texts with the same words are near. */
static void embed(const char *text, float *v, size_t dimensions)
{
	uint64_t words[WORDS];
	size_t n = hash_words(text, words, WORDS);
	double square = 0;

	memset(v, 0, dimensions * sizeof(*v));
	words[n] = n > 0 ? words[n] : 1;
	for (size_t i = 0; i < (n > 0 ? n : 1); i++) {
		uint64_t state = n > 0 ? words[i] : 1;

		for (size_t k = 0; k < dimensions; k++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			v[k] += (float)((double)(state >> 33) / 1073741824.0 - 1);
		}
	}
	for (size_t k = 0; k < dimensions; k++)
		square += (double)v[k] * (double)v[k];
	for (size_t k = 0; k < dimensions; k++)
		v[k] = (float)((double)v[k] / sqrt(square));
}

static void add_vector(struct buf *out, const float *v, size_t dimensions, bool base64)
{
	if (base64) {
		buf_addc(out, '"');
		base64_add(out, (const uint8_t *)v, dimensions * sizeof(*v));
		buf_addc(out, '"');
		return;
	}
	for (size_t i = 0; i < dimensions; i++)
		buf_addf(out, "%c%.9g", i ? ',' : '[', (double)v[i]);
	buf_addc(out, ']');
}

void openai_embeddings(const struct request *q, const char *id, struct reply *r)
{
	const json_t *input = json_object_get(q->root, "input"), *asked = json_object_get(q->root, "dimensions");
	bool one = json_is_string(input) || json_is_integer(json_array_get(input, 0));
	size_t n = one ? 1 : json_array_size(input), dimensions = asked ? (size_t)json_integer_value(asked) : DIMENSIONS, tokens = 0;
	float *v;

	(void)id;
	if (n == 0 || dimensions == 0 || dimensions > DIMENSIONS_MOST) {
		error_reply(q, r, 400, "invalid_request_error", n == 0 ? "input" : "dimensions", NULL,
			    "'$.%s' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.",
			    n == 0 ? "input" : "dimensions");
		return;
	}
	v = mem_alloc(dimensions * sizeof(*v));
	buf_adds(&r->body, "{\"object\":\"list\",\"data\":[");
	for (size_t i = 0; i < n; i++) {
		const json_t *part = one ? input : json_array_get(input, i);
		char *text = json_is_string(part) ? mem_string(json_string_value(part)) : json_dumps(part, JSON_COMPACT | JSON_ENCODE_ANY);

		tokens += json_is_string(part) ? tokens_of(strlen(text)) : json_array_size(part);
		embed(text, v, dimensions);
		buf_addf(&r->body, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", i ? "," : "", i);
		add_vector(&r->body, v, dimensions, strcmp(text_of(q->root, "encoding_format"), "base64") == 0);
		buf_addc(&r->body, '}');
		free(text);
	}
	free(v);
	buf_adds(&r->body, "],\"model\":");
	add_quoted(&r->body, q->model, strlen(q->model));
	if (!is_faulty(q, FAULT_NO_USAGE))
		buf_addf(&r->body, ",\"usage\":{\"prompt_tokens\":%zu,\"total_tokens\":%zu}", tokens, tokens);
	buf_addc(&r->body, '}');
	make_bill(q, r, tokens, 0);
}

/* --- rerank ---------------------------------------------------------------------------------------------------------------- */

struct ranked {
	size_t i;
	double score;
};

static int by_score(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return (x->i > y->i) - (x->i < y->i);
}

/* The share of the query's words that the document has. */
static double shared_words(const uint64_t *query, size_t n, const char *text)
{
	uint64_t words[WORDS];
	size_t n_words = hash_words(text, words, WORDS), shared = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n_words; k++)
			if (query[i] == words[k]) {
				shared++;
				break;
			}
	return n ? (double)shared / (double)n : 0;
}

static const char *document_text(const json_t *document)
{
	return json_is_string(document) ? json_string_value(document) : text_of(document, "text");
}

void rerank(const struct request *q, const char *id, struct reply *r)
{
	const json_t *documents = json_object_get(q->root, "documents"), *top = json_object_get(q->root, "top_n");
	const char *query = text_of(q->root, "query");
	size_t n = json_array_size(documents), most = top ? (size_t)json_integer_value(top) : n, tokens = tokens_of(strlen(query));
	struct ranked *ranked = mem_zero(n + 1, sizeof(*ranked));
	uint64_t words[WORDS];
	size_t n_words = hash_words(query, words, WORDS);
	json_t *results = json_array();

	(void)id;
	for (size_t i = 0; i < n; i++) {
		const char *text = document_text(json_array_get(documents, i));

		ranked[i] = (struct ranked){ i, shared_words(words, n_words, text) };
		tokens += tokens_of(strlen(text));
	}
	qsort(ranked, n, sizeof(*ranked), by_score);
	for (size_t i = 0; i < n && i < most; i++) {
		const char *text = document_text(json_array_get(documents, ranked[i].i));
		json_t *result = json_pack("{s:I, s:f}", "index", (json_int_t)ranked[i].i, "relevance_score", ranked[i].score);

		if (json_is_true(json_object_get(q->root, "return_documents")))
			json_object_set_new(result, "document", json_pack("{s:s}", "text", text));
		json_array_append_new(results, result);
	}
	add_json(&r->body, json_pack("{s:s, s:s, s:o, s:{s:I, s:I}, s:{s:{s:i}}}", "id", "rerank-test", "model", q->model, "results",
				     results, "usage", "total_tokens", (json_int_t)tokens, "prompt_tokens", (json_int_t)tokens, "meta",
				     "billed_units", "search_units", 1));
	make_bill(q, r, tokens, 0);
	free(ranked);
}
