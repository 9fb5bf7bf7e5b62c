/* fault.h - the parts of the fault server: what stands in for hosted providers in tests, and fails on demand.
 *
 * One thread, plain sockets: most of the faults are broken HTTP, which no HTTP library will send. CONTRIBUTING.md says how tests use it;
 * fault_server.c lists the options. Bodies follow OpenAI's and Anthropic's API references, as their own Python packages read them. */
#ifndef RUNG_TESTS_FAULT_H
#define RUNG_TESTS_FAULT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum form { FORM_OPENAI, FORM_ANTHROPIC };

/* In the order of the table in fault_faults.c. */
enum fault {
	FAULT_HANG_BEFORE_HEADERS, FAULT_HANG_BEFORE_FIRST, FAULT_STALL, FAULT_CUT, FAULT_BAD_CHUNK, FAULT_WRONG_JSON, FAULT_WRONG_FORM,
	FAULT_401, FAULT_403, FAULT_404_MODEL, FAULT_408, FAULT_409, FAULT_429, FAULT_429_AFTER, FAULT_429_QUOTA, FAULT_500, FAULT_503,
	FAULT_529, FAULT_CONTENT_FILTER_400, FAULT_NO_LOGPROBS, FAULT_NO_SCHEMA, FAULT_NO_SEED, FAULT_NO_TEMPERATURE,
	FAULT_MAX_COMPLETION_TOKENS, FAULT_TOO_LONG, FAULT_EMPTY_CHOICES, FAULT_NULL_CONTENT, FAULT_LENGTH, FAULT_CONTENT_FILTER, FAULT_REFUSAL, FAULT_HUGE,
	FAULT_LATIN1, FAULT_NO_USAGE, FAULT_SLOW, FAULT_RIGHT, FAULT_EXPIRED, FAULT_JOB_FAILED, FAULT_REFUSED, FAULT_ECHO,
	FAULT_TOKENS, FAULT_LLAMA_SERVER, FAULTS,
};

struct request {
	char method[8], path[512], query[512]; /* "" where there is none */
	char key[256], type[256];              /* of Authorization or x-api-key; of Content-Type */
	bool anthropic, closes, continues;     /* headers: anthropic-version, Connection: close, Expect: 100-continue */
	const char *body;                      /* (n) */
	size_t n;
	enum form form;
	json_t *root;      /* NULL: the body is no JSON object */
	const char *model; /* "" where none is named */
	uint64_t hash;     /* of path and body */
	uint64_t faults;   /* 1 << enum fault: what is to happen to it */
	long ms, right;    /* of FAULT_SLOW and FAULT_RIGHT */
};
static inline bool is_faulty(const struct request *q, enum fault f)
{
	return q->faults >> f & 1;
}

/* What an answer costs; a line of --log once its last byte was handed to the kernel. */
struct bill {
	bool due;
	char model[128];
	uint64_t hash;
	size_t input, output;
};

enum reply_end { END_KEEP, END_CLOSE, END_HANG };

struct reply {
	int status;          /* 0 is 200 */
	const char *type;    /* NULL: application/json */
	const char *header;  /* one more, "Name: value\r\n"; NULL: none */
	struct buf body;
	bool events;         /* the body is server-sent events, sent in chunks */
	double delay_ms;
	struct bill bill;
	bool quiet;          /* /control: not counted */
};

/* --- fault_message.c: bytes to requests, replies to bytes ------------------------------------------------------------ */

enum read_result { READ_MORE, READ_DONE, READ_BAD };
/* *taken: the bytes of the request; where the head is there but not the body, q->continues is set. q->body borrows. */
enum read_result request_read(const char *bytes, size_t n, struct request *q, size_t *taken);
void reply_encode(const struct request *q, const struct reply *r, struct buf *out, enum reply_end *end);

/* --- fault_http.c: connections --------------------------------------------------------------------------------------- */

int http_listen(int port); /* the port; ends the process where it cannot */
/* Until `seconds` have passed, or requests_max requests were answered (0: no limit). */
void http_run(double seconds, size_t requests_max);
int http_port(void);
void http_refuse(double ms); /* no listener, and no other connection than this request's, for a time */
void http_open(void);        /* before that time */

