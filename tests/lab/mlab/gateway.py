# SPDX-License-Identifier: BSD-2-Clause
"""Shared gateways on the layout of mlab.routing: sections, questions, announcements.

The shared address is .254 (fd00:VLAN::fe) in each VLAN.  On a plain bridge one section on br0 has
those of all VLANs.
"""

import ipaddress
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any, Sequence

from .errors import LabError
from .netns import Namespace
from .probe import mac_bytes
from .ring import Ring
from .routed import Packet, RoutedTraffic, faults_nothing, faults_once, mac_text
from .routing import ROUTER, VLAN_OF, VLANS, Routing, address
from .topology import MEMBERS, PL, Host
from .traffic import Flow, Port
from .wait import wait_for

VERSIONS = (4, 6)
ROUTES_FROM = (("h", "s1"), ("h", "s2"), ("o1", "s1"))
ALL_NODES = "33:33:00:00:00:01"
BROADCAST = "ff:ff:ff:ff:ff:ff"
HELD = ("10.99.0.1", "fd00:9::1")  # what a person adds by hand
LINK_LOCAL = "fe80::1"  # shared too, in VLAN 20


def gateway_ip(vlan: int, version: int = 4) -> str:
    """The shared address of a VLAN."""
    return f"10.0.{vlan}.254" if version == 4 else f"fd00:{vlan}::fe"


def prefix(vlan: int, version: int) -> str:
    """The same with its prefix length."""
    return f"{gateway_ip(vlan, version)}/{24 if version == 4 else 64}"


class Gateways:
    """The gateways of a Routing lab, before and after its daemons run."""

    def __init__(self, lab: Routing) -> None:
        self.lab, self.pair = lab, lab.pair
        self.is_aware = lab.pair.vlan_aware
        self.ears: dict[str, Ear] = {}  # what O1 hears, and what each member sends by PL

    # -- configuration ------------------------------------------------------------------------

    def mac(self, vlan: int) -> str:
        """The shared MAC of a VLAN."""
        return f"00:00:5e:00:01:{vlan if self.is_aware else 99:02x}"

    def svis(self) -> list[str]:
        """The SVIs that have a gateway."""
        return [self.lab.svi(vlan) for vlan in VLANS] if self.is_aware else ["br0"]

    def device(self, vlan: int) -> str:
        """The gateway's device."""
        return f"{self.lab.svi(vlan)}-gw"

    def section(self, vlan: int, mac: str | None = None, more: Sequence[str] = ()
                ) -> dict[str, str]:
        """A [gateway] section; further addresses come by the key that repeats."""
        vlans = [vlan] if self.is_aware else VLANS
        texts = [prefix(v, version) for v in vlans for version in VERSIONS] + list(more)
        texts += [f"{LINK_LOCAL}/64"] if 20 in vlans else []
        return {"address": "\naddress = ".join(texts), "mac": mac or self.mac(vlan)}

    def configure(self, *members: str) -> None:
        """Write the sections into the configuration of members (default: both)."""
        for member in members or MEMBERS:
            config = self.pair.prepare_daemon(member).config
            for vlan in VLANS if self.is_aware else VLANS[:1]:
                config[f"gateway {self.lab.svi(vlan)}"] = self.section(vlan)

    def use(self) -> None:
        """Hosts have the shared gateway as their default route."""
        for name in ("h", "o1", "o2"):
            vlan = VLAN_OF[name]
            self.pair.hosts[name].namespace.ip(
                *(f"route replace default via {gateway_ip(vlan, version)}"
                  for version in VERSIONS))

    def reload(self, *members: str) -> None:
        """Let daemons read their configuration again."""
        for member in members or MEMBERS:
            daemon = self.pair.switches[member].mlagd
            daemon.write_config()
            done = daemon.ctl("reload")
            if done.returncode:
                raise LabError(f"{member}: reload: {done.returncode}: {done.stderr}")

    # -- state --------------------------------------------------------------------------------

    def row(self, member: str, vlan: int) -> dict[str, Any]:
        """The row of `gateways -j`; empty when there is none."""
        for row in self.pair.switches[member].mlagd.query("gateways"):
            if row["ifname"] == self.lab.svi(vlan):
                return row
        return {}

    def wait_state(self, state: str | None, vlan: int, *members: str, timeout: float = 15
                   ) -> None:
        """Wait until a gateway is in a state (None: is not there) on members (default: both)."""
        for member in members or MEMBERS:
            wait_for(f"{member}: gateway of VLAN {vlan} {state}",
                     lambda m=member: self.row(m, vlan).get("state") == state, timeout, 0.05,
                     show=lambda m=member: self.row(m, vlan))

    def wait_active(self) -> None:
        """Wait until all are active on both."""
        for vlan in VLANS if self.is_aware else VLANS[:1]:
            self.wait_state("active", vlan)

    def problems(self, member: str) -> set[str]:
        """The codes of what is wrong on a member."""
        status = self.pair.switches[member].mlagd.query("status")
        return {problem["code"] for problem in status["problems"]}

    def local_entries(self, member: str, mac: str) -> list[dict[str, Any]]:
        """The bridge's FDB entries of a MAC (not the filter of the bridge as a device)."""
        return [entry for entry in self.pair.switches[member].fdb()
                if entry["mac"] == mac and "master" in entry]

    # -- announcements ------------------------------------------------------------------------

    def listen(self) -> None:
        """From now on, at O1 and at both ends of the peer link."""
        s1, s2 = self.pair.switches.values()
        self.ears = {"o1": Ear(self.pair.hosts["o1"].port), "s1": Ear(s2.peer_link),
                     "s2": Ear(s1.peer_link)}

    def stop_listening(self) -> None:
        """The end of listen()."""
        for ear in self.ears.values():
            ear.close()
        self.ears = {}

    def announced(self, member: str, version: int) -> list[float]:
        """When a member said, unasked, where the gateway of VLAN 20 is."""
        return [when / 1e9 for when, answer in self.ears[member].times(gateway_ip(20, version))
                if not answer.is_asked]

    def wait_announced(self, member: str, count: int = 3) -> None:
        """Wait until a member has announced both addresses."""
        wait_for(f"{count} announcements of {member}", lambda: all(
            len(self.announced(member, version)) >= count for version in VERSIONS))

    # -- traffic ------------------------------------------------------------------------------

    def flow(self, run: RoutedTraffic, name: str, dst: str, by: str | None, mac: str | None = None,
             source: str | None = None, **how: Any) -> Flow:
        """Probes from a host to the shared MAC over the leg to `by` (None: as its bond says)."""
        host, vlan = self.pair.hosts[name], VLAN_OF[name]
        src = source or self.lab.host_ip(host, 6 if ":" in dst else 4)
        packet = Packet(src, dst, 64)
        return run.packets(f"{name} ({src}) to {dst} by {by}", host.leg(by) if by else host.port,
                           mac or self.mac(vlan), host.mac, packet,
                           vlan=host.tag(self.lab.vlan(host)), **how)

    def faults_routed_once(self, names: Sequence[tuple[str, str]] = ROUTES_FROM) -> list[str]:
        """What is wrong when hosts send to R by the gateway: once, one hop less, none on PL."""
        with self.lab.traffic() as run:
            flows = [self.flow(run, name, address(ROUTER, 10, version), by)
                     for version in VERSIONS for name, by in names]
            run.send()
        return [fault for flow in flows for fault in
                [*faults_once(run, flow, "r", ttl=63), *faults_nothing(run, flow, PL, "o2")]]


