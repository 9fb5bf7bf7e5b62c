/* fault_faults.c - which faults there are, in whose words, and which of them a request meets. */
#include <ctype.h>
#include <stdarg.h>

#include "base/hash.h"
#include "fault.h"

/* {model} is replaced. Rows without a status do not answer; what they do is where is_faulty() is asked for them. */
static const struct {
	const char *name;
	int status;
	struct { const char *message, *type, *param, *code; } openai;
	struct { int status; const char *message, *type; } anthropic;
	const char *header;
} faults[FAULTS] = {
	[FAULT_HANG_BEFORE_HEADERS] = { .name = "hang-before-headers" },
	[FAULT_HANG_BEFORE_FIRST] = { .name = "hang-before-first" },
	[FAULT_STALL] = { .name = "stall" },
	[FAULT_CUT] = { .name = "cut" },
	[FAULT_BAD_CHUNK] = { .name = "bad-chunk" },
	[FAULT_WRONG_JSON] = { .name = "wrong-json" },
	[FAULT_WRONG_FORM] = { .name = "wrong-form" },
	[FAULT_401] = { "401", 401, { .message = "" }, { .message = "" }, NULL }, /* error_key() has the words */
	[FAULT_403] = { "403", 403,
		{ "Project `proj_test` does not have access to model `{model}`", "invalid_request_error", NULL, "model_not_found" },
		{ 403, "Your API key does not have permission to use the specified resource.", "permission_error" }, NULL },
	[FAULT_404_MODEL] = { "404-model", 404,
		{ "The model `{model}` does not exist or you do not have access to it.", "invalid_request_error", NULL,
		  "model_not_found" },
		{ 404, "model: {model}", "not_found_error" }, NULL },
	[FAULT_408] = { "408", 408,
		{ "Request timed out.", "timeout", NULL, NULL },
		{ 408, "Request timed out.", "timeout_error" }, NULL },
	[FAULT_409] = { "409", 409,
		{ "The request conflicts with another one. Please try again.", "conflict_error", NULL, NULL },
		{ 409, "The request conflicts with another one. Please try again.", "invalid_request_error" }, NULL },
	[FAULT_429] = { "429", 429,
		{ "Rate limit reached for {model} in organization org-test on requests per min (RPM): Limit 500, Used 500, Requested 1. "
		  "Please try again in 120ms. Visit https://platform.openai.com/account/rate-limits to learn more.", "requests", NULL,
		  "rate_limit_exceeded" },
		{ 429, "This request would exceed your account's rate limit. Please try again later.", "rate_limit_error" }, NULL },
	[FAULT_429_AFTER] = { "429-after", 429,
		{ "Rate limit reached for {model} in organization org-test on tokens per min (TPM): Limit 30000, Used 30000, Requested "
		  "500. Please try again in 1s. Visit https://platform.openai.com/account/rate-limits to learn more.", "tokens", NULL,
		  "rate_limit_exceeded" },
		{ 429, "This request would exceed your organization's rate limit of 50 requests per minute. Please try again later.",
		  "rate_limit_error" }, "Retry-After: 1\r\n" },
	[FAULT_429_QUOTA] = { "429-quota", 429,
		{ "You exceeded your current quota, please check your plan and billing details. For more information on this error, "
		  "read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.", "insufficient_quota", NULL,
		  "insufficient_quota" },
		{ 400, "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase "
		  "credits.", "invalid_request_error" }, NULL },
	[FAULT_500] = { "500", 500,
		{ "The server had an error while processing your request. Sorry about that!", "server_error", NULL, NULL },
		{ 500, "Internal server error", "api_error" }, NULL },
	[FAULT_503] = { "503", 503,
		{ "The engine is currently overloaded, please try again later", "server_error", NULL, "engine_overloaded" },
		{ 503, "Service temporarily unavailable", "api_error" }, NULL },
	[FAULT_529] = { "529", 529,
		{ "Overloaded", "overloaded_error", NULL, NULL },
		{ 529, "Overloaded", "overloaded_error" }, NULL },
	[FAULT_CONTENT_FILTER_400] = { "content-filter-400", 400,
		{ "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your "
		  "prompt and retry. To learn more about our content filtering policies please read our documentation: "
		  "https://go.microsoft.com/fwlink/?linkid=2198766", NULL, "prompt", "content_filter" },
		{ 400, "Output blocked by content filtering policy", "invalid_request_error" }, NULL },
	[FAULT_NO_LOGPROBS] = { "no-logprobs", 400,
		{ "Unsupported parameter: 'logprobs' is not supported with this model.", "invalid_request_error", "logprobs",
		  "unsupported_parameter" },
		{ 400, "logprobs: Extra inputs are not permitted", "invalid_request_error" }, NULL },
	[FAULT_NO_SCHEMA] = { "no-schema", 400,
		{ "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model. Learn more about "
		  "supported models at the Structured Outputs guide: https://platform.openai.com/docs/guides/structured-outputs",
		  "invalid_request_error", NULL, NULL },
		{ 400, "output_config.format: Extra inputs are not permitted", "invalid_request_error" }, NULL },
	[FAULT_NO_SEED] = { "no-seed", 400,
		{ "Unknown parameter: 'seed'.", "invalid_request_error", "seed", "unknown_parameter" },
		{ 400, "seed: Extra inputs are not permitted", "invalid_request_error" }, NULL },
	[FAULT_NO_TEMPERATURE] = { "no-temperature", 400,
		{ "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
		  "invalid_request_error", "temperature", "unsupported_value" },
		{ 400, "`temperature` is deprecated for this model.", "invalid_request_error" }, NULL },
	[FAULT_MAX_COMPLETION_TOKENS] = { "max-completion-tokens", 400,
		{ "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
		  "invalid_request_error", "max_tokens", "unsupported_parameter" },
		{ 400, "max_tokens: Extra inputs are not permitted", "invalid_request_error" }, NULL },
	[FAULT_TOO_LONG] = { "too-long", 400,
		{ "This model's maximum context length is 1024 tokens, however you requested more (your prompt; 0 for the completion). Please "
		  "reduce your prompt; or completion length.", "invalid_request_error", NULL, "context_length_exceeded" },
		{ 400, "prompt is too long: 1025 tokens > 1024 maximum", "invalid_request_error" }, NULL },
	[FAULT_EMPTY_CHOICES] = { .name = "empty-choices" },
	[FAULT_NULL_CONTENT] = { .name = "null-content" },
	[FAULT_LENGTH] = { .name = "length" },
	[FAULT_CONTENT_FILTER] = { .name = "content-filter" },
	[FAULT_REFUSAL] = { .name = "refusal" },
	[FAULT_HUGE] = { .name = "huge" },
	[FAULT_LATIN1] = { .name = "latin1" },
	[FAULT_NO_USAGE] = { .name = "no-usage" },
	[FAULT_SLOW] = { .name = "slow" },               /* slow-MS */
	[FAULT_RIGHT] = { .name = "right" },             /* right-PERCENT in place of --right; no fault, but said in the same way */
	[FAULT_EXPIRED] = { .name = "expired" },         /* of a batch: it never comes to this request */
	[FAULT_JOB_FAILED] = { .name = "job-failed" },   /* of a fine-tuning job */
	[FAULT_REFUSED] = { .name = "refused" },         /* by /control alone */
	[FAULT_ECHO] = { .name = "echo" },               /* no fault: it has /tokenize and an echo of completions, as vLLM does */
	[FAULT_TOKENS] = { .name = "tokens" },           /* the tokens of texts alone, as SGLang */
	[FAULT_LLAMA_SERVER] = { .name = "llama-server" }, /* what llama.cpp's server says in their place */
};

