/* rewrite_read.c - what a rewriter's reply proposes, and what of it cannot be shown to a model. */
#include <jansson.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "schema/validator.h"
#include "task/template.h"
#include "variant/rewrite.h"

/* --- quotations ----------------------------------------------------------------------------------------------------------- */

/* A wording as duplicates are compared, and every run of REWRITE_QUOTED characters in it that the wording before it does not have. */
struct quoting {
	const char *text, *before;
	struct hash_map runs;
};

/* The end of the run of REWRITE_QUOTED characters that begins at `at`; NULL: the text ends before. */
static const char *run_end(const char *at)
{
	size_t n = 0;

	for (; *at && n < REWRITE_QUOTED; n++)
		for (at++; ((unsigned char)*at & 0xC0) == 0x80;)
			at++;
	return n == REWRITE_QUOTED ? at : NULL;
}

static bool begins_character(char c)
{
	return ((unsigned char)c & 0xC0) != 0x80;
}

static void quoting_begin(struct quoting *q, const char *text, const char *before)
{
	*q = (struct quoting){ .text = text, .before = before };
	for (const char *at = text, *end; (end = run_end(at)); at++)
		if (begins_character(*at) && !memmem(before, strlen(before), at, (size_t)(end - at)))
			hash_map_put(&q->runs, at, (size_t)(end - at), 1);
}

/* Whether the wording holds a run of the text; of a text shorter than a run, all of it. */
static bool quotes_text(const struct quoting *q, const char *text)
{
	const char *at = text, *end = run_end(text);

	if (!end)
		return text_first(text, strlen(text), REWRITE_WHOLE) < strlen(text) && text_find_words(q->text, text) &&
		       !text_find_words(q->before, text);
	for (; (end = run_end(at)); at++)
		if (begins_character(*at) && hash_map_get(&q->runs, at, (size_t)(end - at), 0))
			return true;
	return false;
}

static const char *input_normal(const struct template *input, const struct example *e, struct arena *arena)
{
	struct buf text = { 0 };

	template_values(input, e, &text);
	const char *normal = text_normal(arena, buf_text(&text), text.n);

	buf_release(&text);
	return normal;
}

/* The item whose input, or whose answer where that is no label, the wording quotes; NULL: none. */
static const struct example *quoted(const struct task *task, const struct quoting *q, struct item_list items, struct arena *arena)
{
	struct error impossible; /* task_open() compiled it */
	const struct template *input = template_compile(arena, task, task->input, "input", &impossible);

	for (size_t i = 0; i < items.n; i++) {
		const struct example *e = items.items[i];

		if (quotes_text(q, input_normal(input, e, arena)) ||
		    (task->kind != TASK_CLASSIFY && quotes_text(q, text_normal(arena, e->answer, strlen(e->answer)))))
			return e;
	}
	return NULL;
}

static const char *why_quoted(const struct task *task, const struct rewrite_question *q, const char *text, struct item_list items,
			      struct arena *arena)
{
	const char *base = variant_instruction(task, q->base);
	struct quoting quoting;

	quoting_begin(&quoting, text_normal(arena, text, strlen(text)), text_normal(arena, base, strlen(base)));
	const struct example *e = quoted(task, &quoting, items, arena);

	hash_map_release(&quoting.runs);
	return e ? arena_printf(arena, "it quotes the item %s", e->id) : NULL;
}

/* --- the other reasons ---------------------------------------------------------------------------------------------------- */

/* A proposal shows what the instruction showed: no column is lost, and none comes in, which might be the one with the answer. */
static const char *why_template(const struct task *task, const struct rewrite_question *q, const char *text, struct arena *arena)
{
	struct error why;
	const struct template *from = template_compile(arena, task, variant_instruction(task, q->base), "", &why);
	const struct template *to = template_compile(arena, task, text, "its text", &why);
	const char *lost = to ? template_lost(from, to) : NULL;

	if (!to)
		return arena_string(arena, why.text);
	if (lost)
		return arena_printf(arena, "it lacks {{%s}}", lost);
	for (size_t i = 0; i < task->n_columns; i++)
		if (template_uses(to, i) && !template_uses(from, i))
			return arena_printf(arena, "it shows {{%s}}, which the instruction does not", task->columns[i]);
	return NULL;
}

static bool same_normal(const char *a, const char *b, struct arena *arena)
{
	return strcmp(text_normal(arena, a, strlen(a)), text_normal(arena, b, strlen(b))) == 0;
}

static const char *why_known(const struct rewrite_question *q, const char *text, const struct rewrite_reply *before, struct arena *arena)
{
	for (size_t i = 0; i < q->n_known; i++)
		if (same_normal(text, q->known[i], arena))
			return "it was tried already";
	for (size_t i = 0; i < before->n; i++)
		if (same_normal(text, before->proposals[i].text, arena))
			return "it says what another proposal says";
	return NULL;
}

static const char *why_dropped(const struct task *task, const struct rewrite_question *q, const char *text, struct dev_items dev,
			       const struct rewrite_reply *before, struct arena *arena)
{
	size_t most = rewrite_most(task);
	const char *why;

	if (text[0] == '\0')
		return "it is empty";
	if (text_first(text, strlen(text), most) < strlen(text))
		return arena_printf(arena, "it is longer than %zu characters", most);
	if ((why = why_template(task, q, text, arena)) || (why = why_known(q, text, before, arena)))
		return why;
	return why_quoted(task, q, text, dev.list, arena);
}

static const char *trimmed(const char *text, struct arena *arena)
{
	static const char blanks[] = " \t\r\n";
	size_t n;

	text += strspn(text, blanks);
	n = strlen(text);
	while (n > 0 && strchr(blanks, text[n - 1]))
		n--;
	return arena_copy(arena, text, n);
}

void rewrite_read(const struct task *task, const struct rewrite_question *q, struct dev_items dev, const char *reply, struct arena *arena,
		  struct rewrite_reply *out)
{
	json_t *object = reply ? validator_find_object(reply) : NULL, *wordings = json_object_get(object, "wordings"), *entry;
	size_t i;

	*out = (struct rewrite_reply){ .proposals = arena_array(arena, q->wordings + 1, sizeof(*out->proposals)) };
	json_array_foreach(wordings, i, entry) {
		if (!json_is_string(entry) || out->n == q->wordings)
			continue;
		const char *text = trimmed(json_string_value(entry), arena);

		out->proposals[out->n] = (struct rewrite_proposal){ text, why_dropped(task, q, text, dev, out, arena) };
		out->n++;
	}
	if (out->n == 0)
		out->why = "its reply holds no list of wordings";
	json_decref(object);
}
