# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with two neighbours, in network namespaces of its container: who responds, and who attacks. ssh is real."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from host import Host, until

from ansible_collections.toombos.incident.plugins.plugin_utils._lean.script import arguments, script

STORE = "/var/lib/toombos-incident"
LOOKS, ARMED = "/tmp/looks", "/tmp/armed"
VICTIM, RESPONDER, ATTACKER = "10.77.0.1", "10.77.0.2", "10.77.1.2"
THEIRS = "table inet theirs { chain input { type filter hook input priority 0; policy accept; tcp dport 9 drop; }; }"
_ROOT = Path(__file__).resolve().parents[2]
_MARKER = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"
# Joins its standard streams with a connection, for ssh on the machine of the tests.
_PIPE = """\
import os, select, socket, sys
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
peer.settimeout(None)
while True:
    for one in select.select([0, peer], [], [])[0]:
        data = os.read(0, 65536) if one == 0 else peer.recv(65536)
        if not data: sys.exit()
        os.write(1, data) if one is peer else peer.sendall(data)
"""
# Says when it could connect, and when it could not, in seconds since the kernel was started.
_LOOKS = """\
import socket, sys, time
with open(sys.argv[3], "w", buffering=1) as log:
    while True:
        begun = time.clock_gettime(time.CLOCK_BOOTTIME)
        try:
            socket.create_connection((sys.argv[1], int(sys.argv[2])), 0.2).close()
            log.write("%f yes\\n" % time.clock_gettime(time.CLOCK_BOOTTIME))
        except OSError:
            log.write("%f no\\n" % begun)
        time.sleep(0.05)
"""
# Writes down which deadlines it sees armed: a look through the container engine may take longer than they last.
_ARMED = """\
import glob, os, sys, time
seen = set()
with open(sys.argv[2], "w", buffering=1) as log:
    log.write("\\n")
    while True:
        for each in {os.path.basename(path) for path in glob.glob(sys.argv[1])} - seen:
            seen.add(each)
            log.write(each + "\\n")
        time.sleep(0.05)
"""
# Echoes what it gets.
_ECHO = """\
import socket, sys, threading
server = socket.create_server(("", int(sys.argv[1])))
def serve(one):
    while True:
        data = one.recv(100)
        if not data: return
        one.sendall(data)
while True: threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""
# Sends a byte every 50 ms over one connection, and says when the last answer came.
_HELD = """\
import socket, sys, time
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
peer.settimeout(30)
with open(sys.argv[3], "w", buffering=1) as log:
    while True:
        peer.sendall(b"x"); peer.recv(1)
        log.write("%f\\n" % time.clock_gettime(time.CLOCK_BOOTTIME))
        time.sleep(0.05)
"""
_PLAY = """\
- hosts: victim
  gather_facts: false
  tasks:
    - name: Do it
      toombos.incident.{module}: {options}
      register: done
      ignore_errors: true
      ignore_unreachable: true
      check_mode: {check}
      diff: true
    - name: Tell
      ansible.builtin.copy:
        content: "{{{{ done | to_json }}}}"
        dest: {answer}
        mode: "0600"
      delegate_to: localhost
