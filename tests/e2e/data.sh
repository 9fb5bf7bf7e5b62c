#!/bin/sh
# data.sh - what was served becomes examples: demonstrations reviewed and taken, calls drawn for test, what is tested kept out of everything that
# is learnt, shown or handed out; drift; and a subject forgotten to the last byte.
. tests/e2e/lib.sh

unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
mkdir "$scratch/models"
export RUNG_MODELS="$scratch/models"
cat >"$scratch/drive.py" <<'PY'
"""drive.py RUNG SCRATCH"""
import csv, glob, http.client, json, os, random, signal, subprocess, sys, traceback

rung, scratch = sys.argv[1], sys.argv[2]
task, store = f"{scratch}/task", f"{scratch}/task/.rung"
failures, started = 0, []


def check(name, test):
    global failures
    try:
        test()
        print(f"[       OK ] {name}", flush=True)
    except Exception:
        failures += 1
        print(f"{name}: {traceback.format_exc()[-1200:]}\n[  FAILED  ] {name}", flush=True)


def run(*arguments, code=0):
    p = subprocess.run([rung, *arguments], capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    assert p.returncode == code, (arguments, p.returncode, p.stdout, p.stderr)
    return p.stdout if code == 0 else p.stderr


def data(verb, *more, code=0):
    return run("data", verb, task, "--quiet", *more, code=code)


def data_json(verb, *more):
    return json.loads(data(verb, "--json", *more))


draw = random.Random(1)
syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
words = {"spam": ["prize", "winner", "claim", "lottery", "free"], "work": ["meeting", "report", "agenda", "budget", "team"]}


def text(label):
    """Words of the label among others that occur nowhere else."""
    others = ["".join(draw.sample(syllables, 4)) for _ in range(6)]
    mixed = draw.sample(words[label], 3) + others
    draw.shuffle(mixed)
    return " ".join(mixed)


os.mkdir(task)
rows = [{"id": f"e{i}", "text": text(("spam", "work")[i % 2]), "label": ("spam", "work")[i % 2],
         "split": "dev" if i % 10 in (6, 7) else "test" if i % 10 in (8, 9) else "train"} for i in range(200)]
with open(f"{task}/examples.csv", "w", newline="", encoding="utf-8") as out:
    w = csv.DictWriter(out, ["id", "text", "label", "split"])
    w.writeheader()
    w.writerows(rows)
open(f"{task}/task.yaml", "w").write("""name: mail
kind: classify
instruction: Choose one of {{labels}}.
input: "{{text}}"
labels: [spam, work]
examples: {file: examples.csv, answer: label, id: id, split: split}
""")
tested = next(r for r in rows if r["split"] == "test")
chosen = next(r for r in rows if r["split"] == "dev")
learnt = next(r for r in rows if r["split"] == "train")
near_tested = tested["text"].replace(" ", ", ") + " a"  # nearly
run("climb", task, "--rungs", "0-0", "--quiet")


class Gateway:
    def __init__(self):
        self.process = subprocess.Popen([rung, "serve", "--port", "0", "--quiet", task], stdout=subprocess.PIPE, text=True)
        started.append(self.process)
        self.port = int(self.process.stdout.readline().strip().rsplit(":", 1)[1])

    def post(self, path, body):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        c.request("POST", path, json.dumps(body))
        r = c.getresponse()
        got = json.loads(r.read())
        assert r.status in (200, 202), got
        return got

    def ask(self, words, **more):
        r = self.post("/v1/chat/completions", {"model": "mail", "messages": [{"role": "user", "content": words}]} | more)
        return r["id"], r["choices"][0]["message"]["content"]

    def say(self, id, **what):
        self.post("/v1/feedback", {"id": id} | what)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0


calls = {}


def served():
    g = Gateway()
    for name, words, right in (("plain", text("work"), "work"), ("other", text("spam"), "spam"), ("leak", near_tested, tested["label"]),
                               ("same", chosen["text"].upper(), chosen["label"]), ("known", learnt["text"], learnt["label"]),
                               ("contrary", learnt["text"] + "!", "work" if learnt["label"] == "spam" else "spam"),
                               ("wrong", text("work"), "wrok"), ("formula", "=" + text("spam"), "spam"), ("late", text("work"), "work")):
        id, answer = g.ask(words, user=f"person-{name}")
        g.say(id, demonstration=right)
        calls[name] = {"id": id.removeprefix("chatcmpl-"), "text": words, "right": right, "answer": answer}
    id, answer = g.ask(text("spam"))
    g.say(id, value=True)
    calls["praised"] = {"id": id.removeprefix("chatcmpl-"), "answer": answer}
    for i in range(60):
        id, _ = g.ask(text(("spam", "work")[i % 2]), metadata={"subject": "crowd"})
        g.say(id, value=i % 4 > 0)
    g.stop()


def drifts():
    d = data_json("drift")
    assert d["window"] == 70 and d["inputs"]["served"] >= 60 and d["inputs"]["by"] == "words" and not d["inputs"]["moved"], d
    assert {s["name"] for s in d["answers"]["shares"]} == {"spam", "work"} and d["answers"]["examples"] == 80 and not d["answers"]["moved"], d
    assert d["ratings"]["rated"] == 61 and .5 < d["ratings"]["low"] < d["ratings"]["mean"] < d["ratings"]["high"] < .95, d
    g = Gateway()
    for i in range(60):
        g.ask(" ".join(draw.sample(["invoice", "refund", "parcel", "courier", "tracking", "delivery", "warehouse", "shipped"], 4)) + " prize " + text("spam"))
    g.stop()
    d = data_json("drift", "-n", "60")
    assert d["inputs"]["moved"] and d["inputs"]["auc"] > .9 and len(d["inputs"]["least_like"]) == 3, d
    assert d["answers"]["moved"], d
    said = data("drift", "-n", "60")
    assert "they have moved" in said and "at most 5 % of the time" in said and "ratings  of 0 of the calls" in said, said
    assert "1000 calls at most" in data("drift", "-n", "1001", code=1) and "from 0.002 to 0.5" in data("drift", "--alpha", "0.001", code=1)
    assert "20 of each are needed" in data("drift", "-n", "10")


def review_finds():
    r = data_json("review")
    got = {p["call"]: p for p in r["proposals"]}
    of = lambda name: got[calls[name]["id"]]
    assert set(got) == {calls[n]["id"] for n in ("plain", "other", "leak", "same", "contrary", "wrong", "formula", "late")}, got
    assert r["known"] == 1 and r["taken"] == 0 and r["compared_by"] == "words", r
    assert of("leak")["decision"] == "refused" and of("leak")["near"]["id"] == tested["id"] and of("leak")["near"]["split"] == "test", of("leak")
    assert of("same")["decision"] == "refused" and of("same")["near"]["split"] == "dev", of("same")
    assert of("contrary")["why"].startswith("the pool has that input as " + learnt["id"]), of("contrary")
    assert 'label "wrok" is not one of spam, work' in of("wrong")["why"], of("wrong")
    assert of("plain")["why"] is None and of("plain")["decision"] is None, of("plain")
    assert not os.path.exists(f"{task}/collected.jsonl")


def review_file():
    path = f"{store}/review.csv"
    rows = list(csv.DictReader(open(path, newline="", encoding="utf-8")))
    by = {r["call"]: r for r in rows}
    assert by[calls["formula"]["id"]]["input"].startswith("'="), rows

    def edit(name, **cells):
        for r in rows:
            if r["call"] == calls[name]["id"]:
                r.update(cells)
        with open(path, "w", newline="", encoding="utf-8") as out:
            w = csv.DictWriter(out, list(rows[0]))
            w.writeheader()
            w.writerows(rows)
        return 2 + [r["call"] for r in rows].index(calls[name]["id"])

    for name, cells, words in (("plain", {"decision": "acept"}, 'decision "acept" is not one of accept, fix, reject (did you mean "accept"?)'),
                               ("plain", {"decision": "fix"}, "the column fix, for the right answer, is empty"),
                               ("plain", {"decision": "accept", "fix": "work"}, "write fix, or take it out"),
                               ("leak", {"decision": "accept"}, f"it is nearly the test item {tested['id']}"),
                               ("leak", {"decision": "fix", "fix": "spam"}, "which nothing may learn from"),
                               ("wrong", {"decision": "accept"}, 'label "wrok" is not one of spam, work'),
                               ("wrong", {"decision": "fix", "fix": "wrko"}, 'label "wrko" is not one of spam, work')):
        line = edit(name, **cells)
        why = data("review", code=1)
        assert f"review.csv:{line}: " in why and words in why, (name, why)
        edit(name, decision="refused" if name == "leak" else "", fix="")
    assert not os.path.exists(f"{task}/collected.jsonl")
    edit("plain", decision="accept")
    edit("wrong", decision="fix", fix="work")
    edit("other", decision="reject")
    r = data_json("review")
    assert r["taken"] == 2 and r["fixed"] == 1, r
    lines = [json.loads(line) for line in open(f"{task}/collected.jsonl", encoding="utf-8")]
    assert [(x["text"], x["label"], x["rung::split"], x["rung::from"]["decision"]) for x in lines] == [
        (calls["plain"]["text"], "work", "pool", "accept"), (calls["wrong"]["text"], "work", "pool", "fix")], lines
    assert lines[0]["rung::from"]["call"] == calls["plain"]["id"] and lines[0]["rung::from"]["log"].endswith("served.db"), lines
    assert lines[0]["id"] == "served-" + calls["plain"]["id"], lines
    again = data_json("review")
    assert again["taken"] == 0 and {p["call"]: p["decision"] for p in again["proposals"]}[calls["other"]["id"]] == "reject", again


def flags():
    assert "no call" in data("review", "--accept", "ffff", code=1)
    assert "cannot be taken" in data("review", "--accept", calls["leak"]["id"], code=1)
    r = data_json("review", "--accept", "all")
    assert r["taken"] == 2, r  # formula and late; not what is refused, rejected, or contrary
    lines = [json.loads(line) for line in open(f"{task}/collected.jsonl", encoding="utf-8")]
    assert [x["text"] for x in lines[2:]] == [calls["formula"]["text"], calls["late"]["text"]], lines
    assert data_json("review", "--right")["proposals"][-1]["said"] == "right"


def asked():
    """A person at a terminal."""
    import pty
    g = Gateway()
    for label in ("work", "spam", "work"):
        id, _ = g.ask(text(label))
        g.say(id, demonstration=label)
    g.stop()
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(rung, [rung, "data", "review", task])
    seen = b""
    while b"[q]uit? " not in seen:
        seen += os.read(fd, 4096)
    # What the pool contradicts cannot be accepted; no answer is asked again, and so is a label that there is not.
    os.write(fd, b"a\nr\n" b"x\na\n" b"f\nspma\nr\n" b"q\n")
    left = b""
    try:
        while chunk := os.read(fd, 4096):
            left += chunk
    except OSError:
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, left
    decisions = [p["decision"] for p in data_json("review")["proposals"] if p["decision"] != "refused"]
    assert b"1 taken" in left and decisions.count("reject") == 3 and decisions.count(None) == 1, (left, decisions)
    data("review", "--reject", "all")


def climbs_again():
    run("report", task)  # as it was climbed, whatever was collected since
    g = Gateway()
    g.stop()
    before = json.loads(run("report", task, "--format", "json"))["examples"]
    run("climb", task, "--rungs", "0-0", "--quiet")
    after = json.loads(run("report", task, "--format", "json"))["examples"]
    assert after["pool"] == before["pool"] + 5 and after["test"] == before["test"] and after["dev"] == before["dev"], (before, after)


def planted():
    """By hand, past the review: what is nearly tested is dropped from the pool, said, and in nothing that leaves it."""
    path = f"{task}/collected.jsonl"
    kept = open(path, encoding="utf-8").read()
    with open(path, "a", encoding="utf-8") as out:
        for words in (near_tested, tested["text"].upper(), chosen["text"] + " ."):
            print(json.dumps({"text": words, "label": "spam"}), file=out)
    said = run("check", task)
    assert "2 examples of" in said and "their texts stand among the examples already" in said, said
    assert "1 example of" in said and f"the test item {tested['id']}" in said, said
    run("tune", "export", task, "--for", "trl", "-o", f"{scratch}/handed", "--quiet")
    out = "".join(open(f, encoding="utf-8").read() for f in glob.glob(f"{scratch}/handed/data/*")).lower()
    assert out and calls["plain"]["text"] in out, "what was collected is handed out"
    held = [r["text"] for r in rows if r["split"] != "train"]
    for words in [near_tested, *held]:
        assert words.lower() not in out, words
    open(path, "w", encoding="utf-8").write(kept)


def shown():
    """The same with a model that is shown examples: everything that it was sent, on every rung that shows any."""
    other = f"{scratch}/other"
    os.mkdir(other)
    for name in ("task.yaml", "examples.csv"):
        open(f"{other}/{name}", "w").write(open(f"{task}/{name}").read())
    with open(f"{other}/collected.jsonl", "w") as out:
        for r in rows:
            if r["split"] != "train":
                print(json.dumps({"text": r["text"] + " zzplanted", "label": r["label"]}), file=out)
                print(json.dumps({"text": r["text"].upper() + " !!", "label": r["label"]}), file=out)
        for i in range(40):
            print(json.dumps({"text": text("spam") + " zzlearnt", "label": "spam"}), file=out)
    run("climb", other, "--rungs", "0-1", "--models", "openai:m", "--yes", "--quiet")
    sent = [json.loads(line) for line in run("export", other, "--calls").splitlines()]
    asked = "".join(json.dumps(c["request"]) for c in sent)
    assert len(sent) > 40 and asked.count("zzlearnt") > 0, (len(sent), asked[:300])
    assert "zzplanted" not in asked
    for r in rows:
        if r["split"] != "train":
            assert r["text"].upper() not in asked, r
    curves = json.loads(run("report", other, "--format", "json"))["curves"]
    assert curves and all(p["n"] <= 160 for c in curves for p in c["points"]), curves


def sampled():
    r = data_json("sample", "-n", "12")
    assert r["drawn"] == 12 and not r["taken"] and r["of"] >= 60, r
    path = f"{store}/sample.csv"
    drawn = list(csv.DictReader(open(path, newline="", encoding="utf-8")))
    assert list(drawn[0]) == ["call", "input", "label", "decision"] and all(not d["label"] for d in drawn), drawn

    def write():
        with open(path, "w", newline="", encoding="utf-8") as out:
            w = csv.DictWriter(out, list(drawn[0]))
            w.writeheader()
            w.writerows(drawn)

    for d in drawn[:-1]:
        d["label"] = "spam" if any(w in d["input"] for w in words["spam"]) else "work"
    write()
    assert "1 of the 12 calls that were drawn have no label yet" in data("sample")
    drawn[-1]["label"] = "spma"
    write()
    assert 'sample.csv:13: label "spma" is not one of' in data("sample", code=1)
    drawn[-1].update(label="", decision="skip")
    write()
    before = open(f"{task}/collected.jsonl", encoding="utf-8").read()
    r = data_json("sample")
    assert r["taken"] and r["labelled"] == 11 and r["skipped"] == 1 and not os.path.exists(path), r
    lines = [json.loads(line) for line in open(f"{task}/collected.jsonl", encoding="utf-8")][before.count("\n"):]
    assert len(lines) == 11 and all(x["rung::split"] == "test" for x in lines), lines
    report = lambda: json.loads(run("report", task, "--format", "json"))["examples"]
    was = report()
    run("climb", task, "--rungs", "0-0", "--quiet")
    now = report()
    also = sum(x["text"] in [calls[n].get("text") for n in calls] for x in lines)
    assert now["test"] == was["test"] + 11 - sum(x["text"].lower().rstrip("!") in [r["text"] for r in rows if r["split"] == "test"] for x in lines) and also >= 0
    data_json("sample", "-n", "5")
    drawn = list(csv.DictReader(open(path, newline="", encoding="utf-8")))
    assert not {d["call"] for d in drawn} & {x["rung::from"]["call"] for x in lines}, "none is drawn twice"
    os.remove(path)


def forgets():
    secret = "zanzibarquartz"
    g = Gateway()
    for i in range(30):
        id, _ = g.ask(f"{secret} meeting report number {draw.random()}", user="patient-7741")
        g.say(id, demonstration="work")
        g.say(id, comment=f"{secret} was here")
    data("review", "--accept", "all")
    holds = lambda words: [f for f in glob.glob(f"{store}/*") + [f"{task}/collected.jsonl"] if os.path.isfile(f) and words.encode() in open(f, "rb").read()]
    assert holds(secret) and holds("patient-7741")
    r = data_json("forget", "--subject", "patient-7741")  # while it serves
    assert r["calls"] == 30 and r["feedback"] == 60 and r["collected"] > 0, r
    assert not holds(secret) and not holds("patient-7741"), (holds(secret), holds("patient-7741"))
    id, _ = g.ask(text("work"))
    g.say(id, value=True)
    g.stop()
    assert data_json("forget", "--subject", "patient-7741")["calls"] == 0
    assert "--subject" in data("forget", code=1)


def kept():
    assert "--calls-days" in data("keep", code=1)
    r = data_json("keep", "--texts-days", "1", "--calls-days", "1")
    assert r["calls"] == 0 and r["texts"] == 0, r


for name, test in (("calls are served, and what is right is said of them", served), ("what has moved is said, and what has not", drifts),
                   ("review finds what can be taken, and why not", review_finds),
                   ("a person decides in the file", review_file), ("or on the command line", flags), ("a person at a terminal is asked", asked), ("the next climb learns from it", climbs_again),
                   ("what is tested is in nothing that is learnt", planted), ("nor in anything that a model is shown", shown), ("calls drawn at random become test items", sampled),
                   ("a subject is forgotten to the last byte", forgets), ("what is old goes", kept)):
    check(name, test)
for p in started:
    if p.poll() is None:
        p.kill()
sys.exit(failures > 0)
PY
start_faults --seconds 600
export OPENAI_BASE_URL="http://127.0.0.1:$faults/v1" OPENAI_API_KEY=sk-test-0
python3 "$scratch/drive.py" "$rung" "$scratch" || failures=1
finish
