# SPDX-License-Identifier: BSD-2-Clause
"""Routed probes: numbered UDP packets, IPv4 and IPv6, and what became of their headers.

Every probe of `mlab.traffic` is counted by its receiver; of these one also wants to know which TTL
they arrived with, to which MAC, whether a byte changed, and which ICMP errors they caused.
"""

import ipaddress
import socket
import struct
from dataclasses import dataclass
from typing import Sequence

from . import probe
from .topology import PL, Pair
from .traffic import Flow, Port, Traffic

SOURCE_PORT = 20_000
ICMP_ERRORS = {(4, 3): "unreachable", (4, 11): "time-exceeded", (4, 5): "redirect",
               (6, 1): "unreachable", (6, 3): "time-exceeded", (6, 137): "redirect"}


@dataclass(frozen=True)
class Packet:
    """What is in a routed probe.

    `options` are IPv4's, in multiples of four octets, `fragment` its flags and offset; `extension`
    is an IPv6 extension header: its number, then its octets from the second on.
    """

    src: str
    dst: str
    ttl: int = 64
    source_port: int = SOURCE_PORT
    options: bytes = b""
    fragment: int = 0x4000
    extension: bytes = b""

    @property
    def version(self) -> int:
        """4 or 6."""
        return ipaddress.ip_address(self.dst).version

    def header(self) -> bytes:
        """IP and UDP headers; no UDP checksum, so the numbers may change."""
        udp_size = 8 + probe.PAYLOAD.size
        src, dst = (ipaddress.ip_address(text).packed for text in (self.src, self.dst))
        if self.version == 4:
            words = 5 + len(self.options) // 4
            head = struct.pack(">BBHHHBBH4s4s", 0x40 | words, 0, 4 * words + udp_size, 77,
                               self.fragment, self.ttl, 17, 0, src, dst) + self.options
            total = sum(struct.unpack(f">{len(head) // 2}H", head))
            while total >> 16:
                total = (total & 0xFFFF) + (total >> 16)
            head = head[:10] + struct.pack(">H", ~total & 0xFFFF) + head[12:]
        else:
            more = b"\x11" + self.extension[1:] if self.extension else b""
            kind = self.extension[0] if self.extension else 17
            head = struct.pack(">IHBB16s16s", 6 << 28, len(more) + udp_size, kind, self.ttl, src,
                               dst) + more
        return head + struct.pack(">HHHH", self.source_port, probe.UDP_PORT, udp_size, 0)


@dataclass(frozen=True)
class Seen:
    """One frame that carries a probe, or an ICMP error that quotes it."""

    time_ns: int
    port: Port
    dst_mac: str
    src_mac: str
    vlan: int | None
    ip: bytes         # the IP packet, without padding
    src: str
    ttl: int
    sequence: int
    error: str | None  # kind of the ICMP error that quotes the probe

    def __str__(self) -> str:
        kind = f"ICMP {self.error} from {self.src}" if self.error else "packet"
        return (f"{self.port}: {kind} #{self.sequence} {self.src_mac} to {self.dst_mac} "
                f"vlan {self.vlan} ttl {self.ttl}")


def mac_text(octets: bytes) -> str:
    """Six octets as aa:bb:…"""
    return ":".join(f"{octet:02x}" for octet in octets)


def parse(data: bytes) -> tuple[int, int, int, bytes, str, int, str | None] | None:
    """(flow, run, sequence, IP packet, source, TTL, error) of a frame whose tag was taken out."""
    kind = data[12:14]
    if kind == b"\x08\x00" and len(data) >= 34:
        size, ttl, protocol, src = struct.unpack_from(">H", data, 16)[0], data[22], data[23], \
            str(ipaddress.IPv4Address(data[26:30]))
        icmp_at, version, icmp = 14 + 4 * (data[14] & 15), 4, 1
    elif kind == b"\x86\xdd" and len(data) >= 54:
        size, ttl, protocol, src = 40 + struct.unpack_from(">H", data, 18)[0], data[21], data[20], \
            str(ipaddress.IPv6Address(data[22:38]))
        icmp_at, version, icmp = 54, 6, 58
    else:
        return None
    at = data.find(probe.MAGIC, 34)
    if at < 0 or len(data) < at + probe.PAYLOAD.size:
        return None
    error = None
    if protocol == icmp:
        error = ICMP_ERRORS.get((version, data[icmp_at]), f"type-{data[icmp_at]}")
    _, flow, run, sequence, _ = probe.PAYLOAD.unpack_from(data, at)
    return flow, run, sequence, data[14:14 + size], src, ttl, error


