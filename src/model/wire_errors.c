/* wire_errors.c - what a response that is no reply says: which kind of fault, which field it does not take.
 *
 * Servers agree on little but the status: {"error": {message, type, code, param}} (OpenAI, vLLM, llama.cpp), {"error": "text"} (Ollama),
 * {"type": "error", "error": {type, message}} (Anthropic), {"message": ...} and {"detail": ...} (gateways). So words decide. */
#include <string.h>

#include "base/text.h"
#include "model/wire_inner.h"

enum { LINE = 300 };

struct said {
	const char *message, *code, *type, *param; /* "" where nothing was said */
};

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static struct said read_said(const json_t *root)
{
	const json_t *error = json_object_get(root, "error"), *inner = json_is_object(error) ? error : root;
	struct said s = { text_at(inner, "message"), text_at(inner, "code"), text_at(inner, "type"), text_at(inner, "param") };

	if (json_is_string(error))
		s.message = json_string_value(error);
	if (!*s.message)
		s.message = *text_at(root, "message") ? text_at(root, "message") : text_at(root, "detail");
	return s;
}

static bool has_any(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcasestr(text, *words))
			return true;
	return false;
}

/* The names that a field goes by: of `param` exactly, or in a message; common words only where they are quoted. */
static const struct {
	enum wire_lack lack;
	const char *param[4], *words[6];
} fields[] = {
	{ LACKS_USAGE, { "stream_options" }, { "stream_options" } },
	{ LACKS_MAX_TOKENS, { "max_tokens" }, { "max_completion_tokens", "max_tokens" } },
	{ LACKS_LOG_P, { "logprobs", "top_logprobs" }, { "logprobs" } },
	{ LACKS_SCHEMA, { "response_format", "output_config", "output_config.format" },
	  { "response_format", "json_schema", "output_config", "structured output" } },
	{ LACKS_TEMPERATURE, { "temperature", "top_p" }, { "temperature", "top_p" } },
	{ LACKS_SEED, { "seed" }, { "'seed'", "`seed`", "\"seed\"", "seed:", "supplied: seed" } },
	{ LACKS_STOP, { "stop", "stop_sequences" }, { "'stop'", "`stop`", "\"stop\"", "stop_sequences", "stop:" } },
	{ LACKS_SYSTEM, { "messages[0].role" }, { "'system'", "`system`", "\"system\"", "system role", "system message" } },
};

static bool finds_lack(const struct said *s, enum wire_lack *lack)
{
	static const char *const refusals[] = { "unsupported", "not support", "unknown", "unrecognized", "not permitted", "not allowed", "deprecated",
						"not available", "not enabled", "invalid schema", "unexpected", "not implemented", "input should be",
						"validation error", NULL };

	if (!has_any(s->message, refusals) && !has_any(s->code, refusals))
		return false;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		for (size_t k = 0; k < 4 && fields[i].param[k]; k++)
			if (strcmp(s->param, fields[i].param[k]) == 0) {
				*lack = fields[i].lack;
				return true;
			}
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (has_any(s->message, (const char *const[7]){ fields[i].words[0], fields[i].words[1], fields[i].words[2],
								fields[i].words[3], fields[i].words[4], fields[i].words[5] })) {
			*lack = fields[i].lack;
			return true;
		}
	return false;
}

static enum wire_fault fault_of(int status, const struct said *s, enum wire_lack *lack)
{
	static const char *const poor[] = { "insufficient_quota", "exceeded your current quota", "credit balance is too low", "billing", NULL };
	static const char *const lengthy[] = { "context_length_exceeded", "maximum context length", "prompt is too long", "context size",
					       "context window", NULL };
	static const char *const filtered[] = { "content_filter", "content_policy", "content management policy", "content filtering policy", NULL };
	bool ours = status >= 400 && status < 500 && status != 408 && status != 409 && status != 429;

	if ((ours || status == 429) && (has_any(s->code, poor) || has_any(s->type, poor) || has_any(s->message, poor)))
		return FAULT_QUOTA;
	if (status == 401 || status == 403)
		return FAULT_KEY;
	if (ours && (has_any(s->code, filtered) || has_any(s->message, filtered)))
		return FAULT_REFUSED;
	if (ours && (has_any(s->code, lengthy) || has_any(s->message, lengthy)))
		return FAULT_LONG;
	if ((ours || status == 500 || status == 501) && finds_lack(s, lack)) /* llama.cpp says 500 of a field it does not know */
		return FAULT_LACK;
	if (status == 404)
		return FAULT_MODEL;
	return ours || status < 400 ? FAULT_REQUEST : FAULT_AGAIN;
}

void wire_error_read(int status, const char *body, size_t n, struct arena *arena, struct wire_error *out)
{
	json_t *root = wire_json(body, n);
	struct said s = read_said(root);
	struct buf plain = { 0 };

	*out = (struct wire_error){ .message = "" };
	if (!root) { /* a proxy's page, or text */
		text_repair(&plain, body, n < LINE ? n : LINE);
		s.message = buf_text(&plain);
	}
	out->fault = fault_of(status, &s, &out->lack);
	size_t line = strcspn(s.message, "\r\n");

	if (out->fault != FAULT_KEY)
		out->message = arena_copy(arena, s.message, line < LINE ? line : LINE);
	buf_release(&plain);
	json_decref(root);
}
