# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases as directories, of which a symbolic link names the one in place."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._atomic import sync_directory
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact
from ansible_collections.toombos.incident.plugins.module_utils._release.run import Runner
from ansible_collections.toombos.incident.plugins.module_utils._release.types import (
    PREVIOUS,
    Difference,
    Preserved,
    Release,
    Spec,
    Target,
)

_QUESTION = 30.0
_SHOWN = 20
_NUMBER = re.compile(r"(\d+)")


class LinkReleases:
    """See ``types.Releases``. The order of releases is that of their names, in which numbers count as such."""

    def __init__(self, spec: Spec, runner: Runner) -> None:
        self.directory = spec.path
        self._spec = spec
        self._runner = runner

    def observe(self) -> Release:
        """Read the link."""
        text = self._read_link()
        place = self._place(text)
        name = os.path.basename(place)
        detail = {"release": name, "link": text, "releases": self._names()[-_SHOWN:]}
        if os.path.dirname(place) != os.path.realpath(self._spec.releases):
            raise IncidentError(
                f"{self._spec.path} leads to {place}, which is not in {self._spec.releases}.", "Correct code.releases."
            )
        return Release(place, name, dirty=not os.path.isdir(place), detail=detail, state={"link": text})

    def find(self, ref: str, *, fetch: bool, rehearse: bool) -> Target:  # noqa: ARG002 - there is no remote
        """A release by its name, by a link to it, or the newest complete one before the one in place."""
        if ref == PREVIOUS:
            return self._target(self._before(os.path.basename(self._place(self._read_link()))))
        name = os.path.basename(os.path.realpath(ref)) if ref.startswith("/") else ref
        names = self._names()
        if name not in names:
            there = f"Releases that are here: {', '.join(names[-_SHOWN:])}." if names else "There are no releases here."
            raise IncidentError(f"{ref} is not in {self._spec.releases}.", there)
        if ref.startswith("/") and os.path.dirname(os.path.realpath(ref)) != os.path.realpath(self._spec.releases):
            raise IncidentError(f"{ref} leads out of {self._spec.releases}.", "Correct code.good.")
        return self._target(name)

    def difference(self, current: Release, target: Target) -> Difference:  # noqa: ARG002 - protocol
        """Directories do not tell."""
        return Difference()

    def obstacles(self, current: Release, target: Target, *, fetch: bool) -> list[str]:  # noqa: ARG002 - protocol
        """The release must be complete, as far as that was declared."""
        found = []
        if self._spec.marker and not os.path.lexists(os.path.join(target.id, self._spec.marker)):
            found.append(f"{target.name} is not complete: {self._spec.marker} is not in it")
        elif self._spec.validate:
            ran = self._runner.command(
                self._spec.validate,
                cwd=target.id,
                env=self._runner.environment(),
                timeout=self._spec.validate_timeout,
                most=1 << 16,
            )
            if ran.rc != 0:
                lines = [line.strip() for line in (ran.err or ran.text).splitlines() if line.strip()]
                said = redact(" / ".join(lines[-3:]))[:300] or f"rc {ran.rc}"
                found.append(f"the validator does not accept {target.name}: {said}")
        return found

    def clear_leftovers(self) -> list[str]:
        """A link that was made beside and not put in place yet."""
        folder, prefix = os.path.dirname(self._spec.path), f".{os.path.basename(self._spec.path)}.incident."

        def clear() -> list[str]:
            stale = [name for name in os.listdir(folder) if name.startswith(prefix)]
            for name in stale:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(folder, name))
            return stale

        return [f"removed {folder}/{name}" for name in self._runner.call(clear, timeout=_QUESTION)]

    def preserve(self, current: Release, target: Target, directory: str) -> Preserved:  # noqa: ARG002 - protocol
        """Nothing is overwritten: every release stays where it is."""
        return Preserved("", "", 0, 0, empty=True)

    def switch(self, target: Target, *, fetch: bool) -> None:  # noqa: ARG002 - there is no remote
        """Exchange the link by a rename: whoever looks sees the old one or the new one."""
        self._link(str(target.state["link"]))

    def put_back(self, state: Mapping[str, Any], target: Mapping[str, Any], preserved: str) -> list[str]:  # noqa: ARG002
        """The link as it was."""
        self._link(str(state["link"]))
        return []

    def _read_link(self) -> str:
        def read() -> str:
            return os.readlink(self._spec.path)

        try:
            if stat.S_ISLNK(os.lstat(self._spec.path).st_mode):
                return str(self._runner.call(read, timeout=_QUESTION))
        except OSError as error:
            raise IncidentError(
                f"{self._spec.path} cannot be read: {error.strerror}.", "Correct code.current."
            ) from error
        raise IncidentError(f"{self._spec.path} is not a symbolic link.", "Correct code.current.")

    def _place(self, text: str) -> str:
        """The directory that a link at our place leads to; of a dangling one where that would be."""
        return os.path.realpath(os.path.join(os.path.dirname(self._spec.path), text))

    def _names(self) -> list[str]:
        """The releases, oldest first."""
        base = self._spec.releases

        def look() -> list[str]:
            entries = [entry for entry in os.scandir(base) if entry.is_dir(follow_symlinks=False)]
            return [entry.name for entry in entries if not entry.name.startswith(".")]

        return sorted(self._runner.call(look, timeout=_QUESTION), key=_by_number)

    def _before(self, current: str) -> str:
        older = [name for name in self._names() if _by_number(name) < _by_number(current)]
        for name in reversed(older):
            if not self._spec.marker or os.path.lexists(os.path.join(self._spec.releases, name, self._spec.marker)):
                return name
        raise IncidentError(f"There is no complete release before {current}.", "Name a release.")

    def _target(self, name: str) -> Target:
        # As the link is written now: relative stays relative.
        text = os.path.join(os.path.dirname(self._read_link().rstrip("/")), name)
        if self._place(text) != os.path.join(os.path.realpath(self._spec.releases), name):
            text = os.path.join(self._spec.releases, name)
        return Target(os.path.join(os.path.realpath(self._spec.releases), name), name, state={"link": text})

    def _link(self, text: str) -> None:
        path = self._spec.path
        folder, base = os.path.split(path)
        temporary = os.path.join(folder, f".{base}.incident.{os.urandom(8).hex()}")

        def exchange() -> None:
            os.symlink(text, temporary)
            try:
                os.replace(temporary, path)
            except BaseException:
                os.unlink(temporary)
                raise
            sync_directory(folder)

        self._runner.call(exchange, timeout=_QUESTION)
        if self._read_link() != text:
            raise IncidentError(f"{path} should lead to {text}, but leads to {self._read_link()}.")


def _by_number(name: str) -> tuple[tuple[int, int, str], ...]:
    """v10 after v9. Names that begin alike are in the order of their numbers."""
    parts = _NUMBER.split(name)
    return tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts)
