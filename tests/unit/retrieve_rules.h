/* retrieve_rules.h - what document.h and chunk.h promise of any document and its chunks, for the unit tests and the fuzz
 * target. */
#ifndef RUNG_TEST_RETRIEVE_RULES_H
#define RUNG_TEST_RETRIEVE_RULES_H

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "retrieve/chunk.h"
#include "retrieve/document_inner.h"

static inline size_t count_words(void *context, const char *text, size_t n)
{
	size_t words = 0;

	(void)context;
	for (size_t i = 0; i < n; i++)
		words += !is_blank(text[i]) && (i == 0 || is_blank(text[i - 1]));
	return words;
}

static inline size_t count_bytes(void *context, const char *text, size_t n)
{
	(void)context;
	(void)text;
	return n;
}

/* Like byte pair encoding: runs of up to five bytes with the space before them, so a part's count depends on what stands
 * before it, and parts do not add up. */
static inline size_t count_runs(void *context, const char *text, size_t n)
{
	size_t tokens = 0, run = 0;

	(void)context;
	for (size_t i = 0; i < n; i++) {
		if (run == 0 || run == 5 || is_blank(text[i])) {
			tokens++;
			run = 0;
		}
		run++;
	}
	return tokens;
}

/* Whether the text is one word, or characters without a place to cut it. */
static inline bool rules_single(const char *text, size_t n)
{
	return count_words(NULL, text, n) <= 1 || text_first(text, n, 1) == n;
}

static inline bool rules_boundary(const struct document *d, size_t at)
{
	return at == d->n || ((unsigned char)d->text[at] & 0xC0) != 0x80;
}

/* Headings of its section's level or above that a chunk crosses. Its section is that of its first block's heading. */
static inline bool rules_crosses(const struct document *d, const struct chunk *c)
{
	unsigned level = 0;

	for (size_t i = 0; i < d->n_blocks && d->blocks[i].start < c->end; i++) {
		const struct block *b = &d->blocks[i];

		if (b->kind != BLOCK_HEADING)
			continue;
		if (b->start <= c->start)
			level = b->level;
		else if (b->level <= level)
			return true;
	}
	return false;
}

/* Names the first promise about a document from n bytes that is broken, or NULL. */
static inline const char *document_broken(const struct document *d, size_t n)
{
	size_t before = 0, bad;

	if (d->text[d->n] || !text_valid(d->text, d->n, &bad) || memchr(d->text, 0, d->n))
		return "text";
	if (!text_valid(d->title, strlen(d->title), &bad))
		return "title";
	for (size_t i = 0; i < d->n_blocks; i++) {
		const struct block *b = &d->blocks[i];

		if (b->start < before || b->end <= b->start || b->end > d->n)
			return "blocks in order";
		if (!rules_boundary(d, b->start) || !rules_boundary(d, b->end))
			return "characters";
		if (is_blank(d->text[b->end - 1]) || (b->kind != BLOCK_CODE && is_blank(d->text[b->start])))
			return "blocks without white space around them";
		if ((b->kind == BLOCK_HEADING) != (b->level >= 1) || b->level > 6)
			return "levels";
		before = b->end;
	}
	for (size_t i = 0; i < d->n_origins; i++)
		if (d->origins[i].text >= d->n || d->origins[i].source > n ||
		    (i && d->origins[i].text <= d->origins[i - 1].text))
			return "origins in order";
	return NULL;
}

/* The same of its chunks. Headings are looked at where `headings` allows the time. */
static inline const char *chunks_broken(const struct document *d, const struct chunk_options *o, const struct chunk *chunks,
					size_t n, bool headings)
{
	size_t covered = 0; /* block bytes are in chunks up to here */

	for (size_t i = 0, b = 0; i < n; i++) {
		const struct chunk *c = &chunks[i], *before = i ? c - 1 : NULL;
		size_t tokens = o->count(o->context, d->text + c->start, c->end - c->start);

		if (c->start >= c->end || c->end > d->n || (before && (c->start <= before->start || c->end <= before->end)))
			return "order";
		if (!rules_boundary(d, c->start) || !rules_boundary(d, c->end))
			return "characters";
		if (tokens > o->size && !rules_single(d->text + c->start, c->end - c->start))
			return "size";
		if (c->parent_start > c->start || c->parent_end < c->end || c->parent_end > d->n)
			return "parent";
		if (before && c->start < before->end &&
		    o->count(o->context, d->text + c->start, before->end - c->start) > o->overlap)
			return "overlap";
		for (; b < d->n_blocks && d->blocks[b].start < c->end; b++) {
			size_t from = d->blocks[b].start > covered ? d->blocks[b].start : covered;

			if (from < d->blocks[b].end && from < c->start)
				return "coverage";
			if (d->blocks[b].end > c->end)
				break;
		}
		covered = c->end;
		if (headings && rules_crosses(d, c))
			return "headings";
		if (!text_valid(c->heading, strlen(c->heading), &(size_t){ 0 }))
			return "path";
	}
	return d->n_blocks && (n == 0 || covered < d->blocks[d->n_blocks - 1].end) ? "end" : NULL;
}

#endif
