# SPDX-License-Identifier: BSD-2-Clause
"""S1 as a machine that boots with the examples of systemd/, and how its captures are read."""

import json
import os
import re
import struct
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Iterator

from . import domains
from .daemon import ROOT, Config, config_text
from .errors import LabError
from .machine import Machine
from .topology import SYSTEM_MAC

MAGIC = b"bootlab:"  # of bootworld.py
LACP = b"\x01\x80\xc2\x00\x00\x02"
PEER_LINK_MAC = b"\x02\x00\x00\x00\x51\x03"  # S1's member id
HELLO_ETHERTYPE, HELLO_MAGIC = b"\x88\xb5", b"mlag"  # docs/protocol.md
HELLO_MEMBER, HELLO_FLAGS, HELLO_VERDICT = 12, 41, 43
HELLO_LEAVING = 0x01
SPLIT = 4
LINK = re.compile(r"\[(\S+)\] \d+: ([^:@]+)[:@].*?<([A-Z0-9_,-]*)>")
BACK = 100  # of bootworld.py: flows from here on are of the other direction
OSPF_PROTOCOL = 89
UDP = b"\x11"  # an ICMP error quotes what it is about
CARDS = (b"\x02\x00\x00\x00\x51\x01", b"\x02\x00\x00\x00\x51\x02")  # swp1, swp2: what LACPDUs come from
RESTART_HOLD_S = 25  # longer than the watchdog of mlagd.service: a hung mlagd is killed, not fenced
FRR = """hostname s1
log syslog informational
interface vlan10
 ip ospf area 0
 ip ospf hello-interval 1
 ip ospf dead-interval 20
 ip ospf cost 10
interface vlan20
 ip ospf area 0
 ip ospf passive
 ip ospf cost 10
router ospf
 ospf router-id 1.0.0.0
"""
DAEMONS = ("zebra=yes\nospfd=yes\nvtysh_enable=yes\nzebra_options=\" -A 127.0.0.1\"\n"
           "ospfd_options=\" -A 127.0.0.1\"\n")
# The order of shutdown that was not chosen: for comparison.
LEAVE_FIRST = "After=mlagd.service mlag-guard.service network.target frr.service"


def config(number: int, **lag: str) -> Config:
    """The configuration of a member; S2 is alone for as long as S1 boots."""
    return {
        "domain": {"system-mac": SYSTEM_MAC, "bridge": "br0", "priority": str(1000 * number)},
        "peer": {"link": "peerlink", "local": f"169.254.1.{number}",
                 "remote": f"169.254.1.{3 - number}", "security": "none",
                 "startup-wait": "300s" if number == 1 else "2s",
                 # A whole machine that boots on a busy processor: this lab is not about how fast
                 # silence is noticed.
                 "hello-interval": "200ms", "dead-multiplier": "15",
                 "restart-hold": f"{RESTART_HOLD_S}s",
                 "backup-local": f"192.0.2.1{number}", "backup-remote": f"192.0.2.1{3 - number}"},
        "lag bond1": {"id": "1", **lag},
    }


def prepare(directory: str, manager: str) -> Machine:
    """S1, configured by the examples for `manager` (networkd or ifupdown), not booted."""
    machine = Machine(directory)
    examples = os.path.join(ROOT, "systemd", "examples")
    if manager == "networkd":
        for name in os.listdir(os.path.join(examples, "networkd")):
            machine.example(f"networkd/{name}", f"/etc/systemd/network/{name}")
    else:
        machine.example("ifupdown/interfaces", "/etc/network/interfaces")
    machine.file("/etc/frr/frr.conf", FRR)
    machine.file("/etc/frr/daemons", DAEMONS)
    machine.file("/etc/sysctl.d/50-lab.conf", "net.ipv4.ip_forward=1\n")
    machine.file("/etc/mlag/mlagd.conf", config_text(config(1, **{"bring-up": "on"})))
    with open(machine.path("world.json"), "w", encoding="utf-8") as file:
        json.dump({"ports": ["swp1", "swp2", "peerlink", "bk0"], "config": config(2)}, file)
    # Systemd gives up after three failures, however long each takes here.
    machine.file("/etc/systemd/system/mlagd.service.d/lab.conf",
                 "[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=3\n")
    machine.wants = ["systemd-networkd" if manager == "networkd" else "networking", "frr", "mlagd",
                     "mlag-guard", "mlag-leave"]
    return machine


def prepare_domains(directory: str) -> Machine:
    """A machine that is a member of two pairs (domains.py), not booted; the lab lays out its network."""
    machine = Machine(directory)
    for name in domains.NAMES:
        machine.file(f"/etc/mlag/{name}.conf", domains.text(name, RESTART_HOLD_S))
        machine.wants += [f"{unit}@{name}" for unit in ("mlagd", "mlag-guard", "mlag-leave")]
    with open(machine.path("world.json"), "w", encoding="utf-8") as file:
        json.dump({"domains": domains.NAMES, "restart_hold_s": RESTART_HOLD_S}, file)
    return machine


def leave_first(machine: Machine) -> None:
    """mlag-leave.service as it would be if routing daemons stopped after it."""
    name = "/usr/lib/systemd/system/mlag-leave.service"
    with open(machine.root + name, encoding="utf-8") as file:
        text = file.read()
    assert "\nBefore=frr.service bird.service\n" in text
    machine.file(name, text.replace("\nBefore=frr.service bird.service\n", f"\n{LEAVE_FIRST}\n"))


