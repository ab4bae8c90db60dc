#!/bin/sh
# Pin requirements/NAME.in anew in requirements/NAME.txt, with hashes, for the oldest Python that each is meant for.
# Without names: all of them.
set -eu
cd "$(dirname "$0")/../requirements"
export UV_SYSTEM_CERTS=1

python_for() {
    case $1 in
        unit) echo 3.8 ;;
        core-2.20 | core-2.21) echo 3.12 ;;
        *) echo 3.11 ;;
    esac
}

[ $# -gt 0 ] || set -- *.in
for name in "$@"; do
    name=${name%.in}
    uv pip compile --universal --python-version "$(python_for "$name")" --generate-hashes --no-emit-index-url \
        --no-emit-find-links --no-header --quiet --upgrade --output-file "$name.txt" "$name.in"
done
