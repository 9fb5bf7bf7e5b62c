/* rewrite.c - what a rewriter is asked, and the variant that has what it proposed. */
#include "variant/rewrite.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "variant/workshop.h"

#define TEMPERATURE 0.7 /* as self-consistency samples (technique.c) */
enum { LABELS_LISTED = 100, SCHEMA_BYTES = 4000, REASON = 600, TOKENS_A_WORDING = 400 };

const char *variant_instruction(const struct task *task, const struct variant *v)
{
	return v->instruction ? v->instruction : task->instructions[v->wording];
}

struct variant variant_rewritten(const struct task *task, const struct variant *base, size_t number, const char *author, const char *text,
				 struct arena *arena)
{
	struct variant v = *base;

	v.id = arena_printf(arena, "%d/%s-rewritten-%zu@%s", v.rung, v.technique->id, number, v.model);
	v.name = arena_printf(arena, "%s, rewritten by %s, wording %zu", v.technique->name, author, number);
	v.instruction = text;
	v.skipped = NULL;
	v.recipe = hash64(text, strlen(text), hash64(v.id, strlen(v.id), task->fingerprint));
	return v;
}

/* --- what is said ------------------------------------------------------------------------------------------------------- */

static void add_labels(const struct task *task, struct buf *out)
{
	size_t n = task->n_labels < LABELS_LISTED ? task->n_labels : LABELS_LISTED;

	if (n == 0)
		return;
	buf_addf(out, "\n\nThe %s", task->many ? "labels, of which an input has one or several:" : "categories:");
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "\n- %s%s%s", task->labels[i].name, task->labels[i].definition ? ": " : "",
			 task->labels[i].definition ? task->labels[i].definition : "");
	if (n < task->n_labels)
		buf_addf(out, "\nand %zu more", task->n_labels - n);
}

/* What answers are like, beside labels. */
static void add_answers(const struct task *task, struct buf *out)
{
	if (task->schema)
		buf_addf(out, "\n\nAn answer is a JSON object under this schema:\n%.*s", SCHEMA_BYTES, task->schema);
	else if (task->pattern)
		buf_addf(out, "\n\nThe whole of an answer matches the pattern %s", task->pattern);
	else if (task->kind == TASK_ANSWER)
		buf_adds(out, "\n\nAn answer is a few words; where the right thing is not to answer, the expected answer is empty.");
}

/* The instruction was compiled: what is opened is closed. */
static void add_placeholders(const struct task *task, const char *instruction, struct buf *out)
{
	bool any = false;

	buf_adds(out, "\n\nWhat stands between double braces is filled in later.");
	for (const char *open = strstr(instruction, "{{"); open; open = strstr(open + 2, "{{")) {
		buf_adds(out, any ? ", " : " Every wording has to contain ");
		buf_add(out, open, (size_t)(strstr(open, "}}") + 2 - open));
		any = true;
	}
	buf_adds(out, any ? ", written just so." : "");
	if (task->n_labels > 0)
		buf_adds(out, " {{labels}} becomes the names, and {{definitions}} the names with their definitions.");
}

static json_t *cut_text(const char *text)
{
	return json_stringn(text, text_first(text, strlen(text), REWRITE_INPUT));
}

/* Under the name of its status stands what could not be read as an answer. */
static const char *case_json(const struct template *input, const struct rewrite_case *c, struct arena *arena)
{
	struct buf text = { 0 };

	template_render(input, c->item, &text);
	json_t *root = json_object();

	json_object_set_new(root, "input", cut_text(buf_text(&text)));
	json_object_set_new(root, "expected", cut_text(c->item->answer));
	if (c->answer)
		json_object_set_new(root, "answered", cut_text(c->answer));
	else
		json_object_set_new(root, c->status, c->reply ? cut_text(c->reply) : json_null());
	char *line = json_dumps(root, JSON_COMPACT);
	const char *copy = arena_string(arena, line);

	free(line);
	json_decref(root);
	buf_release(&text);
	return copy;
}

static void add_cases(const struct task *task, const struct rewrite_question *q, bool right, size_t *left, struct arena *arena,
		      struct buf *out)
{
	struct error impossible; /* task_open() compiled it */
	const struct template *input = template_compile(arena, task, task->input, "input", &impossible);
	bool any = false;

