#!/bin/sh
# docs_kill.sh - kill -9 while documents are added or removed: after each the library is whole, and in the end it is what
# an undisturbed one would be. RUNG_KILLS says how often (default 12; 4 with sanitizers).
. tests/e2e/lib.sh

mkdir "$scratch/models"
ln -s "$PWD/tests/reference/golden/tiny-bert" "$scratch/models/all-MiniLM-L6-v2"
export RUNG_MODELS="$scratch/models"
task=$scratch/task
case $rung in *address* | *thread*) usual=4 ;; *) usual=12 ;; esac # with sanitizers each takes four times as long
kills=${RUNG_KILLS:-$usual}

mkdir -p "$task/docs"
cat >"$task/task.yaml" <<'Y'
name: t
instruction: Choose one of {{labels}}.
input: "{{text}}"
examples: {file: examples.csv, answer: label}
documents: docs
Y

# Round N of the documents: some change, some come, some go.
write_round() {
	python3 - "$task/docs" "$1" <<'PY'
import os, random, sys
folder, number = sys.argv[1], int(sys.argv[2])
draw = random.Random(number)
for i in range(400):
    path = f"{folder}/{i}.md"
    if number and draw.random() < .6:
        continue
    if number and draw.random() < .2:
        if os.path.exists(path):
            os.remove(path)
        continue
    with open(path, "w") as out:
        for part in range(6):
            out.write(f"# Part {part}\n\n" + "the cat sat on a mat and ran. " * 25 + f"word{i}x{part}x{draw.randrange(3)}\n\n")
PY
}

write_round 0
began=$(date +%s%N)
"$rung" docs add "$task" --quiet >"$scratch/out" 2>&1 || fail "an undisturbed run" "$(tail -c 400 "$scratch/out")"
ms=$((($(date +%s%N) - began) / 1000000))
rm -r "$task/.rung"

unclean=0 cut_short=0 round=0
while [ $cut_short -lt "$kills" ] && [ $round -lt $((kills * 4)) ]; do # a run that was done before it was killed does not count
	round=$((round + 1))
	write_round $round
	if [ $((round % 4)) -eq 3 ]; then set -- rm "$task" "docs/*$((round % 7)).md"; else set -- add "$task"; fi
	"$rung" docs "$@" --quiet >/dev/null 2>&1 &
	pid=$!
	wait_ms=$(((round * 37 % 100) * ms / 400)) # in different places; a round is less than the whole
	sleep "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))"
	kill -9 $pid 2>/dev/null && cut_short=$((cut_short + 1))
	wait $pid 2>/dev/null
	[ -e "$task/.rung/docs.db" ] || continue
	if ! "$rung" docs verify "$task" >"$scratch/out" 2>&1 && ! grep -q 'no documents here' "$scratch/out"; then
		unclean=$((unclean + 1))
		echo "round $round: $(head -c 400 "$scratch/out")"
	fi
done
echo "$round runs, $cut_short of them killed before they were done"
if [ $unclean -eq 0 ] && [ $cut_short -eq "$kills" ]; then ok "$kills kills leave no orphan and no broken index"; else
	fail "$kills kills leave no orphan and no broken index" "$unclean of $cut_short were not clean"
fi

"$rung" docs add "$task" --quiet >"$scratch/out" 2>&1 || fail "running again finishes" "$(tail -c 400 "$scratch/out")"
"$rung" docs add "$task" --quiet --store "$scratch/fresh/store.db" >"$scratch/out" 2>&1
# Everything that can be found, in an order that does not depend on when it was written.
contents() { # STORE
	"$rung" docs verify "$task" --store "$1"
	"$rung" docs ls "$task" --json --store "$1"
	for mode in words vectors; do
		"$rung" docs search "$task" "cat mat" --k 100000 --mode $mode --json --store "$1" |
			python3 -c 'import json,sys; print(*sorted(json.dumps({**p, "rank": 0}, sort_keys=True) for p in json.load(sys.stdin)["passages"]), sep="\n")'
	done
}
contents "$task/.rung/store.db" >"$scratch/a" 2>&1
contents "$scratch/fresh/store.db" >"$scratch/b" 2>&1
if cmp -s "$scratch/a" "$scratch/b" && [ "$(wc -l <"$scratch/a")" -gt 1000 ]; then
	ok "running again finishes, as if nothing had happened"
else
	fail "running again finishes, as if nothing had happened" "$(diff "$scratch/a" "$scratch/b" | head -c 600)"
fi
finish
