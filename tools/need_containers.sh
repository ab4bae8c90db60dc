# shellcheck shell=sh
# Sourced in the root of the checkout. `need_containers WHO [both]` sets what containers.sh prints; without a container
# engine it ends the script with code 77, and the last line says what for.
need_containers() {
    who=$1
    shift
    settings=$(tools/containers.sh "$@") || {
        rc=$?
        [ "$rc" != 77 ] || echo "$who: a container engine is needed, and none that works could be found or installed (details above)"
        exit "$rc"
    }
    eval "$settings"
}
