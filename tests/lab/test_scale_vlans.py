# SPDX-License-Identifier: BSD-2-Clause
"""All 4094 VLANs on a VLAN-aware bridge: on the peer link, on a LAG with LACP and on an orphan.

They come with one command, go with one, and MACs are learned in each of them.
"""

import time
from typing import Callable

import pytest

from mlab import LabError, Pair, wait_for
from mlab.many import Watched, costs, healthy, matched
from mlab.topology import PEER_VLAN

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LONG = True
FIRST, LAST = 1, 4094
MARGIN = 5
TAKEN = 10  # VLANs that are taken away and given back


def LAYOUT(pair: Pair) -> None:
    """A LAG and an orphan; the VLANs come in one range."""
    pair.host("h1", lag_id=1, trunk=(10,))
    pair.orphan("o1", on="s1", trunk=(10,))


def ports(pair: Pair, member: str) -> list[str]:
    """Where all VLANs are."""
    hosts = [host for host in pair.hosts.values() if member in host.members]
    return ["peerlink", *(host.switch_lag() for host in hosts)]


def all_vlans(pair: Pair, member: str, how: str, first: int = FIRST, last: int = LAST) -> None:
    """Add or delete a range on every port; the VLAN of the session stays off the hosts'."""
    lines = []
    for port in ports(pair, member):
        for start, end in ((first, min(last, PEER_VLAN - 1)), (max(first, PEER_VLAN + 1), last)):
            if start <= end:
                lines.append(f"vlan {how} dev {port} vid {start}" +
                             (f"-{end}" if start < end else ""))
    pair.switches[member].namespace.bridge(*lines)


@pytest.fixture(scope="module", name="pair")
def _pair(layout: Pair) -> Pair:
    """Both daemons, with all VLANs from the start."""
    for member in layout.switches:
        all_vlans(layout, member, "add")
        # What is missed by this is blocked for seconds; the lab's one processor alone is not enough.
        layout.prepare_daemon(member).config["peer"]["hello-interval"] = "1s"
    return layout.start(timeout=120)


def explain_state(pair: Pair) -> dict[str, int]:
    """VLANs that the daemons see on LAG 1: what `lags` says of them."""
    return {name: len([row for row in switch.mlagd.query("lags") if row["state"] == "dual"])
            for name, switch in pair.switches.items()}


def learn(pair: Pair, count: int) -> None:
    """One host's MAC in each VLAN, as the data plane learns it, on S1's leg."""
    lag = pair.hosts["h1"].switch_lag()
    pair.s1.namespace.bridge(*[
        f"fdb replace 06:aa:00:00:{vlan >> 8:02x}:{vlan & 255:02x} dev {lag} vlan {vlan} master dynamic"
        for vlan in range(FIRST, FIRST + count) if vlan != PEER_VLAN])


def known(pair: Pair, member: str) -> int:
    """How many of them a kernel has on its leg."""
    lag = pair.hosts["h1"].switch_lag()
    return sum(1 for row in pair.switches[member].fdb()
               if row["mac"].startswith("06:aa:") and row.get("ifname") == lag)


def test_a_pair_with_all_vlans_is_whole_and_answers(pair: Pair,
                                                    tell: Callable[[str], None]) -> None:
    """Healthy, the LAG dual, and a question is answered at once."""
    watched = Watched(pair)
    try:
        for _ in range(20):
            assert healthy({name: watched.status(name) for name in pair.switches})
        slowest = watched.slowest_ms
    finally:
        watched.close()
    assert explain_state(pair) == {"s1": 1, "s2": 1}
    tell(f"{LAST} VLANs: slowest answer of 40: {slowest:.0f} ms; memory "
         f"{[f'{cost.rss / 1024:.1f} MiB' for cost in costs(pair).values()]}")
    assert slowest < 100 * MARGIN


def test_a_mac_in_each_vlan_is_in_the_peers_kernel(pair: Pair,
                                                   tell: Callable[[str], None]) -> None:
    """The same VLAN, and its leg of the LAG."""
    learn(pair, LAST)
    began = time.monotonic()
    wanted = LAST - 1
    wait_for("all of them on S2", lambda: known(pair, "s2") >= wanted or None, 60, 0.2)
    watched = Watched(pair)
    try:
        watched.wait("equal tables", 30, matched)
    finally:
        watched.close()
    tell(f"{wanted} MACs, one a VLAN: in the peer's kernel at most {time.monotonic() - began:.1f} s "
         "after the last")


def test_vlans_that_leave_the_leg_and_return_move_their_macs_over_and_back(
        pair: Pair, tell: Callable[[str], None]) -> None:
    """Some VLANs go from S2's leg: their MACs are behind the peer link there, and come back (R8)."""
    lag, first = pair.hosts["h1"].switch_lag(), 3000
    last = first + TAKEN - 1

    def places() -> set[str]:
        return {row["ifname"] for row in pair.s2.fdb()
                if row["mac"].startswith("06:aa:") and first <= row.get("vlan", 0) <= last}

    def wait_at(device: str) -> None:
        def probe() -> bool:
            if places() != {device}:
                raise LabError(f"at {places()}")
            return True

        wait_for(f"MACs of {TAKEN} VLANs at {device}", probe, 30, 0.1)

    watched = Watched(pair)
    try:
        pair.s2.namespace.bridge(f"vlan del dev {lag} vid {first}-{last}")
        began = time.monotonic()
        wait_at("peerlink")
        gone = time.monotonic()
        pair.s2.namespace.bridge(f"vlan add dev {lag} vid {first}-{last}")
        wait_at(lag)
        tell(f"{TAKEN} VLANs off a leg: {gone - began:.2f} s; back: {time.monotonic() - gone:.2f} s")
        lost = watched.lost()
    finally:
        watched.close()
    assert not lost


def test_all_vlans_leave_and_return_and_the_pair_is_whole_again(
        pair: Pair, tell: Callable[[str], None]) -> None:
    """Nearly every VLAN goes from every port of a member, and comes back.

    The kernel holds its one lock for seconds here, which whoever asks it something waits for.
    """
    watched = Watched(pair)
    try:
        began = time.monotonic()
        all_vlans(pair, "s2", "del", first=20)
        gone = time.monotonic()
        watched.wait("an answer of both", 30, lambda said: True)
        all_vlans(pair, "s2", "add", first=20)
        back = time.monotonic()
        watched.wait("healthy", 60, healthy)
        tell(f"{LAST - 19} VLANs off three ports in {gone - began:.2f} s, back in {back - gone:.2f} s, "
             f"healthy {time.monotonic() - back:.2f} s later; slowest answer "
             f"{watched.slowest_ms:.0f} ms; {len(watched.lost())} lines of a session that was lost")
    finally:
        watched.close()
    pair.wait_whole(60)
