# SPDX-License-Identifier: BSD-2-Clause
"""A peer made of bytes: it speaks TCP from the peer's address, and says what no mlagd would."""

import socket
import struct
import time

from .errors import LabError
from .netns import Namespace
from .topology import SYSTEM_MAC

HELLO, REFUSE, KEEPALIVE, GOODBYE, BEGIN, ROWS, END, ACK, RESYNC = range(1, 10)
LEGS, MACS, ADDRESSES, NEIGHBORS = 1, 2, 3, 4
CLAIM, WITHDRAW = 1, 2
PORT = 4796
HEADER = struct.Struct(">IHH")


def octets(mac: str) -> bytes:
    """Six of them."""
    return bytes.fromhex(mac.replace(":", ""))


def message(kind: int, payload: bytes, size: int | None = None) -> bytes:
    """A message; `size` is what its header says instead of the truth."""
    return HEADER.pack(len(payload) if size is None else size, kind, 0) + payload


def hello(boot_id: int = 0x1122334455667788, version: int = 1, domain: int = 1) -> bytes:
    """What a peer says first."""
    text = b"hostile"
    return message(HELLO, struct.pack(">HHQH", version, version, 0, domain) + octets(SYSTEM_MAC)
                   + octets("02:00:00:00:ff:02") + struct.pack(">QIHBB", boot_id, 1, 2000, 0, 0)
                   + bytes([len(text)]) + text)


def rows(table: int, batch: int, *items: bytes, count: int | None = None) -> bytes:
    """A message of rows."""
    return message(ROWS, struct.pack(">BIH", table, batch, len(items) if count is None else count)
                   + b"".join(items))


def mac_row(mac: str, lag_id: int = 0, vlan: int = 0, seq: int = 1, operation: int = CLAIM
            ) -> bytes:
    """A claim of a MAC."""
    key = struct.pack(">BH", operation, vlan) + octets(mac)
    return key + (struct.pack(">IHB", seq, lag_id, 0) if operation != WITHDRAW else b"")


def leg_row(lag_id: int, ranges: bytes = b"\0\1\0\0\0\0", up: bool = True, generation: int = 7
            ) -> bytes:
    """A claim of a leg; `ranges` are its VLANs as they are on the wire."""
    return struct.pack(">BHIBII", CLAIM, lag_id, 1, int(up), generation, 0) + bytes(6) + ranges


def keepalive() -> bytes:
    """A sign of life without digests."""
    return message(KEEPALIVE, struct.pack(">IBBB", 1, 0, 2, 0))


class HostilePeer:
    """Waits for the member that connects, as its peer would."""

    def __init__(self, namespace: Namespace, address: str, receive_bytes: int = 0) -> None:
        self._listener = namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_bytes:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self._listener.bind((address, PORT))
        self._listener.listen(4)
        self._listener.settimeout(10)
        self.session: socket.socket | None = None

    def close(self) -> None:
        """End everything."""
        self.drop()
        self._listener.close()

    def drop(self) -> None:
        """End the connection."""
        if self.session is not None:
            self.session.close()
            self.session = None

    def accept(self) -> socket.socket:
        """The member connects; nothing was said yet."""
        self.drop()
        self.session, _ = self._listener.accept()
        self.session.settimeout(5)
        return self.session

    def greet(self, *more: bytes) -> socket.socket:
        """Connection, HELLO, empty snapshots but for `more`, which is rows of the first batch."""
        sock = self.accept()
        data = hello()
        for table in (LEGS, ADDRESSES, MACS, NEIGHBORS):
            data += message(BEGIN, struct.pack(">BI", table, 1))
            if table == MACS and more:
                data += rows(MACS, 1, *more)
            data += message(END, struct.pack(">BI", table, 1))
        sock.sendall(data)
        return sock

    def wait_end(self, timeout: float = 5) -> float:
        """Read until the member ends the connection; the seconds that took."""
        assert self.session is not None
        began = time.monotonic()
        self.session.settimeout(0.2)
        while time.monotonic() - began < timeout:
            try:
                if not self.session.recv(1 << 16):
                    return time.monotonic() - began
            except TimeoutError:
                continue
            except ConnectionError:
                return time.monotonic() - began
        raise LabError(f"the member has not ended the connection within {timeout:g} s")
