#!/bin/sh
# bad_input.sh - what users get wrong: exit 1, one sentence that names file, place and value, nothing written.
. tests/e2e/lib.sh

good_task='name: t
kind: classify
instruction: Choose one of {{labels}}.
input: "{{text}}"
labels: [yes-label, no-label]
examples: {file: examples.csv, answer: label}
'

good_examples() {
	echo 'text,label'
	i=0
	while [ $i -lt 40 ]; do
		echo "sentence number $i about things,$([ $((i % 2)) = 0 ] && echo yes-label || echo no-label)"
		i=$((i + 1))
	done
}

# NAME FRAGMENT... : `rung check` and `rung climb` on $scratch/task refuse it, with every fragment in one line of stderr.
refuses() {
	name=$1
	shift
	before=$(find "$scratch/task" | sort)
	for command in check climb; do
		"$rung" $command "$scratch/task" >"$scratch/out" 2>"$scratch/err"
		status=$?
		if [ $status -ne 1 ]; then fail "$name" "$command: exit $status: $(head -c 300 "$scratch/err")"; return; fi
		if [ -s "$scratch/out" ]; then fail "$name" "$command printed a result"; return; fi
		if [ "$(wc -l <"$scratch/err")" -ne 1 ]; then fail "$name" "$command: not one line: $(head -c 300 "$scratch/err")"; return; fi
		for fragment; do
			if ! grep -qF -- "$fragment" "$scratch/err"; then
				fail "$name" "$command: \"$fragment\" is not in: $(cat "$scratch/err")"
				return
			fi
		done
	done
	if [ "$(find "$scratch/task" | sort)" != "$before" ]; then fail "$name" "something was written"; return; fi
	ok "$name"
}

fresh() {
	rm -rf "$scratch/task"
	mkdir "$scratch/task"
	printf '%s' "$good_task" >"$scratch/task/task.yaml"
	good_examples >"$scratch/task/examples.csv"
}

fresh
if "$rung" check "$scratch/task" >"$scratch/out" 2>&1; then ok "the good task passes"; else fail "the good task passes" "$(cat "$scratch/out")"; fi

fresh; echo 'marginn: 0.1' >>"$scratch/task/task.yaml"; refuses "unknown key" task.yaml:7 marginn margin
fresh; echo 'alpha: often' >>"$scratch/task/task.yaml"; refuses "wrong type" task.yaml:7 alpha often
fresh; echo 'climb_for: fun' >>"$scratch/task/task.yaml"; refuses "no reason to climb" task.yaml:7 climb_for fun quality
fresh; echo 'label_cost: -1' >>"$scratch/task/task.yaml"; refuses "a label for less than nothing" task.yaml:7 label_cost -1
fresh; printf 'climb_for: cost\ntraffic: {calls_per_day: 100}\n' >>"$scratch/task/task.yaml"; refuses "costs without days" task.yaml:7 climb_for horizon_days
fresh; echo 'labels: [a, {' >>"$scratch/task/task.yaml"; refuses "yaml syntax" task.yaml:
fresh; rm "$scratch/task/examples.csv"; refuses "missing examples file" examples.csv
fresh; sed -i 's/answer: label/answer: class/' "$scratch/task/task.yaml"; refuses "missing column" class
fresh; echo 'one more sentence,yes-lable' >>"$scratch/task/examples.csv"; refuses "label outside the list" examples.csv:42 yes-lable yes-label
fresh; sed -i 's/, no-label//' "$scratch/task/task.yaml"; refuses "fewer than two labels" labels
fresh; echo ',yes-label' >>"$scratch/task/examples.csv"; refuses "empty text" examples.csv:42 empty
fresh; printf 'bad \377 byte,yes-label\n' >>"$scratch/task/examples.csv"; refuses "invalid UTF-8" examples.csv:42 UTF-8
fresh; printf '"never closed,yes-label\nmore,no-label\n' >>"$scratch/task/examples.csv"; refuses "open quote" examples.csv:42 quote
fresh; head -n 20 "$scratch/task/examples.csv" >"$scratch/short"; cp "$scratch/short" "$scratch/task/examples.csv"; refuses "fewer than 30 examples" 19
fresh; (echo text,label; i=0; while [ $i -lt 40 ]; do echo same,yes-label; i=$((i + 1)); done) >"$scratch/task/examples.csv"; refuses "every example identical" examples.csv
fresh; sed -i 's/{{text}}/{{txet}}/' "$scratch/task/task.yaml"; refuses "template names no column" task.yaml:4 txet
with_schema() { # SCHEMA
	fresh
	printf '%s' "$1" >"$scratch/task/answer.json"
	echo 'variants: [{name: typed, schema: answer.json}]' >>"$scratch/task/task.yaml"
}
with_schema '{"type": "object", "properties": {"label": {"type": "string", "format": "date"}}}'
refuses "a schema with an unsupported keyword" answer.json '#/properties/label/format: the keyword is not supported'
with_schema '{"type": "object", "properties": {"label": '; refuses "a schema that is not JSON" answer.json 'line 1'
with_schema '{}'; rm "$scratch/task/answer.json"; refuses "missing schema file" task.yaml:7 answer.json
with_schema '{"type": "string", "minLength": 300}'; refuses "a schema that needs more tokens" task.yaml:7 max_tokens 302
fresh
{ good_examples; head -c 1073741824 /dev/zero | tr '\0' 'x'; } >"$scratch/task/examples.csv"
refuses "a line of 1 GB" examples.csv
finish
