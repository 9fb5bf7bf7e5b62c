/* Tasks that cannot be measured: for every mistake one sentence that names where it is and what helps, and nothing is
 * written. */
#include "task_input.h"

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
	{ "rewrite by nobody", ONLY(CSV "rewrite: {rounds: 2}\n"), { "task.yaml:5:10: rewrite needs model" } },
	{ "rewrite misspelt", ONLY(CSV "rewrite: {model: m, round: 2}\n"), { "unknown key \"round\"", "(did you mean \"rounds\"?)" } },
	{ "rewrite, too many rounds", ONLY(CSV "rewrite: {model: m, rounds: 11}\n"), { "rounds wants a whole number from 1 to 10, not \"11\"" } },
	{ "rewrite, no wordings", ONLY(CSV "rewrite: {model: m, wordings: 0}\n"), { "wordings wants a whole number from 1 to 20" } },
	{ "rewrite, a part of one", ONLY(CSV "rewrite: {model: m, wordings: 2.5}\n"), { "wordings wants a whole number" } },
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
	{ "a scorer of citations", ONLY(CSV "scorer: citation\n"), { "task.yaml:5:9: no scorer grades citations", "contains or f1" } },
	{ "two scorers", ONLY(CSV "scorer: {regex: x, judge: y}\n"),
	  { "scorer wants one of regex, fields, judge or command, not 2" } },
	{ "pattern", ONLY(CSV "scorer: {regex: \"(\"}\n"),
	  { "task.yaml:5:9: scorer: the pattern is not a POSIX" } },
	{ "regex without pattern", ONLY(CSV "scorer: regex\n"), { "regex needs its pattern" } },
	{ "extract without schema", ONLY("kind: extract\ninstruction: x\ninput: \"{{text}}\"\n" EXAMPLES),
	  { "task.yaml:1:7: kind extract needs schema: the path" } },
	{ "an inline schema", ONLY("kind: extract\nschema: {type: object}\n"),
	  { "task.yaml:2:9: schema wants the path of a JSON Schema file" } },
	{ "a schema that is not there", ONLY("kind: extract\nschema: s.json\n"),
	  { "task.yaml:2:9: schema: ", "s.json: cannot open" } },
	{ "a scorer of another kind", ONLY(CSV "scorer: json\n"), { "task.yaml:5:9: scorer json compares objects under a schema" } },
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
	{ "documents without text", ONLY(CSV "documents: {file: x.tsv, id: x}\n"), { "task.yaml:5:12: documents needs text" } },
	{ "documents of a wrong kind", ONLY(CSV "documents: {file: x.tsv, text: {a: b}}\n"), { "task.yaml:5:32: text wants", "list of texts" } },
	{ "documents with an unknown key", ONLY(CSV "documents: {file: x.tsv, text: a, title: b}\n"), { "unknown key \"title\"" } },
	{ "documents of nothing", ONLY(CSV "documents: []\n"), { "documents wants" } },
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
	{ "the gold passage in the input", GOOD("instruction: x\ninput: \"{{text}} {{thread}}\"\n"
		"examples: {file: e.csv, answer: label, gold: thread}\n"),
	  { "task.yaml:2:8: input: shows {{thread}}, the column with the passage that holds the answer" } },
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
	{ "a newline in what JSON complains about", LAST_ITEM("{\"text\": \"\\u00e\n\"}]"),
	  { "e.json: row 61: column", "not valid JSON" } },
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
		struct error err = { .text = "" };
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

/* A sparse file of 1 GiB without a newline, refused after about 1 MiB of it (an array: 64 MiB). */
static void giant_lines_are_noticed_early(void **state)
{
	static const char *const files[] = { "e.csv", "e.jsonl", "e.json", "e.json" };
	static const char *const yamls[] = { CSV, JSONL, ARRAY, ARRAY };
	static const char *const heads[] = { "text,label\n", "\n", "{\"a\": \"", "[{\"a\": \"" };
	static const char *const wants[] = { "e.csv:2: a line of more than 1 MiB", "e.jsonl:2: a line of more than 1 MiB",
					     "e.json:1: a line of more than 1 MiB", "the 64 MiB that a JSON array may have" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct folder f = folder_make();
		struct error err = { .text = "" };
		char path[128];

		folder_write(&f, "task.yaml", yamls[i], strlen(yamls[i]));
		folder_write(&f, files[i], heads[i], strlen(heads[i]));
		snprintf(path, sizeof(path), "%s/%s", f.path, files[i]);
		assert_int_equal(truncate(path, (off_t)1 << 30), 0);
		assert_null(task_open(f.path, NULL, &err));
		if (!strstr(err.text, wants[i]))
			fail_msg("%s: %s", files[i], err.text);
		folder_remove(&f);
	}
}

static void rows_above_1_mib_are_refused(void **state)
{
	struct buf row = { 0 };
	struct error err = { .text = "" };

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_sentences),
		cmocka_unit_test(giant_lines_are_noticed_early),
		cmocka_unit_test(rows_above_1_mib_are_refused),
	};

	return cmocka_run_group_tests_name("task_mistakes", tests, NULL, NULL);
}
