/* CSV rows as the parser gives them, written [field|field]; what ends the file follows. */
#include "test.h"

#include "task/csv.h"

#define BOM "\xEF\xBB\xBF"

static const struct {
	const char *name;
	char separator;
	const char *text;
	const char *want;
} cases[] = {
	{ "nothing", ',', "", "end" },
	{ "a mark and nothing", ',', BOM, "end" },
	{ "one field", ',', "a", "1[a] end" },
	{ "one row", ',', "a,b\n", "1[a|b] end" },
	{ "no newline at the end", ',', "a,b\nc,d", "1[a|b] 2[c|d] end" },
	{ "CRLF", ',', "a,b\r\nc,d\r\n", "1[a|b] 2[c|d] end" },
	{ "CR alone", ',', "a,b\rc,d\r", "1[a|b] 2[c|d] end" },
	{ "a byte order mark is not text", ',', BOM "a\nb\n", "1[a] 2[b] end" },
	{ "empty fields", ',', ",\n,,\n", "1[|] 2[||] end" },
	{ "a separator at the end of the file", ',', "a,", "1[a|] end" },
	{ "blank lines are skipped and counted", ',', "a\n\n\r\nb\n", "1[a] 4[b] end" },
	{ "quotes", ',', "\"a\",\"b\"\n", "1[a|b] end" },
	{ "an empty quoted field is a row", ',', "\"\"\n", "1[] end" },
	{ "a separator inside quotes", ',', "\"a,b\",c\n", "1[a,b|c] end" },
	{ "doubled quotes", ',', "\"say \"\"hi\"\"\",c\n", "1[say \"hi\"|c] end" },
	{ "only doubled quotes", ',', "\"\"\"\"\n", "1[\"] end" },
	{ "newlines inside quotes count as lines", ',', "\"a\nb\r\nc\",d\ne,f\n", "1[a\nb\r\nc|d] 4[e|f] end" },
	{ "a quote inside an unquoted field is itself", ',', "5\" disk,x\n", "1[5\" disk|x] end" },
	{ "spaces belong to the field", ',', " a , b \n", "1[ a | b ] end" },
	{ "tabs", '\t', "a,b\tc\n\"d\te\"\tf\n", "1[a,b|c] 2[d\te|f] end" },
	{ "UTF-8 passes through", ',', "é,日本\n", "1[é|日本] end" },
	{ "a quote never closed: where it opened", ',', "a,b\nc,\"d\ne\nf\n", "1[a|b] open-quote@2" },
	{ "a quote opened on a later line of its row", ',', "\"x\ny\",\"z\n", "open-quote@2" },
	{ "a quote as the last byte", ',', "a,\"", "open-quote@1" },
	{ "text behind a closing quote", ',', "a\n\"b\"c,d\n", "1[a] after-quote@2" },
	{ "a space behind a closing quote", ',', "\"b\" ,d\n", "after-quote@1" },
	{ "a CR behind a closing quote ends the row", ',', "\"b\"\r\"c\"\n", "1[b] 2[c] end" },
};

static void outcome_add(struct buf *out, enum csv_status status, const struct csv_row *row)
{
	switch (status) {
	case CSV_END:
		buf_adds(out, "end");
		break;
	case CSV_OPEN_QUOTE:
		buf_addf(out, "open-quote@%zu", row->fault);
		break;
	case CSV_AFTER_QUOTE:
		buf_addf(out, "after-quote@%zu", row->fault);
		break;
	case CSV_TOO_LONG:
		buf_addf(out, "too-long@%zu", row->line);
		break;
	case CSV_TOO_WIDE:
		buf_addf(out, "too-wide@%zu", row->line);
		break;
	case CSV_ROW:
		buf_addf(out, "%zu[", row->line);
		for (size_t i = 0; i < row->n; i++)
			buf_addf(out, "%s%s", i ? "|" : "", csv_field(row, i));
		buf_adds(out, "] ");
	}
}

static struct buf read_all(const char *text, size_t n, char separator)
{
	struct csv csv = csv_open(text, n, separator);
	struct csv_row row = { 0 };
	struct buf out = { 0 };
	enum csv_status status;

	do {
		status = csv_next(&csv, &row);
		outcome_add(&out, status, &row);
	} while (status == CSV_ROW);
	buf_release(&row.text);
	return out;
}

static void rows_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* an exact heap copy, so that a sanitizer sees one byte too far */
		size_t n = strlen(cases[i].text);
		char *copy = malloc(n ? n : 1);

		memcpy(copy, cases[i].text, n);
		struct buf got = read_all(copy, n, cases[i].separator);

		if (strcmp(buf_text(&got), cases[i].want) != 0)
			fail_msg("%s: got %s, want %s", cases[i].name, buf_text(&got), cases[i].want);
		buf_release(&got);
		free(copy);
	}
}

/* head, then n times the byte, then tail. */
static void limit(const char *name, const char *head, size_t n, char byte, const char *tail, const char *want)
{
	struct buf text = { 0 };

	buf_adds(&text, head);
	for (size_t i = 0; i < n; i++)
		buf_addc(&text, byte);
	buf_adds(&text, tail);
	struct buf got = read_all(text.data, text.n, ',');

	if (!strstr(buf_text(&got), want))
		fail_msg("%s: no %s", name, want);
	buf_release(&got);
	buf_release(&text);
}

static void limits_hold(void **state)
{
	(void)state;
	limit("a row of 1 MiB", "a\n", CSV_ROW_BYTES, 'x', "\nb\n", "] 3[b] end");
	limit("a row of 1 MiB and a byte", "a\n", CSV_ROW_BYTES + 1, 'x', "\nb\n", "too-long@2");
	limit("the same over many fields", "a\n", CSV_FIELDS - 1, ',', "\nb\n", "] 3[b] end");
	limit("one field too many", "a\n", CSV_FIELDS, ',', "\nb\n", "too-wide@2");
	limit("a quote open over 1 MiB", "a\nb,\"", 2 * CSV_ROW_BYTES, '\n', "\"\n", "open-quote@2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_read),
		cmocka_unit_test(limits_hold),
	};

	return cmocka_run_group_tests_name("task_csv", tests, NULL, NULL);
}
