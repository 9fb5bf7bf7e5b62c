/* Requests are read back as JSON; replies are what the vendors' references show, and what servers break. */
#include "test.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "model/wire.h"

static struct arena arena;

static const struct message shots[] = {
	{ MESSAGE_SYSTEM, "Sort." }, { MESSAGE_USER, "a" }, { MESSAGE_ASSISTANT, "spam" }, { MESSAGE_USER, "b" },
};
static const char *const labels[] = { "spam", "work", "personal" };
static const char *const stops[] = { "\n", "END" };
static const char closed[] = "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}},\"required\":[\"x\"],\"additionalProperties\":false}";
static const char open_schema[] = "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}}}";

static struct model_request request(enum model_want want)
{
	return (struct model_request){ .messages = shots, .n_messages = 4, .want = want, .choices = labels,
				       .n_choices = want == WANT_SCORES ? 3 : 0, .schema = want == WANT_JSON ? closed : NULL, .max_tokens = 7 };
}

static json_t *sent(const struct wire *w, const struct model_request *r, unsigned lacks, bool stream)
{
	struct buf body = { 0 };
	json_t *root;

	w->request(r, "m-1", lacks, stream, &body);
	root = json_loadb(body.data, body.n, 0, NULL);
	buf_release(&body);
	assert_non_null(root);
	return root;
}

/* What stands at a path of keys and numbers, as compact JSON; "" where nothing does. */
static const char *at(const json_t *root, const char *path)
{
	char part[64];

	while (*path && root) {
		size_t n = strcspn(path, "/");

		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		root = json_is_array(root) ? json_array_get(root, strtoul(part, NULL, 10)) : json_object_get(root, part);
		path += n + (path[n] == '/');
	}
	char *text = root ? json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS) : NULL;
	const char *copy = arena_string(&arena, text ? text : "");

	free(text);
	return copy;
}

struct expected {
	const char *path, *json;
};

static void assert_sent(const struct wire *w, const struct model_request *r, unsigned lacks, bool stream, const struct expected *e, size_t n)
{
	json_t *root = sent(w, r, lacks, stream);

	for (size_t i = 0; i < n; i++)
		if (strcmp(at(root, e[i].path), e[i].json) != 0)
			fail_msg("%s: %s, not %s", e[i].path, at(root, e[i].path), e[i].json);
	json_decref(root);
}
#define ASSERT_SENT(w, r, lacks, stream, ...)                                                                            \
	do {                                                                                                             \
		static const struct expected all[] = { __VA_ARGS__ };                                                    \
		assert_sent(w, r, lacks, stream, all, ARRAY_SIZE(all));                                                  \
	} while (0)

static void openai_requests(void **state)
{
	struct model_request text = request(WANT_TEXT), json = request(WANT_JSON), scores = request(WANT_SCORES);

	(void)state;
	text.stop = stops;
	text.n_stop = 2;
	text.effort = "low";
	ASSERT_SENT(&wire_openai, &text, 0, false, { "model", "\"m-1\"" }, { "messages/0", "{\"content\":\"Sort.\",\"role\":\"system\"}" },
		    { "messages/2/role", "\"assistant\"" }, { "messages/3/content", "\"b\"" }, { "max_tokens", "7" }, { "temperature", "0" },
		    { "stop", "[\"\\n\",\"END\"]" }, { "reasoning_effort", "\"low\"" }, { "seed", "" }, { "stream", "" }, { "logprobs", "" });
	ASSERT_SENT(&wire_openai, &text, LACKS_MAX_TOKENS | LACKS_TEMPERATURE | LACKS_STOP | LACKS_SYSTEM, true, { "max_tokens", "" },
		    { "max_completion_tokens", "7" }, { "temperature", "" }, { "stop", "" }, { "messages/0/role", "\"user\"" },
		    { "messages/0/content", "\"Sort.\\n\\na\"" }, { "messages/2/content", "\"b\"" }, { "stream", "true" },
		    { "stream_options/include_usage", "true" });
	text.sampling = (struct model_sampling){ .temperature = .5, .top_p = .25, .seed = 42 };
	ASSERT_SENT(&wire_openai, &text, LACKS_USAGE, true, { "temperature", "0.5" }, { "top_p", "0.25" }, { "seed", "21" },
		    { "top_k", "" }, { "stream_options", "" });
	ASSERT_SENT(&wire_openai, &text, LACKS_SEED, false, { "temperature", "0.5" }, { "seed", "" });
	ASSERT_SENT(&wire_openai, &json, 0, false, { "response_format/type", "\"json_schema\"" },
		    { "response_format/json_schema/strict", "true" }, { "response_format/json_schema/schema/required", "[\"x\"]" });
	json.schema = open_schema;
	ASSERT_SENT(&wire_openai, &json, 0, false, { "response_format/json_schema/strict", "false" });
	ASSERT_SENT(&wire_openai, &json, LACKS_SCHEMA, false, { "response_format/type", "\"json_object\"" },
		    { "response_format/schema/properties/x/type", "\"integer\"" });
	ASSERT_SENT(&wire_openai, &json, LACKS_SCHEMA | LACKS_JSON, false, { "response_format", "" },
		    { "messages/3/content", "\"b\\n\\nReply with JSON alone, which satisfies this JSON Schema:\\n{\\\"type\\\":\\\"object\\\",\\\"properties\\\":{\\\"x\\\":{\\\"type\\\":\\\"integer\\\"}}}\"" });
	ASSERT_SENT(&wire_openai, &scores, 0, false, { "logprobs", "true" }, { "top_logprobs", "20" }, { "max_tokens", "1" });
	ASSERT_SENT(&wire_openai, &scores, LACKS_LOG_P, false, { "logprobs", "" }, { "max_tokens", "12" });
}

