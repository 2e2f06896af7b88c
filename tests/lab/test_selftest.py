# SPDX-License-Identifier: BSD-2-Clause
"""The lab itself, on plain Linux without mlagd: it forms LACP, loses nothing, and can fail."""

from typing import Callable

import pytest

from mlab import BROADCAST, MULTICAST, UNKNOWN, Pair
from mlab.topology import PL, SYSTEM_MAC

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
PAIR = {"has_daemons": False}


def LAYOUT(pair: Pair) -> None:
    """A and B dual (access, trunk), an orphan on each member."""
    pair.host("a", lag_id=1, access=10)
    pair.host("b", lag_id=2, trunk=[10, 20])
    pair.orphan("o1", on="s1", access=10)
    pair.orphan("o2", on="s2", trunk=[10, 20])


@pytest.fixture(scope="module", name="plain")
def plain_pair(layout: Pair) -> Pair:
    """The pair with LACP formed and every MAC learned."""
    for host in layout.hosts.values():
        if host.is_lacp:
            layout.wait_lacp(host)
    return layout


def test_two_switches_with_one_system_id_are_one_aggregator(plain: Pair) -> None:
    """The partner of the host's bond is the shared id, over both ports."""
    info = plain.lacp(plain.hosts["a"])
    assert info == {"partner": SYSTEM_MAC, "ports": 2, "in_use": 2}


@pytest.mark.parametrize("dst", [BROADCAST, MULTICAST, UNKNOWN])
def test_lab_can_fail_plain_linux_duplicates_floods_to_dual_hosts(plain: Pair, dst: str) -> None:
    """Without the filter a dual host hears every flood twice, and its own come back."""
    a, b, o1 = (plain.hosts[name] for name in ("a", "b", "o1"))
    with plain.traffic() as run:
        orphan = plain.flow(run, o1, dst, "s1", vlan=10, count=100)
        dual = plain.flow(run, a, dst, "s1", vlan=10, count=100)
        run.send()
    for receiver in (a, b):
        assert run.result(orphan, receiver.name).duplicates == 100
    assert run.result(dual, "b").duplicates == 100
    assert run.result(dual, "a").unique == 100
    run.result(orphan, "o2").assert_exactly_once()
    run.result(orphan, PL).assert_exactly_once()


def test_lab_loses_nothing_when_nothing_happens(plain: Pair,
                                                 tell: Callable[[str], None]) -> None:
    """At the rates the tests use, every frame sent between orphans arrives once, in both ways."""
    o1, o2 = plain.hosts["o1"], plain.hosts["o2"]
    plain.introduce(o1, o2, vlan=10)
    with plain.traffic() as run:
        there = plain.flow(run, o1, o2.mac, vlan=10, rate=1000, count=3000)
        back = plain.flow(run, o2, o1.mac, vlan=10, rate=1000, count=3000)
        run.send()
    results = [run.result(there, "o2"), run.result(back, "o1")]
    for result, flow in zip(results, (there, back)):
        result.assert_exactly_once()
        spacing = [late - early for early, late in zip(flow.times, flow.times[1:])]
        delays = [when - flow.times[sequence] for sequence, when in result.arrivals]
        tell(f"{result}; worst pause of the sender {max(spacing) / 1e6:.1f} ms, "
             f"worst delay {max(delays) / 1e6:.2f} ms, "
             f"took {(flow.times[-1] - flow.times[0]) / 1e9:.2f} s")
    assert run.result(there, "o1").unique == 0


def test_loss_meter_is_exact(plain: Pair) -> None:
    """Frames sent while a cable is out are missing, in one gap, and no others."""
    o1, o2 = plain.hosts["o1"], plain.hosts["o2"]
    plain.introduce(o1, o2, vlan=10)
    with plain.traffic() as run:
        flow = plain.flow(run, o1, o2.mac, vlan=10, rate=1000, count=1500)
        run.start()
        run.wait_sent(flow, 400)
        plain.fail_leg(o2, "s2")
        run.wait_sent(flow, 900)
        plain.heal_leg(o2, "s2")
        run.finish()
    result = run.result(flow, "o2")
    print(result)
    assert result.duplicates == 0 and result.refused == 0
    assert result.unique + result.missing == result.sent == 1500
    assert 400 <= result.missing == result.gap_frames <= 1000
    assert abs(result.gap_ms - result.missing) < 200


def test_trunk_receivers_see_the_tag(plain: Pair) -> None:
    """A frame of an access port arrives tagged at a trunk and untagged at an access port."""
    with plain.traffic() as run:
        flow = plain.flow(run, plain.hosts["o1"], BROADCAST, vlan=10, count=20)
        run.send()
    assert run.result(flow, "o2").vlans == {10}
    assert run.result(flow, "a").vlans == {None}
    assert run.result(flow, "b").vlans == {10}


def test_vlans_are_separate(plain: Pair) -> None:
    """VLAN 20 reaches nobody who is only in VLAN 10."""
    with plain.traffic() as run:
        flow = plain.flow(run, plain.hosts["o2"], BROADCAST, vlan=20, count=20)
        run.send()
    assert run.result(flow, "b").vlans == {20}
    run.result(flow, "a").assert_nothing()
    run.result(flow, "o1").assert_nothing()
