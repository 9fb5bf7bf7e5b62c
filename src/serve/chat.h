/* chat.h - OpenAI's chat completions as a server has them: requests read, replies, streams and errors written. Pure.
 *
 * Sources: OpenAI's API reference (chat completions, streaming, errors). What we add stands under names that begin with "rung::". */
#ifndef RUNG_SERVE_CHAT_H
#define RUNG_SERVE_CHAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "model/model.h"

struct json_t;

struct chat_fault {
	int status;              /* HTTP */
	const char *type, *code; /* "invalid_request_error", "model_not_found"; code NULL: none */
	const char *param;       /* the member that is wrong; NULL */
	const char *message;     /* one sentence */
};
void chat_write_fault(const struct chat_fault *f, struct buf *out);
/* A request that is none: fills it in, and returns false. */
bool chat_wrong(struct chat_fault *fault, const char *param, const char *message);

/* For who writes other forms. A text as JSON; NULL is null. What a model said, or a sentence that quotes an input, need not be UTF-8. */
struct json_t *chat_text(const char *text);
void chat_add_json(struct buf *out, struct json_t *root); /* compact; takes root */

struct chat_request {
	const char *model;
	const char *input;  /* the text of the last user message */
	const char *subject; /* whom it is about: metadata.subject, else user; NULL: it does not say */
	bool stream, include_usage;
	bool responses;      /* it is answered in the form of responses (responses.h) */
	const char *body;    /* (n_body) as chat completions have it; borrowed */
	size_t n_body;
};
/* metadata.subject, else user, of a body's root; NULL: neither is a text. Lives in arena. */
const char *chat_subject(const struct json_t *root, struct arena *arena);
/* What the body says; texts live in arena. False: *fault is what to reply. */
bool chat_read(const char *body, size_t n, struct arena *arena, struct chat_request *out, struct chat_fault *fault);

/* The same body, which chat_read() took, as a model of this machine is asked: messages, sampling (greedy where no temperature is given),
 * max_tokens (1,024), stop, response_format of type json_schema. */
bool chat_read_prompt(const char *body, size_t n, struct arena *arena, struct model_request *out, struct chat_fault *fault);

struct chat_reply {
	const char *id;      /* "chatcmpl-UUID" */
	const char *model;   /* as it was asked for */
	uint64_t created;    /* seconds since 1970 */
	const char *text;    /* NULL: a refusal, or nothing that could be read */
	const char *finish;  /* "stop", "length", "content_filter" */
	size_t input_tokens, output_tokens;
	const char *task, *variant, *verdict, *status; /* "rung::task", ...; task NULL: a model was asked as it is */
	const char *citations; /* JSON; NULL */
	double probability;    /* "rung::confidence"; NAN: not known */
	double usd;            /* "rung::cost"; NAN: not known */
	bool cached;           /* "rung::cached" */
};
void chat_write(const struct chat_reply *r, struct buf *out);
/* What we add to a reply, under "rung::". */
void chat_add_extras(struct json_t *root, const struct chat_reply *r);
/* The same as a whole stream of events. */
void chat_write_events(const struct chat_reply *r, bool include_usage, struct buf *out);

/* A stream that comes about: pieces of its text, the first with the role, then its end, which has what we add. r->text is not looked at. */
void chat_write_piece(const struct chat_reply *r, const char *text, bool first, bool include_usage, struct buf *out);
void chat_write_end(const struct chat_reply *r, bool include_usage, struct buf *out);

/* A list of models; ids (n). */
void chat_write_models(const char *const *ids, size_t n, uint64_t created, struct buf *out);

#endif
