/* source.c - walking folders. */
#include "retrieve/source.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "retrieve/document.h"

struct list {
	void *rows;
	size_t n, capacity;
};

struct walker {
	const struct source *source;
	struct arena *arena;
	void (*refused)(void *context, const char *sentence);
	void *context;
	const char *pattern; /* that files must match; NULL: all of a kind that is read */
	size_t seen, taken;  /* files below the present path */
	struct hash_map visited; /* folders, by device and inode */
	size_t visits;
	struct list files, folders, unknown;
};

static void *list_add(struct list *l, size_t size)
{
	if (l->n == l->capacity) {
		l->capacity = l->capacity ? l->capacity * 2 : 64;
		l->rows = mem_resize(l->rows, l->capacity, size);
	}
	return (char *)l->rows + size * l->n++;
}

static void add_text(struct list *l, const char *text)
{
	*(const char **)list_add(l, sizeof(text)) = text;
}

static void __attribute__((format(printf, 2, 3))) refuse(struct walker *w, const char *format, ...)
{
	char sentence[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	if (w->refused)
		w->refused(w->context, sentence);
}

const char *source_name(struct arena *arena, const char *path)
{
	char *out = arena_alloc(arena, strlen(path) + 1);
	size_t n = 0;

	if (path[0] == '/')
		out[n++] = '/';
	for (const char *part = path; *part;) {
		size_t length = strcspn(part, "/");
		size_t last = n;

		while (last > 0 && out[last - 1] != '/')
			last--;
		if (length == 2 && memcmp(part, "..", 2) == 0 && n > last && strncmp(out + last, "..", n - last) != 0) {
			n = last > 1 ? last - 1 : last;
		} else if (length > 0 && !(length == 1 && part[0] == '.')) {
			if (n > 0 && out[n - 1] != '/')
				out[n++] = '/';
			memcpy(out + n, part, length);
			n += length;
		}
		part += length + (part[length] == '/');
	}
	out[n] = '\0';
	return out;
}

static const char *joined(struct arena *arena, const char *folder, const char *name)
{
	if (name[0] == '/' || !folder[0] || strcmp(folder, ".") == 0)
		return name[0] ? name : folder[0] ? folder : ".";
	if (!name[0])
		return folder;
	return arena_printf(arena, folder[strlen(folder) - 1] == '/' ? "%s%s" : "%s/%s", folder, name);
}

static bool is_glob(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

/* Matches part by part. */
static bool match_parts(const char *pattern, const char *name)
{
	char part[256], piece[256];
	size_t n = strcspn(pattern, "/"), m = strcspn(name, "/");

	if (!*pattern)
		return !*name;
	if (n == 2 && memcmp(pattern, "**", 2) == 0) {
		const char *rest = pattern + n + (pattern[n] == '/');

		if (match_parts(rest, name))
			return true;
		return *name && name[0] != '.' && match_parts(pattern, name + m + (name[m] == '/'));
	}
	if (!*name || n >= sizeof(part) || m >= sizeof(piece))
		return false;
	memcpy(part, pattern, n);
	part[n] = '\0';
	memcpy(piece, name, m);
	piece[m] = '\0';
	if (fnmatch(part, piece, FNM_PERIOD) != 0)
		return false;
	return match_parts(pattern + n + (pattern[n] == '/'), name + m + (name[m] == '/'));
}

bool source_matches(const char *pattern, const char *name)
{
	struct arena arena;
	const char *plain;
	size_t n;
	bool matches;

	arena_init(&arena);
	plain = source_name(&arena, pattern);
	n = strlen(plain);
	matches = n == 0 ? name[0] != '/' && strncmp(name, "../", 3) != 0
			 : strncmp(name, plain, n) == 0 && (name[n] == '\0' || name[n] == '/' || name[n] == '#');
	if (!matches && is_glob(plain)) {
		const char *row = strchr(name, '#');

		matches = match_parts(plain, name) ||
			  (row && match_parts(plain, arena_copy(&arena, name, (size_t)(row - name))));
	}
	arena_release(&arena);
	return matches;
}

bool source_covers(const struct source *s, const char *name)
{
	for (size_t i = 0; i < s->n_paths; i++)
		if (source_matches(s->paths[i], name))
			return true;
	return false;
}

static const char *kind_name(mode_t mode)
{
	return S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : S_ISCHR(mode) || S_ISBLK(mode) ? "a device" : "not a file";
}

static void take_file(struct walker *w, const char *name)
{
	struct source_file *f = list_add(&w->files, sizeof(*f));

	*f = (struct source_file){ joined(w->arena, w->source->folder, name), name };
	w->taken++;
}

/* A file that a folder holds: taken when it is of a kind that is read and the pattern wants it. */
static void consider_file(struct walker *w, const char *name)
{
	enum media media;

	if (w->pattern && !match_parts(w->pattern, name))
		return;
	w->seen++;
	if (w->source->n_text > 0 || media_of(name, &media))
		take_file(w, name);
}

/* False when the folder was read before. */
static bool visit(struct walker *w, const struct stat *st)
{
	uint64_t id[2] = { (uint64_t)st->st_dev, (uint64_t)st->st_ino };
	const char *key = arena_copy(w->arena, (const char *)id, sizeof(id));
	size_t number = w->visits++;

	return hash_map_put(&w->visited, key, sizeof(id), number) == number;
}

/* The folders above: a link to one of them leads in a circle. */
static void visit_above(struct walker *w, const char *path)
{
	char *real = realpath(path, NULL), *slash;
	struct stat st;

	while (real && (slash = strrchr(real, '/')) && slash > real) {
		*slash = '\0';
		if (stat(real, &st) == 0)
			visit(w, &st);
	}
	free(real);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a folder that are not hidden, sorted; false when it cannot be read. */
static bool read_names(struct walker *w, const char *path, struct list *names)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return false;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			add_text(names, arena_string(w->arena, entry->d_name));
	closedir(dir);
	if (names->n)
		qsort(names->rows, names->n, sizeof(char *), by_text);
	return true;
}

static void walk_folder(struct walker *w, const char *name, const struct stat *st, size_t depth);

static void walk_entry(struct walker *w, const char *name, size_t depth)
{
	const char *path = joined(w->arena, w->source->folder, name);
	struct stat st;

	if (stat(path, &st) != 0)
		refuse(w, "%s: %s", name, errno == ENOENT ? "is a link to nothing" : errno == ELOOP ? "is a link that leads back to "
		       "itself" : strerror(errno));
	else if (S_ISDIR(st.st_mode) && depth > 0)
		walk_folder(w, name, &st, depth - 1);
	else if (S_ISREG(st.st_mode))
		consider_file(w, name);
	else if (!S_ISDIR(st.st_mode))
		refuse(w, "%s: is %s, not a file; passed over", name, kind_name(st.st_mode));
}

/* depth: folders below this one that may be entered. */
static void walk_folder(struct walker *w, const char *name, const struct stat *st, size_t depth)
{
	const char *path = joined(w->arena, w->source->folder, name);
	struct list names = { 0 };

	if (!visit(w, st)) {
		refuse(w, "%s: leads to a folder that was read already; passed over", name[0] ? name : ".");
		return;
	}
	add_text(&w->folders, path);
	if (!read_names(w, path, &names)) {
		refuse(w, "%s: cannot read the folder: %s", name[0] ? name : ".", strerror(errno));
		add_text(&w->unknown, name);
	}
	for (size_t i = 0; i < names.n; i++)
		walk_entry(w, name[0] ? arena_printf(w->arena, strcmp(name, "/") == 0 ? "%s%s" : "%s/%s", name, ((char **)names.rows)[i])
				      : ((char **)names.rows)[i], depth);
	free(names.rows);
}

static const char *parent_of(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	return !slash ? "." : arena_copy(arena, path, slash == path ? 1 : (size_t)(slash - path));
}

/* A path that is written out. */
static void walk_path(struct walker *w, const char *name)
{
	const char *path = joined(w->arena, w->source->folder, name);
	struct stat st;
	enum media media;

	if (stat(path, &st) != 0) {
		refuse(w, "%s: %s", name[0] ? name : ".", errno == ENOENT ? "there is no such file or folder" : strerror(errno));
		add_text(&w->folders, parent_of(w->arena, path));
		add_text(&w->unknown, name);
	} else if (S_ISDIR(st.st_mode)) {
		visit_above(w, path);
		walk_folder(w, name, &st, SIZE_MAX);
	} else if (!S_ISREG(st.st_mode)) {
		refuse(w, "%s: is %s, not a file", name, kind_name(st.st_mode));
	} else {
		add_text(&w->folders, parent_of(w->arena, path));
		if (w->source->n_text > 0 || media_of(name, &media))
			take_file(w, name);
		else
			refuse(w, "%s: not a kind of file that is read; text, Markdown, HTML, PDF and code are, by their endings; rows "
			       "of a table with {file, text, id}", name);
	}
}

/* The folder above the first part with a wildcard, then all below that the pattern can reach. */
static void walk_glob(struct walker *w, const char *pattern)
{
	size_t base = 0, depth = 0;
	struct stat st;

	for (const char *p = pattern; (p = strchr(p, '/')) && strcspn(pattern, "*?[") > (size_t)(p - pattern); p++)
		base = (size_t)(p - pattern);
	const char *rest = pattern + base, *name = arena_copy(w->arena, pattern, base == 0 && pattern[0] == '/' ? 1 : base);
	const char *path = joined(w->arena, w->source->folder, name);

	for (const char *p = base ? rest + 1 : rest; (p = strchr(p, '/')); p++)
		depth++;
	w->pattern = pattern;
	if (stat(path, &st) != 0) {
		refuse(w, "%s: %s", pattern, errno == ENOENT ? "there is no such folder" : strerror(errno));
		add_text(&w->unknown, name);
	} else if (S_ISDIR(st.st_mode)) {
		visit_above(w, path);
		walk_folder(w, name, &st, strstr(rest, "**") ? SIZE_MAX : depth);
		if (w->taken == 0)
			refuse(w, w->seen ? "%s: none of the files that match is of a kind that is read" : "%s: matches no file", pattern);
	}
	w->pattern = NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct source_file *)a)->name, ((const struct source_file *)b)->name);
}

