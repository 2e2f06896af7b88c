# SPDX-License-Identifier: BSD-2-Clause
"""Many MACs at once: into a kernel's FDB, by frames, and counted there; and what a daemon costs."""

import errno
import os
import select
import socket
import struct
import time
from dataclasses import dataclass
from typing import Iterator, Sequence

from .errors import LabError
from .netns import Namespace

NEWNEIGH, DELNEIGH, GETNEIGH = 28, 29, 30
REQUEST, ACK, REPLACE, CREATE, DUMP = 1, 4, 0x100, 0x400, 0x300
NUD_REACHABLE, NUD_NOARP = 0x02, 0x40
NTF_MASTER, NTF_EXT_LEARNED = 0x04, 0x10
NDA_LLADDR, NDA_MASTER = 2, 9
RTMGRP_NEIGH = 1 << 2
NLMSG = struct.Struct("=IHHII")
NDMSG = struct.Struct("=BBHiHBB")
BATCH = 256
TICKS = os.sysconf("SC_CLK_TCK")


def mac_of(number: int, salt: int = 0) -> bytes:
    """The MAC of a host nobody has."""
    return struct.pack(">BBI", 0x06, salt & 0xff, number)


class Fdb:
    """A bridge's forwarding table, by bare netlink: in batches with one acknowledgement each."""

    def __init__(self, namespace: Namespace, device: str, bridge: str = "br0") -> None:
        self.namespace = namespace
        self.ifindex = namespace.link(device)["ifindex"]
        self._bridge = namespace.link(bridge)["ifindex"]
        self._socket = namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self._socket.bind((0, 0))
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        self._socket.settimeout(30)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def _message(self, kind: int, flags: int, mac: bytes, state: int, ntf: int) -> bytes:
        body = NDMSG.pack(socket.AF_BRIDGE, 0, 0, self.ifindex, state, ntf, 0)
        body += struct.pack("=HH", 10, NDA_LLADDR) + mac + b"\0\0"
        return NLMSG.pack(NLMSG.size + len(body), kind, REQUEST | flags, 1, 0) + body

    def batches(self, macs: Sequence[bytes], kind: int = NEWNEIGH, state: int = NUD_REACHABLE,
                ntf: int = NTF_MASTER) -> list[bytes]:
        """The messages for many entries, ready to be sent."""
        flags = CREATE | REPLACE if kind == NEWNEIGH else 0
        ready = []
        for start in range(0, len(macs), BATCH):
            part = macs[start:start + BATCH]
            data = [self._message(kind, flags, mac, state, ntf) for mac in part[:-1]]
            data.append(self._message(kind, flags | ACK, part[-1], state, ntf))
            ready.append(b"".join(data))
        return ready

    def send(self, ready: Sequence[bytes]) -> float:
        """Send batches, each answered before the next; the seconds that took."""
        began = time.monotonic()
        for batch in ready:
            self._socket.send(batch)
            answer = self._socket.recv(1 << 16)
            error = -struct.unpack_from("=i", answer, NLMSG.size)[0]
            if error:
                raise LabError(f"FDB: {os.strerror(error)}")
        return time.monotonic() - began

    def learn(self, macs: Sequence[bytes]) -> float:
        """Entries as the data plane learns them."""
        return self.send(self.batches(macs))

    def forget(self, macs: Sequence[bytes]) -> float:
        """Delete them."""
        return self.send(self.batches(macs, DELNEIGH, 0))

    def has(self, mac: bytes) -> bool:
        """One entry, asked for by name."""
        body = NDMSG.pack(socket.AF_BRIDGE, 0, 0, 0, 0, NTF_MASTER, 0)
        body += struct.pack("=HH", 10, NDA_LLADDR) + mac + b"\0\0"
        body += struct.pack("=HHI", 8, NDA_MASTER, self._bridge)
        self._socket.send(NLMSG.pack(NLMSG.size + len(body), GETNEIGH, REQUEST, 2, 0) + body)
        answer = self._socket.recv(1 << 16)
        kind = NLMSG.unpack_from(answer)[1]
        if kind == 2 and -struct.unpack_from("=i", answer, NLMSG.size)[0] != errno.ENOENT:
            raise LabError(f"FDB: {answer!r}")
        return kind == NEWNEIGH

    def _dump(self) -> Iterator[bytes]:
        body = struct.pack("=BxHiII", socket.AF_BRIDGE, 0, 0, 0, 0)
        body += struct.pack("=HHI", 8, 10, self._bridge)  # IFLA_MASTER
        self._socket.send(NLMSG.pack(NLMSG.size + len(body), GETNEIGH, REQUEST | DUMP, 3, 0) + body)
        while True:
            data = self._socket.recv(1 << 16)
            yield data
            at = 0
            while at < len(data):
                size, kind, *_ = NLMSG.unpack_from(data, at)
                if kind == 3:  # NLMSG_DONE
                    return
                if size < NLMSG.size:
                    raise LabError("FDB: a dump that makes no sense")
                at += (size + 3) & ~3

    def count(self, salt: int = 0) -> int:
        """How many entries of mac_of() with this salt there are.  Dumps may skip under churn."""
        mark = struct.pack("=HH", 10, NDA_LLADDR) + bytes((0x06, salt & 0xff))
        return sum(data.count(mark) for data in self._dump())

    def wait(self, macs: Sequence[bytes], salt: int = 0, timeout: float = 60) -> float:
        """Wait until all are there; the moment at which the last was, found without a poll of all."""
        deadline = time.monotonic() + timeout
        while True:
            while not self.has(macs[-1]):
                if time.monotonic() > deadline:
                    raise LabError(f"{self.count(salt)} of {len(macs)} MACs after {timeout:g} s")
                time.sleep(0.002)
            moment = time.monotonic()
            if self.count(salt) >= len(macs):
                return moment
            if moment > deadline:
                raise LabError(f"{self.count(salt)} of {len(macs)} MACs after {timeout:g} s")


