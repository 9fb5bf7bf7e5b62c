/* text.c - the terminal form: one row a variant, grouped by rung, then what was compared, and the verdict last, where
 * the eye of someone at a prompt is. */
#include <math.h>
#include <string.h>

#include "report/columns.h"
#include "report/escape.h"
#include "report/figure.h"
#include "report/words.h"
#include "report/writers.h"

enum style { PLAIN, BOLD, DIM, GOOD, BAD };

struct terminal {
	struct buf *out;
	bool colour;
	size_t width;
};

/* Columns of the table in the order in which they are printed. A narrow terminal loses them by rising `keep`. */
enum { COLUMN_BAR, COLUMN_SCORE, COLUMN_INTERVAL, COLUMN_SPLIT, COLUMN_CALLS, COLUMN_USD, COLUMN_STATE, N_COLUMNS };
static const struct {
	const char *heading;
	size_t width;
	int keep;
} columns[N_COLUMNS] = {
	[COLUMN_BAR] = { "", 10, 1 },
	[COLUMN_SCORE] = { "score", 6, 9 },
	[COLUMN_INTERVAL] = { "95% int.", 11, 4 },
	[COLUMN_SPLIT] = { "on", 4, 5 },
	[COLUMN_CALLS] = { "calls", 6, 2 },
	[COLUMN_USD] = { "$ / 1k", 8, 3 },
	[COLUMN_STATE] = { "state", 9, 8 },
};

struct layout {
	size_t name;
	bool shown[N_COLUMNS];
};

static void style(const struct terminal *t, enum style s)
{
	static const char *const codes[] = { "0", "1", "2", "1;32", "31" };

	if (t->colour)
		buf_addf(t->out, "\033[%sm", codes[s]);
}

static void add_wrapped(const struct terminal *t, const char *lead, const char *sentence, enum style s)
{
	struct buf clean = { 0 };

	escape_plain(&clean, sentence);
	style(t, s);
	buf_adds(t->out, lead);
	columns_wrap(t->out, buf_text(&clean), columns_width(lead, strlen(lead)), t->width);
	style(t, PLAIN);
	buf_release(&clean);
}

static void add_heading(const struct terminal *t, const char *text)
{
	buf_addc(t->out, '\n');
	add_wrapped(t, "", text, BOLD);
}

/* Pads to `width` columns; to the right for text, to the left for numbers. */
static void add_cell(struct buf *out, const char *s, size_t width, bool right)
{
	size_t used = columns_width(s, strlen(s));
	int pad = used < width ? (int)(width - used) : 0;

	if (right)
		buf_addf(out, "%*s", pad, "");
	buf_adds(out, s);
	if (!right)
		buf_addf(out, "%*s", pad, "");
}

static size_t longest_name(const struct report *r)
{
	size_t longest = 12;

	for (size_t i = 0; i < r->n_variants; i++) {
		size_t w = columns_width(r->variants[i].name, strlen(r->variants[i].name));

		longest = w > longest ? w : longest;
	}
	return longest;
}

static size_t columns_used(const struct layout *l)
{
	size_t used = 2;

	for (size_t i = 0; i < N_COLUMNS; i++)
		used += l->shown[i] ? columns[i].width + 2 : 0;
	return used;
}

static struct layout lay_out(const struct report *r, size_t width)
{
	struct layout l = { .shown = { true, true, true, true, true, true, true } };
	size_t longest = longest_name(r), enough = longest < 28 ? longest : 28;

	l.shown[COLUMN_SPLIT] = r->origin == REPORT_CLIMB; /* records have no splits */

	for (int keep = 1; keep < 9 && columns_used(&l) + enough > width; keep++)
		for (size_t i = 0; i < N_COLUMNS; i++)
			if (columns[i].keep == keep)
				l.shown[i] = false;
	l.name = columns_used(&l) + 12 < width ? width - columns_used(&l) : 12;
	l.name = l.name > longest ? longest : l.name;
	return l;
}

