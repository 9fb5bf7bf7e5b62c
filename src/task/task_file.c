/* task_file.c - the keys of a task file are one table: name, kind of value, where it goes. A new key is a new row here
 * and a row in docs/task.md. */
#include "task/collected.h"
#include "task/task_file.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <strings.h>

#include "base/file.h"
#include "base/hash.h"
#include "task/mention.h"
#include "task/objects.h"
#include "task/scorer.h"
#include "task/style.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct reader {
	struct task_file *f;
	struct error *err;
};

enum value_kind { TEXT, FLAG, NUMBER, WHOLE, CHOICE, MAP, OWN, ANY };

struct range {
	double low, high;
	bool open; /* the ends are not allowed */
	const char *text;
};

static const struct range share = { 0, 1, true, "a number above 0 and below 1" };
static const struct range margin_range = { 0, 0.5, false, "a number from 0 to 0.5" };
static const struct range positive = { 0, 1e15, true, "a number above 0; leave the key out for no limit" };
static const struct range amount = { 0, 1e15, false, "a number, 0 or more" };
static const struct range rounds_range = { 1, REWRITE_ROUNDS_MOST, false, "a whole number from 1 to 10" };
static const struct range wordings_range = { 1, REWRITE_WORDINGS_MOST, false, "a whole number from 1 to 20" };
static const struct range whole_positive = { 0, 1e15, true, "a whole number above 0; leave the key out for no limit" };

/* One key of one map. `to` is an offset into the structure that the map fills. */
struct key {
	const char *name;
	enum value_kind kind;
	size_t to;
	const struct range *range;  /* NUMBER, WHOLE */
	const char *const *choices; /* CHOICE: NULL-terminated, in the order of the enum */
	const struct key *keys;     /* MAP: ends with a row without name; filled into the same structure */
	bool (*own)(struct reader *r, const struct yaml *node);
};

