/* gateway_feedback.c - what people say of an answer that went out */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "serve/gateway_inner.h"

enum { NAME_MOST = 64 };

static bool wrong(struct chat_fault *fault, const char *param, const char *message)
{
	*fault = (struct chat_fault){ 400, "invalid_request_error", NULL, param, message };
	return false;
}

/* One of the three ways of saying it. */
static bool read_value(const json_t *root, struct arena *arena, struct served_feedback *f, struct chat_fault *fault)
{
	const json_t *value = json_object_get(root, "value"), *comment = json_object_get(root, "comment");
	const json_t *demonstration = json_object_get(root, "demonstration"), *text = comment ? comment : demonstration;

	f->value = NAN;
	if ((value != NULL) + (comment != NULL) + (demonstration != NULL) != 1)
		return wrong(fault, NULL, "give one of value (true, false, or a number from 0 to 1), comment, and demonstration (the right output)");
	if (text) {
		if (!json_is_string(text))
			return wrong(fault, comment ? "comment" : "demonstration", "it has to be a text");
		f->kind = comment ? "comment" : "demonstration";
		f->text = arena_copy(arena, json_string_value(text), json_string_length(text));
		return true;
	}
	f->kind = json_is_boolean(value) ? "boolean" : "float";
	f->value = json_is_boolean(value) ? json_is_true(value) : json_number_value(value);
	if (!json_is_boolean(value) && !(json_is_number(value) && f->value >= 0 && f->value <= 1))
		return wrong(fault, "value", "value has to be true, false, or a number from 0 to 1");
	return true;
}

static bool read_feedback(const char *body, size_t n, struct arena *arena, struct served_feedback *f, struct chat_fault *fault)
{
	json_t *root = json_loadb(body, n, JSON_REJECT_DUPLICATES, NULL);
	const char *id = json_string_value(json_object_get(root, "id")), *name = json_string_value(json_object_get(root, "name"));
	bool good;

	if (!json_is_object(root))
		good = wrong(fault, NULL, "the body has to be a JSON object");
	else if (!id)
		good = wrong(fault, "id", "id has to be the id of a reply");
	else if (json_object_get(root, "name") && (!name || !*name || strlen(name) > NAME_MOST))
		good = wrong(fault, "name", "name has to be a text of 1 to 64 bytes");
	else
		good = read_value(root, arena, f, fault);
	if (good) {
		f->call = arena_string(arena, strncmp(id, "chatcmpl-", ID_PREFIX) == 0 ? id + ID_PREFIX : id);
		f->name = name ? arena_string(arena, name) : f->kind;
		f->at_ms = uuid_now_ms();
	}
	json_decref(root);
	return good;
}

bool gateway_say(struct gateway *g, const struct account *whose, const char *said, size_t n, struct arena *arena, struct chat_fault *fault)
{
	static const struct chat_fault none_kept = { 404, "invalid_request_error", "no_journal", NULL,
						     "this server keeps no calls, so that none can be spoken of" };
	static const struct chat_fault unknown = { 404, "invalid_request_error", "not_found", "id", "there is no reply of that id here" };
	static const struct chat_fault full = { 503, "server_error", "overloaded", NULL, "it cannot be written down now; send it again in a moment" };
	struct served_feedback f = { 0 };
	const struct key *key = whose ? account_key(whose) : NULL;
	const char *tenant = key && !(key->scopes & KEY_ADMIN) ? key->tenant : NULL;

	if (!read_feedback(said, n, arena, &f, fault))
		return false;
	if (!g->journal || !journal_knows(g->journal, f.call, tenant))
		*fault = g->journal ? unknown : none_kept;
	else if (!journal_feedback(g->journal, &f))
		*fault = full;
	else
		return true;
	return false;
}

void gateway_feedback(struct gateway *g, struct exchange *x, struct account *whose)
{
	struct chat_fault fault;
	struct buf body = { 0 };
	size_t n;
	const char *said = exchange_body(x, &n);

	if (!gateway_say(g, whose, said, n, exchange_arena(x), &fault)) {
		reply_fault(x, &fault);
	} else {
		buf_adds(&body, "{\"object\":\"feedback\",\"accepted\":true}");
		reply_json(x, 202, &body);
	}
}
