#!/bin/sh
# scorers.sh - scorers outside of the library: the user's program, with every way in which it can fail, kills and resumes; and a judge.
. tests/e2e/lib.sh

mkdir "$scratch/task" "$scratch/models"
for model in tiny-llama.gguf tiny-bert; do ln -s "$PWD/tests/reference/golden/$model" "$scratch/models/$model"; done
mv "$scratch/models/tiny-bert" "$scratch/models/all-MiniLM-L6-v2"
real=$(realpath "$models")
export RUNG_MODELS=$scratch/models
write_task() { # SCORER
	printf 'name: lines\nkind: generate\ninstruction: Line?\ninput: "{{n}}"\nexamples: {file: examples.csv, answer: line, id: id}\nscorer: %s\n' "$1" \
		>"$scratch/task/task.yaml"
}
write_task '{command: ./score}'
python3 - >"$scratch/task/examples.csv" <<'PY'
import csv, sys
out = csv.writer(sys.stdout)
out.writerow(["id", "n", "line"])
for i in range(60):
    part, verb = "ab"[i % 2], [("added", "Add"), ("fixed", "Fix")][i // 2 % 2]
    out.writerow([f"e{i}", f"{part} {verb[0]} {i + 10}", f"{part}: {verb[1]} {i + 10}."])
PY
write_score() { # BODY: what becomes of one request, in Python; `score` is the share of words that are right
	cat >"$scratch/task/score" <<PY
#!/usr/bin/env python3
import json, os, sys, time
for number, line in enumerate(sys.stdin):
    ask = json.loads(line)
    score = sum(a == b for a, b in zip(ask["answer"].split(), ask["expected"].split())) / 3
    with open("asked.log", "a") as log:
        print(json.dumps([ask["id"], ask["answer"]]), file=log)
$1
PY
	chmod +x "$scratch/task/score"
}
say='    print(json.dumps({"request": ask["request"], "score": score, "why": "so many words"}))'
climb() { # ARGUMENT...: of rung 0
	"$rung" climb "$scratch/task" --rungs 0 --json --quiet "$@" >"$scratch/report" 2>"$scratch/err"
}
table() { # STORE: answers and grades
	python3 -c 'import sqlite3, sys
d = sqlite3.connect(sys.argv[1])
print(d.execute("select variant, item, split, answer from answer order by 1, 2, 3").fetchall(), d.execute("select scorer, item, answer, score from grade order by 1, 2, 3").fetchall())' "$1"
}

item() { # one that the variant answered
	python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("select item from answer where variant = ?", ("0/nearest-output",)).fetchone()[0])' "$scratch/task/.rung/store.db"
}

# --- a program ---------------------------------------------------------------------------------------------------------
write_score "$say"
if climb && python3 - "$scratch/report" "$scratch/task" <<'PY' 2>"$scratch/why"; then ok "a program grades"; else fail "a program grades" "$(tail -c 900 "$scratch/err" "$scratch/why")"; fi
import csv, json, sqlite3, sys
report, folder = json.load(open(sys.argv[1])), sys.argv[2]
right = {row["id"]: row["line"] for row in csv.DictReader(open(folder + "/examples.csv"))}
words = lambda a, b: sum(x == y for x, y in zip(a.split(), b.split())) / 3
store = sqlite3.connect(folder + "/.rung/store.db")
for v in report["variants"]:
    for split in ("dev", "test"):
        answers = store.execute("select item, answer from answer where variant = ? and split = ?", (v["id"], split)).fetchall()
        if answers:
            mean = sum(words(answer, right[item]) for item, answer in answers) / len(answers)
            assert abs(v[split]["score"] - mean) < 1e-4 and v[split]["n"] == len(answers), (v, mean)
