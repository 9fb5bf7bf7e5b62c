/* replayed.c - answers out of recorded outcomes (task/outcomes.h): what was said there becomes a call of the store, as if it had just come
 * back, and is read like any other reply. Nobody is asked. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "task/outcomes.h"
#include "variant/workshop.h"

/* What names the row; a file with other contents is another file. */
static const char *request_of(const struct outcomes_config *c, const char *item, struct arena *arena)
{
	char contents[17];

	snprintf(contents, sizeof(contents), "%016llx", (unsigned long long)c->contents);
	json_t *root = json_pack("{s:{s:s, s:s, s:s}}", "recorded", "config", c->name, "item", item, "contents", contents);
	char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
	const char *copy = arena_string(arena, text);

	free(text);
	json_decref(root);
	return copy;
}

static bool call_of(const struct outcomes_config *c, const char *item, struct arena *arena, struct call_row *call, struct error *err)
{
	struct outcome found;

	if (!outcomes_find(c, item, &found))
		return error_set(err, "%s has only what was recorded, and nothing of item \"%s\"", c->id, item);
	const char *request = request_of(c, item, arena);

	*call = (struct call_row){
		.model = c->model, .request = request, .request_hash = hash64(request, strlen(request), 0), .output = found.output, .status = "ok",
		.input_tokens = found.input_tokens, .output_tokens = found.output_tokens, .ms = isnan(found.ms) ? 0 : found.ms,
		.has_usd = !isnan(found.usd), .usd = isnan(found.usd) ? 0 : found.usd,
	};
	return true;
}

static bool store_calls_together(struct store *s, struct call_row *calls, size_t n, struct error *err)
{
	bool stored = !s || store_begin(s, err);

	for (size_t i = 0; s && stored && i < n; i++)
		stored = store_call_put(s, &calls[i], err);
	if (s && !(stored && store_commit(s, err))) {
		store_rollback(s);
		return false;
	}
	return stored;
}

bool replayed_answers(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n, struct arena *arena,
		      struct answer *answers, struct error *err)
{
	struct call_row *calls = arena_array(arena, n, sizeof(*calls));

	for (size_t i = 0; i < n; i++)
		if (!call_of(v->recorded, items[i]->id, arena, &calls[i], err))
			return false;
	if (!store_calls_together(w->store, calls, n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct call_row *c = &calls[i];
		struct evidence none = { 0 };

		answers[i] = (struct answer){ .status = "unparsed", .call = c->id, .ms = c->ms, .input_tokens = c->input_tokens,
					      .output_tokens = c->output_tokens };
		if (c->output)
			answers[i].status = answer_read(w->task, v, c, arena, &none, &answers[i].text);
	}
	return true;
}
