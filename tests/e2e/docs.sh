#!/bin/sh
# docs.sh - rung docs as a person uses it: add, change one file, remove, search, watch, verify; and what goes wrong.
. tests/e2e/lib.sh

# A tiny encoder with random weights: what is kept and found does not depend on which.
mkdir "$scratch/models"
ln -s "$PWD/tests/reference/golden/tiny-bert" "$scratch/models/all-MiniLM-L6-v2"
export RUNG_MODELS="$scratch/models"
task=$scratch/task

docs() { # VERB ...: output in $scratch/out and $scratch/err, exit code in $status
	verb=$1
	shift
	"$rung" docs "$verb" "$task" "$@" >"$scratch/out" 2>"$scratch/err"
	status=$?
}
expect() { # NAME STATUS FRAGMENT...: the last command ended so, and said so
	name=$1 want=$2
	shift 2
	if [ $status -ne "$want" ]; then fail "$name" "exit $status: $(tail -c 400 "$scratch/out" "$scratch/err")"; return; fi
	for fragment; do
		if ! cat "$scratch/out" "$scratch/err" | grep -qF -- "$fragment"; then
			fail "$name" "\"$fragment\" is not in: $(tail -c 600 "$scratch/out" "$scratch/err")"
			return
		fi
	done
	ok "$name"
}

mkdir -p "$task/docs/sub"
cat >"$task/task.yaml" <<'Y'
name: t
instruction: Choose one of {{labels}}.
input: "{{text}}"
examples: {file: examples.csv, answer: label}
documents: docs/**/*.md
Y
python3 - "$task/docs" <<'PY'
import sys
for i in range(6):
    with open(f"{sys.argv[1]}/{'sub/' if i % 2 else ''}{i}.md", "w", encoding="utf-8") as out:
        for part in range(5):
            out.write(f"# Part {part} of {i}\n\n" + "the cat sat on a mat and ran, caf\u00e9. " * 20 + f"word{i}x{part}\n\n")
PY

docs search "cat"
expect "a search before anything was added" 1 "docs.db: no documents here; run \`rung docs add\` first"
docs add
expect "the task's documents are added" 0 "added 6, changed 0, unchanged 0, removed 0, refused 0"
all=$(sed -n 's/.*embedded: //p' "$scratch/out")
docs add
expect "and are not read twice" 0 "added 0, changed 0, unchanged 6, removed 0, refused 0; chunks embedded: 0"
docs ls
expect "they are listed" 0 "docs/sub/3.md" "6 documents, $all chunks" "all-MiniLM-L6-v2: ready"
docs search "word3x4" --mode words -k 1
expect "a word finds its passage" 0 "1. " "docs/sub/3.md  Part 4 of 3  ["

docs search "cat word2x2" --k 1000 --json
if [ $status -eq 0 ] && python3 - "$scratch/out" "$task" <<'PY'; then ok "passages are the files' bytes"; else fail "passages are the files' bytes" "exit $status"; fi
import json, sys
result = json.load(open(sys.argv[1], encoding="utf-8"))
assert result["schema"] == 1 and result["mode"] == "fused" and len(result["passages"]) > 20
for i, p in enumerate(result["passages"]):
    data = open(f"{sys.argv[2]}/{p['document']}", "rb").read()
    assert p["rank"] == i + 1 and data[p["start"]:p["end"]] == p["text"].encode(), p
PY

sed -i 's/word2x2/ostrich/' "$task/docs/2.md"
docs add
expect "one changed file" 0 "added 0, changed 1, unchanged 5, removed 0, refused 0"
changed=$(sed -n 's/.*embedded: //p' "$scratch/out")
if [ "$changed" -ge 1 ] && [ "$changed" -le 2 ]; then ok "only its changed chunks are embedded"; else
	fail "only its changed chunks are embedded" "$changed of $all"
fi
found=""
for mode in words vectors fused; do
	docs search "word2x2 cat" --mode $mode --k 1000
	[ $status -eq 0 ] && ! grep -q word2x2 "$scratch/out" || found="$found $mode"
done
if [ -z "$found" ]; then ok "old text is never returned"; else fail "old text is never returned" "by$found"; fi

