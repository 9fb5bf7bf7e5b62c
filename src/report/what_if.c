/* what_if.c - the table, the sentences below it, and the JSON. */
#include "report/what_if.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "report/columns.h"
#include "report/escape.h"
#include "report/figure.h"

static const struct { const char *heading; int width; } columns[] = {
	{ "$/1k calls", 10 }, { "$/1k right", 10 }, { "once", 9 }, { "a day", 9 }, { "in all", 10 }, { "days back", 9 }, { "calls/day", 9 },
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* En dashes are one column and three bytes. */
static void add_right(struct buf *out, const char *text, size_t width)
{
	size_t used = columns_width(text, strlen(text));

	buf_addf(out, "  %*s%s", used < width ? (int)(width - used) : 0, "", text);
}

static struct figure calls_figure(const struct cost_summary *s)
{
	static const struct figure any = { "any" }, never = { "never" }, none = { "\u2013" };
	const struct cost_tip *t = &s->calls;

	return t->side == COST_ABOVE ? figure_number(t->at) : t->side == COST_ALWAYS ? any : t->side == COST_UNKNOWN ? none : never;
}

static void add_row(struct buf *out, const struct what_if *w, const struct cost_summary *s, size_t width)
{
	const struct figure cells[COLUMNS] = {
		figure_usd(s->usd_per_1k_calls), figure_usd(s->usd_per_1k_right), figure_usd(s->one_off_usd), figure_usd(s->per_day_usd),
		figure_usd(s->total_usd), figure_days(s->break_even_days), calls_figure(s),
	};
	size_t used = columns_width(s->rung->name, strlen(s->rung->name));

	escape_name(out, s->rung->name);
	buf_addf(out, "%*s", used < width ? (int)(width - used) : 0, "");
	for (size_t i = 0; i < COLUMNS; i++)
		add_right(out, cells[i].text, (size_t)columns[i].width);
	buf_adds(out, w->winner && strcmp(w->winner, s->rung->name) == 0 ? "  winner\n" : "\n");
}

static void add_table(struct buf *out, const struct what_if *w)
{
	size_t width = 0;

	for (size_t i = 0; i < w->n; i++) {
		size_t n = columns_width(w->rows[i].rung->name, strlen(w->rows[i].rung->name));

		width = n > width ? n : width;
	}
	buf_addf(out, "%*s", (int)width, "");
	for (size_t i = 0; i < COLUMNS; i++)
		add_right(out, columns[i].heading, (size_t)columns[i].width);
	buf_addc(out, '\n');
	for (size_t i = 0; i < w->n; i++)
		add_row(out, w, &w->rows[i], width);
}

static void say_traffic(struct buf *out, const struct cost_traffic *t)
{
	buf_addf(out, "%s calls a day", figure_number(t->calls_per_day).text);
	if (t->calls_low < t->calls_high)
		buf_addf(out, " (%s to %s)", figure_number(t->calls_low).text, figure_number(t->calls_high).text);
	buf_addf(out, " over %s days", figure_number(t->horizon_days).text);
	if (t->usd_per_error > 0)
		buf_addf(out, "; a wrong answer costs %s", figure_usd(t->usd_per_error).text);
	if (t->price_decline > 0)
		buf_addf(out, "; list prices fall by %s a year", figure_share(t->price_decline).text);
	buf_addc(out, '\n');
}

/* --- sentences ------------------------------------------------------------------------------------------------------- */

static void add_names(struct buf *out, const struct cost_summary *s, const char *between)
{
	escape_name(out, s->rung->name);
	buf_adds(out, between);
	escape_name(out, s->rival->name);
}

static double a_day(const struct cost_rung *r, const struct cost_traffic *t)
{
	return cost_running_usd(r, t->calls_per_day) + (t->usd_per_error > 0 ? t->calls_per_day * (1 - r->quality) * t->usd_per_error : 0);
}

static void say_saving(struct buf *out, const struct cost_summary *s, const struct cost_traffic *t)
{
	double saved = a_day(s->rival, t) - a_day(s->rung, t);
	const char *errors = t->usd_per_error > 0 ? ", errors counted" : "";

	if (isnan(saved))
		return;
	add_names(out, s, " instead of ");
	buf_addf(out, " %s %s a day%s. ", saved >= 0 ? "saves" : "costs another", figure_usd(fabs(saved)).text, errors);
}

static void say_days(struct buf *out, const struct cost_summary *s)
{
	double once = s->one_off_usd - cost_once_usd(&s->rival->setup);
	double worst = s->days_at[COST_PESSIMISTIC], best = s->days_at[COST_OPTIMISTIC];

	if (isnan(s->break_even_days))
		return;
	if (isinf(s->break_even_days))
		buf_adds(out, "It never pays back");
	else if (s->break_even_days <= 0)
		buf_adds(out, "There is nothing to pay back");
	else
		buf_addf(out, "The %s spent once are back in %s days", figure_usd(once).text, figure_days(s->break_even_days).text);
	if (isfinite(worst) != isfinite(best) || fabs(worst - best) > 0.005 * fabs(worst))
		buf_addf(out, " (%s at the pessimistic end, %s at the optimistic one)", figure_days(worst).text, figure_days(best).text);
	buf_adds(out, ". ");
}

static void say_retirement(struct buf *out, const struct cost_summary *s, const struct cost_traffic *t)
{
	double left = s->rung->daily.retired_after_days;

	if (left >= t->horizon_days)
		return;
	if (left <= 0)
		buf_adds(out, "Its base model is retired already. ");
	else
		buf_addf(out, "Its base model is retired in %s days, %s. ", figure_number(left).text,
			 s->break_even_days < left ? "after it has paid" : "before it has");
}

static void say_verdict(struct buf *out, const struct cost_summary *s, const struct cost_traffic *t)
{
	if (isfinite(s->break_even_days) && !s->pays && s->break_even_days < t->horizon_days)
		buf_adds(out, "At the pessimistic end it does not pay within the horizon, so climb for quality or not at all. ");
	else if (isfinite(s->break_even_days) && !s->pays)
		buf_adds(out, "That is beyond the horizon. ");
}

static void say_calls(struct buf *out, const struct cost_tip *t)
{
	if (t->side == COST_ABOVE)
		buf_addf(out, "It is the cheaper one above %s calls a day. ", figure_number(t->at).text);
	else if (t->side == COST_BELOW && t->at >= 1)
		buf_addf(out, "It is the cheaper one below %s calls a day. ", figure_number(t->at).text);
	else if (t->side == COST_NEVER || t->side == COST_BELOW)
		buf_adds(out, "No volume makes it the cheaper one. ");
}

static void say_price(struct buf *out, const struct cost_summary *s)
{
	if (s->price.side != COST_ABOVE)
		return;
	buf_adds(out, "Both cost the same when the prices of ");
	escape_name(out, s->rival->name);
	buf_addf(out, " come to %s of today's. ", figure_share(s->price.at).text);
}

static void say_quality(struct buf *out, const struct cost_tip *t)
{
	if (t->side == COST_ABOVE)
		buf_addf(out, "It needs %s right answers to cost as little. ", figure_percent(t->at).text);
	else if (t->side == COST_NEVER)
		buf_adds(out, "Not even without an error would it cost as little. ");
}

static void say_row(struct buf *out, const struct what_if *w, const struct cost_summary *s)
{
	if (!s->rival)
		return;
	say_saving(out, s, &w->traffic);
	say_days(out, s);
	say_verdict(out, s, &w->traffic);
	say_retirement(out, s, &w->traffic);
	say_calls(out, &s->calls);
	say_price(out, s);
	say_quality(out, &s->quality);
	while (out->n > 0 && out->data[out->n - 1] == ' ')
		out->data[--out->n] = '\0';
}

void what_if_write_text(const struct what_if *w, struct buf *out)
{
	enum { WIDTH = 100 };
	struct buf sentence = { 0 };

	if (w->traffic.calls_per_day > 0)
		say_traffic(out, &w->traffic);
	add_table(out, w);
	for (size_t i = 0; i < w->n; i++) {
		buf_clear(&sentence);
		say_row(&sentence, w, &w->rows[i]);
		if (sentence.n == 0)
			continue;
		buf_addc(out, '\n');
		columns_wrap(out, buf_text(&sentence), 0, WIDTH);
	}
	for (size_t i = 0; i < w->n_notes; i++) {
		buf_adds(out, i == 0 ? "\n- " : "- ");
		columns_wrap(out, w->notes[i], 2, WIDTH);
	}
	buf_release(&sentence);
}

/* --- JSON ------------------------------------------------------------------------------------------------------------ */

static json_t *real_or_null(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

static json_t *tip_value(const struct cost_tip *t)
{
	static const char *const sides[] = { "always", "never", "above", "below", NULL };

	return json_pack("{s:s?, s:o}", "cheaper", sides[t->side], "at", real_or_null(t->at));
}

static json_t *missing_value(const struct cost_summary *s, const struct cost_traffic *t)
{
	const char *names[COST_MISSING];
	size_t n = cost_missing(s->rung, t, names);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(names[i]));
	return list;
}

static json_t *row_value(const struct cost_summary *s, const struct cost_traffic *t)
{
	json_t *o = json_object();
	const struct { const char *key; double value; } reals[] = {
		{ "usd_per_1k_calls", s->usd_per_1k_calls }, { "usd_per_1k_right", s->usd_per_1k_right }, { "one_off_usd", s->one_off_usd },
		{ "per_day_usd", s->per_day_usd }, { "tco_usd", s->total_usd }, { "break_even_days", s->break_even_days },
		{ "break_even_days_pessimistic", s->days_at[COST_PESSIMISTIC] },
		{ "break_even_days_optimistic", s->days_at[COST_OPTIMISTIC] },
		{ "break_even_calls_per_day", s->break_even_calls },
	};

	for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++)
		json_object_set_new(o, reals[i].key, real_or_null(reals[i].value));
	json_object_set_new(o, "rival", s->rival ? json_string(s->rival->name) : json_null());
	json_object_set_new(o, "pays", isnan(s->break_even_days) ? json_null() : json_boolean(s->pays));
	json_object_set_new(o, "calls", tip_value(&s->calls));
	json_object_set_new(o, "rival_price", tip_value(&s->price));
	json_object_set_new(o, "quality", tip_value(&s->quality));
	json_object_set_new(o, "missing", missing_value(s, t));
	return o;
}

