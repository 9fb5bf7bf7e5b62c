/* process.h - a program of the user's that answers lines with lines: started once, spoken to again and again.
 *
 * The command line goes to /bin/sh -c, as a user expects of one, in a process group of its own, so that whatever it starts ends with it.
 * Both ways are polled at once: neither side waits for the other to empty a pipe. What it writes to its standard error is read and the
 * last line kept for error sentences. Python is told not to hold back its output (PYTHONUNBUFFERED); others have to flush each line. */
#ifndef RUNG_BASE_PROCESS_H
#define RUNG_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct process;

/* Starts it in that folder; NULL and a clause when there is no such folder or no process can be made. */
struct process *process_start(const char *command, const char *folder, struct error *err);
/* Closes its standard input, lets it end within a second or two, and kills what is left of its group. */
void process_end(struct process *p);

struct process_talk {
	const char *text;   /* (bytes) what it reads: whole lines */
	size_t bytes;
	size_t lines;       /* that it has to write */
	double timeout_ms;  /* for each of them, from the one before */
	bool (*line)(void *context, size_t i, const char *line, struct error *err); /* each as it comes, without its end; false ends the talk */
	bool (*stopped)(void *context); /* looked at several times a second; NULL: nobody interrupts */
	void *context, *stopped_context;
};

/* Nothing follows what is being sent: its input ends behind that. For the line callback. */
void process_last(struct process *p);
/* Waits for its end, which has to come with exit status 0 and without another line. False and a clause when it does not; each wait is
 * limited and interrupted as in the talk. */
bool process_finish(struct process *p, const struct process_talk *t, struct error *err);

/* False and a clause ("it ended with exit status 1 ...") on failure; whoever started it then ends it, as nothing more can be said to it. */
bool process_talk(struct process *p, const struct process_talk *t, struct error *err);

#endif
