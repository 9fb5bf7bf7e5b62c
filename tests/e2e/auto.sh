#!/bin/sh
# auto.sh - "rung/auto": questions of two tasks find theirs, what is like neither goes to the default.
# Plain builds alone: minutes of embeddings.
. tests/e2e/lib.sh

unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
if [ ! -d "$models/all-MiniLM-L6-v2" ]; then
	skip "routing" "no models here; run \`make models\`"
	finish
fi
for task in email medical-coder; do
	cp -R "examples/$task" "$scratch/$task"
	rm -rf "$scratch/$task/.rung"
	"$rung" climb "$scratch/$task" --rungs 0-0 --quiet >"$scratch/out" 2>&1 || fail "climb $task" "$(head -c 300 "$scratch/out")"
done
cp -R "$scratch/email" "$scratch/auto"
sed -i.bak 's/^name: email/name: auto/' "$scratch/auto/task.yaml"
"$rung" climb "$scratch/auto" --rungs 0-0 --quiet >"$scratch/out" 2>&1 || fail "climb auto" "$(head -c 300 "$scratch/out")"

refused() { # NAME WORDS ARGUMENT...
	name=$1 words=$2
	shift 2
	if timeout 60 "$rung" serve --port 0 "$@" >"$scratch/out" 2>"$scratch/why"; then fail "$name" "it starts and ends well"; return; fi
	if grep -qF "$words" "$scratch/why" && [ ! -s "$scratch/out" ]; then ok "$name"; else fail "$name" "$(head -c 500 "$scratch/why")"; fi
}
refused "a default that is nobody" 'default "nobody": is neither' --default nobody "$scratch/email"
OPENAI_API_KEY=sk-test-1 refused "private inputs stay here" 'says `private: true`' --upstream openai:gpt-4.1-mini --default openai:gpt-4.1-mini "$scratch/email" "$scratch/medical-coder"
refused "a task whose name is taken" 'is called "auto"' --auto "$scratch/auto"
refused "nothing to route to" "there is no task to route to" --auto --upstream http://127.0.0.1:9/v1#m

printf '{"match": "capital", "answer": "Lima"}\n' >"$scratch/answers.jsonl"
start_faults --answers "$scratch/answers.jsonl"
cat >"$scratch/drive.py" <<'PY'
"""drive.py RUNG SCRATCH UPSTREAM"""
import http.client, json, signal, subprocess, sys, threading, traceback

rung, scratch, upstream = sys.argv[1:]
failures, started = 0, []


def check(name, test):
    global failures
    try:
        test()
        print(f"[       OK ] {name}", flush=True)
    except Exception:
        failures += 1
        print(f"{name}: {traceback.format_exc()[-900:]}\n[  FAILED  ] {name}", flush=True)


class Gateway:
    def __init__(self, *arguments):
        self.process = subprocess.Popen([rung, "serve", "--port", "0", "--no-log", f"{scratch}/email", f"{scratch}/medical-coder", *arguments],
                                        stdout=subprocess.PIPE, stderr=open(f"{scratch}/err", "w"), text=True)
        started.append(self.process)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def send(self, method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        c.request(method, path, json.dumps(body) if body is not None else None)
        r = c.getresponse()
        return r.status, r.read().decode()

    def ask(self, what, model="rung/auto", **more):
        what = what if isinstance(what, str) else json.dumps(what)
        status, text = self.send("POST", "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": what}], **more})
        return status, json.loads(text) if not more.get("stream") else text

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, open(f"{scratch}/err").read()


mails = [r for r in map(json.loads, open(f"{scratch}/email/emails.jsonl")) if r["split"] == "test"]
notes = list(map(json.loads, open(f"{scratch}/medical-coder/notes.jsonl")))
mail = lambda r: {"subject": r["subject"], "text": r["text"]}
note = lambda r: {"specialty": r["specialty"], "note": r["note"]}
strange = {"subject": "", "text": "A train leaves at nine and goes 80 miles an hour. A second one leaves at ten at 95. After how many miles do they meet?"}

