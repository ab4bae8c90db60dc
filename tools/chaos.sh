#!/bin/sh
# The fault campaign. With `--where containers`: without a container engine exit code 77, and the last line says why.
set -eu
cd "$(dirname "$0")/.."
case " $* " in
    *" containers "*)
        settings=$(tools/containers.sh both) || {
            rc=$?
            [ "$rc" = 77 ] && echo "the campaign on containers needs an engine: none that works could be found or installed (details above)"
            exit "$rc"
        }
        eval "$settings"
        ;;
esac
exec python tests/chaos/chaos.py "$@"
