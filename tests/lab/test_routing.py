# SPDX-License-Identifier: BSD-2-Clause
"""R20 to R25 on the wire: what R sends to either member's router MAC over either leg.

R chooses a next hop (a MAC) and its bond chooses a leg; here both are chosen by the test, on R's
own end of each cable.  `to` is the member whose MAC it is, `by` the one at whose leg it arrives.
"""

import socket
import time
from typing import Any, Callable

import pytest

from mlab import wait_for
from mlab.routed import Packet, RoutedTraffic, faults_nothing, faults_once
from mlab.routing import BEHIND_H, ROUTER, Routing, address, lay_out
from mlab.routing_suites import (RESTARTS, VERSIONS, WAYS, check_own_addresses, check_restart,
                                 check_ttl_0, check_ttl_1, check_without_route, count_crossing,
                                 crossing_faults, every_way, host_of)
from mlab.topology import MEMBERS, PL
from mlab.traffic import Flow

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LAYOUT = lay_out
FLOWS, PER_FLOW = 64, 6
NOWHERE = {4: "198.51.100.1", 6: "fd00:dead::1"}
IP_RECVERR = 11  # not in the socket module
SVI_MAC = "02:00:00:00:ab:02"

pytestmark = pytest.mark.usefixtures("known")


def ecmp(lab: Routing, to: str, by: str, version: int) -> tuple[RoutedTraffic, list[Flow]]:
    """64 UDP flows from R to H with one MAC over one leg, all sent."""
    with lab.traffic() as run:
        flows = [lab.flow(run, lab.host_ip(lab.h, version), to, by, rate=8, count=PER_FLOW,
                          source_port=20_000 + number) for number in range(FLOWS)]
        run.send()
    return run, flows


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("to,by", WAYS)
def test_r21_sixty_four_flows_once_ttl_minus_one_none_on_the_peer_link(
        lab: Routing, to: str, by: str, version: int) -> None:
    """Routed on the member where they arrive, whichever member's MAC they carry."""
    run, flows = ecmp(lab, to, by, version)
    faults = [fault for flow in flows for fault in faults_once(run, flow, "h", ttl=63)]
    faults += [fault for flow in flows for fault in faults_nothing(run, flow, PL, "o1", "o2", "r")]
    crossing = sum(run.result(flow, PL).unique for flow in flows)
    errors = [f"answered: {error}" for flow in flows for error in run.errors(flow, "r")]
    assert not faults + errors, (f"{len(faults)} faults, {crossing} crossed PL\n"
                                 + "\n".join((faults + errors)[:12]))


SHAPES: dict[str, tuple[int, dict[str, Any]]] = {
    "options": (4, {"options": b"\1\1\1\0"}),
    "first fragment": (4, {"fragment": 0x2000}),
    "later fragment": (4, {"fragment": 0x2064}),
    "hop-by-hop options": (6, {"extension": b"\0\0\1\4\0\0\0\0"}),
    "fragment header": (6, {"extension": b"\x2c\0\0\1\0\0\0\7"}),
    "later fragment header": (6, {"extension": b"\x2c\0\1\1\0\0\0\7"})}


@pytest.mark.parametrize("shape", list(SHAPES))
def test_r21_r22_whatever_is_between_the_headers(lab: Routing, shape: str) -> None:
    """Options, extension headers and fragments: routed as the rest, own addresses untouched."""
    version, how = SHAPES[shape]
    with lab.traffic() as run:
        routed = [lab.flow(run, lab.host_ip(lab.h, version), to, by, **how) for to, by in WAYS]
        own = [(lab.flow(run, address(MEMBERS.index(to) + 1, None, version), to, by, 1, **how), to)
               for to, by in WAYS]
        run.send()
    faults = [fault for flow in routed for fault in
              [*faults_once(run, flow, "h", ttl=63), *faults_nothing(run, flow, PL)]]
    for flow, to in own:
        faults += faults_once(run, flow, f"svi-{to}", ttl=1)
        faults += [f"changed: {entry}" for entry in run.changed(flow, f"svi-{to}")[:1]]
    assert not faults, "\n".join(faults)