plain = Gateway("--auto")


def is_listed():
    assert "rung/auto" in {m["id"] for m in json.loads(plain.send("GET", "/v1/models")[1])["data"]}


def finds_theirs():
    right = 0
    for r in mails[:40]:
        status, reply = plain.ask(mail(r))
        right += status == 200 and reply["rung::task"] == "email"
        if status == 200:
            assert reply["model"] == "rung/auto" and reply["choices"][0]["message"]["content"] == plain.ask(mail(r), "rung/email")[1]["choices"][0]["message"]["content"]
    assert right >= 38, right
    right = sum(plain.ask(note(r))[1].get("rung::task") == "medical-coder" for r in notes[:40])
    assert right >= 38, right


def says_whose_it_is_not():
    for what in (strange, "What is the capital of Peru?", {"colour": "red"}, "{", ""):
        status, reply = plain.ask(what)
        assert status in (400, 404), (what, status, reply)
    status, reply = plain.ask(strange)
    assert status == 404 and reply["error"]["code"] == "no_task" and "unlike what the tasks here are for" in reply["error"]["message"], reply
    assert "no task here takes such an input" in plain.ask("What is the capital of Peru?")[1]["error"]["message"]


def many_at_once():
    out = [None] * 60
    def one(i): out[i] = plain.ask(mail(mails[i % 20]) if i % 2 else note(notes[i % 20]))[1].get("rung::task")
    threads = [threading.Thread(target=one, args=(i,)) for i in range(60)]
    for t in threads: t.start()
    for t in threads: t.join()
    right = sum(t == ("email" if i % 2 else "medical-coder") for i, t in enumerate(out))
    assert right >= 56, out


def streams():
    status, text = plain.ask(mail(mails[0]), stream=True)
    assert status == 200 and text.endswith("data: [DONE]\n\n") and "chat.completion.chunk" in text, text[-300:]


def goes_away():
    c = http.client.HTTPConnection("127.0.0.1", plain.port, timeout=60)
    c.request("POST", "/v1/chat/completions", json.dumps({"model": "rung/auto", "messages": [{"role": "user", "content": json.dumps(mail(mails[1]))}]}))
    c.close()
    assert plain.ask(mail(mails[2]))[0] == 200


check("rung/auto is listed", is_listed)
check("questions find their tasks", finds_theirs)
check("what is for none of them is said", says_whose_it_is_not)
check("many at once", many_at_once)
check("events", streams)
check("a client that goes away meanwhile", goes_away)
check("and it ends well", plain.stop)

to_task = Gateway("--default", "medical-coder")


def default_task():
    status, reply = to_task.ask(strange)
    assert status == 400 and "JSON object" in reply["error"]["message"], (status, reply)  # it is no note, and the task says so
    status, reply = to_task.ask({"specialty": "", "note": "How much is two and two?"})
    assert status == 200 and reply["rung::task"] == "medical-coder", reply
    to_task.stop()


check("a task by default", default_task)
elsewhere = Gateway("--upstream", upstream, "--default", upstream)


def default_upstream():
    status, reply = elsewhere.ask("What is the capital of Peru?")
    assert status == 200 and reply["choices"][0]["message"]["content"] == "Lima" and "rung::task" not in reply, reply
    assert elsewhere.ask(mail(mails[3]))[1]["rung::task"] == "email"
    status, text = elsewhere.ask("What is the capital of Peru?", stream=True)
    assert status == 200 and text.endswith("data: [DONE]\n\n"), text[-300:]
    elsewhere.stop()


check("an upstream by default", default_upstream)
for p in started:
    if p.poll() is None:
        p.kill()
sys.exit(failures > 0)
PY
python3 "$scratch/drive.py" "$rung" "$scratch" "http://127.0.0.1:$faults/v1#m" || failures=$((failures + 1))
finish