static void anthropic_requests(void **state)
{
	struct model_request text = request(WANT_TEXT), json = request(WANT_JSON), scores = request(WANT_SCORES);

	(void)state;
	text.stop = stops;
	text.n_stop = 2;
	ASSERT_SENT(&wire_anthropic, &text, 0, true, { "system", "[{\"text\":\"Sort.\",\"type\":\"text\"}]" },
		    { "messages/0/role", "\"user\"" },
		    { "messages/1/content", "[{\"cache_control\":{\"type\":\"ephemeral\"},\"text\":\"spam\",\"type\":\"text\"}]" },
		    { "messages/2/content", "\"b\"" }, { "max_tokens", "7" }, { "temperature", "0" }, { "stop_sequences", "[\"\\n\",\"END\"]" },
		    { "stream", "true" }, { "stream_options", "" }, { "output_config", "" });
	ASSERT_SENT(&wire_anthropic, &json, 0, false, { "output_config/format/type", "\"json_schema\"" },
		    { "output_config/format/schema/required", "[\"x\"]" });
	ASSERT_SENT(&wire_anthropic, &scores, 0, false, { "max_tokens", "12" }, { "logprobs", "" });
	text.messages = &shots[2];
	text.n_messages = 2;
	text.messages = (const struct message[2]){ shots[0], shots[3] };
	ASSERT_SENT(&wire_anthropic, &text, 0, false, { "system/0/cache_control/type", "\"ephemeral\"" }, { "messages/0/content", "\"b\"" });
	text.messages = &shots[3];
	text.n_messages = 1;
	ASSERT_SENT(&wire_anthropic, &text, 0, false, { "system", "" }, { "messages/0/content", "\"b\"" });
}

static void text_that_is_cut_inside_a_character_is_sent(void **state)
{
	static const struct message cut = { MESSAGE_USER, "caf\xc3" };
	struct model_request r = request(WANT_TEXT);

	(void)state;
	r.messages = &cut;
	r.n_messages = 1;
	ASSERT_SENT(&wire_openai, &r, 0, false, { "messages/0/content", "\"caf\xef\xbf\xbd\"" });
	ASSERT_SENT(&wire_anthropic, &r, 0, false, { "messages/0/content", "\"caf\xef\xbf\xbd\"" });
}

static struct wire_reply reply(const struct wire *w, const struct model_request *r, const char *body)
{
	struct wire_reply out;

	w->reply(r, body, strlen(body), &arena, &out);
	return out;
}

