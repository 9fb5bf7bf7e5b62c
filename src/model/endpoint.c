/* endpoint.c - a table of providers, and URLs read as strictly as what they are used for asks. */
#include "model/endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "model/wire.h"

static const struct provider {
	const char *prefix; /* NULL: a URL */
	const struct wire *wire;
	const char *base, *base_variable, *key_variable;
	bool key_needed;
} providers[] = {
	{ "openai:", &wire_openai, "https://api.openai.com/v1", "OPENAI_BASE_URL", "OPENAI_API_KEY", true },
	{ "anthropic:", &wire_anthropic, "https://api.anthropic.com", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", true },
	{ NULL, &wire_openai, NULL, NULL, "RUNG_API_KEY", false },
};

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

bool endpoint_is_url(const char *name)
{
	return begins(name, "http://") || begins(name, "https://");
}

static const struct provider *provider_of(const char *name)
{
	const struct provider *p = providers;

	while (p->prefix && !begins(name, p->prefix))
		p++;
	return p->prefix || endpoint_is_url(name) ? p : NULL;
}

bool endpoint_is(const char *name)
{
	return provider_of(name) != NULL;
}

bool endpoint_takes_texts(const char *name)
{
	const struct provider *p = provider_of(name);

	return p && p->wire->embed_path;
}

/* The host of a URL up to n bytes: what stands between "//" and the port or path. */
static bool host_is(const char *url, const char *host)
{
	const char *at = strstr(url, "//") + 2;
	size_t n = strlen(host);

	return strncmp(at, host, n) == 0 && strchr(":/", at[n]); /* strchr() finds the end of the string, too */
}

static bool is_here(const char *url)
{
	return host_is(url, "127.0.0.1") || host_is(url, "localhost") || host_is(url, "[::1]");
}

/* said: where the URL is from, for the sentence. */
static bool check_url(const char *url, const char *said, const struct endpoint *e, struct error *err)
{
	const char *at = strstr(url, "//");

	if (!endpoint_is_url(url) || !at[2] || strchr("/:?#", at[2]))
		return error_set(err, "%s: is no http or https URL with a host, such as http://127.0.0.1:8080/v1", said);
	if (strchr(url, '@'))
		return error_set(err, "%s: a URL must not hold a user or password; keys belong into the environment (%s)", said, e->key_variable);
	if (strpbrk(url, "? \t\r\n"))
		return error_set(err, "%s: is no base URL: it has a space or a '?' in it", said);
	const char *key = getenv(e->key_variable);

	if (begins(url, "http://") && !is_here(url) && key && *key)
		return error_set(err, "%s: plain http to another machine would show the key in %s to everybody on the way; use https, or unset it",
				 said, e->key_variable);
	return true;
}

/* Takes the URL, cut before `n`, without slashes at its end. */
static void take_base(struct endpoint *e, const char *url, size_t n)
{
	while (n > 0 && url[n - 1] == '/')
		n--;
	e->base = mem_zero(n + 1, 1);
	memcpy(e->base, url, n);
}

static bool parse_url(const char *name, struct endpoint *e, struct error *err)
{
	const char *hash = strrchr(name, '#');

	if (!hash || !hash[1])
		return error_set(err, "model \"%.*s\": a URL names its model behind '#', such as http://127.0.0.1:8080/v1#qwen3-8b",
				 strchr(name, '@') ? 0 : 200, name);
	take_base(e, name, (size_t)(hash - name));
	e->model = mem_string(hash + 1);
	return check_url(e->base, strchr(e->base, '@') ? "a model's URL" : e->base, e, err);
}

static bool parse_named(const struct provider *p, const char *name, struct endpoint *e, struct error *err)
{
	const char *base = getenv(p->base_variable), *model = name + strlen(p->prefix);
	bool own = base && *base;

	if (!*model)
		return error_set(err, "model \"%s\": names no model; write it behind the colon", name);
	base = own ? base : p->base;
	take_base(e, base, strlen(base));
	e->model = mem_string(model);
	return !own || check_url(e->base, p->base_variable, e, err);
}

bool endpoint_parse(const char *name, struct endpoint *out, struct error *err)
{
	const struct provider *p = provider_of(name);

	if (!p)
		return error_set(err, "model \"%s\": is not one of openai:NAME, anthropic:NAME, URL#NAME", name);
	*out = (struct endpoint){ .wire = p->wire, .key_variable = p->key_variable, .key_needed = p->key_needed };
	bool parsed = p->prefix ? parse_named(p, name, out, err) : parse_url(name, out, err);

	if (!parsed)
		endpoint_release(out);
	return parsed;
}

bool endpoint_add_key(const struct endpoint *e, const char *name, struct buf *header, struct error *err)
{
	const char *key = getenv(e->key_variable);

	if (!key || !*key)
		return !e->key_needed || error_set(err, "model \"%s\": %s is not set; put the key into the environment", name, e->key_variable);
	if (strpbrk(key, "\r\n"))
		return error_set(err, "model \"%s\": the key in %s has a line break in it; set it anew", name, e->key_variable);
	buf_adds(header, e->wire->key_header);
	buf_adds(header, key);
	return true;
}

void endpoint_forget_key(struct buf *header)
{
	if (header->data)
		explicit_bzero(header->data, header->capacity);
	buf_release(header);
}

void endpoint_release(struct endpoint *e)
{
	free(e->base);
	free(e->model);
	*e = (struct endpoint){ 0 };
}

bool endpoint_leaves(const char *name)
{
	return endpoint_is(name) && (!endpoint_is_url(name) || !is_here(name));
}

bool endpoint_is_vendors(const struct endpoint *e)
{
	for (const struct provider *p = providers; p->prefix; p++)
		if (strcmp(e->base, p->base) == 0)
			return true;
	return false;
}

bool endpoint_is_tuned(const char *name)
{
	const struct provider *p = provider_of(name);
	const char *model = !p ? NULL : p->prefix ? name + strlen(p->prefix) : strrchr(name, '#');

	return model && begins(model + (*model == '#'), "ft:");
}
