/* price.c - the table: cells by model and field, and dates. */
#include "cost/price.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost/price_inner.h"

static const char litellm[] = "LiteLLM model_prices_and_context_window";
static const char its_day[] = "2026-08-01";

/* In the order of enum price_field; 0: the provider has none. */
static const struct {
	const char *model;
	double usd_per_mtok[PRICE_FIELDS], cache_minimum_tokens;
} built_in[] = {
	{ "claude-3-haiku-20240307", { 0.25, 1.25, 0.03, 0.30 }, 0 },
	{ "claude-haiku-4-5", { 1.00, 5.00, 0.10, 1.25 }, 4096 },
	{ "claude-opus-4-5", { 5.00, 25.00, 0.50, 6.25 }, 4096 },
	{ "claude-sonnet-4-5", { 3.00, 15.00, 0.30, 3.75 }, 1024 },
	{ "claude-sonnet-4-6", { 3.00, 15.00, 0.30, 3.75 }, 1024 },
	{ "ft:gpt-4.1-mini-2025-04-14", { 0.80, 3.20, 0.20, 0, 0.40, 1.60 }, 0 },
	{ "ft:gpt-4.1-nano-2025-04-14", { 0.20, 0.80, 0.05, 0, 0.10, 0.40 }, 0 },
	{ "ft:gpt-4o-mini-2024-07-18", { 0.30, 1.20, 0.15, 0, 0.15, 0.60 }, 0 },
	{ "gemini/gemini-2.5-flash", { 0.30, 2.50, 0.03 }, 0 },
	{ "gemini/gemini-2.5-flash-lite", { 0.10, 0.40, 0.01 }, 0 },
	{ "gpt-4.1", { 2.00, 8.00, 0.50, 0, 1.00, 4.00 }, 0 },
	{ "gpt-4.1-mini", { 0.40, 1.60, 0.10, 0, 0.20, 0.80 }, 0 },
	{ "gpt-4.1-nano", { 0.10, 0.40, 0.025, 0, 0.05, 0.20 }, 0 },
	{ "gpt-4o-mini", { 0.15, 0.60, 0.075, 0, 0.075, 0.30 }, 0 },
	{ "gpt-5", { 1.25, 10.00, 0.125 }, 0 },
	{ "gpt-5-mini", { 0.25, 2.00, 0.025 }, 0 },
	{ "gpt-5-nano", { 0.05, 0.40, 0.005 }, 0 },
	{ "text-embedding-3-large", { 0.13 }, 0 },
	{ "text-embedding-3-small", { 0.02 }, 0 },
};

const double price_core_hour_default = 0.045;

const char *price_local_as_of(void)
{
	return its_day;
}

struct price_model *price_table_model(struct price_table *t, const char *name)
{
	size_t n = strlen(name), at = hash_map_get(&t->by_name, name, n, SIZE_MAX);

	if (at != SIZE_MAX)
		return &t->models[at];
	if (t->n == t->capacity) {
		t->capacity = 2 * t->capacity + 64;
		t->models = mem_resize(t->models, t->capacity, sizeof(*t->models));
	}
	struct price_model *m = &t->models[t->n];

	*m = (struct price_model){ .name = arena_string(&t->arena, name), .region_factor = NAN };
	for (size_t i = 0; i < PRICE_FIELDS; i++)
		m->cells[i] = (struct price_cell){ NAN, NAN, NULL, NULL };
	hash_map_put(&t->by_name, m->name, n, t->n++);
	return m;
}

struct price_table *price_table_open(void)
{
	struct price_table *t = mem_zero(1, sizeof(*t));

	arena_init(&t->arena);
	t->region_factor = 1;
	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++) {
		struct price_model *m = price_table_model(t, built_in[i].model);

		m->cache_minimum_tokens = built_in[i].cache_minimum_tokens;
		for (size_t f = 0; f < PRICE_FIELDS; f++)
			if (built_in[i].usd_per_mtok[f] > 0)
				m->cells[f] = (struct price_cell){ built_in[i].usd_per_mtok[f], NAN, its_day, litellm };
	}
	return t;
}

void price_table_free(struct price_table *t)
{
	if (!t)
		return;
	hash_map_release(&t->by_name);
	arena_release(&t->arena);
	free(t->models);
	free(t);
}

/* --- the user's own ------------------------------------------------------------------------------------------------- */

/* A number, 0 or more, up to one of the ends; moves on behind it. */
static bool read_amount(const char **at, double *out)
{
	char *end;

	if (**at == '-' || **at == '+' || **at == ' ')
		return false;
	*out = strtod(*at, &end);
	if (end == *at || !isfinite(*out))
		return false;
	*at = end;
	return true;
}

/* IN/OUT[/CACHED] */
static bool read_prices(const char *at, double usd[3])
{
	usd[2] = NAN;
	for (size_t i = 0; i < 3; i++) {
		if (!read_amount(&at, &usd[i]))
			return false;
		if (!*at)
			return i > 0;
		if (*at++ != '/')
			return false;
	}
	return false;
}

