#!/bin/sh
# keys.sh - `rung key` and `rung serve --keys --cache --price --address`: who is answered, how much of it, and what is kept. SDK_PYTHON names a
# Python that has the package openai; else that of `make sdk`.
. tests/e2e/lib.sh
export OPENAI_API_KEY=sk-test-keys-51f0
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
mkdir "$scratch/models" "$scratch/far"
export RUNG_MODELS="$scratch/models"
green_task "$scratch/one" one
cp "$scratch/one/examples.csv" "$scratch/far"
sed "s/^name: one/name: far/; s/What?/$(printf 'What is it, after all? %.0s' $(seq 60))/" "$scratch/one/task.yaml" >"$scratch/far/task.yaml"
printf '{"match": "%s number", "answer": "%s", "wrong": "%s"}\n' grass green red blood red green >"$scratch/answers"
start_faults --answers "$scratch/answers" --log "$scratch/paid"
"$rung" climb "$scratch/one" --rungs 0-0 --quiet >"$scratch/out" 2>&1 || fail "climb" "$(head -c 300 "$scratch/out")"
"$rung" climb "$scratch/far" --rungs 1-1 --models "http://127.0.0.1:$faults/v1#far+slow-100" --yes --quiet >"$scratch/out" 2>&1 ||
	fail "climb with a model elsewhere" "$(head -c 300 "$scratch/out")"

cat >"$scratch/drive.py" <<'PY'
"""drive.py RUNG SCRATCH FAULTS SDK_PYTHON"""
import glob, http.client, http.server, json, os, re, resource, signal, socket, sqlite3, subprocess, sys, threading, time, traceback

rung, scratch, faults, sdk = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
failures, started, shown, printed = 0, [], [], []
UP = f"http://127.0.0.1:{faults}/v1"
ANY = object()


def check(name, test):
    global failures
    try:
        test()
        print(f"[       OK ] {name}", flush=True)
    except Exception:
        failures += 1
        print(f"{name}: {traceback.format_exc()[-1500:]}\n[  FAILED  ] {name}", flush=True)


# ---- an upstream that says what it was sent ----

class Echo(http.server.BaseHTTPRequestHandler):
    heads = []

    def do_POST(self):
        Echo.heads.append(str(self.headers))
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


echo = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
threading.Thread(target=echo.serve_forever, daemon=True).start()
ECHO = f"http://127.0.0.1:{echo.server_port}/v1#echo"

# ---- rung ----


def key_command(*arguments, file=None):
    r = subprocess.run([rung, "key", *arguments, "--keys", file or keys], capture_output=True, text=True, timeout=60)
    printed.append(r.stderr)
    return r


def new_key(name, *options, file=None):
    r = key_command("add", name, *options, file=file)
    assert r.returncode == 0 and re.fullmatch(r"rung-[A-Za-z0-9_-]{43}\n", r.stdout), r
    shown.append(r.stdout.strip())
    return shown[-1]


MODELS = ["m", "m+slow-20", "m+no-usage", "m+404-model", "m+500", "m+cut", "dear", "free", "text-embedding-test"]


class Gateway:
    def __init__(self, log, *more, tasks=("one",), before=None, file=None, upstreams=None):
        self.log = f"{scratch}/{log}"
        self.stderr = open(f"{scratch}/stderr-{len(started)}", "w+")
        ups = upstreams or [ECHO, *(f"{UP}#{m}" for m in MODELS)]
        self.process = subprocess.Popen([rung, "serve", "--port", "0", "--log", self.log, "--keys", file or keys, "--upstream", ",".join(ups), *more,
                                         *(f"{scratch}/{t}" for t in tasks)],
                                        stdout=subprocess.PIPE, stderr=self.stderr, text=True, preexec_fn=before)
        started.append(self.process)
        self.at = self.process.stdout.readline().strip()
        assert self.at, self.said()
        self.port = int(self.at.rsplit(":", 1)[1])

    def said(self):
        return open(self.stderr.name).read()

    def ask(self, method, path, body=None, key=None, connection=None, **headers):
        c = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        if key:
            headers["Authorization"] = f"Bearer {key}"
        c.request(method, path, body if body is None or isinstance(body, bytes) else json.dumps(body),
                  {k.replace("_", "-"): v for k, v in headers.items()})
        r = c.getresponse()
        body = r.read()
        return r.status, body, {k.lower(): v for k, v in r.getheaders()}

    def chat(self, model, text, key=None, connection=None, headers={}, **more):
        model = model if "/" in model or model == "one" else f"{UP}#{model}"
        body = {"model": model, "messages": [{"role": "user", "content": text}]} | more
        return self.ask("POST", "/v1/chat/completions", body, key, connection, **headers)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def rows(self, sql):
        db = sqlite3.connect(self.log, timeout=30)
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def metric(self, name, key, **labels):
        status, text, _ = self.ask("GET", "/metrics", key=key)
        assert status == 200, (status, text)
        total = 0
        for line in text.decode().splitlines():
            at = re.fullmatch(r"([a-z_]+)(\{.*\})? (\S+)", line)
            if at and at[1] == name and all(f'{k}="{v}"' in (at[2] or "") for k, v in labels.items()):
                total += float(at[3])
        return total


