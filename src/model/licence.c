/* licence.c - three places, none of which is parsed for more than the licence. */
#include "model/licence.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "llm/gguf.h"

enum { BYTES = 1 << 20, SHOWN = 100 };

const char *licence_of_file(const char *gguf, struct arena *arena)
{
	struct error ignored;
	struct gguf *g = gguf_open(gguf, &ignored);
	struct gguf_string text;
	const char *licence = g && gguf_text(g, "general.license", &text) && text.n > 0 ? arena_copy(arena, text.at, text.n) : NULL;

	gguf_free(g);
	return licence;
}

/* Without white space and the given characters around it; NULL: nothing is left. In place. */
static char *trimmed(char *line, const char *around)
{
	size_t n;

	while (*line && (isspace((unsigned char)*line) || strchr(around, *line)))
		line++;
	n = strlen(line);
	while (n > 0 && (isspace((unsigned char)line[n - 1]) || strchr(around, line[n - 1])))
		n--;
	line[n] = '\0';
	return n ? line : NULL;
}

/* What stands behind the key of a front matter's line, without quotes and comment; "" begins a list. NULL: another line. */
static char *value_of(char *line, const char *key)
{
	size_t n = strlen(key);
	char *comment;

	if (strncmp(line, key, n) != 0 || line[n] != ':')
		return NULL;
	if ((comment = strstr(line, " #")) != NULL)
		*comment = '\0';
	char *value = trimmed(line + n + 1, "\"'[]");

	return value ? value : line + strlen(line);
}

/* "license: apache-2.0", a list of them, or "license: other" with its license_name. */
static const char *front_matter(char *text, struct arena *arena)
{
	const char *licence = NULL, *name = NULL;
	char *rest = NULL, *line = strtok_r(text, "\n", &rest), *value;
	bool listed = false;
	struct buf list = { 0 };

	if (!line || strncmp(line, "---", 3) != 0)
		return NULL;
	while ((line = strtok_r(NULL, "\n", &rest)) != NULL && strncmp(line, "---", 3) != 0) {
		if (listed && strchr(" -", *line) && (value = trimmed(line, "-\"'")) != NULL) {
			buf_addf(&list, "%s%s", list.n ? ", " : "", value);
			continue;
		}
		listed = false;
		if ((value = value_of(line, "license")) != NULL) {
			licence = value;
			listed = !*value;
		} else if ((value = value_of(line, "license_name")) != NULL) {
			name = value;
		}
	}
	if (list.n > 0)
		licence = arena_copy(arena, list.data, list.n);
	buf_release(&list);
	if (licence && strcmp(licence, "other") == 0 && name && *name)
		licence = name;
	return licence && *licence ? arena_string(arena, licence) : NULL;
}

/* The first line that says something: the licence's title. */
static const char *title(char *text, struct arena *arena)
{
	char *rest = NULL, *found = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line && !found; line = strtok_r(NULL, "\n", &rest))
		found = trimmed(line, "#=-*");
	return found ? arena_copy(arena, found, strlen(found) < SHOWN ? strlen(found) : SHOWN) : NULL;
}

const char *licence_of_folder(const char *folder, struct arena *arena)
{
	static const struct {
		const char *name;
		const char *(*read)(char *text, struct arena *arena);
	} files[] = { { "README.md", front_matter }, { "LICENSE", title }, { "LICENSE.txt", title }, { "LICENSE.md", title } };
	const char *licence = NULL;

	for (size_t i = 0; !licence && i < sizeof(files) / sizeof(files[0]); i++) {
		const char *path = arena_printf(arena, "%s/%s", folder, files[i].name);
		struct error ignored;
		size_t n;
		char *text = file_exists(path) ? file_read(path, BYTES, &n, &ignored) : NULL;

		licence = text ? files[i].read(text, arena) : NULL;
		free(text);
	}
	return licence;
}
