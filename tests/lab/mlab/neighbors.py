# SPDX-License-Identifier: BSD-2-Clause
"""Neighbour entries of the members (R29): the kernels' and mlagd's, and frames that make them."""

import ipaddress
import json
import socket
import struct
import time
from typing import Any

from .errors import LabError
from .netns import Namespace
from .probe import mac_bytes
from .routing import Routing
from .topology import MEMBERS, Switch
from .traffic import Port
from .wait import wait_for

PROTOCOL = "109"  # what mlagd writes has this number, and is exempt from collection


def entries(switch: Switch, device: str, version: int = 4) -> dict[str, dict[str, Any]]:
    """What a member's kernel holds on a device, by address; nothing without a MAC."""
    rows = switch.namespace.json("ip", f"-{version}", "-j", "neigh", "show", "dev", device)
    return {row["dst"]: row for row in rows if row.get("lladdr")}


def entry(switch: Switch, device: str, target: str) -> dict[str, Any]:
    """One of them, or nothing."""
    return entries(switch, device, ipaddress.ip_address(target).version).get(target, {})


def is_marked(row: dict[str, Any]) -> bool:
    """It was written for the peer's word."""
    return str(row.get("protocol")) == PROTOCOL and "extern_learn" in row


def wait_entry(switch: Switch, device: str, target: str, mac: str | None, timeout: float = 5,
               marked: bool | None = None) -> dict[str, Any]:
    """Wait until a member holds an address at a MAC (None: does not hold it)."""
    def probe() -> bool:
        row = entry(switch, device, target)
        return row.get("lladdr") == mac and (marked is None or is_marked(row) == marked)

    wait_for(f"{target} at {mac} on {switch.name}", probe, timeout, 0.05,
             show=lambda: (entry(switch, device, target),
                           [row for row in switch.mlagd.query("neighbors") if row["ip"] == target]))
    return entry(switch, device, target)


def listed(switch: Switch, *argv: str) -> dict[str, dict[str, Any]]:
    """What `mlagctl neighbors` says, by address."""
    return {row["ip"]: row for row in switch.mlagd.query("neighbors", *argv)}


def wait_equal(lab: Routing, timeout: float = 10) -> None:
    """Wait until both members have proven that their tables of neighbours are equal."""
    def probe() -> bool:
        for member in MEMBERS:
            status = lab.pair.switches[member].mlagd.query("status")
            sync = status["sync"]["neighbors"]
            if not sync["match"] or status["health"] != "ok":
                raise LabError(f"{member}: {sync} {status['problems']}")
        return True

    wait_for("equal tables of neighbours", probe, timeout, 0.1)


def add(switch: Switch, device: str, target: str, mac: str, state: str = "stale") -> None:
    """As if the kernel had learned it."""
    switch.namespace.run("ip", "neigh", "replace", target, "lladdr", mac, "nud", state, "dev",
                         device)


class Watcher:
    """What a kernel tells of neighbours, so that the moment of a change is known without a poll."""

    GROUP, NEW = 3, 28  # RTNLGRP_NEIGH, RTM_NEWNEIGH

    def __init__(self, namespace: Namespace) -> None:
        self._socket = namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self._socket.bind((0, 1 << (self.GROUP - 1)))

    def wait(self, target: str, mac: str, timeout: float = 5) -> float:
        """The moment (time.monotonic) at which an address was told to be at a MAC."""
        address, lladdr = ipaddress.ip_address(target).packed, mac_bytes(mac)
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                break
            kind = struct.unpack_from("=IH", data)[1]
            if kind == self.NEW and address in data[28:] and lladdr in data[28:]:
                return time.monotonic()
        raise LabError(f"{target} at {mac} was not told within {timeout:g} s")

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