/* A fault as it is asked for. */
struct wish {
	enum fault fault; /* FAULTS: none */
	long number;      /* of slow-MS and right-PERCENT */
	size_t times, of; /* how often each request meets it, 0: always; one of how many requests does, 0: each */
};

/* What /control asked for. */
static struct {
	bool on;
	struct wish wish;
	size_t after, n_seen;
	char path[64]; /* of requests to it alone; "": to any */
} ordered;

static size_t counts[FAULTS];
static struct table failed; /* how often by hash of fault and request */

/* The longest name that the text begins with. */
static enum fault find_name(const char *text, size_t *length)
{
	enum fault found = FAULTS;

	*length = 0;
	for (enum fault f = 0; f < FAULTS; f++) {
		size_t n = strlen(faults[f].name);

		if (strncmp(text, faults[f].name, n) == 0 && (text[n] == '\0' || text[n] == '-') && n > *length) {
			found = f;
			*length = n;
		}
	}
	return found;
}

/* A number that stands next, behind a '-'. */
static bool take_number(const char **at, size_t *n)
{
	char *end;

	if ((*at)[0] != '-' || !isdigit((unsigned char)(*at)[1]))
		return false;
	*n = strtoull(*at + 1, &end, 10);
	*at = end;
	return true;
}

/* NAME[-MS or -PERCENT][-once or -TIMES][-of-N] */
static struct wish parse(const char *text, size_t n)
{
	char copy[64];
	const char *at;
	size_t length, number = 0;
	struct wish w = { 0 };

