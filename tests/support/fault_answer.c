/* fault_answer.c - what is asked, in both forms; what is answered: by rows of a file, the same for the same request. */
#include <math.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "fault.h"

enum { KEY = 8, BUCKET_BITS = 14, BUCKETS = 1 << BUCKET_BITS, CHARACTERS_A_TOKEN = 4, HUGE_BYTES = 10 << 20, CANDIDATES = 20 };

/* A row answers messages that hold its match. Rows are found by the first KEY bytes of it: a message is looked up byte by byte, however
 * many rows there are. */
struct row {
	const char *match, *answer, *wrong;
	size_t n, next; /* next in its bucket + 1 */
};
static struct row *rows;
static size_t n_rows, buckets[BUCKETS], n_short; /* rows shorter than KEY are tried one by one */
static size_t *short_rows;
static const char *labels[CANDIDATES]; /* the first distinct answers */
static size_t n_labels;
static struct table prefixes;

/* One multiplication (Knuth's): it is asked at every byte. */
static size_t bucket_of(const char *key)
{
	uint64_t bytes;

	memcpy(&bytes, key, KEY);
	return (size_t)(bytes * 0x9E3779B97F4A7C15u >> (64 - BUCKET_BITS));
}

static void add_label(const char *text)
{
	for (size_t i = 0; i < n_labels; i++)
		if (strcmp(labels[i], text) == 0)
			return;
	if (n_labels < CANDIDATES)
		labels[n_labels++] = text;
}

static void add_row(const json_t *line)
{
	struct row *r = &rows[n_rows];

	*r = (struct row){ .match = mem_string(text_of(line, "match")), .answer = mem_string(text_of(line, "answer")),
			   .wrong = mem_string(text_of(line, "wrong")) };
	r->n = strlen(r->match);
	if (r->n < KEY) {
		short_rows[n_short++] = n_rows++;
		return;
	}
	r->next = buckets[bucket_of(r->match)];
	buckets[bucket_of(r->match)] = ++n_rows;
}

void answers_load(const char *path)
{
	struct error err;
	size_t n, number = 1, n_lines = 1;
	char *text = file_read(path, (size_t)1 << 30, &n, &err);

	if (!text) {
		fprintf(stderr, "fault_server: %s\n", err.text);
		exit(1);
	}
	for (size_t i = 0; i < n; i++)
		n_lines += text[i] == '\n';
	rows = mem_zero(n_lines, sizeof(*rows));
	short_rows = mem_zero(n_lines, sizeof(*short_rows));
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n', number++) {
		json_t *root = json_loadb(line, strcspn(line, "\n"), 0, NULL);

		if (!*text_of(root, "match") || !json_is_string(json_object_get(root, "answer"))) {
			fprintf(stderr, "fault_server: %s:%zu: is no {\"match\": TEXT, \"answer\": TEXT, \"wrong\": TEXT}\n", path, number);
			exit(1);
		}
		add_row(root);
		json_decref(root);
	}
	for (size_t i = 0; i < n_rows; i++) {
		add_label(rows[i].answer);
		if (*rows[i].wrong)
			add_label(rows[i].wrong);
	}
	free(text);
}

/* The first row that matches. */
static const struct row *find_row(const char *text, size_t n)
{
	size_t best = n_rows;

	for (size_t i = 0; i < n_short && short_rows[i] < best; i++)
		if (memmem(text, n, rows[short_rows[i]].match, rows[short_rows[i]].n))
			best = short_rows[i];
	for (size_t at = 0; n_rows > n_short && at + KEY <= n; at++)
		for (size_t i = buckets[bucket_of(text + at)]; i > 0; i = rows[i - 1].next)
			if (i - 1 < best && rows[i - 1].n <= n - at && memcmp(text + at, rows[i - 1].match, rows[i - 1].n) == 0)
				best = i - 1;
	return best < n_rows ? &rows[best] : NULL;
}

/* Uniform on [0, 1), the same for the same text and model. What stands behind a + is no part of the model's name. */
static double share_of(const struct request *q, const char *text, size_t n)
{
	uint64_t h = hash64(text, n, hash64(q->model, strcspn(q->model, "+"), 0));

	return (double)(h >> 11) / 9007199254740992.0;
}

/* A tuned model errs half as often as its base. */
static bool is_right(const struct request *q, const struct row *r)
{
	double right = is_faulty(q, FAULT_RIGHT) ? (double)q->right / 100 : options.right;

	if (strncmp(q->model, "ft:", 3) == 0)
		right = (1 + right) / 2;
	return share_of(q, r->match, r->n) < right;
}

/* --- what is asked ---------------------------------------------------------------------------------------------------- */

