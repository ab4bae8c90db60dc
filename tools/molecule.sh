#!/bin/sh
# Molecule's scenarios on real containers. Without a container engine: exit code 77, and the last line says why.
set -eu
cd "$(dirname "$0")/.."
. tools/need_containers.sh
need_containers "the scenarios of molecule" both
# Molecule would rather have the scenarios in extensions/; at the top they are found first.
export MOLECULE_GLOB="molecule/*/molecule.yml"
exec molecule test --all "$@"
