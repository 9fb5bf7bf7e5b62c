/* html_what_if.c - sliders over volume, horizon, the price of an error and the target, and the figures that script_costs.c needs to answer
 * them: what the cost equation takes of each candidate, and how the decision turns with the target. */
#include <jansson.h>
#include <math.h>

#include "base/arena.h"
#include "report/alternatives.h"
#include "report/escape.h"
#include "report/html.h"

static const double assumed_calls = 10000, assumed_days = 90; /* where the task says nothing */

bool html_has_what_if(const struct report *r)
{
	return r->decided.n > 0 && !r->underway; /* until then there is no verdict to ask what if of */
}

/* --- the figures ------------------------------------------------------------------------------------------------------ */

static json_t *real(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

static json_t *text(const char *s)
{
	struct buf clean = { 0 };

	escape_plain(&clean, s);
	json_t *value = json_string(buf_text(&clean));

	buf_release(&clean);
	return value;
}

static json_t *variant_value(const struct report_variant *v)
{
	const struct cost_rung *c = v->cost;
	double listed = cost_listed_usd(&c->call);
	json_t *o = json_object();
	const struct { const char *key; double value; } reals[] = {
		{ "score", c->quality }, { "low", c->quality_low }, { "high", c->quality_high }, { "listed", listed },
		{ "own", cost_call_usd(&c->call) - listed }, { "once", cost_once_usd(&c->setup) }, { "day", cost_day_usd(&c->daily) },
		{ "retraining", c->daily.retraining_usd }, { "every", c->daily.retrain_every_days },
		{ "retired", c->daily.retired_after_days }, { "rebuild", c->daily.rebuild_usd },
	};

	json_object_set_new(o, "id", text(v->id));
	json_object_set_new(o, "name", text(v->name));
	json_object_set_new(o, "model", v->model ? text(v->model) : json_null());
	json_object_set_new(o, "rung", json_integer(v->rung));
	json_object_set_new(o, "incumbent", json_boolean(v->incumbent));
	json_object_set_new(o, "ruled_out", json_boolean(v->ruled_out));
	for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++)
		json_object_set_new(o, reals[i].key, real(reals[i].value));
	return o;
}

static json_t *evidence_value(const struct report_evidence *list, size_t n)
{
	json_t *out = list ? json_array() : json_null();

	for (size_t i = 0; list && i < n * n; i++)
		json_array_append_new(out, json_pack("{s:b, s:b, s:o, s:o}", "better", list[i].better, "not_worse", list[i].not_worse, "delta",
						     real(list[i].delta), "high", real(list[i].high)));
	return out;
}

/* compared: whom each was compared with, which where costs count is its rival as well (costs.c). */
static json_t *alternative_value(const struct report *r, const struct report_alternative *a, const struct report_evidence *evidence, size_t n)
{
	json_t *compared = json_array();

	for (size_t i = 0; i < a->n_comparisons; i++)
		json_array_append_new(compared, json_pack("{s:o, s:o}", "from", text(a->comparisons[i].from), "to", text(a->comparisons[i].to)));
	return json_pack("{s:I, s:s, s:o, s:o}", "winner", (json_int_t)a->winner, "decision", verdict_kind_name(a->decision), "compared",
			 compared, "evidence", evidence_value(r->climb_for == CLIMB_FOR_QUALITY ? NULL : evidence, n));
}

static json_t *data_value(const struct report *r, const struct report_alternatives *a)
{
	json_t *variants = json_array(), *candidates = json_array();

	for (size_t i = 0; i < r->n_variants; i++)
		if (r->variants[i].cost && r->variants[i].test.n > 0)
			json_array_append_new(variants, variant_value(&r->variants[i]));
	for (size_t i = 0; i < a->n; i++)
		json_array_append_new(candidates, json_pack("{s:o, s:i, s:b, s:f, s:f}", "id", text(a->candidates[i].variant), "rung",
							    r->decided.candidates[i].rung, "incumbent",
							    r->decided.candidates[i].incumbent, "reaches", a->candidates[i].reaches,
							    "misses", a->candidates[i].misses));
	json_t *traffic = json_pack("{s:f, s:f, s:f, s:f}", "calls", r->calls_per_day > 0 ? r->calls_per_day : assumed_calls, "horizon",
				    r->horizon_days > 0 ? r->horizon_days : assumed_days, "error", fmax(0, r->traffic.usd_per_error),
				    "target", isnan(r->target) ? 0.0 : r->target);

	return json_pack("{s:f, s:s, s:o, s:o, s:o, s:I, s:o, s:o}", "margin", r->margin, "climb_for", climb_for_name(r->climb_for),
			 "traffic", traffic, "variants", variants, "candidates", candidates, "reference", (json_int_t)a->reference, "without", alternative_value(r, &a->without, a->evidence_without, a->n), "missed",
			 alternative_value(r, &a->missed, a->evidence_missed, a->n));
}