/* --- fault_serve.c: who answers what --------------------------------------------------------------------------------- */

struct options {
	bool need_key;
	double right;     /* share of rows that are answered rightly */
	size_t polls;     /* after which a batch or a job has ended */
	size_t cache_min; /* tokens of a prefix that a cache takes */
	int log;          /* -1: none */
};
extern struct options options;

void serve(struct request *q, struct reply *r);
void serve_finished(const struct bill *b); /* the last byte has gone */
void serve_in_flight(int change);
void bill_write(const struct bill *b);
/* One request of a batch: as serve() would answer it at that path. */
void serve_inner(enum form form, const char *path, json_t *body, struct reply *r, uint64_t *faults);

/* --- fault_faults.c -------------------------------------------------------------------------------------------------- */

/* Sets q->faults from the model's name and what /control asked for. False, and a reply, where a name is none. */
bool fault_find(struct request *q, struct reply *r);
/* The reply of a fault that is an error response; false: there is none. */
bool fault_error(const struct request *q, struct reply *r);
void fault_control(const json_t *root, struct reply *r);
json_t *fault_counts(void);
void fault_reset(void);
/* An error in the words and form of the vendor; param and code may be NULL. */
void error_reply(const struct request *q, struct reply *r, int status, const char *type, const char *param, const char *code,
		 const char *format, ...) __attribute__((format(printf, 7, 8)));
void error_key(const struct request *q, struct reply *r);

/* --- fault_table.c: numbers by 64-bit hashes, and small things all parts need ------------------------------------------ */

struct table {
	struct table_slot *slots;
	size_t n, capacity;
};
size_t *table_at(struct table *t, uint64_t key); /* 0 at first; valid until the next call */
void table_clear(struct table *t);
void add_quoted(struct buf *out, const char *text, size_t n); /* as a JSON string */
size_t tokens_of(size_t bytes);
size_t next_id(void);
const char *text_of(const json_t *object, const char *key); /* "" where there is none */
void add_json(struct buf *out, json_t *value);              /* and lets go of it */
/* The value of a query's parameter, in out; "" where there is none. */
const char *query_value(const struct request *q, const char *name, char *out, size_t n);

/* --- fault_answer.c, fault_schema.c: what is answered ------------------------------------------------------------------ */

/* What both forms ask for. */
struct prompt {
	struct buf last;       /* the last user turn */
	size_t bytes, n_shared; /* of all texts; of those that many requests begin with */
	uint64_t shared;       /* their hash */
	bool marked;           /* Anthropic's cache_control was there */
	const json_t *schema, *stops;
	const char *effort;
	long max_tokens;       /* 0: none said */
	bool stream, stream_usage, log_p;
	size_t candidates;
};
void prompt_read(const struct request *q, struct prompt *p);

struct answer {
	struct buf text;
	const char *finish;  /* "stop", "length", "content_filter" */
	const char *stopped; /* the stop sequence it was cut at; NULL */
	bool refused;
	size_t input, output, reasoning, cache_read, cache_written;
};
void answers_load(const char *path); /* ends the process with a sentence where it cannot */
void answer_make(const struct request *q, const struct prompt *p, struct answer *a);
/* The log-probabilities of the words of the text, as OpenAI's "content" list. */
void answer_log_p(const struct request *q, const struct prompt *p, const struct answer *a, struct buf *out);
/* What is answered to a last user turn of that text. */
const char *answer_text(const struct request *q, const char *text, size_t n);
/* A JSON text that keeps to the schema and says the answer where it can. */
void schema_answer(const json_t *schema, const char *answer, struct buf *out);

/* --- the endpoints; id: what stands in the path in place of {} --------------------------------------------------------- */

void openai_chat(const struct request *q, const char *id, struct reply *r);
void completions(const struct request *q, const char *id, struct reply *r);
void tokenize(const struct request *q, const char *id, struct reply *r);
void openai_embeddings(const struct request *q, const char *id, struct reply *r);
void rerank(const struct request *q, const char *id, struct reply *r);
void models_list(const struct request *q, const char *id, struct reply *r);
void models_get(const struct request *q, const char *id, struct reply *r);
void anthropic_messages(const struct request *q, const char *id, struct reply *r);

#endif
