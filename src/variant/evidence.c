/* evidence.c - quotes to places, and evidence to JSON and back. */
#include "variant/evidence.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "retrieve/sentence_rank.h"

bool evidence_names(const char *document, const char *id)
{
	const char *row = strrchr(document, '#'), *file = strrchr(document, '/');

	return strcmp(document, id) == 0 || (row && strcmp(row + 1, id) == 0) || (file && strcmp(file + 1, id) == 0);
}

static bool holds_answer(const struct passage *p, const struct example *item)
{
	for (size_t i = 0; i < item->n_gold_ids; i++)
		if (evidence_names(p->document, item->gold_ids[i]))
			return true;
	if (!item->gold || !item->gold[0])
		return false;
	/* Chunks may be cut through the gold passage: half of it is enough, and so is a chunk inside it. */
	size_t n = p->end - p->start, m = strlen(item->gold), half = m / 2 + text_first(item->gold + m / 2, m - m / 2, 1);

	/* Never by edits: where documents are alike, one of them says the same of something else. */
	return quote_locate(p->text, n, item->gold, m < QUOTE_BYTES ? m : QUOTE_BYTES).match <= QUOTE_NORMALISED ||
	       (n < m && memmem(item->gold, m, p->text, n)) || (half > 80 && memmem(p->text, n, item->gold, half)) ||
	       (m - half > 80 && memmem(p->text, n, item->gold + half, m - half));
}

void evidence_mark_gold(struct evidence *e, const struct example *item, struct arena *arena)
{
	bool *gold = arena_array(arena, e->n_passages + 1, sizeof(*gold));

	e->n_gold = item->n_gold_ids > 0 ? item->n_gold_ids : item->gold && item->gold[0] ? 1 : 0;
	if (e->n_gold == 0)
		return;
	for (size_t i = 0; i < e->n_passages; i++)
		gold[i] = holds_answer(&e->passages[i], item);
	e->gold = gold;
}

void evidence_relevant(const struct evidence *e, bool *relevant)
{
	for (size_t i = 0; i < e->n_passages; i++) {
		relevant[i] = e->gold && e->gold[i];
		for (size_t k = 0; k < i && relevant[i]; k++)
			relevant[i] = !(relevant[k] && strcmp(e->passages[k].document, e->passages[i].document) == 0);
	}
}

static void cite(struct evidence *e, struct citation *list, size_t passage, struct quote_place place, struct arena *arena)
{
	const struct passage *p = &e->passages[passage];

	list[e->n_citations++] = (struct citation){
		.passage = passage, .match = place.match, .start = p->start + place.start, .end = p->start + place.end,
		.text = arena_copy(arena, p->text + place.start, place.end - place.start),
	};
}

static struct quote_place locate_in(const struct passage *p, const char *quote)
{
	return quote_locate(p->text, p->end - p->start, quote, strlen(quote));
}

/* The passage that has the quote most exactly, of equals the named one, then the first; n_passages when none has. */
static size_t find_passage(const struct evidence *e, size_t named, const char *quote, struct quote_place *place)
{
	size_t best = named;

	*place = locate_in(&e->passages[named], quote);
	for (size_t i = 0; i < e->n_passages && place->match != QUOTE_EXACT; i++) {
		struct quote_place other = locate_in(&e->passages[i], quote);

		if (other.match < place->match) {
			*place = other;
			best = i;
		}
	}
	return place->match == QUOTE_FAILED ? e->n_passages : best;
}

void evidence_cite(struct evidence *e, const struct cited_answer *reply, struct arena *arena)
{
	struct citation *list = arena_array(arena, reply->n_citations + 1, sizeof(*list));

	for (size_t i = 0; i < reply->n_citations; i++) {
		const struct cited *c = &reply->citations[i];
		const struct passage *p = &e->passages[c->passage];
		struct quote_place place = { QUOTE_EXACT, 0, p->end - p->start, 0 };
		size_t at = c->passage;

		if (c->quote[0] || reply->parsed)
			at = find_passage(e, c->passage, c->quote, &place);
		if (at < e->n_passages)
			cite(e, list, at, place, arena);
		else
			e->failed++;
	}
	e->citations = list;
}

/* Widens a place to the sentence, or the run of sentences, that holds it. */
static struct quote_place whole_sentences(const struct passage *p, struct quote_place place, struct arena *arena)
{
	size_t n, i = 0;
	const struct span *spans = passage_sentences(p->text, p->end - p->start, arena, &n);

	while (i < n && spans[i].end <= place.start)
		i++;
	if (i == n)
		return place;
	place.start = spans[i].start < place.start ? spans[i].start : place.start;
	while (i + 1 < n && spans[i].end < place.end)
		i++;
	place.end = spans[i].end > place.end ? spans[i].end : place.end;
	return place;
}

