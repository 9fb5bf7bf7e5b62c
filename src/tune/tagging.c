/* tagging.c - the schema's leaves, answers to tags and classes, and back. */
#include "tune/tagging.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* A schema whose objects refer to each other in several ways has more leaves than anyone means. */
enum { MOST_FIELDS = 1000 };

/* --- leaves of the schema ------------------------------------------------------------------------------------------ */

struct leaves {
	struct tagging *g;
	struct buf field;
	size_t depth;
};

static bool full(const struct tagging *g)
{
	return g->n_strings + g->n_choices + g->untagged >= MOST_FIELDS;
}

static void add_string(struct leaves *l, bool list)
{
	struct tagging *g = l->g;

	g->strings[g->n_strings++] = (struct tagged_string){ arena_string(&g->arena, buf_text(&l->field)), list };
}

/* A choice that has one class says nothing. */
static void add_choice(struct leaves *l, json_t *values, bool optional)
{
	struct tagging *g = l->g;

	if (json_array_size(values) + optional > 1)
		g->choices[g->n_choices++] = (struct tagged_choice){ arena_string(&g->arena, buf_text(&l->field)), values, optional };
	else
		json_decref(values);
}

/* The values that a part lists, or true and false; NULL: it lists none. */
static json_t *listed(const json_t *schema)
{
	json_t *values = json_object_get(schema, "enum"), *constant = json_object_get(schema, "const");

	if (values)
		return json_incref(values);
	if (constant)
		return json_pack("[O]", constant);
	if (!validator_has_type(schema, "boolean") || validator_has_type(schema, "string"))
		return NULL;
	return validator_has_type(schema, "null") ? json_pack("[b, b, n]", 1, 0) : json_pack("[b, b]", 1, 0);
}

static void add_leaves(struct leaves *l, const json_t *schema, bool optional)
{
	struct tagging *g = l->g;
	json_t *properties, *property, *values;
	size_t before = l->field.n;
	const char *key;

	schema = validator_follow(g->validator, schema);
	properties = json_object_get(schema, "properties");
	values = listed(schema);
	if (full(g)) {
		json_decref(values);
	} else if (values) {
		add_choice(l, values, optional);
	} else if (properties && l->depth < FILLING_DEPTH) {
		l->depth++;
		json_object_foreach(properties, key, property) {
			buf_addf(&l->field, "/%s", key);
			add_leaves(l, property, optional || !validator_requires(schema, key));
			l->field.n = before;
			l->field.data[before] = 0;
		}
		l->depth--;
	} else if (validator_has_type(schema, "string")) {
		add_string(l, false);
	} else if (validator_has_type(schema, "array") &&
		   validator_has_type(validator_follow(g->validator, json_object_get(schema, "items")), "string")) {
		add_string(l, true);
	} else {
		g->untagged++;
	}
}

struct tagging *tagging_new(struct validator *v)
{
	struct tagging *g = mem_zero(1, sizeof(*g));
	struct leaves l = { .g = g };

	arena_init(&g->arena);
	g->validator = v;
	g->strings = arena_array(&g->arena, MOST_FIELDS, sizeof(*g->strings));
	g->choices = arena_array(&g->arena, MOST_FIELDS, sizeof(*g->choices));
	add_leaves(&l, validator_schema(v), false);
	buf_release(&l.field);
	g->n_tags = g->n_strings ? 1 + 2 * g->n_strings : 0;
	g->heads = arena_array(&g->arena, g->n_choices + 1, sizeof(*g->heads));
	for (size_t i = 0; i < g->n_strings; i++)
		hash_map_put(&g->by_field, g->strings[i].field, strlen(g->strings[i].field), 1 + i);
	for (size_t i = 0; i < g->n_choices; i++) {
		g->n_classes += g->heads[i] = json_array_size(g->choices[i].values) + g->choices[i].optional;
		hash_map_put(&g->by_field, g->choices[i].field, strlen(g->choices[i].field), 1 + g->n_strings + i);
	}
	return g;
}

