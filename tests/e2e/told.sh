#!/bin/sh
# told.sh - `rung serve --access-log --otlp`: what others are told of calls, and that none of them can hold up or refuse an answer.
. tests/e2e/lib.sh
export OPENAI_API_KEY=sk-test-told-3c1d
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
mkdir "$scratch/models"
export RUNG_MODELS="$scratch/models"
green_task "$scratch/one" one
start_faults
"$rung" climb "$scratch/one" --rungs 0-0 --quiet >"$scratch/out" 2>&1 || fail "climb" "$(head -c 300 "$scratch/out")"

cat >"$scratch/drive.py" <<'PY'
"""drive.py RUNG SCRATCH FAULTS"""
import glob, http.client, http.server, json, os, re, resource, signal, socket, subprocess, sys, threading, time, traceback, urllib.parse

rung, scratch, faults = sys.argv[1], sys.argv[2], int(sys.argv[3])
failures, started = 0, []
UP = f"http://127.0.0.1:{faults}/v1"
SECRET = "the-subject-nobody-is-told"


def check(name, test):
    global failures
    try:
        test()
        print(f"[       OK ] {name}", flush=True)
    except Exception:
        failures += 1
        print(f"{name}: {traceback.format_exc()[-1500:]}\n[  FAILED  ] {name}", flush=True)


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(.02)


class Collector(http.server.BaseHTTPRequestHandler):
    """Keeps what it is sent; `answers` says with which status, the last for ever; 0: it never answers."""
    def do_POST(self):
        me = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with me.mutex:
            status = me.answers.pop(0) if len(me.answers) > 1 else me.answers[0]
            me.asked.append((self.path, self.headers["Content-Type"], body, status))
            me.heads.append({k.lower(): v for k, v in self.headers.items()})
        if status == 0:
            me.released.wait(60)
            return
        said = me.said if status == 200 else b""
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


def collector(*answers, said=b"{}"):
    c = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    c.daemon_threads = True
    c.answers, c.asked, c.said, c.mutex, c.released, c.heads = list(answers), [], said, threading.Lock(), threading.Event(), []
    threading.Thread(target=c.serve_forever, daemon=True).start()
    return c


def spans(c):
    with c.mutex:
        taken = [body for _, _, body, status in c.asked if status == 200]
    return [s for body in taken for r in json.loads(body)["resourceSpans"] for g in r["scopeSpans"] for s in g["spans"]]


def attributes(span):
    return {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}


class Echo(http.server.BaseHTTPRequestHandler):
    heads = []

    def do_POST(self):
        Echo.heads.append({k.lower(): v for k, v in self.headers.items()})
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"id":"x","model":"echo-2026-11-01","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7}}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


echo = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
echo.daemon_threads = True
threading.Thread(target=echo.serve_forever, daemon=True).start()
ECHO = f"http://127.0.0.1:{echo.server_port}/v1#echo"


class Gateway:
    def __init__(self, *more, tasks=("one",), before=None, stdout=None, keys=True, **env):
        self.stderr = open(f"{scratch}/stderr-{len(started)}", "w+")
        self.log = f"{scratch}/calls-{len(started)}.db"
        ups = [ECHO, *(f"{UP}#{m}" for m in ("m", "m+500", "m+cut"))]
        self.process = subprocess.Popen([rung, "serve", "--port", "0", "--log", self.log, "--upstream", ",".join(ups), *(["--keys", keys_file] if keys else []),
                                         "--fallback", f"{UP}#m+cut={UP}#m", *more, *(f"{scratch}/{t}" for t in tasks)],
                                        stdout=stdout or subprocess.PIPE, stderr=self.stderr, text=True, preexec_fn=before, env=os.environ | env)
        started.append(self.process)
        if not stdout:
            self.find(self.process.stdout.readline())

    def find(self, line):
        assert line, self.said()
        self.port = int(line.strip().rsplit(":", 1)[1])

    def said(self):
        return open(self.stderr.name).read()

    def ask(self, method, path, body=None, headers={}, key=True):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = headers | ({"Authorization": f"Bearer {web}"} if key else {})
        c.request(method, path, body if body is None or isinstance(body, bytes) else json.dumps(body), headers)
        r = c.getresponse()
        return r.status, r.read(), {k.lower(): v for k, v in r.getheaders()}

    def chat(self, model, text="grass number 3", headers={}, key=True, **more):
        model = model if model in ("one", "rung/one", ECHO) or "\n" in model else f"{UP}#{model}"
        return self.ask("POST", "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": text}]} | more, headers, key)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def metric(self, name, what):
        page = self.ask("GET", "/metrics")[1].decode()
        return float(re.search(rf'^{name}{{what="{what}"}} (\S+)$', page, re.M)[1])


