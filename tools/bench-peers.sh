#!/bin/sh
# bench-peers.sh FOLDER - the peers of `make bench-engine` and `make bench-retrieve`, in a Python environment of their own in
# FOLDER.
#
# llama.cpp, hnswlib and sqlite-vec are compiled here (minutes), for this processor and nothing else: llama.cpp then uses
# AVX-512, VNNI and BF16 where they are there, llamafile's matrix kernels and repacked weights. Those are the peers at their
# best; wheels would not be. faiss and usearch choose at run time.
set -eu
folder=$1
python3 -m venv "$folder"
export CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-2}"
export CMAKE_ARGS="${CMAKE_ARGS:--DGGML_NATIVE=ON -DGGML_LLAMAFILE=ON -DMTMD_BUILD=OFF}"
"$folder/bin/pip" install --disable-pip-version-check --quiet --no-binary llama-cpp-python,hnswlib -r bench/peers.txt

# sqlite-vec's wheel has no AVX (f32 takes twice as long). Its source is a crate: where there is a cargo to fetch it, what is
# compiled from it takes the place of the wheel's; bench-retrieve says which it ran.
if command -v cargo >/dev/null && [ "$(uname -m)" = x86_64 ]; then
	version=$(sed -n 's/^sqlite-vec==//p' bench/peers.txt)
	source=$(mktemp -d)
	mkdir "$source/src"
	touch "$source/src/lib.rs"
	printf '[package]\nname = "peers"\nversion = "0.0.0"\n[dependencies]\nsqlite-vec = "=%s"\n' "$version" >"$source/Cargo.toml"
	(cd "$source" && cargo vendor --quiet crates >/dev/null)
	target=$("$folder/bin/python" -c 'import sqlite_vec; print(sqlite_vec.loadable_path())').so
	"${CC:-cc}" -O3 -march=native -fPIC -shared -DSQLITE_VEC_ENABLE_AVX -o "$target" "$source/crates/sqlite-vec/sqlite-vec.c" -lm
	rm -rf "$source"
fi
"$folder/bin/python" bench/peers.py about
"$folder/bin/python" bench/retrieve_peers.py about
