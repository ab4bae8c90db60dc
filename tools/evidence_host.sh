#!/bin/sh
# Captures on a host whose disk is full, whose mounts hang, and whose every write is watched: in a mount namespace of their
# own. Without root: exit code 77, and the last line says why.
set -eu
cd "$(dirname "$0")/.."
. tools/program.sh
if [ "$(id -u)" != 0 ]; then
    echo "only root can mount a small disk, in a namespace of its own"
    exit 77
fi
AGE=$(program evidence-host age usr/bin/age)
AGE_KEYGEN=$(dirname "$AGE")/age-keygen
STRACE=$(program evidence-host strace usr/bin/strace)
MOUNTS_OF_THE_MACHINE=$(readlink /proc/self/ns/mnt)
export AGE AGE_KEYGEN STRACE MOUNTS_OF_THE_MACHINE
exec unshare --mount --propagation private pytest -q tests/evidence_host "$@"
