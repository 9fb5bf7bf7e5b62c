/* greedy.c - do greedy answers depend on company? Prompts of real texts are answered each alone and TOGETHER at a time
 * (decoder_step() in decoder.h says what is multiplied how).
 *
 *     greedy [prompts 200] [tokens 32] [model]
 *
 * One line: name <TAB> equal answers <TAB> prompts <TAB> ratio <TAB> target <TAB> ok | short | absent; and a remark for
 * each answer that differs: the place of the token where they part, and how much likelier (natural log) the first choice
 * was there than the second. Half of the prompts are e-mails of email_five with an instruction, half questions of
 * banking77, in the format of the model's family. Settings: RUNG_MODELS (default models), RUNG_DATA (default
 * ../shared/data), RUNG_KERNELS. */
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "llm/chat.h"
#include "llm/generate.h"
#include "task/table.h"

enum { TOGETHER = 64, LINE = 500 /* bytes of an e-mail */ };

static const double target = 0.99;
static const char name[] = "greedy answers alone and together";

struct comparison {
	struct decoder *decoder;
	struct token_list *prompts; /* (n) */
	struct generation *alone, *together;
	size_t n, tokens;
	int32_t end;
};

static void die(const char *text)
{
	fprintf(stderr, "greedy: %s\n", text);
	exit(1);
}

static const char *setting(const char *variable, const char *otherwise)
{
	const char *value = getenv(variable);

	return value ? value : otherwise;
}

/* False, and "absent" printed, where the file is not there. */
static bool present(const char *path)
{
	if (!file_exists(path))
		printf("%s\t-\t-\t-\t%.2f\tabsent\t# %s\n", name, target, path);
	return file_exists(path);
}

static size_t column(const struct table *t, const char *want)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (strcmp(t->columns[i], want) == 0)
			return i;
	die("a data set lacks a column that it should have");
	return 0;
}

static void read_rows(struct table *t, struct arena *arena, const char *path)
{
	struct error err;

	if (!table_read(t, arena, path, &err))
		die(err.text);
}

/* The e-mails first, spread over their file, then the questions. */
static void make_prompts(struct comparison *c, const char *emails, const char *questions)
{
	const struct tokenizer *t = decoder_tokenizer(c->decoder);
	const struct chat_format *format = chat_format_detect(t);
	struct table mail, bank;
	struct arena arena;

	arena_init(&arena);
	read_rows(&mail, &arena, emails);
	read_rows(&bank, &arena, questions);
	c->prompts = mem_zero(c->n, sizeof(*c->prompts));
	c->end = chat_end(format, t);
	for (size_t i = 0; i < c->n; i++) {
		bool is_mail = i < c->n / 2;
		const struct table *from = is_mail ? &mail : &bank;
		const char **values = from->rows[i * from->n_rows / c->n].values;
		struct buf text = { 0 };

		if (is_mail)
			buf_addf(&text, "What does the writer of this e-mail want?\n\n%s\n", values[column(&mail, "subject")]);
		buf_addf(&text, "%.*s", LINE, values[column(from, "text")]);
		chat_encode(format, t, &(struct chat_message){ CHAT_USER, buf_text(&text) }, 1, &c->prompts[i]);
		buf_release(&text);
	}
	arena_release(&arena);
}

static struct generation *answer(struct comparison *c, size_t group)
{
	struct generate_options options = { .max_tokens = c->tokens, .end = c->end, .budget = SIZE_MAX / 2 };
	struct generation *out = mem_zero(c->n, sizeof(*out));

	for (size_t at = 0; at < c->n; at += group)
		generate(c->decoder, NULL, c->prompts + at, c->n - at < group ? c->n - at : group, &options, out + at);
	return out;
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->n == b->n && memcmp(buf_text(a), buf_text(b), a->n) == 0;
}

