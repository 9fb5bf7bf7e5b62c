#!/bin/sh
# neon.sh [TEST...] - builds the engine and the scans for 64-bit ARM and runs their unit tests (or the named ones) under
# qemu: Debian on x86-64 only. Installs the cross compiler, the emulator and the libraries' arm64 packages when they are
# missing, for which dpkg must know the architecture. Real models and data are left out: an emulator takes minutes for
# what takes seconds. Not part of CI.
set -eu

packages="gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user libfyaml-dev:arm64 libjansson-dev:arm64
	libutf8proc-dev:arm64 libsqlite3-dev:arm64 libmd4c-dev:arm64 libgumbo-dev:arm64 libmicrohttpd-dev:arm64 libgnutls28-dev:arm64 libcurl4-openssl-dev:arm64 libcmocka-dev:arm64"
tests=${*:-$(cd tests/unit && ls base.c llm_*.c schema.c retrieve_vectors.c | sed 's/\.c$//')}

if ! command -v dpkg-query >/dev/null 2>&1 || [ "$(dpkg --print-architecture)" != amd64 ]; then
	echo "neon: this needs Debian on x86-64; on an ARM machine \`make test\` runs the same code" >&2
	exit 1
fi
for package in $packages; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' && continue
	if [ "$(id -u)" = 0 ]; then as_root=; else as_root=sudo; fi
	$as_root dpkg --add-architecture arm64
	$as_root apt-get update -qq
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $packages >/dev/null
	break
done

export PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig
set --
for test in $tests; do
	set -- "$@" "build/neon/tests/$test"
done
make --no-print-directory B=build/neon CC=aarch64-linux-gnu-gcc "$@"
RUNG_MODELS=/nonexistent RUNG_DATA=/nonexistent EMULATOR=qemu-aarch64 tests/run.sh build/neon "$@"