class Watch:
    """What a kernel says of its FDB; the moment of one entry is known without a poll."""

    def __init__(self, namespace: Namespace) -> None:
        self._socket = namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)
        self._socket.bind((0, RTMGRP_NEIGH))

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def wait(self, mac: bytes, timeout: float = 5) -> float:
        """The moment at which a new entry of this MAC was told."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                break
            if NLMSG.unpack_from(data)[1] == NEWNEIGH and mac in data:
                return time.monotonic()
        raise LabError(f"no entry of {mac.hex(':')} within {timeout:g} s")


class Frames:
    """Frames with any source, as fast as one process sends them."""

    def __init__(self, namespace: Namespace, device: str) -> None:
        self._socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.bind((device, 0))

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def send(self, macs: Sequence[bytes], destination: bytes = b"\x02\0\0\0\xff\xfe") -> float:
        """One frame from each MAC; the moment at which the last was sent."""
        frames = [destination + mac + b"\x88\xb6" + bytes(46) for mac in macs]
        send = self._socket.send
        for frame in frames:
            try:
                send(frame)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                select.select([], [self._socket], [], 1)
                send(frame)
        return time.monotonic()


@dataclass
class Cost:
    """What a process has used, and holds."""

    rss: int        # KiB
    rss_anon: int   # KiB
    cpu: float      # seconds
    wakeups: int    # voluntary context switches

    @staticmethod
    def of(pid: int) -> "Cost":
        """As /proc tells it."""
        values = {}
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            for line in file:
                name, _, rest = line.partition(":")
                values[name] = rest.split()[0] if rest.split() else ""
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return Cost(int(values["VmRSS"]), int(values["RssAnon"]),
                    (int(fields[11]) + int(fields[12])) / TICKS,
                    int(values["voluntary_ctxt_switches"]))
