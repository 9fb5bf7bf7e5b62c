#!/bin/sh
# hostile.sh - what strangers send to `rung serve`: requests that are none, or two in one, floods, paths, headers and texts that would be more than
# that. tests/unit/serve_server.c has the server alone, keys.sh who may see what.
. tests/e2e/lib.sh
export OPENAI_API_KEY=sk-test-hostile-77 RUNG_API_KEY=sk-test-hostile-77
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
mkdir "$scratch/models" "$scratch/one"
export RUNG_MODELS="$scratch/models"
awk 'BEGIN { print "id,text,more,label"; for (i = 0; i < 120; i++)
	printf "e%d,%s number %d,x,%s\n", i, i % 2 ? "grass" : "blood", i, i % 2 ? "green" : "red" }' >"$scratch/one/examples.csv"
cat >"$scratch/one/task.yaml" <<'Y'
name: one
kind: classify
instruction: What?
input: "{{text}} {{more}}"
labels: [red, green]
examples: {file: examples.csv, answer: label, id: id}
Y
start_faults
"$rung" climb "$scratch/one" --rungs 0-0 --quiet >"$scratch/out" 2>&1 || fail "climb" "$(head -c 300 "$scratch/out")"

cat >"$scratch/drive.py" <<'PY'
"""drive.py RUNG SCRATCH FAULTS"""
import http.client, json, os, re, resource, signal, socket, subprocess, sys, threading, time, traceback

rung, scratch, faults = sys.argv[1], sys.argv[2], int(sys.argv[3])
plain = "address" not in rung and "thread" not in rung  # the sanitizers keep freed memory
failures, started = 0, []
UP = f"http://127.0.0.1:{faults}/v1"


def check(name, test):
    global failures
    try:
        test()
        if g.process.poll() is not None:
            raise AssertionError(f"it has ended: {g.process.returncode}")
        assert g.ask("GET", "/healthz")[0] == 200
        print(f"[       OK ] {name}", flush=True)
    except Exception:
        failures += 1
        print(f"{name}: {traceback.format_exc()[-1500:]}\n[  FAILED  ] {name}", flush=True)


class Raw(threading.Thread):
    """An upstream that answers with the bytes that it is told."""
    def __init__(self):
        super().__init__(daemon=True)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port, self.reply = self.listening.getsockname()[1], b""
        self.start()

    def run(self):
        while True:
            s, _ = self.listening.accept()
            threading.Thread(target=self.answer, args=(s,), daemon=True).start()

    def answer(self, s):
        """A connection stays unless the reply says that it ends: a request on one that is closed just then fails, as it may have been paid for."""
        text = b""
        while more := s.recv(65536):
            text += more
            head = text.find(b"\r\n\r\n") + 4
            if head < 4:
                continue
            end = head + int(re.search(rb"content-length: (\d+)", text.lower())[1])
            if len(text) >= end:
                text = text[end:]
                s.sendall(self.reply)
                if b"\r\nconnection: close\r\n" in self.reply.lower():
                    break
        s.close()


raw = Raw()
RAW = f"http://127.0.0.1:{raw.port}/v1#raw"


class Gateway:
    def __init__(self, *more):
        self.process = subprocess.Popen([rung, "serve", "--port", "0", "--quiet", "--log", f"{scratch}/{len(started)}.db", "--upstream", f"{UP}#m,{RAW}", *more,
                                         f"{scratch}/one"], stdout=subprocess.PIPE, text=True)
        started.append(self.process)
        self.port = int(self.process.stdout.readline().strip().rsplit(":", 1)[1])
        self.host = f"127.0.0.1:{self.port}"

    def dial(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def ask(self, method, path, body=None, headers={}):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        c.request(method, path, body if body is None or isinstance(body, bytes) else json.dumps(body), headers)
        r = c.getresponse()
        return r.status, r.read(), {k.lower(): v for k, v in r.getheaders()}

    def chat(self, model, text, **more):
        return self.ask("POST", "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": text}]} | more)

    def send(self, text, read=True):
        """What comes back until the other side closes; ours is closed for sending, as nobody waits for more."""
        with self.dial() as s:
            try:
                s.sendall(text)
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            out = b""
            try:
                while piece := s.recv(65536):
                    out += piece
            except OSError:
                pass
            return out

    def send_open(self, text):
        """The same, where ours stays open: the server has to end it, or has answered all that it was asked."""
        with self.dial() as s:
            s.sendall(text)
            out = b""
            s.settimeout(60)
            try:
                while piece := s.recv(65536):
                    out += piece
            except ConnectionError:
                pass
            return out

    def resident(self):
        page = self.ask("GET", "/metrics")[1].decode()
        return float(re.search(r"^process_resident_memory_bytes (\S+)$", page, re.M)[1])


