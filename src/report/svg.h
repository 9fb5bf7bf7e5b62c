/* svg.h - marks, lines and text in SVG. Looks live in the page's style sheet (css.c): shapes carry classes only.
 *
 * Coordinates are CSS pixels of the viewBox. Text widths are estimated (no font is at hand), on the wide side: what
 * is said to fit does, in the common interface fonts. All text is escaped here. */
#ifndef RUNG_REPORT_SVG_H
#define RUNG_REPORT_SVG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

/* A linear or logarithmic map of values to pixels. */
struct svg_axis {
	double low, high; /* low < high; both positive when logarithmic */
	double from, to;  /* pixels of low and high */
	bool logarithmic;
};

double svg_at(const struct svg_axis *a, double value); /* clamped to the axis */
double svg_step(double span, int most); /* 1, 2 or 5 times a power of ten: at most `most` steps in the span */
/* The multiples of step from low to high, at most `most`; returns how many. */
size_t svg_ticks(double low, double high, double step, double *ticks, size_t most);

double svg_text_width(const char *s, size_t n, double size);
/* Bytes of s on the next line of at most `width` pixels, as columns_line() counts columns. */
size_t svg_line_break(const char *s, double width, double size, size_t *next);

/* The drawing `body` as one accessible picture: id must be unique in the page. Classes: "narrow", "wide". */
void svg_picture(struct buf *out, const char *id, const char *class_name, double width, double height,
		 const char *title, const char *description, const struct buf *body);

void svg_line(struct buf *out, const char *class_name, double x1, double y1, double x2, double y2);
void svg_rect(struct buf *out, const char *class_name, double x, double y, double width, double height);
void svg_text(struct buf *out, const char *class_name, double x, double y, enum svg_anchor anchor, const char *s);
/* Up to `most` lines of `width` pixels, 1.25 sizes apart, the last cut with an ellipsis; returns the lines used. */
size_t svg_paragraph(struct buf *out, const char *class_name, double x, double y, enum svg_anchor anchor, double width,
		     double size, size_t most, const char *s);
size_t svg_lines(const char *s, double width, double size, size_t most); /* what svg_paragraph() would return */

/* The mark of a rung: circle, square, triangle, diamond; filled or hollow. `radius` in pixels; title may be NULL. */
void svg_mark(struct buf *out, int rung, bool filled, double x, double y, double radius, const char *title);

#endif
