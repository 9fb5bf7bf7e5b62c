/* serve_relay_events.c - which streams are whole: by their own last words, whatever stands in their texts. */
#include <string.h>

#include "serve/relay_events.h"
#include "test.h"

#define DELTA "event: response.output_text.delta\ndata: {\"delta\":\"a\"}\n\n"

static const struct {
	const char *said;
	size_t n; /* 0: its length */
	bool responded;
} rows[] = {
	{ "", 0, false },
	{ "event: response.completed", 0, false },
	{ DELTA, 0, false },
	{ DELTA "event: response.completed\ndata: {}\n\n", 0, true },
	{ DELTA "event: response.incomplete\ndata: {}\n\n", 0, true },
	{ DELTA "event: response.failed\ndata: {}\n\n", 0, true },
	{ DELTA "event: response.completed\r\ndata: {}\r\n\r\n", 0, true },
	{ DELTA "event: response.completed\ndata: {", 0, false },
	{ DELTA "event: response.completed\ndata: {}\n", 0, false },
	/* what a model writes about events */
	{ DELTA "event: response.completed\ndata: {\"text\":\"event: response.output_text.delta\"}\n\n", 0, true },
	{ "event: response.output_text.delta\ndata: {\"delta\":\"event: response.completed\"}\n\n", 0, false },
	{ "event: response.output_text.delta\ndata: event: response.completed\n\n", 0, false },
	{ "event: response.completed\ndata: {}\n\n" DELTA, 0, false },
	{ "\0\n" DELTA "event: response.completed\ndata: {}\n\n", sizeof("\0\n" DELTA "event: response.completed\ndata: {}\n\n") - 1, true },
};

static void responses_end_by_their_last_event(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf said = { 0 };

		buf_add(&said, rows[i].said, rows[i].n ? rows[i].n : strlen(rows[i].said));
		if (relay_events_responded(&said) != rows[i].responded)
			fail_msg("row %zu: %s", i, rows[i].said);
		buf_release(&said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(responses_end_by_their_last_event) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
