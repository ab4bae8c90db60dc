#!/bin/sh
# A container engine and the images of hosts with systemd, sshd and Python, for the molecule scenarios.
#
# `eval "$(tools/containers.sh)"` sets INCIDENT_ENGINE, INCIDENT_IMAGE (Debian 13), with the argument "both" also
# INCIDENT_IMAGE_OLD (Debian 12), with "filters" INCIDENT_IMAGE_FILTERS (Debian 13, packet filters and what manages them,
# pytest), with "all" both of these, and, where the engine needs other settings than its own here, CONTAINERS_CONF.
# Exit code 77: no engine can be had; the last line says why.
#
# INCIDENT_IMAGE, INCIDENT_IMAGE_OLD or INCIDENT_IMAGE_FILTERS, set before: that image is used as it is.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build/logs
# One at a time: packages and images are installed by whoever comes first, the others find them.
[ "${CONTAINERS_LOCKED:-}" = 1 ] || CONTAINERS_LOCKED=1 exec flock -o build/packages.lock tools/containers.sh "$@"
common="systemd systemd-sysv dbus openssh-server python3 python3-starlette python3-uvicorn sudo iproute2 procps supervisor nftables"

packages_of() {
    case $1 in
        trixie) echo "$common python3-pydantic-settings" ;;
        bookworm) echo "$common python3-pydantic python3-dotenv" ;;
        filters)
            echo "systemd systemd-sysv dbus openssh-server python3 python3-pytest iproute2 procps nftables iptables ufw firewalld docker.io docker-cli busybox-static"
            ;;
    esac
}

# The tag follows from what is in it: other packages make another image.
tag_of() { echo "localhost/toombos-incident-host:$(echo "$1 $(packages_of "$1")" | cksum | cut -d ' ' -f 1)"; }

image=${INCIDENT_IMAGE:-$(tag_of trixie)}
image_old=
case ${1:-} in both | all) image_old=${INCIDENT_IMAGE_OLD:-$(tag_of bookworm)} ;; esac
image_filters=
case ${1:-} in filters | all) image_filters=${INCIDENT_IMAGE_FILTERS:-$(tag_of filters)} ;; esac

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
build_image() { # IMAGE SUITE [PACKAGES]
    say "building $1"
    packages=$(packages_of "${3:-$2}")
    list=$(echo "$packages" | tr ' ' ',')
    if is_root_on_debian && { command -v mmdebstrap >/dev/null || install mmdebstrap; } &&
        mmdebstrap --quiet --variant=minbase --include="$list" "$2" - 2>build/logs/image.log | "$engine" import - "$1" >&2; then
        return
    fi
    printf 'FROM %s\nRUN apt-get update && apt-get install -y --no-install-recommends %s && apt-get clean\nCMD ["/sbin/init"]\n' \
        "docker.io/library/debian:$2" "$packages" | "$engine" build -t "$1" - >&2
}

has_image() { "$engine" image inspect "$1" >/dev/null 2>&1; }

boots() { # a privileged container with systemd in it starts
    "$engine" run --rm --privileged "$image" /bin/true >build/logs/container.log 2>&1
}

engine=$(find_engine)
if [ -z "$engine" ]; then
    is_root_on_debian || skip "no podman or docker here; install one, for example: sudo apt-get install podman"
    install podman runc mmdebstrap || skip "podman could not be installed from the distribution"
    engine=$(find_engine)
    [ -n "$engine" ] || skip "podman is installed, but does not work here: $(podman info 2>&1 | tail -n 1)"
fi
has_image "$image" || build_image "$image" trixie || skip "$image could neither be built from packages nor from a stock image"
if [ -n "$image_old" ] && ! has_image "$image_old"; then
    build_image "$image_old" bookworm || skip "$image_old could neither be built from packages nor from a stock image"
fi
if [ -n "$image_filters" ] && ! has_image "$image_filters"; then
    build_image "$image_filters" trixie filters || skip "$image_filters could neither be built from packages nor from a stock image"
fi
conf=${CONTAINERS_CONF:-}
if ! boots && [ "$engine" = podman ]; then
    # Sandboxes with low limits and without systemd: no cgroup manager to talk to, no raising of limits.
    conf=$PWD/tools/containers.conf
    CONTAINERS_CONF=$conf
    export CONTAINERS_CONF
    command -v runc >/dev/null || { is_root_on_debian && install runc; } || true
    boots || skip "podman cannot start a privileged container here: $(tail -n 1 build/logs/container.log)"
    # Without systemd all containers together weigh as much as one process beside them, and starve where there are many.
    for weight in cpu/libpod_parent/cpu.shares:3072 libpod_parent/cpu.weight:300; do
        [ ! -w "/sys/fs/cgroup/${weight%:*}" ] || echo "${weight#*:}" >"/sys/fs/cgroup/${weight%:*}" || true
    done
fi
printf 'export INCIDENT_ENGINE=%s INCIDENT_IMAGE=%s\n' "$engine" "$image"
[ -z "$image_old" ] || printf 'export INCIDENT_IMAGE_OLD=%s\n' "$image_old"
[ -z "$image_filters" ] || printf 'export INCIDENT_IMAGE_FILTERS=%s\n' "$image_filters"
[ -z "$conf" ] || printf 'export CONTAINERS_CONF=%s\n' "$conf"
