/* models_inner.h - a struct models, as model.c and embedding.c have it. Private to src/model. */
#ifndef RUNG_MODEL_MODELS_INNER_H
#define RUNG_MODEL_MODELS_INNER_H

#include "llm/encoder.h"
#include "model/engine.h"

enum { ENGINES = 3 };

struct models {
	char *folder, *tuned, *task;
	char *encoder_name;       /* of the local encoder, a folder in `folder` */
	char *embedding, *rerank; /* who else embeds and orders; NULL: the local encoder, nobody */
	struct model_settings settings;
	struct pool *pool;
	void *started[ENGINES];
	struct model *loaded;
	struct encoder *encoder;         /* the local one; NULL until needed */
	size_t width;                    /* of a provider's vectors; 0 until one came */
	const struct model_asker *asker; /* NULL: nobody stands between */
};

#endif