static const struct {
	const struct wire *wire;
	enum model_want want;
	const char *body;
	enum wire_status status;
	const char *text; /* NULL: none */
} replies[] = {
	{ &wire_openai, WANT_TEXT, "{\"choices\":[{\"message\":{\"content\":\"spam\"},\"finish_reason\":\"stop\"}]}", WIRE_OK, "spam" },
	{ &wire_openai, WANT_TEXT, "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"stop\"}]}", WIRE_OK, "" },
	{ &wire_openai, WANT_TEXT, "{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}}]}", WIRE_OK, "ab" },
	{ &wire_openai, WANT_TEXT, "{\"choices\":[{\"message\":{\"content\":\"x\",\"reasoning_content\":\"hm\"},\"finish_reason\":\"length\"}]}", WIRE_TRUNCATED, "x" },
	{ &wire_openai, WANT_TEXT, "{\"choices\":[{\"message\":{\"content\":null},\"finish_reason\":\"length\"}]}", WIRE_TRUNCATED, "" },
	{ &wire_openai, WANT_TEXT, "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"content_filter\"}]}", WIRE_REFUSED, "x" },
	{ &wire_openai, WANT_TEXT, "{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"I can't\"},\"finish_reason\":\"stop\"}]}", WIRE_REFUSED, "" },
	{ &wire_openai, WANT_TEXT, "{\"choices\":[{\"message\":{\"content\":null},\"finish_reason\":\"stop\"}]}", WIRE_EMPTY, NULL },
	{ &wire_openai, WANT_TEXT, "{\"choices\":[]}", WIRE_EMPTY, NULL },
	{ &wire_openai, WANT_TEXT, "{\"choices\":[3]}", WIRE_BROKEN, NULL },
	{ &wire_openai, WANT_TEXT, "{\"error\":{\"message\":\"x\"}}", WIRE_BROKEN, NULL },
	{ &wire_openai, WANT_TEXT, "<html>", WIRE_BROKEN, NULL },
	{ &wire_openai, WANT_TEXT, "", WIRE_BROKEN, NULL },
	{ &wire_openai, WANT_TEXT, "{\"choices\":[{\"message\":{\"content\":\"caf\xe9\"},\"finish_reason\":\"stop\"}]}", WIRE_OK, "caf\xef\xbf\xbd" },
	{ &wire_openai, WANT_JSON, "{\"choices\":[{\"message\":{\"content\":\"Here:\\n```json\\n{\\\"x\\\":1}\\n```\"}}]}", WIRE_OK, "{\"x\":1}" },
	{ &wire_anthropic, WANT_TEXT, "{\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"},{\"type\":\"text\",\"text\":\"work\"}],\"stop_reason\":\"end_turn\"}", WIRE_OK, "work" },
	{ &wire_anthropic, WANT_TEXT, "{\"content\":[{\"type\":\"text\",\"text\":\"wo\"}],\"stop_reason\":\"max_tokens\"}", WIRE_TRUNCATED, "wo" },
	{ &wire_anthropic, WANT_TEXT, "{\"content\":[],\"stop_reason\":\"refusal\"}", WIRE_REFUSED, "" },
	{ &wire_anthropic, WANT_TEXT, "{\"content\":[],\"stop_reason\":\"end_turn\"}", WIRE_EMPTY, NULL },
	{ &wire_anthropic, WANT_TEXT, "{\"type\":\"error\"}", WIRE_BROKEN, NULL },
};

static void replies_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
		struct model_request r = request(replies[i].want);
		struct wire_reply out = reply(replies[i].wire, &r, replies[i].body);

		if (out.status != replies[i].status || !out.text != !replies[i].text || (out.text && strcmp(out.text, replies[i].text) != 0))
			fail_msg("%s: status %d, text %s", replies[i].body, (int)out.status, out.text ? out.text : "none");
		if (out.status == WIRE_REFUSED || out.status == WIRE_EMPTY || out.status == WIRE_BROKEN)
			assert_non_null(out.why);
	}
}

static void what_a_server_did_not_stop_at_is_cut(void **state)
{
	struct model_request r = request(WANT_TEXT);

	(void)state;
	r.stop = stops;
	r.n_stop = 2;
	assert_string_equal(reply(&wire_openai, &r, "{\"choices\":[{\"message\":{\"content\":\"a END b\\nc\"}}]}").text, "a ");
}