static void add_text(struct prompt *p, const char *text, size_t n)
{
	p->bytes += n;
	p->shared = p->marked ? p->shared : hash64(text, n, p->shared);
	buf_add(&p->last, text, n);
}

/* A text, or a list of parts; a part with a cache mark ends what is shared. */
static void add_content(struct prompt *p, const json_t *content, bool marks)
{
	const json_t *part;
	size_t i;

	if (json_is_string(content))
		add_text(p, json_string_value(content), json_string_length(content));
	json_array_foreach(content, i, part) {
		const json_t *text = json_object_get(part, "text");

		add_text(p, json_string_value(text), json_string_length(text));
		if (marks && json_object_get(part, "cache_control")) {
			p->marked = true;
			p->n_shared = p->bytes;
		}
	}
}

static void read_limits(const struct request *q, struct prompt *p)
{
	const json_t *root = q->root, *limit = json_object_get(root, "max_completion_tokens");
	const json_t *output = json_object_get(root, "output_config");
	const json_t *format = q->form == FORM_OPENAI ? json_object_get(json_object_get(root, "response_format"), "json_schema") :
							 json_object_get(output, "format");

	p->max_tokens = (long)json_integer_value(limit ? limit : json_object_get(root, "max_tokens"));
	p->schema = json_object_get(format, "schema");
	p->stops = json_object_get(root, q->form == FORM_OPENAI ? "stop" : "stop_sequences");
	p->effort = q->form == FORM_OPENAI ? text_of(root, "reasoning_effort") : text_of(output, "effort");
	p->stream = json_is_true(json_object_get(root, "stream"));
	p->stream_usage = json_is_true(json_object_get(json_object_get(root, "stream_options"), "include_usage"));
	p->log_p = json_is_true(json_object_get(root, "logprobs"));
	p->candidates = (size_t)json_integer_value(json_object_get(root, "top_logprobs"));
}

void prompt_read(const struct request *q, struct prompt *p)
{
	const json_t *turns = json_object_get(q->root, "messages"), *turn;
	bool marks = q->form == FORM_ANTHROPIC;
	size_t i;

	*p = (struct prompt){ .shared = hash64(q->model, strlen(q->model), 0) };
	add_content(p, json_object_get(q->root, "system"), marks);
	json_array_foreach(turns, i, turn) {
		if (!marks && i + 1 == json_array_size(turns)) { /* OpenAI caches by itself what requests begin with */
			p->marked = true;
			p->n_shared = p->bytes;
		}
		if (strcmp(text_of(turn, "role"), "user") == 0)
			buf_clear(&p->last);
		add_content(p, json_object_get(turn, "content"), marks);
	}
	read_limits(q, p);
}

/* --- what is answered ------------------------------------------------------------------------------------------------- */

/* No longer than n, and no character cut. */
static size_t cut_at(const char *text, size_t length, size_t n)
{
	if (n >= length)
		return length;
	while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
		n--;
	return n;
}

static void cut_at_stops(const struct prompt *p, struct answer *a)
{
	const json_t *stop;
	size_t n = json_is_string(p->stops) ? 1 : json_array_size(p->stops), least = a->text.n;

	for (size_t i = 0; i < n; i++) {
		stop = json_is_string(p->stops) ? p->stops : json_array_get(p->stops, i);
		const char *text = json_string_value(stop), *at = text && *text ? strstr(buf_text(&a->text), text) : NULL;

		if (at && (size_t)(at - a->text.data) < least) {
			least = (size_t)(at - a->text.data);
			a->stopped = text;
		}
	}
	a->text.n = least;
}

static size_t word_length(const char *text)
{
	size_t space = strspn(text, " \n");

	return space + strcspn(text + space, " \n");
}

/* With log-probabilities a token is a word, so that labels are told apart by their first. */
static void cut_at_limit(const struct prompt *p, struct answer *a)
{
	size_t left = (size_t)p->max_tokens > a->reasoning ? (size_t)p->max_tokens - a->reasoning : 0, n = 0;

	if (p->max_tokens <= 0)
		return;
	for (size_t i = 0; p->log_p && i < left && n < a->text.n; i++)
		n += word_length(a->text.data + n);
	n = p->log_p ? n : cut_at(buf_text(&a->text), a->text.n, left * CHARACTERS_A_TOKEN);
	if (n < a->text.n || left == 0 || (p->log_p && left == 1)) {
		a->finish = "length";
		a->stopped = NULL;
		a->text.n = n;
	}
}

static size_t reasoning_of(const char *effort)
{
	static const struct { const char *effort; size_t tokens; } efforts[] = { { "minimal", 4 }, { "low", 16 }, { "medium", 64 },
										 { "high", 256 } };

	for (size_t i = 0; i < sizeof(efforts) / sizeof(*efforts); i++)
		if (strcmp(effort, efforts[i].effort) == 0)
			return efforts[i].tokens;
	return 0;
}