const char *price_table_set(struct price_table *t, const char *text, const char *today, struct error *err)
{
	static const enum price_field fields[] = { PRICE_INPUT, PRICE_OUTPUT, PRICE_CACHE_READ };
	const char *equals = strrchr(text, '=');
	double usd[3];

	if (!equals || equals == text || !read_prices(equals + 1, usd)) {
		error_set(err, "price \"%.200s\" is not MODEL=IN/OUT or MODEL=IN/OUT/CACHED with prices of 0 or more, in US dollars "
			       "per million tokens", text);
		return NULL;
	}
	struct price_model *m = price_table_model(t, arena_copy(&t->arena, text, (size_t)(equals - text)));

	m->users = true;
	m->cells[PRICE_CACHE_WRITE] = m->cells[PRICE_BATCH_INPUT] = m->cells[PRICE_BATCH_OUTPUT] =
		(struct price_cell){ NAN, NAN, NULL, NULL };
	for (size_t i = 0; i < 3; i++)
		m->cells[fields[i]] = (struct price_cell){ usd[i], NAN, arena_string(&t->arena, today), "yours" };
	return m->name;
}

bool price_table_factor(struct price_table *t, const char *text, struct error *err)
{
	const char *equals = strrchr(text, '='), *at = equals ? equals + 1 : text;
	double factor;

	if (equals == text || !read_amount(&at, &factor) || *at || factor <= 0)
		return error_set(err, "region factor \"%.200s\" is not MODEL=FACTOR or FACTOR above 0, such as 1.1", text);
	if (equals)
		price_table_model(t, arena_copy(&t->arena, text, (size_t)(equals - text)))->region_factor = factor;
	else
		t->region_factor = factor;
	return true;
}

/* --- looking up ----------------------------------------------------------------------------------------------------- */

static const struct price_model *find_exact(const struct price_table *t, const char *name)
{
	size_t at = hash_map_get(&t->by_name, name, strlen(name), SIZE_MAX);

	return at == SIZE_MAX ? NULL : &t->models[at];
}

/* "ft:BASE:ORGANISATION:SUFFIX:ID", a provider before it or not: what fine-tunes of BASE cost. */
static const struct price_model *find_tuned(const struct price_table *t, const char *model)
{
	const char *ft = strncmp(model, "ft:", 3) == 0 ? model : strstr(model, ":ft:");
	const char *base = !ft ? NULL : ft + (*ft == ':') + 3;
	char name[256];

	if (!base || strlen(base) >= sizeof(name) - 3)
		return NULL;
	snprintf(name, sizeof(name), "ft:%.*s", (int)strcspn(base, ":"), base);
	return find_exact(t, name);
}

const struct price_model *price_table_find(const struct price_table *t, const char *model)
{
	const struct price_model *m = find_exact(t, model);
	const char *colon = strchr(model, ':');
	char name[256];

	if (m || !colon || strlen(model) >= sizeof(name))
		return m;
	snprintf(name, sizeof(name), "%.*s/%s", (int)(colon - model), model, colon + 1); /* as LiteLLM writes "gemini/..." */
	m = find_exact(t, name);
	return m ? m : (m = find_exact(t, colon + 1)) ? m : find_tuned(t, model);
}

struct cost_prices price_of(const struct price_model *m)
{
	const struct price_cell *c = m->cells;
	bool own_price = c[PRICE_CACHE_WRITE].source != NULL;

	return (struct cost_prices){ c[PRICE_INPUT].usd_per_mtok, c[PRICE_OUTPUT].usd_per_mtok, c[PRICE_CACHE_READ].usd_per_mtok,
				     c[own_price ? PRICE_CACHE_WRITE : PRICE_INPUT].usd_per_mtok };
}

/* A provider without a price of its own for cached tokens takes them as others. */
static double part(double tokens, double usd_per_mtok, double otherwise)
{
	return tokens > 0 ? tokens * (isnan(usd_per_mtok) ? otherwise : usd_per_mtok) / 1e6 : 0;
}

double price_tokens(const struct price_model *m, double input, double output, double cache_read, double cache_write)
{
	struct cost_prices p = price_of(m);

	return part(input - cache_read - cache_write, p.input, NAN) + part(output, p.output, NAN) + part(cache_read, p.cache_read, p.input) +
	       part(cache_write, p.cache_write, p.input);
}

double price_batch_discount(const struct price_model *m)
{
	double batch = m->cells[PRICE_BATCH_INPUT].usd_per_mtok, usual = m->cells[PRICE_INPUT].usd_per_mtok;

	return batch >= 0 && usual > 0 && batch <= usual ? 1 - batch / usual : 0.5;
}

double price_region_factor(const struct price_table *t, const struct price_model *m)
{
	return m && !isnan(m->region_factor) ? m->region_factor : t->region_factor;
}

/* Howard Hinnant, "chrono-compatible low-level date algorithms": days_from_civil. */
bool price_day(const char *date, long *day)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int y, m, d, end = 0;

	if (!date || sscanf(date, "%4d-%2d-%2d%n", &y, &m, &d, &end) != 3 || end != 10 || date[10] || m < 1 || m > 12 || d < 1 ||
	    d > days[m - 1] || y < 1)
		return false;
	y -= m <= 2;
	int era = y / 400, year = y - era * 400, in_year = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;

	*day = (long)era * 146097 + year * 365L + year / 4 - year / 100 + in_year - 719468;
	return true;
}

double price_days_left(const struct price_model *m, const char *today)
{
	long from, to;

	if (!price_day(m->retired_on, &to) || !price_day(today, &from))
		return INFINITY;
	return to > from ? (double)(to - from) : 0;
}

double price_local(double seconds, int cores, double usd_per_core_hour)
{
	return seconds * cores * usd_per_core_hour / 3600;
}
