/* agree.c - two models on the same prompts: how often the same answer is read in what they write, they write the same, and choose the same label. For a local model beside a server
 * that has the same file (tools/check-llama-server.sh).
 *
 *     bench/agree MODEL OTHER EXAMPLES.jsonl [N]     columns subject, text, label; models as in task files */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "model/model.h"
#include "model/registry.h"
#include "prompt/parse.h"

enum { LABELS = 5, TURNS = 2 * LABELS + 1, BODY = 500, SHOT = 150, SHOWN = 60 };
static const char *const labels[LABELS] = { "automated", "marketing", "personal", "spam", "work" };

struct examples {
	struct message *turns; /* (n, TURNS) five shots, a kind each, and the e-mail: what comes back is a label, mostly */
	size_t n;
};

static const char *prompt_of(struct arena *arena, const json_t *row, size_t most)
{
	const char *subject = json_string_value(json_object_get(row, "subject")), *body = json_string_value(json_object_get(row, "text"));

	return arena_printf(arena, "Classify this email as one of automated, marketing, personal, spam, work. Respond with only the category name."
				   "\n\nEmail subject: %s\nEmail body (first 500 chars): %.*s", subject ? subject : "",
			    (int)text_first(body ? body : "", strlen(body ? body : ""), most), body ? body : "");
}

/* The first e-mail of each kind. */
static void take_shot(struct message *shots, const json_t *row, struct arena *arena)
{
	const char *label = json_string_value(json_object_get(row, "label"));

	for (size_t k = 0; k < LABELS; k++)
		if (label && strcmp(label, labels[k]) == 0 && !shots[2 * k].text) {
			shots[2 * k] = (struct message){ MESSAGE_USER, prompt_of(arena, row, SHOT) };
			shots[2 * k + 1] = (struct message){ MESSAGE_ASSISTANT, labels[k] };
		}
}

/* Every k-th line, so that all kinds are among them. */
static struct examples read_examples(const char *path, size_t wanted, struct arena *arena, struct error *err)
{
	struct examples e = { arena_array(arena, wanted * TURNS, sizeof(*e.turns)), 0 };
	struct message shots[TURNS] = { 0 };
	size_t bytes, lines = 0, line = 0;
	char *text = file_read(path, (size_t)1 << 28, &bytes, err);

	for (size_t i = 0; text && i < bytes; i++)
		lines += text[i] == '\n';
	size_t step = lines > wanted ? lines / wanted : 1;

	for (char *at = text, *next; at && *at; at = next, line++) {
		next = strchr(at, '\n');
		size_t n = next ? (size_t)(next++ - at) : strlen(at);
		json_t *row = json_loadb(at, n, 0, NULL);

		take_shot(shots, row, arena);
		if (line % step == step - 1 && e.n < wanted)
			e.turns[e.n++ * TURNS + TURNS - 1] = (struct message){ MESSAGE_USER, prompt_of(arena, row, BODY) };
		json_decref(row);
	}
	for (size_t i = 0; i < e.n; i++)
		memcpy(&e.turns[i * TURNS], shots, (TURNS - 1) * sizeof(*shots));
	free(text);
	return e;
}

static bool ask(struct models *models, const char *name, const struct examples *e, enum model_want want, struct arena *arena,
		struct model_reply *replies, struct error *err)
{
	enum { TOGETHER = 10 };
	struct model *m = model_open(models, name, err);

	for (size_t from = 0; m && from < e->n; from += TOGETHER) {
		size_t n = e->n - from < TOGETHER ? e->n - from : TOGETHER;
		struct model_request requests[TOGETHER];

		for (size_t i = 0; i < n; i++)
			requests[i] = (struct model_request){ .messages = &e->turns[(from + i) * TURNS], .n_messages = TURNS, .want = want, .choices = labels,
							      .n_choices = want == WANT_SCORES ? LABELS : 0, .max_tokens = 8 };
		if (!model_ask(m, arena, requests, n, replies + from, NULL, err))
			return false;
		fprintf(stderr, "\r%.40s %zu/%zu", name, from + n, e->n);
	}
	fputs("\n", stderr);
	return m != NULL;
}

