#!/bin/sh
# page.sh - the report's page in a browser: its sliders say what `rung cost` says, its filter finds what changed hands, and no script but its
# own runs. Needs chromium; skipped without.
# Plain builds alone: what it looks at is the browser's.
. tests/e2e/lib.sh

for browser in chromium chromium-browser google-chrome ""; do
	[ -n "$browser" ] && command -v "$browser" >/dev/null 2>&1 && break
done
if [ -z "$browser" ]; then
	skip "the page in a browser" "there is no chromium"
	finish
fi
# PAGE HASH: the page as it stands once its scripts have run.
dom() {
	timeout 120 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$scratch/profile" --dump-dom "file://$1#$2" 2>"$scratch/browser"
}

# --- a climb on a tiny model, and a tuned variant beside it whose answers and card are written here --------------------------

export RUNG_MODELS="$scratch/models"
mkdir "$RUNG_MODELS" "$scratch/task"
cp tests/reference/golden/tiny-llama.gguf "$RUNG_MODELS/"
python3 - "$scratch/task" <<'PY'
import json, sys
rows = [json.loads(line) for line in open("examples/email/emails.jsonl", encoding="utf-8")]
left = {"train": 60, "dev": 12, "test": 200}
with open(sys.argv[1] + "/emails.jsonl", "w", encoding="utf-8") as out:
    for row in rows:
        if left[row["split"]] > 0:
            left[row["split"]] -= 1
            print(json.dumps({k: row[k] for k in ("id", "label", "split")} | {"text": row["text"][:60] + " </script><b>&"}), file=out)
PY
cat >"$scratch/task/task.yaml" <<'Y'
name: mail
kind: classify
instruction: "Pick {{labels}}."
input: "{{text}}"
labels: [spam, work, personal, marketing, automated]
examples: {file: emails.jsonl, answer: label, id: id, split: split}
models: ["local:tiny-llama"]
traffic: {calls_per_day: 10000, horizon_days: 30}
Y
if ! "$rung" climb "$scratch/task" --rungs 0-1 --threads 1 --quiet >"$scratch/out" 2>&1; then
	fail "a climb to be shown" "$(tail -c 500 "$scratch/out")"
	finish
fi
"$rung" report "$scratch/task" --threads 1 --json >"$scratch/report.json"
mkdir -p "$scratch/task/.rung/tuned/mail/v1"
python3 - "$scratch/task" "$scratch/report.json" <<'PY'
import json, sqlite3, sys
folder, report = sys.argv[1:]
gold = {r["id"]: r["label"] for r in map(json.loads, open(folder + "/emails.jsonl", encoding="utf-8"))}
db = sqlite3.connect(folder + "/.rung/store.db")
low = next(v["id"] for v in json.load(open(report))["variants"] if v["rung"] == 0 and v["test"])
assert db.execute("UPDATE variant SET status = 'measured', candidate = 1, why = NULL WHERE id = '3/encoder'").rowcount == 1
rows = db.execute("SELECT run, item, split, ms FROM answer WHERE variant = ? AND split IN ('dev', 'test') ORDER BY item", (low,)).fetchall()
right = {"dev": [0, 0], "test": [0, 0]}
for i, (run, item, split, ms) in enumerate(rows):
    answer = gold[item] if i % 8 else "work"
    right[split][0] += answer == gold[item]
    right[split][1] += 1
    db.execute("INSERT INTO answer (run, variant, item, split, call, answer, status, ms) VALUES (?, '3/encoder', ?, ?, 0, ?, 'answered', 0.4)", (run, item, split, answer))
db.commit()
card = {"kind": "encoder", "method": "encoder", "variant": "3/encoder", "base": {"name": "all-MiniLM-L6-v2"}, "seconds": 36000, "dev": {"n": right["dev"][1], "score": right["dev"][0] / right["dev"][1]}}
json.dump(card, open(folder + "/.rung/tuned/mail/v1/card.json", "w"))
PY
"$rung" report "$scratch/task" --threads 1 --json >"$scratch/report.json"
"$rung" report "$scratch/task" --threads 1 --format html -o "$scratch/page.html"

# --- sliders ------------------------------------------------------------------------------------------------------------

cat >"$scratch/compare.py" <<'PY'
"""DOM COST: exits 1 and says where the page's figures differ from those of `rung cost` in the sixth digit."""
import html.parser, json, sys


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.rows, self.made, self.hidden = {}, None, None

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if "data-row" in a:
            self.rows[a["data-id"]] = json.loads(a["data-row"])
        if "data-made" in a:
            self.made = json.loads(a["data-made"])
        if a.get("id") == "what-if":
            self.hidden = "hidden" in a


