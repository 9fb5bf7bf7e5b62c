/* drift_text.c - what was found, for people and programs. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/drift.h"
#include "data/inputs.h"
#include "stats/twosample.h"

enum { CATEGORIES_SHOWN = 8, CHARACTERS = 90 };

static void one_line(struct buf *out, const char *text)
{
	size_t n = strlen(text), kept = text_first(text, n, CHARACTERS);

	for (size_t i = 0; i < kept; i++)
		buf_addc(out, (unsigned char)text[i] < ' ' ? ' ' : text[i]);
	buf_adds(out, kept < n ? "..." : "");
}

static void inputs_told(const struct drift *d, struct buf *out)
{
	buf_addf(out, "  inputs   %zu served against %zu examples, by %s: ", d->inputs.served, d->inputs.examples, d->inputs.by);
	if (isnan(d->inputs.p)) {
		buf_addf(out, "%d of each are needed\n", TWOSAMPLE_LEAST);
		return;
	}
	buf_addf(out, "told apart with AUC %.2f (0.5: not at all), p %.3f: %s\n", d->inputs.auc, d->inputs.p,
		 d->inputs.moved ? "they have moved" : "nothing shows that they moved");
	if (d->inputs.n_odd)
		buf_adds(out, "           least like the examples:\n");
	for (size_t i = 0; i < d->inputs.n_odd; i++) {
		buf_addf(out, "           %s  ", d->inputs.odd[i].call);
		one_line(out, d->inputs.odd[i].input);
		buf_addc(out, '\n');
	}
}

static double share(size_t part, size_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
}

static void answers_told(const struct drift *d, struct buf *out)
{
	if (!d->answers.variant) {
		buf_addf(out, "  answers  not compared: %s\n", d->answers.why);
		return;
	}
	buf_addf(out, "  answers  %zu of %s against its %zu on dev and test: ", d->answers.served, d->answers.variant, d->answers.examples);
	if (isnan(d->answers.p))
		buf_addf(out, "%d of each are needed\n", TWOSAMPLE_LEAST);
	else
		buf_addf(out, "p %.3f: %s\n", d->answers.p, d->answers.moved ? "they have moved" : "nothing shows that they moved");
	for (size_t k = 0; k < d->answers.n && k < CATEGORIES_SHOWN && d->answers.served > 0; k++) {
		const struct drift_share *s = &d->answers.shares[k];

		buf_adds(out, "           ");
		one_line(out, s->name);
		buf_addf(out, " %.1f %% (at the climb %.1f %%)\n", share(s->served, d->answers.served), share(s->examples, d->answers.examples));
	}
	if (d->answers.n > CATEGORIES_SHOWN && d->answers.served > 0)
		buf_addf(out, "           and %zu more (--json lists all)\n", d->answers.n - CATEGORIES_SHOWN);
}

static void said_told(const struct drift *d, struct buf *out)
{
	buf_addf(out, "  ratings  of %zu of the calls", d->said.rated);
	if (d->said.rated)
		buf_addf(out, ": mean %.2f (95 %%: %.2f to %.2f)", d->said.mean, d->said.low, d->said.high);
	if (d->said.rated && !isnan(d->said.at_climb))
		buf_addf(out, "; the score on test was %.2f. Who rates was not drawn at random", d->said.at_climb);
	buf_addc(out, '\n');
}

void drift_text(const struct task *task, const struct drift *d, struct buf *out)
{
	struct arena arena;

	arena_init(&arena);
	buf_addf(out, "%s: the newest %zu calls", task->name, d->window);
	if (d->window)
		buf_addf(out, ", %s to %s UTC", inputs_moment(d->from_ms, &arena), inputs_moment(d->to_ms, &arena));
	buf_addc(out, '\n');
	inputs_told(d, out);
	answers_told(d, out);
	said_told(d, out);
	buf_addf(out, "where nothing moves, a look like this says that something did at most %.3g %% of the time\n", 100 * d->alpha);
	arena_release(&arena);
}

static json_t *number(double x)
{
	return isnan(x) ? json_null() : json_real(x);
}

static json_t *inputs_json(const struct drift *d)
{
	json_t *odd = json_array();

	for (size_t i = 0; i < d->inputs.n_odd; i++)
		json_array_append_new(odd, json_pack("{s:s, s:s}", "call", d->inputs.odd[i].call, "input", d->inputs.odd[i].input));
	return json_pack("{s:I, s:I, s:s, s:o, s:o, s:b, s:o}", "examples", (json_int_t)d->inputs.examples, "served", (json_int_t)d->inputs.served, "by",
			 d->inputs.by, "auc", number(d->inputs.auc), "p", number(d->inputs.p), "moved", d->inputs.moved, "least_like", odd);
}

static json_t *answers_json(const struct drift *d)
{
	json_t *shares = json_array();

	for (size_t k = 0; k < d->answers.n; k++)
		json_array_append_new(shares, json_pack("{s:s, s:I, s:I}", "name", d->answers.shares[k].name, "examples",
							(json_int_t)d->answers.shares[k].examples, "served", (json_int_t)d->answers.shares[k].served));
	return json_pack("{s:s?, s:s?, s:I, s:I, s:o, s:b, s:o}", "variant", d->answers.variant, "why", d->answers.variant ? NULL : d->answers.why,
			 "examples", (json_int_t)d->answers.examples, "served", (json_int_t)d->answers.served, "p", number(d->answers.p), "moved",
			 d->answers.moved, "shares", shares);
}

void drift_json(const struct task *task, const struct drift *d, struct buf *out)
{
	json_t *ratings = json_pack("{s:I, s:o, s:f, s:f, s:o}", "rated", (json_int_t)d->said.rated, "mean", number(d->said.mean), "low", d->said.low,
				    "high", d->said.high, "at_climb", number(d->said.at_climb));
	json_t *root = json_pack("{s:s, s:I, s:I, s:I, s:f, s:o, s:o, s:o}", "task", task->name, "window", (json_int_t)d->window, "from_ms",
				 (json_int_t)d->from_ms, "to_ms", (json_int_t)d->to_ms, "alpha", d->alpha, "inputs", inputs_json(d), "answers",
				 answers_json(d), "ratings", ratings);
	char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(6));

	buf_addf(out, "%s\n", text);
	free(text);
	json_decref(root);
}
