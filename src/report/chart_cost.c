/* chart_cost.c - score against cost. Only candidates, the winner and the variant in use are named: the rest is
 * context. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "report/chart.h"
#include "report/escape.h"
#include "report/figure.h"
#include "report/svg.h"

struct box {
	double x, y, width, height; /* of the upper left corner */
};

struct point {
	const struct report_variant *v;
	struct report_score score;
	double x, y;
};

struct drawing {
	struct buf *out;
	const struct report *r;
	bool wide;
	double width, height;
	double free_x; /* where what costs nothing stands on a logarithmic axis; NAN when nothing does */
	struct svg_axis across, up;
	struct point *points;
	size_t n;
	struct box *taken; /* by marks, intervals, the target's line, the frontier and labels already placed */
	size_t n_taken;
};

static const double label_size = 12;

static void gather(struct drawing *d)
{
	d->points = mem_zero(d->r->n_variants + 1, sizeof(*d->points));
	d->taken = mem_zero(5 * d->r->n_variants + 2, sizeof(*d->taken));
	for (size_t i = 0; i < d->r->n_variants; i++) {
		const struct report_variant *v = &d->r->variants[i];
		struct report_score s = report_score_shown(v);

		if (s.n > 0 && isfinite(s.score) && isfinite(v->usd_per_1k_calls) && v->usd_per_1k_calls >= 0)
			d->points[d->n++] = (struct point){ .v = v, .score = s };
	}
}

static void set_across(struct drawing *d)
{
	double least = INFINITY, most = 0, left = 46;
	bool free_of_charge = false;

	for (size_t i = 0; i < d->n; i++) {
		double usd = d->points[i].v->usd_per_1k_calls;

		free_of_charge |= usd == 0;
		least = usd > 0 ? fmin(least, usd) : least;
		most = fmax(most, usd);
	}
	d->free_x = NAN;
	d->across = (struct svg_axis){ .low = 0, .high = most > 0 ? most * 1.08 : 1, .from = left + 14,
				      .to = d->width - 20 };
	if (most <= 20 * least || least == INFINITY)
		return;
	d->across.logarithmic = true;
	d->across.low = least / 1.6;
	d->across.high = most * 1.6;
	if (free_of_charge) {
		d->free_x = left + 18;
		d->across.from = left + 60;
	}
}

static void set_up(struct drawing *d)
{
	double low = 1, high = 0;

	for (size_t i = 0; i < d->n; i++) {
		const struct report_score *s = &d->points[i].score;
		bool bars = d->points[i].v->test.n > 0;

		low = fmin(low, bars && isfinite(s->low) ? s->low : s->score);
		high = fmax(high, bars && isfinite(s->high) ? s->high : s->score);
	}
	d->up = (struct svg_axis){ .low = fmax(0, floor(low * 10 - 0.3) / 10),
				  .high = fmin(1, ceil(high * 10 + 0.3) / 10),
				   .from = d->height - 46, .to = 18 };
	if (d->up.high - d->up.low < 0.1)
		d->up.low = fmax(0, d->up.high - 0.1);
}

static void place_points(struct drawing *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct point *p = &d->points[i];
		double usd = p->v->usd_per_1k_calls;

		p->x = usd == 0 && isfinite(d->free_x) ? d->free_x : svg_at(&d->across, usd);
		p->y = svg_at(&d->up, p->score.score);
		d->taken[d->n_taken++] = (struct box){ p->x - 7, p->y - 7, 14, 14 };
		if (p->v->test.n > 0 && isfinite(p->score.low) && isfinite(p->score.high)) {
			double high = svg_at(&d->up, p->score.high);

			d->taken[d->n_taken++] = (struct box){ p->x - 3, high, 6, svg_at(&d->up, p->score.low) - high };
		}
	}
	if (isfinite(d->r->target))
		d->taken[d->n_taken++] = (struct box){ 46, svg_at(&d->up, d->r->target) - 2, d->width, 4 };
}

static void add_tick(struct drawing *d, double usd)
{
	double x = svg_at(&d->across, usd);

	svg_line(d->out, "grid", x, d->up.to, x, d->up.from);
	svg_text(d->out, "tick", x, d->up.from + 17, SVG_MIDDLE, figure_tick(figure_usd(usd)).text);
}

