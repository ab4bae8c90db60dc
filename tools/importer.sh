#!/bin/sh
# Build the release from the mirror, look at what is in it, and let Galaxy's importer judge it. A warning is a failure.
set -eu
cd "$(dirname "$0")/.."
out=$PWD/build/release
rm -rf "$out"
mkdir -p "$out"
ansible-galaxy collection build --force --output-path "$out" build/ansible_collections/toombos/incident
archive=$(ls "$out"/toombos-incident-*.tar.gz)

echo "--- contents"
tar -tzf "$archive" | sort >"$out/contents"
cat "$out/contents"
unwanted=$(grep -vE '^(FILES\.json|MANIFEST\.json|CHANGELOG\.rst|CONTRIBUTING\.md|COPYING|README\.md|changelogs|docs|meta|playbooks|plugins|roles|tests|extensions)(/|$)' "$out/contents" || true)
[ -z "$unwanted" ] || { echo "These do not belong into a release; add them to build_ignore in galaxy.yml:"; echo "$unwanted"; exit 1; }
if grep -E '\.pyc$|/__pycache__|/\.[^/]*$|/tests/lab' "$out/contents"; then
    echo "Caches, hidden files or the lab got into the release."
    exit 1
fi

echo "--- importer"
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
