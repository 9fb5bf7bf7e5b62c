/* grades.c - keys to scores */
#include "task/grades.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"

struct grades {
	struct arena arena; /* the keys, which the map borrows */
	struct hash_map by_key;
	double *scores;
	size_t capacity;
};

struct grades *grades_new(void)
{
	struct grades *g = mem_zero(1, sizeof(*g));

	arena_init(&g->arena);
	return g;
}

void grades_free(struct grades *g)
{
	if (!g)
		return;
	hash_map_release(&g->by_key);
	arena_release(&g->arena);
	free(g->scores);
	free(g);
}

static uint64_t mix(uint64_t h, const char *text)
{
	size_t n = strlen(text);

	return hash64(text, n, h * 31 + n);
}

uint64_t grades_key(const struct task *task, const struct example *e, const char *answer)
{
	uint64_t h = mix(mix(0, e->id), e->answer);

	for (size_t c = 0; c < task->n_columns; c++)
		h = mix(h, e->values[c]);
	return mix(h, answer);
}

void grades_put(struct grades *g, uint64_t key, double score)
{
	const char *bytes = arena_copy(&g->arena, (const char *)&key, sizeof(key));
	size_t n = g->by_key.n;

	if (hash_map_put(&g->by_key, bytes, sizeof(key), n) != n)
		return;
	if (n == g->capacity) {
		g->capacity = n ? 2 * n : 256;
		g->scores = mem_resize(g->scores, g->capacity, sizeof(*g->scores));
	}
	g->scores[n] = score;
}

double grades_find(const struct grades *g, uint64_t key)
{
	size_t at = hash_map_get(&g->by_key, (const char *)&key, sizeof(key), SIZE_MAX);

	return at == SIZE_MAX ? NAN : g->scores[at];
}

bool grades_read_human(const char *text, double *grade)
{
	const char *start = text + strspn(text, " \t");
	size_t n = strcspn(start, " \t\r\n");
	char *end = NULL;

	*grade = NAN;
	if (start[n + strspn(start + n, " \t\r\n")] != '\0')
		return false;
	if (n == 0)
		return true;
	if (n == 5 && (strncasecmp(start, "right", n) == 0 || strncasecmp(start, "wrong", n) == 0)) {
		*grade = strncasecmp(start, "right", n) == 0;
		return true;
	}
	if (strspn(start, "+.0123456789eE-") == n) /* strtod would also take hexadecimal and infinity */
		*grade = strtod(start, &end);
	if (*grade >= 0 && *grade <= 1 && end == start + n)
		return true;
	*grade = NAN;
	return false;
}
