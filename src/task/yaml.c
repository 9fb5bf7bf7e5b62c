/* yaml.c - builds the tree from libfyaml's event stream with an explicit stack, so that depth costs no recursion. */
#include "task/yaml.h"

#include <assert.h>
#include <libfyaml.h>
#include <strings.h>

#include "base/hash.h"
#include "base/text.h"
#include "task/mention.h"

struct builder {
	struct arena *arena;
	const char *file;
	struct error *err;
	struct yaml *root;
	struct yaml *open[YAML_DEPTH]; /* lists and maps not yet closed */
	size_t depth, nodes, documents;
	struct yaml key; /* of the entry whose value comes next; key.key NULL: none */
};

static bool fail_at(const struct builder *b, size_t line, size_t column, const char *what)
{
	return error_set(b->err, "%s:%zu:%zu: %s", b->file, line, column, what);
}

/* libfyaml's marks count from 0 and are absent for values that were left out: those stand where their key stands. */
static struct yaml *node_new(struct builder *b, enum yaml_type type, const struct fy_mark *mark)
{
	struct yaml *node = arena_alloc(b->arena, sizeof(*node));

	node->type = type;
	node->text = "";
	node->line = mark ? (size_t)mark->line + 1 : b->key.key ? b->key.key_line : 1;
	node->column = mark ? (size_t)mark->column + 1 : b->key.key ? b->key.key_column : 1;
	return node;
}

static struct yaml *parent_of(const struct builder *b)
{
	return b->depth ? b->open[b->depth - 1] : NULL;
}

/* Hangs the node under the open list or map. */
static bool attach(struct builder *b, struct yaml *node)
{
	struct yaml *parent = parent_of(b);

	if (++b->nodes > YAML_NODES)
		return fail_at(b, node->line, node->column, "more than 100,000 values; a task file is a small one");
	if (!parent) {
		b->root = node;
		return true;
	}
	if (parent->type == YAML_MAP) {
		node->key = b->key.key;
		node->key_line = b->key.key_line;
		node->key_column = b->key.key_column;
		b->key.key = NULL;
	}
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	parent->n++;
	return true;
}

static bool key_wanted(const struct builder *b)
{
	return b->depth && parent_of(b)->type == YAML_MAP && !b->key.key;
}

static bool open_node(struct builder *b, enum yaml_type type, const struct fy_mark *mark)
{
	struct yaml *node = node_new(b, type, mark);

	if (key_wanted(b))
		return fail_at(b, node->line, node->column,
			       "a key has to be a text; a text that starts with { or [ goes in quotes");
	if (b->depth == YAML_DEPTH)
		return fail_at(b, node->line, node->column, "nested deeper than 16 levels; no task needs that");
	if (!attach(b, node))
		return false;
	b->open[b->depth++] = node;
	return true;
}

static bool scalar(struct builder *b, struct fy_event *event, const struct fy_mark *mark)
{
	size_t n = 0;
	const char *text = event->scalar.value ? fy_token_get_text(event->scalar.value, &n) : NULL;
	enum fy_scalar_style style =
		event->scalar.value ? fy_scalar_token_get_style(event->scalar.value) : FYSS_PLAIN;
	struct yaml *node = node_new(b, YAML_TEXT, mark);

	if (!text)
		n = 0;
	if (n && memchr(text, '\0', n))
		return fail_at(b, node->line, node->column, "holds a NUL character; texts cannot carry one");
	node->text = arena_copy(b->arena, text ? text : "", n);
	node->plain = style == FYSS_PLAIN;
	if ((style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) && node->column > 1)
		node->column--; /* libfyaml marks the text behind the quote */
	if (!key_wanted(b))
		return attach(b, node);
	if (n == 0)
		return fail_at(b, mark ? node->line : parent_of(b)->line, mark ? node->column : parent_of(b)->column,
			       "an entry has no key; a text that starts with { or [ goes in quotes");
	b->key = (struct yaml){ .key = node->text, .key_line = node->line, .key_column = node->column };
	return true;
}

static bool keys_differ(const struct builder *b, const struct yaml *map)
{
	struct hash_map lines = { 0 }; /* key -> line of its first entry */
	bool ok = true;

	for (const struct yaml *c = map->first; c && ok; c = c->next) {
		size_t known = lines.n;
		size_t first = hash_map_put(&lines, c->key, strlen(c->key), c->key_line);

		if (lines.n > known)
			continue;
		struct buf name = { 0 };

		mention_value(&name, c->key);
		ok = error_set(b->err, "%s:%zu:%zu: key %s stands twice, first in line %zu; remove one of them",
			       b->file, c->key_line, c->key_column, buf_text(&name), first);
		buf_release(&name);
	}
	hash_map_release(&lines);
	return ok;
}

static bool close_node(struct builder *b)
{
	const struct yaml *node = b->open[--b->depth];

	assert(node); /* the depth counts open nodes */
	return node->type != YAML_MAP || keys_differ(b, node);
}

static bool document_start(struct builder *b, const struct fy_mark *mark)
{
	if (++b->documents == 1)
		return true;
	return fail_at(b, mark ? (size_t)mark->line + 1 : 1, 1, "a second document begins; a task file holds one");
}

