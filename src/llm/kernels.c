/* kernels.c - which set runs: the fastest that the processor has, or the one that RUNG_KERNELS names. */
#include "llm/kernels_sets.h"

#include <string.h>

#include "base/buf.h"

static const struct kernels *const sets[] = {
#if defined(__x86_64__)
	&kernels_avx512vnni, &kernels_avx512bf16, &kernels_avx512, &kernels_avx2,
#elif defined(__aarch64__)
	&kernels_neon,
#endif
	&kernels_portable, NULL,
};

const struct kernels *const *kernels_all(void)
{
	return sets;
}

static void refuse(const char *name, struct error *err)
{
	struct buf names = { 0 };

	for (size_t i = 0; sets[i]; i++)
		if (sets[i]->available())
			buf_addf(&names, "%s%s", names.n ? ", " : "", sets[i]->name);
	error_set(err, "RUNG_KERNELS=%s names no kernel set that this processor runs; name one of %s, or unset it",
		  name, buf_text(&names));
	buf_release(&names);
}

static bool outrun(const struct kernels *k)
{
	return k->outrun && k->outrun();
}

const struct kernels *kernels_choose(bool exact, struct error *err)
{
	const char *name = getenv("RUNG_KERNELS");

	for (size_t i = 0; sets[i]; i++) {
		bool suits = !sets[i]->on_request && !outrun(sets[i]) && !(exact && sets[i]->products != PRODUCTS_F32);
		bool wanted = name && name[0] ? strcmp(name, sets[i]->name) == 0 : suits;

		if (wanted && sets[i]->available())
			return sets[i];
	}
	refuse(name, err);
	return NULL;
}

const struct kernels *kernels_for_training(struct error *err)
{
	const struct kernels *chosen = kernels_choose(false, err);
	const struct kernels *const *all = kernels_all();

	if (!chosen || chosen->products != PRODUCTS_INT8)
		return chosen;
	while ((*all)->products == PRODUCTS_INT8 || !(*all)->available() || outrun(*all))
		all++;
	return *all;
}
