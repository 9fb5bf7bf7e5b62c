/* base_process.c - lines out and in through a program: whole batches larger than any pipe, ends of every kind, nothing left behind. */
#include "base/process.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "test.h"

struct heard {
	struct buf text; /* all lines, each with its end */
	size_t n, last_at; /* last_at: the line at which the input is ended; 0: at none */
	struct process *process;
};

static bool hear(void *context, size_t i, const char *line, struct error *err)
{
	struct heard *h = context;

	(void)err;
	assert_int_equal(i, h->n);
	h->n++;
	buf_addf(&h->text, "%s\n", line);
	if (h->last_at && h->n == h->last_at)
		process_last(h->process);
	return true;
}

/* Says the text to the command; what it answers is compared. error: the beginning of the clause, NULL: all goes well. */
static void talk(const char *command, const char *text, size_t lines, bool finish, const char *answer, const char *error)
{
	struct error err = { .text = "" };
	struct process *p = process_start(command, "/tmp", &err);
	struct heard h = { .process = p };
	struct process_talk t = { .text = text, .bytes = strlen(text), .lines = lines, .timeout_ms = 20000, .line = hear, .context = &h };

	assert_non_null(p);
	bool ok = process_talk(p, &t, &err) && (!finish || process_finish(p, &t, &err));

	process_end(p);
	if (ok != !error || (error && strncmp(err.text, error, strlen(error)) != 0))
		fail_msg("%s: %s (%zu lines)", command, err.text, h.n);
	if (answer)
		assert_string_equal(buf_text(&h.text), answer);
	buf_release(&h.text);
}

static void lines_come_back(void **state)
{
	(void)state;
	talk("cat", "a\nb\n", 2, false, "a\nb\n", NULL);
	talk("cat", "a\nb\n", 2, true, "a\nb\n", NULL);
	talk("read a; echo $a; exec cat", "a\r\nb\n", 2, true, "a\nb\n", NULL);
	talk("pwd", "", 1, true, "/tmp\n", NULL);
	talk("echo $PYTHONUNBUFFERED", "", 1, true, "1\n", NULL);
	talk("sort -r", "a\nb\n", 0, false, "", NULL);
}

static void ends_are_told_apart(void **state)
{
	(void)state;
	talk("exit 3", "a\n", 1, false, NULL, "it ended with exit status 3 after 0 of 1 lines");
	talk("echo 1; echo why >&2; exit 3", "a\nb\n", 2, false, "1\n", "it ended with exit status 3 after 1 of 2 lines; the last it said: why");
	talk("kill -9 $$", "a\n", 1, false, NULL, "it was ended by signal 9");
	talk("/tmp/no/such/program", "a\n", 1, false, NULL, "it ended with exit status 127 (the shell found no such program)");
	talk("echo 1; cat >/dev/null; exit 2", "a\n", 1, true, NULL, "it ended with exit status 2 after 1 of 1 lines");
	talk("echo 1; cat >/dev/null; echo 2", "a\n", 1, true, NULL, "it wrote more lines than it was asked for");
	talk("printf '1\\n2\\n'; cat", "a\n", 1, false, NULL, "it wrote more lines than it was asked for");
}

/* 8 MB each way: a side that waited for the other to read would wait for ever. */
static void pipes_do_not_fill(void **state)
{
	enum { LINES = 8000 };
	struct buf text = { 0 };

	(void)state;
	for (int i = 0; i < LINES; i++)
		buf_addf(&text, "%01000d\n", i);
	talk("cat", buf_text(&text), LINES, true, buf_text(&text), NULL);
	talk("tee /dev/stderr", buf_text(&text), LINES, true, buf_text(&text), NULL); /* and complaints are read */
	talk("head -n 10", buf_text(&text), LINES, false, NULL, "it ended with exit status 0 after 10 of 8000 lines");
	buf_release(&text);
}

static void input_ends_when_told(void **state)
{
	struct error err = { .text = "" };
	struct process *p = process_start("read a; echo $a; sort", "/tmp", &err); /* sort waits for the end */
	struct heard h = { .process = p, .last_at = 1 };
	struct process_talk t = { .text = "x\nc\nb\n", .bytes = 6, .lines = 3, .timeout_ms = 20000, .line = hear, .context = &h };

	(void)state;
	if (!process_talk(p, &t, &err) || !process_finish(p, &t, &err))
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&h.text), "x\nb\nc\n");
	process_end(p);
	buf_release(&h.text);
}

static bool stopped_at_once(void *context)
{
	(void)context;
	return true;
}

/* Its own children end too: `sleep` runs in the group of the shell that started it. */
static void nothing_is_left(void **state)
{
	struct error err = { .text = "" };
	struct process *p = process_start("sleep 1000 & echo $!; wait", "/tmp", &err);
	struct heard h = { .process = p };
	struct process_talk t = { .text = "", .lines = 1, .timeout_ms = 20000, .line = hear, .context = &h };

	(void)state;
	assert_true(process_talk(p, &t, &err));
	pid_t sleeper = (pid_t)strtol(buf_text(&h.text), NULL, 10);

	assert_true(sleeper > 1 && kill(sleeper, 0) == 0);
	t.stopped = stopped_at_once;
	assert_false(process_talk(p, &t, &err));
	assert_string_equal(err.text, "interrupted");
	t.stopped = NULL;
	t.timeout_ms = 1;
	assert_false(process_talk(p, &t, &err));
	assert_non_null(strstr(err.text, "it wrote no line for 0.001 s (does it flush"));
	process_end(p);
	for (int i = 0; i < 1000 && kill(sleeper, 0) == 0; i++) { /* until it is reaped by whoever does that here */
		char path[64], status[512] = "";

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)sleeper);
		FILE *f = fopen(path, "r");

		if (!f)
			break;
		if (!fgets(status, sizeof(status), f))
			status[0] = '\0';
		fclose(f);
		if (strstr(status, ") Z ")) /* dead */
			break;
		usleep(5000);
		assert_true(i < 999);
	}
	buf_release(&h.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_back),
		cmocka_unit_test(ends_are_told_apart),
		cmocka_unit_test(pipes_do_not_fill),
		cmocka_unit_test(input_ends_when_told),
		cmocka_unit_test(nothing_is_left),
	};

	return cmocka_run_group_tests_name("base_process", tests, NULL, NULL);
}