assert 0.1 < report["variants"][0]["test"]["score"] < 0.9
asked = [line for line in open(folder + "/asked.log")]
assert len(asked) == len(set(asked)) > 30, len(asked)
grades = store.execute("select why, call from grade").fetchall()
assert len(grades) == len(asked) and set(grades) == {("so many words", None)}, grades
PY
asked=$(wc -l <"$scratch/task/asked.log")
climb
mv "$scratch/task/score" "$scratch/gone"
if [ "$(wc -l <"$scratch/task/asked.log")" = "$asked" ] && "$rung" report "$scratch/task" --json >"$scratch/again" 2>"$scratch/err" && cmp -s "$scratch/report" "$scratch/again" &&
	"$rung" report "$scratch/task" --format html -o "$scratch/page.html" 2>"$scratch/err" && "$rung" show "$scratch/task" 0/nearest-output "$(item)" 2>&1 | grep -q 'because   so many words'
then ok "a report needs no program"; else fail "a report needs no program" "$(cat "$scratch/err"; diff "$scratch/report" "$scratch/again" | head -c 300)"; fi
mv "$scratch/gone" "$scratch/task/score"
write_score "    score = 1 - score
$say"
if climb && [ "$(wc -l <"$scratch/task/asked.log")" = $((2 * asked)) ]; then ok "a changed program grades anew"; else
	fail "a changed program grades anew" "$(wc -l <"$scratch/task/asked.log") $asked $(cat "$scratch/err")"
fi

rm -rf "$scratch/task/.rung" "$scratch/task/asked.log"
write_score "    print(score)"
if climb && [ "$(sort "$scratch/task/asked.log" | uniq -d | wc -l)" -eq 0 ] && grep -q '"score":' "$scratch/report" &&
	[ "$(python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("select count(*) from grade").fetchone()[0])' "$scratch/task/.rung/store.db")" = "$asked" ]
then ok "bare numbers will do"; else fail "bare numbers will do" "$(cat "$scratch/err")"; fi
rm -rf "$scratch/task/.rung" "$scratch/task/asked.log"
write_score "    if number == 3 and os.path.exists('broken'): sys.exit(1)
$say"
touch "$scratch/task/broken"
climb
status=$?
rm "$scratch/task/broken"
if [ $status -eq 2 ] && climb && [ "$(sort -u "$scratch/task/asked.log" | wc -l)" = "$asked" ] && [ "$(wc -l <"$scratch/task/asked.log")" -le $((asked + 7)) ]
then ok "repaired, it goes on where it failed"; else fail "repaired, it goes on where it failed" "exit $status, $(wc -l <"$scratch/task/asked.log") of $asked: $(cat "$scratch/err")"; fi

# --- faults ------------------------------------------------------------------------------------------------------------
fault() { # NAME BODY SENTENCE: exit 2 with the sentence
	rm -rf "$scratch/task/.rung" "$scratch/task/asked.log"
	write_score "$2"
	climb
	status=$?
	if [ $status -eq 2 ] && grep -q "task.yaml: scorer \"./score\" has not graded item \"e[0-9]*\": $3" "$scratch/err"; then ok "$1"; else
		fail "$1" "exit $status: $(tail -c 500 "$scratch/err")"
	fi
}
write_task '{command: ./score, timeout_s: 0.5}'
fault "a slow program" "    time.sleep(0 if number < 2 else 600)
$say" 'it wrote no line for 0.5 s'
left=$(for cwd in /proc/[0-9]*/cwd; do [ "$(readlink "$cwd")" != "$scratch/task" ] || echo "$cwd"; done)
if [ -n "$left" ]; then fail "nothing is left running" "$left"; else ok "nothing is left running"; fi
fault "one that holds back its output" "    held = open(1, 'w', buffering=1 << 16, closefd=False) if number == 0 else held
    held.write('1\\n')" 'it wrote no line for 0.5 s (does it flush'
write_task '{command: ./score}'
fault "one that crashes" "    if number == 3:
        raise ValueError('no such rule')
