/* escalate.h - two variants answer as one: where the cheap one is sure its answer stands, and the strong one is asked for the others. */
#ifndef RUNG_VARIANT_ESCALATE_H
#define RUNG_VARIANT_ESCALATE_H

#include "variant/show.h"

struct escalation {
	const struct variant *cheap; /* NULL: the strong one answers alone */
	const struct variant *strong;
	double at;                   /* an answer of the cheap one stands from this probability on (decide/cascade.h) */
};

/* ask_variant_all() for the two; asked[i].by is who answered. */
bool escalate_all(struct workshop *w, const struct task *task, const struct escalation *e, struct asked *asked, size_t n, struct arena *arena,
		  struct error *err);

#endif
