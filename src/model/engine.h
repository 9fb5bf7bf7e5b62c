/* engine.h - what an engine provides to model.c. Private to src/model. */
#ifndef RUNG_MODEL_ENGINE_H
#define RUNG_MODEL_ENGINE_H

#include "base/pool.h"
#include "model/model.h"

struct model_engine {
	bool (*serves)(const char *name);
	void *(*open)(const char *name, const char *folder, const struct model_settings *settings, struct pool *pool,
		      struct error *err);
	void (*free)(void *state);
	bool (*ask)(void *state, struct arena *arena, const struct model_request *requests, size_t n,
		    struct model_reply *replies, struct error *err);
};

extern const struct model_engine model_engine_local;

#endif