class Burst:
    """Many changes of a kernel's neighbours as fast as it takes them: bare netlink, no answers."""

    NEW, DELETE = 28, 29                    # RTM_NEWNEIGH, RTM_DELNEIGH
    REQUEST, ACK, REPLACE, CREATE = 1, 4, 0x100, 0x400
    STALE = 0x04
    CHUNK = 1 << 15

    def __init__(self, namespace: Namespace, device: str) -> None:
        self._socket = namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self._socket.bind((0, 0))
        self._ifindex = namespace.link(device)["ifindex"]
        self._data = bytearray()
        self._count = 0

    def _add(self, kind: int, flags: int, target: str, more: bytes = b"") -> None:
        octets = ipaddress.ip_address(target).packed
        family = socket.AF_INET if len(octets) == 4 else socket.AF_INET6
        body = struct.pack("=BBHiHBB", family, 0, 0, self._ifindex, self.STALE, 0, 0)
        body += struct.pack("=HH", 4 + len(octets), 1) + octets + more
        self._count += 1
        self._data += struct.pack("=IHHII", 16 + len(body), kind, flags, self._count, 0) + body
        if len(self._data) >= self.CHUNK:
            self.flush()

    def set(self, target: str, mac: str) -> None:
        """Create or replace, as if it had just been learned."""
        self._add(self.NEW, self.REQUEST | self.CREATE | self.REPLACE, target,
                  struct.pack("=HH", 10, 2) + mac_bytes(mac) + b"\0\0")

    def delete(self, target: str) -> None:
        """Take one out."""
        self._add(self.DELETE, self.REQUEST, target)

    def flush(self) -> None:
        """Hand over what was collected."""
        if self._data:
            self._socket.send(bytes(self._data))
            self._data.clear()

    def close(self) -> None:
        """Hand over the rest; an error that came back fails the test."""
        self.flush()
        self._socket.setblocking(False)
        try:
            answer = self._socket.recv(1 << 16)
        except BlockingIOError:
            return
        finally:
            self._socket.close()
        raise LabError(f"the kernel answered {struct.unpack_from('=IHHIIi', answer)}")


def arp(operation: int, dst: str, src: str, sender: str, target_mac: str, target: str,
        tag: int | None = None) -> bytes:
    """An ARP frame."""
    head = mac_bytes(dst) + mac_bytes(src)
    if tag is not None:
        head += struct.pack(">HH", 0x8100, tag)
    return head + struct.pack(
        ">HHHBBH6s4s6s4s", 0x0806, 1, 0x0800, 6, 4, operation, mac_bytes(src),
        socket.inet_aton(sender), mac_bytes(target_mac), socket.inet_aton(target)).ljust(46, b"\0")


def icmp6(dst_mac: str, src_mac: str, src: str, dst: str, body: bytes, hop_limit: int = 255
          ) -> bytes:
    """An ICMPv6 frame; `body` begins with type, code and a zero checksum."""
    source, destination = (ipaddress.IPv6Address(text).packed for text in (src, dst))
    summed = source + destination + struct.pack(">II", len(body), 58) + body
    summed += b"\0" * (len(summed) % 2)
    total = sum(struct.unpack(f">{len(summed) // 2}H", summed))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    body = body[:2] + struct.pack(">H", ~total & 0xFFFF) + body[4:]
    head = struct.pack(">IHBB", 6 << 28, len(body), 58, hop_limit) + source + destination
    return mac_bytes(dst_mac) + mac_bytes(src_mac) + b"\x86\xdd" + head + body


def solicitation(dst_mac: str, src_mac: str, src: str, dst: str, target: str,
                 has_source_mac: bool = True) -> bytes:
    """A neighbour solicitation."""
    body = struct.pack(">BBHI", 135, 0, 0, 0) + ipaddress.IPv6Address(target).packed
    return icmp6(dst_mac, src_mac, src, dst,
                 body + (b"\1\1" + mac_bytes(src_mac) if has_source_mac else b""))


def advertisement(dst_mac: str, src_mac: str, src: str, dst: str, flags: int = 0x60000000
                  ) -> bytes:
    """A neighbour advertisement of `src`."""
    body = struct.pack(">BBHI", 136, 0, 0, flags) + ipaddress.IPv6Address(src).packed
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


def dump(switch: Switch) -> str:
    """All of it, for a failure."""
    return json.dumps(switch.mlagd.query("neighbors"), indent=1)