def replies(text):
    return [int(s) for s in re.findall(rb"HTTP/1\.1 (\d\d\d)", text)]


GOOD = {"model": "one", "messages": [{"role": "user", "content": '{"text": "grass number 3", "more": "x"}'}]}


def smuggled():
    """A second request within the first is never answered as one."""
    inner = f"GET /smuggled HTTP/1.1\r\nHost: {g.host}\r\nConnection: close\r\n\r\n"
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {g.host}\r\nConnection: close\r\n"
    n = len(inner)
    shapes = {
        "a body that is a request": f"{head}Content-Length: {n}\r\n\r\n{inner}",
        "of a GET": f"GET /healthz HTTP/1.1\r\nHost: {g.host}\r\nConnection: close\r\nContent-Length: {n}\r\n\r\n{inner}",
        "chunked": f"{head}Transfer-Encoding: chunked\r\n\r\n{n:x}\r\n{inner}\r\n0\r\n\r\n",
        "a chunk's extension": f"{head}Transfer-Encoding: chunked\r\n\r\n{n:x};a=\"b\"\r\n{inner}\r\n0\r\n\r\n",
        "an extension with a line end": f"{head}Transfer-Encoding: chunked\r\n\r\n{n:x};a\n0\r\n{inner}\r\n0\r\n\r\n",
        "a chunk of 0x": f"{head}Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n{inner}",
        "a chunk of +0": f"{head}Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n{inner}",
        "a chunk of -1": f"{head}Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n{inner}",
        "a chunk of 2^64": f"{head}Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n{inner}",
        "a chunk of 2^64 - 1": f"{head}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{inner}",
        "a chunk that ends too late": f"{head}Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n{inner}",
        "trailers": f"{head}Transfer-Encoding: chunked\r\n\r\n{n:x}\r\n{inner}\r\n0\r\nContent-Length: 0\r\nHost: evil\r\n\r\n",
        "CL and TE": f"{head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
        "TE and CL": f"{head}Transfer-Encoding: chunked\r\nContent-Length: {n}\r\n\r\n0\r\n\r\n{inner}",
        "two CLs": f"{head}Content-Length: 0\r\nContent-Length: {n}\r\n\r\n{inner}",
        "two CLs, the other way": f"{head}Content-Length: {n}\r\nContent-Length: 0\r\n\r\n{inner}",
        "a CL with a sign": f"{head}Content-Length: +0\r\n\r\n{inner}",
        "a CL with a blank": f"{head}Content-Length: 0 {n}\r\n\r\n{inner}",
        "a CL with a blank before the colon": f"{head}Content-Length : 0\r\nContent-Length: {n}\r\n\r\n{inner}",
        "a CL that is a list": f"{head}Content-Length: 0, {n}\r\n\r\n{inner}",
        "a CL of 2^64": f"{head}Content-Length: 18446744073709551616\r\n\r\n{inner}",
        "a CL in hexadecimal": f"{head}Content-Length: 0x0\r\n\r\n{inner}",
        "a folded CL": f"{head}Content-Length: {n // 10}\r\n {n % 10}\r\n\r\n{inner}",
        "a folded TE": f"{head}Transfer-Encoding:\r\n chunked\r\nContent-Length: {n}\r\n\r\n{inner}",
        "TE in other coats": f"{head}Transfer-Encoding: \x0bchunked\r\nContent-Length: {n}\r\n\r\n{inner}",
        "TE that is not chunked": f"{head}Transfer-Encoding: gzip\r\nContent-Length: {n}\r\n\r\n{inner}",
        "TE twice": f"{head}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
        "bare line feeds": head.replace("\r\n", "\n") + f"Content-Length: {n}\n\n{inner}",
        "a bare carriage return": f"{head}X: a\rContent-Length: 0\r\nContent-Length: {n}\r\n\r\n{inner}",
        "a NUL in a header": f"{head}X: a\0b\r\nContent-Length: {n}\r\n\r\n{inner}",
    }
    for name, text in shapes.items():
        out = g.send(text.encode("latin-1"))
        # libmicrohttpd 0.9.75 writes the head of some refusals twice, and closes
        assert (len(replies(out)) <= 1 or set(replies(out)) <= {400, 413}) and b"nothing at this path" not in out, (name, out)
    # And what is refused ends its connection: what stands behind it is not read as a request.
    for name in ("CL and TE", "two CLs", "a CL with a sign", "TE twice", "a chunk of -1", "a CL that is a list"):
        out = g.send_open(shapes[name].replace("Connection: close\r\n", "").encode("latin-1"))
        assert set(replies(out)) <= {400, 413, 501} and b"nothing at this path" not in out, (name, out)


