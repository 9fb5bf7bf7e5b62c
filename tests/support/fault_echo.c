/* fault_echo.c - /tokenize and the echo of /v1/completions as vLLM has them; what SGLang and llama.cpp's server have in their place.
 *
 * A token is a byte. A conversation is "<|ROLE|>\nTEXT\n" for each turn, and "<|assistant|>\n". Behind it each byte that the answer to the
 * last user turn has there is likely (-.125), as long as all before it were; any other has -2 - byte / 256. */
#include "fault.h"

enum { MODEL_LENGTH = 131072 };
static const char user[] = "<|user|>\n", assistant[] = "<|assistant|>\n";
static const double likely = -.125, elsewhere = -1.5;

static void no_endpoint(const struct request *q, struct reply *r)
{
	error_reply(q, r, 404, "invalid_request_error", NULL, NULL, "Not Found");
}

static void add_conversation(const json_t *turns, struct buf *out)
{
	const json_t *turn;
	size_t i;

	json_array_foreach(turns, i, turn)
		buf_addf(out, "<|%s|>\n%s\n", text_of(turn, "role"), text_of(turn, "content"));
	buf_adds(out, assistant);
}

void tokenize(const struct request *q, const char *id, struct reply *r)
{
	const json_t *turns = json_object_get(q->root, "messages"), *prompt = json_object_get(q->root, "prompt");
	struct buf text = { 0 };

	(void)id;
	if (is_faulty(q, FAULT_LLAMA_SERVER)) { /* it reads "content", which is not there */
		buf_adds(&r->body, "{\"tokens\":[]}");
		return;
	}
	if (!is_faulty(q, FAULT_ECHO) && !is_faulty(q, FAULT_TOKENS)) {
		no_endpoint(q, r);
		return;
	}
	if (!json_is_string(prompt) && (!turns || is_faulty(q, FAULT_TOKENS))) {
		error_reply(q, r, 400, "BadRequestError", NULL, NULL, "1 validation error: {'type': 'missing', 'loc': ('body', 'prompt'), "
			    "'msg': 'Field required'}");
		return;
	}
	if (turns)
		add_conversation(turns, &text);
	else
		buf_add(&text, json_string_value(prompt), json_string_length(prompt));
	buf_addf(&r->body, "{\"count\":%zu,\"max_model_len\":%d,\"tokens\":[", text.n, MODEL_LENGTH);
	for (size_t i = 0; i < text.n; i++)
		buf_addf(&r->body, "%s%u", i ? "," : "", (unsigned char)text.data[i]);
	buf_adds(&r->body, "],\"token_strs\":null}");
	buf_release(&text);
}

/* --- completions ------------------------------------------------------------------------------------------------------ */

/* The bytes of a prompt; false: it is no list of them. */
static bool read_prompt(const json_t *ids, struct buf *text)
{
	const json_t *token;
	size_t i;

	json_array_foreach(ids, i, token) {
		json_int_t value = json_integer_value(token);

		if (!json_is_integer(token) || value < 0 || value > 255)
			return false;
		buf_addc(text, (char)value);
	}
	return json_array_size(ids) > 0;
}

/* Where the reply begins: behind the last mark; 0: nowhere. */
static size_t reply_at(const struct buf *text)
{
	size_t n = sizeof(assistant) - 1;

	for (size_t i = text->n; i >= n; i--)
		if (memcmp(text->data + i - n, assistant, n) == 0)
			return i;
	return 0;
}

static const char *answer_of(const struct request *q, const struct buf *text, size_t reply)
{
	const char *turn = NULL;

	for (const char *at = buf_text(text); (at = strstr(at, user)) && at < text->data + reply; at += sizeof(user) - 1)
		turn = at + sizeof(user) - 1;
	return turn ? answer_text(q, turn, (size_t)(text->data + reply - turn)) : "";
}

static void add_token(struct buf *out, unsigned char c)
{
	char hex[8];

	snprintf(hex, sizeof(hex), c < 0x80 ? "%c" : "<%02X>", c);
	add_quoted(out, hex, strlen(hex));
}

