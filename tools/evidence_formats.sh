#!/bin/sh
# Bags, bodyfiles, timelines and graphs of evidence, judged by the tools that read them: mactime of the Sleuth Kit from the
# distribution, plaso, bagit and case_validate in environments of their own, which have nothing to do with ours.
set -eu
cd "$(dirname "$0")/.."
. tools/program.sh
export UV_SYSTEM_CERTS=1

environment() {
    venv=$PWD/build/$1
    python=$(command -v python)
    if [ "$("$venv/bin/python" -V 2>/dev/null)" != "$("$python" -V)" ]; then
        uv venv --quiet --clear --python "$python" "$venv" >&2
    fi
    uv pip sync --quiet --require-hashes --python "$venv/bin/python" "requirements/$1.txt" >&2
    printf '%s\n' "$venv/bin"
}

MACTIME=$(program evidence-formats sleuthkit usr/bin/mactime)
BAG_TOOLS=$(environment bags)
PLASO=$(environment plaso)
export MACTIME BAG_TOOLS PLASO
exec pytest -q tests/evidence_formats "$@"
