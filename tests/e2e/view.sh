#!/bin/sh
# view.sh - `rung view`: a page before there is a climb, while one measures in another process, and afterwards; on loopback alone, for its own
# host alone, and gone with Ctrl-C.
. tests/e2e/lib.sh

export RUNG_MODELS="$scratch/models"
mkdir "$RUNG_MODELS"
cp tests/reference/golden/tiny-llama.gguf "$RUNG_MODELS/"
short_mails "$scratch/task" 40 12 40
cat >"$scratch/task/task.yaml" <<'Y'
name: "<mail>"
kind: classify
instruction: "Pick {{labels}}."
input: "{{text}}"
labels: [spam, work]
examples: {file: emails.jsonl, answer: label, id: id, split: split}
models: ["local:tiny-llama"]
Y

cat >"$scratch/look.py" <<'PY'
import http.client, json, signal, sqlite3, subprocess, sys
rung, task = sys.argv[1:]


def check(name, holds, why=""):
    print(f"[       OK ] {name}" if holds else f"{name}: {why}\n[  FAILED  ] {name}", flush=True)


def ask(path="/", method="GET", host=None):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    c.request(method, path, headers={"Host": host or f"127.0.0.1:{port}"})
    r = c.getresponse()
    return r.status, {k.lower(): v for k, v in r.getheaders()}, r.read().decode()


view = subprocess.Popen([rung, "view", task, "--port", "0", "--threads", "1"], stdout=subprocess.PIPE, text=True)
address = view.stdout.readline().strip()
check("it prints its address", address.startswith("http://127.0.0.1:") and address.endswith("/"), address)
port = int(address.split(":")[2].rstrip("/"))
climb = None
try:
    status, headers, page = ask()
    check("before a climb it says so", status == 503 and "There is no report yet." in page and "rung climb" in page and "&lt;mail&gt;" in page, page[-600:])
    check("as does the JSON", ask("/report.json")[0] == 503 and "error" in json.loads(ask("/report.json")[2]))
    first = ask("/version")[2]
    check("what does not change keeps its version", first == ask("/version")[2] and f'data-version="{first}"' in page)
    policy = headers.get("content-security-policy", "")
    check("headers guard the page", headers.get("x-content-type-options") == "nosniff" and "default-src 'none'" in policy and
          "connect-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe-eval" not in policy and
          "access-control-allow-origin" not in headers, headers)
    check("another host is refused", ask(host="evil.example")[0] == 403 and ask(host=f"evil.example:{port}")[0] == 403 and
          ask("/report.json", host="127.0.0.1")[0] == 403 and ask("/version", host=f"127.0.0.1.evil.example:{port}")[0] == 403)
    check("localhost is not", ask(host=f"localhost:{port}")[0] == 503)
    refused = ask(method="POST")
    check("other methods are refused", refused[0] == 405 and refused[1].get("allow") == "GET, HEAD" and ask(method="DELETE")[0] == 405)
    check("other paths are not there", ask("/../task.yaml")[0] == 404 and ask("/emails.jsonl")[0] == 404)
    check("HEAD has no body", ask(method="HEAD")[2] == "")

    climb = subprocess.Popen([rung, "climb", task, "--rungs", "0-1", "--threads", "1", "--quiet"], stdout=subprocess.DEVNULL)
    bad = []
    while climb.poll() is None:
        status, _, page = ask()
        if status not in (200, 503) or "</html>" not in page:
            bad.append((status, page[-300:]))
    check("the climb it looked at ends well", climb.returncode == 0, climb.returncode)
    check("every page meanwhile was whole", not bad, bad[:1])
    check("and what was measured is another version", ask("/version")[2] != first)
    status, _, page = ask()
    check("then there is the report", status == 200 and "The ladder" in page and "data-version=" in page, page[:300])
    shown = json.loads(ask("/report.json")[2])
    stored = json.loads(subprocess.run([rung, "report", task, "--json", "--threads", "1"], stdout=subprocess.PIPE, check=True).stdout)
    check("the same as rung report's", shown == stored and shown["verdict"]["variant"])
    was = ask("/version")[2]
    check("which stays while nothing is measured", was == ask("/version")[2])

    # A climb that has only begun: the answers to test items are taken away, and the page says what there is.
    db = sqlite3.connect(task + "/.rung/store.db")
    db.execute("DELETE FROM answer WHERE split = 'test'")
    db.execute("UPDATE run SET state = 'running'")
    db.commit()
    status, _, page = ask()
    check("another program's rows are another version", ask("/version")[2] != was)
    check("a climb under way is told by its rows", status == 503 and "The climb is under way." in page and "Nothing has answered the test items yet." in page
          and "12 of 12" in page and "<td>waiting</td>" not in page.split("Rung 1")[0], page[-900:])
    open(task + "/task.yaml", "a", encoding="utf-8").write("nonsense: 1\n")
    status, _, page = ask()
    check("a task that has become wrong is told", status == 503 and "task.yaml:8" in page, page[-600:])
finally:
    if climb and climb.poll() is None:
        climb.kill()
    view.send_signal(signal.SIGINT)
    try:
        code = view.wait(30)
    except subprocess.TimeoutExpired:
        view.kill()
        code = "it did not end"
    check("Ctrl-C ends it", code == 0, code)
PY
python3 "$scratch/look.py" "$rung" "$scratch/task" >"$scratch/out" 2>"$scratch/err" || fail "the view was looked at" "$(tail -n 3 "$scratch/err")"
cat "$scratch/out"
failures=$((failures + $(grep -c '^\[  FAILED  \]' "$scratch/out")))

refused() { # NAME FRAGMENT ARGUMENTS...
	name=$1 fragment=$2
	shift 2
	timeout 30 "$rung" view "$@" >"$scratch/out" 2>"$scratch/err"
	status=$?
	if [ $status -eq 1 ] && [ ! -s "$scratch/out" ] && grep -qF -- "$fragment" "$scratch/err"; then ok "$name"; else fail "$name" "exit $status: $(cat "$scratch/err")"; fi
}
refused "a port that is none" "--port 70000 is no port" "$scratch/task" --port 70000
refused "no task" "there is no such task file" "$scratch/nowhere" --port 0
python3 - "$rung" examples/email "$scratch/err" <<'PY' && ok "a port that is taken" || fail "a port that is taken" "$(cat "$scratch/err")"
import socket, subprocess, sys
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
r = subprocess.run([sys.argv[1], "view", sys.argv[2], "--port", str(s.getsockname()[1])], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
open(sys.argv[3], "wb").write(r.stderr)
sys.exit(not (r.returncode == 1 and b"cannot listen on 127.0.0.1" in r.stderr and r.stdout == b""))
PY
finish
