/* style.c - patterns of house styles: checked when the task is read, compiled anew for each answer (microseconds). */
#include "task/style.h"

#include <string.h>

#include "schema/pattern.h"
#include "schema/pattern_groups.h"
#include "task/mention.h"

static bool blank(char c)
{
	return c && strchr(" \t\r\n\f\v", c);
}

static bool match(const struct pattern_groups *p, const char *text, size_t n, struct group_span *spans)
{
	return p && pattern_groups_match(p, text, n, spans);
}

const char *style_whole(const char *pattern, struct arena *arena)
{
	return arena_printf(arena, "^(?:%s)$", pattern);
}

/* The text without the white space around it. */
static const char *stripped(const char *text, size_t *n)
{
	for (; blank(text[0]); text++)
		;
	for (*n = strlen(text); *n > 0 && blank(text[*n - 1]); --*n)
		;
	return text;
}

bool style_matches(const char *pattern, const char *text)
{
	struct error ignored;
	struct pattern_groups *p = pattern_groups_new(pattern, strlen(pattern), &ignored);
	size_t n;

	text = stripped(text, &n);
	bool matches = match(p, text, n, NULL);

	pattern_groups_free(p);
	return matches;
}

double style_f1(const char *pattern, const char *want, size_t n_want, const char *got, size_t n_got)
{
	struct error ignored;
	struct pattern_groups *p = pattern ? pattern_groups_new(pattern, strlen(pattern), &ignored) : NULL;
	struct group_span a[PATTERN_GROUPS], b[PATTERN_GROUPS];
	size_t common = 0, both = 0;
	bool fits = match(p, want, n_want, a) && match(p, got, n_got, b);

	for (size_t i = 0; fits && i < pattern_groups_count(p); i++) {
		size_t n = a[i].end - a[i].start, m = b[i].end - b[i].start;

		both += (n > 0 ? 1u : 0u) + (m > 0 ? 1u : 0u);
		common += n > 0 && n == m && memcmp(want + a[i].start, got + b[i].start, n) == 0;
	}
	pattern_groups_free(p);
	if (!fits)
		return 0;
	return both > 0 ? 2 * (double)common / (double)both : 1;
}

/* Compiles in both ways in which a pattern is used, as it is and as a schema's; groups: how many it has. */
static bool compiles(struct task_file *f, const struct yaml *node, const char *pattern, size_t *groups, struct error *err)
{
	struct error why;
	struct pattern_groups *p = pattern_groups_new(pattern, strlen(pattern), &why);
	const char *whole = style_whole(pattern, &f->task.arena);
	struct pattern *automaton = p ? pattern_new(whole, strlen(whole), &why) : NULL;
	bool ok = automaton != NULL;

	*groups = p ? pattern_groups_count(p) : 0;
	pattern_groups_free(p);
	pattern_free(automaton);
	return ok || task_file_fail(f, node, err, "%s: %s; docs/schema.md says what patterns may hold", node->key, why.text);
}

/* What only kind generate has; the scorer that its fields ask for. */
bool style_fit(struct task_file *f, struct error *err)
{
	struct task *t = &f->task;
	const struct yaml *pattern = yaml_get(f->root, "pattern"), *scorer = yaml_get(f->root, "scorer");
	const struct yaml *labels = yaml_get(f->root, "labels");
	bool fields = scorer && strcmp(t->scorer, "fields") == 0;
	size_t groups = 0;

	if (pattern && t->kind != TASK_GENERATE)
		return task_file_fail(f, pattern, err, "pattern belongs to kind: generate, not %s", task_kind_name(t->kind));
	if (pattern && t->schema)
		return task_file_fail(f, pattern, err, "pattern is for text and schema for JSON; take one of them out");
	if (labels && t->kind == TASK_GENERATE)
		return task_file_fail(f, labels, err, "labels belong to kind: classify, not generate");
	if (fields && (t->kind != TASK_GENERATE || t->schema))
		return task_file_fail(f, scorer, err, "scorer fields belongs to kind: generate without a schema");
	if (pattern && !compiles(f, pattern, t->pattern, &groups, err))
		return false;
	if (!scorer && t->kind == TASK_GENERATE && (t->schema || groups > 0))
		t->scorer = t->schema ? "json" : "fields";
	if (!t->scorer || strcmp(t->scorer, "fields") != 0)
		return true;
	if (t->scorer_setting && !compiles(f, yaml_get(scorer, "fields"), t->scorer_setting, &groups, err))
		return false;
	if (groups == 0)
		return task_file_fail(f, scorer, err, "scorer fields compares the groups ( ) of a pattern, and there is none: scorer: "
				      "{fields: \"...\"}, or pattern: for the whole task");
	if (!t->scorer_setting)
		t->scorer_setting = t->pattern;
	return true;
}

/* Whether the example's answer matches; whose: "pattern", or "scorer". */
static bool answer_fits(struct examples *x, const struct example *e, const char *pattern, const char *whose)
{
	if (!pattern || style_matches(pattern, e->answer))
		return true;
	struct error ignored;
	struct pattern_groups *p = pattern_groups_new(pattern, strlen(pattern), &ignored);
	size_t n;
	const char *text = stripped(e->answer, &n);
	size_t reach = pattern_groups_reach(p, text, n);
	struct buf rest = { 0 };

	pattern_groups_free(p);
	mention_value(&rest, text + reach);
	if (reach < n)
		table_fail(&x->table, e->line, x->err, "the answer (column \"%s\") does not match %s of %s from byte %zu on: %s", x->f->answer,
			   whose, x->f->task.file, reach, buf_text(&rest));
	else
		table_fail(&x->table, e->line, x->err, "the answer (column \"%s\") does not match %s of %s: it ends too early", x->f->answer,
			   whose, x->f->task.file);
	buf_release(&rest);
	return false;
}

bool style_check(struct examples *x, const struct example *e)
{
	const struct task *t = &x->f->task;

	return answer_fits(x, e, t->pattern, "pattern") &&
	       answer_fits(x, e, strcmp(t->scorer, "fields") == 0 ? t->scorer_setting : NULL, "scorer");
}