/* The vendors' own examples: OpenAI's prompt holds what was cached, Anthropic's input does not. */
static void usage_has_one_meaning(void **state)
{
	struct model_request r = request(WANT_TEXT);
	struct wire_usage o, a, none;

	(void)state;
	o = reply(&wire_openai, &r, "{\"choices\":[{\"message\":{\"content\":\"x\"}}],\"usage\":{\"prompt_tokens\":2006,\"completion_tokens\":300,"
		  "\"prompt_tokens_details\":{\"cached_tokens\":1920},\"completion_tokens_details\":{\"reasoning_tokens\":256}}}").usage;
	assert_true(o.known && o.input == 2006 && o.cache_read == 1920 && o.cache_written == 0 && o.output == 300 && o.reasoning == 256);
	a = reply(&wire_anthropic, &r, "{\"content\":[{\"type\":\"text\",\"text\":\"x\"}],\"usage\":{\"input_tokens\":50,"
		  "\"cache_read_input_tokens\":1800,\"cache_creation_input_tokens\":248,\"output_tokens\":503}}").usage;
	assert_true(a.known && a.input == 2098 && a.cache_read == 1800 && a.cache_written == 248 && a.output == 503);
	none = reply(&wire_openai, &r, "{\"choices\":[{\"message\":{\"content\":\"x\"}}]}").usage;
	assert_false(none.known);
}

static struct wire_reply scored(const char *candidates)
{
	struct model_request r = request(WANT_SCORES);

	return reply(&wire_openai, &r, arena_printf(&arena, "{\"choices\":[{\"message\":{\"content\":\"sp\"},\"finish_reason\":\"length\","
						    "\"logprobs\":{\"content\":[{\"token\":\"sp\",\"logprob\":-0.1,\"top_logprobs\":[%s]}]}}]}", candidates));
}

static void choices_are_scored_by_first_tokens(void **state)
{
	struct wire_reply r = scored("{\"token\":\"sp\",\"logprob\":-0.5},{\"token\":\" Spam\",\"logprob\":-2},{\"token\":\"work\",\"logprob\":-3},"
				     "{\"token\":\"The\",\"logprob\":-6}");

	(void)state;
	assert_int_equal(r.status, WIRE_OK);
	assert_close("two forms of one choice", r.scores[0], log(exp(-.5) + exp(-2)), 1e-12);
	assert_close("one", r.scores[1], -3, 1e-12);
	assert_close("below the last", r.scores[2], -6, 1e-12);
	assert_null(scored("{\"token\":\"The\",\"logprob\":-0.1}").scores);
	assert_null(scored("").scores);
	assert_non_null(scored("{\"token\":\"work\",\"logprob\":-0.1},{\"token\":\"\",\"logprob\":-0.2}").scores);
}

static void choices_that_begin_alike_are_not_scored(void **state)
{
	static const char *const alike[] = { "refund", "refused" };
	struct model_request r = request(WANT_SCORES);
	const char *form = "{\"choices\":[{\"message\":{\"content\":\"x\"},\"logprobs\":{\"content\":[{\"top_logprobs\":["
			   "{\"token\":\"ref\",\"logprob\":%s},{\"token\":\"refund\",\"logprob\":-0.1}]}]}}]}";

	(void)state;
	r.choices = alike;
	r.n_choices = 2;
	assert_null(reply(&wire_openai, &r, arena_printf(&arena, form, "-2")).scores);
	assert_non_null(reply(&wire_openai, &r, arena_printf(&arena, form, "-9")).scores);
}

/* vLLM 0.16's own numbers, as an issue quotes them: "The step of boiling water is: ", and the token made behind it. */
#define VLLM(list) "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"choices\":[" list "],\"usage\":{\"prompt_tokens\":8,\"total_tokens\":9,\"completion_tokens\":1}}"
#define CHOICE(index, log_p) "{\"index\":" index ",\"text\":\"\",\"logprobs\":{\"text_offset\":[],\"token_logprobs\":[" log_p "],\"tokens\":[]," \
			     "\"top_logprobs\":[]},\"finish_reason\":\"length\"}"
#define LOG_P "null,-8.818763732910156,-1.552642822265625,-13.55989933013916,-2.0115487575531006,-2.2331151962280273,-8.53701114654541,-1.2870503664016724"