def test_r21_to_an_orphan_of_the_peer_crosses_once(lab: Routing) -> None:
    """O2 is behind S2 alone: from S1 it is reached over the peer link, routed before it."""
    with lab.traffic() as run:
        flows = every_way(lab, run, host_of(lab, "o2"))
        run.send()
    faults = []
    for (_, by, _), flow in flows.items():
        faults += faults_once(run, flow, "o2", ttl=63)
        faults += crossing_faults(run, flow, 20 if by == "s1" else 0)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("owner", MEMBERS)
@pytest.mark.parametrize("version", VERSIONS)
def test_r22_own_addresses_once_ttl_1_and_byte_identical(lab: Routing, version: int, owner: str
                                                         ) -> None:
    """Each address of a member with that member's MAC over both legs, at TTL 1."""
    assert not (faults := check_own_addresses(lab, version, owner, pl_tag=10)), "\n".join(faults)


def test_r22_an_address_added_and_removed_at_run_time(lab: Routing) -> None:
    """A secondary address of S2 is S2's over the leg to S1, soon after it was added."""
    extra = {4: "10.77.0.1", 6: "fd00:77::1"}
    namespace = lab.pair.s2.namespace
    namespace.ip(*(f"address add {extra[v]}/{32 if v == 4 else 128} dev lo" for v in VERSIONS))
    try:
        for text in extra.values():
            wait_for(f"S1 to know {text}", lambda t=text: t in lab.addresses_text("s1"), 5)
        with lab.traffic() as run:
            flows = [lab.flow(run, extra[version], "s2", "s1", ttl=1) for version in VERSIONS]
            run.send()
        faults = [fault for flow in flows for fault in faults_once(run, flow, "svi-s2", ttl=1)]
        assert not faults, "\n".join(faults)
    finally:
        namespace.ip(*(f"address del {extra[v]}/{32 if v == 4 else 128} dev lo" for v in VERSIONS))
    for text in extra.values():
        wait_for(f"S1 to forget {text}", lambda t=text: t not in lab.addresses_text("s1"), 5)


def test_r24_ttl_0_for_a_third_party_is_dropped_and_counted(lab: Routing) -> None:
    """Nothing arrives, nobody answers, and each is counted where it came in."""
    assert not (faults := check_ttl_0(lab)), "\n".join(faults)


def test_r24_ttl_1_for_a_third_party_is_one_icmp_time_exceeded_from_here(lab: Routing) -> None:
    """From the member where it arrived; the packet itself goes nowhere."""
    assert not (faults := check_ttl_1(lab)), "\n".join(faults)


def traceroute(lab: Routing, dst: str, port: int) -> list[str]:
    """Who answers to TTL 1, 2, … until the destination does; by R's own stack."""
    hops = []
    with lab.r.namespace.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_IP, IP_RECVERR, 1)
        sock.bind((address(ROUTER, 10), port))
        for ttl in range(1, 6):
            sock.setsockopt(socket.SOL_IP, socket.IP_TTL, ttl)
            sock.sendto(b"traceroute", (dst, 33434))
            hops.append(wait_for(f"an answer to TTL {ttl}", lambda: error_source(sock), 3, 0.01))
            if hops[-1] == dst:
                break
    return hops


