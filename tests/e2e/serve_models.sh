#!/bin/sh
# serve_models.sh - local models that `rung serve --models` answers as they are: whole and streamed, under a schema, many at once, embedded.
. tests/e2e/lib.sh

unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
if [ ! -e "$models/smollm2-135m-instruct.Q4_1.gguf" ] || [ ! -d "$models/all-MiniLM-L6-v2" ]; then
	skip "local models are served" "no models; run \`make models\`"
	finish
fi

cat >"$scratch/drive.py" <<'PY'
"""drive.py RUNG SCRATCH"""
import base64, http.client, json, math, sqlite3, struct, subprocess, sys, threading, time, traceback

rung, scratch = sys.argv[1:3]
failures = 0
server = subprocess.Popen([rung, "serve", "--quiet", "--port", "0", "--models", "local,all-MiniLM-L6-v2", "--log", f"{scratch}/served.db"],
                          stdout=subprocess.PIPE, text=True)
port = int(server.stdout.readline().strip().rsplit(":", 1)[1])


def check(name, test):
    global failures
    try:
        test()
        print(f"[       OK ] {name}", flush=True)
    except Exception:
        failures += 1
        print(f"{name}: {traceback.format_exc()[-900:]}\n[  FAILED  ] {name}", flush=True)


def post(path, body):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    c.request("POST", path, json.dumps(body))
    r = c.getresponse()
    return r.status, r.read().decode()


def chat(text, **more):
    status, body = post("/v1/chat/completions", {"model": "local", "max_tokens": 24, "messages": [{"role": "user", "content": text}]} | more)
    return status, body if more.get("stream") else json.loads(body)


def said(reply):
    return reply[1]["choices"][0]["message"]["content"]


def events(text):
    assert text.endswith("data: [DONE]\n\n"), text[-200:]
    return [json.loads(line[6:]) for line in text.split("\n") if line.startswith("data: {")]


def one_text_however_it_comes():
    for question in ("Name three colours.", "Was ist Schnee? Antworte auf Deutsch: \u00fc\u00e4\u00f6"):
        whole = chat(question)
        list_ = events(chat(question, stream=True, stream_options={"include_usage": True})[1])
        assert "".join(e["choices"][0]["delta"].get("content", "") for e in list_ if e["choices"]) == said(whole), (whole, list_)
        assert len(list_) > 5 and list_[0]["choices"][0]["delta"]["role"] == "assistant"
        assert list_[-1]["usage"] == whole[1]["usage"] and list_[-2]["choices"][0]["finish_reason"] == whole[1]["choices"][0]["finish_reason"]
        assert not any("rung::task" in e for e in list_)


def many_at_once_say_what_each_says_alone():
    questions = [f"Say something about the number {i}." for i in range(12)]
    alone, together = [said(chat(q)) for q in questions], [None] * 12
    threads = [threading.Thread(target=lambda i=i: together.__setitem__(i, said(chat(questions[i])))) for i in range(12)]
    for t in threads: t.start()
    for t in threads: t.join()
    assert together == alone, [(a, b) for a, b in zip(alone, together) if a != b]


SCHEMA = {"type": "object", "properties": {"colour": {"enum": ["red", "green"]}, "n": {"type": "integer"}}, "required": ["colour", "n"],
          "additionalProperties": False}


def schema_format(schema):
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


def json_keeps_to_its_schema():
    for text in ("A colour and a number as JSON.", "Anything."):
        value = json.loads(said(chat(text, max_tokens=200, response_format=schema_format(SCHEMA))))
        assert set(value) == {"colour", "n"} and value["colour"] in ("red", "green") and isinstance(value["n"], int), value


def one_wrong_schema_is_its_own_fault():
    replies = {}
    def go(name, schema):
        replies[name] = chat("A colour and a number.", max_tokens=200, response_format=schema_format(schema))
    threads = [threading.Thread(target=go, args=a) for a in (("good", SCHEMA), ("bad", {"$ref": "http://elsewhere/x"}), ("fine", SCHEMA))]
    for t in threads: t.start()
    for t in threads: t.join()
    assert replies["good"][0] == replies["fine"][0] == 200 and replies["bad"][0] == 400, replies
    assert replies["bad"][1]["error"]["type"] == "invalid_request_error"


def it_ends_where_it_is_told():
    long = chat("Count from one to one hundred in words.", max_tokens=5)
    assert long[1]["choices"][0]["finish_reason"] == "length" and long[1]["usage"]["completion_tokens"] == 5, long
    whole = said(chat("Name three colours.", max_tokens=24))
    word = whole.split()[3]
    assert said(chat("Name three colours.", max_tokens=24, stop=word)) == whole[:whole.index(word)], (whole, word)


def chance_is_repeated_by_its_seed():
    first, again, other = (said(chat("Tell me a story.", temperature=1.5, seed=s)) for s in (1, 1, 2))
    assert first == again and first != other, (first, again, other)


