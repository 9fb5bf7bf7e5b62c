/* model.c - names to engines, and what is loaded. Another engine is a row in `engines`. */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "model/endpoint.h"
#include "model/models_inner.h"
#include "model/recorded.h"
#include "model/remote_inner.h"
#include "model/registry.h"

const char *const model_status_names[] = { "ok", "truncated", "refused", "timeout", "error" };

struct model {
	char *name;
	const struct model_engine *engine;
	void *state; /* the engine's */
	struct model *next;
};

static const struct model_engine *const engines[] = { &model_engine_local, &model_engine_remote, &model_engine_recorded };

_Static_assert(sizeof(engines) / sizeof(engines[0]) == ENGINES, "one state an engine");

const char models_default_encoder[] = "all-MiniLM-L6-v2";

static const char *encoder_of(const char *embedding)
{
	const char *name = embedding ? registry_encoder(embedding) : NULL;

	return name ? name : models_default_encoder;
}

struct models *models_open(const char *folder, const struct model_settings *settings)
{
	struct models *m = mem_zero(1, sizeof(*m));

	m->folder = mem_string(folder);
	m->settings = *settings;
	m->settings.tuned = m->tuned = settings->tuned ? mem_string(settings->tuned) : NULL;
	m->settings.task = m->task = settings->task ? mem_string(settings->task) : NULL;
	m->encoder_name = mem_string(encoder_of(settings->embedding));
	m->settings.embedding = m->embedding = settings->embedding && !registry_is_local(settings->embedding) ? mem_string(settings->embedding) : NULL;
	m->settings.rerank = m->rerank = settings->rerank ? mem_string(settings->rerank) : NULL;
	m->pool = pool_open(settings->threads);
	for (size_t i = 0; i < ENGINES; i++)
		m->started[i] = engines[i]->start(m->folder, &m->settings, m->pool);
	return m;
}

void models_free(struct models *m)
{
	if (!m)
		return;
	while (m->loaded) {
		struct model *next = m->loaded->next;

		free(m->loaded->name);
		free(m->loaded);
		m->loaded = next;
	}
	for (size_t i = 0; i < ENGINES; i++)
		engines[i]->stop(m->started[i]);
	encoder_free(m->encoder);
	pool_free(m->pool);
	free(m->folder);
	free(m->tuned);
	free(m->task);
	free(m->encoder_name);
	free(m->embedding);
	free(m->rerank);
	free(m);
}

int models_threads(const struct models *m)
{
	return pool_threads(m->pool);
}

const char *models_folder(const struct models *m)
{
	return m->folder;
}

size_t models_max_context(const struct models *m)
{
	return m->settings.max_context;
}

struct model *model_open(struct models *m, const char *name, struct error *err)
{
	for (struct model *p = m->loaded; p; p = p->next)
		if (strcmp(p->name, name) == 0)
			return p;
	for (size_t i = 0; i < ENGINES; i++) {
		if (!engines[i]->serves(name))
			continue;
		void *state = engines[i]->open(m->started[i], name, err);

		if (!state)
			return NULL;
		struct model *model = mem_zero(1, sizeof(*model));

		*model = (struct model){ mem_string(name), engines[i], state, m->loaded };
		m->loaded = model;
		return model;
	}
	error_set(err, "model \"%s\": is none of local, local:NAME (with +ADAPTER behind it if it has one), tuned:NAME:vN, openai:NAME, "
		  "anthropic:NAME, URL#NAME, recorded:FILE#MODEL", name);
	return NULL;
}

const char *model_name(const struct model *m)
{
	return m->name;
}

bool model_is_local(const struct model *m)
{
	return m->engine == &model_engine_local;
}

bool model_is_elsewhere(const char *name)
{
	return endpoint_is(name);
}

bool model_leaves(const char *name)
{
	return endpoint_leaves(name);
}

bool model_takes_texts(const char *name)
{
	return endpoint_takes_texts(name) || (recorded_is(name) && recorded_model(name));
}

bool model_is_tuned_elsewhere(const char *name)
{
	return endpoint_is_tuned(model_behind(name));
}

const char *model_behind(const char *name)
{
	const char *recorded = recorded_is(name) ? recorded_model(name) : NULL;

	return recorded ? recorded : name;
}

bool model_ask(struct model *m, struct arena *arena, const struct model_request *requests, size_t n,
	       struct model_reply *replies, const struct model_watch *watch, struct error *err)
{
	return n == 0 || m->engine->ask(m->state, arena, requests, n, replies, watch, err);
}

struct remote_model *remote_of(struct model *m)
{
	return m->engine == &model_engine_remote ? m->state : NULL;
}

bool model_takes_batches(const struct model *m)
{
	return m->engine == &model_engine_remote;
}

size_t model_batch_most(const struct model *m)
{
	const struct remote_model *remote = m->state;

	return remote->endpoint.wire->batch->most;
}

bool model_has_answered(const struct model *m, enum model_want want)
{
	const struct remote_model *remote = m->state;

	return remote->known >> want & 1;
}

unsigned model_lacks(const struct model *m)
{
	const struct remote_model *remote = m->state;

	return remote->lacks;
}

void model_knows_lacks(struct model *m, unsigned lacks)
{
	struct remote_model *remote = m->state;

	for (unsigned lack = 1; lack <= lacks; lack <<= 1)
		if (lacks & lack)
			remote_learn(remote, (enum wire_lack)lack);
}

bool model_learnt(const struct model *m, unsigned *lacks, unsigned *known)
{
	const struct remote_model *remote = m->engine == &model_engine_remote ? m->state : NULL;

	*lacks = remote ? remote->lacks & LACKS_KEPT : 0;
	*known = remote ? remote->known : 0;
	if (remote && remote->lacks & (LACKS_APART | LACKS_FIRST))
		*known &= ~(1u << WANT_SCORES);
	return *lacks || *known;
}

void model_remember(struct model *m, unsigned lacks, unsigned known)
{
	struct remote_model *remote = remote_of(m);

	if (!remote)
		return;
	remote->lacks = 0;
	remote->known = known;
	model_knows_lacks(m, lacks & LACKS_KEPT);
}

bool model_batch_send(struct model *m, const struct model_request *requests, const char *const *ids, size_t n, struct buf *name,
		      bool *unnamed, struct error *err)
{
	return remote_batch_send(m->state, requests, ids, n, name, unnamed, err);
}

bool model_batch_look(struct model *m, const char *name, struct arena *arena, struct model_batch *out, struct error *err)
{
	return remote_batch_look(m->state, name, arena, out, err);
}

bool model_batch_results(struct model *m, const char *name, struct arena *arena, const struct model_results *to, struct error *err)
{
	return remote_batch_results(m->state, name, arena, to, err);
}

bool watch_replied(const struct model_watch *watch, size_t i, const struct model_reply *reply, struct error *err)
{
	return !watch || !watch->replied || watch->replied(watch->context, i, reply, err);
}

bool models_base_file(struct models *m, const char *name, struct buf *path, struct error *err)
{
	struct registry_files files = { 0 };
	bool found = registry_is_local(name) && !strchr(name, '+') ? registry_find(m->folder, name, &files, err) :
		     error_set(err, "model \"%s\": only a local decoder can be fine-tuned here; name local or local:NAME", name);

	if (found)
		buf_adds(path, buf_text(&files.base));
	registry_files_release(&files);
	return found;
}

struct pool *models_pool(struct models *m)
{
	return m->pool;
}

const char *models_tuned(const struct models *m)
{
	return m->tuned;
}
