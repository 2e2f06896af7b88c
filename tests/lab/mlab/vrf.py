# SPDX-License-Identifier: BSD-2-Clause
"""The routing lab with the members' SVIs in a VRF: their tables, and what else that takes."""

from .routing import MEMBERS, VLANS, Routing, address
from .topology import Pair, Switch

VRF, LOOPBACK = "red", "lo-red"
MAIN_ONLY = {4: "10.254.0.2", 6: "fd00:fe::2"}  # of S2, in the default routing domain
REJECT = "unreachable default metric 4278198272"  # what a VRF's table should end with


class VrfRouting(Routing):
    """Every SVI, and a loopback, of each member in a VRF; the table has another number at each."""

    vrf = VRF

    def __init__(self, pair: Pair) -> None:
        super().__init__(pair)
        self.macs = dict(self.macs)

    def build(self, has_static_routes: bool = True) -> "VrfRouting":
        """Build it in the default routing domain, then move the members."""
        super().build(has_static_routes=False)
        for switch in self.pair.switches.values():
            self._move(switch)
        if has_static_routes:
            self.add_static_routes()
        return self

    @staticmethod
    def reject(switch: Switch, is_there: bool) -> None:
        """Let the VRF's table end with the usual reject route, or go on in main."""
        word = "add" if is_there else "del"
        switch.namespace.ip(f"route {word} {REJECT} vrf {VRF}")
        switch.namespace.run("ip", "-6", "route", word, *REJECT.split(), "vrf", VRF)

    def _move(self, switch: Switch) -> None:
        number, namespace = MEMBERS.index(switch.name) + 1, switch.namespace
        namespace.ip(f"link add {VRF} type vrf table {100 + number}", f"link set {VRF} up",
                     f"link add {LOOPBACK} type dummy", f"link set {LOOPBACK} master {VRF}",
                     f"link set {LOOPBACK} up",
                     f"address del {address(number, None)}/32 dev lo",
                     f"address del {address(number, None, 6)}/128 dev lo",
                     *(f"link set {self.svi(vlan)} master {VRF}" for vlan in VLANS))
        namespace.sysctl(**{"ipv4/udp_l3mdev_accept": 1,  # who takes the probes is in no VRF
                            f"ipv6/conf/{LOOPBACK}/disable_ipv6": 0,
                            f"ipv4/conf/{VRF}/rp_filter": 0})
        namespace.ip(f"address add {address(number, None)}/32 dev {LOOPBACK}",
                     f"address add {address(number, None, 6)}/128 dev {LOOPBACK} nodad",
                     *(f"address replace {address(number, vlan, 6)}/64 dev {self.svi(vlan)} nodad"
                       for vlan in VLANS))
        for version in ("-4", "-6"):  # what is local in main is asked for after the VRF's table
            namespace.run("ip", version, "rule", "add", "pref", "32765", "lookup", "local")
            namespace.run("ip", version, "rule", "del", "pref", "0")
        if switch.name == "s2":
            namespace.ip(f"address add {MAIN_ONLY[4]}/32 dev lo",
                         f"address add {MAIN_ONLY[6]}/128 dev lo nodad")
