/* model_texts.c - embeddings and orders of providers: vectors as text, what goes over the wire, and texts to vectors against the fault
 * server. Base64 by Python's struct and base64. */
#include "test.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fault_host.h"
#include "model/model.h"
#include "model/vectors.h"
#include "model/wire.h"

enum { MOST = 200, DIMENSIONS = 256 };

static char base[70];
static struct arena arena;

static int start(void **state)
{
	(void)state;
	arena_init(&arena);
	setenv("RUNG_API_KEY", "sk-test-1", 1);
	char host[64];
	bool started = fault_start("--need-key", host);

	snprintf(base, sizeof(base), "%s/v1", host);
	return started ? 0 : -1;
}

static int finish(void **state)
{
	(void)state;
	fault_stop();
	arena_release(&arena);
	return 0;
}

/* --- vectors as text --- */

static void vectors_are_read_as_they_were_written(void **state)
{
	static const struct { float rows[6]; size_t n, width; const char *text; } known[] = {
		{ { 1 }, 1, 1, "1 AACAPw==" },
		{ { 1, 2 }, 1, 2, "2 AACAPwAAAEA=" },
		{ { 1, 2, 3 }, 1, 3, "3 AACAPwAAAEAAAEBA" },
		{ { 1, -2.5F, .1F, 3e38F }, 2, 2, "2 AACAPwAAIMDNzMw95rFhfw==" },
		{ { 0, -0.0F, 1e-45F }, 1, 3, "3 AAAAAAAAAIABAAAA" },
		{ { 1, 2 }, 2, 1, "1 AACAPwAAAEA=" },
		{ { 1, 2, 3, 1, 2, 3 }, 2, 3, "3 AACAPwAAAEAAAEBAAACAPwAAAEAAAEBA" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct buf text = { 0 };
		float *rows;
		size_t width;

		vectors_write(known[i].rows, known[i].n, known[i].width, &text);
		assert_string_equal(buf_text(&text), known[i].text);
		assert_true(vectors_read(known[i].text, known[i].n, &arena, &rows, &width));
		assert_int_equal(width, known[i].width);
		assert_memory_equal(rows, known[i].rows, known[i].n * width * sizeof(*rows));
		buf_release(&text);
	}
}

static void what_is_no_vectors_is_refused(void **state)
{
	static const struct { size_t n; const char *text; } rows[] = {
		{ 1, "" }, { 1, " " }, { 1, "1" }, { 1, "1 " }, { 1, "AACAPw==" }, { 1, "x AACAPw==" },
		{ 1, "0 " }, { 1, "0 AACAPw==" },
		{ 1, "2 AACAPw==" },                            /* too short */
		{ 2, "1 AACAPw==" },
		{ 1, "1 AACAPwAAAEA=" },                        /* too long */
		{ 1, "1 AACAPw==A" }, { 1, "1 AACAPw==\n" }, { 1, "1 AACAPw== " },
		{ 1, "3 AACAPwAAAEAAAEB" },                     /* the last bits are missing */
		{ 1, "1 AACA-w==" }, { 1, "1 AACA\xc3\xa4w==" }, { 1, "1 AAC Pw==" }, { 1, "1 =AACAPw" },
		{ 1, "1AACAPw==" }, { 1, "1.5 AACAPw==" }, { 1, "-1 AACAPw==" },
		{ 1, "18446744073709551615 AACAPw==" },         /* 2^64 - 1 */
		{ 1, "18446744073709551616 AACAPw==" }, { 4, "4611686018427387904 AACAPw==" }, { 1, "4611686018427387905 AACAPw==" },
		{ SIZE_MAX, "1 AACAPw==" }, { SIZE_MAX / 4 + 2, "1 AACAPw==" },
		{ 1, "1 AADAfw==" }, { 1, "1 AACAfw==" },       /* not a number, infinity */
	};
	float *out;
	size_t width;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (vectors_read(rows[i].text, rows[i].n, &arena, &out, &width))
			fail_msg("\"%s\" was read as %zu vectors of %zu numbers", rows[i].text, rows[i].n, width);
}

/* --- the wire --- */

static const struct message texts3[] = { { MESSAGE_USER, "caf\xc3\xa9" }, { MESSAGE_USER, "bad \xff byte" }, { MESSAGE_USER, "" } };

static struct model_request asking(enum model_want want, size_t n)
{
	return (struct model_request){ .messages = texts3, .n_messages = n, .want = want, .max_tokens = 7 };
}

static void requests_have_the_texts_and_nothing_else(void **state)
{
	static const struct { enum model_want want; const char *path, *body; } rows[] = {
		{ WANT_VECTORS, "/embeddings", "{\"model\":\"m-1\",\"input\":[\"caf\xc3\xa9\",\"bad \xef\xbf\xbd byte\",\"\"]}" },
		{ WANT_ORDER, "/rerank", "{\"model\":\"m-1\",\"query\":\"caf\xc3\xa9\",\"documents\":[\"bad \xef\xbf\xbd byte\",\"\"]}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct model_request r = asking(rows[i].want, 3);
		struct buf body = { 0 };

		wire_openai.request(&r, "m-1", ~0u, false, &body); /* lacks of chat change nothing */
		json_t *got = json_loadb(body.data, body.n, 0, NULL), *want = json_loads(rows[i].body, 0, NULL);

		assert_non_null(want);
		if (!json_equal(got, want))
			fail_msg("%s", buf_text(&body));
		assert_string_equal(wire_path(&wire_openai, rows[i].want), rows[i].path);
		json_decref(got);
		json_decref(want);
		buf_release(&body);
	}
	assert_null(wire_path(&wire_anthropic, WANT_VECTORS));
	assert_null(wire_path(&wire_anthropic, WANT_ORDER));
	assert_string_equal(wire_path(&wire_openai, WANT_TEXT), "/chat/completions");
}

static struct wire_reply reply_to(enum model_want want, size_t n, const char *body)
{
	const struct model_request r = asking(want, n);
	struct wire_reply reply;

	wire_openai.reply(&r, body, strlen(body), &arena, &reply);
	return reply;
}

#define V(index, numbers) "{\"object\":\"embedding\",\"index\":" index ",\"embedding\":[" numbers "]}"
#define DATA(rows) "{\"object\":\"list\",\"data\":[" rows "],\"model\":\"m\",\"usage\":{\"prompt_tokens\":3,\"total_tokens\":3}}"

static void vectors_stand_in_the_order_of_their_index(void **state)
{
	static const struct { size_t n; const char *body, *text; } rows[] = {
		{ 1, DATA(V("0", "1,2")), "2 AACAPwAAAEA=" },
		{ 2, DATA(V("0", "1,-2.5") "," V("1", "0.1,3e38")), "2 AACAPwAAIMDNzMw95rFhfw==" },
		{ 2, DATA(V("1", "0.1,3e38") "," V("0", "1,-2.5")), "2 AACAPwAAIMDNzMw95rFhfw==" }, /* turned round */
		{ 3, DATA(V("2", "3") "," V("0", "1") "," V("1", "2")), "1 AACAPwAAAEAAAEBA" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct wire_reply reply = reply_to(WANT_VECTORS, rows[i].n, rows[i].body);

		assert_int_equal(reply.status, WIRE_OK);
		assert_string_equal(reply.text, rows[i].text);
	}
}

static void what_is_no_embedding_is_broken(void **state)
{
	static const struct { size_t n; const char *what, *body; } rows[] = {
		{ 2, "one is missing", DATA(V("0", "1")) },
		{ 2, "one too many", DATA(V("0", "1") "," V("1", "1") "," V("2", "1")) },
		{ 2, "one is there twice", DATA(V("0", "1") "," V("0", "2")) },
		{ 2, "out of range", DATA(V("0", "1") "," V("2", "2")) },
		{ 2, "below the range", DATA(V("0", "1") "," V("-1", "2")) },
		{ 2, "beyond any range", DATA(V("0", "1") "," V("4294967297", "2")) },
		{ 2, "an index of text", DATA(V("0", "1") "," V("\"1\"", "2")) },
		{ 2, "an index with a fraction", DATA(V("0", "1") "," V("1.0", "2")) },
		{ 2, "of another width", DATA(V("0", "1,2") "," V("1", "1")) },
		{ 2, "of another width", DATA(V("0", "1") "," V("1", "1,2")) },
		{ 1, "of no width", DATA(V("0", "")) },
		{ 1, "text", DATA(V("0", "\"1\"")) },
		{ 1, "nothing", DATA(V("0", "null")) },
		{ 1, "a truth", DATA(V("0", "true")) },
		{ 1, "beyond a single", DATA(V("0", "1e39")) },
		{ 1, "beyond a double", DATA(V("0", "1e999")) },
		{ 1, "no list", "{\"data\":[{\"index\":0,\"embedding\":\"AACAPw==\"}]}" },
		{ 1, "nothing at all", DATA("") },
		{ 1, "null in place of a row", DATA("null") },
		{ 1, "no data", "{}" },
		{ 1, "data of another kind", "{\"data\":{\"0\":[1]}}" },
		{ 1, "another form", "[[1,2]]" },
		{ 1, "no JSON", "{\"data\":[" },
		{ 1, "empty", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct wire_reply reply = reply_to(WANT_VECTORS, rows[i].n, rows[i].body);

		if (reply.status != WIRE_BROKEN || reply.text || !reply.why)
			fail_msg("%s: %s", rows[i].what, reply.text ? reply.text : "no reason");
	}
}

#define S(index, score) "{\"index\":" index ",\"relevance_score\":" score "}"
#define RESULTS(rows) "{\"id\":\"x\",\"results\":[" rows "],\"meta\":{\"billed_units\":{\"search_units\":1}}}"

/* What a reply to one query and two passages says of them; false: it is broken. */
static bool order_of(const char *body, double *scores)
{
	struct wire_reply reply = reply_to(WANT_ORDER, 3, body);

	if (reply.status != WIRE_OK) {
		assert_int_equal(reply.status, WIRE_BROKEN);
		assert_null(reply.text);
		assert_non_null(reply.why);
		return false;
	}
	json_t *array = json_loads(reply.text, 0, NULL);

	assert_int_equal(json_array_size(array), 2);
	for (size_t i = 0; i < 2; i++)
		scores[i] = json_number_value(json_array_get(array, i));
	json_decref(array);
	return true;
}

static void orders_are_scores_of_each_passage(void **state)
{
	static const struct { const char *body; double scores[2]; } rows[] = {
		{ RESULTS(S("0", ".25") "," S("1", "0.5")), { 0 } }, /* no JSON: a number begins with a digit */
		{ RESULTS(S("1", "0.75") "," S("0", "0.25")), { .25, .75 } },
		{ RESULTS(S("0", "-3") "," S("1", "-7.5")), { -3, -7.5 } },
		{ RESULTS(S("0", "1") "," S("1", "0")), { 1, 0 } },
		{ "{\"results\":[{\"index\":1,\"document\":{\"text\":\"b\"},\"relevance_score\":2},{\"index\":0,\"relevance_score\":1}]}", { 1, 2 } },
	};
	double got[2];

	(void)state;
	assert_false(order_of(rows[0].body, got));
	for (size_t i = 1; i < ARRAY_SIZE(rows); i++) {
		assert_true(order_of(rows[i].body, got));
		for (size_t k = 0; k < 2; k++)
			assert_close(rows[i].body, got[k], rows[i].scores[k], 1e-8);
	}
}

/* A server that returns the best alone: the others stand behind, also behind what is below nothing. */
static void passages_that_are_left_out_come_last(void **state)
{
	static const char *const scores[] = { "0.9", "0", "-4.5", "-1e6", "1e-9" };
	double got[2];
	char body[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scores); i++) {
		snprintf(body, sizeof(body), "{\"results\":[{\"index\":1,\"relevance_score\":%s}]}", scores[i]);
		assert_true(order_of(body, got));
		assert_true(got[0] < got[1]);
		assert_close(scores[i], got[1], strtod(scores[i], NULL), 1e-8);
	}
}

static void what_is_no_order_is_broken(void **state)
{
	static const char *const bodies[] = {
		RESULTS(""), "{}", "[]", "", "{\"results\":{}}", "{\"results\":[", "{\"data\":[" S("0", "1") "]}",
		RESULTS(S("0", "1") "," S("0", "2")), RESULTS(S("0", "1") "," S("2", "2")), RESULTS(S("-1", "1")), RESULTS(S("\"0\"", "1")),
		RESULTS(S("0", "\"1\"")), RESULTS(S("0", "null")), RESULTS(S("0", "1") "," S("1", "true")), RESULTS("{\"index\":0}"),
		RESULTS("{\"relevance_score\":1}"), RESULTS("null"), RESULTS("0,1"),
	};
	double got[2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		if (order_of(bodies[i], got))
			fail_msg("%s was read as %g and %g", bodies[i], got[0], got[1]);
}

static void tokens_are_counted_as_each_vendor_counts_them(void **state)
{
	static const struct { enum model_want want; const char *usage; size_t input; bool known; } rows[] = {
		{ WANT_VECTORS, ",\"usage\":{\"prompt_tokens\":12,\"total_tokens\":12}", 12, true },      /* OpenAI, vLLM */
		{ WANT_VECTORS, ",\"usage\":{\"total_tokens\":9}", 9, true },                              /* Jina, Voyage */
		{ WANT_VECTORS, ",\"usage\":{\"prompt_tokens\":0,\"total_tokens\":0}", 0, true },
		{ WANT_VECTORS, "", 0, false },
		{ WANT_VECTORS, ",\"usage\":null", 0, false },
		{ WANT_VECTORS, ",\"usage\":{\"prompt_tokens\":-5,\"total_tokens\":\"x\"}", 0, true },
		{ WANT_ORDER, ",\"usage\":{\"total_tokens\":31}", 31, true },                              /* Jina, vLLM */
		{ WANT_ORDER, ",\"usage\":{\"prompt_tokens\":30,\"total_tokens\":31}", 30, true },        /* llama.cpp */
		{ WANT_ORDER, ",\"meta\":{\"billed_units\":{\"search_units\":1}}", 0, false },             /* Cohere */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *body = arena_printf(&arena, "{\"data\":[%s],\"results\":[%s]%s}", V("0", "1"), S("0", "1"), rows[i].usage);
		struct wire_reply reply = reply_to(rows[i].want, rows[i].want == WANT_ORDER ? 2 : 1, body);

		assert_int_equal(reply.status, WIRE_OK);
		if (reply.usage.input != rows[i].input || reply.usage.known != rows[i].known || reply.usage.output != 0)
			fail_msg("%s: %zu tokens, %s", rows[i].usage, reply.usage.input, reply.usage.known ? "known" : "unknown");
	}
}

/* --- texts to vectors --- */

static struct models *open_models(const char *embedding, const char *rerank)
{
	const struct model_settings settings = {
		.threads = 1, .timeout_ms = 5000, .in_flight = 4,
		.embedding = embedding ? arena_printf(&arena, strchr(embedding, ':') ? "%s" : "%s#%s", strchr(embedding, ':') ? embedding : base, embedding) : NULL,
		.rerank = rerank ? arena_printf(&arena, "%s#%s", base, rerank) : NULL,
	};

	return models_open("no-models-here", &settings);
}

static const char *const *some_texts(size_t n)
{
	const char **texts = arena_array(&arena, n, sizeof(*texts));

	for (size_t i = 0; i < n; i++)
		texts[i] = arena_printf(&arena, "text %zu says %zu things and so on", i, i * i);
	return texts;
}

static float *embedded(struct models *m, const char *const *texts, size_t n)
{
	float *out = arena_array(&arena, n * DIMENSIONS, sizeof(*out));
	struct error err;

	if (!models_embed(m, texts, n, out, &err))
		fail_msg("%zu texts: %s", n, err.text);
	return out;
}

static void vectors_are_of_unit_length_however_they_are_grouped(void **state)
{
	static const size_t sizes[] = { 1, 63, 64, 65, 200 };
	struct models *m = open_models("text-embedding-test", NULL);
	const char *const *texts = some_texts(MOST);
	struct error err;

	(void)state;
	assert_false(models_embeds_here(m));
	assert_int_equal(models_embedding_width(m, &err), DIMENSIONS);
	assert_int_equal(models_embedding_limit(m), 0);
	float *each = arena_array(&arena, MOST * DIMENSIONS, sizeof(*each));

	for (size_t i = 0; i < MOST; i++)
		memcpy(each + i * DIMENSIONS, embedded(m, texts + i, 1), DIMENSIONS * sizeof(*each));
	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		const float *all = embedded(m, texts, sizes[s]);

		assert_memory_equal(all, each, sizes[s] * DIMENSIONS * sizeof(*all));
	}
	for (size_t i = 0; i < MOST; i++) {
		double square = 0;

		for (size_t k = 0; k < DIMENSIONS; k++)
			square += (double)each[i * DIMENSIONS + k] * (double)each[i * DIMENSIONS + k];
		assert_close(texts[i], square, 1, 1e-6);
		assert_true(i == 0 || memcmp(each, each + i * DIMENSIONS, DIMENSIONS * sizeof(*each)) != 0);
	}
	assert_true(models_embed(m, texts, 0, NULL, &err));
	models_free(m);
}

/* An asker that looks on: the vector of a text is its length, {length, 0, ...}; of its own making, or of the second width behind a switch. */
struct asker {
	size_t calls, requests, messages, most, widths[2], width_after; /* messages: after which the second width holds; 0: never */
	const char *model, *reply;                                      /* reply: what is said to all; NULL: vectors */
	bool silent;                                                    /* says that none could be answered */
	enum model_want want;
};

static bool answer(void *context, const char *model, const struct model_request *requests, size_t n, struct arena *to, const char **texts,
		   struct error *err)
{
	struct asker *a = context;

	(void)err;
	a->calls++;
	a->requests += n;
	a->model = arena_string(&arena, model);
	for (size_t i = 0; i < n; i++) {
		const struct model_request *r = &requests[i];
		size_t width = a->widths[a->width_after && a->messages >= a->width_after];
		float *rows = arena_array(to, r->n_messages * (width + 1), sizeof(*rows));
		struct buf text = { 0 };

		a->want = r->want;
		a->messages += r->n_messages;
		a->most = r->n_messages > a->most ? r->n_messages : a->most;
		for (size_t k = 0; k < r->n_messages && width; k++)
			rows[k * width] = (float)strlen(r->messages[k].text);
		vectors_write(rows, r->n_messages, width, &text);
		texts[i] = a->silent ? NULL : arena_string(to, a->reply ? a->reply : buf_text(&text));
		buf_release(&text);
	}
	return true;
}

static void askers_see_many_texts_a_request_and_ahead_one(void **state)
{
	struct models *m = open_models("text-embedding-test", NULL);
	struct asker a = { .widths = { 4, 4 } };
	const struct model_asker through = { answer, &a };
	const char *const *texts = some_texts(MOST);
	struct error err;
	float out[MOST * 4];

	(void)state;
	assert_true(models_embed_ahead(m, texts, MOST, &err)); /* nobody who would keep it: nothing is asked, whose width nobody knows */
	assert_null(models_ask_through(m, &through));
	assert_int_equal(models_embedding_width(m, &err), 4);
	assert_int_equal(a.requests, 1);
	assert_int_equal(models_embedding_width(m, &err), 4);
	assert_int_equal(a.requests, 1); /* asked once */
	a = (struct asker){ .widths = { 4, 4 } };
	assert_true(models_embed(m, texts, MOST, out, &err));
	assert_int_equal(a.calls, 1); /* all requests at once */
	assert_int_equal(a.requests, 4);
	assert_int_equal(a.messages, MOST);
	assert_int_equal(a.most, 64);
	assert_int_equal(a.want, WANT_VECTORS);
	assert_string_equal(a.model, arena_printf(&arena, "%s#text-embedding-test", base));
	for (size_t i = 0; i < MOST; i++)
		assert_true(out[4 * i] == 1 && out[4 * i + 1] == 0);
	a = (struct asker){ .widths = { 4, 4 } };
	assert_true(models_embed_ahead(m, texts, MOST, &err));
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.requests, MOST);
	assert_int_equal(a.most, 1);
	a = (struct asker){ .silent = true };
	assert_true(models_embed_ahead(m, texts, 3, &err)); /* who needs it will say so */
	assert_ptr_equal(models_ask_through(m, NULL), &through);
	models_free(m);
}

static void a_text_without_a_direction_stays_finite(void **state)
{
	struct models *m = open_models("text-embedding-test", NULL);
	struct asker a = { .widths = { 4, 4 } };
	const struct model_asker through = { answer, &a };
	const char *empty = "";
	float out[4] = { 9, 9, 9, 9 }, zero[4] = { 0 };
	struct error err;

	(void)state;
	models_ask_through(m, &through);
	assert_true(models_embed(m, &empty, 1, out, &err)); /* its length is 0 */
	assert_memory_equal(out, zero, sizeof(zero));
	models_free(m);
}

static void assert_said(struct models *m, struct asker *a, size_t n, const char *const *texts, const char *said)
{
	const struct model_asker through = { answer, a };
	float out[MOST * 8];
	struct error err = { .again = false };

	models_ask_through(m, &through);
	assert_false(models_embed(m, texts, n, out, &err));
	if (!strstr(err.text, said))
		fail_msg("%s: does not say \"%s\"", err.text, said);
	assert_non_null(strstr(err.text, "text-embedding-test"));
}

static void what_cannot_be_embedded_is_said(void **state)
{
	const char **texts = (const char **)(uintptr_t)some_texts(MOST);
	struct models *m = open_models("text-embedding-test", NULL);

	(void)state;
	assert_said(m, &(struct asker){ .widths = { 4, 8 }, .width_after = 65 }, MOST, texts, "8 numbers where others have 4");
	models_free(m);
	m = open_models("text-embedding-test", NULL);
	assert_said(m, &(struct asker){ .reply = "ok" }, 2, texts, "is not one vector for each text");
	assert_said(m, &(struct asker){ .reply = "1 AACAPw==" }, 2, texts, "is not one vector for each text"); /* for one: the width is known now */
	models_free(m);
}

/* The one that is too long, not the first of those that went with it; and whole letters of it. */
static void the_text_that_is_too_long_is_named(void **state)
{
	const char **texts = (const char **)(uintptr_t)some_texts(70);
	struct models *m = open_models("e+too-long", NULL);
	float *out = arena_array(&arena, 70 * DIMENSIONS, sizeof(*out));
	struct buf text = { 0 };
	struct error err;

	(void)state;
	buf_adds(&text, "A long story. ");
	for (size_t i = 0; i < 3000; i++)
		buf_adds(&text, "\xc3\xa9");
	texts[67] = buf_text(&text);
	assert_false(models_embed(m, texts, 70, out, &err));
	if (!strstr(err.text, "e+too-long\": cannot read a text of the task, \"A long story. \xc3\xa9\xc3\xa9") || !strstr(err.text, "shorten it"))
		fail_msg("%s", err.text);
	json_t *valid = json_string(err.text); /* NULL: no UTF-8 */

	if (!valid)
		fail_msg("a letter is cut in two: %s", err.text);
	assert_true(models_embed(m, texts, 67, out, &err));
	json_decref(valid);
	buf_release(&text);
	models_free(m);
}

static void faults_heal_or_end_it(void **state)
{
	static const char *const heal[] = { "e+429-once", "e+500-once", "e+cut-once", "e+wrong-json-once", "e+wrong-form-once", "e+429-once+500-once" };
	static const struct { const char *model, *said; } ends[] = {
		{ "e+401", "refuses the key in RUNG_API_KEY (HTTP 401)" },
		{ "e+404-model", "has no such model" },
		{ "e+429-quota", "nothing left to spend" },
	};
	const char *const *texts = some_texts(65);
	struct models *m = open_models("text-embedding-test", NULL);
	const float *right = embedded(m, texts, 65);
	float out[2 * DIMENSIONS];
	struct error err = { .again = false };

	(void)state;
	models_free(m);
	for (size_t i = 0; i < ARRAY_SIZE(heal); i++) {
		m = open_models(heal[i], NULL);
		assert_memory_equal(embedded(m, texts, 65), right, 65 * DIMENSIONS * sizeof(*right));
		models_free(m);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		m = open_models(ends[i].model, NULL);
		assert_false(models_embed(m, texts, 2, out, &err));
		if (!strstr(err.text, ends[i].said))
			fail_msg("%s: %s", ends[i].model, err.text);
		assert_null(strstr(err.text, "sk-test"));
		assert_true(err.again);
		assert_int_equal(models_embedding_width(m, &err), 0);
		assert_int_equal(models_embedding_hash(m, &err), 0);
		models_free(m);
	}
	m = open_models("openai:e", NULL); /* the variable is another's */
	unsetenv("OPENAI_API_KEY");
	assert_false(models_embed(m, texts, 2, out, &err));
	assert_non_null(strstr(err.text, "OPENAI_API_KEY"));
	models_free(m);
}

static void a_number_tells_who_embeds(void **state)
{
	struct models *one = open_models("e-one", NULL), *two = open_models("e-two", NULL), *again = open_models("e-one", NULL);
	struct models *narrow = open_models("e-one", NULL);
	struct asker a = { .widths = { 4, 4 } };
	const struct model_asker through = { answer, &a };
	struct error err;

	(void)state;
	models_ask_through(narrow, &through);
	assert_true(models_embedding_hash(one, &err) != 0);
	assert_true(models_embedding_hash(one, &err) == models_embedding_hash(again, &err));
	assert_true(models_embedding_hash(one, &err) != models_embedding_hash(two, &err));
	assert_true(models_embedding_hash(one, &err) != models_embedding_hash(narrow, &err));
	models_free(one);
	models_free(two);
	models_free(again);
	models_free(narrow);
}

/* --- order --- */

static void passages_are_scored_for_a_query(void **state)
{
	static const char *const passages[] = { "Nothing of it.", "The power of the red lamp is 11 watts.", "A lamp.", "", "red lamp power power" };
	struct models *m = open_models(NULL, "rerank-test");
	double scores[ARRAY_SIZE(passages)];
	struct error err;

	(void)state;
	if (!models_rerank(m, "power of the red lamp", passages, ARRAY_SIZE(passages), scores, &err))
		fail_msg("%s", err.text);
	assert_close("all of its words", scores[1], 1, 1e-8);
	assert_close("three of five", scores[4], .6, 1e-8);
	assert_close("two", scores[0], .2, 1e-8); /* "of" */
	assert_close("one", scores[2], .2, 1e-8);
	assert_close("none", scores[3], 0, 1e-8);
	assert_true(models_rerank(m, "anything", NULL, 0, scores, &err));
	models_free(m);
}

static void an_asker_sees_the_query_first(void **state)
{
	static const char *const passages[] = { "one", "two" };
	static const char *const wrong[] = { "[1]", "[1,2,3]", "[]", "{}", "x", "[1,\"2\"]", "[1,null]", "[null,null]" };
	struct models *m = open_models(NULL, "rerank-test");
	struct asker a = { .reply = "[-0.5,2]" };
	const struct model_asker through = { answer, &a };
	double scores[2];
	struct error err;

	(void)state;
	models_ask_through(m, &through);
	assert_true(models_rerank(m, "query", passages, 2, scores, &err));
	assert_int_equal(a.requests, 1);
	assert_int_equal(a.messages, 3);
	assert_int_equal(a.want, WANT_ORDER);
	assert_true(scores[0] == -.5 && scores[1] == 2);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		a.reply = wrong[i];
		if (models_rerank(m, "query", passages, 2, scores, &err))
			fail_msg("%s was taken", wrong[i]);
		assert_non_null(strstr(err.text, "rerank-test\": what it replied is not one score for each passage"));
	}
	a.silent = true;
	assert_false(models_rerank(m, "query", passages, 2, scores, &err));
	models_free(m);
}

static void who_may_be_asked_for_texts(void **state)
{
	static const struct { const char *name; bool takes; } rows[] = {
		{ "openai:e", true }, { "http://127.0.0.1:8080/v1#e", true }, { "recorded:calls.jsonl#openai:e", true },
		{ "recorded:calls.jsonl", false }, { "anthropic:claude", false }, { "local", false }, { "local:x", false }, { "tuned:x:v1", false },
		{ "", false }, { "e", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (model_takes_texts(rows[i].name) != rows[i].takes)
			fail_msg("%s", rows[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_are_read_as_they_were_written),
		cmocka_unit_test(what_is_no_vectors_is_refused),
		cmocka_unit_test(requests_have_the_texts_and_nothing_else),
		cmocka_unit_test(vectors_stand_in_the_order_of_their_index),
		cmocka_unit_test(what_is_no_embedding_is_broken),
		cmocka_unit_test(orders_are_scores_of_each_passage),
		cmocka_unit_test(passages_that_are_left_out_come_last),
		cmocka_unit_test(what_is_no_order_is_broken),
		cmocka_unit_test(tokens_are_counted_as_each_vendor_counts_them),
		cmocka_unit_test(vectors_are_of_unit_length_however_they_are_grouped),
		cmocka_unit_test(askers_see_many_texts_a_request_and_ahead_one),
		cmocka_unit_test(a_text_without_a_direction_stays_finite),
		cmocka_unit_test(what_cannot_be_embedded_is_said),
		cmocka_unit_test(the_text_that_is_too_long_is_named),
		cmocka_unit_test(faults_heal_or_end_it),
		cmocka_unit_test(a_number_tells_who_embeds),
		cmocka_unit_test(passages_are_scored_for_a_query),
		cmocka_unit_test(an_asker_sees_the_query_first),
		cmocka_unit_test(who_may_be_asked_for_texts),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, start, finish);
}