def lines_of(path):
    with open(path, newline="") as f:
        text = f.read()
    assert text == "" or text.endswith("\n"), text[-300:]
    return [json.loads(line) for line in text.split("\n")[:-1]]


TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEX16 = re.compile("[0-9a-f]{16}")


def span_of_a_call():
    c = collector(200)
    g = Gateway("--otlp", f"http://127.0.0.1:{c.server_port}")
    status, _, headers = g.chat(ECHO, f"a text of {SECRET}", {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "a=b"}, user=SECRET)
    assert status == 200
    sent = Echo.heads[-1]
    until(lambda: len(spans(c)) == 2)
    assert c.asked[0][0] == "/v1/traces" and c.asked[0][1] == "application/json", c.asked[0]
    mine, child = spans(c)
    assert mine["traceId"] == child["traceId"] == TRACE and mine["parentSpanId"] == PARENT and child["parentSpanId"] == mine["spanId"], (mine, child)
    assert HEX16.fullmatch(mine["spanId"]) and HEX16.fullmatch(child["spanId"]) and mine["spanId"] != child["spanId"]
    assert sent["traceparent"] == f"00-{TRACE}-{child['spanId']}-01" and sent["tracestate"] == "a=b", sent
    assert (mine["kind"], child["kind"]) == (2, 3) and "status" not in mine and "status" not in child
    assert mine["name"] == f"chat {ECHO}" and child["name"] == "chat echo", (mine["name"], child["name"])
    now = time.time_ns()
    for s in (mine, child):
        assert isinstance(s["startTimeUnixNano"], str) and now - 120e9 < int(s["startTimeUnixNano"]) <= int(s["endTimeUnixNano"]) < now + 5e9, s
    a, b = attributes(mine), attributes(child)
    assert a["gen_ai.operation.name"] == b["gen_ai.operation.name"] == "chat" and a["gen_ai.request.model"] == ECHO and b["gen_ai.request.model"] == "echo"
    assert a["gen_ai.response.model"] == b["gen_ai.response.model"] == "echo-2026-11-01", (a, b)
    assert (a["gen_ai.usage.input_tokens"], a["gen_ai.usage.output_tokens"]) == (b["gen_ai.usage.input_tokens"], b["gen_ai.usage.output_tokens"]) == ("11", "7")
    assert a["gen_ai.provider.name"] == "rung" and b["gen_ai.provider.name"] == "openai" and a["rung.tenant"] == "shop", (a, b)
    assert b["server.address"] == "127.0.0.1" and b["server.port"] == str(echo.server_port) and a["http.response.status_code"] == "200"
    assert a["gen_ai.response.id"] == headers["x-rung-id"]
    span_of_a_call.collector, span_of_a_call.gateway = c, g


def parents_that_are_none():
    """W3C Trace Context: what is no traceparent begins a new trace; who says "not sampled" is not recorded, and passed on as it is."""
    c, g = span_of_a_call.collector, span_of_a_call.gateway
    for bad in ("", "x", f"00-{TRACE}-{PARENT}", f"00-{TRACE.upper()}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01", f"ff-{TRACE}-{PARENT}-01",
                f"00-{TRACE}-{PARENT}-01-x", f"00-{TRACE}-{PARENT}-0g", f"00_{TRACE}-{PARENT}-01", f'00-{TRACE[:-1]}"-{PARENT}-01'):
        before = len(spans(c))
        assert g.chat(ECHO, headers={"traceparent": bad, "tracestate": "a=b"})[0] == 200
        sent = Echo.heads[-1]
        until(lambda: len(spans(c)) == before + 2)
        mine, child = spans(c)[before:]
        assert mine["traceId"] != TRACE and "parentSpanId" not in mine, (bad, mine)
        assert sent["traceparent"] == f"00-{mine['traceId']}-{child['spanId']}-01" and "tracestate" not in sent, (bad, sent)
    before = len(spans(c))
    header = f"00-{TRACE}-{PARENT}-00"
    assert g.chat(ECHO, headers={"traceparent": header, "tracestate": "a=b"})[0] == 200
    assert Echo.heads[-1]["traceparent"] == header and Echo.heads[-1]["tracestate"] == "a=b"
    assert g.chat(ECHO, headers={"traceparent": f"01-{TRACE}-{PARENT}-01-later"})[0] == 200  # of a version to come
    until(lambda: len(spans(c)) == before + 2)
    assert spans(c)[before]["parentSpanId"] == PARENT


