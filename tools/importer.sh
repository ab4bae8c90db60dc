#!/bin/sh
# Build the release from the mirror, and let Galaxy's importer judge it. A warning is a failure.
# What may be in it is listed in tests/tools/test_release_archive.py.
set -eu
cd "$(dirname "$0")/.."
out=$PWD/build/release
rm -rf "$out"
mkdir -p "$out"
ansible-galaxy collection build --force --output-path "$out" build/ansible_collections/toombos/incident
archive=$(ls "$out"/toombos-incident-*.tar.gz)

cd "$out" # where it leaves importer_result.json
GALAXY_IMPORTER_CONFIG=$OLDPWD/tools/galaxy-importer.cfg python -m galaxy_importer.main "$archive" >importer.log 2>&1 || {
    cat importer.log
    exit 1
}
cat importer.log
if grep -E 'WARNING|ERROR' importer.log; then
    echo "The importer warned."
    exit 1
fi
