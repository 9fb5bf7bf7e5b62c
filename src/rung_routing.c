/* rung_routing.c - tasks and an embedding model of the router's own: its thread waits for no task's. */
#include "rung_routing.h"

#include <string.h>

#include "model/registry.h"

struct rung_routing {
	struct task **tasks; /* (n) */
	size_t n;
	struct models *models;
	struct router *router;
};

struct router *rung_routing_router(struct rung_routing *r)
{
	return r->router;
}

/* By the local model, whatever embeds for the tasks: what is routed leaves this machine only for who it is routed to. */
static struct models *open_models(const struct rung_options *options)
{
	struct model_settings settings = { .threads = options->threads };
	struct buf folder = { 0 };

	registry_folder(options->models, &folder);
	struct models *models = models_open(buf_text(&folder), &settings);

	buf_release(&folder);
	return models;
}

static bool open_tasks(struct rung_routing *r, const struct rung_serve_options *o, uint64_t seed, struct error *err)
{
	struct task_options options = { .seed = seed };

	r->tasks = mem_zero(o->n_tasks + 1, sizeof(*r->tasks));
	for (; r->n < o->n_tasks; r->n++) {
		if (!(r->tasks[r->n] = task_open(o->tasks[r->n], &options, err)))
			return false;
		if (strcmp(r->tasks[r->n]->name, "auto") == 0) {
			error_set(err, "%s: is called \"auto\", which the router answers to; give it another name", r->tasks[r->n++]->file);
			return false;
		}
	}
	return r->n > 0 || error_set(err, "there is no task to route to; name the folder of one");
}

static bool knows_default(const struct rung_routing *r, const struct rung_serve_options *o, struct error *err)
{
	bool known = !o->route_default;

	for (size_t i = 0; i < r->n && !known; i++)
		known = strcmp(r->tasks[i]->name, o->route_default) == 0;
	for (size_t i = 0; i < o->n_upstreams && !known; i++)
		known = strcmp(o->upstreams[i], o->route_default) == 0;
	return known || error_set(err, "default \"%s\": is neither one of these tasks by its name nor an --upstream", o->route_default);
}

/* What is like none of the tasks may still be one of theirs. */
static bool keeps_private(const struct rung_routing *r, const struct rung_serve_options *o, struct error *err)
{
	bool task = false, kept = true;

	for (size_t i = 0; i < r->n; i++)
		task |= o->route_default && strcmp(r->tasks[i]->name, o->route_default) == 0;
	for (size_t i = 0; i < r->n && o->route_default && !task && kept; i++)
		if (r->tasks[i]->constraints.private && model_leaves(o->route_default))
			kept = error_set(err, "%s: says `private: true`, and inputs of it that are not known for such would be sent to %s; choose another default",
					 r->tasks[i]->file, o->route_default);
	return kept;
}

struct rung_routing *rung_routing_open(const struct rung_options *options, const struct rung_serve_options *o, struct error *err)
{
	struct rung_routing *r = mem_zero(1, sizeof(*r));

	if (open_tasks(r, o, options->seed, err) && knows_default(r, o, err) && keeps_private(r, o, err)) {
		r->models = open_models(options);
		r->router = router_open((const struct task *const *)r->tasks, r->n, r->models, err);
	}
	if (r->router)
		return r;
	rung_routing_close(r);
	error_prefix(err, "rung/auto");
	return NULL;
}

void rung_routing_close(struct rung_routing *r)
{
	if (!r)
		return;
	router_free(r->router);
	models_free(r->models);
	for (size_t i = 0; i < r->n; i++)
		task_free(r->tasks[i]);
	free(r->tasks);
	free(r);
}
