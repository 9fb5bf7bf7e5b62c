/* import_promptfoo.c - promptfoo's configuration (promptfoo.dev/docs/configuration/reference): prompts and providers become variants,
 * tests examples, and the assertion that names an answer the answer and the scorer. What cannot be carried over is named. */
#include <ctype.h>
#include <stdlib.h>

#include "base/file.h"
#include "task/import_promptfoo.h"

static const char *folder_of(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? arena_copy(arena, path, (size_t)(slash - path)) : ".";
}

const char *promptfoo_path(struct promptfoo *p, const char *text)
{
	const char *name = text + strlen("file://");

	return strncmp(text, "file://", 7) != 0 ? NULL : name[0] == '/' ? name : arena_printf(p->x->arena, "%s/%s", p->folder, name);
}

const struct yaml *promptfoo_yaml(struct promptfoo *p, const char *path)
{
	size_t n;
	char *bytes = file_read(path, YAML_BYTES, &n, p->err);
	const struct yaml *root = bytes ? yaml_parse(p->x->arena, bytes, n, path, p->err) : NULL;

	free(bytes);
	return root;
}

bool import_is_promptfoo(const char *path)
{
	struct error ignored;
	struct arena arena;
	size_t n;
	char *bytes;
	bool is;

	if (import_extension_is(path, ".yaml") || import_extension_is(path, ".yml"))
		return true;
	if (!import_extension_is(path, ".json"))
		return false;
	arena_init(&arena);
	bytes = file_read(path, YAML_BYTES, &n, &ignored);
	is = bytes && bytes[strspn(bytes, " \t\r\n")] == '{' && yaml_get(yaml_parse(&arena, bytes, n, path, &ignored), "prompts");
	free(bytes);
	arena_release(&arena);
	return is;
}

/* --- providers ------------------------------------------------------------------------------------------------------ */

/* "openai:chat:NAME" -> "openai:NAME"; NULL for those that rung cannot ask. */
static const char *model_of(struct promptfoo *p, const char *id, const char *base_url)
{
	static const struct { const char *prefix, *becomes; } rows[] = {
		{ "openai:chat:", "openai:" }, { "openai:responses:", "openai:" }, { "openai:completion:", NULL }, { "openai:embedding:", NULL },
		{ "openai:assistant:", NULL }, { "openai:", "openai:" }, { "anthropic:messages:", "anthropic:" }, { "anthropic:completion:", NULL },
		{ "anthropic:", "anthropic:" }, { "ollama:chat:", "http://127.0.0.1:11434/v1#" }, { "ollama:embeddings:", NULL },
		{ "ollama:completion:", "http://127.0.0.1:11434/v1#" }, { "ollama:", "http://127.0.0.1:11434/v1#" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].prefix);

		if (strncmp(id, rows[i].prefix, n) != 0)
			continue;
		if (!rows[i].becomes || !id[n])
			return NULL;
		return base_url && strcmp(rows[i].becomes, "openai:") == 0 ? arena_printf(p->x->arena, "%s#%s", base_url, id + n) :
									     arena_printf(p->x->arena, "%s%s", rows[i].becomes, id + n);
	}
	return NULL;
}

static const char *text_at(const struct yaml *map, const char *key)
{
	const struct yaml *node = map ? yaml_get(map, key) : NULL;

	return node && node->type == YAML_TEXT && !yaml_is_null(node) ? node->text : NULL;
}

/* map: {config}; NULL: the id is all there is */
static void provider_named(struct promptfoo *p, const char *id, const struct yaml *map, size_t line)
{
	const struct yaml *config = map ? yaml_get(map, "config") : NULL;
	const char *model = id ? model_of(p, id, text_at(config, "apiBaseUrl")) : NULL, *tokens = text_at(config, "max_tokens");

	if (!model) {
		import_leave_out(p->x, "provider \"%.80s\" (line %zu): not one of openai, anthropic, ollama", id ? id : "", line);
		return;
	}
	for (const struct yaml *c = config ? config->first : NULL; c; c = c->next)
		if (c->key && strcmp(c->key, "max_tokens") != 0 && strcmp(c->key, "apiBaseUrl") != 0)
			import_leave_out(p->x, "provider \"%.80s\": config.%.40s (line %zu)", id, c->key, c->line);
	if (p->x->n_models == IMPORT_VARIANTS) {
		import_leave_out(p->x, "provider \"%.80s\" (line %zu): beyond the %d that are taken", id, line, IMPORT_VARIANTS);
		return;
	}
	p->max_tokens[p->x->n_models] = tokens ? strtoul(tokens, NULL, 10) : 0;
	p->x->models[p->x->n_models++] = model;
}

