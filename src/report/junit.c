/* junit.c - a run as JUnit's XML, which CI systems show: a testsuite a variant that was measured on test, a testcase an item.
 *
 * An item is passed where its answer scores 1, as "right" everywhere in a report; a failure says what was expected and what came; an
 * error is a call that brought nothing. Characters that XML 1.0 forbids (its section 2.2) become U+FFFD. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "report/rows.h"

struct suite {
	const struct rows_out *out;
	const char *task;
	struct buf cases; /* of the suite that is being written: its counts stand before them */
	const struct variant_row *variant;
	char id[256];
	size_t tests, failures, errors;
	double seconds;
};

static bool allowed(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) || c >= 0x10000;
}

/* As content or as an attribute's value: line ends and tabs are written as references, which parsers do not normalise. */
static void add_xml(struct buf *out, const char *s)
{
	size_t n = strlen(s), step;

	for (size_t i = 0; i < n; i += step) {
		uint32_t c;

		step = text_decode(s + i, n - i, &c);
		if (c == '&')
			buf_adds(out, "&amp;");
		else if (c == '<')
			buf_adds(out, "&lt;");
		else if (c == '>')
			buf_adds(out, "&gt;");
		else if (c == '"')
			buf_adds(out, "&quot;");
		else if (c == '\t' || c == '\n' || c == '\r')
			buf_addf(out, "&#%u;", (unsigned)c);
		else if (!allowed(c) || (c == 0xFFFD && step == 1))
			buf_adds(out, "\xEF\xBF\xBD");
		else
			buf_add(out, s + i, step);
	}
}

static void add_attribute(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, " %s=\"", name);
	add_xml(out, value);
	buf_addc(out, '"');
}

static bool is_error(const char *status)
{
	return strcmp(status, "error") == 0 || strcmp(status, "timeout") == 0;
}

static void add_problem(struct buf *out, const struct report_row *row, const char *element)
{
	const char *answer = row->answer->answer;
	struct buf message = { 0 };

	if (answer)
		buf_addf(&message, "expected \"%s\", got \"%s\" (score %.3g)", row->item->answer, answer, row->score);
	else
		buf_addf(&message, "expected \"%s\", got no answer: %s", row->item->answer, row->answer->status);
	buf_addf(out, "      <%s", element);
	add_attribute(out, "message", buf_text(&message));
	add_attribute(out, "type", row->answer->status);
	buf_adds(out, ">expected: ");
	add_xml(out, row->item->answer);
	buf_adds(out, "\nactual: ");
	add_xml(out, answer ? answer : "");
	buf_addf(out, "</%s>\n", element);
	buf_release(&message);
}

static void suite_end(struct suite *s)
{
	struct buf head = { 0 };

	if (!s->variant)
		return;
	buf_adds(&head, "  <testsuite");
	add_attribute(&head, "name", s->id);
	buf_addf(&head, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"0\" time=\"%.3f\">\n", s->tests, s->failures, s->errors,
		 s->seconds);
	rows_flush(s->out, &head);
	buf_adds(&s->cases, "  </testsuite>\n");
	rows_flush(s->out, &s->cases);
	buf_release(&head);
	s->variant = NULL;
}

static void suite_begin(void *context, const struct variant_row *v, size_t n)
{
	struct suite *s = context;

	suite_end(s);
	s->variant = v;
	snprintf(s->id, sizeof(s->id), "%s", v->id);
	s->tests = n;
	s->failures = s->errors = 0;
	s->seconds = 0;
}

static void case_add(void *context, const struct report_row *row)
{
	struct suite *s = context;
	double seconds = isfinite(row->answer->ms) ? row->answer->ms / 1000 : 0;
	bool error = is_error(row->answer->status), passed = row->score >= 1;

	s->errors += !passed && error;
	s->failures += !passed && !error;
	s->seconds += seconds;
	buf_adds(&s->cases, "    <testcase");
	add_attribute(&s->cases, "classname", row->variant->id);
	add_attribute(&s->cases, "name", row->item->id);
	buf_addf(&s->cases, " time=\"%.6f\"%s>\n", seconds, passed ? "/" : "");
	if (passed)
		return;
	add_problem(&s->cases, row, error ? "error" : "failure");
	buf_adds(&s->cases, "    </testcase>\n");
}

bool rows_write_junit(const struct rows_from *from, const struct rows_out *out, struct error *err)
{
	struct suite s = { .out = out, .task = from->task->name };
	const struct row_sink sink = { suite_begin, case_add, &s };
	struct buf b = { 0 };
	bool ok;

	buf_adds(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
	add_attribute(&b, "name", s.task);
	buf_adds(&b, ">\n");
	rows_flush(out, &b);
	ok = rows_each(from, "test", &sink, err);
	suite_end(&s);
	buf_adds(&b, "</testsuites>\n");
	rows_flush(out, &b);
	buf_release(&b);
	buf_release(&s.cases);
	return ok;
}
