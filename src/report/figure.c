/* figure.c - rounding for people. Machines read the JSON form, which rounds to nine digits instead. */
#include "report/figure.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MINUS "\u2212"
#define UNKNOWN "\u2013"

static const struct figure unknown = { UNKNOWN };

static double tidy(double x, double step)
{
	double rounded = round(x / step) * step;

	return rounded == 0 ? 0 : rounded; /* no "-0.0" */
}

struct figure figure_percent(double share)
{
	struct figure f = unknown;

	if (isfinite(share))
		snprintf(f.text, sizeof(f.text), "%.1f%%", tidy(100 * share, 0.1));
	return f;
}

struct figure figure_share(double share)
{
	struct figure f = unknown;

	if (isfinite(share))
		snprintf(f.text, sizeof(f.text), "%.3g%%", 100 * share + 0.0); /* -0 becomes 0 */
	return f;
}

struct figure figure_points(double delta)
{
	struct figure f = unknown;
	double points = tidy(100 * delta, 0.1);

	if (isfinite(delta))
		snprintf(f.text, sizeof(f.text), "%s%.1f", points > 0 ? "+" : points < 0 ? MINUS : "", fabs(points));
	return f;
}

struct figure figure_margin(double delta)
{
	struct figure f = unknown;

	if (isfinite(delta))
		snprintf(f.text, sizeof(f.text), "%.3g", 100 * delta);
	return f;
}

struct figure figure_span(double low, double high)
{
	struct figure f = unknown;

	if (isfinite(low) && isfinite(high))
		snprintf(f.text, sizeof(f.text), "%.1f\u2013%.1f%%", tidy(100 * low, 0.1), tidy(100 * high, 0.1));
	return f;
}

struct figure figure_gap(double low, double high)
{
	struct figure f = unknown;

	if (isfinite(low) && isfinite(high))
		snprintf(f.text, sizeof(f.text), "%.20s to %.20s", figure_points(low).text, figure_points(high).text);
	return f;
}

struct figure figure_count(size_t n)
{
	struct figure f;
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%zu", n);
	size_t k = 0;

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			f.text[k++] = ',';
		f.text[k++] = digits[i];
	}
	f.text[k] = '\0';
	return f;
}

struct figure figure_number(double x)
{
	struct figure f = unknown;

	if (!isfinite(x))
		return f;
	if (x >= 100 && x < 1e15)
		return figure_count((size_t)llround(x));
	snprintf(f.text, sizeof(f.text), "%.3g", tidy(x, 0.01));
	return f;
}

struct figure figure_usd(double usd)
{
	struct figure f = unknown;

	if (!isfinite(usd) || usd < 0)
		return f;
	if (usd == 0)
		snprintf(f.text, sizeof(f.text), "$0");
	else if (usd < 1e-9)
		snprintf(f.text, sizeof(f.text), "<$0.000000001");
	else if (usd < 0.0995) /* two significant digits, never an exponent */
		snprintf(f.text, sizeof(f.text), "$%.*f", 1 - (int)floor(log10(usd * 1.005)), usd);
	else if (usd < 999.5)
		snprintf(f.text, sizeof(f.text), usd < 99.95 ? "$%.2f" : "$%.0f", usd);
	else if (usd < 1e15)
		snprintf(f.text, sizeof(f.text), "$%.40s", figure_count((size_t)llround(usd)).text);
	else
		snprintf(f.text, sizeof(f.text), "$%.3g", usd);
	return f;
}

struct figure figure_tick(struct figure f)
{
	size_t n = strlen(f.text);

	if (!strchr(f.text, '.'))
		return f;
	while (f.text[n - 1] == '0')
		n--;
	f.text[f.text[n - 1] == '.' ? n - 1 : n] = '\0';
	return f;
}

struct figure figure_days(double days)
{
	struct figure never = { "never" };

	return isinf(days) ? never : figure_number(days);
}

struct figure figure_ms(double ms)
{
	struct figure f = unknown;

	if (!isfinite(ms))
		return f;
	if (ms < 9.95)
		snprintf(f.text, sizeof(f.text), "%.2g ms", tidy(ms, 0.01));
	else if (ms < 999.5)
		snprintf(f.text, sizeof(f.text), "%.0f ms", ms);
	else
		snprintf(f.text, sizeof(f.text), "%.1f s", ms / 1000);
	return f;
}

struct figure figure_seconds(double seconds)
{
	struct figure f = unknown;

	if (!isfinite(seconds) || seconds < 0)
		return f;
	if (seconds < 99.5)
		snprintf(f.text, sizeof(f.text), "%.0f s", seconds);
	else if (seconds < 7200)
		snprintf(f.text, sizeof(f.text), "%.0f min %.0f s", floor(round(seconds) / 60),
			 fmod(round(seconds), 60));
	else
		snprintf(f.text, sizeof(f.text), "%.1f h", seconds / 3600);
	return f;
}
