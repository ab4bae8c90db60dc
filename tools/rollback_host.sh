#!/bin/sh
# Switches of files that are killed at every write, on disks that are full, read-only or keep flags: in a mount namespace of
# their own. Without root: exit code 77, and the last line says why.
set -eu
cd "$(dirname "$0")/.."
. tools/program.sh
if [ "$(id -u)" != 0 ]; then
    echo "only root can mount a small disk, in a namespace of its own"
    exit 77
fi
STRACE=$(program rollback-host strace usr/bin/strace)
MOUNTS_OF_THE_MACHINE=$(readlink /proc/self/ns/mnt)
export STRACE MOUNTS_OF_THE_MACHINE
exec unshare --mount --propagation private pytest -q tests/rollback_host "$@"