static bool no_tag(struct builder *b, const struct fy_token *tag, const struct fy_mark *mark)
{
	return !tag || fail_at(b, mark ? (size_t)mark->line + 1 : 1, mark ? (size_t)mark->column + 1 : 1,
			       "a YAML tag (!...) has no meaning here; a text that starts with ! goes in quotes");
}

static bool event_take(struct builder *b, struct fy_event *event)
{
	const struct fy_mark *mark = fy_event_start_mark(event);

	switch (event->type) {
	case FYET_DOCUMENT_START:
		return document_start(b, mark);
	case FYET_SCALAR:
		return no_tag(b, event->scalar.tag, mark) && scalar(b, event, mark);
	case FYET_SEQUENCE_START:
		return no_tag(b, event->sequence_start.tag, mark) && open_node(b, YAML_LIST, mark);
	case FYET_MAPPING_START:
		return no_tag(b, event->mapping_start.tag, mark) && open_node(b, YAML_MAP, mark);
	case FYET_SEQUENCE_END:
	case FYET_MAPPING_END:
		return close_node(b);
	case FYET_ALIAS:
		/* libfyaml marks the name behind the star */
		return fail_at(b, mark ? (size_t)mark->line + 1 : 1, mark && mark->column ? (size_t)mark->column : 1,
			       "YAML aliases (*...) are not read here; write the value out, or put it in quotes");
	default:
		return true;
	}
}

static bool syntax_error(const struct builder *b, struct fy_diag *diag)
{
	void *position = NULL;
	const struct fy_diag_error *first = fy_diag_errors_iterate(diag, &position);
	bool placed = first && first->line > 0;

	error_set(b->err,
		  "%s:%d:%d: not valid YAML: %s; a text that holds \": \" or starts with a quote, {, [ or @ goes in "
		  "quotes or under \"|\"",
		  b->file, placed ? first->line : 1, placed && first->column > 0 ? first->column : 1,
		  first && first->msg ? first->msg : "it could not be read");
	mention_flatten(b->err->text);
	return false;
}

/* libfyaml would write to stderr; the sentence is ours to hand on. */
static void discard(struct fy_diag *diag, void *user, const char *text, size_t n)
{
	(void)diag, (void)user, (void)text, (void)n;
}

static struct fy_diag *diag_open(void)
{
	struct fy_diag_cfg config;
	struct fy_diag *diag;

	fy_diag_cfg_default(&config);
	config.fp = NULL;
	config.output_fn = discard;
	config.level = FYET_ERROR;
	diag = fy_diag_create(&config);
	if (diag)
		fy_diag_set_collect_errors(diag, true);
	return diag;
}

static bool events_read(struct builder *b, const char *bytes, size_t n)
{
	struct fy_diag *diag = diag_open();
	struct fy_parse_cfg config = { .flags = FYPCF_QUIET | FYPCF_JSON_NONE, .diag = diag };
	struct fy_parser *parser = diag ? fy_parser_create(&config) : NULL;
	bool ok = parser && fy_parser_set_string(parser, bytes, n) == 0;
	struct fy_event *event;

	while (ok && (event = fy_parser_parse(parser))) {
		ok = event_take(b, event);
		fy_parser_event_free(parser, event);
		if (!ok)
			goto out;
	}
	if (!ok || fy_parser_get_stream_error(parser))
		ok = syntax_error(b, diag);
out:
	fy_parser_destroy(parser);
	fy_diag_destroy(diag);
	return ok;
}

static bool bytes_sound(const struct builder *b, const char *bytes, size_t n)
{
	size_t bad;

	if (n > YAML_BYTES)
		return error_set(b->err, "%s: %zu bytes, more than the 1 MiB of a task file; is it an examples file?",
				 b->file, n);
	if (text_valid(bytes, n, &bad) && (!n || !memchr(bytes, '\0', n)))
		return true;
	if (text_valid(bytes, n, &bad))
		bad = (size_t)((const char *)memchr(bytes, '\0', n) - bytes);
	size_t line = 1;

	for (size_t i = 0; i < bad; i++)
		line += bytes[i] == '\n';
	return error_set(b->err, "%s:%zu: byte %zu of the file is not UTF-8 text; save the file as UTF-8", b->file,
			 line, bad);
}

const struct yaml *yaml_parse(struct arena *arena, const char *bytes, size_t n, const char *file, struct error *err)
{
	struct builder b = { .arena = arena, .file = file, .err = err };

	if (!bytes_sound(&b, bytes, n))
		return NULL;
	if (n >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
		bytes += 3;
		n -= 3;
	}
	if (!events_read(&b, bytes, n))
		return NULL;
	if (!b.root || yaml_is_null(b.root))
		b.root = node_new(&b, YAML_MAP, NULL);
	return b.root;
}

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
	if (map->type != YAML_MAP)
		return NULL;
	for (const struct yaml *c = map->first; c; c = c->next)
		if (strcmp(c->key, key) == 0)
			return c;
	return NULL;
}

bool yaml_is_null(const struct yaml *node)
{
	return node->type == YAML_TEXT && node->plain &&
	       (node->text[0] == '\0' || strcmp(node->text, "~") == 0 || strcasecmp(node->text, "null") == 0);
}

const char *yaml_type_name(enum yaml_type type)
{
	static const char *const names[] = { "a text", "a list", "a map" };

	return names[type];
}
