#!/bin/sh
# Services on hosts with a systemd of their own. Without a container engine: exit code 77, and the last line says why.
set -eu
cd "$(dirname "$0")/.."
. tools/need_containers.sh
need_containers "hosts with systemd" all
# Hosts side by side (conftest.py): they mostly wait.
exec pytest -q -n 2 tests/systemd "$@"
