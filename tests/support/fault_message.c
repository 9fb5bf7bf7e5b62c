/* fault_message.c - HTTP/1.1 as bytes: requests read, replies written, also such as no server should write. */
#include <strings.h>

#include "base/text.h"
#include "fault.h"

enum { HEAD_MOST = 64 << 10 };

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" }, { 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" },
	{ 408, "Request Timeout" }, { 409, "Conflict" }, { 429, "Too Many Requests" }, { 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
	{ 529, "Overloaded" },
};

static bool copy(char *out, size_t size, const char *text, size_t n)
{
	size_t fits = n < size ? n : size - 1;

	memcpy(out, text, fits);
	out[fits] = '\0';
	return n < size;
}

/* What stands in JSON later must be text. */
static bool is_text(const char *text)
{
	size_t bad;

	return text_valid(text, strlen(text), &bad);
}

/* Where the path begins: a client that takes this server for its proxy names the host before it (RFC 9112, 3.2.2). */
static const char *path_of(const char *target, const char *end)
{
	static const char scheme[] = "http://";
	size_t n = sizeof(scheme) - 1;
	const char *slash = (size_t)(end - target) > n && memcmp(target, scheme, n) == 0 ? memchr(target + n, '/', (size_t)(end - target) - n) : NULL;

	return slash ? slash : target;
}

static bool read_line(const char *line, size_t n, struct request *q)
{
	const char *space = memchr(line, ' ', n), *end = space ? memchr(space + 1, ' ', n - (size_t)(space + 1 - line)) : NULL;
	const char *mark = end ? memchr(space, '?', (size_t)(end - space)) : NULL, *path_end = mark ? mark : end;
	const char *path = end ? path_of(space + 1, path_end) : NULL;

	return end && copy(q->method, sizeof(q->method), line, (size_t)(space - line)) &&
	       copy(q->path, sizeof(q->path), path, (size_t)(path_end - path)) &&
	       (!mark || copy(q->query, sizeof(q->query), mark + 1, (size_t)(end - mark - 1))) && is_text(q->path) && is_text(q->query);
}

/* The value where the line is that header's; *n its length. */
static const char *value_of(const char *line, size_t line_n, const char *name, size_t *n)
{
	size_t length = strlen(name);

	if (line_n <= length || line[length] != ':' || strncasecmp(line, name, length) != 0)
		return NULL;
	line += length + 1;
	line_n -= length + 1;
	while (line_n > 0 && *line == ' ') {
		line++;
		line_n--;
	}
	*n = line_n;
	return line;
}

/* False: a header this server cannot follow. */
static bool read_header(const char *line, size_t n, struct request *q)
{
	size_t v;
	const char *value;

	if ((value = value_of(line, n, "Content-Length", &v)))
		q->n = strtoull(value, NULL, 10);
	else if ((value = value_of(line, n, "Authorization", &v)) && v > 7)
		copy(q->key, sizeof(q->key), value + 7, v - 7);
	else if ((value = value_of(line, n, "x-api-key", &v)))
		copy(q->key, sizeof(q->key), value, v);
	else if ((value = value_of(line, n, "Content-Type", &v)))
		copy(q->type, sizeof(q->type), value, v);
	else if (value_of(line, n, "anthropic-version", &v))
		q->anthropic = true;
	else if ((value = value_of(line, n, "Connection", &v)))
		q->closes = v == 5 && strncasecmp(value, "close", 5) == 0;
	else if (value_of(line, n, "Expect", &v))
		q->continues = true;
	else if (value_of(line, n, "Transfer-Encoding", &v))
		return false;
	return true;
}

enum read_result request_read(const char *bytes, size_t n, struct request *q, size_t *taken)
{
	const char *head_end = n ? memmem(bytes, n, "\r\n\r\n", 4) : NULL, *line = bytes;

