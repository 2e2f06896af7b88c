# SPDX-License-Identifier: BSD-2-Clause
"""The process that sends: several flows, paced by sleeping.

A process of its own, small and started once, so that the test may do other things while frames
flow.  Run as `python3 sender.py FD`: FD is a SOCK_SEQPACKET socket to the test.  A request is JSON
with the packet sockets and a shared memory file as attached descriptors; the time each frame
was sent is left in the shared memory, so the test can watch the progress.

It never spins (on one processor that would starve the receivers and invent losses), and after a
delay it does not catch up by a burst: the schedule slides.
"""

import array
import json
import mmap
import os
import socket
import struct
import sys
import time

DESCRIPTORS_MAX = 64
STAMP = struct.Struct(">IQ")
SLOT = struct.Struct("=Q")
REFUSED = 1  # in place of a time: the kernel did not take the frame
TICK_S = 0.0005
SLIDE_S = 0.004  # a flow later than this gives up its lateness


class FlowState:
    """One flow while it is being sent."""

    def __init__(self, spec: dict, sock: socket.socket) -> None:
        self.frame = bytearray.fromhex(spec["frame"])
        self.offset = spec["offset"]
        self.rate = spec["rate"]
        self.count = spec["count"]
        self.slot = spec["slot"]
        self.sock = sock
        self.sequence = 0
        self.start = 0.0

    def send_due(self, now: float, times: mmap.mmap) -> float:
        """Send what is due; returns when the next frame is."""
        due = self.start + self.sequence / self.rate
        if now - due > SLIDE_S:
            self.start += now - due - SLIDE_S
        while self.sequence < self.count:
            due = self.start + self.sequence / self.rate
            if due > now:
                return due
            stamp = time.time_ns()
            STAMP.pack_into(self.frame, self.offset, self.sequence, stamp)
            try:
                self.sock.send(self.frame)
            except OSError:
                stamp = REFUSED
            SLOT.pack_into(times, (self.slot + self.sequence) * 8, stamp)
            self.sequence += 1
        return float("inf")


def serve(control: socket.socket) -> None:
    """Answer requests until the test goes away."""
    while True:
        text, fds = receive(control)
        if not text:
            return
        request = json.loads(text)
        if "flows" not in request:
            continue  # a stop that came after the end
        with mmap.mmap(fds[0], 0) as times:
            os.close(fds[0])
            socks = [socket.socket(fileno=fd) for fd in fds[1:]]
            flows = [FlowState(spec, socks[spec["socket"]]) for spec in request["flows"]]
            transmit(control, flows, times)
            control.send(json.dumps({"sent": [flow.sequence for flow in flows]}).encode())
            for sock in socks:
                sock.close()


def receive(control: socket.socket) -> tuple[bytes, list[int]]:
    """One request and its descriptors."""
    fds = array.array("i")
    room = socket.CMSG_LEN(DESCRIPTORS_MAX * fds.itemsize)
    text, ancillary, _, _ = control.recvmsg(1 << 18, room)
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
    return text, list(fds)


def transmit(control: socket.socket, flows: list[FlowState], times: mmap.mmap) -> None:
    """Send until every flow has sent its count, or a message says stop."""
    start = time.monotonic()
    for index, flow in enumerate(flows):
        flow.start = start + index / len(flows) / flow.rate  # not all at one instant
    control.setblocking(False)
    try:
        while True:
            now = time.monotonic()
            following = min(flow.send_due(now, times) for flow in flows)
            if following == float("inf"):
                return
            try:
                control.recv(64)
                return
            except BlockingIOError:
                pass
            time.sleep(max(TICK_S, following - time.monotonic()))
    finally:
        control.setblocking(True)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
