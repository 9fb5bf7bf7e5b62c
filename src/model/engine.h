/* engine.h - what an engine provides to model.c. Private to src/model. */
#ifndef RUNG_MODEL_ENGINE_H
#define RUNG_MODEL_ENGINE_H

#include "base/pool.h"
#include "model/model.h"

/* One of each belongs to a struct models, so that its models share what they have in common. */
struct model_engine {
	bool (*serves)(const char *name);
	/* Loads nothing yet. Borrows all three. */
	void *(*start)(const char *folder, const struct model_settings *settings, struct pool *pool);
	void (*stop)(void *engine); /* with all its models */
	void *(*open)(void *engine, const char *name, struct error *err);
	bool (*ask)(void *model, struct arena *arena, const struct model_request *requests, size_t n,
		    struct model_reply *replies, const struct model_watch *watch, struct error *err);
};

/* What happens to a request that is answered; true where nobody looks on. */
bool watch_replied(const struct model_watch *watch, size_t i, const struct model_reply *reply, struct error *err);

extern const struct model_engine model_engine_local, model_engine_remote, model_engine_recorded;

#endif
