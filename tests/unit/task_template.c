/* Templates over one fixed example: text in, text out; or the sentence when it does not compile. */
#include "test.h"

#include "task/template.h"

static const char *const columns[] = { "subject", "text", "my column", "empty" };
static const char *const values[] = { "Hello \"you\"", "  A na\xC3\xAFve caf\xC3\xA9\t\n", "x", "" };
static const struct label labels[] = { { "spam", "unwanted" }, { "work", NULL } };

static struct task task_make(void)
{
	return (struct task){ .columns = columns, .n_columns = 4, .labels = labels, .n_labels = 2 };
}

static const struct example example = { .id = "1", .values = values, .answer = "spam", .line = 2 };

static const struct {
	const char *text, *want;
} rendered[] = {
	{ "", "" },
	{ "plain { } }} text", "plain { } }} text" },
	{ "{{subject}}", "Hello \"you\"" },
	{ "{{ subject }}", "Hello \"you\"" },
	{ "a {{subject}} b {{my column}} c", "a Hello \"you\" b x c" },
	{ "{{my column}}{{my column}}", "xx" },
	{ "[{{empty}}]", "[]" },
	{ "{{text | trim}}", "A na\xC3\xAFve caf\xC3\xA9" },
	{ "{{text|trim|first 4}}", "A na" },
	{ "{{text | trim | first 5}}", "A na\xC3\xAF" },
	{ "{{text | first 3}}", "  A" },
	{ "{{subject | first 1000}}", "Hello \"you\"" },
	{ "{{subject | lower}}", "hello \"you\"" },
	{ "{{subject | json}}", "\"Hello \\\"you\\\"\"" },
	{ "{{text | json}}", "\"  A na\xC3\xAFve caf\xC3\xA9\\t\\n\"" },
	{ "{{subject | lower | json | lower | first 3}}", "\"he" },
	{ "{{labels}}", "spam, work" },
	{ "{{definitions}}", "spam: unwanted\nwork" },
	{ "{{labels | json}}", "\"spam, work\"" },
	{ "{\"s\": {{my column | json}}}", "{\"s\": \"x\"}" },
};

static struct buf render(const char *text, const struct example *e, struct error *err)
{
	struct task task = task_make();
	struct arena arena;
	struct buf out = { 0 };

	arena_init(&arena);
	struct template *t = template_compile(&arena, &task, text, "task.yaml:7:8: input", err);

	if (t)
		template_render(t, e, &out);
	arena_release(&arena);
	return out;
}

static void placeholders_render(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rendered); i++) {
		struct error err = { .text = "" };
		struct buf got = render(rendered[i].text, &example, &err);

		if (strcmp(buf_text(&got), rendered[i].want) != 0)
			fail_msg("%s: got %s (%s)", rendered[i].text, buf_text(&got), err.text);
		buf_release(&got);
	}
}

/* Clusters, not bytes or code points: a family emoji is one, an e with a combining accent is one, CRLF is one. */
static void first_counts_what_a_reader_counts(void **state)
{
	static const struct {
		const char *name, *value, *want;
	} cases[] = {
		{ "combining accent", "e\xCC\x81x", "e\xCC\x81" },
		{ "family", "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7!",
		  "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7" },
		{ "flag", "\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA\xF0\x9F\x87\xAB", "\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA" },
		{ "CRLF", "\r\nx", "\r\n" },
		{ "nothing", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *row[] = { cases[i].value, "", "", "" };
		struct example e = { .values = row };
		struct error err = { .text = "" };
		struct buf got = render("{{subject | first 1}}", &e, &err);

		if (strcmp(buf_text(&got), cases[i].want) != 0)
			fail_msg("%s: got %zu bytes", cases[i].name, got.n);
		buf_release(&got);
	}
}

static const struct {
	const char *text, *want;
} refused[] = {
	{ "{{subjct}}", "task.yaml:7:8: input: \"subjct\" is not a column" },
	{ "{{subjct}}", "(did you mean \"subject\"?)" },
	{ "{{nothing like it}}", "there are subject, text, my column, empty" },
	{ "one\ntwo {{txt}}", "input, line 2 of the text: \"txt\" is not a column" },
	{ "{{{subject}}", "\"{subject\" is not a column" },
	{ "{{}}", "{{}} names no column" },
	{ "{{ | trim}}", "{{}} names no column" },
	{ "{{subject", "{{ is never closed by }}" },
	{ "{{subject}} {{", "{{ is never closed by }}" },
	{ "{{subject | frist 3}}",
	  "\"frist\" is not a filter; there are first, trim, lower, json (did you mean \"first\"?)" },
	{ "{{subject | }}", "is not a filter" },
	{ "{{subject | first}}", "first wants a number" },
	{ "{{subject | first 0}}", "above 0" },
	{ "{{subject | first -1}}", "first wants a whole number" },
	{ "{{subject | first 5x}}", "first wants a whole number" },
	{ "{{subject | first 99999999999999999999}}", "first wants a whole number" },
	{ "{{subject | trim 3}}", "only the filter first takes a number" },
	{ "{{subject |trim|trim|trim|trim|trim|trim|trim|trim|trim}}", "more than 8 filters" },
	{ "{{Subject}}", "did you mean \"subject\"?" },
};

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct error err = { .text = "" };
		struct buf got = render(refused[i].text, &example, &err);

		if (!strstr(err.text, refused[i].want))
			fail_msg("%s: got \"%s\", want \"%s\"", refused[i].text, err.text, refused[i].want);
		buf_release(&got);
	}
}

static void labels_need_labels(void **state)
{
	struct task task = task_make();
	struct arena arena;
	struct error err = { .text = "" };

	(void)state;
	task.n_labels = 0;
	arena_init(&arena);
	assert_null(template_compile(&arena, &task, "{{labels}}", "w", &err));
	assert_non_null(strstr(err.text, "need labels"));
	arena_release(&arena);
}

static void too_many_pieces_are_refused(void **state)
{
	struct buf text = { 0 };
	struct error err = { .text = "" };

	(void)state;
	for (int i = 0; i < 600; i++)
		buf_adds(&text, "a{{text}}");
	struct buf got = render(buf_text(&text), &example, &err);

	assert_non_null(strstr(err.text, "1,000 pieces"));
	buf_release(&got);
	buf_release(&text);
}

/* A classifier sees columns only, and a template says which it uses. */
static void values_leave_literal_text_out(void **state)
{
	struct task task = task_make();
	struct arena arena;
	struct error err = { .text = "" };
	struct buf got = { 0 };

	(void)state;
	arena_init(&arena);
	struct template *t =
		template_compile(&arena, &task, "{{labels}} A: {{subject | lower}} B: {{text | trim}}!", "w", &err);
	struct template *constant = template_compile(&arena, &task, "{{labels}} only", "w", &err);

	template_values(t, &example, &got);
	assert_string_equal(buf_text(&got), "hello \"you\"\nA na\xC3\xAFve caf\xC3\xA9");
	assert_true(template_needs_example(t));
	assert_true(template_uses(t, 0) && template_uses(t, 1));
	assert_false(template_uses(t, 2));
	assert_false(template_needs_example(constant));
	buf_clear(&got);
	template_render(constant, NULL, &got);
	assert_string_equal(buf_text(&got), "spam, work only");
	buf_release(&got);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(placeholders_render),
		cmocka_unit_test(first_counts_what_a_reader_counts),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(labels_need_labels),
		cmocka_unit_test(too_many_pieces_are_refused),
		cmocka_unit_test(values_leave_literal_text_out),
	};

	return cmocka_run_group_tests_name("task_template", tests, NULL, NULL);
}