	snprintf(copy, sizeof(copy), "%.*s", (int)n, text);
	w.fault = find_name(copy, &length);
	at = copy + length;
	if ((w.fault == FAULT_SLOW || w.fault == FAULT_RIGHT) && take_number(&at, &number))
		w.number = (long)number;
	if (strncmp(at, "-once", 5) == 0) {
		w.times = 1;
		at += 5;
	} else {
		take_number(&at, &w.times);
	}
	if (strncmp(at, "-of", 3) == 0) {
		at += 3;
		take_number(&at, &w.of);
	}
	if (*at)
		w.fault = FAULTS;
	return w;
}

enum { TEXT_MOST = 4096 }; /* bytes, where there is a limit */

/* One of the texts that are to be embedded; of other requests the whole. */
static bool is_too_long(const struct request *q)
{
	const json_t *input = json_object_get(q->root, "input"), *text;
	size_t i;

	json_array_foreach(input, i, text)
		if (json_string_length(text) > TEXT_MOST)
			return true;
	return !json_is_array(input) && q->n > TEXT_MOST;
}

/* Whether the request has what the fault is about; most are about any. */
static bool concerns(const struct request *q, enum fault f)
{
	const json_t *root = q->root;

	switch (f) {
	case FAULT_NO_LOGPROBS:
		return json_is_true(json_object_get(root, "logprobs")) || json_object_get(root, "top_logprobs");
	case FAULT_NO_SCHEMA:
		return strcmp(text_of(json_object_get(root, "response_format"), "type"), "json_schema") == 0 ||
		       json_object_get(json_object_get(root, "output_config"), "format");
	case FAULT_NO_SEED:
		return json_object_get(root, "seed");
	case FAULT_NO_TEMPERATURE:
		return json_object_get(root, "temperature") && !(json_number_value(json_object_get(root, "temperature")) == 1);
	case FAULT_MAX_COMPLETION_TOKENS:
		return q->form == FORM_OPENAI && json_object_get(root, "max_tokens");
	case FAULT_TOO_LONG:
		return is_too_long(q);
	default:
		return true;
	}
}

static void meet(struct request *q, const struct wish *w)
{
	uint64_t met = hash64(&w->fault, sizeof(w->fault), q->hash);

	if (!concerns(q, w->fault) || (w->of > 0 && met % w->of != 0))
		return;
	if (w->times > 0) {
		size_t *n = table_at(&failed, met);

		if (*n >= w->times)
			return;
		++*n;
	}
	q->faults |= (uint64_t)1 << w->fault;
	q->ms = w->fault == FAULT_SLOW ? w->number : q->ms;
	q->right = w->fault == FAULT_RIGHT ? w->number : q->right;
	counts[w->fault]++;
}

bool fault_find(struct request *q, struct reply *r)
{
	bool first = true;

	for (const char *at = q->model; *at; first = false) {
		size_t n = strcspn(at, "+"), prefix = strncmp(at, "fault-", 6) == 0 ? 6 : 0;

		if (!first || prefix) {
			struct wish w = parse(at + prefix, n - prefix);

			if (w.fault == FAULTS) {
				error_reply(q, r, 400, "invalid_request_error", "model", NULL, "the fault server knows no fault \"%.*s\"",
					    (int)n, at);
				return false;
			}
			meet(q, &w);
		}
		at += n + (at[n] == '+');
	}
	if (ordered.on && (!*ordered.path || strcmp(ordered.path, q->path) == 0) && ordered.n_seen++ >= ordered.after)
		meet(q, &ordered.wish);
	return true;
}

/* Not by jansson: the message may quote a path that is no UTF-8. */
static void add_member(struct buf *out, const char *key, const char *value)
{
	buf_addf(out, "\"%s\":", key);
	if (value)
		add_quoted(out, value, strlen(value));
	else
		buf_adds(out, "null");
}

