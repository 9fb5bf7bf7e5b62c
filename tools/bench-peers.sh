#!/bin/sh
# bench-peers.sh FOLDER - the peers of `make bench-engine`, in a Python environment of their own in FOLDER.
#
# llama.cpp is compiled here (minutes), for this processor and nothing else: it then uses AVX-512, VNNI and BF16 where
# they are there, llamafile's matrix kernels and repacked weights. That is the peer at its best; a wheel would not be.
set -eu
folder=$1
python3 -m venv "$folder"
export CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-2}"
export CMAKE_ARGS="${CMAKE_ARGS:--DGGML_NATIVE=ON -DGGML_LLAMAFILE=ON -DMTMD_BUILD=OFF}"
"$folder/bin/pip" install --disable-pip-version-check --quiet --no-binary llama-cpp-python -r bench/peers.txt
"$folder/bin/python" bench/peers.py about