$say" 'it ended with exit status 1 after 3 of 10 lines; the last it said: ValueError: no such rule'
fault "one that is killed" "    if number == 3: os.kill(os.getpid(), 11)
$say" 'it was ended by signal 11'
fault "no JSON" "    print('about half')" 'line 1 of its output, "about half", is no JSON'
fault "no score" "    print(json.dumps({'points': 1}))" 'line 1 of its output, .* has no score'
fault "a text for a score" "    print('\"1\"')" 'line 1 of its output, .* has no score'
fault "a score of 2" "    print(0.5 if number < 4 else 2)" 'line 5 of its output, "2", has a score outside 0 to 1'
fault "not a number" "    print('NaN')" 'line 1 of its output, "NaN", is no JSON'
fault "too few lines" "    if number < 7: print(1)" 'it ended with exit status 0 after 7 of 10 lines'
fault "another request's score" "    print(json.dumps({'request': 7, 'score': 1}))" 'line 1 of its output, .* is about another request'
fault "two numbered lines for one" "$say
$say" 'line 2 of its output, .* is about another request'
fault "a bad end" "    if number == 9: print(1); sys.exit('no more licences')
    print(1)" 'it ended with exit status 1 after 10 of 10 lines; the last it said: no more licences'
fault "two lines for one" "    print(1); print(1)" 'it wrote more lines than it was asked for'
fault "an error of its own" "    print(json.dumps({'error': 'the compiler is missing'}))" 'it says: the compiler is missing'
rm -rf "$scratch/task/.rung"
rm "$scratch/task/score"
climb
status=$?
if [ $status -eq 2 ] && grep -q 'ended with exit status 127 (the shell found no such program) after 0 of 10 lines; the last it said: .*not found' "$scratch/err"; then
	ok "a missing program"
else
	fail "a missing program" "exit $status: $(cat "$scratch/err")"
fi
write_task '{command: ./score, binary: true}'
fault "a half under binary" "    print(0.5)" 'line 1 of its output, "0.5", has a score that is neither 0 nor 1'
write_task '{command: ./score}'

# --- killed ------------------------------------------------------------------------------------------------------------
rm -rf "$scratch/task/.rung" "$scratch/task/asked.log"
write_score "$say"
climb --store "$scratch/whole.db"
rm "$scratch/task/asked.log"
write_score "    time.sleep(0.02)
$say"
climb --store "$scratch/slow.db"
rm "$scratch/task/asked.log"
kills=0
while [ $kills -lt 6 ]; do
	"$rung" climb "$scratch/task" --rungs 0 --store "$scratch/killed.db" --quiet >/dev/null 2>&1 &
	pid=$!
	sleep 0.$((kills * 37 % 60 + 15))
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	kills=$((kills + 1))
done
climb --store "$scratch/killed.db"
table "$scratch/slow.db" >"$scratch/a"
table "$scratch/killed.db" >"$scratch/b"
extra=$(sort "$scratch/task/asked.log" | uniq -d | wc -l)
if cmp -s "$scratch/a" "$scratch/b"; then ok "kills leave answers and grades as they were"; else fail "kills leave answers and grades as they were" "$(cat "$scratch/err"; diff "$scratch/a" "$scratch/b" | head -c 500)"; fi
# What was in flight when it was killed is asked again: with nobody to read, the program sees its pipe break after at most a batch.
stored=$(python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("select count(*) from grade").fetchone()[0])' "$scratch/killed.db")
if [ "$stored" -eq "$(sort -u "$scratch/task/asked.log" | wc -l)" ] && [ "$extra" -le $((6 * 10)) ]; then ok "a grade that was stored is not asked for again"; else
	fail "a grade that was stored is not asked for again" "$stored stored, $(wc -l <"$scratch/task/asked.log") asked, $extra twice"
fi