	for (size_t i = 0; i < q->n_cases; i++) {
		const char *line = q->cases[i].right == right ? case_json(input, &q->cases[i], arena) : NULL;

		if (!line || strlen(line) > *left)
			continue;
		*left -= strlen(line);
		if (!any)
			buf_adds(out, right ? "\n\nInputs that were answered rightly, and have to stay so:" : "\n\nInputs that were answered wrongly:");
		buf_addf(out, "\n%s", line);
		any = true;
	}
}

static void add_known(const struct rewrite_question *q, struct buf *out)
{
	bool any = false;

	for (size_t i = 1; i < q->n_known; i++) {
		if (strcmp(q->known[i], q->known[0]) == 0)
			continue;
		buf_adds(out, any ? "" : "\n\nWordings that were tried already, and are not to be proposed again:");
		buf_addf(out, "\n<<<\n%s\n>>>", q->known[i]);
		any = true;
	}
}

size_t rewrite_most(const struct task *task)
{
	size_t most = REWRITE_CHARACTERS;

	for (size_t i = 0; i < task->n_instructions; i++)
		most = 2 * strlen(task->instructions[i]) > most ? 2 * strlen(task->instructions[i]) : most;
	return most;
}

const char *rewrite_prompt(const struct task *task, const struct rewrite_question *q, struct arena *arena)
{
	const char *form = request_form(task, q->base->technique, arena);
	size_t left = REWRITE_BYTES;
	struct buf out = { 0 };

	buf_addf(&out, "You improve the instruction that is given to a language model. This is the instruction:\n<<<\n%s\n>>>",
		 variant_instruction(task, q->base));
	add_placeholders(task, variant_instruction(task, q->base), &out);
	add_labels(task, &out);
	add_answers(task, &out);
	if (form)
		buf_addf(&out, "\n\nBehind the instruction the prompt goes on, and that does not change:\n%s", form);
	add_cases(task, q, false, &left, arena, &out);
	add_cases(task, q, true, &left, arena, &out);
	add_known(q, &out);
	buf_addf(&out, "\n\nFind out what the instruction leaves unsaid: what tells apart answers that were confused, what to do in doubtful "
		 "cases, in which form to answer. Then write %zu new wording%s of the whole instruction under which such inputs, and others like "
		 "them, would be answered as expected. Say general rules; do not quote these inputs, and do not make a list of them. A wording has "
		 "at most %zu characters and is complete by itself; each goes about it in another way.\n\nWrite a JSON object: {\"reason\": "
		 "\"what was left unsaid\", \"wordings\": [\"...\"]}", q->wordings, q->wordings == 1 ? "" : "s", rewrite_most(task));
	const char *copy = arena_copy(arena, buf_text(&out), out.n);

	buf_release(&out);
	return copy;
}

/* --- asking -------------------------------------------------------------------------------------------------------------- */

static const char *reply_schema(const struct task *task, size_t wordings, struct arena *arena)
{
	json_t *root = json_pack("{s:s, s:{s:{s:s, s:i}, s:{s:s, s:{s:s, s:I}, s:i, s:I}}, s:[s, s]}", "type", "object", "properties", "reason",
				 "type", "string", "maxLength", REASON, "wordings", "type", "array", "items", "type", "string", "maxLength",
				 (json_int_t)rewrite_most(task), "minItems", 1, "maxItems", (json_int_t)wordings, "required", "reason",
				 "wordings");
	char *text = json_dumps(root, 0);
	const char *copy = arena_string(arena, text);

	free(text);
	json_decref(root);
	return copy;
}

bool rewrite_ask(struct workshop *w, const char *model, const struct rewrite_question *q, struct dev_items dev, struct arena *arena,
		 struct rewrite_reply *out, struct error *err)
{
	const struct message message = { MESSAGE_USER, rewrite_prompt(w->task, q, arena) };
	const struct model_request request = {
		.messages = &message, .n_messages = 1, .want = WANT_JSON, .schema = reply_schema(w->task, q->wordings, arena),
		.max_tokens = q->wordings * TOKENS_A_WORDING + REASON + (model_is_elsewhere(model) ? REWRITE_ROOM : 0),
		.max_context = models_max_context(w->models),
		.sampling = { .temperature = TEMPERATURE, .seed = w->seed & UINT32_MAX },
	};
	struct call_row call;

	if (!calls_ask(w, model, &request, 1, arena, &call, err))
		return false;
	rewrite_read(w->task, q, dev, call.output, arena, out);
	out->call = call.id;
	if (out->why && call.why)
		out->why = call.why;
	else if (out->why && strcmp(call.status, "ok") != 0)
		out->why = arena_printf(arena, "%s (%s)", out->why, call.status);
	return true;
}
