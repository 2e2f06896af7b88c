# SPDX-License-Identifier: BSD-2-Clause
"""A connection to a control socket that stays, and how long hellos stay away."""

import json
import os
import select
import socket
import threading
import time
from types import TracebackType
from typing import Any

from .errors import LabError
from .netns import Namespace

HELLO = 0x88b5


class Client:
    """Asks one daemon, without starting a process for it."""

    def __init__(self, run_dir: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        try:
            self._socket.connect(os.path.join(run_dir, "control.sock"))
        except OSError as error:
            self._socket.close()
            raise LabError(f"{run_dir}: {error}") from error

    def status(self) -> dict[str, Any]:
        """What `status` says."""
        self._socket.sendall(b'{"method":"status"}\n')
        answer = b""
        while not answer.endswith(b"\n"):
            part = self._socket.recv(1 << 16)
            if not part:
                raise LabError("the daemon hung up")
            answer += part
        return json.loads(answer)["result"]

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


class Gaps:
    """Hears the hellos of a member on a device, and how long there was none."""

    def __init__(self, namespace: Namespace, ifname: str, source: str) -> None:
        self._source = bytes.fromhex(source.replace(":", ""))
        self._socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(HELLO))
        self._socket.bind((ifname, HELLO))
        self._end, self._times = threading.Event(), list[float]()
        self._thread = threading.Thread(target=self._hear, daemon=True)

    def __enter__(self) -> "Gaps":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._end.set()
        self._thread.join(10)
        self._socket.close()

    def _hear(self) -> None:
        while not self._end.is_set():
            if select.select([self._socket], [], [], 0.1)[0]:
                if self._socket.recv(2048)[6:12] == self._source:
                    self._times.append(time.monotonic())

    def widest(self) -> float:
        """Seconds, from the first that was heard to now."""
        times = [*self._times, time.monotonic()]
        if len(times) < 2:
            raise LabError("no hello was heard")
        return max(after - before for before, after in zip(times, times[1:]))
