# SPDX-License-Identifier: BSD-2-Clause
"""R23 for address resolution: ARP and ND between R and each member over whichever legs.

The test answers and asks in R's name on the leg it chooses, for an address that R's own stack does
not have; so request and reply take different legs whenever the test says so.

A flood would bring each of them to its owner too.  So every copy is counted, everywhere: W1 and W2
are orphans in R's VLAN that nothing of this concerns.
"""

import ipaddress
import select
import socket
import struct
import subprocess
import time

import pytest

from mlab import LabError, Pair, wait_for
from mlab.probe import mac_bytes
from mlab.ring import Frame, Ring
from mlab.routing import Routing, address, lay_out, link_local
from mlab.topology import MEMBERS
from mlab.traffic import Port

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
NUMBER = 77  # R's second self
COPIES = 5
WAYS = [(member, leg) for member in MEMBERS for leg in MEMBERS]


def LAYOUT(pair: Pair) -> None:  # pylint: disable=invalid-name
    """R, H, O1 and O2, and who must not hear of what goes on between R and the members."""
    lay_out(pair)
    pair.orphan("w1", on="s1", access=10)
    pair.orphan("w2", on="s2", access=10)


@pytest.fixture(autouse=True)
def known(lab: Routing):
    """R's MAC is known on both members: replies to it are no floods."""
    lab.pair.wait_known(vlan=10)


# -- frames -------------------------------------------------------------------------------------


def arp(operation: int, dst: str, src: str, sender: str, target_mac: str, target: str) -> bytes:
    """An ARP frame."""
    return mac_bytes(dst) + mac_bytes(src) + struct.pack(
        ">HHHBBH6s4s6s4s", 0x0806, 1, 0x0800, 6, 4, operation, mac_bytes(src),
        socket.inet_aton(sender), mac_bytes(target_mac), socket.inet_aton(target)).ljust(46, b"\0")


def icmp6(dst_mac: str, src_mac: str, src: str, dst: str, body: bytes) -> bytes:
    """An ICMPv6 frame with hop limit 255; `body` begins with type, code and a zero checksum."""
    source, destination = (ipaddress.IPv6Address(text).packed for text in (src, dst))
    summed = source + destination + struct.pack(">II", len(body), 58) + body
    summed += b"\0" * (len(summed) % 2)
    total = sum(struct.unpack(f">{len(summed) // 2}H", summed))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    body = body[:2] + struct.pack(">H", ~total & 0xFFFF) + body[4:]
    head = struct.pack(">IHBB", 6 << 28, len(body), 58, 255) + source + destination
    return mac_bytes(dst_mac) + mac_bytes(src_mac) + b"\x86\xdd" + head + body


def solicitation(dst_mac: str, src_mac: str, src: str, dst: str, target: str) -> bytes:
    """A neighbour solicitation with the source's link-layer address."""
    body = struct.pack(">BBHI", 135, 0, 0, 0) + ipaddress.IPv6Address(target).packed
    return icmp6(dst_mac, src_mac, src, dst, body + b"\1\1" + mac_bytes(src_mac))


def advertisement(dst_mac: str, src_mac: str, src: str, dst: str) -> bytes:
    """A solicited neighbour advertisement of `src`."""
    body = struct.pack(">BBHI", 136, 0, 0, 0x60000000) + ipaddress.IPv6Address(src).packed
    return icmp6(dst_mac, src_mac, src, dst, body + b"\2\1" + mac_bytes(src_mac))


def solicited_node(target: str) -> tuple[str, str]:
    """Group address and MAC that a solicitation for an address goes to."""
    last = ipaddress.IPv6Address(target).packed[-3:]
    group = ipaddress.IPv6Address(bytes.fromhex("ff0200000000000000000001ff") + last)
    return str(group), "33:33:ff:" + ":".join(f"{octet:02x}" for octet in last)


