/* feedback.c - one of the ways of saying it, and no other */
#include "serve/feedback.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

enum { NAME_MOST = 64 };

const char *feedback_call(const char *id)
{
	static const char chat[] = "chatcmpl-", response[] = "resp_";

	if (strncmp(id, chat, sizeof(chat) - 1) == 0)
		return id + sizeof(chat) - 1;
	return strncmp(id, response, sizeof(response) - 1) == 0 ? id + sizeof(response) - 1 : id;
}

/* One of the three ways of saying it. */
static bool read_value(const json_t *root, struct arena *arena, struct served_feedback *f, struct chat_fault *fault)
{
	const json_t *value = json_object_get(root, "value"), *comment = json_object_get(root, "comment");
	const json_t *demonstration = json_object_get(root, "demonstration"), *text = comment ? comment : demonstration;

	f->value = NAN;
	if ((value != NULL) + (comment != NULL) + (demonstration != NULL) != 1)
		return chat_wrong(fault, NULL, "give one of value (true, false, or a number from 0 to 1), comment, and demonstration (the right output)");
	if (text) {
		if (!json_is_string(text))
			return chat_wrong(fault, comment ? "comment" : "demonstration", "it has to be a text");
		f->kind = comment ? "comment" : "demonstration";
		f->text = arena_copy(arena, json_string_value(text), json_string_length(text));
		return true;
	}
	f->kind = json_is_boolean(value) ? "boolean" : "float";
	f->value = json_is_boolean(value) ? json_is_true(value) : json_number_value(value);
	if (!json_is_boolean(value) && !(json_is_number(value) && f->value >= 0 && f->value <= 1))
		return chat_wrong(fault, "value", "value has to be true, false, or a number from 0 to 1");
	return true;
}

bool feedback_read(const char *body, size_t n, struct arena *arena, struct served_feedback *f, struct chat_fault *fault)
{
	json_t *root = json_loadb(body, n, JSON_REJECT_DUPLICATES, NULL);
	const char *id = json_string_value(json_object_get(root, "id")), *name = json_string_value(json_object_get(root, "name"));
	bool good;

	if (!json_is_object(root))
		good = chat_wrong(fault, NULL, "the body has to be a JSON object");
	else if (!id)
		good = chat_wrong(fault, "id", "id has to be the id of a reply");
	else if (json_object_get(root, "name") && (!name || !*name || strlen(name) > NAME_MOST))
		good = chat_wrong(fault, "name", "name has to be a text of 1 to 64 bytes");
	else
		good = read_value(root, arena, f, fault);
	if (good && id) { /* where it is good there is one */
		f->call = arena_string(arena, feedback_call(id));
		f->name = name ? arena_string(arena, name) : f->kind;
	}
	json_decref(root);
	return good;
}
