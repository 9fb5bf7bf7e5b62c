#!/bin/sh
# musts.sh - what a gateway must do, and where others failed, as far as relay.sh (1 to 4), serve.sh (5, 6, 10), keys.sh (7, 8), told.sh (6, 9) and
# change.sh (10) leave it out.
. tests/e2e/lib.sh
export OPENAI_API_KEY=sk-test-musts-4e RUNG_API_KEY=sk-test-musts-4e
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
mkdir "$scratch/models"
export RUNG_MODELS="$scratch/models"
green_task "$scratch/one" one
start_faults
"$rung" climb "$scratch/one" --rungs 0-0 --quiet >"$scratch/out" 2>&1 || fail "climb" "$(head -c 300 "$scratch/out")"

cat >"$scratch/drive.py" <<'PY'
"""drive.py RUNG SCRATCH FAULTS"""
import http.client, json, os, re, shutil, signal, socket, sqlite3, subprocess, sys, threading, time, traceback

rung, scratch, faults = sys.argv[1], sys.argv[2], int(sys.argv[3])
failures, started = 0, []
UP = f"http://127.0.0.1:{faults}/v1"


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


class Raw(threading.Thread):
    """An upstream: `answer` is told the request's body and its socket."""
    def __init__(self, answer):
        super().__init__(daemon=True)
        self.listening, self.answer = socket.create_server(("127.0.0.1", 0)), answer
        self.name_ = f"http://127.0.0.1:{self.listening.getsockname()[1]}/v1#raw"
        self.bodies = []
        self.start()

    def run(self):
        while True:
            threading.Thread(target=self.one, args=(self.listening.accept()[0],), daemon=True).start()

    def one(self, s):
        text = b""
        while b"\r\n\r\n" not in text:
            text += s.recv(65536)
        at = text.index(b"\r\n\r\n") + 4
        need = int(re.search(rb"content-length: (\d+)", text[:at].lower())[1])
        while len(text) < at + need:
            text += s.recv(65536)
        self.bodies.append(text[at:])
        try:
            self.answer(s)
        except OSError:
            pass
        s.close()


WHOLE = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}'
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def drip(s):
    s.sendall(EVENTS)
    while True:
        s.sendall(b"data: {}\n\n")
        time.sleep(.02)


