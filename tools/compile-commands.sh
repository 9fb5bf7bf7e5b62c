#!/bin/sh
# compile-commands.sh FLAGS FILE... - compile_commands.json for editors and clang-tidy, on standard output.
set -eu
flags=$(printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g')
shift
separator='['
for file; do
	printf '%s\n{"directory": "%s", "file": "%s", "command": "cc %s -c %s"}' "$separator" "$PWD" "$file" "$flags" "$file"
	separator=','
done
printf '\n]\n'
