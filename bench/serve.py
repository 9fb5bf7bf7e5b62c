#!/usr/bin/env python3
"""serve.py - what `rung serve` adds to a request, beside other gateways and no gateway at all: `make bench-serve`.

    bench/serve.py RUNG FOLDER_OF_BENCH [PART OF A NAME]

One line a figure: name <TAB> rung <TAB> peer <TAB> ratio <TAB> target <TAB> ok | short | absent. Load (bench/load.c), gateway and an upstream
without delay (bench/upstream.c) share the machine; rung writes its log, the peers write none. What is added is the time through a gateway less
the time to the upstream itself, of the same run; each figure is the median of BENCH_TURNS turns (3), sides alternating. Lines with a limit in
place of a peer are ok where rung stays under it. docs/benchmarks.md says what each line means.

SERVE_PEERS: the peers' folder (default build/serve-peers, made by `make bench-peers`); RUNG_DATA: default ../shared/data; BENCH_MINUTES: of the
memory run (default 1; 30 for the figure in the documentation)."""
import csv
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

RUNG, BENCH = sys.argv[1], sys.argv[2]
ONLY = sys.argv[3] if len(sys.argv) > 3 else ""
PEERS = os.environ.get("SERVE_PEERS", "build/serve-peers")
DATA = os.environ.get("RUNG_DATA", "../shared/data")
TURNS = int(os.environ.get("BENCH_TURNS", 3))
MINUTES = float(os.environ.get("BENCH_MINUTES", 1))
TEXT = ("Classify this email as one of spam, marketing, personal, work. Respond with only the category name.\n\nEmail subject: Thursday\n"
        "Email body (first 500 chars): The meeting of Thursday is at ten in place of nine; bring the figures of the last quarter, please.")
scratch = tempfile.mkdtemp(prefix="bench-serve-")
running = []


def start(command, **more):
    process = subprocess.Popen([str(c) for c in command], text=True, stderr=subprocess.DEVNULL, start_new_session=True, **more)
    running.append(process)
    return process


def stop(process):
    if process and process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def say(name, rung, peer, target, wanted=None):
    """Larger ratios are better; wanted: what decides in place of the ratio."""
    ratio = rung / peer if rung and peer else None
    good = wanted if wanted is not None else ratio is not None and (target is None or ratio >= target)
    show = lambda x: "-" if x is None else "%.4g" % x
    print(name, show(rung), show(peer), "-" if ratio is None else "%.2f" % ratio, show(target),
          "absent" if rung is None or (peer is None and wanted is None) else "ok" if good else "short", sep="\t", flush=True)


def at_most(name, value, limit):
    print(name, "-" if value is None else "%.4g" % value, "%g" % limit, "-" if not value else "%.2f" % (limit / value), "1",
          "absent" if value is None else "ok" if value <= limit else "short", sep="\t", flush=True)


class Upstream:
    def __init__(self, tokens=32, interval=0):
        self.process = start([f"{BENCH}/upstream", tokens, interval], stdout=subprocess.PIPE)
        self.base = f"http://127.0.0.1:{int(self.process.stdout.readline())}/v1"


