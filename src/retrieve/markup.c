/* markup.c - the pull reader for HTML and for what pdftotext writes. */
#include "retrieve/markup.h"

#include <gumbo.h>
#include <strings.h>

#include "base/text.h"
#include "retrieve/document_inner.h"

enum { REFERENCES_KEPT = 4096 }; /* different ones; there are 2,231 names. Later ones stay as they are written */

/* By name. What is missing is inline. */
static const struct markup_element elements[] = {
	{ "address", MARKUP_BREAK },
	{ "article", MARKUP_BREAK },
	{ "aside", MARKUP_BREAK },
	{ "blockquote", MARKUP_BREAK | MARKUP_QUOTE },
	{ "body", MARKUP_BREAK },
	{ "br", MARKUP_LINE },
	{ "caption", MARKUP_BREAK | MARKUP_ROW },
	{ "center", MARKUP_BREAK },
	{ "datalist", MARKUP_HIDDEN },
	{ "dd", MARKUP_BREAK },
	{ "details", MARKUP_BREAK },
	{ "dialog", MARKUP_BREAK },
	{ "dir", MARKUP_BREAK | MARKUP_LIST },
	{ "div", MARKUP_BREAK },
	{ "dl", MARKUP_BREAK | MARKUP_LIST },
	{ "dt", MARKUP_BREAK },
	{ "fieldset", MARKUP_BREAK },
	{ "figcaption", MARKUP_BREAK },
	{ "figure", MARKUP_BREAK },
	{ "footer", MARKUP_BREAK },
	{ "form", MARKUP_BREAK },
	{ "h1", MARKUP_BREAK | MARKUP_HEADING },
	{ "h2", MARKUP_BREAK | MARKUP_HEADING },
	{ "h3", MARKUP_BREAK | MARKUP_HEADING },
	{ "h4", MARKUP_BREAK | MARKUP_HEADING },
	{ "h5", MARKUP_BREAK | MARKUP_HEADING },
	{ "h6", MARKUP_BREAK | MARKUP_HEADING },
	{ "header", MARKUP_BREAK },
	{ "hgroup", MARKUP_BREAK },
	{ "hr", MARKUP_BREAK },
	{ "html", MARKUP_BREAK },
	{ "iframe", MARKUP_RAW },
	{ "legend", MARKUP_BREAK },
	{ "li", MARKUP_BREAK },
	{ "listing", MARKUP_BREAK | MARKUP_PRE },
	{ "main", MARKUP_BREAK },
	{ "menu", MARKUP_BREAK | MARKUP_LIST },
	{ "nav", MARKUP_BREAK },
	{ "noembed", MARKUP_RAW },
	{ "noframes", MARKUP_RAW },
	{ "noscript", MARKUP_HIDDEN },
	{ "ol", MARKUP_BREAK | MARKUP_LIST },
	{ "optgroup", MARKUP_BREAK },
	{ "option", MARKUP_BREAK },
	{ "p", MARKUP_BREAK },
	{ "pre", MARKUP_BREAK | MARKUP_PRE },
	{ "script", MARKUP_RAW },
	{ "search", MARKUP_BREAK },
	{ "section", MARKUP_BREAK },
	{ "style", MARKUP_RAW },
	{ "summary", MARKUP_BREAK },
	{ "table", MARKUP_BREAK | MARKUP_TABLE },
	{ "tbody", MARKUP_BREAK | MARKUP_ROW },
	{ "td", MARKUP_BREAK | MARKUP_CELL },
	{ "template", MARKUP_HIDDEN },
	{ "textarea", MARKUP_TEXT_ONLY },
	{ "tfoot", MARKUP_BREAK | MARKUP_ROW },
	{ "th", MARKUP_BREAK | MARKUP_CELL },
	{ "thead", MARKUP_BREAK | MARKUP_ROW },
	{ "title", MARKUP_TEXT_ONLY | MARKUP_TITLE },
	{ "tr", MARKUP_BREAK | MARKUP_ROW },
	{ "ul", MARKUP_BREAK | MARKUP_LIST },
};

void markup_init(struct markup *m, const char *bytes, size_t n)
{
	*m = (struct markup){ .bytes = bytes, .n = n };
	arena_init(&m->arena);
}

