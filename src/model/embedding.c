/* embedding.c - texts to vectors, and passages into order: by the local encoder, or by who else the settings name. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "model/models_inner.h"
#include "model/vectors.h"

enum { SHOWN = 60 }; /* characters of a text in a sentence */

static bool encoder_ready(struct models *m, struct error *err)
{
	if (m->encoder)
		return true;
	const struct kernels *kernels = kernels_choose(false, err);
	struct buf path = { 0 };

	if (!kernels)
		return false;
	models_encoder_folder(m, &path);
	if (file_exists(buf_text(&path)))
		m->encoder = encoder_open(buf_text(&path), kernels, m->pool, err);
	else
		error_set(err, "%s: no such encoder; `rung model ls` lists what is there, `rung model add FOLDER` links one", buf_text(&path));
	buf_release(&path);
	return m->encoder != NULL;
}

void models_encoder_folder(const struct models *m, struct buf *path)
{
	buf_addf(path, "%s/%s", m->folder, m->encoder_name);
}

const char *models_encoder_name(const struct models *m)
{
	return m->encoder_name;
}

uint64_t models_encoder_hash(struct models *m, struct error *err)
{
	return encoder_ready(m, err) ? encoder_fingerprint(m->encoder) : 0;
}

const struct model_asker *models_ask_through(struct models *m, const struct model_asker *asker)
{
	const struct model_asker *before = m->asker;

	m->asker = asker;
	return before;
}

static bool ask(struct models *m, const char *name, const struct model_request *requests, size_t n, struct arena *arena, const char **texts,
		struct error *err)
{
	if (m->asker)
		return m->asker->ask(m->asker->context, name, requests, n, arena, texts, err);
	struct model *model = model_open(m, name, err);
	struct model_reply *replies = arena_array(arena, n, sizeof(*replies));

	if (!model || !model_ask(model, arena, requests, n, replies, NULL, err))
		return false;
	for (size_t i = 0; i < n; i++)
		texts[i] = replies[i].status == MODEL_OK ? replies[i].text : NULL;
	return true;
}

/* ---- embeddings of a provider ---- */

/* Requests of `each` texts. */
static struct model_request *list_requests(const char *const *texts, size_t n, size_t each, struct arena *arena, size_t *n_requests)
{
	struct message *messages = arena_array(arena, n, sizeof(*messages));
	struct model_request *requests;

	*n_requests = (n + each - 1) / each;
	requests = arena_array(arena, *n_requests, sizeof(*requests));
	for (size_t i = 0; i < n; i++)
		messages[i] = (struct message){ MESSAGE_USER, texts[i] };
	for (size_t i = 0; i < *n_requests; i++)
		requests[i] = (struct model_request){ .messages = messages + i * each, .n_messages = n - i * each < each ? n - i * each : each,
						      .want = WANT_VECTORS };
	return requests;
}

static void to_unit_length(const float *v, size_t width, float *out)
{
	double square = 0;

	for (size_t i = 0; i < width; i++)
		square += (double)v[i] * (double)v[i];
	for (size_t i = 0; i < width; i++)
		out[i] = square > 0 ? (float)((double)v[i] / sqrt(square)) : 0;
}

/* It was one text that could not be read, and no reply says which: the longest is named. */
static bool is_too_long(const struct models *m, const struct model_request *request, struct error *err)
{
	const char *text = request->messages[0].text;

	for (size_t i = 1; i < request->n_messages; i++)
		if (strlen(request->messages[i].text) > strlen(text))
			text = request->messages[i].text;
	return error_set(err, "embedding \"%s\": cannot read a text of the task, \"%.*s...\", which may be longer than it takes; shorten it",
			 m->embedding, (int)text_first(text, strlen(text), SHOWN), text);
}

/* What the reply to a request says, to out (n_messages, width); out NULL: only the width is wanted. */
static bool take_vectors(struct models *m, const struct model_request *request, const char *text, struct arena *arena, float *out,
			 struct error *err)
{
	float *rows;
	size_t width;

	if (!text)
		return is_too_long(m, request, err);
	if (!vectors_read(text, request->n_messages, arena, &rows, &width))
		return error_set(err, "embedding \"%s\": what it replied is not one vector for each text; does the server have embeddings?",
				 m->embedding);
	if (m->width && width != m->width)
		return error_set(err, "embedding \"%s\": a vector has %zu numbers where others have %zu; the model behind that name has changed", m->embedding,
				 width, m->width);
	m->width = width;
	for (size_t i = 0; out && i < request->n_messages; i++)
		to_unit_length(rows + i * width, width, out + i * width);
	return true;
}

