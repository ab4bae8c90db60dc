#!/bin/sh
# The first process of one host: init.sh HOME NAME ADDRESS/LENGTH. It finds itself in namespaces of its own.
# PYTHON, SUPERVISORD and SSHD say what to run; HOME has the keys.
set -eu
home=$1 name=$2 address=$3
here=$(dirname "$0")

hostname "$name"
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd /run/bench/tmp
# The host has no other users than these. A login finds an empty home, not what this machine's root does at each login.
cat >/run/passwd <<'END'
root:x:0:0::/run/bench:/bin/bash
sshd:x:65530:65534::/run/sshd:/usr/sbin/nologin
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
END
mount --bind /run/passwd /etc/passwd
cp "$here/service.py" "$here/supervisord.conf" /run/bench/

ip link set lo up
until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done
ip address add "$address" dev eth0
ip link set eth0 up

cd /run/bench
$SUPERVISORD -c supervisord.conf >/run/bench/supervisord.out 2>&1 &

# VERBOSE: connections and commands are counted by the lines in its log.
exec "$SSHD" -D -f /dev/null -E "$home/log/$name.sshd" -h "$home/host_key" -o AuthorizedKeysFile="$home/id.pub" \
    -o StrictModes=no -o PermitRootLogin=yes -o UsePAM=no -o UseDNS=no -o PidFile=none -o LogLevel=VERBOSE \
    -o MaxSessions=100 -o "Subsystem=sftp internal-sftp"
