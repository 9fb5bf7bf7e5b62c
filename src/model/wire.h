/* wire.h - the forms in which providers are asked: OpenAI's chat completions and Anthropic's messages. Pure: JSON in, JSON out.
 *
 * A form is a row of functions; who sends them tries again as pace.h says. Sources: OpenAI's API reference (chat completions, streaming,
 * structured outputs, embeddings); Anthropic's API reference (messages, streaming, prompt caching, structured outputs, errors). Rerank is
 * as Cohere, Jina, vLLM and llama.cpp's server have it: {model, query, documents} to {results: [{index, relevance_score}, ...]}.
 *
 * WANT_SCORES asks OpenAI's form for the candidates of the first token: a choice's probability is that of the candidates that begin it,
 * or that it begins, in any case; one that no candidate fits gets the least candidate's, which it is below. Candidates that fit several
 * choices tell nothing apart: where they weigh more than a hundredth, there are no scores. Then all tokens of each choice are scored where
 * the server offers that (wire_echo_request()), else the label is written; as with Anthropic's form, which has no probabilities. */
#ifndef RUNG_MODEL_WIRE_H
#define RUNG_MODEL_WIRE_H

#include "base/buf.h"
#include "model/endpoint.h"
#include "model/model.h"

/* What a server was found not to take; each is left out, or written in another way, once a request came back because of it. What that
 * changes of what is measured is said (wire_lack_notice()). */
enum wire_lack {
	LACKS_MAX_TOKENS = 1 << 0,  /* takes max_completion_tokens instead (reasoning models) */
	LACKS_TEMPERATURE = 1 << 1, /* and the rest of sampling: what it samples by is its own */
	LACKS_SEED = 1 << 2,
	LACKS_SCHEMA = 1 << 3,      /* the schema stands in the prompt, beside a response_format of json_object with it, as older servers take it */
	LACKS_LOG_P = 1 << 4,       /* labels are written, not scored */
	LACKS_STOP = 1 << 5,        /* the text is cut after it came */
	LACKS_SYSTEM = 1 << 6,      /* the instruction stands in the first user turn */
	LACKS_USAGE = 1 << 7,       /* of a stream: stream_options */
	LACKS_JSON = 1 << 8,        /* that neither: the text is read as JSON */
	LACKS_ECHO = 1 << 9,        /* no tokens of labels and no echo; changes nothing by itself, and has no sentence */
	LACKS_APART = 1 << 10,      /* first tokens do not tell the labels apart, nor has it an echo: labels are written */
	LACKS_FIRST = 1 << 11,      /* they do not, but it has one: all tokens of labels are scored */
	LACKS_SCORES = LACKS_LOG_P | LACKS_APART,
	LACKS_KEPT = LACKS_APART - 1, /* what is the server's, whatever the labels are */
};
enum { WIRE_LACKS = 12, WIRE_CANDIDATES = 20 /* of the first token, at most */ };
/* A sentence for people: what the server of `model` does not take and what is done instead; nothing where that changes nothing. */
void wire_lack_notice(const char *model, enum wire_lack lack, struct buf *out);

/* Tokens as the vendor counts them, brought to one meaning. */
struct wire_usage {
	size_t input;       /* all of the prompt: also what was read from or written to a cache */
	size_t cache_read, cache_written; /* parts of it */
	size_t output;      /* all of the reply, reasoning included */
	size_t reasoning;   /* part of it */
	bool known;         /* false: the server did not say */
};

enum wire_status {
	WIRE_OK,
	WIRE_TRUNCATED, /* ended at the limit of tokens */
	WIRE_REFUSED,   /* refusal, or a content filter */
	WIRE_EMPTY,     /* no choice, no text: worth another try */
	WIRE_BROKEN,    /* not what the form promises: worth another try */
};

struct wire_reply {
	enum wire_status status;
	const char *text;      /* lives in arena; NULL: none */
	const double *scores;  /* (n_choices) WANT_SCORES: natural logs; NULL where none came, or they do not tell the choices apart */
	struct wire_usage usage;
	bool alike;            /* there are no scores although candidates came: they do not tell the choices apart */
	const char *why;       /* a clause where status is REFUSED, EMPTY or BROKEN */
};

/* What an error response means. */
enum wire_fault {
	FAULT_AGAIN,     /* 408, 409, 429, 5xx, 529: try again */
	FAULT_KEY,       /* 401, 403: stop, and name the variable */
	FAULT_MODEL,     /* 404, or a body that says so: stop, and list what there is */
	FAULT_LACK,      /* a field it does not take: `lack` says which */
	FAULT_LONG,      /* the prompt is longer than its context */
	FAULT_QUOTA,     /* 429 that no waiting heals: the account is out of money */
	FAULT_REFUSED,   /* a content filter before the model */
	FAULT_REQUEST,   /* anything else that another try will not mend */
};
struct wire_error {
	enum wire_fault fault;
	enum wire_lack lack;
	const char *message; /* the server's own, cut to a line; "" for FAULT_KEY, where it may quote the key; lives in arena */
};

