/* scan.c - which set runs. The engine checks the name; a processor with AVX-512 but without VNNI (Skylake-X) scans by AVX2. */
#include "retrieve/scan.h"

#include <string.h>

#include "llm/kernels.h"

/* The engine's name of each set, best first. */
static const struct {
	const char *kernels;
	const struct scan *scan;
} rows[] = {
#if defined(__x86_64__)
	{ "avx512vnni", &scan_avx512 },
	{ "avx512bf16", &scan_avx512 },
	{ "avx512", &scan_avx512 },
	{ "avx2", &scan_avx2 },
#elif defined(__aarch64__)
	{ "neon", &scan_neon },
#endif
	{ "portable", &scan_portable },
};

static const struct scan *const sets[] = {
#if defined(__x86_64__)
	&scan_avx512, &scan_avx2,
#elif defined(__aarch64__)
	&scan_neon,
#endif
	&scan_portable, NULL,
};

const struct scan *const *scan_all(void)
{
	return sets;
}

const struct scan *scan_choose(struct error *err)
{
	const struct kernels *kernels = kernels_choose(false, err);
	bool named = false;

	for (size_t i = 0; kernels && i < sizeof(rows) / sizeof(*rows); i++) {
		named = named || strcmp(rows[i].kernels, kernels->name) == 0;
		if (named && rows[i].scan->available())
			return rows[i].scan;
	}
	return NULL;
}
