#!/bin/sh
# A container engine and the image of a host with systemd, sshd and Python, for the molecule scenarios.
#
# `eval "$(tools/containers.sh)"` sets INCIDENT_ENGINE, INCIDENT_IMAGE and, where the engine needs other settings than its
# own here, CONTAINERS_CONF. Exit code 77: no engine can be had; the last line says why.
#
# INCIDENT_IMAGE, set before: that image is used as it is. INCIDENT_BASE: the stock image to build from (debian:trixie).
set -eu
cd "$(dirname "$0")/.."
packages="systemd systemd-sysv dbus openssh-server python3 python3-fastapi python3-uvicorn python3-pydantic-settings sudo iproute2 procps supervisor"
suite=trixie
# The tag follows from what is in it: other packages make another image.
image=${INCIDENT_IMAGE:-localhost/toombos-incident-host:$(echo "$suite $packages" | cksum | cut -d ' ' -f 1)}

say() { printf 'containers: %s\n' "$*" >&2; }
skip() { say "$*"; exit 77; }

is_root_on_debian() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

install() {
    say "installing $*"
    export DEBIAN_FRONTEND=noninteractive
    for try in 1 2; do
        if apt-get update -qq && apt-get install -qq -y --no-install-recommends "$@"; then
            return 0
        fi
        [ "$try" = 2 ] || sleep 5
    done >&2 </dev/null
    return 1
}

find_engine() {
    for engine in podman docker; do
        if command -v "$engine" >/dev/null && "$engine" info >/dev/null 2>&1; then
            echo "$engine"
            return
        fi
    done
}

# The host image, from the distribution's packages alone when that is possible, else on top of a stock image.
build_image() {
    say "building $image"
    list=$(echo "$packages" | tr ' ' ',')
    if is_root_on_debian && { command -v mmdebstrap >/dev/null || install mmdebstrap; } &&
        mmdebstrap --quiet --variant=minbase --include="$list" "$suite" - 2>build/logs/image.log | "$engine" import - "$image" >&2; then
        return
    fi
    printf 'FROM %s\nRUN apt-get update && apt-get install -y --no-install-recommends %s && apt-get clean\nCMD ["/sbin/init"]\n' \
        "${INCIDENT_BASE:-docker.io/library/debian:$suite}" "$packages" | "$engine" build -t "$image" - >&2
}

has_image() { "$engine" image inspect "$image" >/dev/null 2>&1; }

boots() { # a privileged container with systemd in it starts
    "$engine" run --rm --privileged "$image" /bin/true >build/logs/container.log 2>&1
}

mkdir -p build/logs
engine=$(find_engine)
if [ -z "$engine" ]; then
    is_root_on_debian || skip "no podman or docker here; install one, for example: sudo apt-get install podman"
    install podman runc mmdebstrap || skip "podman could not be installed from the distribution"
    engine=$(find_engine)
    [ -n "$engine" ] || skip "podman is installed, but does not work here: $(podman info 2>&1 | tail -n 1)"
fi
if ! has_image && ! build_image; then
    skip "$image could neither be built from packages nor from a stock image"
fi
conf=${CONTAINERS_CONF:-}
if ! boots && [ "$engine" = podman ]; then
    # Sandboxes with low limits and without systemd: no cgroup manager to talk to, no raising of limits.
    conf=$PWD/tools/containers.conf
    CONTAINERS_CONF=$conf
    export CONTAINERS_CONF
    command -v runc >/dev/null || { is_root_on_debian && install runc; } || true
    boots || skip "podman cannot start a privileged container here: $(tail -n 1 build/logs/container.log)"
fi
printf 'export INCIDENT_ENGINE=%s INCIDENT_IMAGE=%s\n' "$engine" "$image"
[ -z "$conf" ] || printf 'export CONTAINERS_CONF=%s\n' "$conf"
