#!/bin/sh
# serve-peers.sh FOLDER - the peers of `make bench-serve`, in FOLDER: LiteLLM's proxy and TensorZero's embedded gateway (Python packages),
# Portkey's gateway (a Node package, where there is npm).
set -eu
folder=$1
python3 -m venv "$folder"
"$folder/bin/pip" install --disable-pip-version-check --quiet 'litellm[proxy]==1.106.12' tensorzero==2026.6.0
if command -v npm >/dev/null; then
	npm install --silent --no-fund --no-audit --prefix "$folder/node" @portkey-ai/gateway@1.15.2 >/dev/null
fi
"$folder/bin/pip" list 2>/dev/null | grep -i '^\(litellm\|tensorzero\) '
[ ! -d "$folder/node/node_modules" ] || npm ls --prefix "$folder/node" | grep portkey