class RoutedTraffic(Traffic):
    """A measurement of routed probes; also bare frames by flow()."""

    _parsed: dict[Port, dict[int, list[Seen]]]

    @classmethod
    def of(cls, pair: Pair, frames: int = 1 << 14, **more: Sequence[Port]) -> "RoutedTraffic":
        """Receivers as Pair.traffic() has them, each SVI of `more` beside."""
        views: dict[str, Sequence[Port]] = {name: host.view() for name, host in pair.hosts.items()}
        views[PL] = [switch.peer_link for switch in pair.switches.values()]
        return cls({**views, **more}, frames, pair._keep)  # pylint: disable=protected-access

    def packets(self, name: str, port: Port, dst_mac: str, src_mac: str, packet: Packet,
                rate: float = 200, count: int = 20, vlan: int | None = None) -> Flow:
        """Add a flow of routed probes."""
        number = len(self.flows) + 1
        frame = probe.mac_bytes(dst_mac) + probe.mac_bytes(src_mac)
        if vlan is not None:
            frame += struct.pack(">HH", 0x8100, vlan)
        frame += b"\x08\x00" if packet.version == 4 else b"\x86\xdd"
        frame += packet.header()
        offset = len(frame) + probe.SEQUENCE_OFFSET
        frame += probe.PAYLOAD.pack(probe.MAGIC, number, self._run, 0, 0)
        flow = Flow(name, number, port, rate, count, frame, offset)
        self.flows.append(flow)
        return flow

    def datagrams(self, name: str, port: Port, src: str, dst: str, source_port: int = SOURCE_PORT,
                  rate: float = 200, count: int = 20) -> Flow:
        """Add a flow that the node's own stack sends: its routes and its bond choose the way."""
        number = len(self.flows) + 1
        family = socket.AF_INET if ipaddress.ip_address(dst).version == 4 else socket.AF_INET6
        sock = port.namespace.socket(family, socket.SOCK_DGRAM)
        sock.bind((src, source_port))
        sock.connect((dst, probe.UDP_PORT))
        payload = probe.PAYLOAD.pack(probe.MAGIC, number, self._run, 0, 0)
        flow = Flow(name, number, port, rate, count, payload, probe.SEQUENCE_OFFSET, sock=sock)
        self.flows.append(flow)
        return flow

    def read(self) -> None:
        """Sort what the rings hold by receiver and flow; ICMP errors do not count as arrivals."""
        super().read()
        self._parsed = {port: self._parse(port) for port in self.rings}
        for name, ports in self._views.items():
            for flow in self.flows:
                seen = [entry for port in ports for entry in self._of(flow, port)]
                if seen:
                    self._seen[name][flow.number] = [
                        (entry.sequence, entry.time_ns, entry.vlan) for entry in seen
                        if entry.error is None]

    def _of(self, flow: Flow, port: Port) -> list[Seen]:
        return self._parsed[port].get(flow.number, [])

    def _parse(self, port: Port) -> dict[int, list[Seen]]:
        found: dict[int, list[Seen]] = {}
        for frame in self.rings[port].frames:
            what = parse(frame.data)
            if what is not None and what[1] == self._run:
                flow, _, sequence, packet, src, ttl, error = what
                found.setdefault(flow, []).append(Seen(
                    frame.time_ns, port, mac_text(frame.data[:6]), mac_text(frame.data[6:12]),
                    frame.vlan, packet, src, ttl, sequence, error))
        return found

    def seen(self, flow: Flow, view: str) -> list[Seen]:
        """The probes of a flow at a receiver, as they came."""
        return [entry for port in self._views[view] for entry in self._of(flow, port)
                if entry.error is None]

    def errors(self, flow: Flow, view: str) -> list[Seen]:
        """The ICMP errors that a flow caused, at a receiver."""
        return [entry for port in self._views[view] for entry in self._of(flow, port)
                if entry.error is not None]

    @staticmethod
    def sent_packet(flow: Flow, sequence: int) -> bytes:
        """The IP packet exactly as it was handed to the device."""
        frame = bytearray(flow.frame)
        struct.pack_into(">IQ", frame, flow.offset, sequence, flow.times[sequence])
        return bytes(frame[18 if frame[12:14] == b"\x81\x00" else 14:])

    def changed(self, flow: Flow, view: str) -> list[Seen]:
        """Those probes of a flow at a receiver whose IP packet is not what was sent."""
        return [entry for entry in self.seen(flow, view)
                if entry.ip != self.sent_packet(flow, entry.sequence)]


def faults_once(run: RoutedTraffic, flow: Flow, view: str, ttl: int | None = None) -> list[str]:
    """What is wrong when every probe should reach a receiver once, with this TTL."""
    result = run.result(flow, view)
    faults = [str(result)] if result.missing or result.duplicates or not result.sent else []
    if ttl is not None:
        wrong = [entry for entry in run.seen(flow, view) if entry.ttl != ttl]
        faults += [f"{flow.name}: {len(wrong)} with a TTL that is not {ttl}, e.g. {entry}"
                   for entry in wrong[:1]]
    return faults


def faults_nothing(run: RoutedTraffic, flow: Flow, *views: str) -> list[str]:
    """What is wrong when no probe should reach these receivers."""
    return [f"must not arrive: {result}, e.g. {next(iter(run.seen(flow, view)), 'a bare frame')}"
            for view in views if (result := run.result(flow, view)).unique]
