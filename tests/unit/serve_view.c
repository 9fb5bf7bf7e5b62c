/* serve_view.c - what is asked for again is made again only when its version has changed; what is not there yet is said as such. */
#include <string.h>

#include "serve/view.h"
#include "test.h"

struct source {
	uint64_t version;
	bool ready;
	int written;
};

static uint64_t version_of(void *context)
{
	return ((struct source *)context)->version;
}

static bool write_forms(void *context, uint64_t version, struct buf *page, struct buf *policy, struct buf *json)
{
	struct source *s = context;

	s->written++;
	buf_addf(page, "page %llu", (unsigned long long)version);
	buf_adds(policy, "default-src 'none'");
	buf_addf(json, "{\"at\": %llu}", (unsigned long long)version);
	return s->ready;
}

/* The caller releases reply. */
static const char *ask(struct view *v, const char *path, struct view_reply *reply)
{
	buf_release(&reply->body);
	view_reply(v, path, reply);
	return buf_text(&reply->body);
}

static void forms_are_made_once_a_version(void **state)
{
	(void)state;
	struct source s = { .version = 7, .ready = true };
	struct view v = { .source = { version_of, write_forms, &s } };
	struct view_reply reply = { 0 };

	assert_string_equal(ask(&v, "/", &reply), "page 7");
	assert_int_equal(reply.status, 200);
	assert_string_equal(reply.type, "text/html; charset=utf-8");
	assert_string_equal(reply.policy, "default-src 'none'");
	assert_string_equal(ask(&v, "/report.json", &reply), "{\"at\": 7}");
	assert_string_equal(ask(&v, "/version", &reply), "0000000000000007");
	assert_string_equal(ask(&v, "/", &reply), "page 7");
	assert_int_equal(s.written, 1);
	s.version = 8;
	assert_string_equal(ask(&v, "/report.json", &reply), "{\"at\": 8}");
	assert_string_equal(ask(&v, "/", &reply), "page 8");
	assert_int_equal(s.written, 2);
	buf_release(&reply.body);
	view_release(&v);
}

static void what_is_not_there_is_said(void **state)
{
	(void)state;
	struct source s = { .version = 1 };
	struct view v = { .source = { version_of, write_forms, &s } };
	struct view_reply reply = { 0 };

	ask(&v, "/", &reply);
	assert_int_equal(reply.status, 503);
	ask(&v, "/report.json", &reply);
	assert_int_equal(reply.status, 503);
	ask(&v, "/version", &reply);
	assert_int_equal(reply.status, 200);
	ask(&v, "/etc/passwd", &reply);
	assert_int_equal(reply.status, 404);
	assert_null(reply.policy);
	buf_release(&reply.body);
	view_release(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(forms_are_made_once_a_version), cmocka_unit_test(what_is_not_there_is_said) };

	return cmocka_run_group_tests_name("serve_view", tests, NULL, NULL);
}
