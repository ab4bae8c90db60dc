#!/bin/sh
# Unit tests, and how much of the engines (everything that is not argument spec and wiring) they reach. The engines are
# named by folder: named as packages, a file that no test imports would not count.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build/coverage
exec pytest -q -n 3 tests/unit --cov=plugins/module_utils --cov=plugins/plugin_utils \
    --cov-report=term:skip-covered --cov-fail-under=95 "$@"