bool task_file_fail(const struct task_file *f, const struct yaml *node, struct error *err, const char *format, ...)
{
	char sentence[sizeof(err->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	mention_flatten(sentence);
	return error_set(err, "%s:%zu:%zu: %s", f->task.file, node ? node->line : 1, node ? node->column : 1, sentence);
}

/* What the node is, in a few words: `"wrok"`, `a list`, `nothing`. */
static void describe(struct buf *out, const struct yaml *node)
{
	if (yaml_is_null(node))
		buf_adds(out, "nothing");
	else if (node->type == YAML_TEXT)
		mention_value(out, node->text);
	else
		buf_adds(out, yaml_type_name(node->type));
}

/* A text that starts with {{ is a map to YAML: the one mistake everybody makes here. */
static bool braces_unquoted(const struct yaml *node)
{
	return node->type == YAML_MAP && node->first && node->first->type != YAML_LIST && node->n == 1;
}

static bool wants(struct reader *r, const struct yaml *node, const char *what)
{
	struct buf given = { 0 };

	describe(&given, node);
	task_file_fail(r->f, node, r->err, "%s wants %s, not %s%s", node->key ? node->key : "a list entry", what,
		       buf_text(&given),
		       braces_unquoted(node) ? "; a text that starts with {{ goes in quotes or under \"|\"" : "");
	buf_release(&given);
	return false;
}

static bool not_one_of(struct reader *r, const struct yaml *node, const char *const *names, size_t n)
{
	struct buf sentence = { 0 };

	buf_addf(&sentence, "%s ", node->key ? node->key : "entry");
	describe(&sentence, node);
	buf_adds(&sentence, " is not one of ");
	mention_names(&sentence, node->text, names, n);
	task_file_fail(r->f, node, r->err, "%s", buf_text(&sentence));
	buf_release(&sentence);
	return false;
}

static bool text_read(struct reader *r, const struct yaml *node, const char **to)
{
	if (node->type != YAML_TEXT || yaml_is_null(node))
		return wants(r, node, "a text");
	if (node->text[strspn(node->text, " \t\r\n")] == '\0')
		return wants(r, node, "a text that is not empty");
	*to = node->text;
	return true;
}

static bool flag_read(struct reader *r, const struct yaml *node, bool *to)
{
	bool on = strcasecmp(node->text, "true") == 0, off = strcasecmp(node->text, "false") == 0;

	if (node->type != YAML_TEXT || !node->plain || (!on && !off))
		return wants(r, node, "true or false");
	*to = on;
	return true;
}

static bool number_read(struct reader *r, const struct yaml *node, const struct range *range, double *to)
{
	char *end = NULL;
	double x;

	/* strtod would also take hexadecimal numbers, infinity and leading blanks. */
	if (node->type != YAML_TEXT || !node->plain || !node->text[0] ||
	    node->text[strspn(node->text, "+-.0123456789eE")] != '\0')
		return wants(r, node, range->text);
	x = strtod(node->text, &end);
	if (*end != '\0' || !isfinite(x) || x < range->low || x > range->high ||
	    (range->open && (x <= range->low || x >= range->high)))
		return wants(r, node, range->text);
	*to = x;
	return true;
}

static bool whole_read(struct reader *r, const struct yaml *node, const struct range *range, size_t *to)
{
	double x = 0;

	if (!number_read(r, node, range, &x))
		return false;
	if (x != floor(x))
		return wants(r, node, range->text);
	*to = (size_t)x;
	return true;
}

static bool choice_read(struct reader *r, const struct yaml *node, const char *const *choices, int *to)
{
	size_t n = 0;

	if (node->type != YAML_TEXT || yaml_is_null(node))
		return wants(r, node, "a name");
	for (; choices[n]; n++)
		if (strcmp(node->text, choices[n]) == 0) {
			*to = (int)n;
			return true;
		}
	return not_one_of(r, node, choices, n);
}

static bool map_read(struct reader *r, const struct yaml *map, const struct key *keys, void *into);

static bool value_read(struct reader *r, const struct yaml *node, const struct key *key, void *into)
{
	void *to = key->kind == OWN || key->kind == ANY ? NULL : (char *)into + key->to;

	switch (key->kind) {
	case TEXT:
		return text_read(r, node, to);
	case FLAG:
		return flag_read(r, node, to);
	case NUMBER:
		return number_read(r, node, key->range, to);
	case WHOLE:
		return whole_read(r, node, key->range, to);
	case CHOICE:
		return choice_read(r, node, key->choices, to);
	case MAP:
		return map_read(r, node, key->keys, into);
	case OWN:
		return key->own(r, node);
	case ANY:
		break;
	}
	return !yaml_is_null(node) || wants(r, node, "a value");
}

static bool unknown_key(struct reader *r, const struct yaml *node, const struct key *keys)
{
	const char *names[64];
	size_t n = 0;
	struct buf sentence = { 0 };
	struct yaml at = { .line = node->key_line, .column = node->key_column };

	for (; keys[n].name && n < COUNT(names); n++)
		names[n] = keys[n].name;
	buf_adds(&sentence, "unknown key ");
	mention_value(&sentence, node->key);
	buf_adds(&sentence, ", not one of ");
	mention_names(&sentence, node->key, names, n);
	task_file_fail(r->f, &at, r->err, "%s", buf_text(&sentence));
	buf_release(&sentence);
	return false;
}

static bool map_read(struct reader *r, const struct yaml *map, const struct key *keys, void *into)
{
	if (map->type != YAML_MAP)
		return wants(r, map, "a map of key: value");
	for (const struct yaml *c = map->first; c; c = c->next) {
		const struct key *key = keys;

		while (key->name && strcmp(key->name, c->key) != 0)
			key++;
		if (!key->name)
			return unknown_key(r, c, keys);
		if (!value_read(r, c, key, into))
			return false;
	}
	return true;
}

/* One text or a list of them. */
static bool texts_read(struct reader *r, const struct yaml *node, const char *const **to, size_t *n)
{
	const struct yaml *entry = node->type == YAML_LIST ? node->first : node;
	size_t count = node->type == YAML_LIST ? node->n : 1;
	const char **texts = arena_array(&r->f->task.arena, count, sizeof(*texts));

	if (count == 0)
		return wants(r, node, "a text or a list of at least one");
	if (node->type == YAML_MAP)
		return wants(r, node, "a text or a list of texts");
	for (size_t i = 0; i < count; i++, entry = entry->next)
		if (!text_read(r, entry, &texts[i]))
			return false;
	*to = texts;
	*n = count;
	return true;
}

static bool instruction_read(struct reader *r, const struct yaml *node)
{
	return texts_read(r, node, &r->f->task.instructions, &r->f->task.n_instructions);
}

static bool models_read(struct reader *r, const struct yaml *node)
{
	return texts_read(r, node, &r->f->task.models, &r->f->task.n_models);
}

static bool label_read(struct reader *r, const struct yaml *list, const struct yaml *entry, struct label *label)
{
	if (list->type == YAML_LIST)
		return text_read(r, entry, &label->name);
	label->name = entry->key;
	if (yaml_is_null(entry))
		return true;
	return text_read(r, entry, &label->definition);
}

static bool labels_read(struct reader *r, const struct yaml *node)
{
	struct label *labels = arena_array(&r->f->task.arena, node->n, sizeof(*labels));
	struct hash_map seen = { 0 };
	size_t i = 0;
	bool ok = true;

	if (node->type == YAML_TEXT)
		return wants(r, node, "a list of names, a map of name: definition, or {file: codes.tsv, name: COLUMN}");
	if (label_file_named(node))
		return label_file_read(r->f, node, r->err);
	if (node->n < 2)
		return task_file_fail(r->f, node, r->err, "labels has %zu, a choice needs at least 2", node->n);
	for (const struct yaml *c = node->first; c && ok; c = c->next, i++) {
		ok = label_read(r, node, c, &labels[i]);
		if (ok && hash_map_put(&seen, labels[i].name, strlen(labels[i].name), i) != i)
			ok = task_file_fail(r->f, c, r->err, "label \"%s\" stands twice; remove one", labels[i].name);
	}
	hash_map_release(&seen);
	r->f->task.labels = labels;
	r->f->task.n_labels = node->n;
	return ok;
}

#define VARIANT(member) .to = offsetof(struct task_variant, member)

static const struct key variant_keys[] = {
	{ "name", TEXT, VARIANT(name) },
	{ "incumbent", FLAG, VARIANT(incumbent) },
	{ "model", TEXT, VARIANT(model) },
	{ "system", TEXT, VARIANT(system) },
	{ "input", TEXT, VARIANT(input) },
	{ "schema", TEXT, VARIANT(schema_file) },
	{ "max_tokens", WHOLE, VARIANT(max_tokens), .range = &whole_positive },
	{ 0 },
};

const char *task_file_path(struct task_file *f, const char *name)
{
	if (name[0] == '/' || strcmp(f->task.folder, ".") == 0)
		return name;
	return arena_printf(&f->task.arena, "%s/%s", f->task.folder, name);
}

/* The text of the schema file that the node names; *file becomes its path. */
static bool schema_read(struct reader *r, const struct yaml *node, const char **file, const char **text)
{
	enum { MOST = 1 << 20 };
	struct error why;
	size_t n = 0;

	*file = task_file_path(r->f, *file);
	char *bytes = file_read(*file, MOST, &n, &why);

	if (!bytes)
		return task_file_fail(r->f, node, r->err, "schema: %s", why.text);
	*text = arena_copy(&r->f->task.arena, bytes, n);
	free(bytes);
	if (strlen(*text) != n)
		return task_file_fail(r->f, node, r->err, "schema: %s holds a NUL byte", *file);
	return true;
}

/* The schema of the task's answers; an inline one would lose how its numbers and texts are told apart. */
static bool task_schema_read(struct reader *r, const struct yaml *node)
{
	struct task *t = &r->f->task;

	if (node->type != YAML_TEXT)
		return task_file_fail(r->f, node, r->err, "schema wants the path of a JSON Schema file; write the schema into one");
	return text_read(r, node, &t->schema_file) && schema_read(r, node, &t->schema_file, &t->schema) &&
	       objects_compile(r->f, r->err);
}

static bool variant_read(struct reader *r, const struct yaml *entry, struct task_variant *variants, size_t i)
{
	struct task_variant *v = &variants[i];

	*v = (struct task_variant){ .model = "local", .line = entry->line };
	if (!map_read(r, entry, variant_keys, v))
		return false;
	if (!v->name)
		return task_file_fail(r->f, entry, r->err, "a variant needs a name");
	if (v->schema_file && !schema_read(r, yaml_get(entry, "schema"), &v->schema_file, &v->schema))
		return false;
	for (size_t j = 0; j < i; j++) {
		if (strcmp(v->name, variants[j].name) == 0)
			return task_file_fail(r->f, entry, r->err, "two variants are named \"%s\"; rename one",
					      v->name);
		if (v->incumbent && variants[j].incumbent)
			return task_file_fail(r->f, entry, r->err, "two variants are the incumbent, \"%s\" and \"%s\"; "
					      "only one is in use today", variants[j].name, v->name);
	}
	return true;
}

static bool variants_read(struct reader *r, const struct yaml *node)
{
	enum { MOST = 200 };
	struct task_variant *variants;
	size_t i = 0;

	if (node->type != YAML_LIST)
		return wants(r, node, "a list of maps");
	if (node->n > MOST)
		return task_file_fail(r->f, node, r->err, "%zu variants, more than the %d of one task", node->n, MOST);
	variants = arena_array(&r->f->task.arena, node->n, sizeof(*variants));
	for (const struct yaml *c = node->first; c; c = c->next)
		if (!variant_read(r, c, variants, i++))
			return false;
	r->f->task.variants = variants;
	r->f->task.n_variants = node->n;
	return true;
}

static bool document_paths_read(struct reader *r, const struct yaml *node)
{
	return texts_read(r, node, &r->f->task.documents.paths, &r->f->task.documents.n_paths);
}

static bool document_text_read(struct reader *r, const struct yaml *node)
{
	return texts_read(r, node, &r->f->task.documents.text, &r->f->task.documents.n_text);
}

static const struct key document_keys[] = {
	{ "file", OWN, .own = document_paths_read },
	{ "text", OWN, .own = document_text_read },
	{ "id", TEXT, .to = offsetof(struct task_documents, id) },
	{ 0 },
};

/* "local" is what stands without it. */
static bool embedding_read(struct reader *r, const struct yaml *node)
{
	const char *name;

	if (!text_read(r, node, &name))
		return false;
	r->f->task.embedding = strcmp(name, "local") == 0 ? NULL : name;
	return true;
}

static bool documents_read(struct reader *r, const struct yaml *node)
{
	if (node->type != YAML_MAP)
		return document_paths_read(r, node);
	if (!yaml_get(node, "file"))
		return task_file_fail(r->f, node, r->err, "documents needs file: the rows to search");
	if (!yaml_get(node, "text"))
		return task_file_fail(r->f, node, r->err, "documents needs text: the columns of a row that are searched");
	return map_read(r, node, document_keys, &r->f->task.documents);
}

static bool scorer_name_read(struct reader *r, const struct yaml *node)
{
	const char *names[32];
	size_t n = 0, rows;
	const struct scorer *table = scorer_all(&rows);

	for (size_t i = 0; i < rows && n < COUNT(names); i++)
		names[n++] = table[i].name;
	if (!text_read(r, node, &r->f->task.scorer))
		return false;
	if (scorer_is_outside(&r->f->task))
		return task_file_fail(r->f, node, r->err, "scorer %s has to say who grades: {%s}", node->text,
				      strcmp(node->text, "judge") == 0 ? "judge: MODEL" : "command: PROGRAM");
	if (strcmp(node->text, "citation") == 0)
		return task_file_fail(r->f, node, r->err, "no scorer grades citations: the report has their recall and precision beside every score. Grade "
				      "the answer itself, as contains or f1 do; `constraints: {citations: true}` rules out what cites nothing");
	for (size_t i = 0; i < n; i++)
		if (strcmp(node->text, names[i]) == 0)
			return true;
	return not_one_of(r, node, names, n);
}

static const struct key scorer_keys[] = {
	{ "regex", TEXT, .to = offsetof(struct task, scorer_setting) },
	{ "fields", TEXT, .to = offsetof(struct task, scorer_setting) },
	{ "judge", TEXT, .to = offsetof(struct task, scorer_setting) },
	{ "command", TEXT, .to = offsetof(struct task, scorer_setting) },
	{ "rubric", TEXT, .to = offsetof(struct task, outside.rubric) },
	{ "pairwise", FLAG, .to = offsetof(struct task, outside.pairwise) },
	{ "binary", FLAG, .to = offsetof(struct task, outside.binary) },
	{ "timeout_s", NUMBER, .to = offsetof(struct task, outside.timeout_s), .range = &positive },
	{ 0 },
};
static const char *const scorer_heads[] = { "regex", "fields", "judge", "command" }; /* the others belong to one of these */

/* Whether the scorer that is named has such a setting. */
static bool scorer_setting_fits(struct reader *r, const struct yaml *node)
{
	static const struct { const char *setting, *of; } rows[] = {
		{ "rubric", "judge" }, { "pairwise", "judge" }, { "binary", "judge" }, { "binary", "command" }, { "timeout_s", "command" },
	};
	const char *scorer = r->f->task.scorer;

	for (size_t i = 0; i < COUNT(scorer_heads); i++)
		if (strcmp(node->key, scorer_heads[i]) == 0)
			return true;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcmp(rows[i].setting, node->key) == 0 && strcmp(rows[i].of, scorer) == 0)
			return true;
	return task_file_fail(r->f, node, r->err, "%s is no setting of scorer %s; take it out", node->key, scorer);
}

static bool scorer_map_read(struct reader *r, const struct yaml *node)
{
	struct task *t = &r->f->task;
	size_t named = 0;

	for (const struct yaml *c = node->first; c; c = c->next)
		for (size_t i = 0; i < COUNT(scorer_heads); i++)
			if (strcmp(c->key, scorer_heads[i]) == 0) {
				t->scorer = scorer_heads[i];
				named++;
			}
	t->outside.timeout_s = 60;
	if (!map_read(r, node, scorer_keys, t))
		return false;
	if (named != 1)
		return task_file_fail(r->f, node, r->err, "scorer wants one of regex, fields, judge or command, not %zu",
				      named);
	for (const struct yaml *c = node->first; c; c = c->next)
		if (!scorer_setting_fits(r, c))
			return false;
	if (t->outside.pairwise && t->outside.binary)
		return task_file_fail(r->f, node, r->err, "scorer: pairwise grades are 0, 0.5 (a tie) and 1; take out binary");
	return true;
}

static bool scorer_read(struct reader *r, const struct yaml *node)
{
	struct buf why = { 0 };
	bool ok = node->type == YAML_MAP ? scorer_map_read(r, node) : scorer_name_read(r, node);

	if (ok && strcmp(r->f->task.scorer, "regex") == 0 && !scorer_pattern_valid(r->f->task.scorer_setting, &why))
		ok = task_file_fail(r->f, node, r->err, "scorer: %s", buf_text(&why));
	buf_release(&why);
	return ok;
}

#define FILE_(member) .to = offsetof(struct task_file, member)
#define TASK(member) .to = offsetof(struct task_file, task.member)

static const char *const kind_names[] = { "classify", "extract", "answer", "generate", NULL };
static const char *const plan_names[] = { "auto", "full", "early", NULL };
static const char *const climb_for_names[] = { "auto", "quality", "cost", "both", NULL };
_Static_assert(sizeof(enum task_kind) == sizeof(int) && sizeof(enum task_plan) == sizeof(int) &&
	       sizeof(enum task_climb_for) == sizeof(int), "choices are ints");

static const struct key examples_keys[] = {
	{ "file", TEXT, FILE_(examples) },
	{ "answer", TEXT, FILE_(answer) },
	{ "id", TEXT, FILE_(id) },
	{ "split", TEXT, FILE_(split) },
	{ "group", TEXT, FILE_(group) },
	{ "gold", TEXT, FILE_(gold) },
	{ "gold_ids", TEXT, FILE_(gold_ids) },
	{ "human", TEXT, FILE_(human) },
	{ "graded", TEXT, FILE_(graded) },
	{ 0 },
};

static const struct key traffic_keys[] = {
	{ "calls_per_day", NUMBER, TASK(traffic.calls_per_day), .range = &amount },
	{ "horizon_days", NUMBER, TASK(traffic.horizon_days), .range = &amount },
	{ "cost_per_error", NUMBER, TASK(traffic.cost_per_error), .range = &amount },
	{ "latency_p95_ms", NUMBER, TASK(traffic.latency_p95_ms), .range = &positive },
	{ 0 },
};

static const struct key constraint_keys[] = {
	{ "private", FLAG, TASK(constraints.private) },
	{ "citations", FLAG, TASK(constraints.citations) },
	{ 0 },
};

static const struct key budget_keys[] = {
	{ "usd", NUMBER, TASK(budget.usd), .range = &positive },
	{ "minutes", NUMBER, TASK(budget.minutes), .range = &positive },
	{ "calls", WHOLE, TASK(budget.calls), .range = &whole_positive },
	{ 0 },
};

static const struct key rewrite_keys[] = {
	{ "model", TEXT, TASK(rewrite.model) },
	{ "rounds", WHOLE, TASK(rewrite.rounds), .range = &rounds_range },
	{ "wordings", WHOLE, TASK(rewrite.wordings), .range = &wordings_range },
	{ 0 },
};

static const char *const of_names[] = { "all", "accepted", NULL };
_Static_assert(sizeof(enum cascade_of) == sizeof(int), "choices are ints");

static const struct key cascade_keys[] = {
	{ "risk", NUMBER, TASK(cascade.rule.level), .range = &share },
	{ "alpha", NUMBER, TASK(cascade.rule.alpha), .range = &share },
	{ "of", CHOICE, TASK(cascade.rule.of), .choices = of_names },
	{ "aside", NUMBER, TASK(cascade.share), .range = &share },
	{ 0 },
};

static const struct key task_keys[] = {
	{ "name", TEXT, TASK(name) },
	{ "kind", CHOICE, TASK(kind), .choices = kind_names },
	{ "instruction", OWN, .own = instruction_read },
	{ "input", TEXT, TASK(input) },
	{ "many", FLAG, TASK(many) },
	{ "labels", OWN, .own = labels_read },
	{ "examples", MAP, .keys = examples_keys },
	{ "collected", TEXT, TASK(collected_file) },
	{ "documents", OWN, .own = documents_read },
	{ "embedding", OWN, .own = embedding_read },
	{ "rerank", TEXT, TASK(rerank) },
	{ "variants", OWN, .own = variants_read },
	{ "models", OWN, .own = models_read },
	{ "scorer", OWN, .own = scorer_read },
	{ "schema", OWN, .own = task_schema_read },
	{ "pattern", TEXT, TASK(pattern) },
	{ "target", NUMBER, TASK(target), .range = &share },
	{ "margin", NUMBER, TASK(margin), .range = &margin_range },
	{ "alpha", NUMBER, TASK(alpha), .range = &share },
	{ "traffic", MAP, .keys = traffic_keys },
	{ "plan", CHOICE, TASK(plan), .choices = plan_names },
	{ "label_cost", NUMBER, TASK(label_cost), .range = &amount },
	{ "climb_for", CHOICE, TASK(climb_for), .choices = climb_for_names },
	{ "constraints", MAP, .keys = constraint_keys },
	{ "budget", MAP, .keys = budget_keys },
	{ "rewrite", MAP, .keys = rewrite_keys },
	{ "cascade", MAP, .keys = cascade_keys },
	{ 0 },
};

const char *task_kind_name(enum task_kind kind)
{
	return kind_names[kind];
}

/* many: true has kinds and scorers of its own. */
static bool many_fits(struct reader *r)
{
	const struct task *t = &r->f->task;
	const struct yaml *many = yaml_get(r->f->root, "many"), *scorer = yaml_get(r->f->root, "scorer");

	if (t->many && t->kind != TASK_CLASSIFY)
		return task_file_fail(r->f, many, r->err, "many: true belongs to kind: classify, not %s", task_kind_name(t->kind));
	if (!t->many && scorer && (strcmp(t->scorer, "set_f1") == 0 || strcmp(t->scorer, "exact_set") == 0))
		return task_file_fail(r->f, scorer, r->err, "scorer %s compares sets of labels; it needs many: true", t->scorer);
	return true;
}

/* Without traffic and days nothing pays for itself or does not. */
static bool traffic_fits(struct reader *r)
{
	const struct task *t = &r->f->task;
	bool given = t->traffic.calls_per_day > 0 && t->traffic.horizon_days > 0;

	if (given || t->climb_for == CLIMB_AUTO || t->climb_for == CLIMB_QUALITY)
		return true;
	return task_file_fail(r->f, yaml_get(r->f->root, "climb_for"), r->err, "climb_for: %s needs traffic: {calls_per_day: N, horizon_days: N}, "
			      "both above 0: costs are counted over them", climb_for_names[t->climb_for]);
}

/* Rows are added to it a line at a time. */
static bool collected_fits(struct reader *r)
{
	struct task *t = &r->f->task;
	const char *dot = t->collected_file ? strrchr(t->collected_file, '.') : NULL;

	if (t->collected_file && (!dot || strcmp(dot, ".jsonl") != 0))
		return task_file_fail(r->f, yaml_get(r->f->root, "collected"), r->err, "collected has to be a .jsonl, to which lines can be added, not "
				      "\"%.80s\"", t->collected_file);
	t->collected_file = task_file_path(r->f, t->collected_file ? t->collected_file : COLLECTED_FILE);
	return true;
}

static bool rewrite_fits(struct reader *r)
{
	const struct yaml *rewrite = yaml_get(r->f->root, "rewrite");

	if (!rewrite || r->f->task.rewrite.model)
		return true;
	return task_file_fail(r->f, rewrite, r->err, "rewrite needs model: the one that proposes wordings of the instruction, such as "
			      "{model: \"openai:gpt-4.1\"}");
}

/* What a cascade needs is one probability an answer. */
static bool cascade_fits(struct reader *r)
{
	const struct task *t = &r->f->task;
	const struct yaml *cascade = yaml_get(r->f->root, "cascade");

	if (!cascade || (t->kind == TASK_CLASSIFY && !t->many))
		return true;
	return task_file_fail(r->f, cascade, r->err, "cascade needs answers with one probability each, which kind: classify has, one label an item; not %s",
			      t->many ? "many: true" : task_kind_name(t->kind));
}

static bool needed(struct reader *r)
{
	const struct task_file *f = r->f;
	const struct yaml *examples = yaml_get(f->root, "examples");

	if (!f->task.n_instructions)
		return task_file_fail(f, NULL, r->err, "instruction is missing: what the model is told to do");
	if (!f->task.input)
		return task_file_fail(f, NULL, r->err, "input is missing: the text of an example, like \"{{text}}\"");
	if (!examples)
		return task_file_fail(f, NULL, r->err, "examples is missing: {file: emails.csv, answer: label}");
	if (!f->examples)
		return task_file_fail(f, examples, r->err, "examples needs file: a .jsonl, .json, .csv or .tsv");
	if (f->graded && !f->human)
		return task_file_fail(f, yaml_get(examples, "graded"), r->err, "graded names the answers that people graded; human: the column with "
				      "their grades is missing");
	if (!f->answer)
		return task_file_fail(f, examples, r->err, "examples needs answer: the column with the right answer");
	return true;
}

bool task_file_read(struct task_file *f, const char *bytes, size_t n, struct error *err)
{
	static const char *const local[] = { "local" };
	struct reader r = { f, err };

	f->task.margin = 0.05;
	f->task.alpha = 0.05;
	f->task.label_cost = NAN;
	f->task.rewrite = (struct task_rewrite){ .rounds = 1, .wordings = 4 };
	f->task.cascade = (struct task_cascade){ .rule = { .level = 0.05, .alpha = 0.05, .of = CASCADE_OF_ALL }, .share = 0.5 };
	f->task.models = local;
	f->task.n_models = 1;
	f->root = yaml_parse(&f->task.arena, bytes, n, f->task.file, err);
	if (!f->root)
		return false;
	if (f->root->type != YAML_MAP)
		return task_file_fail(f, f->root, err, "a task file is a map of key: value, not %s",
				      yaml_type_name(f->root->type));
	if (!map_read(&r, f->root, task_keys, f) || !needed(&r) || !many_fits(&r) || !traffic_fits(&r) || !collected_fits(&r) || !rewrite_fits(&r) || !cascade_fits(&r) || !objects_fit(f, err) ||
	    !style_fit(f, err))
		return false;
	f->task.cascade.wanted = yaml_get(f->root, "cascade") != NULL;
	f->task.has_target = yaml_get(f->root, "target") != NULL;
	if (!f->task.scorer)
		f->task.scorer = f->task.many ? "set_f1" : scorer_default(f->task.kind);
	return true;
}
