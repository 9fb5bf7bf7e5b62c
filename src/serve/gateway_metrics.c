/* gateway_metrics.c - GET /metrics: what was counted, and how things stand */
#include <stdio.h>
#include <unistd.h>

#include "serve/gateway_inner.h"

/* Resident memory in bytes; 0: this system does not say. */
static double resident_bytes(void)
{
	unsigned long size, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void add_journal(struct gateway *g, struct buf *out)
{
	static const char rows[] = "rung_log_rows_total";

	if (!g->journal)
		return;
	struct journal_counts c = journal_counts(g->journal);

	metrics_write_one(out, rows, "counter", "Rows of the log that were written, and that were dropped because it could not take them.", "what", "written",
			  (double)c.written);
	metrics_write_one(out, rows, NULL, NULL, "what", "dropped", (double)c.dropped);
	metrics_write_one(out, "rung_log_rows_waiting", "gauge", "Rows on their way into the log.", NULL, NULL, (double)c.waiting);
}

static void add_queues(struct gateway *g, struct buf *out)
{
	static const char name[] = "rung_questions_waiting";
	const char *help = "Questions that wait for a task or a local model.";

	for (size_t i = 0; i < g->settings->n_tasks; i++, help = NULL)
		metrics_write_one(out, name, "gauge", help, "model", g->seats[i].task, (double)worker_waiting(g->seats[i].serving->worker));
	for (size_t i = 0; i < g->settings->n_models; i++, help = NULL)
		metrics_write_one(out, name, "gauge", help, "model", g->hosts[i].model->name, (double)worker_waiting(g->hosts[i].worker));
}

static void add_told(const char *name, const char *help, struct outbox_counts c, struct buf *out)
{
	metrics_write_one(out, name, "counter", help, "what", "taken", (double)c.taken);
	metrics_write_one(out, name, NULL, NULL, "what", "dropped", (double)c.dropped);
}

static void add_tellers(struct gateway *g, struct buf *out)
{
	if (g->access_log)
		add_told("rung_access_log_lines_total", "Lines of the access log that were written, and that were dropped because it could not take them.",
			 access_log_counts(g->access_log), out);
	if (g->otlp)
		add_told("rung_spans_total", "Spans that the collector took, and that were dropped because it could not.", otlp_counts(g->otlp), out);
}

void gateway_metrics(struct gateway *g, struct exchange *x, struct account *whose)
{
	static const char *const headers[] = { "Content-Type", "text/plain; version=0.0.4; charset=utf-8", "Cache-Control", "no-store", NULL };
	struct buf out = { 0 };

	(void)whose;
	metrics_write(g->metrics, &out);
	add_journal(g, &out);
	add_queues(g, &out);
	add_tellers(g, &out);
	metrics_write_one(&out, "rung_requests_in_flight", "gauge", "Requests without a whole reply.", NULL, NULL, (double)server_exchanges(g->server));
	if (g->cache)
		metrics_write_one(&out, "rung_cache_bytes", "gauge", "What answers kept for who asks the same take.", NULL, NULL, (double)cache_bytes(g->cache));
	metrics_write_one(&out, "process_resident_memory_bytes", "gauge", "Resident memory.", NULL, NULL, resident_bytes());
	metrics_write_one(&out, "process_start_time_seconds", "gauge", "When this server began, in seconds since 1970.", NULL, NULL, (double)g->created);
	exchange_reply(x, 200, headers, buf_text(&out), out.n);
	buf_release(&out);
}
