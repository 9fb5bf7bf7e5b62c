/* chart_comparisons.c - each comparison on one scale, share of the items: losses to the left, wins to the right, and
 * under them their difference with its interval over the band of the margin. */
#include <math.h>

#include "report/chart.h"
#include "report/escape.h"
#include "report/figure.h"
#include "report/svg.h"

struct drawing {
	struct buf *out;
	const struct report *r;
	bool wide;
	double width, y, name_width;
	struct svg_axis axis; /* symmetric around 0 */
};

static const double name_size = 13, plot_height = 56;

static double share(size_t count, size_t n)
{
	return n > 0 ? (double)count / (double)n : 0;
}

static void set_axis(struct drawing *d)
{
	double most = fmax(0.05, 1.5 * d->r->margin);

	for (size_t i = 0; i < d->r->n_comparisons; i++) {
		const struct comparison *c = &d->r->comparisons[i];
		const double ends[] = { share(c->wins, c->n), share(c->losses, c->n), fabs(c->low), fabs(c->high),
				       fabs(c->delta) };

		for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++)
			most = isfinite(ends[k]) ? fmax(most, ends[k]) : most;
	}
	most = fmin(1, ceil(most * 1.1 * 20) / 20); /* room for the counts at the ends of the bars */
	d->axis = (struct svg_axis){ .low = -most, .high = most, .from = d->wide ? 300 : 22,
				     .to = d->wide ? d->width - 170 : d->width - 22 };
	d->name_width = d->wide ? 264 : d->width - 8;
}

static const char *name_of(const struct report *r, const char *id)
{
	const struct report_variant *v = report_find(r, id);

	return v ? v->name : id;
}

static void add_bars(struct drawing *d, const struct comparison *c, double y)
{
	double zero = svg_at(&d->axis, 0), win = svg_at(&d->axis, share(c->wins, c->n));
	double loss = svg_at(&d->axis, -share(c->losses, c->n));

	svg_rect(d->out, "loss", loss, y, zero - loss - 1, 15);
	svg_rect(d->out, "win", zero + 1, y, win - zero - 1, 15);
	svg_text(d->out, "figure halo", loss - 5, y + 12, SVG_END, figure_count(c->losses).text);
	svg_text(d->out, "figure halo", win + 5, y + 12, SVG_START, figure_count(c->wins).text);
}

static void add_interval(struct drawing *d, const struct comparison *c, double y)
{
	if (isfinite(c->low) && isfinite(c->high)) {
		double low = svg_at(&d->axis, c->low), high = svg_at(&d->axis, c->high);

		svg_line(d->out, "range test", low, y, high, y);
		svg_line(d->out, "range test", low, y - 5, low, y + 5);
		svg_line(d->out, "range test", high, y - 5, high, y + 5);
	}
	if (isfinite(c->delta))
		buf_addf(d->out, "<circle class=\"delta\" cx=\"%.1f\" cy=\"%.1f\" r=\"5.5\"/>\n",
			 svg_at(&d->axis, c->delta), y);
}

/* Decision and figures: beside the plot, or under the names on a phone. */
static void add_outcome(struct drawing *d, const struct comparison *c, double x, double y, enum svg_anchor anchor)
{
	struct buf points = { 0 }, gap = { 0 };

	buf_addf(&points, "%s: %s points", decision_name(c->decision), figure_points(c->delta).text);
	if (d->wide)
		buf_addf(&gap, "%s", figure_gap(c->low, c->high).text);
	else
		buf_addf(&points, " (%s)", figure_gap(c->low, c->high).text);
	svg_text(d->out, "label winner", x, y, anchor, d->wide ? decision_name(c->decision) : buf_text(&points));
	if (d->wide) {
		buf_clear(&points);
		buf_addf(&points, "%s points", figure_points(c->delta).text);
		svg_text(d->out, "figure", x, y + 18, anchor, buf_text(&points));
		svg_text(d->out, "muted", x, y + 35, anchor, buf_text(&gap));
	}
	buf_release(&points);
	buf_release(&gap);
}

/* "challenger" over "against champion"; returns the pixels used. */
static double add_names(struct drawing *d, const struct comparison *c, double y)
{
	struct buf against = { 0 };
	size_t lines = svg_paragraph(d->out, "name", 0, y, SVG_START, d->name_width, name_size, 2,
				     name_of(d->r, c->to));

	buf_addf(&against, "against %s", name_of(d->r, c->from));
	lines += svg_paragraph(d->out, "name quiet", 0, y + (double)lines * 1.25 * name_size, SVG_START, d->name_width,
			       name_size, 2,
			       buf_text(&against));
	buf_release(&against);
	return (double)lines * 1.25 * name_size;
}

/* Band of the margin, grid and zero of one plot. */
static void add_plot(struct drawing *d, double from, double to)
{
	double step = svg_step(d->axis.high - d->axis.low, d->wide ? 8 : 4);
	int n = (int)floor(d->axis.high / step + 1e-6);
	double low = svg_at(&d->axis, -d->r->margin), high = svg_at(&d->axis, d->r->margin);

	svg_rect(d->out, "margin", low, from, high - low, to - from);
	for (int i = -n; i <= n; i++) {
		double x = svg_at(&d->axis, i * step);

		svg_line(d->out, i == 0 ? "zero" : "grid", x, from, x, to);
	}
}

static void add_comparison(struct drawing *d, const struct comparison *c)
{
	double start = d->y, names = add_names(d, c, d->y + 14), plot = start, end;

	if (d->wide) {
		add_outcome(d, c, d->width, start + 14, SVG_END);
	} else {
		add_outcome(d, c, 0, start + names + 14, SVG_START);
		plot = start + names + 22;
	}
	end = fmax(plot + plot_height, start + names + 6);
	add_plot(d, plot, end);
	add_bars(d, c, plot + 5);
	add_interval(d, c, plot + 39);
	d->y = end + (d->wide ? 10 : 22);
}

static void add_ticks(struct drawing *d)
{
	double step = svg_step(d->axis.high - d->axis.low, d->wide ? 8 : 4), zero = svg_at(&d->axis, 0);
	int n = (int)floor(d->axis.high / step + 1e-6);
	double y = d->y + (d->wide ? 8 : -4);

	for (int i = -n; i <= n; i++)
		svg_text(d->out, "tick", svg_at(&d->axis, i * step), y, SVG_MIDDLE,
			 figure_tick(figure_points(i * step)).text);
	svg_text(d->out, "tick", zero, y + 19, SVG_MIDDLE, "points (per cent of the items)");
	if (d->wide) {
		svg_text(d->out, "tick", zero - 12, 14, SVG_END, "\u2190 worse");
		svg_text(d->out, "tick", zero + 12, 14, SVG_START, "better \u2192");
	}
}

bool chart_comparisons(struct buf *out, const struct report *r, enum chart_size size)
{
	struct buf body = { 0 };
	struct drawing d = { .out = &body, .r = r, .wide = size == CHART_WIDE, .width = chart_width(size) };

	if (r->n_comparisons == 0)
		return false;
	d.y = d.wide ? 24 : 0;
	set_axis(&d);
	for (size_t i = 0; i < r->n_comparisons; i++)
		add_comparison(&d, &r->comparisons[i]);
	add_ticks(&d);
	svg_picture(out, "comparisons", chart_class(size), d.width, d.y + 34, "Wins and losses of each comparison",
		    "Bars: items the challenger won and lost. Dot and line: the difference and its interval. All "
		    "figures are in the table below the chart.", &body);
	buf_release(&body);
	return true;
}
