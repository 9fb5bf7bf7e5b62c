/* serve_metrics.c - what /metrics writes, read by a parser as strict as the format's text (Prometheus exposition format 0.0.4). */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "serve/metrics.h"
#include "test.h"

/* ---- the format ---- */

enum { SAMPLES = 4000, FAMILIES = 100, LABELS = 4 };

struct sample {
	char name[120];
	char label[LABELS][40], value[LABELS][300]; /* as they were before they were escaped */
	size_t n_labels;
	double number;
};

struct family {
	char name[120], type[20];
	bool helped;
};

struct page {
	struct sample samples[SAMPLES];
	struct family families[FAMILIES];
	size_t n, n_families;
};

static bool is_name(const char *s, size_t n, bool colons)
{
	for (size_t i = 0; i < n; i++) {
		bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || s[i] == '_' || (colons && s[i] == ':');

		if (!letter && !(i > 0 && s[i] >= '0' && s[i] <= '9'))
			return false;
	}
	return n > 0;
}

static size_t word(const char *at, const char *stop, char *out, size_t most, bool colons)
{
	size_t n = strcspn(at, stop);

	if (n >= most || !is_name(at, n, colons))
		fail_msg("no name: %.60s", at);
	memcpy(out, at, n);
	out[n] = '\0';
	return n;
}

/* "# HELP name text" or "# TYPE name kind"; before the samples of that name, and once. */
static void read_head(struct page *p, const char *line)
{
	bool help = strncmp(line, "# HELP ", 7) == 0;
	char name[120];

	if (!help && strncmp(line, "# TYPE ", 7) != 0)
		fail_msg("neither HELP nor TYPE: %s", line);
	const char *rest = line + 7 + word(line + 7, " ", name, sizeof(name), true);

	assert_int_equal(*rest, ' ');
	if (help) {
		for (size_t i = 0; i < p->n_families; i++)
			assert_string_not_equal(p->families[i].name, name);
		assert_true(p->n_families < FAMILIES);
		struct family *f = &p->families[p->n_families++];

		*f = (struct family){ .helped = true };
		snprintf(f->name, sizeof(f->name), "%s", name);
		return;
	}
	struct family *f = &p->families[p->n_families - 1];

	assert_true(p->n_families > 0);
	assert_string_equal(f->name, name);
	assert_string_equal(f->type, "");
	snprintf(f->type, sizeof(f->type), "%s", rest + 1);
	assert_true(strcmp(f->type, "counter") == 0 || strcmp(f->type, "gauge") == 0 || strcmp(f->type, "histogram") == 0);
}

/* {a="...",b="..."}; returns what is behind it. */
static const char *read_labels(struct sample *s, const char *at)
{
	for (at++; *at != '}'; s->n_labels++) {
		char *to = s->value[s->n_labels], *end = to + sizeof(s->value[0]) - 1;

		assert_true(s->n_labels < LABELS);
		at += word(at, "=", s->label[s->n_labels], sizeof(s->label[0]), false);
		assert_memory_equal(at, "=\"", 2);
		for (at += 2; *at != '"'; at++) {
			assert_true(*at && to < end);
			if (*at == '\\') {
				at++;
				assert_true(*at == '\\' || *at == '"' || *at == 'n');
				*to++ = *at == 'n' ? '\n' : *at;
			} else
				*to++ = *at;
		}
		*to = '\0';
		at++;
		assert_true(*at == '}' || (*at == ',' && at[1] != '}'));
		at += *at == ',';
	}
	return at + 1;
}

static bool same_series(const struct sample *a, const struct sample *b)
{
	bool same = strcmp(a->name, b->name) == 0 && a->n_labels == b->n_labels;

	for (size_t i = 0; same && i < a->n_labels; i++)
		same = strcmp(a->label[i], b->label[i]) == 0 && strcmp(a->value[i], b->value[i]) == 0;
	return same;
}

/* A sample belongs to the family that was named last: all lines of one are one group. */
static void belongs(const struct page *p, const struct sample *s)
{
	assert_true(p->n_families > 0);
	const struct family *f = &p->families[p->n_families - 1];
	size_t n = strlen(f->name);

	if (strncmp(s->name, f->name, n) != 0)
		fail_msg("%s stands under %s", s->name, f->name);
	if (strcmp(f->type, "histogram") == 0)
		assert_true(strcmp(s->name + n, "_bucket") == 0 || strcmp(s->name + n, "_sum") == 0 || strcmp(s->name + n, "_count") == 0);
	else
		assert_string_equal(s->name + n, "");
	if (strcmp(f->type, "counter") == 0) {
		assert_true(n > 6 && strcmp(f->name + n - 6, "_total") == 0);
		assert_true(s->number >= 0);
	}
}

