/* markdown.c - the form for a pull request: verdict first, one table, the evidence folded away (GitHub's dialect). */
#include <math.h>

#include "report/escape.h"
#include "report/figure.h"
#include "report/words.h"
#include "report/writers.h"

typedef void words(struct buf *out, const struct report *r);

static void add_text(struct buf *out, const char *before, const char *text, const char *after)
{
	buf_adds(out, before);
	escape_markdown(out, text);
	buf_adds(out, after);
}

static void add_sentence(struct buf *out, const struct report *r, const char *before, words *phrase, const char *after)
{
	struct buf sentence = { 0 };

	phrase(&sentence, r);
	if (sentence.n > 0)
		add_text(out, before, buf_text(&sentence), after);
	buf_release(&sentence);
}

static void add_verdict(struct buf *out, const struct report *r)
{
	struct buf why = { 0 };
	const char *word = words_fine_tune(&why, r);

	add_text(out, "## ", r->task, "\n\n");
	add_sentence(out, r, "**", words_headline, "**\n");
	add_sentence(out, r, "", words_score, "\n");
	add_sentence(out, r, "", words_meaning, "\n");
	buf_addf(out, "\n**Should I fine-tune? %s.** ", word);
	add_text(out, "", buf_text(&why), "\n");
	if (r->verdict.next_step)
		add_text(out, "\n**Next:** ", r->verdict.next_step, "\n");
	buf_release(&why);
}

static void add_variant(struct buf *out, const struct report_variant *v)
{
	struct report_score s = report_score_shown(v);
	const char *bold = v->winner ? "**" : "";

	buf_addf(out, "| %d | %s", v->rung, bold);
	add_text(out, "", v->name, bold);
	buf_addf(out, " | %s | %s | %s | %s | %s | ", figure_percent(s.n ? s.score : NAN).text,
		 figure_span(s.n ? s.low : NAN, s.high).text, v->test.n ? "test" : v->dev.n ? "dev" : "",
		 figure_count(v->calls).text, figure_usd(v->usd_per_1k_calls).text);
	buf_adds(out, v->winner ? "**winner**" : v->incumbent ? "in use" : report_status_name(v->status));
	if (v->why && (v->status == VARIANT_SKIPPED || v->status == VARIANT_FAILED))
		add_text(out, ": ", v->why, "");
	buf_adds(out, " |\n");
}

static void add_variants(struct buf *out, const struct report *r, bool tested)
{
	buf_adds(out, "\n| Rung | Variant | Score | 95% interval | On | Calls | $ per 1k calls | State |\n"
		      "|---:|:---|---:|:---:|:---|---:|---:|:---|\n");
	for (size_t i = 0; i < r->n_variants; i++)
		if ((r->variants[i].test.n > 0) == tested)
			add_variant(out, &r->variants[i]);
}

static void add_list(struct buf *out, const char *heading, const char *const *sentences, size_t n)
{
	if (n > 0)
		buf_addf(out, "\n%s\n\n", heading);
	for (size_t i = 0; i < n; i++)
		add_text(out, "- ", sentences[i], "\n");
}

static void add_comparison(struct buf *out, const struct report *r, const struct comparison *c)
{
	const struct report_variant *from = report_find(r, c->from), *to = report_find(r, c->to);

	add_text(out, "| ", from ? from->name : c->from, " \u2192 ");
	add_text(out, "", to ? to->name : c->to, "");
	buf_addf(out, " | %s | %s | %s | %s | %s | %s |\n", figure_count(c->n).text, figure_count(c->wins).text,
		 figure_count(c->losses).text, figure_points(c->delta).text, figure_gap(c->low, c->high).text,
		 decision_name(c->decision));
}

static void add_comparisons(struct buf *out, const struct report *r)
{
	if (r->n_comparisons > 0)
		buf_adds(out, "\n| Compared | Items | Won | Lost | Difference, points | Interval | Decision |\n"
			      "|:---|---:|---:|---:|---:|:---:|:---|\n");
	for (size_t i = 0; i < r->n_comparisons; i++)
		add_comparison(out, r, &r->comparisons[i]);
}