static void count_cached(const struct request *q, const struct prompt *p, struct answer *a)
{
	size_t shared = tokens_of(p->n_shared), *seen;

	a->input = tokens_of(p->bytes);
	if (!p->marked || shared < options.cache_min || p->n_shared == 0)
		return;
	seen = table_at(&prefixes, p->shared);
	if (++*seen > 1)
		a->cache_read = shared;
	else if (q->form == FORM_ANTHROPIC)
		a->cache_written = shared;
}

static void make_faulty(const struct request *q, struct answer *a)
{
	if (is_faulty(q, FAULT_NULL_CONTENT) || is_faulty(q, FAULT_EMPTY_CHOICES)) {
		buf_clear(&a->text);
		a->finish = "stop";
	}
	if (is_faulty(q, FAULT_LENGTH)) {
		a->finish = "length";
		a->text.n = cut_at(buf_text(&a->text), a->text.n, a->text.n / 2);
	}
	if (is_faulty(q, FAULT_CONTENT_FILTER))
		a->finish = "content_filter";
	if (is_faulty(q, FAULT_REFUSAL)) {
		a->refused = true;
		buf_clear(&a->text);
		buf_adds(&a->text, "I'm sorry, but I can't help with that.");
	}
	while (is_faulty(q, FAULT_HUGE) && a->text.n < HUGE_BYTES)
		buf_adds(&a->text, " and so on, and so on, and so on");
	if (is_faulty(q, FAULT_LATIN1))
		buf_adds(&a->text, " caf\xe9");
}

const char *answer_text(const struct request *q, const char *text, size_t n)
{
	const struct row *row = find_row(text, n);

	return !row ? "ok" : is_right(q, row) ? row->answer : row->wrong;
}

void answer_make(const struct request *q, const struct prompt *p, struct answer *a)
{
	const char *text = answer_text(q, buf_text(&p->last), p->last.n);

	*a = (struct answer){ .finish = "stop", .reasoning = reasoning_of(p->effort) };
	if (p->schema)
		schema_answer(p->schema, text, &a->text);
	else
		buf_adds(&a->text, text);
	cut_at_stops(p, a);
	cut_at_limit(p, a);
	make_faulty(q, a);
	if (a->text.data)
		a->text.data[a->text.n] = '\0';
	a->output = tokens_of(a->text.n) + a->reasoning;
	count_cached(q, p, a);
}

/* --- log-probabilities -------------------------------------------------------------------------------------------------- */

static void add_candidate(struct buf *out, const char *token, size_t n, double p)
{
	buf_adds(out, "{\"token\":");
	add_quoted(out, token, n);
	buf_addf(out, ",\"logprob\":%.6f,\"bytes\":[", log(p));
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%s%u", i ? "," : "", (unsigned char)token[i]);
	buf_adds(out, "]");
}

/* The word itself, then what else might have stood there: the other labels' first words, less and less likely. */
static void add_word(struct buf *out, const char *word, size_t n, double p, size_t candidates)
{
	static const char *const usual[] = { "yes", "no", "The", "It", "I" };
	size_t n_others = n_labels ? n_labels : sizeof(usual) / sizeof(*usual), added = 1;
	double left = 1 - p;

	add_candidate(out, word, n, p);
	buf_adds(out, ",\"top_logprobs\":[");
	if (candidates > 0) {
		add_candidate(out, word, n, p);
		buf_addc(out, '}');
	}
	for (size_t i = 0; i < n_others && added < candidates; i++) {
		const char *other = n_labels ? labels[i] : usual[i];
		size_t length = word_length(other);

		if (length == 0 || (length == n && memcmp(other, word, n) == 0))
			continue;
		left *= .6;
		buf_addc(out, ',');
		add_candidate(out, other, length, left * .66);
		buf_addc(out, '}');
		added++;
	}
	buf_adds(out, "]}");
}

void answer_log_p(const struct request *q, const struct prompt *p, const struct answer *a, struct buf *out)
{
	double share = share_of(q, buf_text(&p->last), p->last.n);
	const struct row *row = find_row(buf_text(&p->last), p->last.n);
	double first = row && !is_right(q, row) ? .35 + .45 * share : .55 + .44 * share; /* wrong answers are less sure */

	for (size_t at = 0, n; at < a->text.n; at += n) {
		n = word_length(a->text.data + at);
		if (at > 0)
			buf_addc(out, ',');
		add_word(out, a->text.data + at, n, at == 0 ? first : .99, p->candidates);
	}
}
