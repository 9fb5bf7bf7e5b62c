/* fault_serve.c - which endpoint a request goes to, who may ask, what is counted and billed. */
#include <unistd.h>

#include "base/hash.h"
#include "fault.h"
#include "fault_state.h"

struct options options = { .right = 1, .polls = 2, .cache_min = 1024, .log = -1 };

static const struct route {
	const char *method, *path; /* {}: an id */
	void (*answer)(const struct request *q, const char *id, struct reply *r);
	bool is_asked; /* names a model and has a JSON body */
} routes[] = {
	{ "POST", "/v1/chat/completions", openai_chat, true },
	{ "POST", "/v1/messages", anthropic_messages, true },
	{ "POST", "/v1/completions", completions, true },
	{ "POST", "/tokenize", tokenize, true },
	{ "POST", "/v1/embeddings", openai_embeddings, true },
	{ "POST", "/v1/rerank", rerank, true },
	{ "POST", "/v2/rerank", rerank, true },
	{ "GET", "/v1/models", models_list, false },
	{ "GET", "/v1/models/{}", models_get, false },
	{ "POST", "/v1/files", files_create, false },
	{ "GET", "/v1/files", files_list, false },
	{ "GET", "/v1/files/{}", files_get, false },
	{ "GET", "/v1/files/{}/content", files_content, false },
	{ "DELETE", "/v1/files/{}", files_delete, false },
	{ "POST", "/v1/batches", openai_batches_create, false },
	{ "GET", "/v1/batches", openai_batches_list, false },
	{ "GET", "/v1/batches/{}", openai_batches_get, false },
	{ "POST", "/v1/batches/{}/cancel", openai_batches_cancel, false },
	{ "POST", "/v1/fine_tuning/jobs", jobs_create, true },
	{ "GET", "/v1/fine_tuning/jobs", jobs_list, false },
	{ "GET", "/v1/fine_tuning/jobs/{}", jobs_get, false },
	{ "GET", "/v1/fine_tuning/jobs/{}/events", jobs_events, false },
	{ "GET", "/v1/fine_tuning/jobs/{}/checkpoints", jobs_checkpoints, false },
	{ "POST", "/v1/fine_tuning/jobs/{}/cancel", jobs_cancel, false },
	{ "POST", "/v1/messages/batches", anthropic_batches_create, false },
	{ "GET", "/v1/messages/batches", anthropic_batches_list, false },
	{ "GET", "/v1/messages/batches/{}", anthropic_batches_get, false },
	{ "GET", "/v1/messages/batches/{}/results", anthropic_batches_results, false },
	{ "POST", "/v1/messages/batches/{}/cancel", anthropic_batches_cancel, false },
	{ "DELETE", "/v1/messages/batches/{}", anthropic_batches_delete, false },
};
enum { ROUTES = sizeof(routes) / sizeof(*routes), MODEL_MOST = 120 };

static struct {
	size_t requests, paid, in_flight, most_in_flight, by_route[ROUTES], elsewhere;
} counts;

/* Whether the path is of that form; copies what stands for {}. */
static bool fits(const char *form, const char *path, char *id, size_t id_size)
{
	const char *hole = strstr(form, "{}");
	size_t before = hole ? (size_t)(hole - form) : strlen(form);

	*id = '\0';
	if (strncmp(form, path, before) != 0)
		return false;
	if (!hole)
		return path[before] == '\0';
	size_t n = strcspn(path + before, "/");

	snprintf(id, id_size, "%.*s", (int)n, path + before);
	return n > 0 && strcmp(hole + 2, path + before + n) == 0;
}

static const struct route *find_route(const char *method, const char *path, char *id, size_t id_size)
{
	for (size_t i = 0; i < ROUTES; i++)
		if (strcmp(routes[i].method, method) == 0 && fits(routes[i].path, path, id, id_size))
			return &routes[i];
	return NULL;
}

static void tell_counts(struct reply *r)
{
	json_t *paths = json_object();

	for (size_t i = 0; i < ROUTES; i++)
		if (counts.by_route[i]) {
			char name[128];

			snprintf(name, sizeof(name), "%s %s", routes[i].method, routes[i].path);
			json_object_set_new(paths, name, json_integer((json_int_t)counts.by_route[i]));
		}
	if (counts.elsewhere)
		json_object_set_new(paths, "elsewhere", json_integer((json_int_t)counts.elsewhere));
	add_json(&r->body, json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "requests", (json_int_t)counts.requests, "paid",
				     (json_int_t)counts.paid, "in_flight", (json_int_t)counts.in_flight, "most_in_flight",
				     (json_int_t)counts.most_in_flight, "by_path", paths, "by_fault", fault_counts()));
}

static void control(const struct request *q, struct reply *r)
{
	r->quiet = true;
	if (strcmp(q->method, "GET") == 0) {
		tell_counts(r);
	} else if (json_is_true(json_object_get(q->root, "reset"))) {
		size_t in_flight = counts.in_flight;

		memset(&counts, 0, sizeof(counts));
		counts.in_flight = counts.most_in_flight = in_flight;
		fault_reset();
		http_open();
		buf_adds(&r->body, "{\"ok\":true}");
	} else {
		fault_control(q->root, r);
	}
}

