/* fault_table.c - numbers by 64-bit hashes (linear probing), and small things that all parts need. */
#include "fault.h"

#include "base/arena.h"

struct table_slot {
	uint64_t key; /* 0: free */
	size_t value;
};

static struct table_slot *slot_of(const struct table *t, uint64_t key)
{
	size_t i = (size_t)key & (t->capacity - 1);

	while (t->slots[i].key && t->slots[i].key != key)
		i = (i + 1) & (t->capacity - 1);
	return &t->slots[i];
}

static void grow(struct table *t)
{
	struct table bigger = { .n = t->n, .capacity = t->capacity ? t->capacity * 2 : 1024 };

	bigger.slots = mem_zero(bigger.capacity, sizeof(*bigger.slots));
	for (size_t i = 0; i < t->capacity; i++)
		if (t->slots[i].key)
			*slot_of(&bigger, t->slots[i].key) = t->slots[i];
	free(t->slots);
	*t = bigger;
}

size_t *table_at(struct table *t, uint64_t key)
{
	key += key == 0;
	if ((t->n + 1) * 2 > t->capacity)
		grow(t);
	struct table_slot *s = slot_of(t, key);

	t->n += s->key == 0;
	s->key = key;
	return &s->value;
}

void table_clear(struct table *t)
{
	free(t->slots);
	*t = (struct table){ 0 };
}

/* Bytes above 0x7f go as they are: what they mean is the charset's. */
void add_quoted(struct buf *out, const char *text, size_t n)
{
	size_t plain = 0;

	buf_addc(out, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(out, text + plain, i - plain);
		plain = i + 1;
		if (c == '\n')
			buf_adds(out, "\\n");
		else if (c >= 0x20)
			buf_addf(out, "\\%c", c);
		else
			buf_addf(out, "\\u%04x", c);
	}
	buf_add(out, text + plain, n - plain);
	buf_addc(out, '"');
}

size_t tokens_of(size_t bytes)
{
	return (bytes + 3) / 4;
}

size_t next_id(void)
{
	static size_t last;

	return ++last;
}

const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

void add_json(struct buf *out, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	buf_adds(out, text);
	free(text);
	json_decref(value);
}

const char *query_value(const struct request *q, const char *name, char *out, size_t n)
{
	size_t length = strlen(name);

	*out = '\0';
	for (const char *at = q->query; *at; at += strcspn(at, "&"), at += *at == '&')
		if (strncmp(at, name, length) == 0 && at[length] == '=')
			snprintf(out, n, "%.*s", (int)strcspn(at + length + 1, "&"), at + length + 1);
	return out;
}
