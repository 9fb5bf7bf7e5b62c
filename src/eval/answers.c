/* answers.c - answers_of() */
#include "eval/answers.h"

#include <string.h>

#include "base/hash.h"

bool answers_of(struct store *store, int64_t run, const char *variant, const char *split, struct item_list items, struct arena *arena,
		const struct answer_row ***rows, struct error *err)
{
	struct hash_map by_item = { 0 };
	struct answer_row *all;
	size_t n;

	*rows = arena_array(arena, items.n + 1, sizeof(**rows));
	if (!store_answers(store, run, variant, split, arena, &all, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		hash_map_put(&by_item, all[i].item, strlen(all[i].item), i);
	for (size_t i = 0; i < items.n; i++) {
		size_t at = hash_map_get(&by_item, items.items[i]->id, strlen(items.items[i]->id), SIZE_MAX);

		(*rows)[i] = at == SIZE_MAX ? NULL : &all[at];
	}
	hash_map_release(&by_item);
	return true;
}