def error_of(reply, status, code=ANY):
    """OpenAI's form, as its SDKs read it."""
    assert reply[0] == status, reply
    error = json.loads(reply[1])["error"]
    assert set(error) >= {"message", "type", "param", "code"} and error["message"] and error["type"], error
    assert code is ANY or error["code"] == code, error
    assert reply[2]["content-type"].startswith("application/json"), reply
    return error


def asked_upstream():
    c = http.client.HTTPConnection("127.0.0.1", faults, timeout=60)
    c.request("GET", "/control")
    return json.loads(c.getresponse().read())["requests"]


def until(condition):
    """What comes to be sooner or later; a minute is for ever."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(.02)


# ---- the command ----

def commands():
    file = f"{scratch}/own.jsonl"
    key = new_key("web", "--tenant", "shop", "--scopes", "ask,metrics", "--models", "rung/one", "--rpm", "600", "--usd-per-day", ".5", file=file)
    line = json.loads(open(file).read())
    assert line["name"] == "web" and line["tenant"] == "shop" and line["scopes"] == ["ask", "metrics"] and line["models"] == ["rung/one"], line
    assert line["requests_per_minute"] == 600 and line["usd_per_day"] == .5 and "tokens_per_minute" not in line, line
    import hashlib
    assert line["sha256"] == hashlib.sha256(key.encode()).hexdigest()
    r = key_command("ls", "--json", file=file)
    assert json.loads(r.stdout)[0]["name"] == "web" and line["sha256"] not in r.stdout, r
    assert "web" in key_command("ls", file=file).stdout
    for arguments, words in ((["add", "web"], "web"), (["add", "x\n"], "name"), (["add", ""], "name"), (["add", "x", "--scopes", "write"], "write"),
                             (["add", "x", "--tenant", "a\x1b[2J"], "tenant"), (["add", "x", "--rpm", "0"], "--rpm"),
                             (["add", "x", "--usd-per-day", "0"], "--usd-per-day"),
                             (["add", "x", "--tpm", "-1"], "--tpm"), (["add", "x", "--rpm", "ten"], "--rpm"), (["rm", "y"], "no key of that name"),
                             (["add", key], "hashes alone"), (["rm", key], "no key of that name")):
        r = key_command(*arguments, file=file)
        assert r.returncode != 0 and words in r.stderr and r.stderr.count("\n") == 1 and not r.stdout, (arguments, r)
    assert len(open(file).readlines()) == 1
    assert key_command("rm", "web", file=file).returncode == 0 and open(file).read() == ""
    r = key_command("ls", file=f"{scratch}/none.jsonl")
    assert r.returncode != 0 and "none.jsonl" in r.stderr, r


def not_started():
    for more, words in ((["--address", "0.0.0.0"], "--keys"), (["--address", "::"], "--keys"), (["--keys", f"{scratch}/none.jsonl"], "rung key add"),
                        (["--keys", f"{scratch}/bad.jsonl"], "bad.jsonl:1: "), (["--keys", keys, "--price", "m"], "MODEL=IN/OUT")):
        open(f"{scratch}/bad.jsonl", "w").write('{"name": "a"}\n')
        r = subprocess.run([rung, "serve", "--port", "0", "--no-log", "--upstream", f"{UP}#m", *more], capture_output=True, text=True, timeout=60)
        assert r.returncode != 0 and not r.stdout and words in r.stderr and r.stderr.count("\n") == 1, (more, r)


# ---- who is answered ----

def strangers():
    for key in (None, "none", "rung-" + "A" * 43, web[:-1], web + "A", web.lower(), "Bearer " + web):
        for method, path in (("POST", "/v1/chat/completions"), ("POST", "/v1/embeddings"), ("POST", "/v1/feedback"), ("GET", "/v1/models"),
                             ("GET", "/metrics")):
            reply = g.ask(method, path, b"{}" if method == "POST" else None, key)
            error = error_of(reply, 401, "invalid_api_key")
            assert "www-authenticate" in reply[2] and (not key or len(key) < 9 or key not in error["message"]), reply
    for path in ("/healthz", "/readyz"):
        assert g.ask("GET", path)[0] == 200
    for header in (f"Basic {web}", web, f"Bearer{web}"):
        assert g.ask("GET", "/v1/models", Authorization=header)[0] == 401, header
    assert g.ask("GET", "/v1/models", Authorization=f"bearer {web}")[0] == 200


def bodies_of_strangers():
    """They are not read: 4,096 connections with 16 MiB each would be more than a machine has."""
    def refused(head, key=None):
        with socket.create_connection(("127.0.0.1", g.port), timeout=60) as s:
            who = f"Authorization: Bearer {key}\r\n" if key else ""
            s.sendall(f"POST {head}\r\nHost: 127.0.0.1:{g.port}\r\nContent-Type: application/json\r\n{who}\r\n".encode())
            return s.recv(99).split(b"\r\n")[0]  # and nothing of the body was sent
    for path in ("/v1/chat/completions", "/v1/none", "/healthz"):
        for size in ("Content-Length: 9000000", "Transfer-Encoding: chunked"):
            assert b" 401 " in refused(f"{path} HTTP/1.1\r\n{size}"), (path, size)
            assert b" 401 " in refused(f"{path} HTTP/1.1\r\n{size}", web[:-1]), (path, size)
    assert g.chat("m", "x" * 200000, web)[0] == 200


def scopes():
    error_of(g.ask("GET", "/metrics", key=web), 403)
    error_of(g.ask("GET", "/v1/models", key=watcher), 403)
    error_of(g.chat("m", "x", watcher), 403)
    error_of(g.chat("m", "x", critic), 403)
    error_of(g.ask("POST", "/v1/feedback", {"id": "chatcmpl-x", "value": True}, watcher), 403)
    assert g.ask("GET", "/metrics", key=watcher)[0] == 200


def models_of_a_key():
    listed = lambda key: [m["id"] for m in json.loads(g.ask("GET", "/v1/models", key=key)[1])["data"]]
    assert listed(narrow) == ["rung/one", f"{UP}#m"], listed(narrow)
    assert len(listed(web)) == 2 + len(MODELS)
    assert g.chat("m", "x", narrow)[0] == g.chat("rung/one", "grass", narrow)[0] == g.chat("one", "grass", narrow)[0] == 200
    before = asked_upstream()
    there, nowhere = g.chat("m+slow-20", "x", narrow), g.chat("m+none", "x", narrow)
    assert error_of(there, 404, "model_not_found")["message"].replace("slow-20", "none") == error_of(nowhere, 404, "model_not_found")["message"]
    error_of(g.ask("POST", "/v1/embeddings", {"model": f"{UP}#text-embedding-test", "input": "x"}, narrow), 404, "model_not_found")
    assert asked_upstream() == before


def no_key_goes_further():
    assert g.chat(ECHO, "x", web)[0] == 200
    assert "rung-" not in Echo.heads[-1] and web not in Echo.heads[-1], Echo.heads[-1]


def tenants():
    """An answer of a tenant is nothing that another one can speak of, or learn of."""
    for ask in (lambda key: "chatcmpl-" + json.loads(g.chat("one", "grass", key)[1])["id"].removeprefix("chatcmpl-"),
                lambda key: g.chat("m", "x", key)[2]["x-rung-id"]):
        id = ask(shop_a)
        say = lambda key, id=id: g.ask("POST", "/v1/feedback", {"id": id, "value": True}, key)
        other, none = say(web), say(web, "01900000-0000-7000-8000-000000000000")
        assert error_of(other, 404) == error_of(none, 404)
        assert [say(key)[0] for key in (shop_a, shop_b, admin)] == [202, 202, 202]
        until(lambda: g.rows(f"SELECT tenant, key FROM served WHERE id = '{id.removeprefix('chatcmpl-')}'") == [("shop", "shop a")])
        assert say(web)[0] == 404  # also once it is written down


def removed():
    key = new_key("leaves")
    until(lambda: g.chat("m", "x", key)[0] == 200)
    assert key_command("rm", "leaves").returncode == 0
    until(lambda: g.chat("m", "x", key)[0] == 401)
    assert g.chat("m", "x", web)[0] == 200


def broken_file():
    good = open(keys).read()
    line = good.count("\n") + 1
    before = g.said()
    with open(keys, "a") as f:
        f.write('{"name": "half"\n')
    until(lambda: g.said() != before)
    for _ in range(200):
        assert g.chat("m", "x", web)[0] == 200
    said = g.said()[len(before):]
    assert said.count(f"keys.jsonl:{line}: ") == 1 and said.count("\n") == 1, said
    open(keys, "w").write(good)
    late = new_key("after that")
    until(lambda: g.chat("m", "x", late)[0] == 200)
    os.rename(keys, keys + ".away")
    until(lambda: "cannot be read" in g.said())
    assert g.chat("m", "x", web)[0] == 200 and g.chat("m", "x", late)[0] == 200
    os.rename(keys + ".away", keys)
    assert key_command("rm", "after that").returncode == 0
    until(lambda: g.chat("m", "x", late)[0] == 401)


# ---- limits ----

def paid_tokens(model):
    return sum(int(f[-1]) + int(f[-2]) for f in (l.split() for l in open(f"{scratch}/paid")) if f[0] == model)


def many(ask, clients=64, enough=30):
    """Each asks until it was refused so often in a row; the replies that were 200, and how long it took."""
    good, other, mutex, together = [], set(), threading.Lock(), threading.Barrier(clients)

    def run(n):
        c = http.client.HTTPConnection("127.0.0.1", g.port, timeout=120)
        refused = i = 0
        c.connect()
        together.wait()
        while refused < enough:
            i += 1
            status, body, _ = ask(f"{n} {i}", c)
            refused = refused + 1 if status == 429 else 0
            with mutex:
                if status == 200:
                    good.append(body)
                elif status != 429:
                    other.add((status, body))
    began = time.monotonic()
    threads = [threading.Thread(target=run, args=(n,)) for n in range(clients)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not other, list(other)[:3]
    return good, time.monotonic() - began


def windows(seconds):
    return 1 + int(seconds // 59)  # a machine so slow that a minute passes gets more of them


def requests_a_minute():
    key = new_key("by requests", "--rpm", "300")
    until(lambda: g.ask("GET", "/v1/models", key=key)[0] == 200)
    good, took = many(lambda text, c: g.chat("m", text, key, c))
    assert .95 * 300 <= len(good) <= 300 * windows(took), (len(good), took)
    reply = g.chat("m", "x", key)
    error_of(reply, 429, "rate_limit_exceeded")
    assert 1 <= int(reply[2]["retry-after"]) <= 62 and int(reply[2]["retry-after-ms"]) > 0, reply


def tokens_a_minute():
    key = new_key("by tokens", "--tpm", "20000")
    until(lambda: g.ask("GET", "/v1/models", key=key)[0] == 200)
    before = paid_tokens("m+slow-20")
    good, took = many(lambda text, c: g.chat("m+slow-20", text, key, c, max_tokens=16))
    used = paid_tokens("m+slow-20") - before
    assert used == sum(json.loads(b)["usage"]["total_tokens"] for b in good), used
    assert .95 * 20000 <= used <= 20000 * windows(took), (used, len(good), took)


def one_large_request():
    """LiteLLM #18730"""
    key = new_key("small", "--tpm", "100")
    until(lambda: g.ask("GET", "/v1/models", key=key)[0] == 200)
    before = asked_upstream()
    for more in ({}, {"max_tokens": 663}, {"max_completion_tokens": 1, "max_tokens": 663}, {"max_completion_tokens": 663, "max_tokens": 1},
                 {"max_tokens": 5, "n": 60}, {"max_tokens": 1e300, "n": 1e300}, {"n": 1e300}):
        error = error_of(g.chat("m", "x", key, **more), 400, "over_limit")
        assert "100" in error["message"], error
    error_of(g.chat("m", "x" * 663, key, max_tokens=1), 400, "over_limit")
    error_of(g.chat("one", "grass " * 110, key), 400, "over_limit")
    assert asked_upstream() == before
    key = new_key("tiny", "--tpm", "200")
    until(lambda: g.ask("GET", "/v1/models", key=key)[0] == 200)
    tiny = lambda **more: g.ask("POST", "/v1/chat/completions", {"model": ECHO, "messages": []} | more, key)
    for more in ({"max_tokens": -1000}, {"max_tokens": 1, "n": -5}, {"max_tokens": 0, "n": 0}, {"max_tokens": -1e308, "n": 1e308}):
        assert tiny(**more)[0] == 200, more  # and give nothing back to the key
    sent = 4
    while tiny(max_tokens=1)[0] == 200:
        sent += 1
        assert sent * 2 <= 200  # of the echo, 1 + 1 each


