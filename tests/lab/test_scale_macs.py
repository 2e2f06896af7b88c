# SPDX-License-Identifier: BSD-2-Clause
"""As many MACs as the tables hold: 128 k by default, a million by setting, and one too many.

Plain bridges are enough.  What it takes is in `make bench`; asserted is that everything arrives and
is proven equal, that nobody waits for it, and that a table that is full is named and recovers.
"""

import json
import os
import socket
import time
from typing import Callable, Iterator

import pytest

from mlab import Pair, wait_for
from mlab.many import Watched, costs, matched
from mlab.scale import Cost, Fdb, mac_of

NEEDS = ["bridge", "veth"]
PAIR = {"vlan_aware": False, "has_backup": True}
LONG = True
DEFAULT = 131_072
TOO_MANY = 4_000
MILLION = 1_000_000
MARGIN = 5


def LAYOUT(pair: Pair) -> None:
    """A static LAG and an orphan."""
    pair.host("a", lag_id=1, is_lacp=False)
    pair.orphan("o1", on="s1")


@pytest.fixture(scope="module", name="pair")
def _pair(layout: Pair) -> Pair:
    """Both daemons, with the default table; no MAC ages out while that is looked at."""
    for switch in layout.switches.values():
        switch.namespace.ip("link set br0 type bridge ageing_time 100000")
    return layout.start()


@pytest.fixture(name="fdbs")
def _fdbs(pair: Pair) -> Iterator[tuple[Fdb, Fdb]]:
    """The tables of both kernels."""
    fdbs = Fdb(pair.s1.namespace, "lag1"), Fdb(pair.s2.namespace, "lag1")
    yield fdbs
    for fdb in fdbs:
        fdb.close()


def learn(fdb: Fdb, first: int, last: int, watched: Watched) -> None:
    """As fast as the kernel takes them, and asking in between."""
    batches = fdb.batches([mac_of(number, 1) for number in range(first, last)])
    for start in range(0, len(batches), 40):
        fdb.send(batches[start:start + 40])
        for member in ("s1", "s2"):
            watched.status(member)


def test_the_default_table_holds_128_k_and_one_too_many_is_named(
        pair: Pair, fdbs: tuple[Fdb, Fdb], tell: Callable[[str], None]) -> None:
    """All of 128 k are synced; with more `status` says so, and says no more when there is room."""
    watched = Watched(pair)
    room = DEFAULT - 64  # of the table, for what the hosts themselves are
    try:
        learn(fdbs[0], 0, room, watched)
        done = fdbs[1].wait([mac_of(number, 1) for number in range(room)], 1, 120)
        watched.wait("equal tables", 60, matched)
        tell(f"{room} MACs: slowest of {watched.asked} answers {watched.slowest_ms:.0f} ms, proven "
             f"equal {time.monotonic() - done:.1f} s after the last was in the peer's kernel; memory "
             f"{[f'{cost.rss_anon / 1024:.0f} MiB' for cost in costs(pair).values()]}")
        assert watched.slowest_ms < 100 * MARGIN and not watched.lost()
        learn(fdbs[0], room, room + TOO_MANY, watched)
        watched.wait("a table that is full", 30, lambda said: "table-full" in {
            problem["code"] for problem in said["s1"]["problems"]})
        fdbs[0].forget([mac_of(number, 1) for number in range(DEFAULT // 2)])
        watched.wait("a table with room", 60, lambda said: "table-full" not in {
            problem["code"] for status in said.values() for problem in status["problems"]})
        watched.wait("equal tables", 60, matched)
        wanted = room + TOO_MANY - DEFAULT // 2
        wait_for("what had found no room", lambda: fdbs[1].count(1) == wanted, 60, 0.2)
        lost = watched.lost()
    finally:
        watched.close()
    assert not lost


def million(pair: Pair) -> None:
    """Both daemons again, with tables for a million."""
    for switch in pair.switches.values():
        switch.mlagd.stop()
        switch.mlagd.config["domain"]["macs-max"] = str(1 << 20)
        switch.mlagd.config["peer"]["hello-interval"] = "1s"
        switch.mlagd.start()
    pair.wait_whole(120)


def test_a_million_by_setting_and_everybody_is_answered_meanwhile(
        pair: Pair, fdbs: tuple[Fdb, Fdb], tell: Callable[[str], None]) -> None:
    """Learned on one member, in the other's kernel, proven equal; no hello is missed."""
    million(pair)
    watched = Watched(pair)
    try:
        began = time.monotonic()
        learn(fdbs[0], 0, MILLION, watched)
        learned = time.monotonic()
        watched.wait("all at the peer", 300, lambda said: all(
            status["sync"]["macs"][of] >= MILLION
            for status, of in ((said["s1"], "local"), (said["s2"], "remote"))))
        # Not counted in the kernel: to list a million entries takes it longer than to learn them.
        wait_for("the last on S2", lambda: fdbs[1].has(mac_of(MILLION - 1, 1)), 120, 0.1)
        there = time.monotonic()
        watched.wait("equal tables", 120, matched)
        tell(f"a million MACs: learned in {learned - began:.1f} s, the last in the peer's kernel "
             f"{there - learned:.1f} s later, proven equal after {time.monotonic() - there:.1f} s "
             f"more; the slowest of {watched.asked} answers {watched.slowest_ms:.0f} ms; memory "
             f"{[f'{cost.rss_anon / 1024:.0f} MiB' for cost in costs(pair).values()]}")
        lost = watched.lost()
    finally:
        watched.close()
    assert not lost
    assert watched.slowest_ms < 100 * MARGIN


def test_a_list_of_a_million_streams(pair: Pair, tell: Callable[[str], None]) -> None:
    """All rows, in bounded memory, and `status` answers in the middle of it."""
    daemon = pair.s1.mlagd
    assert daemon.process is not None
    before, began = Cost.of(daemon.process.pid).rss_anon, time.monotonic()
    reader = socket.socket(socket.AF_UNIX)
    reader.connect(os.path.join(daemon.run_dir, "control.sock"))
    reader.sendall(json.dumps({"method": "macs"}).encode() + b"\n")
    watched, rows, rest, parts = Watched(pair), 0, b"", 0
    while b'"result"' not in rest:
        part = reader.recv(1 << 18)
        assert part, "the daemon hung up"
        joined = rest + part
        rows += joined.count(b'{"row"') - rest.count(b'{"row"')
        rest, parts = joined[-200:], parts + 1
        if parts % 50 == 0:
            watched.status("s1")
    held = Cost.of(daemon.process.pid).rss_anon - before
    lost, slowest, asked = watched.lost(), watched.slowest_ms, watched.asked
    watched.close()
    reader.close()
    tell(f"{rows} rows in {time.monotonic() - began:.1f} s; the slowest of {asked} answers meanwhile "
         f"{slowest:.0f} ms; memory +{held} KiB")
    assert rows >= MILLION and held < 2048 and not lost
    assert asked > 0 and slowest < 100 * MARGIN
