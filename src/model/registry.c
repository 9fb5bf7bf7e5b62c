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
#include "llm/gguf.h"
#include "llm/safetensors.h"

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

bool registry_decoder_path(const char *folder, const char *name, struct buf *out)
{
	static const char prefix[] = "local:", default_file[] = "smollm2-135m-instruct.Q4_1";
	bool named = strncmp(name, prefix, strlen(prefix)) == 0;

	if (!named && strcmp(name, "local") != 0)
		return false;
	buf_addf(out, "%s/%s.gguf", folder, named ? name + strlen(prefix) : default_file);
	return true;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && strcmp(s + n - m, end) == 0;
}

/* "decoder" for a GGUF file, "encoder" for a folder of safetensors, NULL for anything else. */
static const char *entry_kind(const char *folder, const char *name)
{
	char path[4096];
	struct stat st;

	if (name[0] == '.' || (size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path) ||
	    stat(path, &st) != 0)
		return NULL;
	if (S_ISREG(st.st_mode))
		return ends_with(name, ".gguf") ? "decoder" : NULL;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s/model.safetensors", folder, name) >= sizeof(path))
		return NULL;
	return file_exists(path) ? "encoder" : NULL;
}

bool registry_list(const char *folder, bool json, struct buf *out, struct error *err)
{
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, NULL, alphasort);
	json_t *list = json_array();

	if (n < 0) {
		json_decref(list);
		return error_set(err, "%s: no folder of models: %s; `make models` or `rung model add PATH` fills one", folder,
				 strerror(errno));
	}
	for (int i = 0; i < n; i++) {
		const char *kind = entry_kind(folder, entries[i]->d_name);

		if (kind && json)
			json_array_append_new(list, json_pack("{s:s, s:s}", "name", entries[i]->d_name, "kind", kind));
		else if (kind)
			buf_addf(out, "%-8s  %s\n", kind, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (json) {
		char *text = json_dumps(list, JSON_INDENT(1));

		buf_addf(out, "%s\n", text);
		free(text);
	}
	json_decref(list);
	return true;
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
	char file[4096];

	if ((size_t)snprintf(file, sizeof(file), "%s/model.safetensors", path) >= sizeof(file))
		return error_set(err, "%s: path too long", path);
	struct safetensors *s = safetensors_open(file, err);

	safetensors_free(s);
	return s != NULL;
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

	if (strchr(base, '/') || (size_t)snprintf(link, sizeof(link), "%s/%s%s", folder, base, suffix) >= sizeof(link))
		return error_set(err, "\"%s\" is no name for a model; a name has no slash", base);
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