static size_t count_untested(const struct report *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_variants; i++)
		n += r->variants[i].test.n == 0;
	return n;
}

static void add_untested(struct buf *out, const struct report *r)
{
	size_t n = count_untested(r);

	if (n == 0)
		return;
	buf_addf(out, "\n<details><summary>%zu variant%s that did not reach the test items</summary>\n", n,
		 n == 1 ? "" : "s");
	add_variants(out, r, false);
	buf_adds(out, "\n</details>\n");
}

static void add_diagnosis(struct buf *out, const struct report *r)
{
	struct buf sentence = { 0 };

	if (r->n_diagnosis > 0)
		buf_adds(out, "\n**Diagnosis**\n\n");
	words_probe(&sentence, r);
	if (sentence.n > 0)
		add_text(out, "- ", buf_text(&sentence), "\n");
	for (size_t i = 0; buf_clear(&sentence), words_diagnosis(&sentence, r, i); i++)
		if (!words_diagnosis_is_open(r, i))
			add_text(out, "- ", buf_text(&sentence), "\n");
	buf_clear(&sentence);
	words_diagnosis_open(&sentence, r);
	if (sentence.n > 0)
		add_text(out, "- ", buf_text(&sentence), "\n");
	buf_release(&sentence);
}

static void add_documents(struct buf *out, const struct report *r)
{
	struct buf sentence = { 0 };
	bool any = false;

	for (size_t i = 0; i < r->n_variants; i++) {
		buf_clear(&sentence);
		if (r->variants[i].candidate)
			words_retrieval(&sentence, &r->variants[i]);
		if (sentence.n > 0 && !any)
			buf_adds(out, "\n**Documents**\n\n");
		any |= sentence.n > 0;
		if (sentence.n > 0)
			add_text(out, "- ", buf_text(&sentence), "\n");
	}
	buf_release(&sentence);
}

/* Indented by two more, a fenced block belongs to its list item; more backticks than the text has in a row close it. */
static void add_wording(struct buf *out, const char *text)
{
	size_t most = 2, run = 0;

	for (const char *c = text; *c; c++) {
		run = *c == '`' ? run + 1 : 0;
		most = run > most ? run : most;
	}
	buf_adds(out, "\n  ");
	for (size_t i = 0; i <= most; i++)
		buf_addc(out, '`');
	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		struct buf one = { 0 };

		buf_add(&one, line, n);
		buf_adds(out, "\n  ");
		escape_plain(out, buf_text(&one));
		buf_release(&one);
		line += n + (line[n] == '\n');
	}
	buf_adds(out, "\n  ");
	for (size_t i = 0; i <= most; i++)
		buf_addc(out, '`');
	buf_adds(out, "\n\n");
}

static void add_wordings(struct buf *out, const struct report *r)
{
	struct buf sentence = { 0 };

	if (r->n_wordings > 0)
		buf_adds(out, "\n**Rewritten instructions**\n\n");
	for (size_t i = 0; buf_clear(&sentence), words_wording(&sentence, r, i); i++) {
		add_text(out, "- ", buf_text(&sentence), "\n");
		if (r->wordings[i].variant)
			add_wording(out, r->wordings[i].text);
	}
	buf_release(&sentence);
}

static void add_cascade(struct buf *out, const struct report *r)
{
	struct buf sentence = { 0 };

	if (r->cascade.wanted)
		buf_adds(out, "\n**Cascade**\n\n");
	for (size_t i = 0; buf_clear(&sentence), words_cascade(&sentence, r, i); i++)
		add_text(out, "- ", buf_text(&sentence), "\n");
	buf_release(&sentence);
}

static void add_curves(struct buf *out, const struct report *r)
{
	struct buf sentence = { 0 };

	if (r->n_curves + r->n_undrawn > 0)
		buf_adds(out, "\n**More labels**\n\n");
	for (size_t i = 0; buf_clear(&sentence), words_curve(&sentence, r, i); i++)
		add_text(out, "- ", buf_text(&sentence), "\n");
	buf_release(&sentence);
}

