/* gazetteer.c - fields without a model: strings that the pool's answers hold for a field and that stand in the input are copied,
 * the longest first, each place of the input once; the other fields are those of the most similar example. Its enums also say
 * which strings to look for: those of fields that some example with the same enums has (a booking has no album). */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "schema/filling.h"
#include "variant/lookup.h"

/* A string that the pool has in a field. */
struct entry {
	const char *field; /* keys from the root, each behind a slash; elements of an array share their array's */
	const char *words; /* normal form */
	const char *value; /* as the first example writes it */
	size_t n, count;   /* bytes of words; examples that have it */
};

struct gazetteer {
	struct entry *entries; /* (n), in the order in which they are looked for */
	size_t n, capacity;
	struct hash_map by_name; /* field and words */
	struct hash_map fields;  /* enums and field of every example, one behind the other */
};

/* What an answer is made of. */
struct parts {
	struct validator *validator;
	struct buf field;  /* while it is read */
	struct buf enums;  /* every enum's field and value */
	json_t *strings;   /* [field, value] of every other string */
};

static void add_part(struct parts *p, const json_t *schema, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY);

	if (json_object_get(schema, "enum"))
		buf_addf(&p->enums, "%s=%s ", buf_text(&p->field), text);
	else if (json_is_string(value) && validator_has_type(schema, "string"))
		json_array_append_new(p->strings, json_pack("[s, O]", buf_text(&p->field), value));
	free(text);
}

/* Adds what the value holds; the field is what it was afterwards. */
static void add_parts(struct parts *p, const json_t *schema, const json_t *value)
{
	size_t before = p->field.n, i;
	const char *key;
	json_t *one;

	schema = validator_follow(p->validator, schema);
	add_part(p, schema, value);
	json_array_foreach(value, i, one)
		add_parts(p, json_object_get(schema, "items"), one);
	json_object_foreach((json_t *)(uintptr_t)value, key, one) {
		buf_addf(&p->field, "/%s", key);
		add_parts(p, json_object_get(json_object_get(schema, "properties"), key), one);
		p->field.n = before;
		p->field.data[before] = 0;
	}
}

static struct parts parts_of(const struct task *task, const json_t *answer)
{
	struct parts p = { .validator = task->validator, .strings = json_array() };

	add_parts(&p, validator_schema(task->validator), answer);
	return p;
}

static void parts_release(struct parts *p)
{
	buf_release(&p->field);
	buf_release(&p->enums);
	json_decref(p->strings);
}

static void add_entry(struct workshop *w, const char *field, const char *value)
{
	struct gazetteer *g = w->gazetteer;
	struct buf words = { 0 };

	text_normalise(&words, value, strlen(value));
	const char *name = arena_printf(&w->arena, "%s/%s", field, buf_text(&words));
	size_t at = words.n > 0 ? hash_map_put(&g->by_name, name, strlen(name), g->n) : 0;

	if (words.n > 0 && at == g->n) {
		if (g->n == g->capacity) {
			g->capacity = g->capacity ? g->capacity * 2 : 64;
			g->entries = mem_resize(g->entries, g->capacity, sizeof(*g->entries));
		}
		g->entries[g->n++] = (struct entry){ arena_string(&w->arena, field), name + strlen(field) + 1,
						     arena_string(&w->arena, value), words.n, 0 };
	}
	if (words.n > 0)
		g->entries[at].count++;
	buf_release(&words);
}

static void add_answer(struct workshop *w, const char *text)
{
	json_t *answer = json_loads(text, 0, NULL), *string;
	struct parts p = parts_of(w->task, answer);
	size_t i;

	json_array_foreach(p.strings, i, string) {
		const char *field = json_string_value(json_array_get(string, 0));
		const char *name = arena_printf(&w->arena, "%s%s", buf_text(&p.enums), field);

		hash_map_put(&w->gazetteer->fields, name, strlen(name), 1);
		add_entry(w, field, json_string_value(json_array_get(string, 1)));
	}
	parts_release(&p);
	json_decref(answer);
}

