/* model_remote.c - a model asked over HTTP, against the fault server: streams and how they break, who is told what, what ends the asking. */
#include "test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault_host.h"
#include "model/model.h"
#include "model/wire.h"

static char base[64];

static int start(void **state)
{
	(void)state;
	setenv("ANTHROPIC_API_KEY", "sk-test-1", 1);
	return fault_start(NULL, base) && setenv("ANTHROPIC_BASE_URL", base, 1) == 0 ? 0 : -1;
}

static int finish(void **state)
{
	(void)state;
	fault_stop();
	return 0;
}

enum { MOST = 64 };

/* What one asking told those who looked on; what its server was known to be, and was found to be. */
struct told {
	struct model_reply replies[MOST];
	size_t replied, sent, pieces, stop_after; /* stop_after: attempts sent; 0: never */
	char ends[MOST][12], heard[4096];
	size_t ended;
	size_t listen_for; /* pieces; 0: all */
	const char *const *choices; /* (n_choices); NULL: spam and work */
	size_t n_choices, padding; /* padding: bytes more in each message */
	size_t alike_at;            /* that request has labels whose first token tells nothing apart; 0: none has */
	unsigned lacks, known;
	size_t noticed;
	char notice[300]; /* the last */
};

static bool hear(void *context, const char *text, size_t n)
{
	struct told *t = context;
	size_t at = strlen(t->heard);

	assert_true(at + n < sizeof(t->heard));
	memcpy(t->heard + at, text, n);
	return ++t->pieces != t->listen_for;
}

static bool replied(void *context, size_t i, const struct model_reply *reply, struct error *err)
{
	struct told *t = context;

	(void)err;
	assert_true(i < MOST);
	t->replied++;
	t->replies[i] = *reply;
	return true;
}

static bool attempted(void *context, size_t i, struct model_attempt *a, struct error *err)
{
	struct told *t = context;

	(void)i, (void)err;
	if (strcmp(a->end, "sent") == 0)
		t->sent++;
	else
		snprintf(t->ends[t->ended++ % MOST], sizeof(t->ends[0]), "%s", a->end);
	return true;
}

static void noticed(void *context, const char *sentence)
{
	struct told *t = context;

	t->noticed++;
	snprintf(t->notice, sizeof(t->notice), "%s", sentence);
}

static const char *stopped(void *context)
{
	const struct told *t = context;

	return t->stop_after && t->sent >= t->stop_after ? "enough" : NULL;
}

/* Asks n times the model of that name in one form, with a listener where listens. The replies' texts live in arena. */
static bool ask(const char *model, bool anthropic, enum model_want want, bool listens, size_t n, struct told *t, struct arena *arena,
		struct error *err)
{
	static const char *const choices[] = { "spam", "work" }, *const alike[] = { "okay", "ok then" };
	const struct model_settings settings = { .threads = 1, .timeout_ms = 800, .in_flight = 4, .notice = noticed, .context = t };
	struct models *models = models_open(".", &settings);
	struct model_request requests[MOST];
	struct message messages[MOST];
	struct model_reply replies[MOST];
	char name[128];
	struct model_watch watch = { .replied = replied, .attempted = attempted, .stopped = stopped, .context = t };

	if (anthropic)
		snprintf(name, sizeof(name), "anthropic:%s", model);
	else
		snprintf(name, sizeof(name), "%s/v1#%s", base, model);
	for (size_t i = 0; i < n; i++) {
		messages[i] = (struct message){ MESSAGE_USER, arena_printf(arena, "Say something about %zu, at some length.%*s", i, (int)t->padding, "") };
		requests[i] = (struct model_request){ .messages = &messages[i], .n_messages = 1, .max_tokens = 64, .want = want,
						      .choices = t->alike_at && i == t->alike_at ? alike : t->choices ? t->choices : choices, .n_choices = want == WANT_SCORES ? t->choices ? t->n_choices : 2 : 0,
						      .piece = listens ? hear : NULL, .context = t };
	}
	struct model *m = model_open(models, name, err);

	if (m && (t->lacks || t->known))
		model_remember(m, t->lacks, t->known);
	bool asked = m && model_ask(m, arena, requests, n, replies, &watch, err);

	if (m)
		model_learnt(m, &t->lacks, &t->known);

	models_free(models);
	return asked;
}