# --- the task file -----------------------------------------------------------------------------------------------------
refused() { # SCORER SENTENCE
	write_task "$1"
	"$rung" check "$scratch/task" >"$scratch/out" 2>"$scratch/err"
	status=$?
	if [ $status -eq 1 ] && grep -q "task.yaml:6:[0-9]*: $2" "$scratch/err"; then ok "refused: $1"; else fail "refused: $1" "exit $status: $(cat "$scratch/err")"; fi
}
refused 'command' 'scorer command has to say who grades: {command: PROGRAM}'
refused 'judge' 'scorer judge has to say who grades: {judge: MODEL}'
refused '{command: ./score, rubric: short}' 'rubric is no setting of scorer command'
refused '{judge: local, timeout_s: 3}' 'timeout_s is no setting of scorer judge'
refused '{command: ./score, timeout_s: 0}' 'timeout_s wants a number above 0'
refused '{judge: local, pairwise: true, binary: true}' 'scorer: pairwise grades are 0, 0.5'
refused '{regex: "(a)", binary: true}' 'binary is no setting of scorer regex'
refused '{binary: true}' 'scorer wants one of regex, fields, judge or command, not 0'

# --- a judge -----------------------------------------------------------------------------------------------------------
# A server that grades by the share of words that are right, prefers what stands first where asked to, and babbles where told to.
cat >"$scratch/judge.py" <<'PY'
import http.server, json, sys
folder = sys.argv[1]
class Judge(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        system, shown = body["messages"][0]["content"], json.loads(body["messages"][1]["content"])
        mode = open(folder + "/mode").read().strip()
        with open(folder + "/judged.log", "a") as log:
            print(json.dumps([system, shown]), file=log)
        share = lambda a, b: sum(x == y for x, y in zip(a.split(), b.split())) / 3
        if "answer A" in shown:
            better = "A" if mode == "first" else "tie" if shown["answer A"] == shown["answer B"] else "A" if len(shown["answer A"]) < len(shown["answer B"]) else "B"
            grade = {"reason": "shorter", "better": better}
        elif '"verdict"' in system:
            grade = {"reason": "words", "verdict": "right" if share(shown["answer"], shown["reference"]) > 0.5 else "wrong"}
        else:
            more = 1 if mode == "lenient" and int(shown["input"].split()[-1]) % 3 else 0
            grade = {"reason": "words", "score": min(1 + round(4 * share(shown["answer"], shown["reference"])) + more, 5)}
        text = "I would say it is fine." if mode == "babble" or (mode == "once" and not body.get("temperature")) else json.dumps(grade)
        reply = json.dumps({"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
                            "usage": {"prompt_tokens": 100, "completion_tokens": 10}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)
    def log_message(self, *arguments): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Judge)
open(folder + "/port.new", "w").write(str(server.server_port))
import os; os.rename(folder + "/port.new", folder + "/port")
server.serve_forever()
PY
echo plain >"$scratch/mode"
python3 "$scratch/judge.py" "$scratch" 2>"$scratch/judge.err" &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$scratch"' EXIT
while [ ! -e "$scratch/port" ] && kill -0 $server 2>/dev/null; do sleep 0.05; done
judge=http://127.0.0.1:$(cat "$scratch/port")/v1#grader
judged() { wc -l <"$scratch/judged.log"; }
fresh() { # SCORER
	rm -rf "$scratch/task/.rung" "$scratch/judged.log"
	write_task "$1"
}

fresh "{judge: \"$judge\", rubric: \"Words count. MARK\"}"
if climb && python3 - "$scratch" <<'PY' 2>"$scratch/why"; then ok "a judge grades by the rubric"; else fail "a judge grades by the rubric" "$(tail -c 900 "$scratch/err" "$scratch/why")"; fi
import csv, json, sqlite3, sys
folder = sys.argv[1]
report = json.load(open(folder + "/report"))
right = {row["id"]: row["line"] for row in csv.DictReader(open(folder + "/task/examples.csv"))}
share = lambda a, b: round(4 * sum(x == y for x, y in zip(a.split(), b.split())) / 3) / 4
store = sqlite3.connect(folder + "/task/.rung/store.db")
winner = [v for v in report["variants"] if v["test"]][0]
answers = store.execute("select item, answer from answer where variant = ? and split = 'test'", (winner["id"],)).fetchall()
mean = sum(share(answer, right[item]) for item, answer in answers) / len(answers)
assert abs(winner["test"]["score"] - mean) < 1e-4, (winner, mean)
logged = [json.loads(line) for line in open(folder + "/judged.log")]
grades = store.execute("select why, call from grade").fetchall()
assert all("Words count. MARK" in system and set(shown) == {"task", "input", "reference", "answer"} for system, shown in logged), logged[0]
assert len(logged) == len(grades) and len({call for why, call in grades}) == len(grades) and {why for why, call in grades} == {"words"}, (len(logged), len(grades))
PY
before=$(judged)
climb
if [ "$(judged)" = "$before" ]; then ok "a judge is asked once"; else fail "a judge is asked once" "$before, then $(judged)"; fi
fresh "{judge: \"$judge\", binary: true}"
if climb && python3 -c 'import json, sqlite3, sys
assert {s for s, in sqlite3.connect(sys.argv[1] + "/task/.rung/store.db").execute("select score from grade")} == {0.0, 1.0}
assert sum(json.load(open(sys.argv[1] + "/report"))["variants"][0]["outcomes"].values()) > 0' "$scratch" 2>"$scratch/why"
then ok "right or wrong"; else fail "right or wrong" "$(cat "$scratch/err" "$scratch/why")"; fi

echo once >"$scratch/mode"
fresh "{judge: \"$judge\"}"
if climb && [ "$(judged)" -eq $((2 * $(python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("select count(*) from grade where score is not null").fetchone()[0])' "$scratch/task/.rung/store.db"))) ]
then ok "a reply that is no grade is asked for once more"; else fail "a reply that is no grade is asked for once more" "$(judged) $(cat "$scratch/err")"; fi
echo babble >"$scratch/mode"
fresh "{judge: \"$judge\"}"
climb
status=$?
if [ $status -eq 2 ] && grep -q 'judge http.* has not graded item "e[0-9]*", asked twice: its reply is no grade, "I would say it is fine."' "$scratch/err"
then ok "one that never grades is a sentence"; else fail "one that never grades is a sentence" "exit $status: $(cat "$scratch/err")"; fi
before=$(judged)
echo plain >"$scratch/mode"
if climb && [ "$(judged)" -gt "$before" ]; then ok "and is tried again by the next climb"; else fail "and is tried again by the next climb" "$(cat "$scratch/err")"; fi

echo plain >"$scratch/mode"
fresh "{judge: \"$judge\", pairwise: true}"
if climb && python3 - "$scratch" <<'PY' 2>"$scratch/why"; then ok "pairs in both orders"; else fail "pairs in both orders" "$(tail -c 900 "$scratch/err" "$scratch/why")"; fi
import csv, json, sqlite3, sys
folder = sys.argv[1]
right = {row["id"]: row["line"] for row in csv.DictReader(open(folder + "/task/examples.csv"))}
store = sqlite3.connect(folder + "/task/.rung/store.db")
report = json.load(open(folder + "/report"))
winner = [v for v in report["variants"] if v["test"]][0]
win = lambda a, b: 0.5 if a == b else 1 if len(a) < len(b) else 0 if len(a) > len(b) else 0.5 # of equal length: B in both orders
answers = store.execute("select item, answer from answer where variant = ? and split = 'test'", (winner["id"],)).fetchall()
assert abs(winner["test"]["score"] - sum(win(answer, right[item]) for item, answer in answers) / len(answers)) < 1e-4, winner
assert {s for s, in store.execute("select score from grade")} >= {0.0, 1.0}
PY
echo first >"$scratch/mode"
fresh "{judge: \"$judge\", pairwise: true}"
if climb && python3 -c 'import json, sys
assert {v["test"]["score"] for v in json.load(open(sys.argv[1]))["variants"] if v["test"]} == {0.5}' "$scratch/report" 2>"$scratch/why"
then ok "a judge of places says nothing"; else fail "a judge of places says nothing" "$(cat "$scratch/err" "$scratch/why")"; fi
echo plain >"$scratch/mode"

# --- people ------------------------------------------------------------------------------------------------------------
echo lenient >"$scratch/mode"
fresh "{judge: \"$judge\"}"
climb --rungs 0
"$rung" report "$scratch/task" >"$scratch/out" 2>&1
human=$scratch/task/.rung/human.csv
if grep -q 'Who graded' "$scratch/out" && tr -s ' \n' ' ' <"$scratch/out" | grep -q "the scores are the judge's, uncorrected" && "$rung" export "$scratch/task" --grades >"$scratch/out" 2>&1 &&
	grep -q 'human.csv: 18 answers to test items, 0 of them graded' "$scratch/out" && [ "$(head -n 1 "$human" | tr -d '\r')" = key,item,input,expected,answer,human ]
then ok "answers for people to grade"; else fail "answers for people to grade" "$(cat "$scratch/out" "$scratch/err")"; fi
cat >"$scratch/people.py" <<'PY'
# people.py FILE ROWS: a person who counts words grades so many rows from the top; prints them
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
share = lambda a, b: sum(x == y for x, y in zip(a.split(), b.split())) / 3
for row in rows[:int(sys.argv[2])]:
    row["human"] = ["wrong", "0.25", "0.5", "0.75", "right"][round(4 * share(row["answer"], row["expected"]))]
with open(sys.argv[1], "w", newline="") as out:
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
PY
python3 "$scratch/people.py" "$human" 10
if "$rung" check "$scratch/task" 2>&1 | grep -q "judge http.* grades at most [0-9]* answers, in [0-9]* more calls"; then ok "check says what a judge takes"; else
	fail "check says what a judge takes" "$("$rung" check "$scratch/task" 2>&1)"
fi
if "$rung" report "$scratch/task" --json >"$scratch/report" 2>"$scratch/err" && "$rung" report "$scratch/task" >"$scratch/out" && python3 - "$scratch" <<'PY' 2>"$scratch/why"
import csv, json, math, sqlite3, sys
folder = sys.argv[1]
report = json.load(open(folder + "/report"))
store = sqlite3.connect(folder + "/task/.rung/store.db")
winner = [v for v in report["variants"] if v["test"]][0]
# The judge's grades, by its own rule.
right = {row["id"]: row for row in csv.DictReader(open(folder + "/task/examples.csv"))}
share = lambda a, b: round(4 * sum(x == y for x, y in zip(a.split(), b.split())) / 3)
answers = dict(store.execute("select item, answer from answer where variant = ? and split = 'test'", (winner["id"],)).fetchall())
f = {i: min(share(a, right[i]["line"]) + (int(right[i]["n"].split()[-1]) % 3 > 0), 4) / 4 for i, a in answers.items()}
words = {"right": 1, "wrong": 0}
y = {row["item"]: float(words.get(row["human"], row["human"] if row["human"] not in words else 0)) for row in csv.DictReader(open(folder + "/task/.rung/human.csv", newline="")) if row["human"]}
n, rest = len(y), [f[i] for i in f if i not in y]
N = len(rest)
mean = lambda x: sum(x) / len(x)
Y, F = [y[i] for i in y], [f[i] for i in y]
everything = F + rest
variance = sum((x - mean(everything)) ** 2 for x in everything) / (len(everything) - 1)
covariance = sum((a - mean(Y)) * (b - mean(F)) for a, b in zip(Y, F)) / n
lam = min(max(covariance / ((1 + n / N) * variance), 0), 1)
theta = lam * mean(rest) + mean(Y) - lam * mean(F)
(c,) = report["grading"]["corrected"]
assert (c["variant"], c["against"], c["n"], c["items"]) == (winner["id"], None, 10, 18), c
assert abs(c["lambda"] - lam) < 1e-6 and abs(c["score"] - theta) < 1e-6 and abs(c["uncorrected"] - winner["test"]["score"]) < 1e-6, (c, lam, theta)
assert 0 <= c["low"] < theta < c["high"] <= 1, c
a = report["grading"]["agreement"]
assert a["n"] == 10 and abs(a["human"] - mean(Y)) < 1e-6 and abs(a["scorer"] - mean(F)) < 1e-6 and a["scorer"] > a["human"], a
PY
then ok "a score corrected by people's grades"; else fail "a score corrected by people's grades" "$(tail -c 900 "$scratch/err" "$scratch/why")"; fi
said=$(tr -s ' \n' ' ' <"$scratch/out")
case $said in *"On 10 answers that people graded"*"too lenient"*"By 10 human grades"*"Below 50 grades the interval is approximate"*) ok "and said so" ;; *) fail "and said so" "$said" ;; esac
"$rung" export "$scratch/task" --grades >"$scratch/out" 2>&1
if grep -q '18 answers to test items, 10 of them graded' "$scratch/out" && "$rung" report "$scratch/task" --json 2>&1 | cmp -s - "$scratch/report"; then ok "grades stay when the file is written anew"; else
	fail "grades stay when the file is written anew" "$(cat "$scratch/out")"
fi
sed -i '0,/,right/s//,rihgt/' "$human"
grep -q rihgt "$human" || sed -i '2s/,[^,]*\r*$/,rihgt/' "$human"
if ! "$rung" report "$scratch/task" >"$scratch/out" 2>"$scratch/err" && grep -q 'human.csv:[0-9]*: human "rihgt" is no grade' "$scratch/err"; then ok "a grade that is none"; else fail "a grade that is none" "$(cat "$scratch/err")"; fi
rm "$human"
for format in md html; do "$rung" report "$scratch/task" --format $format -o "$scratch/page.$format"; done
if grep -q 'Who graded' "$scratch/page.md" && grep -q 'id="grading"' "$scratch/page.html"; then ok "in all forms"; else fail "in all forms" "$(head -c 300 "$scratch/page.md")"; fi

# Two rungs: samples are graded one by one, and the difference is corrected too.
fresh "{judge: \"$judge\"}"
echo 'models: local:tiny-llama' >>"$scratch/task/task.yaml"
echo "pattern: '(a|b): ([A-Z][a-z]+) ([0-9]+)\.'" >>"$scratch/task/task.yaml"
if "$rung" climb "$scratch/task" --rungs 0-1 --json --quiet >"$scratch/report" 2>"$scratch/err" && "$rung" export "$scratch/task" --grades >"$scratch/out" 2>"$scratch/err" &&
	python3 "$scratch/people.py" "$human" 1000 && "$rung" report "$scratch/task" --json >"$scratch/report" 2>"$scratch/err" && python3 - "$scratch" <<'PY' 2>"$scratch/why"
import csv, json, sys
folder = sys.argv[1]
report = json.load(open(folder + "/report"))
g = report["grading"]
(comparison,) = report["comparisons"]
scores = {c["variant"]: c for c in g["corrected"] if c["against"] is None}
(difference,) = [c for c in g["corrected"] if c["against"]]
assert len(scores) == 2 and (difference["variant"], difference["against"]) == (comparison["to"], comparison["from"]), g
# All of them graded: people's means, and the scorer's, are what is left.
assert abs(difference["score"] - (scores[comparison["to"]]["score"] - scores[comparison["from"]]["score"])) < 1e-6, g
assert abs(difference["uncorrected"] - comparison["delta"]) < 1e-6, (difference, comparison)
assert all(c["score"] < c["uncorrected"] and c["lambda"] == 0 for c in scores.values()), scores
assert any("5 samples" in f["probe"] for f in report["diagnosis"]), report["diagnosis"]
logged = open(folder + "/judged.log").readlines()
assert g["calls"] == g["grades"] == len(logged) == len(set(logged)) and g["input_tokens"] == 100 * len(logged), (g, len(logged))
PY
then ok "a difference corrected by people's grades"; else fail "a difference corrected by people's grades" "$(tail -c 900 "$scratch/err" "$scratch/why")"; fi

# Grades that the examples come with are put before the judge as well.
fresh "{judge: \"$judge\"}"
cp "$scratch/task/examples.csv" "$scratch/examples.csv"
python3 - "$scratch/task" <<'PY'
import csv, sys
folder = sys.argv[1]
rows = list(csv.DictReader(open(folder + "/examples.csv")))
with open(folder + "/examples.csv", "w", newline="") as out:
    writer = csv.writer(out)
    writer.writerow(["id", "n", "line", "theirs", "grade"])
    for i, row in enumerate(rows):
        writer.writerow([row["id"], row["n"], row["line"], row["line"] if i % 2 else "no idea", ["wrong", "right"][i % 2] if i < 20 else ""])
text = open(folder + "/task.yaml").read()
open(folder + "/task.yaml", "w").write(text.replace("id: id}", "id: id, human: grade, graded: theirs}"))
PY
echo plain >"$scratch/mode"
if climb && python3 -c 'import json, sys
a = json.load(open(sys.argv[1]))["grading"]["agreement"]
assert a == {"n": 20, "human": 0.5, "scorer": 0.5, "correlation": 1.0, "same": 1.0, "kappa": 1.0}, a' "$scratch/report" 2>"$scratch/why"
then ok "grades of recorded answers"; else fail "grades of recorded answers" "$(tail -c 600 "$scratch/err" "$scratch/why")"; fi
sed -i 's/,wrong/,worng/' "$scratch/task/examples.csv"
climb
status=$?
if [ $status -eq 1 ] && grep -q 'examples.csv:2: human "worng" is no grade' "$scratch/err"; then ok "a column with what is no grade"; else fail "a column with what is no grade" "$(cat "$scratch/err")"; fi
cp "$scratch/examples.csv" "$scratch/task/examples.csv"

# Items of one group are one observation.
awk -F, 'NR == 1 { print $0 ",case"; next } { sub(/\r$/, ""); print $0 ",c" int((NR - 2) / 3) }' "$scratch/examples.csv" | sed '1s/\r//' >"$scratch/task/examples.csv"
fresh "{judge: \"$judge\"}"
sed -i 's/id: id}/id: id, group: case}/' "$scratch/task/task.yaml"
climb && "$rung" export "$scratch/task" --grades >"$scratch/out" 2>"$scratch/err" && python3 "$scratch/people.py" "$human" 9 && "$rung" report "$scratch/task" >"$scratch/out" 2>>"$scratch/err"
said=$(tr -s ' \n' ' ' <"$scratch/out")
case $said in *"By 9 human grades in 3 groups,"*"Below 50 groups the interval is approximate"*) ok "groups are counted once" ;; *) fail "groups are counted once" "$(cat "$scratch/err") $said" ;; esac
cp "$scratch/examples.csv" "$scratch/task/examples.csv"

