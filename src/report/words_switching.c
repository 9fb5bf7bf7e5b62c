/* words_switching.c - sentences about other models: what a switch loses, wins, saves and needs. */
#include <math.h>
#include <string.h>

#include "report/escape.h"
#include "report/figure.h"
#include "report/words.h"

const char *words_switching_items(enum switch_split s, size_t n)
{
	static const char *const names[][2] = { [SWITCH_TEST] = { "test items", "test item" }, [SWITCH_DEV] = { "dev items", "dev item" },
						[SWITCH_RECORDED] = { "recorded items", "recorded item" } };

	return names[s][n == 1];
}

static void add_interval(struct buf *out, const struct report_switch *s)
{
	buf_addf(out, "(%s points, interval %s)", figure_points(s->delta).text, figure_gap(s->low, s->high).text);
}

/* "loses 12 of 150 test items and wins 3"; the larger count first. */
static void add_exchanged(struct buf *out, const struct report_switch *s, bool with_items)
{
	bool loses = s->only_from >= s->only_to;
	const char *first = loses ? s->binary ? "loses" : "scores lower on" : s->binary ? "wins" : "scores higher on";
	const char *second = loses ? s->binary ? "wins" : "higher on" : s->binary ? "loses" : "lower on";

	buf_addf(out, "%s %s", first, figure_count(loses ? s->only_from : s->only_to).text);
	if (with_items)
		buf_addf(out, " of %s %s", figure_count(s->n).text, words_switching_items(s->split, s->n));
	buf_addf(out, " and %s %s ", second, figure_count(loses ? s->only_to : s->only_from).text);
	add_interval(out, s);
}

static void add_models(struct buf *out, const char *before, const struct report_switch *s, const char *between)
{
	buf_adds(out, before);
	escape_name(out, s->from->model);
	buf_adds(out, between);
	escape_name(out, s->to->model);
}

/* Shown to differ; shown to differ by less than the margin; or neither. */
static void add_outcome(struct buf *out, const struct report *r, const struct report_switch *s)
{
	bool differ = s->low > 0 || s->high < 0, alike = s->low > -r->margin && s->high < r->margin;

	if (differ) {
		add_models(out, "Switching from ", s, " to ");
		buf_addc(out, ' ');
		add_exchanged(out, s, true);
	} else if (alike) {
		add_models(out, "Switching from ", s, " to ");
		buf_addf(out, " makes no difference of %s points or more: it ", figure_margin(r->margin).text);
		add_exchanged(out, s, true);
	} else {
		add_models(out, "", s, " and ");
		buf_addf(out, " cannot be told apart on %s %s %s: switching to the second ", s->n == 1 ? "this" : "these",
			 figure_count(s->n).text, words_switching_items(s->split, s->n));
		add_exchanged(out, s, false);
	}
}

const char *words_technique(const struct report_variant *v)
{
	size_t n = v->model ? strlen(v->model) : 0;

	return n > 0 && strncmp(v->name, v->model, n) == 0 && v->name[n] == '/' && v->name[n + 1] ? v->name + n + 1 : v->name;
}

static void add_saving(struct buf *out, const struct report_switch *s)
{
	double saved = s->from->usd_per_1k_calls - s->to->usd_per_1k_calls;

	if (isnan(saved))
		return;
	if (strcmp(figure_usd(s->from->usd_per_1k_calls).text, figure_usd(s->to->usd_per_1k_calls).text) == 0)
		buf_adds(out, ", costs the same");
	else
		buf_addf(out, saved > 0 ? ", saves %s per 1,000 calls" : ", costs %s more per 1,000 calls", figure_usd(fabs(saved)).text);
}

bool words_switching(struct buf *out, const struct report *r, size_t i)
{
	if (i >= r->n_switching)
		return false;
	const struct report_switch *s = &r->switching[i];
	const char *from = words_technique(s->from), *to = words_technique(s->to);

	add_outcome(out, r, s);
	add_saving(out, s);
	buf_adds(out, strcmp(from, to) == 0 ? ", and keeps " : ", and needs ");
	escape_name(out, to);
	if (strcmp(from, to) != 0) {
		buf_adds(out, " in place of ");
		escape_name(out, from);
	}
	if (isnan(s->from->usd_per_1k_calls - s->to->usd_per_1k_calls))
		buf_adds(out, "; what it saves is not known");
	buf_addc(out, '.');
	return true;
}

/* "local with few-shot: $0.10 per 1,000 calls, p50 12 ms, p95 30 ms.", of what is known. */
static void add_side(struct buf *out, const struct report_variant *v)
{
	buf_addc(out, ' ');
	escape_name(out, v->model);
	buf_adds(out, " with ");
	escape_name(out, words_technique(v));
	if (isfinite(v->usd_per_1k_calls))
		buf_addf(out, ": %s per 1,000 calls", figure_usd(v->usd_per_1k_calls).text);
	if (isfinite(v->ms_p50))
		buf_addf(out, "%s p50 %s, p95 %s", isfinite(v->usd_per_1k_calls) ? "," : ":", figure_ms(v->ms_p50).text, figure_ms(v->ms_p95).text);
	buf_addc(out, '.');
}

bool words_switching_figures(struct buf *out, const struct report *r, size_t i)
{
	if (i >= r->n_switching)
		return false;
	const struct report_switch *s = &r->switching[i];

	buf_addf(out, "%s on %s, %s on %s.", s->binary ? "Both right" : "Alike and full", figure_count(s->both).text,
		 s->binary ? "neither" : "alike and less", figure_count(s->neither).text);
	add_side(out, s->from);
	add_side(out, s->to);
	return true;
}

static bool any(const struct report *r, bool tested)
{
	for (size_t i = 0; i < r->n_switching; i++)
		if ((r->switching[i].split == SWITCH_TEST) == tested)
			return true;
	return false;
}

void words_switching_note(struct buf *out, const struct report *r)
{
	if (r->n_switching == 0)
		return;
	buf_adds(out, "Of each model the best of its variants, on the items that both answered; each 95% interval stands alone and holds wherever "
		      "looking stopped.");
	if (any(r, true))
		buf_adds(out, " On test items these are the ones that reached them, chosen on dev.");
	if (any(r, false))
		buf_addf(out, " On %s items they were chosen as well, which flatters them: the intervals are wide enough for that (with up to 100 "
			      "variants to choose from, by simulation).", r->origin == REPORT_CLIMB ? "dev" : "recorded");
	if (r->n_switching + 1 < r->n_switching_models * (r->n_switching_models - 1) / 2)
		buf_addf(out, " Of %zu models each stands beside one.", r->n_switching_models);
}