void error_reply(const struct request *q, struct reply *r, int status, const char *type, const char *param, const char *code,
		 const char *format, ...)
{
	struct buf message = { 0 };
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (const char *at = text, *mark; *at; at = mark + (*mark ? 7 : 0)) {
		mark = strstr(at, "{model}") ? strstr(at, "{model}") : at + strlen(at);
		buf_add(&message, at, (size_t)(mark - at));
		if (*mark)
			buf_adds(&message, q->model);
	}
	buf_clear(&r->body);
	buf_adds(&r->body, q->form == FORM_ANTHROPIC ? "{\"type\":\"error\",\"error\":{" : "{\"error\":{");
	add_member(&r->body, "message", buf_text(&message));
	buf_addc(&r->body, ',');
	add_member(&r->body, "type", type);
	if (q->form == FORM_OPENAI) {
		buf_addc(&r->body, ',');
		add_member(&r->body, "param", param);
		buf_addc(&r->body, ',');
		add_member(&r->body, "code", code);
	}
	buf_adds(&r->body, q->form == FORM_ANTHROPIC ? "},\"request_id\":\"req_test\"}" : "}}");
	buf_release(&message);
	r->status = status;
	r->events = false;
	r->type = NULL;
	r->bill.due = false;
}

void error_key(const struct request *q, struct reply *r)
{
	size_t n = strlen(q->key);

	if (q->form == FORM_ANTHROPIC)
		error_reply(q, r, 401, "authentication_error", NULL, NULL, "%s", n ? "invalid x-api-key" : "x-api-key header is required");
	else if (n == 0)
		error_reply(q, r, 401, "invalid_request_error", NULL, NULL,
			    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
			    "(i.e. Authorization: Bearer YOUR_KEY).");
	else
		error_reply(q, r, 401, "invalid_request_error", NULL, "invalid_api_key",
			    "Incorrect API key provided: %.5s***%s. You can find your API key at "
			    "https://platform.openai.com/account/api-keys.",
			    q->key, n > 4 ? q->key + n - 4 : "");
}

bool fault_error(const struct request *q, struct reply *r)
{
	for (enum fault f = 0; f < FAULTS; f++) {
		if (!is_faulty(q, f) || !faults[f].status)
			continue;
		if (f == FAULT_401)
			error_key(q, r);
		else if (q->form == FORM_ANTHROPIC)
			error_reply(q, r, faults[f].anthropic.status, faults[f].anthropic.type, NULL, NULL, "%s",
				    faults[f].anthropic.message);
		else
			error_reply(q, r, faults[f].status, faults[f].openai.type, faults[f].openai.param, faults[f].openai.code, "%s",
				    faults[f].openai.message);
		r->header = faults[f].header;
		return true;
	}
	return false;
}

void fault_control(const json_t *root, struct reply *r)
{
	const char *name = text_of(root, "fault");
	struct wish w = parse(name, strlen(name));

	ordered.on = false;
	if (w.fault == FAULTS && (*name || !json_object_get(root, "fault"))) { /* "": no more of it */
		r->status = 400;
		add_json(&r->body, json_pack("{s:s, s:s}", "error", "the fault server knows no such fault", "fault", name));
		return;
	}
	if (json_object_get(root, "times"))
		w.times = (size_t)json_integer_value(json_object_get(root, "times"));
	if (w.fault == FAULT_REFUSED) {
		counts[w.fault]++;
		http_refuse(json_number_value(json_object_get(root, "ms")));
	} else if (w.fault != FAULTS) {
		ordered.on = true;
		ordered.wish = w;
		ordered.n_seen = 0;
		ordered.after = (size_t)json_integer_value(json_object_get(root, "after"));
		snprintf(ordered.path, sizeof(ordered.path), "%s", text_of(root, "path"));
	}
	buf_adds(&r->body, "{\"ok\":true}");
}

json_t *fault_counts(void)
{
	json_t *out = json_object();

	for (enum fault f = 0; f < FAULTS; f++)
		if (counts[f])
			json_object_set_new(out, faults[f].name, json_integer((json_int_t)counts[f]));
	return out;
}

void fault_reset(void)
{
	ordered.on = false;
	memset(counts, 0, sizeof(counts));
	table_clear(&failed);
}
