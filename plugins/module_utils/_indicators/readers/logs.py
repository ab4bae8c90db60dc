# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of logs that speak of a breach, by the engine of log_scan."""

from __future__ import annotations

from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._indicators import texts
from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import Host
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Item, Mark, Stream
from ansible_collections.toombos.incident.plugins.module_utils._logs.patterns import choose
from ansible_collections.toombos.incident.plugins.module_utils._logs.scan import Log, Scan, Wish
from ansible_collections.toombos.incident.plugins.module_utils._logs.stamps import moment

# The first is the document's own, and for the logs of services; the others are about those of logins.
PATTERNS = {
    "account_made": r"(?i)new user: name=|useradd\[\d+\]: new|new group: name=",
    "password_login_of_root": r"Accepted (?:password|keyboard-interactive/pam) for root from",
    "elevation_refused": r"(?i)NOT in (?:the )?sudoers|pam_unix\(su(?:do)?:auth\): auth|\d incorrect password attempt",
    "logs_cleared": r"(?i)audit (?:daemon )?(?:is )?(?:suspended|stopped)|log file (?:was )?cleared",
    "interface_listens_to_all": r"device (?:eth|en|wl|bond)\w* entered promiscuous mode",
    "library_missing": r"cannot be preloaded",
}
OF_LOGINS = ("/var/log/auth.log", "/var/log/secure", "/var/log/messages", "/var/log/kern.log")
_SAMPLES = 3


def logs(host: Host, services: Sequence[Log]) -> Stream:
    """One item per pattern that matches."""
    clock = Clock()
    # It stops by itself before it is ended, with what it has found until then.
    deadline = clock.monotonic() + host.seconds - min(1.0, host.seconds / 5)
    of_logins = [Log(host.at(path)) for path in OF_LOGINS]
    any_read, late = False, False
    for patterns, chosen in ((choose(("security",), {}), list(services)), (choose((), PATTERNS), of_logins)):
        scan = Scan(Wish(patterns, since=host.since, samples=2 * _SAMPLES, signatures=_SAMPLES), clock, deadline)
        scan.run(chosen)
        any_read = any_read or bool(scan.files)
        late = late or not scan.complete
        yield from _items(host, scan, {log.path: log.service for log in chosen})
        yield from _left_out(host, scan)
    if late:
        yield Mark("late", "there was no time to read all logs")
    elif not any_read:
        yield Mark("absent", "none of the logs is there")


def _items(host: Host, scan: Scan, services: dict[str, str]) -> Stream:
    of_file = {entry["path"]: entry["service"] for entry in scan.files}
    for tally in scan.search.tallies:
        found = tally.to_dict(_SAMPLES)
        if not found["count"]:
            continue
        names = sorted({of_file.get(path) or services.get(path, "") for path in found["files"]} - {""})
        facts = {
            "pattern": tally.pattern.name,
            "lines": found["count"],
            "services": names,
            "paths": [texts.name(host.inner(path)) for path in list(found["files"])[:10]],
            "kinds": [texts.line(each["text"]) for each in found["signatures"]],
            "samples": [texts.line(each["text"]) for each in found["samples"][-_SAMPLES:]],
        }
        seen = (moment(text, host.now) for text in (found["first_seen"], found["last_seen"]) if text)
        yield Item(tally.pattern.name, "", facts, tuple(each for each in seen if each is not None))


def _left_out(host: Host, scan: Scan) -> Stream:
    for skipped in scan.skipped:
        shown = texts.name(host.inner(skipped.path))
        if skipped.reason == "denied":
            yield Mark("denied", shown)
        elif skipped.reason != "absent":
            yield Mark("note", f"{shown} was not read: {skipped.message}")
