#!/bin/sh
# tls.sh - `rung serve --tls-cert --tls-key` with a certificate made here: what is answered, what is refused, and files that are none.
. tests/e2e/lib.sh
export OPENAI_API_KEY=sk-test-tls-90ab
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
export NO_PROXY=127.0.0.1
if ! command -v openssl >/dev/null || ! curl -V | grep -q https; then
	skip "TLS" "this machine has no openssl, or a curl without it"
	finish
fi
make_pair() { # NAME
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=rung-test -addext 'subjectAltName=IP:127.0.0.1,DNS:localhost' \
		-keyout "$scratch/$1.key" -out "$scratch/$1.pem" 2>/dev/null
	chmod 600 "$scratch/$1.key"
}
make_pair mine
make_pair other
start_faults
up=http://127.0.0.1:$faults/v1
mkfifo "$scratch/at"
"$rung" serve --port 0 --no-log --tls-cert "$scratch/mine.pem" --tls-key "$scratch/mine.key" --upstream "$up#m,$up#m+stall" \
	--upstream-limits 2,2,.3,.3,4 >"$scratch/at" 2>"$scratch/err" &
gateway=$!
fault_ids="$fault_ids $gateway"
read -r at <"$scratch/at"

is() { # NAME WHAT...: a test(1) that has to hold
	name=$1
	shift
	if test "$@"; then ok "$name"; else fail "$name" "test $*: $(head -c 300 "$scratch/out"); $(cat "$scratch/err")"; fi
}
ask() { curl -sN -m 20 --cacert "$scratch/mine.pem" -o "$scratch/out" -w '%{http_code}' "$@"; }
body() { printf '{"model":"%s","stream":%s,"messages":[{"role":"user","content":"x"}]}' "$up#$1" "$2"; }