static void add_across(struct drawing *d)
{
	const struct svg_axis *a = &d->across;
	double low = a->logarithmic ? log10(a->low) : a->low, high = a->logarithmic ? log10(a->high) : a->high;
	double step = a->logarithmic ? fmax(1, ceil((high - low) / (d->wide ? 10 : 5))) : svg_step(high, d->wide ? 8
												   : 4);
	double ticks[24];
	size_t n = svg_ticks(low, high, step, ticks, 24);

	for (size_t i = 0; i < n; i++)
		add_tick(d, a->logarithmic ? pow(10, ticks[i]) : ticks[i]);
	if (isfinite(d->free_x)) {
		svg_line(d->out, "grid", d->free_x, d->up.to, d->free_x, d->up.from);
		svg_text(d->out, "tick", d->free_x, d->up.from + 17, SVG_MIDDLE, "$0");
	}
	svg_text(d->out, "tick", (d->across.from + d->across.to) / 2, d->height - 8, SVG_MIDDLE,
		 a->logarithmic ? "cost per 1,000 calls (logarithmic)" : "cost per 1,000 calls");
}

static void add_up(struct drawing *d)
{
	double step = svg_step(d->up.high - d->up.low, 6);
	double ticks[24];
	size_t n = svg_ticks(d->up.low, d->up.high, step, ticks, 24);

	for (size_t i = 0; i < n; i++) {
		double y = svg_at(&d->up, ticks[i]);

		svg_line(d->out, "grid", 46, y, d->width - 4, y);
		svg_text(d->out, "tick", 40, y + 4, SVG_END, figure_share(round(ticks[i] * 1000) / 1000).text);
	}
	if (isfinite(d->r->target) && d->r->target >= d->up.low && d->r->target <= d->up.high) {
		double y = svg_at(&d->up, d->r->target);

		svg_line(d->out, "target", 46, y, d->width - 4, y);
		svg_text(d->out, "reference halo", 50, y - 5, SVG_START, "target");
	}
}

static bool is_named(const struct report_variant *v)
{
	return v->winner || v->candidate || v->incumbent;
}

static void add_point(struct drawing *d, const struct point *p)
{
	struct buf title = { 0 };
	bool test = p->v->test.n > 0;

	escape_plain(&title, p->v->name);
	buf_addf(&title, ": %s on %s, %s per 1,000 calls", figure_percent(p->score.score).text, test ? "test" : "dev",
		 figure_usd(p->v->usd_per_1k_calls).text);
	if (test && isfinite(p->score.low) && isfinite(p->score.high))
		svg_line(d->out, "range test", p->x, svg_at(&d->up, p->score.low), p->x, svg_at(&d->up, p->score.high));
	if (p->v->winner)
		buf_addf(d->out, "<circle class=\"ring\" cx=\"%.1f\" cy=\"%.1f\" r=\"12\"/>\n", p->x, p->y);
	svg_mark(d->out, p->v->rung, test, p->x, p->y, test ? 5.5 : 4, buf_text(&title));
	buf_release(&title);
}

static double overlap(const struct box *a, const struct box *b)
{
	double w = fmin(a->x + a->width, b->x + b->width) - fmax(a->x, b->x);
	double h = fmin(a->y + a->height, b->y + b->height) - fmax(a->y, b->y);

	return w > 0 && h > 0 ? w * h : 0;
}

static double cost_of_place(const struct drawing *d, const struct box *b)
{
	double covered = 0;
	struct box inside = { 48, d->up.to - 16, d->width - 48, d->up.from - d->up.to + 14 };

	for (size_t i = 0; i < d->n_taken; i++)
		covered += overlap(b, &d->taken[i]);
	return covered + 4 * (b->width * b->height - overlap(b, &inside));
}

/* The first place around the point that covers nothing; else the one that covers least. */
static struct box find_place(const struct drawing *d, const struct point *p, double width, double height)
{
	const double away = p->v->winner ? 17 : 10;
	const struct box places[] = {
		{ p->x + away, p->y - height / 2, width, height },
		{ p->x - away - width, p->y - height / 2, width, height },
		{ p->x + away, p->y - height - 6, width, height },
		{ p->x + away, p->y + 6, width, height },
		{ p->x - away - width, p->y - height - 6, width, height },
		{ p->x - away - width, p->y + 6, width, height },
		{ p->x - width / 2, p->y - height - away, width, height },
		{ p->x - width / 2, p->y + away, width, height },
		{ fmin(p->x - width / 3, d->width - width - 4), p->y + 3 * away, width, height },
		{ fmin(p->x - width / 3, d->width - width - 4), p->y - 3 * away - height, width, height },
	};
	size_t best = 0;
	double least = INFINITY;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		double cost = cost_of_place(d, &places[i]) + 0.01 * (double)i;

		if (cost < least) {
			least = cost;
			best = i;
		}
	}
	return places[best];
}

