#!/bin/sh
# packaging.sh - the unit of systemd and the container file: what they say exists, and does what they say.
. tests/e2e/lib.sh
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
export NO_PROXY=127.0.0.1 OPENAI_API_KEY=sk-test-packaging
unit=packaging/rung.service container=packaging/Containerfile

"$rung" serve --help >"$scratch/help"
for file in $unit $container; do
	missing=
	for option in $(grep -E '^(ExecStart|ENTRYPOINT|#     RUNG_OPTIONS)' $file | grep -oE -- '--[a-z-]+' | sort -u); do
		grep -qE -- "(^|[ ,])$option( |$)" "$scratch/help" || missing="$missing $option"
	done
	if [ -z "$missing" ]; then ok "$file: every option exists"; else fail "$file: every option exists" "$missing"; fi
done

# drain (gateway.c), the journal (gateway.c), the access log and the collector (gateway_tell.c), one after another
seconds() { grep -oE "$2 = [0-9]+e3" "src/serve/$1" | grep -oE '[0-9]+e3' | sed 's/e3//'; }
least=$(($(seconds gateway.c drain_usual_ms) + $(grep -oE 'close_ms = [0-9]+e3' src/serve/gateway.c | grep -oE '[0-9]+e' | tr -d e) + 2 * ($(seconds gateway_tell.c close_ms) + 1)))
most=$(sed -n 's/^TimeoutStopSec=//p' $unit)
if [ "$most" -gt "$least" ]; then ok "the unit waits longer than it takes to stop"; else
	fail "the unit waits longer than it takes to stop" "$most s, and it may take $least s"; fi

if command -v systemd-analyze >/dev/null; then
	sed "s|/usr/local/bin/rung|$rung|; /^Documentation/d" $unit >"$scratch/rung.service"
	if systemd-analyze verify "$scratch/rung.service" >"$scratch/out" 2>&1 && [ ! -s "$scratch/out" ]; then ok "systemd takes the unit"; else
		fail "systemd takes the unit" "$(head -c 500 "$scratch/out")"; fi
	if systemd-analyze security --offline=true --threshold=20 --no-pager "$scratch/rung.service" >"$scratch/out" 2>&1; then ok "systemd calls the unit safe"; else
		fail "systemd calls the unit safe" "$(tail -1 "$scratch/out")"; fi
else
	skip "systemd takes the unit" "no systemd-analyze here"
fi

# Its command, in folders of our own.
start_faults
mkdir -p "$scratch/lib" "$scratch/log"
"$rung" key add web --keys "$scratch/lib/keys.jsonl" >"$scratch/key"
command=$(sed -n 's/^ExecStart=//p' $unit | sed "s|/usr/local/bin/rung|$rung|; s|/var/lib/rung|$scratch/lib|g; s|/var/log/rung|$scratch/log|g; s|--port 8080|--port 0|")
RUNG_OPTIONS="--upstream http://127.0.0.1:$faults/v1#m" RUNG_TASKS=
mkfifo "$scratch/at"
eval "exec $command" >"$scratch/at" 2>"$scratch/err" &
service=$!
fault_ids="$fault_ids $service"
read -r at <"$scratch/at"
status=$(curl -s -o "$scratch/out" -w '%{http_code}' "$at/readyz")
asked=$(printf '{"model":"http://127.0.0.1:%s/v1#m","messages":[{"role":"user","content":"x"}]}' "$faults" |
	curl -s -o "$scratch/out" -w '%{http_code}' "$at/v1/chat/completions" -H "Authorization: Bearer $(cat "$scratch/key")" --data-binary @-)
kill -HUP $service
after=$(curl -s -o "$scratch/out" -w '%{http_code}' "$at/readyz")
kill -TERM $service
wait $service
ended=$?
if [ "$status $asked $after $ended" = "200 200 200 0" ] && [ -s "$scratch/lib/served.db" ] && grep -q '"http":200' "$scratch/log/access.jsonl"; then
	ok "the unit's command serves, takes SIGHUP and ends by SIGTERM"; else
	fail "the unit's command serves, takes SIGHUP and ends by SIGTERM" "$status $asked $after $ended $(cat "$scratch/err")"; fi

# What the program is linked with, and nothing of the tree but sources.
if command -v dpkg >/dev/null && command -v ldd >/dev/null; then
	missing=
	for library in $(readelf -d "$rung" 2>/dev/null | sed -n 's/.*Shared library: \[\(.*\)\]/\1/p'); do
		case $library in libc.so* | libm.so* | ld-linux* | libasan* | libubsan* | libtsan*) continue ;; esac
		package=$(dpkg -S "*/$library" 2>/dev/null | head -1 | cut -d: -f1)
		grep -qw -- "$package" $container || missing="$missing $library ($package)"
	done
	if [ -z "$missing" ]; then ok "the image has what the program is linked with"; else fail "the image has what the program is linked with" "$missing"; fi
else
	skip "the image has what the program is linked with" "no dpkg here"
fi
missing=
for package in $(sed -n 's/^APT_PACKAGES := //p;' Makefile | tr -d '\\') $(sed -n '/^APT_PACKAGES/,/^BREW/p' Makefile | grep -oE 'lib[a-z0-9-]+-dev'); do
	case $package in lib*-dev) [ "$package" = libcmocka-dev ] || grep -qw -- "$package" $container || missing="$missing $package" ;; esac
done
if [ -z "$missing" ]; then ok "the image is built with what make deps installs"; else fail "the image is built with what make deps installs" "$missing"; fi
if ! grep '^COPY' $container | grep -qE 'models|examples|\.env|keys| \. '; then ok "no model, task or key is copied into the image"; else
	fail "no model, task or key is copied into the image" "$(grep '^COPY' $container)"; fi
if grep -q '^USER 10001' $container && grep -q '^HEALTHCHECK.*readyz' $container; then ok "the image's user is not root, and its health is /readyz"; else
	fail "the image's user is not root, and its health is /readyz" "$(grep -n USER $container)"; fi
finish
