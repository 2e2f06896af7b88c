# SPDX-License-Identifier: BSD-2-Clause
"""R28 and R27: one gateway address and MAC on both members, and no redirects.

The layout of mlab.routing with a shared gateway .254 (fd00:VLAN::fe) on each SVI.  Frames with the
shared MAC are sent by the test on a host's own end of each cable; what the hosts' own stacks do is
asked with ping.
"""

import pytest

from mlab import LabError, Pair, wait_for
from mlab.routed import Packet, RoutedTraffic, faults_nothing, faults_once
from mlab.routing import ROUTER, Routing, address, lay_out, ping
from mlab.topology import MEMBERS, PL, Host

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LAYOUT = lay_out
VERSIONS = (4, 6)
SHARED = (10, 20, 30)


def gateway_mac(vlan: int) -> str:
    """The shared MAC of a VLAN."""
    return f"00:00:5e:00:01:{vlan:02x}"


def gateway_ip(vlan: int, version: int = 4) -> str:
    """The shared address of a VLAN."""
    return f"10.0.{vlan}.254" if version == 4 else f"fd00:{vlan}::fe"


def section(vlan: int) -> dict[str, str]:
    """A [gateway] section; the second address comes by a key that repeats."""
    return {"address": f"{gateway_ip(vlan)}/24\naddress = {gateway_ip(vlan, 6)}/64",
            "mac": gateway_mac(vlan)}


def device(vlan: int) -> str:
    """The gateway's device."""
    return f"br0.{vlan}-gw"


def wait_active(lab: Routing, vlans: tuple[int, ...] = SHARED, members=MEMBERS) -> None:
    """Wait until the gateways are active and both members agree about them."""
    for member in members:
        def probe(member: str = member) -> bool:
            rows = {row["vlan"]: row for row in lab.pair.switches[member].mlagd.query("gateways")}
            bad = [rows.get(vlan) for vlan in vlans if rows.get(vlan, {}).get("state") != "active"]
            if bad:
                raise LabError(f"{member}: {bad}")
            return True

        wait_for(f"{member}: gateways of {vlans}", probe, 15, 0.1)


@pytest.fixture(scope="module", name="lab")
def routing(layout: Pair):
    """Static routes, gateways on both, daemons peered, hosts with the shared gateway."""
    lab = Routing(layout).build()
    for member in MEMBERS:
        daemon = layout.prepare_daemon(member)
        for vlan in SHARED:
            daemon.config[f"gateway {lab.svi(vlan)}"] = section(vlan)
    for name, vlan in (("h", 20), ("o1", 20), ("o2", 30)):
        host = layout.hosts[name]
        host.namespace.ip(*(f"route replace default via {gateway_ip(vlan, version)}"
                            for version in VERSIONS))
    layout.start()
    lab.resolve()
    lab.wait_addresses()
    wait_active(lab)
    return lab


@pytest.fixture(autouse=True)
def known(lab: Routing):
    """Hosts and neighbours are known when a test begins."""
    lab.pair.wait_known()
    lab.resolve()


def send(lab: Routing, run: RoutedTraffic, host: Host, vlan: int, dst: str, by: str, **how):
    """Probes from a host to the shared MAC over the leg to `by`."""
    version = 6 if ":" in dst else 4
    packet = Packet(lab.host_ip(host, version), dst, 64)
    return run.packets(f"{host.name} to {dst} by {by}", host.leg(by), gateway_mac(vlan), host.mac,
                       packet, vlan=host.tag(vlan), **how)


def test_r28_each_packet_is_routed_once_ttl_minus_one_none_on_the_peer_link(lab: Routing) -> None:
    """From a dual host by each leg and from an orphan, to R in another VLAN."""
    with lab.traffic() as run:
        flows = [send(lab, run, lab.pair.hosts[name], 20, address(ROUTER, 10, version), by)
                 for version in VERSIONS for name, by in (("h", "s1"), ("h", "s2"), ("o1", "s1"))]
        run.send()
    faults = []
    for flow in flows:
        faults += faults_once(run, flow, "r", ttl=63)
        faults += faults_nothing(run, flow, PL, "o2")
    assert not faults, "\n".join(faults)


def test_r28_hosts_reach_other_vlans_by_it(lab: Routing) -> None:
    """Their own stacks: ping R and each other."""
    hosts = lab.pair.hosts
    for host, target in ((hosts["h"], hosts["o2"]), (hosts["o1"], hosts["o2"]),
                         (hosts["o2"], hosts["h"])):
        for version in VERSIONS:
            wait_for(f"{host.name} to reach {target.name}",
                     lambda h=host, t=target, v=version:
                     ping(h.namespace, lab.host_ip(t, v)), 5, 0.1,
                     show=lambda h=host: h.namespace.run("ip", "neigh").stdout)
