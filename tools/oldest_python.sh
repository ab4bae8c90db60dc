#!/bin/sh
# Unit tests of what runs on hosts, on the oldest Python that this machine has (hosts may have 3.8). Exit code 77: none.
set -eu
cd "$(dirname "$0")/.."
export UV_SYSTEM_CERTS=1

find_old() {
    for minor in 8 9 10; do
        for candidate in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor".*/bin/python "python3.$minor"; do
            if "$candidate" -c "import sys; sys.exit(sys.version_info[:2] != (3, $minor))" >/dev/null 2>&1; then
                echo "$candidate"
                return
            fi
        done
    done
}

python=$(find_old)
if [ -z "$python" ]; then
    echo "no Python 3.8, 3.9 or 3.10 on this machine"
    exit 77
fi
venv=build/oldest
if [ "$("$venv/bin/python" -V 2>/dev/null)" != "$("$python" -V)" ]; then
    uv venv --quiet --clear --python "$python" "$venv"
fi
uv pip sync --quiet --require-hashes --python "$venv/bin/python" requirements/unit.txt
"$venv/bin/python" -V
exec "$venv/bin/python" -m pytest -q -n 3 -m "not once" tests/unit/plugins/module_utils