def spans_of_attempts():
    c, g = span_of_a_call.collector, span_of_a_call.gateway
    before = len(spans(c))
    assert g.chat("m+cut")[0] == 200
    until(lambda: len(spans(c)) == before + 3)
    mine, cut, good = spans(c)[before:]
    assert cut["status"]["code"] == 2 and attributes(cut)["error.type"] == "truncated" and "status" not in good and "status" not in mine, (cut, good)
    assert cut["spanId"] != good["spanId"] and cut["parentSpanId"] == good["parentSpanId"] == mine["spanId"]
    assert attributes(cut)["rung.upstream"] == f"{UP}#m+cut" and attributes(good)["rung.upstream"] == f"{UP}#m"
    before = len(spans(c))
    status = g.chat("m+500")[0]
    until(lambda: len(spans(c)) == before + 4)
    mine, *attempts = spans(c)[before:]
    assert status >= 500 and attributes(mine)["error.type"] == str(status) and [attributes(a)["error.type"] for a in attempts] == ["500"] * 3


def span_of_a_task():
    c, g = span_of_a_call.collector, span_of_a_call.gateway
    before = len(spans(c))
    reply = json.loads(g.chat("rung/one", "grass number 3", user=SECRET)[1])
    until(lambda: len(spans(c)) == before + 1)
    a = attributes(spans(c)[before])
    assert a["rung.task"] == "one" and a["rung.verdict"] == reply["rung::verdict"] and a["rung.variant"] == reply["rung::variant"], a
    assert a["rung.status"] == "answered" and a["gen_ai.request.model"] == "one" and a["gen_ai.response.id"] == reply["id"].removeprefix("chatcmpl-")
    assert g.metric("rung_spans_total", "dropped") == 0 and g.metric("rung_spans_total", "taken") > 10
    assert g.stop() == 0
    for _, _, body, _ in c.asked:
        assert SECRET.encode() not in body and web.encode() not in body and b"grass number" not in body and b"sk-test" not in body


def headers_of_a_collector():
    c = collector(200)
    secret = "a key=with, everything%"
    g = Gateway("--otlp", f"http://127.0.0.1:{c.server_port}", OTEL_EXPORTER_OTLP_HEADERS=f"api-key={urllib.parse.quote(secret)}, x-scope=a%20b=c,")
    assert g.chat("one")[0] == 200
    until(lambda: c.heads)
    assert c.heads[0]["api-key"] == secret and c.heads[0]["x-scope"] == "a b=c" and c.heads[0]["content-type"] == "application/json", c.heads[0]
    assert g.stop() == 0 and secret not in g.said()
    for wrong in ("secret", "a=secret%0d%0aX: y", "a b=secret", "=secret", "a=secret%00b", ",".join(f"a{i}=secret" for i in range(9))):
        r = subprocess.run([rung, "serve", "--port", "0", "--no-log", "--upstream", f"{UP}#m", "--otlp", "http://127.0.0.1:1"], capture_output=True, text=True, timeout=60,
                           env=os.environ | {"OTEL_EXPORTER_OTLP_HEADERS": wrong})
        assert r.returncode != 0 and "OTEL_EXPORTER_OTLP_HEADERS" in r.stderr and "secret" not in r.stderr and r.stderr.count("\n") == 1, (wrong, r)


def last_spans():
    """must 10: what was answered before SIGTERM is told, too."""
    c = collector(200)
    g = Gateway("--otlp", f"http://127.0.0.1:{c.server_port}/v1/traces", "--access-log", f"{scratch}/last.log")
    for _ in range(300):
        assert g.chat("one")[0] == 200
    assert g.stop() == 0
    assert len(spans(c)) == 300 and len({s["spanId"] for s in spans(c)}) == 300 and len(lines_of(f"{scratch}/last.log")) == 300


