# SPDX-License-Identifier: BSD-2-Clause
"""Many MACs: all of them arrive, lists stream, and the daemon answers meanwhile.

Plain bridges are enough. The figures are in `make bench`; what is asserted here has a margin of five.
"""

import json
import os
import signal
import socket
import time
from typing import Callable, Iterator

import pytest

from mlab import LabError, Pair, wait_for
from mlab.scale import BATCH, Cost, Fdb, Frames, mac_of

NEEDS = ["bridge", "veth"]
PAIR = {"vlan_aware": False, "has_backup": True}
MARGIN = 5
LONG_RUN = bool(os.environ.get("MLAB_LONG"))
COUNT = 50_000 if LONG_RUN else 20_000
STORM = 200_000 if LONG_RUN else 60_000  # more than the kernel's queue of events holds


def LAYOUT(pair: Pair) -> None:
    """A static LAG and an orphan."""
    pair.host("a", lag_id=1, is_lacp=False)
    pair.orphan("o1", on="s1")


@pytest.fixture(scope="module", name="pair")
def _pair(layout: Pair) -> Pair:
    """Both daemons, with room."""
    for member in ("s1", "s2"):
        layout.prepare_daemon(member).config["domain"]["macs-max"] = str(STORM + COUNT + 10_000)
    return layout.start()


@pytest.fixture(name="fdbs")
def _fdbs(pair: Pair) -> Iterator[tuple[Fdb, Fdb]]:
    """The tables of both kernels."""
    fdbs = Fdb(pair.s1.namespace, "lag1"), Fdb(pair.s2.namespace, "lag1")
    yield fdbs
    for fdb in fdbs:
        fdb.close()


def wait_match(pair: Pair, timeout: float = 30) -> None:
    """Wait until the members have proven their tables equal."""
    def probe() -> bool:
        for switch in pair.switches.values():
            status = switch.mlagd.query("status")
            if status["health"] != "ok" or not status["sync"]["macs"]["match"]:
                raise LabError(f"{switch.name}: {status['sync']} {status['problems']}")
        return True

    wait_for("equal tables", probe, timeout, 0.1)


