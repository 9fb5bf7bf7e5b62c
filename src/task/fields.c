/* fields.c - leaves as texts, "path<US>type value", sorted and merged. */
#include "task/fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"

/* What two scalars share when they are equal, and no others do. */
static void append_scalar(struct buf *out, const json_t *value)
{
	size_t before;

	switch (json_typeof(value)) {
	case JSON_STRING:
		buf_addc(out, '"');
		before = out->n;
		text_normalise(out, json_string_value(value), json_string_length(value));
		if (out->n == before)
			buf_adds(out, json_string_value(value));
		return;
	case JSON_INTEGER:
	case JSON_REAL: /* adding 0 makes minus zero zero */
		buf_addf(out, "#%.15g", json_number_value(value) + 0.0);
		return;
	default:
		buf_addc(out, json_is_true(value) ? 't' : 'f');
	}
}

static bool same_scalar(const json_t *a, const json_t *b)
{
	struct buf x = { 0 }, y = { 0 };

	append_scalar(&x, a);
	append_scalar(&y, b);
	bool same = x.n == y.n && memcmp(x.data, y.data, x.n) == 0;

	buf_release(&x);
	buf_release(&y);
	return same;
}

static size_t members(const json_t *object)
{
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		n += !json_is_null(value);
	return n;
}

static bool same_objects(const json_t *a, const json_t *b)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)a, key, value)
		if (!json_is_null(value) && !fields_same(value, json_object_get(b, key)))
			return false;
	return members(a) == members(b);
}

/* Being the same is transitive, so any partner of an element is as good as another. */
static bool same_arrays(const json_t *a, const json_t *b)
{
	size_t n = json_array_size(a), found = 0;
	bool *taken = mem_zero(n + 1, sizeof(*taken));

	for (size_t i = 0; json_array_size(b) == n && i < n; i++)
		for (size_t k = 0; k < n; k++)
			if (!taken[k] && fields_same(json_array_get(a, i), json_array_get(b, k))) {
				taken[k] = true;
				found++;
				break;
			}
	free(taken);
	return json_array_size(b) == n && found == n;
}

bool fields_same(const json_t *a, const json_t *b)
{
	if (!a || !b || json_is_null(a) || json_is_null(b))
		return (!a || json_is_null(a)) && (!b || json_is_null(b));
	if (json_is_object(a) || json_is_object(b))
		return json_is_object(a) && json_is_object(b) && same_objects(a, b);
	if (json_is_array(a) || json_is_array(b))
		return json_is_array(a) && json_is_array(b) && same_arrays(a, b);
	return same_scalar(a, b);
}

struct leaves {
	struct arena arena;
	char **texts;
	size_t n, capacity;
};

static void add_leaf(struct leaves *l, const struct buf *path, const json_t *value)
{
	struct buf text = { 0 };

	buf_add(&text, path->data, path->n);
	buf_addc(&text, '\x1F'); /* no normal form and no key of a sane schema holds it */
	append_scalar(&text, value);
	if (l->n == l->capacity) {
		l->capacity = l->capacity ? l->capacity * 2 : 16;
		l->texts = mem_resize(l->texts, l->capacity, sizeof(*l->texts));
	}
	l->texts[l->n++] = arena_copy(&l->arena, text.data, text.n);
	buf_release(&text);
}

/* path: of the value; it is what it was afterwards. */
static void collect(struct leaves *l, struct buf *path, const json_t *value)
{
	size_t before = path->n, i;
	const char *key;
	json_t *one;

	if (!json_is_object(value) && !json_is_array(value)) {
		if (!json_is_null(value))
			add_leaf(l, path, value);
		return;
	}
	json_array_foreach(value, i, one) {
		buf_adds(path, "\x1F[");
		collect(l, path, one);
		path->n = before;
	}
	json_object_foreach((json_t *)(uintptr_t)value, key, one) {
		buf_addf(path, "\x1F%s", key);
		collect(l, path, one);
		path->n = before;
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct leaves leaves_of(const json_t *value)
{
	struct leaves l = { 0 };
	struct buf path = { 0 };

	buf_addc(&path, '$');
	collect(&l, &path, value);
	if (l.n > 0)
		qsort(l.texts, l.n, sizeof(*l.texts), by_text);
	buf_release(&path);
	return l;
}

static void leaves_release(struct leaves *l)
{
	arena_release(&l->arena);
	free(l->texts);
}

double fields_f1(const json_t *want, const json_t *got)
{
	struct leaves a = leaves_of(want), b = leaves_of(got);
	size_t common = 0;

	for (size_t i = 0, k = 0; i < a.n && k < b.n;) {
		int order = strcmp(a.texts[i], b.texts[k]);

		common += order == 0;
		i += order <= 0;
		k += order >= 0;
	}
	double score = a.n + b.n > 0 ? 2 * (double)common / (double)(a.n + b.n) : 1;

	leaves_release(&a);
	leaves_release(&b);
	return score;
}
