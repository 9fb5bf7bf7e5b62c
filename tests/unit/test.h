/* test.h - what every unit test includes: cmocka, and a comparison that says which case failed. */
#ifndef RUNG_TEST_H
#define RUNG_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Relative to the larger of 1 and |want|. */
#define assert_close(name, got, want, tolerance)                                                              \
	do {                                                                                                  \
		double got_ = (got), want_ = (want);                                                          \
		if (!(fabs(got_ - want_) <= (tolerance) * fmax(1.0, fabs(want_))))                             \
			fail_msg("%s: got %.17g, want %.17g", (name), got_, want_);                           \
	} while (0)

/* Real data for tests that need it: RUNG_DATA, or ../shared/data beside the checkout; NULL when absent. */
static inline const char *test_data_folder(void)
{
	const char *folder = getenv("RUNG_DATA");
	FILE *probe;

	if (!folder)
		folder = "../shared/data";
	char path[4096];

	snprintf(path, sizeof(path), "%s/email_five/email_five.jsonl", folder);
	probe = fopen(path, "rb");
	if (!probe)
		return NULL;
	fclose(probe);
	return folder;
}

/* Where `make models` puts the models; RUNG_MODELS overrides. */
static inline const char *test_models_folder(void)
{
	const char *folder = getenv("RUNG_MODELS");

	return folder ? folder : "models";
}

#endif
