/* serve_record.c - lines and spans, read back by another parser (jansson), whatever the names are. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "serve/record.h"
#include "test.h"

static const struct {
	const char *name, *text, *json;
} texts[] = {
	{ "plain", "rung/email", "\"rung/email\"" },
	{ "nothing", "", "\"\"" },
	{ "quotes and backslashes", "a\"b\\c", "\"a\\\"b\\\\c\"" },
	{ "line ends", "a\nb\r\nc", "\"a\\u000ab\\u000d\\u000ac\"" },
	{ "an escape sequence", "\x1b[2J", "\"\\u001b[2J\"" },
	{ "its form in C1", "\xc2\x9b" "2J", "\"\\u009b2J\"" },
	{ "JavaScript's line ends", "\xe2\x80\xa8\xe2\x80\xa9", "\"\\u2028\\u2029\"" },
	{ "turned round", "\xe2\x80\xae" "txt", "\"\\u202etxt\"" },
	{ "markup", "<script>&", "\"\\u003cscript\\u003e\\u0026\"" },
	{ "letters elsewhere", "\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80", "\"\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80\"" },
	{ "no UTF-8", "a\xff" "b\xc0\x80", "\"a\\ufffdb\\ufffd\\ufffd\"" },
	{ "cut off", "a\xe2\x82", "\"a\\ufffd" /* one or two of them */ },
};

static void texts_are_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf out = { 0 };

		record_add_text(&out, texts[i].text);
		if (strncmp(buf_text(&out), texts[i].json, strlen(texts[i].json)) != 0)
			fail_msg("%s: %s", texts[i].name, buf_text(&out));
		json_t *back = json_loads(buf_text(&out), JSON_DECODE_ANY, NULL);

		assert_true(json_is_string(back));
		json_decref(back);
		buf_release(&out);
	}
}

#define EVIL "x\n{\"forged\":1}\x1b\"\\"

static const struct trace trace = { "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7", true };
static const struct served_call call = { .id = EVIL, .tenant = EVIL, .key = EVIL, .task = EVIL, .variant = "relay", .verdict = "", .http = 200, .status = "answered",
					 .why = "a sentence with a secret", .usd = NAN, .ms = 12.5, .first_ms = NAN, .probability = NAN, .subject = "secret",
					 .input = "secret", .output = "secret", .input_tokens = 3 };
static const struct relay_attempt attempts[] = {
	{ .upstream = EVIL, .model = EVIL, .base = "http://[::1]:81/v1", .span = "1111111111111111", .began_ms = 1790000000000, .status = "refused", .http = 503,
	  .why = EVIL, .ms = 4, .first_ms = NAN },
	{ .upstream = "openai:m", .model = "m", .base = "https://h", .span = "2222222222222222", .began_ms = 1790000000004, .status = "answered", .http = 200, .ms = 8,
	  .first_ms = NAN },
};
static const struct record record = { &call, &trace, "/v1/chat/completions", EVIL, attempts, 2, 1790000000013 };

static void a_line_is_one_object(void **state)
{
	(void)state;
	struct buf out = { 0 };

	record_write_line(&record, &out);
	assert_ptr_equal(strchr(buf_text(&out), '\n'), out.data + out.n - 1);
	assert_null(strstr(buf_text(&out), "secret"));
	json_t *line = json_loads(buf_text(&out), JSON_REJECT_DUPLICATES, NULL);

	assert_string_equal(json_string_value(json_object_get(line, "time")), "2026-09-21T14:13:20.013Z");
	assert_string_equal(json_string_value(json_object_get(line, "model")), EVIL);
	assert_int_equal(json_array_size(json_object_get(line, "attempts")), 2);
	assert_null(json_object_get(line, "usd"));
	assert_null(json_object_get(line, "forged"));
	json_decref(line);
	buf_release(&out);
}

static const json_t *attribute(const json_t *span, const char *key)
{
	const json_t *list = json_object_get(span, "attributes"), *a;
	size_t i;

	json_array_foreach((json_t *)(size_t)list, i, a)
		if (strcmp(json_string_value(json_object_get(a, "key")), key) == 0)
			return json_object_get(a, "value");
	return NULL;
}

static const char *said(const json_t *span, const char *key, const char *kind)
{
	const char *text = json_string_value(json_object_get(attribute(span, key), kind));

	return text ? text : "none";
}

static const char *of(const json_t *span, const char *name)
{
	const char *text = json_string_value(json_object_get(span, name));

	return text ? text : "none";
}

static void spans_are_a_tree(void **state)
{
	(void)state;
	struct buf out = { 0 };

	buf_addc(&out, '[');
	assert_int_equal(record_write_spans(&record, &out), 3);
	assert_int_equal(out.data[out.n - 1], ',');
	out.data[out.n - 1] = ']';
	assert_null(strstr(buf_text(&out), "secret"));
	assert_null(strchr(buf_text(&out), '\n'));
	json_t *all = json_loads(buf_text(&out), JSON_REJECT_DUPLICATES, NULL);
	const json_t *mine = json_array_get(all, 0), *bad = json_array_get(all, 1), *good = json_array_get(all, 2);

	assert_int_equal(json_array_size(all), 3);
	assert_string_equal(of(mine, "parentSpanId"), trace.parent);
	assert_string_equal(of(bad, "parentSpanId"), trace.span);
	assert_string_equal(of(good, "spanId"), "2222222222222222");
	assert_string_equal(of(mine, "startTimeUnixNano"), "1790000000000500000");
	assert_string_equal(of(mine, "endTimeUnixNano"), "1790000000013000000");
	assert_string_equal(of(good, "endTimeUnixNano"), "1790000000012000000");
	assert_null(json_object_get(mine, "status"));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(bad, "status"), "code")), 2);
	assert_string_equal(said(bad, "error.type", "stringValue"), "503");
	assert_string_equal(said(bad, "server.address", "stringValue"), "[::1]");
	assert_string_equal(said(bad, "server.port", "intValue"), "81");
	assert_string_equal(said(good, "server.port", "intValue"), "443");
	assert_string_equal(said(bad, "gen_ai.usage.input_tokens", "intValue"), "none");
	assert_string_equal(said(good, "gen_ai.usage.input_tokens", "intValue"), "3");
	assert_string_equal(said(good, "gen_ai.response.model", "stringValue"), EVIL);
	json_decref(all);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_written), cmocka_unit_test(a_line_is_one_object), cmocka_unit_test(spans_are_a_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
