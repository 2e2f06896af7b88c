# SPDX-License-Identifier: BSD-2-Clause
"""R1, R3, R4, R6, R10 on a whole pair: every frame where it belongs, once.

Two dual-attached LACP hosts in VLAN 10 (an access and a trunk leg), one more in VLAN 20, and
orphans of both kinds on both members.  The last tests take the programs away and see the
duplicates come back.
"""

from typing import Callable

import pytest

from mlab import BROADCAST, Pair, suites
from mlab.topology import PL

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]


def LAYOUT(pair: Pair) -> None:
    """A, B, C dual; O1 and O2 orphans."""
    pair.host("a", lag_id=1, access=10)
    pair.host("b", lag_id=2, trunk=[10, 20])
    pair.host("c", lag_id=3, access=20)
    pair.orphan("o1", on="s1", access=10)
    pair.orphan("o2", on="s2", trunk=[10, 20])


@pytest.mark.parametrize("vlan", [10, 20])
@pytest.mark.parametrize("kind", list(suites.FLOODS))
def test_r1_r3_every_other_host_gets_one_copy_of_a_flood(pair: Pair, kind: str, vlan: int) -> None:
    """From each host, over each of its legs."""
    pair.wait_known(vlan=vlan)
    suites.check_floods(pair, vlan, suites.FLOODS[kind])


def test_r1_floods_of_sources_never_seen_before_arrive_once(pair: Pair) -> None:
    """Whether the source is known makes no difference while both legs are open."""
    hosts = pair.members_of(10)
    with pair.traffic() as run:
        flows = []
        for number in range(20):
            src = hosts[number % len(hosts)]
            port = src.ports()[number // len(hosts) % len(src.ports())]
            mac = f"02:00:00:77:00:{number:02x}"
            flows.append((src, run.flow(f"new source by {port}", port, BROADCAST, mac, rate=20,
                                        count=5, vlan=src.tag(10))))
        run.send()
    for src, flow in flows:
        run.result(flow, src.name).assert_nothing()
        for host in hosts:
            if host is not src:
                run.result(flow, host.name).assert_exactly_once()


@pytest.mark.parametrize("vlan", [10, 20])
def test_r6_known_unicast_once_and_by_the_shortest_path(pair: Pair, vlan: int) -> None:
    """Nobody else sees it; the peer link carries only what is for the other member's orphans."""
    suites.check_unicasts(pair, vlan)


def test_r4_a_routed_packet_is_a_new_frame(pair: Pair) -> None:
    """O2's packet reaches S1 over the peer link, S1 routes it to dual-attached C: one copy."""
    router, o2, c = pair.s1.namespace, pair.hosts["o2"], pair.hosts["c"]
    mac = router.link("br0")["address"]
    router.bridge("vlan add dev br0 vid 10 self", "vlan add dev br0 vid 20 self")
    router.ip("link add link br0 name br0.10 type vlan id 10",
              "link add link br0 name br0.20 type vlan id 20",
              "link set br0.10 up", "link set br0.20 up",
              "address add 10.0.10.1/24 dev br0.10", "address add 10.0.20.1/24 dev br0.20",
              f"neigh replace {c.ip(20)} lladdr {c.mac} nud permanent dev br0.20")
    router.sysctl(ipv4__conf__all__forwarding=1)
    try:
        pair.wait_known(vlan=20)
        with pair.traffic() as run:
            flow = pair.flow(run, o2, mac, vlan=10, ip=(o2.ip(10), c.ip(20)), rate=200, count=100)
            run.send()
        crossing = run.result(flow, PL)
        assert crossing.unique == 100, f"did not take the way this test is about: {crossing}"
        run.result(flow, "c").assert_exactly_once()
    finally:
        router.ip("link del br0.10", "link del br0.20")
        router.bridge("vlan del dev br0 vid 10 self", "vlan del dev br0 vid 20 self")


def test_r10_reserved_group_frames_stay_on_their_link(pair: Pair) -> None:
    """01:80:c2:00:00:0x is never forwarded, by no way."""
    a = pair.hosts["a"]
    with pair.traffic() as run:
        flow = pair.flow(run, a, "01:80:c2:00:00:0e", "s1", rate=100, count=20)
        run.send()
    for result in run.others(flow):
        result.assert_nothing()


def test_counters_name_the_rule(pair: Pair) -> None:
    """What R1 stopped is counted as R1, expected, at the leg."""
    o1 = pair.hosts["o1"]
    before = pair.s2.mlagd.counter("isolated", "bond1")
    with pair.traffic() as run:
        pair.flow(run, o1, BROADCAST, vlan=10, rate=100, count=50)
        run.send()
    assert pair.s2.mlagd.counter("isolated", "bond1") - before >= 50
    row = next(row for row in pair.s2.mlagd.query("counters")
               if row["reason"] == "isolated" and row["ifname"] == "bond1")
    assert row["rule"] == "R1" and row["expected"] is True and row["bytes"] > 0
    assert all(row["expected"] or row["packets"] == 0 for row in pair.s2.mlagd.query("counters"))


def test_stopped_daemons_leave_the_rules_in_force(pair: Pair) -> None:
    """SIGTERM of both: the programs stay and go on filtering."""
    for switch in pair.switches.values():
        assert switch.mlagd.stop() == 0, switch.mlagd.log_tail()
    suites.check_floods(pair, 10, BROADCAST)


def test_this_suite_can_fail_without_programs_there_are_duplicates(
        pair: Pair, tell: Callable[[str], None]) -> None:
    """The same floods with the programs unloaded; then all is well again with them."""
    for switch in pair.switches.values():
        if switch.mlagd.is_running():
            switch.mlagd.stop()
        pair.unload_programs(switch)
    duplicates = {kind: suites.count_duplicates(pair, 10, dst)
                  for kind, dst in suites.FLOODS.items()}
    tell(f"surplus copies without the programs: {duplicates}")
    pair.start()
    assert all(count > 100 for count in duplicates.values()), duplicates
    suites.check_floods(pair, 10, BROADCAST)