/* An id, {id, config}, or one or more of ID: {config}. */
static void provider_read(struct promptfoo *p, const struct yaml *node)
{
	const char *id = node->type == YAML_MAP ? text_at(node, "id") : node->text;

	if (node->type != YAML_MAP || id || !node->first || node->first->type != YAML_MAP) {
		provider_named(p, id, node->type == YAML_MAP ? node : NULL, node->line);
		return;
	}
	for (const struct yaml *c = node->first; c; c = c->next)
		provider_named(p, c->key, c->type == YAML_MAP ? c : NULL, c->line);
}

static void providers_read(struct promptfoo *p)
{
	const struct yaml *node = yaml_get(p->root, "providers");

	node = node ? node : yaml_get(p->root, "targets");
	if (node && node->type == YAML_LIST)
		for (const struct yaml *c = node->first; c; c = c->next)
			provider_read(p, c);
	else if (node)
		provider_read(p, node);
}

/* --- prompts -------------------------------------------------------------------------------------------------------- */

static bool is_column(const struct promptfoo *p, const char *name, size_t n)
{
	for (size_t i = 0; i < p->n_vars; i++)
		if (strlen(p->vars[i]) == n && strncmp(p->vars[i], name, n) == 0)
			return true;
	return false;
}

/* One {{...}} between its braces: a variable, and filters that both have. */
static bool expression_convert(struct promptfoo *p, const char *s, size_t n, struct buf *out)
{
	static const struct { const char *theirs, *ours; } filters[] = { { "trim", "trim" }, { "lower", "lower" }, { "dump", "json" } };
	size_t at = 0;
	bool first = true;

	buf_adds(out, "{{");
	while (at <= n) {
		const char *bar = memchr(s + at, '|', n - at);
		size_t end = bar ? (size_t)(bar - s) : n, a = at, b = end, f = 0;

		while (a < b && isspace((unsigned char)s[a]))
			a++;
		while (b > a && isspace((unsigned char)s[b - 1]))
			b--;
		while (!first && f < 3 && (strlen(filters[f].theirs) != b - a || strncmp(filters[f].theirs, s + a, b - a) != 0))
			f++;
		if (first ? !is_column(p, s + a, b - a) : f == 3)
			return false;
		buf_addf(out, "%s%.*s", first ? "" : " | ", first ? (int)(b - a) : (int)strlen(filters[f].ours), first ? s + a : filters[f].ours);
		first = false;
		at = end + 1;
	}
	buf_adds(out, "}}");
	return true;
}

/* A nunjucks template as ours; NULL, and what stands in the way left out by name. */
static const char *template_convert(struct promptfoo *p, const char *name, const char *text)
{
	struct buf out = { 0 };
	const char *at = text, *open, *close, *kept = NULL;

	if (strstr(text, "{%") || strstr(text, "{#")) {
		import_leave_out(p->x, "%s: conditions, loops and comments ({%%, {#) have no like in rung", name);
		return NULL;
	}
	for (; (open = strstr(at, "{{")) && (close = strstr(open, "}}")); at = close + 2) {
		buf_add(&out, at, (size_t)(open - at));
		if (!expression_convert(p, open + 2, (size_t)(close - open) - 2, &out)) {
			import_leave_out(p->x, "%s: %.*s is no variable of the tests with filters that rung has", name, (int)(close - open) + 2, open);
			goto out;
		}
	}
	buf_adds(&out, at);
	kept = arena_string(p->x->arena, buf_text(&out));
out:
	buf_release(&out);
	return kept;
}

static void variants_add(struct promptfoo *p, const char *name, const char *system, const char *input)
{
	struct import *x = p->x;
	size_t n = x->n_models ? x->n_models : 1;

	system = system ? template_convert(p, name, system) : NULL;
	input = template_convert(p, name, input);
	if (!input)
		return;
	if (!strstr(input, "{{")) {
		import_leave_out(x, "%s: names no variable in what the user says", name);
		return;
	}
	for (size_t m = 0; m < n && x->n_variants < IMPORT_VARIANTS; m++)
		x->variants[x->n_variants++] = (struct task_variant){
			.name = n > 1 ? arena_printf(x->arena, "%s-%zu", name, m + 1) : name, .model = x->n_models ? x->models[m] : NULL,
			.system = system, .input = input, .max_tokens = p->max_tokens[m],
		};
}

/* [{role, content}, ...]: a system turn or none, and one turn of the user. */
static void chat_read(struct promptfoo *p, const char *name, const struct yaml *list)
{
	const char *system = NULL, *user = NULL;

	for (const struct yaml *c = list->first; c; c = c->next) {
		const char *role = text_at(c, "role"), *content = text_at(c, "content");

		if (role && content && strcmp(role, "system") == 0 && !system && !user)
			system = content;
		else if (role && content && strcmp(role, "user") == 0 && !user)
			user = content;
		else {
			import_leave_out(p->x, "%s: its turn \"%.40s\" (line %zu); a variant has a system and a user turn", name, role ? role : "", c->line);
			return;
		}
	}
	if (user)
		variants_add(p, name, system, user);
}

