#!/usr/bin/env bash
# The procedure as a shell script, on all hosts at the same time. parallel_ssh.sh SSH_CONFIG HOST...
set -u
config=$1
shift
here=$(dirname "$0")
failed=0
pids=()
for host in "$@"; do
    ssh -F "$config" "$host" "SUPERVISORCTL='$SUPERVISORCTL' bash -s" <"$here/procedure.sh" &
    pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
exit "$failed"