def other_protocols():
    hello = bytes.fromhex("16030100c8010000c40303") + b"x" * 200
    for text in (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", hello, b"\0" * 100, b"GET /healthz\r\n\r\n", b"GET /healthz HTTP/9.9\r\n\r\n", b"EHLO x\r\n", b"\r\n" * 100, b"GET",
                 b"CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: \r\n\r\n"):
        assert 200 not in replies(g.send(text)), text


def giant():
    many = "".join(f"X-{i}: y\r\n" for i in range(20000))
    for text in (f"GET /{'x' * 100000} HTTP/1.1\r\nHost: {g.host}\r\n\r\n", f"{'G' * 100000} / HTTP/1.1\r\nHost: {g.host}\r\n\r\n",
                 f"GET /healthz HTTP/1.1\r\nHost: {g.host}\r\n{many}\r\n", f"GET /healthz HTTP/1.1\r\nHost: {g.host}\r\nX: {'y' * 100000}\r\n\r\n",
                 f"GET /healthz HTTP/1.1\r\nHost: {'h' * 100000}\r\n\r\n", f"GET /healthz?{'a=b&' * 30000} HTTP/1.1\r\nHost: {g.host}\r\n\r\n"):
        assert 200 not in replies(g.send(text.encode())), text[:60]
    before = g.resident()
    for _ in range(20):  # a body that is announced as too large is not read
        out = g.send_open(f"POST /v1/chat/completions HTTP/1.1\r\nHost: {g.host}\r\nContent-Length: 99999999999\r\n\r\n".encode())
        assert replies(out) == [413], out
    assert g.resident() < before + (8 << 20)


def paths():
    for path in ("//healthz", "/healthz/", "/./healthz", "/../healthz", "/v1/../healthz", "/v1/%2e%2e/healthz", "/%2e%2e/%2e%2e/etc/passwd", "/../../../../etc/passwd",
                 "/healthz%00", "/healthz%00.html", "/v1/models%00", "/%00/healthz", "/healthz%2f", "/HEALTHZ", "/healthz%20", "/healthz;a", "/\\healthz", "/..%5chealthz",
                 "/healthz%0d%0aX-Injected:%201", "/v1/chat/completions/../models", f"http://{g.host}/healthz", "http://evil.example/healthz", "*", "?", "/%"):
        for method in ("GET", "POST"):
            out = g.send(f"{method} {path} HTTP/1.1\r\nHost: {g.host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            assert len(replies(out)) == 1 and replies(out)[0] in (400, 404, 405), (method, path, out)
            assert b"\r\nX-Injected" not in out and b"root:" not in out
    for path in ("/healthz?x=%00", "/%68ealthz"):
        got = g.ask("GET", path)[0]
        assert got in (200, 400), (path, got)
    for method in ("HEAD", "OPTIONS", "DELETE", "PUT", "TRACE", "PATCH", "get", "X-Y"):
        assert replies(g.send(f"{method} /v1/models HTTP/1.1\r\nHost: {g.host}\r\nConnection: close\r\n\r\n".encode()))[0] in (200, 400, 405), method
    out = g.send(f"TRACE / HTTP/1.1\r\nHost: {g.host}\r\nCookie: secret\r\nConnection: close\r\n\r\n".encode())
    assert b"secret" not in out


def deep():
    """A hundred thousand levels: of the body, of what a task reads in it, of what an upstream answers."""
    n = 100000
    text = lambda s: s.encode()
    message = '{"model":"%s","messages":[{"role":"user","content":%s}]}'
    inputs = ["[" * n, "[" * n + "]" * n, '{"text":' * n, '{"text":' * n + "1" + "}" * n, '{"text":"a","more":' + "[" * n + "]" * n + "}"]
    bodies = [text("[" * n), text("[" * n + "]" * n), text('{"a":' * n + "1" + "}" * n), text('{"model":"one","messages":' + "[" * n + "]" * n + "}")]
    for model in ("one", f"{UP}#m"):
        bodies += [text(message % (model, "[" * n + "]" * n)), text('{"model":"%s","x":%s}' % (model, "[" * n + "]" * n)), text('{"x":%s,"model":"%s"}' % ("[" * n + "]" * n, model)),
                   text('{"model":"%s","response_format":{"type":"json_schema","json_schema":{"name":"x","schema":%s}},"messages":[{"role":"user","content":"x"}]}' %
                        (model, '{"items":' * n + "{}" + "}" * n))]
    for body in bodies:
        for path in ("/v1/chat/completions", "/v1/embeddings", "/v1/feedback"):
            status, reply, _ = g.ask("POST", path, body)
            assert status in (400, 404) and json.loads(reply)["error"]["message"], (path, body[:60], status, reply[:300])
    for given in inputs:
        status, reply, _ = g.ask("POST", "/v1/chat/completions", text(message % ("one", json.dumps(given))))
        assert status in (200, 400) and json.loads(reply), (given[:40], status)
    for said in ('{"usage":' + "[" * n + "]" * n + "}", "[" * n, '{"usage":' * n + "1" + "}" * n):
        raw.reply = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(said)}\r\n\r\n{said}".encode()
        status, reply, _ = g.chat(RAW, "x")
        assert (status, reply) == (200, said.encode()), (status, len(reply), reply[:300])


