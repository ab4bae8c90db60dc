#!/bin/sh
# Makes the environment of this checkout: .venv with the pinned packages, and the link under which Ansible finds the
# collection. Does nothing, in a few hundredths of a second, when both are as they should be.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd -P)
venv=$root/.venv
pins=requirements/dev.txt
stamp=$venv/.ready
link=.ansible/collections/ansible_collections/toombos/incident
export UV_SYSTEM_CERTS=1 # certificates of a company's proxy are found where the system keeps them

say() { printf 'setup: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

# What a finished environment was made from. Another place, another Python or other pins make another text.
wanted() { printf '%s %s %s\n' "$root" "$("$venv/bin/python" -c 'import sys; print(sys.version)' | tr '\n' ' ')" "$(cksum <"$pins")"; }

works() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

has_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

# A distribution's own comes first where it can make environments: it is optimised, and with it everything here takes a
# tenth less than with one that was merely compiled, as those of pyenv are.
find_python() {
    for candidate in ${PYTHON:-/usr/bin/python3.11 /usr/bin/python3.12 /usr/bin/python3.13}; do
        if works "$candidate" && has_venv "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3}; do
        if works "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    stop "no Python 3.11 or newer found. Install one (apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3.12"
}

need_venv_module() {
    has_venv "$1" && return
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing $package"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "$package"; } >&2 </dev/null ||
            stop "apt-get could not install $package"
    else
        stop "$1 cannot make virtual environments. Install the package first: sudo apt-get install $package"
    fi
}

make_venv() {
    python=$(find_python)
    need_venv_module "$python"
    say "making .venv with $("$python" --version) ($python)"
    rm -rf "$venv"
    "$python" -m venv "$venv"
}

# pip fetches uv alone, under the hash in the pins; uv fetches the rest ten times faster than pip would.
install_packages() {
    if ! "$venv/bin/uv" --version >/dev/null 2>&1; then
        awk '/^[^ #]/ { wanted = /^uv==/ } wanted' "$pins" >"$venv/uv.txt"
        "$venv/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r "$venv/uv.txt"
    fi
    say "installing the packages of $pins"
    VIRTUAL_ENV=$venv "$venv/bin/uv" pip sync --quiet --require-hashes "$pins"
}

if [ ! "$link" -ef "$root" ]; then
    mkdir -p "$(dirname "$link")"
    ln -sfn ../../../.. "$link"
fi
if [ -f "$stamp" ] && works "$venv/bin/python" && [ "$(wanted)" = "$(cat "$stamp")" ]; then
    exit 0
fi
# The scripts in .venv/bin name their interpreter by its full path: a checkout that moved needs a new .venv.
if ! works "$venv/bin/python" || [ "$("$venv/bin/python" -c 'import sys; print(sys.prefix)')" != "$venv" ] ||
    ! head -n 1 "$venv/bin/pip" 2>/dev/null | grep -qF "$venv/"; then
    make_venv
fi
install_packages
wanted >"$stamp"
say "ready"
