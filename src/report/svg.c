/* svg.c - the drawing primitives. Numbers are written with one decimal: a tenth of a pixel is invisible. */
#include "report/svg.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

#include "base/text.h"
#include "report/escape.h"

double svg_at(const struct svg_axis *a, double value)
{
	double v = fmin(fmax(value, a->low), a->high);
	double share = a->logarithmic ? log(v / a->low) / log(a->high / a->low) : (v - a->low) / (a->high - a->low);

	return a->from + share * (a->to - a->from);
}

double svg_step(double span, int most)
{
	static const double steps[] = { 1, 2, 5, 10 };
	double unit = pow(10, floor(log10(span / most)));

	for (size_t i = 0; i < 3; i++)
		if (span / (steps[i] * unit) <= most + 1e-9)
			return steps[i] * unit;
	return 10 * unit;
}

size_t svg_ticks(double low, double high, double step, double *ticks, size_t most)
{
	double first = ceil(low / step - 1e-6);
	size_t n = 0;

	while (n < most && (first + (double)n) * step <= high + 1e-6 * step) {
		ticks[n] = (first + (double)n) * step;
		n++;
	}
	return n;
}

/* Widths in sizes, from DejaVu Sans (the widest of the common interface fonts); others are narrower. */
static double glyph_width(uint32_t c)
{
	if (c < 0x80)
		return strchr("iljI.,:;'|![]() ft", (int)c) ? 0.40 : strchr("mwMW@%", (int)c) ? 0.97
		       : c >= 'A' && c <= 'Z' ? 0.72 : 0.63;
	return 0.64 * fmax(0, utf8proc_charwidth((utf8proc_int32_t)c));
}

double svg_text_width(const char *s, size_t n, double size)
{
	double width = 0;

	for (size_t i = 0; i < n;) {
		uint32_t c;

		i += text_decode(s + i, n - i, &c);
		width += glyph_width(c);
	}
	return width * size;
}

size_t svg_line_break(const char *s, double width, double size, size_t *next)
{
	size_t n = strlen(s), i = 0, space = 0;
	double used = 0;

	while (i < n) {
		size_t cluster = text_first(s + i, n - i, 1);
		double w = svg_text_width(s + i, cluster, size);

		if (s[i] == ' ')
			space = i;
		if (used + w > width + 0.01 && i > 0 && s[i] != ' ')
			break;
		used += w;
		i += cluster;
	}
	if (i >= n || space == 0) {
		*next = i;
		return i;
	}
	*next = space + 1;
	return space;
}

void svg_picture(struct buf *out, const char *id, const char *class_name, double width, double height,
		 const char *title, const char *description, const struct buf *body)
{
	buf_addf(out, "<svg class=\"chart %s\" role=\"img\" aria-labelledby=\"%s-%s-title %s-%s-desc\" width=\"%.0f\" "
		      "height=\"%.0f\" ",
		 class_name, id, class_name, id, class_name, width, height);
	buf_addf(out, "viewBox=\"0 0 %.0f %.0f\">\n<title id=\"%s-%s-title\">", width, height, id, class_name);
	escape_markup(out, title);
	buf_addf(out, "</title>\n<desc id=\"%s-%s-desc\">", id, class_name);
	escape_markup(out, description);
	buf_adds(out, "</desc>\n");
	buf_add(out, buf_text(body), body->n);
	buf_adds(out, "</svg>\n");
}

void svg_line(struct buf *out, const char *class_name, double x1, double y1, double x2, double y2)
{
	buf_addf(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class_name, x1, y1, x2,
		 y2);
}

void svg_rect(struct buf *out, const char *class_name, double x, double y, double width, double height)
{
	buf_addf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", class_name, x, y,
		 fmax(width, 0), fmax(height, 0));
}

static void add_text(struct buf *out, const char *class_name, double x, double y, enum svg_anchor anchor, const char *s,
		     const char *tail)
{
	static const char *const anchors[] = { "", " text-anchor=\"middle\"", " text-anchor=\"end\"" };

	buf_addf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\"%s>", class_name, x, y, anchors[anchor]);
	escape_markup(out, s);
	buf_addf(out, "%s</text>\n", tail);
}

void svg_text(struct buf *out, const char *class_name, double x, double y, enum svg_anchor anchor, const char *s)
{
	add_text(out, class_name, x, y, anchor, s, "");
}

/* The longest start of the line that leaves room for an ellipsis. */
static size_t cut(const char *s, double width, double size)
{
	size_t n = strlen(s), i = 0;
	double used = size; /* of the ellipsis */

	while (i < n) {
		size_t cluster = text_first(s + i, n - i, 1);

		used += svg_text_width(s + i, cluster, size);
		if (used > width && i > 0)
			break;
		i += cluster;
	}
	return i;
}

size_t svg_lines(const char *s, double width, double size, size_t most)
{
	size_t lines = 0, next;

	for (const char *p = s; *p && lines < most; p += next, lines++)
		svg_line_break(p, width, size, &next);
	return lines;
}

size_t svg_paragraph(struct buf *out, const char *class_name, double x, double y, enum svg_anchor anchor, double width,
		     double size, size_t most, const char *s)
{
	struct buf clean = { 0 }, line = { 0 };
	size_t lines = 0, next;

	escape_plain(&clean, s);
	for (const char *p = buf_text(&clean); *p && lines < most; p += next, lines++) {
		size_t n = svg_line_break(p, width, size, &next);
		bool is_cut = lines + 1 == most && p[next] != '\0';

		buf_clear(&line);
		buf_add(&line, p, is_cut ? cut(p, width, size) : n);
		add_text(out, class_name, x, y + (double)lines * 1.25 * size, anchor, buf_text(&line),
			 is_cut ? "\u2026" : "");
	}
	buf_release(&clean);
	buf_release(&line);
	return lines;
}

static void add_shape(struct buf *out, int rung, double x, double y, double r)
{
	switch (rung) {
	case 1:
		buf_addf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", x - .9 * r, y - .9 * r,
			 1.8 * r, 1.8 * r);
		break;
	case 2:
		buf_addf(out, "<path d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1fZ\"/>", x, y - 1.2 * r, x + 1.15 * r,
			 y + .85 * r,
			 x - 1.15 * r, y + .85 * r);
		break;
	case 3:
		buf_addf(out, "<path d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1fL%.1f %.1fZ\"/>", x, y - 1.3 * r, x + 1.3 * r, y,
			 x,
			 y + 1.3 * r, x - 1.3 * r, y);
		break;
	default:
		buf_addf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>", x, y, r);
	}
}

void svg_mark(struct buf *out, int rung, bool filled, double x, double y, double radius, const char *title)
{
	buf_addf(out, "<g class=\"mark r%d%s\">", rung >= 0 && rung < 4 ? rung : 0, filled ? "" : " hollow");
	if (title) {
		buf_adds(out, "<title>");
		escape_markup(out, title);
		buf_adds(out, "</title>");
	}
	add_shape(out, rung, x, y, radius);
	buf_adds(out, "</g>\n");
}
