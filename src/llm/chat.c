/* chat.c - the table of formats. A turn is: open marker, role, close marker, text, message, end marker, text. */
#include "llm/chat.h"

#include "base/text.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct chat_format {
	const char *name;
	const char *evidence;   /* part of the model's template that tells it from a later row; NULL: markers do */
	const char *begin;      /* special token in front of everything, or NULL */
	const char *open;       /* special token before the role; NULL: the format has no roles */
	const char *close;      /* special token behind the role, or NULL */
	const char *gap;        /* text between the role's marker and the message */
	const char *end;        /* special token behind the message, or NULL */
	const char *after;      /* text behind that */
	const char *assistant;  /* the role's name where it is another one */
	const char *answer;     /* text behind the opening of the turn that the model continues, or NULL */
	bool trim;              /* the template strips white space around messages */
	bool folds;             /* no system role: its text and an empty line go into the first turn */
	bool written;           /* the role's markers are plain text to the model */
	const char *default_system; /* when the conversation does not begin with one */
};

#define CHATML .open = "<|im_start|>", .gap = "\n", .end = "<|im_end|>", .after = "\n"

/* smollm2, qwen: the templates in the GGUF files of SmolLM2 and Qwen2.5. qwen3: that of Qwen3, whose switch for answers
 * without thoughts writes them as empty. llama3, gemma: the model cards of Llama 3 and Gemma. zephyr: TinyLlama's chat
 * models. plain: base models, paragraphs. */
static const struct chat_format formats[] = {
	{ .name = "smollm2", .evidence = "named SmolLM", CHATML,
	  .default_system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face" },
	{ .name = "qwen", .evidence = "You are Qwen, created by Alibaba Cloud.", CHATML,
	  .default_system = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant." },
	{ .name = "qwen3", .evidence = "enable_thinking", CHATML, .answer = "<think>\n\n</think>\n\n" },
	{ .name = "chatml", CHATML },
	{ .name = "llama3",
	  .begin = "<|begin_of_text|>",
	  .open = "<|start_header_id|>",
	  .close = "<|end_header_id|>",
	  .gap = "\n\n",
	  .end = "<|eot_id|>",
	  .after = "",
	  .trim = true },
	{ .name = "gemma",
	  .open = "<start_of_turn>",
	  .gap = "\n",
	  .end = "<end_of_turn>",
	  .after = "\n",
	  .assistant = "model",
	  .trim = true,
	  .folds = true },
	{ .name = "zephyr",
	  .evidence = "<|user|>",
	  .open = "<|",
	  .close = "|>",
	  .gap = "\n",
	  .end = "</s>",
	  .after = "\n",
	  .written = true },
	{ .name = "plain", .gap = "", .after = "\n\n" },
};

static const char *const role_names[] = {
	[CHAT_SYSTEM] = "system", [CHAT_USER] = "user", [CHAT_ASSISTANT] = "assistant"
};

const struct chat_format *chat_format_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

static bool has(const struct tokenizer *t, const char *marker)
{
	return !marker || tokenizer_special(t, marker) >= 0;
}

static bool fits(const struct chat_format *f, const struct tokenizer *t)
{
	const char *template = tokenizer_template(t);

	if (f->evidence && !(template && strstr(template, f->evidence)))
		return false;
	return has(t, f->begin) && has(t, f->end) && (f->written || (has(t, f->open) && has(t, f->close)));
}

const struct chat_format *chat_format_detect(const struct tokenizer *t)
{
	const struct chat_format *f = formats;

	while (!fits(f, t))
		f++; /* the last row, plain, needs nothing */
	return f;
}

const char *chat_format_name(const struct chat_format *f)
{
	return f->name;
}

const char *chat_format_default_system(const struct chat_format *f)
{
	return f->default_system;
}

/* Plain text that stands between two markers is one stretch: the model's tokenizer sees it whole, so it is collected
 * here and encoded when a marker comes. */
struct writer {
	const struct tokenizer *tokenizer;
	struct buf text;
	struct token_list *out;
};

static void flush(struct writer *w)
{
	tokenizer_encode(w->tokenizer, buf_text(&w->text), w->text.n, false, w->out);
	buf_clear(&w->text);
}

static void put_marker(struct writer *w, const char *marker)
{
	int32_t id = marker ? tokenizer_special(w->tokenizer, marker) : -1;

	if (!marker)
		return;
	if (id < 0) {
		buf_adds(&w->text, marker);
		return;
	}
	flush(w);
	token_list_add(w->out, id);
}

static bool is_stripped(uint32_t c)
{
	return text_is_space(c) || (c >= 0x1C && c <= 0x1F); /* as Python's str.strip(), which templates call */
}

static void put_trimmed(struct buf *out, const char *text)
{
	size_t n = strlen(text), from = n, to = 0;

	for (size_t i = 0, length; i < n; i += length) {
		uint32_t c;

		length = text_decode(text + i, n - i, &c);
		if (is_stripped(c))
			continue;
		from = i < from ? i : from;
		to = i + length;
	}
	if (from < to)
		buf_add(out, text + from, to - from);
}

static const char *role_name(const struct chat_format *f, enum chat_role role)
{
	if (role == CHAT_ASSISTANT && f->assistant)
		return f->assistant;
	return role_names[role == CHAT_SYSTEM && f->folds ? CHAT_USER : role];
}

static void put_opening(struct writer *w, const struct chat_format *f, enum chat_role role)
{
	put_marker(w, f->open);
	if (f->open)
		buf_adds(&w->text, role_name(f, role));
	put_marker(w, f->close);
	buf_adds(&w->text, f->gap);
}

/* `before` is text in front of the message, or NULL. */
static void put_message(struct writer *w, const struct chat_format *f, enum chat_role role, const char *before,
			const char *text)
{
	put_opening(w, f, role);
	if (before)
		buf_addf(&w->text, "%s\n\n", before);
	if (f->trim)
		put_trimmed(&w->text, text);
	else
		buf_adds(&w->text, text);
	put_marker(w, f->end);
	buf_adds(&w->text, f->after);
}

/* The token that begins every text of the model, then the format's own unless it is the same. */
static void put_begin(struct writer *w, const struct chat_format *f)
{
	int32_t begin = tokenizer_begin(w->tokenizer);

	if (begin >= 0)
		token_list_add(w->out, begin);
	if (f->begin && (begin < 0 || tokenizer_special(w->tokenizer, f->begin) != begin))
		put_marker(w, f->begin);
}

void chat_encode(const struct chat_format *f, const struct tokenizer *t, const struct chat_message *messages, size_t n,
		 struct token_list *out)
{
	struct writer w = { .tokenizer = t, .out = out };
	bool folded = f->folds && n > 1 && messages[0].role == CHAT_SYSTEM;

	put_begin(&w, f);
	if (f->default_system && n && messages[0].role != CHAT_SYSTEM)
		put_message(&w, f, CHAT_SYSTEM, NULL, f->default_system);
	for (size_t i = folded; i < n; i++)
		put_message(&w, f, messages[i].role, folded && i == 1 ? messages[0].text : NULL, messages[i].text);
	if (f->open)
		put_opening(&w, f, CHAT_ASSISTANT);
	if (f->answer)
		buf_adds(&w.text, f->answer);
	flush(&w);
	buf_release(&w.text);
}

int32_t chat_end(const struct chat_format *f, const struct tokenizer *t)
{
	return f->end ? tokenizer_special(t, f->end) : tokenizer_end(t);
}