class Client:
    """A connection to a control socket that stays."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(path)

    def status(self) -> float:
        """The milliseconds that `status` took."""
        began = time.monotonic()
        self._socket.sendall(b'{"method":"status"}\n')
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self._socket.recv(1 << 16)
        assert "result" in json.loads(answer)
        return (time.monotonic() - began) * 1e3

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def client(pair: Pair, member: str) -> Client:
    """Of one member."""
    return Client(os.path.join(pair.switches[member].mlagd.run_dir, "control.sock"))


def test_all_that_frames_teach_is_in_the_peers_kernel(
        pair: Pair, fdbs: tuple[Fdb, Fdb], tell: Callable[[str], None]) -> None:
    """As fast as a host sends; half a second after the last, by five."""
    macs = [mac_of(number, 1) for number in range(COUNT)]
    frames = Frames(pair.hosts["a"].namespace, "leg-s1")
    last = frames.send(macs)
    frames.close()
    done = fdbs[1].wait(macs, 1)
    tell(f"{COUNT} MACs in the peer's kernel {done - last:.3f} s after the last frame")
    assert done - last < 0.5 * MARGIN
    wait_match(pair)


def test_a_list_streams_and_keeps_nobody_waiting(pair: Pair, tell: Callable[[str], None]) -> None:
    """Whole, in bounded memory, and `status` answers in the middle of it."""
    daemon = pair.s1.mlagd
    assert daemon.process is not None
    before = Cost.of(daemon.process.pid).rss_anon
    reader = socket.socket(socket.AF_UNIX)
    reader.connect(os.path.join(daemon.run_dir, "control.sock"))
    reader.sendall(b'{"method":"macs"}\n')
    other, slowest, rows, rest = client(pair, "s1"), 0.0, 0, b""
    while b'"result"' not in rest:
        part = reader.recv(1 << 16)
        rows += part.count(b'{"row"')
        rest = part[-200:]
        if rows % 8 == 0:
            slowest = max(slowest, other.status())
    held = Cost.of(daemon.process.pid).rss_anon - before
    other.close()
    reader.close()
    tell(f"{rows} rows; the slowest status meanwhile {slowest:.1f} ms; memory +{held} KiB")
    assert rows >= COUNT and slowest < 100 * MARGIN and held < 2048


def test_status_answers_in_a_storm_and_the_session_stands(pair: Pair, fdbs: tuple[Fdb, Fdb],
                                                          tell: Callable[[str], None]) -> None:
    """As fast as the kernel takes them."""
    macs = [mac_of(number, 2) for number in range(STORM)]
    batches = fdbs[0].batches(macs)
    clients = [client(pair, member) for member in pair.switches]
    taken: list[float] = []
    marks = {name: len(switch.mlagd.log()) for name, switch in pair.switches.items()}
    first = time.monotonic()
    for start in range(0, len(batches), 20):
        fdbs[0].send(batches[start:start + 20])
        taken += [one.status() for one in clients]
    last = time.monotonic()
    while not fdbs[1].has(macs[-1]) and time.monotonic() - last < 30:
        taken += [one.status() for one in clients]
    for one in clients:
        one.close()
    done = fdbs[1].wait(macs, 2)
    taken.sort()
    tell(f"{STORM} MACs in {last - first:.2f} s: in the peer's kernel {done - last:.2f} s later; status: "
         f"{taken[len(taken) // 2]:.1f} ms at the median, {taken[-1]:.1f} ms at most of {len(taken)}")
    assert taken[-1] < 100 * MARGIN
    wait_match(pair, 60)
    for name, switch in pair.switches.items():
        lost = [line for line in switch.mlagd.log()[marks[name]:].splitlines()
                if "session: up" in line]
        assert not lost, (name, lost)


def test_a_forced_overrun_ends_with_equal_tables(pair: Pair, fdbs: tuple[Fdb, Fdb],
                                                 tell: Callable[[str], None]) -> None:
    """The daemon is held while half go and others come: the dump, in slices, finds them all."""
    process = pair.s1.mlagd.process
    assert process is not None
    gone = [mac_of(number, 2) for number in range(STORM // 2)]
    kept = [mac_of(number, 2) for number in range(STORM // 2, STORM)]
    marks = len(pair.s1.mlagd.log())
    process.send_signal(signal.SIGSTOP)
    try:
        fdbs[0].forget(gone)
        fdbs[0].learn(gone)
        fdbs[0].forget(gone)
        fdbs[0].learn([mac_of(number, 3) for number in range(9_000)])
    finally:
        process.send_signal(signal.SIGCONT)
    began = time.monotonic()
    one, taken = client(pair, "s1"), [0.0]
    while "events were lost" not in pair.s1.mlagd.log()[marks:] or time.monotonic() - began < 2:
        assert time.monotonic() - began < 30, "no overrun: this proves nothing"
        taken.append(one.status())
        time.sleep(0.01)
    one.close()
    wait_for("the others on S2", lambda: fdbs[1].count(3) == 9_000, 60, 0.2)
    wait_for("half of them gone on S2", lambda: fdbs[1].count(2) == len(kept), 60, 0.2)
    tell(f"changes lost: both kernels equal after {time.monotonic() - began:.1f} s; status "
         f"{max(taken):.0f} ms at most of {len(taken)} meanwhile")
    wait_match(pair, 60)
    assert max(taken) < 100 * MARGIN
    assert pair.s1.mlagd.log()[marks:].count("events were lost") <= 4
    assert fdbs[0].count(2) == len(kept)


def test_what_is_there_before_a_daemon_starts_is_synced_by_its_snapshot(
        pair: Pair, fdbs: tuple[Fdb, Fdb], tell: Callable[[str], None]) -> None:
    """S2's daemon comes to a member that has had them for long."""
    pair.s2.mlagd.stop()
    fdbs[1].forget([mac_of(number, 1) for number in range(COUNT)])
    assert fdbs[1].count(1) == 0
    began = time.monotonic()
    pair.s2.mlagd.start()
    done = fdbs[1].wait([mac_of(number, 1) for number in range(COUNT)], 1)
    tell(f"in S2's kernel {done - began:.2f} s after its daemon was started")
    wait_match(pair, 60)


@pytest.mark.long
def test_a_flush_in_a_storm_ends_with_equal_kernels(pair: Pair, fdbs: tuple[Fdb, Fdb],
                                                    tell: Callable[[str], None]) -> None:
    """The port where they are learned is flushed, twice, while more of them come: on each member.

    Last here, for it takes away what others have left.
    """
    for salt, (name, here, there) in ((4, ("s1", 0, 1)), (5, ("s2", 1, 0))):
        batches = fdbs[here].batches([mac_of(number, salt) for number in range(STORM // 2)])
        left = len(batches) // 3
        for start in (0, left, 2 * left):
            if start > 0:
                pair.switches[name].namespace.ip("link set lag1 type bridge_slave fdb_flush")
            fdbs[here].send(batches[start:start + left])
        began, kept = time.monotonic(), fdbs[here].count(salt)
        assert kept < len(batches) * BATCH / 2, "nothing was flushed: this proves nothing"
        wait_for(f"what is left on {name}, on the other", lambda salt=salt, there=there, kept=kept:
                 fdbs[there].count(salt) == kept, 60, 0.2, show=lambda salt=salt, there=there:
                 fdbs[there].count(salt))
        wait_match(pair, 60)
        assert (fdbs[here].count(salt), fdbs[there].count(salt)) == (kept, kept)
        tell(f"{name} flushed twice: {kept} left in both kernels, equal after "
             f"{time.monotonic() - began:.1f} s")
        fdbs[here].forget([mac_of(number, salt) for number in
                           range(left * BATCH * 2, left * BATCH * 3)])
