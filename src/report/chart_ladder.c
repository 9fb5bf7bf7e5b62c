/* chart_ladder.c - one row a variant. Names stand beside the track when it is wide and above it on a phone. */
#include <math.h>
#include <string.h>

#include "report/chart.h"
#include "report/escape.h"
#include "report/figure.h"
#include "report/svg.h"

enum { N_RUNGS = 4 };

struct drawing {
	struct buf *out;
	const struct report *r;
	bool wide;
	double width, y;      /* y: where the next row starts */
	double name_width;    /* room of a name, in pixels */
	double step_x, step_y; /* end of the staircase so far; NAN before its first step */
	struct buf steps;     /* its path */
	struct buf bands;     /* what lies under all lines: the winner's row */
	struct svg_axis axis;
};

static const double name_size = 13, top = 46;

static void widen(double *low, double *high, double value)
{
	if (isfinite(value)) {
		*low = fmin(*low, value);
		*high = fmax(*high, value);
	}
}

/* Tens of percent around everything that will be drawn: dots need no zero, and small gaps deserve the room. */
static void set_axis(struct drawing *d)
{
	double low = 1, high = 0;

	for (size_t i = 0; i < d->r->n_variants; i++) {
		const struct report_score *scores[] = { &d->r->variants[i].dev, &d->r->variants[i].test };

		for (size_t k = 0; k < 2; k++)
			if (scores[k]->n > 0) {
				widen(&low, &high, scores[k]->low);
				widen(&low, &high, scores[k]->high);
				widen(&low, &high, scores[k]->score);
			}
	}
	widen(&low, &high, d->r->target);
	widen(&low, &high, d->r->majority_share);
	if (low > high)
		low = 0, high = 1;
	d->axis.low = fmax(0, floor(low * 10 - 1e-9) / 10);
	d->axis.high = fmin(1, ceil(high * 10 + 1e-9) / 10);
	if (d->axis.high - d->axis.low < 0.1)
		d->axis.low = fmax(0, d->axis.high - 0.1);
	d->axis.from = d->wide ? 318 : 10;
	d->axis.to = d->wide ? d->width - 76 : d->width - 10;
	d->name_width = d->wide ? 280 : d->width - 76;
}

static void add_score(struct drawing *d, const struct report_variant *v, const struct report_score *s, bool test,
		      double y)
{
	struct buf title = { 0 };
	const char *line = test ? "range test" : "range dev";

	escape_plain(&title, v->name);
	buf_addf(&title, ": %s on %zu %s items, 95%% interval %s", figure_percent(s->score).text, s->n,
		 test ? "test" : "dev",
		 figure_span(s->low, s->high).text);
	if (isfinite(s->low) && isfinite(s->high))
		svg_line(d->out, line, svg_at(&d->axis, s->low), y, svg_at(&d->axis, s->high), y);
	if (isfinite(s->score))
		svg_mark(d->out, v->rung, test, svg_at(&d->axis, s->score), y, test ? 5.5 : 4, buf_text(&title));
	buf_release(&title);
}

/* The staircase through the candidates' test scores: what each rung added. */
static void add_step(struct drawing *d, double x, double y)
{
	if (isnan(d->step_x))
		buf_addf(&d->steps, "M%.1f %.1f", x, y);
	else
		buf_addf(&d->steps, "V%.1fH%.1f", y, x);
	d->step_x = x;
	d->step_y = y;
}

static void add_track(struct drawing *d, const struct report_variant *v, double middle)
{
	bool both = v->dev.n > 0 && v->test.n > 0;

	if (!d->wide)
		svg_line(d->out, "grid", d->axis.from, middle + (both ? 4 : 0), d->axis.to, middle + (both ? 4 : 0));
	if (v->dev.n > 0)
		add_score(d, v, &v->dev, false, both ? middle - 7 : middle);
	if (v->test.n == 0)
		return;
	add_score(d, v, &v->test, true, both ? middle + 4 : middle);
	if (v->candidate && isfinite(v->test.score))
		add_step(d, svg_at(&d->axis, v->test.score), both ? middle + 4 : middle);
}