def what_it_has_not_is_said():
    for more, param in (({"tools": [{"type": "function"}]}, "tools"), ({"logprobs": True}, "logprobs"), ({"temperature": 9}, "temperature"),
                        ({"max_tokens": 0}, "max_tokens"), ({"stop": 3}, "stop"), ({"stop": ["", "a"]}, "stop"), ({"n": 2}, "n"),
                        ({"response_format": {"type": "json_object"}}, "response_format"),
                        ({"messages": [{"role": "tool", "content": "x"}, {"role": "user", "content": "x"}]}, "messages")):
        status, body = chat("x", **more)
        assert status == 400 and body["error"]["param"] == param, (more, status, body)
    status, body = chat("word " * 20000)
    assert status == 400 and "context" in body["error"]["message"], (status, body)
    status, body = post("/v1/chat/completions", {"model": "all-MiniLM-L6-v2", "messages": [{"role": "user", "content": "x"}]})
    assert status == 400 and "/v1/embeddings" in body, body
    assert post("/v1/embeddings", {"model": "local", "input": "x"})[0] == 404


def who_goes_away_ends_it():
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    c.request("POST", "/v1/chat/completions", json.dumps({"model": "local", "stream": True, "max_tokens": 2000,
                                                         "messages": [{"role": "user", "content": "Count to a thousand in words."}]}))
    r = c.getresponse()
    r.read(200)
    r.close()
    c.close()
    assert chat("Name three colours.")[0] == 200


def vectors(**more):
    status, body = post("/v1/embeddings", {"model": "all-MiniLM-L6-v2"} | more)
    assert status == 200, body
    return json.loads(body)


def texts_are_embedded():
    texts = ["a cat sat on the mat", "a kitten lay on the rug", "interest rates rose in March"]
    many = [d["embedding"] for d in vectors(input=texts)["data"]]
    one = vectors(input=texts[1])
    assert len(one["data"]) == 1 and len(many) == 3 and one["usage"]["prompt_tokens"] > 3, one["usage"]
    assert max(abs(a - b) for a, b in zip(one["data"][0]["embedding"], many[1])) < 1e-5
    coded = base64.b64decode(vectors(input=texts[1], encoding_format="base64")["data"][0]["embedding"])
    assert list(struct.unpack(f"<{len(coded) // 4}f", coded)) == [struct.unpack("<f", struct.pack("<f", x))[0] for x in one["data"][0]["embedding"]]
    dot = lambda a, b: sum(x * y for x, y in zip(a, b))
    assert abs(dot(many[0], many[0]) - 1) < 1e-5 and dot(many[0], many[1]) > dot(many[0], many[2]) + .2
    assert vectors(input=texts[0], dimensions=384)["data"]
    for more, param in (({"input": []}, "input"), ({"input": [3]}, "input"), ({"input": "x", "encoding_format": "int8"}, "encoding_format")):
        status, body = post("/v1/embeddings", {"model": "all-MiniLM-L6-v2"} | more)
        assert status == 400 and json.loads(body)["error"]["param"] == param, body
    assert post("/v1/embeddings", {"model": "all-MiniLM-L6-v2", "input": "x", "dimensions": 12})[0] == 400


def every_call_has_its_row():
    reply = chat("Name three colours.")[1]
    status, body = post("/v1/feedback", {"id": reply["id"], "value": True})
    assert status == 202, body
    server.terminate()
    assert server.wait(60) == 0
    rows = sqlite3.connect(f"{scratch}/served.db")
    task, variant, output, http_ = rows.execute("SELECT task, variant, output, http FROM served JOIN body ON call = id WHERE id = ?",
                                                (reply["id"][9:],)).fetchone()
    assert (task, variant, output, http_) == ("local", "model", reply["choices"][0]["message"]["content"], 200)
    assert rows.execute("SELECT count(*) FROM served WHERE stream AND first_ms > 0 AND first_ms <= ms").fetchone()[0] >= 2
    assert rows.execute("SELECT count(*) FROM served WHERE task = 'all-MiniLM-L6-v2'").fetchone()[0] >= 4


try:
    check("a text is the same whole and streamed", one_text_however_it_comes)
    check("many at once say what each says alone", many_at_once_say_what_each_says_alone)
    check("JSON keeps to its schema", json_keeps_to_its_schema)
    check("a schema that is not supported is its own request's fault", one_wrong_schema_is_its_own_fault)
    check("it ends where it is told: max_tokens, stop", it_ends_where_it_is_told)
    check("chance is repeated by its seed", chance_is_repeated_by_its_seed)
    check("what local models have not is said", what_it_has_not_is_said)
    check("a client that goes away ends its stream alone", who_goes_away_ends_it)
    check("texts are embedded", texts_are_embedded)
    check("every call has its row, and takes feedback", every_call_has_its_row)
finally:
    server.kill()
sys.exit(failures > 0)
PY
python3 "$scratch/drive.py" "$rung" "$scratch" || failures=1
refused() { # NAME WORDS ARGUMENT...
	name=$1 words=$2
	shift 2
	if timeout 60 "$rung" serve --port 0 "$@" >"$scratch/out" 2>"$scratch/why"; then fail "$name" "it starts"; return; fi
	if grep -q "$words" "$scratch/why"; then ok "$name"; else fail "$name" "$(head -c 300 "$scratch/why")"; fi
}
refused "a model of elsewhere is no local one" "upstream" --models openai:gpt-4.1-mini
refused "a model that is not there" "nowhere" --models local:nowhere
finish
