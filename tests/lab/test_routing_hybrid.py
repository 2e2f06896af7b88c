# SPDX-License-Identifier: BSD-2-Clause
"""R20 to R26 with hybrid ports: one VLAN of a port leaves without a tag, another with one.

R has VLAN 10 without a tag and VLAN 20 with one over the same bond; H has VLAN 30 without and VLAN
20 with one.  Of the peer link first every VLAN is tagged, then VLAN 10 is its untagged one, so a
frame changes its tag in each of the four ways on its way to the peer.
"""

import signal

import pytest

from mlab import Pair, wait_for
from mlab.routed import Packet, RoutedTraffic, faults_nothing, faults_once
from mlab.routing import ROUTER, Routing, address
from mlab.routing_suites import (VERSIONS, WAYS, check_own_addresses, check_ttl_0, check_ttl_1,
                                 check_without_route, count_crossing, crossing_faults,
                                 every_way_faults, other_than)
from mlab.topology import MEMBERS, PL
from mlab.traffic import Flow

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
COUNT = 20
TAGGED = 20  # the VLAN that R's and H's ports have with a tag
NOT_THERE = 30  # a VLAN of the bridge that R's port does not have


def lay_out_hybrid(pair: Pair) -> None:
    """R and H on hybrid ports."""
    pair.host("r", lag_id=1, access=10, trunk=[TAGGED])
    pair.host("h", lag_id=2, access=30, trunk=[TAGGED])
    pair.orphan("o1", on="s1", access=20)
    pair.orphan("o2", on="s2", access=30)


LAYOUT = lay_out_hybrid


@pytest.fixture(scope="module", name="lab")
def routing(layout: Pair) -> Routing:
    """R routes by VLAN 10 alone, H is in VLAN 20 alone; what they send in the other is forged."""
    for name, device in (("r", f"bond0.{TAGGED}"), ("h", "bond0")):
        layout.hosts[name].namespace.run("ip", "address", "flush", "dev", device)
    lab = Routing(layout).build()
    layout.start()
    lab.resolve()
    lab.wait_addresses()
    return lab


@pytest.fixture(scope="module", name="on_pl", params=["tagged", "untagged"], autouse=True)
def on_peer_link(request: pytest.FixtureRequest, lab: Routing) -> str:
    """How VLAN 10 travels on the peer link."""
    how = "pvid untagged" if request.param == "untagged" else ""
    for switch in lab.pair.switches.values():
        switch.namespace.bridge(f"vlan add dev peerlink vid 10 {how}".strip())
    lab.pair.wait_whole()
    return request.param


LONG = True
pytestmark = [pytest.mark.usefixtures("known")]


def pl_tag(on_pl: str, vlan: int) -> int | None:
    """The tag of a VLAN on the peer link."""
    return None if vlan == 10 and on_pl == "untagged" else vlan


def by_tag(lab: Routing, run: RoutedTraffic, dst: str, to: str, by: str, ttl: int = 64,
           vlan: int = TAGGED) -> Flow:
    """From R, in its tagged VLAN, to the router MAC of a member there by one leg."""
    version = 6 if ":" in dst else 4
    return run.packets(f"R in {vlan} to {dst} ttl {ttl} with the MAC of {to} by {by}",
                       lab.r.leg(by), lab.macs[to], lab.r.mac,
                       Packet(address(ROUTER, TAGGED, version), dst, ttl), 100, COUNT, vlan=vlan)


def test_r21_the_untagged_vlan_once_ttl_minus_one_none_on_the_peer_link(lab: Routing) -> None:
    """From R's untagged VLAN to H's tagged one, by each MAC and leg."""
    assert not (faults := every_way_faults(lab, h_tag=TAGGED)), "\n".join(faults)


def test_r21_the_tagged_vlan_once_ttl_minus_one(lab: Routing) -> None:
    """The same bond, the other VLAN: to O2 in VLAN 30, over the peer link only behind S2."""
    o2 = lab.pair.hosts["o2"]
    with lab.traffic() as run:
        flows = {(to, by, version): by_tag(lab, run, lab.host_ip(o2, version), to, by)
                 for to, by in WAYS for version in VERSIONS}
        run.send()
    faults = []
    for (_, by, _), flow in flows.items():
        faults += faults_once(run, flow, "o2", ttl=63) + faults_nothing(run, flow, "r", "o1", "h")
        faults += crossing_faults(run, flow, COUNT if by == "s1" else 0)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("owner", MEMBERS)
@pytest.mark.parametrize("version", VERSIONS)
def test_r22_own_addresses_from_the_untagged_vlan(lab: Routing, on_pl: str, version: int,
                                                  owner: str) -> None:
    """Byte-identical at the owner; on the peer link with the tag that the VLAN has there."""
    faults = check_own_addresses(lab, version, owner, pl_tag=pl_tag(on_pl, 10))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("owner", MEMBERS)
