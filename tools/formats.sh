#!/bin/sh
# The renderings, judged by the tools that read them.
set -eu
cd "$(dirname "$0")/.."
. tools/program.sh

PROMTOOL=$(program formats prometheus usr/bin/promtool)
export PROMTOOL
exec pytest -q tests/formats "$@"
