/* figure.h - numbers as a report prints them. Values that are not known (NAN) read as an en dash.
 *
 * A figure is returned by value, so that `buf_addf(out, "%s", figure_usd(x).text)` needs no memory of its own. */
#ifndef RUNG_REPORT_FIGURE_H
#define RUNG_REPORT_FIGURE_H

#include <stddef.h>

struct figure {
	char text[48]; /* UTF-8 */
};

struct figure figure_percent(double share);             /* 0.872 -> "87.2%" */
struct figure figure_share(double share);               /* settings: 0.05 -> "5%", 0.0167 -> "1.67%" */
struct figure figure_points(double delta);              /* 0.093 -> "+9.3", with a true minus sign */
struct figure figure_margin(double delta);              /* a setting in points: 0.05 -> "5" */
struct figure figure_span(double low, double high);     /* "81.0\u201391.4%" */
struct figure figure_gap(double low, double high);      /* "+1.2 to +17.1" points */
struct figure figure_count(size_t n);                   /* "12,480" */
struct figure figure_number(double x);                  /* mean tokens: "412", "8.3" */
struct figure figure_usd(double usd);                   /* "$0", "$0.00031", "$4.20", "$1,425" */
/* For axes: without decimals that are zero, "+10.0" -> "+10". */
struct figure figure_tick(struct figure f);
struct figure figure_days(double days);                 /* "1.3", "120"; INFINITY: "never" */
struct figure figure_ms(double ms);                     /* "0.04 ms", "812 ms", "1.4 s" */
struct figure figure_seconds(double seconds);           /* "48 s", "6 min 52 s", "3.1 h" */

#endif