def no_usage():
    """Nobody counted: what was reserved was taken."""
    key = new_key("uncounted", "--tpm", "1000")
    until(lambda: g.ask("GET", "/v1/models", key=key)[0] == 200)
    ask = lambda **more: g.chat("m+no-usage", "x", key, max_tokens=300, **more)[0]
    assert [ask(stream=True), ask(stream=True), ask(stream=True)] == [200, 200, 429]
    key = new_key("uncounted, whole", "--tpm", "1000")
    until(lambda: g.ask("GET", "/v1/models", key=key)[0] == 200)
    ask = lambda **more: g.chat("m+no-usage", "x", key, max_tokens=300, **more)[0]
    assert [ask(), ask(), ask()] == [200, 200, 429]
    key = new_key("counted", "--tpm", "1000")
    until(lambda: g.ask("GET", "/v1/models", key=key)[0] == 200)
    ask = lambda **more: g.chat("m", "x", key, max_tokens=300, **more)[0]
    assert [ask(stream=True, stream_options={"include_usage": True}) for _ in range(10)] == [200] * 10


def given_up():
    """What was at work and did not answer in time may be charged for."""
    key = new_key("waits", "--tpm", "1000")
    for model, stream, want in (("m+hang-before-headers", True, [504, 504, 429]), ("m+500", False, [500, 503, 503])):  # 503: it is left alone
        gateway = Gateway("given_up.db", "--upstream-limits", "2,.2,.2,.2,3", upstreams=[f"{UP}#{model}"], tasks=())
        got = [gateway.chat(model, "x", key, max_tokens=300, stream=stream)[0] for _ in range(3)]
        assert got == want, (model, got)
        assert gateway.stop() == 0