	*q = (struct request){ .model = "" };
	if (!head_end)
		return n > HEAD_MOST ? READ_BAD : READ_MORE;
	for (const char *end; line < head_end; line = end + 2) {
		end = memmem(line, (size_t)(head_end + 2 - line), "\r\n", 2);
		if (!(line == bytes ? read_line(line, (size_t)(end - line), q) : read_header(line, (size_t)(end - line), q)))
			return READ_BAD;
	}
	q->body = head_end + 4;
	*taken = (size_t)(q->body - bytes) + q->n;
	return *taken <= n ? READ_DONE : READ_MORE;
}

static const char *date_now(void)
{
	static char text[64];
	static time_t said;
	time_t now = time(NULL);
	struct tm tm;

	if (now != said) {
		gmtime_r(&now, &tm);
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		said = now;
	}
	return text;
}

static void add_head(const struct request *q, const struct reply *r, bool chunked, struct buf *out)
{
	int status = r->status ? r->status : 200;
	const char *reason = "Unknown", *type = r->events ? "text/event-stream; charset=utf-8" : r->type ? r->type : "application/json";

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].status == status)
			reason = reasons[i].reason;
	if (is_faulty(q, FAULT_LATIN1) && !r->events)
		type = "application/json; charset=ISO-8859-1";
	buf_addf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\n%s-id: req_%016zx\r\n%s%s", status, reason, date_now(), type,
		 q->form == FORM_ANTHROPIC ? "request" : "x-request", next_id(), r->header ? r->header : "",
		 q->closes ? "Connection: close\r\n" : "");
	if (chunked)
		buf_adds(out, "Transfer-Encoding: chunked\r\n\r\n");
	else
		buf_addf(out, "Content-Length: %zu\r\n\r\n", r->body.n);
}

static void add_chunk(struct buf *out, const char *bytes, size_t n)
{
	buf_addf(out, "%zx\r\n", n);
	buf_add(out, bytes, n);
	buf_adds(out, "\r\n");
}

/* A chunk for each event. */
static void add_events(struct buf *out, const char *body, size_t n)
{
	for (const char *at = body, *end; at < body + n; at = end) {
		end = memmem(at, (size_t)(body + n - at), "\n\n", 2);
		end = end ? end + 2 : body + n;
		add_chunk(out, at, (size_t)(end - at));
	}
}

/* Half of a body; of a stream, whole events, one of them with text. */
static size_t half_of(const struct reply *r)
{
	size_t half = r->body.n / 2;
	const char *body = buf_text(&r->body), *text = strstr(body, "text_delta"), *end;

	if (!r->events)
		return half;
	if (text && (size_t)(text - body) > half)
		half = (size_t)(text - body);
	end = memmem(body + half, r->body.n - half, "\n\n", 2);
	return end ? (size_t)(end - body) + 2 : half;
}

static void add_body(const struct reply *r, size_t n, bool chunked, struct buf *out)
{
	if (r->events)
		add_events(out, buf_text(&r->body), n);
	else if (chunked)
		add_chunk(out, buf_text(&r->body), n);
	else
		buf_add(out, buf_text(&r->body), n);
}

void reply_encode(const struct request *q, const struct reply *r, struct buf *out, enum reply_end *end)
{
	bool chunked = r->events || is_faulty(q, FAULT_BAD_CHUNK);
	size_t head;

	*end = q->closes ? END_CLOSE : END_KEEP;
	if (is_faulty(q, FAULT_HANG_BEFORE_HEADERS)) {
		*end = END_HANG;
		return;
	}
	add_head(q, r, chunked, out);
	head = out->n;
	if (is_faulty(q, FAULT_HANG_BEFORE_FIRST)) {
		*end = END_HANG;
	} else if (is_faulty(q, FAULT_STALL)) {
		add_body(r, half_of(r), chunked, out);
		*end = END_HANG;
	} else if (is_faulty(q, FAULT_CUT)) {
		add_body(r, r->body.n, chunked, out);
		out->n = head + (out->n - head) / 2;
		*end = END_CLOSE;
	} else if (is_faulty(q, FAULT_BAD_CHUNK)) {
		add_body(r, half_of(r), chunked, out);
		buf_adds(out, "no length\r\n?\r\n");
		*end = END_CLOSE;
	} else {
		add_body(r, r->body.n, chunked, out);
		if (chunked)
			buf_adds(out, "0\r\n\r\n");
	}
}