/* Solid to the interval's lower end, then shade to the score, light shade to the upper end. */
static void add_bar(struct buf *out, const struct report_score *s)
{
	double cells = (double)columns[COLUMN_BAR].width;

	for (size_t i = 0; i < columns[COLUMN_BAR].width; i++) {
		double at = ((double)i + 0.5) / cells;

		const char *shade = at < fmin(s->low, s->score) ? "\u2588"
				    : at < s->score             ? "\u2593"
				    : at < s->high              ? "\u2591"
								: "\u00b7";

		buf_adds(out, s->n > 0 ? shade : " ");
	}
}

static const char *state_of(const struct report_variant *v)
{
	return v->winner                        ? "winner"
	       : v->incumbent                   ? "in use"
	       : v->status != VARIANT_MEASURED  ? report_status_name(v->status)
	       : v->candidate                   ? "candidate"
						: "measured";
}

static void add_column(struct buf *out, const struct report_variant *v, size_t column)
{
	struct report_score s = report_score_shown(v);
	size_t width = columns[column].width;

	switch (column) {
	case COLUMN_BAR:
		add_bar(out, &s);
		break;
	case COLUMN_SCORE:
		add_cell(out, figure_percent(s.n ? s.score : NAN).text, width, true);
		break;
	case COLUMN_INTERVAL:
		add_cell(out, figure_span(s.n ? s.low : NAN, s.high).text, width, true);
		break;
	case COLUMN_SPLIT:
		add_cell(out, v->test.n ? "test" : v->dev.n ? "dev" : "", width, false);
		break;
	case COLUMN_CALLS:
		add_cell(out, figure_count(v->calls).text, width, true);
		break;
	case COLUMN_USD:
		add_cell(out, figure_usd(v->usd_per_1k_calls).text, width, true);
		break;
	default:
		buf_adds(out, state_of(v)); /* last: needs no padding */
	}
}

static enum style style_of(const struct report_variant *v)
{
	return v->winner                       ? GOOD
	       : v->status == VARIANT_FAILED   ? BAD
	       : v->status == VARIANT_MEASURED ? PLAIN
					       : DIM;
}

static void add_why(const struct terminal *t, const struct report_variant *v)
{
	struct buf why = { 0 };

	buf_addf(&why, "%s: %s", report_status_name(v->status), v->why);
	add_wrapped(t, "    ", buf_text(&why), DIM);
	buf_release(&why);
}

/* Whether a row of the same rung above has said why already. */
static bool said_above(const struct report *r, size_t i)
{
	const struct report_variant *v = &r->variants[i];

	for (size_t k = i; v->why && k-- > 0 && r->variants[k].rung == v->rung;)
		if (r->variants[k].why && strcmp(r->variants[k].why, v->why) == 0)
			return true;
	return false;
}

static void add_variant(const struct terminal *t, const struct layout *l, const struct report_variant *v, bool said)
{
	struct buf name = { 0 }, first = { 0 };
	size_t next, n;

	escape_plain(&name, v->name);
	n = columns_line(buf_text(&name), l->name, &next);
	buf_add(&first, buf_text(&name), n);
	style(t, style_of(v));
	buf_adds(t->out, v->winner ? "> " : "  ");
	add_cell(t->out, buf_text(&first), l->name, false);
	for (size_t i = 0; i < N_COLUMNS; i++) {
		if (!l->shown[i])
			continue;
		buf_adds(t->out, "  ");
		add_column(t->out, v, i);
	}
	style(t, PLAIN);
	buf_addc(t->out, '\n');
	for (size_t i = next; i < name.n; i += next) {
		n = columns_line(name.data + i, l->name, &next);
		buf_addf(t->out, "  %.*s\n", (int)n, name.data + i);
	}
	if (v->why && (v->status == VARIANT_SKIPPED || v->status == VARIANT_FAILED) && !said)
		add_why(t, v);
	buf_release(&name);
	buf_release(&first);
}