static void choices_are_scored_by_all_of_their_tokens(void **state)
{
	static const int64_t ids[8] = { 0 };
	const struct wire_ids prompt = { ids, 5 }, label = { ids, 3 }, *one[] = { &label }, *two[] = { &label, &label };
	const double sum = -2.2331151962280273 - 8.53701114654541 - 1.2870503664016724;
	static const struct { const char *body; size_t n; bool good; } rows[] = {
		{ VLLM(CHOICE("0", LOG_P ",-0.41059786081314087")), 1, true },
		{ VLLM(CHOICE("0", LOG_P)), 1, true }, /* none was made */
		{ VLLM(CHOICE("1", LOG_P) "," CHOICE("0", LOG_P)), 2, true },
		{ VLLM(CHOICE("0", LOG_P ",-1,-1")), 1, false }, /* a token more than was sent */
		{ VLLM(CHOICE("0", "-0.41059786081314087")), 1, false }, /* no echo */
		{ VLLM(CHOICE("0", "null,-1,-1,-1,-1,-1,null,-1")), 1, false },
		{ VLLM(CHOICE("2", LOG_P)), 1, false }, { VLLM(CHOICE("0", LOG_P)), 2, false }, { VLLM(""), 1, false }, { "[]", 1, false }, { "", 1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double scores[2] = { 0 };
		struct wire_usage usage = { 0 };
		bool good = wire_echo_scores(&prompt, rows[i].n == 1 ? one : two, rows[i].n, rows[i].body, strlen(rows[i].body), scores, &usage);

		if (good != rows[i].good)
			fail_msg("row %zu", i);
		if (!good)
			continue;
		assert_close("the label's tokens", scores[rows[i].n - 1], sum, 1e-12);
		assert_true(usage.known && usage.input == 8 && usage.output == 1);
	}
}

static void tokens_are_asked_for_and_read(void **state)
{
	static const struct { const char *body; size_t n; } rows[] = {
		{ "{\"count\":2,\"max_model_len\":4096,\"tokens\":[1,151644],\"token_strs\":null}", 2 },
		{ "{\"tokens\":[]}", 0 }, { "{\"tokens\":[1,\"a\"]}", 0 }, { "{\"tokens\":[[1]]}", 0 }, { "{\"error\":\"Unexpected endpoint\"}", 0 }, { "<html>", 0 },
	};
	struct model_request r = request(WANT_SCORES);
	struct wire_ids ids;
	struct buf body = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(wire_echo_tokens(rows[i].body, strlen(rows[i].body), &arena, &ids), rows[i].n > 0);
		assert_int_equal(ids.n, rows[i].n);
	}
	assert_true(wire_echo_tokens(rows[0].body, strlen(rows[0].body), &arena, &ids) && ids.ids[1] == 151644);
	wire_echo_conversation(&r, "m-1", LACKS_SYSTEM, &body);
	wire_echo_label("work", "m-1", &body);
	wire_echo_request(&ids, (const struct wire_ids *[]){ &ids }, 1, "m-1", &body);
	assert_string_equal(buf_text(&body),
			    "{\"model\":\"m-1\",\"messages\":[{\"role\":\"user\",\"content\":\"Sort.\\n\\na\"},{\"role\":\"assistant\",\"content\":\"spam\"},"
			    "{\"role\":\"user\",\"content\":\"b\"}],\"add_generation_prompt\":true}"
			    "{\"model\":\"m-1\",\"prompt\":\"work\",\"add_special_tokens\":false}"
			    "{\"model\":\"m-1\",\"prompt\":[[1,151644,1,151644]],\"echo\":true,\"logprobs\":1,\"max_tokens\":1,\"temperature\":0}");
	buf_release(&body);
}

static void feed(const struct wire *w, const char *const *events, size_t n, struct wire_reply *out, size_t *taken)
{
	struct model_request r = request(WANT_TEXT);
	struct wire_stream s = { 0 };

	for (*taken = 0; *taken < n && w->event(&s, "message", events[*taken], strlen(events[*taken])); (*taken)++) {
	}
	wire_stream_end(&s, &r, &arena, out);
	wire_stream_release(&s);
}