/* JSON in markup: what could end the element or begin an entity is written as an escape, which only strings can hold. */
static int append(const char *bytes, size_t n, void *out)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] == '<' || bytes[i] == '>' || bytes[i] == '&')
			buf_addf(out, "\\u%04x", (unsigned)bytes[i]);
		else
			buf_addc(out, bytes[i]);
	return 0;
}

static void add_data(struct buf *out, const struct report *r)
{
	struct arena arena;

	arena_init(&arena);
	const struct report_alternatives a = alternatives_of(&arena, r->decided.rule, r->decided.candidates, r->decided.n);
	json_t *value = data_value(r, &a);

	buf_adds(out, "<script id=\"what-if-data\" type=\"application/json\">");
	json_dump_callback(value, append, out, JSON_COMPACT | JSON_REAL_PRECISION(17));
	buf_adds(out, "</script>\n");
	json_decref(value);
	arena_release(&arena);
}

/* --- the section ------------------------------------------------------------------------------------------------------ */

static const struct { const char *id, *name, *range, *field; } controls[] = {
	{ "calls", "Calls a day", "min=\"0\" max=\"8\" step=\"0.05\"", "min=\"0.001\" step=\"any\"" },
	{ "horizon", "Horizon, days", "min=\"0\" max=\"3.3\" step=\"0.02\"", "min=\"0.001\" step=\"any\"" },
	{ "error", "Price of an error, $", "min=\"0\" max=\"80\" step=\"1\"", "min=\"0\" step=\"any\"" },
	{ "target", "Target (0: none)", "min=\"0\" max=\"199\" step=\"1\"", "min=\"0\" max=\"0.9999\" step=\"any\"" },
};

static void add_controls(struct buf *out)
{
	buf_adds(out, "<div class=\"sliders\">\n");
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
		buf_addf(out, "<p><label for=\"%s\">%s</label><input id=\"%s\" type=\"number\" inputmode=\"decimal\" %s/>"
			      "<input id=\"%s-range\" type=\"range\" aria-label=\"%s\" %s/></p>\n", controls[i].id, controls[i].name,
			      controls[i].id,
			 controls[i].field, controls[i].id, controls[i].name, controls[i].range);
	buf_adds(out, "<p><button id=\"what-if-reset\" type=\"button\">As measured</button></p>\n</div>\n");
}

void html_what_if(struct buf *out, const struct report *r)
{
	static const char *const headings[] = { "Candidate", "#$ per 1k calls", "#$ per 1k right", "#$ once", "#$ per day", "#$ in all",
						"#Days to break even", "#Cheaper from calls a day", "#Pays" };

	if (!html_has_what_if(r))
		return;
	buf_adds(out, "<section id=\"what-if\" hidden=\"hidden\">\n<h2>What if?</h2>\n");
	html_prose(out, "p class=\"note\"", "The same answers under other traffic, errors that cost, another target: nothing is "
		   "measured anew. `rung cost` gives the same figures and takes many more settings. A target or a traffic that is "
		   "chosen after looking is a what-if: the error "
		   "rate that was promised holds for the one that the task named.");
	if (r->calls_per_day <= 0 || r->horizon_days <= 0)
		html_prose(out, "p class=\"note\"", "The task names no traffic; what stands here at first is an example.");
	add_controls(out);
	buf_adds(out, "<div aria-live=\"polite\">\n<p id=\"what-if-verdict\" class=\"big\"></p>\n<p id=\"what-if-costs\"></p>\n</div>\n");
	html_open_table_of(out, "Costs of the candidates at these settings", headings, 9, "what-if-rows");
	html_close_table(out);
	add_data(out, r);
	buf_adds(out, "</section>\n<noscript><p class=\"note\">Where scripts run, sliders stand here that recompute this for other "
		      "traffic, errors that "
		      "cost and another target; `rung cost` answers the same.</p></noscript>\n");
}
