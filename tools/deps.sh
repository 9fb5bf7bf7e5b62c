#!/bin/sh
# deps.sh APT_PACKAGES BREW_PACKAGES - installs the system packages that are missing: apt as root or with sudo, Homebrew;
# on any other machine it says what to run.
set -eu

missing_apt() {
	for package in $1; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || printf '%s ' "$package"
	done
}

if command -v dpkg-query >/dev/null 2>&1; then
	missing=$(missing_apt "$1")
	[ -n "$missing" ] || exit 0
	# A gcc, make or python from elsewhere does as well as Debian's.
	needed=
	for package in $missing; do
		case $package in
		gcc | make | python3 | unzip) command -v "$package" >/dev/null 2>&1 || needed="$needed $package" ;;
		python3-pip) python3 -m pip --version >/dev/null 2>&1 || needed="$needed $package" ;;
		pkg-config) command -v pkg-config >/dev/null 2>&1 || needed="$needed $package" ;;
		*) needed="$needed $package" ;;
		esac
	done
	[ -n "$needed" ] || exit 0
	if [ "$(id -u)" = 0 ]; then
		as_root=
	elif command -v sudo >/dev/null 2>&1; then
		as_root=sudo
	else
		echo "deps: run this as root: apt-get install$needed" >&2
		exit 1
	fi
	echo "installing$needed" >&2
	$as_root apt-get update -qq
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $needed >/dev/null
elif command -v brew >/dev/null 2>&1; then
	# shellcheck disable=SC2086
	brew list --formula $2 >/dev/null 2>&1 || brew install --quiet $2
else
	echo "deps: install these with your package manager, under the names it gives them: $1" >&2
	exit 1
fi
