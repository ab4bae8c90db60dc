#!/bin/sh
# Runs a command as the first process of new network, process and mount namespaces: enter.sh COMMAND...
# Everything that it starts, and every interface and bridge that it makes, is gone with it, however it ends.
set -eu
if [ "$(id -u)" != 0 ]; then
    echo "bench: namespaces with sshd need root" >&2
    exit 77
fi
home=$(cd "$(dirname "$0")/../.." && pwd)/build/bench
mkdir -p "$home/log"

# sshd comes from the distribution, or is unpacked beside the measurements: nothing is installed.
if [ -x /usr/sbin/sshd ]; then
    SSHD=/usr/sbin/sshd
else
    SSHD=$home/openssh/usr/sbin/sshd
    if [ ! -x "$SSHD" ]; then
        mkdir -p "$home/packages"
        (cd "$home/packages" && apt-get -o APT::Sandbox::User=root download openssh-server libwrap0 >&2)
        for package in "$home"/packages/*.deb; do dpkg -x "$package" "$home/openssh"; done
    fi
    LD_LIBRARY_PATH=$(dirname "$(find "$home/openssh" -name 'libwrap.so.0')")
    export LD_LIBRARY_PATH
fi
export SSHD

# pyinfra in an environment of its own: what it needs stays out of the one of the tools.
pins=$(dirname "$0")/competitors/requirements.txt
if ! cmp -s "$pins" "$home/venv/requirements.txt"; then
    rm -rf "$home/venv"
    python3 -m venv --without-pip "$home/venv"
    if UV_SYSTEM_CERTS=1 VIRTUAL_ENV="$home/venv" uv pip install --quiet --requirement "$pins"; then
        cp "$pins" "$home/venv/requirements.txt"
    else
        echo "bench: pyinfra cannot be installed, it is left out" >&2
    fi
fi

# As on a controller of anybody's: Python may keep its compiled code, for every competitor alike.
unset PYTHONDONTWRITEBYTECODE
exec unshare --net --pid --mount --fork --kill-child --mount-proc --propagation private "$@"