rm "$task/docs/sub/1.md"
mkdir "$task/docs/new"
echo "The whale swims." >"$task/docs/new/whale.md"
docs add
expect "files that came and went" 0 "added 1, changed 0, unchanged 5, removed 1, refused 0"
docs rm docs/sub
expect "a folder is removed" 0 "removed 2"
docs rm docs/sub
expect "what is not there cannot be removed" 1 "docs/sub: no document has that name"
docs verify
expect "verify is clean" 0 "no problems"

printf 'code,group,text\nA1,left,an ostrich\nB2,right,an ostrich too\n' >"$scratch/table.csv"
(cd "$scratch" && "$rung" docs add task table.csv --text text --id code) >"$scratch/out" 2>"$scratch/err"
status=$?
expect "rows of a table from elsewhere" 0 "added 2, changed 0, unchanged 0, removed 0, refused 0"
docs search ostrich --filter group=right --mode words
expect "metadata filter" 0 "table.csv#B2" "an ostrich too"
if grep -q '^2\.' "$scratch/out"; then fail "and nothing else passes it" "$(cat "$scratch/out")"; else ok "and nothing else passes it"; fi

docs search x --mode psychic
expect "unknown mode" 1 "mode \"psychic\" is not one of words, vectors, fused"
docs search x --filter group
expect "a filter without a value" 1 "filter \"group\" is not like key=value"
"$rung" docs burn "$task" >"$scratch/out" 2>"$scratch/err"; status=$?
expect "unknown verb" 1 "\"burn\" is not one of add, rm, ls, search, verify"
docs add nowhere.md
expect "a path that is not there" 1 "nowhere.md: there is no such file or folder" "refused 1"

mkdir "$task/bad"
printf 'text \000 binary' >"$task/bad/a.txt"
echo 'The heron waits.' >"$task/bad/b.txt"
ln -s . "$task/bad/loop"
mkfifo "$task/bad/pipe"
truncate -s 1G "$task/bad/giant.txt"
docs add "$task/bad" --quiet
expect "bad files are one sentence each, the others are read" 0 "added 1, changed 0, unchanged 0, removed 0, refused 4" \
	"bad/a.txt: holds a NUL byte" "bad/loop: leads to a folder that was read already" "bad/pipe: is a pipe" "1073741824 bytes"
if [ "$(wc -l <"$scratch/err")" -eq 4 ]; then ok "and no more"; else fail "and no more" "$(cat "$scratch/err")"; fi

# What a damaged library has to say. The words of one chunk are taken out of the index.
cp -r "$task/.rung" "$scratch/damaged"
python3 - "$scratch/damaged/docs.db" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("DELETE FROM chunk_1 WHERE id = (SELECT min(id) FROM chunk_1)")
db.commit()
PY
docs verify --store "$scratch/damaged/store.db"
expect "verify finds damage" 1 "belong to no chunk"

(ulimit -f 64; "$rung" docs add "$task" --store "$scratch/full/store.db" --quiet) >"$scratch/out" 2>"$scratch/err"
status=$?
expect "a full disk is a sentence" 2 "make room"
docs add --store "$scratch/full/store.db"
expect "and the same command goes on" 0 "refused 0"
docs verify --store "$scratch/full/store.db"
expect "with a clean library" 0 "no problems"

# --watch: the first pass, a new folder, a change in it, Ctrl-C.
until_said() { # NAME FRAGMENT
	tries=0
	while ! grep -qF -- "$2" "$scratch/watched"; do
		tries=$((tries + 1))
		if [ $tries -gt 600 ]; then fail "$1" "\"$2\" is not in: $(cat "$scratch/watched" "$scratch/err")"; return; fi
		sleep 0.1
	done
	ok "$1"
}
"$rung" docs add "$task" --watch >"$scratch/watched" 2>"$scratch/err" &
pid=$!
until_said "watch begins with what is there" "removed 0, refused 0"
mkdir -p "$task/docs/later/deep"
echo "The albatross glides." >"$task/docs/later/deep/a.md"
until_said "a new folder is followed" "added 1, changed 0"
echo "The albatross lands." >"$task/docs/later/deep/a.md"
until_said "and what changes in it" "added 0, changed 1"
docs search albatross --mode words
expect "others find it meanwhile" 0 "The albatross lands."
rm -r "$task/docs/later"
until_said "and that it went" "removed 1, refused 0"
kill -INT $pid
wait $pid
status=$?
expect "Ctrl-C ends it cleanly" 0
docs verify
expect "and the library is whole" 0 "no problems"
finish
