# SPDX-License-Identifier: BSD-2-Clause
"""Measured traffic: flows of numbered frames, and what each receiver saw of them."""

import array
import json
import mmap
import os
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Sequence

from . import probe
from .errors import LabError
from .netns import Namespace
from .ring import Ring

BROADCAST = "ff:ff:ff:ff:ff:ff"
MULTICAST = "01:00:5e:01:02:03"
UNKNOWN = "02:de:ad:00:be:ef"
COUNT_MAX = 60_000
REFUSED = 1  # in place of a time, by the sender
SLOT = struct.Struct("=Q")


@dataclass(frozen=True)
class Port:
    """A device frames leave by or arrive at."""

    namespace: Namespace
    ifname: str

    def __str__(self) -> str:
        return f"{self.namespace.name}:{self.ifname}"


@dataclass
class Flow:
    """Numbered frames from one port to one destination."""

    name: str
    number: int
    port: Port
    rate: float
    count: int
    frame: bytes
    offset: int
    slot: int = 0
    sock: socket.socket | None = None  # instead of a packet socket on the port
    sent: int = 0
    times: Sequence[int] = field(default=(), repr=False)


@dataclass
class FlowResult:
    """What one receiver saw of one flow."""

    what: str
    sent: int
    refused: int
    unique: int
    duplicates: int
    missing: int
    gap_frames: int
    gap_ms: float
    lost_ms: float
    vlans: set[int | None]
    arrivals: list[tuple[int, int]] = field(repr=False)
    missing_list: list[int] = field(repr=False, default_factory=list)
    duplicate_list: list[int] = field(repr=False, default_factory=list)

    def __str__(self) -> str:
        return (f"{self.what}: sent {self.sent}, unique {self.unique}, duplicates "
                f"{self.duplicates}, missing {self.missing} ({self.lost_ms:.1f} ms; longest gap "
                f"{self.gap_frames} frames, {self.gap_ms:.1f} ms)")

    def assert_exactly_once(self) -> None:
        """Every frame arrived, none twice."""
        assert self.sent > 0 and self.missing == 0 and self.duplicates == 0, str(self)

    def assert_nothing(self) -> None:
        """Not one frame arrived."""
        assert self.sent > 0 and self.unique == 0, str(self)

    def assert_no_duplicate(self) -> None:
        """Frames may be missing, none came twice."""
        assert self.sent > 0 and self.duplicates == 0, str(self)


