/* structure.c - a document's blocks and origins as the store keeps them: {"blocks": [[kind, level, start, end], ...],
 * "origins": [[text, source, page], ...]}. */
#include <jansson.h>

#include "base/buf.h"
#include "retrieve/library_inner.h"

const char *structure_write(const struct document *d, struct arena *arena)
{
	struct buf out = { 0 };

	buf_adds(&out, "{\"blocks\":[");
	for (size_t i = 0; i < d->n_blocks; i++) {
		const struct block *b = &d->blocks[i];

		buf_addf(&out, "%s[%d,%u,%zu,%zu]", i ? "," : "", (int)b->kind, b->level, b->start, b->end);
	}
	buf_adds(&out, "],\"origins\":[");
	for (size_t i = 0; i < d->n_origins; i++)
		buf_addf(&out, "%s[%zu,%zu,%u]", i ? "," : "", d->origins[i].text, d->origins[i].source, d->origins[i].page);
	buf_adds(&out, "]}");
	const char *json = arena_copy(arena, out.data, out.n);

	buf_release(&out);
	return json;
}

/* The whole numbers of an array of n. */
static bool numbers_read(const json_t *row, size_t n, size_t *numbers)
{
	if (json_array_size(row) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		const json_t *x = json_array_get(row, i);

		if (!json_is_integer(x) || json_integer_value(x) < 0)
			return false;
		numbers[i] = (size_t)json_integer_value(x);
	}
	return true;
}

static bool blocks_read(const json_t *rows, struct arena *arena, struct document *d)
{
	struct block *blocks = arena_array(arena, json_array_size(rows), sizeof(*blocks));
	size_t x[4];

	d->blocks = blocks;
	d->n_blocks = json_array_size(rows);
	for (size_t i = 0, behind = 0; i < d->n_blocks; i++) {
		if (!numbers_read(json_array_get(rows, i), 4, x) || x[0] > BLOCK_TABLE || x[2] < behind || x[3] < x[2] || x[3] > d->n)
			return false;
		blocks[i] = (struct block){ (enum block_kind)x[0], (unsigned)x[1], x[2], x[3] };
		behind = x[3];
	}
	return json_is_array(rows);
}

static bool origins_read(const json_t *rows, struct arena *arena, struct document *d)
{
	struct origin *origins = arena_array(arena, json_array_size(rows), sizeof(*origins));
	size_t x[3];

	d->origins = origins;
	d->n_origins = json_array_size(rows);
	for (size_t i = 0; i < d->n_origins; i++) {
		if (!numbers_read(json_array_get(rows, i), 3, x))
			return false;
		origins[i] = (struct origin){ x[0], x[1], (unsigned)x[2] };
	}
	return json_is_array(rows);
}

bool structure_read(const char *json, const char *name, struct arena *arena, struct document *d, struct error *err)
{
	json_t *root = json_loads(json, 0, NULL);
	bool ok = root && blocks_read(json_object_get(root, "blocks"), arena, d) &&
		  origins_read(json_object_get(root, "origins"), arena, d);

	json_decref(root);
	return ok || error_set(err, "%s: its stored structure cannot be read; add the document again", name);
}