def test_r22_own_addresses_from_the_tagged_vlan(lab: Routing, on_pl: str, owner: str) -> None:
    """The same from VLAN 20 of the same port, whatever VLAN the address is in."""
    with lab.traffic(vlan=TAGGED) as run:
        flows = {(dst, by): by_tag(lab, run, dst, owner, by, ttl=1) for by in MEMBERS
                 for dst in (address(MEMBERS.index(owner) + 1, vlan, version)
                             for vlan in (10, 20, None) for version in VERSIONS)}
        run.send()
    faults = []
    for (_, by), flow in flows.items():
        faults += faults_once(run, flow, f"svi-{owner}", ttl=1)
        faults += faults_nothing(run, flow, f"svi-{other_than(owner)}", "r", "h", "o1", "o2")
        faults += [f"bytes changed: {entry}" for entry in run.changed(flow, f"svi-{owner}")[:1]]
        faults += crossing_faults(run, flow, 0 if by == owner else COUNT)
        if by != owner and run.result(flow, PL).vlans != {pl_tag(on_pl, TAGGED)}:
            faults.append(f"{flow.name}: tags on PL: {run.result(flow, PL).vlans}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("vlan", [10, TAGGED])
def test_r23_not_ip_goes_to_the_peer_in_its_vlan(lab: Routing, on_pl: str, vlan: int) -> None:
    """A bare frame with a tag or without: once, at the owner of the MAC, in that VLAN alone."""
    with lab.traffic(vlan=vlan) as run:
        flows = {(to, by): run.flow(f"R to {to} by {by} in {vlan}", lab.r.leg(by), lab.macs[to],
                                    lab.r.mac, rate=100, count=COUNT, vlan=lab.r.tag(vlan))
                 for to, by in WAYS}
        run.send()
    faults = []
    for (to, by), flow in flows.items():
        faults += faults_once(run, flow, f"svi-{to}")
        faults += faults_nothing(run, flow, f"svi-{other_than(to)}", "h", "o1", "o2", "r")
        faults += crossing_faults(run, flow, COUNT if to != by else 0)
        if to != by and run.result(flow, PL).vlans != {pl_tag(on_pl, vlan)}:
            faults.append(f"{flow.name}: tags on PL: {run.result(flow, PL).vlans}")
    assert not faults, "\n".join(faults)


def test_r24_ttl_0_is_dropped_and_counted(lab: Routing) -> None:
    """Nothing arrives, nobody answers."""
    assert not (faults := check_ttl_0(lab)), "\n".join(faults)


def test_r24_ttl_1_is_one_icmp_time_exceeded_from_here(lab: Routing) -> None:
    """From the member where it arrived."""
    assert not (faults := check_ttl_1(lab)), "\n".join(faults)


@pytest.mark.parametrize("without", MEMBERS)
def test_r25_no_route_here_the_peer_delivers(lab: Routing, on_pl: str, without: str) -> None:
    """Handed to the peer with the peer link's tag of R's untagged VLAN."""
    faults = check_without_route(lab, without, pl_tag=pl_tag(on_pl, 10))
    assert not faults, "\n".join(faults)


def test_r20_a_tag_of_a_vlan_that_the_port_does_not_have_gets_nowhere(lab: Routing) -> None:
    """VLAN 30 is the bridge's, and both have a router in it; R's port has it neither way."""
    with lab.traffic(vlan=NOT_THERE) as run:
        flows = [by_tag(lab, run, dst, to, by, vlan=NOT_THERE) for to, by in WAYS
                 for dst in (lab.host_ip(lab.h), address(MEMBERS.index(to) + 1, NOT_THERE))]
        run.send()
    faults = [fault for flow in flows for fault in
              faults_nothing(run, flow, PL, "r", "h", "o1", "o2", "svi-s1", "svi-s2")]
    assert not faults, "\n".join(faults)


def test_this_suite_can_fail_with_receive_detached_half_crosses_the_peer_link(lab: Routing) -> None:
    """The programs off every port's ingress."""
    for switch in lab.pair.switches.values():
        switch.mlagd.stop()
        lab.detach_receive(switch)
    try:
        assert count_crossing(lab) == 0.5
    finally:
        lab.pair.start()
        lab.wait_addresses()


def test_r26_the_peer_is_dead_both_vlans_are_routed_by_the_other(lab: Routing, on_pl: str) -> None:
    """S2 is gone, daemon and links: what has its MAC is routed by S1, with a tag and without."""
    victim = lab.pair.s2
    assert victim.mlagd.process is not None
    victim.mlagd.process.send_signal(signal.SIGKILL)
    victim.mlagd.process.wait()
    for ifname in [*(host.switch_link() for host in lab.pair.hosts.values()
                     if "s2" in host.members), "peerlink"]:
        victim.namespace.set_up(ifname, False)
    try:
        wait_for("S1 to be alone", lambda: lab.pair.s1.mlagd.query("status")["verdict"]
                 .startswith("alone"), 30)
        with lab.traffic() as run:
            flows = [lab.flow(run, lab.host_ip(lab.h, version), "s2", "s1", rate=100, count=COUNT)
                     for version in VERSIONS]
            flows += [by_tag(lab, run, lab.host_ip(lab.h, version), "s2", "s1")
                      for version in VERSIONS]
            own = [by_tag(lab, run, address(2, TAGGED), "s2", "s1", ttl=1)]
            run.send()
    finally:
        lab.pair.heal()
        victim.mlagd.start()
        lab.pair.wait_whole(60)
        lab.wait_addresses()
    assert on_pl in ("tagged", "untagged")
    faults = [fault for flow in flows[:2] for fault in faults_once(run, flow, "h", ttl=63)]
    # In VLAN 20 H is a neighbour of R's: what is routed there goes back into the VLAN it came from.
    faults += [fault for flow in flows[2:] for fault in faults_once(run, flow, "h", ttl=63)]
    faults += [fault for flow in own for fault in
               faults_nothing(run, flow, "svi-s1", "h", "o1", "r")]
    assert not faults, "\n".join(faults)
