/* chart.h - the drawn charts of the HTML page, each in two sizes: WIDE for a desktop and for print, NARROW for a phone.
 *
 * Each appends one <svg> (svg_picture()), or nothing when there is nothing to draw and returns false. */
#ifndef RUNG_REPORT_CHART_H
#define RUNG_REPORT_CHART_H

#include "base/buf.h"
#include "report/report.h"

enum chart_size { CHART_WIDE, CHART_NARROW };

static inline double chart_width(enum chart_size size)
{
	return size == CHART_WIDE ? 1000 : 358; /* 390 less a margin of 16 on each side */
}

static inline const char *chart_class(enum chart_size size)
{
	return size == CHART_WIDE ? "wide" : "narrow";
}

/* Every variant's score with its interval, rung by rung; dev hollow, test filled; target and majority as lines. */
bool chart_ladder(struct buf *out, const struct report *r, enum chart_size size);
/* Score against cost per 1,000 calls; logarithmic when costs span more than a factor of 20, with a place for $0. */
bool chart_cost(struct buf *out, const struct report *r, enum chart_size size);
/* What the winner answered for each true label, as a heat map; counts in the cells while there is room. */
bool chart_confusion(struct buf *out, const struct report *r, enum chart_size size);
/* Items won and lost in each comparison, and the difference with its interval over the band of the margin. */
bool chart_comparisons(struct buf *out, const struct report *r, enum chart_size size);
/* What each candidate has cost by each day of the horizon; nothing without traffic and horizon. */
bool chart_days(struct buf *out, const struct report *r, enum chart_size size);
/* Error against the examples learnt from, and the forecast for twice as many. */
bool chart_curves(struct buf *out, const struct report *r, enum chart_size size);

#endif
