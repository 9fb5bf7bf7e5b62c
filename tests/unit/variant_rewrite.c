/* variant_rewrite.c - what a rewriter is asked, and which of its proposals may be raced. */
#include "test.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "variant/rewrite.h"

static char folder[] = "/tmp/rung-rewrite-XXXXXX";
static struct task *task;
static struct arena arena;
static const struct variant *base;
static const char *known[2];

/* Dev items: one is long, one short, one shorter than what counts as a quotation. */
static const char examples[] =
	"{\"id\": \"p1\", \"split\": \"train\", \"label\": \"animal\", \"text\": \"a pool animal\"}\n"
	"{\"id\": \"p2\", \"split\": \"train\", \"label\": \"tool\", \"text\": \"a pool tool\"}\n"
	"{\"id\": \"long\", \"split\": \"dev\", \"label\": \"animal\", \"text\": "
	"\"It drinks Milk, \\u00fcberall, and sleeps in the sun of every afternoon.\"}\n"
	"{\"id\": \"short\", \"split\": \"dev\", \"label\": \"tool\", \"text\": \"ball-peen hammer\"}\n"
	"{\"id\": \"tiny\", \"split\": \"dev\", \"label\": \"tool\", \"text\": \"saw\"}\n"
	"{\"id\": \"t1\", \"split\": \"test\", \"label\": \"tool\", \"text\": \"the sealed chisel\"}\n"
	"{\"id\": \"t2\", \"split\": \"test\", \"label\": \"animal\", \"text\": \"the sealed otter\"}\n";
static const char yaml[] = "name: t\ninstruction: [\"Pick one of {{labels}}.\", \"Another {{labels}}.\"]\ninput: \"{{text}}\"\n"
			   "labels: {animal: it lives, tool: it is made}\nexamples: {file: e.jsonl, answer: label, id: id, split: split}\n";

static int set_up(void **state)
{
	struct buf lines = { 0 };
	struct error err;
	char path[128];
	size_t n;

	(void)state;
	arena_init(&arena);
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/task.yaml", folder);
	assert_true(file_replace(path, yaml, strlen(yaml), &err));
	snprintf(path, sizeof(path), "%s/e.jsonl", folder);
	buf_adds(&lines, examples);
	for (int i = 0; i < 30; i++) /* fewer are no task */
		buf_addf(&lines, "{\"id\": \"f%d\", \"split\": \"train\", \"label\": \"tool\", \"text\": \"a pool filler %d\"}\n", i, i);
	assert_true(file_replace(path, buf_text(&lines), lines.n, &err));
	buf_release(&lines);
	task = task_open(folder, &(struct task_options){ .seed = 1 }, &err);
	if (!task) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	const struct variant *variants = variants_list(task, &arena, NULL, 0, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(variants[i].id, "1/zero-shot@local") == 0)
			base = &variants[i];
	known[0] = task->instructions[0];
	known[1] = task->instructions[1];
	return base ? 0 : -1;
}

static int tear_down(void **state)
{
	char path[128];

	(void)state;
	task_free(task);
	arena_release(&arena);
	snprintf(path, sizeof(path), "%s/task.yaml", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/e.jsonl", folder);
	unlink(path);
	return rmdir(folder);
}

static struct rewrite_question question(void)
{
	return (struct rewrite_question){ .base = base, .known = known, .n_known = 2, .wordings = 3 };
}

static struct rewrite_reply read_reply(const char *reply)
{
	struct rewrite_question q = question();
	struct rewrite_reply out;

	rewrite_read(task, &q, task->dev, reply, &arena, &out);
	return out;
}

/* Why a single proposal is dropped; NULL: it is not. */
static const char *why(const char *text)
{
	return read_reply(arena_printf(&arena, "{\"wordings\": [\"%s\"]}", text)).proposals[0].why;
}

static void a_proposal_that_shows_the_same_is_kept(void **state)
{
	(void)state;
	assert_null(why("Say which of {{labels}} it is. A saw is a tool."));
	assert_null(why("One of {{labels}}.\\n{{definitions}}"));
	assert_null(why("  {{ labels }}: what breathes is an animal.  "));
	assert_string_equal(read_reply("{\"wordings\": [\" x {{labels}} \\n\"]}").proposals[0].text, "x {{labels}}");
}

static void what_cannot_be_shown_is_dropped(void **state)
{
	char *letters = arena_alloc(&arena, 2000);

	(void)state;
	memset(letters, 'x', 1999);
	letters[1999] = '\0';
	assert_string_equal(why(""), "it is empty");
	assert_string_equal(why("Which one?"), "it lacks {{labels}}");
	assert_string_equal(why("Which of {{labels}} is {{text}}?"), "it shows {{text}}, which the instruction does not");
	assert_string_equal(why("Which of {{labels}} is {{label}}?"), "it shows {{label}}, which the instruction does not");
	assert_non_null(strstr(why("Which of {{labls}}?"), "(did you mean \"label\"?)"));
	assert_non_null(strstr(why("Which of {{labels}?"), "never closed"));
	assert_string_equal(why(arena_printf(&arena, "{{labels}} %s", letters)), "it is longer than 1500 characters");
	assert_string_equal(why("pick ONE of {{labels}}"), "it was tried already");
	assert_string_equal(why("another: {{labels}}"), "it was tried already");
}

static void quotations_are_dropped(void **state)
{
	(void)state;
	assert_string_equal(why("{{labels}}? It drinks milk \\u00fcberall and sleeps in the sun: an animal."), "it quotes the item long");
	assert_string_equal(why("{{labels}}? ...AND SLEEPS, in the sun of every afternoon"), "it quotes the item long"); /* the last 44 */
	assert_null(why("{{labels}}? Who sleeps in the sun of every day is one."));                     /* 24 in a row */
	assert_string_equal(why("{{labels}}? A Ball Peen Hammer is a tool."), "it quotes the item short");
	assert_null(why("{{labels}}? A football-peen hammering is a tool.")); /* no word of it is */
	assert_null(why("{{labels}}? A saw is a tool."));
}

static void what_the_instruction_said_itself_is_no_quotation(void **state)
{
	struct variant v = *base;
	struct rewrite_question q = question();
	struct rewrite_reply out;

	(void)state;
	v.instruction = "{{labels}}? A ball-peen hammer is a tool.";
	q.base = &v;
	rewrite_read(task, &q, task->dev, "{\"wordings\": [\"{{labels}}! A ball-peen hammer is surely a tool.\"]}", &arena, &out);
	assert_null(out.proposals[0].why);
}

static void replies_are_read_as_far_as_they_go(void **state)
{
	static const char *const nonsense[] = { NULL, "", "Sure!", "{\"sorry\": 1}", "{\"wordings\": \"{{labels}}\"}", "{\"wordings\": []}",
						"{\"wordings\": [1, null]}", "{\"wordings\": [\"{{labels}} a" };
	struct rewrite_reply r;

	(void)state;
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		r = read_reply(nonsense[i]);
		assert_int_equal(r.n, 0);
		assert_string_equal(r.why, "its reply holds no list of wordings");
	}
	r = read_reply("Here they are:\n```json\n{\"wordings\": [\"a {{labels}}\", 7, \"A: {{labels}}!\", \"b {{labels}}\", \"c {{labels}}\"]}\n```");
	assert_null(r.why);
	assert_int_equal(r.n, 3); /* so many were asked for */
	assert_null(r.proposals[0].why);
	assert_string_equal(r.proposals[1].why, "it says what another proposal says");
	assert_string_equal(r.proposals[2].text, "b {{labels}}");
}

