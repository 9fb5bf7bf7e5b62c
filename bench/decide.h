/* decide.h - what bench/decide.c and bench/replays.c print with. */
#ifndef RUNG_BENCH_DECIDE_H
#define RUNG_BENCH_DECIDE_H

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

static const double alpha = 0.05;

/* A figure with its target; there is no peer. */
static inline void row(const char *name, double value, const char *target, bool ok)
{
	printf("%s\t%.4f\t-\t-\t%s\t%s\n", name, value, target, ok ? "ok" : "short");
	fflush(stdout);
}

static inline void must(bool ok, const struct error *err)
{
	if (ok)
		return;
	fprintf(stderr, "%s\n", err->text);
	exit(1);
}

#endif
