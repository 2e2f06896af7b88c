# SPDX-License-Identifier: BSD-2-Clause
"""Several pairs on one machine: each domain has its bridge, peer link, bond, peer, dual host and orphan.

The machine (mlab/machine.py) is the first member of each; the other member, the host behind both and the
peer's orphan are namespaces of bootworld.py.
"""

from .daemon import Config, Daemon, config_text
from .netns import Namespace, run

VLAN, SESSION_VLAN = 10, 4094
NAMES = ("red", "blue")


class Here:
    """The machine's own network, asked as a Namespace is."""

    def ip(self, *lines: str) -> None:
        """ip(8) commands, one a line."""
        run(["ip", "-batch", "-"], stdin="\n".join(lines) + "\n")

    def bridge(self, *lines: str) -> None:
        """bridge(8) commands, one a line."""
        run(["bridge", "-batch", "-"], stdin="\n".join(lines) + "\n")


def config(name: str, member: int, restart_hold_s: int) -> Config:
    """The configuration of a member of this domain: its devices carry its name."""
    number = NAMES.index(name) + 1
    return {
        "domain": {"system-mac": f"44:38:39:ff:00:1{number}", "id": str(10 + number),
                   "bridge": f"br-{name}", "priority": str(1000 * member)},
        "peer": {"link": f"pl-{name}", "local": f"169.254.{number}.{member}",
                 "remote": f"169.254.{number}.{3 - member}", "security": "none",
                 "startup-wait": "60s", "hello-interval": "200ms", "dead-multiplier": "10",
                 "restart-hold": f"{restart_hold_s}s",
                 "backup-local": f"192.0.{number}.{member}",
                 "backup-remote": f"192.0.{number}.{3 - member}"},
        f"lag bond-{name}": {"id": "1"},
    }


def text(name: str, restart_hold_s: int) -> str:
    """/etc/mlag/NAME.conf of the machine."""
    return config_text(config(name, 1, restart_hold_s))


def lay_out_member(space: Here | Namespace, name: str, member: int,
                   orphan: str | None = None) -> None:
    """Bridge, peer link, bond and session of a member."""
    number = NAMES.index(name) + 1
    end = f"-{name}"
    ports = [f"bond{end}", f"pl{end}"] + ([orphan] if orphan else [])
    space.ip(f"link add br{end} type bridge vlan_filtering 1 vlan_default_pvid 0 stp_state 0 "
             "mcast_snooping 0", f"link set br{end} up",
             f"link add bond{end} type bond mode 802.3ad lacp_rate fast miimon 10 "
             "ad_user_port_key 1", f"link set leg{end} down",
             f"link set leg{end} master bond{end}",
             *[f"link set {port} master br{end}" for port in ports])
    space.bridge(f"vlan add dev bond{end} vid {VLAN} pvid untagged",
                 f"vlan add dev pl{end} vid {VLAN}", f"vlan add dev pl{end} vid {SESSION_VLAN}",
                 f"vlan add dev br{end} vid {SESSION_VLAN} self",
                 *([f"vlan add dev {orphan} vid {VLAN} pvid untagged"] if orphan else []))
    space.ip(f"link add link br{end} name svi{end} type vlan id {SESSION_VLAN}",
             f"address add 169.254.{number}.{member}/24 dev svi{end}", f"link set svi{end} up",
             f"address add 192.0.{number}.{member}/24 dev bk{end}",
             *[f"link set {port} up" for port in [f"bk{end}", *ports]])


class Domain:
    """One of them."""

    def __init__(self, name: str, directory: str, restart_hold_s: int) -> None:
        self.name = name
        number = NAMES.index(name) + 1
        self.peer, self.host, self.orphan = (Namespace(f"{role}-{name}") for role in ("s2", "h", "o"))
        here = Here()
        for place, kind in enumerate(("pl", "bk")):
            here.ip(f"link add {kind}-{name} address 02:00:00:00:6{number}:0{place} type veth "
                    f"peer name {kind}-{name} netns {self.peer.full_name}")
        here.ip(f"link add leg-{name} type veth peer name leg-1 netns {self.host.full_name}")
        self.peer.ip(f"link add leg-{name} type veth peer name leg-2 netns {self.host.full_name}",
                     f"link add orphan type veth peer name eth0 netns {self.orphan.full_name}")
        for space in (self.peer, self.host, self.orphan):
            space.ip("link set lo up")
        self.host.ip("link add bond0 type bond mode 802.3ad lacp_rate fast miimon 10 "
                     "xmit_hash_policy layer3+4 all_slaves_active 1",
                     *[line for leg in ("leg-1", "leg-2")
                       for line in (f"link set {leg} down", f"link set {leg} master bond0")],
                     "link set bond0 up", f"address add 10.0.{number}.1/24 dev bond0")
        self.orphan.ip(f"address add 10.0.{number}.2/24 dev eth0", "link set eth0 up")
        lay_out_member(here, name, 1)
        lay_out_member(self.peer, name, 2, "orphan")
        self.daemon = Daemon(self.peer, directory, config(name, 2, restart_hold_s))
        self.daemon.start()

    @property
    def addresses(self) -> tuple[str, str]:
        """Of the host behind both, and of the orphan."""
        number = NAMES.index(self.name) + 1
        return f"10.0.{number}.1", f"10.0.{number}.2"
