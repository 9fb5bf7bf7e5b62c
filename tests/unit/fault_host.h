/* fault_host.h - the fault server (tests/support) beside a unit test: started before its group, ended by its pid after it. */
#ifndef RUNG_TESTS_FAULT_HOST_H
#define RUNG_TESTS_FAULT_HOST_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t fault_host;

/* option: of the server, NULL: none. base: "http://127.0.0.1:PORT". */
static bool fault_start(const char *option, char base[64])
{
	char self[4096] = { 0 }, program[4200], line[64] = { 0 };
	int ends[2];

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0 || pipe(ends) != 0)
		return false;
	*strrchr(self, '/') = '\0';
	snprintf(program, sizeof(program), "%s/support/fault_server", self);
	fault_host = fork();
	if (fault_host == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execl(program, program, "--seconds", "300", option, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	FILE *in = fdopen(ends[0], "r");
	bool said = fgets(line, sizeof(line), in) != NULL;

	fclose(in);
	snprintf(base, 64, "http://127.0.0.1:%ld", said ? strtol(line + strlen("listening "), NULL, 10) : 0);
	return said;
}

static void fault_stop(void)
{
	kill(fault_host, SIGTERM);
	waitpid(fault_host, NULL, 0);
}

#endif
