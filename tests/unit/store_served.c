/* store_served.c - calls are read back as they were put, and what is removed is gone: from the tables, and from the bytes of the file. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/uuid.h"
#include "store/served.h"

struct log {
	char folder[40], path[60];
	struct served *s;
	struct error err;
};

#define MUST(log, condition) \
	do { \
		if (!(condition)) \
			fail_msg("%s: %s", #condition, (log)->err.text); \
	} while (0)

static void begin(struct log *l)
{
	*l = (struct log){ .folder = "/tmp/rung-served-XXXXXX" };
	assert_non_null(mkdtemp(l->folder));
	snprintf(l->path, sizeof(l->path), "%s/served.db", l->folder);
	MUST(l, (l->s = served_open(l->path, true, &l->err)) != NULL);
}

static void end(struct log *l)
{
	served_close(l->s);
	file_remove_folder(l->folder);
}

static const uint64_t noon = 1700000000000;

/* The id of a call that began `minute` minutes after noon. */
static const char *put(struct log *l, int minute, const char *task, const char *subject, const char *input, int http)
{
	static char ids[8][UUID_TEXT];
	static size_t turn;
	char *id = ids[turn++ % 8];

	uint64_t ms = noon + 60000u * (uint64_t)minute;

	/* As uuid_make() does, which never goes back in time. */
	snprintf(id, UUID_TEXT, "%08x-%04x-7000-8000-%012zx", (unsigned)(ms >> 16), (unsigned)(ms & 0xffff), turn);
	const struct served_call c = { .id = id, .began_ms = ms, .tenant = "", .task = task, .variant = "0/bayes",
				       .verdict = "v", .http = http, .status = "answered", .ms = 2.5, .first_ms = NAN, .probability = .75,
				       .propensity = 1, .subject = subject, .input = input, .output = input ? "spam" : NULL };

	MUST(l, served_call_put(l->s, &c, &l->err));
	return id;
}

static void say(struct log *l, const char *call, const char *name, const char *kind, double value, const char *text)
{
	const struct served_feedback f = { .call = call, .name = name, .at_ms = noon + 5, .kind = kind, .value = value, .text = text };

	MUST(l, served_feedback_put(l->s, &f, &l->err));
}

struct heard {
	char inputs[400];
	size_t n, said, stop_at;
};

static bool hear(void *context, const struct served_call *call, const struct served_feedback *said, size_t n_said, struct error *err)
{
	struct heard *h = context;

	snprintf(h->inputs + strlen(h->inputs), sizeof(h->inputs) - strlen(h->inputs), "%s ", call->input ? call->input : "-");
	for (size_t i = 0; i < n_said; i++)
		assert_string_equal(said[i].call, call->id);
	h->said += n_said;
	return ++h->n != h->stop_at || error_set(err, "enough");
}

static bool compare(void *context, const struct served_call *c, const struct served_feedback *said, size_t n_said, struct error *err)
{
	(void)err;
	assert_string_equal(c->id, context);
	assert_int_equal(c->began_ms, noon);
	assert_string_equal(c->task, "t");
	assert_string_equal(c->subject, "ann");
	assert_string_equal(c->input, "in");
	assert_string_equal(c->output, "spam");
	assert_close("ms", c->ms, 2.5, 0);
	assert_true(isnan(c->first_ms));
	assert_int_equal(n_said, 2);
	assert_string_equal(said[0].kind, "demonstration");
	assert_string_equal(said[0].text, "work");
	assert_string_equal(said[1].name, "ok");
	assert_close("value", said[1].value, 1, 0);
	return true;
}

static void a_call_comes_back_whole(void **state)
{
	struct log l;

	(void)state;
	begin(&l);
	char id[UUID_TEXT];

	snprintf(id, sizeof(id), "%s", put(&l, 0, "t", "ann", "in", 200));
	say(&l, id, "ok", "boolean", 1, NULL);
	say(&l, id, "demonstration", "demonstration", NAN, "work");
	MUST(&l, served_each(l.s, &(struct served_query){ .task = "t" }, compare, id, &l.err));
	end(&l);
}

