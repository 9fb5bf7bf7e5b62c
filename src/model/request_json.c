/* request_json.c - a request as one text, by which its reply is found again */
#include <jansson.h>
#include <stdlib.h>

#include "model/model.h"

/* Greedy calls say nothing of sampling. */
static void add_sampling(json_t *root, const struct model_sampling *s)
{
	if (!(s->temperature > 0))
		return;
	json_t *sampling = json_pack("{s:f, s:I}", "temperature", s->temperature, "seed", (json_int_t)s->seed);

	if (s->top_k > 0)
		json_object_set_new(sampling, "top_k", json_integer((json_int_t)s->top_k));
	if (s->top_p > 0)
		json_object_set_new(sampling, "top_p", json_real(s->top_p));
	if (s->min_p > 0)
		json_object_set_new(sampling, "min_p", json_real(s->min_p));
	json_object_set_new(root, "sampling", sampling);
}

static void add_stop(json_t *root, const struct model_request *r)
{
	json_t *stop = json_array();

	for (size_t i = 0; i < r->n_stop; i++)
		json_array_append_new(stop, json_string(r->stop[i]));
	if (r->n_stop > 0)
		json_object_set(root, "stop", stop);
	json_decref(stop);
}

bool request_is_of_texts(const struct model_request *r)
{
	return r->want == WANT_VECTORS || r->want == WANT_ORDER;
}

const char *model_request_json(struct arena *arena, const struct model_request *r)
{
	static const char *const roles[] = { "system", "user", "assistant" };
	static const char *const wants[] = { "text", "json", "scores", "vectors", "order" };
	json_t *messages = json_array(), *choices = json_array();

	for (size_t i = 0; i < r->n_messages; i++)
		json_array_append_new(messages, json_pack("{s:s, s:s}", "role", roles[r->messages[i].role], "content",
							  r->messages[i].text));
	for (size_t i = 0; i < r->n_choices; i++)
		json_array_append_new(choices, json_string(r->choices[i]));
	json_t *root = json_pack("{s:o, s:s, s:o, s:I}", "messages", messages, "want", wants[r->want], "choices", choices,
				 "max_tokens", (json_int_t)(r->want == WANT_SCORES ? 0 : r->max_tokens));
	if (r->schema)
		json_object_set_new(root, "schema", json_string(r->schema)); /* as text: not a digit of it is lost */
	add_sampling(root, &r->sampling);
	add_stop(root, r);
	if (r->repeat > 0)
		json_object_set_new(root, "repeat", json_integer((json_int_t)r->repeat));
	if (r->max_context > 0)
		json_object_set_new(root, "max_context", json_integer((json_int_t)r->max_context));
	char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(15));
	const char *copy = arena_string(arena, text);

	free(text);
	json_decref(root);
	return copy;
}