/* In place of a track: why there is none. */
static void add_absence(struct drawing *d, const struct report_variant *v, double y)
{
	struct buf why = { 0 };

	buf_adds(&why, report_status_name(v->status));
	if (v->why)
		buf_addf(&why, ": %s", v->why);
	svg_paragraph(d->out, v->winner ? "muted halo on-band" : "muted halo", d->axis.from, y, SVG_START,
		      d->axis.to - d->axis.from, 12, 1, buf_text(&why));
	buf_release(&why);
}

static const char *name_class(const struct report_variant *v)
{
	return v->winner ? "name winner halo on-band" : v->test.n > 0 ? "name halo" : "name quiet halo";
}

/* The name, and under it what it is beyond a variant: winner, in use today. Returns the lines used. */
static size_t add_name(struct drawing *d, const struct report_variant *v, double y)
{
	static const char winner[] = "\u25b8 winner", in_use[] = "in use today";
	double indent = d->wide ? 12 : 4;
	size_t lines = svg_paragraph(d->out, name_class(v), indent, y, SVG_START, d->name_width, name_size, 2, v->name);

	if (v->winner || v->incumbent)
		svg_text(d->out, v->winner ? "tag winner halo on-band" : "tag", indent,
			 y + (double)lines * 1.25 * name_size, SVG_START,
			 v->winner ? winner : in_use);
	return lines + (v->winner || v->incumbent);
}

static double row_height(const struct drawing *d, const struct report_variant *v)
{
	double room = d->name_width / (v->winner ? 1.08 : 1);
	size_t lines = svg_lines(v->name, room, name_size, 2) + (v->winner || v->incumbent);
	double names = (double)lines * 1.25 * name_size;
	double track = v->dev.n > 0 && v->test.n > 0 ? 30 : 22;

	return d->wide ? fmax(names + 8, track + 2) : names + track + 8;
}

static void add_row(struct drawing *d, const struct report_variant *v)
{
	struct report_score shown = report_score_shown(v);
	double height = row_height(d, v);
	bool both = v->dev.n > 0 && v->test.n > 0;
	double middle = d->wide ? d->y + height / 2 : d->y + height - (both ? 16 : 12);
	double room = d->name_width;

	if (v->winner) {
		svg_rect(&d->bands, "winner-band", 0, d->y, d->width, height);
		d->name_width /= 1.08; /* bold */
	}
	double baseline = d->y + (d->wide ? (height - (double)(svg_lines(v->name, d->name_width, name_size, 2) +
			  (v->winner || v->incumbent)) * 1.25 * name_size) / 2 : 3) + 0.95 * name_size;

	add_name(d, v, baseline);
	d->name_width = room;
	if (shown.n > 0) {
		add_track(d, v, middle);
		svg_text(d->out, v->winner         ? "figure strong halo on-band"
				 : v->test.n > 0 ? "figure strong halo"
						 : "figure halo",
			 d->width - 8, d->wide ? middle + 4.5 : baseline, SVG_END, figure_percent(shown.score).text);
	} else {
		add_absence(d, v, middle + 4);
	}
	d->y += height;
}

static void add_rung(struct drawing *d, int rung)
{
	char heading[64];
	size_t n = 0;

	for (size_t i = 0; i < d->r->n_variants; i++)
		n += d->r->variants[i].rung == rung;
	snprintf(heading, sizeof(heading), "Rung %d \u00b7 %s", rung, report_rung_name(rung));
	svg_line(d->out, "rule", 0, d->y + 6, d->width, d->y + 6);
	svg_text(d->out, "heading halo", 0, d->y + 25, SVG_START, heading);
	if (n == 0)
		svg_text(d->out, "muted halo", d->wide ? d->axis.from : d->width, d->y + 25,
			 d->wide ? SVG_START : SVG_END, "not measured");
	d->y += 34;
	for (size_t i = 0; i < d->r->n_variants; i++)
		if (d->r->variants[i].rung == rung)
			add_row(d, &d->r->variants[i]);
	d->y += 6;
}

