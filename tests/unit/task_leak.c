/* Leakage does not compile: a function that takes the pool accepts no test items. The compiler itself is asked. */
#include "task_folder.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/wait.h>

static const char header[] = "#include \"task/task.h\"\n"
			     "size_t shots(struct pool_items pool);\n"
			     "size_t select_on(struct dev_items dev);\n"
			     "size_t judge(struct test_items test);\n"
			     "size_t use(const struct task *t);\n"
			     "size_t use(const struct task *t)\n{\n\treturn ";

static const struct {
	const char *name, *expression;
	bool compiles;
} cases[] = {
	{ "shots from the pool", "shots(t->pool)", true },
	{ "selection on dev", "select_on(t->dev)", true },
	{ "judgement on test", "judge(t->test)", true },
	{ "shots from test", "shots(t->test)", false },
	{ "shots from dev", "shots(t->dev)", false },
	{ "selection on test", "select_on(t->test)", false },
	{ "judgement on dev", "judge(t->dev)", false },
	{ "judgement on the pool", "judge(t->pool)", false },
	{ "selection on what is set aside", "select_on(t->aside)", false },
	{ "shots from what is set aside", "shots(t->aside)", false },
};

/* Whether the compiler accepts the source; -1 when there is no compiler. */
static int compiles(const char *source)
{
	const char *cc = getenv("CC") ? getenv("CC") : "cc";
	pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child == 0) {
		int nothing = open("/dev/null", O_WRONLY);

		dup2(nothing, STDOUT_FILENO);
		dup2(nothing, STDERR_FILENO);
		execlp(cc, cc, "-std=c17", "-D_GNU_SOURCE", "-fsyntax-only", "-Isrc", source, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == 127 ? -1 : WEXITSTATUS(status) == 0;
}

static void splits_do_not_mix(void **state)
{
	struct folder f = folder_make();
	char path[128];
	int got = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/leak.c", f.path);
	for (size_t i = 0; i < ARRAY_SIZE(cases) && got >= 0; i++) {
		char source[1024];
		int n = snprintf(source, sizeof(source), "%s%s;\n}\n", header, cases[i].expression);

		folder_write(&f, "leak.c", source, (size_t)n);
		got = compiles(path);
		if (got >= 0 && got != cases[i].compiles)
			fail_msg("%s: %s", cases[i].name, got ? "compiles" : "does not compile");
	}
	folder_remove(&f);
	if (got < 0) {
		print_message("no C compiler to ask (CC)\n");
		skip();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(splits_do_not_mix) };

	if (access("src/task/task.h", R_OK) != 0) {
		fprintf(stderr, "task_leak: run from the root of the source tree\n");
		return 1;
	}
	return cmocka_run_group_tests_name("task_leak", tests, NULL, NULL);
}
