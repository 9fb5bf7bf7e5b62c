/* fault_server.c - the command: options, and the loop. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>

#include "fault.h"

static const char usage[] =
	"usage: fault_server [options]\n"
	"  --port N          of 127.0.0.1; 0 (the default): any, and \"listening PORT\" says which\n"
	"  --answers FILE    JSON Lines of {\"match\", \"answer\", \"wrong\"}: the first that the last user turn holds; else \"ok\"\n"
	"  --right P         the share of rows, by model, that are answered rightly (1)\n"
	"  --need-key        Authorization: Bearer sk-test..., or x-api-key: sk-test...\n"
	"  --log FILE        a line for each paid answer: model, hash of the request, tokens in, tokens out\n"
	"  --polls N         looks after which a batch or a job has ended (2)\n"
	"  --cache-min N     tokens that a prefix must have to be cached (1024)\n"
	"  --requests-max N  ends after so many\n"
	"  --seconds S       ends after so long (600)\n";

static double number(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end != text && *end == '\0' && value >= 0)
		return value;
	fprintf(stderr, "fault_server: \"%s\" is no number\n", text);
	exit(2);
}

static int open_log(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd >= 0)
		return fd;
	fprintf(stderr, "fault_server: %s: %s\n", path, strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{ "port", 1, NULL, 'p' }, { "answers", 1, NULL, 'a' }, { "right", 1, NULL, 'r' }, { "need-key", 0, NULL, 'k' },
		{ "log", 1, NULL, 'l' }, { "polls", 1, NULL, 'o' }, { "cache-min", 1, NULL, 'c' }, { "requests-max", 1, NULL, 'm' },
		{ "seconds", 1, NULL, 's' }, { "help", 0, NULL, 'h' }, { 0 },
	};
	double seconds = 600;
	size_t requests_max = 0;
	int port = 0;

	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;)
		switch (c) {
		case 'p': port = (int)number(optarg); break;
		case 'a': answers_load(optarg); break;
		case 'r': options.right = number(optarg); break;
		case 'k': options.need_key = true; break;
		case 'l': options.log = open_log(optarg); break;
		case 'o': options.polls = (size_t)number(optarg); break;
		case 'c': options.cache_min = (size_t)number(optarg); break;
		case 'm': requests_max = (size_t)number(optarg); break;
		case 's': seconds = number(optarg); break;
		case 'h': fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return 2;
		}
	printf("listening %d\n", http_listen(port));
	fflush(stdout);
	http_run(seconds, requests_max);
	return 0;
}
