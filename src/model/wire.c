/* wire.c - turns, texts and streams: what is the same in both forms. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "model/wire_inner.h"

enum { TEXT_TOKENS = 64 };

void wire_lack_notice(const char *model, enum wire_lack lack, struct buf *out)
{
	static const char *const notices[WIRE_LACKS] = {
		"takes no max_tokens; max_completion_tokens is sent instead, which counts its reasoning too",
		"takes no temperature; it samples as it likes, so its answers may differ from run to run",
		"takes no seed; samples cannot be repeated",
		"takes no JSON Schema as OpenAI writes it; the schema stands in the prompt, and the reply may not keep to it",
		"gives no log-probabilities of tokens; labels are written, not scored, and cannot be calibrated",
		"takes no stop sequences; texts are cut after they came, and what stood behind is paid",
		"takes no system turn; the instruction stands before the first input",
		"does not count the tokens of streams; they are not priced",
		"does not promise JSON either; the reply is searched for it",
		NULL,
		"gives no first tokens that tell the labels apart; labels are written, not scored, and cannot be calibrated",
		"gives no first tokens that tell the labels apart; all tokens of each label are scored, by its echo, which reads the prompt once a label",
	};
	size_t i = 0;

	while (i + 1 < WIRE_LACKS && !(lack >> i & 1))
		i++;
	if (notices[i])
		buf_addf(out, "model \"%s\" %s", model, notices[i]);
}

json_t *wire_json(const char *body, size_t n)
{
	json_t *root = json_loadb(body, n, 0, NULL);
	struct buf repaired = { 0 };

	if (root)
		return root;
	text_repair(&repaired, body, n);
	root = json_loadb(buf_text(&repaired), repaired.n, 0, NULL);
	buf_release(&repaired);
	return root;
}

const char *wire_path(const struct wire *wire, enum model_want want)
{
	return want == WANT_VECTORS ? wire->embed_path : want == WANT_ORDER ? wire->rerank_path : wire->ask_path;
}

size_t wire_count(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (size_t)n : 0;
}

static json_t *turn(const char *role, const char *before, const char *text, const char *behind)
{
	struct buf content = { 0 };
	json_t *made;

	buf_adds(&content, before);
	text_repair(&content, text, strlen(text)); /* what models wrote may be cut inside a character */
	buf_adds(&content, behind);
	made = json_pack("{s:s, s:s}", "role", role, "content", buf_text(&content));
	buf_release(&content);
	return made;
}

json_t *wire_turns(const struct model_request *r, unsigned lacks)
{
	static const char *const roles[] = { "system", "user", "assistant" };
	struct buf schema = { 0 }, instruction = { 0 };
	json_t *turns = json_array();

	if (r->want == WANT_JSON && lacks & LACKS_SCHEMA)
		buf_addf(&schema, "\n\nReply with JSON alone, which satisfies this JSON Schema:\n%s", r->schema);
	for (size_t i = 0; i < r->n_messages; i++) {
		const struct message *m = &r->messages[i];
		bool last = i + 1 == r->n_messages;

		if (m->role == MESSAGE_SYSTEM && lacks & LACKS_SYSTEM) {
			buf_addf(&instruction, "%s\n\n", m->text);
			continue;
		}
		json_array_append_new(turns, turn(roles[m->role], m->role == MESSAGE_USER ? buf_text(&instruction) : "", m->text,
						  last ? buf_text(&schema) : ""));
		if (m->role == MESSAGE_USER)
			buf_clear(&instruction);
	}
	buf_release(&schema);
	buf_release(&instruction);
	return turns;
}

/* No token is shorter than a byte. */
size_t wire_tokens(const struct model_request *r)
{
	size_t longest = 0;

	if (r->want != WANT_SCORES)
		return r->max_tokens ? r->max_tokens : TEXT_TOKENS;
	for (size_t i = 0; i < r->n_choices; i++)
		longest = strlen(r->choices[i]) > longest ? strlen(r->choices[i]) : longest;
	return longest + 4;
}

json_t *wire_stops(const struct model_request *r)
{
	json_t *stops = r->n_stop ? json_array() : NULL;

	for (size_t i = 0; i < r->n_stop; i++)
		json_array_append_new(stops, json_string(r->stop[i]));
	return stops;
}

