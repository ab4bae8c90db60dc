#!/bin/sh
# The renderings, judged by the tools that read them. promtool is taken from PATH, else from the distribution's package,
# which is unpacked and not installed: nobody wants a Prometheus to be started.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'formats: %s\n' "$*" >&2; }

fetch() {
    say "unpacking promtool of the package prometheus"
    rm -rf build/promtool
    mkdir -p build/promtool
    (
        cd build/promtool
        [ "$(id -u)" != 0 ] || apt-get update -qq || true
        apt-get download -qq prometheus && dpkg-deb --extract prometheus_*.deb . && rm prometheus_*.deb
    ) >&2 </dev/null
}

PROMTOOL=$(command -v promtool || true)
if [ -z "$PROMTOOL" ]; then
    PROMTOOL=$PWD/build/promtool/usr/bin/promtool
    [ -x "$PROMTOOL" ] || fetch || true
fi
"$PROMTOOL" --version >/dev/null 2>&1 || {
    say "promtool is needed, and could not be had: install it, for example: sudo apt-get install prometheus"
    exit 1
}
export PROMTOOL
exec pytest -q tests/formats "$@"
