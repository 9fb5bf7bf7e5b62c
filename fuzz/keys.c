/* Any bytes as a file of keys: keys with names that a terminal can be shown and a known hash, or one sentence that names the line. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "memory_file.h"
#include "serve/keys.h"
#include "serve/trace.h"

static void is_name(const char *name)
{
	size_t bad, n = strlen(name);

	assert(n >= 1 && n < KEY_NAME && text_valid(name, n, &bad));
	for (size_t i = 0; i < n; i++)
		assert((unsigned char)name[i] >= 0x20 && name[i] != 0x7f);
}

static void is_limit(double limit)
{
	assert(limit >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = memory_file(data, size);
	struct error err = { "" };
	struct arena arena;
	size_t n;

	arena_init(&arena);
	struct key *keys = keys_read(path, &arena, &n, &err);

	assert(keys ? !err.text[0] : err.text[0] && !strchr(err.text, '\n'));
	for (size_t i = 0; keys && i < n; i++) {
		is_name(keys[i].name);
		is_name(keys[i].tenant);
		is_limit(keys[i].requests_per_minute);
		is_limit(keys[i].tokens_per_minute);
		is_limit(keys[i].usd_per_day);
		for (size_t j = 0; j < i; j++)
			assert(strcmp(keys[i].name, keys[j].name) != 0 && memcmp(keys[i].sha256, keys[j].sha256, SHA256_BYTES) != 0);
	}
	char header[128];
	struct trace t;

	snprintf(header, sizeof(header), "%.*s", (int)(size < 120 ? size : 120), (const char *)data);
	assert(!trace_read(header, &t) || (strlen(t.id) == TRACE_ID - 1 && strlen(t.parent) == TRACE_SPAN - 1));
	arena_release(&arena);
	return 0;
}
