/* view.h - a report that is served while it comes about: the page, the same as JSON, and a version that changes whenever they do.
 *
 * What is asked for again is made again only when the version has changed. One thread. */
#ifndef RUNG_SERVE_VIEW_H
#define RUNG_SERVE_VIEW_H

#include <stdint.h>

#include "base/buf.h"
#include "serve/server.h"

struct view_source {
	/* A cheap number that changes when what is shown may have changed. */
	uint64_t (*version)(void *context);
	/* Both forms as they are now; false: they are stand-ins that say why there is no report yet. policy: of the page. */
	bool (*write)(void *context, uint64_t version, struct buf *page, struct buf *policy, struct buf *json);
	void *context;
};

struct view {
	struct view_source source;
	bool made, ready;
	uint64_t version;
	struct buf page, policy, json;
};

void view_release(struct view *v); /* { .source = ... } is a valid view */
struct view_reply {
	int status;
	const char *type;   /* static */
	const char *policy; /* the page's content security policy, as long-lived as the view's; NULL: nothing runs in it */
	struct buf body;    /* the caller releases it */
};
/* / and /report.json (503 while there is no report), /version (16 hexadecimal digits). */
void view_reply(struct view *v, const char *path, struct view_reply *reply);
/* A server's handler; context is a view. GET and HEAD alone. */
void view_answer(void *context, struct exchange *x);

#endif
