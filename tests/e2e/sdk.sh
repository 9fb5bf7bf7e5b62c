#!/bin/sh
# sdk.sh - the fault server answers the packages openai and anthropic as the vendors' own servers would: a check of the stand-in that
# other tests rely on. SDK_PYTHON names a Python that has both; else that of `make sdk`.
. tests/e2e/lib.sh

python=${SDK_PYTHON:-build/sdk/bin/python}
if ! "$python" -c 'import openai, anthropic' 2>/dev/null; then
	skip "the vendors' packages" "$python has no openai and anthropic; run \`make sdk\`"
	finish
fi
cat >"$scratch/answers.jsonl" <<'J'
{"match": "cheap pills", "answer": "spam", "wrong": "work"}
{"match": "say much", "answer": "one two three four five six", "wrong": "no"}
J
start_faults --answers "$scratch/answers.jsonl" --need-key --log "$scratch/bill" --seconds 300
NO_PROXY=127.0.0.1 "$python" tests/support/sdk_check.py "$faults" "$scratch/bill" || failures=$((failures + 1))
finish