page = Page()
page.feed(open(sys.argv[1], encoding="utf-8").read())
cost = json.load(open(sys.argv[2]))
assert page.hidden is False and page.made, "the sliders did not run"
assert page.made == {k: cost[k] for k in ("winner", "decision", "meets_target")}, (page.made, {k: cost[k] for k in page.made})
assert list(page.rows) == list(cost["cost"]), (list(page.rows), list(cost["cost"]))
for id, row in page.rows.items():
    for key, got in row.items():
        want = cost["cost"][id][key]
        near = isinstance(got, float | int) and isinstance(want, float | int) and abs(got - want) <= 1e-6 * abs(want)
        assert got == want or near, (id, key, got, want)
PY
# HASH ARGUMENTS...: the page at these settings against `rung cost` at the same.
same() {
	hash=$1
	shift
	dom "$scratch/page.html" "$hash" >"$scratch/dom.html"
	"$rung" cost "$scratch/task" --threads 1 --json "$@" >"$scratch/cost.json" 2>"$scratch/err" || { fail "rung cost $*" "$(cat "$scratch/err")"; return; }
	if python3 "$scratch/compare.py" "$scratch/dom.html" "$scratch/cost.json" 2>"$scratch/err"; then ok "as rung cost: #$hash"; else fail "as rung cost: #$hash" "$(tail -n 1 "$scratch/err")"; fi
}
same ""
same "calls=500000&horizon=90&error=0.1&target=0.9" --calls-per-day 500000 --horizon 90 --cost-per-error 0.1 --target 0.9
same "calls=50&horizon=7" --calls-per-day 50 --horizon 7
same "calls=300&horizon=3&error=0.0001" --calls-per-day 300 --horizon 3 --cost-per-error 0.0001
same "calls=1000000&horizon=365&error=2&target=0.7" --calls-per-day 1000000 --horizon 365 --cost-per-error 2 --target 0.7
same "calls=20000&target=0.3" --calls-per-day 20000 --target 0.3
same "error=0.5&target=0.8" --cost-per-error 0.5 --target 0.8
same "calls=0.5&horizon=0.5&error=10" --calls-per-day 0.5 --horizon 0.5 --cost-per-error 10
# Where the target's test turns: the highest that each candidate is shown to meet, and just beyond.
python3 - "$scratch/page.html" >"$scratch/turns" <<'PY'
import json, re, sys
data = json.loads(re.search(r'<script id="what-if-data"[^>]*>(.*?)</script>', open(sys.argv[1], encoding="utf-8").read(), re.S).group(1))
for c in data["candidates"]:
    print(f"{c['reaches'] - 1e-6:.6f}\n{c['reaches'] + 1e-6:.6f}")
print(f"{data['candidates'][-1]['misses'] + 1e-6:.6f}")
PY
while read -r target; do
	case $target in 0.0000*|-*) continue ;; esac
	same "target=$target" --target "$target"
done <"$scratch/turns"
if grep -q '"decision": "better"' "$scratch/report.json" && [ "$(wc -l <"$scratch/turns")" -ge 5 ]; then ok "there was something to turn"; else fail "there was something to turn" "$(cat "$scratch/turns")"; fi

# A tuned variant that answers as the prompt does, and is cheaper a call: it is the volume that decides.
cp -r "$scratch/task" "$scratch/first"
cp "$scratch/page.html" "$scratch/first.html"
python3 - "$scratch/task" "$scratch/report.json" <<'PY'
import json, sqlite3, sys
folder, report = sys.argv[1:]
gold = {r["id"]: r["label"] for r in map(json.loads, open(folder + "/emails.jsonl", encoding="utf-8"))}
db = sqlite3.connect(folder + "/.rung/store.db")
tested = [v["id"] for v in json.load(open(report))["variants"] if v["test"]]
for variant in tested:
    db.execute("UPDATE answer SET ms = ? WHERE variant = ?", (50 if variant[0] == "1" else 0.4, variant))
    for (item,) in db.execute("SELECT item FROM answer WHERE variant = ? AND split = 'test'", (variant,)).fetchall():
        right = sum(item.encode()) % 9 > (6 if variant[0] == "0" else 0)
        answer = gold[item] if right else next(l for l in ("spam", "work", "personal") if l != gold[item])
        db.execute("UPDATE answer SET answer = ?, status = 'answered' WHERE variant = ? AND item = ? AND split = 'test'", (answer, variant, item))