def collector_in_trouble():
    """must 6: it hangs, is not there, fails for a while, or wants nothing: answers go on, and each span is counted once."""
    for answers in ((0,), None, (503, 502, 429, 200), (400,)):
        c = collector(*answers) if answers else None
        if c:
            port = c.server_port
        else:
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                port = s.getsockname()[1]
        g = Gateway("--otlp", f"http://127.0.0.1:{port}")
        for _ in range(200):
            assert g.chat("one")[0] == 200
        if answers and answers[-1] == 200:
            until(lambda: len(spans(c)) == 200)
            assert len({s["spanId"] for s in spans(c)}) == 200 and g.metric("rung_spans_total", "dropped") == 0
        if answers == (400,):
            until(lambda: g.metric("rung_spans_total", "dropped") == 200)
        assert g.stop() == 0, answers
        assert g.said().count("spans are not taken") == 1 and web not in g.said(), (answers, g.said())
        if c:
            c.released.set()
    c = collector(200, said=b'{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}')
    g = Gateway("--otlp", f"http://127.0.0.1:{c.server_port}")
    assert g.chat(ECHO)[0] == g.chat(ECHO)[0] == 200
    until(lambda: g.metric("rung_spans_total", "dropped") + g.metric("rung_spans_total", "taken") == 4)
    assert g.metric("rung_spans_total", "dropped") >= 2
    assert g.stop() == 0


# ---- the access log ----

def a_line_a_call():
    log = f"{scratch}/access.log"
    g = Gateway("--access-log", log)
    id = g.chat(ECHO, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})[2]["x-rung-id"]
    reply = json.loads(g.chat("one", user=SECRET)[1])
    assert g.chat("m+cut")[0] == 200 and g.chat("m", stream=True)[0] == 200
    assert g.chat("one", key=False)[0] == 401
    assert g.stop() == 0
    passed, task, fell, stream, refused = lines_of(log)
    assert passed["id"] == id and passed["model"] == ECHO and passed["http"] == 200 and passed["input_tokens"] == 11 and passed["trace_id"] == TRACE, passed
    assert passed["tenant"] == "shop" and passed["key"] == "web" and passed["path"] == "/v1/chat/completions" and passed["ms"] > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", passed["time"]), passed
    assert task["model"] == "one" and task["verdict"] == reply["rung::verdict"] and task["status"] == "answered" and "attempts" not in task and "trace_id" not in task
    assert [a["status"] for a in fell["attempts"]] == ["truncated", "answered"] and stream["stream"] is True and stream["first_ms"] > 0
    assert refused["http"] == 401 and refused["refused"] == "invalid_api_key"
    text = open(log).read()
    assert SECRET not in text and web not in text and "grass number" not in text


def no_line_is_forged():
    log = f"{scratch}/forged.log"
    g = Gateway("--access-log", log)
    evil = 'x\n{"time":"forged"}\r\n\x1b[2J\u2028\u009b"\\'
    said = 0
    for model in (evil, "one", ECHO):
        for more in ({"user": evil}, {"metadata": {"subject": evil}}, {"user": "\x00"}):
            status = g.chat(model, evil, **more)[0]
            said += status == 200
            assert status in (200, 400, 404), status
    for header in ("traceparent", "x-rung-id", "user-agent"):
        assert g.chat("one", headers={header: 'a"}\t{"forged":1}\x1b[2J'.encode("latin-1")})[0] == 200
        said += 1
    g.ask("POST", '/v1/chat/completions?%0a{"forged":1}', {"model": "one", "messages": [{"role": "user", "content": "grass"}]})
    assert g.stop() == 0
    text = open(log, "rb").read()
    assert len(lines_of(log)) == said + 1 and b"forged" not in text and not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", text), text[:2000]


def stuck_pipe():
    """must 6: a pipe that nobody reads."""
    pipe = f"{scratch}/pipe"
    os.mkfifo(pipe)
    g = Gateway("--access-log", pipe)  # nobody has opened it
    for _ in range(100):
        assert g.chat("one")[0] == 200
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # opened, and not read
    for _ in range(1500):
        assert g.chat("one")[0] == 200
    until(lambda: "nobody reads it" in g.said() or "cannot be written" in g.said())
    text = b""
    os.set_blocking(reader, True)
    while text.count(b"\n") < 1600:
        text += os.read(reader, 1 << 16)
    assert len({json.loads(line)["id"] for line in text.split(b"\n")[:-1]}) == 1600  # it was all there
    for _ in range(1500):
        assert g.chat("one")[0] == 200
    assert g.stop() == 0  # though nobody reads
    os.close(reader)


