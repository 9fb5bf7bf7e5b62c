/* chunk.c - pieces into chunks: as much as fits, then back to the best seam in the second half. */
#include "retrieve/chunk.h"

#include "retrieve/chunk_inner.h"

struct chunks {
	struct chunk *at;
	size_t n, capacity;
};

static bool begins_section(const struct pieces *p, size_t piece)
{
	return p->sections[p->at[piece].section].first == piece && p->at[piece].heading;
}

/* A deeper section is entered where all of it fits, or where the chunk is only headings so far. */
static bool may_enter(const struct pieces *p, size_t first, size_t piece, size_t size)
{
	if (pieces_cost(p, first, p->sections[p->at[piece].section].end) <= size)
		return true;
	for (size_t i = first; i < piece; i++)
		if (!p->at[i].heading)
			return false;
	return true;
}

/* Behind a heading alone nothing should end. */
static int seam_rank(const struct pieces *p, size_t end)
{
	return p->at[end - 1].heading ? -1 : (int)p->at[end - 1].seam;
}

/* The end of a chunk that begins with piece `first` and costs at most `size`, or is one piece. */
static size_t find_end(const struct pieces *p, size_t first, size_t size)
{
	size_t limit = p->sections[p->at[first].section].end, end = first + 1, best;

	for (; end < limit && pieces_cost(p, first, end + 1) <= size; end++)
		if (begins_section(p, end) && !may_enter(p, first, end, size))
			return end;
	if (end == limit || (begins_section(p, end) && !may_enter(p, first, end, size)))
		return end;
	best = end;
	for (size_t e = end; e > first && pieces_cost(p, first, e) >= size / 2; e--)
		if (seam_rank(p, e) > seam_rank(p, best))
			best = e;
	return best;
}

/* The same with the text itself counted. */
static size_t find_counted_end(const struct pieces *p, size_t first)
{
	size_t budget = p->options->size, end;

	for (;;) {
		end = find_end(p, first, budget);
		size_t cost = end > first + 1 ? pieces_count(p, p->at[first].start, p->at[end - 1].end) : 0;

		if (cost <= p->options->size)
			return end;
		size_t excess = cost - p->options->size;

		if (excess >= budget)
			return first + 1;
		budget -= excess;
	}
}

static bool begins_sentence(const struct pieces *p, size_t piece)
{
	return piece == 0 || p->at[piece - 1].seam >= SEAM_SENTENCE;
}

/* Where the chunk behind pieces first .. end-1 begins: at `end`, or whole sentences of the same section before it. */
static size_t next_start(const struct pieces *p, size_t first, size_t end)
{
	size_t start = end, overlap = p->options->overlap;

	if (end == p->n || begins_section(p, end) || !begins_sentence(p, end))
		return end;
	for (size_t i = end - 1; i > first && pieces_cost(p, i, end) <= overlap; i--) {
		if (p->at[i].heading || p->at[i].section != p->at[end].section)
			break;
		if (begins_sentence(p, i) && pieces_cost(p, i, end + 1) <= p->options->size)
			start = i;
	}
	while (start < end && (!begins_sentence(p, start) ||
			       pieces_count(p, p->at[start].start, p->at[end - 1].end) > overlap))
		start++;
	return start;
}

/* Path of the innermost section that holds all of the chunk; headings that it begins with are above the rest. */
static const char *find_path(const struct pieces *p, size_t first, size_t end)
{
	size_t i = first, section;

	while (i + 1 < end && p->at[i].heading)
		i++;
	for (section = p->at[i].section; section && p->sections[section].end < end;)
		section = p->sections[section].parent;
	return p->sections[section].path;
}

static size_t cost_before(const struct pieces *p, size_t piece)
{
	return piece ? p->at[piece - 1].total : 0;
}

/* The section around the chunk, or as many pieces on both sides as a parent may cost. */
static void set_parent(const struct pieces *p, size_t first, size_t end, struct chunk *c)
{
	const struct section *s = &p->sections[p->at[first].section];
	size_t most = p->options->size * PARENT_SIZES, left = first, right = end;
	size_t own = cost_before(p, end) - cost_before(p, first), half = own < most ? (most - own) / 2 : 0;

	while (left > s->first && cost_before(p, first) - cost_before(p, left - 1) <= half)
		left--;
	while (right < s->end && cost_before(p, right + 1) - cost_before(p, left) <= most)
		right++;
	while (left > s->first && cost_before(p, right) - cost_before(p, left - 1) <= most)
		left--;
	c->parent_start = p->at[left].start;
	c->parent_end = p->at[right - 1].end;
}

static void add_chunk(struct chunks *out, const struct pieces *p, size_t first, size_t end)
{
	if (out->n == out->capacity) {
		out->capacity = out->capacity ? out->capacity * 2 : 64;
		out->at = mem_resize(out->at, out->capacity, sizeof(*out->at));
	}
	struct chunk *c = &out->at[out->n++];

	*c = (struct chunk){ .start = p->at[first].start, .end = p->at[end - 1].end, .heading = find_path(p, first, end) };
	set_parent(p, first, end, c);
}

const struct chunk *chunk_document(const struct document *d, const struct chunk_options *options, struct arena *arena,
				   size_t *n)
{
	struct pieces p;
	struct chunks out = { 0 };
	struct chunk *chunks;

	pieces_cut(&p, d, options, arena);
	for (size_t first = 0, done = 0, end; done < p.n; done = end, first = next_start(&p, first, end)) {
		end = find_counted_end(&p, first);
		if (end <= done) { /* nothing new fits behind the overlap */
			first = done;
			end = find_counted_end(&p, first);
		}
		add_chunk(&out, &p, first, end);
	}
	chunks = arena_array(arena, out.n, sizeof(*chunks));
	if (out.n)
		memcpy(chunks, out.at, out.n * sizeof(*chunks));
	*n = out.n;
	free(out.at);
	pieces_release(&p);
	return chunks;
}
