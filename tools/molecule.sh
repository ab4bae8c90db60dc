#!/bin/sh
# Molecule's scenarios on real containers. Without a container engine: exit code 77, and the last line says why.
set -eu
cd "$(dirname "$0")/.."
. tools/need_containers.sh
need_containers "the scenarios of molecule" both
# Molecule would rather have the scenarios in extensions/; at the top they are found first.
export MOLECULE_GLOB="molecule/*/molecule.yml"
# What molecule remembers of the hosts stays in this checkout, and ends with it: by default it is filed under the name of
# the folder, and another checkout of that name, or a run that was killed, would say that the hosts are there already.
export MOLECULE_EPHEMERAL_DIRECTORY="$PWD/.ansible/molecule/state"
rm -rf "$PWD/.ansible/molecule"
exec molecule test --all "$@"