/* One list of the log-probabilities: of each token of the prompt but the first, and one that was made. */
static void add_list(struct buf *out, const char *name, const struct buf *text, const double *log_p, char kind)
{
	buf_addf(out, "%s\"%s\":[", kind == 'o' ? "" : ",", name);
	for (size_t i = 0; i <= text->n; i++) {
		unsigned char c = i < text->n ? (unsigned char)text->data[i] : '.';

		buf_adds(out, i ? "," : "");
		if (kind == 'o')
			buf_addf(out, "%zu", i);
		else if (kind == 't')
			add_token(out, c);
		else if (i == 0)
			buf_adds(out, "null");
		else if (kind == 'p')
			buf_addf(out, "%.17g", log_p[i]);
		else {
			buf_addc(out, '{');
			add_token(out, c);
			buf_addf(out, ":%.17g}", log_p[i]);
		}
	}
	buf_addc(out, ']');
}

static void add_choice(const struct request *q, size_t index, const struct buf *text, struct buf *out)
{
	size_t reply = reply_at(text);
	const char *answer = answer_of(q, text, reply);
	double *log_p = calloc(text->n + 1, sizeof(*log_p));
	bool as_answered = reply > 0;

	for (size_t i = 0; i <= text->n; i++) {
		unsigned char c = i < text->n ? (unsigned char)text->data[i] : '.';

		as_answered = as_answered && (i < reply || (i - reply < strlen(answer) && (unsigned char)answer[i - reply] == c));
		log_p[i] = i < reply ? elsewhere : as_answered ? likely : -2 - c / 256.;
	}
	buf_addf(out, "%s{\"index\":%zu,\"text\":", index ? "," : "", index);
	add_quoted(out, buf_text(text), text->n);
	buf_adds(out, ",\"logprobs\":{");
	add_list(out, "text_offset", text, log_p, 'o');
	add_list(out, "token_logprobs", text, log_p, 'p');
	add_list(out, "tokens", text, log_p, 't');
	add_list(out, "top_logprobs", text, log_p, 'd');
	buf_adds(out, "},\"finish_reason\":\"length\",\"stop_reason\":null}");
	free(log_p);
}

static void echo(const struct request *q, const json_t *prompts, struct reply *r)
{
	const json_t *prompt;
	size_t i, tokens = 0, n = json_array_size(prompts);

	buf_addf(&r->body, "{\"id\":\"cmpl-%016zx\",\"object\":\"text_completion\",\"created\":%lld,\"model\":", next_id(), (long long)time(NULL));
	add_quoted(&r->body, q->model, strlen(q->model));
	buf_adds(&r->body, ",\"choices\":[");
	json_array_foreach(prompts, i, prompt) {
		struct buf text = { 0 };
		bool good = read_prompt(prompt, &text);

		if (good)
			add_choice(q, i, &text, &r->body);
		tokens += text.n;
		buf_release(&text);
		if (!good) {
			error_reply(q, r, 400, "BadRequestError", "prompt", NULL, "the prompts are no lists of tokens");
			return;
		}
	}
	buf_addf(&r->body, "],\"usage\":{\"prompt_tokens\":%zu,\"total_tokens\":%zu,\"completion_tokens\":%zu,\"prompt_tokens_details\":null}}", tokens,
		 tokens + n, n);
	r->bill = (struct bill){ .due = true, .hash = q->hash, .input = tokens, .output = n };
	snprintf(r->bill.model, sizeof(r->bill.model), "%s", q->model);
}

void completions(const struct request *q, const char *id, struct reply *r)
{
	const json_t *root = q->root;

	(void)id;
	if (is_faulty(q, FAULT_LLAMA_SERVER) && json_is_true(json_object_get(root, "echo")))
		error_reply(q, r, 500, "server_error", NULL, NULL, "Only no echo is supported");
	else if (!is_faulty(q, FAULT_ECHO))
		error_reply(q, r, 404, "invalid_request_error", "model", NULL, "This is a chat model and not supported in the v1/completions endpoint. "
			    "Did you mean to use v1/chat/completions?");
	else if (!json_is_true(json_object_get(root, "echo")) || !json_object_get(root, "logprobs") ||
		 json_integer_value(json_object_get(root, "max_tokens")) != 1)
		error_reply(q, r, 400, "BadRequestError", NULL, NULL, "the fault server has completions only with echo, logprobs and max_tokens 1");
	else
		echo(q, json_object_get(root, "prompt"), r);
}