class Side:
    """Somewhere that is asked for chat completions: its address, the model's name there, and headers."""

    def __init__(self, base, model, headers=(), process=None):
        self.base, self.model, self.headers, self.process = base, model, headers, process

    def body(self, **more):
        path = f"{scratch}/body-{abs(hash((self.base, self.model, tuple(more))))}.jsonl"
        with open(path, "w", encoding="utf-8") as f:
            f.write(json.dumps({"model": self.model, "messages": [{"role": "user", "content": TEXT}], "max_tokens": 64} | more) + "\n")
        return path

    def load(self, *options, **more):
        command = [f"{BENCH}/load", f"{self.base}/chat/completions", "-b", self.body(**more)]
        for h in self.headers:
            command += ["-H", h]
        done = subprocess.run([*command, *[str(o) for o in options]], stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else None


def rung_serve(*arguments, log="log.db"):
    for end in ("", "-wal", "-shm"):
        if os.path.exists(f"{scratch}/{log}{end}"):
            os.remove(f"{scratch}/{log}{end}")
    process = start([RUNG, "serve", "--quiet", "--port", "0", "--log", f"{scratch}/{log}", *arguments], stdout=subprocess.PIPE)
    return process, process.stdout.readline().strip() + "/v1"


def wait_for(process, url, seconds, body, headers):
    for _ in range(int(seconds * 5)):
        if process.poll() is not None:
            return False
        try:
            request = urllib.request.Request(url, data=body, headers=dict(h.split(": ", 1) for h in headers) | {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=5) as r:
                if r.status == 200:
                    return True
        except OSError:
            pass
        time.sleep(.2)
    return False


def litellm(up):
    if not os.path.exists(f"{PEERS}/bin/litellm"):
        return None
    port, config = free_port(), f"{scratch}/litellm.yaml"
    with open(config, "w", encoding="utf-8") as f:
        f.write(f'model_list:\n  - model_name: zero\n    litellm_params: {{model: openai/zero, api_base: "{up.base}", api_key: none}}\n')
    process = start([f"{PEERS}/bin/litellm", "--config", config, "--host", "127.0.0.1", "--port", port, "--num_workers", 1],
                    stdout=subprocess.DEVNULL, env=os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True",
                                                                 "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"})
    side = Side(f"http://127.0.0.1:{port}/v1", "zero", process=process)
    return ready(side)


def portkey(up):
    program = f"{PEERS}/node/node_modules/@portkey-ai/gateway/build/start-server.js"
    if not os.path.exists(program):
        return None
    port = free_port()
    process = start(["node", program, f"--port={port}", "--headless"], stdout=subprocess.DEVNULL, env=os.environ | {"TRUSTED_CUSTOM_HOSTS": "127.0.0.1"})
    side = Side(f"http://127.0.0.1:{port}/v1", "zero", ("Authorization: Bearer x", "x-portkey-provider: openai", f"x-portkey-custom-host: {up.base}"), process)
    return ready(side)


def ready(side):
    with open(side.body(), "rb") as f:
        body = f.read()
    if wait_for(side.process, f"{side.base}/chat/completions", 120, body, side.headers):
        return side
    stop(side.process)
    return None


def tensorzero(up):
    python = f"{PEERS}/bin/python"
    if not os.path.exists(python):
        return None
    done = subprocess.run([python, "bench/serve_tensorzero.py", up.base, "2000", "100"], input=json.dumps({"messages": [{"content": TEXT}]}),
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1]) if done.returncode == 0 else None


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def added(turns, side, key, part):
    """Of each turn, what this side takes more than the upstream itself."""
    return median([t[side][key][part] - t["direct"][key][part] for t in turns if t.get(side) and t.get("direct")])


# ---- the lines ----

def latency_lines(sides, up):
    turns = [{name: side.load("-n", 3000, "-w", 200) for name, side in sides.items()} | {"tensorzero": {"whole": tensorzero(up)}} for _ in range(TURNS)]
    turns = [{k: v for k, v in t.items() if v and v.get("whole")} for t in turns]
    for part, limit in (("p50", .2), ("p99", 1.5)):
        ours = added(turns, "rung", "whole", part)
        at_most(f"added_ms_one_after_another_{part}", ours, limit)
        for peer in ("tensorzero", "portkey", "litellm"):
            theirs = added(turns, peer, "whole", part)
            say(f"added_ms_one_after_another_{part}_{peer}_over_rung", theirs, ours, None if peer == "tensorzero" and part == "p99" else 2 if peer == "tensorzero" else 1)


def rate_lines(sides):
    turns = [{name: sides[name].load("-n", 5000, "-r", 500, "-c", 64, "-w", 500) for name in ("direct", "rung")} for _ in range(TURNS)]
    at_most("added_ms_at_500_a_second_p50", added(turns, "rung", "whole", "p50"), .25)
    at_most("added_ms_at_500_a_second_p99", added(turns, "rung", "whole", "p99"), 1.5)