# -- questions and announcements ----------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """Where somebody says that an address is."""

    mac: str
    sender: str  # of the frame
    is_asked: bool


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _question(host: Host, source: str, target: str) -> bytes:
    mac = mac_bytes(host.mac)
    src, dst = (ipaddress.ip_address(text).packed for text in (source, target))
    if len(dst) == 4:
        return (b"\xff" * 6 + mac + b"\x08\x06" + struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1)
                + mac + src + bytes(6) + dst)
    group = b"\xff\x02" + bytes(9) + b"\x01\xff" + dst[13:]
    body = struct.pack(">BBHI", 135, 0, 0, 0) + dst + b"\x01\x01" + mac
    check = _checksum(src + group + struct.pack(">II", len(body), 58) + body)
    body = body[:2] + struct.pack(">H", check) + body[4:]
    return (b"\x33\x33" + group[12:] + mac + b"\x86\xdd"
            + struct.pack(">IHBB", 6 << 28, len(body), 58, 255) + src + group + body)


def _answer(data: bytes, target: str) -> Answer | None:
    """What a frame says of an address, asked or not."""
    packed = ipaddress.ip_address(target).packed
    sender = mac_text(data[6:12])
    if len(packed) == 4 and data[12:14] == b"\x08\x06" and data[28:32] == packed:
        if data[20:22] == b"\x00\x01" and data[38:42] != packed:
            return None  # somebody asks for another address
        return Answer(mac_text(data[22:28]), sender, data[20:22] == b"\x00\x02")
    if len(packed) == 16 and data[12:14] == b"\x86\xdd" and data[20] == 58 and data[54] == 136 \
            and data[62:78] == packed:
        return Answer(mac_text(data[80:86]), sender, bool(data[58] & 0x40))
    return None


class Ear:
    """What arrives at some ports that says where an address is."""

    def __init__(self, *ports: Port) -> None:
        self._rings = [Ring(port.namespace, port.ifname, 1 << 12) for port in ports]

    def heard(self, target: str) -> list[Answer]:
        """All so far about an address."""
        return [answer for _, answer in self.times(target)]

    def times(self, target: str) -> list[tuple[int, Answer]]:
        """The same, each with when it came in nanoseconds."""
        for ring in self._rings:
            ring.drain()
        found = ((frame.time_ns, _answer(frame.data, target))
                 for ring in self._rings for frame in ring.frames)
        return [(when, answer) for when, answer in found if answer is not None]

    def count(self, target: str) -> int:
        """How many of them nobody had asked for."""
        return sum(not answer.is_asked for answer in self.heard(target))

    def close(self) -> None:
        """Stop listening."""
        for ring in self._rings:
            ring.close()

    def __enter__(self) -> "Ear":
        return self

    def __exit__(self, *what: object) -> None:
        self.close()


def ask(host: Host, source: str, target: str, by: str | None = None, answers: int = 1,
        settle: float = 0.3) -> list[Answer]:
    """Ask who has an address; all the answers, awaited and whatever comes shortly after."""
    port = host.leg(by) if by else host.port
    with Ear(*host.view()) as ear, \
            port.namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind((port.ifname, 0))
        sock.send(_question(host, source, target))

        def asked() -> list[Answer]:
            return [answer for answer in ear.heard(target) if answer.is_asked]

        deadline = time.monotonic() + 3
        while len(asked()) < answers and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(settle)  # for an answer too many
        return asked()


def sysctl(namespace: Namespace, path: str) -> int:
    """A network setting of a namespace."""
    with namespace.entered():
        with open(f"/proc/sys/net/{path}", encoding="ascii") as file:
            return int(file.read())