/* A reply that comes in pieces. */
struct wire_stream;

/* How a batch stands. */
struct wire_batch_state {
	bool ended;
	const char *results[2]; /* paths behind the base where its results are, once it has ended; NULL: none */
	size_t done, failed;
	const char *why;        /* it failed as a whole, a clause; NULL: it did not */
};
/* One of its results. */
struct wire_batch_result {
	const char *id;
	int status;       /* as if it had been a response's; 0: it was not worked off (expired, cancelled) */
	const char *body; /* (n) */
	size_t n;
};
/* Many requests handed over at once. Sources: OpenAI's API reference (files, batches); Anthropic's (message batches). */
struct wire_batch {
	const char *path;        /* POST makes one, GET path/NAME says how it stands */
	const char *upload_path; /* its lines go there first, as a file, which the batch names; NULL: they stand in the batch itself */
	size_t most;             /* requests of one */
	/* One request under an id; lines are appended one after the other, the separator included. */
	void (*line)(const char *id, const char *body, struct buf *lines);
	/* The body that makes the batch, of its lines, or of the name of their file. */
	void (*make)(const char *of, struct buf *body);
	/* False: the body is none of a batch. What the state points at lives in arena. */
	bool (*state)(const char *body, size_t n, struct arena *arena, struct wire_batch_state *out);
	bool (*result)(const char *line, size_t n, struct arena *arena, struct wire_batch_result *out);
};

struct wire {
	const char *name;      /* "openai", "anthropic" */
	const char *ask_path;  /* behind the base: "/chat/completions" */
	const char *embed_path, *rerank_path; /* WANT_VECTORS and WANT_ORDER are asked there; NULL: it has none */
	const char *list_path; /* "/models" */
	const char *key_header; /* what the key stands behind: "Authorization: Bearer " */
	const char *header;     /* another that each request has; NULL: none */
	/* The body for a request; lacks: bits of wire_lack. Prompts are laid out with their shared part first; Anthropic's carries its cache
	 * marks there. stream: the reply is to come in pieces. */
	void (*request)(const struct model_request *r, const char *model, unsigned lacks, bool stream, struct buf *body);
	/* The reply to it out of a whole body. */
	void (*reply)(const struct model_request *r, const char *body, size_t n, struct arena *arena, struct wire_reply *out);
	/* One event of a stream: what it adds to the reply's text stands behind s->n_before. False: the stream is at its end, or broken
	 * (wire_stream_end() says which). */
	bool (*event)(struct wire_stream *s, const char *name, const char *data, size_t n);
	/* What a response that is not 2xx says. */
	void (*error)(int status, const char *body, size_t n, struct arena *arena, struct wire_error *out);
	/* The names in a list of models; live in arena. */
	size_t (*models)(const char *body, size_t n, struct arena *arena, const char *const **names);
	const struct wire_batch *batch;
};

struct wire_stream {
	struct buf text;          /* all so far */
	size_t n_before;          /* of it, before the last event */
	struct wire_usage usage;
	enum wire_status status;
	const char *why;          /* static */
	bool ended;               /* the form's own end was seen: [DONE], message_stop */
	bool finished;            /* a finish or stop reason was seen */
	int status_code;          /* an error event's, as if it had been the response's; 0: none */
	struct buf error;         /* its body */
};
/* Where such a request goes, behind the base. */
const char *wire_path(const struct wire *wire, enum model_want want);

void wire_stream_release(struct wire_stream *s);
/* The reply that a stream amounts to; one that broke off before its end is WIRE_BROKEN, whatever came. */
void wire_stream_end(const struct wire_stream *s, const struct model_request *r, struct arena *arena, struct wire_reply *out);

/* Choices scored by all of their tokens (wire_echo.c): bodies that ask for the tokens of a conversation, up to where the reply begins, and
 * of a label; and for the log-probabilities of the labels' (n) behind the prompt's. */
struct wire_ids {
	const int64_t *ids; /* (n) */
	size_t n;
};
void wire_echo_conversation(const struct model_request *r, const char *model, unsigned lacks, struct buf *body);
void wire_echo_label(const char *label, const char *model, struct buf *body);
bool wire_echo_tokens(const char *body, size_t n, struct arena *arena, struct wire_ids *out); /* false: the body holds none */
void wire_echo_request(const struct wire_ids *prompt, const struct wire_ids *const *labels, size_t n, const char *model, struct buf *body);
/* Their sums; scores (n). False: the body is no echo of these tokens. */
bool wire_echo_scores(const struct wire_ids *prompt, const struct wire_ids *const *labels, size_t n, const char *body, size_t n_body,
		      double *scores, struct wire_usage *usage);

/* The member "id" of a JSON object; NULL: it has none, or one that can be no part of a path. */
const char *wire_id(const char *body, size_t n, struct arena *arena);

extern const struct wire wire_openai, wire_anthropic;

#endif