static void prompt_text(struct promptfoo *p, const char *name, const char *text)
{
	struct error ignored;
	const struct yaml *list = text[strspn(text, " \t\r\n")] == '[' ? yaml_parse(p->x->arena, text, strlen(text), name, &ignored) : NULL;

	if (list && list->type == YAML_LIST && list->first && list->first->type == YAML_MAP)
		chat_read(p, name, list);
	else
		variants_add(p, name, NULL, text);
}

/* Text files hold several prompts between lines of ---. */
static bool prompt_file(struct promptfoo *p, const char *name, const char *path)
{
	const struct yaml *chat;
	size_t n, part = 1;
	char *bytes, *at, *next;

	if (import_extension_is(path, ".json") || import_extension_is(path, ".yaml") || import_extension_is(path, ".yml")) {
		chat = promptfoo_yaml(p, path);
		if (chat)
			chat_read(p, name, chat);
		return chat != NULL;
	}
	if (!import_extension_is(path, ".txt") && !import_extension_is(path, ".md") && !import_extension_is(path, ".j2")) {
		import_leave_out(p->x, "%s: %s is a program or a form that rung does not read", name, path);
		return true;
	}
	bytes = file_read(path, YAML_BYTES, &n, p->err);
	if (!bytes)
		return false;
	for (at = bytes; at; at = next, part++) {
		next = strstr(at, "\n---\n");
		if (next) {
			*next = '\0';
			next += 5;
		}
		n = strlen(at);
		while (n && isspace((unsigned char)at[n - 1]))
			at[--n] = '\0';
		if (n)
			prompt_text(p, part > 1 ? arena_printf(p->x->arena, "%s-part-%zu", name, part) : name, at);
	}
	free(bytes);
	return true;
}

static bool prompt_read(struct promptfoo *p, const struct yaml *node, size_t number)
{
	const char *label = text_at(node, "label"), *raw = node->type == YAML_TEXT ? node->text : text_at(node, "raw");
	const char *name = label && !strchr(label, '\n') ? label : arena_printf(p->x->arena, "prompt-%zu", number), *path;

	raw = raw ? raw : text_at(node, "id");
	if (!raw) {
		import_leave_out(p->x, "%s (line %zu): has no text", name, node->line);
		return true;
	}
	path = promptfoo_path(p, raw);
	if (path)
		return prompt_file(p, name, path);
	prompt_text(p, name, raw);
	return true;
}

static bool prompts_read(struct promptfoo *p)
{
	const struct yaml *node = yaml_get(p->root, "prompts");
	size_t number = 1;
	bool ok = true;

	if (!node)
		return error_set(p->err, "%s: has no prompts, so it is no promptfoo configuration; examples are .csv, .tsv, .jsonl or .json", p->x->path);
	if (node->type != YAML_LIST)
		return prompt_read(p, node, 1);
	for (const struct yaml *c = node->first; ok && c; c = c->next)
		ok = prompt_read(p, c, number++);
	return ok;
}

static void input_settle(struct promptfoo *p)
{
	struct buf text = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < p->n_vars; i++) {
		bool used = p->x->n_variants == 0;

		for (size_t v = 0; v < p->x->n_variants; v++)
			used |= strstr(p->x->variants[v].input, arena_printf(p->x->arena, "{{%s}}", p->vars[i])) ||
				strstr(p->x->variants[v].input, arena_printf(p->x->arena, "{{%s |", p->vars[i]));
		if (used)
			buf_addf(&text, "%s%s: {{%s}}", n++ ? "\n" : "", p->vars[i], p->vars[i]);
	}
	p->x->input = n == 1 ? strstr(arena_string(p->x->arena, buf_text(&text)), "{{") : arena_string(p->x->arena, buf_text(&text));
	buf_release(&text);
}

bool import_promptfoo(struct import *x, struct error *err)
{
	static const char *const known[] = { "description", "prompts", "providers", "targets", "tests", "defaultTest" };
	struct promptfoo *p = arena_alloc(x->arena, sizeof(*p));

	*p = (struct promptfoo){ .x = x, .err = err, .folder = folder_of(x->arena, x->path) };
	p->root = promptfoo_yaml(p, x->path);
	if (!p->root)
		return false;
	x->variants = arena_array(x->arena, IMPORT_VARIANTS, sizeof(*x->variants));
	for (const struct yaml *c = p->root->first; c; c = c->next) {
		bool is = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			is |= c->key && strcmp(c->key, known[i]) == 0;
		if (c->key && !is && c->key[0] != '$')
			import_leave_out(x, "%.80s (line %zu)", c->key, c->key_line);
	}
	if (!yaml_get(p->root, "prompts"))
		return prompts_read(p);
	if (!promptfoo_tests(p))
		return false;
	providers_read(p);
	if (!prompts_read(p))
		return false;
	input_settle(p);
	import_note(x, "format", "promptfoo", "%zu tests, %zu variants out of prompts and providers", x->table.n_rows, x->n_variants);
	return true;
}
