/* metrics.c - a list of models, each with its counters and histograms */
#include "serve/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static const double bounds[] = { .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60 }; /* seconds */
enum { N_BOUNDS = sizeof(bounds) / sizeof(bounds[0]), STATUSES = 600 };

struct histogram {
	size_t counts[N_BOUNDS + 1]; /* each between two bounds; the last above all */
	double sum;
};

struct series {
	struct series *next;
	char *model;
	size_t http[STATUSES];
	size_t cached, unpriced;
	double input_tokens, output_tokens, usd;
	struct histogram whole, first, own;
};

struct reason {
	struct reason *next;
	const char *name;
	size_t n;
};

struct metrics {
	struct series *series;
	struct reason *reasons;
};

struct metrics *metrics_open(void)
{
	return mem_zero(1, sizeof(struct metrics));
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	for (struct series *s = m->series, *next; s; s = next) {
		next = s->next;
		free(s->model);
		free(s);
	}
	for (struct reason *r = m->reasons, *next; r; r = next) {
		next = r->next;
		free(r);
	}
	free(m);
}

/* ---- counting ---- */

static struct series *series_of(struct metrics *m, const char *model)
{
	struct series **at = &m->series;

	while (*at && strcmp((*at)->model, model) != 0)
		at = &(*at)->next;
	if (!*at) {
		*at = mem_zero(1, sizeof(**at));
		(*at)->model = mem_string(model);
	}
	return *at;
}

static void observe(struct histogram *h, double ms)
{
	size_t i = 0;

	if (isnan(ms))
		return;
	while (i < N_BOUNDS && ms > bounds[i] * 1000)
		i++;
	h->counts[i]++;
	h->sum += ms / 1000;
}

void metrics_call(struct metrics *m, const struct metrics_call *c)
{
	struct series *s = series_of(m, c->model);

	s->http[c->http > 0 && c->http < STATUSES ? (size_t)c->http : 0]++;
	s->cached += c->cached;
	s->input_tokens += (double)c->input_tokens;
	s->output_tokens += (double)c->output_tokens;
	s->unpriced += isnan(c->usd) ? 1 : 0;
	s->usd += isnan(c->usd) ? 0 : c->usd;
	observe(&s->whole, c->ms);
	observe(&s->first, c->first_ms);
	observe(&s->own, c->ms - c->elsewhere_ms);
}

void metrics_refused(struct metrics *m, const char *reason)
{
	struct reason **at = &m->reasons;

	while (*at && strcmp((*at)->name, reason) != 0)
		at = &(*at)->next;
	if (!*at) {
		*at = mem_zero(1, sizeof(**at));
		(*at)->name = reason;
	}
	(*at)->n++;
}

/* ---- writing ---- */

static void add_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_value(struct buf *out, const char *value)
{
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			buf_addc(out, '\\');
		if (*value == '\n')
			buf_adds(out, "\\n");
		else
			buf_addc(out, *value);
	}
}

static void add_label(struct buf *out, const char *label, const char *value)
{
	buf_addf(out, "%s=\"", label);
	add_value(out, value);
	buf_addc(out, '"');
}

void metrics_write_one(struct buf *out, const char *name, const char *type, const char *help, const char *label, const char *value, double number)
{
	if (help)
		add_head(out, name, type, help);
	buf_adds(out, name);
	if (label) {
		buf_addc(out, '{');
		add_label(out, label, value);
		buf_addc(out, '}');
	}
	buf_addf(out, " %.12g\n", number);
}

static void add_http(const struct metrics *m, struct buf *out)
{
	static const char name[] = "rung_requests_total";

	add_head(out, name, "counter", "Requests that went to a task or an upstream, by the status of the reply.");
	for (const struct series *s = m->series; s; s = s->next) {
		for (size_t i = 0; i < STATUSES; i++) {
			if (s->http[i] == 0)
				continue;
			buf_addf(out, "%s{", name);
			add_label(out, "model", s->model);
			buf_addf(out, ",status=\"%zu\"} %zu\n", i, s->http[i]);
		}
	}
}

static void add_tokens(const struct metrics *m, struct buf *out)
{
	static const char name[] = "rung_tokens_total";

	add_head(out, name, "counter", "Tokens that models read (input) and wrote (output).");
	for (const struct series *s = m->series; s; s = s->next) {
		for (int output = 0; output < 2; output++) {
			buf_addf(out, "%s{", name);
			add_label(out, "model", s->model);
			buf_addf(out, ",direction=\"%s\"} %.0f\n", output ? "output" : "input", output ? s->output_tokens : s->input_tokens);
		}
	}
}

static double cached_of(const struct series *s)
{
	return (double)s->cached;
}

static double usd_of(const struct series *s)
{
	return s->usd;
}

static double unpriced_of(const struct series *s)
{
	return (double)s->unpriced;
}

static void add_counters(const struct metrics *m, struct buf *out)
{
	static const struct {
		const char *name, *help;
		double (*of)(const struct series *s);
	} rows[] = {
		{ "rung_cached_total", "Requests answered from the cache.", cached_of },
		{ "rung_usd_total", "USD that upstreams charge for what was asked, by the price table.", usd_of },
		{ "rung_unpriced_total", "Requests whose price is not known.", unpriced_of },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		add_head(out, rows[i].name, "counter", rows[i].help);
		for (const struct series *s = m->series; s; s = s->next)
			metrics_write_one(out, rows[i].name, NULL, NULL, "model", s->model, rows[i].of(s));
	}
}

static void add_histogram(struct buf *out, const char *name, const char *model, const struct histogram *h)
{
	size_t sum = 0;

	for (size_t i = 0; i <= N_BOUNDS; i++) {
		sum += h->counts[i];
		buf_addf(out, "%s_bucket{", name);
		add_label(out, "model", model);
		if (i < N_BOUNDS)
			buf_addf(out, ",le=\"%g\"} %zu\n", bounds[i], sum);
		else
			buf_addf(out, ",le=\"+Inf\"} %zu\n", sum);
	}
	buf_addf(out, "%s_sum{", name);
	add_label(out, "model", model);
	buf_addf(out, "} %.9g\n%s_count{", h->sum, name);
	add_label(out, "model", model);
	buf_addf(out, "} %zu\n", sum);
}

static void add_histograms(const struct metrics *m, struct buf *out)
{
	static const struct {
		const char *name, *help;
		size_t offset;
	} rows[] = {
		{ "rung_request_seconds", "From the connection's first byte to the end of the reply.", offsetof(struct series, whole) },
		{ "rung_first_byte_seconds", "To the first byte of a streamed reply.", offsetof(struct series, first) },
		{ "rung_overhead_seconds", "What of it this server took, where an upstream was asked.", offsetof(struct series, own) },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		add_head(out, rows[i].name, "histogram", rows[i].help);
		for (const struct series *s = m->series; s; s = s->next)
			add_histogram(out, rows[i].name, s->model, (const struct histogram *)((const char *)s + rows[i].offset));
	}
}

void metrics_write(const struct metrics *m, struct buf *out)
{
	static const char refused[] = "rung_refused_total";

	add_http(m, out);
	add_tokens(m, out);
	add_counters(m, out);
	add_histograms(m, out);
	add_head(out, refused, "counter", "Requests refused before anybody was asked.");
	for (const struct reason *r = m->reasons; r; r = r->next)
		metrics_write_one(out, refused, NULL, NULL, "reason", r->name, (double)r->n);
}