def failed_upstream():
    """What failed took no tokens, and no money."""
    key = new_key("unlucky", "--tpm", "1000", "--usd-per-day", "1")
    until(lambda: g.ask("GET", "/v1/models", key=key)[0] == 200)
    for _ in range(5):
        assert g.chat("m+404-model", "x", key, max_tokens=700)[0] == 404
    assert g.chat("m", "x", key, max_tokens=700)[0] == 200


def usd_a_day():
    global g
    priced = ["--price", f"{UP}#dear=1000/1000,{UP}#m=0/0"]
    key = new_key("by usd", "--usd-per-day", "1")
    g, kept = Gateway("usd.db", *priced), g
    try:
        before = paid_tokens("dear")
        many(lambda text, c: g.chat("dear", text, key, c, max_tokens=2), clients=16)
        used = (paid_tokens("dear") - before) / 1000
        assert .8 <= used <= 1, used  # one request reserves up to .2
        error = error_of(g.chat("dear", "x" * 20, key, max_tokens=2), 429, "rate_limit_exceeded")
        assert "USD a day" in error["message"], error
        error = error_of(g.chat("free", "x", key), 400, "price_unknown")
        assert "--price" in error["message"], error
        assert g.chat("m", "x", key)[0] == 200 and g.chat("free", "x", web)[0] == 200
        assert abs(g.metric("rung_usd_total", watcher) - used) < 1e-6
        assert g.stop() == 0
        assert abs(g.rows("SELECT total(usd) FROM served WHERE key = 'by usd'")[0][0] - used) < 1e-6
        g = Gateway("usd.db", *priced)
        assert g.chat("dear", "x" * 20, key, max_tokens=2)[0] == 429
        assert g.chat("m", "x", key)[0] == 200
        assert g.stop() == 0
    finally:
        g = kept