static void read_sample(struct page *p, const char *line)
{
	struct sample *s = &p->samples[p->n];
	char *end;

	assert_true(p->n < SAMPLES);
	*s = (struct sample){ .n_labels = 0 };
	const char *at = line + word(line, "{ ", s->name, sizeof(s->name), true);

	if (*at == '{')
		at = read_labels(s, at);
	assert_int_equal(*at, ' ');
	s->number = strtod(at + 1, &end);
	if (end == at + 1 || *end)
		fail_msg("no number: %s", line);
	assert_true(isfinite(s->number));
	belongs(p, s);
	for (size_t i = 0; i < p->n; i++)
		if (same_series(s, &p->samples[i]))
			fail_msg("twice: %s", line);
	p->n++;
}

static void read_page(struct page *p, const char *text)
{
	p->n = p->n_families = 0;
	for (const char *end; *text; text = end + 1) {
		char line[2000];

		end = strchr(text, '\n');
		assert_non_null(end); /* the last line ends, too */
		assert_true((size_t)(end - text) < sizeof(line) && end > text);
		memcpy(line, text, (size_t)(end - text));
		line[end - text] = '\0';
		if (*line == '#')
			read_head(p, line);
		else
			read_sample(p, line);
	}
	for (size_t i = 0; i < p->n_families; i++)
		assert_true(p->families[i].type[0] && p->families[i].helped);
}

/* ---- what is on it ---- */

static struct page page;

static const struct page *written(const struct metrics *m)
{
	struct buf out = { 0 };

	metrics_write(m, &out);
	read_page(&page, buf_text(&out));
	buf_release(&out);
	return &page;
}

static const char *label_of(const struct sample *s, const char *label)
{
	for (size_t i = 0; i < s->n_labels; i++)
		if (strcmp(s->label[i], label) == 0)
			return s->value[i];
	return NULL;
}

/* All samples of that name whose labels have the value. value NULL: all. */
static double sum_of(const struct page *p, const char *name, const char *value)
{
	double sum = 0;

	for (size_t i = 0; i < p->n; i++) {
		bool has = value == NULL;

		for (size_t k = 0; k < p->samples[i].n_labels; k++)
			has = has || strcmp(p->samples[i].value[k], value) == 0;
		if (has && strcmp(p->samples[i].name, name) == 0)
			sum += p->samples[i].number;
	}
	return sum;
}

static const struct metrics_call plain = { "rung/email", 200, false, 100, 10, .01, 20, NAN, NAN };

static void nothing_yet(void **state)
{
	struct metrics *m = metrics_open();

	(void)state;
	written(m);
	for (size_t i = 0; i < page.n; i++)
		assert_true(page.samples[i].number == 0);
	metrics_free(m);
	metrics_free(NULL);
}

static void calls_are_counted(void **state)
{
	struct metrics *m = metrics_open();
	struct metrics_call c = plain;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		metrics_call(m, &c);
	c.http = 502;
	c.input_tokens = c.output_tokens = 0;
	c.usd = 0;
	metrics_call(m, &c);
	c = plain;
	c.cached = true;
	c.usd = 0;
	c.input_tokens = c.output_tokens = 0;
	metrics_call(m, &c);
	c = plain;
	c.model = "up#m";
	c.usd = NAN;
	c.first_ms = 7;
	c.elsewhere_ms = 15;
	metrics_call(m, &c);
	metrics_refused(m, "rate_limit_exceeded");
	metrics_refused(m, "rate_limit_exceeded");
	metrics_refused(m, "invalid_api_key");
	const struct page *p = written(m);

	assert_true(sum_of(p, "rung_requests_total", NULL) == 8);
	assert_true(sum_of(p, "rung_requests_total", "502") == 1);
	assert_true(sum_of(p, "rung_requests_total", "up#m") == 1);
	assert_true(sum_of(p, "rung_refused_total", "rate_limit_exceeded") == 2);
	assert_true(sum_of(p, "rung_refused_total", NULL) == 3);
	assert_true(sum_of(p, "rung_tokens_total", NULL) == 6 * 110);
	assert_close("usd", sum_of(p, "rung_usd_total", NULL), .05, 1e-12);
	metrics_free(m);
}