static void queries_choose(void **state)
{
	struct log l;

	(void)state;
	begin(&l);
	put(&l, 0, "t", NULL, "a", 200);
	const char *b = put(&l, 1, "t", NULL, "b", 200), *c = put(&l, 2, "t", NULL, "c", 200);

	put(&l, 3, "other", NULL, "x", 200);
	put(&l, 4, "t", NULL, NULL, 200);
	put(&l, 5, "t", NULL, "f", 502);
	say(&l, b, "d", "demonstration", NAN, "work");
	say(&l, b, "e", "demonstration", NAN, "work");
	say(&l, c, "v", "boolean", 1, NULL);
	const struct {
		const char *name;
		struct served_query query;
		const char *inputs;
	} rows[] = {
		{ "all of a task", { .task = "t" }, "a b c - f " },
		{ "newest first", { .task = "t", .newest_first = true }, "f - c b a " },
		{ "so many of the newest", { .task = "t", .newest_first = true, .most = 2 }, "f - " },
		{ "whose texts are there", { .task = "t", .kept = true }, "a b c f " },
		{ "answered alone", { .task = "t", .answered = true }, "a b c - " },
		{ "each once, however much was said", { .task = "t", .feedback = "demonstration" }, "b " },
		{ "of another kind", { .task = "t", .feedback = "boolean" }, "c " },
		{ "after one", { .task = "t", .after = b }, "c - f " },
		{ "since a moment, which is in", { .task = "t", .since_ms = noon + 60000 }, "b c - f " },
		{ "until a moment, which is not", { .task = "t", .until_ms = noon + 120000 }, "a b " },
		{ "of no task", { .task = "none" }, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct heard h = { 0 };

		MUST(&l, served_each(l.s, &rows[i].query, hear, &h, &l.err));
		if (strcmp(h.inputs, rows[i].inputs) != 0)
			fail_msg("%s: \"%s\"", rows[i].name, h.inputs);
	}
	struct heard h = { .stop_at = 2 };

	assert_false(served_each(l.s, &(struct served_query){ .task = "t" }, hear, &h, &l.err));
	assert_string_equal(l.err.text, "enough");
	assert_int_equal(h.n, 2);
	end(&l);
}

static size_t count_in(const char *path, const char *words)
{
	struct error err;
	size_t n, found = 0, length = strlen(words);
	char *bytes = file_exists(path) ? file_read(path, (size_t)1 << 30, &n, &err) : NULL;

	for (size_t i = 0; bytes && i + length <= n; i++)
		found += memcmp(bytes + i, words, length) == 0;
	free(bytes);
	return found;
}

static size_t left_of(const struct log *l, const char *words)
{
	char wal[80];

	snprintf(wal, sizeof(wal), "%s-wal", l->path);
	return count_in(l->path, words) + count_in(wal, words);
}

static void count_gone(void *context, const char *call)
{
	assert_int_equal(strlen(call), UUID_TEXT - 1);
	++*(size_t *)context;
}

enum { SUBJECTS = 100, CALLS = 6000 };

/* Texts of many lengths, so that pages split and rows move; forgotten one after another, as merged pages leave rows behind too. */
static void what_is_forgotten_is_in_no_byte(void **state)
{
	struct log l;
	struct rng rng;
	size_t calls[SUBJECTS] = { 0 };
	char *filler = mem_zero(6001, 1);

	(void)state;
	begin(&l);
	memset(filler, 'y', 6000);
	rng_init(&rng, 11, "test"); /* one of those with which deleting alone leaves some behind */
	MUST(&l, served_begin(l.s, &l.err));
	for (int i = 0; i < CALLS; i++) {
		size_t who = (size_t)rng_below(&rng, SUBJECTS);
		char subject[32], text[6200];

		snprintf(subject, sizeof(subject), "person-%03zu-", who);
		snprintf(text, sizeof(text), "said by <%s>%.*s", subject, (int)rng_below(&rng, i % 10 == 0 ? 6000 : 200), filler);
		const char *id = put(&l, i, "t", subject, text, 200);

		calls[who]++;
		if (i % 3 == 0)
			say(&l, id, "d", "demonstration", NAN, text);
	}
	MUST(&l, served_commit(l.s, &l.err));
	free(filler);
	for (size_t who = 0; who < 4; who++) {
		struct served_removed removed;
		char subject[32];
		size_t gone = 0;

		snprintf(subject, sizeof(subject), "person-%03zu-", who);
		assert_true(left_of(&l, subject) > 0);
		MUST(&l, served_calls_about(l.s, subject, count_gone, &gone, &l.err));
		MUST(&l, served_forget(l.s, subject, &removed, &l.err));
		assert_int_equal(removed.calls, calls[who]);
		assert_int_equal(removed.bodies, calls[who]);
		assert_int_equal(gone, calls[who]);
		if (left_of(&l, subject) > 0)
			fail_msg("%s stands in the file %zu times", subject, left_of(&l, subject));
	}
	assert_true(left_of(&l, "person-004-") > 0);
	struct served_counts counts;

	MUST(&l, served_count(l.s, &counts, &l.err));
	assert_int_equal(counts.orphans, 0);
	end(&l);
}

static void what_is_old_goes(void **state)
{
	struct log l;
	struct served_removed removed;
	struct served_counts counts;
	struct heard h = { 0 };

	(void)state;
	begin(&l);
	MUST(&l, served_begin(l.s, &l.err));
	for (int i = 0; i < 5000; i++) {
		const char *id = put(&l, i, "t", NULL, "long gone", 200);

		if (i % 2 == 0)
			say(&l, id, "d", "demonstration", NAN, "long gone");
		if (i % 2 == 0)
			say(&l, id, "v", "boolean", 1, NULL);
	}
	MUST(&l, served_commit(l.s, &l.err));
	served_close(l.s); /* which empties the WAL */
	size_t size = file_size(l.path);

	MUST(&l, (l.s = served_open(l.path, false, &l.err)) != NULL);
	MUST(&l, served_retain(l.s, noon + 60000u * 2000u, noon + 60000u * 4990u, &removed, &l.err));
	assert_int_equal(removed.calls, 2000);
	assert_int_equal(removed.bodies, 4990);
	assert_int_equal(removed.feedback, 2000 + 1495); /* both of the calls that went, and the texts of those that stay */
	MUST(&l, served_count(l.s, &counts, &l.err));
	assert_int_equal(counts.calls, 3000);
	assert_int_equal(counts.bodies, 10);
	assert_int_equal(counts.feedback, 1500 + 5);
	assert_int_equal(counts.orphans, 0);
	assert_true(file_size(l.path) < size);
	MUST(&l, served_retain(l.s, 0, 0, &removed, &l.err));
	assert_int_equal(removed.calls + removed.bodies + removed.feedback, 0);
	MUST(&l, served_each(l.s, &(struct served_query){ .task = "t", .kept = true }, hear, &h, &l.err));
	assert_int_equal(h.n, 10);
	end(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_comes_back_whole), cmocka_unit_test(queries_choose), cmocka_unit_test(what_is_forgotten_is_in_no_byte),
		cmocka_unit_test(what_is_old_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
