/* kernels_sets.h - the sets that kernels.c chooses from, one file each. Private to src/llm/kernels*.c. */
#ifndef RUNG_LLM_KERNELS_SETS_H
#define RUNG_LLM_KERNELS_SETS_H

#include "llm/kernels.h"

extern const struct kernels kernels_portable;
#if defined(__x86_64__)
extern const struct kernels kernels_avx2, kernels_avx512, kernels_avx512bf16, kernels_avx512vnni;
#elif defined(__aarch64__)
extern const struct kernels kernels_neon;
#endif

#endif