void wire_dump(json_t *root, struct buf *body)
{
	char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));

	buf_adds(body, text);
	free(text);
	json_decref(root);
}

/* From the first brace or bracket to the last: models put fences and words around. */
static const char *json_part(const char *text, struct arena *arena)
{
	const char *begin = strpbrk(text, "{["), *end = begin ? strrchr(begin, *begin == '{' ? '}' : ']') : NULL;

	return end ? arena_copy(arena, begin, (size_t)(end - begin) + 1) : arena_string(arena, text);
}

const char *wire_text(const struct model_request *r, const char *text, struct arena *arena)
{
	size_t n = strlen(text);

	if (r->want == WANT_JSON)
		return json_part(text, arena);
	for (size_t i = 0; i < r->n_stop; i++) {
		const char *stop = strstr(text, r->stop[i]);

		n = stop && (size_t)(stop - text) < n ? (size_t)(stop - text) : n;
	}
	return arena_copy(arena, text, n);
}

/* Whether one begins the other. */
static bool fits(const char *token, const char *choice)
{
	size_t a = strlen(token), b = strlen(choice);

	return strncasecmp(token, choice, a < b ? a : b) == 0;
}

const double *wire_scores(const struct model_request *r, const json_t *candidates, struct arena *arena)
{
	double *p = arena_array(arena, r->n_choices, sizeof(*p)), least = 1, apart = 0, together = 0;

	for (size_t i = 0; i < json_array_size(candidates); i++) {
		const json_t *c = json_array_get(candidates, i), *log_p = json_object_get(c, "logprob");
		const char *token = json_string_value(json_object_get(c, "token"));
		size_t n = 0, which = 0;

		if (!token || !json_is_number(log_p))
			continue;
		double chance = exp(json_number_value(log_p));

		least = fmin(least, chance);
		token += strspn(token, " ");
		for (size_t k = 0; *token && k < r->n_choices; k++)
			if (fits(token, r->choices[k])) {
				which = k;
				n++;
			}
		if (n == 1)
			p[which] += chance;
		*(n == 1 ? &apart : &together) += n > 0 ? chance : 0;
	}
	if (!(apart > 0) || together > .01 * (apart + together))
		return NULL;
	for (size_t k = 0; k < r->n_choices; k++)
		p[k] = log(p[k] > 0 ? p[k] : fmax(least, 1e-300));
	return p;
}

size_t wire_models(const char *body, size_t n, struct arena *arena, const char *const **names)
{
	json_t *root = wire_json(body, n);
	const json_t *data = json_object_get(root, "data");
	const char **out = arena_array(arena, json_array_size(data) + 1, sizeof(*out));
	size_t found = 0;

	for (size_t i = 0; i < json_array_size(data); i++) {
		const char *id = json_string_value(json_object_get(json_array_get(data, i), "id"));

		if (id)
			out[found++] = arena_string(arena, id);
	}
	*names = out;
	json_decref(root);
	return found;
}

bool wire_is_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:.";

	return name && *name && strspn(name, allowed) == strlen(name) && !strstr(name, "..");
}

const char *wire_id(const char *body, size_t n, struct arena *arena)
{
	json_t *root = wire_json(body, n);
	const char *id = json_string_value(json_object_get(root, "id"));
	const char *copy = wire_is_name(id) ? arena_string(arena, id) : NULL;

	json_decref(root);
	return copy;
}

void wire_stream_release(struct wire_stream *s)
{
	buf_release(&s->text);
	buf_release(&s->error);
	*s = (struct wire_stream){ 0 };
}

void wire_stream_end(const struct wire_stream *s, const struct model_request *r, struct arena *arena, struct wire_reply *out)
{
	*out = (struct wire_reply){ .status = s->status, .usage = s->usage, .why = s->why };
	if (s->error.n > 0 || !(s->ended || s->finished)) {
		out->status = WIRE_BROKEN;
		out->why = s->error.n > 0 ? "the server broke its stream off with an error" : "the stream ended before the reply did";
	} else if (s->status == WIRE_OK && s->text.n == 0 && !s->finished) {
		out->status = WIRE_EMPTY;
		out->why = "the stream held no text";
	} else {
		out->text = wire_text(r, buf_text(&s->text), arena);
	}
}
