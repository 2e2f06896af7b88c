# SPDX-License-Identifier: BSD-2-Clause
"""Counting frames without a process: a packet socket whose frames the kernel writes into a ring.

Every frame that *arrives* at a device is stamped and stored by the kernel (TPACKET_V2), so a
receiver takes no processor time from the senders and misses nothing while Python is busy
elsewhere.  The ring is read when the measurement is over; a frame that found it full is counted
and makes the measurement invalid.
"""

import mmap
import socket
import struct
from typing import Iterator, NamedTuple

from .errors import LabError
from .netns import Namespace

SOL_PACKET = 263
PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION, PACKET_IGNORE_OUTGOING = 5, 6, 10, 23
PACKET_OUTGOING = 4
TPACKET_V2 = 1
ETH_P_ALL = 0x0003
BLOCK_SIZE = 1 << 16
FRAME_SIZE = 1 << 8
STATUS_USER, STATUS_VLAN_VALID = 1 << 0, 1 << 4

# tp_status, tp_len, tp_snaplen, tp_mac, tp_net, tp_sec, tp_nsec, tp_vlan_tci, tp_vlan_tpid
HEADER = struct.Struct("=IIIHHIIHH")
STATUS = struct.Struct("=I")
PKTTYPE_OFFSET = 32 + 10  # sockaddr_ll follows the aligned header


class Frame(NamedTuple):
    """One captured frame; the tag is not in data but in tci (None: untagged)."""

    time_ns: int
    data: bytes
    length: int
    tci: int | None

    @property
    def vlan(self) -> int | None:
        """VLAN id of the tag, None without a tag."""
        return None if self.tci is None else self.tci & 0xFFF


class Ring:
    """All frames that arrive at one device."""

    def __init__(self, namespace: Namespace, ifname: str, frames: int = 1 << 15) -> None:
        self.name = f"{namespace.name}-{ifname}"
        self._socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
        self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        blocks = max(1, frames * FRAME_SIZE // BLOCK_SIZE)
        self._count = blocks * BLOCK_SIZE // FRAME_SIZE
        request = struct.pack("IIII", BLOCK_SIZE, blocks, FRAME_SIZE, self._count)
        self._socket.setsockopt(SOL_PACKET, PACKET_RX_RING, request)
        self._map = mmap.mmap(self._socket.fileno(), blocks * BLOCK_SIZE)
        self._next = 0
        self.frames: list[Frame] = []
        self._socket.bind((ifname, ETH_P_ALL))

    def drain(self) -> None:
        """Move what is in the ring to self.frames; fails if anything was lost."""
        for frame in self._take():
            self.frames.append(frame)
        _, dropped = struct.unpack("II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        if dropped:
            raise LabError(f"{self.name}: {dropped} frames did not fit into the ring")

    def _take(self) -> Iterator[Frame]:
        ring, step = self._map, self._next
        unpack, status_pack = HEADER.unpack_from, STATUS.pack_into
        while True:
            base = step * FRAME_SIZE
            status, length, snap, mac, _, sec, nsec, tci, _ = unpack(ring, base)
            if not status & STATUS_USER:
                break
            if ring[base + PKTTYPE_OFFSET] != PACKET_OUTGOING:
                tag = tci if status & STATUS_VLAN_VALID else None
                yield Frame(sec * 1_000_000_000 + nsec, ring[base + mac:base + mac + snap],
                            length, tag)
            status_pack(ring, base, 0)
            step = (step + 1) % self._count
        self._next = step

    def write_pcap(self, path: str) -> None:
        """The frames as a pcap file (nanoseconds), tags put back."""
        with open(path, "wb") as file:
            file.write(struct.pack("=IHHIIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
            for frame in self.frames:
                data, length = frame.data, frame.length
                if frame.tci is not None:
                    data = data[:12] + struct.pack(">HH", 0x8100, frame.tci) + data[12:]
                    length += 4
                sec, nsec = divmod(frame.time_ns, 1_000_000_000)
                file.write(struct.pack("=IIII", sec, nsec, len(data), length) + data)

    def close(self) -> None:
        """Give the ring back."""
        self._map.close()
        self._socket.close()
