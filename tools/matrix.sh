#!/bin/sh
# The oldest and the newest ansible-core that the collection supports: unit tests, syntax, and one real run of the guard,
# none of which may print a deprecation; then ansible-test sanity of all files on all Pythons. Versions for which this
# machine has no Python are left out, and said so.
set -eu
cd "$(dirname "$0")/.."
export UV_SYSTEM_CERTS=1 ANSIBLE_CONFIG="$PWD/ansible.cfg" ANSIBLE_NOCOLOR=1

python_of() {
    for candidate in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python "python$1"; do
        if "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
}

quiet() { # run it; a deprecation on the way is a failure
    "$@" >"$venv/log" 2>&1 || { cat "$venv/log"; return 1; }
    ! grep -i deprecat "$venv/log"
}

check() { # core, Python
    python=$(python_of "$2")
    if [ -z "$python" ]; then
        echo "ansible-core $1: left out, there is no Python $2"
        return
    fi
    venv=$PWD/build/matrix/$1
    if [ "$("$venv/bin/python" -V 2>/dev/null)" != "$("$python" -V)" ]; then
        uv venv --quiet --clear --python "$python" "$venv"
    fi
    uv pip sync --quiet --require-hashes --python "$venv/bin/python" "requirements/core-$1.txt"
    quiet "$venv/bin/ansible-playbook" --syntax-check recover.yml playbooks/*.yml
    # A mistyped target: the guard refuses it, which takes its action plugin, the inventory and the callback.
    if "$venv/bin/ansible-playbook" recover.yml -e target=no_such_host >"$venv/log" 2>&1 || ! grep -q no_such_host "$venv/log"; then
        cat "$venv/log"
        echo "ansible-core $1: the guard did not refuse a target that does not exist"
        return 1
    fi
    ! grep -i deprecat "$venv/log"
    echo "ansible-core $1 on Python $2"
    "$venv/bin/python" -m pytest -q -n 2 tests/unit/plugins
}

check 2.16 3.11
check 2.18 3.11
check 2.20 3.12
check 2.21 3.12
python tools/mirror.py
python tools/ansible_test.py sanity --everything
