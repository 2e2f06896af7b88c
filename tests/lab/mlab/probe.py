# SPDX-License-Identifier: BSD-2-Clause
"""The frames we count: each carries its flow's number, its own sequence number and a time."""

import struct

ETHERTYPE = 0x88B5  # IEEE 802: for local experiments
UDP_PORT = 48815
MAGIC = b"MLAB"
PAYLOAD = struct.Struct(">4sHHIQ")  # magic, flow, run, sequence, time sent
SEQUENCE_OFFSET = 8
FRAME_MIN = 60


def mac_bytes(mac: str) -> bytes:
    """aa:bb:… as six bytes."""
    return bytes.fromhex(mac.replace(":", ""))


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _ipv4(src: str, dst: str, ttl: int, payload_size: int) -> bytes:
    size = 20 + 8 + payload_size

    def address(text: str) -> bytes:
        return bytes(int(part) for part in text.split("."))

    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, size, 0, 0x4000, ttl, 17, 0,
                       address(src), address(dst))
    head = head[:10] + struct.pack(">H", _checksum(head)) + head[12:]
    return head + struct.pack(">HHHH", UDP_PORT, UDP_PORT, size - 20, 0)


def build(src: str, dst: str, flow: int, run: int, vlan: int | None = None,
          ip: tuple[str, str] | None = None, ttl: int = 64, size: int = FRAME_MIN
          ) -> tuple[bytes, int]:
    """A frame template and the offset where sequence number and time go in.

    With `ip` (source, destination) the probe is a UDP packet without checksum, so that it survives
    being routed; otherwise it is a bare frame.
    """
    frame = mac_bytes(dst) + mac_bytes(src)
    if vlan is not None:
        frame += struct.pack(">HH", 0x8100, vlan)
    if ip is not None:
        frame += b"\x08\x00" + _ipv4(ip[0], ip[1], ttl, PAYLOAD.size)
    else:
        frame += struct.pack(">H", ETHERTYPE)
    offset = len(frame) + SEQUENCE_OFFSET
    frame += PAYLOAD.pack(MAGIC, flow, run, 0, 0)
    return frame.ljust(size + (4 if vlan is not None else 0), b"\0"), offset


def parse(data: bytes) -> tuple[int, int, int] | None:
    """(flow, run, sequence) of a captured probe whose tag was taken out, else None."""
    kind = data[12:14]
    if kind == b"\x88\xb5":
        at = 14
    elif kind == b"\x08\x00" and data[23] == 17 and data[36:38] == struct.pack(">H", UDP_PORT):
        at = 14 + 20 + 8
    else:
        return None
    if data[at:at + 4] != MAGIC:
        return None
    _, flow, run, sequence, _ = PAYLOAD.unpack_from(data, at)
    return flow, run, sequence