@dataclass(frozen=True)
class Frame:
    """A captured frame: when, and its first octets."""

    when: float
    octets: bytes

    @property
    def source(self) -> bytes:
        """The MAC it came from."""
        return self.octets[6:12]

    @property
    def is_lacp(self) -> bool:
        """An LACPDU."""
        return self.octets[:6] == LACP and self.octets[12:14] == b"\x88\x09"

    def ip(self) -> bytes:
        """The IPv4 packet in it, with or without a tag; empty when there is none."""
        at = 16 if self.octets[12:14] == b"\x81\x00" else 12
        return self.octets[at + 2:] if self.octets[at:at + 2] == b"\x08\x00" else b""

    def is_ospf_of(self, address: str) -> bool:
        """OSPF that this address sends."""
        packet = self.ip()
        return (len(packet) >= 20 and packet[9] == OSPF_PROTOCOL
                and ".".join(map(str, packet[12:16])) == address)


def frames(machine: Machine, name: str) -> Iterator[Frame]:
    """What tcpdump wrote; the last frame may be cut."""
    with open(machine.path(f"{name}.pcap"), "rb") as file:
        data = file.read()
    at = 24
    while at + 16 <= len(data):
        seconds, micros, size, _ = struct.unpack_from("<IIII", data, at)
        at += 16
        if at + size > len(data):
            break
        yield Frame(seconds + micros / 1e6, data[at:at + size])
        at += size


def verdicts_said(machine: Machine, name: str, member_id: bytes) -> list[tuple[float, int]]:
    """When each hello of this member was on a wire, raw or over UDP, and its verdict by number."""
    said = []
    for frame in frames(machine, name):
        at = 14 if frame.octets[12:14] == HELLO_ETHERTYPE else frame.octets.find(HELLO_MAGIC)
        hello = frame.octets[at:] if at > 0 else b""
        if (hello[:4] == HELLO_MAGIC and hello[HELLO_MEMBER:HELLO_MEMBER + 6] == member_id
                and len(hello) > HELLO_VERDICT):
            said.append((frame.when, hello[HELLO_VERDICT]))
    return said


def goodbye(machine: Machine, name: str, member_id: bytes) -> float:
    """When the first hello said that this member leaves."""
    for frame in frames(machine, name):
        hello = frame.octets[14:]
        if (frame.octets[12:14] == HELLO_ETHERTYPE and hello[HELLO_MEMBER:HELLO_MEMBER + 6] == member_id
                and hello[HELLO_FLAGS] & HELLO_LEAVING):
            return frame.when
    raise LabError(f"{name}: nobody said goodbye")


def links_down(machine: Machine, ifname: str) -> list[float]:
    """When the kernel said that this device of S1's lost its carrier or was set down."""
    moments, was_up = [], False
    with open(machine.path("links"), encoding="utf-8", errors="replace") as file:
        for line in file:
            found = LINK.match(line)
            if found is None or found[2] != ifname:
                continue
            is_up = "LOWER_UP" in found[3].split(",") and "UP" in found[3].split(",")
            if was_up and not is_up:
                moments.append(datetime.fromisoformat(found[1]).replace(tzinfo=timezone.utc).timestamp())
            was_up = is_up
    return moments


def numbers(machine: Machine, name: str) -> dict[tuple[int, int], list[float]]:
    """When each numbered packet was there: (flow, number) -> times."""
    seen: dict[tuple[int, int], list[float]] = {}
    for frame in frames(machine, name):
        at = frame.octets.find(MAGIC)
        if frame.ip()[9:10] == UDP and 0 <= at <= len(frame.octets) - len(MAGIC) - 6:
            key = struct.unpack_from(">HI", frame.octets, at + len(MAGIC))
            seen.setdefault(key, []).append(frame.when)
    return seen


@dataclass(frozen=True)
class Loss:
    """Of the packets sent in a span of time."""

    sent: int
    lost: int
    doubled: int
    first: float
    last: float

    def __str__(self) -> str:
        span = f" within {1000 * (self.last - self.first):.0f} ms" if self.lost else ""
        return f"{self.lost} of {self.sent} lost{span}, {self.doubled} doubled"


def loss(machine: Machine, since: float, until: float, back: bool = False,
         ends: tuple[str, str] = ("r-bond0", "o2-eth0")) -> Loss:
    """From the dual host to the orphan, or back; captures are written a moment later than they are made."""
    here, there = reversed(ends) if back else ends
    arrived = {key: when for key, when in numbers(machine, there).items() if (key[0] >= BACK) == back}
    newest = max((when[0] for when in arrived.values()), default=0.0)
    until = min(until, newest - 0.5)  # what is later may not have been written yet
    sent = {key: when[0] for key, when in numbers(machine, here).items()
            if since <= when[0] < until and (key[0] >= BACK) == back}
    lost = sorted(when for key, when in sent.items() if key not in arrived)
    doubled = sum(len(arrived[key]) > 1 for key in sent if key in arrived)
    return Loss(len(sent), len(lost), doubled, lost[0] if lost else 0, lost[-1] if lost else 0)
