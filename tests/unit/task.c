/* Opening tasks: what a good one holds, and for every mistake a sentence that names where it is and what helps. */
#include "task_folder.h"

#include <stdbool.h>

#include "task/task.h"
#include "task/template.h"

#define HEAD "kind: classify\ninstruction: Pick {{labels}}.\ninput: \"{{text}}\"\n"
#define EXAMPLES "examples: {file: e.csv, answer: label}\n"
#define CSV HEAD EXAMPLES
#define JSONL HEAD "examples: {file: e.jsonl, answer: label}\n"
#define ARRAY HEAD "examples: {file: e.json, answer: label}\n"
#define WITH(keys) HEAD "examples: {file: e.csv, answer: label, " keys "}\n"

/* n good rows in the format that the name of the file says: text, label (spam or work), id, thread. */
static void rows_add(struct buf *out, const char *file, size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++) {
		const char *label = i % 2 ? "spam" : "work";

		if (strstr(file, ".csv"))
			buf_addf(out, "text %zu,%s,k%zu,t%zu\n", i, label, i, i / 3);
		else
			buf_addf(out, "{\"text\": \"text %zu\", \"label\": \"%s\", \"id\": %zu}%s\n", i, label, i,
				 strstr(file, ".jsonl") ? "" : ",");
	}
}

/* Good rows under this task file; good rows and then this one. */
#define GOOD(yaml_) ROWS(yaml_, "e.csv", csv_header, 60)
#define LAST_ROW(row) TAIL(CSV, "e.csv", csv_header, 60, row)
#define LAST_LINE(line) TAIL(JSONL, "e.jsonl", "", 60, line)
#define LAST_ITEM(item) TAIL(ARRAY, "e.json", "[", 60, item)

static const char csv_header[] = "text,label,id,thread\n";

/* The examples file is head, n good rows, tail. */
struct input {
	const char *yaml, *file, *head;
	size_t n;
	const char *tail;
	size_t tail_bytes; /* 0: strlen(tail) */
};

#define ONLY(yaml_) { .yaml = yaml_ }
#define ROWS(yaml_, file_, head_, n_) { .yaml = yaml_, .file = file_, .head = head_, .n = n_ }
#define TAIL(yaml_, file_, head_, n_, tail_) { .yaml = yaml_, .file = file_, .head = head_, .n = n_, .tail = tail_ }

static struct task *open_input(const struct input *in, uint64_t seed, struct error *err)
{
	struct folder f = folder_make();
	struct buf text = { 0 };
	size_t files = 1, left;

	folder_write(&f, "task.yaml", in->yaml, strlen(in->yaml));
	if (in->file) {
		buf_adds(&text, in->head);
		rows_add(&text, in->file, 1, in->n);
		if (in->tail)
			buf_add(&text, in->tail, in->tail_bytes ? in->tail_bytes : strlen(in->tail));
		folder_write(&f, in->file, buf_text(&text), text.n);
		files++;
	}
	struct task_options options = { .seed = seed };
	struct task *t = task_open(f.path, &options, err);

	left = folder_remove(&f);
	if (left != files)
		fail_msg("%zu files where there were %zu: something was written", left, files);
	buf_release(&text);
	return t;
}

