/* chart_confusion.c - the winner's confusion on test. Shade is the share of the true label's items, blue where it is
 * right and orange where it is not; the shades are weak enough that the count is readable on all of them (css.c). */
#include <math.h>
#include <string.h>

#include "report/chart.h"
#include "report/escape.h"
#include "report/svg.h"

struct drawing {
	struct buf *out;
	const struct report *r;
	double left, top, cell;
	double size; /* of label text; 0: no room for labels */
};

static const double caption_height = 24, largest_cell = 64;

static double longest_label(const struct report *r, double size)
{
	double longest = svg_text_width("no label", 8, size);

	for (size_t i = 0; i < r->n_labels; i++)
		longest = fmax(longest, svg_text_width(r->labels[i], strlen(r->labels[i]), size));
	return longest + 8;
}

static void lay_out(struct drawing *d, enum chart_size size)
{
	double width = chart_width(size), cells = (double)d->r->n_labels + 1;

	d->size = 12;
	d->left = fmin(longest_label(d->r, d->size), width * (size == CHART_WIDE ? 0.24 : 0.3));
	d->cell = (width - d->left) / cells;
	if (d->cell < 14) {
		d->size = 8.5;
		d->left = fmin(longest_label(d->r, d->size), width * 0.2);
		d->cell = (width - d->left) / cells;
	}
	if (d->cell < 9.5) {
		d->size = 0;
		d->left = 0;
		d->cell = width / cells;
	}
	d->cell = fmin(d->cell, largest_cell);
	d->top = caption_height + 6 + (d->size > 0 ? fmin(longest_label(d->r, d->size), d->left) : 0);
}

static const char *column_name(const struct report *r, size_t got)
{
	return got < r->n_labels ? r->labels[got] : "no label";
}

/* Column names stand upright when all fit, else they are turned. */
static bool names_fit(const struct drawing *d)
{
	return longest_label(d->r, d->size) <= d->cell;
}

static void add_column_name(struct drawing *d, size_t got)
{
	double x = d->left + ((double)got + 0.5) * d->cell, y = d->top - 7;
	const char *class_name = d->size < 12 ? "axis tiny" : "axis";

	if (names_fit(d)) {
		svg_text(d->out, class_name, x, y, SVG_MIDDLE, column_name(d->r, got));
		return;
	}
	buf_addf(d->out, "<g transform=\"translate(%.1f %.1f) rotate(-90)\">\n", x + 0.35 * d->size, y);
	svg_paragraph(d->out, class_name, 0, 0, SVG_START, d->top - caption_height - 8, d->size, 1,
		      column_name(d->r, got));
	buf_adds(d->out, "</g>\n");
}

static void add_names(struct drawing *d)
{
	const char *class_name = d->size < 12 ? "axis tiny" : "axis";

	for (size_t want = 0; want < d->r->n_labels; want++)
		svg_paragraph(d->out, class_name, d->left - 8, d->top + ((double)want + 0.5) * d->cell + 0.35 * d->size,
			      SVG_END,
			      d->left - 8, d->size, 1, d->r->labels[want]);
	for (size_t got = 0; got <= d->r->n_labels; got++)
		add_column_name(d, got);
}

static void add_cell(struct drawing *d, size_t want, size_t got, size_t n, size_t row)
{
	double x = d->left + (double)got * d->cell, y = d->top + (double)want * d->cell, gap = d->cell > 14 ? 2 : 0.5;
	double share = row > 0 ? (double)n / (double)row : 0;
	double least = d->cell > 14 ? 0.15 : 0.6; /* small cells need more to be seen */
	char count[24];

	if (n == 0 && d->cell < 14)
		return;
	buf_addf(d->out, "<g class=\"cell\"><title>");
	escape_markup(d->out, d->r->labels[want]);
	buf_adds(d->out, " answered as ");
	escape_markup(d->out, column_name(d->r, got));
	buf_addf(d->out, ": %zu of %zu</title>", n, row);
	buf_addf(d->out, "<rect class=\"%s\" fill-opacity=\"%.2f\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
			 "height=\"%.1f\"/>",
		 n == 0 ? "none" : want == got ? "hit" : "miss", n == 0 ? 1 : least + (1 - least) * sqrt(share), x, y,
		 d->cell - gap, d->cell - gap);
	if (n > 0 && d->cell >= 22) {
		snprintf(count, sizeof(count), "%zu", n);
		svg_text(d->out, "count", x + d->cell / 2 - 1, y + d->cell / 2 + 3.5, SVG_MIDDLE, count);
	}
	buf_adds(d->out, "</g>\n");
}

static void add_cells(struct drawing *d)
{
	size_t columns = d->r->n_labels + 1;

	for (size_t want = 0; want < d->r->n_labels; want++) {
		const size_t *counts = d->r->confusion + want * columns;
		size_t row = 0;

		for (size_t got = 0; got < columns; got++)
			row += counts[got];
		for (size_t got = 0; got < columns; got++)
			add_cell(d, want, got, counts[got], row);
	}
}

bool chart_confusion(struct buf *out, const struct report *r, enum chart_size size)
{
	struct buf body = { 0 };
	struct drawing d = { .out = &body, .r = r };
	double width, height;

	if (!r->confusion || r->n_labels == 0)
		return false;
	lay_out(&d, size);
	width = fmax(d.left + d.cell * ((double)r->n_labels + 1), 240);
	height = d.top + d.cell * (double)r->n_labels + 2;
	svg_text(&body, "tick", 0, 13, SVG_START, "rows: true label \u00b7 columns: answer");
	if (d.size > 0)
		add_names(&d);
	add_cells(&d);
	svg_picture(out, "confusion", chart_class(size), width, height, "What the winner answered for each true label",
		    "Rows are true labels, columns are answers; the diagonal is right. The pairs are in the table "
		    "beside the chart.", &body);
	buf_release(&body);
	return true;
}
