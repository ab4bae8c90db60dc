# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is there: the victim, who attacks it, who manages it, and whom it forwards for.

::

    attacker ------- victim ------- router ------- management
    (and resolver)     |  (mtu 1500)       (mtu 1300)
                    a bridge
                    |      |
                  guest  sibling
"""

from __future__ import annotations

from spaces import Space

SSH = 22
VICTIM, ATTACKER, MANAGEMENT, GUEST, SIBLING = "victim", "attacker", "management", "guest", "sibling"
MANAGEMENT_NETWORKS = ("10.9.0.0/24", "fd00:9::/64")
RESOLVER = {4: "10.1.0.53", 6: "fd00:1::53"}
# By which address others call it. The victim has another one at each of its cables, of which this is one.
ADDRESS = {
    VICTIM: {4: "10.2.0.1", 6: "fd00:2::1"},
    ATTACKER: {4: "10.1.0.2", 6: "fd00:1::2"},
    MANAGEMENT: {4: "10.9.0.2", 6: "fd00:9::2"},
    GUEST: {4: "10.3.0.2", 6: "fd00:3::2"},
    SIBLING: {4: "10.3.0.3", 6: "fd00:3::3"},
}


class Neighbourhood:
    """All of them, with every way open."""

    def __init__(self) -> None:
        names = (VICTIM, ATTACKER, MANAGEMENT, GUEST, SIBLING, "router")
        self.of = {name: Space(name) for name in names}
        victim, router = self.of[VICTIM], self.of["router"]
        for each in (victim, router):
            each.set("ipv4/ip_forward", 1)
            each.set("ipv6/conf/all/forwarding", 1)
        self._cable(victim, self.of[ATTACKER], "to-a", 1)
        self.of[ATTACKER].address("eth0", f"{RESOLVER[4]}/24", f"{RESOLVER[6]}/64")
        self._cable(victim, router, "to-r", 2)
        self._cable(router, self.of[MANAGEMENT], "to-m", 9)
        router.ip("link set to-m mtu 1300")
        router.ip("route add default via 10.2.0.1")
        router.ip("-6 route add default via fd00:2::1")
        victim.ip("route add 10.9.0.0/24 via 10.2.0.2")
        victim.ip("-6 route add fd00:9::/64 via fd00:2::2")
        self._bridge(victim)

    def close(self) -> None:
        for each in self.of.values():
            each.close()

    def _cable(self, near: Space, far: Space, device: str, net: int) -> None:
        near.join(far, device, "eth0")
        near.address(device, f"10.{net}.0.1/24", f"fd00:{net}::1/64")
        far.address("eth0", f"10.{net}.0.2/24", f"fd00:{net}::2/64")
        if far.name != "router":
            far.ip(f"route add default via 10.{net}.0.1")
            far.ip(f"-6 route add default via fd00:{net}::1")

    def _bridge(self, victim: Space) -> None:
        victim.ip("link add br0 type bridge")
        victim.ip("link set br0 up")
        victim.address("br0", "10.3.0.1/24", "fd00:3::1/64")
        # Else what is bridged passes through the hooks of IP, too, and nobody learns whether the bridge is cut.
        for name in ("arptables", "iptables", "ip6tables"):
            victim.set(f"bridge/bridge-nf-call-{name}", 0)
        for number, name in enumerate((GUEST, SIBLING), 2):
            far = self.of[name]
            victim.join(far, f"b{number}", "eth0")
            victim.ip(f"link set b{number} master br0")
            far.address("eth0", f"10.3.0.{number}/24", f"fd00:3::{number}/64")
            far.ip("route add default via 10.3.0.1")
            far.ip("-6 route add default via fd00:3::1")