def dear_fallback():
    """What is reserved is what the dearest that may answer takes; a fallback without a price is none for a key with so many USD."""
    key = new_key("falls back", "--usd-per-day", "1")
    for name, status, code in (("dear", 400, "over_limit"), ("free", 400, "price_unknown"), ("m", 200, None)):
        gateway = Gateway("fall.db", "--price", f"{UP}#dear=100000/100000,{UP}#m=0/0,{UP}#m+500=0/0",
                          "--fallback", f"{UP}#m+500={UP}#{name}", tasks=())
        reply = gateway.chat("m+500", "x", key, max_tokens=2)
        assert reply[0] == status and (not code or json.loads(reply[1])["error"]["code"] == code), (name, reply)
        assert gateway.stop() == 0


def tasks_have_limits():
    """The first that ask a task at once pass no limit, though nobody has heard yet what an answer takes."""
    global g
    tokens, usd = new_key("first", "--tpm", "10000"), new_key("first by usd", "--usd-per-day", "10")
    g, kept = Gateway("far.db", "--price", f"{UP}#far+slow-100=1000/1000", tasks=("one", "far")), g
    try:
        for key, what, most in ((tokens, "input_tokens + output_tokens", 10000), (usd, "usd", 10)):
            name = "first" if key == tokens else "first by usd"
            good, took = many(lambda text, c: g.chat("rung/far", f"grass number {text}", key, c))
            until(lambda: g.rows(f"SELECT count(*) FROM served WHERE key = '{name}' AND http = 200") == [(len(good),)])
            used = g.rows(f"SELECT total({what}), max({what}) FROM served WHERE key = '{name}'")[0]
            assert used[1] > 0 and .95 * most <= used[0] <= most * windows(took), (used, len(good), took)
        assert g.stop() == 0
    finally:
        g = kept


