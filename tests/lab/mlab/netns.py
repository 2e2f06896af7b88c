# SPDX-License-Identifier: BSD-2-Clause
"""Network namespaces: create, enter, run commands in, remove.

A namespace is entered by setns() in this thread around a fork or a socket(): unlike
`ip netns exec` this keeps the mounts (bpffs above all) and costs nothing.
"""

import ctypes
import fcntl
import json
import os
import shlex
import socket
import struct
import subprocess
from contextlib import contextmanager
from typing import Any, Iterator, Sequence

from .errors import LabError

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
PREFIX = os.environ.get("MLAB_PREFIX", f"mlab{os.getpid()}-")

_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd: int) -> None:
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise LabError(f"setns: {os.strerror(error)}")


def run(argv: Sequence[str], stdin: str | None = None, check: bool = True,
        timeout: float = 30) -> subprocess.CompletedProcess:
    """Run a command where we are; output as text."""
    try:
        done = subprocess.run(list(argv), input=stdin, capture_output=True, text=True,
                              timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{shlex.join(argv)}: not done after {timeout} s") from error
    except OSError as error:
        raise LabError(f"{shlex.join(argv)}: {error.strerror}") from error
    if check and done.returncode != 0:
        text = (done.stderr or done.stdout).strip()
        given = f"\ninput:\n{stdin}" if stdin else ""
        raise LabError(f"{shlex.join(argv)}: exit {done.returncode}: {text}{given}")
    return done


class Namespace:
    """One network namespace, /run/netns/PREFIX-name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.full_name = PREFIX + name
        run(["ip", "netns", "add", self.full_name])
        self._fd = os.open(f"/run/netns/{self.full_name}", os.O_RDONLY | os.O_CLOEXEC)
        self._control = self.socket(socket.AF_INET, socket.SOCK_DGRAM)

    @property
    def path(self) -> str:
        """The file a tool like nsenter --net= takes."""
        return f"/run/netns/{self.full_name}"

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread is in the namespace inside the with block."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(self._fd)
            try:
                yield
            finally:
                _setns(home)
        finally:
            os.close(home)

    def socket(self, *args: int) -> socket.socket:
        """A socket that belongs to the namespace, whoever uses it."""
        with self.entered():
            return socket.socket(*args)

    def run(self, *argv: str, stdin: str | None = None, check: bool = True,
            timeout: float = 30) -> subprocess.CompletedProcess:
        """Run a command in the namespace."""
        with self.entered():
            return run(argv, stdin=stdin, check=check, timeout=timeout)

    def popen(self, argv: Sequence[str], **kwargs: Any) -> subprocess.Popen:
        """Start a process in the namespace."""
        with self.entered():
            return subprocess.Popen(list(argv), **kwargs)

    def ip(self, *lines: str) -> None:
        """ip(8) commands, one a line, in one process."""
        self.run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    def bridge(self, *lines: str) -> None:
        """bridge(8) commands, one a line, in one process."""
        self.run("bridge", "-batch", "-", stdin="\n".join(lines) + "\n")

    def json(self, *argv: str) -> Any:
        """The JSON a command prints."""
        text = self.run(*argv).stdout
        return json.loads(text) if text.strip() else []

    def link(self, ifname: str) -> dict[str, Any]:
        """What `ip -d link show` says of a device."""
        return self.json("ip", "-d", "-j", "link", "show", "dev", ifname)[0]

    def sysctl(self, **values: int) -> None:
        """Write network sysctls; dots of the key are written as double underscores."""
        with self.entered():
            for key, value in values.items():
                path = "/proc/sys/net/" + key.replace("__", "/")
                with open(path, "w", encoding="ascii") as file:
                    file.write(str(value))

    def set_up(self, ifname: str, is_up: bool) -> None:
        """Administratively up or down by ioctl: no process, so the moment is known."""
        name = ifname.encode()
        request = struct.pack("16sh22x", name, 0)
        answer = fcntl.ioctl(self._control, SIOCGIFFLAGS, request)
        flags = struct.unpack("16sh22x", answer)[1] & 0xFFFF
        flags = flags | IFF_UP if is_up else flags & ~IFF_UP
        fcntl.ioctl(self._control, SIOCSIFFLAGS, struct.pack("16sH22x", name, flags))

    def remove(self) -> None:
        """Remove it with all that is in it."""
        self._control.close()
        os.close(self._fd)
        run(["ip", "netns", "del", self.full_name], check=False)


def remove_all(prefix: str = PREFIX) -> None:
    """Remove what a killed run has left."""
    try:
        names = os.listdir("/run/netns")
    except FileNotFoundError:
        return
    for name in names:
        if name.startswith(prefix):
            run(["ip", "netns", "del", name], check=False)
