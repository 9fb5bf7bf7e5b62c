/* chunk_pieces.c - blocks into sentences, lines or rows, and only those that are too long into words and characters. Each
 * is counted once. */
#include "base/text.h"
#include "retrieve/chunk_inner.h"
#include "retrieve/document_inner.h"

enum { HEADING_BYTES = 100, LEVELS = 7, RUNS = 8 }; /* RUNS: pieces into which a sentence of a chunk's size is cut */

size_t pieces_count(const struct pieces *p, size_t start, size_t end)
{
	const struct chunk_options *o = p->options;
	size_t tokens = end > start ? o->count(o->context, p->document->text + start, end - start) : 0;
	size_t least = (end - start) / BYTES_PER_TOKEN;

	return tokens > least ? tokens : least;
}

static size_t gap_cost(const struct pieces *p, size_t start, size_t end)
{
	for (size_t i = start; i < end; i++)
		if (!is_blank(p->document->text[i]))
			return pieces_count(p, start, end);
	return (end - start) / BYTES_PER_TOKEN;
}

static void add_piece(struct pieces *p, const struct block *b, size_t start, size_t end, size_t cost)
{
	size_t before = 0, gap = 0;

	if (p->n) {
		before = p->at[p->n - 1].total;
		gap = gap_cost(p, p->at[p->n - 1].end, start);
	}
	if (p->n == p->capacity) {
		p->capacity = p->capacity ? p->capacity * 2 : 256;
		p->at = mem_resize(p->at, p->capacity, sizeof(*p->at));
	}
	p->at[p->n++] = (struct piece){ start, end, gap, before + gap + cost, p->n_sections - 1, SEAM_SENTENCE,
					b->kind == BLOCK_HEADING };
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The most bytes, up to `want` of n, that end between characters as users see them; at least one such character, unless it
 * is larger than a chunk may be: then it is cut between code points. */
static size_t characters_within(const struct pieces *p, const char *text, size_t n, size_t want)
{
	size_t most = smaller(n, p->options->size * BYTES_PER_TOKEN), at = 0, step;

	while (most < n && most > 1 && ((unsigned char)text[most] & 0xC0) == 0x80)
		most--;
	while (at < most && at < want) {
		step = text_first(text + at, most - at, 1);
		if (at && (at + step > want || (at + step == most && most < n))) /* it may go on behind `most` */
			break;
		at += step;
	}
	return at;
}

/* A word that is longer than a chunk: by its bytes, since there are seldom more tokens than those. */
static void cut_word(struct pieces *p, const struct block *b, size_t start, size_t end)
{
	for (size_t n; start < end; start += n) {
		size_t want = p->options->size, cost;

		n = characters_within(p, p->document->text + start, end - start, want);
		cost = pieces_count(p, start, start + n);
		while (cost > p->options->size && want > 1) {
			want = smaller(want, n) / 2;
			n = characters_within(p, p->document->text + start, end - start, want ? want : 1);
			cost = pieces_count(p, start, start + n);
		}
		add_piece(p, b, start, start + n, cost);
		p->at[p->n - 1].seam = start + n < end ? SEAM_RUN : SEAM_WORD;
	}
}

static void add_words(struct pieces *p, const struct block *b, size_t start, size_t end, size_t cost)
{
	if (end > start) {
		add_piece(p, b, start, end, cost);
		p->at[p->n - 1].seam = SEAM_WORD;
	}
}

/* A sentence longer than a chunk. White space belongs to the word before it. */
static void cut_sentence(struct pieces *p, const struct block *b, size_t start, size_t end)
{
	const char *text = p->document->text;
	size_t run = start, run_cost = 0; /* words that are not added yet */

	for (size_t at = start, next; at < end; at = next) {
		size_t cost;

		for (next = at; next < end && is_blank(text[next]);)
			next++;
		while (next < end && !is_blank(text[next]))
			next++;
		while (next < end && is_blank(text[next]))
			next++;
		cost = pieces_count(p, at, next);
		if (run_cost + cost > p->options->size / RUNS) {
			add_words(p, b, run, at, run_cost);
			run = at;
			run_cost = 0;
		}
		run_cost += cost;
		if (cost > p->options->size) {
			cut_word(p, b, at, next);
			run = next;
			run_cost = 0;
		}
	}
	add_words(p, b, run, end, run_cost);
	p->at[p->n - 1].seam = SEAM_SENTENCE;
}

static void add_sentence(struct pieces *p, const struct block *b, size_t start, size_t end)
{
	size_t cost = pieces_count(p, start, end);

	if (cost > p->options->size)
		cut_sentence(p, b, start, end);
	else
		add_piece(p, b, start, end, cost);
}

/* Lines of code and rows of tables stand for sentences, and blank lines end paragraphs of code. */
static void cut_lines(struct pieces *p, const struct block *b)
{
	const char *text = p->document->text;

	for (size_t start = b->start, end; start < b->end; start = end) {
		bool blank = is_blank(text[start]);

		for (end = start + 1; end < b->end && text[end - 1] != '\n' && (text[end - 1] != '\r' || text[end] == '\n'); end++)
			blank = blank && is_blank(text[end]);
		add_sentence(p, b, start, end);
		if (blank)
			p->at[p->n - 1].seam = SEAM_PARAGRAPH;
	}
}

static void cut_block(struct pieces *p, const struct block *b)
{
	if (b->kind == BLOCK_CODE || b->kind == BLOCK_TABLE) {
		cut_lines(p, b);
	} else {
		struct arena scratch;
		size_t n, start = b->start;

		arena_init(&scratch);
		const size_t *ends = sentence_ends(p->document->text + b->start, b->end - b->start, &scratch, &n);

		for (size_t i = 0; i < n; start = b->start + ends[i++])
			add_sentence(p, b, start, b->start + ends[i]);
		arena_release(&scratch);
	}
	p->at[p->n - 1].seam = SEAM_BLOCK;
}

static size_t add_section(struct pieces *p, unsigned level, size_t parent, const char *path)
{
	if (p->n_sections == p->section_capacity) {
		p->section_capacity = p->section_capacity ? p->section_capacity * 2 : 16;
		p->sections = mem_resize(p->sections, p->section_capacity, sizeof(*p->sections));
	}
	p->sections[p->n_sections] = (struct section){ p->n, 0, level, parent, path };
	return p->n_sections++;
}

/* "Guide > Install"; each heading's white space is one space, and what is longer than HEADING_BYTES is cut. */
static const char *section_path(const struct pieces *p, const struct block *b, const char *parent, struct arena *arena)
{
	const char *text = p->document->text + b->start;
	char name[HEADING_BYTES + 1];
	size_t n = b->end - b->start, used = 0;

	for (size_t i = 0, length; i < n; i += length) {
		uint32_t c;

		length = text_decode(text + i, n - i, &c);
		if (used + length > HEADING_BYTES)
			break;
		if (!is_blank(text[i])) {
			memcpy(name + used, text + i, length);
			used += length;
		} else if (used && name[used - 1] != ' ') {
			name[used++] = ' ';
		}
	}
	name[used] = '\0';
	return arena_printf(arena, "%s%s%s", parent, *parent ? " > " : "", name);
}

void pieces_cut(struct pieces *p, const struct document *d, const struct chunk_options *options, struct arena *arena)
{
	size_t open[LEVELS] = { 0 }, depth = 1; /* sections around this place, outermost first */

	*p = (struct pieces){ .document = d, .options = options };
	add_section(p, 0, 0, "");
	for (size_t i = 0; i < d->n_blocks; i++) {
		const struct block *b = &d->blocks[i];
		unsigned level = b->level < 1 ? 1 : b->level > 6 ? 6 : b->level;

		if (b->end <= b->start)
			continue;
		if (b->kind == BLOCK_HEADING) {
			while (p->sections[open[depth - 1]].level >= level)
				p->sections[open[--depth]].end = p->n;
			const struct section *parent = &p->sections[open[depth - 1]];

			open[depth] = add_section(p, level, open[depth - 1], section_path(p, b, parent->path, arena));
			depth++;
		}
		cut_block(p, b);
		for (size_t j = p->n; j-- > 0 && p->at[j].start >= b->start;)
			p->at[j].section = open[depth - 1];
	}
	while (depth > 0)
		p->sections[open[--depth]].end = p->n;
}

void pieces_release(struct pieces *p)
{
	free(p->at);
	free(p->sections);
}