# ---- the log does not decide who is let in ----

def log_in_trouble():
    """LiteLLM #34479"""
    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000))
    ask = lambda gateway, n: {gateway.chat("m", "x" * 500, web)[0] for _ in range(n)}
    full = Gateway("full.db", before=small)
    assert ask(full, 600) == {200}
    error_of(full.chat("m", "x", "rung-none"), 401)
    full.stop()
    assert "full.db" in full.said() and web not in full.said(), full.said()
    locked = Gateway("locked.db")
    db = sqlite3.connect(locked.log, timeout=30, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    assert ask(locked, 100) == {200}
    db.execute("ROLLBACK")
    db.close()
    assert locked.stop() == 0 and locked.rows("SELECT count(*) FROM served") == [(100,)]
    gone = Gateway("gone.db")
    for f in glob.glob(gone.log + "*"):
        os.unlink(f)
    assert ask(gone, 100) == {200}
    gone.stop()


# ---- the cache ----

def bodies_and_hits():
    """Each of these is asked once; then once more, and the bytes are the same."""
    text = lambda i, **more: {"model": f"{UP}#m", "messages": [{"role": "user", "content": f"cached {i}"}], "user": "somebody"} | more
    asks = [("/v1/chat/completions", text(1)), ("/v1/chat/completions", text(1, stream=True)), ("/v1/chat/completions", text(1, temperature=0)),
            ("/v1/chat/completions", text(2)), ("/v1/embeddings", {"model": f"{UP}#text-embedding-test", "input": "cached", "user": "somebody"})]
    first = []
    for path, body in asks:
        before = asked_upstream()
        first.append(c.ask("POST", path, body, shop_a))
        assert first[-1][0] == 200 and asked_upstream() == before + 1 and "x-rung-cache" not in first[-1][2], (body, first[-1])
    before = asked_upstream()
    ids = {f[2]["x-rung-id"] for f in first}
    for key in (shop_a, shop_b):  # of one tenant
        for (path, body), f in zip(asks, first):
            hit = c.ask("POST", path, body, key)
            assert hit[0] == 200 and hit[1] == f[1] and hit[2]["content-type"] == f[2]["content-type"] and hit[2]["x-rung-cache"] == "hit", (hit, f)
            assert hit[2]["x-rung-id"] not in ids
            ids.add(hit[2]["x-rung-id"])
            assert c.ask("POST", "/v1/feedback", {"id": hit[2]["x-rung-id"], "value": True}, key)[0] == 202
    assert asked_upstream() == before
    quoted = ",".join(f"'{i}'" for i in ids)
    until(lambda: c.rows(f"SELECT count(*) FROM served WHERE id IN ({quoted})") == [(15,)])
    assert c.rows("SELECT cached, count(*), total(usd), total(input_tokens + output_tokens) > 0, count(DISTINCT key) FROM served"
                  f" WHERE id IN ({quoted}) GROUP BY cached") == [(0, 5, 0, 1, 1), (1, 10, 0, 0, 2)], c.rows("SELECT * FROM served")
    assert c.rows(f"SELECT DISTINCT subject FROM served WHERE id IN ({quoted})") == [("somebody",)]  # who can be forgotten
    vectors = f"SELECT count(*) FROM served JOIN body ON call = id WHERE id IN ({quoted}) AND task LIKE '%embedding%' AND output IS NOT NULL"
    assert c.rows(vectors) == [(0,)]
    assert c.metric("rung_cached_total", watcher) == 10


def never_across_tenants():
    before = asked_upstream()
    body = {"model": f"{UP}#m", "messages": [{"role": "user", "content": "cached 1"}], "user": "somebody"}
    for n, key in enumerate((web, admin)):
        assert "x-rung-cache" not in c.ask("POST", "/v1/chat/completions", body, key)[2]
        assert asked_upstream() == before + n + 1
    c.chat("one", "grass number 3", shop_a)
    assert json.loads(c.chat("one", "grass number 3", shop_b)[1]).get("rung::cached") is True
    assert not json.loads(c.chat("one", "grass number 3", web)[1]).get("rung::cached")


def never_of_errors():
    for model, status in (("m+404-model", 404), ("m+500", ANY)):
        before = asked_upstream()
        for _ in range(2):
            reply = c.chat(model, "again", web)
            assert reply[0] >= 400 and "x-rung-cache" not in reply[2], reply
        assert asked_upstream() >= before + 2
    for _ in range(2):  # a stream that is cut
        try:
            assert "x-rung-cache" not in c.chat("m+cut", "again", web, stream=True)[2]
        except (http.client.HTTPException, OSError):
            pass


def cache_control():
    ask = lambda text, control: c.chat("m", text, web, headers={"Cache_Control": control} if control else {})[2].get("x-rung-cache")
    assert [ask("a", control) for control in ("no-store", None, None, "no-store", "No-Store", "max-age=0, NO-CACHE", None)] == [None, None, "hit", None, None, None, "hit"]
    before = asked_upstream()
    assert ask("b", "no-cache") is None and ask("b", None) == "hit" and asked_upstream() == before + 1  # what it brings is kept
    said = lambda text, control: json.loads(c.chat("one", text, web, headers={"Cache_Control": control} if control else {})[1])
    ask = lambda text, control: said(text, control).get("rung::cached", False)
    assert [ask("blood 7", "no-store"), ask("blood 7", None), ask("blood 7", None), ask("blood 7", "no-cache")] == [False, False, True, False]


def tasks_cached():
    first, hit = (json.loads(c.chat("one", "grass number 99", web)[1]) for _ in range(2))
    same = lambda r: {k: v for k, v in r.items() if k not in ("id", "created", "rung::cached", "usage", "rung::cost")}
    assert hit["rung::cached"] is True and not first.get("rung::cached") and same(first) == same(hit) and first["id"] != hit["id"], (first, hit)
    status, events, _ = c.chat("one", "grass number 99", web, stream=True)
    assert status == 200 and events.endswith(b"data: [DONE]\n\n") and b"green" in events, events
    id = hit["id"].removeprefix("chatcmpl-")
    until(lambda: c.rows(f"SELECT cached, output FROM served JOIN body ON call = id WHERE id = '{id}'") == [(1, "green")])
    assert c.ask("POST", "/v1/feedback", {"id": hit["id"], "value": False}, web)[0] == 202


def bounded():
    for i in range(2000):
        assert c.chat("m", f"{i} " + "y" * 2000, web)[0] == 200
        if i % 200 == 0:
            assert 0 < c.metric("rung_cache_bytes", watcher) <= 1 << 20
    assert "x-rung-cache" not in c.chat("m", "0 " + "y" * 2000, web)[2]
    assert c.chat("m", "1999 " + "y" * 2000, web)[2]["x-rung-cache"] == "hit"


def limits_count_hits():
    """A hit is a request, and takes no tokens."""
    key = new_key("hits", "--tpm", "1000", "--rpm", "8")
    until(lambda: c.ask("GET", "/v1/models", key=key)[0] == 200)
    assert [c.chat("m", "mine", key, max_tokens=700)[0] for _ in range(9)] == [200] * 8 + [429]
    assert c.stop() == 0


# ---- what is counted, and what is nowhere ----

def metrics():
    status, page, headers = g.ask("GET", "/metrics", key=watcher)
    assert status == 200 and headers["content-type"].startswith("text/plain; version=0.0.4"), headers
    page = page.decode()
    for name in ("rung_requests_total", "rung_refused_total", "rung_tokens_total", "rung_request_seconds_bucket", "rung_overhead_seconds_count",
                 "rung_requests_in_flight", "rung_log_rows_total", "process_resident_memory_bytes"):
        assert f"\n{name}" in page, name
    for reason in ("rate_limit_exceeded", "invalid_api_key", "over_limit", "scope"):
        assert g.metric("rung_refused_total", watcher, reason=reason) > 0, reason
    answered = g.metric("rung_requests_total", watcher)
    assert g.stop() == 0
    assert g.rows("SELECT count(*) FROM served") == [(answered,)]  # each has its row
    printed.append(page)


def keys_are_nowhere():
    there = [open(f, "rb").read() for f in glob.glob(f"{scratch}/*.db*") + glob.glob(f"{scratch}/*.jsonl*") + glob.glob(f"{scratch}/stderr-*")]
    there += [t.encode() for t in printed] + [h.encode() for h in Echo.heads]
    assert len(shown) > 10 and len(there) > 10
    for key in shown:
        for text in there:
            assert key[5:25].encode() not in text and key[-20:].encode() not in text


def with_sdk():
    code = """import openai, sys
ai = lambda key: openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key=key, max_retries=0, timeout=20)
model, web, watcher, small = sys.argv[2:]
chat = lambda key, model=model, **more: ai(key).chat.completions.create(model=model, messages=[{"role": "user", "content": "x"}], **more)
assert chat(web).choices[0].message.content
for key, kind, code, more in (("rung-none", openai.AuthenticationError, "invalid_api_key", {}), (watcher, openai.PermissionDeniedError, "scope", {}),
                              (web, openai.NotFoundError, "model_not_found", {"model": "none"}),
                              (small, openai.BadRequestError, "over_limit", {"max_tokens": 663})):
    try:
        chat(key, **more)
    except kind as e:
        assert e.code == code and e.message, e
    else:
        raise AssertionError(kind)
"""
    small = new_key("of the package", "--tpm", "100")
    until(lambda: g.ask("GET", "/v1/models", key=small)[0] == 200)
    r = subprocess.run([sdk, "-c", code, g.at, f"{UP}#m", web, watcher, small], capture_output=True, text=True, timeout=120)
    assert r.returncode == 0, r.stderr


keys = f"{scratch}/keys.jsonl"
try:
    check("must 7: rung key: made once, its hash kept, each wrong command a sentence", commands)
    web, watcher, critic = new_key("web"), new_key("watcher", "--scopes", "metrics"), new_key("critic", "--scopes", "feedback")
    narrow, admin = new_key("narrow", "--models", f"rung/one,{UP}#m"), new_key("admin", "--scopes", "ask,feedback,admin")
    shop_a, shop_b = new_key("shop a", "--tenant", "shop"), new_key("shop b", "--tenant", "shop")
    check("what cannot be served is a sentence", not_started)
    g = Gateway("served.db", "--price", f"{UP}#m=1/1,{UP}#m+404-model=1/1")
    check("401: whoever has no key", strangers)
    check("what strangers send is not read", bodies_of_strangers)
    check("403: a key without the scope", scopes)
    check("404: a model that is not for this key is none", models_of_a_key)
    check("no key of ours goes to an upstream", no_key_goes_further)
    check("feedback across tenants is 404, as of what is not there", tenants)
    check("a key that is removed is refused soon", removed)
    check("a wrong file leaves the keys in force, and is said once", broken_file)
    check("must 7: 64 clients: the requests of a minute", requests_a_minute)
    check("must 7: 64 clients: the tokens of a minute", tokens_a_minute)
    check("LiteLLM #18730: no one request passes the tokens of a minute", one_large_request)
    check("a reply that counted nothing took what was reserved", no_usage)
    check("what was given up took what was reserved", given_up)
    check("what failed took nothing", failed_upstream)
    check("must 7: USD of a day, also after a restart; an unknown price is refused", usd_a_day)
    check("a fallback is reserved for, too", dear_fallback)
    check("must 7: 64 clients: the tokens and USD of a task, from the first question on", tasks_have_limits)
    check("LiteLLM #34479: a log in trouble is no 401", log_in_trouble)
    if os.path.exists(sdk) and subprocess.run([sdk, "-c", "import openai"], capture_output=True).returncode == 0:
        check("the vendor's own package reads the refusals", with_sdk)
    else:
        print(f"{sdk} has no openai; run `make sdk`\n[  SKIPPED ] the vendor's own package reads the refusals")
    c = Gateway("cached.db", "--cache", "1")
    check("must 8: cache: the bytes of the first reply, and a row of its own", bodies_and_hits)
    check("must 8: cache: never across tenants (Portkey's memory cache)", never_across_tenants)
    check("must 8: cache: never of an error (Portkey's memory cache)", never_of_errors)
    check("cache: no-store and no-cache", cache_control)
    check("cache: answers of a task", tasks_cached)
    check("must 8: cache: bounded", bounded)
    check("cache: a hit is a request without tokens", limits_count_hits)
    check("must 9: /metrics, and a row of the log for each call", metrics)
    check("must 7: keys are in no file, log, error or page", keys_are_nowhere)
finally:
    for p in started:
        if p.poll() is None:
            p.kill()
sys.exit(failures > 0)
PY
NO_PROXY=127.0.0.1 python3 "$scratch/drive.py" "$rung" "$scratch" "$faults" "${SDK_PYTHON:-build/sdk/bin/python}" || failures=$((failures + 1))
finish