/* Grid lines and their figures, under everything else. */
static void add_grid(struct buf *out, const struct drawing *d)
{
	double step = svg_step(d->axis.high - d->axis.low, d->wide ? 10 : 5);
	double ticks[24];
	size_t n = svg_ticks(d->axis.low, d->axis.high, step, ticks, 24);

	for (size_t i = 0; i < n; i++) {
		double x = svg_at(&d->axis, ticks[i]);
		struct figure f = figure_share(round(ticks[i] * 1000) / 1000);

		if (d->wide) /* on a phone, names stand in the way of the lines */
			svg_line(out, "grid", x, top - 6, x, d->y);
		else
			svg_line(out, "grid", x, d->y - 4, x, d->y + 3);
		svg_text(out, "tick", x, d->y + 15, SVG_MIDDLE, f.text);
	}
	svg_text(out, "tick", (d->axis.from + d->axis.to) / 2, d->y + 33, SVG_MIDDLE, "score");
}

/* Scores that are too near to the winner's to be worth a rung. */
static void add_margin(struct buf *out, const struct drawing *d)
{
	const struct report_variant *w = report_winner(d->r);

	if (!w || w->test.n == 0 || !(d->r->margin > 0))
		return;
	double from = svg_at(&d->axis, w->test.score - d->r->margin), to = svg_at(&d->axis, w->test.score + d->r->margin);

	svg_rect(out, "margin", from, top - 6, to - from, d->y - top + 6);
}

/* A line across the ladder with its name above; `line` 0 is the upper of two places for names. */
static void add_reference(struct buf *out, const struct drawing *d, const char *class_name, const char *name,
			  double value,
			  int line)
{
	double x, half, at, y = line == 0 ? 14 : 31;

	if (!isfinite(value) || value < d->axis.low || value > d->axis.high)
		return;
	x = svg_at(&d->axis, value);
	half = svg_text_width(name, strlen(name), 12) / 2;
	at = fmin(fmax(x, half), d->width - half);
	svg_line(out, class_name, x, y + 4, x, d->y);
	svg_text(out, "reference", at, y, SVG_MIDDLE, name);
}

static void add_references(struct buf *out, const struct drawing *d)
{
	char name[96];

	snprintf(name, sizeof(name), "target %s", figure_share(d->r->target).text);
	add_reference(out, d, "target", name, d->r->target, 0);
	snprintf(name, sizeof(name), "always the commonest label %s", figure_percent(d->r->majority_share).text);
	add_reference(out, d, "majority", name, d->r->majority_share, 1);
}

static void describe(struct buf *out, const struct report *r)
{
	buf_addf(out, "Score of %zu variants by rung, with 95%% intervals. ", r->n_variants);
	for (size_t i = 0; i < r->n_variants; i++) {
		const struct report_variant *v = &r->variants[i];

		if (v->test.n == 0)
			continue;
		escape_name(out, v->name);
		buf_addf(out, " (rung %d): %s on test%s. ", v->rung, figure_percent(v->test.score).text,
			 v->winner ? ", the winner" : "");
	}
	buf_adds(out, "All figures are in the table below the chart.");
}

bool chart_ladder(struct buf *out, const struct report *r, enum chart_size size)
{
	struct buf rows = { 0 }, body = { 0 }, description = { 0 };
	struct drawing d = { .out = &rows, .r = r, .wide = size == CHART_WIDE, .width = chart_width(size), .y = top,
			     .step_x = NAN };

	if (r->n_variants == 0)
		return false;
	set_axis(&d);
	for (int rung = 0; rung < N_RUNGS; rung++)
		add_rung(&d, rung);
	buf_add(&body, buf_text(&d.bands), d.bands.n);
	add_margin(&body, &d);
	add_grid(&body, &d);
	add_references(&body, &d);
	if (d.steps.n > 0)
		buf_addf(&body, "<path class=\"stairs\" d=\"%s\"/>\n", buf_text(&d.steps));
	buf_add(&body, buf_text(&rows), rows.n);
	describe(&description, r);
	svg_picture(out, "ladder", chart_class(size), d.width, d.y + 40, "Scores along the ladder",
		    buf_text(&description), &body);
	buf_release(&rows);
	buf_release(&body);
	buf_release(&d.steps);
	buf_release(&d.bands);
	buf_release(&description);
	return true;
}