/* Longest first; of equally long ones the more frequent. */
static int by_length(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	int order = strcmp(x->words, y->words);

	return order ? order : strcmp(x->field, y->field);
}

static const struct gazetteer *gazetteer(struct workshop *w)
{
	struct item_list pool = w->task->pool.list;

	if (w->gazetteer)
		return w->gazetteer;
	w->gazetteer = mem_zero(1, sizeof(*w->gazetteer));
	for (size_t i = 0; i < pool.n; i++)
		add_answer(w, pool.items[i]->answer);
	if (w->gazetteer->n > 0)
		qsort(w->gazetteer->entries, w->gazetteer->n, sizeof(*w->gazetteer->entries), by_length);
	return w->gazetteer;
}

void gazetteer_free(struct gazetteer *g)
{
	if (!g)
		return;
	free(g->entries);
	hash_map_release(&g->by_name);
	hash_map_release(&g->fields);
	free(g);
}

/* What was found in an input. */
struct match {
	const struct entry *entry;
	size_t start;
};

struct matches {
	struct match *at; /* (n) in the order of the input */
	size_t n;
};

/* Marks the bytes and says whether all of them were free. */
static bool claim(bool *taken, size_t start, size_t n)
{
	for (size_t i = start; i < start + n; i++)
		if (taken[i])
			return false;
	memset(taken + start, true, n);
	return true;
}

static int by_start(const void *a, const void *b)
{
	const struct match *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static bool goes_with(const struct gazetteer *g, const char *enums, const struct entry *e, struct arena *arena)
{
	const char *name = arena_printf(arena, "%s%s", enums, e->field);

	return hash_map_get(&g->fields, name, strlen(name), 0) != 0;
}

/* Every entry that goes with the enums and stands in the normalised text where no earlier one does. */
static void find_matches(const struct gazetteer *g, const char *enums, const struct buf *text, struct arena *arena,
			 struct matches *m)
{
	bool *taken = arena_array(arena, text->n + 1, sizeof(*taken));

	m->at = arena_array(arena, text->n + 1, sizeof(*m->at));
	for (size_t i = 0; i < g->n; i++) {
		const struct entry *e = &g->entries[i];
		const char *p = text_find_words(buf_text(text), e->words);

		if (!p || !goes_with(g, enums, e, arena))
			continue;
		for (; p; p = text_find_words(p + e->n, e->words))
			if (claim(taken, (size_t)(p - text->data), e->n))
				m->at[m->n++] = (struct match){ e, (size_t)(p - text->data) };
	}
	if (m->n > 0)
		qsort(m->at, m->n, sizeof(*m->at), by_start);
}

/* The strings found for the field; the longest comes first when only one is wanted. */
static json_t *found_strings(void *matches, const char *field, bool all)
{
	const struct matches *m = matches;
	json_t *list = json_array();
	size_t longest = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct entry *e = m->at[i].entry;

		if (strcmp(e->field, field) != 0)
			continue;
		if (all || e->n > longest)
			json_array_insert_new(list, all ? json_array_size(list) : 0, json_string(e->value));
		longest = e->n > longest ? e->n : longest;
	}
	return list;
}

bool gazetteer_answer(struct workshop *w, const struct lookup *l, const struct example *item, struct arena *arena,
		      struct answer *answer, struct error *err)
{
	const struct example *nearest = lookup_nearest(w, item, arena, err);
	struct matches m = { 0 };
	struct filling f = { .validator = w->task->validator, .strings = found_strings, .finder = &m };
	struct buf text = { 0 }, out = { 0 };

	(void)l;
	if (!nearest)
		return false;
	json_t *known = json_loads(nearest->answer, 0, NULL);
	struct parts p = parts_of(w->task, known);
	const char *input = workshop_text(w, arena, item);

	text_normalise(&text, input, strlen(input));
	find_matches(gazetteer(w), buf_text(&p.enums), &text, arena, &m);
	parts_release(&p);
	filling_write(&f, known, &out);
	*answer = (struct answer){ .text = arena_copy(arena, out.data, out.n), .status = "answered" };
	json_decref(known);
	buf_release(&text);
	buf_release(&out);
	return true;
}