static size_t best(const double *scores)
{
	size_t at = 0;

	for (size_t i = 1; scores && i < LABELS; i++)
		at = scores[i] > scores[at] ? i : at;
	return at;
}

static const char *trimmed(const char *text, size_t *n)
{
	text += strspn(text, " \n");
	*n = strlen(text);
	while (*n > 0 && strchr(" \n", text[*n - 1]))
		--*n;
	return text;
}

static bool same_text(const char *a, const char *b)
{
	size_t n, m;
	const char *x = trimmed(a, &n), *y = trimmed(b, &m);

	return n == m && memcmp(x, y, n) == 0;
}

/* The label that a climb reads in the text; LABELS: none. */
static size_t answer_in(const char *text)
{
	struct label named[LABELS] = { 0 };
	const struct task task = { .labels = named, .n_labels = LABELS };
	size_t label;

	for (size_t k = 0; k < LABELS; k++)
		named[k].name = labels[k];
	return text && parse_label(&task, text, false, &label) == PARSE_LABEL ? label : LABELS;
}

static double same_answers(const struct model_reply *a, const struct model_reply *b, size_t n)
{
	size_t same = 0;

	for (size_t i = 0; i < n; i++)
		same += answer_in(a[i].text) == answer_in(b[i].text);
	return n ? (double)same / (double)n : 0;
}

static void say(const char *name, size_t n, double share)
{
	printf("%s_of_%zu\t%.4f\t1\t%.4f\t0.97\t%s\n", name, n, share, share, share >= .97 ? "ok" : "short");
}

/* The share of items on which both say the same; each difference is a line on stderr. */
static double compare(const struct model_reply *a, const struct model_reply *b, size_t n, enum model_want want)
{
	size_t same = 0;

	for (size_t i = 0; i < n; i++) {
		bool alike = want == WANT_TEXT ? a[i].text && b[i].text && same_text(a[i].text, b[i].text)
					       : a[i].scores && b[i].scores && best(a[i].scores) == best(b[i].scores);

		same += alike;
		if (!alike && want == WANT_TEXT)
			fprintf(stderr, "item %zu (%zu and %zu tokens): \"%.*s\" and \"%.*s\"\n", i, a[i].input_tokens, b[i].input_tokens, SHOWN,
				a[i].text ? a[i].text : "", SHOWN, b[i].text ? b[i].text : "");
		else if (!alike)
			fprintf(stderr, "item %zu: %s and %s\n", i, a[i].scores ? labels[best(a[i].scores)] : "no scores",
				b[i].scores ? labels[best(b[i].scores)] : "no scores");
	}
	return n ? (double)same / (double)n : 0;
}

int main(int argc, char **argv)
{
	static const struct { enum model_want want; const char *name; } rows[] = { { WANT_TEXT, "same_text" }, { WANT_SCORES, "same_label_by_score" } };
	const struct model_settings settings = { .in_flight = 2, .timeout_ms = 600e3 };
	struct buf folder = { 0 };
	struct arena arena;
	struct error err;

	if (argc < 4) {
		fputs("usage: agree MODEL OTHER EXAMPLES.jsonl [N]\n", stderr);
		return 1;
	}
	arena_init(&arena);
	registry_folder(NULL, &folder);
	struct models *models = models_open(buf_text(&folder), &settings);
	struct examples e = read_examples(argv[3], argc > 4 ? strtoull(argv[4], NULL, 10) : 200, &arena, &err);
	int code = e.n == 0;

	for (size_t i = 0; i < 2 && !code; i++) {
		struct model_reply *a = arena_array(&arena, e.n, sizeof(*a)), *b = arena_array(&arena, e.n, sizeof(*b));

		if (!ask(models, argv[1], &e, rows[i].want, &arena, a, &err) || !ask(models, argv[2], &e, rows[i].want, &arena, b, &err)) {
			code = 1;
			break;
		}
		if (rows[i].want == WANT_TEXT)
			say("same_answer", e.n, same_answers(a, b, e.n));
		say(rows[i].name, e.n, compare(a, b, e.n, rows[i].want));
	}
	if (code)
		fprintf(stderr, "agree: %s\n", err.text);
	models_free(models);
	buf_release(&folder);
	arena_release(&arena);
	return code;
}
