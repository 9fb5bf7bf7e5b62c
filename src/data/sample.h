/* sample.h - calls drawn at random, to be labelled by people and tested on.
 *
 * A served input is a fair test item only if nobody's opinion of the answer had a part in its being chosen. So calls are drawn uniformly and
 * without looking, written to a file without what was answered, and taken only when every row has its label, or is said to have none. */
#ifndef RUNG_DATA_SAMPLE_H
#define RUNG_DATA_SAMPLE_H

#include "base/buf.h"
#include "base/hash.h"
#include "store/served.h"
#include "task/task.h"

#define SAMPLE_FILE "sample.csv" /* beside the store, until it is taken */
enum { SAMPLE_USUAL = 50 };

struct drawn {
	const char *call;
	uint64_t served_ms;
	const char *const *values; /* (n_columns) of the task */
	const char *input;         /* as curation sees items */
	const char *label;         /* a person's; "": not yet */
	const char *written;       /* collected_answer() made it */
	bool skipped;              /* no answer is right */
};
struct sample {
	struct drawn *list; /* in the order in which they were drawn */
	size_t n;
	size_t frame;    /* calls that it was drawn from */
	size_t labelled, skipped;
	size_t gone;     /* rows whose call is no longer in the log */
};

/* The ids of the calls in the file at path, as keys; they live in arena. No file: none. */
bool sample_calls(const char *path, struct arena *arena, struct hash_map *calls, struct error *err);
/* n calls (all where there are fewer) of those that were answered since a moment, whose texts are kept, that are inputs of the task and were
 * not drawn for it before. */
bool sample_draw(const struct task *task, struct served *served, uint64_t since_ms, size_t n, uint64_t seed, struct arena *arena,
		 struct sample *out, struct error *err);
bool sample_write(const struct sample *s, const char *path, struct error *err);
/* What people made of the file; a mistake is a sentence with its line. */
bool sample_read(const struct task *task, struct served *served, const char *path, struct arena *arena, struct sample *out, struct error *err);
/* Adds the labelled ones to the collected file, for test. All have to be labelled or skipped. */
bool sample_take(const struct task *task, const char *log, uint64_t now_ms, const struct sample *s, struct arena *arena, struct error *err);

#endif
