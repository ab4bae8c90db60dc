#!/usr/bin/env bash
# The floor: a connection to each host at the same time, and nothing more. floor.sh SSH_CONFIG HOST...
set -u
config=$1
shift
failed=0
pids=()
for host in "$@"; do
    ssh -F "$config" "$host" true </dev/null &
    pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
exit "$failed"
