/* registry.c - a folder and its entries; links, so that a model of many gigabytes is never copied. */
#include "model/registry.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "llm/adapter.h"
#include "llm/encoder.h"
#include "llm/architecture.h"
#include "model/model.h"
#include "model/tuned.h"

#ifndef RUNG_BUILD_MODELS
#define RUNG_BUILD_MODELS "models"
#endif

void registry_folder(const char *wanted, struct buf *out)
{
	const char *named = wanted ? wanted : getenv("RUNG_MODELS");
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

	if (named && named[0]) {
		buf_adds(out, named);
		return;
	}
	if (data && data[0])
		buf_addf(out, "%s/rung/models", data);
	else
		buf_addf(out, "%s/.local/share/rung/models", home ? home : "");
	if (!file_exists(buf_text(out)) && file_exists(RUNG_BUILD_MODELS)) {
		buf_clear(out);
		buf_adds(out, RUNG_BUILD_MODELS);
	}
}

enum { DEFAULT_NAME = 5 }; /* letters of "local" */

bool registry_is_local(const char *name)
{
	return strncmp(name, "local", DEFAULT_NAME) == 0 &&
	       (name[DEFAULT_NAME] == '\0' || name[DEFAULT_NAME] == ':' || name[DEFAULT_NAME] == '+');
}

const char *registry_encoder(const char *name)
{
	const char *own = registry_is_local(name) && name[DEFAULT_NAME] == ':' ? name + DEFAULT_NAME + 1 : "";

	return own[0] && own[0] != '.' && !strpbrk(own, "/+") ? own : NULL;
}

bool registry_runs_here(const char *name)
{
	const char *model = name ? model_behind(name) : NULL;

	return !model || registry_is_local(model) || tuned_is(model) || (model_is_elsewhere(model) && !model_leaves(model));
}

void registry_files_release(struct registry_files *f)
{
	buf_release(&f->base);
	buf_release(&f->adapter);
}

/* name is local. Writes the paths, whatever is there. */
static bool write_paths(const char *folder, const char *name, struct registry_files *out, struct error *err)
{
	static const char default_file[] = "smollm2-135m-instruct.Q4_1";
	const char *base = name[DEFAULT_NAME] == ':' ? name + DEFAULT_NAME + 1 : default_file;
	const char *plus = strchr(name, '+');
	size_t n = base == default_file ? strlen(base) : strcspn(base, "+");

	if (n == 0)
		return error_set(err, "model \"%s\": a name of a model is missing behind \"local:\"; `rung model ls` lists them",
				 name);
	buf_addf(&out->base, "%s/%.*s.gguf", folder, (int)n, base);
	if (!plus)
		return true;
	if (plus[1] == '\0' || strchr(plus + 1, '+'))
		return error_set(err, "model \"%s\": behind \"+\" stands the name of one adapter, as in local+NAME; "
				 "`rung model ls` lists them", name);
	buf_addf(&out->adapter, "%s/%s.gguf", folder, plus + 1);
	return true;
}

enum kind { KIND_NONE, KIND_DECODER, KIND_ADAPTER };

/* What the file is that was named as a "model" or an "adapter"; none, and a sentence, when it cannot be opened. */
static enum kind kind_of(const char *path, const char *what, struct error *err)
{
	struct gguf *g = file_exists(path) ? gguf_open(path, err) : NULL;
	enum kind kind = !g ? KIND_NONE : adapter_recognise(g) ? KIND_ADAPTER : KIND_DECODER;

	if (!file_exists(path))
		error_set(err, "%s: no such %s; `rung model ls` lists what is there, `rung model add PATH` adds one", path, what);
	gguf_free(g);
	return kind;
}

static bool check_kinds(const char *name, const struct registry_files *f, struct error *err)
{
	const char *plus = strchr(name, '+'), *own = name + DEFAULT_NAME + 1;
	enum kind base = kind_of(buf_text(&f->base), "model", err);

	if (base == KIND_ADAPTER)
		error_set(err, "%s: an adapter, not a model by itself; name it behind its base, as in local+%.*s",
			  buf_text(&f->base), (int)strcspn(own, "+"), own);
	if (base != KIND_DECODER || !plus)
		return base == KIND_DECODER;
	enum kind adapter = kind_of(buf_text(&f->adapter), "adapter", err);

	if (adapter == KIND_DECODER)
		error_set(err, "%s: a model by itself, not an adapter; name it local:%s", buf_text(&f->adapter), plus + 1);
	return adapter == KIND_ADAPTER;
}

/* What could not be found may be meant as one file, "a+b.gguf". */
static bool explain_plus(const char *folder, const char *name, struct error *err)
{
	struct buf path = { 0 };

	if (strchr(name, '+') && name[DEFAULT_NAME] == ':') {
		buf_addf(&path, "%s/%s.gguf", folder, name + DEFAULT_NAME + 1);
		if (file_exists(buf_text(&path)))
			error_set(err, "%s: \"+\" in a name parts base and adapter, so this file cannot be named; link it under another "
				  "name with `rung model add PATH --name NAME`", buf_text(&path));
		buf_release(&path);
	}
	return false;
}

