#!/bin/sh
# board.sh - the page of `rung serve`: what it shows of real calls, to whom; forms, and a verdict that they turn; texts of strangers; and all of it
# in a browser, which needs chromium.
. tests/e2e/lib.sh

unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
mkdir -p "$scratch/models" "$scratch/towns/docs"
export RUNG_MODELS="$scratch/models"
ln -s "$PWD/tests/reference/golden/tiny-bert" "$scratch/models/all-MiniLM-L6-v2" # random weights: what is cited need not be apt
green_task "$scratch/one" one
python3 - "$scratch/towns" <<'PY'
import json, sys
folder, rows = sys.argv[1], []
for i, town in enumerate(["Abrosa", "Brunmouth", "Caldwick", "Dunstow", "Elverton", "Fernhallow", "Gorsebury", "Hallowmere"]):
    year = 1411 + 37 * i
    with open(f"{folder}/docs/{town} <b>&.md", "w", encoding="utf-8") as out:
        out.write(f"# {town}\n\n\u201cQuiet\u201d, they say of it & of <script>alert(1)</script>. The harbour of {town} was opened in {year}.\n\nGeese are kept there.\n")
    split = ("train", "dev", "test", "test")[i % 4] # what is known of one town is no answer of another's
    for k in range(4):
        rows.append({"id": f"{town}-{k}", "question": f"In which year was the harbour of {town} opened, {k}?", "answer": str(year), "split": split})
open(f"{folder}/questions.jsonl", "w").writelines(json.dumps(r) + "\n" for r in rows)
open(f"{folder}/task.yaml", "w").write("""name: "<i>towns"
kind: answer
instruction: Answer the question in a few words.
input: "Question: {{question}}"
examples: {file: questions.jsonl, answer: answer, id: id, split: split}
documents: docs/*.md
scorer: contains
""")
PY
for task in one towns; do
	"$rung" climb "$scratch/$task" --rungs 0-0 --quiet --seed 1 >"$scratch/out" 2>&1 || fail "a climb of $task" "$(tail -c 400 "$scratch/out")"
done

cat >"$scratch/drive.py" <<'PY'
"""drive.py RUNG SCRATCH BROWSER"""
import html, http.client, json, re, signal, sqlite3, subprocess, sys, traceback, urllib.parse
import xml.etree.ElementTree as ET

sys.path.insert(0, "tests/support")
from browser import Browser

rung, scratch, program = sys.argv[1:]
failures, started = 0, []
LOG, KEYS, GONE = f"{scratch}/served.db", f"{scratch}/keys.jsonl", "http://127.0.0.1:9/v1#gone"
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp; \u202e\u2066"


def check(name, test):
    global failures
    try:
        test()
        print(f"[       OK ] {name}", flush=True)
    except Exception:
        failures += 1
        print(f"{name}: {traceback.format_exc()[-1200:]}\n[  FAILED  ] {name}", flush=True)


