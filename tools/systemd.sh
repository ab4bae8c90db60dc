#!/bin/sh
# Services on hosts with a systemd of their own. Without a container engine: exit code 77, and the last line says why.
set -eu
cd "$(dirname "$0")/.."
settings=$(tools/containers.sh both) || {
    rc=$?
    [ "$rc" = 77 ] && echo "hosts with systemd need a container engine: none that works could be found or installed (details above)"
    exit "$rc"
}
eval "$settings"
exec pytest -q tests/systemd "$@"