static bool embed_elsewhere(struct models *m, const char *const *texts, size_t n, float *out, struct error *err)
{
	struct arena arena;
	size_t n_requests;
	bool good;

	arena_init(&arena);
	struct model_request *requests = list_requests(texts, n, MODEL_TEXTS, &arena, &n_requests);
	const char **replies = arena_array(&arena, n_requests, sizeof(*replies));

	good = ask(m, m->embedding, requests, n_requests, &arena, replies, err);
	for (size_t i = 0; i < n_requests && good; i++)
		good = take_vectors(m, &requests[i], replies[i], &arena, out ? out + i * MODEL_TEXTS * m->width : NULL, err);
	arena_release(&arena);
	return good;
}

bool models_embed_ahead(struct models *m, const char *const *texts, size_t n, struct error *err)
{
	struct arena arena;
	size_t n_requests;

	if (!m->embedding || !m->asker || n < 2)
		return true;
	arena_init(&arena);
	struct model_request *requests = list_requests(texts, n, 1, &arena, &n_requests);
	bool good = ask(m, m->embedding, requests, n_requests, &arena, arena_array(&arena, n_requests, sizeof(const char *)), err);

	arena_release(&arena);
	return good;
}

/* ---- by whoever it is ---- */

size_t models_embedding_width(struct models *m, struct error *err)
{
	static const char *const anything = "width";

	if (!m->embedding)
		return encoder_ready(m, err) ? encoder_width(m->encoder) : 0;
	return m->width || embed_elsewhere(m, &anything, 1, NULL, err) ? m->width : 0;
}

const char *models_embedding_name(const struct models *m)
{
	return m->embedding ? model_behind(m->embedding) : m->encoder_name;
}

bool models_embeds_here(const struct models *m)
{
	return !m->embedding;
}

uint64_t models_embedding_hash(struct models *m, struct error *err)
{
	uint64_t width;

	if (!m->embedding)
		return models_encoder_hash(m, err);
	width = models_embedding_width(m, err);
	const char *name = model_behind(m->embedding);

	return width ? hash64(name, strlen(name), width) : 0;
}

size_t models_embedding_tokens(struct models *m, const char *text, size_t n)
{
	struct error err;

	return encoder_ready(m, &err) ? encoder_tokens(m->encoder, text, n) : 0;
}

size_t models_embedding_limit(struct models *m)
{
	struct error err;

	return !m->embedding && encoder_ready(m, &err) ? encoder_limit(m->encoder) : 0;
}

bool models_embed(struct models *m, const char *const *texts, size_t n, float *out, struct error *err)
{
	if (m->embedding)
		return models_embedding_width(m, err) && embed_elsewhere(m, texts, n, out, err);
	if (!encoder_ready(m, err))
		return false;
	encoder_embed(m->encoder, texts, n, out, NULL);
	return true;
}

/* ---- order ---- */

static bool read_scores(const char *text, size_t n, double *scores)
{
	json_t *array = text ? json_loads(text, 0, NULL) : NULL;
	bool good = json_array_size(array) == n;

	for (size_t i = 0; i < n && good; i++) {
		good = json_is_number(json_array_get(array, i));
		scores[i] = json_number_value(json_array_get(array, i));
	}
	json_decref(array);
	return good;
}

bool models_rerank(struct models *m, const char *query, const char *const *texts, size_t n, double *scores, struct error *err)
{
	struct arena arena;
	const char *reply;

	if (!m->rerank)
		return error_set(err, "nobody puts passages into order; name a model under `rerank:`");
	arena_init(&arena);
	struct message *messages = arena_array(&arena, n + 1, sizeof(*messages));
	struct model_request request = { .messages = messages, .n_messages = n + 1, .want = WANT_ORDER };

	messages[0] = (struct message){ MESSAGE_USER, query };
	for (size_t i = 0; i < n; i++)
		messages[i + 1] = (struct message){ MESSAGE_USER, texts[i] };
	bool good = n == 0 || (ask(m, m->rerank, &request, 1, &arena, &reply, err) &&
			       (read_scores(reply, n, scores) || error_set(err, "rerank \"%s\": what it replied is not one score for each passage",
									   m->rerank)));

	arena_release(&arena);
	return good;
}