def no_text():
    """What is no UTF-8 is refused before anybody is asked, or passed on by nobody as something else."""
    for bad in (b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80", b"\\ud800", b"\\udc00\\ud800", b"a\0b"):
        for model in (b"one", f"{UP}#m".encode()):
            for body in (b'{"model":"%s","messages":[{"role":"user","content":"%s"}]}' % (model, bad), b'{"model":"%s","%s":1,"messages":[]}' % (model, bad),
                         b'{"model":"%s%s","messages":[]}' % (model, bad), b'%s{"model":"%s"}' % (bad, model)):
                status, reply, _ = g.ask("POST", "/v1/chat/completions", body)
                assert status in (400, 404) and json.loads(reply), (body, status, reply)


def never_a_page():
    """Nothing that was sent comes back as something that a browser runs."""
    script = "<script>alert(1)</script>"
    for method, path, body in (("GET", "/%3Cscript%3Ealert(1)%3C/script%3E", None), ("POST", "/v1/chat/completions", {"model": script, "messages": []}),
                               ("POST", "/v1/chat/completions", {"model": script, "messages": [{"role": "user", "content": script}]}), ("POST", "/v1/feedback", {"id": script, "value": 1}),
                               ("POST", "/v1/chat/completions", {"model": "one", "messages": [{"role": "user", "content": script}]}), ("POST", "/v1/embeddings", {"model": script, "input": script})):
        status, reply, headers = g.ask(method, path, body)
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY", headers
        assert status in (400, 404) and headers["content-type"].split(";")[0] in ("application/json", "text/html") and script.encode() not in \
            (b"" if headers["content-type"].startswith("application/json") else reply), (path, headers, reply)
    for path in ("/?span=", "/?q=", "/calls?task=", "/calls?variant=", "/history?task=", "/documents?task=", "/calls/"):
        status, reply, headers = g.ask("GET", path + "%3Cscript%3Ealert(1)%3C/script%3E")
        policy = headers.get("content-security-policy", "")
        assert status in (200, 400, 404) and script.encode() not in reply and "default-src 'none'" in policy and "unsafe" not in policy, (path, status, headers)
    page = f"<html>{script}</html>"  # of an upstream: it is passed on as it is, and can do nothing
    raw.reply = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\n\r\n{page}".encode()
    status, reply, headers = g.chat(RAW, "x")
    assert reply == page.encode() and headers["content-security-policy"].startswith("sandbox") and headers["x-content-type-options"] == "nosniff", headers
    raw.reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    assert "content-security-policy" not in g.chat(RAW, "x")[2]


def headers_of_others():
    """Names and values become no headers of ours, be they a client's or an upstream's."""
    evil = "x\r\nX-Injected: 1"
    for body in ({"model": evil, "messages": []}, GOOD | {"user": evil}, GOOD | {"metadata": {"subject": evil}}, {"model": f"{UP}#m", "messages": [], "user": evil}):
        assert "x-injected" not in g.ask("POST", "/v1/chat/completions", body)[2]
    for line in (b"X-Request-Id: a\rX-Injected: 1", b"Retry-After: 1\r\n X-Injected: 1", b"Retry-After: \x00\x01", b"X-RateLimit-A\tB: 1", b"X-RateLimit-: " + b"y" * 60000,
                 b"\r\n".join(b"X-RateLimit-%d: 1" % i for i in range(500)), b"Set-Cookie: a=b", b"Content-Length: 2", b"Transfer-Encoding: identity", b"Content-Encoding: x",
                 b"X-Content-Type-Options: none", b"x-rung-id: forged", b"Location: http://evil.example/", b"Access-Control-Allow-Origin: *"):
        raw.reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n" + line + b"\r\nConnection: close\r\n\r\n{}"
        status, reply, headers = g.ask("POST", "/v1/chat/completions", {"model": RAW, "messages": []})
        assert "x-injected" not in headers and not {"set-cookie", "location", "access-control-allow-origin", "content-encoding"} & set(headers), (line[:60], headers)
        assert headers.get("x-rung-id", "") != "forged" and headers["x-content-type-options"] == "nosniff", (line[:60], headers)


def slow_loris():
    """Half requests by the hundred; whoever asks a whole one is answered."""
    halves = []
    for i in range(400):
        s = g.dial()
        s.sendall((f"GET /healthz HTTP/1.1\r\nHost: {g.host}\r\nX-{i}: " if i % 2 else f"POST /v1/chat/completions HTTP/1.1\r\nHost: {g.host}\r\nContent-Length: 9999\r\n\r\n{{").encode())
        halves.append(s)
    for i in range(200):
        halves[i].sendall(b"a")
        assert g.ask("POST", "/v1/chat/completions", GOOD)[0] == 200
    for s in halves:
        s.close()


def flood():
    """As many connections as it takes, and more; once they are gone it answers again."""
    want = 4300
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < want + 500:
        return print(f"the flood is left out: {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    flood, refused = [], 0
    for _ in range(want):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", g.port))
        flood.append(s)
    inside = flood[:100]
    for s in inside:
        s.setblocking(True)
        s.settimeout(60)
        s.sendall(f"GET /healthz HTTP/1.1\r\nHost: {g.host}\r\n\r\n".encode())
    for s in inside:
        refused += b"200 OK" not in s.recv(4096)
    assert refused == 0  # those that are in are answered
    for s in flood:
        s.close()
    end = time.monotonic() + 60
    while True:
        try:
            if g.ask("POST", "/v1/chat/completions", GOOD)[0] == 200:
                break
        except OSError:
            pass
        assert time.monotonic() < end


def never_read():
    """Ten thousand requests at once, of a client that reads nothing: they wait in its own connection."""
    before = g.resident()
    with g.dial() as s:
        s.setblocking(False)
        request = f"GET /metrics HTTP/1.1\r\nHost: {g.host}\r\n\r\n".encode() * 10000
        sent = 0
        try:
            while sent < len(request):
                sent += s.send(request[sent:])
        except BlockingIOError:
            pass
        for _ in range(50):
            assert g.ask("POST", "/v1/chat/completions", GOOD)[0] == 200
        grown = g.resident() - before
        assert not plain or grown < 16 << 20, grown


def flat():
    """must 10: resident memory is the same after ten thousand more."""
    def many(n):
        c = http.client.HTTPConnection("127.0.0.1", g.port, timeout=60)
        for i in range(n):
            c.request("POST", "/v1/chat/completions", json.dumps(GOOD if i % 2 else {"model": f"{UP}#m", "messages": [{"role": "user", "content": "x" * 2000}]}))
            r = c.getresponse()
            r.read()
            assert r.status == 200
    def together(n):
        threads = [threading.Thread(target=many, args=(n // 4,)) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return g.resident()
    together(3000)
    before = together(2000)
    after = together(8000)
    assert after < before + (6 << 20), (before, after)


try:
    g = Gateway()
    check("a request within a request is not answered as one", smuggled)
    check("other protocols are answered nothing", other_protocols)
    check("giant lines, headers and bodies", giant)
    check("paths that are none", paths)
    check("JSON a hundred thousand levels deep", deep)
    check("bytes that are no text", no_text)
    check("nothing is reflected as a page", never_a_page)
    check("no text becomes a header", headers_of_others)
    check("half requests by the hundred hold up nobody", slow_loris)
    check("a flood of connections, and what comes after it", flood)
    check("a client that never reads", never_read)
    if plain:
        check("must 10: flat resident memory", flat)
    g.process.send_signal(signal.SIGTERM)
    check_end = g.process.wait(60)
    print("[       OK ] SIGTERM ends it" if check_end == 0 else f"SIGTERM: {check_end}\n[  FAILED  ] SIGTERM ends it")
    failures += check_end != 0
finally:
    for p in started:
        if p.poll() is None:
            p.kill()
sys.exit(failures > 0)
PY
NO_PROXY=127.0.0.1 python3 "$scratch/drive.py" "$rung" "$scratch" "$faults" || failures=$((failures + 1))
finish
