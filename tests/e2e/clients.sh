#!/bin/sh
# clients.sh - the clients that people have: OpenAI's packages for Python and Node, LangChain's for both, and curl, against `rung serve` of a task,
# of local models and of an upstream that calls tools. SDK_PYTHON names a Python with openai and langchain-openai, SDK_NODE a folder with
# node_modules; else those of `make sdk`.
. tests/e2e/lib.sh

unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
export NO_PROXY=127.0.0.1
python=${SDK_PYTHON:-build/sdk/bin/python} node=${SDK_NODE:-build/sdk/node}
if [ ! -e "$models/smollm2-135m-instruct.Q4_1.gguf" ] || [ ! -d "$models/all-MiniLM-L6-v2" ]; then
	skip "clients" "no models; run \`make models\`"
	finish
fi

green_task "$scratch/one" one
"$rung" climb "$scratch/one" --rungs 0-0 --quiet >"$scratch/out" 2>&1 || fail "climb" "$(head -c 300 "$scratch/out")"

# An upstream that calls a tool where it is given one, and fails the first time that it is asked to.
cat >"$scratch/upstream.py" <<'PY'
import http.server, json

failed = False


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    log_message = lambda *_: None

    def send(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_POST(self):
        global failed
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/responses"):
            part = {"type": "output_text", "text": "dry", "annotations": []}
            message = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
            whole = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": asked["model"], "output": [message],
                     "tools": [], "tool_choice": "auto", "parallel_tool_calls": True,
                     "usage": {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12, "input_tokens_details": {"cached_tokens": 0},
                               "output_tokens_details": {"reasoning_tokens": 0}}}
            if not asked.get("stream"):
                return self.send(200, "application/json", json.dumps(whole))
            events = [{"type": "response.created", "response": whole | {"output": [], "status": "in_progress"}},
                      {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "dry", "logprobs": []},
                      {"type": "response.completed", "response": whole}]
            return self.send(200, "text/event-stream", "".join(f"event: {e['type']}\ndata: {json.dumps(e | {'sequence_number': i})}\n\n"
                                                               for i, e in enumerate(events)))
        head = {"id": "chatcmpl-up", "created": 1, "model": asked["model"]}
        if asked["messages"][-1]["content"] == "fail once" and not failed:
            failed = True
            return self.send(503, "application/json", '{"error": {"message": "a moment", "type": "server_error", "param": null, "code": null}}')
        call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"town":"Bern"}'}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]} if asked.get("tools") else {"role": "assistant", "content": "dry"}
        if not asked.get("stream"):
            return self.send(200, "application/json", json.dumps(head | {"object": "chat.completion", "choices": [
                {"index": 0, "message": message, "finish_reason": "tool_calls" if asked.get("tools") else "stop"}],
                "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}}))
        deltas = [{"role": "assistant", "tool_calls": [{"index": 0, **call, "function": {"name": "weather", "arguments": ""}}]}]
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in ('{"town":', '"Bern"}')]
        events = [head | {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas]
        events.append(head | {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
        self.send(200, "text/event-stream", "".join(f"data: {json.dumps(e)}\n\n" for e in events) + "data: [DONE]\n\n")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
print(server.server_port, flush=True)
server.serve_forever()
PY
mkfifo "$scratch/port" "$scratch/at"
python3 "$scratch/upstream.py" >"$scratch/port" &
fault_ids="$fault_ids $!"
read -r port <"$scratch/port"
up="http://127.0.0.1:$port/v1#tools"
"$rung" serve "$scratch/one" --port 0 --quiet --models local,all-MiniLM-L6-v2 --upstream "$up" >"$scratch/at" 2>"$scratch/why" &
fault_ids="$fault_ids $!"
read -r at <"$scratch/at"
base=$at/v1

said=$(curl -sN "$base/chat/completions" -d '{"model": "rung/one", "stream": true, "messages": [{"role": "user", "content": "blood number 2"}]}')
case $said in
*'"content":"red"'*'data: [DONE]') ok "curl: a stream" ;;
*) fail "curl: a stream" "$said" ;;
esac

with_python() { # PACKAGE PART
	if [ -x "$python" ] && "$python" -c "import $1" 2>/dev/null; then
		"$python" tests/support/clients.py "$base" "$up" "$2" || failures=$((failures + 1))
	else
		skip "$2: the Python package is answered" "$python has no $1; run \`make sdk\`"
	fi
}
with_python openai openai
with_python langchain_openai langchain
if command -v node >/dev/null && [ -d "$node/node_modules/openai" ]; then
	cp tests/support/clients.mjs "$node/clients.mjs" # packages are looked for beside the script
	node "$node/clients.mjs" "$base" "$up" || failures=$((failures + 1))
else
	skip "node: the package is answered" "no node, or no openai in $node; run \`make sdk\`"
fi
if [ -x "$python" ] && "$python" -c "import openai" 2>/dev/null; then
	rows=$(python3 -c "import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(\"SELECT count(*), min(input_tokens + output_tokens) FROM served JOIN body ON call = id\"
                                                \" WHERE task = ? AND output LIKE '%resp_1%'\", (sys.argv[2],)): print(*row)" "$scratch/one/.rung/served.db" "$up")
	if [ "$rows" = "2 12" ]; then ok "responses that were passed on are kept, with their tokens"; else
		fail "responses that were passed on are kept, with their tokens" "$rows"; fi
fi
finish