static void openai_streams(void **state)
{
	static const char *const whole[] = {
		"{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}", "{\"choices\":[{\"delta\":{\"content\":\"sp\"}}]}",
		"{\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}", "{\"choices\":[{\"delta\":{\"content\":\"am\"}}]}",
		"{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}",
		"{\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}", "[DONE]",
	};
	static const char *const failed[] = { "{\"choices\":[{\"delta\":{\"content\":\"sp\"}}]}", "{\"error\":{\"message\":\"x\",\"code\":500}}", "[DONE]" };
	struct wire_reply r;
	size_t taken;

	(void)state;
	feed(&wire_openai, whole, 7, &r, &taken);
	assert_int_equal(taken, 6);
	assert_int_equal(r.status, WIRE_OK);
	assert_string_equal(r.text, "spam");
	assert_true(r.usage.known && r.usage.input == 9 && r.usage.output == 2);
	for (size_t cut = 0; cut < 5; cut++) { /* cut anywhere before the reply's own end, it is no reply */
		feed(&wire_openai, whole, cut, &r, &taken);
		assert_int_equal(r.status, WIRE_BROKEN);
		assert_null(r.text);
	}
	feed(&wire_openai, failed, 3, &r, &taken);
	assert_int_equal(taken, 1);
	assert_int_equal(r.status, WIRE_BROKEN);
	feed(&wire_openai, (const char *const[]){ "{\"choi" }, 1, &r, &taken);
	assert_int_equal(r.status, WIRE_BROKEN);
}

static void anthropic_streams(void **state)
{
	static const char *const whole[] = {
		"{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":10,\"output_tokens\":1}}}",
		"{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}", "{\"type\":\"ping\"}",
		"{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}",
		"{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"wo\"}}",
		"{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"rk\"}}",
		"{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":7}}", "{\"type\":\"message_stop\"}",
	};
	static const char *const overloaded[] = { "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}" };
	struct wire_stream s = { 0 };
	struct wire_reply r;
	size_t taken;

	(void)state;
	feed(&wire_anthropic, whole, 8, &r, &taken);
	assert_int_equal(taken, 7);
	assert_string_equal(r.text, "work");
	assert_true(r.usage.input == 15 && r.usage.cache_read == 10 && r.usage.output == 7);
	for (size_t cut = 0; cut < 6; cut++) {
		feed(&wire_anthropic, whole, cut, &r, &taken);
		assert_int_equal(r.status, WIRE_BROKEN);
	}
	assert_false(wire_anthropic.event(&s, "error", overloaded[0], strlen(overloaded[0])));
	assert_int_equal(s.status_code, 529);
	wire_stream_release(&s);
}

static const struct {
	int status;
	const char *body;
	enum wire_fault fault;
	unsigned lack;
} faults[] = {
	{ 401, "{\"error\":{\"message\":\"Incorrect API key provided: sk-s3cret\",\"code\":\"invalid_api_key\"}}", FAULT_KEY, 0 },
	{ 403, "", FAULT_KEY, 0 },
	{ 404, "{\"error\":{\"message\":\"The model `x` does not exist\",\"code\":\"model_not_found\"}}", FAULT_MODEL, 0 },
	{ 404, "{\"error\":\"model \\\"x\\\" not found, try pulling it first\"}", FAULT_MODEL, 0 },
	{ 429, "{\"error\":{\"message\":\"Rate limit reached\",\"type\":\"requests\",\"code\":\"rate_limit_exceeded\"}}", FAULT_AGAIN, 0 },
	{ 429, "{\"error\":{\"message\":\"You exceeded your current quota, please check your plan\",\"code\":\"insufficient_quota\"}}", FAULT_QUOTA, 0 },
	{ 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your credit balance is too low\"}}", FAULT_QUOTA, 0 },
	{ 500, "oops", FAULT_AGAIN, 0 }, { 502, "<html>bad gateway</html>", FAULT_AGAIN, 0 }, { 503, "", FAULT_AGAIN, 0 },
	{ 529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}", FAULT_AGAIN, 0 },
	{ 408, "", FAULT_AGAIN, 0 }, { 409, "", FAULT_AGAIN, 0 },
	{ 400, "{\"error\":{\"message\":\"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.\",\"code\":\"unsupported_parameter\",\"param\":\"max_tokens\"}}", FAULT_LACK, LACKS_MAX_TOKENS },
	{ 400, "{\"error\":{\"message\":\"Unsupported value: 'temperature' does not support 0 with this model.\",\"param\":\"temperature\",\"code\":\"unsupported_value\"}}", FAULT_LACK, LACKS_TEMPERATURE },
	{ 400, "{\"error\":{\"message\":\"logprobs are not supported\"}}", FAULT_LACK, LACKS_LOG_P },
	{ 500, "{\"error\":{\"message\":\"1 validation error:\\n  {'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), 'msg': \\\"Input should be 'text' or 'json_object'\\\"}\"}}", FAULT_LACK, LACKS_SCHEMA },
	{ 400, "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Output blocked by content filtering policy\"}}", FAULT_REFUSED, 0 },
	{ 400, "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"`temperature` is deprecated for this model.\"}}", FAULT_LACK, LACKS_TEMPERATURE },
	{ 400, "{\"error\":{\"message\":\"Unrecognized request argument supplied: seed\"}}", FAULT_LACK, LACKS_SEED },
	{ 422, "{\"detail\":\"Extra inputs are not permitted: response_format\"}", FAULT_LACK, LACKS_SCHEMA },
	{ 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"output_config: Extra inputs are not permitted\"}}", FAULT_LACK, LACKS_SCHEMA },
	{ 400, "{\"message\":\"unknown field `seed`\"}", FAULT_LACK, LACKS_SEED },
	{ 400, "{\"error\":{\"message\":\"Unrecognized request argument supplied: stream_options\"}}", FAULT_LACK, LACKS_USAGE },
	{ 400, "{\"error\":{\"message\":\"'system' role is not supported by this template\"}}", FAULT_LACK, LACKS_SYSTEM },
	{ 400, "{\"error\":{\"message\":\"This model's maximum context length is 8192 tokens\",\"code\":\"context_length_exceeded\"}}", FAULT_LONG, 0 },
	{ 400, "{\"type\":\"error\",\"error\":{\"message\":\"prompt is too long: 210000 tokens > 200000 maximum\"}}", FAULT_LONG, 0 },
	{ 400, "{\"error\":{\"code\":\"content_filter\",\"message\":\"The response was filtered\"}}", FAULT_REFUSED, 0 },
	{ 400, "{\"error\":{\"message\":\"max_tokens is too large: 100000\"}}", FAULT_REQUEST, 0 },
	{ 400, "{\"error\":[1]}", FAULT_REQUEST, 0 }, { 400, "", FAULT_REQUEST, 0 }, { 301, "", FAULT_REQUEST, 0 },
};