class Gateway:
    def __init__(self, log, *more, ups=(), tasks=("one",), program=None, env=None, folder=None):
        self.log = f"{scratch}/{log}"
        self.process = subprocess.Popen([program or rung, "serve", "--port", "0", "--log", self.log, "--upstream", ",".join([f"{UP}#m", f"{UP}#m+stall", *ups]), *more,
                                         *(f"{scratch}/{t}" for t in tasks)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env, cwd=folder)
        started.append(self.process)
        self.port = int(self.process.stdout.readline().strip().rsplit(":", 1)[1])

    def ask(self, method, path, body=None, connection=None):
        c = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        c.request(method, path, body if body is None or isinstance(body, bytes) else json.dumps(body))
        r = c.getresponse()
        try:
            return r.status, r.read(), {k.lower(): v for k, v in r.getheaders()}
        except http.client.IncompleteRead as e:
            return r.status, e.partial, {k.lower(): v for k, v in r.getheaders()} | {"cut": True}

    def chat(self, model, text="grass number 3", connection=None, **more):
        model = model if model == "one" or model.startswith("http") else f"{UP}#{model}"
        return self.ask("POST", "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": text}]} | more, connection)

    def say(self, id, connection=None, **what):
        return self.ask("POST", "/v1/feedback", {"id": id} | what, connection)[0]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def rows(self, sql):
        db = sqlite3.connect(self.log, timeout=30)
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def hold(self):
        """The disk is behind: nobody else writes to the log."""
        db = sqlite3.connect(self.log, timeout=30, isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        return db

    def metric(self, line):
        return float(re.search(rf"^{re.escape(line)} (\S+)$", self.ask("GET", "/metrics")[1].decode(), re.M)[1])


def let(db):
    db.execute("ROLLBACK")
    db.close()


def id_of(reply):
    assert reply[0] == 200, reply
    return json.loads(reply[1])["id"].removeprefix("chatcmpl-")


def faithful():
    """Tools, their calls, schemas, numbers and escapes go out byte for byte."""
    raw = Raw(lambda s: s.sendall(WHOLE))
    g = Gateway("faithful.db", ups=[raw.name_], tasks=())
    body = ('{"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"model":{"enum":["model","\\"model\\":"]}}},"strict":true}}],\n'
            '"messages":[{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\\"model\\": \\"x\\"}"}}]},\n'
            '\t{"role":"tool","tool_call_id":"c1","content":"\\u00e9 \u00e9 \\/ 1e5 12345678901234567890"}], "tool_choice" : {"type":"function","function":{"name":"f"}},\r\n'
            '"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}},"temperature":0.10,"model":"%s","logit_bias":{"50256":-100}}')
    assert g.ask("POST", "/v1/chat/completions", (body % raw.name_).encode())[0] == 200
    assert raw.bodies == [(body % "raw").encode()], raw.bodies
    assert g.stop() == 0


def limits():
    """Connect, headers, first byte, between pieces, in all: each alone ends it."""
    done = threading.Event()

    full = socket.socket()  # whoever comes when its queue is full waits for ever
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    queued = [socket.socket() for _ in range(4)]
    for s in queued:
        s.setblocking(False)
        s.connect_ex(full.getsockname())
    never = f"http://127.0.0.1:{full.getsockname()[1]}/v1#never"
    silent, headers, stalls, endless = (Raw(a) for a in (lambda s: done.wait(60), lambda s: (s.sendall(EVENTS), done.wait(60)),
                                                         lambda s: (s.sendall(EVENTS + b"data: {}\n\n"), done.wait(60)), drip))
    names = [never, silent.name_, headers.name_, stalls.name_, endless.name_]
    for at, name in enumerate(names):
        limits = ["50"] * 5
        limits[at] = ".3" if at < 4 else "1"
        g = Gateway("limits.db", "--upstream-limits", ",".join(limits), ups=[name], tasks=())
        status, body, headers_ = g.chat(name, stream=True)
        if at < 3:
            assert status == 504 or (at == 0 and status == 502), (at, status, body)
            assert json.loads(body)["error"]["message"], body
        else:
            assert status == 200 and headers_.get("cut") and body.rstrip().split(b"\n\n")[-1].startswith(b'data: {"error"') and b"[DONE]" not in body, (at, body[-300:])
        assert g.stop() == 0
    done.set()


def early_feedback():
    """Accepted while the call's row is still on its way, and there once it is."""
    g = Gateway("early.db")
    assert g.chat("one")[0] == 200
    db = g.hold()
    ids = [id_of(g.chat("one")) for _ in range(100)] + [g.chat("m")[2]["x-rung-id"]]
    for id in ids:
        assert g.say(id, value=True) == g.say("chatcmpl-" + id, comment="well") == 202
    for _ in range(2):
        assert g.say(ids[0], demonstration="red") == 202
    assert db.execute(f"SELECT count(*) FROM served WHERE id = '{ids[0]}'").fetchall() == [(0,)]  # it is not there yet
    let(db)
    until(lambda: g.rows("SELECT count(*) FROM feedback") == [(2 * len(ids) + 1,)])
    assert g.rows("SELECT count(*) FROM feedback WHERE call NOT IN (SELECT id FROM served)") == [(0,)]
    assert g.stop() == 0


def behind():
    """The disk is behind for two thousand calls: none of them waits, none is left out."""
    g = Gateway("behind.db")
    db, ids, mutex = g.hold(), set(), threading.Lock()

    def run():
        c = http.client.HTTPConnection("127.0.0.1", g.port, timeout=60)
        for i in range(500):
            reply = g.chat("one" if i % 2 else "m", connection=c)
            id = id_of(reply) if i % 2 else reply[2]["x-rung-id"]
            with mutex:
                ids.add(id)
    threads = [threading.Thread(target=run) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert g.metric('rung_log_rows_total{what="dropped"}') == 0 and g.metric("rung_log_rows_waiting") >= 2000
    let(db)
    until(lambda: g.metric("rung_log_rows_waiting") == 0)
    assert {r[0] for r in g.rows("SELECT id FROM served")} == ids and len(ids) == 2000
    assert g.rows("SELECT count(*) FROM attempt") == [(1000,)]
    assert g.stop() == 0


def streams():
    """Whole, of a task, cut by its upstream, left by its client: each has its row, with what was said so far."""
    endless = Raw(drip)
    g = Gateway("streams.db", "--upstream-limits", "2,2,2,.3,20", ups=[endless.name_])
    whole = g.chat("m", stream=True, stream_options={"include_usage": True})[2]["x-rung-id"]
    task = json.loads(g.chat("one", stream=True)[1].split(b"\n\n")[0].removeprefix(b"data: "))["id"].removeprefix("chatcmpl-")
    cut = g.chat("m+stall", stream=True)[2]["x-rung-id"]
    with socket.create_connection(("127.0.0.1", g.port), timeout=60) as s:
        body = json.dumps({"model": endless.name_, "stream": True, "messages": [{"role": "user", "content": "x"}]})
        s.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{g.port}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        text = b""
        while b"data: " not in text:
            text += s.recv(4096)
        left = re.search(rb"x-rung-id: (\S+)", text)[1].decode()
    until(lambda: g.rows("SELECT count(*) FROM served") == [(4,)])
    rows = {r[0]: r[1:] for r in g.rows("SELECT id, status, stream, output_tokens, output FROM served LEFT JOIN body ON call = id")}
    assert rows[whole][:2] == ("answered", 1) and rows[whole][2] > 0 and rows[whole][3].endswith("data: [DONE]\n\n"), rows[whole]
    assert rows[task][:2] == ("answered", 1) and rows[task][3] == "green", rows[task]
    assert rows[cut][:2] == ("truncated", 1) and "data: " in rows[cut][3] and "[DONE]" not in rows[cut][3], rows[cut]
    assert rows[left][0] == "aborted" and "data: " in rows[left][3], rows[left]
    until(lambda: {r[0] for r in g.rows("SELECT status FROM attempt")} == {"answered", "timeout", "aborted"})
    assert g.stop() == 0


def last_writes():
    """SIGTERM comes while the disk is behind: calls, attempts and feedback that were accepted are there afterwards."""
    g = Gateway("last.db")
    db = g.hold()
    ids = [id_of(g.chat("one")) for _ in range(200)] + [g.chat("m")[2]["x-rung-id"] for _ in range(50)]
    for id in ids:
        assert g.say(id, value=False) == 202
    g.process.send_signal(signal.SIGTERM)
    until(lambda: refused(g.port))  # it is on its way out
    let(db)
    assert g.process.wait(60) == 0
    assert {r[0] for r in g.rows("SELECT id FROM served")} == set(ids) == {r[0] for r in g.rows("SELECT call FROM feedback")}
    assert g.rows("SELECT count(*) FROM attempt") == [(50,)] and g.rows("PRAGMA integrity_check") == [("ok",)]


def refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return False
    except OSError:
        return True


def from_accept():
    """What is counted begins with the connection, and an upstream's time is none of ours."""
    wait = .3
    raw = Raw(lambda s: (time.sleep(wait), s.sendall(WHOLE)))
    g = Gateway("accept.db", ups=[raw.name_], tasks=())
    with socket.create_connection(("127.0.0.1", g.port), timeout=60) as s:
        time.sleep(wait)  # it cannot be counted as less
        body = json.dumps({"model": raw.name_, "messages": []})
        s.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{g.port}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        while s.recv(4096):
            pass
    whole, own = (g.metric(f'rung_{name}_seconds_sum{{model="{raw.name_}"}}') for name in ("request", "overhead"))
    assert whole >= 2 * wait - .02 and wait - .02 <= own <= whole - wait + .02, (whole, own)
    assert g.metric(f'rung_overhead_seconds_count{{model="{raw.name_}"}}') == 1
    assert g.stop() == 0


def one_binary():
    """A copy of the one file, nothing beside it, nothing in its environment."""
    os.mkdir(f"{scratch}/alone")
    shutil.copy(rung, f"{scratch}/alone/rung")
    g = Gateway("alone.db", program=f"{scratch}/alone/rung", env={"OPENAI_API_KEY": "x"}, folder=f"{scratch}/alone")
    assert g.chat("m")[0] == g.chat("one")[0] == 200
    assert len(os.listdir(f"/proc/{g.process.pid}/task")) > 1
    children = subprocess.run(["ps", "--ppid", str(g.process.pid), "-o", "pid="], capture_output=True, text=True).stdout
    assert not children.strip() and os.listdir(f"{scratch}/alone") == ["rung"]
    assert g.stop() == 0


try:
    check("must 1: tools and schemas go out byte for byte", faithful)
    check("must 2: each of the five limits ends it", limits)
    check("TensorZero #1680: feedback is accepted while the call's row is on its way", early_feedback)
    check("Bifrost #2042: no row is left out while the disk is behind", behind)
    check("TensorZero #475: streams are logged, also interrupted ones", streams)
    check("TensorZero #3753: what was accepted before SIGTERM is written", last_writes)
    check("must 9: the overhead counts from accept()", from_accept)
    check("must 10: one binary", one_binary)
finally:
    for p in started:
        if p.poll() is None:
            p.kill()
sys.exit(failures > 0)
PY
NO_PROXY=127.0.0.1 python3 "$scratch/drive.py" "$rung" "$scratch" "$faults" || failures=$((failures + 1))
finish