/* Width of the widest line when the name is broken to fit into `room`. */
static double label_width(const char *name, double room, size_t most)
{
	double widest = 0;
	size_t next, lines = 0;

	for (const char *s = name; *s && lines < most; s += next, lines++)
		widest = fmax(widest, svg_text_width(s, svg_line_break(s, room, label_size, &next), label_size));
	return fmin(widest, room) + 2;
}

static void add_label(struct drawing *d, const struct point *p)
{
	const char *class_name = p->v->winner ? "label winner halo" : "label halo";
	double room = d->wide ? 230 : 140, slack = p->v->winner ? 1.1 : 1;
	struct buf name = { 0 };
	struct box place;
	size_t lines;

	escape_plain(&name, p->v->name);
	lines = svg_lines(buf_text(&name), room / slack, label_size, 3);
	place = find_place(d, p, label_width(buf_text(&name), room / slack, 3) * slack,
			   (double)lines * 1.25 * label_size);
	d->taken[d->n_taken++] = place;
	bool left = place.x + place.width < p->x;

	svg_paragraph(d->out, class_name, left ? place.x + place.width : place.x, place.y + label_size,
		      left ? SVG_END : SVG_START, room / slack, label_size, 3, buf_text(&name));
	buf_release(&name);
}

static int cheapest_first(const void *a, const void *b)
{
	const struct point *x = *(const struct point *const *)a, *y = *(const struct point *const *)b;
	double by_cost = x->v->usd_per_1k_calls - y->v->usd_per_1k_calls, by_score = y->score.score - x->score.score;

	return by_cost < 0 ? -1 : by_cost > 0 ? 1 : (by_score > 0) - (by_score < 0);
}

static void take_line(struct drawing *d, double x1, double y1, double x2, double y2)
{
	d->taken[d->n_taken++] = (struct box){ fmin(x1, x2) - 1, fmin(y1, y2) - 1, fabs(x2 - x1) + 2, fabs(y2 - y1) + 2 };
}

/* Steps through what is better than everything cheaper, of what was measured on the test items. */
static void add_frontier(struct drawing *d)
{
	const struct point **order = mem_zero(d->n + 1, sizeof(const struct point *));
	double best = -INFINITY, x = 0, y = 0;
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		if (d->points[i].v->test.n > 0)
			order[n++] = &d->points[i];
	qsort(order, n, sizeof(const struct point *), cheapest_first);
	for (size_t i = 0; i < n; i++) {
		if (order[i]->score.score <= best)
			continue;
		if (isinf(best)) {
			buf_addf(d->out, "<path class=\"frontier\" d=\"M%.1f %.1f", order[i]->x, order[i]->y);
		} else {
			buf_addf(d->out, "H%.1fV%.1f", order[i]->x, order[i]->y);
			take_line(d, x, y, order[i]->x, y);
			take_line(d, order[i]->x, y, order[i]->x, order[i]->y);
		}
		best = order[i]->score.score;
		x = order[i]->x;
		y = order[i]->y;
	}
	if (n > 0) {
		buf_addf(d->out, "H%.1f\"/>\n", d->width - 4);
		take_line(d, x, y, d->width - 4, y);
	}
	free(order);
}

static void draw(struct drawing *d)
{
	set_across(d);
	set_up(d);
	place_points(d);
	add_across(d);
	add_up(d);
	add_frontier(d);
	for (size_t i = 0; i < d->n; i++)
		if (!is_named(d->points[i].v))
			add_point(d, &d->points[i]);
	for (size_t i = 0; i < d->n; i++)
		if (is_named(d->points[i].v))
			add_point(d, &d->points[i]);
	for (size_t i = 0; i < d->n; i++)
		if (d->points[i].v->winner)
			add_label(d, &d->points[i]);
	for (size_t i = 0; i < d->n; i++)
		if (is_named(d->points[i].v) && !d->points[i].v->winner)
			add_label(d, &d->points[i]);
}

bool chart_cost(struct buf *out, const struct report *r, enum chart_size size)
{
	struct buf body = { 0 };
	struct drawing d = { .out = &body, .r = r, .wide = size == CHART_WIDE, .width = chart_width(size),
			     .height = size == CHART_WIDE ? 420 : 400 };

	gather(&d);
	if (d.n > 0) {
		draw(&d);
		svg_picture(out, "cost", chart_class(size), d.width, d.height, "Score against cost",
			    "Each mark is a variant: its cost per 1,000 calls across, its score up. All figures are in "
			    "the table of costs.",
			    &body);
	}
	free(d.points);
	free(d.taken);
	buf_release(&body);
	return d.n > 0;
}