static void add_headings(const struct terminal *t, const struct layout *l)
{
	style(t, DIM);
	buf_adds(t->out, "  ");
	add_cell(t->out, "", l->name, false);
	for (size_t i = 0; i < N_COLUMNS; i++) {
		bool number = i != COLUMN_SPLIT && i != COLUMN_STATE;

		if (!l->shown[i])
			continue;
		buf_adds(t->out, "  ");
		add_cell(t->out, columns[i].heading, i == COLUMN_STATE ? 0 : columns[i].width, number);
	}
	style(t, PLAIN);
	buf_addc(t->out, '\n');
}

static void add_table(const struct terminal *t, const struct report *r)
{
	struct layout l = lay_out(r, t->width);
	char heading[64];

	if (r->n_variants > 0)
		add_headings(t, &l);
	for (size_t i = 0; i < r->n_variants; i++) {
		const struct report_variant *v = &r->variants[i];

		if (i == 0 || v->rung != r->variants[i - 1].rung) {
			if (r->origin == REPORT_POSED)
				snprintf(heading, sizeof(heading), "Step %d", v->rung + 1);
			else
				snprintf(heading, sizeof(heading), "Rung %d  %s", v->rung, report_rung_name(v->rung));
			add_wrapped(t, "", heading, BOLD);
		}
		add_variant(t, &l, v, said_above(r, i));
	}
}

typedef void words(struct buf *out, const struct report *r);

static void add_sentence(const struct terminal *t, const struct report *r, const char *lead, words *phrase,
			 enum style s)
{
	struct buf sentence = { 0 };

	phrase(&sentence, r);
	if (sentence.n > 0)
		add_wrapped(t, lead, buf_text(&sentence), s);
	buf_release(&sentence);
}

static void add_list(const struct terminal *t, const char *heading, const char *const *sentences, size_t n)
{
	if (n > 0 && heading)
		add_heading(t, heading);
	for (size_t i = 0; i < n; i++)
		add_wrapped(t, "  - ", sentences[i], PLAIN);
}

/* What the knowledge probe and the ways of prompting say about where the failures come from. */
static void add_diagnosis(const struct terminal *t, const struct report *r)
{
	struct buf sentence = { 0 };

	if (r->n_diagnosis > 0)
		add_heading(t, "Diagnosis");
	add_sentence(t, r, "  ", words_probe, PLAIN);
	for (size_t i = 0; buf_clear(&sentence), words_diagnosis(&sentence, r, i); i++)
		if (!words_diagnosis_is_open(r, i))
			add_wrapped(t, "  - ", buf_text(&sentence), PLAIN);
	buf_release(&sentence);
	add_sentence(t, r, "  - ", words_diagnosis_open, PLAIN);
}

/* The candidates that search. */
static void add_documents(const struct terminal *t, const struct report *r)
{
	struct buf sentence = { 0 };
	bool any = false;

	for (size_t i = 0; i < r->n_variants; i++) {
		buf_clear(&sentence);
		if (r->variants[i].candidate)
			words_retrieval(&sentence, &r->variants[i]);
		if (sentence.n > 0 && !any)
			add_heading(t, "Documents");
		any |= sentence.n > 0;
		if (sentence.n > 0)
			add_wrapped(t, "  - ", buf_text(&sentence), PLAIN);
	}
	buf_release(&sentence);
}

/* A wording's text keeps its lines: it is there to be copied. */
static void add_wording(const struct terminal *t, const char *text)
{
	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		struct buf one = { 0 }, clean = { 0 };

		buf_add(&one, line, n);
		escape_plain(&clean, buf_text(&one));
		add_wrapped(t, "      ", buf_text(&clean), DIM);
		buf_release(&clean);
		buf_release(&one);
		line += n + (line[n] == '\n');
	}
}

