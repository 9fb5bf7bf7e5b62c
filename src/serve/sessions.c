/* sessions.c - a table that is searched from end to end, whatever is found */
#include "serve/sessions.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "serve/form.h"

static const double lasts_ms = 12 * 3600e3;

void secret_make(char out[SECRET_TEXT])
{
	uint8_t random[32];
	struct buf text = { 0 };

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		abort();
	base64_add(&text, random, sizeof(random));
	for (size_t i = 0; i < SECRET_TEXT - 1; i++)
		out[i] = text.data[i] == '+' ? '-' : text.data[i] == '/' ? '_' : text.data[i];
	out[SECRET_TEXT - 1] = '\0';
	buf_release(&text);
}

static bool is_over(const struct session *s, double now_ms)
{
	return !s->account || now_ms >= s->until_ms || !account_key(s->account);
}

const struct session *session_begin(struct sessions *s, struct account *account, double now_ms)
{
	struct session *place = s->all;

	for (struct session *x = s->all; x < s->all + SESSIONS_MOST; x++)
		if (!is_over(place, now_ms) && (is_over(x, now_ms) || x->until_ms < place->until_ms))
			place = x;
	*place = (struct session){ .account = account, .until_ms = now_ms + lasts_ms };
	secret_make(place->id);
	secret_make(place->token);
	return place;
}

static struct session *find(struct sessions *s, const char *id)
{
	struct session *found = NULL;

	for (struct session *x = s->all; id && x < s->all + SESSIONS_MOST; x++)
		if (x->account && form_same(x->id, id))
			found = x;
	return found;
}

const struct session *session_find(struct sessions *s, const char *id, double now_ms)
{
	struct session *x = find(s, id);

	if (x && is_over(x, now_ms))
		*x = (struct session){ 0 };
	return x && x->account ? x : NULL;
}

void session_end(struct sessions *s, const char *id)
{
	struct session *x = find(s, id);

	if (x)
		*x = (struct session){ 0 };
}