static const struct {
	const char *name;
	struct input in;
	const char *want[3];
} refused[] = {
	/* the task file */
	{ "no examples file", ONLY(CSV), { "e.csv: cannot open the examples: No such file" } },
	{ "empty task file", ONLY(""), { "task.yaml:1:1: instruction is missing" } },
	{ "only a comment", ONLY("# nothing\n"), { "instruction is missing" } },
	{ "a list", ONLY("- a\n- b\n"), { "task.yaml:1:1: a task file is a map" } },
	{ "unknown key", ONLY(CSV "modles: [local]\n"),
	  { "task.yaml:5:1: unknown key \"modles\"", "(did you mean \"models\"?)" } },
	{ "unknown key inside", ONLY(WITH("idd: id")),
	  { "task.yaml:4:40: unknown key \"idd\"", "(did you mean \"id\"?)" } },
	{ "unknown key of a variant", ONLY(CSV "variants:\n  - {name: x, modle: local}\n"),
	  { "task.yaml:6:15: unknown key \"modle\"" } },
	{ "key twice", ONLY(CSV "kind: classify\n"),
	  { "task.yaml:5:1: key \"kind\" stands twice, first in line 1" } },
	{ "YAML syntax", ONLY("kind: \"classify\ninput: x\n"), { "task.yaml:1:7: not valid YAML", "\"|\"" } },
	{ "tab", ONLY("kind: classify\n\tname: x\n"), { "task.yaml:1:7: not valid YAML" } },
	{ "a text that starts with {{", ONLY("instruction: x\ninput: {{text}}\n"),
	  { "task.yaml:2:9: a key has to be a text", "quotes" } },
	{ "a list where a text belongs", ONLY("instruction: x\ninput: [a]\n"),
	  { "task.yaml:2:8: input wants a text, not a list" } },
	{ "nothing where a text belongs", ONLY("instruction:\n"),
	  { "task.yaml:1:", "instruction wants a text, not nothing" } },
	{ "blank text", ONLY("instruction: \"  \"\n"),
	  { "task.yaml:1:14: instruction wants a text that is not empty" } },
	{ "a text where a number belongs", ONLY(CSV "alpha: five\n"),
	  { "task.yaml:5:8: alpha wants a number above 0 and below 1, not \"five\"" } },
	{ "a quoted number", ONLY(CSV "alpha: \"0.05\"\n"), { "alpha wants a number" } },
	{ "alpha 0", ONLY(CSV "alpha: 0\n"),
	  { "task.yaml:5:8: alpha wants a number above 0 and below 1, not \"0\"" } },
	{ "alpha 1", ONLY(CSV "alpha: 1\n"), { "alpha wants" } },
	{ "alpha nan", ONLY(CSV "alpha: nan\n"), { "alpha wants" } },
	{ "alpha hex", ONLY(CSV "alpha: 0x1p-2\n"), { "alpha wants" } },
	{ "target in percent", ONLY(CSV "target: 90\n"),
	  { "target wants a number above 0 and below 1, not \"90\"" } },
	{ "margin negative", ONLY(CSV "margin: -0.1\n"), { "margin wants a number from 0 to 0.5" } },
	{ "budget 0", ONLY(CSV "budget: {usd: 0}\n"), { "usd wants a number above 0; leave the key out" } },
	{ "calls not whole", ONLY(CSV "budget: {calls: 1.5}\n"), { "calls wants a whole number" } },
	{ "traffic negative", ONLY(CSV "traffic: {calls_per_day: -1}\n"),
	  { "calls_per_day wants a number, 0 or more" } },
	{ "flag", ONLY(CSV "many: yes\n"), { "task.yaml:5:7: many wants true or false, not \"yes\"" } },
	{ "kind", ONLY("kind: clasify\n"),
	  { "task.yaml:1:7: kind \"clasify\" is not one of classify, extract, answer, "
						  "generate (did you mean \"classify\"?)" } },
	{ "plan", ONLY(CSV "plan: erly\n"), { "(did you mean \"early\"?)" } },
	{ "scorer", ONLY(CSV "scorer: exakt\n"),
	  { "task.yaml:5:9: scorer \"exakt\" is not one of exact", "did you mean \"exact\"" } },
	{ "scorer settings", ONLY(CSV "scorer: {regx: x}\n"), { "unknown key \"regx\"" } },
	{ "two scorers", ONLY(CSV "scorer: {regex: x, judge: y}\n"),
	  { "scorer wants one of regex, judge or command, not 2" } },
	{ "pattern", ONLY(CSV "scorer: {regex: \"(\"}\n"),
	  { "task.yaml:5:9: scorer: the pattern is not a POSIX" } },
	{ "regex without pattern", ONLY(CSV "scorer: regex\n"), { "regex needs its pattern" } },
	{ "no input", ONLY("instruction: x\n"), { "input is missing" } },
	{ "no examples", ONLY(HEAD), { "examples is missing" } },
	{ "no answer column", ONLY(HEAD "examples: {file: e.csv}\n"),
	  { "task.yaml:4:11: examples needs answer" } },
	{ "no file", ONLY(HEAD "examples: {answer: label}\n"), { "task.yaml:4:11: examples needs file" } },
	{ "one label", ONLY(CSV "labels: [spam]\n"),
	  { "task.yaml:5:9: labels has 1, a choice needs at least 2" } },
	{ "no label", ONLY(CSV "labels: []\n"), { "labels has 0" } },
	{ "label twice", ONLY(CSV "labels: [spam, work, spam]\n"),
	  { "task.yaml:5:22: label \"spam\" stands twice" } },
	{ "label twice as a key", ONLY(CSV "labels:\n  spam: a\n  spam: b\n"),
	  { "task.yaml:7:3: key \"spam\" stands twice" } },
	{ "variants no list", ONLY(CSV "variants: {name: x}\n"),
	  { "variants wants a list of maps, not a map" } },
	{ "variant without name", ONLY(CSV "variants: [{model: local}]\n"),
	  { "task.yaml:5:12: a variant needs a name" } },
	{ "variants of one name", ONLY(CSV "variants: [{name: a}, {name: a}]\n"),
	  { "two variants are named \"a\"" } },
	{ "two incumbents", ONLY(CSV "variants: [{name: a, incumbent: true}, {name: b, incumbent: true}]\n"),
	  { "two variants are the incumbent, \"a\" and \"b\"" } },
	{ "documents without file", ONLY(CSV "documents: {id: x}\n"), { "documents needs file" } },
	{ "a second document", ONLY(CSV "---\nname: x\n"), { "task.yaml:5:1: a second document begins" } },
	{ "alias", ONLY("name: &a x\ninput: *a\n"), { "task.yaml:2:8: YAML aliases" } },
	{ "alias bomb", ONLY("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"),
	  { "task.yaml:2:8: YAML aliases" } },
	{ "tag", ONLY("name: !include secret\n"), { "task.yaml:1:", "a YAML tag (!...)" } },
	{ "deep nesting", ONLY("name: [[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]\n"),
	  { "task.yaml:1:22: nested deeper than 16" } },
	{ "NUL escape", ONLY("name: \"a\\0b\"\n"), { "holds a NUL character" } },
	{ "task file not UTF-8", ONLY("name: x\ninput: caf\xE9\n"),
	  { "task.yaml:2: byte 18 of the file is not UTF-8" } },

	/* templates against the examples */
	{ "missing column", GOOD("instruction: x\ninput: \"{{txt}}\"\n" EXAMPLES),
	  { "task.yaml:2:8: input: \"txt\" is not a column", "text, label, id, thread (did you mean \"text\"?)" } },
	{ "missing column in a block", GOOD("instruction: x\ninput: |\n  a\n  {{txt}}\n" EXAMPLES),
	  { "task.yaml:3:1: input, line 2 of the text: \"txt\"" } },
	{ "missing column in a wording", GOOD("instruction: [x, \"{{y}}\"]\ninput: \"{{text}}\"\n" EXAMPLES),
	  { "task.yaml:1:18: instruction: \"y\" is not a column" } },
	{ "missing column in a variant", GOOD(CSV "variants:\n  - name: a\n    system: \"{{y}}\"\n"),
	  { "task.yaml:7:13: system: \"y\" is not a column" } },
	{ "input without column", GOOD("instruction: x\ninput: hello\n" EXAMPLES),
	  { "task.yaml:2:8: input names no column" } },
	{ "the answer in the input", GOOD("instruction: x\ninput: \"{{text}} {{label}}\"\n" EXAMPLES),
	  { "task.yaml:2:8: input: shows {{label}}, the column with the right answer" } },
	{ "missing answer column", GOOD(HEAD "examples: {file: e.csv, answer: lable}\n"),
	  { "task.yaml:4:33: answer: \"lable\" is not a column of ", "(did you mean \"label\"?)" } },
	{ "missing id column", GOOD(WITH("id: key")), { "task.yaml:4:44: id: \"key\" is not a column" } },
	{ "missing gold column", GOOD(WITH("gold: g")), { "gold: \"g\" is not a column" } },

	/* the examples, whatever their format */
	{ "format", ROWS(HEAD "examples: {file: e.xlsx, answer: label}\n", "e.xlsx", "x", 0),
	  { "e.xlsx: examples are .jsonl" } },
	{ "empty file", ROWS(CSV, "e.csv", "", 0), { "e.csv: holds no examples" } },
	{ "empty JSONL", ROWS(JSONL, "e.jsonl", "\n\n", 0), { "e.jsonl: holds no examples" } },
	{ "empty array", ROWS(ARRAY, "e.json", "[]", 0), { "e.json: holds no examples" } },
	{ "only a header", ROWS(CSV, "e.csv", csv_header, 0), { "e.csv: holds no examples" } },
	{ "label outside the list", TAIL(CSV "labels: [spam, work]\n", "e.csv", csv_header, 60, "x,wrok,a,b\n"),
	  { "e.csv:62: label \"wrok\" is not one of spam, work (did you mean \"work\"?)" } },
	{ "label in another case", TAIL(CSV "labels: [spam, work]\n", "e.csv", csv_header, 60, "x,Work,a,b\n"),
	  { "did you mean \"work\"?" } },
	{ "one label only", TAIL(CSV, "e.csv", "text,label\n", 0, "a,x\nb,x\nc,x\n"),
	  { "e.csv: every example has the label \"x\"" } },
	{ "empty answer", LAST_ROW("x,,a,b\n"), { "e.csv:62: the answer (column \"label\") is empty" } },
	{ "absent answer", LAST_LINE("{\"text\": \"x\"}\n"), { "e.jsonl:61: the answer" } },
	{ "null answer", LAST_ITEM("{\"text\": \"x\", \"label\": null}]"), { "e.json: row 61: the answer" } },
	{ "empty text", LAST_ROW(" ,work,a,b\n"), { "e.csv:62: the input is empty" } },
	{ "id twice", TAIL(WITH("id: id"),
	  "e.csv", csv_header, 60, "x,work,k7,b\n"), { "e.csv:62: id \"k7\" stands twice, first in line 8" } },
	{ "id empty", TAIL(WITH("id: id"),
	  "e.csv", csv_header, 60, "x,work,,b\n"), { "e.csv:62: the id (column \"id\") is empty" } },
	{ "29 examples", ROWS(CSV, "e.csv", csv_header, 29),
	  { "29 different examples are fewer than the 30", "% (95 % interval)", "label more" } },
	{ "30 with a duplicate", TAIL(CSV, "e.csv", csv_header, 29, "TEXT 7.,spam,a,b\n"),
	  { "29 different examples" } },
	{ "all alike", TAIL(CSV, "e.csv", "text,label\n", 0, "a,x\nA!,y\n a,x\n"),
	  { "all 3 examples have the same text" } },
	{ "unknown split", ROWS(WITH("split: thread"), "e.csv", "text,label,thread\na,x,train\nb,y,tset\n", 0),
	  { "e.csv:3: split \"tset\" is not one of train, pool, dev, validation, test (did you mean \"test\"?)" } },
	{ "no test split", ROWS(WITH("split: thread"), "e.csv", "text,label,thread\na,x,train\nb,y,dev\n", 0),
	  { "column \"thread\" marks no example as test" } },
	{ "no train split", ROWS(WITH("split: thread"),
	  "e.csv", "text,label,thread\na,x,test\nb,y,dev\n", 0), { "marks no example as train" } },
	{ "as many groups as labels", GOOD(WITH("group: label")),
	  { "the splits would have 30 pool, 0 dev and 30 test examples", "smaller groups" } },

	/* bytes */
	{ "invalid UTF-8", ROWS(CSV, "e.csv", "text,label\nok,x\ncaf\xE9,y\n", 0),
	  { "e.csv:3: byte 19 of the file (0xE9) is not UTF-8" } },
	{ "a cut character", ROWS(CSV, "e.csv", "text,label\nok,x\xE2\x82", 0),
	  { "e.csv:2: byte 15 of the file (0xE2)" } },
	{ "NUL",
	  { .yaml = CSV, .file = "e.csv", .head = "text,label\n", .tail = "a\0b,x\n", .tail_bytes = 6 },
	  { "e.csv:2: byte 12 of the file (0x00)" } },
	{ "UTF-16", ROWS(CSV, "e.csv", "\xFF\xFEt", 0), { "is UTF-16 text; save it as UTF-8" } },

	/* CSV */
	{ "open quote", LAST_ROW("\"x,work,a,b\n"), { "e.csv:62: the quote opened here is not closed" } },
	{ "text behind a quote", LAST_ROW("\"x\"y,work,a,b\n"), { "e.csv:62: text follows a closing quote" } },
	{ "ragged", LAST_ROW("x,work\n"), { "e.csv:62: 2 fields where the header has 4" } },
	{ "ragged behind newlines in quotes", TAIL(CSV, "e.csv", csv_header, 2, "\"x\ny\",work,a,b\nx\n"),
	  { "e.csv:6: 1 fields" } },
	{ "column twice", ROWS(CSV, "e.csv", "text,label,text\n", 1),
	  { "e.csv:1: column \"text\" stands twice" } },

	/* JSON */
	{ "not JSON", LAST_LINE("{\"text\": x}\n"), { "e.jsonl:61: column 10: not valid JSON" } },
	{ "cut off", LAST_LINE("{\"text\": \"x\n"), { "e.jsonl:61: column", "not valid JSON" } },
	{ "not an object", LAST_LINE("[1, 2]\n"), { "e.jsonl:61: an example is an object", "not \"[1\"" } },
	{ "two objects in a line", LAST_LINE("{\"a\": 1} {\"a\": 1}\n"),
	  { "e.jsonl:61: column 10: something follows" } },
	{ "JSON key twice", LAST_LINE("{\"text\": 1, \"text\": 2}\n"),
	  { "e.jsonl:61:", "duplicate object key" } },
	{ "JSON bomb", LAST_LINE("{\"a\": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
				 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["),
	  { "e.jsonl:61: nested deeper than 64 levels" } },
	{ "NUL in JSON", LAST_LINE("{\"text\": \"a\\u0000b\"}\n"), { "e.jsonl:61:", "not valid JSON" } },
	{ "half a surrogate pair", LAST_LINE("{\"text\": \"\\ud800\"}\n"),
	  { "e.jsonl:61:", "not valid JSON" } },
	{ "array without end", ROWS(ARRAY, "e.json", "[", 60),
	  { "e.json: row 61: the file ends inside the array" } },
	{ "array without comma", LAST_ITEM("{\"text\": 1, \"label\": 2} {}]"), { "e.json: row 61: a comma" } },
	{ "text behind the array", LAST_ITEM("{\"text\": 1, \"label\": 2}] x"),
	  { "row 61: something follows" } },
};

static void mistakes_are_sentences(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct error err = { "" };
		struct task *t = open_input(&refused[i].in, 0, &err);
		bool good = !t && !strchr(err.text, '\n');

		for (size_t w = 0; w < 3 && refused[i].want[w]; w++)
			good = good && strstr(err.text, refused[i].want[w]);
		if (!good) {
			print_error("%s: %s\n", refused[i].name, t ? "opened" : err.text);
			wrong++;
		}
		task_free(t);
	}
	assert_int_equal(wrong, 0);
}

/* Opens or ends the test with the sentence. */
static struct task *must_open(const struct input *in, uint64_t seed)
{
	struct error err = { "" };
	struct task *t = open_input(in, seed, &err);

	if (!t)
		fail_msg("%s", err.text);
	return t;
}

static const struct example *example_find(const struct task *t, const char *id)
{
	const struct item_list *lists[] = { &t->pool.list, &t->dev.list, &t->test.list };

	for (size_t l = 0; l < 3; l++)
		for (size_t i = 0; i < lists[l]->n; i++)
			if (strcmp(lists[l]->items[i]->id, id) == 0)
				return lists[l]->items[i];
	fail_msg("no example %s", id);
	return NULL;
}

static void every_key_arrives(void **state)
{
	static const struct input in = GOOD(
		"name: mail\nkind: classify\ninstruction: [\"Pick {{labels}}.\", Choose.]\n"
		"input: |\n  {{text}}\nmany: false\nlabels:\n  work: the job\n  spam:\n"
		"examples: {file: e.csv, answer: label, id: id, group: thread, gold: text, gold_ids: id, human: id}\n"
		"documents: {file: docs.tsv, text: [a, b], id: c}\n"
		"variants:\n  - {name: now, incumbent: true, model: openai:x, system: Be brief.,\n"
		"     input: \"{{text}}!\", max_tokens: 5}\n"
		"  - {name: other}\nmodels: [local, local:x]\nscorer: normalised\n"
		"target: 0.9\nmargin: 0.02\nalpha: 0.01\nplan: early\n"
		"traffic: {calls_per_day: 5e5, horizon_days: 90, cost_per_error: 0.1, latency_p95_ms: 500}\n"
		"constraints: {private: true, citations: false}\nbudget: {usd: 5.00, minutes: 20, calls: 20000}\n"
		"schema: {type: object}\n");
	struct task *t = must_open(&in, 0);

	(void)state;
	assert_string_equal(t->name, "mail");
	assert_int_equal(t->kind, TASK_CLASSIFY);
	assert_int_equal(t->n_instructions, 2);
	assert_string_equal(t->instructions[1], "Choose.");
	assert_string_equal(t->input, "{{text}}\n");
	assert_int_equal(t->n_labels, 2);
	assert_string_equal(t->labels[0].name, "work");
	assert_string_equal(t->labels[0].definition, "the job");
	assert_null(t->labels[1].definition);
	assert_int_equal(t->n_variants, 2);
	assert_true(t->variants[0].incumbent && !t->variants[1].incumbent);
	assert_string_equal(t->variants[0].model, "openai:x");
	assert_string_equal(t->variants[0].input, "{{text}}!");
	assert_int_equal(t->variants[0].max_tokens, 5);
	assert_int_equal(t->variants[0].line, 13);
	assert_string_equal(t->variants[1].model, "local");
	assert_int_equal(t->n_models, 2);
	assert_string_equal(t->models[1], "local:x");
	assert_string_equal(t->scorer, "normalised");
	assert_true(t->has_target && t->target == 0.9 && t->margin == 0.02 && t->alpha == 0.01);
	assert_true(t->traffic.calls_per_day == 500000 && t->traffic.horizon_days == 90);
	assert_true(t->traffic.cost_per_error == 0.1 && t->traffic.latency_p95_ms == 500);
	assert_int_equal(t->plan, PLAN_EARLY);
	assert_true(t->constraints.private && !t->constraints.citations);
	assert_true(t->budget.usd == 5 && t->budget.minutes == 20 && t->budget.calls == 20000);
	assert_true(t->has_documents);
	task_free(t);
}

static void what_is_left_out_has_a_default(void **state)
{
	static const struct input in = GOOD("instruction: x\ninput: \"{{text}}\"\n" EXAMPLES);
	struct task *t = must_open(&in, 0);

	(void)state;
	assert_memory_equal(t->name, "rung-task-", 10); /* the folder's */
	assert_int_equal(t->kind, TASK_CLASSIFY);
	assert_int_equal(t->n_labels, 2); /* from the examples, sorted */
	assert_string_equal(t->labels[0].name, "spam");
	assert_string_equal(t->labels[1].name, "work");
	assert_string_equal(t->models[0], "local");
	assert_string_equal(t->scorer, "exact");
	assert_true(!t->has_target && t->margin == 0.05 && t->alpha == 0.05);
	assert_int_equal(t->plan, PLAN_AUTO);
	assert_int_equal(t->n_rows, 60);
	assert_int_equal(t->pool.list.n, 30);
	assert_int_equal(t->dev.list.n, 12);
	assert_int_equal(t->test.list.n, 18);
	assert_string_equal(example_find(t, "line-2")->answer, "spam");
	assert_int_equal(example_find(t, "line-3")->label, 1);
	task_free(t);
}

/* The same rows in every format give the same texts. */
static void formats_agree(void **state)
{
	static const struct input inputs[] = {
		ROWS(JSONL, "e.jsonl", "", 60),
		ROWS(JSONL, "e.jsonl", "\xEF\xBB\xBF\n", 60),
		TAIL(ARRAY, "e.json", " [", 60, "{\"text\": \"text 61\", \"label\": \"spam\"} ]\n"),
	};
	static const char *const ids[] = { "line-7", "line-8", "row-7" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
		struct task *t = must_open(&inputs[i], 0);

		assert_int_equal(t->n_columns, 3);
		assert_string_equal(t->columns[0], "text");
		assert_string_equal(t->columns[2], "id");
		assert_int_equal(t->n_rows, i == 2 ? 61 : 60);
		assert_string_equal(example_find(t, ids[i])->values[0], "text 7");
		task_free(t);
	}
}

static void json_values_become_text(void **state)
{
	static const struct input in = LAST_LINE(
		"{\"text\": 0.1, \"label\": \"spam\", \"a\": 1e300, \"b\": -7, \"c\": true, \"d\": null, "
		"\"e\": [1, {\"x\": 2.5}], \"f\": \"\\u00e9\\n\", \"g\": 0.30000000000000004}\n");
	static const char *const want[] = { "0.1", "spam", "", "1e+300", "-7", "true", "", "[1,{\"x\":2.5}]",
					    "\xC3\xA9\n", "0.30000000000000004" };
	struct task *t = must_open(&in, 0);
	const struct example *e = example_find(t, "line-61");

	(void)state;
	assert_int_equal(t->n_columns, 10); /* text, label, id, and those of the last row */
	for (size_t i = 0; i < 10; i++)
		assert_string_equal(e->values[i], want[i]);
	assert_string_equal(example_find(t, "line-1")->values[9], "");
	task_free(t);
}

static bool warned(const struct task *t, const char *fragment)
{
	for (size_t i = 0; i < t->n_warnings; i++)
		if (strstr(t->warnings[i], fragment))
			return true;
	return false;
}

static void warnings_name_what_to_look_at(void **state)
{
	static const struct {
		const char *name;
		struct input in;
		const char *want;
	} cases[] = {
		{ "few test examples", GOOD(CSV), "18 test examples are few: 80 % right" },
		{ "a conflict", LAST_ROW("Text 2!,spam,a,b\n"),
		  "1 text stands with two or more different answers (first: lines 3 and 62" },
		{ "two conflicts", LAST_ROW("Text 2!,spam,a,b\ntext 3,work,a,b\ntext 3,spam,a,b\n"),
		  "2 texts stand with two or more different answers" },
		{ "duplicates", LAST_ROW("Text 2!,work,a,b\n"), "1 duplicate is dropped" },
		{ "unused label", GOOD(CSV "labels: [spam, work, other]\n"), "label \"other\" has no example" },
		{ "the wrong column", GOOD(HEAD "examples: {file: e.csv, answer: id}\n"),
		  "60 labels for 60 examples: is \"id\" the column" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct task *t = must_open(&cases[i].in, 0);

		if (!warned(t, cases[i].want))
			fail_msg("%s: no warning has \"%s\"", cases[i].name, cases[i].want);
		task_free(t);
	}
}

/* The first N characters are all a model sees, so they are all that tells texts apart. */
static void duplicates_are_what_the_model_sees(void **state)
{
	static const struct input in = GOOD("instruction: x\ninput: \"{{text | first 4}}\"\n" EXAMPLES);
	struct error err = { "" };

	(void)state;
	assert_null(open_input(&in, 0, &err));
	assert_non_null(strstr(err.text, "all 60 examples have the same text"));
}

/* Other kinds open, though nothing measures them yet. */
static void other_kinds_open(void **state)
{
	static const struct {
		const char *kind, *scorer;
	} kinds[] = { { "extract", "json" }, { "answer", "f1" }, { "generate", "judge" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char yaml[256];

		snprintf(yaml, sizeof(yaml),
			 "kind: %s\ninstruction: x\ninput: \"{{text}}\"\nexamples: {file: e.csv, answer: id}\n",
			 kinds[i].kind);
		struct input in = GOOD(yaml);
		struct task *t = must_open(&in, 0);

		assert_string_equal(task_kind_name(t->kind), kinds[i].kind);
		assert_string_equal(t->scorer, kinds[i].scorer);
		assert_int_equal(t->n_labels, 0);
		task_free(t);
	}
}

static void the_fingerprint_follows_what_changes_results(void **state)
{
	static const struct {
		const char *name;
		struct input in;
		uint64_t seed;
		bool same;
	} cases[] = {
		{ "nothing", GOOD(CSV), 0, true },
		{ "name", GOOD("name: other\n" CSV), 0, true },
		{ "budget", GOOD(CSV "budget: {usd: 3}\n"), 0, true },
		{ "traffic", GOOD(CSV "traffic: {calls_per_day: 3}\n"), 0, true },
		{ "models", GOOD(CSV "models: [local, local:x]\n"), 0, true },
		{ "seed", GOOD(CSV), 1, false },
		{ "one more example", ROWS(CSV, "e.csv", csv_header, 61), 0, false },
		{ "alpha", GOOD(CSV "alpha: 0.1\n"), 0, false },
		{ "target", GOOD(CSV "target: 0.1\n"), 0, false },
		{ "scorer", GOOD(CSV "scorer: contains\n"), 0, false },
		{ "labels", GOOD(CSV "labels: [work, spam]\n"), 0, false },
		{ "definition", GOOD(CSV "labels: {spam: x, work: }\n"), 0, false },
		{ "variant", GOOD(CSV "variants: [{name: a}]\n"), 0, false },
		{ "groups", GOOD(WITH("group: thread")), 0, false },
	};
	struct task *base = must_open(&cases[0].in, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct task *t = must_open(&cases[i].in, cases[i].seed);

		if ((t->fingerprint == base->fingerprint) != cases[i].same)
			fail_msg("%s: the fingerprint %s", cases[i].name, cases[i].same ? "changed" : "did not change");
		task_free(t);
	}
	task_free(base);
}

static void groups_arrive(void **state)
{
	static const struct input in = TAIL(WITH("group: thread, id: id"), "e.csv", csv_header, 60,
					      "no group,work,a,\nnor here,spam,b,\n");
	struct task *t = must_open(&in, 0);

	(void)state;
	assert_int_equal(example_find(t, "k3")->group, example_find(t, "k5")->group);
	assert_int_not_equal(example_find(t, "k2")->group, example_find(t, "k3")->group);
	assert_int_not_equal(example_find(t, "a")->group, example_find(t, "b")->group);
	task_free(t);
}

/* Another examples file than the task names, as `rung climb --examples` gives it. */
static void examples_may_be_named_by_the_caller(void **state)
{
	struct folder f = folder_make();
	struct buf rows = { 0 };
	struct error err = { "" };
	char other[128], yaml[128];

	(void)state;
	snprintf(other, sizeof(other), "%s/other.csv", f.path);
	snprintf(yaml, sizeof(yaml), "%s/my.yaml", f.path);
	buf_adds(&rows, csv_header);
	rows_add(&rows, ".csv", 1, 40);
	folder_write(&f, "my.yaml", CSV, strlen(CSV));
	folder_write(&f, "other.csv", rows.data, rows.n);
	struct task *t = task_open(yaml, &(struct task_options){ .examples = other }, &err);

	assert_non_null(t);
	assert_string_equal(t->examples_file, other);
	assert_int_equal(t->n_rows, 40);
	assert_string_equal(t->folder, f.path);
	task_free(t);
	assert_null(task_open("/nowhere", NULL, &err));
	assert_non_null(strstr(err.text, "/nowhere: there is no such task file"));
	folder_remove(&f);
	buf_release(&rows);
}

/* A sparse file of 1 GiB without a newline, in all formats: refused after about 1 MiB of it. */
static void giant_lines_are_noticed_early(void **state)
{
	static const char *const files[] = { "e.csv", "e.jsonl", "e.json" };
	static const char *const yamls[] = { CSV, JSONL, ARRAY };
	static const char *const heads[] = { "text,label\n", "\n", "{\"a\": \"" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct folder f = folder_make();
		struct error err = { "" };
		char path[128];

		folder_write(&f, "task.yaml", yamls[i], strlen(yamls[i]));
		folder_write(&f, files[i], heads[i], strlen(heads[i]));
		snprintf(path, sizeof(path), "%s/%s", f.path, files[i]);
		assert_int_equal(truncate(path, (off_t)1 << 30), 0);
		assert_null(task_open(f.path, NULL, &err));
		if (!strstr(err.text, "more than 1 MiB"))
			fail_msg("%s: %s", files[i], err.text);
		folder_remove(&f);
	}
}

static void rows_above_1_mib_are_refused(void **state)
{
	struct buf row = { 0 };
	struct error err = { "" };

	(void)state;
	buf_adds(&row, "{\"label\": \"spam\", \"text\": \"");
	for (size_t i = 0; i < 1 << 20; i++)
		buf_addc(&row, 'x');
	buf_adds(&row, "\"}]");
	struct input in = LAST_ITEM(buf_text(&row));

	assert_null(open_input(&in, 0, &err));
	assert_non_null(strstr(err.text, "e.json: row 61: an example of more than 1 MiB"));
	buf_release(&row);
}

/* The 897 real e-mails keep their own split; what stands twice leaves pool, then dev. */
static void real_emails_keep_their_split(void **state)
{
	const char *data = test_data_folder();
	char real[4096], yaml[8192];
	struct folder f;
	struct error err = { "" };

	(void)state;
	if (!data || !realpath(data, real)) {
		print_message("no data at ../shared/data (RUNG_DATA)\n");
		skip();
	}
	f = folder_make();
	snprintf(yaml, sizeof(yaml),
		 "instruction: Pick one of {{labels}}.\ninput: |\n  {{subject}}\n  {{text | first 500}}\n"
		 "examples: {file: \"%s/email_five/email_five.jsonl\", answer: label, id: id, split: split}\n", real);
	folder_write(&f, "task.yaml", yaml, strlen(yaml));
	struct task *t = task_open(f.path, NULL, &err);

	if (!t)
		fail_msg("%s", err.text);
	print_message("email_five: %zu rows, %zu dropped, pool %zu, dev %zu, test %zu\n", t->n_rows, t->n_duplicates,
		      t->pool.list.n, t->dev.list.n, t->test.list.n);
	assert_int_equal(t->n_rows, 897);
	assert_int_equal(t->n_labels, 5);
	assert_int_equal(t->test.list.n, 296);
	assert_int_equal(t->n_duplicates + t->pool.list.n + t->dev.list.n, 453 + 148);
	task_free(t);
	folder_remove(&f);
}

/* The task that ships with rung. */
static void the_email_example_opens(void **state)
{
	struct error err = { "" };
	struct task *t;

	(void)state;
	t = task_open("examples/email", NULL, &err);
	if (!t)
		fail_msg("%s (run from the root of the source tree)", err.text);
	assert_int_equal(t->n_rows, 448);
	assert_int_equal(t->n_duplicates, 0);
	assert_int_equal(t->pool.list.n, 224);
	assert_int_equal(t->dev.list.n, 90);
	assert_int_equal(t->test.list.n, 134);
	task_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_sentences),
		cmocka_unit_test(every_key_arrives),
		cmocka_unit_test(what_is_left_out_has_a_default),
		cmocka_unit_test(formats_agree),
		cmocka_unit_test(json_values_become_text),
		cmocka_unit_test(warnings_name_what_to_look_at),
		cmocka_unit_test(duplicates_are_what_the_model_sees),
		cmocka_unit_test(other_kinds_open),
		cmocka_unit_test(the_fingerprint_follows_what_changes_results),
		cmocka_unit_test(groups_arrive),
		cmocka_unit_test(examples_may_be_named_by_the_caller),
		cmocka_unit_test(giant_lines_are_noticed_early),
		cmocka_unit_test(rows_above_1_mib_are_refused),
		cmocka_unit_test(real_emails_keep_their_split),
		cmocka_unit_test(the_email_example_opens),
	};

	return cmocka_run_group_tests_name("task", tests, NULL, NULL);
}
