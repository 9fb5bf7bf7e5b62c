/* terminal.h - what the commands share towards the person: errors, progress, interruption, output. */
#ifndef RUNG_CLI_TERMINAL_H
#define RUNG_CLI_TERMINAL_H

#include "options.h"
#include "rung.h"

/* Says the sentence on stderr; returns the exit code of the status. */
int terminal_fail(enum rung_status status, const struct rung_error *err);

/* Ctrl-C asks to stop; a second one ends at once. A full disk becomes an error in place of a signal. */
void terminal_catch_signals(void);

/* The command's settings as the library takes them. */
struct rung_options terminal_options(const struct settings *s, const char *task);
/* A library handle with the command's settings, progress on a terminal's stderr, and the wish to stop. */
struct rung *terminal_open(const struct settings *s, const char *task);
void terminal_clear_progress(void);

bool terminal_colour(void); /* of stdout, NO_COLOR respected */
int terminal_width(void);

/* On a terminal a person is shown the heading and the preview and asked; elsewhere nobody agrees. */
bool terminal_agree(const char *heading, const char *preview, const char *question);

/* Writes text to the file, or to stdout when file is NULL, and frees it; 0 or the exit code. */
int terminal_output(char *text, const char *file);

#endif