static int append(const char *bytes, size_t n, void *out)
{
	buf_add(out, bytes, n);
	return 0;
}

void what_if_write_json(const struct what_if *w, struct buf *out)
{
	const struct cost_traffic *t = &w->traffic;
	json_t *costs = json_object(), *notes = json_array();

	for (size_t i = 0; i < w->n; i++)
		json_object_set_new(costs, w->rows[i].rung->name, row_value(&w->rows[i], t));
	for (size_t i = 0; i < w->n_notes; i++)
		json_array_append_new(notes, json_string(w->notes[i]));
	bool traffic = t->calls_per_day > 0;
	json_t *root = json_pack("{s:i, s:s?, s:o, s:o, s:o, s:o, s:f, s:f, s:o, s:s?, s:s?, s:s?, s:o, s:o}", "schema", 1, "task", w->task,
				 "calls_per_day", real_or_null(traffic ? t->calls_per_day : NAN),
				 "calls_low", real_or_null(traffic ? t->calls_low : NAN),
				 "calls_high", real_or_null(traffic ? t->calls_high : NAN),
				 "horizon_days", real_or_null(t->horizon_days > 0 ? t->horizon_days : NAN),
				 "cost_per_error", t->usd_per_error, "price_decline", t->price_decline,
				 "target", real_or_null(w->decision ? w->target : NAN), "winner", w->winner, "decision", w->decision,
				 "meets_target", w->meets_target, "cost", costs, "notes", notes);

	json_dump_callback(root, append, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	buf_addc(out, '\n');
	json_decref(root);
}