def throughput_lines(sides):
    best = {}
    for name, n in (("rung", 30000), ("portkey", 4000), ("litellm", 500)):
        if name in sides:
            turns = [sides[name].load("-n", n, "-c", 32, "-w", n // 20) for _ in range(TURNS)]
            best[name] = median([t["per_second"] for t in turns if t and t["failed"] == 0])
    say("requests_a_second_32_connections_over_portkey", best.get("rung"), best.get("portkey"), 1)
    say("requests_a_second_32_connections_over_litellm", best.get("rung"), best.get("litellm"), 1)
    held = sides["rung"].load("-n", 30000, "-r", 3000, "-c", 64, "-w", 1000)
    say("requests_a_second_held_at_3000", held and held["per_second"], 3000, None, held and held["failed"] == 0 and held["per_second"] > 2970)


def stream_lines():
    up = Upstream(32, 2)
    process, base = rung_serve("--upstream", f"{up.base}#zero", log="stream.db")
    sides = {"direct": Side(up.base, "zero"), "rung": Side(base, f"{up.base}#zero")}
    turns = [{name: side.load("-n", 300, "-w", 20, stream=True) for name, side in sides.items()} for _ in range(TURNS)]
    at_most("added_ms_to_first_token_p50", added(turns, "rung", "first", "p50"), .3)
    at_most("added_ms_of_a_token_p50", added(turns, "rung", "event", "p50"), .1)
    stop(process)
    stop(up.process)


def memory_of(process):
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def idle_lines():
    up = Upstream(1, -1)
    process, base = rung_serve("--upstream", f"{up.base}#zero", log="idle.db")
    side = Side(base, f"{up.base}#zero")
    side.load("-n", 2000, "-c", 32)
    before, peak = memory_of(process), []
    watcher = threading.Thread(target=lambda: [time.sleep(.5) or peak.append(memory_of(process)) for _ in range(16)])
    watcher.start()
    opened = side.load("-c", 1000, "-i", 9, stream=True)
    watcher.join()
    at_most("kb_of_an_idle_stream", (max(peak) - before) / opened["done"] if opened and opened["done"] == 1000 else None, 80)
    stop(process)
    stop(up.process)


def flat_lines(sides, gateway):
    """Mixed traffic for a while: the slope of memory over its second half, against its noise."""
    ends, seen = time.time() + 60 * MINUTES, []
    while time.time() < ends:
        sides["rung"].load("-n", 3000, "-r", 1000, "-c", 32)
        sides["rung"].load("-n", 100, "-c", 8, stream=True)
        seen.append((time.time(), memory_of(gateway)))
    half = seen[len(seen) // 2:]
    fit = statistics.linear_regression([t for t, _ in half], [m for _, m in half])
    noise = statistics.pstdev([m for _, m in half]) or 1
    drift = fit.slope * (half[-1][0] - half[0][0])
    say(f"kb_of_memory_gained_over_{MINUTES / 2:g}_minutes_and_noise", drift, noise, None, abs(drift) <= max(2 * noise, 512))


# ---- local tasks ----

def banking(folder):
    subprocess.run(["bench/tasks.py", "banking77", folder], check=True, stdout=subprocess.DEVNULL)
    return [row["text"] for row in csv.DictReader(open(f"{DATA}/banking77/test.csv", encoding="utf-8", newline=""))]


def email(folder):
    subprocess.run(["bench/tasks.py", "email-five", folder], check=True, stdout=subprocess.DEVNULL)
    rows = [json.loads(line) for line in open(f"{DATA}/email_five/email_five.jsonl", encoding="utf-8")]
    return [json.dumps({"subject": r["subject"], "text": r["text"]}) for r in rows]


def local_lines(name, make, model, least, held):
    if not os.path.exists(f"{DATA}/banking77/test.csv"):
        say(f"{name}_answers_a_second", None, None, None)
        return
    folder = f"build/bench-tasks/{name}"
    texts = make(folder)
    subprocess.run([RUNG, "climb", folder, "--quiet", "--rungs", "0-0"], stdout=subprocess.DEVNULL)
    process, base = rung_serve(folder, log=f"{name}.db")
    with urllib.request.urlopen(f"{base}/models") as r:
        task = json.load(r)["data"][0]["id"]
    side = Side(base, f"{task}/{model}")
    with open(f"{scratch}/{name}.jsonl", "w", encoding="utf-8") as f:
        for text in texts:
            f.write(json.dumps({"model": side.model, "messages": [{"role": "user", "content": text}]}) + "\n")
    side.body = lambda **_: f"{scratch}/{name}.jsonl"
    first = json.dumps({"model": side.model, "messages": [{"role": "user", "content": texts[0]}]}).encode()
    urllib.request.urlopen(f"{base}/chat/completions", data=first, timeout=900).read()  # the head is fitted to the pool
    most = median([t["per_second"] for t in (side.load("-n", 1500, "-c", 64, "-w", 200) for _ in range(TURNS)) if t and t["failed"] == 0])
    say(f"{name}_answers_a_second", most, least, 1)
    if held:
        at = side.load("-n", 1000, "-r", held, "-c", 64, "-w", 50)
        at_most(f"{name}_ms_at_{held}_a_second_p99", at and at["whole"]["p99"], 40)
    stop(process)


def cascade_pairs(folder, cheap, strong):
    """What two variants answered to each test item: (row of the cheap one, row of the strong one), the surest first; None without models."""
    if subprocess.run([RUNG, "climb", folder, "--quiet", "--rungs", "0-1", "--plan", "full"], stdout=subprocess.DEVNULL).returncode != 0:
        return None
    exported = subprocess.run([RUNG, "export", folder, "--outcomes"], stdout=subprocess.PIPE, check=True, text=True).stdout
    rows = {}
    for row in map(json.loads, exported.splitlines()):
        rows.setdefault(row["item"], {})[row["config"]] = row
    pairs = [(r[cheap], r[strong]) for r in rows.values() if cheap in r and strong in r]
    return sorted(pairs, key=lambda p: -p[0].get("confidence", 0)) or None


def cascade_escalated(name, pairs):
    """Prints what bench/cascade says of them; the mean share that thresholds hand on which were tested on 200 items, at a risk of .05."""
    with open(f"{scratch}/cascade.tsv", "w", encoding="utf-8") as f:
        f.write(f"{name}\n")
        f.writelines(f"{c.get('confidence', 'nan')} {1 - c['correct']} {1 - s['correct']}\n" for c, s in pairs)
    said = subprocess.run([f"{BENCH}/cascade", f"{scratch}/cascade.tsv"], stdout=subprocess.PIPE, check=True, text=True).stdout
    print(said, end="", flush=True)
    return float(re.search(r"escalated ([\d.]+)", said)[1])


def rate_of(base, name, models, texts):
    """Answers a second of 64 connections, each text asked of its own model."""
    path, side = f"{scratch}/{name}.jsonl", Side(base, "")
    with open(path, "w", encoding="utf-8") as f:
        for model, text in sorted(zip(models, texts, strict=True), key=lambda p: p[1]):
            f.write(json.dumps({"model": model, "messages": [{"role": "user", "content": text}]}) + "\n")
    side.body = lambda **_: path
    return median([t["per_second"] for t in (side.load("-n", len(texts), "-c", 64, "-w", 64) for _ in range(TURNS)) if t and t["failed"] == 0])


def cascade_lines():
    """Three labelled examples an intent: TF-IDF, and SmolLM2 with the nearest of them as shots for what it is not sure of."""
    line, folder, cheap, strong = "snips_cascade_answers_a_second", "build/bench-tasks/snips-few", "0/tfidf-words", "1/knn-embedding@local"
    if not os.path.exists(f"{DATA}/snips"):
        say(line, None, None, None)
        return
    subprocess.run(["bench/tasks.py", "snips-few", folder], check=True, stdout=subprocess.DEVNULL)
    pairs = cascade_pairs(folder, cheap, strong)
    if not pairs:
        say(line, None, None, None)
        return
    stands = round((1 - cascade_escalated("snips_few, TF-IDF, then SmolLM2 with the nearest as shots", pairs)) * len(pairs))
    with open(f"{folder}/examples.jsonl", encoding="utf-8") as f:
        known = {r["id"]: r["text"] for r in map(json.loads, f)}
    texts = [known[c["item"]] for c, _ in pairs]
    process, base = rung_serve(folder, log="snips.db")
    ask = {v: f"rung/snips-few/{v}" for v in (cheap, strong)}
    for v in ask.values():  # what they learn from the pool is learnt before
        Side(base, v).load("-n", 1)
    both = rate_of(base, "both", [ask[cheap]] * stands + [ask[strong]] * (len(pairs) - stands), texts)
    say(line, both, rate_of(base, "alone", [ask[strong]] * len(pairs), texts), None)
    stop(process)


def main():
    up = Upstream()
    process, base = rung_serve("--upstream", f"{up.base}#zero")
    sides = {"direct": Side(up.base, "zero"), "rung": Side(base, f"{up.base}#zero")}
    if any(ONLY in x for x in ("added_ms_one", "requests")):
        sides |= {name: side for name, side in (("litellm", litellm(up)), ("portkey", portkey(up))) if side}
    lines = (("added_ms_one", lambda: latency_lines(sides, up)), ("added_ms_at_500", lambda: rate_lines(sides)),
             ("requests", lambda: throughput_lines(sides)), ("added_ms_token", stream_lines), ("idle", idle_lines),
             ("memory", lambda: flat_lines(sides, process)),
             ("banking77", lambda: local_lines("banking77", banking, "3/embedding-head", 200, 50)),
             ("email-five", lambda: local_lines("email-five", email, "3/embedding-head", 60, None)), ("snips", cascade_lines))
    try:
        for name, line in lines:
            if ONLY in name:
                line()
    finally:
        for p in running:
            stop(p)


main()
