/* chart_days.c - what each candidate has cost by each day of the horizon, work done once included; a ring where one has paid back what
 * it cost more than its rival. */
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "report/chart.h"
#include "report/figure.h"
#include "report/svg.h"

enum { STEPS = 60 };

struct line {
	const struct report_variant *v;
	double end, label; /* height of its last point, and of its name */
};

struct drawing {
	struct buf *out;
	const struct report *r;
	bool wide;
	double width, height;
	struct svg_axis across, up;
	struct line *lines;
	size_t n;
};

static double total(const struct drawing *d, const struct report_variant *v, double days)
{
	return cost_total_usd(v->cost, &d->r->traffic, days);
}

static void gather(struct drawing *d)
{
	d->lines = mem_zero(d->r->n_variants + 1, sizeof(*d->lines));
	for (size_t i = 0; i < d->r->n_variants; i++) {
		const struct report_variant *v = &d->r->variants[i];

		if ((v->candidate || v->incumbent) && v->cost && total(d, v, d->r->horizon_days) > 0)
			d->lines[d->n++].v = v;
	}
}

/* Logarithmic where the dearest costs more than 20 times the cheapest, which would lie on the floor. */
static void set_axes(struct drawing *d)
{
	double least = INFINITY, most = 0, first = INFINITY;

	for (size_t i = 0; i < d->n; i++) {
		double end = total(d, d->lines[i].v, d->r->horizon_days);

		least = fmin(least, end);
		most = fmax(most, end);
		first = fmin(first, total(d, d->lines[i].v, 1));
	}
	bool logarithmic = most > 20 * least && first > 0;

	d->across = (struct svg_axis){ .low = 0, .high = d->r->horizon_days, .from = 62, .to = d->width - (d->wide ? 230 : 12) };
	d->up = (struct svg_axis){ .low = logarithmic ? first / 1.3 : 0, .high = most * (logarithmic ? 1.5 : 1.06), .from = d->height - 44,
				   .to = 14, .logarithmic = logarithmic };
}

static void add_grid(struct drawing *d)
{
	double ticks[24], low = d->up.logarithmic ? log10(d->up.low) : 0, high = d->up.logarithmic ? log10(d->up.high) : d->up.high;
	double step = d->up.logarithmic ? fmax(1, ceil((high - low) / 6)) : svg_step(high, 6);
	size_t n = svg_ticks(low, high, step, ticks, 24);

	for (size_t i = 0; i < n; i++) {
		double usd = d->up.logarithmic ? pow(10, ticks[i]) : ticks[i], y = svg_at(&d->up, usd);

		svg_line(d->out, "grid", d->across.from, y, d->across.to, y);
		svg_text(d->out, "tick", d->across.from - 6, y + 4, SVG_END, figure_tick(figure_usd(usd)).text);
	}
	n = svg_ticks(0, d->r->horizon_days, svg_step(d->r->horizon_days, d->wide ? 8 : 4), ticks, 24);
	for (size_t i = 0; i < n; i++)
		svg_text(d->out, "tick", svg_at(&d->across, ticks[i]), d->up.from + 17, SVG_MIDDLE, figure_number(ticks[i]).text);
	svg_text(d->out, "tick", (d->across.from + d->across.to) / 2, d->up.from + 36, SVG_MIDDLE, "days");
}

static void add_line(struct drawing *d, struct line *l)
{
	buf_addf(d->out, "<polyline class=\"days d%d%s\" points=\"", l->v->rung, l->v->winner ? " winner" : "");
	for (int i = 0; i <= STEPS; i++) {
		double days = fmax(d->r->horizon_days * i / STEPS, d->up.logarithmic ? fmin(1, d->r->horizon_days) : 0);

		l->end = svg_at(&d->up, total(d, l->v, days));
		buf_addf(d->out, "%s%.1f,%.1f", i ? " " : "", svg_at(&d->across, days), l->end);
	}
	buf_adds(d->out, "\"/>\n");
	svg_mark(d->out, l->v->rung, true, d->across.to, l->end, 4.5, NULL);
	if (l->v->break_even_days > 0 && l->v->break_even_days <= d->r->horizon_days)
		buf_addf(d->out, "<circle class=\"ring\" cx=\"%.1f\" cy=\"%.1f\" r=\"8\"/>\n", svg_at(&d->across, l->v->break_even_days),
			 svg_at(&d->up, total(d, l->v, l->v->break_even_days)));
}

static int higher_first(const void *a, const void *b)
{
	double x = ((const struct line *)a)->end, y = ((const struct line *)b)->end;

	return (x > y) - (x < y);
}

/* Beside the ends of the lines, pushed apart from above; on a phone a list under the chart. */
static void add_names(struct drawing *d)
{
	double next = 0;

	qsort(d->lines, d->n, sizeof(*d->lines), higher_first);
	for (size_t i = 0; i < d->n; i++) {
		const struct report_variant *v = d->lines[i].v;
		struct buf name = { 0 };

		d->lines[i].label = d->wide ? fmax(d->lines[i].end + 4, next) : d->up.from + 58 + 16 * (double)i;
		next = d->lines[i].label + 15;
		buf_addf(&name, "%s: %s", v->id, figure_usd(total(d, v, d->r->horizon_days)).text);
		svg_paragraph(d->out, v->winner ? "label winner" : "label", d->wide ? d->across.to + 12 : 0, d->lines[i].label, SVG_START,
			      d->wide ? d->width - d->across.to - 14 : d->width - 4, 12, 1, buf_text(&name));
		buf_release(&name);
	}
}

bool chart_days(struct buf *out, const struct report *r, enum chart_size size)
{
	struct buf body = { 0 };
	struct drawing d = { .out = &body, .r = r, .wide = size == CHART_WIDE, .width = chart_width(size), .height = 300 };

	if (r->horizon_days < 2 || r->calls_per_day <= 0)
		return false;
	gather(&d);
	if (d.n > 0) {
		set_axes(&d);
		add_grid(&d);
		for (size_t i = 0; i < d.n; i++)
			add_line(&d, &d.lines[i]);
		add_names(&d);
		svg_picture(out, "days", chart_class(size), d.width, d.wide ? d.height : d.height + 30 + 16 * (double)d.n,
			    "Cost by day", "What each candidate has cost in all by each day of the horizon, what is paid once included. Rings: the "
			    "day on which its one-off cost is back against its rival. The table below has the figures.", &body);
	}
	free(d.lines);
	buf_release(&body);
	return d.n > 0;
}