void markup_release(struct markup *m)
{
	arena_release(&m->arena);
	hash_map_release(&m->known);
	free(m->decoded);
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const struct markup_element *element_find(const char *name, size_t n)
{
	size_t low = 0, high = sizeof(elements) / sizeof(elements[0]);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strncasecmp(name, elements[middle].name, n);

		if (order == 0 && strlen(elements[middle].name) == n) /* a name may hold NULs: [n] could lie behind the other's */
			return &elements[middle];
		if (order > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* The first place from `at` on where the bytes stand; m->n when they do not. */
static size_t find(const struct markup *m, size_t at, const char *bytes)
{
	const char *found = at < m->n ? memmem(m->bytes + at, m->n - at, bytes, strlen(bytes)) : NULL;

	return found ? (size_t)(found - m->bytes) : m->n;
}

static bool starts_with(const struct markup *m, size_t at, const char *bytes)
{
	size_t n = strlen(bytes);

	return m->n - at >= n && memcmp(m->bytes + at, bytes, n) == 0;
}

/* Behind what begins with "<" and is no tag: a comment, a doctype, a processing instruction. */
static size_t skip_comment(const struct markup *m, size_t at)
{
	if (starts_with(m, at, "<!--") && !starts_with(m, at, "<!-->") && !starts_with(m, at, "<!--->")) {
		at = find(m, at + 4, "--");
		while (at < m->n && !starts_with(m, at, "-->") && !starts_with(m, at, "--!>"))
			at = find(m, at + 1, "--");
	}
	size_t end = find(m, at, ">");

	return end < m->n ? end + 1 : m->n;
}

/* Behind the ">" of the tag whose name ends at `at`, past attributes and their quotes; m->n when it is never closed. */
static size_t skip_attributes(const struct markup *m, size_t at)
{
	enum { NAME, EQUALS, VALUE } state = NAME; /* what was read last; VALUE: of an attribute without quotes */

	for (size_t i = at; i < m->n; i++) {
		char c = m->bytes[i];

		if (c == '>')
			return i + 1;
		if (state == EQUALS && (c == '"' || c == '\'')) {
			const char *close = memchr(m->bytes + i + 1, c, m->n - i - 1);

			if (!close)
				return m->n;
			i = (size_t)(close - m->bytes);
			state = NAME;
		} else if (state == NAME && c == '=') {
			state = EQUALS;
		} else if (is_blank(c)) {
			state = state == EQUALS ? EQUALS : NAME;
		} else if (state == EQUALS) {
			state = VALUE;
		}
	}
	return m->n;
}

/* Where the end tag of the element begins; m->n when there is none. */
static size_t find_end_tag(const struct markup *m, size_t at, const struct markup_element *e)
{
	size_t length = strlen(e->name);

	for (size_t i = find(m, at, "</"); i < m->n; i = find(m, i + 2, "</")) {
		size_t behind = i + 2 + length;

		if (behind < m->n && strncasecmp(m->bytes + i + 2, e->name, length) == 0 &&
		    (is_blank(m->bytes[behind]) || m->bytes[behind] == '>' || m->bytes[behind] == '/'))
			return i;
	}
	return m->n;
}

/* A tag whose name begins at `name`; false when the file ends in it. */
static bool read_tag(struct markup *m, size_t name, struct markup_token *t)
{
	size_t end = name;

	while (end < m->n && !is_blank(m->bytes[end]) && m->bytes[end] != '>' && m->bytes[end] != '/')
		end++;
	t->start = m->at;
	t->kind = m->bytes[name - 1] == '/' ? MARKUP_CLOSE : MARKUP_OPEN;
	t->name = m->bytes + name;
	t->name_bytes = end - name;
	t->element = element_find(t->name, t->name_bytes);
	t->end = m->at = skip_attributes(m, end);
	if (m->bytes[m->at - 1] != '>')
		return false;
	if (t->element && t->kind == MARKUP_OPEN) {
		if (t->element->traits & MARKUP_RAW)
			m->at = find_end_tag(m, m->at, t->element);
		if (t->element->traits & MARKUP_TEXT_ONLY)
			m->inside = t->element;
	}
	return true;
}

static bool read_text(struct markup *m, size_t end, struct markup_token *t)
{
	*t = (struct markup_token){ .kind = MARKUP_TEXT, .start = m->at, .end = end };
	m->at = end;
	return true;
}

bool markup_next(struct markup *m, struct markup_token *t)
{
	while (m->at < m->n) {
		size_t at = m->at, next = at + 1;

		if (m->inside) {
			size_t end = find_end_tag(m, at, m->inside);

			m->inside = NULL;
			if (end > at)
				return read_text(m, end, t);
			continue;
		}
		if (m->bytes[at] != '<') {
			return read_text(m, find(m, at, "<"), t);
		} else if (next < m->n && is_letter(m->bytes[next])) {
			return read_tag(m, next, t);
		} else if (next + 1 < m->n && m->bytes[next] == '/' && is_letter(m->bytes[next + 1])) {
			return read_tag(m, next + 1, t);
		} else if (next < m->n && (m->bytes[next] == '!' || m->bytes[next] == '?' || m->bytes[next] == '/')) {
			m->at = skip_comment(m, at);
		} else { /* a "<" that opens nothing is text */
			return read_text(m, find(m, next, "<"), t);
		}
	}
	return false;
}

/* The name of the reference, with its ";" if there is one. */
static size_t name_bytes(const struct markup *m, size_t at, size_t end)
{
	enum { LONGEST = 32 };
	size_t i = at + 1;

	while (i < end && i - at <= LONGEST && (is_letter(m->bytes[i]) || is_digit(m->bytes[i]) || m->bytes[i] == '#'))
		i++;
	return i - at + (i < end && m->bytes[i] == ';');
}

/* What gumbo makes of the reference; the "x" keeps white space from being dropped. */
static const char *decode_by_gumbo(struct markup *m, const char *reference, size_t n)
{
	char *page = arena_printf(&m->arena, "<p>x%.*s", (int)n, reference);
	GumboOutput *parsed = gumbo_parse(page);
	const GumboNode *node = parsed->root;
	const char *decoded;

	while (node->type == GUMBO_NODE_ELEMENT && node->v.element.children.length) /* html, body (the last), p, text */
		node = node->v.element.children.data[node->v.element.children.length - 1];
	decoded = arena_string(&m->arena, node->type == GUMBO_NODE_TEXT ? node->v.text.text + 1 : page + 4);
	gumbo_destroy_output(&kGumboDefaultOptions, parsed);
	return decoded;
}

static const char *decode(struct markup *m, const char *reference, size_t n)
{
	size_t i = hash_map_get(&m->known, reference, n, SIZE_MAX);

	if (i == SIZE_MAX && m->n_decoded == REFERENCES_KEPT)
		return NULL;
	if (i == SIZE_MAX) {
		if (!m->decoded)
			m->decoded = mem_zero(REFERENCES_KEPT, sizeof(*m->decoded));
		i = m->n_decoded++;
		hash_map_put(&m->known, arena_copy(&m->arena, reference, n), n, i);
		m->decoded[i] = decode_by_gumbo(m, reference, n);
	}
	return m->decoded[i];
}

/* The bytes of a numeric reference behind "&#", 0 when it is none; its code point in *c. */
static size_t read_number(const char *at, size_t n, uint32_t *c)
{
	size_t base = n && (at[0] | 32) == 'x' ? 16 : 10, i = base == 16, first = i;
	uint32_t value = 0;

	for (; i < n && (is_digit(at[i]) || (base == 16 && (at[i] | 32) >= 'a' && (at[i] | 32) <= 'f')); i++) {
		value = value * (uint32_t)base + (uint32_t)(is_digit(at[i]) ? at[i] - '0' : (at[i] | 32) - 'a' + 10);
		value = value > 0x10FFFF ? 0x110000 : value;
	}
	*c = value ? value : 0xFFFD;
	return i == first ? 0 : i + (i < n && at[i] == ';');
}

size_t markup_reference(struct markup *m, size_t at, size_t end, const char **text, size_t *n)
{
	const char *raw = m->bytes + at;
	size_t length = name_bytes(m, at, end), number = 0;
	uint32_t c = 0;

	*text = raw;
	*n = 1;
	if (at + 2 < end && raw[1] == '#')
		number = read_number(raw + 2, end - at - 2, &c);
	if (number && (c < 0x80 || c > 0x9F)) { /* those are letters of windows-1252: gumbo knows them too */
		*text = m->encoded;
		*n = text_encode(c, m->encoded);
		return 2 + number;
	}
	if (length < 3)
		return 1;
	const char *decoded = decode(m, raw, length);

	if (decoded && *decoded) {
		*text = decoded;
		*n = strlen(decoded);
		return length;
	}
	*n = length;
	return length;
}