/* One request with a listener; how many attempts it took, and how the reply ended. */
#define ASSERT_STREAM(model, anthropic, attempts, first_end, status_, text_heard)                           \
	do {                                                                                                \
		struct told t = { 0 };                                                                      \
		struct arena arena;                                                                         \
		struct error err = { .again = false };                                                                  \
		arena_init(&arena);                                                                         \
		if (!ask(model, anthropic, WANT_TEXT, true, 1, &t, &arena, &err))                           \
			fail_msg("%s: %s", model, err.text);                                                \
		assert_int_equal(t.replied, 1);                                                             \
		assert_int_equal(t.sent, attempts);                                                         \
		assert_int_equal(t.ended, attempts);                                                        \
		assert_string_equal(t.ends[0], first_end);                                                  \
		assert_int_equal(t.replies[0].status, status_);                                             \
		assert_int_equal(strlen(t.heard) > 0, text_heard);                                          \
		if ((status_) == MODEL_OK) {                                                                \
			assert_string_equal(t.replies[0].text, t.heard);                                    \
			assert_true(t.replies[0].input_tokens > 0 && t.replies[0].output_tokens > 0);       \
		} else {                                                                                    \
			assert_non_null(t.replies[0].why);                                                  \
		}                                                                                           \
		arena_release(&arena);                                                                      \
	} while (0)

static void a_stream_is_heard_as_it_is_kept(void **state)
{
	(void)state;
	ASSERT_STREAM("m", false, 1, "answered", MODEL_OK, true);
	ASSERT_STREAM("m", true, 1, "answered", MODEL_OK, true);
}

/* Nothing was heard: it is asked again, and nobody notices. */
static void what_breaks_before_the_first_token_is_asked_again(void **state)
{
	(void)state;
	ASSERT_STREAM("m+hang-before-headers-once", false, 2, "timeout", MODEL_OK, true);
	ASSERT_STREAM("m+hang-before-first-once", false, 2, "timeout", MODEL_OK, true);
	ASSERT_STREAM("m+hang-before-first-once", true, 2, "timeout", MODEL_OK, true);
	ASSERT_STREAM("m+500-once", false, 2, "failed", MODEL_OK, true);
	ASSERT_STREAM("m+529-once", true, 2, "failed", MODEL_OK, true);
}

/* What was heard cannot be said again: the reply ends as what it is. */
static void what_breaks_behind_the_first_token_is_no_reply(void **state)
{
	(void)state;
	ASSERT_STREAM("m+stall", false, 1, "timeout", MODEL_TIMEOUT, true);
	ASSERT_STREAM("m+stall", true, 1, "timeout", MODEL_TIMEOUT, true);
	ASSERT_STREAM("m+cut", false, 1, "cut", MODEL_ERROR, true);
	ASSERT_STREAM("m+bad-chunk", false, 1, "cut", MODEL_ERROR, true);
}

static void a_listener_may_have_enough(void **state)
{
	struct told t = { .listen_for = 1 };
	struct arena arena;
	struct error err = { .again = false };

	(void)state;
	arena_init(&arena);
	assert_true(ask("m", false, WANT_TEXT, true, 1, &t, &arena, &err));
	assert_int_equal(t.sent, 1);
	assert_int_equal(t.pieces, 1);
	assert_int_equal(t.replies[0].status, MODEL_OK);
	assert_string_equal(t.replies[0].text, t.heard);
	arena_release(&arena);
}

/* What was in flight then is still told: it is paid for. */
static void what_is_in_flight_is_told_when_it_stops(void **state)
{
	struct told t = { .stop_after = 5 };
	struct arena arena;
	struct error err = { .again = false };

	(void)state;
	arena_init(&arena);
	assert_false(ask("m+slow-5", false, WANT_TEXT, false, 40, &t, &arena, &err));
	assert_string_equal(err.text, "enough");
	assert_true(t.sent >= 5 && t.sent < 5 + 4);
	assert_int_equal(t.replied, t.sent);
	arena_release(&arena);
}

