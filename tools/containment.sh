#!/bin/sh
# What the packet filters of a containment let through: hosts in network namespaces of one container, whose nft, iptables
# and ufw they are. Without a container engine: exit code 77, and the last line says why.
set -eu
cd "$(dirname "$0")/.."
. tools/need_containers.sh
need_containers "packet filters" filters
root=$(pwd -P)
# At the same place in there, so that the link under which the collection is found leads to it. On several hosts in there
# the clock is running, so that it gets more of the processors than other containers.
exec "$INCIDENT_ENGINE" run --rm --interactive --privileged --network none --name "containment-$$" --cpu-shares 16384 \
    --volume "$root:$root:ro" --workdir "$root" --env PYTHONDONTWRITEBYTECODE=1 --env LC_ALL=C.UTF-8 \
    "$INCIDENT_IMAGE_FILTERS" "${@:-pytest-3}" $([ $# != 0 ] || echo -q tests/containment)
