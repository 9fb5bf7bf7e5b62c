#!/bin/sh
# change.sh - `rung serve` and the verdicts of later climbs: taken up under load, promoted, ended and demoted by feedback, kept over a restart.
. tests/e2e/lib.sh

unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
mkdir "$scratch/models"
export RUNG_MODELS="$scratch/models"
green_task "$scratch/one" one

cat >"$scratch/drive.py" <<'PY'
"""drive.py RUNG SCRATCH"""
import http.client, json, signal, sqlite3, subprocess, sys, threading, traceback

rung, scratch = sys.argv[1:]
failures, started = 0, []
LOG = f"{scratch}/served.db"


def check(name, test):
    global failures
    try:
        test()
        print(f"[       OK ] {name}", flush=True)
    except Exception:
        failures += 1
        print(f"{name}: {traceback.format_exc()[-900:]}\n[  FAILED  ] {name}", flush=True)


class Gateway:
    def __init__(self, *more):
        self.process = subprocess.Popen([rung, "serve", "--port", "0", "--quiet", "--log", LOG, *more, f"{scratch}/one"],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(self.process)
        self.port = int(self.process.stdout.readline().strip().rsplit(":", 1)[1])

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, method, path, body=None, connection=None):
        c = connection or self.connection()
        c.request(method, path, body and json.dumps(body))
        r = c.getresponse()
        return r.status, r.read()

    def chat(self, connection=None, text="grass number 3", **more):
        status, body = self.ask("POST", "/v1/chat/completions", {"model": "one", "messages": [{"role": "user", "content": text}]} | more, connection)
        assert status == 200, (status, body)
        return json.loads(body)

    def say(self, reply, connection=None, **what):
        status, body = self.ask("POST", "/v1/feedback", {"id": reply["id"]} | what, connection)
        assert status == 202, body

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        _, notices = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, (self.process.returncode, notices)
        return notices


def rows(sql):
    db = sqlite3.connect(LOG, timeout=30)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def climb(seed):
    r = subprocess.run([rung, "climb", f"{scratch}/one", "--rungs", "0-0", "--quiet", "--seed", str(seed)], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr


def history():
    return rows("SELECT event, verdict, share, floor, why, evidence FROM history ORDER BY n")


def asked_until(g, n_rows, what, most=50000):
    """Asks, and says of each reply what `what` has it worth, until the history has so many rows."""
    c = g.connection()
    for i in range(most):
        if len(history()) >= n_rows:
            return i
        reply = g.chat(c)
        g.say(reply, c, **what(reply))
    raise AssertionError((most, history()))


class Load:
    """Clients that ask until they are told to stop; a reply that is not 200 is remembered."""

    def __init__(self, gateway, clients=3):
        self.gateway, self.answered, self.wrong, self.over = gateway, 0, [], threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]
        for t in self.threads:
            t.start()

    def run(self):
        c = self.gateway.connection()
        while not self.over.is_set():
            try:
                self.gateway.chat(c)
                self.answered += 1
            except Exception as e:
                self.wrong.append(repr(e))
                return

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join()
        return self.answered, self.wrong


def taken_up():
    global g, first, second
    first = g.chat()["rung::verdict"]
    load = Load(g)
    g.process.send_signal(signal.SIGHUP)  # nothing is to be tried again
    climb(2)
    seen = set()
    while len(seen) < 2:
        assert not load.wrong and g.process.poll() is None
        seen.add(g.chat()["rung::verdict"])
    answered, wrong = load.stop()
    assert answered > 0 and not wrong, (answered, wrong)
    second = (seen - {first}).pop()
    assert [h[:3] for h in history()] == [("first", first, 1), ("trial", second, .5)], history()


def pinned():
    arms = {}
    for user in range(40):
        arms[user] = {g.chat(user=f"u{user}")["rung::verdict"] for _ in range(3)}
    assert all(len(a) == 1 for a in arms.values()) and set().union(*arms.values()) == {first, second}, arms


def promoted():
    asked_until(g, 3, lambda r: {"value": r["rung::verdict"] == second})
    event, verdict, share, floor, why, evidence = history()[-1]
    assert (event, verdict, share) == ("promoted", second, 1), history()
    evidence = json.loads(evidence)
    assert evidence["e_not_worse"] >= 20 and evidence["challenger"]["mean"] == 1 and "not worse by" in why, (why, evidence)
    c = g.connection()
    while g.chat(c)["rung::verdict"] != second:  # the loop is told just behind the row
        pass
    assert {g.chat(c)["rung::verdict"] for _ in range(20)} == {second}
    g.say(g.chat(c), c, comment="no score")
    notices = g.stop()
    assert "promoted" in notices and "trial" in notices, notices
    assert {p for p, in rows(f"SELECT DISTINCT propensity FROM served WHERE verdict = '{second}'")} == {.5, 1.}


def restarted():
    global g
    g = Gateway("--share", "0.5")
    assert {g.chat()["rung::verdict"] for _ in range(10)} == {second} and len(history()) == 3, history()


