# SPDX-License-Identifier: BSD-2-Clause
"""The other way to run routing over MLAG: the shared gateway as third-party next hop (R28).

What the members announce to R they announce with the gateway's address as next hop: BGP's NEXT_HOP,
the forwarding address of OSPF's external routes.  R resolves it to the shared MAC, which both
members receive as their own; so whichever leg R's bond chooses, the packet is routed where it
arrives, and no program has to know the peer's router MACs.
"""

from typing import Callable, Iterable, Iterator

import pytest

from mlab import Pair, frr, wait_for
from mlab.gateway import Gateways, gateway_ip
from mlab.routed import RoutedTraffic, faults_nothing, faults_once
from mlab.routing import (ROUTER, Routing, address, bgp_config, kernel_hops, lay_out, ospf6_config,
                          ospf_config, ping)
from mlab.topology import MEMBERS, PL
from mlab.traffic import Flow, Port

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device", "macvlan", "dummy", "vrf"]
LAYOUT = lay_out
VERSIONS = (4, 6)
SHARED_IP = {version: gateway_ip(10, version) for version in VERSIONS}
SHARED_MAC = "00:00:5e:00:01:0a"
NETWORK = {4: "10.0.20.0/24", 6: "fd00:20::/64"}
AGGREGATE = "10.0.16.0/20"
NODES = {"s1": 1, "s2": 2, "r": ROUTER}

pytestmark = pytest.mark.skipif(not frr.is_installed(), reason="FRR is not installed")


def config_bgp(number: int) -> str:
    """eBGP with R; what a member announces has the shared addresses as next hops."""
    text = bgp_config(number, True)
    if number == ROUTER:
        # of an IPv6 next hop R would prefer the link-local one, which is the sender's own
        peers = [address(n, 10, 6) for n in (1, 2)]
        return text.replace(
            " address-family ipv6 unicast\n", " address-family ipv6 unicast\n"
            + "".join(f"  neighbor {peer} route-map IN in\n" for peer in peers)) + \
            "route-map IN permit 10\n set ipv6 next-hop prefer-global\n!\n"
    for version in VERSIONS:
        router = address(ROUTER, 10, version)
        text = text.replace(f" address-family ipv{version} unicast\n",
                            f" address-family ipv{version} unicast\n"
                            f"  neighbor {router} route-map OUT{version} out\n")
    return text + (f"route-map OUT4 permit 10\n set ip next-hop {SHARED_IP[4]}\n!\n"
                   f"route-map OUT6 permit 10\n set ipv6 next-hop global {SHARED_IP[6]}\n!\n")


def config_ospf(number: int) -> str:
    """The hosts' VLANs are not in the area: a static aggregate is redistributed."""
    text = ospf_config(number)
    if number == ROUTER:
        return text
    text = text.replace("interface br0.20\n ip ospf area 0\n ip ospf passive\n!\n", "")
    return text.replace("router ospf\n", "router ospf\n redistribute kernel metric-type 1\n")


def config_ospf6(number: int) -> str:
    """FRR's OSPFv3 has a route-map for it; as a receiver (8.4) it does not follow the address."""
    text = ospf6_config(number)
    if number == ROUTER:
        return text
    text = text.replace("interface br0.20\n ipv6 ospf6 area 0\n ipv6 ospf6 passive\n!\n", "")
    return text.replace("router ospf6\n",
                        "router ospf6\n redistribute connected route-map SHARED\n") + (
        f"route-map SHARED permit 10\n match interface br0.20\n"
        f" set forwarding-address {SHARED_IP[6]}\n!\n")


DAEMONS = {"bgpd": config_bgp, "ospfd": config_ospf, "ospf6d": config_ospf6}


@pytest.fixture(scope="module", name="base")
def gateway_in_the_routers_vlan(layout: Pair) -> Routing:
    """Both daemons peered, a shared gateway in R's VLAN; no static route but OSPF's aggregate."""
    lab = Routing(layout).build(has_static_routes=False)
    for member in MEMBERS:
        namespace = layout.switches[member].namespace
        # The kernel takes no address of its own as a next hop, but in a VRF it is not its own.  All
        # networks of the aggregate are connected; of what is not, the packets end in the dummy.
        namespace.ip("link add nowhere type vrf table 99", "link set nowhere up",
                     "link add discard type dummy", "link set discard master nowhere",
                     "link set discard up",
                     f"route add {AGGREGATE} via {SHARED_IP[4]} dev discard onlink")
    gateways = Gateways(lab)
    assert gateways.mac(10) == SHARED_MAC
    gateways.configure()
    layout.start()
    lab.resolve()
    lab.wait_addresses()
    gateways.wait_active()
    return lab


@pytest.fixture(scope="module", name="lab", params=["bgpd", "ospfd"])
def routing(request: pytest.FixtureRequest, base: Routing) -> Iterator[Routing]:
    """One routing protocol at a time, on S1, S2 and R."""
    daemons = [request.param] if request.param == "bgpd" else ["ospfd", "ospf6d"]
    try:
        base.start_frr(*daemons, **{name: {node: DAEMONS[name](number)
                                           for node, number in NODES.items()} for name in daemons})
        yield base
    finally:
        base.stop_frr()


