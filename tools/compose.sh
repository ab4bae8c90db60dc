#!/bin/sh
# Services of a compose project in real containers. Without a container engine: exit code 77, and the last line says why.
set -eu
cd "$(dirname "$0")/.."
. tools/need_containers.sh
need_containers "a compose project"
set -- pytest -q tests/compose "$@"
# A network namespace of its own: the engine's bridges and its firewall rules for published ports stay in there.
[ "$INCIDENT_ENGINE" = podman ] && [ "$(id -u)" = 0 ] && set -- unshare --net sh -c 'ip link set lo up && exec "$@"' sh "$@"
exec "$@"