def demoted():
    c = g.connection()
    for _ in range(150):
        g.say(g.chat(c), c, value=True)
    n = asked_until(g, 5, lambda r: {"value": False})
    assert [h[:2] for h in history()[3:]] == [("demoted", second), ("restored", first)], history()
    assert "have fallen below" in history()[3][4] and json.loads(history()[3][5])["fallen"] >= 1e4
    while g.chat(c)["rung::verdict"] != first:
        pass
    assert {g.chat(c)["rung::verdict"] for _ in range(20)} == {first}, n
    assert "restored" in g.stop()


def stays_demoted():
    global g
    g = Gateway("--share", "0.5")
    assert {g.chat()["rung::verdict"] for _ in range(10)} == {first} and len(history()) == 5, history()


def fallen():
    c = g.connection()
    for _ in range(120):
        g.say(g.chat(c), c, value=True)
    asked_until(g, 6, lambda r: {"value": False})
    assert history()[-1][:2] == ("fallen", first), history()
    assert g.chat(c)["rung::verdict"] == first
    status, body = g.ask("GET", "/readyz")
    assert status == 200 and b'task "one" has fallen' in body, body
    assert "nothing served before" in g.stop()


def ended():
    """What is shown worse goes, and is not tried again."""
    global g
    climb(3)
    g = Gateway("--share", "0.5")
    asked_until(g, 8, lambda r: {"value": r["rung::verdict"] == first})
    trial, end = history()[-2:]
    assert (trial[0], end[0]) == ("trial", "ended") and trial[1] == end[1] != first, history()
    g.stop()
    g = Gateway("--share", "0.5")
    assert {g.chat()["rung::verdict"] for _ in range(20)} == {first} and len(history()) == 8, history()
    g.stop()


def shadow():
    """Both answer, one is shown; what is right promotes."""
    global g
    g = Gateway("--shadow")
    climb(4)
    shown = set()

    def right(reply):
        shown.add(reply["rung::verdict"])
        return {"demonstration": "green"}
    asked_until(g, 10, right)
    (event, fourth, share, *_), last = history()[-2:]
    assert (event, share) == ("shadow", 0) and last[:2] == ("promoted", fourth), history()
    assert first in shown and shown <= {first, fourth}, shown
    assert {o for o, in rows(f"SELECT output FROM shadow WHERE verdict = '{fourth}'")} == {"green"}
    g.stop()


def grown():
    """The examples grow: what serves is loaded again as its climb saw it, and the new climb's verdict is tried beside it."""
    global g
    n = len(history())
    serving = [h for h in history() if h[0] in ("promoted", "restored")][-1][1]
    with open(f"{scratch}/one/examples.csv", "a") as f:
        f.write("".join(f"f{i},{'grass' if i % 2 else 'blood'} again {i},{'green' if i % 2 else 'red'}\n" for i in range(40)))
    g = Gateway()  # nothing has been climbed since
    assert g.chat()["rung::verdict"] == serving and len(history()) == n, history()
    g.stop()
    climb(5)
    g = Gateway("--share", "0.5")
    while len({g.chat()["rung::verdict"] for _ in range(20)}) < 2:
        pass
    assert [h[0] for h in history()[n:]] == ["trial"], history()
    g.stop()
    g = Gateway("--share", "0.5")
    c = g.connection()
    assert {g.chat(c)["rung::verdict"] for _ in range(60)} == {serving, history()[-1][1]} and len(history()) == n + 1, history()
    g.stop()


def at_once():
    global g
    g = Gateway("--share", "1")
    climb(6)
    while history()[-1][0] != "replaced":
        g.chat()
    g.stop()


def told():
    r = subprocess.run([rung, "serve", "--history", "--log", LOG, f"{scratch}/one"], capture_output=True, text=True)
    events = [line.split()[3] for line in r.stdout.splitlines()[1:]]
    assert r.returncode == 0 and events == [h[0] for h in history()], r


def refused():
    for words, *options in (("share", "--share", "1.5"), ("shadow", "--share", "0"), ("log", "--shadow", "--no-log")):
        r = subprocess.run([rung, "serve", "--port", "0", *options, f"{scratch}/one"], capture_output=True, text=True, timeout=60)
        assert r.returncode == 1 and words in r.stderr and r.stderr.count("\n") == 1, r


try:
    climb(1)
    g = Gateway("--share", "0.5")
    check("must 10: a new climb is taken up under load, and no request is lost", taken_up)
    check("a subject keeps its arm", pinned)
    check("feedback promotes", promoted)
    check("a restart serves what was promoted", restarted)
    check("feedback demotes to what served before, loaded again", demoted)
    check("a restart does not try again what was demoted", stays_demoted)
    check("with nothing to go back to it goes on, and says so", fallen)
    check("a trial that shows it worse ends, for good", ended)
    check("in the shadow it is asked and not shown, and right outputs promote it", shadow)
    check("examples that have grown part no verdict from its task", grown)
    check("a share of 1 takes it up at once", at_once)
    check("the history is told", told)
    check("what makes no sense is refused", refused)
finally:
    for p in started:
        if p.poll() is None:
            p.kill()
sys.exit(failures > 0)
PY
NO_PROXY=127.0.0.1 python3 "$scratch/drive.py" "$rung" "$scratch" || failures=$((failures + 1))
finish
