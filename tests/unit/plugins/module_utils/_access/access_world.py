# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small /etc in a folder, processes as words, and calls of the engine on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._access import record as r, types as t
from ansible_collections.toombos.incident.plugins.module_utils._access.ending import Ended
from ansible_collections.toombos.incident.plugins.module_utils._access.engine import Done, Parts, revoke
from ansible_collections.toombos.incident.plugins.module_utils._access.people import read_accounts
from ansible_collections.toombos.incident.plugins.module_utils._access.plan import make_plan
from ansible_collections.toombos.incident.plugins.module_utils._access.restoring import restore
from ansible_collections.toombos.incident.plugins.module_utils._access.shadow_file import read_shadow
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._command import CommandResult

SHADOW = (
    b"root:$6$r$rrr:19000:0:99999:7:::\n"
    b"daemon:*:19000:0:99999:7:::\n"
    b"deploy:$6$d$ddd:19001:0:99999:7:::\n"
    b"eve:$6$e$eee:19001:0:99999:7::25000:\n"
    b"\xff\xfe not an entry \x00:\n"
    b"short:!:1\n"
    b"+nis::::::::\n"
    b"\n"
    b"key:!:19001::::::"
)
PASSWD = (
    "root:x:0:0:root:/root:/bin/bash\n"
    "daemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n"
    "deploy:x:1001:1001::/home/deploy:/bin/bash\n"
    "eve:x:1002:1002::/home/eve:/bin/sh\n"
    "short:x:1003:1003::/home/short:/bin/sh\n"
    "unshadowed:x:1004:1004::/home/u:/bin/sh\n"
    "key:x:1005:27::/home/key:/bin/sh\n"
    "broken line\n"
    "+nis::::::\n"
)
GROUP = "root:x:0:\nsudo:x:27:deploy\nwheel:x:30:\n"
TODAY = 20000
NOBODY = t.Responder(chain=frozenset({1, 2}), names=frozenset({"alice"}), uid=1009, address="192.0.2.7")
WISH = t.Wish((), others=False, services=False, steps=(), grace=0.2, step_timeout=5.0)


class Killed(BaseException):
    """The call is gone, as after SIGKILL: nothing of it cleans up."""


class World:
    """``before_effect``: called with a word before each effect; a test raises Killed there."""

    def __init__(self, folder: Path) -> None:
        self.etc = folder / "etc"
        self.etc.mkdir()
        for name, content in (("shadow", SHADOW), ("passwd", PASSWD.encode()), ("group", GROUP.encode())):
            (self.etc / name).write_bytes(content)
        self.records = r.Records(str(folder / "store"))
        self.ran: list[str] = []
        self.fails: set[str] = set()

    @property
    def shadow(self) -> bytes:
        return (self.etc / "shadow").read_bytes()

    def parts(self) -> Parts:
        return Parts(self.records, Clock(), str(self.etc), run=self.run, end=lambda *_: Ended((), ()))

    def run(self, argv: list[str], **_how: Any) -> CommandResult:
        """What a step does: nothing, but it is remembered."""
        self.ran.append(" ".join(argv))
        rc = 1 if argv[0] in self.fails else 0
        return CommandResult(rc, f"{argv[0]} password=hunter2", "", False, 0.0)

    def observed(self, responder: t.Responder = NOBODY) -> t.Observed:
        accounts = read_accounts(read_shadow(str(self.etc)), str(self.etc), str(self.etc))
        return t.Observed(accounts, responder, {}, {})

    def revoke(self, *users: str, steps: tuple[t.Step, ...] = ()) -> Done:
        """As the module does it, without a lock of its own."""
        known = self.records.read()
        wish = replace(WISH, lock_users=users, steps=steps)
        plan = make_plan(wish, self.observed(), known, TODAY)
        assert not plan.refusals, plan.refusals
        return revoke(self.parts(), plan, known or self.new(), lambda _begun: t.Choice(()))

    def restore(self, *, force: bool = False) -> Done:
        known = self.records.read()
        if known is None:
            return Done("nothing", changed=False)
        return restore(self.parts(), known, {"reason": "a test"}, 5.0, force=force)

    @staticmethod
    def new() -> r.Record:
        return r.Record("0123456789abcdef", "INC-2026-1128-0001", "a test", "tester", 1.0)