static const void *settled(struct arena *arena, struct list *l, size_t size)
{
	void *rows = arena_array(arena, l->n, size);

	if (l->n)
		memcpy(rows, l->rows, l->n * size);
	free(l->rows);
	return rows;
}

/* Sorted, each name once. */
static void settle_files(struct list *files)
{
	struct source_file *rows = files->rows;
	size_t n = 0;

	if (files->n)
		qsort(rows, files->n, sizeof(*rows), by_name);
	for (size_t i = 0; i < files->n; i++)
		if (n == 0 || strcmp(rows[n - 1].name, rows[i].name) != 0)
			rows[n++] = rows[i];
	files->n = n;
}

struct source_walk source_walk(const struct source *s, struct arena *arena, void (*refused)(void *context, const char *sentence),
			       void *context)
{
	struct walker w = { .source = s, .arena = arena, .refused = refused, .context = context };
	struct source_walk out;

	for (size_t i = 0; i < s->n_paths; i++) {
		const char *name = source_name(arena, s->paths[i]);

		w.seen = w.taken = 0;
		hash_map_release(&w.visited); /* what two paths both name is no circle */
		if (is_glob(name) && !file_exists(joined(arena, s->folder, name)))
			walk_glob(&w, name);
		else
			walk_path(&w, name);
	}
	hash_map_release(&w.visited);
	settle_files(&w.files);
	out.n_files = w.files.n;
	out.n_folders = w.folders.n;
	out.n_unknown = w.unknown.n;
	out.files = settled(arena, &w.files, sizeof(struct source_file));
	out.folders = settled(arena, &w.folders, sizeof(char *));
	out.unknown = settled(arena, &w.unknown, sizeof(char *));
	return out;
}
