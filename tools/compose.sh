#!/bin/sh
# Services of a compose project in real containers. Without a container engine: exit code 77, and the last line says why.
set -eu
cd "$(dirname "$0")/.."
settings=$(tools/containers.sh) || {
    rc=$?
    [ "$rc" = 77 ] && echo "real containers need an engine: none that works could be found or installed (details above)"
    exit "$rc"
}
eval "$settings"
set -- pytest -q tests/compose "$@"
# A network namespace of its own: the engine's bridges and its firewall rules for published ports stay in there.
[ "$INCIDENT_ENGINE" = podman ] && [ "$(id -u)" = 0 ] && set -- unshare --net sh -c 'ip link set lo up && exec "$@"' sh "$@"
exec "$@"