def standard_output():
    r, w = os.pipe()
    g = Gateway("--access-log", "-", stdout=w)
    os.close(w)
    with os.fdopen(r, "r") as out:
        g.find(out.readline())
        assert g.chat("one")[0] == 200
        assert json.loads(out.readline())["model"] == "one"
    for _ in range(50):
        assert g.chat("one")[0] == 200  # nobody is there any more
    until(lambda: "cannot be written" in g.said())
    assert g.chat("one")[0] == 200 and g.stop() == 0


def full_disk():
    """must 6: and when there is room again, the line that was half written is ended."""
    def unsignalled():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    log = f"{scratch}/full.log"
    g = Gateway("--access-log", log, before=unsignalled)
    resource.prlimit(g.process.pid, resource.RLIMIT_FSIZE, (30000, resource.RLIM_INFINITY))
    for _ in range(300):
        assert g.chat("one")[0] == 200
    until(lambda: "full.log" in g.said() and os.path.getsize(log) == 30000)
    resource.prlimit(g.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    until(lambda: open(log, "rb").read().count(b"\n") == 300)
    assert len({line["id"] for line in lines_of(log)}) == 300
    assert "is taken again" in g.said() and g.stop() == 0


def moved_away():
    log = f"{scratch}/moved.log"
    open(log, "w").write('{"half": ')
    g = Gateway("--access-log", log)
    assert g.chat("one")[0] == 200
    until(lambda: open(log).read().count("\n") == 2)
    assert open(log).read().startswith('{"half": \n{"time"')
    os.rename(log, log + ".1")
    assert g.chat("one")[0] == 200
    until(lambda: os.path.exists(log) and len(lines_of(log)) == 1)
    assert g.stop() == 0 and open(log + ".1").read().count("\n") == 2


def not_started():
    for more, words in ((["--access-log", f"{scratch}/none/a.log"], "none/a.log"), (["--access-log", scratch], "cannot be written"), (["--otlp", "127.0.0.1:4318"], "4318"),
                        (["--otlp", "http://"], "collector"), (["--otlp", "http://a:b@h"], "collector"), (["--otlp", "http://h?x"], "collector")):
        r = subprocess.run([rung, "serve", "--port", "0", "--no-log", "--upstream", f"{UP}#m", *more], capture_output=True, text=True, timeout=60)
        assert r.returncode != 0 and not r.stdout and words in r.stderr and r.stderr.count("\n") == 1, (more, r)


keys_file = f"{scratch}/keys.jsonl"
web = subprocess.run([rung, "key", "add", "web", "--tenant", "shop", "--scopes", "ask,feedback,metrics", "--keys", keys_file], capture_output=True, text=True).stdout.strip()
try:
    check("must 9: spans of a call and its attempt, in the client's trace", span_of_a_call)
    check("must 9: what is no traceparent begins a trace", parents_that_are_none)
    check("must 9: each attempt has a span, also failed ones", spans_of_attempts)
    check("must 9: the span of a task's answer; no texts, no keys", span_of_a_task)
    check("headers that a collector wants, of the environment", headers_of_a_collector)
    check("must 10: SIGTERM: spans and lines of what was answered", last_spans)
    check("must 6: a collector in trouble holds up nothing", collector_in_trouble)
    check("a line of the access log for each call", a_line_a_call)
    check("no text makes a line of the access log", no_line_is_forged)
    check("must 6: a pipe that nobody reads holds up nothing", stuck_pipe)
    check("must 6: standard output that is gone holds up nothing", standard_output)
    check("must 6: a full disk holds up nothing", full_disk)
    check("an access log that was moved away is made anew", moved_away)
    check("what cannot be told is a sentence", not_started)
finally:
    for p in started:
        if p.poll() is None:
            p.kill()
sys.exit(failures > 0)
PY
NO_PROXY=127.0.0.1 python3 "$scratch/drive.py" "$rung" "$scratch" "$faults" || failures=$((failures + 1))
finish