def error_source(sock: socket.socket) -> str | None:
    """Who sent the ICMP error that waits at a socket."""
    try:
        _, ancillary, _, _ = sock.recvmsg(512, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
    except OSError:
        return None
    for level, kind, data in ancillary:
        if level == socket.SOL_IP and kind == IP_RECVERR and len(data) >= 24:
            return socket.inet_ntoa(data[20:24])  # after sock_extended_err: the offender
    return None


def test_r21_traceroute_shows_the_routing_member_once(lab: Routing) -> None:
    """R's own traceroute over both next hops and both legs: a member, then H."""
    paths = [traceroute(lab, lab.host_ip(lab.h), port) for port in range(40_000, 40_016)]
    members = {address(1, 10), address(2, 10)}
    print(f"first hops: {sorted(path[0] for path in paths)}")
    assert all(len(path) == 2 and path[0] in members and path[1] == lab.host_ip(lab.h)
               for path in paths), paths
    assert {path[0] for path in paths} == members


@pytest.mark.parametrize("without", MEMBERS)
def test_r25_no_route_here_the_peer_delivers(lab: Routing, without: str) -> None:
    """The route is gone on the member where it arrives: handed to the peer, whose MAC it has."""
    assert not (faults := check_without_route(lab, without)), "\n".join(faults)


def test_r25_with_the_route_back_nothing_crosses(lab: Routing) -> None:
    """The counter-check of the last one."""
    with lab.traffic() as run:
        flows = every_way(lab, run, BEHIND_H)
        run.send()
    faults = [fault for flow in flows.values() for fault in
              [*faults_once(run, flow, "h", ttl=63), *faults_nothing(run, flow, PL)]]
    assert not faults, "\n".join(faults)


@pytest.mark.usefixtures("unlimited_errors")
def test_r25_nobody_has_a_route_one_icmp_unreachable_and_nothing_circles(lab: Routing) -> None:
    """Handed to the peer at most once; the sender hears it once, whichever way it chose."""
    with lab.traffic() as run:
        flows = every_way(lab, run, NOWHERE)
        run.send()
    faults = []
    for (to, by, _), flow in flows.items():
        faults += faults_nothing(run, flow, "h", "o1", "o2", "r")
        errors = [error for error in run.errors(flow, "r") if error.error == "unreachable"]
        if sorted(error.sequence for error in errors) != list(range(flow.sent)):
            faults.append(f"{flow.name}: {len(errors)} ICMP unreachable for {flow.sent}")
        faults += crossing_faults(run, flow, 0 if to == by else flow.sent)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("kind", ["third party", "own address", "not IP"])
def test_r20_a_tagged_frame_for_another_vlans_router_mac_gets_nowhere(lab: Routing, kind: str
                                                                      ) -> None:
    """O1 and H are on access ports of VLAN 20; tagged for VLAN 10 they reach nobody."""
    senders = [(lab.pair.hosts["o1"], "s1"), (lab.h, "s1"), (lab.h, "s2")]
    with lab.traffic() as run:
        flows = []
        for host, member in senders:
            for to in MEMBERS:
                if kind == "not IP":
                    flows.append(run.flow(f"{host.name} tagged to {to}", host.leg(member),
                                          lab.macs[to], host.mac, rate=100, count=20, vlan=10))
                    continue
                dst = {"third party": lab.host_ip(lab.pair.hosts["o2"]),
                       "own address": address(MEMBERS.index(to) + 1, 10)}[kind]
                flows.append(run.packets(
                    f"{host.name} tagged to {to} by {member}", host.leg(member), lab.macs[to],
                    host.mac, Packet(lab.host_ip(host), dst), 100, 20, vlan=10))
        run.send()
    faults = [fault for flow in flows for fault in
              faults_nothing(run, flow, PL, "r", "h", "o1", "o2", "svi-s1", "svi-s2")]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("how,stranger", [("state 0", "02:00:00:00:77:01"),
                                          ("locked on", "02:00:00:00:77:02")])
def test_r20_a_blocked_or_locked_port_is_no_way_around_the_bridge(lab: Routing, how: str,
                                                                  stranger: str) -> None:
    """O1's port is disabled, or locked and the sender unknown there: nothing comes through."""
    o1, namespace = lab.pair.hosts["o1"], lab.pair.s1.namespace
    namespace.bridge(f"link set dev o1 {how}")
    try:
        time.sleep(0.5)  # for the daemon to hear of it: there is nothing to wait for
        with lab.traffic(vlan=20) as run:
            flows = [run.packets(f"O1 to {dst} with the MAC of {to}", o1.leg("s1"), lab.macs[to],
                                 stranger, Packet(lab.host_ip(o1), dst), 50, 20)
                     for to in MEMBERS
                     for dst in (address(ROUTER, 10), address(MEMBERS.index(to) + 1, 20))]
            flows.append(run.flow("O1, not IP", o1.leg("s1"), lab.macs["s2"], stranger, 50, 20))
            run.send()
    finally:
        namespace.bridge("link set dev o1 state 3", "link set dev o1 locked off")
    faults = [fault for flow in flows for fault in
              faults_nothing(run, flow, PL, "r", "h", "o2", "svi-s1", "svi-s2")]
    assert not faults, "\n".join(faults)


def test_r23_not_ip_with_the_peers_mac_goes_to_the_peer(lab: Routing) -> None:
    """A bare frame to S2's MAC over the leg to S1 is S2's, once, over PL; and the other way."""
    with lab.traffic() as run:
        flows = {(to, by): run.flow(f"R to {to} by {by}", lab.r.leg(by), lab.macs[to], lab.r.mac,
                                    rate=100, count=20) for to, by in WAYS}
        run.send()
    faults = []
    for (to, by), flow in flows.items():
        other = next(name for name in MEMBERS if name != to)
        faults += faults_once(run, flow, f"svi-{to}")
        faults += faults_nothing(run, flow, f"svi-{other}", "h", "o1", "o2", "r")
        faults += faults_once(run, flow, PL) if to != by else faults_nothing(run, flow, PL)
    assert not faults, "\n".join(faults)


def test_r20_an_svi_with_a_mac_of_its_own_routes_each_packet_once(lab: Routing) -> None:
    """S2's br0.10 gets a MAC that is not br0's: once at H, none on PL, own addresses still S2's."""
    namespace, old = lab.pair.s2.namespace, lab.macs["s2"]
    namespace.ip(f"link set br0.10 address {SVI_MAC}")
    try:
        for member in MEMBERS:
            wait_for(f"{member} to know {SVI_MAC}",
                     lambda m=member: SVI_MAC in lab.addresses_text(m), 5)
        with lab.traffic() as run:
            routed = [lab.flow(run, lab.host_ip(lab.h, version), "s2", by, mac=SVI_MAC)
                      for by in MEMBERS for version in VERSIONS]
            own = {(by, version): lab.flow(run, address(2, 10, version), "s2", by, 1, mac=SVI_MAC)
                   for by in MEMBERS for version in VERSIONS}
            run.send()
    finally:
        namespace.ip(f"link set br0.10 address {old}")
        wait_for("S1 to forget the MAC", lambda: SVI_MAC not in lab.addresses_text("s1"), 5)
    faults = []
    for flow in routed:
        faults += faults_once(run, flow, "h", ttl=63)
        faults += faults_nothing(run, flow, PL, "r", "o1", "o2")
    for (by, _), flow in own.items():
        faults += faults_once(run, flow, "svi-s2", ttl=1) + faults_nothing(run, flow, "svi-s1")
        faults += crossing_faults(run, flow, 0 if by == "s2" else flow.sent)
    assert not faults, "\n".join(faults)


def test_r20_senders_stay_known_while_only_routed_traffic_flows(lab: Routing) -> None:
    """R's MAC is still in both tables after seconds of nothing but routed packets."""
    with lab.traffic() as run:
        flows = [lab.flow(run, lab.host_ip(lab.h), to, by, rate=100, count=400)
                 for to, by in WAYS]
        run.start()
        time.sleep(3)
        for member in MEMBERS:
            rows = [row for row in lab.pair.switches[member].mlagd.query("macs")
                    if row["mac"] == lab.r.mac and row["vlan"] == 10]
            assert rows and rows[0]["ifname"] == "bond1", rows
        run.finish()
    faults = [fault for flow in flows for fault in faults_once(run, flow, "h", ttl=63)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("members", [("s1",), ("s2",), MEMBERS], ids="-".join)
@pytest.mark.parametrize("how", RESTARTS)
def test_safe40_a_restart_or_an_upgrade_is_not_noticed(
        lab: Routing, how: str, members: tuple[str, ...], tell: Callable[[str], None]) -> None:
    """To either MAC by either leg, and to the members' own addresses: 0 lost, 0 doubled."""
    text, faults = check_restart(lab, members, how)
    tell(text)
    assert not faults, "\n".join(faults)


def test_counters_of_routing_are_expected_ones(lab: Routing) -> None:
    """After all of the above nothing but TTL 0 was dropped for a reason that is a fault."""
    rows = [row for member in MEMBERS for row in lab.pair.switches[member].mlagd.query("counters")
            if row["packets"] and not row["expected"] and row["reason"] != "ttl-zero"]
    assert not rows, rows


def test_this_suite_can_fail_with_receive_detached_half_crosses_the_peer_link(lab: Routing) -> None:
    """The programs off every port's ingress: each packet still arrives once, half of them by PL."""
    for switch in lab.pair.switches.values():
        switch.mlagd.stop()
        lab.detach_receive(switch)
    try:
        assert count_crossing(lab) == 0.5
    finally:
        lab.pair.start()