static void faults_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		struct wire_error e;

		wire_openai.error(faults[i].status, faults[i].body, strlen(faults[i].body), &arena, &e);
		if (e.fault != faults[i].fault || (e.fault == FAULT_LACK && (unsigned)e.lack != faults[i].lack))
			fail_msg("%d %s: fault %d, lack %u", faults[i].status, faults[i].body, (int)e.fault, (unsigned)e.lack);
		assert_non_null(e.message);
		assert_null(strstr(e.message, "s3cret"));
	}
}

static void models_are_listed(void **state)
{
	static const char body[] = "{\"object\":\"list\",\"data\":[{\"id\":\"a\"},{\"no\":1},{\"id\":\"b\"}]}";
	const char *const *names;

	(void)state;
	assert_int_equal(wire_openai.models(body, strlen(body), &arena, &names), 2);
	assert_string_equal(names[1], "b");
	assert_int_equal(wire_anthropic.models("[]", 2, &arena, &names), 0);
}

static void every_lack_has_its_sentence(void **state)
{
	const char *before = "";

	(void)state;
	for (unsigned i = 0; i < WIRE_LACKS; i++) {
		struct buf b = { 0 };

		wire_lack_notice("openai:x", (enum wire_lack)(1u << i), &b);
		if (1u << i == LACKS_ECHO) {
			assert_int_equal(b.n, 0);
			continue;
		}
		assert_non_null(strstr(buf_text(&b), "openai:x"));
		assert_string_not_equal(buf_text(&b), before);
		before = arena_string(&arena, buf_text(&b));
		buf_release(&b);
	}
}

static int begin(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(openai_requests),
		cmocka_unit_test(anthropic_requests),
		cmocka_unit_test(text_that_is_cut_inside_a_character_is_sent),
		cmocka_unit_test(replies_are_read),
		cmocka_unit_test(what_a_server_did_not_stop_at_is_cut),
		cmocka_unit_test(usage_has_one_meaning),
		cmocka_unit_test(choices_are_scored_by_first_tokens),
		cmocka_unit_test(choices_that_begin_alike_are_not_scored),
		cmocka_unit_test(openai_streams),
		cmocka_unit_test(anthropic_streams),
		cmocka_unit_test(faults_are_told_apart),
		cmocka_unit_test(models_are_listed),
		cmocka_unit_test(choices_are_scored_by_all_of_their_tokens),
		cmocka_unit_test(tokens_are_asked_for_and_read),
		cmocka_unit_test(every_lack_has_its_sentence),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
