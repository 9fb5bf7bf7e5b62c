/* board_chart.c - small charts of a time, with three lines of grid; drawn once, for a phone's width and for a third of a desktop's. */
#include <math.h>
#include <string.h>

#include "report/figure.h"
#include "report/svg.h"
#include "serve/board_inner.h"

static const double width = 320, height = 132, left = 46, right = 8, top = 8, floor_y = 108;

static double highest(const struct board_chart *c)
{
	double most = 0;

	for (size_t i = 0; i < c->n; i++) {
		double sum = 0;

		for (size_t k = 0; k < c->n_series; k++) {
			double x = isnan(c->series[k][i]) ? 0 : c->series[k][i];

			sum = c->bars ? sum + x : fmax(sum, x);
		}
		most = fmax(most, sum);
	}
	return most;
}

static void add_grid(struct buf *out, const struct board_chart *c, const struct svg_axis *up)
{
	double ticks[8];
	double step = svg_step(up->high, 3);
	size_t n = svg_ticks(0, up->high, c->counts ? fmax(1, step) : step, ticks, 8);

	for (size_t i = 0; i < n; i++) {
		double y = svg_at(up, ticks[i]);

		svg_line(out, i == 0 ? "rule" : "grid", left, y, width - right, y);
		svg_text(out, "tick", left - 6, y + 4, SVG_END, figure_tick(c->figure(ticks[i])).text);
	}
	svg_text(out, "tick", left, floor_y + 17, SVG_START, c->from);
	svg_text(out, "tick", width - right, floor_y + 17, SVG_END, c->to);
}

static void add_bars(struct buf *out, const struct board_chart *c, const struct svg_axis *up)
{
	double step = (width - right - left) / (double)c->n;

	for (size_t i = 0; i < c->n; i++) {
		double sum = 0;

		for (size_t k = 0; k < c->n_series; k++) {
			double x = c->series[k][i], from = svg_at(up, sum), to = svg_at(up, sum + x);

			if (x > 0)
				svg_rect(out, c->classes[k], left + step * (double)i + .3, to, step - .6, fmax(from - to, 1));
			sum += x;
		}
	}
}

/* Values without a gap between them as one line; one alone as a point. */
static void add_line(struct buf *out, const struct board_chart *c, size_t k, const struct svg_axis *up)
{
	double step = (width - right - left) / (double)c->n;
	const double *x = c->series[k];

	for (size_t i = 0, end; i < c->n; i = end + 1) {
		for (end = i; end < c->n && !isnan(x[end]);)
			end++;
		if (end == i + 1)
			buf_addf(out, "<circle class=\"p-%c\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"/>\n", (char)('a' + k), left + step * ((double)i + .5),
				 svg_at(up, x[i]));
		if (end <= i + 1)
			continue;
		buf_addf(out, "<polyline class=\"l-%c\" points=\"", (char)('a' + k));
		for (size_t j = i; j < end; j++)
			buf_addf(out, "%s%.1f,%.1f", j > i ? " " : "", left + step * ((double)j + .5), svg_at(up, x[j]));
		buf_adds(out, "\"/>\n");
	}
}

void board_draw(struct buf *out, const struct board_chart *c)
{
	double most = fmax(highest(c), c->least);
	struct svg_axis up = { .low = 0, .high = most > 0 ? most * 1.05 : 1.05, .from = floor_y, .to = top };
	struct buf body = { 0 };

	add_grid(&body, c, &up);
	for (size_t i = 0; i < c->n_marks; i++) {
		double x = left + c->marks[i] * (width - right - left);

		svg_line(&body, "turn", x, top, x, floor_y);
	}
	if (c->bars)
		add_bars(&body, c, &up);
	for (size_t k = 0; !c->bars && k < c->n_series; k++)
		add_line(&body, c, k, &up);
	svg_picture(out, c->id, "small", width, height, c->title, c->description, &body);
	buf_release(&body);
}

void board_draw_interval(struct buf *out, double mean, struct interval interval, int rung)
{
	const struct svg_axis across = { .low = 0, .high = 1, .from = 5, .to = 115 };
	double low = svg_at(&across, interval.low), high = svg_at(&across, interval.high), at = svg_at(&across, mean);

	buf_adds(out, "<svg class=\"interval\" viewBox=\"0 0 120 18\" aria-hidden=\"true\">");
	svg_line(out, "rule", across.from, 15, across.to, 15);
	svg_line(out, "range test", low, 8, high, 8);
	svg_mark(out, rung, true, at, 8, 4, NULL);
	buf_adds(out, "</svg>");
}
