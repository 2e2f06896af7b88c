# SPDX-License-Identifier: BSD-2-Clause
"""How soon a hung or cut peer is noticed, and that nobody is lost under load: on this very kernel.

Plain bridges and plain ports are enough, so this runs natively wherever the labs run; what is found of
which failure is in test_liveness.py.
"""

import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import Callable, Iterator

import pytest

from mlab import Pair
from mlab.daemon import die_with_parent
from mlab.liveness import DETECT_MS, MARGIN, Mark, daemon_pid, mend

NEEDS = ["bridge", "veth"]
ALONE = True  # it takes every processor, and measures time
PAIR = {"vlan_aware": False, "has_backup": True}
ROUNDS = 5
LOAD_SECONDS = 600 if os.environ.get("MLAB_LONG") else 20


def LAYOUT(pair: Pair) -> None:
    """A static LAG and an orphan."""
    pair.host("a", lag_id=1, is_lacp=False)
    pair.orphan("o1", on="s1")


@pytest.fixture(autouse=True)
def whole_again(pair: Pair) -> Iterator[None]:
    """Each test begins whole, and the pair comes together again by itself after it."""
    pair.wait_whole()
    yield
    mend(pair)
    pair.wait_whole(60)


def rounds(pair: Pair, tell: Callable[[str], None], what: str, pattern: str,
           lose: Callable[[], None]) -> None:
    """Lose the peer some times; from that moment to the line in S1's log."""
    taken = []
    for _ in range(ROUNDS):
        pair.wait_whole()
        log = Mark(pair.s1)
        since = time.monotonic()
        lose()
        taken.append((log.wait(pattern) - since) * 1e3)
        mend(pair)
    tell(f"{what}: noticed after {statistics.median(taken):.0f} ms at the median "
         f"({', '.join(f'{value:.0f}' for value in taken)})")
    assert max(taken) < DETECT_MS * MARGIN


def test_live9_hung_peer_is_noticed_within_the_dead_time(pair: Pair,
                                                         tell: Callable[[str], None]) -> None:
    """SIGSTOP to the finding."""
    rounds(pair, tell, "hung peer", r"^peer: .* -> hung",
           lambda: os.kill(daemon_pid(pair.s2), signal.SIGSTOP))


def test_live9_cut_peer_link_is_noticed_at_once(pair: Pair,
                                                tell: Callable[[str], None]) -> None:
    """The other end is shut: carrier, or the peer's own word by the backup path."""
    rounds(pair, tell, "cut peer link", r"^verdict: .* -> split",
           lambda: pair.s2.namespace.set_up("peerlink", False))


def test_live9_killed_daemon_is_noticed_within_the_dead_time(
        pair: Pair, tell: Callable[[str], None]) -> None:
    """SIGKILL to the finding."""
    rounds(pair, tell, "killed daemon", r"^peer: .* -> ended",
           lambda: os.kill(daemon_pid(pair.s2), signal.SIGKILL))


# -- nobody is dead because the machine is busy ---------------------------------------------------


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Processes that do nothing but burn."""
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"],
                                preexec_fn=die_with_parent) for _ in range(count)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def test_safe14_no_false_detection_under_load(pair: Pair, tell: Callable[[str], None]) -> None:
    """Every processor is taken twice over by others; nobody loses anybody."""
    logs = {switch.name: Mark(switch) for switch in pair.switches.values()}
    deadline = time.monotonic() + LOAD_SECONDS
    asked = 0
    with busy(2 * (os.cpu_count() or 1)):
        while time.monotonic() < deadline:
            threading.Event().wait(1)
            for switch in pair.switches.values():
                assert switch.mlagd.query("status")["verdict"] == "peered"
                asked += 1
    for log in logs.values():
        found = re.findall(r"^(?:peer|peer link|backup path|verdict|session): .*$", log.text(),
                           re.MULTILINE)
        assert not found, found
    tell(f"{LOAD_SECONDS} s with {2 * (os.cpu_count() or 1)} busy processes on "
         f"{os.cpu_count()} processors: no path, peer or verdict changed, {asked} looks")