void tagging_free(struct tagging *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n_choices; i++)
		json_decref(g->choices[i].values);
	hash_map_release(&g->by_field);
	arena_release(&g->arena);
	free(g);
}

json_t *tagging_json(const struct tagging *g)
{
	json_t *tags = json_array(), *choices = json_object();

	if (g->n_tags)
		json_array_append_new(tags, json_string("O"));
	for (size_t i = 0; i < g->n_strings; i++) {
		json_array_append_new(tags, json_sprintf("B-%s", g->strings[i].field));
		json_array_append_new(tags, json_sprintf("I-%s", g->strings[i].field));
	}
	for (size_t i = 0; i < g->n_choices; i++) {
		json_t *values = json_copy(g->choices[i].values);

		if (g->choices[i].optional)
			json_array_append_new(values, json_null());
		json_object_set_new(choices, g->choices[i].field, values);
	}
	return json_pack("{s:o, s:o}", "tags", tags, "choices", choices);
}

/* --- leaves of an answer ------------------------------------------------------------------------------------------- */

/* Calls fn for every value of the answer that is of a string's field or a choice's. */
struct visit {
	const struct tagging *g;
	struct buf field;
	void (*fn)(void *context, size_t at, const json_t *value); /* at: as by_field has it */
	void *context;
};

static void visit_values(struct visit *v, const json_t *value)
{
	size_t at = hash_map_get(&v->g->by_field, buf_text(&v->field), v->field.n, 0), before = v->field.n, i;
	const char *key;
	json_t *one;

	if (at && (at > v->g->n_strings || json_is_string(value))) {
		v->fn(v->context, at - 1, value);
		return;
	}
	json_array_foreach(value, i, one)
		visit_values(v, one);
	json_object_foreach((json_t *)(uintptr_t)value, key, one) {
		buf_addf(&v->field, "/%s", key);
		visit_values(v, one);
		v->field.n = before;
		v->field.data[before] = 0;
	}
}

static void visit_answer(const struct tagging *g, const json_t *answer, void (*fn)(void *context, size_t at, const json_t *value),
			 void *context)
{
	struct visit v = { .g = g, .fn = fn, .context = context };

	visit_values(&v, answer);
	buf_release(&v.field);
}

struct classing {
	const struct tagging *g;
	size_t *classes;
};

static void note_class(void *context, size_t at, const json_t *value)
{
	const struct classing *c = context;
	size_t choice = at - c->g->n_strings, i;
	json_t *one;

	if (at < c->g->n_strings)
		return;
	json_array_foreach(c->g->choices[choice].values, i, one)
		if (json_equal(one, value))
			c->classes[choice] = i;
}

void tagging_classes(const struct tagging *g, const json_t *answer, size_t *classes)
{
	struct classing c = { g, classes };

	for (size_t i = 0; i < g->n_choices; i++) /* left out; where it must be there, it is noted below */
		classes[i] = g->choices[i].optional ? json_array_size(g->choices[i].values) : 0;
	visit_answer(g, answer, note_class, &c);
}

/* --- where values stand -------------------------------------------------------------------------------------------- */

struct wanted {
	size_t field, order, n;
	const char *value; /* without white space at its ends */
};

struct wishes {
	struct wanted *at;
	size_t n, capacity, n_strings;
};

static void note_wish(void *context, size_t at, const json_t *value)
{
	struct wishes *w = context;
	const char *text = json_string_value(value);

	if (at >= w->n_strings)
		return;
	size_t n = json_string_length(value);

	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\n' || text[n - 1] == '\t' || text[n - 1] == '\r'))
		n--;
	for (; n > 0 && (*text == ' ' || *text == '\n' || *text == '\t' || *text == '\r'); n--)
		text++;
	if (n == 0) /* nothing to find */
		return;
	if (w->n == w->capacity) {
		w->capacity = w->capacity ? w->capacity * 2 : 16;
		w->at = mem_resize(w->at, w->capacity, sizeof(*w->at));
	}
	w->at[w->n] = (struct wanted){ at, w->n, n, text };
	w->n++;
}

