/* serve_board.c - the page's writers, and its reading of a log: what belongs to whom, what is worth what, and texts that would be more than texts. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/uuid.h"
#include "serve/board_read.h"
#include "test.h"

#define EVIL "<script>x</script>\"'&<b>"
#define SAFE "&lt;script&gt;x&lt;/script&gt;&quot;&#39;&amp;&lt;b&gt;"

static const uint64_t now = 1700000000000;

struct place {
	char folder[40], path[60];
	struct served *log;
	struct error err;
	struct arena arena;
	struct buf page;
};

static int begin(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	snprintf(p->folder, sizeof(p->folder), "/tmp/rung-board-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	snprintf(p->path, sizeof(p->path), "%s/served.db", p->folder);
	p->log = served_open(p->path, true, &p->err);
	assert_non_null(p->log);
	arena_init(&p->arena);
	*state = p;
	return 0;
}

static int end(void **state)
{
	struct place *p = *state;

	served_close(p->log);
	arena_release(&p->arena);
	buf_release(&p->page);
	file_remove_folder(p->folder);
	free(p);
	return 0;
}

/* A call so many minutes ago. */
static const char *put(struct place *p, int minutes, const char *tenant, const char *variant, int http, double ms)
{
	uint64_t at = now - 60000u * (uint64_t)minutes;
	char uuid[UUID_TEXT];
	static int number;

	snprintf(uuid, sizeof(uuid), "%08x-%04x-7000-8000-%012d", (unsigned)(at >> 16), (unsigned)(at & 0xffff), number++);
	const char *id = arena_string(&p->arena, uuid);
	const struct served_call c = { .id = id, .began_ms = at, .tenant = tenant, .task = "t", .variant = variant, .verdict = "v", .http = http,
				       .status = http == 200 ? "answered" : "failed", .ms = ms, .first_ms = NAN, .probability = NAN, .propensity = 1, .usd = .25,
				       .subject = EVIL, .input = EVIL, .output = "spam" };

	assert_true(served_call_put(p->log, &c, &p->err));
	return id;
}

static void say(struct place *p, const char *call, const char *name, const char *kind, double value, const char *text)
{
	const struct served_feedback f = { .call = call, .name = name, .at_ms = now, .kind = kind, .value = value, .text = text };

	assert_true(served_feedback_put(p->log, &f, &p->err));
}

static double exact(void *context, const char *output, const char *right)
{
	(void)context;
	return strcmp(output, right) == 0;
}

static const struct served_verdict grader = { .id = "v", .variant = "0/a", .score = exact, .alpha = .05, .margin = .05 };
static const struct board_model models[] = { { .name = "t", .by = &grader } };

static struct board_view view_of(enum board_place place, const char *tenant)
{
	return (struct board_view){ .viewer = { .tenant = tenant, .may_say = true, .token = "TOKEN" }, .query = { .place = place, .span = &board_spans[0] },
				    .models = models, .n_models = 1, .now_ms = now };
}

static const char *read_page(struct place *p, const struct board_view *v, int status)
{
	buf_clear(&p->page);
	assert_int_equal(board_read(p->log, v, &p->arena, &p->page, &p->err), status);
	return buf_text(&p->page);
}

#define HOLDS(page, text) \
	do { \
		if (!strstr((page), (text))) \
			fail_msg("\"%s\" is not in: %s", (text), (page)); \
	} while (0)
#define LACKS(page, text) \
	do { \
		if (strstr((page), (text))) \
			fail_msg("\"%s\" is in: %s", (text), (page)); \
	} while (0)

/* Means and percentiles by hand: latencies 10 .. 100 of ten calls, their lower median 50 and 95th percentile 100; scores 1, 0, .5 and 1. */
static void the_overview_adds_up(void **state)
{
	struct place *p = *state;
	const struct board_view v = view_of(BOARD_OVERVIEW, NULL);
	const char *ids[10];

	for (int i = 0; i < 10; i++)
		ids[i] = put(p, 1 + i, "", "0/a", 200, 10.0 * (i + 1));
	put(p, 3, "", "", 503, 1);
	put(p, 120, "", "0/a", 200, 9999); /* before the hour */
	say(p, ids[0], "x", "boolean", 1, NULL);
	say(p, ids[1], "x", "boolean", 0, NULL);
	say(p, ids[2], "x", "boolean", 1, NULL); /* of two that speak of one call, the mean */
	say(p, ids[2], "y", "float", 0, NULL);
	say(p, ids[3], "x", "boolean", 0, NULL); /* a right output says more */
	say(p, ids[3], "y", "demonstration", NAN, "spam");
	say(p, ids[4], "x", "comment", NAN, "nothing that counts");
	const char *page = read_page(p, &v, 200);

	HOLDS(page, "<dt>Calls</dt><dd>11<span>");
	HOLDS(page, "<td class=\"n\">10</td><td class=\"n\">10</td><td class=\"n zero\">0</td>");
	HOLDS(page, "<td class=\"n\">50 ms, 100 ms</td>");
	HOLDS(page, "<td class=\"n\">$2.50</td>");
	HOLDS(page, "<dt>Failed</dt><dd>9.1%<span>");
	HOLDS(page, "<td class=\"n\">4</td><td class=\"n\">62.5%</td>"); /* (1 + 0 + .5 + 1) / 4 */
	HOLDS(page, "(nobody answered)");
	LACKS(page, "newest 200,000");
}