class Gateway:
    def __init__(self, *more):
        self.process = subprocess.Popen([rung, "serve", "--port", "0", "--quiet", "--log", LOG, "--share", "0.5", "--upstream", GONE, *more, f"{scratch}/one",
                                         f"{scratch}/towns"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(self.process)
        self.port = int(self.process.stdout.readline().strip().rsplit(":", 1)[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, method, path, body=None, **headers):
        self.c.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        r = self.c.getresponse()
        return r.status, dict((k.lower(), v) for k, v in r.getheaders()), r.read().decode()

    def get(self, path, **headers):
        status, head, page = self.ask("GET", path, **headers)
        assert status == 200, (status, path, page[-500:])
        return page

    def post(self, path, headers={}, **fields):
        return self.ask("POST", path, urllib.parse.urlencode(fields), Content_Type="application/x-www-form-urlencoded", **headers)

    def chat(self, text, model="one", key=None, **more):
        status, _, body = self.ask("POST", "/v1/chat/completions", json.dumps({"model": model, "messages": [{"role": "user", "content": text}]} | more),
                                   **({"Authorization": f"Bearer {key}"} if key else {}))
        assert status == 200, (status, body)
        return json.loads(body)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        _, notices = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, (self.process.returncode, notices)
        return notices


def rows(sql, *values):
    db = sqlite3.connect(LOG, timeout=30)
    try:
        return db.execute(sql, values).fetchall()
    finally:
        db.close()


def settled(sql, want, *values):
    """What is written a moment later."""
    while rows(sql, *values) != want:
        pass


def written(reply):
    settled("SELECT count(*) FROM served WHERE id = ?", [(1,)], name_of(reply))
    return name_of(reply)


def name_of(reply):
    return reply["id"].removeprefix("chatcmpl-")


def tree(page):
    """The page as XML: what a text of somebody's had opened or closed would not parse, or be there."""
    t = ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    names = {e.tag for e in t.iter()}
    assert not names & {"img", "b", "i", "iframe", "style", "object"}, names
    assert [(e.get("src"), (e.text or "").strip()) for e in t.iter("script")] == [("/script.js", "")]
    assert not [k for e in t.iter() for k in e.keys() if k.startswith("on") or k == "style"]
    return t


def text_of(element):
    return "".join(element.itertext())


def token_of(page):
    return re.search(r'name="token" value="([^"]+)"', page).group(1)


# ---- without keys ----

def overview():
    for i in range(60):
        evil = g.chat(f"grass {EVIL} number {i}", user=f"u{EVIL}")
    g.ask("POST", "/v1/chat/completions", json.dumps({"model": GONE, "messages": [{"role": "user", "content": EVIL}]}))
    for value in ({"value": True}, {"comment": EVIL + "\nsecond line"}):
        assert g.ask("POST", "/v1/feedback", json.dumps({"id": evil["id"]} | value))[0] == 202
    settled("SELECT count(*) FROM served", [(61,)])
    settled("SELECT count(*) FROM feedback", [(2,)])
    page = g.get("/?span=hour")
    t = tree(page)
    facts = {text_of(d.find("dt")): d.find("dd").text for d in t.iter("div") if d.find("dt") is not None}
    assert (facts["Calls"], facts["Failed"], facts["Scored"]) == ("61", "1.6%", "1"), facts
    tables = [[[text_of(c) for c in r] for r in x.iter("tr")] for x in t.iter("table")]
    calls = next(x for x in tables if x[0][1] == "Calls" and x[1][0].startswith("0/"))
    assert calls[1][1:7] == ["60", "60", "0", "0", "0", "0"], calls
    assert any("relay" in r[0] and r[5] == "1" for x in tables for r in x if len(r) > 5), tables
    quality = next(x for x in tables if x[0][1] == "Scored calls")
    assert quality[1][1:3] == ["1", "100.0%"], quality
    assert "Requests sent to it: 3, of which 3 did not answer." in page and "Serves:" in page and "&lt;i&gt;towns" in page
    assert len(list(t.iter("svg"))) >= 3 and "last 30 days" in page and 'data-live="dropped">0<' in page
    for span in ("day", "week", "month", "nonsense"):
        tree(g.get(f"/?span={span}"))


def headers():
    for path in ("/", "/history?task=one", "/calls", "/calls/none", "/documents?task=none"):
        status, head, page = g.ask("GET", path)
        policy = head["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy, head
        assert head["x-content-type-options"] == "nosniff" and head["cache-control"] == "no-store" and "access-control-allow-origin" not in head, head
        assert g.ask("HEAD", path)[::2] == (status, ""), path
    assert g.ask("POST", "/")[0] == g.ask("DELETE", "/calls")[0] == g.ask("GET", "/logout")[0] == 405
    assert g.ask("GET", "/", Host="evil.example")[0] == 403
    assert g.ask("GET", "/style.css")[1]["content-type"].startswith("text/css") and "javascript" in g.ask("GET", "/script.js")[1]["content-type"]


def browsing():
    first = tree(g.get("/calls"))
    ids = [a.get("href") for a in first.iter("a") if a.get("href").startswith("/calls/")]
    assert len(ids) == 50 and ids == sorted(ids, reverse=True), len(ids)
    older = next(a.get("href") for a in first.iter("a") if a.text == "Older ones")
    rest = [a.get("href") for a in tree(g.get(older)).iter("a") if a.get("href").startswith("/calls/")]
    assert len(rest) == 11 and rest == sorted(rest, reverse=True) and max(rest) < min(ids), rest
    stored = rows("SELECT id FROM served ORDER BY id DESC")
    assert [i.removeprefix("/calls/") for i in ids + rest] == [i for i, in stored]
    assert len(re.findall(r'href="/calls/0', g.get("/calls?" + urllib.parse.urlencode({"task": GONE})))) == 1
    assert len(re.findall(r'href="/calls/0', g.get("/calls?task=one&feedback=comment"))) == 1
    assert len(re.findall(r'href="/calls/0', g.get("/calls?feedback=any&variant=relay"))) == 0
    assert len(re.findall(r'href="/calls/0', g.get("/calls?task=one%27%20OR%201=1"))) == 0


def strangers():
    """Texts of clients stand on the page as they are, and as nothing else."""
    (call,), = rows("SELECT call FROM feedback WHERE kind = 'comment'")
    page = g.get(f"/calls/{call}")
    t = tree(page)
    clean = EVIL.replace("\u202e", "").replace("\u2066", "")
    assert clean in text_of(next(t.iter("pre"))), text_of(next(t.iter("pre")))
    said = [text_of(e) for e in t.iter("td") if "second line" in text_of(e)]
    assert said == [clean + "\nsecond line"], said
    assert clean in text_of(next(e for e in t.iter("div") if e.find("dt") is not None and e.find("dt").text == "about"))
    assert "alert(1)" in g.get("/calls") and tree(g.get("/calls"))
    relayed, = rows("SELECT id FROM served WHERE task = ?", GONE)
    assert "unreached" in g.get(f"/calls/{relayed[0]}") and tree(g.get(f"/calls/{relayed[0]}"))


def citations():
    reply = g.chat("In which year was the harbour of Dunstow opened?", "<i>towns")
    cited = reply["rung::citations"]
    assert cited, reply
    t = tree(g.get(f"/calls/{written(reply)}"))
    marks = [text_of(m) for m in t.iter("mark")]
    assert marks == [c["text"] for c in cited], (marks, cited)
    quotes = [text_of(q) for q in t.iter("blockquote")]
    document = open(f"{scratch}/towns/{cited[0]['document']}", encoding="utf-8").read()
    assert quotes[0] in document and len(quotes[0]) > len(marks[0]), quotes
    link = next(a.get("href") for a in t.iter("a") if a.get("href").startswith("/documents"))
    whole = tree(g.get(link))
    assert text_of(whole.find(".//mark[@id='cited']")) == cited[0]["text"]
    assert text_of(next(whole.iter("pre"))) == document
    assert "Elverton &lt;b&gt;&amp;.md" in g.get("/documents?" + urllib.parse.urlencode({"task": "<i>towns"}))
    for name in ("task.yaml", "../one/task.yaml", "/etc/passwd", f"{scratch}/towns/task.yaml", "docs/../task.yaml"):
        assert g.ask("GET", "/documents?" + urllib.parse.urlencode({"task": "<i>towns", "name": name}))[0] == 404, name
    assert g.ask("GET", "/documents?task=one")[0] == 404
    for start, end in (("9999999", "99999999"), ("5", "1"), ("-1", "-1"), ("x", ""), ("0", "18446744073709551615")):
        tree(g.get("/documents?" + urllib.parse.urlencode({"task": "<i>towns", "name": cited[0]["document"], "start": start, "end": end})))
    # A document that has changed since is not marked as if it had not.
    db = sqlite3.connect(LOG)
    moved = [c | {"start": c["start"] - 1, "end": c["end"] - 1} for c in cited]
    db.execute("UPDATE body SET citations = ? WHERE call = ?", (json.dumps(moved), name_of(reply)))
    db.commit()
    db.close()
    t = tree(g.get(f"/calls/{name_of(reply)}"))
    assert not list(t.iter("mark")) and cited[0]["text"] in text_of(next(t.iter("blockquote")))


def forms():
    call = written(g.chat("blood number 4"))
    path = f"/calls/{call}"
    token = token_of(g.get(path))
    said = "SELECT name, kind, value, text FROM feedback WHERE call = ? ORDER BY name"
    for headers, fields in (({}, {}), ({}, {"token": ""}), ({}, {"token": "A" * 43}), ({}, {"token": token[:-1]}),
                            ({"Sec-Fetch-Site": "cross-site"}, {"token": token}), ({"Sec-Fetch-Site": "same-site"}, {"token": token}), ({"Origin": "http://evil.example"}, {"token": token})):
        status, _, page = g.post(path, headers, verdict="right", **fields)
        assert status == 403, (status, headers, fields)
    assert rows(said, call) == []
    for fields, want in (({"verdict": "right"}, ("page", "boolean", 1.0, None)), ({"verdict": "wrong"}, ("page", "boolean", 0.0, None)),
                         ({"score": "25"}, ("page", "float", .25, None)), ({"comment": "a\r\nb" + EVIL}, ("page-comment", "comment", None, "a\nb" + EVIL)),
                         ({"demonstration": "green"}, ("page-demonstration", "demonstration", None, "green"))):
        status, head, _ = g.post(path, token=token, **fields)
        assert (status, head["location"]) == (303, f"{path}?noted=1#said"), (status, head)
        settled(said.replace("ORDER", "AND name = ? ORDER"), [want], call, want[0])
    assert "It was taken." in g.get(f"{path}?noted=1") and "25.0%" in g.get(path) and tree(g.get(path))
    for fields in ({}, {"verdict": "maybe"}, {"score": "101"}, {"score": "-1"}, {"score": "x"}, {"score": "nan"}, {"comment": ""}):
        assert g.post(path, token=token, **fields)[0] == 400, fields
    assert g.post("/calls/0", token=token, verdict="right")[0] == 404
    assert len(rows(said, call)) == 3


def turned():
    """What forms say turns a verdict, and the history says by which numbers."""
    second = None
    r = subprocess.run([rung, "climb", f"{scratch}/one", "--rungs", "0-0", "--quiet", "--seed", "2"], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    first = rows("SELECT verdict FROM history WHERE task = 'one'")[0][0]
    token = token_of(g.get(f"/calls/{rows('SELECT max(id) FROM served')[0][0]}"))
    for i in range(20000):
        reply = g.chat("grass number 5")
        verdict = "right" if reply["rung::verdict"] != first else "wrong"
        assert g.post(f"/calls/{name_of(reply)}", token=token, verdict=verdict)[0] == 303
        if rows("SELECT count(*) FROM history WHERE event = 'promoted'")[0][0]:
            break
        while second is None and rows("SELECT count(*) FROM history WHERE event = 'trial'")[0][0]:
            assert g.post(f"/calls/{name_of(reply)}", token=token, verdict=verdict)[0] == 303  # what is written after it began is weighed
            page = g.get("/")
            second = page if "of the 20 that promote it" in page else None
    assert "On trial:" in second and "50%" in second
    event, = rows("SELECT verdict, variant, evidence FROM history WHERE event = 'promoted'")
    evidence = json.loads(event[2])
    t = tree(g.get("/history?task=one"))
    steps = [[text_of(li.find("h3")), text_of(li)] for li in t.iter("li") if li.find("h3") is not None]
    assert [s[0] for s in steps] == ["promoted", "trial", "first"], steps
    values = {text_of(d.find("dt")): text_of(d.find("dd")) for d in t.iter("div") if d.find("dt") is not None}
    assert values["scored calls of the one on trial"] == str(evidence["challenger"]["scored"]) and event[0] in steps[0][1], values
    assert float(values["evidence (e-value) that it is not worse by the margin"].replace(",", "")) >= 20, values
    link = next(a.get("href") for a in t.iter("a") if a.get("href").startswith("/calls?"))
    assert event[0] in link
    ids = re.findall(r'href="/calls/(0[^"]+)', g.get(link))
    assert ids and {v for i in ids for v, in rows("SELECT verdict FROM served WHERE id = ?", i)} == {event[0]}, link
    assert g.ask("GET", "/history?task=none")[0] == 404 and tree(g.get("/history"))
    while g.chat("grass number 5")["rung::verdict"] == first:
        pass
    assert event[0] in g.get("/")


def many():
    """More than a page goes through: it says so, and does not go through them."""
    db = sqlite3.connect(LOG, timeout=60)
    last, = db.execute("SELECT max(id) FROM served").fetchone()
    db.execute("""WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
        INSERT INTO served SELECT substr(s.id, 1, 13) || printf('-7fff-8000-%012x', i), began_ms, tenant, task, variant, verdict, stream, http, status, why,
        input_tokens, output_tokens, ms, first_ms, probability, propensity, subject, key, usd, cached FROM served s, n WHERE s.id = ?""", (last,))
    db.commit()
    db.close()
    page = g.get("/?span=hour")
    assert "its figures are of the newest 200,000 calls" in page and tree(page)
    db = sqlite3.connect(LOG, timeout=60)
    db.execute("DELETE FROM served WHERE id LIKE '%-7fff-8000-%'")
    db.commit()
    db.close()
    assert "newest 200,000" not in g.get("/?span=hour")


# ---- with keys ----

def key(name, *more):
    r = subprocess.run([rung, "key", "add", name, "--keys", KEYS, *more], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    return next(w for w in r.stdout.split() if w.startswith("rung-"))


def login(key, **headers):
    status, head, page = g.post("/login", headers, key=f" {key}\n")
    assert (status, head.get("location")) == (303, "/"), (status, page)
    return head["set-cookie"]


def session(key):
    return {"Cookie": login(key).split(";")[0]}


def logged_in():
    for path in ("/", "/calls", "/calls/x", "/history?task=one", "/documents?task=one"):
        status, head, page = g.ask("GET", path)
        assert (status, head["location"], page) == (303, "/login", ""), (path, status)
    assert g.ask("GET", "/live.json")[0] == 403 and tree(g.get("/login"))
    cookie = login(keys["reader"])
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Secure" not in cookie and keys["reader"] not in cookie, cookie
    assert "; Secure" in login(keys["reader"], X_Forwarded_Proto="https")
    for wrong in ("", "rung-" + "A" * 43, keys["reader"][:-1], keys["reader"] + "x"):
        status, head, page = g.post("/login", key=wrong)
        assert status == 401 and "set-cookie" not in head and (not wrong or wrong not in page), (status, page)
    status, head, page = g.post("/login", key=keys["asker"])
    assert status == 403 and "set-cookie" not in head and "scope read" in page
    assert g.post("/login", {"Sec-Fetch-Site": "cross-site"}, key=keys["reader"])[0] == 401
    assert g.ask("GET", "/calls", Cookie="rung_session=")[0] == g.ask("GET", "/calls", Cookie="rung_session=" + "A" * 43)[0] == 303
    assert g.ask("GET", "/calls", Authorization=f"Bearer {keys['reader']}")[0] == 303


def apart():
    """A tenant sees its own, and nothing of another's; admin sees all."""
    mine, theirs = g.chat("grass mine", key=keys["asker"]), g.chat("blood theirs", key=keys["other"])
    for reply in (mine, theirs):
        written(reply)
        owner = keys["asker" if reply is mine else "other"]
        assert g.ask("POST", "/v1/feedback", json.dumps({"id": reply["id"], "value": True}), Authorization=f"Bearer {owner}")[0] == 202
    settled("SELECT count(*) FROM feedback WHERE call IN (?, ?)", [(2,)], name_of(mine), name_of(theirs))
    reader, admin = session(keys["reader"]), session(keys["admin"])
    assert "grass mine" in g.get(f"/calls/{name_of(mine)}", **reader)
    assert g.ask("GET", f"/calls/{name_of(theirs)}", **reader)[0] == 404
    listed = g.get("/calls", **reader)
    assert "grass mine" in listed and "blood theirs" not in listed and len(re.findall(r'href="/calls/0', listed)) == 1, listed
    assert "<dd>1<span>in this time" in g.get("/?span=hour", **reader) and "data-live" not in g.get("/", **reader)
    page = g.get("/history?task=one", **reader)
    assert "promoted" in page and "The numbers" not in page and "Why:" not in page
    assert "blood theirs" in g.get("/calls", **admin) and "The numbers" in g.get("/history?task=one", **admin)
    assert g.ask("GET", "/live.json", **reader)[0] == 403 and json.loads(g.get("/live.json", **admin))["dropped"] == 0
    # A form of theirs, or of a key that may not say anything.
    token = token_of(g.get(f"/calls/{name_of(mine)}", **reader))
    assert g.post(f"/calls/{name_of(theirs)}", reader, token=token, verdict="wrong")[0] == 404
    assert g.post(f"/calls/{name_of(mine)}", reader, token=token_of(g.get(f"/calls/{name_of(mine)}", **admin)), verdict="wrong")[0] == 403
    assert g.post(f"/calls/{name_of(mine)}", reader, token=token, verdict="wrong")[0] == 303
    silent = session(keys["silent"])
    page = g.get(f"/calls/{name_of(mine)}", **silent)
    assert "Say something of it" not in page
    assert g.post(f"/calls/{name_of(mine)}", silent, token=token_of(page), verdict="wrong")[0] == 403
    # One that may ask one task alone sees nothing of the documents, or of the history, of another.
    narrow = session(keys["narrow"])
    assert "towns" not in g.get("/", **narrow)
    for path in ("/documents?", "/history?"):
        assert g.ask("GET", path + urllib.parse.urlencode({"task": "<i>towns"}), **narrow)[0] == 404
    name = rows("SELECT citations FROM body WHERE citations IS NOT NULL")[0][0]
    name = json.loads(name)[0]["document"]
    path = "/documents?" + urllib.parse.urlencode({"task": "<i>towns", "name": name})
    assert g.ask("GET", path, **narrow)[0] == 404 and g.ask("GET", path, **reader)[0] == 200


def cookies_alone():
    """A session opens nothing of the API."""
    admin = session(keys["admin"])
    for method, path in (("GET", "/v1/models"), ("GET", "/metrics"), ("POST", "/v1/feedback"), ("POST", "/v1/chat/completions")):
        assert g.ask(method, path, "{}" if method == "POST" else None, **admin)[0] == 401, path


def ended():
    a, b = session(keys["reader"]), session(keys["reader"])
    token = token_of(g.get("/", **a))
    assert g.post("/logout", a, token="x")[0] == 303 and g.get("/", **a)
    assert g.post("/logout", a, token=token)[0] == 303
    assert g.ask("GET", "/", **a)[0] == 303 and g.get("/", **b)
    r = subprocess.run([rung, "key", "rm", "reader", "--keys", KEYS], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    while g.ask("GET", "/", **b)[0] != 303:  # the file is looked at every second
        pass
    key("reader", "--tenant", "shop", "--scopes", "read,feedback")
    assert g.ask("GET", "/", **b)[0] == 303
    dump = open(LOG, "rb").read()
    assert not any(k.encode() in dump for k in keys.values())


def nothing_kept():
    for path in ("/", "/calls", "/history?task=one", "/documents?task=one"):
        status, _, page = g.ask("GET", path)
        assert status == 404 and "keeps no calls" in page and tree(page), (path, status)
    status, _, page = g.post("/calls/0", token="x", verdict="right")
    assert status == 403 and g.ask("GET", "/login")[0] == 303 and json.loads(g.get("/live.json"))["written"] == 0


# ---- in a browser ----

def looks():
    call, = rows("SELECT call FROM feedback WHERE kind = 'comment' LIMIT 1")[0]
    cited, = rows("SELECT call FROM body WHERE citations IS NOT NULL LIMIT 1")[0]
    places = ["/?span=hour", "/history?task=one", "/calls", f"/calls/{call}", f"/calls/{cited}", "/documents?" + urllib.parse.urlencode({"task": "<i>towns"})]
    for run in (False, True):
        b.scripts(run)
        for place in places:
            b.go(g.url + place)
            grounds = set()
            for width in (390, 1280):
                for scheme in ("dark", "light"):
                    b.size(width)
                    b.scheme(scheme)
                    assert b.js("document.documentElement.scrollWidth") <= width, (place, width, b.js("document.documentElement.scrollWidth"))
                    grounds.add(b.js("getComputedStyle(document.body).backgroundColor"))
            assert len(grounds) == 2, (place, grounds)
            assert b.js("document.title").endswith("rung serve") and b.js("document.querySelectorAll('h1').length") == 1
    assert not b.complaints(), b.complaints()[:2]


def alive():
    """With its script the page renews the figures of the server."""
    b.scripts(True)
    b.go(g.url + "/")
    was = b.js("document.querySelector('[data-live=written]').textContent")
    written(g.chat("grass number 7"))
    assert b.js(f"""new Promise(done => {{ const part = document.querySelector('[data-live=written]'), look = () => part.textContent !== '{was}' ? done(true)
        : requestAnimationFrame(look); look(); }})""")
    assert "renew themselves" in b.js("document.getElementById('live').textContent")


def clicked():
    """Without scripts, from the overview to a call, and something is said of it."""
    b.scripts(False)
    call = written(g.chat("blood number 6"))
    b.go(g.url + "/")
    b.click("nav a[href='/calls']")
    b.click(f"a[href='/calls/{call}']")
    b.click("button[value=wrong]")
    settled("SELECT name, value FROM feedback WHERE call = ?", [("page", 0.0)], call)
    assert "It was taken." in b.js("document.body.textContent") and b.js("location.pathname") == f"/calls/{call}"
    b.js("document.getElementById('comment').value = 'seen in a browser'")
    b.click("#comment + p button")
    settled("SELECT text FROM feedback WHERE call = ? AND kind = 'comment'", [("seen in a browser",)], call)
    b.go(g.url + f"/calls/{call}")
    assert "seen in a browser" in b.js("document.body.textContent") and not b.complaints(), b.complaints()[:2]


def logs_in():
    b.scripts(False)
    b.go(g.url + "/calls")
    assert b.js("location.pathname") == "/login"
    b.js(f"document.getElementById('key').value = '{keys['admin']}'")
    b.click("form button")
    assert b.js("location.pathname") == "/" and "What was served" in b.js("document.body.textContent"), b.js("document.body.textContent")
    assert b.js("document.cookie") == "" and "admin" in b.js("document.querySelector('.who').textContent")
    b.click("nav button")
    assert b.js("location.pathname") == "/login"
    b.go(g.url + "/calls")
    assert b.js("location.pathname") == "/login" and not b.complaints(), b.complaints()[:2]


b = None
try:
    g = Gateway()
    check("the overview counts what was served", overview)
    check("headers guard every page", headers)
    check("calls are found, the newest first", browsing)
    check("texts of strangers are texts", strangers)
    check("an answer's citations stand in its documents, and nothing else is shown", citations)
    check("forms say something of a call, with their token alone", forms)
    check("what forms say turns a verdict, and the history shows it", turned)
    check("more calls than a page goes through", many)
    if program:
        b = Browser(program, f"{scratch}/profile")
        check("narrow and wide, dark and light, with and without scripts", looks)
        check("a script renews the server's figures", alive)
        check("a call is found and judged without scripts", clicked)
    assert "board" not in g.stop()
    keys = {"reader": key("reader", "--tenant", "shop", "--scopes", "read,feedback"), "asker": key("asker", "--tenant", "shop"),
            "silent": key("silent", "--tenant", "shop", "--scopes", "read"), "other": key("other"), "admin": key("admin", "--scopes", "admin"),
            "narrow": key("narrow", "--tenant", "shop", "--scopes", "read", "--models", "rung/one")}
    g = Gateway("--keys", KEYS)
    check("a key logs in, and nothing else does", logged_in)
    check("tenants are apart", apart)
    check("a cookie opens nothing of the API", cookies_alone)
    if program:
        check("a browser logs in and out", logs_in)
    check("a session ends with a click, and with its key", ended)
    notices = g.stop()
    g = Gateway("--no-log")
    check("without a log the page says so", nothing_kept)
    g.stop()
    check("no key is in what it says", lambda: [1 / 0 for k in keys.values() if k in notices])
finally:
    if b:
        b.close()
    for p in started:
        if p.poll() is None:
            p.kill()
sys.exit(failures > 0)
PY
for browser in chromium chromium-browser google-chrome ""; do
	[ -n "$browser" ] && command -v "$browser" >/dev/null 2>&1 && break
done
case $rung in *address* | *thread*) browser= ;; esac # what it looks at is the browser's
[ -n "$browser" ] || skip "the page of rung serve in a browser" "there is no chromium, or a sanitizer"
NO_PROXY=127.0.0.1 python3 "$scratch/drive.py" "$rung" "$scratch" "$browser" || failures=$((failures + 1))
finish