write_task '{judge: "openai:gpt-4.1-mini"}'
echo 'constraints: {private: true}' >>"$scratch/task/task.yaml"
climb
status=$?
if [ $status -eq 1 ] && grep -q 'judge openai:gpt-4.1-mini would be shown the inputs' "$scratch/err"; then ok "a private task has a judge here"; else fail "a private task has a judge here" "exit $status: $(cat "$scratch/err")"; fi
write_task '{judge: local:nobody}'
climb
status=$?
if [ $status -eq 1 ] && grep -q 'task.yaml: judge: .*nobody' "$scratch/err"; then ok "a judge that is not there"; else fail "a judge that is not there" "exit $status: $(cat "$scratch/err")"; fi
case $rung in *address* | *thread*) real=none ;; esac # too slow for a test; a judge is the same with any model
if [ -e "$real/smollm2-135m-instruct.Q4_1.gguf" ]; then
	fresh '{judge: local}'
	if RUNG_MODELS=$real climb && python3 -c 'import sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute("select score, output from grade join call on call.id = grade.call").fetchall()
assert len(rows) > 30 and all(score in (0, .25, .5, .75, 1) and "reason" in output for score, output in rows), rows' "$scratch/task/.rung/store.db" 2>"$scratch/why"
	then ok "the small model as a judge"; else fail "the small model as a judge" "$(cat "$scratch/err" "$scratch/why")"; fi
else
	skip "the small model as a judge" "no models here (\`make models\`), or sanitizers that make it too slow"
fi
finish