static void a_tenant_sees_its_own(void **state)
{
	struct place *p = *state;
	struct board_view v = view_of(BOARD_OVERVIEW, "shop");
	const char *mine = put(p, 1, "shop", "0/a", 200, 1), *theirs = put(p, 2, "other", "0/b", 200, 1);

	say(p, theirs, "x", "boolean", 1, NULL);
	const char *page = read_page(p, &v, 200);

	HOLDS(page, "<dt>Calls</dt><dd>1<span>");
	HOLDS(page, "<dt>Scored</dt><dd>0<span>");
	LACKS(page, "0/b");
	LACKS(page, "data-live");
	v.query.place = BOARD_LIST;
	page = read_page(p, &v, 200);
	HOLDS(page, mine);
	LACKS(page, theirs);
	v.query.place = BOARD_CALL;
	v.query.call = theirs;
	HOLDS(read_page(p, &v, 404), "There is no call of that id here, or it is not yours.");
	v.query.call = mine;
	HOLDS(read_page(p, &v, 200), "value=\"TOKEN\"");
	v.viewer.may_say = false;
	LACKS(read_page(p, &v, 200), "<form method=\"post\" action=\"/calls");
}

static void texts_are_texts(void **state)
{
	struct place *p = *state;
	struct board_view v = view_of(BOARD_LIST, NULL);
	const char *id = put(p, 1, EVIL, EVIL, 200, 1);

	say(p, id, EVIL, "comment", NAN, EVIL "\nanother line");
	v.query.variant = EVIL;
	LACKS(read_page(p, &v, 200), "<script>x");
	HOLDS(buf_text(&p->page), "value=\"" SAFE "\"");
	v.query.place = BOARD_CALL;
	v.query.call = id;
	LACKS(read_page(p, &v, 200), "<script>x");
	HOLDS(buf_text(&p->page), "<pre>" SAFE "</pre>");
	HOLDS(buf_text(&p->page), SAFE "\nanother line");
	v.query.place = BOARD_OVERVIEW;
	LACKS(read_page(p, &v, 200), "<script>x");
	HOLDS(buf_text(&p->page), "variant=%3Cscript%3Ex%3C%2Fscript%3E%22%27%26%3Cb%3E");
}

static void why_is_for_who_sees_all(void **state)
{
	struct place *p = *state;
	struct board_view v = view_of(BOARD_HISTORY, NULL);
	const struct served_turn t = { .task = "t", .at_ms = now - 1000, .event = "promoted", .verdict = "v", .variant = "0/a", .run = "t 12 1 {\"x\":1}",
				       .share = 1, .floor = NAN, .why = "42 scored calls " EVIL, .evidence = "{\"challenger\":{\"scored\":42,\"mean\":0.875},\"e_worse\":null,"
				       "\"e_not_worse\":23.4,\"failures\":[1,2]}" };

	assert_true(served_turn_put(p->log, &t, &p->err));
	v.query.task = "t";
	const char *page = read_page(p, &v, 200);

	HOLDS(page, "Why: 42 scored calls " SAFE ".");
	HOLDS(page, "<dt>scored calls of the one on trial</dt><dd>42</dd>");
	HOLDS(page, "<dt>their mean score</dt><dd>87.5%</dd>");
	HOLDS(page, "<dt>failures of the one on trial</dt><dd>2</dd>");
	LACKS(page, "evidence that it is worse");
	HOLDS(page, "<code>t 12 1</code>");
	v.viewer.tenant = "shop";
	page = read_page(p, &v, 200);
	HOLDS(page, "promoted");
	LACKS(page, "42");
	LACKS(page, "87.5");
	v.query.task = "nobody";
	read_page(p, &v, 404);
}