def transmit(port: Port, frame: bytes) -> None:
    """One frame out of one device."""
    with port.namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind((port.ifname, 0))
        sock.send(frame)


class Responder:
    """Answers a member's questions for R's second self, on one leg."""

    def __init__(self, lab: Routing, member: str, leg: str, version: int) -> None:
        self.lab, self.member, self.version = lab, member, version
        self.leg = lab.r.leg(leg)
        self.target = address(NUMBER, 10, version)
        self._socket = lab.r.namespace.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                              socket.htons(0x0003))
        self._socket.bind(("bond0", 0x0003))
        self._socket.setblocking(False)
        self.questions = 0

    def serve(self, until: float) -> None:
        """Answer what comes before a moment."""
        while (left := until - time.monotonic()) > 0:
            if not select.select([self._socket], [], [], left)[0]:
                return
            answer = self._answer(self._socket.recv(2048))
            if answer is not None:
                self.questions += 1
                transmit(self.leg, answer)

    def _answer(self, frame: bytes) -> bytes | None:
        mac, asker = self.lab.r.mac, self.lab.macs[self.member]
        if frame[6:12] != mac_bytes(asker):
            return None
        if self.version == 4:
            if frame[12:14] != b"\x08\x06" or frame[20:22] != b"\0\1" or \
                    frame[38:42] != socket.inet_aton(self.target):
                return None
            return arp(2, asker, mac, self.target, asker, socket.inet_ntoa(frame[28:32]))
        if frame[12:14] != b"\x86\xdd" or frame[20] != 58 or frame[54] != 135 or \
                frame[62:78] != ipaddress.IPv6Address(self.target).packed:
            return None
        return advertisement(asker, mac, self.target, str(ipaddress.IPv6Address(frame[22:38])))

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


def neighbor(lab: Routing, member: str, target: str) -> dict[str, object]:
    """A member's neighbour entry."""
    rows = lab.pair.switches[member].namespace.json("ip", "-j", "neigh", "show", target, "dev",
                                                    "br0.10")
    return rows[0] if rows else {}


def flush(lab: Routing, target: str) -> None:
    """The operator flushes VLAN 10 on both members: what one still has, it tells the other (R29)."""
    for member in MEMBERS:
        for family in ("-4", "-6"):
            lab.pair.switches[member].namespace.run("ip", family, "neigh", "flush", "dev",
                                                    "br0.10")
    wait_for(f"nobody to know {target}", lambda: not any(
        neighbor(lab, member, target).get("lladdr") for member in MEMBERS), 5, 0.05)


