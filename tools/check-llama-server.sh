#!/bin/sh
# check-llama-server.sh RUNG AGREE [FOLDER] - rung against llama.cpp's own server, with the same file that rung reads itself.
#
# First both are asked the same 200 e-mails, greedy: their replies have to be the same on 97 % (llama.cpp multiplies in int8 blocks).
# Then a whole climb of rungs 0 and 1 on email_five goes through the server, in FOLDER (build/llama-climb), where it goes on when it is
# run again: more than an hour on two cores. The server is `llama-server` where that is on the PATH, else llama-cpp-python's of
# `make bench-peers` (BENCH_PEERS names another environment that has it).
set -eu
rung=$1 agree=$2 folder=${3:-build/llama-climb}
peers=${BENCH_PEERS:-build/peers}/bin/python
base=${RUNG_MODELS:-models}/smollm2-135m-instruct.Q4_1.gguf
data=${RUNG_DATA:-../shared/data}/email_five/email_five.jsonl
threads=${THREADS:-$(nproc)}
port=${PORT:-8099} # the same each time: it is a part of the name under which a climb finds its calls again
log=$(mktemp)
if command -v llama-server >/dev/null; then
	llama-server -m "$base" --host 127.0.0.1 --port "$port" -c 4096 -t "$threads" >"$log" 2>&1 &
elif "$peers" -c 'import llama_cpp.server.app' 2>/dev/null; then
	"$peers" -m llama_cpp.server --model "$base" --host 127.0.0.1 --port "$port" --n_ctx 4096 --n_threads "$threads" \
		--n_threads_batch "$threads" --logits_all true >"$log" 2>&1 &
else
	echo "check-llama-server: neither llama-server on the PATH nor llama_cpp.server in $peers; \`make bench-peers\` installs it" >&2
	exit 1
fi
server=$!
trap 'kill $server 2>/dev/null; rm -f "$log"' EXIT
until curl -sf "http://127.0.0.1:$port/v1/models" >/dev/null; do
	kill -0 $server 2>/dev/null || { tail -5 "$log" >&2; exit 1; }
	sleep 1
done
"$agree" local "http://127.0.0.1:$port/v1#smollm2" "$data" 200
[ -d "$folder" ] || bench/tasks.py email-five "$folder"
"$rung" climb "$folder" --rungs 0-1 --models "http://127.0.0.1:$port/v1#smollm2" --concurrency 2 --timeout 600
