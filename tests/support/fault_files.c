/* fault_files.c - files as OpenAI keeps them: uploaded as multipart/form-data, listed in pages, read, deleted. */
#include "base/arena.h"
#include "base/text.h"
#include "fault.h"
#include "fault_state.h"

static struct file **files;
static size_t n_files;

struct file *file_add(const char *name, const char *purpose)
{
	struct file *f = mem_zero(1, sizeof(*f));

	files = mem_resize(files, n_files + 1, sizeof(struct file *));
	files[n_files++] = f;
	snprintf(f->id, sizeof(f->id), "file-%012zx", next_id());
	snprintf(f->name, sizeof(f->name), "%s", name);
	snprintf(f->purpose, sizeof(f->purpose), "%s", purpose);
	f->created = time(NULL);
	return f;
}

struct file *file_find(const char *id)
{
	for (size_t i = 0; i < n_files; i++)
		if (!files[i]->deleted && strcmp(files[i]->id, id) == 0)
			return files[i];
	return NULL;
}

void not_found(const struct request *q, const char *what, const char *id, struct reply *r)
{
	if (q->form == FORM_ANTHROPIC)
		error_reply(q, r, 404, "not_found_error", NULL, NULL, "No %s found with id %s", what, id);
	else
		error_reply(q, r, 404, "invalid_request_error", "id", NULL, "No such %s object: %s", what, id);
}

static json_t *file_object(const struct file *f)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s}", "id", f->id, "object", "file", "bytes", (json_int_t)f->bytes.n,
			 "created_at", (json_int_t)f->created, "filename", f->name, "purpose", f->purpose, "status", "processed");
}

/* The value of a parameter of a Content-Disposition: name="...". */
static void read_parameter(const char *head, size_t n, const char *name, char *out, size_t size)
{
	char sought[32];
	const char *at, *end;

	snprintf(sought, sizeof(sought), " %s=\"", name);
	at = memmem(head, n, sought, strlen(sought));
	at = at ? at + strlen(sought) : NULL;
	end = at ? memchr(at, '"', n - (size_t)(at - head)) : NULL;
	snprintf(out, size, "%.*s", end ? (int)(end - at) : 0, end ? at : "");
}

struct upload {
	char purpose[32], name[128];
	const char *bytes; /* (n); NULL: there was none */
	size_t n;
};

static void read_part(const char *part, size_t n, struct upload *u)
{
	const char *head_end = memmem(part, n, "\r\n\r\n", 4);
	char name[32];

	if (!head_end)
		return;
	size_t head = (size_t)(head_end - part), length = n - head - 4;

	read_parameter(part, head, "name", name, sizeof(name));
	if (strcmp(name, "purpose") == 0)
		snprintf(u->purpose, sizeof(u->purpose), "%.*s", (int)length, head_end + 4);
	if (strcmp(name, "file") != 0)
		return;
	read_parameter(part, head, "filename", u->name, sizeof(u->name));
	u->bytes = head_end + 4;
	u->n = length;
}

/* RFC 2046, 5.1.1: parts stand between lines of two dashes and the boundary. */
static void read_upload(const struct request *q, struct upload *u)
{
	const char *boundary = strstr(q->type, "boundary="), *end = q->body + q->n, *at, *next;
	char line[160];

	*u = (struct upload){ .purpose = "" };
	if (!boundary)
		return;
	boundary += 9;
	boundary += *boundary == '"';
	snprintf(line, sizeof(line), "\r\n--%.*s", (int)strcspn(boundary, "\";"), boundary);
	at = q->n >= strlen(line + 2) && memcmp(q->body, line + 2, strlen(line + 2)) == 0 ? q->body + strlen(line + 2) : end;
	for (; at < end; at = next + strlen(line)) {
		next = memmem(at, (size_t)(end - at), line, strlen(line));
		if (!next)
			return;
		read_part(at, (size_t)(next - at), u);
	}
}

void files_create(const struct request *q, const char *id, struct reply *r)
{
	struct upload u;
	size_t bad;

	(void)id;
	read_upload(q, &u);
	if (!text_valid(u.name, strlen(u.name), &bad) || !text_valid(u.purpose, strlen(u.purpose), &bad)) {
		error_reply(q, r, 400, "invalid_request_error", "file", NULL, "a name is too long or no UTF-8");
		return;
	}
	if (!u.bytes || !*u.purpose) {
		error_reply(q, r, 400, "invalid_request_error", u.bytes ? "purpose" : "file", NULL, "'%s' is a required property",
			    u.bytes ? "purpose" : "file");
		return;
	}
	struct file *f = file_add(u.name, u.purpose);

	buf_add(&f->bytes, u.bytes, u.n);
	add_json(&r->body, file_object(f));
}

void list_reply(const struct request *q, json_t *all, struct reply *r)
{
	char text[128];
	size_t limit = strtoull(query_value(q, "limit", text, sizeof(text)), NULL, 10), at = 0, n = json_array_size(all);
	json_t *data = json_array();
	bool more;

	query_value(q, "after", text, sizeof(text));
	for (size_t i = 0; *text && i < n; i++)
		if (strcmp(text_of(json_array_get(all, i), "id"), text) == 0)
			at = i + 1;
	limit = limit ? limit : 20;
	for (; at < n && json_array_size(data) < limit; at++)
		json_array_append(data, json_array_get(all, at));
	more = at < n;
	add_json(&r->body, json_pack("{s:s, s:O, s:b, s:s?, s:s?}", "object", "list", "data", data, "has_more", more, "first_id",
				     json_string_value(json_object_get(json_array_get(data, 0), "id")), "last_id",
				     json_string_value(json_object_get(json_array_get(data, json_array_size(data) - 1), "id"))));
	json_decref(data);
	json_decref(all);
}

void files_list(const struct request *q, const char *id, struct reply *r)
{
	json_t *all = json_array();
	char purpose[32];

	(void)id;
	query_value(q, "purpose", purpose, sizeof(purpose));
	for (size_t i = n_files; i-- > 0;)
		if (!files[i]->deleted && (!*purpose || strcmp(files[i]->purpose, purpose) == 0))
			json_array_append_new(all, file_object(files[i]));
	list_reply(q, all, r);
}

void files_get(const struct request *q, const char *id, struct reply *r)
{
	const struct file *f = file_find(id);

	if (f)
		add_json(&r->body, file_object(f));
	else
		not_found(q, "File", id, r);
}

void files_content(const struct request *q, const char *id, struct reply *r)
{
	const struct file *f = file_find(id);

	if (!f) {
		not_found(q, "File", id, r);
		return;
	}
	r->type = "application/octet-stream";
	buf_add(&r->body, f->bytes.data, f->bytes.n);
}

void files_delete(const struct request *q, const char *id, struct reply *r)
{
	struct file *f = file_find(id);

	if (!f) {
		not_found(q, "File", id, r);
		return;
	}
	f->deleted = true;
	buf_release(&f->bytes);
	add_json(&r->body, json_pack("{s:s, s:s, s:b}", "id", f->id, "object", "file", "deleted", 1));
}