static void the_prompt_says_what_went_wrong(void **state)
{
	struct item_list dev = task->dev.list;
	struct rewrite_case cases[3];
	struct rewrite_question q = question();

	(void)state;
	for (size_t i = 0; i < dev.n; i++) {
		bool tiny = strcmp(dev.items[i]->id, "tiny") == 0, small = strcmp(dev.items[i]->id, "short") == 0;

		cases[i] = (struct rewrite_case){ dev.items[i], tiny ? NULL : small ? "tool" : "thing", tiny ? "Well \"now\"" : NULL,
						  tiny ? "unparsed" : "answered", small };
	}
	q.cases = cases;
	q.n_cases = dev.n;
	const char *prompt = rewrite_prompt(task, &q, &arena);

	assert_non_null(strstr(prompt, "<<<\nPick one of {{labels}}.\n>>>"));
	assert_non_null(strstr(prompt, "\n- animal: it lives\n- tool: it is made"));
	assert_non_null(strstr(prompt, "<<<\nAnother {{labels}}.\n>>>"));
	assert_null(strstr(strstr(prompt, "one of {{labels}}") + 1, "one of {{labels}}")); /* its own is not said twice */
	assert_non_null(strstr(prompt, "Every wording has to contain {{labels}}, written just so."));
	assert_non_null(strstr(prompt, "3 new wordings"));
	const char *wrong = strstr(prompt, "answered wrongly:"), *right = strstr(prompt, "answered rightly");

	assert_true(wrong && right && wrong < right);
	const char *shown = strstr(prompt, "{\"input\":\"saw\",\"expected\":\"tool\",\"unparsed\":\"Well \\\"now\\\"\"}");

	assert_true(shown && shown > wrong && shown < right);
	assert_true(strstr(prompt, "{\"input\":\"ball-peen hammer\",\"expected\":\"tool\",\"answered\":\"tool\"}") > right);
	assert_null(strstr(prompt, "sealed"));
	assert_null(strstr(prompt, "a pool"));
}

static void a_rewritten_variant_is_another_recipe(void **state)
{
	struct variant a = variant_rewritten(task, base, 2, "openai:w", "x {{labels}}", &arena);
	struct variant b = variant_rewritten(task, base, 2, "openai:w", "y {{labels}}", &arena);

	(void)state;
	assert_string_equal(a.id, "1/zero-shot-rewritten-2@local");
	assert_string_equal(a.name, "zero-shot, rewritten by openai:w, wording 2");
	assert_true(a.recipe != b.recipe && a.recipe != base->recipe);
	assert_string_equal(variant_instruction(task, base), "Pick one of {{labels}}.");
	assert_string_equal(variant_instruction(task, &b), "y {{labels}}");
	struct models *models = models_open("/nonexistent", &(struct model_settings){ .threads = 1 });
	struct workshop *w = workshop_open(task, task->dev, models, NULL, NULL, 0, 1);
	struct buf request = { 0 };
	struct error err;

	assert_true(variant_request(w, &b, task->dev.list.items[0], &request, &err));
	assert_non_null(strstr(buf_text(&request), "y animal, tool"));
	assert_null(strstr(buf_text(&request), "Pick one"));
	buf_release(&request);
	workshop_free(w);
	models_free(models);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proposal_that_shows_the_same_is_kept),
		cmocka_unit_test(what_cannot_be_shown_is_dropped),
		cmocka_unit_test(quotations_are_dropped),
		cmocka_unit_test(what_the_instruction_said_itself_is_no_quotation),
		cmocka_unit_test(replies_are_read_as_far_as_they_go),
		cmocka_unit_test(the_prompt_says_what_went_wrong),
		cmocka_unit_test(a_rewritten_variant_is_another_recipe),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