static void labels_are_scored_or_written(void **state)
{
	struct told scored = { 0 }, written = { 0 };
	struct arena arena;
	struct error err = { .again = false };

	(void)state;
	arena_init(&arena);
	assert_true(ask("m+no-logprobs", false, WANT_SCORES, false, 6, &written, &arena, &err));
	for (size_t i = 0; i < 6; i++) {
		assert_null(written.replies[i].scores);
		assert_non_null(written.replies[i].text);
	}
	assert_int_equal(written.sent, 7); /* the first was asked again in the other way, the others at once */
	arena_release(&arena);
	arena_init(&arena);
	assert_true(ask("m", true, WANT_SCORES, false, 3, &scored, &arena, &err));
	assert_int_equal(scored.sent, 4); /* Anthropic's form has no scores: a reply without them is how that is found */
	arena_release(&arena);
}

/* What was found of a server once need not be found again, and is said again. */
static void what_is_remembered_is_not_tried_again(void **state)
{
	struct told first = { 0 }, second = { 0 }, other = { 0 };
	struct arena arena;
	struct error err = { .again = false };

	(void)state;
	arena_init(&arena);
	assert_true(ask("m+no-logprobs", false, WANT_SCORES, false, 6, &first, &arena, &err));
	assert_int_equal(first.sent, 7);
	assert_int_equal(first.noticed, 1);
	second.lacks = first.lacks;
	second.known = first.known;
	assert_true(ask("m+no-logprobs", false, WANT_SCORES, false, 6, &second, &arena, &err));
	assert_int_equal(second.sent, 6);
	assert_int_equal(second.noticed, 1);
	assert_string_equal(second.notice, first.notice);
	assert_true(second.lacks == first.lacks && second.known == first.known);
	assert_true(ask("m", false, WANT_TEXT, false, 6, &other, &arena, &err));
	assert_int_equal(other.lacks, 0);
	assert_int_equal(other.noticed, 0);
	arena_release(&arena);
}

/* Of the fault server's tokens, which are bytes, where it would answer "ok". */
static double by_hand(const char *label)
{
	const char *answer = "ok";
	double sum = 0;

	for (bool same = true; *label; label++) {
		same = same && *answer && *label == *answer;
		answer += same;
		sum += same ? -.125 : -2 - *label / 256.;
	}
	return sum;
}

static const char *const begin_alike[] = { "okay", "off", "spam" };

static void ask_labels(const char *model, const char *const *choices, size_t n_choices, size_t n, struct told *t, struct arena *arena)
{
	struct error err = { .again = false };

	t->choices = choices;
	t->n_choices = n_choices;
	if (!ask(model, false, WANT_SCORES, false, n, t, arena, &err))
		fail_msg("%s: %s", model, err.text);
	assert_int_equal(t->replied, n);
}

static void assert_by_hand(const struct told *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < t->n_choices; k++)
			assert_close(t->choices[k], t->replies[i].scores[k], by_hand(t->choices[k]), 1e-12);
}

static void labels_that_begin_alike_are_scored_whole(void **state)
{
	struct told t = { 0 }, parts = { .padding = 7000 }, heals = { 0 };
	struct arena arena;

	(void)state;
	arena_init(&arena);
	ask_labels("m+echo", begin_alike, 3, 5, &t, &arena);
	assert_by_hand(&t, 5);
	assert_int_equal(t.sent, 5); /* tokens that are looked up are no questions */
	assert_int_equal(t.noticed, 1);
	assert_non_null(strstr(t.notice, "all tokens of each label are scored"));
	assert_true(t.replies[0].input_tokens > 3 * 40 && t.replies[0].output_tokens == 3);
	assert_int_equal(t.lacks, 0); /* other labels may be told apart */
	ask_labels("m+echo", begin_alike, 3, 2, &parts, &arena);
	assert_by_hand(&parts, 2);
	assert_int_equal(parts.sent, 4);
	assert_true(parts.replies[1].input_tokens > 3 * 7000);
	ask_labels("m+echo+500-once", begin_alike, 2, 1, &heals, &arena);
	assert_by_hand(&heals, 1);
	assert_int_equal(heals.sent, 2);
	arena_release(&arena);
}

/* Two labels that the first token tells apart cost one question and no prompt twice. */
static void labels_that_begin_otherwise_are_scored_as_ever(void **state)
{
	static const char *const apart[] = { "ok", "no" }, *const odd[] = { "spam", "work" };
	struct told plain = { 0 }, echoes = { 0 }, unsaid = { 0 };
	struct arena arena;

	(void)state;
	arena_init(&arena);
	ask_labels("m", apart, 2, 4, &plain, &arena);
	ask_labels("m+echo", apart, 2, 4, &echoes, &arena);
	assert_int_equal(echoes.sent, 4);
	assert_int_equal(echoes.noticed, 0);
	for (size_t i = 0; i < 4; i++)
		assert_true(echoes.replies[i].scores[0] == plain.replies[i].scores[0] && echoes.replies[i].scores[1] == plain.replies[i].scores[1]);
	ask_labels("m+echo", odd, 2, 4, &unsaid, &arena); /* no candidate begins one of them: found by asking once */
	assert_by_hand(&unsaid, 4);
	assert_int_equal(unsaid.sent, 5);
	assert_int_equal(unsaid.noticed, 1);
	arena_release(&arena);
}

