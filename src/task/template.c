/* template.c - compiled once into parts, rendered without a single allocation that a filter does not need. */
#include "task/template.h"

#include <jansson.h>

#include "base/text.h"
#include "task/mention.h"

enum { FILTERS = 8, PARTS = 1000 };
enum filter_kind { FIRST, TRIM, LOWER, JSON };
enum source { LITERAL, COLUMN, LABELS, DEFINITIONS };

struct filter {
	enum filter_kind kind;
	size_t count; /* FIRST */
};

struct part {
	enum source source;
	const char *text; /* LITERAL */
	size_t n;
	size_t column; /* COLUMN */
	struct filter filters[FILTERS];
	size_t n_filters;
};

struct template {
	const struct task *task;
	struct part *parts;
	size_t n;
};

struct span {
	const char *text;
	size_t n;
};

/* What is being compiled, for errors. */
struct compiler {
	const struct task *task;
	const char *text, *where;
	struct error *err;
};

static struct span trimmed(struct span s)
{
	uint32_t c;

	while (s.n) {
		size_t length = text_decode(s.text, s.n, &c);

		if (!text_is_space(c))
			break;
		s.text += length;
		s.n -= length;
	}
	while (s.n) {
		size_t last = s.n - 1;

		while (last > 0 && ((unsigned char)s.text[last] & 0xC0) == 0x80)
			last--;
		text_decode(s.text + last, s.n - last, &c);
		if (!text_is_space(c))
			break;
		s.n = last;
	}
	return s;
}

/* "where, line 3: " when the text has several lines, and the sentence. */
static bool fail(const struct compiler *c, const char *at, const char *sentence)
{
	size_t line = 1;

	if (!strchr(c->text, '\n') || !strchr(c->text, '\n')[1])
		return error_set(c->err, "%s: %s", c->where, sentence);
	for (const char *p = c->text; p < at; p++)
		line += *p == '\n';
	return error_set(c->err, "%s, line %zu of the text: %s", c->where, line, sentence);
}

static bool fail_name(const struct compiler *c, struct span name, const char *what, const char *const *names, size_t n)
{
	char *word = mem_alloc(name.n + 1);
	struct buf sentence = { 0 };

	memcpy(word, name.text, name.n);
	word[name.n] = '\0';
	mention_value(&sentence, word);
	buf_addf(&sentence, " is not %s", what);
	mention_names(&sentence, word, names, n);
	fail(c, name.text, buf_text(&sentence));
	buf_release(&sentence);
	free(word);
	return false;
}

static bool is(struct span s, const char *word)
{
	return s.n == strlen(word) && memcmp(s.text, word, s.n) == 0;
}

static bool count_parse(const struct compiler *c, struct span rest, size_t *count)
{
	size_t value = 0;

	for (size_t i = 0; i < rest.n; i++) {
		if (rest.text[i] < '0' || rest.text[i] > '9' || value > 100000000)
			return fail(c, rest.text, "first wants a whole number of characters: {{text | first 500}}");
		value = value * 10 + (size_t)(rest.text[i] - '0');
	}
	*count = value;
	return value > 0 || fail(c, rest.text, "first wants a number of characters above 0: {{text | first 500}}");
}

static bool filter_parse(const struct compiler *c, struct span s, struct filter *f)
{
	static const char *const names[] = { "first", "trim", "lower", "json" };
	size_t word = 0;

	while (word < s.n && s.text[word] != ' ' && s.text[word] != '\t')
		word++;
	struct span name = { s.text, word }, rest = trimmed((struct span){ s.text + word, s.n - word });

	for (size_t i = 0; i < 4; i++) {
		if (!is(name, names[i]))
			continue;
		*f = (struct filter){ .kind = (enum filter_kind)i };
		if (i == FIRST)
			return count_parse(c, rest, &f->count);
		return rest.n == 0 || fail(c, rest.text, "only the filter first takes a number");
	}
	return fail_name(c, name, "a filter; there are ", names, 4);
}

static bool source_parse(const struct compiler *c, struct span name, struct part *part)
{
	const struct task *t = c->task;

	part->column = task_column(t, name.text, name.n);
	if (is(name, "labels"))
		part->source = LABELS;
	else if (is(name, "definitions"))
		part->source = DEFINITIONS;
	else if (part->column < t->n_columns)
		part->source = COLUMN;
	else if (name.n == 0)
		return fail(c, name.text, "{{}} names no column");
	else
		return fail_name(c, name, "a column of the examples; there are ", t->columns, t->n_columns);
	if (part->source != COLUMN && t->n_labels == 0)
		return fail(c, name.text, "{{labels}} and {{definitions}} need labels, and the task has none");
	return true;
}

/* inside: what stands between {{ and }}. */
static bool placeholder_parse(const struct compiler *c, struct span inside, struct part *part)
{
	const char *end = inside.text + inside.n, *at = inside.text;

	for (size_t field = 0; at <= end; field++) {
		const char *bar = memchr(at, '|', (size_t)(end - at));
		const char *stop = bar ? bar : end;
		struct span piece = trimmed((struct span){ at, (size_t)(stop - at) });

		if (field == 0 && !source_parse(c, piece, part))
			return false;
		if (field > FILTERS)
			return fail(c, at, "more than 8 filters in one placeholder");
		if (field > 0 && !filter_parse(c, piece, &part->filters[part->n_filters++]))
			return false;
		at = stop + 1;
	}
	return true;
}