void serve_in_flight(int change)
{
	counts.in_flight = (size_t)((long)counts.in_flight + change);
	if (counts.in_flight > counts.most_in_flight)
		counts.most_in_flight = counts.in_flight;
}

/* One write a line: a kill in between leaves whole lines. */
void bill_write(const struct bill *b)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "%s\t%016llx\t%zu\t%zu\n", b->model, (unsigned long long)b->hash, b->input, b->output);

	counts.paid++;
	if (options.log >= 0 && write(options.log, line, (size_t)n) != n)
		fprintf(stderr, "fault_server: a line of the bill could not be written\n");
}

void serve_finished(const struct bill *b)
{
	bill_write(b);
}

/* A 200 that is no answer. */
static void spoil(const struct request *q, struct reply *r)
{
	static const char form[] = "{\"result\":{\"text\":\"ok\"},\"status\":\"done\"}";

	if (!is_faulty(q, FAULT_WRONG_JSON) && !is_faulty(q, FAULT_WRONG_FORM))
		return;
	buf_clear(&r->body);
	buf_addf(&r->body, "%s%.*s%s", r->events ? "data: " : "", is_faulty(q, FAULT_WRONG_JSON) ? 20 : 100, form, r->events ? "\n\n" : "");
	if (r->events && q->form == FORM_OPENAI)
		buf_adds(&r->body, "data: [DONE]\n\n");
}

/* Tuned models are there once their job has succeeded. */
static bool is_known(const struct request *q)
{
	size_t n = strcspn(q->model, "+");

	if (strncmp(q->model, "ft:", 3) != 0)
		return true;
	for (size_t i = 0; tuned_model(i); i++)
		if (strlen(tuned_model(i)) <= n && strncmp(tuned_model(i), q->model, strlen(tuned_model(i))) == 0)
			return true;
	return false;
}

static void answer_asked(struct request *q, const struct route *route, const char *id, struct reply *r)
{
	if (!q->root) {
		error_reply(q, r, 400, "invalid_request_error", NULL, NULL, "We could not parse the JSON body of your request.");
	} else if (!*q->model) {
		error_reply(q, r, 400, "invalid_request_error", NULL, NULL, "%s",
			    q->form == FORM_ANTHROPIC ? "model: Field required" : "you must provide a model parameter");
	} else if (strlen(q->model) > MODEL_MOST) {
		error_reply(q, r, 400, "invalid_request_error", "model", NULL, "the name of the model is too long");
	} else if (!is_known(q)) {
		error_reply(q, r, 404, "invalid_request_error", NULL, "model_not_found",
			    "The model `{model}` does not exist or you do not have access to it.");
	} else {
		route->answer(q, id, r);
		if (r->status == 0)
			spoil(q, r);
	}
}

static void answer(struct request *q, const struct route *route, const char *id, struct reply *r)
{
	if (options.need_key && strncmp(q->key, "sk-test", 7) != 0) {
		error_key(q, r);
		return;
	}
	if (!fault_find(q, r))
		return;
	r->delay_ms = is_faulty(q, FAULT_SLOW) ? (double)q->ms : 0;
	if (fault_error(q, r))
		return;
	if (!route)
		error_reply(q, r, 404, q->form == FORM_ANTHROPIC ? "not_found_error" : "invalid_request_error", NULL, "unknown_url",
			    "Invalid URL (%s %s)", q->method, q->path);
	else if (route->is_asked)
		answer_asked(q, route, id, r);
	else
		route->answer(q, id, r);
}

static void complete(struct request *q)
{
	const char *model;

	q->form = q->anthropic || strncmp(q->path, "/v1/messages", 12) == 0 ? FORM_ANTHROPIC : FORM_OPENAI;
	q->model = "";
	if (q->n > 0 && *q->body == '{')
		q->root = json_loadb(q->body, q->n, 0, NULL);
	model = text_of(q->root, "model");
	q->model = model;
	q->hash = hash64(q->body, q->n, hash64(q->path, strlen(q->path), 0));
}

void serve(struct request *q, struct reply *r)
{
	char id[512];
	const struct route *route = find_route(q->method, q->path, id, sizeof(id));

	complete(q);
	if (strcmp(q->path, "/control") == 0) {
		control(q, r);
		return;
	}
	counts.requests++;
	++*(route ? &counts.by_route[route - routes] : &counts.elsewhere);
	answer(q, route, id, r);
}

void serve_inner(enum form form, const char *path, json_t *body, struct reply *r, uint64_t *faults)
{
	char *text = json_dumps(body, JSON_COMPACT), id[512];
	struct request q = { .method = "POST", .body = text, .n = strlen(text), .form = form, .root = body,
			     .model = text_of(body, "model") };
	const struct route *route = find_route("POST", path, id, sizeof(id));

	snprintf(q.path, sizeof(q.path), "%s", path);
	q.hash = hash64(q.body, q.n, hash64(path, strlen(path), 0));
	if (fault_find(&q, r) && !fault_error(&q, r) && route)
		answer_asked(&q, route, id, r);
	*faults = q.faults;
	free(text);
}
