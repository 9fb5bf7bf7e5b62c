/* router.c - texts of examples and inputs, and their embeddings */
#include "serve/router.h"

#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "serve/router_others.h"
#include "task/template.h"
#include "variant/show.h"

static const double unlike_share = 0.02;

struct router {
	const struct task *const *tasks; /* (n) */
	size_t n, width;
	struct models *models;
	struct routes *routes;
};

/* Texts that are embedded together. */
struct texts {
	const char **text;
	size_t *kind;
	size_t n;
};

static struct texts texts_room(const struct router *r, struct arena *arena, size_t each)
{
	size_t most = (r->n + 1) * each;

	return (struct texts){ arena_array(arena, most, sizeof(char *)), arena_array(arena, most, sizeof(size_t)), 0 };
}

static bool add_examples(const struct router *r, size_t kind, struct item_list items, size_t most, struct arena *arena, struct texts *t,
			 struct error *err)
{
	const struct task *task = r->tasks[kind];
	struct template *input = template_compile(arena, task, task->input, "input", err);
	struct buf text = { 0 };

	for (size_t i = 0; input && i < items.n && i < most; i++) {
		buf_clear(&text);
		template_values(input, items.items[i], &text);
		t->text[t->n] = arena_string(arena, buf_text(&text));
		t->kind[t->n++] = kind;
	}
	buf_release(&text);
	return input != NULL;
}

static const float *embed(struct router *r, const struct texts *t, struct arena *arena, struct error *err)
{
	float *vectors = arena_array(arena, t->n * r->width + 1, sizeof(*vectors));

	return models_embed(r->models, t->text, t->n, vectors, err) ? vectors : NULL;
}

static void add_others(const struct router *r, struct texts *t)
{
	size_t n;
	const char *const *others = router_others(&n);

	for (size_t i = 0; i < n && i < ROUTER_KNOWN; i++) {
		t->text[t->n] = others[i];
		t->kind[t->n++] = r->n;
	}
}

static bool learn(struct router *r, struct arena *arena, struct error *err)
{
	struct texts known = texts_room(r, arena, ROUTER_KNOWN), held = texts_room(r, arena, ROUTER_HELD);

	for (size_t k = 0; k < r->n; k++)
		if (!add_examples(r, k, r->tasks[k]->pool.list, ROUTER_KNOWN, arena, &known, err) ||
		    !add_examples(r, k, r->tasks[k]->dev.list, ROUTER_HELD, arena, &held, err))
			return false;
	add_others(r, &known);
	const struct routes_texts of_pool = { embed(r, &known, arena, err), known.kind, known.n };
	const struct routes_texts of_dev = { of_pool.vectors ? embed(r, &held, arena, err) : NULL, held.kind, held.n };

	if (!of_dev.vectors)
		return false;
	r->routes = routes_learn(&of_pool, &of_dev, r->width, r->n, unlike_share);
	return true;
}

struct router *router_open(const struct task *const *tasks, size_t n, struct models *models, struct error *err)
{
	struct router *r = mem_zero(1, sizeof(*r));
	struct arena arena;

	*r = (struct router){ .tasks = tasks, .n = n, .models = models };
	arena_init(&arena);
	r->width = models_embedding_width(models, err);
	bool learnt = r->width > 0 && learn(r, &arena, err);

	arena_release(&arena);
	if (learnt)
		return r;
	router_free(r);
	return NULL;
}

void router_free(struct router *r)
{
	if (!r)
		return;
	routes_free(r->routes);
	free(r);
}

/* The texts of an object, one a line, as template_values() has those of an example; anything else is its own text. */
static const char *text_of(const char *input, struct arena *arena)
{
	json_t *root = input[0] == '{' ? json_loads(input, 0, NULL) : NULL, *value;
	struct buf text = { 0 };
	const char *key, *copy;

	if (!json_is_object(root)) {
		json_decref(root);
		return input;
	}
	json_object_foreach(root, key, value)
		if (json_is_string(value))
			buf_addf(&text, "%s%s", text.n > 0 ? "\n" : "", json_string_value(value));
	copy = arena_string(arena, buf_text(&text));
	buf_release(&text);
	json_decref(root);
	return copy;
}

bool router_find(struct router *r, const char *const *inputs, size_t n, struct route *out, struct error *err)
{
	struct arena arena;

	arena_init(&arena);
	struct texts t = { arena_array(&arena, n + 1, sizeof(char *)), NULL, n };
	bool *possible = arena_array(&arena, r->n + 1, sizeof(*possible));

	for (size_t i = 0; i < n; i++) {
		size_t bad;

		t.text[i] = text_valid(inputs[i], strlen(inputs[i]), &bad) ? text_of(inputs[i], &arena) : "";
	}
	const float *vectors = embed(r, &t, &arena, err);

	for (size_t i = 0; vectors && i < n; i++) {
		for (size_t k = 0; k < r->n; k++)
			possible[k] = ask_fits(r->tasks[k], inputs[i]);
		out[i] = routes_find(r->routes, vectors + i * r->width, possible);
	}
	arena_release(&arena);
	return vectors != NULL;
}

static void fill(const struct router *r, const struct route *route, struct question *q)
{
	q->text = route->unlike ? NULL : r->tasks[route->kind]->name;
	q->probability = route->probability;
	if (route->kind == r->n)
		q->why = "no task here takes such an input: plain text, or an object with the columns that a task asks for";
	else if (route->unlike)
		q->why = arena_printf(&q->arena, "the input is unlike what the tasks here are for (\"%s\" is the nearest); name one of them, \"rung/TASK\"",
				      r->tasks[route->kind]->name);
}

void router_answer(void *context, struct question *const *questions, size_t n)
{
	struct router *r = context;
	struct arena arena;
	struct error err;

	arena_init(&arena);
	const char **inputs = arena_array(&arena, n, sizeof(*inputs));
	struct route *routes = arena_array(&arena, n, sizeof(*routes));

	for (size_t i = 0; i < n; i++)
		inputs[i] = questions[i]->input;
	bool found = router_find(r, inputs, n, routes, &err);

	for (size_t i = 0; i < n; i++) {
		if (found)
			fill(r, &routes[i], questions[i]);
		else
			questions[i]->failed = arena_string(&questions[i]->arena, err.text);
	}
	arena_release(&arena);
}
