# SPDX-License-Identifier: BSD-2-Clause
"""R20 to R26 with the members' SVIs in a VRF, whose table ends in a reject route or does not.

What is an address of the peer's counts by routing domain; what has no route in the VRF is the
peer's to deliver (R25), also where the VRF's table ends in `unreachable default`, as it should.
"""

import signal

import pytest

from mlab import Pair, wait_for
from mlab.routed import faults_nothing, faults_once
from mlab.routing import lay_out
from mlab.routing_suites import (VERSIONS, WAYS, check_own_addresses, check_ttl_0, check_ttl_1,
                                 check_without_route, count_crossing, crossing_faults, every_way,
                                 every_way_faults, host_of)
from mlab.topology import MEMBERS, PL
from mlab.vrf import MAIN_ONLY, VrfRouting

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device", "vrf", "dummy"]
LAYOUT = lay_out
COUNT = 20
NOWHERE = {4: "198.51.100.1", 6: "fd00:dead::1"}


@pytest.fixture(scope="module", name="lab")
def routing(layout: Pair) -> VrfRouting:
    """Everything in VRF red, known to both; the session is in the default routing domain."""
    lab = VrfRouting(layout).build()
    layout.start()
    lab.resolve()
    lab.wait_addresses()
    return lab


@pytest.fixture(scope="module", name="table", params=["rejecting", "open"], autouse=True)
def table_end(request: pytest.FixtureRequest, lab: VrfRouting):
    """How the VRF's tables end."""
    is_rejecting = request.param == "rejecting"
    for switch in lab.pair.switches.values() if is_rejecting else ():
        lab.reject(switch, True)
    yield request.param
    for switch in lab.pair.switches.values() if is_rejecting else ():
        lab.reject(switch, False)


LONG = True
pytestmark = [pytest.mark.usefixtures("known")]


def test_r21_once_ttl_minus_one_none_on_the_peer_link(lab: VrfRouting) -> None:
    """By each MAC and leg, IPv4 and IPv6."""
    assert not (faults := every_way_faults(lab)), "\n".join(faults)


@pytest.mark.parametrize("owner", MEMBERS)
@pytest.mark.parametrize("version", VERSIONS)
def test_r22_own_addresses_once_ttl_1_and_byte_identical(lab: VrfRouting, version: int, owner: str
                                                         ) -> None:
    """Of the SVIs, of a loopback in the VRF, link-local."""
    assert not (faults := check_own_addresses(lab, version, owner, pl_tag=10)), "\n".join(faults)


@pytest.mark.usefixtures("unlimited_errors")
@pytest.mark.parametrize("version", VERSIONS)
def test_r22_an_address_of_another_routing_domain_is_nobodys(lab: VrfRouting, table: str,
                                                             version: int) -> None:
    """S2 has it in main: in the VRF it is a third party without a route, answered once."""
    if table == "open":
        pytest.skip("the kernel's own lookup goes on in main, and finds it there")
    with lab.traffic() as run:
        flows = {(to, by): lab.flow(run, MAIN_ONLY[version], to, by, rate=100, count=COUNT)
                 for to, by in WAYS}
        run.send()
    faults = []
    for flow in flows.values():
        faults += faults_nothing(run, flow, "h", "o1", "o2", "r")
        errors = sorted(error.sequence for error in run.errors(flow, "r")
                        if error.error == "unreachable")
        if errors != list(range(flow.sent)):
            faults.append(f"{flow.name}: {len(errors)} ICMP unreachable for {flow.sent}")
    assert not faults, "\n".join(faults)


def test_r23_not_ip_with_the_peers_mac_goes_to_the_peer(lab: VrfRouting) -> None:
    """Once, over the peer link where it came by the other leg."""
    with lab.traffic() as run:
        flows = {(to, by): run.flow(f"R to {to} by {by}", lab.r.leg(by), lab.macs[to], lab.r.mac,
                                    rate=100, count=COUNT) for to, by in WAYS}
        run.send()
    faults = []
    for (to, by), flow in flows.items():
        faults += faults_once(run, flow, f"svi-{to}") + faults_nothing(run, flow, "h", "o1", "o2")
        faults += crossing_faults(run, flow, COUNT if to != by else 0)
    assert not faults, "\n".join(faults)


def test_r24_ttl_0_is_dropped_and_counted(lab: VrfRouting) -> None:
    """Nothing arrives, nobody answers."""
    assert not (faults := check_ttl_0(lab)), "\n".join(faults)


def test_r24_ttl_1_is_one_icmp_time_exceeded_from_here(lab: VrfRouting) -> None:
    """From the member where it arrived."""
    assert not (faults := check_ttl_1(lab)), "\n".join(faults)


@pytest.mark.parametrize("without", MEMBERS)
def test_r25_no_route_here_the_peer_delivers(lab: VrfRouting, without: str) -> None:
    """The route is gone in the VRF of the member where it arrives, whatever its table ends in."""
    assert not (faults := check_without_route(lab, without)), "\n".join(faults)


@pytest.mark.usefixtures("unlimited_errors")
def test_r25_nobody_has_a_route_one_icmp_unreachable_and_nothing_circles(lab: VrfRouting) -> None:
    """Handed to the peer at most once; the sender hears it once."""
    with lab.traffic() as run:
        flows = every_way(lab, run, NOWHERE)
        run.send()
    faults = []
    for (to, by, _), flow in flows.items():
        faults += faults_nothing(run, flow, "h", "o1", "o2", "r")
        errors = sorted(error.sequence for error in run.errors(flow, "r")
                        if error.error == "unreachable")
        if errors != list(range(flow.sent)):
            faults.append(f"{flow.name}: {len(errors)} ICMP unreachable for {flow.sent}")
        faults += crossing_faults(run, flow, 0 if to == by else flow.sent)
    assert not faults, "\n".join(faults)


def test_this_suite_can_fail_with_receive_detached_half_crosses_the_peer_link(lab: VrfRouting
                                                                              ) -> None:
    """The programs off every port's ingress."""
    for switch in lab.pair.switches.values():
        switch.mlagd.stop()
        lab.detach_receive(switch)
    try:
        assert count_crossing(lab) == 0.5
    finally:
        lab.pair.start()
        lab.wait_addresses()


def test_r26_the_peer_is_dead_its_mac_is_routed_for_in_the_vrf(lab: VrfRouting) -> None:
    """S2 is gone, daemon and links: third parties by S1, its own addresses no more (R22 stops)."""
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
            flows = [lab.flow(run, dst, "s2", "s1", rate=100, count=COUNT)
                     for dst in host_of(lab).values()]
            own = [lab.flow(run, dst, "s2", "s1", ttl=1, rate=100, count=COUNT)
                   for version in VERSIONS for dst in lab.own_addresses("s2", version)]
            run.send()
    finally:
        lab.pair.heal()
        victim.mlagd.start()
        lab.pair.wait_whole(60)
        lab.wait_addresses()
    faults = [fault for flow in flows for fault in faults_once(run, flow, "h", ttl=63)]
    faults += [fault for flow in own for fault in
               faults_nothing(run, flow, "svi-s1", "h", "o1", "o2", "r", PL)]
    assert not faults, "\n".join(faults)
