# SPDX-License-Identifier: BSD-2-Clause
"""Programs of others at a port, by tcx: so many that there is no room for one more."""

import ctypes
import os
import platform
import struct

from .errors import LabError
from .netns import Namespace

_libc = ctypes.CDLL(None, use_errno=True)
_BPF = {"x86_64": 321, "aarch64": 280, "riscv64": 280}.get(platform.machine(), 280)
_PROG_LOAD, _LINK_CREATE = 5, 28
_SCHED_CLS = 3
_TYPES = {"ingress": 46, "egress": 47}
PROGRAMS_MAX = 64  # at one place of a port: the kernel's limit


def _bpf(command: int, attributes: bytes) -> int:
    buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"), 128)
    got = _libc.syscall(_BPF, command, buffer, 128)
    if got < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return got


def _load() -> int:
    """A program that asks the next one: r0 = TCX_NEXT; exit."""
    code = struct.pack("<BBhi", 0xb7, 0, 0, -1) + struct.pack("<BBhi", 0x95, 0, 0, 0)
    instructions, licence = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"GPL")
    return _bpf(_PROG_LOAD, struct.pack("<IIQQ", _SCHED_CLS, 2, ctypes.addressof(instructions),
                                        ctypes.addressof(licence)))


def is_known() -> bool:
    """Whether the kernel has tcx (Linux 6.6)."""
    program = _load()
    try:
        os.close(_bpf(_LINK_CREATE, struct.pack("<IIII", program, 1, _TYPES["ingress"], 0)))
        return True
    except OSError:
        return False
    finally:
        os.close(program)


class Crowd:
    """A place of a port, filled up while this lives."""

    def __init__(self, namespace: Namespace, ifname: str, point: str) -> None:
        self._links: list[int] = []
        with namespace.entered():
            ifindex = int(namespace.link(ifname)["ifindex"])
            try:
                while len(self._links) <= PROGRAMS_MAX:
                    self._add(ifindex, point)
            except OSError:
                pass  # it is full
        if not self._links or len(self._links) > PROGRAMS_MAX:
            raise LabError(f"{ifname}: {len(self._links)} programs, and not full")

    def _add(self, ifindex: int, point: str) -> None:
        program = _load()
        try:
            self._links.append(_bpf(_LINK_CREATE, struct.pack("<IIII", program, ifindex,
                                                              _TYPES[point], 0)))
        finally:
            os.close(program)

    def leave(self) -> None:
        """Make room."""
        for link in self._links:
            os.close(link)
        self._links = []
