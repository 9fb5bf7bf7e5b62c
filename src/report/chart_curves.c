/* chart_curves.c - error against the number of examples, both logarithmic, where a power law is a straight line: points, the line as far
 * as it was measured, and the forecast with its interval to twice as many. */
#include <math.h>

#include "report/chart.h"
#include "report/figure.h"
#include "report/svg.h"

struct drawing {
	struct buf *out;
	const struct report *r;
	bool wide;
	double width, height;
	struct svg_axis across, up;
};

static double shown(double error, size_t items)
{
	return fmax(error, 0.5 / (double)items); /* as the fit takes an error of none */
}

static void set_axes(struct drawing *d)
{
	double least_n = INFINITY, most_n = 0, low = 1, high = 0;

	for (size_t i = 0; i < d->r->n_curves; i++) {
		const struct report_curve *c = &d->r->curves[i];

		for (size_t k = 0; k < c->n; k++) {
			least_n = fmin(least_n, (double)c->points[k].n);
			low = fmin(low, shown(c->points[k].error, c->items));
			high = fmax(high, c->points[k].error);
		}
		most_n = fmax(most_n, 2 * (double)c->fit.most);
		low = fmin(low, c->twice.low);
	}
	if (!isnan(d->r->target) && d->r->target < 1)
		low = fmin(low, 1 - d->r->target);
	d->across = (struct svg_axis){ least_n / 1.15, most_n * 1.1, 56, d->width - 16, true };
	d->up = (struct svg_axis){ low / 1.2, fmin(high * 1.2, 1), d->height - 44, 24, true };
}

static void add_grid(struct drawing *d)
{
	static const double errors[] = { .005, .01, .02, .05, .1, .2, .3, .5, .7, 1 };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		double y = svg_at(&d->up, errors[i]);

		if (errors[i] < d->up.low || errors[i] > d->up.high)
			continue;
		svg_line(d->out, "grid", d->across.from, y, d->across.to, y);
		svg_text(d->out, "tick", d->across.from - 8, y + 4, SVG_END, figure_tick(figure_percent(errors[i])).text);
	}
	for (size_t n = d->r->curves[0].fit.most * 2; (double)n >= d->across.low; n /= d->wide ? 2 : 4) {
		double x = svg_at(&d->across, (double)n);

		svg_line(d->out, "grid", x, d->up.to, x, d->up.from);
		svg_text(d->out, "tick", x, d->up.from + 18, SVG_MIDDLE, figure_count(n).text);
	}
	svg_text(d->out, "tick", (d->across.from + d->across.to) / 2, d->up.from + 36, SVG_MIDDLE, "examples learnt from");
	svg_text(d->out, "tick", 4, 12, SVG_START, "error on dev");
}

static void add_target(struct drawing *d)
{
	double y = svg_at(&d->up, 1 - d->r->target);

	if (isnan(d->r->target) || d->r->target >= 1)
		return;
	svg_line(d->out, "target", d->across.from, y, d->across.to, y);
	svg_text(d->out, "tick halo", d->across.from + 6, y - 5, SVG_START, "target");
}

static void add_curve(struct drawing *d, const struct report_curve *c)
{
	const struct report_variant *v = report_find(d->r, c->variant);
	int rung = v ? v->rung : 0;
	double most = (double)c->fit.most, first = svg_at(&d->across, (double)c->points[0].n), last = svg_at(&d->across, most);
	double end = svg_at(&d->across, 2 * most), y = svg_at(&d->up, c->twice.error);

	svg_line(d->out, "range test", first, svg_at(&d->up, c->fit.a * pow((double)c->points[0].n, -c->fit.b)), last,
		 svg_at(&d->up, c->now.error));
	svg_line(d->out, "range dev", last, svg_at(&d->up, c->now.error), end, y);
	svg_line(d->out, "range dev", end, svg_at(&d->up, c->twice.low), end, svg_at(&d->up, c->twice.high));
	for (size_t i = 0; i < c->n; i++)
		svg_mark(d->out, rung, true, svg_at(&d->across, (double)c->points[i].n), svg_at(&d->up, shown(c->points[i].error, c->items)),
			 3.5, NULL);
	svg_mark(d->out, rung, false, end, y, 5, NULL);
	svg_text(d->out, "label halo", end - 10, y - 8, SVG_END, c->variant);
}

bool chart_curves(struct buf *out, const struct report *r, enum chart_size size)
{
	struct buf body = { 0 };
	struct drawing d = { .out = &body, .r = r, .wide = size == CHART_WIDE, .width = chart_width(size), .height = 320 };

	if (r->n_curves == 0)
		return false;
	set_axes(&d);
	add_grid(&d);
	add_target(&d);
	for (size_t i = 0; i < r->n_curves; i++)
		add_curve(&d, &r->curves[i]);
	svg_picture(out, "curves", chart_class(size), d.width, d.height, "Learning curves",
		    "Error on dev against the examples learnt from, both logarithmic; filled: measured, hollow: forecast for twice as many "
		    "with its 95% interval. The sentences above the chart have the figures.", &body);
	buf_release(&body);
	return true;
}
