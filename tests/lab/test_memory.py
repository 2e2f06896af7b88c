# SPDX-License-Identifier: BSD-2-Clause
"""A million MAC events, and not a page more is held at their end than near their beginning.

Hosts that nobody saw before appear, move and are gone, on either member: so events, messages, rows,
writes and answers of both kinds come and go.  Plain bridges are enough.
"""

import time
from typing import Callable, Iterator

import pytest

from mlab import LabError, Pair, wait_for
from mlab.many import Watched, costs, matched
from mlab.scale import Cost, Fdb, mac_of

NEEDS = ["bridge", "veth"]
PAIR = {"vlan_aware": False, "has_backup": True}
LONG = True
COUNT = 20_000
EVENTS_A_ROUND = 3 * COUNT  # in the kernel where they appear: new, moved, gone
WARM = 4                    # rounds; the recorder's file is in memory as a whole then
EVENTS = 1_000_000
ROUNDS = -(-EVENTS // EVENTS_A_ROUND)
ROOM_KIB = 256              # the allocator's: one octet lost an event would be four times as much
SEEN_KIB = 1024             # what tables of so many hold at least: the figure shows what is held


def LAYOUT(pair: Pair) -> None:
    """A static LAG, and an orphan on each member."""
    pair.host("a", lag_id=1, is_lacp=False)
    pair.orphan("o1", on="s1")
    pair.orphan("o2", on="s2")


@pytest.fixture(scope="module", name="pair")
def _pair(layout: Pair) -> Pair:
    """Both daemons; nothing ages."""
    for switch in layout.switches.values():
        switch.namespace.ip("link set br0 type bridge ageing_time 100000")
    return layout.start()


@pytest.fixture(name="tables")
def _tables(pair: Pair) -> Iterator[dict[str, tuple[Fdb, Fdb]]]:
    """Of each member: by its leg, and by its orphan's port."""
    made = {name: (Fdb(switch.namespace, "lag1"), Fdb(switch.namespace, orphan))
            for (name, switch), orphan in zip(pair.switches.items(), ("o1", "o2"))}
    yield made
    for fdbs in made.values():
        for fdb in fdbs:
            fdb.close()


def wait_known(pair: Pair, here: str, there: str, count: int) -> None:
    """Wait until both daemons know so many, the hosts of the layout beside."""
    def probe() -> bool:
        local = pair.switches[here].mlagd.query("status")["sync"]["macs"]["local"]
        remote = pair.switches[there].mlagd.query("status")["sync"]["macs"]["remote"]
        if not all(count <= known <= count + 16 for known in (local, remote)):
            raise LabError(f"{here} {local}, {there} {remote}")
        return True

    wait_for(f"{count} MACs of {here} at {there}", probe, 60, 0.02)


def come_move_and_go(pair: Pair, tables: dict[str, tuple[Fdb, Fdb]], number: int,
                     at_most: Callable[[], None]) -> None:
    """A round: at the LAG, at the orphan's port, nowhere; on one member, then on the other."""
    here, there = ("s1", "s2") if number % 2 == 0 else ("s2", "s1")
    macs = [mac_of(index, number) for index in range(COUNT)]
    leg, orphan = tables[here]
    leg.learn(macs)
    wait_known(pair, here, there, COUNT)
    orphan.learn(macs)
    wait_for("them behind the peer link",
             lambda: tables[there][1].count(number) == COUNT, 60, 0.05)
    at_most()
    orphan.forget(macs)
    wait_known(pair, here, there, 0)
    wait_for("none of them in the peer's kernel",
             lambda: tables[there][1].count(number) == 0, 60, 0.05)


def test_rss_is_flat_over_a_million_mac_events(pair: Pair, tables: dict[str, tuple[Fdb, Fdb]],
                                               tell: Callable[[str], None]) -> None:
    """Both daemons, with everything that is anonymous and with all that is mapped."""
    at_first, full = costs(pair), {name: 0 for name in pair.switches}
    held: list[dict[str, Cost]] = []

    def at_most() -> None:
        for name, cost in costs(pair).items():
            full[name] = max(full[name], cost.rss_anon)

    watched, began = Watched(pair), time.monotonic()
    try:
        for number in range(WARM + ROUNDS):
            come_move_and_go(pair, tables, number, at_most)
            held.append(costs(pair))
        watched.wait("equal tables", 60, matched)
        lost = watched.lost()
    finally:
        watched.close()
    grown = {name: (held[-1][name].rss_anon - held[WARM - 1][name].rss_anon,
                    held[-1][name].rss - held[WARM - 1][name].rss) for name in pair.switches}
    tell(f"{ROUNDS * EVENTS_A_ROUND} events in {time.monotonic() - began:.0f} s: RssAnon "
         + ", ".join(f"{name} {held[WARM - 1][name].rss_anon} -> {held[-1][name].rss_anon} KiB "
                     f"(at most {full[name]}), RSS +{grown[name][1]} KiB" for name in grown))
    for name, (anonymous, whole) in grown.items():
        assert full[name] >= at_first[name].rss_anon + SEEN_KIB, "the figure shows nothing"
        assert anonymous <= ROOM_KIB and whole <= ROOM_KIB, (name, anonymous, whole)
    assert not lost