/* Buckets grow, their last is all, and _count says the same; _sum is in seconds. */
static void histograms_add_up(void **state)
{
	static const double ms[] = { 0, .01, .5, 1, 5, 20, 100, 1000, 30e3, 1e7 };
	struct metrics *m = metrics_open();
	double seconds = 0;
	size_t histograms = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ms); i++) {
		struct metrics_call c = plain;

		c.ms = ms[i];
		c.first_ms = c.elsewhere_ms = ms[i] / 2;
		seconds += ms[i] / 1000;
		metrics_call(m, &c);
	}
	const struct page *p = written(m);

	for (size_t f = 0; f < p->n_families; f++) {
		char bucket[140];
		double last = -1, before = -1;

		if (strcmp(p->families[f].type, "histogram") != 0)
			continue;
		histograms++;
		snprintf(bucket, sizeof(bucket), "%s_bucket", p->families[f].name);
		for (size_t i = 0; i < p->n; i++) {
			if (strcmp(p->samples[i].name, bucket) != 0)
				continue;
			const char *le = label_of(&p->samples[i], "le");

			assert_non_null(le);
			double bound = strcmp(le, "+Inf") == 0 ? INFINITY : strtod(le, NULL);

			assert_true(bound > before && p->samples[i].number >= last);
			before = bound;
			last = p->samples[i].number;
		}
		assert_true(isinf(before));
		snprintf(bucket, sizeof(bucket), "%s_count", p->families[f].name);
		assert_true((size_t)last == ARRAY_SIZE(ms) && last == sum_of(p, bucket, NULL));
	}
	assert_true(histograms > 0);
	assert_close("seconds", sum_of(p, "rung_request_seconds_sum", NULL), seconds, 1e-9);
	metrics_free(m);
}

/* Whatever a task is called, the page can be read, and says so. */
static void odd_labels(void **state)
{
	static const char *const names[] = { "", "a\"b", "back\\slash", "line\nbreak", "\\n", "\\", "}", "a\",b=\"c", "\xc3\xa4\xe2\x82\xac", " ",
					     "http://127.0.0.1:1/v1#m", "# HELP x" };
	struct metrics *m = metrics_open();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct metrics_call c = plain;

		c.model = names[i];
		for (size_t k = 0; k <= i; k++)
			metrics_call(m, &c);
	}
	const struct page *p = written(m);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (sum_of(p, "rung_requests_total", names[i]) != (double)(i + 1))
			fail_msg("\"%s\": %g", names[i], sum_of(p, "rung_requests_total", names[i]));
	metrics_free(m);
}

/* Names outlive the call they came with, and large counts keep their units. */
static void counted_exactly(void **state)
{
	struct metrics *m = metrics_open();
	char name[] = "rung/one";
	struct metrics_call c = plain;

	(void)state;
	c.model = name;
	c.input_tokens = 9007199254;
	c.output_tokens = 0;
	for (size_t i = 0; i < 1001; i++)
		metrics_call(m, &c);
	memset(name, 'x', sizeof(name) - 1);
	const struct page *p = written(m);

	assert_true(sum_of(p, "rung_tokens_total", "rung/one") == 9007199254.0 * 1001);
	assert_true(sum_of(p, "rung_requests_total", "rung/one") == 1001);
	metrics_free(m);
}

static void one_number_of_another(void **state)
{
	struct buf out = { 0 };

	(void)state;
	metrics_write_one(&out, "a_total", "counter", "What it is.", "what", "x\"\\\ny", 3);
	metrics_write_one(&out, "a_total", NULL, NULL, "what", "z", 1e15);
	metrics_write_one(&out, "b_bytes", "gauge", "B.", NULL, NULL, .5);
	read_page(&page, buf_text(&out));
	assert_int_equal(page.n, 3);
	assert_string_equal(page.samples[0].value[0], "x\"\\\ny");
	assert_true(page.samples[1].number == 1e15 && page.samples[2].number == .5 && page.samples[2].n_labels == 0);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_yet), cmocka_unit_test(calls_are_counted), cmocka_unit_test(histograms_add_up), cmocka_unit_test(odd_labels),
		cmocka_unit_test(counted_exactly), cmocka_unit_test(one_number_of_another),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
