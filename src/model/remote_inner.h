/* remote_inner.h - what is shared by those who ask over HTTP: remote, remote_ask, remote_echo, remote_fetch, batch, job. Private to src/model. */
#ifndef RUNG_MODEL_REMOTE_INNER_H
#define RUNG_MODEL_REMOTE_INNER_H

#include "base/rng.h"
#include "http/client.h"
#include "model/endpoint.h"
#include "model/engine.h"
#include "model/pace.h"
#include "model/wire.h"

/* The engine of a struct models. */
struct remote {
	const struct model_settings *settings;
	struct client *client; /* NULL until somebody is asked */
	struct rng rng;        /* of jitter */
	struct remote_model *models;
};

struct remote_model {
	struct remote *remote;
	char *name;            /* as the user wrote it */
	struct endpoint endpoint;
	unsigned lacks;        /* bits of wire_lack that were learnt */
	unsigned known;        /* bits of enum model_want that were answered: what it lacks for them is learnt */
	bool unanswered;       /* the last request of remote_fetch() went out, and no whole answer came: it may have been heard */
	struct echo_label *labels;  /* whose tokens are known (remote_echo.c) */
	struct arena label_arena;
	bool echoes;           /* it scored labels by their tokens */
	bool told_apart;       /* a first token did tell labels apart, */
	size_t told_nothing;   /* and so many did not before one did */
	struct pace pace;
	struct remote_model *next;
};

/* The URL behind the endpoint's base; the caller's buffer. */
void remote_url(const struct remote_model *m, const char *path, struct buf *url);
/* The headers of a request to the model's endpoint. The key is read from the environment now; false and a sentence naming the variable that
 * has to be set. type: of the body; NULL: there is none. remote_headers_forget() in any case: it wipes the key. */
struct remote_headers {
	const char *lines[3]; /* (n) */
	size_t n;
	struct buf key, type;
};
bool remote_headers(const struct remote_model *m, const char *type, struct remote_headers *out, struct error *err);
void remote_headers_forget(struct remote_headers *h);
/* One request that is no question to the model, sent until it is answered: for as long as one that is asked would be tried. False and a
 * sentence for all but 2xx, error_again() but for what is not there (404). type: of the body, NULL: there is none. */
bool remote_fetch(struct remote_model *m, const char *method, const char *path, const char *type, const struct buf *body, struct buf *out,
		  struct error *err);
/* A file, sent as browsers send one; appends the id that it got. */
bool remote_upload(struct remote_model *m, const char *path, const char *purpose, const struct buf *lines, struct buf *file,
		   struct error *err);
/* Appends the member "id" of the JSON object that the server said. */
bool remote_id(const struct remote_model *m, const struct buf *body, const char *path, struct buf *id, struct error *err);
/* What a good response says, as a reply to the request. */
struct model_reply remote_reply(const struct wire_reply *w, struct arena *arena);
/* A lack that is learnt, said once. */
void remote_learn(struct remote_model *m, enum wire_lack lack);
/* After a 401 or 403: sets the sentence, which names the variable. Returns false. */
bool remote_refused_key(const struct remote_model *m, int status, struct error *err);
/* After a model was not found: sets the sentence, with the names that the endpoint lists. Returns false. */
bool remote_unknown_model(struct remote_model *m, const char *message, struct error *err);

/* A request whose labels are scored by all of their tokens, in steps (remote_echo.c). */
enum echo_step { ECHO_NO, ECHO_LABEL, ECHO_PROMPT, ECHO_SCORES };
struct echo {
	enum echo_step step;     /* that was sent last */
	bool whole;              /* the first token did not tell the labels apart */
	const char *label;       /* whose tokens were asked for */
	struct wire_ids prompt;
	double *scores;          /* (n_choices), the first `scored` of which are there */
	size_t scored;
	struct wire_usage usage; /* of all steps, and their time */
	double ms;
};
/* Writes the step that is next; ECHO_NO, and nothing written: the labels are asked for in the usual way. */
enum echo_step echo_write(const struct remote_model *m, struct echo *e, const struct model_request *r, struct arena *arena, struct buf *url,
			  struct buf *body);
/* Takes a good response to that step; false: it is none. *usage: of a step that scored. */
bool echo_read(struct remote_model *m, struct echo *e, const struct model_request *r, const struct http_response *response,
	       struct arena *arena, struct wire_usage *usage);
/* Whether that is still to be found out for this request's labels; whether all that is known speaks for it. */
bool echo_undecided(const struct remote_model *m, const struct model_request *r);
bool echo_offered(const struct remote_model *m);

bool remote_ask(void *model, struct arena *arena, const struct model_request *requests, size_t n, struct model_reply *replies,
		const struct model_watch *watch, struct error *err);

/* The model as this engine has it; NULL: it is not asked over HTTP. */
struct remote_model *remote_of(struct model *m);

/* model_batch_send() and its fellows. */
bool remote_batch_send(struct remote_model *m, const struct model_request *requests, const char *const *ids, size_t n, struct buf *name,
		       bool *unnamed, struct error *err);
bool remote_batch_look(struct remote_model *m, const char *name, struct arena *arena, struct model_batch *out, struct error *err);
bool remote_batch_results(struct remote_model *m, const char *name, struct arena *arena, const struct model_results *to, struct error *err);

#endif
