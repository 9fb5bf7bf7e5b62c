/* grade_command.c - the user's program: JSON lines in, scores out (docs/scorers.md).
 *
 * A reply that repeats the number of its request says which one it answers, so it is kept at once and the program goes on running. Of
 * replies without it only the count can be checked, and only at the program's end: it is told that nothing follows, has to end, and what
 * it said is kept then. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "task/grades.h"
#include "task/mention.h"
#include "variant/grading_inner.h"

struct asked {
	struct grader *grader;
	const struct grading *list;
	size_t answered;
	struct reply { double score; char *why; } *held; /* (n) without their numbers, until their count is known to be right; why is ours */
	bool holds;
};

static json_t *input_json(const struct task *task, const struct example *e)
{
	json_t *input = json_object();

	for (size_t c = 0; c < task->n_columns; c++)
		json_object_set_new(input, task->columns[c], json_string(e->values[c]));
	return input;
}

static void add_line(struct buf *out, const struct task *task, const struct grading *g, size_t request)
{
	const struct example *e = g->item;
	json_t *line = json_pack("{s:I, s:s, s:s, s:o, s:s, s:s}", "request", (json_int_t)request, "id", e->id, "kind", task_kind_name(task->kind), "input", input_json(task, e),
				 "expected", e->answer, "answer", g->answer);

	if (e->n_answers > 1) {
		json_t *also = json_array();

		for (size_t i = 1; i < e->n_answers; i++)
			json_array_append_new(also, json_string(e->answers[i]));
		json_object_set_new(line, "also_expected", also);
	}
	char *text = json_dumps(line, JSON_COMPACT);

	buf_adds(out, text);
	buf_addc(out, '\n');
	free(text);
	json_decref(line);
}

/* "line 17 of its output, "nan", ..." */
static bool refuse(const struct asked *a, const char *line, const char *why, struct error *err)
{
	struct buf said = { 0 };

	mention_value(&said, line);
	error_set(err, "line %zu of its output, %s, %s", a->grader->lines, buf_text(&said), why);
	buf_release(&said);
	return false;
}

/* The score of a reply: a number, or an object with one. */
static bool read_score(const struct asked *a, const char *line, const json_t *reply, double *score, struct error *err)
{
	const json_t *number = json_is_object(reply) ? json_object_get(reply, "score") : reply;
	const json_t *request = json_object_get(reply, "request");

	if (request && json_integer_value(request) != (json_int_t)a->grader->lines)
		return refuse(a, line, "is about another request; replies come in the order of the requests, one a line", err);
	if (!json_is_number(number))
		return refuse(a, line, "has no score; a number from 0 to 1 is wanted, {\"score\": 0.5}, or {\"error\": \"...\"}", err);
	*score = json_number_value(number);
	if (!(*score >= 0 && *score <= 1))
		return refuse(a, line, "has a score outside 0 to 1", err);
	if (a->grader->workshop->task->outside.binary && *score > 0 && *score < 1)
		return refuse(a, line, "has a score that is neither 0 nor 1, and the scorer is declared binary", err);
	return true;
}

static bool take_reply(struct asked *a, const char *line, const json_t *reply, struct error *err)
{
	const char *why = json_string_value(json_object_get(reply, "why"));
	double score;

	if (!read_score(a, line, reply, &score, err))
		return false;
	if (!a->holds && json_object_get(reply, "request"))
		return grader_keep(a->grader, &a->list[a->answered], score, 0, why, err);
	a->held[a->answered] = (struct reply){ score, why ? mem_string(why) : NULL };
	a->holds = true;
	process_last(a->grader->program);
	return true;
}

static bool take_line(void *context, size_t i, const char *line, struct error *err)
{
	struct asked *a = context;
	json_t *reply = json_loads(line, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	const char *problem = json_string_value(json_object_get(reply, "error"));
	bool taken;

	(void)i;
	a->grader->lines++;
	if (!reply)
		taken = refuse(a, line, "is no JSON; a number from 0 to 1 is wanted, {\"score\": 0.5}, or {\"error\": \"...\"}", err);
	else if (problem)
		taken = error_set(err, "it says: %s", problem);
	else
		taken = take_reply(a, line, reply, err);
	a->answered += taken;
	json_decref(reply);
	return taken;
}

/* The program ended as it should have: what it said without numbers is in the order of the requests. */
static bool keep_held(struct asked *a, size_t n, struct error *err)
{
	bool kept = true;

	for (size_t i = 0; i < n && kept; i++)
		if (isnan(grades_find(a->grader->workshop->task->grades, a->list[i].key)))
			kept = grader_keep(a->grader, &a->list[i], a->held[i].score, 0, a->held[i].why, err);
	return kept;
}

static bool start(struct grader *g, struct error *err)
{
	const struct task *task = g->workshop->task;

	if (g->program)
		return true;
	g->lines = 0;
	g->program = process_start(task->scorer_setting, task->folder, err);
	return g->program || error_prefix(err, "%s: scorer \"%s\"", task->file, task->scorer_setting);
}

static bool ask(struct grader *g, struct asked *a, size_t n, struct error *err)
{
	const struct training_watch *watch = g->workshop->watch;
	struct buf text = { 0 };

	for (size_t i = 0; i < n; i++)
		add_line(&text, g->workshop->task, &a->list[i], g->lines + i + 1);
	struct process_talk talk = { .text = buf_text(&text), .bytes = text.n, .lines = n, .timeout_ms = g->workshop->task->outside.timeout_s * 1000,
				     .line = take_line, .stopped = watch ? watch->stopped : NULL, .context = a,
				     .stopped_context = watch ? watch->context : NULL };
	bool graded = process_talk(g->program, &talk, err) &&
		      (!a->holds || (process_finish(g->program, &talk, err) && keep_held(a, n, err)));

	buf_release(&text);
	return graded;
}

bool grade_by_command(struct grader *g, const struct grading *list, size_t n, struct error *err)
{
	struct asked asked = { g, list, 0, mem_zero(n, sizeof(*asked.held)), false };
	bool graded;

	if (!start(g, err)) {
		free(asked.held);
		return false;
	}
	graded = ask(g, &asked, n, err);
	if (!graded || asked.holds) {
		process_end(g->program);
		g->program = NULL;
	}
	for (size_t i = 0; i < n; i++)
		free(asked.held[i].why);
	free(asked.held);
	if (graded)
		return true;
	error_prefix(err, "%s: scorer \"%s\" has not graded item \"%s\"", g->workshop->task->file, g->workshop->task->scorer_setting,
		     list[asked.answered < n ? asked.answered : n - 1].item->id);
	mention_flatten(err->text);
	return false;
}
