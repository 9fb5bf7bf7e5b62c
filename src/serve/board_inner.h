/* board_inner.h - what the page's files share: who looks at what, what was read for it, and how it is written. Private to src/serve.
 *
 * board.c has requests, sessions and forms, in the loop; board_read.c the reading, in a thread; the writers (board_frame.c, board_overview.c,
 * board_history.c, board_calls.c, board_call.c, board_document.c, board_chart.c) are pure. */
#ifndef RUNG_SERVE_BOARD_INNER_H
#define RUNG_SERVE_BOARD_INNER_H

#include "report/figure.h"
#include "serve/board.h"
#include "serve/sessions.h"
#include "serve/standing.h"
#include "stats/interval.h"

enum { BOARD_BUCKETS = 60, BOARD_CALLS = 50, BOARD_TURNS = 16 };

/* A time that is looked back upon, in buckets of the same length. */
struct board_span {
	const char *name, *label;
	double bucket_ms;
	size_t n;
};
extern const struct board_span board_spans[];
extern const size_t n_board_spans;

enum board_place { BOARD_OVERVIEW, BOARD_HISTORY, BOARD_LIST, BOARD_CALL, BOARD_DOCUMENT };

/* Who looks. */
struct board_viewer {
	const char *name;   /* of the key; NULL: nobody had to log in */
	const char *tenant; /* whose calls are seen; NULL: everybody's */
	bool may_say;       /* something of a call */
	const char *token;  /* that forms carry */
};

/* What is asked for; members that were not given are NULL. */
struct board_query {
	enum board_place place;
	const struct board_span *span;
	const char *task, *variant, *verdict, *feedback, *before, *call, *document;
	size_t start, end; /* of a document, bytes */
	bool noted;        /* something was just said of the call */
};

/* A model that may be asked: a task, or another one. */
struct board_model {
	const char *name;
	const char *documents;            /* NULL: none */
	const struct served_verdict *by;  /* grades demonstrations; NULL: it is no task */
	const struct live *weighed;       /* what was said of its answers, as the governor weighed it last; NULL: it has not, or it is not this
					   * viewer's to see */
};

struct board_view {
	struct board_viewer viewer;
	struct board_query query;
	const struct board_model *models; /* (n_models) that this viewer may ask, tasks first */
	size_t n_models;
	uint64_t now_ms;
	size_t in_flight;                 /* as it was asked */
	struct journal_counts log;
};

/* ---- what was read ---- */

struct board_samples {
	double *x;
	size_t n;
};

struct board_bucket {
	size_t answered, none, failed;
	size_t scored;
	double scores;        /* their sum */
	double usd, p50, p95; /* NAN: nothing was measured */
	struct board_samples ms;
};

/* What one variant answered, by one verdict. */
struct board_group {
	const char *variant, *verdict; /* "": nobody did */
	size_t calls, answered, none, refused, failed, cached, unpriced; /* none: a reply without an answer; refused: 4xx */
	double input_tokens, output_tokens, usd;
	struct board_samples ms, first_ms, scores;
	double p50, p95, first_p50, first_p95;
	double score;              /* mean; NAN: nobody said anything */
	struct interval interval;  /* of it, valid however often it is looked at */
};

struct board_model_tally {
	const struct board_model *model;
	struct board_bucket buckets[BOARD_BUCKETS];
	struct board_group *groups; /* (n_groups) by variant */
	size_t n_groups;
	struct standing standing;   /* of a task */
	double turns[BOARD_TURNS];  /* (n_turns) when another verdict began to serve, as a share of the time */
	size_t n_turns;
};

struct board_tally {
	struct board_model_tally *models; /* (n_models) */
	struct served_upstream *upstreams;
	size_t n_upstreams, looked_at, n_said;
	bool cut;                         /* there were more calls than were looked at */
	uint64_t from_ms;
};

/* A call of the list, or a whole one. */
struct board_call {
	struct served_call call;
	struct served_feedback *said; /* (n_said) */
	size_t n_said;
	struct served_attempt *attempts;
	size_t n_attempts;
};

/* ---- writing ---- */

void board_write_overview(struct buf *out, const struct board_view *v, const struct board_tally *t);
void board_write_history(struct buf *out, const struct board_view *v, const struct served_turn *turns, size_t n);
/* more: there are older ones */
void board_write_list(struct buf *out, const struct board_view *v, const struct board_call *calls, size_t n, bool more);
void board_write_call(struct buf *out, const struct board_view *v, const struct board_call *c, const char *const *around);
/* The bytes of a document from `from` on; whole: its length. text NULL: the names (n) of the task's documents. */
struct board_text {
	const char *text;
	size_t from, n, whole;
};
void board_write_document(struct buf *out, const struct board_view *v, const struct board_text *t);
void board_write_documents(struct buf *out, const struct board_view *v, const char *const *names, size_t n);
void board_write_login(struct buf *out, const char *wrong); /* wrong NULL: nothing was tried yet */
/* A page that says one thing. */
void board_write_note(struct buf *out, const struct board_view *v, const char *title, const char *sentence);

void board_open_page(struct buf *out, const struct board_view *v, const char *title);
void board_close_page(struct buf *out);
extern const char board_css[], board_script[];

/* Text of many lines, escaped; the bytes [mark, mark_end) of it are marked. */
void board_add_text(struct buf *out, const char *text, size_t n, size_t mark, size_t mark_end);
void board_add_time(struct buf *out, uint64_t ms);
/* "path?task=...&...": each value escaped for a query, and for an attribute; NULL leaves its name out. Names and values end with NULL. */
void board_add_link(struct buf *out, const char *path, const char *const *pairs, const char *text);
void board_add_number(struct buf *out, const char *figure); /* a cell */
int board_rung(const char *variant); /* 0 of what is none */
const struct board_model *board_model_of(const struct board_view *v, const char *name);

/* Values by bucket, drawn as bars on top of each other, or as lines (NAN: a gap). */
struct board_chart {
	const char *id, *title, *description;
	const double *series[3];  /* (n) */
	const char *classes[3];
	size_t n_series, n;
	bool bars, counts; /* counts: there is nothing between 0 and 1 */
	double least;             /* the axis reaches so far at least */
	struct figure (*figure)(double x);
	const double *marks;      /* (n_marks) upright lines, at these shares of the time */
	size_t n_marks;
	char from[24], to[24];    /* its ends, as text */
};
void board_draw(struct buf *out, const struct board_chart *c);
/* A mean between 0 and 1 and its interval, in a line. */
void board_draw_interval(struct buf *out, double mean, struct interval interval, int rung);

#endif
