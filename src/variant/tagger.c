/* tagger.c - objects under the task's schema, said by a fine-tuned encoder: tags on the input's words and a class of each enum. */
#include "base/clock.h"
#include "variant/lookup.h"

const struct tagging *workshop_tagging(struct workshop *w)
{
	if (!w->tagging)
		w->tagging = tagging_new(w->task->validator);
	return w->tagging;
}

bool tagger_answers(struct workshop *w, struct tuned_tagger *t, const struct example *const *items, size_t n, struct arena *arena,
		    struct answer *answers, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		double start = clock_ms();
		const struct example *nearest = lookup_nearest(w, items[i], arena, err);
		struct buf out = { 0 };

		if (!nearest)
			return false;
		json_t *known = json_loads(nearest->answer, 0, NULL);
		struct filling filling = tagged_filling(tuned_tagger_read(t, workshop_text(w, arena, items[i])));

		filling_write(&filling, known, &out);
		answers[i] = (struct answer){ .text = arena_copy(arena, out.data, out.n), .status = "answered", .ms = clock_ms() - start };
		json_decref(known);
		buf_release(&out);
	}
	return true;
}
