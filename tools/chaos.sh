#!/bin/sh
# The fault campaign. With `--where containers`: without a container engine exit code 77, and the last line says why.
set -eu
cd "$(dirname "$0")/.."
case " $* " in
    *" containers "*)
        . tools/need_containers.sh
        need_containers "the campaign on containers" both
        ;;
esac
exec python tests/chaos/chaos.py "$@"