class Sender:
    """The sending process and our end of its socket."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        script = os.path.join(os.path.dirname(__file__), "sender.py")
        self._process = subprocess.Popen([sys.executable, "-S", "-E", script, str(theirs.fileno())],
                                         pass_fds=[theirs.fileno()])
        theirs.close()

    def start(self, request: dict[str, Any], fds: list[int]) -> None:
        """Hand over a request."""
        self._control.sendmsg([json.dumps(request).encode()],
                              [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])

    def stop(self) -> None:
        """Ask for the end of what is being sent."""
        self._control.send(b"{}")

    def finish(self, timeout: float) -> list[int]:
        """Wait for the end; how many frames each flow tried."""
        self._control.settimeout(timeout)
        try:
            return json.loads(self._control.recv(1 << 16))["sent"]
        except TimeoutError as error:
            raise LabError(f"sender not done after {timeout:g} s") from error

    def close(self) -> None:
        """End the process."""
        self._control.close()
        self._process.wait(timeout=10)


_sender: Sender | None = None


def sender() -> Sender:
    """The one sending process, started on first use."""
    global _sender
    if _sender is None:
        _sender = Sender()
    return _sender


def stop_sender() -> None:
    """End the sending process, if there is one."""
    global _sender
    if _sender is not None:
        _sender.close()
        _sender = None


class Traffic:
    """One measurement: receivers on from the with statement on, flows, send, results.

    `views` maps a name to the ports that count as one receiver (a host with a bond is its bond; the
    peer link is one port on each member).
    """

    _runs = 0

    def __init__(self, views: dict[str, Sequence[Port]], frames: int = 1 << 15,
                 on_close: Callable[["Traffic"], None] | None = None) -> None:
        Traffic._runs = Traffic._runs % 60_000 + 1
        self._run = Traffic._runs
        self._views = {name: tuple(ports) for name, ports in views.items()}
        self._frames = frames
        self._on_close = on_close
        self.flows: list[Flow] = []
        self._is_sending = False
        self._memory: mmap.mmap | None = None
        self._seen: dict[str, dict[int, list[tuple[int, int, int | None]]]] = {}
        self.rings: dict[Port, Ring] = {}

    def __enter__(self) -> "Traffic":
        try:
            for ports in self._views.values():
                for port in ports:
                    if port not in self.rings:
                        self.rings[port] = Ring(port.namespace, port.ifname, self._frames)
        except OSError as error:
            self.close()
            raise LabError(f"receiver: {error}") from error
        return self

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        self.close()

    @property
    def number(self) -> int:
        """Which every frame of this measurement carries."""
        return self._run

    def flow(self, name: str, port: Port, dst: str, src: str, rate: float = 500, count: int = 200,
             **how: Any) -> Flow:
        """Add a flow; `how` goes to probe.build (vlan, ip, ttl, size)."""
        if count > COUNT_MAX:
            raise LabError(f"{name}: {count} frames, {COUNT_MAX} at most")
        number = len(self.flows) + 1
        frame, offset = probe.build(src, dst, number, self._run, **how)
        flow = Flow(name, number, port, rate, count, frame, offset)
        self.flows.append(flow)
        return flow

    def start(self) -> None:
        """Begin to send all flows."""
        socks: dict[object, socket.socket] = {}
        slots = 0
        for flow in self.flows:
            if flow.sock is not None:
                socks[flow.number] = flow.sock
            elif flow.port not in socks:
                sock = flow.port.namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
                sock.bind((flow.port.ifname, 0))
                socks[flow.port] = sock
            flow.slot = slots
            slots += flow.count
        memory = os.memfd_create("mlab-times")
        os.ftruncate(memory, max(1, slots) * 8)
        self._memory = mmap.mmap(memory, 0)
        keys = list(socks)
        request = {"flows": [{"frame": flow.frame.hex(), "offset": flow.offset, "rate": flow.rate,
                              "count": flow.count, "slot": flow.slot,
                              "socket": keys.index(flow.number if flow.sock else flow.port)}
                             for flow in self.flows]}
        sender().start(request, [memory] + [socks[key].fileno() for key in keys])
        self._is_sending = True
        os.close(memory)
        for sock in socks.values():
            sock.close()

    def wait_sent(self, flow: Flow, count: int) -> None:
        """Sleep until a flow has sent this many frames."""
        assert self._memory is not None and count <= flow.count
        deadline = time.monotonic() + 3 * count / flow.rate + 10
        while not SLOT.unpack_from(self._memory, (flow.slot + count - 1) * 8)[0]:
            if time.monotonic() > deadline:
                raise LabError(f"{flow.name}: {count} frames not sent in time")
            time.sleep(0.002)

    def sent_so_far(self, flow: Flow) -> int:
        """How many frames of a flow have been sent by now."""
        assert self._memory is not None
        return sum(1 for n in range(flow.count)
                   if SLOT.unpack_from(self._memory, (flow.slot + n) * 8)[0])

    def stop(self) -> None:
        """End sending now."""
        sender().stop()
        self.finish()

    def finish(self, settle: float = 0.1) -> None:
        """Wait until everything is sent and what is on its way has arrived; then read the rings."""
        longest = max(flow.count / flow.rate for flow in self.flows)
        done = sender().finish(longest * 3 + 10)
        self._is_sending = False
        assert self._memory is not None
        for flow, sent in zip(self.flows, done):
            flow.sent = sent
            flow.times = struct.unpack_from(f"={sent}Q", self._memory, flow.slot * 8)
        time.sleep(settle)
        self.read()

    def send(self) -> None:
        """Send all flows to their end."""
        self.start()
        self.finish()

    def read(self) -> None:
        """Sort what the rings hold by receiver and flow."""
        for ring in self.rings.values():
            ring.drain()
        for name, ports in self._views.items():
            seen = self._seen[name] = {}
            for port in ports:
                for frame in self.rings[port].frames:
                    found = probe.parse(frame.data)
                    if found is not None and found[1] == self._run:
                        seen.setdefault(found[0], []).append((found[2], frame.time_ns, frame.vlan))

    def result(self, flow: Flow, view: str) -> FlowResult:
        """What a receiver saw of a flow."""
        seen = sorted(self._seen[view].get(flow.number, ()), key=lambda entry: entry[1])
        counts: dict[int, int] = {}
        for sequence, _, _ in seen:
            counts[sequence] = counts.get(sequence, 0) + 1
        valid = [n for n in range(flow.sent) if flow.times[n] > REFUSED]
        missing = [n for n in valid if n not in counts]
        gap_frames, gap_ms = _longest_gap(valid, counts, flow)
        return FlowResult(
            what=f"{flow.name} at {view}", sent=len(valid), refused=flow.sent - len(valid),
            unique=len(counts), duplicates=sum(counts.values()) - len(counts),
            missing=len(missing), gap_frames=gap_frames, gap_ms=gap_ms,
            lost_ms=len(missing) * 1000 / flow.rate, vlans={vlan for _, _, vlan in seen},
            arrivals=[(sequence, when) for sequence, when, _ in seen], missing_list=missing,
            duplicate_list=[n for n, copies in counts.items() if copies > 1])

    def others(self, flow: Flow, *except_views: str) -> list[FlowResult]:
        """Results of a flow at every receiver but the named ones."""
        return [self.result(flow, view) for view in self._views if view not in except_views]

    def write_captures(self, directory: str) -> None:
        """One pcap a receiver."""
        for ring in self.rings.values():
            ring.write_pcap(os.path.join(directory, f"{ring.name}.pcap"))

    def close(self) -> None:
        """Give the rings back; whoever wants the captures gets them first."""
        if self._is_sending:  # a test failed in the middle: the next one begins with silence
            self._is_sending = False
            sender().stop()
            sender().finish(10)
        for ring in self.rings.values():
            try:
                ring.drain()
            except LabError:
                pass  # it is for the captures only: read() has complained where it counts
            ring.close()
        if self._on_close is not None:
            self._on_close(self)


def _longest_gap(valid: list[int], counts: dict[int, int], flow: Flow) -> tuple[int, float]:
    """The longest run of frames that did not arrive: how many, and over which time of sending."""
    best, best_ms, run_start, run = 0, 0.0, 0, 0
    for n in valid + [-1]:
        if n != -1 and n not in counts:
            run_start = run_start if run else n
            run += 1
            last = n
            continue
        if run > best:
            end = flow.times[n] if n != -1 else flow.times[last] + int(1e9 / flow.rate)
            best, best_ms = run, (end - flow.times[run_start]) / 1e6
        run = 0
    return best, best_ms