static bool parts_parse(const struct compiler *c, struct arena *arena, struct template *t)
{
	for (const char *at = c->text; at && *at;) {
		const char *open = strstr(at, "{{");
		const char *close = open == at ? strstr(at + 2, "}}") : NULL;
		struct part *part = &t->parts[t->n];

		if (t->n == PARTS)
			return fail(c, at, "more than 1,000 pieces of text and placeholders");
		*part = (struct part){ .source = LITERAL };
		t->n++;
		if (open == at && !close)
			return fail(c, at, "{{ is never closed by }}");
		if (open == at) {
			if (!placeholder_parse(c, (struct span){ at + 2, (size_t)(close - at - 2) }, part))
				return false;
			at = close + 2;
			continue;
		}
		part->n = open ? (size_t)(open - at) : strlen(at);
		part->text = arena_copy(arena, at, part->n);
		at += part->n;
	}
	return true;
}

struct template *template_compile(struct arena *arena, const struct task *task, const char *text, const char *where,
				  struct error *err)
{
	struct compiler c = { task, text, where, err };
	struct template *t = arena_alloc(arena, sizeof(*t));
	size_t braces = 0;

	for (const char *p = strstr(text, "{{"); p; p = strstr(p + 2, "{{"))
		braces++;
	braces = braces < PARTS ? braces : PARTS;
	t->task = task;
	t->parts = arena_array(arena, 2 * braces + 1 < PARTS ? 2 * braces + 1 : PARTS + 1, sizeof(*t->parts));
	return parts_parse(&c, arena, t) ? t : NULL;
}

static void json_add(struct buf *out, struct span s)
{
	json_t *string = json_stringn(s.text, s.n);
	char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;

	buf_adds(out, quoted ? quoted : "\"\"");
	free(quoted);
	json_decref(string);
}

/* Each filter narrows the span or rewrites it into one of two buffers, never the one it reads from. */
static struct span filter_apply(const struct filter *f, struct span s, struct buf scratch[2], size_t *turn)
{
	struct buf *out = &scratch[*turn];

	if (f->kind == FIRST)
		return (struct span){ s.text, text_first(s.text, s.n, f->count) };
	if (f->kind == TRIM)
		return trimmed(s);
	buf_clear(out);
	*turn ^= 1;
	if (f->kind == LOWER)
		text_lower(out, s.text, s.n);
	else
		json_add(out, s);
	return (struct span){ buf_text(out), out->n };
}

static void labels_add(const struct task *t, bool definitions, struct buf *out)
{
	for (size_t i = 0; i < t->n_labels; i++) {
		buf_adds(out, i == 0 ? "" : definitions ? "\n" : ", ");
		buf_adds(out, t->labels[i].name);
		if (definitions && t->labels[i].definition)
			buf_addf(out, ": %s", t->labels[i].definition);
	}
}

static void part_render(const struct task *task, const struct part *p, const struct example *e, struct buf *out)
{
	struct buf source = { 0 }, scratch[2] = { { 0 }, { 0 } };
	struct span s = { "", 0 };
	size_t turn = 0;

	if (p->source == LITERAL) {
		buf_add(out, p->text, p->n);
		return;
	}
	if (p->source == COLUMN)
		s = (struct span){ e->values[p->column], strlen(e->values[p->column]) };
	else {
		labels_add(task, p->source == DEFINITIONS, &source);
		s = (struct span){ buf_text(&source), source.n };
	}
	for (size_t i = 0; i < p->n_filters; i++)
		s = filter_apply(&p->filters[i], s, scratch, &turn);
	buf_add(out, s.text, s.n);
	buf_release(&source);
	buf_release(&scratch[0]);
	buf_release(&scratch[1]);
}

void template_render(const struct template *t, const struct example *e, struct buf *out)
{
	for (size_t i = 0; i < t->n; i++)
		part_render(t->task, &t->parts[i], e, out);
}

void template_values(const struct template *t, const struct example *e, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < t->n; i++) {
		if (t->parts[i].source != COLUMN)
			continue;
		if (any)
			buf_addc(out, '\n');
		part_render(t->task, &t->parts[i], e, out);
		any = true;
	}
}

bool template_needs_example(const struct template *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->parts[i].source == COLUMN)
			return true;
	return false;
}

bool template_uses(const struct template *t, size_t column)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->parts[i].source == COLUMN && t->parts[i].column == column)
			return true;
	return false;
}

static bool has_source(const struct template *t, const struct part *p)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->parts[i].source == p->source && (p->source != COLUMN || t->parts[i].column == p->column))
			return true;
	return false;
}

const char *template_lost(const struct template *from, const struct template *to)
{
	for (size_t i = 0; i < from->n; i++) {
		const struct part *p = &from->parts[i];

		if (p->source != LITERAL && !has_source(to, p))
			return p->source == LABELS ? "labels" : p->source == DEFINITIONS ? "definitions" : from->task->columns[p->column];
	}
	return NULL;
}