"""

# As it was, whatever has happened; in one go, for each command in a container takes its time.
_FORGET = f"""
find /etc/systemd/system -name 'toombos-incident-*' -delete
systemctl daemon-reload
systemctl stop 'toombos-incident-*'
nft flush ruleset
rm -rf {STORE} /run/toombos-incident {LOOKS} {ARMED} /tmp/held
for each in responder attacker; do ip netns pids $each | xargs -r kill -9; done
pkill -KILL -f '/opt/(echo|armed)[.]py'
ip link del v0; ip link del v1; ip netns del responder; ip netns del attacker
true
"""


class Site:
    """The host, and what its neighbours can do."""

    def __init__(self, host: Host, home: Path) -> None:
        self.host, self.home = host, home
        self.children: list[subprocess.Popen[bytes]] = []
        for name, text in (("pipe", _PIPE), ("looks", _LOOKS), ("armed", _ARMED), ("echo", _ECHO), ("held", _HELD)):
            if f"/opt/{name}.py" not in host.written:
                host.write(f"/opt/{name}.py", text)
        if not (home / "key").exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / "key")], check=True)
        public = (home / "key.pub").read_text()
        host.run("sh", "-c", "install -d -m 700 /root/.ssh && cat >/root/.ssh/authorized_keys", text=public)
        self.wire()

    def wire(self) -> None:
        """Neighbours are gone after a restart."""
        for number, name in enumerate(("responder", "attacker")):
            self.host.run(
                "sh", "-ec",
                f"ip netns add {name}; ip link add v{number} type veth peer name eth0 netns {name}; "
                f"ip addr add 10.77.{number}.1/24 dev v{number}; ip link set v{number} up; "
                f"ip netns exec {name} sh -ec 'ip addr add 10.77.{number}.2/24 dev eth0; ip link set eth0 up; "
                f"ip route add default via 10.77.{number}.1'",
            )  # fmt: skip
        self.host.run("systemctl", "start", "ssh")
        until(lambda: self.reaches("responder"))

    def reaches(self, who: str, port: int = 22) -> bool:
        """Whether a new connection can be made."""
        ask = f"import socket; socket.create_connection(('{VICTIM}', {port}), 1)"
        run = [*self.host.inside(), "ip", "netns", "exec", who, "python3", "-c", ask]
        return subprocess.run(run, capture_output=True, check=False).returncode == 0

    def spawn(self, *argv: str) -> subprocess.Popen[bytes]:
        """Something that goes on in the container."""
        child = subprocess.Popen([*self.host.inside(), *argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def ssh(self, *words: str) -> list[str]:
        """The command of an ssh client that comes from the responder."""
        proxy = f"{shlex.join(self.host.inside())} ip netns exec responder python3 /opt/pipe.py %h %p"
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=20"]
        flags = [flag for option in (*options, f"ProxyCommand={proxy}") for flag in ("-o", option)]
        return ["ssh", "-i", str(self.home / "key"), *flags, *words]

    def play(self, module: str = "containment", check: bool = False, **options: Any) -> dict[str, Any]:
        """The task, as Ansible does it, over ssh; its result."""
        answer = self.home / "answer.json"
        answer.unlink(missing_ok=True)
        text = _PLAY.format(module=module, options=json.dumps(options), check=str(check).lower(), answer=answer)
        (self.home / "play.yml").write_text(text)
        common = shlex.join(self.ssh()[1:])
        inventory = {"all": {"hosts": {"victim": {
            "ansible_host": VICTIM, "ansible_user": "root", "ansible_ssh_common_args": common,
            "ansible_python_interpreter": "/usr/bin/python3",
        }}}}  # fmt: skip
        (self.home / "ansible.cfg").write_text("")
        (self.home / "hosts.json").write_text(json.dumps(inventory))
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(self.home / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(_ROOT / ".ansible" / "collections"),
            "ANSIBLE_SSH_ARGS": f"-o ControlMaster=auto -o ControlPersist=60s {self._control()}",
            "ANSIBLE_LOCAL_TEMP": str(self.home / "tmp"),
        }
        run = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts.json", "play.yml"]
        done = subprocess.run(
            run, cwd=self.home, env=environment, capture_output=True, text=True, check=False, timeout=180
        )
        assert answer.exists(), done.stdout + done.stderr
        result: dict[str, Any] = json.loads(answer.read_text())
        assert "outcome" in result or result.get("failed"), result
        return {"outcome": None, **result}

    def hang_up(self) -> None:
        """The connection that Ansible would go on to use."""
        command = ["ssh", *self._control().split(), "-O", "stop", f"root@{VICTIM}"]
        subprocess.run(command, check=False, capture_output=True)

    def _control(self) -> str:
        return f"-o ControlPath={self.home}/%C"

    def lay_out(self, path: str, module: str = "containment", **options: Any) -> None:
        """The module as a file in the container, as it would be sent."""
        self.host.write(path, script(module).replace(_MARKER, json.dumps(arguments(options)), 1))

    def call(self, module: str, **options: Any) -> dict[str, Any]:
        """The module, without ssh."""
        self.lay_out("/opt/call.py", module, **options)
        answer: dict[str, Any] = json.loads(self.host.run("python3", "-I", "/opt/call.py", ok=False))
        return answer

    def info(self) -> dict[str, Any]:
        return self.call("containment_info")

    def others(self) -> str:
        """All rules but ours."""
        return self.host.run("sh", "-c", "nft list ruleset | sed '/^table inet toombos_incident/,/^}/d'")

    def ours(self) -> str:
        return self.host.run("nft", "list", "table", "inet", "toombos_incident", ok=False)

    def await_deadlines(self) -> None:
        """From now on, those that are armed are seen."""
        self.spawn("python3", "/opt/armed.py", f"{STORE}/deadlines/*/state.armed.*", ARMED)
        until(lambda: self.host.run("ls", ARMED, ok=False))

    def due(self) -> float:
        """The boot time at which the last deadline that was armed comes, or came; 0 when none was."""
        found = self.host.run("cat", ARMED).split()
        return max((int(each.rpartition(".")[2]) / 1000 for each in found), default=0.0)

    def watch(self, who: str, port: int, log: str = LOOKS) -> None:
        """Have somebody try a port of the host again and again; returns when that has begun."""
        self.spawn("ip", "netns", "exec", who, "python3", "/opt/looks.py", VICTIM, str(port), log)
        until(lambda: self.host.run("cat", log, ok=False))

    def looks(self, log: str = LOOKS) -> list[tuple[float, bool]]:
        """What was seen until now."""
        lines = self.host.run("cat", log).splitlines()
        return [(float(line.split()[0]), line.endswith("yes")) for line in lines if len(line.split()) == 2]

    def close(self) -> None:
        """As it was, whatever has happened."""
        self.hang_up()
        for child in self.children:
            child.kill()
            child.wait()
        self.host.run("sh", "-c", _FORGET)


def boottime() -> float:
    """The containers have the kernel of the machine."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