/* What ends too late says so, and the handle reads on. */
static void a_page_has_its_time(void **state)
{
	struct place *p = *state;
	const struct board_view v = view_of(BOARD_LIST, NULL);
	struct served_score *rows;
	size_t n;

	assert_true(served_begin(p->log, &p->err));
	for (int i = 0; i < 4000; i++)
		say(p, put(p, i % 50, "", "0/a", 200, 1), "x", "boolean", 1, NULL);
	assert_true(served_commit(p->log, &p->err));
	served_hurry(p->log, 0);
	assert_false(served_said(p->log, 0, NULL, 100000, &p->arena, &rows, &n, &p->err));
	assert_true(p->err.again);
	HOLDS(p->err.text, "longer than it may");
	served_hurry(p->log, NAN);
	assert_true(served_said(p->log, 0, NULL, 100000, &p->arena, &rows, &n, &p->err));
	assert_int_equal(n, 4000);
	assert_true(served_said(p->log, 0, NULL, 10, &p->arena, &rows, &n, &p->err));
	assert_int_equal(n, 10);
	HOLDS(read_page(p, &v, 200), "Older ones");
}

static void lines_and_marks(void **state)
{
	static const struct {
		const char *text;
		size_t mark, end;
		const char *want;
	} rows[] = {
		{ "ab\ncd", 0, 0, "ab\ncd" }, { "ab\ncd", 1, 4, "a<mark>b\nc</mark>d" }, { "ab", 0, 2, "<mark>ab</mark>" }, { "ab", 0, 9, "<mark>ab" },
		{ "", 0, 0, "" }, { "<&", 0, 1, "<mark>&lt;</mark>&amp;" }, { "a\r\n\tb", 0, 0, "a \n b" }, { "\n\n", 0, 0, "\n\n" },
		{ "\u2067ab\u202e", 0, 0, "ab" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf out = { 0 };

		board_add_text(&out, rows[i].text, strlen(rows[i].text), rows[i].mark, rows[i].end);
		assert_string_equal(buf_text(&out), rows[i].want);
		buf_release(&out);
	}
}

static void links(void **state)
{
	const char *const pairs[] = { "task", "a&b=\"<", "variant", NULL, "before", "c d", NULL };
	struct buf out = { 0 };

	(void)state;
	board_add_link(&out, "/calls", pairs, "<x>");
	assert_string_equal(buf_text(&out), "<a href=\"/calls?task=a%26b%3D%22%3C&amp;before=c%20d\">&lt;x&gt;</a>");
	buf_release(&out);
}

static size_t times(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

/* A bar for each value above 0; a line for values side by side, a point for one alone. */
static void charts(void **state)
{
	static const double bars[] = { 1, 0, 3, 2 }, more[] = { 0, 2, 1, 0 }, line[] = { NAN, 1, 2, NAN, 5, NAN }, nothing[] = { 0, 0 };
	const double marks[] = { 0, .5 };
	struct board_chart c = { .id = "x", .title = "t", .description = "d", .series = { bars, more }, .classes = { "b-ok", "b-bad" }, .n_series = 2, .n = 4,
				 .bars = true, .counts = true, .figure = figure_number, .marks = marks, .n_marks = 2 };
	struct buf out = { 0 };

	(void)state;
	board_draw(&out, &c);
	assert_int_equal(times(buf_text(&out), "class=\"b-ok\""), 3);
	assert_int_equal(times(buf_text(&out), "class=\"b-bad\""), 2);
	assert_int_equal(times(buf_text(&out), "class=\"turn\""), 2);
	assert_int_equal(times(buf_text(&out), "nan"), 0);
	buf_clear(&out);
	c = (struct board_chart){ .id = "x", .title = "t", .description = "d", .series = { line }, .n_series = 1, .n = 6, .figure = figure_ms };
	board_draw(&out, &c);
	assert_int_equal(times(buf_text(&out), "<polyline"), 1);
	assert_int_equal(times(buf_text(&out), "<circle"), 1);
	assert_int_equal(times(buf_text(&out), "nan"), 0);
	buf_clear(&out);
	c = (struct board_chart){ .id = "x", .title = "t", .description = "d", .series = { nothing }, .classes = { "b-ok" }, .n_series = 1, .n = 2,
				  .bars = true, .counts = true, .figure = figure_number };
	board_draw(&out, &c);
	assert_int_equal(times(buf_text(&out), "<rect"), 0);
	assert_int_equal(times(buf_text(&out), "nan"), 0);
	buf_release(&out);
}

int main(void)
{
#define AT_PLACE(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		AT_PLACE(the_overview_adds_up), AT_PLACE(a_tenant_sees_its_own), AT_PLACE(texts_are_texts), AT_PLACE(why_is_for_who_sees_all),
		AT_PLACE(a_page_has_its_time), cmocka_unit_test(lines_and_marks), cmocka_unit_test(links), cmocka_unit_test(charts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