bool registry_find(const char *folder, const char *name, struct registry_files *out, struct error *err)
{
	return write_paths(folder, name, out, err) && (check_kinds(name, out, err) || explain_plus(folder, name, err));
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && strcmp(s + n - m, end) == 0;
}

/* What `rung model ls` says of an entry. */
struct entry {
	const char *kind;         /* NULL: nothing of ours */
	const char *architecture; /* of an adapter's bases; NULL: unknown, or no adapter */
};

static struct entry look_at_file(const char *path)
{
	struct error err;
	struct gguf *g = gguf_open(path, &err);
	bool adapter = g && adapter_recognise(g);
	const struct architecture *a = adapter ? architecture_find(g, &err) : NULL;

	gguf_free(g);
	return (struct entry){ !g ? "unreadable" : adapter ? "adapter" : "decoder", a ? a->name : NULL };
}

/* A GGUF file, or a folder of safetensors. */
static struct entry look_at_entry(const char *folder, const char *name)
{
	struct entry none = { NULL, NULL };
	char path[4096];
	struct stat st;

	if (name[0] == '.' || (size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path) ||
	    stat(path, &st) != 0)
		return none;
	if (S_ISREG(st.st_mode))
		return ends_with(name, ".gguf") ? look_at_file(path) : none;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s/model.safetensors", folder, name) >= sizeof(path) ||
	    !file_exists(path))
		return none;
	return (struct entry){ .kind = "encoder" };
}

static void list_entry(const char *name, struct entry e, json_t *list, struct buf *out)
{
	json_array_append_new(list, json_pack("{s:s, s:s, s:s*}", "name", name, "kind", e.kind, "architecture",
					      e.architecture));
	buf_addf(out, "%-10s  %s", e.kind, name);
	if (e.architecture)
		buf_addf(out, "  (for a base of architecture %s)", e.architecture);
	buf_adds(out, "\n");
}

bool registry_list(const char *folder, bool json, struct buf *out, struct error *err)
{
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, NULL, alphasort);
	json_t *list = json_array();
	struct buf lines = { 0 };

	if (n < 0) {
		json_decref(list);
		return error_set(err, "%s: no folder of models: %s; `make models` or `rung model add PATH` fills one", folder,
				 strerror(errno));
	}
	for (int i = 0; i < n; i++) {
		struct entry e = look_at_entry(folder, entries[i]->d_name);

		if (e.kind)
			list_entry(entries[i]->d_name, e, list, &lines);
		free(entries[i]);
	}
	free(entries);
	if (json) {
		char *text = json_dumps(list, JSON_INDENT(1));

		buf_addf(out, "%s\n", text);
		free(text);
	} else {
		buf_adds(out, buf_text(&lines));
	}
	buf_release(&lines);
	json_decref(list);
	return true;
}

static bool encoder_runs(const char *path, struct error *err)
{
	const struct kernels *kernels = kernels_choose(false, err);
	struct pool *pool = pool_open(1);
	struct encoder *e = kernels ? encoder_open(path, kernels, pool, err) : NULL;

	encoder_free(e);
	pool_free(pool);
	return e != NULL;
}

static bool usable(const char *path, bool *is_folder, struct error *err)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return error_set(err, "%s: %s", path, strerror(errno));
	*is_folder = S_ISDIR(st.st_mode);
	if (!*is_folder) {
		struct gguf *g = gguf_open(path, err);

		gguf_free(g);
		return g != NULL;
	}
	return encoder_runs(path, err);
}

bool registry_add(const char *folder, const char *path, const char *name, struct error *err)
{
	char link[4096], *target;
	const char *slash = strrchr(path, '/');
	const char *own = slash && slash[1] ? slash + 1 : path;
	bool is_folder = false, linked;

	if (!usable(path, &is_folder, err) || !file_make_folder(folder, err))
		return false;
	const char *base = name ? name : own;
	const char *suffix = is_folder || ends_with(base, ".gguf") ? "" : ".gguf";

	if (strpbrk(base, "/+") || (size_t)snprintf(link, sizeof(link), "%s/%s%s", folder, base, suffix) >= sizeof(link))
		return error_set(err, "\"%s\" is no name for a model, which has neither \"/\" nor \"+\"; --name gives another",
				 base);
	target = realpath(path, NULL);
	if (!target)
		return error_set(err, "%s: %s", path, strerror(errno));
	linked = symlink(target, link) == 0;
	if (!linked)
		error_set(err, "%s: cannot make the link: %s%s", link, strerror(errno),
			  errno == EEXIST ? "; `rung model rm` removes it" : "");
	free(target);
	return linked;
}

bool registry_remove(const char *folder, const char *name, struct error *err)
{
	char path[4096];
	struct stat st;

	for (int i = 0; i < 2; i++) {
		if (strchr(name, '/') ||
		    (size_t)snprintf(path, sizeof(path), "%s/%s%s", folder, name, i ? ".gguf" : "") >= sizeof(path))
			break;
		if (lstat(path, &st) != 0)
			continue;
		if (S_ISDIR(st.st_mode))
			return error_set(err, "%s: a folder, not a link; remove it by hand if it is no longer wanted", path);
		return unlink(path) == 0 || error_set(err, "%s: cannot remove: %s", path, strerror(errno));
	}
	return error_set(err, "%s: no model \"%s\" here; `rung model ls` lists them", folder, name);
}
