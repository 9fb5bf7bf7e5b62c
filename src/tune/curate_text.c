/* curate_text.c - what was found, as a table or as JSON. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "task/mention.h"
#include "tune/curate_inner.h"
#include "tune/finetune.h"

enum { EXAMPLES_SHOWN = 3 };

static const char *const meanings[CURATE_REASONS] = {
	[CURATE_EMPTY] = "no words in the input",
	[CURATE_LEAK] = "nearly repeats a dev or test example, so that a score there would say what was memorised",
	[CURATE_CONFLICT] = "the same or nearly the same text with another answer",
	[CURATE_DUPLICATE] = "nearly repeats an earlier example of the pool",
	[CURATE_SUSPECT] = "a model that has not seen it believes another label",
	[CURATE_LONG] = "longer than a model reads",
};

static size_t count(const struct curation *c, enum curate_reason reason, enum curate_decision decision)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->findings[i].reason == reason && c->findings[i].decision == decision;
	return n;
}

static size_t dropped(const struct curation *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->findings[i].decision == CURATE_DROP;
	return n;
}

static void add_example(const struct task *task, const struct curate_finding *f, const struct template *input, struct arena *arena,
			struct buf *out)
{
	buf_addf(out, "               %s ", f->item->id);
	mention_value(out, curate_item_text(input, f->item, arena));
	if (curate_labels(task))
		buf_addf(out, ", %s", f->item->answer);
	if (f->near)
		buf_addf(out, ": %.0f %% like %s", 100 * f->score, f->near);
	if (f->suggested < task->n_labels)
		buf_addf(out, "%s %s?", f->near ? "," : ":", task->labels[f->suggested].name);
	if (f->reason == CURATE_SUSPECT)
		buf_addf(out, " (margin %.2f)", f->score);
	if (f->reason == CURATE_LONG)
		buf_addf(out, ": %.0f tokens", f->score);
	buf_addc(out, '\n');
}

static void add_reason(const struct task *task, const struct curation *c, enum curate_reason reason, const struct template *input,
		       struct arena *arena, struct buf *out)
{
	size_t kept = count(c, reason, CURATE_KEEP), left = count(c, reason, CURATE_DROP), shown = 0;
	size_t relabelled = count(c, reason, CURATE_RELABEL);

	buf_addf(out, "  %-10s %6zu %8zu %8zu   %s\n", curate_reason_name(reason), kept + left + relabelled, left, relabelled,
		 meanings[reason]);
	for (size_t i = 0; i < c->n && shown < EXAMPLES_SHOWN; i++)
		if (c->findings[i].reason == reason) {
			add_example(task, &c->findings[i], input, arena, out);
			shown++;
		}
}

void curate_text(const struct task *task, const struct curation *c, const char *path, struct buf *out)
{
	struct arena arena;
	size_t left = dropped(c);

	arena_init(&arena);
	const struct template *input = curate_template(task, &arena);

	buf_addf(out, "%s: fine-tuning learns from %zu of %zu pool examples (compared by %s)\n", task->name, c->pool - left, c->pool, c->by);
	buf_addf(out, "  %-10s %6s %8s %8s\n", "reason", "found", "dropped", "relabel");
	for (enum curate_reason r = 0; r < CURATE_REASONS; r++)
		add_reason(task, c, r, input, &arena, out);
	if (c->cut)
		buf_addf(out, "  the encoder reads the first %zu tokens of %zu inputs\n", c->limit, c->cut);
	if (c->too_long)
		buf_addf(out, "  LoRA leaves out %zu examples, whose prompts have more than %d tokens\n", c->too_long, TRAINED_TOKENS);
	if (c->note)
		buf_addf(out, "  note: %s\n", c->note);
	buf_addf(out, "  written to %s; change its column `decision` (keep, drop%s), and training follows it\n", path,
		 curate_labels(task) ? ", or relabel to what stands in `suggested`" : "");
	arena_release(&arena);
}

static json_t *finding_json(const struct task *task, const struct curate_finding *f)
{
	const char *suggested = f->suggested < task->n_labels ? task->labels[f->suggested].name : NULL;

	return json_pack("{s:s, s:I, s:s, s:f, s:s?, s:s, s:s?, s:s}", "id", f->item->id, "line", (json_int_t)f->item->line, "reason",
			 curate_reason_name(f->reason), "score", f->score, "near", f->near, "label", f->item->answer, "suggested",
			 suggested, "decision", curate_decision_name(f->decision));
}

void curate_json(const struct task *task, const struct curation *c, const char *path, struct buf *out)
{
	json_t *counts = json_object(), *findings = json_array();

	for (enum curate_reason r = 0; r < CURATE_REASONS; r++)
		json_object_set_new(counts, curate_reason_name(r),
				    json_pack("{s:I, s:I, s:I}", "keep", (json_int_t)count(c, r, CURATE_KEEP), "drop",
					      (json_int_t)count(c, r, CURATE_DROP), "relabel", (json_int_t)count(c, r, CURATE_RELABEL)));
	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(findings, finding_json(task, &c->findings[i]));
	json_t *root = json_pack("{s:s, s:I, s:I, s:s, s:o, s:I, s:I, s:I, s:s?, s:s, s:o}", "task", task->name, "pool",
				 (json_int_t)c->pool, "trained_on", (json_int_t)(c->pool - dropped(c)), "compared_by", c->by, "reasons",
				 counts, "encoder_limit", (json_int_t)c->limit, "cut", (json_int_t)c->cut, "too_long",
				 (json_int_t)c->too_long, "note", c->note, "file", path, "findings", findings);
	char *text = json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(6));

	buf_addf(out, "%s\n", text);
	free(text);
	json_decref(root);
}
