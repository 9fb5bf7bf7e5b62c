/* library_watch.c - follows the folders of a source: inotify where there is one, else a look every second. */
#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#endif

#include "base/clock.h"
#include "base/hash.h"
#include "retrieve/library_inner.h"

enum {
	WAKE_MS = 200,     /* how soon a wish to stop is noticed */
	SETTLE_MS = 300,   /* without another change before files are read: editors write in several steps */
	SETTLE_MOST_MS = 3000,
	LOOK_MS = 1000,
};

/* Sentences that were said in an earlier pass are not said again. */
struct said {
	const struct library_progress *progress;
	struct hash_map sentences;
	struct arena arena;
};

static void say_once(void *context, const char *sentence)
{
	struct said *s = context;
	size_t n = strlen(sentence), number = s->sentences.n;

	if (hash_map_get(&s->sentences, sentence, n, SIZE_MAX) != SIZE_MAX)
		return;
	hash_map_put(&s->sentences, arena_copy(&s->arena, sentence, n), n, number);
	if (s->progress && s->progress->refused)
		s->progress->refused(s->progress->context, sentence);
}

static void step(void *context, const char *what, size_t done, size_t total)
{
	progress_step(((struct said *)context)->progress, what, done, total);
}

static bool stopped(void *context)
{
	const struct library_progress *p = ((struct said *)context)->progress;

	return p && p->stopped && p->stopped(p->context);
}

/* Names, sizes and times of all files. */
static uint64_t state_of(const struct source *source)
{
	struct arena arena = { 0 };
	struct source_walk walk = source_walk(source, &arena, NULL, NULL);
	uint64_t h = 0;

	for (size_t i = 0; i < walk.n_files; i++) {
		struct stat st = { 0 };

		if (stat(walk.files[i].path, &st) != 0)
			continue;
		int64_t state[] = { (int64_t)st.st_ino, (int64_t)st.st_size, (int64_t)st.st_mtim.tv_sec, (int64_t)st.st_mtim.tv_nsec };

		h = hash64(walk.files[i].name, strlen(walk.files[i].name), h);
		h = hash64(state, sizeof(state), h);
	}
	arena_release(&arena);
	return h;
}

/* A descriptor that can be read when something changes in the folders of the source; -1 where there is no such thing. Opened
 * before the files are read, so that nothing is missed in between; new folders show in those above them. */
static int changes_open(const struct source *source)
{
#ifdef __linux__
	enum { CHANGES = IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO };
	struct arena arena = { 0 };
	struct source_walk walk = source_walk(source, &arena, NULL, NULL);
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < walk.n_folders; i++)
		if (inotify_add_watch(fd, walk.folders[i], CHANGES) < 0 && errno == ENOSPC) { /* more than the system allows */
			close(fd);
			fd = -1;
		}
	arena_release(&arena);
	return fd;
#else
	(void)source;
	return -1;
#endif
}

/* Whether something changed within ms; takes what there is to read. */
static bool changes_within(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char events[4096];

	if (poll(&p, 1, ms) <= 0)
		return false;
	while (read(fd, events, sizeof(events)) > 0)
		;
	return true;
}

static void wait_by_looking(const struct source *source, uint64_t state, struct said *said)
{
	double next = clock_ms() + LOOK_MS;

	while (!stopped(said)) {
		poll(NULL, 0, WAKE_MS);
		if (clock_ms() < next)
			continue;
		if (state_of(source) != state)
			return;
		next = clock_ms() + LOOK_MS;
	}
}

/* Until something changed and then nothing for a while, or until it is to stop. */
static void wait_for_change(const struct source *source, int fd, uint64_t state, struct said *said)
{
	if (fd < 0) {
		wait_by_looking(source, state, said);
		return;
	}
	while (!stopped(said) && !changes_within(fd, WAKE_MS))
		;
	double most = clock_ms() + SETTLE_MOST_MS;

	while (!stopped(said) && clock_ms() < most && changes_within(fd, SETTLE_MS))
		;
}

bool library_watch(struct library *l, const struct source *source, const struct library_progress *progress,
		   void (*synced)(void *context, const struct library_counts *counts), struct error *err)
{
	struct said said = { .progress = progress };
	struct library_progress own = { step, stopped, say_once, &said };
	bool ok = true;

	while (ok && !stopped(&said)) {
		struct library_counts counts = { 0 };
		int fd = changes_open(source);
		uint64_t state = fd < 0 ? state_of(source) : 0;

		ok = library_add(l, source, true, &own, &counts, err);
		if (ok) {
			synced(progress ? progress->context : NULL, &counts);
			wait_for_change(source, fd, state, &said);
		}
		if (fd >= 0)
			close(fd);
	}
	if (!ok && stopped(&said))
		ok = true;
	hash_map_release(&said.sentences);
	arena_release(&said.arena);
	return ok;
}