db.commit()
PY
"$rung" report "$scratch/task" --threads 1 --format html -o "$scratch/page.html"
made() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["winner"])' "$scratch/cost.json"; }
same ""
same "calls=100" --calls-per-day 100
few=$(made)
same "calls=5000000" --calls-per-day 5000000
many=$(made)
same "calls=5000000&horizon=0.01" --calls-per-day 5000000 --horizon 0.01
same "calls=5000000&error=0.001" --calls-per-day 5000000 --cost-per-error 0.001
same "calls=5000000&target=0.95" --calls-per-day 5000000 --target 0.95
same "calls=100&target=0.95" --calls-per-day 100 --target 0.95
same "calls=100&target=0.5" --calls-per-day 100 --target 0.5
case "$few $many" in 1/*\ 3/encoder) ok "volume turns the verdict" ;; *) fail "volume turns the verdict" "$few, then $many" ;; esac
rm -r "$scratch/task"
mv "$scratch/first" "$scratch/task"
mv "$scratch/first.html" "$scratch/page.html"

# --- and the comparison can fail, as can scripts that are not the page's ----------------------------------------------------

"$rung" cost "$scratch/task" --threads 1 --json >"$scratch/cost.json"
sed 's/"once":[^,]*/"once":3.0/g' "$scratch/page.html" >"$scratch/other.html"
dom "$scratch/other.html" "" >"$scratch/dom.html"
if ! python3 "$scratch/compare.py" "$scratch/dom.html" "$scratch/cost.json" 2>"$scratch/err" && grep -q "one_off_usd" "$scratch/err"; then
	ok "another figure is another answer"
else
	fail "another figure is another answer" "$(tail -n 1 "$scratch/err")"
fi
sed 's/const element = /document.title = "changed"; const element = /' "$scratch/page.html" >"$scratch/other.html"
dom "$scratch/other.html" "" >"$scratch/dom.html"
if grep -q '<section id="what-if" hidden' "$scratch/dom.html" && ! grep -q '<title>changed' "$scratch/dom.html"; then
	ok "a changed script does not run"
else
	fail "a changed script does not run" "$(grep -o '<title>.*' "$scratch/dom.html")"
fi

# --- items that changed hands -------------------------------------------------------------------------------------------

if python3 - "$scratch/page.html" "$scratch/report.json" <<'PY' 2>"$scratch/err"; then ok "items are those that were won and lost"; else fail "items are those that were won and lost" "$(tail -n 1 "$scratch/err")"; fi
import collections, html, json, re, sys
import xml.dom.minidom
text = open(sys.argv[1], encoding="utf-8").read()
report = json.load(open(sys.argv[2]))
xml.dom.minidom.parseString(text.encode())  # the page is XML too
seen = collections.Counter(mark for marks in re.findall(r'<li data-changed="([^"]*)"', text) for mark in marks.split())
for i, c in enumerate(report["comparisons"]):
    assert seen[f"{i}+"] == c["wins"] and seen[f"{i}-"] == c["losses"], (i, c, seen)
assert sum(c["wins"] for c in report["comparisons"]) > 10
assert "</script><b>" not in text and html.escape("</script><b>&") in text
classes = report["classes"]
assert sum(c["right"] for c in classes["labels"]) == sum(c["n"] for c in report["confusion"] if c["want"] == c["got"])
assert sum(c["n"] for c in classes["labels"]) == report["examples"]["test"]
PY
dom "$scratch/page.html" "pair=0&way=%2B" >"$scratch/dom.html"
if python3 - "$scratch/dom.html" "$scratch/report.json" <<'PY' 2>"$scratch/err"; then ok "the filter shows one comparison's gains"; else fail "the filter shows one comparison's gains" "$(tail -n 1 "$scratch/err")"; fi
import json, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
n = sum(1 for marks, hidden in re.findall(r'<li data-changed="([^"]*)"((?: hidden="")?)', text) if not hidden)
wins = json.load(open(sys.argv[2]))["comparisons"][0]["wins"]
all = len(re.findall('<li data-changed=', text))
assert n == wins and f"{wins} of {all} items</output>" in text, (n, wins, all)
PY
dom "$scratch/page.html" "find=nowhere%20at%20all" >"$scratch/dom.html"
if grep -q '>0 of [0-9]* items</output>' "$scratch/dom.html"; then ok "what stands nowhere is not found"; else fail "what stands nowhere is not found" "$(grep -o '[0-9]* of [0-9]* items' "$scratch/dom.html")"; fi
finish
