#!/bin/sh
# export.sh - a climb (rung 0, and noise for a model on rung 1) as outcomes, calls, CSV and JUnit's XML, each read back.
. tests/e2e/lib.sh

mkdir "$scratch/models" "$scratch/task"
ln -s "$PWD/tests/reference/golden/tiny-llama.gguf" "$scratch/models/tiny-llama.gguf"
export RUNG_MODELS=$scratch/models
cat >"$scratch/task/task.yaml" <<'Y'
name: "mails <of> \"two\" kinds"
instruction: One of {{labels}}.
input: "{{text}}"
examples: {file: examples.jsonl, answer: label, id: id, split: split}
models: local:tiny-llama
variants: [{name: plain, incumbent: true, model: "local:tiny-llama", input: "{{text}}", max_tokens: 4}]
Y
python3 - >"$scratch/task/examples.jsonl" <<'PY'
import json
for i in range(120):
    label = ["spam, \"cheap\"", "work <b>&\n2\u0001]]>\ufffe"][i % 2]
    text = f"{i} {'buy now' if i % 2 == 0 or i % 9 == 0 else 'the report'}"
    print(json.dumps({"id": f"e,{i}", "text": text, "label": label, "split": ["train", "dev", "test", "test"][i // 2 % 4]}))
PY

if "$rung" climb "$scratch/task" --rungs 0-1 --json --quiet >"$scratch/report.json" 2>"$scratch/err" &&
	"$rung" export "$scratch/task" --outcomes -o "$scratch/outcomes.jsonl" && "$rung" export "$scratch/task" --calls >"$scratch/calls.jsonl" &&
	"$rung" report "$scratch/task" -f csv -o "$scratch/rows.csv" && "$rung" report "$scratch/task" -f junit -o "$scratch/junit.xml"; then
	ok "a climb, exported"
else
	fail "a climb, exported" "$(cat "$scratch/err")"
	finish
fi
reads() { # NAME: python on stdin
	if (cd "$scratch" && python3 - 2>why); then ok "$1"; else fail "$1" "$(cat "$scratch/why")"; fi
}
"$rung" decide "$scratch/outcomes.jsonl" --json >"$scratch/decided.json" 2>"$scratch/err" || fail "decide" "$(cat "$scratch/err")"
reads "decide reads the same scores" <<'PY'
import json
report, decided = json.load(open("report.json")), json.load(open("decided.json"))
test = {v["id"]: v["test"] for v in report["variants"] if v["test"]}
again = {v["id"].split("/", 1)[1]: v["test"] for v in decided["variants"]}
assert len(test) >= 2 and test.keys() == again.keys(), (test, again)
for v in test:
    assert again[v] is None or (again[v]["n"], again[v]["score"]) == (test[v]["n"], test[v]["score"]), v
assert sum(a is not None for a in again.values()) >= 2 and decided["verdict"]["decision"]
PY
reads "what has a probability has it in the outcomes" <<'PY'
import json, sqlite3
rows = [json.loads(line) for line in open("outcomes.jsonl")]
kept = {(v, i): c for v, i, c in sqlite3.connect("task/.rung/store.db").execute("SELECT variant, item, confidence FROM answer WHERE split = 'test'")}
assert rows and all(r.get("confidence") == kept[r["config"], r["item"]] for r in rows)
assert any("confidence" in r for r in rows)
PY
reads "calls have every column" <<'PY'
import json, sqlite3
calls = [json.loads(line) for line in open("calls.jsonl")]
db = sqlite3.connect("task/.rung/store.db")
rows = db.execute("SELECT id, model, request_hash, output, status, input_tokens, output_tokens, ms, why, request, scores FROM call ORDER BY id").fetchall()
assert len(calls) == len(rows) > 20
load = lambda t: None if t is None else json.loads(t)
for c, r in zip(calls, rows):
    assert (c["id"], c["model"], int(c["request_hash"], 16), c["output"], c["status"], c["input_tokens"], c["output_tokens"], c["ms"], c["why"]) == \
        (r[0], r[1], r[2] % 2**64, r[3], r[4], r[5], r[6], r[7], r[8]), (c, r)
    assert c["request"] == load(r[9]) and c["scores"] == load(r[10])
    assert len(c) == len(db.execute("PRAGMA table_info(call)").fetchall())
PY
reads "CSV" <<'PY'
import csv, json
raw = open("rows.csv", newline="").read()
rows = list(csv.DictReader(open("rows.csv", newline=""), strict=True))
report = json.load(open("report.json"))
for v in report["variants"]:
    for split in ("dev", "test"):
        mine = [float(r["score"]) for r in rows if r["variant"] == v["id"] and r["split"] == split]
        want = v[split] or {"n": 0}
        assert len(mine) == want["n"] and (not mine or abs(sum(mine) / len(mine) - want["score"]) < 1e-9), v["id"]
assert {r["expected"] for r in rows} == {'spam, "cheap"', "work <b>&\n2\u0001]]>\ufffe"} and all(r["item"].startswith("e,") for r in rows)
assert raw.endswith("\r\n") and '"spam, ""cheap"""' in raw
PY
reads "JUnit" <<'PY'
import json, xml.etree.ElementTree as tree
root, report = tree.parse("junit.xml").getroot(), json.load(open("report.json"))
assert root.tag == "testsuites" and root.get("name") == 'mails <of> "two" kinds'
measured = {v["id"]: v for v in report["variants"] if v["test"]}
assert {s.get("name") for s in root} == measured.keys()
for s in root:
    o, cases = measured[s.get("name")]["outcomes"], list(s)
    failed = [c for c in cases if c.find("failure") is not None]
    assert len(cases) == int(s.get("tests")) == measured[s.get("name")]["test"]["n"] and len(failed) == int(s.get("failures"))
    assert len(cases) - len(failed) - int(s.get("errors")) == o["right"], (s.attrib, o)
    for c in failed:
        assert c.find("failure").get("message").startswith('expected "') and c.find("failure").text.startswith("expected: ")
assert any('work <b>&\n2\ufffd]]>\ufffd' in f.get("message") for f in root.iter("failure"))
PY
"$rung" export "$scratch/task" >"$scratch/out" 2>"$scratch/err"
if [ $? -eq 1 ] && grep -q "say --calls, --outcomes or --grades" "$scratch/err"; then ok "one of two is said"; else fail "one of two is said" "$(cat "$scratch/err")"; fi
"$rung" export "$scratch/task" --grades >"$scratch/out" 2>"$scratch/err"
if [ $? -eq 1 ] && grep -q "which people's grades do not correct" "$scratch/err"; then ok "only grades from outside are corrected"; else fail "only grades from outside are corrected" "$(cat "$scratch/err")"; fi
mkdir "$scratch/bare" && cp "$scratch"/task/*.* "$scratch/bare/"
"$rung" export "$scratch/bare" --outcomes -o "$scratch/none" >"$scratch/out" 2>"$scratch/err"
if [ $? -eq 1 ] && grep -q "run \`rung climb\` first" "$scratch/err" && [ ! -e "$scratch/none" ] && [ ! -e "$scratch/none.part" ]; then ok "without a climb nothing is written"; else
	fail "without a climb nothing is written" "$(cat "$scratch/err")"
fi
finish