def resolve_by(lab: Routing, member: str, leg: str, version: int) -> int:
    """Let a member ask for R's second self and answer on a leg; how often it had to ask."""
    responder = Responder(lab, member, leg, version)
    argv = ["ping", "-n", "-q", "-c", "1", "-W", "2", responder.target]
    ping = lab.pair.switches[member].namespace.popen(argv, stdout=subprocess.DEVNULL,
                                                     stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 4
        while True:
            responder.serve(time.monotonic() + 0.2)
            entry = neighbor(lab, member, responder.target)
            if entry.get("lladdr") == lab.r.mac:
                return responder.questions
            if time.monotonic() > deadline:
                raise LabError(f"{member} does not resolve {responder.target} by replies over "
                               f"the leg to {leg}: {responder.questions} questions came to R, "
                               f"entry {entry}")
    finally:
        ping.kill()
        ping.wait()
        responder.close()


# -- tests --------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [4, 6], ids=["arp", "nd"])
@pytest.mark.parametrize("member,leg", WAYS)
def test_r23_a_member_resolves_r_whose_reply_comes_by_either_leg(
        lab: Routing, member: str, leg: str, version: int) -> None:
    """At first, and again after a flush; the first question is enough."""
    for round_ in ("first", "after a flush"):
        flush(lab, address(NUMBER, 10, version))
        questions = resolve_by(lab, member, leg, version)
        assert questions == 1, f"{round_}: asked {questions} times"


@pytest.mark.parametrize("target_kind", ["broadcast", "unicast"])
@pytest.mark.parametrize("version", [4, 6], ids=["arp", "nd"])
@pytest.mark.parametrize("member,leg", WAYS)
def test_r23_r_asks_by_either_leg_and_gets_one_answer(
        lab: Routing, member: str, leg: str, version: int, target_kind: str) -> None:
    """From the owner's MAC, once, at R's bond: also to a question with the owner's MAC (probe)."""
    number = MEMBERS.index(member) + 1
    target, own, mac = address(number, 10, version), lab.macs[member], lab.r.mac
    asker = address(NUMBER, 10, version)
    if version == 4:
        dst = own if target_kind == "unicast" else "ff:ff:ff:ff:ff:ff"
        question = arp(1, dst, mac, asker, "00:00:00:00:00:00", target)
    else:
        group, group_mac = solicited_node(target)
        is_group = target_kind == "broadcast"
        question = solicitation(group_mac if is_group else own, mac, asker,
                                group if is_group else target, target)
    ring = Ring(lab.r.namespace, "bond0", 1 << 10)
    try:
        transmit(lab.r.leg(leg), question)
        time.sleep(0.4)
        ring.drain()
        answers = [frame for frame in ring.frames if is_answer(frame, target, version)]
    finally:
        ring.close()
    assert len(answers) == 1, f"{len(answers)} answers"
    assert answers[0].data[6:12] == mac_bytes(own)


def is_answer(frame: Frame, target: str, version: int) -> bool:
    """An ARP reply or a neighbour advertisement for an address."""
    data = frame.data
    if version == 4:
        return data[12:14] == b"\x08\x06" and data[20:22] == b"\0\2" and \
            data[28:32] == socket.inet_aton(target)
    return data[12:14] == b"\x86\xdd" and data[20] == 58 and data[54] == 136 and \
        data[62:78] == ipaddress.IPv6Address(target).packed


@pytest.mark.parametrize("version", [4, 6], ids=["arp", "nd"])
def test_r23_r_resolves_both_members_by_its_own_stack_after_a_flush(lab: Routing, version: int
                                                                    ) -> None:
    """However R's bond hashes; ten rounds, both members, also link-local addresses."""
    namespace = lab.r.namespace
    family = f"-{version}"
    targets = [address(number, 10, version) for number in (1, 2)]
    if version == 6:
        targets += [link_local(lab.macs[member]) for member in MEMBERS]
    for round_ in range(10):
        namespace.run("ip", family, "neigh", "flush", "dev", "bond0")
        for target in targets:
            scope = "%bond0" if target.startswith("fe80") else ""
            done = namespace.run("ping", "-n", "-q", "-c", "1", "-W", "2", f"{target}{scope}",
                                 check=False)
            assert "1 received" in done.stdout and "duplicates" not in done.stdout, \
                f"round {round_}, {target}: {done.stdout}"
    wait_for("R's entries to hold the members' own MACs", lambda: all(
        any(row.get("lladdr") == mac for row in namespace.json("ip", family, "-j", "neigh",
                                                               "show", "dev", "bond0"))
        for mac in lab.macs.values()), 2)


# -- every copy of what is for one member alone ---------------------------------------------------


def unicasts(lab: Routing) -> dict[tuple[str, str, str], bytes]:
    """Each kind of frame that address resolution sends to a member's own MAC, by either leg.

    Each is of another self of R's, so that it can be told from the others wherever it is.
    """
    frames: dict[tuple[str, str, str], bytes] = {}
    for way, (to, by) in enumerate(WAYS):
        dst, src = lab.macs[to], lab.r.mac
        selves = [address(100 + way, 10, version) for version in (4, 6)]
        owns = [address(MEMBERS.index(to) + 1, 10, version) for version in (4, 6)]
        frames.update({
            ("ARP reply", to, by): arp(2, dst, src, selves[0], dst, owns[0]),
            ("ARP probe", to, by): arp(1, dst, src, selves[0], dst, owns[0]),
            ("ND advertisement", to, by): advertisement(dst, src, selves[1], owns[1]),
            ("ND probe", to, by): solicitation(dst, src, selves[1], owns[1], owns[1]),
            ("ND probe of a link-local address", to, by): solicitation(
                dst, src, selves[1], link_local(dst), link_local(dst))})
    return frames


def count_copies(lab: Routing) -> dict[tuple[str, str, str], dict[str, int]]:
    """Send each of unicasts() a few times; how many copies came to each place."""
    views = {name: host.port for name, host in lab.pair.hosts.items()}
    views |= {f"pl of {name}": switch.peer_link for name, switch in lab.pair.switches.items()}
    views |= {name: ports[0] for name, ports in lab.svis().items()}
    frames = unicasts(lab)
    rings = {name: Ring(port.namespace, port.ifname, 1 << 10) for name, port in views.items()}
    try:
        for _ in range(COPIES):
            for (_, _, by), frame in frames.items():
                transmit(lab.r.leg(by), frame)
                time.sleep(0.005)
        time.sleep(0.3)
        for ring in rings.values():
            ring.drain()
        return {key: {name: sum(seen.data.startswith(frame) for seen in ring.frames)
                      for name, ring in rings.items()} for key, frame in frames.items()}
    finally:
        for ring in rings.values():
            ring.close()


def copy_faults(lab: Routing) -> list[str]:
    """Each copy at its owner, over the peer link if it came by the other leg, and nowhere else."""
    faults = []
    for (kind, to, by), copies in count_copies(lab).items():
        wanted = {name: 0 for name in copies} | {f"svi-{to}": COPIES}
        if to != by:
            wanted[f"pl of {to}"] = COPIES
        wrong = {name: count for name, count in copies.items() if count != wanted[name]}
        if wrong:
            faults.append(f"{COPIES} of {kind} to {to} by {by}: {wrong}")
    return faults


def delete_peer_macs(lab: Routing) -> int:
    """Take the peer's router MACs out of both forwarding tables; how many entries that were."""
    count = 0
    for switch in lab.pair.switches.values():
        rows = [row for row in switch.fdb() if row["mac"] in lab.macs.values()
                and row.get("ifname") == "peerlink"]
        count += len(rows)
        switch.namespace.bridge(*(
            f"fdb del {row['mac']} dev peerlink master"
            + (f" vlan {row['vlan']}" if "vlan" in row else "") for row in rows))
    return count


def test_r23_unicast_of_arp_and_nd_is_at_its_owner_once_and_nowhere_else(lab: Routing) -> None:
    """Replies, probes and advertisements with a member's own MAC, by both legs; every copy."""
    assert not (faults := copy_faults(lab)), "\n".join(faults)


def test_r23_without_the_programs_the_entries_do_and_without_both_it_is_flooded(lab: Routing
                                                                                ) -> None:
    """With `receive` detached plain bridging carries it to its owner, by the static entries alone.

    This suite can fail: without them W1 or W2 gets a copy of each that arrives at the other member.
    """
    for switch in lab.pair.switches.values():
        switch.mlagd.stop()
        lab.detach_receive(switch)
    try:
        assert not (faults := copy_faults(lab)), "\n".join(faults)
        assert delete_peer_macs(lab) >= 2
        faults = copy_faults(lab)
        print("without the entries:", *faults, sep="\n")
        assert len(faults) == len(unicasts(lab)) // 2
        for (kind, to, by), copies in count_copies(lab).items():
            witness = {"s1": "w1", "s2": "w2"}[by]
            assert copies[witness] == (COPIES if to != by else 0), f"{kind} to {to} by {by}"
    finally:
        lab.pair.start()
    lab.pair.wait_known(vlan=10)
    assert not (faults := copy_faults(lab)), "\n".join(faults)
