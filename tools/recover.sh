#!/bin/sh
# The main job on the embedded lab: how it looks before, what the recovery does, how it looks after.
# BREAK names what to break first (`make lab-break` lists the ways); empty breaks nothing.
# LAB_PORT is the first of the lab's ports, for a second checkout on the same machine.
set -eu
cd "$(dirname "$0")/.."
breaking=${BREAK-all-down}

title() { printf '\n=== %s\n' "$*"; }
lab() { python tests/lab/lab.py ${LAB_PORT:+--base-port "$LAB_PORT"} "$@"; }

title "The lab"
lab up || {
    echo "It does not come up as it was left; starting it anew."
    lab down
    lab up
}
if [ -n "$breaking" ]; then
    lab break "$breaking"
    title "Before"
else
    title "Before: nothing was broken"
fi
lab status

title "ansible-playbook recover.yml -e target=lab"
rc=0
ansible-playbook -i inventory -i tests/lab/.state/inventory.yml recover.yml -e target=lab || rc=$?

title "After"
lab status
cat <<'END'

The lab stays up. Next, perhaps:
  make recover BREAK=       nothing is broken, nothing is changed
  make recover BREAK=hang   something else is broken; `make lab-break` lists the ways
  make lab-down             take it down
END
exit "$rc"