static void add_wordings(const struct terminal *t, const struct report *r)
{
	struct buf sentence = { 0 };

	if (r->n_wordings > 0)
		add_heading(t, "Rewritten instructions");
	for (size_t i = 0; buf_clear(&sentence), words_wording(&sentence, r, i); i++) {
		add_wrapped(t, "  - ", buf_text(&sentence), PLAIN);
		if (r->wordings[i].variant)
			add_wording(t, r->wordings[i].text);
	}
	buf_release(&sentence);
}

static void add_cascade(const struct terminal *t, const struct report *r)
{
	struct buf sentence = { 0 };

	if (r->cascade.wanted)
		add_heading(t, "Cascade");
	for (size_t i = 0; buf_clear(&sentence), words_cascade(&sentence, r, i); i++)
		add_wrapped(t, "  - ", buf_text(&sentence), PLAIN);
	buf_release(&sentence);
}

static void add_curves(const struct terminal *t, const struct report *r)
{
	struct buf sentence = { 0 };

	if (r->n_curves + r->n_undrawn > 0)
		add_heading(t, "More labels");
	for (size_t i = 0; buf_clear(&sentence), words_curve(&sentence, r, i); i++)
		add_wrapped(t, "  - ", buf_text(&sentence), PLAIN);
	buf_release(&sentence);
}

static void add_switching(const struct terminal *t, const struct report *r)
{
	struct buf sentence = { 0 };

	if (r->n_switching > 0)
		add_heading(t, "Switching models");
	for (size_t i = 0; buf_clear(&sentence), words_switching(&sentence, r, i); i++) {
		add_wrapped(t, "  - ", buf_text(&sentence), PLAIN);
		buf_clear(&sentence);
		words_switching_figures(&sentence, r, i);
		add_wrapped(t, "    ", buf_text(&sentence), DIM);
	}
	buf_release(&sentence);
	add_sentence(t, r, "  ", words_switching_note, DIM);
}

static void add_verdict(const struct terminal *t, const struct report *r)
{
	struct buf why = { 0 }, answer = { 0 };
	const char *word = words_fine_tune(&why, r);

	buf_addc(t->out, '\n');
	add_sentence(t, r, "Verdict: ", words_headline, BOLD);
	add_sentence(t, r, "  ", words_score, PLAIN);
	add_sentence(t, r, "  ", words_meaning, PLAIN);
	add_list(t, NULL, r->verdict.reasons, r->verdict.n_reasons);
	buf_addf(&answer, "%s. %s", word, buf_text(&why));
	if (r->origin != REPORT_POSED) /* its steps are no rungs */
		add_wrapped(t, "Should I fine-tune? ", buf_text(&answer), PLAIN);
	if (r->verdict.next_step)
		add_wrapped(t, "Next: ", r->verdict.next_step, BOLD);
	buf_release(&why);
	buf_release(&answer);
}

void report_write_terminal(const struct report *r, bool colour, int width, struct buf *out)
{
	struct terminal t = { out, colour, (size_t)(width < 40 ? 40 : width > 160 ? 160 : width) };

	add_wrapped(&t, "", r->task, BOLD);
	add_sentence(&t, r, "", words_examples, PLAIN);
	buf_addc(out, '\n');
	add_table(&t, r);
	add_diagnosis(&t, r);
	add_wordings(&t, r);
	add_documents(&t, r);
	add_curves(&t, r);
	add_switching(&t, r);
	add_cascade(&t, r);
	add_list(&t, "Who graded", r->grading.sentences, r->grading.n_sentences);
	add_list(&t, "Worth knowing", r->findings, r->n_findings);
	add_heading(&t, "Spent");
	add_sentence(&t, r, "  ", words_spent, PLAIN);
	add_sentence(&t, r, "  ", words_costs, PLAIN);
	add_verdict(&t, r);
}

void report_write_text(const struct report *r, struct buf *out)
{
	report_write_terminal(r, false, 100, out);
}
