/* board_history.c - what answered a task, from when on and why, with the numbers behind each step. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure.h"
#include "report/html.h"
#include "serve/board_inner.h"

static const struct {
	const char *event, *class_name, *words;
} events[] = {
	{ "first", "good", "serves: nothing did before" },
	{ "trial", "", "goes on trial: it answers a share of the calls, drawn by chance" },
	{ "shadow", "", "goes on trial in the shadow: it is asked as well, and not shown" },
	{ "promoted", "good", "is promoted: it serves from here on" },
	{ "ended", "bad", "leaves: its trial is over" },
	{ "replaced", "good", "serves, without a trial" },
	{ "demoted", "bad", "is demoted: it has fallen below what it did" },
	{ "restored", "good", "serves again" },
	{ "fallen", "bad", "has fallen, and goes on: there is nobody to go back to" },
	{ "paid", "good", "has paid back its one-off costs" },
};

static size_t event_of(const char *name)
{
	size_t n = sizeof(events) / sizeof(events[0]), i = 0;

	while (i < n && strcmp(events[i].event, name) != 0)
		i++;
	return i;
}

/* ---- evidence ---- */

enum form { COUNT, SHARE, NUMBER };

static void add_value(struct buf *out, const char *name, const json_t *value, enum form form)
{
	double x = json_is_number(value) ? json_number_value(value) : NAN;

	if (isnan(x))
		return;
	buf_addf(out, "<div><dt>%s</dt><dd>%s</dd></div>\n", name,
		 form == COUNT ? figure_count((size_t)x).text : form == SHARE ? figure_percent(x).text : figure_number(x).text);
}

static void add_record(struct buf *out, const json_t *evidence, const char *key, const char *scored, const char *mean)
{
	const json_t *record = json_object_get(evidence, key);

	add_value(out, scored, json_object_get(record, "scored"), COUNT);
	add_value(out, mean, json_object_get(record, "mean"), SHARE);
}

/* What standing_write() wrote. */
static void add_evidence(struct buf *out, const char *text)
{
	json_t *e = text ? json_loads(text, 0, NULL) : NULL;
	const json_t *failures = json_object_get(e, "failures");

	if (!json_is_object(e)) {
		json_decref(e);
		return;
	}
	buf_adds(out, "<details><summary>The numbers</summary>\n<dl class=\"plain\">\n");
	add_record(out, e, "challenger", "scored calls of the one on trial", "their mean score");
	add_record(out, e, "serving_in_trial", "scored calls beside them of who serves", "their mean score");
	add_record(out, e, "serving", "scored calls of who serves, in all", "their mean score");
	add_value(out, "evidence (e-value) that it is not worse by the margin", json_object_get(e, "e_not_worse"), NUMBER);
	add_value(out, "evidence that it is worse", json_object_get(e, "e_worse"), NUMBER);
	add_value(out, "evidence that it fails more often", json_object_get(e, "e_failing"), NUMBER);
	add_value(out, "failures of who serves", json_array_get(failures, 0), COUNT);
	add_value(out, "failures of the one on trial", json_array_get(failures, 1), COUNT);
	add_value(out, "level of the detector of a fall", json_object_get(e, "fallen"), NUMBER);
	add_value(out, "scored calls without a false alarm, at least", json_object_get(e, "run_length"), NUMBER);
	add_value(out, "mean score that it is held against", json_object_get(e, "baseline"), SHARE);
	add_value(out, "mean score that it has to keep", json_object_get(e, "floor"), SHARE);
	add_value(out, "alpha", json_object_get(e, "alpha"), NUMBER);
	add_value(out, "margin", json_object_get(e, "margin"), NUMBER);
	buf_adds(out, "</dl>\n</details>\n");
	json_decref(e);
}

/* ---- turns ---- */

static void add_why(struct buf *out, const char *why)
{
	struct buf sentence = { 0 };

	buf_addf(&sentence, "Why: %s.", why);
	html_element(out, "p", buf_text(&sentence));
	buf_release(&sentence);
}

/* A climb's key without its settings. */
static void add_climb(struct buf *out, const char *run)
{
	const char *settings = strstr(run, " {");
	struct buf name = { 0 };

	buf_add(&name, run, settings ? (size_t)(settings - run) : strlen(run));
	escape_markup(out, buf_text(&name));
	buf_release(&name);
}

/* Why, and by which numbers, is of all tenants: it is for who sees all. */
static void add_turn(struct buf *out, const struct board_view *v, const struct served_turn *t)
{
	const char *const pairs[] = { "task", t->task, "verdict", t->verdict, NULL };
	size_t event = event_of(t->event);
	bool known = event < sizeof(events) / sizeof(events[0]);

	buf_addf(out, "<li class=\"%s\"><h3>", known ? events[event].class_name : "");
	html_name(out, t->event);
	buf_adds(out, "</h3> <small>");
	board_add_time(out, t->at_ms);
	buf_adds(out, " UTC</small>\n<p>");
	board_add_link(out, "/calls", pairs, t->variant);
	buf_addf(out, " %s", known ? events[event].words : "");
	if (t->share > 0 && t->share < 1)
		buf_addf(out, " (%s)", figure_share(t->share).text);
	buf_adds(out, ".</p>\n");
	if (!v->viewer.tenant) {
		add_why(out, t->why);
		add_evidence(out, t->evidence);
	}
	buf_adds(out, "<p class=\"note\">verdict <code>");
	escape_markup(out, t->verdict);
	buf_adds(out, "</code>, of the climb <code>");
	add_climb(out, t->run);
	buf_adds(out, "</code></p></li>\n");
}

static void add_tasks(struct buf *out, const struct board_view *v)
{
	buf_adds(out, "<ul class=\"spans\">\n");
	for (size_t i = 0; i < v->n_models; i++) {
		const char *const pairs[] = { "task", v->models[i].name, NULL };

		if (!v->models[i].by)
			continue;
		buf_adds(out, "<li>");
		board_add_link(out, "/history", pairs, v->models[i].name);
		buf_adds(out, "</li>\n");
	}
	buf_adds(out, "</ul>\n");
}

void board_write_history(struct buf *out, const struct board_view *v, const struct served_turn *turns, size_t n)
{
	board_open_page(out, v, "History");
	buf_adds(out, "<h1>Which verdict answers");
	if (v->query.task) {
		buf_adds(out, " <small>");
		html_name(out, v->query.task);
		buf_adds(out, ", the newest first</small>");
	}
	buf_adds(out, "</h1>\n");
	add_tasks(out, v);
	if (!v->query.task)
		html_element(out, "p", "Choose a task.");
	else if (n == 0)
		html_element(out, "p class=\"note\"", "Nothing has served it yet.");
	else
		html_prose(out, "p class=\"note\"", "`rung report TASK` and `rung view TASK` show the last climb whole: its ladder, comparisons and costs.");
	buf_adds(out, "<ol class=\"events\">\n");
	for (size_t i = n; i-- > 0;)
		add_turn(out, v, &turns[i]);
	buf_adds(out, "</ol>\n");
	board_close_page(out);
}
