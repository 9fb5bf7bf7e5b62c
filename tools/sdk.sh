#!/bin/sh
# sdk.sh FOLDER - the packages of tests/sdk.txt in a Python environment of their own, for tests/e2e/sdk.sh.
set -eu
folder=$1
python3 -m venv "$folder"
"$folder/bin/pip" install --disable-pip-version-check --quiet -r tests/sdk.txt
