#!/bin/sh
# sdk.sh FOLDER - the packages of tests/sdk.txt in a Python environment of their own, for tests/e2e/sdk.sh and clients.sh; and, where there is
# npm, those for Node in FOLDER/node.
set -eu
folder=$1
python3 -m venv "$folder"
"$folder/bin/pip" install --disable-pip-version-check --quiet -r tests/sdk.txt
if command -v npm >/dev/null; then
	npm install --silent --no-fund --no-audit --prefix "$folder/node" openai@6.49.0 @langchain/openai@1.5.8 >/dev/null
fi
