#!/bin/sh
# Unit tests, and how much of the engines (everything that is not argument spec and wiring) they reach.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build/coverage
engines=ansible_collections.toombos.incident.plugins
exec pytest -q -n 2 tests/unit --cov="$engines.module_utils" --cov="$engines.plugin_utils" \
    --cov-report=term:skip-covered --cov-fail-under=95 "$@"
