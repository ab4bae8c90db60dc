# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs and headers that may stand in a request; everything else is refused with a sentence for people."""

from __future__ import annotations

import re
from dataclasses import dataclass

_URL = re.compile(
    r"(?P<scheme>https?)://(?:\[(?P<v6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[\w.-]+))(?::(?P<port>\d{1,5}))?"
    r"(?P<path>/[!-~]*|\?[!-~]*)?",
    re.ASCII,
)
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Url:
    """A URL taken apart; ``target`` is what goes into the request line."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def split_url(url: str) -> Url:
    """The parts of an http or https URL. Raises ValueError, with a sentence for people, for anything else."""
    found = _URL.fullmatch(url.split("#", 1)[0])
    if found is None:
        if re.match(r"https?://[^/]*@", url):
            raise ValueError("a URL with credentials: put them into headers")
        raise ValueError("not an http:// or https:// URL without blanks")
    port = int(found["port"] or _DEFAULT_PORTS[found["scheme"]])
    if not 0 < port < 65536:
        raise ValueError(f"port {port} does not exist")
    path = found["path"] or "/"
    return Url(found["scheme"], found["v6"] or found["host"], port, path if path.startswith("/") else "/" + path)


def check_header(name: str, value: str) -> None:
    """Raises ValueError when the pair could not stand in a request, or would smuggle in another header."""
    if not TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is not a header name")
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        raise ValueError(f"the value of header {name} has control characters")
