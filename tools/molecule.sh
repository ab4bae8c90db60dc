#!/bin/sh
# Molecule's scenarios on real containers. Without a container engine: exit code 77, and the last line says why.
set -eu
cd "$(dirname "$0")/.."
settings=$(tools/containers.sh both) || {
    rc=$?
    [ "$rc" = 77 ] && echo "molecule needs containers: no engine that works could be found or installed (details above)"
    exit "$rc"
}
eval "$settings"
# Molecule would rather have the scenarios in extensions/; at the top they are found first.
export MOLECULE_GLOB="molecule/*/molecule.yml"
exec molecule test --all "$@"