static int longest_first(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Appends a character in lower case, white space as one space. */
static void fold_one(struct buf *out, const char *text, size_t n, uint32_t c)
{
	if (!text_is_space(c))
		text_lower(out, text, n);
	else if (out->n == 0 || out->data[out->n - 1] != ' ')
		buf_addc(out, ' ');
}

static void fold(struct buf *out, const char *text, size_t n)
{
	for (size_t i = 0, length; i < n; i += length) {
		uint32_t c;

		length = text_decode(text + i, n - i, &c);
		fold_one(out, text + i, length, c);
	}
}

/* Bytes of text that are the value in lower case and white space as folded; 0: it does not begin with it. */
static size_t folded_length(const char *text, size_t n, const struct buf *value, struct buf *room)
{
	size_t i = 0, length;

	buf_clear(room);
	for (; i < n && room->n < value->n; i += length) {
		uint32_t c;

		length = text_decode(text + i, n - i, &c);
		fold_one(room, text + i, length, c);
		if (room->n > value->n || memcmp(room->data, value->data, room->n) != 0)
			return 0;
	}
	return room->n == value->n ? i : 0;
}

struct place {
	size_t first, end; /* words */
};

/* The words from `first` on that end at that byte and have no tag. */
static bool free_words(const struct token_word *words, size_t n, size_t first, size_t to, const int32_t *tags, struct place *out)
{
	size_t i = first;

	for (; i < n && words[i].from < to; i++)
		if (tags[i] != TAG_NONE)
			return false;
	*out = (struct place){ first, i };
	return i > first && words[i - 1].to == to;
}

static bool find_place(const char *text, const struct token_word *words, size_t n, const struct wanted *w, const int32_t *tags,
		       struct place *out)
{
	size_t length = strlen(text);
	struct buf value = { 0 }, room = { 0 };
	bool found = false;

	for (size_t i = 0; i < n && !found; i++)
		found = length - words[i].from >= w->n && memcmp(text + words[i].from, w->value, w->n) == 0 &&
			free_words(words, n, i, words[i].from + w->n, tags, out);
	fold(&value, w->value, w->n);
	for (size_t i = 0; i < n && !found; i++) {
		size_t taken = folded_length(text + words[i].from, length - words[i].from, &value, &room);

		found = taken > 0 && free_words(words, n, i, words[i].from + taken, tags, out);
	}
	buf_release(&value);
	buf_release(&room);
	return found;
}

void tagging_align(const struct tagging *g, const char *text, const struct token_word *words, size_t n, const json_t *answer,
		   int32_t *tags, struct tagging_count *count)
{
	struct wishes w = { .n_strings = g->n_strings };
	struct place place;

	memset(tags, 0, n * sizeof(*tags));
	visit_answer(g, answer, note_wish, &w);
	if (w.n > 0)
		qsort(w.at, w.n, sizeof(*w.at), longest_first);
	for (size_t i = 0; i < w.n; i++) {
		bool found = find_place(text, words, n, &w.at[i], tags, &place);

		*(found ? &count->found : &count->absent) += 1;
		for (size_t j = place.first; found && j < place.end; j++)
			tags[j] = (int32_t)(1 + 2 * w.at[i].field + (j > place.first));
	}
	free(w.at);
}

/* --- the best tags ------------------------------------------------------------------------------------------------- */

static size_t largest(const double *x, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		best = x[i] > x[best] ? i : best;
	return best;
}

void tagging_best(const struct tagging *g, const float *scores, size_t n, int32_t *tags)
{
	size_t k = g->n_tags, *from = mem_alloc((n * k + 1) * sizeof(*from));
	double *sums = mem_alloc((2 * k + 1) * sizeof(*sums)), *before = sums, *now = sums + k;

	for (size_t i = 0; i < n; i++) {
		size_t best = i > 0 ? largest(before, k) : 0;

		for (size_t t = 0; t < k; t++) {
			bool inside = t > 0 && t % 2 == 0;
			size_t last = inside && i > 0 ? (before[t] > before[t - 1] ? t : t - 1) : best;

			from[i * k + t] = last;
			now[t] = (i > 0 ? before[last] : inside ? -INFINITY : 0) + (double)scores[i * k + t];
		}
		double *swap = before;

		before = now;
		now = swap;
	}
	for (size_t i = n, t = n > 0 ? largest(before, k) : 0; i-- > 0; t = from[i * k + t])
		tags[i] = (int32_t)t;
	free(from);
	free(sums);
}

/* --- what was said ------------------------------------------------------------------------------------------------- */

void tagged_each(const struct tagged *t, void (*fn)(void *context, size_t field, const char *value, size_t n), void *context)
{
	for (size_t i = 0, end; i < t->n_words; i = end) {
		end = i + 1;
		if (t->tags[i] == TAG_NONE)
			continue;
		size_t field = (size_t)(t->tags[i] - 1) / 2;

		while (end < t->n_words && t->tags[end] == (int32_t)(2 + 2 * field))
			end++;
		fn(context, field, t->text + t->words[i].from, t->words[end - 1].to - t->words[i].from);
	}
}

struct collecting {
	size_t field;
	bool all;
	json_t *list;
};

static void collect(void *context, size_t field, const char *value, size_t n)
{
	const struct collecting *c = context;

	if (field == c->field && (c->all || json_array_size(c->list) == 0))
		json_array_append_new(c->list, json_stringn(value, n));
}

static json_t *values_of(const struct tagged *t, size_t field, bool all)
{
	struct collecting c = { field, all, json_array() };

	tagged_each(t, collect, &c);
	return c.list;
}

static json_t *find_strings(void *finder, const char *field, bool all)
{
	const struct tagged *t = finder;
	size_t at = hash_map_get(&t->tagging->by_field, field, strlen(field), 0);

	return at && at <= t->tagging->n_strings ? values_of(t, at - 1, all) : json_array();
}

static json_t *value_of(const struct tagged *t, size_t choice)
{
	return json_incref(json_array_get(t->tagging->choices[choice].values, t->classes[choice]));
}

static bool find_choice(void *finder, const char *field, json_t **value)
{
	const struct tagged *t = finder;
	size_t at = hash_map_get(&t->tagging->by_field, field, strlen(field), 0);

	if (at <= t->tagging->n_strings)
		return false;
	*value = value_of(t, at - 1 - t->tagging->n_strings);
	return true;
}

struct filling tagged_filling(struct tagged *t)
{
	return (struct filling){ .validator = t->tagging->validator, .strings = find_strings, .choice = find_choice, .finder = t };
}

json_t *tagged_parts(const struct tagged *t)
{
	json_t *out = json_object();

	for (size_t i = 0; i < t->tagging->n_strings; i++) {
		json_t *list = values_of(t, i, t->tagging->strings[i].list);

		if (json_array_size(list) > 0)
			json_object_set_new(out, t->tagging->strings[i].field, list);
		else
			json_decref(list);
	}
	for (size_t i = 0; i < t->tagging->n_choices; i++) {
		json_t *value = value_of(t, i);

		if (value)
			json_object_set_new(out, t->tagging->choices[i].field, value);
	}
	return out;
}

struct parting {
	const struct tagging *g;
	json_t *out;
};

static void note_part(void *context, size_t at, const json_t *value)
{
	const struct parting *p = context;
	const char *field = at < p->g->n_strings ? p->g->strings[at].field : p->g->choices[at - p->g->n_strings].field;
	json_t *list = json_object_get(p->out, field);

	if (at >= p->g->n_strings)
		json_object_set_new(p->out, field, json_incref((json_t *)(uintptr_t)value));
	else if (list)
		json_array_append_new(list, json_incref((json_t *)(uintptr_t)value));
	else
		json_object_set_new(p->out, field, json_pack("[O]", value));
}

json_t *tagging_parts(const struct tagging *g, const json_t *answer)
{
	struct parting p = { g, json_object() };

	visit_answer(g, answer, note_part, &p);
	return p.out;
}
