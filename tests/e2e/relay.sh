#!/bin/sh
# relay.sh - upstream models behind `rung serve`: bytes that pass unchanged, and what the client sees when an upstream fails.
. tests/e2e/lib.sh
export OPENAI_API_KEY=sk-test-relay-7c1e RUNG_API_KEY=sk-test-relay-7c1e
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
start_faults --log "$scratch/paid"
up=http://127.0.0.1:$faults/v1

# An upstream that says what it was sent: the request's head and body.
python3 - >"$scratch/echo.port" 2>/dev/null <<'PY' &
import http.server, json, os
class Echo(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        said = json.dumps({"headers": {k.lower(): v.replace(os.environ["RUNG_API_KEY"], "the key") for k, v in self.headers.items()}, "body": body.decode("latin-1")}).encode()
        self.send_response(200)
        for name, value in (("Content-Type", "application/json"), ("Set-Cookie", "a=b"), ("Content-Length", str(len(said)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said)
s = http.server.HTTPServer(("127.0.0.1", 0), Echo)
print(s.server_port, flush=True)
s.serve_forever()
PY
fault_ids="$fault_ids $!"
while [ ! -s "$scratch/echo.port" ]; do kill -0 $! || break; done
echo_url=http://127.0.0.1:$(cat "$scratch/echo.port")/v1

list=$up#m
for name in m+500-once m+500 m+503 m+404-model m+401 m+cut m+stall m+hang-before-headers m+hang-before-first m+bad-chunk m+429-quota \
	m+slow-1 text-embedding-test; do
	list=$list,$up#$name
done
log=$scratch/served.db
mkfifo "$scratch/at"
"$rung" serve --port 0 --log "$log" --upstream "$list" --upstream "$echo_url#echo/=1" \
	--fallback "$up#m+cut=$up#m,$up#m+429-quota=$up#m,$up#m+hang-before-first=$up#m" --upstream-limits 2,.3,.3,.3,4 \
	--quiet >"$scratch/at" 2>"$scratch/err" &
gateway=$!
fault_ids="$fault_ids $gateway"
read -r at <"$scratch/at"

body() { # STREAM MODEL [SEED]
	printf '{ "stream" : %s,"messages": [{"role":"user","content":"say \\"model\\": x"}], "seed": %s,\n"model" :"%s" }' "$1" "${3-7}" "$2"
}
gate() { # STREAM MODEL: through the gateway; body in out, status and curl's code in $status, $code
	body "$1" "$up#$2" >"$scratch/request"
	status=$(curl -sN -m 20 -o "$scratch/out" -D "$scratch/head" -w '%{http_code}' "$at/v1/chat/completions" -H 'Authorization: Bearer client-key' \
		-H 'Content-Type: application/json' --data-binary "@$scratch/request")
	code=$?
}
straight() { # STREAM MODEL
	body "$1" "$2" >"$scratch/request"
	curl -sN "$up/chat/completions" -H "Authorization: Bearer $OPENAI_API_KEY" -H 'Content-Type: application/json' \
		--data-binary "@$scratch/request" >"$scratch/direct"
}
asked() { curl -s "http://127.0.0.1:$faults/control" | python3 -c 'import json, sys; print(json.load(sys.stdin)["requests"])'; }
is() { # NAME WHAT...: a test(1) that has to hold
	name=$1
	shift
	if test "$@"; then ok "$name"; else fail "$name" "test $*; status $status, curl $code: $(head -c 300 "$scratch/out"); $(cat "$scratch/err")"; fi
}
# created and id may differ between two replies.
same() { sed 's/"created": *[0-9]*//g; s/"id": *"[^"]*"//g' "$1"; }
is_same() { if [ "$(same "$scratch/out")" = "$(same "$scratch/direct")" ] && [ -s "$scratch/out" ] && [ "$status$code" = 2000 ]; then ok "$1"; else
	fail "$1" "status $status, curl $code: $(diff "$scratch/out" "$scratch/direct" | head -5)"; fi; }

gate false m; straight false m; is_same "must 1: a reply passes byte for byte"
if grep -qi '^x-rung-id: [0-9a-f-]\{36\}' "$scratch/head" && grep -qi '^content-type: application/json' "$scratch/head"; then
	ok "must 1: our id is a header"; else fail "must 1: our id is a header" "$(cat "$scratch/head")"; fi
gate true m; straight true m; is_same "must 1: a stream passes byte for byte"
printf '{"model":"%s","input":["a","b"],"user":"who-7"}' "$up#text-embedding-test" | curl -s "$at/v1/embeddings" --data-binary @- >"$scratch/out"
printf '{"model":"text-embedding-test","input":["a","b"]}' | curl -s "$up/embeddings" -H "Authorization: Bearer $OPENAI_API_KEY" --data-binary @- >"$scratch/direct"
status=200 code=0
is_same "must 1: embeddings pass byte for byte"
gate false m+404-model; straight false m+404-model
is "must 1: an error passes byte for byte" "$status$(cat "$scratch/out")" = "404$(cat "$scratch/direct")"
if curl -s "$at/v1/models" | grep -qF "\"$up#m+cut\""; then ok "must 1: models lists the upstreams"; else fail "must 1: models lists the upstreams" "$(curl -s "$at/v1/models")"; fi

body false "$echo_url#echo\\/=1" 12345678901234567890 | sed 's/#echo/\\u0023echo/' >"$scratch/request"
curl -s "$at/v1/chat/completions?x=1" -H 'Authorization: Bearer client-key' -H 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' \
	-H 'Connection: keep-alive, X-Hop' -H 'X-Hop: 1' -H 'Cookie: c=d' -H 'TE: trailers' --data-binary "@$scratch/request" -D "$scratch/head" >"$scratch/out"
body false "echo/=1" 12345678901234567890 >"$scratch/expected"
python3 - "$scratch" <<'PY' >"$scratch/why" 2>&1
import json, sys
said = json.load(open(sys.argv[1] + "/out"))
h = said["headers"]
assert said["body"] == open(sys.argv[1] + "/expected", newline="").read(), said["body"]
assert h["authorization"] == "Bearer the key", h
assert h["traceparent"] == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", h
assert not {"x-hop", "te", "cookie", "connection", "transfer-encoding"} & set(h), h
assert "set-cookie" not in open(sys.argv[1] + "/head").read().lower()
PY
is "must 1: only the model's name is changed; keys, cookies and hop-by-hop headers stay" ! -s "$scratch/why"
[ ! -s "$scratch/why" ] || tail -2 "$scratch/why"
printf '{"model":"%s","Model":"other","messages":[]}' "$up#m" >"$scratch/request"
status=$(curl -s -o "$scratch/out" -w '%{http_code}' "$at/v1/chat/completions" --data-binary "@$scratch/request")
is "must 1: a body with two models in it is refused" "$status" = 400
body false "$up#other" >"$scratch/request"
status=$(curl -s -o "$scratch/out" -w '%{http_code}' "$at/v1/chat/completions" --data-binary "@$scratch/request")
is "must 1: an upstream that was not named is not asked" "$status" = 404

gate true m+stall
is "must 2: a stalled stream ends with an error event and a cut" "$status-$code-$(grep -c '^data: {"error"' "$scratch/out")-$(grep -c DONE "$scratch/out")" = 200-18-1-0
gate true m+bad-chunk
is "Portkey #1797: a truncated stream does not end as a clean 200" "$status-$code-$(grep -c '^data: {"error"' "$scratch/out")-$(grep -c DONE "$scratch/out")" = 200-18-1-0
gate true m+hang-before-headers
is "Bifrost #7034: a hang before the headers is ended" "$status-$(grep -c upstream_timeout "$scratch/out")" = 504-1
gate true m+hang-before-first; straight true m
is_same "must 2: before the first byte the fallback is asked"
gate false m+cut; straight false m
is_same "LiteLLM #40404: a reply that is cut goes to the fallback"

before=$(asked); gate false m+500-once
is "must 3: 500 is tried again" "$status-$(($(asked) - before))" = 200-2
before=$(asked); gate false m+503
is "must 3: three tries, then the reply as it is" "$status-$(($(asked) - before))" = 503-3
before=$(asked); gate false m+404-model
is "must 3: 404 is not tried again" "$status-$(($(asked) - before))" = 404-1
before=$(asked); gate false m+429-quota
is "must 3: an empty account is not waited for; the fallback is asked" "$status-$(($(asked) - before))" = 200-2
gate false m+500; before=$(asked); gate false m+500; gate false m+500
is "must 3: an upstream that fails in a row is left alone" "$status-$(grep -c upstream_resting "$scratch/out")-$(($(asked) - before))" = 503-1-2
gate false m+401
is "keys: a refused key is our fault, and not quoted" "$status-$(grep -c 'sk-t\|relay-' "$scratch/out")" = 502-0

# A client that goes away while nothing comes: the upstream's connection is closed long before a limit passes.
body false "$up#m+hang-before-headers" >"$scratch/request"
curl -s -o "$scratch/ignored" "$at/v1/chat/completions" --data-binary "@$scratch/request" & client=$!
in_flight() { curl -s "http://127.0.0.1:$faults/control" | python3 -c 'import json, sys; print(json.load(sys.stdin)["in_flight"])'; }
kill_client() { kill $client; wait $client 2>/dev/null; }
rows() { python3 -c 'import sqlite3, sys; print(*[r[0] for r in sqlite3.connect(sys.argv[1], timeout=9).execute(sys.argv[2])])' "$log" "$1"; }
before=$(asked)
while [ "$(asked)" = "$before" ] && [ "$(in_flight)" = 0 ]; do :; done
kill_client

kill $gateway; wait $gateway; code=$?
is "SIGTERM ends it" $code = 0
status=$(rows "select group_concat(distinct status) from (select status from attempt order by status)")
is "must 4: each attempt has a row, also failed, aborted and truncated ones" "$status" = aborted,answered,refused,timeout,truncated
is "must 4: a client that went away ended the upstream's request" "$(rows "select status || http from served where http = 499")" = aborted499
is "must 4: the attempts of a call that went elsewhere" "$(rows "select upstream || '=' || a.status from attempt a join served s on s.id = call where s.task like '%m+cut' order by n")" = \
	"$up#m+cut=truncated $up#m=answered"
is "whom a call is about is in its row" "$(rows "select group_concat(distinct subject) from served")" = who-7
is "must 4: no attempt without its call" "$(rows "select count(*) from attempt where call not in (select id from served)")" = 0
is "must 4: tokens are counted" "$(rows "select count(*) from served where task like '%#m' and not stream and input_tokens > 0 and output_tokens > 0")" = 1
is "keys: none in the log of calls or on stderr" "$(cat "$log"* "$scratch/err" | grep -ac relay-7c1e)" = 0

refused() { # NAME WORDS OPTION...
	name=$1 words=$2
	shift 2
	"$rung" serve --port 0 "$@" >"$scratch/out" 2>"$scratch/why" && fail "$name" "it starts"
	if grep -q "$words" "$scratch/why"; then ok "$name"; else fail "$name" "$(cat "$scratch/why")"; fi
}
ANTHROPIC_API_KEY=sk-test; export ANTHROPIC_API_KEY
refused "Anthropic's form is refused with a sentence" "not relayed yet" --upstream anthropic:m
refused "a fallback of nobody" "name it with --upstream" --upstream openai:a --fallback openai:a=openai:b
refused "fallbacks in a ring" "ring" --upstream openai:a,openai:b --fallback openai:a=openai:b,openai:b=openai:a
refused "nothing to serve" "nothing to serve"
refused "a limit that is none" "upstream-limits" --upstream openai:a --upstream-limits 1,x
finish