void evidence_support(struct evidence *e, const char *answer, struct arena *arena)
{
	struct citation *list = arena_array(arena, 1, sizeof(*list));

	for (size_t i = 0; i < e->n_passages && e->n_citations == 0; i++) {
		struct quote_place place = locate_in(&e->passages[i], answer);

		if (place.match != QUOTE_FAILED)
			cite(e, list, i, whole_sentences(&e->passages[i], place, arena), arena);
	}
	e->citations = list;
}

const char *evidence_json(const struct evidence *e, struct arena *arena)
{
	json_t *passages = json_array(), *citations = json_array();

	for (size_t i = 0; i < e->n_passages; i++) {
		const struct passage *p = &e->passages[i];
		char key[17];

		snprintf(key, sizeof(key), "%016llx", (unsigned long long)p->key);
		json_t *passage = json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:f, s:s%}", "document", p->document, "title",
					    p->title, "heading", p->heading, "revision", (json_int_t)p->revision, "key", key, "start",
					    (json_int_t)p->start, "end", (json_int_t)p->end, "score", p->score, "text", p->text,
					    p->end - p->start);

		if (e->gold)
			json_object_set_new(passage, "gold", json_boolean(e->gold[i]));
		json_array_append_new(passages, passage);
	}
	for (size_t i = 0; i < e->n_citations; i++) {
		const struct citation *c = &e->citations[i];

		json_array_append_new(citations, json_pack("{s:I, s:s, s:I, s:I, s:s}", "passage", (json_int_t)c->passage + 1, "match",
							   quote_match_name(c->match), "start", (json_int_t)c->start, "end",
							   (json_int_t)c->end, "text", c->text));
	}
	json_t *root = json_pack("{s:o, s:o, s:I, s:I, s:o}", "passages", passages, "citations", citations, "failed",
				 (json_int_t)e->failed, "gold_total", (json_int_t)e->n_gold, "similarity", isfinite(e->similarity) ? json_real(e->similarity) : json_null());
	char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));
	const char *copy = arena_string(arena, text);

	free(text);
	json_decref(root);
	return copy;
}

static const char *text_of(const json_t *object, const char *key, struct arena *arena)
{
	const char *text = json_string_value(json_object_get(object, key));

	return arena_string(arena, text ? text : "");
}

static size_t size_of(const json_t *object, const char *key)
{
	return (size_t)json_integer_value(json_object_get(object, key));
}

static enum quote_match match_of(const char *name)
{
	enum quote_match m = QUOTE_EXACT;

	while (m < QUOTE_FAILED && strcmp(quote_match_name(m), name) != 0)
		m++;
	return m;
}

static void read_passages(const json_t *array, struct evidence *e, struct arena *arena)
{
	struct passage *passages = arena_array(arena, json_array_size(array) + 1, sizeof(*passages));
	bool *gold = arena_array(arena, json_array_size(array) + 1, sizeof(*gold));
	const json_t *item;
	size_t i;

	e->gold = e->n_gold > 0 ? gold : NULL;
	json_array_foreach(array, i, item) {
		gold[i] = json_is_true(json_object_get(item, "gold"));
		passages[e->n_passages++] = (struct passage){
			.document = text_of(item, "document", arena), .title = text_of(item, "title", arena),
			.heading = text_of(item, "heading", arena), .revision = (int64_t)size_of(item, "revision"),
			.key = strtoull(text_of(item, "key", arena), NULL, 16), .start = size_of(item, "start"),
			.end = size_of(item, "end"), .text = text_of(item, "text", arena), .score = json_number_value(json_object_get(item, "score")),
			.similarity = NAN,
		};
	}
	e->passages = passages;
}

bool evidence_read(const char *json, struct evidence *e, struct arena *arena)
{
	json_t *root = json ? json_loads(json, 0, NULL) : NULL, *similarity = json_object_get(root, "similarity");
	json_t *array = json_object_get(root, "citations");
	struct citation *citations = arena_array(arena, json_array_size(array) + 1, sizeof(*citations));
	bool usable = json_is_array(json_object_get(root, "passages"));
	const json_t *item;
	size_t i;

	*e = (struct evidence){ .similarity = json_is_number(similarity) ? json_number_value(similarity) : NAN,
				.n_gold = size_of(root, "gold_total") };
	read_passages(json_object_get(root, "passages"), e, arena);
	json_array_foreach(array, i, item) {
		size_t passage = size_of(item, "passage");

		if (passage >= 1 && passage <= e->n_passages)
			citations[e->n_citations++] = (struct citation){
				.passage = passage - 1, .match = match_of(text_of(item, "match", arena)),
				.start = size_of(item, "start"), .end = size_of(item, "end"), .text = text_of(item, "text", arena),
			};
	}
	e->citations = citations;
	e->failed = size_of(root, "failed");
	json_decref(root);
	return usable;
}
