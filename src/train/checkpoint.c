/* checkpoint.c - plain arrays in the order of the parameters; a file is read by the program, on the machine, that wrote it. */
#include "train/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

static const char magic[8] = "rungfit1";

struct header {
	char magic[8];
	struct fit_state state;
	uint64_t values, steps; /* of all parameters; learning rates so far */
};

static size_t values_of(const struct parameter *p)
{
	return p->rows * p->columns;
}

static size_t all_values(const struct parameters *ps)
{
	size_t n = 0;

	for (size_t i = 0; i < ps->n; i++)
		n += values_of(ps->at[i]);
	return n;
}

bool checkpoint_write(const char *path, const struct parameters *ps, const struct fit_state *state,
		      const struct fit_point *curve, struct error *err)
{
	struct header h = { .state = *state, .values = all_values(ps), .steps = ps->n_steps };
	struct file_write w;

	memcpy(h.magic, magic, sizeof(magic));
	if (!file_write_begin(&w, path, err))
		return false;
	file_write_put(&w, &h, sizeof(h));
	file_write_put(&w, curve, state->curve_n * sizeof(*curve));
	file_write_put(&w, ps->rates, ps->n_steps * sizeof(*ps->rates));
	for (size_t i = 0; i < ps->n; i++) {
		const struct parameter *p = ps->at[i];

		file_write_put(&w, p->value, values_of(p) * sizeof(float));
		file_write_put(&w, p->m, values_of(p) * sizeof(float));
		file_write_put(&w, p->v, values_of(p) * sizeof(float));
		if (p->by_rows)
			file_write_put(&w, p->moved, p->rows * sizeof(*p->moved));
	}
	return file_write_end(&w, err);
}

static bool get(FILE *f, void *to, size_t n)
{
	return fread(to, 1, n, f) == n;
}

static bool get_parameters(FILE *f, struct parameters *ps)
{
	for (size_t i = 0; i < ps->n; i++) {
		struct parameter *p = ps->at[i];
		size_t bytes = values_of(p) * sizeof(float);

		if (!get(f, p->value, bytes) || !get(f, p->m, bytes) || !get(f, p->v, bytes))
			return false;
		if (p->by_rows && !get(f, p->moved, p->rows * sizeof(*p->moved)))
			return false;
	}
	return true;
}

/* Whether the header's counts agree with each other and with the size of the file: nothing is allocated for damaged ones. */
static bool fits(FILE *f, const struct header *h, const struct parameters *ps)
{
	uint64_t bytes = sizeof(*h) + h->state.curve_n * sizeof(struct fit_point) + h->steps * sizeof(*ps->rates);
	struct stat status;

	for (size_t i = 0; i < ps->n; i++)
		bytes += 3 * values_of(ps->at[i]) * sizeof(float) + (ps->at[i]->by_rows ? ps->at[i]->rows * sizeof(uint32_t) : 0);
	return h->steps == h->state.step && h->state.curve_n <= h->steps && h->steps < (uint64_t)1 << 32 &&
	       (h->state.curve_n == 0 || h->state.kept < h->state.curve_n) && fstat(fileno(f), &status) == 0 &&
	       (uint64_t)status.st_size == bytes;
}

bool checkpoint_read(const char *path, struct parameters *ps, struct fit_state *state, struct fit_point **curve, bool *found,
		     struct error *err)
{
	FILE *f = fopen(path, "rbe");
	struct header h;

	*found = false;
	if (!f)
		return errno == ENOENT || error_set(err, "%s: cannot read: %s", path, strerror(errno));
	bool whole = get(f, &h, sizeof(h)) && memcmp(h.magic, magic, sizeof(magic)) == 0;

	if (whole && (h.state.fingerprint != state->fingerprint || h.values != all_values(ps))) {
		fclose(f);
		return true;
	}
	if (whole && fits(f, &h, ps)) {
		*curve = mem_resize(*curve, h.state.curve_n + 1, sizeof(**curve));
		ps->rates = mem_resize(ps->rates, h.steps + 1, sizeof(*ps->rates));
		ps->rates_room = h.steps + 1;
		ps->n_steps = h.steps;
		*found = get(f, *curve, h.state.curve_n * sizeof(**curve)) && get(f, ps->rates, h.steps * sizeof(*ps->rates)) &&
			 get_parameters(f, ps);
	}
	fclose(f);
	if (*found)
		*state = h.state;
	return *found || error_set(err, "%s: the checkpoint is damaged; remove it to train from the beginning", path);
}

bool values_write(const char *path, const struct parameters *ps, struct error *err)
{
	struct file_write w;

	if (!file_write_begin(&w, path, err))
		return false;
	for (size_t i = 0; i < ps->n; i++)
		file_write_put(&w, ps->at[i]->value, values_of(ps->at[i]) * sizeof(float));
	return file_write_end(&w, err);
}

bool values_read(const char *path, struct parameters *ps, struct error *err)
{
	FILE *f = fopen(path, "rbe");
	bool whole = f != NULL;

	for (size_t i = 0; whole && i < ps->n; i++)
		whole = get(f, ps->at[i]->value, values_of(ps->at[i]) * sizeof(float));
	if (f)
		fclose(f);
	return whole || error_set(err, "%s: the weights kept so far cannot be read; remove the checkpoint beside it to train from the "
				       "beginning", path);
}