@pytest.fixture(name="targets")
def networks(request: pytest.FixtureRequest, lab: Routing) -> dict[int, str]:
    """The networks that R reaches by the shared address, by IP version; they are there."""
    is_bgp = "bgpd" in request.node.name
    found = {4: NETWORK[4], 6: NETWORK[6]} if is_bgp else {4: AGGREGATE}
    for version, network in found.items():
        wait_for(f"R to reach {network} by the shared address",
                 lambda n=network, ip=SHARED_IP[version]:
                 set(kernel_hops(lab.r.namespace, n)) == {ip},
                 40, 0.2, show=lambda: lab.r.namespace.run("ip", "route").stdout)
    lab.pair.wait_known()
    lab.resolve()
    return found


def send(lab: Routing, versions: Iterable[int], count: int = 20, during: Callable[[], None] = int
         ) -> tuple[RoutedTraffic, list[Flow], list[Flow]]:
    """R's own stack to H, and by force to the shared MAC over each leg."""
    entries = {f"into-{name}": [Port(switch.namespace, lab.r.switch_lag())]
               for name, switch in lab.pair.switches.items()}
    with RoutedTraffic.of(lab.pair, 1 << 14, **lab.svis(), **entries) as run:
        own = [run.datagrams(f"R itself, IPv{version}, port {port}", lab.r.port,
                             address(ROUTER, 10, version), lab.host_ip(lab.h, version), port,
                             rate=50, count=count)
               for version in versions for port in range(30_001, 30_009)]
        forced = [lab.flow(run, lab.host_ip(lab.h, version), by, by, mac=SHARED_MAC, rate=50,
                           count=count) for version in VERSIONS for by in MEMBERS]
        run.start()
        during()
        run.finish()
    return run, own, forced


def traffic_faults(lab: Routing, versions: Iterable[int]) -> list[str]:
    """Once, one hop less, by both members, nothing on the peer link."""
    run, own, forced = send(lab, versions)
    faults = []
    for flow in [*own, *forced]:
        faults += faults_once(run, flow, "h", ttl=63)
        faults += faults_nothing(run, flow, PL, "o1", "o2", "r")
        faults += [f"not to the shared MAC: {entry}" for member in MEMBERS
                   for entry in run.seen(flow, f"into-{member}")[:1] if entry.dst_mac != SHARED_MAC]
    by = {name: sum(run.result(flow, f"into-{name}").unique for flow in own) for name in MEMBERS}
    print(f"R's own packets by member: {by}")
    return faults + [f"{name} routed nothing" for name, count in by.items() if not count]


def test_r28_r_learns_one_next_hop_for_both_members(lab: Routing, targets: dict[int, str]) -> None:
    """The shared address, from both; R resolves it to the shared MAC, however often it asks."""
    for version in targets:
        for _ in range(5):
            lab.r.namespace.run("ip", f"-{version}", "neigh", "flush", "dev", "bond0")
            assert ping(lab.r.namespace, SHARED_IP[version])
            rows = lab.r.namespace.json("ip", "-j", "neigh", "show", SHARED_IP[version])
            assert [row["lladdr"] for row in rows] == [SHARED_MAC], rows
    if lab.frr["r"].is_running("ospf6d"):
        command = "show ipv6 ospf6 database as-external detail"
        wait_for("two external LSAs with the shared forwarding address",
                 lambda: lab.frr["r"].command("ospf6d", command).count(
                     f"Forwarding-Address: {SHARED_IP[6]}") == len(MEMBERS), 20, 0.2)


def test_r28_traffic_goes_by_both_members_and_none_crosses(lab: Routing, targets: dict[int, str]
                                                           ) -> None:
    """As R's ECMP (of one) and its bond choose, and by force over each leg."""
    assert not (faults := traffic_faults(lab, targets)), "\n".join(faults)


def test_r28_it_needs_no_program(lab: Routing, targets: dict[int, str]) -> None:
    """With `receive` detached from every port and mlagd ended: the same.

    This suite can fail: without the bridge's own entry for the shared MAC packets are flooded too.
    """
    switches = lab.pair.switches.values()
    for switch in switches:
        switch.mlagd.stop()
        lab.detach_receive(switch)
    entry = f"{SHARED_MAC} dev br0 self vlan 10"
    try:
        assert not (faults := traffic_faults(lab, targets)), "\n".join(faults)
        for switch in switches:
            switch.namespace.bridge(f"fdb del {entry}")
        faults = traffic_faults(lab, targets)
        print("without the bridge's entry:", *faults[:4], sep="\n")
        assert any(PL in fault for fault in faults)
    finally:
        for switch in switches:
            switch.namespace.bridge(f"fdb replace {entry} permanent")
        lab.pair.start()


def test_r28_a_member_leaves_the_protocol_and_nothing_changes(lab: Routing, targets: dict[int, str]
                                                              ) -> None:
    """Its routing daemon ends under traffic: R has the same next hop from the other."""
    daemon = "bgpd" if lab.frr["s1"].is_running("bgpd") else "ospfd"
    run, own, forced = send(lab, targets, 150, lambda: lab.frr["s1"].stop(daemon))
    faults = [fault for flow in [*own, *forced] for fault in
              [*faults_once(run, flow, "h", ttl=63), *faults_nothing(run, flow, PL)]]
    faults += [f"R reaches {network} by {hops}" for version, network in targets.items()
               if set(hops := kernel_hops(lab.r.namespace, network)) != {SHARED_IP[version]}]
    assert not faults, "\n".join(faults)