/* The two likeliest ids, and by how much the first is the likelier. */
static double best_two(const float *logits, size_t n, int32_t best[2])
{
	best[0] = logits[1] > logits[0];
	best[1] = !best[0];
	for (size_t i = 2; i < n; i++) {
		if (logits[i] > logits[best[0]]) {
			best[1] = best[0];
			best[0] = (int32_t)i;
		} else if (logits[i] > logits[best[1]]) {
			best[1] = (int32_t)i;
		}
	}
	return (double)logits[best[0]] - (double)logits[best[1]];
}

/* Goes along the packed weights' answer to the first token that leaves the text written alone. */
static void explain(const struct comparison *c, size_t prompt)
{
	const struct tokenizer *t = decoder_tokenizer(c->decoder);
	const struct buf *alone = &c->alone[prompt].text;
	struct context *context = context_new(c->decoder, NULL, c->prompts[prompt].ids, c->prompts[prompt].n);
	float *logits = mem_zero(decoder_vocabulary(c->decoder), sizeof(*logits));
	struct buf text = { 0 };
	int32_t best[2] = { 0 };
	double gap = 0;
	size_t i = 0;

	for (; i < c->tokens && text.n <= alone->n && memcmp(buf_text(&text), buf_text(alone), text.n) == 0; i++) {
		decoder_compute(c->decoder, &context, 1);
		decoder_logits(c->decoder, &context, 1, logits);
		gap = best_two(logits, decoder_vocabulary(c->decoder), best);
		if (best[0] == c->end || best[0] == tokenizer_end(t))
			break;
		tokenizer_decode(t, &best[0], 1, &text);
		context_append(context, best[0]);
	}
	printf("# prompt %zu parts at token %zu, gap %.4f\n", prompt, i, gap);
	buf_release(&text);
	free(logits);
	context_free(context);
}

static void compare(struct comparison *c)
{
	size_t equal = 0;

	c->alone = answer(c, 1);
	c->together = answer(c, TOGETHER);
	for (size_t i = 0; i < c->n; i++) {
		if (same(&c->alone[i].text, &c->together[i].text))
			equal++;
		else
			explain(c, i);
	}
	printf("%s\t%zu\t%zu\t%.3f\t%.2f\t%s\n", name, equal, c->n, (double)equal / (double)c->n, target,
	       (double)equal >= target * (double)c->n ? "ok" : "short");
}

static void release(struct comparison *c)
{
	for (size_t i = 0; i < c->n; i++) {
		token_list_release(&c->prompts[i]);
		generation_release(&c->alone[i]);
		generation_release(&c->together[i]);
	}
	free(c->prompts);
	free(c->alone);
	free(c->together);
	decoder_free(c->decoder);
}

int main(int argc, char **argv)
{
	const char *data = setting("RUNG_DATA", "../shared/data");
	struct comparison c = { .n = argc > 1 ? strtoul(argv[1], NULL, 10) : 200,
				.tokens = argc > 2 ? strtoul(argv[2], NULL, 10) : 32 };
	struct buf model = { 0 }, emails = { 0 }, questions = { 0 };
	const struct kernels *kernels;
	struct error err;

	buf_addf(&model, "%s/%s", setting("RUNG_MODELS", "models"), argc > 3 ? argv[3] : "smollm2-135m-instruct.Q4_1.gguf");
	buf_addf(&emails, "%s/email_five/email_five.jsonl", data);
	buf_addf(&questions, "%s/banking77/test.csv", data);
	kernels = kernels_choose(false, &err);
	if (!kernels)
		die(err.text);
	if (present(buf_text(&model)) && present(buf_text(&emails)) && present(buf_text(&questions))) {
		struct pool *pool = pool_open(2);

		c.decoder = decoder_open(buf_text(&model), kernels, pool, &err);
		if (!c.decoder)
			die(err.text);
		make_prompts(&c, buf_text(&emails), buf_text(&questions));
		compare(&c);
		release(&c);
		pool_free(pool);
	}
	buf_release(&model);
	buf_release(&emails);
	buf_release(&questions);
	return 0;
}