case $at in https://127.0.0.1:*) ok "the address says https" ;; *) fail "the address says https" "$at" ;; esac
is "TLS: a reply" "$(body m false | ask "$at/v1/chat/completions" --data-binary @-)-$(grep -c total_tokens "$scratch/out")" = 200-1
is "TLS: a stream" "$(body m true | ask "$at/v1/chat/completions" --data-binary @-)-$(grep -c '^data: \[DONE\]' "$scratch/out")" = 200-1
status=$(body m+stall true | ask "$at/v1/chat/completions" --data-binary @-)
code=$?
is "TLS: a stream that breaks off is seen to" "$status-$(grep -c '^data: {"error"' "$scratch/out")-$((code > 0))" = 200-1-1
head -c 3000000 /dev/zero | tr '\0' x >"$scratch/large"
{ printf '{"model":"%s","messages":[{"role":"user","content":"' "$up#m"; cat "$scratch/large"; printf '"}]}'; } >"$scratch/request"
is "TLS: a large body" "$(ask "$at/v1/chat/completions" --data-binary "@$scratch/request")" = 200
is "TLS: one connection, many requests" "$(ask "$at/healthz" "$at/healthz" -o "$scratch/out" "$at/readyz" -o "$scratch/out")" = 200200200
port=${at##*:}
is "TLS: other hosts are refused, and pages from elsewhere" \
	"$(ask "$at/healthz" -H 'Host: evil.example')$(ask "$at/healthz" -H "Origin: https://127.0.0.1:$port")$(ask "$at/healthz" -H "Origin: http://127.0.0.1:$port")" = 403200403
is "TLS: an older version than 1.2 is not spoken" "$(ask --tls-max 1.1 --ciphers 'DEFAULT@SECLEVEL=0' "$at/healthz")" = 000
is "TLS: 1.2 and 1.3 are" "$(ask --tls-max 1.2 "$at/healthz")$(ask --tlsv1.3 "$at/healthz")" = 200200
is "TLS: the certificate is the one that was named" "$(curl -s -m 20 --cacert "$scratch/other.pem" -o "$scratch/out" -w '%{http_code}' "$at/healthz")" = 000
is "TLS: plain HTTP is answered nothing" "$(curl -s -m 20 -o "$scratch/out" -w '%{http_code}' "http://127.0.0.1:$port/healthz")" = 000
is "TLS: and then it goes on" "$(ask "$at/healthz")" = 200

# A hundred clients that say nothing, and one that does.
python3 - "$port" "$scratch/mine.pem" >"$scratch/out" 2>&1 <<'PY'
import http.client, socket, ssl, sys
port = int(sys.argv[1])
silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
for s in silent[:50]:
    s.sendall(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a ClientHello
c = http.client.HTTPSConnection("127.0.0.1", port, context=ssl.create_default_context(cafile=sys.argv[2]), timeout=60)
for _ in range(50):
    c.request("GET", "/healthz")
    r = c.getresponse()
    assert r.status == 200 and r.read() == b"ok\n", r.status
PY
is "TLS: half-open handshakes hold nobody up" $? = 0
# Forty clients at once on kept connections, streams and not; and afterwards it rests: nothing is awaited for ever.
python3 - "$port" "$scratch/mine.pem" "$up#m" "$gateway" >"$scratch/out" 2>&1 <<'PY'
import http.client, json, os, ssl, sys, threading
port, context, model = int(sys.argv[1]), ssl.create_default_context(cafile=sys.argv[2]), sys.argv[3]
good, mutex = [0], threading.Lock()
def run(n):
    c = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=60)
    for i in range(20):
        c.request("POST", "/v1/chat/completions", json.dumps({"model": model, "stream": (n + i) % 2 == 0, "messages": [{"role": "user", "content": "x" * (i * 997)}]}))
        r = c.getresponse()
        body = r.read()
        with mutex:
            good[0] += r.status == 200 and (b"[DONE]" in body or b"total_tokens" in body)
threads = [threading.Thread(target=run, args=(n,)) for n in range(40)]
for t in threads: t.start()
for t in threads: t.join()
assert good[0] == 800, good
PY
is "TLS: forty clients at once" $? = 0
# Renewed while it runs: the key first, as if somebody looked in between; and once more by what is none.
make_pair renewed
cp "$scratch/mine.pem" "$scratch/first.pem"
cp "$scratch/mine.key" "$scratch/first.key"
python3 - "$port" "$scratch" >"$scratch/out" 2>&1 <<'PY'
import http.client, os, ssl, sys, time
port, scratch = int(sys.argv[1]), sys.argv[2]
connect = lambda ca: http.client.HTTPSConnection("127.0.0.1", port, context=ssl.create_default_context(cafile=f"{scratch}/{ca}.pem"), timeout=60)
said = lambda: open(f"{scratch}/err").read()
def ask(c):
    c.request("GET", "/healthz")
    r = c.getresponse()
    return r.status, r.read()
def shows(ca):
    try:
        return ask(connect(ca)) == (200, b"ok\n")
    except ssl.SSLCertVerificationError:
        return False
def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, said()
        time.sleep(.02)
kept = connect("first")
assert ask(kept)[0] == 200
os.replace(f"{scratch}/renewed.key", f"{scratch}/mine.key")
until(lambda: "is not the private key of" in said())
assert shows("first")
os.replace(f"{scratch}/renewed.pem", f"{scratch}/mine.pem")
os.link(f"{scratch}/mine.pem", f"{scratch}/second.pem")
until(lambda: shows("second"))
assert not shows("first") and ask(kept)[0] == 200
with open(f"{scratch}/new", "w") as f:
    f.write("nothing\n")
os.replace(f"{scratch}/new", f"{scratch}/mine.pem")
until(lambda: "is no certificate in PEM form" in said())
for _ in range(50):
    assert shows("second")
assert said().count("\n") == 2, said()
os.replace(f"{scratch}/first.key", f"{scratch}/mine.key")
os.replace(f"{scratch}/first.pem", f"{scratch}/mine.pem")
os.link(f"{scratch}/mine.pem", f"{scratch}/first.pem")
until(lambda: shows("first"))
PY
is "TLS: a certificate is renewed while it runs" $? = 0
kill $gateway; wait $gateway; code=$?
is "SIGTERM ends it" $code = 0
is "the private key is in no message" "$(grep -c "$(sed -n 2p "$scratch/mine.key")" "$scratch/err")" = 0

refused() { # NAME WORDS OPTION...
	name=$1 words=$2
	shift 2
	"$rung" serve --port 0 --no-log --upstream "$up#m" "$@" >"$scratch/out" 2>"$scratch/why" && fail "$name" "it starts"
	if grep -q "$words" "$scratch/why" && [ "$(wc -l <"$scratch/why")" = 1 ] && [ ! -s "$scratch/out" ]; then ok "$name"; else
		fail "$name" "$(cat "$scratch/why")"; fi
}
printf 'hello\n' >"$scratch/words"
cp "$scratch/mine.key" "$scratch/open.key"
chmod 644 "$scratch/open.key"
sed '2s/..../AAAA/' "$scratch/mine.pem" >"$scratch/broken.pem"
refused "a certificate without its key" "name both" --tls-cert "$scratch/mine.pem"
refused "a key without its certificate" "name both" --tls-key "$scratch/mine.key"
refused "a certificate that is not there" "none.pem" --tls-cert "$scratch/none.pem" --tls-key "$scratch/mine.key"
refused "a key that is not there" "none.key" --tls-cert "$scratch/mine.pem" --tls-key "$scratch/none.key"
refused "a file that is no certificate" "words: is no certificate" --tls-cert "$scratch/words" --tls-key "$scratch/mine.key"
refused "a file that is no key" "words: is no private key" --tls-cert "$scratch/mine.pem" --tls-key "$(chmod 600 "$scratch/words"; echo "$scratch/words")"
refused "a key that everybody may read" "chmod" --tls-cert "$scratch/mine.pem" --tls-key "$scratch/open.key"
refused "the key of another" "is not the private key of" --tls-cert "$scratch/mine.pem" --tls-key "$scratch/other.key"
refused "a certificate that is broken" "is no certificate" --tls-cert "$scratch/broken.pem" --tls-key "$scratch/mine.key"
refused "TLS is no key: beyond this machine --keys is asked for" "name a file of keys" --tls-cert "$scratch/mine.pem" --tls-key "$scratch/mine.key" --address 0.0.0.0
finish
