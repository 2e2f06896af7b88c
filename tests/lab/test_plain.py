# SPDX-License-Identifier: BSD-2-Clause
"""A pair on plain bridges with static legs: the rules need neither VLANs nor bonding.

This module runs on any kernel with bridge and veth, so it also shows the programs as that kernel
runs them (just-in-time compiled, tcx), where the others may be in User Mode Linux. Its session has a key, as
is the default; those of the other modules have not.
"""

import time
from typing import Callable

import pytest

from mlab import BROADCAST, Pair, suites
from mlab.topology import PL

NEEDS = ["bridge", "veth"]
PAIR = {"vlan_aware": False, "has_key": True}
# What may be lost, by the end at which the cable is cut.  Shutting the switch's own port is an
# event at once; of a carrier that goes or comes the kernel's link watch tells up to a second later,
# and until then nobody, not even the bridge, knows.
LOST_MS_MAX = {"switch": 250, "host": 1100}


def LAYOUT(pair: Pair) -> None:
    """Two static LAGs and two orphans."""
    pair.host("a", lag_id=1, is_lacp=False)
    pair.host("b", lag_id=2, is_lacp=False)
    pair.orphan("o1", on="s1")
    pair.orphan("o2", on="s2")


@pytest.mark.parametrize("kind", list(suites.FLOODS))
def test_r1_r3_every_other_host_gets_one_copy_of_a_flood(pair: Pair, kind: str) -> None:
    """From each host, over each of its legs."""
    pair.wait_known()
    suites.check_floods(pair, None, suites.FLOODS[kind])


def test_r6_known_unicast_once_and_by_the_shortest_path(pair: Pair) -> None:
    """Nobody else sees it."""
    suites.check_unicasts(pair, None)


def test_r8_rows_have_no_vlan(pair: Pair) -> None:
    """vlan is null; A on its LAG on both, O1 on the peer link on S2."""
    pair.wait_known()
    for switch, of_o1 in ((pair.s1, "o1"), (pair.s2, "peerlink")):
        rows = {row["mac"]: row for row in switch.mlagd.query("macs")}
        assert {row["vlan"] for row in rows.values()} == {None}
        assert rows[pair.hosts["a"].mac]["ifname"] == "lag1"
        assert rows[pair.hosts["o1"].mac]["ifname"] == of_o1


@pytest.mark.parametrize("side", list(LOST_MS_MAX))
@pytest.mark.parametrize("member", ["s1", "s2"])
def test_r5_static_leg_fails_and_returns(pair: Pair, member: str, side: str,
                                         tell: Callable[[str], None]) -> None:
    """Unicast and floods towards A while its leg goes and comes: no copy too many, little lost."""
    pair.wait_whole()
    pair.wait_known()
    a, b, o1, o2 = (pair.hosts[name] for name in ("a", "b", "o1", "o2"))
    other = "s2" if member == "s1" else "s1"
    with pair.traffic() as run:
        unicast = [pair.flow(run, o1, a.mac, rate=400, count=1600),
                   pair.flow(run, o2, a.mac, rate=400, count=1600),
                   pair.flow(run, b, a.mac, member, rate=200, count=800)]
        flood = [pair.flow(run, o1, BROADCAST, rate=100, count=400),
                 pair.flow(run, b, BROADCAST, member, rate=100, count=400)]
        own = [pair.flow(run, a, BROADCAST, other, rate=100, count=400),
               pair.flow(run, a, o1.mac, other, rate=100, count=400)]
        run.start()
        run.wait_sent(unicast[0], 400)
        cut_ns = time.time_ns()
        pair.fail_leg(a, member, side)
        run.wait_sent(unicast[0], 800)
        healed_ns = time.time_ns()
        pair.heal_leg(a, member, side)
        run.finish()
    for flow in unicast + flood + own:
        for name in [*pair.hosts, PL]:
            run.result(flow, name).assert_no_duplicate()
    for flow in unicast + flood:
        result = run.result(flow, "a")
        if result.missing:
            first_ns = flow.times[result.missing_list[0]]
            tell(f"{result}, from {(first_ns - cut_ns) / 1e6:.0f} ms after the cut; "
                 f"healed {(healed_ns - cut_ns) / 1e6:.0f} ms after it")
        assert result.lost_ms <= LOST_MS_MAX[side], str(result)
    for flow in own:
        run.result(flow, "a").assert_nothing()
    run.result(own[0], "b").assert_exactly_once()
    run.result(own[0], "o1").assert_exactly_once()
    run.result(own[0], "o2").assert_exactly_once()
    run.result(own[1], "o1").assert_exactly_once()
    pair.wait_whole()


def test_both_legs_down_and_up_nothing_circles_on_the_peer_link(pair: Pair) -> None:
    """Two gates that face each other must not send a frame to and fro."""
    pair.wait_whole()
    pair.wait_known()
    a, o1, o2 = (pair.hosts[name] for name in ("a", "o1", "o2"))
    with pair.traffic() as run:
        flows = [pair.flow(run, o1, a.mac, rate=200, count=600),
                 pair.flow(run, o2, a.mac, rate=200, count=600),
                 pair.flow(run, o1, BROADCAST, rate=100, count=300)]
        run.start()
        run.wait_sent(flows[0], 150)
        for member in ("s1", "s2"):
            pair.fail_leg(a, member)
        run.wait_sent(flows[0], 300)
        for member in ("s1", "s2"):
            pair.heal_leg(a, member)
        run.finish()
    for flow in flows:
        for name in (*pair.hosts, PL):
            run.result(flow, name).assert_no_duplicate()
    pair.wait_whole()
    suites.check_floods(pair, None, BROADCAST)


def test_this_suite_can_fail_without_programs_there_are_duplicates(pair: Pair) -> None:
    """The same floods with the daemons stopped and the programs unloaded."""
    for switch in pair.switches.values():
        switch.mlagd.stop()
        pair.unload_programs(switch)
    duplicates = suites.count_duplicates(pair, None, BROADCAST)
    pair.start()
    assert duplicates > 100
    suites.check_floods(pair, None, BROADCAST)