static void a_server_without_an_echo_is_asked_as_ever(void **state)
{
	static const char *const servers[] = { "m+tokens", "m+llama-server" }, *const same[] = { "okay", "ok then" };
	struct arena arena;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(servers); k++) {
		struct told plain = { 0 }, t = { 0 }, written = { 0 };

		arena_init(&arena);
		ask_labels("m", begin_alike, 3, 4, &plain, &arena);
		assert_int_equal(plain.lacks, LACKS_ECHO);
		ask_labels(servers[k], begin_alike, 3, 4, &t, &arena);
		assert_int_equal(t.sent, 4);
		assert_int_equal(t.noticed, 0);
		assert_int_equal(t.lacks, LACKS_ECHO);
		for (size_t i = 0; i < 12; i++)
			assert_true(t.replies[i / 3].scores[i % 3] == plain.replies[i / 3].scores[i % 3]);
		ask_labels(servers[k], same, 2, 4, &written, &arena);
		assert_int_equal(written.sent, 7); /* three find it out */
		assert_int_equal(written.noticed, 1);
		assert_non_null(strstr(written.notice, "labels are written"));
		assert_string_equal(written.replies[3].text, "ok");
		assert_int_equal(written.lacks, LACKS_ECHO);
		assert_int_equal(written.known, 0); /* other labels are asked for alone at first */
		arena_release(&arena);
	}
}

/* It is that reply's, and the others are scored on. */
static void one_reply_that_tells_nothing_apart_is_written_alone(void **state)
{
	static const char *const apart[] = { "ok", "no" };
	struct told t = { .alike_at = 2 };
	struct arena arena;

	(void)state;
	arena_init(&arena);
	ask_labels("m", apart, 2, 12, &t, &arena);
	assert_int_equal(t.sent, 13);
	assert_int_equal(t.noticed, 0);
	assert_string_equal(t.replies[2].text, "ok");
	assert_null(t.replies[2].scores);
	for (size_t i = 0; i < 12; i++)
		assert_true(i == 2 || t.replies[i].scores != NULL);
	arena_release(&arena);
}

static void what_no_try_mends_ends_it(void **state)
{
	static const struct { const char *model, *said; size_t sent; } rows[] = {
		{ "m+401", "wants a key (HTTP 401); put it into RUNG_API_KEY", 1 },
		{ "m+404-model", "it has ", 1 },
		{ "m+429-quota", "nothing left to spend", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct told t = { 0 };
		struct arena arena;
		struct error err = { .again = false };

		arena_init(&arena);
		assert_false(ask(rows[i].model, false, WANT_TEXT, false, 8, &t, &arena, &err));
		if (!strstr(err.text, rows[i].said))
			fail_msg("%s", err.text);
		assert_true(err.again);
		assert_int_equal(t.sent, rows[i].sent);
		assert_int_equal(t.replied, 0);
		arena_release(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_is_heard_as_it_is_kept),
		cmocka_unit_test(what_breaks_before_the_first_token_is_asked_again),
		cmocka_unit_test(what_breaks_behind_the_first_token_is_no_reply),
		cmocka_unit_test(a_listener_may_have_enough),
		cmocka_unit_test(what_is_in_flight_is_told_when_it_stops),
		cmocka_unit_test(labels_are_scored_or_written),
		cmocka_unit_test(what_is_remembered_is_not_tried_again),
		cmocka_unit_test(labels_that_begin_alike_are_scored_whole),
		cmocka_unit_test(labels_that_begin_otherwise_are_scored_as_ever),
		cmocka_unit_test(a_server_without_an_echo_is_asked_as_ever),
		cmocka_unit_test(one_reply_that_tells_nothing_apart_is_written_alone),
		cmocka_unit_test(what_no_try_mends_ends_it),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, start, finish);
}
