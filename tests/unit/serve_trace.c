/* serve_trace.c - traceparent as W3C Trace Context has it, and what is none. */
#include <string.h>

#include "serve/trace.h"
#include "test.h"

#define ID "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"

static const struct {
	const char *name, *header;
	bool is, sampled;
} cases[] = {
	{ "the specification's own", "00-" ID "-" SPAN "-01", true, true },
	{ "not sampled", "00-" ID "-" SPAN "-00", true, false },
	{ "flags that nobody knows yet", "00-" ID "-" SPAN "-fe", true, false },
	{ "a version to come", "cc-" ID "-" SPAN "-01", true, true },
	{ "a version to come says more", "cc-" ID "-" SPAN "-01-what-the-future-brings", true, true },
	{ "a version to come, run on", "cc-" ID "-" SPAN "-01.what", false, false },
	{ "version 00 says no more", "00-" ID "-" SPAN "-01-x", false, false },
	{ "version ff is none", "ff-" ID "-" SPAN "-01", false, false },
	{ "nothing", "", false, false },
	{ "no header", NULL, false, false },
	{ "too short", "00-" ID "-" SPAN "-0", false, false },
	{ "capitals", "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01", false, false },
	{ "a trace of zeros", "00-00000000000000000000000000000000-" SPAN "-01", false, false },
	{ "a span of zeros", "00-" ID "-0000000000000000-01", false, false },
	{ "no dash", "00_" ID "-" SPAN "-01", false, false },
	{ "a quote within", "00-0af7651916cd43dd8448eb211c80319\"-" SPAN "-01", false, false },
	{ "shifted by one", "00-" ID "0-" SPAN "-1", false, false },
	{ "a blank in front", " 00-" ID "-" SPAN "-01", false, false },
};

static void headers_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct trace t;

		if (trace_read(cases[i].header, &t) != cases[i].is || t.sampled != cases[i].sampled)
			fail_msg("%s", cases[i].name);
		assert_string_equal(t.id, cases[i].is ? ID : "");
		assert_string_equal(t.parent, cases[i].is ? SPAN : "");
	}
}

static void what_is_none_begins_a_trace(void **state)
{
	(void)state;
	struct trace a, b, again;
	char header[TRACE_PARENT];

	trace_begin("x", &a);
	trace_begin(NULL, &b);
	assert_string_not_equal(a.id, b.id);
	assert_string_not_equal(a.span, b.span);
	assert_true(a.sampled && !a.parent[0]);
	trace_write(&a, a.span, header);
	assert_true(trace_read(header, &again));
	assert_string_equal(again.id, a.id);
	assert_string_equal(again.parent, a.span);
	trace_begin("00-" ID "-" SPAN "-00", &a);
	assert_string_equal(a.id, ID);
	trace_write(&a, a.span, header);
	assert_string_equal(header + 52, "-00");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(headers_are_read), cmocka_unit_test(what_is_none_begins_a_trace) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
