/* Any UTF-8 text as JSON Lines or a JSON array: it becomes rows of texts or one sentence. */
#include <assert.h>
#include <stdint.h>

#include "base/text.h"
#include "task/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct error err = { "" };
	size_t bad;

	/* what table_read() refuses before */
	if (!text_valid((const char *)data, size, &bad) || (size && memchr(data, '\0', size)))
		return 0;
	arena_init(&arena);
	struct table t = { .arena = &arena, .path = "e.json" };
	bool ok = table_read_json(&t, (const char *)data, size, &err);

	assert(ok == !err.text[0] && !strchr(err.text, '\n'));
	for (size_t i = 0; ok && i < t.n_rows; i++) {
		assert(t.rows[i].n <= t.n_columns && t.rows[i].line >= 1);
		for (size_t c = 0; c < t.rows[i].n; c++)
			assert(text_valid(t.rows[i].values[c], strlen(t.rows[i].values[c]), &bad));
	}
	free(t.rows);
	arena_release(&arena);
	return 0;
}