static void add_switch(struct buf *out, const struct report_switch *s)
{
	const struct report_variant *sides[] = { s->from, s->to };

	add_text(out, "| ", s->from->model, " \u2192 ");
	add_text(out, "", s->to->model, "");
	buf_addf(out, " | %s %s | %s | %s | %s | %s | %s | %s |", figure_count(s->n).text, words_switching_items(s->split, s->n),
		 figure_count(s->only_from).text, figure_count(s->only_to).text, figure_count(s->both).text, figure_count(s->neither).text,
		 figure_points(s->delta).text, figure_gap(s->low, s->high).text);
	for (size_t i = 0; i < 2; i++) {
		add_text(out, " ", words_technique(sides[i]), "");
		buf_addf(out, ", %s, %s / %s |", figure_usd(sides[i]->usd_per_1k_calls).text, figure_ms(sides[i]->ms_p50).text,
			 figure_ms(sides[i]->ms_p95).text);
	}
	buf_addc(out, '\n');
}

static void add_switching(struct buf *out, const struct report *r)
{
	struct buf sentence = { 0 };

	if (r->n_switching == 0)
		return;
	buf_adds(out, "\n**Switching models**\n\n");
	for (size_t i = 0; buf_clear(&sentence), words_switching(&sentence, r, i); i++)
		add_text(out, "- ", buf_text(&sentence), "\n");
	buf_adds(out, "\n| From \u2192 to | Items | Only from | Only to | Both | Neither | Difference, points | Interval | From: technique, $ per 1k "
		      "calls, p50 / p95 | To |\n|:---|---:|---:|---:|---:|---:|---:|:---:|:---|:---|\n");
	for (size_t i = 0; i < r->n_switching; i++)
		add_switch(out, &r->switching[i]);
	add_sentence(out, r, "\n", words_switching_note, "\n");
	buf_release(&sentence);
}

static void add_questions(struct buf *out, const struct report *r)
{
	if (!r->questions)
		return;
	buf_addf(out, "\n<details><summary>%d questions, answered or not</summary>\n\n", REPORT_QUESTIONS);
	for (size_t i = 0; i < REPORT_QUESTIONS; i++) {
		buf_addf(out, "%zu. **%s** ", i + 1, r->questions[i].question);
		add_text(out, "", r->questions[i].answer, "\n");
	}
	buf_adds(out, "\n</details>\n");
}

static void add_rule(struct buf *out, const struct report *r)
{
	struct buf paragraph = { 0 };

	buf_adds(out, "\n<details><summary>How this was decided</summary>\n\n");
	for (size_t i = 0; words_rule(&paragraph, r, i); i++) {
		add_text(out, "- ", buf_text(&paragraph), "\n");
		buf_clear(&paragraph);
	}
	buf_adds(out, "\n</details>\n");
	buf_release(&paragraph);
}

void report_write_markdown(const struct report *r, struct buf *out)
{
	add_verdict(out, r);
	if (count_untested(r) < r->n_variants)
		add_variants(out, r, true);
	add_untested(out, r);
	add_comparisons(out, r);
	add_list(out, "**Why**", r->verdict.reasons, r->verdict.n_reasons);
	add_diagnosis(out, r);
	add_wordings(out, r);
	add_documents(out, r);
	add_curves(out, r);
	add_switching(out, r);
	add_cascade(out, r);
	add_list(out, "**Who graded**", r->grading.sentences, r->grading.n_sentences);
	add_list(out, "**Worth knowing**", r->findings, r->n_findings);
	add_questions(out, r);
	add_rule(out, r);
	add_sentence(out, r, "\n", words_examples, "");
	buf_addf(out, "; seed %llu. ", (unsigned long long)r->seed);
	add_sentence(out, r, "", words_spent, " ");
	add_sentence(out, r, "", words_costs, " ");
	add_sentence(out, r, "", words_prices, " ");
	add_text(out, "", r->program, "\n");
}
